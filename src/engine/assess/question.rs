//! One question: its kind and range, its texts, its requirement, and how typed text becomes a value.

use serde::{Deserialize, Serialize};

use super::decimal::Decimal;
use super::value::{Value, version_at_least, version_numbers};
use crate::engine::text::{inert, inert_short};

/// One possible answer of a choice.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Choice {
    /// The stable id.
    pub id: String,
    /// What a person reads.
    pub label: String,
}

/// What sort of answer a question takes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// One of several options.
    Choice(Vec<Choice>),
    /// A number from `min` to `max` that may have digits after the point.
    Number {
        /// The smallest.
        min: Decimal,
        /// The largest.
        max: Decimal,
    },
    /// A whole number from `min` to `max`.
    Integer {
        /// The smallest.
        min: i64,
        /// The largest.
        max: i64,
    },
    /// Yes or no.
    YesNo,
    /// Free text of at most [`TEXT_LIMIT`] characters.
    Text,
    /// A version, dotted numbers first.
    Version,
}

/// The most characters a text or version answer may have.
pub const TEXT_LIMIT: usize = 500;

/// From where on an answer meets what MAOS and the migration need.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Threshold {
    /// At least this number.
    Number(Decimal),
    /// At least this version.
    Version(String),
    /// Any answer meets it.
    Any,
}

/// A question's requirement.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Requirement {
    /// From where on it is met.
    pub at_least: Threshold,
    /// Words that meet it too.
    pub words: Vec<String>,
    /// Whether an answer below it blocks: it stands first and caps the band.
    pub blocks: bool,
}

/// One question of the questionnaire.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Question {
    /// The stable id, the key in answers files.
    pub id: String,
    /// The section it belongs to.
    pub section: String,
    /// The short name of the row: `Network link`.
    pub title: String,
    /// The question in words: `Network link between the legacy system and the target`.
    pub text: String,
    /// What sort of answer.
    pub kind: Kind,
    /// The unit, empty where there is none.
    pub unit: String,
    /// Words that are answers as well: `local`, `not installed`.
    pub words: Vec<String>,
    /// What is meant and what follows from the answer; what `?` tells in plain mode.
    pub explanation: String,
    /// What can go wrong, and from which answer on.
    pub risk: String,
    /// Why it is asked.
    pub rationale: String,
    /// What to do instead or about it.
    pub mitigation: String,
    /// The figure of a probe that can answer it; empty when only a person can.
    pub probe: String,
    /// What MAOS and the migration need, where there is such a thing.
    pub requirement: Option<Requirement>,
}

/// Why typed text is no answer. [`std::fmt::Display`] gives the sentences for the screen.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{reason} Nothing was saved.")]
pub struct Refusal {
    /// The first sentence, with its full stop.
    pub reason: String,
}

fn refusal(reason: String) -> Refusal {
    Refusal { reason }
}

/// Typed text as a sentence may quote it.
fn quoted(typed: &str) -> String {
    inert_short(typed, 40)
}

impl Question {
    /// Reads what a person typed or an answers file holds.
    ///
    /// # Errors
    /// [`Refusal`] with the sentence to show: `1200x is not a whole number. Nothing was saved.`
    pub fn parse(&self, typed: &str) -> Result<Value, Refusal> {
        let typed = typed.trim();
        if typed.is_empty() {
            return Err(refusal("Nothing was typed.".to_owned()));
        }
        if let Some(word) = self.words.iter().find(|word| word.eq_ignore_ascii_case(typed)) {
            return Ok(Value::Word(word.clone()));
        }
        let value = match &self.kind {
            Kind::Choice(options) => Value::Choice(choose(options, typed)?),
            Kind::Number { .. } => Value::Number(
                Decimal::parse(self.without_unit(typed))
                    .ok_or_else(|| refusal(format!("{} is not a number.", quoted(typed))))?,
            ),
            Kind::Integer { .. } => Value::Integer(self.whole(typed)?),
            Kind::YesNo => Value::YesNo(
                yes_no(typed).ok_or_else(|| refusal(format!("{} is neither yes nor no.", quoted(typed))))?,
            ),
            Kind::Text => Value::Text(typed.to_owned()),
            Kind::Version => Value::Version(typed.to_owned()),
        };
        self.check(&value)?;
        Ok(value)
    }

