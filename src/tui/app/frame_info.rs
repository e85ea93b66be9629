//! What the frame says about the migration, taken from the snapshot and the readings.

use crate::engine::Capability;
use crate::engine::item::Items;
use crate::engine::journey::{self, StepState};
use crate::engine::monitor::Watch;
use crate::engine::snapshot::{Activity, Step};
use crate::engine::text::count;
use crate::engine::views::Mode;
use crate::engine::{cutover, upgrade};
use crate::tui::app::context::Cx;
use crate::tui::screens::monitor::picture::until;
use crate::tui::style::Role;
use crate::tui::text;
use crate::tui::widgets::bar::percent;
use crate::tui::widgets::frame::{Badge, FrameInfo, Step as FrameStep};
use crate::tui::widgets::mark::Mark;

/// The frame's data for the screen of `current`; `from` is where an aside (the rollback) was opened.
#[must_use]
pub fn frame_info(cx: &Cx<'_>, current: Capability, from: Option<Capability>, unread: usize) -> FrameInfo {
    let numbered = numbered(cx);
    let aside = super::is_aside(current).then(|| {
        let from = from.unwrap_or(Capability::Start);
        let place = numbered.iter().position(|step| *step == from);
        let where_from = place.map_or_else(
            || format!("from {}", from.title()),
            |at| format!("from {}, step {} of {}", from.title(), at + 1, numbered.len()),
        );
        (current.title().to_owned(), where_from)
    });
    let environment = cx.snapshot.environment;
    // Before the settings are read nothing is known about the target, not even that it has no label.
    let opening = cx.views.mode == Mode::Opening && cx.snapshot.seq == 0;
    FrameInfo {
        workspace: if cx.snapshot.name.is_empty() {
            "migration".to_owned()
        } else {
            cx.snapshot.name.clone()
        },
        kind: cx
            .snapshot
            .migration
            .map_or_else(String::new, |kind| kind.title().to_owned()),
        environment: if opening { "OPENING" } else { environment.word() }.to_owned(),
        loud: environment.is_production() && !opening,
        badges: badges(cx),
        target: cx.snapshot.target.clone(),
        host: host(&cx.snapshot.target),
        operator: operator(cx),
        watchers: watchers(cx),
        unread,
        steps: numbered.iter().map(|capability| step(cx, *capability)).collect(),
        current: numbered.iter().position(|step| *step == current),
        goes_on: journey::left_at(cx.snapshot)
            .and_then(|(_, to)| numbered.iter().position(|step| *step == to))
            .unwrap_or(0),
        aside,
        below_rail: super::below_rail::below_rail(cx, current),
        over: false,
        pointed: None,
    }
}

/// The steps with a number: all but Start.
pub(super) fn numbered(cx: &Cx<'_>) -> Vec<Capability> {
    journey::steps(cx.snapshot.migration)
        .iter()
        .copied()
        .filter(|step| *step != Capability::Start)
        .collect()
}

fn operator(cx: &Cx<'_>) -> String {
    match &cx.views.mode {
        Mode::Watching(holder) => holder.operator.clone(),
        _ => cx
            .views
            .me
            .as_ref()
            .map_or_else(String::new, |me| me.operator.clone()),
    }
}

/// When somebody else operates, we are the one who watches.
fn watchers(cx: &Cx<'_>) -> Vec<String> {
    match (&cx.views.mode, &cx.views.me) {
        (Mode::Watching(_), Some(me)) => vec![me.operator.clone()],
        _ => Vec::new(),
    }
}

