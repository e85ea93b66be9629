//! The census: every value with its count and its fate, what is expected in all, and what stands in the way.

use ratatui::layout::Rect;

use super::{STEP, Schema, activity, working};
use crate::engine::schema::{CensusRow, Prepared, Running};
use crate::engine::snapshot::Activity;
use crate::engine::text::{count, inert, plural};
use crate::engine::views::Slot;
use crate::tui::app::context::Cx;
use crate::tui::app::view::PATIENCE;
use crate::tui::layout::Density;
use crate::tui::paint::{Painter, Row, fit, keep};
use crate::tui::screens::detail::{labelled, onward, prose};
use crate::tui::style::Role;
use crate::tui::text;
use crate::tui::widgets::frame::News;
use crate::tui::widgets::list::cursor;

/// Rows of the list that stay whatever else wants room.
const LEAST_LIST: u16 = 3;

pub(super) fn news(screen: &Schema, cx: &Cx<'_>) -> News {
    let activity = activity(cx);
    if activity == Activity::Idle
        && let Some(locked) = working::locked(cx, STEP)
    {
        return working::locked_news(&locked, "");
    }
    if screen.asked.is_some() {
        return News::new("The plan is being made; the rows are counted again.", "wait");
    }
    match &cx.views.schema {
        Slot::Loading(_) => {
            let far = cx
                .views
                .reading
                .get(&STEP)
                .filter(|progress| !progress.phase.is_empty())
                .map_or_else(
                    || "The values are being counted".to_owned(),
                    |progress| {
                        format!(
                            "{} {}",
                            text::sentence(&progress.phase),
                            working::fraction(progress)
                        )
                    },
                );
            return News::new(format!("{far}. The census reads only."), "wait");
        }
        Slot::Failed(_, error) => {
            let hint = error.hint.clone().unwrap_or_else(|| "r counts again".to_owned());
            return News::new(format!("{}.", text::sentence(&error.message)), hint).role(Role::Bad);
        }
        Slot::Empty | Slot::Ready(..) => {}
    }
    if activity.is_done() {
        let next = onward(cx, STEP)
            .0
            .map_or_else(String::new, |next| format!("n {}", next.title().to_lowercase()));
        return News::new("The rows are copied and proved.", next).role(Role::Ok);
    }
    if let Some(held) = cx.held() {
        return News::new(held, "look around; R works").role(Role::Warn);
    }
    let Some((at, prepared)) = model(cx) else {
        return News::new("Not counted yet. The census reads only.", "n counts");
    };
    if super::model::open_decision(prepared).is_some() {
        let what = format!(
            "1 decision open: {}.",
            plural(prepared.census.running, "running row", "running rows")
        );
        return News::new(what, "n goes to it").role(Role::Warn);
    }
    if let Some(block) = super::model::block(prepared) {
        return News::new(format!("Locked: {}.", block.sentence), "mend it, then r recounts")
            .role(Role::Warn);
    }
    if super::model::stale(cx, at) {
        return News::new(
            "The census is older than 10 min.",
            "n counts again before the copy",
        );
    }
    if activity != Activity::Idle {
        return News::new("Committed chunks are safe.", "n goes on from there");
    }
    if prepared.census.rows == 0 {
        return News::new("0 rows. That is allowed.", "n goes on and proves 0 = 0 + 0");
    }
    News::new(
        "Every value has a fate; nothing is changed yet.",
        "n shows the plan",
    )
}

fn model<'a>(cx: &Cx<'a>) -> Option<(jiff::Timestamp, &'a Prepared)> {
    super::model::census(cx)
}

pub(super) fn render(screen: &mut Schema, painter: &mut Painter<'_>, cx: &Cx<'_>) {
    let width = painter.width();
    if let Slot::Failed(_, error) = &cx.views.schema {
        let said = format!("{} {}.", cx.look.glyphs.failed, text::sentence(&error.message));
        let mut rows = prose(&said, width, Role::Bad, keep::ALWAYS);
        if let Some(hint) = &error.hint {
            rows.extend(labelled("Do", hint, 14, width, Role::Text, keep::FIGURE));
        }
        rows.push(Row::blank());
        rows.extend(prose(
            "Both databases are as they were: the census only reads.",
            width,
            Role::Muted,
            keep::NORMAL,
        ));
        painter.rows(&rows);
        return;
    }
    let Some((_, prepared)) = model(cx) else {
        painter.rows(&waiting(cx, width));
        return;
    };
    let loading = matches!(cx.views.schema, Slot::Loading(_));
    table(screen, painter, prepared, loading, cx);
}

