//! Trouble with figures, by the number of its fault case.

use maos_migrate::engine::monitor::json::{self, Line};
use maos_migrate::engine::monitor::{
    Criteria, Criterion, Evaluator, Gap, Policy, Probe, Sample, State, Verdict, Word,
};

use super::support::*;

fn state(verdict: &Verdict, criterion: Criterion) -> State {
    verdict.of(criterion).state
}

fn sample(text: &str) -> Sample {
    match json::line(text.as_bytes()) {
        Line::Sample(sample, _) => *sample,
        Line::Baseline(_) => panic!("a sample, not a baseline"),
    }
}

/// A watch over samples that are fine, with its status.
fn fine(samples: u64) -> (Evaluator, Status) {
    let mut evaluator = evaluator();
    evaluator.set_baseline(Some(2.0));
    let mut status = Status::start();
    for i in 0..samples {
        status.completed += 20;
        evaluator.push(&status.sample(at(i)));
    }
    (evaluator, status)
}

#[test]
fn fault_e68_no_usable_answer_is_unknown_with_its_reason_and_never_a_rollback() {
    for (text, gap) in [
        ("", Gap::Unreadable),
        ("<html><body>502 Bad Gateway</body></html>", Gap::Unreadable),
        ("{\"tasks\": {\"total\": 12, \"fai", Gap::Unreadable),
        ("[]", Gap::Absent),
        ("{}", Gap::Absent),
        ("null", Gap::Unreadable),
    ] {
        let (mut evaluator, _) = fine(10);
        let mut pages = 0;
        for _ in 0..40 {
            let verdict = evaluator.push(&sample(text));
            assert_eq!(verdict.word, Word::Unknown, "{text}");
            assert_eq!(
                state(&verdict, Criterion::ErrorRate),
                State::Unknown(gap),
                "{text}"
            );
            assert_eq!((verdict.score, verdict.should_roll_back), (0, false), "{text}");
            pages += u32::from(verdict.page);
        }
        assert_eq!(pages, 1, "{text}");
        assert!(evaluator.last().is_some_and(|verdict| verdict.frozen));
    }
}

#[test]
fn fault_e68_data_that_comes_back_ends_the_freeze() {
    let (mut evaluator, mut status) = fine(10);
    for i in 10..17 {
        evaluator.push(&Sample::lost(Some(at(i)), Gap::NoAnswer));
    }
    assert!(evaluator.last().is_some_and(|verdict| verdict.frozen));
    status.completed += 160;
    let verdict = evaluator.push(&status.sample(at(17)));
    assert_eq!(
        (verdict.word, verdict.frozen, verdict.unknown_used),
        (Word::Pass, false, 0)
    );
}

#[test]
fn fault_e69_figures_that_are_none_are_unknown_and_spoil_nothing_beside_them() {
    for (failed, gap) in [
        ("NaN", Gap::NotFinite),
        ("\"NaN\"", Gap::NotFinite),
        ("Infinity", Gap::NotFinite),
        ("-Infinity", Gap::NotFinite),
        ("1e999", Gap::NotFinite),
        ("-3", Gap::Negative),
        ("2.5", Gap::NotWhole),
        ("1e300", Gap::TooLarge),
        ("\"12\"", Gap::NotANumber),
        ("[1]", Gap::NotANumber),
        ("{\"a\": 1}", Gap::NotANumber),
        ("true", Gap::NotANumber),
        ("null", Gap::Null),
        ("5000", Gap::Impossible),
    ] {
        let text = format!(
            "{{\"at\": \"2026-01-01T00:00:00Z\", \"tasks\": {{\"total\": 1000, \"failed\": {failed}, \"completed\": 900}}, \
             \"health\": {{\"healthy\": 10, \"total\": 10}}, \"validation\": \"pass\"}}"
        );
        let read = sample(&text);
        assert_eq!(read.tasks, Err(gap), "{text}");
        assert!(
            read.health.is_ok() && read.validation == Ok(Probe::Pass),
            "{text}"
        );
    }
    let over = sample("{\"health\": {\"healthy\": 11, \"total\": 10}}");
    assert_eq!(over.health, Err(Gap::Impossible));
    let zero = sample("{\"performance\": {\"avg_response_time\": 0}}");
    assert_eq!(zero.response, Err(Gap::Zero));
}

