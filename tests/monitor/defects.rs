//! The defects of the guide's rollback engine, by number, with the correct behaviour.

use maos_migrate::engine::monitor::json::{self, Line};
use maos_migrate::engine::monitor::{
    Criteria, Criterion, Evaluator, Gap, Policy, Probe, Sample, State, Word, evaluate,
};

use super::support::*;

fn read(text: &str) -> Sample {
    match json::line(text.as_bytes()) {
        Line::Sample(sample, _) => *sample,
        Line::Baseline(_) => panic!("a sample"),
    }
}

#[test]
fn defect_78_nothing_collected_is_unknown_and_not_healthy() {
    let history: Vec<Sample> = (0..6).map(|i| Sample::lost(Some(at(i)), Gap::NoAnswer)).collect();
    let verdict = evaluate(&criteria(), Policy::Default, Some(2.0), &history).expect("judged");
    assert_eq!((verdict.word, verdict.page), (Word::Unknown, true));
    assert!(!verdict.recommendation(&criteria()).contains("stable"));
    let guide = evaluate(&criteria(), Policy::Guide, Some(2.0), &history).expect("judged");
    assert_eq!((guide.word, guide.should_roll_back), (Word::Unknown, false));
}

#[test]
fn defect_79_a_document_without_health_is_not_zero_availability() {
    for policy in [Policy::Default, Policy::Guide] {
        let mut evaluator = Evaluator::new(criteria(), policy);
        for _ in 0..10 {
            let verdict = evaluator.push(&read(
                "{\"tasks\": {\"total\": 10, \"failed\": 0, \"completed\": 10}}",
            ));
            assert!(verdict.of(Criterion::Availability).is_unknown());
            assert_eq!((verdict.score, verdict.word), (0, Word::Unknown));
        }
    }
}

#[test]
fn defect_80_no_component_at_all_is_unknown() {
    let sample = read("{\"health\": {\"healthy\": 0, \"total\": 0}}");
    assert_eq!(sample.health, Err(Gap::Zero));
    let guide = evaluate(&criteria(), Policy::Guide, None, &[sample]).expect("judged");
    assert_eq!((guide.score, guide.word), (0, Word::Unknown));
}

#[test]
fn defect_81_degradation_is_measured_against_the_baseline() {
    let mut history = Vec::new();
    let mut status = Status::start();
    status.response = 3.36;
    for i in 0..7 {
        status.completed += 20;
        history.push(status.sample(at(i)));
    }
    let verdict = evaluate(&criteria(), Policy::Default, Some(2.4), &history).expect("judged");
    let judged = verdict.of(Criterion::Degradation);
    assert_eq!((judged.state, judged.addend), (State::Breach, 2));
    assert!(judged.value.is_some_and(|value| (value - 0.4).abs() < 1e-9));
}

#[test]
fn defect_82_weights_are_kept_shown_and_can_be_made_hard() {
    let mut history = Vec::new();
    let mut status = Status::start();
    (status.response, status.validation) = (3.98, Ok(Probe::Fail));
    for i in 0..7 {
        status.completed += 20;
        history.push(status.sample(at(i)));
    }
    // 99 % slower alone: 2. Three failed validations alone: 2. Both: 4.
    let slow: Vec<Sample> = history
        .iter()
        .map(|sample| Sample {
            validation: Ok(Probe::Pass),
            ..*sample
        })
        .collect();
    let alone = evaluate(&criteria(), Policy::Default, Some(2.0), &slow).expect("judged");
    assert_eq!((alone.score, alone.should_roll_back), (2, false));
    let both = evaluate(&criteria(), Policy::Default, Some(2.0), &history).expect("judged");
    assert_eq!((both.score, both.should_roll_back), (4, true));
    let hard = Criteria::with("x", Some("criteria: {degradation: {hard: true}}\n")).expect("reads");
    let verdict = evaluate(&hard, Policy::Default, Some(2.0), &slow).expect("judged");
    assert_eq!((verdict.score, verdict.should_roll_back), (2, true));
    assert!(
        verdict
            .reasons(&hard)
            .iter()
            .any(|reason| reason.contains("hard"))
    );
}

#[test]
fn defect_83_the_failure_that_makes_three_counts_in_its_own_sample() {
    for policy in [Policy::Default, Policy::Guide] {
        let mut evaluator = Evaluator::new(criteria(), policy);
        let mut status = Status::start();
        status.failed = 0;
        status.validation = Ok(Probe::Fail);
        let scores: Vec<u32> = (0..3)
            .map(|i| {
                status.completed += 20;
                evaluator.push(&status.sample(at(i))).score
            })
            .collect();
        assert_eq!(scores, [0, 0, 2], "{policy:?}");
    }
}

#[test]
fn defect_84_failures_that_were_migrated_are_not_new_errors() {
    let mut evaluator = evaluator();
    let mut status = Status::start();
    assert_eq!((status.failed, status.completed), (600, 400));
    for i in 0..50 {
        let verdict = evaluator.push(&status.sample(at(i)));
        status.completed += 20;
        assert_eq!((verdict.score, verdict.of(Criterion::ErrorRate).k), (0, 0));
    }
}

#[test]
fn defect_85_strictness_is_fixed() {
    // `>` 15 %, `>` 30 %, `<` 95 %, `>=` 3: the table of limits proves each side; here that the rules say so.
    let criteria = criteria();
    let mut evaluator = Evaluator::new(criteria, Policy::Guide);
    evaluator.set_baseline(Some(1.0));
    let status = Status {
        failed: 3,
        completed: 17,
        healthy: 19,
        components: 20,
        response: 1.3,
        validation: Ok(Probe::Fail),
    };
    let scores: Vec<u32> = (0..3)
        .map(|i| evaluator.push(&status.sample(at(i))).score)
        .collect();
    assert_eq!(scores, [0, 0, 2]);
}
