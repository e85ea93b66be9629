//! The four gauges, two lines each: figure, share of the limit, state; below them evidence, the line over time, the
//! confirmation.

use super::gauge::{Gauge, LIMIT_AT, probes};
use super::picture::{Phase, Picture};
use crate::engine::monitor::{Criterion, Watch};
use crate::tui::app::context::Cx;
use crate::tui::paint::{Row, keep};
use crate::tui::style::Role;
use crate::tui::widgets::bar::{self, Bar};

/// Narrower than this there are no bars.
pub(super) const NARROW: u16 = 76;

/// From this width on the confirmation stands on the first line of a gauge.
const ROOMY: u16 = 114;

/// Where the parts of a gauge stand.
struct Columns {
    value_end: u16,
    bar: Option<(u16, u16)>,
    limit: u16,
    word: u16,
    weight: Option<u16>,
    spark: Option<(u16, u16)>,
    streak: u16,
    /// The confirmation stands on the first line, after the weight.
    wide: bool,
}

impl Columns {
    const fn of(width: u16) -> Self {
        match width {
            95.. => Self {
                value_end: 27,
                bar: Some((30, 24)),
                limit: 56,
                word: 69,
                weight: Some(78),
                spark: Some((46, 24)),
                // After the weight where it fits, else below it.
                streak: if width >= ROOMY { 92 } else { 72 },
                wide: width >= ROOMY,
            },
            NARROW.. => Self {
                value_end: 26,
                bar: Some((28, 20)),
                limit: 49,
                word: 61,
                weight: Some(69),
                spark: Some((40, 8)),
                streak: 50,
                wide: false,
            },
            _ => Self {
                value_end: 26,
                bar: None,
                limit: 29,
                word: 42,
                weight: Some(50),
                spark: None,
                streak: 42,
                wide: false,
            },
        }
    }
}

pub(super) fn gauges(picture: &Picture, watch: &Watch, phase: Phase, cx: &Cx<'_>, width: u16) -> Vec<Row> {
    let stale = matches!(phase, Phase::Stale | Phase::Off | Phase::Back);
    let Some(gauges) = Gauge::all(picture, stale, &|at| cx.now.clock(at)) else {
        return Vec::new();
    };
    let columns = Columns::of(width);
    let glyphs = cx.look.glyphs;
    let mut rows = vec![match columns.bar {
        Some((at, _)) => Row::new()
            .at(at, "bar = share of the limit used", Role::Muted)
            .keep(keep::EXTRA),
        None => Row::blank(),
    }];
    for gauge in gauges {
        let role = if stale { Role::Unknown } else { Role::Text };
        let value_role = if gauge.role == Role::Ok { role } else { gauge.role };
        let mut row = Row::new()
            .at(1, gauge.criterion.title(), Role::Critical)
            .number(columns.value_end, gauge.value.clone(), value_role)
            .keep(keep::ALWAYS);
        if let Some((at, cells)) = columns.bar {
            let bar = Bar {
                share: gauge.used.map(|used| used * LIMIT_AT),
                limit: Some(LIMIT_AT),
            };
            row = bar::onto(row, at, glyphs, bar, cells, gauge.role);
        }
        row =
            row.at(columns.limit, gauge.limit.clone(), Role::Muted)
                .at(columns.word, gauge.word, gauge.role);
        if let Some(at) = columns.weight {
            row = row.at(at, gauge.weight.clone(), Role::Muted);
        }
        let unknown_and_narrow = columns.bar.is_none() && gauge.word == "unknown";
        let streak = Some((columns.streak, &gauge))
            .filter(|(_, gauge)| !gauge.streak.is_empty() && !unknown_and_narrow);
        let mut below = second(&gauge, picture, watch, cx, &columns);
        match streak {
            Some((at, gauge)) if columns.wide => row = row.at(at, gauge.streak.clone(), streak_role(gauge)),
            // What lies between the failures of the validation says more, and takes its place.
            Some((at, gauge)) if gauge.between.is_empty() || columns.spark.is_none() => {
                below = below.at(at, gauge.streak.clone(), streak_role(gauge));
            }
            _ => {}
        }
        rows.push(row);
        rows.push(below);
    }
    rows
}

fn streak_role(gauge: &Gauge) -> Role {
    if matches!(gauge.word, "BREACH" | "over") {
        gauge.role
    } else {
        Role::Muted
    }
}

/// The second line of a gauge: evidence and the line over time.
fn second(gauge: &Gauge, picture: &Picture, watch: &Watch, cx: &Cx<'_>, columns: &Columns) -> Row {
    let glyphs = cx.look.glyphs;
    let unknown = gauge.word == "unknown";
    let role = if unknown { Role::Unknown } else { Role::Muted };
    // Where rows are few, the way back and the way on say more than the evidence of what is well.
    let well = gauge.word == "OK" && columns.bar.is_none();
    let mut row = Row::new().keep(if well { keep::NORMAL } else { keep::FIGURE });
    let readings = gauge.criterion == Criterion::Validation
        && (!unknown || columns.spark.is_some() && !gauge.between.is_empty());
    if readings {
        let (signs, n) = probes(watch, glyphs, 18);
        row = row
            .at(3, signs, Role::Text)
            .then(format!("  last {n}"), Role::Muted);
        if let Some((at, _)) = columns.spark {
            row = row.at(at, gauge.between.clone(), role);
        }
    } else {
        row = row.at(3, gauge.evidence.clone(), role);
    }
    if let Some((at, cells)) = columns.spark.filter(|_| gauge.line) {
        let figures: Vec<Option<f64>> = {
            let mut last: Vec<Option<f64>> = picture
                .figures(gauge.criterion)
                .rev()
                .take(usize::from(cells))
                .map(|(_, figure)| figure)
                .collect();
            last.reverse();
            last
        };
        // Availability is what is there, not what is missing; its own top says enough.
        let scale = match gauge.criterion {
            Criterion::Availability => 0.0,
            criterion => watch.criteria().rule(criterion).limit,
        };
        row = row.at(at, bar::sparkline(glyphs, &figures, cells, scale), Role::Text);
    }
    row
}
