//! What the Tasks screen draws: the list, the plan of any task with its stages and what-if table, the quarantine.
//!
//! A view is made off the drawing loop, never changes and is shared with an `Arc`. It keeps descriptions up to a bound of
//! bytes; a task's plan is made again from its description when it is looked at, which takes microseconds.

use std::collections::{BTreeMap, HashSet};

use super::convert::Accepted;
use super::decompose::{Decomposition, decompose};
use super::input::record::{find_spare, spare_id};
use super::input::{Described, Item, Raw, Records, Refused};
use super::model::{Band, TaskId};
use super::rules::Rules;
use super::stages::{Graph, Makespan, Simulation, StagePlan, critical_path};
use super::verbs::Tally;
use crate::engine::error::Result;
use crate::engine::operation::{Control, Progress, Quarantined};
use crate::engine::text::inert_short;

/// The descriptions a view keeps, in bytes.
pub const TEXT_BOUND: usize = 64 * 1024 * 1024;
/// The refused records a view shows.
const QUARANTINE_BOUND: usize = 10_000;

/// A row of the list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// The task's id.
    pub id: TaskId,
    /// The description, as given.
    pub description: String,
    /// 0 to 10.
    pub score: u8,
    /// Its band.
    pub band: Band,
    /// Subtasks, the coordinator with them.
    pub parts: usize,
    /// Stages.
    pub stages: usize,
    /// Whether its plan is accepted.
    pub accepted: bool,
}

/// The Tasks screen's view.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct View {
    /// The file, as the person knows it.
    pub source: String,
    /// The list, in the order of the file.
    pub rows: Vec<Row>,
    /// Tasks read but not listed, for the bound of bytes is reached.
    pub not_listed: u64,
    /// What was set aside, the first ten thousand.
    pub quarantine: Vec<Quarantined>,
    /// How many were set aside, by reason.
    pub reasons: BTreeMap<String, u64>,
    /// All counts, the mean score among them.
    pub tally: Tally,
}

/// A plan as the stage view and the strip below it show it.
#[derive(Debug, Clone, PartialEq)]
pub struct Detail {
    /// The plan.
    pub plan: Decomposition,
    /// The subtasks on the critical path, first to last.
    pub critical: Vec<usize>,
    /// Its length.
    pub critical_length: f64,
    /// What waits for each subtask.
    pub feeds: Vec<Vec<usize>>,
    /// Agents and makespan, up to the fewest agents for the shortest.
    pub table: Vec<Makespan>,
    /// The fewest agents for the shortest makespan.
    pub fewest: Makespan,
}

impl View {
    /// Reads a tasks file. `accepted` marks rows whose plan is accepted, and its plans count for them.
    ///
    /// # Errors
    /// What reading fails with; `Interrupted` at a safe point.
    pub fn read(
        source: &str,
        mut records: Records,
        rules: &Rules,
        accepted: &Accepted,
        control: &Control,
    ) -> Result<Self> {
        records.heed(control);
        let mut view = Self {
            source: source.to_owned(),
            ..Self::default()
        };
        let (mut bytes, mut sum) = (0_usize, 0_u64);
        let mut seen = HashSet::new();
        // Rows without an id of their own, with their record's number.
        let mut made_ids = Vec::new();
        while let Some(item) = records.next_item()? {
            if view.tally.total.is_multiple_of(256) {
                control.safe_point()?;
                control.progress(Progress {
                    done: view.tally.done,
                    quarantined: view.tally.quarantined,
                    unit: "tasks".to_owned(),
                    phase: "scoring".to_owned(),
                    bytes: records.bytes_read(),
                    ..Progress::default()
                });
            }
            view.tally.total += 1;
            let read = match item {
                Item::Bad(refused) => Err(Box::new(refused)),
                Item::Record(raw) => Described::read(&raw, view.tally.total).and_then(|task| {
                    // As the conversion: the first record keeps the id, a later one with the same is set aside.
                    if task.id_made || seen.insert(task.id.to_string()) {
                        Ok(task)
                    } else {
                        Err(Box::new(duplicate(&raw, &task.id)))
                    }
                }),
            };
            match read {
                Ok(task) => {
                    let made = accepted
                        .get(&task.id.to_string())
                        .filter(|plan| plan.original == task.description);
                    let row = Row::of(&task, made, rules);
                    view.tally.done += 1;
                    sum += u64::from(row.score);
                    view.tally.bands[match row.band {
                        Band::Low => 0,
                        Band::Medium => 1,
                        Band::High => 2,
                    }] += 1;
                    bytes += row.description.len() + 128;
                    if bytes <= TEXT_BOUND {
                        if task.id_made {
                            made_ids.push((view.rows.len(), view.tally.total));
                        }
                        view.rows.push(row);
                    } else {
                        view.not_listed += 1;
                    }
                }
                Err(refused) => {
                    view.tally.quarantined += 1;
                    *view.reasons.entry(refused.reason.to_owned()).or_default() += 1;
                    if view.quarantine.len() < QUARANTINE_BOUND {
                        view.quarantine.push(Quarantined {
                            kind: "task".to_owned(),
                            key: refused.key(),
                            reason: refused.reason.to_owned(),
                            place: refused.whereabouts(),
                            why: refused.why.clone(),
                            hint: "Correct the record in the file, then read it again.".to_owned(),
                            raw: inert_short(&refused.raw_text(), 400),
                        });
                    }
                }
            }
        }
        // As the conversion: an id of the file goes before a made one.
        made_ids.retain(|(_, number)| seen.contains(&number.to_string()));
        let numbers: Vec<u64> = made_ids.iter().map(|(_, number)| *number).collect();
        let spare = find_spare(&numbers, |id| seen.contains(&id.to_string()));
        for (place, number) in made_ids {
            let row = &mut view.rows[place];
            let task = Described {
                id: spare_id(number, spare),
                id_made: true,
                description: std::mem::take(&mut row.description),
            };
            let made = accepted
                .get(&task.id.to_string())
                .filter(|plan| plan.original == task.description);
            *row = Row::of(&task, made, rules);
        }
        if view.tally.done > 0 {
            #[expect(clippy::cast_precision_loss, reason = "counts far below 2^53")]
            let average = sum as f64 / view.tally.done as f64;
            view.tally.average_score = average;
        }
        Ok(view)
    }

