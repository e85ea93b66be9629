//! How the screen is drawn: paired bars for each task, then speed-up, success and resources over all pairs, then the sentence.

use ratatui::layout::Rect;

use super::model::{seconds, settings, side_words};
use super::{Compare, STEP, activity, locked, wanted, working};
use crate::engine::compare::summary::{Resources, TaskFigures};
use crate::engine::compare::{Pair, Side, Summary};
use crate::engine::snapshot::Activity;
use crate::engine::text::{inert, plural};
use crate::tui::app::context::Cx;
use crate::tui::clock::about;
use crate::tui::layout::Density;
use crate::tui::paint::{Painter, Row, keep};
use crate::tui::screens::detail::{labelled, prose};
use crate::tui::style::Role;
use crate::tui::text;
use crate::tui::widgets::bar::{self, Bar};
use crate::tui::widgets::frame::News;
use crate::tui::widgets::list::cursor;

/// Where names of sides begin.
const SIDE: u16 = 18;
/// Where bars begin.
const BARS: u16 = 25;

pub(super) fn news(screen: &Compare, cx: &Cx<'_>) -> News {
    let activity = activity(cx);
    if activity == Activity::Idle
        && let Some(locked) = locked(cx)
    {
        return working::locked_news(&locked, "R works");
    }
    if screen.asked.is_some() {
        return News::new(
            "The plan is being made: tasks are read, MAOS is asked what it can do.",
            "wait",
        );
    }
    let step = cx.step(STEP);
    let summary = screen.model.summary.as_ref();
    let run = summary.map_or(0, |summary| summary.run);
    let safe = format!("{} kept.", plural(run, "pair is", "pairs are"));
    match activity {
        Activity::Idle => match cx.held() {
            Some(held) => News::new(held, "look around; R works").role(Role::Warn),
            None => News::new(
                "Not run yet. Nothing is sent before the dialog.",
                "n shows the plan",
            ),
        },
        Activity::Running => {
            let planned = summary.map_or(0, |summary| summary.planned);
            News::new(
                format!("{} run.", plural(run, "pair", "pairs")),
                format!(
                    "the recommendation is final at {}",
                    plural(planned, "pair", "pairs")
                ),
            )
        }
        Activity::Paused => {
            let who = step.and_then(|step| step.note.clone()).unwrap_or_default();
            News::new(format!("Paused by {who}. {safe}"), "p goes on").role(Role::Warn)
        }
        Activity::Stopping => {
            News::new("Stopping; the pair under way is run again later.", "wait").role(Role::Warn)
        }
        Activity::Stopped => News::new(format!("Stopped. {safe}"), "n runs the rest").role(Role::Warn),
        Activity::Failed => working::failed_news(cx, STEP, ""),
        Activity::Done | Activity::DoneWithQuarantine => {
            let said = summary.map_or_else(String::new, |summary| match summary.speedup {
                Some(spread) => format!(
                    "{} compared, median {:.1}×.",
                    plural(summary.compared, "pair", "pairs"),
                    spread.median
                ),
                None => "No pair is compared.".to_owned(),
            });
            let next = working::goes_on(cx, STEP);
            News::new(said, next).role(Role::Ok)
        }
    }
}

