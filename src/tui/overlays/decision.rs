//! A decision with a reason, recorded under the operator's name: one of several ways, the reason, and where a safeguard is
//! given up the target's name. Nothing is sent before the button; the button is reached by Tab alone.

use std::fmt;
use std::time::Duration;

use crossterm::event::{KeyCode, KeyEvent};
use jiff::Timestamp;
use ratatui::layout::{Rect, Size};
use serde_json::Value;

use super::confirm::DEAF;
use super::{Overlay, known_as};
use crate::engine::Capability;
use crate::engine::command::Command as Order;
use crate::tui::app::context::{Cx, Effect, Handled};
use crate::tui::keymap::{Action, Command};
use crate::tui::paint::{Painter, Row, keep};
use crate::tui::style::Role;
use crate::tui::text;
use crate::tui::widgets::field::Field;

/// Column of what is typed.
const VALUES: u16 = 10;

/// The choice from the reason and the moment.
type Chosen = Box<dyn Fn(&str, Timestamp) -> Value>;

/// One way to decide.
pub struct Way {
    label: String,
    subject: &'static str,
    named: bool,
    choice: Chosen,
}

impl fmt::Debug for Way {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Way")
            .field("label", &self.label)
            .finish_non_exhaustive()
    }
}

impl Way {
    /// A way with its label, the subject of its decision, and the choice it makes of reason and moment.
    pub fn new(
        label: impl Into<String>,
        subject: &'static str,
        choice: impl Fn(&str, Timestamp) -> Value + 'static,
    ) -> Self {
        Self {
            label: label.into(),
            subject,
            named: false,
            choice: Box::new(choice),
        }
    }

