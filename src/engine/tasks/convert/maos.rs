//! A legacy task in the guide's MAOS task format, in the spelling of each dialect.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashSet};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::engine::tasks::decompose::{Decomposition, Sketch};
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
    pub fn priority(self, priority: &str) -> Cow<'_, str> {
        let upper = if priority.bytes().all(|byte| byte.is_ascii_uppercase()) {
            Cow::Borrowed(priority)
        } else {
            Cow::Owned(priority.to_uppercase())
        };
        match (self, upper.as_ref()) {
            (Self::Guide, "MEDIUM") => Cow::Borrowed("NORMAL"),
            (Self::Guide, _) => upper,
            (Self::Reference, "NORMAL") => Cow::Borrowed("MEDIUM"),
            (Self::Reference, _) => upper,
            (Self::Shipped, "NORMAL") => Cow::Borrowed("medium"),
            (Self::Shipped, _) => Cow::Owned(upper.to_lowercase()),
        }
    }

    /// A type in this dialect; `None` when it knows none such, so that it is left out.
    #[must_use]
    pub fn kind(self, kind: &str) -> Option<&str> {
        match self {
            Self::Guide => Some(kind),
            Self::Reference => DOCUMENTED.contains(&kind).then_some(kind),
            Self::Shipped => None,
        }
    }
}

/// A task as MAOS takes it. It borrows from the legacy task and its plan: most of it is their text.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MaosTask<'a> {
    /// What is to be done.
    pub description: Cow<'a, str>,
    /// The type, where the dialect knows it.
    #[serde(rename = "type", skip_serializing_if = "Option::is_none", default)]
    pub kind: Option<Cow<'a, str>>,
    /// How many agents can work at once: the widest stage of the plan, 1 to 8.
    pub max_agents: usize,
    /// In the dialect's spelling.
    pub priority: Cow<'a, str>,
    /// Seconds.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub timeout: Option<u64>,
    /// Legacy ids; [`translate`] turns them into MAOS ids when the tasks they name have been submitted.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub depends_on: Vec<Cow<'a, TaskId>>,
    /// Where it comes from.
    pub metadata: Metadata<'a>,
}

/// Where a task comes from and what it consists of.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Metadata<'a> {
    /// The legacy id, as given.
    pub legacy_id: Cow<'a, TaskId>,
    /// The start of the run, UTC.
    pub converted_at: jiff::Timestamp,
    /// The parts that can be worked on, each once, the coordinator left out.
    pub parallel_components: Vec<Cow<'a, str>>,
    /// The dependencies as the legacy file gave them, kept when `depends_on` is translated or shortened.
    #[serde(skip_serializing_if = "none", default)]
    pub legacy_dependencies: Cow<'a, [TaskId]>,
    /// The type by the rules, where the dialect has no field for it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub task_type: Option<Cow<'a, str>>,
    /// 0 to 10.
    pub parallel_score: u8,
    /// Its band.
    pub parallel_band: Band,
    /// `made` by the rules or `accepted` as a person left it.
    pub plan: Cow<'a, str>,
    /// The plan, when it has more than one subtask.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub subtasks: Vec<Step<'a>>,
    /// The legacy status, lower case.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub legacy_status: Option<Cow<'a, str>>,
    /// When the legacy system made it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub created_at: Option<jiff::Timestamp>,
    /// Every field that has no place above, as given.
    #[serde(skip_serializing_if = "no_field", default)]
    pub legacy: Cow<'a, Map<String, Value>>,
}

/// A subtask of the plan, as [`crate::engine::tasks::Subtask`] has it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step<'a> {
    /// Its index in the plan, from 0.
    pub id: usize,
    /// What is to be done.
    pub description: Cow<'a, str>,
    /// Its type.
    #[serde(rename = "type")]
    pub kind: Cow<'a, str>,
    /// The subtasks it waits for, ascending.
    pub dependencies: Cow<'a, [usize]>,
    /// The rule that made it.
    pub rule: Cow<'a, str>,
}

fn none(ids: &[TaskId]) -> bool {
    ids.is_empty()
}

fn no_field(fields: &Map<String, Value>) -> bool {
    fields.is_empty()
}

/// A plan as conversion takes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Planned<'a> {
    steps: Vec<Step<'a>>,
    width: usize,
    score: u8,
    accepted: bool,
}

