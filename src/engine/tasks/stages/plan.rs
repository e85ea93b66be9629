//! Stages by counting what is still waited for (Kahn), and the critical path over them.

use super::graph::Graph;

/// Nodes by stage, ascending within each: a node stands one stage behind the last thing it waits for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StagePlan {
    /// The nodes, stage after stage.
    pub order: Vec<u32>,
    /// Where each stage begins in `order`; one more entry than there are stages.
    pub starts: Vec<u32>,
    /// Nodes that never become ready: those on a cycle and those behind one. Ascending.
    pub stuck: Vec<u32>,
}

impl StagePlan {
    /// Stages `graph`. Linear in nodes and edges, no recursion.
    #[must_use]
    pub fn of(graph: &Graph) -> Self {
        let nodes = graph.len();
        let behind = graph.reversed();
        let mut open: Vec<u32> = (0..nodes)
            .map(|i| u32::try_from(graph.waits_for(i).len()).unwrap_or(u32::MAX))
            .collect();
        let mut order: Vec<u32> = Vec::with_capacity(nodes);
        order.extend(
            (0..nodes)
                .filter(|&i| open[i] == 0)
                .filter_map(|i| u32::try_from(i).ok()),
        );
        let mut starts = vec![0];
        let mut from = 0;
        while from < order.len() {
            let to = order.len();
            starts.push(u32::try_from(to).unwrap_or(u32::MAX));
            for at in from..to {
                for &next in behind.waits_for(order[at] as usize) {
                    let left = &mut open[next as usize];
                    *left -= 1;
                    if *left == 0 {
                        order.push(next);
                    }
                }
            }
            order[to..].sort_unstable();
            from = to;
        }
        let stuck = if order.len() == nodes {
            Vec::new()
        } else {
            (0..nodes)
                .filter(|&i| open[i] > 0)
                .filter_map(|i| u32::try_from(i).ok())
                .collect()
        };
        Self { order, starts, stuck }
    }

    /// How many stages.
    #[must_use]
    pub fn len(&self) -> usize {
        self.starts.len().saturating_sub(1)
    }

    /// Whether there is no stage.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The nodes of stage `i`.
    #[must_use]
    pub fn stage(&self, i: usize) -> &[u32] {
        match (self.starts.get(i), self.starts.get(i + 1)) {
            (Some(&from), Some(&to)) => &self.order[from as usize..to as usize],
            _ => &[],
        }
    }

    /// All stages in order.
    pub fn stages(&self) -> impl Iterator<Item = &[u32]> {
        (0..self.len()).map(|i| self.stage(i))
    }

    /// The most nodes in one stage.
    #[must_use]
    pub fn width(&self) -> usize {
        self.stages().map(<[u32]>::len).max().unwrap_or(0)
    }

    /// The stage of each node; stuck nodes get the number of stages.
    #[must_use]
    pub fn stage_of(&self, nodes: usize) -> Vec<u32> {
        let mut out = vec![u32::try_from(self.len()).unwrap_or(u32::MAX); nodes];
        for (i, stage) in self.stages().enumerate() {
            for &node in stage {
                out[node as usize] = u32::try_from(i).unwrap_or(u32::MAX);
            }
        }
        out
    }
}

/// The longest path by weight.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct CriticalPath {
    /// The sum of its weights.
    pub length: f64,
    /// Its nodes, first to last; among equals the one with the smallest indexes.
    pub nodes: Vec<u32>,
}

/// The critical path of a staged graph; `weights` has one entry a node (an empty slice means 1 each).
#[must_use]
pub fn critical_path(graph: &Graph, plan: &StagePlan, weights: &[f64]) -> CriticalPath {
    let weight = |i: u32| weights.get(i as usize).copied().unwrap_or(1.0);
    let mut finish = vec![0.0_f64; graph.len()];
    let mut before = vec![u32::MAX; graph.len()];
    let mut end: Option<u32> = None;
    for &node in &plan.order {
        let mut start = 0.0;
        for &dependency in graph.waits_for(node as usize) {
            let done = finish[dependency as usize];
            if done > start || (before[node as usize] == u32::MAX && done >= start) {
                start = done;
                before[node as usize] = dependency;
            }
        }
        finish[node as usize] = start + weight(node);
        if end.is_none_or(|end| finish[node as usize] > finish[end as usize]) {
            end = Some(node);
        }
    }
    let Some(end) = end else {
        return CriticalPath::default();
    };
    let mut nodes = vec![end];
    let mut at = end;
    while before[at as usize] != u32::MAX {
        at = before[at as usize];
        nodes.push(at);
    }
    nodes.reverse();
    CriticalPath {
        length: finish[end as usize],
        nodes,
    }
}

/// For each node the weight of the longest path that begins with it, itself included: what makes it urgent.
#[must_use]
pub fn urgency(graph: &Graph, plan: &StagePlan, weights: &[f64]) -> Vec<f64> {
    let mut out: Vec<f64> = (0..graph.len())
        .map(|i| weights.get(i).copied().unwrap_or(1.0))
        .collect();
    let own = out.clone();
    for &node in plan.order.iter().rev() {
        for &dependency in graph.waits_for(node as usize) {
            let through = own[dependency as usize] + out[node as usize];
            if through > out[dependency as usize] {
                out[dependency as usize] = through;
            }
        }
    }
    out
}
