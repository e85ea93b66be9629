//! Rows of a CSV file with a header, found line by line, so that one lost quotation mark cannot swallow the file.

use std::io;

use serde_json::{Map, Value};

use super::{Chunk, Item, MAX_RECORD, Payload, Raw, Refused};

/// A quoted field may hold this many lines.
const MOST_LINES: u64 = 10_000;

/// The rows of one file.
pub(crate) struct Rows {
    pub chunk: Chunk,
    header: Vec<String>,
    delimiter: u8,
}

impl Rows {
    #[expect(clippy::naive_bytecount, reason = "a header line")]
    pub fn new(mut chunk: Chunk) -> io::Result<Self> {
        let mut line = Vec::new();
        while line.iter().all(u8::is_ascii_whitespace) {
            line.clear();
            if !chunk.line_into(&mut line, MAX_RECORD)? {
                break;
            }
        }
        let count = |mark: u8| line.iter().filter(|byte| **byte == mark).count();
        let delimiter = [b',', b';', b'\t', b'|']
            .into_iter()
            .max_by_key(|mark| (count(*mark), *mark == b','))
            .unwrap_or(b',');
        let header = fields(&line, delimiter)
            .unwrap_or_default()
            .into_iter()
            .map(|name| String::from_utf8_lossy(&name).trim().to_owned())
            .collect();
        Ok(Self {
            chunk,
            header,
            delimiter,
        })
    }

    #[expect(clippy::naive_bytecount, reason = "a row is short")]
    pub fn next_item(&mut self) -> io::Result<Option<Item>> {
        loop {
            let line = self.chunk.line;
            let mut raw = Vec::new();
            if !self.chunk.line_into(&mut raw, MAX_RECORD)? {
                return Ok(None);
            }
            if raw.iter().all(u8::is_ascii_whitespace) {
                continue;
            }
            let first = raw.len();
            let mut ended = true;
            while raw.iter().filter(|byte| **byte == b'"').count() % 2 == 1 {
                ended = self.chunk.line - line < MOST_LINES
                    && raw.len() < MAX_RECORD
                    && self.chunk.line_into(&mut raw, MAX_RECORD)?;
                if !ended {
                    break;
                }
            }
            if !ended {
                raw.truncate(first.max(super::MAX_RAW.min(raw.len())));
            }
            while matches!(raw.last(), Some(b'\n' | b'\r')) {
                raw.pop();
            }
            let refuse = |reason, why: String, raw| {
                Item::Bad(Refused {
                    line,
                    id: None,
                    reason,
                    place: String::new(),
                    why,
                    raw,
                })
            };
            if !ended {
                return Ok(Some(refuse(
                    "bad_csv",
                    "A quotation mark is opened and never closed.".to_owned(),
                    raw,
                )));
            }
            let Some(fields) = fields(&raw, self.delimiter) else {
                return Ok(Some(refuse("bad_csv", "The row cannot be read.".to_owned(), raw)));
            };
            if fields.len() != self.header.len() {
                let why = format!(
                    "The row has {} fields, the header has {}.",
                    fields.len(),
                    self.header.len()
                );
                return Ok(Some(refuse("wrong_field_count", why, raw)));
            }
            let mut object = Map::new();
            for (name, field) in self.header.iter().zip(fields) {
                match String::from_utf8(field) {
                    Ok(text) if text.is_empty() => {}
                    Ok(text) => {
                        object.insert(name.clone(), Value::String(text));
                    }
                    Err(_) => {
                        return Ok(Some(refuse(
                            "not_utf8",
                            format!("The field {name} is not UTF-8."),
                            raw,
                        )));
                    }
                }
            }
            return Ok(Some(Item::Record(Raw {
                line,
                payload: Payload::Value(Value::Object(object), raw),
            })));
        }
    }
}

fn fields(row: &[u8], delimiter: u8) -> Option<Vec<Vec<u8>>> {
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .delimiter(delimiter)
        .from_reader(row);
    let record = reader.byte_records().next()?.ok()?;
    Some(record.iter().map(<[u8]>::to_vec).collect())
}
