//! Rows between two PostgreSQL databases are read once: what the proof wants is found while they pass, and counts only while the source
//! still holds the very versions that passed. And the task table that a run makes gets its key after its rows.

use std::sync::atomic::{AtomicBool, Ordering};

use maos_migrate::engine::failpoint::VARIABLE;
use maos_migrate::engine::operation::{Control, Notice};
use maos_migrate::engine::ports::store::{Key, Moment, Part, Pick, Piece, Range};

use crate::child::{command, spawn};
use crate::support::*;

/// So many that keys are put off and there are several chunks.
const ROWS: u64 = 6_500;

fn two() -> (tempfile::TempDir, Db, Db) {
    let folder = tempfile::tempdir().unwrap();
    let (source, target) = (fresh("pg", folder.path()), fresh("pg", folder.path()));
    (folder, source, target)
}

/// Copies, and lets the world outside do something as soon as the first chunk is committed.
fn disturbed(
    source: &Db,
    target: &Db,
    doing: impl Fn() + Send + Sync + 'static,
) -> maos_migrate::engine::schema::Applied {
    let once = AtomicBool::new(false);
    let control = Control::new(move |notice| {
        if matches!(notice, Notice::Statement { .. }) && !once.swap(true, Ordering::SeqCst) {
            doing();
        }
    });
    block_on(apply_under(source, target, &control)).expect("the run ends")
}

#[test]
fn a_row_written_after_it_was_copied_is_caught_up() {
    for (change, rows) in [
        (
            "UPDATE legacy_tasks SET description = 'changed', metadata = '{\"new\": 1}' WHERE id = 30",
            ROWS,
        ),
        ("DELETE FROM legacy_tasks WHERE id = 30", ROWS - 1),
        // As many as before, and not the same.
        (
            "DELETE FROM legacy_tasks WHERE id = 30; INSERT INTO legacy_tasks SELECT 31, 'new', 'research', 'pending', 'LOW', '2026-01-01', NULL",
            ROWS,
        ),
        ("UPDATE legacy_tasks SET status = 'odd' WHERE id = 30", ROWS),
        ("UPDATE legacy_tasks SET id = 31 WHERE id = 30", ROWS),
    ] {
        let (_folder, source, target) = two();
        seed(&source, ROWS);
        let other = source.clone();
        let done = disturbed(&source, &target, move || {
            other.sql(change);
        });
        assert!(done.report.verified, "{change}: {:#?}", done.outcome.proof);
        assert_eq!(done.report.source_rows, rows, "{change}");
        let (_other, second) = (
            tempfile::tempdir().unwrap(),
            fresh("pg", std::path::Path::new("/")),
        );
        assert!(run_once(&source, &second).report.verified);
        assert_eq!(
            state(&target),
            state(&second),
            "{change}: as if it had always been so"
        );
    }
}

#[test]
fn versions_tell_what_was_written_since() {
    let (_folder, source, target) = two();
    seed(&source, 100);
    block_on(async {
        let stores = stores(&source, &target);
        let prepared = plan(&request(), &stores).await;
        let recipe = &prepared.recipe;
        let pick = Pick::Range(Range {
            after: Some(Key::Integer(30)),
            upto: Some(Key::Integer(90)),
        });
        let seen = std::sync::Mutex::new(Vec::new());
        let see = |row: maos_migrate::engine::ports::store::KeyedRow<'_>| seen.lock().unwrap().push(row.key);
        let (out, mut pieces) = tokio::sync::mpsc::channel(64);
        stores
            .source
            .export(recipe, &pick, Part::Binary, out, Some(&see))
            .await
            .unwrap();
        let mut since: Option<Moment> = None;
        while let Some(piece) = pieces.recv().await {
            if let Piece::Witnessed(moment) = piece {
                since = Some(moment);
            }
        }
        let since = since.expect("a plain table has moments");
        assert_eq!(seen.lock().unwrap().len(), 20);
        let Pick::Range(range) = &pick else { unreachable!() };
        let now = async || stores.source.unwritten(recipe, range, since).await.unwrap();
        assert_eq!(now().await, Some(20));
        // What others do elsewhere, and what leaves versions as they are, is no change.
        source.sql("UPDATE legacy_tasks SET status = 'failed' WHERE id = 30");
        source.sql("VACUUM (FULL, FREEZE) legacy_tasks");
        assert_eq!(now().await, Some(20));
        source.sql("BEGIN; UPDATE legacy_tasks SET status = 'failed' WHERE id = 60; ROLLBACK");
        assert_eq!(now().await, Some(20));
        source.sql("DELETE FROM legacy_tasks WHERE id = 60");
        assert_eq!(now().await, Some(19));
        source.sql("INSERT INTO legacy_tasks (id, description) VALUES (60, 'back')");
        assert_eq!(now().await, None);
        let other = Moment {
            server: since.server + 1,
            ..since
        };
        source.sql("DELETE FROM legacy_tasks WHERE id = 60");
        assert_eq!(now().await, Some(19));
        assert_eq!(
            stores.source.unwritten(recipe, range, other).await.unwrap(),
            None,
            "another server counts otherwise"
        );
    });
}

