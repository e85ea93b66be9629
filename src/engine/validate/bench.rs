//! What a test works with: tasks that are waited for up to its deadline, and none of which stays behind.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use serde_json::{Map, Value};

use super::catalogue::Test;
use crate::engine::compare::usage::{Used, measured};
use crate::engine::compare::wait::{Patience, Waited, until_ended};
use crate::engine::error::{Error, ErrorKind, Result};
use crate::engine::item::Item;
use crate::engine::operation::Control;
use crate::engine::ports::maos::{Ability, Capabilities, Maos, MaosError, Submission, TaskStatus, TaskView};
use crate::engine::ports::process::Processes;
use crate::engine::tasks::Rules;
use crate::engine::text::inert_short;
use crate::engine::workspace::{Settings, Workspace};

/// What all tests of a run share.
#[derive(Clone)]
pub struct Lab {
    /// MAOS.
    pub maos: Arc<dyn Maos>,
    /// Opens MAOS once more, as another program would.
    pub reopen: Arc<dyn Fn() -> Result<Arc<dyn Maos>> + Send + Sync>,
    /// What it can do.
    pub able: Arc<Capabilities>,
    /// Programs.
    pub processes: Arc<dyn Processes>,
    /// The folder.
    pub workspace: Workspace,
    /// Its settings.
    pub settings: Arc<Settings>,
    /// How tasks are taken apart.
    pub rules: Arc<Rules>,
    /// SHA-256 of the converted configuration as it was written, when it was.
    pub config_sha256: Option<String>,
    /// When the run began, UTC.
    pub started: jiff::Timestamp,
}

impl std::fmt::Debug for Lab {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Lab")
            .field("maos", &self.maos.place())
            .finish_non_exhaustive()
    }
}

impl Lab {
    /// Whether the durations of MAOS's work are simulated.
    #[must_use]
    pub fn simulated(&self) -> bool {
        self.maos.rehearsal() && self.settings.driving.rehearsal.worker.is_empty()
    }

    /// Whether MAOS's work runs under us, so that it can be measured.
    #[must_use]
    pub fn measurable(&self) -> bool {
        self.maos.rehearsal() && !self.simulated()
    }
}

/// What a test saw.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Seen {
    /// Whether that is what was expected.
    pub passed: bool,
    /// In a few words, for the list.
    pub text: String,
    /// In a sentence.
    pub found: String,
    /// Lines that show it.
    pub evidence: Vec<String>,
    /// Its numbers.
    pub figures: Map<String, Value>,
}

impl Seen {
    /// A verdict; `text` stands for the sentence too.
    pub fn new(passed: bool, text: impl Into<String>) -> Self {
        let text = text.into();
        Self {
            passed,
            found: text.clone(),
            text,
            ..Self::default()
        }
    }

    /// With a longer sentence.
    #[must_use]
    pub fn found(mut self, found: impl Into<String>) -> Self {
        self.found = found.into();
        self
    }

    /// With a line of evidence.
    #[must_use]
    pub fn line(mut self, line: impl Into<String>) -> Self {
        self.evidence.push(line.into());
        self
    }

    /// With a number or another figure.
    #[must_use]
    pub fn figure(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.figures.insert(name.to_owned(), value.into());
        self
    }
}

/// Why a test ended before it saw what it looks for.
#[derive(Debug, Clone, PartialEq)]
pub enum Halt {
    /// MAOS lacks what it needs, or it cannot be seen from here: neither a pass nor a fail.
    Skipped(String),
    /// MAOS did not do what it must.
    Failed(String),
    /// The run ends: a stop, or our own journal does not work.
    Run(Error),
}

impl From<MaosError> for Halt {
    fn from(error: MaosError) -> Self {
        match error {
            error @ (MaosError::Absent(..) | MaosError::Broken(..) | MaosError::NoProgram(..)) => {
                Self::Skipped(error.to_string())
            }
            MaosError::Stopped => Self::Run(Error::interrupted("stopped at a safe point")),
            error => Self::Failed(error.to_string()),
        }
    }
}

impl From<Error> for Halt {
    fn from(error: Error) -> Self {
        Self::Run(error)
    }
}

/// What a step of a test gives.
pub type Step<T> = std::result::Result<T, Halt>;

/// A task that MAOS has taken.
#[derive(Debug, Clone, PartialEq)]
pub struct Given {
    /// MAOS's id.
    pub id: String,
    /// When it was handed in.
    pub begun: Instant,
}

/// A task that has ended.
#[derive(Debug, Clone, PartialEq)]
pub struct Finished {
    /// As MAOS tells it.
    pub view: TaskView,
    /// From handing in to the end.
    pub seconds: f64,
    /// The most agents that were reported.
    pub agents: Option<u32>,
}

