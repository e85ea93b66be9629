//! The title line of the view, the headers of its columns, and counts by state.

use super::theme::Theme;
use super::{
    Form, StageView, StageViewState,
    model::{Graph, State},
    scene::Scene,
};
use crate::engine::text::{count, plural};
use crate::tui::style::Role;
use crate::tui::text;
use ratatui::{buffer::Buffer, layout::Rect};

/// `Stage 2 · 40 · 38 ✓ 1 ✗ 1 ●`; an open stage says which rows it shows.
pub(super) fn header(graph: &Graph, theme: &Theme, stage: usize, window: Option<(usize, usize)>) -> String {
    let members = graph.stages()[stage].len();
    let dot = theme.dot();
    let mut parts = vec![format!("Stage {}", stage + 1), count(members as u64)];
    if let Some((first, last)) = window.filter(|&(first, last)| last + 1 - first < members) {
        parts[1] = format!("{first}-{last}/{}", count(members as u64));
    }
    if graph.has_run() {
        let counts = State::ALL.map(|state| (state, graph.count(stage, state)));
        parts.push(states(theme, &counts));
    } else if members > 1 && window.is_none() {
        parts[1] = format!("{} at once", count(members as u64));
    }
    parts.join(&format!(" {dot} "))
}

/// Counts with signs; one state alone is said in its word.
fn states(theme: &Theme, counts: &[(State, u32)]) -> String {
    let present: Vec<&(State, u32)> = counts.iter().filter(|(_, count)| *count > 0).collect();
    match present[..] {
        [(state, number)] => format!("{} {}", count(u64::from(*number)), state.word()),
        _ => present
            .iter()
            .map(|(state, number)| match theme.state_sign(*state) {
                "" => format!("{} {}", count(u64::from(*number)), state.word()),
                sign => format!("{} {sign}", count(u64::from(*number))),
            })
            .collect::<Vec<_>>()
            .join(" "),
    }
}

/// Counts by state of what a column's fold holds.
pub(super) fn fold_states(graph: &Graph, theme: &Theme, scene: &Scene, column: usize) -> String {
    let stage = scene.stages.start + column;
    let mut counts = State::ALL.map(|state| (state, graph.count(stage, state)));
    for &node in &scene.shown[column].nodes {
        for (state, count) in &mut counts {
            if *state == graph.node(node).state {
                *count -= 1;
            }
        }
    }
    states(theme, &counts)
}

/// ` ── Stages ▸ legacy_021 ──────── follows running · z zoom · x critical path on · o fold ──`
pub(super) fn draw(view: &StageView<'_>, area: Rect, buf: &mut Buffer, state: &StageViewState) {
    let theme = &view.theme;
    let cells = usize::from(area.width);
    let rule = theme.sign("─", "-");
    let arrow = theme.sign("▸", ">");
    let name = text::elide_middle(view.title.unwrap_or_default(), cells / 3, theme.elision());
    let left = format!(" {} Stages {arrow} {name} ", rule.repeat(2));
    let mut parts = parts(view, state);
    let between = if view.graph.has_run() {
        format!(" {} ", theme.dot())
    } else {
        format!(" {} ", rule.repeat(2))
    };
    let room = cells.saturating_sub(text::width(&left));
    let right = loop {
        let right = if parts.is_empty() {
            String::new()
        } else {
            format!(" {} {}", parts.join(&between), rule.repeat(2))
        };
        if text::width(&right) <= room || parts.pop().is_none() {
            break right;
        }
    };
    let fill = rule.repeat(room.saturating_sub(text::width(&right)));
    let line = format!("{left}{fill}{right}");
    let style = theme.style(if view.focused { Role::Critical } else { Role::Muted });
    buf.set_stringn(area.x, area.y, line, cells, style);
}

/// What the title says at its right, the most needed first.
fn parts(view: &StageView<'_>, state: &StageViewState) -> Vec<String> {
    let theme = &view.theme;
    let seen = state.visible_stages();
    let stages = view.graph.stages().len();
    let mut parts = Vec::new();
    if view.graph.is_empty() {
        return parts;
    }
    if !view.order.is_settled(&seen) {
        parts.push("ordering".to_owned());
    }
    let many = |number: usize| plural(number as u64, "stage", "stages");
    let listed = state.seen.form == Form::List;
    if seen.start > 0 && !listed {
        parts.push(format!("{} {}", theme.sign("◂", "<"), many(seen.start)));
    }
    if seen.end < stages && !listed {
        parts.push(format!("{} {}", many(stages - seen.end), theme.sign("▸", ">")));
    }
    if state.waits {
        parts.push("w waits".to_owned());
    }
    if view.graph.has_run() {
        if state.follow && view.graph.running_stage().is_some() {
            parts.push("follows running".to_owned());
        }
        parts.push("z zoom".to_owned());
        parts.push(format!(
            "x critical path {}",
            if state.critical { "on" } else { "off" }
        ));
        parts.push("o fold".to_owned());
    } else {
        parts.push(if state.critical {
            format!("critical path {:.1}", view.graph.critical_length())
        } else {
            "x critical path off".to_owned()
        });
        parts.push("z zoom".to_owned());
    }
    parts
}
