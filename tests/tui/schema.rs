//! The Schema screen in its states and at its sizes, and what its keys ask for.

use std::sync::Arc;
use std::time::Duration;

use maos_migrate::engine::Capability;
use maos_migrate::engine::command::Command;
use maos_migrate::engine::error::Error;
use maos_migrate::engine::operation::{Plan, Progress, ProofLine};
use maos_migrate::engine::ports::store::{
    Column, ColumnKind, Dialect, Field, Key, KeyKind, Place, RawCensus, Reason, Recipe, Settled, Setup,
    SourceTable, Table, ValueCount,
};
use maos_migrate::engine::runner::Reply;
use maos_migrate::engine::schema::census::interpret;
use maos_migrate::engine::schema::mapping::compile;
use maos_migrate::engine::schema::shape::target_to_be;
use maos_migrate::engine::schema::{Block, Prepared, Request, Running, Tile};
use maos_migrate::engine::snapshot::Activity;
use maos_migrate::engine::text::plural;
use maos_migrate::engine::views::Slot;
use maos_migrate::tui::app::Out;
use maos_migrate::tui::app::context::Cx;
use maos_migrate::tui::keymap::KeyMap;
use maos_migrate::tui::layout::{Density, areas};
use maos_migrate::tui::paint::Painter;
use maos_migrate::tui::screens::schema::model::Moment;
use maos_migrate::tui::screens::schema::run;
use maos_migrate::tui::style::{Look, Theme};
use ratatui::buffer::Buffer;
use ratatui::layout::{Rect, Size};

use super::support::{Harness, Scene, answered, at, finished, plan, running, scored};

const SIZES: [(u16, u16); 5] = [(40, 10), (60, 18), (80, 24), (120, 36), (140, 45)];
const STEP: Capability = Capability::Schema;

fn counted(field: Field, values: &[(Option<&str>, u64)]) -> Vec<ValueCount> {
    values
        .iter()
        .map(|(value, rows)| ValueCount {
            field,
            value: value.map(str::to_owned),
            rows: *rows,
        })
        .collect()
}

/// 1,204,311 legacy rows with everything that wants a look.
fn raw(rows: u64) -> RawCensus {
    let mut raw = RawCensus {
        rows,
        ..RawCensus::default()
    };
    if rows == 0 {
        return raw;
    }
    raw.values = [
        counted(
            Field::Category,
            &[
                (Some("research"), 402_118),
                (Some("development"), 388_420),
                (Some("analysis"), 301_007),
                (Some("support\u{1b}[2J"), 112_766),
            ],
        ),
        counted(
            Field::Status,
            &[
                (Some("completed"), 1_052_880),
                (Some("pending"), 90_114),
                (Some("failed"), 31_406),
                (Some("cancelled"), 29_662),
                (Some("running"), 212),
                (Some("archived"), 37),
            ],
        ),
        counted(
            Field::Priority,
            &[
                (Some("NORMAL"), 804_299),
                (Some("HIGH"), 400_000),
                (None, 8),
                (Some("urgent"), 4),
            ],
        ),
    ]
    .concat();
    raw.greatest = Some(Key::Integer(1_209_874));
    raw.faults = vec![(Reason::NulInText, 4)];
    raw
}

fn column(name: &str, kind: ColumnKind) -> Column {
    Column {
        name: name.to_owned(),
        kind,
        type_sql: "text".to_owned(),
        not_null: false,
        has_default: false,
        labels: Vec::new(),
        max_chars: None,
    }
}

fn place(words: &str) -> Place {
    Place {
        dialect: Dialect::Postgres,
        identity: words.to_owned(),
        words: words.to_owned(),
        version: "PostgreSQL 15.7".to_owned(),
        major: 15,
        read_only: false,
        loose_text: false,
        pooled: false,
        schema: Some("public".to_owned()),
        path: None,
    }
}

