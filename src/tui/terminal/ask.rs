//! Asking the terminal for its background, once, before the loop reads keys.
//!
//! The question (OSC 11) is followed by one every terminal answers (primary device attributes), so that a terminal
//! which does not know the first is recognised at once. The wait is 100 ms in all. An answer that comes later would
//! look like typed letters; [`LateAnswer`] swallows it.

use std::io::{self, Write as _};
use std::time::{Duration, Instant};

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use rustix::termios::{self, OptionalActions, SpecialCodeIndex};

/// How long an answer is waited for.
pub const LIMIT: Duration = Duration::from_millis(100);

const QUESTION: &[u8] = b"\x1b]11;?\x07\x1b[c";

/// What the terminal said.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Answer {
    /// Whether the background is light, when it said so.
    pub light: Option<bool>,
    /// Whether everything asked was answered, so that nothing will come late.
    pub complete: bool,
    /// Keys that were pressed meanwhile, in order.
    pub typed: Vec<KeyEvent>,
}

/// Asks and waits at most [`LIMIT`]. The terminal must be raw. Never fails: no answer is an answer.
#[must_use]
pub fn background() -> Answer {
    let stdin = io::stdin();
    let Ok(before) = termios::tcgetattr(&stdin) else {
        return Answer::default();
    };
    let mut patient = before.clone();
    // A read returns after 0.1 s at the latest, with or without input.
    patient.special_codes[SpecialCodeIndex::VMIN] = 0;
    patient.special_codes[SpecialCodeIndex::VTIME] = 1;
    if termios::tcsetattr(&stdin, OptionalActions::Now, &patient).is_err() {
        return Answer::default();
    }
    let mut bytes = Vec::new();
    let mut out = io::stdout();
    if out.write_all(QUESTION).and_then(|()| out.flush()).is_ok() {
        let start = Instant::now();
        let mut chunk = [0_u8; 256];
        while start.elapsed() < LIMIT && !read(&bytes).complete {
            match rustix::io::read(&stdin, &mut chunk) {
                Ok(0) | Err(_) => break,
                Ok(count) => bytes.extend_from_slice(&chunk[..count]),
            }
        }
    }
    let _ = termios::tcsetattr(&stdin, OptionalActions::Now, &before);
    read(&bytes)
}

/// Takes an answer apart: the colour, the attributes, and what was typed between them.
#[must_use]
pub fn read(bytes: &[u8]) -> Answer {
    let mut answer = Answer::default();
    let mut at = 0;
    while at < bytes.len() {
        let rest = &bytes[at..];
        if rest.starts_with(b"\x1b]") {
            let Some(end) = rest.iter().position(|byte| *byte == 0x07 || *byte == b'\\') else {
                break;
            };
            answer.light = colour(&rest[2..end]).or(answer.light);
            at += end + 1;
        } else if rest.starts_with(b"\x1b[") {
            let Some(end) = rest.iter().skip(2).position(u8::is_ascii_alphabetic) else {
                break;
            };
            let last = rest[end + 2];
            if last == b'c' && rest.get(2) == Some(&b'?') {
                answer.complete = true;
            } else if end == 0 {
                answer.typed.extend(arrow(last));
            }
            at += end + 3;
        } else {
            let (key, length) = pressed(rest);
            answer.typed.extend(key);
            at += length;
        }
    }
    answer
}

/// An arrow or Home and End as most terminals send them.
fn arrow(last: u8) -> Option<KeyEvent> {
    let code = match last {
        b'A' => KeyCode::Up,
        b'B' => KeyCode::Down,
        b'C' => KeyCode::Right,
        b'D' => KeyCode::Left,
        b'F' => KeyCode::End,
        b'H' => KeyCode::Home,
        b'Z' => KeyCode::BackTab,
        _ => return None,
    };
    Some(KeyEvent::new(code, KeyModifiers::NONE))
}

/// The key at the start of what was read, and its length in bytes.
fn pressed(rest: &[u8]) -> (Option<KeyEvent>, usize) {
    let plain = |code| Some(KeyEvent::new(code, KeyModifiers::NONE));
    match rest[0] {
        b'\r' | b'\n' => (plain(KeyCode::Enter), 1),
        b'\t' => (plain(KeyCode::Tab), 1),
        0x1b => (plain(KeyCode::Esc), 1),
        0x7f => (plain(KeyCode::Backspace), 1),
        control @ 0x01..=0x1a => {
            let letter = char::from(control - 1 + b'a');
            (
                Some(KeyEvent::new(KeyCode::Char(letter), KeyModifiers::CONTROL)),
                1,
            )
        }
        _ => {
            let longest = &rest[..rest.len().min(4)];
            let valid = match std::str::from_utf8(longest) {
                Ok(text) => text,
                Err(error) => std::str::from_utf8(&longest[..error.valid_up_to()]).unwrap_or_default(),
            };
            match valid.chars().next() {
                Some(c) if !c.is_control() => (plain(KeyCode::Char(c)), c.len_utf8()),
                _ => (None, 1),
            }
        }
    }
}

