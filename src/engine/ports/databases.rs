//! Databases as wholes: dumped, restored beside, compared, swapped by name. Rows one by one are [`super::store`]'s.
//!
//! Every database has a table of ours, `migration_mark`, whose rows say which backups it was in and what it was restored from: so a
//! survivor of an interrupted restore is never taken for a success. To add a kind of database: an implementation in `adapters/databases/`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use secrecy::SecretString;
use serde::{Deserialize, Serialize};

use super::BoxFuture;
use super::store::{Dialect, Table};
use crate::engine::error::Result;
use crate::engine::operation::Control;

/// The table of ours that holds the marks. Never part of [`Sums`].
pub const MARKS: &str = "migration_mark";
/// The table of ours that says which rows were carried over. Never part of [`Sums`].
pub const CARRIED: &str = "migration_carried";

/// What a method gives.
pub type Answer<'a, T> = BoxFuture<'a, Result<T>>;

/// What is known of a database without reading its rows.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct About {
    /// The server's lasting identity (PostgreSQL's system identifier), or the file's folder: where a backup belongs.
    pub system: String,
    /// `PostgreSQL 15.18`, `SQLite 3.50`.
    pub version: String,
    /// The major version; a dump of another one is refused.
    pub major: u32,
    /// Bytes it takes.
    pub bytes: u64,
    /// Other connections to it.
    pub clients: Vec<Client>,
    /// Bytes free where it lies; `None` when that cannot be seen from here.
    pub free: Option<u64>,
    /// What this login may not do and would have to, in fragments: `create databases`.
    pub lacks: Vec<String>,
    /// Nothing can be written to it.
    pub read_only: bool,
}

/// Somebody connected to a database.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Client {
    /// The process: of the server, or of this machine that holds the file open.
    pub pid: i64,
    /// Who, in words: `maos from worker (idle)`.
    pub who: String,
    /// What it last ran, shortened; empty when not known.
    pub query: String,
}

/// What a mark says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MarkKind {
    /// The database went into the backup with this epoch.
    Backup,
    /// The database was restored wholly from the backup with this epoch, by the run in the note.
    Restored,
}

impl MarkKind {
    /// The word in the table.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Backup => "backup",
            Self::Restored => "restored",
        }
    }

    /// The kind by its word; `None` for one that a newer version wrote.
    #[must_use]
    pub fn of(word: &str) -> Option<Self> {
        [Self::Backup, Self::Restored]
            .into_iter()
            .find(|kind| kind.word() == word)
    }
}

/// One row of [`MARKS`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mark {
    /// Random, unique to a backup.
    pub epoch: String,
    /// What it says.
    pub kind: MarkKind,
    /// The backup's id, or the run's.
    pub note: String,
}

/// A table's rows: how many, and a sum over their contents that does not depend on their order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TableSum {
    /// `schema.table`, or `table`.
    pub table: String,
    /// Rows.
    pub rows: u64,
    /// The sum of a 64-bit hash of each row's text, in decimal.
    pub sum: String,
}

/// Contents and shape of a database.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sums {
    /// Every table by name, ours of this port left out.
    pub tables: Vec<TableSum>,
    /// How many there are of everything else: indexes, constraints, views, functions.
    pub objects: BTreeMap<String, u64>,
}

impl Sums {
    /// Rows of all tables.
    #[must_use]
    pub fn rows(&self) -> u64 {
        self.tables.iter().map(|table| table.rows).sum()
    }

    /// Rows of one table, by its name with or without schema.
    #[must_use]
    pub fn of(&self, table: &str) -> Option<&TableSum> {
        let bare = |name: &str| name.rsplit('.').next().unwrap_or(name).to_owned();
        self.tables
            .iter()
            .find(|sum| sum.table == table)
            .or_else(|| self.tables.iter().find(|sum| bare(&sum.table) == bare(table)))
    }

    /// The first difference to `other`, in words; `None` when they are equal.
    #[must_use]
    pub fn difference(&self, other: &Self) -> Option<String> {
        for one in &self.tables {
            match other.tables.iter().find(|two| two.table == one.table) {
                None => return Some(format!("table {} is missing", one.table)),
                Some(two) if two.rows != one.rows => {
                    return Some(format!(
                        "table {}: {} rows, not {}",
                        one.table, two.rows, one.rows
                    ));
                }
                Some(two) if two.sum != one.sum => {
                    return Some(format!("table {}: the contents differ", one.table));
                }
                Some(_) => {}
            }
        }
        if let Some(extra) = other
            .tables
            .iter()
            .find(|two| self.tables.iter().all(|one| one.table != two.table))
        {
            return Some(format!("table {} is in addition", extra.table));
        }
        let kinds = self.objects.keys().chain(other.objects.keys());
        for kind in kinds {
            let (one, two) = (self.objects.get(kind), other.objects.get(kind));
            if one != two {
                return Some(format!(
                    "{kind}: {}, not {}",
                    two.copied().unwrap_or(0),
                    one.copied().unwrap_or(0)
                ));
            }
        }
        None
    }
}

/// A dump that lies in its file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dumped {
    /// `pg_dump custom`, `sqlite`.
    pub format: String,
    /// The program that wrote it, with its version.
    pub program: String,
    /// Exactly what the dump holds: taken in the same snapshot.
    pub sums: Sums,
}

