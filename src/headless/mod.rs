//! The same engine for scripts: a verb, its lines or its JSON, its exit code.
//!
//! Each verb has a file with the capability's name. Verbs with explicit inputs run standalone; without them they use the
//! workspace through [`session`], with its journal and gates. To add one: a variant in `cli`, a file here, an arm in [`run`].

pub mod assess;
pub mod backup;
pub mod checkpoints;
pub mod compare;
pub mod config;
pub mod cutover;
pub mod demo;
pub mod doctor;
pub mod environment;
pub mod journal;
pub mod monitor;
pub mod output;
pub mod plain;
mod plain_questions;
pub mod readiness;
pub mod rollback;
pub mod schema;
pub mod session;
mod submission;
pub mod tasks;
pub mod upgrade;
pub mod validate;

use std::process::ExitCode;

use clap::CommandFactory as _;

use crate::cli::{Cli, Consent, Global, Verb};
use crate::engine::capability::Capability;
use crate::engine::error::{Error, Result};
use crate::engine::operation::{Approval, Control, Notice, Outcome, Plan};
use crate::engine::ports::Ports;
use crate::engine::runner::Options;
use crate::engine::text;
use crate::engine::workspace::Workspace;

pub use output::Output;

/// Exit code of a run that is done with items quarantined or failed.
pub const QUARANTINED: u8 = 4;

/// Exit code of a verdict to roll back.
pub const ROLL_BACK: u8 = 10;

/// How a verb ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// Done.
    Well,
    /// Done, with items quarantined or failed.
    WithQuarantine,
    /// Done, and the verdict is to roll back.
    RollBack,
}

impl Ended {
    /// Well, unless something was set aside.
    #[must_use]
    pub const fn with(quarantined: u64) -> Self {
        if quarantined == 0 {
            Self::Well
        } else {
            Self::WithQuarantine
        }
    }

    /// The process exit code.
    #[must_use]
    pub const fn code(self) -> u8 {
        match self {
            Self::Well => 0,
            Self::WithQuarantine => QUARANTINED,
            Self::RollBack => ROLL_BACK,
        }
    }
}

/// Prints an error and gives its exit code.
pub fn fail(output: &mut Output, error: &Error) -> ExitCode {
    output.error(error);
    ExitCode::from(error.kind.exit_code())
}

/// What the wiring worked out from the command line.
#[derive(Debug)]
pub struct Setup {
    /// The workspace that the verb works on.
    pub workspace: Workspace,
    /// How its session is opened.
    pub options: Options,
}

/// Runs the verb of the command line and gives the exit code.
pub async fn run(cli: Cli, ports: Ports, setup: Setup, output: &mut Output) -> ExitCode {
    let result = verb(cli, ports, setup, output).await;
    let result = match output.flush() {
        Ok(()) => result,
        // The verb has taken that into account.
        Err(_) if output.reader_gone() => result,
        Err(error) => result.and(Err(error)),
    };
    match result {
        Ok(ended) => ExitCode::from(ended.code()),
        Err(error) => fail(output, &error),
    }
}

