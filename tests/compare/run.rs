//! Runs against the rehearsal MAOS and real legacy programs.

use std::time::{Duration, Instant};

use maos_migrate::engine::Capability;
use maos_migrate::engine::compare::Pair;
use maos_migrate::engine::error::ErrorKind;
use maos_migrate::engine::item::{ItemState, Items};
use maos_migrate::engine::operation::Control;
use maos_migrate::engine::snapshot::{Activity, Step};
use maos_migrate::engine::tasks::Rules;
use maos_migrate::engine::tasks::decompose::decompose;
use maos_migrate::engine::tasks::view::Detail;
use serde_json::{Value, json};

use crate::support::{plan, proved, recording, run, script, start, workspace, world};

/// Six parts without an order among them, and one that gathers them.
const FAN: &str = "Test login, search, checkout, refunds, reports and exports";

/// A legacy system that does the parts of a task one after another, each for 0.8 s.
const SEQUENTIAL: &str = r#"
parts=$(sed -n 's/.*"parts":\([0-9]*\).*/\1/p')
while [ "$parts" -gt 0 ]; do sleep 0.8; parts=$((parts-1)); done
echo '{"success": true}'"#;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_speed_up_is_what_the_schedule_allows() {
    let folder = tempfile::tempdir().unwrap();
    let rules = Rules::default_with(None).unwrap();
    let detail = Detail::of(decompose(1.into(), FAN, &rules), &[]);
    let parts = detail.plan.subtasks.len();
    let allowed = detail.with_agents(4, &[]);
    #[expect(clippy::cast_precision_loss, reason = "seven parts")]
    let wanted = parts as f64 / allowed.makespan;
    script(folder.path(), "legacy.sh", SEQUENTIAL);
    let settings = "target:\n  maos: rehearsal\nlegacy:\n  run: [./legacy.sh]\ncompare:\n  tasks: 2\n  repeats: 2\n  minimum_pairs: 4\n\
                    rehearsal:\n  agents: 4\n  worker: [sh, -c, 'cat >/dev/null; sleep 0.8; echo 1']";
    let tasks: Vec<Value> = (1..=2)
        .map(|n| json!({"id": format!("legacy_{n:03}"), "description": FAN, "parts": parts}))
        .collect();
    let workspace = workspace(folder.path(), settings, &tasks);
    let world = world(&workspace, proved());
    start(&world).await;
    let (outcome, report) = run(world).await;
    let median = report["summary"]["median_speedup"].as_f64().unwrap();
    assert!(
        (median / wanted - 1.0).abs() < 0.05,
        "reported {median}, the schedule allows {wanted}: {report:#}"
    );
    assert!(report["summary"]["maos_time_uncertainty"].as_f64().unwrap() < 0.03);
    assert_eq!(
        (outcome.source, outcome.converted, outcome.quarantined),
        (4, 4, 0)
    );
    assert!(outcome.proved());
    assert_eq!(
        (
            report["rehearsal"].as_bool(),
            report["simulated_durations"].as_bool()
        ),
        (Some(true), Some(false))
    );
    assert_eq!(report["summary"]["most_agents_used"], 4);
    // Real programs ran on both sides, and what they used was measured.
    for side in ["legacy", "maos"] {
        assert!(
            report["resource_usage"][side]["peak_bytes"].as_u64().unwrap() > 0,
            "{report:#}"
        );
    }
    let first: Vec<bool> = report["detailed_results"]["legacy"]
        .as_array()
        .unwrap()
        .iter()
        .map(|run| run["ran_first"].as_bool().unwrap())
        .collect();
    assert_eq!(first.iter().filter(|first| **first).count(), 2);
}

