//! Plans, approvals and running operations: what is asked, what is told on the way, how it ends.

use std::time::{Duration, Instant};

use super::Reply;
use super::dispatch::{Answer, Approving, Dispatcher, Running};
use super::internal::{Ended, Internal};
use super::operations::{self, Prepared};
use crate::engine::capability::Capability;
use crate::engine::error::{Error, ErrorKind, Result};
use crate::engine::event::{EventKind, Level};
use crate::engine::operation::{Approval, Control, Notice};
use crate::engine::snapshot::QUARANTINE_SHOWN;
use crate::engine::workspace::{Workspace, files};

/// Progress becomes an event at most this often.
const PROGRESS_EVERY: Duration = Duration::from_millis(250);

impl Dispatcher {
    pub(super) async fn plan(
        &mut self,
        capability: Capability,
        verb: String,
        reply: Option<Answer>,
    ) -> Result<()> {
        let world = match self.world() {
            Ok(world) => world,
            Err(error) => return self.settle(reply, Err(error)).await,
        };
        let waiting = self.planning.entry((capability, verb.clone())).or_default();
        let already = !waiting.is_empty();
        waiting.extend(reply);
        if !already {
            let control = self.reading_control(capability);
            self.spawn(async move {
                let result = operations::prepare(world, capability, &verb, control)
                    .await
                    .map(|p| p.plan);
                Internal::Planned {
                    capability,
                    verb,
                    result: Box::new(result),
                }
            });
        }
        Ok(())
    }

    pub(super) async fn apply(
        &mut self,
        capability: Capability,
        verb: String,
        approving: Approving,
    ) -> Result<()> {
        let waits = capability == Capability::Rollback
            && self.outlets.views().locked_by.is_none()
            && (self.running.is_some() || !self.approving.is_empty());
        if waits {
            return self.rollback_first(verb, approving).await;
        }
        let refused = if let Some(why) = &self.outlets.views().locked_by {
            Some(Error::blocked(why.clone()))
        } else if let Some(running) = &self.running {
            Some(Error::blocked(format!(
                "{} is running; one thing at a time",
                running.capability.title()
            )))
        } else if !self.approving.is_empty() || self.waiting_rollback.is_some() {
            Some(Error::blocked("another plan is being approved"))
        } else {
            None
        };
        let world = match refused.map_or_else(|| self.world(), Err) {
            Ok(world) => world,
            Err(error) => return self.settle(approving.reply, Err(error)).await,
        };
        self.approving.insert((capability, verb.clone()), approving);
        self.outlets.view(|views| views.approving = Some(capability));
        let control = self.reading_control(capability);
        self.spawn(async move {
            let result = operations::prepare(world, capability, &verb, control).await;
            Internal::Prepared {
                capability,
                verb,
                result: Box::new(result),
            }
        });
        Ok(())
    }

    /// A control for planning and reading: nothing is told but how far it is, and that only to the screen.
    pub(super) fn reading_control(&self, capability: Capability) -> Control {
        let reports = self.reporter();
        let last = std::sync::Mutex::new(None::<Instant>);
        Control::new(move |notice| {
            let crate::engine::operation::Notice::Progress(progress) = notice else {
                return;
            };
            let mut last = last.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            if last.is_some_and(|at| at.elapsed() < PROGRESS_EVERY) {
                return;
            }
            *last = Some(Instant::now());
            let _ = reports.send(Internal::View(Box::new(move |views| {
                views.reading.insert(capability, progress);
            })));
        })
    }

    /// A control whose notices come back to this dispatcher.
    fn control(&self, capability: Capability) -> Control {
        let reports = self.reporter();
        Control::new(move |notice| {
            let _ = reports.send(Internal::Notice(capability, notice));
        })
    }

    pub(super) async fn approved(
        &mut self,
        capability: Capability,
        verb: String,
        approving: Approving,
        prepared: Result<Prepared>,
    ) -> Result<()> {
        let approval = Approval {
            digest: approving.digest,
            operator: self.me(),
            at: self.ports.clock.now(),
        };
        let checked = prepared.and_then(|prepared| {
            approval.check(&prepared.plan).map_err(|error| {
                // The plan that was shown is in the journal: say what is otherwise now.
                let step = self.outlets.snapshot().step(capability);
                let shown = step.plan.filter(|plan| plan.digest == approval.digest);
                match shown.and_then(|shown| prepared.plan.differs_from(&shown)) {
                    Some(difference) => Error {
                        message: format!("{}: {difference}", error.message),
                        ..error
                    },
                    None => error,
                }
            })?;
            typed_name(&prepared.plan, approving.confirm.as_deref())?;
            Ok(prepared)
        });
        let prepared = match checked {
            Ok(prepared) => prepared,
            Err(error) => return self.settle(approving.reply, Err(error)).await,
        };
        let title = prepared.plan.title.clone();
        self.emit(vec![
            EventKind::Planned { plan: prepared.plan },
            EventKind::Approved { capability, approval },
            EventKind::Started {
                capability,
                verb: verb.clone(),
                title,
            },
        ])
        .await?;
        let control = self.control(capability);
        self.running = Some(Running {
            capability,
            verb: verb.clone(),
            control: control.clone(),
            reply: approving.reply,
        });
        self.progress_at = None;
        if let Some(live) = prepared.live {
            self.outlets.view(|views| views.schema_run = Some(live));
        }
        let (run, workspace) = (prepared.run, self.workspace.clone());
        // The inner task catches a panic, so that it ends as a failure and not as silence.
        let inner = tokio::spawn(run(control));
        self.spawn(async move {
            let result = match inner.await {
                Ok(Ok(outcome)) => hash_artifacts(workspace, outcome).await,
                Ok(Err(error)) => Err(error),
                Err(_) => Err(Error::bug("the operation panicked; what was finished is safe")
                    .hint("See the crash report in the workspace's logs folder.")),
            };
            Internal::Ended {
                capability,
                verb,
                result: Box::new(result),
            }
        });
        Ok(())
    }

