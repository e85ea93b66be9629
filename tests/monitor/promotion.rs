//! When a watch has lasted long enough, and what keeps it from ending well.

use jiff::Timestamp;
use maos_migrate::engine::monitor::watch::{Begin, time};
use maos_migrate::engine::monitor::{Gap, Sample, Taken, Watch};

use super::support::*;

/// A watch over an hour, with a sample each five minutes; those that `lost` names are lost.
fn watched(samples: u64, lost: impl Fn(u64) -> bool) -> Watch {
    let begin = Begin {
        criteria: criteria(),
        baseline: Some(2.0),
        baseline_from: "from the assessment".to_owned(),
        source: "a test".to_owned(),
        by: "alice".to_owned(),
    };
    let mut watch = Watch::new(moment(0), &begin);
    let mut status = Status::start();
    let mut random = Random(5);
    for i in 0..samples {
        status.work(20, 0.02, &mut random);
        let sample = if lost(i) {
            Sample::lost(Some(at(i)), Gap::NoAnswer)
        } else {
            status.sample(at(i))
        };
        let taken = Taken {
            sample,
            source: "a test".to_owned(),
            ms: 1,
            why: Vec::new(),
        };
        watch.sampled(moment(i), &taken);
    }
    watch
}

fn moment(i: u64) -> Timestamp {
    time(at(i)).expect("a time")
}

#[test]
fn an_hour_without_a_breach_is_long_enough() {
    assert!(!watched(12, |_| false).is_promoted(moment(11)));
    assert!(watched(13, |_| false).is_promoted(moment(12)));
}

#[test]
fn a_watch_does_not_end_well_by_not_seeing() {
    // The last sample of the hour is lost, well within the budget for unknowns.
    let watch = watched(13, |i| i == 12);
    assert!(!watch.verdict().expect("judged").frozen);
    assert!(!watch.is_promoted(moment(12)));
    // The next one says that all is well.
    assert!(watched(14, |i| i == 12).is_promoted(moment(13)));
}

#[test]
fn time_in_which_nobody_watches_any_more_does_not_count() {
    let mut watch = watched(7, |_| false);
    watch.end(moment(6), "paused by alice");
    assert!(!watch.is_promoted(moment(6)));
    assert!(!watch.is_promoted(moment(500)), "half an hour was watched");
    let mut watch = watched(13, |_| false);
    watch.end(moment(12), "watched long enough without a breach");
    assert!(watch.is_promoted(moment(500)), "it stays so");
}
