//! The run: committed and proved counts, chunks as tiles, who works, and the proof as far as it is.

use ratatui::layout::Rect;

use super::model::{self, Moment};
use super::{STEP, Schema, activity, proof, step, working};
use crate::engine::operation::Plan;
use crate::engine::snapshot::Activity;
use crate::engine::text::{count, inert};
use crate::tui::app::context::Cx;
use crate::tui::layout::Density;
use crate::tui::paint::{Painter, Row, keep};
use crate::tui::screens::detail::{labelled, prose};
use crate::tui::style::{Glyphs, Role};
use crate::tui::text;
use crate::tui::widgets::bar::{self, Bar};
use crate::tui::widgets::chunks;
use crate::tui::widgets::frame::News;
use crate::tui::widgets::progress::figures3;

/// Column of counts beside labels.
const VALUE: u16 = 14;
/// Below this width words give way so that numbers need not.
pub(super) const NARROW: u16 = 56;

pub(super) fn news(cx: &Cx<'_>) -> News {
    let step = step(cx);
    let moment = model::moment(&mut crate::tui::widgets::progress::Pace::default(), cx);
    let copied = moment.as_ref().map_or(0, |moment| moment.copied);
    let chunks = moment
        .as_ref()
        .map(|moment| {
            chunks::tally(&moment.tiles, crate::engine::schema::Tile::Copied)
                + chunks::tally(&moment.tiles, crate::engine::schema::Tile::Proved)
        })
        .filter(|chunks| *chunks > 0);
    let safe = match chunks {
        Some(n) => format!("{} are safe", crate::engine::text::plural(n, "chunk", "chunks")),
        None => format!("{} are safe", crate::engine::text::plural(copied, "row", "rows")),
    };
    match activity(cx) {
        Activity::Idle => News::new("Nothing is changed yet.", "n shows the plan"),
        Activity::Running => {
            let aside = moment.as_ref().map_or(0, |moment| moment.quarantined);
            match &moment {
                Some(moment) if moment.undoing => News::new(
                    format!(
                        "{} removed so far.",
                        crate::engine::text::plural(copied, "row", "rows")
                    ),
                    "wait, or p pauses",
                ),
                Some(moment) if moment.proving() => {
                    let next = moment.left.as_ref().map_or_else(
                        || "the proof runs".to_owned(),
                        |left| format!("proof ends in {left}"),
                    );
                    News::new(
                        format!("All rows are copied; {} in quarantine.", count(aside)),
                        next,
                    )
                }
                _ => News::new(format!("{}.", text::sentence(&safe)), "watch, or p pauses"),
            }
        }
        Activity::Paused => {
            let who = step.and_then(|step| step.note.clone()).unwrap_or_default();
            News::new(format!("Paused by {who}; {safe}."), "p goes on").role(Role::Warn)
        }
        Activity::Stopping => {
            News::new("Stopping after the chunks that are in work.", "wait").role(Role::Warn)
        }
        Activity::Stopped => News::new(format!("Stopped; {safe}."), "n goes on from there").role(Role::Warn),
        Activity::Failed => working::failed_news(cx, STEP, &format!("; {safe}")),
        Activity::Done | Activity::DoneWithQuarantine => {
            let said = working::accounted(step).map_or_else(String::new, |sum| format!("Proved: {sum}."));
            let next = working::goes_on(cx, STEP);
            let next = if step.is_some_and(|step| !step.quarantine.is_empty()) {
                format!("{next}, Q quarantine")
            } else {
                next
            };
            News::new(said, next).role(Role::Ok)
        }
    }
}

