//! One look at MAOS: its status document, its health, and a validation probe; each with a time limit, none believed blindly.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::json;
use super::sample::{Gap, Probe, Raw, RawFigures, Sample};
use super::watch::Taken;
use crate::engine::ports::clock::millis;
use crate::engine::ports::maos::{Known, Maos, MaosError, StatusDocument, Submission, TaskStatus};
use crate::engine::ports::process::{Call, Ended, Processes};
use crate::engine::text::inert_short;

/// No call waits longer than this.
const LONGEST: Duration = Duration::from_mins(1);
/// The guide's limits for its validation task, and how often its state is asked.
const TASK_LIMIT_S: u64 = 120;
const TASK_WAIT: Duration = Duration::from_mins(3);
const TASK_POLL: Duration = Duration::from_millis(500);

/// What the validation probe does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Validation {
    /// Asks whether MAOS runs and answers; changes nothing.
    Health,
    /// Submits the guide's task and waits for its end.
    Task,
    /// Nothing.
    Off,
}

impl Validation {
    /// By its word in `migration.yml`.
    #[must_use]
    pub fn of(word: &str) -> Option<Self> {
        match word {
            "health" => Some(Self::Health),
            "task" => Some(Self::Task),
            "off" => Some(Self::Off),
            _ => None,
        }
    }
}

/// Why something is not known: for the evaluator, and in the words of whoever did not tell it.
type Lost = (Gap, String);

/// Where samples come from.
#[derive(Clone)]
pub struct Source {
    /// MAOS, or why there is none.
    pub maos: Result<Arc<dyn Maos>, String>,
    /// Runs the command below.
    pub processes: Arc<dyn Processes>,
    /// Prints the status document in place of MAOS's own status; empty for none.
    pub command: Vec<String>,
    /// The probe.
    pub validation: Validation,
    /// The time between two samples. A look takes no longer than that, whatever does not answer.
    pub interval: Duration,
}

impl Source {
    /// In words, for screens and the journal.
    #[must_use]
    pub fn words(&self) -> String {
        if !self.command.is_empty() {
            return format!("command {}", inert_short(&self.command.join(" "), 80));
        }
        match &self.maos {
            Ok(maos) if maos.rehearsal() => format!("REHEARSAL, {}", maos.place()),
            Ok(maos) => format!("{} {}", maos.dialect().title(), maos.place()),
            Err(why) => why.clone(),
        }
    }

    /// Takes one sample. `at` is its time, microseconds since 1970.
    pub async fn take(&self, at: i64) -> Taken {
        let started = Instant::now();
        let mut why = Vec::new();
        // Both ask at the same time, so that a slow answer costs its limit once.
        let (figures, validation) = tokio::join!(self.figures(), self.validate());
        let figures = match figures {
            Ok((figures, None)) => Ok((figures, None)),
            Ok((figures, Some((gap, words)))) => {
                why.push(words);
                Ok((figures, Some(gap)))
            }
            Err((gap, words)) => {
                why.push(words);
                Err(gap)
            }
        };
        let validation = validation.map_err(|(gap, words)| {
            if !words.is_empty() && !why.contains(&words) {
                why.push(words);
            }
            gap
        });
        let sample = match figures {
            Ok((figures, lost)) => {
                let sample = figures.sample(Some(at), validation);
                Sample {
                    // The counters tell the shares; a journal needs no long fractions.
                    lifetime_errors: None,
                    share_healthy: None,
                    tasks: lost.map_or(sample.tasks, Err),
                    response: lost.map_or(sample.response, Err),
                    throughput: lost.map_or(sample.throughput, Err),
                    ..sample
                }
            }
            Err(gap) => Sample {
                validation,
                ..Sample::lost(Some(at), gap)
            },
        };
        Taken {
            sample,
            source: self.words(),
            ms: millis(started),
            why,
        }
    }

    /// Learns what there is to ask, once and beside the samples: a look that ends at its time limit would otherwise begin
    /// with it each time, and with a slow program never come to its figures. Whether it could be learnt.
    pub async fn learn(&self) -> bool {
        match &self.maos {
            Ok(maos) if self.command.is_empty() || self.validation != Validation::Off => {
                maos.probe().await.is_ok()
            }
            _ => true,
        }
    }

    /// The time limit of one call. Half of the interval: a status document may be followed by the health command.
    fn limit(&self) -> Duration {
        (self.interval / 2).min(LONGEST)
    }

