//! Random plans in random windows: nothing panics, the cursor stays in view, and lines lead from box to box.

use super::{draw, plans, rows};
use maos_migrate::tui::widgets::stage_view::{
    Action, Form, Graph, Node, NodeIx, Ordering, StageViewState, State,
    arms::{Arms, Weight},
};
use proptest::prelude::*;
use ratatui::buffer::Buffer;
use std::collections::BTreeSet;

prop_compose! {
    fn staged(stages: std::ops::Range<usize>, width: std::ops::Range<usize>)(
        widths in proptest::collection::vec(width, stages),
        picks in proptest::collection::vec((any::<u32>(), any::<u32>()), 0..60),
        states in proptest::collection::vec(0..12_usize, 0..40),
        path in proptest::collection::vec(any::<u32>(), 8),
    ) -> Graph {
        let mut nodes: Vec<Node> = Vec::new();
        let mut stages: Vec<Vec<NodeIx>> = Vec::new();
        let mut stage_of = Vec::new();
        for (stage, &width) in widths.iter().enumerate() {
            stages.push((nodes.len()..nodes.len() + width).map(plans::ix).collect());
            for _ in 0..width {
                let at = nodes.len();
                nodes.push(Node::new(format!("n{at}"), format!("name {at:03}"), "general"));
                stage_of.push(stage);
            }
        }
        let count = nodes.len().max(1);
        let mut edges: Vec<(NodeIx, NodeIx)> = picks
            .iter()
            .filter(|_| !nodes.is_empty())
            .map(|&(one, other)| (one as usize % count, other as usize % count))
            .filter(|&(one, other)| stage_of[one] != stage_of[other])
            .map(|(one, other)| if stage_of[one] < stage_of[other] { (one, other) } else { (other, one) })
            .map(|(one, other)| (plans::ix(one), plans::ix(other)))
            .collect();
        let critical: Vec<NodeIx> = stages
            .iter()
            .zip(&path)
            .filter(|(stage, _)| !stage.is_empty())
            .map(|(stage, &pick)| stage[pick as usize % stage.len()])
            .collect();
        edges.extend(critical.windows(2).map(|pair| (pair[0], pair[1])));
        let mut graph = Graph::new(nodes, stages, &edges, &critical).unwrap();
        for (node, &state) in states.iter().enumerate().take(graph.len()) {
            if let Some(&state) = State::ALL.get(state) {
                graph.set_progress(plans::ix(node), state, Some(7), Some("exit 1".to_owned()));
            }
        }
        graph
    }
}

fn action() -> impl Strategy<Value = Action> {
    prop_oneof![
        Just(Action::Up),
        Just(Action::Down),
        Just(Action::Left),
        Just(Action::Right),
        Just(Action::First),
        Just(Action::Last),
        Just(Action::PageUp),
        Just(Action::PageDown),
        Just(Action::Waits),
        Just(Action::Critical),
        Just(Action::Open),
        Just(Action::Follow),
        Just(Action::Zoom),
    ]
}

fn has(weight: Weight) -> bool {
    weight != Weight::None
}

/// The picture as a plane of characters, and what its boxes say.
struct Plane<'a> {
    buffer: &'a Buffer,
}

