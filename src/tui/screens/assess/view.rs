//! How Assess is drawn: sections, the questions of one, the detail of the question under the cursor.

use ratatui::layout::Rect;

use super::Assess;
use crate::engine::assess::derive::Standing;
use crate::engine::assess::view::{AssessView, RowView, State, detail};
use crate::engine::assess::{Kind, Value};
use crate::engine::text::inert;
use crate::tui::app::context::Cx;
use crate::tui::layout::Density;
use crate::tui::paint::{Painter, Row, keep};
use crate::tui::screens::detail::labelled;
use crate::tui::style::Role;
use crate::tui::text;
use crate::tui::widgets::list::List;
use crate::tui::widgets::mark::Mark;

/// Seconds a probe may take, as the detail says.
const PROBE_LIMIT_S: u64 = 5;
/// Rows above the list: sections and a rule.
const HEAD: u16 = 2;
/// Column of the values beside `Why`, `Risk`.
const DETAIL: u16 = 10;
/// Cells by which the detail is indented.
const INDENT: u16 = 2;
/// Cells of a question's name, of an answer, where there is room for all columns.
const NAME: u16 = 27;
const ANSWER: u16 = 18;

pub(super) fn render(screen: &mut Assess, painter: &mut Painter<'_>, cx: &Cx<'_>) {
    let (width, height) = (painter.width(), painter.height());
    let Some(form) = super::form(cx) else {
        let sentence = match &cx.views.questionnaire {
            Some(Err(error)) => {
                let hint = error
                    .hint
                    .as_deref()
                    .map(|hint| format!(" {hint}"))
                    .unwrap_or_default();
                format!("The questionnaire cannot be read: {}.{hint}", error.message)
            }
            _ => format!("{} The questionnaire is being read.", cx.spinner()),
        };
        painter.rows(&crate::tui::screens::detail::prose(
            &sentence,
            width,
            Role::Text,
            keep::ALWAYS,
        ));
        return;
    };
    screen.section = screen.section.min(form.rows.len().saturating_sub(1));
    sections(screen, painter, &form, width);
    painter.row(1, &Row::rule());
    let empty = Vec::new();
    let rows = form.rows.get(screen.section).unwrap_or(&empty);
    let question = screen.question(cx, &form);
    let editing_prose = screen
        .edit
        .as_ref()
        .is_some_and(crate::tui::widgets::field::Field::is_prose);
    let detail_rows = question.map_or_else(Vec::new, |question| detail_rows(screen, cx, question, width));
    let room = height.saturating_sub(HEAD);
    let wanted_list = u16::try_from(rows.len()).unwrap_or(u16::MAX);
    // The list comes first; the detail gets the rest, and at least a third where there is a detail at all.
    let detail_wanted = u16::try_from(detail_rows.len() + 1).unwrap_or(u16::MAX);
    let least_detail = if cx.density <= Density::Compact {
        (room / 3).min(detail_wanted)
    } else {
        0
    };
    let reserved = if editing_prose { room / 2 } else { least_detail };
    // The detail follows the list, so that its heading keeps its place within a section.
    let list_height = wanted_list.min(room.saturating_sub(reserved));
    let detail_height = room.saturating_sub(list_height);
    let list_area = Rect {
        x: 0,
        y: HEAD,
        width,
        height: list_height,
    };
    let (edit, refused) = (screen.edit.clone(), screen.refusal.is_some());
    let mut part = painter.part(list_area);
    screen
        .list
        .draw(&mut part, rows.len(), edit.is_none(), |index, here| {
            let edit = edit.as_ref().filter(|field| here && !field.is_prose());
            line(&rows[index], here, edit.map(|field| (field, refused)), cx, width)
        });
    let body = Rect {
        x: 0,
        y: HEAD + list_area.height,
        width,
        height: detail_height,
    };
    if editing_prose && let Some(field) = &edit {
        let mut part = painter.part(body);
        part.row(0, &Row::rule());
        let title = question.map_or("", |question| question.text.as_str());
        part.row(
            1,
            &Row::prose(title, Role::Critical).right(1, "Ctrl-J breaks the line", Role::Muted),
        );
        field.draw(
            &mut part.part(Rect {
                x: 2,
                y: 2,
                width: width.saturating_sub(4),
                height: 8,
            }),
            Role::Text,
        );
        return;
    }
    let mut rows = vec![Row::blank()];
    rows.extend(detail_rows);
    painter.part(body).rows(&rows);
}

