//! The arguments of `backup` and `rollback`.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

use super::Consent;

/// What can be done with backups.
#[derive(Debug, Subcommand)]
pub enum Backup {
    /// Make a backup and prove it by a restore into a scratch database.
    Create {
        /// What and where, without a workspace.
        #[command(flatten)]
        ends: BackupEnds,
        /// The approval.
        #[command(flatten)]
        consent: Consent,
    },
    /// Prove a backup: its hashes, then a restore in which its mark, counts and contents are found.
    Verify {
        /// Its name; without it, the newest that is not verified.
        id: Option<String>,
        /// What and where, without a workspace.
        #[command(flatten)]
        ends: BackupEnds,
        /// The approval.
        #[command(flatten)]
        consent: Consent,
    },
    /// List the backups, the newest first.
    List {
        /// Where, without a workspace.
        #[command(flatten)]
        ends: BackupEnds,
    },
    /// Remove old backups; the newest verified ones stay.
    Prune {
        /// Where, without a workspace.
        #[command(flatten)]
        ends: BackupEnds,
        /// How many verified ones stay; with --into only, else backup.keep of migration.yml.
        #[arg(long, value_name = "N")]
        keep: Option<usize>,
        /// The approval.
        #[command(flatten)]
        consent: Consent,
    },
}

/// A database and a folder of backups named on the command line.
#[derive(Debug, Clone, Args)]
pub struct BackupEnds {
    /// postgres://… or sqlite://…; ${NAME} is taken from the environment.
    #[arg(long, value_name = "URL")]
    pub database: Option<String>,
    /// The folder of backups; without it, the workspace's.
    #[arg(long, value_name = "DIR")]
    pub into: Option<PathBuf>,
    /// The table whose keys are kept, to tell later what is new.
    #[arg(long, value_name = "TABLE", default_value = "tasks")]
    pub table: String,
}

impl BackupEnds {
    /// Whether no workspace is meant.
    #[must_use]
    pub const fn alone(&self) -> bool {
        self.database.is_some() || self.into.is_some()
    }
}

/// What becomes of rows that exist only on the new side.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum NewRows {
    /// Carried back into what is restored, or into the legacy system.
    Carry,
    /// Written to a file of the workspace.
    Export,
}

/// What a rollback goes back to, and with what.
#[derive(Debug, Clone, Args)]
pub struct RollbackChoice {
    /// The backup; without it, the one chosen before, else the newest verified.
    #[arg(long, value_name = "ID")]
    pub backup: Option<String>,
    /// Rows that exist only on the new side; without it, as chosen before, else carried.
    #[arg(long, value_enum, value_name = "CHOICE")]
    pub rows: Option<NewRows>,
    /// Restore although the legacy system does not start; it is not opened then.
    #[arg(long)]
    pub restore_only: bool,
    /// Take over from whoever operates the workspace, with the reason.
    #[arg(long, value_name = "REASON")]
    pub take_over: Option<String>,
}

/// The way back.
#[derive(Debug, Subcommand)]
pub enum Rollback {
    /// Show the pre-flight and the plan, and its digest; nothing is changed.
    Plan {
        /// To what.
        #[command(flatten)]
        choice: RollbackChoice,
    },
    /// Go back, or go on with a rollback that was interrupted.
    Apply {
        /// To what.
        #[command(flatten)]
        choice: RollbackChoice,
        /// The approval.
        #[command(flatten)]
        consent: Consent,
    },
    /// Give up a rollback that was interrupted: take back what it did, so that the present state stays.
    Keep {
        /// Take over from whoever operates the workspace, with the reason.
        #[arg(long, value_name = "REASON")]
        take_over: Option<String>,
        /// The approval.
        #[command(flatten)]
        consent: Consent,
    },
    /// Take back a rollback that is done: use the database, files and version from before it again, export rows that came since.
    Return {
        /// The approval.
        #[command(flatten)]
        consent: Consent,
    },
    /// Restore, prove and swap on a copy, and time it; nothing in use is touched.
    Rehearse {
        /// To what.
        #[command(flatten)]
        choice: RollbackChoice,
        /// The approval.
        #[command(flatten)]
        consent: Consent,
    },
}
