//! A record's fields under their usual names. To add an alias: put it in its list below.

use std::borrow::Cow;
use std::cell::LazyCell;

use serde_json::value::RawValue;
use serde_json::{Map, Value};

use super::{Field, Listed, Raw, Refused};
use crate::engine::tasks::model::TaskId;
use crate::engine::tasks::rules::Rules;

const DESCRIPTION: [&str; 13] = [
    "description",
    "desc",
    "prompt",
    "instruction",
    "instructions",
    "text",
    "task",
    "title",
    "name",
    "summary",
    "goal",
    "objective",
    "content",
];
const ID: [&str; 9] = [
    "id",
    "task_id",
    "taskid",
    "legacy_id",
    "session_id",
    "job_id",
    "uuid",
    "key",
    "number",
];
const PRIORITY: [&str; 4] = ["priority", "prio", "urgency", "importance"];
const TIMEOUT: [&str; 7] = [
    "timeout",
    "timeout_s",
    "timeout_seconds",
    "timeout_sec",
    "timeout_ms",
    "time_limit",
    "task_timeout",
];
const DEPENDENCIES: [&str; 8] = [
    "dependencies",
    "depends_on",
    "dependson",
    "depends",
    "deps",
    "requires",
    "blocked_by",
    "prerequisites",
];
const STATUS: [&str; 2] = ["status", "state"];
const CREATED: [&str; 4] = ["created_at", "createdat", "created", "submitted_at"];

/// The longest description in bytes.
pub const MAX_DESCRIPTION: usize = 1024 * 1024;
/// The longest id in bytes.
pub const MAX_ID: usize = 512;
/// The longest timeout that is believed, in seconds: 30 days.
pub const MAX_TIMEOUT: u64 = 30 * 24 * 3600;

/// Whether a column of this name holds descriptions.
#[must_use]
pub fn is_description_key(name: &str) -> bool {
    DESCRIPTION.contains(&normal(name).as_str())
}

fn normal(name: &str) -> String {
    name.trim().to_ascii_lowercase().replace(['-', ' '], "_")
}

/// Whether `key` is [`normal`]ly written `name`; asked for every field of every record, so without a copy.
fn is_named(key: &str, name: &str) -> bool {
    let key = key.trim();
    key.len() == name.len()
        && key.bytes().zip(name.bytes()).all(|(byte, expected)| {
            let byte = match byte {
                b'-' | b' ' => b'_',
                byte => byte.to_ascii_lowercase(),
            };
            byte == expected
        })
}

/// What scoring and decomposing need.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Described {
    /// As given; the record's number from 1 when there is none.
    pub id: TaskId,
    /// Whether the id was made here.
    pub id_made: bool,
    /// What is to be done.
    pub description: String,
}

/// A legacy task with every field checked.
#[derive(Debug, Clone, PartialEq)]
pub struct LegacyTask {
    /// Its first line in the file.
    pub line: u64,
    /// As given; the record's number from 1 when there is none.
    pub id: TaskId,
    /// Whether the id was made here.
    pub id_made: bool,
    /// What is to be done.
    pub description: String,
    /// `LOW NORMAL HIGH CRITICAL`; `None` when not given.
    pub priority: Option<String>,
    /// Seconds.
    pub timeout: Option<u64>,
    /// Legacy ids, in the order given, each once.
    pub dependencies: Vec<TaskId>,
    /// As given, lower case.
    pub status: Option<String>,
    /// UTC.
    pub created: Option<jiff::Timestamp>,
    /// Every other field, as given.
    pub extra: Map<String, Value>,
}

struct Fields<'a>(Listed<'a>);

impl<'a> Fields<'a> {
    /// Takes the first field of `names` that is there and not empty.
    fn take(&mut self, names: &[&str]) -> Option<(Cow<'a, str>, Field<'a>)> {
        for name in names {
            if self.0.is_empty() {
                return None;
            }
            let exact = self.0.iter().position(|(key, _)| key == name);
            let place = exact.or_else(|| self.0.iter().position(|(key, _)| is_named(key, name)));
            let Some(place) = place else { continue };
            let empty = match &self.0[place].1 {
                Field::Other(value) => value.is_null(),
                Field::Text(text) => text.trim().is_empty(),
            };
            if !empty {
                return Some(self.0.remove(place));
            }
        }
        None
    }

