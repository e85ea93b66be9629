//! Running a task on the legacy side: a command with the task as JSON on its standard input, or an HTTP call with it as body.
//!
//! The document that comes back says whether the task succeeded: `success: false` or a `status` that is a failure says no;
//! otherwise exit code 0, or an HTTP status of the 200s, says yes. What is no JSON document is a failure.

use std::sync::Arc;
use std::time::{Duration, Instant};

use secrecy::SecretString;
use serde_json::Value;

use super::model::Ended;
use crate::engine::error::{Error, ErrorKind, Result};
use crate::engine::journey::Locked;
use crate::engine::operation::Control;
use crate::engine::ports::Ports;
use crate::engine::ports::http::{Http, Post, Posted};
use crate::engine::ports::maos::TaskStatus;
use crate::engine::ports::process::{Call, Ended as Exit, Output, Processes, Stdin};
use crate::engine::text::inert_short;
use crate::engine::workspace::driving::LegacySettings;
use crate::engine::workspace::{SETTINGS_FILE, Workspace, secrets};

/// Bytes of an answer that are kept.
const KEPT: usize = 4 * 1024 * 1024;

/// How a task is run.
#[derive(Debug, Clone)]
enum Way {
    Command(Vec<String>),
    Url {
        url: SecretString,
        shown: String,
        headers: Vec<(String, SecretString)>,
    },
}

/// The legacy side.
#[derive(Clone)]
pub struct LegacySide {
    way: Way,
    workspace: Workspace,
    processes: Arc<dyn Processes>,
    http: Arc<dyn Http>,
}

impl std::fmt::Debug for LegacySide {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LegacySide")
            .field("way", &self.words())
            .finish_non_exhaustive()
    }
}

/// What one run on the legacy side gave.
#[derive(Debug, Clone, PartialEq)]
pub struct Answered {
    /// How it ended.
    pub ended: Ended,
    /// From start to end.
    pub seconds: f64,
    /// Why it did not succeed.
    pub why: String,
    /// What came back.
    pub document: Option<Value>,
}

/// Why the comparison cannot run with these settings; `None` when it can.
#[must_use]
pub fn locked(settings: &LegacySettings) -> Option<Locked> {
    (settings.run.is_empty() && settings.run_url.is_none()).then(|| Locked {
        sentence: format!(
            "no legacy command. Add legacy.run to {SETTINGS_FILE}; it gets a task as JSON on stdin."
        ),
        goes_to: None,
    })
}

impl LegacySide {
    /// The legacy side that the settings name.
    ///
    /// # Errors
    /// [`ErrorKind::Blocked`] when they name none, [`ErrorKind::Input`] for an address that cannot be used.
    pub fn of(settings: &LegacySettings, workspace: &Workspace, ports: &Ports) -> Result<Self> {
        if let Some(locked) = locked(settings) {
            return Err(locked.into());
        }
        let lookup = |name: &str| std::env::var(name).ok();
        let way = match &settings.run_url {
            Some(url) if settings.run.is_empty() => {
                let resolved = secrets::resolve(url, "legacy.run_url", workspace.root(), &lookup)?;
                let http = ["http://", "https://"]
                    .iter()
                    .any(|scheme| resolved.expose().starts_with(scheme));
                if !http {
                    return Err(Error::input("legacy.run_url is no HTTP address")
                        .hint("Write http://HOST/PATH or https://HOST/PATH."));
                }
                let mut headers = Vec::new();
                for (name, value) in &settings.run_headers {
                    let place = format!("legacy.run_headers.{name}");
                    let value = secrets::resolve(value, &place, workspace.root(), &lookup)?;
                    headers.push((name.clone(), value.value));
                }
                Way::Url {
                    url: resolved.value,
                    shown: resolved.shown,
                    headers,
                }
            }
            _ => Way::Command(settings.run.clone()),
        };
        Ok(Self {
            way,
            workspace: workspace.clone(),
            processes: Arc::clone(&ports.processes),
            http: Arc::clone(&ports.http),
        })
    }

    /// How it is run, in words, without secrets.
    #[must_use]
    pub fn words(&self) -> String {
        match &self.way {
            Way::Command(argv) => inert_short(&argv.join(" "), 200),
            Way::Url { shown, .. } => inert_short(shown, 200),
        }
    }

    /// Whether its programs run under us, so that they can be measured.
    #[must_use]
    pub const fn measurable(&self) -> bool {
        matches!(self.way, Way::Command(_))
    }

    /// Runs one task.
    ///
    /// # Errors
    /// [`ErrorKind::Unavailable`] when no task can be run at all, [`ErrorKind::Interrupted`] when a stop was asked for.
    pub async fn run(&self, task: &Value, limit: Duration, control: &Control) -> Result<Answered> {
        let body = serde_json::to_vec(task)
            .map_err(|error| Error::bug(format!("a task cannot be written as JSON: {error}")))?;
        match &self.way {
            Way::Command(argv) => {
                let call = Call {
                    directory: Some(self.workspace.root().to_owned()),
                    stdin: Stdin::Bytes(body),
                    ..Call::new(placed(argv, &self.workspace), limit)
                };
                judge_command(&argv[0], &self.processes.run(call, Some(control)).await?)
            }
            Way::Url { url, headers, .. } => {
                let begun = Instant::now();
                let post = Post {
                    url: url.clone(),
                    headers: headers.clone(),
                    body,
                    limit,
                    kept: KEPT,
                };
                let posted = tokio::select! {
                    biased;
                    posted = self.http.post(post) => posted?,
                    () = control.stopped() => return Err(stopped()),
                };
                judge_answer(posted, begun.elapsed().as_secs_f64())
            }
        }
    }
}

