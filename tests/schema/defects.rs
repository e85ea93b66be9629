//! What the guide's own script does wrong, done right.

use maos_migrate::engine::ErrorKind;
use maos_migrate::engine::operation::Control;
use maos_migrate::engine::ports::store::Table;
use maos_migrate::engine::schema::{self, Live, Running};

use crate::support::*;

const GUIDE: &str = "CREATE TABLE tasks (id uuid PRIMARY KEY, description text NOT NULL, task_type text, status text, priority text, created_at timestamptz, metadata jsonb)";

/// What the guide's statement writes for `legacy_tasks`.
const GUIDE_RUN: &str = "INSERT INTO tasks SELECT gen_random_uuid(), description, CASE category WHEN 'research' THEN 'research' WHEN 'development' THEN 'coding' WHEN 'analysis' THEN 'analysis' ELSE 'general' END, \
     CASE status WHEN 'pending' THEN 'QUEUED' WHEN 'running' THEN 'RUNNING' WHEN 'completed' THEN 'COMPLETED' WHEN 'failed' THEN 'FAILED' ELSE 'QUEUED' END, coalesce(priority, 'NORMAL'), created_at, \
     jsonb_build_object('migrated_from_legacy', true, 'legacy_id', id, 'migration_date', now(), 'original_metadata', metadata) FROM legacy_tasks";

#[test]
fn defect_37_an_error_ends_the_run_and_leaves_no_half_chunk() {
    let folder = tempfile::tempdir().unwrap();
    let db = fresh("pg", folder.path());
    seed(&db, 7_000);
    db.sql("CREATE TABLE tasks (id uuid PRIMARY KEY, description text NOT NULL CHECK (description <> 'Task number 5002'), task_type text, status text, priority text, created_at timestamptz, metadata jsonb)");
    // The literal of this CHECK is no list of what is allowed.
    let error = block_on(apply_under(&db, &db, &Control::silent())).expect_err("refused");
    assert_eq!(error.kind, ErrorKind::Unavailable);
    assert!(error.message.contains("23514"), "{error}");
    let ledger: u64 = db
        .sql("SELECT coalesce(sum(rows_out), 0) FROM migration_chunk")
        .parse()
        .unwrap();
    assert!(ledger < 7_000);
    assert_eq!(
        (db.count("tasks"), db.count("migration_tracking")),
        (ledger, ledger)
    );
}

#[test]
fn defect_38_a_legacy_id_is_unique_for_the_database_itself() {
    both(|source, target| {
        seed(&source, 20);
        assert!(run_once(&source, &target).report.verified);
        assert!(run_once(&source, &target).report.verified);
        assert_eq!(
            (target.count("tasks"), target.count("migration_tracking")),
            (20, 20)
        );
        let twice = std::panic::catch_unwind(|| {
            target.sql("INSERT INTO migration_tracking (legacy_task_id, source) VALUES ('3', 'legacy_tasks')")
        });
        assert!(twice.is_err());
    });
}

#[test]
fn defect_38_a_run_of_the_guides_script_is_adopted_never_doubled() {
    let folder = tempfile::tempdir().unwrap();
    let db = fresh("pg", folder.path());
    seed(&db, 300);
    db.sql("UPDATE legacy_tasks SET category = 'research' WHERE category = 'Research '");
    db.sql(GUIDE);
    db.sql(GUIDE_RUN);
    let prepared = planned(&db, &db, |_| ()).unwrap();
    assert!(
        prepared.setup.adopt && prepared.blocks.is_empty(),
        "{:?}",
        prepared.blocks
    );
    assert!(
        prepared
            .plan
            .effects
            .iter()
            .any(|effect| effect.act == "replace" && effect.count == Some(300))
    );
    assert!(run_once(&db, &db).report.verified);
    assert_eq!(
        (db.count("tasks"), db.count("tasks WHERE status = 'CANCELLED'")),
        (300, 60)
    );
}

#[test]
fn defect_38_rows_the_script_doubled_or_somebody_changed_are_refused_with_the_reason() {
    let folder = tempfile::tempdir().unwrap();
    for (change, words) in [
        (GUIDE_RUN, "more than once"),
        (
            "UPDATE tasks SET status = 'RUNNING' WHERE status = 'QUEUED'",
            "changed since",
        ),
        ("DELETE FROM legacy_tasks WHERE id = 3", "not in the source"),
    ] {
        let db = fresh("pg", folder.path());
        seed(&db, 50);
        db.sql(GUIDE);
        db.sql(GUIDE_RUN);
        db.sql(change);
        let prepared = planned(&db, &db, |_| ()).unwrap();
        assert!(
            prepared.blocks.iter().any(|block| block.sentence.contains(words)),
            "{words}: {:?}",
            prepared.blocks
        );
        assert_eq!(prepared.ready().unwrap_err().kind, ErrorKind::Blocked);
    }
}