pub(super) fn render(screen: &mut Schema, painter: &mut Painter<'_>, moment: Option<&Moment>, cx: &Cx<'_>) {
    let width = painter.width();
    let activity = activity(cx);
    let Some(moment) = moment else {
        painter.rows(&before(activity, cx, width));
        return;
    };
    let expected = model::census(cx).map(|(_, prepared)| prepared.census.quarantined);
    let mut rows = Vec::new();
    if matches!(activity, Activity::Failed | Activity::Stopped)
        && let Some(step) = step(cx)
    {
        let safe = format!(
            "{} committed. The legacy rows are untouched.",
            crate::engine::text::plural(moment.copied, "row is", "rows are")
        );
        rows.extend(working::ended_badly(step, &safe, cx, width));
        rows.push(Row::blank());
    }
    rows.extend(draw(moment, expected, activity, cx, width, painter.height()));
    working::fill_with_log(&mut rows, cx, STEP, painter.height(), 10);
    working::scroll(&mut rows, &mut screen.top, painter.height());
    painter.rows(&rows);
}

/// Before there is a run: the plan, or what is awaited.
fn before(activity: Activity, cx: &Cx<'_>, width: u16) -> Vec<Row> {
    if activity.is_active() {
        return vec![
            Row::prose(
                format!(
                    "{} The lease is taken and both sides are looked at.",
                    cx.spinner()
                ),
                Role::Text,
            )
            .keep(keep::FIGURE),
        ];
    }
    let mut rows = prose("No run yet. Nothing is changed.", width, Role::Text, keep::ALWAYS);
    if let Some((_, prepared)) = model::census(cx) {
        rows.push(Row::blank());
        rows.extend(plan(&prepared.plan, width, keep::NORMAL));
    }
    rows
}

/// The effects of a plan with their counts, the way back, and the digest.
pub(super) fn plan(plan: &Plan, width: u16, kept: u8) -> Vec<Row> {
    let mut rows = vec![
        Row::new()
            .at(1, "Plan", Role::Muted)
            .at(VALUE, plan.title.clone(), Role::Critical)
            .right(1, plan.digest.clone(), Role::Muted)
            .keep(kept),
    ];
    rows.extend(labelled(
        "  to",
        &inert(&plan.target),
        VALUE,
        width,
        Role::Text,
        kept,
    ));
    let end = plan
        .effects
        .iter()
        .filter_map(|effect| effect.count)
        .map(|n| text::cells(&count(n)))
        .max()
        .map_or(VALUE + 8, |most| VALUE + 9 + most);
    for effect in &plan.effects {
        rows.push(
            Row::new()
                .at(VALUE, effect.act.clone(), Role::Text)
                .number(end, effect.count.map(count).unwrap_or_default(), Role::Critical)
                .at(end + 2, inert(&effect.what), Role::Text)
                .keep(kept),
        );
    }
    if let Some(undo) = &plan.undo {
        rows.extend(labelled("  undo", undo, VALUE, width, Role::Muted, kept));
    }
    rows
}

/// The run's panel for a pane of `width` x `height`: counts, pace, tiles, and the proof below them.
#[must_use]
pub fn draw(
    moment: &Moment,
    expected: Option<u64>,
    activity: Activity,
    cx: &Cx<'_>,
    width: u16,
    height: u16,
) -> Vec<Row> {
    let glyphs = cx.look.glyphs;
    let mut rows = counts(moment, expected, activity, glyphs, width);
    let roomy = cx.density <= Density::Rail;
    if roomy {
        rows.push(Row::blank());
    }
    rows.extend(pace(moment, activity, cx, width));
    rows.push(Row::blank());
    rows.extend(tiles(moment, cx, width, height));
    if cx.density > Density::Compact {
        return rows;
    }
    if roomy && !moment.running.is_empty() {
        rows.push(Row::blank());
        for (index, item) in moment.running.iter().enumerate() {
            let label = if index == 0 { "Working on" } else { "" };
            rows.push(
                Row::new()
                    .at(1, label, Role::Muted)
                    .at(VALUE, inert(item), Role::Text)
                    .middle(width.saturating_sub(VALUE + 1))
                    .keep(keep::EXTRA),
            );
        }
    }
    if !moment.undoing {
        rows.push(Row::blank());
        rows.extend(proof::lines(moment, activity, width));
        rows.push(Row::blank());
        let mut said = format!(
            "Done is said only when every line is equal. Elapsed {}",
            text::duration(moment.elapsed_s)
        );
        if let Some((busy, _)) = moment
            .workers
            .filter(|(busy, _)| activity.is_active() && *busy > 0)
        {
            said.push_str(", ");
            said.push_str(&crate::engine::text::plural(busy as u64, "worker", "workers"));
        }
        if let Some(fence) = moment.fence {
            said = format!("{said}, fence {fence}");
        }
        if !activity.is_done() {
            rows.push(Row::prose(said, Role::Muted).keep(keep::EXTRA));
        }
    }
    rows
}

