//! Lines of evidence before something that matters: what is so, what is worth knowing, what stands in the way, what is not known.

use serde::{Deserialize, Serialize};

use super::backup::{self, Listed};
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

/// Whether a verified backup was made less than `max_age_min` minutes before `now`: by the backups there are, and before those are
/// read, by the journal.
#[must_use]
pub fn backup(
    snapshot: &Snapshot,
    shelf: Option<&[Listed]>,
    now: jiff::Timestamp,
    max_age_min: u64,
) -> Evidence {
    let missing = |text: String| {
        Evidence::new("backup", Standing::No, text)
            .mended_by(Capability::Backup)
            .hint("Make and verify one: maos-migrate backup create.")
    };
    let made = |seconds: i64| {
        let minutes = seconds / 60;
        // Younger, not as old as: with 0 minutes no backup is young enough.
        if seconds < i64::try_from(max_age_min.saturating_mul(60)).unwrap_or(i64::MAX) {
            let text = match minutes {
                0 => "backup verified, under 1 min old".to_owned(),
                minutes => format!("backup verified, {minutes} min old"),
            };
            Evidence::new("backup", Standing::Yes, text)
        } else {
            missing(format!(
                "no verified backup younger than {max_age_min} min, the newest is {}",
                old(minutes)
            ))
        }
    };
    let age = |at: jiff::Timestamp| now.duration_since(at).as_secs().max(0);
    let none = || missing(format!("no verified backup younger than {max_age_min} min"));
    if let Some(shelf) = shelf {
        let newest = backup::newest_usable(shelf).and_then(|one| one.made_at);
        return newest.map_or_else(none, |at| made(age(at)));
    }
    // Only making one tells its age: pruning and listing prove nothing, and a backup that is verified may be an old one.
    let step = snapshot.step(Capability::Backup);
    let proved = |verb: &str| {
        let outcome = step.outcomes.get(verb).filter(|outcome| outcome.proved())?;
        step.outcomes_at.get(verb).filter(|_| outcome.source > 0).copied()
    };
    match (proved("create"), proved("verify")) {
        (_, Some(_)) => Evidence::new(
            "backup",
            Standing::Unknown,
            "a backup is verified; its age is not read",
        ),
        (Some(at), None) => made(age(at)),
        (None, None) => none(),
    }
}

fn old(minutes: i64) -> String {
    if minutes < 120 {
        format!("{minutes} min old")
    } else {
        format!("{} h old", minutes / 60)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::operation::Outcome;
    use crate::engine::snapshot::Activity;

    fn with(verb: &str, minutes_ago: i64) -> (Snapshot, jiff::Timestamp) {
        let now = jiff::Timestamp::from_second(1_800_000_000).unwrap();
        let at = jiff::Timestamp::from_second(1_800_000_000 - minutes_ago * 60).unwrap();
        let mut snapshot = Snapshot::default();
        let step = snapshot.steps.entry(Capability::Backup).or_default();
        let outcome = Outcome {
            source: 3,
            converted: 3,
            unchanged: 0,
            quarantined: 0,
            proof: Vec::new(),
            summary: String::new(),
            artifacts: Vec::new(),
        };
        step.outcomes.insert(verb.to_owned(), outcome);
        step.outcomes_at.insert(verb.to_owned(), at);
        (step.activity, step.ended) = (Activity::Done, Some(at));
        (snapshot, now)
    }

    #[test]
    fn only_a_made_and_verified_backup_counts_before_the_shelf_is_read() {
        for (verb, minutes, standing) in [
            ("create", 3, Standing::Yes),
            ("create", 59, Standing::Yes),
            ("create", 60, Standing::No),
            ("prune", 3, Standing::No),
            ("list", 3, Standing::No),
            // Verified a moment ago, made perhaps last week.
            ("verify", 3, Standing::Unknown),
        ] {
            let (snapshot, now) = with(verb, minutes);
            assert_eq!(
                backup(&snapshot, None, now, 60).standing,
                standing,
                "{verb} {minutes}"
            );
        }
        let (snapshot, now) = with("create", 0);
        assert_eq!(backup(&snapshot, None, now, 0).standing, Standing::No);
        let (snapshot, now) = with("create", 3);
        // Nothing lies on the shelf any more, whatever the journal says.
        assert_eq!(backup(&snapshot, Some(&[]), now, 60).standing, Standing::No);
    }
}
