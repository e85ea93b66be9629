//! `rollback apply|keep` of the workspace; `rehearse` is in [`super::rehearsing`], `return` in [`super::returning`].

use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::Value;

use super::backup::{CHOSEN, duration};
use super::{Prepared, World, schema, unknown};
use crate::engine::backup::{self, Listed, request};
use crate::engine::capability::Capability;
use crate::engine::error::{Error, ErrorKind, Result};
use crate::engine::item::{Item, ItemState, Items};
use crate::engine::operation::{Control, Effect, Outcome, Plan, ProofLine};
use crate::engine::ports::databases::MarkKind;
use crate::engine::ports::maos::Known;
use crate::engine::ports::store::Table;
use crate::engine::rollback::{
    self, Mode, NewRows, Params, Place, Preflight, RESULT, RollbackResult, rehearse_steps,
};
use crate::engine::snapshot::Activity;
use crate::engine::steps::{Failure, Heading, Run, RunId, Step, run_of, unfinished};
use crate::engine::text;
use crate::engine::workspace::MigrationType;

/// The decision about rows that exist only on the new side: `carry` or `export`.
pub const ROWS: &str = "rows";
/// The decision to restore although the legacy system does not start: `restore`.
pub const ONLY: &str = "only";

/// What is known of a rollback before it is planned.
pub(super) struct Known1 {
    pub(super) place: Place,
    pub(super) preflight: Preflight,
    pub(super) before: Items,
    pub(super) going: Option<(RunId, Heading)>,
}

pub(super) fn lines(world: &World, verb: &str) -> Items {
    world
        .snapshot
        .steps
        .get(&Capability::Rollback)
        .and_then(|step| step.items.get(verb))
        .cloned()
        .unwrap_or_default()
}

fn decision(world: &World, subject: &str) -> Option<String> {
    let decisions = &world.snapshot.steps.get(&Capability::Rollback)?.decisions;
    decisions.get(subject)?.as_str().map(str::to_owned)
}

/// Everything the screen of the rollback shows. Reads only.
///
/// # Errors
/// Settings that name nothing to go back with.
pub async fn preflight(world: World) -> Result<Preflight> {
    Ok(gather(&world).await?.preflight)
}

pub(super) async fn gather(world: &World) -> Result<Known1> {
    let before = lines(world, "apply");
    let going = unfinished(&before).or_else(|| ended_untold(world, &before));
    let folder = request::folder(&world.workspace, &world.settings);
    let listing = folder.clone();
    let backups = super::blocking(move || backup::list(&listing)).await?;
    let live = request::database(&world.settings, &world.ports)?;
    let legacy = request::legacy_database(&world.settings, &world.ports)?;
    let (run, params) = match &going {
        Some((run, _)) => {
            let params: Params = serde_json::from_value(run.params.clone()).map_err(|_| {
                Error::blocked("the interrupted rollback is of another version of this program")
            })?;
            (run.id.clone(), params)
        }
        None => new_params(world, &backups, live.as_deref(), legacy.as_deref())?,
    };
    let backup = params
        .backup
        .as_ref()
        .and_then(|id| backups.iter().find(|one| one.id == *id))
        .cloned();
    if backup.is_none()
        && let Some(id) = &params.backup
    {
        return Err(Error::blocked(format!("there is no backup {id} any more"))
            .hint("maos-migrate backup list shows those there are."));
    }
    let maos = world.ports.maos.open(&world.workspace, &world.settings).ok();
    let schema_request = schema::request(world)?;
    let as_guide = backup.as_ref().and_then(|backup| {
        backup::as_manifest(backup, &request::named_files(&world.workspace, &world.settings))
    });
    let place = Place {
        as_guide,
        workspace: world.workspace.clone(),
        settings: Arc::clone(&world.settings),
        maos,
        processes: Arc::clone(&world.ports.processes),
        live,
        legacy,
        backup,
        table: Table::parse(&world.settings.tuning.target_table),
        legacy_table: Table::parse(&world.settings.tuning.source_table),
        mapping: schema_request.mapping,
        ran_with: super::upgrade::ran_with(world),
        run,
        params,
    };
    let mut preflight = rollback::look(&place, backups, world.now, going.is_some()).await;
    preflight.rehearsed = rollback::rehearsed(&lines(world, "rehearse"), place.params.backup.as_deref());
    preflight.returns = going.is_none() && unfinished(&lines(world, "return")).is_some();
    preflight.nothing_to_do = going.is_none() && is_done(&place, &before, &preflight).await;
    if preflight.nothing_to_do && place.params.mode == Mode::Maos {
        preflight.returns |= match super::returning::last(&before) {
            Some((_, params)) if !params.old.is_empty() => match &place.live {
                Some(live) => live.sibling(&params.old).exists().await.unwrap_or(false),
                None => false,
            },
            _ => false,
        };
    }
    Ok(Known1 {
        place,
        preflight,
        before,
        going,
    })
}

