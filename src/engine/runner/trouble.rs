//! Trouble on request, in rehearsals only: the embedded MAOS begins to fail, so that a rollback can be rehearsed.
//!
//! Which knobs it turns is the table `KNOBS`.

use serde_json::{Value, json};

use super::Reply;
use super::dispatch::Dispatcher;
use super::internal::Internal;
use crate::engine::capability::Capability;
use crate::engine::error::{Error, Result};
use crate::engine::event::{EventKind, Level};
use crate::engine::snapshot::Snapshot;
use crate::engine::workspace::Settings;

/// The decision that says trouble is on.
const SUBJECT: &str = "trouble";
/// What `target.maos` says in a rehearsal.
pub const REHEARSAL: &str = "rehearsal";

/// Tasks a second that the embedded MAOS gives itself.
const TRAFFIC: &str = "traffic";

/// What that knob is turned to while the monitor watches, where the settings say so.
fn watch_traffic(settings: &Settings) -> Option<Value> {
    let rehearsal = &settings.driving.rehearsal;
    (rehearsal.watch_traffic > 0.0).then(|| json!(rehearsal.watch_traffic))
}

/// More than half of the tasks fail, everything is slower, and there is something to watch.
fn knobs() -> [(&'static str, Value); 3] {
    [
        ("failure_rate", json!(0.6)),
        ("latency", json!(400)),
        (TRAFFIC, json!(4.0)),
    ]
}

/// Whether trouble was asked for and not taken back.
#[must_use]
pub fn is_on(snapshot: &Snapshot) -> bool {
    snapshot
        .steps
        .get(&Capability::Monitor)
        .is_some_and(|step| step.decisions.get(SUBJECT) == Some(&Value::Bool(true)))
}

impl Dispatcher {
    /// Begins trouble, or ends it.
    pub(super) fn trouble(&mut self) -> Result<Reply> {
        if let Some(why) = &self.outlets.views().locked_by {
            return Err(Error::blocked(why.clone()));
        }
        let world = self.world()?;
        if world.settings.maos.as_deref() != Some(REHEARSAL) {
            return Err(Error::blocked("only a rehearsal can have trouble on request"));
        }
        let begun = !is_on(self.outlets.snapshot());
        let is_watched = self
            .outlets
            .snapshot()
            .monitor
            .as_ref()
            .is_some_and(|watch| watch.on);
        let watched = is_watched.then(|| watch_traffic(&world.settings)).flatten();
        self.spawn(async move {
            let turning = async {
                let maos = world.ports.maos.open(&world.workspace, &world.settings)?;
                for (name, value) in knobs() {
                    let value = if begun {
                        Some(value)
                    } else {
                        watched.clone().filter(|_| name == TRAFFIC)
                    };
                    maos.turn(name.to_owned(), value).await?;
                }
                Ok(())
            };
            Internal::Trouble {
                begun,
                result: turning.await,
            }
        });
        Ok(Reply::Done)
    }

    /// Lets tasks come in while a rehearsal is watched, and no longer: without any there would be nothing to judge.
    pub(super) async fn turn_watch_traffic(&mut self, watched: bool) -> Result<()> {
        let world = self.world()?;
        if world.settings.maos.as_deref() != Some(REHEARSAL) || is_on(self.outlets.snapshot()) {
            return Ok(());
        }
        let Some(traffic) = watch_traffic(&world.settings) else {
            return Ok(());
        };
        let text = if watched {
            format!("REHEARSAL: {traffic} tasks a second come in while it is watched")
        } else {
            "REHEARSAL: no more tasks come in by themselves".to_owned()
        };
        let turned = async {
            let maos = world.ports.maos.open(&world.workspace, &world.settings)?;
            maos.turn(TRAFFIC.to_owned(), watched.then_some(traffic)).await?;
            Ok::<(), Error>(())
        };
        match turned.await {
            Ok(()) => {
                self.emit(vec![EventKind::Noted {
                    level: Level::Ok,
                    capability: Some(Capability::Monitor),
                    text,
                }])
                .await
            }
            Err(error) => self.note_error(Some(Capability::Monitor), &error).await,
        }
    }

    pub(super) async fn troubled(&mut self, begun: bool, result: Result<()>) -> Result<()> {
        if let Err(error) = result {
            return self.note_error(Some(Capability::Monitor), &error).await;
        }
        let by = self.me();
        let text = if begun {
            "REHEARSAL: trouble begins: 60 % of the tasks fail, everything takes 400 ms longer"
        } else {
            "REHEARSAL: the trouble is over"
        };
        self.emit(vec![
            EventKind::Decided {
                capability: Capability::Monitor,
                subject: SUBJECT.to_owned(),
                choice: if begun { Value::Bool(true) } else { Value::Null },
                by,
            },
            EventKind::Noted {
                level: Level::Warn,
                capability: Some(Capability::Monitor),
                text: text.to_owned(),
            },
        ])
        .await
    }
}
