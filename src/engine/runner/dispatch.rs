//! The dispatcher: owns the truth, hands out the work, never waits for it.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Instant;

use secrecy::SecretString;
use tokio::sync::{mpsc, oneshot};

use super::emit::Outlets;
use super::internal::Internal;
use super::opening::{answer, first_events};
use super::operations::{self, World};
use super::settings::load_settings;
use super::{Options, Reply, Request};
use crate::engine::assess::Questionnaire;
use crate::engine::capability::Capability;
use crate::engine::command::Command;
use crate::engine::error::{Error, Result};
use crate::engine::event::{EventKind, Level};
use crate::engine::operation::{Control, Progress};
use crate::engine::ports::{Journal, Ports};
use crate::engine::views::{Mode, Slot, Views};
use crate::engine::workspace::{Session, Workspace, denied, files, takeover};

/// How often it is looked whether somebody wants to take over.
const TAKEOVER_LOOK: std::time::Duration = std::time::Duration::from_millis(500);

/// Where the answer to a command goes.
pub(super) type Answer = oneshot::Sender<Result<Reply>>;

/// The operation under way.
pub(super) struct Running {
    pub(super) capability: Capability,
    pub(super) verb: String,
    pub(super) control: Control,
    pub(super) reply: Option<Answer>,
}

/// A plan on its way to being applied.
pub(super) struct Approving {
    pub(super) digest: String,
    pub(super) confirm: Option<String>,
    pub(super) reply: Option<Answer>,
    /// Whether a stop was asked for before it began.
    pub(super) stopped: bool,
}

/// Whether the session is to end once nothing runs, and who waits for that.
enum Closing {
    No,
    Asked(Option<Answer>),
}

