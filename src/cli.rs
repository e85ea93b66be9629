//! The command line. `main` chooses a front end from it; `headless` runs the verbs.

mod back;

use std::num::NonZeroUsize;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

pub use back::{Backup, BackupEnds, NewRows, Rollback, RollbackChoice};

/// The workspace when none is named.
pub const DEFAULT_WORKSPACE: &str = "migration";

/// Moves a sequential task system onto MAOS: assess, convert, prove, and come back when needed.
///
/// Without a verb the wizard opens on the workspace.
#[derive(Debug, Parser)]
#[command(
    name = "maos-migrate",
    version,
    arg_required_else_help = false,
    propagate_version = true
)]
#[command(
    after_help = "Exit codes: 0 done, 1 a bug, 2 usage, 3 input refused, 4 done with items quarantined or failed, \
5 blocked by a gate, a lease or a changed plan, 6 something outside is unavailable, 10 the verdict is to roll back, 130 interrupted.\n\n\
Try it: maos-migrate demo   ·   maos-migrate demo --headless"
)]
pub struct Cli {
    /// What every verb takes.
    #[command(flatten)]
    pub global: Global,
    /// The verb; the wizard when there is none.
    #[command(subcommand)]
    pub verb: Option<Verb>,
}

/// Options that every verb takes.
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of the command line")]
#[derive(Debug, Clone, Args)]
pub struct Global {
    /// The folder of one migration: settings, journal, artifacts.
    #[arg(
        short,
        long,
        global = true,
        value_name = "DIR",
        default_value = DEFAULT_WORKSPACE,
        env = "MAOS_MIGRATE_WORKSPACE"
    )]
    pub workspace: PathBuf,
    /// Stop after the plan; nothing is applied.
    #[arg(long, global = true)]
    pub dry_run: bool,
    /// Make applying impossible.
    #[arg(long, global = true)]
    pub read_only: bool,
    /// One JSON document (or JSON lines) on standard output, nothing else there.
    #[arg(long, global = true)]
    pub json: bool,
    /// Numbered prompts and lines instead of the wizard, for screen readers and logs.
    #[arg(long, global = true)]
    pub plain: bool,
    /// Draw with ASCII characters only.
    #[arg(long, global = true)]
    pub ascii: bool,
    /// The colours of the wizard; a palette named here wins over the environment.
    #[arg(long, global = true, value_enum, default_value_t = Theme::Auto)]
    pub theme: Theme,
    /// Take mouse events in the wizard (off over ssh otherwise).
    #[arg(long, global = true)]
    pub mouse: bool,
    /// Who operates, for the journal; else `operator` of migration.yml, else the user's name.
    #[arg(long, global = true, value_name = "NAME", env = "MAOS_MIGRATE_OPERATOR")]
    pub operator: Option<String>,
    /// Begin anew when the journal belongs to other sources; the old journal is kept beside.
    #[arg(long, global = true)]
    pub restart: bool,
}

/// The palettes of the wizard.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Theme {
    /// Ask the terminal for its background once.
    Auto,
    /// For dark backgrounds.
    Dark,
    /// For light backgrounds.
    Light,
    /// For dark backgrounds, without red against green.
    ColourBlindDark,
    /// For light backgrounds, without red against green.
    ColourBlindLight,
    /// No colour at all.
    Mono,
}

/// How an operation is approved.
#[derive(Debug, Clone, Default, Args)]
pub struct Consent {
    /// Approve whatever is planned at that moment; what cannot be undone or removes rows also wants --confirm.
    #[arg(long)]
    pub yes: bool,
    /// Approve exactly the plan with this digest.
    #[arg(long, value_name = "DIGEST", conflicts_with = "yes")]
    pub approve: Option<String>,
    /// The target's name, for what cannot be undone and for what removes rows.
    #[arg(long, value_name = "NAME")]
    pub confirm: Option<String>,
}

