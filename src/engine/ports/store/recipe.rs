//! The compiled conversion: what an adapter turns into its dialect, and the keys and ranges it is applied to.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::{Column, Table};

/// A field of the legacy row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Field {
    /// The key.
    Id,
    /// What is to be done.
    Description,
    /// Which sort of work.
    Category,
    /// Where it stands.
    Status,
    /// How urgent.
    Priority,
    /// When it was made.
    CreatedAt,
    /// Anything else, as JSON.
    Metadata,
}

impl Field {
    /// The name in the guide's `legacy_tasks`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Id => "id",
            Self::Description => "description",
            Self::Category => "category",
            Self::Status => "status",
            Self::Priority => "priority",
            Self::CreatedAt => "created_at",
            Self::Metadata => "metadata",
        }
    }
}

/// Why a row is set aside. The order is the order of judgement: the first that holds is the row's reason.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// The key occurs more than once.
    DuplicateId,
    /// Text with bytes that are not UTF-8.
    NotUtf8,
    /// Text with U+0000.
    NulInText,
    /// No description.
    NullDescription,
    /// The description is over the limit.
    DescriptionTooLong,
    /// No status.
    NullStatus,
    /// A status the mapping does not know.
    UnknownStatus,
    /// Running in the legacy system, left there by decision.
    LeftRunning,
    /// No priority, and the mapping has none for that.
    NullPriority,
    /// A priority the mapping does not know.
    UnknownPriority,
    /// A category the mapping refuses.
    UnknownCategory,
    /// No creation time where the target wants one.
    NullCreatedAt,
    /// A creation time that cannot be read.
    BadTimestamp,
    /// Infinite, before year 1 or after year 9999.
    TimestampOutOfRange,
    /// Metadata that is not JSON.
    BadJson,
    /// JSON with an escaped U+0000.
    NulInJson,
    /// JSON with half a surrogate pair.
    LoneSurrogate,
}

impl Reason {
    /// Every reason, in order of judgement.
    pub const ALL: [Self; 17] = [
        Self::DuplicateId,
        Self::NotUtf8,
        Self::NulInText,
        Self::NullDescription,
        Self::DescriptionTooLong,
        Self::NullStatus,
        Self::UnknownStatus,
        Self::LeftRunning,
        Self::NullPriority,
        Self::UnknownPriority,
        Self::UnknownCategory,
        Self::NullCreatedAt,
        Self::BadTimestamp,
        Self::TimestampOutOfRange,
        Self::BadJson,
        Self::NulInJson,
        Self::LoneSurrogate,
    ];

    /// The stable code.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::DuplicateId => "duplicate_id",
            Self::NotUtf8 => "not_utf8",
            Self::NulInText => "nul_in_text",
            Self::NullDescription => "null_description",
            Self::DescriptionTooLong => "description_too_long",
            Self::NullStatus => "null_status",
            Self::UnknownStatus => "unknown_status",
            Self::LeftRunning => "left_running",
            Self::NullPriority => "null_priority",
            Self::UnknownPriority => "unknown_priority",
            Self::UnknownCategory => "unknown_category",
            Self::NullCreatedAt => "null_created_at",
            Self::BadTimestamp => "bad_timestamp",
            Self::TimestampOutOfRange => "timestamp_out_of_range",
            Self::BadJson => "bad_json",
            Self::NulInJson => "nul_in_json",
            Self::LoneSurrogate => "lone_surrogate",
        }
    }

    /// The reason of a code.
    #[must_use]
    pub fn of(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|reason| reason.code() == code)
    }

    /// Which field it is about; `None` when any text can be.
    #[must_use]
    pub const fn field(self) -> Option<Field> {
        match self {
            Self::DuplicateId => Some(Field::Id),
            Self::NotUtf8 | Self::NulInText => None,
            Self::NullDescription | Self::DescriptionTooLong => Some(Field::Description),
            Self::NullStatus | Self::UnknownStatus | Self::LeftRunning => Some(Field::Status),
            Self::NullPriority | Self::UnknownPriority => Some(Field::Priority),
            Self::UnknownCategory => Some(Field::Category),
            Self::NullCreatedAt | Self::BadTimestamp | Self::TimestampOutOfRange => Some(Field::CreatedAt),
            Self::BadJson | Self::NulInJson | Self::LoneSurrogate => Some(Field::Metadata),
        }
    }
}

