//! The proof: both sides are read again, the source through `expect`, the target as it stands, and compared by sums of row hashes;
//! where sums differ, the rows of the differing buckets are compared one by one, down to the exact keys. Source rows of a chunk that this
//! process copied are read once: `expect` sees them as they pass (`witness`), and what it found counts while they are the same versions.
//!
//! Between PostgreSQL databases the target first sums up its own rows (`chain`); only where that sum differs are its rows read.

use std::collections::BTreeMap;
use std::sync::Arc;

use tokio::task::JoinSet;

use super::hash::{self, Sums};
use super::key::task_id;
use super::live::{Live, Tile};
use super::mapping::{Mapping, Running};
use super::request::Stores;
use super::retry;
use super::witness::Witnessed;
use crate::engine::error::{Error, Result};
use crate::engine::operation::{Control, ProofLine};
use crate::engine::ports::store::{Answer, ChunkRow, Key, KeyKind, Range, Reason, Recipe, Slice};
use crate::engine::text::{count, plural};

/// Keys that are listed of each sort of difference; the others are counted.
pub const LISTED: usize = 10_000;

/// What the proof needs to know.
#[derive(Clone)]
pub struct Subject {
    /// The databases.
    pub stores: Stores,
    /// The conversion.
    pub recipe: Arc<Recipe>,
    /// The mapping, for the second opinion.
    pub mapping: Arc<Mapping>,
    /// The decision about running rows.
    pub running: Option<Running>,
    /// What was found out about chunks while they were copied; nothing where the proof stands alone.
    pub witnessed: Witnessed,
    /// Whether the source was asked about all of them at once, and holds the very rows that were seen.
    pub whole: bool,
    /// Whether this run made the task table, so that it holds no rows of others.
    pub alone: bool,
}

/// A part of the keys that is compared on its own.
#[derive(Debug, Clone)]
pub struct Segment {
    /// The chunks it covers, by number.
    pub chunk: Option<i64>,
    /// Its keys.
    pub range: Range,
    /// How its target rows are found.
    pub slice: Slice,
}

/// Sums of one side.
#[derive(Debug, Clone, Default)]
pub struct Side {
    /// How many rows.
    pub count: u64,
    /// Their hashes in buckets; empty when the database summed them up.
    pub rows: Sums,
    /// One hash over all of them.
    pub digest: String,
    /// Rows for each status.
    pub statuses: BTreeMap<String, u64>,
    /// Rows for each type.
    pub types: BTreeMap<String, u64>,
}

impl Side {
    pub(super) fn read(&mut self) {
        self.count = self.rows.rows;
        self.digest = self.rows.digest();
    }
}

/// Marks the hash of a segment that its database summed up.
pub(super) const SUMMED: &str = "s";

pub(super) fn summed(rows: u64, sum: u64) -> String {
    format!("{SUMMED}{rows:x}-{sum:016x}")
}

/// The sum in a hash that [`summed`] made.
pub(super) fn sum_in(hash: &str) -> Option<u64> {
    let (_, sum) = hash.strip_prefix(SUMMED)?.split_once('-')?;
    u64::from_str_radix(sum, 16).ok()
}

/// What reading a segment gave.
#[derive(Debug, Clone, Default)]
pub struct Read {
    /// Source rows in all.
    pub source_rows: u64,
    /// What the source says the target must hold.
    pub wanted: Side,
    /// What the target holds.
    pub found: Side,
    /// Expected quarantine: rows, and the sum of their hashes.
    pub aside: (u64, u128),
    /// Expected tracking: rows, and the sum of their hashes.
    pub tracked: (u64, u64),
}

impl Read {
    pub(super) fn equal(&self) -> bool {
        self.wanted.count == self.found.count && self.wanted.digest == self.found.digest
    }

    pub(super) fn set_aside(&mut self, key: &str, reason: Reason) {
        self.aside.0 += 1;
        self.aside.1 = self.aside.1.wrapping_add(hash::pair(key, reason.code()));
    }

    pub(super) fn track(&mut self, hash: u64) {
        self.tracked.0 += 1;
        self.tracked.1 = self.tracked.1.wrapping_add(hash);
    }
}

