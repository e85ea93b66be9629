//! The rollback and the backup picker in their states, and what their keys send.

use std::collections::BTreeMap;
use std::path::PathBuf;

use maos_migrate::engine::Capability;
use maos_migrate::engine::backup::{Listed, Manifest, MaosOf, Standing, Uncovered, Verification};
use maos_migrate::engine::error::Error;
use maos_migrate::engine::item::{Item, ItemState, Items};
use maos_migrate::engine::operation::{Effect, Outcome, Plan};
use maos_migrate::engine::rollback::{Line, Mode, NewRows, Preflight, Sign, Since};
use maos_migrate::engine::runner::Reply;
use maos_migrate::engine::snapshot::{Activity, Step};
use maos_migrate::engine::views::{Mode as Seat, Slot};
use maos_migrate::engine::workspace::Holder;
use maos_migrate::tui::style::{Look, Theme};
use serde_json::json;

use super::support::{Harness, SIZES, alice, at};

fn backup(id: &str, made: &str, standing: Standing) -> Listed {
    let manifest = Manifest {
        format: 1,
        id: id.to_owned(),
        made_at: at(made),
        operator: "alice".to_owned(),
        host: "ops-1".to_owned(),
        migration: "acme-billing".to_owned(),
        epoch: "5e11aa0044aa".to_owned(),
        database: None,
        maos: MaosOf {
            version: Some("0.9.4".to_owned()),
            ..MaosOf::default()
        },
        roots: Vec::new(),
        entries: Vec::new(),
        uncovered: vec![Uncovered {
            what: "Redis".to_owned(),
            why: "its queues and caches are not read".to_owned(),
        }],
        took_ms: 9_000,
        sha256: "f".repeat(64),
    };
    let good = standing == Standing::Verified;
    Listed {
        id: id.to_owned(),
        folder: PathBuf::from("/w/backups").join(id),
        made_at: Some(at(made)),
        bytes: 8_400_000_000,
        standing,
        manifest: Some(manifest),
        verification: good.then(|| Verification {
            id: id.to_owned(),
            manifest: "f".repeat(64),
            at: at("11:26:00"),
            by: "alice".to_owned(),
            good,
            why: String::new(),
            restore_ms: 108_000,
            took_ms: 120_000,
            rows: 1_204_311,
            files: 41,
            sums: None,
            entries: Vec::new(),
        }),
    }
}

/// A shelf with a verified backup of 11:20 UTC, an unverified and a damaged one.
pub fn backups() -> Vec<Listed> {
    vec![
        backup("20261122_112003", "11:20:03", Standing::Verified),
        backup("20261122_090001", "09:00:01", Standing::Unverified),
        backup(
            "20261121_090001",
            "03:00:01",
            Standing::Damaged("database.dump is 41 bytes shorter than its manifest".to_owned()),
        ),
    ]
}

const STEPS: [(&str, &str); 11] = [
    ("checkpoint", "checkpoint of the present state, if it answers"),
    ("stop", "stop MAOS: ask 120 s, then end it"),
    ("restore", "restore into maos_rb_1122_140630"),
    ("prove", "prove maos_rb_1122_140630 against the manifest"),
    ("stage", "stage configuration and checkpoints"),
    ("carry", "carry new rows back to legacy"),
    ("swap", "swap by rename; old kept as maos_old_1122_140630"),
    ("files", "configuration and checkpoints"),
    ("open", "open the legacy system"),
    ("ready", "the legacy system answers"),
    ("proof", "prove all of it"),
];

fn preflight() -> Preflight {
    let line = |sign, text: &str, evidence: &str| Line {
        sign,
        text: text.to_owned(),
        evidence: evidence.to_owned(),
    };
    Preflight {
        backup: Some(backups().remove(0)),
        backups: backups(),
        lines: vec![
            line(
                Sign::Good,
                "backup restores: 1,204,311 rows, contents equal",
                "verified 11:26",
            ),
            line(Sign::Good, "space for a second copy: 9.1 GB", "412 GB free"),
            line(
                Sign::Note,
                "3 connections to maos, ended at the swap",
                "maos from worker (idle)",
            ),
            line(Sign::Good, "legacy system can run", "./legacy status exit 0"),
            line(
                Sign::Note,
                "318 rows exist only in MAOS since cut over",
                "carried back",
            ),
        ],
        blocked: None,
        newer: Some(Since {
            new: 318,
            changed: 12,
            gone: 2,
            gone_first: vec!["t-000017".to_owned(), "t-000410".to_owned()],
        }),
        rows: NewRows::Carry,
        mode: Mode::Legacy,
        steps: STEPS
            .iter()
            .map(|(key, title)| ((*key).to_owned(), (*title).to_owned(), String::new()))
            .collect(),
        rehearsed: BTreeMap::from([
            ("restore".to_owned(), 108_000),
            ("prove".to_owned(), 31_000),
            ("swap".to_owned(), 140),
        ]),
        going_on: false,
        nothing_to_do: false,
        returns: false,
    }
}

