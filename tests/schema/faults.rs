//! Bad rows, failing databases, operators in each other's way.

use std::time::Duration;

use maos_migrate::engine::ErrorKind;
use maos_migrate::engine::operation::{Approval, Control};
use maos_migrate::engine::ports::store::Table;
use maos_migrate::engine::schema::{self, Live, Running};

use crate::support::*;

#[test]
fn fault_b28_duplicate_ids_are_all_set_aside_and_counted() {
    both(|source, target| {
        source.sql("CREATE TABLE legacy_tasks (id bigint, description text, category text, status text, priority text, created_at timestamp, metadata text)");
        source.sql("INSERT INTO legacy_tasks VALUES (1,'a','x','pending',NULL,NULL,NULL),(2,'b','x','pending',NULL,NULL,NULL),(2,'c','x','pending',NULL,NULL,NULL),(2,'d','x','failed',NULL,NULL,NULL),(3,'e','x','pending',NULL,NULL,NULL)");
        let done = run_once(&source, &target);
        assert!(
            done.report.verified,
            "{:#?} {:?}",
            done.outcome.proof, done.differences
        );
        assert_eq!(
            (
                done.report.source_rows,
                done.report.migrated,
                done.report.quarantined
            ),
            (5, 2, 3)
        );
        assert_eq!(
            target.sql("SELECT legacy_key, ordinal, reason FROM migration_quarantine ORDER BY ordinal"),
            "2|1|duplicate_id\n2|2|duplicate_id\n2|3|duplicate_id"
        );
    });
}

#[test]
fn fault_b29_lookalike_ids_are_reported_and_not_merged() {
    both(|source, target| {
        source.sql("CREATE TABLE legacy_tasks (id text PRIMARY KEY, description text, category text, status text, priority text, created_at timestamp, metadata text)");
        source.sql("INSERT INTO legacy_tasks VALUES ('Ab','a','x','pending',NULL,NULL,NULL),('ab ','b','x','pending',NULL,NULL,NULL),('zz','c','x','pending',NULL,NULL,NULL),('é''; --','d','x','pending',NULL,NULL,NULL)");
        let prepared = planned(&source, &target, |_| ()).unwrap();
        assert!(
            prepared
                .census
                .notes
                .iter()
                .any(|note| note.starts_with("2 rows have keys that differ only by case")),
            "{:?}",
            prepared.census.notes
        );
        let done = run_once(&source, &target);
        assert!(done.report.verified, "{:#?}", done.outcome.proof);
        assert_eq!(done.report.migrated, 4);
        assert_eq!(run_once(&source, &target).report.unchanged, 4);
    });
}

#[test]
fn fault_b30_null_and_unknown_values_are_counted_by_value() {
    both(|source, target| {
        table(
            &source,
            "(1,'a',NULL,'pending',NULL,'2026-01-01 00:00:00',NULL),(2,'b','x','archived','LOW','2026-01-01 00:00:00',NULL),(3,'c','x','archived',NULL,'2026-01-01 00:00:00',NULL)",
        );
        let census = planned(&source, &target, |_| ()).unwrap().census;
        let of = |column: &str, value: &str| {
            census
                .values
                .iter()
                .find(|row| row.column == column && row.value == value)
                .map(|row| (row.rows, row.becomes.clone()))
                .unwrap()
        };
        assert_eq!(
            of("status", "archived"),
            (2, "quarantine unknown_status".to_owned())
        );
        assert_eq!(of("priority", "(null)"), (2, "NORMAL".to_owned()));
        assert_eq!(of("category", "(null)"), (1, "task_type general".to_owned()));
        assert_eq!((census.migrated, census.quarantined), (1, 2));
        // The mapping is mended and the same run takes the rows out of quarantine.
        assert_eq!(run_once(&source, &target).report.quarantined, 2);
        let mended = with(&source, &target, |request| {
            request
                .mapping
                .status
                .values
                .insert("archived".to_owned(), "CANCELLED".to_owned());
        });
        assert!(mended.report.verified, "{:#?}", mended.outcome.proof);
        assert_eq!(
            (
                mended.report.migrated,
                mended.report.unchanged,
                mended.report.quarantined
            ),
            (2, 1, 0)
        );
    });
}

