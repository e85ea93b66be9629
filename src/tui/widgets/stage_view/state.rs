//! Where the person is in the view, and what each key does to that. Pure: no terminal, no clock.

use super::{
    model::{Graph, NodeIx},
    order::Ordering,
};
use std::{collections::BTreeMap, ops::Range};

/// What a key asks of the view.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Action {
    /// `↑`: the box above, in the column.
    Up,
    /// `↓`: the box below.
    Down,
    /// `←`: to a dependency.
    Left,
    /// `→`: to a dependent.
    Right,
    /// `g`, Home: the first node of the column.
    First,
    /// `G`, End: the last node of the column.
    Last,
    /// Page up in the column.
    PageUp,
    /// Page down in the column.
    PageDown,
    /// `w`: shows what the cursor waits for.
    Waits,
    /// `x`: the critical path on or off.
    Critical,
    /// `o`: opens the stage fully, or folds it again.
    Open,
    /// `.`: follows the leftmost running stage.
    Follow,
    /// `z` on a large stage: the map of its nodes.
    Zoom,
}

/// From this many nodes on, a zoomed stage is a map.
pub const MAPPED: usize = 200;
/// Steps remembered for going back the way one came.
const HISTORY: usize = 256;

/// The form in which the last frame was drawn; moving follows what the eye saw.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Form {
    /// Boxes of three rows: terminals of 30 rows and more.
    Boxed,
    /// One row a node.
    #[default]
    Flat,
    /// One cell a node, one stage.
    Map,
    /// Rows by stage with `needs a, c`: under 60 columns.
    List,
}

impl Form {
    /// The form for a terminal of this size.
    #[must_use]
    pub const fn for_terminal(columns: u16, rows: u16) -> Self {
        if columns < 60 {
            Self::List
        } else if rows < 30 {
            Self::Flat
        } else {
            Self::Boxed
        }
    }
}

/// What the last frame showed.
#[derive(Debug, Clone, Default)]
pub(super) struct Seen {
    pub form: Form,
    /// The stages in view.
    pub columns: Range<usize>,
    /// The nodes in view, per stage in view, top to bottom.
    pub shown: Vec<Vec<NodeIx>>,
    /// Nodes in a row of the map.
    pub map_width: usize,
    /// The first row of the map in view.
    pub map_top: usize,
    /// The first line of the list in view.
    pub list_top: usize,
    /// Nodes that fit in a column.
    pub page: usize,
}

#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a switch of its own, with a key of its own"
)]
/// The view's state. A screen keeps one for as long as it shows one plan.
#[derive(Debug, Clone)]
pub struct StageViewState {
    /// The node under the cursor.
    pub cursor: Option<NodeIx>,
    /// The first stage in view.
    pub first_stage: usize,
    /// Fully open stages, each with the first node in view.
    pub opened: BTreeMap<usize, usize>,
    /// What the cursor waits for stands out.
    pub waits: bool,
    /// The critical path stands out.
    pub critical: bool,
    /// The view follows the leftmost running stage.
    pub follow: bool,
    /// The cursor's stage is shown as a map.
    pub zoom: bool,
    pub(super) history: Vec<NodeIx>,
    pub(super) seen: Seen,
}

impl Default for StageViewState {
    fn default() -> Self {
        Self {
            cursor: None,
            first_stage: 0,
            opened: BTreeMap::new(),
            waits: false,
            critical: true,
            follow: true,
            zoom: false,
            history: Vec::new(),
            seen: Seen::default(),
        }
    }
}

impl StageViewState {
    /// The stages that the last frame showed; the order of these is wanted first.
    #[must_use]
    pub fn visible_stages(&self) -> Range<usize> {
        self.seen.columns.clone()
    }

    /// True when the last frame showed this node itself, not only its stage's fold.
    #[must_use]
    pub fn is_visible(&self, node: NodeIx) -> bool {
        self.seen.shown.iter().any(|column| column.contains(&node))
    }

