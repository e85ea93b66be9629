//! Chunks: how large the next one is, which ones are missing, whether they tile the key range.

use std::time::Duration;

use crate::engine::ports::store::{ChunkMark, ChunkRow, Key, KeyKind, Range};

/// How long one chunk should take.
pub const AIM: Duration = Duration::from_millis(500);
/// The same for a target that waits for the disk at every commit, several times even: were its chunks as short, a slow disk would make them
/// shorter still, and the waiting longer.
pub const AIM_WAITING: Duration = Duration::from_secs(2);
/// Bytes of source rows in one chunk at most, by the mean row size.
pub const BYTES: u64 = 64 * 1024 * 1024;
/// The same for rows that are streamed into a PostgreSQL server, which gives a COPY 16 MB of its memory in turn: a longer one waits again
/// and again until its own pages, and the log that has to come before them, are written. Tasks take up about twice the room of their rows.
pub const BYTES_STREAMED: u64 = 4 * 1024 * 1024;
const LEAST: u64 = 200;
/// Rows of one chunk at most, for each [`AIM`] that it may take.
const MOST: u64 = 100_000;
/// How much larger one chunk may be than the one before: large enough that few small ones come first, since each costs a commit.
const GROWTH: u64 = 4;

/// Sizes chunks by time and bytes.
#[derive(Debug, Clone, Copy)]
pub struct Sizer {
    rows: u64,
    row_bytes: u64,
    bytes: u64,
    aim: Duration,
}

impl Sizer {
    /// Starts with `first` rows a chunk; `row_bytes` is the mean row size, `bytes` how many a chunk may have, `aim` how long it should take.
    #[must_use]
    pub fn new(first: u64, row_bytes: u64, bytes: u64, aim: Duration) -> Self {
        let sizer = Self {
            rows: first,
            row_bytes: row_bytes.max(1),
            bytes,
            aim,
        };
        Self {
            rows: sizer.bounded(first),
            ..sizer
        }
    }

    fn bounded(&self, rows: u64) -> u64 {
        let by_bytes = (self.bytes / self.row_bytes).max(1);
        let most = u128::from(MOST) * self.aim.as_millis() / AIM.as_millis();
        let most = u64::try_from(most).unwrap_or(u64::MAX).max(LEAST);
        rows.clamp(LEAST, most).min(by_bytes)
    }

    /// Rows of the next chunk.
    #[must_use]
    pub const fn next(&self) -> u64 {
        self.rows
    }

    /// Learns from a chunk: towards the aim, at most [`GROWTH`] times or half as much at a time.
    pub fn learn(&mut self, rows: u64, took: Duration) {
        if rows < self.rows / 2 {
            return;
        }
        let took = took.as_millis().max(1);
        let wanted = u128::from(rows) * self.aim.as_millis() / took;
        let wanted = u64::try_from(wanted).unwrap_or(u64::MAX);
        self.rows = self.bounded(wanted.clamp(self.rows / 2, self.rows.saturating_mul(GROWTH)));
    }
}

/// What the ledger says about the order of chunks.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Tiling {
    /// Ranges between committed chunks that were never committed, in order.
    pub gaps: Vec<ChunkMark>,
    /// The end of the last chunk.
    pub end: Option<Key>,
    /// The greatest number in use.
    pub last_seq: i64,
    /// Chunks that overlap or hold what is no key, in words.
    pub faults: Vec<String>,
}

/// Looks for gaps and overlaps; `rows` in order of their numbers.
#[must_use]
pub fn tiling(rows: &[ChunkRow], kind: KeyKind) -> Tiling {
    let mut found = Tiling::default();
    let mut end: Option<Key> = None;
    let mut seq = 0_i64;
    for row in rows {
        let Some(range) = row.range(kind) else {
            found
                .faults
                .push(format!("chunk {} has no readable keys", row.seq));
            continue;
        };
        if range.after != end {
            if range.after < end {
                found
                    .faults
                    .push(format!("chunk {} overlaps the one before", row.seq));
            } else if row.seq > seq + 1 {
                // Several lost chunks in a row become one; the splitter cuts it again.
                found.gaps.push(ChunkMark {
                    seq: seq + 1,
                    range: Range {
                        after: end.clone(),
                        upto: range.after.clone(),
                    },
                });
            } else {
                found
                    .faults
                    .push(format!("keys before chunk {} belong to none", row.seq));
            }
        }
        seq = row.seq;
        end = range.upto;
    }
    found.last_seq = seq;
    found.end = end;
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chunk(seq: i64, after: Option<i64>, upto: i64) -> ChunkRow {
        ChunkRow {
            seq,
            after: after.map(|n| n.to_string()),
            upto: upto.to_string(),
            rows_in: 1,
            rows_out: 1,
            quarantined: 0,
            hash: None,
        }
    }

    #[test]
    fn a_lost_chunk_is_a_gap_and_nothing_else_is() {
        let all = [chunk(1, None, 5), chunk(2, Some(5), 9), chunk(3, Some(9), 12)];
        let whole = tiling(&all, KeyKind::Integer);
        assert_eq!(
            (whole.gaps.len(), whole.last_seq, whole.end),
            (0, 3, Some(Key::Integer(12)))
        );
        let holed = tiling(&[all[0].clone(), all[2].clone()], KeyKind::Integer);
        assert_eq!(holed.gaps.len(), 1);
        assert_eq!(holed.gaps[0].seq, 2);
        assert_eq!(holed.gaps[0].range.upto, Some(Key::Integer(9)));
        let first = tiling(&all[1..], KeyKind::Integer);
        assert_eq!(
            first.gaps[0].range,
            Range {
                after: None,
                upto: Some(Key::Integer(5))
            }
        );
        assert_eq!(
            tiling(&[chunk(1, None, 9), chunk(2, Some(5), 12)], KeyKind::Integer)
                .faults
                .len(),
            1
        );
    }

    #[test]
    fn chunks_are_sized_by_time_and_bytes() {
        let mut sizer = Sizer::new(5_000, 200, BYTES, AIM);
        sizer.learn(5_000, Duration::from_millis(50));
        assert_eq!(sizer.next(), 20_000);
        sizer.learn(20_000, Duration::from_mins(1));
        assert_eq!(sizer.next(), 10_000);
        for (aim, most) in [(AIM, 100_000), (AIM_WAITING, 400_000)] {
            let mut sizer = Sizer::new(5_000, 10, BYTES, aim);
            for _ in 0..8 {
                sizer.learn(sizer.next(), Duration::from_millis(1));
            }
            assert_eq!(sizer.next(), most);
        }
        assert_eq!(Sizer::new(5_000, 64 * 1024 * 1024, BYTES, AIM).next(), 1);
        assert_eq!(Sizer::new(5_000, 4_096, BYTES_STREAMED, AIM).next(), 1_024);
    }
}
