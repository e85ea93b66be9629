//! Lines of evidence before something that matters: what is so, what is worth knowing, what stands in the way, what is not known.

use serde::{Deserialize, Serialize};

use super::capability::Capability;
use super::journey::Locked;
use super::snapshot::Snapshot;

/// How a line stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    /// It is so.
    Yes,
    /// Worth knowing; it does not stand in the way.
    Note,
    /// It could not be learned, or was not asked for: counts neither way.
    Unknown,
    /// It stands in the way.
    No,
}

/// One line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Evidence {
    /// Its stable name.
    pub key: String,
    /// How it stands.
    pub standing: Standing,
    /// In words: `schema proved`, `3 tasks run in legacy`.
    pub text: String,
    /// What to do about it, when it stands in the way.
    pub hint: Option<String>,
    /// Where it is mended.
    pub goes_to: Option<Capability>,
}

impl Evidence {
    /// A line.
    pub fn new(key: &str, standing: Standing, text: impl Into<String>) -> Self {
        Self {
            key: key.to_owned(),
            standing,
            text: text.into(),
            hint: None,
            goes_to: None,
        }
    }

    /// The same with the step where it is mended.
    #[must_use]
    pub const fn mended_by(mut self, capability: Capability) -> Self {
        self.goes_to = Some(capability);
        self
    }

    /// The same with what to do.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

/// Every line, in the order of the screen.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ready {
    /// The lines.
    pub lines: Vec<Evidence>,
}

impl Ready {
    /// The first line that stands in the way, as the reason of a locked step.
    #[must_use]
    pub fn locked(&self) -> Option<Locked> {
        let line = self.lines.iter().find(|line| line.standing == Standing::No)?;
        Some(Locked {
            sentence: format!("{}.", capital(&line.text)),
            goes_to: line.goes_to,
        })
    }

    /// How many lines stand so.
    #[must_use]
    pub fn count(&self, standing: Standing) -> usize {
        self.lines.iter().filter(|line| line.standing == standing).count()
    }
}

fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters
        .next()
        .map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

/// Whether a backup was verified less than `max_age_min` minutes before `now`, by the journal.
#[must_use]
pub fn backup(snapshot: &Snapshot, now: jiff::Timestamp, max_age_min: u64) -> Evidence {
    let step = snapshot.step(Capability::Backup);
    let none = || {
        Evidence::new(
            "backup",
            Standing::No,
            format!("no verified backup younger than {max_age_min} min"),
        )
        .mended_by(Capability::Backup)
        .hint("Make and verify one: maos-migrate backup create.")
    };
    let (Some(ended), true) = (step.ended, step.activity.is_done()) else {
        return none();
    };
    let minutes = now.duration_since(ended).as_secs() / 60;
    if minutes > i64::try_from(max_age_min).unwrap_or(i64::MAX) {
        return none();
    }
    Evidence::new(
        "backup",
        Standing::Yes,
        format!("backup verified {minutes} min ago"),
    )
}