/// What becomes of a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fate {
    /// It becomes this; `true`: by default or decision, so the original is kept in the metadata.
    Becomes(String, bool),
    /// The row is set aside.
    Quarantine(Reason),
}

/// A compiled mapping of one field, by exact values as the census found them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CaseMap {
    /// Exact source value and its fate.
    pub arms: Vec<(String, Fate)>,
    /// The fate of NULL.
    pub null: Fate,
    /// The fate of every other value.
    pub otherwise: Fate,
}

/// How keys compare.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyKind {
    /// Whole numbers of 64 bits.
    Integer,
    /// Text, compared byte by byte.
    Text,
}

/// A legacy key.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Key {
    /// A number.
    Integer(i64),
    /// Text.
    Text(String),
}

impl Key {
    /// Reads a key of a kind; `None` when the text is no such key.
    #[must_use]
    pub fn parse(kind: KeyKind, text: &str) -> Option<Self> {
        match kind {
            KeyKind::Integer => text.parse().ok().map(Self::Integer),
            KeyKind::Text => Some(Self::Text(text.to_owned())),
        }
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Integer(n) => write!(f, "{n}"),
            Self::Text(text) => f.write_str(text),
        }
    }
}

/// Keys after one (all when `None`) and up to another (all when `None`).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Range {
    /// Exclusive lower end.
    pub after: Option<Key>,
    /// Inclusive upper end.
    pub upto: Option<Key>,
}

/// Which source rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Pick {
    /// Rows of a key range that the target does not have yet.
    Range(Range),
    /// Rows of these keys; whatever the target has of them is removed first.
    Keys(Vec<Key>),
}

/// The source as the engine understood it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceTable {
    /// Its name.
    pub table: Table,
    /// The key column.
    pub key: Column,
    /// How keys compare.
    pub key_kind: KeyKind,
    /// Whether the database keeps the key unique.
    pub unique_key: bool,
    /// The other fields; a field without a column reads as NULL.
    pub description: Option<Column>,
    /// See `description`.
    pub category: Option<Column>,
    /// See `description`.
    pub status: Option<Column>,
    /// See `description`.
    pub priority: Option<Column>,
    /// See `description`.
    pub created_at: Option<Column>,
    /// See `description`.
    pub metadata: Option<Column>,
    /// Columns the mapping does not know, kept in the metadata.
    pub extras: Vec<Column>,
    /// Whether text may hold bytes that are not UTF-8, so every row must be looked at.
    pub loose_text: bool,
    /// Keys of rows with bytes that are not UTF-8, where the census had to find them one by one.
    pub not_utf8: Vec<Key>,
}

/// The target as the engine understood it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TargetTable {
    /// Its name.
    pub table: Table,
    /// Columns `id`, `description`, `task_type`, `status`, `priority`, `created_at`, `metadata`, in this order.
    pub columns: [Column; 7],
}

/// Everything an adapter needs to phrase the conversion.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recipe {
    /// Where rows come from.
    pub source: SourceTable,
    /// Where they go.
    pub target: TargetTable,
    /// The name of the source in the ledger and in the ids.
    pub label: String,
    /// 14 hex digits that end every id made from an integer key.
    pub namespace: String,
    /// Category to task type.
    pub types: CaseMap,
    /// Status to status.
    pub statuses: CaseMap,
    /// Priority to priority.
    pub priorities: CaseMap,
    /// What an absent description becomes; `None` quarantines.
    pub description_default: Option<String>,
    /// The longest description in bytes.
    pub description_limit: u64,
    /// Whether a row without creation time is accepted.
    pub null_times: bool,
    /// The run's start, RFC 3339 in UTC: the guide's `migration_date`.
    pub started: String,
    /// Running rows that are decided one by one.
    pub settled: Settled,
}

/// What is read in place of the status of single rows, while that is one of some values.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Settled {
    /// Key and status.
    pub rows: Vec<(Key, String)>,
    /// The statuses, folded, while which this holds.
    pub within: Vec<String>,
}