/// A rollback that was killed behind its last step: everything is done, and nobody was told.
fn ended_untold(world: &World, before: &Items) -> Option<(RunId, Heading)> {
    let step = world.snapshot.steps.get(&Capability::Rollback)?;
    let ended = |line: &Arc<Item>| matches!(line.state, ItemState::Done | ItemState::Skipped);
    (step.activity == Activity::Stopped && step.verb == "apply" && before.all().iter().all(ended))
        .then(|| run_of(before))
        .flatten()
        .map(|run| (run, Heading::Forward))
}

fn new_params(
    world: &World,
    backups: &[Listed],
    live: Option<&dyn crate::engine::ports::databases::Database>,
    legacy: Option<&dyn crate::engine::ports::databases::Database>,
) -> Result<(String, Params)> {
    let mode = match world.snapshot.migration {
        Some(MigrationType::Brownfield | MigrationType::Hybrid) => Mode::Legacy,
        _ => Mode::Maos,
    };
    let backup = match decision(world, CHOSEN) {
        Some(id) => {
            if backups.iter().all(|one| one.id != id) {
                return Err(Error::input(format!("there is no backup {id}"))
                    .hint("maos-migrate backup list shows those there are."));
            }
            Some(id)
        }
        None => backup::newest_usable(backups).map(|one| one.id.clone()),
    };
    let stamp = world.now.strftime("%m%d_%H%M%S").to_string();
    let (new, old) = live.map_or_else(
        || (String::new(), String::new()),
        |live| {
            (
                live.named(&format!("rb_{stamp}")),
                live.named(&format!("old_{stamp}")),
            )
        },
    );
    let shared = live
        .zip(legacy)
        .is_some_and(|(live, legacy)| live.words() == legacy.words());
    Ok((
        world.now.strftime("%Y%m%d_%H%M%S").to_string(),
        Params {
            mode,
            backup,
            rows: match decision(world, ROWS).as_deref() {
                Some("export") => NewRows::Export,
                _ => NewRows::Carry,
            },
            shared,
            restore_only: decision(world, ONLY).as_deref() == Some("restore"),
            new,
            old,
            stamp,
        },
    ))
}

/// Whether the last rollback is still the state of things: then doing it again would do nothing.
async fn is_done(place: &Place, before: &Items, preflight: &Preflight) -> bool {
    let Some((last, params)) = super::returning::last(before) else {
        return false;
    };
    if params.backup != place.params.backup || params.mode != place.params.mode {
        return false;
    }
    if let (Mode::Legacy, Some(maos)) = (params.mode, &place.maos)
        && matches!(maos.running().await, Ok(Known::Value(true)))
    {
        return false;
    }
    let Some(live) = place.live.as_ref().filter(|_| params.backup.is_some()) else {
        return true;
    };
    let Ok(marks) = live.marks().await else {
        return false;
    };
    let newest = marks.iter().rev().find(|mark| mark.kind == MarkKind::Restored);
    if newest.is_none_or(|mark| mark.note != last.id) {
        return false;
    }
    let carried = live.carried(&last.id).await.unwrap_or(0);
    match (params.mode, preflight.newer) {
        (Mode::Maos, Some((new, changed))) => changed == 0 && new == carried,
        (Mode::Maos, None) => false,
        (Mode::Legacy, _) => true,
    }
}

/// Plans `verb`.
///
/// # Errors
/// A verb that does not exist, or what stands in the way.
pub(super) async fn prepare(world: World, verb: &str, _control: Control) -> Result<Prepared> {
    match verb {
        "apply" => apply(world).await,
        "keep" => keep(world).await,
        "rehearse" => super::rehearsing::prepare(world).await,
        "return" => super::returning::prepare(world).await,
        _ => Err(unknown(Capability::Rollback, verb)),
    }
}

