//! Copying: hands out chunks to workers, learns their size, tries again what may pass, stops at safe points.

use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use futures_util::FutureExt as _;
use tokio::task::JoinSet;

use super::chunks::{AIM, AIM_WAITING, BYTES, BYTES_STREAMED, Sizer, Tiling};
use super::live::{Live, Tile};
use super::proof::Subject;
use super::request::Stores;
use super::retry;
use crate::engine::error::{Error, Result};
use crate::engine::operation::{Control, Notice};
use crate::engine::ports::clock::millis;
use crate::engine::ports::store::{
    ChunkMark, Copied, CopyJob, Dialect, Feed, Fence, Key, KeyedRow, Pick, Place, Range, Recipe, StoreError,
};

/// Rows of the first chunk.
const FIRST: u64 = 5_000;
/// Keys rewritten in one transaction.
const KEYS: usize = 500;
/// How long running chunks may go on after a stop was asked for.
const GRACE: Duration = Duration::from_secs(10);

/// What copying needs.
#[derive(Clone)]
pub(super) struct Copier {
    pub stores: Stores,
    pub recipe: Arc<Recipe>,
    pub fence: Arc<Fence>,
    pub source: Arc<Place>,
    pub local: bool,
    pub workers: usize,
    pub patience: Duration,
    pub row_bytes: u64,
    /// The least key, where keys follow one another so closely that a chunk's end need not be looked up.
    pub close: Option<i64>,
    /// Finds out beside the copying what the target must hold.
    pub subject: Arc<Subject>,
    pub control: Control,
    pub live: Live,
}

/// What copying did.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Totals {
    pub rows_in: u64,
    pub rows_out: u64,
    pub quarantined: u64,
    /// How long rows were copied.
    pub took: Duration,
}

impl Totals {
    fn add(&mut self, copied: Copied) {
        self.rows_in += copied.rows_in;
        self.rows_out += copied.rows_out;
        self.quarantined += copied.quarantined;
    }
}

impl Copier {
    /// Workers wished for now; a file takes one writer.
    pub fn wished(&self) -> usize {
        if self.stores.target.dialect() == Dialect::Sqlite {
            return 1;
        }
        let wish = self.control.workers();
        let wish = if wish == 0 { self.workers } else { wish };
        // Where rows are streamed, a worker waits now for one server and now for the other.
        let own = if self.local { 2 } else { 3 };
        (if wish == 0 { own } else { wish }).clamp(1, 16)
    }

    /// Copies every gap and everything after the last chunk up to `boundary`.
    pub async fn copy_to(&self, tiling: &Tiling, boundary: &Key, totals: &mut Totals) -> Result<()> {
        let mut gaps = tiling.gaps.clone().into_iter();
        let mut at = tiling.end.clone();
        let mut seq = tiling.last_seq;
        let aim = match self.stores.target.dialect() {
            Dialect::Postgres => AIM,
            Dialect::Sqlite => AIM_WAITING,
        };
        let streamed = self.stores.target.dialect() == Dialect::Postgres && !self.local;
        let bytes = if streamed { BYTES_STREAMED } else { BYTES };
        let mut sizer = Sizer::new(FIRST, self.row_bytes, bytes, aim);
        let mut running: JoinSet<Done> = JoinSet::new();
        let mut ready: Option<ChunkMark> = None;
        let mut pace = Pace::default();
        loop {
            if ready.is_none() {
                ready = match gaps.next() {
                    Some(gap) => Some(gap),
                    None => self.next(&mut at, &mut seq, boundary, &sizer).await?,
                };
            }
            let free = running.len() < self.wished();
            match (ready.take(), free) {
                (Some(mark), true) => {
                    if let Err(stopped) = self.at_safe_point(&mut pace).await {
                        return Err(self.stop(running, totals, stopped).await);
                    }
                    self.start(&mut running, mark);
                    continue;
                }
                (mark, _) => ready = mark,
            }
            let Some(done) = running.join_next().await else {
                return Ok(());
            };
            match settle(done) {
                Ok((mark, copied, took)) => {
                    sizer.learn(copied.rows_in, took);
                    pace.copied(copied.rows_in);
                    self.expect(seq, &sizer);
                    self.committed(&mark, copied, running.len());
                    totals.add(copied);
                }
                Err(error) => {
                    // Siblings finish what they hold; nothing new begins.
                    while let Some(other) = running.join_next().await {
                        if let Ok((mark, copied, _)) = settle(other) {
                            self.committed(&mark, copied, running.len());
                            totals.add(copied);
                        }
                    }
                    return Err(error);
                }
            }
        }
    }

