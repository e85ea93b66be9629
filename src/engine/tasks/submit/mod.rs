//! Submitting converted tasks to MAOS: each part a task of MAOS's own, given once everything it waits for has ended well.
//!
//! [`units`] reads the converted file and puts every part of every task into one order; [`ledger`] knows from the journal what
//! became of each before; [`run`] gives them and follows them. The rule that makes "never twice" hold: the intent with our own
//! reference is in the journal before MAOS is asked, MAOS's id is there before anything else happens, and after a crash MAOS is
//! asked by the reference; where it cannot be asked, a person decides.

pub mod ledger;
pub mod run;
pub mod units;

pub use ledger::{Answer, Ledger, Standing};
pub use units::{LeftOut, Unit, Units};

/// The verb of the operation, under which its lines and outcome are kept.
pub const VERB: &str = "submit";
/// The verb that takes back what MAOS has not ended.
pub const CANCEL: &str = "cancel";
/// The decision that names another file than the workspace's own.
pub const FILE: &str = "submit.file";
/// The decision about one part begins so; see [`ledger::Answer`].
pub const ABOUT: &str = "submit:";
/// Parts in MAOS's hands at once, unless the settings or a person say otherwise.
pub const IN_FLIGHT: usize = 16;
