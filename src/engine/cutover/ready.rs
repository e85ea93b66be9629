//! What must be so before the work is handed over, each with its evidence.

use serde::{Deserialize, Serialize};

use crate::engine::capability::Capability;
use crate::engine::journey::Locked;
use crate::engine::snapshot::Snapshot;
use crate::engine::text::count;

/// How a line of evidence stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    /// It is so.
    Yes,
    /// Worth knowing; it does not stand in the way.
    Note,
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
    /// Where it is mended.
    pub goes_to: Option<Capability>,
}

impl Evidence {
    pub(super) fn new(key: &str, standing: Standing, text: impl Into<String>) -> Self {
        Self {
            key: key.to_owned(),
            standing,
            text: text.into(),
            goes_to: None,
        }
    }

    fn mended_by(mut self, capability: Capability) -> Self {
        self.goes_to = Some(capability);
        self
    }
}

/// Every line.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ready {
    /// In the order of the screen.
    pub lines: Vec<Evidence>,
}

impl Ready {
    /// What the journal says. `max_age_min`: a verified backup must be younger.
    #[must_use]
    pub fn of(snapshot: &Snapshot, now: jiff::Timestamp, max_age_min: u64) -> Self {
        Self {
            lines: vec![
                schema(snapshot),
                backup(snapshot, now, max_age_min),
                rehearsed(snapshot),
                compared(snapshot),
            ],
        }
    }

    /// The first line that stands in the way.
    #[must_use]
    pub fn locked(&self) -> Option<Locked> {
        let line = self.lines.iter().find(|line| line.standing == Standing::No)?;
        Some(Locked {
            sentence: format!("{}.", capital(&line.text)),
            goes_to: line.goes_to,
        })
    }
}

fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters
        .next()
        .map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

fn schema(snapshot: &Snapshot) -> Evidence {
    let step = snapshot.step(Capability::Schema);
    if step.activity.is_done() {
        let rows = step.outcome.map_or(0, |outcome| outcome.source);
        return Evidence::new(
            "schema",
            Standing::Yes,
            format!("schema proved, {} rows", count(rows)),
        );
    }
    Evidence::new("schema", Standing::No, "schema is not proved").mended_by(Capability::Schema)
}

/// The newest verification of a backup that ended well, by its outcome's time.
fn backup(snapshot: &Snapshot, now: jiff::Timestamp, max_age_min: u64) -> Evidence {
    let step = snapshot.step(Capability::Backup);
    let none = || {
        Evidence::new(
            "backup",
            Standing::No,
            format!("no verified backup younger than {max_age_min} min"),
        )
        .mended_by(Capability::Backup)
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

fn rehearsed(snapshot: &Snapshot) -> Evidence {
    let step = snapshot.step(Capability::Rollback);
    match step.outcomes.get("rehearse") {
        Some(outcome) if outcome.proved() => Evidence::new("rehearsed", Standing::Yes, "rollback rehearsed"),
        _ => Evidence::new("rehearsed", Standing::Note, "rollback not rehearsed"),
    }
}

fn compared(snapshot: &Snapshot) -> Evidence {
    let step = snapshot.step(Capability::Compare);
    if step.activity.is_done() {
        return Evidence::new("compare", Standing::Yes, "both sides compared");
    }
    Evidence::new("compare", Standing::Note, "not compared")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_done_is_locked_by_the_rows_first() {
        let ready = Ready::of(&Snapshot::default(), jiff::Timestamp::UNIX_EPOCH, 60);
        let locked = ready.locked().unwrap();
        assert_eq!(
            (locked.sentence.as_str(), locked.goes_to),
            ("Schema is not proved.", Some(Capability::Schema))
        );
    }
}
