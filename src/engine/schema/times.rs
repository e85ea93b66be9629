//! Times in text columns of SQLite, which keeps any text there: which of them are times that every database reads alike.
//!
//! The rules are those of the condition that `adapters::faults` writes in SQL: what SQLite's own date functions read, less the forms that
//! few others read (an hour 24, several blanks before the clock, a date that does not exist). Both judge every row; a row on which they
//! differed could never be proved.

use std::borrow::Cow;

use super::canon;
use crate::engine::ports::store::Reason;

/// Characters of a time at most. PostgreSQL reads about twice as many.
pub const LONGEST: usize = 64;
const EPOCH: jiff::civil::Date = jiff::civil::date(1970, 1, 1);
/// Microseconds of a day.
const DAY: i64 = 86_400_000_000;
/// 0001-01-01 and 10000-01-01 in milliseconds since 1970.
const YEARS: std::ops::Range<i64> = -62_135_596_800_000..253_402_300_800_000;

/// Whether text is a time of the years 1 to 9999 in UTC: `YYYY-MM-DD[( |T)HH:MM[:SS[.f…]][ ][Z|±HH:MM]]`; one without a zone is in UTC.
///
/// # Errors
/// [`Reason::BadTimestamp`] or [`Reason::TimestampOutOfRange`].
pub fn judge(text: &str) -> Result<(), Reason> {
    match read(text) {
        // Nobody else knows a year 0, wherever its last hours are.
        Some(at) if at < YEARS.start || text.starts_with("0000") => Err(Reason::TimestampOutOfRange),
        // SQLite knows no time after its last millisecond.
        Some(at) if at < YEARS.end => Ok(()),
        _ => Err(Reason::BadTimestamp),
    }
}

/// Milliseconds since 1970, rounded as SQLite rounds them.
fn read(text: &str) -> Option<i64> {
    let (date, rest) = text.as_bytes().split_first_chunk::<10>()?;
    let date = day(date).filter(|_| text.len() <= LONGEST)?;
    let end = rest
        .iter()
        .rposition(|byte| !blank(*byte))
        .map_or(0, |last| last + 1);
    let clock = match rest.get(..end)?.split_first() {
        None => return Some(seconds(date.at(0, 0, 0, 0))? * 1_000),
        Some((b' ' | b'T', clock)) => clock,
        Some(_) => return None,
    };
    let (hour, rest) = two(clock, 23)?;
    let (minute, mut rest) = two(rest.strip_prefix(b":")?, 59)?;
    let (mut second, mut part) = (0, 0);
    if let Some(after) = rest.strip_prefix(b":") {
        (second, rest) = two(after, 59)?;
        if let Some(after) = rest.strip_prefix(b".") {
            let digits = after.iter().take_while(|byte| byte.is_ascii_digit()).count();
            let (fraction, after) = after.split_at_checked(digits).filter(|_| digits > 0)?;
            (part, rest) = (thousandths(fraction), after);
        }
    }
    let at = seconds(date.at(hour, minute, second, 0))?;
    Some(at * 1_000 + part - zone(rest)? * 60_000)
}

/// What SQLite takes for a blank.
const fn blank(byte: u8) -> bool {
    byte == b' ' || (byte >= 9 && byte <= 13)
}

fn day(text: &[u8; 10]) -> Option<jiff::civil::Date> {
    let (century, rest) = two(text, 99)?;
    let (year, rest) = two(rest, 99)?;
    let (month, rest) = two(rest.strip_prefix(b"-")?, 12)?;
    let (day, _) = two(rest.strip_prefix(b"-")?, 31)?;
    let year = i16::from(century) * 100 + i16::from(year);
    jiff::civil::Date::new(year, month, day).ok()
}

/// A number of two digits, `most` at most, and what follows it.
fn two(text: &[u8], most: i8) -> Option<(i8, &[u8])> {
    let ([tens, ones], rest) = text.split_first_chunk::<2>()?;
    let digit = |byte: u8| byte.is_ascii_digit().then(|| byte - b'0');
    let n = i8::try_from(digit(*tens)? * 10 + digit(*ones)?).ok()?;
    (n <= most).then_some((n, rest))
}

fn thousandths(digits: &[u8]) -> i64 {
    let digit = |at: usize| i64::from(digits.get(at).map_or(0, |byte| byte - b'0'));
    digit(0) * 100 + digit(1) * 10 + digit(2) + i64::from(digit(3) >= 5)
}

