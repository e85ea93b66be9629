//! One text form for times and JSON, so that rows of two databases can be compared.

use std::borrow::Cow;
use std::fmt::Write as _;

/// Deepest nesting of JSON that is compared piece by piece; deeper documents are compared as text.
const DEPTH: usize = 200;

/// A time in one form. `exact`: both sides print alike, only PostgreSQL's `+00` is dropped; otherwise UTC microseconds
/// since 1970, or the text itself when it is no time.
#[must_use]
pub fn time(text: &str, exact: bool) -> Cow<'_, str> {
    let plain = text.strip_suffix("+00").unwrap_or(text);
    if exact {
        return plain.into();
    }
    micros(text).map_or_else(|| plain.into(), |n| n.to_string().into())
}

/// Whether text is `YYYY-MM-DD HH:MM:SS[.f…]` and a time after year 0: the common form, told without reading it twice.
#[must_use]
pub fn is_plain_time(text: &[u8]) -> bool {
    plain_time(text).is_some()
}

fn plain_time(bytes: &[u8]) -> Option<()> {
    let (moment, fraction) = bytes.split_first_chunk::<19>()?;
    let digits = |at: std::ops::Range<usize>| -> Option<i16> {
        let mut n = 0_i16;
        for byte in moment.get(at)? {
            n = n * 10 + i16::from(byte.checked_sub(b'0').filter(|digit| *digit < 10)?);
        }
        Some(n)
    };
    let marks = [(4, b'-'), (7, b'-'), (10, b' '), (13, b':'), (16, b':')];
    let marked = marks.into_iter().all(|(at, mark)| moment.get(at) == Some(&mark));
    let small = |n: i16| i8::try_from(n).ok();
    let year = digits(0..4)?;
    jiff::civil::Date::new(year, small(digits(5..7)?)?, small(digits(8..10)?)?).ok()?;
    let clock = digits(11..13)? < 24 && digits(14..16)? < 60 && digits(17..19)? < 60;
    let tail = match fraction.split_first() {
        None => true,
        Some((dot, rest)) => {
            *dot == b'.' && !rest.is_empty() && rest.len() < 10 && rest.iter().all(u8::is_ascii_digit)
        }
    };
    // What would be rounded into another year is judged with care.
    let last = year == 9_999 && fraction.len() > 7;
    (marked && clock && tail && year > 0 && !last).then_some(())
}

/// Reads `YYYY-MM-DD[( |T)HH:MM[:SS[.f]][Z|±HH[:MM]]]`; a time without zone is UTC. Microseconds since 1970, rounded.
#[must_use]
pub fn micros(text: &str) -> Option<i64> {
    let text = text.trim();
    let date: jiff::civil::Date = text.get(..10)?.parse().ok()?;
    let rest = text.get(10..)?;
    if rest.is_empty() {
        return civil(date.at(0, 0, 0, 0));
    }
    let rest = rest.strip_prefix([' ', 'T'])?;
    let zone_at = rest.find(['Z', 'z', '+', '-']).unwrap_or(rest.len());
    let (clock, zone) = rest.split_at(zone_at);
    let clock = clock.trim_end();
    let shape: Vec<&str> = clock.splitn(3, ':').collect();
    let two = |part: &str| -> Option<i8> {
        (part.len() == 2 && part.bytes().all(|b| b.is_ascii_digit()))
            .then(|| part.parse().ok())
            .flatten()
    };
    let hour = two(shape.first()?)?;
    let minute = two(shape.get(1)?)?;
    let (second, part) = match shape.get(2) {
        None => (0, 0),
        Some(part) => {
            let (whole, fraction) = part.split_once('.').unwrap_or((part, ""));
            if !fraction.bytes().all(|b| b.is_ascii_digit()) {
                return None;
            }
            (two(whole)?, millionths(fraction)?)
        }
    };
    let clock = jiff::civil::Time::new(hour, minute, second, 0).ok()?;
    let base = civil(date.to_datetime(clock))?;
    let offset = match zone {
        "" | "Z" | "z" => 0,
        other => {
            let sign = if other.starts_with('-') { -1 } else { 1 };
            let digits: String = other.chars().filter(char::is_ascii_digit).collect();
            let hours: i64 = digits.get(..2)?.parse().ok()?;
            let minutes: i64 = match digits.get(2..) {
                None | Some("") => 0,
                Some(part) => part.parse().ok()?,
            };
            sign * (hours * 60 + minutes)
        }
    };
    Some(base - offset * 60_000_000 + part)
}

