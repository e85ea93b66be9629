//! The Python environment and the package in it: found, made, installed, each asked of the interpreter itself.

use std::path::{Path, PathBuf};
use std::time::Duration;

use secrecy::SecretString;
use serde::Deserialize;

use super::model::{Found, Key, Line};
use crate::engine::error::{Error, Result};
use crate::engine::operation::Control;
use crate::engine::ports::maos::Version;
use crate::engine::ports::process::{Call, Ended, Output};
use crate::engine::runner::operations::World;
use crate::engine::text::inert_short;
use crate::engine::workspace::secrets::scrub;

/// The distribution that brings MAOS. `maos` on the package index is not this product.
pub const DISTRIBUTION: &str = "maos-cli";
/// It fails without this, and its newest releases do not bring it.
const CLICK: &str = "click>=8.1";
/// Where an environment is made when the settings name none.
const FOLDER: &str = "environment";
const METADATA: &str = include_str!("../../../assets/maos/metadata.py");
const LOOKING: Duration = Duration::from_secs(20);
const MAKING: Duration = Duration::from_mins(3);
const INSTALLING: Duration = Duration::from_mins(15);
/// What maos-cli wants at least.
const LEAST: (u32, u32) = (3, 11);

/// Where MAOS's package is, or is to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Home {
    /// In a virtual environment that is ours to make and fill.
    Environment(PathBuf),
    /// A program that is no Python script: how it is installed is its own matter.
    Foreign(String),
    /// The stand-in.
    Rehearsal,
    /// What the settings name cannot be made.
    Wrong(Error),
}

/// What an interpreter says of itself and the package.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
struct Says {
    python: Option<String>,
    #[serde(default)]
    click: bool,
    #[serde(default)]
    venv: bool,
    version: Option<String>,
    distribution: Option<String>,
}

/// Where the package belongs, by the settings. `version`: what the probe of a program that is there found.
pub fn home(world: &World, version: Option<&Version>) -> Home {
    let driving = &world.settings.driving.maos;
    if let Some(folder) = &driving.environment {
        return Home::Environment(world.workspace.path(folder));
    }
    let named = driving.command.first().or(world.settings.maos.as_ref());
    let Some(named) = named else {
        return Home::Environment(world.workspace.path(FOLDER));
    };
    if driving.command.is_empty() && named == "rehearsal" {
        return Home::Rehearsal;
    }
    if let Some(interpreter) = version.and_then(|version| version.interpreter.as_deref())
        && let Some(folder) = interpreter.parent().and_then(Path::parent)
    {
        return Home::Environment(folder.to_owned());
    }
    let program = world.workspace.path(named);
    if version.is_some() || driving.command.len() > 1 {
        return Home::Foreign(inert_short(named, 60));
    }
    // A script that is to be: its folder tells which environment is meant.
    match program.parent().filter(|folder| folder.ends_with("bin")).and_then(Path::parent) {
        Some(folder) if named.contains('/') => Home::Environment(folder.to_owned()),
        _ if named.contains('/') && program.exists() => Home::Wrong(
            Error::input(format!(
                "{} is there, but it does not answer as a program that may be run",
                inert_short(named, 100)
            ))
            .hint("maos-migrate doctor says what it answers. Mend it, or correct target.maos in migration.yml."),
        ),
        _ => Home::Wrong(
            Error::input(format!("there is no program {}", inert_short(named, 100))).hint(
                "Correct target.maos in migration.yml, or take it out: then an environment is made in the workspace.",
            ),
        ),
    }
}

fn python(folder: &Path) -> PathBuf {
    folder.join("bin/python3")
}

fn call(argv: &[&str], limit: Duration) -> Call {
    let mut call = Call::new(argv.iter().map(|word| (*word).to_owned()).collect(), limit);
    call.env = [
        ("PYTHONDONTWRITEBYTECODE", "1"),
        ("PYTHONSAFEPATH", "1"),
        ("PIP_NO_INPUT", "1"),
        ("NO_COLOR", "1"),
        ("LC_ALL", "C.UTF-8"),
    ]
    .map(|(name, value)| (name.to_owned(), SecretString::from(value)))
    .to_vec();
    // They would point the interpreter at other packages than those of its environment.
    call.without = vec!["PYTHONPATH".to_owned(), "PYTHONHOME".to_owned()];
    call
}

