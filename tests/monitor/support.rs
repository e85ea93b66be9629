//! Streams of samples, made by a generator with a seed, so that every run is the same.

use maos_migrate::engine::monitor::sample::Raw;
use maos_migrate::engine::monitor::sample::RawFigures;
use maos_migrate::engine::monitor::{Criteria, Evaluator, Gap, Policy, Probe, Sample, Verdict};

pub const MINUTE: i64 = 60_000_000;
pub const INTERVAL: i64 = 5 * MINUTE;
/// 2026-01-01T00:00:00Z.
pub const EPOCH: i64 = 1_767_225_600_000_000;

/// `SplitMix64`: G. L. Steele, D. Lea, C. H. Flood, "Fast splittable pseudorandom number generators" (2014).
pub struct Random(pub u64);

impl Random {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    #[expect(clippy::cast_precision_loss, reason = "53 bits")]
    pub fn share(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }

    pub fn chance(&mut self, share: f64) -> bool {
        self.share() < share
    }

    pub fn below(&mut self, n: u64) -> u64 {
        self.next() % n
    }
}

pub fn criteria() -> Criteria {
    Criteria::embedded().expect("the built-in criteria read")
}

pub fn evaluator() -> Evaluator {
    Evaluator::new(criteria(), Policy::Default)
}

/// What a status document says, before it becomes a sample.
#[derive(Debug, Clone, Copy)]
pub struct Status {
    pub failed: u64,
    pub completed: u64,
    pub healthy: u64,
    pub components: u64,
    pub response: f64,
    pub validation: Result<Probe, Gap>,
}

impl Status {
    /// All is well; the counters begin with what was migrated, most of it failed long ago.
    pub fn start() -> Self {
        Self {
            failed: 600,
            completed: 400,
            healthy: 10,
            components: 10,
            response: 2.0,
            validation: Ok(Probe::Pass),
        }
    }

    #[expect(clippy::cast_precision_loss, reason = "small counts")]
    pub fn figures(&self) -> RawFigures {
        let number = |n: u64| Raw::Number(n as f64);
        RawFigures {
            total: number(self.failed + self.completed),
            failed: number(self.failed),
            completed: number(self.completed),
            cancelled: Raw::Absent,
            healthy: number(self.healthy),
            components: number(self.components),
            response: Raw::Number(self.response),
            throughput: Raw::Number(4.0),
        }
    }

    pub fn sample(&self, at: i64) -> Sample {
        self.figures().sample(Some(at), self.validation)
    }

    /// `n` tasks end, each failing with a chance of `rate`.
    pub fn work(&mut self, n: u64, rate: f64, random: &mut Random) {
        let failed = (0..n).filter(|_| random.chance(rate)).count() as u64;
        self.failed += failed;
        self.completed += n - failed;
    }
}

/// A time by the number of its interval.
pub fn at(i: u64) -> i64 {
    EPOCH + INTERVAL * i64::try_from(i).expect("small")
}

/// The number of the first sample (from 1) with a verdict to roll back.
pub fn first_breach(verdicts: impl IntoIterator<Item = Verdict>) -> Option<usize> {
    verdicts
        .into_iter()
        .position(|verdict| verdict.should_roll_back)
        .map(|i| i + 1)
}