#[test]
fn defect_39_the_mapping_is_a_table_that_stays() {
    both(|source, target| {
        seed(&source, 50);
        run_once(&source, &target);
        assert_eq!(target.count("migration_tracking m JOIN tasks t ON CAST(t.id AS text) = m.maos_task_id WHERE m.status = 'migrated'"), 50);
    });
}

#[test]
fn defect_40_the_proof_finds_every_row_that_was_tampered_with() {
    both(|source, target| {
        seed(&source, 500);
        assert!(run_once(&source, &target).report.verified);
        let id = |key: u64| {
            target.sql(&format!(
                "SELECT maos_task_id FROM migration_tracking WHERE legacy_task_id = '{key}'"
            ))
        };
        target.sql(&format!(
            "UPDATE tasks SET priority = 'HIGH', description = 'changed' WHERE id = '{}'",
            id(30)
        ));
        target.sql(&format!("DELETE FROM tasks WHERE id = '{}'", id(60)));
        target.sql("UPDATE migration_tracking SET maos_task_id = 'x' WHERE legacy_task_id = '90'");
        source.sql("DELETE FROM legacy_tasks WHERE id = 120");
        // Contents exchanged between two rows: counts and totals stay equal.
        target.sql(&format!(
            "UPDATE tasks SET description = 'Task number 999' WHERE id = '{}'",
            id(9)
        ));
        let (verified, report) = block_on(async {
            let stores = stores(&source, &target);
            let prepared = plan(&request(), &stores).await;
            schema::verify_run(&prepared, &stores, &Control::silent(), &Live::default())
                .await
                .unwrap()
        });
        assert!(!verified.holds());
        assert_eq!(
            (report.changed, report.missing, report.extra),
            (
                vec!["9".to_owned(), "30".to_owned()],
                vec!["60".to_owned()],
                vec!["120".to_owned()]
            )
        );
        assert!(report.other.contains(&"90".to_owned()), "{:?}", report.other);
    });
}

#[test]
fn defect_41_dead_work_stays_dead_and_unknown_work_is_set_aside() {
    both(|source, target| {
        table(
            &source,
            "(1,'a','x','cancelled','LOW','2026-01-01 00:00:00',NULL),(2,'b','x','archived','LOW','2026-01-01 00:00:00',NULL),(3,'c','x',NULL,'LOW','2026-01-01 00:00:00',NULL),(4,'d','x','Canceled ','urgent','2026-01-01 00:00:00',NULL),(5,'e','x',' CANCELLED','high','2026-01-01 00:00:00',NULL)",
        );
        let done = run_once(&source, &target);
        assert!(done.report.verified, "{:#?}", done.outcome.proof);
        assert_eq!(
            target.sql("SELECT status, count(*) FROM tasks GROUP BY status"),
            "CANCELLED|2"
        );
        assert_eq!(
            reasons(&target),
            "null_status|1\nunknown_priority|1\nunknown_status|1"
        );
    });
}

#[test]
fn defect_42_values_are_folded_nulls_have_rules_and_nothing_is_lost() {
    both(|source, target| {
        source.sql("CREATE TABLE legacy_tasks (id bigint PRIMARY KEY, description text, category text, status text, priority integer, created_at timestamp, metadata text, completed_at timestamp, retries integer)");
        source.sql("INSERT INTO legacy_tasks VALUES (1, 'a', 'DEVELOPMENT', 'Pending', 2, NULL, NULL, '2026-01-02 00:00:00', 3), (2, NULL, 'odd', 'failed', NULL, '2026-01-01 00:00:00', NULL, NULL, 0), (3, 'c', 'odd', 'failed', NULL, '2026-01-01 00:00:00', NULL, NULL, 0)");
        let done = with(&source, &target, |request| {
            request
                .mapping
                .priority
                .values
                .insert("2".to_owned(), "HIGH".to_owned());
        });
        assert!(
            done.report.verified,
            "{:#?} {:?}",
            done.outcome.proof, done.differences
        );
        assert_eq!(
            target.sql("SELECT description, task_type, status, priority FROM tasks ORDER BY id"),
            "a|coding|QUEUED|HIGH\nc|general|FAILED|NORMAL"
        );
        assert_eq!(reasons(&target), "null_description|1");
        let kept = target.sql("SELECT metadata FROM tasks ORDER BY id");
        assert!(
            kept.contains("legacy_columns")
                && kept.contains("retries")
                && kept.contains("2026-01-02")
                && kept.contains("original_category"),
            "{kept}"
        );
    });
}

