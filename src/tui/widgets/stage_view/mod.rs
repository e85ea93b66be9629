//! The stage view: a plan as columns of boxes with the edges drawn between them.
//!
//! ```text
//!  Stage 1 · 2 · 2 done              Stage 2 · 1 · 1 ●
//!  ┌ ✓ translate French ────┐        ┌ ● publish the index ───┐
//!  │ general     0:41  m-31 │━━━━╈━━▸│ general     0:07  m-71 │
//!  └────────────────────────┘    │   └────────────────────────┘
//!  ┌ ✓ translate German ────┐    │
//!  │ general     0:38  m-32 │────┘
//!  └────────────────────────┘
//! ```
//!
//! From a plan to cells, a room for each step:
//!
//! | file | holds |
//! |---|---|
//! | [`model`] | the plan: nodes, stages, edges, critical path, states |
//! | [`order`] | the order in each column, made off the drawing loop |
//! | [`state`] | cursor, scroll, folds, flags; what each key does to them |
//! | [`fold`] | which nodes of a stage are drawn |
//! | `scene` | what stands in the window, and the links between |
//! | `route` | lanes and bundles for the links of one gap |
//! | `wires`, [`arms`] | the cells of a gap, their arms and characters |
//! | `spread` | how the columns share the width |
//! | `boxes` with `nodes`, `list`, `map` | the forms |
//! | `title` | the title line and the headers |
//!
//! A frame reads the stages in view only. To add a form: a variant of [`Form`], its file, an arm in [`StageView`].

#![expect(clippy::similar_names, reason = "stage and state are the words of the trade")]

pub mod arms;
mod boxes;
pub mod fold;
mod list;
mod map;
pub mod model;
mod nodes;
pub mod order;
mod route;
mod scene;
mod spread;
pub mod state;
mod theme;
mod title;
mod wires;

use crate::tui::style::Look;
pub use model::{Graph, GraphError, Node, NodeIx, State};
pub use order::Ordering;
pub use state::{Action, Form, StageViewState};
use theme::Theme;

use ratatui::{buffer::Buffer, layout::Rect, widgets::StatefulWidget};
use std::collections::BTreeSet;

/// The widget. Its state is a [`StageViewState`].
#[derive(Debug, Clone, Copy)]
pub struct StageView<'a> {
    graph: &'a Graph,
    order: &'a Ordering,
    theme: Theme,
    form: Form,
    title: Option<&'a str>,
    focused: bool,
    marked: Option<&'a BTreeSet<usize>>,
}

impl<'a> StageView<'a> {
    /// A view of a plan in an order made for it.
    #[must_use]
    pub fn new(graph: &'a Graph, order: &'a Ordering, look: Look, form: Form) -> Self {
        Self {
            graph,
            order,
            theme: Theme(look),
            form,
            title: None,
            focused: true,
            marked: None,
        }
    }

    /// Draws the title line, naming the task whose plan this is.
    #[must_use]
    pub const fn title(mut self, task: &'a str) -> Self {
        self.title = Some(task);
        self
    }

    /// Whether the view has the focus; without it no cursor is drawn.
    #[must_use]
    pub const fn focused(mut self, focused: bool) -> Self {
        self.focused = focused;
        self
    }

    /// The nodes marked by the person, by their index.
    #[must_use]
    pub const fn marked(mut self, marked: &'a BTreeSet<usize>) -> Self {
        self.marked = Some(marked);
        self
    }

    fn is_marked(&self, node: NodeIx) -> bool {
        self.marked
            .is_some_and(|marked| marked.contains(&(node as usize)))
    }

    fn form_in(&self, state: &StageViewState, rows: u16) -> Form {
        let large = state
            .cursor
            .is_some_and(|cursor| self.graph.stages()[self.graph.stage_of(cursor)].len() > state::MAPPED);
        match self.form {
            _ if state.zoom && large => Form::Map,
            Form::Map => Form::Flat,
            // One row is the header; a box needs three more.
            Form::Boxed if rows < 4 => Form::Flat,
            form => form,
        }
    }
}

impl StatefulWidget for StageView<'_> {
    type State = StageViewState;

    fn render(self, area: Rect, buf: &mut Buffer, state: &mut StageViewState) {
        let area = area.intersection(buf.area);
        if area.is_empty() {
            return;
        }
        state.settle(self.graph, self.order);
        let body = if self.title.is_some() && area.height > 1 {
            Rect {
                y: area.y + 1,
                height: area.height - 1,
                ..area
            }
        } else {
            area
        };
        let form = self.form_in(state, body.height);
        state.seen.form = form;
        match form {
            Form::Boxed | Form::Flat => boxes::draw(&self, form, body, buf, state),
            Form::List => list::draw(&self, body, buf, state),
            Form::Map => map::draw(&self, body, buf, state),
        }
        if body != area {
            title::draw(&self, area, buf, state);
        }
    }
}