pub(super) fn name_of(place: &Place) -> String {
    place
        .live
        .as_ref()
        .map_or_else(|| place.settings.name.clone(), |live| live.name())
}

async fn apply(world: World) -> Result<Prepared> {
    let Known1 {
        place,
        preflight,
        before,
        going,
    } = gather(&world).await?;
    if unfinished(&lines(&world, "return")).is_some() {
        return Err(Error::blocked("taking back a rollback was interrupted")
            .hint("maos-migrate rollback return goes on from there."));
    }
    if preflight.nothing_to_do {
        return Ok(nothing(&place));
    }
    let back = matches!(&going, Some((_, Heading::Back)));
    if let Some(error) = preflight.blocked.clone().filter(|_| !back) {
        return Err(error);
    }
    let plan = apply_plan(&place, &preflight, going.as_ref());
    let (begun, watched) = (Instant::now(), world.interactive);
    Ok(Prepared {
        plan,
        live: None,
        run: Box::new(move |control| {
            Box::pin(async move { run(place, before, begun, watched, control).await })
        }),
    })
}

fn nothing(place: &Place) -> Prepared {
    let summary = "Rolled back already; nothing to do".to_owned();
    let outcome = Outcome {
        source: 0,
        converted: 0,
        unchanged: 0,
        quarantined: 0,
        proof: Vec::new(),
        summary: summary.clone(),
        artifacts: Vec::new(),
    };
    Prepared {
        plan: Plan {
            capability: Capability::Rollback,
            verb: "apply".to_owned(),
            title: summary,
            target: name_of(place),
            effects: Vec::new(),
            undo: Some("nothing is changed".to_owned()),
            needs_approval: false,
            basis: Vec::new(),
            digest: String::new(),
        }
        .sealed(),
        live: None,
        run: Box::new(move |_| Box::pin(async move { Ok(outcome) })),
    }
}

/// The plan holds no count that changes while MAOS still runs: at night nobody reads a plan anew because of a row. The rows that
/// exist only on the new side are counted in the pre-flight, and again by the step itself.
fn apply_plan(place: &Place, preflight: &Preflight, going: Option<&(RunId, Heading)>) -> Plan {
    let name = name_of(place);
    let mut effects = Vec::new();
    let title = match going {
        Some((run, Heading::Back)) => format!("Finish taking back rollback {}", run.id),
        Some((run, Heading::Forward | Heading::Held)) => format!("Go on with rollback {}", run.id),
        None => format!("Roll back {name}"),
    };
    if place.maos.is_some() {
        effects.push(Effect::plain("stop", "MAOS: asked for 120 s, then ended"));
    }
    if let Some(backup) = &place.backup {
        let rows = backup
            .manifest
            .as_ref()
            .map(backup::Manifest::rows)
            .or_else(|| backup.verification.as_ref().map(|found| found.rows))
            .unwrap_or(0);
        effects.push(Effect::counted(
            "restore",
            rows,
            format!("rows from backup {} into {}", backup.id, place.params.new),
        ));
    }
    let rows = match (place.params.rows, place.params.mode) {
        (NewRows::Export, _) => Effect::plain("export", "rows that exist only in MAOS, to rollback/"),
        (NewRows::Carry, Mode::Legacy) => Effect::plain(
            "carry",
            format!("rows that exist only in MAOS back to {}", place.legacy_table),
        ),
        (NewRows::Carry, Mode::Maos) => {
            Effect::plain("carry", "rows that exist only in MAOS into what is restored")
        }
    };
    effects.push(rows);
    if place.restores() {
        effects.push(Effect::plain(
            "rename",
            format!(
                "{name} to {}, kept until you drop it; {} to {name}",
                place.params.old, place.params.new
            ),
        ));
        effects.push(Effect::plain(
            "replace",
            "configuration and checkpoints; what is there is kept beside",
        ));
    }
    match place.params.mode {
        Mode::Maos if place.maos.is_some() => {
            effects.push(Effect::plain(
                "start",
                "MAOS in the version of the backup, wait until it is ready",
            ));
        }
        Mode::Legacy if !place.params.restore_only => {
            effects.push(Effect::plain("open", "the legacy system, wait until it answers"));
        }
        Mode::Maos | Mode::Legacy => {}
    }
    effects.push(Effect::plain("prove", "mark, rows, files and version"));
    // A backup without a manifest is known by what its verification was bound to.
    let verified = || Some(place.backup.as_ref()?.verification.as_ref()?.manifest.clone());
    let manifest = place
        .manifest()
        .map(|manifest| manifest.sha256.clone())
        .or_else(verified);
    // Only in the names: a backup made in the same second has the same digits in its own.
    let timeless = |what: &str| {
        [&place.params.new, &place.params.old]
            .into_iter()
            .filter(|name| !name.is_empty())
            .fold(what.to_owned(), |what, name| {
                what.replace(name.as_str(), &name.replace(&place.params.stamp, "<time>"))
            })
    };
    let choices: Vec<String> = preflight.steps.iter().map(|(key, ..)| key.clone()).collect();
    Plan {
        capability: Capability::Rollback,
        verb: "apply".to_owned(),
        title,
        target: name,
        // The names of a run hold its second; what identifies it is the backup and what is done.
        effects: effects
            .into_iter()
            .map(|effect| Effect {
                what: timeless(&effect.what),
                ..effect
            })
            .collect(),
        undo: None,
        needs_approval: true,
        basis: manifest.into_iter().chain(choices).collect(),
        digest: String::new(),
    }
    .sealed()
}

