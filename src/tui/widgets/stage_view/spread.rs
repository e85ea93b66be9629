//! How the columns in view share the width: which stages fit, how wide each is, and how wide the gaps are.

use super::{
    StageView, fold,
    state::{Form, StageViewState},
};
use crate::tui::text;
use std::ops::Range;

/// Cells of a gap, between its neighbours.
pub(super) const GAP: std::ops::RangeInclusive<usize> = 4..=10;
/// A box is this wide.
const BOX: usize = 26;
/// A flat node is between these; its name has at least 8 cells.
const FLAT: std::ops::RangeInclusive<usize> = 19..=36;
/// A flat column gives cells to its gaps down to this width.
const NARROW: usize = 24;
/// Names with at least so many cells keep the type beside them.
const NAMED: usize = 16;
/// The type's column in a flat node is at least this wide.
const KIND: usize = 7;
/// A flat gap where there is room.
const FLAT_GAP: usize = 5;

/// The columns in view.
#[derive(Debug, Clone, Default)]
pub(super) struct Spread {
    pub stages: Range<usize>,
    pub widths: Vec<usize>,
    /// The first column's left edge.
    pub left: usize,
    /// Blank cells either side of a gap's wires.
    pub padding: usize,
    /// Cells over, to be shared out.
    spare: usize,
}

impl Spread {
    /// Chooses the stages in view and moves the view's first stage so that the cursor (or what it follows) is among
    /// them.
    pub fn new(
        view: &StageView<'_>,
        form: Form,
        cells: usize,
        places: usize,
        state: &mut StageViewState,
    ) -> Self {
        let stages = view.graph.stages().len();
        if stages == 0 {
            return Self::default();
        }
        let running = if state.follow {
            view.graph.running_stage()
        } else {
            None
        };
        let wanted = running.or_else(|| state.cursor.map(|cursor| view.graph.stage_of(cursor)));
        if let Some(wanted) = wanted {
            // With three columns or more in view, what the cursor depends on and feeds is in view as well.
            let context = usize::from(state.seen.columns.len() > 2);
            state.first_stage = state.first_stage.min(wanted.saturating_sub(context));
        }
        // As many stages as the narrowest columns allow lie between the first one and the wanted one at most.
        if let Some(wanted) = wanted {
            let most = cells / (*FLAT.start()) + 1;
            state.first_stage = state.first_stage.max((wanted + 1).saturating_sub(most));
        }
        loop {
            let spread = Self::from(view, form, cells, places, state);
            let in_view = wanted.is_none_or(|wanted| {
                let last = if spread.stages.len() > 2 {
                    (wanted + 1).min(stages - 1)
                } else {
                    wanted
                };
                spread.stages.contains(&wanted) && spread.stages.contains(&last)
            });
            if !in_view {
                state.first_stage += 1;
                continue;
            }
            // Room on the right is for stages before, not for nothing.
            if spread.stages.end == stages && spread.stages.start > 0 {
                let before = std::mem::replace(&mut state.first_stage, spread.stages.start - 1);
                let earlier = Self::from(view, form, cells, places, state);
                if earlier.stages.end == stages {
                    continue;
                }
                state.first_stage = before;
            }
            return spread;
        }
    }

    fn from(view: &StageView<'_>, form: Form, cells: usize, places: usize, state: &StageViewState) -> Self {
        let boxed = form == Form::Boxed;
        let (left, padding, right) = if boxed { (1, 0, 1) } else { (3, 1, 0) };
        let free = cells.saturating_sub(left + right);
        let gap = GAP.start() + 2 * padding;
        let first = state.first_stage;
        let mut widths: Vec<usize> = Vec::new();
        let mut used = 0;
        for stage in first..view.graph.stages().len() {
            let width = if boxed {
                BOX
            } else {
                flat_width(view, state, stage, places)
            };
            let extra = if widths.is_empty() { width } else { width + gap };
            if used + extra > free {
                // Two columns are the least that shows an edge: they shrink before one stands alone.
                if !boxed && widths.len() == 1 && 2 * FLAT.start() + gap <= free {
                    let share = free - gap;
                    let second = width.min(share.div_ceil(2)).max(share.saturating_sub(widths[0]));
                    widths[0] = share - second;
                    widths.push(second);
                    used = free;
                }
                break;
            }
            used += extra;
            widths.push(width);
        }
        if widths.is_empty() {
            widths.push(free);
            used = free;
        }
        Self {
            stages: first..first + widths.len(),
            widths,
            left,
            padding,
            spare: free.saturating_sub(used),
        }
    }

