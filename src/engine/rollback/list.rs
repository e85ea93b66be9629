//! The steps of a rollback, in order, each with its check, effect, proof and compensation.

use std::sync::Arc;

use serde_json::{Value, json};

use super::back_in_service::{open, proof, ready, start, version};
use super::carry::{self, NewRows};
use super::deeds;
use super::titles::title;
use super::trees::{self, Change};
use super::world::{Mode, Params, Place};
use crate::engine::backup::keys::Drift;
use crate::engine::backup::{self};
use crate::engine::capability::Capability;
use crate::engine::error::{Error, Result};
use crate::engine::operation::{Control, Notice};
use crate::engine::ports::databases::{Database, Mark, MarkKind};
use crate::engine::ports::maos::Known;
use crate::engine::runner::operations::blocking;
use crate::engine::serving;
use crate::engine::steps::{Did, Scene, Standing, Step};
use crate::engine::text::{count, plural};

type At = Scene<Place>;

/// A control whose notices arrive and whose stop does not: a step of a rollback is never cut in the middle.
fn whole(control: &Control) -> Control {
    let told = control.clone();
    Control::new(move |notice| told.notice(notice))
}

/// The steps for `params`.
#[must_use]
pub fn steps(params: &Params, has_maos: bool) -> Vec<Step<Place>> {
    let mut all = Vec::new();
    let named = |key: &'static str| title(key, params);
    let restores = params.backup.is_some();
    if has_maos {
        all.push(checkpoint(named("checkpoint")));
        all.push(stop(named("stop")));
    }
    if restores {
        all.push(restore(named("restore")));
        all.push(prove(named("prove")));
        all.push(stage(named("stage")));
    }
    all.push(carry(named("carry")));
    if restores {
        all.push(swap(named("swap")));
        all.push(files(named("files")));
    }
    match params.mode {
        Mode::Maos if has_maos => {
            all.push(version(named("version")));
            all.push(start(named("start")));
            all.push(ready(named("ready")));
        }
        Mode::Legacy if !params.restore_only => {
            all.push(open(named("open")));
            all.push(ready(named("ready")));
        }
        Mode::Maos | Mode::Legacy => {}
    }
    all.push(proof(named("proof")));
    all
}

/// The steps of the migration that a rollback undoes.
#[must_use]
pub fn undone(params: &Params) -> Vec<Capability> {
    let mut all = vec![
        Capability::Cutover,
        Capability::Upgrade,
        Capability::Validate,
        Capability::Monitor,
    ];
    if params.backup.is_some() {
        all.push(Capability::Schema);
    }
    all
}

pub(super) fn maos_of(at: &At) -> Result<Arc<dyn crate::engine::ports::maos::Maos>> {
    at.world
        .maos
        .clone()
        .ok_or_else(|| Error::input("target.maos is not named"))
}

fn checkpoint(title: String) -> Step<Place> {
    Step::new("checkpoint", title, |at: At| async move {
        let id = maos_of(&at)?
            .checkpoint_create(format!("before rollback {}", at.world.run))
            .await?;
        Ok(Did::said(id))
    })
    .best_effort()
}

fn stop(title: String) -> Step<Place> {
    Step::new("stop", title, |at: At| async move {
        let stopped = deeds::stop(maos_of(&at)?.as_ref()).await?;
        // Where nothing could tell beforehand, what the stop ended did run.
        let ran = ran_before(&at).unwrap_or(stopped.ended);
        Ok(Did::said(stopped.text).with(json!({"ran": ran})))
    })
    .check(|at: At| async move {
        let ran = ran_before(&at).unwrap_or(false);
        Ok(match maos_of(&at)?.running().await {
            Ok(Known::Value(false)) => {
                Standing::There(Did::said("it does not run").with(json!({"ran": ran})))
            }
            _ => Standing::Open,
        })
    })
    .rechecked()
    .undo("start MAOS again", |at: At| async move {
        if ran_before(&at) == Some(false) {
            return Ok("it did not run before".to_owned());
        }
        let maos = maos_of(&at)?;
        if matches!(maos.running().await, Ok(Known::Value(true))) {
            return Ok("it runs".to_owned());
        }
        maos.start().await?;
        // Whether it is ready again is told, and does not hold the way back.
        let settings = &at.world.settings.driving.maos;
        Ok(
            serving::ready_if_told(maos.as_ref(), deeds::within(settings.ready_within))
                .await
                .unwrap_or_else(|error| error.message),
        )
    })
}