#[test]
fn fault_b31_bytes_that_are_not_utf8_are_set_aside_with_their_bytes() {
    let folder = tempfile::tempdir().unwrap();
    let name = format!("ascii{}", std::process::id());
    cluster().psql(
        "postgres",
        &format!("CREATE DATABASE {name} ENCODING 'SQL_ASCII' TEMPLATE template0"),
    );
    let source = maybe(&name);
    table(
        &source,
        "(1,'fine','x','pending','LOW','2026-01-01 00:00:00',NULL),(2,E'latin \\xe9','x','pending','LOW','2026-01-01 00:00:00',NULL),(3,E'utf8 \\xc3\\xa9','x','pending','LOW','2026-01-01 00:00:00',NULL)",
    );
    let target = fresh("pg", folder.path());
    let done = run_once(&source, &target);
    assert!(
        done.report.verified,
        "{:#?} {:?}",
        done.outcome.proof, done.differences
    );
    assert_eq!(reasons(&target), "not_utf8|1");
    assert!(
        target
            .sql("SELECT raw FROM migration_quarantine")
            .contains("6c6174696e20e9"),
        "the bytes are kept"
    );

    let source = fresh("sqlite", folder.path());
    let target = fresh("sqlite", folder.path());
    table(
        &source,
        "(1,'fine','x','pending','LOW','2026-01-01 00:00:00',NULL),(2,CAST(x'6ce9' AS TEXT),'x','pending','LOW','2026-01-01 00:00:00',NULL),(3,'é','x','pending','LOW','2026-01-01 00:00:00',NULL),(4,'nul' || char(0) || 'x','x','pending','LOW','2026-01-01 00:00:00',NULL),(5,'b','x','pending','LOW','2026-01-01 00:00:00','{\"a\":\"\\ud800\"}'),(6,'b','x','pending','LOW','2026-01-01 00:00:00','{\"a\":\"\\ud83d\\ude00\"}'),(7,'b','x','pending','LOW','2026-01-01 00:00:00','{\"a\":\"\\u0000\"}'),(8,'b','x','pending','LOW','2026-01-01 00:00:00','{oops'),(9,'b','x','pending','LOW','2026-01-01 00:00:00','{\"path\":\"C:\\\\udata\"}')",
    );
    let done = run_once(&source, &target);
    assert!(
        done.report.verified,
        "{:#?} {:?}",
        done.outcome.proof, done.differences
    );
    assert_eq!(
        reasons(&target),
        "bad_json|1\nlone_surrogate|1\nnot_utf8|1\nnul_in_json|1\nnul_in_text|1"
    );
    assert_eq!(done.report.migrated, 4);
}

fn maybe(name: &str) -> Db {
    Db::Postgres {
        folder: cluster().folder.clone(),
        name: name.to_owned(),
    }
}

#[test]
fn fault_b32_odd_times_have_a_rule_each() {
    let folder = tempfile::tempdir().unwrap();
    let db = fresh("pg", folder.path());
    table(
        &db,
        "(1,'a','x','pending','LOW','infinity',NULL),(2,'b','x','pending','LOW','0044-03-15 00:00:00 BC',NULL),(3,'c','x','pending','LOW','9999-12-31 23:59:59',NULL),(4,'d','x','pending','LOW','12000-01-01 00:00:00',NULL),(5,'e','x','pending','LOW',NULL,NULL),(6,'f','x','pending','LOW','2999-01-01 00:00:00.123456',NULL)",
    );
    let prepared = planned(&db, &db, |_| ()).unwrap();
    assert!(
        prepared
            .census
            .notes
            .iter()
            .any(|note| note.contains("created in the future"))
    );
    let done = run_once(&db, &db);
    assert!(
        done.report.verified,
        "{:#?} {:?}",
        done.outcome.proof, done.differences
    );
    assert_eq!(
        (done.report.migrated, reasons(&db).as_str()),
        (3, "timestamp_out_of_range|3")
    );

    let source = fresh("sqlite", folder.path());
    table(
        &source,
        "(1,'a','x','pending','LOW','2026-02-30 00:00:00',NULL),(2,'b','x','pending','LOW','soon',NULL),(3,'c','x','pending','LOW','2026-01-01T00:00:00+02:00',NULL),(4,'d','x','pending','LOW','2026-01-01 00:00:00.5',NULL),(5,'e','x','pending','LOW','0000-01-01',NULL),(6,'f','x','pending','LOW',1767225600,NULL)",
    );
    for target in [fresh("sqlite", folder.path()), fresh("pg", folder.path())] {
        let done = run_once(&source, &target);
        assert!(
            done.report.verified,
            "{:#?} {:?}",
            done.outcome.proof, done.differences
        );
        assert_eq!(reasons(&target), "bad_timestamp|3\ntimestamp_out_of_range|1");
    }
}

