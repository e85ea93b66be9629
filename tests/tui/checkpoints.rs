//! The Checkpoints screen in its states and at its sizes, and what its keys ask for.

use std::sync::Arc;

use maos_migrate::engine::Capability;
use maos_migrate::engine::checkpoints::finding::{At, Code, Finding, Severity};
use maos_migrate::engine::checkpoints::job::{Notes, Status, UnknownClass};
use maos_migrate::engine::checkpoints::{FileReport, Totals, View};
use maos_migrate::engine::command::Command;
use maos_migrate::engine::error::Error;
use maos_migrate::engine::operation::{Effect, Outcome, Plan, Progress, ProofLine, Quarantined};
use maos_migrate::engine::runner::Reply;
use maos_migrate::engine::snapshot::{Activity, RatePoint, Step};
use maos_migrate::engine::views::Slot;
use maos_migrate::tui::app::Out;
use maos_migrate::tui::style::{Look, Theme};

use super::support::{Harness, Scene, answered, at, scored};

const SIZES: [(u16, u16); 5] = [(40, 10), (60, 18), (80, 24), (120, 36), (140, 45)];
const STEP: Capability = Capability::Checkpoints;

fn report(file: &str, bytes: u64, finding: &Finding) -> FileReport {
    FileReport {
        file: file.to_owned(),
        target: file.replace(".checkpoint", "_maos.checkpoint"),
        status: Status::Refused,
        bytes,
        sha256: Some("9c41".to_owned() + &"0".repeat(56) + "e07a"),
        format: Some("pickle protocol 4".to_owned()),
        protocol: Some(4),
        tasks: None,
        globals: Vec::new(),
        unknown: Vec::new(),
        refusal: Some(finding.into()),
        output_bytes: 0,
        output_sha256: None,
        notes: Notes::default(),
    }
}

fn class() -> UnknownClass {
    UnknownClass {
        name: "acme.tasks.Priority".to_owned(),
        count: 31,
        files: 8,
        called_with_one: true,
        fields: Vec::new(),
    }
}

/// 12,480 files, twelve of them refused.
fn scan() -> View {
    let finding = |severity, code, place: Option<(u32, u8)>, name: Option<&str>, what: &str| {
        let at = place.map(|(offset, opcode)| At { opcode, offset });
        let mut finding = Finding::new(severity, code, at, what);
        finding.name = name.map(str::to_owned);
        finding
    };
    let mut call = finding(
        Severity::Critical,
        Code::ForbiddenName,
        Some((214, b'c')),
        Some("os.system"),
        "names os.system",
    );
    call.called = Some(At {
        opcode: b'R',
        offset: 231,
    });
    call.discarded = Some(At {
        opcode: b'0',
        offset: 232,
    });
    let mut refused = vec![report("cache_0007.checkpoint", 1_204, &call)];
    for number in 0..8 {
        let mut unknown = finding(
            Severity::Unknown,
            Code::UnknownClass,
            Some((310 + number, b'c')),
            Some("acme.tasks.Priority"),
            "names a class that is not known",
        );
        unknown.count = 4;
        let mut file = report(&format!("state_{}.checkpoint", 1_207 + number), 48_112, &unknown);
        file.unknown = vec![class()];
        refused.push(file);
    }
    let cut = finding(
        Severity::Malformed,
        Code::Truncated,
        Some((40_961, 0)),
        None,
        "ends inside a value",
    );
    refused.push(report("cache_0031.checkpoint", 40_961, &cut));
    let moved = finding(
        Severity::Changed,
        Code::ChangedFile,
        None,
        None,
        "was modified while it was read, twice",
    );
    refused.push(report("live_0002.checkpoint", 9_311, &moved));
    let long = "exports_of_the_nightly_consolidation_of_2026-11-19.checkpoint";
    refused.push(report(long, 9_311, &moved));
    View {
        totals: Totals {
            total: 12_480,
            converted: 12_468,
            refused: 12,
            elapsed_s: 83.2,
            ..Totals::default()
        },
        bytes: 48_200_000_000,
        refused,
        classes: vec![class()],
        folders: 2,
        hidden: 0,
        twins: Vec::new(),
        notes: Notes {
            wide_integers: 3,
            ..Notes::default()
        },
    }
}

