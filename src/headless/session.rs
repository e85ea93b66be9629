//! A workspace operated by a script: the engine's session, its progress as lines, its signals, its approvals.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc;

use super::Output;
use crate::cli::Consent;
use crate::engine::capability::Capability;
use crate::engine::command::Command;
use crate::engine::error::{Error, Result};
use crate::engine::event::{Event, EventKind, Level};
use crate::engine::operation::{Outcome, Plan, Progress};
use crate::engine::ports::Ports;
use crate::engine::runner::{Engine, Options, Reply};
use crate::engine::text;
use crate::engine::views::Mode;
use crate::engine::workspace::Workspace;

/// A line of progress at least this often, and at every tenth.
const LINE_EVERY: Duration = Duration::from_secs(30);

/// A session on a workspace.
#[derive(Debug)]
pub struct Session {
    engine: Engine,
    events: mpsc::UnboundedReceiver<Event>,
    lines: BTreeMap<Capability, (u64, Instant)>,
    dry_run: bool,
    /// Whether a signal has asked for an end.
    ending: bool,
}

impl Session {
    /// Opens the workspace for operating.
    ///
    /// # Errors
    /// When it cannot be opened, or somebody else operates it.
    pub async fn open(workspace: Workspace, ports: Ports, options: Options) -> Result<Self> {
        let hint = "Wait until that session ends; a session that died does not hold the workspace.";
        Self::open_alone(workspace, ports, options, hint).await
    }

    /// Opens it; where somebody else operates, `hint` is what can be done.
    async fn open_alone(workspace: Workspace, ports: Ports, options: Options, hint: &str) -> Result<Self> {
        let dry_run = options.dry_run;
        let engine = Engine::start(workspace, ports, options);
        let events = engine.events();
        let views = engine.opened().await?;
        if let Mode::Watching(holder) = &views.mode {
            return Err(Error::blocked(format!(
                "{} operates this workspace from host {}, process {}",
                holder.operator, holder.host, holder.pid
            ))
            .hint(hint));
        }
        Ok(Self {
            engine,
            events,
            lines: BTreeMap::new(),
            dry_run,
            ending: false,
        })
    }

    /// As [`Session::open`], but where somebody else operates, takes over from them when there is a `reason`.
    ///
    /// # Errors
    /// As [`Session::open`]; and when the other does not let go.
    pub async fn open_or_take_over(
        workspace: Workspace,
        ports: Ports,
        options: Options,
        reason: Option<&str>,
        output: &mut Output,
    ) -> Result<Self> {
        let Some(reason) = reason else {
            let hint =
                "A rollback does not wait: --take-over REASON ends that session at its next safe point.";
            return Self::open_alone(workspace, ports, options, hint).await;
        };
        let dry_run = options.dry_run;
        let engine = Engine::start(workspace, ports, options);
        let events = engine.events();
        let views = engine.opened().await?;
        if let Mode::Watching(holder) = &views.mode {
            output.note(&format!(
                "taking over from {} on {}",
                holder.operator, holder.host
            ));
            engine
                .ask(Command::TakeOver {
                    reason: reason.to_owned(),
                })
                .await?;
            let mut views = engine.views();
            views
                .wait_for(|views| !matches!(views.mode, Mode::Watching(_)))
                .await
                .map_err(|_| Error::unavailable("the session ended while it took over"))?;
        }
        Ok(Self {
            engine,
            events,
            lines: BTreeMap::new(),
            dry_run,
            ending: false,
        })
    }

    /// The engine itself.
    #[must_use]
    pub const fn engine(&self) -> &Engine {
        &self.engine
    }

