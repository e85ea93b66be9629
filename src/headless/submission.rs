//! `tasks submit` and `tasks cancel`.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::session::Session;
use super::{Ended, Output};
use crate::cli::Consent;
use crate::engine::Capability;
use crate::engine::command::Command;
use crate::engine::error::{Error, Result};
use crate::engine::item::{Item, ItemState, Items};
use crate::engine::ports::Ports;
use crate::engine::runner::Options;
use crate::engine::tasks::submit::ledger::{again, lines};
use crate::engine::tasks::submit::{ABOUT, Answer, CANCEL, FILE, VERB};
use crate::engine::workspace::Workspace;

/// Lines that a person is shown of what did not end well.
const SHOWN: usize = 20;

/// What the command line asks for.
#[derive(Debug)]
pub struct Asked {
    /// Another file than the workspace's.
    pub file: Option<PathBuf>,
    /// Parts to be given again.
    pub again: Vec<String>,
    /// Parts that are done by a person's word.
    pub done: Vec<String>,
}

/// Submits, and prints what became of the parts.
///
/// # Errors
/// What the engine refuses or fails at.
pub async fn submit(
    asked: Asked,
    consent: &Consent,
    workspace: Workspace,
    options: Options,
    ports: Ports,
    output: &mut Output,
) -> Result<Ended> {
    run(Some(asked), VERB, consent, workspace, options, ports, output).await
}

/// Cancels what MAOS has not ended.
///
/// # Errors
/// What the engine refuses or fails at.
pub async fn cancel(
    consent: &Consent,
    workspace: Workspace,
    options: Options,
    ports: Ports,
    output: &mut Output,
) -> Result<Ended> {
    run(None, CANCEL, consent, workspace, options, ports, output).await
}

async fn run(
    asked: Option<Asked>,
    verb: &str,
    consent: &Consent,
    workspace: Workspace,
    options: Options,
    ports: Ports,
    output: &mut Output,
) -> Result<Ended> {
    let mut session = Session::open(workspace, ports, options).await?;
    let applied = async {
        if let Some(asked) = &asked {
            decide(&mut session, asked, output).await?;
        }
        session.apply(Capability::Tasks, verb, consent, output).await
    }
    .await;
    let step = session.engine().snapshot().borrow().step(Capability::Tasks);
    session.close().await?;
    let Some(outcome) = applied? else {
        return Ok(Ended::Well);
    };
    let lines = lines(&step);
    if output.json() {
        output.document(&document(&lines, &outcome)?)?;
    } else {
        for item in aside(&lines).take(SHOWN) {
            output.human(&format!(
                "  {:<8} {:<20} {}",
                item.state.word(),
                item.key,
                item.text
            ))?;
        }
        output.human(&format!("{}.", outcome.summary.trim_end_matches('.')))?;
    }
    Ok(Ended::with(outcome.quarantined))
}

/// Turns the options into decisions, which are in the journal before the plan is made.
async fn decide(session: &mut Session, asked: &Asked, output: &mut Output) -> Result<()> {
    let step = session.engine().snapshot().borrow().step(Capability::Tasks);
    let mut decisions: Vec<(String, Value)> = Vec::new();
    let file = match &asked.file {
        Some(file) => {
            let file =
                std::path::absolute(file).map_err(|error| Error::io("resolve", Path::new(file), &error))?;
            json!(file.display().to_string())
        }
        None => Value::Null,
    };
    if step.decisions.get(FILE).unwrap_or(&Value::Null) != &file {
        decisions.push((FILE.to_owned(), file));
    }
    let lines = lines(&step);
    let known = |part: &String| {
        lines.get(part).ok_or_else(|| {
            let part = crate::engine::text::inert_short(part, 60);
            Error::input(format!("no part {part} was submitted"))
        })
    };
    for part in &asked.again {
        decisions.push(again(known(part)?));
    }
    for part in &asked.done {
        known(part)?;
        decisions.push((format!("{ABOUT}{part}"), json!(Answer::Done)));
    }
    for (subject, choice) in decisions {
        let command = Command::Decide {
            capability: Capability::Tasks,
            subject,
            choice,
        };
        session.ask(command, output).await?;
    }
    Ok(())
}

/// The parts that did not end well.
fn aside(lines: &Items) -> impl Iterator<Item = &Item> {
    lines.all().iter().map(AsRef::as_ref).filter(|item| {
        matches!(
            item.state,
            ItemState::Failed | ItemState::Skipped | ItemState::Unknown
        )
    })
}

/// The outcome, with the counts by state and every part that did not end well.
fn document(lines: &Items, outcome: &crate::engine::operation::Outcome) -> Result<Value> {
    let mut document = serde_json::to_value(outcome).map_err(|error| Error::bug(error.to_string()))?;
    for state in [
        ItemState::Done,
        ItemState::Failed,
        ItemState::Skipped,
        ItemState::Unknown,
        ItemState::Running,
    ] {
        document[state.word()] = json!(lines.count(state));
    }
    let aside: Vec<Value> = aside(lines)
        .map(|item| json!({"part": item.key, "state": item.state, "why": item.text, "maos_id": item.data["id"]}))
        .collect();
    document["aside"] = json!(aside);
    Ok(document)
}