impl Finished {
    /// Whether it ended well.
    #[must_use]
    pub fn completed(&self) -> bool {
        self.view.status == TaskStatus::Completed
    }

    /// `COMPLETED`, or `FAILED: why`.
    #[must_use]
    pub fn words(&self) -> String {
        let word = self.view.status.word();
        match self.view.error.as_deref().filter(|_| !self.completed()) {
            Some(error) => format!("{word}: {}", inert_short(error, 120)),
            None => word.to_owned(),
        }
    }
}

/// Several tasks that were handed in together.
#[derive(Debug, Clone, PartialEq)]
pub struct Batch {
    /// Each as it ended.
    pub tasks: Vec<Finished>,
    /// From handing in the first to the end of the last.
    pub seconds: f64,
    /// The most that were seen running in one round of looks.
    pub running_at_once: usize,
}

impl Batch {
    /// How many ended well.
    #[must_use]
    pub fn completed(&self) -> usize {
        self.tasks.iter().filter(|task| task.completed()).count()
    }
}

/// One test's own place of work.
pub struct Bench<'a> {
    /// What all tests share.
    pub lab: &'a Lab,
    /// The test.
    pub test: &'a Test,
    /// Pause, stop and the journal.
    pub control: &'a Control,
    begun: Instant,
    line: Item,
    submitted: Mutex<Vec<String>>,
    open: Mutex<Vec<String>>,
}

impl std::fmt::Debug for Bench<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Bench")
            .field("test", &self.test.name)
            .finish_non_exhaustive()
    }
}

