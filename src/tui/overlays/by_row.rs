//! Rows that the legacy system still runs, decided one by one: a word for each, and nothing is sent before every one has its word.

use std::collections::BTreeMap;
use std::time::Duration;

use ratatui::layout::{Rect, Size};
use serde_json::json;

use super::confirm::DEAF;
use super::{Overlay, usual};
use crate::engine::Capability;
use crate::engine::command::Command as Order;
use crate::engine::cutover::{DRAIN, Question};
use crate::engine::text::{inert, plural};
use crate::tui::app::context::{Cx, Effect, Handled};
use crate::tui::keymap::{Action, Command};
use crate::tui::paint::{Painter, Row, keep};
use crate::tui::style::Role;
use crate::tui::text;
use crate::tui::widgets::list::List;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Focus {
    Rows,
    Cancel,
    Act,
}

/// The dialog.
#[derive(Debug)]
pub struct ByRow {
    question: Question,
    /// For each row which of the question's words; `None`: not decided.
    words: Vec<Option<usize>>,
    list: List,
    focus: Focus,
    opened: Duration,
}

impl ByRow {
    /// The rows of a question.
    #[must_use]
    pub fn new(question: Question, opened: Duration) -> Self {
        Self {
            words: vec![None; question.rows.len()],
            question,
            list: List::default(),
            focus: Focus::Rows,
            opened,
        }
    }

    fn open(&self) -> u64 {
        self.words.iter().filter(|word| word.is_none()).count() as u64
    }

    fn off(&self, cx: &Cx<'_>) -> Option<String> {
        cx.held().or_else(|| {
            let open = self.open();
            (open > 0).then(|| format!("{} not decided.", plural(open, "row is", "rows are")))
        })
    }

    fn step(&mut self, forward: bool) {
        self.focus = match (self.focus, forward) {
            (Focus::Rows, true) | (Focus::Act, false) => Focus::Cancel,
            (Focus::Cancel, true) | (Focus::Rows, false) => Focus::Act,
            (Focus::Act, true) | (Focus::Cancel, false) => Focus::Rows,
        };
    }

    /// The next word for the row under the cursor.
    fn turn(&mut self) {
        let words = self.question.words.len();
        if let Some(word) = self.words.get_mut(self.list.cursor).filter(|_| words > 0) {
            *word = Some(word.map_or(0, |now| (now + 1) % words));
        }
    }

    /// What the row under the cursor gets, for it and every row below that has none.
    fn fill(&mut self) {
        let here = self.words.get(self.list.cursor).copied().flatten();
        let below = self.words.iter_mut().skip(self.list.cursor);
        below.filter(|word| word.is_none()).for_each(|word| *word = here);
    }

    fn send(&self) -> Handled {
        let decided = self.question.rows.iter().zip(&self.words);
        let rows: BTreeMap<&str, &str> = decided
            .filter_map(|(row, word)| Some((row.key.as_str(), self.question.words.get((*word)?)?.as_str())))
            .collect();
        let order = Order::Decide {
            capability: Capability::Cutover,
            subject: DRAIN.to_owned(),
            choice: json!({"rows": rows}),
        };
        Handled::Yes(vec![Effect::Close, Effect::Send(order)])
    }

    fn buttons(&self, painter: &mut Painter<'_>, y: u16, cx: &Cx<'_>) {
        let glyphs = painter.glyphs();
        let off = self.off(cx).is_some();
        let button = |focused: bool, label: &str| {
            if focused {
                format!("[{}{label}{}]", glyphs.cursor, glyphs.cursor_back)
            } else {
                format!("[ {label} ]")
            }
        };
        let cancel = button(self.focus == Focus::Cancel, "Not yet");
        let label = format!(
            "Decide {}",
            plural(self.question.rows.len() as u64, "row", "rows")
        );
        let suffix = if off { " off" } else { "" };
        let act = format!("{}{suffix}", button(self.focus == Focus::Act, &label));
        let width = painter.width();
        let start = width.saturating_sub(text::cells(&cancel) + 6 + text::cells(&act)) / 2;
        let role = |focused: bool, off: bool| match (focused, off) {
            (true, _) => Role::Selection,
            (false, true) => Role::Muted,
            (false, false) => Role::Text,
        };
        let x = painter.put(start, y, &cancel, role(self.focus == Focus::Cancel, false), width);
        painter.put(x + 6, y, &act, role(self.focus == Focus::Act, off), width);
    }
}

