//! The hint bar: the offered commands with their keys, as many as fit, and always help, rollback and quit.

use super::KeyMap;
use super::action::Action;
use super::command::Command;
use crate::tui::text;

/// A key and its word.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hint {
    /// `n`, `+ -`, `Enter`.
    pub keys: String,
    /// `begin`.
    pub label: String,
}

impl Hint {
    fn width(&self) -> usize {
        text::width(&self.keys) + usize::from(!self.label.is_empty()) + text::width(&self.label)
    }
}

/// The keys of a command as the hint bar and the `?` overlay write them.
#[must_use]
pub fn keys(map: &KeyMap, command: &Command) -> String {
    if let Some(written) = command.keys {
        return written.to_owned();
    }
    let first = map.label(command.action);
    match command.pair.map(|pair| map.label(pair)) {
        Some(second) if !second.is_empty() && !first.is_empty() => {
            format!("{} {}", arrow(&first), arrow(&second))
        }
        _ => first,
    }
}

/// Arrows by their names, where they cannot be drawn.
fn named(keys: &str) -> String {
    [('↑', "Up"), ('↓', "Down"), ('←', "Left"), ('→', "Right")]
        .into_iter()
        .fold(keys.to_owned(), |keys, (sign, name)| keys.replace(sign, name))
}

/// A pair of arrow keys is drawn; a single one keeps its name.
fn arrow(name: &str) -> &str {
    match name {
        "Up" => "↑",
        "Down" => "↓",
        "Left" => "←",
        "Right" => "→",
        name => name,
    }
}

/// The hints that fit into `width` cells, two cells between them: what is on and bound, in the order offered.
/// `…` cannot be seen here: what does not fit is in `?`.
#[must_use]
pub fn fitting(map: &KeyMap, commands: &[Command], width: usize, ascii: bool) -> Vec<Hint> {
    let mut hints = Vec::new();
    let mut used = 0;
    for command in commands
        .iter()
        .filter(|command| command.hint && command.off.is_none())
    {
        let keys = keys(map, command);
        let hint = Hint {
            keys: if ascii { named(&keys) } else { keys },
            label: command.label.clone(),
        };
        if hint.keys.is_empty() {
            continue;
        }
        let gap = if hints.is_empty() { 0 } else { 2 };
        if used + gap + hint.width() > width {
            break;
        }
        used += gap + hint.width();
        hints.push(hint);
    }
    hints
}

/// What leaving means where the hints stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// A screen: it quits.
    Screen,
    /// The rollback: it goes back, and its own key needs no hint.
    Rollback,
    /// Another place that is no step: it goes back.
    Aside,
    /// An overlay: it closes.
    Overlay,
}

/// Help, rollback and quit, in the words that fit; keys alone where there is little room.
#[must_use]
pub fn always(map: &KeyMap, place: Place, short: bool) -> Vec<Hint> {
    let hint = |action, word: &str| Hint {
        keys: map.label(action),
        label: if short { String::new() } else { word.to_owned() },
    };
    match place {
        Place::Screen => {
            vec![
                hint(Action::Help, "help"),
                hint(Action::Rollback, "rollback"),
                hint(Action::Leave, "quit"),
            ]
        }
        Place::Rollback => vec![hint(Action::Help, "help"), hint(Action::Leave, "back")],
        Place::Aside => {
            vec![
                hint(Action::Help, "help"),
                hint(Action::Rollback, "rollback"),
                hint(Action::Leave, "back"),
            ]
        }
        Place::Overlay => {
            vec![
                hint(Action::Help, "help"),
                hint(Action::Rollback, "rollback"),
                hint(Action::Close, "close"),
            ]
        }
    }
}

/// Cells that hints take with two cells between them.
#[must_use]
pub fn width(hints: &[Hint]) -> usize {
    hints.iter().map(Hint::width).sum::<usize>() + 2 * hints.len().saturating_sub(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(hints: &[Hint]) -> String {
        hints
            .iter()
            .map(|hint| format!("{} {}", hint.keys, hint.label))
            .collect::<Vec<_>>()
            .join("  ")
    }

    #[test]
    fn what_is_off_or_does_not_fit_is_left_to_the_overlay() {
        let map = KeyMap::default();
        let commands = [
            Command::new(Action::Next, "begin"),
            Command::new(Action::Pause, "pause").off(Some("nothing runs".to_owned())),
            Command::new(Action::More, "workers").and(Action::Fewer),
            Command::new(Action::Log, "log").quiet(),
            Command::new(Action::ReadAgain, "check"),
        ];
        assert_eq!(
            written(&fitting(&map, &commands, 80, false)),
            "n begin  + - workers  r check"
        );
        assert_eq!(
            written(&fitting(&map, &commands, 20, false)),
            "n begin  + - workers"
        );
        assert_eq!(width(&fitting(&map, &commands, 20, false)), 20);
        let arrows = [Command::new(Action::Left, "other").and(Action::Right)];
        assert_eq!(written(&fitting(&map, &arrows, 20, false)), "← → other");
        assert_eq!(written(&fitting(&map, &arrows, 20, true)), "Left Right other");
        assert_eq!(
            written(&always(&map, Place::Screen, false)),
            "? help  R rollback  q quit"
        );
    }
}
