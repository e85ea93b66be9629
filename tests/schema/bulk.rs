//! What many rows bring with them: keys that are built after them, commits that do not wait for the disk, commits whose answer is lost.

use std::io::{Read as _, Write as _};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use maos_migrate::engine::failpoint::VARIABLE;
use maos_migrate::engine::ports::store::Table;

use crate::child::{command, spawn};
use crate::support::*;

/// From 5,000 rows on, keys are put off; the first chunk has as many.
const MANY: u64 = 6_500;

fn keys(target: &Db) -> String {
    if target.is_postgres() {
        target.sql("SELECT string_agg(indexrelid::regclass::text, ' ' ORDER BY indexrelid::regclass::text) FROM pg_index WHERE indrelid = 'migration_tracking'::regclass")
    } else {
        target.sql("SELECT group_concat(name, ' ') FROM sqlite_master WHERE type = 'index' AND tbl_name = 'migration_tracking'")
    }
}

fn all_keys(target: &Db) -> &'static str {
    if target.is_postgres() {
        "migration_tracking_legacy_key migration_tracking_pkey"
    } else {
        "migration_tracking_legacy_key"
    }
}

/// The ledger as the environment makes it, keys included.
fn prepare(source: &Db, target: &Db) {
    block_on(async {
        stores(source, target)
            .target
            .make_ledger(&Table::parse("tasks"))
            .await
    })
    .expect("the ledger is made");
    assert_eq!(keys(target), all_keys(target));
}

fn dies(source: &Db, target: &Db, point: &str) {
    let status = spawn(command("apply", source, target).env(VARIABLE, point))
        .wait()
        .unwrap();
    assert!(!status.success(), "{point} was not passed");
}

#[test]
fn keys_put_off_for_a_copy_are_there_again_whatever_ended_it() {
    both(|source, target| {
        seed(&source, MANY);
        prepare(&source, &target);
        for point in [
            "schema.after_put_off",
            "schema.after_commit:2",
            "schema.after_copy",
        ] {
            dies(&source, &target, point);
            assert_eq!(
                keys(&target),
                "",
                "{point}: the copy does not fill keys row by row"
            );
        }
        let done = run_once(&source, &target);
        assert!(done.report.verified, "{:#?}", done.outcome.proof);
        assert_eq!(keys(&target), all_keys(&target));
        if target.is_postgres() {
            assert_eq!(
                target.sql(
                    "SELECT seqcache FROM pg_sequence WHERE seqrelid = 'migration_tracking_id_seq'::regclass"
                ),
                "1"
            );
        }
        assert_eq!(
            (target.count("tasks"), target.count("migration_tracking")),
            (MANY, MANY)
        );
        let again = run_once(&source, &target);
        assert_eq!((again.report.migrated, again.report.unchanged), (0, MANY));
    });
}

#[test]
fn a_half_copied_run_is_taken_back_with_its_keys() {
    both(|source, target| {
        seed(&source, MANY);
        dies(&source, &target, "schema.after_commit:2");
        assert_eq!(keys(&target), "");
        assert!(target.count("tasks") > 0);
        let mut child = spawn(&mut command("undo", &source, &target));
        let mut text = String::new();
        child.stdout.take().unwrap().read_to_string(&mut text).unwrap();
        child.wait().unwrap();
        assert!(text.contains("\"verified\":true"), "{text}");
        assert_eq!(
            (target.count("tasks"), target.count("migration_tracking")),
            (0, 0)
        );
        assert_eq!(keys(&target), all_keys(&target));
    });
}

#[test]
fn a_tracking_table_that_others_use_keeps_its_keys() {
    both(|source, target| {
        seed(&source, MANY);
        prepare(&source, &target);
        target.sql("INSERT INTO migration_tracking (legacy_task_id, maos_task_id, status, source) VALUES ('1', 'x', 'migrated', 'another')");
        dies(&source, &target, "schema.after_commit");
        assert_eq!(keys(&target), all_keys(&target));
        assert!(run_once(&source, &target).report.verified);
        assert_eq!(target.count("migration_tracking"), MANY + 1);
    });
}

