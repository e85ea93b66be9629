//! The monitor beside the dispatcher: samples come from a task of its own, so they go on whatever operation runs, and a
//! rollback can start while they do. What they mean is in the fold; here is what follows: hooks, the countdown, the end.

mod begin;
mod calling;
mod countdown;
mod writing;

use serde_json::Value;
use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;

use super::Reply;
use super::dispatch::{Approving, Dispatcher};
use crate::engine::capability::Capability;
use crate::engine::error::{Error, Result};
use crate::engine::event::EventKind;
use crate::engine::journey;
use crate::engine::monitor::decide::{self, Asked};
use crate::engine::monitor::{Taken, Watch, document};
use crate::engine::operation::{Outcome, ProofLine};
use crate::engine::text::last_name;

/// What the background reports.
pub(in crate::engine::runner) enum Told {
    /// A sample.
    Taken(Box<Taken>),
    /// Decisions that were left by other processes.
    Asked(Vec<Result<Asked>>),
    /// The countdown is over, the one that ends at this moment.
    CountdownOver(jiff::Timestamp),
    /// The plan of an automatic rollback.
    Planned(Box<Result<Reply>>),
    /// An automatic rollback has ended.
    RolledBack(Box<Result<Reply>>),
    /// Something for the journal.
    Events(Vec<EventKind>),
}

/// The background of a watch; ends when it is dropped.
pub(in crate::engine::runner) struct Watching(CancellationToken);

impl Drop for Watching {
    fn drop(&mut self) {
        self.0.cancel();
    }
}

impl Dispatcher {
    /// Goes on with a watch that an earlier session left, where a person is there to see it.
    pub(in crate::engine::runner) async fn resume_watch(&mut self) -> Result<()> {
        let on = self
            .outlets
            .snapshot()
            .monitor
            .as_ref()
            .is_some_and(|watch| watch.on);
        if on
            && self.options.interactive
            && let Err(error) = self.start_watch().await
        {
            return self.note_error(Some(Capability::Monitor), &error).await;
        }
        Ok(())
    }

    /// Checks a decision about the monitor before it is recorded.
    pub(in crate::engine::runner) fn check_monitor(&self, subject: &str, choice: &Value) -> Result<()> {
        let snapshot = self.outlets.snapshot();
        if (subject, choice) == ("watching", &Value::Bool(true)) {
            journey::gate(snapshot, Capability::Monitor).map_err(Error::from)?;
        }
        decide::check(
            snapshot.monitor.as_deref(),
            self.ports.clock.now(),
            last_name(&snapshot.target),
            subject,
            choice,
        )
    }

    /// What follows a recorded decision.
    pub(in crate::engine::runner) async fn monitor_decided(
        &mut self,
        subject: &str,
        choice: &Value,
    ) -> Result<()> {
        match (subject, choice) {
            ("watching", Value::Bool(true)) => self.start_watch().await,
            ("watching", Value::Bool(false)) => {
                let by = self.me();
                self.end_watch(format!("paused by {by}")).await
            }
            ("armed", choice) if !choice.is_null() && self.should_roll_back() => self.count_down().await,
            _ => Ok(()),
        }
    }

    fn should_roll_back(&self) -> bool {
        let monitor = &self.outlets.snapshot().monitor;
        monitor.as_ref().is_some_and(|watch| watch.should_roll_back())
    }

    pub(in crate::engine::runner) async fn end_watch(&mut self, reason: String) -> Result<()> {
        self.watching = None;
        if self
            .outlets
            .snapshot()
            .monitor
            .as_ref()
            .is_some_and(|watch| watch.on)
        {
            self.turn_watch_traffic(false).await?;
            self.emit(vec![EventKind::WatchEnded { reason }]).await?;
            self.write_document().await?;
        }
        Ok(())
    }

