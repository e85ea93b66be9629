//! The eight steps of the guide, each with its proof and its way back.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::python::{Installed, Python};
use crate::engine::error::{Error, Result};
use crate::engine::item::{Item, ItemState, Items};
use crate::engine::ports::clock::Clock;
use crate::engine::ports::maos::{Ability, Capabilities, Known, Maos, TaskStatus};
use crate::engine::ports::process::Detached;
use crate::engine::serving;
use crate::engine::steps::{Did, Scene, Standing, Step, memo_of};
use crate::engine::workspace::files;

/// The keys of the steps, in order.
pub const KEYS: [&str; 9] = [
    "wait",
    "checkpoint",
    "stop",
    "install",
    "database",
    "configuration",
    "start",
    "ready",
    "validation",
];
/// The step that migrates the database.
pub(super) const DATABASE: &str = "database";
/// In its memo: the database was at the newest migration before it.
const ALREADY: &str = "already";
/// How it is taken back then.
pub(super) const NOTHING_MIGRATED: &str = "nothing was migrated";
/// Why nothing is installed in a rehearsal.
const NO_PACKAGE: &str = "the rehearsal MAOS is part of this program";
/// Why no configuration is checked.
const NO_FILE: &str = "no configuration file is named";
/// How often running tasks are counted.
const ASK: Duration = Duration::from_secs(2);
/// How long a program in the environment may take to end by itself, and how often that is looked at.
const LOOKED: Duration = Duration::from_secs(5);
const LOOK: Duration = Duration::from_millis(200);

/// What the steps share.
pub struct Upgrade {
    /// MAOS.
    pub maos: Arc<dyn Maos>,
    /// What it can do, before the upgrade.
    pub abilities: Capabilities,
    /// Where it is installed; `None` for the rehearsal.
    pub python: Option<Python>,
    /// The version installed now.
    pub from: Option<String>,
    /// Packages beside it that are put back with it.
    pub beside: Vec<String>,
    /// The version to install.
    pub to: String,
    /// What is installed with it, as pip reads it.
    pub needs: Vec<String>,
    /// MAOS's own configuration file.
    pub config: Option<PathBuf>,
    /// Whether running tasks are waited for, and how long.
    pub wait: Option<Duration>,
    /// How long MAOS may take to be ready.
    pub ready_within: Duration,
    /// How long a graceful stop may take before it is ended.
    pub stop_within: Duration,
    /// Whether it ran when the upgrade began.
    pub ran: bool,
    /// Time.
    pub clock: Arc<dyn Clock>,
}

impl std::fmt::Debug for Upgrade {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Upgrade")
            .field("from", &self.from)
            .field("to", &self.to)
            .finish_non_exhaustive()
    }
}

impl Upgrade {
    /// Programs that run from its virtual environment; `None` where it has none of its own.
    fn others(&self) -> Option<Vec<Detached>> {
        let python = self.python.as_ref()?;
        let root = python.interpreter.parent()?.parent()?;
        root.join("pyvenv.cfg")
            .exists()
            .then(|| python.processes.running_from(root))
    }

    /// Why a step will do nothing, as far as that is known before it begins.
    pub(super) fn leaves_out(&self, key: &str) -> Option<String> {
        match key {
            "checkpoint" => self.lacks(Ability::CheckpointCreate),
            "install" if self.python.is_none() => Some(NO_PACKAGE.to_owned()),
            DATABASE => self.lacks(Ability::DbMigrate),
            "configuration" if self.config.as_ref().is_none_or(|file| !file.exists()) => {
                Some(NO_FILE.to_owned())
            }
            _ => None,
        }
    }

    /// Why an ability cannot be used, `None` when it can.
    fn lacks(&self, ability: Ability) -> Option<String> {
        if self.abilities.has(ability) {
            return None;
        }
        let why = self
            .abilities
            .of(ability)
            .map_or("not probed", |finding| finding.why.as_str());
        Some(format!("not in this MAOS: {why}"))
    }
}

