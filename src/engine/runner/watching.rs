//! The monitor beside the dispatcher: samples come from a task of its own, so they go on whatever operation runs, and a
//! rollback can start while they do. What they mean is in the fold; here is what follows: hooks, the countdown, the end.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;

use super::Reply;
use super::dispatch::{Approving, Dispatcher};
use super::internal::Internal;
use super::operations;
use crate::engine::assess;
use crate::engine::capability::Capability;
use crate::engine::error::{Error, Result};
use crate::engine::event::{EventKind, Level};
use crate::engine::journey;
use crate::engine::monitor::decide::{self, Asked, COUNTDOWNS};
use crate::engine::monitor::sampling::{self, Source, Validation};
use crate::engine::monitor::watch::Begin;
use crate::engine::monitor::{Criteria, Taken, Verdict, Watch, criteria, document, verdict};
use crate::engine::operation::{Outcome, ProofLine};
use crate::engine::ports::process::{Call, Ended, Stdin};
use crate::engine::snapshot::Activity;
use crate::engine::workspace::driving::MonitorSettings;
use crate::engine::workspace::files;

/// Decisions of other processes are looked for this often.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// A hook may take this long.
const HOOK_LIMIT: Duration = Duration::from_secs(30);

/// The question of the assessment whose answer is the baseline.
const BASELINE: &str = "average_response_time";

/// What the background reports.
pub(super) enum Told {
    /// A sample.
    Taken(Box<Taken>),
    /// Decisions that were left by other processes.
    Asked(Vec<Result<Asked>>),
    /// The countdown is over, the one that ends at this moment.
    CountdownOver(jiff::Timestamp),
    /// The plan of an automatic rollback.
    Planned(Box<Result<Reply>>),
    /// An automatic rollback has ended.
    RolledBack(Box<Result<Reply>>),
    /// Something for the journal.
    Events(Vec<EventKind>),
}

/// The background of a watch; ends when it is dropped.
pub(super) struct Watching(CancellationToken);

impl Drop for Watching {
    fn drop(&mut self) {
        self.0.cancel();
    }
}

impl Dispatcher {
    /// Goes on with a watch that an earlier session left, where a person is there to see it.
    pub(super) async fn resume_watch(&mut self) -> Result<()> {
        let on = self
            .outlets
            .snapshot()
            .monitor
            .as_ref()
            .is_some_and(|watch| watch.on);
        if on
            && self.options.interactive
            && let Err(error) = self.start_watch().await
        {
            return self.note_error(Some(Capability::Monitor), &error).await;
        }
        Ok(())
    }

    /// Checks a decision about the monitor before it is recorded.
    pub(super) fn check_monitor(&self, subject: &str, choice: &Value) -> Result<()> {
        let snapshot = self.outlets.snapshot();
        if (subject, choice) == ("watching", &Value::Bool(true)) {
            journey::gate(snapshot, Capability::Monitor).map_err(Error::from)?;
        }
        decide::check(
            snapshot.monitor.as_deref(),
            self.ports.clock.now(),
            &snapshot.target,
            subject,
            choice,
        )
    }

    /// What follows a recorded decision.
    pub(super) async fn monitor_decided(&mut self, subject: &str, choice: &Value) -> Result<()> {
        match (subject, choice) {
            ("watching", Value::Bool(true)) => self.start_watch().await,
            ("watching", Value::Bool(false)) => {
                let by = self.me();
                self.end_watch(format!("ended by {by}")).await
            }
            ("armed", choice) if !choice.is_null() && self.should_roll_back() => self.count_down().await,
            _ => Ok(()),
        }
    }

    fn should_roll_back(&self) -> bool {
        let monitor = &self.outlets.snapshot().monitor;
        monitor.as_ref().is_some_and(|watch| watch.should_roll_back())
    }

