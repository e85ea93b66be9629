//! What every screen with a long operation says and offers while it runs: pause, stop, how much is safe, the log's tail.

use std::collections::BTreeMap;

use super::detail::{self, labelled};
use crate::engine::Capability;
use crate::engine::command::Command as Order;
use crate::engine::journey;
use crate::engine::operation::{Outcome, Progress};
use crate::engine::snapshot::{Activity, Step};
use crate::engine::text::{count, inert};
use crate::engine::views::Mode;
use crate::tui::app::context::{Cx, Effect, Handled, Purpose};
use crate::tui::clock::about;
use crate::tui::keymap::{Action, Command};
use crate::tui::layout::Density;
use crate::tui::overlays::choice::{Choice, Consequence};
use crate::tui::paint::{Row, keep};
use crate::tui::style::Role;
use crate::tui::text;
use crate::tui::widgets::frame::News;
use crate::tui::widgets::mark::Mark;

/// Why a step that has run, but not to its end, cannot be run anew: `n` goes on with it.
pub const UNFINISHED: &str = "It has not come to its end.";

/// Why a step whose run is not done cannot be run anew.
pub const NOT_RUN: &str = "It has not run.";

/// Why the step cannot be entered.
pub fn locked(cx: &Cx<'_>, capability: Capability) -> Option<journey::Locked> {
    journey::gate(cx.snapshot, capability).err()
}

/// Whether this session may ask the engine to read the world; a watcher may not.
pub fn reads(cx: &Cx<'_>) -> bool {
    matches!(cx.views.mode, Mode::Operating)
}

/// Why nothing can be applied now: locked, held, or something runs.
pub fn off(cx: &Cx<'_>, capability: Capability) -> Option<String> {
    locked(cx, capability)
        .map(|locked| format!("Locked: {}", locked.sentence))
        .or_else(|| cx.held())
        .or_else(|| {
            cx.snapshot
                .active()
                .map(|running| format!("{} is running.", running.title()))
        })
}

/// Why the world cannot be read anew: the gate, a session that only watches, a reading under way (said by `reading`), or the run
/// (said by `running`).
pub fn off_reading(
    cx: &Cx<'_>,
    capability: Capability,
    reading: Option<&str>,
    running: &str,
) -> Option<String> {
    if let Some(locked) = locked(cx, capability) {
        return Some(format!("Locked: {}", locked.sentence));
    }
    if !reads(cx) {
        return cx.held();
    }
    reading
        .or_else(|| cx.snapshot.activity(capability).is_active().then_some(running))
        .map(str::to_owned)
}

/// The right side of the title: how fresh the figures are while the step is under way, else when it ended.
pub fn age(cx: &Cx<'_>, capability: Capability) -> String {
    if cx.snapshot.activity(capability).is_active() {
        fresh(cx)
    } else {
        ended(cx, capability)
    }
}

/// How old the figures of a run under way are. Progress carries no time of its own; the journal's last event is as fresh.
pub fn fresh(cx: &Cx<'_>) -> String {
    cx.snapshot.at.map_or_else(String::new, |at| cx.old(at))
}

/// When the step's last run ended; empty before its first end.
pub fn ended(cx: &Cx<'_>, capability: Capability) -> String {
    cx.step(capability)
        .and_then(|step| step.ended)
        .map_or_else(String::new, |at| cx.ago(at))
}

/// `120 = 118 + 2`: source, converted, quarantined; `None` while there is no outcome.
pub fn accounted(step: Option<&Step>) -> Option<String> {
    step.and_then(|step| step.outcome.as_ref()).map(|outcome| {
        format!(
            "{} = {} + {}",
            count(outcome.source),
            count(outcome.converted),
            count(outcome.quarantined)
        )
    })
}

/// `741 of 1,204 rows are finished.`
pub fn so_far(step: Option<&Step>) -> String {
    match step.and_then(|step| step.progress.as_ref()) {
        Some(progress) => {
            let total = progress
                .total
                .map_or_else(String::new, |total| format!(" of {}", count(total)));
            format!("{}{total} {} are finished.", count(progress.done), progress.unit)
        }
        None => "Nothing is finished yet.".to_owned(),
    }
}

/// Pause and stop, for a step whose operation is under way.
pub fn commands(cx: &Cx<'_>, activity: Activity) -> [Command; 2] {
    let held = cx.held();
    let pause = if activity == Activity::Paused {
        "go on"
    } else {
        "pause"
    };
    let stopping = (activity == Activity::Stopping).then(|| "It is stopping already.".to_owned());
    [
        Command::new(Action::Pause, pause)
            .about("pause at the next safe point, or go on")
            .off(held.clone().or(stopping)),
        Command::new(Action::Stop, "stop")
            .about("stop at the next safe point; asks first")
            .off(held),
    ]
}

