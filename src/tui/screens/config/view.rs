//! Drawing both sides: a MAOS line stands opposite its source, and the line of the cursor is explained below.

use ratatui::layout::Rect;

use super::{Config, role, view};
use crate::engine::config::View;
use crate::engine::config::view::{ConflictView, Mark, Row as Line};
use crate::engine::text::plural;
use crate::engine::views::Slot;
use crate::tui::app::context::Cx;
use crate::tui::paint::{Painter, Row};
use crate::tui::screens::detail::prose;
use crate::tui::style::Role;
use crate::tui::text;
use crate::tui::widgets::frame::News;
use crate::tui::widgets::list;

/// Rows above the list.
const HEADER: u16 = 2;
/// Rows of the detail below the list, where there is room.
const DETAIL: u16 = 6;
/// Below this width only the MAOS side is drawn; the legacy line stands in the detail.
const BOTH: u16 = 64;

pub(super) fn news(screen: &Config, cx: &Cx<'_>) -> News {
    if let Some(refusal) = &screen.refusal {
        return News::new(refusal.clone(), "").role(Role::Bad);
    }
    if screen.edit.is_some() {
        let secret = screen.row(cx).is_some_and(|row| row.secret);
        return if secret {
            News::new(
                "A secret is never shown. Type a new one, or ${NAME}.",
                "Enter keeps it, Esc leaves the old one",
            )
        } else {
            News::new(
                "Nothing is saved yet.",
                "Enter keeps it, Esc leaves the old value",
            )
        };
    }
    if let Slot::Failed(_, error) = &cx.views.config {
        let hint = error
            .hint
            .clone()
            .unwrap_or_else(|| "r reads it again".to_owned());
        return News::new(format!("{}.", text::sentence(&error.message)), hint).role(Role::Bad);
    }
    let Some(view) = view(cx) else {
        return match unasked(cx) {
            Some(held) => News::new(held, "look around; R works").role(Role::Warn),
            None => News::new("Reading only; nothing is changed.", "wait"),
        };
    };
    if let Some(held) = cx.held() {
        return News::new(held, "look around; R works").role(Role::Warn);
    }
    let open = view.open().count() as u64;
    if open > 0 {
        let said = plural(open, "conflict needs a decision", "conflicts need a decision");
        let here = screen.conflict(cx).is_some_and(|conflict| !conflict.decided);
        let next = if here {
            "type the number of a choice"
        } else {
            "n goes to it"
        };
        return News::new(format!("{said}."), next).role(Role::Warn);
    }
    if view.source.is_empty() {
        return News::new("No legacy configuration named.", "n writes defaults only");
    }
    News::new(
        "Every key has its place or its reason.",
        format!("n writes {}", view.out),
    )
}

pub(super) fn render(screen: &mut Config, painter: &mut Painter<'_>, cx: &Cx<'_>) {
    let (width, height) = (painter.width(), painter.height());
    let Some(view) = view(cx) else {
        unread(painter, cx, width);
        return;
    };
    let half = width.saturating_sub(4) / 2;
    let both = width >= BOTH;
    let rule = if both { HEADER } else { 0 };
    screen.header = rule;
    if both {
        header(painter, view, half);
    }
    let below = if height >= rule + DETAIL + 5 {
        DETAIL + 1
    } else {
        u16::from(height > 4) * 2
    };
    let room = height.saturating_sub(rule + below);
    let caret = cx.look.glyphs.caret;
    let edit = screen
        .edit
        .as_ref()
        .map(|field| field.shown(half.saturating_sub(8), caret));
    let vertical = cx.look.glyphs.vertical;
    let mut part = painter.part(Rect {
        x: 0,
        y: rule,
        width,
        height: room,
    });
    let sign = list::cursor(&part, true);
    screen
        .list
        .draw(&mut part, view.rows.len(), edit.is_none(), |index, here| {
            let line = &view.rows[index];
            let edit = edit.as_deref().filter(|_| here);
            row(
                line,
                here.then_some(sign),
                edit,
                if both { Some((half, vertical)) } else { None },
            )
        });
    let mut part = painter.part(Rect {
        x: 0,
        y: rule + room,
        width,
        height: below,
    });
    detail(screen, view, &mut part, cx, width);
}

/// Why nobody reads: where nothing was asked for, nothing is to be waited for.
fn unasked(cx: &Cx<'_>) -> Option<String> {
    cx.held()
        .filter(|_| matches!(cx.views.config, Slot::Empty) && !crate::tui::screens::working::reads(cx))
}

fn unread(painter: &mut Painter<'_>, cx: &Cx<'_>, width: u16) {
    let rows = match &cx.views.config {
        Slot::Failed(_, error) => {
            let said = format!("{} {}.", cx.look.glyphs.failed, text::sentence(&error.message));
            let mut rows = prose(&said, width, Role::Bad, crate::tui::paint::keep::ALWAYS);
            if let Some(hint) = &error.hint {
                rows.extend(prose(hint, width, Role::Text, crate::tui::paint::keep::NORMAL));
            }
            rows
        }
        _ if unasked(cx).is_some() => vec![Row::prose(
            format!(
                "{} Both sides are not read in this session.",
                cx.look.glyphs.unknown
            ),
            Role::Unknown,
        )],
        _ => vec![Row::prose(
            format!("{} Reading both sides. Nothing is changed.", cx.spinner()),
            Role::Text,
        )],
    };
    painter.rows(&rows);
}

