//! Criteria that a workspace changes, and those that cannot work.

use maos_migrate::engine::ErrorKind;
use maos_migrate::engine::monitor::{Criteria, Criterion};

use super::support::MINUTE;

fn refused(text: &str) -> String {
    let error = Criteria::with("monitor/criteria.yml", Some(text)).expect_err("must be refused");
    assert_eq!(error.kind, ErrorKind::Input);
    error.message
}

#[test]
fn the_built_in_criteria_are_the_guides() {
    let criteria = Criteria::embedded().expect("reads");
    let rules: Vec<(f64, u32, bool)> = criteria
        .rules
        .iter()
        .map(|rule| (rule.limit, rule.weight, rule.hard))
        .collect();
    assert_eq!(
        rules,
        [
            (0.15, 3, false),
            (0.30, 2, false),
            (0.95, 3, false),
            (3.0, 2, false)
        ]
    );
    assert_eq!((criteria.roll_back_at, criteria.immediate_at), (3, 5));
    assert_eq!(
        (criteria.window, criteria.interval, criteria.duration),
        (30 * MINUTE, 5 * MINUTE, 60 * MINUTE)
    );
    assert_eq!((criteria.minimum_tasks, criteria.confirmations), (60, 3));
}

#[test]
fn a_workspace_says_only_what_differs() {
    let text =
        "window_minutes: 60\ncriteria:\n  validation: {hard: true}\n  error_rate:\n    limit_percent: 5\n";
    let criteria = Criteria::with("monitor/criteria.yml", Some(text)).expect("reads");
    assert_eq!(criteria.window, 60 * MINUTE);
    assert!(criteria.rule(Criterion::Validation).hard);
    assert!((criteria.rule(Criterion::ErrorRate).limit - 0.05).abs() < 1e-12);
    assert_eq!(criteria.rule(Criterion::ErrorRate).weight, 3);
    let empty = Criteria::with("monitor/criteria.yml", Some("# nothing yet\n")).expect("reads");
    assert_eq!(empty, Criteria::embedded().expect("reads"));
}

#[test]
fn fault_e79_what_cannot_work_is_refused_with_its_line() {
    for (text, line, word) in [
        (
            "criteria:\n  error_rate:\n    limit_percent: 1500\n",
            3,
            "between 0.1 and 99.9",
        ),
        (
            "\ncriteria:\n  error_rate:\n    limit_percent: -15\n",
            4,
            "error_rate.limit_percent is -15",
        ),
        (
            "criteria:\n  availability: {limit_percent: 0}\n",
            2,
            "availability.limit_percent",
        ),
        (
            "criteria:\n  degradation:\n    weight: -1\n",
            3,
            "degradation.weight",
        ),
        (
            "criteria:\n  validation:\n    limit_failures: 2.5\n",
            3,
            "whole number",
        ),
        (
            "roll_back_at: 11\nimmediate_at: 12\n",
            1,
            "can never be reached: all weights together make 10",
        ),
        (
            "criteria:\n  error_rate: {weight: 0}\n  availability: {weight: 0}\n  degradation: {weight: 0}\n",
            2,
            "can never be reached",
        ),
        ("immediate_at: 2\n", 1, "below roll_back_at"),
        (
            "window_minutes: 30\ninterval_minutes: 45\n",
            1,
            "shorter than interval_minutes",
        ),
        ("interval_minutes: 45\n", 1, "shorter than interval_minutes"),
        ("interval_minutes: 0\n", 1, "interval_minutes is 0"),
        ("confidence_percent: 0.95\n", 1, "between 50 and 99.99"),
        ("minimum_tasks: 0\n", 1, "minimum_tasks"),
        ("confirmations: .nan\n", 1, "confirmations is NaN"),
        ("disaster: {errors_percent: 10}\n", 1, "above the error rate's"),
        ("version: 2\n", 1, "version is 2"),
        ("unknown_budget: 1e99\n", 1, "unknown_budget is 1e99;"),
        ("confirmations: .inf\n", 1, "confirmations is inf"),
        ("roll_back_at: 0\n", 1, "roll_back_at is 0"),
        ("unit_factor: 1\n", 1, "between 10 and 100000"),
        ("disaster:\n  tasks: 0\n", 2, "disaster.tasks is 0"),
        ("duration_minutes: -1\n", 1, "duration_minutes is -1"),
        ("criteria:\n  error_rates: {}\n", 2, "error_rates"),
        (
            "criteria:\n  validation: {limit_failures: 0}\n",
            2,
            "validation.limit_failures is 0",
        ),
        ("windows_minutes: 30\n", 1, "windows_minutes"),
        ("confirmations: 3\nconfirmations: 4\n", 2, "duplicate"),
        ("confirmations: three\n", 1, "floating point"),
    ] {
        let said = refused(text);
        assert!(
            said.starts_with(&format!("monitor/criteria.yml line {line}")) && said.contains(word),
            "{text:?}: {said}"
        );
    }
}

#[test]
fn a_hard_criterion_makes_weights_that_cannot_add_up_acceptable() {
    let text = "roll_back_at: 100\nimmediate_at: 100\ncriteria:\n  validation: {hard: true}\n";
    Criteria::with("monitor/criteria.yml", Some(text)).expect("validation rolls back by itself");
}
