//! Reading, scoring, decomposing, staging and converting legacy tasks.
//!
//! The rooms, in the order the data flows: [`input`] reads records from any file shape within a bound of bytes; [`rules`]
//! holds the words (data in `assets/rules/`); [`grammar`] turns a description into subtasks with dependencies; [`stages`]
//! orders a graph of any size and measures it; [`score`] judges how much can run side by side; [`decompose()`] puts these
//! together; [`edit`] changes a plan by hand; [`convert`] writes MAOS tasks; [`submit`] gives them to MAOS; [`verbs`] is what scripts call, [`view`] what
//! the Tasks screen draws.

pub mod convert;
pub mod decompose;
pub mod edit;
pub mod grammar;
pub mod input;
pub mod model;
pub mod rules;
pub mod score;
pub mod stages;
pub mod submit;
pub mod types;
pub mod verbs;
pub mod view;

pub use decompose::{Decomposition, Parallelism, Subtask, decompose};
pub use model::{Band, TaskId};
pub use rules::Rules;