fn prepared(rows: u64, decision: Option<Running>) -> Prepared {
    let raw = raw(rows);
    let mut request = Request::new("alice on ops-1").expect("the shipped mapping");
    request.running = decision;
    let source = SourceTable {
        table: Table::parse("legacy_tasks"),
        key: column("id", ColumnKind::Integer),
        key_kind: KeyKind::Integer,
        unique_key: true,
        description: None,
        category: None,
        status: None,
        priority: None,
        created_at: None,
        metadata: None,
        extras: Vec::new(),
        loose_text: false,
        not_utf8: Vec::new(),
    };
    let aside: &[(Reason, u64)] = match (rows, decision) {
        (0, _) => &[],
        (_, Some(Running::Claim)) => &[
            (Reason::UnknownStatus, 37),
            (Reason::UnknownPriority, 4),
            (Reason::NulInText, 4),
        ],
        _ => &[
            (Reason::LeftRunning, 212),
            (Reason::UnknownStatus, 37),
            (Reason::UnknownPriority, 4),
            (Reason::NulInText, 4),
        ],
    };
    let census = interpret(&source, &raw, &request.mapping, decision, aside);
    let compiled = compile(&request.mapping, decision, &raw);
    let mut blocks = Vec::new();
    if census.values.iter().any(|row| row.decide) {
        blocks.push(Block {
            sentence: "1 decision open: 212 rows are running in the legacy system".to_owned(),
            hint: "Choose drain, claim or keep.".to_owned(),
        });
    }
    let copied = plural(census.migrated, "row", "rows");
    Prepared {
        plan: Plan {
            title: format!("Copy {copied}"),
            ..plan()
        },
        census,
        blocks,
        recipe: Recipe {
            source,
            target: target_to_be(Dialect::Postgres, Table::parse("tasks")),
            label: "legacy_tasks".to_owned(),
            namespace: "0123456789abcd".to_owned(),
            types: compiled.types,
            statuses: compiled.statuses,
            priorities: compiled.priorities,
            description_default: None,
            description_limit: 1_048_576,
            null_times: true,
            started: String::new(),
            settled: Settled::default(),
        },
        request,
        raw,
        setup: Setup::default(),
        ledger_missing: true,
        source: place("db.acme:5432/app"),
        target: place("db.acme:5432/maos"),
        run: None,
        local: true,
    }
}

fn open(h: &mut Harness) {
    answered(&mut h.snapshot, &[]);
    scored(&mut h.snapshot);
    h.update();
    h.keys("]]]]]]]");
    h.out.clear();
}

fn census(h: &mut Harness, prepared: Prepared) {
    h.views.schema = Slot::Ready(at("14:05:50"), Arc::new(prepared));
    open(h);
}

fn failed(h: &mut Harness) {
    running(&mut h.snapshot, 741_640);
    let step = h.snapshot.steps.get_mut(&STEP).expect("the step");
    step.activity = Activity::Failed;
    step.error = Some(Error::unavailable("disk full on db.acme").hint("Free 2 GB, then n goes on."));
    h.update();
    h.keys("]]]]]]]");
}

const SCENES: &[Scene] = &[
    ("locked", |h| {
        h.update();
        h.keys("]]]]]]]");
    }),
    ("counting", |h| {
        h.views.schema = Slot::Loading(None);
        open(h);
    }),
    ("unreachable", |h| {
        let error = Error::unavailable("db.acme:6432 is a pooler in transaction mode")
            .hint("Name the server itself, usually port 5432.");
        h.views.schema = Slot::Failed(at("14:06:20"), error);
        open(h);
    }),
    ("empty", |h| census(h, prepared(0, None))),
    ("undecided", |h| {
        census(h, prepared(1_204_311, None));
        h.keys("jjjjjjjj");
    }),
    ("decided", |h| {
        census(h, prepared(1_204_311, Some(Running::Claim)));
    }),
    ("blocked", |h| {
        let mut prepared = prepared(1_204_311, Some(Running::Claim));
        prepared.blocks = vec![Block {
            sentence: "tasks lacks task_type and metadata (found: MAOS init-script shape)".to_owned(),
            hint: "That table stays as it is. Name another schema or table, and the guide shape is created there."
                .to_owned(),
        }];
        census(h, prepared);
    }),
    ("decide", |h| {
        census(h, prepared(1_204_311, None));
        h.keys("n");
    }),
    ("plan_view", |h| {
        census(h, prepared(1_204_311, Some(Running::Claim)));
        h.keys("2");
    }),
    ("copying_from_the_journal", |h| {
        running(&mut h.snapshot, 741_640);
        census_and_run(h);
    }),
    ("paused", |h| {
        running(&mut h.snapshot, 741_640);
        let step = h.snapshot.steps.get_mut(&STEP).expect("the step");
        step.activity = Activity::Paused;
        step.note = Some("alice".to_owned());
        census_and_run(h);
    }),
    ("failed", failed),
    ("done_with_quarantine", |h| {
        finished(&mut h.snapshot);
        h.update();
        h.keys("]]]]]]]");
    }),
    ("done", |h| {
        finished(&mut h.snapshot);
        let step = h.snapshot.steps.get_mut(&STEP).expect("the step");
        step.activity = Activity::Done;
        step.quarantine.clear();
        let outcome = step.outcome.as_mut().expect("an outcome");
        outcome.converted = outcome.source;
        outcome.quarantined = 0;
        h.update();
        h.keys("]]]]]]]");
    }),
];

