//! The run: test by test, each in the journal before it begins and when it has ended, each under its deadline, and nothing of it
//! left in MAOS.

use std::time::{Duration, Instant};

use serde_json::{Map, Value};

use super::bench::{Bench, Halt, Lab, Seen};
use super::catalogue::Test;
use super::judge::Verdict;
use super::tests;
use crate::engine::error::Result;
use crate::engine::item::{Item, ItemState};
use crate::engine::operation::{Control, Notice, Progress};
use crate::engine::ports::clock::millis;

/// Beyond its deadline a test gets this long to see the last answer, before it is ended from outside.
const GRACE: Duration = Duration::from_secs(30);

/// Cancels what tests left behind that were cut short; `lines` are those of an earlier run.
pub async fn sweep(lab: &Lab, lines: &[Item]) {
    let cut_short = lines.iter().filter(|line| line.state == ItemState::Running);
    for verdict in cut_short.filter_map(Verdict::of) {
        for id in verdict.submitted {
            // One that has ended meanwhile cannot be cancelled, and need not be.
            let _ = lab.maos.cancel(id).await;
        }
    }
}

/// Runs `tests` in order and gives their lines.
///
/// # Errors
/// [`crate::engine::ErrorKind::Interrupted`] at a stop; tests that ended are in the journal. That a test fails is no error.
pub async fn run(lab: &Lab, tests: &[&Test], control: &Control) -> Result<Vec<Item>> {
    let total = tests.len() as u64;
    let mut lines = Vec::new();
    for test in tests {
        control.safe_point_async().await?;
        let failed = lines
            .iter()
            .filter(|line: &&Item| line.state == ItemState::Failed)
            .count() as u64;
        control.progress(Progress {
            done: lines.len() as u64,
            total: Some(total),
            quarantined: failed,
            unit: "tests".to_owned(),
            phase: "testing".to_owned(),
            running: vec![test.name.clone()],
            ..Progress::default()
        });
        lines.push(one(lab, test, control).await?);
    }
    control.progress(Progress {
        done: total,
        total: Some(total),
        quarantined: lines
            .iter()
            .filter(|line| line.state == ItemState::Failed)
            .count() as u64,
        unit: "tests".to_owned(),
        phase: "testing".to_owned(),
        ..Progress::default()
    });
    Ok(lines)
}

/// Runs one test. Also what a monitor or an upgrade asks for by itself.
///
/// # Errors
/// As [`run`].
pub async fn one(lab: &Lab, test: &Test, control: &Control) -> Result<Item> {
    let begun = Instant::now();
    let blank = Verdict {
        at: lab.started,
        expected: test.expected.clone(),
        found: String::new(),
        evidence: Vec::new(),
        figures: Map::new(),
        submitted: Vec::new(),
        rehearsal: lab.maos.rehearsal(),
        simulated: lab.simulated(),
    };
    let line = Item {
        key: test.name.clone(),
        title: test.name.clone(),
        group: test.category.name().to_owned(),
        state: ItemState::Running,
        text: String::new(),
        ms: None,
        data: value(&blank),
    };
    control.record(line.clone()).await?;
    let bench = Bench::new(lab, test, control, line.clone());
    let limit = Duration::from_secs(test.seconds) + GRACE;
    let outcome = tokio::time::timeout(limit, tests::run(&bench)).await;
    let cleaned = bench.clean().await;
    let (state, seen) = match outcome {
        Ok(Ok(seen)) if seen.passed => (ItemState::Done, seen),
        Ok(Ok(seen)) => (ItemState::Failed, seen),
        Ok(Err(Halt::Skipped(why))) => (ItemState::Skipped, Seen::new(false, why)),
        Ok(Err(Halt::Failed(why))) => (ItemState::Failed, Seen::new(false, why)),
        Ok(Err(Halt::Run(error))) => {
            // It did not come to a verdict: it waits for the next run.
            let _ = control
                .record(line.now(ItemState::Waiting, "stopped, runs again"))
                .await;
            return Err(error);
        }
        Err(_) => {
            let why = format!(
                "no answer for {} s, ended with its processes. Counted as failed.",
                limit.as_secs()
            );
            (ItemState::Failed, Seen::new(false, why))
        }
    };
    if cleaned > 0 {
        control.notice(Notice::Log(format!(
            "{}: {cleaned} open tasks cancelled",
            test.name
        )));
    }
    let verdict = Verdict {
        found: seen.found,
        evidence: seen.evidence,
        figures: seen.figures,
        submitted: bench.submitted(),
        ..blank
    };
    let ended = Item {
        ms: Some(millis(begun)),
        data: value(&verdict),
        ..line.now(state, seen.text)
    };
    control.record(ended.clone()).await?;
    Ok(ended)
}

fn value(verdict: &Verdict) -> Value {
    serde_json::to_value(verdict).unwrap_or(Value::Null)
}
