//! `upgrade apply|undo` from the workspace.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};

use super::backup::Basis;
use super::{Prepared, World, lines, taken_back, unknown};
use crate::engine::backup;
use crate::engine::capability::Capability;
use crate::engine::error::{Error, Result};
use crate::engine::evidence::{self, Ready};
use crate::engine::item::{Item, ItemState, Items};
use crate::engine::operation::{Control, Outcome, ProofLine};
use crate::engine::ports::maos::{Capabilities, Known, Maos, TaskStatus};
use crate::engine::snapshot::{Activity, Step};
use crate::engine::steps::{self, Heading, Run, RunId};
use crate::engine::upgrade::{self, Compatibility, Facts, MARK, Python, TABLE, Upgrade};

/// How long running tasks are waited for, when that was asked for.
const WAIT: Duration = Duration::from_mins(10);
/// Seconds that a graceful stop may take, unless the settings say otherwise.
const STOP_S: u64 = 120;
/// Seconds that MAOS may take to be ready, unless the settings say otherwise.
const READY_S: u64 = 120;

/// What the screen shows before an upgrade: the pre-check, and from where to where.
#[derive(Debug, Clone, PartialEq)]
pub struct Reading {
    /// The lines.
    pub ready: Ready,
    /// The version that is installed.
    pub from: Option<String>,
    /// The version to install.
    pub to: String,
    /// The interpreter that holds it.
    pub interpreter: Option<String>,
    /// The steps: key, title, way back.
    pub steps: Vec<(&'static str, String, String)>,
}

/// The version that is wished for: the decision `version`, else the settings.
fn wanted(world: &World) -> Result<String> {
    let decided = world.snapshot.step(Capability::Upgrade).decisions;
    let version = decided
        .get("version")
        .and_then(|choice| choice.as_str().map(str::to_owned))
        .or_else(|| world.settings.driving.maos.version.clone())
        .ok_or_else(|| {
            Error::input("the version to upgrade to is not named")
                .hint("Add maos.version to migration.yml, for example 0.9.4.")
        })?;
    if upgrade::is_version(&version) {
        Ok(version)
    } else {
        Err(Error::input("maos.version is no version").hint("Write it like 0.9.4."))
    }
}

async fn gather(world: &World) -> Result<(Upgrade, Ready)> {
    let driving = &world.settings.driving;
    let table = Compatibility::read(TABLE, world.workspace.own_asset(TABLE)?.as_deref())?;
    let step = world.snapshot.step(Capability::Upgrade);
    let before = lines(&step);
    // A run under way keeps what was decided at its start: the version now is no longer the one it came from.
    let begun = open(&step, &before).map(|(id, _)| id.params);
    let wanted = match begun.as_ref().and_then(|params| params["to"].as_str()) {
        Some(to) => to.to_owned(),
        None => wanted(world)?,
    };
    let maos = world.ports.maos.open(&world.workspace, &world.settings)?;
    // Half-way the program may be gone or broken: that is what going on, or going back, mends.
    let (interpreter, reported, abilities) = if let Some(known) = begun.as_ref().and_then(known) {
        known
    } else {
        // In this order: the version rests on what the probe has found.
        let abilities = maos.probe().await.map_err(Error::from)?;
        let version = maos.version().await.map_err(Error::from)?;
        (version.interpreter, version.reported, abilities)
    };
    let python = interpreter.clone().map(|interpreter| Python {
        interpreter,
        distribution: table.distribution.clone(),
        mark: world.workspace.path(MARK),
        processes: Arc::clone(&world.ports.processes),
    });
    if python.is_none() && !maos.rehearsal() {
        return Err(
            Error::unavailable("the Python environment that holds this MAOS is not known")
                .hint("Name its program in target.maos, or the environment in maos.environment."),
        );
    }
    let installed = match &python {
        Some(python) => Some(python.installed().await?),
        None => None,
    };
    let wait = step
        .decisions
        .get("wait")
        .and_then(serde_json::Value::as_bool)
        .unwrap_or(false);
    let place = interpreter.unwrap_or_else(|| world.workspace.root().to_owned());
    let folder = backup::request::folder(&world.workspace, &world.settings);
    let shelf = super::blocking(move || backup::list(&folder)).await?;
    let facts = Facts {
        installed: installed.clone(),
        reported,
        wanted: wanted.clone(),
        health: asked(maos.health().await),
        running: running(maos.as_ref()).await,
        wait,
        free: free(&place),
        backup: evidence::backup(&world.snapshot, Some(&shelf), world.now, driving.backup.max_age),
    };
    let ready = upgrade::precheck(&facts, &table);
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let words = |value: &Value| {
        value
            .as_array()
            .map(|all| all.iter().filter_map(text).collect::<Vec<_>>())
    };
    let (from, beside) = match &begun {
        Some(params) => (
            text(&params["from"]),
            words(&params["beside"]).unwrap_or_default(),
        ),
        None => (
            installed.as_ref().and_then(|installed| installed.version.clone()),
            installed.map(|installed| installed.beside).unwrap_or_default(),
        ),
    };
    let ran = match begun.as_ref().and_then(|params| params["ran"].as_bool()) {
        Some(ran) => ran,
        None => matches!(maos.running().await, Ok(Known::Value(true))),
    };
    let upgrade = Upgrade {
        ran,
        maos,
        abilities,
        python,
        from,
        beside,
        needs: table
            .of(&wanted)
            .map(|release| release.needs.clone())
            .unwrap_or_default(),
        to: wanted,
        config: driving
            .maos
            .config
            .as_ref()
            .map(|path| world.workspace.path(path)),
        wait: wait.then_some(WAIT),
        ready_within: Duration::from_secs(driving.maos.ready_within.unwrap_or(READY_S)),
        stop_within: Duration::from_secs(driving.maos.stop_within.unwrap_or(STOP_S)),
        clock: Arc::clone(&world.ports.clock),
    };
    Ok((upgrade, ready))
}

/// With which packages a version ran, as the last upgrade found it.
#[must_use]
pub(super) fn ran_with(world: &World) -> Vec<(String, Vec<String>)> {
    let step = world.snapshot.step(Capability::Upgrade);
    let run = step.items.get("apply").and_then(steps::run_of);
    let found = run.and_then(|run| {
        let from = run.params["from"].as_str()?.to_owned();
        Some((from, serde_json::from_value(run.params["beside"].clone()).ok()?))
    });
    found.into_iter().collect()
}

/// A run that stands half-way, or was killed behind its last step.
fn open(step: &Step, before: &Items) -> Option<(RunId, Heading)> {
    steps::unfinished(before).or_else(|| {
        let untold = steps::untold(before).filter(|_| step.activity == Activity::Stopped);
        untold.map(|run| (run, Heading::Forward))
    })
}

/// What was found out at the start of a run.
fn known(params: &Value) -> Option<(Option<PathBuf>, Option<String>, Capabilities)> {
    let abilities = serde_json::from_value(params["abilities"].clone()).ok()?;
    let interpreter = serde_json::from_value(params["interpreter"].clone()).ok()?;
    Some((interpreter, None, abilities))
}

fn asked<T>(answer: std::result::Result<Known<T>, crate::engine::ports::maos::MaosError>) -> Known<T> {
    answer.unwrap_or_else(|error| Known::Unknown(error.to_string()))
}

async fn running(maos: &dyn Maos) -> Known<u64> {
    match asked(maos.list(Some(TaskStatus::Running)).await) {
        Known::Value(tasks) => Known::Value(tasks.len() as u64),
        Known::Unknown(why) => Known::Unknown(why),
    }
}

fn free(place: &Path) -> Known<u64> {
    match rustix::fs::statvfs(place) {
        Ok(figures) => Known::Value(figures.f_bavail.saturating_mul(figures.f_frsize)),
        Err(error) => Known::Unknown(error.to_string()),
    }
}

/// The pre-check for the screen.
///
/// # Errors
/// No version is named, or MAOS cannot be asked.
pub async fn read(world: World) -> Result<Reading> {
    let (upgrade, ready) = gather(&world).await?;
    let steps = upgrade::steps(&upgrade)
        .iter()
        .map(|step| {
            let back = step.way_back().unwrap_or("nothing to undo").to_owned();
            (step.key(), step.title().to_owned(), back)
        })
        .collect();
    Ok(Reading {
        steps,
        ready,
        interpreter: upgrade
            .python
            .as_ref()
            .map(|python| python.interpreter.display().to_string()),
        from: upgrade.from,
        to: upgrade.to,
    })
}

/// Plans `apply` or `undo`.
///
/// # Errors
/// What stands in the way.
pub(super) async fn prepare(world: World, verb: &str, _control: Control) -> Result<Prepared> {
    let step = world.snapshot.step(Capability::Upgrade);
    let before = lines(&step);
    let target = world.settings.name.clone();
    match verb {
        "apply" => {
            let (upgrade, ready) = gather(&world).await?;
            let open = open(&step, &before);
            // A run that stands half-way goes on: its own steps are what changed the pre-check.
            let ready = if open.is_some() { Ready::default() } else { ready };
            let plan = match open {
                Some((_, Heading::Back)) => upgrade::undo_plan(&upgrade, &before, &target)?,
                _ => upgrade::plan(&upgrade, &ready, open.as_ref().map(|_| &before), &target)?,
            };
            run(plan, upgrade, before, open, &world, false)
        }
        "undo" => {
            let open = open(&step, &before);
            if open.is_none() {
                return Err(Error::input("no upgrade stands half-way")
                    .hint("A done upgrade is taken back by a rollback."));
            }
            let (upgrade, _) = gather(&world).await?;
            let plan = upgrade::undo_plan(&upgrade, &before, &target)?;
            run(plan, upgrade, before, open, &world, true)
        }
        _ => Err(unknown(Capability::Upgrade, verb)),
    }
}

fn run(
    plan: crate::engine::operation::Plan,
    upgrade: Upgrade,
    before: Items,
    open: Option<(RunId, Heading)>,
    world: &World,
    back: bool,
) -> Result<Prepared> {
    // The backup is read through before anything is stopped; a run that stands half-way has it behind it.
    let basis = (open.is_none() && !back).then(|| Basis::of(world)).transpose()?;
    let id = open.clone().map_or_else(
        || RunId {
            id: steps::name_of(steps::begins(world.now, &before)),
            params: json!({
                "from": upgrade.from,
                "to": upgrade.to,
                "beside": upgrade.beside,
                "ran": upgrade.ran,
                "interpreter": upgrade.python.as_ref().map(|python| &python.interpreter),
                "abilities": upgrade.abilities,
            }),
        },
        |(id, _)| id,
    );
    let back = back || open.is_some_and(|(_, heading)| heading == Heading::Back);
    Ok(Prepared {
        plan,
        live: None,
        run: Box::new(move |control| {
            Box::pin(async move {
                if let Some(basis) = basis {
                    basis.holds(&control).await?;
                }
                let (from, to) = (upgrade.from.clone(), upgrade.to.clone());
                let run = Run {
                    steps: upgrade::steps(&upgrade),
                    world: Arc::new(upgrade),
                    id,
                    points: "upgrade",
                    holds: true,
                };
                if back {
                    let failure = run
                        .take_back(&before, Error::interrupted("taken back by choice"), &control)
                        .await;
                    return match failure.stuck {
                        Some(_) => Err(failure.into()),
                        None => Ok(taken_back(
                            &failure.taken_back,
                            from.map_or_else(
                                || "Taken back; no other version was installed.".to_owned(),
                                |from| format!("Taken back; {from} is in place."),
                            ),
                        )),
                    };
                }
                let lines = run.go(&before, &control).await.map_err(|failure| {
                    let held = failure.step.is_some();
                    let rolls = upgrade::only_rolled_back(&Items::from(failure.lines.clone()));
                    let mut error = Error::from(failure);
                    if held {
                        let mend = error.hint.take().unwrap_or_else(|| "Try it again.".to_owned());
                        let from = from.as_deref().unwrap_or("the version before");
                        error.hint(if rolls {
                            format!("{mend} It stands there; the database is migrated, so the way back to {from} is a rollback: maos-migrate rollback plan.")
                        } else {
                            format!("{mend} It stands there; the way back to {from} is maos-migrate upgrade undo.")
                        })
                    } else {
                        error
                    }
                })?;
                Ok(outcome(&lines, &to))
            })
        }),
    })
}

/// Only what was proved is counted, and a version is called in place only where its installation was looked at.
fn outcome(lines: &[Item], to: &str) -> Outcome {
    let count = |state: ItemState| lines.iter().filter(|line| line.state == state).count() as u64;
    let (total, proved, skipped) = (lines.len(), count(ItemState::Done), count(ItemState::Skipped));
    let install = lines.iter().find(|line| line.key == "install");
    let steps = if skipped == 0 {
        format!("{proved} of {total} proved")
    } else {
        format!("{total} steps: {proved} proved, {skipped} skipped")
    };
    let summary = match install {
        Some(line) if line.state == ItemState::Done => format!("{to} is in place, {steps}."),
        Some(line) => format!("{to} was not installed: {}. {steps}.", line.text),
        None => format!("{steps}."),
    };
    Outcome {
        source: proved,
        converted: proved,
        unchanged: 0,
        quarantined: 0,
        proof: lines
            .iter()
            .map(|line| ProofLine {
                what: line.title.clone(),
                source: line.state.word().to_owned(),
                target: line.text.clone(),
                equal: line.state.ended(),
            })
            .collect(),
        summary,
        artifacts: Vec::new(),
    }
}
