//! Task records from any file: JSON array, JSON object with a list, JSON lines, CSV, YAML, with a byte order mark or without.
//!
//! Records stream: memory is bounded by [`MAX_RECORD`] for one record and by the caller's batch, never by the file. A record
//! that cannot be read becomes a [`Refused`] with line, reason code and raw form, and reading goes on behind it.
//! To add a format: give it a file here with a `next` that returns [`Item`]s, a variant of [`Format`], and a line in `sniff`.

mod csv;
mod digest;
mod json;
pub mod record;
mod strict;
mod yaml;

use std::borrow::Cow;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use serde_json::Value;
use serde_json::value::RawValue;

pub(crate) use digest::{Digest, Digesting};
pub use record::{Described, LegacyTask};
pub(crate) use strict::{Field, Listed};

use super::model::TaskId;
use crate::engine::error::{Error, Result};
use crate::engine::operation::Control;
use crate::engine::stopping::{Waiting, read_error, stopped};
use crate::engine::text::inert_short;

/// The largest record that is read; a longer one is refused, its first bytes kept.
pub const MAX_RECORD: usize = 16 * 1024 * 1024;
/// How much of a refused record's raw form is kept.
pub const MAX_RAW: usize = 64 * 1024;

/// The shape of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// An array, an object with a list, or values one after the other.
    Json,
    /// Lines with a header.
    Csv,
    /// A list, or an object with a list.
    Yaml,
}

/// A record as it stands in the file.
#[derive(Debug, Clone)]
pub struct Raw {
    /// Its first line, from 1.
    pub line: u64,
    /// Its content.
    pub payload: Payload,
}

/// A record's content: JSON text is parsed by whoever has the time (in parallel), the rest is parsed already.
#[derive(Debug, Clone)]
pub enum Payload {
    /// JSON text.
    Json(Vec<u8>),
    /// A value and the text it came from.
    Value(Value, Vec<u8>),
}

impl Raw {
    /// The text as it stands in the file.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        match &self.payload {
            Payload::Json(bytes) | Payload::Value(_, bytes) => bytes,
        }
    }

    /// The record as one value.
    ///
    /// # Errors
    /// `bad_json`, `duplicate_key`, `too_deep`, `not_utf8`, `not_an_object`.
    pub fn value(&self) -> std::result::Result<Value, Box<Refused>> {
        let fields = self.fields()?.ok_or_else(|| record::no_object(self))?;
        let fields = fields
            .into_iter()
            .map(|(key, field)| (key.into_owned(), field.into_value()));
        Ok(Value::Object(fields.collect()))
    }

    /// A field as it stands in the file; `None` where the record was no JSON text.
    fn field_text(&self, name: &str) -> Option<&RawValue> {
        match &self.payload {
            Payload::Json(bytes) => strict::field_text(std::str::from_utf8(bytes).ok()?, name),
            Payload::Value(..) => None,
        }
    }

    /// The fields, every object's keys unique; `None` when it is no object.
    ///
    /// # Errors
    /// `bad_json`, `duplicate_key`, `too_deep`, `not_utf8`.
    pub(crate) fn fields<'a>(&'a self) -> std::result::Result<Option<Listed<'a>>, Box<Refused>> {
        match &self.payload {
            Payload::Json(bytes) => strict::parse(bytes).map_err(|(reason, place, why)| {
                Box::new(Refused {
                    line: self.line,
                    id: None,
                    reason,
                    place,
                    why,
                    raw: bytes.clone(),
                })
            }),
            Payload::Value(Value::Object(object), _) => {
                let field = |value: &'a Value| match value {
                    Value::String(text) => Field::Text(Cow::Borrowed(text)),
                    other => Field::Other(other.clone()),
                };
                let fields = object
                    .iter()
                    .map(|(key, value)| (Cow::Borrowed(key.as_str()), field(value)));
                Ok(Some(fields.collect()))
            }
            Payload::Value(..) => Ok(None),
        }
    }
}

/// A record that was set aside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// Its first line, from 1.
    pub line: u64,
    /// Its own id, where that can be read.
    pub id: Option<TaskId>,
    /// A stable code: `bad_json`, `no_description`.
    pub reason: &'static str,
    /// Where in it: `column 81`, `priority`.
    pub place: String,
    /// Why, in a sentence.
    pub why: String,
    /// Its raw form, at most [`MAX_RAW`] bytes for records that are too large.
    pub raw: Vec<u8>,
}

