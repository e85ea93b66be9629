//! The automatic rollback: announced, counted down, started, and told when it did not happen.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::sync::oneshot;

use super::Told;
use crate::engine::capability::Capability;
use crate::engine::error::{Error, Result};
use crate::engine::event::EventKind;
use crate::engine::monitor::decide;
use crate::engine::runner::Reply;
use crate::engine::runner::dispatch::Dispatcher;
use crate::engine::runner::internal::Internal;
use crate::engine::snapshot::Activity;
use crate::engine::workspace::driving::MonitorSettings;

impl Dispatcher {
    /// Says when the rollback starts by itself; until then anybody can stop it.
    pub(super) async fn count_down(&mut self) -> Result<()> {
        let seconds = self.world().map_or_else(
            |_| MonitorSettings::default().countdown,
            |world| world.settings.driving.monitor.countdown,
        );
        let ends = self
            .ports
            .clock
            .now()
            .saturating_add(jiff::SignedDuration::from_secs(
                i64::try_from(seconds).unwrap_or_default(),
            ))
            .map_err(|error| Error::bug(error.to_string()))?;
        let by = self
            .outlets
            .snapshot()
            .monitor
            .as_ref()
            .and_then(|watch| watch.armed.as_ref().map(|note| note.by.clone()))
            .unwrap_or_else(|| self.me());
        self.emit(vec![EventKind::Decided {
            capability: Capability::Monitor,
            subject: "countdown".to_owned(),
            choice: json!({"until": ends, "reason": "armed"}),
            by,
        }])
        .await?;
        self.spawn(async move {
            tokio::time::sleep(Duration::from_secs(seconds)).await;
            Internal::Monitor(Told::CountdownOver(ends))
        });
        Ok(())
    }

    pub(super) async fn countdown_over(&mut self, ends: jiff::Timestamp) -> Result<()> {
        // Who stopped it in its last second is heard before it acts.
        let workspace = self.workspace.clone();
        for one in tokio::task::spawn_blocking(move || decide::collect(&workspace))
            .await
            .unwrap_or_default()
        {
            self.asked(one).await?;
        }
        let snapshot = self.outlets.snapshot().clone();
        let holds = snapshot.monitor.as_ref().is_some_and(|watch| {
            watch.countdown == Some(ends) && watch.armed.is_some() && watch.should_roll_back()
        });
        if !holds {
            return Ok(());
        }
        self.emit(vec![EventKind::Decided {
            capability: Capability::Monitor,
            subject: "countdown".to_owned(),
            choice: Value::Null,
            by: "the countdown".to_owned(),
        }])
        .await?;
        let (reply, answer) = oneshot::channel();
        self.plan(Capability::Rollback, "apply".to_owned(), Some(reply))
            .await?;
        self.told_when(answer, |result| Told::Planned(Box::new(result)));
        Ok(())
    }

    pub(super) fn told_when(
        &self,
        answer: oneshot::Receiver<Result<Reply>>,
        told: impl FnOnce(Result<Reply>) -> Told + Send + 'static,
    ) {
        self.spawn(async move {
            let result = answer
                .await
                .unwrap_or_else(|_| Err(Error::unavailable("the session has ended")));
            Internal::Monitor(told(result))
        });
    }

    /// Nobody may be looking: that it did not happen is told, called out, and stays in the journal as the rollback's own failure.
    pub(super) async fn not_rolled_back(&mut self, error: Error) -> Result<()> {
        let step = self.outlets.snapshot().step(Capability::Rollback);
        let by_hand = self
            .running
            .as_ref()
            .is_some_and(|running| running.capability == Capability::Rollback);
        let known = step.error.as_ref() == Some(&error) || step.activity == Activity::Stopped;
        if !by_hand && !known {
            self.emit(vec![EventKind::Failed {
                capability: Capability::Rollback,
                verb: "apply".to_owned(),
                error: error.clone(),
            }])
            .await?;
        }
        self.hooks_now(Some(&format!("not done: {}", error.message)));
        let error = Error {
            message: format!("not rolled back by itself: {}", error.message),
            ..error
        };
        self.note_error(Some(Capability::Monitor), &error).await
    }
}
