//! Handing the work over: the legacy side takes no new tasks, what it still runs ends, the last rows cross and are proved to be
//! all, MAOS starts and is ready, and the monitor gets its first figures. Nobody serves meanwhile, so the gap is counted.
//!
//! The point of no return is the start of MAOS: before it the legacy side is opened again with nothing lost; after it, rows that
//! only MAOS has come back by a rollback. Queued rows are imported while MAOS stands still, so approving the plan, which counts
//! them, is the consent to run them.

mod drain;
mod legacy;
mod plan;
mod ready;
mod steps;

pub use drain::{Answer, Choice, DRAIN, Question, Undecided, question};
pub use legacy::{LegacySide, RunningTask};
pub use plan::{KEYS, Mode, plan, undo_plan};
pub use ready::ready;
pub use steps::{Over, START_SNAPSHOT, steps};

/// Since when the legacy side has been closed while nobody serves, by the lines of `apply`; `None` when somebody does.
#[must_use]
pub fn closed_since(lines: &crate::engine::item::Items) -> Option<jiff::Timestamp> {
    crate::engine::steps::still(lines, "close", "closed_at", "start")
}
