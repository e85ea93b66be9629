//! The progress of an operation, the same for every step: committed counts with bars, rate, honest time left, stall.
//!
//! Percent is floored and never 100 before the counts are equal. The time left is said after 1 % and 5 s, changes
//! every 2 s at most, and is withheld when the rate has fallen to a quarter of the run's mean or nothing moved for 10 s.

use std::time::Duration;

use crate::engine::operation::Progress;
use crate::engine::snapshot::{Activity, Step};
use crate::engine::text::count;
use crate::tui::clock::about;
use crate::tui::paint::{Row, keep};
use crate::tui::style::{Glyphs, Role};
use crate::tui::text;
use crate::tui::widgets::bar::{self, Bar};

/// Nothing moved for this long: no estimate.
const QUIET: Duration = Duration::from_secs(10);
/// Nothing moved for this long: say so.
const STALL: Duration = Duration::from_secs(30);
/// The time left changes at most this often.
const STEADY: Duration = Duration::from_secs(2);

/// What is remembered between frames so that the figures are calm.
#[derive(Debug, Clone, Default)]
pub struct Pace {
    moved: Option<(u64, u64, Duration)>,
    said: Option<(Duration, Option<String>)>,
}

/// The figures of one frame.
#[derive(Debug, Clone, PartialEq)]
pub struct Figures {
    /// Items a second over the last ten seconds.
    pub rate: Option<f64>,
    /// Items a second since the start.
    pub mean: Option<f64>,
    /// `about 7 s`, or `None` when there is no honest estimate.
    pub left: Option<String>,
    /// Seconds without any progress, once they are worth a sentence.
    pub stalled: Option<u64>,
}

impl Pace {
    /// Takes the step's latest progress at `mono`.
    pub fn figures(&mut self, step: &Step, mono: Duration) -> Figures {
        let nothing = Figures {
            rate: None,
            mean: None,
            left: None,
            stalled: None,
        };
        let Some(progress) = &step.progress else {
            *self = Self::default();
            return nothing;
        };
        let mark = (progress.done.max(progress.proved), progress.bytes);
        let since = match self.moved {
            Some((done, bytes, at)) if (done, bytes) == mark => at,
            _ => {
                self.moved = Some((mark.0, mark.1, mono));
                mono
            }
        };
        let quiet = mono.saturating_sub(since);
        let running = step.activity == Activity::Running;
        let rate = step.items_per_second().filter(|_| quiet < QUIET);
        let mean = mean(progress);
        let left = if quiet >= QUIET || !running {
            None
        } else {
            estimate(progress, rate, mean)
        };
        let left = match &self.said {
            // A change that comes too soon waits; a withdrawn estimate does not.
            Some((at, said)) if left.is_some() && said.is_some() && mono.saturating_sub(*at) < STEADY => {
                said.clone()
            }
            _ => {
                self.said = Some((mono, left.clone()));
                left
            }
        };
        let stalled = (running && quiet >= STALL).then_some(quiet.as_secs());
        Figures {
            rate,
            mean,
            left,
            stalled,
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "three figures are shown")]
fn mean(progress: &Progress) -> Option<f64> {
    (progress.elapsed_s > 1.0).then(|| progress.done.max(progress.proved) as f64 / progress.elapsed_s)
}

#[expect(clippy::cast_precision_loss, reason = "rounded up to seconds or more")]
fn estimate(progress: &Progress, rate: Option<f64>, mean: Option<f64>) -> Option<String> {
    let total = progress.total?;
    let done = progress.done;
    let rate = rate.filter(|rate| *rate > 0.0)?;
    let early = progress.elapsed_s < 5.0 || (done as f64) < (total as f64) * 0.01;
    let fallen = mean.is_some_and(|mean| rate < mean / 4.0);
    if early || fallen || done >= total {
        return None;
    }
    Some(about((total - done) as f64 / rate))
}

/// A rate with three figures: `71,300`, `9.4`.
#[must_use]
pub fn figures3(rate: f64) -> String {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "clamped to what a u64 holds"
    )]
    let whole = |value: f64| value.clamp(0.0, 1.0e18).round() as u64;
    if !rate.is_finite() {
        "?".to_owned()
    } else if rate >= 999.5 {
        let (mut shown, mut scale) = (rate, 1_u64);
        while shown >= 999.5 && scale < 1_000_000_000_000_000 {
            shown /= 10.0;
            scale *= 10;
        }
        count(whole(shown).saturating_mul(scale))
    } else if rate >= 99.95 {
        whole(rate).to_string()
    } else if rate >= 9.995 {
        format!("{rate:.1}")
    } else {
        format!("{rate:.2}")
    }
}