/// The list. The wait for running tasks comes first only where it was asked for.
#[must_use]
pub fn steps(upgrade: &Upgrade) -> Vec<Step<Upgrade>> {
    let mut list = Vec::new();
    if upgrade.wait.is_some() {
        list.push(Step::new("wait", "wait for running tasks", wait));
    }
    list.extend([
        Step::new("checkpoint", "checkpoint", checkpoint)
            .check(|scene| async move {
                Ok(scene
                    .world
                    .lacks(Ability::CheckpointCreate)
                    .map_or(Standing::Open, |why| {
                        Standing::NotNeeded(format!("{why}; the backup stands"))
                    }))
            })
            .undo("kept", |_| async { Ok(String::new()) }),
        Step::new("stop", "stop MAOS", stop)
            .check(stop_stands)
            .proof(nothing_runs)
            .undo("start it again", |scene| async move {
                let said = scene.world.maos.start().await.map_err(Error::from)?;
                let ready = serving::ready(scene.world.maos.as_ref(), scene.world.ready_within).await?;
                Ok(format!("{said}; {ready}"))
            }),
        Step::new("install", format!("install {}", upgrade.to), install)
            .check(install_stands)
            .proof(installed)
            .undo(
                upgrade
                    .from
                    .as_ref()
                    .map_or_else(|| "nothing to undo".to_owned(), |from| format!("install {from}")),
                install_back,
            ),
        Step::new(
            DATABASE,
            "database migration",
            |scene: Scene<Upgrade>| async move {
                let said = scene.world.maos.db_migrate().await.map_err(Error::from)?;
                Ok(Did::said(said).with(scene.memo))
            },
        )
        .check(migration_stands)
        .undo("restore the backup", |scene| async move {
            if nothing_migrated(&scene.memo) {
                return Ok(NOTHING_MIGRATED.to_owned());
            }
            Err(only_the_backup())
        }),
        Step::new("configuration", "check configuration", configuration).check(|scene| async move {
            let file = scene.world.config.as_ref();
            Ok(match file.filter(|file| file.exists()) {
                Some(_) => Standing::Open,
                None => Standing::NotNeeded(NO_FILE.to_owned()),
            })
        }),
        Step::new("start", "start MAOS", |scene: Scene<Upgrade>| async move {
            let said = scene.world.maos.start().await.map_err(Error::from)?;
            Ok(Did::said(said))
        })
        .check(|scene| async move {
            if !scene.memos.contains_key("stop") {
                return Ok(Standing::NotNeeded("it did not run before".to_owned()));
            }
            Ok(match scene.world.maos.running().await.map_err(Error::from)? {
                Known::Value(true) => Standing::There(Did::said("runs")),
                _ => Standing::Open,
            })
        })
        .undo("stop it", |scene| async move {
            serving::ended(scene.world.maos.as_ref(), scene.world.stop_within).await
        })
        .rechecked(),
        Step::new(
            "ready",
            format!("ready within {} s", upgrade.ready_within.as_secs()),
            |scene: Scene<Upgrade>| async move {
                serving::ready(scene.world.maos.as_ref(), scene.world.ready_within)
                    .await
                    .map(Did::said)
            },
        )
        .check(|scene| async move {
            Ok(if scene.memos.contains_key("start") {
                Standing::Open
            } else {
                Standing::NotNeeded("it was not started".to_owned())
            })
        }),
        Step::new("validation", "validation", validation),
    ]);
    list
}

async fn wait(scene: Scene<Upgrade>) -> Result<Did> {
    let world = &scene.world;
    let (begun, limit) = (Instant::now(), world.wait.unwrap_or_default());
    loop {
        let running = match world
            .maos
            .list(Some(TaskStatus::Running))
            .await
            .map_err(Error::from)?
        {
            Known::Value(tasks) => tasks.len(),
            Known::Unknown(why) => {
                return Err(Error::unavailable(format!("running tasks are not known: {why}")));
            }
        };
        if running == 0 {
            return Ok(Did::said("no task runs"));
        }
        if scene.control.stopping() {
            return Err(Error::interrupted("stopped while waiting; nothing is changed"));
        }
        if begun.elapsed() > limit {
            return Err(Error::blocked(format!(
                "{running} tasks still run after {} s",
                limit.as_secs()
            )));
        }
        tokio::select! {
            () = tokio::time::sleep(ASK) => {}
            () = scene.control.stopped() => {}
        }
    }
}

