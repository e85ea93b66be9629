//! The Compare screen in its states and at its sizes, and what its keys ask for.

use std::sync::Arc;

use maos_migrate::engine::Capability;
use maos_migrate::engine::compare::usage::Used;
use maos_migrate::engine::compare::{Ended, Pair, Run, Side};
use maos_migrate::engine::error::Error;
use maos_migrate::engine::item::{Item, ItemState};
use maos_migrate::engine::operation::{Outcome, Progress};
use maos_migrate::engine::snapshot::{Activity, Step};
use maos_migrate::engine::views::Slot;
use maos_migrate::engine::workspace::{Settings, Workspace};
use maos_migrate::tui::style::{Look, Theme};

use super::support::{Harness, Scene, at, each_scene, go_down};

const STEP: Capability = Capability::Compare;

/// Goes to the screen by the list of steps.
fn open(harness: &mut Harness) {
    settings(harness, "legacy:\n  run: [./run_legacy]\n");
    go_down(harness, 8);
}

fn settings(harness: &mut Harness, more: &str) {
    let text = format!("name: acme-billing\ntype: brownfield\n{more}");
    let workspace = Workspace::at(std::path::Path::new("/srv/acme")).unwrap();
    let settings = Settings::parse(&text, &workspace, &|_| None).unwrap();
    harness.views.settings = Slot::Ready(at("14:06:00"), Arc::new(settings));
}

fn run(seconds: f64, ended: Ended) -> Run {
    Run {
        ended,
        seconds,
        uncertainty_s: seconds / 100.0,
        why: if ended == Ended::Succeeded {
            String::new()
        } else {
            "FAILED: worker ended by signal 9".to_owned()
        },
        id: Some("m-31".to_owned()),
        agents: Some(3),
        efficiency: Some(0.81),
        used: Some(Used {
            cpu_s: seconds * 0.9,
            peak_bytes: 943_718_400,
        }),
    }
}

/// `tasks` tasks, three pairs each; of the fourth task MAOS failed twice.
fn pairs(tasks: usize, most: usize, simulated: bool) -> Vec<Item> {
    let mut items = Vec::new();
    for repeat in 1..=3_usize {
        for task in 1..=tasks {
            if items.len() == most {
                return items;
            }
            let first = if (task + repeat).is_multiple_of(2) {
                Side::Maos
            } else {
                Side::Legacy
            };
            let mut pair = Pair::new(&format!("legacy_{task:03}"), repeat, first, "5e7a11ce");
            #[expect(clippy::cast_precision_loss, reason = "a few tasks")]
            let (legacy, factor) = (6.1 + (task * 7 % 24) as f64 * 1.9, 1.1 + (task % 5) as f64 * 0.6);
            pair.keep(Side::Legacy, run(legacy, Ended::Succeeded));
            let ended = if task == 4 && repeat < 3 {
                Ended::Failed
            } else {
                Ended::Succeeded
            };
            pair.keep(Side::Maos, run(legacy / factor, ended));
            pair.rehearsal = simulated;
            pair.simulated = simulated;
            items.push(Item {
                key: pair.key(),
                title: format!("{}, run {repeat}", pair.task),
                group: pair.task.clone(),
                state: if pair.speedup().is_some() {
                    ItemState::Done
                } else {
                    ItemState::Failed
                },
                text: "told".to_owned(),
                ms: Some(1),
                data: serde_json::to_value(&pair).unwrap(),
            });
        }
    }
    items
}

fn step(harness: &mut Harness, activity: Activity, items: Vec<Item>, total: u64) {
    let done = items.iter().filter(|item| item.state.ended()).count() as u64;
    let progress = Progress {
        done,
        total: Some(total),
        unit: "pairs".to_owned(),
        phase: "comparing".to_owned(),
        running: vec!["legacy_018#2".to_owned()],
        elapsed_s: 700.0,
        ..Progress::default()
    };
    let step = Step {
        activity,
        verb: "run".to_owned(),
        progress: Some(progress),
        items: [("run".to_owned(), items.into())].into(),
        started: Some(at("13:54:00")),
        ended: activity.is_done().then(|| at("14:06:20")),
        ..Step::default()
    };
    harness.snapshot.steps.insert(STEP, step);
    harness.snapshot.at = Some(at("14:06:27"));
    harness.update();
}

