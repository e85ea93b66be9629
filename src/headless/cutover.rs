//! `cutover plan|apply|undo`.

use serde_json::json;

use super::session::Session;
use super::{Ended, Output};
use crate::cli::{Cutover as Verb, LegacyMode};
use crate::engine::Capability;
use crate::engine::command::Command;
use crate::engine::error::Result;
use crate::engine::ports::Ports;
use crate::engine::runner::Options;
use crate::engine::workspace::Workspace;

/// Runs the verb.
///
/// # Errors
/// What stands in the way, or the step that failed with what was taken back.
pub async fn run(
    verb: Verb,
    workspace: Workspace,
    options: Options,
    ports: Ports,
    output: &mut Output,
) -> Result<Ended> {
    let (name, mode, consent) = match verb {
        Verb::Plan { mode } => ("apply", mode, None),
        Verb::Apply { mode, consent } => ("apply", mode, Some(consent)),
        Verb::Undo { consent } => ("undo", None, Some(consent)),
    };
    let mut session = Session::open(workspace, ports, options).await?;
    let done = async {
        if let Some(mode) = mode {
            let word = match mode {
                LegacyMode::Drain => "drain",
                LegacyMode::Freeze => "freeze",
            };
            let command = Command::Decide {
                capability: Capability::Cutover,
                subject: "mode".to_owned(),
                choice: json!(word),
            };
            session.ask(command, output).await?;
        }
        super::planned_or_applied(&mut session, Capability::Cutover, name, consent.as_ref(), output).await
    }
    .await;
    session.close().await?;
    let Some(outcome) = done? else {
        return Ok(Ended::Well);
    };
    super::told_outcome(&outcome, output)?;
    Ok(Ended::Well)
}
