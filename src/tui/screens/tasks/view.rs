//! The picture of the tasks: list, stages, the subtask under the cursor in words, agents.
//!
//! Room is given from the bottom up: agents and words have their lines, the list has a quarter and at least five rows,
//! the stages have the rest. Where there is no room for both, Enter changes between list and stages.

use ratatui::layout::Rect;
use ratatui::widgets::StatefulWidget as _;

use super::plan::Open;
use super::state::{Region, Tasks};
use super::writing::Writing;
use crate::engine::tasks::Band;
use crate::engine::text::{count, inert, inert_short};
use crate::tui::app::context::Cx;
use crate::tui::layout::Density;
use crate::tui::paint::{Painter, Row};
use crate::tui::style::Role;
use crate::tui::text;
use crate::tui::widgets::stage_view::{Form, StageView};

/// The list's rows besides its header, where list and stages share the pane.
const LIST: u16 = 5;
/// The fewest rows that stages are drawn in: title, header, three nodes.
const STAGES: u16 = 5;
/// Characters of a description that a row could ever show.
const SHOWN: usize = 400;

/// The parts of the pane, each possibly empty.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Areas {
    /// Header and rows of the list.
    pub list: Rect,
    /// The text being written.
    pub input: Rect,
    /// The stages with their title.
    pub stages: Rect,
    /// The subtask under the cursor in words.
    pub words: Rect,
    /// Agents.
    pub agents: Rect,
}

/// Shares a pane of this size out.
#[must_use]
pub fn areas(width: u16, height: u16, density: Density, tasks: &Tasks) -> Areas {
    let small = matches!(density, Density::Compact | Density::Tiny | Density::TooSmall);
    let alone = small || tasks.zoomed;
    let band = |y: u16, rows: u16| Rect::new(0, y, width, rows.min(height.saturating_sub(y)));
    let writing = tasks.input.as_ref().map(|input| input.what);
    let wanted = match writing {
        Some(Writing::Description | Writing::Split(_)) => 3,
        Some(_) => 1,
        None => 0,
    };
    if small && tasks.region == Region::List {
        let input = wanted.min(height.saturating_sub(2));
        return Areas {
            list: band(0, height - input),
            input: band(height - input, input),
            ..Areas::default()
        };
    }
    let agents = if height >= 10 { 2 } else { 0 };
    let words = if height >= 16 && !tasks.zoomed { 3 } else { 0 };
    // What is written stands where the words about the subtask are, so that nothing moves.
    let input = if words > 0 {
        0
    } else {
        wanted.min(height.saturating_sub(agents + 2))
    };
    let gaps = u16::from(words > 0) * 2;
    let fixed = agents + words + gaps + input;
    let list = if alone {
        0
    } else {
        let rows = (height / 4).clamp(LIST, 14) + 1;
        rows.min(height.saturating_sub(fixed + STAGES))
    };
    let stages = height.saturating_sub(fixed + list);
    let mut y = 0;
    let mut next = |rows: u16, gap: u16| {
        let area = band(y, rows);
        y = (y + rows + gap).min(height);
        area
    };
    let list = next(list, 0);
    let stages = next(stages, u16::from(words > 0));
    let mut input = next(input, 0);
    let mut words = next(words, u16::from(words > 0));
    let agents = next(agents, 0);
    if writing.is_some() && !words.is_empty() {
        input = words;
        words = Rect::ZERO;
    }
    Areas {
        list,
        input,
        stages,
        words,
        agents,
    }
}

/// Draws everything.
pub fn draw(tasks: &mut Tasks, painter: &mut Painter<'_>, cx: &Cx<'_>) {
    let areas = areas(painter.width(), painter.height(), cx.density, tasks);
    if !areas.list.is_empty() {
        list(tasks, &mut painter.part(areas.list));
    }
    if !areas.input.is_empty() {
        input(tasks, &mut painter.part(areas.input));
    }
    if !areas.stages.is_empty() {
        stages(tasks, &mut painter.part(areas.stages), cx.density);
    }
    if let Some(open) = &tasks.open {
        if !areas.words.is_empty() {
            let rows = words(tasks, open);
            painter.part(areas.words).rows(&rows);
        }
        if !areas.agents.is_empty() {
            let rows = agents(tasks, open, areas.agents.width);
            painter.part(areas.agents).rows(&rows);
        }
    }
}

const fn band_role(band: Band) -> Role {
    match band {
        Band::High => Role::Ok,
        Band::Medium => Role::Text,
        Band::Low => Role::Warn,
    }
}

