//! What stands between the program and its databases: poolers, locks of others, workers that end, sessions that only watch.

use std::io::Read as _;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use maos_migrate::adapters::open_store;
use maos_migrate::engine::failpoint::VARIABLE;
use maos_migrate::engine::operation::Control;
use maos_migrate::engine::schema::{self, Live, Stores};
use secrecy::SecretString;

use crate::child::{command, spawn};
use crate::pooler::Pooler;
use crate::support::*;

fn planned_behind(pooler: &Pooler, name: &str) -> Result<schema::Prepared, maos_migrate::engine::Error> {
    let url = pooler.url(name);
    block_on(async {
        let open = |create| open_store(&SecretString::from(url.clone()), create).unwrap();
        let stores = Stores {
            source: open(false),
            target: open(true),
        };
        schema::plan(&request(), &stores, &Control::silent()).await
    })
}

#[test]
fn fault_c55_a_pooler_in_transaction_mode_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let db = fresh("pg", folder.path());
    seed(&db, 10);
    let Db::Postgres { folder: host, name } = &db else {
        unreachable!()
    };
    for (mode, size, lenient, wanted) in [
        ("transaction", 1, true, "is a pooler in transaction mode"),
        // With several servers behind it every transaction may meet another one.
        ("transaction", 8, true, "is a pooler in transaction mode"),
        ("statement", 8, true, "pool"),
        ("session", 8, false, "this is a pooler"),
    ] {
        let pooler = Pooler::start(host, mode, size, lenient);
        let error = planned_behind(&pooler, name).expect_err(mode);
        assert!(
            error.message.contains(wanted),
            "{mode} {size} {lenient}: {error:?}"
        );
    }
    let pooler = Pooler::start(host, "session", 8, true);
    assert!(
        planned_behind(&pooler, name).is_ok(),
        "a whole session is as good as the server"
    );
    assert!(planned(&db, &db, |_| {}).is_ok(), "the server itself is taken");
    assert_eq!(
        db.sql("SELECT to_regclass('tasks') IS NULL AND to_regclass('migration_run') IS NULL"),
        "t",
        "nothing was written"
    );
}

#[test]
fn fault_c56_a_worker_that_panics_ends_the_run_and_says_which_chunk() {
    for kind in ["pg", "sqlite"] {
        let folder = tempfile::tempdir().unwrap();
        let source = fresh(kind, folder.path());
        let target = if kind == "pg" {
            source.clone()
        } else {
            fresh(kind, folder.path())
        };
        seed(&source, 9_000);
        let began = Instant::now();
        let mut child = spawn(command("apply", &source, &target).env(VARIABLE, "schema.in_chunk:1:panic"));
        let mut text = String::new();
        child.stdout.take().unwrap().read_to_string(&mut text).unwrap();
        child.wait().unwrap();
        assert!(
            text.contains("ERROR")
                && text.contains("the worker of chunk ")
                && text.contains("ended in a panic"),
            "{kind}: {text}"
        );
        assert!(began.elapsed() < Duration::from_mins(1), "it does not hang");
        let whole = target.count("tasks");
        assert_eq!(whole, target.count("migration_tracking"), "no half chunk stays");
        let done = run_once(&source, &target);
        assert!(done.report.verified, "{:#?}", done.outcome.proof);
        assert_eq!(
            done.report.unchanged, whole,
            "what its siblings committed is kept"
        );
    }
}

#[test]
fn fault_c57_a_run_that_stands_still_says_whose_lock_it_waits_for() {
    let folder = tempfile::tempdir().unwrap();
    let db = fresh("pg", folder.path());
    seed(&db, 500);
    assert!(run_once(&db, &db).report.verified);
    db.sql("INSERT INTO legacy_tasks SELECT 100000, 'late', 'research', 'pending', 'LOW', now(), NULL");
    let Db::Postgres { folder: host, name } = &db else {
        unreachable!()
    };
    let mut other = Command::new("psql")
        .args(["-X", "-q", "-U", "maos", "-h"])
        .arg(host)
        .args(["-d", name])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let mut orders = other.stdin.take().unwrap();
    std::io::Write::write_all(&mut orders, b"BEGIN; LOCK TABLE tasks IN EXCLUSIVE MODE;\n").unwrap();
    let holder =
        "SELECT pid FROM pg_locks WHERE relation = 'tasks'::regclass AND mode = 'ExclusiveLock' AND granted";
    let mut pid = db.sql(holder);
    while pid.is_empty() {
        pid = db.sql(holder);
    }
    let (log, live) = (Log::default(), Live::default());
    let said = format!("waits for a lock of pid {pid} (psql, idle in its transaction");
    let shown = block_on(async {
        let mut request = request();
        request.stall_ms = 400;
        let stores = stores(&db, &db);
        let prepared = plan(&request, &stores).await;
        let now = "2026-11-22T10:00:00Z".parse().unwrap();
        let control = log.control();
        let running = schema::apply(&prepared, &stores, now, &control, &live);
        let looking = async {
            let until = Instant::now() + Duration::from_secs(30);
            let mut shown = None;
            while Instant::now() < until {
                let view = live.view();
                if view.waits.as_ref().is_some_and(|why| why.contains(&said)) {
                    shown = Some(view);
                    break;
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            // Whatever was seen, the lock goes.
            drop(orders);
            shown
        };
        let (done, shown) = futures_util::join!(running, looking);
        assert!(done.expect("it goes on when the lock is gone").report.verified);
        shown
    });
    other.wait().unwrap();
    let view = shown.expect("the screen says whose lock it is");
    assert_eq!(view.left_s, None, "no time left is told meanwhile");
    assert!(view.waits.unwrap().starts_with("no progress for "));
    let lines = log.lines();
    assert!(lines.iter().any(|line| line.contains(&said)), "{lines:#?}");
    assert_eq!(live.view().waits, None);
}
