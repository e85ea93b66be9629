//! How Start is drawn.

use ratatui::layout::Rect;

use super::Start;
use super::fields::{self, Entry, FIELDS};
use crate::engine::error::Error;
use crate::engine::journey;
use crate::engine::views::{Check, Mode, Slot};
use crate::engine::workspace::Environment;
use crate::tui::app::context::Cx;
use crate::tui::layout::Density;
use crate::tui::paint::{Painter, Row};
use crate::tui::style::Role;
use crate::tui::text;
use crate::tui::widgets::mark::Mark;

/// Column of the cursor, of a field's word, of its value.
const CURSOR: u16 = 12;
const LABEL: u16 = 14;
const VALUE: u16 = 27;
/// Cells of a check at the right.
const CHECK: u16 = 17;

/// One line of the form, and the field it belongs to.
struct Lined {
    row: Row,
    field: Option<usize>,
}

pub(super) fn render(start: &mut Start, painter: &mut Painter<'_>, cx: &Cx<'_>) {
    let (width, height) = (painter.width(), painter.height());
    if cx.density <= Density::Normal {
        let said = if fields::is_sample(cx) {
            "Sample legacy system in a new folder. Nothing outside it is touched."
        } else {
            "Nothing is changed until you approve a plan."
        };
        painter.row(0, &Row::prose(said, Role::Muted));
    }
    let head = head(cx);
    let lines = lines(start, cx, width);
    let room = height.saturating_sub(head);
    let detail = detail(start, cx, width);
    let detail_height = u16::try_from(detail.len()).unwrap_or(0).min(room / 3);
    let shown = usize::from(room.saturating_sub(detail_height));
    // The field with the cursor stays in view, and with it its group's first line where that is near.
    let at = lines
        .iter()
        .position(|line| line.field == Some(start.cursor))
        .unwrap_or(0);
    let least = (at + 2).saturating_sub(shown);
    start.top = start
        .top
        .clamp(least.min(at), at)
        .min(lines.len().saturating_sub(shown));
    for (y, line) in (head..).zip(lines.iter().skip(start.top).take(shown)) {
        painter.row(y, &line.row);
    }
    let body = Rect {
        x: 0,
        y: height - detail_height,
        width,
        height: detail_height,
    };
    painter.part(body).rows(&detail);
}

/// Rows above the form.
fn head(cx: &Cx<'_>) -> u16 {
    if cx.density <= Density::Normal { 2 } else { 0 }
}

/// The field drawn at a row of the pane.
pub(super) fn field_at(start: &Start, y: u16, cx: &Cx<'_>) -> Option<usize> {
    let index = usize::from(y.checked_sub(head(cx))?) + start.top;
    lines(start, cx, 78).get(index)?.field
}

fn lines(start: &Start, cx: &Cx<'_>, width: u16) -> Vec<Lined> {
    let mut lines = Vec::new();
    let spaced = cx.density <= Density::Normal;
    for (index, entry) in FIELDS.iter().enumerate() {
        let group = match entry {
            Entry::Choice { group, .. } | Entry::Path { group, .. } | Entry::Box { group, .. } => *group,
        };
        if spaced && !group.is_empty() && index > 0 {
            lines.push(Lined {
                row: Row::blank(),
                field: None,
            });
        }
        let here = index == start.cursor;
        let row = Row::new()
            .at(1, group, Role::Muted)
            .at(CURSOR, if here { "▸" } else { "" }, Role::Accent);
        let row = match entry {
            Entry::Choice {
                label, path, options, ..
            } => choice(row, cx, label, path, options, width),
            Entry::Path { label, path, .. } => self::path(row, start, cx, label, path, here, width),
            Entry::Box { label, path, .. } => {
                let glyphs = cx.look.glyphs;
                let (sign, role) = match (fields::unknown(cx), fields::ticked(cx, path)) {
                    (true, _) => ("[?]", Role::Unknown),
                    (false, true) => (glyphs.ticked, Role::Accent),
                    (false, false) => (glyphs.unticked, Role::Accent),
                };
                row.at(LABEL, sign, role).then(format!(" {label}"), Role::Text)
            }
        };
        lines.push(Lined {
            row: row.selected(here && start.edit.is_none()),
            field: Some(index),
        });
        if index == 0 && spaced {
            lines.push(Lined {
                row: about_type(cx),
                field: None,
            });
        }
    }
    if spaced {
        lines.push(Lined {
            row: Row::blank(),
            field: None,
        });
        lines.push(Lined {
            row: Row::new()
                .at(1, "Settings", Role::Muted)
                .at(LABEL, saved(cx), Role::Muted),
            field: None,
        });
    }
    lines
}

fn saved(cx: &Cx<'_>) -> String {
    match cx.views.settings.value() {
        Some((at, _)) => format!("migration.yml, read {}", cx.ago(at)),
        None => "migration.yml".to_owned(),
    }
}

fn about_type(cx: &Cx<'_>) -> Row {
    match cx.snapshot.migration {
        Some(kind) => {
            let steps = journey::steps(Some(kind)).len().saturating_sub(1);
            let row = Row::new().at(LABEL, kind.sentence(), Role::Muted);
            row.right(1, format!("{steps} steps"), Role::Muted)
        }
        None if fields::unknown(cx) => Row::new().at(
            LABEL,
            format!("{} not known", cx.look.glyphs.unknown),
            Role::Unknown,
        ),
        None => Row::new().at(LABEL, "Space chooses one of the four.", Role::Warn),
    }
}

