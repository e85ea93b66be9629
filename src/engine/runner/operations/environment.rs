//! `environment apply`: the place where MAOS runs, made ready.

use super::{Prepared, World, unknown};
use crate::engine::capability::Capability;
use crate::engine::environment::{self, APPLY};
use crate::engine::error::Result;
use crate::engine::operation::Control;

/// Plans `verb`.
///
/// # Errors
/// A verb that does not exist, or what [`environment::plan`] refuses.
pub(super) async fn prepare(world: World, verb: &str, _control: Control) -> Result<Prepared> {
    if verb != APPLY {
        return Err(unknown(Capability::Environment, verb));
    }
    let prepared = environment::plan(&world).await?;
    Ok(Prepared {
        plan: prepared.plan.clone(),
        live: None,
        run: Box::new(move |control| {
            Box::pin(async move { environment::apply(&world, &prepared, &control).await })
        }),
    })
}
