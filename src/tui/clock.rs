//! Time as the wizard sees it: handed in, never read, so that a test decides what o'clock it is. And how it is said:
//! `6 s ago`, `14:06`, `about 4 min`.

use std::time::Duration;

use jiff::Timestamp;
use jiff::tz::TimeZone;

/// The moment of one frame or one key.
#[derive(Debug, Clone, PartialEq)]
pub struct Now {
    /// Since the wizard started; never jumps.
    pub mono: Duration,
    /// The wall clock, in UTC.
    pub at: Timestamp,
    /// The person's zone.
    pub zone: TimeZone,
}

/// Seconds in a minute, an hour.
const MINUTE: u64 = 60;
const HOUR: u64 = 3600;

impl Now {
    /// Whole seconds since `then`; 0 when it lies ahead.
    #[must_use]
    pub fn seconds_since(&self, then: Timestamp) -> u64 {
        u64::try_from(self.at.as_second() - then.as_second()).unwrap_or(0)
    }

    /// Local clock time: `14:06`.
    #[must_use]
    pub fn clock(&self, then: Timestamp) -> String {
        then.to_zoned(self.zone.clone()).strftime("%H:%M").to_string()
    }

    /// Local clock time with seconds: `14:06:03`.
    #[must_use]
    pub fn clock_seconds(&self, then: Timestamp) -> String {
        then.to_zoned(self.zone.clone()).strftime("%H:%M:%S").to_string()
    }

    /// How old something is, and after how long that text changes: `6 s`, `2 min`, then nothing.
    #[must_use]
    pub fn age(&self, then: Timestamp) -> (Option<String>, Option<Duration>) {
        let seconds = self.seconds_since(then);
        if seconds < 10 {
            (Some(format!("{seconds} s")), Some(Duration::from_secs(1)))
        } else if seconds < MINUTE {
            // From ten seconds on the tens are enough; a picture that nobody changes then rests.
            let text = format!("{} s", seconds / 10 * 10);
            (Some(text), Some(Duration::from_secs(10 - seconds % 10)))
        } else if seconds < HOUR {
            let text = format!("{} min", seconds / MINUTE);
            (Some(text), Some(Duration::from_secs(MINUTE - seconds % MINUTE)))
        } else {
            (None, None)
        }
    }
}

/// A wait, rounded up so that it is never too short: `about 7 s`, `about 40 s`, `about 4 min`, `about 2 h 10 min`.
#[must_use]
pub fn about(seconds: f64) -> String {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "clamped to a year of seconds"
    )]
    let seconds = seconds.clamp(0.0, 31_536_000.0).ceil() as u64;
    let up = |value: u64, step: u64| value.div_ceil(step) * step;
    match seconds {
        0..=10 => format!("about {} s", seconds.max(1)),
        11..=55 => format!("about {} s", up(seconds, 5)),
        56..=3540 => format!("about {} min", seconds.div_ceil(MINUTE)),
        _ => {
            let minutes = up(seconds.div_ceil(MINUTE), 10);
            match minutes % 60 {
                0 => format!("about {} h", minutes / 60),
                rest => format!("about {} h {rest} min", minutes / 60),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn now() -> Now {
        Now {
            mono: Duration::ZERO,
            at: "2026-11-22T14:06:30Z".parse().unwrap(),
            zone: TimeZone::UTC,
        }
    }

    #[test]
    fn ages_tick_by_seconds_then_tens_then_minutes_then_stand() {
        let ago = |text: &str| now().age(text.parse().unwrap());
        assert_eq!(
            ago("2026-11-22T14:06:24Z"),
            (Some("6 s".to_owned()), Some(Duration::from_secs(1)))
        );
        assert_eq!(
            ago("2026-11-22T14:03:50Z"),
            (Some("2 min".to_owned()), Some(Duration::from_secs(20)))
        );
        assert_eq!(ago("2026-11-22T12:00:00Z"), (None, None));
        assert_eq!(ago("2026-11-22T15:00:00Z").0.as_deref(), Some("0 s"));
    }

    #[test]
    fn waits_are_rounded_up() {
        let cases = [
            (0.2, "about 1 s"),
            (6.1, "about 7 s"),
            (31.0, "about 35 s"),
            (57.0, "about 1 min"),
            (200.0, "about 4 min"),
            (3600.0, "about 1 h"),
            (7500.0, "about 2 h 10 min"),
        ];
        for (seconds, text) in cases {
            assert_eq!(about(seconds), text);
        }
    }
}
