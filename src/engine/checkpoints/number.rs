//! Numbers as Python writes them: the shortest text of a float, decimal digits of large integers.

use num_bigint::BigInt;

/// Appends the text of `value` exactly as Python's `repr` and its JSON writer do: the shortest digits that read back
/// equal, with an exponent below 1e-4 and from 1e16 on. Not-a-number and infinities come out as Python's JSON writer
/// spells them; the caller decides whether that is allowed.
pub fn push_float(out: &mut Vec<u8>, value: f64) {
    if !value.is_finite() {
        out.extend_from_slice(if value.is_nan() {
            b"NaN"
        } else if value > 0.0 {
            b"Infinity"
        } else {
            b"-Infinity"
        });
        return;
    }
    if value == 0.0 {
        out.extend_from_slice(if value.is_sign_negative() { b"-0.0" } else { b"0.0" });
        return;
    }
    // Both find the shortest digits, and of two equally near ones the even one, which the standard library does not.
    let mut text = zmij::Buffer::new();
    let text = text.format_finite(value);
    // Without an exponent they arrange them alike, too.
    if (1e-4..1e16).contains(&value.abs()) {
        out.extend_from_slice(text.as_bytes());
        return;
    }
    let text = if let Some(positive) = text.strip_prefix('-') {
        out.push(b'-');
        positive
    } else {
        text
    };
    let (digits, exponent) = text.split_once('e').unwrap_or((text, "0"));
    let (whole, part) = digits.split_once('.').unwrap_or((digits, ""));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    let mut all = [0_u8; 40];
    let mut n = 0;
    let mut point = exponent + i32::try_from(whole.len()).unwrap_or(0) - 1;
    for digit in whole.bytes().chain(part.bytes()) {
        if n == 0 && digit == b'0' {
            // Zeros in front only move the point.
            point -= 1;
        } else if n < all.len() {
            all[n] = digit;
            n += 1;
        }
    }
    let digits = &all[..n];
    let digits = digits
        .iter()
        .rposition(|digit| *digit != b'0')
        .map_or(digits, |last| &digits[..=last]);
    arrange(out, digits, point);
}

/// Writes `d.ddd × 10^exponent` as Python does.
fn arrange(out: &mut Vec<u8>, digits: &[u8], exponent: i32) {
    if !(-4..16).contains(&exponent) {
        out.push(digits[0]);
        if digits.len() > 1 {
            out.push(b'.');
            out.extend_from_slice(&digits[1..]);
        }
        out.push(b'e');
        out.push(if exponent < 0 { b'-' } else { b'+' });
        let size = exponent.unsigned_abs();
        if size < 10 {
            out.push(b'0');
        }
        push_int(out, i64::from(size));
        return;
    }
    if exponent < 0 {
        out.extend_from_slice(b"0.");
        for _ in 1..exponent.unsigned_abs() {
            out.push(b'0');
        }
        out.extend_from_slice(digits);
        return;
    }
    let whole = exponent.unsigned_abs() as usize + 1;
    if digits.len() > whole {
        out.extend_from_slice(&digits[..whole]);
        out.push(b'.');
        out.extend_from_slice(&digits[whole..]);
    } else {
        out.extend_from_slice(digits);
        for _ in digits.len()..whole {
            out.push(b'0');
        }
        out.extend_from_slice(b".0");
    }
}

/// Appends an integer in decimal.
pub fn push_int(out: &mut Vec<u8>, value: i64) {
    let mut text = [0_u8; 20];
    let mut at = text.len();
    let mut rest = value.unsigned_abs();
    loop {
        at -= 1;
        // A remainder by ten fits a byte.
        text[at] = b'0' + u8::try_from(rest % 10).unwrap_or(0);
        rest /= 10;
        if rest == 0 {
            break;
        }
    }
    if value < 0 {
        out.push(b'-');
    }
    out.extend_from_slice(&text[at..]);
}

/// The most bytes a two's-complement integer of `digits` decimal digits can have.
#[must_use]
pub const fn bytes_for_digits(digits: usize) -> usize {
    // log2(10) / 8 = 0.41524…
    digits * 41_525 / 100_000 + 1
}

