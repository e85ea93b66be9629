//! Rows that exist only on the new side: which they are, and what one looks like in the legacy table.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::engine::backup::keys::{Comparison, Drift, Writer};
use crate::engine::error::{Error, Result};
use crate::engine::ports::databases::{Column, Database};
use crate::engine::ports::store::Table;
use crate::engine::schema::Mapping;

/// More rows than this are not held in memory by key; they are a migration of their own.
pub const MOST: usize = 2_000_000;

/// What becomes of them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NewRows {
    /// Inserted where work goes on.
    #[default]
    Carry,
    /// Written to a file of the workspace.
    Export,
}

impl NewRows {
    /// The word of the decision.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Carry => "carry",
            Self::Export => "export",
        }
    }
}

/// How MAOS's tasks differ from those of the backup.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Since {
    /// Rows that exist only on the new side.
    pub new: u64,
    /// Rows that changed since the backup.
    pub changed: u64,
    /// Rows that were deleted since the backup: they come back with it.
    pub gone: u64,
    /// The keys of the first of these, in order.
    pub gone_first: Vec<String>,
}

/// What differs between the table now and the keys that a backup holds.
///
/// # Errors
/// A damaged file of keys, a database that cannot be read, or more than [`MOST`] differences.
pub async fn since_backup(live: &dyn Database, table: &Table, keys: &std::path::Path) -> Result<Drift> {
    let mut comparison = Comparison::with(keys, MOST)?;
    let mut sink = |key: &str, hash: i64| comparison.see(key, hash);
    if live.keys(table, None, &mut sink).await?.is_none() {
        return Err(Error::input(format!(
            "there is no table {table} in {}",
            live.words()
        )));
    }
    comparison.end()
}

/// What differs between the table in `live` and in `other`, by keys that are written to `file` meanwhile and removed again. `None`
/// when one of them has no such table.
///
/// # Errors
/// As [`since_backup`]; a full disk.
pub async fn between(
    live: &dyn Database,
    other: &dyn Database,
    table: &Table,
    file: &std::path::Path,
) -> Result<Option<Drift>> {
    if live.columns(table).await?.is_empty() || other.columns(table).await?.is_empty() {
        return Ok(None);
    }
    if let Some(folder) = file.parent() {
        std::fs::create_dir_all(folder).map_err(|error| Error::io("make", folder, &error))?;
    }
    let compared = async {
        let mut writer = Writer::create(file)?;
        let mut sink = |key: &str, hash: i64| writer.add(key, hash);
        other.keys(table, None, &mut sink).await?;
        writer.finish()?;
        since_backup(live, table, file).await
    }
    .await;
    // It has served; what cannot be removed is hidden and written anew by the next try.
    let _ = std::fs::remove_file(file);
    compared.map(Some)
}

/// The keys of MAOS's tasks that did not come from the legacy system.
///
/// # Errors
/// A database that cannot be read, or more than [`MOST`] of them.
pub async fn only_in_maos(live: &dyn Database, table: &Table, tracking: &Table) -> Result<Vec<String>> {
    let mut known = std::collections::HashSet::new();
    let mut remember = |key: &str, _: i64| {
        known.insert(short(key));
        Ok(())
    };
    let tracked = live.keys(tracking, Some("maos_task_id"), &mut remember).await?;
    let mut new = Vec::new();
    let mut sink = |key: &str, _: i64| {
        if tracked.is_none() || !known.contains(&short(key)) {
            if new.len() >= MOST {
                return Err(Error::input(format!("more than {MOST} rows exist only in MAOS")));
            }
            new.push(key.to_owned());
        }
        Ok(())
    };
    live.keys(table, None, &mut sink).await?;
    Ok(new)
}

/// Sixteen bytes of a key's hash: a set of them takes a third of the memory of the keys.
fn short(key: &str) -> [u8; 16] {
    use sha2::{Digest as _, Sha256};
    let digest = Sha256::digest(key.as_bytes());
    let mut out = [0; 16];
    out.copy_from_slice(&digest[..16]);
    out
}

/// The legacy value that becomes `value`: the first in the mapping's order; `None` when none does.
fn backwards(values: &std::collections::BTreeMap<String, String>, value: &str) -> Option<String> {
    let folded = crate::engine::schema::mapping::fold(value);
    values
        .iter()
        .filter(|(_, to)| crate::engine::schema::mapping::fold(to) == folded)
        .map(|(from, _)| from.clone())
        .min_by_key(|from| (preferred(from), from.clone()))
}

/// Of several legacy words for one value the one that the guide writes.
fn preferred(word: &str) -> u8 {
    u8::from(!matches!(
        word,
        "pending"
            | "completed"
            | "failed"
            | "cancelled"
            | "normal"
            | "low"
            | "high"
            | "critical"
            | "development"
    ))
}

