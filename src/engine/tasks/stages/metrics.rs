//! The guide's metrics under their own names and formulas, an honest speed-up bound, and hints worded for a person.

use serde::{Deserialize, Serialize};

use super::graph::Graph;
use super::plan::{CriticalPath, StagePlan};

/// What a stage plan measures. All but `speedup_bound` are the guide's, by its formulas.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Metrics {
    /// Nodes.
    pub total_tasks: usize,
    /// Stages.
    pub execution_stages: usize,
    /// Nodes of the widest stage.
    pub max_parallel_tasks: usize,
    /// `total_tasks ÷ execution_stages`.
    pub avg_parallel_tasks: f64,
    /// `avg_parallel_tasks ÷ total_tasks`, which is 1 ÷ stages whatever the graph; kept for comparison, judge by the bound.
    pub parallelization_efficiency: f64,
    /// The guide counts stages here; the weighted path is [`CriticalPath`].
    pub critical_path_length: usize,
    /// The work over the weighted critical path: no number of agents makes it faster than this.
    pub speedup_bound: f64,
}

#[expect(clippy::cast_precision_loss, reason = "counts far below 2^53")]
fn real(n: usize) -> f64 {
    n as f64
}

impl Metrics {
    /// Measures a plan; `work` is the sum of all weights.
    #[must_use]
    pub fn of(graph: &Graph, plan: &StagePlan, path: &CriticalPath, work: f64) -> Self {
        let (total, stages) = (graph.len(), plan.len());
        let average = if stages == 0 {
            0.0
        } else {
            real(total) / real(stages)
        };
        Self {
            total_tasks: total,
            execution_stages: stages,
            max_parallel_tasks: plan.width(),
            avg_parallel_tasks: average,
            parallelization_efficiency: if total == 0 { 0.0 } else { average / real(total) },
            critical_path_length: stages,
            speedup_bound: if path.length > 0.0 {
                work / path.length
            } else {
                0.0
            },
        }
    }
}

/// How many hints of one kind are worded in full.
const MOST_HINTS: usize = 20;

/// The guide's optimisation hints: more than three dependencies, more than three dependents, a plan that is nearly a line.
/// `name` gives a node's name as the person knows it.
pub fn suggestions(
    graph: &Graph,
    plan: &StagePlan,
    metrics: &Metrics,
    name: &dyn Fn(usize) -> String,
) -> Vec<String> {
    let mut out = Vec::new();
    let mut say = |found: Vec<(usize, usize)>, words: &dyn Fn(&str, usize) -> String, more: &str| {
        for (node, count) in found.iter().take(MOST_HINTS) {
            out.push(words(&name(*node), *count));
        }
        if found.len() > MOST_HINTS {
            out.push(format!("{} more tasks {more}.", found.len() - MOST_HINTS));
        }
    };
    let many: Vec<(usize, usize)> = (0..graph.len())
        .map(|i| (i, graph.waits_for(i).len()))
        .filter(|(_, n)| *n > 3)
        .collect();
    say(
        many,
        &|name, n| {
            format!(
                "{name} waits for {n} tasks. Split it, so that its parts can start as soon as their own inputs are ready."
            )
        },
        "wait for more than 3 tasks",
    );
    let mut dependents = vec![0_usize; graph.len()];
    for i in 0..graph.len() {
        for &dependency in graph.waits_for(i) {
            dependents[dependency as usize] += 1;
        }
    }
    let blocking: Vec<(usize, usize)> = dependents
        .into_iter()
        .enumerate()
        .filter(|(_, n)| *n > 3)
        .collect();
    say(
        blocking,
        &|name, n| {
            format!(
                "{name} holds up {n} tasks. Do it first, or split it, so that some of them can start earlier."
            )
        },
        "hold up more than 3 tasks",
    );
    // The guide asks for an efficiency under 0.5, which every plan of three stages has; the bound says what is meant.
    if metrics.total_tasks > 1 && metrics.speedup_bound < 1.5 {
        let last = plan.len();
        out.push(format!(
            "At most {:.1} times faster than one after the other, for {last} stages stand in line. Split the longest tasks, or drop dependencies that are habit only.",
            metrics.speedup_bound
        ));
    }
    out
}