/// Runs a program that must end well.
async fn must(world: &World, what: &str, call: Call, control: Option<&Control>) -> Result<Output> {
    let limit = call.limit.as_secs();
    let output = world.ports.processes.run(call, control).await?;
    let said = || {
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        let line = text
            .lines()
            .rev()
            .find(|line| line.to_lowercase().contains("error"))
            .or_else(|| text.lines().rev().find(|line| !line.trim().is_empty()))
            .unwrap_or("it said nothing");
        inert_short(scrub(line).trim(), 200)
    };
    match output.ended {
        Ended::Exit(0) => Ok(output),
        Ended::Exit(code) => Err(Error::unavailable(format!("{what}: exit {code}: {}", said()))),
        Ended::Signal(signal) => Err(Error::unavailable(format!("{what}: ended by signal {signal}"))),
        Ended::TimedOut => Err(Error::unavailable(format!("{what}: no end within {limit} s"))),
        Ended::Stopped => Err(Error::interrupted("stopped at a safe point")),
        Ended::NotFound => Err(Error::unavailable(format!("{what}: there is no such program"))),
        Ended::NotPermitted => Err(Error::unavailable(format!("{what}: permission denied"))),
    }
}

async fn says(world: &World, interpreter: &str) -> Result<Says> {
    let output = must(
        world,
        interpreter,
        call(&[interpreter, "-c", METADATA], LOOKING),
        None,
    )
    .await?;
    serde_json::from_slice(&output.stdout)
        .map_err(|_| Error::unavailable(format!("{interpreter} does not say what it is")))
}

fn new_enough(version: &str) -> bool {
    let mut parts = version.split('.').map(|part| part.parse().unwrap_or(0));
    (parts.next().unwrap_or(0), parts.next().unwrap_or(0)) >= LEAST
}

fn shown(world: &World, folder: &Path) -> String {
    let shown = world.workspace.shown(folder);
    if Path::new(&shown).is_absolute() {
        shown
    } else {
        format!("./{shown}")
    }
}

/// The lines of the environment and of the package.
pub async fn check(world: &World, home: &Home) -> [Line; 2] {
    let both = |why: &str| {
        [
            Line::new(Key::Python, "not needed", Found::Skipped(why.to_owned())),
            Line::new(Key::Install, "not needed", Found::Skipped(why.to_owned())),
        ]
    };
    let folder = match home {
        Home::Environment(folder) => folder,
        Home::Rehearsal => return both("the rehearsal is part of this program"),
        Home::Foreign(program) => {
            return both(&format!(
                "{program} is no Python script; it is installed by itself"
            ));
        }
        Home::Wrong(error) => {
            let refused = Line::new(Key::Python, "not known", Found::Refused(error.clone()));
            let waits = Line::new(Key::Install, "not known", Found::Refused(error.clone()));
            return [refused, waits];
        }
    };
    let place = shown(world, folder);
    if !python(folder).exists() {
        let install = Line::new(
            Key::Install,
            "absent",
            Found::Needs("install".to_owned(), format!("{} and click", wanted(world))),
        );
        let line = match says(world, "python3").await {
            Ok(base) if base.python.as_deref().is_some_and(new_enough) => {
                let version = base.python.unwrap_or_default();
                let what = format!("{place} with Python {version}");
                Line::new(Key::Python, "absent", Found::Needs("create".to_owned(), what))
            }
            Ok(base) => {
                let version = base.python.unwrap_or_default();
                Line::new(Key::Python, "absent", Found::Refused(too_old(&version)))
            }
            Err(error) => Line::new(
                Key::Python,
                "absent",
                Found::Refused(error.hint("Install Python 3.11 or newer as python3, with its venv module.")),
            ),
        };
        return [line, install];
    }
    match says(world, &python(folder).display().to_string()).await {
        Ok(says) => [python_line(&place, &says), install_line(world, &place, &says)],
        Err(error) => {
            let error = error.hint(format!("Move {place} away, then it is made again."));
            [
                Line::new(Key::Python, place, Found::Refused(error.clone())),
                Line::new(Key::Install, "not known", Found::Refused(error)),
            ]
        }
    }
}

