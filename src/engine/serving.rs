//! Whether MAOS serves: polled, with a deadline, never slept for. And that it no longer does, on the way back.

use std::time::{Duration, Instant};

use super::error::{Error, Result};
use super::ports::maos::{Known, Maos, MaosError, Stop};
use super::text::inert_short;

/// Milliseconds between two looks: soon at first, then with patience.
const POLL: [u64; 6] = [50, 100, 200, 400, 800, 1500];

/// Waits until every component is well, or it runs where its health cannot be known; gives the evidence in words.
///
/// # Errors
/// Not ready after `within`, or nothing can tell whether it is; with what was seen last.
pub async fn ready(maos: &dyn Maos, within: Duration) -> Result<String> {
    wait(maos, within, false).await
}

/// The same for the way back, where a MAOS that can tell neither its health nor whether it runs must not keep everything else from
/// going back: then the words say so.
///
/// # Errors
/// Not ready after `within`, with what was seen last.
pub async fn ready_if_told(maos: &dyn Maos, within: Duration) -> Result<String> {
    wait(maos, within, true).await
}

async fn wait(maos: &dyn Maos, within: Duration, untold_is_enough: bool) -> Result<String> {
    let begun = Instant::now();
    let mut tries = 0;
    loop {
        // A program that does not answer yet is one that is not ready yet.
        let last = match maos.health().await {
            Ok(Known::Value(health)) if health.total > 0 && health.healthy == health.total => {
                return Ok(format!("{} of {} healthy", health.healthy, health.total));
            }
            Ok(Known::Value(health)) => {
                let ill: Vec<&str> = health
                    .components
                    .iter()
                    .filter(|(_, well)| !well)
                    .map(|(name, _)| name.as_str())
                    .take(4)
                    .collect();
                let named = if ill.is_empty() {
                    String::new()
                } else {
                    format!(", not {}", ill.join(", "))
                };
                format!("{} of {} healthy{named}", health.healthy, health.total)
            }
            Err(error) if !error.is_missing() => error.to_string(),
            untold => {
                let why = match untold {
                    Ok(Known::Unknown(why)) => why,
                    Ok(Known::Value(_)) => String::new(),
                    Err(error) => error.to_string(),
                };
                match maos.running().await {
                    Ok(Known::Value(true)) => return Ok(format!("runs; its health is not known: {why}")),
                    Ok(Known::Value(false)) => "it does not run".to_owned(),
                    _ if untold_is_enough => return Ok(format!("not known whether it is ready: {why}")),
                    _ => why,
                }
            }
        };
        if begun.elapsed() >= within {
            return Err(Error::unavailable(format!(
                "MAOS not ready after {} s: {}",
                within.as_secs(),
                inert_short(&last, 160)
            )));
        }
        tokio::time::sleep(Duration::from_millis(POLL[tries.min(POLL.len() - 1)])).await;
        tries += 1;
    }
}

/// Ends MAOS: asks, and ends it by force after `within`. It may not have been started at all, or in part. Exit 0 proves nothing.
///
/// # Errors
/// It still runs though it was asked and then ended; or it does not answer, so that nobody knows.
pub async fn ended(maos: &dyn Maos, within: Duration) -> Result<String> {
    if matches!(runs(maos).await, Ok(Known::Value(false))) {
        return Ok("it does not run".to_owned());
    }
    // One that does not answer is asked to stop all the same.
    let asked = maos.stop(Stop::Graceful(within)).await;
    match (asked, runs(maos).await) {
        (_, Ok(Known::Value(true)) | Err(_)) => {}
        (Ok(said), _) => return Ok(said),
        (Err(_), Ok(Known::Value(false))) => return Ok("it does not run".to_owned()),
        // A program that cannot say whether it runs, and of which none was started here, must not keep the old side closed.
        (Err(error), Ok(Known::Unknown(why))) => {
            return Ok(format!("whether it runs is not known: {why} ({error})"));
        }
    }
    let forced = maos.stop(Stop::Force).await;
    match (forced, runs(maos).await) {
        (Err(error), Ok(Known::Value(true))) => Err(error.into()),
        (Ok(_), Ok(Known::Value(true))) => Err(Error::unavailable("MAOS still runs though it was ended")),
        (_, Err(error)) => Err(Error::unavailable(format!(
            "whether MAOS still runs is not known: {error}"
        ))),
        _ => Ok("ended by force".to_owned()),
    }
}

/// Whether it runs. A program that is not there cannot tell.
async fn runs(maos: &dyn Maos) -> std::result::Result<Known<bool>, MaosError> {
    match maos.running().await {
        Err(MaosError::NoProgram(why)) => Ok(Known::Unknown(why)),
        other => other,
    }
}