fn plan() -> Plan {
    Plan {
        capability: STEP,
        verb: "apply".to_owned(),
        title: "Convert 12,468 files".to_owned(),
        target: "checkpoints/migrated".to_owned(),
        effects: vec![
            Effect::counted("write", 12_468, "checkpoints under checkpoints/migrated"),
            Effect::counted("refuse", 12, "files; they stay where they are"),
        ],
        undo: Some("Remove the new files; the legacy files are only read.".to_owned()),
        needs_approval: false,
        basis: vec![],
        digest: String::new(),
    }
    .sealed()
}

fn open(h: &mut Harness) {
    answered(&mut h.snapshot, &[]);
    scored(&mut h.snapshot);
    h.update();
    h.keys("]]]]]]");
    h.out.clear();
}

fn scanned(h: &mut Harness) {
    h.views.checkpoints = Slot::Ready(at("14:06:24"), Arc::new(scan()));
    open(h);
}

fn running(h: &mut Harness, activity: Activity) {
    let point = |elapsed_s, done, bytes| RatePoint {
        elapsed_s,
        done,
        bytes,
    };
    let step = Step {
        activity,
        verb: "apply".to_owned(),
        plan: Some(plan()),
        approved_by: Some("alice".to_owned()),
        progress: Some(Progress {
            done: 8_924,
            total: Some(12_480),
            proved: 8_912,
            quarantined: 12,
            bytes: 34_200_000_000,
            bytes_total: Some(48_200_000_000),
            unit: "files".to_owned(),
            phase: "converting".to_owned(),
            running: vec![
                "batch_0918.checkpoint".to_owned(),
                "batch_0919.checkpoint".to_owned(),
            ],
            elapsed_s: 83.0,
        }),
        rate: [
            point(73.0, 7_854, 30_100_000_000),
            point(83.0, 8_924, 34_200_000_000),
        ]
        .into(),
        started: Some(at("14:05:07")),
        ..Step::default()
    };
    h.snapshot.steps.insert(STEP, step);
    scanned(h);
}

fn exists() -> Quarantined {
    Quarantined {
        kind: "file".to_owned(),
        key: "batch_0003.checkpoint".to_owned(),
        reason: "target_exists".to_owned(),
        place: "the whole file".to_owned(),
        why: "has a result, batch_0003_maos.checkpoint, that exists and differs: The file has a result, \
              batch_0003_maos.checkpoint, that exists and differs."
            .to_owned(),
        hint: "Name the file to replace it, or move the target away.".to_owned(),
        raw: "2320 bytes, sha256 77aa000000000000000000000000000000000000000000000000000000001b2c".to_owned(),
    }
}

fn done(h: &mut Harness, quarantined: u64) {
    running(h, Activity::Running);
    let step = h.snapshot.steps.get_mut(&STEP).expect("the step");
    step.activity = if quarantined > 0 {
        Activity::DoneWithQuarantine
    } else {
        Activity::Done
    };
    step.ended = Some(at("14:06:28"));
    let line = |what: &str, source: &str, target: &str| ProofLine {
        what: what.to_owned(),
        source: source.to_owned(),
        target: target.to_owned(),
        equal: true,
    };
    step.outcome = Some(Outcome {
        source: 12_480,
        converted: 12_480 - quarantined,
        unchanged: 0,
        quarantined,
        proof: vec![
            line(
                "files found = converted + unchanged + refused + failed",
                "12480",
                "12480",
            ),
            line(
                "results written = results read back equal and named",
                "12468",
                "12468",
            ),
        ],
        summary: format!(
            "{} converted, {quarantined} refused: 12,480 accounted for.",
            12_480 - quarantined
        ),
        artifacts: vec![
            "checkpoints/migrated".to_owned(),
            "checkpoints/checkpoint_migration.log".to_owned(),
        ],
    });
}

