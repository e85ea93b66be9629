//! The state of a rehearsal MAOS: one SQLite database, shared by every process that speaks to it.

use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::Value;
use sqlx::sqlite::{
    SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous,
};
use sqlx::{Row as _, Sqlite, Transaction};

use super::knobs::Knobs;
use crate::engine::ports::maos::{MaosError, Submission};

/// What the methods here give.
pub(super) type Held<T> = Result<T, MaosError>;

const SCHEMA: &[&str] = &[
    "CREATE TABLE IF NOT EXISTS meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID",
    "CREATE TABLE IF NOT EXISTS knob (name TEXT PRIMARY KEY, settled TEXT, live TEXT) STRICT, WITHOUT ROWID",
    "CREATE TABLE IF NOT EXISTS task (
        seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT UNIQUE, description TEXT NOT NULL, kind TEXT, priority TEXT,
        max_agents INTEGER, timeout_ms INTEGER, reference TEXT NOT NULL DEFAULT '', depends TEXT NOT NULL DEFAULT '[]',
        status TEXT NOT NULL, cancelled INTEGER NOT NULL DEFAULT 0,
        submitted_ms INTEGER NOT NULL, started_ms INTEGER, ended_ms INTEGER,
        elapsed_s REAL, agents_used INTEGER, efficiency REAL, result TEXT, error TEXT) STRICT",
    "CREATE INDEX IF NOT EXISTS task_open ON task (status, seq)",
    "CREATE INDEX IF NOT EXISTS task_reference ON task (reference)",
    "CREATE INDEX IF NOT EXISTS task_cancelled ON task (cancelled) WHERE cancelled = 1",
    "CREATE TABLE IF NOT EXISTS part (
        task INTEGER NOT NULL, n INTEGER NOT NULL, description TEXT NOT NULL, kind TEXT NOT NULL, depends TEXT NOT NULL,
        status TEXT NOT NULL, agent INTEGER, ms REAL, result TEXT, error TEXT, PRIMARY KEY (task, n)) STRICT, WITHOUT ROWID",
    "CREATE TABLE IF NOT EXISTS checkpoint (
        seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT UNIQUE, description TEXT NOT NULL, created_ms INTEGER NOT NULL,
        state TEXT NOT NULL) STRICT",
    "CREATE TABLE IF NOT EXISTS shared (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID",
];

/// Marks the file as a rehearsal's: "maor".
const APPLICATION_ID: i32 = 0x6d61_6f72;

/// The name of the database in the rehearsal's folder.
pub(super) const FILE: &str = "maos.db";

/// Milliseconds since 1970.
pub(super) fn now_ms() -> i64 {
    jiff::Timestamp::now().as_millisecond()
}

/// An error of the database in words.
#[expect(clippy::needless_pass_by_value, reason = "the shape that map_err wants")]
pub(super) fn fail(error: sqlx::Error) -> MaosError {
    MaosError::Machine(format!("the rehearsal's state: {error}"))
}

/// One task, as it is held.
#[derive(Debug, Clone)]
pub(super) struct TaskRow {
    pub(super) seq: i64,
    pub(super) id: String,
    pub(super) description: String,
    pub(super) kind: Option<String>,
    pub(super) priority: Option<String>,
    pub(super) max_agents: Option<i64>,
    pub(super) timeout_ms: Option<i64>,
    pub(super) reference: String,
    pub(super) depends: Vec<String>,
    pub(super) status: String,
    pub(super) submitted_ms: i64,
    pub(super) started_ms: Option<i64>,
    pub(super) ended_ms: Option<i64>,
    pub(super) elapsed_s: Option<f64>,
    pub(super) agents_used: Option<i64>,
    pub(super) efficiency: Option<f64>,
    pub(super) result: Option<String>,
    pub(super) error: Option<String>,
}

/// The columns of a [`TaskRow`].
pub(super) const TASK: &str = "seq, id, description, kind, priority, max_agents, timeout_ms, reference, depends, status, \
     submitted_ms, started_ms, ended_ms, elapsed_s, agents_used, efficiency, result, error";