/// A task of MAOS as a row of the legacy table, in the columns that this table has. A running task becomes pending: nobody runs it
/// any more. What has no column goes into `metadata`, where there is one.
///
/// # Errors
/// [`crate::engine::ErrorKind::Input`] when the legacy table needs a column that a task cannot fill.
pub fn as_legacy(key: &str, task: &Value, columns: &[Column], mapping: &Mapping) -> Result<Value> {
    let text = |name: &str| task.get(name).and_then(Value::as_str).unwrap_or_default();
    let has = |name: &str| columns.iter().any(|column| column.name == name);
    let mut row = Map::new();
    let mut set = |name: &str, value: Value| {
        if has(name) {
            row.insert(name.to_owned(), value);
        }
    };
    set("description", text("description").into());
    let status = match text("status").to_ascii_uppercase().as_str() {
        "RUNNING" => "QUEUED".to_owned(),
        other => other.to_owned(),
    };
    let status = backwards(&mapping.status.values, &status).unwrap_or_else(|| "pending".to_owned());
    set("status", status.into());
    let category = backwards(&mapping.category.values, text("task_type"));
    set(
        "category",
        category.unwrap_or_else(|| text("task_type").to_owned()).into(),
    );
    let priority = backwards(&mapping.priority.values, text("priority"));
    set("priority", priority.unwrap_or_else(|| "normal".to_owned()).into());
    set(
        "created_at",
        task.get("created_at").cloned().unwrap_or(Value::Null),
    );
    set(
        "metadata",
        metadata(key, task, columns.iter().find(|column| column.name == "metadata")),
    );
    // A key that the table does not make itself is MAOS's.
    if let Some(own) = columns.iter().find(|column| column.key && !column.fills_itself) {
        if own.kind.contains("int") {
            return Err(Error::input(format!(
                "legacy rows have a number {} that the table does not give by itself",
                own.name
            ))
            .hint("Choose to export the rows instead."));
        }
        row.insert(own.name.clone(), key.into());
    }
    let lacking = columns.iter().find(|column| {
        column.not_null && !column.fills_itself && row.get(&column.name).is_none_or(Value::is_null)
    });
    match lacking {
        Some(column) => Err(Error::input(format!(
            "the legacy table needs a value for {}, which a task of MAOS does not have",
            column.name
        ))
        .hint("Choose to export the rows instead.")),
        None => Ok(Value::Object(row)),
    }
}

fn metadata(key: &str, task: &Value, column: Option<&Column>) -> Value {
    let mut all = Map::new();
    all.insert("maos_task_id".to_owned(), key.into());
    if let Some(own) = task.get("metadata").filter(|value| !value.is_null()) {
        all.insert("maos_metadata".to_owned(), own.clone());
    }
    let object = Value::Object(all);
    // A column of text gets text.
    match column {
        Some(column) if !column.kind.starts_with("json") => Value::String(object.to_string()),
        _ => object,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn column(name: &str, kind: &str, key: bool, fills_itself: bool, not_null: bool) -> Column {
        Column {
            name: name.to_owned(),
            kind: kind.to_owned(),
            key,
            fills_itself,
            not_null,
        }
    }

    fn legacy() -> Vec<Column> {
        vec![
            column("id", "integer", true, true, true),
            column("description", "text", false, false, true),
            column("category", "text", false, false, false),
            column("status", "text", false, false, true),
            column("priority", "text", false, false, false),
            column("created_at", "text", false, false, false),
            column("metadata", "jsonb", false, false, false),
        ]
    }

    #[test]
    fn a_task_becomes_a_legacy_row_by_the_mapping_read_backwards() {
        let mapping = Mapping::parse("mapping", crate::engine::schema::mapping::DEFAULT).unwrap();
        let task = json!({"id": "t-1", "description": "Do it", "task_type": "coding", "status": "RUNNING", "priority": "NORMAL",
            "created_at": "2026-11-22T03:00:00+00:00", "metadata": {"a": 1}});
        let row = as_legacy("t-1", &task, &legacy(), &mapping).unwrap();
        assert_eq!(
            row,
            json!({"description": "Do it", "status": "pending", "category": "development", "priority": "normal",
                "created_at": "2026-11-22T03:00:00+00:00", "metadata": {"maos_task_id": "t-1", "maos_metadata": {"a": 1}}})
        );
    }

    #[test]
    fn a_table_that_wants_more_than_a_task_has_is_refused() {
        let mapping = Mapping::parse("mapping", crate::engine::schema::mapping::DEFAULT).unwrap();
        let mut columns = legacy();
        columns.push(column("owner", "text", false, false, true));
        let error = as_legacy(
            "t",
            &json!({"description": "x", "status": "QUEUED"}),
            &columns,
            &mapping,
        )
        .unwrap_err();
        assert!(error.message.contains("owner"), "{error}");
        let mut numbered = legacy();
        numbered[0].fills_itself = false;
        assert!(as_legacy("t", &json!({"description": "x"}), &numbered, &mapping).is_err());
    }
}
