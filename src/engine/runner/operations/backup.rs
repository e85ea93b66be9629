//! `backup create|verify|prune` of the workspace.

use std::path::PathBuf;
use std::sync::Arc;

use super::{Prepared, World, unknown};
use crate::engine::backup::{self, Listed, Made, Request, Verification};
use crate::engine::capability::Capability;
use crate::engine::error::{Error, Result};
use crate::engine::operation::{Control, Effect, Outcome, Plan, ProofLine};
use crate::engine::ports::Clock;
use crate::engine::ports::databases::{Database, MARKS};
use crate::engine::text;
use crate::engine::workspace::SETTINGS_FILE;

/// The decision that names a backup: for `verify`, and for the rollback.
pub const CHOSEN: &str = "backup";

/// The backups that a way back would start from, for what begins only when one of them holds.
pub(super) struct Basis {
    folder: PathBuf,
    database: Option<Arc<dyn Database>>,
}

impl Basis {
    /// Those of a workspace.
    ///
    /// # Errors
    /// A database URL that cannot be read.
    pub(super) fn of(world: &World) -> Result<Self> {
        Ok(Self {
            folder: backup::request::folder(&world.workspace, &world.settings),
            database: backup::request::database(&world.settings, &world.ports)?,
        })
    }

    /// Proves the newest usable one, file by file; its age was looked at before.
    ///
    /// # Errors
    /// As [`backup::intact`].
    pub(super) async fn holds(&self, control: &Control) -> Result<()> {
        let folder = self.folder.clone();
        let all = super::blocking(move || backup::list(&folder)).await?;
        let newest = backup::newest_usable(&all).ok_or_else(|| {
            Error::blocked("there is no verified backup")
                .hint("Make and verify one: maos-migrate backup create.")
        })?;
        backup::intact(newest, self.database.as_deref(), control).await
    }
}

/// Plans `verb`.
///
/// # Errors
/// A verb that does not exist, or what the capability refuses.
#[expect(clippy::unused_async, reason = "the shape that every operation has")]
pub(super) async fn prepare(world: World, verb: &str, _control: Control) -> Result<Prepared> {
    let request = Request::of(
        &world.workspace,
        &world.settings,
        &world.ports,
        (&world.operator, &world.host),
        world.now,
    )?;
    let clock = Arc::clone(&world.ports.clock);
    let shown = world.workspace.shown(&request.folder);
    match verb {
        "create" => Ok(prepared(
            create_plan(&request, &shown, &target(&world))?,
            move |control| Box::pin(async move { create(&request, clock.as_ref(), &shown, &control).await }),
        )),
        "verify" => {
            let chosen = chosen(&world, &request)?;
            let plan = verify_plan(&chosen, request.database.as_deref(), &target(&world));
            let operator = world.operator.clone();
            Ok(prepared(plan, move |control| {
                Box::pin(async move {
                    let now = move || clock.now();
                    let database = request.database.as_deref();
                    let found = backup::verify(&chosen.folder, database, &operator, &now, &control).await?;
                    Ok(verified(&found, &shown))
                })
            }))
        }
        "prune" => {
            let going = backup::prunable(
                &backup::list(&request.folder)?,
                world.settings.driving.backup.keep,
            );
            let plan = prune_plan(&going, world.settings.driving.backup.keep, &shown);
            Ok(prepared(plan, move |_| {
                Box::pin(async move {
                    let count = going.len() as u64;
                    let removed = super::blocking(move || backup::prune(&request.folder, &going)).await?;
                    Ok(Outcome {
                        source: count,
                        converted: removed,
                        unchanged: 0,
                        quarantined: 0,
                        proof: Vec::new(),
                        summary: format!("{} removed", text::plural(removed, "backup", "backups")),
                        artifacts: Vec::new(),
                    })
                })
            }))
        }
        _ => Err(unknown(Capability::Backup, verb)),
    }
}

fn prepared(
    plan: Plan,
    run: impl FnOnce(Control) -> crate::engine::ports::BoxFuture<'static, Result<Outcome>> + Send + 'static,
) -> Prepared {
    Prepared {
        plan,
        live: None,
        run: Box::new(run),
    }
}

fn target(world: &World) -> String {
    world
        .settings
        .target
        .as_ref()
        .map_or_else(|| world.settings.name.clone(), |target| target.url.shown.clone())
}

/// The backup that was chosen, else the newest one that was never verified, else the newest.
fn chosen(world: &World, request: &Request) -> Result<Listed> {
    let all = backup::list(&request.folder)?;
    let decided = world.snapshot.step(Capability::Backup).decisions;
    let named = decided.get(CHOSEN).and_then(|choice| choice.as_str());
    let found = if let Some(id) = named {
        all.into_iter().find(|one| one.id == id)
    } else {
        let unverified = all.iter().find(|one| !one.usable()).cloned();
        unverified.or_else(|| all.into_iter().next())
    };
    found.ok_or_else(|| {
        Error::input(named.map_or_else(
            || "there is no backup".to_owned(),
            |id| format!("there is no backup {id}"),
        ))
        .hint("maos-migrate backup list shows those there are.")
    })
}

