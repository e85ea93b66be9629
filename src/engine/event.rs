//! What happened: the only way out of the engine, and the content of the journal.
//!
//! To add a kind: a variant here, its effect in [`Snapshot::apply`](super::snapshot::Snapshot::apply) and its sentence in
//! [`EventKind::sentence`]. Serialised names and fields are a contract with older journals: add, never change.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::assess::{Finding, Value};
use super::capability::Capability;
use super::error::Error;
use super::item::Item;
use super::operation::{Approval, Outcome, Plan, Progress, Quarantined};
use super::readiness::Readiness;
use super::text;
use super::workspace::{Environment, Holder, MigrationType};

/// The version of the event format. A journal written by a newer one is refused.
pub const FORMAT: u16 = 1;

/// One thing that happened.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Event {
    /// Its place in the journal, from 1, without gaps.
    pub seq: u64,
    /// When, in UTC.
    pub at: Timestamp,
    /// What.
    #[serde(flatten)]
    pub kind: EventKind,
}

/// How serious a message is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// It went well.
    Ok,
    /// Worth reading.
    Warn,
    /// It failed or was refused; stays until somebody has seen it.
    Error,
}

/// The kinds of events.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum EventKind {
    /// A session began to operate the workspace.
    SessionOpened {
        /// Who, where, since when.
        holder: Holder,
        /// The version of this program.
        version: String,
    },
    /// The session ended in order. Its absence before the next `session_opened` tells of a crash.
    SessionClosed,
    /// The settings as they are now, without secrets.
    SettingsRead {
        /// The migration's name.
        name: String,
        /// Which of the four, when chosen.
        #[serde(rename = "type")]
        migration: Option<MigrationType>,
        /// How careful to be.
        environment: Environment,
        /// The target in words.
        target: String,
        /// Sentences to show.
        warnings: Vec<String>,
    },
    /// A person answered a question.
    AnswerStated {
        /// The question's id.
        question: String,
        /// The answer.
        value: Value,
        /// Who.
        by: String,
    },
    /// A probe, or a rule that follows from other answers, found a figure or why there is none. It becomes the answer unless
    /// a person stated one; then it stays beside it as an offer.
    Found {
        /// What was found.
        finding: Finding,
        /// The operator under whom it ran.
        by: String,
    },
    /// The figure of a probe was taken instead of the stated answer.
    OfferTaken {
        /// The question's id.
        question: String,
        /// Who.
        by: String,
    },
    /// An answer was taken back.
    AnswerCleared {
        /// The question's id.
        question: String,
    },
    /// Readiness was computed.
    Scored {
        /// The whole result.
        readiness: Box<Readiness>,
    },
    /// An operation was planned; nothing has been changed.
    Planned {
        /// The plan with its digest.
        plan: Plan,
    },
    /// A person said yes to a plan.
    Approved {
        /// Whose plan.
        capability: Capability,
        /// The yes.
        approval: Approval,
    },
    /// An operation began.
    Started {
        /// Whose.
        capability: Capability,
        /// Its verb.
        verb: String,
        /// What it is, as the plan's title says.
        title: String,
    },
    /// How far an operation is; at most four a second.
    Progressed {
        /// Whose.
        capability: Capability,
        /// The figures.
        progress: Progress,
    },
    /// An item was set aside. After [`super::snapshot::QUARANTINE_SHOWN`] of a step only the file holds them.
    ItemQuarantined {
        /// Whose.
        capability: Capability,
        /// The item.
        item: Quarantined,
    },
    /// A line of an operation changed.
    Item {
        /// Whose.
        capability: Capability,
        /// The verb of the operation.
        verb: String,
        /// The line as it stands now.
        item: Item,
    },
    /// An operation began anew: its earlier lines are forgotten.
    ItemsCleared {
        /// Whose.
        capability: Capability,
        /// The verb of the operation.
        verb: String,
    },
    /// A person asked an operation to wait.
    Paused {
        /// Whose.
        capability: Capability,
        /// Who asked.
        by: String,
    },
    /// A paused operation goes on.
    Resumed {
        /// Whose.
        capability: Capability,
        /// Who asked.
        by: String,
    },
    /// A person or a signal asked an operation to end at a safe point.
    Stopping {
        /// Whose.
        capability: Capability,
        /// Who asked.
        by: String,
    },
    /// An operation ended before its end; what was done stays done.
    Stopped {
        /// Whose.
        capability: Capability,
        /// Why, in words.
        reason: String,
    },
    /// An operation ended with its proof.
    Finished {
        /// Whose.
        capability: Capability,
        /// Its verb.
        verb: String,
        /// Counts and proof.
        outcome: Outcome,
    },
    /// An operation failed; what was done stays done.
    Failed {
        /// Whose.
        capability: Capability,
        /// Its verb.
        verb: String,
        /// What happened and what to do.
        error: Error,
    },
    /// A rollback took away what a step had done.
    Undone {
        /// Whose.
        capability: Capability,
        /// Who rolled back.
        by: String,
    },
    /// The rollback that took away what a step had done was taken back itself: it counts again.
    Redone {
        /// Whose.
        capability: Capability,
        /// Who took the rollback back.
        by: String,
    },
    /// A file was written.
    ArtifactWritten {
        /// Relative to the workspace where it lies inside.
        path: String,
        /// Its size.
        bytes: u64,
        /// SHA-256 in hex.
        sha256: String,
    },
    /// A decision of the operator that changes later plans: a conflict's choice, an edited plan.
    Decided {
        /// Whose.
        capability: Capability,
        /// What was decided.
        subject: String,
        /// How; `null` takes the decision back.
        choice: serde_json::Value,
        /// Who.
        by: String,
    },
    /// Samples are taken from now on.
    WatchBegan {
        /// How.
        begin: Box<super::monitor::watch::Begin>,
    },
    /// No more samples are taken.
    WatchEnded {
        /// Why.
        reason: String,
    },
    /// The monitor took a sample.
    Sampled {
        /// Its figures, or why there are none.
        taken: Box<super::monitor::Taken>,
    },
    /// Something worth reading.
    Noted {
        /// How serious.
        level: Level,
        /// Whose, when it belongs to one.
        #[serde(skip_serializing_if = "Option::is_none")]
        capability: Option<Capability>,
        /// The sentence.
        text: String,
    },
    /// A hook was called about the watch, and how that ended.
    HookCalled {
        /// Its program, as its file is named.
        hook: String,
        /// How it ended: `exit 0`, `no answer in 30 s`.
        said: String,
        /// Whether it was called for how an automatic rollback ended, and not for a verdict.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        rollback: bool,
    },
    /// A statement sent to a database.
    Statement {
        /// Whose.
        capability: Capability,
        /// Its text with placeholders.
        text: String,
        /// Rows affected or returned.
        rows: u64,
        /// Milliseconds.
        ms: u64,
    },
    /// A line for the log.
    Logged {
        /// Whose.
        capability: Capability,
        /// The line.
        text: String,
    },
}

