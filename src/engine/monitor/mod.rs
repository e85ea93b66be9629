//! Watching a migrated system: samples in, a verdict out, with the arithmetic that led to it.
//!
//! The evaluator is pure: [`Evaluator::push`] takes one [`Sample`] after the other and keeps no more than the window, and
//! [`evaluate`] judges a whole history. What is judged and how strictly is data, [`Criteria`], from `assets/criteria.yml`.
//! To add a criterion: a variant of [`Criterion`], its limit in `criteria.rs`, its figure in `evaluator.rs`, its sentence in
//! `verdict.rs`.
//!
//! Rules for figures that cannot be taken as they are:
//! - **missing, null, text, NaN, infinite, negative**: the criterion is unknown in this sample; it neither counts for a
//!   confirmation nor starts it over, and it is never read as zero.
//! - **failed > total, healthy > total, no component at all**: impossible, so unknown.
//! - **a counter that falls**: the counters began anew. Nothing is subtracted across that point. When the next sample is
//!   back where the counters were, the fall was a glitch and is left out.
//! - **a sample with the time of the one before, or an older time**: doubled or late; it is not judged, and the verdict
//!   stands. After three in a row that are older by more than the window the clock was set back, and the window begins anew.
//! - **a sample without a time** stands one interval after the one before.
//! - **a response time that jumps by the unit factor** (seconds to milliseconds): unknown, with both figures named.
//! - **a gap**: the sample before it is the reference for the counters, once; the fast path takes no part in it.

pub mod criteria;
pub mod decide;
pub mod document;
pub mod evaluator;
pub mod explain;
pub mod guide;
pub mod handover;
pub mod json;
pub mod replay;
pub mod sample;
pub mod sampling;
pub mod statistics;
pub mod verdict;
pub mod watch;
mod window;

pub use criteria::{Criteria, Policy, Rule};
pub use evaluator::{Evaluator, evaluate};
pub use sample::{Gap, Health, Probe, Sample, Tasks};
pub use verdict::{Criterion, Judged, State, Verdict, Word};
pub use watch::{Point, Shared, Taken, Watch};
