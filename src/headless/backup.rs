//! `backup create|verify|list|prune`.

use std::path::Path;
use std::sync::Arc;

use secrecy::SecretString;
use serde_json::json;

use super::session::{Session, approve};
use super::{Ended, Output, check_digest, ends_at_plan, proved, stoppable_async, told};
use crate::cli::{Backup as Verb, BackupEnds, Consent, Global};
use crate::engine::Capability;
use crate::engine::backup::{self, Listed, Request};
use crate::engine::command::Command;
use crate::engine::error::{Error, ErrorKind, Result};
use crate::engine::ports::Ports;
use crate::engine::ports::store::Table;
use crate::engine::runner::Options;
use crate::engine::runner::operations::backup as operation;
use crate::engine::text;
use crate::engine::workspace::settings::resolve_url;
use crate::engine::workspace::{Settings, Workspace};

/// An operation of the workspace.
async fn applied(
    verb: &str,
    consent: &Consent,
    workspace: Workspace,
    options: Options,
    ports: Ports,
    output: &mut Output,
) -> Result<Ended> {
    super::must_be_set_up(&workspace)?;
    super::apply_in_workspace(
        Capability::Backup,
        verb,
        consent,
        workspace,
        options,
        ports,
        output,
    )
    .await
}

/// Runs the verb.
///
/// # Errors
/// What backups refuse or fail at.
pub async fn run(
    verb: Verb,
    workspace: Workspace,
    global: &Global,
    options: Options,
    ports: Ports,
    output: &mut Output,
) -> Result<Ended> {
    match verb {
        Verb::List { ends } => {
            let folder = folder(&workspace, &ends)?;
            let all = backup::list(&folder)?;
            list(&all, &folder, output)
        }
        Verb::Create { ends, consent } if ends.alone() => {
            let request = alone(&ends, &options, &ports, output)?;
            let shown = request.folder.display().to_string();
            let plan = operation::create_plan(&request, &shown, &words(&request))?;
            if ends_at_plan(&plan, global, output)? {
                return Ok(Ended::Well);
            }
            check_digest(&plan, &approve(&plan, &consent)?)?;
            let control = told(output);
            let making = Box::pin(operation::create(
                &request,
                ports.clock.as_ref(),
                &shown,
                &control,
            ));
            let outcome = proved(stoppable_async(&control, making).await?)?;
            print(&outcome, output)
        }
        Verb::Verify { id, ends, consent } if ends.alone() => {
            let request = alone(&ends, &options, &ports, output)?;
            let shown = request.folder.display().to_string();
            let chosen = choose(backup::list(&request.folder)?, id.as_deref())?;
            let database = request.database.as_deref();
            let plan = operation::verify_plan(&chosen, database, &words(&request));
            if ends_at_plan(&plan, global, output)? {
                return Ok(Ended::Well);
            }
            check_digest(&plan, &approve(&plan, &consent)?)?;
            let control = told(output);
            let clock = Arc::clone(&ports.clock);
            let now = move || clock.now();
            let proving = backup::verify(&chosen.folder, database, &request.operator, &now, &control);
            let found = stoppable_async(&control, Box::pin(proving)).await?;
            print(&proved(operation::verified(&found, &shown))?, output)
        }
        Verb::Prune { ends, keep, consent } if ends.alone() => {
            let folder = folder(&workspace, &ends)?;
            let keep =
                keep.unwrap_or_else(|| crate::engine::workspace::driving::BackupSettings::default().keep);
            let going = backup::prunable(&backup::list(&folder)?, keep);
            let plan = operation::prune_plan(&going, keep, &folder.display().to_string());
            if ends_at_plan(&plan, global, output)? {
                return Ok(Ended::Well);
            }
            check_digest(&plan, &approve(&plan, &consent)?)?;
            let removed = backup::prune(&folder, &going)?;
            let ids: Vec<&str> = going.iter().map(|one| one.id.as_str()).collect();
            if output.json() {
                output.document(&json!({"removed": ids}))?;
            } else {
                output.human(&format!(
                    "{} removed.",
                    text::plural(removed, "backup", "backups")
                ))?;
            }
            Ok(Ended::Well)
        }
        Verb::Create { consent, .. } => applied("create", &consent, workspace, options, ports, output).await,
        Verb::Prune { keep: Some(_), .. } => {
            Err(Error::new(ErrorKind::Usage, "--keep goes with --into only")
                .hint("In a workspace backup.keep of migration.yml says how many stay."))
        }
        Verb::Prune { consent, .. } => applied("prune", &consent, workspace, options, ports, output).await,
        Verb::Verify { id, consent, .. } => {
            super::must_be_set_up(&workspace)?;
            in_workspace(id, &consent, workspace, options, ports, output).await
        }
    }
}

async fn in_workspace(
    id: Option<String>,
    consent: &Consent,
    workspace: Workspace,
    options: Options,
    ports: Ports,
    output: &mut Output,
) -> Result<Ended> {
    let mut session = Session::open(workspace, ports, options).await?;
    let applied = async {
        let command = Command::Decide {
            capability: Capability::Backup,
            subject: operation::CHOSEN.to_owned(),
            choice: id.map_or(serde_json::Value::Null, serde_json::Value::from),
        };
        session.ask(command, output).await?;
        session.apply(Capability::Backup, "verify", consent, output).await
    }
    .await;
    session.close().await?;
    match applied? {
        Some(outcome) => print(&outcome, output),
        None => Ok(Ended::Well),
    }
}

