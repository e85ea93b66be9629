//! Every command of the screen and of the wizard: type to filter, Enter runs. What is off stays, with its reason.

use crossterm::event::KeyEvent;
use ratatui::layout::{Rect, Size};

use super::{Overlay, usual};
use crate::engine::text::count;
use crate::tui::app::context::{Cx, Effect, Handled};
use crate::tui::keymap::hints;
use crate::tui::keymap::{Action, Command};
use crate::tui::paint::{Painter, Row};
use crate::tui::style::Role;
use crate::tui::text;
use crate::tui::widgets::field::Field;
use crate::tui::widgets::list::List;

/// The overlay.
#[derive(Debug)]
pub struct Help {
    place: String,
    script: Option<String>,
    commands: Vec<Command>,
    filter: Field,
    list: List,
    reason: Option<String>,
    on_script: bool,
}

impl Help {
    /// Help for a place: its commands with those of the wizard, and the shell line that does the same as its next step.
    #[must_use]
    pub fn new(place: &str, script: Option<String>, commands: Vec<Command>) -> Self {
        Self {
            place: place.to_owned(),
            script,
            commands,
            filter: Field::line(""),
            list: List::default(),
            reason: None,
            on_script: false,
        }
    }

    fn matching(&self, cx: &Cx<'_>) -> Vec<&Command> {
        let wanted = self.filter.text().to_lowercase();
        self.commands
            .iter()
            .filter(|command| {
                let keys = hints::keys(cx.keys, command);
                // A key that another line names already has no line of its own.
                if command.keys == Some("") {
                    return false;
                }
                wanted.is_empty()
                    || command.label.to_lowercase().contains(&wanted)
                    || command.sentence().to_lowercase().contains(&wanted)
                    || keys.to_lowercase() == wanted
            })
            .collect()
    }
}

impl Overlay for Help {
    fn title(&self, cx: &Cx<'_>) -> Vec<(String, Role)> {
        let dash = format!(" {} ", cx.look.glyphs.horizontal);
        let filter = self.filter.shown(24, cx.look.glyphs.caret);
        vec![
            ("Help and commands".to_owned(), Role::Critical),
            (dash.clone(), Role::Muted),
            (self.place.clone(), Role::Text),
            (dash, Role::Muted),
            ("filter ".to_owned(), Role::Muted),
            (filter.trim_end().to_owned(), Role::Text),
        ]
    }

    fn commands(&self, _cx: &Cx<'_>) -> Vec<Command> {
        vec![
            Command::new(Action::Filter, "to filter").keys("type"),
            Command::new(Action::Open, "runs"),
            Command::new(Action::Down, "move").keys("↑ ↓"),
            Command::new(Action::Close, "close").keys("Esc or Ctrl-C"),
        ]
    }

    fn size(&self, _cx: &Cx<'_>, screen: Size) -> Size {
        usual(screen)
    }

    fn render(&mut self, painter: &mut Painter<'_>, cx: &Cx<'_>) {
        let (width, height) = (painter.width(), painter.height());
        let mut top = 0;
        if let Some(script) = &self.script
            && height > 6
        {
            let sign = if self.on_script {
                painter.glyphs().cursor
            } else {
                " "
            };
            let row = Row::new()
                .at(1, sign, Role::Accent)
                .at(3, "Enter copies", Role::Muted)
                .at(18, script.clone(), Role::Text)
                .selected(self.on_script);
            painter.row(0, &row);
            painter.row(1, &Row::rule());
            top = 2;
        }
        let total = self
            .commands
            .iter()
            .filter(|command| command.keys != Some(""))
            .count();
        let reason = self.reason.clone();
        let rows: Vec<Command> = self.matching(cx).into_iter().cloned().collect();
        let foot = match (&reason, rows.len()) {
            (Some(reason), _) => reason.clone(),
            (None, 0) => format!(
                "No command matches \"{}\". Clear the filter to see all.",
                self.filter.text()
            ),
            (None, _) if self.filter.is_empty() => format!("{} commands.", count(total as u64)),
            (None, some) => format!(
                "{} of {} commands match \"{}\". Clear the filter to see all.",
                count(some as u64),
                count(total as u64),
                self.filter.text()
            ),
        };
        let foot = text::wrap(&foot, usize::from(width.saturating_sub(2)));
        let foot_height = u16::try_from(foot.len())
            .unwrap_or(1)
            .min(height.saturating_sub(top + 1));
        let body = Rect {
            x: 0,
            y: top,
            width,
            height: height.saturating_sub(top + foot_height),
        };
        let keys = cx.keys;
        let glyphs = cx.look.glyphs;
        let mut part = painter.part(body);
        let on_list = !self.on_script;
        self.list.draw(&mut part, rows.len(), on_list, |index, here| {
            let here = here && on_list;
            let command = &rows[index];
            let (sign, role) = match (&command.off, here) {
                (_, true) => (glyphs.cursor, Role::Accent),
                (Some(_), false) => (glyphs.skipped, Role::Muted),
                (None, false) => (" ", Role::Text),
            };
            let written = hints::keys(keys, command);
            let about = if command.hint && !command.label.is_empty() && width >= 60 {
                format!("{}: {}", command.label, command.sentence())
            } else {
                command.sentence().to_owned()
            };
            let row = Row::new()
                .at(1, sign, role)
                .at(3, written, Role::Accent)
                .at(12, about, Role::Text);
            match &command.off {
                Some(_) if here => row.right(1, "off", Role::Warn),
                Some(reason) => row.right(
                    1,
                    text::elide_end(reason, usize::from(width / 2), "…"),
                    Role::Muted,
                ),
                None => row,
            }
        });
        for (line, y) in foot.iter().zip(height.saturating_sub(foot_height)..height) {
            let role = if reason.is_some() { Role::Warn } else { Role::Muted };
            painter.row(y, &Row::prose(line.clone(), role));
        }
    }

    fn act(&mut self, action: Action, cx: &Cx<'_>) -> Handled {
        self.reason = None;
        let len = self.matching(cx).len();
        match action {
            Action::Open if self.on_script => {
                let script = self.script.clone().unwrap_or_default();
                Handled::Yes(vec![Effect::Close, Effect::Copy(script)])
            }
            Action::Open => {
                let chosen = self
                    .matching(cx)
                    .get(self.list.cursor)
                    .map(|command| (*command).clone());
                match chosen {
                    Some(Command {
                        off: Some(reason), ..
                    }) => {
                        self.reason = Some(reason);
                        Handled::done()
                    }
                    Some(command) => Handled::Yes(vec![Effect::Close, Effect::Run(command.action)]),
                    None => Handled::done(),
                }
            }
            Action::Up if self.list.cursor == 0 && self.script.is_some() => {
                self.on_script = true;
                Handled::done()
            }
            Action::Down if self.on_script => {
                self.on_script = false;
                Handled::done()
            }
            Action::Close | Action::Interrupt => Handled::No,
            action => {
                self.on_script = false;
                self.list.act(action, len);
                Handled::done()
            }
        }
    }

    fn editing(&self) -> bool {
        true
    }

    fn typed(&mut self, key: &KeyEvent, _cx: &Cx<'_>) -> Handled {
        if self.filter.typed(key) {
            self.list = List::default();
            self.on_script = false;
            self.reason = None;
            return Handled::done();
        }
        Handled::No
    }
}