    pub(super) async fn ended(
        &mut self,
        capability: Capability,
        verb: String,
        result: Result<Ended>,
    ) -> Result<()> {
        self.flush_progress().await?;
        let mut reply = None;
        if self
            .running
            .as_ref()
            .is_some_and(|running| running.capability == capability && running.verb == verb)
        {
            reply = self.running.take().and_then(|running| running.reply);
        }
        let answer = match result {
            Ok(Ended { outcome, written }) if outcome.proved() => {
                let mut kinds: Vec<EventKind> = written
                    .into_iter()
                    .map(|(path, w)| EventKind::ArtifactWritten {
                        path,
                        bytes: w.bytes,
                        sha256: w.sha256,
                    })
                    .collect();
                let rolled_back = capability == Capability::Rollback && verb == "apply";
                let taken_back = capability == Capability::Rollback && verb == "return";
                kinds.push(EventKind::Finished {
                    capability,
                    verb,
                    outcome: outcome.clone(),
                });
                if rolled_back {
                    kinds.extend(self.undone());
                }
                if taken_back {
                    kinds.extend(self.redone());
                }
                self.emit(kinds).await?;
                if rolled_back {
                    self.end_watch("rolled back".to_owned()).await?;
                }
                Ok(Reply::Outcome(Box::new(outcome)))
            }
            Ok(Ended { outcome, .. }) => {
                let error = outcome.not_proved();
                self.emit(vec![EventKind::Failed {
                    capability,
                    verb,
                    error: error.clone(),
                }])
                .await?;
                Err(error)
            }
            Err(error) if error.kind == ErrorKind::Interrupted => {
                self.emit(vec![EventKind::Stopped {
                    capability,
                    reason: error.message.clone(),
                }])
                .await?;
                Err(error)
            }
            Err(error) => {
                self.emit(vec![EventKind::Failed {
                    capability,
                    verb,
                    error: error.clone(),
                }])
                .await?;
                Err(error)
            }
        };
        if let Some(reply) = reply {
            let _ = reply.send(answer);
        }
        self.after(capability);
        self.rollback_next().await
    }

    /// A rollback waits in no queue: what runs is asked to stop at its next safe point, and the rollback goes on from there. Of two
    /// rollbacks the first one runs.
    async fn rollback_first(&mut self, verb: String, approving: Approving) -> Result<()> {
        let first = self
            .running
            .as_ref()
            .filter(|running| running.capability == Capability::Rollback);
        let taken = self
            .approving
            .keys()
            .any(|(capability, _)| *capability == Capability::Rollback);
        if first.is_some() || taken || self.waiting_rollback.is_some() {
            let who = self.me();
            let since = self
                .outlets
                .snapshot()
                .steps
                .get(&Capability::Rollback)
                .and_then(|step| step.started)
                .filter(|_| first.is_some())
                .map_or_else(String::new, |at| {
                    format!(" since {}", at.strftime("%H:%M:%S UTC"))
                });
            let refused = Error::blocked(format!("a rollback of {who} is under way{since}"))
                .hint("Watch it; a second one would change nothing.");
            return self.settle(approving.reply, Err(refused)).await;
        }
        self.waiting_rollback = Some((verb, approving));
        let by = format!("{} (rollback)", self.me());
        if let Some(running) = &self.running {
            running.control.stop();
            let capability = running.capability;
            self.emit(vec![EventKind::Stopping { capability, by }]).await?;
        }
        Ok(())
    }

    /// Begins the rollback that waits, once nothing is in its way.
    pub(super) async fn rollback_next(&mut self) -> Result<()> {
        if self.running.is_some() || !self.approving.is_empty() {
            return Ok(());
        }
        match self.waiting_rollback.take() {
            Some((verb, approving)) => Box::pin(self.apply(Capability::Rollback, verb, approving)).await,
            None => Ok(()),
        }
    }

