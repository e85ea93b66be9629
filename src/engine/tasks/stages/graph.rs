//! A dependency graph in two flat arrays, for a million nodes and more.

/// Nodes are `0..len`; for each the nodes it waits for. Compressed rows: no allocation a node.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Graph {
    starts: Vec<u32>,
    edges: Vec<u32>,
}

impl Graph {
    /// A graph from one list of dependencies a node. Indexes at or over the number of nodes are left out.
    #[must_use]
    pub fn from_lists(lists: &[Vec<usize>]) -> Self {
        let mut graph = Self {
            starts: Vec::with_capacity(lists.len() + 1),
            edges: Vec::new(),
        };
        graph.starts.push(0);
        for list in lists {
            graph.edges.extend(
                list.iter()
                    .filter(|i| **i < lists.len())
                    .filter_map(|i| u32::try_from(*i).ok()),
            );
            graph
                .starts
                .push(u32::try_from(graph.edges.len()).unwrap_or(u32::MAX));
        }
        graph
    }

    /// A graph from rows that are laid out already: node `i` waits for `edges[starts[i]..starts[i + 1]]`.
    #[must_use]
    pub(crate) const fn from_rows(starts: Vec<u32>, edges: Vec<u32>) -> Self {
        Self { starts, edges }
    }

    /// How many nodes.
    #[must_use]
    pub fn len(&self) -> usize {
        self.starts.len().saturating_sub(1)
    }

    /// Whether there is no node.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many edges.
    #[must_use]
    pub fn edge_count(&self) -> usize {
        self.edges.len()
    }

    /// What node `i` waits for.
    #[must_use]
    pub fn waits_for(&self, i: usize) -> &[u32] {
        match (self.starts.get(i), self.starts.get(i + 1)) {
            (Some(&from), Some(&to)) => &self.edges[from as usize..to as usize],
            _ => &[],
        }
    }

    /// The graph with every edge turned round: for each node, what waits for it, in ascending order.
    #[must_use]
    pub fn reversed(&self) -> Self {
        let nodes = self.len();
        let mut starts = vec![0_u32; nodes + 1];
        for &edge in &self.edges {
            starts[edge as usize + 1] += 1;
        }
        for i in 0..nodes {
            starts[i + 1] += starts[i];
        }
        let mut at = starts.clone();
        let mut edges = vec![0_u32; self.edges.len()];
        for i in 0..nodes {
            for &edge in self.waits_for(i) {
                let slot = &mut at[edge as usize];
                edges[*slot as usize] = u32::try_from(i).unwrap_or(u32::MAX);
                *slot += 1;
            }
        }
        Self { starts, edges }
    }
}
