//! The defects of the guide's own comparison, each with what is right instead.

use maos_migrate::engine::compare::report::{Facts, document};
use maos_migrate::engine::compare::{Recommendation, summarize};
use serde_json::json;

use crate::support::{bad, good, pair};

fn facts() -> Facts {
    Facts {
        started: "2026-11-22T14:00:00Z".parse().unwrap(),
        name: "test".to_owned(),
        legacy: "./legacy".to_owned(),
        maos: "rehearsal".to_owned(),
        rehearsal: true,
        simulated: false,
        deadline_s: 120,
        quality: None,
        tracking: String::new(),
    }
}

#[test]
fn defect_16_and_17_a_report_with_its_recommendation_comes_to_an_end() {
    // The guide's thresholds, exactly at them and just below.
    for (speedup, success, wanted) in [
        (2.0, 0.95, Recommendation::Strong),
        (9.0, 0.949, Recommendation::Good),
        (1.999, 1.0, Recommendation::Good),
        (1.5, 0.90, Recommendation::Good),
        (1.499, 1.0, Recommendation::Consider),
        (1.2, 0.85, Recommendation::Consider),
        (1.199, 1.0, Recommendation::NotYet),
        (9.0, 0.849, Recommendation::NotYet),
        (0.4, 0.0, Recommendation::NotYet),
    ] {
        assert_eq!(
            Recommendation::at(speedup, success),
            wanted,
            "{speedup} {success}"
        );
    }
    let pairs: Vec<_> = (0..12)
        .map(|n| pair(&format!("t{n}"), 1, good(4.0), good(2.0)))
        .collect();
    let summary = summarize(&pairs, 12, 10);
    let report = document(&pairs, &summary, &facts());
    assert_eq!(
        report["recommendation"],
        "Strongly recommend migration - significant performance gains with high reliability"
    );
    assert_eq!(report["summary"]["avg_speedup"], 2.0);
    assert_eq!(report["detailed_results"]["legacy"].as_array().unwrap().len(), 12);
}

#[test]
fn defect_18_what_was_not_measured_is_not_measured() {
    let pairs = [pair("a", 1, good(2.0), good(1.0))];
    let report = document(&pairs, &summarize(&pairs, 1, 10), &facts());
    assert_eq!(report["quality"], "not measured");
    assert_eq!(
        report["resource_usage"],
        json!({"legacy": "not measured", "maos": "not measured"})
    );
    assert_eq!(
        report["detailed_results"]["maos"][0]["resource_usage"],
        "not measured"
    );
    assert_eq!(
        report["detailed_results"]["maos"][0]["result_quality"],
        "not measured"
    );
}

#[test]
fn defect_19_failures_no_time_and_too_few_pairs_are_answers_not_crashes() {
    for pairs in [
        vec![],
        vec![pair("a", 1, bad(1.0), bad(0.0))],
        vec![pair("a", 1, good(1.0), good(0.0))],
        vec![
            pair("a", 1, good(0.0), good(1.0)),
            pair("a", 2, bad(1.0), good(1.0)),
        ],
    ] {
        let summary = summarize(&pairs, 4, 2);
        assert_eq!(summary.recommendation, Recommendation::TooFew);
        assert_eq!(
            summary.sentence(),
            "Too few pairs: 0 of 2 needed. No recommendation yet."
        );
        let report = document(&pairs, &summary, &facts());
        assert!(report["recommendation"].is_null() && report["summary"]["avg_speedup"].is_null());
        assert!(report["too_few"].as_str().unwrap().starts_with("Too few pairs"));
    }
    let none = summarize(&[], 4, 2);
    assert_eq!((none.legacy.share(), none.maos.share()), (None, None));
}

