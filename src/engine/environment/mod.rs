//! The place where MAOS runs, made ready line by line: each is a check, an effect where one is needed, and a proof. Looking
//! ([`look()`]) changes nothing; applying ([`apply()`]) does one effect at a time and stops at the first that fails; doing it again
//! finds everything in place.
//!
//! To add a line: a variant of [`Key`], its check in `look.rs`, its effect in `apply.rs`.

mod apply;
mod look;
mod model;
mod python;
mod settings_file;

pub use apply::{Prepared, apply, plan};
pub use look::look;
pub use model::{Found, Key, Line, MaosFound, View};

use super::capability::Capability;
use super::item::ItemState;
use super::snapshot::Snapshot;

/// The verb of its operation.
pub const APPLY: &str = "apply";

/// Whether the environment is proved; else how many of its lines are, and of how many.
///
/// # Errors
/// The count, when it is not proved.
pub fn proved(snapshot: &Snapshot) -> Result<(), (usize, usize)> {
    let step = snapshot.steps.get(&Capability::Environment);
    if step.is_some_and(|step| step.activity.is_done()) {
        return Ok(());
    }
    let done = step
        .and_then(|step| step.items.get(APPLY))
        .map_or(0, |items| items.count(ItemState::Done));
    Err((done, Key::ALL.len()))
}
