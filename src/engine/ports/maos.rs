//! MAOS, as the engine needs it. There are several command lines under that name, and none can do everything: so every
//! method may say that this MAOS lacks it, and what could not be learned is [`Known::Unknown`], never a zero or a failure.
//!
//! To add an ability: a variant of [`Ability`], a method here, its answer in every adapter.

use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::BoxFuture;
use crate::engine::error::Error;

/// Which of the languages an adapter speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Dialect {
    /// The command line of MAOS's documentation and of the migration guide.
    Documented,
    /// The command line of the released package `maos-cli`.
    Shipped,
    /// The embedded stand-in.
    Rehearsal,
}

impl Dialect {
    /// As a person reads it.
    #[must_use]
    pub const fn title(self) -> &'static str {
        match self {
            Self::Documented => "documented CLI",
            Self::Shipped => "shipped CLI",
            Self::Rehearsal => "rehearsal",
        }
    }
}

/// What the engine may want of a MAOS.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ability {
    /// Make its own files.
    Init,
    /// Tell its version.
    Version,
    /// Start.
    Start,
    /// Stop.
    Stop,
    /// Tell the health of its components.
    Health,
    /// Give the status document.
    Status,
    /// Take a task.
    Submit,
    /// Tell the state of one task.
    Show,
    /// List tasks.
    List,
    /// Cancel a task.
    Cancel,
    /// Make a checkpoint that outlives the call.
    CheckpointCreate,
    /// List and show checkpoints.
    CheckpointList,
    /// Restore a checkpoint.
    CheckpointRestore,
    /// Migrate its database.
    DbMigrate,
    /// Check a configuration file.
    ConfigValidate,
}

impl Ability {
    /// All of them, in the order of the screen.
    pub const ALL: [Self; 15] = [
        Self::Init,
        Self::Version,
        Self::Start,
        Self::Stop,
        Self::Health,
        Self::Status,
        Self::Submit,
        Self::Show,
        Self::List,
        Self::Cancel,
        Self::CheckpointCreate,
        Self::CheckpointList,
        Self::CheckpointRestore,
        Self::DbMigrate,
        Self::ConfigValidate,
    ];

    /// The words of the guide's command line for it.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::Init => "init",
            Self::Version => "version",
            Self::Start => "start",
            Self::Stop => "stop",
            Self::Health => "health",
            Self::Status => "status",
            Self::Submit => "task submit",
            Self::Show => "task show",
            Self::List => "task list",
            Self::Cancel => "task cancel",
            Self::CheckpointCreate => "checkpoint create",
            Self::CheckpointList => "checkpoint list",
            Self::CheckpointRestore => "checkpoint restore",
            Self::DbMigrate => "db migrate",
            Self::ConfigValidate => "config validate",
        }
    }
}

/// Whether an ability is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Presence {
    /// It is there.
    Present,
    /// This MAOS has no such command.
    Absent,
    /// It is there and known not to do what it says.
    Broken,
    /// It needs the program `claude`, which is not on PATH.
    NeedsClaude,
}

/// One line of the capability table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// What was looked for.
    pub ability: Ability,
    /// Whether it is there.
    pub presence: Presence,
    /// The command as this MAOS spells it: `task status`; empty when absent.
    pub command: String,
    /// Why it is not present, or how it was found, in a fragment: `exit 1: orchestrator is not running`.
    pub why: String,
}

/// What a probe found, without running any action.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Capabilities {
    /// The language.
    pub dialect: Dialect,
    /// Where it is, in words: `./.venv/bin/maos`.
    pub place: String,
    /// A line for each ability, in the order of [`Ability::ALL`].
    pub findings: Vec<Finding>,
    /// Sentences worth showing: a missing `click`, a wrong version.
    pub notes: Vec<String>,
}

impl Capabilities {
    /// The line of one ability.
    #[must_use]
    pub fn of(&self, ability: Ability) -> Option<&Finding> {
        self.findings.iter().find(|finding| finding.ability == ability)
    }

    /// Whether it is there and works.
    #[must_use]
    pub fn has(&self, ability: Ability) -> bool {
        self.of(ability)
            .is_some_and(|finding| finding.presence == Presence::Present)
    }

    /// How many abilities have this presence.
    #[must_use]
    pub fn count(&self, presence: Presence) -> usize {
        self.findings
            .iter()
            .filter(|finding| finding.presence == presence)
            .count()
    }
}

/// A figure, or why there is none.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Known<T> {
    /// It was learned.
    Value(T),
    /// It was not, and why: neither good nor bad.
    Unknown(String),
}

impl<T> Known<T> {
    /// The figure, when there is one.
    pub fn value(self) -> Option<T> {
        match self {
            Self::Value(value) => Some(value),
            Self::Unknown(_) => None,
        }
    }
}

/// The version, and how it was learned.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Version {
    /// By the package metadata of the interpreter that runs it.
    pub metadata: Option<String>,
    /// As the program says; versions before 0.8.9 say 1.0.0.
    pub reported: Option<String>,
    /// The distribution: `maos-cli`.
    pub distribution: Option<String>,
    /// The interpreter.
    pub interpreter: Option<PathBuf>,
    /// The interpreter's version.
    pub python: Option<String>,
}

