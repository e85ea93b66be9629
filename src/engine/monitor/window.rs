//! The window: what is kept of the past, bounded, with sums that follow it in constant time.

use std::collections::VecDeque;

use super::sample::{Health, Tasks};

/// At most so many points are kept of each figure (about 2 MB); with more in a window, the oldest leave early.
const MOST: usize = 65_536;

/// Reads counters as differences.
#[derive(Debug, Clone, Default)]
pub struct Counters {
    points: VecDeque<(i64, Tasks)>,
    /// The first point from which on fewer than the fast path's tasks have ended.
    near: usize,
    /// The last point before the counters fell, while it is inside the window.
    before: Option<(i64, Tasks)>,
}

/// What the counters grew by.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Growth {
    /// Failed.
    pub failed: u64,
    /// Failed and completed.
    pub ended: u64,
}

/// The growth over the window and its newest parts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Grown {
    /// Since the reference.
    pub window: Growth,
    /// Over the newest samples that make up enough tasks for the fast path, all inside the window.
    pub near: Option<Growth>,
    /// The counters fell with this sample.
    pub reset: bool,
}

fn growth(from: &Tasks, to: &Tasks) -> Growth {
    // Points of one segment never fall, so nothing is lost here.
    let failed = to.failed.saturating_sub(from.failed);
    Growth {
        failed,
        ended: failed.saturating_add(to.completed.saturating_sub(from.completed)),
    }
}

fn fell(from: &Tasks, to: &Tasks) -> bool {
    to.failed < from.failed || to.completed < from.completed
}

impl Counters {
    /// Forgets everything.
    pub fn clear(&mut self) {
        self.points.clear();
        self.near = 0;
        self.before = None;
    }

    /// Takes the counters at `at`. What is older than `oldest` goes, except a lone reference. `enough` is the number of
    /// tasks of the fast path.
    pub fn push(&mut self, at: i64, tasks: Tasks, oldest: i64, enough: u64) -> Grown {
        let mut reset = false;
        // What is older than the window is no longer worth coming back to.
        self.before = self.before.filter(|(before, _)| *before >= oldest);
        if let Some((then, last)) = self.points.back().copied() {
            let returned = self
                .before
                .filter(|(_, before)| fell(before, &last) && !fell(before, &tasks));
            if let Some(before) = returned {
                // Back where they were at one stroke: the fall was a glitch, and the counters before it go on.
                self.points.clear();
                self.near = 0;
                self.points.push_back(before);
                self.before = None;
            } else if fell(&last, &tasks) {
                // Of several falls the first is the one to come back to.
                self.before = self.before.or(Some((then, last)));
                self.points.clear();
                self.near = 0;
                reset = true;
            } else if !self.before.is_some_and(|(_, before)| fell(&before, &tasks)) {
                self.before = None;
            }
        }
        // The reference is the oldest point of the window, or the one before a gap when the window has no other.
        while self.points.len() > 1 && self.points.front().is_some_and(|(at, _)| *at < oldest)
            || self.points.len() >= MOST
        {
            self.points.pop_front();
            self.near = self.near.saturating_sub(1);
        }
        self.points.push_back((at, tasks));
        while let Some((_, next)) = self.points.get(self.near + 1) {
            if growth(next, &tasks).ended < enough {
                break;
            }
            self.near += 1;
        }
        let near = self
            .points
            .get(self.near)
            .filter(|(at, _)| *at >= oldest)
            .map(|(_, from)| growth(from, &tasks))
            .filter(|near| near.ended >= enough);
        Grown {
            window: self
                .points
                .front()
                .map(|(_, from)| growth(from, &tasks))
                .unwrap_or_default(),
            near,
            reset,
        }
    }
}

/// Sums what each sample of the window says.
#[derive(Debug, Clone)]
pub struct Sums<const N: usize> {
    points: VecDeque<(i64, [u64; N])>,
    sums: [u128; N],
}

impl<const N: usize> Default for Sums<N> {
    fn default() -> Self {
        Self {
            points: VecDeque::new(),
            sums: [0; N],
        }
    }
}

impl<const N: usize> Sums<N> {
    /// Forgets everything.
    pub fn clear(&mut self) {
        *self = Self::default();
    }

    /// Lets go of what is older.
    pub fn prune(&mut self, oldest: i64) {
        while self.points.len() >= MOST || self.points.front().is_some_and(|(at, _)| *at < oldest) {
            let Some((_, values)) = self.points.pop_front() else {
                break;
            };
            for (sum, value) in self.sums.iter_mut().zip(values) {
                *sum -= u128::from(value);
            }
        }
    }

    /// Takes one more.
    pub fn push(&mut self, at: i64, values: [u64; N]) {
        for (sum, value) in self.sums.iter_mut().zip(values) {
            *sum += u128::from(value);
        }
        self.points.push_back((at, values));
    }

    /// How many there are.
    pub fn len(&self) -> u64 {
        self.points.len() as u64
    }

    /// The sums.
    pub const fn sums(&self) -> &[u128; N] {
        &self.sums
    }
}

/// Healthy components and all, summed over the samples of the window.
pub type HealthSums = Sums<2>;

impl HealthSums {
    /// Takes one sample and gives the checks that were healthy, of all.
    pub fn add(&mut self, at: i64, health: Health, oldest: i64) -> (u64, u64) {
        self.prune(oldest);
        self.push(at, [health.healthy, health.total]);
        let [healthy, total] = *self.sums();
        (
            u64::try_from(healthy).unwrap_or(u64::MAX),
            u64::try_from(total).unwrap_or(u64::MAX),
        )
    }
}

/// Response times in nanoseconds. Whole numbers, so that sums that come and go stay exact.
pub type ResponseSums = Sums<1>;

const NANOS: f64 = 1e9;

impl ResponseSums {
    /// Takes one response time in seconds.
    pub fn add(&mut self, at: i64, seconds: f64, oldest: i64) {
        self.prune(oldest);
        // Longer than thirty years is cut; it is over any limit either way.
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a positive number that the cut keeps in range"
        )]
        let nanos = (seconds.min(1e9) * NANOS).round() as u64;
        self.push(at, [nanos]);
    }

    /// The mean in seconds.
    #[expect(clippy::cast_precision_loss, reason = "a mean needs no more than 53 bits")]
    pub fn mean(&self) -> Option<f64> {
        let n = self.len();
        (n > 0).then(|| self.sums()[0] as f64 / n as f64 / NANOS)
    }
}
