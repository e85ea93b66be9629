//! `compare`.

use super::{Ended, Output};
use crate::cli::Consent;
use crate::engine::Capability;
use crate::engine::compare::{REPORT, RUN};
use crate::engine::error::Result;
use crate::engine::ports::Ports;
use crate::engine::runner::Options;
use crate::engine::workspace::Workspace;

/// Runs the comparison, and prints its report.
///
/// # Errors
/// What the comparison refuses or fails at.
pub async fn run(
    consent: &Consent,
    workspace: Workspace,
    options: Options,
    ports: Ports,
    output: &mut Output,
) -> Result<Ended> {
    let report = workspace.path(REPORT);
    let mut session = super::session::Session::open(workspace, ports, options).await?;
    let applied = session.apply(Capability::Compare, RUN, consent, output).await;
    session.close().await?;
    let Some(outcome) = applied? else {
        return Ok(Ended::Well);
    };
    if output.json() {
        output.document(&super::written(&report)?)?;
    } else {
        let document = super::written(&report)?;
        let said = |pointer: &str| {
            document
                .pointer(pointer)
                .and_then(serde_json::Value::as_str)
                .map(str::to_owned)
        };
        output.human(&format!("{}.", outcome.summary.trim_end_matches('.')))?;
        if let Some(caution) = said("/caution") {
            output.human(&caution)?;
        }
        output.human(&format!("Report: {}", report.display()))?;
    }
    Ok(Ended::with(outcome.quarantined))
}
