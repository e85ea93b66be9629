//! The verdict explained: the arithmetic of any sample, line by line, by either policy, and what was missing in whose words.

use jiff::Timestamp;
use ratatui::layout::{Rect, Size};

use super::{Overlay, usual};
use crate::engine::command::Command as Order;
use crate::engine::monitor::explain::{self, Line};
use crate::engine::monitor::watch::time;
use crate::engine::monitor::{Criteria, Judged, Point, Policy, Watch};
use crate::engine::text::inert;
use crate::tui::app::context::{Cx, Effect, Handled};
use crate::tui::keymap::{Action, Command};
use crate::tui::paint::{Painter, Row, keep};
use crate::tui::style::Role;
use crate::tui::text;

/// Where the sums begin.
const SUMS: u16 = 15;
/// And where that of the score does.
const SCORE: u16 = 9;

/// The overlay. It keeps the samples there were when it was opened, so that nothing moves while it is read.
#[derive(Debug)]
pub struct Explained {
    points: Vec<Point>,
    criteria: Criteria,
    baseline: Option<f64>,
    at: usize,
    policy: Policy,
    top: usize,
}

impl Explained {
    /// The newest sample; `None` before there is one.
    #[must_use]
    pub fn newest(watch: &Watch) -> Option<Self> {
        let points: Vec<Point> = watch.history.iter().cloned().collect();
        let at = points.len().checked_sub(1)?;
        Some(Self {
            points,
            criteria: *watch.criteria(),
            baseline: watch.baseline(),
            at,
            policy: Policy::Default,
            top: 0,
        })
    }

    /// Shows its end first: where the figures came from, and what was missing.
    #[must_use]
    pub const fn at_source(mut self) -> Self {
        self.top = usize::MAX;
        self
    }

    fn point(&self) -> Option<&Point> {
        self.points.get(self.at)
    }

    fn when(&self) -> Option<Timestamp> {
        self.point().and_then(|point| time(point.at()))
    }

    fn lines(&self, clock: &dyn Fn(Timestamp) -> String) -> Vec<Line> {
        let Some(point) = self.point() else {
            return Vec::new();
        };
        let (verdict, other) = match self.policy {
            Policy::Default => (&point.verdict, &point.guide),
            Policy::Guide => (&point.guide, &point.verdict),
        };
        let confirmed = |judged: &Judged| {
            let times = explain::confirming(self.points.iter().take(self.at + 1), judged);
            let said: Vec<String> = times.into_iter().filter_map(time).map(clock).collect();
            said.join(", ")
        };
        explain::lines(verdict, Some(other), &self.criteria, self.baseline, &confirmed)
    }

    fn rows(&self, width: u16, cx: &Cx<'_>) -> Vec<Row> {
        let mut rows = Vec::new();
        let mut before = None;
        for line in self.lines(&|at| cx.now.clock(at)) {
            if before.is_some() && line.criterion.is_none() {
                rows.push(Row::rule());
            }
            before = line.criterion;
            rows.extend(one(&line, width));
        }
        let Some(point) = self.point() else {
            return rows;
        };
        rows.push(Row::rule());
        let mut say = |label: &str, value: &str, role: Role| {
            let room = usize::from(width.saturating_sub(SUMS + 1)).max(8);
            for (index, line) in text::wrap(value, room).into_iter().enumerate() {
                let label = if index == 0 { label } else { "" };
                rows.push(
                    Row::new()
                        .at(1, label, Role::Muted)
                        .at(SUMS, line, role)
                        .keep(keep::NORMAL),
                );
            }
        };
        let from = format!(
            "{}, took\u{a0}{}\u{a0}ms",
            inert(&point.taken.source),
            point.taken.ms
        );
        say("Source", &from, Role::Text);
        for why in &point.taken.why {
            say("Missing", &inert(why), Role::Unknown);
        }
        rows
    }

    fn as_text(&self) -> String {
        let mut out = vec![self.heading(|at| at.to_string())];
        let clock = |at: Timestamp| at.strftime("%H:%M:%SZ").to_string();
        out.extend(self.lines(&clock).iter().map(|line| {
            format!("{:<15}{}  {}", line.name, line.text, line.result)
                .trim_end()
                .to_owned()
        }));
        out.join("\n")
    }

    fn heading(&self, clock: impl Fn(Timestamp) -> String) -> String {
        let when = self.when().map_or_else(|| "?".to_owned(), clock);
        format!("sample {when}, policy {}", self.policy.name())
    }
}

