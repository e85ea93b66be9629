//! `schema plan|apply|verify|undo`.

use super::session::{Session, approve, show_plan};
use super::{Ended, Output, check_digest, ends_at_plan, proved, stoppable_async, told, writable};
use crate::cli::{Consent, Global, RunningRows, Schema as Verb, SchemaEnds};
use crate::engine::Capability;
use crate::engine::error::{Error, Result};
use crate::engine::operation::Control;
use crate::engine::ports::Ports;
use crate::engine::ports::store::Table;
use crate::engine::runner::Options;
use crate::engine::schema::{self, Live, Prepared, Request, Running, Stores};
use crate::engine::text;
use crate::engine::workspace::settings::resolve_url;
use crate::engine::workspace::{Settings, Workspace};

/// Runs the verb.
///
/// # Errors
/// What the migration of rows refuses or fails at.
pub async fn run(
    verb: Verb,
    workspace: Workspace,
    global: &Global,
    options: Options,
    ports: Ports,
    output: &mut Output,
) -> Result<Ended> {
    let held = format!("{} on {}", options.me.operator, options.me.host);
    match verb {
        Verb::Plan { ends } => {
            if ends.source.is_none() {
                super::must_be_set_up(&workspace)?;
                let mut session = Session::open(workspace, ports, options).await?;
                let plan = session.plan(Capability::Schema, "apply", output).await;
                session.close().await?;
                show_plan(&plan?, output)?;
                return Ok(Ended::Well);
            }
            let (request, stores) = standalone(&ends, held, &ports, output)?;
            let prepared = schema::plan(&request, &stores, &Control::silent()).await?;
            census(&prepared, output)
        }
        Verb::Apply { ends, consent } if ends.source.is_some() => {
            let (request, stores) = standalone(&ends, held, &ports, output)?;
            apply(&request, &stores, &consent, global, &ports, ends.workers, output).await
        }
        Verb::Apply { consent, .. } => {
            super::must_be_set_up(&workspace)?;
            let capability = Capability::Schema;
            super::apply_in_workspace(capability, "apply", &consent, workspace, options, ports, output).await
        }
        Verb::Undo { ends, consent } if ends.source.is_some() => {
            let (request, stores) = standalone(&ends, held, &ports, output)?;
            undo(&request, &stores, &consent, global, output).await
        }
        Verb::Undo { consent, .. } => {
            super::must_be_set_up(&workspace)?;
            let capability = Capability::Schema;
            super::apply_in_workspace(capability, "undo", &consent, workspace, options, ports, output).await
        }
        Verb::Verify { ends } => {
            let (request, stores) = if ends.source.is_some() {
                standalone(&ends, held, &ports, output)?
            } else {
                let ends = of_workspace(&workspace, ends)?;
                resolved(&ends, held, &workspace, &ports, output)?
            };
            verify(&request, &stores, output).await
        }
    }
}

/// The databases of the workspace, as if they had been named on the command line.
fn of_workspace(workspace: &Workspace, mut ends: SchemaEnds) -> Result<SchemaEnds> {
    use secrecy::ExposeSecret as _;
    super::must_be_set_up(workspace)?;
    let settings = Settings::load(workspace, &|name| std::env::var(name).ok())?;
    let url = |database: &Option<crate::engine::workspace::settings::Database>, key: &str| {
        database
            .as_ref()
            .map(|database| database.url.value.expose_secret().to_owned())
            .ok_or_else(|| Error::input(format!("{key} is not named")).hint("Add it to migration.yml."))
    };
    ends.source = Some(url(&settings.source, "sources.database")?);
    ends.target = Some(url(&settings.target, "target.database")?);
    ends.source_table.get_or_insert(settings.tuning.source_table);
    ends.target_table.get_or_insert(settings.tuning.target_table);
    Ok(ends)
}

/// The databases named on the command line; paths are relative to the current directory.
fn standalone(
    ends: &SchemaEnds,
    holder: String,
    ports: &Ports,
    output: &mut Output,
) -> Result<(Request, Stores)> {
    let here = Workspace::at(std::path::Path::new("."))?;
    resolved(ends, holder, &here, ports, output)
}

fn resolved(
    ends: &SchemaEnds,
    holder: String,
    base: &Workspace,
    ports: &Ports,
    output: &mut Output,
) -> Result<(Request, Stores)> {
    let mut open = |url: &Option<String>, option: &str, create: bool| {
        let text = url.as_deref().unwrap_or_default();
        let url = resolve_url(text, option, base, &|name| std::env::var(name).ok())?;
        if let Some(warning) = &url.warning {
            output.note(&format!("warning: {warning}"));
        }
        ports.stores.open(&url.value, create)
    };
    let stores = Stores {
        source: open(&ends.source, "--source", false)?,
        target: open(&ends.target, "--target", true)?,
    };
    let mut request = Request::new(holder)?;
    if let Some(table) = &ends.source_table {
        request.source_table = Table::parse(table);
    }
    if let Some(table) = &ends.target_table {
        request.target_table = Table::parse(table);
    }
    request.running = ends.running.map(|running| match running {
        RunningRows::Drain => Running::Drain,
        RunningRows::Claim => Running::Claim,
        RunningRows::Keep => Running::Keep,
    });
    request.workers = ends.workers.unwrap_or(0);
    Ok((request, stores))
}

