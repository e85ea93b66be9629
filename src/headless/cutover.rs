//! `cutover plan|apply|undo`.

use serde_json::json;

use super::session::Session;
use super::{Ended, Output};
use crate::cli::{Cutover as Verb, LegacyMode};
use crate::engine::Capability;
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
    let session = Session::open(workspace, ports, options).await?;
    let mode = mode.map(|mode| match mode {
        LegacyMode::Drain => ("mode", json!("drain")),
        LegacyMode::Freeze => ("mode", json!("freeze")),
    });
    super::hand_over(session, Capability::Cutover, name, mode, consent.as_ref(), output).await
}
