//! What a screen or an overlay offers at this moment: the rows of the `?` overlay and the words of the hint bar.

use super::action::Action;
use super::table;

/// A command as offered: its action, its word, and why it is off when it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Command {
    /// What runs.
    pub action: Action,
    /// A second action that shares the hint: `+ - workers`.
    pub pair: Option<Action>,
    /// One or two words for the hint bar.
    pub label: String,
    /// A sentence for the `?` overlay; the table's when empty.
    pub about: String,
    /// Why it cannot run now, in the engine's sentence.
    pub off: Option<String>,
    /// Whether the hint bar names it; all are in `?`.
    pub hint: bool,
    /// How the keys are written when the table's first key is not the whole story: `1-2`.
    pub keys: Option<&'static str>,
}

/// What `X` is called while an automatic rollback counts down. It is the same on every screen.
pub const STOP_COUNTDOWN: &str = "stop the countdown";

impl Command {
    /// A command that can run and has a place in the hint bar.
    pub fn new(action: Action, label: impl Into<String>) -> Self {
        Self {
            action,
            pair: None,
            label: label.into(),
            about: String::new(),
            off: None,
            hint: true,
            keys: None,
        }
    }

    /// With a second key: `+ - workers`.
    #[must_use]
    pub const fn and(mut self, action: Action) -> Self {
        self.pair = Some(action);
        self
    }

    /// With a sentence of its own for `?`.
    #[must_use]
    pub fn about(mut self, about: impl Into<String>) -> Self {
        self.about = about.into();
        self
    }

    /// Off, with the reason; a `None` leaves it on.
    #[must_use]
    pub fn off(mut self, reason: Option<String>) -> Self {
        self.off = reason;
        self
    }

    /// Only in `?`, not in the hint bar.
    #[must_use]
    pub const fn quiet(mut self) -> Self {
        self.hint = false;
        self
    }

    /// With the keys written so.
    #[must_use]
    pub const fn keys(mut self, keys: &'static str) -> Self {
        self.keys = Some(keys);
        self
    }

    /// Whether the action runs this command.
    #[must_use]
    pub fn is(&self, action: Action) -> bool {
        self.action == action || self.pair == Some(action)
    }

    /// The sentence for `?`.
    #[must_use]
    pub fn sentence(&self) -> &str {
        if self.about.is_empty() {
            table::binding(self.action).map_or(self.label.as_str(), |binding| binding.about)
        } else {
            &self.about
        }
    }
}
