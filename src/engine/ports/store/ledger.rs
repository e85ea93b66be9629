//! The ledger beside the data: run, chunks, lease.

use std::fmt;

use super::{Key, Range, Table};

/// The right to write: checked by the database inside every transaction that writes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fence {
    /// The task table beside which the ledger stands.
    pub target: Table,
    /// The name of the source.
    pub label: String,
    /// The token of the lease; a later holder has a greater one.
    pub token: i64,
}

/// Who asks for the lease.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeaseAsk {
    /// The task table beside which the ledger stands.
    pub target: Table,
    /// The name of the source.
    pub label: String,
    /// Operator, host and process in words: `alice on ops-2, pid 4711`.
    pub holder: String,
    /// Seconds without a sign of life after which a holder that cannot be reached loses the lease.
    pub ttl_s: u32,
    /// Take it from a living holder; the reason goes into the ledger.
    pub force: Option<String>,
}

/// Who has the lease.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeaseHolder {
    /// Operator, host and process in words.
    pub holder: String,
    /// Seconds since it was taken, on the database's clock.
    pub held_s: u64,
    /// Seconds since the last sign of life, on the database's clock.
    pub silent_s: u64,
    /// The token it holds.
    pub token: i64,
}

impl fmt::Display for LeaseHolder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} for {} s, last sign of life {} s ago (fence {})",
            self.holder, self.held_s, self.silent_s, self.token
        )
    }
}

/// The answer to [`LeaseAsk`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Taken {
    /// It is ours.
    Yes {
        /// The token.
        token: i64,
        /// The holder before, when there was one that did not give it back.
        from: Option<String>,
    },
    /// It belongs to someone who lives.
    No(LeaseHolder),
}

/// How far a run is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RunState {
    /// Rows are being copied.
    Copying,
    /// Every line of the proof was equal.
    Proved,
    /// The rows are being taken back.
    Undoing,
    /// The rows were taken back.
    Undone,
}

impl RunState {
    /// The stored word.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Copying => "copying",
            Self::Proved => "proved",
            Self::Undoing => "undoing",
            Self::Undone => "undone",
        }
    }

    /// The state of a stored word.
    #[must_use]
    pub fn of(word: &str) -> Option<Self> {
        [Self::Copying, Self::Proved, Self::Undoing, Self::Undone]
            .into_iter()
            .find(|state| state.word() == word)
    }
}

/// The ledger's row of a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunRow {
    /// Version of the ledger's layout.
    pub format: i64,
    /// Identity of the source.
    pub source: String,
    /// Digest of the mapping and its decisions.
    pub mapping: String,
    /// How far it is.
    pub state: RunState,
    /// The run's start, RFC 3339 in UTC.
    pub started: String,
    /// The greatest key that belongs to it.
    pub boundary: Option<String>,
    /// Hash of all target rows at the last proof, where chunks do not carry it.
    pub hash: Option<String>,
    /// The present token.
    pub token: i64,
}

/// A chunk to be written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChunkMark {
    /// Its place in the order of keys, from 1.
    pub seq: i64,
    /// Its keys.
    pub range: Range,
}

/// A chunk as the ledger has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChunkRow {
    /// Its place in the order of keys, from 1.
    pub seq: i64,
    /// Exclusive lower end; `None` for the first.
    pub after: Option<String>,
    /// Inclusive upper end.
    pub upto: String,
    /// Source rows.
    pub rows_in: u64,
    /// Rows written.
    pub rows_out: u64,
    /// Rows set aside.
    pub quarantined: u64,
    /// Hash of its target rows when it was proved.
    pub hash: Option<String>,
}

impl ChunkRow {
    /// Its keys; `None` when the ledger holds what is no key.
    #[must_use]
    pub fn range(&self, kind: super::KeyKind) -> Option<Range> {
        let after = match &self.after {
            Some(text) => Some(Key::parse(kind, text)?),
            None => None,
        };
        Some(Range {
            after,
            upto: Some(Key::parse(kind, &self.upto)?),
        })
    }
}
