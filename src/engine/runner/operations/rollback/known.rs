//! What is known of a rollback before it is planned: the run that goes on or begins, its backup, and what the pre-flight found.

use std::sync::Arc;

use super::super::backup::CHOSEN;
use super::super::{World, schema};
use super::{ONLY, ROWS};
use crate::engine::backup::{self, Listed, request};
use crate::engine::capability::Capability;
use crate::engine::error::{Error, Result};
use crate::engine::item::{Item, ItemState, Items};
use crate::engine::ports::databases::{Database, MarkKind};
use crate::engine::ports::maos::Known;
use crate::engine::ports::store::Table;
use crate::engine::rollback::{self, Mode, NewRows, Params, Place, Preflight};
use crate::engine::snapshot::Activity;
use crate::engine::steps::{self, Heading, RunId, run_of, unfinished};
use crate::engine::workspace::MigrationType;

/// What is known of a rollback before it is planned.
pub(in crate::engine::runner::operations) struct Known1 {
    pub(in crate::engine::runner::operations) place: Place,
    pub(in crate::engine::runner::operations) preflight: Preflight,
    pub(in crate::engine::runner::operations) before: Items,
    pub(in crate::engine::runner::operations) going: Option<(RunId, Heading)>,
}

pub(in crate::engine::runner::operations) fn lines(world: &World, verb: &str) -> Items {
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

pub(in crate::engine::runner::operations) async fn gather(world: &World) -> Result<Known1> {
    let before = lines(world, "apply");
    let going = unfinished(&before).or_else(|| ended_untold(world, &before));
    let folder = request::folder(&world.workspace, &world.settings);
    let listing = folder.clone();
    let backups = super::super::blocking(move || backup::list(&listing)).await?;
    let live = request::database(&world.settings, &world.ports)?;
    let legacy = request::legacy_database(&world.settings, &world.ports)?;
    let (run, params) = if let Some((run, _)) = &going {
        let params: Params = serde_json::from_value(run.params.clone())
            .map_err(|_| Error::blocked("the interrupted rollback is of another version of this program"))?;
        (run.id.clone(), params)
    } else {
        new_params(world, &backups, live.as_deref(), legacy.as_deref(), &before)?
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
    let mut place = Place {
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
        ran_with: super::super::upgrade::ran_with(world),
        run,
        params,
    };
    if going.is_none() {
        place.params.ran = place.runs().await;
    }
    let mut preflight = rollback::look(&place, backups, world.now, going.is_some()).await;
    preflight.rehearsed = rollback::rehearsed(&lines(world, "rehearse"), place.params.backup.as_deref());
    preflight.returns = going.is_none() && unfinished(&lines(world, "return")).is_some();
    preflight.nothing_to_do = going.is_none() && is_done(&place, &before, &preflight).await;
    if preflight.nothing_to_do && place.params.mode == Mode::Maos {
        preflight.returns |= match super::super::returning::last(&before) {
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
    live: Option<&dyn Database>,
    legacy: Option<&dyn Database>,
    before: &Items,
) -> Result<(String, Params)> {
    let begun = steps::begins(world.now, before);
    let mode = match world.snapshot.migration {
        Some(MigrationType::Brownfield | MigrationType::Hybrid) => Mode::Legacy,
        _ => Mode::Maos,
    };
    let shared = live
        .zip(legacy)
        .is_some_and(|(live, legacy)| live.words() == legacy.words());
    let backup = match decision(world, CHOSEN) {
        Some(id) => {
            if backups.iter().all(|one| one.id != id) {
                return Err(Error::input(format!("there is no backup {id}"))
                    .hint("maos-migrate backup list shows those there are."));
            }
            Some(id)
        }
        // A database that the legacy system shares holds what that wrote since the backup: it is not replaced by itself.
        None if shared && mode == Mode::Legacy => None,
        None => backup::newest_usable(backups).map(|one| one.id.clone()),
    };
    let stamp = begun.strftime("%m%d_%H%M%S").to_string();
    let (new, old) = live.map_or_else(
        || (String::new(), String::new()),
        |live| {
            (
                live.named(&format!("rb_{stamp}")),
                live.named(&format!("old_{stamp}")),
            )
        },
    );
    Ok((
        steps::name_of(begun),
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
            ran: None,
            closed: closed(world),
        },
    ))
}

/// Whether a cut over has closed the legacy system, and nothing has opened it again.
fn closed(world: &World) -> bool {
    let cutover = world.snapshot.step(Capability::Cutover);
    let close = cutover.items.get("apply").and_then(|lines| lines.get("close"));
    cutover.activity != Activity::Idle && close.is_some_and(|line| line.state == ItemState::Done)
}

/// Whether the last rollback is still the state of things: then doing it again would do nothing.
async fn is_done(place: &Place, before: &Items, preflight: &Preflight) -> bool {
    let Some((last, params)) = super::super::returning::last(before) else {
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
    match (params.mode, &preflight.newer) {
        (Mode::Maos, Some(since)) => since.changed == 0 && since.gone == 0 && since.new == carried,
        (Mode::Maos, None) => false,
        (Mode::Legacy, _) => true,
    }
}
