//! What the steps do outside databases and files: MAOS, its package, the legacy system's commands.

use std::time::{Duration, Instant};

use crate::engine::error::{Error, Result};
use crate::engine::ports::maos::{Known, Maos, Stop};
use crate::engine::ports::process::{Call, Ended, Processes};
use crate::engine::text::inert_short;

/// How long MAOS may take to let its tasks end.
pub const GRACE: Duration = Duration::from_mins(2);
/// From start to ready, unless the settings say otherwise.
const READY: Duration = Duration::from_mins(2);
/// The longest pause between two looks.
const LONGEST_PAUSE: Duration = Duration::from_secs(5);
/// One command of the legacy system.
const COMMAND: Duration = Duration::from_mins(5);
/// An installation.
const INSTALL: Duration = Duration::from_mins(15);

/// Stops MAOS: asks, then ends it. A stop that was not heard is no stop: what it says is looked at.
///
/// # Errors
/// It still runs.
pub async fn stop(maos: &dyn Maos) -> Result<String> {
    let asked = maos.stop(Stop::Graceful(GRACE)).await;
    if let Ok(text) = &asked
        && !matches!(maos.running().await, Ok(Known::Value(true)))
    {
        return Ok(text.clone());
    }
    let forced = maos.stop(Stop::Force).await;
    match maos.running().await {
        Ok(Known::Value(true)) => Err(Error::unavailable("MAOS still runs after it was ended")),
        Ok(Known::Value(false)) => Ok("ended by force".to_owned()),
        running => {
            let why = match (forced, running) {
                (Ok(text), _) => text,
                (Err(error), Ok(Known::Unknown(why))) => {
                    format!("{error}; whether it runs is not known: {why}")
                }
                (Err(error), _) => error.to_string(),
            };
            // Nothing can tell. Its connections are ended with the swap, so it cannot write into what is restored by the old ones.
            Ok(format!("not known to run: {}", inert_short(&why, 160)))
        }
    }
}

/// Waits until MAOS is ready, looking again and again until the deadline.
///
/// # Errors
/// Not ready in time, with the last thing it said.
pub async fn ready(maos: &dyn Maos, within: Option<u64>) -> Result<String> {
    let limit = within.map_or(READY, Duration::from_secs);
    let begun = Instant::now();
    let mut pause = Duration::from_millis(100);
    let mut looks = 0_u32;
    loop {
        looks += 1;
        let last = match maos.health().await {
            Ok(Known::Value(health)) if health.total > 0 && health.healthy == health.total => {
                return Ok(format!(
                    "{} of {} components healthy after {:.1} s, {looks} looks",
                    health.healthy,
                    health.total,
                    begun.elapsed().as_secs_f64()
                ));
            }
            Ok(Known::Value(health)) => {
                let ill: Vec<&str> = health
                    .components
                    .iter()
                    .filter(|(_, well)| !well)
                    .map(|(name, _)| name.as_str())
                    .take(4)
                    .collect();
                format!(
                    "{} of {} healthy, not {}",
                    health.healthy,
                    health.total,
                    ill.join(", ")
                )
            }
            // This MAOS cannot tell. That is neither ready nor failed; whether its process runs is all there is.
            Ok(Known::Unknown(why)) => match maos.running().await {
                Ok(Known::Value(true)) => return Ok(format!("it runs; its health is not known: {why}")),
                Ok(Known::Value(false)) => "it does not run".to_owned(),
                _ => return Ok(format!("not known whether it is ready: {why}")),
            },
            Err(error) if error.is_missing() => return Ok(format!("not known whether it is ready: {error}")),
            Err(error) => error.to_string(),
        };
        if begun.elapsed() >= limit {
            return Err(Error::unavailable(format!(
                "not ready within {} s: {}",
                limit.as_secs(),
                inert_short(&last, 160)
            )));
        }
        tokio::time::sleep(
            pause.min(
                limit
                    .saturating_sub(begun.elapsed())
                    .max(Duration::from_millis(10)),
            ),
        )
        .await;
        pause = (pause * 2).min(LONGEST_PAUSE);
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
    let said = |bytes: &[u8]| inert_short(String::from_utf8_lossy(bytes).trim(), 120);
    match output.ended {
        Ended::Exit(0) => Ok(format!("{shown} exit 0")),
        Ended::Exit(code) => {
            let text = if output.stderr.is_empty() {
                said(&output.stdout)
            } else {
                said(&output.stderr)
            };
            Err(Error::unavailable(format!(
                "legacy.{what} ended with {code}: {text}"
            )))
        }
        Ended::NotFound => Err(Error::unavailable(format!(
            "legacy.{what}: there is no such program: {shown}"
        ))),
        other => Err(Error::unavailable(format!(
            "legacy.{what} did not end by itself: {other:?}"
        ))),
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
    let limit = within.map_or(READY, Duration::from_secs);
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

/// Installs exactly one version of MAOS for an interpreter.
///
/// # Errors
/// What pip says.
pub async fn install(
    processes: &dyn Processes,
    interpreter: &std::path::Path,
    distribution: &str,
    version: &str,
) -> Result<String> {
    let plain = |text: &str| {
        !text.is_empty()
            && text
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b"._+!-".contains(&b))
    };
    if !plain(version) || !plain(distribution) || distribution.starts_with('-') {
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
    let argv = [
        &interpreter.display().to_string(),
        "-m",
        "pip",
        "install",
        "--no-input",
        "--disable-pip-version-check",
        &format!("{distribution}=={version}"),
    ];
    let call = Call::new(argv.iter().map(|word| (*word).to_owned()).collect(), INSTALL);
    let output = processes.run(call, None).await?;
    if output.exited_well() {
        return Ok(format!("{distribution} {version} installed"));
    }
    let said = String::from_utf8_lossy(&output.stderr);
    let last = said
        .lines()
        .rev()
        .find(|line| !line.trim().is_empty())
        .unwrap_or_default();
    Err(Error::unavailable(format!(
        "pip did not install {distribution} {version}: {}",
        inert_short(last, 200)
    )))
}
