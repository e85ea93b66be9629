//! Over again: a rollback that is done is taken back by name. The database that was set aside is used again, and so are the files and
//! the version from before; what was restored is set aside in its turn, and rows that came since are exported first. Only where MAOS
//! itself went on: a legacy system that works again is left by a cut over, which carries its rows.

use std::path::PathBuf;
use std::sync::Arc;

use serde_json::{Value, json};

use super::carry;
use super::deeds;
use super::list::{changes_of, export, is_ours};
use super::trees;
use super::world::{Mode, Params, Place};
use crate::engine::error::{Error, Result};
use crate::engine::item::{ItemState, Items};
use crate::engine::operation::{Control, Effect, Plan};
use crate::engine::ports::databases::Database;
use crate::engine::ports::maos::{Known, Maos, Stop};
use crate::engine::runner::operations::blocking;
use crate::engine::serving;
use crate::engine::steps::{Did, Scene, Standing, Step, memo_of};
use crate::engine::text::plural;

/// What the steps share.
#[derive(Debug)]
pub struct Forth {
    /// The place as the rollback left it, with what was decided for that.
    pub place: Place,
    /// The lines of the rollback.
    pub before: Items,
    /// The name under which the restored database is kept.
    pub kept: String,
    /// The name of this run: its first start.
    pub run: String,
    /// Whether MAOS ran when this run began; `None` when nothing could tell.
    pub runs: Option<bool>,
}

type At = Scene<Forth>;

impl Forth {
    fn params(&self) -> &Params {
        &self.place.params
    }

    fn maos(&self) -> Result<Arc<dyn Maos>> {
        self.place
            .maos
            .clone()
            .ok_or_else(|| Error::input("target.maos is not named"))
    }

    fn old(&self) -> Result<Arc<dyn Database>> {
        Ok(self.place.live()?.sibling(&self.params().old))
    }

    /// MAOS ran when the rollback began.
    fn ran(&self) -> bool {
        memo_of(&self.before, "stop").is_some_and(|memo| memo.get("ran") == Some(&Value::Bool(true)))
    }

    /// The version that the rollback replaced, with its interpreter and distribution.
    fn version(&self) -> Option<(String, PathBuf, String)> {
        let memo = memo_of(&self.before, "version")?;
        let text = |name: &str| memo.get(name).and_then(Value::as_str).map(str::to_owned);
        Some((text("was")?, text("interpreter")?.into(), text("distribution")?))
    }

    fn restored(&self) -> bool {
        self.before
            .get("swap")
            .is_some_and(|line| line.state == ItemState::Done)
    }

    /// Why it cannot be done now. Reads only.
    ///
    /// # Errors
    /// A database that cannot be asked.
    pub async fn blocked(&self) -> Result<Option<Error>> {
        if self.params().mode == Mode::Legacy {
            return Ok(Some(
                Error::blocked("the legacy system works again, and has rows that MAOS does not")
                    .hint("Cut over again: that copies them and proves it."),
            ));
        }
        if !self.restored() {
            return Ok(Some(Error::blocked("that rollback set no database aside")));
        }
        let old = self.old()?;
        if !old.exists().await? {
            return Ok(Some(Error::blocked(format!(
                "the database {} that the rollback kept is not there any more",
                old.words()
            ))));
        }
        if !is_ours(self.place.live()?.as_ref(), &self.place.run).await? {
            return Ok(Some(Error::blocked(
                "the database in use is not the one that the rollback restored",
            )));
        }
        Ok(None)
    }

    /// The plan.
    #[must_use]
    pub fn plan(&self, target: &str, goes_on: bool) -> Plan {
        let params = self.params();
        let mut effects = Vec::new();
        if self.place.maos.is_some() {
            effects.push(Effect::plain("stop", "MAOS: asked for 120 s, then ended"));
        }
        effects.push(Effect::plain(
            "export",
            "rows that came or changed since the rollback, to rollback/",
        ));
        effects.push(Effect::plain(
            "rename",
            format!(
                "{target} to {}, kept until you drop it; {} to {target}",
                "…_back_<time>", params.old
            ),
        ));
        effects.push(Effect::plain(
            "replace",
            "configuration and checkpoints by those from before the rollback",
        ));
        if let Some((version, ..)) = self.version() {
            effects.push(Effect::plain("install", format!("MAOS {version}")));
        }
        if self.ran() {
            effects.push(Effect::plain("start", "MAOS, wait until it is ready"));
        }
        Plan {
            capability: crate::engine::Capability::Rollback,
            verb: "return".to_owned(),
            title: if goes_on {
                format!("Go on with taking back rollback {}", self.place.run)
            } else {
                format!("Take back rollback {}", self.place.run)
            },
            target: target.to_owned(),
            effects,
            undo: None,
            needs_approval: true,
            basis: vec![self.place.run.clone()],
            digest: String::new(),
        }
        .sealed()
    }
}

