//! SQLite 3 as a [`Store`].
//!
//! Readers open the file read-only; one writer holds the transactions. The lease's sign of life is a lock on a file beside the database,
//! which the operating system drops with the process. The many rows of a copy, a census and a proof go through `quick`, everything else
//! through sqlx; both are the same SQLite library, so they know of each other's locks.

mod admin;
mod census;
mod copy;
pub(crate) mod fault;
mod ledger;
mod look;
mod performance;
mod pour;
mod proof;
mod quick;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{AssertSqlSafe, ConnectOptions as _, Connection as _};
use tokio::sync::{Mutex, mpsc};

use crate::engine::ports::store::{
    Answer, Check, ChunkMark, ChunkRow, Copied, CopyJob, Dialect, Fence, GuideRows, Key, KeyKind, Keyed,
    LeaseAsk, Part, Performance, Pick, Piece, Place, QuarantineRow, Range, RawCensus, RawRow, Reason, Recipe,
    Relation, RunRow, Setup, Slice, SourceTable, Store, StoreError, Table, Taken, TargetCounts, TaskRow,
    Witness,
};

use fault::fault;

/// The writer's page cache: 32 MB, in SQLite's notation for bytes.
const CACHE: &str = "-32768";

/// Bytes of a page of a file that is made here: tasks are some hundred bytes each, and a fifth of the work of writing them goes with the
/// smaller pages that SQLite takes by itself.
const PAGE: u32 = 16_384;

type Own<T> = std::result::Result<T, StoreError>;

/// The writing side. Whoever holds its lock is this process's only writer.
#[derive(Default)]
struct Writer {
    connection: Option<SqliteConnection>,
}

/// A SQLite file.
pub struct SqliteStore {
    path: PathBuf,
    create: bool,
    words: String,
    writer: Arc<Mutex<Writer>>,
    lock: Mutex<Option<std::fs::File>>,
    cancelled: Arc<AtomicBool>,
}

impl SqliteStore {
    /// A store over a file; nothing is opened yet. `create`: the first write makes the file.
    #[must_use]
    pub fn new(path: &Path, create: bool) -> Self {
        let words = path.file_name().map_or_else(
            || path.display().to_string(),
            |name| name.to_string_lossy().into_owned(),
        );
        Self {
            path: path.to_owned(),
            create,
            words,
            writer: Arc::default(),
            lock: Mutex::default(),
            cancelled: Arc::default(),
        }
    }

    fn exists(&self) -> bool {
        std::fs::metadata(&self.path).is_ok_and(|found| found.len() > 0)
    }

    fn options(&self) -> SqliteConnectOptions {
        SqliteConnectOptions::new()
            .filename(&self.path)
            .busy_timeout(Duration::from_secs(10))
            .foreign_keys(true)
            .disable_statement_logging()
    }

    /// A read-only connection.
    async fn reader(&self) -> Own<SqliteConnection> {
        if !self.path.exists() {
            return Err(StoreError::Unreachable(format!("{} does not exist", self.words)));
        }
        // A target whose last writer died may have a journal to roll back, which a read-only connection cannot do.
        let options = if self.create {
            self.options().pragma("query_only", "1")
        } else {
            self.options().read_only(true)
        };
        SqliteConnection::connect_with(&options.row_buffer_size(1_000))
            .await
            .map_err(|error| fault(&self.words, &error))
    }

    /// The writer's connection, opened when it is not.
    async fn open_writer<'w>(&self, writer: &'w mut Writer) -> Own<&'w mut SqliteConnection> {
        if writer.connection.is_none() {
            if let Some(folder) = self.path.parent().filter(|_| self.create && !self.path.exists()) {
                std::fs::create_dir_all(folder).map_err(|error| {
                    StoreError::Unreachable(format!("the folder of {}: {}", self.words, error.kind()))
                })?;
            }
            // Text keys are indexed out of their order: a chunk's pages stay in memory until it commits.
            let mut options = self
                .options()
                .create_if_missing(self.create)
                .pragma("cache_size", CACHE);
            if !self.exists() {
                options = options.page_size(PAGE);
            }
            let mut connection = SqliteConnection::connect_with(&options)
                .await
                .map_err(|error| fault(&self.words, &error))?;
            let cancelled = Arc::clone(&self.cancelled);
            connection
                .lock_handle()
                .await
                .map_err(|error| fault(&self.words, &error))?
                .set_progress_handler(100_000, move || !cancelled.swap(false, Ordering::SeqCst));
            writer.connection = Some(connection);
        }
        writer
            .connection
            .as_mut()
            .ok_or_else(|| StoreError::Bug("no writer".to_owned()))
    }

    fn fault(&self, error: &sqlx::Error) -> StoreError {
        fault(&self.words, error)
    }

    fn lock_path(&self) -> PathBuf {
        let mut name = self.path.clone().into_os_string();
        name.push(".migration-lock");
        PathBuf::from(name)
    }
}