/// What the list of commands begins with: `n`; while the step is under way pause and stop before it, and `n` out of the hint bar.
pub fn first_commands(cx: &Cx<'_>, capability: Capability, next: Command) -> Vec<Command> {
    let activity = cx.snapshot.activity(capability);
    if !activity.is_active() {
        return vec![next];
    }
    let mut first = Vec::from(commands(cx, activity));
    first.push(next.quiet());
    first
}

/// Runs the step anew; off with `unfinished` before it is done, and with what `off` says then.
pub fn again(
    cx: &Cx<'_>,
    capability: Capability,
    about: &'static str,
    unfinished: &str,
    off: impl FnOnce() -> Option<String>,
) -> Command {
    let off = if cx.snapshot.activity(capability).is_done() {
        off()
    } else {
        Some(unfinished.to_owned())
    };
    Command::new(Action::TryAgain, "run again").about(about).off(off)
}

/// The command of a locked step: go to the one that opens it.
pub fn unlock(locked: &journey::Locked) -> Command {
    let goes = locked
        .goes_to
        .map_or_else(String::new, |step| step.title().to_lowercase());
    let off = locked.goes_to.is_none().then(|| locked.sentence.clone());
    Command::new(Action::Next, goes)
        .about("go to the step that opens this one")
        .off(off)
}

/// What `n` is where every such screen says the same: off while the step is under way, the step after it when it is done, the one
/// that opens it while it is locked. `None`: the screen itself says.
pub fn next_command(cx: &Cx<'_>, capability: Capability, unfinished: &str) -> Option<Command> {
    let activity = cx.snapshot.activity(capability);
    if activity.is_active() {
        let label = detail::onward(cx, capability).1.label;
        return Some(Command::new(Action::Next, label).off(Some(unfinished.to_owned())));
    }
    if activity.is_done() {
        return Some(detail::onward(cx, capability).1);
    }
    locked(cx, capability).map(|locked| unlock(&locked))
}

/// What `n` does when the step is done or locked. `None`: the screen itself does something.
pub fn next(cx: &Cx<'_>, capability: Capability) -> Option<Handled> {
    let goes = if cx.snapshot.activity(capability).is_done() {
        detail::onward(cx, capability).0
    } else {
        locked(cx, capability)?.goes_to
    };
    Some(goes.map_or_else(Handled::done, |step| Handled::one(Effect::Go(step))))
}

/// What the now line says of a locked step that has not run; `elsewhere` where no step opens it.
pub fn locked_news(locked: &journey::Locked, elsewhere: &str) -> News {
    let next = locked.goes_to.map_or_else(
        || elsewhere.to_owned(),
        |step| format!("n goes to {}", step.title()),
    );
    News::new(format!("Locked: {}", locked.sentence), next).role(Role::Warn)
}

/// What the now line says of a run that failed; `safe` follows the cause, `; 3 chunks are safe`, or is empty.
pub fn failed_news(cx: &Cx<'_>, capability: Capability, safe: &str) -> News {
    let error = cx.step(capability).and_then(|step| step.error.as_ref());
    let what = error.map_or_else(String::new, |error| text::sentence(&error.message));
    let next = error
        .and_then(|error| error.hint.clone())
        .unwrap_or_else(|| "n goes on from there".to_owned());
    let what = what.trim_end_matches('.');
    News::new(format!("{} {what}{safe}.", cx.look.glyphs.failed), next).role(Role::Bad)
}

/// `n compare`: where `n` goes from a step that is done; empty after the last one.
pub fn goes_on(cx: &Cx<'_>, capability: Capability) -> String {
    detail::onward(cx, capability)
        .0
        .map_or_else(String::new, |next| format!("n {}", next.title().to_lowercase()))
}

/// Asks for the plan that the dialog shows.
pub fn confirm(capability: Capability, verb: &str) -> Handled {
    let order = Order::Plan {
        capability,
        verb: verb.to_owned(),
    };
    Handled::one(Effect::Ask(Purpose::Confirm(capability), order))
}

