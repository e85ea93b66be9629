//! How far a share of few observations can be believed.
//!
//! The bounds are Wilson's score interval, one side of it: E. B. Wilson, "Probable inference, the law of succession, and
//! statistical inference", Journal of the American Statistical Association 22 (1927), 209-212. In the form used here, with
//! `p = k / n` and the quantile `z` of the normal distribution (1.6449 for 95 % on one side):
//!
//! ```text
//! bound = (p + z²/2n ∓ z √(p(1-p)/n + z²/4n²)) ÷ (1 + z²/n)
//! ```

/// The lower bound: with the confidence of `z` the true share is at least this. `None` without observations.
#[must_use]
pub fn wilson_lower(k: u64, n: u64, z: f64) -> Option<f64> {
    wilson(k, n, z, -1.0)
}

/// The upper bound: with the confidence of `z` the true share is at most this. `None` without observations.
#[must_use]
pub fn wilson_upper(k: u64, n: u64, z: f64) -> Option<f64> {
    wilson(k, n, z, 1.0)
}

fn wilson(k: u64, n: u64, z: f64, side: f64) -> Option<f64> {
    if n == 0 {
        return None;
    }
    let (count, share) = (float(n), ratio(k, n)?);
    let square = z * z;
    let spread = z * (share * (1.0 - share) / count + square / (4.0 * count * count)).sqrt();
    let bound = (share + square / (2.0 * count) + side * spread) / (1.0 + square / count);
    Some(bound.clamp(0.0, 1.0))
}

/// `k ÷ n`; `None` when `n` is 0.
#[must_use]
pub fn ratio(k: u64, n: u64) -> Option<f64> {
    (n > 0).then(|| float(k) / float(n))
}

/// The quantile `z` with `Φ(z) = confidence`, for a confidence from 0.5 up to 0.9999.
///
/// Bisection over the series of G. Marsaglia, "Evaluating the normal distribution", Journal of Statistical Software 11(4)
/// (2004): `Φ(z) = 1/2 + φ(z) (z + z³/3 + z⁵/(3·5) + …)`.
#[must_use]
pub fn quantile(confidence: f64) -> f64 {
    let (mut low, mut high) = (0.0_f64, 6.0_f64);
    for _ in 0..80 {
        let middle = f64::midpoint(low, high);
        if normal(middle) < confidence {
            low = middle;
        } else {
            high = middle;
        }
    }
    // Twelve digits, which every reader of JSON gives back exactly.
    (f64::midpoint(low, high) * 1e12).round() / 1e12
}

fn normal(z: f64) -> f64 {
    let (mut term, mut sum, mut odd) = (z, z, 1.0);
    while term > 1e-18 {
        odd += 2.0;
        term *= z * z / odd;
        sum += term;
    }
    0.5 + sum * (-0.5 * z * z).exp() / (2.0 * std::f64::consts::PI).sqrt()
}

/// A count as a number with a fraction.
#[must_use]
#[expect(clippy::cast_precision_loss, reason = "counts are refused above 2^53")]
pub const fn float(n: u64) -> f64 {
    n as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_those_of_the_tables() {
        for (confidence, z) in [
            (0.90, 1.281_551_565_544_6),
            (0.95, 1.644_853_626_951_5),
            (0.975, 1.959_963_984_540_1),
            (0.99, 2.326_347_874_040_8),
        ] {
            assert!((quantile(confidence) - z).abs() < 1e-11, "{confidence}");
        }
    }

    /// How many failures of n make "over 15 %" believable at 95 % on one side.
    #[test]
    fn fewest_failures_that_are_believable() {
        let z = quantile(0.95);
        for (n, k) in [
            (5, 3),
            (10, 4),
            (20, 6),
            (50, 12),
            (100, 21),
            (200, 39),
            (1000, 169),
        ] {
            assert!(
                wilson_lower(k, n, z).is_some_and(|bound| bound > 0.15),
                "{k} of {n}"
            );
            assert!(
                wilson_lower(k - 1, n, z).is_some_and(|bound| bound <= 0.15),
                "{} of {n}",
                k - 1
            );
        }
        assert_eq!(wilson_lower(0, 0, z), None);
        assert_eq!(
            (wilson_lower(0, 20, z), wilson_upper(20, 20, z)),
            (Some(0.0), Some(1.0))
        );
    }
}
