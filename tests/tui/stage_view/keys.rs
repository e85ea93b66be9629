//! What the keys do.

use super::{draw, plans};
use maos_migrate::tui::widgets::stage_view::{Action, Form, Graph, Ordering, StageViewState, State};

struct Hand {
    graph: Graph,
    order: Ordering,
    state: StageViewState,
    size: (u16, u16),
    form: Form,
}

impl Hand {
    fn new(graph: Graph, size: (u16, u16), form: Form) -> Self {
        let order = Ordering::swept(&graph);
        let mut hand = Self {
            graph,
            order,
            state: StageViewState::default(),
            size,
            form,
        };
        hand.draw();
        hand
    }

    fn draw(&mut self) {
        draw(
            &self.graph,
            &self.order,
            &mut self.state,
            self.size,
            self.form,
            false,
        );
    }

    fn press(&mut self, actions: &[Action]) -> &str {
        for &action in actions {
            self.state.apply(&self.graph, &self.order, action);
            self.draw();
            let cursor = self.state.cursor.unwrap();
            assert!(
                self.state.is_visible(cursor),
                "{action:?} leaves the cursor out of view"
            );
        }
        &self.graph.node(self.state.cursor.unwrap()).name
    }
}

#[test]
fn arrows_go_along_edges_the_critical_one_first() {
    let mut hand = Hand::new(plans::release(), (137, 20), Form::Boxed);
    assert_eq!(hand.press(&[]), "design");
    assert_eq!(hand.press(&[Action::Right]), "write the API");
    assert_eq!(
        hand.press(&[Action::Right, Action::Right, Action::Right]),
        "release"
    );
    assert_eq!(hand.press(&[Action::Right]), "release");
    assert_eq!(hand.press(&[Action::Left]), "test them together");
}

#[test]
fn arrows_go_back_the_way_one_came() {
    let mut hand = Hand::new(plans::release(), (137, 20), Form::Boxed);
    // Three ways lead from design; the second is not critical.
    assert_eq!(hand.press(&[Action::Right, Action::Down]), "write the client");
    assert_eq!(hand.press(&[Action::Right]), "test the client");
    assert_eq!(hand.press(&[Action::Right]), "test them together");
    // Back to the client although the API is the critical dependency.
    assert_eq!(hand.press(&[Action::Left]), "test the client");
    assert_eq!(hand.press(&[Action::Left]), "write the client");
    // And the other way round: design to the client, not to the API.
    assert_eq!(hand.press(&[Action::Left, Action::Right]), "write the client");
}

#[test]
fn up_and_down_walk_the_boxes_then_into_the_fold() {
    let mut hand = Hand::new(plans::manual(), (97, 14), Form::Boxed);
    hand.state.select(&hand.graph, 40);
    hand.draw();
    assert_eq!(hand.press(&[Action::Down]), "proofread German");
    assert_eq!(hand.press(&[Action::Down]), "proofread Spanish");
    assert_eq!(hand.press(&[Action::Down]), "proofread language 03");
    assert_eq!(hand.press(&[Action::Down]), "proofread language 04");
    // The failed and the running part stay open while the cursor is in the fold.
    assert_eq!(hand.press(&[Action::Up]), "proofread Spanish");
    assert_eq!(hand.press(&[Action::Last]), "proofread language 39");
    assert_eq!(hand.press(&[Action::First]), "proofread French");
}

#[test]
fn an_open_stage_is_walked_row_by_row_and_by_pages() {
    let mut hand = Hand::new(plans::manual(), (97, 14), Form::Boxed);
    assert_eq!(
        hand.press(&[Action::Open, Action::Down, Action::Down, Action::Down]),
        "translate language 03"
    );
    assert_eq!(hand.press(&[Action::PageDown]), "translate language 07");
    assert_eq!(hand.press(&[Action::PageUp, Action::PageUp]), "translate French");
    assert_eq!(hand.press(&[Action::Last]), "translate language 39");
    assert_eq!(hand.press(&[Action::Open]), "translate language 39");
}

