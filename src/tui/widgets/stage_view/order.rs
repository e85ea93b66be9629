//! The order of the nodes in each column, chosen so that few edges cross.
//!
//! Made once per change of the plan and off the drawing loop: [`Ordering::by_id`] is ready at once, [`Ordering::swept`]
//! takes a plan of up to [`WHOLE`] nodes, and [`Ordering::refined`] does the columns around a window of a larger one.
//! All are pure: equal plans give equal orders. An edge over several stages has a bend in each column that it passes;
//! edges to one target share their bends.

use super::model::{Graph, NodeIx};
use std::{cmp, collections::HashMap, ops::Range};

/// Plans up to this size are ordered as a whole.
pub const WHOLE: usize = 2_000;
/// How many columns either side of a window are ordered with it.
const MARGIN: usize = 2;
/// Medians down and up.
const SWEEPS: usize = 4;
/// Columns up to this size also swap neighbours while crossings fall.
const SWAPPED: usize = 64;
/// Rounds of swapping in one column; crossings nearly always stop falling before.
const ROUNDS: usize = 8;
/// Bends that are kept in memory at most; longer edges beyond them do not shape the order.
const BENDS: usize = 200_000;

/// What stands at one place of a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Slot {
    /// A node of this stage.
    Node(NodeIx),
    /// The edges that pass on their way to this node of a later stage.
    Bend(NodeIx),
}

/// The order of every column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ordering {
    columns: Vec<Vec<Slot>>,
    rank: Vec<usize>,
    settled: Range<usize>,
}

impl Ordering {
    /// By component and id: the start, and what is shown until the sweeps are done.
    #[must_use]
    pub fn by_id(graph: &Graph) -> Self {
        let columns = graph
            .stages()
            .iter()
            .map(|stage| {
                let mut stage = stage.clone();
                stage.sort_by(|&one, &other| {
                    let (one, other) = (graph.node(one), graph.node(other));
                    one.component
                        .cmp(&other.component)
                        .then_with(|| natural(&one.id, &other.id))
                });
                stage.into_iter().map(Slot::Node).collect()
            })
            .collect();
        Self::new(graph, columns, 0..0)
    }

    /// The final order of a plan of up to [`WHOLE`] nodes; of a larger one, the order by id.
    #[must_use]
    pub fn swept(graph: &Graph) -> Self {
        let start = Self::by_id(graph);
        if graph.len() > WHOLE {
            return start;
        }
        let all = 0..graph.stages().len();
        let columns = sweep(graph, &start, &all);
        Self::new(graph, columns, all)
    }

    /// This order with the columns of `window` and two on either side swept.
    #[must_use]
    pub fn refined(&self, graph: &Graph, window: Range<usize>) -> Self {
        let stages = graph.stages().len();
        let start = window.start.saturating_sub(MARGIN).min(stages);
        let range = start..(window.end + MARGIN).clamp(start, stages);
        let mut columns = self.columns.clone();
        for (column, swept) in columns[range.clone()].iter_mut().zip(sweep(graph, self, &range)) {
            *column = swept;
        }
        Self::new(graph, columns, range)
    }

    fn new(graph: &Graph, columns: Vec<Vec<Slot>>, settled: Range<usize>) -> Self {
        let mut rank = vec![0; graph.len()];
        for column in &columns {
            let nodes = column.iter().filter_map(|slot| match slot {
                Slot::Node(node) => Some(*node),
                Slot::Bend(_) => None,
            });
            for (at, node) in nodes.enumerate() {
                rank[node as usize] = at;
            }
        }
        Self {
            columns,
            rank,
            settled,
        }
    }

    /// The places of a column, top to bottom.
    #[must_use]
    pub fn column(&self, stage: usize) -> &[Slot] {
        &self.columns[stage]
    }

    /// The nodes of a column, top to bottom.
    #[must_use]
    pub fn nodes(&self, stage: usize) -> impl DoubleEndedIterator<Item = NodeIx> + '_ {
        self.columns[stage].iter().filter_map(|slot| match slot {
            Slot::Node(node) => Some(*node),
            Slot::Bend(_) => None,
        })
    }

    /// A node's place among the nodes of its column, from 0.
    #[must_use]
    pub fn rank(&self, node: NodeIx) -> usize {
        self.rank[node as usize]
    }

    /// True when the columns in view have their final order; until then the title says `ordering`.
    #[must_use]
    pub fn is_settled(&self, window: &Range<usize>) -> bool {
        window.is_empty() || (self.settled.start <= window.start && window.end <= self.settled.end)
    }

    /// True when this order was made for a plan of this shape.
    #[must_use]
    pub fn fits(&self, graph: &Graph) -> bool {
        self.rank.len() == graph.len() && self.columns.len() == graph.stages().len()
    }
}

