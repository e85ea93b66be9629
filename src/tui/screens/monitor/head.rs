//! The verdict in words: the banner of a breach and its countdown, the score, and what people did about it.

use super::foot::way_back;
use super::gauges::NARROW;
use super::picture::{Phase, span, until};
use super::{Monitor, view};
use crate::engine::Capability;
use crate::engine::monitor::watch::{Note, time};
use crate::engine::monitor::{Verdict, Watch};
use crate::engine::text::inert;
use crate::tui::app::context::Cx;
use crate::tui::paint::{Row, keep};
use crate::tui::screens::detail::prose;
use crate::tui::style::Role;
use crate::tui::text;

/// Where the sentence of the verdict begins.
const SENTENCE: u16 = 19;

pub(super) fn head(watch: &Watch, phase: Phase, screen: &Monitor, cx: &Cx<'_>, width: u16) -> Vec<Row> {
    let Some(verdict) = watch.verdict() else {
        return vec![
            Row::new()
                .at(1, "VERDICT", Role::Critical)
                .at(10, "none", Role::Unknown)
                .at(SENTENCE, waiting(watch, cx), Role::Text)
                .keep(keep::ALWAYS),
        ];
    };
    let criteria = watch.criteria();
    let limits = format!(
        "roll back at {}, immediate at {}",
        criteria.roll_back_at, criteria.immediate_at
    );
    let recommendation = verdict.recommendation(criteria);
    let mut rows = Vec::new();
    if phase.is_breach() {
        let since = verdict
            .latch
            .and_then(|latch| time(latch.at))
            .map_or_else(String::new, |at| {
                format!(" since {}, latched", cx.now.clock_seconds(at))
            });
        if let Some(ends) = watch.countdown.filter(|_| phase == Phase::Countdown) {
            let left = text::duration(until(cx.now, ends));
            rows.extend(banners(
                &format!("AUTOMATIC ROLLBACK in {left}"),
                "X stops it for everyone, at once",
                width,
            ));
        }
        rows.extend(banners(&format!("BREACH{since}"), recommendation, width));
        rows.push(two(&score(verdict), &limits, width, Role::Bad));
        let goes = format!("n opens the rollback: {}", way_back(screen.shown(), cx));
        rows.extend(prose(&goes, width, Role::Text, keep::FIGURE));
        rows.extend(acted(watch, cx, width));
        rows.push(Row::prose(armed(watch, cx), Role::Muted).keep(keep::NORMAL));
        return rows;
    }
    if let Some(at) = screen.shown().rolled_back.filter(|_| phase == Phase::Back) {
        rows.extend(answered(verdict, at, cx, width));
        rows.push(two(&score(verdict), &limits, width, Role::Muted));
        rows.extend(acted(watch, cx, width));
        return rows;
    }
    if phase == Phase::Stale {
        let age = watch.age(cx.now.at).unwrap_or_default();
        let left = format!("STALE  no data for {}", span(u64::try_from(age).unwrap_or(0)));
        let row = Row::new().at(1, left, Role::Unknown).strong().keep(keep::ALWAYS);
        rows.push(row.then("    the verdict is not renewed", Role::Unknown));
    }
    let word = verdict.word.name();
    let shown = if matches!(phase, Phase::Stale | Phase::Off) {
        Role::Unknown
    } else {
        view::role(phase)
    };
    if width < NARROW {
        let counts = format!("{}, roll back at {}", score(verdict), criteria.roll_back_at);
        rows.push(
            Row::new()
                .at(1, "VERDICT", Role::Critical)
                .at(10, word, shown)
                .strong()
                .at(SENTENCE, counts, Role::Text)
                .keep(keep::ALWAYS),
        );
        rows.extend(prose(recommendation, width, Role::Text, keep::ALWAYS));
        rows.push(Row::prose(armed(watch, cx), Role::Muted).keep(keep::EXTRA));
        rows.extend(acted(watch, cx, width));
        return rows;
    }
    let lines = text::wrap(
        recommendation,
        usize::from(width.saturating_sub(SENTENCE + 1)).max(10),
    );
    for (index, line) in lines.into_iter().enumerate() {
        let row = Row::new().keep(keep::ALWAYS);
        rows.push(if index == 0 {
            row.at(1, "VERDICT", Role::Critical)
                .at(10, word, shown)
                .strong()
                .at(SENTENCE, line, Role::Text)
        } else {
            row.at(SENTENCE, line, Role::Text)
        });
    }
    let row = Row::new().at(10, score(verdict), Role::Text).keep(keep::ALWAYS);
    let auto = armed(watch, cx);
    let roomy =
        text::width(&score(verdict)) + text::width(&limits) + text::width(&auto) + 18 <= usize::from(width);
    if roomy {
        rows.push(row.at(SENTENCE, limits, Role::Muted).right(1, auto, Role::Muted));
    } else {
        rows.push(row);
        rows.push(Row::new().at(10, limits, Role::Muted).keep(keep::EXTRA));
        rows.push(Row::new().at(10, auto, Role::Muted).keep(keep::NORMAL));
    }
    rows.extend(acted(watch, cx, width));
    rows
}