const SCENES: &[Scene] = &[
    ("locked", |h| {
        h.update();
        h.keys("]]]]]]");
    }),
    ("unscanned", open),
    ("scanning", |h| {
        h.views.checkpoints = Slot::Loading(None);
        h.views.reading.insert(
            STEP,
            Progress {
                done: 3_100,
                total: Some(12_480),
                bytes: 11_900_000_000,
                bytes_total: Some(48_200_000_000),
                unit: "files".to_owned(),
                phase: "scanning".to_owned(),
                running: vec!["batch_0312.checkpoint".to_owned()],
                elapsed_s: 20.7,
                ..Progress::default()
            },
        );
        open(h);
    }),
    ("empty", |h| {
        h.views.checkpoints = Slot::Ready(at("14:06:24"), Arc::new(View::default()));
        open(h);
    }),
    ("failed_scan", |h| {
        let error = Error::input("not found: legacy/checkpoint (migration.yml line 8, column 16)")
            .hint("Did you mean legacy/checkpoints?");
        h.views.checkpoints = Slot::Failed(at("14:06:24"), error);
        open(h);
    }),
    ("scanned", scanned),
    ("detail", |h| {
        scanned(h);
        h.keys("j<enter>");
    }),
    ("classes", |h| {
        scanned(h);
        h.keys("c");
    }),
    ("running", |h| running(h, Activity::Running)),
    ("paused", |h| {
        running(h, Activity::Paused);
        h.snapshot.steps.get_mut(&STEP).expect("the step").note = Some("alice".to_owned());
        h.update();
    }),
    ("disk_full", |h| {
        running(h, Activity::Failed);
        h.snapshot.steps.get_mut(&STEP).expect("the step").error = Some(
            Error::unavailable("no space is left on /var/lib/maos")
                .hint("Free space, then run again: what is finished stays."),
        );
        h.update();
    }),
    ("done", |h| {
        done(h, 0);
        h.views.checkpoints = Slot::Empty;
        h.update();
    }),
    ("done_with_quarantine", |h| {
        done(h, 13);
        let step = h.snapshot.steps.get_mut(&STEP).expect("the step");
        step.quarantine = vec![exists()];
        h.update();
        h.keys("G");
        h.text();
        h.keys("G");
    }),
];

fn scene(name: &str, size: (u16, u16), look: Look) -> Harness {
    super::support::scene(SCENES, name, size, look)
}

#[test]
fn every_state_at_every_size() {
    for (name, _) in SCENES {
        for size in SIZES {
            let shown = scene(name, size, Look::new(Theme::Dark, false)).text();
            insta::assert_snapshot!(format!("{name}_{}x{}", size.0, size.1), shown);
        }
    }
}

#[test]
fn in_ascii_every_state_is_ascii() {
    for (name, _) in SCENES {
        for size in SIZES {
            let shown = scene(name, size, Look::new(Theme::Mono, true)).text();
            assert!(shown.is_ascii(), "{name} {size:?}\n{shown}");
        }
    }
}

#[test]
fn nothing_running_looks_done() {
    for size in SIZES {
        let shown = scene("running", size, Look::new(Theme::Dark, false)).text();
        for line in shown.lines().filter(|line| line.contains(" of 12,468")) {
            assert!(line.contains("71 %"), "{shown}");
        }
        assert!(!shown.to_lowercase().contains("proved:"), "{shown}");
    }
}

#[test]
fn n_scans_then_shows_the_plan_then_goes_on() {
    let mut h = Harness::new((80, 24));
    open(&mut h);
    h.keys("n");
    assert_eq!(h.out, [Out::Send(Command::Read(STEP))]);
    h.out.clear();
    h.views.checkpoints = Slot::Loading(None);
    h.update();
    h.keys("n");
    assert!(h.sent().is_empty(), "{:?}", h.sent());
    h.views.checkpoints = Slot::Ready(at("14:06:30"), Arc::new(scan()));
    h.update();
    // Why it was off is news for five seconds.
    h.wait(std::time::Duration::from_secs(6));
    h.keys("n");
    assert_eq!(h.sent(), ["Plan { capability: Checkpoints, verb: \"apply\" }"]);
    assert!(h.text().contains("read again for the plan"), "{}", h.text());
    h.answer(Ok(Reply::Plan(Box::new(plan()))));
    assert!(h.text().contains("▸Cancel◂"), "{}", h.text());
    let mut h = scene("done", (80, 24), Look::new(Theme::Dark, false));
    h.keys("n");
    assert_eq!(h.app.current(), Capability::Schema);
}

#[test]
fn a_refused_plan_can_be_asked_for_again() {
    let mut h = Harness::new((80, 24));
    scanned(&mut h);
    h.keys("n");
    h.answer(Err(Error::input("the folder is gone")));
    assert!(h.text().contains("The folder is gone."), "{}", h.text());
    h.keys("n");
    assert_eq!(h.sent(), ["Plan { capability: Checkpoints, verb: \"apply\" }"]);
}