pub(super) struct Dispatcher {
    pub(super) workspace: Workspace,
    pub(super) ports: Ports,
    pub(super) options: Options,
    pub(super) outlets: Outlets,
    pub(super) journal: Arc<dyn Journal>,
    session: Option<Session>,
    reports_in: mpsc::UnboundedSender<Internal>,
    pub(super) reports: mpsc::UnboundedReceiver<Internal>,
    pub(super) running: Option<Running>,
    pub(super) planning: HashMap<(Capability, String), Vec<Answer>>,
    pub(super) approving: HashMap<(Capability, String), Approving>,
    /// A rollback that waits for the safe point of what it stopped.
    pub(super) waiting_rollback: Option<(String, Approving)>,
    pub(super) progress: Option<(Capability, Progress)>,
    pub(super) progress_at: Option<Instant>,
    /// Secrets typed in this session, by their variables; never in the journal.
    pub(super) secrets: BTreeMap<String, SecretString>,
    pub(super) watching: Option<super::watching::Watching>,
    /// Hooks under way.
    pub(super) calling: tokio::task::JoinSet<()>,
    settings_replies: Vec<Answer>,
    probe_replies: Vec<Answer>,
    closing: Closing,
    handing_over: bool,
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
            session: Some(session),
            reports_in,
            reports,
            running: None,
            planning: HashMap::new(),
            approving: HashMap::new(),
            waiting_rollback: None,
            progress: None,
            progress_at: None,
            secrets: BTreeMap::new(),
            watching: None,
            calling: tokio::task::JoinSet::new(),
            settings_replies: Vec::new(),
            probe_replies: Vec::new(),
            closing: Closing::No,
            handing_over: false,
        }
    }

    /// Runs until the last handle is gone or the session is closed; or until somebody took over, then what goes on watching is
    /// given back.
    pub(super) async fn run(
        mut self,
        mut requests: mpsc::UnboundedReceiver<Request>,
    ) -> Option<(mpsc::UnboundedReceiver<Request>, Outlets)> {
        let begun = self.begin().await;
        let mut broken = begun.err();
        let mut look = tokio::time::interval(TAKEOVER_LOOK);
        look.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
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
                _ = look.tick() => self.hand_over().await,
            };
            broken = result.err();
            if !matches!(self.closing, Closing::No) && self.running.is_none() {
                break;
            }
        }
        if broken.is_none() && self.handing_over {
            // The journal may be full or gone; whoever takes over notices the missing event and says so.
            let _ = self.emit(vec![EventKind::SessionClosed]).await;
            self.journal.close().await;
            drop(self.session.take());
            self.calling.detach_all();
            return Some((requests, self.outlets));
        }
        self.finish(broken, requests).await;
        None
    }

    /// Looks whether somebody wants to take over for a rollback, and lets go at the next safe point. A rollback is never handed over.
    async fn hand_over(&mut self) -> Result<()> {
        if self.handing_over {
            return Ok(());
        }
        self.note_denied().await?;
        let Some(asked) = takeover::asked(&self.workspace).filter(|asked| asked.refused.is_empty()) else {
            return Ok(());
        };
        if asked.by.pid == self.options.me.pid
            && asked.by.host == self.options.me.host
            && asked.by == self.options.me
        {
            return Ok(());
        }
        if !takeover::is_alive(&asked, &self.options.me.host) {
            takeover::settle(&self.workspace);
            return Ok(());
        }
        let ours = self
            .running
            .as_ref()
            .is_some_and(|running| running.capability == Capability::Rollback)
            || self.waiting_rollback.is_some();
        if ours {
            let refused = takeover::Request {
                refused: format!("a rollback of {} is under way", self.me()),
                ..asked
            };
            return takeover::ask(&self.workspace, &refused);
        }
        self.emit(vec![EventKind::Noted {
            level: Level::Warn,
            capability: Some(Capability::Rollback),
            text: format!(
                "{} takes over from {} for a rollback: {}",
                asked.by.operator,
                self.me(),
                crate::engine::text::inert_short(&asked.reason, 200)
            ),
        }])
        .await?;
        self.handing_over = true;
        self.closing = Closing::Asked(None);
        self.stop_running();
        Ok(())
    }

    /// Writes down what watchers were refused.
    async fn note_denied(&mut self) -> Result<()> {
        let denied = denied::take(&self.workspace);
        if denied.is_empty() {
            return Ok(());
        }
        let kinds = denied.iter().map(|one| EventKind::Noted {
            level: Level::Warn,
            capability: None,
            text: crate::engine::text::inert_short(&one.sentence(), 300),
        });
        self.emit(kinds.collect()).await?;
        denied::settle(&self.workspace);
        Ok(())
    }

    async fn begin(&mut self) -> Result<()> {
        let (journal, holder) = (Arc::clone(&self.journal), self.options.me.clone());
        let kinds = first_events(journal.as_ref(), &mut self.outlets, &holder).await?;
        let (workspace, at) = (self.workspace.clone(), self.ports.clock.now());
        let own = workspace.clone();
        let swept = workspace.clone();
        // The workspace is ours now: what a killed session left half-written goes first.
        operations::blocking(move || sweep(&swept)).await?;
        let settings = operations::blocking(move || load_settings(&workspace)).await;
        let questionnaire = operations::blocking(move || Questionnaire::of(&own)).await;
        self.outlets
            .view(|views| views.questionnaire = Some(questionnaire.map(Arc::new)));
        self.emit(kinds).await?;
        // The mode turns last: who waits for it finds the settings read.
        self.settings_read(at, settings).await?;
        self.outlets.view(|views| views.mode = Mode::Operating);
        self.resume_watch().await
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
        let _ = self.calls_end().await;
        let _ = self.emit(vec![EventKind::SessionClosed]).await;
        self.journal.close().await;
        // Whoever waits for the end may open the workspace again at once.
        drop(self.session.take());
        if let Closing::Asked(Some(reply)) = self.closing {
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
            host: self.options.me.host.clone(),
            secrets: self.secrets.clone(),
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
                            stopped: false,
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
                self.closing = Closing::Asked(reply);
                self.stop_running();
                return Ok(());
            }
            other => self.small(other).await,
        };
        self.settle(reply, result).await
    }

    /// Answers a question, or turns its refusal into a message when nobody waits for it.
    pub(super) async fn settle(&mut self, reply: Option<Answer>, result: Result<Reply>) -> Result<()> {
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
            // What is only planned or approved changes nothing yet: it is not begun.
            Command::Stop
                if self.running.is_none() && !(self.approving.is_empty() && self.planning.is_empty()) =>
            {
                for approving in self.approving.values_mut() {
                    approving.stopped = true;
                }
                Ok(Reply::Done)
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
                if capability == Capability::Config {
                    crate::engine::config::check_recordable(&subject, &choice)?;
                    self.forget_secret(&subject);
                }
                if capability == Capability::Monitor {
                    self.check_monitor(&subject, &choice)?;
                }
                let by = self.me();
                self.emit(vec![EventKind::Decided {
                    capability,
                    subject: subject.clone(),
                    choice: choice.clone(),
                    by,
                }])
                .await?;
                if capability == Capability::Monitor {
                    self.monitor_decided(&subject, &choice).await?;
                    return Ok(Reply::Done);
                }
                if let Some(running) = self
                    .running
                    .as_ref()
                    .filter(|running| running.capability == capability)
                {
                    running.control.answer(&subject, choice);
                }
                // The reading shows what the decision changes; the Tasks screen shows it by itself, also while a person types.
                if capability != Capability::Tasks {
                    self.refresh(capability);
                }
                Ok(Reply::Done)
            }
            Command::KeepSecret { name, value } => self.keep_secret(name, value).await,
            Command::SaveSamples { until } => self.save_samples(until).await,
            Command::SaveList { list, wanted, marked } => self.save_list(list, &wanted, &marked).await,
            Command::Seen => Ok(Reply::Done),
            other => self.front(other).await,
        }
    }

    pub(super) async fn with_running(
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
        self.closing = Closing::Asked(None);
        Ok(())
    }

    pub(super) async fn report(&mut self, report: Internal) -> Result<()> {
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
                self.outlets.view(|views| views.approving = None);
                if approving.stopped {
                    let stopped = Error::interrupted("stopped before it began; nothing was changed");
                    return self.settle(approving.reply, Err(stopped)).await;
                }
                if capability != Capability::Rollback && self.waiting_rollback.is_some() {
                    let late = Error::blocked("a rollback goes first; nothing was started")
                        .hint("Look at the rollback before going on.");
                    self.settle(approving.reply, Err(late)).await?;
                    return self.rollback_next().await;
                }
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
                // Sources and target are checked again with the settings; when they cannot be read, the views say so.
                self.refresh(Capability::Start);
                for reply in std::mem::take(&mut self.settings_replies) {
                    let _ = reply.send(failed.clone().map_or(Ok(Reply::Done), Err));
                }
                Ok(())
            }
            Internal::Trouble { begun, result } => self.troubled(begun, result).await,
            Internal::Monitor(told) => self.monitor_told(told).await,
            Internal::View(change) => {
                self.outlets.view(|views: &mut Views| change(views));
                Ok(())
            }
        }
    }
}

/// Removes unfinished files of a killed session, where operations of a workspace write.
fn sweep(workspace: &Workspace) -> Result<()> {
    for folder in ["", "assessment", "tasks", "config", "report"] {
        files::sweep_temporaries(&workspace.path(folder))?;
    }
    Ok(())
}

async fn sleep_until(due: Option<Instant>) {
    match due {
        Some(due) => tokio::time::sleep_until(due.into()).await,
        None => std::future::pending().await,
    }
}