impl Refused {
    /// What it is known by: its id, or its line.
    #[must_use]
    pub fn key(&self) -> String {
        match &self.id {
            Some(id) => inert_short(&id.to_string(), 60),
            None => format!("line {}", self.line),
        }
    }

    /// Its line, and the place in it.
    #[must_use]
    pub fn whereabouts(&self) -> String {
        if self.place.is_empty() {
            format!("line {}", self.line)
        } else {
            format!("line {}, {}", self.line, self.place)
        }
    }

    /// The raw form as text: bytes that are no UTF-8 as `\xNN`, everything else as it is.
    #[must_use]
    pub fn raw_text(&self) -> String {
        escaped(&self.raw)
    }
}

/// Bytes as text, those that are no UTF-8 as `\xNN`.
#[must_use]
pub fn escaped(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    let mut out = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        out.push_str(chunk.valid());
        for byte in chunk.invalid() {
            // Writing to a String cannot fail.
            let _ = write!(out, "\\x{byte:02x}");
        }
    }
    out
}

/// What a reader gives.
#[derive(Debug, Clone)]
pub enum Item {
    /// A record.
    Record(Raw),
    /// One that could not be read.
    Bad(Refused),
}

impl Item {
    /// Its text as it stands in the file.
    #[must_use]
    pub fn raw(&self) -> &[u8] {
        match self {
            Self::Record(raw) => raw.bytes(),
            Self::Bad(refused) => &refused.raw,
        }
    }
}

/// Where tasks are read from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// A file.
    File(PathBuf),
    /// Standard input, which can be read once; see [`Source::spool`].
    Stdin,
}

impl Source {
    /// `-` is standard input.
    #[must_use]
    pub fn from_arg(arg: &str) -> Self {
        if arg == "-" {
            Self::Stdin
        } else {
            Self::File(PathBuf::from(arg))
        }
    }

    /// As the person knows it.
    #[must_use]
    pub fn name(&self) -> String {
        match self {
            Self::File(path) => path.display().to_string(),
            Self::Stdin => "standard input".to_owned(),
        }
    }

    /// Opens it for one pass.
    ///
    /// # Errors
    /// [`crate::engine::ErrorKind::Input`] when there is no such file, else `Unavailable`.
    pub fn open(&self) -> Result<Records> {
        match self {
            Self::File(path) => Records::open(path),
            Self::Stdin => Records::new(Box::new(Waiting::new(io::stdin(), None)), None, "standard input"),
        }
    }

    /// Copies standard input into a temporary file, so that it can be read twice; a file is given back as it is.
    ///
    /// # Errors
    /// `Unavailable` when the temporary file cannot be written.
    pub fn spool(&self) -> Result<(PathBuf, Option<tempfile::NamedTempFile>)> {
        match self {
            Self::File(path) => Ok((path.clone(), None)),
            Self::Stdin => {
                let place = std::env::temp_dir();
                let mut file =
                    tempfile::NamedTempFile::new().map_err(|error| Error::io("write in", &place, &error))?;
                io::copy(&mut io::stdin().lock(), &mut file)
                    .map_err(|error| Error::io("write", file.path(), &error))?;
                Ok((file.path().to_owned(), Some(file)))
            }
        }
    }
}

enum Inner {
    Json(json::Scanner),
    Csv(csv::Rows),
    Yaml(yaml::Entries),
}

/// The records of one input, in order.
pub struct Records {
    inner: Inner,
    name: String,
    format: Format,
}

impl std::fmt::Debug for Records {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Records")
            .field("name", &self.name)
            .field("format", &self.format)
            .finish_non_exhaustive()
    }
}

impl Records {
    /// Opens a file.
    ///
    /// # Errors
    /// As [`Source::open`].
    pub fn open(path: &Path) -> Result<Self> {
        let file = file(path)?;
        // Who reads from a pipe waits.
        let waits = file.metadata().is_ok_and(|kind| !kind.is_file());
        let reader: Box<dyn Read + Send> = if waits {
            Box::new(Waiting::new(file, None))
        } else {
            Box::new(file)
        };
        Self::over(path, reader)
    }

    /// As [`Records::open`], with a digest over all that is read; [`Records::skip_rest`] makes it one over the whole file.
    ///
    /// # Errors
    /// As [`Source::open`].
    pub(crate) fn open_digested(path: &Path) -> Result<(Self, Digest)> {
        let (reader, digest) = Digesting::new(file(path)?);
        Ok((Self::over(path, Box::new(reader))?, digest))
    }

