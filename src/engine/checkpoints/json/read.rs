//! Reads JSON text as Python's `json.load` does: any size of integer, `NaN` and `Infinity`, lone surrogates; but never
//! the same key twice (that is found by measuring).

use super::super::arena::{Arena, Full, Ref, SpanKind};
use super::super::finding::{At, Code, Finding, Severity};
use super::super::limits::Limits;
use super::super::number;
use super::super::pickle::{TextKind, check_text, push_code_point};

/// Whether a file begins as a JSON array, object or string.
#[must_use]
pub fn looks_like(data: &[u8]) -> bool {
    let data = data.strip_prefix(b"\xef\xbb\xbf").unwrap_or(data);
    data.iter()
        .find(|byte| !matches!(byte, b' ' | b'\t' | b'\r' | b'\n'))
        .is_some_and(|byte| matches!(byte, b'{' | b'[' | b'"'))
}

struct Reader<'a, 'l> {
    data: &'a [u8],
    at: usize,
    arena: Arena<'a>,
    limits: &'l Limits,
    /// Finished items of the open containers.
    stack: Vec<Ref>,
    /// Where each open container's items begin, and whether it is an object.
    open: Vec<(usize, bool)>,
}

/// Reads one document.
///
/// # Errors
/// A finding with the byte.
pub fn read<'a>(data: &'a [u8], limits: &Limits) -> Result<(Arena<'a>, Ref), Finding> {
    let mut reader = Reader {
        data,
        at: if data.starts_with(b"\xef\xbb\xbf") { 3 } else { 0 },
        arena: Arena::new(data),
        limits,
        stack: Vec::new(),
        open: Vec::new(),
    };
    let root = reader.document()?;
    Ok((reader.arena, root))
}

impl Reader<'_, '_> {
    fn bad(&self, what: &str) -> Finding {
        if self.at >= self.data.len() {
            return self.finding(Code::Truncated, "ends inside a value");
        }
        self.finding(Code::BadJson, what)
    }

    fn finding(&self, code: Code, what: &str) -> Finding {
        Finding::new(Severity::Malformed, code, Some(At::new(0, self.at)), what)
    }

    fn full(&self, _full: Full) -> Finding {
        self.finding(Code::NodeLimit, "holds too many values")
    }

    #[inline]
    fn space(&mut self) {
        while let Some(b' ' | b'\t' | b'\r' | b'\n') = self.data.get(self.at) {
            self.at += 1;
        }
    }

    #[inline]
    fn peek(&self) -> Option<u8> {
        self.data.get(self.at).copied()
    }

    fn document(&mut self) -> Result<Ref, Finding> {
        loop {
            // A value is due here.
            self.space();
            let opened = match self.peek() {
                Some(b'[') => {
                    self.enter(false)?;
                    self.space();
                    self.peek() != Some(b']')
                }
                Some(b'{') => {
                    self.enter(true)?;
                    self.space();
                    if self.peek() == Some(b'}') {
                        false
                    } else {
                        self.key()?;
                        true
                    }
                }
                _ => {
                    let value = self.scalar()?;
                    self.stack.push(value);
                    false
                }
            };
            if opened {
                continue;
            }
            // A value is done, or a container is still empty: close what closes.
            loop {
                self.space();
                let Some((start, object)) = self.open.last().copied() else {
                    return self.end();
                };
                match (self.peek(), object) {
                    (Some(b','), false) if self.stack.len() > start => {
                        self.at += 1;
                        break;
                    }
                    (Some(b','), true) if self.stack.len() > start => {
                        self.at += 1;
                        self.space();
                        self.key()?;
                        break;
                    }
                    (Some(b']'), false) | (Some(b'}'), true) => {
                        self.at += 1;
                        self.leave(start, object)?;
                    }
                    _ => return Err(self.bad("is not JSON here")),
                }
            }
        }
    }

