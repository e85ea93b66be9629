//! Runs a list of steps that each change the world: journaled before and after every effect, resumed where it was, taken back
//! in reverse when one fails.
//!
//! A step is a name, a *check* (is its effect there already?), an *effect*, a *proof* and a *compensation*. The line of a step
//! is recorded as running before its effect and as done after its proof, so a resumed run knows which effects may have
//! happened: it asks the check of a step that was running (and of a done one that is [`Step::rechecked`]) and repeats an effect only
//! where the check does not find it. An effect that is not found may have happened in part, so effects must bear being repeated.
//!
//! It stops only between steps, and not before a step that is [`Step::glued`] to the one before it. To add a step: [`Step::new`]
//! in the list of the operation; keys are unique in a list and never change, since journals hold them.

mod lines;
mod naming;
mod run;
mod step;

pub use lines::{Failure, Heading, RunId, memo_of, run_of, still, unfinished, untold};
pub use naming::{begins, name_of};
pub use run::Run;
pub use step::{Did, HELD, Scene, Standing, Step, asks};
