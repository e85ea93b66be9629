//! Bars with eighths, limits and chunk maps, and sparklines. None stands without its number; the caller writes it.

use crate::tui::paint::{Painter, Row};
use crate::tui::style::{Glyphs, Role};

/// A bar over the painter's whole first row.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Bar {
    /// From 0 to 1; beyond 1 the bar goes off its scale. `None`: not known, hollow.
    pub share: Option<f64>,
    /// Where the limit stands on the bar, from 0 to 1.
    pub limit: Option<f64>,
}

impl Bar {
    /// A bar without a limit.
    #[must_use]
    pub const fn share(share: f64) -> Self {
        Self {
            share: Some(share),
            limit: None,
        }
    }

    /// `done` of `total`; a total of nothing is full, since nothing is missing.
    #[must_use]
    pub fn of(done: u64, total: u64) -> Self {
        #[expect(clippy::cast_precision_loss, reason = "a bar has a few hundred steps")]
        let share = if total == 0 {
            1.0
        } else {
            done as f64 / total as f64
        };
        // A bar must not look full before the counts are equal; the number beside it is floored as well.
        Self::share(if done < total { share.min(0.999) } else { 1.0 })
    }
}

/// The signs of a bar of `width` cells.
#[must_use]
pub fn signs(glyphs: &Glyphs, bar: Bar, width: u16) -> Vec<&'static str> {
    let cells = usize::from(width);
    if cells == 0 {
        return Vec::new();
    }
    let Some(share) = bar.share.filter(|share| share.is_finite()) else {
        let mut out = vec![glyphs.no_sample; cells];
        if let Some(at) = limit_cell(bar.limit, cells) {
            out[at] = glyphs.limit;
        }
        return out;
    };
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "between 0 and eight times a few hundred"
    )]
    let eighths = (share.clamp(0.0, 1.0) * cells as f64 * 8.0).floor() as usize;
    let mut out: Vec<&'static str> = (0..cells)
        .map(|cell| match eighths.saturating_sub(cell * 8) {
            8.. => glyphs.full,
            0 => glyphs.empty,
            part => match glyphs.eighths[part - 1] {
                "" => glyphs.empty,
                sign => sign,
            },
        })
        .collect();
    if share > 1.0 {
        out[cells - 1] = glyphs.off_scale;
    }
    if let Some(at) = limit_cell(bar.limit, cells) {
        let passed = bar.limit.is_some_and(|limit| share > limit);
        out[at] = if passed { glyphs.limit_passed } else { glyphs.limit };
    }
    out
}

fn limit_cell(limit: Option<f64>, cells: usize) -> Option<usize> {
    let limit = limit.filter(|limit| (0.0..=1.0).contains(limit))?;
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "between 0 and a few hundred"
    )]
    let cell = (limit * cells as f64) as usize;
    Some(cell.min(cells - 1))
}

/// Draws a bar over the painter's first row.
pub fn draw(painter: &mut Painter<'_>, bar: Bar, role: Role) {
    let glyphs = painter.glyphs();
    let width = painter.width();
    let full = glyphs.full;
    for (x, sign) in (0..).zip(signs(glyphs, bar, width)) {
        let filled = sign == full || glyphs.eighths.contains(&sign);
        let role = if filled || sign == glyphs.limit_passed || sign == glyphs.off_scale {
            role
        } else {
            Role::Muted
        };
        painter.put(x, 0, sign, role, 1);
    }
}

/// A bar as text, for rows that are built as text.
#[must_use]
pub fn text(glyphs: &Glyphs, bar: Bar, width: u16) -> String {
    signs(glyphs, bar, width).concat()
}

/// A bar as pieces of a row, filled and empty cells with roles of their own.
#[must_use]
pub fn onto(row: Row, column: u16, glyphs: &Glyphs, bar: Bar, width: u16, role: Role) -> Row {
    let mut runs: Vec<(String, Role)> = Vec::new();
    for sign in signs(glyphs, bar, width) {
        let filled = sign != glyphs.empty && sign != glyphs.no_sample && sign != glyphs.limit;
        let role = if filled { role } else { Role::Muted };
        match runs.last_mut() {
            Some((text, last)) if *last == role => text.push_str(sign),
            _ => runs.push((sign.to_owned(), role)),
        }
    }
    let mut row = row.at(column, "", Role::Text);
    for (text, role) in runs {
        row = row.then(text, role);
    }
    row
}

