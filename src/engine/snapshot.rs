//! The state of a migration as the fold of its events: the live one and one read back from the journal are equal.

use std::collections::{BTreeMap, VecDeque};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::assess::Answers;
use super::capability::Capability;
use super::error::Error;
use super::event::{Event, EventKind, Level};
use super::item::{ItemState, Items};
use super::operation::{Approval, Outcome, Plan, Progress, Quarantined};
use super::readiness::Readiness;
use super::workspace::{Environment, Holder, MigrationType};

/// Quarantined items of one step that the snapshot and the journal hold; the quarantine file holds all.
pub const QUARANTINE_SHOWN: usize = 1_000;
const MESSAGES: usize = 500;
const LOG: usize = 2_000;
/// Seconds over which the rate is taken.
const RATE_WINDOW_S: f64 = 10.0;

/// What a step is doing. Whether one that never ran is ready or locked is the journey's to say.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Activity {
    /// Never ran, or was undone.
    #[default]
    Idle,
    /// Running.
    Running,
    /// Waiting for a person.
    Paused,
    /// Ending at its next safe point.
    Stopping,
    /// Ended before its end.
    Stopped,
    /// Ended with its proof, nothing set aside.
    Done,
    /// Ended with its proof, some items set aside.
    DoneWithQuarantine,
    /// Failed.
    Failed,
}

impl Activity {
    /// The state word that stands beside its glyph.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Idle => "ready",
            Self::Running => "running",
            Self::Paused => "paused",
            Self::Stopping => "stopping",
            Self::Stopped => "stopped",
            Self::Done => "done",
            Self::DoneWithQuarantine => "done, quarantine",
            Self::Failed => "failed",
        }
    }

    /// Whether an operation of the step is under way.
    #[must_use]
    pub const fn is_active(self) -> bool {
        matches!(self, Self::Running | Self::Paused | Self::Stopping)
    }

    /// Whether the step's proof holds.
    #[must_use]
    pub const fn is_done(self) -> bool {
        matches!(self, Self::Done | Self::DoneWithQuarantine)
    }
}

/// One point of the rate's window.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct RatePoint {
    /// Seconds since the operation began, without pauses.
    pub elapsed_s: f64,
    /// Items finished by then.
    pub done: u64,
    /// Bytes finished by then.
    pub bytes: u64,
}

/// One step as its events tell.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Step {
    /// What it is doing.
    pub activity: Activity,
    /// The verb of the operation under way or last run.
    pub verb: String,
    /// The last plan that was made.
    pub plan: Option<Plan>,
    /// Who approved the operation under way or last run.
    pub approved_by: Option<String>,
    /// How far.
    pub progress: Option<Progress>,
    /// The last points of progress, oldest first.
    pub rate: VecDeque<RatePoint>,
    /// How it ended.
    pub outcome: Option<Outcome>,
    /// Why it failed.
    pub error: Option<Error>,
    /// Why it stopped or who paused it, in words.
    pub note: Option<String>,
    /// Items set aside, the first [`QUARANTINE_SHOWN`] of them.
    pub quarantine: Vec<Quarantined>,
    /// The lines of its operations, by verb.
    #[serde(default)]
    pub items: BTreeMap<String, Items>,
    /// How its operations last ended, by verb.
    #[serde(default)]
    pub outcomes: BTreeMap<String, Outcome>,
    /// When that was, by verb.
    #[serde(default)]
    pub outcomes_at: BTreeMap<String, Timestamp>,
    /// When a rollback took away what it had done; until it runs again.
    #[serde(default)]
    pub undone: Option<Timestamp>,
    /// Since when the line is under way that was begun last.
    #[serde(default)]
    pub line_since: Option<Timestamp>,
    /// When it began.
    pub started: Option<Timestamp>,
    /// When it ended.
    pub ended: Option<Timestamp>,
    /// Decisions of the operator by subject.
    pub decisions: BTreeMap<String, serde_json::Value>,
}

impl Step {
    /// Items a second over the last ten seconds, or `None` before two points.
    #[must_use]
    pub fn items_per_second(&self) -> Option<f64> {
        self.per_second(|point| point.done)
    }

