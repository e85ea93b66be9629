//! The journal in `journal.db`: SQLite through sqlx, append-only by trigger, durable at every append.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use sqlx::sqlite::{
    SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous,
};
use sqlx::{Row as _, SqliteConnection};

use crate::engine::error::{Error, Result};
use crate::engine::event::{Event, FORMAT};
use crate::engine::ports::BoxFuture;
use crate::engine::ports::journal::{Journal, Journals};

const SCHEMA: &[&str] = &[
    "CREATE TABLE IF NOT EXISTS event (seq INTEGER PRIMARY KEY, at TEXT NOT NULL, kind TEXT NOT NULL, body TEXT NOT NULL) STRICT",
    "CREATE TABLE IF NOT EXISTS fact (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID",
    "CREATE TRIGGER IF NOT EXISTS event_stays BEFORE UPDATE ON event BEGIN SELECT RAISE(ABORT, 'the journal is append-only'); END",
    "CREATE TRIGGER IF NOT EXISTS event_kept BEFORE DELETE ON event BEGIN SELECT RAISE(ABORT, 'the journal is append-only'); END",
    "CREATE TRIGGER IF NOT EXISTS fact_stays BEFORE UPDATE ON fact BEGIN SELECT RAISE(ABORT, 'the journal is append-only'); END",
];

/// The marker in the file's header, so that another program's database is not taken for a journal: "maoj".
const APPLICATION_ID: i32 = 0x6d61_6f6a;

/// `journal.db` of a workspace.
#[derive(Debug)]
pub struct SqliteJournal {
    pool: SqlitePool,
    path: PathBuf,
}

impl SqliteJournal {
    /// Opens the journal for writing; it is made when missing.
    ///
    /// # Errors
    /// A file that is no journal, one of a newer version of this program, a disk that cannot be written.
    pub async fn open(path: &Path) -> Result<Self> {
        let options = SqliteConnectOptions::new()
            .filename(path)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .busy_timeout(Duration::from_secs(5));
        let journal = Self::connect(path, options).await?;
        let mut connection = journal
            .pool
            .acquire()
            .await
            .map_err(|error| journal.fail("open", &error))?;
        journal.check(&mut connection).await?;
        for statement in SCHEMA {
            sqlx::query(*statement)
                .execute(&mut *connection)
                .await
                .map_err(|error| journal.fail("prepare", &error))?;
        }
        // Numbers, not text from outside: both are constants of this program.
        for pragma in [
            format!("PRAGMA application_id = {APPLICATION_ID}"),
            format!("PRAGMA user_version = {FORMAT}"),
        ] {
            sqlx::query(sqlx::AssertSqlSafe(pragma))
                .execute(&mut *connection)
                .await
                .map_err(|error| journal.fail("prepare", &error))?;
        }
        drop(connection);
        Ok(journal)
    }

    /// Opens an existing journal for following; nothing is written.
    ///
    /// # Errors
    /// No such file, a file that is no journal, or one of a newer version of this program.
    pub async fn follow(path: &Path) -> Result<Self> {
        if !path.exists() {
            return Err(Error::input(format!("no journal at {}", path.display()))
                .hint("Nothing has been done in this workspace yet."));
        }
        let options = SqliteConnectOptions::new()
            .filename(path)
            .read_only(true)
            .busy_timeout(Duration::from_secs(5));
        let journal = Self::connect(path, options).await?;
        let mut connection = journal
            .pool
            .acquire()
            .await
            .map_err(|error| journal.fail("open", &error))?;
        journal.check(&mut connection).await?;
        drop(connection);
        Ok(journal)
    }

    async fn connect(path: &Path, options: SqliteConnectOptions) -> Result<Self> {
        // One connection: there is one writer, and its appends must come in order.
        let pool = SqlitePoolOptions::new()
            .max_connections(1)
            .connect_with(options)
            .await
            .map_err(|error| {
                Error::unavailable(format!("cannot open the journal {}: {error}", path.display())).hint(
                    "If the file is damaged, --restart begins a new journal and keeps this one beside it.",
                )
            })?;
        Ok(Self {
            pool,
            path: path.to_owned(),
        })
    }