#[test]
fn fault_b40_a_running_row_is_never_in_both_systems_by_accident() {
    both(|source, target| {
        table(
            &source,
            "(1,'a','x','running','LOW','2026-01-01 00:00:00',NULL),(2,'b','x','pending','LOW','2026-01-01 00:00:00',NULL)",
        );
        let kept = run_once(&source, &target);
        assert!(kept.report.verified);
        assert_eq!(
            (target.count("tasks"), reasons(&target).as_str()),
            (1, "left_running|1")
        );
        // It ends there; then it comes as what it ended as.
        source.sql("UPDATE legacy_tasks SET status = 'completed' WHERE id = 1");
        let later = run_once(&source, &target);
        assert!(later.report.verified, "{:#?}", later.outcome.proof);
        assert_eq!(
            target.sql("SELECT status FROM tasks ORDER BY id"),
            "COMPLETED\nQUEUED"
        );
    });
}

#[test]
fn fault_b41_nothing_and_one_row() {
    both(|source, target| {
        table(&source, "");
        let done = run_once(&source, &target);
        assert!(done.report.verified, "{:#?}", done.outcome.proof);
        assert_eq!((done.report.source_rows, done.report.migrated), (0, 0));
        source.sql("INSERT INTO legacy_tasks VALUES (-9223372036854775808,'a','x','pending','LOW','2026-01-01 00:00:00',NULL)");
        let done = run_once(&source, &target);
        assert!(
            done.report.verified,
            "{:#?} {:?}",
            done.outcome.proof, done.differences
        );
        assert_eq!((done.report.source_rows, done.report.migrated), (1, 1));
    });
}

#[test]
fn fault_b42_drift_is_refused_with_every_difference() {
    let folder = tempfile::tempdir().unwrap();
    let db = fresh("pg", folder.path());
    db.sql("CREATE TABLE legacy_tasks (id bigint PRIMARY KEY, descr text, category text, state text, priority text, created_at text, metadata jsonb)");
    let error = planned(&db, &db, |_| ()).unwrap_err();
    assert_eq!(error.kind, ErrorKind::Input);
    assert!(
        error.message.contains("lacks description and status")
            && error.message.contains("created_at is of type text"),
        "{error}"
    );
    db.sql("CREATE VIEW legacy_view AS SELECT * FROM legacy_tasks");
    let error = planned(&db, &db, |request| {
        request.source_table = Table::parse("legacy_view");
    })
    .unwrap_err();
    assert!(error.message.contains("is a view"), "{error}");
    db.sql("DROP VIEW legacy_view; ALTER TABLE legacy_tasks RENAME descr TO description; ALTER TABLE legacy_tasks RENAME state TO status; ALTER TABLE legacy_tasks ALTER created_at TYPE timestamp USING NULL");
    assert!(planned(&db, &db, |_| ()).is_ok());
    // Row security hides rows from a role that is not the owner.
    db.sql(&format!("CREATE ROLE r{} LOGIN; GRANT SELECT ON legacy_tasks TO r{}; ALTER TABLE legacy_tasks ENABLE ROW LEVEL SECURITY", std::process::id(), std::process::id()));
    let url = db.url().replace("maos@", &format!("r{}@", std::process::id()));
    let error = block_on(async {
        let mut stores = stores(&db, &db);
        stores.source = maos_migrate::adapters::open_store(&secrecy::SecretString::from(url), false).unwrap();
        schema::plan(&request(), &stores, &Control::silent())
            .await
            .unwrap_err()
    });
    assert!(error.message.contains("row security hides rows"), "{error}");
}