/// Ids as people count: `t2` before `t10`.
fn natural(one: &str, other: &str) -> cmp::Ordering {
    fn number(text: &str) -> (&str, &str) {
        let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
        (text[..end].trim_start_matches('0'), &text[end..])
    }
    let (mut left, mut right) = (one, other);
    loop {
        match (left.chars().next(), right.chars().next()) {
            (None, None) => return one.cmp(other),
            (Some(a), Some(b)) if a.is_ascii_digit() && b.is_ascii_digit() => {
                let ((a, rest_a), (b, rest_b)) = (number(left), number(right));
                match a.len().cmp(&b.len()).then_with(|| a.cmp(b)) {
                    cmp::Ordering::Equal => (left, right) = (rest_a, rest_b),
                    unequal => return unequal,
                }
            }
            (Some(a), Some(b)) if a == b => (left, right) = (&left[a.len_utf8()..], &right[b.len_utf8()..]),
            (a, b) => return a.cmp(&b),
        }
    }
}

/// The vertices and edges of some neighbouring columns.
struct Layers {
    slots: Vec<Slot>,
    /// The vertices of each column, top to bottom.
    rows: Vec<Vec<usize>>,
    place: Vec<usize>,
    before: Vec<Vec<usize>>,
    after: Vec<Vec<usize>>,
}

fn sweep(graph: &Graph, start: &Ordering, range: &Range<usize>) -> Vec<Vec<Slot>> {
    let mut layers = Layers::new(graph, start, range);
    let mut best = layers.rows.clone();
    let mut fewest = layers.crossings();
    for round in 0..SWEEPS {
        if fewest == 0 {
            break;
        }
        layers.medians(round % 2 == 0);
        layers.swap_neighbours();
        let crossings = layers.crossings();
        if crossings < fewest {
            fewest = crossings;
            best.clone_from(&layers.rows);
        }
    }
    best.iter()
        .map(|layer| layer.iter().map(|&vertex| layers.slots[vertex]).collect())
        .collect()
}

impl Layers {
    fn new(graph: &Graph, start: &Ordering, range: &Range<usize>) -> Self {
        let mut all = Self {
            slots: Vec::new(),
            rows: Vec::with_capacity(range.len()),
            place: Vec::new(),
            before: Vec::new(),
            after: Vec::new(),
        };
        let mut vertex_of = HashMap::new();
        for stage in range.clone() {
            all.rows.push(Vec::new());
            for node in start.nodes(stage) {
                vertex_of.insert(node, all.add(stage - range.start, Slot::Node(node)));
            }
        }
        let mut bends = 0;
        for stage in range.clone() {
            for target in start.nodes(stage) {
                let first = graph
                    .dependencies(target)
                    .iter()
                    .map(|&from| (graph.stage_of(from) + 1).max(range.start))
                    .min()
                    .unwrap_or(stage);
                bends += stage - first;
                if bends > BENDS {
                    continue;
                }
                let chain: Vec<usize> = (first..stage)
                    .map(|at| all.add(at - range.start, Slot::Bend(target)))
                    .chain([vertex_of[&target]])
                    .collect();
                for pair in chain.windows(2) {
                    all.link(pair[0], pair[1]);
                }
                for from in graph.dependencies(target) {
                    if let Some(&vertex) = vertex_of.get(from) {
                        all.link(vertex, chain[graph.stage_of(*from) + 1 - first]);
                    }
                }
            }
        }
        all
    }

    fn add(&mut self, layer: usize, slot: Slot) -> usize {
        let vertex = self.slots.len();
        self.slots.push(slot);
        self.place.push(self.rows[layer].len());
        self.rows[layer].push(vertex);
        self.before.push(Vec::new());
        self.after.push(Vec::new());
        vertex
    }

    fn link(&mut self, from: usize, to: usize) {
        self.after[from].push(to);
        self.before[to].push(from);
    }

    /// Every column, one after the other, by the median place of its neighbours in the column before it (or after it).
    fn medians(&mut self, down: bool) {
        let count = self.rows.len();
        for step in 1..count {
            let layer = if down { step } else { count - 1 - step };
            let neighbours = if down { &self.before } else { &self.after };
            let mut keyed: Vec<(usize, usize)> = self.rows[layer]
                .iter()
                .map(|&vertex| {
                    let mut places: Vec<usize> = neighbours[vertex]
                        .iter()
                        .map(|&other| self.place[other])
                        .collect();
                    places.sort_unstable();
                    // Doubled, so that the mean of two middle places stays whole.
                    let key = match places.len() {
                        0 => 2 * self.place[vertex],
                        n if n % 2 == 1 => 2 * places[n / 2],
                        n => places[n / 2 - 1] + places[n / 2],
                    };
                    (key, vertex)
                })
                .collect();
            keyed.sort_by_key(|&(key, _)| key);
            self.set_layer(layer, keyed.into_iter().map(|(_, vertex)| vertex).collect());
        }
    }

    fn set_layer(&mut self, layer: usize, order: Vec<usize>) {
        for (place, &vertex) in order.iter().enumerate() {
            self.place[vertex] = place;
        }
        self.rows[layer] = order;
    }