/// The question drawn at a row of the pane.
pub(super) fn row_at(list: &List, y: u16, len: usize) -> Option<usize> {
    let index = list.top + usize::from(y.checked_sub(HEAD)?);
    (index < len && index < list.top + list.page).then_some(index)
}

fn sections(screen: &Assess, painter: &mut Painter<'_>, form: &AssessView, width: u16) {
    let glyphs = painter.glyphs();
    let mark = |section: &crate::engine::assess::view::SectionView, at: usize| {
        if at == screen.section {
            (glyphs.cursor, Role::Accent)
        } else if section.answered == section.total {
            (Mark::Done.glyph(glyphs), Role::Ok)
        } else {
            (Mark::Ready.glyph(glyphs), Role::Text)
        }
    };
    let wanted: usize = form
        .sections
        .iter()
        .map(|section| text::width(&section.label()) + 6)
        .sum::<usize>()
        .saturating_sub(2);
    let mut row = Row::new().at(1, "", Role::Text);
    if wanted + 2 > usize::from(width) {
        // Only the present section has room for its name.
        for (at, section) in form.sections.iter().enumerate() {
            let (sign, role) = mark(section, at);
            let label = if at == screen.section {
                section.label()
            } else {
                String::new()
            };
            let gap = if label.is_empty() { "" } else { " " };
            row = row
                .then(format!("{} ", section.number), Role::Accent)
                .then(sign, role)
                .then(format!("{gap}{label}  "), Role::Critical);
        }
    } else {
        for (at, section) in form.sections.iter().enumerate() {
            let (sign, role) = mark(section, at);
            let label_role = if at == screen.section {
                Role::Critical
            } else {
                Role::Text
            };
            row = row
                .then(format!("{} ", section.number), Role::Accent)
                .then(sign, role)
                .then(format!(" {}  ", section.label()), label_role);
        }
    }
    painter.row(0, &row);
}

/// One question: name, answer with its unit, source, evidence, time.
fn line(
    row: &RowView,
    here: bool,
    edit: Option<(&crate::tui::widgets::field::Field, bool)>,
    cx: &Cx<'_>,
    width: u16,
) -> Row {
    let glyphs = cx.look.glyphs;
    let wide = width >= 70;
    // Where there is more room the answer and the evidence share it.
    let answer_at = if wide { 3 + NAME } else { width * 2 / 5 };
    let source_at = if wide {
        answer_at + ANSWER + (width - 70) / 3
    } else {
        width.saturating_sub(13)
    };
    let evidence_at = source_at + 8;
    let name = Row::new()
        .at(1, if here { glyphs.cursor } else { " " }, Role::Accent)
        .at(3, row.title.clone(), Role::Text)
        .max(answer_at.saturating_sub(4));
    if let Some((field, refused)) = edit {
        let role = if refused { Role::Bad } else { Role::Critical };
        let room = (source_at.saturating_sub(answer_at + 6 + text::cells(&row.unit))).max(6);
        let shown = field.shown(room, glyphs.caret);
        return name
            .at(answer_at, "[ ", Role::Accent)
            .then(shown, role)
            .then(" ]", Role::Accent)
            .then(format!(" {}", row.unit), Role::Muted);
    }
    let name = match row.state {
        State::NotAnswered => name,
        State::Probing if row.answer.is_empty() => name.at(answer_at, cx.spinner(), Role::Accent),
        _ => {
            let role = if row.requirement == Some(Standing::NotMet) {
                Role::Warn
            } else {
                Role::Critical
            };
            let sign = if row.requirement == Some(Standing::NotMet) {
                "! "
            } else {
                ""
            };
            name.at(answer_at, format!("{sign}{}", inert(&row.answer)), role)
        }
    };
    let (source, role) = match row.state {
        State::NotAnswered => ("not answered", Role::Warn),
        State::Offer => ("offer", Role::Warn),
        State::Probing => ("probing", Role::Accent),
        State::Answered => (row.source, Role::Muted),
    };
    let name = name.at(source_at, source, role);
    if !wide || matches!(row.state, State::NotAnswered | State::Probing) {
        return name;
    }
    let at = row.at.map_or_else(String::new, |at| cx.now.clock(at));
    let room = width.saturating_sub(evidence_at + 8);
    name.at(evidence_at, inert(&row.evidence), Role::Muted)
        .max(room)
        .right(1, at, Role::Muted)
}