fn badges(cx: &Cx<'_>) -> Vec<Badge> {
    let badge = |word: &str, role| Badge {
        word: word.to_owned(),
        role,
    };
    let mut badges = Vec::new();
    match (&cx.views.mode, &cx.views.locked_by) {
        (Mode::Watching(_), _) => badges.push(badge("READ-ONLY", Role::Warn)),
        (_, Some(why)) if why.contains("dry") => badges.push(badge("DRY RUN", Role::Warn)),
        (_, Some(_)) => badges.push(badge("READ-ONLY", Role::Warn)),
        _ => {}
    }
    for (word, since) in [("CLOSED", closed(cx)), ("MAOS STOPPED", stopped(cx))] {
        if let Some(since) = since {
            let gap = text::duration(cx.now.seconds_since(since));
            badges.push(badge(&format!("{word} {gap}"), Role::Warn));
            cx.wake_in(std::time::Duration::from_secs(1));
        }
    }
    if let Some(ends) = cx.snapshot.monitor.as_ref().and_then(|watch| watch.countdown) {
        let left = text::duration(until(cx.now, ends));
        badges.push(badge(&format!("ROLLBACK IN {left}"), Role::Bad));
        cx.wake_in(std::time::Duration::from_secs(1));
    }
    badges
}

/// Since when the legacy side is closed while nobody serves.
fn closed(cx: &Cx<'_>) -> Option<jiff::Timestamp> {
    cutover::closed_since(underway(cx, Capability::Cutover)?)
}

/// Since when MAOS stands still for an upgrade.
fn stopped(cx: &Cx<'_>) -> Option<jiff::Timestamp> {
    upgrade::stopped_since(underway(cx, Capability::Upgrade)?)
}

/// The lines of an operation that is neither new nor done.
fn underway<'a>(cx: &Cx<'a>, capability: Capability) -> Option<&'a Items> {
    let activity = cx.snapshot.activity(capability);
    if activity == Activity::Idle || activity.is_done() {
        return None;
    }
    cx.step(capability)?.items.get("apply")
}

/// The part of the target that is never cut: the host of a server, the name of a file.
fn host(target: &str) -> String {
    let extension = std::path::Path::new(target)
        .extension()
        .and_then(std::ffi::OsStr::to_str);
    let file = target.starts_with(['/', '.', '~']) || matches!(extension, Some("db" | "sqlite" | "sqlite3"));
    let part = if file {
        target.rsplit('/').next()
    } else {
        target.split([':', '/']).next()
    };
    part.unwrap_or(target).to_owned()
}

/// A step as strip, rail and list of steps show it.
#[must_use]
pub fn step(cx: &Cx<'_>, capability: Capability) -> FrameStep {
    let (mark, word, short) = state(cx, capability);
    FrameStep {
        title: capability.title().to_owned(),
        mark,
        word,
        short,
    }
}

/// Why a step is locked.
#[must_use]
pub fn reason(cx: &Cx<'_>, capability: Capability) -> Option<String> {
    match journey::state(cx.snapshot, capability) {
        StepState::Locked(locked) => Some(locked.sentence),
        StepState::Ready | StepState::Active(_) => None,
    }
}

fn state(cx: &Cx<'_>, capability: Capability) -> (Mark, String, String) {
    let said = |mark, word: &str| (mark, word.to_owned(), word.to_owned());
    if capability == Capability::Assess
        && let Some(Ok(questionnaire)) = &cx.views.questionnaire
    {
        let total = questionnaire.questions.len();
        let open = cx.snapshot.answers.open(questionnaire).count();
        let short = format!("{}/{total}", total - open);
        return match journey::state(cx.snapshot, capability) {
            StepState::Active(Activity::Failed) => said(Mark::Failed, "failed"),
            StepState::Active(activity) if activity.is_done() && open == 0 => {
                (Mark::Done, "done".to_owned(), short)
            }
            StepState::Locked(_) => said(Mark::Locked, "locked"),
            _ if open == total => said(Mark::Ready, "ready"),
            _ => (Mark::Running, "running".to_owned(), short),
        };
    }
    if capability == Capability::Monitor
        && let Some(watch) = &cx.snapshot.monitor
        && (watch.on || watch.should_roll_back())
    {
        let word = watch.verdict().map_or("watching", |verdict| verdict.word.name());
        if cx.snapshot.rolled_back().is_some() {
            return (Mark::Decide, "rolled back".to_owned(), "acted on".to_owned());
        }
        if watch.should_roll_back() {
            return said(Mark::Decide, "BREACH");
        }
        return (Mark::Running, watched(cx, watch), word.to_owned());
    }
    match journey::state(cx.snapshot, capability) {
        StepState::Locked(_) => said(Mark::Locked, "locked"),
        StepState::Ready => match cx.step(capability).and_then(|step| step.undone) {
            Some(at) => (
                Mark::Ready,
                format!("undone {}", cx.now.clock(at)),
                "undone".to_owned(),
            ),
            None => said(Mark::Ready, "ready"),
        },
        StepState::Active(activity) => active(cx, capability, activity),
    }
}