    /// The target's name must be typed too.
    #[must_use]
    pub const fn named(mut self) -> Self {
        self.named = true;
        self
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Focus {
    Ways,
    Reason,
    Name,
    Cancel,
    Act,
}

/// The dialog.
#[derive(Debug)]
pub struct Decision {
    title: String,
    capability: Capability,
    target: String,
    lines: Vec<(String, Role)>,
    ways: Vec<Way>,
    chosen: usize,
    reason: Field,
    name: Field,
    focus: Focus,
    opened: Duration,
    problem: Option<String>,
}

impl Decision {
    /// A dialog about `capability`; `target` is the name that is typed where a way asks for it.
    #[must_use]
    pub fn new(
        title: impl Into<String>,
        capability: Capability,
        target: String,
        lines: Vec<(String, Role)>,
        ways: Vec<Way>,
        opened: Duration,
    ) -> Self {
        let focus = if ways.len() > 1 {
            Focus::Ways
        } else {
            Focus::Reason
        };
        Self {
            title: title.into(),
            capability,
            target,
            lines,
            ways,
            chosen: 0,
            reason: Field::line(""),
            name: Field::line(""),
            focus,
            opened,
            problem: None,
        }
    }

    fn way(&self) -> Option<&Way> {
        self.ways.get(self.chosen)
    }

    fn needs_name(&self) -> bool {
        self.way().is_some_and(|way| way.named)
    }

    fn named(&self) -> bool {
        !self.needs_name() || self.name.text() == self.target
    }

    /// Why the button is off.
    fn off(&self, cx: &Cx<'_>) -> Option<String> {
        if let Some(held) = cx.held() {
            return Some(format!("Not now: {held}"));
        }
        if self.reason.text().trim().is_empty() {
            return Some("A reason is needed.".to_owned());
        }
        (!self.named()).then(|| "The name is not yet equal.".to_owned())
    }

    /// The places that Tab goes through.
    fn places(&self) -> Vec<Focus> {
        let mut places = Vec::new();
        if self.ways.len() > 1 {
            places.push(Focus::Ways);
        }
        places.push(Focus::Reason);
        if self.needs_name() {
            places.push(Focus::Name);
        }
        places.extend([Focus::Cancel, Focus::Act]);
        places
    }

    fn step(&mut self, forward: bool) {
        let places = self.places();
        let at = places.iter().position(|place| *place == self.focus).unwrap_or(0);
        let next = if forward {
            (at + 1) % places.len()
        } else {
            (at + places.len() - 1) % places.len()
        };
        self.focus = places[next];
    }

    fn enter(&mut self, cx: &Cx<'_>) -> Handled {
        match self.focus {
            // Enter goes on from a field, as far as Cancel, and acts on the button only.
            Focus::Ways | Focus::Reason | Focus::Name => {
                self.step(true);
                Handled::done()
            }
            Focus::Cancel => Handled::one(Effect::Close),
            Focus::Act => {
                if let Some(reason) = self.off(cx) {
                    self.problem = Some(reason);
                    return Handled::done();
                }
                let Some(way) = self.way() else {
                    return Handled::one(Effect::Close);
                };
                let order = Order::Decide {
                    capability: self.capability,
                    subject: way.subject.to_owned(),
                    choice: (way.choice)(self.reason.text().trim(), cx.now.at),
                };
                Handled::Yes(vec![Effect::Close, Effect::Send(order)])
            }
        }
    }

    fn rows(&self, width: u16, cx: &Cx<'_>) -> Vec<Row> {
        let glyphs = cx.look.glyphs;
        let inside = usize::from(width.saturating_sub(2)).max(1);
        let loud = if cx.snapshot.environment.is_production() {
            Role::Banner
        } else {
            Role::Critical
        };
        let word = cx.snapshot.environment.word();
        let target_at = VALUES + text::cells(word) + 2;
        let mut rows = vec![
            Row::new()
                .at(1, "On", Role::Muted)
                .at(VALUES, word, loud)
                .at(target_at, known_as(&self.target, &cx.snapshot.target), Role::Text)
                .middle(width.saturating_sub(target_at + 1))
                .keep(keep::ALWAYS),
        ];
        for (line, role) in &self.lines {
            rows.extend(
                text::wrap(line, inside)
                    .into_iter()
                    .map(|line| Row::prose(line, *role).keep(keep::NORMAL)),
            );
        }
        rows.push(Row::blank());
        if self.ways.len() > 1 {
            for (index, way) in self.ways.iter().enumerate() {
                let chosen = index == self.chosen;
                let here = chosen && self.focus == Focus::Ways;
                let sign = if chosen { glyphs.chosen } else { glyphs.option };
                rows.push(
                    Row::new()
                        .at(1, if here { glyphs.cursor } else { " " }, Role::Accent)
                        .at(3, sign, Role::Text)
                        .at(7, way.label.clone(), Role::Text)
                        .selected(here)
                        .keep(keep::FIGURE),
                );
            }
            rows.push(Row::blank());
        }
        let field = |label: &str, field: &Field, here: bool, word: &str, role: Role| {
            let caret = if here { glyphs.caret } else { "" };
            let room = width.saturating_sub(VALUES + 4 + text::cells(word));
            Row::new()
                .at(1, label, if here { Role::Critical } else { Role::Muted })
                .at(VALUES, "> ", Role::Accent)
                .then(field.shown(room, caret).trim_end().to_owned(), Role::Text)
                .right(1, word, role)
                .keep(keep::ALWAYS)
        };
        let (word, role) = if self.reason.text().trim().is_empty() {
            ("needed", Role::Warn)
        } else {
            ("", Role::Ok)
        };
        rows.push(field(
            "Reason",
            &self.reason,
            self.focus == Focus::Reason,
            word,
            role,
        ));
        if self.needs_name() {
            let ask = format!("Type the target's name to go on:  {}", self.target);
            rows.extend(
                text::wrap(&ask, inside)
                    .into_iter()
                    .map(|line| Row::prose(line, Role::Text).keep(keep::ALWAYS)),
            );
            let (word, role) = if self.named() {
                ("equal", Role::Ok)
            } else {
                ("not yet equal", Role::Warn)
            };
            rows.push(field("Name", &self.name, self.focus == Focus::Name, word, role));
        }
        if let Some(problem) = &self.problem {
            rows.push(Row::prose(problem.clone(), Role::Bad).keep(keep::ALWAYS));
        }
        rows
    }

    fn buttons(&self, painter: &mut Painter<'_>, y: u16, cx: &Cx<'_>) {
        let glyphs = painter.glyphs();
        let button = |focused: bool, label: &str| {
            if focused {
                format!("[{}{label}{}]", glyphs.cursor, glyphs.cursor_back)
            } else {
                format!("[ {label} ]")
            }
        };
        let width = painter.width();
        let cancel = button(self.focus == Focus::Cancel, "Cancel");
        let off = self.off(cx).is_some();
        let suffix = if off { " off" } else { "" };
        let label = self
            .way()
            .map_or("", |way| way.label.split(':').next().unwrap_or_default());
        let room = usize::from(width).saturating_sub(text::width(&cancel) + 4 + 4 + suffix.len() + 2);
        let label = text::elide_end(&glyphs.prose(label), room, glyphs.elision);
        let act = format!("{}{suffix}", button(self.focus == Focus::Act, &label));
        let gap = if text::cells(&cancel) + 8 + text::cells(&act) > width {
            2
        } else {
            6
        };
        let start = width.saturating_sub(text::cells(&cancel) + gap + text::cells(&act)) / 2;
        let role = |focused: bool, off: bool| match (focused, off) {
            (true, _) => Role::Selection,
            (false, true) => Role::Muted,
            (false, false) => Role::Text,
        };
        let x = painter.put(start, y, &cancel, role(self.focus == Focus::Cancel, false), width);
        painter.put(x + gap, y, &act, role(self.focus == Focus::Act, off), width);
    }
}

impl Overlay for Decision {
    fn title(&self, _cx: &Cx<'_>) -> Vec<(String, Role)> {
        vec![(self.title.clone(), Role::Critical)]
    }

    fn commands(&self, _cx: &Cx<'_>) -> Vec<Command> {
        let mut commands = Vec::new();
        if self.focus == Focus::Ways {
            commands.push(Command::new(Action::Up, "choose").and(Action::Down));
        }
        commands.push(Command::new(Action::NextRegion, "next"));
        commands.push(Command::new(Action::Open, "do it").about("press the button that has the focus"));
        commands.push(Command::new(Action::Close, "close").keys(if self.editing() {
            "Esc or Ctrl-C"
        } else {
            "Esc or q"
        }));
        commands
    }

    fn size(&self, cx: &Cx<'_>, screen: Size) -> Size {
        let width = 72.min(screen.width);
        let lines = self.rows(width.saturating_sub(2), cx).len() + 4;
        Size {
            width,
            height: u16::try_from(lines).unwrap_or(u16::MAX).min(screen.height),
        }
    }

    fn render(&mut self, painter: &mut Painter<'_>, cx: &Cx<'_>) {
        let (width, height) = (painter.width(), painter.height());
        let rows = self.rows(width, cx);
        let body = Rect {
            x: 0,
            y: 0,
            width,
            height: height.saturating_sub(1),
        };
        painter.part(body).rows(&rows);
        self.buttons(painter, height.saturating_sub(1), cx);
    }

    fn act(&mut self, action: Action, cx: &Cx<'_>) -> Handled {
        match action {
            Action::NextRegion => self.step(true),
            Action::PreviousRegion => self.step(false),
            Action::Down | Action::Right if self.focus == Focus::Ways => {
                self.chosen = (self.chosen + 1).min(self.ways.len().saturating_sub(1));
            }
            Action::Up | Action::Left if self.focus == Focus::Ways => {
                self.chosen = self.chosen.saturating_sub(1);
            }
            Action::Left | Action::Right => {
                self.focus = if self.focus == Focus::Act {
                    Focus::Cancel
                } else {
                    Focus::Act
                };
            }
            Action::Open => return self.enter(cx),
            // No letter confirms anything, and none leaves by accident.
            Action::Close | Action::Leave | Action::Interrupt => return Handled::No,
            _ => {}
        }
        self.problem = None;
        Handled::done()
    }

    fn editing(&self) -> bool {
        matches!(self.focus, Focus::Reason | Focus::Name)
    }

    fn typed(&mut self, key: &KeyEvent, _cx: &Cx<'_>) -> Handled {
        if matches!(
            key.code,
            KeyCode::Enter | KeyCode::Tab | KeyCode::BackTab | KeyCode::Esc
        ) {
            return Handled::No;
        }
        self.problem = None;
        let field = if self.focus == Focus::Name {
            &mut self.name
        } else {
            &mut self.reason
        };
        if field.typed(key) {
            Handled::done()
        } else {
            Handled::No
        }
    }

    fn deaf(&self, cx: &Cx<'_>) -> bool {
        cx.now.mono.saturating_sub(self.opened) < DEAF
    }
}
