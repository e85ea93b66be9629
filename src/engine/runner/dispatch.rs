//! The dispatcher: owns the truth, hands out the work, never waits for it.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::{mpsc, oneshot};

use super::emit::Outlets;
use super::internal::{Ended, Internal};
use super::opening::{answer, check_identity, first_events};
use super::operations::{self, Prepared, World};
use super::{Options, Reply, Request};
use crate::engine::assess::Questionnaire;
use crate::engine::capability::Capability;
use crate::engine::command::Command;
use crate::engine::error::{Error, ErrorKind, Result};
use crate::engine::event::{Event, EventKind, Level};
use crate::engine::operation::{Approval, Control, Notice, Progress};
use crate::engine::ports::{Journal, Ports};
use crate::engine::snapshot::QUARANTINE_SHOWN;
use crate::engine::views::{Mode, Slot, Views};
use crate::engine::workspace::{Session, Settings, Workspace, files};

/// Progress becomes an event at most this often.
const PROGRESS_EVERY: Duration = Duration::from_millis(250);

type Answer = oneshot::Sender<Result<Reply>>;

struct Running {
    capability: Capability,
    verb: String,
    control: Control,
    reply: Option<Answer>,
}

struct Approving {
    digest: String,
    confirm: Option<String>,
    reply: Option<Answer>,
}

pub(super) struct Dispatcher {
    pub(super) workspace: Workspace,
    pub(super) ports: Ports,
    pub(super) options: Options,
    pub(super) outlets: Outlets,
    journal: Arc<dyn Journal>,
    _session: Session,
    reports_in: mpsc::UnboundedSender<Internal>,
    reports: mpsc::UnboundedReceiver<Internal>,
    running: Option<Running>,
    planning: HashMap<(Capability, String), Vec<Answer>>,
    approving: HashMap<(Capability, String), Approving>,
    progress: Option<(Capability, Progress)>,
    progress_at: Option<Instant>,
    settings_replies: Vec<Answer>,
    probe_replies: Vec<Answer>,
    closing: Option<Option<Answer>>,
}

impl Dispatcher {
    pub(super) fn new(
        workspace: Workspace,
        ports: Ports,
        options: Options,
        session: Session,
        journal: Arc<dyn Journal>,
        outlets: Outlets,
    ) -> Self {
        let (reports_in, reports) = mpsc::unbounded_channel();
        Self {
            workspace,
            ports,
            options,
            outlets,
            journal,
            _session: session,
            reports_in,
            reports,
            running: None,
            planning: HashMap::new(),
            approving: HashMap::new(),
            progress: None,
            progress_at: None,
            settings_replies: Vec::new(),
            probe_replies: Vec::new(),
            closing: None,
        }
    }

    /// Runs until the last handle is gone or the session is closed.
    pub(super) async fn run(mut self, mut requests: mpsc::UnboundedReceiver<Request>) {
        let begun = self.begin().await;
        let mut broken = begun.err();
        while broken.is_none() {
            let due = self.progress_due();
            let result = tokio::select! {
                biased;
                request = requests.recv() => match request {
                    Some(request) => self.command(request).await,
                    None if self.running.is_none() => break,
                    None => { self.stop_running(); self.wait_for_end().await }
                },
                Some(report) = self.reports.recv() => self.report(report).await,
                () = sleep_until(due) => self.flush_progress().await,
            };
            broken = result.err();
            if self.closing.is_some() && self.running.is_none() {
                break;
            }
        }
        self.finish(broken, requests).await;
    }