    /// Bytes a second over the last ten seconds, or `None` before two points.
    #[must_use]
    pub fn bytes_per_second(&self) -> Option<f64> {
        self.per_second(|point| point.bytes)
    }

    #[expect(clippy::cast_precision_loss, reason = "a rate for people; 53 bits are plenty")]
    fn per_second(&self, of: impl Fn(&RatePoint) -> u64) -> Option<f64> {
        let (first, last) = (self.rate.front()?, self.rate.back()?);
        let seconds = last.elapsed_s - first.elapsed_s;
        (seconds > 0.05).then(|| of(last).saturating_sub(of(first)) as f64 / seconds)
    }
}

/// Whether an event tells of the migration itself.
fn tells(kind: &EventKind) -> bool {
    match kind {
        EventKind::SessionOpened { .. } | EventKind::SessionClosed | EventKind::Planned { .. } => false,
        EventKind::ArtifactWritten { path, .. } => !path.starts_with("report/"),
        other => other.capability() != Some(Capability::Report),
    }
}

/// Whether an operation goes beside the one that its step is there for: giving converted tasks to MAOS.
fn beside(capability: Capability, verb: &str) -> bool {
    use super::tasks::submit::{CANCEL, VERB};
    capability == Capability::Tasks && (verb == VERB || verb == CANCEL)
}

/// A plan that was approved.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Approved {
    /// Whose.
    pub capability: Capability,
    /// What the plan said it was.
    pub title: String,
    /// The yes.
    pub approval: Approval,
}

/// A message that waits to be seen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Message {
    /// The event it came from.
    pub seq: u64,
    /// When.
    pub at: Timestamp,
    /// How serious.
    pub level: Level,
    /// Whose.
    pub capability: Option<Capability>,
    /// The sentence.
    pub text: String,
}

/// A line of the log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogLine {
    /// When.
    pub at: Timestamp,
    /// Whose.
    pub capability: Option<Capability>,
    /// `db` for statements, `run` for everything else.
    pub channel: String,
    /// The line.
    pub text: String,
}

/// A file that was written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Artifact {
    /// Its size.
    pub bytes: u64,
    /// SHA-256 in hex.
    pub sha256: String,
    /// When.
    pub at: Timestamp,
}

/// Everything the events tell, folded.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Snapshot {
    /// The last event folded; 0 for none.
    pub seq: u64,
    /// When that was.
    pub at: Option<Timestamp>,
    /// When the first event was.
    pub first: Option<Timestamp>,
    /// Number and time of the last event that tells of the migration itself: not of sessions, plans or the report. A report
    /// speaks of this moment, so that writing it does not make it old.
    pub told: Option<(u64, Timestamp)>,
    /// The migration's name.
    pub name: String,
    /// Which of the four.
    pub migration: Option<MigrationType>,
    /// How careful to be.
    pub environment: Environment,
    /// The target in words.
    pub target: String,
    /// Warnings about the settings.
    pub warnings: Vec<String>,
    /// Who operates; `None` between sessions.
    pub session: Option<Holder>,
    /// Sessions so far.
    pub sessions: u64,
    /// The answers, and what probes found beside them.
    pub answers: Answers,
    /// When the last answer changed.
    pub answers_at: Option<Timestamp>,
    /// The last score and when it was made.
    pub readiness: Option<(Timestamp, Box<Readiness>)>,
    /// The steps that have done anything.
    pub steps: BTreeMap<Capability, Step>,
    /// Every plan that was approved, in order.
    pub approvals: Vec<Approved>,
    /// Messages, oldest first.
    pub messages: VecDeque<Message>,
    /// The log, oldest first.
    pub log: VecDeque<LogLine>,
    /// Files written, by path.
    pub artifacts: BTreeMap<String, Artifact>,
    /// The watch over MAOS, once there was one.
    #[serde(default)]
    pub monitor: Option<super::monitor::Shared>,
}