#[test]
fn fault_b43_triggers_are_in_the_plan_and_sequences_are_checked() {
    let folder = tempfile::tempdir().unwrap();
    let db = fresh("pg", folder.path());
    seed(&db, 20);
    let before = planned(&db, &db, |_| ()).unwrap().plan;
    assert_eq!(
        before,
        planned(&db, &db, |_| ()).unwrap().plan,
        "equal worlds, equal plans"
    );
    db.sql("CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'; CREATE TRIGGER watch BEFORE UPDATE ON legacy_tasks FOR EACH ROW EXECUTE FUNCTION f()");
    let after = planned(&db, &db, |_| ()).unwrap().plan;
    assert!(after.basis.iter().any(|fact| fact.contains("watch")) && after.digest != before.digest);
    assert!(run_once(&db, &db).report.verified);
    db.sql("SELECT setval('migration_tracking_id_seq', 1)");
    let (verified, _) = block_on(async {
        let stores = stores(&db, &db);
        let prepared = plan(&request(), &stores).await;
        schema::verify_run(&prepared, &stores, &Control::silent(), &Live::default())
            .await
            .unwrap()
    });
    let line = verified
        .lines
        .iter()
        .find(|line| line.what.starts_with("sequences"))
        .unwrap();
    assert!(
        !line.equal && line.target.contains("migration_tracking_id_seq"),
        "{line:?}"
    );
}

#[test]
fn fault_c47_c49_connections_cut_again_and_again_are_retried_and_never_taken_for_the_end() {
    let folder = tempfile::tempdir().unwrap();
    let source = fresh("pg", folder.path());
    seed(&source, 30_000);
    for target in [fresh("pg", folder.path()), source.clone()] {
        let quiet = fresh("pg", folder.path());
        let name = |db: &Db| match db {
            Db::Postgres { name, .. } => name.clone(),
            Db::Sqlite(_) => String::new(),
        };
        // The server itself looks again and again, up to a second a call: a statement of a few milliseconds is not missed. Cuts are
        // bounded: the attempts of one chunk are limited.
        quiet.sql(&format!(
            "CREATE FUNCTION cut(most int) RETURNS int LANGUAGE plpgsql AS $$ DECLARE cuts int := 0; now int; BEGIN \
             FOR look IN 1..500 LOOP PERFORM pg_stat_clear_snapshot(); \
             SELECT count(pg_terminate_backend(pid)) INTO now FROM pg_stat_activity WHERE datname IN ('{}', '{}') \
             AND application_name LIKE 'maos-migrate%' AND state = 'active' AND query ~ '^(COPY|INSERT INTO .*(tasks|tracking|chunk))'; \
             cuts := cuts + now; EXIT WHEN cuts >= most; PERFORM pg_sleep(CASE WHEN now > 0 THEN 0.05 ELSE 0.002 END); END LOOP; RETURN cuts; END $$",
            name(&source),
            name(&target)
        ));
        let done = std::sync::atomic::AtomicBool::new(false);
        let (applied, cuts) = std::thread::scope(|scope| {
            let cutter = scope.spawn(|| {
                let mut cuts = 0_u64;
                while !done.load(std::sync::atomic::Ordering::SeqCst) && cuts < 5 {
                    let most = 5 - cuts;
                    cuts += quiet
                        .sql(&format!("SELECT cut({most})"))
                        .parse::<u64>()
                        .unwrap_or(0);
                }
                cuts
            });
            let applied =
                std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| run_once(&source, &target)));
            done.store(true, std::sync::atomic::Ordering::SeqCst);
            let cuts = cutter.join().unwrap();
            (
                applied.unwrap_or_else(|panic| std::panic::resume_unwind(panic)),
                cuts,
            )
        });
        assert!(cuts > 0, "no statement was cut");
        assert!(applied.report.verified, "{:#?}", applied.outcome.proof);
        assert_eq!(
            (target.count("tasks"), target.count("migration_tracking")),
            (30_000, 30_000)
        );
    }
}

