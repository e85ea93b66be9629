//! The result document of a rollback, with the guide's fields.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::engine::error::{Error, Result};
use crate::engine::item::Item;
use crate::engine::workspace::{Workspace, files};

/// Where it lies in the workspace.
pub const RESULT: &str = "rollback/rollback_result.json";

/// `rollback/rollback_result.json`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RollbackResult {
    /// Whether everything was done and proved.
    pub success: bool,
    /// Seconds.
    pub duration: f64,
    /// A line a step.
    pub log: Vec<String>,
    /// What told that it is ready.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub health_check: Option<String>,
    /// Why it was not done, and in which state things are.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// The run's name.
    pub run: String,
    /// What was decided.
    pub params: Value,
}

/// The lines of the steps that were reached.
#[must_use]
pub fn log(lines: &[Item]) -> Vec<String> {
    lines
        .iter()
        .filter(|line| line.state.ended())
        .map(|line| {
            let took = line
                .ms
                .map_or_else(String::new, |ms| format!(" ({}.{:03} s)", ms / 1000, ms % 1000));
            format!("{}: {}{took}: {}", line.title, line.state.word(), line.text)
        })
        .collect()
}

impl RollbackResult {
    /// Writes it.
    ///
    /// # Errors
    /// When the workspace cannot be written.
    pub fn write(&self, workspace: &Workspace) -> Result<()> {
        let text = serde_json::to_string_pretty(self).map_err(|error| Error::bug(error.to_string()))?;
        let text = crate::engine::workspace::secrets::scrub(&text).into_owned();
        files::write_atomic(
            &workspace.path(RESULT),
            format!("{text}\n").as_bytes(),
            files::SHARED,
        )
        .map(|_| ())
    }
}
