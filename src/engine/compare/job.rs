//! The run of a comparison: pair by pair, each in the journal before it begins and when it has ended, so that one that ended is
//! never run again.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::legacy::{LegacySide, placed};
use super::model::{Ended, Pair, Run, Side};
use super::usage::{self, Used};
use super::wait::{Patience, Waited, until_ended};
use crate::engine::error::{Error, ErrorKind, Result};
use crate::engine::item::{Item, ItemState};
use crate::engine::operation::{Control, Notice, Progress};
use crate::engine::ports::maos::{Maos, MaosError, Submission};
use crate::engine::ports::process::{Call, Ended as Exit, Processes, Stdin};
use crate::engine::text::inert_short;
use crate::engine::workspace::Workspace;

/// For one call of the quality check.
const QUALITY_LIMIT: Duration = Duration::from_mins(1);

/// A task in the form of each side.
#[derive(Debug, Clone, PartialEq)]
pub struct Task {
    /// The legacy id.
    pub id: String,
    /// The legacy document, as the legacy side gets it.
    pub legacy: Value,
    /// The task as MAOS gets it.
    pub maos: Submission,
    /// What its pairs depend on: the task in both forms, commands and settings.
    pub setup: String,
}

/// What is compared, and how.
#[derive(Debug, Clone)]
pub struct Spec {
    /// The tasks.
    pub tasks: Vec<Task>,
    /// How often each runs on both sides.
    pub repeats: usize,
    /// For one run.
    pub deadline: Duration,
    /// Judges a pair of results; empty: quality is not measured.
    pub quality: Vec<String>,
    /// Whether MAOS is the embedded stand-in.
    pub rehearsal: bool,
    /// Whether its durations are simulated.
    pub simulated: bool,
    /// Whether MAOS's work runs under us, so that it can be measured.
    pub measure_maos: bool,
}

impl Spec {
    /// All pairs in order, as they are before any has run.
    #[must_use]
    pub fn pairs(&self) -> Vec<Pair> {
        let tasks = self
            .tasks
            .iter()
            .map(|task| (task.id.as_str(), task.setup.as_str()));
        let mut pairs = super::schedule::pairs(&tasks, self.repeats);
        for pair in &mut pairs {
            pair.rehearsal = self.rehearsal;
            pair.simulated = self.simulated;
        }
        pairs
    }
}

/// The two systems.
#[derive(Clone)]
pub struct Sides {
    /// The legacy side.
    pub legacy: LegacySide,
    /// MAOS.
    pub maos: Arc<dyn Maos>,
    /// Programs.
    pub processes: Arc<dyn Processes>,
    /// Where commands run.
    pub workspace: Workspace,
}

impl std::fmt::Debug for Sides {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Sides")
            .field("legacy", &self.legacy)
            .finish_non_exhaustive()
    }
}

/// Pairs of an earlier run that need not be run again: they ended, and nothing that they depend on has changed. Also gives
/// MAOS's ids of runs that were cut short.
#[must_use]
pub fn kept(spec: &Spec, earlier: &[Pair]) -> (HashMap<String, Pair>, Vec<String>) {
    let wanted: HashMap<String, &str> = spec
        .tasks
        .iter()
        .flat_map(|task| (1..=spec.repeats).map(move |n| (format!("{}#{n}", task.id), task.setup.as_str())))
        .collect();
    let mut kept = HashMap::new();
    let mut cut_short = Vec::new();
    for pair in earlier {
        let key = pair.key();
        if pair.ended() {
            if wanted.get(&key) == Some(&pair.setup.as_str()) {
                kept.insert(key, pair.clone());
            }
        } else {
            cut_short.extend(pair.under_way.clone());
        }
    }
    (kept, cut_short)
}

/// Runs what has not run, and gives all pairs.
///
/// # Errors
/// [`ErrorKind::Interrupted`] at a stop, [`ErrorKind::Unavailable`] when a side cannot run tasks at all. Pairs that ended are in
/// the journal.
pub async fn run(spec: &Spec, sides: &Sides, earlier: &[Pair], control: &Control) -> Result<Vec<Pair>> {
    let (mut kept, cut_short) = kept(spec, earlier);
    if kept.is_empty() {
        control.notice(Notice::ItemsCleared);
    }
    for id in cut_short {
        // It belongs to a pair that is run anew; that it may have ended meanwhile is no error.
        let _ = sides.maos.cancel(id).await;
    }
    let mut pairs = spec.pairs();
    let total = pairs.len();
    let tasks: HashMap<&str, &Task> = spec.tasks.iter().map(|task| (task.id.as_str(), task)).collect();
    let mut done = 0;
    for pair in &mut pairs {
        if let Some(ended) = kept.remove(&pair.key()) {
            *pair = ended;
            done += 1;
        }
    }
    let tell = |done: u64, failed: u64, running: Vec<String>| {
        control.progress(Progress {
            done,
            total: Some(total as u64),
            quarantined: failed,
            unit: "pairs".to_owned(),
            phase: "comparing".to_owned(),
            running,
            ..Progress::default()
        });
    };
    let mut failed = pairs
        .iter()
        .filter(|pair| pair.ended() && pair.speedup().is_none())
        .count() as u64;
    for pair in pairs.iter_mut().filter(|pair| !pair.ended()) {
        let Some(task) = tasks.get(pair.task.as_str()) else {
            continue;
        };
        control.safe_point_async().await?;
        tell(done, failed, vec![pair.key()]);
        one_pair(spec, sides, task, pair, control).await?;
        done += 1;
        failed += u64::from(pair.speedup().is_none());
    }
    tell(done, failed, Vec::new());
    Ok(pairs)
}

