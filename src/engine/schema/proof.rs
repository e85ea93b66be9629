//! The proof: both sides are read again, the source through `expect`, the target as it stands, and compared by sums of row hashes;
//! where sums differ, the rows of the differing buckets are compared one by one, down to the exact keys.
//!
//! Between PostgreSQL databases the target first sums up its own rows (`chain`); only where that sum differs are its rows read.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use tokio::task::JoinSet;

use super::chain;
use super::expect::{Expected, Judge, Summed};
use super::hash::{self, BUCKETS, RowHash, Sums};
use super::key::{in_namespace, task_id};
use super::live::{Live, Tile};
use super::mapping::{Mapping, Running};
use super::request::Stores;
use crate::engine::error::{Error, Result};
use crate::engine::operation::{Control, ProofLine};
use crate::engine::ports::store::{
    ChunkRow, Key, KeyKind, KeyedRow, Range, RawRow, Reason, Recipe, Slice, StoreError, TaskRow,
};
use crate::engine::text::{count, plural};

/// Rows of differing buckets that are held at once.
const HELD: u64 = 150_000;
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
    fn read(&mut self) {
        self.count = self.rows.rows;
        self.digest = self.rows.digest();
    }
}

/// Marks the hash of a segment that its database summed up.
const SUMMED: &str = "s";