/// The verbs.
#[derive(Debug, Subcommand)]
pub enum Verb {
    /// Open the wizard on the workspace (the default).
    Wizard,
    /// Rehearse the whole migration of a sample legacy system in a fresh workspace, everything embedded.
    Demo {
        /// Run it without the wizard, with progress lines and a table at the end.
        #[arg(long)]
        headless: bool,
    },
    /// Probe the machine and the legacy system, keep answers, write assessment.md and assessment.json.
    Assess {
        /// A YAML file of answers by question id: print its assessment; no workspace, no probe, nothing written.
        #[arg(long, value_name = "FILE")]
        answers: Option<PathBuf>,
        /// The approval, where a file that somebody changed would be replaced.
        #[command(flatten)]
        consent: Consent,
    },
    /// Show the readiness score from 0 to 100, its arithmetic and what raises it most.
    Readiness {
        /// A YAML file of answers by question id; without it, the workspace's answers.
        #[arg(long, value_name = "FILE")]
        answers: Option<PathBuf>,
    },
    /// Score, decompose, stage and convert legacy tasks, and give them to MAOS.
    #[command(subcommand)]
    Tasks(Tasks),
    /// Turn a legacy configuration into a MAOS configuration.
    #[command(subcommand)]
    Config(Config),
    /// Turn legacy pickles into MAOS checkpoints; nothing in them is executed.
    #[command(subcommand)]
    Checkpoints(Checkpoints),
    /// Copy the rows of the legacy task table into MAOS's, and prove it.
    #[command(subcommand)]
    Schema(Schema),
    /// Write the report of this workspace: report.md and report.html.
    Report {
        /// The approval, where a file that somebody changed would be replaced.
        #[command(flatten)]
        consent: Consent,
    },
    /// Read the append-only record of everything that happened.
    #[command(subcommand)]
    Journal(Journal),
    /// Check this machine, the terminal and the workspace; every finding with what to do.
    Doctor,
    /// Print completions for a shell.
    Completions {
        /// The shell.
        shell: clap_complete::Shell,
    },
    /// Print the manual page.
    Man,
    /// The rehearsal MAOS by MAOS's documented command line.
    #[command(hide = true, disable_help_flag = true, disable_version_flag = true)]
    RehearsalMaos(Rest),
    /// The sample legacy system of a rehearsal: one task as JSON on standard input, its result on standard output.
    #[command(hide = true)]
    RehearsalLegacy {
        /// Simulated seconds of a unit of work.
        #[arg(long, default_value_t = 0.05)]
        seconds: f64,
    },
    /// Make the place ready where MAOS runs: each line with its check, its effect and its proof.
    #[command(subcommand)]
    Environment(Environment),
    /// Run the same tasks on the legacy system and on MAOS, paired and repeated, and say how much faster it is.
    Compare {
        /// The approval: both systems really do the tasks.
        #[command(flatten)]
        consent: Consent,
    },
    /// Hand the work over: close the legacy side, copy the last rows, prove both ways, start MAOS.
    #[command(subcommand)]
    Cutover(Cutover),
    /// Take MAOS from one version to another, each step with its way back.
    #[command(subcommand)]
    Upgrade(Upgrade),
    /// Run the 19 tests of the migration guide against MAOS, timed and explained.
    Validate {
        /// Run only this test; may be repeated. The results of the others stay.
        #[arg(long, value_name = "NAME")]
        only: Vec<String>,
        /// The approval: the tests send tasks to MAOS.
        #[command(flatten)]
        consent: Consent,
    },
    /// Judge live or recorded figures against the rollback criteria.
    Monitor(Monitor),
    /// Make, prove, list and remove backups of everything that a way back needs.
    #[command(subcommand)]
    Backup(Backup),
    /// Go back as one: data, configuration, checkpoints, version; proved.
    #[command(subcommand)]
    Rollback(Rollback),
}

/// What becomes of the tasks that the legacy side runs at the cut over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum LegacyMode {
    /// Wait for them.
    Drain,
    /// Stop them.
    Freeze,
}

/// What is decided about the work that the legacy side runs. Kept for later calls.
#[derive(Debug, Clone, Default, Args)]
pub struct LegacyWork {
    /// What becomes of running tasks.
    #[arg(long, value_enum)]
    pub mode: Option<LegacyMode>,
    /// Decide about one row that runs: a status (queued, failed, cancelled, completed) or keep. May be repeated; rows that are not
    /// named stand in the way. `none` forgets what was decided.
    #[arg(long, value_name = "KEY=WORD")]
    pub running: Vec<String>,
    /// The same from a file, a line a row.
    #[arg(long, value_name = "FILE")]
    pub running_file: Option<PathBuf>,
}

