//! Writes a value as Python's `json.dump(value, indent=2)` does, with tagged forms where JSON has none.

use std::convert::Infallible;

use super::super::arena::{Arena, Kind, Ref, SpanKind};
use super::super::base64;
use super::super::number::{push_float, push_int};
use super::super::tagged::{Fields, Part, TAG_KEY, fields, plain_keys};

/// Output is handed on in pieces of about this size.
const PIECE: usize = 256 << 10;
/// Enough spaces for the indentation of any depth that passes the limit, taken in pieces beyond.
const SPACES: &[u8; 128] = &[b' '; 128];

/// Where the text goes.
pub trait Sink {
    /// Why it can fail.
    type Error;

    /// Takes the next piece; the buffer comes back empty.
    ///
    /// # Errors
    /// Whatever stops the output.
    fn take(&mut self, piece: &mut Vec<u8>) -> Result<(), Self::Error>;
}

/// What was written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Written {
    /// Bytes in all.
    pub bytes: u64,
    /// Where the watched value's text began, inside its quotes.
    pub watched_at: Option<u64>,
    /// Strings with a NUL, which PostgreSQL's text cannot hold.
    pub nul: u64,
    /// Strings with lone surrogates, which jsonb cannot hold.
    pub surrogates: u64,
    /// Integers beyond 2^53, which readers that use floats round.
    pub wide_integers: u64,
}

#[derive(Clone, Copy)]
enum Frame {
    Array { seq: u32, at: usize },
    Map { seq: u32, at: usize },
    Pairs { seq: u32, at: usize },
    Pair { seq: u32, at: usize, done: usize },
    Tagged { fields: Fields, at: usize },
    Leaf { tag: &'static str, value: Ref },
}

struct Writer<'w, 'a, S: Sink> {
    arena: &'w Arena<'a>,
    sink: &'w mut S,
    out: Vec<u8>,
    frames: Vec<Frame>,
    watch: Ref,
    written: Written,
}

/// Writes `value` to `sink`. `watch` is a text whose place in the output is reported; [`Ref::UNSET`] for none.
///
/// The caller has measured the value: it has no cycle and is not too deep.
///
/// # Errors
/// What the sink says.
pub fn write<S: Sink>(arena: &Arena<'_>, value: Ref, watch: Ref, sink: &mut S) -> Result<Written, S::Error> {
    let mut writer = Writer {
        arena,
        sink,
        // A small file's text is small: a whole piece would cost its page faults for nothing.
        out: Vec::with_capacity((PIECE + (16 << 10)).min(arena.source().len().saturating_mul(4) + (2 << 10))),
        frames: Vec::new(),
        watch,
        written: Written::default(),
    };
    writer.value(value);
    while let Some(frame) = writer.frames.pop() {
        writer.step(frame);
        if writer.out.len() >= PIECE {
            writer.hand_on()?;
        }
    }
    writer.hand_on()?;
    Ok(writer.written)
}

/// The text of `value` in memory.
#[must_use]
pub fn to_bytes(arena: &Arena<'_>, value: Ref) -> Vec<u8> {
    struct Memory(Vec<u8>);
    impl Sink for Memory {
        type Error = Infallible;
        fn take(&mut self, piece: &mut Vec<u8>) -> Result<(), Infallible> {
            self.0.append(piece);
            Ok(())
        }
    }
    let mut memory = Memory(Vec::new());
    match write(arena, value, Ref::UNSET, &mut memory) {
        Ok(_) => memory.0,
        Err(never) => match never {},
    }
}

impl<S: Sink> Writer<'_, '_, S> {
    fn hand_on(&mut self) -> Result<(), S::Error> {
        self.written.bytes += self.out.len() as u64;
        self.sink.take(&mut self.out)?;
        self.out.clear();
        Ok(())
    }

    /// A new line inside the innermost of `depth` containers.
    #[inline]
    fn line(&mut self, depth: usize) {
        self.out.push(b'\n');
        let mut spaces = depth * 2;
        while spaces > SPACES.len() {
            self.out.extend_from_slice(SPACES);
            spaces -= SPACES.len();
        }
        self.out.extend_from_slice(&SPACES[..spaces]);
    }

    /// The separator and line before item `at`.
    #[inline]
    fn item(&mut self, at: usize) {
        if at > 0 {
            self.out.push(b',');
        }
        // The frame is off the stack while it is worked on.
        self.line(self.frames.len() + 1);
    }

    fn close(&mut self, bracket: u8) {
        self.line(self.frames.len());
        self.out.push(bracket);
    }