fn print(outcome: &crate::engine::operation::Outcome, output: &mut Output) -> Result<Ended> {
    if output.json() {
        output.document(outcome)?;
    } else {
        output.human(&format!("{}.", outcome.summary))?;
    }
    Ok(Ended::Well)
}

fn words(request: &Request) -> String {
    request.database.as_ref().map_or_else(
        || request.folder.display().to_string(),
        |database| database.words(),
    )
}

/// The folder of backups: the named one, else the workspace's.
fn folder(workspace: &Workspace, ends: &BackupEnds) -> Result<std::path::PathBuf> {
    if let Some(folder) = &ends.into {
        return std::path::absolute(folder).map_err(|error| Error::io("resolve", folder, &error));
    }
    super::must_be_set_up(workspace)?;
    let settings = Settings::load(workspace, &|name| std::env::var(name).ok())?;
    Ok(backup::request::folder(workspace, &settings))
}

/// What the command line alone names.
fn alone(ends: &BackupEnds, options: &Options, ports: &Ports, output: &mut Output) -> Result<Request> {
    let here = Workspace::at(Path::new("."))?;
    let lookup = |name: &str| std::env::var(name).ok();
    let mut database = None;
    if let Some(url) = &ends.database {
        let resolved = resolve_url(url, "--database", &here, &lookup)?;
        if let Some(warning) = &resolved.warning {
            output.note(&format!("warning: {warning}"));
        }
        let url: SecretString = resolved.value;
        database = Some(ports.databases.open(&url, None)?);
    }
    let into = ends.into.as_deref().ok_or_else(|| {
        Error::new(crate::engine::ErrorKind::Usage, "--database needs --into")
            .hint("--into DIR names the folder of backups.")
    })?;
    let mut uncovered = vec![backup::Uncovered {
        what: "files".to_owned(),
        why: "only a database was named".to_owned(),
    }];
    uncovered.push(backup::Uncovered {
        what: "Redis".to_owned(),
        why: "its queues and caches are not read".to_owned(),
    });
    Ok(Request {
        folder: std::path::absolute(into).map_err(|error| Error::io("resolve", into, &error))?,
        database,
        table: Table::parse(&ends.table),
        maos: None,
        roots: Vec::new(),
        uncovered,
        migration: String::new(),
        operator: options.me.operator.clone(),
        host: options.me.host.clone(),
        now: ports.clock.now(),
    })
}

fn choose(all: Vec<Listed>, id: Option<&str>) -> Result<Listed> {
    let found = match id {
        Some(id) => all.into_iter().find(|one| one.id == id),
        None => all.into_iter().next(),
    };
    found.ok_or_else(|| {
        Error::input(id.map_or_else(
            || "there is no backup".to_owned(),
            |id| format!("there is no backup {id}"),
        ))
    })
}

/// A backup as a document.
fn document(one: &Listed) -> serde_json::Value {
    let why = match &one.standing {
        backup::Standing::Damaged(why) => Some(why.clone()),
        _ => one
            .verification
            .as_ref()
            .filter(|found| !found.good)
            .map(|found| found.why.clone()),
    };
    json!({
        "id": one.id,
        "made_at": one.made_at,
        "bytes": one.bytes,
        "state": one.word().replace(' ', "_"),
        "usable": one.usable(),
        "why": why,
        "rows": one.manifest.as_ref().map(backup::Manifest::rows),
        "files": one.manifest.as_ref().map(backup::Manifest::files),
        "version": one.manifest.as_ref().and_then(|manifest| manifest.maos.version.clone()),
        "uncovered": one.manifest.as_ref().map(|manifest| &manifest.uncovered),
        "verified_at": one.verification.as_ref().filter(|found| found.good).map(|found| found.at),
        "restore_ms": one.verification.as_ref().filter(|found| found.good).map(|found| found.restore_ms),
    })
}

fn list(all: &[Listed], folder: &Path, output: &mut Output) -> Result<Ended> {
    if output.json() {
        let documents: Vec<_> = all.iter().map(document).collect();
        output.document(&json!({"folder": folder, "backups": documents}))?;
        return Ok(Ended::Well);
    }
    if all.is_empty() {
        output.human("No backup. maos-migrate backup create makes and verifies one.")?;
    }
    for one in all {
        let took = one
            .verification
            .as_ref()
            .filter(|found| found.good)
            .map_or_else(String::new, |found| {
                format!("  restored in {}", operation::duration(found.restore_ms))
            });
        let why = match &one.standing {
            backup::Standing::Damaged(why) => format!("  {why}"),
            _ => String::new(),
        };
        output.human(&format!(
            "{:<20} {:>8}  {:<12}{took}{why}",
            one.id,
            backup::human(one.bytes),
            one.word()
        ))?;
    }
    Ok(Ended::Well)
}