/// Which rows of a table are wanted by key, and where they go.
pub type KeySink<'a> = &'a mut (dyn FnMut(&str, i64) -> Result<()> + Send);

/// How a swap went.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Swapped {
    /// Milliseconds from the first lock to the end.
    pub ms: u64,
    /// Connections that were ended.
    pub ended: u64,
    /// It had happened already.
    pub already: bool,
}

/// A database, existing or to be made.
pub trait Database: Send + Sync {
    /// Which kind.
    fn dialect(&self) -> Dialect;

    /// Where it is, in words and without secrets: `db.acme:5432/maos`.
    fn words(&self) -> String;

    /// Its name on its server, or its file name.
    fn name(&self) -> String;

    /// Another one on the same server or in the same folder.
    fn sibling(&self, name: &str) -> Arc<dyn Database>;

    /// A name for another one: `maos` and `rb_0314` make `maos_rb_0314`, `maos.db` makes `maos_rb_0314.db`. Shortened to what the
    /// dialect takes.
    fn named(&self, suffix: &str) -> String;

    /// Whether it exists.
    fn exists(&self) -> Answer<'_, bool>;

    /// What is known of it.
    fn about(&self) -> Answer<'_, About>;

    /// Its marks; none when it has no table of marks.
    fn marks(&self) -> Answer<'_, Vec<Mark>>;

    /// Adds a mark; adding it again changes nothing.
    fn mark<'a>(&'a self, mark: &'a Mark) -> Answer<'a, ()>;

    /// Sums over everything in it, in one snapshot.
    fn sums(&self) -> Answer<'_, Sums>;

    /// Writes a dump to `to` (mode 0600) with the sums of the same snapshot, and every key of `keys` with its row's hash into the
    /// sink, in order of the key's bytes.
    fn dump<'a>(
        &'a self,
        to: &'a Path,
        keys: Option<&'a Table>,
        sink: KeySink<'a>,
        control: &'a Control,
    ) -> Answer<'a, Dumped>;

    /// Makes this database anew from a dump, with the owner, encoding, settings and rights of `like`. One that an interrupted
    /// restore of ours left is made again; any other is refused. Removed when it fails.
    fn restore<'a>(&'a self, from: &'a Path, like: &'a dyn Database, control: &'a Control) -> Answer<'a, ()>;

    /// Makes this database empty, like `like`; for rehearsals.
    fn make<'a>(&'a self, like: &'a dyn Database) -> Answer<'a, ()>;

    /// Gives the planner its figures and whatever else a fresh restore lacks.
    fn settle(&self) -> Answer<'_, ()>;

    /// Removes a database that was made by [`Database::restore`]; one that does not exist is removed already.
    fn remove(&self) -> Answer<'_, ()>;

    /// In one step that happens wholly or not at all: this database becomes `outgoing`, and `incoming` gets this name. Other
    /// connections are ended. Waits for locks a short time, tries again, and names who blocks.
    fn swap<'a>(&'a self, incoming: &'a str, outgoing: &'a str, control: &'a Control) -> Answer<'a, Swapped>;

    /// Every key of a table with a hash of its row, in order of the key's bytes. `column`: that column instead of the primary key,
    /// nulls left out. Gives `None` when there is no such table.
    fn keys<'a>(
        &'a self,
        table: &'a Table,
        column: Option<&'a str>,
        sink: KeySink<'a>,
    ) -> Answer<'a, Option<u64>>;

    /// Rows by key as JSON objects, with their keys, in any order.
    fn rows<'a>(
        &'a self,
        table: &'a Table,
        keys: &'a [String],
    ) -> Answer<'a, Vec<(String, serde_json::Value)>>;

    /// Inserts rows that come from elsewhere; a row that this or an earlier run carried already is left alone. The values of columns
    /// the table does not have are refused. Gives how many of `rows` are there now.
    fn carry<'a>(
        &'a self,
        table: &'a Table,
        run: &'a str,
        rows: &'a [(String, serde_json::Value)],
    ) -> Answer<'a, u64>;

    /// How many rows a run carried.
    fn carried<'a>(&'a self, run: &'a str) -> Answer<'a, u64>;

    /// Removes the rows that a run carried; gives how many.
    fn uncarry<'a>(&'a self, table: &'a Table, run: &'a str) -> Answer<'a, u64>;

    /// The columns of a table, the key first; empty when there is none.
    fn columns<'a>(&'a self, table: &'a Table) -> Answer<'a, Vec<Column>>;
}

/// A column, as far as carrying a row needs it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Column {
    /// Its name.
    pub name: String,
    /// Its type in the database's words, lower case.
    pub kind: String,
    /// Part of the primary key.
    pub key: bool,
    /// Has a value when none is given.
    pub fills_itself: bool,
    /// Refuses NULL.
    pub not_null: bool,
}

/// How databases are opened.
pub trait OpenDatabases: Send + Sync {
    /// The database behind a URL; nothing is connected before the first call. `programs`: where `pg_dump` and `pg_restore` lie, else
    /// the newest on this machine.
    ///
    /// # Errors
    /// A URL of another kind; the text never holds the URL.
    fn open(&self, url: &SecretString, programs: Option<PathBuf>) -> Result<Arc<dyn Database>>;
}