/// What making and verifying a backup does.
///
/// # Errors
/// Nothing to back up.
pub fn create_plan(request: &Request, shown: &str, target: &str) -> Result<Plan> {
    let mut effects = Vec::new();
    if let Some(database) = &request.database {
        effects.push(Effect::counted(
            "insert",
            1,
            format!("row into {MARKS} of {}", database.name()),
        ));
        effects.push(Effect::plain(
            "read",
            format!("{} whole, into a dump", database.words()),
        ));
        effects.push(Effect::plain(
            "create",
            "a scratch database beside it, to prove the dump; dropped at the end".to_owned(),
        ));
    }
    for (part, path) in &request.roots {
        effects.push(Effect::plain(
            "copy",
            format!("{} {}", part.title(), path.display()),
        ));
    }
    if request.database.is_none() && request.roots.iter().all(|(_, path)| is_empty(path)) {
        return Err(Error::input("there is nothing to back up")
            .hint(format!("Name target.database in {SETTINGS_FILE}.")));
    }
    effects.push(Effect::plain("write", format!("a new folder in {shown}")));
    for one in &request.uncovered {
        effects.push(Effect::plain("without", format!("{}: {}", one.what, one.why)));
    }
    Ok(Plan {
        capability: Capability::Backup,
        verb: "create".to_owned(),
        title: "Make and verify a backup".to_owned(),
        target: target.to_owned(),
        effects,
        undo: Some("remove its folder; the mark in the database says only that there was one".to_owned()),
        needs_approval: true,
        basis: Vec::new(),
        digest: String::new(),
    }
    .sealed())
}

/// Whether a backup of this would hold no file.
fn is_empty(path: &std::path::Path) -> bool {
    match std::fs::read_dir(path) {
        Ok(mut entries) => entries.next().is_none(),
        Err(_) => !path.is_file(),
    }
}

/// What proving a backup does.
#[must_use]
pub fn verify_plan(chosen: &Listed, database: Option<&dyn Database>, target: &str) -> Plan {
    let mut effects = vec![Effect::plain(
        "read",
        format!("every file of backup {}", chosen.id),
    )];
    if let Some(database) = database {
        effects.push(Effect::plain(
            "create",
            format!(
                "a scratch database beside {}; dropped at the end",
                database.name()
            ),
        ));
    }
    Plan {
        capability: Capability::Backup,
        verb: "verify".to_owned(),
        title: format!("Verify backup {}", chosen.id),
        target: target.to_owned(),
        effects,
        undo: Some("nothing stays but the result beside the backup".to_owned()),
        needs_approval: true,
        basis: chosen
            .manifest
            .as_ref()
            .map(|manifest| manifest.sha256.clone())
            .into_iter()
            .collect(),
        digest: String::new(),
    }
    .sealed()
}

/// What removing old backups does.
#[must_use]
pub fn prune_plan(going: &[Listed], keep: usize, shown: &str) -> Plan {
    Plan {
        capability: Capability::Backup,
        verb: "prune".to_owned(),
        title: format!(
            "Remove {}",
            text::plural(going.len() as u64, "old backup", "old backups")
        ),
        target: shown.to_owned(),
        effects: going
            .iter()
            .map(|one| {
                Effect::plain(
                    "remove",
                    format!("backup {} ({}, {})", one.id, one.word(), backup::human(one.bytes)),
                )
            })
            .collect(),
        // Nothing to remove is nothing to be sorry about.
        undo: going
            .is_empty()
            .then(|| format!("nothing is removed: {keep} verified ones are kept")),
        needs_approval: !going.is_empty(),
        basis: Vec::new(),
        digest: String::new(),
    }
    .sealed()
}

/// Makes a backup and proves it.
///
/// # Errors
/// As [`backup::create`] and [`backup::verify`]; a backup that was made and not proved stays, unproved.
pub async fn create(request: &Request, clock: &dyn Clock, shown: &str, control: &Control) -> Result<Outcome> {
    let Made { folder, manifest } = backup::create(request, control).await?;
    let now = || clock.now();
    let database = request.database.as_deref();
    let found = backup::verify(&folder, database, &request.operator, &now, control)
        .await
        .map_err(|error| Error {
            message: format!(
                "backup {} was made and is not proved: {}",
                manifest.id, error.message
            ),
            ..error
        })?;
    let mut outcome = verified(&found, shown);
    outcome.summary = format!(
        "Backup {} made and verified: {}, {}, restored in {}",
        found.id,
        text::plural(found.rows, "row", "rows"),
        text::plural(found.files, "file", "files"),
        duration(found.restore_ms)
    );
    Ok(outcome)
}

/// The outcome that a verification stands for.
#[must_use]
pub fn verified(found: &Verification, shown: &str) -> Outcome {
    let line = |what: &str, n: u64| ProofLine {
        what: what.to_owned(),
        source: text::count(n),
        target: text::count(n),
        equal: found.good,
    };
    Outcome {
        source: found.files,
        converted: if found.good { found.files } else { 0 },
        unchanged: 0,
        quarantined: 0,
        proof: vec![
            line("files with the hashes of the manifest", found.files),
            line("rows in the scratch restore, with their contents", found.rows),
        ],
        summary: format!(
            "Backup {} verified: {}, {}, restored in {}",
            found.id,
            text::plural(found.rows, "row", "rows"),
            text::plural(found.files, "file", "files"),
            duration(found.restore_ms)
        ),
        artifacts: vec![
            format!("{shown}/{}/{}", found.id, backup::MANIFEST),
            format!("{shown}/{}/{}", found.id, backup::VERIFICATION),
        ],
    }
}

/// Milliseconds for people: `<0.1 s`, `0.4 s`, `12 s`, `1:48`.
#[must_use]
#[expect(clippy::cast_precision_loss, reason = "one figure after the point")]
pub fn duration(ms: u64) -> String {
    match ms {
        0..=49 => "<0.1 s".to_owned(),
        50..=9_949 => format!("{:.1} s", ms as f64 / 1_000.0),
        9_950..=59_499 => format!("{} s", (ms + 500) / 1_000),
        _ => {
            let seconds = (ms + 500) / 1_000;
            format!("{}:{:02}", seconds / 60, seconds % 60)
        }
    }
}