pub(super) fn render(screen: &mut Compare, painter: &mut Painter<'_>, cx: &Cx<'_>) {
    let (width, height) = (painter.width(), painter.height());
    let Some(summary) = screen.model.summary.as_ref().filter(|summary| summary.run > 0) else {
        painter.rows(&before(screen, cx, width));
        return;
    };
    screen.list.cursor = screen.list.cursor.min(screen.model.order.len().saturating_sub(1));
    if screen.open
        && let Some(task) = screen
            .model
            .order
            .get(screen.list.cursor)
            .map(|at| &summary.tasks[*at])
    {
        painter.rows(&one_task(screen, task, cx, width));
        return;
    }
    screen.open = false;
    let mut below = figures(summary, cx, width);
    let head = head(screen, summary, cx, width);
    if cx.density == Density::Tiny {
        let mut rows: Vec<Row> = below.into_iter().filter(Row::is_fixed).collect();
        rows.extend(verdict(screen, summary, cx, width));
        painter.rows(&rows);
        return;
    }
    below.extend(verdict(screen, summary, cx, width));
    let cells = |n: usize| u16::try_from(n).unwrap_or(u16::MAX);
    let each: u16 = if cx.density <= Density::Normal { 2 } else { 1 };
    let tasks = cells(screen.model.order.len());
    let heading = cells(head.len()) + 1;
    // The figures keep what they need; the list takes the rest, at least two tasks of it.
    let least = (tasks * each).min(2 * each);
    let bottom = cells(below.len()).min(height.saturating_sub(heading + least));
    let room = height.saturating_sub(heading + bottom);
    let shown = (room / each).min(tasks);
    painter
        .part(Rect::new(0, 0, width, cells(head.len())))
        .rows(&head);
    let (summary, longest) = (summary.clone(), screen.model.longest());
    screen.list.settle(usize::from(tasks), usize::from(shown));
    let row = Row::new()
        .at(1, "Task", Role::Muted)
        .number(SIDE - 2, "n", Role::Muted);
    let row = if cx.density <= Density::Normal {
        let (at, ends) = columns(width);
        row.number(ends, "median", Role::Muted)
            .at(at, "speed-up", Role::Muted)
    } else {
        row.at(SIDE, "legacy", Role::Muted)
            .at(28, "MAOS", Role::Muted)
            .at(38, "speed-up", Role::Muted)
    };
    let position = screen.list.position(usize::from(tasks));
    painter.row(heading - 1, &row.right(1, position, Role::Muted));
    let (simulated, _) = screen.model.rehearsal();
    for (line, index) in (0..shown).zip(screen.list.top..) {
        let Some(task) = screen.model.order.get(index).map(|at| &summary.tasks[*at]) else {
            break;
        };
        let here = index == screen.list.cursor;
        let y = heading + line * each;
        if each == 2 {
            for (offset, row) in (0..).zip(bars(task, longest, simulated, here, painter, width)) {
                painter.row(y + offset, &row);
            }
        } else {
            painter.row(y, &flat(task, simulated, here, painter));
        }
    }
    let used = heading + shown * each;
    let left = height.saturating_sub(used);
    let mut rest = below;
    let spare = usize::from(left).saturating_sub(rest.len());
    if spare > 4 && cx.density <= Density::Rail {
        rest.push(Row::rule());
        rest.extend(working::log_tail(cx, STEP, (spare - 2).min(14)));
    }
    painter.part(Rect::new(0, used, width, left)).rows(&rest);
}

/// Where the speed-up stands, and where the seconds end.
fn columns(width: u16) -> (u16, u16) {
    let bar = bar_width(width);
    (BARS + bar + 12, BARS + bar + 9)
}

fn bar_width(width: u16) -> u16 {
    width.saturating_sub(BARS + 30).clamp(8, 60)
}

