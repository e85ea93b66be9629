//! A task's run on one side, and the pair of runs that is compared.

use serde::{Deserialize, Serialize};

use super::usage::Used;
use crate::engine::item::Item;

/// One of the two systems.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Side {
    /// The system that is left.
    Legacy,
    /// The system that is moved to.
    Maos,
}

impl Side {
    /// As a person reads it.
    #[must_use]
    pub const fn title(self) -> &'static str {
        match self {
            Self::Legacy => "legacy",
            Self::Maos => "MAOS",
        }
    }

    /// The other one.
    #[must_use]
    pub const fn other(self) -> Self {
        match self {
            Self::Legacy => Self::Maos,
            Self::Maos => Self::Legacy,
        }
    }
}

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ended {
    /// The system says that the task is done.
    Succeeded,
    /// It says that it is not, or what it says cannot be understood.
    Failed,
    /// It did not end before the deadline.
    Deadline,
}

/// One task on one side. A figure that is `None` was not learned.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Run {
    /// How it ended.
    pub ended: Ended,
    /// From handing it in to its end.
    pub seconds: f64,
    /// How far `seconds` may be off, because the end is seen only by looking; 0 where it is seen itself.
    #[serde(default)]
    pub uncertainty_s: f64,
    /// Why it did not succeed; empty when it did.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub why: String,
    /// The system's own id of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// Agents that worked on it, as reported.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agents: Option<u32>,
    /// Parallel efficiency as reported; its scale differs between versions of MAOS.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub efficiency: Option<f64>,
    /// What its programs used, where that could be measured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub used: Option<Used>,
}

impl Run {
    /// Whether it succeeded.
    #[must_use]
    pub const fn succeeded(&self) -> bool {
        matches!(self.ended, Ended::Succeeded)
    }
}

/// One task, once on each side.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Pair {
    /// The legacy id.
    pub task: String,
    /// Which repeat, from 1.
    pub repeat: usize,
    /// Which side ran first.
    pub first: Side,
    /// The comparison it belongs to: equal tasks, commands and settings.
    pub setup: String,
    /// The legacy side, once it has run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub legacy: Option<Run>,
    /// MAOS, once it has run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub maos: Option<Run>,
    /// MAOS's id of a run under way, so that one that was cut short can be cancelled.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub under_way: Option<String>,
    /// Whether the user's check found the results of the same quality; absent without a check.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub same_quality: Option<bool>,
    /// Whether MAOS was the embedded stand-in.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub rehearsal: bool,
    /// Whether its durations were simulated.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub simulated: bool,
}

impl Pair {
    /// A pair that has not run.
    #[must_use]
    pub fn new(task: &str, repeat: usize, first: Side, setup: &str) -> Self {
        Self {
            task: task.to_owned(),
            repeat,
            first,
            setup: setup.to_owned(),
            legacy: None,
            maos: None,
            under_way: None,
            same_quality: None,
            rehearsal: false,
            simulated: false,
        }
    }

    /// The pair behind a line of the operation.
    #[must_use]
    pub fn of(item: &Item) -> Option<Self> {
        serde_json::from_value(item.data.clone()).ok()
    }

    /// Its identity within a comparison: `legacy_001#2`.
    #[must_use]
    pub fn key(&self) -> String {
        format!("{}#{}", self.task, self.repeat)
    }

    /// The run of one side.
    #[must_use]
    pub const fn side(&self, side: Side) -> Option<&Run> {
        match side {
            Side::Legacy => self.legacy.as_ref(),
            Side::Maos => self.maos.as_ref(),
        }
    }

    /// Keeps the run of one side.
    pub fn keep(&mut self, side: Side, run: Run) {
        match side {
            Side::Legacy => self.legacy = Some(run),
            Side::Maos => self.maos = Some(run),
        }
    }

    /// Whether both sides have run.
    #[must_use]
    pub const fn ended(&self) -> bool {
        self.legacy.is_some() && self.maos.is_some()
    }

    /// How many times faster MAOS was: legacy seconds ÷ MAOS seconds. `None` unless both succeeded and both times can be told
    /// from nothing.
    #[must_use]
    pub fn speedup(&self) -> Option<f64> {
        let (legacy, maos) = (self.legacy.as_ref()?, self.maos.as_ref()?);
        let measurable = |run: &Run| run.succeeded() && run.seconds.is_finite() && run.seconds > 0.0;
        (measurable(legacy) && measurable(maos)).then(|| legacy.seconds / maos.seconds)
    }
}