async fn checkpoint(scene: Scene<Upgrade>) -> Result<Did> {
    let description = format!("before the upgrade to {}", scene.world.to);
    let id = scene
        .world
        .maos
        .checkpoint_create(description)
        .await
        .map_err(Error::from)?;
    // Taken before the stop, and listed: an id alone proves nothing.
    let listed = scene.world.maos.checkpoints().await.map_err(Error::from)?;
    if !listed.iter().any(|checkpoint| checkpoint.id == id) {
        return Err(Error::unavailable(format!(
            "MAOS gave the checkpoint {id} and does not list it"
        )));
    }
    Ok(Did::said(id.clone()).with(json!({"id": id})))
}

async fn stop(scene: Scene<Upgrade>) -> Result<Did> {
    let at = scene.world.clock.now();
    // Asked first; a release that does not heed the request is ended, since nothing can be installed under it.
    let said = serving::ended(scene.world.maos.as_ref(), scene.world.stop_within).await?;
    Ok(Did::said(said).with(json!({"stopped_at": at})))
}

/// A run that was killed behind the stop finds nothing that runs: it stopped what ran at its start, and starts it again.
async fn stop_stands(scene: Scene<Upgrade>) -> Result<Standing> {
    let world = &scene.world;
    let why = match world.maos.running().await.map_err(Error::from)? {
        Known::Value(true) => return Ok(Standing::Open),
        Known::Value(false) => "it does not run".to_owned(),
        // A release that sees no other process: the table of processes does.
        Known::Unknown(_) => match world.others() {
            Some(others) if others.is_empty() => "nothing runs from its environment".to_owned(),
            _ => return Ok(Standing::Open),
        },
    };
    Ok(if world.ran {
        let at = world.clock.now();
        Standing::There(Did::said("stopped").with(json!({"stopped_at": at})))
    } else {
        Standing::NotNeeded(why)
    })
}

/// Exit 0 of a stop proves nothing: no program may run from the environment that is about to change.
async fn nothing_runs(scene: Scene<Upgrade>) -> Result<String> {
    let world = &scene.world;
    let begun = Instant::now();
    loop {
        let Some(others) = world.others() else {
            return Ok(String::new());
        };
        let Some(first) = others.first() else {
            return Ok("nothing runs from its environment".to_owned());
        };
        // A question that somebody asks it at this moment ends by itself.
        if begun.elapsed() > LOOKED {
            return Err(Error::blocked(format!(
                "process {} runs from the environment of this MAOS and was not started here",
                first.pid
            ))
            .hint("Stop it the way it was started, then try the step again; or name that way in migration.yml: maos.commands, stop and start."));
        }
        tokio::time::sleep(LOOK).await;
    }
}

/// Whether there is anything to migrate is asked before the migration, and only once: afterwards nobody can tell.
async fn migration_stands(scene: Scene<Upgrade>) -> Result<Standing> {
    if let Some(why) = scene.world.lacks(Ability::DbMigrate) {
        return Ok(Standing::NotNeeded(why));
    }
    if scene.line.state != ItemState::Waiting {
        return Ok(Standing::Open);
    }
    let before = scene.world.maos.migrated().await;
    Ok(Standing::OpenFrom(
        json!({ALREADY: matches!(before, Ok(Known::Value(true)))}),
    ))
}

fn nothing_migrated(memo: &Value) -> bool {
    memo[ALREADY] == true
}

/// Whether the migration of a run found nothing to do, so that going back leaves the database as it is.
pub(super) fn migrated_before(lines: &Items) -> bool {
    memo_of(lines, DATABASE).is_some_and(|memo| nothing_migrated(&memo))
}

/// Whether the database was migrated by the run with these lines, or may have been: then its steps alone do not lead back, and only
/// a rollback does.
#[must_use]
pub fn only_rolled_back(lines: &Items) -> bool {
    let reached = |line: &Item| {
        matches!(
            line.state,
            ItemState::Running | ItemState::Done | ItemState::Failed | ItemState::Unknown
        )
    };
    lines.get(DATABASE).is_some_and(|line| reached(line)) && !migrated_before(lines)
}

/// Why a run whose database was migrated is not taken back step by step.
pub(super) fn only_the_backup() -> Error {
    Error::blocked("a migrated database is put back by restoring its backup")
        .hint("Roll back: maos-migrate rollback plan shows what that does. Or mend the cause, and the upgrade goes on.")
}

