//! Draws a planned gap into a small grid of cells: arms, arrows and counts.
//!
//! Horizontals are laid first, then verticals over them. Where a vertical crosses a horizontal that is not its own, the
//! horizontal is broken, so that a joint is always a real one.

use super::{
    arms::{Arms, Weight},
    route::{Net, Plan, Wire},
};

/// What a cell of a gap shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Mark {
    /// Its arms.
    #[default]
    Lines,
    /// The arrow into a node.
    Arrow,
    /// A letter of a count.
    Letter(char),
}

/// A cell of a gap.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Cell {
    pub mark: Mark,
    pub arms: Arms,
    pub lit: bool,
    across: Across,
}

impl Cell {
    /// True where the critical path runs.
    pub fn is_heavy(&self) -> bool {
        [self.arms.up, self.arms.right, self.arms.down, self.arms.left].contains(&Weight::Heavy)
    }
}

/// Whose horizontal lies in a cell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Across {
    #[default]
    Nobody,
    /// It leaves a source of this net.
    Leaving(usize),
    /// It enters this item.
    Entering(usize),
}

/// A drawn gap.
#[derive(Debug, Clone)]
pub(super) struct Grid {
    pub width: usize,
    /// Edges of bundles and folds whose count found no room beside their lines.
    pub uncounted: u32,
    rows: i32,
    cells: Vec<Cell>,
}

impl Grid {
    pub fn new(plan: &Plan, wires: &[Wire], width: usize, rows: i32, times: char) -> Self {
        let height = usize::try_from(rows).unwrap_or(0);
        let mut grid = Self {
            width,
            uncounted: 0,
            rows,
            cells: vec![Cell::default(); width * height],
        };
        let lanes = Lanes::new(plan, width);
        for (at, net) in plan.nets.iter().enumerate() {
            grid.horizontals(at, net, wires, &lanes);
        }
        for (at, net) in plan.nets.iter().enumerate() {
            grid.verticals(at, net, wires, &lanes);
        }
        for net in &plan.nets {
            grid.counts(net, wires, &lanes, times);
        }
        grid
    }

    /// The cell at a column and row; `None` outside.
    pub fn at(&self, x: usize, y: i32) -> Option<&Cell> {
        let y = usize::try_from(y).ok().filter(|_| y < self.rows)?;
        (x < self.width).then(|| &self.cells[y * self.width + x])
    }

    fn cell(&mut self, x: usize, y: i32) -> Option<&mut Cell> {
        let row = usize::try_from(y).ok().filter(|_| y < self.rows)?;
        (x < self.width).then(|| &mut self.cells[row * self.width + x])
    }

    fn horizontals(&mut self, at: usize, net: &Net, wires: &[Wire], lanes: &Lanes) {
        let end = self.width - 1;
        for wire in net.wires.iter().map(|&wire| &wires[wire]) {
            let weight = weight(wire);
            let lane = lanes.of(net);
            let enters = net.targets.get(&wire.to.item).copied().unwrap_or(wire.to.row);
            let Some(lane) = lane else {
                let entering = Across::Entering(wire.to.item);
                self.across(0, end, wire.from.row, weight, wire.lit, entering);
                self.arrow(wire, weight);
                continue;
            };
            self.across(0, lane, wire.from.row, weight, wire.lit, Across::Leaving(at));
            self.close(lane, wire.from.row, weight);
            let entering = Across::Entering(wire.to.item);
            if enters == wire.to.row {
                self.open(lane, enters, weight, wire.lit, entering);
                self.across(lane + 1, end, enters, weight, wire.lit, entering);
            } else {
                let jog = end - 1;
                self.open(lane, enters, weight, wire.lit, entering);
                self.across(lane + 1, jog, enters, weight, wire.lit, entering);
                self.close(jog, enters, weight);
                self.open(jog, wire.to.row, weight, wire.lit, entering);
            }
            self.arrow(wire, weight);
        }
    }

    /// A horizontal through the cells from `start` up to, and without, `end`.
    fn across(&mut self, start: usize, end: usize, y: i32, weight: Weight, lit: bool, whose: Across) {
        for x in start..end {
            if let Some(cell) = self.cell(x, y) {
                cell.arms.left = cell.arms.left.max(weight);
                cell.arms.right = cell.arms.right.max(weight);
                cell.lit |= lit;
                cell.across = whose;
            }
        }
    }

    /// The left arm of the cell where a horizontal ends.
    fn close(&mut self, x: usize, y: i32, weight: Weight) {
        if let Some(cell) = self.cell(x, y) {
            cell.arms.left = cell.arms.left.max(weight);
        }
    }

    /// The right arm of the cell where a horizontal starts.
    fn open(&mut self, x: usize, y: i32, weight: Weight, lit: bool, whose: Across) {
        if let Some(cell) = self.cell(x, y) {
            cell.arms.right = cell.arms.right.max(weight);
            cell.lit |= lit;
            cell.across = whose;
        }
    }

    fn arrow(&mut self, wire: &Wire, weight: Weight) {
        let end = self.width - 1;
        if let Some(cell) = self.cell(end, wire.to.row) {
            cell.arms.left = cell.arms.left.max(weight);
            cell.arms.right = cell.arms.right.max(weight);
            cell.lit |= wire.lit;
            if wire.to.arrow {
                cell.mark = Mark::Arrow;
            }
        }
    }

