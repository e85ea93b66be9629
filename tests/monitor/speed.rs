//! How fast the evaluator judges and how little it keeps. Run by `tests/bench/monitor.sh` on an optimised build.

use std::time::Instant;

use super::support::*;

#[test]
#[ignore = "a measurement; tests/bench/monitor.sh runs it optimised"]
fn samples_a_second() {
    let mut random = Random(1);
    let mut status = Status::start();
    let samples: Vec<_> = (0..1_000_000)
        .map(|i| {
            status.work(2, 0.08, &mut random);
            status.response = 1.6 + random.share();
            status.sample(at(i))
        })
        .collect();
    let mut evaluator = evaluator();
    evaluator.set_baseline(Some(2.0));
    let started = Instant::now();
    let mut score = 0_u64;
    for sample in &samples {
        score += u64::from(evaluator.push(sample).score);
    }
    let rate = 1.0 / started.elapsed().as_secs_f64();
    println!("evaluator_samples_per_s - {:.0} - samples/s", rate * 1e6);
    // The same at one sample a second: 1,800 samples in each window.
    let mut evaluator = super::support::evaluator();
    let started = Instant::now();
    for (i, sample) in samples.iter().enumerate() {
        let sample = maos_migrate::engine::monitor::Sample {
            at: Some(EPOCH + 1_000_000 * i64::try_from(i).expect("small")),
            ..*sample
        };
        score += u64::from(evaluator.push(&sample).score);
    }
    let rate = 1.0 / started.elapsed().as_secs_f64();
    println!("evaluator_samples_per_s_dense - {:.0} - samples/s", rate * 1e6);
    assert!(score < u64::MAX);
}
