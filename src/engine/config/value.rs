//! One legacy value into one MAOS value: whole numbers, durations, sizes, log levels, words.
//!
//! To add a kind of value: a variant of [`Kind`], its reader here, its name in the maps under `assets/config/`.

use serde::Deserialize;
use serde_json::Value as Json;

use super::tree::Value;
use crate::engine::text;

/// What a MAOS key takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A whole number.
    Integer,
    /// A number.
    Number,
    /// `true` or `false`; `yes`, `no`, `on`, `off`, `1`, `0` are read too.
    Boolean,
    /// Text.
    Text,
    /// A file or folder.
    Path,
    /// A duration in whole seconds. A bare number is seconds; units from `ms` to `d` are read.
    Seconds,
    /// A size written as `512MB` or `1GB`. A bare number is MB, or bytes from 1,048,576 on.
    Size,
    /// A size as a whole number of MB.
    Megabytes,
    /// One of DEBUG, INFO, WARNING, ERROR, CRITICAL.
    LogLevel,
    /// The URL of a PostgreSQL database.
    Postgres,
    /// The URL of a Redis server.
    Redis,
    /// A secret, which never stands in the file.
    Secret,
}

/// A converted value.
#[derive(Debug, Clone, PartialEq)]
pub struct Converted {
    /// As MAOS takes it.
    pub value: Json,
    /// What was changed and why, when it is more than the spelling.
    pub note: Option<String>,
}

impl Converted {
    fn plain(value: impl Into<Json>) -> Self {
        Self {
            value: value.into(),
            note: None,
        }
    }

    fn noted(value: impl Into<Json>, note: &str) -> Self {
        Self {
            value: value.into(),
            note: Some(note.to_owned()),
        }
    }
}

/// Why a value cannot be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trouble {
    /// A stable code in `snake_case`.
    pub code: &'static str,
    /// A sentence without its full stop. It never holds a secret.
    pub why: String,
}

impl Trouble {
    /// A trouble of `code`.
    pub fn new(code: &'static str, why: impl Into<String>) -> Self {
        Self {
            code,
            why: why.into(),
        }
    }
}

/// Reads `value` as `kind`. URL kinds and secrets have their own readers and are refused here.
///
/// # Errors
/// `wrong_type`, `out_of_range`, `unknown_level`, `empty`.
pub fn convert(value: &Value, kind: Kind) -> Result<Converted, Trouble> {
    if matches!(value, Value::Null) || matches!(value, Value::Text(text) if text.trim().is_empty()) {
        return Err(Trouble::new("empty", "it has no value"));
    }
    match kind {
        Kind::Integer => integer(value),
        Kind::Number => number(value),
        Kind::Boolean => boolean(value),
        Kind::Text | Kind::Path => word(value).map(Converted::plain),
        Kind::Seconds => seconds(value),
        Kind::Size => size(value),
        Kind::Megabytes => megabytes(value).map(|(mb, note)| Converted {
            value: mb.into(),
            note,
        }),
        Kind::LogLevel => level(value),
        Kind::Postgres | Kind::Redis | Kind::Secret => Err(wrong(value, "an address or a secret")),
    }
}

fn wrong(value: &Value, wanted: &str) -> Trouble {
    let why = match value {
        Value::Text(_) | Value::Int(_) | Value::Float(_) | Value::Bool(_) => {
            format!("{} is not {wanted}", text::inert_short(&value.text(), 40))
        }
        other => format!("{wanted} is wanted, this is {}", other.kind()),
    };
    Trouble::new("wrong_type", why)
}

fn out_of_range(value: &Value, wanted: &str) -> Trouble {
    let shown = text::inert_short(&value.text(), 40);
    Trouble::new("out_of_range", format!("{shown} is not {wanted}"))
}

fn word(value: &Value) -> Result<String, Trouble> {
    match value {
        Value::List(_) | Value::Map(_) | Value::Null => Err(wrong(value, "text")),
        other => Ok(other.text()),
    }
}

fn integer(value: &Value) -> Result<Converted, Trouble> {
    let wanted = "a whole number";
    let (parsed, note) = match value {
        Value::Int(n) => (*n, None),
        Value::Text(text) => (
            text.trim().parse::<i128>().map_err(|_| wrong(value, wanted))?,
            Some("text read as a number"),
        ),
        Value::Float(n) if n.fract() == 0.0 && n.abs() < 1e15 => {
            #[expect(
                clippy::cast_possible_truncation,
                reason = "whole and below 1e15, checked above"
            )]
            let whole = *n as i128;
            (whole, None)
        }
        _ => return Err(wrong(value, wanted)),
    };
    let fits = i64::try_from(parsed).map_err(|_| out_of_range(value, "a number that MAOS can hold"))?;
    Ok(Converted {
        value: fits.into(),
        note: note.map(str::to_owned),
    })
}