    fn verticals(&mut self, at: usize, net: &Net, wires: &[Wire], lanes: &Lanes) {
        let Some(lane) = lanes.of(net) else {
            return;
        };
        for wire in net.wires.iter().map(|&wire| &wires[wire]) {
            let enters = net.targets.get(&wire.to.item).copied().unwrap_or(wire.to.row);
            let own = |across: Across, y: i32| match across {
                Across::Nobody => true,
                Across::Leaving(net) => net == at,
                Across::Entering(item) => net.targets.get(&item) == Some(&y),
            };
            self.down(lane, (wire.from.row, enters), wire, own);
            if enters != wire.to.row {
                let own = |across: Across, _| {
                    matches!(across, Across::Nobody) || across == Across::Entering(wire.to.item)
                };
                self.down(self.width - 2, (enters, wire.to.row), wire, own);
            }
        }
    }

    /// A vertical between two rows, either way round.
    fn down(&mut self, x: usize, ends: (i32, i32), wire: &Wire, own: impl Fn(Across, i32) -> bool) {
        let weight = weight(wire);
        let (low, high) = (ends.0.min(ends.1), ends.0.max(ends.1));
        let rows = self.rows;
        for y in low.max(0)..=high.min(rows - 1) {
            let Some(cell) = self.cell(x, y) else {
                continue;
            };
            if !own(cell.across, y) {
                *cell = Cell::default();
            }
            if y > low {
                cell.arms.up = cell.arms.up.max(weight);
            }
            if y < high {
                cell.arms.down = cell.arms.down.max(weight);
            }
            cell.lit |= wire.lit;
        }
    }

    /// Writes `×37` where a net's counts belong. What finds no room is added to [`Grid::uncounted`].
    fn counts(&mut self, net: &Net, wires: &[Wire], lanes: &Lanes, times: char) {
        let total = |wanted: &dyn Fn(&Wire) -> bool| -> u32 {
            net.wires
                .iter()
                .map(|&wire| &wires[wire])
                .filter(|wire| wanted(wire))
                .map(|wire| wire.count)
                .sum()
        };
        let mut due: Vec<(u32, Vec<i32>)> = Vec::new();
        if net.bundle {
            let (low, high) = net.span();
            let ends = net.sources.values().chain(net.targets.values()).copied();
            due.push((total(&|_| true), ends.chain(low..=high).collect()));
        } else {
            let counted = |from: bool, item: usize| {
                let mut mine = net.wires.iter().map(|&wire| &wires[wire]);
                mine.any(|wire| {
                    let port = if from { wire.from } else { wire.to };
                    port.item == item && port.counted && (from || !wire.from.counted)
                })
            };
            for (&item, &row) in net.sources.iter().filter(|&(&item, _)| counted(true, item)) {
                due.push((total(&|wire| wire.from.item == item), vec![row]));
            }
            for (&item, &row) in net.targets.iter().filter(|&(&item, _)| counted(false, item)) {
                due.push((total(&|wire| wire.to.item == item), vec![row]));
            }
        }
        for (count, rows) in due {
            if count > 1 && !self.count(count, &rows, lanes.of(net), times) {
                self.uncounted = self.uncounted.saturating_add(count);
            }
        }
    }

    fn count(&mut self, count: u32, rows: &[i32], lane: Option<usize>, times: char) -> bool {
        let text: Vec<char> = std::iter::once(times).chain(count.to_string().chars()).collect();
        let end = self.width - 1;
        let spot = rows.iter().find_map(|&y| match lane {
            // On a straight line in its middle.
            None => self.on_line(0, end, y, text.len()).map(|x| (x, y)),
            // Beside the lane, with a blank between; else on the way to it or from it.
            Some(lane) => self
                .beside(lane + 1, y, text.len())
                .or_else(|| self.on_line(0, lane, y, text.len()))
                .or_else(|| self.on_line(lane + 1, end, y, text.len()))
                .map(|x| (x, y)),
        });
        let Some((start, y)) = spot else {
            return false;
        };
        for (x, letter) in (start..).zip(text) {
            if let Some(cell) = self.cell(x, y) {
                cell.mark = Mark::Letter(letter);
            }
        }
        true
    }

    fn beside(&self, from: usize, y: i32, length: usize) -> Option<usize> {
        let blank = |x: usize| {
            self.at(x, y)
                .is_some_and(|cell| cell.arms.is_empty() && cell.mark == Mark::Lines)
        };
        let after = from + 1 + length;
        ((from..after).all(blank) && (after == self.width || blank(after))).then_some(from + 1)
    }

    fn on_line(&self, from: usize, end: usize, y: i32, length: usize) -> Option<usize> {
        let start = from + end.checked_sub(from + length)? / 2;
        (start..start + length)
            .all(|x| {
                self.at(x, y)
                    .is_some_and(|cell| cell.arms.is_horizontal() && cell.mark == Mark::Lines)
            })
            .then_some(start)
    }
}

fn weight(wire: &Wire) -> Weight {
    if wire.heavy { Weight::Heavy } else { Weight::Light }
}

/// The column of each lane: spread evenly over the gap.
struct Lanes {
    columns: Vec<usize>,
}

impl Lanes {
    fn new(plan: &Plan, width: usize) -> Self {
        let last = width - 1 - usize::from(plan.jogs);
        Self {
            columns: (1..=plan.lanes)
                .map(|lane| (lane * last / (plan.lanes + 1)).max(1))
                .collect(),
        }
    }

    fn of(&self, net: &Net) -> Option<usize> {
        net.lane.and_then(|lane| self.columns.get(lane).copied())
    }
}

#[cfg(test)]
mod trace;
