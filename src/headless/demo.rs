//! `demo --headless`: the sample legacy system, moved onto an embedded target, everything accounted for.

use std::collections::BTreeSet;
use std::path::Path;

use serde::Serialize;

use super::session::Session;
use super::{Ended, Output};
use crate::cli::Consent;
use crate::engine::capability::Capability;
use crate::engine::command::Command;
use crate::engine::compare;
use crate::engine::error::{Error, Result};
use crate::engine::journey;
use crate::engine::ports::Ports;
use crate::engine::runner::Options;
use crate::engine::sample;
use crate::engine::snapshot::{Activity, Snapshot};
use crate::engine::tasks::submit;
use crate::engine::text;
use crate::engine::validate;
use crate::engine::workspace::{Environment, Settings, Workspace};

/// One row of the table and of the JSON document.
#[derive(Debug, Serialize)]
struct Row {
    capability: Capability,
    state: String,
    source: u64,
    converted: u64,
    quarantined: u64,
    /// What MAOS made of the converted tasks, on the row of the tasks: parts, not tasks.
    #[serde(skip_serializing_if = "Option::is_none")]
    submission: Option<Submission>,
    #[serde(skip_serializing_if = "Option::is_none")]
    note: Option<String>,
}

/// How the converted tasks fared in MAOS, in parts.
#[derive(Debug, Serialize)]
struct Submission {
    source: u64,
    converted: u64,
    quarantined: u64,
}

/// The operations after the answers, in order. The tasks are given to MAOS once its environment is proved.
const STEPS: &[(Capability, &str)] = &[
    (Capability::Tasks, "apply"),
    (Capability::Environment, "apply"),
    (Capability::Tasks, submit::VERB),
    (Capability::Config, "apply"),
    (Capability::Checkpoints, "apply"),
    (Capability::Schema, "apply"),
    (Capability::Compare, compare::RUN),
    (Capability::Validate, validate::RUN),
    (Capability::Report, "write"),
];

/// The answers that no probe can give, stated for the rehearsal.
const STATED: &[(&str, &str)] = &[("team_ready", "yes"), ("business_ready", "yes")];

/// Runs the whole rehearsal. A workspace where an earlier rehearsal was interrupted is taken up where it stopped.
///
/// # Errors
/// When a step cannot be run at all; a step that fails is in the table, and the others go on.
pub async fn run(workspace: Workspace, options: Options, ports: Ports, output: &mut Output) -> Result<Ended> {
    let made = sample::lay_out(&workspace)?;
    let root = workspace.root().display();
    if made {
        output.note(&format!(
            "sample legacy system laid out in {root}; nothing outside it is touched"
        ));
    } else {
        let lookup = |name: &str| std::env::var(name).ok();
        let settings = Settings::load(&workspace, &lookup)?;
        output.note(&format!(
            "going on in {root}; {}",
            may_go_on(&settings, &workspace)?
        ));
    }
    let mut session = Session::open(workspace.clone(), ports, options).await?;
    let ran = steps(&mut session, output).await;
    let snapshot = session.engine().snapshot().borrow().clone();
    session.close().await?;
    ran?;
    table(&workspace, &snapshot, output)
}

/// What goes on without being asked for each approval must be a rehearsal by its own settings. What it touches outside the workspace is
/// named.
fn may_go_on(settings: &Settings, workspace: &Workspace) -> Result<String> {
    if settings.environment != Environment::Rehearsal {
        return Err(Error::blocked(format!(
            "this workspace is no rehearsal: its environment is {}",
            settings.environment.word()
        ))
        .hint("demo applies everything at once. Name a new folder: maos-migrate -w DIR demo --headless"));
    }
    let inside = |url: &str| {
        url.strip_prefix("sqlite:").is_some_and(|path| {
            let path = path.trim_start_matches("//");
            let path = path.split('?').next().unwrap_or(path);
            let up = |part| part == std::path::Component::ParentDir;
            workspace.path(path).starts_with(workspace.root()) && !Path::new(path).components().any(up)
        })
    };
    let databases = [
        ("sources.database", &settings.source),
        ("target.database", &settings.target),
    ];
    let mut outside: Vec<String> = databases
        .into_iter()
        .filter_map(|(name, database)| Some((name, database.as_ref()?)))
        .filter(|(_, database)| !inside(&database.url.shown))
        .map(|(name, database)| format!("{name} {}", database.url.shown))
        .collect();
    if let Some(maos) = settings.maos.as_ref().filter(|maos| *maos != "rehearsal") {
        outside.push(format!("target.maos {maos}"));
    }
    Ok(if outside.is_empty() {
        "nothing outside it is touched".to_owned()
    } else {
        format!("outside it: {}", outside.join(", "))
    })
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
    for &(capability, verb) in STEPS {
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
        output.human(&line(
            "Step",
            "State",
            ["Source", "Converted", "Quarantined"].map(str::to_owned),
        ))?;
        for row in &rows {
            let state = row.state.replace('_', " ");
            let figures = [row.source, row.converted, row.quarantined];
            output.human(&line(row.capability.title(), &state, counted(figures)))?;
            if let Some(given) = &row.submission {
                let figures = [given.source, given.converted, given.quarantined];
                output.human(&line("  parts", "given to MAOS", counted(figures)))?;
            }
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

fn line(step: &str, state: &str, figures: [String; 3]) -> String {
    let [source, converted, quarantined] = figures;
    format!("{step:<14}{state:<20}{source:>9}{converted:>11}{quarantined:>13}")
        .trim_end()
        .to_owned()
}

/// Source, converted, quarantined; nothing where there was no source.
fn counted(figures: [u64; 3]) -> [String; 3] {
    figures.map(|n| {
        if figures[0] == 0 {
            String::new()
        } else {
            text::count(n)
        }
    })
}

fn row(snapshot: &Snapshot, capability: Capability) -> Row {
    let step = snapshot.step(capability);
    // The tasks are counted by their conversion; what MAOS made of their parts stands beside.
    let outcome = match capability {
        Capability::Tasks => step.outcomes.get("apply"),
        _ => step.outcome.as_ref(),
    };
    let submission = step.outcomes.get(submit::VERB).map(|outcome| Submission {
        source: outcome.source,
        converted: outcome.converted,
        quarantined: outcome.quarantined,
    });
    let state = match step.activity {
        Activity::Idle => "not_run",
        Activity::Running | Activity::Paused | Activity::Stopping => "running",
        Activity::Stopped => "stopped",
        Activity::Done => "done",
        Activity::DoneWithQuarantine => "done_with_quarantine",
        Activity::Failed => "failed",
    };
    Row {
        capability,
        state: state.to_owned(),
        source: outcome.map_or(0, |outcome| outcome.source),
        converted: outcome.map_or(0, |outcome| outcome.converted),
        quarantined: outcome.map_or(0, |outcome| outcome.quarantined),
        submission,
        note: step.error.map(|error| error.message),
    }
}