/// How the list is filtered and sorted, and where its cursor is, in `width` cells.
fn order(tasks: &Tasks, len: usize, width: u16) -> String {
    let mut sort = tasks.sort.words().to_owned();
    if !tasks.filter.is_empty() {
        sort = format!("filter {} · {sort}", inert_short(&tasks.filter, 20));
    }
    let position = tasks.list.position(len);
    let both = format!("{sort}  {position}");
    if position.is_empty() {
        sort
    } else if text::cells(&both) < width {
        both
    } else {
        position
    }
}

fn list(tasks: &mut Tasks, painter: &mut Painter<'_>) {
    let (width, height) = (painter.width(), painter.height());
    let narrow = width < 60;
    // A column of its own only while there is something to say in it.
    let states = width >= 90 && tasks.submitted.any();
    let len = tasks.listed.len();
    let rows = usize::from(height.saturating_sub(1));
    tasks.list.settle(len, rows);
    // Where the headings end; what does not fit beside them is left out before they are written over.
    let beside = width.saturating_sub(if narrow { 22 } else { 39 });
    let right = order(tasks, len, beside);
    let mut header = Row::new().at(3, "ID", Role::Muted).at(16, "Score", Role::Muted);
    if !narrow {
        header = header
            .number(31, "Parts", Role::Muted)
            .at(32, "Stages", Role::Muted)
            .at(40, if states { "State" } else { "Description" }, Role::Muted);
    }
    if states {
        header = header.at(53, "Description", Role::Muted);
    }
    painter.row(0, &header.right(1, right, Role::Muted));
    if len == 0 {
        let said = if tasks
            .reading
            .as_ref()
            .is_some_and(|reading| reading.view.rows.is_empty())
        {
            let source = tasks
                .reading
                .as_ref()
                .map_or_else(String::new, |reading| inert(&reading.view.source));
            format!("0 tasks in {source}. That is allowed; n goes on.")
        } else {
            "No task contains this. Esc takes the filter away.".to_owned()
        };
        painter.row(1, &Row::prose(said, Role::Text));
        return;
    }
    let focused = tasks.region == Region::List;
    let mut cursor = tasks.list;
    let mut part = painter.part(Rect::new(0, 1, width, height.saturating_sub(1)));
    let glyphs = part.glyphs();
    let (cursor_sign, accepted) = (glyphs.cursor, glyphs.done);
    cursor.draw(&mut part, len, focused, |at, here| {
        let place = tasks.listed[at];
        let Some(line) = tasks.shown(place) else {
            return Row::blank();
        };
        let sign = if here {
            cursor_sign
        } else if tasks.marked.contains(&place) {
            "*"
        } else {
            " "
        };
        let id = inert(&line.id.to_string());
        let score = format!("{} {}", line.score, line.band.name());
        let mut row = Row::new()
            .at(1, sign, Role::Accent)
            .at(3, id, Role::Text)
            .middle(12);
        if tasks.marked.contains(&place) && here {
            row = Row::new().at(0, "*", Role::Accent).at(1, sign, Role::Accent);
            row = row.at(3, inert(&line.id.to_string()), Role::Text).middle(12);
        }
        row = row.at(16, score, band_role(line.band));
        if let Some(mark) = tasks.submitted.mark(&line.id.to_string(), line.parts) {
            row = row.at(25, mark.glyph(glyphs), mark.role());
        } else if tasks.is_accepted(&line) {
            row = row.at(25, accepted, Role::Ok);
        }
        let description = inert_short(&line.description, SHOWN);
        if narrow {
            row.at(27, description, Role::Muted)
        } else {
            row = row.number(31, count(line.parts as u64), Role::Text).number(
                38,
                count(line.stages as u64),
                Role::Text,
            );
            if states {
                let state = tasks.submitted.word(&line.id.to_string(), line.parts);
                let accepted = tasks
                    .is_accepted(&line)
                    .then(|| ("accepted".to_owned(), Role::Muted));
                let (word, role) = state.or(accepted).unwrap_or_default();
                row.at(40, word, role).at(53, description, Role::Text)
            } else {
                row.at(40, description, Role::Text)
            }
        }
    });
    tasks.list = cursor;
}

