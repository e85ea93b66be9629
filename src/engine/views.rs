//! What screens draw besides the snapshot: readings of the world. They are not events, and carry their age.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;

use jiff::Timestamp;

use super::assess::Questionnaire;
use super::capability::Capability;
use super::error::Error;
use super::operation::Progress;
use super::runner::operations::tasks::TasksReading;
use super::runner::operations::upgrade;
use super::workspace::{Holder, Settings};
use super::{checkpoints, config, environment, schema};

/// Whether this session may act.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Mode {
    /// The journal is being opened.
    #[default]
    Opening,
    /// This session operates the workspace.
    Operating,
    /// Somebody else does; this one watches.
    Watching(Holder),
    /// The workspace cannot be opened.
    Failed(Error),
}

/// A reading of the world, in one of its states.
#[derive(Debug, Clone, Default, PartialEq)]
pub enum Slot<T> {
    /// Never read.
    #[default]
    Empty,
    /// Being read; the last reading, if any, stays on the screen with its age.
    Loading(Option<(Timestamp, Arc<T>)>),
    /// Read.
    Ready(Timestamp, Arc<T>),
    /// Could not be read.
    Failed(Timestamp, Error),
}

impl<T> Slot<T> {
    /// The last good reading and when it was made.
    #[must_use]
    pub const fn value(&self) -> Option<(Timestamp, &Arc<T>)> {
        match self {
            Self::Loading(Some((at, value))) | Self::Ready(at, value) => Some((*at, value)),
            Self::Empty | Self::Loading(None) | Self::Failed(..) => None,
        }
    }

    /// The same slot while it is read again.
    #[must_use]
    pub fn loading(&self) -> Self {
        Self::Loading(self.value().map(|(at, value)| (at, Arc::clone(value))))
    }

    /// The slot after a reading that is shared already.
    #[must_use]
    pub fn read_shared(at: Timestamp, result: Result<Arc<T>, Error>) -> Self {
        match result {
            Ok(value) => Self::Ready(at, value),
            Err(error) => Self::Failed(at, error),
        }
    }

    /// The slot after a reading.
    #[must_use]
    pub fn read(at: Timestamp, result: Result<T, Error>) -> Self {
        Self::read_shared(at, result.map(Arc::new))
    }

    /// Takes a reading that began at `at`, unless one that began later is here: readings may end in another order than they began.
    pub fn settle(&mut self, at: Timestamp, result: Result<T, Error>) {
        self.settle_shared(at, result.map(Arc::new));
    }

    /// The same for a reading that is shared already.
    pub fn settle_shared(&mut self, at: Timestamp, result: Result<Arc<T>, Error>) {
        let known = match self {
            Self::Empty | Self::Loading(None) => None,
            Self::Loading(Some((at, _))) | Self::Ready(at, _) | Self::Failed(at, _) => Some(*at),
        };
        if known.is_none_or(|known| known <= at) {
            *self = Self::read_shared(at, result);
        }
    }
}

/// How one line of the Start screen answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Check {
    /// Being checked.
    Checking,
    /// It answers: `40 records`.
    Good(String),
    /// It answers, with something to know: `6/14 commands`.
    Note(String),
    /// It does not; the sentence and what to do.
    Bad(Error),
    /// Not named in the settings.
    Unset,
}

/// One line of the Start screen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// `["sources", "tasks"]`.
    pub path: [&'static str; 2],
    /// As written, without secrets.
    pub shown: String,
    /// Whether the type needs it.
    pub needed: bool,
    /// How it answers.
    pub check: Check,
}

/// What the Start screen shows.
#[derive(Debug, Clone, PartialEq)]
pub struct Sources {
    /// The lines in the order of the screen.
    pub lines: Vec<Line>,
}

/// Every reading, each as fresh as it says.
#[derive(Debug, Clone, Default)]
pub struct Views {
    /// Whether this session may act.
    pub mode: Mode,
    /// Who we are.
    pub me: Option<Holder>,
    /// The workspace's folder, absolute.
    pub folder: PathBuf,
    /// Nothing can be applied in this session, and why.
    pub locked_by: Option<String>,
    /// Whether that stands in the settings, where a person can take it back.
    pub lock_is_setting: bool,
    /// The settings, or why they cannot be read.
    pub settings: Slot<Settings>,
    /// The Start screen's lines.
    pub sources: Slot<Sources>,
    /// The questionnaire, or why it cannot be read.
    pub questionnaire: Option<Result<Arc<Questionnaire>, Error>>,
    /// The legacy tasks with their plans.
    pub tasks: Slot<TasksReading>,
    /// The census of the legacy rows and the plan.
    pub schema: Slot<schema::Prepared>,
    /// The figures of the row migration that runs or ran last in this session.
    pub schema_run: Option<schema::Live>,
    /// The verdicts on the legacy checkpoints.
    pub checkpoints: Slot<checkpoints::View>,
    /// The environment, line by line.
    pub environment: Slot<environment::View>,
    /// Both configurations side by side.
    pub config: Slot<config::View>,
    /// The backups of the workspace.
    pub backups: Slot<Vec<super::backup::Listed>>,
    /// What is known before going back.
    pub rollback: Slot<super::rollback::Preflight>,
    /// The pre-check of an upgrade.
    pub upgrade: Slot<upgrade::Reading>,
    /// How far a reading or a plan is, while it is made.
    pub reading: BTreeMap<Capability, Progress>,
    /// Questions whose probe is under way.
    pub probing: BTreeSet<String>,
    /// An operation that was approved and is about to begin: its plan is made once more.
    pub approving: Option<Capability>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_older_reading_that_ends_later_replaces_nothing() {
        let at = |second| Timestamp::from_second(second).expect("a time");
        let mut slot: Slot<u8> = Slot::Empty.loading();
        slot.settle(at(2), Ok(2));
        slot.settle(at(1), Ok(1));
        assert_eq!(slot, Slot::Ready(at(2), Arc::new(2)));
        slot.settle(at(1), Err(Error::blocked("gone")));
        assert_eq!(slot, Slot::Ready(at(2), Arc::new(2)));
        slot = slot.loading();
        slot.settle(at(1), Ok(1));
        assert_eq!(slot.value().map(|(at, value)| (at, **value)), Some((at(2), 2)));
        slot.settle(at(3), Ok(3));
        assert_eq!(slot, Slot::Ready(at(3), Arc::new(3)));
        slot.settle(at(4), Err(Error::blocked("gone")));
        slot.settle(at(3), Ok(3));
        assert!(matches!(slot, Slot::Failed(..)));
    }
}
