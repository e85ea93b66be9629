//! The legacy side, driven by the commands of `migration.yml`.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;

use crate::engine::error::{Error, Result};
use crate::engine::operation::Control;
use crate::engine::ports::process::{Call, Ended, Processes, Stdin};
use crate::engine::text::inert_short;
use crate::engine::workspace::SETTINGS_FILE;
use crate::engine::workspace::driving::LegacySettings;

/// Seconds that a command of the legacy side may take.
const LIMIT: Duration = Duration::from_mins(1);

/// A task that the legacy side runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunningTask {
    /// Its id.
    pub id: String,
    /// What else is known of it, in words: `running 3:12, worker 2`.
    pub words: String,
}

/// The commands, and where they run.
#[derive(Clone)]
pub struct LegacySide {
    /// The commands.
    pub settings: LegacySettings,
    /// Programs.
    pub processes: Arc<dyn Processes>,
    /// The workspace's folder.
    pub directory: PathBuf,
}

impl std::fmt::Debug for LegacySide {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LegacySide")
            .field("settings", &self.settings)
            .finish_non_exhaustive()
    }
}

impl LegacySide {
    async fn run(&self, key: &str, argv: &[String], control: Option<&Control>) -> Result<Vec<u8>> {
        if argv.is_empty() {
            return Err(Error::blocked(format!("no command legacy.{key}"))
                .hint(format!("Add legacy.{key} to {SETTINGS_FILE}.")));
        }
        let mut call = Call::new(argv.to_vec(), LIMIT);
        call.directory = Some(self.directory.clone());
        call.stdin = Stdin::Null;
        let words = call.shown();
        let output = self.processes.run(call, control).await?;
        if output.ended == Ended::Stopped {
            return Err(Error::interrupted("stopped at a safe point"));
        }
        let Some(why) = output.trouble() else {
            return Ok(output.stdout);
        };
        Err(Error::unavailable(format!("legacy side, {key}: {words}: {why}")))
    }

    /// Lets no new task in: `drain` waits for what runs, `freeze` ends it.
    ///
    /// # Errors
    /// No command, or it failed.
    pub async fn close(&self, freeze: bool, control: &Control) -> Result<()> {
        let (key, argv) = if freeze {
            ("freeze", &self.settings.freeze)
        } else {
            ("drain", &self.settings.drain)
        };
        self.run(key, argv, Some(control)).await.map(|_| ())
    }

    /// Opens it again and asks whether it can serve. Not stopped by a control: this is the way back.
    ///
    /// # Errors
    /// No command, or one failed.
    pub async fn open(&self) -> Result<String> {
        self.run("open", &self.settings.open, None).await?;
        if self.settings.ready.is_empty() {
            return Ok("opened; whether it serves was not asked".to_owned());
        }
        self.run("ready", &self.settings.ready, None).await?;
        Ok("serves".to_owned())
    }

    /// Whether the legacy side says that it can serve; `None` without a command.
    ///
    /// # Errors
    /// Why not.
    pub async fn ready(&self) -> Result<Option<()>> {
        if self.settings.ready.is_empty() {
            return Ok(None);
        }
        self.run("ready", &self.settings.ready, None)
            .await
            .map(|_| Some(()))
    }

    /// The tasks that it runs, when `legacy.running` lists them.
    ///
    /// # Errors
    /// The command failed or prints no JSON array.
    pub async fn running(&self, control: Option<&Control>) -> Result<Option<Vec<RunningTask>>> {
        if self.settings.running.is_empty() {
            return Ok(None);
        }
        let out = self.run("running", &self.settings.running, control).await?;
        let list: Vec<Value> = serde_json::from_slice(&out).map_err(|error| {
            Error::unavailable(format!(
                "legacy side, running: no JSON array on standard output: {error}"
            ))
        })?;
        Ok(Some(list.iter().map(task).collect()))
    }
}

/// A task from any usual document: a bare id, or an object with an id.
fn task(value: &Value) -> RunningTask {
    let text = |value: &Value| match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    let Value::Object(fields) = value else {
        return RunningTask {
            id: inert_short(&text(value), 60),
            words: String::new(),
        };
    };
    let id = ["id", "task_id", "name"].iter().find_map(|key| fields.get(*key));
    let rest: Vec<String> = fields
        .iter()
        .filter(|(key, _)| !["id", "task_id", "name"].contains(&key.as_str()))
        .map(|(key, value)| format!("{key} {}", text(value)))
        .collect();
    RunningTask {
        id: inert_short(&id.map_or_else(|| "?".to_owned(), text), 60),
        words: inert_short(&rest.join(", "), 80),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_running_task_is_read_from_any_usual_document() {
        let words = |value: Value| {
            let task = task(&value);
            (task.id, task.words)
        };
        assert_eq!(words(json!("a-1")), ("a-1".to_owned(), String::new()));
        assert_eq!(words(json!(7)), ("7".to_owned(), String::new()));
        assert_eq!(
            words(json!({"task_id": 9, "worker": 2})),
            ("9".to_owned(), "worker 2".to_owned())
        );
        assert_eq!(words(json!({})).0, "?");
    }
}
