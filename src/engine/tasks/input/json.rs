//! The elements of a JSON array, of a list inside an object, or of values one after the other, found without parsing them.
//!
//! A broken element does not hide those behind it: where text runs over the end of a line or a brace is missing, reading
//! goes on at the next line that opens an object.

use std::io;

use super::{Chunk, Item, MAX_RAW, MAX_RECORD, Payload, Raw, Refused};

/// Keys whose list holds the tasks.
const LISTS: [&[u8]; 7] = [
    b"tasks",
    b"jobs",
    b"sessions",
    b"items",
    b"records",
    b"legacy_tasks",
    b"data",
];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mode {
    Start,
    /// Inside an array; `true` when it stands in an object.
    Array(bool),
    /// Values one after the other.
    Sequence,
    Done,
}

/// The scanner over one input.
pub(crate) struct Scanner {
    pub chunk: Chunk,
    mode: Mode,
    found_list: bool,
}

enum Found {
    Element,
    Bad(&'static str, &'static str),
    /// The list of an object begins here.
    List,
}

impl Scanner {
    pub const fn new(chunk: Chunk) -> Self {
        Self {
            chunk,
            mode: Mode::Start,
            found_list: false,
        }
    }

    fn blanks(&mut self) -> io::Result<Option<u8>> {
        while let Some(byte) = self.chunk.peek()? {
            if !byte.is_ascii_whitespace() {
                return Ok(Some(byte));
            }
            self.chunk.take();
        }
        Ok(None)
    }

    fn refuse(line: u64, reason: &'static str, why: &str, mut raw: Vec<u8>) -> Item {
        if reason == "too_large" {
            raw.truncate(MAX_RAW);
        }
        while raw.last().is_some_and(u8::is_ascii_whitespace) {
            raw.pop();
        }
        Item::Bad(Refused {
            line,
            id: None,
            reason,
            place: String::new(),
            why: why.to_owned(),
            raw,
        })
    }

    #[expect(clippy::match_same_arms, reason = "an arm a state")]
    pub fn next_item(&mut self) -> io::Result<Option<Item>> {
        loop {
            let next = self.blanks()?;
            let line = self.chunk.line;
            match (self.mode, next) {
                (Mode::Done, _) | (Mode::Start | Mode::Sequence, None) => return Ok(None),
                (Mode::Start, Some(b'[')) => {
                    self.chunk.take();
                    self.mode = Mode::Array(false);
                }
                (Mode::Start, Some(_)) => self.mode = Mode::Sequence,
                (Mode::Array(_), None) => {
                    self.mode = Mode::Done;
                    return Ok(Some(Self::refuse(
                        line,
                        "truncated",
                        "The file ends inside its list.",
                        Vec::new(),
                    )));
                }
                (Mode::Array(_), Some(b',')) => self.chunk.take(),
                (Mode::Array(inside), Some(b']')) => {
                    self.chunk.take();
                    self.mode = Mode::Done;
                    if inside {
                        // The object may hold another list.
                        let mut raw = Vec::new();
                        if matches!(self.object(&mut raw, b']')?, Found::List) {
                            self.mode = Mode::Array(true);
                        }
                    } else if self.blanks()?.is_some() {
                        let line = self.chunk.line;
                        let mut raw = Vec::new();
                        while self.chunk.line_into(&mut raw, MAX_RAW)? {}
                        return Ok(Some(Self::refuse(
                            line,
                            "trailing_data",
                            "There is text behind the end of the list.",
                            raw,
                        )));
                    }
                }
                (Mode::Sequence, Some(b'{')) => {
                    let mut raw = Vec::new();
                    let found = self.object(&mut raw, 0)?;
                    match found {
                        Found::List => self.mode = Mode::Array(true),
                        Found::Element => {
                            return Ok(Some(Item::Record(Raw {
                                line,
                                payload: Payload::Json(raw),
                            })));
                        }
                        Found::Bad(reason, why) => return Ok(Some(Self::refuse(line, reason, why, raw))),
                    }
                    self.found_list = true;
                }
                (Mode::Sequence, Some(b',')) => self.chunk.take(),
                (Mode::Sequence, Some(_)) => {
                    let mut raw = Vec::new();
                    self.chunk.line_into(&mut raw, MAX_RAW)?;
                    return Ok(Some(Self::refuse(
                        line,
                        "bad_json",
                        "The line is no JSON object.",
                        raw,
                    )));
                }
                (Mode::Array(_), Some(b'{')) => {
                    let mut raw = Vec::new();
                    self.found_list = true;
                    return Ok(Some(match self.object(&mut raw, 0)? {
                        Found::Bad(reason, why) => {
                            if reason == "truncated" {
                                self.mode = Mode::Done;
                            }
                            Self::refuse(line, reason, why, raw)
                        }
                        Found::Element | Found::List => Item::Record(Raw {
                            line,
                            payload: Payload::Json(raw),
                        }),
                    }));
                }
                (Mode::Array(_), Some(_)) => {
                    let raw = self.scalar()?;
                    return Ok(Some(Self::refuse(
                        line,
                        "not_an_object",
                        "A task is an object with a description.",
                        raw,
                    )));
                }
            }
        }
    }

