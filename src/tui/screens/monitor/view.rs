//! How the screen is drawn: the verdict in words, a gauge for each criterion, what is next; then a chart and what happened.

use ratatui::layout::Rect;

use super::foot::{VALUES, foot, happened, if_it_breaches, way_back};
use super::gauge::Gauge;
use super::gauges::gauges;
use super::head::{banner, head, waiting};
use super::picture::{Phase, Picture, until};
use super::{Monitor, chart};
use crate::engine::monitor::Watch;
use crate::engine::text::{inert, plural};
use crate::tui::app::context::Cx;
use crate::tui::layout::Density;
use crate::tui::paint::{Painter, Row, fit, keep};
use crate::tui::screens::detail::{labelled, prose};
use crate::tui::style::Role;
use crate::tui::text;

/// The colour of a phase.
pub(super) const fn role(phase: Phase) -> Role {
    match phase {
        Phase::Countdown | Phase::Breach => Role::Bad,
        Phase::Stale | Phase::Spent | Phase::Unknown => Role::Unknown,
        Phase::Closely => Role::Warn,
        Phase::Well | Phase::Passed => Role::Ok,
        Phase::Never | Phase::First | Phase::Off | Phase::Back => Role::Text,
    }
}

pub(super) fn render(screen: &Monitor, painter: &mut Painter<'_>, cx: &Cx<'_>) {
    let (width, height) = (painter.width(), painter.height());
    let picture = screen.shown();
    let phase = picture.phase(screen.moment(cx));
    let Some(watch) = picture.watch() else {
        painter.rows(&never(picture, cx, width));
        return;
    };
    if cx.density == Density::Tiny {
        painter.rows(&tiny(watch, phase, picture, cx, width));
        return;
    }
    let mut rows = head(watch, phase, screen, cx, width);
    let Some(verdict) = watch.verdict() else {
        rows.extend(first(watch, screen, cx, width));
        painter.rows(&rows);
        return;
    };
    let wide = cx.density == Density::Wide;
    if let Some(criterion) = screen.charted(cx.density).filter(|_| !wide) {
        rows.push(Row::blank());
        let kept: Vec<Row> = fit(&rows, usize::from(height)).into_iter().cloned().collect();
        let used = u16::try_from(kept.len()).unwrap_or(height);
        let room = height.saturating_sub(used);
        let chart = chart::rows(picture, criterion, cx.now, cx.look.glyphs, width, room);
        let none = chart.is_empty();
        rows.extend(chart);
        if none {
            rows.extend(prose(
                "There is no room for a chart; w shows the gauges.",
                width,
                Role::Muted,
                keep::ALWAYS,
            ));
        }
        painter.rows(&rows);
        return;
    }
    rows.extend(gauges(picture, watch, phase, cx, width));
    rows.push(Row::blank());
    rows.extend(foot(watch, verdict, picture, screen, cx, width));
    let used = u16::try_from(rows.len()).unwrap_or(height);
    let mut room = height.saturating_sub(used);
    if wide && let Some(criterion) = screen.charted(cx.density) {
        // The chart grows with the screen; what happened gets the rest.
        let tall = room.saturating_sub(1).min(if room > 20 { 14 } else { 10 });
        let chart = chart::rows(picture, criterion, cx.now, cx.look.glyphs, width, tall);
        if !chart.is_empty() {
            rows.push(Row::blank());
            room = room.saturating_sub(1 + u16::try_from(chart.len()).unwrap_or(0));
            rows.extend(chart);
        }
    }
    rows.extend(happened(watch, cx, width, room));
    painter
        .part(Rect {
            x: 0,
            y: 0,
            width,
            height,
        })
        .rows(&rows);
}