/// Whether MAOS ran when the rollback began: as its start noted, else as the step that stopped it did.
fn ran_before(at: &At) -> Option<bool> {
    let noted = at.memo.get("ran").and_then(Value::as_bool);
    at.world.params.ran.or(noted)
}

/// Whether the database in use is the one that this run restored.
pub(super) async fn is_ours(database: &dyn Database, run: &str) -> Result<bool> {
    Ok(database
        .marks()
        .await?
        .iter()
        .any(|mark| mark.kind == MarkKind::Restored && mark.note == run))
}

fn restore(title: String) -> Step<Place> {
    Step::new("restore", title, |at: At| async move {
        let place = &at.world;
        let (live, new) = (place.live()?, place.new_database()?);
        let backup = place.backup.as_ref().ok_or_else(|| Error::bug("no backup"))?;
        let dump = place.dump().ok_or_else(|| Error::bug("no dump"))?;
        let control = whole(&at.control);
        let about = live.about().await?;
        let epoch = match &backup.manifest {
            Some(manifest) => {
                backup::matches(manifest, &about)?;
                backup::check_files(&backup.folder, manifest, &control).await?;
                manifest.epoch.clone()
            }
            None => backup.id.clone(),
        };
        let bytes = backup
            .manifest
            .as_ref()
            .and_then(|manifest| manifest.database.as_ref())
            .map_or(backup.bytes, |database| database.bytes);
        backup_room(&about, bytes)?;
        new.restore(&dump, live.as_ref(), &control).await?;
        new.mark(&Mark {
            epoch,
            kind: MarkKind::Restored,
            note: place.run.clone(),
        })
        .await?;
        Ok(Did::said(format!(
            "{} restored beside {}",
            new.name(),
            live.name()
        )))
    })
    .check(|at: At| async move {
        let (live, new) = (at.world.live()?, at.world.new_database()?);
        let there = new.exists().await? && is_ours(new.as_ref(), &at.world.run).await?;
        Ok(if there || is_ours(live.as_ref(), &at.world.run).await? {
            Standing::There(Did::said("restored"))
        } else {
            Standing::Open
        })
    })
    .undo("remove the copy", |at: At| async move {
        at.world.new_database()?.remove().await?;
        Ok(String::new())
    })
}

fn backup_room(about: &crate::engine::ports::databases::About, bytes: u64) -> Result<()> {
    match about.free {
        Some(free) if free < bytes + bytes / 10 => Err(Error::unavailable(format!(
            "{} are free beside the database, a second copy needs {}",
            backup::human(free),
            backup::human(bytes)
        ))
        .hint("Free space there and run it again.")),
        _ => Ok(()),
    }
}

fn prove(title: String) -> Step<Place> {
    Step::new("prove", title, |at: At| async move {
        let new = at.world.new_database()?;
        let sums = match at.world.manifest() {
            Some(manifest) => backup::prove(manifest, new.as_ref()).await?,
            None => proved_by_verification(&at.world, new.as_ref()).await?,
        };
        let rows = sums.rows();
        Ok(Did::said(format!(
            "{} in {}, contents equal, epoch mark found",
            plural(rows, "row", "rows"),
            plural(sums.tables.len() as u64, "table", "tables")
        ))
        .with(json!({"rows": rows})))
    })
}

/// A backup without a manifest is compared with what its verification found.
async fn proved_by_verification(
    place: &Place,
    new: &dyn Database,
) -> Result<crate::engine::ports::databases::Sums> {
    let known = place
        .backup
        .as_ref()
        .and_then(|backup| backup.verification.as_ref())
        .and_then(|found| found.sums.clone())
        .ok_or_else(|| Error::blocked("the backup has not been verified"))?;
    let sums = new.sums().await?;
    match known.difference(&sums) {
        None => Ok(sums),
        Some(difference) => Err(Error::input(format!("restored, but {difference}"))),
    }
}

pub(super) fn changes_of(memo: &Value) -> Vec<Change> {
    serde_json::from_value(memo.get("changes").cloned().unwrap_or_default()).unwrap_or_default()
}