fn held<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl<'a> Bench<'a> {
    /// A place of work; `line` is the test's line as it is told while it runs.
    #[must_use]
    pub fn new(lab: &'a Lab, test: &'a Test, control: &'a Control, line: Item) -> Self {
        Self {
            lab,
            test,
            control,
            begun: Instant::now(),
            line,
            submitted: Mutex::default(),
            open: Mutex::default(),
        }
    }

    /// MAOS.
    #[must_use]
    pub fn maos(&self) -> &dyn Maos {
        &*self.lab.maos
    }

    /// How long the test has run.
    #[must_use]
    pub fn elapsed(&self) -> Duration {
        self.begun.elapsed()
    }

    /// Ids of everything that was sent.
    #[must_use]
    pub fn submitted(&self) -> Vec<String> {
        held(&self.submitted).clone()
    }

    /// Skips the test unless MAOS has this.
    ///
    /// # Errors
    /// [`Halt::Skipped`] with what is missing and why.
    pub fn needs(&self, abilities: &[Ability]) -> Step<()> {
        for ability in abilities {
            if !self.lab.able.has(*ability) {
                let why = self
                    .lab
                    .able
                    .of(*ability)
                    .filter(|finding| !finding.why.is_empty())
                    .map_or_else(String::new, |finding| format!(": {}", finding.why));
                return Err(Halt::Skipped(format!(
                    "MAOS has no working {}{why}",
                    ability.words()
                )));
            }
        }
        Ok(())
    }

    /// A task with one of the test's texts, for at most `agents`.
    #[must_use]
    pub fn task(&self, text: &str, agents: u32) -> Submission {
        Submission {
            description: text.to_owned(),
            kind: Some("research".to_owned()),
            priority: Some("NORMAL".to_owned()),
            max_agents: Some(agents.max(1)),
            timeout_s: Some(self.test.seconds.max(60)),
            depends_on: Vec::new(),
            reference: format!("validate/{}/{}", self.test.name, uuid::Uuid::now_v7()),
        }
    }

    /// Hands a task in, and keeps its id in the journal, so that it is cleaned up even after a crash.
    ///
    /// # Errors
    /// What MAOS refuses.
    pub async fn submit(&self, task: Submission) -> Step<Given> {
        let begun = Instant::now();
        let id = self.maos().submit(task).await?;
        self.noted(&id).await?;
        Ok(Given { id, begun })
    }

    /// Keeps an id for the clean-up.
    ///
    /// # Errors
    /// When the journal does not take it.
    pub async fn noted(&self, id: &str) -> Step<()> {
        held(&self.open).push(id.to_owned());
        let submitted = {
            let mut submitted = held(&self.submitted);
            submitted.push(id.to_owned());
            submitted.clone()
        };
        let mut line = self.line.clone();
        if let Value::Object(data) = &mut line.data {
            data.insert("submitted".to_owned(), submitted.into());
        }
        self.control.record(line).await?;
        Ok(())
    }

    fn patience(&self, since: Instant) -> Patience {
        // The deadline is the test's, the wait counts from the task's own beginning.
        let before = since.saturating_duration_since(self.begun);
        Patience::until(Duration::from_secs(self.test.seconds).saturating_sub(before))
    }

    fn too_late(&self, status: &TaskStatus) -> Halt {
        Halt::Failed(format!(
            "still {} after {} s, the test's deadline",
            status.word(),
            self.test.seconds
        ))
    }

    fn ended(&self, id: &str) {
        held(&self.open).retain(|open| open != id);
    }

    /// Waits for a task until the test's deadline; one that has ended by the last look has ended.
    ///
    /// # Errors
    /// [`Halt::Failed`] at the deadline.
    pub async fn wait(&self, given: &Given) -> Step<Finished> {
        let timed = until_ended(
            self.maos(),
            &given.id,
            given.begun,
            self.patience(given.begun),
            self.control,
        )
        .await?;
        match timed.waited {
            Waited::Ended(view) => {
                self.ended(&given.id);
                Ok(Finished {
                    view: *view,
                    seconds: timed.seconds,
                    agents: timed.agents,
                })
            }
            Waited::Deadline(status) => Err(self.too_late(&status)),
            Waited::Lost(error) => Err(error.into()),
        }
    }

    /// Hands a task in and waits for it.
    ///
    /// # Errors
    /// As [`Bench::submit`] and [`Bench::wait`].
    pub async fn run(&self, task: Submission) -> Step<Finished> {
        let given = self.submit(task).await?;
        self.wait(&given).await
    }

    /// Hands several tasks in at once and looks at all of them round by round.
    ///
    /// # Errors
    /// As [`Bench::submit`] and [`Bench::wait`].
    pub async fn together(&self, tasks: Vec<Submission>) -> Step<Batch> {
        let begun = Instant::now();
        let mut waiting = Vec::new();
        for task in tasks {
            waiting.push(self.submit(task).await?);
        }
        let patience = self.patience(begun);
        let mut done: Vec<Finished> = Vec::new();
        let (mut running_at_once, mut failures, mut seconds) = (0, 0, 0.0);
        let mut before = Duration::ZERO;
        while !waiting.is_empty() {
            let over = begun.elapsed() >= patience.deadline;
            let asked = begun.elapsed();
            let looks = waiting.iter().map(|given| self.maos().show(given.id.clone()));
            let views = tokio::select! {
                views = join_all(looks) => views,
                () = self.control.stopped() => return Err(Error::interrupted("stopped at a safe point").into()),
            };
            let now = begun.elapsed();
            let (mut running, mut left, mut last) = (0, Vec::new(), TaskStatus::Queued);
            for (given, view) in waiting.into_iter().zip(views) {
                match view {
                    Ok(view) if view.status.ended() => {
                        self.ended(&given.id);
                        let middle = before + now.saturating_sub(before) / 2;
                        let handed_in = given.begun.saturating_duration_since(begun);
                        seconds = middle.as_secs_f64();
                        done.push(Finished {
                            agents: view.agents_used,
                            seconds: middle.saturating_sub(handed_in).as_secs_f64(),
                            view,
                        });
                    }
                    Ok(view) => {
                        running += usize::from(view.status == TaskStatus::Running);
                        last = view.status;
                        left.push(given);
                    }
                    Err(error) if error.is_missing() || failures >= patience.failures => {
                        return Err(error.into());
                    }
                    Err(_) => {
                        failures += 1;
                        left.push(given);
                    }
                }
            }
            waiting = left;
            running_at_once = running_at_once.max(running);
            before = asked;
            if waiting.is_empty() {
                break;
            }
            if over {
                return Err(self.too_late(&last));
            }
            let pause = now
                .mul_f64(patience.share)
                .clamp(patience.first, patience.most)
                .min(patience.deadline.saturating_sub(now));
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                () = self.control.stopped() => return Err(Error::interrupted("stopped at a safe point").into()),
            }
        }
        Ok(Batch {
            tasks: done,
            seconds,
            running_at_once,
        })
    }

    /// As [`Bench::together`], with what MAOS's programs used.
    ///
    /// # Errors
    /// As [`Bench::together`].
    pub async fn together_measured(&self, tasks: Vec<Submission>) -> Step<(Batch, Option<Used>)> {
        let (batch, used) = measured(&*self.lab.processes, self.together(tasks)).await;
        Ok((batch?, used))
    }

    /// Cancels whatever of the test has not ended, and says how many.
    pub async fn clean(&self) -> usize {
        let open = std::mem::take(&mut *held(&self.open));
        let count = open.len();
        for id in open {
            // One that has ended meanwhile cannot be cancelled, and need not be.
            let _ = self.maos().cancel(id).await;
        }
        count
    }
}

/// A failure of the run itself rather than of a test.
#[must_use]
pub fn ends_the_run(error: &Error) -> bool {
    matches!(
        error.kind,
        ErrorKind::Interrupted | ErrorKind::Unavailable | ErrorKind::Bug
    )
}