    async fn next(
        &self,
        at: &mut Option<Key>,
        seq: &mut i64,
        boundary: &Key,
        sizer: &Sizer,
    ) -> Result<Option<ChunkMark>> {
        if at.as_ref().is_some_and(|at| at >= boundary) {
            return Ok(None);
        }
        let mut rows = sizer.next();
        let pace = self.control.pace();
        if pace > 0 {
            rows = rows.min(pace).max(1);
        }
        let found = match self.near(at.as_ref(), boundary, rows) {
            Some(near) => Some(near),
            None => self.bound(at.as_ref(), boundary, rows).await?,
        };
        let Some(upto) = found else {
            *at = Some(boundary.clone());
            return Ok(None);
        };
        *seq += 1;
        let mark = ChunkMark {
            seq: *seq,
            range: Range {
                after: at.replace(upto.clone()),
                upto: Some(upto),
            },
        };
        Ok(Some(mark))
    }

    /// The end of a chunk of at most `rows` rows, if keys are so close that it has most of them.
    fn near(&self, at: Option<&Key>, boundary: &Key, rows: u64) -> Option<Key> {
        let after = match (at, self.close?) {
            (None, least) => least.checked_sub(1)?,
            (Some(Key::Integer(at)), _) => *at,
            (Some(Key::Text(_)), _) => return None,
        };
        let Key::Integer(last) = *boundary else {
            return None;
        };
        let left = u64::try_from(last.saturating_sub(after)).ok()?;
        let upto = after.saturating_add(i64::try_from(self.fair(rows, left)).ok()?);
        Some(Key::Integer(upto.min(last)))
    }

    /// Towards the end chunks get smaller, so that the workers end together.
    fn fair(&self, rows: u64, left: u64) -> u64 {
        let workers = u64::try_from(self.wished()).unwrap_or(1);
        rows.min(left.div_ceil(workers).max(FIRST))
    }

    async fn bound(&self, at: Option<&Key>, boundary: &Key, rows: u64) -> Result<Option<Key>> {
        let (mut waited, mut n) = (Duration::ZERO, 0);
        loop {
            n += 1;
            let source = &self.recipe.source;
            match self.stores.source.bound(source, at, boundary, rows).await {
                Ok(found) => return Ok(found),
                Err(error) => {
                    retry::again(error, n, &mut waited, self.patience, &self.control, &self.live).await?;
                }
            }
        }
    }

    async fn at_safe_point(&self, pace: &mut Pace) -> Result<()> {
        if self.control.paused() {
            self.live.waits(Some("paused".to_owned()));
        }
        let passed = self.control.safe_point_async().await;
        self.live.waits(None);
        passed?;
        while let Some(wait) = pace.wait(self.control.pace()) {
            self.live.waits(Some(format!(
                "throttled to {} rows a second",
                self.control.pace()
            )));
            tokio::select! {
                () = tokio::time::sleep(wait) => {}
                () = self.control.stopped() => {}
            }
            self.live.waits(None);
            self.control.safe_point_async().await?;
        }
        Ok(())
    }

    /// How many chunks there will be, by the rows that are left and the present size of a chunk.
    fn expect(&self, seq: i64, sizer: &Sizer) {
        let view = self.live.view();
        let left = view.total.saturating_sub(view.copied + view.quarantined);
        let more = left / sizer.next().max(1);
        self.live.expect_chunks(
            usize::try_from(more.saturating_add(seq.unsigned_abs()))
                .unwrap_or(usize::MAX)
                .min(100_000),
        );
    }

    fn start(&self, running: &mut JoinSet<Done>, mark: ChunkMark) {
        self.live.tile(mark.seq, Tile::Running);
        let copier = self.clone();
        running.spawn(async move {
            let began = Instant::now();
            let pick = Pick::Range(mark.range.clone());
            // A panic ends this chunk, whose transaction is rolled back, and with it the run.
            let working = AssertUnwindSafe(copier.transact(&pick, Some(&mark))).catch_unwind();
            let done = match working.await {
                Ok(done) => done,
                Err(_) => Err(Error::bug(format!(
                    "the worker of chunk {} ended in a panic",
                    mark.seq
                ))),
            };
            done.map(|done| (mark, done, began.elapsed()))
        });
        self.live.workers(running.len(), self.wished());
    }

    fn committed(&self, mark: &ChunkMark, copied: Copied, busy: usize) {
        self.live.tile(mark.seq, Tile::Copied);
        self.live.copied(copied.rows_out, copied.quarantined);
        self.live.workers(busy, self.wished());
        self.live.tell(&self.control, vec![format!("chunk {}", mark.seq)]);
    }

    /// Lets running chunks finish, or cancels them on the server when that takes too long.
    async fn stop(&self, mut running: JoinSet<Done>, totals: &mut Totals, why: Error) -> Error {
        let mut cancelled = false;
        let deadline = tokio::time::sleep(GRACE);
        tokio::pin!(deadline);
        loop {
            tokio::select! {
                done = running.join_next() => match done {
                    None => return why,
                    Some(done) => if let Ok((mark, copied, _)) = settle(done) {
                        self.committed(&mark, copied, running.len());
                        totals.add(copied);
                    },
                },
                () = &mut deadline, if !cancelled => {
                    cancelled = true;
                    let _ = self.stores.target.cancel().await;
                    let _ = self.stores.source.cancel().await;
                }
            }
        }
    }