impl Snapshot {
    /// The fold of `events`.
    #[must_use]
    pub fn of<'a>(events: impl IntoIterator<Item = &'a Event>) -> Self {
        let mut snapshot = Self::default();
        for event in events {
            snapshot.apply(event);
        }
        snapshot
    }

    /// The step of `capability`, as it is or untouched.
    #[must_use]
    pub fn step(&self, capability: Capability) -> Step {
        self.steps.get(&capability).cloned().unwrap_or_default()
    }

    /// What the step of `capability` is doing.
    #[must_use]
    pub fn activity(&self, capability: Capability) -> Activity {
        self.steps
            .get(&capability)
            .map_or(Activity::Idle, |step| step.activity)
    }

    /// The step whose operation is under way.
    #[must_use]
    pub fn active(&self) -> Option<Capability> {
        self.steps
            .iter()
            .find(|(_, step)| step.activity.is_active())
            .map(|(capability, _)| *capability)
    }

    /// Every item that is set aside, step by step: what a rollback undid has set nothing aside.
    pub fn aside(&self) -> impl Iterator<Item = &Quarantined> {
        let standing = self.steps.values().filter(|step| step.undone.is_none());
        standing.flat_map(|step| &step.quarantine)
    }

    /// Items in quarantine over all steps.
    #[must_use]
    pub fn quarantined(&self) -> u64 {
        self.steps
            .iter()
            // What a rollback undid has set nothing aside.
            .filter(|(capability, step)| capability.sets_aside() && step.undone.is_none())
            .map(|(_, step)| {
                step.outcome
                    .as_ref()
                    .map_or(step.quarantine.len() as u64, |outcome| outcome.quarantined)
            })
            .sum()
    }

    /// When the verdict that stands latched was answered by a rollback; `None` while nobody did, or after that was taken back.
    #[must_use]
    pub fn rolled_back(&self) -> Option<Timestamp> {
        let watch = self.monitor.as_deref().filter(|watch| !watch.on)?;
        let latched = watch.verdict()?.latch?.at;
        let step = self.steps.get(&Capability::Rollback)?;
        step.outcomes_at
            .get("apply")
            .copied()
            .filter(|at| step.undone.is_none() && at.as_microsecond() > latched)
    }

    /// Folds one event in. Pure: equal snapshots and events give equal results.
    pub fn apply(&mut self, event: &Event) {
        self.seq = event.seq;
        self.at = Some(event.at);
        self.first.get_or_insert(event.at);
        if tells(&event.kind) {
            self.told = Some((event.seq, event.at));
        }
        self.log_line(event);
        match &event.kind {
            EventKind::SessionOpened { holder, .. } => {
                self.session = Some(holder.clone());
                self.sessions += 1;
            }
            EventKind::SessionClosed => self.session = None,
            EventKind::SettingsRead {
                name,
                migration,
                environment,
                target,
                warnings,
            } => {
                self.name.clone_from(name);
                self.migration = *migration;
                self.environment = *environment;
                self.target.clone_from(target);
                self.warnings.clone_from(warnings);
            }
            EventKind::AnswerStated { question, value, by } => {
                self.answers.state(question, value.clone(), by, event.at);
                self.answers_at = Some(event.at);
            }
            EventKind::Found { finding, by } => {
                let before = self.answers.value(&finding.question).cloned();
                self.answers.report(finding.clone(), by);
                // A figure that was found again unchanged does not make the score old.
                if self.answers.value(&finding.question) != before.as_ref() {
                    self.answers_at = Some(event.at);
                }
            }
            EventKind::OfferTaken { question, by } => {
                if self.answers.take_offer(question, by) {
                    self.answers_at = Some(event.at);
                }
            }
            EventKind::AnswerCleared { question } => {
                self.answers.clear(question);
                self.answers_at = Some(event.at);
            }
            EventKind::Scored { readiness } => {
                self.readiness = Some((event.at, readiness.clone()));
                let step = self.steps.entry(Capability::Readiness).or_default();
                step.activity = Activity::Done;
                step.ended = Some(event.at);
            }
            EventKind::ArtifactWritten { path, bytes, sha256 } => {
                let artifact = Artifact {
                    bytes: *bytes,
                    sha256: sha256.clone(),
                    at: event.at,
                };
                self.artifacts.insert(path.clone(), artifact);
            }
            EventKind::WatchBegan { .. }
            | EventKind::WatchEnded { .. }
            | EventKind::Sampled { .. }
            | EventKind::HookCalled { .. } => self.watched(event),
            EventKind::Noted {
                level,
                capability,
                text,
            } => {
                self.message(event, *level, *capability, text.clone());
            }
            EventKind::Statement { .. } | EventKind::Logged { .. } => {}
            EventKind::Planned { .. }
            | EventKind::Approved { .. }
            | EventKind::Started { .. }
            | EventKind::Progressed { .. }
            | EventKind::ItemQuarantined { .. }
            | EventKind::Item { .. }
            | EventKind::ItemsCleared { .. }
            | EventKind::Paused { .. }
            | EventKind::Resumed { .. }
            | EventKind::Stopping { .. }
            | EventKind::Stopped { .. }
            | EventKind::Finished { .. }
            | EventKind::Failed { .. }
            | EventKind::Undone { .. }
            | EventKind::Redone { .. }
            | EventKind::Decided { .. } => self.apply_to_step(event),
        }
    }

    #[expect(
        clippy::too_many_lines,
        reason = "one arm for each kind of event, each a few lines"
    )]
    fn apply_to_step(&mut self, event: &Event) {
        let Some(capability) = event.kind.capability() else {
            return;
        };
        let step = self.steps.entry(capability).or_default();
        match &event.kind {
            EventKind::Planned { plan } => step.plan = Some(plan.clone()),
            EventKind::Approved { approval, .. } => {
                step.approved_by = Some(approval.operator.clone());
                let plan = step.plan.as_ref();
                self.approvals.push(Approved {
                    capability,
                    title: plan.map_or_else(String::new, |plan| plan.title.clone()),
                    approval: approval.clone(),
                });
            }
            EventKind::Started { verb, .. } => {
                let kept = (
                    step.plan.take(),
                    step.approved_by.take(),
                    std::mem::take(&mut step.decisions),
                );
                let (items, outcomes, outcomes_at) = (
                    std::mem::take(&mut step.items),
                    std::mem::take(&mut step.outcomes),
                    std::mem::take(&mut step.outcomes_at),
                );
                // A submission works on what the conversion made, and takes nothing of it away.
                let made = if beside(capability, verb) {
                    (step.outcome.take(), std::mem::take(&mut step.quarantine))
                } else {
                    Default::default()
                };
                *step = Step {
                    activity: Activity::Running,
                    outcome: made.0,
                    quarantine: made.1,
                    verb: verb.clone(),
                    plan: kept.0,
                    approved_by: kept.1,
                    decisions: kept.2,
                    items,
                    outcomes,
                    outcomes_at,
                    started: Some(event.at),
                    ..Step::default()
                };
            }
            EventKind::Progressed { progress, .. } => {
                let point = RatePoint {
                    elapsed_s: progress.elapsed_s,
                    done: progress.done.max(progress.proved),
                    bytes: progress.bytes,
                };
                // Another phase counts something else: its rate starts anew.
                let phase_changed = step
                    .progress
                    .as_ref()
                    .is_some_and(|before| before.phase != progress.phase);
                if phase_changed {
                    step.rate.clear();
                }
                step.rate.push_back(point);
                while step
                    .rate
                    .front()
                    .is_some_and(|p| point.elapsed_s - p.elapsed_s > RATE_WINDOW_S)
                    && step.rate.len() > 2
                {
                    step.rate.pop_front();
                }
                step.progress = Some(progress.clone());
            }
            EventKind::ItemQuarantined { item, .. } if step.quarantine.len() < QUARANTINE_SHOWN => {
                step.quarantine.push(item.clone());
            }
            EventKind::Item { verb, item, .. } => {
                if item.state == ItemState::Running {
                    step.line_since = Some(event.at);
                }
                step.items.entry(verb.clone()).or_default().set(item.clone());
            }
            EventKind::ItemsCleared { verb, .. } => {
                step.items.remove(verb);
            }
            EventKind::Paused { by, .. } if step.activity == Activity::Running => {
                step.activity = Activity::Paused;
                step.note = Some(by.clone());
            }
            EventKind::Resumed { .. } if step.activity == Activity::Paused => {
                step.activity = Activity::Running;
                step.note = None;
            }
            EventKind::Stopping { by, .. } if step.activity.is_active() => {
                step.activity = Activity::Stopping;
                step.note = Some(by.clone());
            }
            EventKind::Stopped { reason, .. } => {
                step.activity = Activity::Stopped;
                step.note = Some(reason.clone());
                step.ended = Some(event.at);
                let text = format!("stopped: {reason}");
                self.message(event, Level::Warn, Some(capability), text);
            }
            EventKind::Finished { outcome, verb, .. } => {
                let made = step.outcome.take().filter(|_| beside(capability, verb));
                let aside = made.as_ref().map_or(0, |made| made.quarantined);
                step.activity = if verb == "undo" {
                    Activity::Idle
                } else if outcome.quarantined + aside > 0 {
                    Activity::DoneWithQuarantine
                } else {
                    Activity::Done
                };
                step.outcome = made.or_else(|| (verb != "undo").then(|| outcome.clone()));
                step.outcomes.insert(verb.clone(), outcome.clone());
                step.outcomes_at.insert(verb.clone(), event.at);
                step.error = None;
                step.ended = Some(event.at);
                let level = if outcome.quarantined > 0 {
                    Level::Warn
                } else {
                    Level::Ok
                };
                self.message(event, level, Some(capability), outcome.summary.clone());
            }
            EventKind::Failed { error, .. } => {
                step.activity = Activity::Failed;
                step.error = Some(error.clone());
                step.ended = Some(event.at);
                let text = error.to_string();
                self.message(event, Level::Error, Some(capability), text);
            }
            EventKind::Undone { .. } => {
                step.activity = Activity::Idle;
                step.outcome = None;
                step.progress = None;
                step.error = None;
                step.undone = Some(event.at);
            }
            EventKind::Redone { .. } => {
                if let Some(outcome) = step.outcomes.get(&step.verb).cloned() {
                    step.activity = if outcome.quarantined > 0 {
                        Activity::DoneWithQuarantine
                    } else {
                        Activity::Done
                    };
                    step.outcome = Some(outcome);
                }
                step.undone = None;
            }
            EventKind::Decided {
                subject, choice, by, ..
            } => {
                if capability == Capability::Monitor
                    && let Some(watch) = &mut self.monitor
                {
                    watch.change().decided(event.at, subject, choice, by);
                }
                if choice.is_null() {
                    step.decisions.remove(subject);
                } else {
                    step.decisions.insert(subject.clone(), choice.clone());
                }
            }
            _ => {}
        }
    }

    fn watched(&mut self, event: &Event) {
        use super::monitor::{Shared, Watch};
        match (&event.kind, &mut self.monitor) {
            (EventKind::WatchBegan { begin }, Some(watch)) => watch.change().resume(event.at, begin),
            (EventKind::WatchBegan { begin }, none) => *none = Some(Shared::new(Watch::new(event.at, begin))),
            (EventKind::WatchEnded { reason }, Some(watch)) => watch.change().end(event.at, reason),
            (EventKind::Sampled { taken }, Some(watch)) => {
                if let Some((level, text)) = watch.change().sampled(event.at, taken) {
                    self.message(event, level, Some(Capability::Monitor), text);
                }
            }
            (
                EventKind::HookCalled {
                    hook, said, rollback, ..
                },
                Some(watch),
            ) => watch.change().called(event.at, hook, said, *rollback),
            _ => {}
        }
    }

    fn message(&mut self, event: &Event, level: Level, capability: Option<Capability>, text: String) {
        self.messages.push_back(Message {
            seq: event.seq,
            at: event.at,
            level,
            capability,
            text,
        });
        if self.messages.len() > MESSAGES {
            self.messages.pop_front();
        }
    }

    fn log_line(&mut self, event: &Event) {
        // Progress would drown everything else; it is on the screen already.
        if matches!(event.kind, EventKind::Progressed { .. }) {
            return;
        }
        let channel = if matches!(event.kind, EventKind::Statement { .. }) {
            "db"
        } else {
            "run"
        };
        self.log.push_back(LogLine {
            at: event.at,
            capability: event.kind.capability(),
            channel: channel.to_owned(),
            text: event.kind.sentence(),
        });
        if self.log.len() > LOG {
            self.log.pop_front();
        }
    }
}