fn small(folder: &std::path::Path, more: &str, legacy: &str) -> maos_migrate::engine::workspace::Workspace {
    script(folder, "legacy.sh", legacy);
    let settings = format!(
        "target:\n  maos: rehearsal\nlegacy:\n  run: [./legacy.sh]\nrehearsal:\n  seconds: 0.02\ncompare:\n  tasks: 3\n  repeats: 2\n  \
         minimum_pairs: 2\n{more}"
    );
    let tasks: Vec<Value> = (1..=3)
        .map(|n| json!({"id": n, "description": format!("Write letter {n}")}))
        .collect();
    workspace(folder, &settings, &tasks)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn defect_21_hostile_descriptions_are_data_on_both_sides() {
    let folder = tempfile::tempdir().unwrap();
    let hostile = "it's $(touch owned) `touch owned`; touch owned \u{1b}[2J\n--max-agents 9 'x";
    script(folder.path(), "legacy.sh", "cat > got.json; echo '{}'");
    let settings = "target:\n  maos: rehearsal\nlegacy:\n  run: [./legacy.sh]\nrehearsal:\n  seconds: 0.01\ncompare:\n  repeats: 1";
    let workspace = workspace(
        folder.path(),
        settings,
        &[json!({"id": "h", "description": hostile})],
    );
    let world = world(&workspace, proved());
    start(&world).await;
    let (outcome, _) = run(world).await;
    assert_eq!(outcome.converted, 1);
    let got: Value =
        serde_json::from_str(&std::fs::read_to_string(folder.path().join("got.json")).unwrap()).unwrap();
    assert_eq!(got["description"], hostile);
    assert!(!folder.path().join("owned").exists());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn defect_20_a_task_that_never_ends_is_a_failed_pair_at_its_deadline() {
    let folder = tempfile::tempdir().unwrap();
    script(folder.path(), "legacy.sh", "cat >/dev/null; echo '{}'");
    let settings = "target:\n  maos: rehearsal\nlegacy:\n  run: [./legacy.sh]\nrehearsal:\n  seconds: 600\ncompare:\n  repeats: 1\n  deadline: 1";
    let workspace = workspace(
        folder.path(),
        settings,
        &[json!({"id": "long", "description": "Write a letter"})],
    );
    let world = world(&workspace, proved());
    start(&world).await;
    let maos = world.ports.maos.open(&workspace, &world.settings).unwrap();
    let begun = Instant::now();
    let (outcome, report) = run(world).await;
    assert!(begun.elapsed() < Duration::from_mins(1));
    assert_eq!((outcome.converted, outcome.quarantined), (0, 1));
    let run = &report["detailed_results"]["maos"][0];
    assert!(
        run["error"].as_str().unwrap().contains("after 1 s, cancelled"),
        "{run}"
    );
    // Nothing is left to run on.
    let view = maos
        .show(
            run["maos_task_id"]
                .as_str()
                .map_or_else(|| id_of(&report), str::to_owned),
        )
        .await;
    assert!(view.unwrap().status.ended());
}

fn id_of(report: &Value) -> String {
    report["tasks"][0]["maos_id"].as_str().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn quality_is_what_the_check_says_and_failures_are_told() {
    let folder = tempfile::tempdir().unwrap();
    script(
        folder.path(),
        "check.sh",
        r#"grep -q '"id":2[,}]' && exit 1; exit 0"#,
    );
    // Task 3 fails on the legacy side.
    let workspace = small(
        folder.path(),
        "  quality: [./check.sh]\n",
        r#"if grep -q '"id":3'; then echo "no disk" >&2; exit 9; fi; sleep 0.05; echo '{"result": 1}'"#,
    );
    let world = world(&workspace, proved());
    start(&world).await;
    let (outcome, report) = run(world).await;
    assert_eq!(
        (outcome.source, outcome.converted, outcome.quarantined),
        (6, 4, 2)
    );
    assert_eq!(
        report["quality"],
        json!({"same": 2, "checked": 4, "by": "./check.sh"})
    );
    assert_eq!(report["pairs"]["excluded"]["failed_on_legacy"], 2);
    let failed = report["detailed_results"]["legacy"]
        .as_array()
        .unwrap()
        .iter()
        .find(|run| run["success"] == false)
        .unwrap();
    assert_eq!(failed["error"], "exit 9: no disk");
    assert!(outcome.summary.starts_with("REHEARSAL: "), "{}", outcome.summary);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_legacy_side_that_cannot_run_counts_no_pair() {
    let folder = tempfile::tempdir().unwrap();
    let workspace = small(folder.path(), "", "exec ./nowhere");
    let world = world(&workspace, proved());
    start(&world).await;
    let (control, lines) = recording();
    let error = (plan(world).await.unwrap().run)(control).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Unavailable);
    assert!(
        error.message.contains("exit 127") && error.message.contains("No pair is counted"),
        "{error}"
    );
    let lines = lines.lock().unwrap();
    assert!(lines.iter().filter_map(Pair::of).all(|pair| !pair.ended()));
    assert!(!folder.path().join("compare").exists());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_legacy_command_or_converted_tasks_it_is_locked() {
    let folder = tempfile::tempdir().unwrap();
    let workspace = workspace(
        folder.path(),
        "target:\n  maos: rehearsal",
        &[json!({"id": 1, "description": "x"})],
    );
    let error = plan(world(&workspace, proved())).await.unwrap_err();
    assert_eq!(
        (error.kind, error.message.as_str()),
        (
            ErrorKind::Blocked,
            "locked: no legacy command. Add legacy.run to migration.yml; it gets a task as JSON on stdin."
        )
    );
    let workspace = small(folder.path(), "", "echo {}");
    std::fs::remove_file(folder.path().join("tasks/maos_tasks.json")).unwrap();
    let error = plan(world(&workspace, proved())).await.unwrap_err();
    assert_eq!(error.message, "locked: No task is converted.");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pair_that_ended_is_not_run_again_after_a_stop() {
    let folder = tempfile::tempdir().unwrap();
    let workspace = small(folder.path(), "", "cat >/dev/null; echo run >> runs; echo '{}'");
    let first = world(&workspace, proved());
    start(&first).await;
    let (recorder, lines) = recording();
    // Stops at the first safe point after the second pair.
    let control = {
        let stopper: std::sync::Arc<std::sync::OnceLock<Control>> = std::sync::Arc::default();
        let (inside, mut ended) = (std::sync::Arc::clone(&stopper), 0);
        let ended = std::sync::Mutex::new(std::mem::take(&mut ended));
        let control = Control::new(move |notice| {
            if let maos_migrate::engine::operation::Notice::Item { item, .. } = &notice
                && item.state == ItemState::Done
            {
                let mut ended = ended.lock().unwrap();
                *ended += 1;
                if *ended == 2
                    && let Some(control) = inside.get()
                {
                    control.stop();
                }
            }
            recorder.notice(notice);
        });
        stopper.set(control.clone()).unwrap();
        control
    };
    let error = (plan(first).await.unwrap().run)(control).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Interrupted);
    let runs = || {
        std::fs::read_to_string(folder.path().join("runs"))
            .unwrap()
            .lines()
            .count()
    };
    assert_eq!(runs(), 2);

    let mut snapshot = proved();
    let mut items = Items::default();
    for line in lines.lock().unwrap().iter() {
        items.set(line.clone());
    }
    let step = Step {
        activity: Activity::Stopped,
        verb: "run".to_owned(),
        items: [("run".to_owned(), items)].into(),
        ..Step::default()
    };
    snapshot.steps.insert(Capability::Compare, step.clone());
    let prepared = plan(world(&workspace, snapshot.clone())).await.unwrap();
    assert_eq!(prepared.plan.title, "Run the last 4 of 6 pairs");
    let outcome = (prepared.run)(Control::silent()).await.unwrap();
    assert_eq!((outcome.source, outcome.converted, runs()), (6, 6, 6));

    // With another deadline the pairs are others; and a comparison that came to its end is begun anew.
    let settings = std::fs::read_to_string(folder.path().join("migration.yml")).unwrap();
    std::fs::write(
        folder.path().join("migration.yml"),
        format!("{settings}  deadline: 60\n"),
    )
    .unwrap();
    let changed = plan(world(&workspace, snapshot.clone())).await.unwrap();
    assert_eq!(changed.plan.title, "Run 6 pairs");
    std::fs::write(folder.path().join("migration.yml"), settings).unwrap();
    let done = Step {
        activity: Activity::Done,
        ..step
    };
    snapshot.steps.insert(Capability::Compare, done);
    assert_eq!(
        plan(world(&workspace, snapshot)).await.unwrap().plan.title,
        "Run 6 pairs"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_result_stands_beside_its_migrated_task() {
    use sqlx::{Connection as _, Row as _};
    let folder = tempfile::tempdir().unwrap();
    let workspace = small(folder.path(), "", "echo '{}'");
    let path = workspace.settings_file();
    let settings = std::fs::read_to_string(&path).unwrap().replace(
        "  maos: rehearsal",
        "  maos: rehearsal\n  database: sqlite://target.db",
    );
    std::fs::write(path, settings).unwrap();
    let options = sqlx::sqlite::SqliteConnectOptions::new()
        .filename(folder.path().join("target.db"))
        .create_if_missing(true);
    let mut database = sqlx::SqliteConnection::connect_with(&options).await.unwrap();
    sqlx::raw_sql(
        "CREATE TABLE migration_tracking (id INTEGER PRIMARY KEY, legacy_task_id VARCHAR(255), maos_task_id VARCHAR(255), \
         migration_date TIMESTAMP, status VARCHAR(50), performance_comparison JSON, source VARCHAR(255)); \
         INSERT INTO migration_tracking (legacy_task_id, maos_task_id, status, source) VALUES ('1', 'old', 'COMPLETED', 'app')",
    )
    .execute(&mut database)
    .await
    .unwrap();
    let world = world(&workspace, proved());
    start(&world).await;
    let (_, report) = run(world).await;
    assert_eq!(report["tracking"], "3 results written to migration_tracking");
    let rows = sqlx::query("SELECT legacy_task_id, maos_task_id, status, performance_comparison FROM migration_tracking ORDER BY legacy_task_id")
        .fetch_all(&mut database)
        .await
        .unwrap();
    assert_eq!(rows.len(), 3);
    assert_eq!(
        (rows[0].get::<String, _>(1), rows[0].get::<String, _>(2)),
        ("old".to_owned(), "COMPLETED".to_owned())
    );
    for row in &rows {
        let figures: Value = serde_json::from_str(&row.get::<String, _>(3)).unwrap();
        assert_eq!(
            (figures["pairs"].as_u64(), figures["rehearsal"].as_bool()),
            (Some(2), Some(true))
        );
    }
}
