//! One criterion as a gauge: its figure, the share of its limit that is used, its state in a word, and the evidence.

use jiff::Timestamp;

use super::picture::{Picture, span};
use crate::engine::monitor::explain::short_seconds;
use crate::engine::monitor::verdict::short_percent;
use crate::engine::monitor::watch::time;
use crate::engine::monitor::{Criteria, Criterion, Gap, Judged, Point, Probe, State, Watch};
use crate::engine::text::count;
use crate::tui::style::{Glyphs, Role};

/// Where the limit stands on a bar.
pub const LIMIT_AT: f64 = 0.7;

/// Readings of the validation probe that are shown.
const PROBES: usize = 18;

/// One criterion.
#[derive(Debug, Clone, PartialEq)]
pub struct Gauge {
    /// Which.
    pub criterion: Criterion,
    /// `4.2 %`, `+18 %`, `1 of 3`, `?`.
    pub value: String,
    /// The share of the limit that is used, 1 at the limit; `None` when it is not known or not fresh.
    pub used: Option<f64>,
    /// `limit 15 %`.
    pub limit: String,
    /// `OK`, `over`, `BREACH`, `unknown`.
    pub word: &'static str,
    /// Its role.
    pub role: Role,
    /// `weight 3`.
    pub weight: String,
    /// The arithmetic in a few words, or what is missing.
    pub evidence: String,
    /// `0 of 3 in a row`, `rising for 4 samples`.
    pub streak: String,
    /// Of the validation, beside its last readings: what lies between its failures, or since when there is none.
    pub between: String,
    /// Whether the figure is drawn as a line over time.
    pub line: bool,
}

impl Gauge {
    /// All four. A stale picture is hollow.
    pub fn all(picture: &Picture, stale: bool, clock: &dyn Fn(Timestamp) -> String) -> Option<[Self; 4]> {
        let watch = picture.watch()?;
        let verdict = watch.verdict()?;
        Some(
            verdict
                .criteria
                .each_ref()
                .map(|judged| Self::of(judged, watch, picture, stale, clock)),
        )
    }

    fn of(
        judged: &Judged,
        watch: &Watch,
        picture: &Picture,
        stale: bool,
        clock: &dyn Fn(Timestamp) -> String,
    ) -> Self {
        let criteria = watch.criteria();
        let bounds = criteria.rule(judged.criterion);
        let known = !judged.is_unknown();
        let used = judged
            .value
            .filter(|_| known && !stale)
            .map(|value| used(judged.criterion, value, bounds.limit));
        let (word, role) = match judged.state {
            State::Ok => ("OK", Role::Ok),
            State::Over => ("over", Role::Warn),
            State::Breach => ("BREACH", Role::Bad),
            State::Unknown(_) => ("unknown", Role::Unknown),
        };
        let hard = if bounds.hard { " hard" } else { "" };
        let (evidence, line) = evidence(judged, watch, criteria);
        Self {
            criterion: judged.criterion,
            value: if known {
                value(judged, criteria)
            } else {
                "?".to_owned()
            },
            used,
            limit: limit(judged.criterion, criteria),
            word,
            role: if stale { Role::Unknown } else { role },
            weight: format!("weight {}{hard}", bounds.weight),
            evidence,
            streak: streak(judged, criteria, picture),
            between: between(judged, watch, clock),
            line,
        }
    }
}

/// The share of its limit that a figure uses. For availability, of what may be missing.
fn used(criterion: Criterion, value: f64, limit: f64) -> f64 {
    match criterion {
        Criterion::Availability if limit < 1.0 => (1.0 - value) / (1.0 - limit),
        _ if limit > 0.0 => value / limit,
        _ => 0.0,
    }
    .max(0.0)
}

fn signed(share: f64) -> String {
    let sign = if share < 0.0 { "" } else { "+" };
    format!("{sign}{:.1} %", share * 100.0)
}

fn value(judged: &Judged, criteria: &Criteria) -> String {
    let value = judged.value.unwrap_or_default();
    match judged.criterion {
        Criterion::Degradation => signed(value),
        Criterion::Validation => format!("{} of {}", judged.k, criteria.rule(judged.criterion).limit),
        _ => format!("{:.1} %", value * 100.0),
    }
}

/// `limit  15 %`, the figure in three cells where it fits.
fn limit(criterion: Criterion, criteria: &Criteria) -> String {
    let limit = criteria.rule(criterion).limit;
    match criterion {
        Criterion::Degradation => format!("limit +{}", short_percent(limit)),
        Criterion::Validation => format!("limit {limit} run"),
        _ => format!("limit {:>5}", short_percent(limit)),
    }
}

/// What the figure rests on, and whether a line over time stands beside it.
fn evidence(judged: &Judged, watch: &Watch, criteria: &Criteria) -> (String, bool) {
    if let State::Unknown(gap) = judged.state {
        return (missing(judged, gap, watch, criteria), gap == Gap::Few);
    }
    let bound = |word: &str| {
        judged
            .bound
            .map(|bound| format!(", {word} {:.1} %", bound * 100.0))
            .unwrap_or_default()
    };
    let text = match judged.criterion {
        Criterion::ErrorRate => format!(
            "{} of {} tasks{}",
            count(judged.k),
            count(judged.n),
            bound("at least")
        ),
        Criterion::Degradation => format!(
            "{}, baseline {}, n {}",
            short_seconds(judged.seconds.unwrap_or_default()),
            short_seconds(watch.baseline().unwrap_or_default()),
            count(judged.n)
        ),
        Criterion::Availability => format!("{} of {} checks", count(judged.k), count(judged.n)),
        Criterion::Validation => String::new(),
    };
    (text, judged.criterion != Criterion::Validation)
}

