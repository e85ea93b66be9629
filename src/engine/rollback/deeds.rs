//! What the steps do outside databases and files: MAOS, its package, the legacy system's commands.

use std::time::{Duration, Instant};

use super::world::Place;
use crate::engine::error::{Error, Result};
use crate::engine::operation::Control;
use crate::engine::ports::maos::{Known, Maos, Stop};
use crate::engine::ports::process::{Call, Processes};
use crate::engine::text::inert_short;
use crate::engine::upgrade::{MARK, Python, is_version};

/// How long MAOS may take to let its tasks end.
pub const GRACE: Duration = Duration::from_mins(2);
/// From start to ready, unless the settings say otherwise.
const READY: Duration = Duration::from_mins(2);
/// The longest pause between two looks.
const LONGEST_PAUSE: Duration = Duration::from_secs(5);
/// One command of the legacy system.
const COMMAND: Duration = Duration::from_mins(5);

/// How long a start may take until everything is ready, as the settings say.
pub fn within(seconds: Option<u64>) -> Duration {
    seconds.map_or(READY, Duration::from_secs)
}

/// How a stop went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stopped {
    /// In one line.
    pub text: String,
    /// Something heard it: MAOS ran until then, as far as anybody can tell.
    pub ended: bool,
}

/// Stops MAOS: asks, then ends it. A stop that was not heard is no stop: what it says is looked at.
///
/// # Errors
/// It still runs.
pub async fn stop(maos: &dyn Maos) -> Result<Stopped> {
    let asked = maos.stop(Stop::Graceful(GRACE)).await;
    if let Ok(text) = &asked
        && !matches!(maos.running().await, Ok(Known::Value(true)))
    {
        return Ok(Stopped {
            text: text.clone(),
            ended: true,
        });
    }
    let forced = maos.stop(Stop::Force).await;
    let ended = asked.is_ok() || forced.is_ok();
    match maos.running().await {
        Ok(Known::Value(true)) => Err(Error::unavailable("MAOS still runs after it was ended")),
        Ok(Known::Value(false)) => Ok(Stopped {
            text: "ended by force".to_owned(),
            ended: true,
        }),
        running => {
            let why = match (forced, running) {
                (Ok(text), _) => text,
                (Err(error), Ok(Known::Unknown(why))) => {
                    format!("{error}; whether it runs is not known: {why}")
                }
                (Err(error), _) => error.to_string(),
            };
            // Nothing can tell. Its connections are ended with the swap, so it cannot write into what is restored by the old ones.
            Ok(Stopped {
                text: format!("not known to run: {}", inert_short(&why, 160)),
                ended,
            })
        }
    }
}

/// Runs one of the legacy system's commands.
///
/// # Errors
/// Anything but exit 0.
pub async fn legacy(
    processes: &dyn Processes,
    what: &str,
    argv: &[String],
    directory: &std::path::Path,
) -> Result<String> {
    let mut call = Call::new(argv.to_vec(), COMMAND);
    call.directory = Some(directory.to_owned());
    let shown = call.shown();
    let output = processes.run(call, None).await?;
    match output.trouble() {
        None => Ok(format!("{shown} exit 0")),
        Some(why) => Err(Error::unavailable(format!("legacy.{what}: {why}"))),
    }
}

/// Waits until the legacy system answers.
///
/// # Errors
/// Not in time, with the last answer.
pub async fn legacy_ready(
    processes: &dyn Processes,
    argv: &[String],
    directory: &std::path::Path,
    within: Option<u64>,
) -> Result<String> {
    let limit = self::within(within);
    let begun = Instant::now();
    let mut pause = Duration::from_millis(100);
    loop {
        match legacy(processes, "ready", argv, directory).await {
            Ok(text) => return Ok(text),
            Err(error) if begun.elapsed() >= limit => return Err(error),
            Err(_) => {
                tokio::time::sleep(pause).await;
                pause = (pause * 2).min(LONGEST_PAUSE);
            }
        }
    }
}

/// The environment of an interpreter. An installation that a killed upgrade or rollback left is known there.
pub fn python(place: &Place, interpreter: &std::path::Path, distribution: &str) -> Python {
    Python {
        interpreter: interpreter.to_owned(),
        distribution: distribution.to_owned(),
        mark: place.workspace.path(MARK),
        processes: std::sync::Arc::clone(&place.processes),
    }
}

/// Installs exactly one version of MAOS for an interpreter, with the packages beside it that it ran with, and proves that it is
/// there whole.
///
/// # Errors
/// What pip says; another version is there afterwards.
pub async fn install(
    place: &Place,
    interpreter: &std::path::Path,
    distribution: &str,
    version: &str,
) -> Result<String> {
    let plain = distribution
        .bytes()
        .all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b));
    if !is_version(version) || !plain || distribution.is_empty() || distribution.starts_with('-') {
        return Err(Error::input(format!(
            "{} {} is no version that can be installed",
            inert_short(distribution, 40),
            inert_short(version, 40)
        )));
    }
    // Nobody publishes MAOS under its bare name; who does one day is a stranger.
    if distribution.eq_ignore_ascii_case("maos") {
        return Err(Error::input("the distribution maos is not MAOS; maos-cli is"));
    }
    let python = python(place, interpreter, distribution);
    let mut wanted = vec![format!("{distribution}=={version}")];
    wanted.extend(place.beside(version)?);
    python.install(&wanted, &Control::silent()).await?;
    let found = python.installed().await?;
    if found.is(version) {
        return Ok(format!(
            "{distribution} {version} installed, every file as recorded"
        ));
    }
    Err(Error::unavailable(format!(
        "metadata says {}, not {version}",
        found.version.as_deref().unwrap_or("nothing")
    )))
}