/// A control whose notices arrive and whose stop does not.
fn whole(control: &Control) -> Control {
    let told = control.clone();
    Control::new(move |notice| told.notice(notice))
}

/// The steps.
#[must_use]
pub fn forth_steps(forth: &Forth) -> Vec<Step<Forth>> {
    let has_maos = forth.place.maos.is_some();
    let mut all = Vec::new();
    if has_maos {
        all.push(stop());
    }
    all.push(rows());
    all.push(swap(&forth.params().old));
    all.push(files());
    if has_maos {
        all.push(version());
        if forth.ran() {
            all.push(start());
            all.push(ready());
        }
    }
    all.push(proof());
    all
}

fn stop() -> Step<Forth> {
    Step::new("stop", "stop MAOS: ask 120 s, then end it", |at: At| async move {
        let stopped = deeds::stop(at.world.maos()?.as_ref()).await?;
        let ran = at.world.runs.unwrap_or(stopped.ended);
        Ok(Did::said(stopped.text).with(json!({"ran": ran})))
    })
    .check(|at: At| async move {
        Ok(match at.world.maos()?.running().await {
            Ok(Known::Value(false)) => {
                let noted = at.memo.get("ran").and_then(Value::as_bool);
                let ran = at.world.runs.or(noted).unwrap_or(false);
                Standing::There(Did::said("it does not run").with(json!({"ran": ran})))
            }
            _ => Standing::Open,
        })
    })
    .rechecked()
    .undo("start MAOS again", |at: At| async move {
        let noted = at.memo.get("ran").and_then(Value::as_bool);
        if at.world.runs.or(noted) == Some(false) {
            return Ok("it did not run before".to_owned());
        }
        let maos = at.world.maos()?;
        if matches!(maos.running().await, Ok(Known::Value(true))) {
            return Ok("it runs".to_owned());
        }
        maos.start().await?;
        let within = deeds::within(at.world.place.settings.driving.maos.ready_within);
        Ok(serving::ready_if_told(maos.as_ref(), within)
            .await
            .unwrap_or_else(|error| error.message))
    })
}

/// What came since the rollback: by key and content against the database that was set aside.
fn rows() -> Step<Forth> {
    Step::new("rows", "export rows that came since", |at: At| async move {
        let (forth, place) = (&at.world, &at.world.place);
        let (live, old) = (place.live()?, forth.old()?);
        let file = place.file(&format!(".keys_{}.gz", forth.run));
        let Some(drift) = carry::between(live.as_ref(), old.as_ref(), &place.table, &file).await? else {
            return Ok(Did::said(format!("there is no table {} to compare", place.table)));
        };
        let keys: Vec<String> = drift.new.into_iter().chain(drift.changed).collect();
        if keys.is_empty() {
            return Ok(Did::said("none came or changed").with(json!({"rows": 0})));
        }
        let name = format!("rows_of_rollback_{}.jsonl", forth.run);
        let written = export(place, &name, live.as_ref(), &keys).await?;
        Ok(Did::said(format!(
            "{} exported to rollback/{name}",
            plural(written, "row", "rows")
        ))
        .with(json!({"rows": written})))
    })
}

fn swap(old: &str) -> Step<Forth> {
    Step::new(
        "swap",
        format!("swap by rename; {old} is used again"),
        |at: At| async move {
            let (live, forth) = (at.world.place.live()?, &at.world);
            let swapped = live
                .swap(&forth.params().old, &forth.kept, &whole(&at.control))
                .await?;
            Ok(Did::said(format!(
                "{} is the one from before, {} ms; the restored one is {}",
                live.name(),
                swapped.ms,
                forth.kept
            ))
            .with(json!({"ms": swapped.ms})))
        },
    )
    .check(|at: At| async move {
        let ours = is_ours(at.world.place.live()?.as_ref(), &at.world.place.run).await?;
        Ok(if ours {
            Standing::Open
        } else {
            Standing::There(Did::said("swapped"))
        })
    })
    .undo("swap back", |at: At| async move {
        let (live, forth) = (at.world.place.live()?, &at.world);
        if !is_ours(live.as_ref(), &forth.place.run).await? {
            live.swap(&forth.kept, &forth.params().old, &whole(&at.control))
                .await?;
        }
        Ok(format!("{} is the restored one", live.name()))
    })
}