#[test]
fn the_worst_file_comes_first_and_says_byte_and_reason() {
    let mut h = Harness::new((80, 24));
    scanned(&mut h);
    let shown = h.text();
    let first = shown
        .lines()
        .find(|line| line.contains("▸ ! critical"))
        .expect(&shown);
    assert!(first.contains("would call os.system, byte 214"), "{shown}");
    assert!(shown.contains("its value is"), "{shown}");
    h.keys("G");
    assert!(h.text().contains("twice"), "{}", h.text());
}

#[test]
fn a_class_is_declared_as_it_is_used_and_taken_back() {
    let mut h = Harness::new((80, 24));
    scanned(&mut h);
    h.keys("c<enter>");
    assert_eq!(
        h.sent(),
        [
            "Decide { capability: Checkpoints, subject: \"class:acme.tasks.Priority\", choice: Object {\"kind\": String(\"enum\")} }"
        ]
    );
    h.answer(Ok(Reply::Done));
    // Another kind, with fields of its own.
    h.keys("<space><space><space><space>");
    assert!(h.text().contains("object: named fields"), "{}", h.text());
    h.keys("eid, name<enter>");
    assert!(h.text().contains("id, name"), "{}", h.text());
    h.out.clear();
    h.keys("<enter>");
    assert!(
        h.sent()[0].contains("\"fields\": Array [String(\"id\"), String(\"name\")]"),
        "{:?}",
        h.sent()
    );
    h.answer(Err(Error::input("the journal is full")));
    assert!(h.text().contains("Nothing was saved."), "{}", h.text());
    h.out.clear();
    h.snapshot.steps.entry(STEP).or_default().decisions.insert(
        "class:acme.tasks.Priority".to_owned(),
        serde_json::json!({"kind": "enum"}),
    );
    h.update();
    h.keys("u");
    assert!(h.sent()[0].contains("choice: Null"), "{:?}", h.sent());
    h.keys("<esc>");
    assert!(h.text().contains("Refused 12"), "{}", h.text());
}

#[test]
fn a_declaration_that_makes_no_sense_is_not_sent() {
    let mut h = Harness::new((80, 24));
    scanned(&mut h);
    // A named tuple without fields.
    h.keys("c<space><enter>");
    assert!(h.sent().is_empty(), "{:?}", h.sent());
    assert!(h.text().contains("needs its fields"), "{}", h.text());
}

#[test]
fn a_result_that_differs_is_named_with_space_and_taken_back() {
    let mut h = scene("done_with_quarantine", (80, 24), Look::new(Theme::Dark, false));
    h.out.clear();
    let at_it = |h: &mut Harness| {
        h.keys("g");
        for _ in 0..20 {
            if h.text().contains("Replace") {
                return;
            }
            h.keys("j");
        }
    };
    at_it(&mut h);
    h.keys("<space>");
    assert_eq!(
        h.sent(),
        [
            "Decide { capability: Checkpoints, subject: \"replace:batch_0003.checkpoint\", choice: Bool(true) }"
        ]
    );
    h.out.clear();
    h.snapshot.steps.entry(STEP).or_default().decisions.insert(
        "replace:batch_0003.checkpoint".to_owned(),
        serde_json::json!(true),
    );
    h.update();
    assert!(h.text().contains("the next run replaces"), "{}", h.text());
    h.keys("<space>");
    assert!(h.sent()[0].contains("choice: Null"), "{:?}", h.sent());
}

#[test]
fn pausing_is_at_once_and_stopping_asks() {
    let mut h = Harness::new((80, 24));
    running(&mut h, Activity::Running);
    h.keys("p");
    assert_eq!(h.sent(), ["Pause"]);
    h.keys("X")
        .wait(std::time::Duration::from_millis(400))
        .keys("<tab><enter>");
    assert_eq!(h.sent(), ["Pause", "Stop"]);
    h.keys("n");
    assert!(h.text().contains("The proof is not finished."), "{}", h.text());
}

#[test]
fn ten_thousand_refused_files_are_drawn_and_walked() {
    let mut view = scan();
    let one = view.refused[1].clone();
    view.refused = (0..10_000)
        .map(|number| FileReport {
            file: format!("state_{number:05}.checkpoint"),
            ..one.clone()
        })
        .collect();
    let mut h = Harness::new((80, 24));
    h.views.checkpoints = Slot::Ready(at("14:06:24"), Arc::new(view));
    open(&mut h);
    h.text();
    h.keys("G");
    let shown = h.text();
    assert!(
        shown.contains("10,000/10,000") || shown.contains("state_09999"),
        "{shown}"
    );
}