/// What stands there before the first pair has ended.
fn before(screen: &Compare, cx: &Cx<'_>, width: u16) -> Vec<Row> {
    let mut rows = Vec::new();
    let activity = activity(cx);
    if let Some(step) = cx.step(STEP)
        && matches!(activity, Activity::Failed | Activity::Stopped)
    {
        rows.extend(working::ended_badly(step, "No pair has ended.", cx, width));
        rows.push(Row::blank());
    } else if let Some(locked) = locked(cx).filter(|_| activity == Activity::Idle) {
        rows.extend(prose(
            &format!("Locked: {}", locked.sentence),
            width,
            Role::Warn,
            keep::ALWAYS,
        ));
        rows.push(Row::blank());
    }
    if let Some((title, text)) = screen.model.running.as_ref().filter(|_| activity.is_active()) {
        rows.push(
            Row::new()
                .at(1, cx.spinner(), Role::Accent)
                .at(3, format!("{} {}", inert(title), inert(text)), Role::Text)
                .keep(keep::ALWAYS),
        );
        rows.push(Row::blank());
    }
    let (tasks, repeats, deadline) = wanted(cx);
    let mut line = |label: &str, value: &str, role, kept| {
        rows.extend(labelled(label, value, 14, width, role, kept));
    };
    line(
        "What",
        &format!(
            "the first {tasks} converted tasks × {repeats} repeats on both systems, order alternated, deadline {deadline} s"
        ),
        Role::Text,
        keep::FIGURE,
    );
    line(
        "Says",
        "how many times faster MAOS is, over pairs that succeeded on both sides, with an interval",
        Role::Text,
        keep::NORMAL,
    );
    if let Some(driving) = settings(cx) {
        let legacy = match (&driving.legacy.run_url, driving.legacy.run.is_empty()) {
            (_, false) => inert(&driving.legacy.run.join(" ")),
            // An address may hold a password.
            (Some(_), true) => "an HTTP call (legacy.run_url)".to_owned(),
            (None, true) => "no command".to_owned(),
        };
        line("Legacy", &legacy, Role::Text, keep::NORMAL);
        let quality = if driving.compare.quality.is_empty() {
            "not measured: no check command (compare.quality)".to_owned()
        } else {
            format!("checked by {}", inert(&driving.compare.quality.join(" ")))
        };
        line("Quality", &quality, Role::Muted, keep::EXTRA);
        line(
            "Needs",
            &format!(
                "{} that succeeded on both sides for a recommendation",
                plural(driving.compare.minimum_pairs as u64, "pair", "pairs")
            ),
            Role::Muted,
            keep::EXTRA,
        );
    }
    rows.push(Row::blank());
    rows.extend(prose(
        "Both systems really do the tasks. Choose tasks whose work may be done more than once.",
        width,
        Role::Warn,
        keep::FIGURE,
    ));
    rows.push(Row::blank());
    rows.extend(working::log_tail(cx, STEP, 12));
    rows
}

fn head(screen: &Compare, summary: &Summary, cx: &Cx<'_>, width: u16) -> Vec<Row> {
    let mut rows = Vec::new();
    if let Some(step) = cx.step(STEP)
        && matches!(step.activity, Activity::Failed | Activity::Stopped)
    {
        let safe = format!(
            "{} kept and not run again.",
            plural(summary.run, "pair is", "pairs are")
        );
        rows.extend(working::ended_badly(step, &safe, cx, width));
    }
    let (_, repeats, deadline) = wanted(cx);
    let said = format!(
        "{} × {repeats} repeats, order alternated, deadline {deadline} s",
        plural(summary.planned.div_ceil(repeats.max(1) as u64), "task", "tasks")
    );
    let mut row = Row::prose(said, Role::Text);
    if let Some(left) = left(summary, cx) {
        row = row.right(1, left, Role::Muted);
    }
    rows.push(row.keep(keep::NORMAL));
    if let Some((title, text)) = screen.model.running.as_ref().filter(|_| activity(cx).is_active()) {
        rows.push(
            Row::new()
                .at(1, cx.look.glyphs.running, Role::Accent)
                .at(3, format!("{} {}", inert(title), inert(text)), Role::Accent)
                .keep(keep::EXTRA),
        );
    }
    rows
}

/// `about 9 min left`, once enough has run to say so.
fn left(summary: &Summary, cx: &Cx<'_>) -> Option<String> {
    let step = cx.step(STEP).filter(|step| step.activity == Activity::Running)?;
    let elapsed = step.progress.as_ref()?.elapsed_s;
    if summary.run < 3 || elapsed < 5.0 {
        return None;
    }
    #[expect(clippy::cast_precision_loss, reason = "an estimate for people")]
    let left = elapsed / summary.run as f64 * summary.planned.saturating_sub(summary.run) as f64;
    Some(format!("{} left", about(left)))
}

