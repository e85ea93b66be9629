//! Trying again: how often, how long to wait, and what for.

use std::time::Duration;

use super::live::Live;
use crate::engine::error::{Error, Result};
use crate::engine::operation::{Control, Notice};
use crate::engine::ports::store::{Answer, StoreError};

/// Attempts for a failure that may pass.
pub const ATTEMPTS: u32 = 8;

/// The wait before attempt `n` (from 1): 0.2 s doubled each time, 10 s at most, and up to a quarter more by `jitter` (0 to 255), so
/// that workers do not come back together.
#[must_use]
pub fn wait(n: u32, jitter: u8) -> Duration {
    let base = 200_u64
        .saturating_mul(1 << (n.saturating_sub(1)).min(16))
        .min(10_000);
    Duration::from_millis(base + base * u64::from(jitter) / 1_024)
}

/// What to do about a failure.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// Wait so long, then again.
    Again(Duration),
    /// Give up.
    Up,
}

/// Decides about the failure of attempt `n` (from 1). A full disk is waited for as long as `patience` lasts; `waited` so far.
#[must_use]
pub fn judge(error: &StoreError, n: u32, waited: Duration, patience: Duration, jitter: u8) -> Verdict {
    match error {
        StoreError::Transient(_) if n < ATTEMPTS => Verdict::Again(wait(n, jitter)),
        StoreError::Full(_) if waited < patience => Verdict::Again(Duration::from_secs(2)),
        _ => Verdict::Up,
    }
}

/// Waits before another attempt, telling why; ends at once when a stop is asked for.
///
/// # Errors
/// The failure itself when it is given up, or that the work was stopped.
pub async fn again(
    error: StoreError,
    n: u32,
    waited: &mut Duration,
    patience: Duration,
    control: &Control,
    live: &Live,
) -> Result<()> {
    let jitter = uuid::Uuid::new_v4().as_bytes()[0];
    match judge(&error, n, *waited, patience, jitter) {
        Verdict::Up => Err(error.into()),
        Verdict::Again(pause) => {
            let text = format!(
                "{error}; again in {:.1} s, {n} of {ATTEMPTS}",
                pause.as_secs_f64()
            );
            live.waits(Some(text.clone()));
            control.notice(Notice::Log(text));
            *waited += pause;
            let stopped = tokio::select! {
                () = tokio::time::sleep(pause) => false,
                () = control.stopped() => true,
            };
            live.waits(None);
            if stopped {
                Err(Error::interrupted("stopped while waiting for the database"))
            } else {
                Ok(())
            }
        }
    }
}

/// Asks until there is an answer, or the failure is given up as [`again`] does. What is asked must bear being done twice.
///
/// # Errors
/// See [`again`].
pub async fn until<'a, T>(
    ask: impl Fn() -> Answer<'a, T>,
    patience: Duration,
    control: &Control,
    live: &Live,
) -> Result<T> {
    let (mut waited, mut n) = (Duration::ZERO, 0);
    loop {
        n += 1;
        match ask().await {
            Ok(answer) => return Ok(answer),
            Err(error) => again(error, n, &mut waited, patience, control, live).await?,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_and_end() {
        assert_eq!(wait(1, 0), Duration::from_millis(200));
        assert_eq!(wait(4, 0), Duration::from_millis(1_600));
        assert_eq!(wait(30, 0), Duration::from_secs(10));
        assert!(wait(30, 255) < Duration::from_millis(12_500));
    }

    #[test]
    fn only_what_may_pass_is_tried_again() {
        let patience = Duration::from_mins(1);
        let verdict = |error: StoreError, n| judge(&error, n, Duration::ZERO, patience, 0);
        assert!(matches!(
            verdict(StoreError::Transient(String::new()), 1),
            Verdict::Again(_)
        ));
        assert_eq!(
            verdict(StoreError::Transient(String::new()), ATTEMPTS),
            Verdict::Up
        );
        assert!(matches!(
            verdict(StoreError::Full(String::new()), 99),
            Verdict::Again(_)
        ));
        assert_eq!(
            judge(&StoreError::Full(String::new()), 1, patience, patience, 0),
            Verdict::Up
        );
        assert_eq!(verdict(StoreError::Refused(String::new()), 1), Verdict::Up);
        assert_eq!(verdict(StoreError::Fenced(String::new()), 1), Verdict::Up);
    }
}