    async fn begin(&mut self) -> Result<()> {
        let (journal, holder) = (Arc::clone(&self.journal), self.options.me.clone());
        let kinds = first_events(journal.as_ref(), &mut self.outlets, &holder).await?;
        let (workspace, at) = (self.workspace.clone(), self.ports.clock.now());
        let own = workspace.clone();
        let settings = operations::blocking(move || load_settings(&workspace)).await;
        let questionnaire = operations::blocking(move || Questionnaire::of(&own)).await;
        self.outlets
            .view(|views| views.questionnaire = Some(questionnaire.map(Arc::new)));
        self.emit(kinds).await?;
        // The mode turns last: who waits for it finds the settings read.
        self.settings_read(at, settings).await?;
        let locked = match (self.options.read_only, self.options.dry_run) {
            (true, _) => Some("read-only: nothing can be applied in this session".to_owned()),
            (_, true) => Some("dry run: every operation stops after its plan".to_owned()),
            _ => None,
        };
        self.outlets.view(|views| {
            views.mode = Mode::Operating;
            if views.locked_by.is_none() {
                views.locked_by = locked;
            }
        });
        Ok(())
    }

    async fn finish(mut self, broken: Option<Error>, mut requests: mpsc::UnboundedReceiver<Request>) {
        if let Some(error) = broken {
            self.stop_running();
            self.outlets
                .view(|views| views.mode = Mode::Failed(error.clone()));
            if let Some(running) = self.running.take()
                && let Some(reply) = running.reply
            {
                let _ = reply.send(Err(error.clone()));
            }
            self.journal.close().await;
            while let Some(request) = requests.recv().await {
                answer(request, Err(error.clone()));
            }
            return;
        }
        // The journal may be full or gone; the next session notices the missing event and says so.
        let _ = self.emit(vec![EventKind::SessionClosed]).await;
        self.journal.close().await;
        if let Some(Some(reply)) = self.closing.take() {
            let _ = reply.send(Ok(Reply::Done));
        }
    }

    pub(super) async fn emit(&mut self, kinds: Vec<EventKind>) -> Result<()> {
        self.outlets
            .emit(self.journal.as_ref(), self.ports.clock.as_ref(), kinds)
            .await
    }

    /// Runs `work` in a task of its own and reports what it returns.
    pub(super) fn spawn(&self, work: impl Future<Output = Internal> + Send + 'static) {
        let reports = self.reports_in.clone();
        tokio::spawn(async move {
            // The dispatcher is gone only when the session has ended; then nobody needs the report.
            let _ = reports.send(work.await);
        });
    }

    pub(super) fn reporter(&self) -> mpsc::UnboundedSender<Internal> {
        self.reports_in.clone()
    }

    pub(super) fn me(&self) -> String {
        self.options.me.operator.clone()
    }

    /// The world as plans see it.
    ///
    /// # Errors
    /// When the settings cannot be read.
    pub(super) fn world(&self) -> Result<World> {
        let settings = match &self.outlets.views().settings {
            Slot::Ready(_, settings) | Slot::Loading(Some((_, settings))) => Arc::clone(settings),
            Slot::Failed(_, error) => return Err(error.clone()),
            Slot::Empty | Slot::Loading(None) => {
                return Err(Error::blocked("the settings have not been read yet"));
            }
        };
        Ok(World {
            workspace: self.workspace.clone(),
            settings,
            snapshot: Arc::clone(self.outlets.snapshot()),
            ports: self.ports.clone(),
            now: self.ports.clock.now(),
            operator: self.me(),
            interactive: self.options.interactive,
        })
    }

    async fn command(&mut self, request: Request) -> Result<()> {
        let Request { command, reply } = request;
        let result = match command {
            Command::Plan { capability, verb } => return self.plan(capability, verb, reply).await,
            Command::Apply {
                capability,
                verb,
                digest,
                confirm,
            } => {
                return self
                    .apply(
                        capability,
                        verb,
                        Approving {
                            digest,
                            confirm,
                            reply,
                        },
                    )
                    .await;
            }
            Command::CheckSources => {
                self.settings_replies.extend(reply);
                let (workspace, at) = (self.workspace.clone(), self.ports.clock.now());
                self.spawn(async move {
                    let result = operations::blocking(move || load_settings(&workspace)).await;
                    Internal::Settings {
                        at,
                        result: Box::new(result),
                    }
                });
                return Ok(());
            }
            Command::Probe { question } => match self.probe(question.as_deref()) {
                Ok(()) => {
                    self.probe_replies.extend(reply);
                    return Ok(());
                }
                Err(error) => Err(error),
            },
            Command::Close => {
                self.closing = Some(reply);
                self.stop_running();
                return Ok(());
            }
            other => self.small(other).await,
        };
        self.settle(reply, result).await
    }

