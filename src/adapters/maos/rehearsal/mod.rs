//! The embedded stand-in for MAOS: real agents side by side in a bounded pool, real state in `rehearsal/maos.db`, real
//! checkpoints; only the work may be a simulated duration, and then every result says so. It misbehaves on request.
//!
//! Several processes may speak to one state: whoever started MAOS executes. [`program`] is its command line.
//!
//! To add an ability: its method here, its words in [`program`].

mod checkpoints;
mod crew;
mod documents;
mod executor;
mod knobs;
mod lease;
pub mod legacy;
pub mod program;
mod state;
mod work;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use tokio::sync::OnceCell;
use tokio::time::Instant;

use self::knobs::Knobs;
use self::state::{Held, State};
use crate::adapters::process::MachineProcesses;
use crate::engine::ports::maos::{
    Ability, Answer, Capabilities, CheckpointView, Dialect, Finding, Health, Known, Maos, MaosError,
    Presence, StatusDocument, Stop, Submission, TaskStatus, TaskView, Version,
};
use crate::engine::ports::process::Processes as _;
use crate::engine::workspace::Workspace;
use crate::engine::workspace::driving::{Driving, RehearsalSettings};

/// The folder of the state in a workspace.
const FOLDER: &str = "rehearsal";
/// Seconds for one answer when the settings say nothing.
const LIMIT: u64 = 30;
/// The schema that `db migrate` brings the database to.
const MIGRATION: &str = "20250115_001_rehearsal";
/// How often a wish is looked after.
const LOOK: Duration = Duration::from_millis(5);
/// From a start to an executor that lives.
const READY: Duration = Duration::from_secs(20);
/// Beyond a graceful stop, until an executor must be gone.
const GONE: Duration = Duration::from_secs(5);

/// Who executes when this one is asked to start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Executes {
    /// A task of this process, which also goes on with what another process started and left.
    Here,
    /// A process of its own.
    Apart,
}

/// A rehearsal MAOS.
#[derive(Debug)]
pub struct Rehearsal {
    folder: PathBuf,
    settings: Option<RehearsalSettings>,
    limit: Duration,
    executes: Executes,
    state: OnceCell<Arc<State>>,
}

impl Rehearsal {
    /// The one of a workspace; its state is opened by the first question.
    #[must_use]
    pub fn in_process(workspace: &Workspace, driving: &Driving) -> Self {
        Self {
            folder: workspace.path(FOLDER),
            settings: Some(driving.rehearsal.clone()),
            limit: Duration::from_secs(driving.maos.time_limit.unwrap_or(LIMIT).max(1)),
            executes: Executes::Here,
            state: OnceCell::new(),
        }
    }

    /// The one in `folder`, for its command line.
    #[must_use]
    pub fn apart(folder: &Path) -> Self {
        Self {
            folder: folder.to_owned(),
            settings: None,
            limit: Duration::from_hours(1),
            executes: Executes::Apart,
            state: OnceCell::new(),
        }
    }

    async fn state(&self) -> Held<&Arc<State>> {
        self.state
            .get_or_try_init(|| async {
                let state = State::open(&self.folder).await?;
                if let Some(settings) = &self.settings {
                    state.settle(knobs::of_settings(settings)).await?;
                }
                Ok(Arc::new(state))
            })
            .await
    }

    /// Answers as the knobs let it: late, or not at all.
    async fn answer<T>(&self, what: &'static str, work: impl Future<Output = Held<T>> + Send) -> Held<T> {
        let answering = async {
            let knobs = self.state().await?.knobs().await?;
            if knobs.hang {
                std::future::pending::<()>().await;
            }
            tokio::time::sleep(knobs.latency).await;
            self.go_on().await?;
            work.await
        };
        match tokio::time::timeout(self.limit, answering).await {
            Ok(answer) => answer,
            Err(_) => Err(MaosError::TimedOut(what, self.limit.as_secs())),
        }
    }

