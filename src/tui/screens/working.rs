//! What every screen with a long operation says and offers while it runs: pause, stop, how much is safe, the log's tail.

use super::detail;
use crate::engine::Capability;
use crate::engine::command::Command as Order;
use crate::engine::journey;
use crate::engine::operation::Progress;
use crate::engine::snapshot::{Activity, Step};
use crate::engine::text::{count, inert};
use crate::engine::views::Mode;
use crate::tui::app::context::{Cx, Effect, Handled, Purpose};
use crate::tui::clock::about;
use crate::tui::keymap::{Action, Command};
use crate::tui::overlays::choice::{Choice, Consequence};
use crate::tui::paint::{Row, keep};
use crate::tui::style::Role;
use crate::tui::text;
use crate::tui::widgets::frame::News;

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

/// A failure or a stop: what, and what to do.
pub fn ended_badly(step: &Step, safe: &str, cx: &Cx<'_>, width: u16) -> Vec<Row> {
    use super::detail::labelled;
    use crate::tui::widgets::mark::Mark;
    let failure = step.error.as_ref().filter(|_| step.activity == Activity::Failed);
    let (mark, what) = if let Some(error) = failure {
        (Mark::Failed, format!("{}.", text::sentence(&error.message)))
    } else {
        let why = step.note.as_deref().unwrap_or("it did not come to its end");
        (Mark::Paused, format!("Stopped: {}.", inert(why)))
    };
    let mut rows = Vec::new();
    let lines = text::wrap(&what, usize::from(width.saturating_sub(4)).max(1));
    for (index, line) in lines.into_iter().enumerate() {
        let sign = if index == 0 {
            mark.glyph(cx.look.glyphs)
        } else {
            ""
        };
        rows.push(
            Row::new()
                .at(1, sign, mark.role())
                .at(3, line, mark.role())
                .keep(keep::ALWAYS),
        );
    }
    rows.extend(labelled("Safe", safe, 14, width, Role::Text, keep::FIGURE));
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

/// `34.2 of 48.2 GB`, or both with their units.
pub fn bytes_of(done: u64, total: u64) -> String {
    let (done, total) = (text::bytes(done), text::bytes(total));
    let unit = |said: &str| said.split_once(' ').map(|(_, unit)| unit.to_owned());
    match done.split_once(' ') {
        Some((figure, same)) if unit(&total).as_deref() == Some(same) => format!("{figure} of {total}"),
        _ => format!("{done} of {total}"),
    }
}
