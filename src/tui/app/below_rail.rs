//! What stands below the steps of a wide screen: the operation under way, then what a person leans on: the backup, the
//! journal, who watches.

use crate::engine::Capability;
use crate::engine::text::{count, inert};
use crate::engine::views::Mode;
use crate::tui::app::context::Cx;
use crate::tui::screens::monitor::picture::{self, Back, Rest};
use crate::tui::style::Role;
use crate::tui::text;
use crate::tui::widgets::bar::percent;

/// Label, value and the role of the label.
type Line = (String, String, Role);

/// Cells for a name and what stands beside it.
const NAMES: usize = 16;
/// Cells for the name of a host.
const HOST: usize = 8;

/// The lines; a label that starts with a bar begins a group.
pub(super) fn below_rail(cx: &Cx<'_>, current: Capability) -> Vec<Line> {
    let mut lines = operation(cx);
    if current == Capability::Monitor {
        lines.extend(on_call(cx));
        return lines;
    }
    let backup = backup(cx, &picture::back(cx.snapshot, cx.views));
    lines.extend(backup.map(|(value, role)| ("Backup".to_owned(), value, role)));
    lines.push(("Journal".to_owned(), count(cx.snapshot.seq), Role::Text));
    let aside = cx.snapshot.quarantined();
    if aside > 0 {
        lines.push(("Quarantine".to_owned(), count(aside), Role::Warn));
    }
    if let Mode::Watching(holder) = &cx.views.mode {
        lines.push(("Operates".to_owned(), inert(&holder.operator), Role::Warn));
    }
    let figures = lines
        .iter_mut()
        .find(|(label, ..)| label == "Backup" || label == "Journal");
    if let Some((label, ..)) = figures {
        label.insert(0, '|');
    }
    lines
}

/// The operation that is under way.
fn operation(cx: &Cx<'_>) -> Vec<Line> {
    let mut lines = Vec::new();
    if let Some(capability) = cx.snapshot.active()
        && let Some(step) = cx.step(capability)
    {
        let phase = step
            .progress
            .as_ref()
            .map(|progress| progress.phase.clone())
            .unwrap_or_default();
        let name = if phase.is_empty() {
            capability.title().to_owned()
        } else {
            text::sentence(&phase)
        };
        lines.push((format!("|{name}"), String::new(), Role::Critical));
        if let Some(progress) = &step.progress
            && let Some(total) = progress.total
        {
            #[expect(clippy::cast_precision_loss, reason = "a bar has a few hundred steps")]
            let share = if total == 0 {
                0.0
            } else {
                (progress.done as f64 / total as f64).min(0.999)
            };
            lines.push((
                percent(progress.done, total),
                format!("bar:{share}"),
                Role::Accent,
            ));
            lines.push((text::sentence(&progress.unit), count(progress.done), Role::Text));
        }
    }
    lines
}

/// On the Monitor screen: who watches, and what a decision in the night rests on.
fn on_call(cx: &Cx<'_>) -> Vec<Line> {
    let mut lines = vec![("|Watching".to_owned(), String::new(), Role::Muted)];
    let me = cx.views.me.as_ref();
    let mut person = |name: &str, what: &str| {
        let name = inert(name);
        let room = NAMES.saturating_sub(text::width(what));
        let name = text::elide_end(&name, room, cx.look.glyphs.elision);
        lines.push((format!(" {name}"), inert(what), Role::Text));
    };
    match &cx.views.mode {
        Mode::Watching(holder) => {
            person(&holder.operator, "operates");
            if let Some(me) = me {
                let host = text::elide_middle(&me.host, HOST, cx.look.glyphs.elision);
                person(&me.operator, &host);
            }
        }
        _ => match me {
            Some(me) => person(&me.operator, "operates"),
            None => lines.clear(),
        },
    }
    let back = picture::back(cx.snapshot, cx.views);
    let (value, role) = backup(cx, &back).unwrap_or_else(|| ("being read".to_owned(), Role::Muted));
    lines.push(("|Backup".to_owned(), value, role));
    let rehearsed = match back.rehearsed {
        Some((seconds, _)) => (text::duration(seconds), Role::Text),
        None => ("never".to_owned(), Role::Warn),
    };
    lines.push(("Rehearsed".to_owned(), rehearsed.0, rehearsed.1));
    let watch = cx.snapshot.monitor.as_deref();
    let silent = watch.filter(|watch| watch.is_snoozed(cx.now.at));
    let bell = match silent.and_then(|watch| watch.snoozed.as_ref()) {
        Some(note) => {
            let until = note
                .until
                .map_or_else(String::new, |at| format!(" to {}", cx.now.clock(at)));
            (format!("off{until}"), Role::Warn)
        }
        None => ("on".to_owned(), Role::Text),
    };
    lines.push(("Bell".to_owned(), bell.0, bell.1));
    lines
}

/// The backup that a rollback would go back to, in a few cells; `None` while it is not known.
fn backup(cx: &Cx<'_>, back: &Back) -> Option<(String, Role)> {
    Some(match back.backup.as_ref()? {
        Rest::On(_, Some(at)) => (
            format!("{} {}", cx.now.clock(*at), cx.look.glyphs.done),
            Role::Text,
        ),
        Rest::On(_, None) => (format!("yes {}", cx.look.glyphs.done), Role::Text),
        Rest::Nothing => ("none".to_owned(), Role::Warn),
        Rest::Unreadable(_) => ("unreadable".to_owned(), Role::Bad),
    })
}