    fn number(&self, name: &str) -> Option<f64> {
        match self.0.iter().find(|(key, _)| key == name) {
            Some((_, Field::Other(value))) => value.as_f64(),
            _ => None,
        }
    }
}

type Checked<T> = Result<T, Box<Refused>>;

#[expect(clippy::unnecessary_box_returns, reason = "every caller returns it boxed")]
fn refuse(raw: &Raw, reason: &'static str, place: &str, why: impl Into<String>) -> Box<Refused> {
    Box::new(Refused {
        line: raw.line,
        id: own_id(raw),
        reason,
        place: place.to_owned(),
        why: why.into(),
        raw: raw.bytes().to_vec(),
    })
}

#[expect(clippy::unnecessary_box_returns, reason = "every caller returns it boxed")]
pub(super) fn no_object(raw: &Raw) -> Box<Refused> {
    refuse(
        raw,
        "not_an_object",
        "",
        "A task is an object with a description.",
    )
}

fn object(raw: &Raw) -> Checked<Fields<'_>> {
    raw.fields()?.map(Fields).ok_or_else(|| no_object(raw))
}

fn id(raw: &Raw, fields: &mut Fields<'_>, number: u64) -> Checked<(TaskId, bool)> {
    match fields.take(&ID) {
        None => Ok((TaskId::Number(i64::try_from(number).unwrap_or(i64::MAX)), true)),
        Some((key, field)) => field_id(raw, &key, &field).map(|id| (id, false)).ok_or_else(|| {
            refuse(
                raw,
                "bad_id",
                &key,
                "An id is a whole number or a text of at most 512 bytes.",
            )
        }),
    }
}

/// The id of record `number` (from 1), where another record has that number as an id of its own. `spare` tells the texts of
/// one file apart from the ids that are in it.
#[must_use]
pub fn spare_id(number: u64, spare: u32) -> TaskId {
    TaskId::Text(match spare {
        0 | 1 => format!("record {number}"),
        _ => format!("record {number} ({spare})"),
    })
}

/// The first `spare` for which no id made by [`spare_id`] for `numbers` is `used`.
pub fn find_spare(numbers: &[u64], used: impl Fn(&TaskId) -> bool) -> u32 {
    let free = |spare: &u32| !numbers.iter().any(|number| used(&spare_id(*number, *spare)));
    (1..u32::MAX).find(free).unwrap_or(u32::MAX)
}

/// The id that a record gives itself, read once more for those that are set aside.
fn own_id(raw: &Raw) -> Option<TaskId> {
    let mut fields = Fields(raw.fields().ok()??);
    let (key, field) = fields.take(&ID)?;
    field_id(raw, &key, &field)
}

fn field_id(raw: &Raw, key: &str, field: &Field<'_>) -> Option<TaskId> {
    match field {
        Field::Text(text) => text_id(text),
        Field::Other(value) => as_id(value, || raw.field_text(key)),
    }
}

fn text_id(text: &str) -> Option<TaskId> {
    let fits = text.len() <= MAX_ID && !text.trim().is_empty() && !text.contains('\0');
    fits.then(|| TaskId::Text(text.trim().to_owned()))
}

/// An id from a value. A number that is no whole one of 64 bits has lost digits on its way here, so its own text is asked for.
fn as_id<'a>(value: &Value, text: impl FnOnce() -> Option<&'a RawValue>) -> Option<TaskId> {
    match value {
        Value::Number(number) => Some(match number.as_i64() {
            Some(number) => TaskId::Number(number),
            None if number.is_u64() => TaskId::Text(number.to_string()),
            None => match text() {
                Some(text) => text_id(text.get())?,
                None => TaskId::Text(number.to_string()),
            },
        }),
        Value::String(text) => text_id(text),
        _ => None,
    }
}