/// Pause and stop as keys; [`Handled::No`] for anything else.
pub fn act(action: Action, cx: &Cx<'_>, capability: Capability) -> Handled {
    let activity = cx.snapshot.activity(capability);
    match action {
        Action::Pause if activity == Activity::Paused => Handled::one(Effect::Send(Order::Resume)),
        Action::Pause => Handled::one(Effect::Send(Order::Pause)),
        Action::Stop if activity == Activity::Stopping => {
            let running = cx
                .step(capability)
                .and_then(|step| step.progress.as_ref())
                .map(|progress| progress.running.join(", "))
                .filter(|running| !running.is_empty());
            let what = running.map_or_else(
                || "It waits for its next safe point.".to_owned(),
                |running| format!("It waits for: {running}."),
            );
            Handled::one(Effect::Say(News::new(what, "")))
        }
        Action::Stop => Handled::one(stop_question(cx, capability)),
        _ => Handled::No,
    }
}

fn stop_question(cx: &Cx<'_>, capability: Capability) -> Effect {
    let title = capability.title();
    Effect::Open(Box::new(Choice::new(
        format!("Stop {title}?"),
        vec![
            (
                "It ends at its next safe point. What is finished stays finished and is not done again."
                    .to_owned(),
                Role::Text,
            ),
            (so_far(cx.step(capability)), Role::Muted),
        ],
        vec![
            ("Go on".to_owned(), Consequence::Nothing),
            (
                format!("Stop {title} at its next safe point"),
                Consequence::Send(Order::Stop),
            ),
        ],
        cx.now.mono,
    )))
}

/// The last lines of the step's log, newest first, under a heading.
pub fn log_tail(cx: &Cx<'_>, capability: Capability, most: usize) -> Vec<Row> {
    let tail: Vec<_> = cx
        .snapshot
        .log
        .iter()
        .rev()
        .filter(|line| line.capability == Some(capability))
        .take(most)
        .collect();
    if tail.is_empty() || most == 0 {
        return Vec::new();
    }
    let mut rows = vec![
        Row::new()
            .at(1, "Log", Role::Muted)
            .right(1, "L full log", Role::Muted)
            .keep(keep::EXTRA),
    ];
    rows.extend(tail.into_iter().map(|line| {
        Row::new()
            .at(3, cx.now.clock_seconds(line.at), Role::Muted)
            .at(13, line.text.clone(), Role::Text)
            .keep(keep::EXTRA)
    }));
    rows
}

/// Puts the log's tail below `rows` where the pane has room to spare, `most` lines at the most.
pub fn fill_with_log(rows: &mut Vec<Row>, cx: &Cx<'_>, capability: Capability, height: u16, most: usize) {
    let spare = usize::from(height).saturating_sub(rows.len() + 1);
    if spare <= 3 || cx.density > Density::Rail {
        return;
    }
    let tail = log_tail(cx, capability, spare.saturating_sub(2).min(most));
    if !tail.is_empty() {
        rows.push(Row::rule());
        rows.extend(tail);
    }
}

/// Takes the rows above `top` away, and keeps `top` where the last row is still at the bottom.
pub fn scroll(rows: &mut Vec<Row>, top: &mut usize, height: u16) {
    *top = (*top).min(rows.len().saturating_sub(usize::from(height)));
    rows.drain(..*top);
}

/// What was set aside, by reason, the most frequent first; the first `kept` reasons stay when room is short.
pub fn set_aside(step: &Step, heading: String, kept: usize, width: u16) -> Vec<Row> {
    if step.quarantine.is_empty() {
        return Vec::new();
    }
    let mut reasons: BTreeMap<&str, (u64, &str)> = BTreeMap::new();
    for item in &step.quarantine {
        reasons.entry(&item.reason).or_insert((0, &item.why)).0 += 1;
    }
    let mut reasons: Vec<_> = reasons.into_iter().collect();
    reasons.sort_by_key(|(reason, (n, _))| (std::cmp::Reverse(*n), *reason));
    let mut rows = vec![
        Row::blank(),
        Row::new()
            .at(1, heading, Role::Warn)
            .right(1, "Q shows all", Role::Muted)
            .keep(keep::NORMAL),
    ];
    rows.extend(reasons.iter().enumerate().map(|(index, (reason, (n, why)))| {
        Row::new()
            .number(8, count(*n), Role::Critical)
            .at(10, (*reason).to_owned(), Role::Warn)
            .at(30, inert(why), Role::Text)
            .max(width.saturating_sub(31))
            .keep(if index < kept { keep::NORMAL } else { keep::EXTRA })
    }));
    rows
}

/// The first row of a proof: that it holds, with `aside` (`, with rows set aside`) where something was, and when the run ended.
pub fn proved_row(step: &Step, outcome: &Outcome, aside: &'static str, cx: &Cx<'_>) -> Row {
    let (mark, aside) = if outcome.quarantined > 0 {
        (Mark::Quarantine, aside)
    } else {
        (Mark::Done, "")
    };
    let ended = step.ended.map_or_else(String::new, |at| cx.now.clock_seconds(at));
    Row::new()
        .at(1, mark.glyph(cx.look.glyphs), mark.role())
        .at(3, format!("Proved{aside}"), Role::Critical)
        .right(1, ended, Role::Muted)
        .keep(keep::FIGURE)
}