/// `0:35 of 1:00`: hours and minutes without a breach, of those until promotion; the verdict while something is not known.
fn watched(cx: &Cx<'_>, watch: &Watch) -> String {
    let word = watch.verdict().map_or("watching", |verdict| verdict.word.name());
    if watch.is_stale(cx.now.at) {
        return "stale".to_owned();
    }
    let Some(since) = watch.clean_since.filter(|_| word == "pass") else {
        return word.to_owned();
    };
    let clock = |seconds: u64| format!("{}:{:02}", seconds / 3600, seconds / 60 % 60);
    let whole = u64::try_from(watch.criteria().duration / 1_000_000).unwrap_or(0);
    format!(
        "{} of {}",
        clock(cx.now.seconds_since(since).min(whole)),
        clock(whole)
    )
}

fn active(cx: &Cx<'_>, capability: Capability, activity: Activity) -> (Mark, String, String) {
    let step = cx.step(capability);
    let word = activity.word().to_owned();
    let share = step.map(share).unwrap_or_default();
    match activity {
        Activity::Idle => (Mark::Ready, word.clone(), word),
        Activity::Running => {
            let phase = step
                .and_then(|step| step.progress.as_ref())
                .map(|progress| progress.phase.clone());
            (
                Mark::Running,
                phase.filter(|phase| !phase.is_empty()).unwrap_or(word),
                share,
            )
        }
        Activity::Stopping => (Mark::Running, word, share),
        Activity::Paused => (Mark::Paused, word, share),
        Activity::Stopped => (Mark::Paused, word.clone(), word),
        Activity::Failed => (Mark::Failed, word.clone(), word),
        Activity::Done if capability == Capability::Readiness => {
            let score = cx
                .snapshot
                .readiness
                .as_ref()
                .map_or_else(String::new, |(_, r)| r.score.to_string());
            (Mark::Done, format!("done {score}"), score)
        }
        _ if journey::outdated_by(cx.snapshot, capability).is_some() => {
            let word = "outdated".to_owned();
            (Mark::Quarantine, word.clone(), word)
        }
        Activity::Done | Activity::DoneWithQuarantine if !capability.sets_aside() => {
            let (good, all) = step
                .and_then(|step| step.outcome.as_ref())
                .map_or((0, 0), |outcome| (outcome.converted, outcome.source));
            let mark = if good == all { Mark::Done } else { Mark::Quarantine };
            (
                mark,
                format!("{} of {}", count(good), count(all)),
                format!("{}/{}", count(good), count(all)),
            )
        }
        Activity::Done => (Mark::Done, word.clone(), word),
        Activity::DoneWithQuarantine => {
            let aside = step
                .and_then(|step| step.outcome.as_ref())
                .map_or(0, |outcome| outcome.quarantined);
            (
                Mark::Quarantine,
                format!("{} in quarantine", count(aside)),
                format!("{} q", count(aside)),
            )
        }
    }
}

/// How far a step is, in percent; empty when the total is not known.
fn share(step: &Step) -> String {
    match &step.progress {
        Some(progress) => progress
            .total
            .map_or_else(String::new, |total| percent(progress.done, total)),
        None => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::host;

    #[test]
    fn the_part_of_the_target_that_is_never_cut() {
        let cases = [
            ("db.acme:5432/maos", "db.acme"),
            ("/srv/data/maos.db", "maos.db"),
            ("target/maos.db", "maos.db"),
            ("no target", "no target"),
            ("", ""),
        ];
        for (target, part) in cases {
            assert_eq!(host(target), part);
        }
    }
}