#[test]
fn defect_22_pairs_are_repeated_and_told_with_n_and_spread() {
    let pairs: Vec<_> = (0..8)
        .flat_map(|task| {
            (1..=3).map(move |repeat| {
                let maos = 1.0 + f64::from(task) / 10.0;
                pair(&format!("t{task}"), repeat, good(3.0), good(maos))
            })
        })
        .collect();
    let summary = summarize(&pairs, 24, 10);
    let spread = summary.speedup.unwrap();
    let (low, high) = spread.interval.unwrap();
    assert_eq!((spread.n, summary.compared), (24, 24));
    assert!(low < spread.median && spread.median < high);
    assert!(
        summary
            .spread_words()
            .starts_with("n 24 pairs, median 2.2×, 95 % interval")
    );
    // The median of ratios and the ratio of means are two figures, and the report says which is which.
    let report = document(&pairs, &summary, &facts());
    assert!((report["summary"]["avg_speedup"].as_f64().unwrap() - 3.0 / 1.35).abs() < 1e-9);
    assert!(report["method"]["avg_speedup"].as_str().unwrap().contains("mean"));
}

#[test]
fn defect_22_an_interval_below_the_threshold_is_a_caution() {
    let seconds = [1.0, 1.1, 1.2, 1.3, 1.4, 1.45, 1.5, 1.6, 2.2, 2.6];
    let pairs: Vec<_> = seconds
        .iter()
        .enumerate()
        .map(|(n, maos)| pair(&format!("t{n}"), 1, good(3.0), good(*maos)))
        .collect();
    let summary = summarize(&pairs, 10, 10);
    assert_eq!(summary.recommendation, Recommendation::Strong);
    assert!(
        summary.caution().unwrap().contains("below the 2.0×"),
        "{:?}",
        summary.caution()
    );
}

#[test]
fn defect_23_efficiency_is_of_runs_that_succeeded_and_reported_it() {
    let told = |efficiency, run: maos_migrate::engine::compare::Run| maos_migrate::engine::compare::Run {
        efficiency,
        ..run
    };
    let pairs = [
        pair("a", 1, good(2.0), told(Some(0.8), good(1.0))),
        pair("b", 1, good(2.0), told(Some(0.6), good(1.0))),
        pair("c", 1, good(2.0), told(None, good(1.0))),
        pair("d", 1, good(2.0), told(Some(0.0), bad(1.0))),
    ];
    let summary = summarize(&pairs, 4, 2);
    let (mean, n) = summary.efficiency.unwrap();
    assert!((mean - 0.7).abs() < 1e-9 && n == 2);
    let silent = [pair("a", 1, good(2.0), good(1.0))];
    let report = document(&silent, &summarize(&silent, 1, 1), &facts());
    assert!(report["summary"]["avg_parallel_efficiency"].is_null());
    assert_eq!(report["summary"]["parallel_efficiency_reported_by"], 0);
}

#[test]
fn defect_24_only_pairs_that_succeeded_on_both_sides_are_compared() {
    // The slow task fails on MAOS: an average over different tasks would make MAOS look five times as fast.
    let pairs = [
        pair("slow", 1, good(100.0), bad(1.0)),
        pair("a", 1, good(10.0), good(10.0)),
        pair("b", 1, good(10.0), good(10.0)),
        pair("c", 1, bad(1.0), good(90.0)),
        pair("d", 1, bad(1.0), bad(1.0)),
    ];
    let summary = summarize(&pairs, 5, 2);
    assert_eq!(summary.ratio_of_means, Some(1.0));
    assert!((summary.speedup.unwrap().median - 1.0).abs() < 1e-9);
    assert_eq!((summary.compared, summary.run), (2, 5));
    assert_eq!((summary.legacy.succeeded, summary.maos.succeeded), (3, 3));
    assert_eq!(
        summary.left_out(),
        [
            "1 pair failed on MAOS and is not in the speed-up.",
            "1 pair failed on the legacy side and is not in the speed-up.",
            "1 pair failed on both sides and is not in the speed-up.",
        ]
    );
}
