//! Cut over and upgrade while they run: since when nobody serves, what the drain asks, and what their keys send.

use std::collections::BTreeMap;
use std::time::Duration;

use maos_migrate::engine::Capability;
use maos_migrate::engine::error::Error;
use maos_migrate::engine::item::{Item, ItemState, Items};
use maos_migrate::engine::operation::Progress;
use maos_migrate::engine::snapshot::{Activity, Step};
use maos_migrate::engine::views::Slot;
use maos_migrate::engine::workspace::MigrationType;
use maos_migrate::tui::style::{Look, Theme};
use serde_json::{Value, json};

use super::support::{Harness, SIZES, answered, at, scored};

fn line(key: &str, title: &str, state: ItemState, text: &str, memo: &Value) -> Item {
    let mut item = Item::waiting(key, title).now(state, text);
    item.data = json!({"run": {"id": "20261122_140530", "params": null}, "memo": memo, "back": false});
    item
}

fn cutover(asks: bool) -> Step {
    use ItemState as S;
    let mut drain = line("drain", "drain running tasks", S::Running, "", &Value::Null);
    if asks {
        drain.text = "2 tasks still run after 10 min".to_owned();
        drain.data["asks"] = json!({
            "text": "2 tasks still run after 10 min",
            "within_s": 600,
            "number": 0,
            "choices": ["wait", "claim", "keep", "open"],
            "rows": [
                {"key": "88213", "words": "Compare the invoices of March with the ledger"},
                {"key": "88240", "words": "Close the Q3 books"},
            ],
            "words": ["queued", "cancelled", "completed", "failed", "keep"],
        });
    }
    let lines = [
        line(
            "close",
            "legacy takes no new tasks",
            S::Done,
            "closed",
            &json!({"closed_at": at("14:05:42")}),
        ),
        drain,
        line("catch_up", "last catch-up", S::Waiting, "", &Value::Null),
        line(
            "both_ways",
            "rows on one side only, both ways",
            S::Waiting,
            "",
            &Value::Null,
        ),
        line("start", "start MAOS, ready", S::Waiting, "", &Value::Null),
        line(
            "start_snapshot",
            "start snapshot for the monitor",
            S::Waiting,
            "",
            &Value::Null,
        ),
    ];
    Step {
        activity: Activity::Running,
        verb: "apply".to_owned(),
        started: Some(at("14:05:40")),
        items: BTreeMap::from([("apply".to_owned(), Items::from(lines.to_vec()))]),
        progress: Some(Progress {
            done: 1,
            total: Some(3),
            unit: "tasks".to_owned(),
            phase: "draining".to_owned(),
            running: vec!["legacy_088  worker 2".to_owned(), "legacy_090".to_owned()],
            ..Progress::default()
        }),
        ..Step::default()
    }
}

/// Held behind the installation: MAOS stands still until somebody decides.
fn upgrade() -> Step {
    use ItemState as S;
    let mut failed = line(
        "install",
        "install 0.9.4",
        S::Failed,
        "pip install maos-cli==0.9.4: exit 1",
        &Value::Null,
    );
    failed.data["held"] = true.into();
    let lines = [
        line(
            "checkpoint",
            "checkpoint",
            S::Done,
            "cp-31",
            &json!({"id": "cp-31"}),
        ),
        line(
            "stop",
            "stop MAOS",
            S::Done,
            "stopped",
            &json!({"stopped_at": at("14:05:34")}),
        ),
        failed,
        line("database", "database migration", S::Waiting, "", &Value::Null),
        line("start", "start MAOS", S::Waiting, "", &Value::Null),
    ];
    Step {
        activity: Activity::Failed,
        verb: "apply".to_owned(),
        started: Some(at("14:05:30")),
        items: BTreeMap::from([("apply".to_owned(), Items::from(lines.to_vec()))]),
        ..Step::default()
    }
}

