//! Which key does what. One table ([`table::BINDINGS`]) is the key map; the hint bar, the `?` overlay and rebinding
//! all read it, so help cannot lie.
//!
//! To add a command: an [`Action`] and a line in `table.rs`, then a [`Command`] in the `commands()` of the screen or
//! overlay that offers it. A key may mean different things in different scopes; the test in `table.rs` refuses two
//! meanings in one scope.

pub mod action;
pub mod command;
pub mod hints;
pub mod key;
pub mod table;

use std::collections::BTreeMap;

pub use action::{Action, Scope};
pub use command::{Command, STOP_COUNTDOWN};
pub use key::Key;
pub use table::{BINDINGS, Binding};

/// The key map in force: the table with the user's changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyMap {
    keys: BTreeMap<Action, Vec<Key>>,
}

impl Default for KeyMap {
    fn default() -> Self {
        let keys = BINDINGS
            .iter()
            .map(|binding| {
                (
                    binding.action,
                    binding.keys.iter().filter_map(|name| Key::named(name)).collect(),
                )
            })
            .collect();
        Self { keys }
    }
}

/// Why a change of the key map is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// No such command.
    #[error("no command is named {0}; `?` in the wizard lists the names")]
    Command(String),
    /// No such key.
    #[error("no key is written {0}; examples: n, R, Ctrl-L, F1, Shift-Tab, Space")]
    Key(String),
    /// Two commands in one place would have the same key.
    #[error("{key} would be both {first} and {second}")]
    Twice {
        /// The key.
        key: String,
        /// One command.
        first: &'static str,
        /// The other.
        second: &'static str,
    },
    /// The way back, help and leaving must have a key.
    #[error("{0} must keep at least one key")]
    Needed(&'static str),
}

impl KeyMap {
    /// The table with changes: command names with the keys that replace theirs; an empty list unbinds.
    ///
    /// # Errors
    /// The first change that is refused; none is applied then.
    pub fn with<'a>(changes: impl IntoIterator<Item = (&'a str, Vec<&'a str>)>) -> Result<Self, Refused> {
        let mut map = Self::default();
        for (name, keys) in changes {
            let binding = BINDINGS
                .iter()
                .find(|binding| binding.action.name() == name)
                .ok_or_else(|| Refused::Command(name.to_owned()))?;
            let keys = keys
                .into_iter()
                .map(|key| Key::named(key).ok_or_else(|| Refused::Key(key.to_owned())))
                .collect::<Result<Vec<_>, _>>()?;
            if keys.is_empty() && binding.needed() {
                return Err(Refused::Needed(binding.action.name()));
            }
            map.keys.insert(binding.action, keys);
        }
        match map.clash() {
            None => Ok(map),
            Some((key, first, second)) => Err(Refused::Twice {
                key: key.to_string(),
                first: first.name(),
                second: second.name(),
            }),
        }
    }

    /// Two commands that one key would run in one place.
    fn clash(&self) -> Option<(Key, Action, Action)> {
        for (index, first) in BINDINGS.iter().enumerate() {
            for second in BINDINGS
                .iter()
                .skip(index + 1)
                .filter(|second| first.meets(second))
            {
                let other = self.keys(second.action);
                if let Some(key) = self.keys(first.action).iter().find(|key| other.contains(key)) {
                    return Some((*key, first.action, second.action));
                }
            }
        }
        None
    }

    /// The keys of a command, the one to show first.
    #[must_use]
    pub fn keys(&self, action: Action) -> &[Key] {
        self.keys.get(&action).map_or(&[], Vec::as_slice)
    }

    /// How the command's key is written in hints; empty when it is unbound.
    #[must_use]
    pub fn label(&self, action: Action) -> String {
        self.keys(action).first().map(Key::to_string).unwrap_or_default()
    }

    /// What a key means where these commands are offered; movement and the wizard's own keys mean something everywhere.
    #[must_use]
    pub fn resolve(&self, key: Key, offered: &[Command]) -> Option<Action> {
        let mut everywhere = None;
        for binding in BINDINGS
            .iter()
            .filter(|binding| self.keys(binding.action).contains(&key))
        {
            if offered.iter().any(|command| command.is(binding.action)) {
                return Some(binding.action);
            }
            if binding.everywhere() {
                everywhere = everywhere.or(Some(binding.action));
            }
        }
        everywhere
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_has_no_key_twice_in_one_place() {
        assert_eq!(KeyMap::default().clash(), None);
    }

    #[test]
    fn every_key_of_the_table_can_be_read_and_is_written_the_same() {
        for binding in BINDINGS {
            for name in binding.keys {
                assert_eq!(
                    Key::named(name).map(|key| key.to_string()).as_deref(),
                    Some(*name)
                );
            }
        }
    }

    #[test]
    fn every_command_has_one_line_and_its_own_name() {
        let mut names: Vec<_> = BINDINGS.iter().map(|binding| binding.action.name()).collect();
        names.sort_unstable();
        assert!(names.windows(2).all(|pair| pair[0] != pair[1]));
    }

    #[test]
    fn a_changed_key_works_and_the_old_one_does_not() {
        let map = KeyMap::with([("next", vec!["F5"])]).unwrap();
        assert_eq!(map.resolve(Key::named("F5").unwrap(), &[]), Some(Action::Next));
        assert_eq!(map.resolve(Key::named("n").unwrap(), &[]), None);
        assert_eq!(map.label(Action::Next), "F5");
    }

    #[test]
    fn refused_changes_say_why() {
        let refused = |name, keys: Vec<&'static str>| KeyMap::with([(name, keys)]).unwrap_err().to_string();
        assert_eq!(refused("next", vec!["R"]), "R would be both next and rollback");
        assert_eq!(refused("rollback", vec![]), "rollback must keep at least one key");
        assert_eq!(
            refused("nxt", vec!["n"]),
            "no command is named nxt; `?` in the wizard lists the names"
        );
        assert!(refused("next", vec!["Hyper-n"]).starts_with("no key is written Hyper-n"));
        assert!(KeyMap::with([("mouse", vec![])]).is_ok());
    }

    #[test]
    fn one_key_means_what_the_place_offers() {
        let map = KeyMap::default();
        let c = Key::named("c").unwrap();
        assert_eq!(
            map.resolve(c, &[Command::new(Action::Convert, "convert")]),
            Some(Action::Convert)
        );
        assert_eq!(
            map.resolve(c, &[Command::new(Action::Classes, "classes")]),
            Some(Action::Classes)
        );
        assert_eq!(map.resolve(c, &[]), None);
    }
}
