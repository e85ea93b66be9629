//! The map of one large stage: a cell a node, its sign saying the state, and the node under the cursor in words.

use super::theme::Theme;
use super::{
    StageView, StageViewState, fold,
    model::{NodeIx, State},
    title,
};
use crate::engine::text::count;
use crate::tui::style::Role;
use crate::tui::text;
use ratatui::{buffer::Buffer, layout::Rect};

pub(super) fn draw(view: &StageView<'_>, area: Rect, buf: &mut Buffer, state: &mut StageViewState) {
    let Some(cursor) = state.cursor else {
        return;
    };
    let theme = &view.theme;
    let stage = view.graph.stage_of(cursor);
    let width = usize::from(area.width.saturating_sub(2)).max(1);
    let members = view.graph.stages()[stage].len();
    // One row is the header, the last names the node.
    let rows = usize::from(area.height.saturating_sub(2)).max(1);
    let top = fold::window_start(
        state.seen.map_top,
        rows,
        members.div_ceil(width),
        Some(view.order.rank(cursor) / width),
    );
    state.seen.map_top = top;
    state.seen.map_width = width;
    state.seen.page = rows;
    state.seen.columns = stage..stage + 1;

    let header = title::header(view.graph, theme, stage, None);
    put(buf, area, 1, 0, &header, theme.style(Role::Text));
    let waited = state.waits.then(|| view.graph.waited_for(cursor));
    let nodes: Vec<NodeIx> = view
        .order
        .nodes(stage)
        .skip(top * width)
        .take(rows * width)
        .collect();
    for (at, &node) in nodes.iter().enumerate() {
        let data = view.graph.node(node);
        let sign = match data.state {
            State::Planned => theme.sign("·", "."),
            other => theme.state_sign(other),
        };
        let mut style = theme.style(Theme::state_role(data.state));
        if let Some(waited) = &waited {
            style = theme.style(if waited[node as usize] {
                Role::Accent
            } else {
                Role::Muted
            });
        }
        if state.critical && view.graph.is_critical(node) {
            style = style.patch(theme.style(Role::Critical));
        }
        let here = node == cursor && view.focused;
        let (sign, style) = if here {
            (theme.sign("▸", ">"), style.patch(theme.style(Role::Selection)))
        } else {
            (sign, style)
        };
        put(buf, area, 1 + at % width, 1 + at / width, sign, style);
    }
    if area.height > 2 {
        put(
            buf,
            area,
            1,
            usize::from(area.height) - 1,
            &words(view, cursor),
            theme.style(Role::Text),
        );
    }
    state.seen.shown = vec![nodes];
}

/// `translate German · general · done 0:38 · waits for 0 · feeds 2`
fn words(view: &StageView<'_>, node: NodeIx) -> String {
    let data = view.graph.node(node);
    let mut parts = vec![data.name.clone(), data.kind.clone(), data.state.word().to_owned()];
    if let Some(time) = data.time {
        parts[2] = format!("{} {}", parts[2], text::duration(u64::from(time)));
    }
    parts.extend(data.note.clone());
    parts.extend(data.external_id.clone());
    parts.push(format!(
        "waits for {}",
        count(view.graph.dependencies(node).len() as u64)
    ));
    parts.push(format!(
        "feeds {}",
        count(view.graph.dependents(node).len() as u64)
    ));
    parts.join(&format!(" {} ", view.theme.dot()))
}

fn put(buf: &mut Buffer, area: Rect, x: usize, y: usize, content: &str, style: ratatui::style::Style) {
    let (Ok(x), Ok(y)) = (u16::try_from(x), u16::try_from(y)) else {
        return;
    };
    if x < area.width && y < area.height {
        buf.set_stringn(
            area.x + x,
            area.y + y,
            content,
            usize::from(area.width - x),
            style,
        );
    }
}
