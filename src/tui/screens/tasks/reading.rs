//! What was read of the legacy tasks: a line for each valid one, and what was set aside.

use std::sync::Arc;

use jiff::Timestamp;

use crate::engine::tasks::{Band, Decomposition, Rules, TaskId};

/// A task as the list shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TaskLine {
    /// Its id as given.
    pub id: TaskId,
    /// What it asks for, as given; made inert when it is drawn.
    pub description: String,
    /// 0 to 10.
    pub score: u8,
    /// The band of the score.
    pub band: Band,
    /// How many subtasks it falls into.
    pub parts: usize,
    /// In how many stages.
    pub stages: usize,
}

impl TaskLine {
    /// The line of a decomposed task.
    #[must_use]
    pub fn of(plan: &Decomposition) -> Self {
        Self {
            id: plan.id.clone(),
            description: plan.original.clone(),
            score: plan.parallelism.score,
            band: plan.parallelism.band,
            parts: plan.subtasks.len(),
            stages: plan.stages.len(),
        }
    }
}

/// A reading of the tasks file.
#[derive(Debug, Clone)]
pub struct Reading {
    /// The valid tasks in the order of the file.
    pub tasks: Vec<TaskLine>,
    /// Records read, valid or not.
    pub read: u64,
    /// The first few records set aside: `line 17 no_description`.
    pub refused: Vec<String>,
    /// How many were set aside.
    pub quarantined: u64,
    /// When it was read.
    pub at: Timestamp,
    /// Where from, as shown.
    pub source: String,
    /// The rules that plans are made with.
    pub rules: Arc<Rules>,
}
