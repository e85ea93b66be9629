//! The guide's policy: each sample by its own figures, nothing remembered but the failures in a row.
//!
//! Its counter is updated before it is compared, and a figure that is missing adds nothing.

use super::criteria::{Criteria, Policy};
use super::sample::{Gap, Probe, Sample};
use super::statistics::ratio;
use super::verdict::{Criterion, Judged, State, Verdict};

/// Comparisons leave this much room, so that a figure that is exactly its limit on paper is not pushed over it by the
/// last bit of a division: (1.3 − 1) ÷ 1 is 0.30000000000000004.
pub const ROOM: f64 = 1e-9;

/// Judges one sample. `failures` is the count before it, and is brought up to date.
#[must_use]
pub fn judge(
    criteria: &Criteria,
    baseline: Option<f64>,
    failures: &mut u32,
    at: i64,
    sample: &Sample,
) -> Verdict {
    match sample.validation {
        Ok(Probe::Fail) => *failures = failures.saturating_add(1),
        Ok(Probe::Pass) => *failures = 0,
        Err(_) => {}
    }
    let degradation = match (sample.response, baseline) {
        (Ok(seconds), Some(baseline)) => Ok((seconds - baseline) / baseline),
        (Err(gap), _) => Err(gap),
        (_, None) => Err(Gap::NoBaseline),
    };
    let share = |part: u64, whole: Option<u64>| whole.and_then(|whole| ratio(part, whole));
    let tasks = sample.tasks.ok();
    let health = sample.health.ok();
    let lifetime_errors = sample
        .lifetime_errors
        .or_else(|| tasks.and_then(|tasks| share(tasks.failed, tasks.total)));
    let share_healthy = sample
        .share_healthy
        .or_else(|| health.and_then(|health| ratio(health.healthy, health.total)));
    let gap = |given: Option<f64>, why: Option<Gap>| given.ok_or(why.unwrap_or(Gap::Absent));
    let figures = [
        gap(lifetime_errors, sample.tasks.err()),
        degradation,
        gap(share_healthy, sample.health.err()),
        Ok(f64::from(*failures)),
    ];
    let mut score = 0;
    let criteria_judged = Criterion::ALL.map(|criterion| {
        let rule = criteria.rule(criterion);
        let mut judged = Judged::new(criterion);
        match figures[criterion as usize] {
            Err(gap) => judged.state = State::Unknown(gap),
            Ok(value) => {
                judged.value = Some(value);
                judged.newest = Some(value);
                let over = match criterion {
                    Criterion::ErrorRate | Criterion::Degradation => value > rule.limit + ROOM,
                    Criterion::Availability => value < rule.limit - ROOM,
                    Criterion::Validation => value >= rule.limit,
                };
                if over {
                    judged.state = State::Breach;
                    judged.addend = rule.weight;
                    judged.streak = 1;
                    judged.since = Some(at);
                } else {
                    judged.state = State::Ok;
                }
            }
        }
        if criterion == Criterion::Validation {
            judged.k = u64::from(*failures);
        }
        if criterion == Criterion::Degradation {
            judged.seconds = sample.response.ok();
            judged.n = u64::from(sample.response.is_ok());
        }
        score += judged.addend;
        judged
    });
    let mut verdict = Verdict::bare(at, Policy::Guide, score, &criteria_judged);
    verdict.decide(criteria, criteria_judged.map(|judged| judged.is_unknown()));
    verdict
}