/// Rows that differ, by key; each list holds [`LISTED`] keys at most.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Differences {
    /// In the source only.
    pub missing: Vec<Key>,
    /// In the target only.
    pub extra: Vec<Key>,
    /// On both sides, with different content.
    pub changed: Vec<Key>,
    /// Not in quarantine as expected, or there without being expected.
    pub aside: Vec<Key>,
    /// Not tracked, or tracked without being expected.
    pub tracking: Vec<Key>,
    /// How many there are in all.
    pub total: u64,
}

impl Differences {
    /// Every key once.
    #[must_use]
    pub fn keys(&self) -> Vec<Key> {
        let mut all: Vec<Key> = [
            &self.missing,
            &self.extra,
            &self.changed,
            &self.aside,
            &self.tracking,
        ]
        .into_iter()
        .flatten()
        .cloned()
        .collect();
        all.sort();
        all.dedup();
        all
    }

    /// Adds what was found elsewhere.
    pub(super) fn join(&mut self, other: Self) {
        for (list, more) in [
            (&mut self.missing, other.missing),
            (&mut self.extra, other.extra),
            (&mut self.changed, other.changed),
            (&mut self.aside, other.aside),
            (&mut self.tracking, other.tracking),
        ] {
            let room = LISTED.saturating_sub(list.len());
            list.extend(more.into_iter().take(room));
            list.sort();
        }
        self.total += other.total;
    }

    pub(super) fn add(list: &mut Vec<Key>, total: &mut u64, key: Key) {
        *total += 1;
        if list.len() < LISTED {
            list.push(key);
        }
    }
}

/// The outcome of a proof.
#[derive(Debug, Clone, Default)]
pub struct Verified {
    /// Source rows.
    pub source_rows: u64,
    /// Target rows of this source.
    pub target_rows: u64,
    /// Quarantined rows.
    pub quarantined: u64,
    /// The proof, line by line.
    pub lines: Vec<ProofLine>,
    /// Rows that differ.
    pub differences: Differences,
    /// Target hashes by chunk; `None` for a segment over everything.
    pub hashes: Vec<(Option<i64>, String)>,
    /// Chunks in which the sides differ.
    pub differing: Vec<Option<i64>>,
}

impl Verified {
    /// Whether every line is equal.
    #[must_use]
    pub fn holds(&self) -> bool {
        self.lines.iter().all(|line| line.equal)
    }
}

/// The segments of a table: one a chunk where ids keep the order of keys, one for everything otherwise. The first and the last are open
/// at their ends, so that rows before and after the boundary are seen.
#[must_use]
pub fn segments(recipe: &Recipe, chunks: &[ChunkRow]) -> Vec<Segment> {
    let id = |key: &Key| task_id(&recipe.namespace, key);
    let mut found: Vec<Segment> = Vec::new();
    if recipe.source.key_kind == KeyKind::Integer {
        for chunk in chunks {
            let Some(range) = chunk.range(KeyKind::Integer) else {
                continue;
            };
            found.push(Segment {
                chunk: Some(chunk.seq),
                slice: Slice::Ids(range.after.as_ref().map(id), range.upto.as_ref().map(id)),
                range,
            });
        }
        if let Some(last) = found.last_mut() {
            last.range.upto = None;
            if let Slice::Ids(_, upto) = &mut last.slice {
                *upto = None;
            }
        }
    }
    if found.is_empty() {
        found.push(Segment {
            chunk: None,
            range: Range::default(),
            slice: if recipe.source.key_kind == KeyKind::Integer {
                Slice::Ids(None, None)
            } else {
                Slice::Tracked
            },
        });
    }
    found
}

/// What the target still builds when the proof begins.
pub struct Settling<T, R> {
    /// What reading the tasks waits for.
    pub tasks: T,
    /// What goes on beside the reading and ends before sequences and constraints are checked.
    pub rest: R,
}

