//! The score from 0 to 100: four dimensions, gaps, blockers, next actions.
//!
//! [`score`](score()) is pure: answers in, [`Readiness`] out, and its serde form is what `readiness --json` prints.
//! [`sentences`] words it for screens and prompts.

pub mod actions;
pub mod model;
pub mod score;
pub mod sentences;

pub use model::{Action, Band, Blocker, Dimension, DimensionId, Facts, Readiness, TaskFacts};
pub use score::{points, score};
