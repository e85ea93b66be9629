//! What scripts call: streams of records in, a result a record out, in the order of the file. Shapes as printed with `--json`.

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::decompose::{Decomposition, decompose};
use super::input::{Described, Item, Records, Refused};
use super::model::{Band, TaskId};
use super::rules::Rules;
use crate::engine::error::Result;
use crate::engine::operation::{Control, Progress};

/// How many bytes of records are worked on at once.
const BATCH: usize = 2 * 1024 * 1024;

/// A line of `tasks score --json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScoreLine {
    /// The task's id as given.
    pub id: TaskId,
    /// 0 to 10.
    pub score: u8,
    /// Its band.
    pub band: Band,
    /// Which structure and which words.
    pub reasons: Vec<String>,
}

/// What a stream came to. Its average feeds the readiness question.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Tally {
    /// Records read.
    pub total: u64,
    /// Records answered.
    pub done: u64,
    /// Records set aside.
    pub quarantined: u64,
    /// The mean score of those answered, 0 to 10; 0 when there is none.
    pub average_score: f64,
    /// How many by band: low, medium, high.
    pub bands: [u64; 3],
}

/// What a stream says for each record.
#[derive(Debug)]
pub enum Line<T> {
    /// Its result.
    Result(T),
    /// It was set aside.
    Refused(Box<Refused>),
}

/// Scores every record.
///
/// # Errors
/// What reading or `emit` fails with; `Interrupted` at a safe point.
pub fn score_stream(
    records: Records,
    rules: &Rules,
    control: &Control,
    mut emit: impl FnMut(Line<ScoreLine>) -> Result<()>,
) -> Result<Tally> {
    decompose_stream(records, rules, control, |line| {
        emit(match line {
            Line::Refused(refused) => Line::Refused(refused),
            Line::Result(made) => Line::Result(ScoreLine {
                id: made.id,
                score: made.parallelism.score,
                band: made.parallelism.band,
                reasons: made.reasons,
            }),
        })
    })
}

/// Decomposes every record.
///
/// # Errors
/// What reading or `emit` fails with; `Interrupted` at a safe point.
pub fn decompose_stream(
    mut records: Records,
    rules: &Rules,
    control: &Control,
    mut emit: impl FnMut(Line<Decomposition>) -> Result<()>,
) -> Result<Tally> {
    records.heed(control);
    let mut tally = Tally::default();
    let mut sum = 0.0;
    loop {
        control.safe_point()?;
        let items = records.batch(BATCH)?;
        if items.is_empty() {
            break;
        }
        let first = tally.total;
        tally.total += items.len() as u64;
        let lines: Vec<Line<Decomposition>> = items
            .into_par_iter()
            .enumerate()
            .with_min_len(32)
            .map(|(i, item)| match item {
                Item::Bad(refused) => Line::Refused(Box::new(refused)),
                Item::Record(raw) => match Described::read(&raw, first + i as u64 + 1) {
                    Ok(task) => Line::Result(decompose(task.id, &task.description, rules)),
                    Err(refused) => Line::Refused(refused),
                },
            })
            .collect();
        for line in lines {
            match &line {
                Line::Result(made) => {
                    tally.done += 1;
                    sum += f64::from(made.parallelism.score);
                    tally.bands[match made.parallelism.band {
                        Band::Low => 0,
                        Band::Medium => 1,
                        Band::High => 2,
                    }] += 1;
                }
                Line::Refused(_) => tally.quarantined += 1,
            }
            emit(line)?;
        }
        control.progress(Progress {
            done: tally.done,
            quarantined: tally.quarantined,
            unit: "tasks".to_owned(),
            phase: "scoring".to_owned(),
            bytes: records.bytes_read(),
            ..Progress::default()
        });
    }
    if tally.done > 0 {
        #[expect(clippy::cast_precision_loss, reason = "a count far below 2^53")]
        let done = tally.done as f64;
        tally.average_score = sum / done;
    }
    Ok(tally)
}