fn input(tasks: &Tasks, painter: &mut Painter<'_>) {
    let Some(input) = &tasks.input else {
        return;
    };
    let label = match input.what {
        Writing::Filter => "filter",
        Writing::Find => "find",
        Writing::Description => "text",
        Writing::Part => "new part",
        Writing::Split(_) => "parts",
        Writing::Agents => "agents",
    };
    let (width, height) = (painter.width(), painter.height());
    let column = 11;
    painter.row(0, &Row::new().at(1, label, Role::Accent));
    let area = Rect::new(column, 0, width.saturating_sub(column + 1), height);
    let mut part = painter.part(area);
    if input.field.is_prose() {
        input.field.draw(&mut part, Role::Text);
    } else {
        let caret = part.glyphs().caret;
        let shown = input.field.shown(area.width, caret);
        part.put(0, 0, &shown, Role::Text, area.width);
    }
}

fn stages(tasks: &mut Tasks, painter: &mut Painter<'_>, density: Density) {
    let focused = tasks.region == Region::Stages;
    let title = tasks
        .line()
        .map(|line| inert(&line.id.to_string()))
        .unwrap_or_default();
    let Some(open) = tasks.open.as_mut() else {
        return;
    };
    let form = match density {
        Density::Wide | Density::Rail => Form::Boxed,
        _ if painter.width() < 60 => Form::List,
        _ => Form::Flat,
    };
    let (area, look) = (painter.area(), painter.look());
    // A large plan's columns are ordered when they first come into view.
    open.refine(tasks.stages.visible_stages());
    StageView::new(&open.graph, &open.order, look, form)
        .title(&title)
        .focused(focused)
        .marked(&tasks.parts)
        .render(area, painter.buffer(), &mut tasks.stages);
}

/// Three lines about the subtask under the cursor.
fn words(tasks: &Tasks, open: &Open) -> Vec<Row> {
    let Some(part) = tasks.part() else {
        return Vec::new();
    };
    let subtask = &open.plan.subtasks[part];
    let Some(node) = tasks.stages.cursor else {
        return Vec::new();
    };
    let named = |parts: &[u32]| match tasks.names(parts) {
        names if names.is_empty() => "nothing".to_owned(),
        names => names.join(", "),
    };
    let waits = named(open.graph.dependencies(node));
    let feeds = named(open.graph.dependents(node));
    let weight = open.graph.node(node).weight;
    let path = if open.graph.is_critical(node) {
        " · on the critical path"
    } else {
        ""
    };
    vec![
        Row::new()
            .at(1, inert(&subtask.description), Role::Critical)
            .then("   ", Role::Text)
            .then(format!("waits for {waits} · feeds {feeds}"), Role::Text),
        tasks.submitted.words(tasks).unwrap_or_else(|| {
            Row::prose(
                format!(
                    "  rule {} · weight {weight:.1}{path} · {}",
                    subtask.rule, subtask.kind
                ),
                Role::Text,
            )
        }),
        Row::prose(
            format!("  from \"{}\"", inert_short(&open.plan.original, SHOWN)),
            Role::Muted,
        ),
    ]
}

/// ` agents 3 ◂ ▸  makespan 2.0  idle 2.0  speed-up 2.0× of at most 2.0×`, and the small table.
fn agents(tasks: &Tasks, open: &Open, width: u16) -> Vec<Row> {
    let run = open.with(tasks.agents_now());
    let bound = open.plan.metrics.speedup_bound;
    let mut first = Row::new()
        .at(1, "agents ", Role::Muted)
        .then(count(run.agents as u64), Role::Critical)
        .then(" ◂ ▸", Role::Accent)
        .then(
            if width < 70 {
                format!(
                    "  makespan {:.1}  idle {:.1}  {:.1}× of {bound:.1}×",
                    run.makespan, run.idle, run.speedup
                )
            } else {
                format!(
                    "  makespan {:.1}  idle {:.1}  speed-up {:.1}× of at most {bound:.1}×",
                    run.makespan, run.idle, run.speedup
                )
            },
            Role::Text,
        );
    if width >= 90 {
        first = first.right(1, "weights assumed", Role::Muted);
    }
    let mut said = format!("{} is the fewest", count(open.fewest.agents as u64));
    if width >= 70 {
        said.push_str(" for the shortest");
    }
    let room = usize::from(width).saturating_sub(text::width(&said) + 6);
    let mut table = String::new();
    for run in &open.table {
        let entry = format!("{}: {:.1}   ", run.agents, run.makespan);
        if text::width(&table) + text::width(&entry) > room {
            break;
        }
        table.push_str(&entry);
    }
    vec![
        first,
        Row::new()
            .at(3, table.trim_end(), Role::Text)
            .right(1, said, Role::Muted),
    ]
}
