//! What is judged, how strictly, and when it adds up to a rollback: `assets/criteria.yml`, and what a workspace changes.

use serde::{Deserialize, Serialize};

use super::statistics::quantile;
use super::verdict::Criterion;
use crate::engine::error::{Error, Result};
use crate::engine::yaml::{self, Spanned};

const DEFAULT: &str = include_str!("../../../assets/criteria.yml");
const DEFAULT_NAME: &str = "assets/criteria.yml";

/// Where a workspace keeps what it changes, relative to its root.
pub const WORKSPACE_FILE: &str = "monitor/criteria.yml";

/// How samples are judged.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Policy {
    /// Over the window, with bounds, confirmation, a fast path and a verdict that stays.
    #[default]
    Default,
    /// Each sample by its own figures, as the migration guide's engine does.
    Guide,
}

impl Policy {
    /// The policy's name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Default => "default",
            Self::Guide => "guide",
        }
    }
}

/// One criterion.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Rule {
    /// The limit: a share for rates (0.15), a count for validation.
    pub limit: f64,
    /// What a breach adds to the score; 0 leaves the criterion out.
    pub weight: u32,
    /// A breach rolls back by itself.
    pub hard: bool,
}

/// Everything the evaluator needs to know. Times are in microseconds.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Criteria {
    /// The rules in the order of [`Criterion::ALL`].
    pub rules: [Rule; 4],
    /// The window.
    pub window: i64,
    /// Between two samples.
    pub interval: i64,
    /// How long the watch lasts.
    pub duration: i64,
    /// Score from which to roll back.
    pub roll_back_at: u32,
    /// Score from which to do so at once.
    pub immediate_at: u32,
    /// Fewest finished tasks of an error rate.
    pub minimum_tasks: u64,
    /// Confidence of the bounds, as a share.
    pub confidence: f64,
    /// Its quantile.
    pub z: f64,
    /// Samples in a row.
    pub confirmations: u32,
    /// Fast path: share of failures.
    pub disaster_errors: f64,
    /// Fast path: fewest tasks.
    pub disaster_tasks: u64,
    /// Lost samples in a row before somebody is called.
    pub unknown_budget: u32,
    /// The factor at which a response time is another unit.
    pub unit_factor: f64,
}

impl Criteria {
    /// The rule of one criterion.
    #[must_use]
    pub const fn rule(&self, criterion: Criterion) -> &Rule {
        &self.rules[criterion as usize]
    }

    /// What users get, changed by `user`, the text of a file called `name`.
    ///
    /// # Errors
    /// [`crate::engine::ErrorKind::Input`] with the line of what cannot work.
    pub fn with(name: &str, user: Option<&str>) -> Result<Self> {
        let mut file: File = yaml::from_str(DEFAULT_NAME, DEFAULT)?;
        if let Some(text) = user.filter(|text| !only_comments(text)) {
            let more: File = yaml::from_str(name, text)?;
            file.merge(more);
        }
        file.check(name)
    }

    /// What users get.
    ///
    /// # Errors
    /// A bug only: the embedded file does not parse.
    pub fn embedded() -> Result<Self> {
        Self::with(DEFAULT_NAME, None)
    }

    /// The same with other times, in minutes: `None` keeps what is there.
    ///
    /// # Errors
    /// [`crate::engine::ErrorKind::Input`] when a window is shorter than the interval, or a time is out of range.
    pub fn timed(
        mut self,
        interval: Option<f64>,
        window: Option<f64>,
        duration: Option<f64>,
    ) -> Result<Self> {
        for (given, what, place) in [
            (interval, "interval", &mut self.interval),
            (window, "window", &mut self.window),
            (duration, "duration", &mut self.duration),
        ] {
            if let Some(minutes) = given {
                if !LONG_ENOUGH.contains(&minutes) {
                    return Err(Error::input(format!(
                        "the monitor's {what} is {minutes} minutes; it must lie between one second and a week"
                    )));
                }
                *place = micros(minutes);
            }
        }
        if self.window < self.interval {
            return Err(Error::input(
                "the monitor's window is shorter than its interval: it would never hold two samples",
            ));
        }
        Ok(self)
    }
}

const LONG_ENOUGH: std::ops::RangeInclusive<f64> = 1.0 / 60.0..=10_080.0;

fn only_comments(text: &str) -> bool {
    text.lines()
        .all(|line| line.trim().is_empty() || line.trim_start().starts_with('#'))
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "minutes are checked to be at most a week"
)]
fn micros(minutes: f64) -> i64 {
    (minutes * 60e6).round() as i64
}

