//! The journal: append-only, gapless, its own, never newer than its reader.

use jiff::Timestamp;
use maos_migrate::adapters::journal_sqlite::SqliteJournal;
use maos_migrate::engine::event::{Event, EventKind, Level};
use maos_migrate::engine::ports::Journal as _;
use sqlx::Connection as _;

fn note(seq: u64) -> Event {
    Event {
        seq,
        at: Timestamp::from_second(1_760_000_000).expect("in range"),
        kind: EventKind::Noted {
            level: Level::Ok,
            capability: None,
            text: format!("note {seq}"),
        },
    }
}

async fn sqlite(path: &std::path::Path) -> sqlx::SqliteConnection {
    let options = sqlx::sqlite::SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(true);
    sqlx::SqliteConnection::connect_with(&options)
        .await
        .expect("connects")
}

#[tokio::test]
async fn events_stay_in_order_and_cannot_be_changed() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("journal.db");
    let journal = SqliteJournal::open(&path).await.expect("opens");
    journal.append(&[note(1), note(2)]).await.expect("appends");
    let error = journal.append(&[note(4)]).await.expect_err("a gap is refused");
    assert!(error.message.contains("does not follow 2"), "{error}");
    let error = journal
        .append(&[note(3), note(3)])
        .await
        .expect_err("a double is refused");
    assert!(error.message.contains("does not follow 3"), "{error}");
    assert_eq!(
        journal.read(0, 10).await.expect("reads"),
        [note(1), note(2)],
        "a refused append leaves nothing"
    );

    let mut raw = sqlite(&path).await;
    for statement in [
        "UPDATE event SET body = '{}'",
        "DELETE FROM event",
        "UPDATE fact SET value = 'x'",
    ] {
        let result = sqlx::query(statement).execute(&mut raw).await;
        if statement.contains("event") {
            assert!(
                result
                    .expect_err("append-only")
                    .to_string()
                    .contains("append-only")
            );
        }
    }
}

#[tokio::test]
async fn a_reader_follows_while_a_writer_writes() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("journal.db");
    let writer = SqliteJournal::open(&path).await.expect("opens");
    writer.append(&[note(1)]).await.expect("appends");
    let reader = SqliteJournal::follow(&path).await.expect("follows");
    assert_eq!(reader.read(0, 10).await.expect("reads").len(), 1);
    writer.append(&[note(2)]).await.expect("appends");
    assert_eq!(reader.read(1, 10).await.expect("reads"), [note(2)]);
    assert!(
        reader.append(&[note(3)]).await.is_err(),
        "a follower cannot write"
    );
}

#[tokio::test]
async fn fault_c59_a_newer_journal_is_refused_untouched() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("journal.db");
    SqliteJournal::open(&path).await.expect("opens").close().await;
    let mut raw = sqlite(&path).await;
    sqlx::query("PRAGMA user_version = 9")
        .execute(&mut raw)
        .await
        .expect("sets");
    for result in [
        SqliteJournal::open(&path).await,
        SqliteJournal::follow(&path).await,
    ] {
        let error = result.expect_err("must be refused");
        assert_eq!(error.kind.exit_code(), 5);
        assert!(error.message.contains("format 9"), "{error}");
    }
    let version: i32 = sqlx::query_scalar("PRAGMA user_version")
        .fetch_one(&mut raw)
        .await
        .expect("reads");
    assert_eq!(version, 9, "the refusal changes nothing");
}

#[tokio::test]
async fn another_programs_database_is_no_journal() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("journal.db");
    let mut raw = sqlite(&path).await;
    sqlx::query("CREATE TABLE mine (a)")
        .execute(&mut raw)
        .await
        .expect("creates");
    let error = SqliteJournal::open(&path).await.expect_err("must be refused");
    assert_eq!(error.kind.exit_code(), 3);
    assert!(error.message.contains("not a journal"), "{error}");
}