/// Minutes east of UTC.
fn zone(text: &[u8]) -> Option<i64> {
    let start = text.iter().position(|byte| !blank(*byte)).unwrap_or(text.len());
    let (sign, rest) = match text.get(start..)?.split_first() {
        None | Some((b'Z' | b'z', [])) => return Some(0),
        Some((b'+', rest)) => (1, rest),
        Some((b'-', rest)) => (-1, rest),
        Some(_) => return None,
    };
    let (hours, rest) = two(rest, 14)?;
    let (minutes, rest) = two(rest.strip_prefix(b":")?, 59)?;
    rest.is_empty()
        .then(|| sign * (i64::from(hours) * 60 + i64::from(minutes)))
}

/// The same time without its zone, in UTC, for a column that would drop the zone; other text stays as it is.
#[must_use]
pub fn in_utc(text: &str) -> Cow<'_, str> {
    let zoned = text
        .get(10..)
        .is_some_and(|clock| clock.contains(['Z', 'z', '+', '-']));
    match canon::micros(text).filter(|_| zoned).and_then(spelled) {
        Some(text) => text.into(),
        None => text.into(),
    }
}

fn spelled(micros: i64) -> Option<String> {
    let (days, clock) = (micros.div_euclid(DAY), micros.rem_euclid(DAY));
    let date = EPOCH.checked_add(jiff::Span::new().try_days(days).ok()?).ok()?;
    let (seconds, part) = (clock / 1_000_000, clock % 1_000_000);
    let (hour, minute, second) = (seconds / 3_600, seconds / 60 % 60, seconds % 60);
    Some(format!("{date} {hour:02}:{minute:02}:{second:02}.{part:06}"))
}

/// Seconds since 1970 in UTC, for every date: the library's moments end before its dates do.
pub(super) fn seconds(at: jiff::civil::DateTime) -> Option<i64> {
    let days = i64::from(at.date().since(EPOCH).ok()?.get_days());
    let minutes = (days * 24 + i64::from(at.hour())) * 60 + i64::from(at.minute());
    Some(minutes * 60 + i64::from(at.second()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zones_are_added_up() {
        for (text, want) in [
            ("2024-02-29 23:30:00.25-01:00", "2024-03-01 00:30:00.250000"),
            ("0001-01-01T02:00Z", "0001-01-01 02:00:00.000000"),
            ("9999-12-31 23:59:59+00:30", "9999-12-31 23:29:59.000000"),
            ("2024-02-29 23:30:00.25", "2024-02-29 23:30:00.25"),
            ("2024-02-29", "2024-02-29"),
        ] {
            assert_eq!(in_utc(text), want);
        }
    }

    #[test]
    fn times_are_told_from_other_text() {
        for text in [
            "2024-02-29",
            "2024-02-29 \t",
            "2024-02-29 23:59",
            "2024-02-29T23:59:59",
            "2024-02-29 23:59:59.1234567890",
            "2024-02-29T23:59:59.5Z",
            "2024-02-29 23:59:59 +02:00",
            "2024-02-29 23:59:59-14:59 ",
            "0001-01-01 00:00:00",
            "9999-12-31 23:59:59.9994",
        ] {
            assert_eq!(judge(text), Ok(()), "{text:?}");
        }
        for text in [
            "",
            "yesterday",
            " 2024-02-29",
            "2023-02-29",
            "2024-02-29 24:00:00",
            "2024-02-29  12:00",
            "2024-02-29\t12:00",
            "2024-02-29T",
            "2024-02-29 7:00",
            "2024-02-29 12:00:60",
            "2024-02-29 12:00:00.",
            "2024-02-29 12:00:00+0200",
            "2024-02-29 12:00:00+15:00",
            "2024-02-29 12:00:00Zulu",
            "2024-02-29 12:00\0",
            "2024-02-29 12:00:00.00000000000000000000000000000000000000000000000000",
            "9999-12-31 23:59:59.9999",
            "9999-12-31 23:30-01:00",
            "20240229",
            "2024-02-2\u{e9}",
        ] {
            assert_eq!(judge(text), Err(Reason::BadTimestamp), "{text:?}");
        }
        for text in [
            "0000-01-01",
            "0000-12-31 23:59",
            "0001-01-01 00:30+01:00",
            "0000-01-01 00:30+01:00",
        ] {
            assert_eq!(judge(text), Err(Reason::TimestampOutOfRange), "{text:?}");
        }
    }
}