async fn one_pair(spec: &Spec, sides: &Sides, task: &Task, pair: &mut Pair, control: &Control) -> Result<()> {
    let result = both_sides(spec, sides, task, pair, control).await;
    if let Err(error) = &result {
        // What is told here is for people; a resumed run begins the pair anew either way.
        let mut again = Pair::new(&pair.task, pair.repeat, pair.first, &pair.setup);
        if error.kind != ErrorKind::Interrupted {
            again.under_way.clone_from(&pair.under_way);
        }
        let _ = control
            .record(line(&again, ItemState::Waiting, "not ended, runs again"))
            .await;
    }
    result
}

async fn both_sides(
    spec: &Spec,
    sides: &Sides,
    task: &Task,
    pair: &mut Pair,
    control: &Control,
) -> Result<()> {
    let mut results: [Option<Value>; 2] = [None, None];
    for side in [pair.first, pair.first.other()] {
        let text = format!("on {}", side.title());
        control.record(line(pair, ItemState::Running, &text)).await?;
        let (run, result) = match side {
            Side::Legacy => on_legacy(spec, sides, task, control).await?,
            Side::Maos => on_maos(spec, sides, task, pair, control).await?,
        };
        results[usize::from(side == Side::Maos)] = result;
        pair.under_way = None;
        pair.keep(side, run);
    }
    if let [Some(legacy), Some(maos)] = &results
        && pair.speedup().is_some()
        && !spec.quality.is_empty()
    {
        pair.same_quality = same_quality(spec, sides, task, legacy, maos, control).await?;
    }
    let (state, text) = said(pair);
    control.record(line(pair, state, &text)).await
}

/// The line of a pair.
#[must_use]
fn line(pair: &Pair, state: ItemState, text: &str) -> Item {
    Item {
        key: pair.key(),
        title: format!("{}, run {}", pair.task, pair.repeat),
        group: pair.task.clone(),
        state,
        text: text.to_owned(),
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "milliseconds of a run, never negative"
        )]
        ms: pair.ended().then(|| {
            let seconds = |side| pair.side(side).map_or(0.0, |run: &Run| run.seconds);
            ((seconds(Side::Legacy) + seconds(Side::Maos)) * 1000.0) as u64
        }),
        data: serde_json::to_value(pair).unwrap_or(Value::Null),
    }
}

/// What a pair came to.
fn said(pair: &Pair) -> (ItemState, String) {
    if let (Some(speedup), Some(legacy), Some(maos)) = (pair.speedup(), &pair.legacy, &pair.maos) {
        let text = format!(
            "legacy {:.1} s, MAOS {:.1} s, {speedup:.1}×",
            legacy.seconds, maos.seconds
        );
        return (ItemState::Done, text);
    }
    let why: Vec<String> = [Side::Legacy, Side::Maos]
        .into_iter()
        .filter_map(|side| {
            let run = pair.side(side).filter(|run| !run.succeeded())?;
            Some(format!("failed on {}: {}", side.title(), run.why))
        })
        .collect();
    let why = if why.is_empty() {
        "no time that can be measured".to_owned()
    } else {
        why.join("; ")
    };
    (ItemState::Failed, format!("{why}; not compared"))
}

async fn on_legacy(
    spec: &Spec,
    sides: &Sides,
    task: &Task,
    control: &Control,
) -> Result<(Run, Option<Value>)> {
    let work = sides.legacy.run(&task.legacy, spec.deadline, control);
    let (answered, used) = maybe_measured(sides.legacy.measurable(), &*sides.processes, work).await;
    let answered = answered?;
    let run = Run {
        ended: answered.ended,
        seconds: answered.seconds,
        uncertainty_s: 0.0,
        why: answered.why,
        id: None,
        agents: None,
        efficiency: None,
        used,
    };
    Ok((run, answered.document))
}

async fn maybe_measured<T>(
    measure: bool,
    processes: &dyn Processes,
    work: impl Future<Output = T>,
) -> (T, Option<Used>) {
    if measure {
        usage::measured(processes, work).await
    } else {
        (work.await, None)
    }
}