fn choice(row: Row, cx: &Cx<'_>, label: &str, path: &[&str], options: &[fields::Choice], width: u16) -> Row {
    let glyphs = cx.look.glyphs;
    let chosen = fields::chosen(cx, path, options);
    if path == ["environment"] && cx.snapshot.environment == Environment::Rehearsal {
        return row
            .at(LABEL, label, Role::Text)
            .at(VALUE, glyphs.chosen, Role::Accent)
            .then(format!(" {}", cx.snapshot.environment.word()), Role::Critical);
    }
    let from = if label.is_empty() { LABEL } else { VALUE };
    let mut row = row.at(LABEL, label, Role::Text).at(from, "", Role::Text);
    let wanted: usize = options.iter().map(|option| text::width(option.label) + 6).sum();
    // The last option needs no distance to a next one.
    if usize::from(width.saturating_sub(from)) + 2 < wanted {
        let none = if fields::unknown(cx) {
            glyphs.unknown
        } else {
            "not chosen"
        };
        let name = chosen.map_or(none, |at| options[at].label);
        return row
            .then(
                if chosen.is_some() {
                    glyphs.chosen
                } else {
                    glyphs.option
                },
                Role::Accent,
            )
            .then(format!(" {name}"), Role::Text);
    }
    for (index, option) in options.iter().enumerate() {
        let is = chosen == Some(index);
        let (sign, role) = if is {
            (glyphs.chosen, Role::Accent)
        } else {
            (glyphs.option, Role::Muted)
        };
        let label_role = match (is, option.key) {
            (true, "production") => Role::Banner,
            (true, _) => Role::Critical,
            (false, _) => Role::Text,
        };
        row = row
            .then(sign, role)
            .then(" ", Role::Text)
            .then(option.label, label_role);
        if index + 1 < options.len() {
            row = row.then("  ", Role::Text);
        }
    }
    if path == ["environment"] && chosen.is_none() && fields::unknown(cx) {
        row = row.then(format!("  {}", glyphs.unknown), Role::Unknown);
    } else if path == ["environment"] && chosen.is_none() {
        let word = cx.snapshot.environment.word();
        row = row.then(format!("  {word}"), Role::Warn);
    }
    row
}

fn path(row: Row, start: &Start, cx: &Cx<'_>, label: &str, path: &[&str; 2], here: bool, width: u16) -> Row {
    let row = row.at(LABEL, label, Role::Text);
    let check_at = width.saturating_sub(check_width(width));
    if let Some(field) = start.edit.as_ref().filter(|_| here) {
        let room = width.saturating_sub(VALUE + 5);
        let shown = field.shown(room, cx.look.glyphs.caret);
        return row
            .at(VALUE, "[ ", Role::Accent)
            .then(shown, Role::Critical)
            .then(" ]", Role::Accent);
    }
    let value = fields::value(cx, path);
    let row = if value.is_empty() && fields::unknown(cx) {
        return row.at(VALUE, cx.look.glyphs.unknown, Role::Unknown);
    } else if value.is_empty() {
        return row.at(VALUE, "not named", Role::Muted);
    } else {
        row.at(VALUE, value, Role::Text)
            .middle(check_at.saturating_sub(VALUE + 1))
    };
    let glyphs = cx.look.glyphs;
    let Some(check) = fields::check(cx, path) else {
        // Whoever only watches, or has no journal, asks nobody whether it answers.
        return if matches!(cx.views.mode, Mode::Watching(_) | Mode::Failed(_)) {
            row.at(check_at, Mark::Unknown.glyph(glyphs), Role::Unknown)
                .then(" not checked", Role::Muted)
        } else {
            row
        };
    };
    match check {
        Check::Unset => row,
        Check::Checking => row
            .at(check_at, cx.spinner(), Role::Accent)
            .then(" checking", Role::Muted),
        Check::Good(said) => row
            .at(check_at, Mark::Done.glyph(glyphs), Role::Ok)
            .then(format!(" {said}"), Role::Text),
        Check::Note(said) => row
            .at(check_at, Mark::Decide.glyph(glyphs), Role::Warn)
            .then(format!(" {said}"), Role::Text),
        Check::Bad(error) => row
            .at(check_at, Mark::Failed.glyph(glyphs), Role::Bad)
            .then(format!(" {}", error.message), Role::Bad),
    }
}

const fn check_width(width: u16) -> u16 {
    if width >= 96 {
        36
    } else if width >= 70 {
        CHECK
    } else {
        12
    }
}

/// The whole sentence of a line that needs one, under the form.
fn detail(start: &Start, cx: &Cx<'_>, width: u16) -> Vec<Row> {
    let cause = match (&cx.views.mode, &cx.views.settings) {
        (Mode::Failed(error), _) | (_, Slot::Failed(_, error)) => Some(error),
        _ => None,
    };
    if let Some(error) = cause {
        return whole(error, width);
    }
    let Entry::Path { path, .. } = start.field() else {
        return Vec::new();
    };
    let sentence = match fields::check(cx, path) {
        Some(Check::Bad(error)) => return whole(error, width),
        Some(Check::Note(said)) => (said.clone(), Role::Text),
        _ => return Vec::new(),
    };
    super::detail::prose(&sentence.0, width, sentence.1, crate::tui::paint::keep::FIGURE)
}

/// An error with what to do about it: the now line has no room for all of it.
fn whole(error: &Error, width: u16) -> Vec<Row> {
    let hint = error
        .hint
        .as_deref()
        .map(|hint| format!(" {hint}"))
        .unwrap_or_default();
    let said = format!("{}.{hint}", text::sentence(error.message.trim_end_matches('.')));
    super::detail::prose(&said, width, Role::Bad, crate::tui::paint::keep::FIGURE)
}
