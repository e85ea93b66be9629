//! One answer's value, and how it reads.

use serde::{Deserialize, Serialize};

use super::decimal::Decimal;
use crate::engine::text::inert;

/// What was answered. The variant follows the question's kind; [`Value::Word`] is one of the words a question allows
/// beside its kind (`local`, `not installed`, `not used`).
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Value {
    /// The id of one option.
    Choice(String),
    /// A number that may have digits after the point.
    Number(Decimal),
    /// A whole number.
    Integer(i64),
    /// Yes or no.
    YesNo(bool),
    /// Free text.
    Text(String),
    /// A version: dotted numbers first, further words after them: `15.7`, `7.2.4, no cluster`.
    Version(String),
    /// One of the question's words.
    Word(String),
}

impl Value {
    /// The value as people read it, without unit and label. Text from outside is made inert.
    #[must_use]
    pub fn shown(&self) -> String {
        match self {
            Self::Choice(text) | Self::Text(text) | Self::Version(text) | Self::Word(text) => inert(text),
            Self::Number(number) => number.to_string(),
            Self::Integer(n) => n.to_string(),
            Self::YesNo(true) => "yes".to_owned(),
            Self::YesNo(false) => "no".to_owned(),
        }
    }

    /// The value as a JSON scalar, for `assessment.json`.
    #[must_use]
    pub fn to_json(&self) -> serde_json::Value {
        match self {
            Self::Choice(text) | Self::Text(text) | Self::Version(text) | Self::Word(text) => {
                serde_json::Value::from(text.as_str())
            }
            Self::Number(number) => serde_json::to_value(number).unwrap_or(serde_json::Value::Null),
            Self::Integer(n) => serde_json::Value::from(*n),
            Self::YesNo(yes) => serde_json::Value::from(*yes),
        }
    }
}

/// The dotted numbers a version starts with: `15.7 (Debian)` gives `[15, 7]`, `v3.11.2` gives `[3, 11, 2]`. Empty when
/// it starts with none.
#[must_use]
pub fn version_numbers(text: &str) -> Vec<u64> {
    let text = text.trim();
    let text = text.strip_prefix(['v', 'V']).unwrap_or(text);
    let end = text
        .find(|c: char| !c.is_ascii_digit() && c != '.')
        .unwrap_or(text.len());
    let mut numbers = Vec::new();
    for part in text[..end].trim_end_matches('.').split('.') {
        match part.parse() {
            Ok(n) => numbers.push(n),
            Err(_) => return Vec::new(),
        }
    }
    numbers
}

/// Whether `have` is at least `wanted`; missing parts count as 0, so `15` is at least `15.0`.
#[must_use]
pub fn version_at_least(have: &[u64], wanted: &[u64]) -> bool {
    let part = |numbers: &[u64], i: usize| numbers.get(i).copied().unwrap_or(0);
    for i in 0..have.len().max(wanted.len()) {
        match part(have, i).cmp(&part(wanted, i)) {
            std::cmp::Ordering::Equal => {}
            order => return order.is_gt(),
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_compare_by_their_numbers() {
        for (have, wanted, enough) in [
            ("15.7", "13", true),
            ("9.6.24", "13", false),
            ("3.9.2", "3.11", false),
            ("3.11.9", "3.11", true),
            ("7.2.4, no cluster", "7.2.4", true),
            ("13", "13.0", true),
        ] {
            assert_eq!(
                version_at_least(&version_numbers(have), &version_numbers(wanted)),
                enough,
                "{have} against {wanted}"
            );
        }
        assert!(version_numbers("not installed").is_empty() && version_numbers("1..2").is_empty());
    }
}