    fn over(path: &Path, reader: Box<dyn Read + Send>) -> Result<Self> {
        let suffix = path
            .extension()
            .map(|suffix| suffix.to_string_lossy().to_lowercase());
        Self::new(reader, suffix.as_deref(), &path.display().to_string())
    }

    /// Reads from anything; `suffix` is a file's ending in lower case, `name` what errors call it.
    ///
    /// # Errors
    /// `Input` for UTF-16 and compressed files, `Unavailable` when reading fails.
    pub fn new(reader: Box<dyn Read + Send>, suffix: Option<&str>, name: &str) -> Result<Self> {
        let mut chunk = Chunk::new(reader);
        let failed = |error: &io::Error| Error::unavailable(format!("cannot read {name}: {error}"));
        chunk.fill().map_err(|error| failed(&error))?;
        // What a file is shows in its first bytes; a pipe may bring them one by one.
        while chunk.rest().len() < 4096 && chunk.more().map_err(|error| failed(&error))? {}
        let head = chunk.rest();
        if head.starts_with(&[0xef, 0xbb, 0xbf]) {
            chunk.skip(3);
        } else if head.starts_with(&[0xff, 0xfe]) || head.starts_with(&[0xfe, 0xff]) {
            return Err(Error::input(format!("{name} is UTF-16")).hint("Save it as UTF-8 and try again."));
        } else if head.starts_with(&[0x1f, 0x8b]) || head.starts_with(b"PK\x03\x04") {
            return Err(Error::input(format!("{name} is compressed")).hint("Unpack it and try again."));
        }
        let format = sniff(chunk.rest(), suffix);
        let inner = match format {
            Format::Json => Inner::Json(json::Scanner::new(chunk)),
            Format::Csv => Inner::Csv(csv::Rows::new(chunk).map_err(|error| failed(&error))?),
            Format::Yaml => Inner::Yaml(yaml::Entries::new(chunk).map_err(|error| failed(&error))?),
        };
        Ok(Self {
            inner,
            name: name.to_owned(),
            format,
        })
    }

    /// From now on a stop that is asked of `control` ends the reading, also inside a record that never ends.
    pub fn heed(&mut self, control: &Control) {
        self.chunk().control = Some(control.clone());
    }

    const fn chunk(&mut self) -> &mut Chunk {
        match &mut self.inner {
            Inner::Json(scanner) => &mut scanner.chunk,
            Inner::Csv(rows) => &mut rows.chunk,
            Inner::Yaml(entries) => &mut entries.chunk,
        }
    }

    /// The shape the file was taken for.
    #[must_use]
    pub const fn format(&self) -> Format {
        self.format
    }

    /// Bytes read so far.
    #[must_use]
    pub const fn bytes_read(&self) -> u64 {
        match &self.inner {
            Inner::Json(scanner) => scanner.chunk.read,
            Inner::Csv(rows) => rows.chunk.read,
            Inner::Yaml(entries) => entries.chunk.read,
        }
    }

    /// The next record; `None` at the end.
    ///
    /// # Errors
    /// `Unavailable` when reading fails: an error is never the end of the data.
    pub fn next_item(&mut self) -> Result<Option<Item>> {
        let next = match &mut self.inner {
            Inner::Json(scanner) => scanner.next_item(),
            Inner::Csv(rows) => rows.next_item(),
            Inner::Yaml(entries) => entries.next_item(),
        };
        next.map_err(|error| read_error(&self.name, &error))
    }

    /// Reads what stands behind the records and forgets it.
    ///
    /// # Errors
    /// As [`Records::next_item`].
    pub(crate) fn skip_rest(&mut self) -> Result<()> {
        self.chunk()
            .skip_rest()
            .map_err(|error| read_error(&self.name, &error))
    }

    /// Records of about `bytes` bytes together; empty at the end.
    ///
    /// # Errors
    /// As [`Records::next_item`].
    pub fn batch(&mut self, bytes: usize) -> Result<Vec<Item>> {
        let mut out = Vec::new();
        let mut size = 0;
        while size < bytes {
            let Some(item) = self.next_item()? else { break };
            size += 128 + item.raw().len();
            out.push(item);
        }
        Ok(out)
    }
}