#[test]
fn fault_c47_connections_cut_while_a_failing_proof_looks_for_the_rows_are_retried() {
    let folder = tempfile::tempdir().unwrap();
    let db = fresh("pg", folder.path());
    seed(&db, 60_000);
    assert!(run_once(&db, &db).report.verified);
    db.sql("UPDATE tasks SET description = 'changed' WHERE (metadata->>'legacy_id') = '30000'");
    let untracked = db.sql("DELETE FROM migration_tracking WHERE legacy_task_id = (SELECT max(legacy_task_id) FROM migration_tracking) RETURNING legacy_task_id");
    let Db::Postgres { name, .. } = &db else {
        unreachable!()
    };
    let quiet = fresh("pg", folder.path());
    // Of the tasks the first reading is the comparison of a chunk, the second its repetition, the third the search for the row.
    quiet.sql(&format!(
        "CREATE FUNCTION cut() RETURNS text LANGUAGE plpgsql AS $$ DECLARE seen timestamptz[] := '{{}}'; tasks int := 0; tracking int := 0; cuts int := 0; one record; BEGIN \
         FOR look IN 1..5000 LOOP PERFORM pg_stat_clear_snapshot(); \
         FOR one IN SELECT pid, query_start, query FROM pg_stat_activity WHERE datname = '{name}' AND application_name LIKE 'maos-migrate%' AND state = 'active' \
         AND (query LIKE 'COPY (SELECT t.%' OR query LIKE 'COPY (SELECT legacy_task_id%') AND query_start <> ALL (seen) LOOP \
         seen := seen || one.query_start; \
         IF one.query LIKE 'COPY (SELECT t.%' THEN tasks := tasks + 1; CONTINUE WHEN tasks NOT IN (1, 3); \
         ELSE tracking := tracking + 1; CONTINUE WHEN tracking NOT IN (1, 3); END IF; \
         IF pg_terminate_backend(one.pid) THEN cuts := cuts + 1; END IF; END LOOP; \
         EXIT WHEN cuts = 4; PERFORM pg_sleep(0.001); END LOOP; RETURN cuts || ' cuts'; END $$"
    ));
    let log = Log::default();
    let (verified, report) = std::thread::scope(|scope| {
        let cutter = scope.spawn(|| quiet.sql("SELECT cut()"));
        let proved = block_on(async {
            let stores = stores(&db, &db);
            let prepared = plan(&request(), &stores).await;
            schema::verify_run(&prepared, &stores, &log.control(), &Live::default())
                .await
                .unwrap()
        });
        assert_eq!(cutter.join().unwrap(), "4 cuts", "{:#?}", log.lines());
        proved
    });
    assert_eq!(
        (report.changed, report.other, verified.differences.total),
        (vec!["30000".to_owned()], vec![untracked], 2),
        "{:#?}",
        verified.lines
    );
}

#[test]
fn fault_c48_a_server_that_restarts_in_the_middle_is_waited_for_and_a_read_only_one_is_refused() {
    let server = Cluster::start("");
    let db = server.database("legacy");
    seed(&db, 20_000);
    let log = Log::default();
    let control = log.control();
    control.set_pace(15_000);
    let applied = std::thread::scope(|scope| {
        let runner = scope.spawn(|| block_on(apply_under(&db, &db, &control)));
        first_chunk(&db);
        server.down("immediate");
        server.up("");
        runner.join().unwrap()
    })
    .unwrap_or_else(|error| panic!("{error:?}"));
    assert!(applied.report.verified, "{:#?}", applied.outcome.proof);
    assert_eq!(
        (db.count("tasks"), db.count("migration_tracking")),
        (20_000, 20_000)
    );
    db.sql("ALTER DATABASE legacy SET default_transaction_read_only = on");
    let prepared = planned(&db, &db, |_| ()).unwrap();
    assert!(
        prepared
            .blocks
            .iter()
            .any(|block| block.sentence.contains("read-only")),
        "{:?}",
        prepared.blocks
    );
    server.down("immediate");
}