#[test]
fn a_tracking_table_without_numbers_is_filled_all_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let (source, target) = (fresh("pg", folder.path()), fresh("pg", folder.path()));
    seed(&source, MANY);
    target.sql("CREATE TABLE migration_tracking (legacy_task_id TEXT, maos_task_id TEXT, migration_date TIMESTAMP, status TEXT)");
    let done = run_once(&source, &target);
    assert!(done.report.verified, "{:#?}", done.outcome.proof);
    assert_eq!(keys(&target), "migration_tracking_legacy_key");
    assert_eq!(target.count("migration_tracking"), MANY);
}

#[test]
fn a_tracking_table_of_other_types_is_filled_all_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let (source, target) = (fresh("pg", folder.path()), fresh("pg", folder.path()));
    seed(&source, 300);
    target.sql("CREATE TABLE migration_tracking (id SERIAL PRIMARY KEY, legacy_task_id TEXT, maos_task_id TEXT, migration_date TEXT, status TEXT, performance_comparison JSONB)");
    let done = run_once(&source, &target);
    assert!(done.report.verified, "{:#?}", done.outcome.proof);
    assert_eq!(
        target.sql("SELECT DISTINCT migration_date, status, source FROM migration_tracking"),
        "2026-11-22T10:00:00Z|migrated|legacy_tasks"
    );
    let plain = fresh("pg", folder.path());
    assert!(run_once(&source, &plain).report.verified);
    assert_eq!(
        plain.sql("SELECT DISTINCT migration_date, status, source FROM migration_tracking"),
        "2026-11-22 10:00:00|migrated|legacy_tasks"
    );
}

#[test]
fn fault_c48_what_is_proved_outlives_a_crash_of_the_server() {
    // Nothing reaches the disk by itself within the test, and the server itself does not wait either: only what this program waited for is
    // there after the crash.
    let server = Cluster::start("-c wal_writer_delay=10s -c bgwriter_delay=10s");
    let db = server.database("legacy");
    seed(&db, 6_000);
    let other = server.database("target");
    for target in [&db, &other] {
        assert!(run_once(&db, target).report.verified);
        server.down("immediate");
        server.up("-c wal_writer_delay=10s -c bgwriter_delay=10s");
        assert_eq!(
            (target.count("tasks"), target.count("migration_tracking")),
            (6_000, 6_000)
        );
        assert_eq!(target.sql("SELECT state FROM migration_run"), "proved");
    }
    server.down("immediate");
}

#[test]
fn fault_c50_what_may_pass_is_tried_again_and_what_may_not_ends_the_run() {
    let folder = tempfile::tempdir().unwrap();
    // Serialization failure, deadlock, lock timeout, statement timeout, idle in a transaction, too many connections, shutting down.
    for code in ["40001", "40P01", "55P03", "57014", "25P03", "53300", "57P01"] {
        let db = trapped(folder.path(), code, 2);
        let done = run_once(&db, &db);
        assert!(done.report.verified, "{code}: {:#?}", done.outcome.proof);
        assert_eq!(
            (db.count("tasks"), db.count("migration_tracking")),
            (400, 400),
            "{code}"
        );
        // A sequence is not rolled back: two attempts failed.
        assert_eq!(
            db.sql("SELECT min(tries) >= 3 FROM (SELECT last_value AS tries FROM attempts) a"),
            "t",
            "{code}"
        );
    }
    let db = trapped(folder.path(), "23514", 1);
    let refused = block_on(apply_under(
        &db,
        &db,
        &maos_migrate::engine::operation::Control::silent(),
    ))
    .expect_err("a check that fails is not tried again");
    assert!(refused.message.contains("23514"), "{refused:?}");
    assert_eq!(db.sql("SELECT last_value FROM attempts"), "1");
    assert_eq!(db.count("tasks"), 0);
}

