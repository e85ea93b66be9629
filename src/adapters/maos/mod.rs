//! MAOS in the languages it speaks. To add one: a module here that spells [`cli::ask::Ask`], an arm where `cli` chooses the
//! dialect; or, for one that is no command line, its own [`Maos`] and its place in [`Opener`].

mod cli;
mod documented;
mod probe;
pub mod rehearsal;
mod shipped;

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use self::cli::run::{LIMIT, Runner};
use self::cli::{Cli, Memory};
use super::process::MachineProcesses;
use crate::engine::error::{Error, Result};
use crate::engine::ports::OpenMaos;
use crate::engine::ports::maos::Maos;
use crate::engine::ports::process::Processes;
use crate::engine::workspace::driving::MaosSettings;
use crate::engine::workspace::{Settings, Workspace};

/// The word that means the stand-in.
pub const REHEARSAL: &str = "rehearsal";
/// The folder of the workspace in which commands run when the settings name none.
const DIRECTORY: &str = "maos-work";
/// The Python environment of the workspace.
const ENVIRONMENT: &str = "environment";

/// A program as it is called: its words, its directory, its settings.
type Known = (Vec<String>, PathBuf, String);

/// Opens the MAOS that the settings name.
#[derive(Default)]
pub struct Opener {
    /// What was found out about programs: a probe is not repeated while the program stays the same.
    memories: Mutex<HashMap<Known, Arc<Memory>>>,
}

impl std::fmt::Debug for Opener {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Opener").finish_non_exhaustive()
    }
}

impl OpenMaos for Opener {
    fn open(&self, workspace: &Workspace, settings: &Settings) -> Result<Arc<dyn Maos>> {
        let driving = &settings.driving.maos;
        if driving.command.is_empty() && settings.maos.as_deref() == Some(REHEARSAL) {
            return Ok(Arc::new(rehearsal::Rehearsal::in_process(
                workspace,
                &settings.driving,
            )));
        }
        let command = command(workspace, settings)?;
        let rehearsal = command.iter().any(|word| word == "rehearsal-maos");
        Ok(Arc::new(self.cli(
            workspace,
            settings,
            command,
            rehearsal,
            Arc::new(MachineProcesses),
        )))
    }
}

impl Opener {
    /// Drives the program `command` for a workspace.
    fn cli(
        &self,
        workspace: &Workspace,
        settings: &Settings,
        command: Vec<String>,
        rehearsal: bool,
        processes: Arc<dyn Processes>,
    ) -> Cli {
        let driving = absolute(workspace, &settings.driving.maos);
        let directory = driving
            .directory
            .clone()
            .unwrap_or_else(|| workspace.path(DIRECTORY));
        let mut env: Vec<_> = driving
            .env
            .iter()
            .map(|(name, value)| (name.clone(), value.as_str().into()))
            .collect();
        if let Some(target) = &settings.target {
            // Both documents name the database by it; the guide exports it for the migration of the database.
            env.push(("MAOS_DATABASE_PRIMARY_URL".to_owned(), target.url.value.clone()));
        }
        if let Some(config) = &driving.config {
            let path = config.display().to_string();
            env.push(("MAOS_CONFIG".to_owned(), path.into()));
        }
        let place = command
            .iter()
            .map(|word| workspace.shown(Path::new(word)))
            .collect::<Vec<_>>()
            .join(" ");
        let place = cli::read::shown(&place);
        let runner = Runner {
            directory,
            limit: driving.time_limit.map_or(LIMIT, Duration::from_secs),
            env,
            processes,
            command,
        };
        let program = program(&runner, &driving);
        let memory = self.memory(&runner, &driving);
        Cli::new(runner, driving, place, rehearsal, memory).of(program)
    }

    fn memory(&self, runner: &Runner, settings: &MaosSettings) -> Arc<Memory> {
        let key = (
            runner.command.clone(),
            runner.directory.clone(),
            format!("{settings:?} {:?}", probe::on_path("claude", settings)),
        );
        let mut memories = self
            .memories
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        Arc::clone(memories.entry(key).or_default())
    }
}

/// The file that the program of a runner is, when it lies on this machine.
fn program(runner: &Runner, settings: &MaosSettings) -> Option<PathBuf> {
    let word = runner.command.first().map(String::as_str).unwrap_or_default();
    if word.contains('/') {
        Some(PathBuf::from(word))
    } else {
        probe::on_path(word, settings)
    }
}

/// The settings with their paths read from the workspace.
fn absolute(workspace: &Workspace, settings: &MaosSettings) -> MaosSettings {
    let path = |named: &Option<PathBuf>| named.as_ref().map(|named| workspace.path(expanded(named)));
    MaosSettings {
        directory: path(&settings.directory),
        environment: path(&settings.environment),
        config: path(&settings.config),
        checkpoints: path(&settings.checkpoints),
        migration_settings: path(&settings.migration_settings),
        ..settings.clone()
    }
}

/// A path with `~/` at its start read as the home folder.
fn expanded(path: &Path) -> PathBuf {
    match (path.strip_prefix("~"), std::env::var_os("HOME")) {
        (Ok(rest), Some(home)) => PathBuf::from(home).join(rest),
        _ => path.to_owned(),
    }
}

/// The program that the settings name, or the one that the environment step installs.
fn command(workspace: &Workspace, settings: &Settings) -> Result<Vec<String>> {
    let driving = &settings.driving.maos;
    let located = |word: &str| {
        if word.contains('/') {
            workspace.path(expanded(Path::new(word))).display().to_string()
        } else {
            word.to_owned()
        }
    };
    if let Some((program, rest)) = driving.command.split_first() {
        return Ok(std::iter::once(located(program))
            .chain(rest.iter().cloned())
            .collect());
    }
    if let Some(word) = &settings.maos {
        return Ok(vec![located(word)]);
    }
    let environment = driving.environment.as_ref().map_or_else(
        || workspace.path(ENVIRONMENT),
        |named| workspace.path(expanded(named)),
    );
    let program = environment.join("bin/maos");
    if driving.environment.is_some() || program.exists() {
        return Ok(vec![program.display().to_string()]);
    }
    Err(Error::input("no MAOS is named")
        .hint("Set target.maos in migration.yml, or let maos-migrate environment apply install one."))
}
