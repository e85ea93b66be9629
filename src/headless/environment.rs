//! `environment plan|apply`.

use super::session::{Session, show_plan};
use super::{Ended, Output};
use crate::cli::Environment as Verb;
use crate::engine::Capability;
use crate::engine::environment::APPLY;
use crate::engine::error::Result;
use crate::engine::item::Items;
use crate::engine::ports::Ports;
use crate::engine::runner::Options;
use crate::engine::text;
use crate::engine::workspace::Workspace;

/// Runs the verb.
///
/// # Errors
/// What the engine refuses or fails at.
pub async fn run(
    verb: Verb,
    workspace: Workspace,
    options: Options,
    ports: Ports,
    output: &mut Output,
) -> Result<Ended> {
    let mut session = Session::open(workspace, ports, options).await?;
    let consent = match verb {
        Verb::Plan => {
            let plan = session.plan(Capability::Environment, APPLY, output).await;
            session.close().await?;
            show_plan(&plan?, output)?;
            return Ok(Ended::Well);
        }
        Verb::Apply { consent } => consent,
    };
    let applied = session
        .apply(Capability::Environment, APPLY, &consent, output)
        .await;
    let snapshot = session.engine().snapshot().borrow().clone();
    session.close().await?;
    let items = snapshot
        .steps
        .get(&Capability::Environment)
        .and_then(|step| step.items.get(APPLY))
        .cloned()
        .unwrap_or_default();
    let outcome = match applied {
        Ok(Some(outcome)) => outcome,
        Ok(None) => return Ok(Ended::Well),
        Err(error) => {
            // What was done before the failure stays, so it is told.
            lines(&items, output)?;
            return Err(error);
        }
    };
    if output.json() {
        output.document(&serde_json::json!({"outcome": outcome, "lines": items}))?;
    } else {
        lines(&items, output)?;
        output.human(&format!("{}.", outcome.summary.trim_end_matches('.')))?;
    }
    Ok(Ended::Well)
}

/// A line for each line of the environment.
fn lines(items: &Items, output: &mut Output) -> Result<()> {
    for item in items.all() {
        let ms = item
            .ms
            .map_or_else(String::new, |ms| format!(", {} ms", text::count(ms)));
        output.human(&format!(
            "{:<8} {:<19} {}{ms}",
            item.state.word(),
            item.title,
            item.text
        ))?;
    }
    Ok(())
}