#[test]
fn fault_e69_a_counter_reset_is_never_a_negative_growth() {
    let (mut evaluator, mut status) = fine(10);
    (status.failed, status.completed) = (0, 3);
    let verdict = evaluator.push(&status.sample(at(10)));
    assert!(verdict.reset);
    assert_eq!(state(&verdict, Criterion::ErrorRate), State::Unknown(Gap::Few));
    for i in 11..14 {
        status.completed += 20;
        let verdict = evaluator.push(&status.sample(at(i)));
        let errors = verdict.of(Criterion::ErrorRate);
        assert_eq!((errors.k, errors.n), (0, 20 * (i - 10)));
    }
}

#[test]
fn fault_e69_counters_that_vanish_for_a_sample_do_not_make_old_failures_new() {
    let (mut evaluator, mut status) = fine(10);
    let gone = Status {
        failed: 0,
        completed: 0,
        ..status
    };
    evaluator.push(&gone.sample(at(10)));
    evaluator.push(&gone.sample(at(11)));
    status.completed += 60;
    let verdict = evaluator.push(&status.sample(at(12)));
    let errors = verdict.of(Criterion::ErrorRate);
    assert_eq!((errors.k, errors.n, verdict.word), (0, 60, Word::Pass));
}

#[test]
fn fault_e69_doubled_and_late_samples_confirm_nothing() {
    let (mut evaluator, mut status) = fine(10);
    status.response = 3.0;
    status.validation = Ok(Probe::Fail);
    status.completed += 20;
    let once = evaluator.push(&status.sample(at(10)));
    for i in [10, 10, 9, 5, 10] {
        let verdict = evaluator.push(&status.sample(at(i)));
        assert!(verdict.aside.is_some());
        assert_eq!(verdict.criteria, once.criteria);
    }
    assert_eq!(once.of(Criterion::Validation).k, 1);
}

#[test]
fn fault_e69_a_clock_set_back_begins_the_window_anew_instead_of_ending_the_watch() {
    let (mut evaluator, mut status) = fine(100);
    let mut judged = 0;
    for i in 0..10 {
        status.completed += 20;
        judged += u32::from(evaluator.push(&status.sample(at(i))).aside.is_none());
    }
    assert_eq!(judged, 8);
}

#[test]
fn fault_e69_seconds_that_become_milliseconds_are_not_judged() {
    let (mut evaluator, mut status) = fine(10);
    for i in 10..20 {
        status.completed += 20;
        status.response = 2000.0;
        let verdict = evaluator.push(&status.sample(at(i)));
        assert_eq!(
            state(&verdict, Criterion::Degradation),
            State::Unknown(Gap::UnitJump)
        );
        assert!(!verdict.should_roll_back);
    }
}

#[test]
fn fault_e70_no_task_and_one_failed_task_are_unknown() {
    let mut evaluator = evaluator();
    let mut status = Status::start();
    for i in 0..20 {
        if i == 5 {
            status.failed += 1;
        }
        let verdict = evaluator.push(&status.sample(at(i)));
        assert_eq!(state(&verdict, Criterion::ErrorRate), State::Unknown(Gap::Few));
        assert_eq!((verdict.word, verdict.page), (Word::Unknown, false));
    }
}

#[test]
fn fault_e70_work_that_waits_while_nothing_ends_spends_the_budget() {
    let (mut evaluator, status) = fine(10);
    let mut pages = 0;
    for i in 10..40 {
        let mut figures = status.figures();
        figures.total = maos_migrate::engine::monitor::sample::Raw::Number(5000.0);
        let verdict = evaluator.push(&figures.sample(Some(at(i)), Ok(Probe::Pass)));
        assert!(!verdict.should_roll_back);
        pages += u32::from(verdict.page);
    }
    let last = evaluator.last().expect("judged");
    assert_eq!(state(last, Criterion::ErrorRate), State::Unknown(Gap::Stalled));
    assert_eq!(pages, 1);
}

