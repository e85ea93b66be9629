//! How fast the evaluator judges and how little it keeps. Run by `tests/bench/monitor.sh` on an optimised build.

use std::time::Instant;

use maos_migrate::engine::event::{Event, EventKind};
use maos_migrate::engine::monitor::Taken;
use maos_migrate::engine::monitor::watch::Begin;
use maos_migrate::engine::snapshot::Snapshot;

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
    assert!(
        rate >= 1.0 || cfg!(debug_assertions),
        "{rate} million samples a second"
    );
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

/// 24 hours at one sample a second, as the journal tells them: each event written and read as JSON, folded into a snapshot
/// that somebody else holds, as a session and its screen do.
#[test]
#[ignore = "a measurement; tests/bench/monitor.sh runs it optimised"]
fn a_day_of_watching() {
    let mut random = Random(7);
    let mut status = Status::start();
    let mut snapshot = Snapshot::default();
    let moment = |second: i64| jiff::Timestamp::from_microsecond(EPOCH + second * 1_000_000).expect("a time");
    let begin = Begin {
        criteria: criteria()
            .timed(Some(1.0 / 60.0), Some(30.0), None)
            .expect("reads"),
        baseline: Some(2.0),
        baseline_from: "from the assessment".to_owned(),
        source: "a stream".to_owned(),
        by: "alice".to_owned(),
    };
    let mut tell = |second: i64, kind: EventKind| {
        let event = Event {
            seq: snapshot.seq + 1,
            at: moment(second),
            kind,
        };
        let text = serde_json::to_string(&event).expect("JSON");
        snapshot.apply(&serde_json::from_str::<Event>(&text).expect("an event"));
        snapshot.monitor.clone()
    };
    let mut held = tell(
        0,
        EventKind::WatchBegan {
            begin: Box::new(begin),
        },
    );
    let started = Instant::now();
    for second in 1..=86_400 {
        status.work(2, 0.02, &mut random);
        status.response = 1.8 + random.share() / 10.0;
        let taken = Taken {
            sample: status.sample(EPOCH + second * 1_000_000),
            source: "a stream".to_owned(),
            ms: 12,
            why: Vec::new(),
        };
        // A screen holds the last picture a second in three.
        let now = tell(
            second,
            EventKind::Sampled {
                taken: Box::new(taken),
            },
        );
        if second % 3 == 0 {
            held = now;
        }
    }
    let rate = 86_400.0 / started.elapsed().as_secs_f64();
    println!("watch_day_of_seconds - {rate:.0} - samples/s");
    let status = std::fs::read_to_string("/proc/self/status").expect("read");
    let line = status
        .lines()
        .find(|line| line.starts_with("VmHWM:"))
        .expect("a line");
    let kilobytes: u32 = line
        .split_whitespace()
        .nth(1)
        .and_then(|n| n.parse().ok())
        .expect("a number");
    let megabytes = f64::from(kilobytes) / 1024.0;
    println!("watch_day_of_seconds_memory - {megabytes:.1} - MB");
    assert!(megabytes < 64.0, "{megabytes} MB");
    let watch = held.expect("watched");
    assert_eq!((watch.samples, watch.should_roll_back()), (86_400, false));
}
