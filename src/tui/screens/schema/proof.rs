//! The proof: one line for each thing that is compared, what both sides say, and the word for it.

use super::model::{Moment, PROOF};
use super::{STEP, Schema, activity, step, working};
use crate::engine::Capability;
use crate::engine::operation::Outcome;
use crate::engine::snapshot::{Activity, Step};
use crate::engine::text::{count, inert};
use crate::tui::app::context::Cx;
use crate::tui::layout::Density;
use crate::tui::paint::{Painter, Row, keep};
use crate::tui::screens::detail::{labelled, prose};
use crate::tui::style::Role;
use crate::tui::text;
use crate::tui::widgets::bar;

pub(super) fn render(screen: &mut Schema, painter: &mut Painter<'_>, moment: Option<&Moment>, cx: &Cx<'_>) {
    let width = painter.width();
    let activity = activity(cx);
    let mut rows = Vec::new();
    let step = step(cx);
    match step.and_then(|step| step.outcome.as_ref().map(|outcome| (step, outcome))) {
        Some((step, outcome)) if activity.is_done() => rows.extend(done(step, outcome, moment, cx, width)),
        _ => {
            if matches!(activity, Activity::Failed | Activity::Stopped)
                && let Some(step) = step
            {
                let safe = "Committed chunks are safe. The legacy rows are untouched.";
                rows.extend(working::ended_badly(step, safe, cx, width));
                rows.push(Row::blank());
            }
            let fallback = Moment::default();
            rows.extend(lines(moment.unwrap_or(&fallback), activity, width));
            rows.push(Row::blank());
            rows.extend(prose(
                "It starts by itself after the last chunk: every source row is converted a second time, apart from the \
                 copying, and compared with the target as it stands. Done is said after it, not before.",
                width,
                Role::Muted,
                keep::NORMAL,
            ));
        }
    }
    working::fill_with_log(&mut rows, cx, STEP, painter.height(), 12);
    working::scroll(&mut rows, &mut screen.top, painter.height());
    painter.rows(&rows);
}

/// The table: equal, differs, waiting, or how far the reading is.
#[must_use]
pub fn lines(moment: &Moment, activity: Activity, width: u16) -> Vec<Row> {
    if width < super::run::NARROW {
        return words(moment);
    }
    let narrow = width < 70;
    let result = 10;
    let target = width.saturating_sub(result + 3);
    let source = target.saturating_sub(if narrow { 13 } else { 18 });
    let mut rows = vec![
        Row::new()
            .at(1, "Proof", Role::Text)
            .number(source, "source", Role::Muted)
            .number(target, "target", Role::Muted)
            .at(width.saturating_sub(result), "result", Role::Muted)
            .keep(keep::NORMAL),
    ];
    let room = usize::from(target.saturating_sub(source + 1));
    let figure = |said: &str| text::elide_middle(&inert(said), room, "…");
    let line = |what: &str, from: String, to: String, word: String, role: Role| {
        Row::new()
            .at(3, what.to_owned(), Role::Text)
            .number(source, from, Role::Text)
            .number(target, to, Role::Text)
            .at(width.saturating_sub(result), word, role)
            .keep(keep::NORMAL)
    };
    if !moment.proof.is_empty() {
        for found in &moment.proof {
            let (word, role) = if found.equal {
                ("equal", Role::Ok)
            } else {
                ("differs", Role::Bad)
            };
            let mut row = line(
                &inert(&found.what),
                figure(&found.source),
                figure(&found.target),
                word.to_owned(),
                role,
            );
            if !found.equal {
                row = row.strong().keep(keep::FIGURE);
            }
            rows.push(row);
        }
        return rows;
    }
    for what in PROOF {
        let reading = what.starts_with("row hashes") && moment.proving() && activity.is_active();
        rows.push(if reading {
            let share = moment.total.map_or_else(
                || "reading".to_owned(),
                |total| bar::percent(moment.proved, total),
            );
            let share = if share == "all" {
                "comparing".to_owned()
            } else {
                share
            };
            line(
                what,
                count(moment.proved),
                count(moment.proved),
                share,
                Role::Accent,
            )
        } else {
            line(
                what,
                "…".to_owned(),
                "…".to_owned(),
                "waiting".to_owned(),
                Role::Muted,
            )
        });
    }
    rows
}

