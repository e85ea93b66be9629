//! `config convert|plan|apply`.

use std::path::Path;

use super::session::{Session, approve, show_plan};
use super::{Ended, Output, ends_at_plan};
use crate::cli::{Config as Verb, Consent, Format, Global, Profile};
use crate::engine::Capability;
use crate::engine::config::{self, OutputFormat, Request};
use crate::engine::error::Result;
use crate::engine::operation::{Control, Notice};
use crate::engine::ports::Ports;
use crate::engine::runner::Options;
use crate::engine::workspace::Workspace;

/// Runs the verb.
///
/// # Errors
/// What the conversion refuses.
pub async fn run(
    verb: Verb,
    workspace: Workspace,
    global: &Global,
    options: Options,
    ports: Ports,
    output: &mut Output,
) -> Result<Ended> {
    match verb {
        Verb::Convert {
            file,
            out,
            format,
            profile,
            consent,
        } => {
            let mut request = Request::new(&file, &out);
            request.decisions.environment = config::environment();
            request.format = match format {
                Some(Format::Json) => OutputFormat::Json,
                None if out
                    .extension()
                    .is_some_and(|extension| extension.eq_ignore_ascii_case("json")) =>
                {
                    OutputFormat::Json
                }
                Some(Format::Yaml) | None => OutputFormat::Yaml,
            };
            request.profile = match profile {
                Profile::Guide => config::Profile::Guide,
                Profile::Reference => config::Profile::Reference,
                Profile::Shipped => config::Profile::Shipped,
            };
            convert(&request, &out, &consent, global, &ports, output)
        }
        Verb::Plan => {
            let mut session = Session::open(workspace, ports, options).await?;
            let plan = session.plan(Capability::Config, "apply", output).await;
            session.close().await?;
            show_plan(&plan?, output)?;
            Ok(Ended::Well)
        }
        Verb::Apply { consent } => {
            super::apply_in_workspace(
                Capability::Config,
                "apply",
                &consent,
                workspace,
                options,
                ports,
                output,
            )
            .await
        }
    }
}

fn convert(
    request: &Request,
    out: &Path,
    consent: &Consent,
    global: &Global,
    ports: &Ports,
    output: &mut Output,
) -> Result<Ended> {
    let refused = std::sync::Arc::new(std::sync::atomic::AtomicU64::new(0));
    let counter = std::sync::Arc::clone(&refused);
    let control = Control::new(move |notice| {
        if matches!(notice, Notice::Quarantined(_)) {
            counter.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        }
    });
    let now = ports.clock.now();
    let prepared = config::plan(request, &control)?;
    if ends_at_plan(&prepared.plan, global, output)? {
        return Ok(Ended::Well);
    }
    let digest = approve(&prepared.plan, consent)?;
    super::check_digest(&prepared.plan, &digest)?;
    let outcome = super::proved(config::apply(&prepared, now, &control)?)?;
    if output.json() {
        output.document(&prepared.report)?;
    } else {
        let report = &prepared.report;
        output.human(&format!(
            "Wrote {}: {} mapped, {} defaulted, {} unmapped, {} in conflict.",
            out.display(),
            report.mapped.len(),
            report.defaulted.len(),
            report.unmapped.len(),
            report.conflicts.len()
        ))?;
        for conflict in &report.conflicts {
            let value = serde_json::to_value(conflict).unwrap_or_default();
            output.human(&format!("  conflict {value}"))?;
        }
        for unmapped in &report.unmapped {
            let value = serde_json::to_value(unmapped).unwrap_or_default();
            output.human(&format!(
                "  unmapped {} (line {})",
                value["key"].as_str().unwrap_or_default(),
                value["line"]
            ))?;
        }
        if !report.secrets.is_empty() {
            let env = report.env_file.as_deref().unwrap_or_default();
            output.human(&format!(
                "Secrets are in {env}, mode 0600: {}.",
                report.secrets.join(", ")
            ))?;
        }
    }
    Ok(Ended::with(outcome.quarantined))
}
