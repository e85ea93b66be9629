//! What a run and its undoing report.

use serde::{Deserialize, Serialize};

use super::proof::Differences;
use crate::engine::operation::Outcome;
use crate::engine::ports::store::Key;

/// The document of `schema apply --json`. `source_rows = migrated + unchanged + quarantined` when `verified`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ApplyReport {
    /// Rows of the source.
    pub source_rows: u64,
    /// Rows written by this call.
    pub migrated: u64,
    /// Rows that were there already.
    pub unchanged: u64,
    /// Rows in quarantine.
    pub quarantined: u64,
    /// Whether every line of the proof is equal.
    pub verified: bool,
    /// Seconds from the call to the end of the proof.
    pub elapsed_s: f64,
    /// Seconds of these in which rows were copied; most of the others went into the proof.
    pub elapsed_copying_s: f64,
    /// Source rows copied a second, over the whole call.
    pub rows_per_s: f64,
}

/// How a run ended.
#[derive(Debug, Clone)]
pub struct Applied {
    /// For journal and screen.
    pub outcome: Outcome,
    /// For scripts.
    pub report: ApplyReport,
    /// Rows that differ still.
    pub differences: Differences,
    /// Keys in chunks that somebody changed in the target since they were proved.
    pub conflicts: Vec<Key>,
}

/// The document of `schema verify --json`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct VerifyReport {
    /// Rows of the source.
    pub source_rows: u64,
    /// Rows of this source in the target.
    pub target_rows: u64,
    /// Rows in quarantine.
    pub quarantined: u64,
    /// Whether every line of the proof is equal.
    pub verified: bool,
    /// Keys in the source only.
    pub missing: Vec<String>,
    /// Keys in the target only.
    pub extra: Vec<String>,
    /// Keys with different content.
    pub changed: Vec<String>,
    /// Keys whose quarantine or tracking is not as it must be.
    pub other: Vec<String>,
    /// Seconds.
    pub elapsed_s: f64,
}

/// The document of `schema undo --json`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct UndoReport {
    /// Task rows removed.
    pub removed: u64,
    /// Task rows of others that were left alone.
    pub left: u64,
    /// Whether the target holds nothing of this source any more.
    pub verified: bool,
    /// Seconds.
    pub elapsed_s: f64,
}