#[test]
fn fault_c50_c51_a_lock_held_by_others_is_waited_for() {
    let folder = tempfile::tempdir().unwrap();
    let db = fresh("pg", folder.path());
    seed(&db, 500);
    assert!(run_once(&db, &db).report.verified);
    db.sql("INSERT INTO legacy_tasks SELECT 100000, 'late', 'research', 'pending', 'LOW', now(), NULL");
    let Db::Postgres { folder: host, name } = &db else {
        unreachable!()
    };
    let mut other = std::process::Command::new("psql")
        .args(["-X", "-q", "-U", "maos", "-h"])
        .arg(host)
        .args([
            "-d",
            name,
            "-c",
            "BEGIN; LOCK TABLE tasks IN EXCLUSIVE MODE; SELECT pg_sleep(3); COMMIT",
        ])
        .stdout(std::process::Stdio::null())
        .spawn()
        .unwrap();
    while db.sql("SELECT count(*) FROM pg_locks WHERE relation = 'tasks'::regclass AND mode = 'ExclusiveLock' AND granted") == "0" {
        std::thread::yield_now();
    }
    let done = run_once(&db, &db);
    other.wait().unwrap();
    assert!(done.report.verified);
    assert_eq!((done.report.migrated, done.report.unchanged), (1, 500));
}