    /// The figures, and why there are those of the health command only.
    async fn figures(&self) -> Result<(RawFigures, Option<Lost>), Lost> {
        if !self.command.is_empty() {
            return self.ask_command().await.map(|figures| (figures, None));
        }
        let maos = self.maos.as_ref().map_err(|why| (Gap::NoSource, why.clone()))?;
        let begun = Instant::now();
        let status = known(self.limit(), "status", maos.status()).await;
        let (mut figures, missing) = match status {
            Ok(document) => (figures(&document), None),
            // Whoever hangs is not asked twice.
            Err(lost) if begun.elapsed() >= self.limit() => return Err(lost),
            Err(lost) => (RawFigures::default(), Some(lost)),
        };
        if figures.healthy == Raw::Absent || figures.components == Raw::Absent {
            // A status document without health is completed by the health command; without either it stays unknown.
            if let Ok(health) = known(self.limit(), "health", maos.health()).await {
                figures.healthy = raw_count(health.healthy);
                figures.components = raw_count(health.total);
            }
        }
        match missing {
            Some(lost) if figures.components == Raw::Absent => Err(lost),
            missing => Ok((figures, missing)),
        }
    }

    async fn ask_command(&self) -> Result<RawFigures, Lost> {
        let call = Call::new(self.command.clone(), self.limit());
        let ran = self
            .processes
            .run(call, None)
            .await
            .map_err(|error| (Gap::NoSource, error.message))?;
        let said = || inert_short(String::from_utf8_lossy(&ran.stderr).trim(), 120);
        match ran.ended {
            Ended::Exit(0) => {
                let mut figures = json::status(&ran.stdout)
                    .map_err(|gap| (gap, "the status command printed no JSON object".to_owned()))?;
                figures.response = micros(figures.response);
                figures.throughput = micros(figures.throughput);
                Ok(figures)
            }
            Ended::Exit(code) => Err((
                Gap::NoAnswer,
                format!("the status command: exit {code} {}", said()),
            )),
            Ended::Signal(signal) => Err((Gap::NoAnswer, format!("the status command: signal {signal}"))),
            Ended::TimedOut | Ended::Stopped => Err((
                Gap::NoAnswer,
                format!("the status command gave no answer in {}", span(self.limit())),
            )),
            Ended::NotFound => Err((Gap::NoSource, "the status command is not there".to_owned())),
            Ended::NotPermitted => Err((Gap::NoSource, "the status command may not be run".to_owned())),
        }
    }

    async fn validate(&self) -> Result<Probe, Lost> {
        let nothing = || Err((Gap::Absent, String::new()));
        let Ok(maos) = &self.maos else {
            return nothing();
        };
        match self.validation {
            Validation::Off => nothing(),
            Validation::Health => {
                let running = match known(self.limit(), "running", maos.running()).await {
                    Ok(running) => running,
                    // A probe that this MAOS cannot answer was never there; one that gave no answer is lost.
                    Err((Gap::NoSource, _)) => return nothing(),
                    Err(lost) => return Err(lost),
                };
                Ok(if running { Probe::Pass } else { Probe::Fail })
            }
            Validation::Task => task(maos.as_ref(), self.limit(), TASK_WAIT.min(self.interval / 2)).await,
        }
    }
}

/// Submits the guide's task and waits for its end: what was only accepted proves nothing. `limit` is for one call, `wait`
/// for the task; what has not ended by then is cancelled, so that no tasks pile up.
async fn task(maos: &dyn Maos, limit: Duration, wait: Duration) -> Result<Probe, Lost> {
    let submission = Submission {
        description: "Test task for validation".to_owned(),
        kind: Some("general".to_owned()),
        timeout_s: Some(TASK_LIMIT_S),
        reference: format!("monitor-{}", uuid::Uuid::now_v7()),
        ..Submission::default()
    };
    let lost = |why: &str| Err((Gap::NoAnswer, why.to_owned()));
    let begun = Instant::now();
    let id = match limited(limit, maos.submit(submission)).await {
        Ok(id) => id,
        Err(error) if error.is_missing() => return Err((Gap::Absent, String::new())),
        Err(MaosError::TimedOut(..)) => return lost("the validation task was not taken in time"),
        Err(_) => return Ok(Probe::Fail),
    };
    let mut asked = true;
    while begun.elapsed() < wait {
        match limited(limit, maos.show(id.clone())).await {
            Ok(view) => match view.status {
                TaskStatus::Completed => return Ok(Probe::Pass),
                TaskStatus::Failed | TaskStatus::Cancelled => return Ok(Probe::Fail),
                _ => asked = true,
            },
            Err(error) if error.is_missing() => {
                return Err((
                    Gap::NoSource,
                    "the validation task's end cannot be asked".to_owned(),
                ));
            }
            Err(_) => asked = false,
        }
        tokio::time::sleep(TASK_POLL.min(wait / 10)).await;
    }
    // It has had its time either way; that it cannot be cancelled says nothing more.
    let _ = limited(limit, maos.cancel(id)).await;
    if !asked {
        return lost("the validation task's end was not told");
    }
    if wait < Duration::from_secs(TASK_LIMIT_S) {
        return lost("the validation task did not end within half an interval");
    }
    // It was taken and did not end within the guide's limit.
    Ok(Probe::Fail)
}