    async fn start_watch(&mut self) -> Result<()> {
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

    pub(super) async fn end_watch(&mut self, reason: String) -> Result<()> {
        self.watching = None;
        if self
            .outlets
            .snapshot()
            .monitor
            .as_ref()
            .is_some_and(|watch| watch.on)
        {
            self.emit(vec![EventKind::WatchEnded { reason }]).await?;
            self.write_document().await?;
        }
        Ok(())
    }

    pub(super) async fn monitor_told(&mut self, told: Told) -> Result<()> {
        match told {
            Told::Taken(taken) => self.taken(taken).await,
            Told::Asked(asked) => {
                for one in asked {
                    self.asked(one).await?;
                }
                Ok(())
            }
            Told::CountdownOver(ends) => self.countdown_over(ends).await,
            Told::Planned(result) => match *result {
                Ok(Reply::Plan(plan)) => {
                    let (reply, answer) = oneshot::channel();
                    let approving = Approving {
                        digest: plan.digest.clone(),
                        confirm: Some(plan.target.clone()),
                        reply: Some(reply),
                        stopped: false,
                    };
                    self.apply(plan.capability, plan.verb.clone(), approving).await?;
                    self.told_when(answer, |result| Told::RolledBack(Box::new(result)));
                    Ok(())
                }
                Ok(_) => Ok(()),
                Err(error) => self.not_rolled_back(error).await,
            },
            Told::RolledBack(result) => match *result {
                Ok(_) => {
                    self.hooks_now(Some("done"));
                    Ok(())
                }
                Err(error) => self.not_rolled_back(error).await,
            },
            Told::Events(kinds) => self.emit(kinds).await,
        }
    }

    async fn asked(&mut self, asked: Result<Asked>) -> Result<()> {
        let checked = asked.and_then(|asked| {
            self.check_monitor(&asked.subject, &asked.choice)?;
            Ok(asked)
        });
        match checked {
            Ok(Asked {
                subject, choice, by, ..
            }) => {
                self.emit(vec![EventKind::Decided {
                    capability: Capability::Monitor,
                    subject: subject.clone(),
                    choice: choice.clone(),
                    by,
                }])
                .await?;
                match self.monitor_decided(&subject, &choice).await {
                    Ok(()) => Ok(()),
                    Err(error) => self.note_error(Some(Capability::Monitor), &error).await,
                }
            }
            Err(error) => self.note_error(Some(Capability::Monitor), &error).await,
        }
    }

    async fn taken(&mut self, taken: Box<Taken>) -> Result<()> {
        if self.watching.is_none() {
            return Ok(());
        }
        let last = |watch: &Watch| watch.verdict().copied();
        let before = self.outlets.snapshot().monitor.as_deref().and_then(last);
        self.emit(vec![EventKind::Sampled { taken }]).await?;
        let snapshot = self.outlets.snapshot().clone();
        let Some(watch) = snapshot.monitor.as_deref() else {
            return Ok(());
        };
        let Some(now) = watch.verdict().copied() else {
            return Ok(());
        };
        let turned = before.map(|before| before.word) != Some(now.word);
        if turned || now.page {
            self.write_document().await?;
            if before.is_some() || now.should_roll_back {
                self.hooks(watch, before.as_ref(), &now, None);
            }
        }
        let newly = now.should_roll_back && !before.is_some_and(|before| before.should_roll_back);
        if newly && watch.armed.is_some() {
            self.count_down().await?;
        }
        let clock = self.ports.clock.now();
        if watch.promote_at().is_some_and(|at| at <= clock) {
            self.watched_long_enough(watch.samples, watch.lost).await?;
        }
        Ok(())
    }

    async fn watched_long_enough(&mut self, samples: u64, lost: u64) -> Result<()> {
        self.end_watch("watched long enough without a breach".to_owned())
            .await?;
        let outcome = Outcome {
            source: samples,
            converted: samples,
            unchanged: 0,
            quarantined: 0,
            proof: vec![ProofLine {
                what: "breaches while watched".to_owned(),
                source: "0".to_owned(),
                target: "0".to_owned(),
                equal: true,
            }],
            summary: format!("{samples} samples, no breach, {lost} lost"),
            artifacts: vec![document::FILE.to_owned()],
        };
        self.emit(vec![EventKind::Finished {
            capability: Capability::Monitor,
            verb: "run".to_owned(),
            outcome,
        }])
        .await
    }

    /// Writes what the verdict at `until` rests on to a file of its own.
    pub(super) async fn save_samples(&mut self, until: jiff::Timestamp) -> Result<Reply> {
        let watch = self.outlets.snapshot().monitor.clone();
        let watch = watch.ok_or_else(|| Error::blocked("nothing is watched yet"))?;
        let stamp = until.strftime("%Y%m%d-%H%M%S").to_string();
        let (samples, lines) = document::replay_file(&watch, until);
        if samples == 0 {
            return Err(Error::input("no sample is kept from then"));
        }
        let workspace = self.workspace.clone();
        let (path, written) = operations::blocking(move || {
            let folder = workspace.path(document::FOLDER);
            std::fs::create_dir_all(&folder).map_err(|error| Error::io("make", &folder, &error))?;
            // What is there stays: the same samples are not written twice, others get a name of their own.
            for n in 1.. {
                let more = if n == 1 { String::new() } else { format!("-{n}") };
                let name = format!("{}/samples-{stamp}{more}.jsonl", document::FOLDER);
                let path = workspace.path(&name);
                match std::fs::read(&path) {
                    Ok(there) if there == lines.as_bytes() => return Ok((name, None)),
                    Ok(_) => {}
                    Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                        let written = files::write_atomic(&path, lines.as_bytes(), files::PRIVATE)?;
                        return Ok((name, Some(written)));
                    }
                    Err(error) => return Err(Error::io("read", &path, &error)),
                }
            }
            Err(Error::bug("no name is left for the samples"))
        })
        .await?;
        let said = format!(
            "{}: {}, as maos-migrate monitor replay reads them",
            path,
            crate::engine::text::plural(samples, "sample", "samples")
        );
        let mut kinds = vec![EventKind::Noted {
            level: Level::Ok,
            capability: Some(Capability::Monitor),
            text: if written.is_some() {
                format!("Written: {said}")
            } else {
                format!("Written before: {said}")
            },
        }];
        kinds.extend(written.map(|written| EventKind::ArtifactWritten {
            path,
            bytes: written.bytes,
            sha256: written.sha256,
        }));
        self.emit(kinds).await?;
        Ok(Reply::Done)
    }

