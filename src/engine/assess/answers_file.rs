//! Answers from a file of flat YAML keys, `question id: answer`.

use std::collections::BTreeMap;
use std::fmt;

use jiff::Timestamp;
use serde::de::{self, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};

use super::answers::Answers;
use super::questionnaire::Questionnaire;
use super::value::Value;
use crate::engine::error::{Error, Result};
use crate::engine::text::inert_short;
use crate::engine::yaml::{self, Spanned};

/// Keys and scalars as written, with their places, in the order of the file.
struct Flat(Vec<(Spanned<String>, Spanned<Scalar>)>);

/// The text of a plain value exactly as written (a version `3.10` is not the number 3.1); `None` for an empty one.
type Scalar = Option<String>;

impl<'de> Deserialize<'de> for Flat {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader;
        impl<'de> Visitor<'de> for Reader {
            type Value = Flat;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("keys with answers")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Flat, A::Error> {
                let mut entries = Vec::new();
                while let Some(entry) = map.next_entry()? {
                    entries.push(entry);
                }
                Ok(Flat(entries))
            }

            fn visit_unit<E: de::Error>(self) -> Result<Flat, E> {
                // An empty file answers nothing, which is allowed.
                Ok(Flat(Vec::new()))
            }
        }
        deserializer.deserialize_map(Reader)
    }
}

/// Reads an answers file into values by question id. A key without a value (`team_ready:`) leaves its question open.
///
/// # Errors
/// [`crate::engine::ErrorKind::Input`] with line and column: unknown or repeated key, an answer that the question does
/// not take, anything that is not flat YAML.
pub fn read(name: &str, text: &str, questionnaire: &Questionnaire) -> Result<BTreeMap<String, Value>> {
    let mut values = BTreeMap::new();
    // Nothing but comments is an empty document, which answers nothing.
    if text.lines().all(|line| {
        let line = line.trim();
        line.is_empty() || line.starts_with('#')
    }) {
        return Ok(values);
    }
    let Flat(entries) = yaml::from_str(name, text)?;
    for (key, scalar) in entries {
        let Some(question) = questionnaire.question(&key.value) else {
            let near = nearest(&key.value, questionnaire);
            let error = refused(
                name,
                &key,
                &format!("unknown key {}", inert_short(&key.value, 40)),
            );
            return Err(match near {
                Some(id) => error.hint(format!("Did you mean {id}?")),
                None => error.hint("The keys are the ids in questionnaire.yml."),
            });
        };
        let Some(typed) = &scalar.value else {
            continue;
        };
        let value = question.parse(typed).map_err(|refusal| {
            refused(name, &scalar, refusal.reason.trim_end_matches('.')).hint(format!(
                "{} takes {}.",
                question.id,
                question.takes()
            ))
        })?;
        values.insert(question.id.clone(), value);
    }
    Ok(values)
}

/// As [`read`], as stated answers of `by` at `at`.
///
/// # Errors
/// As [`read`].
pub fn read_answers(
    name: &str,
    text: &str,
    questionnaire: &Questionnaire,
    by: &str,
    at: Timestamp,
) -> Result<Answers> {
    let mut answers = Answers::default();
    for (id, value) in read(name, text, questionnaire)? {
        answers.state(&id, value, by, at);
    }
    Ok(answers)
}

fn refused<T>(name: &str, at: &Spanned<T>, why: &str) -> Error {
    Error::input(format!(
        "{name} line {}, column {}: {why}",
        at.referenced.line(),
        at.referenced.column()
    ))
}

/// The id that shares the most letters in order with a mistyped key, when at most two letters differ.
fn nearest<'q>(typed: &str, questionnaire: &'q Questionnaire) -> Option<&'q str> {
    questionnaire
        .questions
        .iter()
        .map(|question| (distance(typed, &question.id), question.id.as_str()))
        .min()
        .filter(|(distance, _)| *distance <= 2)
        .map(|(_, id)| id)
}

/// Levenshtein distance over bytes; both sides are short.
fn distance(a: &str, b: &str) -> usize {
    let a = &a.as_bytes()[..a.len().min(64)];
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.iter().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, y) in b.bytes().enumerate() {
            let cost = diagonal + usize::from(*x != y);
            diagonal = row[j + 1];
            row[j + 1] = cost.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}
