//! MAOS in the languages it speaks. To add one: a module here with its [`Maos`], its place in [`Opener`].

pub mod rehearsal;

use std::sync::Arc;

use crate::engine::error::{Error, Result};
use crate::engine::ports::OpenMaos;
use crate::engine::ports::maos::Maos;
use crate::engine::workspace::{Settings, Workspace};

/// What `target.maos` says for the embedded stand-in.
const REHEARSAL: &str = "rehearsal";

/// Opens the MAOS that the settings name.
#[derive(Debug, Default)]
pub struct Opener;

impl OpenMaos for Opener {
    fn open(&self, workspace: &Workspace, settings: &Settings) -> Result<Arc<dyn Maos>> {
        match &settings.maos {
            None => Err(Error::input("no MAOS is named").hint("Set target.maos in migration.yml.")),
            Some(named) if named == REHEARSAL => Ok(Arc::new(rehearsal::Rehearsal::in_process(
                workspace,
                &settings.driving,
            ))),
            Some(_) => Err(Error::unavailable("this MAOS cannot be driven yet")),
        }
    }
}