/// What can be done about the cut over.
#[derive(Debug, Subcommand)]
pub enum Cutover {
    /// Show what would be done, and the plan's digest.
    Plan {
        /// What is decided.
        #[command(flatten)]
        work: LegacyWork,
    },
    /// Hand the work over; one that stands half-way goes on. After MAOS has started only a rollback leads back, so --confirm names
    /// the target.
    ///
    /// A step that fails before that opens the legacy system again by itself. So do tasks that still run after `legacy.drain_within`
    /// seconds: the wizard and --plain ask what becomes of them, a script chooses beforehand with --mode and --running.
    Apply {
        /// What is decided.
        #[command(flatten)]
        work: LegacyWork,
        /// The approval.
        #[command(flatten)]
        consent: Consent,
    },
    /// Open the legacy system again while a cut over stands half-way.
    Undo {
        /// The approval.
        #[command(flatten)]
        consent: Consent,
    },
}

/// What an upgrade is to reach.
#[derive(Debug, Clone, Default, Args)]
pub struct UpgradeWish {
    /// The version, exactly; without it, maos.version of migration.yml. Kept for later calls.
    #[arg(long, value_name = "VERSION")]
    pub to: Option<String>,
    /// Wait up to ten minutes for running tasks. Kept for later calls.
    #[arg(long, overrides_with = "no_wait")]
    pub wait: bool,
    /// Do not wait any more. Kept for later calls.
    #[arg(long)]
    pub no_wait: bool,
}

/// What can be done about the version of MAOS.
#[derive(Debug, Subcommand)]
pub enum Upgrade {
    /// Run the pre-check, show what would be done, and the plan's digest.
    Plan {
        /// What is wished for.
        #[command(flatten)]
        wish: UpgradeWish,
    },
    /// Upgrade; one that stands half-way goes on.
    ///
    /// MAOS is asked to stop and is ended after `maos.stop_within` seconds; nothing is installed while a program runs from its
    /// environment. A step that fails stays where it is: apply tries it again, undo takes everything back.
    Apply {
        /// What is wished for.
        #[command(flatten)]
        wish: UpgradeWish,
        /// The approval.
        #[command(flatten)]
        consent: Consent,
    },
    /// Take back an upgrade that stands half-way: the version before is installed again, and MAOS is started when it ran. A done
    /// upgrade is taken back by a rollback.
    Undo {
        /// The approval.
        #[command(flatten)]
        consent: Consent,
    },
}

/// The words for another program.
#[derive(Debug, Clone, Args)]
pub struct Rest {
    /// All of them.
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    pub words: Vec<String>,
}

/// Where the rules come from.
#[derive(Debug, Clone, Default, Args)]
pub struct Rules {
    /// `default`, `guide`, or a rules file.
    #[arg(long, value_name = "NAME or FILE")]
    pub rules: Option<String>,
    /// A file of additional words for the rules.
    #[arg(long, value_name = "FILE")]
    pub words: Option<PathBuf>,
}

/// What can be done with tasks.
#[derive(Debug, Subcommand)]
pub enum Tasks {
    /// Score how well each task can run in parallel, from 0 to 10, and say why.
    Score {
        /// A tasks file (JSON array, JSON with a list, JSON lines, CSV, YAML), or - for standard input.
        file: PathBuf,
        /// The rules.
        #[command(flatten)]
        rules: Rules,
    },
    /// Split each task into parts, with their order and stages.
    Decompose {
        /// A tasks file, or -.
        file: PathBuf,
        /// The rules.
        #[command(flatten)]
        rules: Rules,
    },
    /// Put a dependency graph into stages: [{id, dependencies, weight?}].
    Stages {
        /// A graph file, or -.
        file: PathBuf,
        /// Also simulate this many agents.
        #[arg(long, value_name = "N")]
        agents: Option<NonZeroUsize>,
    },
    /// Convert tasks to MAOS's format.
    Convert {
        /// A tasks file, or -; without it, the workspace's.
        file: Option<PathBuf>,
        /// Where the converted tasks go.
        #[arg(short, long, value_name = "OUT")]
        out: Option<PathBuf>,
        /// The rules.
        #[command(flatten)]
        rules: Rules,
        /// The approval, where an existing file would be replaced.
        #[command(flatten)]
        consent: Consent,
    },
    /// Give the converted tasks to MAOS, part by part in stages; a run that was cut short goes on, and nothing is given twice.
    Submit {
        /// A file of converted tasks; without it, the workspace's.
        file: Option<PathBuf>,
        /// Give this failed or unknown part again, under a new id of MAOS; may be repeated.
        #[arg(long, value_name = "PART")]
        again: Vec<String>,
        /// Take this unknown part for done; may be repeated.
        #[arg(long, value_name = "PART")]
        done: Vec<String>,
        /// The approval.
        #[command(flatten)]
        consent: Consent,
    },
    /// Cancel in MAOS what was submitted and has not ended.
    Cancel {
        /// The approval.
        #[command(flatten)]
        consent: Consent,
    },
}