    /// Answers a question, or turns its refusal into a message when nobody waits for it.
    async fn settle(&mut self, reply: Option<Answer>, result: Result<Reply>) -> Result<()> {
        match reply {
            Some(reply) => {
                let _ = reply.send(result);
                Ok(())
            }
            None => match result {
                Ok(_) => Ok(()),
                Err(error) => self.note_error(None, &error).await,
            },
        }
    }

    pub(super) async fn note_error(&mut self, capability: Option<Capability>, error: &Error) -> Result<()> {
        let text = match &error.hint {
            Some(hint) => format!("{}. {hint}", error.message),
            None => error.message.clone(),
        };
        self.emit(vec![EventKind::Noted {
            level: Level::Error,
            capability,
            text,
        }])
        .await
    }

    /// Commands that are done at once.
    async fn small(&mut self, command: Command) -> Result<Reply> {
        match command {
            Command::Pause => {
                self.with_running(|c, by| EventKind::Paused { capability: c, by }, Control::pause)
                    .await
            }
            Command::Resume => {
                self.with_running(|c, by| EventKind::Resumed { capability: c, by }, Control::resume)
                    .await
            }
            Command::Stop => {
                self.with_running(|c, by| EventKind::Stopping { capability: c, by }, Control::stop)
                    .await
            }
            Command::Workers(n) => {
                self.with_running(
                    |capability, by| EventKind::Logged {
                        capability,
                        text: format!("{by} asked for {n} workers"),
                    },
                    |control| control.set_workers(n),
                )
                .await
            }
            Command::Pace(n) => {
                self.with_running(
                    |capability, by| EventKind::Logged {
                        capability,
                        text: format!("{by} set the pace to {n} a second"),
                    },
                    |control| control.set_pace(n),
                )
                .await
            }
            Command::Decide {
                capability,
                subject,
                choice,
            } => {
                let by = self.me();
                self.emit(vec![EventKind::Decided {
                    capability,
                    subject,
                    choice,
                    by,
                }])
                .await?;
                Ok(Reply::Done)
            }
            Command::Seen => Ok(Reply::Done),
            other => self.front(other).await,
        }
    }

    async fn with_running(
        &mut self,
        event: impl FnOnce(Capability, String) -> EventKind,
        act: impl FnOnce(&Control),
    ) -> Result<Reply> {
        let by = self.me();
        let Some(running) = &self.running else {
            return Err(Error::blocked("nothing is running"));
        };
        act(&running.control);
        let capability = running.capability;
        self.emit(vec![event(capability, by)]).await?;
        Ok(Reply::Done)
    }

    fn stop_running(&self) {
        if let Some(running) = &self.running {
            running.control.stop();
        }
    }

    async fn wait_for_end(&mut self) -> Result<()> {
        while self.running.is_some() {
            let Some(report) = self.reports.recv().await else {
                break;
            };
            self.report(report).await?;
        }
        self.closing = Some(None);
        Ok(())
    }

    async fn plan(&mut self, capability: Capability, verb: String, reply: Option<Answer>) -> Result<()> {
        let world = match self.world() {
            Ok(world) => world,
            Err(error) => return self.settle(reply, Err(error)).await,
        };
        let waiting = self.planning.entry((capability, verb.clone())).or_default();
        let already = !waiting.is_empty();
        waiting.extend(reply);
        if !already {
            let control = self.control(capability);
            self.spawn(async move {
                let result = operations::prepare(world, capability, &verb, control)
                    .await
                    .map(|p| p.plan);
                Internal::Planned {
                    capability,
                    verb,
                    result: Box::new(result),
                }
            });
        }
        Ok(())
    }

