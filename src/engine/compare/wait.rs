//! Waiting for a task that MAOS has taken: by looking, less and less often, up to a deadline, and never longer.

use std::time::{Duration, Instant};

use crate::engine::error::{Error, Result};
use crate::engine::operation::Control;
use crate::engine::ports::maos::{Maos, MaosError, TaskStatus, TaskView};

/// How often a task is looked at, and how long.
#[derive(Debug, Clone, Copy)]
pub struct Patience {
    /// When waiting ends, counted from handing the task in. A task that has ended by the last look counts as ended.
    pub deadline: Duration,
    /// The shortest pause between two looks.
    pub first: Duration,
    /// Beyond it, the pause as a share of the time waited so far: so the error of a time is a share of it.
    pub share: f64,
    /// The longest pause.
    pub most: Duration,
    /// Looks in a row that may fail before the task is given up.
    pub failures: u32,
}

impl Patience {
    /// Until `deadline`, with the end known to about 2 % of the time.
    #[must_use]
    pub const fn until(deadline: Duration) -> Self {
        Self {
            deadline,
            first: Duration::from_millis(10),
            share: 0.02,
            most: Duration::from_secs(2),
            failures: 5,
        }
    }

    fn pause(&self, waited: Duration) -> Duration {
        waited.mul_f64(self.share).clamp(self.first, self.most)
    }
}

/// How waiting ended.
#[derive(Debug, Clone, PartialEq)]
pub enum Waited {
    /// The task ended.
    Ended(Box<TaskView>),
    /// The deadline passed; the last state seen.
    Deadline(TaskStatus),
    /// MAOS could not be asked any more.
    Lost(MaosError),
}

/// A wait and the time it tells.
#[derive(Debug, Clone, PartialEq)]
pub struct Timed {
    /// How it ended.
    pub waited: Waited,
    /// Seconds from handing in to the end: the middle between the last look that saw it going on and the one that saw its end.
    pub seconds: f64,
    /// Half of the time between these looks: how far `seconds` may be off.
    pub uncertainty_s: f64,
    /// How often it was looked at.
    pub looks: u32,
    /// The most agents that any look reported.
    pub agents: Option<u32>,
}

/// Waits for `id`, which was handed in at `begun`. Pausing waits for the next safe point of the caller; stopping ends the wait.
///
/// # Errors
/// [`crate::engine::ErrorKind::Interrupted`] when a stop was asked for.
pub async fn until_ended(
    maos: &dyn Maos,
    id: &str,
    begun: Instant,
    patience: Patience,
    control: &Control,
) -> Result<Timed> {
    let (mut looks, mut failures, mut agents) = (0, 0, None);
    let mut going_on = Duration::ZERO;
    let mut last = TaskStatus::Queued;
    loop {
        // Whether time was up before this look: what it finds still counts.
        let over = begun.elapsed() >= patience.deadline;
        let asked = begun.elapsed();
        let answer = tokio::select! {
            biased;
            answer = maos.show(id.to_owned()) => answer,
            () = control.stopped() => return Err(stopped()),
        };
        looks += 1;
        let now = begun.elapsed();
        let done = |waited, end: Duration, off: Duration, agents| {
            Ok(Timed {
                waited,
                seconds: end.as_secs_f64(),
                uncertainty_s: off.as_secs_f64(),
                looks,
                agents,
            })
        };
        match answer {
            Ok(view) => {
                failures = 0;
                agents = agents.max(view.agents_used);
                if view.status.ended() {
                    // It went on when the last look was asked for, and had ended when this one was answered.
                    let half = now.saturating_sub(going_on) / 2;
                    return done(Waited::Ended(Box::new(view)), going_on + half, half, agents);
                }
                going_on = asked;
                last = view.status;
            }
            Err(MaosError::Stopped) => return Err(stopped()),
            Err(error) => {
                failures += 1;
                if error.is_missing() || failures >= patience.failures {
                    return done(Waited::Lost(error), now, Duration::ZERO, agents);
                }
            }
        }
        if over {
            return done(Waited::Deadline(last), now, Duration::ZERO, agents);
        }
        let pause = patience.pause(now).min(patience.deadline.saturating_sub(now));
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            () = control.stopped() => return Err(stopped()),
        }
    }
}

fn stopped() -> Error {
    Error::interrupted("stopped at a safe point")
}