fn summed(rows: u64, sum: u64) -> String {
    format!("{SUMMED}{rows:x}-{sum:016x}")
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
    fn equal(&self) -> bool {
        self.wanted.count == self.found.count && self.wanted.digest == self.found.digest
    }

    fn set_aside(&mut self, key: &str, reason: Reason) {
        self.aside.0 += 1;
        self.aside.1 = self.aside.1.wrapping_add(hash::pair(key, reason.code()));
    }

    fn track(&mut self, hash: u64) {
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

    fn add(list: &mut Vec<Key>, total: &mut u64, key: Key) {
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

impl Subject {
    fn judge(&self) -> Judge<'_> {
        Judge::new(
            &self.mapping,
            self.running,
            &self.recipe,
            self.stores.source.dialect(),
            self.stores.target.dialect(),
        )
    }

    /// Whether a segment can be proved by sums.
    fn sums(&self, segment: &Segment) -> bool {
        matches!(segment.slice, Slice::Ids(..))
            && self.stores.source.sums(&self.recipe)
            && self.stores.target.sums(&self.recipe)
    }

    /// Reads one segment on both sides at once. A target that sums up its rows is believed when it agrees; otherwise the rows decide.
    async fn read(&self, segment: &Segment) -> Result<Read, StoreError> {
        if self.sums(segment) {
            let (wanted, found) = futures_util::join!(self.sum_wanted(segment), self.sum_found(segment));
            let mut read = wanted?;
            read.found = found?;
            if read.equal() {
                return Ok(read);
            }
        }
        self.compare(segment).await
    }

    async fn sum_wanted(&self, segment: &Segment) -> Result<Read, StoreError> {
        let mut judge = self.judge();
        let mut read = Read::default();
        let mut sum = 0_u64;
        let mut sink = |row: KeyedRow<'_>| match judge.sum(&row) {
            Summed::Task {
                row,
                tracked,
                status,
                task_type,
            } => {
                read.track(tracked);
                read.wanted.count += 1;
                sum = sum.wrapping_add(row);
                bump(&mut read.wanted.statuses, &status);
                bump(&mut read.wanted.types, &task_type);
            }
            Summed::Aside(reason) => read.set_aside(&row.key.to_string(), reason),
        };
        read.source_rows = self
            .stores
            .source
            .scan_keyed(&self.recipe, &segment.range, &mut sink)
            .await?;
        read.wanted.digest = summed(read.wanted.count, sum);
        Ok(read)
    }

    async fn sum_found(&self, segment: &Segment) -> Result<Side, StoreError> {
        let groups = self
            .stores
            .target
            .sum_target(&self.recipe, &segment.slice)
            .await?;
        let mut side = Side::default();
        let mut sum = 0_u64;
        for group in groups {
            side.count += group.rows;
            sum = sum.wrapping_add(group.sum);
            for (counts, name) in [
                (&mut side.statuses, &group.status),
                (&mut side.types, &group.task_type),
            ] {
                let name = name.clone().unwrap_or_else(|| "(null)".to_owned());
                *counts.entry(name).or_default() += group.rows;
            }
        }
        side.digest = summed(side.count, sum);
        Ok(side)
    }

    async fn read_wanted(&self, segment: &Segment) -> Result<Read, StoreError> {
        let mut judge = self.judge();
        let mut read = Read::default();
        let mut broken = None;
        let mut sink = |row: RawRow<'_>| match judge.expect(&row) {
            Expected::Task {
                id,
                hash,
                status,
                task_type,
            } => {
                read.track(chain::tracked(row.key, id));
                read.wanted.rows.add(hash);
                bump(&mut read.wanted.statuses, &status);
                bump(&mut read.wanted.types, &task_type);
            }
            Expected::Aside(reason) => read.set_aside(row.key, reason),
            Expected::NoKey => broken = Some(row.key.to_owned()),
        };
        let rows = self
            .stores
            .source
            .scan_source(&self.recipe, &segment.range, &mut sink)
            .await?;
        if broken.is_some() {
            return Err(StoreError::Bug("a key of the source cannot be read".to_owned()));
        }
        read.source_rows = rows;
        read.wanted.read();
        Ok(read)
    }

    async fn read_found(&self, segment: &Segment) -> Result<Side, StoreError> {
        let judge = self.judge();
        let mut side = Side::default();
        let by_id = matches!(segment.slice, Slice::Ids(..));
        let mut sink = |row: TaskRow<'_>| {
            // Other rows of the table are none of this run's business.
            if by_id && !in_namespace(&self.recipe.namespace, row.id) {
                return;
            }
            side.rows.add(judge.found(&row));
            bump(&mut side.statuses, row.status.unwrap_or("(null)"));
            bump(&mut side.types, row.task_type.unwrap_or("(null)"));
        };
        self.stores
            .target
            .scan_target(&self.recipe, &segment.slice, &mut sink)
            .await?;
        side.read();
        Ok(side)
    }

    /// Reads the rows of one segment on both sides.
    pub(super) async fn compare(&self, segment: &Segment) -> Result<Read, StoreError> {
        let (wanted, found) = futures_util::join!(self.read_wanted(segment), self.read_found(segment));
        let mut read = wanted?;
        read.found = found?;
        Ok(read)
    }

    /// Whether the target's side of a segment still has the hash it was proved with.
    pub(super) async fn untouched(&self, segment: &Segment, known: &str) -> Result<bool, StoreError> {
        let side = if known.starts_with(SUMMED) && self.sums(segment) {
            self.sum_found(segment).await?
        } else {
            self.read_found(segment).await?
        };
        Ok(side.digest == known)
    }

    /// Compares the rows of differing buckets one by one; as many buckets at a time as fit into memory.
    pub(super) async fn descend(
        &self,
        segment: &Segment,
        read: &Read,
        into: &mut Differences,
    ) -> Result<(), StoreError> {
        let buckets = read.wanted.rows.differing(&read.found.rows);
        let rows = read.wanted.rows.rows.max(read.found.rows.rows);
        for group in groups(&buckets, rows) {
            let mut wanted: HashMap<String, (u128, Key)> = HashMap::new();
            let mut judge = self.judge();
            let kind = self.recipe.source.key_kind;
            let mut sink = |row: RawRow<'_>| {
                if let Expected::Task { id, hash, .. } = judge.expect(&row)
                    && group.contains(&hash.bucket)
                    && let Some(key) = Key::parse(kind, row.key)
                {
                    wanted.insert(id.to_owned(), (hash.hash, key));
                }
            };
            self.stores
                .source
                .scan_source(&self.recipe, &segment.range, &mut sink)
                .await?;
            let judge = self.judge();
            let by_id = matches!(segment.slice, Slice::Ids(..));
            let mut sink = |row: TaskRow<'_>| {
                if by_id && !in_namespace(&self.recipe.namespace, row.id) {
                    return;
                }
                let hash = judge.found(&row);
                if !group.contains(&hash.bucket) {
                    return;
                }
                match wanted.remove(row.id) {
                    Some((expected, _)) if expected == hash.hash => {}
                    Some((_, key)) => Differences::add(&mut into.changed, &mut into.total, key),
                    None => {
                        if let Some(key) = key_of(kind, &row) {
                            Differences::add(&mut into.extra, &mut into.total, key);
                        }
                    }
                }
            };
            self.stores
                .target
                .scan_target(&self.recipe, &segment.slice, &mut sink)
                .await?;
            for (_, (_, key)) in wanted {
                Differences::add(&mut into.missing, &mut into.total, key);
            }
        }
        into.missing.sort();
        into.extra.sort();
        into.changed.sort();
        Ok(())
    }

    /// Every tracking row, as (rows, sum of their hashes).
    async fn tracked(&self) -> Result<(u64, u64), StoreError> {
        if let Some(found) = self.stores.target.sum_tracking(&self.recipe).await? {
            return Ok(found);
        }
        let mut found = (0_u64, 0_u64);
        self.stores
            .target
            .scan_tracking(&self.recipe, &mut |key, id| {
                found.0 += 1;
                found.1 = found.1.wrapping_add(chain::tracked(key, id));
            })
            .await?;
        Ok(found)
    }

    /// Names the tracking rows that are not as expected.
    async fn untracked(&self, rows: u64, into: &mut Differences) -> Result<(), StoreError> {
        let (mut expected, mut sums) = (Sums::default(), Sums::default());
        let mut judge = self.judge();
        let mut sink = |row: RawRow<'_>| {
            if let Expected::Task { id, .. } = judge.expect(&row) {
                expected.add(tracked(row.key, id));
            }
        };
        self.stores
            .source
            .scan_source(&self.recipe, &Range::default(), &mut sink)
            .await?;
        self.stores
            .target
            .scan_tracking(&self.recipe, &mut |key, id| sums.add(tracked(key, id)))
            .await?;
        let buckets = expected.differing(&sums);
        let kind = self.recipe.source.key_kind;
        for group in groups(&buckets, expected.rows.max(rows)) {
            let mut wanted: HashMap<String, Key> = HashMap::new();
            let mut judge = self.judge();
            let mut sink = |row: RawRow<'_>| {
                if let Expected::Task { id, hash, .. } = judge.expect(&row)
                    && group.contains(&hash.bucket)
                    && let Some(key) = Key::parse(kind, row.key)
                {
                    wanted.insert(id.to_owned(), key);
                }
            };
            self.stores
                .source
                .scan_source(&self.recipe, &Range::default(), &mut sink)
                .await?;
            let mut sink = |key: &str, id: &str| {
                if !group.contains(&hash::bucket(id)) {
                    return;
                }
                let good = wanted.get(id).is_some_and(|known| known.to_string() == key);
                if good {
                    wanted.remove(id);
                } else if let Some(key) = Key::parse(kind, key) {
                    Differences::add(&mut into.tracking, &mut into.total, key);
                }
            };
            self.stores.target.scan_tracking(&self.recipe, &mut sink).await?;
            for (_, key) in wanted {
                Differences::add(&mut into.tracking, &mut into.total, key);
            }
        }
        Ok(())
    }

    async fn quarantine(
        &self,
        expected: (u64, u128),
        into: &mut Differences,
    ) -> Result<(u64, bool), StoreError> {
        let mut after: Option<(String, i64)> = None;
        let (mut rows, mut sum) = (0_u64, 0_u128);
        let page = 5_000;
        let target = &self.recipe.target.table;
        loop {
            let found = self
                .stores
                .target
                .quarantine(target, &self.recipe.label, after.as_ref(), page)
                .await?;
            for row in &found {
                rows += 1;
                sum = sum.wrapping_add(hash::pair(&row.key, &row.reason));
            }
            match found.last() {
                Some(last) => after = Some((last.key.clone(), last.ordinal)),
                None => break,
            }
        }
        if (rows, sum) == expected {
            return Ok((rows, true));
        }
        // Quarantines are small next to the table; both are held to name the keys.
        let mut balance: HashMap<(String, String), i64> = HashMap::new();
        let mut judge = self.judge();
        let mut sink = |row: RawRow<'_>| {
            if let Expected::Aside(reason) = judge.expect(&row) {
                *balance
                    .entry((row.key.to_owned(), reason.code().to_owned()))
                    .or_default() += 1;
            }
        };
        self.stores
            .source
            .scan_source(&self.recipe, &Range::default(), &mut sink)
            .await?;
        after = None;
        loop {
            let found = self
                .stores
                .target
                .quarantine(target, &self.recipe.label, after.as_ref(), page)
                .await?;
            for row in &found {
                *balance.entry((row.key.clone(), row.reason.clone())).or_default() -= 1;
            }
            match found.last() {
                Some(last) => after = Some((last.key.clone(), last.ordinal)),
                None => break,
            }
        }
        let mut keys: Vec<Key> = balance
            .into_iter()
            .filter(|(_, n)| *n != 0)
            .filter_map(|((key, _), _)| Key::parse(self.recipe.source.key_kind, &key))
            .collect();
        keys.sort();
        keys.dedup();
        for key in keys {
            Differences::add(&mut into.aside, &mut into.total, key);
        }
        Ok((rows, false))
    }
}

