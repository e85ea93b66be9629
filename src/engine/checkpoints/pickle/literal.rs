//! The literals of the text operations, and text in general: Python 2 strings, raw unicode, surrogates.

use super::super::finding::Code;
use super::super::number;

/// A literal of the text protocols, decoded.
#[derive(Debug, PartialEq)]
pub(super) enum Literal {
    Bool(bool),
    Int(i64),
    Big(String),
}

/// The content of a Python 2 string literal: quotes taken off, escapes undone.
pub(super) fn string(line: &[u8]) -> Result<Vec<u8>, Code> {
    let ([b'\'', inner @ .., b'\''] | [b'"', inner @ .., b'"']) = line else {
        return Err(Code::BadText);
    };
    let mut out = Vec::with_capacity(inner.len());
    let mut rest = inner;
    while let Some((first, tail)) = rest.split_first() {
        if *first != b'\\' {
            out.push(*first);
            rest = tail;
            continue;
        }
        let Some((kind, tail)) = tail.split_first() else {
            return Err(Code::BadText);
        };
        rest = tail;
        match kind {
            b'\n' => {}
            b'\\' | b'\'' | b'"' => out.push(*kind),
            b'a' => out.push(7),
            b'b' => out.push(8),
            b'f' => out.push(12),
            b'n' => out.push(b'\n'),
            b'r' => out.push(b'\r'),
            b't' => out.push(b'\t'),
            b'v' => out.push(11),
            b'0'..=b'7' => {
                let mut value = u32::from(kind - b'0');
                for _ in 0..2 {
                    match rest.split_first() {
                        Some((digit @ b'0'..=b'7', tail)) => {
                            value = value * 8 + u32::from(digit - b'0');
                            rest = tail;
                        }
                        _ => break,
                    }
                }
                // Python keeps the low eight bits of \400 and above.
                out.push(value.to_le_bytes()[0]);
            }
            b'x' => {
                let value = rest.get(..2).and_then(hex).ok_or(Code::BadText)?;
                out.push(value.to_le_bytes()[0]);
                rest = &rest[2..];
            }
            other => out.extend_from_slice(&[b'\\', *other]),
        }
    }
    Ok(out)
}

pub(super) fn hex(digits: &[u8]) -> Option<u32> {
    digits.iter().try_fold(0_u32, |value, digit| {
        char::from(*digit).to_digit(16).map(|d| value << 4 | d)
    })
}

/// The text of a raw-unicode-escape line in UTF-8, with surrogates as `surrogatepass` writes them.
pub(super) fn raw_unicode(line: &[u8]) -> Result<Vec<u8>, Code> {
    let mut out = Vec::with_capacity(line.len());
    let mut rest = line;
    while let Some((first, tail)) = rest.split_first() {
        rest = tail;
        if *first != b'\\' {
            push_code_point(&mut out, u32::from(*first));
            continue;
        }
        let digits = match rest.split_first() {
            Some((b'u', _)) => 4,
            Some((b'U', _)) => 8,
            Some((other, tail)) => {
                out.push(b'\\');
                push_code_point(&mut out, u32::from(*other));
                rest = tail;
                continue;
            }
            None => {
                out.push(b'\\');
                break;
            }
        };
        let value = rest.get(1..=digits).and_then(hex).ok_or(Code::BadText)?;
        if value > 0x10_ffff {
            return Err(Code::BadText);
        }
        push_code_point(&mut out, value);
        rest = &rest[1 + digits..];
    }
    Ok(out)
}

/// Appends a code point as generalised UTF-8: surrogates take three bytes like any other of their size.
pub(in super::super) fn push_code_point(out: &mut Vec<u8>, value: u32) {
    if let Some(c) = char::from_u32(value) {
        let mut buffer = [0; 4];
        out.extend_from_slice(c.encode_utf8(&mut buffer).as_bytes());
    } else {
        let low = |shift: u32| 0x80 | (value >> shift & 0x3f).to_le_bytes()[0];
        out.extend_from_slice(&[0xe0 | (value >> 12 & 0x0f).to_le_bytes()[0], low(6), low(0)]);
    }
}

/// How bytes read as text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super) enum TextKind {
    Plain,
    Surrogates,
}

/// Checks UTF-8, letting surrogates pass as Python's unpickler does; `Err` holds the first bad byte's place.
pub(in super::super) fn check_text(bytes: &[u8]) -> Result<TextKind, usize> {
    let mut at = 0;
    let mut kind = TextKind::Plain;
    loop {
        match std::str::from_utf8(&bytes[at..]) {
            Ok(_) => return Ok(kind),
            Err(error) => {
                at += error.valid_up_to();
                match bytes.get(at..at + 3) {
                    Some([0xed, 0xa0..=0xbf, 0x80..=0xbf]) => {
                        kind = TextKind::Surrogates;
                        at += 3;
                    }
                    _ => return Err(at),
                }
            }
        }
    }
}