type Number = Option<Placed>;

/// A number with the line it stands on, where it stands in the person's own file.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(from = "Spanned<f64>")]
struct Placed {
    value: f64,
    line: Option<u64>,
}

impl From<Spanned<f64>> for Placed {
    fn from(read: Spanned<f64>) -> Self {
        Self {
            value: read.value,
            line: Some(read.referenced.line()),
        }
    }
}

/// The file as it is written.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct File {
    version: Number,
    window_minutes: Number,
    interval_minutes: Number,
    duration_minutes: Number,
    roll_back_at: Number,
    immediate_at: Number,
    minimum_tasks: Number,
    confidence_percent: Number,
    confirmations: Number,
    disaster: Disaster,
    unknown_budget: Number,
    unit_factor: Number,
    criteria: Rules,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Disaster {
    errors_percent: Number,
    tasks: Number,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Rules {
    error_rate: Percent,
    degradation: Percent,
    availability: Percent,
    validation: Failures,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[expect(clippy::struct_field_names, reason = "the names are those of the file")]
struct Percent {
    limit_percent: Number,
    weight: Number,
    hard: Option<bool>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[expect(clippy::struct_field_names, reason = "the names are those of the file")]
struct Failures {
    limit_failures: Number,
    weight: Number,
    hard: Option<bool>,
}

fn take(mine: &mut Number, theirs: Number) {
    match (theirs, mine) {
        (Some(_), mine) => *mine = theirs,
        (None, Some(mine)) => mine.line = None,
        (None, None) => {}
    }
}

impl File {
    fn merge(&mut self, other: Self) {
        take(&mut self.version, other.version);
        take(&mut self.window_minutes, other.window_minutes);
        take(&mut self.interval_minutes, other.interval_minutes);
        take(&mut self.duration_minutes, other.duration_minutes);
        take(&mut self.roll_back_at, other.roll_back_at);
        take(&mut self.immediate_at, other.immediate_at);
        take(&mut self.minimum_tasks, other.minimum_tasks);
        take(&mut self.confidence_percent, other.confidence_percent);
        take(&mut self.confirmations, other.confirmations);
        take(&mut self.disaster.errors_percent, other.disaster.errors_percent);
        take(&mut self.disaster.tasks, other.disaster.tasks);
        take(&mut self.unknown_budget, other.unknown_budget);
        take(&mut self.unit_factor, other.unit_factor);
        let (mine, theirs) = (&mut self.criteria, other.criteria);
        for (mine, theirs) in [
            (&mut mine.error_rate, theirs.error_rate),
            (&mut mine.degradation, theirs.degradation),
            (&mut mine.availability, theirs.availability),
        ] {
            take(&mut mine.limit_percent, theirs.limit_percent);
            take(&mut mine.weight, theirs.weight);
            mine.hard = theirs.hard.or(mine.hard);
        }
        take(
            &mut mine.validation.limit_failures,
            theirs.validation.limit_failures,
        );
        take(&mut mine.validation.weight, theirs.validation.weight);
        mine.validation.hard = theirs.validation.hard.or(mine.validation.hard);
    }

    fn check(self, name: &str) -> Result<Criteria> {
        let check = Check { name };
        check.within(&self.version, "version", 1.0..=1.0)?;
        let interval = check.within(&self.interval_minutes, "interval_minutes", LONG_ENOUGH)?;
        let window = check.within(&self.window_minutes, "window_minutes", LONG_ENOUGH)?;
        if window < interval {
            return Err(check.wrong(
                &[self.window_minutes, self.interval_minutes],
                "window_minutes is shorter than interval_minutes: the window would never hold two samples",
            ));
        }
        let duration = check.within(&self.duration_minutes, "duration_minutes", LONG_ENOUGH)?;
        let roll_back_at = check.whole(&self.roll_back_at, "roll_back_at", 1.0..=1000.0)?;
        let immediate_at = check.whole(&self.immediate_at, "immediate_at", 1.0..=1000.0)?;
        if immediate_at < roll_back_at {
            return Err(check.wrong(
                &[self.immediate_at, self.roll_back_at],
                "immediate_at is below roll_back_at; it must be at least as high",
            ));
        }
        let rules = self.criteria.check(&check)?;
        let reachable: u32 = rules.iter().map(|rule| rule.weight).sum();
        let hard = rules.iter().any(|rule| rule.hard && rule.weight > 0);
        if reachable < roll_back_at && !hard {
            let parts = &self.criteria;
            return Err(check.wrong(
                &[
                    self.roll_back_at,
                    parts.error_rate.weight,
                    parts.degradation.weight,
                    parts.availability.weight,
                    parts.validation.weight,
                ],
                &format!(
                    "roll_back_at is {roll_back_at} and can never be reached: all weights together make {reachable}"
                ),
            ));
        }
        let disaster_errors =
            check.within(&self.disaster.errors_percent, "disaster.errors_percent", PERCENT)? / 100.0;
        let limit = rules[Criterion::ErrorRate as usize].limit;
        if disaster_errors <= limit {
            return Err(check.wrong(
                &[self.disaster.errors_percent, self.criteria.error_rate.limit_percent],
                "disaster.errors_percent must be above the error rate's limit_percent: the fast path asks for more",
            ));
        }
        let confidence = check.within(&self.confidence_percent, "confidence_percent", 50.0..=99.99)? / 100.0;
        Ok(Criteria {
            rules,
            window: micros(window),
            interval: micros(interval),
            duration: micros(duration),
            roll_back_at,
            immediate_at,
            minimum_tasks: u64::from(check.whole(&self.minimum_tasks, "minimum_tasks", 1.0..=1e9)?),
            confidence,
            z: quantile(confidence),
            confirmations: check.whole(&self.confirmations, "confirmations", 1.0..=1000.0)?,
            disaster_errors,
            disaster_tasks: u64::from(check.whole(&self.disaster.tasks, "disaster.tasks", 1.0..=1e9)?),
            unknown_budget: check.whole(&self.unknown_budget, "unknown_budget", 1.0..=100_000.0)?,
            unit_factor: check.within(&self.unit_factor, "unit_factor", 10.0..=100_000.0)?,
        })
    }
}

const PERCENT: std::ops::RangeInclusive<f64> = 0.1..=99.9;

impl Rules {
    fn check(&self, check: &Check<'_>) -> Result<[Rule; 4]> {
        let weight = |given: &Number, name: &str| check.whole(given, name, 0.0..=1000.0);
        let percent = |given: &Percent, name: &str, range| -> Result<Rule> {
            let limit = check.within(&given.limit_percent, &format!("{name}.limit_percent"), range)?;
            Ok(Rule {
                limit: limit / 100.0,
                weight: weight(&given.weight, &format!("{name}.weight"))?,
                hard: given.hard.unwrap_or(false),
            })
        };
        let failures = check.whole(
            &self.validation.limit_failures,
            "validation.limit_failures",
            1.0..=1000.0,
        )?;
        Ok([
            percent(&self.error_rate, "error_rate", PERCENT)?,
            percent(&self.degradation, "degradation", 0.1..=1000.0)?,
            percent(&self.availability, "availability", PERCENT)?,
            Rule {
                limit: f64::from(failures),
                weight: weight(&self.validation.weight, "validation.weight")?,
                hard: self.validation.hard.unwrap_or(false),
            },
        ])
    }
}

/// Words refusals with their place.
struct Check<'a> {
    name: &'a str,
}

impl Check<'_> {
    /// Refuses, naming the first of `keys` that the person wrote.
    fn wrong(&self, keys: &[Number], why: &str) -> Error {
        let name = self.name;
        let line = keys.iter().flatten().find_map(|key| key.line);
        let place = line.map_or_else(|| name.to_owned(), |line| format!("{name} line {line}"));
        Error::input(format!("{place}: {why}"))
            .hint("Mend that line; what the file leaves out keeps its usual value.")
    }

    fn within(&self, given: &Number, key: &str, range: std::ops::RangeInclusive<f64>) -> Result<f64> {
        let Some(number) = given else {
            return Err(Error::bug(format!("{DEFAULT_NAME} lacks {key}")));
        };
        if range.contains(&number.value) {
            return Ok(number.value);
        }
        let (low, high) = (short(*range.start()), short(*range.end()));
        let value = match number.value {
            long if long.is_finite() && long.abs() >= 1e15 => format!("{long:e}"),
            value => value.to_string(),
        };
        Err(self.wrong(
            &[*given],
            &format!("{key} is {value}; it must lie between {low} and {high}"),
        ))
    }

    fn whole(&self, given: &Number, key: &str, range: std::ops::RangeInclusive<f64>) -> Result<u32> {
        let number = self.within(given, key, range)?;
        if number.fract() != 0.0 {
            return Err(self.wrong(
                &[*given],
                &format!("{key} is {number}; it must be a whole number"),
            ));
        }
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "whole, and every range used here lies within u32"
        )]
        Ok(number as u32)
    }
}

fn short(number: f64) -> String {
    let text = format!("{number:.3}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}
