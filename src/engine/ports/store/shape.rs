//! What introspection finds: servers, tables, columns.

use std::fmt;

use super::Dialect;

/// A table's name, with its schema where the dialect has one.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Table {
    /// The schema; `None` means the connection's own choice (PostgreSQL's search path, SQLite's `main`).
    pub schema: Option<String>,
    /// The name.
    pub name: String,
}

impl Table {
    /// A table from `name` or `schema.name`.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        match text.split_once('.') {
            Some((schema, name)) => Self {
                schema: Some(schema.to_owned()),
                name: name.to_owned(),
            },
            None => Self {
                schema: None,
                name: text.to_owned(),
            },
        }
    }

    /// Another table in the same schema.
    #[must_use]
    pub fn sibling(&self, name: &str) -> Self {
        Self {
            schema: self.schema.clone(),
            name: name.to_owned(),
        }
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.schema {
            Some(schema) => write!(f, "{schema}.{}", self.name),
            None => f.write_str(&self.name),
        }
    }
}

/// What a column can hold, as far as the migration cares.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ColumnKind {
    /// Whole numbers.
    Integer,
    /// Character data.
    Text,
    /// UUID.
    Uuid,
    /// Time without zone.
    Time,
    /// Time with zone.
    TimeZoned,
    /// JSON kept as text.
    Json,
    /// JSON kept parsed.
    Jsonb,
    /// A PostgreSQL enum.
    Enum,
    /// Anything else.
    Other,
}

/// One column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Column {
    /// Its name.
    pub name: String,
    /// What it can hold.
    pub kind: ColumnKind,
    /// Its type as the database writes it, usable in a cast.
    pub type_sql: String,
    /// Whether NULL is refused.
    pub not_null: bool,
    /// Whether it fills itself when left out.
    pub has_default: bool,
    /// The labels of its enum, or the literals of a CHECK on it; empty when anything goes.
    pub labels: Vec<String>,
    /// The most characters it holds.
    pub max_chars: Option<u64>,
}

/// What sort of relation a name is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RelationKind {
    /// An ordinary table.
    Table,
    /// A partitioned table.
    Partitioned,
    /// A view, materialized or not.
    View,
    /// Foreign table or anything else.
    Other,
}

/// A table as found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Relation {
    /// Its name with the schema it was found in.
    pub table: Table,
    /// What it is.
    pub kind: RelationKind,
    /// Its columns in order.
    pub columns: Vec<Column>,
    /// Sets of columns that are unique, the primary key first.
    pub unique: Vec<Vec<String>>,
    /// Whether row security hides rows from this connection.
    pub rows_hidden: bool,
    /// Triggers on it, by name.
    pub triggers: Vec<String>,
    /// Foreign keys of it and to it, in words.
    pub foreign_keys: Vec<String>,
    /// Rows, estimated by the database; `None` when it does not know.
    pub estimate: Option<u64>,
}

impl Relation {
    /// The column of a name.
    #[must_use]
    pub fn column(&self, name: &str) -> Option<&Column> {
        self.columns.iter().find(|column| column.name == name)
    }

    /// Whether one column alone is unique.
    #[must_use]
    pub fn is_unique(&self, name: &str) -> bool {
        self.unique
            .iter()
            .any(|set| set.len() == 1 && set.first().is_some_and(|one| one == name))
    }
}

/// A server or file, as found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// Which language it speaks.
    pub dialect: Dialect,
    /// Identity that survives a change of address: system identifier and database, or file path.
    pub identity: String,
    /// In words, without credentials.
    pub words: String,
    /// Version in words: `PostgreSQL 15.18`.
    pub version: String,
    /// Major version number.
    pub major: u32,
    /// Whether nothing can be written there.
    pub read_only: bool,
    /// Whether text may hold bytes that are not UTF-8.
    pub loose_text: bool,
    /// Whether a pooler changes the session between transactions.
    pub pooled: bool,
    /// The schema where tables are made when none is named.
    pub schema: Option<String>,
    /// The file, for SQLite.
    pub path: Option<std::path::PathBuf>,
}