/// The panel: counts and bars first, then rate and time, then what is being worked on.
#[must_use]
pub fn panel(step: &Step, figures: &Figures, glyphs: &Glyphs, width: u16) -> Vec<Row> {
    let Some(progress) = &step.progress else {
        return vec![Row::prose("Starting.", Role::Muted).keep(keep::FIGURE)];
    };
    let mut rows = vec![counted(
        &text::sentence(&progress.unit),
        progress.done,
        progress.total,
        glyphs,
        width,
    )];
    if progress.proved > 0 {
        rows.push(counted("Proved", progress.proved, progress.total, glyphs, width));
    }
    let mut aside = Row::new().at(1, "Quarantined", Role::Text);
    let role = if progress.quarantined > 0 {
        Role::Warn
    } else {
        Role::Muted
    };
    aside = aside.at(14, count(progress.quarantined), role).keep(keep::FIGURE);
    rows.push(aside);
    rows.push(Row::blank());
    rows.push(pace_row(step, progress, figures).keep(keep::FIGURE));
    if let Some(seconds) = figures.stalled {
        let sentence = format!("No progress for {seconds} s: cause not known. L shows the last statements.");
        rows.push(Row::prose(sentence, Role::Warn).keep(keep::FIGURE));
    }
    if !progress.running.is_empty() {
        rows.push(Row::blank());
        for (index, item) in progress.running.iter().enumerate() {
            let label = if index == 0 { "Running" } else { "" };
            rows.push(
                Row::new()
                    .at(1, label, Role::Muted)
                    .at(14, crate::engine::text::inert(item), Role::Text)
                    .middle(width.saturating_sub(15))
                    .keep(keep::EXTRA),
            );
        }
    }
    rows
}

/// `Rows     741,640 of 1,204,266   ██████░░░░   61 %`; without a total, the count alone.
#[must_use]
pub fn counted(label: &str, done: u64, total: Option<u64>, glyphs: &Glyphs, width: u16) -> Row {
    let row = Row::new().at(1, label, Role::Text).keep(keep::ALWAYS);
    let Some(total) = total else {
        return row
            .at(14, count(done), Role::Critical)
            .then(" so far, total not known", Role::Muted);
    };
    let of = count(total);
    let number = text::pad_left(&count(done), text::width(&of));
    let said = format!("{number} of {of}");
    let bar_at = 14 + text::cells(&said) + 3;
    let bar_width = width.saturating_sub(bar_at + 8);
    let row = row.at(14, said, Role::Critical);
    let row = if bar_width >= 6 {
        bar::onto(row, bar_at, glyphs, Bar::of(done, total), bar_width, Role::Accent)
    } else {
        row
    };
    row.right(1, bar::percent(done, total), Role::Text)
}

