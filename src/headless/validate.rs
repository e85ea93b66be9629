//! `validate [--only NAME]`.

use serde_json::Value;

use super::{Ended, Output};
use crate::cli::Consent;
use crate::engine::Capability;
use crate::engine::error::Result;
use crate::engine::ports::Ports;
use crate::engine::runner::Options;
use crate::engine::validate::{self, REPORT, RUN};
use crate::engine::workspace::Workspace;

/// Runs the tests, and prints their results. Some failed: exit code 4.
///
/// # Errors
/// What the run refuses or fails at; that a test fails is no error.
pub async fn run(
    only: &[String],
    consent: &Consent,
    workspace: Workspace,
    options: Options,
    ports: Ports,
    output: &mut Output,
) -> Result<Ended> {
    let report = workspace.path(REPORT);
    let verb = if only.is_empty() {
        RUN.to_owned()
    } else {
        validate::only(only.iter().map(String::as_str))
    };
    let mut session = super::session::Session::open(workspace, ports, options).await?;
    let applied = session.apply(Capability::Validate, &verb, consent, output).await;
    session.close().await?;
    let Some(outcome) = applied? else {
        return Ok(Ended::Well);
    };
    let document = super::written(&report)?;
    if output.json() {
        output.document(&document)?;
    } else {
        lines(&document, output)?;
        output.human(&format!("{}.", outcome.summary.trim_end_matches('.')))?;
        output.human(&format!("Results: {}", report.display()))?;
    }
    Ok(Ended::with(outcome.quarantined))
}

fn lines(document: &Value, output: &mut Output) -> Result<()> {
    let Some(Value::Object(categories)) = document.get("details") else {
        return Ok(());
    };
    for (name, category) in categories {
        output.human(name)?;
        let Some(Value::Object(tests)) = category.get("tests") else {
            continue;
        };
        for (name, test) in tests {
            let word = |key: &str| test.get(key).and_then(Value::as_str).unwrap_or_default();
            let time = test
                .get("duration")
                .and_then(Value::as_f64)
                .map_or_else(String::new, |seconds| format!("{seconds:.1} s"));
            output.human(&format!(
                "  {:<8} {name:<26} {time:>8}  {}",
                word("state"),
                word("text")
            ))?;
        }
    }
    Ok(())
}