fn running(harness: &mut Harness) {
    let mut items = pairs(24, 41, false);
    let next = Pair::new("legacy_018", 2, Side::Maos, "5e7a11ce");
    items.push(Item {
        key: next.key(),
        title: "legacy_018, run 2".to_owned(),
        state: ItemState::Running,
        text: "on MAOS".to_owned(),
        data: serde_json::to_value(&next).unwrap(),
        ..Item::default()
    });
    step(harness, Activity::Running, items, 72);
}

fn finished(harness: &mut Harness, simulated: bool) {
    step(
        harness,
        Activity::DoneWithQuarantine,
        pairs(24, 72, simulated),
        72,
    );
    let step = harness.snapshot.steps.get_mut(&STEP).unwrap();
    step.outcome = Some(Outcome {
        source: 72,
        converted: 70,
        unchanged: 0,
        quarantined: 2,
        proof: Vec::new(),
        summary: "told".to_owned(),
        artifacts: vec!["compare/migration_test_report.json".to_owned()],
    });
    harness.update();
}

const SCENES: [Scene; 8] = [
    ("ready", |_| {}),
    ("no_legacy_command", |harness| {
        settings(harness, "");
        harness.update();
    }),
    ("running", running),
    ("few", |harness| {
        step(harness, Activity::Running, pairs(24, 4, false), 72);
    }),
    ("done", |harness| finished(harness, false)),
    ("rehearsal", |harness| finished(harness, true)),
    ("one_task", |harness| {
        finished(harness, true);
        harness.text();
        harness.keys("jjj<Enter>");
    }),
    ("failed", |harness| {
        step(harness, Activity::Failed, pairs(24, 6, false), 72);
        let step = harness.snapshot.steps.get_mut(&STEP).unwrap();
        step.error = Some(
            Error::unavailable(
                "legacy side: exit 127, ./run_legacy or what it runs was not found. No pair is counted.",
            )
            .hint("Correct legacy.run in migration.yml, then go on."),
        );
        harness.update();
    }),
];

#[test]
fn every_state_at_every_size() {
    each_scene(&SCENES, open, |name, text| {
        insta::assert_snapshot!(format!("compare_{name}"), text);
    });
}

#[test]
fn in_ascii_and_without_colour_it_still_reads() {
    let mut harness = Harness::with_look((80, 24), Look::new(Theme::Mono, true));
    open(&mut harness);
    finished(&mut harness, true);
    let text = harness.text();
    assert!(text.is_ascii(), "{text}");
    insta::assert_snapshot!("compare_ascii_80x24", text);
}

#[test]
fn a_rehearsal_says_so_in_every_row_and_the_failed_pairs_are_told() {
    let mut harness = Harness::new((80, 24));
    open(&mut harness);
    finished(&mut harness, true);
    let text = harness.text();
    assert!(text.contains("REHEARSAL, simulated ·"), "{text}");
    let rows = text.matches("MAOS  ").count();
    assert!(rows > 2 && text.matches("simulated").count() >= 3, "{text}");
    harness.keys("oo");
    assert!(harness.text().contains("2 of 3 failed"), "{}", harness.text());
}

#[test]
fn nothing_is_sent_before_the_dialog_and_nothing_runs_without_a_legacy_command() {
    let mut harness = Harness::new((80, 24));
    open(&mut harness);
    harness.text();
    harness.keys("n");
    assert_eq!(harness.sent(), ["Plan { capability: Compare, verb: \"run\" }"]);
    let mut harness = Harness::new((80, 24));
    open(&mut harness);
    settings(&mut harness, "");
    harness.update();
    let text = harness.text();
    assert!(
        text.contains("Locked: no legacy command. Add legacy.run to migration.yml"),
        "{text}"
    );
    harness.keys("n");
    assert!(harness.sent().is_empty(), "{:?}", harness.sent());
}

#[test]
fn many_pairs_are_drawn_quickly() {
    let mut harness = Harness::new((140, 45));
    open(&mut harness);
    step(&mut harness, Activity::Running, pairs(2000, 6000, false), 6000);
    harness.text();
    // The best of a few, in a debug build; what must not happen is that figures are worked out anew for every frame.
    let times = (0..10).map(|_| {
        let begun = std::time::Instant::now();
        harness.keys("j");
        harness.text();
        begun.elapsed()
    });
    let best = times.min().unwrap();
    assert!(best.as_millis() < 200, "{best:?}");
}
