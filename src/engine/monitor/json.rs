//! Samples as JSON: a line of a file, or the status document of MAOS. Reads what is there and says why the rest is not.
//!
//! Text that is nearly JSON is read too: `NaN`, `Infinity` and numbers beyond any range, as many programs write them, are
//! no numbers here but do not spoil the figures beside them.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::sample::{Figure, Gap, Probe, Raw, RawFigures, Sample};

/// What a line of a replay file holds.
#[derive(Debug, Clone, PartialEq)]
pub enum Line {
    /// The response time to compare with, in seconds; NaN when it is given and cannot be used.
    Baseline(Option<f64>),
    /// A sample, and its `at` as it stood.
    Sample(Box<Sample>, Option<String>),
}

/// Reads one line. What cannot be read is a sample in which nothing is known.
#[must_use]
pub fn line(bytes: &[u8]) -> Line {
    let lost = || Line::Sample(Box::new(Sample::lost(None, Gap::Unreadable)), None);
    if let Ok(document) = serde_json::from_slice::<Document<'_>>(bytes) {
        return document.read();
    }
    let Ok(text) = std::str::from_utf8(bytes) else {
        return lost();
    };
    let mended = mend(text);
    serde_json::from_str::<Document<'_>>(&mended).map_or_else(|_| lost(), |document| document.read())
}

/// Reads the numbers of a status document, without a time or a probe.
///
/// # Errors
/// [`Gap::Unreadable`] when it is no JSON object.
pub fn status(bytes: &[u8]) -> Figure<RawFigures> {
    let text = std::str::from_utf8(bytes).map_err(|_| Gap::Unreadable)?;
    if !text.trim_start().starts_with('{') {
        return Err(Gap::Unreadable);
    }
    serde_json::from_str::<Document<'_>>(&mend(text))
        .map(|document| document.figures())
        .map_err(|_| Gap::Unreadable)
}

/// A time as JSON gives it: RFC 3339, a date and time without a zone (taken as UTC), or a number of seconds (of
/// milliseconds above 10¹¹, of microseconds above 10¹⁴) since 1970. Microseconds since 1970, or `None`.
#[must_use]
pub fn time(raw: &str) -> Option<i64> {
    if !raw.starts_with('"') {
        let number: f64 = raw.parse().ok()?;
        let factor = match number.abs() {
            n if n > 1e14 => 1.0,
            n if n > 1e11 => 1e3,
            _ => 1e6,
        };
        let micros = number * factor;
        #[expect(
            clippy::cast_possible_truncation,
            reason = "checked to be within a few thousand years"
        )]
        return (micros.abs() < 1e17).then_some(micros.round() as i64);
    }
    let text: Cow<'_, str> = if raw.contains('\\') {
        Cow::Owned(serde_json::from_str(raw).ok()?)
    } else {
        Cow::Borrowed(raw.trim_matches('"'))
    };
    let stamp = text.parse::<jiff::Timestamp>().or_else(|_| {
        text.parse::<jiff::civil::DateTime>()
            .and_then(|plain| plain.to_zoned(jiff::tz::TimeZone::UTC))
            .map(|zoned| zoned.timestamp())
    });
    stamp.ok().map(jiff::Timestamp::as_microsecond)
}

#[derive(Debug, Default, serde::Deserialize)]
#[serde(default)]
struct Document<'a> {
    #[serde(borrow)]
    at: Option<&'a RawValue>,
    #[serde(borrow)]
    tasks: Option<&'a RawValue>,
    #[serde(borrow)]
    health: Option<&'a RawValue>,
    #[serde(borrow)]
    performance: Option<&'a RawValue>,
    validation: Scalar,
    #[serde(borrow)]
    baseline: Option<&'a RawValue>,
}

impl Document<'_> {
    fn figures(&self) -> RawFigures {
        let (tasks, health, performance) = (part(self.tasks), part(self.health), part(self.performance));
        RawFigures {
            total: tasks.total.raw(),
            failed: tasks.failed.raw(),
            completed: tasks.completed.raw(),
            cancelled: tasks.cancelled.raw(),
            healthy: health.healthy.raw(),
            components: health.total.raw(),
            response: performance.avg_response_time.raw(),
            throughput: performance.tasks_per_minute.raw(),
        }
    }

    fn read(&self) -> Line {
        let figures = self.figures();
        if self.baseline.is_some() && self.at.is_none() && figures == RawFigures::default() {
            return Line::Baseline(match part(self.baseline).avg_response_time.raw() {
                Raw::Absent | Raw::Null => None,
                Raw::Number(seconds) => Some(seconds),
                Raw::Other => Some(f64::NAN),
            });
        }
        let validation = match self.validation {
            Scalar::Absent => Err(Gap::Absent),
            Scalar::Null => Err(Gap::Null),
            Scalar::Word(Word::Pass) => Ok(Probe::Pass),
            Scalar::Word(Word::Fail) => Ok(Probe::Fail),
            Scalar::Word(Word::Unknown) => Err(Gap::NoAnswer),
            _ => Err(Gap::NotANumber),
        };
        let raw = self.at.map(RawValue::get).filter(|at| *at != "null");
        let sample = figures.sample(raw.and_then(time), validation);
        Line::Sample(Box::new(sample), raw.map(ToOwned::to_owned))
    }
}

