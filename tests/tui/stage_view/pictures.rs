//! What each form looks like.

use super::{picture, plans};
use maos_migrate::tui::widgets::stage_view::{Action, Form, Ordering, StageViewState};

#[test]
fn flat_at_80() {
    let graph = plans::login();
    let order = Ordering::swept(&graph);
    let mut state = StageViewState::default();
    insta::assert_snapshot!(picture(&graph, &order, &mut state, (78, 5), Form::Flat, false));
}

#[test]
fn flat_in_ascii() {
    let graph = plans::login();
    let order = Ordering::swept(&graph);
    let mut state = StageViewState::default();
    insta::assert_snapshot!(picture(&graph, &order, &mut state, (78, 5), Form::Flat, true));
}

#[test]
fn boxed_at_120() {
    let graph = plans::manual();
    let order = Ordering::swept(&graph);
    let mut state = StageViewState::default();
    state.select(&graph, 41);
    state.apply(&graph, &order, Action::Follow);
    insta::assert_snapshot!(picture(&graph, &order, &mut state, (97, 14), Form::Boxed, false));
}

#[test]
fn boxed_in_ascii() {
    let graph = plans::manual();
    let order = Ordering::swept(&graph);
    let mut state = StageViewState::default();
    state.select(&graph, 41);
    insta::assert_snapshot!(picture(&graph, &order, &mut state, (97, 14), Form::Boxed, true));
}

#[test]
fn boxed_at_140_with_forks_and_long_edges() {
    let graph = plans::release();
    let order = Ordering::swept(&graph);
    let mut state = StageViewState::default();
    insta::assert_snapshot!(picture(&graph, &order, &mut state, (137, 20), Form::Boxed, false));
}

#[test]
fn flat_zoomed_with_forks_and_long_edges() {
    let graph = plans::release();
    let order = Ordering::swept(&graph);
    let mut state = StageViewState::default();
    insta::assert_snapshot!(picture(&graph, &order, &mut state, (78, 17), Form::Flat, false));
}

#[test]
fn flat_at_60() {
    let graph = plans::release();
    let order = Ordering::swept(&graph);
    let mut state = StageViewState::default();
    state.select(&graph, 4);
    insta::assert_snapshot!(picture(&graph, &order, &mut state, (60, 12), Form::Flat, false));
}

#[test]
fn list_at_40() {
    let graph = plans::release();
    let order = Ordering::swept(&graph);
    let mut state = StageViewState::default();
    state.select(&graph, 6);
    insta::assert_snapshot!(picture(
        &graph,
        &order,
        &mut state,
        (40, 10),
        Form::for_terminal(40, 10),
        false
    ));
}

#[test]
fn an_open_stage_scrolls() {
    let graph = plans::manual();
    let order = Ordering::swept(&graph);
    let mut state = StageViewState::default();
    state.select(&graph, 60);
    state.apply(&graph, &order, Action::Open);
    insta::assert_snapshot!(picture(&graph, &order, &mut state, (97, 14), Form::Boxed, false));
}

#[test]
fn what_the_cursor_waits_for() {
    let graph = plans::release();
    let order = Ordering::swept(&graph);
    let mut state = StageViewState::default();
    state.select(&graph, 8);
    state.apply(&graph, &order, Action::Waits);
    insta::assert_snapshot!(picture(&graph, &order, &mut state, (137, 20), Form::Boxed, false));
}

#[test]
fn without_the_critical_path() {
    let graph = plans::login();
    let order = Ordering::swept(&graph);
    let mut state = StageViewState::default();
    state.apply(&graph, &order, Action::Critical);
    insta::assert_snapshot!(picture(&graph, &order, &mut state, (78, 5), Form::Flat, false));
}

#[test]
fn a_large_stage_zooms_to_a_map() {
    let graph = plans::large(3, 250, 2);
    let order = Ordering::swept(&graph);
    let mut state = StageViewState::default();
    assert!(state.apply(&graph, &order, Action::Zoom));
    state.select(&graph, 61);
    insta::assert_snapshot!(picture(&graph, &order, &mut state, (78, 8), Form::Flat, false));
}

#[test]
fn ten_thousand_nodes() {
    let graph = plans::large(20, 500, 3);
    let order = Ordering::swept(&graph);
    let mut state = StageViewState::default();
    state.select(&graph, 5_003);
    insta::assert_snapshot!(picture(&graph, &order, &mut state, (137, 30), Form::Boxed, false));
    let order = order.refined(&graph, state.visible_stages());
    insta::assert_snapshot!(picture(&graph, &order, &mut state, (137, 30), Form::Boxed, false));
}