impl Overlay for ByRow {
    fn title(&self, cx: &Cx<'_>) -> Vec<(String, Role)> {
        let dash = format!(" {} ", cx.look.glyphs.horizontal);
        let open = self.open();
        let said = if open == 0 {
            "every row is decided".to_owned()
        } else {
            format!("{open} not decided")
        };
        let role = if open == 0 { Role::Ok } else { Role::Warn };
        vec![
            ("Decide row by row".to_owned(), Role::Critical),
            (dash, Role::Muted),
            (said, role),
        ]
    }

    fn commands(&self, _cx: &Cx<'_>) -> Vec<Command> {
        vec![
            Command::new(Action::Mark, "next word").about("what the row under the cursor becomes"),
            Command::new(Action::Edit, "same below").about("the same for every row below that has no word"),
            Command::new(Action::NextRegion, "next"),
            Command::new(Action::Open, "do it").about("press the button that has the focus"),
            Command::new(Action::Close, "close").keys("Esc or q"),
        ]
    }

    fn size(&self, _cx: &Cx<'_>, screen: Size) -> Size {
        let most = usual(screen);
        let wanted = u16::try_from(self.question.rows.len() + 7).unwrap_or(u16::MAX);
        Size {
            width: most.width,
            height: wanted.clamp(9, most.height.max(9)).min(screen.height),
        }
    }

    fn render(&mut self, painter: &mut Painter<'_>, cx: &Cx<'_>) {
        let (width, height) = (painter.width(), painter.height());
        let glyphs = painter.glyphs();
        let head = [
            Row::prose("What is kept stays in the legacy system, listed.", Role::Muted).keep(keep::EXTRA),
            Row::blank(),
        ];
        let above = u16::try_from(head.len())
            .unwrap_or(0)
            .min(height.saturating_sub(4));
        for (y, row) in (0..above).zip(&head) {
            painter.row(y, row);
        }
        let body = Rect {
            x: 0,
            y: above,
            width,
            height: height.saturating_sub(above + 2),
        };
        let widest = self.question.words.iter().map(|word| text::cells(word)).max();
        let decided_at = width.saturating_sub(widest.unwrap_or(0).max(text::cells("not decided")) + 2);
        let keys = self.question.rows.iter().map(|row| text::cells(&inert(&row.key)));
        let about_at = 3 + keys.max().unwrap_or(0).min(width / 3) + 2;
        let focused = self.focus == Focus::Rows;
        let (question, words) = (&self.question, &self.words);
        let mut part = painter.part(body);
        self.list
            .draw(&mut part, question.rows.len(), focused, |index, here| {
                let row = &question.rows[index];
                let decided = words[index].and_then(|word| question.words.get(word));
                let (word, role) =
                    decided.map_or(("not decided", Role::Warn), |word| (word.as_str(), Role::Text));
                Row::new()
                    .at(1, if here { glyphs.cursor } else { " " }, Role::Accent)
                    .at(3, inert(&row.key), Role::Text)
                    .max(about_at.saturating_sub(4))
                    .at(about_at, inert(&row.words), Role::Muted)
                    .max(decided_at.saturating_sub(about_at + 1))
                    .at(decided_at, word.to_owned(), role)
            });
        self.buttons(painter, height.saturating_sub(1), cx);
    }

    fn act(&mut self, action: Action, cx: &Cx<'_>) -> Handled {
        match action {
            Action::NextRegion => self.step(true),
            Action::PreviousRegion => self.step(false),
            Action::Mark if self.focus == Focus::Rows => self.turn(),
            Action::Edit if self.focus == Focus::Rows => self.fill(),
            Action::Left | Action::Right if self.focus != Focus::Rows => {
                self.focus = if self.focus == Focus::Act {
                    Focus::Cancel
                } else {
                    Focus::Act
                };
            }
            Action::Open => match self.focus {
                Focus::Rows => self.step(true),
                Focus::Cancel => return Handled::one(Effect::Close),
                Focus::Act if self.off(cx).is_none() => return self.send(),
                Focus::Act => {}
            },
            Action::Close | Action::Leave | Action::Interrupt => return Handled::No,
            action if self.focus == Focus::Rows => {
                self.list.act(action, self.question.rows.len());
            }
            _ => {}
        }
        Handled::done()
    }

    fn deaf(&self, cx: &Cx<'_>) -> bool {
        cx.now.mono.saturating_sub(self.opened) < DEAF
    }
}