#[test]
fn defect_43_other_shapes_are_recognised_and_refused_with_what_is_missing() {
    let folder = tempfile::tempdir().unwrap();
    let db = fresh("pg", folder.path());
    seed(&db, 10);
    db.sql("CREATE SCHEMA maos; CREATE TABLE maos.tasks (id serial PRIMARY KEY, task_id varchar(255) UNIQUE NOT NULL, name varchar(255) NOT NULL, status varchar(50) NOT NULL, created_at timestamp, updated_at timestamp)");
    let prepared = planned(&db, &db, |request| {
        request.target_table = Table::parse("maos.tasks");
    })
    .unwrap();
    let sentence = &prepared.blocks[0].sentence;
    for word in [
        "description",
        "task_type",
        "priority",
        "metadata",
        "MAOS init-script shape",
    ] {
        assert!(sentence.contains(word), "{sentence}");
    }
    // The guide shape is made where the name is free.
    let done = with(&db, &db, |request| {
        request.target_table = Table::parse("public.tasks");
    });
    assert!(done.report.verified);
    assert_eq!((db.count("public.tasks"), db.count("maos.tasks")), (10, 0));

    let shipped = fresh("sqlite", folder.path());
    shipped.sql("CREATE TABLE tasks (id TEXT PRIMARY KEY, parent_task_id TEXT, description TEXT NOT NULL, status TEXT DEFAULT 'pending', assigned_agents JSON, subtasks JSON, progress REAL, result JSON, created_at TIMESTAMP)");
    let prepared = planned(&db, &shipped, |_| ()).unwrap();
    assert!(
        prepared.blocks[0].sentence.contains("shipped SQLite shape"),
        "{:?}",
        prepared.blocks
    );
    // An enum that lacks a label is found before anything is written.
    let narrow = fresh("pg", folder.path());
    seed(&narrow, 10);
    narrow.sql("CREATE TYPE state AS ENUM ('QUEUED', 'COMPLETED', 'FAILED'); CREATE TABLE tasks (id uuid PRIMARY KEY, description text, task_type text, status state, priority text CHECK (priority IN ('LOW', 'NORMAL', 'HIGH', 'CRITICAL')), created_at timestamp, metadata jsonb)");
    let prepared = planned(&narrow, &narrow, |_| ()).unwrap();
    assert!(
        prepared
            .blocks
            .iter()
            .any(|block| block.sentence == "status does not allow CANCELLED"),
        "{:?}",
        prepared.blocks
    );
    narrow.sql("ALTER TYPE state ADD VALUE 'CANCELLED'");
    // And a time that would lose its end.
    for (kind, good) in [
        ("date", false),
        ("timestamp(3) with time zone", false),
        ("timestamp(0) without time zone", false),
        ("timestamp(6) with time zone", true),
    ] {
        narrow.sql(&format!("ALTER TABLE tasks ALTER created_at TYPE {kind}"));
        let prepared = planned(&narrow, &narrow, |_| ()).unwrap();
        let sentence = format!("public.tasks.created_at is of type {kind}, which drops parts of times");
        let said = prepared.blocks.iter().any(|block| block.sentence == sentence);
        assert_eq!(said, !good, "{:?}", prepared.blocks);
    }
    assert!(run_once(&narrow, &narrow).report.verified);
}

#[test]
fn defect_44_one_url_names_the_server_and_its_password_is_never_said() {
    let secret = "hunter2-very-secret";
    let url = format!(
        "postgres://maos:{secret}@localhost/nowhere?host={}",
        cluster().folder.display()
    );
    let store = maos_migrate::adapters::open_store(&secrecy::SecretString::from(url), false).unwrap();
    assert!(store.words().ends_with("/nowhere") && !store.words().contains(secret));
    let error = block_on(async { store.place().await.unwrap_err() });
    assert!(!format!("{error} {error:?}").contains(secret), "{error}");
    for bad in [
        format!("postgres://maos:{secret}@:bad:/x"),
        format!("mysql://u:{secret}@h/d"),
        secret.to_owned(),
    ] {
        let error = maos_migrate::adapters::open_store(&secrecy::SecretString::from(bad), false)
            .err()
            .unwrap();
        assert_eq!(error.kind, ErrorKind::Usage);
        assert!(!format!("{error:?}").contains(secret), "{error:?}");
    }
}

#[test]
fn defect_41_running_rows_wait_for_a_decision() {
    both(|source, target| {
        table(
            &source,
            "(1,'a','x','running','LOW','2026-01-01 00:00:00',NULL),(2,'b','x','pending','LOW','2026-01-01 00:00:00',NULL)",
        );
        for (choice, blocked) in [
            (None, true),
            (Some(Running::Drain), true),
            (Some(Running::Claim), false),
            (Some(Running::Keep), false),
        ] {
            let prepared = planned(&source, &target, |request| request.running = choice).unwrap();
            assert_eq!(prepared.ready().is_err(), blocked, "{choice:?}");
            assert_eq!(prepared.census.running, 1);
        }
        let claimed = with(&source, &target, |request| request.running = Some(Running::Claim));
        assert!(claimed.report.verified, "{:#?}", claimed.outcome.proof);
        assert_eq!(
            target.sql("SELECT status FROM tasks ORDER BY id"),
            "QUEUED\nQUEUED"
        );
        assert!(
            target
                .sql("SELECT metadata FROM tasks ORDER BY id")
                .contains("original_status")
        );
    });
}
