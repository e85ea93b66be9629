//! Medians, and how sure they are.
//!
//! The interval is a percentile bootstrap over tasks: tasks are drawn with replacement, each with all of its pairs (repeats of
//! one task are alike, so they must not count as independent), and the middle 95 % of the medians is the interval (Efron and
//! Tibshirani, An Introduction to the Bootstrap, 1993, chapters 8 and 13). The draws come from a fixed seed: equal pairs give
//! equal intervals.

use serde::{Deserialize, Serialize};

/// Fewer tasks than this have no interval: their resamples are too few to mean anything.
pub const TASKS_FOR_INTERVAL: usize = 5;
/// Resamples, fewer when there are very many pairs.
const RESAMPLES: usize = 2_000;
/// Values drawn in all resamples together, at most.
const DRAWS: usize = 20_000_000;
/// 97.5 % point of the normal distribution, for Wilson's interval.
const Z: f64 = 1.959_963_984_540_054;

/// A median with its spread.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Spread {
    /// How many values.
    pub n: usize,
    /// The middle one, or the mean of the two in the middle.
    pub median: f64,
    /// The smallest.
    pub least: f64,
    /// The largest.
    pub most: f64,
    /// The 95 % interval of the median; `None` from too few tasks.
    pub interval: Option<(f64, f64)>,
}

/// The median; `None` of nothing.
#[must_use]
pub fn median(values: &[f64]) -> Option<f64> {
    let mut values = values.to_vec();
    middle(&mut values)
}

fn middle(values: &mut [f64]) -> Option<f64> {
    let n = values.len();
    if n == 0 {
        return None;
    }
    let (below, upper, _) = values.select_nth_unstable_by(n / 2, f64::total_cmp);
    let upper = *upper;
    if n % 2 == 1 {
        return Some(upper);
    }
    let lower = below.iter().copied().max_by(f64::total_cmp)?;
    Some(f64::midpoint(lower, upper))
}

/// Median, range and interval of values that belong to tasks: one inner list a task.
#[must_use]
pub fn spread(by_task: &[Vec<f64>]) -> Option<Spread> {
    let mut all: Vec<f64> = by_task.iter().flatten().copied().collect();
    let n = all.len();
    let median = middle(&mut all)?;
    Some(Spread {
        n,
        median,
        least: all.iter().copied().min_by(f64::total_cmp)?,
        most: all.iter().copied().max_by(f64::total_cmp)?,
        interval: interval(by_task, n),
    })
}

fn interval(by_task: &[Vec<f64>], n: usize) -> Option<(f64, f64)> {
    let tasks: Vec<&Vec<f64>> = by_task.iter().filter(|values| !values.is_empty()).collect();
    if tasks.len() < TASKS_FOR_INTERVAL {
        return None;
    }
    let rounds = (DRAWS / n.max(1)).clamp(200, RESAMPLES);
    let mut random = SplitMix(0x5eed_0fc0_4a11);
    let mut drawn = Vec::with_capacity(n * 2);
    let mut medians = Vec::with_capacity(rounds);
    for _ in 0..rounds {
        drawn.clear();
        for _ in 0..tasks.len() {
            drawn.extend_from_slice(tasks[random.below(tasks.len())]);
        }
        medians.push(middle(&mut drawn)?);
    }
    medians.sort_by(f64::total_cmp);
    // The ranks that leave 2.5 % on either side, rounded outwards.
    let low = rounds * 25 / 1000;
    let high = (rounds * 975).div_ceil(1000).min(rounds) - 1;
    Some((medians[low], medians[high.max(low)]))
}

/// A small generator with a long enough period, from Steele, Lea and Flood, Fast Splittable Pseudorandom Number Generators, 2014.
struct SplitMix(u64);

impl SplitMix {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, n: usize) -> usize {
        // Multiply and take the upper half: as even as a draw from 2^64 allows.
        usize::try_from((u128::from(self.next()) * n as u128) >> 64).unwrap_or(0)
    }
}

/// A share with Wilson's 95 % interval (Wilson, Probable Inference, 1927).
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Rate {
    /// How many succeeded.
    pub succeeded: u64,
    /// Of how many.
    pub run: u64,
}

