//! A file of samples, judged line by line as a stream: nothing of the past is kept but the evaluator's window.

use std::io::{BufRead, Read as _};

use serde::Serialize;
use serde_json::value::RawValue;

use super::evaluator::Evaluator;
use super::json::{self, Line};
use super::sample::{Gap, Sample};
use super::verdict::{Aside, Criterion, Verdict};
use crate::engine::error::Result;
use crate::engine::operation::{Control, Progress};
use crate::engine::stopping::read_error;

/// A longer line is no sample.
const LONGEST: u64 = 1024 * 1024;
/// Lines between two looks at the stop flag.
const BREATH: u64 = 4096;

/// What is printed for a sample. The first seven fields are a contract; the rest may grow.
#[derive(Debug, Serialize)]
pub struct Judgement<'a> {
    /// `at` as the sample gave it, or null.
    pub at: Option<&'a RawValue>,
    /// `pass`, `breach` or `unknown`.
    pub verdict: &'static str,
    /// Whether the verdict stays.
    pub latched: bool,
    /// The sum of this sample.
    pub score: u32,
    /// Whether to roll back.
    pub should_rollback: bool,
    /// Why, a sentence each.
    pub reasons: Vec<String>,
    /// What to do.
    pub recommendation: &'static str,
    /// What each criterion adds.
    pub addends: Addends,
    /// Samples in a row without data, and how many are allowed.
    pub unknown: Budget,
    /// Somebody is called with this sample.
    pub page: bool,
    /// `doubled` or `late` when the sample was not judged.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub aside: Option<Aside>,
}

/// The addends of the score.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Addends {
    /// Of the error rate.
    pub error_rate: u32,
    /// Of the degradation.
    pub degradation: u32,
    /// Of the availability.
    pub availability: u32,
    /// Of the validation.
    pub validation: u32,
}

/// The budget for unknowns.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Budget {
    /// Used.
    pub used: u32,
    /// Allowed.
    pub budget: u32,
    /// Spent.
    pub spent: bool,
}

impl<'a> Judgement<'a> {
    /// The line for a verdict.
    #[must_use]
    pub fn of(verdict: &Verdict, evaluator: &Evaluator, at: Option<&'a RawValue>) -> Self {
        let addend = |criterion| verdict.of(criterion).addend;
        let criteria = evaluator.criteria();
        Self {
            at,
            verdict: verdict.word.name(),
            latched: verdict.latched(),
            score: verdict.score,
            should_rollback: verdict.should_roll_back,
            reasons: verdict.reasons(criteria),
            recommendation: verdict.recommendation(criteria),
            addends: Addends {
                error_rate: addend(Criterion::ErrorRate),
                degradation: addend(Criterion::Degradation),
                availability: addend(Criterion::Availability),
                validation: addend(Criterion::Validation),
            },
            unknown: Budget {
                used: verdict.unknown_used,
                budget: criteria.unknown_budget,
                spent: verdict.frozen,
            },
            page: verdict.page,
            aside: verdict.aside,
        }
    }
}

/// What a replay came to.
#[derive(Debug, Clone, Copy, Default, Serialize)]
pub struct Replayed {
    /// Samples read.
    pub samples: u64,
    /// Doubled or late ones among them.
    pub aside: u64,
    /// The verdict after the last.
    #[serde(skip)]
    pub end: Option<Verdict>,
}

/// Judges every line of `reader` and gives each verdict to `emit`, in the order of the file.
///
/// # Errors
/// What reading or `emit` fails with; `Interrupted` at a safe point.
pub fn replay(
    mut reader: impl BufRead,
    evaluator: &mut Evaluator,
    control: &Control,
    mut emit: impl FnMut(&Verdict, &Evaluator, Option<&RawValue>) -> Result<()>,
) -> Result<Replayed> {
    let mut done = Replayed::default();
    let mut buffer = Vec::new();
    let mut lines = 0_u64;
    while next_line(&mut reader, &mut buffer)? {
        if lines.is_multiple_of(BREATH) {
            control.safe_point()?;
            control.progress(Progress {
                done: done.samples,
                unit: "samples".to_owned(),
                phase: "judging".to_owned(),
                ..Progress::default()
            });
        }
        lines += 1;
        // Some editors begin a file with the mark of its byte order.
        let text = if lines == 1 {
            buffer.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&buffer)
        } else {
            &buffer
        };
        let text = text.trim_ascii();
        if text.is_empty() {
            continue;
        }
        let read = if text.len() as u64 > LONGEST {
            Line::Sample(Box::new(Sample::lost(None, Gap::Unreadable)), None)
        } else {
            json::line(text)
        };
        match read {
            Line::Baseline(seconds) => evaluator.set_baseline(seconds),
            Line::Sample(sample, at) => {
                let verdict = evaluator.push(&sample);
                done.samples += 1;
                done.aside += u64::from(verdict.aside.is_some());
                done.end = Some(verdict);
                let at = at.and_then(|at| RawValue::from_string(at).ok());
                emit(&verdict, evaluator, at.as_deref())?;
            }
        }
    }
    Ok(done)
}

/// Reads one line, of which no more than a little over the longest is kept.
fn next_line(reader: &mut impl BufRead, buffer: &mut Vec<u8>) -> Result<bool> {
    let failed = |error: std::io::Error| read_error("the samples", &error);
    buffer.clear();
    let read = reader
        .by_ref()
        .take(LONGEST + 2)
        .read_until(b'\n', buffer)
        .map_err(failed)?;
    if read as u64 == LONGEST + 2 && buffer.last() != Some(&b'\n') {
        reader.skip_until(b'\n').map_err(failed)?;
    }
    Ok(read > 0)
}
