//! `readiness`: the score of the workspace's answers, or of a file of answers.

use std::path::Path;

use super::session::Session;
use super::{Ended, Output, assess};
use crate::engine::assess::Questionnaire;
use crate::engine::command::Command;
use crate::engine::error::{Error, Result};
use crate::engine::ports::Ports;
use crate::engine::readiness::{self, Facts, Readiness, sentences};
use crate::engine::runner::Options;
use crate::engine::views::Slot;
use crate::engine::workspace::Workspace;

/// `readiness --answers FILE`: no workspace is made, no probe runs.
///
/// # Errors
/// As [`assess::answers`].
pub fn standalone(path: &Path, by: &str, ports: &Ports, output: &mut Output) -> Result<Ended> {
    let questionnaire = Questionnaire::built_in()?;
    let answers = assess::answers(path, &questionnaire, by, ports)?;
    show(
        &readiness::score(&questionnaire, &answers, &Facts::default()),
        output,
    )
}

/// `readiness` of the workspace.
///
/// # Errors
/// When the workspace cannot be operated.
pub async fn run(workspace: Workspace, options: Options, ports: Ports, output: &mut Output) -> Result<Ended> {
    let mut session = Session::open(workspace, ports, options).await?;
    let settings = session.engine().views().borrow().settings.clone();
    if let Slot::Failed(_, error) = settings {
        output.note(&format!("warning: {}", error.message));
    }
    let scored = session.ask(Command::Score, output).await;
    let snapshot = session.engine().snapshot().borrow().clone();
    session.close().await?;
    scored?;
    match &snapshot.readiness {
        Some((_, readiness)) => show(readiness, output),
        None => Err(Error::bug("the score was made and is not there")),
    }
}

fn show(readiness: &Readiness, output: &mut Output) -> Result<Ended> {
    if output.json() {
        output.document(readiness)?;
        return Ok(Ended::Well);
    }
    output.human(&format!("Readiness {} of {}", readiness.score, readiness.max))?;
    output.human(&sentences::recommendation(readiness))?;
    for blocker in &readiness.blockers {
        output.human(&format!("Blocker: {}. {}", blocker.text, blocker.mitigation))?;
    }
    let zone = jiff::tz::TimeZone::system();
    for dimension in &readiness.dimensions {
        output.human(&format!(
            "  {:<16}{:>3}/{}  {}",
            dimension.id.title(),
            dimension.points,
            dimension.max,
            sentences::evidence(dimension, &zone)
        ))?;
    }
    output.human(&format!("Arithmetic: {}", readiness.arithmetic))?;
    output.human(&format!("Unanswered: {}", sentences::unanswered(readiness)))?;
    for action in &readiness.actions {
        output.human(&format!("  +{:<3} {}", action.gain, action.text))?;
    }
    Ok(Ended::Well)
}