impl Rate {
    /// The share; `None` of nothing, which is neither good nor bad.
    #[must_use]
    pub fn share(self) -> Option<f64> {
        #[expect(clippy::cast_precision_loss, reason = "counts far below 2^53")]
        (self.run > 0).then(|| self.succeeded as f64 / self.run as f64)
    }

    /// Wilson's interval.
    #[must_use]
    pub fn interval(self) -> Option<(f64, f64)> {
        let share = self.share()?;
        #[expect(clippy::cast_precision_loss, reason = "counts far below 2^53")]
        let n = self.run as f64;
        let centre = share + Z * Z / (2.0 * n);
        let half = Z * (share * (1.0 - share) / n + Z * Z / (4.0 * n * n)).sqrt();
        let scale = 1.0 + Z * Z / n;
        Some((
            ((centre - half) / scale).max(0.0),
            ((centre + half) / scale).min(1.0),
        ))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn medians_of_odd_even_and_nothing() {
        assert_eq!(median(&[]), None);
        assert_eq!(median(&[3.0]), Some(3.0));
        assert_eq!(median(&[9.0, 1.0, 2.0]), Some(2.0));
        assert_eq!(median(&[4.0, 1.0, 3.0, 2.0]), Some(2.5));
    }

    #[test]
    fn few_tasks_have_no_interval_however_often_they_are_repeated() {
        let repeated = vec![vec![2.0; 20]; TASKS_FOR_INTERVAL - 1];
        assert_eq!(spread(&repeated).unwrap().interval, None);
        let enough = vec![vec![2.0; 3]; TASKS_FOR_INTERVAL];
        assert_eq!(spread(&enough).unwrap().interval, Some((2.0, 2.0)));
    }

    #[test]
    fn repeats_of_one_task_do_not_make_the_interval_narrower() {
        let once: Vec<Vec<f64>> = (1..=12).map(|n| vec![f64::from(n)]).collect();
        let often: Vec<Vec<f64>> = (1..=12).map(|n| vec![f64::from(n); 9]).collect();
        let width = |values: &[Vec<f64>]| {
            let (low, high) = spread(values).unwrap().interval.unwrap();
            high - low
        };
        assert!(
            width(&often) > width(&once) * 0.8,
            "{} {}",
            width(&often),
            width(&once)
        );
    }

    /// Of 400 samples of 15 values from one distribution, the interval holds the true median in about 95 of 100.
    #[test]
    fn the_interval_holds_the_true_median_about_as_often_as_it_says() {
        let mut random = SplitMix(7);
        #[expect(clippy::cast_precision_loss, reason = "a share")]
        let mut uniform = || (random.next() >> 11) as f64 / (1_u64 << 53) as f64;
        let mut held = 0;
        for _ in 0..400 {
            // Exponential with mean 1: its median is ln 2.
            let sample: Vec<Vec<f64>> = (0..15).map(|_| vec![-(1.0 - uniform()).ln()]).collect();
            let (low, high) = spread(&sample).unwrap().interval.unwrap();
            held += u32::from((low..=high).contains(&std::f64::consts::LN_2));
        }
        assert!((356..=396).contains(&held), "{held} of 400");
    }

    #[test]
    fn wilson_knows_that_all_of_few_is_not_all() {
        let rate = Rate {
            succeeded: 38,
            run: 41,
        };
        let (low, high) = rate.interval().unwrap();
        assert!(
            (low - 0.805_7).abs() < 0.001 && (high - 0.974_8).abs() < 0.001,
            "{low} {high}"
        );
        assert_eq!(Rate::default().share(), None);
    }

    proptest! {
        #[test]
        fn the_interval_lies_in_the_range_around_the_median(
            values in proptest::collection::vec(proptest::collection::vec(0.01f64..100.0, 1..4), 5..20),
        ) {
            let spread = spread(&values).unwrap();
            let (low, high) = spread.interval.unwrap();
            prop_assert!(spread.least <= low && low <= high && high <= spread.most);
            prop_assert!(spread.least <= spread.median && spread.median <= spread.most);
            prop_assert_eq!(super::spread(&values), Some(spread));
        }
    }
}
