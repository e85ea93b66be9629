//! The states of dates, times and exact numbers, checked and put into the text they are written as.

use std::fmt::Write as _;

use super::super::arena::{Kind, Object, ObjectKind, Ref, SpanKind};
use super::super::names::Callable;
use super::calls::{Made, Refusal};
use super::machine::Machine;

const SHAPE: Refusal = Refusal::Arguments("with arguments it does not take");
const STATE: Refusal = Refusal::Arguments("with a state that is no date or time");

/// The ten, six or four bytes of a state; older files hold them as text or as a Python 2 string.
fn state_bytes(machine: &Machine<'_, '_>, value: Ref, len: usize) -> Option<Vec<u8>> {
    if let Some(text) = machine.arena.text_bytes(value) {
        if text.len() > len * 2 {
            return None;
        }
        let text = std::str::from_utf8(text).ok()?;
        let bytes: Option<Vec<u8>> = text.chars().map(|c| u8::try_from(u32::from(c)).ok()).collect();
        return bytes.filter(|bytes| bytes.len() == len);
    }
    let Kind::Span(at) = value.kind() else {
        return None;
    };
    match machine.arena.span(at) {
        (SpanKind::Bytes | SpanKind::Str8, bytes) if bytes.len() == len => Some(bytes.to_vec()),
        _ => None,
    }
}

const fn days_in(year: u16, month: u8) -> u8 {
    match month {
        2 if year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400)) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

fn date_text(bytes: &[u8]) -> Option<String> {
    let [hi, lo, month, day] = *bytes else { return None };
    let year = u16::from_be_bytes([hi, lo]);
    let good =
        (1..=9999).contains(&year) && (1..=12).contains(&month) && day >= 1 && day <= days_in(year, month);
    good.then(|| format!("{year:04}-{month:02}-{day:02}"))
}

fn time_text(bytes: &[u8]) -> Option<String> {
    let [hour, minute, second, a, b, c] = *bytes else {
        return None;
    };
    let micro = u32::from_be_bytes([0, a, b, c]);
    if hour > 23 || minute > 59 || second > 59 || micro > 999_999 {
        return None;
    }
    let mut text = format!("{hour:02}:{minute:02}:{second:02}");
    if micro > 0 {
        // Writing to a String cannot fail.
        let _ = write!(text, ".{micro:06}");
    }
    Some(text)
}

/// The text of an offset as Python's `isoformat` has it.
fn offset_text(seconds: i64, micros: i64) -> String {
    let total = seconds * 1_000_000 + micros;
    let sign = if total < 0 { '-' } else { '+' };
    let total = total.unsigned_abs();
    let (seconds, micros) = (total / 1_000_000, total % 1_000_000);
    let mut text = format!("{sign}{:02}:{:02}", seconds / 3600, seconds / 60 % 60);
    if !seconds.is_multiple_of(60) || micros > 0 {
        let _ = write!(text, ":{:02}", seconds % 60);
    }
    if micros > 0 {
        let _ = write!(text, ".{micros:06}");
    }
    text
}

fn int(value: Ref) -> Option<i64> {
    match value.kind() {
        Kind::Int(n) => Some(n),
        _ => None,
    }
}

fn object_of<'m>(machine: &'m Machine<'_, '_>, value: Ref) -> Option<&'m Object> {
    match value.kind() {
        Kind::Object(at) => machine.arena.object_at(at),
        _ => None,
    }
}

/// Dates and times.
pub(super) fn moment(machine: &mut Machine<'_, '_>, callable: Callable, args: &[Ref]) -> Made {
    match callable {
        Callable::Date => {
            let [state] = args else { return Err(SHAPE) };
            let text = state_bytes(machine, *state, 4)
                .and_then(|bytes| date_text(&bytes))
                .ok_or(STATE)?;
            let body = machine.arena.text(&text)?;
            Ok(machine.make(ObjectKind::Date, body, Ref::NONE)?)
        }
        Callable::TimeDelta => {
            let [days, seconds, micros] = args else {
                return Err(SHAPE);
            };
            match (int(*days), int(*seconds), int(*micros)) {
                (Some(-999_999_999..=999_999_999), Some(0..=86_399), Some(0..=999_999)) => {}
                _ => return Err(STATE),
            }
            let seq = machine.arena.seq(args)?;
            Ok(machine.make(ObjectKind::TimeDelta, Ref::tuple(seq), Ref::NONE)?)
        }
        Callable::TimeZone => zone(machine, args),
        _ => clock(machine, callable, args),
    }
}

fn zone(machine: &mut Machine<'_, '_>, args: &[Ref]) -> Made {
    let (delta, name) = match args {
        [delta] => (*delta, Ref::NONE),
        [delta, name] if machine.arena.text_bytes(*name).is_some() => (*delta, *name),
        _ => return Err(SHAPE),
    };
    let parts = match object_of(machine, delta) {
        Some(Object {
            kind: ObjectKind::TimeDelta,
            body,
            ..
        }) => match body.kind() {
            Kind::Tuple(seq) => machine.arena.items(seq).iter().map(|part| int(*part)).collect(),
            _ => None,
        },
        _ => None,
    };
    let parts: Vec<i64> = parts.ok_or(SHAPE)?;
    let [days, seconds, micros] = parts[..] else {
        return Err(SHAPE);
    };
    let total = days * 86_400 + seconds;
    if !(-86_400..86_400).contains(&total) || total == -86_400 && micros == 0 {
        return Err(STATE);
    }
    let body = machine.arena.text(&offset_text(total, micros))?;
    Ok(machine.make(ObjectKind::TimeZone, body, name)?)
}

