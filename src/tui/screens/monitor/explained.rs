//! The arithmetic of a verdict over the screen: any kept sample, by either policy.

use ratatui::layout::Size;

use crate::engine::monitor::watch::time;
use crate::engine::monitor::{Point, Policy, Shared, Watch, Word, explain};
use crate::tui::app::context::{Cx, Effect, Handled};
use crate::tui::keymap::{Action, Command};
use crate::tui::overlays::Overlay;
use crate::tui::paint::{Painter, Row, keep};
use crate::tui::style::Role;
use crate::tui::text;

/// The overlay.
#[derive(Debug)]
pub struct Explained {
    /// The sample, by its time.
    at: i64,
    guide: bool,
    scroll: usize,
    frozen: Option<Shared>,
}

impl Explained {
    /// Explains the sample taken at `at`, of a frozen picture where there is one.
    pub const fn new(at: i64, frozen: Option<Shared>) -> Self {
        Self {
            at,
            guide: false,
            scroll: 0,
            frozen,
        }
    }

    fn watch<'a>(&'a self, cx: &Cx<'a>) -> Option<&'a Watch> {
        self.frozen.as_deref().or(cx.snapshot.monitor.as_deref())
    }

    fn index(&self, watch: &Watch) -> Option<usize> {
        watch
            .history
            .iter()
            .rposition(|point| point.at() <= self.at)
            .or_else(|| (!watch.history.is_empty()).then_some(0))
    }

    fn point<'a>(&'a self, cx: &Cx<'a>) -> Option<(&'a Watch, &'a Point)> {
        let watch = self.watch(cx)?;
        Some((watch, watch.history.get(self.index(watch)?)?))
    }

    fn lines(&self, cx: &Cx<'_>) -> Vec<explain::Line> {
        let Some((watch, point)) = self.point(cx) else {
            return Vec::new();
        };
        let (this, other) = if self.guide {
            (&point.guide, &point.verdict)
        } else {
            (&point.verdict, &point.guide)
        };
        explain::lines(this, Some(other), watch.criteria(), watch.baseline())
    }
}

impl Overlay for Explained {
    fn title(&self, cx: &Cx<'_>) -> Vec<(String, Role)> {
        let dash = format!(" {} ", cx.look.glyphs.horizontal);
        let at = self
            .point(cx)
            .and_then(|(_, point)| time(point.at()))
            .map_or_else(|| "no sample".to_owned(), |at| format!("sample {}", cx.now.clock_seconds(at)));
        let policy = if self.guide { Policy::Guide } else { Policy::Default };
        vec![
            ("Verdict explained".to_owned(), Role::Critical),
            (dash, Role::Muted),
            (format!("{at}, policy {}", policy.name()), Role::Text),
        ]
    }

    fn commands(&self, _cx: &Cx<'_>) -> Vec<Command> {
        vec![
            Command::new(Action::Left, "other sample").and(Action::Right),
            Command::new(Action::Policy, "policy"),
            Command::new(Action::Copy, "copy"),
            Command::new(Action::Close, "close").keys("Esc"),
        ]
    }

    fn size(&self, _cx: &Cx<'_>, screen: Size) -> Size {
        Size {
            width: 96.min(screen.width),
            height: 21.min(screen.height),
        }
    }

    fn render(&mut self, painter: &mut Painter<'_>, cx: &Cx<'_>) {
        let (width, height) = (painter.width(), painter.height());
        let Some((_, point)) = self.point(cx) else {
            return painter.row(0, &Row::prose("No sample has been taken yet.", Role::Muted));
        };
        let (why, word) = (point.taken.why.clone(), point.verdict.word);
        let mut rows = Vec::new();
        for line in self.lines(cx) {
            if line.name == "Score" {
                rows.push(Row::rule());
            }
            let role = match () {
                () if line.result.contains("BREACH") => Role::Bad,
                () if line.result.contains("UNKNOWN") => Role::Unknown,
                () if line.name == "Score" && word == Word::Breach => Role::Bad,
                () => Role::Text,
            };
            let needed = text::cells(&line.result) + 2;
            let room = width.saturating_sub(18 + needed);
            let side_by_side = text::cells(&line.text) <= room;
            let row = Row::new()
                .at(1, line.name, Role::Critical)
                .at(17, line.text, Role::Text)
                .keep(keep::FIGURE);
            if side_by_side {
                rows.push(row.right(1, line.result, role));
            } else {
                rows.push(row);
                rows.push(Row::new().right(1, line.result, role).keep(keep::FIGURE));
            }
        }
        for missing in why {
            rows.push(Row::new().at(1, "Missing", Role::Unknown).at(17, missing, Role::Text).keep(keep::FIGURE));
        }
        let most = rows.len().saturating_sub(usize::from(height));
        self.scroll = self.scroll.min(most);
        let shown: Vec<Row> = rows.into_iter().skip(self.scroll).take(usize::from(height)).collect();
        painter.rows(&shown);
    }

    fn act(&mut self, action: Action, cx: &Cx<'_>) -> Handled {
        let step = |by: isize| {
            let watch = self.watch(cx)?;
            let index = self.index(watch)?.checked_add_signed(by)?;
            watch.history.get(index).map(Point::at)
        };
        match action {
            Action::Left => self.at = step(-1).unwrap_or(self.at),
            Action::Right => self.at = step(1).unwrap_or(self.at),
            Action::First => self.at = i64::MIN,
            Action::Last => self.at = i64::MAX,
            Action::Policy => self.guide = !self.guide,
            Action::Down | Action::PageDown => self.scroll += 1,
            Action::Up | Action::PageUp => self.scroll = self.scroll.saturating_sub(1),
            Action::Copy => {
                let lines: Vec<String> = self
                    .lines(cx)
                    .into_iter()
                    .map(|line| format!("{:<16} {:<58} {}", line.name, line.text, line.result).trim_end().to_owned())
                    .collect();
                return Handled::one(Effect::Copy(lines.join("\n")));
            }
            _ => return Handled::No,
        }
        Handled::done()
    }
}
