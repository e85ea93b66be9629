//! `tasks score|decompose|stages|convert`. Submission is in [`super::submission`].

use std::io::Read as _;
use std::num::NonZeroUsize;
use std::path::Path;
use std::sync::Arc;

use serde::Serialize;

use super::session::approve;
use super::{Ended, Output, check_digest, ends_at_plan, proved, stoppable, told};
use crate::cli::{Consent, Global, Rules as RulesArgs, Tasks as Verb};
use crate::engine::Capability;
use crate::engine::error::{Error, Result};
use crate::engine::ports::Ports;
use crate::engine::runner::Options;
use crate::engine::tasks::convert::{self, Accepted, Dialect, Policy, Request, Targets, WhenBroken};
use crate::engine::tasks::input::Source;
use crate::engine::tasks::rules::Rules;
use crate::engine::tasks::stages::Simulation;
use crate::engine::tasks::stages::file::StageReport;
use crate::engine::tasks::verbs::{Line, Tally, decompose_stream, score_stream};
use crate::engine::text::{self, inert_short};
use crate::engine::workspace::Workspace;

/// Stages and names a person is shown; JSON has all.
const STAGES_SHOWN: usize = 200;
const NAMES_SHOWN: usize = 12;

/// Runs the verb.
///
/// # Errors
/// What the input or the conversion refuses.
pub async fn run(
    verb: Verb,
    workspace: Workspace,
    global: &Global,
    options: Options,
    ports: Ports,
    output: &mut Output,
) -> Result<Ended> {
    match verb {
        Verb::Score { file, rules } => {
            let rules = chosen(&rules)?;
            let records = source(&file).open()?;
            let control = told(output);
            let tally = stoppable(&control, || {
                score_stream(records, &rules, &control, |line| {
                    emit(line, output, |line, output| {
                        output.human(&format!(
                            "{:<14} {:>2} {:<7} {}",
                            line.id.to_string(),
                            line.score,
                            line.band.name(),
                            line.reasons.join("; ")
                        ))
                    })
                })
            })?;
            summary(&tally, output)
        }
        Verb::Decompose { file, rules } => {
            let rules = chosen(&rules)?;
            let records = source(&file).open()?;
            let control = told(output);
            let tally = stoppable(&control, || {
                decompose_stream(records, &rules, &control, |line| {
                    emit(line, output, |made, output| {
                        output.human(&format!(
                            "{}  {} {}  {}",
                            made.id,
                            made.parallelism.score,
                            made.parallelism.band.name(),
                            inert_short(&made.original, 90)
                        ))?;
                        for subtask in &made.subtasks {
                            let waits: Vec<String> =
                                subtask.dependencies.iter().map(ToString::to_string).collect();
                            let waits = if waits.is_empty() {
                                String::new()
                            } else {
                                format!("  after {}", waits.join(", "))
                            };
                            output.human(&format!(
                                "  {:>3} [{:<12}] {}{waits}",
                                subtask.id, subtask.kind, subtask.description
                            ))?;
                        }
                        Ok(())
                    })
                })
            })?;
            summary(&tally, output)
        }
        Verb::Stages { file, agents } => stages(&file, agents, output),
        Verb::Convert {
            file: Some(file),
            out,
            rules,
            consent,
        } => {
            let Some(out) = out else {
                return Err(
                    Error::new(crate::engine::ErrorKind::Usage, "tasks convert FILE needs -o OUT")
                        .hint("Name the file that gets the converted tasks."),
                );
            };
            one_file(&file, &out, &rules, &consent, global, &ports, output)
        }
        Verb::Convert {
            file: None, consent, ..
        } => {
            super::must_be_set_up(&workspace)?;
            let capability = Capability::Tasks;
            super::apply_in_workspace(capability, "apply", &consent, workspace, options, ports, output).await
        }
        Verb::Submit {
            file,
            again,
            done,
            consent,
        } => {
            super::must_be_set_up(&workspace)?;
            let asked = super::submission::Asked { file, again, done };
            super::submission::submit(asked, &consent, workspace, options, ports, output).await
        }
        Verb::Cancel { consent } => {
            super::must_be_set_up(&workspace)?;
            super::submission::cancel(&consent, workspace, options, ports, output).await
        }
    }
}

fn source(file: &Path) -> Source {
    Source::from_arg(&file.to_string_lossy())
}

/// The rules by name, or a file of words on top of the default ones.
fn chosen(args: &RulesArgs) -> Result<Rules> {
    let words = args
        .words
        .as_ref()
        .map(|path| std::fs::read_to_string(path).map_err(|error| Error::io("read", path, &error)))
        .transpose()?;
    Rules::named(args.rules.as_deref().unwrap_or("default"), words.as_deref())
}