impl<'a> Planned<'a> {
    /// The plan the rules make.
    pub(crate) fn made(sketch: &'a Sketch<'a>) -> Self {
        let steps = sketch.lines.iter().enumerate().map(|(id, line)| Step {
            id,
            description: Cow::Borrowed(&line.description),
            kind: Cow::Borrowed(line.kind),
            dependencies: Cow::Borrowed(&line.dependencies),
            rule: Cow::Borrowed(line.rule),
        });
        Self {
            steps: steps.collect(),
            width: sketch.shape.width,
            score: sketch.score,
            accepted: false,
        }
    }

    /// A plan as a person left it.
    #[must_use]
    pub fn accepted(plan: &'a Decomposition) -> Self {
        let works = |i: &usize| {
            plan.subtasks
                .get(*i)
                .is_some_and(|subtask| subtask.rule != rule::COORDINATION)
        };
        let widths = plan
            .stages
            .iter()
            .map(|stage| stage.iter().filter(|i| works(i)).count());
        let steps = plan.subtasks.iter().map(|subtask| Step {
            id: subtask.id,
            description: Cow::Borrowed(&subtask.description),
            kind: Cow::Borrowed(&subtask.kind),
            dependencies: Cow::Borrowed(&subtask.dependencies),
            rule: Cow::Borrowed(&subtask.rule),
        });
        Self {
            steps: steps.collect(),
            width: widths.max().unwrap_or(1),
            score: plan.parallelism.score,
            accepted: true,
        }
    }

    /// 0 to 10.
    #[must_use]
    pub const fn score(&self) -> u8 {
        self.score
    }

    /// How many subtasks, the coordinator with them.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.steps.len()
    }

    /// Whether there is none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.steps.is_empty()
    }

    /// What can be worked on, each once.
    fn components(&self) -> Vec<Cow<'a, str>> {
        let mut seen = HashSet::new();
        let few = self.steps.len() <= FEW;
        let mut out: Vec<Cow<'a, str>> = Vec::with_capacity(self.steps.len());
        for step in self.steps.iter().filter(|step| step.rule != rule::COORDINATION) {
            let new = if few {
                !out.contains(&step.description)
            } else {
                seen.insert(step.description.clone())
            };
            if new {
                out.push(step.description.clone());
            }
        }
        out
    }
}

/// So few texts are compared one by one.
const FEW: usize = 24;

/// What a conversion needs besides the task.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Whose enums.
    pub dialect: Dialect,
    /// The start of the run.
    pub started: jiff::Timestamp,
}

/// Converts one task. `kind` is its type by the rules, `left_out` the dependencies that are left out because their tasks are
/// finished or the policy drops them.
#[must_use]
pub fn convert<'a>(
    task: &'a LegacyTask,
    plan: Planned<'a>,
    kind: &'a str,
    left_out: &[&TaskId],
    settings: &Settings,
) -> MaosTask<'a> {
    let written = settings.dialect.kind(kind);
    MaosTask {
        description: Cow::Borrowed(&task.description),
        kind: written.map(Cow::Borrowed),
        max_agents: plan.width.clamp(1, MOST_AGENTS),
        priority: settings
            .dialect
            .priority(task.priority.as_deref().unwrap_or("NORMAL")),
        timeout: task.timeout,
        depends_on: task
            .dependencies
            .iter()
            .filter(|id| !left_out.contains(id))
            .map(Cow::Borrowed)
            .collect(),
        metadata: Metadata {
            legacy_id: Cow::Borrowed(&task.id),
            converted_at: settings.started,
            parallel_components: plan.components(),
            legacy_dependencies: Cow::Borrowed(&task.dependencies),
            task_type: if written.is_none() {
                Some(Cow::Borrowed(kind))
            } else {
                None
            },
            parallel_score: plan.score,
            parallel_band: Band::of(plan.score),
            plan: Cow::Borrowed(if plan.accepted { "accepted" } else { "made" }),
            subtasks: if plan.steps.len() > 1 || plan.accepted {
                plan.steps
            } else {
                Vec::new()
            },
            legacy_status: task.status.as_deref().map(Cow::Borrowed),
            created_at: task.created,
            legacy: Cow::Borrowed(&task.extra),
        },
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
