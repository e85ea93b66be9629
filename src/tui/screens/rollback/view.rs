//! What the rollback looks like: why, to what, what is known before, what becomes of new rows, the steps with their state.

use super::{behind_the_swap, lines, over, preflight, runs, unreadable};
use crate::engine::Capability;
use crate::engine::backup::{HASHING, Listed};
use crate::engine::item::{Item, ItemState};
use crate::engine::monitor::Criterion;
use crate::engine::monitor::verdict::short_percent;
use crate::engine::monitor::watch::time;
use crate::engine::rollback::{Mode, NewRows, Preflight, Sign};
use crate::engine::runner::operations::backup::duration;
use crate::engine::snapshot::Activity;
use crate::engine::text::{count, inert, plural};
use crate::tui::app::context::Cx;
use crate::tui::paint::{Painter, Row, keep};
use crate::tui::screens::{detail, working};
use crate::tui::style::Role;
use crate::tui::text;
use crate::tui::widgets::mark::Mark;

/// The width over which a line is read without losing it.
const MEASURE: u16 = 100;

/// Where values stand beside their labels.
const VALUES: u16 = 9;

/// The step under way, in words, and how far it is where that is counted.
pub(super) fn under_way(cx: &Cx<'_>) -> String {
    let progress = cx
        .step(Capability::Rollback)
        .and_then(|step| step.progress.as_ref());
    let far = progress
        .filter(|progress| progress.unit != "steps")
        .map_or_else(String::new, |progress| format!(": {}", working::far(progress)));
    let running = lines(cx).and_then(|lines| {
        let mut all = lines.all().iter();
        all.find(|line| line.state == ItemState::Running).cloned()
    });
    match (running, progress) {
        (Some(line), _) => format!("{}{far}.", sentence(&line.title)),
        (None, Some(progress)) if progress.phase == HASHING => {
            format!("The backup's files are looked at{far}. Nothing is stopped yet.")
        }
        (None, Some(progress)) if progress.done > 0 => "Between two steps.".to_owned(),
        (None, _) => "It begins.".to_owned(),
    }
}

/// `step 7 of 11`: the one under way, or the one that is next.
pub(super) fn which(cx: &Cx<'_>) -> Option<String> {
    let all = lines(cx)?.all();
    let at = all.iter().position(|line| !line.state.ended())?;
    Some(format!("step {} of {}", at + 1, all.len()))
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

/// The verdict that asks for it, while nobody has answered it: `BREACH latched 03:14:06, score 5: error rate 32.8 %`.
fn breach(cx: &Cx<'_>) -> Option<String> {
    let verdict = cx.snapshot.monitor.as_deref()?.verdict()?;
    let since = verdict.latch.and_then(|latch| time(latch.at));
    if !verdict.should_roll_back || cx.snapshot.rolled_back().is_some_and(|_| !over(cx)) {
        return None;
    }
    let since = since.map_or_else(String::new, |at| format!(" latched {}", cx.now.clock_seconds(at)));
    let parts: Vec<String> = verdict
        .criteria
        .iter()
        .filter(|judged| judged.addend > 0)
        .map(|judged| {
            let value = judged.value.unwrap_or_default();
            match judged.criterion {
                Criterion::ErrorRate => format!("error rate {}", short_percent(value)),
                Criterion::Degradation => format!("slower by {}", short_percent(value)),
                Criterion::Availability => format!("availability {}", short_percent(value)),
                Criterion::Validation => format!("{} failed validations in a row", judged.k),
            }
        })
        .collect();
    let parts = if parts.is_empty() {
        String::new()
    } else {
        format!(": {}", parts.join(", "))
    };
    Some(format!(
        "BREACH{since}, score {}{parts}",
        verdict.standing_score()
    ))
}

fn why(cx: &Cx<'_>) -> String {
    if let Some(breach) = breach(cx) {
        return breach;
    }
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
    let rehearsed = |item: &Item| found.and_then(|found| found.rehearsed.get(&item.key).copied());
    let any = items.iter().any(|item| rehearsed(item).is_some());
    let wide = width >= 60;
    // What a step takes now stands beside what it took in the rehearsal.
    let (at_state, at_time) = if any && wide {
        (width.saturating_sub(21), width.saturating_sub(10))
    } else {
        (width.saturating_sub(if wide { 14 } else { 12 }), width)
    };
    let mut rows = Vec::new();
    if wide {
        let head = Row::new()
            .at(1, "Plan", Role::Muted)
            .at(at_state, "State", Role::Muted);
        rows.push(
            if any {
                head.at(at_time, "Rehearsed", Role::Muted)
            } else {
                head
            }
            // Before what is as it should be, after the steps.
            .keep(keep::EXTRA + 1),
        );
    }
    for (index, item) in items.iter().enumerate() {
        let mark = state(item.state);
        let mut row = Row::new()
            .at(1, mark.glyph(glyphs), mark.role())
            .number(4, format!("{}", index + 1), Role::Muted)
            .at(5, inert(&item.title), Role::Text);
        row = row
            .max(at_state.saturating_sub(6))
            .at(at_state, state_words(item, cx), mark.role());
        if let Some(ms) = rehearsed(item).filter(|_| at_time < width) {
            row = row.right(1, duration(ms), Role::Muted);
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
                    .map(|line| Row::new().at(5, line, Role::Bad).keep(keep::FIGURE)),
            );
        }
    }
    rows
}

