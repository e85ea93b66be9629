//! The questionnaire, its probes, the baseline and the two assessment files.
//!
//! [`Questionnaire`] says what is asked (data: `assets/questionnaire.yml`), [`Answers`] what is answered, by whom and
//! how it is known. [`probing`] runs the probes of [`crate::engine::ports::probe`] side by side; [`mod@derive`] works out
//! the answers that follow from others. [`document`] renders `assessment.md` and `assessment.json`, [`view`] what a
//! form shows, [`dialogue`] what the numbered prompts say. Nothing here reads a clock or a file.

pub mod answers;
pub mod answers_file;
pub mod baseline;
pub mod decimal;
pub mod derive;
pub mod dialogue;
pub mod document;
pub mod probing;
pub mod question;
pub mod questionnaire;
mod questionnaire_file;
pub mod value;
pub mod view;

pub use answers::{Answer, Answers, Finding, Settled, Source};
pub use decimal::Decimal;
pub use question::{Kind, Question, Refusal};
pub use questionnaire::{Questionnaire, Section};
pub use value::Value;