#[test]
fn a_transaction_that_was_open_when_rows_were_read_is_seen() {
    let (_folder, source, target) = two();
    seed(&source, ROWS);
    // The row is written before the run begins, and committed while it copies.
    let pid = open_transaction(
        &source,
        "UPDATE legacy_tasks SET description = 'late' WHERE id = 30",
    );
    let done = disturbed(&source, &target, move || pid.commit());
    assert!(done.report.verified, "{:#?}", done.outcome.proof);
    assert_eq!(target.count("tasks WHERE description = 'late'"), 1);
}

struct Open(std::sync::Mutex<Option<(std::process::Child, std::process::ChildStdin)>>);

impl Open {
    fn commit(&self) {
        use std::io::Write as _;
        if let Some((mut child, mut stdin)) = self.0.lock().unwrap().take() {
            stdin.write_all(b"COMMIT;\n").unwrap();
            drop(stdin);
            assert!(child.wait().unwrap().success());
        }
    }
}

fn open_transaction(db: &Db, sql: &str) -> Open {
    use std::io::{BufRead as _, Write as _};
    let mut child = std::process::Command::new(format!("{BIN}/psql"))
        .args(["-X", "-q", "-A", "-t", &db.url()])
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    writeln!(stdin, "BEGIN; {sql}; SELECT 'open';").unwrap();
    let mut line = String::new();
    std::io::BufReader::new(child.stdout.take().unwrap())
        .read_line(&mut line)
        .unwrap();
    assert_eq!(line.trim(), "open");
    Open(std::sync::Mutex::new(Some((child, stdin))))
}

fn task_key(target: &Db) -> String {
    target.sql(
        "SELECT coalesce((SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conrelid = 'tasks'::regclass AND contype = 'p'), '') || coalesce(' ' || obj_description('tasks'::regclass, 'pg_class'), '')",
    )
}

#[test]
fn the_key_of_a_task_table_of_ones_own_comes_after_the_rows_whatever_ends_the_run() {
    let (_folder, source, target) = two();
    seed(&source, ROWS);
    for point in [
        "schema.after_put_off",
        "schema.after_commit:2",
        "schema.after_copy",
    ] {
        let status = spawn(command("apply", &source, &target).env(VARIABLE, point))
            .wait()
            .unwrap();
        assert!(!status.success(), "{point} was not passed");
        assert!(
            task_key(&target).contains("maos-migrate is copying"),
            "{point}: {}",
            task_key(&target)
        );
    }
    let done = run_once(&source, &target);
    assert!(done.report.verified, "{:#?}", done.outcome.proof);
    assert_eq!(task_key(&target), "PRIMARY KEY (id)");
    assert_eq!(
        (target.count("tasks"), target.count("migration_tracking")),
        (ROWS, ROWS)
    );
}

#[test]
fn a_task_table_that_was_there_keeps_its_key() {
    let (_folder, source, target) = two();
    seed(&source, ROWS);
    target.sql("CREATE TABLE tasks (id uuid PRIMARY KEY, description text NOT NULL, task_type varchar(50) NOT NULL, status varchar(50) NOT NULL, priority varchar(50) NOT NULL, created_at timestamptz, metadata jsonb NOT NULL)");
    let status = spawn(command("apply", &source, &target).env(VARIABLE, "schema.after_commit"))
        .wait()
        .unwrap();
    assert!(!status.success());
    assert_eq!(task_key(&target), "PRIMARY KEY (id)");
    assert!(run_once(&source, &target).report.verified);
}