/// A task's two bars.
fn bars(
    task: &TaskFigures,
    longest: f64,
    simulated: bool,
    here: bool,
    painter: &Painter<'_>,
    width: u16,
) -> [Row; 2] {
    let glyphs = painter.glyphs();
    let (at, ends) = columns(width);
    let (sign, sign_role) = cursor(painter, here);
    let bar = |row: Row, value: Option<f64>, role: Role| {
        let share = value.filter(|_| longest > 0.0).map(|value| value / longest);
        bar::onto(
            row,
            BARS,
            glyphs,
            Bar { share, limit: None },
            bar_width(width),
            role,
        )
    };
    let number = |row: Row, value: Option<f64>| {
        let words = value.map_or_else(|| "?".to_owned(), seconds);
        row.number(ends, words, Role::Text)
    };
    let legacy = Row::new()
        .at(1, sign, sign_role)
        .at(3, inert(&task.task), Role::Text)
        .middle(SIDE - 7)
        .number(SIDE - 2, task.pairs.to_string(), Role::Muted)
        .at(SIDE, "legacy", Role::Muted);
    let maos = Row::new().at(SIDE, "MAOS", Role::Muted);
    let failed = |rate: crate::engine::compare::statistics::Rate| {
        (rate.succeeded < rate.run).then(|| {
            format!(
                "{} {} of {} failed",
                glyphs.failed,
                rate.run - rate.succeeded,
                rate.run
            )
        })
    };
    // Where nothing could be compared, the reason stands in the place of the bar.
    let side = |row: Row, value: Option<f64>, rate, role| match (value, failed(rate)) {
        (None, Some(why)) => row.at(BARS, why, Role::Bad),
        (value, why) => {
            let row = number(bar(row, value, role), value);
            match why {
                Some(why) => row.right(1, why, Role::Bad),
                None => row,
            }
        }
    };
    let legacy = side(legacy, task.legacy_s, task.legacy, Role::Muted).selected(here);
    let maos = side(maos, task.maos_s, task.maos, Role::Accent);
    let maos = match task.speedup {
        Some(speedup) => {
            let role = if speedup >= 1.0 { Role::Ok } else { Role::Bad };
            maos.at(at, format!("{speedup:.1}×"), role)
        }
        None => maos.at(at, "not compared", Role::Warn),
    };
    let maos = if simulated && task.maos.succeeded == task.maos.run {
        maos.right(1, "simulated", Role::Unknown)
    } else {
        maos
    };
    [legacy, maos]
}

/// A task in one line, where there is no room for bars.
fn flat(task: &TaskFigures, simulated: bool, here: bool, painter: &Painter<'_>) -> Row {
    let (sign, role) = cursor(painter, here);
    let words = |value: Option<f64>| value.map_or_else(|| "?".to_owned(), seconds);
    let speedup = task
        .speedup
        .map_or_else(|| "not compared".to_owned(), |speedup| format!("{speedup:.1}×"));
    let row = Row::new()
        .at(1, sign, role)
        .at(3, inert(&task.task), Role::Text)
        .middle(SIDE - 7)
        .number(SIDE - 2, task.pairs.to_string(), Role::Muted)
        .at(SIDE, words(task.legacy_s), Role::Text)
        .at(28, words(task.maos_s), Role::Text)
        .at(
            38,
            speedup,
            if task.speedup.is_some() {
                Role::Ok
            } else {
                Role::Warn
            },
        )
        .selected(here);
    if simulated {
        row.right(1, "simulated", Role::Unknown)
    } else {
        row
    }
}