async fn verb(cli: Cli, ports: Ports, setup: Setup, output: &mut Output) -> Result<Ended> {
    let global = &cli.global;
    let Setup { workspace, options } = setup;
    match cli.verb.unwrap_or(Verb::Wizard) {
        // The stand-ins of a rehearsal are programs of their own and were run before.
        Verb::RehearsalMaos(_) | Verb::RehearsalLegacy { .. } => Err(Error::bug("a stand-in has no session")),
        Verb::Wizard => plain::run(workspace, options, ports, output).await,
        Verb::Demo { headless: false } => {
            crate::engine::sample::lay_out(&workspace)?;
            plain::run(workspace, options, ports, output).await
        }
        Verb::Demo { headless: true } => demo::run(workspace, options, ports, output).await,
        Verb::Assess {
            answers: Some(path), ..
        } => assess::standalone(&path, &options.me.operator, &ports, output),
        Verb::Assess {
            answers: None,
            consent,
        } => {
            must_be_set_up(&workspace)?;
            assess::run(workspace, global, &consent, options, ports, output).await
        }
        Verb::Readiness { answers: Some(path) } => {
            readiness::standalone(&path, &options.me.operator, &ports, output)
        }
        Verb::Readiness { answers: None } => {
            must_be_set_up(&workspace)?;
            readiness::run(workspace, options, ports, output).await
        }
        Verb::Tasks(verb) => tasks::run(verb, workspace, global, options, ports, output).await,
        Verb::Schema(verb) => schema::run(verb, workspace, global, options, ports, output).await,
        Verb::Checkpoints(verb) => checkpoints::run(verb, workspace, global, options, ports, output).await,
        Verb::Config(verb) => {
            if !matches!(verb, crate::cli::Config::Convert { .. }) {
                must_be_set_up(&workspace)?;
            }
            config::run(verb, workspace, global, options, ports, output).await
        }
        Verb::Report { consent } => {
            must_be_set_up(&workspace)?;
            apply_in_workspace(
                Capability::Report,
                "write",
                &consent,
                workspace,
                options,
                ports,
                output,
            )
            .await
        }
        Verb::Journal(verb) => journal::run(verb, &workspace, &ports, output).await,
        Verb::Doctor => doctor::run(&workspace, &ports, output).await,
        Verb::Completions { shell } => {
            let mut text = Vec::new();
            clap_complete::generate(shell, &mut Cli::command(), "maos-migrate", &mut text);
            raw(&text, output)
        }
        Verb::Man => {
            let mut text = Vec::new();
            clap_mangen::Man::new(Cli::command())
                .render(&mut text)
                .map_err(|error| Error::bug(format!("cannot write the manual page: {error}")))?;
            raw(&text, output)
        }
        Verb::Environment(verb) => {
            must_be_set_up(&workspace)?;
            environment::run(verb, workspace, options, ports, output).await
        }
        Verb::Compare { consent } => {
            must_be_set_up(&workspace)?;
            compare::run(&consent, workspace, options, ports, output).await
        }
        Verb::Cutover(verb) => {
            must_be_set_up(&workspace)?;
            cutover::run(verb, workspace, options, ports, output).await
        }
        Verb::Upgrade(verb) => {
            must_be_set_up(&workspace)?;
            upgrade::run(verb, workspace, options, ports, output).await
        }
        Verb::Validate { only, consent } => {
            must_be_set_up(&workspace)?;
            validate::run(&only, &consent, workspace, options, ports, output).await
        }
        Verb::Monitor(verb) => monitor::run(verb, workspace, options, ports, output).await,
        Verb::Backup(verb) => backup::run(verb, workspace, global, options, ports, output).await,
        Verb::Rollback(verb) => rollback::run(verb, workspace, options, ports, output).await,
    }
}

fn raw(text: &[u8], output: &mut Output) -> Result<Ended> {
    // A text that somebody read the beginning of has served its purpose.
    match output
        .line(String::from_utf8_lossy(text).trim_end())
        .and_then(|()| output.flush())
    {
        Err(_) if output.reader_gone() => Ok(Ended::Well),
        written => written.map(|()| Ended::Well),
    }
}

/// Plans, approves and applies an operation of the workspace, and prints its outcome.
///
/// # Errors
/// What the engine refuses or fails at.
pub async fn apply_in_workspace(
    capability: Capability,
    verb: &str,
    consent: &Consent,
    workspace: Workspace,
    options: Options,
    ports: Ports,
    output: &mut Output,
) -> Result<Ended> {
    let mut session = session::Session::open(workspace, ports, options).await?;
    let applied = session.apply(capability, verb, consent, output).await;
    session.close().await?;
    let Some(outcome) = applied? else {
        return Ok(Ended::Well);
    };
    if output.json() {
        output.document(&outcome)?;
    } else {
        output.human(&format!("{}.", outcome.summary.trim_end_matches('.')))?;
    }
    Ok(Ended::with(outcome.quarantined))
}

/// Shows the plan of a verb, or applies it; `None` when only the plan was wanted.
///
/// # Errors
/// What the operation refuses or fails at.
pub async fn planned_or_applied(
    session: &mut session::Session,
    capability: Capability,
    verb: &str,
    consent: Option<&crate::cli::Consent>,
    output: &mut Output,
) -> Result<Option<crate::engine::operation::Outcome>> {
    if let Some(consent) = consent {
        session.apply(capability, verb, consent, output).await
    } else {
        let plan = session.plan(capability, verb, output).await?;
        session::show_plan(&plan, output)?;
        Ok(None)
    }
}

