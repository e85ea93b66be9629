//! PostgreSQL 13 or later as a [`Store`].
//!
//! Connections speak UTC and ISO dates and bear the name of their run, so that a takeover can end exactly them. Work connections come
//! from a pool; the lease has a connection of its own, which holds an advisory lock: it is the session whose end frees the lease at once.
//!
//! Chunks commit without waiting for the disk (`synchronous_commit` off): their rows, tracking and ledger row are in one transaction, so
//! a server that crashes loses whole chunks from the end, at most some tenths of a second of them, and the ledger shows the gap. The
//! commit that says "proved" waits for the disk, and with it for everything before it.

mod admin;
mod binary;
mod census;
mod copy;
pub(crate) mod fault;
mod keys;
mod lease;
mod ledger;
mod look;
mod moment;
mod performance;
mod proof;
mod streaming;
mod sums;
mod tracking;

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use secrecy::{ExposeSecret as _, SecretString};
use sqlx::postgres::{PgConnectOptions, PgConnection, PgPool, PgPoolOptions};
use sqlx::{AssertSqlSafe, ConnectOptions as _, Connection as _};
use tokio::sync::Mutex;
use tokio::sync::mpsc;

use crate::engine::error::{Error, ErrorKind, Result};
use crate::engine::ports::store::{
    Answer, Check, ChunkMark, ChunkRow, Copied, CopyJob, Dialect, Fence, GroupSum, GuideRows, Key, Keyed,
    KeyedRow, LeaseAsk, Moment, Part, Performance, Pick, Piece, Place, QuarantineRow, Range, RawCensus,
    RawRow, Reason, Recipe, Relation, RunRow, Setup, Slice, SourceTable, Store, StoreError, Table, Taken,
    TargetCounts, TaskRow, Witness,
};

use fault::fault;

type Own<T> = std::result::Result<T, StoreError>;

/// A PostgreSQL database.
pub struct PgStore {
    options: PgConnectOptions,
    pool: OnceLock<PgPool>,
    words: String,
    session: String,
    lease: Arc<Mutex<Option<PgConnection>>>,
}

impl PgStore {
    /// Reads the URL; connects when first used.
    ///
    /// # Errors
    /// [`ErrorKind::Usage`] when the URL cannot be read; the text does not hold it.
    pub fn new(url: &SecretString) -> Result<Self> {
        let options: PgConnectOptions = url.expose_secret().parse().map_err(|_| {
            Error::new(ErrorKind::Usage, "the PostgreSQL URL cannot be read")
                .hint("It looks like postgres://user@host:5432/database.")
        })?;
        let session = format!(
            "maos-migrate {}",
            &uuid::Uuid::new_v4().simple().to_string()[..12]
        );
        let options = options
            .application_name(&session)
            .options([
                ("timezone", "UTC"),
                ("datestyle", "ISO"),
                ("intervalstyle", "postgres"),
                ("lock_timeout", "10s"),
                ("idle_in_transaction_session_timeout", "0"),
                // Chunks are short: compiling their expressions costs more than it saves.
                ("jit", "off"),
            ])
            .disable_statement_logging();
        let place = options.get_socket().map_or_else(
            || format!("{}:{}", options.get_host(), options.get_port()),
            |path| path.display().to_string(),
        );
        let words = format!(
            "{place}/{}",
            options.get_database().unwrap_or(options.get_username())
        );
        Ok(Self {
            options,
            pool: OnceLock::new(),
            words,
            session,
            lease: Arc::new(Mutex::new(None)),
        })
    }

    async fn connection(&self) -> Own<sqlx::pool::PoolConnection<sqlx::Postgres>> {
        // Made at first use: a pool belongs to the runtime it is used in.
        self.pool
            .get_or_init(|| {
                PgPoolOptions::new()
                    .max_connections(24)
                    .acquire_timeout(Duration::from_secs(20))
                    .test_before_acquire(false)
                    .connect_lazy_with(self.options.clone())
            })
            .acquire()
            .await
            .map_err(|error| fault(&self.words, &error))
    }

    async fn separate(&self) -> Own<PgConnection> {
        PgConnection::connect_with(&self.options)
            .await
            .map_err(|error| fault(&self.words, &error))
    }

    fn fault(&self, error: &sqlx::Error) -> StoreError {
        fault(&self.words, error)
    }
}

/// SQL of our own making; every name and literal in it went through `phrase`.
fn sql(text: impl Into<String>) -> AssertSqlSafe<String> {
    AssertSqlSafe(text.into())
}

impl Store for PgStore {
    fn dialect(&self) -> Dialect {
        Dialect::Postgres
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
        witness: Option<&'a Witness<'a>>,
    ) -> Answer<'a, ()> {
        Box::pin(self.export_part(recipe, pick, part, out, witness))
    }

    fn unwritten<'a>(
        &'a self,
        recipe: &'a Recipe,
        range: &'a Range,
        since: Moment,
    ) -> Answer<'a, Option<u64>> {
        Box::pin(self.count_unwritten(recipe, range, since))
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

    fn reaches(&self, own: &Place, other: &Place, _recipe: &Recipe) -> bool {
        // The same cluster and the same database: one statement sees both tables.
        other.dialect == Dialect::Postgres && other.identity == own.identity
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

    fn sums(&self, recipe: &Recipe) -> bool {
        binary::fits(recipe)
    }

    fn scan_keyed<'a>(
        &'a self,
        recipe: &'a Recipe,
        range: &'a Range,
        sink: &'a mut (dyn FnMut(KeyedRow<'_>) + Send),
    ) -> Answer<'a, u64> {
        Box::pin(self.read_keyed(recipe, range, sink))
    }

    fn sum_target<'a>(&'a self, recipe: &'a Recipe, slice: &'a Slice) -> Answer<'a, Vec<GroupSum>> {
        Box::pin(self.sum_rows(recipe, slice))
    }

    fn sum_tracking<'a>(&'a self, recipe: &'a Recipe) -> Answer<'a, Option<(u64, u64)>> {
        Box::pin(async { self.sum_tracked(recipe).await.map(Some) })
    }

    fn settle<'a>(&'a self, recipe: &'a Recipe, whose: Keyed) -> Answer<'a, ()> {
        Box::pin(async move {
            match whose {
                Keyed::Tasks => self.build_task_key(&recipe.target.table).await,
                Keyed::Tracking => self.build_keys(&recipe.target.table).await,
            }
        })
    }

    fn put_off<'a>(&'a self, recipe: &'a Recipe, fence: &'a Fence, tasks: bool) -> Answer<'a, ()> {
        Box::pin(self.put_off_keys(recipe, fence, tasks))
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

    fn blocker(&self) -> Answer<'_, Option<String>> {
        Box::pin(self.find_blocker())
    }

    fn cancel(&self) -> Answer<'_, ()> {
        Box::pin(self.cancel_all())
    }
}