/// Before the swap, where somebody watches: long enough to press a key, short beside the stop and the start.
const HOLD: Duration = Duration::from_secs(3);

pub(super) fn runner(place: Place, points: &'static str, watched: bool) -> (Arc<Place>, Run<Place>) {
    let steps = if points == "rehearse" {
        rehearse_steps()
    } else {
        let held = |step: Step<Place>| {
            if watched && step.key() == "swap" {
                step.held(HOLD)
            } else {
                step
            }
        };
        let steps = rollback::steps(&place.params, place.maos.is_some());
        steps.into_iter().map(held).collect()
    };
    let id = RunId {
        id: place.run.clone(),
        params: serde_json::to_value(&place.params).unwrap_or(Value::Null),
    };
    let world = Arc::new(place);
    let run = Run {
        world: Arc::clone(&world),
        steps,
        id,
        points,
        holds: false,
    };
    (world, run)
}

async fn run(
    place: Place,
    before: Items,
    begun: Instant,
    watched: bool,
    control: Control,
) -> Result<Outcome> {
    let (place, run) = runner(place, "rollback", watched);
    let done = run.go(&before, &control).await;
    let duration_s = begun.elapsed().as_secs_f64();
    let mut result = RollbackResult {
        success: done.is_ok(),
        duration: duration_s,
        log: Vec::new(),
        health_check: None,
        error: None,
        run: place.run.clone(),
        params: serde_json::to_value(&place.params).unwrap_or(Value::Null),
    };
    match done {
        Ok(lines) => {
            result.log = rollback::log(&lines);
            result.health_check = lines
                .iter()
                .find(|line| line.key == "ready")
                .map(|line| line.text.clone());
            result.write(&place.workspace)?;
            Ok(outcome(&place, &lines, duration_s))
        }
        Err(failure) => {
            result.log = rollback::log(&failure.lines);
            Err(failed(&place, failure, result))
        }
    }
}

fn failed(place: &Place, failure: Failure, mut result: RollbackResult) -> Error {
    let interrupted = failure.error.kind == ErrorKind::Interrupted && failure.taken_back.is_empty();
    let stuck = failure.stuck.is_some();
    let mut error = Error::from(failure);
    if interrupted {
        return error
            .hint("maos-migrate rollback apply goes on from there, rollback keep takes back what was done.");
    }
    if !stuck {
        let state = match place.params.mode {
            Mode::Maos => "the database, files and version in use are those from before the rollback",
            Mode::Legacy => "MAOS's database and files are those from before the rollback",
        };
        error.message = format!("{}. State: {state}", error.message);
    }
    result.error = Some(error.message.clone());
    // The document is evidence; without it the error is told all the same.
    let _ = result.write(&place.workspace);
    error
}