fn number(value: &Value) -> Result<Converted, Trouble> {
    let (parsed, note) = match value {
        Value::Int(_) => return integer(value),
        Value::Float(n) => (*n, None),
        Value::Text(text) => (
            text.trim().parse().map_err(|_| wrong(value, "a number"))?,
            Some("text read as a number".to_owned()),
        ),
        _ => return Err(wrong(value, "a number")),
    };
    serde_json::Number::from_f64(parsed)
        .map(|n| Converted {
            value: n.into(),
            note,
        })
        .ok_or_else(|| out_of_range(value, "a finite number"))
}

fn boolean(value: &Value) -> Result<Converted, Trouble> {
    let wanted = "true or false";
    match value {
        Value::Bool(b) => Ok(Converted::plain(*b)),
        Value::Int(n @ (0 | 1)) => Ok(Converted::plain(*n == 1)),
        Value::Text(text) => match text.trim().to_lowercase().as_str() {
            "true" | "yes" | "on" | "1" | "y" => Ok(Converted::plain(true)),
            "false" | "no" | "off" | "0" | "n" => Ok(Converted::plain(false)),
            _ => Err(wrong(value, wanted)),
        },
        _ => Err(wrong(value, wanted)),
    }
}

fn level(value: &Value) -> Result<Converted, Trouble> {
    let name = word(value)?.trim().to_uppercase();
    let level = match name.as_str() {
        "DEBUG" | "INFO" | "WARNING" | "ERROR" | "CRITICAL" => name.as_str(),
        // The numbers are those of Python's logging, which a legacy system may have stored.
        "10" => "DEBUG",
        "20" => "INFO",
        "WARN" | "30" => "WARNING",
        "ERR" | "40" => "ERROR",
        "FATAL" | "50" => "CRITICAL",
        "TRACE" | "VERBOSE" => return Ok(Converted::noted("DEBUG", "MAOS has no finer level")),
        _ => {
            let shown = text::inert_short(&value.text(), 40);
            return Err(Trouble::new(
                "unknown_level",
                format!("{shown} is none of DEBUG, INFO, WARNING, ERROR, CRITICAL"),
            ));
        }
    };
    Ok(Converted::plain(level))
}

/// Splits `1.5 GB` into its number and its unit in lower case.
fn quantity(text: &str) -> Option<(f64, String)> {
    let text = text.trim();
    let end = text
        .find(|c: char| !(c.is_ascii_digit() || c == '.'))
        .unwrap_or(text.len());
    let number: f64 = text[..end].parse().ok()?;
    Some((number, text[end..].trim().to_lowercase()))
}

fn unit_seconds(unit: &str) -> Option<f64> {
    Some(match unit {
        "ms" | "msec" | "millisecond" | "milliseconds" => 0.001,
        "s" | "sec" | "secs" | "second" | "seconds" => 1.0,
        "m" | "min" | "mins" | "minute" | "minutes" => 60.0,
        "h" | "hr" | "hrs" | "hour" | "hours" => 3600.0,
        "d" | "day" | "days" => 86_400.0,
        _ => return None,
    })
}

/// `1h30m`, `45 min`, `1500ms`, `0:45:00`.
fn duration(text: &str) -> Option<f64> {
    let text = text.trim();
    if text.contains(':') {
        let mut total = 0.0;
        for part in text.split(':') {
            let digits = !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
            total = total * 60.0 + digits.then(|| part.parse::<f64>().ok()).flatten()?;
        }
        return (text.matches(':').count() == 2).then_some(total);
    }
    if let Ok(bare) = text.parse::<f64>() {
        return Some(bare);
    }
    let mut total = 0.0;
    let mut rest = text;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !(c.is_ascii_digit() || c == '.'))?;
        let number: f64 = rest[..digits].parse().ok()?;
        let tail = rest[digits..].trim_start();
        let end = tail.find(|c: char| !c.is_alphabetic()).unwrap_or(tail.len());
        total += number * unit_seconds(&tail[..end].to_lowercase())?;
        rest = tail[end..].trim_start();
    }
    Some(total)
}

#[expect(clippy::cast_possible_truncation, reason = "bounded by the check before")]
fn whole_up(value: &Value, exact: f64, unit: &str) -> Result<(i64, Option<String>), Trouble> {
    if !(0.0..=1e15).contains(&exact) {
        return Err(out_of_range(value, "a quantity that MAOS can hold"));
    }
    let up = exact.ceil();
    // A thousandth is float noise of the units, not a part of the quantity.
    let note = (up - exact > 0.001).then(|| format!("rounded up to whole {unit}"));
    Ok((up as i64, note))
}