/// `done 0.6 s`, `now 0:07`, `waiting`.
fn state_words(item: &Item, cx: &Cx<'_>) -> String {
    let since = cx
        .step(Capability::Rollback)
        .and_then(|step| step.line_since)
        .filter(|_| runs(cx));
    match (item.state, item.ms, since) {
        (ItemState::Done, Some(ms), _) => format!("done {}", duration(ms)),
        (ItemState::Running, _, Some(since)) => {
            cx.wake_in(std::time::Duration::from_secs(1));
            format!("now {}", text::duration(cx.now.seconds_since(since)))
        }
        (state, ..) => state.word().to_owned(),
    }
}

fn finished(cx: &Cx<'_>) -> bool {
    cx.step(Capability::Rollback).is_some_and(|step| {
        step.verb == "apply" && (step.activity.is_done() || step.activity == Activity::Failed)
    })
}

/// Draws the pane.
pub(super) fn draw(painter: &mut Painter<'_>, cx: &Cx<'_>) {
    // What belongs together stays together on a wide screen.
    let (width, height) = (painter.width().min(MEASURE), painter.height());
    let found = preflight(cx);
    let mut rows = detail::labelled("Why", &why(cx), VALUES, width, Role::Text, keep::EXTRA);
    let summary = cx
        .step(Capability::Rollback)
        .and_then(|step| step.outcome.as_ref())
        .filter(|_| over(cx));
    if let Some(outcome) = summary {
        rows.extend(detail::labelled(
            "Done",
            &inert(&outcome.summary),
            VALUES,
            width,
            Role::Ok,
            keep::FIGURE,
        ));
    }
    rows.extend(why_failed(cx, width));
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
        rows.extend(unread(cx, width));
    }
    rows.push(Row::blank());
    rows.extend(steps(found, width, cx));
    if found.is_some_and(|found| found.backup.is_some()) && summary.is_none() && !behind_the_swap(cx) {
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
    working::fill_with_log(&mut rows, cx, Capability::Rollback, height, 12);
    let area = ratatui::layout::Rect {
        x: 0,
        y: 0,
        width,
        height,
    };
    painter.part(area).rows(&rows);
}

/// What is being read, or why it cannot be.
fn unread(cx: &Cx<'_>, width: u16) -> Vec<Row> {
    let Some(error) = unreadable(cx) else {
        let text = format!("{} Counting rows, reading backups.", cx.spinner());
        return detail::prose(&text, width, Role::Muted, keep::FIGURE);
    };
    let said = format!(
        "{} Nothing can be read. {}.",
        cx.look.glyphs.failed,
        text::sentence(&inert(error.message.trim_end_matches('.')))
    );
    let mut rows = detail::prose(&said, width, Role::Bad, keep::FIGURE);
    if let Some(hint) = &error.hint {
        rows.extend(detail::prose(&inert(hint), width, Role::Text, keep::NORMAL));
    }
    rows
}

/// A failure, whole: the now line has no room for it.
fn why_failed(cx: &Cx<'_>, width: u16) -> Vec<Row> {
    let step = cx.step(Capability::Rollback);
    let failed = step.filter(|step| step.activity == Activity::Failed && step.verb == "apply");
    let Some(error) = failed.and_then(|step| step.error.as_ref()) else {
        return Vec::new();
    };
    let said = format!("{}.", text::sentence(&inert(&error.message)));
    let mut rows = detail::labelled("Failed", &said, VALUES, width, Role::Bad, keep::FIGURE);
    if let Some(hint) = &error.hint {
        rows.extend(detail::labelled(
            "",
            hint,
            VALUES,
            width,
            Role::Text,
            keep::NORMAL,
        ));
    }
    rows
}
