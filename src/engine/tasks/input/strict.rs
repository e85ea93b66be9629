//! JSON values with what `serde_json` lets pass made an error: keys that stand twice in one object.
//!
//! A record's own fields are kept in a plain list, its texts borrowed where nothing is escaped: most of a record is one
//! description and a few short texts, and millions of them are read.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::fmt;

use serde::de::{Deserialize, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;
use serde_json::{Map, Number, Value};

/// Reason code, place, sentence.
pub(crate) type Why = (&'static str, String, String);

struct Strict(Value);

struct StrictVisitor;

impl<'de> Visitor<'de> for StrictVisitor {
    type Value = Strict;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Strict, E> {
        Ok(Strict(Value::Bool(value)))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Strict, E> {
        Ok(Strict(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Strict, E> {
        Ok(Strict(value.into()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Strict, E> {
        Ok(Strict(Number::from_f64(value).map_or(Value::Null, Value::Number)))
    }

    fn visit_str<E>(self, value: &str) -> Result<Strict, E> {
        Ok(Strict(Value::String(value.to_owned())))
    }

    fn visit_string<E>(self, value: String) -> Result<Strict, E> {
        Ok(Strict(Value::String(value)))
    }

    fn visit_unit<E>(self) -> Result<Strict, E> {
        Ok(Strict(Value::Null))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Strict, A::Error> {
        let mut out = Vec::new();
        while let Some(Strict(value)) = seq.next_element()? {
            out.push(value);
        }
        Ok(Strict(Value::Array(out)))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Strict, A::Error> {
        let mut out = Map::new();
        while let Some(key) = map.next_key::<String>()? {
            let Strict(value) = map.next_value()?;
            if out.contains_key(&key) {
                return Err(A::Error::custom(format!("duplicate key {key}")));
            }
            out.insert(key, value);
        }
        Ok(Strict(Value::Object(out)))
    }
}

impl<'de> Deserialize<'de> for Strict {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(StrictVisitor)
    }
}

/// A field of a record.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Field<'a> {
    Text(Cow<'a, str>),
    Other(Value),
}

impl Field<'_> {
    pub fn into_value(self) -> Value {
        match self {
            Self::Text(text) => Value::String(text.into_owned()),
            Self::Other(value) => value,
        }
    }
}

/// A record's fields by name, in the order of the file.
pub(crate) type Listed<'a> = Vec<(Cow<'a, str>, Field<'a>)>;

struct FieldVisitor;

impl<'de> Visitor<'de> for FieldVisitor {
    type Value = Field<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        StrictVisitor.expecting(f)
    }

    fn visit_bool<E: serde::de::Error>(self, value: bool) -> Result<Field<'de>, E> {
        StrictVisitor.visit_bool(value).map(other)
    }

    fn visit_i64<E: serde::de::Error>(self, value: i64) -> Result<Field<'de>, E> {
        StrictVisitor.visit_i64(value).map(other)
    }

    fn visit_u64<E: serde::de::Error>(self, value: u64) -> Result<Field<'de>, E> {
        StrictVisitor.visit_u64(value).map(other)
    }

    fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<Field<'de>, E> {
        StrictVisitor.visit_f64(value).map(other)
    }

    fn visit_borrowed_str<E>(self, value: &'de str) -> Result<Field<'de>, E> {
        Ok(Field::Text(Cow::Borrowed(value)))
    }

    fn visit_str<E>(self, value: &str) -> Result<Field<'de>, E> {
        Ok(Field::Text(Cow::Owned(value.to_owned())))
    }

    fn visit_unit<E: serde::de::Error>(self) -> Result<Field<'de>, E> {
        StrictVisitor.visit_unit().map(other)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<Field<'de>, A::Error> {
        StrictVisitor.visit_seq(seq).map(other)
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Field<'de>, A::Error> {
        StrictVisitor.visit_map(map).map(other)
    }
}

fn other<'de>(Strict(value): Strict) -> Field<'de> {
    Field::Other(value)
}

impl<'de> Deserialize<'de> for Field<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(FieldVisitor)
    }
}

/// A key, borrowed where nothing is escaped.
struct Key<'a>(Cow<'a, str>);

