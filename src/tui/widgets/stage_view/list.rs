//! The list form, for terminals under 60 columns: no edges, but `needs a, c` behind each name.
//!
//! ```text
//! Stage 1 · 3 at once
//! ▸ user authentication
//!   password reset
//! Stage 2 · 1
//!   gather the results  needs user authentication, password reset
//! ```

use super::theme::Theme;
use super::{
    StageView, StageViewState, fold,
    model::{NodeIx, State},
    title,
};
use crate::tui::style::Role;
use crate::tui::text;
use ratatui::{buffer::Buffer, layout::Rect};

pub(super) fn draw(view: &StageView<'_>, area: Rect, buf: &mut Buffer, state: &mut StageViewState) {
    let rows = usize::from(area.height);
    // The line at which each stage's header stands.
    let mut start = Vec::with_capacity(view.graph.stages().len());
    let mut total = 0;
    for stage in view.graph.stages() {
        start.push(total);
        total += 1 + stage.len();
    }
    let running = if state.follow {
        view.graph.running_stage()
    } else {
        None
    };
    let focus = running.map(|stage| start[stage]).or_else(|| {
        state
            .cursor
            .map(|cursor| start[view.graph.stage_of(cursor)] + 1 + view.order.rank(cursor))
    });
    // The first row names the stage; it stays while the stage's nodes scroll under it.
    let top = fold::window_start(state.seen.list_top, rows.saturating_sub(1).max(1), total, focus);
    state.seen.list_top = top;

    let waited = state
        .cursor
        .filter(|_| state.waits)
        .map(|cursor| view.graph.waited_for(cursor));
    let first = start.partition_point(|&line| line <= top).saturating_sub(1);
    let mut stages = first..first;
    let mut shown = Vec::new();
    let mut y = area.y;
    'stages: for (stage, &line) in start.iter().enumerate().skip(first) {
        if y >= area.bottom() {
            break;
        }
        stages.end = stage + 1;
        shown.push(Vec::new());
        let header = title::header(view.graph, &view.theme, stage, None);
        buf.set_stringn(
            area.x,
            y,
            header,
            usize::from(area.width),
            view.theme.style(Role::Muted),
        );
        y += 1;
        for node in view.order.nodes(stage).skip(top.saturating_sub(line + 1)) {
            if y >= area.bottom() {
                break 'stages;
            }
            node_line(
                view,
                state,
                waited.as_deref(),
                node,
                Rect { y, height: 1, ..area },
                buf,
            );
            if let Some(column) = shown.last_mut() {
                column.push(node);
            }
            y += 1;
        }
    }
    state.seen.columns = stages;
    state.seen.shown = shown;
    state.seen.page = rows.saturating_sub(1).max(1);
}

fn node_line(
    view: &StageView<'_>,
    state: &StageViewState,
    waited: Option<&[bool]>,
    node: NodeIx,
    area: Rect,
    buf: &mut Buffer,
) {
    let theme = &view.theme;
    let data = view.graph.node(node);
    let cursor = view.focused && state.cursor == Some(node);
    let is_waited_for = waited.is_some_and(|waited| waited[node as usize]) && state.cursor != Some(node);
    let cells = usize::from(area.width);
    let mark = format!(
        "{}{}",
        if cursor { theme.0.glyphs.cursor } else { " " },
        if view.is_marked(node) { "*" } else { " " }
    );
    let sign = if view.graph.has_run() {
        text::pad(theme.state_sign(data.state), 2)
    } else {
        String::new()
    };
    let room = cells.saturating_sub(2 + text::width(&sign));

    let needs = match (data.state, &data.note) {
        _ if is_waited_for => "waits".to_owned(),
        (State::Failed | State::Skipped, Some(note)) => note.clone(),
        _ => needs(view, node),
    };
    // The name has what it needs, but leaves room for the reason; neither has fewer than 8 cells.
    let wanted = text::width(&data.name);
    let for_name = if needs.is_empty() {
        room
    } else {
        wanted
            .min(room.saturating_sub(text::width(&needs) + 2).max(room / 2))
            .max(8)
            .min(room)
    };
    let name = text::elide_middle(&data.name, for_name, theme.elision());
    let used = text::width(&name) + 2;
    let needs = if room >= used + 8 {
        text::elide_end(&needs, room - used, theme.elision())
    } else {
        String::new()
    };

    let mut style = theme.style(Theme::state_role(data.state));
    if let Some(waited) = waited {
        style = theme.style(if waited[node as usize] {
            Role::Accent
        } else {
            Role::Muted
        });
    }
    if state.critical && view.graph.is_critical(node) {
        style = style.patch(theme.style(Role::Critical));
    }
    if cursor {
        style = style.patch(theme.style(Role::Selection));
    }
    buf.set_stringn(area.x, area.y, mark, cells, theme.style(Role::Accent));
    let line = format!("{sign}{name}  {needs}");
    buf.set_stringn(
        area.x + 2.min(area.width),
        area.y,
        line.trim_end(),
        cells.saturating_sub(2),
        style,
    );
}

/// `needs a, c`: what it depends on, the critical one first; only as many names as could ever be read.
fn needs(view: &StageView<'_>, node: NodeIx) -> String {
    const NAMES: usize = 8;
    let dependencies = view.graph.dependencies(node);
    if dependencies.is_empty() {
        return String::new();
    }
    let mut named: Vec<NodeIx> = dependencies.iter().copied().take(NAMES).collect();
    named.sort_by_key(|&dependency| {
        (
            !view.graph.is_critical_edge(dependency, node),
            view.graph.stage_of(dependency),
            view.order.rank(dependency),
        )
    });
    let mut names: Vec<String> = named
        .iter()
        .map(|&dependency| view.graph.node(dependency).name.clone())
        .collect();
    if dependencies.len() > NAMES {
        names.push(format!("{} more", dependencies.len() - NAMES));
    }
    format!("needs {}", names.join(", "))
}