impl Plane<'_> {
    fn sign(&self, x: u16, y: u16) -> char {
        self.buffer
            .cell((x, y))
            .and_then(|cell| cell.symbol().chars().next())
            .unwrap_or(' ')
    }

    /// The arms of a cell; the letters of a count on a line stand for it.
    fn arms(&self, x: u16, y: u16) -> Arms {
        let sign = self.sign(x, y);
        if sign == '×' || sign.is_ascii_digit() || sign == '▸' {
            return Arms {
                left: Weight::Light,
                right: Weight::Light,
                ..Arms::default()
            };
        }
        Arms::of(sign).unwrap_or_default()
    }

    /// The boxes by the column and the row of their middle: (left edge, row, name).
    fn boxes(&self) -> Vec<(u16, u16, String)> {
        let area = self.buffer.area;
        let mut out = Vec::new();
        for y in 1..area.bottom().saturating_sub(1) {
            for x in area.left()..area.right() {
                if self.sign(x, y) == '┌'
                    && self.sign(x, y + 1) == '│'
                    && matches!(self.sign(x + 1, y), ' ' | '▸')
                {
                    let title: String = (x + 2..area.right())
                        .map(|x| self.sign(x, y))
                        .take_while(|&sign| sign != '─')
                        .collect();
                    let name = title
                        .trim()
                        .trim_start_matches(|sign: char| "✓✗●○-".contains(sign))
                        .trim();
                    out.push((x, y + 1, name.to_owned()));
                }
            }
        }
        out
    }

    /// The boxes that one reaches from the right wall of a box: right and up and down, never back.
    fn reached(&self, from: (u16, u16), width: u16, boxes: &[(u16, u16, String)]) -> BTreeSet<String> {
        let bottom = self.buffer.area.bottom();
        let mut seen = BTreeSet::new();
        let mut out = BTreeSet::new();
        let mut open = vec![(from.0 + width, from.1)];
        while let Some((x, y)) = open.pop() {
            if x >= self.buffer.area.right() || !seen.insert((x, y)) {
                continue;
            }
            if self.sign(x, y) == '▸' {
                let target = boxes.iter().find(|(left, row, _)| *left == x + 1 && *row == y);
                let (_, _, name) = target
                    .unwrap_or_else(|| panic!("an arrow into nothing at {x},{y}\n{}", rows(self.buffer)));
                out.insert(name.clone());
                continue;
            }
            let here = self.arms(x, y);
            if has(here.right) {
                let next = (x + 1..self.buffer.area.right())
                    .find(|&next| !(self.arms(next, y).is_vertical()))
                    .unwrap_or(x + 1);
                if has(self.arms(next, y).left) {
                    open.push((next, y));
                } else {
                    assert!(
                        next >= self.buffer.area.right() - 1,
                        "a line breaks off at {next},{y}\n{}",
                        rows(self.buffer)
                    );
                }
            }
            if has(here.up) && y > 1 {
                open.push((x, y - 1));
            }
            if has(here.down) && y + 1 < bottom {
                open.push((x, y + 1));
            }
        }
        out
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn nothing_panics_and_the_cursor_stays_in_view(
        graph in staged(0..7, 0..30),
        actions in proptest::collection::vec(action(), 1..14),
        width in 1..160_u16,
        height in 1..50_u16,
        form in prop_oneof![Just(Form::Boxed), Just(Form::Flat), Just(Form::List)],
        ascii in any::<bool>(),
    ) {
        let order = Ordering::swept(&graph);
        let mut state = StageViewState::default();
        draw(&graph, &order, &mut state, (width, height), form, ascii);
        for action in actions {
            state.apply(&graph, &order, action);
            let buffer = draw(&graph, &order, &mut state, (width, height), form, ascii);
            if ascii {
                prop_assert!(rows(&buffer).is_ascii());
            }
            let follows = state.follow && graph.running_stage().is_some();
            if let Some(cursor) = state.cursor.filter(|_| !follows && height > 1) {
                prop_assert!(state.is_visible(cursor), "{:?} leaves {} out of\n{}", action, cursor, rows(&buffer));
                if width > 60 && form == Form::Boxed && height > 3 {
                    let name = &graph.node(cursor).name;
                    prop_assert!(rows(&buffer).contains(name), "{} is not in\n{}", name, rows(&buffer));
                }
            }
        }
    }

    #[test]
    fn lines_lead_from_box_to_box(graph in staged(2..5, 1..7), height in 30..60_u16) {
        let order = Ordering::swept(&graph);
        let mut state = StageViewState::default();
        state.follow = false;
        let buffer = draw(&graph, &order, &mut state, (150, height), Form::Boxed, false);
        let plane = Plane { buffer: &buffer };
        let boxes = plane.boxes();
        for node in (0..graph.len()).map(plans::ix).filter(|&node| state.is_visible(node)) {
            let name = &graph.node(node).name;
            let place = boxes.iter().find(|(_, _, seen)| seen == name);
            let (x, y, _) = place.unwrap_or_else(|| panic!("no box for {name}\n{}", rows(&buffer)));
            let reached = plane.reached((*x, *y), 26, &boxes);
            for &dependent in graph.dependents(node).iter().filter(|&&dependent| state.is_visible(dependent)) {
                let target = &graph.node(dependent).name;
                prop_assert!(reached.contains(target), "no line from {} to {}\n{}", name, target, rows(&buffer));
            }
        }
    }

    #[test]
    fn equal_plans_give_equal_pictures(graph in staged(1..6, 1..20)) {
        let picture = |graph: &Graph| {
            let order = Ordering::swept(graph);
            rows(&draw(graph, &order, &mut StageViewState::default(), (120, 36), Form::Boxed, false))
        };
        prop_assert_eq!(picture(&graph), picture(&graph.clone()));
    }

    #[test]
    fn states_change_in_place(graph in staged(1..5, 1..4), node in any::<u32>()) {
        let order = Ordering::swept(&graph);
        let places = |graph: &Graph| {
            let mut state = StageViewState::default();
        state.follow = false;
            let buffer = draw(graph, &order, &mut state, (137, 20), Form::Boxed, false);
            Plane { buffer: &buffer }.boxes()
        };
        let before = places(&graph);
        let mut after = graph.clone();
        let count = plans::ix(graph.len());
        after.set_progress(node % count, State::Done, Some(3), None);
        prop_assert_eq!(before, places(&after));
    }
}