async fn limited<T>(
    limit: Duration,
    answer: impl Future<Output = Result<T, MaosError>>,
) -> Result<T, MaosError> {
    tokio::time::timeout(limit, answer)
        .await
        .unwrap_or(Err(MaosError::TimedOut("call", limit.as_secs())))
}

/// What was learned, or why not.
async fn known<T>(
    limit: Duration,
    what: &str,
    answer: impl Future<Output = Result<Known<T>, MaosError>>,
) -> Result<T, Lost> {
    match limited(limit, answer).await {
        Ok(Known::Value(value)) => Ok(value),
        Ok(Known::Unknown(why)) => Err((Gap::NoAnswer, format!("{what}: {}", inert_short(&why, 120)))),
        Err(error) => {
            let gap = match &error {
                error if error.is_missing() => Gap::NoSource,
                MaosError::Garbage(..) => Gap::Unreadable,
                _ => Gap::NoAnswer,
            };
            let words = match error {
                MaosError::TimedOut(..) => format!("{what}: no answer in {}", span(limit)),
                error => format!("{what}: {}", inert_short(&error.to_string(), 120)),
            };
            Err((gap, words))
        }
    }
}

/// `60 s`, `0.5 s`.
fn span(limit: Duration) -> String {
    format!("{} s", (limit.as_secs_f64() * 10.0).round() / 10.0)
}

fn figures(document: &StatusDocument) -> RawFigures {
    let raw = |given: Option<f64>| given.map_or(Raw::Absent, Raw::Number);
    RawFigures {
        total: raw(document.total),
        failed: raw(document.failed),
        completed: raw(document.completed),
        cancelled: raw(document.cancelled),
        healthy: raw(document.healthy),
        components: raw(document.components),
        response: micros(raw(document.avg_response_time)),
        throughput: micros(raw(document.tasks_per_minute)),
    }
}

/// Rounded to millionths: what the journal keeps reads back as exactly this.
fn micros(raw: Raw) -> Raw {
    match raw {
        Raw::Number(n) if n.is_finite() && n.abs() < 1e9 => Raw::Number((n * 1e6).round() / 1e6),
        other => other,
    }
}

#[expect(clippy::cast_precision_loss, reason = "components are few")]
fn raw_count(n: u64) -> Raw {
    Raw::Number(n as f64)
}

/// The sample of figures that were taken elsewhere: the start snapshot of a cut over, `{at, status, health}`.
#[must_use]
pub fn start_snapshot(memo: &serde_json::Value) -> Option<Taken> {
    let at: jiff::Timestamp = serde_json::from_value(memo.get("at")?.clone()).ok()?;
    let document: StatusDocument = serde_json::from_value(memo.get("status")?.clone()).ok()?;
    let mut figures = figures(&document);
    if figures.components == Raw::Absent
        && let Some(health) = memo.get("health")
    {
        let count = |key: &str| health.get(key).and_then(serde_json::Value::as_u64);
        if let (Some(healthy), Some(total)) = (count("healthy"), count("total")) {
            (figures.healthy, figures.components) = (raw_count(healthy), raw_count(total));
        }
    }
    let sample = Sample {
        lifetime_errors: None,
        share_healthy: None,
        ..figures.sample(Some(at.as_microsecond()), Err(Gap::Absent))
    };
    Some(Taken {
        sample,
        source: "start snapshot of the cut over".to_owned(),
        ms: 0,
        why: Vec::new(),
    })
}