fn files() -> Step<Forth> {
    Step::new("files", "configuration and checkpoints", |at: At| async move {
        let changes = memo_of(&at.world.before, "stage").map(|memo| changes_of(&memo));
        let (changes, stamp) = (changes.unwrap_or_default(), at.world.params().stamp.clone());
        let count = changes.len() as u64;
        blocking(move || trees::displace(&changes, &stamp)).await?;
        Ok(Did::said(match count {
            0 => "the rollback changed none".to_owned(),
            n => format!("{} as before the rollback", plural(n, "place", "places")),
        }))
    })
    .undo("put the files of the backup back", |at: At| async move {
        let changes = memo_of(&at.world.before, "stage").map(|memo| changes_of(&memo));
        let (changes, stamp) = (changes.unwrap_or_default(), at.world.params().stamp.clone());
        blocking(move || trees::place(&changes, &stamp)).await?;
        Ok(String::new())
    })
    .glued()
}

fn version() -> Step<Forth> {
    Step::new(
        "version",
        "install the version from before",
        |at: At| async move {
            let (was, interpreter, distribution) = at
                .world
                .version()
                .ok_or_else(|| Error::bug("no version to install"))?;
            let now = at.world.maos()?.version().await.unwrap_or_default();
            let text = deeds::install(&at.world.place, &interpreter, &distribution, &was).await?;
            Ok(Did::said(text).with(json!({"was": now.best()})))
        },
    )
    .check(|at: At| async move {
        let Some((was, ..)) = at.world.version() else {
            return Ok(Standing::NotNeeded("the rollback changed none".to_owned()));
        };
        let now = at.world.maos()?.version().await.unwrap_or_default();
        Ok(if now.best() == Some(&was) {
            Standing::NotNeeded(format!("{was} is installed"))
        } else {
            Standing::Open
        })
    })
    .undo("install the version of the backup again", |at: At| async move {
        let was = at.memo.get("was").and_then(Value::as_str);
        let (Some(was), Some((_, interpreter, distribution))) = (was, at.world.version()) else {
            return Ok("the version is not known".to_owned());
        };
        deeds::install(&at.world.place, &interpreter, &distribution, was).await
    })
    .glued()
}

fn start() -> Step<Forth> {
    Step::new("start", "start MAOS", |at: At| async move {
        Ok(Did::said(at.world.maos()?.start().await?))
    })
    .check(|at: At| async move {
        Ok(match at.world.maos()?.running().await {
            Ok(Known::Value(true)) => Standing::There(Did::said("it runs")),
            _ => Standing::Open,
        })
    })
    .rechecked()
    .undo("stop MAOS", |at: At| async move {
        let maos = at.world.maos()?;
        let said = maos.stop(Stop::Force).await;
        match maos.running().await {
            Ok(Known::Value(true)) => Err(Error::unavailable("MAOS still runs")),
            _ => Ok(said.unwrap_or_else(|error| error.to_string())),
        }
    })
    .glued()
}

fn ready() -> Step<Forth> {
    Step::new("ready", "MAOS is ready", |at: At| async move {
        let within = deeds::within(at.world.place.settings.driving.maos.ready_within);
        serving::ready_if_told(at.world.maos()?.as_ref(), within)
            .await
            .map(Did::said)
    })
    .glued()
}

fn proof() -> Step<Forth> {
    Step::new("proof", "prove all of it", |at: At| async move {
        let (forth, live) = (&at.world, at.world.place.live()?);
        if is_ours(live.as_ref(), &forth.place.run).await? {
            return Err(Error::unavailable(
                "the database in use is still the restored one",
            ));
        }
        let kept = live.sibling(&forth.kept);
        if !is_ours(kept.as_ref(), &forth.place.run).await? {
            return Err(Error::unavailable(format!(
                "{} is not the restored database",
                kept.words()
            )));
        }
        let mut said = vec![format!("{} without the mark of the rollback", live.name())];
        if let Some((was, ..)) = forth.version() {
            match forth.maos()?.version().await {
                Ok(now) if now.best() == Some(&was) => said.push(format!("version {was}")),
                Ok(now) if now.best().is_some() => {
                    return Err(Error::unavailable(format!(
                        "version {} runs, not {was}",
                        now.best().unwrap_or_default()
                    )));
                }
                _ => said.push("version not known".to_owned()),
            }
        }
        let rows = at
            .memos
            .get("rows")
            .and_then(|memo| memo.get("rows"))
            .and_then(Value::as_u64)
            .unwrap_or(0);
        Ok(Did::said(said.join(", ")).with(json!({"rows": rows})))
    })
    .glued()
}
