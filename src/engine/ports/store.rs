//! Rows in a database: the port through which `engine/schema` reads a source and writes a target.
//!
//! The engine decides what happens to every value ([`Recipe`]), which rows belong together ([`Pick`]) and when something
//! is proved; an adapter only phrases that in its dialect. To add a database: implement [`Store`] in `adapters/`, give it
//! a URL scheme in `adapters/open.rs` and add it to the pairs in `tests/schema/`.

mod error;
mod ledger;
mod recipe;
mod shape;

use futures_util::future::BoxFuture;
use tokio::sync::mpsc;

pub use error::StoreError;
pub use ledger::{ChunkMark, ChunkRow, Fence, LeaseAsk, LeaseHolder, RunRow, RunState, Taken};
pub use recipe::{
    CaseMap, Fate, Field, Key, KeyKind, Pick, Range, Reason, Recipe, Settled, SourceTable, TargetTable,
};
pub use shape::{Column, ColumnKind, Place, Relation, RelationKind, Table};

/// What a store answers: a future that can be sent to a worker.
pub type Answer<'a, T> = BoxFuture<'a, Result<T, StoreError>>;

/// Which language a store speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Dialect {
    /// PostgreSQL 13 or later.
    Postgres,
    /// SQLite 3.
    Sqlite,
}

/// A source row as it stands, for the independent conversion: text forms, `None` for NULL.
#[derive(Debug, Clone, Copy, Default)]
pub struct RawRow<'a> {
    /// The key's text form.
    pub key: &'a str,
    /// A fault only the database can see (duplicate key, bytes that are not UTF-8, invalid JSON); empty when there is none.
    pub fault: &'a str,
    /// The description.
    pub description: Option<&'a str>,
    /// The category.
    pub category: Option<&'a str>,
    /// The status.
    pub status: Option<&'a str>,
    /// The priority.
    pub priority: Option<&'a str>,
    /// The creation time, in UTC, as the store prints it.
    pub created_at: Option<&'a str>,
    /// The metadata as JSON text.
    pub metadata: Option<&'a str>,
    /// The columns the mapping does not know, as one JSON object.
    pub extras: Option<&'a str>,
}

/// A source row with an integer key as it stands, read from a database that prints metadata as the target does.
#[derive(Debug, Clone, Copy, Default)]
pub struct KeyedRow<'a> {
    /// The key.
    pub key: i64,
    /// See [`RawRow::fault`].
    pub fault: &'a str,
    /// The description.
    pub description: Option<&'a str>,
    /// The category.
    pub category: Option<&'a str>,
    /// The status.
    pub status: Option<&'a str>,
    /// The priority.
    pub priority: Option<&'a str>,
    /// The creation time in microseconds since 2000-01-01 UTC; the ends of the range are infinite.
    pub created_at: Option<i64>,
    /// The metadata as JSON text.
    pub metadata: Option<&'a str>,
    /// The columns the mapping does not know, as one JSON object.
    pub extras: Option<&'a str>,
}

/// Is shown the source rows of a chunk as they stand, in the stream that converts them: the second opinion needs no reading of its own.
pub type Witness<'a> = dyn Fn(KeyedRow<'_>) + Send + Sync + 'a;

/// A moment of a source database from which on it can tell what was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moment {
    /// Every transaction before this number had ended.
    pub transaction: u64,
    /// Which life of which server counted it.
    pub server: i64,
}

/// Rows of a slice with the same status and type, summed up by the database that holds them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupSum {
    /// The status.
    pub status: Option<String>,
    /// The type.
    pub task_type: Option<String>,
    /// How many rows.
    pub rows: u64,
    /// Sum of their hashes as `engine/schema/chain` defines them, modulo 2^64.
    pub sum: u64,
}

/// A target row as it stands.
#[derive(Debug, Clone, Copy, Default)]
pub struct TaskRow<'a> {
    /// The task's id, lower case.
    pub id: &'a str,
    /// The legacy key it carries, for naming it.
    pub key: &'a str,
    /// The description.
    pub description: Option<&'a str>,
    /// The type.
    pub task_type: Option<&'a str>,
    /// The status.
    pub status: Option<&'a str>,
    /// The priority.
    pub priority: Option<&'a str>,
    /// The creation time, in UTC, as the store prints it.
    pub created_at: Option<&'a str>,
    /// The metadata as JSON text.
    pub metadata: Option<&'a str>,
}

