//! The entries of a YAML list, or of the list inside an object. A file of up to 8 MiB is read as a document; a larger or a
//! broken one is cut into its entries by their dashes, so that one bad entry does not hide the others.

use std::collections::VecDeque;
use std::io;

use serde_json::Value;

use super::{Chunk, Item, MAX_RECORD, Payload, Raw, Refused};
use crate::engine::yaml;

const WHOLE: usize = 8 * 1024 * 1024;
const LISTS: [&str; 7] = [
    "tasks",
    "jobs",
    "sessions",
    "items",
    "records",
    "legacy_tasks",
    "data",
];

/// The entries of one file.
pub(crate) struct Entries {
    pub chunk: Chunk,
    ready: VecDeque<Item>,
    /// Lines read and not yet used, with their numbers.
    held: VecDeque<(u64, Vec<u8>)>,
    /// The column of the dashes, once known.
    dash: Option<usize>,
    done: bool,
}

impl Entries {
    pub fn new(mut chunk: Chunk) -> io::Result<Self> {
        let mut lines = VecDeque::new();
        let mut size = 0;
        let mut ended = false;
        while size <= WHOLE {
            let number = chunk.line;
            let mut line = Vec::new();
            if !chunk.line_into(&mut line, MAX_RECORD)? {
                ended = true;
                break;
            }
            size += line.len();
            lines.push_back((number, line));
        }
        let mut entries = Self {
            chunk,
            ready: VecDeque::new(),
            held: lines,
            dash: None,
            done: false,
        };
        if ended {
            let text: Vec<u8> = entries
                .held
                .iter()
                .flat_map(|(_, line)| line.iter().copied())
                .collect();
            let items = std::str::from_utf8(&text)
                .ok()
                .and_then(|text| yaml::from_str_bounded::<Value>("tasks", text, 8_000_000).ok())
                .and_then(list);
            if let Some(items) = items {
                let starts = entries.starts();
                for (index, value) in items.into_iter().enumerate() {
                    let raw = value.to_string().into_bytes();
                    let line = starts.get(index).copied().unwrap_or(1);
                    entries.ready.push_back(if value.is_object() {
                        Item::Record(Raw {
                            line,
                            payload: Payload::Value(value, raw),
                        })
                    } else {
                        Item::Bad(Refused {
                            line,
                            id: None,
                            reason: "not_an_object",
                            place: String::new(),
                            why: "A task is an object with a description.".to_owned(),
                            raw,
                        })
                    });
                }
                entries.held.clear();
                entries.done = true;
            }
        }
        Ok(entries)
    }

    /// The lines on which entries begin.
    fn starts(&self) -> Vec<u64> {
        let dash = self.held.iter().find_map(|(_, line)| dash_column(line));
        self.held
            .iter()
            .filter(|(_, line)| dash.is_some() && dash_column(line) == dash)
            .map(|(number, _)| *number)
            .collect()
    }

    fn line(&mut self) -> io::Result<Option<(u64, Vec<u8>)>> {
        if let Some(line) = self.held.pop_front() {
            return Ok(Some(line));
        }
        let number = self.chunk.line;
        let mut line = Vec::new();
        Ok(self
            .chunk
            .line_into(&mut line, MAX_RECORD)?
            .then_some((number, line)))
    }

    pub fn next_item(&mut self) -> io::Result<Option<Item>> {
        if let Some(item) = self.ready.pop_front() {
            return Ok(Some(item));
        }
        if self.done {
            return Ok(None);
        }
        let mut entry: Option<(u64, Vec<u8>)> = None;
        let mut large = false;
        while let Some((number, line)) = self.line()? {
            let column = dash_column(&line);
            if column.is_some() && self.dash.is_none() {
                self.dash = column;
            }
            let begins = column.is_some() && column == self.dash;
            // A key at the left of the dashes ends the list.
            if begins
                || !line.iter().all(u8::is_ascii_whitespace)
                    && column.is_none()
                    && indent(&line) < self.dash.unwrap_or(0)
            {
                if entry.is_some() {
                    self.held.push_front((number, line));
                    break;
                }
                if !begins {
                    continue;
                }
                entry = Some((number, Vec::new()));
            }
            if let Some((_, text)) = &mut entry {
                if text.len() + line.len() <= MAX_RECORD {
                    text.extend_from_slice(&line);
                } else {
                    large = true;
                }
            }
        }
        let Some((line, raw)) = entry else {
            self.done = true;
            return Ok(None);
        };
        let refuse = |reason, place: String, why: String, raw: Vec<u8>| {
            Item::Bad(Refused {
                line,
                id: None,
                reason,
                place,
                why,
                raw,
            })
        };
        if large {
            return Ok(Some(refuse(
                "too_large",
                String::new(),
                "The record is larger than 16 MiB.".to_owned(),
                raw,
            )));
        }
        let Ok(text) = std::str::from_utf8(&raw) else {
            return Ok(Some(refuse(
                "not_utf8",
                String::new(),
                "The text is not UTF-8.".to_owned(),
                raw,
            )));
        };
        Ok(Some(match yaml::from_str::<Value>("entry", text) {
            Ok(Value::Array(mut items)) if items.len() == 1 && items[0].is_object() => {
                let value = items.swap_remove(0);
                Item::Record(Raw {
                    line,
                    payload: Payload::Value(value, raw),
                })
            }
            Ok(_) => refuse(
                "not_an_object",
                String::new(),
                "A task is an object with a description.".to_owned(),
                raw,
            ),
            Err(error) => {
                let said = error
                    .message
                    .trim_start_matches("entry")
                    .trim_start_matches(':')
                    .trim()
                    .to_owned();
                refuse(
                    "bad_yaml",
                    said.split(':').next().unwrap_or("").to_owned(),
                    format!("Not readable as YAML: {said}."),
                    raw,
                )
            }
        }))
    }
}

fn indent(line: &[u8]) -> usize {
    line.iter().take_while(|byte| **byte == b' ').count()
}

fn dash_column(line: &[u8]) -> Option<usize> {
    let column = indent(line);
    (line.get(column) == Some(&b'-') && line.get(column + 1).is_none_or(u8::is_ascii_whitespace))
        .then_some(column)
}

fn list(value: Value) -> Option<Vec<Value>> {
    match value {
        Value::Array(items) => Some(items),
        Value::Object(mut object) => {
            let key = object
                .keys()
                .find(|key| LISTS.contains(&key.to_lowercase().as_str()) && object[key.as_str()].is_array())
                .cloned();
            match key.and_then(|key| object.remove(&key)) {
                Some(Value::Array(items)) => Some(items),
                _ => Some(vec![Value::Object(object)]),
            }
        }
        Value::Null => Some(Vec::new()),
        _ => None,
    }
}
