//! Cycles with their members: a shortest one of every knot first, then all members. No recursion.

use std::collections::VecDeque;

use super::graph::Graph;

/// A knot: nodes that all wait for each other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Knot {
    /// A shortest cycle in it: each waits for the next, the last for the first. Begins with its smallest index.
    pub cycle: Vec<u32>,
    /// All its nodes, ascending.
    pub members: Vec<u32>,
}

/// Work spent on looking for a shortest cycle in one knot, in edges.
const SEARCH_BUDGET: usize = 50_000_000;

/// All knots among `stuck` nodes (see [`super::StagePlan::stuck`]), those with the shortest cycle first.
#[must_use]
pub fn knots(graph: &Graph, stuck: &[u32]) -> Vec<Knot> {
    let mut out: Vec<Knot> = components(graph, stuck)
        .into_iter()
        .filter(|members| members.len() > 1 || graph.waits_for(members[0] as usize).contains(&members[0]))
        .map(|members| Knot {
            cycle: shortest(graph, &members),
            members,
        })
        .collect();
    out.sort_by(|a, b| (a.cycle.len(), &a.cycle).cmp(&(b.cycle.len(), &b.cycle)));
    out
}

/// Strongly connected components among `stuck`, by Tarjan with a stack of its own. Members ascending.
#[expect(clippy::similar_names, reason = "the stack is Tarjan's own word")]
fn components(graph: &Graph, stuck: &[u32]) -> Vec<Vec<u32>> {
    const NEW: u32 = u32::MAX;
    let nodes = graph.len();
    let mut index = vec![NEW; nodes];
    let mut low = vec![0_u32; nodes];
    let mut on_stack = vec![false; nodes];
    let mut inside = vec![false; nodes];
    for &node in stuck {
        inside[node as usize] = true;
    }
    let mut stack: Vec<u32> = Vec::new();
    let mut calls: Vec<(u32, usize)> = Vec::new();
    let mut counter = 0_u32;
    let mut out = Vec::new();
    for &root in stuck {
        if index[root as usize] != NEW {
            continue;
        }
        calls.push((root, 0));
        while let Some((node, edge)) = calls.pop() {
            let v = node as usize;
            if edge == 0 {
                index[v] = counter;
                low[v] = counter;
                counter += 1;
                stack.push(node);
                on_stack[v] = true;
            }
            let edges = graph.waits_for(v);
            let mut at = edge;
            let mut called = false;
            while at < edges.len() {
                let w = edges[at] as usize;
                at += 1;
                if !inside[w] {
                    continue;
                }
                if index[w] == NEW {
                    calls.push((node, at));
                    calls.push((edges[at - 1], 0));
                    called = true;
                    break;
                }
                if on_stack[w] {
                    low[v] = low[v].min(index[w]);
                }
            }
            if called {
                continue;
            }
            if low[v] == index[v] {
                let mut members = Vec::new();
                while let Some(w) = stack.pop() {
                    on_stack[w as usize] = false;
                    members.push(w);
                    if w == node {
                        break;
                    }
                }
                members.sort_unstable();
                out.push(members);
            }
            if let Some(&(parent, _)) = calls.last() {
                low[parent as usize] = low[parent as usize].min(low[v]);
            }
        }
    }
    out
}

/// A shortest cycle of a knot: breadth first from one node after the other, cut off at the best so far and at the budget.
fn shortest(graph: &Graph, members: &[u32]) -> Vec<u32> {
    let place = |node: u32| members.binary_search(&node).ok();
    let mut best: Option<Vec<u32>> = None;
    let mut spent = 0;
    let mut seen = vec![u32::MAX; members.len()];
    let mut parent = vec![u32::MAX; members.len()];
    let mut depth = vec![0_usize; members.len()];
    for (round, &start) in members.iter().enumerate() {
        if best.as_ref().is_some_and(|cycle| cycle.len() == 1) || (spent > SEARCH_BUDGET && best.is_some()) {
            break;
        }
        let limit = best.as_ref().map_or(usize::MAX, Vec::len);
        let mark = u32::try_from(round).unwrap_or(0);
        let mut queue = VecDeque::from([round]);
        seen[round] = mark;
        depth[round] = 1;
        let mut closed = None;
        'search: while let Some(v) = queue.pop_front() {
            if depth[v] >= limit {
                break;
            }
            for &next in graph.waits_for(members[v] as usize) {
                spent += 1;
                if next == start {
                    closed = Some(v);
                    break 'search;
                }
                let Some(w) = place(next) else { continue };
                if seen[w] != mark {
                    seen[w] = mark;
                    depth[w] = depth[v] + 1;
                    parent[w] = u32::try_from(v).unwrap_or(u32::MAX);
                    queue.push_back(w);
                }
            }
        }
        if let Some(mut at) = closed {
            let mut cycle = vec![members[at]];
            while at != round {
                at = parent[at] as usize;
                cycle.push(members[at]);
            }
            cycle.reverse();
            best = Some(cycle);
        }
    }
    let mut cycle = best.unwrap_or_else(|| members.to_vec());
    if let Some(first) = (0..cycle.len()).min_by_key(|&i| cycle[i]) {
        cycle.rotate_left(first);
    }
    cycle
}