    /// Goes on with what another process started and left, as a service would after its machine's restart.
    async fn go_on(&self) -> Held<()> {
        if self.executes == Executes::Here && lease::holder(self.state().await?).await?.is_none() {
            let phase = self.state().await?.meta("phase").await?;
            if phase.as_deref() == Some("running") {
                self.execute(false).await?;
            }
        }
        Ok(())
    }

    /// Begins to execute in this process, unless somebody does.
    async fn execute(&self, alone: bool) -> Held<Option<tokio::task::JoinHandle<Held<()>>>> {
        let state = Arc::clone(self.state().await?);
        let Some(lease) = lease::take(&state, alone).await? else {
            return Ok(None);
        };
        Ok(Some(tokio::spawn(executor::run(state, lease))))
    }

    async fn runs(&self) -> Held<bool> {
        let state = self.state().await?;
        Ok(state.meta("phase").await?.as_deref() == Some("running") && lease::holder(state).await?.is_some())
    }

    async fn must_run(&self) -> Held<()> {
        if self.runs().await? {
            Ok(())
        } else {
            Err(MaosError::NotRunning("start it first".to_owned()))
        }
    }

    /// Waits until nobody executes any more.
    async fn gone(&self, within: Duration) -> Held<bool> {
        let deadline = Instant::now() + within;
        loop {
            if lease::holder(self.state().await?).await?.is_none() {
                return Ok(true);
            }
            if Instant::now() >= deadline {
                return Ok(false);
            }
            lease::wake(self.state().await?);
            tokio::time::sleep(LOOK).await;
        }
    }

    async fn do_stop(&self, how: Stop) -> Held<String> {
        let state = self.state().await?;
        let Some(holder) = lease::holder(state).await? else {
            state.set_meta("phase", "stopped").await?;
            return Ok("it was not running".to_owned());
        };
        if let Stop::Graceful(within) = how {
            state.set_meta("phase", "stopping").await?;
            if self.gone(within).await? {
                return Ok("stopped; what ran has ended".to_owned());
            }
        }
        state.set_meta("phase", "stopped").await?;
        if self.gone(GONE).await? || (holder.alone && MachineProcesses.end(&holder.process, GONE).await) {
            return Ok("stopped; what ran will begin again at the next start".to_owned());
        }
        Err(MaosError::NoEffect(
            "stop",
            format!("process {} still executes", holder.process.pid),
        ))
    }

    async fn do_start(&self) -> Held<String> {
        self.do_init().await?;
        let state = self.state().await?;
        if self.runs().await? {
            return Ok("it was running already".to_owned());
        }
        // One that is on its way out is waited for.
        if !self.gone(GONE).await? {
            return Err(MaosError::Refused("start", "it is still stopping".to_owned()));
        }
        state.set_meta("started_ms", &state::now_ms().to_string()).await?;
        state.set_meta("phase", "running").await?;
        match self.executes {
            Executes::Here => {
                self.execute(false).await?;
            }
            Executes::Apart => program::detach(&state.folder).await?,
        }
        let deadline = Instant::now() + READY;
        while !self.runs().await? {
            if Instant::now() >= deadline {
                state.set_meta("phase", "stopped").await?;
                return Err(MaosError::NoEffect("start", "nothing executes".to_owned()));
            }
            tokio::time::sleep(LOOK).await;
        }
        Ok(format!(
            "started with {} agents (rehearsal)",
            state.knobs().await?.agents
        ))
    }

    async fn do_init(&self) -> Held<String> {
        let state = self.state().await?;
        if state.meta("initialised").await?.is_some() {
            return Ok(format!("{} is there already", state.folder.display()));
        }
        // No moment in it: two rehearsals of the same system are equal.
        state.set_meta("initialised", "yes").await?;
        Ok(format!("made {}", state.folder.display()))
    }