fn census_and_run(h: &mut Harness) {
    h.views.schema = Slot::Ready(
        at("14:05:50"),
        Arc::new(prepared(1_204_311, Some(Running::Claim))),
    );
    h.update();
    h.keys("]]]]]]]");
    h.out.clear();
}

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

/// The run's panel as it is drawn from live figures, without a run.
fn panel(moment: &Moment, activity: Activity, size: (u16, u16), ascii: bool) -> String {
    let h = Harness::new(size);
    let look = Look::new(Theme::Dark, ascii);
    let keys = KeyMap::default();
    let size = Size::new(size.0, size.1);
    let cx = Cx::new(&h.snapshot, &h.views, &h.now, look, &keys, Density::of(size));
    let pane = areas(size).pane;
    // The row of the views, and the rule below it, belong to the screen.
    let above = if Density::of(size) <= Density::Rail { 2 } else { 1 };
    let area = Rect::new(0, 0, pane.width, pane.height.saturating_sub(above));
    let mut buffer = Buffer::empty(area);
    run::show(
        &mut Painter::new(&mut buffer, area, look),
        moment,
        Some(45),
        activity,
        &cx,
    );
    super::support::text(&buffer)
}

fn copying() -> Moment {
    let mut tiles = vec![Tile::Copied; 741];
    tiles[237] = Tile::Failed;
    tiles.extend([Tile::Running; 3]);
    tiles.extend([Tile::Waiting; 460]);
    Moment {
        phase: "copying".to_owned(),
        copied: 741_640,
        quarantined: 30,
        total: Some(1_204_311),
        rate: Some(71_342.0),
        mean: Some(68_900.0),
        left: Some("about 7 s".to_owned()),
        tiles,
        workers: Some((3, 3)),
        fence: Some(7),
        elapsed_s: 10,
        running: vec!["chunk 742, 640 rows".to_owned(), "chunk 743, 118 rows".to_owned()],
        ..Moment::default()
    }
}

fn proving() -> Moment {
    let mut tiles = vec![Tile::Proved; 734];
    tiles.extend([Tile::Copied; 470]);
    Moment {
        phase: "proving".to_owned(),
        copied: 1_204_266,
        proved: 734_003,
        quarantined: 45,
        rate: Some(98_200.0),
        left: Some("about 5 s".to_owned()),
        tiles,
        workers: Some((2, 2)),
        elapsed_s: 26,
        running: Vec::new(),
        ..copying()
    }
}

#[test]
fn live_figures_at_every_size() {
    let differs = Moment {
        proved: 1_204_311,
        left: None,
        rate: None,
        proof: vec![
            ProofLine {
                what: "rows = migrated + quarantined".to_owned(),
                source: "1,204,311".to_owned(),
                target: "1,204,266+45".to_owned(),
                equal: true,
            },
            ProofLine {
                what: "row hashes, read separately".to_owned(),
                source: "1,204,266".to_owned(),
                target: "3 rows differ".to_owned(),
                equal: false,
            },
        ],
        ..proving()
    };
    let throttled = Moment {
        waits: Some("throttled to 10000 rows a second".to_owned()),
        left: None,
        ..copying()
    };
    for (name, moment) in [
        ("copying", copying()),
        ("proving", proving()),
        ("differs", differs),
        ("throttled", throttled),
    ] {
        for size in SIZES {
            let shown = panel(&moment, Activity::Running, size, false);
            insta::assert_snapshot!(format!("run_{name}_{}x{}", size.0, size.1), shown);
            assert!(panel(&moment, Activity::Running, size, true).is_ascii());
        }
    }
}