    /// Asks, printing what happens meanwhile. A signal asks the engine to stop at a safe point.
    ///
    /// # Errors
    /// The refusal or failure.
    pub async fn ask(&mut self, command: Command, output: &mut Output) -> Result<Reply> {
        let engine = self.engine.clone();
        let answer = engine.ask(command);
        tokio::pin!(answer);
        let mut signals = Signals::new()?;
        let mut told = 0;
        loop {
            tokio::select! {
                biased;
                Some(event) = self.events.recv() => self.tell(&event, output),
                reply = &mut answer => {
                    // What happened before the answer is told before the answer.
                    while let Ok(event) = self.events.try_recv() {
                        self.tell(&event, output);
                    }
                    output.flush()?;
                    return reply;
                }
                () = signals.any() => {
                    told += 1;
                    self.ending = true;
                    output.note("stopping at the next safe point; what is finished is safe");
                    if told > 2 {
                        return Err(Error::interrupted("interrupted again before a safe point was reached"));
                    }
                    self.engine.send(Command::Stop);
                }
            }
        }
    }

    /// Makes a plan.
    ///
    /// # Errors
    /// What the engine refuses.
    pub async fn plan(&mut self, capability: Capability, verb: &str, output: &mut Output) -> Result<Plan> {
        match self
            .ask(
                Command::Plan {
                    capability,
                    verb: verb.to_owned(),
                },
                output,
            )
            .await?
        {
            Reply::Plan(plan) => Ok(*plan),
            other => Err(Error::bug(format!(
                "a plan was asked for, and this came: {other:?}"
            ))),
        }
    }

    /// Plans, checks the consent, applies. `None` when it stopped after the plan (`--dry-run`).
    ///
    /// # Errors
    /// A missing approval, or what the engine refuses or fails at.
    pub async fn apply(
        &mut self,
        capability: Capability,
        verb: &str,
        consent: &Consent,
        output: &mut Output,
    ) -> Result<Option<Outcome>> {
        let plan = self.plan(capability, verb, output).await?;
        if self.ending {
            return Err(Error::interrupted("stopped before it began; nothing was changed"));
        }
        if self.dry_run {
            show_plan(&plan, output)?;
            return Ok(None);
        }
        let digest = approve(&plan, consent)?;
        let command = Command::Apply {
            capability,
            verb: verb.to_owned(),
            digest,
            confirm: consent.confirm.clone(),
        };
        match self.ask(command, output).await? {
            Reply::Outcome(outcome) => Ok(Some(*outcome)),
            other => Err(Error::bug(format!(
                "an outcome was asked for, and this came: {other:?}"
            ))),
        }
    }

    /// Ends the session in order.
    ///
    /// # Errors
    /// When the last events cannot be written.
    pub async fn close(self) -> Result<()> {
        self.engine.ask(Command::Close).await.map(|_| ())
    }

    fn tell(&mut self, event: &Event, output: &mut Output) {
        match &event.kind {
            EventKind::Progressed { capability, progress } => {
                self.progress_line(*capability, progress, output);
            }
            EventKind::Started {
                capability, title, ..
            } => {
                self.lines.remove(capability);
                output.note(&format!("{capability:<12} started: {title}"));
            }
            EventKind::ItemQuarantined { capability, item } => output.note(&format!(
                "{capability:<12} set aside: {} {}, {} ({})",
                item.kind, item.key, item.reason, item.place
            )),
            EventKind::Finished {
                capability, outcome, ..
            } => {
                output.note(&format!("{capability:<12} done: {}", outcome.summary));
            }
            EventKind::Stopped { capability, reason } => {
                output.note(&format!("{capability:<12} stopped: {reason}"));
            }
            EventKind::SettingsRead { warnings, .. } => {
                for warning in warnings {
                    output.note(&format!("warning: {warning}"));
                }
            }
            EventKind::Noted {
                level: Level::Warn,
                text,
                ..
            } => output.note(&format!("warning: {text}")),
            _ => {}
        }
    }

    fn progress_line(&mut self, capability: Capability, progress: &Progress, output: &mut Output) {
        let tenth = match progress.total {
            Some(total) if total > 0 => progress.done.max(progress.proved) * 10 / total,
            _ => 0,
        };
        let now = Instant::now();
        let due = match self.lines.get(&capability) {
            None => true,
            Some((last, at)) => tenth != *last || now - *at >= LINE_EVERY,
        };
        if !due {
            return;
        }
        self.lines.insert(capability, (tenth, now));
        let how_far = match progress.total {
            Some(total) => format!("{} of {}", text::count(progress.done), text::count(total)),
            None => text::count(progress.done),
        };
        output.note(&format!(
            "{capability:<12} {}: {how_far} {}",
            progress.phase, progress.unit
        ));
    }
}

