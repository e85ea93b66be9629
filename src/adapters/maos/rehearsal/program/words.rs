//! The words of the command line, as MAOS's documentation gives them.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

/// REHEARSAL: a stand-in that speaks MAOS's documented command line over a state of its own.
#[derive(Debug, Parser)]
#[command(name = "maos", disable_version_flag = true, disable_help_subcommand = true, color = clap::ColorChoice::Never)]
pub(super) struct Words {
    /// The folder of its state.
    #[arg(
        long,
        global = true,
        value_name = "DIR",
        env = "MAOS_REHEARSAL_DIR",
        default_value = "rehearsal"
    )]
    pub(super) state: PathBuf,
    /// The form of the answer.
    #[arg(long, global = true, value_enum, default_value_t = Form::Table)]
    pub(super) output: Form,
    /// The form of the answer.
    #[arg(long, global = true, value_enum)]
    pub(super) format: Option<Form>,
    /// Print the version.
    #[arg(long)]
    pub(super) version: bool,
    /// What to do.
    #[command(subcommand)]
    pub(super) verb: Option<Verb>,
}

/// Forms of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Form {
    /// For people.
    Table,
    /// One JSON document.
    Json,
}

#[derive(Debug, Subcommand)]
pub(super) enum Verb {
    /// Make MAOS's files.
    Init,
    /// Print the version.
    Version {
        /// The number alone.
        #[arg(long)]
        short: bool,
    },
    /// Start MAOS and return.
    Start {
        /// Run in the background, which it always does here.
        #[arg(short, long)]
        daemon: bool,
        /// Agents side by side.
        #[arg(long)]
        max_agents: Option<usize>,
        /// A configuration file, which is checked.
        #[arg(long)]
        config: Option<PathBuf>,
    },
    /// Stop MAOS.
    Stop {
        /// Let running tasks end, which is the default.
        #[arg(long)]
        graceful: bool,
        /// Seconds to wait for them.
        #[arg(long, default_value_t = 30)]
        timeout: u64,
        /// At once.
        #[arg(short, long)]
        force: bool,
    },
    /// Tell the health of the components.
    Health {
        /// Every component.
        #[arg(long)]
        all_components: bool,
        /// One component.
        #[arg(long)]
        component: Option<String>,
    },
    /// Tell figures of the system.
    Status {
        /// More of them.
        #[arg(short, long)]
        detailed: bool,
    },
    /// Tasks.
    #[command(subcommand)]
    Task(Task),
    /// Checkpoints.
    #[command(subcommand)]
    Checkpoint(Checkpoint),
    /// The database.
    #[command(subcommand)]
    Db(Db),
    /// The configuration.
    #[command(subcommand)]
    Config(Config),
    /// Turn a knob of the rehearsal: knob NAME VALUE, knob NAME to turn it back.
    #[command(hide = true)]
    Knob {
        /// Which.
        name: String,
        /// A JSON value.
        value: Option<String>,
    },
    /// Execute until stopped.
    #[command(hide = true)]
    Execute,
}

#[derive(Debug, Subcommand)]
pub(super) enum Task {
    /// Submit a task.
    Submit(Submit),
    /// Show a task.
    Show {
        /// Its id.
        id: String,
        /// With its parts.
        #[arg(long)]
        subtasks: bool,
        /// With everything.
        #[arg(long)]
        all: bool,
    },
    /// List tasks.
    List {
        /// Only in these states.
        #[arg(long, value_delimiter = ',')]
        status: Vec<String>,
        /// At most so many.
        #[arg(long)]
        limit: Option<usize>,
        /// Leave out so many first.
        #[arg(long, default_value_t = 0)]
        offset: usize,
        /// Only how many.
        #[arg(long)]
        count: bool,
    },
    /// Cancel a task.
    Cancel {
        /// Its id.
        id: String,
        /// Do not ask.
        #[arg(long)]
        no_confirm: bool,
    },
    /// Wait until a task has ended.
    Wait {
        /// Its id.
        id: String,
        /// Seconds at most.
        #[arg(long, default_value_t = 3600)]
        timeout: u64,
    },
}

#[derive(Debug, Args)]
pub(super) struct Submit {
    /// What to do.
    pub(super) description: String,
    /// research, coding, analysis, testing, documentation, mixed.
    #[arg(long = "type")]
    pub(super) kind: Option<String>,
    /// LOW, NORMAL or MEDIUM, HIGH, CRITICAL.
    #[arg(long)]
    pub(super) priority: Option<String>,
    /// Agents side by side at most.
    #[arg(long)]
    pub(super) max_agents: Option<u32>,
    /// Seconds.
    #[arg(long)]
    pub(super) timeout: Option<u64>,
    /// A JSON object; its `reference` is given back by show and list.
    #[arg(long)]
    pub(super) metadata: Option<String>,
    /// Ids of tasks that come first; may be repeated.
    #[arg(long, value_delimiter = ',')]
    pub(super) depends_on: Vec<String>,
    /// Words to find it by, which are not kept.
    #[arg(long, value_delimiter = ',')]
    pub(super) tags: Vec<String>,
}

#[derive(Debug, Subcommand)]
pub(super) enum Checkpoint {
    /// Make one.
    Create {
        /// What it is called.
        #[arg(long, visible_alias = "name")]
        description: Option<String>,
    },
    /// List them.
    List,
    /// Show what one holds.
    Show {
        /// Its id.
        id: String,
    },
    /// Put tasks and shared state back.
    Restore {
        /// Its id.
        id: String,
        /// Do not ask.
        #[arg(long)]
        force: bool,
    },
}

#[derive(Debug, Subcommand)]
pub(super) enum Db {
    /// Bring the database to the newest form.
    Migrate {
        /// Only tell.
        #[arg(long)]
        dry_run: bool,
    },
    /// Tell its form.
    Status,
}

#[derive(Debug, Subcommand)]
pub(super) enum Config {
    /// Check a configuration file.
    Validate {
        /// The file.
        #[arg(long)]
        file: Option<PathBuf>,
        /// Say more.
        #[arg(long)]
        detailed: bool,
    },
}