#[test]
fn a_half_copied_run_is_taken_back_with_the_key_of_its_tasks() {
    let (_folder, source, target) = two();
    seed(&source, ROWS);
    spawn(command("apply", &source, &target).env(VARIABLE, "schema.after_commit:2"))
        .wait()
        .unwrap();
    assert!(task_key(&target).contains("maos-migrate is copying"));
    let done = spawn(&mut command("undo", &source, &target))
        .wait_with_output()
        .unwrap();
    let text = String::from_utf8_lossy(&done.stdout).into_owned();
    assert!(text.contains("\"verified\":true"), "{text}");
    assert_eq!(
        (target.count("tasks"), task_key(&target).as_str()),
        (0, "PRIMARY KEY (id)")
    );
}

#[test]
fn what_others_do_to_the_target_meanwhile_is_seen() {
    for (change, theirs) in [
        (
            "UPDATE tasks SET status = 'FAILED', task_type = 'x' WHERE metadata->>'legacy_id' = '30'",
            0,
        ),
        ("DELETE FROM tasks WHERE metadata->>'legacy_id' = '30'", 0),
        (
            "UPDATE migration_tracking SET maos_task_id = 'x' WHERE legacy_task_id = '30'",
            0,
        ),
        (
            "INSERT INTO tasks VALUES ('01234567-89ab-4def-8123-456789abcdef', 'mine', 'x', 'QUEUED', 'LOW', NULL, '{}')",
            1,
        ),
    ] {
        let (_folder, source, target) = two();
        seed(&source, ROWS);
        let other = target.clone();
        let done = disturbed(&source, &target, move || {
            other.sql(change);
        });
        assert!(done.report.verified, "{change}: {:#?}", done.outcome.proof);
        assert_eq!(target.count("tasks"), ROWS + theirs, "{change}");
        target.sql("DELETE FROM tasks WHERE description = 'mine'");
        let second = fresh("pg", std::path::Path::new("/"));
        assert!(run_once(&source, &second).report.verified);
        assert_eq!(
            state(&target),
            state(&second),
            "{change}: as if nobody had been there"
        );
    }
}

#[test]
fn a_stream_that_nobody_reads_on_leaves_no_answers_for_others() {
    let (_folder, source, target) = two();
    seed(&source, 30_000);
    block_on(async {
        let stores = stores(&source, &target);
        let prepared = plan(&request(), &stores).await;
        let recipe = &prepared.recipe;
        let to = |key: i64| {
            Pick::Range(Range {
                after: None,
                upto: Some(Key::Integer(key)),
            })
        };
        for part in [Part::Binary, Part::Tasks].into_iter().cycle().take(8) {
            // The reader goes away after the first piece, as it does when the other side's connection is cut.
            let (out, mut pieces) = tokio::sync::mpsc::channel(1);
            let (whole, witness) = (to(90_000), None);
            let left = stores.source.export(recipe, &whole, part, out, witness);
            let (left, _) = futures_util::join!(left, async move { pieces.recv().await.map(drop) });
            assert!(left.is_err());
            // And here the whole work is dropped, as when it is stopped.
            let (out, mut pieces) = tokio::sync::mpsc::channel(1);
            tokio::select! {
                left = stores.source.export(recipe, &whole, part, out, witness) => panic!("{left:?}"),
                piece = pieces.recv() => assert!(piece.is_some()),
            }
            for rows in 1..5 {
                let (few, all) = (to(rows * 3), to(90_000));
                let found = futures_util::join!(
                    stores.source.count(recipe, &few),
                    stores.source.count(recipe, &all),
                    stores.source.count(recipe, &few)
                );
                let wanted = u64::try_from(rows).unwrap();
                assert_eq!(
                    (found.0.unwrap(), found.1.unwrap(), found.2.unwrap()),
                    (wanted, 30_000, wanted)
                );
            }
        }
    });
}
