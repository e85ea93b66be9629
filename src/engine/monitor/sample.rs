//! One look at the migrated system: each figure, or why there is none.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Counts above this are no counts: the largest whole number that a JSON number surely holds.
pub const MAX_COUNT: f64 = 9_007_199_254_740_992.0;

/// More components than anything has.
const MOST_COMPONENTS: u64 = 1_000_000_000;

/// Why a figure is unknown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Gap {
    /// The document does not have it.
    Absent,
    /// It is null.
    Null,
    /// NaN or infinite.
    NotFinite,
    /// Text, a truth value, a list or an object stands in its place.
    NotANumber,
    /// Below zero.
    Negative,
    /// A count with a fraction.
    NotWhole,
    /// Beyond any count.
    TooLarge,
    /// More failed than there are, or more healthy.
    Impossible,
    /// Zero where something must be: no component, no time.
    Zero,
    /// The document cannot be read at all.
    Unreadable,
    /// Nothing answered in time.
    NoAnswer,
    /// The command is missing, or the place that answers.
    NoSource,
    /// It differs from the others by the unit factor.
    UnitJump,
    /// Nothing is recorded to compare with.
    NoBaseline,
    /// The recorded baseline cannot be divided by.
    BadBaseline,
    /// Too few finished tasks in the window.
    Few,
    /// Work waits and none ends.
    Stalled,
    /// More than anything can have done since the sample before.
    Leap,
}

impl Gap {
    /// The words for it, after "unknown: ".
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::Absent => "not given",
            Self::Null => "given as null",
            Self::NotFinite => "not a finite number",
            Self::NotANumber => "not a number",
            Self::Negative => "below zero",
            Self::NotWhole => "a count with a fraction",
            Self::TooLarge => "too large for a count",
            Self::Impossible => "more than there are",
            Self::Zero => "zero, which is no measurement",
            Self::Unreadable => "the answer cannot be read",
            Self::NoAnswer => "no answer in time",
            Self::NoSource => "nothing to ask",
            Self::UnitJump => "looks like another unit",
            Self::NoBaseline => "no baseline yet",
            Self::BadBaseline => "the baseline is no time to divide by; record it again",
            Self::Few => "too few tasks",
            Self::Stalled => "tasks wait and none ends",
            Self::Leap => "more than 1,000 tasks a second",
        }
    }

    /// Whether data that should have come did not: what the budget for unknowns counts.
    #[must_use]
    pub const fn lost(self) -> bool {
        !matches!(self, Self::NoBaseline | Self::BadBaseline | Self::Few)
    }
}

impl fmt::Display for Gap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.words())
    }
}

/// A figure or why there is none.
pub type Figure<T> = Result<T, Gap>;

/// Task counters since MAOS started.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tasks {
    /// Tasks that failed.
    pub failed: u64,
    /// Tasks that completed.
    pub completed: u64,
    /// All tasks that were not cancelled, where it is given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub total: Option<u64>,
}

impl Tasks {
    /// Tasks that ended, well or not.
    #[must_use]
    pub const fn ended(&self) -> u64 {
        self.failed.saturating_add(self.completed)
    }
}

/// Components that are healthy, of all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Health {
    /// Healthy ones.
    pub healthy: u64,
    /// All, at least 1.
    pub total: u64,
}

/// What the validation probe said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Probe {
    /// It worked.
    Pass,
    /// It did not.
    Fail,
}

/// One sample, with what the default policy judges and the raw figures the guide's policy takes as they are.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Sample {
    /// When it was taken, microseconds since 1970; `None` when the sample does not say.
    pub at: Option<i64>,
    /// Task counters.
    pub tasks: Figure<Tasks>,
    /// Components.
    pub health: Figure<Health>,
    /// Mean response time, seconds.
    pub response: Figure<f64>,
    /// Tasks a minute as reported; shown, not judged.
    pub throughput: Figure<f64>,
    /// The validation probe.
    pub validation: Figure<Probe>,
    /// failed ÷ total of this sample alone, as the raw numbers give it; else it follows from the counters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lifetime_errors: Option<f64>,
    /// healthy ÷ total of this sample alone, likewise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub share_healthy: Option<f64>,
}

