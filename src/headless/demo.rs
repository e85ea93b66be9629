//! `demo --headless`: the sample legacy system, moved onto an embedded target, everything accounted for.

use std::collections::BTreeSet;

use serde::Serialize;

use super::session::Session;
use super::{Ended, Output};
use crate::cli::Consent;
use crate::engine::capability::Capability;
use crate::engine::command::Command;
use crate::engine::error::Result;
use crate::engine::journey;
use crate::engine::ports::Ports;
use crate::engine::runner::Options;
use crate::engine::sample;
use crate::engine::snapshot::{Activity, Snapshot};
use crate::engine::text;
use crate::engine::workspace::Workspace;

/// One row of the table and of the JSON document.
#[derive(Debug, Serialize)]
struct Row {
    capability: Capability,
    state: String,
    source: u64,
    converted: u64,
    quarantined: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    note: Option<String>,
}

/// The answers that no probe can give, stated for the rehearsal.
const STATED: &[(&str, &str)] = &[("team_ready", "yes"), ("business_ready", "yes")];

/// Runs the whole rehearsal. A workspace where an earlier rehearsal was interrupted is taken up where it stopped.
///
/// # Errors
/// When a step cannot be run at all; a step that fails is in the table, and the others go on.
pub async fn run(workspace: Workspace, options: Options, ports: Ports, output: &mut Output) -> Result<Ended> {
    let made = sample::lay_out(&workspace)?;
    output.note(&format!(
        "{} in {}; nothing outside it is touched",
        if made {
            "sample legacy system laid out"
        } else {
            "going on"
        },
        workspace.root().display()
    ));
    let mut session = Session::open(workspace.clone(), ports, options).await?;
    let ran = steps(&mut session, output).await;
    let snapshot = session.engine().snapshot().borrow().clone();
    session.close().await?;
    ran?;
    table(&workspace, &snapshot, output)
}

async fn steps(session: &mut Session, output: &mut Output) -> Result<()> {
    let consent = Consent {
        yes: true,
        ..Consent::default()
    };
    session.ask(Command::Probe { question: None }, output).await?;
    for (question, typed) in STATED {
        let answer = Command::Answer {
            question: (*question).to_owned(),
            typed: (*typed).to_owned(),
        };
        session.ask(answer, output).await?;
    }
    session
        .apply(Capability::Assess, "write", &consent, output)
        .await?;
    session.ask(Command::Score, output).await?;
    for (capability, verb) in [
        (Capability::Tasks, "apply"),
        (Capability::Environment, "apply"),
        (Capability::Config, "apply"),
        (Capability::Checkpoints, "apply"),
        (Capability::Schema, "apply"),
        (Capability::Report, "write"),
    ] {
        match session.apply(capability, verb, &consent, output).await {
            Ok(_) => {}
            // An interruption ends the rehearsal; a failure is a line of the table.
            Err(error) if error.kind == crate::engine::ErrorKind::Interrupted => return Err(error),
            Err(error) => output.note(&format!("{capability:<12} failed: {error}")),
        }
    }
    Ok(())
}

fn table(workspace: &Workspace, snapshot: &Snapshot, output: &mut Output) -> Result<Ended> {
    let rows: Vec<Row> = journey::steps(snapshot.migration)
        .iter()
        .filter(|capability| **capability != Capability::Start)
        .map(|capability| row(snapshot, *capability))
        .collect();
    let artifacts: BTreeSet<&str> = snapshot.artifacts.keys().map(String::as_str).collect();
    let quarantined: u64 = rows.iter().map(|row| row.quarantined).sum();
    let failed = rows.iter().any(|row| row.state == "failed");
    let root = workspace.root().display().to_string();
    if output.json() {
        output.document(&serde_json::json!({"workspace": root, "steps": rows, "artifacts": artifacts}))?;
    } else {
        output.human("")?;
        output.human(&format!(
            "{:<14}{:<20}{:>9}{:>11}{:>13}",
            "Step", "State", "Source", "Converted", "Quarantined"
        ))?;
        for row in &rows {
            let figures = |n: u64| {
                if row.source == 0 {
                    String::new()
                } else {
                    text::count(n)
                }
            };
            output.human(
                format!(
                    "{:<14}{:<20}{:>9}{:>11}{:>13}",
                    row.capability.title(),
                    row.state.replace('_', " "),
                    figures(row.source),
                    figures(row.converted),
                    figures(row.quarantined)
                )
                .trim_end(),
            )?;
        }
        output.human("")?;
        if let Some((_, readiness)) = &snapshot.readiness {
            output.human(&format!(
                "Readiness {} of 100: {}.",
                readiness.score, readiness.recommendation
            ))?;
        }
        output.human(&format!("{quarantined} items are in quarantine; every item is accounted for: source = converted + quarantined."))?;
        output.human(&format!(
            "REHEARSAL kept in {root}. On your own system: maos-migrate -w ./migration"
        ))?;
    }
    Ok(Ended::with(quarantined + u64::from(failed)))
}

fn row(snapshot: &Snapshot, capability: Capability) -> Row {
    let step = snapshot.step(capability);
    let outcome = step.outcome.as_ref();
    let state = if capability.in_this_version() {
        match step.activity {
            Activity::Idle => "not_run",
            Activity::Running | Activity::Paused | Activity::Stopping => "running",
            Activity::Stopped => "stopped",
            Activity::Done => "done",
            Activity::DoneWithQuarantine => "done_with_quarantine",
            Activity::Failed => "failed",
        }
    } else {
        "not_in_this_version"
    };
    Row {
        capability,
        state: state.to_owned(),
        source: outcome.map_or(0, |outcome| outcome.source),
        converted: outcome.map_or(0, |outcome| outcome.converted),
        quarantined: outcome.map_or(0, |outcome| outcome.quarantined),
        note: step.error.map(|error| error.message),
    }
}
