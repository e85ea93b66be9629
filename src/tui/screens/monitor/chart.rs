//! One criterion over time: a column for each sample, the limit as a line, signs below for what happened then.

use jiff::Timestamp;

use super::picture::{Picture, seconds, span};
use crate::engine::monitor::verdict::short_percent;
use crate::engine::monitor::watch::{MarkKind, time};
use crate::engine::monitor::{Criteria, Criterion};
use crate::tui::clock::Now;
use crate::tui::paint::{Row, keep};
use crate::tui::style::{Glyphs, Role};
use crate::tui::text;

/// Columns of one sample.
const SLOT: u16 = 3;
/// Where the axis stands.
const AXIS: u16 = 10;
/// Rows besides the plot: heading, signs, times.
const AROUND: u16 = 3;
/// The least that can be read.
pub const LEAST: u16 = AROUND + 4;

#[derive(Debug, Clone, Copy, PartialEq)]
enum Column {
    /// No sample stands there.
    Nothing,
    /// A sample without the figure.
    Unknown,
    /// The figure.
    Value(f64),
}

/// The sign of a mark below the chart.
const fn sign(kind: MarkKind) -> &'static str {
    match kind {
        MarkKind::Verdict => "!",
        MarkKind::Decision => "o",
        MarkKind::Deployment => "d",
        MarkKind::Page => "p",
    }
}

/// What the signs say.
const LEGEND: [(&str, &str); 4] = [
    ("!", "verdict"),
    ("o", "decided"),
    ("d", "deployed"),
    ("p", "paged"),
];

/// The figure as it is drawn, and its limit. Of availability, what is missing is drawn: more is worse everywhere.
fn drawn(criterion: Criterion, value: f64) -> f64 {
    match criterion {
        Criterion::Availability => 1.0 - value,
        _ => value,
    }
}

/// What the figure cannot exceed.
const fn most(criterion: Criterion) -> f64 {
    match criterion {
        Criterion::ErrorRate | Criterion::Availability => 1.0,
        Criterion::Degradation | Criterion::Validation => f64::INFINITY,
    }
}

const fn title(criterion: Criterion) -> &'static str {
    match criterion {
        Criterion::ErrorRate => "Error rate",
        Criterion::Degradation => "Degradation",
        Criterion::Availability => "Checks not healthy",
        Criterion::Validation => "Validation failures in a row",
    }
}

fn label(criterion: Criterion, value: f64) -> String {
    match criterion {
        Criterion::Validation => format!("{value:.0}"),
        _ => short_percent(value),
    }
}

/// A round step of which `rows` reach `top`.
fn step(top: f64, rows: f64, whole: bool) -> f64 {
    let least = (top / rows).max(if whole { 1.0 } else { 1e-4 });
    let power = 10_f64.powf(least.log10().floor());
    [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 8.0, 10.0]
        .into_iter()
        .map(|factor| factor * power)
        .find(|step| *step >= least - 1e-12)
        .unwrap_or(10.0 * power)
}

/// The step and the number of rows that are drawn: never beyond `most`, which then is the top of the axis.
fn scale(top: f64, height: u16, whole: bool, most: f64) -> (f64, u16) {
    let natural = step(top.min(most), f64::from(height), whole);
    if natural * f64::from(height) <= most + 1e-9 {
        return (natural, height);
    }
    // Parts of the whole that are read at a glance.
    let parts = [20_u16, 10, 8, 5, 4, 2]
        .into_iter()
        .find(|parts| *parts <= height)
        .unwrap_or(1);
    (most / f64::from(parts), parts)
}