    /// Does the next piece of a frame and puts it back when it is not done. Runs of leaves are written in one go.
    fn step(&mut self, frame: Frame) {
        let arena = self.arena;
        match frame {
            Frame::Array { seq, mut at } => {
                let items = arena.items(seq);
                while let Some(value) = items.get(at) {
                    self.item(at);
                    at += 1;
                    if !self.leaf(*value) {
                        self.frames.push(Frame::Array { seq, at });
                        self.container(*value);
                        return;
                    }
                    if self.out.len() >= PIECE {
                        self.frames.push(Frame::Array { seq, at });
                        return;
                    }
                }
                self.close(b']');
            }
            Frame::Map { seq, mut at } => {
                let items = arena.items(seq);
                while let Some([key, value]) = items.get(at..at + 2) {
                    self.item(at);
                    at += 2;
                    self.string(arena.text_bytes(*key).unwrap_or_default());
                    self.out.extend_from_slice(b": ");
                    if !self.leaf(*value) {
                        self.frames.push(Frame::Map { seq, at });
                        self.container(*value);
                        return;
                    }
                    if self.out.len() >= PIECE {
                        self.frames.push(Frame::Map { seq, at });
                        return;
                    }
                }
                self.close(b'}');
            }
            Frame::Pairs { seq, at } => {
                if at >= arena.items(seq).len() {
                    self.close(b']');
                    return;
                }
                self.item(at);
                self.frames.push(Frame::Pairs { seq, at: at + 2 });
                self.out.push(b'[');
                self.frames.push(Frame::Pair { seq, at, done: 0 });
            }
            Frame::Pair { seq, at, done } => {
                if done == 2 {
                    self.close(b']');
                    return;
                }
                self.item(done);
                self.frames.push(Frame::Pair {
                    seq,
                    at,
                    done: done + 1,
                });
                self.value(arena.items(seq).get(at + done).copied().unwrap_or(Ref::NONE));
            }
            Frame::Tagged { fields, at } => {
                if at == 0 {
                    self.tag(fields.tag);
                }
                let Some((key, part)) = fields.get(at) else {
                    self.close(b'}');
                    return;
                };
                self.item(at + 1);
                self.string(key.as_bytes());
                self.out.extend_from_slice(b": ");
                self.frames.push(Frame::Tagged { fields, at: at + 1 });
                self.part(part);
            }
            Frame::Leaf { tag, value } => {
                self.tag(tag);
                self.item(1);
                self.out.extend_from_slice(b"\"v\": ");
                self.tagged_leaf(value);
                self.close(b'}');
            }
        }
    }

    fn tag(&mut self, tag: &str) {
        self.item(0);
        self.string(TAG_KEY.as_bytes());
        self.out.extend_from_slice(b": ");
        self.string(tag.as_bytes());
    }

    fn part(&mut self, part: Part) {
        match part {
            Part::Value(value) => self.value(value),
            Part::Items(seq) => self.array(seq),
            Part::Map(seq) => self.map(seq),
            Part::Base64(value) => {
                self.out.push(b'"');
                base64::push(&mut self.out, self.arena.bytes_of(value).unwrap_or_default());
                self.out.push(b'"');
            }
            Part::Name(name) => self.name(name),
        }
    }

    fn name(&mut self, name: u32) {
        let text = self
            .arena
            .name_at(name)
            .map(ToString::to_string)
            .unwrap_or_default();
        self.string(text.as_bytes());
    }

    fn array(&mut self, seq: u32) {
        if self.arena.items(seq).is_empty() {
            self.out.extend_from_slice(b"[]");
        } else {
            self.out.push(b'[');
            self.frames.push(Frame::Array { seq, at: 0 });
        }
    }

    fn map(&mut self, seq: u32) {
        if self.arena.items(seq).is_empty() {
            self.out.extend_from_slice(b"{}");
        } else if plain_keys(self.arena, seq) {
            self.out.push(b'{');
            self.frames.push(Frame::Map { seq, at: 0 });
        } else {
            self.out.push(b'[');
            self.frames.push(Frame::Pairs { seq, at: 0 });
        }
    }

    fn value(&mut self, value: Ref) {
        if !self.leaf(value) {
            self.container(value);
        }
    }

    /// Writes a value that needs no frame; false when it needs one.
    #[inline]
    fn leaf(&mut self, value: Ref) -> bool {
        match value.kind() {
            Kind::Text => {
                if value == self.watch {
                    self.written.watched_at = Some(self.written.bytes + self.out.len() as u64 + 1);
                }
                self.string(self.arena.text_bytes(value).unwrap_or_default());
            }
            Kind::Int(n) => {
                if n.unsigned_abs() > 1 << 53 {
                    self.written.wide_integers += 1;
                }
                push_int(&mut self.out, n);
            }
            Kind::None | Kind::Unset => self.out.extend_from_slice(b"null"),
            Kind::Bool(true) => self.out.extend_from_slice(b"true"),
            Kind::Bool(false) => self.out.extend_from_slice(b"false"),
            Kind::Float(at) => {
                let float = self.arena.float_at(at);
                if !float.is_finite() {
                    return false;
                }
                push_float(&mut self.out, float);
            }
            Kind::Span(at) => match self.arena.span(at) {
                (SpanKind::BigInt, digits) => {
                    self.written.wide_integers += 1;
                    self.out.extend_from_slice(digits);
                }
                (SpanKind::LongText, bytes) => self.string(bytes),
                _ => return false,
            },
            _ => return false,
        }
        true
    }