impl Version {
    /// The version to believe: metadata first.
    #[must_use]
    pub fn best(&self) -> Option<&str> {
        self.metadata.as_deref().or(self.reported.as_deref())
    }
}

/// The state of a task, whatever the spelling.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TaskStatus {
    /// Waiting.
    Queued,
    /// Under way.
    Running,
    /// Ended well.
    Completed,
    /// Ended badly.
    Failed,
    /// Ended by somebody.
    Cancelled,
    /// Another word, which is taken for not ended.
    Other(String),
}

impl TaskStatus {
    /// Reads any documented or shipped spelling.
    #[must_use]
    pub fn of(word: &str) -> Self {
        match word.trim().to_ascii_lowercase().as_str() {
            "queued" | "pending" | "ready" | "waiting" => Self::Queued,
            "running" | "retrying" | "in_progress" => Self::Running,
            "completed" | "succeeded" | "done" => Self::Completed,
            "failed" | "error" => Self::Failed,
            "cancelled" | "canceled" => Self::Cancelled,
            _ => Self::Other(crate::engine::text::inert_short(word, 40)),
        }
    }

    /// Whether nothing more will happen to it.
    #[must_use]
    pub const fn ended(&self) -> bool {
        matches!(self, Self::Completed | Self::Failed | Self::Cancelled)
    }

    /// The word, in capitals as the guide writes it.
    #[must_use]
    pub fn word(&self) -> &str {
        match self {
            Self::Queued => "QUEUED",
            Self::Running => "RUNNING",
            Self::Completed => "COMPLETED",
            Self::Failed => "FAILED",
            Self::Cancelled => "CANCELLED",
            Self::Other(word) => word,
        }
    }
}

/// A task on its way to MAOS.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Submission {
    /// What to do.
    pub description: String,
    /// `research`, `coding`, …; `None` leaves it to MAOS.
    pub kind: Option<String>,
    /// `LOW`, `NORMAL`, `HIGH`, `CRITICAL`; spelled by the adapter.
    pub priority: Option<String>,
    /// 1 to 8.
    pub max_agents: Option<u32>,
    /// Seconds.
    pub timeout_s: Option<u64>,
    /// Ids of MAOS, not of the legacy system.
    pub depends_on: Vec<String>,
    /// Our own name for it, by which it can be found again after a crash; goes along as metadata where that is possible.
    pub reference: String,
}

/// A task as MAOS tells it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TaskView {
    /// MAOS's id, opaque.
    pub id: String,
    /// How it stands.
    pub status: TaskStatus,
    /// Agents that worked on it.
    pub agents_used: Option<u32>,
    /// As reported; its scale differs between versions.
    pub parallel_efficiency: Option<f64>,
    /// What it gave.
    pub result: Option<Value>,
    /// Why it failed.
    pub error: Option<String>,
    /// Our own name for it, where MAOS gives it back.
    pub reference: Option<String>,
    /// The whole document.
    pub raw: Value,
}

/// The health of the components.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Health {
    /// Components that are well.
    pub healthy: u64,
    /// All of them.
    pub total: u64,
    /// Each by name.
    pub components: Vec<(String, bool)>,
}

/// The guide's status document, every part optional.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct StatusDocument {
    /// Tasks so far.
    pub total: Option<f64>,
    /// Failed so far.
    pub failed: Option<f64>,
    /// Completed so far.
    pub completed: Option<f64>,
    /// Cancelled so far.
    #[serde(default)]
    pub cancelled: Option<f64>,
    /// Components that are well.
    pub healthy: Option<f64>,
    /// All components.
    pub components: Option<f64>,
    /// Seconds.
    pub avg_response_time: Option<f64>,
    /// A rate.
    pub tasks_per_minute: Option<f64>,
    /// The whole document, as read.
    pub raw: Value,
}

/// A checkpoint that MAOS holds.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct CheckpointView {
    /// MAOS's id, opaque.
    pub id: String,
    /// What it was called.
    pub description: String,
    /// What it holds, where the list shows it.
    pub state: Option<Value>,
}

/// How MAOS is stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stop {
    /// Let running tasks end, this long at most.
    Graceful(Duration),
    /// At once.
    Force,
}