struct KeyVisitor;

impl<'de> Visitor<'de> for KeyVisitor {
    type Value = Key<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_borrowed_str<E>(self, value: &'de str) -> Result<Key<'de>, E> {
        Ok(Key(Cow::Borrowed(value)))
    }

    fn visit_str<E>(self, value: &str) -> Result<Key<'de>, E> {
        Ok(Key(Cow::Owned(value.to_owned())))
    }
}

impl<'de> Deserialize<'de> for Key<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(KeyVisitor)
    }
}

/// The fields of an object; `None` for any other value.
struct Record<'a>(Option<Listed<'a>>);

struct RecordVisitor;

/// From so many fields on, names are looked up in a set.
const MANY: usize = 32;

impl<'de> Visitor<'de> for RecordVisitor {
    type Value = Record<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        StrictVisitor.expecting(f)
    }

    fn visit_bool<E>(self, _: bool) -> Result<Record<'de>, E> {
        Ok(Record(None))
    }

    fn visit_i64<E>(self, _: i64) -> Result<Record<'de>, E> {
        Ok(Record(None))
    }

    fn visit_u64<E>(self, _: u64) -> Result<Record<'de>, E> {
        Ok(Record(None))
    }

    fn visit_f64<E>(self, _: f64) -> Result<Record<'de>, E> {
        Ok(Record(None))
    }

    fn visit_str<E>(self, _: &str) -> Result<Record<'de>, E> {
        Ok(Record(None))
    }

    fn visit_unit<E>(self) -> Result<Record<'de>, E> {
        Ok(Record(None))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<Record<'de>, A::Error> {
        StrictVisitor.visit_seq(seq).map(|_| Record(None))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Record<'de>, A::Error> {
        let mut out: Listed<'de> = Vec::with_capacity(8);
        let mut names: HashSet<String> = HashSet::new();
        while let Some(Key(key)) = map.next_key()? {
            let field = map.next_value()?;
            let twice = if out.len() < MANY {
                out.iter().any(|(name, _)| *name == key)
            } else {
                if names.is_empty() {
                    names = out.iter().map(|(name, _)| name.clone().into_owned()).collect();
                }
                !names.insert(key.clone().into_owned())
            };
            if twice {
                return Err(A::Error::custom(format!("duplicate key {key}")));
            }
            out.push((key, field));
        }
        Ok(Record(Some(out)))
    }
}

impl<'de> Deserialize<'de> for Record<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(RecordVisitor)
    }
}

/// A field of an object as it stands in its text: numbers with all their digits.
pub(crate) fn field_text<'a>(object: &'a str, name: &str) -> Option<&'a RawValue> {
    let fields: HashMap<Cow<'a, str>, &'a RawValue> = serde_json::from_str(object).ok()?;
    fields.get(name).copied()
}

/// Parses one record into its fields, every object's keys unique; `None` when it is no object.
pub(crate) fn parse(bytes: &[u8]) -> Result<Option<Listed<'_>>, Why> {
    let text = std::str::from_utf8(bytes).map_err(|error| {
        (
            "not_utf8",
            format!("byte {}", error.valid_up_to()),
            "The text is not UTF-8.".to_owned(),
        )
    })?;
    serde_json::from_str::<Record<'_>>(text)
        .map(|Record(fields)| fields)
        .map_err(|error| {
            let said = error.to_string();
            let said = said.split(" at line ").next().unwrap_or(&said).to_owned();
            let reason = if said.contains("recursion limit") {
                "too_deep"
            } else if said.starts_with("duplicate key") {
                "duplicate_key"
            } else if error.is_eof() {
                "truncated"
            } else {
                "bad_json"
            };
            (
                reason,
                format!("column {}", error.column()),
                format!("Not readable as JSON: {said}."),
            )
        })
}
