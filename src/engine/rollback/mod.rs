//! The way back: data, configuration, checkpoints and version as one, from every step and state.
//!
//! Opening it reads: is the backup good, can the old side run, which rows exist only on the new side ([`preflight`]). Going back is
//! a list of steps ([`list`]) that is journaled, resumed and taken back as [`crate::engine::steps`] says. What is restored is made
//! *beside* what is in use and proved there; then both change names in one step. Until then nothing that runs is replaced, and the
//! database that was in use is kept.
//!
//! Where a legacy system takes over again (brownfield, hybrid) its own database was never replaced: going back means that MAOS stops,
//! its new rows go back into the legacy table by choice, MAOS's database becomes that of the backup when one was made, and the legacy
//! system is opened. Where MAOS stays (version upgrade, greenfield) it is started again in the version of the backup.
//!
//! A rollback that is done can be taken back by name while what it set aside is there: [`forth`].
//!
//! To add a step: its key and deed in [`list`], its title in [`titles`]; keys stand in journals and never change.

mod back_in_service;
mod carry;
mod deeds;
mod forth;
mod list;
mod preflight;
mod rehearse;
mod result;
mod titles;
mod trees;
mod world;

pub use carry::{NewRows, Since, as_legacy};
pub use forth::{Forth, forth_steps};
pub use list::{steps, undone};
pub use preflight::{Line, Preflight, Sign, look};
pub use rehearse::{RehearsePlan, rehearse_steps, rehearsed};
pub use result::{RESULT, RollbackResult, log};
pub use titles::title;
pub use world::{Mode, Params, Place};
