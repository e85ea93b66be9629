//! `rollback plan|apply|keep|return|rehearse`.

use std::sync::Arc;

use super::{Ended, Output};
use crate::cli::Rollback as Verb;
use crate::engine::Capability;
use crate::engine::command::Command;
use crate::engine::error::{Error, Result};
use crate::engine::ports::Ports;
use crate::engine::rollback::{Line, Preflight, Sign};
use crate::engine::runner::Options;
use crate::engine::runner::operations::backup::CHOSEN;
use crate::engine::runner::operations::rollback::{ONLY, ROWS};
use crate::engine::views::Slot;
use crate::engine::workspace::Workspace;

use super::session::{Session, show_plan};
use crate::cli::{Consent, NewRows, RollbackChoice};

/// Runs the verb.
///
/// # Errors
/// What the rollback refuses or fails at.
pub async fn run(
    verb: Verb,
    workspace: Workspace,
    options: Options,
    ports: Ports,
    output: &mut Output,
) -> Result<Ended> {
    super::must_be_set_up(&workspace)?;
    let (name, choice, consent): (&str, Option<RollbackChoice>, Option<Consent>) = match verb {
        Verb::Plan { choice } => ("apply", Some(choice), None),
        Verb::Apply { choice, consent } => ("apply", Some(choice), Some(consent)),
        Verb::Rehearse { choice, consent } => ("rehearse", Some(choice), Some(consent)),
        Verb::Return { consent } => ("return", None, Some(consent)),
        Verb::Keep { take_over, consent } => (
            "keep",
            take_over.map(|reason| RollbackChoice {
                backup: None,
                rows: None,
                restore_only: false,
                take_over: Some(reason),
            }),
            Some(consent),
        ),
    };
    let take_over = choice.as_ref().and_then(|choice| choice.take_over.as_deref());
    let mut session = Session::open_or_take_over(workspace, ports, options, take_over, output).await?;
    let done = async {
        for (subject, value) in choice.iter().flat_map(decisions) {
            let command = Command::Decide {
                capability: Capability::Rollback,
                subject: subject.to_owned(),
                choice: value.into(),
            };
            session.ask(command, output).await?;
        }
        match &consent {
            None => {
                let found = look(&mut session, output).await?;
                if !output.json() {
                    said(&found, output)?;
                }
                let plan = session.plan(Capability::Rollback, name, output).await?;
                if output.json() {
                    output.document(&serde_json::json!({"plan": plan, "preflight": lines(&found)}))?;
                } else {
                    show_plan(&plan, output)?;
                }
                Ok(None)
            }
            Some(consent) => session.apply(Capability::Rollback, name, consent, output).await,
        }
    }
    .await;
    session.close().await?;
    if let Some(outcome) = done? {
        if output.json() {
            output.document(&outcome)?;
        } else {
            output.human(&format!("{}.", outcome.summary.trim_end_matches('.')))?;
        }
    }
    Ok(Ended::Well)
}

/// The pre-flight. Reads only.
async fn look(session: &mut Session, output: &mut Output) -> Result<Arc<Preflight>> {
    session.ask(Command::Read(Capability::Rollback), output).await?;
    let mut views = session.engine().views();
    let read = views
        .wait_for(|views| !matches!(views.rollback, Slot::Empty | Slot::Loading(_)))
        .await
        .map_err(|_| Error::unavailable("the session ended while it looked"))?;
    match &read.rollback {
        Slot::Failed(_, error) => Err(error.clone()),
        slot => slot
            .value()
            .map(|(_, found)| Arc::clone(found))
            .ok_or_else(|| Error::bug("a pre-flight that was read is not there")),
    }
}

const fn sign(line: &Line) -> &'static str {
    match line.sign {
        Sign::Good => "ok",
        Sign::Note => "note",
        Sign::Bad => "bad",
        Sign::Unknown => "unknown",
    }
}

fn said(found: &Preflight, output: &mut Output) -> Result<()> {
    for line in &found.lines {
        let evidence = match line.evidence.as_str() {
            "" => String::new(),
            evidence => format!("; {evidence}"),
        };
        output.human(&format!("  {:<7} {}{evidence}", sign(line), line.text))?;
    }
    Ok(())
}

fn lines(found: &Preflight) -> Vec<serde_json::Value> {
    let line =
        |line: &Line| serde_json::json!({"state": sign(line), "text": line.text, "evidence": line.evidence});
    found.lines.iter().map(line).collect()
}

fn decisions(choice: &RollbackChoice) -> Vec<(&'static str, String)> {
    let mut all = Vec::new();
    if let Some(id) = &choice.backup {
        all.push((CHOSEN, id.clone()));
    }
    if let Some(rows) = choice.rows {
        let word = match rows {
            NewRows::Carry => "carry",
            NewRows::Export => "export",
        };
        all.push((ROWS, word.to_owned()));
    }
    if choice.restore_only {
        all.push((ONLY, "restore".to_owned()));
    }
    all
}