/// A database whose task table raises an error on the first `times` inserts.
fn trapped(folder: &Path, code: &str, times: u32) -> Db {
    let db = fresh("pg", folder);
    seed(&db, 400);
    db.sql("CREATE TABLE tasks (id uuid PRIMARY KEY, description text NOT NULL, task_type varchar(50) NOT NULL, status varchar(50) NOT NULL, priority varchar(50) NOT NULL, created_at timestamptz, metadata jsonb NOT NULL)");
    db.sql("CREATE SEQUENCE attempts");
    db.sql(&format!(
        "CREATE FUNCTION trap() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN IF nextval('attempts') <= {times} THEN RAISE EXCEPTION 'trapped' USING ERRCODE = '{code}'; END IF; RETURN NULL; END $$"
    ));
    db.sql("CREATE TRIGGER trap BEFORE INSERT ON tasks FOR EACH STATEMENT EXECUTE FUNCTION trap()");
    db
}

/// Stands between the program and the server, and cuts connections when the answer to a chunk's COMMIT is on its way.
struct Between {
    cuts: Arc<AtomicUsize>,
}

impl Between {
    fn start(server: &Path, at: &Path, times: usize) -> Self {
        let listener = UnixListener::bind(at.join(".s.PGSQL.5432")).expect("a socket");
        let cuts = Arc::new(AtomicUsize::new(0));
        let (counted, server) = (Arc::clone(&cuts), server.join(".s.PGSQL.5432"));
        std::thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                let Ok(upstream) = UnixStream::connect(&server) else {
                    continue;
                };
                pass(client, upstream, &counted, times);
            }
        });
        Self { cuts }
    }
}

fn pass(client: UnixStream, upstream: UnixStream, cuts: &Arc<AtomicUsize>, times: usize) {
    let doomed = Arc::new(AtomicBool::new(false));
    let (mut from, mut to) = (client.try_clone().unwrap(), upstream.try_clone().unwrap());
    let (marked, counted) = (Arc::clone(&doomed), Arc::clone(cuts));
    std::thread::spawn(move || {
        let mut bytes = vec![0; 65_536];
        let mut chunk = false;
        while let Ok(n @ 1..) = from.read(&mut bytes) {
            let has = |words: &[u8]| bytes[..n].windows(words.len()).any(|window| window == words);
            chunk |= has(b"migration_chunk (source, seq");
            if chunk && has(b"COMMIT") && counted.fetch_add(1, Ordering::SeqCst) < times {
                marked.store(true, Ordering::SeqCst);
            }
            if to.write_all(&bytes[..n]).is_err() {
                break;
            }
        }
        let _ = to.shutdown(std::net::Shutdown::Write);
    });
    std::thread::spawn(move || {
        let (mut from, mut to) = (upstream, client);
        let mut bytes = vec![0; 65_536];
        while let Ok(n @ 1..) = from.read(&mut bytes) {
            if doomed.load(Ordering::SeqCst) {
                // The server has answered, so the transaction is committed; nobody hears of it.
                break;
            }
            if to.write_all(&bytes[..n]).is_err() {
                break;
            }
        }
        let _ = to.shutdown(std::net::Shutdown::Both);
        let _ = from.shutdown(std::net::Shutdown::Both);
    });
}

#[test]
fn fault_c49_a_commit_whose_answer_is_lost_is_looked_up_and_never_repeated() {
    let folder = tempfile::tempdir().unwrap();
    let source = fresh("pg", folder.path());
    seed(&source, 9_000);
    for target in [source.clone(), fresh("pg", folder.path())] {
        let Db::Postgres { folder: host, name } = &target else {
            unreachable!()
        };
        let at = tempfile::tempdir().unwrap();
        let between = Between::start(host, at.path(), 2);
        let through = Db::Postgres {
            folder: at.path().to_owned(),
            name: name.clone(),
        };
        let from = if *name == database(&source) {
            &through
        } else {
            &source
        };
        let done = run_once(from, &through);
        assert!(between.cuts.load(Ordering::SeqCst) >= 2, "no commit was cut");
        assert!(done.report.verified, "{:#?}", done.outcome.proof);
        assert_eq!(
            (target.count("tasks"), target.count("migration_tracking")),
            (9_000, 9_000)
        );
        assert_eq!(
            target.sql("SELECT sum(rows_in), sum(rows_out) FROM migration_chunk"),
            "9000|9000"
        );
    }
}

fn database(db: &Db) -> String {
    match db {
        Db::Postgres { name, .. } => name.clone(),
        Db::Sqlite(path) => path.display().to_string(),
    }
}
