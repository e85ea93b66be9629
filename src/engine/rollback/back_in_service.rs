//! The last steps of a rollback: the version, the start, whether it serves, and the proof of the whole.

use super::carry::NewRows;
use super::deeds;
use super::world::{Mode, Place};
use crate::engine::backup::{EntryKind, Part};
use crate::engine::error::{Error, ErrorKind};
use crate::engine::operation::Notice;
use crate::engine::ports::maos::{Known, Stop};
use crate::engine::runner::operations::blocking;
use crate::engine::serving;
use crate::engine::steps::{Did, Scene, Standing, Step};
use crate::engine::text::plural;
use serde_json::{Value, json};
use std::sync::Arc;

use super::list::{is_ours, maos_of};

type At = Scene<Place>;

pub(super) fn version(title: String) -> Step<Place> {
    Step::new("version", title, |at: At| async move {
        let wanted = at
            .world
            .contents()
            .map(|manifest| manifest.maos.clone())
            .unwrap_or_default();
        let now = maos_of(&at)?.version().await.unwrap_or_default();
        let interpreter = wanted
            .interpreter
            .clone()
            .or_else(|| now.interpreter.clone())
            .ok_or_else(|| Error::input("the interpreter of MAOS is not known"))?;
        let distribution = wanted.distribution.unwrap_or_else(|| "maos-cli".to_owned());
        let version = wanted.version.unwrap_or_default();
        let text = deeds::install(&at.world, &interpreter, &distribution, &version).await?;
        Ok(Did::said(text)
            .with(json!({"was": now.best(), "interpreter": interpreter, "distribution": distribution})))
    })
    .check(|at: At| async move {
        let Some(manifest) = at.world.contents() else {
            return Ok(Standing::NotNeeded(
                "the backup does not say its version".to_owned(),
            ));
        };
        let Some(wanted) = &manifest.maos.version else {
            return Ok(Standing::NotNeeded(
                "the backup does not know its version".to_owned(),
            ));
        };
        if let Some(interpreter) = &manifest.maos.interpreter {
            let distribution = manifest.maos.distribution.as_deref().unwrap_or("maos-cli");
            let python = deeds::python(&at.world, interpreter, distribution);
            // An installer that a killed upgrade left would go on behind us.
            if python.end_left().await? {
                return Ok(Standing::Open);
            }
        }
        let now = maos_of(&at)?.version().await.unwrap_or_default();
        Ok(if now.best() == Some(wanted) {
            Standing::NotNeeded(format!("{wanted} is installed"))
        } else {
            Standing::Open
        })
    })
    .proof(|at: At| async move {
        let wanted = at
            .world
            .contents()
            .and_then(|manifest| manifest.maos.version.clone());
        let now = maos_of(&at)?.version().await?;
        if now.best() == wanted.as_deref() {
            Ok(String::new())
        } else {
            Err(Error::unavailable(format!(
                "the version is {:?} afterwards",
                now.best()
            )))
        }
    })
    .undo("install the present version again", |at: At| async move {
        let text = |name: &str| at.memo.get(name).and_then(Value::as_str).map(str::to_owned);
        let (Some(was), Some(interpreter), Some(distribution)) =
            (text("was"), text("interpreter"), text("distribution"))
        else {
            return Ok("the version before is not known".to_owned());
        };
        deeds::install(&at.world, std::path::Path::new(&interpreter), &distribution, &was).await
    })
    .glued()
}

pub(super) fn start(title: String) -> Step<Place> {
    Step::new("start", title, |at: At| async move {
        Ok(Did::said(maos_of(&at)?.start().await?))
    })
    .check(|at: At| async move {
        Ok(match maos_of(&at)?.running().await {
            Ok(Known::Value(true)) => Standing::There(Did::said("it runs")),
            _ => Standing::Open,
        })
    })
    .rechecked()
    .undo("stop MAOS", |at: At| async move {
        let maos = maos_of(&at)?;
        let said = maos.stop(Stop::Force).await;
        match maos.running().await {
            Ok(Known::Value(true)) => Err(Error::unavailable("MAOS still runs on what was restored")),
            _ => Ok(said.unwrap_or_else(|error| error.to_string())),
        }
    })
    .glued()
}

