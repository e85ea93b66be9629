//! `upgrade plan|apply|undo`.

use serde_json::json;

use super::session::Session;
use super::{Ended, Output};
use crate::cli::Upgrade as Verb;
use crate::engine::Capability;
use crate::engine::command::Command;
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
    let mut session = Session::open(workspace, ports, options).await?;
    let done = async {
        let wish = wish.unwrap_or_default();
        let version = wish.to.map(|to| ("version", json!(to)));
        let wait = (wish.wait || wish.no_wait).then(|| ("wait", json!(wish.wait)));
        for (subject, choice) in version.into_iter().chain(wait) {
            let command = Command::Decide {
                capability: Capability::Upgrade,
                subject: subject.to_owned(),
                choice,
            };
            session.ask(command, output).await?;
        }
        super::planned_or_applied(&mut session, Capability::Upgrade, name, consent.as_ref(), output).await
    }
    .await;
    session.close().await?;
    let Some(outcome) = done? else {
        return Ok(Ended::Well);
    };
    super::told_outcome(&outcome, output)?;
    Ok(Ended::Well)
}
