//! The one error type that leaves the engine: a kind (which fixes the exit code), a sentence and what to do.
//!
//! Inside a capability use a `thiserror` enum of its own where callers branch on it, and convert at the edge.
//! Messages are lower-case fragments that fit after "failed to" or a colon; hints are whole sentences.

use std::fmt;

use serde::{Deserialize, Serialize};

/// What sort of trouble it is. The order of the list is the order of the documented exit codes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ErrorKind {
    /// A broken promise inside this program (exit 1).
    Bug,
    /// The command line asks for something that does not exist (exit 2).
    Usage,
    /// An input is refused: it is wrong, hostile or incomplete (exit 3).
    Input,
    /// A gate, a lease or a changed plan stands in the way (exit 5).
    Blocked,
    /// Something outside cannot be reached or used: disk, database, permission (exit 6).
    Unavailable,
    /// A person or a signal stopped the work at a safe point (exit 130).
    Interrupted,
}

impl ErrorKind {
    /// The process exit code of this kind.
    #[must_use]
    pub const fn exit_code(self) -> u8 {
        match self {
            Self::Bug => 1,
            Self::Usage => 2,
            Self::Input => 3,
            Self::Blocked => 5,
            Self::Unavailable => 6,
            Self::Interrupted => 130,
        }
    }
}

/// An expected failure, worded for the person who reads it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Error {
    /// Which sort of trouble, and so which exit code.
    pub kind: ErrorKind,
    /// What happened and where, in one sentence.
    pub message: String,
    /// What to do about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
}

impl Error {
    /// An error of `kind` with `message` and no hint.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self {
            kind,
            message: message.into(),
            hint: None,
        }
    }

    /// Adds what the person can do about it.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// An input is refused.
    pub fn input(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Input, message)
    }

    /// A gate, lease or changed plan stands in the way.
    pub fn blocked(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Blocked, message)
    }

    /// Something outside cannot be used.
    pub fn unavailable(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Unavailable, message)
    }

    /// A promise inside this program is broken.
    pub fn bug(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Bug, message)
    }

    /// Stopped at a safe point by a person or a signal.
    pub fn interrupted(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Interrupted, message)
    }

    /// Wraps an I/O error on `path` with the act that failed, for example `"read"`.
    #[must_use]
    pub fn io(act: &str, path: &std::path::Path, error: &std::io::Error) -> Self {
        let message = format!("cannot {act} {}: {error}", path.display());
        match error.kind() {
            std::io::ErrorKind::NotFound => Self::input(message),
            _ => Self::unavailable(message),
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Error {}

/// The engine's result.
pub type Result<T, E = Error> = std::result::Result<T, E>;
