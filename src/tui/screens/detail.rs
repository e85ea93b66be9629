//! Pieces that several screens share: labelled lines, sentences about gates, the way on.

use crate::engine::Capability;
use crate::engine::journey;
use crate::tui::app::context::Cx;
use crate::tui::keymap::{Action, Command};
use crate::tui::paint::Row;
use crate::tui::screens::tasks::submitting;
use crate::tui::style::Role;
use crate::tui::text;

/// A label and a wrapped sentence beside it, the label on its first line only.
#[must_use]
pub fn labelled(label: &str, value: &str, column: u16, width: u16, role: Role, kept: u8) -> Vec<Row> {
    let room = usize::from(width.saturating_sub(column + 1)).max(1);
    text::wrap(value, room)
        .into_iter()
        .enumerate()
        .map(|(index, line)| {
            let label = if index == 0 { label } else { "" };
            Row::new()
                .at(1, label, Role::Muted)
                .at(column, line, role)
                .keep(kept)
        })
        .collect()
}

/// Prose over the whole width.
#[must_use]
pub fn prose(sentence: &str, width: u16, role: Role, kept: u8) -> Vec<Row> {
    text::wrap(sentence, usize::from(width.saturating_sub(2)).max(1))
        .into_iter()
        .map(|line| Row::prose(line, role).keep(kept))
        .collect()
}

/// The step after this one that can be entered, and the command that goes there.
#[must_use]
pub fn onward(cx: &Cx<'_>, from: Capability) -> (Option<Capability>, Command) {
    // The converted tasks are given to MAOS once its place is ready, and the way goes on from there.
    if from == Capability::Environment && submitting::is_next(cx) {
        let tasks = Command::new(Action::Next, "submit tasks")
            .about("go back to Tasks, which gives them to MAOS now that its place is ready");
        return (Some(Capability::Tasks), tasks);
    }
    let given = from == Capability::Tasks && cx.snapshot.activity(Capability::Environment).is_done();
    let next = if given {
        journey::following(cx.snapshot, Capability::Environment)
    } else {
        journey::following(cx.snapshot, from)
    };
    match next {
        Some(next) => {
            let locked = journey::gate(cx.snapshot, next)
                .err()
                .map(|locked| locked.sentence);
            let name = next.title().to_lowercase();
            (
                Some(next),
                Command::new(Action::Next, name)
                    .about(format!("go on to {}", next.title()))
                    .off(locked),
            )
        }
        None => (
            None,
            Command::new(Action::Next, "end").off(Some("This is the last step.".to_owned())),
        ),
    }
}

/// How many items stay in quarantine, as a sentence; `None` when there are none.
#[must_use]
pub fn quarantine_remark(cx: &Cx<'_>) -> Option<String> {
    let aside = cx.snapshot.quarantined();
    (aside > 0).then(|| {
        format!(
            "{} in quarantine.",
            crate::engine::text::plural(aside, "item stays", "items stay")
        )
    })
}

/// What can be done while a field is edited.
#[must_use]
pub fn edit_commands() -> Vec<Command> {
    vec![
        Command::new(Action::Open, "keep").about("keep what is typed"),
        Command::new(Action::NextRegion, "keep, next")
            .about("keep what is typed and go on")
            .quiet(),
        Command::new(Action::Close, "leave")
            .keys("Esc or Ctrl-C")
            .about("leave the field as it was"),
    ]
}