impl TaskRow {
    pub(super) fn of(row: &sqlx::sqlite::SqliteRow) -> Self {
        Self {
            seq: row.get(0),
            id: row.get(1),
            description: row.get(2),
            kind: row.get(3),
            priority: row.get(4),
            max_agents: row.get(5),
            timeout_ms: row.get(6),
            reference: row.get(7),
            depends: serde_json::from_str(row.get(8)).unwrap_or_default(),
            status: row.get(9),
            submitted_ms: row.get(10),
            started_ms: row.get(11),
            ended_ms: row.get(12),
            elapsed_s: row.get(13),
            agents_used: row.get(14),
            efficiency: row.get(15),
            result: row.get(16),
            error: row.get(17),
        }
    }
}

/// One part of a task, as it is held.
#[derive(Debug, Clone)]
pub(super) struct PartRow {
    pub(super) n: i64,
    pub(super) description: String,
    pub(super) kind: String,
    pub(super) depends: Vec<i64>,
    pub(super) status: String,
    pub(super) agent: Option<i64>,
    pub(super) ms: Option<f64>,
    pub(super) error: Option<String>,
}

/// The database.
#[derive(Debug)]
pub(super) struct State {
    pub(super) pool: SqlitePool,
    pub(super) folder: PathBuf,
}

impl State {
    /// Opens the state in `folder`, making both when they do not exist.
    pub(super) async fn open(folder: &Path) -> Held<Self> {
        std::fs::create_dir_all(folder)
            .map_err(|error| MaosError::Machine(format!("cannot make {}: {error}", folder.display())))?;
        // One folder has one name, so that its executor is recognised.
        let folder = &std::fs::canonicalize(folder)
            .map_err(|error| MaosError::Machine(format!("cannot read {}: {error}", folder.display())))?;
        let path = folder.join(FILE);
        let options = SqliteConnectOptions::new()
            .filename(&path)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            // A killed process loses nothing so; a rehearsal need not outlive the machine's power.
            .synchronous(SqliteSynchronous::Normal)
            .busy_timeout(Duration::from_secs(20));
        let pool = SqlitePoolOptions::new()
            .max_connections(4)
            .min_connections(0)
            .connect_with(options)
            .await
            .map_err(fail)?;
        let state = Self {
            pool,
            folder: folder.to_owned(),
        };
        state.prepare(&path).await?;
        Ok(state)
    }

    async fn prepare(&self, path: &Path) -> Held<()> {
        let id: i32 = sqlx::query_scalar("PRAGMA application_id")
            .fetch_one(&self.pool)
            .await
            .map_err(fail)?;
        if id == APPLICATION_ID {
            return Ok(());
        }
        let tables: i64 = sqlx::query_scalar("SELECT count(*) FROM sqlite_schema WHERE name NOT IN ('meta')")
            .fetch_one(&self.pool)
            .await
            .map_err(fail)?;
        if tables > 0 && id != 0 {
            return Err(MaosError::Refused(
                "to open",
                format!("{} is another program's database", path.display()),
            ));
        }
        let mut transaction = self.begin().await?;
        for statement in SCHEMA {
            sqlx::query(*statement)
                .execute(&mut *transaction)
                .await
                .map_err(fail)?;
        }
        // A constant of this program, not text from outside.
        sqlx::query(sqlx::AssertSqlSafe(format!(
            "PRAGMA application_id = {APPLICATION_ID}"
        )))
        .execute(&mut *transaction)
        .await
        .map_err(fail)?;
        transaction.commit().await.map_err(fail)
    }