/// Before anything was watched.
fn never(picture: &Picture, cx: &Cx<'_>, width: u16) -> Vec<Row> {
    let mut rows = prose(
        "Nothing is watched yet. A watch reads MAOS's own figures, judges them by four criteria and says when to roll back.",
        width,
        Role::Text,
        keep::FIGURE,
    );
    rows.push(Row::blank());
    let mut say = |label: &str, value: &str| {
        rows.extend(labelled(label, value, VALUES, width, Role::Text, keep::NORMAL));
    };
    say(
        "Criteria",
        "error rate, degradation, availability, validation failures in a row; a score of their weights",
    );
    if let Some((_, settings)) = cx.views.settings.value() {
        let monitor = &settings.driving.monitor;
        let probe = match monitor.validation.as_str() {
            "task" => "the guide's real task is submitted at every sample",
            "off" => "none",
            _ => "reads MAOS's health only; nothing is submitted",
        };
        say("Validation", probe);
        let hooks = match monitor.hooks.len() {
            0 => "no command is".to_owned(),
            some => plural(some as u64, "command is", "commands are"),
        };
        say("On a change", &format!("the bell rings; {hooks} called"));
    }
    say("If you roll back", &way_back(picture, cx));
    rows
}

/// Between the beginning and the first sample.
fn first(watch: &Watch, screen: &Monitor, cx: &Cx<'_>, width: u16) -> Vec<Row> {
    let mut rows = vec![Row::blank()];
    let mut say = |label: &str, value: &str| {
        rows.extend(labelled(label, value, VALUES, width, Role::Text, keep::NORMAL));
    };
    say("Source", &inert(&watch.begin.source));
    say("Baseline", &baseline(watch));
    say("If it breaches", &if_it_breaches(watch));
    say("If you roll back", &way_back(screen.shown(), cx));
    rows
}

fn baseline(watch: &Watch) -> String {
    match watch.baseline() {
        Some(seconds) => format!("{seconds:.2} s, {}", inert(&watch.begin.baseline_from)),
        None => "none yet; degradation is unknown until one is recorded".to_owned(),
    }
}

/// The verdict, its score, its age, and what is worst; readable from afar.
fn tiny(watch: &Watch, phase: Phase, picture: &Picture, cx: &Cx<'_>, width: u16) -> Vec<Row> {
    let Some(verdict) = watch.verdict() else {
        return prose(&waiting(watch, cx), width, Role::Text, keep::ALWAYS);
    };
    let mut rows = Vec::new();
    if let Some(ends) = watch.countdown.filter(|_| phase == Phase::Countdown) {
        rows.push(banner(
            &format!("ROLLBACK in {}  X stops it", text::duration(until(cx.now, ends))),
            width,
        ));
    }
    let age = super::Monitor::age(watch, cx);
    if phase.is_breach() {
        rows.push(banner(
            &format!("BREACH  score {}", verdict.standing_score()),
            width,
        ));
    } else {
        let word = match phase {
            Phase::Back => "ROLLED BACK".to_owned(),
            _ => format!("VERDICT {}", verdict.word.name()),
        };
        rows.push(
            Row::new()
                .at(1, word, role(phase))
                .then(format!("  score {}", verdict.score), Role::Text)
                .strong()
                .keep(keep::ALWAYS),
        );
    }
    let stale = matches!(phase, Phase::Stale | Phase::Off | Phase::Back);
    let age_role = if stale { Role::Unknown } else { Role::Text };
    rows.push(Row::prose(age, age_role).keep(keep::ALWAYS));
    if let Some(mut gauges) = Gauge::all(picture, stale, &|at| cx.now.clock(at)) {
        // The worst stand first, since not all may fit.
        gauges.sort_by(|a, b| b.used.unwrap_or(0.99).total_cmp(&a.used.unwrap_or(0.99)));
        for gauge in gauges {
            rows.push(
                Row::new()
                    .at(1, gauge.criterion.title(), Role::Text)
                    .number(27, gauge.value, gauge.role)
                    .at(29, gauge.word, gauge.role)
                    .keep(keep::NORMAL),
            );
        }
    }
    rows
}
