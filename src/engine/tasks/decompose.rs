//! A description into its decomposition: subtasks, stages, metrics, score. The shape of `tasks decompose --json`.

use serde::{Deserialize, Serialize};

use super::grammar;
use super::grammar::expand::rule;
use super::model::{Band, TaskId};
use super::rules::Rules;
use super::score::{self, Score, Shape};
use super::stages::{Graph, Metrics, StagePlan, critical_path};
use super::types;

/// One subtask.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Subtask {
    /// Its index in the plan, from 0.
    pub id: usize,
    /// What is to be done.
    pub description: String,
    /// Its type; `coordination` is only what was added to gather others.
    #[serde(rename = "type")]
    pub kind: String,
    /// The subtasks it waits for, ascending.
    pub dependencies: Vec<usize>,
    /// The rule that made it.
    pub rule: String,
}

/// The score of a decomposition, without its reasons.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Parallelism {
    /// 0 to 10.
    pub score: u8,
    /// Its band.
    pub band: Band,
}

/// A description and what became of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Decomposition {
    /// The task's id as given.
    pub id: TaskId,
    /// The description.
    pub original: String,
    /// The subtasks, in the order of the text, a coordinator last.
    pub subtasks: Vec<Subtask>,
    /// Whether a coordinator was added.
    pub coordination_needed: bool,
    /// How well it runs side by side.
    pub parallelism: Parallelism,
    /// The guide's number: subtasks without the coordinator, 8 at most.
    pub parallel_efficiency_estimate: usize,
    /// Ids by stage.
    pub stages: Vec<Vec<usize>>,
    /// What the stages measure.
    pub metrics: Metrics,
    /// Why it has this score; printed by `tasks score`.
    #[serde(skip)]
    pub reasons: Vec<String>,
}

/// Decomposes one description.
#[must_use]
pub fn decompose(id: TaskId, text: &str, rules: &Rules) -> Decomposition {
    let draft = grammar::parse(text, &rules.lexicon);
    let mut subtasks: Vec<Subtask> = draft
        .parts
        .iter()
        .zip(&draft.after)
        .enumerate()
        .map(|(id, (part, after))| Subtask {
            id,
            description: part.text.clone(),
            kind: types::of_subtask(&part.text, rules),
            dependencies: after.iter().copied().collect(),
            rule: part.rule.to_owned(),
        })
        .collect();
    // A written "combine the results" is work; the type is kept for what is added here.
    if rules.matching == super::rules::Matching::Words {
        for subtask in &mut subtasks {
            if subtask.kind == types::COORDINATION {
                types::GENERAL.clone_into(&mut subtask.kind);
            }
        }
    }
    if let Some(coordinator) = coordinator(&subtasks, draft.coordinator.as_deref()) {
        subtasks.push(coordinator);
    }
    finish(id, text.to_owned(), subtasks, rules)
}

/// The subtask that gathers the loose ends; `None` when there is one or none.
#[must_use]
pub fn coordinator(subtasks: &[Subtask], name: Option<&str>) -> Option<Subtask> {
    let mut waited = vec![false; subtasks.len()];
    for subtask in subtasks {
        for &dependency in &subtask.dependencies {
            if let Some(waited) = waited.get_mut(dependency) {
                *waited = true;
            }
        }
    }
    let loose: Vec<usize> = (0..subtasks.len()).filter(|&i| !waited[i]).collect();
    (loose.len() > 1).then(|| Subtask {
        id: subtasks.len(),
        description: name.map_or_else(|| format!("Gather the {} results", loose.len()), str::to_owned),
        kind: types::COORDINATION.to_owned(),
        dependencies: loose,
        rule: rule::COORDINATION.to_owned(),
    })
}

/// Stages, measures and scores subtasks, whoever made them. Dependencies must have no cycle.
#[must_use]
pub fn finish(id: TaskId, original: String, subtasks: Vec<Subtask>, rules: &Rules) -> Decomposition {
    let lists: Vec<Vec<usize>> = subtasks
        .iter()
        .map(|subtask| subtask.dependencies.clone())
        .collect();
    let graph = Graph::from_lists(&lists);
    let plan = StagePlan::of(&graph);
    let path = critical_path(&graph, &plan, &[]);
    #[expect(clippy::cast_precision_loss, reason = "a handful of subtasks")]
    let metrics = Metrics::of(&graph, &plan, &path, graph.len() as f64);
    let Score { score, band, reasons } = score::score(&original, shape(&subtasks, &plan), rules);
    let coordination_needed = subtasks.iter().any(|subtask| subtask.rule == rule::COORDINATION);
    let work = subtasks.len()
        - subtasks
            .iter()
            .filter(|subtask| subtask.rule == rule::COORDINATION)
            .count();
    Decomposition {
        id,
        original,
        coordination_needed,
        parallelism: Parallelism { score, band },
        parallel_efficiency_estimate: work.min(8),
        stages: plan
            .stages()
            .map(|stage| stage.iter().map(|&i| i as usize).collect())
            .collect(),
        metrics,
        subtasks,
        reasons,
    }
}

/// The shape of the work, the coordinator left out.
fn shape(subtasks: &[Subtask], plan: &StagePlan) -> Shape {
    let works = |i: u32| {
        subtasks
            .get(i as usize)
            .is_some_and(|subtask| subtask.rule != rule::COORDINATION)
    };
    let widths: Vec<usize> = plan
        .stages()
        .map(|stage| stage.iter().filter(|&&i| works(i)).count())
        .filter(|width| *width > 0)
        .collect();
    Shape {
        work: widths.iter().sum(),
        width: widths.iter().copied().max().unwrap_or(0),
        length: widths.len(),
    }
}