/// One row of the census: a distinct value with its count.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ValueCount {
    /// Which field.
    pub field: Field,
    /// The value, `None` for NULL.
    pub value: Option<String>,
    /// How many rows have it.
    pub rows: u64,
}

/// What a census found, uninterpreted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RawCensus {
    /// All rows.
    pub rows: u64,
    /// Distinct values of category, status and priority, at most [`RawCensus::LIMIT`] a field, most frequent first.
    pub values: Vec<ValueCount>,
    /// Whether a field had more distinct values than were listed.
    pub cut: bool,
    /// The least and the greatest key.
    pub least: Option<Key>,
    /// See `least`.
    pub greatest: Option<Key>,
    /// Rows without a key.
    pub null_keys: u64,
    /// The longest key in characters.
    pub longest_key: u64,
    /// Rows of keys that occur more than once.
    pub duplicate_rows: u64,
    /// Rows whose keys differ only by case, blanks or Unicode form.
    pub lookalike_rows: u64,
    /// Rows by fault found in text, time or JSON, most frequent first.
    pub faults: Vec<(Reason, u64)>,
    /// Keys of rows with bytes that are not UTF-8, where only reading them one by one finds them.
    pub not_utf8: Vec<Key>,
    /// Bytes of the longest description.
    pub longest_description: u64,
    /// Rows without a description, and without a creation time.
    pub null_descriptions: u64,
    /// See `null_descriptions`.
    pub null_times: u64,
    /// Rows created after now, by the database's clock.
    pub future_times: u64,
    /// Mean size of a row in bytes, estimated.
    pub row_bytes: u64,
}

impl RawCensus {
    /// Distinct values listed for one field.
    pub const LIMIT: u64 = 1_000;
}

/// Which stream of a chunk is exported.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// Converted rows: id, description, type, status, priority, creation time, metadata.
    Tasks,
    /// Legacy key and task id of the converted rows.
    Tracking,
    /// Key, ordinal, reason and raw form of the others.
    Quarantine,
    /// Converted rows in PostgreSQL's binary COPY format, their tracking rows beside them; only between stores that both speak it.
    Binary,
}

/// A piece of an exported stream. A stream that closes without [`Piece::End`] was cut, never finished.
#[derive(Debug)]
pub enum Piece {
    /// Whole lines in PostgreSQL's COPY text format; whole rows in its binary format for [`Part::Binary`].
    Lines(Vec<u8>),
    /// Key and id of the rows so far, 24 bytes a row, with [`Part::Binary`].
    Tracking(Vec<u8>),
    /// How many source rows were looked at, with [`Part::Binary`].
    Seen(u64),
    /// No later than this they were read, and each was shown to the witness.
    Witnessed(Moment),
    /// The stream is complete and had so many rows.
    End(u64),
}

/// Whose keys are built after the rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keyed {
    /// The task table's.
    Tasks,
    /// The tracking table's.
    Tracking,
}

/// Where a chunk's rows come from.
#[derive(Clone, Copy)]
pub enum Feed<'a> {
    /// The target can read the source itself: same database, or a file it can attach.
    Local(&'a Place),
    /// The rows are streamed from another store.
    From(&'a dyn Store),
}

/// One transaction's worth of copying.
#[derive(Clone, Copy)]
pub struct CopyJob<'a> {
    /// How rows are converted.
    pub recipe: &'a Recipe,
    /// Which rows.
    pub pick: &'a Pick,
    /// Whose turn it is; checked inside the transaction.
    pub fence: &'a Fence,
    /// The ledger row to write; `None` when single keys are rewritten.
    pub chunk: Option<&'a ChunkMark>,
    /// Where the rows come from.
    pub feed: Feed<'a>,
    /// Who is to see the source rows too; a store that cannot show them does not.
    pub witness: Option<&'a Witness<'a>>,
}