fn pace_row(step: &Step, progress: &Progress, figures: &Figures) -> Row {
    let mut parts = Vec::new();
    if let Some(total) = progress.bytes_total {
        parts.push(format!(
            "{} of {}",
            text::bytes(progress.bytes),
            text::bytes(total)
        ));
    }
    if step.activity == Activity::Running {
        match figures.rate {
            Some(rate) => {
                let mean = figures
                    .mean
                    .map(|mean| format!(" now, {} mean", figures3(mean)))
                    .unwrap_or_default();
                parts.push(format!("{} {}/s{mean}", figures3(rate), progress.unit));
            }
            None => parts.push(format!("{}/s not known", progress.unit)),
        }
        if let Some(rate) = step.bytes_per_second().filter(|rate| *rate > 0.0) {
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "a positive rate"
            )]
            parts.push(format!("{}/s", text::bytes(rate as u64)));
        }
        let done = progress.total.is_some_and(|total| progress.done >= total);
        if !done {
            parts.push(
                figures
                    .left
                    .clone()
                    .map_or_else(|| "no estimate".to_owned(), |left| format!("{left} left")),
            );
        }
    }
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "seconds of a run"
    )]
    let elapsed = text::duration(progress.elapsed_s.max(0.0) as u64);
    Row::new()
        .at(1, parts.join("    "), Role::Text)
        .right(1, format!("elapsed {elapsed}"), Role::Muted)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::snapshot::RatePoint;

    fn step(done: u64, total: u64, elapsed_s: f64, rate: f64) -> Step {
        let progress = Progress {
            done,
            total: Some(total),
            unit: "rows".to_owned(),
            phase: "copying".to_owned(),
            elapsed_s,
            ..Progress::default()
        };
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a test's figures"
        )]
        let before = done.saturating_sub((rate * 2.0) as u64);
        let point = |elapsed_s, done| RatePoint {
            elapsed_s,
            done,
            bytes: 0,
        };
        Step {
            activity: Activity::Running,
            progress: Some(progress),
            rate: [point(elapsed_s - 2.0, before), point(elapsed_s, done)].into(),
            ..Step::default()
        }
    }

    fn left(step: &Step) -> Option<String> {
        Pace::default().figures(step, Duration::from_secs(100)).left
    }

    #[test]
    fn an_estimate_waits_for_one_percent_and_five_seconds() {
        assert_eq!(
            left(&step(5_000, 10_000, 10.0, 500.0)).as_deref(),
            Some("about 10 s")
        );
        assert_eq!(left(&step(5_000, 10_000, 4.9, 500.0)), None);
        assert_eq!(left(&step(99, 10_000, 6.0, 16.0)), None);
        assert_eq!(left(&step(10_000, 10_000, 10.0, 500.0)), None);
    }

    #[test]
    fn an_estimate_is_withheld_when_the_rate_has_halved_twice() {
        assert_eq!(left(&step(5_000, 10_000, 10.0, 120.0)), None);
        assert!(left(&step(5_000, 10_000, 10.0, 130.0)).is_some());
    }

    #[test]
    fn an_estimate_is_calm_and_ends_when_nothing_moves() {
        let mut pace = Pace::default();
        let seconds = Duration::from_secs;
        assert_eq!(
            pace.figures(&step(5_000, 10_000, 10.0, 500.0), seconds(0))
                .left
                .as_deref(),
            Some("about 10 s")
        );
        let later = step(6_000, 10_000, 11.0, 500.0);
        assert_eq!(
            pace.figures(&later, seconds(1)).left.as_deref(),
            Some("about 10 s"),
            "too soon to change"
        );
        assert_eq!(
            pace.figures(&later, seconds(3)).left.as_deref(),
            Some("about 8 s")
        );
        assert_eq!(
            pace.figures(&later, seconds(11)).left,
            None,
            "nothing moved for 10 s"
        );
        assert_eq!(pace.figures(&later, seconds(30)).stalled, None);
        assert_eq!(pace.figures(&later, seconds(35)).stalled, Some(34));
    }

    #[test]
    fn rates_have_three_figures() {
        let cases = [
            (71_342.0, "71,300"),
            (9.417, "9.42"),
            (42.36, "42.4"),
            (998.7, "999"),
            (1234.0, "1,230"),
        ];
        for (rate, shown) in cases {
            assert_eq!(figures3(rate), shown);
        }
    }

    #[test]
    fn the_panel_never_says_done() {
        let step = step(9_999, 10_000, 10.0, 500.0);
        let figures = Pace::default().figures(&step, Duration::ZERO);
        let text: String = panel(&step, &figures, &Glyphs::UNICODE, 78)
            .iter()
            .map(|row| row.plain() + "\n")
            .collect();
        assert!(text.contains("99 %"), "{text}");
        assert!(
            !text.contains("100 %") && !text.to_lowercase().contains("done"),
            "{text}"
        );
    }
}
