//! What the screen shows, taken from the watch in one place: how it stands, what is next, how to go back.
//!
//! A frozen picture is a picture that is kept while the watch goes on.

use jiff::Timestamp;

use crate::engine::Capability;
use crate::engine::backup::newest_usable;
use crate::engine::monitor::{Criterion, Shared, State, Watch, Word};
use crate::engine::rollback::rehearsed;
use crate::engine::runner::operations::backup::CHOSEN;
use crate::engine::snapshot::Snapshot;
use crate::engine::text::inert;
use crate::engine::views::{Slot, Views};
use crate::tui::clock::Now;

/// The watch as it is drawn.
#[derive(Debug, Clone, Default)]
pub struct Picture {
    /// The watch; `None` before there was one.
    watch: Option<Shared>,
    /// When a rollback answered the verdict.
    pub rolled_back: Option<Timestamp>,
    /// The way back.
    pub back: Back,
}

/// What is known of the way back without asking anybody.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Back {
    /// How long the last rehearsal with the backup below took, seconds, and when it ended.
    pub rehearsed: Option<(u64, Option<Timestamp>)>,
    /// The backup that a rollback would go back to; `None` before the backups are read.
    pub backup: Option<Rest>,
}

/// What a way back rests on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Rest {
    /// This backup, by its name, and when it was made.
    On(String, Option<Timestamp>),
    /// None is usable.
    Nothing,
    /// They cannot be read, and why.
    Unreadable(String),
}

/// How the watch stands, the most pressing first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// Never begun.
    Never,
    /// Begun, no sample yet.
    First,
    /// The verdict is to roll back, and it starts by itself.
    Countdown,
    /// The verdict is to roll back.
    Breach,
    /// The verdict was to roll back, and that is done.
    Back,
    /// Nobody watches.
    Off,
    /// No sample came for too long.
    Stale,
    /// Too much is not known for too long.
    Spent,
    /// What is not known could turn the verdict.
    Unknown,
    /// Something is over its limit, below the rollback.
    Closely,
    /// Long enough without a breach.
    Passed,
    /// Well.
    Well,
}

impl Phase {
    /// Whether the verdict is to roll back.
    pub const fn is_breach(self) -> bool {
        matches!(self, Self::Countdown | Self::Breach)
    }
}

impl Picture {
    /// The picture of this moment.
    pub fn of(snapshot: &Snapshot, views: &Views) -> Self {
        Self {
            watch: snapshot.monitor.clone(),
            rolled_back: snapshot.rolled_back(),
            back: back(snapshot, views),
        }
    }

    /// The watch alone, without the way back.
    pub fn watching(snapshot: &Snapshot) -> Self {
        Self {
            watch: snapshot.monitor.clone(),
            rolled_back: snapshot.rolled_back(),
            back: Back::default(),
        }
    }

    /// The watch.
    pub fn watch(&self) -> Option<&Watch> {
        self.watch.as_deref()
    }

    /// Samples so far.
    pub fn samples(&self) -> u64 {
        self.watch().map_or(0, |watch| watch.samples)
    }

    /// How it stands.
    pub fn phase(&self, now: Timestamp) -> Phase {
        let Some(watch) = self.watch() else {
            return Phase::Never;
        };
        let Some(verdict) = watch.verdict() else {
            return if watch.on { Phase::First } else { Phase::Off };
        };
        if verdict.should_roll_back && self.rolled_back.is_some() {
            return Phase::Back;
        }
        if verdict.should_roll_back {
            return if watch.countdown.is_some() {
                Phase::Countdown
            } else {
                Phase::Breach
            };
        }
        let promoted = watch.is_promoted(now);
        if !watch.on {
            return if promoted { Phase::Passed } else { Phase::Off };
        }
        if watch.is_stale(now) {
            Phase::Stale
        } else if verdict.frozen {
            Phase::Spent
        } else if verdict.word == Word::Unknown {
            Phase::Unknown
        } else if verdict.score > 0 || verdict.criteria.iter().any(|one| one.state == State::Over) {
            Phase::Closely
        } else if promoted {
            Phase::Passed
        } else {
            Phase::Well
        }
    }

    /// The figure of one criterion in every kept sample, oldest first, with the sample's time in microseconds.
    pub fn figures(&self, criterion: Criterion) -> impl DoubleEndedIterator<Item = (i64, Option<f64>)> + '_ {
        self.watch()
            .into_iter()
            .flat_map(|watch| watch.history.iter())
            .filter(|point| point.verdict.aside.is_none())
            .map(move |point| {
                let judged = point.verdict.of(criterion);
                let known = !judged.is_unknown();
                (point.at(), judged.value.filter(|_| known))
            })
    }
}

/// The way back as the backups and the rehearsals of this workspace tell it.
pub fn back(snapshot: &Snapshot, views: &Views) -> Back {
    let Some((_, shelf)) = views.backups.value() else {
        let backup = match &views.backups {
            Slot::Failed(_, error) => Some(Rest::Unreadable(inert(&error.message))),
            _ => None,
        };
        return Back {
            rehearsed: None,
            backup,
        };
    };
    let step = snapshot.steps.get(&Capability::Rollback);
    // The one that was chosen, else the newest usable one: as the rollback itself.
    let chosen = step.and_then(|step| step.decisions.get(CHOSEN)?.as_str());
    let backup = match chosen {
        Some(id) => shelf.iter().find(|one| one.id == id && one.usable()),
        None => newest_usable(shelf),
    };
    let Some(backup) = backup else {
        return Back {
            rehearsed: None,
            backup: Some(Rest::Nothing),
        };
    };
    let rehearsed = step.and_then(|step| {
        let took = rehearsed(step.items.get("rehearse")?, Some(&backup.id));
        let ms = took.values().sum::<u64>();
        (ms > 0).then(|| (ms.div_ceil(1000), step.outcomes_at.get("rehearse").copied()))
    });
    Back {
        rehearsed,
        backup: Some(Rest::On(inert(&backup.id), backup.made_at)),
    }
}

/// A wait in whole figures: `40 s`, `12 min 40 s`, `2 h 5 min`.
pub fn span(seconds: u64) -> String {
    let (hours, minutes, rest) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    match (hours, minutes, rest) {
        (0, 0, rest) => format!("{rest} s"),
        (0, minutes, 0) => format!("{minutes} min"),
        (0, minutes, rest) => format!("{minutes} min {rest} s"),
        (hours, 0, _) => format!("{hours} h"),
        (hours, minutes, _) => format!("{hours} h {minutes} min"),
    }
}

/// Seconds until `then`; 0 when it has passed.
pub fn until(now: &Now, then: Timestamp) -> u64 {
    let ms = then.as_millisecond() - now.at.as_millisecond();
    u64::try_from(ms).unwrap_or(0).div_ceil(1000)
}

/// Microseconds as whole seconds.
pub fn seconds(micros: i64) -> u64 {
    u64::try_from(micros / 1_000_000).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::span;

    #[test]
    fn spans_are_said_in_two_figures_at_most() {
        let said: Vec<String> = [0, 59, 60, 760, 3600, 9000].into_iter().map(span).collect();
        assert_eq!(said, ["0 s", "59 s", "1 min", "12 min 40 s", "1 h", "2 h 30 min"]);
    }
}
