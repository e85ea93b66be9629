//! An exact decimal with at most six digits after the point, so that `3.6 × 2.5` is 9 and never 8.999….

use std::fmt;

use serde::de::{self, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

const SCALE: i64 = 1_000_000;
/// The largest magnitude: whole part of at most nine digits, so that a JSON number keeps every digit.
const LIMIT: i64 = 999_999_999 * SCALE;

/// A number with at most six digits after the point and a whole part of at most nine digits, kept in millionths.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Decimal(i64);

impl Decimal {
    /// Zero.
    pub const ZERO: Self = Self(0);

    /// A whole number; `None` outside ±999,999,999.
    #[must_use]
    pub const fn whole(n: i64) -> Option<Self> {
        match n.checked_mul(SCALE) {
            Some(units) if units <= LIMIT && units >= -LIMIT => Some(Self(units)),
            _ => None,
        }
    }

    /// `numerator ÷ denominator`, cut (not rounded) after six digits: cutting never lifts a floor. `None` for a zero
    /// denominator or a result outside the range.
    #[must_use]
    pub fn ratio(numerator: i128, denominator: i128) -> Option<Self> {
        let units = numerator
            .checked_mul(i128::from(SCALE))?
            .checked_div(denominator)?;
        let units = i64::try_from(units).ok()?;
        (units.abs() <= LIMIT).then_some(Self(units))
    }

    /// Reads `12`, `-3`, `7.25`. No exponent, no separators, no sign but `-`, no bare point. `None` when it is not
    /// such a number, has more than six digits after the point, or is out of range.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (negative, digits) = text.strip_prefix('-').map_or((false, text), |rest| (true, rest));
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, "0"));
        let plain = |s: &str| !s.is_empty() && s.bytes().all(|b| b.is_ascii_digit());
        if !plain(whole) || !plain(fraction) || fraction.len() > 6 || whole.len() > 9 {
            return None;
        }
        let whole: i64 = whole.parse().ok()?;
        let fraction: i64 = format!("{fraction:0<6}").parse().ok()?;
        let units = whole * SCALE + fraction;
        (units <= LIMIT).then_some(Self(if negative { -units } else { units }))
    }

    /// Rounds a measured figure half away from zero to `digits` (at most six) after the point. `None` when it is not
    /// finite or out of range.
    #[must_use]
    pub fn measured(figure: f64, digits: usize) -> Option<Self> {
        figure
            .is_finite()
            .then(|| format!("{figure:.*}", digits.min(6)))
            .and_then(|text| Self::parse(&text))
            // "-0.0" is zero.
            .map(|d| if d.0 == 0 { Self::ZERO } else { d })
    }

    /// `floor(self × numerator ÷ denominator)`, exactly. `None` for a zero denominator or an overflow.
    #[must_use]
    pub fn scaled_floor(self, numerator: i64, denominator: i64) -> Option<i64> {
        let product = i128::from(self.0).checked_mul(i128::from(numerator))?;
        let divisor = i128::from(denominator).checked_mul(i128::from(SCALE))?;
        if divisor == 0 {
            return None;
        }
        i64::try_from(product.div_euclid(divisor)).ok()
    }

    /// `self × numerator ÷ denominator`, cut after six digits.
    #[must_use]
    pub fn scaled(self, numerator: i64, denominator: i64) -> Option<Self> {
        Self::ratio(
            i128::from(self.0) * i128::from(numerator),
            i128::from(denominator) * i128::from(SCALE),
        )
    }

    /// Whether nothing stands after the point.
    #[must_use]
    pub const fn is_whole(self) -> bool {
        self.0 % SCALE == 0
    }
}

impl fmt::Display for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.0 < 0 { "-" } else { "" };
        let (whole, fraction) = (self.0.abs() / SCALE, self.0.abs() % SCALE);
        if fraction == 0 {
            return write!(f, "{sign}{whole}");
        }
        let fraction = format!("{fraction:06}");
        write!(f, "{sign}{whole}.{}", fraction.trim_end_matches('0'))
    }
}

impl Serialize for Decimal {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.is_whole() {
            return serializer.serialize_i64(self.0 / SCALE);
        }
        // At most fifteen digits: the shortest form of the double is the decimal itself.
        self.to_string()
            .parse::<f64>()
            .map_err(serde::ser::Error::custom)
            .and_then(|number| serializer.serialize_f64(number))
    }
}

impl<'de> Deserialize<'de> for Decimal {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader;
        impl Visitor<'_> for Reader {
            type Value = Decimal;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a number with at most six digits after the point")
            }

            fn visit_i64<E: de::Error>(self, n: i64) -> Result<Decimal, E> {
                Decimal::whole(n).ok_or_else(|| E::custom("number out of range"))
            }

            fn visit_u64<E: de::Error>(self, n: u64) -> Result<Decimal, E> {
                i64::try_from(n)
                    .ok()
                    .and_then(Decimal::whole)
                    .ok_or_else(|| E::custom("number out of range"))
            }

            fn visit_f64<E: de::Error>(self, n: f64) -> Result<Decimal, E> {
                Decimal::parse(&n.to_string())
                    .ok_or_else(|| E::custom("not a number with at most six digits after the point"))
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Decimal, E> {
                Decimal::parse(text)
                    .ok_or_else(|| E::custom("not a number with at most six digits after the point"))
            }
        }
        deserializer.deserialize_any(Reader)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn reads_and_writes_plain_decimals_only() {
        for (text, shown) in [("7", "7"), ("3.60", "3.6"), ("-0.5", "-0.5"), ("08", "8")] {
            assert_eq!(
                Decimal::parse(text).map(|d| d.to_string()).as_deref(),
                Some(shown),
                "{text}"
            );
        }
        for text in [
            "",
            "-",
            ".5",
            "5.",
            "1e3",
            "1,000",
            "+1",
            "0.1234567",
            "1000000000",
            "٣",
            "inf",
            "1 ",
        ] {
            assert_eq!(Decimal::parse(text), None, "{text}");
        }
    }

    #[test]
    fn the_floor_does_not_slip() {
        // 3.6 × 2.5 = 9; in doubles 3.6 × 25 ÷ 10 may fall just below.
        for tenths in 0..=100 {
            let score = Decimal::ratio(tenths, 10).expect("in range");
            assert_eq!(score.scaled_floor(25, 10), i64::try_from(tenths * 25 / 100).ok());
        }
        assert_eq!(
            Decimal::ratio(1, 3).map(|d| d.to_string()).as_deref(),
            Some("0.333333")
        );
        assert_eq!(Decimal::ratio(1, 0), None);
    }

    proptest! {
        #[test]
        fn json_keeps_every_digit(units in -LIMIT..=LIMIT) {
            let before = Decimal(units);
            let text = serde_json::to_string(&before).expect("writes");
            prop_assert_eq!(serde_json::from_str::<Decimal>(&text).expect("reads"), before);
            prop_assert_eq!(Decimal::parse(&before.to_string()), Some(before));
        }
    }
}