/// The digest that the consent gives, or the refusal that says how to give it.
///
/// # Errors
/// No approval where one is needed, or one without the name where there is no undo.
pub fn approve(plan: &Plan, consent: &Consent) -> Result<String> {
    let digest = consent.approve.as_ref().unwrap_or(&plan.digest);
    // Nothing to do needs nobody's yes; a digest that was given must be this plan's all the same.
    if !plan.needs_approval || plan.effects.is_empty() {
        return Ok(digest.clone());
    }
    if !consent.yes && consent.approve.is_none() {
        return Err(Error::blocked(format!(
            "{} needs an approval; the plan is {}",
            plan.title, plan.digest
        ))
        .hint(format!(
            "--approve {} approves exactly this plan, --yes whatever is planned then.{}",
            plan.digest,
            confirming(plan)
        )));
    }
    // Another plan than the approved one is refused for that.
    let named = consent.confirm.as_deref() == Some(plan.target.as_str());
    if plan.asks_name() && !named && *digest == plan.digest {
        let why = if plan.reversible() {
            "removes rows"
        } else {
            "cannot be undone"
        };
        let given = if consent.yes { "--yes" } else { "--approve" };
        return Err(
            Error::blocked(format!("{} {why}; {given} alone is not enough", plan.title))
                .hint(format!("Name the target: --confirm '{}'", plan.target)),
        );
    }
    Ok(digest.clone())
}

/// What an approval of `plan` wants besides, as a sentence behind another one.
fn confirming(plan: &Plan) -> String {
    if plan.asks_name() {
        format!(" It also wants --confirm '{}'.", plan.target)
    } else {
        String::new()
    }
}

/// Prints a plan.
///
/// # Errors
/// When standard output is closed.
pub fn show_plan(plan: &Plan, output: &mut Output) -> Result<()> {
    if output.json() {
        return output.document(&serde_json::json!({"plan": plan}));
    }
    output.human(&format!("Plan {}: {}", plan.digest, plan.title))?;
    output.human(&format!("  on      {}", plan.target))?;
    for effect in &plan.effects {
        let count = effect
            .count
            .map_or_else(String::new, |n| format!("{} ", text::count(n)));
        output.human(&format!("  {:<7} {count}{}", effect.act, effect.what))?;
    }
    if plan.effects.is_empty() {
        output.human("  nothing to do")?;
    }
    output.human(&format!("  undo    {}", plan.undo.as_deref().unwrap_or("none")))?;
    if plan.needs_approval {
        output.human(&format!(
            "Nothing is changed yet. --approve {} applies exactly this.{}",
            plan.digest,
            confirming(plan)
        ))?;
    }
    Ok(())
}

/// The signals that ask for an end.
pub(super) struct Signals {
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
    hangup: Option<tokio::signal::unix::Signal>,
}

impl Signals {
    pub(super) fn new() -> Result<Self> {
        let fail = |error: std::io::Error| Error::unavailable(format!("cannot listen for signals: {error}"));
        // Under nohup the run goes on when the terminal closes; listening would undo that.
        let hangup = if hangup_ignored() {
            None
        } else {
            Some(signal(SignalKind::hangup()).map_err(fail)?)
        };
        Ok(Self {
            interrupt: signal(SignalKind::interrupt()).map_err(fail)?,
            terminate: signal(SignalKind::terminate()).map_err(fail)?,
            hangup,
        })
    }

    pub(super) async fn any(&mut self) {
        let hangup = async {
            match &mut self.hangup {
                Some(signal) => signal.recv().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
            _ = hangup => {}
        }
    }
}

fn hangup_ignored() -> bool {
    let Ok(status) = std::fs::read_to_string("/proc/self/status") else {
        return false;
    };
    status
        .lines()
        .find_map(|line| line.strip_prefix("SigIgn:"))
        .and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok())
        .is_some_and(|mask| mask & 1 == 1)
}
