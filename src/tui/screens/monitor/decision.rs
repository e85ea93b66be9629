//! A decision that asks for a reason and the target's name: arming the rollback, or keeping on in spite of a breach.

use std::time::Duration;

use crossterm::event::KeyEvent;
use ratatui::layout::Size;

use super::{decide, reasoned};
use crate::tui::app::context::{Cx, Effect, Handled};
use crate::tui::keymap::{Action, Command};
use crate::tui::overlays::Overlay;
use crate::tui::overlays::confirm::DEAF;
use crate::tui::paint::{Painter, Row, keep};
use crate::tui::style::Role;
use crate::tui::text;
use crate::tui::widgets::field::Field;

/// What is decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Subject {
    /// A verdict to roll back starts the rollback by itself.
    Arm,
    /// The latched verdict is taken back.
    KeepOn,
}

impl Subject {
    const fn title(self) -> &'static str {
        match self {
            Self::Arm => "Arm automatic rollback",
            Self::KeepOn => "Keep on in spite of the breach",
        }
    }

    const fn says(self) -> &'static str {
        match self {
            Self::Arm => "From now on a verdict to roll back starts the rollback by itself, after 60 s that anybody can stop with X.",
            Self::KeepOn => "The latched verdict is taken back. Everything has to be confirmed again; the next breach latches anew.",
        }
    }

    const fn subject(self) -> &'static str {
        match self {
            Self::Arm => "armed",
            Self::KeepOn => "unlatch",
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Focus {
    Cancel,
    Reason,
    Name,
    Act,
}

/// The dialog.
#[derive(Debug)]
pub struct Decision {
    subject: Subject,
    target: String,
    reason: Field,
    name: Field,
    focus: Focus,
    opened: Duration,
}

impl Decision {
    /// A dialog with Cancel focused.
    pub fn new(subject: Subject, target: &str, opened: Duration) -> Self {
        Self {
            subject,
            target: target.to_owned(),
            reason: Field::line(""),
            name: Field::line(""),
            focus: Focus::Cancel,
            opened,
        }
    }

    fn off(&self) -> Option<&'static str> {
        if self.reason.text().trim().is_empty() {
            return Some("A reason is needed.");
        }
        (self.name.text() != self.target).then_some("The name is not yet equal.")
    }
}

impl Overlay for Decision {
    fn title(&self, _cx: &Cx<'_>) -> Vec<(String, Role)> {
        vec![(self.subject.title().to_owned(), Role::Critical)]
    }

    fn commands(&self, _cx: &Cx<'_>) -> Vec<Command> {
        let close = if self.editing() { "Esc or Ctrl-C" } else { "Esc" };
        vec![
            Command::new(Action::NextRegion, "next field"),
            Command::new(Action::Open, "do it"),
            Command::new(Action::Close, "close").keys(close),
        ]
    }

    fn size(&self, _cx: &Cx<'_>, screen: Size) -> Size {
        Size {
            width: 65.min(screen.width),
            height: 11.min(screen.height),
        }
    }

    fn render(&mut self, painter: &mut Painter<'_>, cx: &Cx<'_>) {
        let width = usize::from(painter.width());
        let glyphs = painter.glyphs();
        let mut rows: Vec<Row> = text::wrap(self.subject.says(), width.saturating_sub(2))
            .into_iter()
            .map(|line| Row::prose(line, Role::Text))
            .collect();
        rows.push(Row::blank());
        let field = |label: &str, field: &Field, here: bool| {
            let caret = if here { glyphs.caret } else { "" };
            let sign = if here { glyphs.cursor } else { " " };
            let shown = field.shown(40, caret).trim_end().to_owned();
            Row::new()
                .at(1, sign, Role::Accent)
                .at(3, label, Role::Muted)
                .at(20, if shown.is_empty() { "…".to_owned() } else { shown }, Role::Text)
                .keep(keep::ALWAYS)
        };
        rows.push(field("Reason", &self.reason, self.focus == Focus::Reason));
        rows.push(field(
            &format!("Type {}", text::elide_middle(&self.target, 11, glyphs.elision)),
            &self.name,
            self.focus == Focus::Name,
        ));
        rows.push(Row::blank());
        let button = |label: &str, here: bool| {
            if here {
                format!("[{}{label}{}]", glyphs.cursor, glyphs.cursor_back)
            } else {
                format!("[ {label} ]")
            }
        };
        let why = cx.held().or_else(|| self.off().map(str::to_owned));
        let act = match self.subject {
            Subject::Arm => "Arm",
            Subject::KeepOn => "Keep on",
        };
        let role = if why.is_some() { Role::Muted } else { Role::Text };
        rows.push(
            Row::new()
                .at(3, button("Cancel", self.focus == Focus::Cancel), Role::Text)
                .at(16, button(act, self.focus == Focus::Act), role)
                .at(30, why.unwrap_or_default(), Role::Warn)
                .keep(keep::ALWAYS),
        );
        painter.rows(&rows);
    }

    fn editing(&self) -> bool {
        matches!(self.focus, Focus::Reason | Focus::Name)
    }

    fn typed(&mut self, key: &KeyEvent, _cx: &Cx<'_>) -> Handled {
        let taken = match self.focus {
            Focus::Reason => self.reason.typed(key),
            Focus::Name => self.name.typed(key),
            Focus::Cancel | Focus::Act => false,
        };
        if taken { Handled::done() } else { Handled::No }
    }

    fn act(&mut self, action: Action, cx: &Cx<'_>) -> Handled {
        const ORDER: [Focus; 4] = [Focus::Cancel, Focus::Reason, Focus::Name, Focus::Act];
        let here = ORDER.iter().position(|focus| *focus == self.focus).unwrap_or(0);
        match action {
            Action::NextRegion | Action::Down => self.focus = ORDER[(here + 1) % 4],
            Action::PreviousRegion | Action::Up => self.focus = ORDER[(here + 3) % 4],
            Action::Open => match self.focus {
                Focus::Cancel => return Handled::one(Effect::Close),
                Focus::Reason | Focus::Name => self.focus = ORDER[here + 1],
                Focus::Act if self.off().is_none() && cx.held().is_none() => {
                    let choice = reasoned(self.reason.text().trim(), &self.target);
                    let mut effects = vec![Effect::Close];
                    if let Handled::Yes(more) = decide(self.subject.subject(), choice) {
                        effects.extend(more);
                    }
                    return Handled::Yes(effects);
                }
                Focus::Act => {}
            },
            _ => return Handled::No,
        }
        Handled::done()
    }

    fn deaf(&self, cx: &Cx<'_>) -> bool {
        cx.now.mono.saturating_sub(self.opened) < DEAF
    }
}
