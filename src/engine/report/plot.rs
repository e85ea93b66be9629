//! One figure over time as an SVG picture: its line, its limit, what happened then. Without scripts, fonts or anything from
//! outside, and readable on light and dark ground.

use std::fmt::Write as _;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

use super::html::escape;

/// The picture's size.
const WIDTH: i64 = 720;
const HEIGHT: i64 = 190;
/// The plot within it.
const LEFT: i64 = 58;
const RIGHT: i64 = 708;
const TOP: i64 = 26;
const BOTTOM: i64 = 158;
/// Columns at most: of more samples, each column shows the worst.
const COLUMNS: usize = 325;

/// What a mark stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Sign {
    /// The verdict changed.
    Verdict,
    /// The verdict became a breach.
    Breach,
    /// A person decided.
    Decided,
    /// Something was deployed.
    Deployed,
    /// Somebody was called.
    Paged,
}

impl Sign {
    /// The letter above the plot.
    #[must_use]
    pub const fn letter(self) -> &'static str {
        match self {
            Self::Verdict => "v",
            Self::Breach => "B",
            Self::Decided => "o",
            Self::Deployed => "d",
            Self::Paged => "p",
        }
    }

    /// What the letters mean.
    pub const LEGEND: &'static str = "B breach · v verdict changed · o decided · d deployed · p paged";
}

/// A figure over time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plot {
    /// Its stable name: `error_rate`.
    pub id: String,
    /// What it shows, with its last figure and its limit.
    pub title: String,
    /// Whether figures are shares, shown as percent.
    pub percent: bool,
    /// The limit, in millionths.
    pub limit: i64,
    /// Whether below the limit is bad.
    pub below: bool,
    /// Seconds since 1970, and the figure in millionths; `None` where it is not known.
    pub points: Vec<(i64, Option<i64>)>,
    /// Seconds since 1970, and what happened.
    pub marks: Vec<(i64, Sign)>,
}

/// One column: its place across, and its figure.
type Column = (i64, Option<i64>);

impl Plot {
    /// The file of the picture beside a report that cannot hold it.
    #[must_use]
    pub fn file(&self) -> String {
        format!("monitor-{}.svg", self.id)
    }

    /// The picture.
    #[must_use]
    pub fn svg(&self, zone: &TimeZone) -> String {
        let mut out = String::new();
        // Writing to a String cannot fail.
        let _ = self.write(&mut out, zone);
        out
    }

    fn span(&self) -> (i64, i64) {
        let first = self.points.first().map_or(0, |(at, _)| *at);
        let last = self.points.last().map_or(0, |(at, _)| *at);
        (first, last.max(first + 1))
    }

    fn across(&self, at: i64) -> i64 {
        let (first, last) = self.span();
        LEFT + (at - first).saturating_mul(RIGHT - LEFT) / (last - first)
    }