    fn end(&mut self) -> Result<Ref, Finding> {
        self.space();
        if self.at < self.data.len() {
            return Err(self.finding(Code::TrailingBytes, "goes on after its value ended"));
        }
        self.stack.pop().ok_or_else(|| self.bad("holds no value"))
    }

    fn enter(&mut self, object: bool) -> Result<(), Finding> {
        if self.open.len() >= self.limits.depth as usize + 8 {
            return Err(self.finding(
                Code::DepthLimit,
                &format!("is nested deeper than {} levels", self.limits.depth),
            ));
        }
        self.at += 1;
        self.open.push((self.stack.len(), object));
        Ok(())
    }

    fn leave(&mut self, start: usize, object: bool) -> Result<(), Finding> {
        let seq = self
            .arena
            .seq(&self.stack[start..])
            .map_err(|full| self.full(full))?;
        self.stack.truncate(start);
        self.stack
            .push(if object { Ref::dict(seq) } else { Ref::list(seq) });
        self.open.pop();
        Ok(())
    }

    fn key(&mut self) -> Result<(), Finding> {
        if self.peek() != Some(b'"') {
            return Err(self.bad("is not JSON here: a key is due"));
        }
        let key = self.string()?;
        self.stack.push(key);
        self.space();
        if self.peek() != Some(b':') {
            return Err(self.bad("is not JSON here: a colon is due"));
        }
        self.at += 1;
        Ok(())
    }

    fn scalar(&mut self) -> Result<Ref, Finding> {
        match self.peek() {
            Some(b'"') => self.string(),
            Some(b'-' | b'0'..=b'9') => self.number(),
            _ => {
                for (word, value) in [
                    ("null", Some(Ref::NONE)),
                    ("true", Some(Ref::bool(true))),
                    ("false", Some(Ref::bool(false))),
                    ("NaN", None),
                    ("Infinity", None),
                ] {
                    if self.data[self.at..].starts_with(word.as_bytes()) {
                        self.at += word.len();
                        let float = if word == "NaN" { f64::NAN } else { f64::INFINITY };
                        return match value {
                            Some(value) => Ok(value),
                            None => self.float(float),
                        };
                    }
                }
                Err(self.bad("is not JSON here"))
            }
        }
    }

    fn float(&mut self, value: f64) -> Result<Ref, Finding> {
        self.arena.float(value).map_err(|full| self.full(full))
    }

    fn number(&mut self) -> Result<Ref, Finding> {
        let start = self.at;
        if self.peek() == Some(b'-') {
            self.at += 1;
            if self.data[self.at..].starts_with(b"Infinity") {
                self.at += 8;
                return self.float(f64::NEG_INFINITY);
            }
        }
        let whole = self.digits();
        if whole == 0 || whole > 1 && self.data[self.at - whole] == b'0' {
            return Err(self.bad("holds a number that is not JSON"));
        }
        let mut integer = true;
        if self.peek() == Some(b'.') {
            integer = false;
            self.at += 1;
            if self.digits() == 0 {
                return Err(self.bad("holds a number that is not JSON"));
            }
        }
        if let Some(b'e' | b'E') = self.peek() {
            integer = false;
            self.at += 1;
            if let Some(b'+' | b'-') = self.peek() {
                self.at += 1;
            }
            if self.digits() == 0 {
                return Err(self.bad("holds a number that is not JSON"));
            }
        }
        let text = std::str::from_utf8(&self.data[start..self.at]).unwrap_or_default();
        if !integer {
            let value = text.parse().unwrap_or(f64::NAN);
            return self.float(value);
        }
        if let Ok(value) = text.parse::<i64>() {
            return self.arena.int(value).map_err(|full| self.full(full));
        }
        if whole > self.limits.digits {
            return Err(self.finding(Code::DigitLimit, "holds a number with too many digits"));
        }
        let digits = number::canonical_decimal(text.as_bytes()).unwrap_or_default();
        self.arena
            .owned_span(digits.as_bytes(), SpanKind::BigInt)
            .map_err(|full| self.full(full))
    }

