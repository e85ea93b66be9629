//! The chunks of a run as tiles: one cell for one or more chunks, in key order, so that a place on the screen is a place
//! in the table.

use crate::engine::schema::Tile;
use crate::engine::text::count;
use crate::tui::paint::{Row, keep};
use crate::tui::style::{Glyphs, Role};

/// How many chunks share a cell when `chunks` stand in `cells` cells.
#[must_use]
pub fn per_cell(chunks: usize, cells: usize) -> usize {
    chunks.div_ceil(cells.max(1)).max(1)
}

/// How many cells a chunk takes, when there are so few chunks that they fit on one line with room to spare.
#[must_use]
pub fn stretch(chunks: usize, cells: usize) -> usize {
    (cells / chunks.max(1)).max(1)
}

/// What a cell shows for its chunks: a failure or work under way is never hidden, and nothing looks further than its
/// least chunk.
#[must_use]
pub fn merged(tiles: &[Tile]) -> Tile {
    if tiles.contains(&Tile::Failed) {
        return Tile::Failed;
    }
    if tiles.contains(&Tile::Running) {
        return Tile::Running;
    }
    if tiles.contains(&Tile::Waiting) {
        return Tile::Waiting;
    }
    if tiles.contains(&Tile::Copied) {
        return Tile::Copied;
    }
    Tile::Proved
}

/// The sign and the role of a tile.
#[must_use]
pub const fn sign(glyphs: &Glyphs, tile: Tile) -> (&'static str, Role) {
    match tile {
        Tile::Waiting => (glyphs.chunk_waiting, Role::Muted),
        Tile::Running => (glyphs.chunk_running, Role::Warn),
        Tile::Copied => (glyphs.chunk_copied, Role::Accent),
        Tile::Proved => (glyphs.chunk_proved, Role::Ok),
        Tile::Failed => (glyphs.decide, Role::Bad),
    }
}

/// The tiles in `lines` rows of `width` cells from `column` on; the last row may be shorter.
#[must_use]
pub fn rows(glyphs: &Glyphs, tiles: &[Tile], column: u16, width: u16, lines: usize) -> Vec<Row> {
    let cells = usize::from(width.max(1));
    let share = per_cell(tiles.len(), cells * lines.max(1));
    let wide = stretch(tiles.len(), cells);
    let shown: Vec<Tile> = tiles
        .chunks(share)
        .flat_map(|tiles| std::iter::repeat_n(merged(tiles), wide))
        .collect();
    shown
        .chunks(cells)
        .map(|line| {
            let mut row = Row::new().at(column, "", Role::Text).keep(keep::FIGURE);
            for run in line.chunk_by(|a, b| a == b) {
                let (sign, role) = sign(glyphs, run[0]);
                row = row.then(sign.repeat(run.len()), role);
            }
            row
        })
        .collect()
}

/// How many chunks are in a state.
#[must_use]
pub fn tally(tiles: &[Tile], state: Tile) -> u64 {
    tiles.iter().filter(|tile| **tile == state).count() as u64
}

/// `█ proved 0   ▓ copied 741   ▒ running 3   ░ waiting 459`, failures only when there are any.
#[must_use]
pub fn legend(glyphs: &Glyphs, tiles: &[Tile], column: u16, counted: bool) -> Row {
    let mut row = Row::new().at(column, "", Role::Text).keep(keep::EXTRA);
    let states = [
        (Tile::Proved, "proved"),
        (Tile::Copied, "copied"),
        (Tile::Running, "running"),
        (Tile::Waiting, "waiting"),
        (Tile::Failed, "failed"),
    ];
    let failed = tally(tiles, Tile::Failed) > 0;
    for (index, (state, word)) in states.into_iter().enumerate() {
        if state == Tile::Failed && !failed {
            continue;
        }
        let (sign, role) = sign(glyphs, state);
        let gap = if index == 0 { "" } else { "  " };
        let number = if counted {
            format!(" {}", count(tally(tiles, state)))
        } else {
            String::new()
        };
        row = row
            .then(format!("{gap}{sign}"), role)
            .then(format!(" {word}{number}"), Role::Muted);
    }
    row
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_never_looks_further_than_its_least_chunk() {
        use Tile::{Copied, Failed, Proved, Running, Waiting};
        let cases = [
            (vec![Proved, Proved], Proved),
            (vec![Proved, Copied], Copied),
            (vec![Proved, Waiting], Waiting),
            (vec![Waiting, Running, Proved], Running),
            (vec![Running, Failed, Proved], Failed),
        ];
        for (tiles, shown) in cases {
            assert_eq!(merged(&tiles), shown, "{tiles:?}");
        }
    }

    #[test]
    fn every_chunk_has_a_cell_and_the_rows_have_the_width() {
        let text = |tiles: &[Tile], width, lines| -> Vec<String> {
            rows(&Glyphs::UNICODE, tiles, 0, width, lines)
                .iter()
                .map(Row::plain)
                .collect()
        };
        assert_eq!(text(&[Tile::Proved, Tile::Waiting], 10, 2), ["█████░░░░░"]);
        assert_eq!(text(&[Tile::Copied; 7], 10, 2), ["▓".repeat(7)]);
        assert_eq!(text(&[Tile::Copied; 12], 5, 3), ["▓▓▓▓▓", "▓▓▓▓▓", "▓▓"]);
        assert_eq!(
            text(&[Tile::Copied; 1_204], 40, 2),
            ["▓".repeat(40), "▓".repeat(36)]
        );
        assert_eq!(per_cell(1_204, 80), 16);
        assert!(text(&[], 10, 2).is_empty());
    }
}
