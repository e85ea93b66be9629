//! One task's plan, ready to be looked at: its stage graph, and how long it takes with how many agents.

use std::collections::BTreeMap;

use crate::engine::tasks::Decomposition;
use crate::engine::tasks::stages::{Graph as Dependencies, Makespan, Simulation, StagePlan, critical_path};
use crate::engine::text::inert;
use crate::tui::widgets::stage_view::{Graph, Node, NodeIx, Ordering};

/// Below this many subtasks an order is made at once; above it the columns in view are.
const AT_ONCE: usize = 400;

/// A plan opened for the stage view.
#[derive(Debug)]
pub struct Open {
    /// The plan itself.
    pub plan: Decomposition,
    /// The picture's graph; its nodes are the subtasks by their index.
    pub graph: Graph,
    /// The order of its columns.
    pub order: Ordering,
    /// Makespan by agents: 1, 2, 3, 4, then doubling, up to and with the fewest for the shortest.
    pub table: Vec<Makespan>,
    /// The fewest agents with which it is as short as with any number.
    pub fewest: Makespan,
    dependencies: Dependencies,
    stages: StagePlan,
}

impl Open {
    /// Opens a plan. `None` when its parts do not fit together, which no plan of the engine does.
    #[must_use]
    pub fn new(plan: Decomposition) -> Option<Self> {
        let lists: Vec<Vec<usize>> = plan
            .subtasks
            .iter()
            .map(|part| part.dependencies.clone())
            .collect();
        let dependencies = Dependencies::from_lists(&lists);
        let stages = StagePlan::of(&dependencies);
        let path = critical_path(&dependencies, &stages, &[]);
        let components = components(&lists);
        let nodes = plan
            .subtasks
            .iter()
            .zip(components)
            .map(|(part, component)| {
                let mut node = Node::new(part.id.to_string(), inert(&part.description), inert(&part.kind));
                node.component = component;
                node
            })
            .collect();
        let mut edges: Vec<(NodeIx, NodeIx)> = Vec::new();
        for (to, list) in lists.iter().enumerate() {
            for &from in list {
                edges.push((NodeIx::try_from(from).ok()?, NodeIx::try_from(to).ok()?));
            }
        }
        let columns = stages.stages().map(<[u32]>::to_vec).collect();
        let graph = Graph::new(nodes, columns, &edges, &path.nodes).ok()?;
        let order = if graph.len() <= AT_ONCE {
            Ordering::swept(&graph)
        } else {
            Ordering::by_id(&graph)
        };
        let simulation = Simulation::new(&dependencies, &stages, &[]);
        let (table, fewest) = (simulation.table(), simulation.fewest());
        Some(Self {
            plan,
            graph,
            order,
            table,
            fewest,
            dependencies,
            stages,
        })
    }

    /// The plan with this many agents.
    #[must_use]
    pub fn with(&self, agents: usize) -> Makespan {
        Simulation::new(&self.dependencies, &self.stages, &[]).run(agents)
    }

    /// Orders the columns in view once it is known which they are.
    pub fn refine(&mut self, window: std::ops::Range<usize>) {
        if !self.order.is_settled(&window) {
            self.order = self.order.refined(&self.graph, window);
        }
    }
}

/// The connected parts of a plan, numbered in the order of their first subtask.
fn components(lists: &[Vec<usize>]) -> Vec<u32> {
    let mut parent: Vec<usize> = (0..lists.len()).collect();
    for (to, list) in lists.iter().enumerate() {
        for &from in list.iter().filter(|&&from| from < lists.len()) {
            let (one, other) = (root(&mut parent, from), root(&mut parent, to));
            parent[one.max(other)] = one.min(other);
        }
    }
    let mut numbers = BTreeMap::new();
    (0..lists.len())
        .map(|at| {
            let next = u32::try_from(numbers.len()).unwrap_or(u32::MAX);
            *numbers.entry(root(&mut parent, at)).or_insert(next)
        })
        .collect()
}

/// The first subtask of the part that `at` belongs to.
fn root(parent: &mut [usize], mut at: usize) -> usize {
    while parent[at] != at {
        parent[at] = parent[parent[at]];
        at = parent[at];
    }
    at
}
