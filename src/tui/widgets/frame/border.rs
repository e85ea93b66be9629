//! The lines of the frame.

use crate::tui::layout::{Areas, Density};
use crate::tui::paint::Painter;
use crate::tui::style::Role;

/// The frame's lines for a density with a border.
pub(super) fn draw(painter: &mut Painter<'_>, areas: &Areas) {
    let mut all = painter.part(areas.all);
    rectangle(&mut all);
    let (width, height) = (all.width(), all.height());
    let glyphs = all.glyphs();
    if areas.density == Density::Normal {
        across(&mut all, areas.title.y, [glyphs.joins[0], glyphs.joins[1]]);
        return;
    }
    let divider = areas.rail.width + 1;
    let bottom = height.saturating_sub(3);
    for y in 1..bottom {
        all.put(divider, y, glyphs.vertical, Role::Muted, 1);
    }
    across(&mut all, bottom, [glyphs.joins[0], glyphs.joins[1]]);
    all.put(divider, bottom, glyphs.joins[2], Role::Muted, 1);
    let line = glyphs
        .horizontal
        .repeat(usize::from(width.saturating_sub(divider + 3)));
    all.put(divider + 2, 2, &line, Role::Muted, width);
}

/// A horizontal line over the whole width with its two ends.
fn across(all: &mut Painter<'_>, y: u16, ends: [&str; 2]) {
    let width = all.width();
    let line = all
        .glyphs()
        .horizontal
        .repeat(usize::from(width.saturating_sub(2)));
    all.put(0, y, ends[0], Role::Muted, 1);
    all.put(1, y, &line, Role::Muted, width);
    all.put(width.saturating_sub(1), y, ends[1], Role::Muted, 1);
}

/// The border of the painter's whole area.
pub(super) fn rectangle(all: &mut Painter<'_>) {
    let (width, height) = (all.width(), all.height());
    if width < 2 || height < 2 {
        return;
    }
    let glyphs = all.glyphs();
    across(all, 0, [glyphs.corners[0], glyphs.corners[1]]);
    across(all, height - 1, [glyphs.corners[2], glyphs.corners[3]]);
    for y in 1..height - 1 {
        all.put(0, y, glyphs.vertical, Role::Muted, 1);
        all.put(width - 1, y, glyphs.vertical, Role::Muted, 1);
    }
}