    async fn write_document(&mut self) -> Result<()> {
        let Some(watch) = self.outlets.snapshot().monitor.clone() else {
            return Ok(());
        };
        let path = self.workspace.path(document::FILE);
        let written = operations::blocking(move || {
            if let Some(folder) = path.parent() {
                std::fs::create_dir_all(folder).map_err(|error| Error::io("make", folder, &error))?;
            }
            let text = serde_json::to_vec_pretty(&document::of(&watch))
                .map_err(|error| Error::bug(error.to_string()))?;
            files::write_atomic(&path, &text, files::PRIVATE)
        })
        .await;
        match written {
            Ok(written) => {
                self.emit(vec![EventKind::ArtifactWritten {
                    path: document::FILE.to_owned(),
                    bytes: written.bytes,
                    sha256: written.sha256,
                }])
                .await
            }
            // The journal has every sample; a file that cannot be written ends no watch.
            Err(error) => self.note_error(Some(Capability::Monitor), &error).await,
        }
    }

    /// Calls the hooks, each with a JSON document on its standard input. A snooze silences them, but never a new breach.
    /// `rollback`: how an automatic rollback ended.
    fn hooks(&mut self, watch: &Watch, before: Option<&Verdict>, now: &Verdict, rollback: Option<&str>) {
        let news = rollback.is_some()
            || now.should_roll_back && !before.is_some_and(|before| before.should_roll_back);
        if watch.is_snoozed(self.ports.clock.now()) && !news {
            return;
        }
        let Ok(world) = self.world() else {
            return;
        };
        let about = json!({
            "migration": world.snapshot.name,
            "environment": world.snapshot.environment.word(),
            "target": world.snapshot.target,
            "at": verdict::clock(now.at),
            "before": before.map(|before| before.word.name()),
            "verdict": now.word.name(),
            "score": now.standing_score(),
            "should_rollback": now.should_roll_back,
            "page": now.page || now.should_roll_back,
            "reasons": now.reasons(watch.criteria()),
            "recommendation": now.recommendation(watch.criteria()),
            "rollback": rollback,
        });
        while self.calling.try_join_next().is_some() {}
        for argv in &world.settings.driving.monitor.hooks {
            let mut call = Call::new(argv.clone(), HOOK_LIMIT);
            call.stdin = Stdin::Bytes(about.to_string().into_bytes());
            let (processes, shown) = (self.ports.processes.clone(), call.shown());
            let reports = self.reporter();
            self.calling.spawn(async move {
                let (ok, said) = match processes.run(call, None).await {
                    Ok(ran) => match ran.ended {
                        Ended::Exit(code) => (code == 0, format!("exit {code}")),
                        Ended::Signal(signal) => (false, format!("signal {signal}")),
                        Ended::TimedOut => (false, "no answer in 30 s".to_owned()),
                        Ended::Stopped => (false, "stopped".to_owned()),
                        Ended::NotFound => (false, "not found".to_owned()),
                        Ended::NotPermitted => (false, "may not be run".to_owned()),
                    },
                    Err(error) => (false, error.message),
                };
                let text = format!("hook {shown}: {said}");
                let capability = Capability::Monitor;
                let kind = if ok {
                    EventKind::Logged { capability, text }
                } else {
                    EventKind::Noted {
                        level: Level::Error,
                        capability: Some(capability),
                        text,
                    }
                };
                // The dispatcher is gone only when the session has ended; it waits for this before.
                let _ = reports.send(Internal::Monitor(Told::Events(vec![kind])));
            });
        }
    }

