//! Which shape a table has, and what it lacks.
//!
//! To recognise one more shape: add it to [`Shape`] and to [`recognise`], with a test from a real schema.

use crate::engine::ports::store::{
    Column, ColumnKind, Dialect, Relation, RelationKind, SourceTable, TargetTable,
};

use super::request::ColumnNames;

/// The shapes of a task table that are known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// The one the guide's statement writes.
    Guide,
    /// The one of MAOS's PostgreSQL init script: `task_id`, `name`, `status`.
    InitScript,
    /// The one of shipped MAOS's SQLite file: `parent_task_id`, `assigned_agents`, `result`.
    ShippedSqlite,
    /// None of them.
    Unknown,
}

impl Shape {
    /// In words.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::Guide => "guide shape",
            Self::InitScript => "MAOS init-script shape",
            Self::ShippedSqlite => "shipped SQLite shape",
            Self::Unknown => "no known shape",
        }
    }
}

/// The columns of the guide's task table, in order.
pub const TASK_COLUMNS: [&str; 7] = [
    "id",
    "description",
    "task_type",
    "status",
    "priority",
    "created_at",
    "metadata",
];

/// Recognises a task table.
#[must_use]
pub fn recognise(found: &Relation) -> Shape {
    let has = |names: &[&str]| names.iter().all(|name| found.column(name).is_some());
    if has(&TASK_COLUMNS) {
        Shape::Guide
    } else if has(&["task_id", "name", "status"]) {
        Shape::InitScript
    } else if has(&["parent_task_id", "description", "assigned_agents", "result"]) {
        Shape::ShippedSqlite
    } else {
        Shape::Unknown
    }
}

/// Whether a time column keeps less than microseconds: a `date`, or a type like `timestamp(3) with time zone`.
fn coarse(column: &Column) -> bool {
    let digits = column
        .type_sql
        .split_once('(')
        .and_then(|(_, rest)| rest.split_once(')'));
    matches!(column.kind, ColumnKind::Time | ColumnKind::TimeZoned)
        && (column.type_sql == "date" || digits.is_some_and(|(digits, _)| digits != "6"))
}

/// What stands in the way of writing the guide's columns, in sentences; empty when nothing does.
#[must_use]
pub fn target_faults(found: &Relation) -> Vec<String> {
    let mut faults = Vec::new();
    if !matches!(found.kind, RelationKind::Table | RelationKind::Partitioned) {
        faults.push(format!("{} is no table", found.table));
    }
    let missing: Vec<&str> = TASK_COLUMNS
        .into_iter()
        .filter(|name| found.column(name).is_none())
        .collect();
    if !missing.is_empty() {
        faults.push(format!(
            "{} lacks {} (found: {})",
            found.table,
            listed(&missing),
            recognise(found).words()
        ));
        return faults;
    }
    let allowed: [(&str, &[ColumnKind]); 7] = [
        ("id", &[ColumnKind::Uuid, ColumnKind::Text]),
        ("description", &[ColumnKind::Text]),
        ("task_type", &[ColumnKind::Text, ColumnKind::Enum]),
        ("status", &[ColumnKind::Text, ColumnKind::Enum]),
        ("priority", &[ColumnKind::Text, ColumnKind::Enum]),
        (
            "created_at",
            &[ColumnKind::Time, ColumnKind::TimeZoned, ColumnKind::Text],
        ),
        (
            "metadata",
            &[ColumnKind::Jsonb, ColumnKind::Json, ColumnKind::Text],
        ),
    ];
    for (name, kinds) in allowed {
        if let Some(column) = found.column(name)
            && !kinds.contains(&column.kind)
        {
            faults.push(format!(
                "{}.{name} is of type {}, which cannot hold it",
                found.table, column.type_sql
            ));
        }
    }
    if let Some(column) = found.column("created_at").filter(|column| coarse(column)) {
        faults.push(format!(
            "{}.created_at is of type {}, which drops parts of times",
            found.table, column.type_sql
        ));
    }
    for column in &found.columns {
        if column.not_null && !column.has_default && !TASK_COLUMNS.contains(&column.name.as_str()) {
            faults.push(format!(
                "{}.{} must not be NULL and has no default",
                found.table, column.name
            ));
        }
    }
    if !found.is_unique("id") {
        faults.push(format!("{}.id is not unique", found.table));
    }
    if found.rows_hidden {
        faults.push(format!(
            "row security hides rows of {} from this role",
            found.table
        ));
    }
    faults
}