    /// The least and the greatest of the scale, round, with the limit inside.
    fn scale(&self) -> (i64, i64, i64) {
        let values = self.points.iter().filter_map(|(_, value)| *value);
        let (mut low, mut high) = (self.limit.min(0), self.limit);
        if self.below {
            low = self.limit;
            high = 1_000_000;
        }
        for value in values {
            (low, high) = (low.min(value), high.max(value));
        }
        let wide = (high - low).max(1);
        let mut step = 1_000;
        'found: for power in [10_i64, 100, 1_000, 10_000, 100_000, 1_000_000, 10_000_000] {
            for factor in [1, 2, 5] {
                step = (power * 100 * factor).max(if self.percent { 1_000 } else { 1_000_000 });
                if wide / step < 4 {
                    break 'found;
                }
            }
        }
        let round_up = |value: i64| (value + step - 1).div_euclid(step) * step;
        let bottom = low.div_euclid(step) * step;
        let top = round_up(high + wide / 20).max(bottom + step);
        let top = if self.below && high <= 1_000_000 {
            top.min(1_000_000.max(round_up(high)))
        } else {
            top
        };
        (bottom, top, step)
    }

    fn columns(&self) -> Vec<Column> {
        let worse = |a: i64, b: i64| if self.below { a.min(b) } else { a.max(b) };
        let every = self.points.len().div_ceil(COLUMNS).max(1);
        self.points
            .chunks(every)
            .filter_map(|chunk| {
                let at = chunk.first()?.0;
                let value = chunk.iter().filter_map(|(_, value)| *value).reduce(worse);
                Some((self.across(at), value))
            })
            .collect()
    }

    fn label(&self, value: i64) -> String {
        if self.percent {
            #[expect(clippy::cast_precision_loss, reason = "a scale's step")]
            return crate::engine::monitor::verdict::short_percent(value as f64 / 1e6);
        }
        (value / 1_000_000).to_string()
    }

    fn write(&self, out: &mut String, zone: &TimeZone) -> std::fmt::Result {
        let title = escape(&self.title);
        writeln!(
            out,
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" width=\"{WIDTH}\" height=\"{HEIGHT}\" \
             role=\"img\" aria-label=\"{title}\" style=\"max-width:100%;height:auto\" font-family=\"system-ui, sans-serif\" \
             font-size=\"11\">"
        )?;
        writeln!(out, "<title>{title}</title>")?;
        // Its own ground and ink, so that it reads wherever it is put.
        writeln!(
            out,
            "<rect width=\"{WIDTH}\" height=\"{HEIGHT}\" rx=\"4\" fill=\"#fbfbfa\"/>"
        )?;
        writeln!(
            out,
            "<text x=\"{LEFT}\" y=\"14\" fill=\"#222\" font-weight=\"600\">{title}</text>"
        )?;
        let (bottom, top, step) = self.scale();
        let down =
            |value: i64| BOTTOM - (value - bottom).saturating_mul(BOTTOM - TOP) / (top - bottom).max(1);
        let mut level = bottom;
        while level <= top {
            let y = down(level);
            writeln!(
                out,
                "<path d=\"M{LEFT} {y}H{RIGHT}\" stroke=\"#e3e3df\"/><text x=\"{}\" y=\"{}\" text-anchor=\"end\" \
                 fill=\"#666\">{}</text>",
                LEFT - 6,
                y + 4,
                escape(&self.label(level))
            )?;
            level += step;
        }
        self.times(out, zone)?;
        let columns = self.columns();
        Self::gaps(out, &columns)?;
        let y = down(self.limit);
        writeln!(
            out,
            "<path d=\"M{LEFT} {y}H{RIGHT}\" stroke=\"#b3261e\" stroke-width=\"1.5\" stroke-dasharray=\"6 4\"/><text x=\"{RIGHT}\" \
             y=\"{}\" text-anchor=\"end\" fill=\"#b3261e\">limit {}</text>",
            if y < TOP + 14 { y + 12 } else { y - 4 },
            escape(&self.label(self.limit))
        )?;
        self.marked(out)?;
        for run in columns.split(|(_, value)| value.is_none()) {
            let places: Vec<String> = run
                .iter()
                .filter_map(|(x, value)| Some(format!("{x},{}", down((*value)?))))
                .collect();
            match places.as_slice() {
                [] => {}
                [one] => {
                    let (x, y) = one.split_once(',').unwrap_or_default();
                    writeln!(out, "<circle cx=\"{x}\" cy=\"{y}\" r=\"2.5\" fill=\"#1f4e8c\"/>")?;
                }
                many => writeln!(
                    out,
                    "<polyline points=\"{}\" fill=\"none\" stroke=\"#1f4e8c\" stroke-width=\"2\" stroke-linejoin=\"round\"/>",
                    many.join(" ")
                )?,
            }
        }
        writeln!(out, "</svg>")
    }

    /// Where nothing is known, a band says so.
    fn gaps(out: &mut String, columns: &[Column]) -> std::fmt::Result {
        let mut from = None;
        for (index, (x, value)) in columns.iter().enumerate() {
            if value.is_none() && from.is_none() {
                from = Some(*x);
            }
            let last = index + 1 == columns.len();
            if let Some(begin) = from.filter(|_| value.is_some() || last) {
                let wide = (x - begin).max(3);
                writeln!(
                    out,
                    "<rect x=\"{begin}\" y=\"{TOP}\" width=\"{wide}\" height=\"{}\" fill=\"#e9e4f2\"/>",
                    BOTTOM - TOP
                )?;
                if wide >= 12 {
                    writeln!(
                        out,
                        "<text x=\"{}\" y=\"{}\" text-anchor=\"middle\" fill=\"#6b5a8e\">?</text>",
                        begin + wide / 2,
                        BOTTOM - 6
                    )?;
                }
                from = None;
            }
        }
        Ok(())
    }

    fn marked(&self, out: &mut String) -> std::fmt::Result {
        let (first, last) = self.span();
        let mut written = i64::MIN;
        for (at, sign) in self.marks.iter().filter(|(at, _)| (first..=last).contains(at)) {
            let x = self.across(*at);
            let ink = if *sign == Sign::Breach {
                "#b3261e"
            } else {
                "#7a7a74"
            };
            writeln!(
                out,
                "<path d=\"M{x} {TOP}V{BOTTOM}\" stroke=\"{ink}\" stroke-dasharray=\"2 3\"/>"
            )?;
            // Letters that would stand on each other are left to the table.
            if x >= written.saturating_add(9) {
                writeln!(
                    out,
                    "<text x=\"{x}\" y=\"{}\" text-anchor=\"middle\" fill=\"{ink}\">{}</text>",
                    TOP - 2,
                    sign.letter()
                )?;
                written = x;
            }
        }
        Ok(())
    }

    fn times(&self, out: &mut String, zone: &TimeZone) -> std::fmt::Result {
        let (first, last) = self.span();
        let form = if last - first > 86_400 {
            "%d %b %H:%M"
        } else {
            "%H:%M"
        };
        for (part, anchor) in [
            (0, "start"),
            (1, "middle"),
            (2, "middle"),
            (3, "middle"),
            (4, "end"),
        ] {
            let at = first + (last - first) * part / 4;
            let said = Timestamp::from_second(at)
                .map(|at| at.to_zoned(zone.clone()).strftime(form).to_string())
                .unwrap_or_default();
            writeln!(
                out,
                "<text x=\"{}\" y=\"{}\" text-anchor=\"{anchor}\" fill=\"#666\">{said}</text>",
                self.across(at),
                BOTTOM + 18
            )?;
        }
        Ok(())
    }
}
