//! Operations of `validate` from the workspace.

use super::{Prepared, World, unknown};
use crate::engine::capability::Capability;
use crate::engine::error::Result;
use crate::engine::operation::Control;

/// Plans `verb`.
///
/// # Errors
/// A verb that does not exist.
#[expect(clippy::unused_async, reason = "the shape that every operation has")]
pub(super) async fn prepare(_world: World, verb: &str, _control: Control) -> Result<Prepared> {
    Err(unknown(Capability::Validate, verb))
}