    /// Does what a key asks; false when nothing changed.
    pub fn apply(&mut self, graph: &Graph, order: &Ordering, action: Action) -> bool {
        self.settle(graph, order);
        match action {
            Action::Waits => self.waits = !self.waits,
            Action::Critical => self.critical = !self.critical,
            Action::Open => return self.toggle_open(graph),
            Action::Follow => {
                let before = std::mem::replace(&mut self.follow, true);
                return !before;
            }
            Action::Zoom => return self.toggle_zoom(graph),
            _ => return self.travel(graph, order, action),
        }
        true
    }

    /// Puts the cursor on a node, as a click or the list does.
    pub fn select(&mut self, graph: &Graph, node: NodeIx) -> bool {
        if (node as usize) >= graph.len() || self.cursor == Some(node) {
            return false;
        }
        self.follow = false;
        self.history.clear();
        self.cursor = Some(node);
        true
    }

    /// `/`: goes to the next node, in reading order after the cursor, whose name, id or type contains `text` (case
    /// aside), round to the start. False when there is none.
    pub fn find(&mut self, graph: &Graph, order: &Ordering, text: &str) -> bool {
        let wanted = text.to_lowercase();
        if wanted.is_empty() {
            return false;
        }
        let reading: Vec<NodeIx> = (0..graph.stages().len())
            .flat_map(|stage| order.nodes(stage))
            .collect();
        let start = self
            .cursor
            .and_then(|cursor| reading.iter().position(|&node| node == cursor))
            .map_or(0, |at| at + 1);
        let found = reading
            .iter()
            .cycle()
            .skip(start)
            .take(reading.len())
            .find(|&&node| {
                let node = graph.node(node);
                [&node.name, &node.id, &node.kind]
                    .iter()
                    .any(|field| field.to_lowercase().contains(&wanted))
                    || node
                        .external_id
                        .as_ref()
                        .is_some_and(|id| id.to_lowercase().contains(&wanted))
            });
        match found.copied() {
            Some(node) => {
                self.select(graph, node);
                true
            }
            None => false,
        }
    }

    /// Keeps the cursor on the same subtask, by its id, when the plan was changed from `old` to `new`.
    pub fn carry_over(&mut self, old: &Graph, new: &Graph) {
        let id = self
            .cursor
            .filter(|&node| (node as usize) < old.len())
            .map(|node| &old.node(node).id);
        self.cursor = id.and_then(|id| {
            (0..)
                .zip(new.nodes())
                .find(|(_, node)| node.id == *id)
                .map(|(at, _)| at)
        });
        self.history.clear();
        self.opened.retain(|&stage, _| stage < new.stages().len());
        self.seen = Seen::default();
    }

    /// Puts the cursor on the first node where it has none, and drops what a smaller plan no longer has.
    pub(super) fn settle(&mut self, graph: &Graph, order: &Ordering) {
        self.cursor = self
            .cursor
            .filter(|&node| (node as usize) < graph.len())
            .or_else(|| (0..graph.stages().len()).find_map(|stage| order.nodes(stage).next()));
        self.history.retain(|&node| (node as usize) < graph.len());
        self.first_stage = self.first_stage.min(graph.stages().len().saturating_sub(1));
        self.opened.retain(|&stage, _| stage < graph.stages().len());
    }

    fn toggle_open(&mut self, graph: &Graph) -> bool {
        let Some(stage) = self.cursor.map(|cursor| graph.stage_of(cursor)) else {
            return false;
        };
        if self.opened.remove(&stage).is_none() {
            self.opened.insert(stage, 0);
        }
        true
    }

    fn toggle_zoom(&mut self, graph: &Graph) -> bool {
        let large = self
            .cursor
            .is_some_and(|cursor| graph.stages()[graph.stage_of(cursor)].len() > MAPPED);
        let before = self.zoom;
        self.zoom = large && !before;
        self.zoom != before
    }

