//! The signs and roles of states, and the few signs that only this view draws.

use super::model::State;
use crate::tui::style::{Look, Role};
use ratatui::style::Style;

/// How the view looks on this terminal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Theme(pub Look);

impl Theme {
    /// Only ASCII may be drawn.
    pub const fn ascii(&self) -> bool {
        self.0.glyphs.ascii
    }

    /// The style of a role.
    pub const fn style(&self, role: Role) -> Style {
        self.0.style(role)
    }

    /// One of two signs, by what the terminal can draw.
    pub const fn sign(&self, unicode: &'static str, ascii: &'static str) -> &'static str {
        if self.ascii() { ascii } else { unicode }
    }

    /// The sign of a state; planned nodes have none.
    pub const fn state_sign(&self, state: State) -> &'static str {
        let glyphs = self.0.glyphs;
        match state {
            State::Planned => "",
            State::Waiting => glyphs.ready,
            State::Running => glyphs.running,
            State::Done => glyphs.done,
            State::Failed => glyphs.failed,
            State::Skipped => glyphs.skipped,
        }
    }

    /// The role of a state.
    pub const fn state_role(state: State) -> Role {
        match state {
            State::Planned => Role::Text,
            State::Waiting | State::Skipped => Role::Muted,
            State::Running => Role::Accent,
            State::Done => Role::Ok,
            State::Failed => Role::Bad,
        }
    }

    /// What stands for text that was cut.
    pub const fn elision(&self) -> &'static str {
        self.0.glyphs.elision
    }

    /// Before a count of bundled edges.
    pub const fn times(&self) -> &'static str {
        self.sign("×", "x")
    }

    /// Between facts.
    pub const fn dot(&self) -> &'static str {
        self.0.glyphs.separator
    }
}