    /// A row's plan: the accepted one, or the one the rules make.
    #[must_use]
    pub fn plan(&self, row: usize, rules: &Rules, accepted: &Accepted) -> Option<Decomposition> {
        let row = self.rows.get(row)?;
        let made = accepted
            .get(&row.id.to_string())
            .filter(|plan| plan.original == row.description);
        Some(
            made.cloned()
                .unwrap_or_else(|| decompose(row.id.clone(), &row.description, rules)),
        )
    }
}

fn duplicate(raw: &Raw, id: &TaskId) -> Refused {
    Refused {
        line: raw.line,
        id: Some(id.clone()),
        reason: "duplicate_id",
        place: "id".to_owned(),
        why: "Another record before it has the same id.".to_owned(),
        raw: raw.bytes().to_vec(),
    }
}

impl Row {
    fn of(task: &Described, accepted: Option<&Decomposition>, rules: &Rules) -> Self {
        let made;
        let plan = if let Some(plan) = accepted {
            plan
        } else {
            made = decompose(task.id.clone(), &task.description, rules);
            &made
        };
        Self {
            id: task.id.clone(),
            description: task.description.clone(),
            score: plan.parallelism.score,
            band: plan.parallelism.band,
            parts: plan.subtasks.len(),
            stages: plan.stages.len(),
            accepted: accepted.is_some(),
        }
    }
}

impl Detail {
    /// Everything the stage view shows of a plan. `weights` has one entry a subtask; empty means 1 each (assumed).
    #[must_use]
    pub fn of(plan: Decomposition, weights: &[f64]) -> Self {
        let (graph, stages) = staged(&plan);
        let path = critical_path(&graph, &stages, weights);
        let simulation = Simulation::new(&graph, &stages, weights);
        let behind = graph.reversed();
        Self {
            critical: path.nodes.iter().map(|i| *i as usize).collect(),
            critical_length: path.length,
            feeds: (0..graph.len())
                .map(|i| behind.waits_for(i).iter().map(|i| *i as usize).collect())
                .collect(),
            table: simulation.table(),
            fewest: simulation.fewest(),
            plan,
        }
    }

    /// The plan with another number of agents.
    #[must_use]
    pub fn with_agents(&self, agents: usize, weights: &[f64]) -> Makespan {
        let (graph, stages) = staged(&self.plan);
        Simulation::new(&graph, &stages, weights).run(agents)
    }
}

fn staged(plan: &Decomposition) -> (Graph, StagePlan) {
    let lists: Vec<Vec<usize>> = plan
        .subtasks
        .iter()
        .map(|subtask| subtask.dependencies.clone())
        .collect();
    let graph = Graph::from_lists(&lists);
    let stages = StagePlan::of(&graph);
    (graph, stages)
}
