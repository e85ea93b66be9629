//! The stage view: its pictures, its keys, and that every line in it is true.

mod keys;
mod pictures;
mod plans;
mod speed;
mod trace;

use maos_migrate::tui::style::{Look, Theme};
use maos_migrate::tui::widgets::stage_view::{Form, Graph, Ordering, StageView, StageViewState};
use ratatui::{buffer::Buffer, layout::Rect, widgets::StatefulWidget as _};

fn look(ascii: bool) -> Look {
    Look::new(Theme::Mono, ascii)
}

/// Draws a view without title.
fn draw(
    graph: &Graph,
    order: &Ordering,
    state: &mut StageViewState,
    size: (u16, u16),
    form: Form,
    ascii: bool,
) -> Buffer {
    let area = Rect::new(0, 0, size.0, size.1);
    let mut buffer = Buffer::empty(area);
    StageView::new(graph, order, look(ascii), form).render(area, &mut buffer, state);
    buffer
}

/// Draws a view with its title line and returns the rows, without blanks at their ends.
fn picture(
    graph: &Graph,
    order: &Ordering,
    state: &mut StageViewState,
    size: (u16, u16),
    form: Form,
    ascii: bool,
) -> String {
    let area = Rect::new(0, 0, size.0, size.1);
    let mut buffer = Buffer::empty(area);
    StageView::new(graph, order, look(ascii), form)
        .title("legacy_021")
        .render(area, &mut buffer, state);
    rows(&buffer)
}

fn rows(buffer: &Buffer) -> String {
    let area = buffer.area;
    let mut out = String::new();
    for y in area.top()..area.bottom() {
        let row: String = (area.left()..area.right())
            .map(|x| buffer[(x, y)].symbol())
            .collect();
        out.push_str(row.trim_end());
        out.push('\n');
    }
    out
}