/// Output formats of a configuration.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// YAML.
    Yaml,
    /// JSON.
    Json,
}

/// Shapes of MAOS configuration.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Profile {
    /// The keys of the migration guide.
    Guide,
    /// The keys of MAOS's configuration reference.
    Reference,
    /// The keys that the released maos-cli reads.
    Shipped,
}

/// What can be done with configuration.
#[derive(Debug, Subcommand)]
pub enum Config {
    /// Convert one file; no workspace is needed.
    Convert {
        /// A legacy configuration: JSON, YAML or .env.
        file: PathBuf,
        /// Where the MAOS configuration goes.
        #[arg(short, long, value_name = "OUT")]
        out: PathBuf,
        /// The format of OUT.
        #[arg(long, value_enum)]
        format: Option<Format>,
        /// The shape of OUT.
        #[arg(long, value_enum, default_value_t = Profile::Guide)]
        profile: Profile,
        /// The approval, where an existing file would be replaced.
        #[command(flatten)]
        consent: Consent,
    },
    /// Show what would be written in the workspace, and the digest of that plan.
    Plan,
    /// Write the configuration of the workspace.
    Apply {
        /// The approval.
        #[command(flatten)]
        consent: Consent,
    },
}

/// What can be done with the environment.
#[derive(Debug, Subcommand)]
pub enum Environment {
    /// Check every line, show the effects that are needed and the digest of that plan.
    Plan,
    /// Do them, one at a time; the first that fails stops the rest.
    Apply {
        /// The approval.
        #[command(flatten)]
        consent: Consent,
    },
}

/// What can be done with checkpoints.
#[derive(Debug, Subcommand)]
pub enum Checkpoints {
    /// Judge every file of a folder; reads only.
    Scan {
        /// The folder; without it, the workspace's.
        dir: Option<PathBuf>,
        /// A file that declares the legacy application's own classes.
        #[arg(long, value_name = "FILE")]
        classes: Option<PathBuf>,
    },
    /// Show what would be converted, and the plan's digest.
    Plan {
        /// From where to where.
        #[command(flatten)]
        dirs: CheckpointDirs,
    },
    /// Convert, read every result back and prove it.
    Apply {
        /// From where to where.
        #[command(flatten)]
        dirs: CheckpointDirs,
        /// The approval.
        #[command(flatten)]
        consent: Consent,
    },
    /// Read the converted files back and compare them with their sources.
    Verify {
        /// From where to where.
        #[command(flatten)]
        dirs: CheckpointDirs,
    },
}

/// Folders of a checkpoint conversion.
#[derive(Debug, Clone, Default, Args)]
pub struct CheckpointDirs {
    /// The folder of legacy checkpoints; without it, the workspace's.
    #[arg(long, value_name = "DIR", requires = "to")]
    pub from: Option<PathBuf>,
    /// The folder that gets `migrated/`.
    #[arg(long, value_name = "DIR", requires = "from")]
    pub to: Option<PathBuf>,
    /// A file that declares the legacy application's own classes.
    #[arg(long, value_name = "FILE")]
    pub classes: Option<PathBuf>,
    /// Replace this existing, different target file; may be repeated.
    #[arg(long, value_name = "NAME")]
    pub replace: Vec<String>,
}

/// What can be done with rows.
#[derive(Debug, Subcommand)]
pub enum Schema {
    /// Count every distinct value and what it becomes; print the plan's digest.
    Plan {
        /// From where to where.
        #[command(flatten)]
        ends: SchemaEnds,
    },
    /// Copy every row, then prove it by count and by hash, both ways.
    Apply {
        /// From where to where.
        #[command(flatten)]
        ends: SchemaEnds,
        /// The approval.
        #[command(flatten)]
        consent: Consent,
    },
    /// Prove again what was copied; changes nothing.
    Verify {
        /// From where to where.
        #[command(flatten)]
        ends: SchemaEnds,
    },
    /// Remove exactly what the run wrote; rows changed since are listed and stay.
    Undo {
        /// From where to where.
        #[command(flatten)]
        ends: SchemaEnds,
        /// The approval.
        #[command(flatten)]
        consent: Consent,
    },
}

/// What becomes of rows that the legacy system is running.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum RunningRows {
    /// Wait until none runs.
    Drain,
    /// Copy them as queued work.
    Claim,
    /// Leave them behind, listed.
    Keep,
}

