//! From one MAOS version to another: the pre-check with its evidence, then checkpoint, stop, install exactly that version, migrate
//! the database, check the configuration without touching it, start, wait until ready, validate.
//!
//! Each step is journaled with its compensation. A step that fails leaves everything where it is: a person tries it again, or has it
//! taken back (`upgrade undo`), and both are plans.

mod compatibility;
mod plan;
mod precheck;
mod python;
mod steps;

pub use compatibility::{Compatibility, Release, is_version};
pub use plan::{plan, undo_plan};
pub use precheck::{Facts, precheck};
pub use python::{Installed, Python};
pub use steps::{KEYS, Upgrade, only_rolled_back, steps};

/// The workspace's own table of releases.
pub const TABLE: &str = "upgrade/compatibility.yml";
/// What is known of an installation while it runs, in the workspace.
pub const MARK: &str = "upgrade/installing.json";

/// Since when MAOS has been stopped by an upgrade that did not start it again, by the lines of `apply`; `None` when it runs.
#[must_use]
pub fn stopped_since(lines: &crate::engine::item::Items) -> Option<jiff::Timestamp> {
    crate::engine::steps::still(lines, "stop", "stopped_at", "start")
}