impl EventKind {
    /// Whose it is, where it belongs to one capability.
    #[must_use]
    pub const fn capability(&self) -> Option<Capability> {
        match self {
            Self::Planned { plan } => Some(plan.capability),
            Self::Approved { capability, .. }
            | Self::Started { capability, .. }
            | Self::Progressed { capability, .. }
            | Self::ItemQuarantined { capability, .. }
            | Self::Item { capability, .. }
            | Self::ItemsCleared { capability, .. }
            | Self::Paused { capability, .. }
            | Self::Resumed { capability, .. }
            | Self::Stopping { capability, .. }
            | Self::Stopped { capability, .. }
            | Self::Finished { capability, .. }
            | Self::Failed { capability, .. }
            | Self::Undone { capability, .. }
            | Self::Redone { capability, .. }
            | Self::Decided { capability, .. }
            | Self::Statement { capability, .. }
            | Self::Logged { capability, .. } => Some(*capability),
            Self::Noted { capability, .. } => *capability,
            Self::AnswerStated { .. }
            | Self::Found { .. }
            | Self::OfferTaken { .. }
            | Self::AnswerCleared { .. } => Some(Capability::Assess),
            Self::WatchBegan { .. }
            | Self::WatchEnded { .. }
            | Self::Sampled { .. }
            | Self::HookCalled { .. } => Some(Capability::Monitor),
            Self::Scored { .. } => Some(Capability::Readiness),
            Self::SessionOpened { .. }
            | Self::SessionClosed
            | Self::SettingsRead { .. }
            | Self::ArtifactWritten { .. } => None,
        }
    }

