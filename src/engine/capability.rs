//! The capabilities of the product, each with one name that every layer uses.

use std::fmt;

use serde::{Deserialize, Serialize};

/// One system of the migration guide. The lower-case name is the folder, the screen, the verb and the test folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Capability {
    /// Type, sources, target and safety of this migration.
    Start,
    /// The questionnaire, its probes and the baseline.
    Assess,
    /// The score from 0 to 100, with gaps and actions.
    Readiness,
    /// Score, decompose, stage and convert tasks.
    Tasks,
    /// The place where MAOS runs.
    Environment,
    /// Legacy configuration to MAOS configuration.
    Config,
    /// Legacy pickles to MAOS checkpoints.
    Checkpoints,
    /// `legacy_tasks` to `tasks`.
    Schema,
    /// The same tasks on both systems.
    Compare,
    /// Handing the work over.
    Cutover,
    /// From one MAOS version to another.
    Upgrade,
    /// The guide's tests against MAOS.
    Validate,
    /// Live figures against rollback criteria.
    Monitor,
    /// The evidence for the file.
    Report,
    /// Backups: not a step, used by several.
    Backup,
    /// The way back: not a step, reachable from every one.
    Rollback,
}

impl Capability {
    /// Every capability, steps first, in journey order.
    pub const ALL: [Self; 16] = [
        Self::Start,
        Self::Assess,
        Self::Readiness,
        Self::Tasks,
        Self::Environment,
        Self::Config,
        Self::Checkpoints,
        Self::Schema,
        Self::Compare,
        Self::Cutover,
        Self::Upgrade,
        Self::Validate,
        Self::Monitor,
        Self::Report,
        Self::Backup,
        Self::Rollback,
    ];

    /// The name used for folders, verbs and JSON.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Start => "start",
            Self::Assess => "assess",
            Self::Readiness => "readiness",
            Self::Tasks => "tasks",
            Self::Environment => "environment",
            Self::Config => "config",
            Self::Checkpoints => "checkpoints",
            Self::Schema => "schema",
            Self::Compare => "compare",
            Self::Cutover => "cutover",
            Self::Upgrade => "upgrade",
            Self::Validate => "validate",
            Self::Monitor => "monitor",
            Self::Report => "report",
            Self::Backup => "backup",
            Self::Rollback => "rollback",
        }
    }

    /// The name a person reads on the screen.
    #[must_use]
    pub const fn title(self) -> &'static str {
        match self {
            Self::Start => "Start",
            Self::Assess => "Assess",
            Self::Readiness => "Readiness",
            Self::Tasks => "Tasks",
            Self::Environment => "Environment",
            Self::Config => "Config",
            Self::Checkpoints => "Checkpoints",
            Self::Schema => "Schema",
            Self::Compare => "Compare",
            Self::Cutover => "Cut over",
            Self::Upgrade => "Upgrade",
            Self::Validate => "Validate",
            Self::Monitor => "Monitor",
            Self::Report => "Report",
            Self::Backup => "Backup",
            Self::Rollback => "Rollback",
        }
    }

    /// Whether what its outcome counts was converted; of others these are pairs, tests, steps or properties.
    #[must_use]
    pub const fn converts(self) -> bool {
        matches!(
            self,
            Self::Tasks | Self::Config | Self::Checkpoints | Self::Schema
        )
    }

    /// Whether what its outcome counts as quarantined lies in quarantine; of others these are pairs or tests that failed.
    #[must_use]
    pub const fn sets_aside(self) -> bool {
        !matches!(self, Self::Compare | Self::Validate)
    }
}

impl fmt::Display for Capability {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}