/// The chart in `height` rows of `width` cells; nothing when there is no room or no sample.
pub fn rows(
    picture: &Picture,
    criterion: Criterion,
    now: &Now,
    glyphs: &Glyphs,
    width: u16,
    height: u16,
) -> Vec<Row> {
    let Some(watch) = picture.watch() else {
        return Vec::new();
    };
    let Some(end) = watch.last().map(crate::engine::monitor::Point::at) else {
        return Vec::new();
    };
    let slots = usize::from(width.saturating_sub(AXIS + 2) / SLOT);
    if height < LEAST || slots < 4 {
        return Vec::new();
    }
    let criteria = watch.criteria();
    let interval = criteria.interval.max(1);
    let columns = columns(picture, criterion, end, interval, slots);
    let limit = drawn(criterion, criteria.rule(criterion).limit);
    let plot = plot(&columns, criterion, limit, height - AROUND, glyphs);
    let begin = end.saturating_sub(interval.saturating_mul(whole(slots) - 1));
    let slot_of = |at: Timestamp| {
        let away = at.as_microsecond() - begin + interval / 2;
        usize::try_from(away / interval).ok().filter(|slot| *slot < slots)
    };
    let mut signs = vec![" "; slots];
    for mark in &watch.marks {
        if let Some(slot) = slot_of(mark.at) {
            signs[slot] = sign(mark.kind);
        }
    }
    let mut out = vec![heading(criterion, criteria, &signs, width)];
    out.extend(plot);
    let mut below = Row::new().at(AXIS, "", Role::Text);
    for sign in signs {
        below = below.then(format!(" {sign} "), Role::Warn);
    }
    out.push(below.keep(keep::NORMAL));
    out.push(times(begin, interval, slots, now));
    out
}

/// A number of slots as the clock counts.
fn whole(slots: usize) -> i64 {
    i64::try_from(slots).unwrap_or(i64::MAX)
}

/// Title, limit, and what the signs below mean: all of them where there is room, else those that are there.
fn heading(criterion: Criterion, criteria: &Criteria, signs: &[&str], width: u16) -> Row {
    let long = span(seconds(criteria.interval.saturating_mul(whole(signs.len()))));
    let limit = drawn(criterion, criteria.rule(criterion).limit);
    let name = format!("{}, last {long}", title(criterion));
    let all = LEGEND.iter().map(|(sign, word)| format!("{sign} {word}"));
    let there = LEGEND
        .iter()
        .filter(|(sign, _)| signs.contains(sign))
        .map(|(sign, word)| format!("{sign} {word}"));
    let beside = |legend: Vec<String>| {
        let gap = if legend.is_empty() { "" } else { "   " };
        format!("limit {}{gap}{}", label(criterion, limit), legend.join("  "))
    };
    let (long, there) = ("    w next criterion", beside(there.collect()));
    let ways = [
        (long, beside(all.collect())),
        (long, there.clone()),
        ("  w next", there),
    ];
    let fits = |(more, right): &(&str, String)| {
        text::width(&name) + text::width(more) + text::width(right) + 3 <= usize::from(width)
    };
    let (more, right) = ways
        .into_iter()
        .find(fits)
        .unwrap_or_else(|| (long, beside(Vec::new())));
    Row::new()
        .at(1, name, Role::Critical)
        .then(more, Role::Muted)
        .right(1, right, Role::Muted)
        .keep(keep::FIGURE)
}

fn columns(picture: &Picture, criterion: Criterion, end: i64, interval: i64, slots: usize) -> Vec<Column> {
    let mut columns = vec![Column::Nothing; slots];
    for (at, figure) in picture.figures(criterion).rev() {
        let away = (end.saturating_sub(at) + interval / 2) / interval;
        let Ok(away) = usize::try_from(away) else { continue };
        if away >= slots {
            break;
        }
        let column = &mut columns[slots - 1 - away];
        *column = match (figure, *column) {
            (Some(value), Column::Value(other)) => Column::Value(drawn(criterion, value).max(other)),
            (Some(value), _) => Column::Value(drawn(criterion, value)),
            (None, Column::Nothing) => Column::Unknown,
            (None, there) => there,
        };
    }
    columns
}

