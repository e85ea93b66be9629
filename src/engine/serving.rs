//! Whether MAOS serves: polled, with a deadline, never slept for. And that it no longer does, on the way back.

use std::time::{Duration, Instant};

use super::error::{Error, Result};
use super::ports::maos::{Known, Maos, MaosError, Stop};

/// Milliseconds between two looks: soon at first, then with patience.
const POLL: [u64; 6] = [50, 100, 200, 400, 800, 1500];

/// Waits until every component is well, or it runs where its health cannot be known; gives the evidence in words.
///
/// # Errors
/// Not ready after `within`, with what was seen last.
pub async fn ready(maos: &dyn Maos, within: Duration) -> Result<String> {
    let begun = Instant::now();
    let mut tries = 0;
    loop {
        let running = maos.running().await.map_err(Error::from)?;
        let health = maos.health().await.map_err(Error::from)?;
        let last = match (&health, &running) {
            (Known::Value(health), _) if health.total > 0 && health.healthy == health.total => {
                return Ok(format!("{} of {} healthy", health.healthy, health.total));
            }
            (Known::Unknown(why), Known::Value(true)) => {
                return Ok(format!("runs; its health is not known: {why}"));
            }
            (Known::Value(health), _) => format!("{} of {} healthy", health.healthy, health.total),
            (Known::Unknown(why), _) => why.clone(),
        };
        if begun.elapsed() > within {
            return Err(Error::unavailable(format!(
                "MAOS not ready after {} s: {last}",
                within.as_secs()
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
