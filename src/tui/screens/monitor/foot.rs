//! Below the gauges: how much is not known, what a breach takes, the way back, the way on, and what happened.

use super::Monitor;
use super::picture::{Phase, Picture, Rest, seconds, span, until};
use crate::engine::monitor::verdict::short_percent;
use crate::engine::monitor::watch::MarkKind;
use crate::engine::monitor::{Verdict, Watch};
use crate::engine::text::{count, inert, plural};
use crate::tui::app::context::Cx;
use crate::tui::clock::about;
use crate::tui::paint::{Row, keep};
use crate::tui::screens::detail::labelled;
use crate::tui::style::Role;
use crate::tui::text;

/// Where the values of the lower lines begin.
pub(super) const VALUES: u16 = 19;

pub(super) fn if_it_breaches(watch: &Watch) -> String {
    let criteria = watch.criteria();
    let long = seconds(
        criteria
            .interval
            .saturating_mul(i64::from(criteria.confirmations)),
    );
    let share = if (criteria.disaster_errors - 0.5).abs() < 1e-9 {
        "half".to_owned()
    } else {
        short_percent(criteria.disaster_errors)
    };
    format!(
        "after {}, {}; {share} of {} tasks failing: at once",
        plural(u64::from(criteria.confirmations), "sample", "samples"),
        span(long),
        criteria.disaster_tasks,
    )
}

/// How long the way back takes and what it rests on.
pub(super) fn way_back(picture: &Picture, cx: &Cx<'_>) -> String {
    let time = picture.back.rehearsed.map_or_else(
        || "not rehearsed".to_owned(),
        |(s, at)| {
            #[expect(clippy::cast_precision_loss, reason = "seconds of a rehearsal")]
            let long = about(s as f64);
            match at {
                Some(at) => format!("{long}, rehearsed {}", cx.now.clock(at)),
                None => format!("{long}, as rehearsed"),
            }
        },
    );
    let backup = match &picture.back.backup {
        Some(Rest::On(_, Some(at))) => format!("backup {} verified", cx.now.clock(*at)),
        Some(Rest::On(id, None)) => format!("backup {id} verified"),
        Some(Rest::Nothing) => "no verified backup".to_owned(),
        Some(Rest::Unreadable(why)) => format!("the backups cannot be read: {why}"),
        None => "the backups are being read".to_owned(),
    };
    format!("{time}; {backup}")
}

fn promotion(watch: &Watch, verdict: &Verdict, phase: Phase, cx: &Cx<'_>) -> String {
    if phase.is_breach() {
        return "not while the verdict is breach".to_owned();
    }
    if phase == Phase::Back {
        return "no: it was rolled back".to_owned();
    }
    if verdict.frozen {
        return "frozen: too much is not known".to_owned();
    }
    let whole = span(seconds(watch.criteria().duration));
    match watch.promote_at() {
        Some(_) if watch.is_promoted(cx.now.at) => format!("open: {whole} without a breach"),
        Some(at) if at <= cx.now.at && verdict.unknown_used > 0 => "not while figures are lost".to_owned(),
        Some(_) if !watch.on => "stands still: nobody watches".to_owned(),
        Some(_) if phase == Phase::Stale => "not before a fresh sample".to_owned(),
        Some(at) => {
            let left = until(cx.now, at).div_ceil(60) * 60;
            format!("{} more without a breach, of {whole}", span(left))
        }
        None => format!("{whole} without a breach"),
    }
}

pub(super) fn foot(
    watch: &Watch,
    verdict: &Verdict,
    picture: &Picture,
    screen: &Monitor,
    cx: &Cx<'_>,
    width: u16,
) -> Vec<Row> {
    let criteria = watch.criteria();
    let phase = picture.phase(screen.moment(cx));
    let mut rows = Vec::new();
    let mut say = |label: &str, value: &str, role: Role, kept: u8| {
        rows.extend(labelled(label, value, VALUES, width, role, kept));
    };
    let budget = format!(
        "{} of {} samples used",
        verdict.unknown_used, criteria.unknown_budget
    );
    let good = watch.samples - watch.lost.min(watch.samples);
    let lost = match (watch.lost, watch.aside) {
        (0, 0) => "none late or lost".to_owned(),
        (lost, 0) => format!("{lost} lost"),
        (0, aside) => format!("{aside} late or doubled"),
        (lost, aside) => format!("{lost} lost, {aside} late or doubled"),
    };
    let samples = format!("{good} of {}, {lost}", watch.samples);
    let (budget, budget_role) = if verdict.frozen {
        (
            format!(
                "SPENT: {} samples not known, {} allowed; promotion frozen, on-call paged",
                count(u64::from(verdict.unknown_used)),
                criteria.unknown_budget
            ),
            Role::Unknown,
        )
    } else {
        (budget, Role::Text)
    };
    let both = format!("{budget} · samples {samples}");
    if text::width(&both) + 1 + usize::from(VALUES) <= usize::from(width) {
        say("Unknown budget", &both, budget_role, keep::FIGURE);
    } else {
        say("Unknown budget", &budget, budget_role, keep::FIGURE);
        say("Samples", &samples, Role::Text, keep::NORMAL);
    }
    if !phase.is_breach() && phase != Phase::Back {
        say("If it breaches", &if_it_breaches(watch), Role::Text, keep::NORMAL);
        say(
            "If you roll back",
            &way_back(picture, cx),
            Role::Text,
            keep::FIGURE,
        );
    }
    say(
        "To promote",
        &promotion(watch, verdict, phase, cx),
        Role::Text,
        keep::FIGURE,
    );
    let source = inert(&watch.begin.source);
    say("Source", &source, Role::Muted, keep::EXTRA);
    rows
}

pub(super) fn happened(watch: &Watch, cx: &Cx<'_>, width: u16, room: u16) -> Vec<Row> {
    if room < 4 || watch.marks.is_empty() {
        return Vec::new();
    }
    let mut rows = vec![
        Row::blank(),
        Row::new()
            .at(1, "What happened", Role::Critical)
            .right(1, "M all messages", Role::Muted)
            .keep(keep::EXTRA),
    ];
    let mut marks: Vec<_> = watch.marks.iter().collect();
    marks.sort_by_key(|mark| std::cmp::Reverse(mark.at));
    for mark in marks.into_iter().take(usize::from(room - 2)) {
        let role = match mark.kind {
            MarkKind::Verdict if mark.text.contains("to breach") => Role::Bad,
            MarkKind::Verdict if mark.text.contains("to pass") => Role::Ok,
            MarkKind::Verdict | MarkKind::Page => Role::Warn,
            MarkKind::Decision | MarkKind::Deployment => Role::Text,
        };
        rows.push(
            Row::new()
                .at(3, cx.now.clock_seconds(mark.at), Role::Muted)
                .at(13, inert(&mark.sentence()), role)
                .max(width.saturating_sub(14))
                .keep(keep::EXTRA),
        );
    }
    rows
}