    async fn view(&self, id: &str) -> Held<Value> {
        let state = self.state().await?;
        let Some(row) = state.task(id).await? else {
            let shown = crate::engine::text::inert_short(id, 60);
            return Err(MaosError::NotFound(format!("the task {shown}")));
        };
        let parts = state.parts(row.seq).await?;
        Ok(documents::task(&row, &parts))
    }

    async fn look_at_health(&self) -> Held<(Knobs, Health)> {
        let state = self.state().await?;
        let knobs = state.knobs().await?;
        let health = documents::health(state, &knobs, self.runs().await?).await?;
        Ok((knobs, health))
    }

    async fn do_cancel(&self, id: &str) -> Held<()> {
        match self.state().await?.cancel(id).await? {
            None => {
                let shown = crate::engine::text::inert_short(id, 60);
                Err(MaosError::NotFound(format!("the task {shown}")))
            }
            Some(status) if matches!(status.as_str(), "QUEUED" | "RUNNING") => {
                lease::wake(self.state().await?);
                Ok(())
            }
            Some(status) => Err(MaosError::Refused(
                "to cancel",
                format!("{id} is {status} already"),
            )),
        }
    }
}

/// The figures of a status document.
fn figures(raw: Value) -> StatusDocument {
    let at = |path: &str| raw.pointer(path).and_then(Value::as_f64);
    StatusDocument {
        total: at("/tasks/total"),
        failed: at("/tasks/failed"),
        completed: at("/tasks/completed"),
        cancelled: at("/tasks/cancelled"),
        healthy: at("/health/healthy"),
        components: at("/health/total"),
        avg_response_time: at("/performance/avg_response_time"),
        tasks_per_minute: at("/performance/tasks_per_minute"),
        raw,
    }
}

/// A task as the port shows it.
fn task_view(raw: Value) -> TaskView {
    let text = |path: &str| raw.pointer(path).and_then(Value::as_str).map(str::to_owned);
    TaskView {
        id: text("/task_id").unwrap_or_default(),
        status: TaskStatus::of(&text("/status").unwrap_or_default()),
        agents_used: raw
            .pointer("/agents_used")
            .and_then(Value::as_u64)
            .and_then(|n| u32::try_from(n).ok()),
        parallel_efficiency: raw.pointer("/parallel_efficiency").and_then(Value::as_f64),
        result: raw.get("results").filter(|value| !value.is_null()).cloned(),
        error: text("/error"),
        reference: text("/metadata/reference").filter(|reference| !reference.is_empty()),
        raw,
    }
}

impl Maos for Rehearsal {
    fn dialect(&self) -> Dialect {
        Dialect::Rehearsal
    }

    fn place(&self) -> String {
        "embedded, in this workspace".to_owned()
    }

    fn rehearsal(&self) -> bool {
        true
    }