    /// The steps that the rollback which just ended took away.
    fn undone(&self) -> Vec<EventKind> {
        let snapshot = self.outlets.snapshot();
        let params = snapshot
            .steps
            .get(&Capability::Rollback)
            .and_then(|step| step.items.get("apply"))
            .and_then(crate::engine::steps::run_of)
            .and_then(|run| serde_json::from_value(run.params).ok());
        let Some(params) = params else {
            return Vec::new();
        };
        crate::engine::rollback::undone(&params)
            .into_iter()
            .filter(|capability| snapshot.activity(*capability) != crate::engine::snapshot::Activity::Idle)
            .map(|capability| EventKind::Undone {
                capability,
                by: self.me(),
            })
            .collect()
    }

    /// The steps that count again, and the rollback that does not any more.
    fn redone(&self) -> Vec<EventKind> {
        let (snapshot, by) = (self.outlets.snapshot(), self.me());
        let steps = snapshot.steps.iter().filter(|(_, step)| step.undone.is_some());
        let mut kinds: Vec<EventKind> = steps
            .map(|(capability, _)| EventKind::Redone {
                capability: *capability,
                by: by.clone(),
            })
            .collect();
        kinds.push(EventKind::Undone {
            capability: Capability::Rollback,
            by,
        });
        kinds
    }

    /// Takes a notice and everything that waits behind it, so that a burst costs one write.
    pub(super) async fn notices(&mut self, capability: Capability, notice: Notice) -> Result<()> {
        let mut kinds = Vec::new();
        let mut shown = self
            .outlets
            .snapshot()
            .steps
            .get(&capability)
            .map_or(0, |step| step.quarantine.len());
        let verb = self
            .running
            .as_ref()
            .filter(|running| running.capability == capability)
            .map_or_else(String::new, |running| {
                operations::lines_of(&running.verb).to_owned()
            });
        let mut acks = Vec::new();
        let mut take = |this: &mut Self, notice: Notice| match notice {
            Notice::Progress(progress) => {
                this.progress = Some((capability, progress));
            }
            Notice::Quarantined(item) => {
                shown += 1;
                if shown <= QUARANTINE_SHOWN {
                    kinds.push(EventKind::ItemQuarantined { capability, item });
                }
            }
            Notice::Item { item, ack } => {
                acks.extend(ack);
                kinds.push(EventKind::Item {
                    capability,
                    verb: verb.clone(),
                    item: *item,
                });
            }
            Notice::ItemsCleared => kinds.push(EventKind::ItemsCleared {
                capability,
                verb: verb.clone(),
            }),
            Notice::Log(text) => kinds.push(EventKind::Logged { capability, text }),
            Notice::Warn(text) => kinds.push(EventKind::Noted {
                level: Level::Warn,
                capability: Some(capability),
                text,
            }),
            Notice::Statement { text, rows, ms } => {
                kinds.push(EventKind::Statement {
                    capability,
                    text,
                    rows,
                    ms,
                });
            }
        };
        take(self, notice);
        let mut other = None;
        for _ in 0..500 {
            match self.reports.try_recv() {
                Ok(Internal::Notice(from, notice)) if from == capability => take(self, notice),
                Ok(report) => {
                    other = Some(report);
                    break;
                }
                Err(_) => break,
            }
        }
        self.emit(kinds).await?;
        for ack in acks {
            ack.done();
        }
        if self.progress_due().is_some_and(|due| due <= Instant::now()) {
            self.flush_progress().await?;
        }
        match other {
            Some(report) => Box::pin(self.report(report)).await,
            None => Ok(()),
        }
    }

    pub(super) fn progress_due(&self) -> Option<Instant> {
        self.progress.as_ref()?;
        Some(
            self.progress_at
                .map_or_else(Instant::now, |at| at + PROGRESS_EVERY),
        )
    }

    pub(super) async fn flush_progress(&mut self) -> Result<()> {
        let Some((capability, progress)) = self.progress.take() else {
            return Ok(());
        };
        // Progress of planning belongs to no run; only the screen's reading shows it.
        let running = self
            .running
            .as_ref()
            .is_some_and(|running| running.capability == capability);
        if !running {
            return Ok(());
        }
        self.progress_at = Some(Instant::now());
        self.emit(vec![EventKind::Progressed { capability, progress }])
            .await
    }
}

fn typed_name(plan: &crate::engine::operation::Plan, typed: Option<&str>) -> Result<()> {
    if !plan.asks_name() || typed == Some(plan.target.as_str()) {
        return Ok(());
    }
    let why = if plan.reversible() {
        "rows are removed"
    } else {
        "there is no undo"
    };
    Err(
        Error::blocked(format!("{why}; the target's name must be typed: {}", plan.target))
            .hint(format!("--confirm '{}'", plan.target)),
    )
}

async fn hash_artifacts(workspace: Workspace, outcome: crate::engine::operation::Outcome) -> Result<Ended> {
    operations::blocking(move || {
        let mut written = Vec::new();
        for artifact in &outcome.artifacts {
            let path = workspace.path(artifact);
            if path.is_file() {
                let bytes = std::fs::metadata(&path)
                    .map_err(|error| Error::io("read", &path, &error))?
                    .len();
                written.push((
                    artifact.clone(),
                    files::Written {
                        bytes,
                        sha256: files::sha256_file(&path)?,
                    },
                ));
            }
        }
        Ok(Ended { outcome, written })
    })
    .await
}