/// Nothing is counted yet, or the first count is under way.
fn waiting(cx: &Cx<'_>, width: u16) -> Vec<Row> {
    let mut rows = Vec::new();
    if matches!(cx.views.schema, Slot::Loading(_)) {
        if let Some(progress) = cx.views.reading.get(&STEP) {
            rows.extend(working::reading("Counted", progress, cx, width));
        } else {
            cx.wake_in(PATIENCE);
            let said = format!(
                "{} The values of the legacy rows are being counted.",
                cx.spinner()
            );
            rows.push(Row::prose(said, Role::Text).keep(keep::FIGURE));
        }
        rows.push(Row::blank());
        rows.extend(prose("The census reads only.", width, Role::Muted, keep::NORMAL));
        return rows;
    }
    rows.extend(prose(super::ABOUT, width, Role::Text, keep::ALWAYS));
    rows.push(Row::blank());
    for (index, (what, about)) in [
        (
            "Census",
            "every value of the legacy rows, its count and its fate; reads only",
        ),
        (
            "Run",
            "chunks are copied and committed one by one, after a dialog",
        ),
        (
            "Proof",
            "a second conversion is compared with the target as it stands; done is said after it",
        ),
    ]
    .into_iter()
    .enumerate()
    {
        let label = format!("{} {what}", index + 1);
        rows.extend(labelled(&label, about, 14, width, Role::Muted, keep::NORMAL));
    }
    rows
}

/// Columns of the table for a width.
struct Columns {
    value: u16,
    rows: u16,
    becomes: u16,
}

fn columns(width: u16) -> Columns {
    if width < 56 {
        return Columns {
            value: 3,
            rows: width / 2 + 3,
            becomes: width / 2 + 5,
        };
    }
    let rows = (width / 2).clamp(38, 62);
    Columns {
        value: 16,
        rows,
        becomes: rows + 3,
    }
}

fn table(screen: &mut Schema, painter: &mut Painter<'_>, prepared: &Prepared, loading: bool, cx: &Cx<'_>) {
    let (width, height) = (painter.width(), painter.height());
    let values = &prepared.census.values;
    screen.list.cursor = screen.list.cursor.min(values.len().saturating_sub(1));
    let tail = tail(prepared, cx, width);
    let cells = |n: usize| u16::try_from(n).unwrap_or(u16::MAX);
    let list_wants = cells(values.len());
    let least = list_wants.min(LEAST_LIST);
    let room = height.saturating_sub(1);
    // The total always stands below the list; the rest of the tail gives way to the list, and the list to it by half.
    let tail_room = room
        .saturating_sub(list_wants)
        .max((room / 3).max(1))
        .min(room.saturating_sub(least))
        .min(cells(tail.len()));
    let shown: Vec<Row> = fit(&tail, usize::from(tail_room)).into_iter().cloned().collect();
    let list_height = list_wants.min(room.saturating_sub(cells(shown.len())));
    screen.list.settle(values.len(), usize::from(list_height));
    let columns = columns(width);
    let wide = columns.value > 3;
    let head = Row::new()
        .at(3, if wide { "Column" } else { "Value" }, Role::Muted)
        .at(columns.value, if wide { "Value" } else { "" }, Role::Muted)
        .number(columns.rows, "Rows", Role::Muted)
        .at(columns.becomes, if wide { "Becomes" } else { "" }, Role::Muted)
        .right(1, screen.list.position(values.len()), Role::Muted);
    painter.row(0, &head);
    screen.first_row = Some(1);
    let mut list = screen.list;
    let mut part = painter.part(Rect::new(0, 1, width, list_height));
    let signs = [cursor(&part, false), cursor(&part, true)];
    let top = list.top;
    let edited = |line: usize| {
        super::model::value(prepared, line).is_some_and(|value| {
            cx.step(STEP)
                .is_some_and(|step| step.decisions.contains_key(&value.subject()))
        })
    };
    list.draw(&mut part, values.len(), true, |index, here| {
        let found = &values[index];
        let (sign, role) = signs[usize::from(here)];
        // The name of the column stands where it begins, and again where the list is cut.
        let first = index == 0 || index == top || values[index - 1].column != found.column;
        let mut row = Row::new().at(1, sign, role);
        if wide && first {
            row = row.at(3, found.column.clone(), Role::Muted);
        }
        let tone = if loading { Role::Muted } else { Role::Text };
        row = row
            .at(columns.value, inert(&found.value), tone)
            .max(columns.rows.saturating_sub(columns.value + 10))
            .number(columns.rows, count(found.rows), tone)
            .at(columns.becomes, "", tone);
        becomes(row, found, edited(index), wide, cx)
    });
    screen.list = list;
    let below = Rect::new(0, 1 + list_height, width, height.saturating_sub(1 + list_height));
    painter.part(below).rows(&shown);
}

