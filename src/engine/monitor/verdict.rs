//! A verdict with everything that led to it, and the sentences that say so.
//!
//! A verdict holds numbers only, so that judging a million samples makes no text; [`Verdict::reasons`] words it on demand.

use serde::{Deserialize, Serialize};

use super::criteria::{Criteria, Policy};
use super::sample::Gap;

/// The four criteria of the migration guide.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Criterion {
    /// Failed of ended tasks.
    ErrorRate,
    /// Mean response time against the baseline.
    Degradation,
    /// Healthy of all components.
    Availability,
    /// Validation failures in a row.
    Validation,
}

impl Criterion {
    /// All, in the order of screens and sums.
    pub const ALL: [Self; 4] = [
        Self::ErrorRate,
        Self::Degradation,
        Self::Availability,
        Self::Validation,
    ];

    /// The criterion's name in files.
    #[must_use]
    pub const fn id(self) -> &'static str {
        match self {
            Self::ErrorRate => "error_rate",
            Self::Degradation => "degradation",
            Self::Availability => "availability",
            Self::Validation => "validation",
        }
    }

    /// The criterion's name on screens.
    #[must_use]
    pub const fn title(self) -> &'static str {
        match self {
            Self::ErrorRate => "Error rate",
            Self::Degradation => "Degradation",
            Self::Availability => "Availability",
            Self::Validation => "Validation fails",
        }
    }
}

/// What is said of one criterion in one sample.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Within its limit, or not believably over it.
    Ok,
    /// Over its limit, not yet confirmed.
    Over,
    /// Over its limit and confirmed: its weight counts.
    Breach,
    /// Not known, and why.
    Unknown(Gap),
}

/// One criterion in one sample, with its arithmetic.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Judged {
    /// Which.
    pub criterion: Criterion,
    /// What is said.
    pub state: State,
    /// The figure: a share, or a count of failures. Given where it could be worked out, whatever the state.
    pub value: Option<f64>,
    /// The believable bound of the share, on the side of the limit.
    pub bound: Option<f64>,
    /// Counted: failed tasks, healthy checks, failures in a row.
    pub k: u64,
    /// Of: ended tasks, checks, readings.
    pub n: u64,
    /// The mean response time in seconds (degradation only).
    pub seconds: Option<f64>,
    /// The figure of the newest tasks or the newest sample alone: whether it still is so.
    pub newest: Option<f64>,
    /// Samples in a row that were over.
    pub streak: u32,
    /// When the first of them was taken, microseconds since 1970.
    pub since: Option<i64>,
    /// Taken by the fast path.
    pub at_once: bool,
    /// Samples in a row without the figure.
    pub unknown: u32,
    /// What it adds to the score.
    pub addend: u32,
}

impl Judged {
    pub(super) const fn new(criterion: Criterion) -> Self {
        Self {
            criterion,
            state: State::Unknown(Gap::Absent),
            value: None,
            bound: None,
            k: 0,
            n: 0,
            seconds: None,
            newest: None,
            streak: 0,
            since: None,
            at_once: false,
            unknown: 0,
            addend: 0,
        }
    }

    /// Whether it is unknown now.
    #[must_use]
    pub const fn is_unknown(&self) -> bool {
        matches!(self.state, State::Unknown(_))
    }
}

/// The verdict's word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Word {
    /// Nothing calls for a rollback.
    Pass,
    /// Roll back.
    Breach,
    /// What is not known could turn it.
    Unknown,
}

impl Word {
    /// The word.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Breach => "breach",
            Self::Unknown => "unknown",
        }
    }
}

/// Why a sample was not judged; the verdict before it stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Aside {
    /// It has the time of the one before.
    Doubled,
    /// It is older than the one before.
    Late,
}

/// A verdict that stays until somebody takes it back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Latch {
    /// When the first sample said so, microseconds since 1970.
    pub at: i64,
    /// The highest score since.
    pub score: u32,
}

/// What follows from the samples so far.
#[expect(
    clippy::struct_excessive_bools,
    reason = "independent facts, each a field of what is printed"
)]
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Verdict {
    /// The time of the sample, microseconds since 1970 (worked out when it does not say).
    pub at: i64,
    /// The policy that judged.
    pub policy: Policy,
    /// In one word.
    pub word: Word,
    /// Whether to roll back, now or because it latched.
    pub should_roll_back: bool,
    /// Since when it stays, if it does.
    pub latch: Option<Latch>,
    /// The sum of this sample.
    pub score: u32,
    /// The addends, in the order of [`Criterion::ALL`].
    pub criteria: [Judged; 4],
    /// Most samples in a row in which one criterion's data was lost.
    pub unknown_used: u32,
    /// The budget for them is spent: promotion stays frozen, and somebody is called.
    pub frozen: bool,
    /// It was spent with exactly this sample.
    pub page: bool,
    /// The counters began anew with this sample.
    pub reset: bool,
    /// This sample was not judged.
    pub aside: Option<Aside>,
}

impl Verdict {
    /// Whether it stays.
    #[must_use]
    pub const fn latched(&self) -> bool {
        self.latch.is_some()
    }

    /// One criterion's part.
    #[must_use]
    pub const fn of(&self, criterion: Criterion) -> &Judged {
        &self.criteria[criterion as usize]
    }

    /// The score that the recommendation goes by: this sample's, or the highest since it latched.
    #[must_use]
    pub fn standing_score(&self) -> u32 {
        self.latch.map_or(self.score, |latch| latch.score.max(self.score))
    }

