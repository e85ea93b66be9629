//! Reading both sides of a segment: by sums, by hashes, and row by row where they differ.

use std::collections::HashMap;

use tokio::task::JoinSet;

use super::chain;
use super::expect::{Expected, Judge};
use super::hash::{self, BUCKETS, RowHash, Sums};
use super::key::in_namespace;
use super::proof::{Differences, Read, SUMMED, Segment, Side, Subject, sum_in, summed};
use super::witness::{Tally, bump};
use crate::engine::ports::store::{Key, KeyKind, Range, RawRow, Slice, StoreError, TaskRow};

/// Rows of a table that is proved in one reading.
const AT_ONCE: u64 = 1_000_000;
/// Rows of differing buckets that are held at once.
const HELD: u64 = 150_000;

impl Subject {
    /// Begins to find out what the target must hold for the rows that are shown to it.
    pub(super) fn tally(&self) -> Tally<'_> {
        Tally::new(self.judge())
    }

    /// Whether all rows of the source, without end, are still those that were seen while they were copied: one pass over the table is
    /// cheaper than one for each segment.
    pub(super) async fn unwritten(&self, segments: &[Segment]) -> Result<bool, StoreError> {
        let Some(chunks) = segments
            .iter()
            .map(|segment| segment.chunk)
            .collect::<Option<Vec<i64>>>()
        else {
            return Ok(false);
        };
        let Some((rows, since)) = self.witnessed.whole(chunks.into_iter()) else {
            return Ok(false);
        };
        let source = &self.stores.source;
        let now = source.unwritten(&self.recipe, &Range::default(), since).await?;
        Ok(now == Some(rows))
    }

    /// Proves a table that holds nothing but these segments in one reading of the target, without waiting for its key: when rows, totals and
    /// the sum over all of them are those of all segments together, each segment is as it was found when it was copied. `None` when anything
    /// differs, or the table is so large that a person should see it go on: then each segment is read.
    pub(super) async fn at_once(&self, segments: &[Segment]) -> Result<Option<Vec<Read>>, StoreError> {
        let seen = |segment: &Segment| Some(self.witnessed.of(segment.chunk?)?.read);
        let Some(mut reads) = segments.iter().map(seen).collect::<Option<Vec<Read>>>() else {
            return Ok(None);
        };
        let rows: u64 = reads.iter().map(|read| read.wanted.count).sum();
        if !self.alone || rows > AT_ONCE {
            return Ok(None);
        }
        let found = self.sum_all().await?;
        let mut wanted = Side::default();
        let mut sum = 0_u64;
        for read in &reads {
            let Some(part) = sum_in(&read.wanted.digest) else {
                return Ok(None);
            };
            sum = sum.wrapping_add(part);
            wanted.count += read.wanted.count;
            for (all, part) in [
                (&mut wanted.statuses, &read.wanted.statuses),
                (&mut wanted.types, &read.wanted.types),
            ] {
                for (name, n) in part {
                    *all.entry(name.clone()).or_default() += n;
                }
            }
        }
        let equal = found.digest == summed(wanted.count, sum)
            && found.count == wanted.count
            && found.statuses == wanted.statuses
            && found.types == wanted.types;
        if !equal {
            return Ok(None);
        }
        for read in &mut reads {
            read.found = read.wanted.clone();
        }
        Ok(Some(reads))
    }

    async fn sum_all(&self) -> Result<Side, StoreError> {
        self.sum_found(&Segment {
            chunk: None,
            range: Range::default(),
            slice: Slice::Ids(None, None),
        })
        .await
    }

    /// Whether rows can be proved by sums at all.
    pub(super) fn can_sum(&self) -> bool {
        self.stores.source.sums(&self.recipe) && self.stores.target.sums(&self.recipe)
    }

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
        matches!(segment.slice, Slice::Ids(..)) && self.can_sum()
    }

    /// Reads one segment on both sides at once. A target that sums up its rows is believed when it agrees; otherwise the rows decide.
    pub(super) async fn read(&self, segment: &Segment) -> Result<Read, StoreError> {
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

    /// What the target must hold: as it was found while the rows were copied, if they are still the same; from the rows otherwise.
    async fn sum_wanted(&self, segment: &Segment) -> Result<Read, StoreError> {
        if let Some(witnessed) = segment.chunk.and_then(|seq| self.witnessed.of(seq)) {
            let source = &self.stores.source;
            if self.whole
                || source
                    .unwritten(&self.recipe, &segment.range, witnessed.since)
                    .await?
                    == Some(witnessed.read.source_rows)
            {
                return Ok(witnessed.read);
            }
        }
        let mut tally = self.tally();
        self.stores
            .source
            .scan_keyed(&self.recipe, &segment.range, &mut |row| tally.row(&row))
            .await?;
        Ok(tally.done())
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

    /// Reads the rows of one segment on both sides, each on a thread of its own: a file is read without ever giving way to the other.
    pub(super) async fn compare(&self, segment: &Segment) -> Result<Read, StoreError> {
        let mut beside = JoinSet::new();
        beside.spawn({
            let (subject, segment) = (self.clone(), segment.clone());
            async move { subject.read_found(&segment).await }
        });
        let wanted = self.read_wanted(segment).await;
        let found = beside.join_next().await.and_then(std::result::Result::ok);
        let mut read = wanted?;
        read.found = found.unwrap_or_else(|| Err(StoreError::Bug("a proving worker ended".to_owned())))?;
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
    pub(super) async fn descend(&self, segment: &Segment, read: &Read) -> Result<Differences, StoreError> {
        let mut into = Differences::default();
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
        Ok(into)
    }

    /// Every tracking row, as (rows, sum of their hashes).
    pub(super) async fn tracked(&self) -> Result<(u64, u64), StoreError> {
        if let Some(found) = self.stores.target.sum_tracking(&self.recipe).await? {
            return Ok(found);
        }
        self.read_tracked().await
    }

    pub(super) async fn read_tracked(&self) -> Result<(u64, u64), StoreError> {
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
    pub(super) async fn untracked(&self, rows: u64) -> Result<Differences, StoreError> {
        let mut into = Differences::default();
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
        Ok(into)
    }

    /// How many rows are quarantined, and which of them are not those that are expected; `None` when all are.
    pub(super) async fn quarantine(
        &self,
        expected: (u64, u128),
    ) -> Result<(u64, Option<Differences>), StoreError> {
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
            return Ok((rows, None));
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
        let mut into = Differences::default();
        for key in keys {
            Differences::add(&mut into.aside, &mut into.total, key);
        }
        Ok((rows, Some(into)))
    }
}

fn tracked(key: &str, id: &str) -> RowHash {
    RowHash {
        bucket: hash::bucket(id),
        hash: hash::pair(key, id),
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
