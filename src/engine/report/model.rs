//! What a report is made of.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::measured::{Comparison, Validation};
use super::monitoring::Monitoring;
use crate::engine::capability::Capability;
use crate::engine::operation::{ProofLine, Quarantined};
use crate::engine::readiness::Readiness;

/// How a part of the migration stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PartState {
    /// Done, and its proof holds.
    Done,
    /// Done and proved, with items set aside.
    DoneWithQuarantine,
    /// It ended and its proof does not hold, or it failed.
    Failed,
    /// It was started and has not ended.
    Stopped,
    /// It has not run.
    NotRun,
    /// It was left out on purpose.
    Skipped,
}

impl PartState {
    /// The word in the report.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::DoneWithQuarantine => "done, with quarantine",
            Self::Failed => "failed",
            Self::Stopped => "stopped",
            Self::NotRun => "not run",
            Self::Skipped => "skipped",
        }
    }

    /// Whether a migration that has this part is not proved because of it.
    #[must_use]
    pub const fn is_gap(self) -> bool {
        matches!(self, Self::Failed | Self::Stopped)
    }
}

/// One part of the migration: a step and how it went.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Part {
    /// The step.
    pub capability: Capability,
    /// How it stands.
    pub state: PartState,
    /// The outcome in a few words: `37 converted + 3 quarantined`; for a stopped or failed part where and why.
    pub outcome: String,
    /// Where the evidence lies: `assessment.md`, `journal 41-88`.
    pub evidence: String,
    /// Who did it.
    #[serde(default)]
    pub by: String,
    /// When it ended.
    #[serde(default)]
    pub at: Option<Timestamp>,
    /// The counts, for a part that converts items.
    #[serde(default)]
    pub counts: Option<Counts>,
    /// The proof, line by line.
    #[serde(default)]
    pub proof: Vec<ProofLine>,
}

/// Items of one part.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// What is counted, plural: `tasks`, `files`, `rows`.
    pub unit: String,
    /// Items found.
    pub source: u64,
    /// Items converted, those already in place included.
    pub converted: u64,
    /// Of these, already in place and identical.
    #[serde(default)]
    pub unchanged: u64,
    /// Items set aside.
    pub quarantined: u64,
}

impl Counts {
    /// Whether every item is accounted for.
    #[must_use]
    pub const fn balanced(&self) -> bool {
        match self.converted.checked_add(self.quarantined) {
            Some(sum) => sum == self.source,
            None => false,
        }
    }

    /// `tasks 40 = 37 + 3`, or `tasks 40 ≠ 37 + 2: 1 is not accounted for`.
    #[must_use]
    pub fn sentence(&self) -> String {
        use crate::engine::text::count;
        let (source, converted, quarantined) =
            (count(self.source), count(self.converted), count(self.quarantined));
        if self.balanced() {
            return format!("{} {source} = {converted} + {quarantined}", self.unit);
        }
        let sum = self.converted.saturating_add(self.quarantined);
        let gap = self.source.abs_diff(sum);
        let what = if self.source > sum {
            "not accounted for"
        } else {
            "counted twice"
        };
        format!(
            "{} {source} ≠ {converted} + {quarantined}: {} {what}",
            self.unit,
            count(gap)
        )
    }
}

/// Items set aside for one reason.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct QuarantineGroup {
    /// `task`, `file`, `row` or `key`.
    pub kind: String,
    /// The stable code.
    pub reason: String,
    /// How many.
    pub count: u64,
    /// Why, in the words of the first.
    pub why: String,
    /// What to do, in the words of the first.
    pub hint: String,
    /// The first few, as key and place.
    pub examples: Vec<(String, String)>,
}

impl QuarantineGroup {
    /// The most examples one group shows.
    pub const EXAMPLES: usize = 5;

    /// Groups items by kind and reason, in that order; within a group the first ones stay as examples.
    #[must_use]
    pub fn of<'a>(items: impl IntoIterator<Item = &'a Quarantined>) -> Vec<Self> {
        let mut groups: std::collections::BTreeMap<(String, String), Self> =
            std::collections::BTreeMap::new();
        for item in items {
            let group = groups
                .entry((item.kind.clone(), item.reason.clone()))
                .or_insert_with(|| Self {
                    kind: item.kind.clone(),
                    reason: item.reason.clone(),
                    count: 0,
                    why: item.why.clone(),
                    hint: item.hint.clone(),
                    examples: Vec::new(),
                });
            group.count += 1;
            if group.examples.len() < Self::EXAMPLES {
                group.examples.push((item.key.clone(), item.place.clone()));
            }
        }
        groups.into_values().collect()
    }
}

/// One approved plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Signed {
    /// Whose plan.
    pub capability: Capability,
    /// Its title: `Copy 4,012 rows`.
    pub title: String,
    /// Its digest.
    pub digest: String,
    /// Who said yes.
    pub operator: String,
    /// When.
    pub at: Timestamp,
}

/// One file the migration wrote.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Artifact {
    /// Its path, relative to the workspace.
    pub path: String,
    /// Its size in bytes.
    pub bytes: u64,
    /// SHA-256 in hex.
    pub sha256: String,
}

/// The journal behind the figures.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Journal {
    /// How many events.
    pub events: u64,
    /// The first.
    pub first: Option<Timestamp>,
    /// The last.
    pub last: Option<Timestamp>,
    /// Missing sequence numbers, as ranges: `412 to 418`. Empty: no gap.
    #[serde(default)]
    pub gaps: Vec<String>,
}

/// Everything the report says.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// The program and its version.
    pub product: String,
    /// The migration's name.
    pub migration: String,
    /// Its type: `brownfield`.
    pub kind: String,
    /// The environment's word: `PRODUCTION`.
    pub environment: String,
    /// Whether it was a rehearsal: every heading says so.
    pub rehearsal: bool,
    /// What was asked for, as label and text: sources, target, settings. Without secrets.
    pub asked: Vec<(String, String)>,
    /// The steps of the journey in order, each exactly once.
    pub parts: Vec<Part>,
    /// Plans that were approved, in order of time.
    pub signed: Vec<Signed>,
    /// What was set aside, by reason.
    pub quarantine: Vec<QuarantineGroup>,
    /// The readiness result, where there is one.
    pub readiness: Option<Readiness>,
    /// Both systems beside each other, where they were compared.
    #[serde(default)]
    pub comparison: Option<Comparison>,
    /// What the tests of MAOS came to, where they were run.
    #[serde(default)]
    pub validation: Option<Validation>,
    /// The last rollback, where one was begun or due.
    #[serde(default)]
    pub rollback: Option<super::rollback::WentBack>,
    /// The watch after the migration, where there is one.
    #[serde(default)]
    pub monitoring: Option<Monitoring>,
    /// The files with their hashes, the report's own left out.
    pub artifacts: Vec<Artifact>,
    /// The journal.
    pub journal: Journal,
    /// The moment the report speaks of: that of its last event, so that the same journal gives the same report.
    pub as_of: Timestamp,
    /// The zone times are written in, by its IANA name: `UTC`, `Europe/Zurich`.
    pub zone: String,
}
