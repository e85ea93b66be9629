//! Checkpoints of a rehearsal MAOS: the rows of its tasks and what its agents share, as JSON, put back as they were.

use serde_json::{Map, Value, json};
use sqlx::{Row as _, Sqlite, Transaction};

use super::state::{Held, State, fail, now_ms};
use crate::engine::ports::maos::{CheckpointView, MaosError};

/// The tables of a checkpoint and their columns, in the order of the rows.
const TABLES: [(&str, &[&str]); 3] = [
    (
        "task",
        &[
            "seq",
            "id",
            "description",
            "kind",
            "priority",
            "max_agents",
            "timeout_ms",
            "reference",
            "depends",
            "status",
            "cancelled",
            "submitted_ms",
            "started_ms",
            "ended_ms",
            "elapsed_s",
            "agents_used",
            "efficiency",
            "result",
            "error",
        ],
    ),
    (
        "part",
        &[
            "task",
            "n",
            "description",
            "kind",
            "depends",
            "status",
            "agent",
            "ms",
            "result",
            "error",
        ],
    ),
    ("shared", &["key", "value"]),
];

/// One statement gives a table as JSON rows: the names are constants of this file.
fn select(table: &str, columns: &[&str]) -> String {
    let pairs: Vec<String> = columns.iter().map(|name| format!("'{name}', {name}")).collect();
    format!("SELECT json_object({}) FROM {table} ORDER BY 1", pairs.join(", "))
}

fn insert(table: &str, columns: &[&str]) -> String {
    let values: Vec<String> = columns
        .iter()
        .map(|name| format!("json_extract($1, '$.{name}')"))
        .collect();
    format!(
        "INSERT INTO {table} ({}) VALUES ({})",
        columns.join(", "),
        values.join(", ")
    )
}

async fn rows(
    transaction: &mut Transaction<'static, Sqlite>,
    table: &str,
    columns: &[&str],
) -> Held<Vec<Value>> {
    let rows = sqlx::query(sqlx::AssertSqlSafe(select(table, columns)))
        .fetch_all(&mut **transaction)
        .await
        .map_err(fail)?;
    rows.iter()
        .map(|row| {
            serde_json::from_str(row.get(0))
                .map_err(|error| MaosError::Machine(format!("a row of {table}: {error}")))
        })
        .collect()
}

/// Makes one and gives its id.
pub(super) async fn create(state: &State, description: &str) -> Held<String> {
    let mut transaction = state.begin().await?;
    let mut held = Map::new();
    for (table, columns) in TABLES {
        held.insert(
            table.to_owned(),
            Value::from(rows(&mut transaction, table, columns).await?),
        );
    }
    let seq: i64 = sqlx::query_scalar(
        "INSERT INTO checkpoint (description, created_ms, state) VALUES ($1, $2, $3) RETURNING seq",
    )
    .bind(description)
    .bind(now_ms())
    .bind(Value::Object(held).to_string())
    .fetch_one(&mut *transaction)
    .await
    .map_err(fail)?;
    let id = format!("cp-{seq}");
    sqlx::query("UPDATE checkpoint SET id = $1 WHERE seq = $2")
        .bind(&id)
        .bind(seq)
        .execute(&mut *transaction)
        .await
        .map_err(fail)?;
    transaction.commit().await.map_err(fail)?;
    Ok(id)
}

/// All of them, oldest first.
pub(super) async fn list(state: &State) -> Held<Vec<CheckpointView>> {
    let rows = sqlx::query("SELECT id, description FROM checkpoint ORDER BY seq")
        .fetch_all(&state.pool)
        .await
        .map_err(fail)?;
    Ok(rows
        .iter()
        .map(|row| CheckpointView {
            id: row.get(0),
            description: row.get(1),
            state: None,
        })
        .collect())
}

async fn held(state: &State, id: &str) -> Held<(i64, String, Value)> {
    let row = sqlx::query("SELECT created_ms, description, state FROM checkpoint WHERE id = $1")
        .bind(id)
        .fetch_optional(&state.pool)
        .await
        .map_err(fail)?;
    let Some(row) = row else {
        let shown = crate::engine::text::inert_short(id, 60);
        return Err(MaosError::NotFound(format!("the checkpoint {shown}")));
    };
    let value = serde_json::from_str(row.get(2))
        .map_err(|error| MaosError::Machine(format!("the checkpoint {id}: {error}")))?;
    Ok((row.get(0), row.get(1), value))
}

/// What `checkpoint show` prints: the tasks, and what the agents share.
pub(super) async fn show(state: &State, id: &str) -> Held<Value> {
    let (at, description, value) = held(state, id).await?;
    let task = |row: &Value| {
        json!({
            "task_id": row["id"], "description": row["description"], "status": row["status"],
            "reference": row["reference"], "error": row["error"],
        })
    };
    let tasks: Vec<Value> = value["task"].as_array().into_iter().flatten().map(task).collect();
    let shared: Map<String, Value> = value["shared"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|row| {
            let text = row["value"].as_str().unwrap_or_default();
            let value = serde_json::from_str(text).unwrap_or_else(|_| json!(text));
            (row["key"].as_str().unwrap_or_default().to_owned(), value)
        })
        .collect();
    Ok(json!({
        "id": id,
        "description": description,
        "created_at": jiff::Timestamp::from_millisecond(at).map(|at| at.to_string()).ok(),
        "state": {"tasks": tasks, "agents": [], "shared_state": shared},
        "rehearsal": true,
    }))
}

/// Puts the tasks and the shared state back as they were. Ids of tasks submitted since are never given again.
pub(super) async fn restore(state: &State, id: &str) -> Held<()> {
    let (_, _, value) = held(state, id).await?;
    let mut transaction = state.begin().await?;
    for (table, columns) in TABLES {
        sqlx::query(sqlx::AssertSqlSafe(format!("DELETE FROM {table}")))
            .execute(&mut *transaction)
            .await
            .map_err(fail)?;
        let statement = insert(table, columns);
        for row in value[table].as_array().into_iter().flatten() {
            sqlx::query(sqlx::AssertSqlSafe(statement.clone()))
                .bind(row.to_string())
                .execute(&mut *transaction)
                .await
                .map_err(fail)?;
        }
    }
    // Whoever executes begins anew from what is held now.
    sqlx::query(
        "INSERT INTO meta (key, value) VALUES ('epoch', '1')
         ON CONFLICT (key) DO UPDATE SET value = CAST(CAST(value AS INTEGER) + 1 AS TEXT)",
    )
    .execute(&mut *transaction)
    .await
    .map_err(fail)?;
    transaction.commit().await.map_err(fail)
}