    /// Whoever is called hears it, also when the session ends with what they are called for.
    pub(super) async fn calls_end(&mut self) -> Result<()> {
        while self.calling.join_next().await.is_some() {}
        let mut told = Vec::new();
        while let Ok(report) = self.reports.try_recv() {
            if let Internal::Monitor(Told::Events(kinds)) = report {
                told.extend(kinds);
            }
        }
        self.emit(told).await
    }

    fn hooks_now(&mut self, rollback: Option<&str>) {
        let snapshot = self.outlets.snapshot().clone();
        if let Some((watch, now)) = snapshot
            .monitor
            .as_deref()
            .and_then(|watch| Some((watch, watch.verdict()?)))
        {
            self.hooks(watch, Some(now), now, rollback);
        }
    }

    /// Says when the rollback starts by itself; until then anybody can stop it.
    async fn count_down(&mut self) -> Result<()> {
        let seconds = self.world().map_or_else(
            |_| MonitorSettings::default().countdown,
            |world| world.settings.driving.monitor.countdown,
        );
        let ends = self
            .ports
            .clock
            .now()
            .saturating_add(jiff::SignedDuration::from_secs(
                i64::try_from(seconds).unwrap_or_default(),
            ))
            .map_err(|error| Error::bug(error.to_string()))?;
        let by = self
            .outlets
            .snapshot()
            .monitor
            .as_ref()
            .and_then(|watch| watch.armed.as_ref().map(|note| note.by.clone()))
            .unwrap_or_else(|| self.me());
        self.emit(vec![EventKind::Decided {
            capability: Capability::Monitor,
            subject: "countdown".to_owned(),
            choice: json!({"until": ends, "reason": "armed"}),
            by,
        }])
        .await?;
        self.spawn(async move {
            tokio::time::sleep(Duration::from_secs(seconds)).await;
            Internal::Monitor(Told::CountdownOver(ends))
        });
        Ok(())
    }

    async fn countdown_over(&mut self, ends: jiff::Timestamp) -> Result<()> {
        // Who stopped it in its last second is heard before it acts.
        let workspace = self.workspace.clone();
        for one in tokio::task::spawn_blocking(move || decide::collect(&workspace))
            .await
            .unwrap_or_default()
        {
            self.asked(one).await?;
        }
        let snapshot = self.outlets.snapshot().clone();
        let holds = snapshot.monitor.as_ref().is_some_and(|watch| {
            watch.countdown == Some(ends) && watch.armed.is_some() && watch.should_roll_back()
        });
        if !holds {
            return Ok(());
        }
        self.emit(vec![EventKind::Decided {
            capability: Capability::Monitor,
            subject: "countdown".to_owned(),
            choice: Value::Null,
            by: "the countdown".to_owned(),
        }])
        .await?;
        let (reply, answer) = oneshot::channel();
        self.plan(Capability::Rollback, "apply".to_owned(), Some(reply))
            .await?;
        self.told_when(answer, |result| Told::Planned(Box::new(result)));
        Ok(())
    }

    fn told_when(
        &self,
        answer: oneshot::Receiver<Result<Reply>>,
        told: impl FnOnce(Result<Reply>) -> Told + Send + 'static,
    ) {
        self.spawn(async move {
            let result = answer
                .await
                .unwrap_or_else(|_| Err(Error::unavailable("the session has ended")));
            Internal::Monitor(told(result))
        });
    }

    /// Nobody may be looking: that it did not happen is told, called out, and stays in the journal as the rollback's own failure.
    async fn not_rolled_back(&mut self, error: Error) -> Result<()> {
        let step = self.outlets.snapshot().step(Capability::Rollback);
        let by_hand = self
            .running
            .as_ref()
            .is_some_and(|running| running.capability == Capability::Rollback);
        let known = step.error.as_ref() == Some(&error) || step.activity == Activity::Stopped;
        if !by_hand && !known {
            self.emit(vec![EventKind::Failed {
                capability: Capability::Rollback,
                verb: "apply".to_owned(),
                error: error.clone(),
            }])
            .await?;
        }
        self.hooks_now(Some(&format!("not done: {}", error.message)));
        let error = Error {
            message: format!("not rolled back by itself: {}", error.message),
            ..error
        };
        self.note_error(Some(Capability::Monitor), &error).await
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