/// Copied, proved, quarantined.
fn counts(
    moment: &Moment,
    expected: Option<u64>,
    activity: Activity,
    glyphs: &Glyphs,
    width: u16,
) -> Vec<Row> {
    // Rows that are set aside are not copied: the bars run to the others, as far as they are known.
    let aside = moment.quarantined.max(expected.unwrap_or(0));
    let total = moment.total.map(|total| total.saturating_sub(aside));
    let label = if moment.undoing { "Removed" } else { "Copied" };
    let role = if matches!(activity, Activity::Failed) {
        Role::Warn
    } else {
        Role::Accent
    };
    let mut rows = vec![meter(label, moment.copied, total, glyphs, width, role)];
    if moment.undoing {
        return rows;
    }
    // Both sides are read whole for the proof, so it runs over every row.
    rows.push(meter(
        "Proved",
        moment.proved,
        moment.total,
        glyphs,
        width,
        Role::Ok,
    ));
    let tone = if moment.quarantined > 0 {
        Role::Warn
    } else {
        Role::Muted
    };
    let mut row = Row::new()
        .at(1, "Quarantined", Role::Text)
        .at(VALUE, model::aside(moment, expected, activity.is_done()), tone)
        .keep(keep::FIGURE);
    if moment.quarantined > 0 && width >= 56 {
        row = row.right(1, "Q browses", Role::Muted);
    }
    rows.push(row);
    rows
}

/// `Copied   741,640 of 1,204,266   █████░░░░   61 %`
fn meter(label: &str, done: u64, total: Option<u64>, glyphs: &Glyphs, width: u16, role: Role) -> Row {
    let row = Row::new().at(1, label, Role::Text).keep(keep::ALWAYS);
    let Some(total) = total else {
        return row
            .at(VALUE, count(done), Role::Critical)
            .then(" so far, total not known", Role::Muted);
    };
    let of = count(total);
    let number = text::pad_left(&count(done), text::width(&of));
    let said = format!("{number} of {of}");
    // Numbers are never cut: where it is narrow they stand nearer to their label.
    let value = if width < NARROW { 8 } else { VALUE };
    let at = value + text::cells(&said) + 3;
    let bar_width = width.saturating_sub(at + 8);
    let row = row.at(value, said, Role::Critical);
    let row = if bar_width >= 6 {
        bar::onto(row, at, glyphs, Bar::of(done, total), bar_width, role)
    } else {
        row
    };
    row.right(1, bar::percent(done, total), Role::Text)
}

