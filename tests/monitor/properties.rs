//! What holds for any stream.

use proptest::prelude::*;

use maos_migrate::engine::monitor::watch::Begin;
use maos_migrate::engine::monitor::{
    Criterion, Gap, Health, Policy, Probe, Sample, Taken, Tasks, Verdict, Watch, document, evaluate, json,
};

use super::reference::{Said, judge};
use super::support::*;

#[derive(Debug, Clone)]
struct Step {
    minutes: i64,
    ended: u64,
    failed: f64,
    healthy: u64,
    response: f64,
    validation: u8,
    missing: u8,
}

fn step() -> impl Strategy<Value = Step> {
    (
        prop_oneof![6 => Just(5_i64), 2 => 1_i64..12, 1 => 12_i64..90],
        0_u64..60,
        prop_oneof![3 => 0.0..0.2_f64, 2 => 0.0..0.5_f64, 1 => 0.4..1.0_f64],
        prop_oneof![4 => Just(10_u64), 3 => 5_u64..=10, 1 => Just(0)],
        prop_oneof![1.0..2.7_f64, 2.5..4.0_f64],
        0_u8..3,
        0_u8..16,
    )
        .prop_map(
            |(minutes, ended, failed, healthy, response, validation, missing)| Step {
                minutes,
                ended,
                failed,
                healthy,
                response,
                validation,
                missing,
            },
        )
}

#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "small counts"
)]
fn stream(steps: &[Step]) -> Vec<Sample> {
    let (mut now, mut tasks) = (
        EPOCH,
        Tasks {
            failed: 300,
            completed: 100,
            total: None,
        },
    );
    steps
        .iter()
        .map(|step| {
            now += step.minutes * MINUTE;
            let failed = (step.ended as f64 * step.failed) as u64;
            tasks.failed += failed;
            tasks.completed += step.ended - failed;
            let lost = |part: u8| step.missing == part || step.missing == 4;
            Sample {
                at: Some(now),
                tasks: if lost(0) { Err(Gap::Null) } else { Ok(tasks) },
                health: if lost(1) {
                    Err(Gap::Null)
                } else {
                    Ok(Health {
                        healthy: step.healthy,
                        total: 10,
                    })
                },
                response: if lost(2) {
                    Err(Gap::NotFinite)
                } else {
                    Ok(step.response)
                },
                validation: match step.validation {
                    _ if lost(3) => Err(Gap::NoAnswer),
                    0 => Ok(Probe::Fail),
                    _ => Ok(Probe::Pass),
                },
                ..Sample::lost(None, Gap::Absent)
            }
        })
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn the_evaluator_says_what_the_plain_reading_of_the_rules_says(steps in prop::collection::vec(step(), 1..40)) {
        let history = stream(&steps);
        let mut evaluator = evaluator();
        evaluator.set_baseline(Some(2.0));
        let said: Vec<Said> = history
            .iter()
            .map(|sample| {
                let verdict = evaluator.push(sample);
                let (errors, health) = (verdict.of(Criterion::ErrorRate), verdict.of(Criterion::Availability));
                Said {
                    score: verdict.score,
                    roll_back: verdict.should_roll_back,
                    failed: errors.k,
                    ended: errors.n,
                    checks: (health.k, health.n),
                    streaks: [
                        errors.streak,
                        verdict.of(Criterion::Degradation).streak,
                        health.streak,
                    ],
                }
            })
            .collect();
        prop_assert_eq!(said, judge(&history, 2.0));
    }

    #[test]
    fn a_whole_history_is_judged_as_its_last_sample_was(steps in prop::collection::vec(step(), 1..40)) {
        let history = stream(&steps);
        let mut evaluator = evaluator();
        evaluator.set_baseline(Some(2.0));
        for (i, sample) in history.iter().enumerate() {
            let one = evaluator.push(sample);
            prop_assert_eq!(Some(one), evaluate(&criteria(), Policy::Default, Some(2.0), &history[..=i]));
        }
    }

    /// What `w` saves of a verdict's input comes to the same verdicts when it is replayed.
    #[test]
    fn saved_input_replays_to_the_same_verdicts(steps in prop::collection::vec(step(), 1..40), until in 0..40_usize) {
        let history = stream(&steps);
        let begin = Begin {
            criteria: criteria(),
            baseline: Some(2.0),
            baseline_from: "from the assessment".to_owned(),
            source: "a test".to_owned(),
            by: "alice".to_owned(),
        };
        let moment = |micros| jiff::Timestamp::from_microsecond(micros).expect("a time");
        let mut watch = Watch::new(moment(EPOCH), &begin);
        for sample in &history {
            let taken = Taken { sample: *sample, source: String::new(), ms: 0, why: Vec::new() };
            watch.sampled(moment(sample.at.expect("a time")), &taken);
        }
        let until = until.min(history.len() - 1);
        let (saved, text) = document::replay_file(&watch, moment(history[until].at.expect("a time")));
        prop_assert_eq!(usize::try_from(saved).ok(), Some(until + 1));
        let mut evaluator = evaluator();
        let mut replayed = Vec::new();
        for line in text.lines() {
            match json::line(line.as_bytes()) {
                json::Line::Baseline(seconds) => evaluator.set_baseline(seconds),
                json::Line::Sample(sample, _) => replayed.push(evaluator.push(&sample)),
            }
        }
        let gist = |verdict: &Verdict| {
            let unknown = Criterion::ALL.map(|criterion| verdict.of(criterion).unknown);
            (verdict.at, verdict.word, verdict.score, verdict.should_roll_back, verdict.latch, verdict.frozen, unknown)
        };
        let told: Vec<_> = watch.history.iter().take(until + 1).map(|point| gist(&point.verdict)).collect();
        prop_assert_eq!(told, replayed.iter().map(gist).collect::<Vec<_>>());
    }

    #[test]
    fn no_line_makes_a_panic(bytes in prop::collection::vec(any::<u8>(), 0..200), text in "[ -~]{0,80}") {
        let mut evaluator = evaluator();
        for line in [bytes.as_slice(), text.as_bytes(), format!("{{\"at\":{text},\"tasks\":{text}}}").as_bytes()] {
            if let maos_migrate::engine::monitor::json::Line::Sample(sample, _) =
                maos_migrate::engine::monitor::json::line(line)
            {
                prop_assert!(!evaluator.push(&sample).should_roll_back);
            }
        }
    }
}
