//! What a run shows while it works: counts of committed rows, chunks as tiles, workers, the proof as it grows.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde::Serialize;

use crate::engine::operation::{Control, Progress, ProofLine};

/// The state of a chunk.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Tile {
    /// Not begun.
    Waiting,
    /// Being copied.
    Running,
    /// Committed.
    Copied,
    /// Both sides agreed.
    Proved,
    /// Given up, or the sides differ.
    Failed,
}

/// A moment of a run, for the screen.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RunView {
    /// `copying`, `proving`, `catching up`, `undoing`, …
    pub phase: String,
    /// Rows committed.
    pub copied: u64,
    /// Rows proved.
    pub proved: u64,
    /// Rows set aside.
    pub quarantined: u64,
    /// Rows in all.
    pub total: u64,
    /// Rows a second over the last ten seconds, pauses left out; `None` before there is one.
    pub rate: Option<f64>,
    /// Seconds left; `None` under 1 %, without progress, or while something waits.
    pub left_s: Option<u64>,
    /// One tile a chunk, in key order; chunks that are only expected are waiting.
    pub tiles: Vec<Tile>,
    /// Workers at work, and wished for.
    pub workers: (usize, usize),
    /// The fence's token.
    pub fence: i64,
    /// Why the run waits, if it does.
    pub waits: Option<String>,
    /// Seconds since a chunk was last committed or proved.
    pub silent_s: u64,
    /// The proof so far.
    pub proof: Vec<ProofLine>,
}

#[derive(Default)]
struct Figures {
    phase: String,
    copied: u64,
    proved: u64,
    quarantined: u64,
    total: u64,
    expected_chunks: usize,
    tiles: BTreeMap<i64, Tile>,
    workers: (usize, usize),
    fence: i64,
    waits: Option<String>,
    stall: Option<String>,
    moved: Option<Instant>,
    marks: Vec<(Instant, u64)>,
    proof: Vec<ProofLine>,
}

/// The shared figures of a run. Cheap to clone; one writer, any number of readers.
#[derive(Clone, Default)]
pub struct Live(Arc<Mutex<Figures>>);

/// Over how long the rate is measured.
const WINDOW: Duration = Duration::from_secs(10);

impl std::fmt::Debug for Live {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Live").finish_non_exhaustive()
    }
}

impl Live {
    fn with<T>(&self, f: impl FnOnce(&mut Figures) -> T) -> T {
        let mut figures = self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        f(&mut figures)
    }

    pub(super) fn begin(&self, total: u64, fence: i64) {
        self.with(|f| {
            *f = Figures {
                total,
                fence,
                moved: Some(Instant::now()),
                ..Figures::default()
            };
        });
    }

    pub(super) fn phase(&self, phase: &str) {
        self.with(|f| {
            phase.clone_into(&mut f.phase);
            f.marks.clear();
            f.moved = Some(Instant::now());
        });
    }

    pub(super) fn workers(&self, busy: usize, wished: usize) {
        self.with(|f| f.workers = (busy, wished));
    }

    pub(super) fn expect_chunks(&self, chunks: usize) {
        self.with(|f| f.expected_chunks = chunks);
    }

    pub(super) fn tile(&self, seq: i64, tile: Tile) {
        self.with(|f| {
            f.tiles.insert(seq, tile);
        });
    }

    pub(super) fn waits(&self, why: Option<String>) {
        self.with(|f| f.waits = why);
    }

    /// Says what a run without progress waits for.
    pub(super) fn stalled(&self, why: Option<String>) {
        self.with(|f| f.stall = why);
    }

    /// How long nothing was committed or proved.
    pub(super) fn silence(&self) -> Duration {
        self.with(|f| f.moved.map_or(Duration::ZERO, |at| at.elapsed()))
    }

    /// Whether the run is held back by its own pace.
    pub(super) fn throttled(&self) -> bool {
        self.with(|f| f.waits.as_ref().is_some_and(|why| why.starts_with("throttled")))
    }

    pub(super) fn copied(&self, rows: u64, quarantined: u64) {
        self.with(|f| {
            f.copied += rows;
            f.quarantined += quarantined;
            let done = f.copied + f.quarantined;
            f.mark(done);
        });
    }