fn becomes(row: Row, found: &CensusRow, edited: bool, wide: bool, cx: &Cx<'_>) -> Row {
    let glyphs = cx.look.glyphs;
    if !wide {
        // The words that every line of the column shares leave first.
        let fate = found.becomes.as_str();
        let short = ["task_type ", "quarantine "]
            .iter()
            .find_map(|word| fate.strip_prefix(word))
            .unwrap_or(fate);
        return if found.decide {
            row.then(format!("{} decide", glyphs.decide), Role::Warn)
        } else if found.aside {
            row.then(format!("{} {short}", glyphs.quarantine), Role::Warn)
        } else {
            row.then(short.to_owned(), Role::Text)
        };
    }
    let row = if found.decide {
        row.then(format!("{} {}", glyphs.decide, found.becomes), Role::Warn)
    } else if found.aside {
        row.then(format!("{} {}", glyphs.quarantine, found.becomes), Role::Warn)
    } else if found.rows == 0 || found.becomes == "unchanged" {
        row.then(found.becomes.clone(), Role::Muted)
    } else {
        row.then(found.becomes.clone(), Role::Text)
    };
    if edited {
        row.then("  edited", Role::Accent)
    } else {
        row
    }
}

/// What stands below the list: the total first, then what stands in the way, then how it is written.
fn tail(prepared: &Prepared, cx: &Cx<'_>, width: u16) -> Vec<Row> {
    let census = &prepared.census;
    let sum = format!(
        "expected {} migrated + {} quarantined",
        count(census.migrated),
        count(census.quarantined)
    );
    let short = format!("{} + {} q", count(census.migrated), count(census.quarantined));
    let sum = if text::width(&sum) + 4 > usize::from(width) {
        short
    } else {
        sum
    };
    let role = if census.quarantined > 0 {
        Role::Warn
    } else {
        Role::Ok
    };
    let mut rows = Vec::new();
    if cx.density <= Density::Rail {
        rows.push(Row::blank());
    }
    if cx.density <= Density::Compact {
        // In one column with the counts, so that the eye adds it up.
        let all = format!("{} in all", plural(census.rows, "row", "rows"));
        let both = text::width(&all) + text::width(&sum) + 6 <= usize::from(width);
        let all = if both { all } else { String::new() };
        rows.push(
            Row::new()
                .at(3, all, Role::Muted)
                .right(1, sum, role)
                .keep(keep::ALWAYS),
        );
    } else {
        rows.push(Row::new().at(3, sum, role).keep(keep::ALWAYS));
    }
    if let Some(way) = census.decision.filter(|_| census.running > 0) {
        let about = match way {
            Running::Drain => "wait until they end",
            Running::Claim => "copied as QUEUED, owned by MAOS",
            Running::Keep => "left behind, listed",
        };
        let said = format!(
            "{}: {}, {about}",
            plural(census.running, "running row", "running rows"),
            way.word()
        );
        rows.extend(labelled("Decided", &said, 14, width, Role::Text, keep::NORMAL));
    }
    if let Some(block) = super::model::block(prepared) {
        let said = format!("{}. {}", text::sentence(&block.sentence), block.hint);
        rows.extend(labelled("Locked", &said, 14, width, Role::Warn, keep::FIGURE));
    }
    rows.extend(labelled(
        "Writes",
        "live: catch-up passes, then a check both ways",
        14,
        width,
        Role::Text,
        keep::EXTRA,
    ));
    for note in &census.notes {
        if cx.density <= Density::Rail {
            rows.extend(labelled("Note", note, 14, width, Role::Text, keep::NORMAL));
        } else {
            // The list needs the rows more; the whole sentence stands where there is room.
            let row = Row::new()
                .at(1, "Note", Role::Muted)
                .at(14, inert(note), Role::Text);
            rows.push(row.keep(keep::EXTRA));
        }
    }
    if !census.reasons.is_empty() {
        let said = census
            .reasons
            .iter()
            .map(|(reason, n)| format!("{reason} {}", count(*n)))
            .collect::<Vec<_>>()
            .join(" · ");
        rows.extend(labelled("Set aside", &said, 14, width, Role::Text, keep::EXTRA));
    }
    if cx.density <= Density::Rail && prepared.blocks.is_empty() {
        rows.push(Row::blank());
        rows.extend(super::run::plan(&prepared.plan, width, keep::EXTRA));
    }
    rows
}
