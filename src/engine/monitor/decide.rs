//! What people may decide about a watch, and how a decision reaches a session that another process operates.
//!
//! A decision is the event `decided` of the capability monitor, with one of these subjects. To add one: a line in [`check`],
//! its effect in [`super::watch::Watch::decided`].

use std::path::PathBuf;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::watch::Watch;
use crate::engine::capability::Capability;
use crate::engine::command::Command;
use crate::engine::error::{Error, ErrorKind, Result};
use crate::engine::workspace::{Workspace, files};

/// The countdowns that leave a person time to stop an armed rollback, and that do not leave a broken system running all night; seconds.
pub const COUNTDOWNS: std::ops::RangeInclusive<u64> = 5..=3_600;
const COUNTDOWN: &str = "countdown";
const LONGEST: usize = 1_000;
const FOLDER: &str = "monitor/requests";
const LARGEST: u64 = 64 * 1024;

/// Checks a decision before it is recorded. `target` is the name that has to be typed to arm.
///
/// # Errors
/// What is missing, in words.
pub fn check(
    watch: Option<&Watch>,
    now: Timestamp,
    target: &str,
    subject: &str,
    choice: &Value,
) -> Result<()> {
    let text = |key: &str| choice.get(key).and_then(Value::as_str).unwrap_or_default().trim();
    let usage = |message: String| Err(Error::new(ErrorKind::Usage, message));
    if choice.to_string().len() > LONGEST {
        return usage("that is too long for a decision".to_owned());
    }
    let reasoned = || -> Result<()> {
        if text("reason").is_empty() {
            return Err(Error::new(ErrorKind::Usage, format!("{subject} needs a reason"))
                .hint("Give --reason TEXT. It is kept in the journal with your name."));
        }
        Ok(())
    };
    let watched = || watch.ok_or_else(|| Error::blocked("nothing is watched yet"));
    match subject {
        "watching" if choice.is_boolean() => Ok(()),
        "acknowledge" => {
            reasoned()?;
            watched().map(|_| ())
        }
        "unlatch" => {
            reasoned()?;
            if watched()?.should_roll_back() {
                Ok(())
            } else {
                Err(Error::blocked("no verdict is latched"))
            }
        }
        "snooze" if choice.is_null() => watched().map(|_| ()),
        "snooze" => {
            reasoned()?;
            let until: Timestamp = text("until")
                .parse()
                .map_err(|_| Error::new(ErrorKind::Usage, "snooze needs an end"))?;
            if until <= now {
                return usage("the end of the snooze has passed already".to_owned());
            }
            if until.as_second() - now.as_second() > 24 * 3600 {
                return usage("a snooze ends within 24 hours".to_owned());
            }
            watched().map(|_| ())
        }
        "armed" | "countdown" if choice.is_null() => watched().map(|_| ()),
        "armed" => {
            reasoned()?;
            if text("target") != target {
                return Err(
                    Error::blocked("automatic rollback is armed by typing the name of the target")
                        .hint(format!("Name it exactly: {target}")),
                );
            }
            watched().map(|_| ())
        }
        "baseline" => {
            let seconds = choice.get("seconds").and_then(Value::as_f64);
            if !seconds.is_some_and(|seconds| seconds.is_finite() && seconds > 0.0) {
                return usage("a baseline is a number of seconds above zero".to_owned());
            }
            reasoned()?;
            watched().map(|_| ())
        }
        "mark" if text("text").is_empty() => Err(Error::new(ErrorKind::Usage, "a mark needs a text")
            .hint("Say what happened, as in monitor mark 'version 2.1 deployed'.")),
        "mark" => watched().map(|_| ()),
        other => usage(format!("the monitor knows no decision {other} of that form")),
    }
}

/// A decision on its way to the session that operates the workspace.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Asked {
    /// What is decided.
    pub subject: String,
    /// How.
    pub choice: Value,
    /// Who.
    pub by: String,
    /// When it was asked.
    pub at: Timestamp,
}

impl Asked {
    /// The countdown of an automatic rollback, stopped by `by`.
    #[must_use]
    pub fn to_stop_countdown(by: &str, at: Timestamp) -> Self {
        Self {
            subject: COUNTDOWN.to_owned(),
            choice: Value::Null,
            by: by.to_owned(),
            at,
        }
    }
}

/// Whether a command stops the countdown of an automatic rollback: what anybody may do, also who only looks.
#[must_use]
pub fn stops_countdown(command: &Command) -> bool {
    matches!(
        command,
        Command::Decide { capability: Capability::Monitor, subject, choice: Value::Null } if subject == COUNTDOWN
    )
}

/// Leaves a decision for the operating session, which takes it within a second.
///
/// # Errors
/// When the file cannot be written.
pub fn leave(workspace: &Workspace, asked: &Asked) -> Result<PathBuf> {
    let folder = workspace.path(FOLDER);
    std::fs::create_dir_all(&folder).map_err(|error| Error::io("make", &folder, &error))?;
    let text = serde_json::to_vec(asked).map_err(|error| Error::bug(error.to_string()))?;
    let path = folder.join(format!("{}.json", uuid::Uuid::now_v7()));
    files::write_atomic(&path, &text, files::PRIVATE)?;
    Ok(path)
}

/// Takes the decisions that were left, oldest first. What cannot be read is removed and told as an error.
#[must_use]
pub fn collect(workspace: &Workspace) -> Vec<Result<Asked>> {
    let folder = workspace.path(FOLDER);
    let Ok(entries) = std::fs::read_dir(&folder) else {
        return Vec::new();
    };
    let mut paths: Vec<PathBuf> = entries
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| path.extension().is_some_and(|ending| ending == "json"))
        .collect();
    paths.sort();
    paths
        .into_iter()
        .map(|path| {
            let small = std::fs::metadata(&path).is_ok_and(|meta| meta.is_file() && meta.len() <= LARGEST);
            let read = if small {
                std::fs::read(&path).map_err(|error| Error::io("read", &path, &error))
            } else {
                Err(Error::input(format!("{} is no decision", path.display())))
            };
            // Removed first: a decision that cannot be taken must not be asked for for ever.
            std::fs::remove_file(&path).map_err(|error| Error::io("remove", &path, &error))?;
            serde_json::from_slice(&read?)
                .map_err(|error| Error::input(format!("{} is no decision: {error}", path.display())))
        })
        .collect()
}