/// One line of a stream: a result, or what was set aside, which goes to standard error.
fn emit<T: Serialize>(
    line: Line<T>,
    output: &mut Output,
    human: impl FnOnce(&T, &mut Output) -> Result<()>,
) -> Result<()> {
    match line {
        Line::Result(made) if output.json() => output.document(&made),
        Line::Result(made) => human(&made, output),
        Line::Refused(refused) => {
            output.note(&format!(
                "line {}: {} ({})",
                refused.line, refused.reason, refused.why
            ));
            Ok(())
        }
    }
}

fn summary(tally: &Tally, output: &mut Output) -> Result<Ended> {
    output.human(&format!(
        "{} read, {} done, {} set aside; mean score {:.2}.",
        text::count(tally.total),
        text::count(tally.done),
        text::count(tally.quarantined),
        tally.average_score
    ))?;
    Ok(Ended::with(tally.quarantined))
}

fn stages(file: &Path, agents: Option<NonZeroUsize>, output: &mut Output) -> Result<Ended> {
    let mut bytes = Vec::new();
    if file.as_os_str() == "-" {
        std::io::stdin()
            .lock()
            .read_to_end(&mut bytes)
            .map_err(|error| Error::unavailable(format!("cannot read standard input: {error}")))?;
    } else {
        bytes = std::fs::read(file).map_err(|error| Error::io("read", file, &error))?;
    }
    let report = StageReport::read(&bytes)?;
    drop(bytes);
    let file = report.file();
    let simulated =
        agents.map(|agents| Simulation::new(&file.graph, &report.plan, &file.weights).run(agents.get()));
    if output.json() {
        match simulated {
            None => output.document(&report)?,
            Some(makespan) => {
                let mut value =
                    serde_json::to_value(&report).map_err(|error| Error::bug(error.to_string()))?;
                value["schedule"] =
                    serde_json::to_value(makespan).map_err(|error| Error::bug(error.to_string()))?;
                output.document(&value)?;
            }
        }
        return Ok(Ended::Well);
    }
    for (number, nodes) in report.plan.stages().enumerate().take(STAGES_SHOWN) {
        let names = nodes
            .iter()
            .take(NAMES_SHOWN)
            .filter_map(|i| file.ids.get(*i as usize));
        let shown: Vec<String> = names.map(ToString::to_string).collect();
        let more = nodes.len().saturating_sub(NAMES_SHOWN);
        let more = if more > 0 {
            format!(" and {more} more")
        } else {
            String::new()
        };
        output.human(&format!(
            "Stage {}  {} at once: {}{more}",
            number + 1,
            nodes.len(),
            shown.join(", ")
        ))?;
    }
    let metrics = serde_json::to_value(report.metrics).map_err(|error| Error::bug(error.to_string()))?;
    for (name, value) in metrics.as_object().into_iter().flatten() {
        output.human(&format!("  {:<26} {value}", name.replace('_', " ")))?;
    }
    if let Some(makespan) = simulated {
        let value = serde_json::to_value(makespan).map_err(|error| Error::bug(error.to_string()))?;
        output.human(&format!("  schedule {value}"))?;
    }
    for suggestion in &report.suggestions {
        output.human(&format!("  {suggestion}"))?;
    }
    Ok(Ended::Well)
}

fn one_file(
    file: &Path,
    out: &Path,
    rules: &RulesArgs,
    consent: &Consent,
    global: &Global,
    ports: &Ports,
    output: &mut Output,
) -> Result<Ended> {
    let source = source(file);
    // Standard input is kept in a file, because the conversion reads twice.
    let (input, _kept) = source.spool()?;
    let request = Request {
        input,
        name: source.name(),
        targets: Targets::beside(out),
        rules: Arc::new(chosen(rules)?),
        dialect: Dialect::Guide,
        policy: Policy {
            missing: WhenBroken::Quarantine,
            cycles: WhenBroken::Quarantine,
        },
        accepted: Arc::new(Accepted::default()),
        started: ports.clock.now(),
    };
    let control = told(output);
    let prepared = stoppable(&control, || convert::plan(&request, &control))?;
    if ends_at_plan(&prepared.plan, global, output)? {
        return Ok(Ended::Well);
    }
    let digest = approve(&prepared.plan, consent)?;
    check_digest(&prepared.plan, &digest)?;
    let converted = stoppable(&control, || convert::convert(&prepared, &control))?;
    let outcome = proved(converted.outcome)?;
    if output.json() {
        output.document(&converted.summary)?;
    } else {
        output.human(&format!("{}.", outcome.summary.trim_end_matches('.')))?;
        output.human(&format!(
            "Wrote {} and {}.",
            converted.summary.out, converted.summary.quarantine
        ))?;
    }
    Ok(Ended::with(outcome.quarantined))
}
