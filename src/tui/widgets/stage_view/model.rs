//! The plan as the view sees it: nodes, the stages they stand in, and the edges between them.
//!
//! [`Graph::new`] checks its input once and indexes it, so that drawing never searches: neighbours lie in two flat
//! lists, counts by state are kept per stage and change with [`Graph::set_progress`].

use std::fmt;

/// A node's place in [`Graph::nodes`].
pub type NodeIx = u32;

/// What a node does while the plan runs. Without a run every node is [`State::Planned`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, PartialOrd, Ord)]
pub enum State {
    /// Nothing runs: the plan is being looked at.
    #[default]
    Planned,
    /// Waits for its dependencies, or for an agent.
    Waiting,
    /// Works now.
    Running,
    /// Ended well.
    Done,
    /// Ended badly; the note says how.
    Failed,
    /// Never started because something it needs failed; the note says what.
    Skipped,
}

impl State {
    /// Every state, in the order in which a stage's header counts them.
    pub const ALL: [Self; 6] = [
        Self::Planned,
        Self::Waiting,
        Self::Done,
        Self::Failed,
        Self::Running,
        Self::Skipped,
    ];

    /// The word for it.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Planned => "planned",
            Self::Waiting => "waiting",
            Self::Running => "running",
            Self::Done => "done",
            Self::Failed => "failed",
            Self::Skipped => "skipped",
        }
    }

    const fn slot(self) -> usize {
        self as usize
    }
}

/// One subtask. Text from outside must be inert already.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Node {
    /// The id the plan knows it by.
    pub id: String,
    /// What stands in its box.
    pub name: String,
    /// The task type, `coding`, `testing`.
    pub kind: String,
    /// Nodes of one component are connected; components stay together in a column.
    pub component: u32,
    /// How long it takes, in the plan's unit; 1.0 unless known.
    pub weight: f64,
    /// What it does now.
    pub state: State,
    /// Seconds it has run or ran.
    pub time: Option<u32>,
    /// MAOS's id.
    pub external_id: Option<String>,
    /// `exit 1`, `needs German`: what the state needs said.
    pub note: Option<String>,
}

impl Node {
    /// A planned node of weight 1.
    #[must_use]
    pub fn new(id: impl Into<String>, name: impl Into<String>, kind: impl Into<String>) -> Self {
        Self {
            id: id.into(),
            name: name.into(),
            kind: kind.into(),
            weight: 1.0,
            ..Self::default()
        }
    }
}

/// Why a graph cannot be shown.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum GraphError {
    /// A stage, an edge or the critical path names a node that is not there.
    #[error("node {0} is named but not in the list of nodes")]
    UnknownNode(NodeIx),
    /// A node stands in no stage.
    #[error("node {0} stands in no stage")]
    Unstaged(NodeIx),
    /// A node stands in two stages.
    #[error("node {0} stands in two stages")]
    StagedTwice(NodeIx),
    /// An edge does not lead to a later stage.
    #[error("the edge from node {0} to node {1} does not lead to a later stage")]
    NotForward(NodeIx, NodeIx),
}

/// Neighbours of every node in one flat list.
#[derive(Clone, Default)]
struct Neighbours {
    start: Vec<usize>,
    list: Vec<NodeIx>,
}

impl Neighbours {
    /// `pairs` are (node, neighbour), sorted.
    fn new(nodes: usize, pairs: &[(NodeIx, NodeIx)]) -> Self {
        let mut start = vec![0; nodes + 1];
        for &(node, _) in pairs {
            start[node as usize + 1] += 1;
        }
        for at in 0..nodes {
            start[at + 1] += start[at];
        }
        Self {
            start,
            list: pairs.iter().map(|&(_, other)| other).collect(),
        }
    }

    fn of(&self, node: NodeIx) -> &[NodeIx] {
        let node = node as usize;
        &self.list[self.start[node]..self.start[node + 1]]
    }
}

/// A staged plan, checked and indexed.
#[derive(Clone)]
pub struct Graph {
    nodes: Vec<Node>,
    stages: Vec<Vec<NodeIx>>,
    stage_of: Vec<usize>,
    after: Neighbours,
    before: Neighbours,
    /// The next node of the critical path, for each node on it.
    next_critical: Vec<Option<NodeIx>>,
    on_critical: Vec<bool>,
    critical_length: f64,
    counts: Vec<[u32; State::ALL.len()]>,
}

impl fmt::Debug for Graph {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Graph")
            .field("nodes", &self.nodes.len())
            .field("stages", &self.stages.len())
            .field("edges", &self.after.list.len())
            .finish_non_exhaustive()
    }
}