/// A sparkline over the last `width` samples; a missing one has its own sign, and a flat line stays low. Its top is the greatest
/// sample, but not less than `scale`: what is small beside its limit looks small.
#[must_use]
pub fn sparkline(glyphs: &Glyphs, samples: &[Option<f64>], width: u16, scale: f64) -> String {
    let start = samples.len().saturating_sub(usize::from(width));
    let shown = &samples[start..];
    let most = shown
        .iter()
        .flatten()
        .copied()
        .filter(|value| value.is_finite())
        .fold(scale, f64::max);
    shown
        .iter()
        .map(|sample| {
            let Some(value) = sample.filter(|value| value.is_finite()) else {
                return glyphs.no_sample;
            };
            let top = glyphs.spark.len() - 1;
            if most <= 0.0 {
                return glyphs.spark[0];
            }
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                clippy::cast_precision_loss,
                reason = "between 0 and nine"
            )]
            let level = (value.max(0.0) / most * top as f64).round() as usize;
            glyphs.spark[level.min(top)]
        })
        .collect()
}

/// Percent as it may be said: floored, at most 99 until the counts are equal, then `all`.
#[must_use]
pub fn percent(done: u64, total: u64) -> String {
    if done >= total {
        return "all".to_owned();
    }
    let share = u128::from(done) * 100 / u128::from(total);
    format!("{} %", share.min(99))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn eighths_limits_and_scales() {
        let unicode = |bar, width| text(&Glyphs::UNICODE, bar, width);
        assert_eq!(unicode(Bar::share(0.5), 4), "██░░");
        assert_eq!(unicode(Bar::share(0.5625), 4), "██▎░");
        assert_eq!(
            unicode(
                Bar {
                    share: Some(0.28),
                    limit: Some(0.7)
                },
                10
            ),
            "██▊░░░░│░░"
        );
        assert_eq!(
            unicode(
                Bar {
                    share: Some(1.4),
                    limit: Some(0.7)
                },
                10
            ),
            "███████┃█▸"
        );
        assert_eq!(
            unicode(
                Bar {
                    share: None,
                    limit: Some(0.7)
                },
                10
            ),
            "·······│··"
        );
        assert_eq!(text(&Glyphs::ASCII, Bar::share(0.5625), 4), "##--");
        assert_eq!(unicode(Bar::share(f64::NAN), 3), "···");
        assert_eq!(unicode(Bar::share(1.0), 0), "");
    }

    #[test]
    fn no_bar_is_full_and_no_percent_says_100_before_the_counts_are_equal() {
        assert_eq!(percent(1_204_265, 1_204_266), "99 %");
        assert_eq!(percent(1_204_266, 1_204_266), "all");
        assert_eq!(percent(0, 0), "all");
        assert_eq!(percent(609, 1000), "60 %");
        assert!(!text(&Glyphs::UNICODE, Bar::of(1_204_265, 1_204_266), 20).ends_with('█'));
        assert!(text(&Glyphs::UNICODE, Bar::of(5, 5), 20).ends_with('█'));
    }

    #[test]
    fn sparklines_show_missing_samples_as_such() {
        let samples = [Some(0.0), Some(3.0), None, Some(6.0)];
        assert_eq!(sparkline(&Glyphs::UNICODE, &samples, 8, 0.0), "▁▄·▇");
        assert_eq!(sparkline(&Glyphs::ASCII, &samples, 2, 0.0), "?9");
        assert_eq!(sparkline(&Glyphs::UNICODE, &samples, 8, 36.0), "▁▂·▂");
    }

    proptest! {
        #[test]
        fn a_bar_has_its_width_and_grows(a in 0.0f64..2.0, b in 0.0f64..2.0, width in 0u16..60) {
            let cells = |share| signs(&Glyphs::UNICODE, Bar::share(share), width);
            prop_assert_eq!(cells(a).len(), usize::from(width));
            let empty = |share| cells(share).iter().filter(|sign| **sign == "░").count();
            prop_assert!(a > b || empty(a) >= empty(b));
        }
    }
}