/// The number of an `INT` line: `01` and `00` are the truth values.
pub(super) fn int(line: &[u8], digits: usize) -> Result<Literal, Code> {
    match line {
        b"01" => return Ok(Literal::Bool(true)),
        b"00" => return Ok(Literal::Bool(false)),
        // C reads a leading zero as octal, Python refuses it: no pickler writes one.
        [b'0', _, ..] | [b'-' | b'+', b'0', _, ..] => return Err(Code::BadNumber),
        _ => {}
    }
    long(line, digits)
}

/// The number of a `LONG` line, with or without its `L`.
pub(super) fn long(line: &[u8], digits: usize) -> Result<Literal, Code> {
    let line = line.strip_suffix(b"L").unwrap_or(line);
    if line.len() > digits + 1 {
        return Err(Code::DigitLimit);
    }
    let text = number::canonical_decimal(line).ok_or(Code::BadNumber)?;
    Ok(text.parse().map_or(Literal::Big(text), Literal::Int))
}

/// The number of a `FLOAT` line, as Python's `float` reads what `repr` wrote.
pub(super) fn float(line: &[u8]) -> Result<f64, Code> {
    let text = std::str::from_utf8(line).map_err(|_| Code::BadNumber)?;
    text.parse().map_err(|_| Code::BadNumber)
}

/// The number of a memo entry as Python's `int` reads it, which a hostile file may use to hide what it fetches: spaces
/// around it, a sign, single underscores between digits.
pub(super) fn memo_number(line: &[u8]) -> Option<u64> {
    let text = std::str::from_utf8(line).ok()?.trim();
    let digits = text.strip_prefix('+').unwrap_or(text);
    let odd =
        digits.starts_with('_') || digits.ends_with('_') || digits.contains("__") || digits.starts_with('+');
    if odd {
        return None;
    }
    digits.replace('_', "").parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn python_2_string_literals() {
        for (line, want) in [
            (&b"'echo hi'"[..], Ok(b"echo hi".to_vec())),
            (br#""it's""#, Ok(b"it's".to_vec())),
            (br"'a\'b\\\n\t\x41\101\7'", Ok(b"a'b\\\n\tAA\x07".to_vec())),
            (br"'\xe9\351'", Ok(vec![0xe9, 0xe9])),
            (br"'\q'", Ok(b"\\q".to_vec())),
            (b"'open", Err(Code::BadText)),
            (b"'", Err(Code::BadText)),
            (b"bare", Err(Code::BadText)),
            (br"'\x4'", Err(Code::BadText)),
        ] {
            assert_eq!(string(line), want, "{}", String::from_utf8_lossy(line));
        }
    }

    #[test]
    fn raw_unicode_lines() {
        assert_eq!(
            raw_unicode(b"a\\u00e9\\U0001f600\xe9").as_deref(),
            Ok("aé😀é".as_bytes())
        );
        assert_eq!(raw_unicode(b"\\\\u0041").as_deref(), Ok(&b"\\\\u0041"[..]));
        assert_eq!(raw_unicode(b"\\ud800").as_deref(), Ok(&[0xed, 0xa0, 0x80][..]));
        assert_eq!(raw_unicode(b"\\u00"), Err(Code::BadText));
        assert_eq!(raw_unicode(b"\\Uffffffff"), Err(Code::BadText));
    }

    #[test]
    fn text_may_hold_surrogates_and_nothing_else() {
        assert_eq!(check_text("é😀".as_bytes()), Ok(TextKind::Plain));
        assert_eq!(check_text(b"x\xed\xa0\x80y"), Ok(TextKind::Surrogates));
        assert_eq!(check_text(b"x\xff"), Err(1));
        assert_eq!(check_text(b"\xed\xa0"), Err(0));
    }

    #[test]
    fn numbers_of_the_text_protocols() {
        assert_eq!(int(b"01", 10), Ok(Literal::Bool(true)));
        assert_eq!(int(b"-7", 10), Ok(Literal::Int(-7)));
        assert_eq!(
            long(b"12345678901234567890123L", 30),
            Ok(Literal::Big("12345678901234567890123".into()))
        );
        assert_eq!(long(b"12345678901", 9), Err(Code::DigitLimit));
        assert_eq!(int(b"0x10", 10), Err(Code::BadNumber));
        assert_eq!(float(b"1e-05"), Ok(1e-5));
        assert_eq!(float(b"1_0"), Err(Code::BadNumber));
    }

    #[test]
    fn memo_numbers_are_read_as_python_reads_them() {
        for (line, want) in [
            ("0", Some(0)),
            ("+7", Some(7)),
            (" 1_0 ", Some(10)),
            ("0012", Some(12)),
            ("18446744073709551615", Some(u64::MAX)),
            ("", None),
            ("-1", None),
            ("++1", None),
            ("1__0", None),
            ("_1", None),
            ("1_", None),
            ("0x1", None),
        ] {
            assert_eq!(memo_number(line.as_bytes()), want, "{line}");
        }
    }
}