fn shown(name: &str, size: (u16, u16), look: Look) -> Harness {
    let mut harness = Harness::with_look(size, look);
    scored(&mut harness.snapshot);
    answered(&mut harness.snapshot, &[]);
    let proved = Step {
        activity: Activity::Done,
        ..Step::default()
    };
    for capability in [
        Capability::Tasks,
        Capability::Environment,
        Capability::Config,
        Capability::Checkpoints,
        Capability::Schema,
        Capability::Compare,
    ] {
        harness.snapshot.steps.insert(capability, proved.clone());
    }
    let (capability, step) = match name {
        "drains" => (Capability::Cutover, cutover(false)),
        "asks" | "choices" | "rows" => (Capability::Cutover, cutover(true)),
        _ => {
            harness.snapshot.migration = Some(MigrationType::VersionUpgrade);
            (Capability::Upgrade, upgrade())
        }
    };
    harness.snapshot.steps.insert(capability, step);
    harness.update();
    for _ in 0..12 {
        let title = format!("{} ─", capability.title());
        if harness.text().contains(&title) || harness.text().contains(&format!("{} -", capability.title())) {
            break;
        }
        harness.keys("]");
    }
    harness.out.clear();
    if matches!(name, "choices" | "rows") {
        harness.keys("n");
        harness.wait(Duration::from_millis(400));
    }
    if name == "rows" {
        harness.keys(&"<down>".repeat(5));
        harness.keys("<enter>");
        harness.wait(Duration::from_millis(400));
        harness.keys("<space>");
    }
    harness
}

const SCENES: [&str; 5] = ["drains", "asks", "choices", "rows", "held"];

#[test]
fn pictures() {
    for name in SCENES {
        for size in SIZES {
            let text = shown(name, size, Look::new(Theme::Dark, false)).text();
            insta::assert_snapshot!(format!("handover_{name}_{}x{}", size.0, size.1), text);
        }
    }
}

#[test]
fn in_ascii_nothing_is_lost() {
    for name in SCENES {
        for size in SIZES {
            let text = shown(name, size, Look::new(Theme::Mono, true)).text();
            assert!(text.is_ascii(), "{name}\n{text}");
        }
    }
}

#[test]
fn the_top_bar_says_since_when_nobody_serves_and_counts_on() {
    let mut harness = shown("drains", (140, 45), Look::new(Theme::Dark, false));
    assert!(harness.text().contains("CLOSED 0:48"), "{}", harness.text());
    harness.wait(Duration::from_mins(1));
    assert!(harness.text().contains("CLOSED 1:48"), "{}", harness.text());
    let mut harness = shown("held", (140, 45), Look::new(Theme::Dark, false));
    assert!(harness.text().contains("MAOS STOPPED 0:56"), "{}", harness.text());
    // What is over is said no more.
    harness
        .snapshot
        .steps
        .get_mut(&Capability::Upgrade)
        .unwrap()
        .activity = Activity::Idle;
    harness.update();
    assert!(!harness.text().contains("MAOS STOPPED"), "{}", harness.text());
}

#[test]
fn the_harmless_answer_has_the_focus_and_each_choice_is_sent_as_it_is_read() {
    for (steps, word) in [(1, "wait"), (2, "claim"), (3, "keep"), (4, "open")] {
        let mut harness = shown("choices", (100, 30), Look::new(Theme::Dark, false));
        harness.keys("<enter>");
        assert_eq!(harness.sent(), Vec::<String>::new());
        let mut harness = shown("choices", (100, 30), Look::new(Theme::Dark, false));
        harness.keys(&"<down>".repeat(steps));
        harness.keys("<enter>");
        let sent = harness.sent();
        assert!(
            sent.len() == 1
                && sent[0].contains("Cutover")
                && sent[0].contains(&format!("String(\"{word}\")")),
            "{sent:?}"
        );
    }
}