/// Microseconds of a fraction, rounded as PostgreSQL does: by way of a binary fraction, and a half to the even side.
fn millionths(digits: &str) -> Option<i64> {
    if digits.len() <= 6 {
        return format!("{digits:0<6}").parse().ok();
    }
    let part = format!("0.{digits}").parse::<f64>().ok()? * 1e6;
    #[expect(clippy::cast_possible_truncation, reason = "from 0 to 1,000,000")]
    Some(part.round_ties_even() as i64)
}

fn civil(at: jiff::civil::DateTime) -> Option<i64> {
    Some(super::times::seconds(at)? * 1_000_000)
}

/// Appends `text` as a JSON string, escaped as PostgreSQL and SQLite both do.
pub fn quoted(out: &mut String, text: &str) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            c if (c as u32) < 0x20 => {
                // Writing to a String cannot fail.
                let _ = write!(out, "\\u{:04x}", c as u32);
            }
            c => out.push(c),
        }
    }
    out.push('"');
}

/// The metadata without the time of the conversion: equal content gives equal text in every run.
#[must_use]
pub fn without_date(text: &str) -> String {
    let (head, tail) = around_date(text);
    format!("{head}{tail}")
}

/// The metadata before and after the member with the time of the conversion.
#[must_use]
pub fn around_date(text: &str) -> (&str, &str) {
    let Some(start) = top_level_key(text, "migration_date") else {
        return (text, "");
    };
    let rest = text.get(start..).unwrap_or_default();
    let mut scanner = Scanner::new(rest);
    let (Some(()), Some(())) = (scanner.string(), scanner.colon()) else {
        return (text, "");
    };
    if scanner.value().is_none() {
        return (text, "");
    }
    let after = rest.get(scanner.at..).unwrap_or_default();
    let after = after.trim_start();
    let after = after.strip_prefix(',').map_or(after, str::trim_start);
    (text.get(..start).unwrap_or_default(), after)
}

fn top_level_key(text: &str, key: &str) -> Option<usize> {
    let mut scanner = Scanner::new(text);
    scanner.blanks();
    scanner.take(b'{')?;
    loop {
        scanner.blanks();
        let start = scanner.at;
        scanner.string()?;
        let name = text.get(start + 1..scanner.at - 1)?;
        if name == key {
            return Some(start);
        }
        scanner.colon()?;
        scanner.value()?;
        scanner.blanks();
        scanner.take(b',')?;
    }
}

/// A walk over JSON text that only finds where things end.
struct Scanner<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Scanner<'a> {
    const fn new(text: &'a str) -> Self {
        Self {
            bytes: text.as_bytes(),
            at: 0,
        }
    }

    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    fn take(&mut self, wanted: u8) -> Option<()> {
        (self.peek()? == wanted).then(|| self.at += 1)
    }

    fn blanks(&mut self) {
        while self.peek().is_some_and(|b| b.is_ascii_whitespace()) {
            self.at += 1;
        }
    }

    fn colon(&mut self) -> Option<()> {
        self.blanks();
        self.take(b':')?;
        self.blanks();
        Some(())
    }

    fn string(&mut self) -> Option<()> {
        self.take(b'"')?;
        loop {
            match self.peek()? {
                b'"' => {
                    self.at += 1;
                    return Some(());
                }
                b'\\' => self.at += 2,
                _ => self.at += 1,
            }
        }
    }

    /// Steps over one value without recursion.
    fn value(&mut self) -> Option<()> {
        let mut depth = 0_usize;
        loop {
            self.blanks();
            match self.peek()? {
                b'"' => self.string()?,
                b'{' | b'[' => {
                    depth += 1;
                    self.at += 1;
                    continue;
                }
                b'}' | b']' => {
                    depth = depth.checked_sub(1)?;
                    self.at += 1;
                }
                b',' | b':' => {
                    self.at += 1;
                    continue;
                }
                _ => {
                    while self
                        .peek()
                        .is_some_and(|b| !matches!(b, b',' | b'}' | b']' | b':') && !b.is_ascii_whitespace())
                    {
                        self.at += 1;
                    }
                }
            }
            if depth == 0 {
                return Some(());
            }
        }
    }
}