impl Sample {
    /// A sample in which nothing is known, for one reason.
    #[must_use]
    pub const fn lost(at: Option<i64>, gap: Gap) -> Self {
        Self {
            at,
            tasks: Err(gap),
            health: Err(gap),
            response: Err(gap),
            throughput: Err(gap),
            validation: Err(gap),
            lifetime_errors: None,
            share_healthy: None,
        }
    }
}

/// A number as it came, before anything is made of it.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub enum Raw {
    /// Not there.
    #[default]
    Absent,
    /// Null.
    Null,
    /// A number, perhaps not a finite one.
    Number(f64),
    /// Something else.
    Other,
}

impl Raw {
    /// The number, whatever it is, when it is finite.
    #[must_use]
    pub fn finite(self) -> Option<f64> {
        match self {
            Self::Number(n) if n.is_finite() => Some(n),
            _ => None,
        }
    }

    /// A number of at least zero.
    ///
    /// # Errors
    /// Why it is none.
    pub fn measure(self) -> Figure<f64> {
        match self {
            Self::Absent => Err(Gap::Absent),
            Self::Null => Err(Gap::Null),
            Self::Other => Err(Gap::NotANumber),
            Self::Number(n) if !n.is_finite() => Err(Gap::NotFinite),
            Self::Number(n) if n < 0.0 => Err(Gap::Negative),
            Self::Number(n) => Ok(n),
        }
    }

    /// A whole number of at least zero.
    ///
    /// # Errors
    /// Why it is none.
    pub fn count(self) -> Figure<u64> {
        let n = self.measure()?;
        if n > MAX_COUNT {
            return Err(Gap::TooLarge);
        }
        if n.fract() != 0.0 {
            return Err(Gap::NotWhole);
        }
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "whole and between 0 and 2^53, checked above"
        )]
        Ok(n as u64)
    }
}

/// The numbers of a status document as they came.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct RawFigures {
    /// `tasks.total`.
    pub total: Raw,
    /// `tasks.failed`.
    pub failed: Raw,
    /// `tasks.completed`.
    pub completed: Raw,
    /// `tasks.cancelled`, which the guide's document does not have.
    pub cancelled: Raw,
    /// `health.healthy`.
    pub healthy: Raw,
    /// `health.total`.
    pub components: Raw,
    /// `performance.avg_response_time`, seconds.
    pub response: Raw,
    /// `performance.tasks_per_minute`.
    pub throughput: Raw,
}

impl RawFigures {
    /// Makes the sample of them.
    #[must_use]
    pub fn sample(&self, at: Option<i64>, validation: Figure<Probe>) -> Sample {
        let share = |part: Raw, whole: Raw| match (part.finite(), whole.finite()) {
            (Some(part), Some(whole)) if whole > 0.0 => Some(part / whole),
            _ => None,
        };
        Sample {
            at,
            tasks: self.tasks(),
            health: self.health(),
            response: self.response.measure().and_then(|seconds| {
                if seconds > 0.0 {
                    Ok(seconds)
                } else {
                    Err(Gap::Zero)
                }
            }),
            throughput: self.throughput.measure(),
            validation,
            lifetime_errors: share(self.failed, self.total),
            share_healthy: share(self.healthy, self.components),
        }
    }

    fn tasks(&self) -> Figure<Tasks> {
        let (failed, completed) = (self.failed.count()?, self.completed.count()?);
        // A total that is missing or unusable does not spoil the two counts that the rate is made of.
        let total = self.total.count().ok();
        // A cancelled task is not waited for; it would look like work that never ends.
        let cancelled = self.cancelled.count().unwrap_or(0);
        if total.is_some_and(|total| failed > total) {
            return Err(Gap::Impossible);
        }
        Ok(Tasks {
            failed,
            completed,
            total: total.map(|total| total.saturating_sub(cancelled)),
        })
    }

    fn health(&self) -> Figure<Health> {
        let (healthy, total) = (self.healthy.count()?, self.components.count()?);
        if total == 0 {
            return Err(Gap::Zero);
        }
        if healthy > total {
            return Err(Gap::Impossible);
        }
        if total > MOST_COMPONENTS {
            return Err(Gap::TooLarge);
        }
        Ok(Health { healthy, total })
    }
}