    pub(in crate::engine::runner) async fn monitor_told(&mut self, told: Told) -> Result<()> {
        match told {
            Told::Taken(taken) => self.taken(taken).await,
            Told::Asked(asked) => {
                for one in asked {
                    self.asked(one).await?;
                }
                Ok(())
            }
            Told::CountdownOver(ends) => self.countdown_over(ends).await,
            Told::Planned(result) => match *result {
                Ok(Reply::Plan(plan)) => {
                    let (reply, answer) = oneshot::channel();
                    let approving = Approving {
                        digest: plan.digest.clone(),
                        confirm: Some(plan.target.clone()),
                        reply: Some(reply),
                        stopped: false,
                    };
                    self.apply(plan.capability, plan.verb.clone(), approving).await?;
                    self.told_when(answer, |result| Told::RolledBack(Box::new(result)));
                    Ok(())
                }
                Ok(_) => Ok(()),
                Err(error) => self.not_rolled_back(error).await,
            },
            Told::RolledBack(result) => match *result {
                Ok(_) => {
                    self.hooks_now(Some("done"));
                    Ok(())
                }
                Err(error) => self.not_rolled_back(error).await,
            },
            Told::Events(kinds) => self.emit(kinds).await,
        }
    }

    async fn asked(&mut self, asked: Result<Asked>) -> Result<()> {
        let checked = asked.and_then(|asked| {
            self.check_monitor(&asked.subject, &asked.choice)?;
            Ok(asked)
        });
        match checked {
            Ok(Asked {
                subject, choice, by, ..
            }) => {
                self.emit(vec![EventKind::Decided {
                    capability: Capability::Monitor,
                    subject: subject.clone(),
                    choice: choice.clone(),
                    by,
                }])
                .await?;
                match self.monitor_decided(&subject, &choice).await {
                    Ok(()) => Ok(()),
                    Err(error) => self.note_error(Some(Capability::Monitor), &error).await,
                }
            }
            Err(error) => self.note_error(Some(Capability::Monitor), &error).await,
        }
    }

    async fn taken(&mut self, taken: Box<Taken>) -> Result<()> {
        if self.watching.is_none() {
            return Ok(());
        }
        let last = |watch: &Watch| watch.verdict().copied();
        let before = self.outlets.snapshot().monitor.as_deref().and_then(last);
        self.emit(vec![EventKind::Sampled { taken }]).await?;
        let snapshot = self.outlets.snapshot().clone();
        let Some(watch) = snapshot.monitor.as_deref() else {
            return Ok(());
        };
        let Some(now) = watch.verdict().copied() else {
            return Ok(());
        };
        let turned = before.map(|before| before.word) != Some(now.word);
        if turned || now.page {
            self.write_document().await?;
            if before.is_some() || now.should_roll_back {
                self.hooks(watch, before.as_ref(), &now, None);
            }
        }
        let newly = now.should_roll_back && !before.is_some_and(|before| before.should_roll_back);
        if newly && watch.armed.is_some() {
            self.count_down().await?;
        }
        let clock = self.ports.clock.now();
        if watch.is_promoted(clock) {
            self.watched_long_enough(watch.samples, watch.lost).await?;
        }
        Ok(())
    }

    async fn watched_long_enough(&mut self, samples: u64, lost: u64) -> Result<()> {
        self.end_watch("watched long enough without a breach".to_owned())
            .await?;
        let outcome = Outcome {
            source: samples,
            converted: samples,
            unchanged: 0,
            quarantined: 0,
            proof: vec![ProofLine {
                what: "breaches while watched".to_owned(),
                source: "0".to_owned(),
                target: "0".to_owned(),
                equal: true,
            }],
            summary: format!("{samples} samples, no breach, {lost} lost"),
            artifacts: vec![document::FILE.to_owned()],
        };
        self.emit(vec![EventKind::Finished {
            capability: Capability::Monitor,
            verb: "run".to_owned(),
            outcome,
        }])
        .await
    }
}
