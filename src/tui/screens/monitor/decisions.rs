//! The dialogs of the monitor: arm the automatic rollback, or keep on in spite of a verdict. Each asks for a reason; what
//! gives up a safeguard asks for the target's name as well.

use serde_json::json;

use super::STEP;
use crate::engine::monitor::Watch;
use crate::engine::text::last_name;
use crate::engine::workspace::driving::MonitorSettings;
use crate::tui::app::context::{Cx, Effect};
use crate::tui::overlays::decision::{Decision, Way};
use crate::tui::style::Role;

/// Ends that a snooze can have, minutes.
const SNOOZES: [i64; 2] = [30, 120];

/// Seconds between a breach while armed and the rollback that starts by itself.
pub(super) fn countdown(cx: &Cx<'_>) -> u64 {
    cx.views.settings.value().map_or_else(
        || MonitorSettings::default().countdown,
        |(_, settings)| settings.driving.monitor.countdown,
    )
}

/// Asks before the automatic rollback is armed.
pub(super) fn arm(cx: &Cx<'_>) -> Effect {
    let target = last_name(&cx.snapshot.target).to_owned();
    let named = target.clone();
    let countdown = countdown(cx);
    let way = Way::new(
        "Arm automatic rollback",
        "armed",
        move |reason, _| json!({"reason": reason, "target": named}),
    )
    .named();
    let lines = vec![
        (
            format!(
                "A breach then starts the rollback by itself, {countdown} s after it is told. The bell rings each 10 s; X \
                 stops it for everyone."
            ),
            Role::Text,
        ),
        ("Undo: a on this screen disarms, at once.".to_owned(), Role::Muted),
    ];
    let dialog = Decision::new(
        "Arm automatic rollback",
        STEP,
        target,
        lines,
        vec![way],
        cx.now.mono,
    );
    Effect::Open(Box::new(dialog))
}

/// Asks how to keep on.
pub(super) fn keep_on(watch: &Watch, cx: &Cx<'_>) -> Effect {
    let mut ways = vec![Way::new(
        "Acknowledge: the verdict stays, others see who looks",
        "acknowledge",
        |reason, _| json!({"reason": reason}),
    )];
    for minutes in SNOOZES {
        let label = format!(
            "Silence bell and hooks for {}",
            super::span(minutes.unsigned_abs() * 60)
        );
        ways.push(Way::new(label, "snooze", move |reason, now| {
            let until = now
                .checked_add(jiff::SignedDuration::from_mins(minutes))
                .unwrap_or(now);
            json!({"reason": reason, "until": until})
        }));
    }
    if watch.should_roll_back() {
        let label = "Take the verdict back: it has to be confirmed anew";
        ways.push(Way::new(label, "unlatch", |reason, _| json!({"reason": reason})).named());
    }
    let lines = vec![(
        "What you say is kept in the journal with your name.".to_owned(),
        Role::Muted,
    )];
    let target = last_name(&cx.snapshot.target).to_owned();
    let title = if watch.should_roll_back() {
        "Keep on in spite of the verdict"
    } else {
        "Acknowledge or silence"
    };
    Effect::Open(Box::new(Decision::new(
        title,
        STEP,
        target,
        lines,
        ways,
        cx.now.mono,
    )))
}