/// The table without its figures, where there is no room for them: what is compared, and the word for it.
fn words(moment: &Moment) -> Vec<Row> {
    let row = |what: &str, word: &str, role: Role| {
        Row::new()
            .at(1, inert(what), Role::Text)
            .right(1, word.to_owned(), role)
            .keep(keep::NORMAL)
    };
    if moment.proof.is_empty() {
        return PROOF
            .iter()
            .map(|what| row(what, "waiting", Role::Muted))
            .collect();
    }
    moment
        .proof
        .iter()
        .map(|line| {
            if line.equal {
                row(&line.what, "equal", Role::Ok)
            } else {
                row(&line.what, "differs", Role::Bad).keep(keep::FIGURE)
            }
        })
        .collect()
}

fn done(step: &Step, outcome: &Outcome, moment: Option<&Moment>, cx: &Cx<'_>, width: u16) -> Vec<Row> {
    let glyphs = cx.look.glyphs;
    let mut rows = vec![working::proved_row(step, outcome, ", with rows set aside", cx)];
    let (word, role) = if outcome.proved() {
        ("equal", Role::Ok)
    } else {
        ("differs", Role::Bad)
    };
    let short = cx.density == Density::Tiny;
    let long = format!(
        "{} = {} migrated + {} quarantined",
        count(outcome.source),
        count(outcome.converted),
        count(outcome.quarantined)
    );
    let sum = if short || text::width(&long) + 24 > usize::from(width) {
        format!(
            "{} = {} + {}",
            count(outcome.source),
            count(outcome.converted),
            count(outcome.quarantined)
        )
    } else {
        long
    };
    rows.push(
        Row::new()
            .at(1, if short { "" } else { "Rows" }, Role::Text)
            .at(if short { 1 } else { 14 }, sum, Role::Critical)
            .right(1, word, role)
            .keep(keep::ALWAYS),
    );
    if outcome.unchanged > 0 {
        let said = format!("{} were in place already and identical", count(outcome.unchanged));
        rows.push(Row::new().at(14, said, Role::Muted).keep(keep::EXTRA));
    }
    if let Some(moment) = moment.filter(|moment| !moment.tiles.is_empty() && cx.density <= Density::Rail) {
        rows.push(Row::blank());
        rows.extend(crate::tui::widgets::chunks::rows(
            glyphs,
            &moment.tiles,
            3,
            width.saturating_sub(6),
            2,
        ));
    }
    rows.push(Row::blank());
    let of_outcome = Moment {
        proof: outcome.proof.clone(),
        ..Moment::default()
    };
    rows.extend(lines(&of_outcome, step.activity, width));
    let heading = format!("Set aside {}", count(outcome.quarantined));
    rows.extend(working::set_aside(step, heading, 3, width));
    rows.push(Row::blank());
    rows.extend(labelled(
        "Undo",
        "u removes exactly the rows of this run, and refuses rows changed since.",
        14,
        width,
        Role::Muted,
        keep::EXTRA,
    ));
    // The plan that was approved; a later one may have been made since, and nobody said yes to it.
    let approved = cx
        .snapshot
        .approvals
        .iter()
        .rev()
        .find(|a| a.capability == Capability::Schema);
    if let Some(approval) = approved.map(|approved| &approved.approval) {
        let said = format!("plan {}, approved by {}", approval.digest, approval.operator);
        rows.extend(labelled("By", &inert(&said), 14, width, Role::Muted, keep::EXTRA));
    }
    rows
}