pub(super) fn open(title: String) -> Step<Place> {
    Step::new("open", title, |at: At| async move {
        let place = &at.world;
        let legacy = &place.settings.driving.legacy;
        let text = deeds::legacy(
            place.processes.as_ref(),
            "open",
            &legacy.open,
            place.workspace.root(),
        )
        .await?;
        Ok(Did::said(text))
    })
    .check(|at: At| async move {
        Ok(if at.world.settings.driving.legacy.open.is_empty() {
            Standing::NotNeeded("legacy.open is not set: open it by hand".to_owned())
        } else {
            Standing::Open
        })
    })
    .undo("freeze the legacy system again", |at: At| async move {
        let place = &at.world;
        let legacy = &place.settings.driving.legacy;
        if !place.params.closed {
            return Ok("no cut over had closed it: it stays open".to_owned());
        }
        if legacy.freeze.is_empty() {
            return Ok("legacy.freeze is not set: it stays open".to_owned());
        }
        deeds::legacy(
            place.processes.as_ref(),
            "freeze",
            &legacy.freeze,
            place.workspace.root(),
        )
        .await
    })
    .glued()
}

pub(super) fn ready(title: String) -> Step<Place> {
    Step::new("ready", title, |at: At| async move {
        let place = &at.world;
        let driving = &place.settings.driving;
        let text = match place.params.mode {
            Mode::Maos => {
                let live = place.live.clone();
                let text =
                    serving::ready_if_told(maos_of(&at)?.as_ref(), deeds::within(driving.maos.ready_within))
                        .await?;
                // Figures for the planner; a database works without them, only slower.
                if let Some(live) = live.filter(|_| place.params.backup.is_some())
                    && let Err(error) = live.settle().await
                {
                    at.control
                        .notice(Notice::Log(format!("statistics were not taken: {error}")));
                }
                text
            }
            Mode::Legacy if driving.legacy.ready.is_empty() => {
                "not known: legacy.ready is not set".to_owned()
            }
            Mode::Legacy => {
                deeds::legacy_ready(
                    place.processes.as_ref(),
                    &driving.legacy.ready,
                    place.workspace.root(),
                    driving.maos.ready_within,
                )
                .await?
            }
        };
        Ok(Did::said(text.clone()).with(json!({"health": text})))
    })
    .glued()
}

pub(super) fn proof(title: String) -> Step<Place> {
    Step::new("proof", title, |at: At| async move {
        let place = Arc::clone(&at.world);
        let mut said = Vec::new();
        let mut rows = 0;
        if place.restores() {
            let live = place.live()?;
            if !is_ours(live.as_ref(), &place.run).await? {
                return Err(Error::unavailable("the database in use is not the restored one"));
            }
            rows = at
                .memos
                .get("prove")
                .and_then(|memo| memo.get("rows"))
                .and_then(Value::as_u64)
                .unwrap_or(0);
            said.push(format!("{}, contents equal", plural(rows, "row", "rows")));
            let checked = Arc::clone(&place);
            let files = blocking(move || {
                let Some(manifest) = checked.contents() else {
                    return Ok(None);
                };
                let mut files = 0;
                // MAOS writes checkpoints when it starts; what the backup holds must be there all the same.
                for entry in &manifest.entries {
                    let root = manifest.roots.iter().find(|root| {
                        root.part != Part::LegacyConfig
                            && (entry.path == root.path || entry.path.starts_with(&format!("{}/", root.path)))
                    });
                    if let (Some(root), EntryKind::File { bytes, sha256 }) = (root, &entry.kind) {
                        let rest = entry.path[root.path.len()..].trim_start_matches('/');
                        let path = if rest.is_empty() {
                            root.from.clone()
                        } else {
                            root.from.join(rest)
                        };
                        let same = std::fs::metadata(&path).is_ok_and(|meta| meta.len() == *bytes)
                            && crate::engine::workspace::files::sha256_file(&path)? == *sha256;
                        if !same {
                            return Err(Error::unavailable(format!(
                                "{} is not as in the backup",
                                path.display()
                            )));
                        }
                        files += 1;
                    }
                }
                Ok(Some(files))
            })
            .await?;
            if let Some(files) = files {
                said.push(format!("{} with equal hashes", plural(files, "file", "files")));
            }
        }
        let new = at
            .memos
            .get("carry")
            .and_then(|memo| memo.get("new"))
            .and_then(Value::as_u64)
            .unwrap_or(0);
        let verb = if place.params.rows == NewRows::Carry {
            "carried"
        } else {
            "exported"
        };
        said.push(format!("{} {verb}", plural(new, "new row", "new rows")));
        if let (Mode::Maos, Some(wanted)) = (
            place.params.mode,
            place
                .contents()
                .and_then(|manifest| manifest.maos.version.clone()),
        ) {
            match maos_of(&at)?.version().await {
                Ok(now) if now.best() == Some(&wanted) => said.push(format!("version {wanted}")),
                Ok(now) if now.best().is_some() => {
                    return Err(Error::new(
                        ErrorKind::Unavailable,
                        format!("version {} runs, not {wanted}", now.best().unwrap_or_default()),
                    ));
                }
                _ => said.push("version not known".to_owned()),
            }
        }
        Ok(Did::said(said.join(", ")).with(json!({"rows": rows, "new": new})))
    })
    .glued()
}