#[test]
fn cancelled_tasks_are_no_work_that_waits() {
    let (mut evaluator, status) = fine(10);
    for i in 10..40 {
        let mut figures = status.figures();
        let given = figures.total.count().expect("given") + 12;
        figures.total =
            maos_migrate::engine::monitor::sample::Raw::Number(given.to_string().parse().unwrap());
        figures.cancelled = maos_migrate::engine::monitor::sample::Raw::Number(12.0);
        let verdict = evaluator.push(&figures.sample(Some(at(i)), Ok(Probe::Pass)));
        assert!(!verdict.page, "nobody is called for an idle system");
    }
    let last = evaluator.last().expect("judged");
    assert_ne!(state(last, Criterion::ErrorRate), State::Unknown(Gap::Stalled));
}

/// failed of 100, response (baseline 2), healthy of 100, failures before, score, roll back.
const LIMITS: &[(u64, f64, u64, u32, u32, bool)] = &[
    (15, 2.0, 100, 0, 0, false),
    (16, 2.0, 100, 0, 3, true),
    (0, 2.6, 100, 0, 0, false),
    (0, 2.600_001, 100, 0, 2, false),
    (0, 2.0, 95, 0, 0, false),
    (0, 2.0, 94, 0, 3, true),
    (0, 2.0, 100, 2, 0, false),
    (0, 2.0, 100, 3, 2, false),
    (15, 2.6, 95, 2, 0, false),
    (0, 2.7, 100, 3, 4, true),
    (16, 2.7, 100, 0, 5, true),
    (16, 2.0, 94, 0, 6, true),
    (16, 2.7, 94, 3, 10, true),
];

#[test]
fn fault_e71_figures_exactly_at_their_limits() {
    let criteria = criteria();
    for (failed, response, healthy, failures, score, roll_back) in LIMITS.iter().copied() {
        let mut evaluator = Evaluator::new(criteria, Policy::Guide);
        evaluator.set_baseline(Some(2.0));
        let status = Status {
            failed,
            completed: 100 - failed,
            healthy,
            components: 100,
            response,
            validation: if failures == 0 {
                Ok(Probe::Pass)
            } else {
                Ok(Probe::Fail)
            },
        };
        for _ in 1..failures {
            let only = Sample {
                validation: Ok(Probe::Fail),
                ..Sample::lost(None, Gap::Absent)
            };
            evaluator.push(&only);
        }
        let verdict = evaluator.push(&status.sample(EPOCH));
        assert_eq!(
            (verdict.score, verdict.should_roll_back),
            (score, roll_back),
            "{status:?}"
        );
        let band = match score {
            0 => "CONTINUE MONITORING - System appears stable",
            1..3 => "MONITOR CLOSELY - Some issues detected but below rollback threshold",
            3..5 => "ROLLBACK RECOMMENDED - Significant issues detected",
            _ => "IMMEDIATE ROLLBACK REQUIRED - Critical issues detected",
        };
        assert_eq!(verdict.recommendation(&criteria), band);
    }
    // The same time over another baseline, where the division is not exact in binary.
    for (baseline, exactly) in [(1.0, 1.3), (2.0, 2.6), (2.4, 3.12), (0.7, 0.91), (10.0, 13.0)] {
        let mut evaluator = Evaluator::new(criteria, Policy::Guide);
        evaluator.set_baseline(Some(baseline));
        let mut status = Status::start();
        status.failed = 0;
        status.response = exactly;
        assert_eq!(
            evaluator.push(&status.sample(EPOCH)).score,
            0,
            "{exactly} over {baseline}"
        );
    }
}

