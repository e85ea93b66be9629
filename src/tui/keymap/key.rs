//! A key press without the terminal's noise, and how it is written: `n`, `R`, `Ctrl-L`, `Shift-Tab`, `Space`, `F1`.

use std::fmt;

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

/// A key that can be bound. Shift is part of the character; Alt is never bound.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Key {
    code: KeyCode,
    ctrl: bool,
}

const NAMED: &[(&str, KeyCode)] = &[
    ("Enter", KeyCode::Enter),
    ("Esc", KeyCode::Esc),
    ("Tab", KeyCode::Tab),
    ("Shift-Tab", KeyCode::BackTab),
    ("Space", KeyCode::Char(' ')),
    ("Up", KeyCode::Up),
    ("Down", KeyCode::Down),
    ("Left", KeyCode::Left),
    ("Right", KeyCode::Right),
    ("Home", KeyCode::Home),
    ("End", KeyCode::End),
    ("PgUp", KeyCode::PageUp),
    ("PgDn", KeyCode::PageDown),
    ("Backspace", KeyCode::Backspace),
    ("Del", KeyCode::Delete),
    ("Ins", KeyCode::Insert),
];

impl Key {
    /// The key of an event; `None` with Alt or another modifier that is never bound.
    #[must_use]
    pub fn of(event: &KeyEvent) -> Option<Self> {
        let extra = event.modifiers - KeyModifiers::SHIFT - KeyModifiers::CONTROL;
        if !extra.is_empty() {
            return None;
        }
        let ctrl = event.modifiers.contains(KeyModifiers::CONTROL);
        let code = match event.code {
            KeyCode::Char(c) if ctrl => KeyCode::Char(c.to_ascii_lowercase()),
            KeyCode::Tab if event.modifiers.contains(KeyModifiers::SHIFT) => KeyCode::BackTab,
            code => code,
        };
        Some(Self { code, ctrl })
    }

    /// Reads a key as [`fmt::Display`] writes it; case matters only for single characters.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        if let Some(rest) = strip(name, "Ctrl-") {
            let key = Self::named(rest)?;
            let code = match key.code {
                KeyCode::Char(c) => KeyCode::Char(c.to_ascii_lowercase()),
                code => code,
            };
            return (!key.ctrl).then_some(Self { code, ctrl: true });
        }
        if let Some((_, code)) = NAMED.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)) {
            return Some(Self {
                code: *code,
                ctrl: false,
            });
        }
        let mut chars = name.chars();
        match (chars.next(), chars.next()) {
            (Some(c), None) if !c.is_control() => Some(Self {
                code: KeyCode::Char(c),
                ctrl: false,
            }),
            (Some('F' | 'f'), Some(_)) => {
                let number = name[1..]
                    .parse()
                    .ok()
                    .filter(|number| (1..=24).contains(number))?;
                Some(Self {
                    code: KeyCode::F(number),
                    ctrl: false,
                })
            }
            _ => None,
        }
    }

    /// The event a terminal would send.
    #[must_use]
    pub fn event(self) -> KeyEvent {
        let modifiers = if self.ctrl {
            KeyModifiers::CONTROL
        } else {
            KeyModifiers::NONE
        };
        KeyEvent::new(self.code, modifiers)
    }

    /// Reads keys as tests and macros write them: characters, and names in angle brackets: `jj<enter>?<ctrl-c>`.
    #[must_use]
    pub fn sequence(text: &str) -> Option<Vec<Self>> {
        let mut keys = Vec::new();
        let mut rest = text;
        while let Some(c) = rest.chars().next() {
            if c == '<'
                && let Some(end) = rest.find('>')
                && let Some(key) = Self::named(&rest[1..end])
            {
                keys.push(key);
                rest = &rest[end + 1..];
                continue;
            }
            keys.push(Self {
                code: KeyCode::Char(c),
                ctrl: false,
            });
            rest = &rest[c.len_utf8()..];
        }
        Some(keys)
    }
}

fn strip<'a>(name: &'a str, prefix: &str) -> Option<&'a str> {
    let head = name.get(..prefix.len())?;
    let rest = &name[prefix.len()..];
    (head.eq_ignore_ascii_case(prefix) && !rest.is_empty()).then_some(rest)
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.ctrl {
            f.write_str("Ctrl-")?;
        }
        if let Some((name, _)) = NAMED.iter().find(|(_, code)| *code == self.code) {
            return f.write_str(name);
        }
        match self.code {
            KeyCode::Char(c) if self.ctrl => write!(f, "{}", c.to_ascii_uppercase()),
            KeyCode::Char(c) => write!(f, "{c}"),
            KeyCode::F(number) => write!(f, "F{number}"),
            _ => f.write_str("?"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_become_keys_and_shift_is_part_of_the_letter() {
        let shifted = KeyEvent::new(KeyCode::Char('R'), KeyModifiers::SHIFT);
        assert_eq!(Key::of(&shifted), Key::named("R"));
        let back = KeyEvent::new(KeyCode::Tab, KeyModifiers::SHIFT);
        assert_eq!(Key::of(&back), Key::named("Shift-Tab"));
        assert_eq!(
            Key::of(&KeyEvent::new(KeyCode::Char('n'), KeyModifiers::ALT)),
            None
        );
    }

    #[test]
    fn sequences_read_names_in_brackets() {
        let written: Vec<String> = Key::sequence("j<Enter>?<ctrl-c><x")
            .unwrap()
            .iter()
            .map(Key::to_string)
            .collect();
        assert_eq!(written, ["j", "Enter", "?", "Ctrl-C", "<", "x"]);
    }
}
