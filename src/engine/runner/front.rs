//! The commands of the first screens: settings, answers, probes, score, readings.

use super::Reply;
use super::dispatch::Dispatcher;
use crate::engine::capability::Capability;
use crate::engine::command::Command;
use crate::engine::error::{Error, Result};

impl Dispatcher {
    pub(super) async fn front(&mut self, command: Command) -> Result<Reply> {
        Err(Error::bug(format!("not wired: {command:?}")))
    }

    /// What follows the end of an operation: readings that are old now.
    pub(super) fn after(&mut self, capability: Capability) {
        let _ = capability;
    }
}
