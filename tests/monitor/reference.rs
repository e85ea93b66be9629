//! The default policy written down a second time, without windows that move: every sample looks over the whole history.
//! Slow and plain, to compare the evaluator with.

use maos_migrate::engine::monitor::statistics::{quantile, ratio, wilson_lower, wilson_upper};
use maos_migrate::engine::monitor::{Sample, Tasks};

use super::support::MINUTE;

/// What both sides must agree on.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Said {
    pub score: u32,
    pub roll_back: bool,
    pub failed: u64,
    pub ended: u64,
    pub checks: (u64, u64),
    pub streaks: [u32; 3],
}

const WINDOW: i64 = 30 * MINUTE;
const ROOM: i64 = 150_000_000;

/// Judges samples that are in order and whose counters never fall.
pub fn judge(history: &[Sample], baseline: f64) -> Vec<Said> {
    let z = quantile(0.95);
    let mut out = Vec::new();
    let mut latched = false;
    for end in 1..=history.len() {
        let seen = &history[..end];
        let score_of = |streak: (u32, bool), weight| if streak.1 { weight } else { 0 };
        let errors = streak(seen, |seen, newest| {
            let (failed, ended, near) = growth(seen)?;
            if newest
                && let Some((k, n)) = near
                && ratio(k, n)? >= 0.5 - 1e-9
            {
                return Some((true, true));
            }
            if let Some((k, n)) = near
                && ratio(k, n)? >= 0.5 - 1e-9
            {
                return Some((true, false));
            }
            if ended < 60 {
                return None;
            }
            let lasting = near.is_none_or(|(k, n)| ratio(k, n).is_some_and(|share| share >= 0.15 - 1e-9));
            Some((wilson_lower(failed, ended, z)? > 0.15 + 1e-9 && lasting, false))
        });
        let slow = streak(seen, |seen, _| {
            let newest = seen.last()?.response.ok()?;
            let readings: Vec<f64> = inside(seen).filter_map(|sample| sample.response.ok()).collect();
            #[expect(clippy::cast_precision_loss, reason = "a few")]
            let mean = readings.iter().sum::<f64>() / readings.len() as f64;
            let share = |seconds: f64| (seconds - baseline) / baseline > 0.3 + 1e-9;
            Some((share(mean) && share(newest), false))
        });
        let down = streak(seen, |seen, _| {
            let newest = seen.last()?.health.ok()?;
            let (healthy, total) = checks(seen);
            let low = ratio(newest.healthy, newest.total)? < 0.95 - 1e-9;
            Some((low && wilson_upper(healthy, total, z)? < 0.95 - 1e-9, false))
        });
        let mut failures = 0;
        for sample in seen {
            match sample.validation {
                Ok(maos_migrate::engine::monitor::Probe::Fail) => failures += 1,
                Ok(maos_migrate::engine::monitor::Probe::Pass) => failures = 0,
                Err(_) => {}
            }
        }
        let failing = failures >= 3 && seen.last().is_some_and(|sample| sample.validation.is_ok());
        let score = score_of(errors, 3) + score_of(slow, 2) + score_of(down, 3) + if failing { 2 } else { 0 };
        latched |= score >= 3;
        let (failed, ended, near) = growth(seen).unwrap_or_default();
        let (failed, ended) = match near {
            Some((k, n)) if ratio(k, n).is_some_and(|share| share >= 0.5 - 1e-9) => (k, n),
            _ => (failed, ended),
        };
        out.push(Said {
            score,
            roll_back: latched,
            failed,
            ended,
            checks: if seen.last().is_some_and(|sample| sample.health.is_ok()) {
                checks(seen)
            } else {
                (0, 0)
            },
            streaks: [errors.0, slow.0, down.0],
        });
    }
    out
}

fn time(sample: &Sample) -> i64 {
    sample.at.expect("a time")
}

fn inside(seen: &[Sample]) -> impl Iterator<Item = &Sample> {
    let now = time(&seen[seen.len() - 1]);
    seen.iter()
        .filter(move |sample| time(sample) >= now - WINDOW - ROOM)
}

fn checks(seen: &[Sample]) -> (u64, u64) {
    inside(seen)
        .filter_map(|sample| sample.health.ok())
        .fold((0, 0), |sum, health| {
            (sum.0 + health.healthy, sum.1 + health.total)
        })
}

type Grown = (u64, u64, Option<(u64, u64)>);

/// Failed and ended over the window, and over the newest samples that make 20 tasks. `None` when this sample has none.
fn growth(seen: &[Sample]) -> Option<Grown> {
    let newest = seen.last()?.tasks.ok()?;
    let grown = |from: &Tasks| (newest.failed - from.failed, newest.ended() - from.ended());
    let points: Vec<Tasks> = inside(seen).filter_map(|sample| sample.tasks.ok()).collect();
    let reference = if points.len() > 1 {
        points[0]
    } else {
        seen.iter()
            .rev()
            .filter_map(|sample| sample.tasks.ok())
            .nth(1)
            .unwrap_or(newest)
    };
    let near = points.iter().rev().map(grown).find(|(_, ended)| *ended >= 20);
    let (failed, ended) = grown(&reference);
    Some((failed, ended, near))
}

/// Counts confirmations up to the last sample of `seen`, and says whether it is breached there. `judge` gives over and at
/// once, or `None` when unknown.
fn streak(seen: &[Sample], judge: impl Fn(&[Sample], bool) -> Option<(bool, bool)>) -> (u32, bool) {
    let (mut count, mut last, mut breached) = (0, 0, false);
    for end in 1..=seen.len() {
        let now = time(&seen[end - 1]);
        breached = match judge(&seen[..end], end == seen.len()) {
            None => false,
            Some((false, _)) => {
                count = 0;
                false
            }
            Some((true, at_once)) => {
                count = if count > 0 && now - last > 2 * WINDOW {
                    1
                } else {
                    count + 1
                };
                last = now;
                count >= 3 || at_once
            }
        };
    }
    (count, breached)
}
