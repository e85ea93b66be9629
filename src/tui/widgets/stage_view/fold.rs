//! Which nodes of a stage are drawn, and which go into its fold.

use super::{
    model::{Graph, NodeIx},
    order::Ordering,
    state::StageViewState,
};

/// A folded stage shows at most this many nodes.
pub const SHOWN: usize = 12;

/// What of a stage is drawn.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Shown {
    /// The nodes in view, in their order.
    pub nodes: Vec<NodeIx>,
    /// How many are folded away below them.
    pub folded: usize,
    /// How many an open stage has above and below the window.
    pub above: usize,
    /// See `above`.
    pub below: usize,
}

/// Chooses what of `stage` is drawn in `places` places. A fold takes one of them.
///
/// Kept open, in this order: cursor, failed, running, the cursor's dependencies and dependents, critical path, then
/// the column's order. The fold stands last, whatever is kept.
#[must_use]
pub fn shown(graph: &Graph, order: &Ordering, state: &StageViewState, stage: usize, places: usize) -> Shown {
    let members = graph.stages()[stage].len();
    if let Some(&first) = state.opened.get(&stage) {
        let places = places.max(1).min(members);
        let first = window_start(first, places, members, cursor_rank(graph, order, state, stage));
        return Shown {
            nodes: order.nodes(stage).skip(first).take(places).collect(),
            folded: 0,
            above: first,
            below: members - first - places,
        };
    }
    if members <= places.min(SHOWN) {
        return Shown {
            nodes: order.nodes(stage).collect(),
            ..Shown::default()
        };
    }
    let here = state.cursor.is_some_and(|cursor| graph.stage_of(cursor) == stage);
    // With a single place the cursor has it; elsewhere the fold says that there are nodes at all.
    let room = if here {
        places.saturating_sub(1).max(1)
    } else {
        places.saturating_sub(1)
    };
    let room = room.min(SHOWN);
    let mut ranked: Vec<(u8, usize, NodeIx)> = graph.stages()[stage]
        .iter()
        .map(|&node| (class(graph, state, node), order.rank(node), node))
        .collect();
    if room < ranked.len() {
        ranked.select_nth_unstable(room);
        ranked.truncate(room);
    }
    ranked.sort_unstable_by_key(|&(_, rank, _)| rank);
    let folded = if places > room { members - ranked.len() } else { 0 };
    Shown {
        nodes: ranked.into_iter().map(|(_, _, node)| node).collect(),
        folded,
        ..Shown::default()
    }
}

/// Where the window of an open stage starts, so that the cursor has two rows of context where there are any.
#[must_use]
pub fn window_start(first: usize, places: usize, members: usize, cursor: Option<usize>) -> usize {
    let last_start = members.saturating_sub(places);
    let Some(cursor) = cursor else {
        return first.min(last_start);
    };
    let context = 2.min(places.saturating_sub(1) / 2);
    let lowest = (cursor + context + 1).saturating_sub(places);
    let highest = cursor.saturating_sub(context);
    first.clamp(lowest.min(highest), highest).min(last_start)
}

fn cursor_rank(graph: &Graph, order: &Ordering, state: &StageViewState, stage: usize) -> Option<usize> {
    state
        .cursor
        .filter(|&cursor| graph.stage_of(cursor) == stage)
        .map(|cursor| order.rank(cursor))
}

fn class(graph: &Graph, state: &StageViewState, node: NodeIx) -> u8 {
    use super::model::State;
    let cursor = state.cursor;
    let linked = |cursor: NodeIx| {
        graph.dependencies(cursor).binary_search(&node).is_ok()
            || graph.dependents(cursor).binary_search(&node).is_ok()
    };
    match graph.node(node).state {
        _ if cursor == Some(node) => 0,
        State::Failed => 1,
        State::Running => 2,
        _ if cursor.is_some_and(linked) => 3,
        _ if graph.is_critical(node) => 4,
        _ => 5,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tui::widgets::stage_view::model::{Node, State};

    fn wide(count: u32) -> (Graph, Ordering) {
        let nodes = (0..=count)
            .map(|n| Node::new(format!("n{n}"), format!("node {n}"), "general"))
            .collect();
        let edges: Vec<_> = (0..count).map(|n| (n, count)).collect();
        let mut graph = Graph::new(
            nodes,
            vec![(0..count).collect(), vec![count]],
            &edges,
            &[3, count],
        )
        .unwrap();
        graph.set_progress(30, State::Failed, None, None);
        graph.set_progress(20, State::Running, None, None);
        let order = Ordering::by_id(&graph);
        (graph, order)
    }

    #[test]
    fn kept_open_in_the_stated_order() {
        let (graph, order) = wide(40);
        let mut state = StageViewState {
            cursor: Some(35),
            ..StageViewState::default()
        };
        let nodes = |state: &StageViewState, places| shown(&graph, &order, state, 0, places).nodes;
        assert_eq!(nodes(&state, 2), [35]);
        assert_eq!(nodes(&state, 3), [30, 35]);
        assert_eq!(nodes(&state, 4), [20, 30, 35]);
        assert_eq!(nodes(&state, 5), [3, 20, 30, 35]);
        assert_eq!(nodes(&state, 6), [0, 3, 20, 30, 35]);
        let all = shown(&graph, &order, &state, 0, 60);
        assert_eq!((all.nodes.len(), all.folded), (SHOWN, 28));
        state.cursor = Some(40);
        assert_eq!(nodes(&state, 2), [30]);
    }

    #[test]
    fn an_open_stage_scrolls_with_the_cursor() {
        let (graph, order) = wide(40);
        let mut state = StageViewState {
            cursor: Some(20),
            ..StageViewState::default()
        };
        state.opened.insert(0, 0);
        let window = shown(&graph, &order, &state, 0, 10);
        assert_eq!((window.nodes[0], window.above, window.below), (13, 13, 17));
        assert_eq!(window_start(13, 10, 40, Some(39)), 30);
        assert_eq!(window_start(13, 10, 40, Some(0)), 0);
        assert_eq!(window_start(0, 1, 40, Some(7)), 7);
    }
}