    fn without_unit<'a>(&self, typed: &'a str) -> &'a str {
        if self.unit.is_empty() || typed.len() <= self.unit.len() {
            return typed;
        }
        match typed.split_at_checked(typed.len() - self.unit.len()) {
            Some((number, unit)) if unit.eq_ignore_ascii_case(&self.unit) => number.trim_end(),
            _ => typed,
        }
    }

    fn whole(&self, typed: &str) -> Result<i64, Refusal> {
        let digits = self.without_unit(typed);
        let plain = digits.strip_prefix('-').unwrap_or(digits);
        if plain.is_empty() || !plain.bytes().all(|b| b.is_ascii_digit()) {
            return Err(refusal(format!("{} is not a whole number.", quoted(typed))));
        }
        digits
            .parse()
            .map_err(|_| refusal(format!("{} is not {}.", quoted(typed), self.range())))
    }

    /// Whether `value` is an answer to this question: right kind, in range, known option or word.
    ///
    /// # Errors
    /// [`Refusal`] with the sentence to show.
    pub fn check(&self, value: &Value) -> Result<(), Refusal> {
        let fits = match (&self.kind, value) {
            (_, Value::Word(word)) => self.words.contains(word),
            (Kind::Choice(options), Value::Choice(id)) => options.iter().any(|option| option.id == *id),
            (Kind::Number { min, max }, Value::Number(n)) => {
                if n < min || n > max {
                    return Err(refusal(format!("{n} is not {}.", self.range())));
                }
                true
            }
            (Kind::Integer { min, max }, Value::Integer(n)) => {
                if n < min || n > max {
                    return Err(refusal(format!("{n} is not {}.", self.range())));
                }
                true
            }
            (Kind::Version, Value::Version(text)) => {
                short_enough(text)?;
                if version_numbers(text).is_empty() {
                    return Err(refusal(format!(
                        "{} is not a version such as 15.7.",
                        quoted(text)
                    )));
                }
                true
            }
            (Kind::Text, Value::Text(text)) => {
                short_enough(text)?;
                !text.trim().is_empty()
            }
            (Kind::YesNo, Value::YesNo(_)) => true,
            _ => false,
        };
        if fits {
            Ok(())
        } else {
            Err(refusal(format!(
                "{} is not {}.",
                inert_short(&self.show(value), 40),
                self.takes()
            )))
        }
    }

    /// The range in words: `from 1 to 400000`; empty for kinds without one.
    #[must_use]
    pub fn range(&self) -> String {
        match &self.kind {
            Kind::Number { min, max } => format!("from {min} to {max}"),
            Kind::Integer { min, max } => format!("from {min} to {max}"),
            _ => String::new(),
        }
    }

    /// What the field takes, for its `Answer` line: `a whole number from 1 to 400000, in Mbps`.
    #[must_use]
    pub fn takes(&self) -> String {
        let unit = if self.unit.is_empty() {
            String::new()
        } else {
            format!(", in {}", self.unit)
        };
        let mut said = match &self.kind {
            Kind::Choice(options) => {
                let labels: Vec<&str> = options.iter().map(|option| option.label.as_str()).collect();
                format!("one of: {}", labels.join(", "))
            }
            Kind::Number { .. } => format!("a number {}{unit}", self.range()),
            Kind::Integer { .. } => format!("a whole number {}{unit}", self.range()),
            Kind::YesNo => "yes or no".to_owned(),
            Kind::Text => format!("text of at most {TEXT_LIMIT} characters"),
            Kind::Version => "a version such as 15.7".to_owned(),
        };
        for word in &self.words {
            said.push_str(", or ");
            said.push_str(word);
        }
        said
    }

    /// The value as a person reads it: `64 GB`, `yes`, `Sequential`. Text from outside is made inert.
    #[must_use]
    pub fn show(&self, value: &Value) -> String {
        let with_unit = |number: String| {
            if self.unit.is_empty() {
                number
            } else {
                format!("{number} {}", self.unit)
            }
        };
        match value {
            Value::Choice(id) => match &self.kind {
                Kind::Choice(options) => options
                    .iter()
                    .find(|option| option.id == *id)
                    .map_or_else(|| inert(id), |option| option.label.clone()),
                _ => inert(id),
            },
            Value::Number(_) | Value::Integer(_) => with_unit(value.shown()),
            _ => value.shown(),
        }
    }

    /// Whether `value` meets the requirement; `None` when the question has none.
    #[must_use]
    pub fn meets(&self, value: &Value) -> Option<bool> {
        let requirement = self.requirement.as_ref()?;
        Some(match value {
            Value::Word(word) => requirement.at_least == Threshold::Any || requirement.words.contains(word),
            value => match (&requirement.at_least, value) {
                (Threshold::Any, _) => true,
                (Threshold::Number(least), Value::Number(n)) => n >= least,
                (Threshold::Number(least), Value::Integer(n)) => {
                    // Out of the decimal's range is far beyond any requirement on the high side.
                    Decimal::whole(*n).map_or(*n > 0, |n| n >= *least)
                }
                (Threshold::Version(least), Value::Version(have)) => {
                    version_at_least(&version_numbers(have), &version_numbers(least))
                }
                _ => false,
            },
        })
    }

    /// The requirement in words: `at least 4 GB`, `at least 13, or not used`; empty when any answer will do.
    #[must_use]
    pub fn needs(&self) -> String {
        let Some(requirement) = &self.requirement else {
            return String::new();
        };
        let mut said = match &requirement.at_least {
            Threshold::Any => return String::new(),
            Threshold::Number(least) if self.unit.is_empty() => format!("at least {least}"),
            Threshold::Number(least) => format!("at least {least} {}", self.unit),
            Threshold::Version(least) => format!("at least {least}"),
        };
        for word in &requirement.words {
            said.push_str(", or ");
            said.push_str(word);
        }
        said
    }

    /// The next value when Space is pressed on a yes/no question: yes, no, not answered, yes.
    #[must_use]
    pub const fn cycle(current: Option<bool>) -> Option<bool> {
        match current {
            None => Some(true),
            Some(true) => Some(false),
            Some(false) => None,
        }
    }
}

