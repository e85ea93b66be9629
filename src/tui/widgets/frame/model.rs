//! What the frame shows, as plain data.

use crate::tui::style::Role;
use crate::tui::widgets::mark::Mark;

/// One step of the journey.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// `Cut over`.
    pub title: String,
    /// Its state.
    pub mark: Mark,
    /// Its state in words for the strip: `running`, `done 85`.
    pub word: String,
    /// Its result in at most nine cells for the rail: `22/22`, `done`.
    pub short: String,
}

/// A word beside the environment: READ-ONLY, DRY RUN, MAOS STOPPED 0:56.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Badge {
    /// In capitals.
    pub word: String,
    /// Its role.
    pub role: Role,
}

/// Who, where and which steps.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct FrameInfo {
    /// The workspace's name.
    pub workspace: String,
    /// The type of migration in words; empty before it is chosen.
    pub kind: String,
    /// The environment word in capitals.
    pub environment: String,
    /// Whether that word is reversed: PRODUCTION, and UNLABELLED which counts as it.
    pub loud: bool,
    /// Words that join it.
    pub badges: Vec<Badge>,
    /// The target in full: `db.acme:5432/maos`.
    pub target: String,
    /// The target's host or file alone, which is never cut.
    pub host: String,
    /// Who operates.
    pub operator: String,
    /// Who watches.
    pub watchers: Vec<String>,
    /// Messages nobody has read.
    pub unread: usize,
    /// The numbered steps.
    pub steps: Vec<Step>,
    /// The step on the screen; `None` for Start and for places that are no step.
    pub current: Option<usize>,
    /// The step that Start goes on with: the first, or where somebody left off.
    pub goes_on: usize,
    /// A place that is no step: its name, where it was opened from, and how to get back.
    pub aside: Option<(String, String)>,
    /// Short lines under the rail of a wide screen: label and value.
    pub below_rail: Vec<(String, String, Role)>,
    /// The step that is pointed at while the rail has the focus.
    pub pointed: Option<usize>,
    /// Whether an overlay lies over the screen and takes the keys.
    pub over: bool,
}

impl FrameInfo {
    /// Whether the rollback is on the screen, so that its own key needs no hint.
    #[must_use]
    pub fn in_rollback(&self) -> bool {
        self.aside.as_ref().is_some_and(|(name, _)| name == "Rollback")
    }
}

/// The title of the pane.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Title {
    /// The screen's name.
    pub name: String,
    /// The facts beside it.
    pub facts: String,
    /// Their role.
    pub role: Role,
    /// The age of the data, at the right.
    pub right: String,
    /// Its role: unknown when stale.
    pub right_role: Role,
}

impl Title {
    /// A title with facts and age.
    pub fn new(name: &str, facts: impl Into<String>, right: impl Into<String>) -> Self {
        Self {
            name: name.to_owned(),
            facts: facts.into(),
            role: Role::Text,
            right: right.into(),
            right_role: Role::Muted,
        }
    }
}

/// The now line: what happened, what is next. Never empty.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct News {
    /// What happened, a sentence with its full stop.
    pub what: String,
    /// The same in fewer words, for where the whole does not fit; empty: the whole is cut.
    pub short: String,
    /// What is next, without a full stop.
    pub next: String,
    /// The role of what happened.
    pub role: Role,
}

impl News {
    /// An ordinary now line.
    pub fn new(what: impl Into<String>, next: impl Into<String>) -> Self {
        Self {
            what: what.into(),
            short: String::new(),
            next: next.into(),
            role: Role::Text,
        }
    }

    /// With a role for what happened.
    #[must_use]
    pub const fn role(mut self, role: Role) -> Self {
        self.role = role;
        self
    }

    /// With fewer words for narrow terminals; the screen shows the whole elsewhere.
    #[must_use]
    pub fn short(mut self, short: impl Into<String>) -> Self {
        self.short = short.into();
        self
    }
}
