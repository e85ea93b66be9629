//! What can go wrong in a store, as far as the engine branches on it.

use thiserror::Error;

use crate::engine::error::{Error as EngineError, ErrorKind};

/// A failure of a store. Texts name places and codes, never credentials or row contents.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum StoreError {
    /// Worth trying again: connection lost, server restarting, deadlock, timeout, serialization failure.
    #[error("{0}")]
    Transient(String),
    /// The disk of the store is full.
    #[error("{0}")]
    Full(String),
    /// A row with the same identity is already there.
    #[error("{0}")]
    Conflict(String),
    /// The lease was taken by someone else; nothing was written.
    #[error("{0}")]
    Fenced(String),
    /// The store refuses: permission, read-only, wrong shape, broken constraint.
    #[error("{0}")]
    Refused(String),
    /// The store cannot be opened or reached at all.
    #[error("{0}")]
    Unreachable(String),
    /// The work was cancelled on request.
    #[error("{0}")]
    Cancelled(String),
    /// A promise between engine and adapter is broken.
    #[error("{0}")]
    Bug(String),
}

impl StoreError {
    /// Whether trying again can help.
    #[must_use]
    pub const fn is_transient(&self) -> bool {
        matches!(self, Self::Transient(_))
    }
}

impl From<StoreError> for EngineError {
    fn from(error: StoreError) -> Self {
        let message = error.to_string();
        match error {
            StoreError::Transient(_) => Self::new(ErrorKind::Unavailable, message)
                .hint("Committed chunks are safe; run the same command again when it can be reached."),
            StoreError::Unreachable(_) => Self::new(ErrorKind::Unavailable, message)
                .hint("Check the address, the name of the database, and who may open it."),
            StoreError::Full(_) => Self::new(ErrorKind::Unavailable, message)
                .hint("Committed chunks are safe; free space and run the same command again."),
            StoreError::Conflict(_) | StoreError::Refused(_) => Self::new(ErrorKind::Unavailable, message),
            StoreError::Fenced(_) => Self::new(ErrorKind::Blocked, message)
                .hint("Someone else runs this migration now; nothing was written after the takeover."),
            StoreError::Cancelled(_) => Self::interrupted(message),
            StoreError::Bug(_) => Self::bug(message),
        }
    }
}