#[test]
fn fault_e71_a_window_exactly_at_a_limit_is_within_it() {
    let (mut evaluator, mut status) = fine(1);
    for i in 1..30 {
        (status.failed, status.completed) = (status.failed + 3, status.completed + 17);
        (status.healthy, status.components, status.response) = (95, 100, 2.6);
        let verdict = evaluator.push(&status.sample(at(i)));
        assert_eq!((verdict.score, verdict.should_roll_back), (0, false), "{i}");
    }
}

fn validated(outcomes: &str, criteria: Criteria) -> Verdict {
    let mut evaluator = Evaluator::new(criteria, Policy::Default);
    evaluator.set_baseline(Some(2.0));
    let mut status = Status::start();
    let mut last = None;
    for (i, outcome) in outcomes.chars().enumerate() {
        status.completed += 20;
        status.validation = match outcome {
            'x' => Ok(Probe::Fail),
            '.' => Ok(Probe::Pass),
            _ => Err(Gap::NoAnswer),
        };
        last = Some(evaluator.push(&status.sample(at(i as u64))));
    }
    last.expect("at least one")
}

#[test]
fn fault_e72_failures_in_a_row_with_passes_and_unknowns_between() {
    for (outcomes, failures, score) in [
        ("....xx.xx", 2, 0),
        ("....xxx", 3, 2),
        ("....xx?x", 3, 2),
        ("....x?????x", 2, 0),
        ("....xxxx.", 0, 0),
        ("....x?.?x", 1, 0),
    ] {
        let verdict = validated(outcomes, criteria());
        assert_eq!(verdict.of(Criterion::Validation).k, failures, "{outcomes}");
        assert_eq!(
            (verdict.score, verdict.should_roll_back),
            (score, false),
            "{outcomes}"
        );
    }
    let hard = Criteria::with("x", Some("criteria: {validation: {hard: true}}\n")).expect("reads");
    let verdict = validated("....xxx", hard);
    assert_eq!(
        (verdict.score, verdict.should_roll_back, verdict.latched()),
        (2, true, true)
    );
}

#[test]
fn fault_e72_alternating_breach_and_ok_never_confirms() {
    let (mut evaluator, mut status) = fine(7);
    for i in 7..100 {
        let bad = i % 2 == 0;
        let failed = if bad { 9 } else { 0 };
        (status.failed, status.completed) = (status.failed + failed, status.completed + 20 - failed);
        status.healthy = if bad { 5 } else { 10 };
        status.response = if bad { 9.0 } else { 2.0 };
        let verdict = evaluator.push(&status.sample(at(i)));
        assert_eq!((verdict.score, verdict.should_roll_back), (0, false), "{i}");
    }
}

#[test]
fn fault_e73_a_baseline_that_cannot_be_divided_by_is_unknown_and_asks_for_another() {
    for (baseline, gap) in [
        (None, Gap::NoBaseline),
        (Some(0.0), Gap::BadBaseline),
        (Some(-1.0), Gap::BadBaseline),
        (Some(f64::NAN), Gap::BadBaseline),
        (Some(f64::INFINITY), Gap::BadBaseline),
    ] {
        let mut evaluator = evaluator();
        evaluator.set_baseline(baseline);
        let mut status = Status::start();
        for i in 0..20 {
            status.completed += 20;
            status.response = 500.0;
            let verdict = evaluator.push(&status.sample(at(i)));
            assert_eq!(state(&verdict, Criterion::Degradation), State::Unknown(gap));
            assert!(!verdict.page && verdict.score == 0);
        }
        // The other criteria are judged as ever.
        assert_eq!(evaluator.last().map(|verdict| verdict.word), Some(Word::Pass));
    }
    assert!(Gap::BadBaseline.words().contains("record it again"));
}

#[test]
fn fault_e73_a_baseline_recorded_later_is_used_from_then_on() {
    let (mut evaluator, mut status) = fine(10);
    evaluator.set_baseline(Some(1.0));
    for i in 10..13 {
        status.completed += 20;
        evaluator.push(&status.sample(at(i)));
    }
    let last = evaluator.last().expect("judged");
    assert_eq!(
        (state(last, Criterion::Degradation), last.score),
        (State::Breach, 2)
    );
}