/// JSON in one form: no blanks, keys sorted by bytes, the last of equal keys, strings unescaped and escaped again,
/// numbers without superfluous digits. Text that is no JSON, or nested too deeply, is returned as it is.
#[must_use]
pub fn json(text: &str) -> String {
    let mut reader = Reader {
        scanner: Scanner::new(text),
        text,
    };
    let mut out = String::with_capacity(text.len());
    match reader.value(&mut out, 0) {
        Some(()) => {
            reader.scanner.blanks();
            if reader.scanner.at == text.len() {
                out
            } else {
                text.to_owned()
            }
        }
        None => text.to_owned(),
    }
}

struct Reader<'a> {
    scanner: Scanner<'a>,
    text: &'a str,
}

impl Reader<'_> {
    fn value(&mut self, out: &mut String, depth: usize) -> Option<()> {
        if depth > DEPTH {
            return None;
        }
        self.scanner.blanks();
        match self.scanner.peek()? {
            b'{' => self.object(out, depth),
            b'[' => self.array(out, depth),
            b'"' => {
                let text = self.text_value()?;
                quoted(out, &text);
                Some(())
            }
            b't' => self.literal(out, "true"),
            b'f' => self.literal(out, "false"),
            b'n' => self.literal(out, "null"),
            _ => self.number(out),
        }
    }

    fn literal(&mut self, out: &mut String, word: &str) -> Option<()> {
        let end = self.scanner.at + word.len();
        (self.text.get(self.scanner.at..end)? == word).then(|| {
            self.scanner.at = end;
            out.push_str(word);
        })
    }

    fn text_value(&mut self) -> Option<String> {
        let start = self.scanner.at;
        self.scanner.string()?;
        let raw = self.text.get(start..self.scanner.at)?;
        if raw.contains('\\') {
            serde_json::from_str(raw).ok()
        } else {
            raw.get(1..raw.len() - 1).map(str::to_owned)
        }
    }

    fn object(&mut self, out: &mut String, depth: usize) -> Option<()> {
        self.scanner.at += 1;
        let mut members = std::collections::BTreeMap::new();
        self.scanner.blanks();
        if self.scanner.peek()? == b'}' {
            self.scanner.at += 1;
            out.push_str("{}");
            return Some(());
        }
        loop {
            self.scanner.blanks();
            if self.scanner.peek()? != b'"' {
                return None;
            }
            let key = self.text_value()?;
            self.scanner.colon()?;
            let mut value = String::new();
            self.value(&mut value, depth + 1)?;
            members.insert(key, value);
            self.scanner.blanks();
            match self.scanner.peek()? {
                b',' => self.scanner.at += 1,
                b'}' => break,
                _ => return None,
            }
        }
        self.scanner.at += 1;
        out.push('{');
        for (i, (key, value)) in members.iter().enumerate() {
            if i > 0 {
                out.push(',');
            }
            quoted(out, key);
            out.push(':');
            out.push_str(value);
        }
        out.push('}');
        Some(())
    }

    fn array(&mut self, out: &mut String, depth: usize) -> Option<()> {
        self.scanner.at += 1;
        out.push('[');
        self.scanner.blanks();
        if self.scanner.peek()? == b']' {
            self.scanner.at += 1;
            out.push(']');
            return Some(());
        }
        loop {
            self.value(out, depth + 1)?;
            self.scanner.blanks();
            match self.scanner.peek()? {
                b',' => {
                    self.scanner.at += 1;
                    out.push(',');
                }
                b']' => break,
                _ => return None,
            }
        }
        self.scanner.at += 1;
        out.push(']');
        Some(())
    }

    fn number(&mut self, out: &mut String) -> Option<()> {
        let start = self.scanner.at;
        while self
            .scanner
            .peek()
            .is_some_and(|b| b.is_ascii_digit() || matches!(b, b'-' | b'+' | b'.' | b'e' | b'E'))
        {
            self.scanner.at += 1;
        }
        let raw = self.text.get(start..self.scanner.at)?;
        out.push_str(&plain_number(raw)?);
        Some(())
    }
}