fn detail_rows(
    screen: &Assess,
    cx: &Cx<'_>,
    question: &crate::engine::assess::Question,
    width: u16,
) -> Vec<Row> {
    let width = width.saturating_sub(INDENT);
    let probing = cx.views.probing.contains(&question.id);
    let mut rows = Vec::new();
    if let Some(refusal) = &screen.refusal {
        rows.extend(labelled(
            "Refused",
            refusal,
            DETAIL,
            width,
            Role::Bad,
            keep::ALWAYS,
        ));
    }
    let options = options(cx, question);
    let chosen_from = !options.is_empty();
    if chosen_from {
        rows.push(choose(&options, cx));
    }
    for line in detail(question, &cx.snapshot.answers, probing, Some(PROBE_LIMIT_S)) {
        if chosen_from && line.label == "Answer" {
            continue;
        }
        let kept = match line.label {
            "Answer" | "Probe" => keep::FIGURE,
            "Why" | "Needs" => keep::NORMAL,
            _ => keep::EXTRA,
        };
        let key_room = if line.key.is_empty() {
            0
        } else {
            text::cells(&line.key) + 2
        };
        let mut made = labelled(
            line.label,
            &line.text,
            DETAIL,
            width.saturating_sub(key_room),
            Role::Text,
            kept,
        );
        if !line.key.is_empty()
            && let Some(first) = made.first_mut()
        {
            *first = std::mem::take(first).right(1, line.key, Role::Accent);
        }
        rows.extend(made);
    }
    let mut all = vec![Row::prose(question.text.clone(), Role::Critical).keep(keep::FIGURE)];
    all.extend(rows.into_iter().map(|row| row.indented(INDENT)));
    all
}

/// What Space goes through, and whether each is the answer now; empty where something is typed.
fn options(cx: &Cx<'_>, question: &crate::engine::assess::Question) -> Vec<(String, bool)> {
    let present = cx.snapshot.answers.value(&question.id);
    match &question.kind {
        Kind::Choice(options) => options
            .iter()
            .map(|option| {
                (
                    option.label.clone(),
                    matches!(present, Some(Value::Choice(id)) if *id == option.id),
                )
            })
            .collect(),
        Kind::YesNo => vec![
            ("yes".to_owned(), present == Some(&Value::YesNo(true))),
            ("no".to_owned(), present == Some(&Value::YesNo(false))),
            ("not answered".to_owned(), present.is_none()),
        ],
        _ => Vec::new(),
    }
}

/// `Choose   (•) yes  ( ) no  ( ) not answered`.
fn choose(options: &[(String, bool)], cx: &Cx<'_>) -> Row {
    let glyphs = cx.look.glyphs;
    let mut row = Row::new().at(1, "Choose", Role::Muted).at(DETAIL, "", Role::Text);
    for (index, (label, chosen)) in options.iter().enumerate() {
        let gap = if index == 0 { "" } else { "  " };
        let (sign, role) = if *chosen {
            (glyphs.chosen, Role::Accent)
        } else {
            (glyphs.option, Role::Muted)
        };
        let label_role = if *chosen { Role::Critical } else { Role::Text };
        row = row
            .then(gap, Role::Text)
            .then(sign, role)
            .then(format!(" {label}"), label_role);
    }
    row.keep(keep::FIGURE)
}
