//! The command line of the rehearsal MAOS.

use std::path::Path;
use std::time::Duration;

use super::state::Held;
use crate::adapters::process::MachineProcesses;
use crate::engine::ports::maos::MaosError;
use crate::engine::ports::process::{Call, Processes as _};

/// Starts the process that executes.
pub(super) async fn detach(folder: &Path) -> Held<()> {
    let machine = |error: &dyn std::fmt::Display| MaosError::Machine(error.to_string());
    let program = std::env::current_exe().map_err(|error| machine(&error))?;
    let words = [
        program.display().to_string(),
        "rehearsal-maos".to_owned(),
        "--state".to_owned(),
        folder.display().to_string(),
        "execute".to_owned(),
    ];
    let call = Call::new(words.to_vec(), Duration::MAX);
    MachineProcesses
        .detach(call, &folder.join("maos.log"))
        .await
        .map(|_| ())
        .map_err(|error| machine(&error.message))
}