    /// An element that is no object, up to the comma behind it.
    fn scalar(&mut self) -> io::Result<Vec<u8>> {
        let mut raw = Vec::new();
        let (mut depth, mut text, mut escaped) = (0_u32, false, false);
        while let Some(byte) = self.chunk.peek()? {
            if text {
                text = escaped || byte != b'"';
                escaped = !escaped && byte == b'\\';
            } else {
                match byte {
                    b'"' => text = true,
                    b'[' | b'{' => depth += 1,
                    b']' | b'}' if depth > 0 => depth -= 1,
                    b',' | b']' if depth == 0 => break,
                    _ => {}
                }
            }
            if raw.len() < MAX_RAW {
                raw.push(byte);
            }
            self.chunk.take();
        }
        Ok(raw)
    }

    /// Scans an object from its brace on into `raw`. `before` not 0: goes on inside an object, behind that byte.
    #[expect(clippy::similar_names, reason = "text and next are what they are")]
    #[expect(clippy::too_many_lines, reason = "one state machine over the record's bytes")]
    fn object(&mut self, raw: &mut Vec<u8>, before: u8) -> io::Result<Found> {
        let mut stack: Vec<u8> = if before == 0 { Vec::new() } else { vec![b'{'] };
        let mut last = before;
        let (mut text, mut escaped, mut line_start) = (false, false, false);
        let mut bad: Option<(&'static str, &'static str)> = None;
        let look_for_lists = !self.found_list || before != 0;
        let mut key: Option<(usize, usize)> = None;
        let mut text_from = 0;
        let mut length = 0_usize;
        let mut resync = false;
        loop {
            let Some(byte) = self.chunk.peek()? else {
                return Ok(match bad {
                    Some((reason, why)) => Found::Bad(reason, why),
                    None if before != 0 => Found::Element,
                    None => Found::Bad("truncated", "The file ends inside this record."),
                });
            };
            if line_start
                && byte == b'{'
                && !stack.is_empty()
                && (resync || (stack.last() == Some(&b'{') && last != b':'))
            {
                let (reason, why) = bad.unwrap_or(("bad_json", "A brace is missing before the next record."));
                return Ok(Found::Bad(reason, why));
            }
            if resync && line_start && byte == b']' && !raw.is_empty() {
                let (reason, why) = bad.unwrap_or(("bad_json", "The record does not end."));
                return Ok(Found::Bad(reason, why));
            }
            if text && !escaped && length < MAX_RECORD {
                // The inside of a text up to the next byte that means something, in one go.
                let inside = self.chunk.rest();
                let run = inside
                    .iter()
                    .position(|byte| matches!(byte, b'"' | b'\\' | b'\n'))
                    .unwrap_or(inside.len())
                    .min(MAX_RECORD.saturating_sub(length));
                if run > 0 {
                    raw.extend_from_slice(&inside[..run]);
                    self.chunk.skip(run);
                    length += run;
                    continue;
                }
            }
            self.chunk.take();
            length += 1;
            if length <= MAX_RECORD {
                raw.push(byte);
            } else if bad.is_none() {
                bad = Some(("too_large", "The record is larger than 16 MiB."));
            }
            if text {
                if escaped {
                    escaped = false;
                } else {
                    match byte {
                        b'\\' => escaped = true,
                        b'"' => {
                            text = false;
                            if stack.len() == 1 && (last == b'{' || last == b',') {
                                key = Some((text_from, raw.len().saturating_sub(1)));
                            }
                            last = b'"';
                        }
                        b'\n' => {
                            text = false;
                            resync = true;
                            line_start = true;
                            bad = bad.or(Some(("bad_json", "A text runs over the end of its line.")));
                        }
                        _ => {}
                    }
                }
                continue;
            }
            match byte {
                b'\n' => {
                    line_start = true;
                    continue;
                }
                b' ' | b'\t' | b'\r' => continue,
                b'"' => {
                    text = true;
                    text_from = raw.len();
                    line_start = false;
                    continue;
                }
                b'{' => stack.push(b'{'),
                b'[' => {
                    let list = look_for_lists
                        && stack.len() == 1
                        && last == b':'
                        && key.is_some_and(|(from, to)| {
                            raw.get(from..to)
                                .is_some_and(|key| LISTS.iter().any(|list| key.eq_ignore_ascii_case(list)))
                        });
                    if list && matches!(self.blanks()?, Some(b'{' | b']')) {
                        return Ok(Found::List);
                    }
                    stack.push(b'[');
                }
                b'}' | b']' => {
                    let open = stack.pop();
                    if open != Some(if byte == b'}' { b'{' } else { b'[' }) && bad.is_none() {
                        bad = Some(("bad_json", "A bracket closes what it did not open."));
                    }
                    if stack.is_empty() {
                        return Ok(bad.map_or(Found::Element, |(reason, why)| Found::Bad(reason, why)));
                    }
                }
                _ => {}
            }
            line_start = false;
            last = byte;
        }
    }
}