fn tracked(key: &str, id: &str) -> RowHash {
    RowHash {
        bucket: hash::bucket(id),
        hash: hash::pair(key, id),
    }
}

fn bump(counts: &mut BTreeMap<String, u64>, key: &str) {
    if let Some(n) = counts.get_mut(key) {
        *n += 1;
    } else {
        counts.insert(key.to_owned(), 1);
    }
}

/// The key of a target row: from tracking, or from the id itself.
fn key_of(kind: KeyKind, row: &TaskRow<'_>) -> Option<Key> {
    if !row.key.is_empty() {
        return Key::parse(kind, row.key);
    }
    let digits: String = row.id.chars().filter(|c| *c != '-').collect();
    let hex = format!(
        "{}{}{}",
        digits.get(..12)?,
        digits.get(13..16)?,
        digits.get(17..18)?
    );
    let bits = u64::from_str_radix(&hex, 16).ok()? ^ (1 << 63);
    Some(Key::Integer(i64::from_ne_bytes(bits.to_ne_bytes())))
}

/// Buckets in groups whose rows fit into memory.
fn groups(buckets: &[u8], rows: u64) -> Vec<Vec<u8>> {
    let each = rows / BUCKETS as u64 + 1;
    let size = usize::try_from((HELD / each).max(1)).unwrap_or(1);
    buckets.chunks(size).map(<[u8]>::to_vec).collect()
}

