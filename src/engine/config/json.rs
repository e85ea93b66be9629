//! JSON with places. `serde_json` tells places only in errors, so the structure is read here and each scalar by it.

use super::tree::{Key, Node, Place, Value};
use crate::engine::error::{Error, Result};

const MAX_DEPTH: usize = 64;

/// Reads one JSON document. Duplicate keys are refused with both places.
///
/// # Errors
/// [`crate::engine::ErrorKind::Input`] with line and column, never with a value.
pub fn parse(name: &str, text: &str) -> Result<Node> {
    let mut reader = Reader {
        name,
        text,
        at: 0,
        place: Place { line: 1, column: 1 },
    };
    let node = reader.node(0)?;
    reader.blank();
    if reader.at < text.len() {
        return Err(reader.error("text after the end of the document"));
    }
    Ok(node)
}

struct Reader<'a> {
    name: &'a str,
    text: &'a str,
    at: usize,
    place: Place,
}

impl<'a> Reader<'a> {
    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    fn error_at(&self, place: Place, what: &str) -> Error {
        Error::input(format!(
            "{} line {}, column {}: {what}",
            self.name, place.line, place.column
        ))
    }

    fn error(&self, what: &str) -> Error {
        self.error_at(self.place, what)
    }

    fn skip(&mut self, bytes: usize) {
        for c in self.text[self.at..self.at + bytes].chars() {
            if c == '\n' {
                self.place.line += 1;
                self.place.column = 1;
            } else {
                self.place.column += 1;
            }
        }
        self.at += bytes;
    }

    fn blank(&mut self) {
        let rest = self.rest();
        let gap = rest.len() - rest.trim_start_matches([' ', '\t', '\r', '\n']).len();
        self.skip(gap);
    }

    fn take(&mut self, c: char) -> bool {
        let found = self.peek() == Some(c);
        if found {
            self.skip(c.len_utf8());
        }
        found
    }

    fn node(&mut self, depth: usize) -> Result<Node> {
        self.blank();
        if depth > MAX_DEPTH {
            return Err(self.error("nested deeper than 64 levels"));
        }
        let place = self.place;
        let value = match self.peek() {
            None => return Err(self.error("the document ends too early")),
            Some('{') => self.map(depth)?,
            Some('[') => self.list(depth)?,
            Some('"') => Value::Text(self.string()?),
            Some(_) => self.plain()?,
        };
        Ok(Node { place, value })
    }

    fn map(&mut self, depth: usize) -> Result<Value> {
        self.take('{');
        let mut entries: Vec<(Key, Node)> = Vec::new();
        self.blank();
        if self.take('}') {
            return Ok(Value::Map(entries));
        }
        loop {
            self.blank();
            let place = self.place;
            if self.peek() != Some('"') {
                return Err(self.error("a key in double quotes is expected"));
            }
            let name = self.string()?;
            if let Some((first, _)) = entries.iter().find(|(key, _)| key.name == name) {
                let shown = crate::engine::text::inert_short(&name, 60);
                let line = first.place.line;
                return Err(self.error_at(place, &format!("duplicate key {shown}, first on line {line}")));
            }
            self.blank();
            if !self.take(':') {
                return Err(self.error("a colon is expected"));
            }
            let node = self.node(depth + 1)?;
            entries.push((Key { name, place }, node));
            self.blank();
            if self.take('}') {
                return Ok(Value::Map(entries));
            }
            if !self.take(',') {
                return Err(self.error("a comma or } is expected"));
            }
        }
    }

    fn list(&mut self, depth: usize) -> Result<Value> {
        self.take('[');
        let mut items = Vec::new();
        self.blank();
        if self.take(']') {
            return Ok(Value::List(items));
        }
        loop {
            items.push(self.node(depth + 1)?);
            self.blank();
            if self.take(']') {
                return Ok(Value::List(items));
            }
            if !self.take(',') {
                return Err(self.error("a comma or ] is expected"));
            }
        }
    }

    fn string(&mut self) -> Result<String> {
        let rest = self.rest();
        let mut escaped = false;
        for (i, c) in rest.char_indices().skip(1) {
            match c {
                _ if escaped => escaped = false,
                '\\' => escaped = true,
                '"' => {
                    let parsed = serde_json::from_str(&rest[..=i])
                        .map_err(|_| self.error("a string with an invalid escape or control character"))?;
                    self.skip(i + 1);
                    return Ok(parsed);
                }
                _ => {}
            }
        }
        Err(self.error("a string is not closed"))
    }

    fn plain(&mut self) -> Result<Value> {
        let rest = self.rest();
        let end = rest
            .find([',', '}', ']', ' ', '\t', '\r', '\n'])
            .unwrap_or(rest.len());
        let word = &rest[..end];
        let value = match word {
            "null" => Value::Null,
            "true" => Value::Bool(true),
            "false" => Value::Bool(false),
            _ => {
                // Only what JSON calls a number: no leading zero or plus, no NaN.
                let number = serde_json::from_str::<f64>(word)
                    .map_err(|_| self.error("a value is expected: text needs double quotes"))?;
                word.parse().map_or(Value::Float(number), Value::Int)
            }
        };
        self.skip(end);
        Ok(value)
    }
}