    fn container(&mut self, value: Ref) {
        let leaf = |tag| Frame::Leaf { tag, value };
        match value.kind() {
            Kind::List(seq) => self.array(seq),
            Kind::Dict(seq) => {
                if plain_keys(self.arena, seq) {
                    self.map(seq);
                } else {
                    self.tagged(Fields::one("dict", Part::Map(seq)));
                }
            }
            Kind::Tuple(seq) => self.tagged(Fields::one("tuple", Part::Items(seq))),
            Kind::Object(at) => {
                if let Some(object) = self.arena.object_at(at) {
                    self.tagged(fields(object));
                }
            }
            Kind::Name(name) => self.tagged(Fields::one("global", Part::Name(name))),
            Kind::Span(at) => {
                let tag = match self.arena.span(at).0 {
                    SpanKind::Bytes => "bytes",
                    SpanKind::Str8 => "str8",
                    _ => "text",
                };
                self.out.push(b'{');
                self.frames.push(leaf(tag));
            }
            Kind::Float(_) => {
                self.out.push(b'{');
                self.frames.push(leaf("float"));
            }
            // A refused value is never written: the file was refused before.
            _ => self.out.extend_from_slice(b"null"),
        }
    }

    fn tagged(&mut self, fields: Fields) {
        self.out.push(b'{');
        self.frames.push(Frame::Tagged { fields, at: 0 });
    }

    fn tagged_leaf(&mut self, value: Ref) {
        match value.kind() {
            Kind::Float(at) => {
                let float = self.arena.float_at(at);
                let text: &[u8] = if float.is_nan() {
                    b"\"nan\""
                } else if float > 0.0 {
                    b"\"inf\""
                } else {
                    b"\"-inf\""
                };
                self.out.extend_from_slice(text);
            }
            Kind::Span(at) => match self.arena.span(at) {
                (SpanKind::Bytes, bytes) => {
                    self.out.push(b'"');
                    base64::push(&mut self.out, bytes);
                    self.out.push(b'"');
                }
                (SpanKind::Str8, bytes) => {
                    let text: String = bytes.iter().map(|byte| char::from(*byte)).collect();
                    self.string(text.as_bytes());
                }
                (_, bytes) => {
                    self.written.surrogates += 1;
                    let text = escape_surrogates(bytes);
                    self.string(text.as_bytes());
                }
            },
            _ => {}
        }
    }

    /// A string in quotes, everything outside printable ASCII escaped.
    #[inline]
    fn string(&mut self, bytes: &[u8]) {
        self.out.push(b'"');
        let clean = bytes
            .iter()
            .position(|byte| !(0x20..0x7f).contains(byte) || *byte == b'"' || *byte == b'\\');
        match clean {
            None => self.out.extend_from_slice(bytes),
            Some(at) => {
                self.out.extend_from_slice(&bytes[..at]);
                self.escaped(&bytes[at..]);
            }
        }
        self.out.push(b'"');
    }

    fn escaped(&mut self, bytes: &[u8]) {
        // Text was checked when it was read.
        let text = std::str::from_utf8(bytes).unwrap_or_default();
        let mut nul = false;
        for c in text.chars() {
            match c {
                '"' => self.out.extend_from_slice(b"\\\""),
                '\\' => self.out.extend_from_slice(b"\\\\"),
                '\n' => self.out.extend_from_slice(b"\\n"),
                '\r' => self.out.extend_from_slice(b"\\r"),
                '\t' => self.out.extend_from_slice(b"\\t"),
                '\u{8}' => self.out.extend_from_slice(b"\\b"),
                '\u{c}' => self.out.extend_from_slice(b"\\f"),
                ' '..='~' => self.out.push(c as u8),
                c => {
                    nul |= c == '\0';
                    let mut units = [0_u16; 2];
                    for unit in c.encode_utf16(&mut units) {
                        push_unit(&mut self.out, *unit);
                    }
                }
            }
        }
        self.written.nul += u64::from(nul);
    }
}

fn push_unit(out: &mut Vec<u8>, unit: u16) {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    out.extend_from_slice(b"\\u");
    for shift in [12, 8, 4, 0] {
        out.push(HEX[usize::from(unit >> shift & 15)]);
    }
}

/// Text with surrogates as plain text: backslashes doubled, each surrogate as `\udXXX`.
fn escape_surrogates(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len() + 8);
    let mut rest = bytes;
    loop {
        let valid = match std::str::from_utf8(rest) {
            Ok(text) => text,
            Err(error) => std::str::from_utf8(&rest[..error.valid_up_to()]).unwrap_or_default(),
        };
        for c in valid.chars() {
            if c == '\\' {
                out.push('\\');
            }
            out.push(c);
        }
        rest = &rest[valid.len()..];
        let [a, b, c, tail @ ..] = rest else {
            return out;
        };
        let unit = u32::from(*a & 0x0f) << 12 | u32::from(*b & 0x3f) << 6 | u32::from(*c & 0x3f);
        // Writing to a String cannot fail.
        let _ = std::fmt::Write::write_fmt(&mut out, format_args!("\\u{unit:04x}"));
        rest = tail;
    }
}