    /// What to do, in the guide's words for its four bands, and in words of our own when nothing can be said.
    #[must_use]
    pub fn recommendation(&self, criteria: &Criteria) -> &'static str {
        let score = self.standing_score();
        if self.should_roll_back {
            return if score >= criteria.immediate_at {
                "IMMEDIATE ROLLBACK REQUIRED - Critical issues detected"
            } else {
                "ROLLBACK RECOMMENDED - Significant issues detected"
            };
        }
        if self.policy == Policy::Default {
            if self.frozen {
                return "NO VERDICT - Unknown budget spent: promotion frozen, on-call paged. No rollback by itself";
            }
            if self.word == Word::Unknown && score == 0 {
                return "NO VERDICT - Not enough is known to call the system healthy or failing";
            }
        }
        if score >= 1 {
            "MONITOR CLOSELY - Some issues detected but below rollback threshold"
        } else {
            "CONTINUE MONITORING - System appears stable"
        }
    }

    /// Why, a sentence each. The guide's policy gives the guide's sentences and nothing else.
    #[must_use]
    pub fn reasons(&self, criteria: &Criteria) -> Vec<String> {
        if self.policy == Policy::Guide {
            return self
                .criteria
                .iter()
                .filter(|judged| judged.state == State::Breach)
                .map(guide_sentence)
                .collect();
        }
        let mut out = Vec::new();
        if let Some(aside) = self.aside {
            out.push(
                match aside {
                    Aside::Doubled => "Not judged: a sample with this time was judged before",
                    Aside::Late => "Not judged: older than the sample before it",
                }
                .to_owned(),
            );
            return out;
        }
        let order = |state: State| match state {
            State::Breach => 0,
            State::Over => 1,
            State::Unknown(_) => 2,
            State::Ok => 3,
        };
        for rank in 0..3 {
            for judged in &self.criteria {
                if order(judged.state) == rank && criteria.rule(judged.criterion).weight > 0 {
                    out.push(sentence(judged, criteria));
                }
            }
        }
        if self.reset {
            out.push("The counters began anew; nothing is subtracted across that point".to_owned());
        }
        if self.frozen {
            out.push(format!(
                "Unknown budget spent: {} of {} samples",
                self.unknown_used, criteria.unknown_budget
            ));
        }
        if let Some(latch) = self.latch
            && latch.at != self.at
        {
            out.push(format!(
                "Latched since {} with score {}; stays until a named operator takes it back",
                clock(latch.at),
                latch.score
            ));
        }
        out
    }
}

/// A time as it is written in JSON.
#[must_use]
pub fn clock(micros: i64) -> String {
    jiff::Timestamp::from_microsecond(micros).map_or_else(|_| micros.to_string(), |at| at.to_string())
}

/// A share as the guide prints it: two digits of percent.
#[must_use]
pub fn percent(share: f64) -> String {
    format!("{:.2}%", share * 100.0)
}

/// A share as screens print it: one digit of percent.
#[must_use]
pub fn short_percent(share: f64) -> String {
    let text = format!("{:.1}", share * 100.0);
    format!("{} %", text.strip_suffix(".0").unwrap_or(&text))
}

fn guide_sentence(judged: &Judged) -> String {
    let value = judged.value.unwrap_or_default();
    match judged.criterion {
        Criterion::ErrorRate => format!("High error rate: {}", percent(value)),
        Criterion::Degradation => format!("Performance degradation: {}", percent(value)),
        Criterion::Availability => format!("Low availability: {}", percent(value)),
        Criterion::Validation => format!("Validation failures: {value}"),
    }
}

fn sentence(judged: &Judged, criteria: &Criteria) -> String {
    let rule = criteria.rule(judged.criterion);
    let title = judged.criterion.title();
    let evidence = evidence(judged, criteria);
    match judged.state {
        State::Breach => {
            let how = if judged.at_once {
                "at once".to_owned()
            } else if judged.criterion == Criterion::Validation {
                format!("limit {}", rule.limit)
            } else {
                format!("{} samples in a row", judged.streak)
            };
            let hard = if rule.hard { ", hard" } else { "" };
            format!("{} ({evidence}; {how}{hard})", guide_sentence(judged))
        }
        State::Over => format!(
            "{title} over its limit, not confirmed: {} of {} samples ({evidence})",
            judged.streak, criteria.confirmations
        ),
        State::Ok => format!("{title} within its limit ({evidence})"),
        State::Unknown(Gap::Few) => format!(
            "{title} unknown: too few tasks, {} of {}",
            judged.n, criteria.minimum_tasks
        ),
        State::Unknown(gap) => format!("{title} unknown: {gap}"),
    }
}

/// The figures in a few words: `61 of 186 tasks, at least 27.4 %, limit 15 %`.
#[must_use]
pub fn evidence(judged: &Judged, criteria: &Criteria) -> String {
    let limit = criteria.rule(judged.criterion).limit;
    let bound = |word: &str| {
        judged
            .bound
            .map(|bound| format!(", {word} {}", short_percent(bound)))
            .unwrap_or_default()
    };
    match judged.criterion {
        Criterion::ErrorRate => format!(
            "{} of {} tasks{}, limit {}",
            judged.k,
            judged.n,
            bound("at least"),
            short_percent(limit)
        ),
        Criterion::Availability => format!(
            "{} of {} checks{}, limit {}",
            judged.k,
            judged.n,
            bound("at most"),
            short_percent(limit)
        ),
        Criterion::Degradation => format!(
            "mean {:.3} s of {}, limit +{}",
            judged.seconds.unwrap_or_default(),
            crate::engine::text::plural(judged.n, "reading", "readings"),
            short_percent(limit)
        ),
        Criterion::Validation => format!("{} in a row", judged.k),
    }
}