#[test]
fn nothing_says_done_before_the_last_line_is_equal() {
    for moment in [copying(), proving()] {
        for size in SIZES {
            let shown = panel(&moment, Activity::Running, size, false);
            assert!(!shown.contains("equal ") && !shown.contains("Proved:"), "{shown}");
            for line in shown
                .lines()
                .filter(|line| line.trim_start().starts_with("Proved"))
            {
                assert!(!line.contains("all"), "{shown}");
            }
        }
    }
}

#[test]
fn n_counts_decides_and_shows_the_plan() {
    let mut h = Harness::new((80, 24));
    answered(&mut h.snapshot, &[]);
    scored(&mut h.snapshot);
    h.update();
    h.keys("]]]]]]]");
    assert!(
        h.out.contains(&Out::Send(Command::Read(STEP))),
        "the screen counts by itself"
    );
    h.out.clear();
    h.views.schema = Slot::Ready(at("14:06:28"), Arc::new(prepared(1_204_311, None)));
    h.update();
    h.keys("n");
    let shown = h.text();
    assert!(shown.contains("212 rows are running"), "{shown}");
    h.wait(Duration::from_millis(400)).keys("<enter>");
    assert!(
        h.sent().is_empty(),
        "the first answer changes nothing: {:?}",
        h.sent()
    );
    assert!(
        h.text().contains("▸              running"),
        "the cursor went there\n{}",
        h.text()
    );
    h.keys("n")
        .wait(Duration::from_millis(400))
        .keys("<down><down><enter>");
    assert_eq!(
        h.sent(),
        ["Decide { capability: Schema, subject: \"running\", choice: String(\"claim\") }"]
    );
    h.out.clear();
    h.views.schema = Slot::Ready(
        at("14:06:29"),
        Arc::new(prepared(1_204_311, Some(Running::Claim))),
    );
    h.update();
    h.keys("n");
    assert_eq!(h.sent(), ["Plan { capability: Schema, verb: \"apply\" }"]);
    h.answer(Ok(Reply::Plan(Box::new(plan()))));
    assert!(h.text().contains("▸Cancel◂"), "{}", h.text());
}

#[test]
fn an_unknown_value_gets_another_fate_and_the_edit_is_taken_back() {
    let mut h = Harness::new((80, 24));
    census(&mut h, prepared(1_204_311, Some(Running::Claim)));
    // The last status: archived.
    h.keys("jjjjjjjjj");
    h.keys("e").wait(Duration::from_millis(400));
    let shown = h.text();
    assert!(shown.contains("Status archived"), "{shown}");
    assert!(shown.contains("Becomes COMPLETED"), "{shown}");
    h.keys("<down><down><enter>");
    assert_eq!(
        h.sent(),
        ["Decide { capability: Schema, subject: \"map:status:archived\", choice: String(\"COMPLETED\") }"]
    );
    h.out.clear();
    let decided = serde_json::json!("COMPLETED");
    h.snapshot
        .steps
        .entry(STEP)
        .or_default()
        .decisions
        .insert("map:status:archived".to_owned(), decided);
    h.update();
    assert!(h.text().contains("edited"), "{}", h.text());
    h.keys("e")
        .wait(Duration::from_millis(400))
        .keys("<tab><tab><tab><tab><tab><tab><enter>");
    assert!(h.sent()[0].contains("choice: Null"), "{:?}", h.sent());
}

/// A row in quarantine leads to the value that set it aside; what was mended is tried again from there, too.
#[test]
fn from_the_quarantine_a_row_is_mended_and_tried_again() {
    let mut h = Harness::new((80, 24));
    finished(&mut h.snapshot);
    census(&mut h, prepared(1_204_311, Some(Running::Claim)));
    h.out.clear();
    h.keys("Q/unknown_status<enter>e");
    assert!(h.text().contains("archived"), "{}", h.text());
    h.keys("e").wait(Duration::from_millis(400));
    assert!(h.text().contains("Status archived"), "{}", h.text());
    h.keys("<esc>");
    assert!(h.sent().is_empty(), "{:?}", h.sent());
    h.keys("Q/unknown_status<enter>t");
    assert_eq!(h.sent(), ["Plan { capability: Schema, verb: \"apply\" }"]);
    // What Space picks out is saved alone, also when a filter hides it.
    let mut h = Harness::new((80, 24));
    finished(&mut h.snapshot);
    h.update();
    h.out.clear();
    h.keys("Q<space><down><space><up><space>");
    assert!(h.text().contains("1 marked"), "{}", h.text());
    let second = h.snapshot.aside().nth(1).unwrap().key.clone();
    h.keys("/nothing of this<enter>w");
    let sent = h.sent()[0].clone();
    assert!(
        sent.contains("SaveList") && sent.contains(&format!("{second:?}")),
        "{sent}"
    );
    // Without a census the rows are counted first.
    let mut h = Harness::new((80, 24));
    finished(&mut h.snapshot);
    h.update();
    h.out.clear();
    h.keys("Q/unknown_status<enter>e");
    assert_eq!(h.sent(), ["Read(Schema)"]);
    let read = prepared(1_204_311, Some(Running::Claim));
    h.views.schema = Slot::Ready(at("14:05:50"), Arc::new(read));
    h.update();
    assert!(h.text().contains("archived"), "{}", h.text());
    h.keys("e").wait(Duration::from_millis(400));
    assert!(h.text().contains("Status archived"), "{}", h.text());
}