/// A breach that a rollback has answered: since when, until when, and how that ended.
fn answered(verdict: &Verdict, at: jiff::Timestamp, cx: &Cx<'_>, width: u16) -> Vec<Row> {
    let since = verdict.latch.and_then(|latch| time(latch.at));
    let since = since.map_or_else(String::new, |at| format!(" since {}", cx.now.clock_seconds(at)));
    let said = format!(
        "BREACH{since}, rolled back {} and proved",
        cx.now.clock_seconds(at)
    );
    let mut rows = vec![Row::prose(said, Role::Critical).keep(keep::ALWAYS)];
    let outcome = cx
        .step(Capability::Rollback)
        .and_then(|step| step.outcomes.get("apply"));
    if let Some(outcome) = outcome {
        rows.extend(prose(&inert(&outcome.summary), width, Role::Ok, keep::FIGURE));
    }
    rows
}

/// What is said before there is a verdict.
pub(super) fn waiting(watch: &Watch, cx: &Cx<'_>) -> String {
    match watch.next_at() {
        _ if !watch.on => "Nobody watches. No verdict yet.".to_owned(),
        Some(at) => format!(
            "First sample in {}. No verdict yet.",
            text::duration(until(cx.now, at))
        ),
        None => "The first sample is being taken. No verdict yet.".to_owned(),
    }
}

/// A row that is reversed over the whole width.
pub(super) fn banner(what: &str, width: u16) -> Row {
    Row::new()
        .at(
            0,
            text::pad(&format!(" {what}"), usize::from(width)),
            Role::Banner,
        )
        .keep(keep::ALWAYS)
}

/// Two halves on one banner where they fit, else on two.
fn banners(left: &str, right: &str, width: u16) -> Vec<Row> {
    let both = format!("{left}    {right}");
    if text::width(&both) + 2 <= usize::from(width) {
        return vec![banner(&both, width)];
    }
    let mut rows = vec![banner(left, width)];
    let room = usize::from(width.saturating_sub(2));
    rows.extend(text::wrap(right, room).iter().map(|line| banner(line, width)));
    rows
}

/// What adds up to the score: `error rate 3 + degradation 2`.
fn addends(verdict: &Verdict) -> String {
    let parts: Vec<String> = verdict
        .criteria
        .iter()
        .filter(|judged| judged.addend > 0)
        .map(|judged| format!("{} {}", judged.criterion.title().to_lowercase(), judged.addend))
        .collect();
    parts.join(" + ")
}

fn score(verdict: &Verdict) -> String {
    let standing = verdict.standing_score();
    if standing != verdict.score {
        let now = match addends(verdict).as_str() {
            "" => String::new(),
            parts => format!(" = {parts}"),
        };
        return format!("score {standing} since it latched, now {}{now}", verdict.score);
    }
    match addends(verdict).as_str() {
        "" => format!("score {standing}"),
        parts => format!("score {standing} = {parts}"),
    }
}

fn armed(watch: &Watch, cx: &Cx<'_>) -> String {
    match &watch.armed {
        Some(note) => format!(
            "automatic rollback ARMED by {} {}",
            inert(&note.by),
            cx.now.clock(note.at)
        ),
        None => "automatic rollback off".to_owned(),
    }
}

/// Two facts on one line, or the second where there is room only.
fn two(left: &str, right: &str, width: u16, role: Role) -> Row {
    let row = Row::new().at(1, left, role).keep(keep::ALWAYS);
    if text::width(left) + text::width(right) + 6 <= usize::from(width) {
        row.right(1, right, Role::Muted)
    } else {
        row
    }
}

/// What people did about the verdict.
fn acted(watch: &Watch, cx: &Cx<'_>, width: u16) -> Vec<Row> {
    let said = |what: &str, note: &Note| {
        let until = note
            .until
            .map_or_else(String::new, |at| format!(" until {}", cx.now.clock(at)));
        let by = inert(&note.by);
        format!(
            "{what}{until} by {by} {}: {}",
            cx.now.clock(note.at),
            inert(&note.reason)
        )
    };
    let mut rows = Vec::new();
    if let Some(note) = &watch.acknowledged {
        rows.extend(prose(
            &said("Acknowledged", note),
            width,
            Role::Warn,
            keep::FIGURE,
        ));
    }
    if let Some(note) = watch.snoozed.as_ref().filter(|_| watch.is_snoozed(cx.now.at)) {
        rows.extend(prose(
            &said("Bell and hooks silent", note),
            width,
            Role::Warn,
            keep::FIGURE,
        ));
    }
    rows
}
