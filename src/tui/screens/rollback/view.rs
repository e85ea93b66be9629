//! What the rollback looks like: why, to what, what is known before, what becomes of new rows, the steps with their state.

use super::{lines, over, preflight, runs};
use crate::engine::Capability;
use crate::engine::backup::Listed;
use crate::engine::item::{Item, ItemState};
use crate::engine::rollback::{Mode, NewRows, Preflight, Sign};
use crate::engine::runner::operations::backup::duration;
use crate::engine::text::{count, inert, plural};
use crate::engine::views::Slot;
use crate::tui::app::context::Cx;
use crate::tui::paint::{Painter, Row, keep};
use crate::tui::screens::detail;
use crate::tui::style::Role;
use crate::tui::text;
use crate::tui::widgets::mark::Mark;

/// Where values stand beside their labels.
const VALUES: u16 = 9;

/// The step under way, in words.
pub(super) fn under_way(cx: &Cx<'_>) -> String {
    lines(cx)
        .and_then(|lines| {
            lines
                .all()
                .iter()
                .find(|line| line.state == ItemState::Running)
                .cloned()
        })
        .map_or_else(
            || "It begins.".to_owned(),
            |line| format!("{}.", sentence(&line.title)),
        )
}

/// Where an interrupted one stands.
pub(super) fn stopped_in(cx: &Cx<'_>) -> String {
    let Some(lines) = lines(cx) else {
        return String::new();
    };
    let swapped = lines
        .get("swap")
        .is_some_and(|line| line.state == ItemState::Done);
    let at = lines
        .all()
        .iter()
        .position(|line| {
            matches!(
                line.state,
                ItemState::Running | ItemState::Waiting | ItemState::Unknown
            )
        })
        .map_or(lines.all().len(), |at| at + 1);
    let which = if swapped {
        "The restored database is in use."
    } else {
        "The old database is still in use."
    };
    format!("Stopped in step {at}. {which}")
}

fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    letters
        .next()
        .map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

fn sign(sign: Sign) -> Mark {
    match sign {
        Sign::Good => Mark::Done,
        Sign::Note => Mark::Decide,
        Sign::Bad => Mark::Failed,
        Sign::Unknown => Mark::Unknown,
    }
}

const fn state(state: ItemState) -> Mark {
    match state {
        ItemState::Waiting => Mark::Ready,
        ItemState::Running => Mark::Running,
        ItemState::Done => Mark::Done,
        ItemState::Failed => Mark::Failed,
        ItemState::Skipped => Mark::Skipped,
        ItemState::Undone => Mark::Paused,
        ItemState::Unknown => Mark::Unknown,
    }
}

fn to(found: &Preflight, width: u16, cx: &Cx<'_>) -> Vec<Row> {
    let text = match &found.backup {
        Some(backup) => backup_words(backup, cx),
        None => match found.mode {
            Mode::Legacy => "the legacy system; MAOS's database stays as it is".to_owned(),
            Mode::Maos => "no backup".to_owned(),
        },
    };
    detail::labelled("To", &text, VALUES, width, Role::Text, keep::FIGURE)
}

fn backup_words(backup: &Listed, cx: &Cx<'_>) -> String {
    let when = backup.made_at.map_or_else(
        || inert(&backup.id),
        |at| {
            at.to_zoned(cx.now.zone.clone())
                .strftime("%-d %b %H:%M")
                .to_string()
        },
    );
    let proof = match &backup.verification {
        Some(found) if found.good => format!("verified {} · epoch mark found", cx.now.clock(found.at)),
        _ => backup.word().to_owned(),
    };
    format!("backup {when} · {proof}")
}

fn why(cx: &Cx<'_>) -> String {
    let monitor = cx
        .step(Capability::Monitor)
        .and_then(|step| step.outcome.as_ref())
        .map(|outcome| outcome.summary.clone());
    monitor.map_or_else(|| "asked for by hand".to_owned(), |text| inert(&text))
}

fn before(found: &Preflight, width: u16, cx: &Cx<'_>) -> Vec<Row> {
    let glyphs = cx.look.glyphs;
    let mut rows = Vec::new();
    for (index, line) in found.lines.iter().enumerate() {
        let mark = sign(line.sign);
        let room = usize::from(width.saturating_sub(VALUES + 3)).max(8);
        let whole = format!("{}  {}", line.text, line.evidence);
        let role = if line.sign == Sign::Bad {
            Role::Bad
        } else {
            Role::Text
        };
        // The steps stay longer than what is as it should be.
        let kept = if line.sign == Sign::Good {
            keep::EXTRA
        } else {
            keep::FIGURE
        };
        let fits = usize::from(text::cells(&whole)) <= room;
        let label = if index == 0 { "Before" } else { "" };
        if fits {
            rows.push(
                Row::new()
                    .at(1, label, Role::Muted)
                    .at(VALUES, mark.glyph(glyphs), mark.role())
                    .at(VALUES + 2, inert(&line.text), role)
                    .right(1, inert(&line.evidence), Role::Muted)
                    .keep(kept),
            );
            continue;
        }
        for (part, words) in text::wrap(&inert(&line.text), room).into_iter().enumerate() {
            let row = Row::new();
            rows.push(
                if part == 0 {
                    row.at(1, label, Role::Muted)
                        .at(VALUES, mark.glyph(glyphs), mark.role())
                } else {
                    row
                }
                .at(VALUES + 2, words, role)
                .keep(kept),
            );
        }
        rows.push(
            Row::new()
                .at(VALUES + 2, inert(&line.evidence), Role::Muted)
                .max(u16::try_from(room).unwrap_or(u16::MAX))
                .keep(keep::EXTRA),
        );
    }
    rows
}