fn seconds(value: &Value) -> Result<Converted, Trouble> {
    let wanted = "a duration such as 2700, 45m or 1h30m";
    #[expect(
        clippy::cast_precision_loss,
        reason = "durations are far below 2^52 seconds, checked after"
    )]
    let exact = match value {
        Value::Int(n) => *n as f64,
        Value::Float(n) => *n,
        Value::Text(text) => duration(text).ok_or_else(|| wrong(value, wanted))?,
        _ => return Err(wrong(value, wanted)),
    };
    let (whole, note) = whole_up(value, exact, "seconds")?;
    Ok(Converted {
        value: whole.into(),
        note,
    })
}

const MB: f64 = 1_048_576.0;

fn megabytes(value: &Value) -> Result<(i64, Option<String>), Trouble> {
    let wanted = "a size such as 512MB or 1GB";
    #[expect(
        clippy::cast_precision_loss,
        reason = "sizes are far below 2^52 bytes, checked after"
    )]
    let (number, unit) = match value {
        Value::Int(n) => (*n as f64, String::new()),
        Value::Float(n) => (*n, String::new()),
        Value::Text(text) => quantity(text).ok_or_else(|| wrong(value, wanted))?,
        _ => return Err(wrong(value, wanted)),
    };
    let (bytes, said) = match unit.as_str() {
        "" if number >= MB => (number, Some("a bare number of this size is read as bytes")),
        "" => (number * MB, Some("a bare number is read as MB")),
        "b" | "byte" | "bytes" => (number, None),
        "k" | "kb" | "kib" | "ki" => (number * 1024.0, None),
        "m" | "mb" | "mib" | "mi" => (number * MB, None),
        "g" | "gb" | "gib" | "gi" => (number * MB * 1024.0, None),
        "t" | "tb" | "tib" | "ti" => (number * MB * 1024.0 * 1024.0, None),
        _ => return Err(wrong(value, wanted)),
    };
    let (mb, rounded) = whole_up(value, bytes / MB, "MB")?;
    if mb == 0 {
        return Err(out_of_range(value, "more than nothing"));
    }
    Ok((mb, rounded.or(said.map(str::to_owned))))
}

fn size(value: &Value) -> Result<Converted, Trouble> {
    let (mb, note) = megabytes(value)?;
    let text = if mb % 1024 == 0 {
        format!("{}GB", mb / 1024)
    } else {
        format!("{mb}MB")
    };
    Ok(Converted {
        value: text.into(),
        note,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(value: &str, kind: Kind) -> Result<String, &'static str> {
        convert(&Value::Text(value.to_owned()), kind)
            .map(|c| c.value.to_string().trim_matches('"').to_owned())
            .map_err(|t| t.code)
    }

    #[test]
    fn units_are_read_as_people_write_them() {
        for (value, want) in [
            ("45m", Ok("2700")),
            ("1h30m", Ok("5400")),
            ("1h 30 min", Ok("5400")),
            ("1.5h", Ok("5400")),
            ("90", Ok("90")),
            ("1500ms", Ok("2")),
            ("0:45:00", Ok("2700")),
            ("45x", Err("wrong_type")),
            ("m", Err("wrong_type")),
            ("", Err("empty")),
            ("-5", Err("out_of_range")),
            ("1e30", Err("out_of_range")),
            ("12:30", Err("wrong_type")),
        ] {
            assert_eq!(text(value, Kind::Seconds), want.map(str::to_owned), "{value}");
        }
        for (value, want) in [
            ("1GB", Ok("1GB")),
            ("2048M", Ok("2GB")),
            ("512", Ok("512MB")),
            ("536870912", Ok("512MB")),
            ("1.5 GiB", Ok("1536MB")),
            ("100kb", Ok("1MB")),
            ("0", Err("out_of_range")),
            ("lots", Err("wrong_type")),
            ("5PB", Err("wrong_type")),
        ] {
            assert_eq!(text(value, Kind::Size), want.map(str::to_owned), "{value}");
        }
        assert_eq!(text("4GB", Kind::Megabytes), Ok("4096".to_owned()));
    }

    #[test]
    fn levels_numbers_and_booleans() {
        for (value, want) in [
            ("warn", Ok("WARNING")),
            ("fatal", Ok("CRITICAL")),
            ("Info", Ok("INFO")),
            ("30", Ok("WARNING")),
            ("loud", Err("unknown_level")),
        ] {
            assert_eq!(text(value, Kind::LogLevel), want.map(str::to_owned), "{value}");
        }
        assert_eq!(text("8", Kind::Integer), Ok("8".to_owned()));
        assert_eq!(text("8.5", Kind::Integer), Err("wrong_type"));
        assert_eq!(text("99999999999999999999", Kind::Integer), Err("out_of_range"));
        assert_eq!(text("Yes", Kind::Boolean), Ok("true".to_owned()));
        assert_eq!(
            convert(&Value::Null, Kind::Text).map_err(|t| t.code),
            Err("empty")
        );
        assert_eq!(
            convert(&Value::List(vec![]), Kind::Integer).map_err(|t| t.why),
            Err("a whole number is wanted, this is a list".to_owned())
        );
    }
}
