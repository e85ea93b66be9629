//! The four gauges: figure, share of the limit, limit, state, and below each what it is made of.

use crate::engine::monitor::sample::Gap;
use crate::engine::monitor::verdict::short_percent;
use crate::engine::monitor::{Criterion, Judged, State, Watch};
use crate::tui::app::context::Cx;
use crate::tui::layout::Density;
use crate::tui::paint::{Row, keep};
use crate::tui::style::Role;
use crate::tui::widgets::bar::{self, Bar};

/// Where the limit stands on a bar.
const LIMIT_AT: f64 = 0.7;
/// Samples in a sparkline.
const SPARK: u16 = 8;

/// All gauges.
pub fn rows(watch: &Watch, cx: &Cx<'_>, width: u16) -> Vec<Row> {
    let mut out = Vec::new();
    if !matches!(cx.density, Density::Tiny | Density::Compact) {
        out.push(Row::new().at(28, "bar = share of the limit used", Role::Muted).keep(keep::EXTRA));
    }
    for criterion in Criterion::ALL {
        out.extend(gauge(watch, criterion, cx, width));
    }
    out
}

fn gauge(watch: &Watch, criterion: Criterion, cx: &Cx<'_>, width: u16) -> Vec<Row> {
    let Some(point) = watch.last() else {
        return Vec::new();
    };
    let judged = point.verdict.of(criterion);
    let stale = watch.is_stale(cx.now.at);
    let (state, role) = match judged.state {
        _ if stale => ("stale", Role::Unknown),
        State::Ok => ("OK", Role::Ok),
        State::Over => ("over", Role::Warn),
        State::Breach => ("BREACH", Role::Bad),
        State::Unknown(_) => ("?", Role::Unknown),
    };
    let value = figure(judged, watch);
    let limit = limit(criterion, watch);
    let weight = watch.criteria().rule(criterion).weight;
    match cx.density {
        Density::Tiny => vec![
            Row::new()
                .at(1, criterion.title(), Role::Text)
                .number(26, value, role)
                .at(29, state, role)
                .keep(keep::FIGURE),
        ],
        Density::Compact => vec![
            Row::new()
                .at(1, criterion.title(), Role::Text)
                .number(27, value, role)
                .at(30, format!("limit {limit}"), Role::Muted)
                .at(46, state, role)
                .keep(keep::ALWAYS),
            Row::new()
                .at(3, evidence(judged, watch), Role::Muted)
                .keep(keep::NORMAL),
        ],
        _ => {
            let spare = width.saturating_sub(78).min(30);
            let length = 20 + spare;
            let after = 29 + length;
            let share = used(judged, watch).filter(|_| !stale);
            let row = Row::new()
                .at(1, criterion.title(), Role::Text)
                .number(26, value, role);
            let row = bar::onto(
                row,
                28,
                cx.look.glyphs,
                Bar {
                    share: share.map(|share| share * LIMIT_AT),
                    limit: Some(LIMIT_AT),
                },
                length,
                role,
            );
            vec![
                row.at(after, format!("limit {limit}"), Role::Muted)
                    .at(after + 14, state, role)
                    .at(after + 21, format!("weight {weight}"), Role::Muted)
                    .keep(keep::ALWAYS),
                Row::new()
                    .at(3, evidence(judged, watch), Role::Muted)
                    .max(36)
                    .at(40, spark(watch, criterion, cx), Role::Text)
                    .at(after, trend(judged, watch), Role::Muted)
                    .keep(keep::NORMAL),
            ]
        }
    }
}

/// The share of the limit that is used; 1 stands on the limit. `None` when it is not known.
fn used(judged: &Judged, watch: &Watch) -> Option<f64> {
    if judged.is_unknown() {
        return None;
    }
    let limit = watch.criteria().rule(judged.criterion).limit;
    let value = judged.value?;
    Some(match judged.criterion {
        Criterion::Availability => (1.0 - value) / (1.0 - limit),
        _ => (value / limit).max(0.0),
    })
}

fn figure(judged: &Judged, watch: &Watch) -> String {
    let limit = watch.criteria().rule(judged.criterion).limit;
    match (judged.criterion, judged.state, judged.value) {
        (_, State::Unknown(_), _) | (_, _, None) => "?".to_owned(),
        (Criterion::Validation, _, Some(value)) => format!("{value} of {limit}"),
        (Criterion::Degradation, _, Some(value)) if value >= 0.0 => format!("+{}", short_percent(value)),
        (_, _, Some(value)) => short_percent(value),
    }
}

fn limit(criterion: Criterion, watch: &Watch) -> String {
    let limit = watch.criteria().rule(criterion).limit;
    match criterion {
        Criterion::Validation => format!("{limit} run"),
        Criterion::Degradation => format!("+{}", short_percent(limit)),
        _ => short_percent(limit),
    }
}

/// What the figure is made of, or what is missing.
fn evidence(judged: &Judged, watch: &Watch) -> String {
    match (judged.criterion, judged.state) {
        (_, State::Unknown(Gap::Few)) => {
            format!("too few: {} of {} tasks, not judged", judged.n, watch.criteria().minimum_tasks)
        }
        (Criterion::Degradation, State::Unknown(Gap::NoBaseline)) => match judged.seconds {
            Some(seconds) => format!("{seconds:.2} s, no baseline yet"),
            None => "no baseline yet".to_owned(),
        },
        (_, State::Unknown(gap)) => gap.words().to_owned(),
        (Criterion::ErrorRate, _) => {
            let bound = judged
                .bound
                .map_or_else(String::new, |bound| format!(", at least {}", short_percent(bound)));
            format!("{} of {} tasks{bound}", judged.k, judged.n)
        }
        (Criterion::Degradation, _) => format!(
            "{:.2} s, baseline {:.2} s, n {}",
            judged.seconds.unwrap_or_default(),
            watch.baseline().unwrap_or_default(),
            judged.n
        ),
        (Criterion::Availability, _) => format!("{} of {} checks", judged.k, judged.n),
        (Criterion::Validation, _) => "last 8, newest right".to_owned(),
    }
}

fn trend(judged: &Judged, watch: &Watch) -> String {
    if judged.is_unknown() && judged.unknown > 0 {
        return format!("unknown {} of {}", judged.unknown, watch.criteria().unknown_budget);
    }
    match judged.criterion {
        Criterion::Validation => String::new(),
        _ if judged.at_once => "at once".to_owned(),
        _ => format!("{} of {} in a row", judged.streak, watch.criteria().confirmations),
    }
}

fn spark(watch: &Watch, criterion: Criterion, cx: &Cx<'_>) -> String {
    let from = watch.history.len().saturating_sub(usize::from(SPARK));
    let glyphs = cx.look.glyphs;
    if criterion == Criterion::Validation {
        return watch
            .history
            .range(from..)
            .map(|point| match point.taken.sample.validation {
                Ok(crate::engine::monitor::Probe::Pass) => glyphs.locked,
                Ok(crate::engine::monitor::Probe::Fail) => glyphs.failed,
                Err(_) => glyphs.unknown,
            })
            .collect();
    }
    let values: Vec<Option<f64>> = watch
        .history
        .range(from..)
        .map(|point| Some(point.verdict.of(criterion)).filter(|judged| !judged.is_unknown())?.value)
        .collect();
    bar::sparkline(glyphs, &values, SPARK)
}