#[test]
fn what_no_mapping_changes_says_so() {
    let mut h = Harness::new((80, 24));
    census(&mut h, prepared(1_204_311, Some(Running::Claim)));
    h.keys("Ge");
    assert!(h.text().contains("No mapping changes this line."), "{}", h.text());
    assert!(h.sent().is_empty());
}

#[test]
fn a_block_is_said_in_the_engines_words_and_nothing_is_planned() {
    let mut h = scene("blocked", (80, 24), Look::new(Theme::Dark, false));
    h.keys("n");
    assert!(h.sent().is_empty(), "{:?}", h.sent());
    assert!(
        h.text().contains("Tasks lacks task_type and metadata"),
        "{}",
        h.text()
    );
}

#[test]
fn an_old_census_is_counted_again_before_the_copy() {
    let mut h = Harness::new((80, 24));
    census(&mut h, prepared(1_204_311, Some(Running::Claim)));
    h.wait(Duration::from_mins(11));
    h.keys("n");
    assert_eq!(h.sent(), ["Read(Schema)"]);
}

#[test]
fn views_are_chosen_by_number_and_follow_the_state_again() {
    let mut h = Harness::new((80, 24));
    census(&mut h, prepared(1_204_311, Some(Running::Claim)));
    h.keys("3");
    assert!(
        h.text().contains("It starts by itself after the last chunk"),
        "{}",
        h.text()
    );
    h.keys("2");
    assert!(h.text().contains("No run yet."), "{}", h.text());
    running(&mut h.snapshot, 741_640);
    h.update();
    assert!(h.text().contains("Copied"), "{}", h.text());
    h.keys("1");
    assert!(h.text().contains("Becomes"), "{}", h.text());
    finished(&mut h.snapshot);
    h.update();
    assert!(h.text().contains("Proved, with rows set aside"), "{}", h.text());
}

#[test]
fn pace_is_chosen_from_a_list_and_workers_wait_for_the_run() {
    let mut h = Harness::new((80, 24));
    running(&mut h.snapshot, 741_640);
    census_and_run(&mut h);
    h.keys("+");
    assert!(h.text().contains("has not begun to copy"), "{}", h.text());
    h.keys("P").wait(Duration::from_millis(400)).keys("<down><enter>");
    assert_eq!(h.sent(), ["Pace(0)"]);
    h.out.clear();
    h.views.schema_run = Some(maos_migrate::engine::schema::Live::default());
    h.update();
    h.keys("+");
    assert_eq!(h.sent(), ["Workers(1)"]);
}

#[test]
fn progress_of_a_count_is_shown() {
    let mut h = Harness::new((80, 24));
    h.views.schema = Slot::Loading(None);
    h.views.reading.insert(
        STEP,
        Progress {
            done: 4,
            total: Some(7),
            unit: "columns".to_owned(),
            phase: "counting".to_owned(),
            elapsed_s: 12.0,
            ..Progress::default()
        },
    );
    open(&mut h);
    assert!(
        h.text().contains("Counting 4 of 7. The census reads only."),
        "{}",
        h.text()
    );
}

#[test]
fn text_from_the_rows_is_inert() {
    for size in SIZES {
        let shown = scene("decided", size, Look::new(Theme::Dark, false)).text();
        assert!(!shown.contains('\u{1b}'), "{shown}");
    }
}
