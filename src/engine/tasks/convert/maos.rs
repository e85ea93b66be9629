//! A legacy task in the guide's MAOS task format, in the spelling of each dialect.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::engine::tasks::decompose::{Decomposition, Subtask};
use crate::engine::tasks::grammar::expand::rule;
use crate::engine::tasks::input::LegacyTask;
use crate::engine::tasks::model::{Band, TaskId};

/// Whose enums are written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Dialect {
    /// The guide's: `LOW NORMAL HIGH CRITICAL`, type `general` allowed.
    #[default]
    Guide,
    /// The command reference's: `LOW MEDIUM HIGH CRITICAL`; it knows no `general`, so that type is left out.
    Reference,
    /// The shipped program's: `low medium high critical`; it has no types at all.
    Shipped,
}

/// The types the command reference documents.
const DOCUMENTED: [&str; 5] = ["research", "coding", "analysis", "testing", "documentation"];
/// Never more agents than this.
pub const MOST_AGENTS: usize = 8;

impl Dialect {
    /// A priority in this spelling; `NORMAL` and `MEDIUM` are one.
    #[must_use]
    #[expect(clippy::match_same_arms, reason = "an arm a dialect")]
    pub fn priority(self, priority: &str) -> String {
        let priority = priority.to_uppercase();
        match (self, priority.as_str()) {
            (Self::Guide, "MEDIUM") => "NORMAL".to_owned(),
            (Self::Guide, _) => priority,
            (Self::Reference, "NORMAL") => "MEDIUM".to_owned(),
            (Self::Reference, _) => priority,
            (Self::Shipped, "NORMAL") => "medium".to_owned(),
            (Self::Shipped, _) => priority.to_lowercase(),
        }
    }

    /// A type in this dialect; `None` when it knows none such, so that it is left out.
    #[must_use]
    pub fn kind(self, kind: &str) -> Option<String> {
        match self {
            Self::Guide => Some(kind.to_owned()),
            Self::Reference => DOCUMENTED.contains(&kind).then(|| kind.to_owned()),
            Self::Shipped => None,
        }
    }
}

/// A task as MAOS takes it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MaosTask {
    /// What is to be done.
    pub description: String,
    /// The type, where the dialect knows it.
    #[serde(rename = "type", skip_serializing_if = "Option::is_none", default)]
    pub kind: Option<String>,
    /// How many agents can work at once: the widest stage of the plan, 1 to 8.
    pub max_agents: usize,
    /// In the dialect's spelling.
    pub priority: String,
    /// Seconds.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub timeout: Option<u64>,
    /// Legacy ids; [`translate`] turns them into MAOS ids when the tasks they name have been submitted.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub depends_on: Vec<TaskId>,
    /// Where it comes from.
    pub metadata: Metadata,
}

/// Where a task comes from and what it consists of.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Metadata {
    /// The legacy id, as given.
    pub legacy_id: TaskId,
    /// The start of the run, UTC.
    pub converted_at: jiff::Timestamp,
    /// The parts that can be worked on, each once, the coordinator left out.
    pub parallel_components: Vec<String>,
    /// The dependencies as the legacy file gave them, kept when `depends_on` is translated or shortened.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub legacy_dependencies: Vec<TaskId>,
    /// The type by the rules, where the dialect has no field for it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub task_type: Option<String>,
    /// 0 to 10.
    pub parallel_score: u8,
    /// Its band.
    pub parallel_band: Band,
    /// `made` by the rules or `accepted` as a person left it.
    pub plan: String,
    /// The plan, when it has more than one subtask.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub subtasks: Vec<Subtask>,
    /// The legacy status, lower case.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub legacy_status: Option<String>,
    /// When the legacy system made it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub created_at: Option<jiff::Timestamp>,
    /// Every field that has no place above, as given.
    #[serde(skip_serializing_if = "Map::is_empty", default)]
    pub legacy: Map<String, Value>,
}

/// What a conversion needs besides the task.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Whose enums.
    pub dialect: Dialect,
    /// The start of the run.
    pub started: jiff::Timestamp,
}

/// Converts one task. `plan` is its decomposition, `accepted` whether a person accepted it, `kind` its type by the rules,
/// `satisfied` the dependencies that are left out because their tasks are finished or the policy drops them.
#[must_use]
pub fn convert(
    task: LegacyTask,
    plan: &Decomposition,
    accepted: bool,
    kind: String,
    left_out: &[TaskId],
    settings: &Settings,
) -> MaosTask {
    let work = || {
        plan.subtasks
            .iter()
            .filter(|subtask| subtask.rule != rule::COORDINATION)
    };
    let mut components: Vec<String> = Vec::new();
    for subtask in work() {
        if !components.contains(&subtask.description) {
            components.push(subtask.description.clone());
        }
    }
    let width = plan
        .stages
        .iter()
        .map(|stage| {
            stage
                .iter()
                .filter(|i| {
                    plan.subtasks
                        .get(**i)
                        .is_some_and(|s| s.rule != rule::COORDINATION)
                })
                .count()
        })
        .max()
        .unwrap_or(1);
    let written = settings.dialect.kind(&kind);
    MaosTask {
        max_agents: width.clamp(1, MOST_AGENTS),
        priority: settings
            .dialect
            .priority(task.priority.as_deref().unwrap_or("NORMAL")),
        timeout: task.timeout,
        depends_on: task
            .dependencies
            .iter()
            .filter(|id| !left_out.contains(id))
            .cloned()
            .collect(),
        metadata: Metadata {
            legacy_id: task.id,
            converted_at: settings.started,
            parallel_components: components,
            legacy_dependencies: task.dependencies,
            task_type: if written.is_none() { Some(kind) } else { None },
            parallel_score: plan.parallelism.score,
            parallel_band: plan.parallelism.band,
            plan: if accepted { "accepted" } else { "made" }.to_owned(),
            subtasks: if plan.subtasks.len() > 1 || accepted {
                plan.subtasks.clone()
            } else {
                Vec::new()
            },
            legacy_status: task.status,
            created_at: task.created,
            legacy: task.extra,
        },
        kind: written,
        description: task.description,
    }
}

/// The MAOS ids of a task's dependencies, once those tasks are submitted; `known` maps legacy ids (as text) to MAOS ids.
///
/// # Errors
/// The legacy ids that have no MAOS id yet: the task must wait, or be skipped with its dependency.
pub fn translate(
    depends_on: &[TaskId],
    known: &BTreeMap<String, String>,
) -> Result<Vec<String>, Vec<TaskId>> {
    let mut out = Vec::new();
    let mut missing = Vec::new();
    for id in depends_on {
        match known.get(&id.to_string()) {
            Some(maos) => out.push(maos.clone()),
            None => missing.push(id.clone()),
        }
    }
    if missing.is_empty() { Ok(out) } else { Err(missing) }
}
