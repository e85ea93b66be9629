//! A description into its decomposition: subtasks, stages, metrics, score. The shape of `tasks decompose --json`.

use serde::{Deserialize, Serialize};

use super::grammar::link::Draft;
use super::grammar::reader::Reader;
use super::grammar::{self, expand::rule};
use super::model::{Band, TaskId};
use super::rules::{Matching, Rules};
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

/// A description taken apart, without stages and reasons: as much as conversion needs.
pub(crate) struct Sketch<'r> {
    /// In the order of the text, a coordinator last.
    pub lines: Vec<Line<'r>>,
    /// How many of them work at once, and so on.
    pub shape: Shape,
    /// 0 to 10.
    pub score: u8,
    /// The type of the whole task.
    pub kind: &'r str,
}

/// A subtask of a [`Sketch`].
pub(crate) struct Line<'r> {
    pub description: String,
    pub kind: &'r str,
    pub dependencies: Vec<usize>,
    pub rule: &'static str,
}

/// Takes a description apart; each word is looked up once.
pub(crate) fn sketch<'r>(text: &str, rules: &'r Rules) -> Sketch<'r> {
    let (reader, toks) = Reader::read(text.trim(), &rules.lexicon);
    let draft = grammar::parse_read(&reader, &toks);
    let whole = types::of_read_task(&reader, &toks, rules);
    let lines = lines(draft, &reader, whole, rules);
    let shape = shape_of(&lines);
    let score = score::of_read(&reader, shape, rules);
    Sketch {
        lines,
        shape,
        score,
        kind: whole,
    }
}

fn lines<'r>(draft: Draft, reader: &Reader<'_>, whole: &'r str, rules: &'r Rules) -> Vec<Line<'r>> {
    let by_words = rules.matching == Matching::Words;
    let mut lines: Vec<Line<'r>> = Vec::with_capacity(draft.parts.len() + 1);
    for (part, after) in draft.parts.into_iter().zip(draft.after) {
        let kind = if !by_words {
            types::by_substring(&part.text, &rules.subtask_types)
        } else if part.text == reader.text {
            whole
        } else if let Some(kind) = types::by_opening_verb(&part.text, &rules.lexicon) {
            kind
        } else {
            let (part, toks) = Reader::read(&part.text, &rules.lexicon);
            types::by_words(&part, &toks, &rules.lexicon)
        };
        lines.push(Line {
            // A written "combine the results" is work; the type is kept for what is added here.
            kind: if by_words && kind == types::COORDINATION {
                types::GENERAL
            } else {
                kind
            },
            description: part.text,
            dependencies: after,
            rule: part.rule,
        });
    }
    let loose = loose_ends(lines.iter().map(|line| line.dependencies.as_slice()));
    if loose.len() > 1 {
        lines.push(Line {
            description: gathering(draft.coordinator, loose.len()),
            kind: types::COORDINATION,
            dependencies: loose,
            rule: rule::COORDINATION,
        });
    }
    lines
}

/// Decomposes one description.
#[must_use]
pub fn decompose(id: TaskId, text: &str, rules: &Rules) -> Decomposition {
    let (reader, toks) = Reader::read(text.trim(), &rules.lexicon);
    let draft = grammar::parse_read(&reader, &toks);
    let whole = types::of_read_task(&reader, &toks, rules);
    let subtasks = lines(draft, &reader, whole, rules)
        .into_iter()
        .enumerate()
        .map(|(id, line)| Subtask {
            id,
            description: line.description,
            kind: line.kind.to_owned(),
            dependencies: line.dependencies,
            rule: line.rule.to_owned(),
        })
        .collect();
    finish(id, text.to_owned(), subtasks, rules)
}

/// What nothing waits for, ascending.
fn loose_ends<'a>(lists: impl ExactSizeIterator<Item = &'a [usize]>) -> Vec<usize> {
    let mut waited = vec![false; lists.len()];
    for &dependency in lists.flatten() {
        if let Some(waited) = waited.get_mut(dependency) {
            *waited = true;
        }
    }
    (0..waited.len()).filter(|&i| !waited[i]).collect()
}

fn gathering(name: Option<String>, count: usize) -> String {
    name.unwrap_or_else(|| format!("Gather the {count} results"))
}

/// The subtask that gathers the loose ends; `None` when there is one or none.
#[must_use]
pub fn coordinator(subtasks: &[Subtask], name: Option<&str>) -> Option<Subtask> {
    let loose = loose_ends(subtasks.iter().map(|subtask| subtask.dependencies.as_slice()));
    (loose.len() > 1).then(|| Subtask {
        id: subtasks.len(),
        description: gathering(name.map(str::to_owned), loose.len()),
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
    let widths = plan
        .stages()
        .map(|stage| stage.iter().filter(|&&i| works(i)).count());
    measured(widths)
}

fn measured(widths: impl Iterator<Item = usize>) -> Shape {
    let mut shape = Shape::default();
    for width in widths.filter(|width| *width > 0) {
        shape.work += width;
        shape.width = shape.width.max(width);
        shape.length += 1;
    }
    shape
}

/// As [`shape`], where everything waits only for what stands before it, as the grammar makes it.
fn shape_of(lines: &[Line<'_>]) -> Shape {
    let mut stage_of: Vec<usize> = Vec::with_capacity(lines.len());
    let mut widths: Vec<usize> = Vec::new();
    for line in lines {
        let before = line.dependencies.iter().filter_map(|i| stage_of.get(*i));
        let stage = before.max().map_or(0, |stage| stage + 1);
        stage_of.push(stage);
        if line.rule != rule::COORDINATION {
            if widths.len() <= stage {
                widths.resize(stage + 1, 0);
            }
            widths[stage] += 1;
        }
    }
    measured(widths.into_iter())
}
