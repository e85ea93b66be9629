//! `assess`: probes, answers and the two files in the workspace; with `--answers`, the assessment of a file of answers.

use std::path::Path;

use super::session::Session;
use super::{Ended, Output};
use crate::cli::{Consent, Global};
use crate::engine::Capability;
use crate::engine::assess::{Answers, Questionnaire, answers_file, document};
use crate::engine::command::Command;
use crate::engine::error::{Error, Result};
use crate::engine::ports::Ports;
use crate::engine::runner::Options;
use crate::engine::workspace::Workspace;

/// The answers of a file, stated by `by`.
///
/// # Errors
/// A file that cannot be read, or a finding with line and column.
pub fn answers(path: &Path, questionnaire: &Questionnaire, by: &str, ports: &Ports) -> Result<Answers> {
    let text = std::fs::read_to_string(path).map_err(|error| Error::io("read", path, &error))?;
    let name = path.display().to_string();
    answers_file::read_answers(&name, &text, questionnaire, by, ports.clock.now())
}

/// `assess --answers FILE`: prints the assessment; no workspace is made, no probe runs.
///
/// # Errors
/// As [`answers`].
pub fn standalone(path: &Path, by: &str, ports: &Ports, output: &mut Output) -> Result<Ended> {
    let questionnaire = Questionnaire::built_in()?;
    let answers = answers(path, &questionnaire, by, ports)?;
    let name = path.file_stem().map_or_else(
        || "migration".to_owned(),
        |stem| stem.to_string_lossy().into_owned(),
    );
    if output.json() {
        let text = document::json(&questionnaire, &answers, &name);
        let value: serde_json::Value =
            serde_json::from_str(&text).map_err(|error| Error::bug(error.to_string()))?;
        output.document(&value)?;
    } else {
        output.line(document::markdown(&questionnaire, &answers, &name).trim_end())?;
    }
    Ok(Ended::Well)
}

/// `assess` on the workspace.
///
/// # Errors
/// When the workspace cannot be operated or the files cannot be written.
pub async fn run(
    workspace: Workspace,
    global: &Global,
    consent: &Consent,
    options: Options,
    ports: Ports,
    output: &mut Output,
) -> Result<Ended> {
    let mut session = Session::open(workspace.clone(), ports, options).await?;
    let ended = probe_and_write(&mut session, &workspace, global, consent, output).await;
    session.close().await.and(ended)
}

async fn probe_and_write(
    session: &mut Session,
    workspace: &Workspace,
    global: &Global,
    consent: &Consent,
    output: &mut Output,
) -> Result<Ended> {
    session.ask(Command::Probe { question: None }, output).await?;
    let outcome = session
        .apply(Capability::Assess, "write", consent, output)
        .await?;
    let snapshot = session.engine().snapshot().borrow().clone();
    let questionnaire = Questionnaire::of(workspace)?;
    let open: Vec<&str> = snapshot
        .answers
        .open(&questionnaire)
        .map(|question| question.id.as_str())
        .collect();
    let answered = questionnaire.questions.len() - open.len();
    if output.json() {
        output.document(&serde_json::json!({
            "answered": answered,
            "questions": questionnaire.questions.len(),
            "open": open,
            "artifacts": outcome.map(|outcome| outcome.artifacts).unwrap_or_default(),
        }))?;
    } else {
        output.human(&format!(
            "{answered} of {} questions are answered.",
            questionnaire.questions.len()
        ))?;
        if !open.is_empty() {
            output.human(&format!("Open: {}.", open.join(", ")))?;
        }
        if let Some(outcome) = outcome {
            output.human(&format!("{}.", outcome.summary))?;
        }
        output.human(&format!(
            "Next: maos-migrate -w {} readiness",
            global.workspace.display()
        ))?;
    }
    Ok(Ended::Well)
}