fn file(path: &Path) -> Result<File> {
    let file = File::open(path).map_err(|error| Error::io("read", path, &error))?;
    let kind = file.metadata().map_err(|error| Error::io("read", path, &error))?;
    if kind.is_dir() {
        return Err(Error::input(format!(
            "{} is a folder, not a tasks file",
            path.display()
        )));
    }
    Ok(file)
}

fn sniff(head: &[u8], suffix: Option<&str>) -> Format {
    match suffix {
        Some("csv" | "tsv") => return Format::Csv,
        Some("yml" | "yaml") => return Format::Yaml,
        Some("jsonl" | "ndjson") => return Format::Json,
        _ => {}
    }
    match head.iter().find(|byte| !byte.is_ascii_whitespace()) {
        None | Some(b'[' | b'{') => return Format::Json,
        Some(_) => {}
    }
    if suffix == Some("json") {
        return Format::Json;
    }
    let text = String::from_utf8_lossy(head);
    let first = text
        .lines()
        .find(|line| !line.trim().is_empty())
        .unwrap_or("")
        .trim();
    let header = first
        .split([',', ';', '\t'])
        .any(|cell| record::is_description_key(cell.trim().trim_matches('"')));
    if header && !first.ends_with(':') && !first.starts_with("- ") && !first.contains(": ") {
        return Format::Csv;
    }
    if first.starts_with("- ")
        || first == "-"
        || first == "---"
        || first.starts_with('#')
        || first.ends_with(':')
        || first.contains(": ")
    {
        return Format::Yaml;
    }
    Format::Json
}

/// A buffer over a reader that all formats share.
pub(crate) struct Chunk {
    reader: Box<dyn Read + Send>,
    buffer: Vec<u8>,
    at: usize,
    end: usize,
    pub read: u64,
    pub line: u64,
    control: Option<Control>,
}

impl Chunk {
    const SIZE: usize = 256 * 1024;

    fn new(reader: Box<dyn Read + Send>) -> Self {
        Self {
            reader,
            buffer: vec![0; Self::SIZE],
            at: 0,
            end: 0,
            read: 0,
            line: 1,
            control: None,
        }
    }

    /// What is in the buffer.
    pub fn rest(&self) -> &[u8] {
        &self.buffer[self.at..self.end]
    }

    pub const fn skip(&mut self, bytes: usize) {
        self.at += bytes;
    }

    /// Makes sure there is something in the buffer; false at the end.
    pub fn fill(&mut self) -> io::Result<bool> {
        if self.at < self.end {
            return Ok(true);
        }
        self.at = 0;
        self.end = 0;
        self.more()
    }

    /// Reads more behind what is there; false at the end or when the buffer is full.
    fn more(&mut self) -> io::Result<bool> {
        if self.end == self.buffer.len() {
            return Ok(false);
        }
        loop {
            if self.control.as_ref().is_some_and(Control::stopping) {
                return Err(stopped());
            }
            match self.reader.read(&mut self.buffer[self.end..]) {
                Ok(0) => return Ok(false),
                Ok(count) => {
                    self.end += count;
                    self.read += count as u64;
                    return Ok(true);
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }

    fn skip_rest(&mut self) -> io::Result<()> {
        loop {
            self.at = self.end;
            if !self.fill()? {
                return Ok(());
            }
        }
    }

    /// The next byte without taking it.
    #[inline]
    pub fn peek(&mut self) -> io::Result<Option<u8>> {
        if self.at == self.end && !self.fill()? {
            return Ok(None);
        }
        Ok(Some(self.buffer[self.at]))
    }

    /// Takes a byte that was peeked at.
    #[inline]
    pub fn take(&mut self) {
        if self.buffer[self.at] == b'\n' {
            self.line += 1;
        }
        self.at += 1;
    }

    /// Takes a line with its end, at most `limit` bytes of it into `into`; false at the end of the input.
    pub fn line_into(&mut self, into: &mut Vec<u8>, limit: usize) -> io::Result<bool> {
        let mut any = false;
        loop {
            if !self.fill()? {
                return Ok(any);
            }
            any = true;
            let rest = &self.buffer[self.at..self.end];
            let end = rest.iter().position(|byte| *byte == b'\n');
            let take = end.map_or(rest.len(), |end| end + 1);
            let room = limit.saturating_sub(into.len()).min(take);
            into.extend_from_slice(&rest[..room]);
            self.at += take;
            if end.is_some() {
                self.line += 1;
                return Ok(true);
            }
        }
    }
}