/// Speed-up over all pairs with its distribution, success, efficiency, resources.
fn figures(summary: &Summary, cx: &Cx<'_>, width: u16) -> Vec<Row> {
    let glyphs = cx.look.glyphs;
    let mut rows = Vec::new();
    let median = summary
        .speedup
        .map_or_else(|| "?".to_owned(), |spread| format!("{:.1}×", spread.median));
    let interval = match summary.speedup.map(|spread| (spread, spread.interval)) {
        Some((_, Some((low, high)))) => format!("95 % interval {low:.1} to {high:.1}"),
        Some((spread, None)) => format!("from {:.1} to {:.1}, no interval", spread.least, spread.most),
        None => "no pair is compared".to_owned(),
    };
    let n = plural(summary.compared, "pair", "pairs");
    let row = if width >= 70 {
        Row::new()
            .at(1, format!("Speed-up, n {n}"), Role::Muted)
            .at(25, "median", Role::Muted)
            .at(32, median, Role::Critical)
            .at(40, interval, Role::Text)
    } else {
        Row::new().at(1, format!("Speed-up {median}, n {n}, {interval}"), Role::Critical)
    };
    rows.push(row.keep(keep::ALWAYS));
    let most = summary.histogram.iter().copied().max().unwrap_or(0).max(1);
    let rate = |rate: crate::engine::compare::statistics::Rate| {
        let share = rate.share().map_or_else(String::new, |share| {
            format!("{:>6.1} %", (share * 1000.0).floor() / 10.0)
        });
        format!("{:>3} of {:<3} {share}", rate.succeeded, rate.run)
    };
    let efficiency = summary.efficiency.map_or_else(
        || "not reported by MAOS".to_owned(),
        |(mean, n)| format!("{mean:.2}, as reported by MAOS, n {n}"),
    );
    let agents = summary.agents.map_or_else(
        || "not reported by MAOS".to_owned(),
        |(mean, most, _)| format!("{mean:.1} on average, {most} most, reported"),
    );
    let right: [(&str, String); 4] = [
        ("Success    legacy", rate(summary.legacy)),
        ("           MAOS  ", rate(summary.maos)),
        ("Efficiency", efficiency),
        ("Agents", agents),
    ];
    for (index, (bin, n)) in ["<1×", "1-2×", "2-3×", ">3×"]
        .into_iter()
        .zip(summary.histogram)
        .enumerate()
    {
        let mut row = Row::new().number(7, bin, Role::Muted);
        if width >= 70 {
            let share = Bar::of(n, most);
            let role = if index == 0 { Role::Bad } else { Role::Accent };
            row = bar::onto(row, 8, glyphs, share, 17, role).number(29, n.to_string(), Role::Text);
            let (label, value) = &right[index];
            row = row
                .at(34, *label, Role::Muted)
                .then(" ", Role::Text)
                .then(value.clone(), Role::Text);
        } else {
            row = row.number(12, n.to_string(), Role::Text);
        }
        rows.push(row.keep(keep::NORMAL));
    }
    if width < 70 {
        let said = format!(
            "Success  legacy {}   MAOS {}",
            rate(summary.legacy).trim(),
            rate(summary.maos).trim()
        );
        rows.push(Row::prose(said, Role::Text).keep(keep::ALWAYS));
    }
    let used = |used: Option<Resources>| {
        used.map_or_else(
            || "not measured".to_owned(),
            |used| format!("{:.1} cores, {}", used.cores, text::bytes(used.peak_bytes)),
        )
    };
    let measured = format!(
        "legacy {} · MAOS {}",
        used(summary.legacy_used),
        used(summary.maos_used)
    );
    rows.extend(labelled(
        "Resources",
        &measured,
        12,
        width,
        Role::Text,
        keep::EXTRA,
    ));
    if let Some(quality) = summary.quality {
        let said = format!(
            "{} of {} the same by the check command",
            quality.succeeded, quality.run
        );
        rows.extend(labelled("Quality", &said, 12, width, Role::Text, keep::EXTRA));
    }
    for sentence in summary.left_out() {
        rows.extend(prose(&sentence, width, Role::Warn, keep::EXTRA));
    }
    rows
}