async fn install_stands(scene: Scene<Upgrade>) -> Result<Standing> {
    let Some(python) = &scene.world.python else {
        return Ok(Standing::NotNeeded(NO_PACKAGE.to_owned()));
    };
    // An installation whose end nobody saw is ended and made anew, whatever its metadata says.
    Ok(
        if !python.left() && python.installed().await?.is(&scene.world.to) {
            Standing::There(Did::said("installed"))
        } else {
            Standing::Open
        },
    )
}

fn requirements(distribution: &str, version: &str, needs: &[String]) -> Vec<String> {
    let mut list = vec![format!("{distribution}=={version}")];
    list.extend(needs.iter().map(|need| need.replace(' ', "")));
    list
}

async fn install(scene: Scene<Upgrade>) -> Result<Did> {
    let world = &scene.world;
    if let Some(python) = &world.python {
        let wanted = requirements(&python.distribution, &world.to, &world.needs);
        python.install(&wanted, &scene.control).await?;
    }
    Ok(Did::said("installed"))
}

async fn installed(scene: Scene<Upgrade>) -> Result<String> {
    let Some(python) = &scene.world.python else {
        return Ok(String::new());
    };
    in_place(&python.installed().await?, &scene.world.to)
}

/// The evidence that a version is there, whole.
fn in_place(found: &Installed, wanted: &str) -> Result<String> {
    match found.version.as_deref() {
        Some(version) if version == wanted && found.whole => {
            Ok(format!("metadata {version}, every file as recorded"))
        }
        Some(version) if version == wanted => Err(Error::unavailable(format!(
            "metadata says {version}, and files of it are missing or changed"
        ))
        .hint("Try the step again: it installs it anew.")),
        found => Err(Error::unavailable(format!(
            "metadata says {}, not {wanted}",
            found.unwrap_or("nothing")
        ))),
    }
}

async fn install_back(scene: Scene<Upgrade>) -> Result<String> {
    let world = &scene.world;
    let (Some(python), Some(from)) = (&world.python, &world.from) else {
        return Ok(String::new());
    };
    let mut wanted = requirements(&python.distribution, from, &[]);
    wanted.extend(world.beside.iter().cloned());
    python.install(&wanted, &scene.control).await?;
    in_place(&python.installed().await?, from)
}

/// Reads the file and changes nothing: comments and order are the owner's.
async fn configuration(scene: Scene<Upgrade>) -> Result<Did> {
    let Some(file) = scene.world.config.clone() else {
        return Ok(Did::default());
    };
    let read = tokio::task::spawn_blocking(move || -> Result<String> {
        let text = std::fs::read_to_string(&file).map_err(|error| Error::io("read", &file, &error))?;
        let name = file.display().to_string();
        let _: serde_json::Value = crate::engine::yaml::from_str(&name, &text)?;
        files::sha256_file(&file)
    });
    let sha256 = read.await.map_err(|error| Error::bug(error.to_string()))??;
    Ok(Did::said("reads well, not touched").with(json!({"sha256": sha256})))
}

async fn validation(scene: Scene<Upgrade>) -> Result<Did> {
    let world = &scene.world;
    let mut said = Vec::new();
    if let Some(python) = &world.python {
        in_place(&python.installed().await?, &world.to)?;
        said.push(format!("version {}", world.to));
    }
    let found = world.maos.probe().await.map_err(Error::from)?;
    let lost: Vec<&str> = Ability::ALL
        .iter()
        .filter(|ability| world.abilities.has(**ability) && !found.has(**ability))
        .map(|ability| ability.words())
        .collect();
    if !lost.is_empty() {
        return Err(Error::unavailable(format!(
            "it lost what it could before: {}",
            lost.join(", ")
        )));
    }
    said.push("every command of before is there".to_owned());
    match world.maos.health().await.map_err(Error::from)? {
        Known::Value(health) if health.healthy == health.total && health.total > 0 => {
            said.push(format!("{} of {} healthy", health.healthy, health.total));
        }
        // What is not started cannot be well; that it does not run was so before.
        Known::Value(health) if scene.memos.contains_key("start") => {
            return Err(Error::unavailable(format!(
                "{} of {} healthy",
                health.healthy, health.total
            )));
        }
        Known::Value(_) => said.push("not started, as before".to_owned()),
        Known::Unknown(why) => said.push(format!("health not known: {why}")),
    }
    Ok(Did::said(said.join("; ")))
}