/// SQL of our own making; every name and literal in it went through `phrase`.
fn sql(text: impl Into<String>) -> AssertSqlSafe<String> {
    AssertSqlSafe(text.into())
}

/// A value as text, whatever its storage class; `Err` holds the bytes that are no UTF-8.
fn text(row: &sqlx::sqlite::SqliteRow, index: usize) -> Own<Option<std::result::Result<&str, &[u8]>>> {
    use sqlx::Row as _;
    let bytes: Option<&[u8]> = row
        .try_get_unchecked(index)
        .map_err(|error| StoreError::Bug(format!("column {index}: {error}")))?;
    Ok(bytes.map(|bytes| std::str::from_utf8(bytes).map_err(|_| bytes)))
}

impl Store for SqliteStore {
    fn dialect(&self) -> Dialect {
        Dialect::Sqlite
    }

    fn words(&self) -> String {
        self.words.clone()
    }

    fn place(&self) -> Answer<'_, Place> {
        Box::pin(self.look_place())
    }

    fn relation<'a>(&'a self, table: &'a Table) -> Answer<'a, Option<Relation>> {
        Box::pin(self.look_relation(table))
    }

    fn ledger_gaps<'a>(&'a self, target: &'a Table) -> Answer<'a, Vec<String>> {
        Box::pin(self.look_ledger(target))
    }

    fn database_exists(&self) -> Answer<'_, bool> {
        Box::pin(self.is_there())
    }

    fn create_database(&self) -> Answer<'_, ()> {
        Box::pin(self.create_empty())
    }

    fn tracking_keyed<'a>(&'a self, target: &'a Table) -> Answer<'a, bool> {
        Box::pin(self.has_key(target))
    }

    fn make_ledger<'a>(&'a self, target: &'a Table) -> Answer<'a, ()> {
        Box::pin(self.create_ledger(target))
    }

    fn census<'a>(&'a self, source: &'a SourceTable, after: Option<&'a Key>) -> Answer<'a, RawCensus> {
        Box::pin(self.take_census(source, after))
    }

    fn running<'a>(
        &'a self,
        source: &'a SourceTable,
        words: &'a [String],
        limit: usize,
    ) -> Answer<'a, Vec<(Key, String)>> {
        Box::pin(self.list_running(source, words, limit))
    }

    fn reasons<'a>(&'a self, recipe: &'a Recipe) -> Answer<'a, Vec<(Reason, u64)>> {
        Box::pin(self.count_reasons(recipe))
    }

    fn bound<'a>(
        &'a self,
        source: &'a SourceTable,
        after: Option<&'a Key>,
        upto: &'a Key,
        rows: u64,
    ) -> Answer<'a, Option<Key>> {
        Box::pin(self.find_bound(source, after, upto, rows))
    }

    fn export<'a>(
        &'a self,
        recipe: &'a Recipe,
        pick: &'a Pick,
        part: Part,
        out: mpsc::Sender<Piece>,
        _witness: Option<&'a Witness<'a>>,
    ) -> Answer<'a, ()> {
        Box::pin(self.export_part(recipe, pick, part, out))
    }

    fn count<'a>(&'a self, recipe: &'a Recipe, pick: &'a Pick) -> Answer<'a, u64> {
        Box::pin(self.count_rows(recipe, pick))
    }

    fn scan_source<'a>(
        &'a self,
        recipe: &'a Recipe,
        range: &'a Range,
        sink: &'a mut (dyn FnMut(RawRow<'_>) + Send),
    ) -> Answer<'a, u64> {
        Box::pin(self.read_source(recipe, range, sink))
    }

    fn reaches(&self, _own: &Place, other: &Place, recipe: &Recipe) -> bool {
        // A file can be attached; ids of text keys need a hash that SQLite does not have.
        other.dialect == Dialect::Sqlite && recipe.source.key_kind == KeyKind::Integer
    }

    fn prepare<'a>(&'a self, recipe: &'a Recipe, setup: &'a Setup) -> Answer<'a, u64> {
        Box::pin(self.make_ready(recipe, setup))
    }

    fn run<'a>(&'a self, target: &'a Table, label: &'a str) -> Answer<'a, Option<RunRow>> {
        Box::pin(self.read_run(target, label))
    }

    fn chunks<'a>(&'a self, target: &'a Table, label: &'a str) -> Answer<'a, Vec<ChunkRow>> {
        Box::pin(self.read_chunks(target, label))
    }

    fn lease<'a>(&'a self, ask: &'a LeaseAsk) -> Answer<'a, Taken> {
        Box::pin(self.take_lease(ask))
    }

    fn beat<'a>(&'a self, fence: &'a Fence) -> Answer<'a, ()> {
        Box::pin(self.beat_lease(fence))
    }

    fn release<'a>(&'a self, fence: &'a Fence) -> Answer<'a, ()> {
        Box::pin(self.release_lease(fence))
    }

    fn note<'a>(&'a self, fence: &'a Fence, run: &'a RunRow) -> Answer<'a, ()> {
        Box::pin(self.note_run(fence, run))
    }

    fn note_chunks<'a>(&'a self, fence: &'a Fence, hashes: &'a [(i64, String)]) -> Answer<'a, ()> {
        Box::pin(self.note_hashes(fence, hashes))
    }

    fn copy<'a>(&'a self, job: CopyJob<'a>) -> Answer<'a, Copied> {
        Box::pin(self.copy_pick(job))
    }

    fn committed<'a>(&'a self, fence: &'a Fence, chunk: &'a ChunkMark) -> Answer<'a, Option<Copied>> {
        Box::pin(self.was_committed(fence, chunk))
    }

    fn settle<'a>(&'a self, recipe: &'a Recipe, whose: Keyed) -> Answer<'a, ()> {
        Box::pin(async move {
            match whose {
                // Rows come in the order of their ids: the task table's key is never put off.
                Keyed::Tasks => Ok(()),
                Keyed::Tracking => self.build_key(recipe).await,
            }
        })
    }

    fn put_off<'a>(&'a self, _recipe: &'a Recipe, fence: &'a Fence, _tasks: bool) -> Answer<'a, ()> {
        Box::pin(self.drop_key(fence))
    }

    fn scan_target<'a>(
        &'a self,
        recipe: &'a Recipe,
        slice: &'a Slice,
        sink: &'a mut (dyn FnMut(TaskRow<'_>) + Send),
    ) -> Answer<'a, u64> {
        Box::pin(self.read_target(recipe, slice, sink))
    }

    fn scan_tracking<'a>(
        &'a self,
        recipe: &'a Recipe,
        sink: &'a mut (dyn FnMut(&str, &str) + Send),
    ) -> Answer<'a, u64> {
        Box::pin(self.read_tracking(recipe, sink))
    }

    fn quarantine<'a>(
        &'a self,
        target: &'a Table,
        label: &'a str,
        after: Option<&'a (String, i64)>,
        limit: u64,
    ) -> Answer<'a, Vec<QuarantineRow>> {
        Box::pin(self.read_quarantine(target, label, after, limit))
    }

    fn counts<'a>(&'a self, recipe: &'a Recipe) -> Answer<'a, TargetCounts> {
        Box::pin(self.count_target(recipe))
    }

    fn guide_rows<'a>(&'a self, recipe: &'a Recipe, source: &'a Place) -> Answer<'a, GuideRows> {
        Box::pin(self.find_guide_rows(recipe, source))
    }

    fn checks<'a>(&'a self, recipe: &'a Recipe) -> Answer<'a, Vec<Check>> {
        Box::pin(self.check_rest(recipe))
    }

    fn remove<'a>(&'a self, recipe: &'a Recipe, fence: &'a Fence, limit: u64) -> Answer<'a, u64> {
        Box::pin(self.remove_rows(recipe, fence, limit))
    }

    fn performance<'a>(&'a self, target: &'a Table, results: &'a [Performance]) -> Answer<'a, Option<u64>> {
        Box::pin(self.write_performance(target, results))
    }

    fn cancel(&self) -> Answer<'_, ()> {
        Box::pin(self.cancel_all())
    }
}
