//! What a readiness result is made of.

use serde::{Deserialize, Serialize};

use crate::engine::assess::answers::Source;
use crate::engine::assess::decimal::Decimal;
use crate::engine::capability::Capability;

/// The most points of one dimension.
pub const DIMENSION_MAX: i64 = 25;
/// The most points of all.
pub const SCORE_MAX: i64 = 100;
/// From this score on the recommendation is to proceed.
pub const PROCEED_FROM: i64 = 80;
/// From this score on the recommendation is to address gaps.
pub const ADDRESS_FROM: i64 = 60;

/// The band a score falls into, weakest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Band {
    /// Below 60.
    Improve,
    /// From 60, or held here by a blocker.
    AddressGaps,
    /// From 80.
    Proceed,
}

impl Band {
    /// The band of a score without blockers.
    #[must_use]
    pub const fn of(score: i64) -> Self {
        if score >= PROCEED_FROM {
            Self::Proceed
        } else if score >= ADDRESS_FROM {
            Self::AddressGaps
        } else {
            Self::Improve
        }
    }

    /// The guide's recommendation.
    #[must_use]
    pub const fn recommendation(self) -> &'static str {
        match self {
            Self::Proceed => "Proceed with migration",
            Self::AddressGaps => "Address gaps before migration",
            Self::Improve => "Improve readiness before migration",
        }
    }

    /// The name in JSON and in sentences: `proceed`, `address_gaps`, `improve`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Proceed => "proceed",
            Self::AddressGaps => "address_gaps",
            Self::Improve => "improve",
        }
    }

    /// The scores of the band: `80 to 100`.
    #[must_use]
    pub const fn range(self) -> &'static str {
        match self {
            Self::Proceed => "80 to 100",
            Self::AddressGaps => "60 to 79",
            Self::Improve => "0 to 59",
        }
    }
}

/// One of the four dimensions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DimensionId {
    /// How much of the work can run side by side.
    Parallelization,
    /// Whether the machines are ready.
    Infrastructure,
    /// Whether the team is.
    Team,
    /// Whether it is worth it.
    Business,
}

impl DimensionId {
    /// All four, in the guide's order.
    pub const ALL: [Self; 4] = [
        Self::Parallelization,
        Self::Infrastructure,
        Self::Team,
        Self::Business,
    ];

    /// The question behind it.
    #[must_use]
    pub const fn question(self) -> &'static str {
        match self {
            Self::Parallelization => "parallelization_score",
            Self::Infrastructure => "infrastructure_ready",
            Self::Team => "team_ready",
            Self::Business => "business_ready",
        }
    }

    /// The name on the screen.
    #[must_use]
    pub const fn title(self) -> &'static str {
        match self {
            Self::Parallelization => "Parallelization",
            Self::Infrastructure => "Infrastructure",
            Self::Team => "Team",
            Self::Business => "Business",
        }
    }
}

/// One dimension's points and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dimension {
    /// Which.
    pub id: DimensionId,
    /// The points, 0 to 25.
    pub points: i64,
    /// Always 25.
    pub max: i64,
    /// The question behind it.
    pub question: String,
    /// Whether it is answered; an open one has 0 points.
    pub answered: bool,
    /// The answer as it reads: `4`, `yes`; null when open.
    pub answer: Option<String>,
    /// From where; null when open.
    pub source: Option<Source>,
    /// How it is known: `8 of 8 met`, `lena`; `not answered` when open.
    pub evidence: String,
    /// When it was answered.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub at: Option<jiff::Timestamp>,
    /// How the points come about: `4 x 25 / 10 = 10`, `yes = 25`.
    pub arithmetic: String,
}

/// Something that must be mended first. It never changes the number; it stands first and caps the band.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Blocker {
    /// A stable id: `storage_free_gb`, `no_space_for_backup`.
    pub id: String,
    /// What stands in the way, as a fragment without a full stop: `no space for a backup on /srv (9.1 GB needed, 2.0 GB
    /// free)`.
    pub text: String,
    /// What to do about it, or the command that does it.
    pub mitigation: String,
    /// The step that stays locked while it is open.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub locks: Option<Capability>,
}

/// A next action.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Action {
    /// What to do.
    pub text: String,
    /// Points it can add to the score.
    pub gain: i64,
    /// The dimension it adds them to.
    pub dimension: DimensionId,
    /// The step where it is done.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub step: Option<Capability>,
    /// The command that does it, where there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub command: Option<String>,
}

/// What the task scores say, for actions with an honest gain.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct TaskFacts {
    /// Tasks scored.
    pub tasks: u64,
    /// Sum of their scores.
    pub sum: u64,
    /// Tasks in the low band: id and score.
    pub low: Vec<(String, u64)>,
    /// The score a low task has once it is split into parts that stand alone: where the medium band starts.
    pub split_to: u64,
}

/// What the score needs beside the answers. Everything is optional: the guide's four answers alone give its number.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Facts {
    /// Blockers that do not follow from the answers.
    #[serde(default)]
    pub blockers: Vec<Blocker>,
    /// The task scores, where tasks were read.
    #[serde(default)]
    pub tasks: Option<TaskFacts>,
}

/// The result. Its serde form is a contract: fields may be added, never changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Readiness {
    /// 0 to 100.
    pub score: i64,
    /// Always 100.
    pub max: i64,
    /// The band, capped by blockers.
    pub band: Band,
    /// The guide's sentence for the band.
    pub recommendation: String,
    /// Blockers, first of all.
    pub blockers: Vec<Blocker>,
    /// The four dimensions in the guide's order.
    pub dimensions: Vec<Dimension>,
    /// The open dimensions' questions, counted as 0.
    pub unanswered: Vec<String>,
    /// Share of the four questions that are answered, in percent: what the number is worth.
    pub confidence: i64,
    /// The sum in one line: `4 x 25 / 10 = 10; 10 + 25 + 25 + 25 = 85`.
    pub arithmetic: String,
    /// The band without blockers.
    pub band_without_blockers: Band,
    /// What to do next, most points first.
    pub actions: Vec<Action>,
}

/// The parallelization points of a mean score: `floor(score × 25 ÷ 10)`, as the guide's integer division.
#[must_use]
pub(super) fn parallelization_points(score: Decimal) -> i64 {
    score
        .scaled_floor(DIMENSION_MAX, 10)
        .unwrap_or(0)
        .clamp(0, DIMENSION_MAX)
}