    fn travel(&mut self, graph: &Graph, order: &Ordering, action: Action) -> bool {
        let Some(cursor) = self.cursor else {
            return false;
        };
        let followed = std::mem::replace(&mut self.follow, false);
        let mapped = self.seen.form == Form::Map && self.zoom;
        let target = match action {
            Action::Left | Action::Right if !mapped => {
                let target = self.along_edge(graph, order, cursor, action == Action::Right);
                if let Some(target) = target {
                    if self.history.last() == Some(&target) {
                        self.history.pop();
                    } else {
                        if self.history.len() == HISTORY {
                            self.history.remove(0);
                        }
                        self.history.push(cursor);
                    }
                }
                target
            }
            _ => {
                let target = self.in_column(graph, order, cursor, action, mapped);
                if target.is_some_and(|target| target != cursor) {
                    self.history.clear();
                }
                target
            }
        };
        let moved = target.filter(|&target| target != cursor);
        if let Some(target) = moved {
            self.cursor = Some(target);
        }
        moved.is_some() || followed
    }

    /// The node at the other end of an edge: back the way one came, else the critical one, else the nearest in place.
    fn along_edge(&self, graph: &Graph, order: &Ordering, cursor: NodeIx, forward: bool) -> Option<NodeIx> {
        let ends = if forward {
            graph.dependents(cursor)
        } else {
            graph.dependencies(cursor)
        };
        let critical = |end: NodeIx| {
            if forward {
                graph.is_critical_edge(cursor, end)
            } else {
                graph.is_critical_edge(end, cursor)
            }
        };
        if let Some(&came) = self.history.last()
            && ends.contains(&came)
        {
            return Some(came);
        }
        ends.iter().copied().min_by_key(|&end| {
            let steps = graph.stage_of(end).abs_diff(graph.stage_of(cursor));
            let rows = order.rank(end).abs_diff(order.rank(cursor));
            (!critical(end), steps, rows, order.rank(end))
        })
    }

    fn in_column(
        &self,
        graph: &Graph,
        order: &Ordering,
        cursor: NodeIx,
        action: Action,
        mapped: bool,
    ) -> Option<NodeIx> {
        let listed = self.seen.form == Form::List;
        let column: Vec<NodeIx> = if listed {
            (0..graph.stages().len())
                .flat_map(|stage| order.nodes(stage))
                .collect()
        } else {
            order.nodes(graph.stage_of(cursor)).collect()
        };
        let at = column.iter().position(|&node| node == cursor)?;
        let last = column.len() - 1;
        let row = if mapped { self.seen.map_width.max(1) } else { 1 };
        let page = self.seen.page.max(1) * row;
        let whole = listed || mapped || self.opened.contains_key(&graph.stage_of(cursor));
        let to = match action {
            Action::First => 0,
            Action::Last => last,
            Action::PageUp => at.saturating_sub(page),
            Action::PageDown => (at + page).min(last),
            Action::Up | Action::Down if !whole => {
                return self
                    .beside(graph, order, cursor, action == Action::Down)
                    .or_else(|| {
                        // Past the last box in view lies the fold: its nodes come to light one by one.
                        if action == Action::Down {
                            column.get(at + 1).copied()
                        } else {
                            None
                        }
                    });
            }
            // The last row of a map may be shorter than the cursor's column.
            Action::Up => at.checked_sub(row).unwrap_or(at),
            Action::Down if at + row <= last => at + row,
            Action::Left => at.saturating_sub(1),
            Action::Right => (at + 1).min(last),
            _ => at,
        };
        column.get(to).copied()
    }

    /// The next box in view, up or down.
    fn beside(&self, graph: &Graph, order: &Ordering, cursor: NodeIx, down: bool) -> Option<NodeIx> {
        let stage = graph.stage_of(cursor);
        let column = stage
            .checked_sub(self.seen.columns.start)
            .and_then(|column| self.seen.shown.get(column));
        let rank = order.rank(cursor);
        let in_stage = |node: NodeIx| (node as usize) < graph.len() && graph.stage_of(node) == stage;
        match column {
            Some(shown) if down => shown
                .iter()
                .copied()
                .filter(|&node| in_stage(node) && order.rank(node) > rank)
                .min_by_key(|&node| order.rank(node)),
            Some(shown) => shown
                .iter()
                .copied()
                .filter(|&node| in_stage(node) && order.rank(node) < rank)
                .max_by_key(|&node| order.rank(node)),
            None if down => order.nodes(stage).nth(rank + 1),
            None => rank
                .checked_sub(1)
                .and_then(|above| order.nodes(stage).nth(above)),
        }
    }
}