/// Proves a table. `chunks` as the ledger has them; `faults` is the verdict about their ranges.
///
/// # Errors
/// A store failed; differences are no error.
pub async fn verify(
    subject: &Subject,
    chunks: &[ChunkRow],
    faults: &[String],
    settling: Settling<impl Future<Output = Result<()>>, impl Future<Output = Result<()>>>,
    workers: usize,
    control: &Control,
    live: &Live,
) -> Result<Verified> {
    live.phase("proving");
    // One pass over all tracking rows, beside the segments.
    let tracking = tokio::spawn({
        let (subject, control, live) = (subject.clone(), control.clone(), live.clone());
        async move { again(|| Box::pin(subject.tracked()), &control, &live).await }
    });
    let segments = segments(&subject.recipe, chunks);
    let reading = async {
        let at_once = async {
            let whole = subject.unwritten(&segments).await.unwrap_or(false);
            let reads = if whole {
                subject.at_once(&segments).await
            } else {
                Ok(None)
            };
            (whole, reads.unwrap_or_default())
        };
        let (settled, (whole, reads)) = futures_util::join!(settling.tasks, at_once);
        settled?;
        if let Some(reads) = reads {
            for (segment, read) in segments.iter().zip(&reads) {
                proved(segment, read, control, live);
            }
            return Ok(reads.into_iter().map(Some).collect());
        }
        let subject = &Subject {
            whole,
            ..subject.clone()
        };
        read_all(subject, &segments, workers, control, live).await
    };
    let (settled, reads) = futures_util::join!(settling.rest, reading);
    settled?;
    let reads = reads?;
    let tracking = tracking
        .await
        .map_err(|error| Error::bug(format!("a proving worker ended: {error}")))??;
    let steady = Steady {
        subject,
        control,
        live,
    };
    conclude(&steady, chunks, faults, &segments, reads, tracking).await
}

fn proved(segment: &Segment, read: &Read, control: &Control, live: &Live) {
    live.proved(read.source_rows);
    if let Some(seq) = segment.chunk {
        let equal = read.equal();
        live.tile(seq, if equal { Tile::Proved } else { Tile::Failed });
    }
    live.tell(control, Vec::new());
}

async fn read_all(
    subject: &Subject,
    segments: &[Segment],
    workers: usize,
    control: &Control,
    live: &Live,
) -> Result<Vec<Option<Read>>> {
    let mut waiting = segments.iter().cloned().enumerate();
    let mut running: JoinSet<(usize, Result<Read>)> = JoinSet::new();
    let mut reads: Vec<Option<Read>> = vec![None; segments.len()];
    loop {
        while running.len() < workers.max(1) {
            let Some((i, segment)) = waiting.next() else { break };
            control.safe_point_async().await?;
            let subject = subject.clone();
            let (control, live) = (control.clone(), live.clone());
            running.spawn(async move {
                (
                    i,
                    again(|| Box::pin(subject.read(&segment)), &control, &live).await,
                )
            });
        }
        let Some(done) = running.join_next().await else {
            return Ok(reads);
        };
        let (i, read) = done.map_err(|error| Error::bug(format!("a proving worker ended: {error}")))?;
        let read = read?;
        if let Some(segment) = segments.get(i) {
            proved(segment, &read, control, live);
        }
        if let Some(slot) = reads.get_mut(i) {
            *slot = Some(read);
        }
    }
}

/// Reads again what a lost connection did not let be read.
async fn again<'a, T>(read: impl Fn() -> Answer<'a, T>, control: &Control, live: &Live) -> Result<T> {
    retry::until(read, std::time::Duration::ZERO, control, live).await
}

/// Asks both sides, again where a connection was lost.
struct Steady<'a> {
    subject: &'a Subject,
    control: &'a Control,
    live: &'a Live,
}

