//! `checkpoints scan|plan|apply|verify`.

use std::path::{Path, PathBuf};

use super::session::{Session, approve, show_plan};
use super::{Ended, Output, ends_at_plan};
use crate::cli::{CheckpointDirs, Checkpoints as Verb, Consent, Global};
use crate::engine::Capability;
use crate::engine::checkpoints::{self, ClassMap, FileReport, Request, Survey, View};
use crate::engine::error::{Error, Result};
use crate::engine::operation::Control;
use crate::engine::ports::Ports;
use crate::engine::runner::Options;
use crate::engine::text::{self, inert};
use crate::engine::workspace::{Settings, Workspace};

/// Runs the verb.
///
/// # Errors
/// What the conversion refuses.
pub async fn run(
    verb: Verb,
    workspace: Workspace,
    global: &Global,
    options: Options,
    ports: Ports,
    output: &mut Output,
) -> Result<Ended> {
    match verb {
        Verb::Scan { dir, classes } => {
            let from = match dir {
                Some(dir) => dir,
                None => folder_of(&workspace)?,
            };
            scan(&request(&from, &from, classes.as_deref(), &ports)?, output)
        }
        Verb::Plan { dirs } => {
            if let Some(request) = ends(&dirs, &ports)? {
                let prepared = checkpoints::plan(&request, Survey::Full, &super::told(output))?;
                show_plan(&prepared.plan, output)?;
                Ok(Ended::with(
                    prepared.view.totals.refused + prepared.view.totals.failed,
                ))
            } else {
                super::must_be_set_up(&workspace)?;
                let mut session = Session::open(workspace, ports, options).await?;
                let plan = session.plan(Capability::Checkpoints, "apply", output).await;
                session.close().await?;
                show_plan(&plan?, output)?;
                Ok(Ended::Well)
            }
        }
        Verb::Apply { dirs, consent } => {
            if let Some(request) = ends(&dirs, &ports)? {
                apply(&request, &consent, global, output)
            } else {
                super::must_be_set_up(&workspace)?;
                let capability = Capability::Checkpoints;
                super::apply_in_workspace(capability, "apply", &consent, workspace, options, ports, output)
                    .await
            }
        }
        Verb::Verify { dirs } => {
            let request = match ends(&dirs, &ports)? {
                Some(request) => request,
                None => request(
                    &folder_of(&workspace)?,
                    &workspace.path("checkpoints"),
                    dirs.classes.as_deref(),
                    &ports,
                )?,
            };
            verify(&request, output)
        }
    }
}

fn folder_of(workspace: &Workspace) -> Result<PathBuf> {
    super::must_be_set_up(workspace)?;
    let settings = Settings::load(workspace, &|name| std::env::var(name).ok())?;
    let named = settings.checkpoints.ok_or_else(|| {
        Error::input("no folder of legacy checkpoints is named")
            .hint("Add sources.checkpoints to migration.yml.")
    })?;
    named.must_exist()?;
    Ok(named.path)
}

fn request(from: &Path, to: &Path, classes: Option<&Path>, ports: &Ports) -> Result<Request> {
    let mut request = Request::new(from, to, ports.clock.now());
    if let Some(path) = classes {
        let text = std::fs::read_to_string(path).map_err(|error| Error::io("read", path, &error))?;
        request.classes = ClassMap::from_yaml(&path.display().to_string(), &text)?;
    }
    Ok(request)
}

fn ends(dirs: &CheckpointDirs, ports: &Ports) -> Result<Option<Request>> {
    let (Some(from), Some(to)) = (&dirs.from, &dirs.to) else {
        return Ok(None);
    };
    let mut request = request(from, to, dirs.classes.as_deref(), ports)?;
    request.replace = dirs.replace.iter().cloned().collect();
    Ok(Some(request))
}

fn line_of(report: &FileReport) -> String {
    let line = report.scan_line();
    match line.reason {
        None => format!(
            "ok       {}  {}, {}",
            inert(&line.file),
            line.format.as_deref().unwrap_or("-"),
            line.tasks.map_or_else(
                || "no list of tasks".to_owned(),
                |tasks| text::plural(tasks, "task", "tasks")
            )
        ),
        Some(reason) => {
            let place = line
                .offset
                .map_or_else(String::new, |offset| format!(", byte {}", text::count(offset)));
            format!("refused  {}  {reason}{place}", inert(&line.file))
        }
    }
}

/// Folders that were not entered and the like: never part of the counts, and never kept silent.
fn notice(view: &View, output: &mut Output) {
    for sentence in view.noticed() {
        output.note(&format!("note: {sentence}"));
    }
}

fn scan(request: &Request, output: &mut Output) -> Result<Ended> {
    let mut closed = Ok(());
    let view = checkpoints::scan(request, &Control::silent(), |report| {
        if closed.is_ok() {
            closed = if output.json() {
                output.document(&report.scan_line())
            } else {
                output.human(&line_of(report))
            };
        }
    })?;
    closed?;
    notice(&view, output);
    let set_aside = view.totals.refused + view.totals.failed;
    output.human(&format!(
        "{}: {} convertible, {} refused. Nothing was run, nothing was written.",
        text::plural(view.totals.total, "file", "files"),
        text::count(view.totals.total - set_aside),
        text::count(set_aside)
    ))?;
    Ok(Ended::with(set_aside))
}

fn apply(request: &Request, consent: &Consent, global: &Global, output: &mut Output) -> Result<Ended> {
    // --yes approves whatever is planned now: then names, sizes and times are plan enough, and each file is judged when it is
    // converted. An approval by digest is of the verdicts too.
    let depth = if consent.yes && !global.dry_run {
        Survey::Names
    } else {
        Survey::Full
    };
    let control = super::told(output);
    let prepared = checkpoints::plan(request, depth, &control)?;
    if ends_at_plan(&prepared.plan, global, output)? {
        return Ok(Ended::Well);
    }
    let digest = approve(&prepared.plan, consent)?;
    super::check_digest(&prepared.plan, &digest)?;
    let applied = super::stoppable(&control, || checkpoints::apply(&prepared, &control))?;
    let totals = applied.totals;
    notice(&applied.view, output);
    super::proved(applied.outcome)?;
    if output.json() {
        output.document(&totals)?;
    } else {
        for refused in &applied.view.refused {
            output.human(&line_of(refused))?;
        }
        output.human(&format!(
            "{} converted, {} unchanged, {} refused, {} failed: {} accounted for.",
            text::count(totals.converted),
            text::count(totals.unchanged),
            text::count(totals.refused),
            text::count(totals.failed),
            text::count(totals.total)
        ))?;
    }
    Ok(Ended::with(totals.refused + totals.failed))
}

fn verify(request: &Request, output: &mut Output) -> Result<Ended> {
    let control = super::told(output);
    let verified = super::stoppable(&control, || checkpoints::verify(request, &control))?;
    let wrong = verified.missing + verified.different;
    if output.json() {
        output.document(&verified)?;
    } else {
        output.human(&format!(
            "{} proved, {} missing, {} different, {} refused of {}.",
            text::count(verified.proved),
            text::count(verified.missing),
            text::count(verified.different),
            text::count(verified.refused),
            text::count(verified.total)
        ))?;
    }
    Ok(Ended::with(wrong + verified.refused))
}
