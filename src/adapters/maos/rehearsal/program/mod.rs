//! The command line of the rehearsal MAOS: MAOS's documented words and exit codes over the same state, so that an adapter for
//! command lines is driven against something real.
//!
//! To add a command: its words in [`words`], its arm in [`act`].

mod words;

use std::path::Path;
use std::time::Duration;

use clap::Parser as _;
use clap::error::{ContextKind, ErrorKind};
use serde_json::{Value, json};
use tokio::time::Instant;

use self::words::{Checkpoint, Config, Db, Form, Submit, Task, Verb, Words};
use super::Rehearsal;
use super::state::Held;
use super::{checkpoints, documents};
use crate::adapters::maos::cli::answer::REFERENCE;
use crate::adapters::process::MachineProcesses;
use crate::engine::ports::maos::{Known, Maos as _, MaosError, Stop, Submission};
use crate::engine::ports::process::{Call, Processes as _};
use crate::engine::{text, yaml};

/// The hidden verb of this program under which it is this command line.
pub const VERB: &str = "rehearsal-maos";

/// What a command came to; printing is for whoever runs it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Said {
    /// For standard output.
    pub out: String,
    /// For standard error.
    pub err: String,
    /// The exit code: 0, 1 general, 2 usage, 3 configuration, 4 connection, 6 not found, 7 time limit.
    pub code: u8,
}

/// A refusal with its exit code.
struct Refused(u8, String);

impl From<MaosError> for Refused {
    fn from(error: MaosError) -> Self {
        let code = match &error {
            MaosError::NotRunning(_) => 4,
            MaosError::NotFound(_) => 6,
            MaosError::TimedOut(..) => 7,
            _ => 1,
        };
        Self(code, error.to_string())
    }
}

type Act = Result<(Value, String, u8), Refused>;

/// Runs one command.
pub async fn run(arguments: Vec<String>) -> Said {
    let words = match Words::try_parse_from(std::iter::once("maos".to_owned()).chain(arguments)) {
        Ok(words) => words,
        Err(refusal) => return usage(&refusal),
    };
    let form = words.format.unwrap_or(words.output);
    match act(&words).await {
        Ok((document, lines, code)) => Said {
            out: match form {
                Form::Json => format!("{document}\n"),
                Form::Table => lines + "\n",
            },
            err: String::new(),
            code,
        },
        Err(Refused(code, why)) => Said {
            out: String::new(),
            err: format!("Error: {why}\n"),
            code,
        },
    }
}

/// Help, or a refusal in the words that MAOS's own parser has for it.
fn usage(refusal: &clap::Error) -> Said {
    let named = |kind| refusal.get(kind).map(ToString::to_string).unwrap_or_default();
    if matches!(refusal.kind(), ErrorKind::DisplayHelp) {
        return Said {
            out: refusal.to_string(),
            ..Said::default()
        };
    }
    let said = match refusal.kind() {
        ErrorKind::InvalidSubcommand => format!(
            "Error: No such command '{}'.\n",
            named(ContextKind::InvalidSubcommand)
        ),
        ErrorKind::UnknownArgument => format!("Error: No such option: {}\n", named(ContextKind::InvalidArg)),
        _ => refusal.to_string(),
    };
    Said {
        out: String::new(),
        err: said,
        code: 2,
    }
}

async fn act(words: &Words) -> Act {
    let maos = Rehearsal::apart(&words.state);
    let done = |text: String| Ok((json!({"message": text, "rehearsal": true}), text, 0));
    let Some(verb) = &words.verb else {
        if words.version {
            return version(&maos, false).await;
        }
        return Err(Refused(2, "Missing command.".to_owned()));
    };
    match verb {
        Verb::Init => done(maos.init().await?),
        Verb::Version { short } => version(&maos, *short).await,
        Verb::Start {
            max_agents, config, ..
        } => {
            if let Some(file) = config {
                validate(file)?;
            }
            if let Some(agents) = max_agents {
                maos.turn("agents".to_owned(), Some(json!(agents))).await?;
            }
            done(maos.start().await?)
        }
        Verb::Stop { timeout, force, .. } => {
            let how = if *force {
                Stop::Force
            } else {
                Stop::Graceful(Duration::from_secs(*timeout))
            };
            done(maos.stop(how).await?)
        }
        Verb::Health { component, .. } => health(&maos, component.as_deref()).await,
        Verb::Status { .. } => status(&maos).await,
        Verb::Task(task) => tasks(&maos, task).await,
        Verb::Checkpoint(checkpoint) => checkpoint_act(&maos, checkpoint).await,
        Verb::Db(Db::Migrate { dry_run: true }) => done(format!("would migrate to {}", super::MIGRATION)),
        Verb::Db(Db::Migrate { dry_run: false }) => done(maos.db_migrate().await?),
        Verb::Db(Db::Status) => {
            let at = maos.state().await?.meta("migration").await?;
            done(at.map_or_else(|| "not migrated".to_owned(), |at| format!("up to date, at {at}")))
        }
        Verb::Config(Config::Validate { file, .. }) => {
            let file = file
                .as_deref()
                .ok_or(Refused(2, "Missing option '--file'.".to_owned()))?;
            validate(file)?;
            done(format!("{} is a configuration", file.display()))
        }
        Verb::Knob { name, value } => {
            let value = value
                .as_ref()
                .map(|value| serde_json::from_str(value).unwrap_or_else(|_| json!(value)));
            maos.turn(name.clone(), value).await?;
            done(format!("{name} is turned"))
        }
        Verb::Execute => execute(&maos).await,
    }
}

