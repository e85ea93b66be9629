//! Many simulated watches with fixed seeds: how soon a real failure is seen, and how rarely noise is taken for one.
//! One sample every five minutes, 20 finished tasks each, over a window of 30 minutes.

use maos_migrate::engine::monitor::{Gap, Probe, Sample};

use super::support::*;

const WEEK: u64 = 7 * 24 * 12;

/// The sample that first said to roll back, of `most`, at a true error rate, with a share of the samples lost.
fn detected(rate: f64, lost: f64, most: u64, seed: u64) -> Option<usize> {
    let mut random = Random(seed);
    let mut evaluator = evaluator();
    evaluator.set_baseline(Some(2.0));
    let mut status = Status::start();
    first_breach((0..most).map(|i| {
        if i > 0 {
            status.work(20, rate, &mut random);
        }
        if random.chance(lost) {
            evaluator.push(&Sample::lost(Some(at(i)), Gap::NoAnswer))
        } else {
            evaluator.push(&status.sample(at(i)))
        }
    }))
}

fn false_rollbacks(rate: f64, weeks: u64, seed: u64) -> usize {
    (0..weeks)
        .filter(|week| detected(rate, 0.0, WEEK, seed + week).is_some())
        .count()
}

#[test]
fn at_ten_percent_errors_at_most_four_weeks_in_thirty_roll_back_falsely() {
    let counts: Vec<usize> = (0..4)
        .map(|i| false_rollbacks(0.10, 30, 1000 + i * 100))
        .collect();
    println!("false rollbacks in 30 weeks at 10 % errors: {counts:?}");
    assert!(counts.iter().all(|count| *count <= 4), "{counts:?}");
}

#[test]
fn at_five_percent_errors_none_in_thirty_weeks() {
    assert_eq!(false_rollbacks(0.05, 30, 7), 0);
}

fn within(rate: f64, lost: f64, most: u64, runs: u64) -> (f64, usize) {
    let seen: Vec<usize> = (0..runs)
        .filter_map(|run| detected(rate, lost, most, 50_000 + run))
        .collect();
    #[expect(clippy::cast_precision_loss, reason = "a few thousand")]
    let share = seen.len() as f64 / runs as f64;
    (share, seen.iter().copied().max().unwrap_or_default())
}

#[test]
fn at_thirty_percent_errors_nine_samples_are_enough_in_95_of_100_runs() {
    let (share, _) = within(0.30, 0.0, 9, 4_000);
    println!(
        "30 % errors seen within 9 samples: {:.2} % of runs",
        share * 100.0
    );
    assert!(share >= 0.95, "{share}");
}

#[test]
fn at_sixty_percent_errors_seven_samples_are_always_enough() {
    let (share, last) = within(0.60, 0.0, 7, 10_000);
    println!(
        "60 % errors seen within 7 samples: {:.2} % of runs, the last at sample {last}",
        share * 100.0
    );
    assert!((share - 1.0).abs() < f64::EPSILON, "{share}");
}

#[test]
fn with_half_of_the_samples_lost_sixty_percent_errors_are_seen_within_21() {
    let (share, last) = within(0.60, 0.5, 21, 10_000);
    println!(
        "60 % errors, half lost, within 21: {:.3} % of runs, the last at sample {last}",
        share * 100.0
    );
    // Once in 9,000 runs fewer than three of the 21 samples arrive at all; nobody can judge those.
    assert!(share >= 0.999, "{share}");
}

/// Two percent errors and every trouble that figures can have.
fn noisy(samples: u64, seed: u64) -> Option<usize> {
    let mut random = Random(seed);
    let mut evaluator = evaluator();
    evaluator.set_baseline(Some(2.0));
    let mut status = Status::start();
    let mut late: Option<Sample> = None;
    let mut dipped = false;
    let mut verdicts = Vec::new();
    for i in 0..samples {
        status.work(20, 0.02, &mut random);
        if random.chance(0.01) {
            // MAOS started again: every counter at nought.
            (status.failed, status.completed) = (0, 0);
        }
        let mut shown = status;
        shown.response = 1.6 + random.share() * 0.8;
        // Health flaps, but never in two samples running: three would be an outage.
        dipped = !dipped && random.chance(0.03);
        shown.healthy = if dipped { random.below(11) } else { 10 };
        if random.chance(0.02) {
            shown.response *= 1000.0;
        }
        if random.chance(0.01) {
            // One sample of nought and the next as before.
            (shown.failed, shown.completed) = (0, 0);
        }
        shown.validation = match random.below(20) {
            0 => Ok(Probe::Fail),
            1 => Err(Gap::NoAnswer),
            _ => Ok(Probe::Pass),
        };
        let mut sample = shown.sample(at(i));
        let gap = [Gap::NotFinite, Gap::Null, Gap::NotANumber, Gap::Negative]
            [usize::try_from(random.below(4)).expect("small")];
        if random.chance(0.05) {
            sample.tasks = Err(gap);
        }
        if random.chance(0.05) {
            sample.health = Err(gap);
        }
        if random.chance(0.05) {
            sample.response = Err(gap);
        }
        if random.chance(0.03) {
            sample = Sample::lost(Some(at(i)), Gap::NoAnswer);
        }
        if random.chance(0.05) {
            late = Some(sample);
            continue;
        }
        verdicts.push(evaluator.push(&sample));
        if random.chance(0.05) {
            verdicts.push(evaluator.push(&sample));
        }
        if let Some(late) = late.take() {
            verdicts.push(evaluator.push(&late));
        }
    }
    first_breach(verdicts)
}

#[test]
fn noise_at_two_percent_errors_never_rolls_back() {
    for week in 0..30 {
        assert_eq!(noisy(WEEK, 90_000 + week), None, "week {week}");
    }
}

#[test]
fn everything_lost_is_unknown_and_calls_somebody_once() {
    let mut evaluator = evaluator();
    let verdicts: Vec<_> = (0..50)
        .map(|i| evaluator.push(&Sample::lost(Some(at(i)), Gap::NoAnswer)))
        .collect();
    assert!(verdicts.iter().all(|verdict| verdict.word.name() == "unknown"));
    assert!(
        verdicts
            .iter()
            .all(|verdict| !verdict.should_roll_back && verdict.score == 0)
    );
    let pages: Vec<usize> = verdicts
        .iter()
        .enumerate()
        .filter_map(|(i, verdict)| verdict.page.then_some(i + 1))
        .collect();
    assert_eq!(pages, [6]);
    assert!(
        verdicts[5]
            .recommendation(evaluator.criteria())
            .contains("on-call paged")
    );
}