/// The guide's sentence, and what weakens it.
fn verdict(screen: &Compare, summary: &Summary, cx: &Cx<'_>, width: u16) -> Vec<Row> {
    let lead = match (screen.model.rehearsal().1, activity(cx).is_done()) {
        (true, true) => "REHEARSAL: ",
        (true, false) => "REHEARSAL, so far: ",
        (false, true) => "",
        (false, false) => "So far: ",
    };
    let role = match summary.recommendation.sentence() {
        Some(_) => Role::Critical,
        None => Role::Warn,
    };
    let mut rows = prose(
        &format!("{lead}{}", summary.sentence()),
        width,
        role,
        keep::ALWAYS,
    );
    if let Some(caution) = summary.caution() {
        rows.extend(prose(&caution, width, Role::Warn, keep::FIGURE));
    }
    rows
}

/// Every pair of one task.
fn one_task(screen: &Compare, task: &TaskFigures, cx: &Cx<'_>, width: u16) -> Vec<Row> {
    let words = |value: Option<f64>| value.map_or_else(|| "?".to_owned(), seconds);
    let mut rows = vec![
        Row::new()
            .at(1, inert(&task.task), Role::Critical)
            .keep(keep::ALWAYS),
        Row::new()
            .at(1, format!("median legacy {}", words(task.legacy_s)), Role::Text)
            .at(28, format!("MAOS {}", words(task.maos_s)), Role::Text)
            .at(
                46,
                task.speedup
                    .map_or_else(|| "not compared".to_owned(), |s| format!("{s:.2}×")),
                Role::Text,
            )
            .keep(keep::FIGURE),
        Row::blank(),
        Row::new()
            .at(3, "Run", Role::Muted)
            .at(8, "first", Role::Muted)
            .at(17, "legacy", Role::Muted)
            .at(28, "MAOS", Role::Muted)
            .at(39, "speed-up", Role::Muted)
            .at(50, "MAOS id", Role::Muted),
    ];
    for pair in screen.model.of_task(&task.task) {
        rows.extend(one_pair(pair, cx, width));
    }
    rows
}

fn one_pair(pair: &Pair, cx: &Cx<'_>, width: u16) -> Vec<Row> {
    let glyphs = cx.look.glyphs;
    let (sign, role) = match (pair.ended(), pair.speedup()) {
        (false, _) => (glyphs.running, Role::Accent),
        (true, Some(_)) => (glyphs.done, Role::Ok),
        (true, None) => (glyphs.failed, Role::Bad),
    };
    let speedup = pair
        .speedup()
        .map_or_else(String::new, |speedup| format!("{speedup:.2}×"));
    let id = pair
        .maos
        .as_ref()
        .and_then(|run| run.id.clone())
        .unwrap_or_default();
    let mut rows = vec![
        Row::new()
            .at(1, sign, role)
            .at(3, pair.repeat.to_string(), Role::Text)
            .at(8, pair.first.title(), Role::Muted)
            .at(17, side_words(pair, Side::Legacy), Role::Text)
            .at(28, side_words(pair, Side::Maos), Role::Text)
            .at(39, speedup, Role::Text)
            .at(50, inert(&id), Role::Muted)
            .keep(keep::FIGURE),
    ];
    for side in [Side::Legacy, Side::Maos] {
        if let Some(run) = pair.side(side).filter(|run| !run.succeeded()) {
            let said = format!("{}: {}", side.title(), inert(&run.why));
            rows.extend(labelled("", &said, 8, width, Role::Bad, keep::NORMAL));
        }
    }
    if let Some(run) = pair
        .maos
        .as_ref()
        .filter(|run| run.uncertainty_s > 0.0 && run.succeeded())
    {
        let agents = run.agents.map_or_else(String::new, |agents| {
            format!(", {} as reported", plural(u64::from(agents), "agent", "agents"))
        });
        let said = format!("MAOS time known to {:.0} ms{agents}", run.uncertainty_s * 1000.0);
        rows.extend(labelled("", &said, 8, width, Role::Muted, keep::EXTRA));
    }
    if pair.simulated {
        rows.extend(labelled(
            "",
            "simulated duration",
            8,
            width,
            Role::Unknown,
            keep::NORMAL,
        ));
    }
    rows
}