async fn version(maos: &Rehearsal, short: bool) -> Act {
    let version = maos.version().await?.reported.unwrap_or_default();
    let line = if short {
        version.clone()
    } else {
        format!("MAOS {version} (rehearsal)")
    };
    Ok((json!({"version": version, "rehearsal": true}), line, 0))
}

/// Reads a configuration file: a mapping of sections, each a mapping.
fn validate(file: &Path) -> Result<(), Refused> {
    let shown = file.display().to_string();
    let content =
        std::fs::read_to_string(file).map_err(|error| Refused(3, format!("cannot read {shown}: {error}")))?;
    let value: Value = yaml::from_str(&shown, &content).map_err(|error| Refused(3, error.message))?;
    let Some(sections) = value.as_object() else {
        return Err(Refused(3, format!("{shown} is not a mapping")));
    };
    for (name, section) in sections {
        if !section.is_object() && !section.is_null() {
            let name = text::inert_short(name, 40);
            return Err(Refused(3, format!("{shown}: {name} is not a section")));
        }
    }
    Ok(())
}

async fn health(maos: &Rehearsal, component: Option<&str>) -> Act {
    let Known::Value(mut health) = maos.health().await? else {
        return Err(Refused(1, "not known".to_owned()));
    };
    if let Some(wanted) = component {
        health.components.retain(|(name, _)| name == wanted);
        if health.components.is_empty() {
            return Err(Refused(
                6,
                format!("there is no component {}", text::inert_short(wanted, 60)),
            ));
        }
        health.total = 1;
        health.healthy = u64::from(health.components[0].1);
    }
    let mut lines: Vec<String> = vec![format!(
        "{} of {} components healthy (rehearsal)",
        health.healthy, health.total
    )];
    for (name, well) in &health.components {
        lines.push(format!(
            "{name:<20} {}",
            if *well { "healthy" } else { "unhealthy" }
        ));
    }
    let code = u8::from(health.healthy != health.total);
    Ok((documents::health_document(&health), lines.join("\n"), code))
}

async fn status(maos: &Rehearsal) -> Act {
    let Known::Value(mut status) = maos.status().await? else {
        return Err(Refused(1, "not known".to_owned()));
    };
    if let (Known::Value(running), Some(document)) = (maos.running().await?, status.raw.as_object_mut()) {
        document.insert("running".to_owned(), json!(running));
    }
    let lines = status
        .raw
        .as_object()
        .into_iter()
        .flatten()
        .map(|(name, value)| format!("{name:<12} {value}"))
        .collect::<Vec<_>>();
    Ok((status.raw, lines.join("\n"), 0))
}

fn submission(words: &Submit) -> Result<Submission, Refused> {
    let metadata: Value = match &words.metadata {
        Some(text) => serde_json::from_str(text)
            .ok()
            .filter(Value::is_object)
            .ok_or_else(|| Refused(2, "--metadata is a JSON object".to_owned()))?,
        None => Value::Null,
    };
    if words.description.trim().is_empty() {
        return Err(Refused(2, "the description is empty".to_owned()));
    }
    if let Some(priority) = &words.priority {
        let known = ["LOW", "NORMAL", "MEDIUM", "HIGH", "CRITICAL"];
        if !known.contains(&priority.to_ascii_uppercase().as_str()) {
            return Err(Refused(
                2,
                format!("{} is no priority", text::inert_short(priority, 40)),
            ));
        }
    }
    Ok(Submission {
        description: words.description.clone(),
        kind: words.kind.clone(),
        priority: words.priority.as_ref().map(|word| word.to_ascii_uppercase()),
        max_agents: words.max_agents,
        timeout_s: words.timeout,
        depends_on: words.depends_on.clone(),
        reference: [REFERENCE, "reference"]
            .iter()
            .find_map(|name| metadata[*name].as_str())
            .unwrap_or_default()
            .to_owned(),
    })
}