async fn on_maos(
    spec: &Spec,
    sides: &Sides,
    task: &Task,
    pair: &mut Pair,
    control: &Control,
) -> Result<(Run, Option<Value>)> {
    let work = submit_and_wait(spec, sides, task, pair, control);
    let (result, used) = maybe_measured(spec.measure_maos, &*sides.processes, work).await;
    let (run, document) = result?;
    Ok((Run { used, ..run }, document))
}

async fn submit_and_wait(
    spec: &Spec,
    sides: &Sides,
    task: &Task,
    pair: &mut Pair,
    control: &Control,
) -> Result<(Run, Option<Value>)> {
    let begun = Instant::now();
    let mut submission = task.maos.clone();
    // A name of its own for every attempt: a run that was cut short must not be taken for this one.
    submission.reference = format!("compare/{}/{}", pair.key(), uuid::Uuid::now_v7());
    let failed = |ended, why: String, seconds: f64, id: Option<String>| Run {
        ended,
        seconds,
        uncertainty_s: 0.0,
        why,
        id,
        agents: None,
        efficiency: None,
        used: None,
    };
    let id = match sides.maos.submit(submission).await {
        Ok(id) => id,
        Err(error) => {
            return if cannot_run(&error) {
                Err(no_maos(error))
            } else {
                let run = failed(
                    Ended::Failed,
                    error.to_string(),
                    begun.elapsed().as_secs_f64(),
                    None,
                );
                Ok((run, None))
            };
        }
    };
    pair.under_way = Some(id.clone());
    control.record(line(pair, ItemState::Running, "on MAOS")).await?;
    let waited = until_ended(&*sides.maos, &id, begun, Patience::until(spec.deadline), control).await;
    let timed = match waited {
        Ok(timed) => timed,
        Err(error) => {
            // Nobody waits for it any more; that it may have ended meanwhile is no error.
            let _ = sides.maos.cancel(id).await;
            return Err(error);
        }
    };
    Ok(match timed.waited {
        Waited::Ended(view) => {
            use crate::engine::ports::maos::TaskStatus;
            let (ended, why) = match &view.status {
                TaskStatus::Completed => (Ended::Succeeded, String::new()),
                status => {
                    let why = view
                        .error
                        .as_deref()
                        .map_or_else(|| status.word().to_owned(), |error| inert_short(error, 200));
                    (Ended::Failed, why)
                }
            };
            let run = Run {
                ended,
                seconds: timed.seconds,
                uncertainty_s: timed.uncertainty_s,
                why,
                id: Some(id),
                agents: view.agents_used,
                efficiency: view.parallel_efficiency,
                used: None,
            };
            (run, view.result.clone())
        }
        Waited::Deadline(status) => {
            let _ = sides.maos.cancel(id.clone()).await;
            let why = format!("still {} after {:.0} s, cancelled", status.word(), timed.seconds);
            (failed(Ended::Deadline, why, timed.seconds, Some(id)), None)
        }
        Waited::Lost(error) if cannot_run(&error) => return Err(no_maos(error)),
        Waited::Lost(error) => (
            failed(Ended::Failed, error.to_string(), timed.seconds, Some(id)),
            None,
        ),
    })
}

/// Whether no task can be run at all, so that going on would only count failures that say nothing about MAOS's work.
const fn cannot_run(error: &MaosError) -> bool {
    error.is_missing() || matches!(error, MaosError::NotRunning(_) | MaosError::Stopped)
}

fn no_maos(error: MaosError) -> Error {
    let error = Error::from(error);
    if error.kind == ErrorKind::Interrupted {
        return error;
    }
    Error {
        message: format!(
            "MAOS side: {}. No pair is counted.",
            error.message.trim_end_matches('.')
        ),
        ..error
    }
}

/// Asks the user's check. `None` when it gave no answer in time.
async fn same_quality(
    spec: &Spec,
    sides: &Sides,
    task: &Task,
    legacy: &Value,
    maos: &Value,
    control: &Control,
) -> Result<Option<bool>> {
    let document = json!({"task": task.legacy, "legacy": legacy, "maos": maos});
    let call = Call {
        directory: Some(sides.workspace.root().to_owned()),
        stdin: Stdin::Bytes(document.to_string().into_bytes()),
        ..Call::new(placed(&spec.quality, &sides.workspace), QUALITY_LIMIT)
    };
    let program = inert_short(&spec.quality[0], 100);
    let output = sides.processes.run(call, Some(control)).await?;
    match output.ended {
        Exit::Exit(126 | 127) | Exit::NotFound | Exit::NotPermitted => Err(Error::unavailable(format!(
            "the quality check {program} cannot be run"
        ))
        .hint("Correct compare.quality in migration.yml, or take it out: quality is then not measured.")),
        Exit::Stopped => Err(Error::interrupted("stopped at a safe point")),
        Exit::Exit(code) => Ok(Some(code == 0)),
        Exit::Signal(_) | Exit::TimedOut => {
            control.notice(Notice::Log(format!(
                "the quality check gave no answer about {}: not measured there",
                task.id
            )));
            Ok(None)
        }
    }
}