/// Every row gets its word before anything is sent, and the words are sent as they are read.
#[test]
fn rows_are_decided_one_by_one_and_none_is_left_out() {
    let mut harness = shown("rows", (100, 30), Look::new(Theme::Dark, false));
    assert!(harness.text().contains("1 not decided"), "{}", harness.text());
    harness.keys("<tab><tab><enter>");
    assert_eq!(harness.sent(), Vec::<String>::new(), "the button is off");
    harness.keys("<tab><down><space><space><space><space><space>");
    assert!(
        harness.text().contains("every row is decided"),
        "{}",
        harness.text()
    );
    harness.keys("<tab><tab><enter>");
    let sent = harness.sent();
    assert!(
        sent.len() == 1
            && sent[0].contains("\"88213\": String(\"queued\")")
            && sent[0].contains("\"88240\": String(\"keep\")"),
        "{sent:?}"
    );
}

/// The line that says that it is done names the key that goes on.
#[test]
fn a_finished_cut_over_names_the_key_that_goes_on() {
    let mut harness = shown("drains", (140, 45), Look::new(Theme::Dark, false));
    let step = harness.snapshot.steps.get_mut(&Capability::Cutover).unwrap();
    step.activity = Activity::Done;
    step.outcome = Some(maos_migrate::engine::operation::Outcome {
        source: 6,
        converted: 6,
        unchanged: 0,
        quarantined: 0,
        proof: Vec::new(),
        summary: "MAOS serves; 3 rows caught up, 6 steps proved. The gap was 0:09.".to_owned(),
        artifacts: Vec::new(),
    });
    harness.update();
    assert!(harness.text().contains("▸ n validate"), "{}", harness.text());
}

/// Evidence that cannot be read is told whole, with what to do, and is not called "being read".
#[test]
fn an_upgrade_that_cannot_be_checked_says_why_and_what_to_do() {
    let mut harness = Harness::new((80, 24));
    harness.snapshot.migration = Some(MigrationType::VersionUpgrade);
    let error = Error::input("the version to upgrade to is not named")
        .hint("Add maos.version to migration.yml, for example 0.9.4.");
    harness.views.upgrade = Slot::Failed(at("14:06:26"), error);
    harness.update();
    harness.keys("sjj<enter>");
    let text = harness.text();
    for said in [
        "Upgrade ─ not ready",
        "│ The version to upgrade to is not named.",
        "Add maos.version to migration.yml, for example 0.9.4.",
        "▸ mend it, then r checks again",
    ] {
        assert!(text.contains(said), "{said}:\n{text}");
    }
    assert!(
        !text.contains("reads what is there") && !text.contains("└ n "),
        "{text}"
    );
}

/// Where a run failed, the pane tells the cause whole and the line below which step it was; the cursor stands on it.
#[test]
fn a_failed_step_is_named_and_its_cause_is_told_whole() {
    let mut harness = shown("drains", (80, 24), Look::new(Theme::Dark, false));
    let mut step = cutover(false);
    let lines: Vec<Item> = step.items["apply"]
        .all()
        .iter()
        .map(|line| match line.key.as_str() {
            "close" => line.now(ItemState::Undone, "open it again; serves"),
            "drain" => line.now(ItemState::Done, "none ran"),
            "catch_up" => line.now(ItemState::Failed, "the ledger belongs to other sources"),
            _ => Item::clone(line),
        })
        .collect();
    step.items.insert("apply".to_owned(), Items::from(lines));
    step.activity = Activity::Failed;
    step.progress = None;
    step.error = Some(
        Error::input(
            "step last catch-up failed: the ledger belongs to other sources, those of another folder; legacy is open again",
        )
        .hint("Give this source a label of its own."),
    );
    harness.snapshot.steps.insert(Capability::Cutover, step);
    harness.update();
    harness.wait(Duration::from_secs(6));
    let text = harness.text();
    assert!(text.contains("▸ ✗ 3 last catch-up"), "{text}");
    assert!(
        text.contains("Do  Give this source a label of its own."),
        "{text}"
    );
    assert!(text.contains("Step 3 of 6 failed. ▸ n goes to Backup"), "{text}");
    let flat: String = text
        .lines()
        .map(|line| line.trim_matches('│').trim())
        .collect::<Vec<_>>()
        .join(" ");
    assert!(
        flat.contains("those of another folder; legacy is open again."),
        "{text}"
    );
}