    /// Refuses a foreign file and a newer format before anything is changed in it.
    async fn check(&self, connection: &mut SqliteConnection) -> Result<()> {
        let number = |pragma: &'static str| sqlx::query_scalar::<_, i32>(pragma);
        let tables: i64 = sqlx::query_scalar("SELECT count(*) FROM sqlite_schema")
            .fetch_one(&mut *connection)
            .await
            .map_err(|error| self.fail("read", &error))?;
        let id = number("PRAGMA application_id")
            .fetch_one(&mut *connection)
            .await
            .map_err(|error| self.fail("read", &error))?;
        let version = number("PRAGMA user_version")
            .fetch_one(&mut *connection)
            .await
            .map_err(|error| self.fail("read", &error))?;
        if tables > 0 && id != APPLICATION_ID {
            return Err(Error::input(format!(
                "{} is a database, but not a journal",
                self.path.display()
            ))
            .hint("Move it away, or use another workspace."));
        }
        if version > i32::from(FORMAT) {
            return Err(Error::blocked(format!(
                "the journal has format {version}; this version of maos-migrate knows up to {FORMAT}"
            ))
            .hint("Use the newer maos-migrate that wrote it."));
        }
        Ok(())
    }

    fn fail(&self, act: &str, error: &sqlx::Error) -> Error {
        Error::unavailable(format!(
            "cannot {act} the journal {}: {error}",
            self.path.display()
        ))
        .hint("See that the disk has space and the workspace can be written.")
    }
}

fn row_to_event(seq: i64, body: &str) -> Result<Event> {
    serde_json::from_str(body).map_err(|error| {
        Error::input(format!("event {seq} of the journal cannot be read: {error}"))
            .hint("The journal is damaged or from another version; restore it, or use another workspace.")
    })
}

impl Journal for SqliteJournal {
    fn append<'a>(&'a self, events: &'a [Event]) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move {
            let fail = |error: sqlx::Error| self.fail("write", &error);
            let mut transaction = self.pool.begin_with("BEGIN IMMEDIATE").await.map_err(fail)?;
            let last: i64 = sqlx::query_scalar("SELECT coalesce(max(seq), 0) FROM event")
                .fetch_one(&mut *transaction)
                .await
                .map_err(fail)?;
            for (expected, event) in (last + 1..).zip(events) {
                let seq = i64::try_from(event.seq).map_err(|error| Error::bug(error.to_string()))?;
                if seq != expected {
                    return Err(Error::bug(format!(
                        "event {seq} does not follow {}",
                        expected - 1
                    )));
                }
                let value = serde_json::to_value(event).map_err(|error| Error::bug(error.to_string()))?;
                let kind = value
                    .get("kind")
                    .and_then(|kind| kind.as_str())
                    .unwrap_or_default()
                    .to_owned();
                sqlx::query("INSERT INTO event (seq, at, kind, body) VALUES ($1, $2, $3, $4)")
                    .bind(seq)
                    .bind(event.at.to_string())
                    .bind(kind)
                    .bind(value.to_string())
                    .execute(&mut *transaction)
                    .await
                    .map_err(fail)?;
            }
            transaction.commit().await.map_err(fail)
        })
    }

    fn read(&self, after: u64, limit: u32) -> BoxFuture<'_, Result<Vec<Event>>> {
        Box::pin(async move {
            let after = i64::try_from(after).map_err(|error| Error::bug(error.to_string()))?;
            let rows = sqlx::query("SELECT seq, body FROM event WHERE seq > $1 ORDER BY seq LIMIT $2")
                .bind(after)
                .bind(i64::from(limit))
                .fetch_all(&self.pool)
                .await
                .map_err(|error| self.fail("read", &error))?;
            rows.iter()
                .map(|row| row_to_event(row.get(0), row.get(1)))
                .collect()
        })
    }

    fn fact<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<Option<String>>> {
        Box::pin(async move {
            sqlx::query_scalar("SELECT value FROM fact WHERE key = $1")
                .bind(key)
                .fetch_optional(&self.pool)
                .await
                .map_err(|error| self.fail("read", &error))
        })
    }

    fn set_fact<'a>(&'a self, key: &'a str, value: &'a str) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move {
            sqlx::query("INSERT INTO fact (key, value) VALUES ($1, $2)")
                .bind(key)
                .bind(value)
                .execute(&self.pool)
                .await
                .map(|_| ())
                .map_err(|error| self.fail("write", &error))
        })
    }

    fn close(&self) -> BoxFuture<'_, ()> {
        Box::pin(self.pool.close())
    }
}

/// Opens [`SqliteJournal`]s.
#[derive(Debug, Clone, Copy, Default)]
pub struct SqliteJournals;

impl Journals for SqliteJournals {
    fn open<'a>(&'a self, path: &'a Path) -> BoxFuture<'a, Result<Arc<dyn Journal>>> {
        Box::pin(async move { Ok(Arc::new(SqliteJournal::open(path).await?) as Arc<dyn Journal>) })
    }

    fn follow<'a>(&'a self, path: &'a Path) -> BoxFuture<'a, Result<Arc<dyn Journal>>> {
        Box::pin(async move { Ok(Arc::new(SqliteJournal::follow(path).await?) as Arc<dyn Journal>) })
    }
}