    fn digits(&mut self) -> usize {
        let start = self.at;
        while let Some(b'0'..=b'9') = self.peek() {
            self.at += 1;
        }
        self.at - start
    }

    fn string(&mut self) -> Result<Ref, Finding> {
        self.at += 1;
        let start = self.at;
        let rest = &self.data[start..];
        let Some(end) = rest
            .iter()
            .position(|byte| matches!(byte, b'"' | b'\\') || *byte < 0x20)
        else {
            self.at = self.data.len();
            return Err(self.bad("ends inside a string"));
        };
        if rest[end] == b'"' {
            self.at = start + end + 1;
            let bytes = &rest[..end];
            if !bytes.is_ascii() && std::str::from_utf8(bytes).is_err() {
                self.at = start;
                return Err(self.finding(Code::BadText, "holds text that is not UTF-8"));
            }
            return self.arena.text_at(start, end).map_err(|full| self.full(full));
        }
        self.escaped(start)
    }

    /// A string with escapes: decoded into memory of its own.
    fn escaped(&mut self, start: usize) -> Result<Ref, Finding> {
        let mut out: Vec<u8> = Vec::new();
        self.at = start;
        loop {
            let Some(byte) = self.peek() else {
                return Err(self.bad("ends inside a string"));
            };
            match byte {
                b'"' => {
                    self.at += 1;
                    break;
                }
                0..0x20 => return Err(self.bad("holds a control character in a string")),
                b'\\' => self.escape(&mut out)?,
                _ => {
                    let rest = &self.data[self.at..];
                    let run = rest
                        .iter()
                        .position(|byte| matches!(byte, b'"' | b'\\') || *byte < 0x20)
                        .unwrap_or(rest.len());
                    out.extend_from_slice(&rest[..run]);
                    self.at += run;
                }
            }
        }
        let made = match check_text(&out) {
            Ok(TextKind::Plain) => match std::str::from_utf8(&out) {
                Ok(text) => self.arena.text(text),
                Err(_) => return Err(self.finding(Code::BadText, "holds text that is not UTF-8")),
            },
            Ok(TextKind::Surrogates) => self.arena.owned_span(&out, SpanKind::Surrogates),
            Err(_) => return Err(self.finding(Code::BadText, "holds text that is not UTF-8")),
        };
        made.map_err(|full| self.full(full))
    }

    fn escape(&mut self, out: &mut Vec<u8>) -> Result<(), Finding> {
        self.at += 1;
        let Some(kind) = self.peek() else {
            return Err(self.bad("ends inside a string"));
        };
        self.at += 1;
        match kind {
            b'"' | b'\\' | b'/' => out.push(kind),
            b'b' => out.push(8),
            b'f' => out.push(12),
            b'n' => out.push(b'\n'),
            b'r' => out.push(b'\r'),
            b't' => out.push(b'\t'),
            b'u' => {
                let first = self.unit()?;
                let mut value = first;
                if (0xd800..0xdc00).contains(&first) && self.data[self.at..].starts_with(b"\\u") {
                    let back = self.at;
                    self.at += 2;
                    let second = self.unit()?;
                    if (0xdc00..0xe000).contains(&second) {
                        value = 0x1_0000 + ((first - 0xd800) << 10) + (second - 0xdc00);
                    } else {
                        self.at = back;
                    }
                }
                push_code_point(out, value);
            }
            _ => {
                self.at -= 1;
                return Err(self.bad("holds an escape that is not JSON"));
            }
        }
        Ok(())
    }

    fn unit(&mut self) -> Result<u32, Finding> {
        let digits = self.data.get(self.at..self.at + 4).unwrap_or_default();
        let value = digits.iter().try_fold(0_u32, |value, digit| {
            char::from(*digit).to_digit(16).map(|d| value << 4 | d)
        });
        match value {
            Some(value) if digits.len() == 4 => {
                self.at += 4;
                Ok(value)
            }
            _ => Err(self.bad("holds an escape that is not JSON")),
        }
    }
}