    async fn apply(&mut self, capability: Capability, verb: String, approving: Approving) -> Result<()> {
        let refused = if let Some(why) = &self.outlets.views().locked_by {
            Some(Error::blocked(why.clone()))
        } else if let Some(running) = &self.running {
            Some(Error::blocked(format!(
                "{} is running; one thing at a time",
                running.capability.title()
            )))
        } else if !self.approving.is_empty() {
            Some(Error::blocked("another plan is being approved"))
        } else {
            None
        };
        let world = match refused.map_or_else(|| self.world(), Err) {
            Ok(world) => world,
            Err(error) => return self.settle(approving.reply, Err(error)).await,
        };
        self.approving.insert((capability, verb.clone()), approving);
        let control = self.control(capability);
        self.spawn(async move {
            let result = operations::prepare(world, capability, &verb, control).await;
            Internal::Prepared {
                capability,
                verb,
                result: Box::new(result),
            }
        });
        Ok(())
    }

    /// A control whose notices come back to this dispatcher.
    fn control(&self, capability: Capability) -> Control {
        let reports = self.reports_in.clone();
        Control::new(move |notice| {
            let _ = reports.send(Internal::Notice(capability, notice));
        })
    }

    async fn report(&mut self, report: Internal) -> Result<()> {
        match report {
            Internal::Notice(capability, notice) => self.notices(capability, notice).await,
            Internal::Planned {
                capability,
                verb,
                result,
            } => {
                let waiting = self.planning.remove(&(capability, verb)).unwrap_or_default();
                match *result {
                    Ok(plan) => {
                        self.emit(vec![EventKind::Planned { plan: plan.clone() }]).await?;
                        for reply in waiting {
                            let _ = reply.send(Ok(Reply::Plan(Box::new(plan.clone()))));
                        }
                        Ok(())
                    }
                    Err(error) if waiting.is_empty() => self.note_error(Some(capability), &error).await,
                    Err(error) => {
                        for reply in waiting {
                            let _ = reply.send(Err(error.clone()));
                        }
                        Ok(())
                    }
                }
            }
            Internal::Prepared {
                capability,
                verb,
                result,
            } => {
                let Some(approving) = self.approving.remove(&(capability, verb.clone())) else {
                    return Ok(());
                };
                self.approved(capability, verb, approving, *result).await
            }
            Internal::Ended {
                capability,
                verb,
                result,
            } => self.ended(capability, verb, *result).await,
            Internal::Probed(readings) => self.probed(readings).await,
            Internal::ProbesEnded(questions) => {
                self.outlets
                    .view(|views| views.probing.retain(|question| !questions.contains(question)));
                for reply in std::mem::take(&mut self.probe_replies) {
                    let _ = reply.send(Ok(Reply::Done));
                }
                Ok(())
            }
            Internal::Settings { at, result } => {
                let failed = result.as_ref().as_ref().err().cloned();
                self.settings_read(at, *result).await?;
                for reply in std::mem::take(&mut self.settings_replies) {
                    let _ = reply.send(failed.clone().map_or(Ok(Reply::Done), Err));
                }
                Ok(())
            }
            Internal::View(change) => {
                self.outlets.view(|views: &mut Views| change(views));
                Ok(())
            }
        }
    }