/// `11;rgb:1c1c/1c1c/1c1c` and its shorter forms: light when the luminance is over a half.
fn colour(body: &[u8]) -> Option<bool> {
    let body = std::str::from_utf8(body).ok()?;
    let triple = body
        .strip_prefix("11;rgb:")
        .or_else(|| body.strip_prefix("11;rgba:"))?;
    let mut parts = triple.split('/').map(|part| {
        let digits: String = part.chars().take_while(char::is_ascii_hexdigit).take(4).collect();
        let most = 16_u32
            .checked_pow(u32::try_from(digits.len()).ok()?)?
            .checked_sub(1)?;
        let value = u32::from_str_radix(&digits, 16).ok()?;
        value.checked_mul(1000)?.checked_div(most)
    });
    let (red, green, blue) = (parts.next()??, parts.next()??, parts.next()??);
    // Rec. 601 luma in thousandths.
    Some(299 * red + 587 * green + 114 * blue > 500_000)
}

/// Swallows an answer that comes after the wait: the reader of keys sees it as Alt-] and letters up to its end.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct LateAnswer {
    expected: bool,
    inside: bool,
}

impl LateAnswer {
    /// `expected` when the question was asked and not answered in time.
    #[must_use]
    pub const fn new(expected: bool) -> Self {
        Self {
            expected,
            inside: false,
        }
    }

    /// Whether this key is part of the late answer and must not act.
    pub fn swallows(&mut self, key: &KeyEvent) -> bool {
        if !self.expected {
            return false;
        }
        if self.inside {
            let end = matches!(
                (key.code, key.modifiers),
                (KeyCode::Char('g'), KeyModifiers::CONTROL) | (KeyCode::Char('\\'), KeyModifiers::ALT)
            );
            // An answer has only these; anything else is a person, and the answer was cut off.
            let part = matches!(key.code, KeyCode::Char(c) if c.is_ascii_hexdigit() || "rgba;:/".contains(c));
            self.inside = part && !end;
            self.expected = self.inside;
            return part || end;
        }
        if key.code == KeyCode::Char(']') && key.modifiers == KeyModifiers::ALT {
            self.inside = true;
            return true;
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tui::keymap::Key;

    #[test]
    fn answers_of_real_terminals() {
        let cases: &[(&[u8], Option<bool>, bool, &str)] = &[
            (
                b"\x1b]11;rgb:1c1c/1c1c/1c1c\x1b\\\x1b[?62;22c",
                Some(false),
                true,
                "",
            ),
            (b"\x1b]11;rgb:ffff/ffff/dddd\x07\x1b[?1;2c", Some(true), true, ""),
            (b"\x1b]11;rgb:ff/ff/ff\x07", Some(true), false, ""),
            (b"\x1b[?64;1;2;6c", None, true, ""),
            (b"n\x1b[?6cq", None, true, "nq"),
            (b"\x1b]11;rgb:zz/zz/zz\x07\x1b[?6c", None, true, ""),
            (b"\x1b]11;rgb:1c1c", None, false, ""),
            (b"", None, false, ""),
            (b"\x03", None, false, "<Ctrl-C>"),
            (b"j\x1b[B\x1b[?6c\r\x1a", None, true, "j<Down><Enter><Ctrl-Z>"),
            ("é\x1b".as_bytes(), None, false, "é<Esc>"),
        ];
        for (bytes, light, complete, typed) in cases {
            let answer = read(bytes);
            let keys: Vec<KeyEvent> = Key::sequence(typed)
                .unwrap()
                .into_iter()
                .map(Key::event)
                .collect();
            assert_eq!(
                (answer.light, answer.complete, &answer.typed),
                (*light, *complete, &keys),
                "{:?}",
                String::from_utf8_lossy(bytes)
            );
        }
    }

    fn key(code: char, modifiers: KeyModifiers) -> KeyEvent {
        KeyEvent::new(KeyCode::Char(code), modifiers)
    }

    #[test]
    fn a_late_answer_presses_no_keys() {
        let mut filter = LateAnswer::new(true);
        assert!(!filter.swallows(&key('n', KeyModifiers::NONE)));
        assert!(filter.swallows(&key(']', KeyModifiers::ALT)));
        for c in "11;rgb:1c1c/1c1c/1c1c".chars() {
            assert!(filter.swallows(&key(c, KeyModifiers::NONE)), "{c}");
        }
        assert!(filter.swallows(&key('\\', KeyModifiers::ALT)));
        assert!(
            !filter.swallows(&key('r', KeyModifiers::NONE)),
            "the answer has ended"
        );
        assert!(
            !filter.swallows(&key(']', KeyModifiers::ALT)),
            "only one answer is expected"
        );
    }
}