fn outcome(place: &Place, lines: &[Item], duration_s: f64) -> Outcome {
    let figure = |key: &str, name: &str| {
        let line = lines.iter().find(|line| line.key == key)?;
        line.data.get("memo")?.get(name)?.as_u64()
    };
    let rows = figure("proof", "rows").unwrap_or(0);
    let new = figure("proof", "new").unwrap_or(0);
    let said = |key: &str| {
        lines
            .iter()
            .find(|line| line.key == key)
            .map_or("", |line| line.text.as_str())
    };
    let verb = match place.params.rows {
        NewRows::Carry => "carried back",
        NewRows::Export => "exported",
    };
    let proof = |what: &str, source: String, target: String| ProofLine {
        what: what.to_owned(),
        equal: source == target,
        source,
        target,
    };
    let mut proofs = Vec::new();
    if place.restores() {
        proofs.push(proof(
            "rows, contents and objects of the backup",
            text::count(rows),
            text::count(rows),
        ));
    }
    proofs.push(proof(
        &format!("rows that existed only in MAOS, {verb}"),
        text::count(new),
        text::count(figure("carry", "new").unwrap_or(new)),
    ));
    let who = match place.params.mode {
        Mode::Maos if place.maos.is_some() => format!(", {}", said("ready")),
        Mode::Legacy if said("ready").contains("exit 0") => ", legacy answers".to_owned(),
        Mode::Maos | Mode::Legacy => String::new(),
    };
    let what = if place.restores() {
        format!("{}, contents equal", text::plural(rows, "row", "rows"))
    } else {
        "MAOS is stopped".to_owned()
    };
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a duration for people, never negative"
    )]
    let took = duration((duration_s * 1_000.0) as u64);
    Outcome {
        source: rows + new,
        converted: rows + new,
        unchanged: 0,
        quarantined: 0,
        proof: proofs,
        summary: format!(
            "Rolled back and proved in {took}: {what}{who}, {} {verb}",
            text::count(new)
        ),
        artifacts: vec![RESULT.to_owned()],
    }
}

/// Gives up an interrupted rollback.
async fn keep(world: World) -> Result<Prepared> {
    let Known1 {
        place, before, going, ..
    } = gather(&world).await?;
    let Some((run, _)) = going else {
        return Err(Error::blocked(
            "no rollback was interrupted; there is nothing to give up",
        ));
    };
    let (reached, operator) = (before.clone(), world.operator.clone());
    let effects: Vec<Effect> = rollback::steps(&place.params, place.maos.is_some())
        .iter()
        .rev()
        .filter(|step| {
            reached.get(step.key()).is_some_and(|line| {
                matches!(
                    line.state,
                    ItemState::Done | ItemState::Running | ItemState::Failed
                )
            })
        })
        .filter_map(|step| Some(Effect::plain("undo", step.way_back()?.to_owned())))
        .collect();
    let count = effects.len() as u64;
    let plan = Plan {
        capability: Capability::Rollback,
        verb: "keep".to_owned(),
        title: format!("Keep the present state, give up rollback {}", run.id),
        target: name_of(&place),
        effects,
        undo: Some("roll back again".to_owned()),
        needs_approval: true,
        basis: vec![run.id.clone()],
        digest: String::new(),
    }
    .sealed();
    Ok(Prepared {
        plan,
        live: None,
        run: Box::new(move |control| {
            Box::pin(async move {
                let (_, run) = runner(place, "rollback", false);
                let told = relayed(&control);
                let why = Error::interrupted(format!("{operator} keeps the present state"));
                let failure = run.take_back(&before, why, &told).await;
                if failure.stuck.is_some() {
                    return Err(Error::from(failure));
                }
                let taken = failure.taken_back.len() as u64;
                Ok(Outcome {
                    source: count,
                    converted: count,
                    unchanged: count.saturating_sub(taken),
                    quarantined: 0,
                    proof: Vec::new(),
                    summary: format!(
                        "The present state is kept; {} taken back",
                        text::plural(taken, "step", "steps")
                    ),
                    artifacts: Vec::new(),
                })
            })
        }),
    })
}

/// A control that ends nothing half-way.
fn relayed(control: &Control) -> Control {
    let told = control.clone();
    Control::new(move |notice| told.notice(notice))
}