/// The command with a relative program beside the settings; a plain name is looked up on PATH.
#[must_use]
pub fn placed(argv: &[String], workspace: &Workspace) -> Vec<String> {
    let mut argv = argv.to_vec();
    if let Some(program) = argv.first_mut()
        && program.contains('/')
    {
        *program = workspace.path(&*program).display().to_string();
    }
    argv
}

fn judge_command(program: &str, output: &Output) -> Result<Answered> {
    let program = inert_short(program, 100);
    let cannot = |what: String| {
        Err(
            Error::unavailable(format!("legacy side: {what}. No pair is counted."))
                .hint(format!("Correct legacy.run in {SETTINGS_FILE}, then go on.")),
        )
    };
    let seconds = output.elapsed.as_secs_f64();
    let failed = |why: String| {
        Ok(Answered {
            ended: Ended::Failed,
            seconds,
            why,
            document: None,
        })
    };
    match output.ended {
        Exit::Stopped => Err(stopped()),
        Exit::NotFound => cannot(format!("{program} not found")),
        Exit::NotPermitted => cannot(format!("{program} may not be run")),
        // A shell or a wrapper says so about what it should have run.
        Exit::Exit(127) => cannot(format!("exit 127, {program} or what it runs was not found")),
        Exit::Exit(126) => cannot(format!("exit 126, {program} or what it runs may not be run")),
        Exit::TimedOut => Ok(Answered {
            ended: Ended::Deadline,
            seconds,
            why: format!("no end after {seconds:.0} s, ended with its processes"),
            document: None,
        }),
        Exit::Signal(signal) => failed(format!("ended by signal {signal}{}", said(&output.stderr))),
        Exit::Exit(code) if code != 0 => failed(format!("exit {code}{}", said(&output.stderr))),
        Exit::Exit(_) if output.dropped > 0 => failed("the answer is too long to keep".to_owned()),
        Exit::Exit(_) => Ok(judge_document(&output.stdout, seconds)),
    }
}

fn judge_answer(posted: Posted, seconds: f64) -> Result<Answered> {
    let failed = |ended: Ended, why: String| {
        Ok(Answered {
            ended,
            seconds,
            why,
            document: None,
        })
    };
    match posted {
        Posted::Unreachable(why) => Err(Error::unavailable(format!(
            "legacy side: {why}. No pair is counted."
        ))
        .hint(format!("See legacy.run_url in {SETTINGS_FILE}, then go on."))),
        Posted::TimedOut => failed(Ended::Deadline, format!("no answer after {seconds:.0} s")),
        Posted::Broken(why) => failed(Ended::Failed, inert_short(&why, 200)),
        Posted::Answer(status, body) if (200..300).contains(&status) => Ok(judge_document(&body, seconds)),
        Posted::Answer(status, body) => failed(Ended::Failed, format!("HTTP status {status}{}", said(&body))),
    }
}

/// What a document says about its task.
fn judge_document(bytes: &[u8], seconds: f64) -> Answered {
    let answered = |ended, why: &str, document| Answered {
        ended,
        seconds,
        why: why.to_owned(),
        document,
    };
    let Ok(document) = serde_json::from_slice::<Value>(bytes) else {
        return answered(Ended::Failed, "the answer is no JSON document", None);
    };
    let why = document
        .get("error")
        .and_then(Value::as_str)
        .map_or_else(String::new, |error| inert_short(error, 200));
    let failed = match document.get("success") {
        Some(Value::Bool(success)) => !success,
        _ => document
            .get("status")
            .and_then(Value::as_str)
            .map(TaskStatus::of)
            .is_some_and(|status| matches!(status, TaskStatus::Failed | TaskStatus::Cancelled)),
    };
    if failed {
        let why = if why.is_empty() {
            "it says that the task failed"
        } else {
            &why
        };
        return answered(Ended::Failed, why, Some(document));
    }
    answered(Ended::Succeeded, "", Some(document))
}

/// The last line of what a program said, after a colon.
fn said(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    text.lines()
        .map(str::trim)
        .rfind(|line| !line.is_empty())
        .map_or_else(String::new, |line| format!(": {}", inert_short(line, 160)))
}

fn stopped() -> Error {
    Error::new(ErrorKind::Interrupted, "stopped at a safe point")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_document_decides_and_what_is_none_fails() {
        let ended = |text: &str| judge_document(text.as_bytes(), 1.0).ended;
        for good in [
            r#"{"success": true}"#,
            r#"{"result": 4}"#,
            r#"{"status": "COMPLETED"}"#,
            "[]",
        ] {
            assert_eq!(ended(good), Ended::Succeeded, "{good}");
        }
        for bad in [
            r#"{"success": false}"#,
            r#"{"status": "failed"}"#,
            "",
            "done",
            r#"{"a": 1"#,
        ] {
            assert_eq!(ended(bad), Ended::Failed, "{bad}");
        }
        let why = judge_document(br#"{"success": false, "error": "no \u001b[2J disk"}"#, 1.0).why;
        assert_eq!(why, "no \\x1b[2J disk");
    }
}
