//! What the target must hold, found while the rows are copied: the second conversion sees every source row in the stream that feeds the
//! first one, and knows nothing of what the first one makes of it.
//!
//! That saves reading the source twice. What was found counts only while the source says that its rows are still those that were read
//! ([`crate::engine::ports::store::Store::unwritten`]); it lives in this process alone, so a run that goes on after another died, and
//! `schema verify` always, reads the rows again.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::expect::{Judge, Summed};
use super::proof::{Read, summed};
use crate::engine::ports::store::{KeyedRow, Moment};

/// Sums up what source rows must have become.
pub(super) struct Tally<'a> {
    judge: Judge<'a>,
    read: Read,
    sum: u64,
}

impl<'a> Tally<'a> {
    pub(super) fn new(judge: Judge<'a>) -> Self {
        Self {
            judge,
            read: Read::default(),
            sum: 0,
        }
    }

    pub(super) fn row(&mut self, row: &KeyedRow<'_>) {
        self.read.source_rows += 1;
        match self.judge.sum(row) {
            Summed::Task {
                row,
                tracked,
                status,
                task_type,
            } => {
                self.read.track(tracked);
                self.read.wanted.count += 1;
                self.sum = self.sum.wrapping_add(row);
                bump(&mut self.read.wanted.statuses, &status);
                bump(&mut self.read.wanted.types, &task_type);
            }
            Summed::Aside(reason) => self.read.set_aside(&row.key.to_string(), reason),
        }
    }

    pub(super) fn done(mut self) -> Read {
        self.read.wanted.digest = summed(self.read.wanted.count, self.sum);
        self.read
    }
}

/// What was found about one chunk, and since when its rows must not have been written.
#[derive(Debug, Clone)]
pub(super) struct Found {
    pub read: Read,
    pub since: Moment,
}

/// What was found about the chunks of a run, by their numbers.
#[derive(Debug, Clone, Default)]
pub struct Witnessed(Arc<Mutex<HashMap<i64, Found>>>);

impl Witnessed {
    fn all(&self) -> MutexGuard<'_, HashMap<i64, Found>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How many source rows the chunks had that were seen, and the earliest moment of them; `None` unless all of `chunks` were seen.
    pub(super) fn whole(&self, chunks: impl Iterator<Item = i64>) -> Option<(u64, Moment)> {
        let all = self.all();
        let mut whole: Option<(u64, Moment)> = None;
        for chunk in chunks {
            let Found { read, since } = all.get(&chunk)?;
            let (rows, earliest) = whole.unwrap_or((0, *since));
            let earliest = if since.transaction < earliest.transaction {
                *since
            } else {
                earliest
            };
            whole = (earliest.server == since.server).then_some((rows + read.source_rows, earliest));
            whole?;
        }
        whole
    }

    pub(super) fn of(&self, chunk: i64) -> Option<Found> {
        self.all().get(&chunk).cloned()
    }

    pub(super) fn keep(&self, chunk: i64, read: Read, since: Moment) {
        self.all().insert(chunk, Found { read, since });
    }

    pub(super) fn forget(&self, chunk: i64) {
        self.all().remove(&chunk);
    }
}

pub(super) fn bump(counts: &mut BTreeMap<String, u64>, key: &str) {
    if let Some(n) = counts.get_mut(key) {
        *n += 1;
    } else {
        counts.insert(key.to_owned(), 1);
    }
}