    /// One transaction, tried again while that can help. A commit whose outcome is unknown is looked up, never repeated blindly.
    async fn transact(&self, pick: &Pick, mark: Option<&ChunkMark>) -> Result<Copied> {
        let mut waited = Duration::ZERO;
        let mut n = 0;
        loop {
            n += 1;
            let began = Instant::now();
            let tally = mark
                .filter(|_| !self.local && self.subject.can_sum())
                .map(|mark| {
                    self.subject.witnessed.forget(mark.seq);
                    Mutex::new(self.subject.tally())
                });
            let see = |row: KeyedRow<'_>| {
                if let Some(tally) = &tally {
                    tally.lock().unwrap_or_else(PoisonError::into_inner).row(&row);
                }
            };
            let feed = if self.local {
                Feed::Local(&self.source)
            } else {
                Feed::From(self.stores.source.as_ref())
            };
            let done = self
                .stores
                .target
                .copy(CopyJob {
                    recipe: &self.recipe,
                    pick,
                    fence: &self.fence,
                    chunk: mark,
                    feed,
                    witness: tally.is_some().then_some(&see),
                })
                .await;
            let error = match done {
                Ok(copied) => {
                    if let (Some(mark), Some(since), Some(tally)) = (mark, copied.witnessed, tally) {
                        let read = tally.into_inner().unwrap_or_else(PoisonError::into_inner).done();
                        self.subject.witnessed.keep(mark.seq, read, since);
                    }
                    self.control.notice(Notice::Statement {
                        text: self.words(pick, mark),
                        rows: copied.rows_out,
                        ms: millis(began),
                    });
                    return Ok(copied);
                }
                Err(error) => error,
            };
            if self.control.stopping() && matches!(error, StoreError::Cancelled(_) | StoreError::Transient(_))
            {
                return Err(Error::interrupted("stopped; the chunk at hand was rolled back"));
            }
            let error = match error {
                StoreError::Conflict(text) => {
                    // The rows may be this chunk's own, from a commit whose answer was lost and which could not be looked up then.
                    if n > 1
                        && let Some(mark) = mark
                        && let Ok(Some(copied)) = self.stores.target.committed(&self.fence, mark).await
                    {
                        return Ok(copied);
                    }
                    return Err(Error::blocked(text)
                        .hint("A row with this id or legacy id is there without a ledger; undo or restart this source."));
                }
                other => other,
            };
            let place = mark.map_or_else(|| "keys".to_owned(), |mark| format!("chunk {}", mark.seq));
            let named = match error {
                StoreError::Transient(text) => StoreError::Transient(format!("{place}: {text}")),
                StoreError::Full(text) => StoreError::Full(format!("{place}: {text}")),
                other => other,
            };
            retry::again(named, n, &mut waited, self.patience, &self.control, &self.live).await?;
            if let Some(mark) = mark
                && let Ok(Some(copied)) = self.stores.target.committed(&self.fence, mark).await
            {
                return Ok(copied);
            }
        }
    }

    fn words(&self, pick: &Pick, mark: Option<&ChunkMark>) -> String {
        let how = if self.local {
            "INSERT INTO … SELECT"
        } else {
            "COPY"
        };
        let which = match (pick, mark) {
            (_, Some(mark)) => format!("chunk {}", mark.seq),
            (Pick::Keys(keys), None) => format!("{} keys", keys.len()),
            (Pick::Range(_), None) => "a range".to_owned(),
        };
        format!("{how} {} {which}", self.recipe.target.table)
    }

    /// Writes single keys again: whatever the target has of them goes, whatever the source has comes.
    pub async fn rewrite(&self, keys: &[Key], totals: &mut Totals) -> Result<()> {
        for part in keys.chunks(KEYS) {
            self.control.safe_point_async().await?;
            let copied = self.transact(&Pick::Keys(part.to_vec()), None).await?;
            totals.add(copied);
        }
        Ok(())
    }
}

type Done = Result<(ChunkMark, Copied, Duration)>;

fn settle(done: Result<Done, tokio::task::JoinError>) -> Done {
    match done {
        Ok(done) => done,
        Err(error) => Err(Error::bug(format!("a copying worker ended: {error}"))),
    }
}

/// Keeps the rate under a limit of rows a second, counted from the first chunk under that limit.
#[derive(Debug, Default)]
struct Pace {
    limit: u64,
    since: Option<Instant>,
    rows: u64,
}

impl Pace {
    fn copied(&mut self, rows: u64) {
        self.rows += rows;
    }

    fn wait(&mut self, limit: u64) -> Option<Duration> {
        if limit == 0 {
            self.since = None;
            return None;
        }
        let since = match self.since {
            Some(since) if self.limit == limit => since,
            _ => {
                self.limit = limit;
                self.rows = 0;
                *self.since.insert(Instant::now())
            }
        };
        let due = Duration::from_millis(self.rows.saturating_mul(1_000) / limit);
        due.checked_sub(since.elapsed())
            .filter(|wait| !wait.is_zero())
            .map(|wait| wait.min(Duration::from_millis(200)))
    }
}
