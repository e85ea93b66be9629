//! What-if: how long a plan takes with N agents, and how long they stand idle.
//!
//! List scheduling: whenever an agent is free it takes the ready task with the longest path behind it, the smallest index
//! among equals. So the result is the same in every run.

use std::cmp::Ordering;
use std::collections::BinaryHeap;

use super::graph::Graph;
use super::plan::{StagePlan, urgency};

/// One simulated run.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Makespan {
    /// How many agents.
    pub agents: usize,
    /// When the last task ends.
    pub makespan: f64,
    /// Agents × makespan − work.
    pub idle: f64,
    /// Work ÷ makespan.
    pub speedup: f64,
}

#[derive(PartialEq)]
struct Ready(f64, u32);
impl Eq for Ready {}
impl PartialOrd for Ready {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}
impl Ord for Ready {
    fn cmp(&self, other: &Self) -> Ordering {
        self.0.total_cmp(&other.0).then(other.1.cmp(&self.1))
    }
}

/// A plan prepared for many simulations.
#[derive(Debug, Clone)]
pub struct Simulation<'a> {
    graph: &'a Graph,
    behind: Graph,
    weights: Vec<f64>,
    urgency: Vec<f64>,
    work: f64,
    width: usize,
    critical: f64,
}

impl<'a> Simulation<'a> {
    /// Prepares `graph`, which must have no cycle; an empty `weights` means 1 each. Negative weights count as 0.
    #[must_use]
    pub fn new(graph: &'a Graph, plan: &StagePlan, weights: &[f64]) -> Self {
        let weights: Vec<f64> = (0..graph.len())
            .map(|i| weights.get(i).copied().unwrap_or(1.0))
            .map(|w| if w.is_finite() { w.max(0.0) } else { 0.0 })
            .collect();
        let urgency = urgency(graph, plan, &weights);
        Self {
            graph,
            behind: graph.reversed(),
            work: weights.iter().sum(),
            critical: urgency.iter().copied().fold(0.0, f64::max),
            weights,
            urgency,
            width: plan.width(),
        }
    }

    /// Runs the plan with `agents` agents (at least one).
    #[must_use]
    pub fn run(&self, agents: usize) -> Makespan {
        let agents = agents.max(1);
        let mut open: Vec<u32> = (0..self.graph.len())
            .map(|i| u32::try_from(self.graph.waits_for(i).len()).unwrap_or(u32::MAX))
            .collect();
        let mut ready: BinaryHeap<Ready> = (0..self.graph.len())
            .filter(|&i| open[i] == 0)
            .filter_map(|i| Some(Ready(self.urgency[i], u32::try_from(i).ok()?)))
            .collect();
        // The smallest end first, so the order of the heap is turned round.
        let mut running: BinaryHeap<Ready> = BinaryHeap::new();
        let mut now = 0.0_f64;
        loop {
            while running.len() < agents
                && let Some(Ready(_, node)) = ready.pop()
            {
                running.push(Ready(-(now + self.weights[node as usize]), node));
            }
            let Some(Ready(end, node)) = running.pop() else {
                break;
            };
            now = -end;
            let mut done = vec![node];
            while running.peek().is_some_and(|next| next.0 >= end) {
                done.extend(running.pop().map(|next| next.1));
            }
            for node in done {
                for &next in self.behind.waits_for(node as usize) {
                    open[next as usize] -= 1;
                    if open[next as usize] == 0 {
                        ready.push(Ready(self.urgency[next as usize], next));
                    }
                }
            }
        }
        #[expect(clippy::cast_precision_loss, reason = "a number of agents is small")]
        let idle = (agents as f64).mul_add(now, -self.work).max(0.0);
        Makespan {
            agents,
            makespan: now,
            idle,
            speedup: if now > 0.0 { self.work / now } else { 0.0 },
        }
    }

    /// The fewest agents with which the makespan is as short as with any number, and that makespan.
    #[must_use]
    #[expect(clippy::mut_range_bound, reason = "the bound is only used behind the loop")]
    pub fn fewest(&self) -> Makespan {
        let widest = self.graph.len().max(1);
        let best = self.critical + 1e-9;
        // Fewer agents than work ÷ critical path cannot do it.
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a small positive number, rounded up"
        )]
        let least = if self.critical > 0.0 {
            ((self.work - 1e-9) / self.critical).ceil().max(1.0) as usize
        } else {
            1
        };
        let least = least.min(widest);
        let mut low = least;
        for agents in low..(low + 16).min(widest + 1) {
            let run = self.run(agents);
            if run.makespan <= best {
                return run;
            }
            low = agents + 1;
        }
        let mut high = widest.min(self.width.max(low).max(1));
        while self.run(high).makespan > best && high < widest {
            high = (high * 2).min(widest);
        }
        while low < high {
            let middle = low.midpoint(high);
            if self.run(middle).makespan <= best {
                high = middle;
            } else {
                low = middle + 1;
            }
        }
        self.run(high)
    }

    /// The small table of the screen: 1, 2, 3, 4, then doubling, up to and with the fewest for the shortest makespan.
    #[must_use]
    pub fn table(&self) -> Vec<Makespan> {
        let fewest = self.fewest();
        let mut counts: Vec<usize> = (1..=4).collect();
        let mut next = 8;
        while next < fewest.agents {
            counts.push(next);
            next *= 2;
        }
        counts.push(fewest.agents);
        counts.sort_unstable();
        counts.dedup();
        counts.into_iter().map(|agents| self.run(agents)).collect()
    }
}
