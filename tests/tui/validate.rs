//! The Validate screen in its states and at its sizes, and what its keys ask for.

use maos_migrate::engine::Capability;
use maos_migrate::engine::item::{Item, ItemState};
use maos_migrate::engine::operation::{Outcome, Progress};
use maos_migrate::engine::snapshot::{Activity, Step};
use maos_migrate::engine::validate::{Catalogue, Verdict};
use maos_migrate::tui::style::{Look, Theme};

use super::support::{Harness, Scene, at, each_scene, go_down};

const STEP: Capability = Capability::Validate;

fn open(harness: &mut Harness) {
    go_down(harness, 10);
}

fn told(name: &str) -> (ItemState, &'static str, &'static str) {
    use ItemState as S;
    match name {
        "submit_simple_task" => (S::Done, "completed", "it ended as COMPLETED after 1.2 s"),
        "submit_parallel_task" => (S::Done, "3 agents reported", "MAOS reports 3 agents"),
        "test_agent_spawning" => (S::Done, "2 agents started, none left at its task", ""),
        "test_checkpoint_recovery" => (
            S::Failed,
            "restored 11 of 12 keys",
            "of 12 keys 11 are as they were; missing or changed: shared_state.billing.cursor",
        ),
        "test_task_cancellation" => (S::Done, "cancelled after 0.3 s", ""),
        "fault_tolerance" => (S::Skipped, "MAOS has no working task cancel: no such command", ""),
        "recovery_mechanisms" => (
            S::Skipped,
            "MAOS has no working checkpoint create: stores nothing",
            "",
        ),
        "data_consistency" => (S::Skipped, "there is no status document: exit 2", ""),
        "error_handling" => (S::Done, "4 of 4 refused clearly", ""),
        "memory_usage" => (S::Skipped, "MAOS's processes do not run under this program", ""),
        _ => (S::Done, "as expected", "it was as expected"),
    }
}

/// The first `most` tests with what they came to, all failed from the `failing`-th on; the next one runs.
fn items(most: usize, failing: usize, simulated: bool) -> Vec<Item> {
    let catalogue = Catalogue::shipped().unwrap();
    let mut lines = Vec::new();
    for (index, test) in catalogue.tests.iter().enumerate().take(most + 1) {
        let (mut state, text, found) = told(&test.name);
        if index >= failing && state != ItemState::Skipped {
            state = ItemState::Failed;
        }
        if index == most {
            state = ItemState::Running;
        }
        let verdict = Verdict {
            at: at("14:05:00"),
            expected: test.expected.clone(),
            found: if found.is_empty() {
                text.to_owned()
            } else {
                found.to_owned()
            },
            evidence: vec!["checkpoint cp-31, then task m-40, then restore".to_owned()],
            figures: serde_json::Map::from_iter([("keys".to_owned(), 12.into())]),
            submitted: vec!["m-39".to_owned(), "m-40".to_owned()],
            rehearsal: simulated,
            simulated,
        };
        lines.push(Item {
            key: test.name.clone(),
            title: test.name.clone(),
            group: test.category.name().to_owned(),
            state,
            text: if state == ItemState::Running {
                String::new()
            } else {
                text.to_owned()
            },
            ms: (state != ItemState::Running).then_some(412 + index as u64 * 700),
            data: serde_json::to_value(verdict).unwrap(),
        });
    }
    lines
}

fn step(harness: &mut Harness, activity: Activity, items: Vec<Item>) {
    let done = items.iter().filter(|item| item.state.ended()).count() as u64;
    let count = |state| items.iter().filter(|item| item.state == state).count() as u64;
    let (passed, failed) = (count(ItemState::Done), count(ItemState::Failed));
    let progress = Progress {
        done,
        total: Some(19),
        quarantined: failed,
        unit: "tests".to_owned(),
        phase: "testing".to_owned(),
        running: vec!["agent_scaling".to_owned()],
        elapsed_s: 80.0,
        ..Progress::default()
    };
    let step = Step {
        activity,
        verb: "run".to_owned(),
        progress: Some(progress),
        items: [("run".to_owned(), items.into())].into(),
        started: Some(at("14:05:00")),
        ended: activity.is_done().then(|| at("14:06:20")),
        outcome: activity.is_done().then(|| Outcome {
            source: passed + failed,
            converted: passed,
            unchanged: 0,
            quarantined: failed,
            proof: Vec::new(),
            summary: "told".to_owned(),
            artifacts: Vec::new(),
        }),
        ..Step::default()
    };
    harness.snapshot.steps.insert(STEP, step);
    harness.snapshot.at = Some(at("14:06:29"));
    harness.update();
}