fn plot(columns: &[Column], criterion: Criterion, limit: f64, height: u16, glyphs: &Glyphs) -> Vec<Row> {
    let top = columns.iter().fold(limit * 1.25, |top, column| match column {
        Column::Value(value) => top.max(*value),
        _ => top,
    });
    let whole = criterion == Criterion::Validation;
    let (step, levels) = scale(top, height, whole, most(criterion));
    let mut out = Vec::new();
    for level in (1..=levels).rev() {
        let top = f64::from(level) * step;
        let bottom = top - step;
        let at_limit = limit > bottom + 1e-9 && limit <= top + 1e-9;
        let (said, role) = if at_limit {
            (label(criterion, limit), Role::Warn)
        } else {
            (label(criterion, top), Role::Muted)
        };
        let mut row = Row::new()
            .number(AXIS - 1, said, role)
            .at(AXIS, glyphs.joins[1], Role::Muted)
            .keep(keep::NORMAL);
        let (gap, gap_role) = if at_limit {
            (glyphs.horizontal, Role::Warn)
        } else {
            (" ", Role::Muted)
        };
        for column in columns {
            let (sign, role) = cell(*column, bottom, step, limit, level == 1, glyphs);
            row = if sign == " " {
                row.then(gap.repeat(usize::from(SLOT)), gap_role)
            } else {
                row.then(gap, gap_role).then(sign, role).then(gap, gap_role)
            };
        }
        out.push(row);
    }
    out
}

fn cell(
    column: Column,
    bottom: f64,
    step: f64,
    limit: f64,
    lowest: bool,
    glyphs: &Glyphs,
) -> (&'static str, Role) {
    let value = match column {
        Column::Nothing if lowest => return (glyphs.locked, Role::Muted),
        Column::Unknown if lowest => return (glyphs.unknown, Role::Unknown),
        Column::Nothing | Column::Unknown => return (" ", Role::Muted),
        Column::Value(value) => value,
    };
    let role = if value > limit { Role::Bad } else { Role::Text };
    let share = ((value - bottom) / step).clamp(0.0, 1.0);
    if glyphs.ascii {
        return match share {
            0.5.. => (glyphs.full, role),
            _ if lowest => ("_", role),
            _ => (" ", role),
        };
    }
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "between 0 and 8"
    )]
    let eighths = (share * 8.0).floor() as usize;
    match eighths {
        8.. => (glyphs.full, role),
        0 if lowest => (glyphs.spark[0], role),
        0 => (" ", role),
        part => (glyphs.spark[part - 1], role),
    }
}

/// Clock times below the columns, as many as can be read.
fn times(begin: i64, interval: i64, slots: usize, now: &Now) -> Row {
    let mut line = String::new();
    // Samples that come often need their seconds.
    let often = interval.saturating_mul(4) < 60_000_000;
    let every = if often { 5 } else { 4 };
    for slot in (0..slots).step_by(every) {
        if slots - slot < if often { 3 } else { 2 } {
            break;
        }
        let at = begin.saturating_add(interval.saturating_mul(whole(slot)));
        if let Some(at) = time(at) {
            line = text::pad(&line, slot * usize::from(SLOT));
            line.push_str(&if often {
                now.clock_seconds(at)
            } else {
                now.clock(at)
            });
        }
    }
    Row::new().at(AXIS, line, Role::Muted).keep(keep::NORMAL)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_are_round_and_reach_the_top() {
        for (top, rows, whole) in [
            (0.328, 6.0, false),
            (0.1875, 6.0, false),
            (4.0, 6.0, true),
            (7.0, 6.0, true),
        ] {
            let step = step(top, rows, whole);
            assert!(step * rows >= top - 1e-9, "{top} {step}");
            assert!(!whole || step.fract() == 0.0);
        }
        assert!((step(0.328, 6.0, false) - 0.06).abs() < 1e-12);
    }

    #[test]
    fn no_axis_goes_beyond_what_a_share_can_be() {
        for height in 4..=20_u16 {
            for top in [0.19, 0.5, 0.62, 0.9, 0.97, 1.0] {
                let (step, levels) = scale(top, height, false, 1.0);
                let reaches = step * f64::from(levels);
                assert!(
                    reaches <= 1.0 + 1e-9 && reaches >= top - 1e-9,
                    "{top} in {height}: {reaches}"
                );
                assert!(
                    levels <= height && levels * 2 >= height.min(20),
                    "{top} in {height}: {levels}"
                );
            }
        }
        // A share without a bound keeps its round steps.
        assert_eq!(scale(1.7, 10, false, f64::INFINITY).1, 10);
    }
}
