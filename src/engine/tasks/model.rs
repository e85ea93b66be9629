//! The small shared values: a task's id as it was given, and the band of a score.

use std::fmt;

use serde::{Deserialize, Serialize};

/// An id as the legacy file gave it: a number stays a number, text stays text.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(untagged)]
pub enum TaskId {
    /// A number.
    Number(i64),
    /// Text.
    Text(String),
}

impl fmt::Display for TaskId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(number) => write!(f, "{number}"),
            Self::Text(text) => f.write_str(text),
        }
    }
}

impl From<i64> for TaskId {
    fn from(number: i64) -> Self {
        Self::Number(number)
    }
}

impl From<&str> for TaskId {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

/// How well a task can be run side by side.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Band {
    /// A score of 3 or less.
    Low,
    /// 4 to 6.
    Medium,
    /// 7 or more.
    High,
}

impl Band {
    /// Where the medium band starts.
    pub const MEDIUM_FROM: u8 = 4;

    /// The band of a score of 0 to 10.
    #[must_use]
    pub const fn of(score: u8) -> Self {
        match score {
            0..=3 => Self::Low,
            4..=6 => Self::Medium,
            _ => Self::High,
        }
    }

    /// `low`, `medium`, `high`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
        }
    }
}