    /// The event in one line, for journals and logs that people read.
    #[must_use]
    pub fn sentence(&self) -> String {
        match self {
            Self::SessionOpened { holder, version } => {
                format!(
                    "{} operates from host {}, version {version}",
                    holder.operator, holder.host
                )
            }
            Self::SessionClosed => "the session ended".to_owned(),
            Self::SettingsRead {
                name,
                environment,
                target,
                ..
            } => {
                format!("settings read: {name}, {} {target}", environment.word())
            }
            Self::AnswerStated { question, value, by } => {
                format!("{by} answered {question}: {}", value.to_json())
            }
            Self::Found { finding, .. } => match &finding.value {
                Some(value) => format!("{}: {} ({})", finding.question, value.to_json(), finding.evidence),
                None => format!("{}: no figure, {}", finding.question, finding.evidence),
            },
            Self::OfferTaken { question, by } => format!("{by} took the probe's figure for {question}"),
            Self::AnswerCleared { question } => format!("{question}: answer taken back"),
            Self::Scored { readiness } => {
                format!(
                    "readiness {} of 100, {}",
                    readiness.score, readiness.recommendation
                )
            }
            Self::Planned { plan } => format!("planned {}: {}", plan.digest, plan.title),
            Self::Approved { approval, .. } => format!("{} approved {}", approval.operator, approval.digest),
            Self::Started { title, .. } => format!("started: {title}"),
            Self::Progressed { progress, .. } => match progress.total {
                Some(total) => format!(
                    "{} {} of {} {}",
                    progress.phase,
                    text::count(progress.done),
                    text::count(total),
                    progress.unit
                ),
                None => format!(
                    "{} {} {}",
                    progress.phase,
                    text::count(progress.done),
                    progress.unit
                ),
            },
            Self::ItemQuarantined { item, .. } => {
                let place = match item.place.as_str() {
                    "" => String::new(),
                    place => format!(" ({place})"),
                };
                format!("{} {} set aside: {}{place}", item.kind, item.key, item.reason)
            }
            Self::Item { item, .. } => {
                let title = if item.title.is_empty() {
                    &item.key
                } else {
                    &item.title
                };
                let text = if item.text.is_empty() {
                    String::new()
                } else {
                    format!(": {}", item.text)
                };
                format!("{title} {}{text}", item.state.word())
            }
            Self::ItemsCleared { verb, .. } => format!("{verb} begins anew"),
            Self::Paused { by, .. } => format!("paused by {by}"),
            Self::Resumed { by, .. } => format!("resumed by {by}"),
            Self::Stopping { by, .. } => format!("{by} asked it to stop at a safe point"),
            Self::Stopped { reason, .. } => format!("stopped: {reason}"),
            Self::Finished { outcome, .. } => outcome.summary.clone(),
            Self::Failed { error, .. } => format!("failed: {error}"),
            Self::Undone { capability, by } => {
                format!("{} undone by the rollback of {by}", capability.title())
            }
            Self::Redone { capability, by } => {
                format!("{} counts again: {by} took the rollback back", capability.title())
            }
            Self::ArtifactWritten { path, bytes, .. } => {
                format!("wrote {path}, {}", text::plural(*bytes, "byte", "bytes"))
            }
            Self::Decided {
                subject, choice, by, ..
            } => format!("{by} decided {subject}: {choice}"),
            Self::WatchBegan { begin } => format!("{} watches {}", begin.by, begin.source),
            Self::WatchEnded { reason } => format!("the watch ended: {reason}"),
            Self::Sampled { taken } => super::monitor::watch::sentence(taken),
            Self::HookCalled { hook, said, .. } => format!("hook {hook}: {said}"),
            Self::Noted { text, .. } | Self::Logged { text, .. } => text.clone(),
            Self::Statement { text, rows, ms, .. } => {
                format!("{text}  {}  {ms} ms", text::plural(*rows, "row", "rows"))
            }
        }
    }
}
