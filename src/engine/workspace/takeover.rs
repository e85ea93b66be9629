//! Asking whoever operates a workspace to hand it over, for a rollback. A file says who asks and why; the operating session sees it,
//! stops at its next safe point and lets go of its lock. Only the lock decides who operates.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::{Holder, Workspace, files};
use crate::engine::error::{Error, Result};

/// What is asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Request {
    /// Who asks.
    pub by: Holder,
    /// Why.
    pub reason: String,
    /// Why it was refused; empty while it is not.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub refused: String,
}

fn path(workspace: &Workspace) -> PathBuf {
    workspace.path(".takeover.json")
}

/// What is being asked, when anything is.
#[must_use]
pub fn asked(workspace: &Workspace) -> Option<Request> {
    let text = std::fs::read(path(workspace)).ok()?;
    serde_json::from_slice(&text).ok()
}

/// Asks.
///
/// # Errors
/// When the workspace cannot be written.
pub fn ask(workspace: &Workspace, request: &Request) -> Result<()> {
    let text = serde_json::to_string(request).map_err(|error| Error::bug(error.to_string()))?;
    files::write_atomic(&path(workspace), text.as_bytes(), files::PRIVATE).map(|_| ())
}

/// Takes the question back: it was answered, or is not asked any more.
pub fn settle(workspace: &Workspace) {
    // A question that stays is seen by the next session, which finds that its asker is gone.
    let _ = std::fs::remove_file(path(workspace));
}

/// Whether the process that asks still lives; of another machine nothing can be said, so it counts as alive.
#[must_use]
pub fn is_alive(request: &Request, own_host: &str) -> bool {
    request.by.host != own_host || std::path::Path::new(&format!("/proc/{}", request.by.pid)).exists()
}