    fn swap_neighbours(&mut self) {
        for layer in 0..self.rows.len() {
            let mut order = self.rows[layer].clone();
            if order.len() > SWAPPED {
                continue;
            }
            for _ in 0..ROUNDS {
                let mut swapped = false;
                for at in 1..order.len() {
                    let (upper, lower) = (order[at - 1], order[at]);
                    let kept = self.pair_crossings(upper, lower);
                    if kept > 0 && self.pair_crossings(lower, upper) < kept {
                        order.swap(at - 1, at);
                        swapped = true;
                    }
                }
                if !swapped {
                    break;
                }
            }
            self.set_layer(layer, order);
        }
    }

    /// Crossings between the edges of two neighbours of a column when one stands above the other.
    fn pair_crossings(&self, upper: usize, lower: usize) -> usize {
        [&self.before, &self.after]
            .into_iter()
            .map(|side| {
                let mut below: Vec<usize> = side[lower].iter().map(|&other| self.place[other]).collect();
                below.sort_unstable();
                side[upper]
                    .iter()
                    .map(|&other| below.partition_point(|&place| place < self.place[other]))
                    .sum::<usize>()
            })
            .sum()
    }

    fn crossings(&self) -> usize {
        let mut total = 0;
        for (layer, next) in self.rows.iter().zip(self.rows.iter().skip(1)) {
            // Edges in the order of their upper ends; each crosses the earlier ones that end below it.
            let mut ended = Tally::new(next.len());
            for &from in layer {
                for &to in &self.after[from] {
                    total += ended.above(self.place[to]);
                }
                for &to in &self.after[from] {
                    ended.add(self.place[to]);
                }
            }
        }
        total
    }
}

/// A Fenwick tree that counts how many marks lie beyond a place.
struct Tally {
    tree: Vec<usize>,
    marks: usize,
}

impl Tally {
    fn new(places: usize) -> Self {
        Self {
            tree: vec![0; places + 1],
            marks: 0,
        }
    }

    fn add(&mut self, place: usize) {
        self.marks += 1;
        let mut at = place + 1;
        while at < self.tree.len() {
            self.tree[at] += 1;
            at += at & at.wrapping_neg();
        }
    }

    fn above(&self, place: usize) -> usize {
        let mut up_to = 0;
        let mut at = place + 1;
        while at > 0 {
            up_to += self.tree[at];
            at -= at & at.wrapping_neg();
        }
        self.marks - up_to
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tui::widgets::stage_view::model::Node;

    fn graph(columns: &[&[&str]], edges: &[(u32, u32)]) -> Graph {
        let mut nodes = Vec::new();
        let mut stages = Vec::new();
        for column in columns {
            stages.push(
                column
                    .iter()
                    .map(|id| {
                        nodes.push(Node::new(*id, *id, "general"));
                        u32::try_from(nodes.len() - 1).unwrap()
                    })
                    .collect(),
            );
        }
        Graph::new(nodes, stages, edges, &[]).unwrap()
    }

    #[test]
    fn ids_are_counted_as_people_count() {
        let graph = graph(&[&["t10", "t2", "t1", "a", "t02"]], &[]);
        let ids: Vec<&str> = Ordering::by_id(&graph)
            .nodes(0)
            .map(|node| graph.node(node).id.as_str())
            .collect();
        assert_eq!(ids, ["a", "t1", "t02", "t2", "t10"]);
    }

    #[test]
    fn sweeps_undo_a_crossing() {
        // a feeds y and b feeds x: x moves below y.
        let graph = graph(&[&["a", "b"], &["x", "y"]], &[(0, 3), (1, 2)]);
        let order = Ordering::swept(&graph);
        let ids: Vec<&str> = order.nodes(1).map(|node| graph.node(node).id.as_str()).collect();
        assert_eq!(ids, ["y", "x"]);
        assert!(order.is_settled(&(0..2)));
    }

    #[test]
    fn a_long_edge_has_a_bend_in_each_column_it_passes() {
        let graph = graph(
            &[&["a"], &["b"], &["c"], &["d"]],
            &[(0, 1), (1, 2), (2, 3), (0, 3)],
        );
        let order = Ordering::swept(&graph);
        assert!(order.column(1).contains(&Slot::Bend(3)));
        assert!(order.column(2).contains(&Slot::Bend(3)));
        assert_eq!(order.column(3), [Slot::Node(3)]);
    }

    #[test]
    fn a_window_is_settled_with_two_columns_either_side() {
        let graph = graph(
            &[&["a"], &["b"], &["c"], &["d"], &["e"], &["f"]],
            &[(0, 1), (1, 2), (2, 3), (3, 4), (4, 5)],
        );
        let order = Ordering::by_id(&graph);
        assert!(!order.is_settled(&(3..4)));
        let order = order.refined(&graph, 3..4);
        assert!(order.is_settled(&(1..6)));
        assert!(!order.is_settled(&(0..2)));
    }
}
