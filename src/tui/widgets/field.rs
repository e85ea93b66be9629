//! A text field: editing by `tui-textarea`, drawing by us, so that the insertion point is a sign and not only a style.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use tui_textarea::{CursorMove, TextArea};

use crate::tui::paint::Painter;
use crate::tui::style::Role;
use crate::tui::text;

/// The most characters a field takes; what is longer is cut when pasted.
pub const LIMIT: usize = 4_000;

/// A field of one line, or of several for free text.
#[derive(Debug, Clone)]
pub struct Field {
    area: TextArea<'static>,
    lines: bool,
    secret: bool,
}

impl Field {
    /// A one-line field with its present text, the insertion point at its end.
    #[must_use]
    pub fn line(present: &str) -> Self {
        let mut area = TextArea::new(vec![one_line(present)]);
        area.move_cursor(CursorMove::End);
        Self {
            area,
            lines: false,
            secret: false,
        }
    }

    /// A field for free text.
    #[must_use]
    pub fn prose(present: &str) -> Self {
        let mut area = TextArea::new(present.lines().map(str::to_owned).collect());
        area.move_cursor(CursorMove::Bottom);
        area.move_cursor(CursorMove::End);
        Self {
            area,
            lines: true,
            secret: false,
        }
    }

    /// Shows stars, and not how many characters there are.
    #[must_use]
    pub const fn secret(mut self) -> Self {
        self.secret = true;
        self
    }

    /// Whether Enter belongs to the text.
    #[must_use]
    pub const fn is_prose(&self) -> bool {
        self.lines
    }

    /// The text.
    #[must_use]
    pub fn text(&self) -> String {
        self.area.lines().join("\n")
    }

    /// Whether there is no text.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.area.lines().iter().all(String::is_empty)
    }

    /// Takes a key; returns whether it meant something to a text field.
    pub fn typed(&mut self, key: &KeyEvent) -> bool {
        let plain = key.modifiers.difference(KeyModifiers::SHIFT).is_empty();
        match key.code {
            KeyCode::Enter if !self.lines => false,
            KeyCode::Enter => {
                self.area.insert_newline();
                true
            }
            KeyCode::Char('u') if key.modifiers == KeyModifiers::CONTROL => {
                self.area.delete_line_by_head();
                true
            }
            KeyCode::Char('w') if key.modifiers == KeyModifiers::CONTROL => {
                self.area.delete_word();
                true
            }
            KeyCode::Char(c) if plain && !c.is_control() => {
                if self.text().chars().count() < LIMIT {
                    self.area.insert_char(c);
                }
                true
            }
            KeyCode::Backspace
            | KeyCode::Delete
            | KeyCode::Left
            | KeyCode::Right
            | KeyCode::Home
            | KeyCode::End => {
                self.area.input(*key);
                true
            }
            KeyCode::Up | KeyCode::Down if self.lines => {
                self.area.input(*key);
                true
            }
            _ => false,
        }
    }

    /// Takes pasted text; line ends become spaces in a one-line field, control characters vanish.
    pub fn paste(&mut self, pasted: &str) {
        let room = LIMIT.saturating_sub(self.text().chars().count());
        let pasted = if self.lines {
            pasted.replace("\r\n", "\n").replace('\r', "\n")
        } else {
            one_line(pasted)
        };
        let clean: String = pasted
            .chars()
            .filter(|c| !c.is_control() || *c == '\n')
            .take(room)
            .collect();
        self.area.insert_str(clean);
    }

    /// Empties the field.
    pub fn clear(&mut self) {
        *self = if self.lines {
            Self::prose("")
        } else {
            Self::line("")
        };
    }

    /// What stands before and after the insertion point of the current line.
    fn around(&self) -> (String, String) {
        if self.secret {
            return (
                if self.is_empty() {
                    String::new()
                } else {
                    "******".to_owned()
                },
                String::new(),
            );
        }
        let cursor = self.area.cursor();
        let line = self.area.lines().get(cursor.0).cloned().unwrap_or_default();
        let at = line.char_indices().nth(cursor.1).map_or(line.len(), |(at, _)| at);
        (line[..at].to_owned(), line[at..].to_owned())
    }

    /// The field as text in exactly `width` cells with the insertion point in view: `1000▏      `.
    #[must_use]
    pub fn shown(&self, width: u16, caret: &str) -> String {
        let width = usize::from(width);
        let (before, after) = self.around();
        let room = width.saturating_sub(1);
        let start = text::width(&before).saturating_sub(room);
        let mut skipped = 0;
        let tail: String = before
            .chars()
            .skip_while(|c| {
                let skip = skipped < start;
                skipped += text::width(c.encode_utf8(&mut [0; 4]));
                skip
            })
            .collect();
        let rest = text::take(&after, room.saturating_sub(text::width(&tail))).to_owned();
        text::pad(&format!("{tail}{caret}{rest}"), width)
    }

    /// Draws a field of several lines over the painter's area, the current line in view.
    pub fn draw(&self, painter: &mut Painter<'_>, role: Role) {
        let height = usize::from(painter.height());
        let caret = painter.glyphs().caret;
        let cursor = self.area.cursor();
        let top = (cursor.0 + 1).saturating_sub(height);
        for (y, (index, line)) in (0..painter.height()).zip(self.area.lines().iter().enumerate().skip(top)) {
            let shown = if index == cursor.0 {
                self.shown(painter.width(), caret)
            } else {
                line.clone()
            };
            painter.put(0, y, &shown, role, u16::MAX);
        }
    }
}

fn one_line(text: &str) -> String {
    text.split(['\r', '\n'])
        .filter(|part| !part.is_empty())
        .collect::<Vec<_>>()
        .join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tui::keymap::Key;

    fn typed(field: &mut Field, keys: &str) {
        for key in Key::sequence(keys).unwrap() {
            field.typed(&key.event());
        }
    }

    #[test]
    fn letters_go_in_where_the_caret_is() {
        let mut field = Field::line("1000");
        assert_eq!(field.shown(8, "▏"), "1000▏   ");
        typed(&mut field, "x<left><left>y<backspace>z");
        assert_eq!(field.text(), "100z0x");
        assert_eq!(field.shown(8, "_"), "100z_0x ");
        typed(&mut field, "<ctrl-u>");
        assert_eq!(field.text(), "0x");
    }

    #[test]
    fn a_long_text_keeps_its_end_in_view() {
        assert_eq!(Field::line("abcdefghij").shown(5, "▏"), "ghij▏");
    }

    #[test]
    fn what_is_pasted_stays_on_its_line_and_brings_no_commands() {
        let mut field = Field::line("");
        field.paste("a\r\nb\x1b[2Jc");
        assert_eq!(field.text(), "a b[2Jc");
        let mut prose = Field::prose("");
        prose.paste("a\r\nb");
        assert_eq!(prose.text(), "a\nb");
    }

    #[test]
    fn a_secret_shows_neither_itself_nor_its_length() {
        let short = Field::line("a").secret().shown(8, "▏");
        let long = Field::line("hunter2hunter2").secret().shown(8, "▏");
        assert_eq!((short.as_str(), long.as_str()), ("******▏ ", "******▏ "));
    }
}
