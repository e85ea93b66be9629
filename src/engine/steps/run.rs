//! Running a list of steps forward, and taking it back.

use std::sync::Arc;
use std::time::Instant;

use serde_json::{Value, json};

use super::lines::{Carried, Failure, Heading, RunId, carried, run_of, unfinished};
use super::step::{HELD, Scene, Standing, Step};
use crate::engine::error::{Error, Result};
use crate::engine::failpoint;
use crate::engine::item::{Item, ItemState, Items};
use crate::engine::operation::{Control, Notice, Progress};
use crate::engine::ports::clock::millis;

/// One run of a list of steps.
#[derive(Debug)]
pub struct Run<C> {
    /// What the steps share.
    pub world: Arc<C>,
    /// The list.
    pub steps: Vec<Step<C>>,
    /// Which run this is; on a resumption what [`unfinished`] gave.
    pub id: RunId,
    /// The prefix of the points at which tests end the process: `rollback` makes `rollback.swap.effect`.
    pub points: &'static str,
    /// A step that fails leaves everything as it is, for a person to decide: tried again by another [`Run::go`], or taken back by
    /// [`Run::take_back`]. Else what was done is taken back at once.
    pub holds: bool,
}

impl<C: Send + Sync + 'static> Run<C> {
    /// Runs to the end, from where `before` (the lines of this operation as the journal has them) says it was.
    ///
    /// Points: `PREFIX.KEY.before`, `.intent` (recorded as running), `.effect`, `.proof`, `.done` (recorded), `.undo` (taken back,
    /// not yet recorded).
    ///
    /// # Errors
    /// [`Failure`]: a step failed and everything before it was taken back; or a person asked to stop, and it stands where it was.
    pub async fn go(self, before: &Items, control: &Control) -> Result<Vec<Item>, Failure> {
        let going_on = unfinished(before).filter(|(run, _)| run.id == self.id.id);
        // A run that was killed behind its last step has nothing left to do, and is not another run.
        let same = run_of(before).is_some_and(|run| run.id == self.id.id);
        let mut lines = self.lines(before, same, control);
        if let Some((_, Heading::Back)) = going_on {
            let error = Error::unavailable("an earlier run failed and was not yet taken back");
            return Err(self.back(&mut lines, None, error, control).await);
        }
        for at in 0..self.steps.len() {
            if let Err((error, reached)) = self.one(at, &mut lines, control).await {
                if !reached {
                    // Nothing of this step happened and a person asked to stop: it can go on from here.
                    return Err(Failure {
                        step: None,
                        error,
                        taken_back: Vec::new(),
                        stuck: None,
                        lines,
                    });
                }
                if self.holds {
                    return Err(Failure {
                        step: Some(self.steps[at].title.clone()),
                        error,
                        taken_back: Vec::new(),
                        stuck: None,
                        lines,
                    });
                }
                return Err(self.back(&mut lines, Some(at), error, control).await);
            }
        }
        Ok(lines)
    }

    /// Takes back what the unfinished run in `before` has done.
    ///
    /// # Errors
    /// [`Failure::stuck`] says what could not be taken back; else [`Failure::taken_back`] what was. It always ends so.
    pub async fn take_back(self, before: &Items, why: Error, control: &Control) -> Failure {
        let mut lines = self.lines(before, true, control);
        self.back(&mut lines, None, why, control).await
    }

    fn data(&self, memo: Value, back: bool) -> Value {
        self.carry(memo, back, false)
    }

    fn carry(&self, memo: Value, back: bool, gone: bool) -> Value {
        serde_json::to_value(Carried {
            run: self.id.clone(),
            memo,
            back,
            gone,
            held: false,
        })
        .unwrap_or_else(|_| json!({}))
    }

    /// The lines to start from; a run that begins anew forgets those of the one before.
    fn lines(&self, before: &Items, going_on: bool, control: &Control) -> Vec<Item> {
        if !going_on {
            control.notice(Notice::ItemsCleared);
        }
        self.steps
            .iter()
            .map(|step| {
                let old = going_on.then(|| before.get(step.key)).flatten();
                old.map_or_else(
                    || {
                        let mut line = Item::waiting(step.key, step.title.clone());
                        line.data = self.data(Value::Null, false);
                        control.item(line.clone());
                        line
                    },
                    |line| Item::clone(line),
                )
            })
            .collect()
    }

    fn scene(&self, at: usize, lines: &[Item], control: &Control) -> Scene<C> {
        let memo = |line: &Item| carried(line).map_or(Value::Null, |carried| carried.memo);
        let memos = lines
            .iter()
            .filter(|line| line.state == ItemState::Done)
            .map(|line| (line.key.clone(), memo(line)))
            .collect();
        Scene {
            world: Arc::clone(&self.world),
            control: control.clone(),
            line: lines[at].clone(),
            memo: memo(&lines[at]),
            memos: Arc::new(memos),
        }
    }

    fn point(&self, at: usize, name: &str) {
        failpoint::hit(&format!("{}.{}.{name}", self.points, self.steps[at].key));
    }

    fn progress(&self, at: usize, phase: &str, control: &Control) {
        control.progress(Progress {
            done: at as u64,
            total: Some(self.steps.len() as u64),
            unit: "steps".to_owned(),
            phase: phase.to_owned(),
            running: vec![self.steps[at].title.clone()],
            ..Progress::default()
        });
    }

    /// Does one step. The flag of an error says whether the step was reached, so that it must be taken back.
    async fn one(&self, at: usize, lines: &mut [Item], control: &Control) -> Result<(), (Error, bool)> {
        let step = &self.steps[at];
        self.point(at, "before");
        if let Some(pause) = step.held.filter(|_| lines[at].state == ItemState::Waiting) {
            self.progress(at, HELD, control);
            control.pause_for(pause).await;
        }
        if !step.glued {
            control.safe_point_async().await.map_err(|error| (error, false))?;
        }
        let (was, started) = (lines[at].state, Instant::now());
        let over = matches!(was, ItemState::Done | ItemState::Skipped);
        if over && !(step.rechecked && step.check.is_some()) {
            return Ok(());
        }
        self.progress(at, "running", control);
        let standing = match &step.check {
            Some(check) => match check(self.scene(at, lines, control)).await {
                Ok(standing) => standing,
                // What cannot be seen is not taken for done; where nothing happened yet, nothing has to be taken back.
                Err(error) if step.best_effort => return self.left_out(at, lines, &error, control).await,
                Err(error) => return self.failed(at, lines, error, control).await,
            },
            None => Standing::Open,
        };
        let did = match standing {
            Standing::NotNeeded(why) => {
                if was != ItemState::Skipped {
                    let line = lines[at].now(ItemState::Skipped, why);
                    self.record(at, lines, line, control).await?;
                }
                return Ok(());
            }
            Standing::There(_) if over => return Ok(()),
            Standing::There(mut did) => {
                if did.text.is_empty() {
                    "already so".clone_into(&mut did.text);
                }
                did
            }
            open @ (Standing::Open | Standing::OpenFrom(_)) => {
                let mut line = lines[at].now(ItemState::Running, String::new());
                let memo = match open {
                    Standing::OpenFrom(memo) => memo,
                    _ => carried(&line).map_or(Value::Null, |carried| carried.memo),
                };
                line.data = self.data(memo, false);
                self.record(at, lines, line, control).await?;
                self.point(at, "intent");
                match (step.effect)(self.scene(at, lines, control)).await {
                    Ok(did) => did,
                    Err(error) if step.best_effort => return self.left_out(at, lines, &error, control).await,
                    Err(error) => return self.failed(at, lines, error, control).await,
                }
            }
        };
        lines[at].data = self.data(did.memo, false);
        self.point(at, "effect");
        let mut text = did.text;
        if let Some(proof) = &step.proof {
            match proof(self.scene(at, lines, control)).await {
                Ok(evidence) => text = joined(&text, &evidence),
                Err(error) if step.best_effort => return self.left_out(at, lines, &error, control).await,
                Err(error) => return self.failed(at, lines, error, control).await,
            }
        }
        self.point(at, "proof");
        let mut line = lines[at].now(ItemState::Done, text);
        line.ms = Some(millis(started));
        self.record(at, lines, line, control).await?;
        self.point(at, "done");
        Ok(())
    }

    async fn record(
        &self,
        at: usize,
        lines: &mut [Item],
        line: Item,
        control: &Control,
    ) -> Result<(), (Error, bool)> {
        lines[at] = line.clone();
        control.record(line).await.map_err(|error| (error, true))
    }

    async fn left_out(
        &self,
        at: usize,
        lines: &mut [Item],
        error: &Error,
        control: &Control,
    ) -> Result<(), (Error, bool)> {
        let line = lines[at].now(ItemState::Skipped, format!("not done: {}", error.message));
        self.record(at, lines, line, control).await
    }

    async fn failed(
        &self,
        at: usize,
        lines: &mut [Item],
        error: Error,
        control: &Control,
    ) -> Result<(), (Error, bool)> {
        let mut line = lines[at].now(ItemState::Failed, error.message.clone());
        let memo = carried(&line).map_or(Value::Null, |carried| carried.memo);
        line.data = serde_json::to_value(Carried {
            run: self.id.clone(),
            memo,
            back: !self.holds,
            gone: false,
            held: self.holds,
        })
        .unwrap_or_else(|_| json!({}));
        // A journal that takes nothing more must not keep the world half-way: the way back is tried all the same.
        let _ = self.record(at, lines, line, control).await;
        Err((error, true))
    }

    /// Takes back, last first, every step that was reached; a failed one may have happened in part.
    async fn back(
        &self,
        lines: &mut [Item],
        failed: Option<usize>,
        error: Error,
        control: &Control,
    ) -> Failure {
        let mut failure = Failure {
            step: failed.map(|at| self.steps[at].title.clone()),
            error,
            taken_back: Vec::new(),
            stuck: None,
            lines: Vec::new(),
        };
        for at in (0..lines.len()).rev() {
            let reached = matches!(
                lines[at].state,
                ItemState::Running | ItemState::Done | ItemState::Failed | ItemState::Unknown
            ) && !carried(&lines[at]).is_some_and(|carried| carried.gone);
            let step = &self.steps[at];
            let Some((words, undo)) = step.undo.as_ref().filter(|_| reached) else {
                continue;
            };
            self.progress(at, "taking back", control);
            self.mark_back(at, lines, control).await;
            match undo(self.scene(at, lines, control)).await {
                Ok(text) => {
                    self.point(at, "undo");
                    let said = joined(words, &text);
                    // The line of a step that failed goes on telling why.
                    let mut line = if lines[at].state == ItemState::Failed {
                        lines[at].now(ItemState::Failed, joined(&lines[at].text, &said))
                    } else {
                        lines[at].now(ItemState::Undone, said.clone())
                    };
                    line.data = self.carry(Value::Null, true, true);
                    lines[at] = line.clone();
                    let _ = control.record(line).await;
                    failure.taken_back.push((step.title.clone(), said));
                }
                Err(why) => {
                    let mut line =
                        lines[at].now(ItemState::Unknown, format!("not taken back: {}", why.message));
                    let memo = carried(&line).map_or(Value::Null, |carried| carried.memo);
                    line.data = self.data(memo, true);
                    lines[at] = line.clone();
                    let _ = control.record(line).await;
                    failure.stuck = Some((step.title.clone(), why));
                    failure.lines = lines.to_vec();
                    return failure;
                }
            }
        }
        self.close(lines, control).await;
        failure.lines = lines.to_vec();
        failure
    }

    /// Ends the way back: a run that is over is told from one that can go on.
    async fn close(&self, lines: &mut [Item], control: &Control) {
        let ended = |line: &Item| matches!(line.state, ItemState::Failed | ItemState::Undone);
        if !lines.iter().any(ended)
            && let Some(at) = lines.iter().rposition(|line| line.state != ItemState::Waiting)
        {
            let line = lines[at].now(ItemState::Undone, joined(&lines[at].text, "ended here"));
            lines[at] = line.clone();
            let _ = control.record(line).await;
        }
        // Nothing is left to take back: the marks go, first line first, so that a kill between keeps the last one.
        for line in lines.iter_mut() {
            if carried(line).is_some_and(|carried| carried.back || carried.held) {
                if matches!(line.state, ItemState::Running | ItemState::Unknown) {
                    line.state = ItemState::Undone;
                }
                line.data = self.data(Value::Null, false);
                let _ = control.record(line.clone()).await;
            }
        }
    }

    async fn mark_back(&self, at: usize, lines: &mut [Item], control: &Control) {
        if carried(&lines[at]).is_some_and(|carried| carried.back) {
            return;
        }
        let memo = carried(&lines[at]).map_or(Value::Null, |carried| carried.memo);
        lines[at].data = self.data(memo, true);
        // As in `failed`: without the journal the way back is tried all the same.
        let _ = control.record(lines[at].clone()).await;
    }
}

fn joined(first: &str, second: &str) -> String {
    match (first.is_empty(), second.is_empty()) {
        (_, true) => first.to_owned(),
        (true, false) => second.to_owned(),
        (false, false) => format!("{first}; {second}"),
    }
}