const SCENES: [Scene; 6] = [
    ("ready", |_| {}),
    ("running", |harness| {
        step(harness, Activity::Running, items(16, 99, false));
    }),
    ("one_failed", |harness| {
        step(harness, Activity::DoneWithQuarantine, items(19, 99, false));
        harness.text();
        harness.keys("n");
    }),
    ("evidence", |harness| {
        step(harness, Activity::DoneWithQuarantine, items(19, 99, true));
        harness.text();
        harness.keys("n<Enter>");
    }),
    ("band_failed", |harness| {
        step(harness, Activity::DoneWithQuarantine, items(19, 5, true));
    }),
    ("stopped", |harness| {
        step(harness, Activity::Stopped, items(7, 99, false)[..7].to_vec());
    }),
];

#[test]
fn every_state_at_every_size() {
    each_scene(&SCENES, open, |name, text| {
        insta::assert_snapshot!(format!("validate_{name}"), text);
    });
}

#[test]
fn in_ascii_and_without_colour_it_still_reads() {
    let mut harness = Harness::with_look((80, 24), Look::new(Theme::Mono, true));
    open(&mut harness);
    step(&mut harness, Activity::DoneWithQuarantine, items(19, 99, true));
    let text = harness.text();
    assert!(text.is_ascii(), "{text}");
    insta::assert_snapshot!("validate_ascii_80x24", text);
}

#[test]
fn next_walks_the_failures_and_goes_on_when_none_is_left() {
    let mut harness = Harness::new((80, 24));
    open(&mut harness);
    step(&mut harness, Activity::DoneWithQuarantine, items(19, 99, false));
    assert!(harness.text().contains("n next failure"), "{}", harness.text());
    harness.keys("n");
    let text = harness.text();
    assert!(
        text.contains("shared_state.billing.cursor") && text.contains("unchanged"),
        "{text}"
    );
    assert!(!text.contains("n next failure"), "{text}");
    assert!(
        text.contains("GOOD - ") && text.contains("15 of 19 run (78 %)"),
        "{text}"
    );
}

#[test]
fn results_from_before_an_upgrade_are_outdated() {
    let mut h = Harness::new((80, 24));
    open(&mut h);
    let good = || {
        items(19, 99, false)
            .into_iter()
            .filter(|item| item.state != ItemState::Failed)
            .collect()
    };
    step(&mut h, Activity::Done, good());
    assert!(!h.text().contains("outdated"), "{}", h.text());
    let ended = |verb: &str, when: &str| [(verb.to_owned(), at(when))].into();
    let validated = h.snapshot.steps.get_mut(&STEP).expect("it ran");
    validated.outcomes_at = ended("run", "14:06:20");
    let upgraded = Step {
        activity: Activity::Done,
        outcomes_at: ended("apply", "14:06:25"),
        ..Step::default()
    };
    h.snapshot.steps.insert(Capability::Upgrade, upgraded);
    h.update();
    let text = h.text();
    assert!(text.contains("outdated"), "{text}");
    assert!(
        text.contains("These results are from before the upgrade of") && text.contains("r runs the"),
        "{text}"
    );
}

#[test]
fn a_test_is_run_again_by_its_name_and_a_category_by_its_tests() {
    let mut harness = Harness::new((80, 24));
    open(&mut harness);
    step(&mut harness, Activity::DoneWithQuarantine, items(19, 99, false));
    harness.text();
    harness.keys("nt");
    assert_eq!(
        harness.sent(),
        ["Plan { capability: Validate, verb: \"only:test_checkpoint_recovery\" }"]
    );
    let mut harness = Harness::new((80, 24));
    open(&mut harness);
    step(&mut harness, Activity::DoneWithQuarantine, items(19, 99, false));
    harness.text();
    harness.keys("Gt");
    assert_eq!(
        harness.sent(),
        ["Plan { capability: Validate, verb: \"only:agent_scaling,concurrent_tasks,memory_usage\" }"]
    );
}

#[test]
fn the_lowest_band_leads_to_the_rollback_and_nothing_executed_has_no_band() {
    let mut harness = Harness::new((80, 24));
    open(&mut harness);
    step(&mut harness, Activity::DoneWithQuarantine, items(19, 5, false));
    let text = harness.text();
    assert!(
        text.contains("FAILED - Migration has critical issues and should be rolled back"),
        "{text}"
    );
    assert!(text.contains("n opens Rollback"), "{text}");
    let skipped: Vec<Item> = items(19, 99, false)
        .into_iter()
        .map(|item| item.now(ItemState::Skipped, "MAOS has no working task submit"))
        .collect();
    step(&mut harness, Activity::Done, skipped);
    let text = harness.text();
    assert!(
        text.contains("19 skipped, none executed: there is no assessment."),
        "{text}"
    );
    for band in ["EXCELLENT", "GOOD", "ACCEPTABLE", "CONCERNING", "FAILED -"] {
        assert!(!text.contains(band), "{text}");
    }
}
