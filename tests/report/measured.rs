//! The comparison and the validation in the report, from the lines of their runs.

use maos_migrate::engine::compare::{Ended, Pair, Run, Side};
use maos_migrate::engine::item::{Item, ItemState, Items};
use maos_migrate::engine::report::{Comparison, Validation, html_report, markdown_report};
use maos_migrate::engine::snapshot::Step;
use maos_migrate::engine::validate::{Catalogue, Verdict};

use crate::{at, report};

fn step(lines: Vec<Item>) -> Step {
    let mut items = Items::default();
    for line in lines {
        items.set(line);
    }
    Step {
        verb: "run".to_owned(),
        items: [("run".to_owned(), items)].into(),
        ..Step::default()
    }
}

fn run(seconds: f64, ended: Ended) -> Run {
    Run {
        ended,
        seconds,
        uncertainty_s: 0.0,
        why: String::new(),
        id: Some("m-1".to_owned()),
        agents: Some(3),
        efficiency: None,
        used: None,
    }
}

/// Five tasks, twice each; MAOS is twice as fast, and fails the last pair.
fn compared(simulated: bool) -> Step {
    let mut lines = Vec::new();
    for (task, repeat) in (0..5).flat_map(|task| [(task, 1), (task, 2)]) {
        let mut pair = Pair::new(&format!("legacy_<{task}>"), repeat, Side::Legacy, "setup");
        let last = (task, repeat) == (4, 2);
        pair.keep(Side::Legacy, run(4.0, Ended::Succeeded));
        pair.keep(
            Side::Maos,
            run(2.0, if last { Ended::Failed } else { Ended::Succeeded }),
        );
        (pair.rehearsal, pair.simulated) = (simulated, simulated);
        lines.push(Item {
            data: serde_json::to_value(&pair).unwrap(),
            ..Item::waiting(pair.key(), &pair.task).now(ItemState::Done, "")
        });
    }
    step(lines)
}

fn validated() -> Step {
    let verdict = |found: &str| Verdict {
        at: at("2026-11-22T13:30:00Z"),
        expected: "it is seen".to_owned(),
        found: found.to_owned(),
        evidence: Vec::new(),
        figures: serde_json::Map::new(),
        submitted: Vec::new(),
        rehearsal: false,
        simulated: false,
    };
    let line = |name: &str, state, found: &str| Item {
        ms: Some(1_234),
        data: serde_json::to_value(verdict(found)).unwrap(),
        ..Item::waiting(name, name).now(state, "")
    };
    step(vec![
        line("submit_simple_task", ItemState::Done, "it ended as COMPLETED"),
        line("submit_parallel_task", ItemState::Failed, "1 agent | of 3"),
        line(
            "test_checkpoint_recovery",
            ItemState::Skipped,
            "no checkpoint command",
        ),
    ])
}

#[test]
fn the_comparison_says_what_it_rests_on_and_what_is_left_out() {
    let mut report = report();
    report.comparison = Comparison::of(&compared(false), 5);
    let text = markdown_report(&report);
    for line in [
        "## Comparison",
        "Recommend migration - good performance gains with acceptable reliability. It rests on n 9 pairs, median 2.0×, 95 % \
         interval 2.0 to 2.0.",
        "- 1 pair failed on MAOS and is not in the speed-up.",
        "| Success | 10 of 10, 100.0 % | 9 of 10, 90.0 % |",
        "| Agents, as reported | - | 3.0 on average, 3 at most, of 9 runs |",
        "| Parallel efficiency, as reported | - | not reported |",
        "| Resources | not measured | not measured |",
        "| legacy\\_\\<4\\> | 1 of 2 | 4.00 s | 2.00 s | 2.0× |",
    ] {
        assert!(text.lines().any(|have| have == line), "missing: {line}\n{text}");
    }
    assert!(!text.contains("REHEARSAL"), "{text}");
    report.comparison = Comparison::of(&compared(true), 10);
    let text = markdown_report(&report);
    assert!(
        text.contains("> **Note.** REHEARSAL: MAOS was the embedded stand-in and durations were simulated"),
        "{text}"
    );
    assert!(
        text.contains("Too few pairs: 9 of 10 needed. No recommendation yet."),
        "{text}"
    );
    assert_eq!(Comparison::of(&Step::default(), 10), None);
}

#[test]
fn the_validation_lists_every_test_and_passes_none_that_did_not_run() {
    let catalogue = Catalogue::shipped().unwrap();
    let mut report = report();
    report.validation = Validation::of(&validated(), &catalogue);
    let text = markdown_report(&report);
    for line in [
        "## Validation",
        "2 of 19 run (10 %): 1 of 2 = 50.0 %; FAILED - Migration has critical issues and should be rolled back.",
        "| functionality | submit_simple_task | passed | 1.2 s | it ended as COMPLETED |",
        "| functionality | submit_parallel_task | FAILED | 1.2 s | 1 agent \\| of 3 |",
        "| functionality | test_checkpoint_recovery | skipped | - | no checkpoint command |",
        "| scalability | memory_usage | not run | - | - |",
    ] {
        assert!(text.lines().any(|have| have == line), "missing: {line}\n{text}");
    }
    assert_eq!(
        text.lines()
            .filter(|line| line.ends_with("| not run | - | - |"))
            .count(),
        16
    );
    assert!(html_report(&report, None).contains("<h2>Validation</h2>"));
    assert_eq!(Validation::of(&Step::default(), &catalogue), None);
}