fn stage(title: String) -> Step<Place> {
    Step::new("stage", title, |at: At| async move {
        let place = Arc::clone(&at.world);
        let control = whole(&at.control);
        let changes = blocking(move || {
            let (Some(backup), Some(manifest)) = (&place.backup, place.contents()) else {
                return Ok(Vec::new());
            };
            let changes = trees::changes(manifest)?;
            trees::stage(&backup.folder, manifest, &changes, &place.params.stamp, &control)?;
            Ok(changes)
        })
        .await?;
        let text = match changes.len() as u64 {
            0 => "all as in the backup".to_owned(),
            n => format!("{} staged", plural(n, "place", "places")),
        };
        Ok(Did::said(text).with(json!({"changes": changes})))
    })
    .undo("remove what was staged", |at: At| async move {
        let place = Arc::clone(&at.world);
        blocking(move || {
            let staged = match place.contents() {
                // Whatever the journal holds, names of ours beside known places are all there can be.
                Some(manifest) => manifest
                    .roots
                    .iter()
                    .map(|root| Change {
                        place: root.from.clone(),
                        path: root.path.clone(),
                        was_there: true,
                        comes: true,
                    })
                    .collect(),
                None => Vec::new(),
            };
            trees::unstage(&staged, &place.params.stamp)
        })
        .await?;
        Ok(String::new())
    })
}

fn swap(title: String) -> Step<Place> {
    Step::new("swap", title, |at: At| async move {
        let (live, params) = (at.world.live()?, &at.world.params);
        let swapped = live.swap(&params.new, &params.old, &whole(&at.control)).await?;
        let text = if swapped.already {
            format!("{} is restored; the one before is {}", live.name(), params.old)
        } else {
            format!(
                "{} is restored, {} ms; {} ended; the one before is {}",
                live.name(),
                swapped.ms,
                plural(swapped.ended, "connection", "connections"),
                params.old
            )
        };
        Ok(Did::said(text).with(json!({"ms": swapped.ms})))
    })
    .check(|at: At| async move {
        let live = at.world.live()?;
        Ok(if is_ours(live.as_ref(), &at.world.run).await? {
            Standing::There(Did::said("swapped"))
        } else {
            Standing::Open
        })
    })
    .proof(|at: At| async move {
        if is_ours(at.world.live()?.as_ref(), &at.world.run).await? {
            Ok("its mark is there".to_owned())
        } else {
            Err(Error::unavailable(
                "after the swap the mark of this run is not in the database",
            ))
        }
    })
    .undo("swap back", |at: At| async move {
        let (live, params) = (at.world.live()?, &at.world.params);
        if is_ours(live.as_ref(), &at.world.run).await? {
            live.swap(&params.old, &params.new, &whole(&at.control)).await?;
        }
        Ok(format!("{} is the one before", live.name()))
    })
}

fn files(title: String) -> Step<Place> {
    Step::new("files", title, |at: At| async move {
        let changes = at.memos.get("stage").map(changes_of).unwrap_or_default();
        let (place, done) = (Arc::clone(&at.world), changes.clone());
        blocking(move || trees::place(&done, &place.params.stamp)).await?;
        let text = match changes.len() as u64 {
            0 => "all as in the backup".to_owned(),
            n => format!(
                "{} put back, what was there kept beside",
                plural(n, "place", "places")
            ),
        };
        Ok(Did::said(text))
    })
    .undo("put the present files back", |at: At| async move {
        let changes = at.memos.get("stage").map(changes_of).unwrap_or_default();
        let place = Arc::clone(&at.world);
        blocking(move || trees::displace(&changes, &place.params.stamp)).await?;
        Ok(String::new())
    })
    .glued()
}

/// Writes rows as lines of JSON, and gives how many.
pub(super) async fn export(place: &Place, name: &str, live: &dyn Database, keys: &[String]) -> Result<u64> {
    use std::io::Write as _;
    let path = place.file(name);
    let mut file =
        crate::engine::workspace::files::AtomicFile::create(&path, crate::engine::workspace::files::PRIVATE)?;
    let mut written = 0;
    for some in keys.chunks(1_000) {
        for (_, row) in live.rows(&place.table, some).await? {
            writeln!(file, "{row}").map_err(|error| Error::io("write", &path, &error))?;
            written += 1;
        }
    }
    file.commit()?;
    Ok(written)
}

/// What exists only now, what changed and what is gone since the backup.
pub(super) async fn newer(place: &Place, live: &dyn Database) -> Result<Drift> {
    let keys = place
        .manifest()
        .and_then(|manifest| manifest.database.as_ref())
        .and_then(|database| database.keys.as_ref())
        .zip(place.backup.as_ref())
        .map(|(keys, backup)| backup.folder.join(&keys.file));
    match (place.params.mode, keys) {
        (Mode::Maos, Some(keys)) => carry::since_backup(live, &place.table, &keys).await,
        // A backup that holds no keys is restored by now: that is what the rows are compared with.
        (Mode::Maos, None) => {
            let (new, file) = (
                place.new_database()?,
                place.file(&format!(".keys_{}.gz", place.run)),
            );
            if !place.restores() || !new.exists().await? {
                return Ok(Drift::default());
            }
            let drift = carry::between(live, new.as_ref(), &place.table, &file).await?;
            Ok(drift.unwrap_or_default())
        }
        (Mode::Legacy, keys) => {
            let new = carry::only_in_maos(live, &place.table, &place.tracking()).await?;
            let drift = match keys {
                Some(keys) => carry::since_backup(live, &place.table, &keys).await?,
                None => Drift::default(),
            };
            Ok(Drift { new, ..drift })
        }
    }
}

