//! What was read of the legacy tasks: the engine's view with the rules that its plans are made with.

use std::sync::Arc;

use jiff::Timestamp;

use crate::engine::tasks::view::{Row, View};
use crate::engine::tasks::{Decomposition, Rules};

/// A reading of the tasks file.
#[derive(Debug, Clone)]
pub struct Reading {
    /// Rows, counts, what was set aside.
    pub view: Arc<View>,
    /// The rules that plans are made with.
    pub rules: Arc<Rules>,
    /// When it was read.
    pub at: Timestamp,
}

/// A row with another plan than the one it was read with.
#[must_use]
pub fn with_plan(row: &Row, plan: &Decomposition) -> Row {
    Row {
        score: plan.parallelism.score,
        band: plan.parallelism.band,
        parts: plan.subtasks.len(),
        stages: plan.stages.len(),
        ..row.clone()
    }
}
