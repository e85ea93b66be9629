//! One criterion over time: a column a sample, the limit as a line, marks for deployments, decisions and verdicts below.

use crate::engine::monitor::verdict::short_percent;
use crate::engine::monitor::watch::{MarkKind, Point, time};
use crate::engine::monitor::{Criterion, State, Watch};
use crate::tui::app::context::Cx;
use crate::tui::paint::{Painter, Row};
use crate::tui::style::Role;

/// Columns left of the first sample.
const SCALE: u16 = 10;

/// Draws the chart over the painter's area.
pub fn draw(painter: &mut Painter<'_>, watch: &Watch, criterion: Criterion, cx: &Cx<'_>) {
    let (width, height) = (painter.width(), painter.height());
    if height < 5 || width < SCALE + 10 {
        return;
    }
    let room = usize::from(width - SCALE - 1);
    let from = watch.history.len().saturating_sub(room);
    let points: Vec<&Point> = watch.history.range(from..).collect();
    let value = |point: &Point| {
        let judged = point.verdict.of(criterion);
        judged.value.filter(|_| !judged.is_unknown())
    };
    let limit = watch.criteria().rule(criterion).limit;
    let values: Vec<f64> = points.iter().filter_map(|point| value(point)).collect();
    // Availability lives near its limit: its scale begins below it, all others begin at nought.
    let least = values.iter().copied().fold(limit, f64::min);
    let floor = if criterion == Criterion::Availability {
        (least - 0.05).max(0.0)
    } else {
        0.0
    };
    let most = values.iter().copied().fold(limit, f64::max);
    let top = if criterion == Criterion::Availability { 1.0 } else { most * 1.15 };
    let span = (top - floor).max(1e-9);

    let title = format!("{}, last {} samples", criterion.title(), points.len());
    let said = |share: f64| {
        if criterion == Criterion::Validation { format!("{share:.0}") } else { short_percent(share) }
    };
    painter.row(
        0,
        &Row::prose(title, Role::Critical).right(
            1,
            format!("w next criterion   limit {}   ! breach  D deployed  * decided", said(limit)),
            Role::Muted,
        ),
    );
    let (plot, base) = (height - 3, height - 3);
    let row_of = |share: f64| -> f64 { ((share - floor) / span).clamp(0.0, 1.0) * f64::from(plot) };
    let glyphs = painter.glyphs();
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "between 0 and the height of the pane"
    )]
    let line = base - (row_of(limit) as u16).min(plot - 1);
    for y in 1..=plot {
        let share = floor + span * f64::from(base - y + 1) / f64::from(plot);
        let label = if y == line {
            said(limit)
        } else if y == 1 || y == plot || (y % 2 == 1 && y.abs_diff(line) > 1) {
            said(share - span / f64::from(plot))
        } else {
            String::new()
        };
        painter.row(y, &Row::new().number(SCALE - 2, label, Role::Muted));
        painter.put(SCALE - 1, y, if glyphs.ascii { "|" } else { "┤" }, Role::Muted, 1);
    }
    for (x, point) in (SCALE..).zip(&points) {
        let judged = point.verdict.of(criterion);
        let role = match judged.state {
            State::Breach => Role::Bad,
            State::Over => Role::Warn,
            State::Unknown(_) => Role::Unknown,
            State::Ok => Role::Accent,
        };
        match value(point) {
            None => {
                painter.put(x, base, glyphs.unknown, Role::Unknown, 1);
            }
            Some(share) => column(painter, x, base, row_of(share), role),
        }
    }
    for x in SCALE..width.saturating_sub(1) {
        let cell = (painter.area().x + x, painter.area().y + line);
        let free = painter.buffer().cell(cell).is_none_or(|cell| cell.symbol() == " ");
        if free {
            painter.put(x, line, if glyphs.ascii { "-" } else { "┄" }, Role::Warn, 1);
        }
    }
    marks(painter, watch, &points, height - 2);
    times(painter, &points, cx, height - 1);
}

fn column(painter: &mut Painter<'_>, x: u16, base: u16, rows: f64, role: Role) {
    let glyphs = painter.glyphs();
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "between 0 and eight times the height of the pane"
    )]
    let eighths = ((rows * 8.0).round() as u16).max(1);
    for row in 0..eighths.div_ceil(8) {
        let part = (eighths - row * 8).min(8);
        let sign = match part {
            8 => glyphs.full,
            _ if glyphs.ascii => "#",
            part => glyphs.spark[usize::from(part - 1).min(glyphs.spark.len() - 1)],
        };
        painter.put(x, base.saturating_sub(row).max(1), sign, role, 1);
    }
}

fn marks(painter: &mut Painter<'_>, watch: &Watch, points: &[&Point], y: u16) {
    for mark in &watch.marks {
        let at = mark.at.as_microsecond();
        let Some(index) = points.iter().position(|point| point.at() >= at - 1_000_000) else {
            continue;
        };
        let (sign, role) = match mark.kind {
            MarkKind::Verdict => ("!", Role::Bad),
            MarkKind::Page => ("?", Role::Unknown),
            MarkKind::Deployment => ("D", Role::Accent),
            MarkKind::Decision => ("*", Role::Accent),
        };
        painter.put(SCALE + u16::try_from(index).unwrap_or(0), y, sign, role, 1);
    }
}

fn times(painter: &mut Painter<'_>, points: &[&Point], cx: &Cx<'_>, y: u16) {
    let mut row = Row::new();
    for (index, point) in points.iter().enumerate().step_by(12) {
        if let Some(at) = time(point.at()) {
            row = row.at(
                SCALE + u16::try_from(index).unwrap_or(0),
                cx.now.clock(at),
                Role::Muted,
            );
        }
    }
    painter.row(y, &row);
}