/// Rate and time left, or why nothing moves.
fn pace(moment: &Moment, activity: Activity, cx: &Cx<'_>, width: u16) -> Vec<Row> {
    let mut rows = Vec::new();
    if activity == Activity::Paused {
        let who = step(cx).and_then(|step| step.note.clone()).unwrap_or_default();
        let said = format!("Paused by {who}. p goes on.");
        return vec![
            Row::new()
                .at(1, cx.look.glyphs.paused, Role::Warn)
                .at(3, said, Role::Warn)
                .keep(keep::FIGURE),
        ];
    }
    if !matches!(activity, Activity::Running | Activity::Stopping) {
        return rows;
    }
    let mut row = Row::new().keep(keep::FIGURE);
    let mut said = match moment.rate {
        Some(rate) => format!("{} rows/s", figures3(rate)),
        None => "not known yet".to_owned(),
    };
    if moment.proving() {
        said.push_str(", proving");
    } else if let Some(mean) = moment.mean.filter(|_| width >= 90) {
        said = format!("{said} now, {} mean", figures3(mean));
    }
    row = row.at(1, "Rate", Role::Text).at(VALUE, said, Role::Text);
    let left = match (&moment.left, moment.proving()) {
        (Some(left), proving) if proving || width < 60 => format!("{left} left"),
        (Some(left), _) => format!("{left} to copy, then the proof"),
        (None, _) => "no estimate".to_owned(),
    };
    rows.push(row.right(1, left, Role::Text));
    if let Some(why) = moment.waits.as_ref().filter(|why| *why != "paused") {
        let said = format!("Waits: {}.", inert(why));
        rows.push(
            Row::new()
                .at(1, cx.look.glyphs.paused, Role::Warn)
                .at(3, said, Role::Warn)
                .keep(keep::FIGURE),
        );
    } else if let Some(seconds) = moment.stalled {
        let said = format!("No progress for {seconds} s: cause not known. L shows the last statements.");
        rows.push(Row::prose(said, Role::Warn).keep(keep::FIGURE));
    }
    rows
}

/// The chunks as tiles with what a cell stands for.
fn tiles(moment: &Moment, cx: &Cx<'_>, width: u16, height: u16) -> Vec<Row> {
    if moment.tiles.is_empty() {
        return Vec::new();
    }
    let glyphs = cx.look.glyphs;
    let number = moment.tiles.len();
    let roomy = cx.density <= Density::Rail;
    let (column, cells, lines) = if roomy {
        (3, width.saturating_sub(6), if height >= 30 { 6 } else { 3 })
    } else if cx.density <= Density::Normal {
        (10, width.saturating_sub(20), 1)
    } else {
        (1, width.saturating_sub(2), 1)
    };
    let share = chunks::per_cell(number, usize::from(cells) * lines);
    let mut drawn = chunks::rows(glyphs, &moment.tiles, column, cells, lines);
    let meaning = if chunks::stretch(number, usize::from(cells)) > 1 {
        String::new()
    } else if share == 1 {
        "a cell is a chunk".to_owned()
    } else {
        format!("one cell is {}", count(share as u64))
    };
    if roomy {
        let head = chunks::legend(glyphs, &moment.tiles, 14, true).keep(keep::NORMAL);
        let mut rows = vec![named(head, number, meaning, width)];
        rows.append(&mut drawn);
        return rows;
    }
    if cx.density <= Density::Normal {
        if let Some(first) = drawn.first_mut() {
            *first = std::mem::take(first)
                .at(column + cells + 1, "", Role::Text)
                .right(1, count(number as u64), Role::Muted);
            let labelled = Row::new().at(1, "Chunks", Role::Text).keep(keep::FIGURE);
            *first = first.clone().led_by(labelled);
        }
        let legend = chunks::legend(glyphs, &moment.tiles, column, false);
        drawn.push(legend.right(1, meaning, Role::Muted));
        return drawn;
    }
    drawn
}

fn named(head: Row, number: usize, meaning: String, width: u16) -> Row {
    let said = format!("Chunks {}", count(number as u64));
    let row = head.led_by(Row::new().at(1, said, Role::Text).keep(keep::NORMAL));
    if width >= 90 {
        row.right(1, meaning, Role::Muted)
    } else {
        row
    }
}

/// Draws the panel into a pane of its own, for looking at it without a run.
pub fn show(
    painter: &mut Painter<'_>,
    moment: &Moment,
    expected: Option<u64>,
    activity: Activity,
    cx: &Cx<'_>,
) {
    let area = Rect::new(0, 0, painter.width(), painter.height());
    let rows = draw(moment, expected, activity, cx, area.width, area.height);
    painter.part(area).rows(&rows);
}