fn census(prepared: &Prepared, output: &mut Output) -> Result<Ended> {
    if output.json() {
        output.document(&serde_json::json!({
            "plan": prepared.plan,
            "census": prepared.census,
            "blocked": prepared.blocks.iter().map(|block| &block.sentence).collect::<Vec<_>>(),
        }))?;
    } else {
        for row in &prepared.census.values {
            output.human(&format!(
                "  {:<10} {:<24} {:>12}  {}",
                row.column,
                row.value,
                text::count(row.rows),
                row.becomes
            ))?;
        }
        for note in &prepared.census.notes {
            output.human(&format!("Note: {note}"))?;
        }
        show_plan(&prepared.plan, output)?;
        for block in &prepared.blocks {
            output.human(&format!("Locked: {} {}", block.sentence, block.hint))?;
        }
    }
    prepared.ready()?;
    Ok(Ended::Well)
}

async fn apply(
    request: &Request,
    stores: &Stores,
    consent: &Consent,
    global: &Global,
    ports: &Ports,
    workers: Option<usize>,
    output: &mut Output,
) -> Result<Ended> {
    let control = told(output);
    if let Some(workers) = workers {
        control.set_workers(workers);
    }
    let now = ports.clock.now();
    let prepared = schema::plan(request, stores, &control).await?;
    if global.dry_run {
        return census(&prepared, output);
    }
    writable(global)?;
    prepared.ready()?;
    let digest = approve(&prepared.plan, consent)?;
    check_digest(&prepared.plan, &digest)?;
    let live = Live::default();
    let applied = {
        // The copy holds every worker's state: on the heap, callers stay small.
        let applying = Box::pin(schema::apply(&prepared, stores, now, &control, &live));
        stoppable_async(&control, applying).await?
    };
    proved(applied.outcome)?;
    let report = applied.report;
    if output.json() {
        output.document(&report)?;
    } else {
        output.human(&format!(
            "Proved: {} = {} + {}; {} were in place. {:.1} s, {} rows/s.",
            text::count(report.source_rows),
            text::count(report.migrated),
            text::count(report.quarantined),
            text::count(report.unchanged),
            report.elapsed_s,
            text::count(whole(report.rows_per_s))
        ))?;
    }
    Ok(Ended::with(report.quarantined))
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a rate for people, never negative"
)]
fn whole(rate: f64) -> u64 {
    rate.max(0.0) as u64
}

async fn verify(request: &Request, stores: &Stores, output: &mut Output) -> Result<Ended> {
    let control = told(output);
    let prepared = schema::plan(request, stores, &control).await?;
    let live = Live::default();
    let proving = schema::verify_run(&prepared, stores, &control, &live);
    let (_, report) = stoppable_async(&control, proving).await?;
    if output.json() {
        output.document(&report)?;
    } else {
        output.human(&format!(
            "{} rows in the source, {} in the target, {} in quarantine: {}.",
            text::count(report.source_rows),
            text::count(report.target_rows),
            text::count(report.quarantined),
            if report.verified { "proved" } else { "not proved" }
        ))?;
        for (what, keys) in [
            ("missing", &report.missing),
            ("extra", &report.extra),
            ("changed", &report.changed),
            ("other", &report.other),
        ] {
            if !keys.is_empty() {
                output.human(&format!("  {what}: {}", keys.join(", ")))?;
            }
        }
    }
    if !report.verified {
        // It is known what differs: that is an answer, and no database that is away.
        output.note("the rows are not proved; schema apply writes again what the source changed");
        return Ok(Ended::WithQuarantine);
    }
    Ok(Ended::with(report.quarantined))
}

async fn undo(
    request: &Request,
    stores: &Stores,
    consent: &Consent,
    global: &Global,
    output: &mut Output,
) -> Result<Ended> {
    let control = told(output);
    let prepared = schema::plan(request, stores, &control).await?;
    let undo = schema::undo_plan(&prepared, stores, &control).await?;
    if ends_at_plan(&undo.plan, global, output)? {
        return Ok(Ended::Well);
    }
    undo.ready()?;
    let digest = approve(&undo.plan, consent)?;
    check_digest(&undo.plan, &digest)?;
    let live = Live::default();
    let undoing = schema::undo(&prepared, &undo, stores, &control, &live);
    let (outcome, report) = stoppable_async(&control, undoing).await?;
    proved(outcome)?;
    if output.json() {
        output.document(&report)?;
    } else {
        output.human(&format!(
            "Removed {}; {} left; proved: {}.",
            text::plural(report.removed, "row", "rows"),
            text::count(report.left),
            report.verified
        ))?;
    }
    Ok(Ended::Well)
}
