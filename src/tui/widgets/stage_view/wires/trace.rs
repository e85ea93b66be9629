//! Follows the drawn lines of random gaps and compares where they lead with the links they were drawn from.

use super::{
    super::{
        arms::{Arms, Weight},
        route::{self, Port, Wire},
    },
    Cell, Grid, Mark,
};
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};

/// The arms of a cell as the eye sees them: letters on a line stand for it.
fn arms(cell: &Cell) -> Arms {
    match cell.mark {
        Mark::Letter(_) if cell.arms.is_empty() => Arms::default(),
        _ => cell.arms,
    }
}

fn has(weight: Weight) -> bool {
    weight != Weight::None
}

/// The next cell with an arm towards where one comes from, over broken crossings. `None` past the gap's edge.
fn across(grid: &Grid, x: usize, y: i32) -> Option<usize> {
    (x + 1..grid.width).find(|&x| {
        let arms = grid.at(x, y).map(arms).unwrap_or_default();
        assert!(
            has(arms.left) || arms.is_vertical(),
            "a line breaks off at {x},{y}\n{}",
            show(grid)
        );
        has(arms.left)
    })
}

/// The rows at which lines leave the gap to the right, when one follows the line that enters it at `row`: to the right
/// and up and down, never back.
fn leads_to(grid: &Grid, row: i32, rows: i32) -> BTreeSet<i32> {
    let mut seen = BTreeSet::new();
    let mut out = BTreeSet::new();
    let mut open = vec![(0, row)];
    while let Some((x, y)) = open.pop() {
        if !seen.insert((x, y)) {
            continue;
        }
        let here = grid.at(x, y).map(arms).unwrap_or_default();
        if has(here.right) {
            match across(grid, x, y) {
                Some(next) => open.push((next, y)),
                None => {
                    out.insert(y);
                }
            }
        }
        for (arm, next) in [(here.up, y - 1), (here.down, y + 1)] {
            if has(arm) {
                if (0..rows).contains(&next) {
                    open.push((x, next));
                } else {
                    out.insert(next);
                }
            }
        }
    }
    out
}

fn show(grid: &Grid) -> String {
    let mut out = String::new();
    let mut y = 0;
    while grid.at(0, y).is_some() {
        for x in 0..grid.width {
            out.push(grid.at(x, y).map_or(' ', |cell| match cell.mark {
                Mark::Lines => cell.arms.sign(),
                Mark::Arrow => '▸',
                Mark::Letter(letter) => letter,
            }));
        }
        out.push('\n');
        y += 1;
    }
    out
}

/// Every arm meets an arm, a crossing, or the edge of the gap.
fn arms_meet(grid: &Grid, rows: i32) -> Result<(), TestCaseError> {
    for y in 0..rows {
        for x in 0..grid.width {
            let here = grid.at(x, y).map(arms).unwrap_or_default();
            let at = |x: usize, y: i32| grid.at(x, y).map(arms).unwrap_or_default();
            if y + 1 < rows {
                prop_assert_eq!(
                    has(here.down),
                    has(at(x, y + 1).up),
                    "down at {},{}\n{}",
                    x,
                    y,
                    show(grid)
                );
            }
            if x + 1 < grid.width {
                let next = at(x + 1, y);
                let meets = has(here.right) == has(next.left)
                    || (has(here.right) && next.is_vertical())
                    || (here.is_vertical() && has(next.left));
                prop_assert!(meets, "right at {},{}\n{}", x, y, show(grid));
            }
        }
    }
    Ok(())
}

prop_compose! {
    /// Ports on either side, `pitch` rows apart, and links between them. Now and then one lies out of view.
    fn gaps()(
        pitch in 1..=3_i32,
        left in 1..10_usize,
        right in 1..10_usize,
        shift in 0..6_i32,
        off in 0..6_u8,
    )(
        links in proptest::collection::btree_map((0..left, 0..right), (1..50_u32, any::<bool>()), 1..24),
        pitch in Just(pitch),
        shift in Just(shift),
        off in Just(off),
        left in Just(left),
        right in Just(right),
        width in 4..=10_usize,
    ) -> (Vec<Wire>, i32, usize) {
        let rows = pitch * i32::try_from(left.max(right)).unwrap() + shift;
        let pin = pitch / 2;
        let at = |item: usize| i32::try_from(item).unwrap() * pitch + pin;
        let wires = links.into_iter().map(|((from, to), (count, heavy))| Wire {
            from: Port {
                item: from,
                row: if from == 0 && off == 1 { -1 } else { at(from) },
                counted: count > 40,
                arrow: true,
            },
            to: Port {
                item: 100 + to,
                row: if to + 1 == right && off == 2 { rows } else { at(to) + shift },
                counted: false,
                arrow: count % 2 == 0,
            },
            count,
            heavy: heavy && count > 45,
            lit: heavy,
        }).collect();
        (wires, rows, width)
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn lines_lead_where_the_links_lead_and_nowhere_else((wires, rows, width) in gaps()) {
        let plan = route::plan(&wires, rows, width);
        let grid = Grid::new(&plan, &wires, width, rows, '×');
        arms_meet(&grid, rows)?;
        let bundled: BTreeSet<usize> = plan
            .nets
            .iter()
            .filter(|net| net.bundle)
            .flat_map(|net| net.sources.keys().copied())
            .collect();
        let mut wanted: BTreeMap<(usize, i32), BTreeSet<i32>> = BTreeMap::new();
        for wire in &wires {
            wanted.entry((wire.from.item, wire.from.row)).or_default().insert(wire.to.row);
        }
        for ((item, row), targets) in wanted {
            if row < 0 {
                continue;
            }
            let found = leads_to(&grid, row, rows);
            prop_assert!(found.is_superset(&targets), "{row} leads to {found:?}, not {targets:?}\n{}", show(&grid));
            // Lines that run out of view upwards join others there; in view nothing is false.
            let in_view = |set: &BTreeSet<i32>| set.iter().copied().filter(|row| (0..rows).contains(row)).collect::<Vec<_>>();
            if !bundled.contains(&item) {
                prop_assert_eq!(in_view(&found), in_view(&targets), "{} in\n{}", row, show(&grid));
            }
        }
        // Whatever is bundled is counted.
        let total: u32 = plan
            .nets
            .iter()
            .filter(|net| net.bundle)
            .map(|net| net.wires.iter().map(|&wire| wires[wire].count).sum::<u32>())
            .sum();
        let letters = (0..rows).flat_map(|y| (0..width).map(move |x| (x, y))).any(|(x, y)| {
            grid.at(x, y).is_some_and(|cell| matches!(cell.mark, Mark::Letter(_)))
        });
        prop_assert!(total < 2 || letters || grid.uncounted > 0, "{total} are not counted\n{}", show(&grid));
    }

    #[test]
    fn lanes_never_run_out((wires, rows, width) in gaps()) {
        let plan = route::plan(&wires, rows, width);
        prop_assert!(plan.lanes <= width.saturating_sub(2 + usize::from(plan.jogs)).max(1));
        for (at, net) in plan.nets.iter().enumerate() {
            for other in &plan.nets[at + 1..] {
                let (low, high) = net.span();
                let (other_low, other_high) = other.span();
                let apart = other_high < low || high < other_low;
                prop_assert!(net.lane.is_none() || net.lane != other.lane || apart);
            }
        }
        let kept: BTreeSet<usize> = plan.nets.iter().flat_map(|net| net.wires.iter().copied()).collect();
        prop_assert_eq!(kept.len(), wires.len());
    }
}