/// A JSON number as `[-]digits e exponent` with no zero at either end: `1.50` and `15e-1` agree, whatever their size.
fn plain_number(raw: &str) -> Option<String> {
    let (minus, rest) = raw.strip_prefix('-').map_or(("", raw), |rest| ("-", rest));
    let (mantissa, exponent) = rest.split_once(['e', 'E']).unwrap_or((rest, "0"));
    let mut exponent: i64 = exponent.strip_prefix('+').unwrap_or(exponent).parse().ok()?;
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    if whole.is_empty() || !whole.bytes().chain(fraction.bytes()).all(|b| b.is_ascii_digit()) {
        return None;
    }
    let mut digits = format!("{whole}{fraction}");
    exponent = exponent.checked_sub(i64::try_from(fraction.len()).ok()?)?;
    while digits.len() > 1 && digits.ends_with('0') {
        digits.pop();
        exponent = exponent.checked_add(1)?;
    }
    let digits = digits.trim_start_matches('0');
    if digits.is_empty() {
        return Some("0".to_owned());
    }
    Some(if exponent == 0 {
        format!("{minus}{digits}")
    } else {
        format!("{minus}{digits}e{exponent}")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_of_both_databases_agree() {
        for (a, b) in [
            ("2026-01-02 03:04:05", "2026-01-02T03:04:05Z"),
            ("2026-01-02 03:04:05.5+00", "2026-01-02 03:04:05.500"),
            ("2026-01-02", "2026-01-02 00:00:00+00"),
            ("2026-01-02 03:04", "2026-01-02T04:04:00+01:00"),
            ("2026-01-01 22:04:05-05", "2026-01-02 03:04:05"),
        ] {
            assert_eq!(time(a, false), time(b, false), "{a} {b}");
            assert!(micros(a).is_some());
        }
        for bad in [
            "",
            "soon",
            "2026-02-30",
            "2026-01-02 25:00:00",
            "infinity",
            "2460000.5",
            "2026-01-02x",
        ] {
            assert_eq!(micros(bad), None, "{bad}");
        }
    }

    #[test]
    fn json_of_both_databases_agrees() {
        for (a, b) in [
            (r#"{"b": 1, "a": [1, 2.50]}"#, r#"{"a":[1,2.5],"b":1}"#),
            (r#"{"a":1,"a":2}"#, r#"{"a": 2}"#),
            (r#""\u00e9\/""#, "\"é/\""),
            ("1e2", "100"),
            ("12345678901234567890.10", "12345678901234567890.1"),
            ("-0.0", "0"),
        ] {
            assert_eq!(json(a), json(b), "{a} {b}");
        }
        assert_ne!(json("12345678901234567890"), json("12345678901234567891"));
        assert_eq!(json("{oops"), "{oops");
        let deep = "[".repeat(100_000);
        assert_eq!(json(&deep), deep);
    }

    #[test]
    fn the_conversion_time_is_left_out_and_nothing_else() {
        let spaced = r#"{"legacy_id": 7, "legacy_columns": {"migration_date": "x"}, "migration_date": "2026", "z": 1}"#;
        assert_eq!(
            without_date(spaced),
            r#"{"legacy_id": 7, "legacy_columns": {"migration_date": "x"}, "z": 1}"#
        );
        assert_eq!(without_date(r#"{"a":1,"migration_date":"2026"}"#), r#"{"a":1,}"#);
        assert_eq!(without_date("no json"), "no json");
    }
}
