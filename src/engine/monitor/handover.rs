//! The note for the next shift: how it stands, and what changed since a given time.

use jiff::Timestamp;
use serde::Serialize;

use super::verdict::short_percent;
use super::watch::{Mark, MarkKind, Watch};
use super::{Criterion, Word};

/// The note.
#[derive(Debug, Clone, Serialize)]
pub struct Handover {
    /// From when on.
    pub since: Timestamp,
    /// How it stands, a sentence each.
    pub stands: Vec<String>,
    /// What changed, oldest first.
    pub changes: Vec<Mark>,
    /// Samples since then.
    pub samples: usize,
    /// Of these, samples in which nothing was known.
    pub lost: usize,
}

/// Writes the note.
#[must_use]
pub fn since(watch: &Watch, since: Timestamp, now: Timestamp) -> Handover {
    let from = since.as_microsecond();
    let points = || watch.history.iter().filter(move |point| point.at() >= from);
    let mut stands = Vec::new();
    match watch.verdict() {
        None => stands.push("No sample has been taken yet.".to_owned()),
        Some(verdict) => {
            let latched = verdict.latch.map_or_else(String::new, |latch| {
                format!(", latched since {}", super::verdict::clock(latch.at))
            });
            stands.push(format!(
                "Verdict {}, score {}{latched}. {}.",
                verdict.word.name(),
                verdict.standing_score(),
                verdict.recommendation(watch.criteria())
            ));
            if verdict.word != Word::Pass {
                stands.extend(
                    verdict
                        .reasons(watch.criteria())
                        .into_iter()
                        .map(|reason| format!("{reason}.")),
                );
            }
        }
    }
    for criterion in [
        Criterion::ErrorRate,
        Criterion::Degradation,
        Criterion::Availability,
    ] {
        let values: Vec<f64> = points()
            .map(|point| point.verdict.of(criterion))
            .filter(|judged| !judged.is_unknown())
            .filter_map(|judged| judged.value)
            .collect();
        let bounds = values
            .iter()
            .fold(None, |bounds: Option<(f64, f64)>, value| match bounds {
                None => Some((*value, *value)),
                Some((low, high)) => Some((low.min(*value), high.max(*value))),
            });
        if let (Some((low, high)), Some(last)) = (bounds, values.last()) {
            stands.push(format!(
                "{} {} now; {} to {} since then, limit {}.",
                criterion.title(),
                short_percent(*last),
                short_percent(low),
                short_percent(high),
                short_percent(watch.criteria().rule(criterion).limit)
            ));
        }
    }
    let note = |what: &str, note: &super::watch::Note| {
        let until = note
            .until
            .map_or_else(String::new, |until| format!(" until {until}"));
        format!("{what} by {}{until}: {}.", note.by, note.reason)
    };
    stands.extend(watch.acknowledged.as_ref().map(|n| note("Acknowledged", n)));
    if watch.is_snoozed(now) {
        stands.extend(watch.snoozed.as_ref().map(|n| note("Snoozed", n)));
    }
    stands.push(watch.armed.as_ref().map_or_else(
        || "Automatic rollback is off.".to_owned(),
        |n| note("Automatic rollback armed", n),
    ));
    if let Some((at, reason)) = &watch.ended {
        stands.push(format!("The watch ended {at}: {reason}."));
    }
    Handover {
        since,
        stands,
        changes: watch
            .marks
            .iter()
            .filter(|mark| mark.at >= since)
            .cloned()
            .collect(),
        samples: points().count(),
        lost: points()
            .filter(|point| point.verdict.criteria.iter().all(super::Judged::is_unknown))
            .count(),
    }
}

impl MarkKind {
    /// The word before a change.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Verdict => "verdict",
            Self::Decision => "decision",
            Self::Deployment => "mark",
            Self::Page => "page",
        }
    }
}
