//! The parts of `migration.yml` about running systems: MAOS, the legacy side, and how they are compared, watched and backed up.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::Deserialize;

use crate::engine::ports::maos::Dialect;

/// `maos:`, how MAOS is driven. `target.maos` names its program, or `rehearsal`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct MaosSettings {
    /// Its language; found out by a probe when not said.
    pub dialect: Option<Dialect>,
    /// The program with its first arguments, in place of `target.maos`: `[ssh, ops-1, maos]`.
    pub command: Vec<String>,
    /// Where its commands run, always the same; a folder of the workspace when not said.
    pub directory: Option<PathBuf>,
    /// Commands in place of the adapter's own, by the words of the ability: `task submit: [maosctl, add, "{description}"]`.
    /// `start` and `stop` are how a service is started and stopped.
    pub commands: BTreeMap<String, Vec<String>>,
    /// Whether `--depends-on` is repeated for each id; else one holds them all, with commas between, as in the guide.
    pub repeat_dependencies: bool,
    /// Set in the environment of its commands, besides what is inherited: `PATH`, `MAOS_API_URL`.
    pub env: BTreeMap<String, String>,
    /// Seconds for one command.
    pub time_limit: Option<u64>,
    /// Parts in its hands at once during a submission; 16 when not said.
    pub in_flight: Option<usize>,
    /// Seconds that a graceful stop may take before it is ended; when not said 120, and 30 on the way back of a cut over.
    pub stop_within: Option<u64>,
    /// Seconds from start to ready.
    pub ready_within: Option<u64>,
    /// The Python environment that holds `maos-cli`: made when it does not exist. `environment` of the workspace when not said.
    pub environment: Option<PathBuf>,
    /// The version to install; the newest when not said.
    pub version: Option<String>,
    /// MAOS's own configuration file.
    pub config: Option<PathBuf>,
    /// The folder of MAOS's checkpoints.
    pub checkpoints: Option<PathBuf>,
    /// The guide's migration settings file; `~/.maos/migration-config.yml` when not said.
    pub migration_settings: Option<PathBuf>,
}

/// `legacy:`, how the legacy system is driven. Every command is an argv array.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LegacySettings {
    /// Runs one task: a JSON document on standard input, a JSON document on standard output.
    pub run: Vec<String>,
    /// The same by HTTP: the document is posted there.
    pub run_url: Option<String>,
    /// Headers of that call; values may be `${ENV}` references.
    pub run_headers: BTreeMap<String, String>,
    /// Lets no new task in.
    pub drain: Vec<String>,
    /// Stops it with what it runs.
    pub freeze: Vec<String>,
    /// Opens it again.
    pub open: Vec<String>,
    /// Lists the tasks that it runs: a JSON array on standard output.
    pub running: Vec<String>,
    /// Exits with 0 when it can serve, also while it is closed: a way back asks before it changes anything.
    pub ready: Vec<String>,
    /// Its version or state, for the backup's manifest.
    pub config: Vec<PathBuf>,
    /// Seconds to wait for running tasks.
    pub drain_within: Option<u64>,
}

/// `compare:`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct CompareSettings {
    /// How many tasks take part.
    pub tasks: usize,
    /// How often each is run on both sides.
    pub repeats: usize,
    /// Seconds for one run.
    pub deadline: u64,
    /// Pairs that are needed for a recommendation.
    pub minimum_pairs: usize,
    /// Judges a pair of results: JSON on standard input, exit 0 when the quality is the same. Not measured without it.
    pub quality: Vec<String>,
}

impl Default for CompareSettings {
    fn default() -> Self {
        Self {
            tasks: 24,
            repeats: 3,
            deadline: 120,
            minimum_pairs: 10,
            quality: Vec::new(),
        }
    }
}

/// `monitor:`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct MonitorSettings {
    /// Seconds between samples; the criteria file's when not said.
    pub interval: Option<u64>,
    /// Seconds of the window; the criteria file's when not said.
    pub window: Option<u64>,
    /// Seconds until promotion; the criteria file's when not said.
    pub duration: Option<u64>,
    /// Prints the status document; the adapter's own status when empty.
    pub status: Vec<String>,
    /// What a validation is: `health` (reads only), `task` (the guide's real task), or `off`.
    pub validation: String,
    /// Commands that are run on a change of the verdict, with a JSON document on standard input.
    pub hooks: Vec<Vec<String>>,
    /// Seconds between a breach while armed and the rollback that then starts by itself; 5 to 3600.
    pub countdown: u64,
}

impl Default for MonitorSettings {
    fn default() -> Self {
        Self {
            interval: None,
            window: None,
            duration: None,
            status: Vec::new(),
            validation: "health".to_owned(),
            hooks: Vec::new(),
            countdown: 60,
        }
    }
}

/// `backup:`. The folder is `settings.backups`; `backups` of the workspace when not said.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct BackupSettings {
    /// Minutes after which a verified backup no longer opens a gate.
    pub max_age: u64,
    /// Backups that `prune` leaves.
    pub keep: usize,
    /// Files and folders to take along besides those the settings name.
    pub also: Vec<PathBuf>,
    /// Where `pg_dump` and `pg_restore` lie; the newest of this machine that fit the server when not said.
    pub programs: Option<PathBuf>,
}

impl Default for BackupSettings {
    fn default() -> Self {
        Self {
            max_age: 60,
            keep: 5,
            also: Vec::new(),
            programs: None,
        }
    }
}

/// `rehearsal:`, the knobs of the embedded MAOS.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RehearsalSettings {
    /// Agents that really run side by side.
    pub agents: usize,
    /// A worker for each subtask, the task as JSON on standard input; a labelled simulated duration when empty.
    pub worker: Vec<String>,
    /// Seconds of a simulated subtask.
    pub seconds: f64,
    /// Share of tasks that fail, 0 to 1.
    pub failure_rate: f64,
    /// Milliseconds added to every answer and to every unit of work.
    pub latency: u64,
    /// Health that changes at every look.
    pub flapping: bool,
    /// No answer comes and no work begins.
    pub hang: bool,
    /// The status document comes empty.
    pub lost_metrics: bool,
    /// Tasks a second that it gives itself, so that there is something to watch; 0 for none.
    pub traffic: f64,
    /// The same while the monitor watches it.
    pub watch_traffic: f64,
    /// The version it says it has.
    pub version: Option<String>,
}

impl Default for RehearsalSettings {
    fn default() -> Self {
        Self {
            agents: 4,
            worker: Vec::new(),
            seconds: 0.05,
            failure_rate: 0.0,
            latency: 0,
            flapping: false,
            hang: false,
            lost_metrics: false,
            traffic: 0.0,
            watch_traffic: 0.0,
            version: None,
        }
    }
}

/// All of these parts.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Driving {
    /// `maos:`.
    pub maos: MaosSettings,
    /// `legacy:`.
    pub legacy: LegacySettings,
    /// `compare:`.
    pub compare: CompareSettings,
    /// `monitor:`.
    pub monitor: MonitorSettings,
    /// `backup:`.
    pub backup: BackupSettings,
    /// `rehearsal:`.
    pub rehearsal: RehearsalSettings,
}
