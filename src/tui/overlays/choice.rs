//! A plain question with two or three answers: leave while something runs, stop it, go on. The first answer is the
//! harmless one and has the focus.

use std::time::Duration;

use ratatui::layout::Size;

use super::Overlay;
use super::by_row::ByRow;
use super::confirm::DEAF;
use crate::engine::command::Command as Order;
use crate::engine::cutover::Question;
use crate::tui::app::context::{Cx, Effect, Handled};
use crate::tui::keymap::{Action, Command};
use crate::tui::paint::{Painter, Row, keep};
use crate::tui::style::Role;
use crate::tui::text;

/// What an answer does.
#[derive(Debug, Clone, PartialEq)]
pub enum Consequence {
    /// Nothing; the question closes.
    Nothing,
    /// Sends a command.
    Send(Order),
    /// Opens the rows of a question.
    ByRow(Question),
    /// Ends the wizard.
    Leave,
}

/// The question.
#[derive(Debug)]
pub struct Choice {
    title: String,
    lines: Vec<(String, Role)>,
    answers: Vec<(String, Consequence)>,
    focus: usize,
    opened: Duration,
}

impl Choice {
    /// A question with its answers, the harmless one first.
    #[must_use]
    pub fn new(
        title: impl Into<String>,
        lines: Vec<(String, Role)>,
        answers: Vec<(String, Consequence)>,
        opened: Duration,
    ) -> Self {
        Self {
            title: title.into(),
            lines,
            answers,
            focus: 0,
            opened,
        }
    }
}

impl Overlay for Choice {
    fn title(&self, _cx: &Cx<'_>) -> Vec<(String, Role)> {
        vec![(self.title.clone(), Role::Critical)]
    }

    fn commands(&self, _cx: &Cx<'_>) -> Vec<Command> {
        vec![
            Command::new(Action::NextRegion, "choose"),
            Command::new(Action::Open, "do it"),
            Command::new(Action::Close, "close").keys("Esc or q"),
        ]
    }

    fn size(&self, _cx: &Cx<'_>, screen: Size) -> Size {
        let width = 65.min(screen.width);
        let inside = usize::from(width.saturating_sub(4)).max(1);
        let lines: usize = self
            .lines
            .iter()
            .map(|(line, _)| text::wrap(line, inside).len())
            .sum();
        let height = u16::try_from(lines + self.answers.len() + 4).unwrap_or(u16::MAX);
        Size {
            width,
            height: height.min(screen.height),
        }
    }

    fn render(&mut self, painter: &mut Painter<'_>, _cx: &Cx<'_>) {
        let inside = usize::from(painter.width().saturating_sub(2));
        let mut rows = Vec::new();
        for (line, role) in &self.lines {
            rows.extend(
                text::wrap(line, inside)
                    .into_iter()
                    .map(|line| Row::prose(line, *role)),
            );
        }
        rows.push(Row::blank());
        let glyphs = painter.glyphs();
        for (index, (label, _)) in self.answers.iter().enumerate() {
            let here = index == self.focus;
            let sign = if here { glyphs.cursor } else { " " };
            rows.push(
                Row::new()
                    .at(3, sign, Role::Accent)
                    .at(5, label.clone(), Role::Text)
                    .selected(here)
                    .keep(keep::ALWAYS),
            );
        }
        painter.rows(&rows);
    }

    fn act(&mut self, action: Action, cx: &Cx<'_>) -> Handled {
        let last = self.answers.len().saturating_sub(1);
        match action {
            Action::NextRegion => self.focus = if self.focus == last { 0 } else { self.focus + 1 },
            Action::PreviousRegion => self.focus = self.focus.checked_sub(1).unwrap_or(last),
            Action::Down | Action::Right => self.focus = (self.focus + 1).min(last),
            Action::Up | Action::Left => self.focus = self.focus.saturating_sub(1),
            Action::Open => {
                let mut effects = vec![Effect::Close];
                match self
                    .answers
                    .get(self.focus)
                    .map(|(_, consequence)| consequence.clone())
                {
                    Some(Consequence::Send(order)) => effects.push(Effect::Send(order)),
                    Some(Consequence::ByRow(question)) => {
                        effects.push(Effect::Open(Box::new(ByRow::new(question, cx.now.mono))));
                    }
                    Some(Consequence::Leave) => effects.push(Effect::Leave),
                    Some(Consequence::Nothing) | None => {}
                }
                return Handled::Yes(effects);
            }
            Action::Close | Action::Leave | Action::Interrupt => return Handled::No,
            _ => {}
        }
        Handled::done()
    }

    fn deaf(&self, cx: &Cx<'_>) -> bool {
        cx.now.mono.saturating_sub(self.opened) < DEAF
    }
}
