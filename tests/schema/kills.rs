//! Processes that die, stand still, or meet each other.

use std::io::Read as _;
use std::process::Child;
use std::time::{Duration, Instant};

use maos_migrate::engine::failpoint::VARIABLE;

use crate::child::{command, spawn};
use crate::rounds::rounds;
use crate::support::*;

const POINTS: [&str; 11] = [
    "schema.after_prepare",
    "schema.after_lease",
    "schema.between",
    "schema.in_chunk",
    "schema.before_commit",
    "schema.after_commit",
    "schema.after_commit:2",
    "schema.after_copy",
    "schema.before_proved",
    "schema.after_proved",
    "schema.before_commit:2",
];

fn output(mut child: Child) -> String {
    let mut text = String::new();
    child.stdout.take().unwrap().read_to_string(&mut text).unwrap();
    child.wait().unwrap();
    text
}

fn reference(kind: &str, folder: &std::path::Path, rows: u64) -> String {
    let source = fresh(kind, folder);
    let target = if kind == "pg" {
        source.clone()
    } else {
        fresh(kind, folder)
    };
    seed(&source, rows);
    source.sql("UPDATE legacy_tasks SET status = 'odd' WHERE id IN (30, 300, 3000)");
    assert!(run_once(&source, &target).report.verified);
    state(&target)
}

fn dies_everywhere(kind: &str) {
    let folder = tempfile::tempdir().unwrap();
    let rows = 6_500;
    let wanted = reference(kind, folder.path(), rows);
    for point in POINTS {
        let source = fresh(kind, folder.path());
        let target = if kind == "pg" {
            source.clone()
        } else {
            fresh(kind, folder.path())
        };
        seed(&source, rows);
        source.sql("UPDATE legacy_tasks SET status = 'odd' WHERE id IN (30, 300, 3000)");
        let mut child = spawn(command("apply", &source, &target).env(VARIABLE, point));
        let status = child.wait().unwrap();
        assert!(!status.success(), "{point} was not passed");
        // The dead holder's lease is taken at once, and one chunk a worker is repeated at most.
        let done = run_once(&source, &target);
        assert!(done.report.verified, "{point}: {:#?}", done.outcome.proof);
        assert_eq!(state(&target), wanted, "{point}");
    }
}

#[test]
fn fault_c45_kill_at_every_named_point_on_postgres() {
    dies_everywhere("pg");
}

#[test]
fn fault_c45_kill_at_every_named_point_on_sqlite() {
    dies_everywhere("sqlite");
}

#[test]
fn fault_c45_kill_at_random_moments() {
    for kind in ["pg", "sqlite"] {
        let folder = tempfile::tempdir().unwrap();
        let rows = 9_000;
        let wanted = reference(kind, folder.path(), rows);
        let source = fresh(kind, folder.path());
        let target = if kind == "pg" {
            source.clone()
        } else {
            fresh(kind, folder.path())
        };
        seed(&source, rows);
        source.sql("UPDATE legacy_tasks SET status = 'odd' WHERE id IN (30, 300, 3000)");
        let mut delay = u64::from(std::process::id()) % 97;
        for _ in 0..rounds(4) {
            let mut child = spawn(command("apply", &source, &target).env("SCHEMA_CHILD_PACE", "20000"));
            // Pseudo-random moments, another set in each process.
            delay = (delay * 131 + 71) % 900;
            let until = Instant::now() + Duration::from_millis(100 + delay);
            while Instant::now() < until && child.try_wait().unwrap().is_none() {
                std::thread::yield_now();
            }
            child.kill().unwrap();
            child.wait().unwrap();
        }
        let done = run_once(&source, &target);
        assert!(done.report.verified, "{:#?}", done.outcome.proof);
        assert_eq!(state(&target), wanted);
    }
}

/// A child that copies slowly and has committed its first chunk.
#[expect(clippy::zombie_processes, reason = "the caller waits")]
fn slow(source: &Db, target: &Db, ttl: &str) -> Child {
    let child = spawn(
        command("apply", source, target)
            .env("SCHEMA_CHILD_PACE", "300")
            .env("SCHEMA_CHILD_TTL", ttl)
            .env("SCHEMA_CHILD_HOLDER", "alice on ops-2, pid 4711"),
    );
    let there = if target.is_postgres() {
        "SELECT to_regclass('migration_chunk') IS NOT NULL"
    } else {
        "SELECT count(*) = 1 FROM sqlite_master WHERE name = 'migration_chunk'"
    };
    loop {
        if ["t", "1"].contains(&target.sql(there).as_str()) && target.count("migration_chunk") > 0 {
            return child;
        }
        std::thread::yield_now();
    }
}

#[test]
fn fault_d61_d63_of_two_operators_one_runs_and_the_other_is_told_who() {
    both(|source, target| {
        seed(&source, 9_000);
        let mut first = slow(&source, &target, "30");
        let second = output(spawn(&mut command("apply", &source, &target)));
        assert!(
            second.contains("ERROR Blocked") && second.contains("alice on ops-2, pid 4711"),
            "{second}"
        );
        assert!(first.try_wait().unwrap().is_none(), "the first goes on");
        // By force, with a reason: the first is fenced and writes nothing any more.
        let done = with(&source, &target, |request| {
            request.force = Some("alice is away".to_owned());
        });
        assert!(done.report.verified, "{:#?}", done.outcome.proof);
        let told = output(first);
        assert!(told.contains("ERROR"), "{told}");
        assert_eq!(
            (target.count("tasks"), target.count("migration_tracking")),
            (9_000, 9_000)
        );
        let note = target.sql("SELECT note FROM migration_lease");
        assert!(note.contains("alice is away") && note.contains("ops-2"), "{note}");
    });
}

#[test]
fn fault_d62_d64_a_process_that_stood_still_is_fenced_when_it_wakes() {
    both(|source, target| {
        seed(&source, 9_000);
        let first = slow(&source, &target, "2");
        let pid = rustix::process::Pid::from_raw(i32::try_from(first.id()).unwrap()).unwrap();
        rustix::process::kill_process(pid, rustix::process::Signal::STOP).unwrap();
        // Its session is there, so only silence on the database's clock frees the lease.
        let began = Instant::now();
        let done = loop {
            let tried = block_on(async {
                let stores = stores(&source, &target);
                let mut request = request();
                request.lease_ttl_s = 2;
                let prepared = plan(&request, &stores).await;
                maos_migrate::engine::schema::apply(
                    &prepared,
                    &stores,
                    jiff::Timestamp::MAX,
                    &maos_migrate::engine::operation::Control::silent(),
                    &maos_migrate::engine::schema::Live::default(),
                )
                .await
            });
            match tried {
                Ok(done) => break done,
                Err(error) => assert!(began.elapsed() < Duration::from_mins(1), "{error:?}"),
            }
        };
        assert!(done.report.verified, "{:#?}", done.outcome.proof);
        let before = state(&target);
        rustix::process::kill_process(pid, rustix::process::Signal::CONT).unwrap();
        let told = output(first);
        assert!(told.contains("ERROR"), "{told}");
        assert_eq!(state(&target), before, "nothing was written after the takeover");
    });
}