fn lines(upto: usize, state: ItemState) -> Items {
    let run = json!({"run": {"id": "20261122_140630", "params": null}, "memo": null, "back": false});
    let items = STEPS.iter().enumerate().map(|(index, (key, title))| {
        let mut item = Item::waiting(*key, *title);
        item.data = run.clone();
        item.state = match index {
            n if n < upto => ItemState::Done,
            n if n == upto => state,
            _ => ItemState::Waiting,
        };
        item.ms = (index < upto).then_some(4_000 + index as u64 * 1_500);
        item
    });
    Items::from(items.collect::<Vec<_>>())
}

fn step(activity: Activity, lines: Items) -> Step {
    Step {
        activity,
        verb: "apply".to_owned(),
        items: BTreeMap::from([("apply".to_owned(), lines)]),
        ..Step::default()
    }
}

fn plan() -> Plan {
    Plan {
        capability: Capability::Rollback,
        verb: "apply".to_owned(),
        title: "Roll back maos".to_owned(),
        target: "maos".to_owned(),
        effects: vec![
            Effect::plain("stop", "MAOS: asked for 120 s, then ended"),
            Effect::counted(
                "restore",
                1_204_311,
                "rows from backup 20261122_112003 into maos_rb_<time>",
            ),
            Effect::so_far("carry", 318, "rows that exist only in MAOS back to legacy_tasks"),
            Effect::so_far(
                "return",
                2,
                "rows that were deleted since the backup: they come back",
            ),
            Effect::plain(
                "rename",
                "maos to maos_old_<time>, kept until you drop it; maos_rb_<time> to maos",
            ),
            Effect::plain("open", "the legacy system, wait until it answers"),
        ],
        undo: None,
        needs_approval: true,
        basis: Vec::new(),
        digest: String::new(),
    }
    .sealed()
}

