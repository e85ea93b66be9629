//! How the view looks: a style for each meaning, and whether the terminal draws lines.

use super::model::State;
use ratatui::style::{Modifier, Style};

/// What a piece of the picture means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Names and figures.
    Text,
    /// Secondary: boxes' frames, what is out of focus.
    Muted,
    /// Links between nodes, what the cursor waits for.
    Accent,
    /// Done.
    Ok,
    /// Paused, to decide.
    Warn,
    /// Failed.
    Bad,
    /// Not known.
    Unknown,
    /// The critical path.
    Critical,
    /// The node under the cursor.
    Selection,
}

/// Styles by [`Role`] and the choice of signs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Theme {
    /// Only ASCII may be drawn.
    pub ascii: bool,
    styles: [Style; 9],
}

impl Theme {
    /// A theme from a style for each role.
    #[must_use]
    pub fn new(ascii: bool, style: impl Fn(Role) -> Style) -> Self {
        Self {
            ascii,
            styles: [
                style(Role::Text),
                style(Role::Muted),
                style(Role::Accent),
                style(Role::Ok),
                style(Role::Warn),
                style(Role::Bad),
                style(Role::Unknown),
                style(Role::Critical),
                style(Role::Selection),
            ],
        }
    }

    /// Without colour: modifiers only.
    #[must_use]
    pub fn mono(ascii: bool) -> Self {
        Self::new(ascii, |role| match role {
            Role::Accent | Role::Critical => Style::new().add_modifier(Modifier::BOLD),
            Role::Bad => Style::new().add_modifier(Modifier::BOLD | Modifier::REVERSED),
            Role::Warn | Role::Unknown => Style::new().add_modifier(Modifier::UNDERLINED),
            Role::Selection => Style::new().add_modifier(Modifier::REVERSED),
            Role::Text | Role::Muted | Role::Ok => Style::new(),
        })
    }

    /// The style of a role.
    #[must_use]
    pub const fn style(&self, role: Role) -> Style {
        self.styles[role as usize]
    }

    /// One of two signs, by what the terminal can draw.
    #[must_use]
    pub const fn sign(&self, unicode: &'static str, ascii: &'static str) -> &'static str {
        if self.ascii { ascii } else { unicode }
    }

    /// The sign of a state; planned nodes have none.
    #[must_use]
    pub const fn state_sign(&self, state: State) -> &'static str {
        match state {
            State::Planned => "",
            State::Waiting => self.sign("○", "o"),
            State::Running => self.sign("●", "*"),
            State::Done => self.sign("✓", "+"),
            State::Failed => self.sign("✗", "x"),
            State::Skipped => "-",
        }
    }

    /// The role of a state.
    #[must_use]
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
    #[must_use]
    pub const fn elision(&self) -> &'static str {
        self.sign("…", "..")
    }

    /// Before a count of bundled edges.
    #[must_use]
    pub const fn times(&self) -> &'static str {
        self.sign("×", "x")
    }

    /// Between facts.
    #[must_use]
    pub const fn dot(&self) -> &'static str {
        self.sign("·", "-")
    }
}