#[test]
fn the_view_follows_the_running_stage_until_one_moves() {
    let mut graph = plans::large(12, 3, 1);
    for node in 0..24 {
        graph.set_progress(node, State::Done, Some(1), None);
    }
    graph.set_progress(24, State::Running, Some(1), None);
    let mut hand = Hand::new(graph, (97, 14), Form::Boxed);
    assert!(hand.state.visible_stages().contains(&8));
    hand.press(&[Action::Down]);
    assert_eq!(hand.state.visible_stages(), 0..3);
    assert!(!hand.state.follow);
    hand.state.apply(&hand.graph, &hand.order, Action::Follow);
    hand.draw();
    assert!(hand.state.visible_stages().contains(&8));
}

#[test]
fn a_map_is_walked_in_rows_and_columns() {
    let mut hand = Hand::new(plans::large(2, 250, 0), (62, 10), Form::Flat);
    assert_eq!(hand.press(&[Action::Zoom, Action::Down]), "part 60 of the work");
    assert_eq!(hand.press(&[Action::Right]), "part 61 of the work");
    assert_eq!(hand.press(&[Action::Up, Action::Left]), "part 0 of the work");
    assert_eq!(hand.press(&[Action::Last, Action::Down]), "part 249 of the work");
    hand.state.apply(&hand.graph, &hand.order, Action::Zoom);
    assert!(!hand.state.zoom);
    let small = plans::login();
    let order = Ordering::swept(&small);
    assert!(
        !StageViewState::default().apply(&small, &order, Action::Zoom),
        "a small stage has no map"
    );
}

#[test]
fn find_goes_round() {
    let mut hand = Hand::new(plans::release(), (137, 20), Form::Boxed);
    let find = |hand: &mut Hand, text: &str| {
        let found = hand.state.find(&hand.graph, &hand.order, text);
        hand.draw();
        let cursor = hand.state.cursor.unwrap();
        assert!(hand.state.is_visible(cursor));
        found.then(|| hand.graph.node(cursor).name.clone())
    };
    assert_eq!(find(&mut hand, "CLIENT").as_deref(), Some("write the client"));
    assert_eq!(find(&mut hand, "client").as_deref(), Some("test the client"));
    assert_eq!(find(&mut hand, "client").as_deref(), Some("translate the client"));
    assert_eq!(find(&mut hand, "client").as_deref(), Some("write the client"));
    assert_eq!(find(&mut hand, "nowhere"), None);
    assert_eq!(find(&mut hand, ""), None);
}

#[test]
fn a_changed_plan_keeps_the_cursor_on_its_subtask() {
    let old = plans::login();
    let mut state = StageViewState::default();
    state.select(&old, 2);
    let mut nodes = old.nodes().to_vec();
    nodes.remove(0);
    let new = Graph::new(nodes, vec![vec![0, 1], vec![2]], &[(0, 2), (1, 2)], &[]).unwrap();
    state.carry_over(&old, &new);
    assert_eq!(state.cursor.map(|cursor| new.node(cursor).id.as_str()), Some("c"));
}

#[test]
fn a_plan_that_does_not_fit_together_is_refused() {
    use maos_migrate::tui::widgets::stage_view::{GraphError, Node};
    let nodes = || vec![Node::new("a", "a", "general"), Node::new("b", "b", "general")];
    let error = |stages, edges: &[(u32, u32)], critical: &[u32]| {
        Graph::new(nodes(), stages, edges, critical).unwrap_err()
    };
    assert_eq!(
        error(vec![vec![0, 1]], &[(0, 1)], &[]),
        GraphError::NotForward(0, 1)
    );
    assert_eq!(
        error(vec![vec![0], vec![1, 0]], &[], &[]),
        GraphError::StagedTwice(0)
    );
    assert_eq!(error(vec![vec![0]], &[], &[]), GraphError::Unstaged(1));
    assert_eq!(
        error(vec![vec![0], vec![1]], &[(0, 7)], &[]),
        GraphError::UnknownNode(7)
    );
    assert_eq!(
        error(vec![vec![0], vec![1]], &[], &[9]),
        GraphError::UnknownNode(9)
    );
}
