//! Stages of a dependency graph of any size: plan, critical path, metrics, what-if schedule, cycles, hints.

mod cycles;
pub mod file;
mod graph;
mod metrics;
mod plan;
mod schedule;

pub use cycles::{Knot, knots};
pub use graph::Graph;
pub use metrics::{Metrics, suggestions};
pub use plan::{CriticalPath, StagePlan, critical_path, urgency};
pub use schedule::{Makespan, Simulation};