impl Graph {
    /// Checks and indexes a plan. `edges` are (dependency, dependent) and may repeat; `critical` lists the critical
    /// path from its first node to its last.
    ///
    /// # Errors
    ///
    /// [`GraphError`] names the first thing that does not fit.
    pub fn new(
        nodes: Vec<Node>,
        stages: Vec<Vec<NodeIx>>,
        edges: &[(NodeIx, NodeIx)],
        critical: &[NodeIx],
    ) -> Result<Self, GraphError> {
        let count = nodes.len();
        let known = |node: NodeIx| {
            if (node as usize) < count {
                Ok(node as usize)
            } else {
                Err(GraphError::UnknownNode(node))
            }
        };
        let mut staged: Vec<Option<usize>> = vec![None; count];
        for (stage, members) in stages.iter().enumerate() {
            for &node in members {
                if staged[known(node)?].replace(stage).is_some() {
                    return Err(GraphError::StagedTwice(node));
                }
            }
        }
        let mut stage_of = Vec::with_capacity(count);
        for (node, stage) in (0..).zip(&staged) {
            stage_of.push(stage.ok_or(GraphError::Unstaged(node))?);
        }
        for &(from, to) in edges {
            if stage_of[known(from)?] >= stage_of[known(to)?] {
                return Err(GraphError::NotForward(from, to));
            }
        }
        let mut pairs = edges.to_vec();
        pairs.sort_unstable();
        pairs.dedup();
        let after = Neighbours::new(count, &pairs);
        for pair in &mut pairs {
            *pair = (pair.1, pair.0);
        }
        pairs.sort_unstable();
        let before = Neighbours::new(count, &pairs);

        let mut next_critical = vec![None; count];
        let mut on_critical = vec![false; count];
        let mut critical_length = 0.0;
        for (at, &node) in critical.iter().enumerate() {
            on_critical[known(node)?] = true;
            critical_length += nodes[node as usize].weight;
            next_critical[node as usize] = critical.get(at + 1).copied();
        }
        let mut graph = Self {
            counts: vec![[0; State::ALL.len()]; stages.len()],
            nodes,
            stages,
            stage_of,
            after,
            before,
            next_critical,
            on_critical,
            critical_length,
        };
        for node in 0..count {
            graph.counts[graph.stage_of[node]][graph.nodes[node].state.slot()] += 1;
        }
        Ok(graph)
    }

    /// How many nodes there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.nodes.len()
    }

    /// True without nodes.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.nodes.is_empty()
    }

    /// Every node.
    #[must_use]
    pub fn nodes(&self) -> &[Node] {
        &self.nodes
    }

    /// A node.
    #[must_use]
    pub fn node(&self, node: NodeIx) -> &Node {
        &self.nodes[node as usize]
    }

    /// The stages in their order, each with its members as given.
    #[must_use]
    pub fn stages(&self) -> &[Vec<NodeIx>] {
        &self.stages
    }

    /// The stage a node stands in, from 0.
    #[must_use]
    pub fn stage_of(&self, node: NodeIx) -> usize {
        self.stage_of[node as usize]
    }

    /// What waits for this node.
    #[must_use]
    pub fn dependents(&self, node: NodeIx) -> &[NodeIx] {
        self.after.of(node)
    }

    /// What this node waits for.
    #[must_use]
    pub fn dependencies(&self, node: NodeIx) -> &[NodeIx] {
        self.before.of(node)
    }

    /// True on the critical path.
    #[must_use]
    pub fn is_critical(&self, node: NodeIx) -> bool {
        self.on_critical[node as usize]
    }

    /// True for an edge of the critical path.
    #[must_use]
    pub fn is_critical_edge(&self, from: NodeIx, to: NodeIx) -> bool {
        self.next_critical[from as usize] == Some(to)
    }

    /// The critical path's length: the sum of its weights.
    #[must_use]
    pub fn critical_length(&self) -> f64 {
        self.critical_length
    }

    /// How many nodes of a stage are in a state.
    #[must_use]
    pub fn count(&self, stage: usize, state: State) -> u32 {
        self.counts[stage][state.slot()]
    }

    /// True while the plan runs or has run: some node is not merely planned.
    #[must_use]
    pub fn has_run(&self) -> bool {
        (0..self.stages.len())
            .any(|stage| self.count(stage, State::Planned) as usize != self.stages[stage].len())
    }

    /// The leftmost stage in which something runs.
    #[must_use]
    pub fn running_stage(&self) -> Option<usize> {
        (0..self.stages.len()).find(|&stage| self.count(stage, State::Running) > 0)
    }

    /// How many dependencies have not ended well.
    #[must_use]
    pub fn unmet(&self, node: NodeIx) -> usize {
        self.dependencies(node)
            .iter()
            .filter(|&&dependency| self.node(dependency).state != State::Done)
            .count()
    }

    /// Changes what a node does now. Its place never changes.
    pub fn set_progress(&mut self, node: NodeIx, state: State, time: Option<u32>, note: Option<String>) {
        let counts = &mut self.counts[self.stage_of[node as usize]];
        let entry = &mut self.nodes[node as usize];
        counts[entry.state.slot()] -= 1;
        counts[state.slot()] += 1;
        entry.state = state;
        entry.time = time;
        entry.note = note;
    }

    /// Gives a node the id MAOS knows it by.
    pub fn set_external_id(&mut self, node: NodeIx, id: Option<String>) {
        self.nodes[node as usize].external_id = id;
    }

    /// The node and everything that it still waits for, directly or through others, as one flag a node. What is done
    /// is no longer waited for.
    #[must_use]
    pub fn waited_for(&self, node: NodeIx) -> Vec<bool> {
        let mut seen = vec![false; self.nodes.len()];
        seen[node as usize] = true;
        let mut open = vec![node];
        while let Some(next) = open.pop() {
            for &dependency in self.dependencies(next) {
                if self.node(dependency).state != State::Done
                    && !std::mem::replace(&mut seen[dependency as usize], true)
                {
                    open.push(dependency);
                }
            }
        }
        seen
    }
}