fn rows_choice(found: &Preflight, cx: &Cx<'_>) -> Option<Row> {
    let new = found
        .newer
        .as_ref()
        .map(|since| since.new)
        .filter(|new| *new > 0)?;
    let glyphs = cx.look.glyphs;
    let mark = |chosen: bool| if chosen { glyphs.chosen } else { "( )" };
    let carry = found.rows == NewRows::Carry;
    let whither = match found.mode {
        Mode::Legacy => "carry back to legacy",
        Mode::Maos => "carry over",
    };
    Some(
        Row::new()
            .at(1, plural(new, "row", "rows"), Role::Warn)
            .max(12)
            .at(
                14,
                format!("{} {whither}   {} export to a file", mark(carry), mark(!carry)),
                Role::Text,
            )
            .keep(keep::FIGURE),
    )
}

fn steps(found: Option<&Preflight>, width: u16, cx: &Cx<'_>) -> Vec<Row> {
    let glyphs = cx.look.glyphs;
    let told = lines(cx);
    // The lines of an earlier run speak until a new one begins.
    let items: Vec<Item> = match (told, found) {
        (Some(lines), _) if runs(cx) || super::interrupted(cx) || finished(cx) => {
            lines.all().iter().map(|line| Item::clone(line)).collect()
        }
        (_, Some(found)) => found
            .steps
            .iter()
            .map(|(key, title, _)| Item::waiting(key.clone(), title.clone()))
            .collect(),
        _ => Vec::new(),
    };
    if items.is_empty() {
        return Vec::new();
    }
    let (at_state, at_time) = (width.saturating_sub(19), width.saturating_sub(8));
    let wide = width >= 60;
    let mut rows = Vec::new();
    if wide {
        let any = found.is_some_and(|found| !found.rehearsed.is_empty());
        let head = Row::new()
            .at(1, "Plan", Role::Muted)
            .at(at_state, "State", Role::Muted);
        rows.push(
            if any {
                head.at(at_time, "Took", Role::Muted)
            } else {
                head
            }
            .keep(keep::EXTRA),
        );
    }
    for (index, item) in items.iter().enumerate() {
        let mark = state(item.state);
        let ms = item.ms.or_else(|| {
            let rehearsed = found.and_then(|found| found.rehearsed.get(&item.key).copied());
            rehearsed.filter(|_| item.state == ItemState::Waiting)
        });
        let mut row = Row::new()
            .at(1, mark.glyph(glyphs), mark.role())
            .number(4, format!("{}", index + 1), Role::Muted)
            .at(6, inert(&item.title), Role::Text);
        if wide {
            row = row
                .max(at_state.saturating_sub(7))
                .at(at_state, item.state.word(), mark.role());
            if let Some(ms) = ms {
                row = row.at(at_time, duration(ms), Role::Muted);
            }
        } else {
            row = row
                .max(width.saturating_sub(17))
                .right(1, item.state.word(), mark.role());
        }
        let kept = if matches!(
            item.state,
            ItemState::Running | ItemState::Failed | ItemState::Unknown
        ) {
            keep::FIGURE
        } else {
            keep::NORMAL
        };
        rows.push(row.keep(kept));
        if matches!(item.state, ItemState::Failed | ItemState::Unknown) && !item.text.is_empty() {
            rows.extend(
                text::wrap(&inert(&item.text), usize::from(width.saturating_sub(8)).max(8))
                    .into_iter()
                    .take(3)
                    .map(|line| Row::new().at(6, line, Role::Bad).keep(keep::FIGURE)),
            );
        }
    }
    rows
}

fn finished(cx: &Cx<'_>) -> bool {
    cx.step(Capability::Rollback).is_some_and(|step| {
        step.verb == "apply"
            && (step.activity.is_done() || step.activity == crate::engine::snapshot::Activity::Failed)
    })
}

/// Draws the pane.
pub(super) fn draw(painter: &mut Painter<'_>, cx: &Cx<'_>) {
    let width = painter.width();
    let found = preflight(cx);
    let mut rows = detail::labelled("Why", &why(cx), VALUES, width, Role::Text, keep::EXTRA);
    if let Some(found) = found {
        rows.extend(to(found, width, cx));
        rows.push(Row::blank());
        rows.extend(before(found, width, cx));
        // What was decided is done; the lines above and the steps say it.
        if let Some(row) = rows_choice(found, cx).filter(|_| !over(cx)) {
            rows.push(Row::blank());
            rows.push(row);
        }
    } else {
        let text = match &cx.views.rollback {
            Slot::Failed(_, error) => error.to_string(),
            _ => format!("{} Counting rows, reading backups.", cx.spinner()),
        };
        rows.extend(detail::prose(&text, width, Role::Muted, keep::FIGURE));
    }
    rows.push(Row::blank());
    rows.extend(steps(found, width, cx));
    if found.is_some_and(|found| found.backup.is_some()) {
        rows.push(
            Row::prose("Until the swap nothing that runs now is replaced.", Role::Muted).keep(keep::EXTRA),
        );
    }
    if let Some(since) = found
        .and_then(|found| found.newer.as_ref())
        .filter(|since| since.changed + since.gone > 0)
    {
        let text = format!(
            "{} changed since the backup are exported, {} deleted come back; {} new.",
            count(since.changed),
            count(since.gone),
            count(since.new)
        );
        rows.push(Row::prose(text, Role::Muted).keep(keep::SPACE));
    }
    painter.rows(&rows);
}