    pub(super) fn proved(&self, rows: u64) {
        self.with(|f| {
            f.proved += rows;
            let done = f.proved;
            f.mark(done);
        });
    }

    pub(super) fn proof(&self, lines: &[ProofLine]) {
        self.with(|f| f.proof = lines.to_vec());
    }

    pub(super) fn tell(&self, control: &Control, running: Vec<String>) {
        let progress = self.with(|f| Progress {
            done: f.copied + f.quarantined,
            total: Some(f.total),
            proved: f.proved,
            quarantined: f.quarantined,
            unit: "rows".to_owned(),
            phase: f.phase.clone(),
            running,
            ..Progress::default()
        });
        control.progress(progress);
    }

    /// The present moment.
    #[must_use]
    pub fn view(&self) -> RunView {
        self.with(|f| {
            let now = Instant::now();
            let rate = f.rate(now);
            let done = if f.phase.starts_with("prov") {
                f.proved
            } else {
                f.copied + f.quarantined
            };
            let silent = f.moved.map_or(Duration::ZERO, |at| now - at);
            let honest = f.waits.is_none()
                && f.stall.is_none()
                && silent < WINDOW
                && done.saturating_mul(100) >= f.total
                && done < f.total;
            let left_s = rate.filter(|rate| honest && *rate > 0.0).map(|rate| {
                #[expect(
                    clippy::cast_precision_loss,
                    clippy::cast_possible_truncation,
                    clippy::cast_sign_loss,
                    reason = "an estimate in whole seconds"
                )]
                let left = ((f.total - done) as f64 / rate).ceil() as u64;
                left
            });
            let mut tiles: Vec<Tile> = f.tiles.values().copied().collect();
            while tiles.len() < f.expected_chunks {
                tiles.push(Tile::Waiting);
            }
            RunView {
                phase: f.phase.clone(),
                copied: f.copied,
                proved: f.proved,
                quarantined: f.quarantined,
                total: f.total,
                rate,
                left_s,
                tiles,
                workers: f.workers,
                fence: f.fence,
                waits: f.stall.clone().or_else(|| f.waits.clone()),
                silent_s: silent.as_secs(),
                proof: f.proof.clone(),
            }
        })
    }
}

impl Figures {
    fn mark(&mut self, done: u64) {
        let now = Instant::now();
        self.moved = Some(now);
        self.marks.push((now, done));
        self.marks.retain(|(at, _)| now - *at <= WINDOW);
    }

    fn rate(&self, now: Instant) -> Option<f64> {
        let (first, last) = (self.marks.first()?, self.marks.last()?);
        let took = (now - first.0).as_secs_f64();
        if self.marks.len() < 2 || took < 0.2 {
            return None;
        }
        #[expect(clippy::cast_precision_loss, reason = "a rate for people")]
        let rows = (last.1 - first.1) as f64;
        Some(rows / took)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_time_left_is_said_before_one_percent_or_while_waiting() {
        let live = Live::default();
        live.begin(1_000, 7);
        live.phase("copying");
        assert_eq!(live.view().left_s, None);
        live.copied(5, 0);
        assert_eq!(live.view().left_s, None);
        live.waits(Some("disk full".to_owned()));
        live.copied(500, 0);
        let view = live.view();
        assert_eq!((view.left_s, view.copied, view.fence), (None, 505, 7));
        live.waits(None);
        live.stalled(Some("no progress for 5 s: waits for a lock of pid 7".to_owned()));
        let view = live.view();
        assert_eq!(
            (view.left_s, view.waits.as_deref()),
            (None, Some("no progress for 5 s: waits for a lock of pid 7"))
        );
    }

    #[test]
    fn chunks_are_tiles_in_key_order() {
        let live = Live::default();
        live.begin(10, 1);
        live.expect_chunks(3);
        live.tile(2, Tile::Running);
        live.tile(1, Tile::Copied);
        assert_eq!(live.view().tiles, [Tile::Copied, Tile::Running, Tile::Waiting]);
    }
}