/// What one transaction did, after its commit.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Copied {
    /// Source rows read.
    pub rows_in: u64,
    /// Rows written to the target table.
    pub rows_out: u64,
    /// Rows set aside.
    pub quarantined: u64,
    /// Rows removed first, when keys are rewritten.
    pub removed: u64,
    /// Bytes of the rows, where the stream was seen; 0 otherwise.
    pub bytes: u64,
    /// Since when the source has to be asked for changes, where every row was shown to the witness.
    pub witnessed: Option<Moment>,
}

/// How target rows are read for the proof.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Slice {
    /// Ids in this range (exclusive, inclusive), lower-case text.
    Ids(Option<String>, Option<String>),
    /// Every tracked row of the label.
    Tracked,
}

/// A quarantined row as stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QuarantineRow {
    /// The legacy key.
    pub key: String,
    /// Which of the rows with this key, from 1.
    pub ordinal: i64,
    /// The reason code.
    pub reason: String,
    /// The raw row as JSON text.
    pub raw: String,
}

/// Counts in the target that belong to one label.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TargetCounts {
    /// Rows of the task table in all.
    pub tasks: u64,
    /// Tracked rows of the label.
    pub tracked: u64,
    /// Quarantined rows of the label.
    pub quarantined: u64,
}

/// What is known about rows the guide's own script left behind.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct GuideRows {
    /// Rows with the mark that no ledger of ours accounts for.
    pub rows: u64,
    /// Legacy ids that occur in more than one of them.
    pub doubled: u64,
    /// Rows whose legacy id is not in the source; `None` when the two cannot be compared by the database.
    pub unknown: Option<u64>,
    /// Rows that differ from what the guide's script writes for their legacy row.
    pub changed: Option<u64>,
}

/// One sequence or constraint that was checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Check {
    /// What, in words: `sequence public.tasks_id_seq`.
    pub what: String,
    /// What is wanted.
    pub wanted: String,
    /// What was found.
    pub found: String,
    /// Whether that is good.
    pub good: bool,
}

/// What the target must get before the first chunk.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Setup {
    /// Create the guide's task table.
    pub create_tasks: bool,
    /// Replace the rows that the guide's script wrote.
    pub adopt: bool,
}

/// What the comparison found for one task.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Performance {
    /// The legacy id as text.
    pub legacy_task_id: String,
    /// MAOS's id of its last run.
    pub maos_task_id: Option<String>,
    /// The figures, a JSON document.
    pub document: String,
}

/// A database that holds legacy rows, or receives tasks. All methods may be called from several tasks at once.
///
/// Reads never write. Writes happen in one transaction a call, under the given [`Fence`].
pub trait Store: Send + Sync {
    /// Which language it speaks.
    fn dialect(&self) -> Dialect;

    /// Where it is, in words, without credentials: `db.acme:5432/maos`, `legacy.db`.
    fn words(&self) -> String;

    /// Looks at the server: version, encoding, pooler, read-only, identity.
    fn place(&self) -> Answer<'_, Place>;

    /// Looks at a table or view; `None` when there is none.
    fn relation<'a>(&'a self, table: &'a Table) -> Answer<'a, Option<Relation>>;

    /// The tables that exist among those the ledger needs, with the columns they lack.
    fn ledger_gaps<'a>(&'a self, target: &'a Table) -> Answer<'a, Vec<String>>;

    /// Whether the database itself is there.
    fn database_exists(&self) -> Answer<'_, bool>;

    /// Creates the database, empty: on the server that the URL names, or as a file. One that is there stays as it is.
    fn create_database(&self) -> Answer<'_, ()>;

    /// Whether the tracking table has its unique key; a run that copies rows into an empty one builds it after them.
    fn tracking_keyed<'a>(&'a self, target: &'a Table) -> Answer<'a, bool>;

    /// Creates what [`Store::ledger_gaps`] names and the unique key of the tracking table, in one transaction.
    fn make_ledger<'a>(&'a self, target: &'a Table) -> Answer<'a, ()>;

    // ---- source ----

