//! The window: what is kept of the past, bounded, with sums that follow it in constant time.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use super::sample::{Health, Tasks};
use super::statistics::float;

/// More tasks a second than any system of agents ends: counters that grow faster are no counters, until a second sample
/// says the same.
const MOST_A_SECOND: u64 = 1_000;

/// At most so many falls are remembered: the first, and the newest.
const MOST_FALLS: usize = 4;

/// At most so many points are kept of each figure (about 2 MB); with more in a window, the oldest leave early.
const MOST: usize = 65_536;

/// Reads counters as differences.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counters {
    points: VecDeque<(i64, Tasks)>,
    /// The first point from which on fewer than the fast path's tasks have ended.
    near: usize,
    /// The last points before the counters fell, oldest first, each until they have grown past it.
    #[serde(default, skip_serializing_if = "VecDeque::is_empty")]
    falls: VecDeque<(i64, Tasks)>,
    /// Counters that rose further than anything can work.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    leap: Option<(i64, Tasks)>,
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

const fn fell(from: &Tasks, to: &Tasks) -> bool {
    to.failed < from.failed || to.completed < from.completed
}

/// Whether counters that fell from `before` to `low` and now stand at `now` were nonsense in between: most of what had been
/// counted was gone at once and came back at once.
const fn went_and_came(before: &Tasks, low: &Tasks, now: &Tasks) -> bool {
    const fn stayed_or_went(before: u64, low: u64) -> bool {
        low >= before || low <= before / 2
    }
    fell(before, low)
        && stayed_or_went(before.failed, low.failed)
        && stayed_or_went(before.completed, low.completed)
        && !fell(before, now)
}

/// Whether one of the counters that fell from `before` to `low` stands where it stood again, at one stroke, by so much that
/// it would read as a disaster. The other may still be low.
const fn one_came_back(before: &Tasks, low: &Tasks, now: &Tasks, enough: u64) -> bool {
    const fn came_back(before: u64, low: u64, now: u64, enough: u64) -> bool {
        before >= enough && low <= before / 2 && now >= before
    }
    came_back(before.failed, low.failed, now.failed, enough)
        || came_back(before.completed, low.completed, now.completed, enough)
}

/// Whether the counters rose further from one time to the other than anything can work. The time counts as one interval
/// at least: samples may follow each other quickly.
fn leaps(from: &(i64, Tasks), to: &(i64, Tasks), interval: i64) -> bool {
    let micros = to.0.saturating_sub(from.0).max(interval).max(1_000_000);
    let most = u64::try_from(micros / 1_000_000)
        .unwrap_or(1)
        .saturating_mul(MOST_A_SECOND);
    growth(&from.1, &to.1).ended > most
}

impl Counters {
    /// Forgets everything.
    pub fn clear(&mut self) {
        *self = Self::default();
    }

    /// Whether the counters rose further since the last point than anything can work, which one sample alone does not
    /// prove. What says so is remembered; when the next sample goes on from there, the counters have changed their origin
    /// and begin anew.
    pub fn leapt(&mut self, at: i64, tasks: Tasks, interval: i64) -> bool {
        let now = (at, tasks);
        let leap = self.leap.take();
        let Some(last) = self.points.back() else {
            return false;
        };
        let back = |before: (i64, Tasks)| {
            went_and_came(&before.1, &last.1, &tasks) && !leaps(&before, &now, interval)
        };
        if !leaps(last, &now, interval) || self.falls.iter().copied().any(back) {
            return false;
        }
        if let Some(from) = leap.filter(|from| !fell(&from.1, &tasks) && !leaps(from, &now, interval)) {
            self.clear();
            self.points.push_back(from);
            return false;
        }
        self.leap = Some(now);
        true
    }

    /// What came before says nothing of what comes.
    fn break_off(&mut self) {
        self.points.clear();
        self.near = 0;
    }

    /// Takes the counters at `at`. What is older than `oldest` goes, except a lone reference. `enough` is the number of
    /// tasks of the fast path.
    pub fn push(&mut self, at: i64, tasks: Tasks, oldest: i64, enough: u64) -> Grown {
        let mut reset = false;
        if let Some((then, last)) = self.points.back().copied() {
            // Of several points to come back to, the one from which the fewest have failed since: a point that was low
            // itself reads as failures what only came back.
            let returned = self
                .falls
                .iter()
                .filter(|(_, before)| went_and_came(before, &last, &tasks))
                .max_by_key(|(_, before)| (before.failed, before.completed))
                .copied();
            if let Some(before) = returned {
                // Back where they were at one stroke: the fall was a glitch, and the counters before it go on.
                // When it fell before the window began, nothing is known of the window. And counters that began anew
                // may pass their old values at one stroke as well: what reads as a disaster then proves none.
                self.break_off();
                let since = growth(&before.1, &tasks);
                let believed = before.0 >= oldest && since.failed <= since.ended / 2;
                self.points.extend(believed.then_some(before));
            } else if fell(&last, &tasks) {
                // Counters that fall again before they are back have several points to come back to.
                if self.falls.len() >= MOST_FALLS {
                    self.falls.remove(1);
                }
                self.falls.push_back((then, last));
                self.break_off();
                reset = true;
            } else if self
                .falls
                .iter()
                .any(|(_, before)| one_came_back(before, &last, &tasks, enough))
            {
                // One of the two is back and the other is not: what it seems to have grown by never happened.
                self.break_off();
            }
            self.falls.retain(|(_, before)| fell(before, &tasks));
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

/// Sums two whole numbers over the samples of the window.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sums {
    points: VecDeque<(i64, [u64; 2])>,
    sums: [u64; 2],
}

impl Sums {
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
                *sum = sum.saturating_sub(value);
            }
        }
    }

    fn push(&mut self, at: i64, values: [u64; 2]) {
        for (sum, value) in self.sums.iter_mut().zip(values) {
            // Each value is far below 2^64 ÷ MOST, so that this never happens.
            *sum = sum.saturating_add(value);
        }
        self.points.push_back((at, values));
    }

    /// How many there are.
    pub fn len(&self) -> u64 {
        self.points.len() as u64
    }

    /// Takes the components of one sample and gives the checks that were healthy, of all.
    pub fn add_health(&mut self, at: i64, health: Health, oldest: i64) -> (u64, u64) {
        self.prune(oldest);
        self.push(at, [health.healthy, health.total]);
        (self.sums[0], self.sums[1])
    }

    /// Takes one response time in seconds, as whole microseconds, so that sums that come and go stay exact.
    pub fn add_seconds(&mut self, at: i64, seconds: f64, oldest: i64) {
        self.prune(oldest);
        // Longer than three years is cut; it is over any limit either way.
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a positive number that the cut keeps in range"
        )]
        let micros = (seconds.min(1e8) * MICROS).round() as u64;
        self.push(at, [micros, 0]);
    }

    /// The mean of what [`Sums::add_seconds`] took, in seconds.
    pub fn mean(&self) -> Option<f64> {
        (self.len() > 0).then(|| float(self.sums[0]) / float(self.len()) / MICROS)
    }
}

const MICROS: f64 = 1e6;
