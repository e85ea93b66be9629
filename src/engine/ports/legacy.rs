//! The legacy system's database, as far as the baseline needs it: sums over its task table, read only.

use super::BoxFuture;

use crate::engine::error::Result;

/// The sums the baseline figures are made of. Times are seconds since 1970; a sum stands beside the number of rows it
/// was taken over. Rows whose times do not parse or run backwards are counted in `unusable` and in no sum.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct BaselineSums {
    /// The table the figures come from.
    pub table: String,
    /// All rows.
    pub rows: u64,
    /// Rows that ended well; `None` without a status column.
    pub completed: Option<u64>,
    /// Rows that ended as failed; `None` without a status column.
    pub failed: Option<u64>,
    /// Rows with a usable end time; `None` without an end column.
    pub ended: Option<u64>,
    /// The earliest start (or creation) of a row that ended.
    pub first: Option<f64>,
    /// The latest end.
    pub last: Option<f64>,
    /// Sum of seconds from creation to end, and over how many rows.
    pub response: Option<(f64, u64)>,
    /// Sum of seconds from start to end, and over how many rows.
    pub duration: Option<(f64, u64)>,
    /// Rows whose times cannot be used.
    pub unusable: u64,
    /// The columns that were read, for the evidence: `created_at to completed_at`.
    pub columns: String,
    /// What is missing, in a fragment: `no column completed_at`; empty when nothing is.
    pub missing: String,
}

/// Reads the sums. Implementations open a read-only connection and run one consistent statement.
pub trait Baseline: Send + Sync {
    /// Takes the sums over the whole table.
    ///
    /// # Errors
    /// [`crate::engine::ErrorKind::Unavailable`] when the database cannot be read,
    /// [`crate::engine::ErrorKind::Input`] when the table does not exist. Neither holds a secret.
    fn measure(&self) -> BoxFuture<'_, Result<BaselineSums>>;
}
