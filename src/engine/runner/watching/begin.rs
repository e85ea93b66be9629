//! How a watch begins, or goes on: what is judged and how strictly, where the figures come from, and the background that
//! takes a sample at each interval.

use std::time::Duration;

use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;

use super::{Told, Watching};
use crate::engine::assess;
use crate::engine::capability::Capability;
use crate::engine::error::{Error, Result};
use crate::engine::event::EventKind;
use crate::engine::monitor::decide::{self, COUNTDOWNS};
use crate::engine::monitor::sampling::{self, Source, Validation};
use crate::engine::monitor::watch::Begin;
use crate::engine::monitor::{Criteria, criteria};
use crate::engine::runner::dispatch::Dispatcher;
use crate::engine::runner::internal::Internal;

/// Decisions of other processes are looked for this often.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// The question of the assessment whose answer is the baseline.
const BASELINE: &str = "average_response_time";

impl Dispatcher {
    pub(super) async fn start_watch(&mut self) -> Result<()> {
        let world = self.world()?;
        let settings = &world.settings.driving.monitor;
        let file = self.workspace.path(criteria::WORKSPACE_FILE);
        let user = match std::fs::read_to_string(&file) {
            Ok(text) => Some(text),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
            Err(error) => return Err(Error::io("read", &file, &error)),
        };
        #[expect(clippy::cast_precision_loss, reason = "seconds of a watch")]
        let minutes = |seconds: Option<u64>| seconds.map(|seconds| seconds as f64 / 60.0);
        let criteria = Criteria::with(criteria::WORKSPACE_FILE, user.as_deref())?.timed(
            minutes(settings.interval),
            minutes(settings.window),
            minutes(settings.duration),
        )?;
        let validation = Validation::of(&settings.validation).ok_or_else(|| {
            Error::input(format!(
                "migration.yml: monitor.validation is {}",
                settings.validation
            ))
            .hint("Write health, task or off.")
        })?;
        if !COUNTDOWNS.contains(&settings.countdown) {
            return Err(Error::input(format!(
                "migration.yml: monitor.countdown is {} s",
                settings.countdown
            ))
            .hint(format!(
                "Write {} to {} seconds.",
                COUNTDOWNS.start(),
                COUNTDOWNS.end()
            )));
        }
        let before = world.snapshot.monitor.as_ref();
        let (baseline, baseline_from) = match before {
            Some(watch) if watch.begin.baseline_from.starts_with("recorded by") => {
                (watch.begin.baseline, watch.begin.baseline_from.clone())
            }
            _ => baseline(&world.snapshot),
        };
        let source = Source {
            maos: self
                .ports
                .maos
                .open(&world.workspace, &world.settings)
                .map_err(|error| error.message),
            processes: self.ports.processes.clone(),
            command: settings.status.clone(),
            validation,
            interval: Duration::from_micros(u64::try_from(criteria.interval).unwrap_or_default()),
        };
        let begin = Begin {
            criteria,
            baseline,
            baseline_from,
            source: source.words(),
            by: self.me(),
        };
        let mut kinds = vec![EventKind::WatchBegan {
            begin: Box::new(begin),
        }];
        // What the cut over saw first is where the counters begin.
        let start = world
            .snapshot
            .steps
            .get(&Capability::Cutover)
            .and_then(|step| {
                step.items
                    .get("apply")?
                    .get(crate::engine::cutover::START_SNAPSHOT)
                    .cloned()
            })
            .and_then(|item| sampling::start_snapshot(&item.data))
            .filter(|taken| {
                let last = before
                    .and_then(|watch| watch.last())
                    .map(crate::engine::monitor::Point::at);
                last.is_none_or(|last| taken.sample.at.is_some_and(|at| at > last))
            });
        kinds.extend(start.map(|taken| EventKind::Sampled {
            taken: Box::new(taken),
        }));
        self.emit(kinds).await?;
        let next = self
            .outlets
            .snapshot()
            .monitor
            .as_ref()
            .and_then(|watch| watch.next_at());
        self.run_watch(source, criteria.interval, next);
        self.turn_watch_traffic(true).await?;
        // A countdown that ended with its session begins anew, whole: the rollback is still due, and a person still has time to stop it.
        let counted = self.outlets.snapshot().monitor.as_ref().is_some_and(|watch| {
            watch.countdown.is_some() && watch.armed.is_some() && watch.should_roll_back()
        });
        if counted { self.count_down().await } else { Ok(()) }
    }

    fn run_watch(&mut self, source: Source, interval: i64, next: Option<jiff::Timestamp>) {
        let stop = CancellationToken::new();
        self.watching = Some(Watching(stop.clone()));
        let (reports, clock) = (self.reporter(), self.ports.clock.clone());
        let every =
            Duration::from_micros(u64::try_from(interval).unwrap_or(1)).max(Duration::from_millis(10));
        let stopped = stop.clone();
        tokio::spawn(async move {
            let sampling = async {
                // A restart goes on where the last session stopped.
                let wait = next.map_or(0, |next| next.as_millisecond() - clock.now().as_millisecond());
                let wait = Duration::from_millis(u64::try_from(wait).unwrap_or_default()).min(every);
                let mut ticks = tokio::time::interval_at(tokio::time::Instant::now() + wait, every);
                ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Skip);
                let learn = || {
                    let source = source.clone();
                    AbortOnDropHandle::new(tokio::spawn(async move { source.learn().await }))
                };
                let mut learning = Some(learn());
                loop {
                    ticks.tick().await;
                    if let Some(learnt) = learning.take_if(|task| task.is_finished())
                        && !learnt.await.unwrap_or(false)
                    {
                        learning = Some(learn());
                    }
                    let taken = source.take(clock.now().as_microsecond()).await;
                    if reports
                        .send(Internal::Monitor(Told::Taken(Box::new(taken))))
                        .is_err()
                    {
                        return;
                    }
                }
            };
            tokio::select! {
                () = stopped.cancelled() => {}
                () = sampling => {}
            }
        });
        let (reports, workspace) = (self.reporter(), self.workspace.clone());
        tokio::spawn(async move {
            loop {
                tokio::select! {
                    () = stop.cancelled() => return,
                    () = tokio::time::sleep(LOOK_EVERY) => {}
                }
                let workspace = workspace.clone();
                let asked = tokio::task::spawn_blocking(move || decide::collect(&workspace)).await;
                let asked = asked.unwrap_or_default();
                if !asked.is_empty() && reports.send(Internal::Monitor(Told::Asked(asked))).is_err() {
                    return;
                }
            }
        });
    }
}

fn baseline(snapshot: &crate::engine::snapshot::Snapshot) -> (Option<f64>, String) {
    match snapshot.answers.value(BASELINE) {
        Some(assess::Value::Number(number)) => {
            (number.to_string().parse().ok(), "from the assessment".to_owned())
        }
        _ => (None, "not recorded".to_owned()),
    }
}