/// Where carried rows go, and into which table.
pub(super) fn carried_into(place: &Place) -> Result<(Arc<dyn Database>, crate::engine::ports::store::Table)> {
    match place.params.mode {
        Mode::Maos => Ok((place.new_database()?, place.table.clone())),
        Mode::Legacy if place.params.shared && place.params.backup.is_some() => {
            Ok((place.new_database()?, place.legacy_table.clone()))
        }
        Mode::Legacy => {
            let legacy = place
                .legacy
                .clone()
                .ok_or_else(|| Error::input("sources.database is not named, so rows can only be exported"))?;
            Ok((legacy, place.legacy_table.clone()))
        }
    }
}

fn carry(title: String) -> Step<Place> {
    Step::new("carry", title, |at: At| async move {
        let place = &at.world;
        let Some(live) = &place.live else {
            return Ok(Did::said("no database of MAOS is named").with(json!({"new": 0, "changed": 0})));
        };
        if live.columns(&place.table).await?.is_empty() {
            return Ok(Did::said(format!("there is no table {}", place.table)).with(json!({"new": 0, "changed": 0})));
        }
        let Drift {
            new, changed, gone, ..
        } = newer(place, live.as_ref()).await?;
        let mut said = Vec::new();
        if !changed.is_empty() {
            let name = format!("changed_rows_{}.jsonl", place.run);
            export(place, &name, live.as_ref(), &changed).await?;
            said.push(format!(
                "{} changed since, exported to rollback/{name}",
                plural(changed.len() as u64, "row", "rows")
            ));
        }
        if new.is_empty() {
            said.push("no new rows".to_owned());
        } else if place.params.rows == NewRows::Export {
            let name = format!("new_rows_{}.jsonl", place.run);
            export(place, &name, live.as_ref(), &new).await?;
            said.push(format!(
                "{} exported to rollback/{name}",
                plural(new.len() as u64, "row", "rows")
            ));
        } else {
            let carried = carry_all(place, live.as_ref(), &new, &at.control).await?;
            said.push(format!("{} carried", plural(carried, "row", "rows")));
        }
        if gone > 0 {
            said.push(format!("{} since come back", plural(gone, "row deleted", "rows deleted")));
        }
        let memo = json!({"new": new.len(), "changed": changed.len(), "gone": gone, "carried": place.params.rows == NewRows::Carry});
        Ok(Did::said(said.join(", ")).with(memo))
    })
    .proof(|at: At| async move {
        let new = at.memo.get("new").and_then(Value::as_u64).unwrap_or(0);
        if new == 0 || at.world.params.rows == NewRows::Export {
            return Ok(String::new());
        }
        let (into, _) = carried_into(&at.world)?;
        let there = into.carried(&at.world.run).await?;
        if there <= new {
            Ok(format!("{} of this run there", count(there)))
        } else {
            Err(Error::unavailable(format!("{there} rows are marked as carried, not {new}")))
        }
    })
    .undo("take carried rows back", |at: At| async move {
        let (into, table) = carried_into(&at.world)?;
        if !into.exists().await? {
            return Ok(String::new());
        }
        let removed = into.uncarry(&table, &at.world.run).await?;
        Ok(format!("{} removed", plural(removed, "row", "rows")))
    })
}

async fn carry_all(place: &Place, live: &dyn Database, new: &[String], control: &Control) -> Result<u64> {
    let (into, table) = carried_into(place)?;
    let columns = into.columns(&table).await?;
    if columns.is_empty() {
        return Err(
            Error::input(format!("there is no table {table} in {}", into.words()))
                .hint("Choose to export the rows instead."),
        );
    }
    let mut carried = 0;
    for some in new.chunks(1_000) {
        let mut rows = live.rows(&place.table, some).await?;
        if place.params.mode == Mode::Legacy {
            for (key, row) in &mut rows {
                *row = carry::as_legacy(key, row, &columns, &place.mapping)?;
            }
        }
        carried += into.carry(&table, &place.run, &rows).await?;
        control.notice(Notice::Log(format!(
            "carried {} of {}",
            count(carried),
            count(new.len() as u64)
        )));
    }
    Ok(carried)
}
