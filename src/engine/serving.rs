//! Whether MAOS serves: polled, with a deadline, never slept for.

use std::time::{Duration, Instant};

use super::error::{Error, Result};
use super::ports::maos::{Known, Maos};

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