async fn tasks(maos: &Rehearsal, task: &Task) -> Act {
    match task {
        Task::Submit(words) => {
            let id = maos.submit(submission(words)?).await?;
            let lines = format!("Task submitted (rehearsal)\nTask ID: {id}\nStatus: QUEUED");
            Ok((
                json!({"task_id": id, "status": "QUEUED", "rehearsal": true}),
                lines,
                0,
            ))
        }
        Task::Show { id, .. } => Ok(shown(maos.show(id.clone()).await?.raw, 0)),
        Task::List {
            status,
            limit,
            offset,
            count,
        } => {
            let rows = maos.state().await?.rows(status, *limit, *offset).await?;
            if *count {
                return Ok((json!(rows.len()), rows.len().to_string(), 0));
            }
            let lines = rows
                .iter()
                .map(|row| {
                    format!(
                        "{:<10} {:<10} {}",
                        row.id,
                        row.status,
                        text::inert_short(&row.description, 80)
                    )
                })
                .collect::<Vec<_>>();
            let rows: Vec<Value> = rows.iter().map(documents::row).collect();
            Ok((json!(rows), lines.join("\n"), 0))
        }
        Task::Cancel { id, .. } => {
            maos.cancel(id.clone()).await?;
            Ok((
                json!({"task_id": id, "status": "CANCELLED"}),
                format!("{id} is cancelled"),
                0,
            ))
        }
        Task::Wait { id, timeout } => {
            let deadline = Instant::now() + Duration::from_secs(*timeout);
            loop {
                let view = maos.show(id.clone()).await?;
                if view.status.ended() {
                    let code = u8::from(view.status != crate::engine::ports::maos::TaskStatus::Completed);
                    return Ok(shown(view.raw, code));
                }
                if Instant::now() >= deadline {
                    return Err(Refused(
                        7,
                        format!("{id} is still {} after {timeout} s", view.status.word()),
                    ));
                }
                tokio::time::sleep(super::LOOK * 2).await;
            }
        }
    }
}

fn shown(document: Value, code: u8) -> (Value, String, u8) {
    let word = |name: &str| text::inert_short(document[name].as_str().unwrap_or("-"), 200);
    let lines = format!(
        "Task ID: {}\nStatus: {}\nDescription: {}\nError: {}",
        word("task_id"),
        word("status"),
        word("description"),
        word("error")
    );
    (document, lines, code)
}

async fn checkpoint_act(maos: &Rehearsal, checkpoint: &Checkpoint) -> Act {
    match checkpoint {
        Checkpoint::Create { description } => {
            let description = description.clone().unwrap_or_default();
            let id = maos.checkpoint_create(description.clone()).await?;
            let document =
                json!({"checkpoint_id": id, "id": id, "description": description, "rehearsal": true});
            Ok((document, format!("Checkpoint created: {id}"), 0))
        }
        Checkpoint::List => {
            let views = maos.checkpoints().await?;
            let lines: Vec<String> = views
                .iter()
                .map(|view| format!("{:<10} {}", view.id, text::inert_short(&view.description, 100)))
                .collect();
            let rows: Vec<Value> = views
                .iter()
                .map(|view| json!({"checkpoint_id": view.id, "id": view.id, "description": view.description}))
                .collect();
            Ok((json!(rows), lines.join("\n"), 0))
        }
        Checkpoint::Show { id } => {
            let document = checkpoints::show(maos.state().await?, id).await?;
            let tasks = document["state"]["tasks"].as_array().map_or(0, Vec::len);
            let lines = format!("{id}: {tasks} tasks");
            Ok((document, lines, 0))
        }
        Checkpoint::Restore { id, .. } => {
            maos.checkpoint_restore(id.clone()).await?;
            Ok((
                json!({"checkpoint_id": id, "restored": true}),
                format!("{id} is restored"),
                0,
            ))
        }
    }
}

/// Executes in this process until MAOS is stopped, or a signal asks for it.
async fn execute(maos: &Rehearsal) -> Act {
    let machine = |error: std::io::Error| Refused(1, error.to_string());
    let mut polite =
        tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()).map_err(machine)?;
    let Some(mut executing) = maos.execute(true).await? else {
        return Ok((Value::Null, "somebody else executes".to_owned(), 0));
    };
    let ended = tokio::select! {
        ended = &mut executing => ended,
        _ = polite.recv() => {
            maos.state().await?.set_meta("phase", "stopped").await?;
            executing.await
        }
    };
    match ended {
        Ok(Ok(())) => Ok((Value::Null, "stopped".to_owned(), 0)),
        Ok(Err(error)) => Err(error.into()),
        Err(error) => Err(Refused(1, error.to_string())),
    }
}

/// Starts the process that executes.
pub(super) async fn detach(folder: &Path) -> Held<()> {
    let machine = |error: &dyn std::fmt::Display| MaosError::Machine(error.to_string());
    let program = std::env::current_exe().map_err(|error| machine(&error))?;
    let words = [
        program.display().to_string(),
        VERB.to_owned(),
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