    /// Shares the spare cells out and returns the width of each gap's wires. `needs` is what each gap would like.
    pub fn gaps(&mut self, form: Form, needs: &[usize]) -> Vec<usize> {
        let mut gaps = vec![*GAP.start(); needs.len()];
        let mut give = |gap: &mut usize, to: usize| {
            let more = to.min(*GAP.end()).saturating_sub(*gap).min(self.spare);
            *gap += more;
            self.spare -= more;
        };
        for (gap, &need) in gaps.iter_mut().zip(needs) {
            give(gap, need);
        }
        if form == Form::Flat {
            // Lines that can be told apart are worth more than the last letters of names.
            for (gap, &need) in gaps.iter_mut().zip(needs) {
                while *gap < need.min(*GAP.end()) {
                    let Some(widest) = self.widths.iter_mut().max().filter(|width| **width > NARROW) else {
                        break;
                    };
                    *widest -= 1;
                    *gap += 1;
                }
            }
        }
        if form == Form::Boxed {
            while self.spare > 0 {
                // The narrowest grows, of equal ones the last.
                let Some(narrowest) = gaps
                    .iter_mut()
                    .rev()
                    .min_by_key(|gap| **gap)
                    .filter(|gap| **gap < *GAP.end())
                else {
                    break;
                };
                *narrowest += 1;
                self.spare -= 1;
            }
        } else {
            for gap in &mut gaps {
                give(gap, FLAT_GAP);
            }
            // Columns of one width are calmer: the narrow ones grow up to the widest.
            let widest = self.widths.iter().copied().max().unwrap_or(0);
            for width in &mut self.widths {
                let more = (widest - *width).min(self.spare);
                *width += more;
                self.spare -= more;
            }
        }
        gaps
    }
}

/// How wide a stage's flat nodes would like to be.
fn flat_width(view: &StageView<'_>, state: &StageViewState, stage: usize, places: usize) -> usize {
    let shown = fold::shown(view.graph, view.order, state, stage, places);
    let kind = kind_width(view, &shown.nodes);
    let name = shown
        .nodes
        .iter()
        .map(|&node| text::width(&view.graph.node(node).name))
        .max()
        .unwrap_or(0);
    let sign = if view.graph.has_run() { 2 } else { 0 };
    (2 + sign + kind + 2 + name).clamp(*FLAT.start(), *FLAT.end())
}

/// The width of the type's column among these nodes.
pub(super) fn kind_width(view: &StageView<'_>, nodes: &[super::NodeIx]) -> usize {
    nodes
        .iter()
        .map(|&node| text::width(&view.graph.node(node).kind))
        .max()
        .unwrap_or(0)
        .max(KIND)
}

/// As [`kind_width`], or 0 where a column of `width` cells has so little room that names would lose more than the types
/// are worth: then the types leave, in all of the column's nodes.
pub(super) fn kind_in(view: &StageView<'_>, nodes: &[super::NodeIx], width: usize) -> usize {
    let kind = kind_width(view, nodes);
    let longest = nodes
        .iter()
        .map(|&node| text::width(&view.graph.node(node).name))
        .max()
        .unwrap_or(0);
    let sign = if view.graph.has_run() { 2 } else { 0 };
    let room = width.saturating_sub(2 + sign + kind + 2);
    if room < longest.min(NAMED) { 0 } else { kind }
}
