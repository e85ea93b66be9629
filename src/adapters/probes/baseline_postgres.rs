//! The baseline sums out of a PostgreSQL table.

use secrecy::SecretString;
use sqlx::postgres::PgConnection;
use sqlx::{AssertSqlSafe, Connection as _, Row as _};

use super::baseline::{CREATED, ENDED, Expressions, Row, STARTED, STATUS, Used, column, quoted};
use super::{postgres, said};
use crate::engine::error::{Error, Result};
use crate::engine::ports::legacy::BaselineSums;

const COLUMNS: &str = "select attname::text, format_type(atttypid, null) from pg_attribute \
     where attrelid = to_regclass($1) and attnum > 0 and not attisdropped order by attnum";

pub(super) async fn measure(url: &SecretString, table: &str) -> Result<BaselineSums> {
    let failed = |error: sqlx::Error| {
        Error::unavailable(format!(
            "the legacy database cannot be read: {}",
            said(&error, Some(url))
        ))
    };
    let mut connection = postgres::connect(url).await.map_err(failed)?;
    let sums = read(&mut connection, table).await.map_err(failed)?;
    // Closing politely is worth nothing to the answer.
    let _ = connection.close().await;
    sums.ok_or_else(|| Error::input(format!("the legacy database has no table {table}")))
}

async fn read(
    connection: &mut PgConnection,
    table: &str,
) -> std::result::Result<Option<BaselineSums>, sqlx::Error> {
    let name: Vec<String> = table.split('.').map(quoted).collect();
    let name = name.join(".");
    let columns: Vec<(String, String)> = sqlx::query_as(COLUMNS)
        .bind(&name)
        .fetch_all(&mut *connection)
        .await?;
    if columns.is_empty() {
        return Ok(None);
    }
    let mut unfit = String::new();
    let mut time = |names: &[&str]| -> (Option<&str>, String) {
        let Some((name, kind)) = column(&columns, names) else {
            return (None, "null::float8".to_owned());
        };
        if let Some(expression) = seconds(name, kind) {
            return (Some(name.as_str()), expression);
        }
        unfit = format!("{name} of type {kind}, which holds no time that can be read safely");
        (None, "null::float8".to_owned())
    };
    let (created, created_at) = time(CREATED);
    let (started, started_at) = time(STARTED);
    let (ended, ended_at) = time(ENDED);
    let status = column(&columns, STATUS).map(|(name, _)| name.as_str());
    let used = Used {
        created,
        started,
        ended,
        status,
        unfit: if ended.is_none() || created.or(started).is_none() {
            unfit
        } else {
            String::new()
        },
    };
    let expressions = Expressions {
        created: created_at,
        started: started_at,
        ended: ended_at,
        has_end: ended.map_or_else(
            || "false".to_owned(),
            |name| format!("{} is not null", quoted(name)),
        ),
        status: status.map_or_else(
            || "null::text".to_owned(),
            |name| format!("lower(trim({}::text))", quoted(name)),
        ),
        table: name,
    };
    let statement = expressions.statement(|sum| format!("({sum})::float8"));
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

/// Seconds since 1970 of a column by its type; `None` for types that can make the statement fail on one bad row.
fn seconds(name: &str, kind: &str) -> Option<String> {
    let name = quoted(name);
    match kind {
        "timestamp with time zone" | "timestamp without time zone" | "date" => Some(format!(
            "case when isfinite({name}) then extract(epoch from {name})::float8 end"
        )),
        "smallint" | "integer" | "bigint" | "numeric" | "real" | "double precision" => Some(format!(
            "case when abs({name}::float8) > 100000000000 then {name}::float8 / 1000 else {name}::float8 end"
        )),
        _ => None,
    }
}