fn description(raw: &Raw, fields: &mut Fields<'_>) -> Checked<String> {
    let Some((key, value)) = fields.take(&DESCRIPTION) else {
        // An empty one stays among the fields.
        let given = DESCRIPTION
            .iter()
            .any(|name| fields.0.iter().any(|(key, _)| is_named(key, name)));
        let why = if given {
            "The description is empty."
        } else {
            "There is no description, title, name or prompt."
        };
        return Err(refuse(raw, "no_description", "description", why));
    };
    let Field::Text(text) = value else {
        return Err(refuse(raw, "bad_description", &key, "A description is a text."));
    };
    if text.len() > MAX_DESCRIPTION {
        return Err(refuse(
            raw,
            "description_too_long",
            &key,
            format!(
                "The description has {} bytes, at most {MAX_DESCRIPTION} are taken.",
                text.len()
            ),
        ));
    }
    if text.contains('\0') {
        return Err(refuse(
            raw,
            "nul_in_text",
            &key,
            "The description holds a NUL character, which no database or command line takes.",
        ));
    }
    Ok(text.into_owned())
}

impl Described {
    /// Reads id and description only; `number` is the record's place from 1.
    ///
    /// # Errors
    /// What cannot be read as JSON, `not_an_object`, `no_description`, `bad_description`, `description_too_long`, `nul_in_text`.
    pub fn read(raw: &Raw, number: u64) -> Checked<Self> {
        let mut fields = object(raw)?;
        let (id, id_made) = id(raw, &mut fields, number)?;
        Ok(Self {
            id,
            id_made,
            description: description(raw, &mut fields)?,
        })
    }
}

impl LegacyTask {
    /// Reads and checks every field; `number` is the record's place from 1.
    ///
    /// # Errors
    /// As [`Described::read`], and `bad_id`, `unknown_priority`, `bad_timeout`, `bad_dependencies`, `negative_retries`.
    pub fn read(raw: &Raw, number: u64, rules: &Rules) -> Checked<Self> {
        let mut fields = object(raw)?;
        let (id, id_made) = id(raw, &mut fields, number)?;
        let description = description(raw, &mut fields)?;
        let priority = match fields.take(&PRIORITY) {
            None => None,
            Some((key, value)) => Some(priority(raw, &key, &value, rules)?),
        };
        let timeout = match fields.take(&TIMEOUT) {
            None => None,
            Some((key, value)) => Some(timeout(raw, &key, &value)?),
        };
        let dependencies = match fields.take(&DEPENDENCIES) {
            None => Vec::new(),
            Some((key, value)) => dependencies(raw, &key, &value).ok_or_else(|| {
                refuse(
                    raw,
                    "bad_dependencies",
                    &key,
                    "Dependencies are a list of ids or ids with commas between.",
                )
            })?,
        };
        for name in ["retries", "max_retries", "retry_count"] {
            if fields.number(name).is_some_and(|retries| retries < 0.0) {
                return Err(refuse(
                    raw,
                    "negative_retries",
                    name,
                    "A number of retries is not negative.",
                ));
            }
        }
        let status = fields.take(&STATUS).and_then(|(_, value)| match value {
            Field::Text(text) => Some(text.to_lowercase()),
            Field::Other(_) => None,
        });
        let created = match fields.take(&CREATED) {
            None => None,
            Some((key, value)) => {
                let time = created(&value);
                if time.is_none() {
                    // Not understood, so not dropped: it stays with the other fields.
                    fields.0.push((key, value));
                }
                time
            }
        };
        Ok(Self {
            line: raw.line,
            id,
            id_made,
            description,
            priority,
            timeout,
            dependencies,
            status,
            created,
            extra: fields
                .0
                .into_iter()
                .map(|(key, field)| (key.into_owned(), field.into_value()))
                .collect(),
        })
    }

    /// Whether the legacy system has finished it.
    #[must_use]
    pub fn finished(&self) -> bool {
        matches!(
            self.status.as_deref(),
            Some("completed" | "complete" | "done" | "finished" | "success" | "succeeded")
        )
    }
}

fn priority(raw: &Raw, key: &str, field: &Field<'_>, rules: &Rules) -> Checked<String> {
    let spelling = match field {
        Field::Text(text) => Cow::Borrowed(text.as_ref()),
        Field::Other(other) => Cow::Owned(other.to_string()),
    };
    rules.priority(&spelling).map(str::to_owned).ok_or_else(|| {
        refuse(
            raw,
            "unknown_priority",
            key,
            format!(
                "The priority {} has no rule.",
                crate::engine::text::inert_short(&spelling, 40)
            ),
        )
    })
}

