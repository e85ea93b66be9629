//! `upgrade plan|apply|undo`.

use serde_json::json;

use super::session::Session;
use super::{Ended, Output};
use crate::cli::Upgrade as Verb;
use crate::engine::Capability;
use crate::engine::error::Result;
use crate::engine::ports::Ports;
use crate::engine::runner::Options;
use crate::engine::workspace::Workspace;

/// Runs the verb.
///
/// # Errors
/// What stands in the way, or the step that failed.
pub async fn run(
    verb: Verb,
    workspace: Workspace,
    options: Options,
    ports: Ports,
    output: &mut Output,
) -> Result<Ended> {
    let (name, wish, consent) = match verb {
        Verb::Plan { wish } => ("apply", Some(wish), None),
        Verb::Apply { wish, consent } => ("apply", Some(wish), Some(consent)),
        Verb::Undo { consent } => ("undo", None, Some(consent)),
    };
    let session = Session::open(workspace, ports, options).await?;
    let wish = wish.unwrap_or_default();
    let version = wish.to.map(|to| ("version", json!(to)));
    let wait = (wish.wait || wish.no_wait).then(|| ("wait", json!(wish.wait)));
    let decisions = version.into_iter().chain(wait);
    super::hand_over(
        session,
        Capability::Upgrade,
        name,
        decisions,
        consent.as_ref(),
        output,
    )
    .await
}
