//! The same tasks on both systems: paired, repeated, with the order alternated, and what that says about moving.
//!
//! | file | what it is |
//! |---|---|
//! | `model` | a run of one task on one side, a pair of them |
//! | `schedule` | which pairs, in which order, and which side goes first |
//! | `statistics` | medians and their intervals |
//! | `summary` | the figures over all pairs, and the guide's recommendation |
//! | `report` | the JSON document |
//! | `legacy` | running a task on the legacy side |
//! | `wait` | waiting for a task that MAOS has taken |
//! | `usage` | what the programs of a run used |
//! | `job` | the run itself, resumable pair by pair |
//!
//! Only pairs that succeeded on both sides are compared; a figure that was not learned is absent, never a default.

pub mod job;
pub mod legacy;
pub mod model;
pub mod report;
pub mod schedule;
pub mod statistics;
pub mod summary;
pub mod usage;
pub mod wait;

pub use model::{Ended, Pair, Run, Side};
pub use summary::{Recommendation, Summary, summarize};

/// The verb of the run.
pub const RUN: &str = "run";

/// Where the report lies in a workspace.
pub const REPORT: &str = "compare/migration_test_report.json";