fn clock(machine: &mut Machine<'_, '_>, callable: Callable, args: &[Ref]) -> Made {
    let (state, zone) = match args {
        [state] => (*state, Ref::NONE),
        [state, zone] => (*state, *zone),
        _ => return Err(SHAPE),
    };
    let (kind, len) = if callable == Callable::DateTime {
        (ObjectKind::DateTime, 10)
    } else {
        (ObjectKind::Time, 6)
    };
    let mut bytes = state_bytes(machine, state, len).ok_or(STATE)?;
    // The fold rides in the top bit of the month, or of the hour.
    let carrier = if len == 10 { 2 } else { 0 };
    let fold = bytes[carrier] & 0x80 != 0;
    bytes[carrier] &= 0x7f;
    let mut text = if len == 10 {
        match (date_text(&bytes[..4]), time_text(&bytes[4..])) {
            (Some(date), Some(time)) => format!("{date}T{time}"),
            _ => return Err(STATE),
        }
    } else {
        time_text(&bytes).ok_or(STATE)?
    };
    let mut extra = zone;
    match object_of(machine, zone) {
        None if zone == Ref::NONE => {}
        Some(Object {
            kind: ObjectKind::TimeZone,
            body,
            extra: Ref::NONE,
            ..
        }) => {
            text.push_str(machine.arena.text_of(*body).unwrap_or_default());
            extra = Ref::NONE;
        }
        Some(Object {
            kind: ObjectKind::TimeZone | ObjectKind::Record | ObjectKind::Plain,
            ..
        }) => {}
        _ => return Err(SHAPE),
    }
    let body = machine.arena.text(&text)?;
    Ok(machine.arena.object(Object {
        kind,
        flag: fold,
        class: u32::MAX,
        body,
        extra,
    })?)
}

/// Whether Python's `Decimal` writes such a text.
#[must_use]
pub(in super::super) fn is_decimal(text: &str) -> bool {
    let body = text.strip_prefix(['-', '+']).unwrap_or(text);
    if body == "Infinity" {
        return true;
    }
    if let Some(payload) = body.strip_prefix("NaN").or_else(|| body.strip_prefix("sNaN")) {
        return payload.bytes().all(|b| b.is_ascii_digit());
    }
    let (mantissa, exponent) = match body.split_once(['E', 'e']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent)),
        None => (body, None),
    };
    if let Some(exponent) = exponent {
        let digits = exponent.strip_prefix(['-', '+']).unwrap_or(exponent);
        if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
            return false;
        }
    }
    let mut digits = 0;
    let mut points = 0;
    for byte in mantissa.bytes() {
        match byte {
            b'0'..=b'9' => digits += 1,
            b'.' => points += 1,
            _ => return false,
        }
    }
    digits > 0 && points <= 1
}

/// Whether it is a fraction as Python writes it: `-1/3` or `5`.
#[must_use]
pub(in super::super) fn is_fraction(text: &str) -> bool {
    let (top, bottom) = text.split_once('/').unwrap_or((text, "1"));
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    digits(top.strip_prefix('-').unwrap_or(top)) && digits(bottom) && bottom.bytes().any(|b| b != b'0')
}

/// Exact numbers.
pub(super) fn number(machine: &mut Machine<'_, '_>, callable: Callable, args: &[Ref]) -> Made {
    let limit = machine.limits.digits + 32;
    if callable == Callable::Fraction
        && let [top, bottom] = args
    {
        let text = match (digits(machine, *top), digits(machine, *bottom)) {
            (Some(top), Some(bottom)) => format!("{top}/{bottom}"),
            _ => return Err(SHAPE),
        };
        if !is_fraction(&text) {
            return Err(SHAPE);
        }
        let body = machine.arena.text(&text)?;
        return Ok(machine.make(ObjectKind::Fraction, body, Ref::NONE)?);
    }
    let [value] = args else { return Err(SHAPE) };
    if machine
        .arena
        .text_bytes(*value)
        .is_none_or(|text| text.len() > limit)
    {
        return Err(SHAPE);
    }
    let text = machine.arena.text_of(*value).unwrap_or_default();
    let (kind, good) = if callable == Callable::Decimal {
        (ObjectKind::Decimal, is_decimal(text))
    } else {
        (ObjectKind::Fraction, is_fraction(text))
    };
    if !good {
        return Err(SHAPE);
    }
    Ok(machine.make(kind, *value, Ref::NONE)?)
}

fn digits(machine: &Machine<'_, '_>, value: Ref) -> Option<String> {
    match value.kind() {
        Kind::Int(n) => Some(n.to_string()),
        Kind::Span(at) => match machine.arena.span(at) {
            (SpanKind::BigInt, digits) => Some(String::from_utf8_lossy(digits).into_owned()),
            _ => None,
        },
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn offsets_read_as_python_writes_them() {
        assert_eq!(offset_text(0, 0), "+00:00");
        assert_eq!(offset_text(19_800, 0), "+05:30");
        assert_eq!(offset_text(-3_601, 0), "-01:00:01");
        assert_eq!(offset_text(-1, 500_000), "-00:00:00.500000");
    }

    #[test]
    fn only_numbers_are_numbers() {
        for good in [
            "0",
            "-1.10",
            "1E+30",
            "1.",
            ".5",
            "NaN",
            "-sNaN123",
            "Infinity",
            "-Infinity",
        ] {
            assert!(is_decimal(good), "{good}");
        }
        for bad in ["", ".", "1e", "0x1", "1.2.3", "__import__", "Inf inity", "1 "] {
            assert!(!is_decimal(bad), "{bad}");
        }
        assert!(is_fraction("-1/3") && is_fraction("7") && !is_fraction("1/0") && !is_fraction("1/-3"));
    }
}