    /// A transaction that may write from its beginning.
    pub(super) async fn begin(&self) -> Held<Transaction<'static, Sqlite>> {
        self.pool.begin_with("BEGIN IMMEDIATE").await.map_err(fail)
    }

    /// A fact.
    pub(super) async fn meta(&self, key: &str) -> Held<Option<String>> {
        sqlx::query_scalar("SELECT value FROM meta WHERE key = $1")
            .bind(key)
            .fetch_optional(&self.pool)
            .await
            .map_err(fail)
    }

    /// Sets a fact.
    pub(super) async fn set_meta(&self, key: &str, value: &str) -> Held<()> {
        sqlx::query("INSERT INTO meta (key, value) VALUES ($1, $2) ON CONFLICT (key) DO UPDATE SET value = excluded.value")
            .bind(key)
            .bind(value)
            .execute(&self.pool)
            .await
            .map(|_| ())
            .map_err(fail)
    }

    /// Counts a fact up and gives the new number.
    pub(super) async fn count_up(&self, key: &str) -> Held<i64> {
        let text: String = sqlx::query_scalar(
            "INSERT INTO meta (key, value) VALUES ($1, '1')
             ON CONFLICT (key) DO UPDATE SET value = CAST(CAST(value AS INTEGER) + 1 AS TEXT) RETURNING value",
        )
        .bind(key)
        .fetch_one(&self.pool)
        .await
        .map_err(fail)?;
        Ok(text.parse().unwrap_or(0))
    }

    /// The knobs as they stand.
    pub(super) async fn knobs(&self) -> Held<Knobs> {
        let rows = sqlx::query("SELECT name, coalesce(live, settled) FROM knob")
            .fetch_all(&self.pool)
            .await
            .map_err(fail)?;
        let mut knobs = Knobs::default();
        for row in rows {
            let (name, text): (String, Option<String>) = (row.get(0), row.get(1));
            if let Some(value) = text.and_then(|text| serde_json::from_str::<Value>(&text).ok()) {
                // A knob of another version is not ours to judge.
                let _ = knobs.take(&name, &value);
            }
        }
        Ok(knobs)
    }

    /// Turns a knob while it runs; `None` turns it back to what the settings say.
    pub(super) async fn turn(&self, name: &str, value: Option<&Value>) -> Held<()> {
        if let Some(value) = value {
            Knobs::default()
                .take(name, value)
                .map_err(|why| MaosError::Refused("the knob", why))?;
        }
        sqlx::query(
            "INSERT INTO knob (name, live) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET live = excluded.live",
        )
        .bind(name)
        .bind(value.map(Value::to_string))
        .execute(&self.pool)
        .await
        .map(|_| ())
        .map_err(fail)
    }

    /// Keeps what the settings say about the knobs, for processes that do not read the settings.
    pub(super) async fn settle(&self, settled: Vec<(&'static str, Value)>) -> Held<()> {
        let rows = sqlx::query("SELECT name, settled FROM knob")
            .fetch_all(&self.pool)
            .await
            .map_err(fail)?;
        let held: std::collections::HashMap<String, Option<String>> =
            rows.iter().map(|row| (row.get(0), row.get(1))).collect();
        let changed: Vec<_> = settled
            .into_iter()
            .map(|(name, value)| (name, value.to_string()))
            .filter(|(name, text)| held.get(*name).and_then(Option::as_ref) != Some(text))
            .collect();
        if changed.is_empty() {
            return Ok(());
        }
        let mut transaction = self.begin().await?;
        for (name, text) in changed {
            sqlx::query(
                "INSERT INTO knob (name, settled) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET settled = excluded.settled",
            )
            .bind(name)
            .bind(text)
            .execute(&mut *transaction)
            .await
            .map_err(fail)?;
        }
        transaction.commit().await.map_err(fail)
    }

    /// Puts a task in and gives its id. The same reference twice makes two tasks, as a real MAOS would.
    pub(super) async fn submit(&self, task: &Submission) -> Held<String> {
        if task.description.trim().is_empty() {
            return Err(MaosError::Refused(
                "task submit",
                "the description is empty".to_owned(),
            ));
        }
        let mut transaction = self.begin().await?;
        for needed in &task.depends_on {
            let there: Option<i64> = sqlx::query_scalar("SELECT seq FROM task WHERE id = $1")
                .bind(needed)
                .fetch_optional(&mut *transaction)
                .await
                .map_err(fail)?;
            if there.is_none() {
                let shown = crate::engine::text::inert_short(needed, 60);
                return Err(MaosError::NotFound(format!(
                    "the task {shown} that it depends on"
                )));
            }
        }
        let seq: i64 = sqlx::query_scalar(
            "INSERT INTO task (description, kind, priority, max_agents, timeout_ms, reference, depends, status, submitted_ms)
             VALUES ($1, $2, $3, $4, $5, $6, $7, 'QUEUED', $8) RETURNING seq",
        )
        .bind(&task.description)
        .bind(&task.kind)
        .bind(&task.priority)
        .bind(task.max_agents)
        .bind(task.timeout_s.and_then(|s| i64::try_from(s.saturating_mul(1000)).ok()))
        .bind(&task.reference)
        .bind(Value::from(task.depends_on.clone()).to_string())
        .bind(now_ms())
        .fetch_one(&mut *transaction)
        .await
        .map_err(fail)?;
        let id = format!("m-{seq}");
        sqlx::query("UPDATE task SET id = $1 WHERE seq = $2")
            .bind(&id)
            .bind(seq)
            .execute(&mut *transaction)
            .await
            .map_err(fail)?;
        transaction.commit().await.map_err(fail)?;
        Ok(id)
    }

    /// One task.
    pub(super) async fn task(&self, id: &str) -> Held<Option<TaskRow>> {
        let row = sqlx::query(sqlx::AssertSqlSafe(format!(
            "SELECT {TASK} FROM task WHERE id = $1"
        )))
        .bind(id)
        .fetch_optional(&self.pool)
        .await
        .map_err(fail)?;
        Ok(row.as_ref().map(TaskRow::of))
    }

    /// The parts of a task.
    pub(super) async fn parts(&self, seq: i64) -> Held<Vec<PartRow>> {
        let rows = sqlx::query(
            "SELECT n, description, kind, depends, status, agent, ms, error FROM part WHERE task = $1 ORDER BY n",
        )
        .bind(seq)
        .fetch_all(&self.pool)
        .await
        .map_err(fail)?;
        Ok(rows
            .iter()
            .map(|row| PartRow {
                n: row.get(0),
                description: row.get(1),
                kind: row.get(2),
                depends: serde_json::from_str(row.get(3)).unwrap_or_default(),
                status: row.get(4),
                agent: row.get(5),
                ms: row.get(6),
                error: row.get(7),
            })
            .collect())
    }

    /// Ids with their status, in the order of submission.
    pub(super) async fn list(&self, status: Option<&str>) -> Held<Vec<(String, String)>> {
        let rows = sqlx::query("SELECT id, status FROM task WHERE $1 IS NULL OR status = $1 ORDER BY seq")
            .bind(status)
            .fetch_all(&self.pool)
            .await
            .map_err(fail)?;
        Ok(rows.iter().map(|row| (row.get(0), row.get(1))).collect())
    }

    /// Tasks in any of these states, all when there is none, in the order of submission.
    pub(super) async fn rows(
        &self,
        status: &[String],
        limit: Option<usize>,
        offset: usize,
    ) -> Held<Vec<TaskRow>> {
        let wanted: Vec<String> = status
            .iter()
            .map(|word| word.trim().to_ascii_uppercase())
            .collect();
        let number = |n: usize| i64::try_from(n).unwrap_or(i64::MAX);
        let rows = sqlx::query(sqlx::AssertSqlSafe(format!(
            "SELECT {TASK} FROM task WHERE id IS NOT NULL AND ($1 = '[]' OR status IN (SELECT value FROM json_each($1)))
             ORDER BY seq LIMIT $2 OFFSET $3"
        )))
        .bind(Value::from(wanted).to_string())
        .bind(limit.map_or(-1, number))
        .bind(number(offset))
        .fetch_all(&self.pool)
        .await
        .map_err(fail)?;
        Ok(rows.iter().map(TaskRow::of).collect())
    }

    /// The first task that was given under a reference.
    pub(super) async fn find(&self, reference: &str) -> Held<Option<String>> {
        sqlx::query_scalar("SELECT id FROM task WHERE reference = $1 ORDER BY seq LIMIT 1")
            .bind(reference)
            .fetch_optional(&self.pool)
            .await
            .map_err(fail)
    }

    /// Cancels an open task; gives its status before, `None` when there is none.
    pub(super) async fn cancel(&self, id: &str) -> Held<Option<String>> {
        let mut transaction = self.begin().await?;
        let before: Option<String> = sqlx::query_scalar("SELECT status FROM task WHERE id = $1")
            .bind(id)
            .fetch_optional(&mut *transaction)
            .await
            .map_err(fail)?;
        sqlx::query(
            "UPDATE task SET status = 'CANCELLED', cancelled = 1, ended_ms = $2, error = 'cancelled'
             WHERE id = $1 AND status IN ('QUEUED', 'RUNNING')",
        )
        .bind(id)
        .bind(now_ms())
        .execute(&mut *transaction)
        .await
        .map_err(fail)?;
        transaction.commit().await.map_err(fail)?;
        Ok(before)
    }
}