/// `no error rate for 10 min: nothing to ask`; neither healthy nor failing.
fn missing(judged: &Judged, gap: Gap, watch: &Watch, criteria: &Criteria) -> String {
    let what = match judged.criterion {
        Criterion::ErrorRate => "error rate",
        Criterion::Degradation => "response time",
        Criterion::Availability => "health",
        Criterion::Validation => "validation",
    };
    match gap {
        Gap::Few => format!(
            "too few: {} of {} tasks, not judged",
            judged.n, criteria.minimum_tasks
        ),
        Gap::NoBaseline => format!(
            "no baseline yet{}",
            judged
                .seconds
                .map_or_else(String::new, |seconds| format!(", now {}", short_seconds(seconds)))
        ),
        Gap::BadBaseline => "the baseline is no time; record it again".to_owned(),
        gap => {
            let lost = u64::from(judged.unknown);
            let known_before = lost < watch.samples;
            let since = if lost > 0 && known_before {
                format!(" for {}", span(lost * super::picture::seconds(criteria.interval)))
            } else {
                String::new()
            };
            format!("no {what}{since}: {gap}")
        }
    }
}

fn streak(judged: &Judged, criteria: &Criteria, picture: &Picture) -> String {
    if judged.is_unknown() && judged.unknown == 0 {
        return String::new();
    }
    let budget = || match (judged.unknown, criteria.unknown_budget) {
        (unknown, budget) if unknown > budget => format!("unknown {unknown}, allowed {budget}"),
        (unknown, budget) => format!("unknown {unknown} of {budget}"),
    };
    match (judged.criterion, judged.state) {
        (_, State::Unknown(Gap::Few | Gap::NoBaseline | Gap::BadBaseline)) => String::new(),
        (_, State::Unknown(_)) => budget(),
        (Criterion::Validation, _) => {
            if judged.k == 0 {
                "none in a row".to_owned()
            } else {
                format!("{} in a row", judged.k)
            }
        }
        (_, State::Breach) if judged.at_once => "at once".to_owned(),
        (Criterion::Degradation, State::Ok) => match rising(picture) {
            more @ 3.. => format!("rising for {more} samples"),
            _ => confirmed(judged, criteria),
        },
        _ => confirmed(judged, criteria),
    }
}

/// `unknown between failures: 0`: readings that were lost while failures are counted neither count nor start over. While
/// there is no reading, since when: `no answer in time since 03:09`.
fn between(judged: &Judged, watch: &Watch, clock: &dyn Fn(Timestamp) -> String) -> String {
    // A probe that never was given has no readings to show.
    let never = judged.is_unknown() && judged.unknown == 0;
    if judged.criterion != Criterion::Validation || never {
        return String::new();
    }
    let readings = || {
        let judged = |point: &&Point| point.verdict.aside.is_none();
        watch.history.iter().rev().filter(judged)
    };
    let validation = |point: &Point| point.taken.sample.validation;
    if let State::Unknown(gap) = judged.state {
        let lost = readings().take_while(|point| validation(point).is_err());
        let since = lost.last().and_then(|point| time(point.at()));
        return since.map_or_else(
            || gap.to_string(),
            |since| format!("{gap} since {}", clock(since)),
        );
    }
    let since = judged.since.unwrap_or(i64::MAX);
    let lost = readings()
        .take_while(|point| point.at() >= since)
        .filter(|point| validation(point).is_err())
        .count();
    format!("unknown between failures: {lost}")
}

fn confirmed(judged: &Judged, criteria: &Criteria) -> String {
    format!(
        "{} of {} in a row",
        judged.streak.min(criteria.confirmations),
        criteria.confirmations
    )
}

/// Samples in a row in which degradation rose.
fn rising(picture: &Picture) -> usize {
    let mut later: Option<f64> = None;
    let mut rose = 0;
    for (_, figure) in picture.figures(Criterion::Degradation).rev() {
        let Some(figure) = figure else { break };
        if let Some(later) = later {
            if figure >= later {
                break;
            }
            rose += 1;
        }
        later = Some(figure);
    }
    rose
}

/// The last readings of the validation probe, a sign each: passed, failed, unknown; and how many they are.
pub fn probes(watch: &Watch, glyphs: &Glyphs, most: usize) -> (String, usize) {
    let shown = most.min(PROBES);
    let skip = watch.history.len().saturating_sub(shown);
    let signs: Vec<&str> = watch
        .history
        .iter()
        .skip(skip)
        .map(|point| match point.taken.sample.validation {
            Ok(Probe::Pass) => glyphs.locked,
            Ok(Probe::Fail) => glyphs.failed,
            Err(_) => glyphs.unknown,
        })
        .collect();
    (signs.concat(), signs.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bars_are_shares_of_their_limits() {
        let near = |a: f64, b: f64| (a - b).abs() < 1e-9;
        assert!(near(used(Criterion::ErrorRate, 0.075, 0.15), 0.5));
        assert!(near(used(Criterion::Availability, 0.95, 0.95), 1.0));
        assert!(near(used(Criterion::Availability, 1.0, 0.95), 0.0));
        assert!(near(used(Criterion::Degradation, -0.2, 0.3), 0.0));
        assert!(near(used(Criterion::Validation, 3.0, 3.0), 1.0));
        assert_eq!(signed(0.184), "+18.4 %");
        assert_eq!(signed(-0.02), "-2.0 %");
    }
}
