//! The baseline sums out of a SQLite file.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{AssertSqlSafe, ConnectOptions as _, Row as _};

use super::baseline::{CREATED, ENDED, Expressions, Row, STARTED, STATUS, Used, column, quoted};
use super::said;
use crate::engine::error::{Error, Result};
use crate::engine::ports::legacy::BaselineSums;

/// Ends a statement that nobody waits for any more.
struct Alive(Arc<AtomicBool>);

impl Drop for Alive {
    fn drop(&mut self) {
        self.0.store(false, Ordering::Relaxed);
    }
}

pub(super) async fn measure(path: &Path, table: &str) -> Result<BaselineSums> {
    if !path.is_file() {
        return Err(Error::input(format!("not found: {}", path.display())));
    }
    let alive = Alive(Arc::new(AtomicBool::new(true)));
    let failed = |error: sqlx::Error| {
        Error::unavailable(format!(
            "{} cannot be read: {}",
            path.display(),
            said(&error, None)
        ))
    };
    let mut connection = SqliteConnectOptions::new()
        .filename(path)
        .read_only(true)
        .create_if_missing(false)
        .busy_timeout(Duration::from_secs(5))
        .disable_statement_logging()
        .connect()
        .await
        .map_err(failed)?;
    let watched = Arc::clone(&alive.0);
    connection
        .lock_handle()
        .await
        .map_err(failed)?
        .set_progress_handler(10_000, move || watched.load(Ordering::Relaxed));
    let sums = read(&mut connection, table).await.map_err(failed)?;
    sums.ok_or_else(|| Error::input(format!("{} has no table {table}", path.display())))
}

async fn read(
    connection: &mut SqliteConnection,
    table: &str,
) -> std::result::Result<Option<BaselineSums>, sqlx::Error> {
    let columns: Vec<(String, String)> = sqlx::query_as("select name, type from pragma_table_info(?)")
        .bind(table)
        .fetch_all(&mut *connection)
        .await?;
    if columns.is_empty() {
        return Ok(None);
    }
    let name = |names| column(&columns, names).map(|(name, _)| name.as_str());
    let used = Used {
        created: name(CREATED),
        started: name(STARTED),
        ended: name(ENDED),
        status: name(STATUS),
        unfit: String::new(),
    };
    let seconds = |name: Option<&str>| name.map_or_else(|| "null".to_owned(), seconds);
    let expressions = Expressions {
        created: seconds(used.created),
        started: seconds(used.started),
        ended: seconds(used.ended),
        has_end: used.ended.map_or_else(
            || "0".to_owned(),
            |name| format!("({0} is not null and {0} <> '')", quoted(name)),
        ),
        status: used.status.map_or_else(
            || "null".to_owned(),
            |name| format!("lower(trim({}))", quoted(name)),
        ),
        table: quoted(table),
    };
    let statement = expressions.statement(|sum| format!("cast({sum} as real)"));
    // The text is made of our own words and quoted identifiers only.
    let row = sqlx::query(AssertSqlSafe(statement))
        .fetch_one(connection)
        .await?;
    let row = Row {
        rows: row.try_get("n_rows")?,
        completed: row.try_get("n_completed")?,
        failed: row.try_get("n_failed")?,
        ended: row.try_get("n_ended")?,
        unusable: row.try_get("n_unusable")?,
        first: row.try_get("first_at")?,
        last: row.try_get("last_at")?,
        response: (row.try_get("response_sum")?, row.try_get("n_response")?),
        duration: (row.try_get("duration_sum")?, row.try_get("n_duration")?),
    };
    Ok(Some(row.sums(table, &used)))
}

/// Seconds since 1970 of whatever stands in a column: text as ISO 8601, numbers as seconds, or as milliseconds when they
/// are too large for seconds.
fn seconds(name: &str) -> String {
    let name = quoted(name);
    format!(
        "case typeof({name}) \
         when 'text' then case when {name} like '____-__-__%' then (julianday({name}) - 2440587.5) * 86400.0 end \
         when 'integer' then case when abs({name}) > 100000000000 then {name} / 1000.0 else {name} * 1.0 end \
         when 'real' then case when abs({name}) > 100000000000 then {name} / 1000.0 else {name} * 1.0 end end"
    )
}