    async fn approved(
        &mut self,
        capability: Capability,
        verb: String,
        approving: Approving,
        prepared: Result<Prepared>,
    ) -> Result<()> {
        let approval = Approval {
            digest: approving.digest,
            operator: self.me(),
            at: self.ports.clock.now(),
        };
        let checked = prepared.and_then(|prepared| {
            approval.check(&prepared.plan)?;
            typed_name(&prepared.plan, approving.confirm.as_deref())?;
            Ok(prepared)
        });
        let prepared = match checked {
            Ok(prepared) => prepared,
            Err(error) => return self.settle(approving.reply, Err(error)).await,
        };
        let title = prepared.plan.title.clone();
        self.emit(vec![
            EventKind::Planned { plan: prepared.plan },
            EventKind::Approved { capability, approval },
            EventKind::Started {
                capability,
                verb: verb.clone(),
                title,
            },
        ])
        .await?;
        let control = self.control(capability);
        self.running = Some(Running {
            capability,
            verb: verb.clone(),
            control: control.clone(),
            reply: approving.reply,
        });
        self.progress_at = None;
        let (run, workspace) = (prepared.run, self.workspace.clone());
        // The inner task catches a panic, so that it ends as a failure and not as silence.
        let inner = tokio::spawn(run(control));
        self.spawn(async move {
            let result = match inner.await {
                Ok(Ok(outcome)) => hash_artifacts(workspace, outcome).await,
                Ok(Err(error)) => Err(error),
                Err(_) => Err(Error::bug("the operation panicked; what was finished is safe")
                    .hint("See the crash report in the workspace's logs folder.")),
            };
            Internal::Ended {
                capability,
                verb,
                result: Box::new(result),
            }
        });
        Ok(())
    }

    async fn ended(&mut self, capability: Capability, verb: String, result: Result<Ended>) -> Result<()> {
        self.flush_progress().await?;
        let mut reply = None;
        if self
            .running
            .as_ref()
            .is_some_and(|running| running.capability == capability && running.verb == verb)
        {
            reply = self.running.take().and_then(|running| running.reply);
        }
        let answer = match result {
            Ok(Ended { outcome, written }) if outcome.proved() => {
                let mut kinds: Vec<EventKind> = written
                    .into_iter()
                    .map(|(path, w)| EventKind::ArtifactWritten {
                        path,
                        bytes: w.bytes,
                        sha256: w.sha256,
                    })
                    .collect();
                kinds.push(EventKind::Finished {
                    capability,
                    verb,
                    outcome: outcome.clone(),
                });
                self.emit(kinds).await?;
                Ok(Reply::Outcome(Box::new(outcome)))
            }
            Ok(Ended { outcome, .. }) => {
                let error = outcome.not_proved();
                self.emit(vec![EventKind::Failed {
                    capability,
                    verb,
                    error: error.clone(),
                }])
                .await?;
                Err(error)
            }
            Err(error) if error.kind == ErrorKind::Interrupted => {
                self.emit(vec![EventKind::Stopped {
                    capability,
                    reason: error.message.clone(),
                }])
                .await?;
                Err(error)
            }
            Err(error) => {
                self.emit(vec![EventKind::Failed {
                    capability,
                    verb,
                    error: error.clone(),
                }])
                .await?;
                Err(error)
            }
        };
        if let Some(reply) = reply {
            let _ = reply.send(answer);
        }
        self.after(capability);
        Ok(())
    }

    /// Takes a notice and everything that waits behind it, so that a burst costs one write.
    async fn notices(&mut self, capability: Capability, notice: Notice) -> Result<()> {
        let mut kinds = Vec::new();
        let mut shown = self
            .outlets
            .snapshot()
            .steps
            .get(&capability)
            .map_or(0, |step| step.quarantine.len());
        let mut take = |this: &mut Self, notice: Notice| match notice {
            Notice::Progress(progress) => {
                this.progress = Some((capability, progress));
            }
            Notice::Quarantined(item) => {
                shown += 1;
                if shown <= QUARANTINE_SHOWN {
                    kinds.push(EventKind::ItemQuarantined { capability, item });
                }
            }
            Notice::Log(text) => kinds.push(EventKind::Logged { capability, text }),
            Notice::Statement { text, rows, ms } => {
                kinds.push(EventKind::Statement {
                    capability,
                    text,
                    rows,
                    ms,
                });
            }
        };
        take(self, notice);
        let mut other = None;
        for _ in 0..500 {
            match self.reports.try_recv() {
                Ok(Internal::Notice(from, notice)) if from == capability => take(self, notice),
                Ok(report) => {
                    other = Some(report);
                    break;
                }
                Err(_) => break,
            }
        }
        self.emit(kinds).await?;
        if self.progress_due().is_some_and(|due| due <= Instant::now()) {
            self.flush_progress().await?;
        }
        match other {
            Some(report) => Box::pin(self.report(report)).await,
            None => Ok(()),
        }
    }