fn short_enough(text: &str) -> Result<(), Refusal> {
    if text.chars().count() > TEXT_LIMIT {
        return Err(refusal(format!(
            "The text is longer than {TEXT_LIMIT} characters."
        )));
    }
    Ok(())
}

fn choose(options: &[Choice], typed: &str) -> Result<String, Refusal> {
    let by_number = typed
        .parse::<usize>()
        .ok()
        .and_then(|n| n.checked_sub(1))
        .and_then(|i| options.get(i));
    by_number
        .or_else(|| {
            options.iter().find(|option| {
                option.id.eq_ignore_ascii_case(typed) || option.label.eq_ignore_ascii_case(typed)
            })
        })
        .map(|option| option.id.clone())
        .ok_or_else(|| {
            let labels: Vec<&str> = options.iter().map(|option| option.label.as_str()).collect();
            refusal(format!("{} is none of: {}.", quoted(typed), labels.join(", ")))
        })
}

/// `y`, `yes`, `true`, `n`, `no`, `false` in any case.
#[must_use]
pub fn yes_no(typed: &str) -> Option<bool> {
    match typed.trim().to_ascii_lowercase().as_str() {
        "y" | "yes" | "true" => Some(true),
        "n" | "no" | "false" => Some(false),
        _ => None,
    }
}