/// The target's columns as the engine needs them.
#[must_use]
pub fn target_of(found: &Relation) -> Option<TargetTable> {
    let mut columns = Vec::new();
    for name in TASK_COLUMNS {
        columns.push(found.column(name)?.clone());
    }
    Some(TargetTable {
        table: found.table.clone(),
        columns: columns.try_into().ok()?,
    })
}

/// The target as it will be when the guide's table has been created.
#[must_use]
pub fn target_to_be(dialect: Dialect, table: crate::engine::ports::store::Table) -> TargetTable {
    let column = |name: &str| {
        let kind = match (dialect, name) {
            (Dialect::Postgres, "id") => ColumnKind::Uuid,
            (Dialect::Postgres, "created_at") => ColumnKind::TimeZoned,
            (Dialect::Postgres, "metadata") => ColumnKind::Jsonb,
            _ => ColumnKind::Text,
        };
        Column {
            name: name.to_owned(),
            kind,
            type_sql: match kind {
                ColumnKind::Uuid => "uuid",
                ColumnKind::TimeZoned => "timestamp with time zone",
                ColumnKind::Jsonb => "jsonb",
                _ => "text",
            }
            .to_owned(),
            not_null: name != "created_at",
            has_default: false,
            labels: Vec::new(),
            max_chars: None,
        }
    };
    TargetTable {
        table,
        columns: TASK_COLUMNS.map(column),
    }
}

/// The source as the engine needs it, or what stands in the way, in sentences.
///
/// # Errors
/// Every fault found, none hidden behind another.
pub fn source_of(
    dialect: Dialect,
    found: &Relation,
    names: &ColumnNames,
    loose_text: bool,
) -> Result<SourceTable, Vec<String>> {
    use crate::engine::ports::store::KeyKind;
    let mut faults = Vec::new();
    if !matches!(found.kind, RelationKind::Table | RelationKind::Partitioned) {
        faults.push(format!("{} is a view, not a table", found.table));
    }
    if found.rows_hidden {
        faults.push(format!(
            "row security hides rows of {} from this role; read it as its owner",
            found.table
        ));
    }
    let wanted = [
        &names.description,
        &names.category,
        &names.status,
        &names.priority,
        &names.created_at,
        &names.metadata,
    ];
    let missing: Vec<&str> = std::iter::once(&names.id)
        .chain(wanted.into_iter().flatten())
        .map(String::as_str)
        .filter(|name| found.column(name).is_none())
        .collect();
    if !missing.is_empty() {
        faults.push(format!("{} lacks {}", found.table, listed(&missing)));
    }
    let get = |name: &Option<String>| name.as_ref().and_then(|name| found.column(name)).cloned();
    let key = found.column(&names.id).cloned();
    let key_kind = match key.as_ref().map(|column| column.kind) {
        Some(ColumnKind::Integer) => Some(KeyKind::Integer),
        Some(ColumnKind::Text | ColumnKind::Uuid) => Some(KeyKind::Text),
        Some(_) => {
            faults.push(format!(
                "{}.{} is of type {}, which is no key",
                found.table,
                names.id,
                key.as_ref().map_or("", |column| column.type_sql.as_str())
            ));
            None
        }
        None => None,
    };
    let created_at = get(&names.created_at);
    if let (Dialect::Postgres, Some(column)) = (dialect, &created_at)
        && !matches!(column.kind, ColumnKind::Time | ColumnKind::TimeZoned)
    {
        faults.push(format!(
            "{}.{} is of type {}, not a time",
            found.table, column.name, column.type_sql
        ));
    }
    let taken: Vec<&String> = std::iter::once(&names.id)
        .chain(wanted.into_iter().flatten())
        .collect();
    let extras = found
        .columns
        .iter()
        .filter(|column| !taken.contains(&&column.name))
        .cloned()
        .collect();
    match (key, key_kind) {
        (Some(key), Some(key_kind)) if faults.is_empty() => Ok(SourceTable {
            table: found.table.clone(),
            unique_key: found.is_unique(&key.name),
            key,
            key_kind,
            description: get(&names.description),
            category: get(&names.category),
            status: get(&names.status),
            priority: get(&names.priority),
            created_at,
            metadata: get(&names.metadata),
            extras,
            loose_text,
            not_utf8: Vec::new(),
        }),
        _ => Err(faults),
    }
}

/// `a`, `a and b`, `a, b and c`.
#[must_use]
pub fn listed(names: &[&str]) -> String {
    match names {
        [] => String::new(),
        [one] => (*one).to_owned(),
        [head @ .., last] => format!("{} and {last}", head.join(", ")),
    }
}