/// A failure or a stop: what, and what to do.
pub fn ended_badly(step: &Step, safe: &str, cx: &Cx<'_>, width: u16) -> Vec<Row> {
    let mut rows = why_it_ended(step, cx, width);
    rows.extend(what_now(step, safe, width));
    rows
}

/// The cause of a failure or a stop.
pub fn why_it_ended(step: &Step, cx: &Cx<'_>, width: u16) -> Vec<Row> {
    let failure = step.error.as_ref().filter(|_| step.activity == Activity::Failed);
    let (mark, what) = if let Some(error) = failure {
        (Mark::Failed, format!("{}.", text::sentence(&error.message)))
    } else {
        let why = step.note.as_deref().unwrap_or("it did not come to its end");
        (Mark::Paused, format!("Stopped: {}.", inert(why)))
    };
    text::wrap(&what, usize::from(width.saturating_sub(4)).max(1))
        .into_iter()
        .enumerate()
        .map(|(index, line)| {
            let sign = if index == 0 {
                mark.glyph(cx.look.glyphs)
            } else {
                ""
            };
            Row::new()
                .at(1, sign, mark.role())
                .at(3, line, mark.role())
                .keep(keep::ALWAYS)
        })
        .collect()
}

/// What is safe after a failure or a stop, and what to do.
pub fn what_now(step: &Step, safe: &str, width: u16) -> Vec<Row> {
    let mut rows = labelled("Safe", safe, 14, width, Role::Text, keep::FIGURE);
    let hint = step.error.as_ref().and_then(|error| error.hint.clone());
    let todo = hint.unwrap_or_else(|| "n goes on from there; nothing is done twice.".to_owned());
    rows.extend(labelled("Do", &todo, 14, width, Role::Text, keep::FIGURE));
    rows
}

/// How far a reading is: counts, bar, mean rate, time left.
pub fn reading(label: &str, progress: &Progress, cx: &Cx<'_>, width: u16) -> Vec<Row> {
    let mut rows = vec![crate::tui::widgets::progress::counted(
        label,
        progress.done,
        progress.total,
        cx.look.glyphs,
        width,
    )];
    let mut parts = Vec::new();
    if let Some(total) = progress.bytes_total {
        parts.push(bytes_of(progress.bytes, total));
    }
    #[expect(clippy::cast_precision_loss, reason = "an estimate for people")]
    let rate = (progress.elapsed_s > 1.0).then(|| progress.done as f64 / progress.elapsed_s);
    if let Some(rate) = rate.filter(|rate| *rate > 0.0) {
        let figure = crate::tui::widgets::progress::figures3(rate);
        parts.push(format!("{figure} {}/s", progress.unit));
        if let Some(total) = progress.total
            && progress.elapsed_s >= 5.0
            && progress.done.saturating_mul(100) >= total
            && progress.done < total
        {
            #[expect(clippy::cast_precision_loss, reason = "an estimate for people")]
            let left = (total - progress.done) as f64 / rate;
            parts.push(format!("{} left", about(left)));
        }
    }
    if !parts.is_empty() {
        rows.push(Row::prose(parts.join("    "), Role::Text).keep(keep::FIGURE));
    }
    rows
}

/// `3,100 of 12,480`, or the count alone.
pub fn fraction(progress: &Progress) -> String {
    progress.total.map_or_else(
        || count(progress.done),
        |total| format!("{} of {}", count(progress.done), count(total)),
    )
}

/// `hashing 34.2 of 48.2 GB`, `restoring 3 of 9 rows`.
pub fn far(progress: &Progress) -> String {
    let count = match progress.bytes_total {
        Some(total) if progress.unit == "bytes" => bytes_of(progress.bytes, total),
        _ => format!("{} {}", fraction(progress), progress.unit),
    };
    format!("{} {count}", progress.phase)
}

/// `34.2 of 48.2 GB`, or both with their units.
pub fn bytes_of(done: u64, total: u64) -> String {
    let (done, total) = (text::bytes(done), text::bytes(total));
    let unit = |said: &str| said.split_once(' ').map(|(_, unit)| unit.to_owned());
    match done.split_once(' ') {
        Some((figure, same)) if unit(&total).as_deref() == Some(same) => format!("{figure} of {total}"),
        _ => format!("{done} of {total}"),
    }
}