/// Proves a table. `chunks` as the ledger has them; `tiled` is the verdict about their ranges.
///
/// # Errors
/// A store failed; differences are no error.
pub async fn verify(
    subject: &Subject,
    chunks: &[ChunkRow],
    faults: &[String],
    workers: usize,
    control: &Control,
    live: &Live,
) -> Result<Verified> {
    live.phase("proving");
    // One pass over all tracking rows, beside the segments.
    let tracking = tokio::spawn({
        let subject = subject.clone();
        async move { subject.tracked().await }
    });
    let segments = segments(&subject.recipe, chunks);
    let mut waiting = segments.iter().cloned().enumerate();
    let mut running: JoinSet<(usize, Result<Read>)> = JoinSet::new();
    let mut reads: Vec<Option<Read>> = vec![None; segments.len()];
    loop {
        while running.len() < workers.max(1) {
            let Some((i, segment)) = waiting.next() else { break };
            control.safe_point_async().await?;
            let subject = subject.clone();
            let (control, live) = (control.clone(), live.clone());
            running.spawn(async move { (i, read_again(&subject, &segment, &control, &live).await) });
        }
        let Some(done) = running.join_next().await else {
            break;
        };
        let (i, read) = done.map_err(|error| Error::bug(format!("a proving worker ended: {error}")))?;
        let read = read?;
        live.proved(read.source_rows);
        if let (Some(Some(seq)), equal) = (segments.get(i).map(|segment| segment.chunk), read.equal()) {
            live.tile(seq, if equal { Tile::Proved } else { Tile::Failed });
        }
        live.tell(control, Vec::new());
        if let Some(slot) = reads.get_mut(i) {
            *slot = Some(read);
        }
    }
    let tracking = tracking
        .await
        .map_err(|error| Error::bug(format!("a proving worker ended: {error}")))?;
    conclude(subject, chunks, faults, &segments, reads, tracking).await
}

async fn read_again(subject: &Subject, segment: &Segment, control: &Control, live: &Live) -> Result<Read> {
    let mut waited = std::time::Duration::ZERO;
    let mut n = 0;
    loop {
        n += 1;
        match subject.read(segment).await {
            Ok(read) => return Ok(read),
            Err(error) => {
                super::retry::again(error, n, &mut waited, std::time::Duration::ZERO, control, live).await?;
            }
        }
    }
}

async fn conclude(
    subject: &Subject,
    chunks: &[ChunkRow],
    faults: &[String],
    segments: &[Segment],
    reads: Vec<Option<Read>>,
    tracking: Result<(u64, u64), StoreError>,
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
            subject.descend(segment, &read, &mut verified.differences).await?;
        }
    }
    let in_tracking = tracking?;
    if in_tracking != tracked {
        subject
            .untracked(tracked.0.max(in_tracking.0), &mut verified.differences)
            .await?;
    }
    let (stored, aside_good) = subject.quarantine(aside, &mut verified.differences).await?;
    let checks = subject.stores.target.checks(&subject.recipe).await?;
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