/// Decides what is given, plans or applies, and says how it ended: `cutover` and `upgrade`.
///
/// # Errors
/// What the operation refuses or fails at.
pub async fn hand_over(
    mut session: session::Session,
    capability: Capability,
    verb: &str,
    decisions: impl IntoIterator<Item = (&'static str, serde_json::Value)>,
    consent: Option<&crate::cli::Consent>,
    output: &mut Output,
) -> Result<Ended> {
    let done = async {
        for (subject, choice) in decisions {
            let command = crate::engine::command::Command::Decide {
                capability,
                subject: subject.to_owned(),
                choice,
            };
            session.ask(command, output).await?;
        }
        planned_or_applied(&mut session, capability, verb, consent, output).await
    }
    .await;
    session.close().await?;
    if let Some(outcome) = done? {
        told_outcome(&outcome, output)?;
    }
    Ok(Ended::Well)
}

/// Prints how an operation ended: the document, or its sentence and the lines of its proof.
///
/// # Errors
/// When standard output is closed or full.
pub fn told_outcome(outcome: &crate::engine::operation::Outcome, output: &mut Output) -> Result<()> {
    if output.json() {
        return output.document(outcome);
    }
    for line in &outcome.proof {
        output.human(&format!("  {}: {}, {}", line.what, line.source, line.target))?;
    }
    output.human(&outcome.summary)
}

/// A control for a standalone run: progress becomes lines on standard error, unless JSON is wanted. Why it waits is told in any case.
#[must_use]
pub fn told(output: &Output) -> Control {
    let json = output.json();
    let last = std::sync::Mutex::new((String::new(), u64::MAX));
    Control::new(move |notice| {
        let progress = match notice {
            Notice::Progress(progress) if !json => progress,
            Notice::Log(text) => return output::note_line(&text),
            _ => return,
        };
        let Some(total) = progress.total.filter(|total| *total > 0) else {
            return;
        };
        let tenth = progress.done * 10 / total;
        let mut last = last.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if (last.0.as_str(), last.1) != (progress.phase.as_str(), tenth) {
            *last = (progress.phase.clone(), tenth);
            output::note_line(&format!(
                "{}: {} of {} {}",
                progress.phase,
                text::count(progress.done),
                text::count(total),
                progress.unit
            ));
        }
    })
}

/// Runs blocking `work` while signals ask `control` to stop at a safe point.
///
/// # Errors
/// What `work` returns.
pub fn stoppable<T: Send>(control: &Control, work: impl FnOnce() -> Result<T> + Send) -> Result<T> {
    let asked = control.clone();
    // Before anything is done: who hears of the work may already want it to end.
    let mut signals = session::Signals::new()?;
    let listening = tokio::spawn(async move {
        signals.any().await;
        output::note_line("stopping at the next safe point; what is finished is safe");
        asked.stop();
    });
    let result = tokio::task::block_in_place(work);
    listening.abort();
    result
}

/// As [`stoppable`], for work that does not block.
///
/// # Errors
/// What `work` returns.
pub async fn stoppable_async<T>(control: &Control, work: impl Future<Output = Result<T>>) -> Result<T> {
    let mut signals = session::Signals::new()?;
    tokio::pin!(work);
    loop {
        tokio::select! {
            result = &mut work => return result,
            () = signals.any() => {
                output::note_line("stopping at the next safe point; what is finished is safe");
                control.stop();
            }
        }
    }
}

/// Whether a verb without a workspace ends with its plan, which is then shown: in a dry run.
///
/// # Errors
/// As [`writable`].
pub fn ends_at_plan(plan: &Plan, global: &Global, output: &mut Output) -> Result<bool> {
    if global.dry_run {
        session::show_plan(plan, output)?;
        return Ok(true);
    }
    writable(global).map(|()| false)
}

/// Refuses to change anything where nothing may be changed, in the words of an operation of a workspace.
///
/// # Errors
/// [`crate::engine::error::ErrorKind::Blocked`] with `--read-only`.
pub fn writable(global: &Global) -> Result<()> {
    if global.read_only {
        return Err(
            Error::blocked("read-only: nothing can be applied in this session")
                .hint("--dry-run shows what would be done."),
        );
    }
    Ok(())
}

/// Refuses when the digest that was approved is not this plan's.
///
/// # Errors
/// [`crate::engine::error::ErrorKind::Blocked`] with both digests.
pub fn check_digest(plan: &Plan, digest: &str) -> Result<()> {
    let approval = Approval {
        digest: digest.to_owned(),
        operator: String::new(),
        at: jiff::Timestamp::default(),
    };
    approval.check(plan)
}

/// The outcome, when its proof holds.
///
/// # Errors
/// [`crate::engine::error::ErrorKind::Unavailable`] with the first line of the proof that does not.
pub fn proved(outcome: Outcome) -> Result<Outcome> {
    if outcome.proved() {
        Ok(outcome)
    } else {
        Err(outcome.not_proved())
    }
}

/// A script never makes a workspace by accident: it needs one with settings.
fn must_be_set_up(workspace: &Workspace) -> Result<()> {
    let file = workspace.settings_file();
    if file
        .try_exists()
        .map_err(|error| Error::io("read", &file, &error))?
    {
        return Ok(());
    }
    Err(Error::input(format!(
        "no workspace at {}: it has no migration.yml",
        workspace.root().display()
    ))
    .hint("maos-migrate -w DIR opens the wizard, which makes one; maos-migrate demo makes a sample."))
}

/// A JSON document that a run has just written.
fn written(path: &std::path::Path) -> Result<serde_json::Value> {
    let text = std::fs::read_to_string(path).map_err(|error| Error::io("read", path, &error))?;
    serde_json::from_str(&text)
        .map_err(|error| Error::unavailable(format!("{} is no JSON: {error}", path.display())))
}