    fn probe(&self) -> Answer<'_, Capabilities> {
        Box::pin(async move {
            let finding = |ability: Ability| Finding {
                ability,
                presence: Presence::Present,
                command: ability.words().to_owned(),
                why: "embedded".to_owned(),
            };
            Ok(Capabilities {
                dialect: Dialect::Rehearsal,
                place: self.place(),
                findings: Ability::ALL.into_iter().map(finding).collect(),
                notes: vec!["A stand-in: nothing outside this workspace is reached.".to_owned()],
            })
        })
    }

    fn version(&self) -> Answer<'_, Version> {
        Box::pin(self.answer("version", async {
            Ok(Version {
                reported: Some(self.state().await?.knobs().await?.version),
                distribution: Some("rehearsal".to_owned()),
                ..Version::default()
            })
        }))
    }

    fn initialised(&self) -> Answer<'_, Known<bool>> {
        Box::pin(self.answer("init", async {
            let made = self.state().await?.meta("initialised").await?;
            Ok(Known::Value(made.is_some()))
        }))
    }

    fn init(&self) -> Answer<'_, String> {
        Box::pin(self.answer("init", self.do_init()))
    }

    fn start(&self) -> Answer<'_, String> {
        Box::pin(self.do_start())
    }

    fn stop(&self, how: Stop) -> Answer<'_, String> {
        Box::pin(self.do_stop(how))
    }

    fn running(&self) -> Answer<'_, Known<bool>> {
        Box::pin(self.answer("status", async { self.runs().await.map(Known::Value) }))
    }

    fn health(&self) -> Answer<'_, Known<Health>> {
        Box::pin(self.answer("health", async {
            Ok(Known::Value(self.look_at_health().await?.1))
        }))
    }

    fn status(&self) -> Answer<'_, Known<StatusDocument>> {
        Box::pin(self.answer("status", async {
            let (knobs, health) = self.look_at_health().await?;
            let raw = documents::status(self.state().await?, &knobs, &health).await?;
            Ok(Known::Value(figures(raw)))
        }))
    }

    fn submit(&self, task: Submission) -> Answer<'_, String> {
        Box::pin(self.answer("task submit", async move {
            self.must_run().await?;
            let id = self.state().await?.submit(&task).await?;
            lease::wake(self.state().await?);
            Ok(id)
        }))
    }

    fn find(&self, reference: String) -> Answer<'_, Known<Option<String>>> {
        Box::pin(self.answer("task list", async move {
            self.state().await?.find(&reference).await.map(Known::Value)
        }))
    }

    fn show(&self, id: String) -> Answer<'_, TaskView> {
        Box::pin(self.answer("task show", async move { self.view(&id).await.map(task_view) }))
    }

    fn list(&self, status: Option<TaskStatus>) -> Answer<'_, Known<Vec<(String, TaskStatus)>>> {
        Box::pin(self.answer("task list", async move {
            let rows = self
                .state()
                .await?
                .list(status.as_ref().map(TaskStatus::word))
                .await?;
            let rows = rows.into_iter().map(|(id, word)| (id, TaskStatus::of(&word)));
            Ok(Known::Value(rows.collect()))
        }))
    }

    fn cancel(&self, id: String) -> Answer<'_, ()> {
        Box::pin(self.answer("task cancel", async move { self.do_cancel(&id).await }))
    }

    fn checkpoint_create(&self, description: String) -> Answer<'_, String> {
        Box::pin(self.answer("checkpoint create", async move {
            self.must_run().await?;
            checkpoints::create(self.state().await?, &description).await
        }))
    }

    fn checkpoints(&self) -> Answer<'_, Vec<CheckpointView>> {
        Box::pin(self.answer("checkpoint list", async {
            checkpoints::list(self.state().await?).await
        }))
    }

    fn checkpoint_state(&self, id: String) -> Answer<'_, Known<Value>> {
        Box::pin(self.answer("checkpoint show", async move {
            let mut shown = checkpoints::show(self.state().await?, &id).await?;
            Ok(Known::Value(shown["state"].take()))
        }))
    }

    fn checkpoint_restore(&self, id: String) -> Answer<'_, ()> {
        Box::pin(self.answer("checkpoint restore", async move {
            checkpoints::restore(self.state().await?, &id).await?;
            lease::wake(self.state().await?);
            Ok(())
        }))
    }

    fn migrated(&self) -> Answer<'_, Known<bool>> {
        Box::pin(self.answer("db status", async {
            let at = self.state().await?.meta("migration").await?;
            Ok(Known::Value(at.as_deref() == Some(MIGRATION)))
        }))
    }

    fn db_migrate(&self) -> Answer<'_, String> {
        Box::pin(self.answer("db migrate", async {
            let state = self.state().await?;
            if state.meta("migration").await?.as_deref() == Some(MIGRATION) {
                return Ok(format!("at {MIGRATION} already"));
            }
            state.set_meta("migration", MIGRATION).await?;
            Ok(format!("migrated to {MIGRATION}"))
        }))
    }

    fn turn(&self, knob: String, value: Option<Value>) -> Answer<'_, ()> {
        Box::pin(async move {
            self.state().await?.turn(&knob, value.as_ref()).await?;
            lease::wake(self.state().await?);
            Ok(())
        })
    }
}