/// Seconds from a number or a text with a unit; a key that ends with `_ms` counts milliseconds.
fn timeout(raw: &Raw, key: &str, field: &Field<'_>) -> Checked<u64> {
    let wrong = |why: &str| refuse(raw, "bad_timeout", key, why);
    let (number, unit) = match field {
        Field::Other(Value::Number(number)) => (number.as_f64(), String::new()),
        Field::Text(text) => {
            let text = text.trim().to_lowercase();
            let digits = text
                .find(|c: char| !c.is_ascii_digit() && c != '.')
                .unwrap_or(text.len());
            (text[..digits].parse().ok(), text[digits..].trim().to_owned())
        }
        Field::Other(_) => (None, String::new()),
    };
    let Some(number) = number.filter(|number| number.is_finite()) else {
        return Err(wrong("A timeout is a number of seconds."));
    };
    let factor = match unit.as_str() {
        "" if normal(key).ends_with("_ms") => 0.001,
        "ms" | "msec" | "millis" | "milliseconds" => 0.001,
        "" | "s" | "sec" | "secs" | "second" | "seconds" => 1.0,
        "m" | "min" | "mins" | "minute" | "minutes" => 60.0,
        "h" | "hr" | "hour" | "hours" => 3600.0,
        "d" | "day" | "days" => 86_400.0,
        _ => return Err(wrong("The timeout's unit is not ms, s, m, h or d.")),
    };
    let seconds = (number * factor).ceil();
    #[expect(clippy::cast_precision_loss, reason = "30 days in seconds")]
    if seconds <= 0.0 || seconds > MAX_TIMEOUT as f64 {
        return Err(wrong("A timeout is more than 0 and at most 30 days."));
    }
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "checked to lie between 1 and 30 days"
    )]
    let seconds = seconds as u64;
    Ok(seconds)
}

fn dependencies(raw: &Raw, key: &str, field: &Field<'_>) -> Option<Vec<TaskId>> {
    let mut out: Vec<TaskId> = Vec::new();
    let mut push = |id: TaskId| {
        if !out.contains(&id) {
            out.push(id);
        }
    };
    match field {
        Field::Other(Value::Array(items)) => {
            // Read once, and only where a number needs it.
            let texts = LazyCell::new(|| -> Option<Vec<&RawValue>> {
                serde_json::from_str(raw.field_text(key)?.get()).ok()
            });
            for (place, item) in items.iter().enumerate() {
                let text = || texts.as_ref()?.get(place).copied();
                match item {
                    Value::Object(object) => {
                        let name = ["id", "task_id"]
                            .into_iter()
                            .find(|name| object.contains_key(*name))?;
                        push(as_id(&object[name], || {
                            super::strict::field_text(text()?.get(), name)
                        })?);
                    }
                    item => push(as_id(item, text)?),
                }
            }
        }
        Field::Text(text) => {
            for part in text.trim_matches(['[', ']']).split([',', ';', '|']) {
                let part = part.trim().trim_matches('"');
                if !part.is_empty() {
                    push(text_id(part)?);
                }
            }
        }
        Field::Other(value @ Value::Number(_)) => push(as_id(value, || raw.field_text(key))?),
        Field::Other(_) => return None,
    }
    Some(out)
}

/// UTC from ISO text (a naive time is taken as UTC) or an epoch in seconds or milliseconds.
fn created(field: &Field<'_>) -> Option<jiff::Timestamp> {
    match field {
        Field::Text(text) => {
            let text = text.trim();
            text.parse::<jiff::Timestamp>()
                .ok()
                .or_else(|| {
                    text.parse::<jiff::civil::DateTime>()
                        .ok()?
                        .to_zoned(jiff::tz::TimeZone::UTC)
                        .ok()
                        .map(|zoned| zoned.timestamp())
                })
                .or_else(|| text.parse::<f64>().ok().and_then(epoch))
        }
        Field::Other(Value::Number(number)) => epoch(number.as_f64()?),
        Field::Other(_) => None,
    }
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "checked to be far inside the range of i64"
)]
fn epoch(number: f64) -> Option<jiff::Timestamp> {
    let milliseconds = if number.abs() < 1e11 {
        number * 1000.0
    } else {
        number
    };
    if !milliseconds.is_finite() || milliseconds.abs() > 2.5e14 {
        return None;
    }
    jiff::Timestamp::from_millisecond(milliseconds as i64).ok()
}