type Scene = (&'static str, fn(&mut Harness));

const SCENES: [Scene; 9] = [
    ("ready", |_| {}),
    ("loading", |h| h.views.rollback = Slot::Loading(None)),
    ("blocked", |h| {
        let mut found = preflight();
        let error = Error::blocked("the legacy system does not start (legacy.ready ended with 1)")
            .hint("Swapping would leave none running.");
        found.lines[3] = Line {
            sign: Sign::Bad,
            text: error.message.clone(),
            evidence: "legacy.ready".to_owned(),
        };
        found.blocked = Some(error);
        h.views.rollback = Slot::Ready(at("14:06:26"), found.into());
    }),
    ("running", |h| {
        h.snapshot.steps.insert(
            Capability::Rollback,
            step(Activity::Running, lines(3, ItemState::Running)),
        );
    }),
    ("stopped", |h| {
        h.snapshot.steps.insert(
            Capability::Rollback,
            step(Activity::Stopped, lines(4, ItemState::Waiting)),
        );
    }),
    ("failed", |h| {
        let mut items = lines(9, ItemState::Failed);
        let mut failed = Item::clone(items.get("open").unwrap());
        failed.text =
            "legacy.open ended with 1: port 8080 is taken; freeze the legacy system again".to_owned();
        items.set(failed);
        for key in ["swap", "files", "carry", "stage", "restore", "stop"] {
            let line = items.get(key).unwrap().now(ItemState::Undone, "taken back");
            items.set(line);
        }
        let mut step = step(Activity::Failed, items);
        step.error = Some(Error::unavailable(
            "step open the legacy system failed: legacy.open ended with 1. State: MAOS's database and files are those from before the rollback",
        ));
        h.snapshot.steps.insert(Capability::Rollback, step);
    }),
    ("done", |h| {
        let mut step = step(Activity::Done, lines(11, ItemState::Done));
        step.outcome = Some(Outcome {
            source: 1_204_629,
            converted: 1_204_629,
            unchanged: 0,
            quarantined: 0,
            proof: Vec::new(),
            summary: "Rolled back and proved in 3:31: 1,204,311 rows, contents equal, legacy answers, 318 carried back".to_owned(),
            artifacts: Vec::new(),
        });
        h.snapshot.steps.insert(Capability::Rollback, step);
    }),
    ("dialog", |h| {
        h.keys("R");
        h.out.clear();
        h.keys("n");
        h.answer_if_asked(Ok(Reply::Plan(Box::new(plan()))));
        h.wait(std::time::Duration::from_millis(400));
        h.keys("mao");
    }),
    ("picker", |h| {
        h.keys("Rb");
    }),
];

fn shown(name: &str, size: (u16, u16), look: Look) -> Harness {
    let mut harness = Harness::with_look(size, look);
    harness.views.backups = Slot::Ready(at("14:06:26"), backups().into());
    harness.views.rollback = Slot::Ready(at("14:06:26"), preflight().into());
    harness.update();
    let scene = SCENES.iter().find(|(known, _)| *known == name).unwrap();
    scene.1(&mut harness);
    harness.update();
    if !matches!(name, "dialog" | "picker") {
        harness.keys("R");
    }
    harness
}

#[test]
fn pictures() {
    for (name, _) in SCENES {
        for size in SIZES {
            let text = shown(name, size, Look::new(Theme::Dark, false)).text();
            insta::assert_snapshot!(format!("rollback_{name}_{}x{}", size.0, size.1), text);
        }
    }
}

#[test]
fn in_ascii_nothing_is_lost() {
    for (name, _) in SCENES {
        for size in SIZES {
            let text = shown(name, size, Look::new(Theme::Mono, true)).text();
            assert!(text.is_ascii(), "{name}\n{text}");
        }
    }
}

#[test]
fn opening_it_only_reads_and_the_name_is_typed_before_anything_is_sent() {
    let mut harness = shown("ready", (100, 30), Look::new(Theme::Dark, false));
    let sent = harness.sent();
    assert!(
        sent.iter()
            .all(|order| order.starts_with("Read(") || order.starts_with("CheckSources")),
        "{sent:?}"
    );
    harness.out.clear();
    harness.keys("n");
    harness.answer(Ok(Reply::Plan(Box::new(plan()))));
    assert!(
        harness
            .text()
            .contains("318   rows that exist only in MAOS back to legacy_tasks"),
        "{}",
        harness.text()
    );
    // Enter and letters at once do nothing; then the name, and only the whole name, wakes the button.
    harness.keys("<enter>maos<enter>");
    harness.wait(std::time::Duration::from_millis(400));
    harness.out.clear();
    harness.keys("mao<enter><tab><enter>");
    assert_eq!(harness.sent(), Vec::<String>::new());
}

#[test]
fn a_rollback_does_not_wait_for_what_runs() {
    let mut harness = shown("ready", (100, 30), Look::new(Theme::Dark, false));
    super::support::running(&mut harness.snapshot, 741_640);
    harness.update();
    harness.out.clear();
    harness.keys("n");
    harness.answer(Ok(Reply::Plan(Box::new(plan()))));
    harness.wait(std::time::Duration::from_millis(400));
    harness.keys("maos<tab><enter>");
    assert!(
        harness.text().contains("stops at its next safe point"),
        "{}",
        harness.text()
    );
    harness.answer_if_asked(Ok(Reply::Plan(Box::new(plan()))));
    assert!(
        harness.sent().iter().any(|order| order.starts_with("Apply")),
        "{:?}\n{}",
        harness.sent(),
        harness.text()
    );
}

#[test]
fn a_watcher_is_offered_to_take_over() {
    let mut harness = shown("ready", (100, 30), Look::new(Theme::Dark, false));
    harness.views.mode = Seat::Watching(Holder {
        operator: "bob".to_owned(),
        host: "ops-2".to_owned(),
        pid: 1,
        since: at("13:41:00"),
    });
    harness.update();
    assert!(
        harness.text().contains("bob operates. Your rollback goes first."),
        "{}",
        harness.text()
    );
    harness.out.clear();
    harness.keys("n");
    assert_eq!(harness.sent(), Vec::<String>::new(), "it asks first");
    harness.wait(std::time::Duration::from_millis(400));
    harness.keys("<tab><enter>");
    assert!(harness.sent()[0].starts_with("TakeOver"), "{:?}", harness.sent());
}

#[test]
fn the_picker_chooses_only_what_is_usable() {
    let mut harness = shown("picker", (100, 30), Look::new(Theme::Dark, false));
    harness.out.clear();
    harness.keys("j<enter>");
    assert_eq!(harness.sent(), Vec::<String>::new());
    assert!(harness.text().contains("not verified"), "{}", harness.text());
    harness.keys("k<enter>");
    assert!(
        harness.sent()[0].contains("20261122_112003"),
        "{:?}",
        harness.sent()
    );
}

#[test]
fn behind_the_swap_nobody_can_stop() {
    let mut harness = shown("running", (100, 30), Look::new(Theme::Dark, false));
    harness.snapshot.steps.insert(
        Capability::Rollback,
        step(Activity::Running, lines(7, ItemState::Running)),
    );
    harness.update();
    harness.out.clear();
    harness.keys("X");
    assert_eq!(harness.sent(), Vec::<String>::new());
    assert!(!harness.text().contains("Stop Rollback?"));
}

#[test]
fn a_step_that_was_undone_says_when() {
    let mut harness = shown("ready", (140, 45), Look::new(Theme::Dark, false));
    super::support::scored(&mut harness.snapshot);
    let undone = Step {
        undone: Some(at("03:18:00")),
        ..Step::default()
    };
    harness.snapshot.steps.insert(Capability::Schema, undone);
    harness.update();
    assert!(harness.text().contains("Schema     undone"), "{}", harness.text());
    harness.keys("s");
    assert!(harness.text().contains("undone 03:18"), "{}", harness.text());
}

/// A rollback that is done can be taken back from here, by a plan and a typed name like every crossing.
#[test]
fn u_takes_a_finished_rollback_back_while_what_it_kept_is_there() {
    let mut harness = shown("done", (100, 30), Look::new(Theme::Dark, false));
    harness.out.clear();
    harness.keys("u");
    assert_eq!(
        harness.sent(),
        Vec::<String>::new(),
        "nothing is there to be used again"
    );
    let done = Preflight {
        nothing_to_do: true,
        returns: true,
        ..preflight()
    };
    harness.views.rollback = Slot::Ready(at("14:06:26"), done.into());
    harness.update();
    assert!(harness.text().contains("u take back"), "{}", harness.text());
    harness.out.clear();
    harness.keys("u");
    let sent = harness.sent();
    assert!(
        sent.iter()
            .any(|order| order.contains("Plan") && order.contains("return")),
        "{sent:?}"
    );
}

/// The last moment in which nothing is replaced yet is told, with the key that stops there.
#[test]
fn before_the_swap_it_holds_and_says_so() {
    let mut harness = shown("running", (100, 30), Look::new(Theme::Dark, false));
    if let Some(step) = harness.snapshot.steps.get_mut(&Capability::Rollback) {
        step.progress = Some(maos_migrate::engine::operation::Progress {
            phase: maos_migrate::engine::steps::HELD.to_owned(),
            running: vec!["swap by rename; old kept as maos_old_1122_140630".to_owned()],
            ..Default::default()
        });
    }
    harness.update();
    let text = harness.text();
    assert!(
        text.contains("Next: swap by rename") && text.contains("X stops here"),
        "{text}"
    );
}

/// When it is done the next thing is the report, by the key that the line names.
#[test]
fn a_finished_rollback_goes_on_to_the_report() {
    let mut harness = shown("done", (100, 30), Look::new(Theme::Dark, false));
    assert!(harness.text().contains("▸ n report"), "{}", harness.text());
    harness.out.clear();
    harness.keys("n");
    assert!(
        harness.sent().iter().all(|order| !order.contains("Plan")),
        "nothing is rolled back again"
    );
    assert!(harness.text().contains("Report ─"), "{}", harness.text());
}

#[test]
fn a_clear_pre_flight_says_why_nothing_can_be_rolled_back_in_a_held_session() {
    let mut h = Harness::new((100, 30));
    h.views.rollback = Slot::Ready(h.now.at, preflight().into());
    h.views.locked_by = Some("read-only in migration.yml: nothing can be applied".to_owned());
    h.views.lock_is_setting = true;
    h.update();
    h.keys("R");
    let text = h.text();
    assert!(
        text.contains("Read-only in migration.yml: nothing can be applied. ▸ untick it on Start"),
        "{text}"
    );
    assert!(!text.contains("n asks for the name"), "{text}");
}

/// A screen that can read nothing says why, and does not turn for ever.
#[test]
fn what_keeps_the_way_back_from_being_read_is_said() {
    let journal = Error::unavailable("cannot open the journal /w/journal.db: file is not a database")
        .hint("If the file is damaged, --restart begins a new journal.");
    let settings = Error::input("migration.yml line 3, column 1: unknown field `schma`");
    let mut failed = Harness::new((80, 24));
    failed.views.mode = Seat::Failed(journal);
    let mut broken = Harness::new((80, 24));
    broken.views.settings = Slot::Failed(broken.now.at, settings);
    for (mut h, cause) in [(failed, "file is not a database"), (broken, "`schma`")] {
        h.update();
        h.keys("R");
        let text = h.text();
        assert!(
            text.contains("Nothing can be read.") && text.contains(cause),
            "{text}"
        );
        assert!(
            !text.contains("Counting rows") && !text.contains("wait"),
            "{text}"
        );
    }
    // Whoever watches asks for the reading too.
    let mut h = Harness::new((80, 24));
    let mut bob = alice();
    "bob".clone_into(&mut bob.operator);
    h.views.mode = Seat::Watching(bob);
    h.update();
    h.out.clear();
    h.keys("R");
    assert!(h.sent().contains(&"Read(Rollback)".to_owned()), "{:?}", h.sent());
}