    fn progress_due(&self) -> Option<Instant> {
        self.progress.as_ref()?;
        Some(
            self.progress_at
                .map_or_else(Instant::now, |at| at + PROGRESS_EVERY),
        )
    }

    async fn flush_progress(&mut self) -> Result<()> {
        let Some((capability, progress)) = self.progress.take() else {
            return Ok(());
        };
        // Progress of planning belongs to no run; only the screen's reading shows it.
        let running = self
            .running
            .as_ref()
            .is_some_and(|running| running.capability == capability);
        if !running {
            return Ok(());
        }
        self.progress_at = Some(Instant::now());
        self.emit(vec![EventKind::Progressed { capability, progress }])
            .await
    }

    pub(super) async fn settings_read(
        &mut self,
        at: jiff::Timestamp,
        result: Result<Settings>,
    ) -> Result<()> {
        let mut result = result;
        if let Ok(settings) = &result
            && let Err(error) = check_identity(self.journal.as_ref(), &settings.identity()).await
        {
            result = Err(error);
        }
        if let Ok(settings) = &result {
            let kind = EventKind::SettingsRead {
                name: settings.name.clone(),
                migration: settings.kind,
                environment: settings.environment,
                target: settings.target_words(),
                warnings: settings.warnings.clone(),
            };
            if !same_settings(self.outlets.snapshot(), &kind) {
                self.emit(vec![kind]).await?;
            }
            let why = (settings.tuning.read_only && !self.options.read_only)
                .then(|| "read-only in migration.yml: nothing can be applied".to_owned())
                .or_else(|| {
                    (settings.tuning.dry_run && !self.options.dry_run)
                        .then(|| "dry run in migration.yml: every operation stops after its plan".to_owned())
                });
            if why.is_some() {
                self.outlets.view(|views| views.locked_by = why);
            }
        }
        self.outlets.view(|views| views.settings = Slot::read(at, result));
        Ok(())
    }
}

fn same_settings(snapshot: &crate::engine::snapshot::Snapshot, kind: &EventKind) -> bool {
    let mut after = snapshot.clone();
    after.apply(&Event {
        seq: snapshot.seq,
        at: snapshot.at.unwrap_or_default(),
        kind: kind.clone(),
    });
    (
        &after.name,
        after.migration,
        after.environment,
        &after.target,
        &after.warnings,
    ) == (
        &snapshot.name,
        snapshot.migration,
        snapshot.environment,
        &snapshot.target,
        &snapshot.warnings,
    ) && snapshot.seq > 0
}

fn typed_name(plan: &crate::engine::operation::Plan, typed: Option<&str>) -> Result<()> {
    if plan.reversible() || typed == Some(plan.target.as_str()) {
        return Ok(());
    }
    Err(Error::blocked(format!(
        "there is no undo; the target's name must be typed: {}",
        plan.target
    ))
    .hint(format!("--confirm '{}'", plan.target)))
}

fn load_settings(workspace: &Workspace) -> Result<Settings> {
    Settings::load(workspace, &|name| std::env::var(name).ok())
}

async fn hash_artifacts(workspace: Workspace, outcome: crate::engine::operation::Outcome) -> Result<Ended> {
    operations::blocking(move || {
        let mut written = Vec::new();
        for artifact in &outcome.artifacts {
            let path = workspace.path(artifact);
            if path.is_file() {
                let bytes = std::fs::metadata(&path)
                    .map_err(|error| Error::io("read", &path, &error))?
                    .len();
                written.push((
                    artifact.clone(),
                    files::Written {
                        bytes,
                        sha256: files::sha256_file(&path)?,
                    },
                ));
            }
        }
        Ok(Ended { outcome, written })
    })
    .await
}

async fn sleep_until(due: Option<Instant>) {
    match due {
        Some(due) => tokio::time::sleep_until(due.into()).await,
        None => std::future::pending().await,
    }
}