fn header(painter: &mut Painter<'_>, view: &View, half: u16) {
    let vertical = painter.glyphs().vertical;
    let source = if view.source.is_empty() {
        "none"
    } else {
        &view.source
    };
    let titles = Row::new()
        .at(1, "Legacy  ", Role::Critical)
        .then(source, Role::Muted)
        .at(half, vertical, Role::Muted)
        .at(half + 4, "MAOS  ", Role::Critical)
        .then(format!("{}, profile {}", view.out, view.profile), Role::Muted);
    painter.row(0, &titles);
    painter.row(1, &Row::rule());
}

fn row(
    line: &Line,
    cursor: Option<(&'static str, Role)>,
    edit: Option<&str>,
    split: Option<(u16, &'static str)>,
) -> Row {
    let mut row = Row::new();
    if let Some((sign, role)) = cursor {
        row = row.at(1, sign, role);
    }
    let mut column = 3;
    if let Some((half, vertical)) = split {
        row = row
            .at(3, line.legacy.clone(), Role::Text)
            .at(half, vertical, Role::Muted);
        column = half + 2;
    }
    row = row.at(column, line.mark.glyph().to_string(), role(line.mark));
    if let Some(field) = edit {
        return row.at(column + 2, format!("[{field}]"), Role::Accent);
    }
    let role = match line.mark {
        Mark::Same | Mark::Changed => Role::Text,
        mark => role(mark),
    };
    row.at(column + 2, line.maos.clone(), role)
}

/// What there is to know about the line of the cursor, the findings about the file, and what the marks mean.
fn detail(screen: &Config, view: &View, painter: &mut Painter<'_>, cx: &Cx<'_>, width: u16) {
    let height = painter.height();
    if height == 0 {
        return;
    }
    let mut rows = Vec::new();
    if let Some(conflict) = screen.conflict(cx) {
        conflict_rows(&mut rows, conflict, cx);
    } else if let Some(line) = view.rows.get(screen.list.cursor) {
        line_rows(&mut rows, line, view, width);
    }
    for (_, place, said) in &view.findings {
        if place.line == 0 {
            rows.extend(prose(&format!("! {said}"), width, Role::Warn, 20));
        }
    }
    let position = screen.list.position(view.rows.len());
    painter.row(0, &Row::new().right(1, position, Role::Muted));
    let legend = [
        Mark::Same,
        Mark::Changed,
        Mark::Default,
        Mark::Unmapped,
        Mark::Decide,
    ];
    let room = usize::from(height.saturating_sub(2));
    rows.truncate(room);
    for (y, row) in (1..).zip(&rows) {
        painter.row(y, row);
    }
    let mut marks = Row::new().at(1, "", Role::Muted);
    for mark in legend {
        marks = marks
            .then(mark.glyph().to_string(), role(mark))
            .then(format!(" {}   ", mark.word()), Role::Muted);
    }
    painter.row(height - 1, &marks);
}

fn conflict_rows(rows: &mut Vec<Row>, conflict: &ConflictView, cx: &Cx<'_>) {
    let lines: Vec<String> = conflict.lines.iter().map(u64::to_string).collect();
    let (word, role) = if conflict.decided {
        ("decided", Role::Ok)
    } else {
        ("! needs a decision", Role::Warn)
    };
    rows.push(
        Row::new()
            .at(1, format!("{}   ", conflict.path), Role::Critical)
            .then(word, role)
            .right(1, format!("source lines {}", lines.join(", ")), Role::Muted),
    );
    let widest = conflict.choices.iter().map(|(label, _)| text::cells(label)).max();
    // A chosen sign is three cells wide; the number stands after it, chosen or not.
    let values = 9 + widest.unwrap_or(0).min(34);
    for (number, (label, value)) in (1..).zip(&conflict.choices) {
        let glyphs = cx.look.glyphs;
        let taken = conflict.decided && conflict.taken == number;
        let first = if number == 1 { "takes precedence" } else { "" };
        rows.push(
            Row::new()
                .at(1, if taken { glyphs.chosen } else { " " }, Role::Ok)
                .at(5, number.to_string(), Role::Accent)
                .at(7, label.clone(), Role::Text)
                .max(34)
                .at(values, value.clone(), Role::Text)
                .right(1, first, Role::Muted),
        );
    }
    if !conflict.decided {
        rows.push(Row::prose(
            "They are set and differ. Neither is written before you choose.",
            Role::Text,
        ));
    }
}

fn line_rows(rows: &mut Vec<Row>, line: &Line, view: &View, width: u16) {
    let place = if line.place.line > 0 {
        format!("line {}, column {}", line.place.line, line.place.column)
    } else {
        String::new()
    };
    let head = if line.legacy.is_empty() {
        &line.maos
    } else {
        &line.legacy
    };
    rows.push(
        Row::new()
            .at(1, head.clone(), Role::Critical)
            .right(1, place, Role::Muted),
    );
    if !line.legacy.is_empty() {
        rows.push(Row::new().at(1, line.maos.trim().to_owned(), Role::Text));
    }
    if let Some(note) = &line.note {
        rows.extend(prose(
            &format!("{}.", text::sentence(note)),
            width,
            Role::Muted,
            20,
        ));
    }
    for (_, place, said) in &view.findings {
        if place.line > 0 && place.line == line.place.line {
            rows.extend(prose(&format!("! {said}"), width, Role::Warn, 20));
        }
    }
}