/// One line of the sum: on one row where it fits, else the result below it.
fn one(line: &Line, width: u16) -> Vec<Row> {
    let role = if line.result.contains("BREACH") {
        Role::Bad
    } else if line.result.contains("UNKNOWN") {
        Role::Unknown
    } else if line.result.contains("over") {
        Role::Warn
    } else {
        Role::Text
    };
    let name = || {
        let role = if line.name.starts_with(' ') {
            Role::Muted
        } else {
            Role::Critical
        };
        Row::new().at(1, line.name.clone(), role).keep(keep::FIGURE)
    };
    let start = match line.criterion {
        None if line.name.is_empty() => 1,
        None => SCORE,
        Some(_) => SUMS,
    };
    let room = width.saturating_sub(start + 1);
    if text::cells(&line.text) + 2 + text::cells(&line.result) <= room {
        let row = name().at(start, line.text.clone(), Role::Text);
        return vec![row.right(1, line.result.clone(), role)];
    }
    let mut rows: Vec<Row> = text::wrap(&line.text, usize::from(room).max(8))
        .into_iter()
        .enumerate()
        .map(|(index, text)| {
            let row = if index == 0 {
                name()
            } else {
                Row::new().keep(keep::FIGURE)
            };
            row.at(start, text, Role::Text)
        })
        .collect();
    if !line.result.is_empty() {
        rows.push(Row::new().right(1, line.result.clone(), role).keep(keep::FIGURE));
    }
    rows
}

impl Overlay for Explained {
    fn title(&self, cx: &Cx<'_>) -> Vec<(String, Role)> {
        vec![
            ("Verdict explained".to_owned(), Role::Critical),
            (format!(" {} ", cx.look.glyphs.horizontal), Role::Muted),
            (self.heading(|at| cx.now.clock_seconds(at)), Role::Text),
        ]
    }

    fn commands(&self, cx: &Cx<'_>) -> Vec<Command> {
        let alone = (self.points.len() < 2).then(|| "There is one sample only.".to_owned());
        vec![
            Command::new(Action::Left, "other sample")
                .and(Action::Right)
                .off(alone),
            Command::new(Action::Policy, "policy").about("judge this sample by the other policy"),
            Command::new(Action::Down, "scroll").and(Action::Up).quiet(),
            Command::new(Action::Copy, "copy"),
            Command::new(Action::Save, "save input")
                .about("write the samples up to this one to a file that monitor replay reads")
                .off(cx.held()),
            Command::new(Action::Close, "close").keys("Esc or q"),
        ]
    }

    fn size(&self, cx: &Cx<'_>, screen: Size) -> Size {
        let usual = usual(screen);
        let rows = self.rows(usual.width.saturating_sub(2), cx).len();
        let height = u16::try_from(rows).unwrap_or(u16::MAX).saturating_add(2);
        Size {
            width: usual.width,
            height: height.clamp(14.min(screen.height), screen.height.saturating_sub(2).max(1)),
        }
    }

    fn render(&mut self, painter: &mut Painter<'_>, cx: &Cx<'_>) {
        let (width, height) = (painter.width(), painter.height());
        let rows = self.rows(width, cx);
        let room = usize::from(height);
        let more = rows.len() > room;
        let shown = if more { room.saturating_sub(1) } else { room };
        self.top = self.top.min(rows.len().saturating_sub(shown));
        for (y, row) in (0..).zip(rows.iter().skip(self.top).take(shown)) {
            painter.row(y, row);
        }
        if more {
            let last = (self.top + shown).min(rows.len());
            let arrows = cx.look.glyphs.prose("↑ ↓").into_owned();
            let place = format!("{arrows}  {}-{last}/{}", self.top + 1, rows.len());
            let bottom = Rect {
                x: 0,
                y: height.saturating_sub(1),
                width,
                height: 1,
            };
            painter
                .part(bottom)
                .row(0, &Row::new().right(1, place, Role::Muted));
        }
    }

    fn act(&mut self, action: Action, _cx: &Cx<'_>) -> Handled {
        let last = self.points.len().saturating_sub(1);
        match action {
            Action::Left => self.at = self.at.saturating_sub(1),
            Action::Right => self.at = (self.at + 1).min(last),
            Action::First => self.at = 0,
            Action::Last => self.at = last,
            Action::Down => self.top = self.top.saturating_add(1),
            Action::Up => self.top = self.top.saturating_sub(1),
            Action::Policy => {
                self.policy = match self.policy {
                    Policy::Default => Policy::Guide,
                    Policy::Guide => Policy::Default,
                };
            }
            Action::Copy => return Handled::one(Effect::Copy(self.as_text())),
            Action::Save => {
                if let Some(until) = self.when() {
                    return Handled::one(Effect::Send(Order::SaveSamples { until }));
                }
            }
            Action::Close | Action::Leave | Action::Interrupt => return Handled::No,
            _ => {}
        }
        Handled::done()
    }
}