    /// Counts every distinct value and every fault of the source table.
    fn census<'a>(&'a self, source: &'a SourceTable, after: Option<&'a Key>) -> Answer<'a, RawCensus>;

    /// The rows whose status is one of `words`, by letters without case, with their descriptions, in the order of their keys, at most
    /// `limit`.
    fn running<'a>(
        &'a self,
        source: &'a SourceTable,
        words: &'a [String],
        limit: usize,
    ) -> Answer<'a, Vec<(Key, String)>>;

    /// Counts the rows that a recipe sets aside, by reason.
    fn reasons<'a>(&'a self, recipe: &'a Recipe) -> Answer<'a, Vec<(Reason, u64)>>;

    /// The key of the `rows`-th row after `after`, at most `upto`; `None` when no row follows.
    fn bound<'a>(
        &'a self,
        source: &'a SourceTable,
        after: Option<&'a Key>,
        upto: &'a Key,
        rows: u64,
    ) -> Answer<'a, Option<Key>>;

    /// Streams the converted rows of a pick, and shows a witness the rows they were made of where it can.
    fn export<'a>(
        &'a self,
        recipe: &'a Recipe,
        pick: &'a Pick,
        part: Part,
        out: mpsc::Sender<Piece>,
        witness: Option<&'a Witness<'a>>,
    ) -> Answer<'a, ()>;

    /// How many source rows a range has now, if none of them was written since a moment; `None` when one was, or nobody can tell.
    fn unwritten<'a>(
        &'a self,
        recipe: &'a Recipe,
        range: &'a Range,
        since: Moment,
    ) -> Answer<'a, Option<u64>> {
        let _ = (recipe, range, since);
        Box::pin(async { Ok(None) })
    }

    /// How many source rows a pick has.
    fn count<'a>(&'a self, recipe: &'a Recipe, pick: &'a Pick) -> Answer<'a, u64>;

    /// Reads source rows as they stand, converted by nobody; returns how many.
    fn scan_source<'a>(
        &'a self,
        recipe: &'a Recipe,
        range: &'a Range,
        sink: &'a mut (dyn FnMut(RawRow<'_>) + Send),
    ) -> Answer<'a, u64>;

    // ---- target ----

    /// Whether this store, which is at `own`, can read the rows at `other` by itself.
    fn reaches(&self, own: &Place, other: &Place, recipe: &Recipe) -> bool;

    /// Creates what is missing (ledger tables, on request the guide's table), in one transaction.
    fn prepare<'a>(&'a self, recipe: &'a Recipe, setup: &'a Setup) -> Answer<'a, u64>;

    /// The run of a label, if its ledger knows one.
    fn run<'a>(&'a self, target: &'a Table, label: &'a str) -> Answer<'a, Option<RunRow>>;

    /// The committed chunks of a label, in order.
    fn chunks<'a>(&'a self, target: &'a Table, label: &'a str) -> Answer<'a, Vec<ChunkRow>>;

    /// Takes the lease, or tells who holds it.
    fn lease<'a>(&'a self, ask: &'a LeaseAsk) -> Answer<'a, Taken>;

    /// Says that the holder lives.
    fn beat<'a>(&'a self, fence: &'a Fence) -> Answer<'a, ()>;

    /// Gives the lease back; a lease that is not held any more is no error.
    fn release<'a>(&'a self, fence: &'a Fence) -> Answer<'a, ()>;

    /// Stores the run's state, boundary and whole hash.
    fn note<'a>(&'a self, fence: &'a Fence, run: &'a RunRow) -> Answer<'a, ()>;

    /// Stores the proved hash of chunks.
    fn note_chunks<'a>(&'a self, fence: &'a Fence, hashes: &'a [(i64, String)]) -> Answer<'a, ()>;

    /// Copies one pick in one transaction.
    fn copy<'a>(&'a self, job: CopyJob<'a>) -> Answer<'a, Copied>;

    /// Whether a chunk's transaction was committed: asked when the outcome of a commit is unknown.
    fn committed<'a>(&'a self, fence: &'a Fence, chunk: &'a ChunkMark) -> Answer<'a, Option<Copied>>;

    /// Whether rows can be proved by sums: [`Store::scan_keyed`] on the source, [`Store::sum_target`] on the target. Both ends are asked.
    fn sums(&self, recipe: &Recipe) -> bool {
        let _ = recipe;
        false
    }

    /// Reads source rows of an integer key as they stand; returns how many.
    fn scan_keyed<'a>(
        &'a self,
        recipe: &'a Recipe,
        range: &'a Range,
        sink: &'a mut (dyn FnMut(KeyedRow<'_>) + Send),
    ) -> Answer<'a, u64> {
        let _ = (recipe, range, sink);
        Box::pin(async { Err(StoreError::Bug("this store does not sum up".to_owned())) })
    }

    /// Sums up the target rows of a slice where they lie.
    fn sum_target<'a>(&'a self, recipe: &'a Recipe, slice: &'a Slice) -> Answer<'a, Vec<GroupSum>> {
        let _ = (recipe, slice);
        Box::pin(async { Err(StoreError::Bug("this store does not sum up".to_owned())) })
    }

    /// How many tracking rows there are, and the sum of their hashes (task id seeded by legacy key); `None` when they have to be read.
    fn sum_tracking<'a>(&'a self, recipe: &'a Recipe) -> Answer<'a, Option<(u64, u64)>> {
        let _ = recipe;
        Box::pin(async { Ok(None) })
    }

    /// Puts off what [`Store::settle`] builds: the keys of a tracking table that is still empty, and with `tasks`, when this run made the
    /// task table, of that too. Called before the first chunk of many.
    fn put_off<'a>(&'a self, recipe: &'a Recipe, fence: &'a Fence, tasks: bool) -> Answer<'a, ()> {
        let _ = (recipe, fence, tasks);
        Box::pin(async { Ok(()) })
    }

    /// Builds what is cheaper to build after the rows are there than row by row: the keys of a table, those that are missing.
    fn settle<'a>(&'a self, recipe: &'a Recipe, whose: Keyed) -> Answer<'a, ()> {
        let _ = (recipe, whose);
        Box::pin(async { Ok(()) })
    }

    /// Reads target rows as they stand; returns how many.
    fn scan_target<'a>(
        &'a self,
        recipe: &'a Recipe,
        slice: &'a Slice,
        sink: &'a mut (dyn FnMut(TaskRow<'_>) + Send),
    ) -> Answer<'a, u64>;

    /// Reads the tracking rows (legacy key, task id); returns how many.
    fn scan_tracking<'a>(
        &'a self,
        recipe: &'a Recipe,
        sink: &'a mut (dyn FnMut(&str, &str) + Send),
    ) -> Answer<'a, u64>;

    /// Reads quarantined rows in key order, a page after `after`.
    fn quarantine<'a>(
        &'a self,
        target: &'a Table,
        label: &'a str,
        after: Option<&'a (String, i64)>,
        limit: u64,
    ) -> Answer<'a, Vec<QuarantineRow>>;

    /// Totals of the label in the target.
    fn counts<'a>(&'a self, recipe: &'a Recipe) -> Answer<'a, TargetCounts>;

    /// What the guide's own script left behind.
    fn guide_rows<'a>(&'a self, recipe: &'a Recipe, source: &'a Place) -> Answer<'a, GuideRows>;

    /// Sets sequences that lag behind and checks sequences and constraints.
    fn checks<'a>(&'a self, recipe: &'a Recipe) -> Answer<'a, Vec<Check>>;

    /// Removes at most `limit` rows of the label with their tracking, and at the end quarantine and chunks; returns
    /// how many task rows went.
    fn remove<'a>(&'a self, recipe: &'a Recipe, fence: &'a Fence, limit: u64) -> Answer<'a, u64>;

    /// Writes results of the comparison into `performance_comparison` of the tracking table beside `target`, in one transaction: over
    /// the rows of the task, or in a row of its own where there is none. Returns the rows written; `None` without such a table.
    fn performance<'a>(&'a self, target: &'a Table, results: &'a [Performance]) -> Answer<'a, Option<u64>>;

    /// Whose lock this store's connections wait for, in words: `pid 4211 (autovacuum worker)`.
    fn blocker(&self) -> Answer<'_, Option<String>> {
        Box::pin(async { Ok(None) })
    }

    /// Cancels on the server whatever this store's connections are doing.
    fn cancel(&self) -> Answer<'_, ()>;
}