/// A little-endian two's-complement integer, as `LONG1` and `LONG4` write it; `Err` holds the decimal text when it
/// needs more than 64 bits.
///
/// # Errors
/// The decimal text of an integer beyond 64 bits.
pub fn from_little_endian(bytes: &[u8]) -> Result<i64, String> {
    if bytes.len() <= 8 {
        let fill = if bytes.last().is_some_and(|b| *b >= 0x80) {
            0xff
        } else {
            0
        };
        let mut word = [fill; 8];
        word[..bytes.len()].copy_from_slice(bytes);
        return Ok(i64::from_le_bytes(word));
    }
    let text = BigInt::from_signed_bytes_le(bytes).to_string();
    text.parse().map_err(|_| text)
}

/// A decimal integer without its needless zeros and sign; `None` when it is not one.
#[must_use]
pub fn canonical_decimal(text: &[u8]) -> Option<String> {
    let (negative, digits) = match text.split_first()? {
        (b'-', tail) => (true, tail),
        (b'+', tail) => (false, tail),
        _ => (false, text),
    };
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let first = digits.iter().position(|b| *b != b'0');
    let Some(first) = first else {
        return Some("0".to_owned());
    };
    let digits = std::str::from_utf8(&digits[first..]).ok()?;
    Some(if negative {
        format!("-{digits}")
    } else {
        digits.to_owned()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(value: f64) -> String {
        let mut out = Vec::new();
        push_float(&mut out, value);
        String::from_utf8(out).expect("ASCII")
    }

    #[test]
    fn floats_are_arranged_as_python_arranges_them() {
        for (value, want) in [
            (0.0, "0.0"),
            (-0.0, "-0.0"),
            (1.0, "1.0"),
            (-1.5, "-1.5"),
            (0.1, "0.1"),
            (100.0, "100.0"),
            (1e-4, "0.0001"),
            (1e-5, "1e-05"),
            (1.25e-7, "1.25e-07"),
            (123_456_789_012_345.6, "123456789012345.6"),
            (1e15, "1000000000000000.0"),
            (1e16, "1e+16"),
            (1.5e300, "1.5e+300"),
            (5e-324, "5e-324"),
            (f64::MAX, "1.7976931348623157e+308"),
        ] {
            assert_eq!(text(value), want);
        }
    }

    /// Two numbers of the fewest digits are equally near: Python takes the even one.
    #[test]
    #[expect(
        clippy::excessive_precision,
        reason = "these are the numbers in full; what is printed has fewer digits"
    )]
    fn ties_are_broken_as_python_breaks_them() {
        for (value, want) in [
            (927_381_604_367_107.25, "927381604367107.2"),
            (-927_381_604_367_107.25, "-927381604367107.2"),
            (927_381_604_367_107.75, "927381604367107.8"),
            (1_125_899_906_842_624.75, "1125899906842624.8"),
            (9_007_199_254_740_993.0, "9007199254740992.0"),
            (f64::MIN_POSITIVE, "2.2250738585072014e-308"),
            (f64::from_bits(3), "1.5e-323"),
        ] {
            assert_eq!(text(value), want);
        }
    }

    #[test]
    fn integers_of_any_size() {
        assert_eq!(from_little_endian(&[]), Ok(0));
        assert_eq!(from_little_endian(&[0xff]), Ok(-1));
        assert_eq!(from_little_endian(&[0, 0, 0, 0, 0, 0, 0, 0x80]), Ok(i64::MIN));
        assert_eq!(
            from_little_endian(&[0, 0, 0, 0, 0, 0, 0, 0, 1]),
            Err("18446744073709551616".to_owned())
        );
        assert_eq!(canonical_decimal(b"-007").as_deref(), Some("-7"));
        assert_eq!(canonical_decimal(b"-0").as_deref(), Some("0"));
        assert_eq!(canonical_decimal(b"1_0"), None);
        assert!(bytes_for_digits(4300) >= 1786);
    }
}