#[test]
fn fault_c52_a_full_disk_pauses_and_goes_on_when_there_is_room() {
    if !rustix::process::geteuid().is_root() {
        println!("skipped: mounting a small disk needs root");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let disk = folder.path().join("disk");
    std::fs::create_dir(&disk).unwrap();
    let mount = |options: &str| {
        std::process::Command::new("mount")
            .args(["-t", "tmpfs", "-o", options, "tmpfs"])
            .arg(&disk)
            .output()
            .unwrap()
    };
    let mounted = mount("size=1m");
    if !mounted.status.success() {
        println!(
            "skipped: no small disk can be mounted here: {}",
            String::from_utf8_lossy(&mounted.stderr)
        );
        return;
    }
    let source = fresh("sqlite", folder.path());
    seed(&source, 4_000);
    let target = Db::Sqlite(disk.join("target.db"));
    let log = Log::default();
    let control = log.control();
    control.set_pace(2_000);
    let applied = std::thread::scope(|scope| {
        let runner = scope.spawn(|| block_on(apply_under(&source, &target, &control)));
        while !runner.is_finished()
            && !log
                .lines()
                .iter()
                .any(|line| line.contains("full") || line.contains("(13)"))
        {
            std::thread::yield_now();
        }
        let grown = mount("remount,size=64m");
        assert!(
            grown.status.success(),
            "{}",
            String::from_utf8_lossy(&grown.stderr)
        );
        runner.join().unwrap()
    });
    let lines = log.lines();
    let applied = applied.unwrap_or_else(|error| panic!("{error:?}"));
    assert!(
        lines.iter().any(|line| line.contains("full")),
        "the disk was never full: {lines:?}"
    );
    assert!(applied.report.verified, "{:#?}", applied.outcome.proof);
    assert_eq!(target.count("tasks"), 4_000);
    std::process::Command::new("umount").arg(&disk).status().unwrap();
}

#[test]
fn fault_c58_a_ledger_of_another_source_is_refused_and_named() {
    let folder = tempfile::tempdir().unwrap();
    let (one, two, target) = (
        fresh("sqlite", folder.path()),
        fresh("sqlite", folder.path()),
        fresh("sqlite", folder.path()),
    );
    seed(&one, 10);
    seed(&two, 20);
    assert!(run_once(&one, &target).report.verified);
    let prepared = planned(&two, &target, |_| ()).unwrap();
    assert!(
        prepared.blocks[0].sentence.contains("belongs to another source"),
        "{:?}",
        prepared.blocks
    );
    // With a name of its own it stands beside the first.
    let beside = with(&two, &target, |request| request.label = Some("second".to_owned()));
    assert!(beside.report.verified, "{:#?}", beside.outcome.proof);
    assert_eq!(target.count("tasks"), 30);
    // A newer program's ledger is left alone.
    target.sql("UPDATE migration_run SET format = 99");
    assert!(
        planned(&one, &target, |_| ()).unwrap().blocks[0]
            .sentence
            .contains("newer program")
    );
}

#[test]
fn fault_d65_a_yes_to_one_plan_is_no_yes_to_another() {
    both(|source, target| {
        seed(&source, 10);
        let plan = planned(&source, &target, |_| ()).unwrap().plan;
        let approval = Approval {
            digest: plan.digest.clone(),
            operator: "alice".to_owned(),
            at: jiff::Timestamp::UNIX_EPOCH,
        };
        assert!(approval.check(&plan).is_ok());
        for other in [
            planned(&source, &target, |request| request.running = Some(Running::Claim))
                .unwrap()
                .plan,
            planned(&source, &target, |request| {
                request.label = Some("other".to_owned());
            })
            .unwrap()
            .plan,
        ] {
            assert_eq!(approval.check(&other).unwrap_err().kind, ErrorKind::Blocked);
        }
    });
}

#[test]
fn rows_that_appear_or_change_after_the_copy_are_caught_up() {
    both(|source, target| {
        seed(&source, 300);
        assert!(run_once(&source, &target).report.verified);
        source.sql("INSERT INTO legacy_tasks SELECT 100000, 'late', 'research', 'pending', 'LOW', '2026-01-01 00:00:00', NULL");
        source.sql("INSERT INTO legacy_tasks SELECT 4, 'between', 'research', 'pending', 'LOW', '2026-01-01 00:00:00', NULL");
        source.sql("UPDATE legacy_tasks SET status = 'completed', description = 'ended' WHERE id = 3");
        source.sql("DELETE FROM legacy_tasks WHERE id = 6");
        let done = run_once(&source, &target);
        assert!(
            done.report.verified,
            "{:#?} {:?}",
            done.outcome.proof, done.differences
        );
        assert_eq!((target.count("tasks"), done.report.source_rows), (301, 301));
        assert_eq!(
            target.count("tasks WHERE description = 'ended' AND status = 'COMPLETED'"),
            1
        );
    });
}

#[test]
fn rows_changed_in_the_target_are_never_overwritten_and_never_removed() {
    both(|source, target| {
        seed(&source, 300);
        assert!(run_once(&source, &target).report.verified);
        let id = target.sql("SELECT maos_task_id FROM migration_tracking WHERE legacy_task_id = '30'");
        target.sql(&format!("UPDATE tasks SET status = 'RUNNING' WHERE id = '{id}'"));
        let again = run_once(&source, &target);
        assert!(!again.report.verified);
        assert_eq!(
            again
                .conflicts
                .iter()
                .map(ToString::to_string)
                .collect::<Vec<_>>(),
            ["30"]
        );
        assert_eq!(target.count("tasks WHERE status = 'RUNNING'"), 1);
        block_on(async {
            let stores = stores(&source, &target);
            let prepared = plan(&request(), &stores).await;
            let back = schema::undo_plan(&prepared, &stores, &Control::silent())
                .await
                .unwrap();
            assert_eq!(
                back.changed.iter().map(ToString::to_string).collect::<Vec<_>>(),
                ["30"]
            );
            assert_eq!(back.ready().unwrap_err().kind, ErrorKind::Blocked);
        });
        assert_eq!(target.count("tasks"), 300);
    });
}

#[test]
fn undo_leaves_the_rows_of_others_alone() {
    both(|source, target| {
        seed(&source, 100);
        assert!(run_once(&source, &target).report.verified);
        target.sql("INSERT INTO tasks (id, description, task_type, status, priority, metadata) VALUES ('11111111-1111-4111-8111-111111111111', 'own', 'general', 'QUEUED', 'LOW', '{}')");
        assert!(
            run_once(&source, &target).report.verified,
            "rows of others are no difference"
        );
        block_on(async {
            let stores = stores(&source, &target);
            let prepared = plan(&request(), &stores).await;
            let back = schema::undo_plan(&prepared, &stores, &Control::silent())
                .await
                .unwrap();
            let (_, report) = schema::undo(&prepared, &back, &stores, &Control::silent(), &Live::default())
                .await
                .unwrap();
            assert!(report.verified);
            assert_eq!((report.removed, report.left), (100, 1));
        });
        assert_eq!(target.sql("SELECT description FROM tasks"), "own");
    });
}

#[test]
fn a_plan_writes_nothing_and_needs_no_right_to() {
    let folder = tempfile::tempdir().unwrap();
    let db = fresh("pg", folder.path());
    seed(&db, 100);
    let role = format!("reader{}", std::process::id());
    db.sql(&format!("CREATE ROLE {role} LOGIN; GRANT SELECT ON legacy_tasks TO {role}; ALTER ROLE {role} SET default_transaction_read_only = on"));
    let before = db
        .sql("SELECT relname, relpages FROM pg_class WHERE relnamespace = 'public'::regnamespace ORDER BY 1");
    let url = db.url().replace("maos@", &format!("{role}@"));
    block_on(async {
        let open =
            || maos_migrate::adapters::open_store(&secrecy::SecretString::from(url.clone()), true).unwrap();
        let stores = schema::Stores {
            source: open(),
            target: open(),
        };
        let prepared = schema::plan(&request(), &stores, &Control::silent())
            .await
            .unwrap();
        assert_eq!(prepared.census.migrated, 100);
    });
    assert_eq!(
        db.sql(
            "SELECT relname, relpages FROM pg_class WHERE relnamespace = 'public'::regnamespace ORDER BY 1"
        ),
        before
    );

    let source = fresh("sqlite", folder.path());
    let target = fresh("sqlite", folder.path());
    seed(&source, 10);
    planned(&source, &target, |_| ()).unwrap();
    let Db::Sqlite(path) = &target else { unreachable!() };
    assert!(!path.exists(), "a plan creates no file");
}

#[test]
fn a_pause_stops_writing_and_a_stop_keeps_what_is_committed() {
    let folder = tempfile::tempdir().unwrap();
    let db = fresh("pg", folder.path());
    seed(&db, 10_000);
    let control = Control::silent();
    control.set_pace(500);
    std::thread::scope(|scope| {
        let runner = scope.spawn(|| block_on(apply_under(&db, &db, &control)));
        first_chunk(&db);
        control.pause();
        // Chunks at work end; then nothing moves.
        let mut last = db.count("tasks");
        let mut same = 0;
        while same < 20 {
            let now = db.count("tasks");
            same = if now == last { same + 1 } else { 0 };
            last = now;
        }
        assert!(last < 10_000);
        control.stop();
        let error = runner.join().unwrap().unwrap_err();
        assert_eq!(error.kind, ErrorKind::Interrupted);
        assert_eq!(
            db.count("tasks"),
            db.sql("SELECT sum(rows_out) FROM migration_chunk")
                .parse::<u64>()
                .unwrap()
        );
    });
    let done = run_once(&db, &db);
    assert!(done.report.verified && done.report.unchanged > 0);
}

#[test]
fn waiting_has_an_end() {
    let error = block_on(async {
        tokio::time::timeout(Duration::from_mins(1), async {
            let store = maos_migrate::adapters::open_store(
                &secrecy::SecretString::from("postgres://maos@localhost/x?host=/nowhere".to_owned()),
                false,
            )
            .unwrap();
            store.place().await.unwrap_err()
        })
        .await
        .unwrap()
    });
    assert!(error.to_string().contains("/nowhere"), "{error}");
}