/// The numbers of one part of the document; a part has only some of them.
#[derive(Debug, Clone, Copy, Default, serde::Deserialize)]
#[serde(default)]
struct Part {
    total: Scalar,
    failed: Scalar,
    completed: Scalar,
    cancelled: Scalar,
    healthy: Scalar,
    avg_response_time: Scalar,
    tasks_per_minute: Scalar,
}

fn part(raw: Option<&RawValue>) -> Part {
    let Some(raw) = raw.map(RawValue::get) else {
        return Part::default();
    };
    let all = |scalar| Part {
        total: scalar,
        failed: scalar,
        completed: scalar,
        cancelled: scalar,
        healthy: scalar,
        avg_response_time: scalar,
        tasks_per_minute: scalar,
    };
    if raw.starts_with('{') {
        serde_json::from_str(raw)
            .or_else(|_| serde_json::from_str(&mend(raw)))
            .unwrap_or_else(|_| all(Scalar::Other))
    } else {
        all(if raw == "null" {
            Scalar::Null
        } else {
            Scalar::Other
        })
    }
}

/// One value of whatever kind.
#[derive(Debug, Clone, Copy, Default)]
enum Scalar {
    #[default]
    Absent,
    Null,
    Number(f64),
    Word(Word),
    Other,
}

/// The words that mean something here.
#[derive(Debug, Clone, Copy)]
enum Word {
    Pass,
    Fail,
    Unknown,
    NotFinite,
}

impl Scalar {
    const fn raw(self) -> Raw {
        match self {
            Self::Absent => Raw::Absent,
            Self::Null => Raw::Null,
            Self::Number(n) => Raw::Number(n),
            Self::Word(Word::NotFinite) => Raw::Number(f64::NAN),
            Self::Word(_) | Self::Other => Raw::Other,
        }
    }
}

impl<'de> Deserialize<'de> for Scalar {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ScalarVisitor)
    }
}

struct ScalarVisitor;

impl<'de> Visitor<'de> for ScalarVisitor {
    type Value = Scalar;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    #[expect(
        clippy::cast_precision_loss,
        reason = "counts above 2^53 are refused as counts"
    )]
    fn visit_u64<E>(self, n: u64) -> Result<Scalar, E> {
        Ok(Scalar::Number(n as f64))
    }

    #[expect(
        clippy::cast_precision_loss,
        reason = "counts above 2^53 are refused as counts"
    )]
    fn visit_i64<E>(self, n: i64) -> Result<Scalar, E> {
        Ok(Scalar::Number(n as f64))
    }

    fn visit_f64<E>(self, n: f64) -> Result<Scalar, E> {
        Ok(Scalar::Number(n))
    }

    fn visit_unit<E>(self) -> Result<Scalar, E> {
        Ok(Scalar::Null)
    }

    fn visit_bool<E>(self, _: bool) -> Result<Scalar, E> {
        Ok(Scalar::Other)
    }

    fn visit_str<E>(self, text: &str) -> Result<Scalar, E> {
        Ok(match text {
            "pass" => Scalar::Word(Word::Pass),
            "fail" => Scalar::Word(Word::Fail),
            "unknown" => Scalar::Word(Word::Unknown),
            other if not_finite(other) => Scalar::Word(Word::NotFinite),
            _ => Scalar::Other,
        })
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Scalar, A::Error> {
        while seq.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Scalar::Other)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Scalar, A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Scalar::Other)
    }
}

fn not_finite(word: &str) -> bool {
    let word = word.trim_start_matches(['-', '+']);
    ["nan", "inf", "infinity"]
        .iter()
        .any(|known| word.eq_ignore_ascii_case(known))
}

/// Puts words like NaN and numbers out of range into quotes, outside of strings, and leaves everything else as it is.
fn mend(text: &str) -> Cow<'_, str> {
    let bytes = text.as_bytes();
    let mut out = String::new();
    let (mut kept, mut i) = (0, 0);
    while i < bytes.len() {
        match bytes[i] {
            b'"' => {
                i += 1;
                while i < bytes.len() && bytes[i] != b'"' {
                    i += if bytes[i] == b'\\' { 2 } else { 1 };
                }
                i += 1;
            }
            b'-' | b'+' | b'0'..=b'9' | b'a'..=b'z' | b'A'..=b'Z' => {
                let start = i;
                while i < bytes.len()
                    && matches!(bytes[i], b'-' | b'+' | b'.' | b'0'..=b'9' | b'a'..=b'z' | b'A'..=b'Z')
                {
                    i += 1;
                }
                let word = &text[start..i];
                let beyond = word.parse::<f64>().is_ok_and(f64::is_infinite);
                if not_finite(word) || beyond {
                    out.push_str(&text[kept..start]);
                    out.push_str("\"nan\"");
                    kept = i;
                }
            }
            _ => i += 1,
        }
    }
    if kept == 0 {
        return Cow::Borrowed(text);
    }
    out.push_str(&text[kept..]);
    Cow::Owned(out)
}