impl<'a> Steady<'a> {
    async fn ask<T>(&self, read: impl Fn(&'a Subject) -> Answer<'a, T>) -> Result<T> {
        again(|| read(self.subject), self.control, self.live).await
    }
}

async fn conclude(
    steady: &Steady<'_>,
    chunks: &[ChunkRow],
    faults: &[String],
    segments: &[Segment],
    reads: Vec<Option<Read>>,
    mut in_tracking: (u64, u64),
) -> Result<Verified> {
    let mut verified = Verified::default();
    let mut wanted = Side::default();
    let mut found = Side::default();
    let mut aside = (0_u64, 0_u128);
    let mut tracked = (0_u64, 0_u64);
    for (segment, read) in segments.iter().zip(reads) {
        let Some(read) = read else {
            return Err(Error::bug("a segment was not read"));
        };
        verified.source_rows += read.source_rows;
        verified.target_rows += read.found.count;
        wanted.count += read.wanted.count;
        found.count += read.found.count;
        for (all, part) in [
            (&mut wanted.statuses, &read.wanted.statuses),
            (&mut wanted.types, &read.wanted.types),
            (&mut found.statuses, &read.found.statuses),
            (&mut found.types, &read.found.types),
        ] {
            for (name, n) in part {
                *all.entry(name.clone()).or_default() += n;
            }
        }
        aside = (aside.0 + read.aside.0, aside.1.wrapping_add(read.aside.1));
        tracked = (tracked.0 + read.tracked.0, tracked.1.wrapping_add(read.tracked.1));
        if read.equal() {
            verified.hashes.push((segment.chunk, read.found.digest));
        } else {
            verified.differing.push(segment.chunk);
            let differ = steady.ask(|subject| Box::pin(subject.descend(segment, &read)));
            verified.differences.join(differ.await?);
        }
    }
    if in_tracking != tracked {
        // A server that hashes differently proves nothing: the rows decide.
        in_tracking = steady.ask(|subject| Box::pin(subject.read_tracked())).await?;
    }
    if in_tracking != tracked {
        let rows = tracked.0.max(in_tracking.0);
        let differ = steady.ask(|subject| Box::pin(subject.untracked(rows)));
        verified.differences.join(differ.await?);
    }
    let (stored, differ) = steady.ask(|subject| Box::pin(subject.quarantine(aside))).await?;
    let aside_good = differ.is_none();
    verified.differences.join(differ.unwrap_or_default());
    let checks = steady
        .ask(|subject| subject.stores.target.checks(&subject.recipe))
        .await?;
    verified.quarantined = stored;
    verified.lines = lines(
        &verified,
        &wanted,
        &found,
        chunks,
        faults,
        (tracked.0, in_tracking.0, in_tracking == tracked),
        (aside.0, stored, aside_good),
        &checks,
    );
    Ok(verified)
}

#[expect(clippy::too_many_arguments, reason = "every line has its two figures")]
fn lines(
    verified: &Verified,
    wanted: &Side,
    found: &Side,
    chunks: &[ChunkRow],
    faults: &[String],
    tracking: (u64, u64, bool),
    aside: (u64, u64, bool),
    checks: &[crate::engine::ports::store::Check],
) -> Vec<ProofLine> {
    let line = |what: &str, source: String, target: String, equal: bool| ProofLine {
        what: what.to_owned(),
        source,
        target,
        equal,
    };
    let only = |list: &[Key]| plural(list.len() as u64, "row", "rows");
    let ledger: (u64, u64, u64) = chunks.iter().fold((0, 0, 0), |sum, chunk| {
        (
            sum.0 + chunk.rows_in,
            sum.1 + chunk.rows_out,
            sum.2 + chunk.quarantined,
        )
    });
    let differences = &verified.differences;
    let rows_differ = differences.changed.len() + differences.missing.len() + differences.extra.len();
    vec![
        line(
            "rows = migrated + quarantined",
            count(verified.source_rows),
            format!("{}+{}", count(verified.target_rows), count(aside.1)),
            verified.source_rows == verified.target_rows + aside.1,
        ),
        line(
            "chunks tile the key range",
            count(chunks.len() as u64),
            if faults.is_empty() {
                count(chunks.len() as u64)
            } else {
                faults.join(", ")
            },
            faults.is_empty() && ledger.0 == ledger.1 + ledger.2,
        ),
        line(
            "totals for each status",
            count(wanted.statuses.len() as u64),
            count(found.statuses.len() as u64),
            wanted.statuses == found.statuses,
        ),
        line(
            "totals for each type",
            count(wanted.types.len() as u64),
            count(found.types.len() as u64),
            wanted.types == found.types,
        ),
        line(
            "row hashes, read separately",
            count(wanted.count),
            if rows_differ == 0 {
                count(found.count)
            } else {
                format!("{} differ", plural(rows_differ as u64, "row", "rows"))
            },
            verified.differing.is_empty(),
        ),
        line(
            "rows on one side only, both ways",
            only(&verified.differences.missing),
            only(&verified.differences.extra),
            verified.differences.missing.is_empty() && verified.differences.extra.is_empty(),
        ),
        line(
            "a tracking row for every task",
            count(tracking.0),
            count(tracking.1),
            // Equal to the expected set, which was just proved equal to the rows: no orphan on either side.
            tracking.2,
        ),
        line("quarantine, row by row", count(aside.0), count(aside.1), aside.2),
        line(
            "sequences and constraints",
            count(checks.len() as u64),
            match checks.iter().find(|check| !check.good) {
                None => count(checks.len() as u64),
                Some(check) => format!("{}: {}, wanted {}", check.what, check.found, check.wanted),
            },
            checks.iter().all(|check| check.good),
        ),
    ]
}