/// The two databases of a row migration.
#[derive(Debug, Clone, Default, Args)]
pub struct SchemaEnds {
    /// The legacy database: a `postgres://` or `sqlite://` URL; ${ENV} is replaced.
    #[arg(long, value_name = "URL", requires = "target")]
    pub source: Option<String>,
    /// MAOS's database.
    #[arg(long, value_name = "URL", requires = "source")]
    pub target: Option<String>,
    /// The legacy table.
    #[arg(long, value_name = "TABLE")]
    pub source_table: Option<String>,
    /// MAOS's table.
    #[arg(long, value_name = "TABLE")]
    pub target_table: Option<String>,
    /// The decision about rows that the legacy system is running.
    #[arg(long, value_enum)]
    pub running: Option<RunningRows>,
    /// How many workers copy side by side.
    #[arg(long, value_name = "N")]
    pub workers: Option<usize>,
}

/// How samples are judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum JudgedBy {
    /// Over a window, with bounds and confirmation; the verdict stays.
    Default,
    /// Each sample by its own figures, as in the migration guide.
    Guide,
}

/// Watching; `run` when nothing is named.
#[derive(Debug, Args)]
pub struct Monitor {
    /// What to do.
    #[command(subcommand)]
    pub verb: Option<MonitorVerb>,
}

/// What can be done with a monitor.
#[derive(Debug, Subcommand)]
pub enum MonitorVerb {
    /// Take samples until the watch is over; exit 10 as soon as the verdict is to roll back.
    Run,
    /// One line for a prompt or a script; exit 10 when the verdict is to roll back.
    Status,
    /// Print the arithmetic of a verdict.
    Explain {
        /// The last sample taken at or before this time (RFC 3339); the newest without it.
        #[arg(long, value_name = "TIME")]
        at: Option<String>,
    },
    /// Say that somebody has seen the verdict.
    Ack {
        /// Kept in the journal.
        #[arg(long, value_name = "TEXT")]
        reason: String,
    },
    /// Silence bell and hooks for a while; a new breach is heard all the same.
    Snooze {
        /// For so many minutes; 0 ends a snooze.
        #[arg(long = "for", value_name = "MINUTES")]
        minutes: u32,
        /// Kept in the journal.
        #[arg(long, value_name = "TEXT", default_value = "")]
        reason: String,
    },
    /// Take a latched verdict back.
    Unlatch {
        /// Kept in the journal.
        #[arg(long, value_name = "TEXT")]
        reason: String,
    },
    /// Let a verdict to roll back start the rollback by itself, after a countdown (60 s, monitor.countdown).
    Arm {
        /// Kept in the journal.
        #[arg(long, value_name = "TEXT")]
        reason: String,
        /// The target's name.
        #[arg(long, value_name = "NAME")]
        confirm: String,
    },
    /// No automatic rollback; stops a countdown at once.
    Disarm,
    /// Record the response time to compare with.
    Baseline {
        /// Seconds.
        seconds: f64,
        /// Kept in the journal.
        #[arg(long, value_name = "TEXT")]
        reason: String,
    },
    /// Mark this moment on the chart: a deployment, a change.
    Mark {
        /// What happened.
        text: String,
    },
    /// What changed since a time, for the next shift.
    Handover {
        /// RFC 3339; eight hours ago without it.
        #[arg(long, value_name = "TIME")]
        since: Option<String>,
    },
    /// Judge recorded samples, a JSON line each; exit 10 when the verdict at the end is to roll back.
    Replay {
        /// The samples, or - for standard input.
        file: PathBuf,
        /// How they are judged.
        #[arg(long, value_enum, default_value_t = JudgedBy::Default)]
        policy: JudgedBy,
        /// A file that changes the criteria.
        #[arg(long, value_name = "FILE")]
        criteria: Option<PathBuf>,
    },
}

/// What can be asked of the journal.
#[derive(Debug, Subcommand)]
pub enum Journal {
    /// List the events, a line each.
    List {
        /// Only events after this number.
        #[arg(long, value_name = "SEQ", default_value_t = 0)]
        after: u64,
        /// Only events of this capability.
        #[arg(long, value_name = "NAME")]
        capability: Option<String>,
    },
    /// Show one event, whole.
    Show {
        /// Its number.
        seq: u64,
    },
    /// Write every event as JSON lines.
    Export {
        /// Where to; standard output without it.
        #[arg(short, long, value_name = "FILE")]
        out: Option<PathBuf>,
    },
}
