//! What both kinds of database have in common where this program keeps its own tables: their shape, and what their rows say. The statements
//! differ and stay with their databases; a row is read here, by the names of its columns.

use sqlx::Row as _;

use super::phrase::ident;
use crate::engine::error::Error;
use crate::engine::ports::databases::{Column, Mark, MarkKind};
use crate::engine::ports::store::{
    ChunkRow, Copied, Fence, Key, Reason, Relation, RunRow, RunState, SourceTable, StoreError, Table,
};

/// The tables beside the tasks.
pub const TABLES: [&str; 5] = [
    "migration_tracking",
    "migration_run",
    "migration_chunk",
    "migration_quarantine",
    "migration_lease",
];

/// A row of either kind of database.
pub trait Fields {
    /// A text that is there.
    fn text(&self, name: &str) -> String;
    /// A text, or NULL.
    fn text_or_null(&self, name: &str) -> Option<String>;
    /// A whole number.
    fn whole(&self, name: &str) -> i64;
    /// A count.
    fn count(&self, name: &str) -> u64 {
        count(self.whole(name))
    }
}

macro_rules! fields {
    ($($row:ty),*) => {$(
        impl Fields for $row {
            fn text(&self, name: &str) -> String {
                self.get(name)
            }

            fn text_or_null(&self, name: &str) -> Option<String> {
                self.get(name)
            }

            fn whole(&self, name: &str) -> i64 {
                self.get(name)
            }
        }
    )*};
}

fields!(sqlx::postgres::PgRow, sqlx::sqlite::SqliteRow);

/// A count as databases give it.
pub fn count(n: i64) -> u64 {
    u64::try_from(n).unwrap_or(0)
}

/// A count as databases take it.
pub fn number(n: u64) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}

/// A row of `migration_run` with the present token.
///
/// # Errors
/// A state that this program does not know.
pub fn run(row: &impl Fields, words: &str) -> Result<RunRow, StoreError> {
    Ok(RunRow {
        format: row.whole("format"),
        source: row.text("place"),
        mapping: row.text("mapping"),
        state: RunState::of(&row.text("state"))
            .ok_or_else(|| StoreError::Refused(format!("{words}: the ledger has an unknown state")))?,
        started: row.text("started"),
        boundary: row.text_or_null("boundary"),
        hash: row.text_or_null("hash"),
        token: row.whole("token"),
    })
}

/// Rows of `migration_chunk`.
pub fn chunks(rows: &[impl Fields]) -> Vec<ChunkRow> {
    rows.iter()
        .map(|row| ChunkRow {
            seq: row.whole("seq"),
            after: row.text_or_null("after_key"),
            upto: row.text("upto_key"),
            rows_in: row.count("rows_in"),
            rows_out: row.count("rows_out"),
            quarantined: row.count("quarantined"),
            hash: row.text_or_null("hash"),
        })
        .collect()
}

/// What a chunk that was committed had copied.
pub fn copied(row: &impl Fields) -> Copied {
    Copied {
        rows_in: row.count("rows_in"),
        rows_out: row.count("rows_out"),
        quarantined: row.count("quarantined"),
        ..Copied::default()
    }
}

/// The refusal of a writer whose lease is gone; `now` has it with its token.
pub fn fenced(fence: &Fence, now: Option<(String, i64)>) -> StoreError {
    StoreError::Fenced(match now {
        Some((holder, token)) => format!(
            "{holder} took this run over (fence {token}, ours was {}); nothing of ours was written after that",
            fence.token
        ),
        None => "the lease of this run is gone".to_owned(),
    })
}

/// Whether a tracking table lacks the column that tells sources apart.
///
/// # Errors
/// It is not the guide's table.
pub fn lacks_source(tracking: &Relation, words: &str) -> Result<bool, StoreError> {
    for wanted in ["legacy_task_id", "maos_task_id", "migration_date", "status"] {
        if tracking.column(wanted).is_none() {
            return Err(StoreError::Refused(format!(
                "{words}: {} exists and lacks {wanted}; it is not the guide's table",
                tracking.table
            )));
        }
    }
    Ok(tracking.column("source").is_none())
}

/// How often each reason to set a row aside was found.
pub fn reasons(rows: &[impl Fields]) -> Vec<(Reason, u64)> {
    rows.iter()
        .filter_map(|row| Some((Reason::of(&row.text("reason"))?, row.count("n"))))
        .collect()
}

/// The end of a chunk of `wanted` rows: the greatest key `k` of the `n` that were found, or `upto` where they are the last.
pub fn bound(row: &impl Fields, source: &SourceTable, upto: &Key, wanted: u64) -> Option<Key> {
    match row.count("n") {
        0 => None,
        n if n < wanted => Some(upto.clone()),
        _ => Key::parse(source.key_kind, &row.text_or_null("k")?),
    }
}

/// Rows of the table of marks; those of a kind that this program does not know are left out.
pub fn marks(rows: &[impl Fields]) -> Vec<Mark> {
    rows.iter()
        .filter_map(|row| {
            Some(Mark {
                epoch: row.text("epoch"),
                kind: MarkKind::of(&row.text("kind"))?,
                note: row.text("note"),
            })
        })
        .collect()
}

/// The columns that a row to be carried names, in its order.
///
/// # Errors
/// One that the table lacks.
pub fn named<'a>(
    table: &Table,
    columns: &[Column],
    row: &'a serde_json::Value,
) -> Result<Vec<&'a String>, Error> {
    let Some(object) = row.as_object() else {
        return Err(Error::bug("a row that is no object"));
    };
    if let Some(unknown) = object
        .keys()
        .find(|name| columns.iter().all(|column| column.name != **name))
    {
        return Err(Error::input(format!(
            "table {table} has no column {unknown}, so its rows cannot be carried"
        ))
        .hint("Choose to export them instead."));
    }
    Ok(object.keys().collect())
}

/// Names as a list of columns.
pub fn list(names: &[&String]) -> String {
    names
        .iter()
        .map(|name| ident(name))
        .collect::<Vec<_>>()
        .join(", ")
}