/// Why MAOS did not do what it was asked. The text holds no secret and no control character.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MaosError {
    /// This MAOS has no such command. Neither a pass nor a fail.
    #[error("this MAOS has no {0}: {1}")]
    Absent(&'static str, String),
    /// The command is there and known not to work.
    #[error("{0} does not work in this MAOS: {1}")]
    Broken(&'static str, String),
    /// The program itself is missing or cannot be run.
    #[error("{0}")]
    NoProgram(String),
    /// It runs only with a started MAOS.
    #[error("MAOS is not running: {0}")]
    NotRunning(String),
    /// No such task or checkpoint.
    #[error("not found: {0}")]
    NotFound(String),
    /// It refused, with its own words.
    #[error("MAOS refused {0}: {1}")]
    Refused(&'static str, String),
    /// It said that it was done, and the effect is not there.
    #[error("{0} said it was done, but the effect is not there: {1}")]
    NoEffect(&'static str, String),
    /// No answer in time; its processes were ended.
    #[error("{0}: no answer for {1} s, ended with its processes")]
    TimedOut(&'static str, u64),
    /// An answer that cannot be understood.
    #[error("{0}: the answer cannot be understood: {1}")]
    Garbage(&'static str, String),
    /// Something of the machine failed.
    #[error("{0}")]
    Machine(String),
    /// A person asked to stop.
    #[error("stopped at a safe point")]
    Stopped,
}

impl MaosError {
    /// Whether it means that the ability is missing, so that a test of it is skipped and not failed.
    #[must_use]
    pub const fn is_missing(&self) -> bool {
        matches!(self, Self::Absent(..) | Self::Broken(..) | Self::NoProgram(..))
    }
}

impl From<MaosError> for Error {
    fn from(error: MaosError) -> Self {
        let text = error.to_string();
        match error {
            MaosError::Stopped => Self::interrupted(text),
            MaosError::Absent(..) | MaosError::Broken(..) => Self::unavailable(text)
                .hint("See the table on the Environment screen, or maos-migrate doctor."),
            MaosError::NoProgram(..) => Self::unavailable(text)
                .hint("Set target.maos in migration.yml, or run maos-migrate environment plan."),
            _ => Self::unavailable(text),
        }
    }
}

/// What a method of [`Maos`] gives.
pub type Answer<'a, T> = BoxFuture<'a, Result<T, MaosError>>;

/// A MAOS. Every call has a time limit of its own and leaves no process behind.
pub trait Maos: Send + Sync {
    /// The language.
    fn dialect(&self) -> Dialect;

    /// Where it is, in words, for every screen.
    fn place(&self) -> String;

    /// Whether it is the embedded stand-in, in process or through its command line. Then every screen and report says REHEARSAL.
    fn rehearsal(&self) -> bool;

    /// Finds out what this MAOS can do, by `--help` and metadata, never by acting.
    fn probe(&self) -> Answer<'_, Capabilities>;

    /// The version by metadata, else as reported.
    fn version(&self) -> Answer<'_, Version>;

    /// Whether its own files are there already.
    fn initialised(&self) -> Answer<'_, Known<bool>> {
        Box::pin(async { Ok(Known::Unknown("it cannot be asked".to_owned())) })
    }

    /// Makes its own files; doing it again changes nothing.
    fn init(&self) -> Answer<'_, String>;

    /// Starts it and returns; whether it is ready is for [`Maos::health`] to say.
    fn start(&self) -> Answer<'_, String>;

    /// Stops it and proves that it is gone.
    fn stop(&self, how: Stop) -> Answer<'_, String>;

    /// Whether it runs.
    fn running(&self) -> Answer<'_, Known<bool>>;

    /// The health of its components.
    fn health(&self) -> Answer<'_, Known<Health>>;

    /// The status document.
    fn status(&self) -> Answer<'_, Known<StatusDocument>>;

    /// Gives it a task and returns MAOS's id.
    fn submit(&self, task: Submission) -> Answer<'_, String>;

    /// A task that was given under `reference`, when MAOS can be asked by it.
    fn find(&self, reference: String) -> Answer<'_, Known<Option<String>>>;

    /// The state of a task.
    fn show(&self, id: String) -> Answer<'_, TaskView>;

    /// Tasks in a state, or all: ids with their status. What cannot be listed is unknown, not empty.
    fn list(&self, status: Option<TaskStatus>) -> Answer<'_, Known<Vec<(String, TaskStatus)>>>;

    /// Cancels a task.
    fn cancel(&self, id: String) -> Answer<'_, ()>;

    /// Makes a checkpoint, proves that it is listed, returns its id.
    fn checkpoint_create(&self, description: String) -> Answer<'_, String>;

    /// The checkpoints it holds.
    fn checkpoints(&self) -> Answer<'_, Vec<CheckpointView>>;

    /// What a checkpoint holds, where MAOS shows it: by this a restore is proved, since its exit code proves nothing.
    fn checkpoint_state(&self, id: String) -> Answer<'_, Known<Value>>;

    /// Restores a checkpoint.
    fn checkpoint_restore(&self, id: String) -> Answer<'_, ()>;

    /// Whether its database is migrated already.
    fn migrated(&self) -> Answer<'_, Known<bool>> {
        Box::pin(async { Ok(Known::Unknown("it cannot be asked".to_owned())) })
    }

    /// Migrates its database.
    fn db_migrate(&self) -> Answer<'_, String>;

    /// Turns a knob of a rehearsal while it runs (`failure_rate`, `latency`, `flapping`, `hang`, `crash`, `lost_metrics`,
    /// `traffic`, `seconds`, `agents`, `version`); `None` turns it back. Anything else than a rehearsal has no knobs.
    fn turn(&self, knob: String, value: Option<Value>) -> Answer<'_, ()> {
        let _ = value;
        Box::pin(std::future::ready(Err(MaosError::Absent("knob", knob))))
    }
}