fn too_old(version: &str) -> Error {
    Error::unavailable(format!("Python {version} is too old for maos-cli"))
        .hint("Install Python 3.11 or newer as python3.")
}

fn python_line(place: &str, says: &Says) -> Line {
    let version = says.python.clone().unwrap_or_default();
    if new_enough(&version) {
        Line::new(Key::Python, place, Found::InPlace(format!("runs {version}")))
    } else {
        Line::new(Key::Python, place, Found::Refused(too_old(&version)))
    }
}

/// `maos-cli 0.9.4`, or the newest.
fn wanted(world: &World) -> String {
    world.settings.driving.maos.version.as_ref().map_or_else(
        || format!("the newest {DISTRIBUTION}"),
        |version| format!("{DISTRIBUTION} {}", inert_short(version, 40)),
    )
}

fn install_line(world: &World, place: &str, says: &Says) -> Line {
    let named = world.settings.driving.maos.version.as_deref();
    let version = says.version.clone().unwrap_or_default();
    let ours = says.distribution.as_deref() == Some(DISTRIBUTION);
    let is = match (&says.version, ours, says.click) {
        (None, ..) => "absent".to_owned(),
        (Some(version), false, _) => format!("\"maos\" {version}"),
        (Some(version), true, true) => version.clone(),
        (Some(version), true, false) => format!("{version}, no click"),
    };
    let line = |found| Line::new(Key::Install, is.clone(), found);
    let right = ours && named.is_none_or(|named| named == version);
    if right && says.click {
        return line(Found::InPlace(format!("metadata {version}, click there")));
    }
    if !says.venv {
        return line(Found::Refused(
            Error::input(format!(
                "{place} is no virtual environment; nothing is installed into it"
            ))
            .hint("Name an environment that may be filled: maos.environment in migration.yml."),
        ));
    }
    line(if right {
        Found::Needs("add".to_owned(), "click 8.1 or newer".to_owned())
    } else {
        Found::Needs("install".to_owned(), format!("{} and click", wanted(world)))
    })
}

/// Makes the environment.
///
/// # Errors
/// What Python says.
pub async fn make(world: &World, folder: &Path, control: &Control) -> Result<()> {
    let path = folder.display().to_string();
    let call = call(&["python3", "-m", "venv", "--", &path], MAKING);
    must(world, "python3 -m venv", call, Some(control))
        .await
        .map(|_| ())
        .map_err(|error| error.hint("The venv module may be a package of its own: python3-venv on Debian."))
}

/// Installs the package with what it needs.
///
/// # Errors
/// A version that is none, or what pip says.
pub async fn install(world: &World, folder: &Path, control: &Control) -> Result<()> {
    let package = match world.settings.driving.maos.version.as_deref() {
        Some(version)
            if version
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || ".+!".contains(c)) =>
        {
            format!("{DISTRIBUTION}=={version}")
        }
        Some(_) => {
            return Err(
                Error::input("maos.version in migration.yml is no version").hint("Write it like 0.9.4.")
            );
        }
        None => DISTRIBUTION.to_owned(),
    };
    let python = python(folder).display().to_string();
    let call = call(
        &[
            &python,
            "-m",
            "pip",
            "install",
            "--quiet",
            "--disable-pip-version-check",
            &package,
            CLICK,
        ],
        INSTALLING,
    );
    must(world, "pip install", call, Some(control))
        .await
        .map(|_| ())
        .map_err(|error| {
            error.hint("See that the package index can be reached; PIP_INDEX_URL names another one.")
        })
}
