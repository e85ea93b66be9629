//! A MAOS that is started for one operation: it is left as it was found. A file says so while it runs, so that a run that was killed is
//! recognised by the next one.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{World, blocking};
use crate::engine::capability::Capability;
use crate::engine::error::{Error, Result};
use crate::engine::operation::{Control, Effect, Notice};
use crate::engine::ports::maos::{Ability, Capabilities, Known, Maos, Stop};
use crate::engine::text::inert_short;
use crate::engine::workspace::{Workspace, files};

/// Says which operation has started MAOS.
const FILE: &str = ".borrowed.json";
/// For the stop at the end.
const PATIENCE: Stop = Stop::Graceful(Duration::from_secs(10));
/// Who may have started MAOS for good since.
const FOR_GOOD: [Capability; 4] = [
    Capability::Tasks,
    Capability::Cutover,
    Capability::Upgrade,
    Capability::Rollback,
];

/// What the file holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Lent {
    /// To whom.
    to: Capability,
    /// Since when.
    at: Timestamp,
}

impl Lent {
    fn left(&self) -> String {
        format!(
            "MAOS was left started by a {} that was cut short at {}",
            self.to.title(),
            self.at.strftime("%H:%M:%S UTC")
        )
    }
}

/// How MAOS was found.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Found {
    /// Running, or not known: it is left alone.
    Runs,
    /// Not running.
    Asleep,
    /// Running, because an earlier run that was cut short had started it.
    Left(Lent),
}

/// MAOS for the length of one operation.
#[derive(Debug, Clone)]
pub(super) struct Borrowed {
    found: Found,
    to: Capability,
    at: Timestamp,
    workspace: Workspace,
    /// Whether it stays started when the operation comes to its end.
    keep: bool,
}

impl Borrowed {
    /// Looks whether MAOS must be started for `to`. Only the stand-in is started for a run: one with migrated tasks would begin to
    /// do them.
    ///
    /// # Errors
    /// [`crate::engine::ErrorKind::Blocked`] when a real MAOS is known not to run.
    pub(super) async fn look(
        world: &World,
        to: Capability,
        keep: bool,
        maos: &dyn Maos,
        able: &Capabilities,
    ) -> Result<Self> {
        let runs = if able.has(Ability::Submit) {
            maos.running().await.ok()
        } else {
            None
        };
        let found = match runs {
            Some(Known::Value(false)) if maos.rehearsal() => Found::Asleep,
            Some(Known::Value(false)) => {
                return Err(
                    Error::blocked(format!("MAOS does not run: {}", maos.place())).hint(
                        "Start it, then try again. It begins with whatever waits in its queue, migrated tasks included.",
                    ),
                );
            }
            Some(Known::Value(true)) => lent(world).map_or(Found::Runs, Found::Left),
            _ => Found::Runs,
        };
        Ok(Self {
            found,
            to,
            at: world.now,
            workspace: world.workspace.clone(),
            keep,
        })
    }

    /// The line of the plan, where there is something to say.
    pub(super) fn effect(&self) -> Option<Effect> {
        match (&self.found, self.keep) {
            (Found::Runs, _) => None,
            (Found::Asleep, false) => Some(Effect::plain(
                "start",
                "the rehearsal MAOS, and stop it afterwards",
            )),
            (Found::Asleep, true) => Some(Effect::plain("start", "the rehearsal MAOS, which stays started")),
            (Found::Left(lent), false) => {
                Some(Effect::plain("stop", format!("MAOS afterwards: {}", lent.left())))
            }
            (Found::Left(lent), true) => {
                Some(Effect::plain("keep", format!("MAOS started: {}", lent.left())))
            }
        }
    }

    /// Does `work` while MAOS runs, and leaves MAOS as it was found. One that is to stay started stays so only when `work` comes to
    /// its end.
    ///
    /// # Errors
    /// What `work` fails at, or MAOS when it cannot be started.
    pub(super) async fn during<T>(
        &self,
        maos: &Arc<dyn Maos>,
        control: &Control,
        work: impl Future<Output = Result<T>> + Send,
    ) -> Result<T> {
        match &self.found {
            Found::Runs => return work.await,
            Found::Asleep => {
                control.safe_point_async().await?;
                self.note().await?;
            }
            Found::Left(lent) => control.notice(Notice::Warn(lent.left())),
        }
        let ran = match &self.found {
            Found::Asleep => match maos.start().await {
                Ok(_) => work.await,
                Err(error) => Err(error.into()),
            },
            _ => work.await,
        };
        if ran.is_ok() && self.keep {
            self.forget();
            return ran;
        }
        // The operation's own end is what counts, so a failure here is only told.
        match maos.stop(PATIENCE).await {
            Ok(_) => self.forget(),
            Err(error) => control.notice(Notice::Warn(format!(
                "MAOS, started for this, was not stopped again: {}",
                inert_short(&error.to_string(), 200)
            ))),
        }
        ran
    }

    async fn note(&self) -> Result<()> {
        let lent = Lent {
            to: self.to,
            at: self.at,
        };
        let path = self.workspace.path(FILE);
        blocking(move || {
            let text = serde_json::to_vec(&lent).map_err(|error| Error::bug(error.to_string()))?;
            files::write_atomic(&path, &text, files::PRIVATE).map(|_| ())
        })
        .await
    }

    fn forget(&self) {
        // One that stays says at worst once too often that something was cut short.
        let _ = std::fs::remove_file(self.workspace.path(FILE));
    }
}

/// What an earlier run has left started, unless somebody has started it for good since.
fn lent(world: &World) -> Option<Lent> {
    let text = std::fs::read(world.workspace.path(FILE)).ok()?;
    let lent: Lent = serde_json::from_slice(&text).ok()?;
    let since = |capability: &Capability| {
        world
            .snapshot
            .steps
            .get(capability)
            .and_then(|step| step.started)
            .is_some_and(|started| started > lent.at)
    };
    (!FOR_GOOD.iter().any(since)).then_some(lent)
}
