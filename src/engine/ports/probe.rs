//! Probes: small readings of the world that answer questions of the assessment.
//!
//! To add one, implement [`Probe`] in `adapters/probes/`, name its figures, and name the same figures under `probe` in
//! the questionnaire. A probe only reads.

use std::time::Duration;

use super::BoxFuture;

use crate::engine::assess::Value;

/// One figure of a probe: its name, and a value with evidence or the reason why there is none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reading {
    /// The figure's name, as under `probe` in the questionnaire.
    pub figure: String,
    /// The value with its evidence (`/proc/meminfo`, `INFO server`), or the reason in a sentence's fragment (`10.0.4.7
    /// does not report a link speed`). Neither ever holds a secret.
    pub result: Result<Figure, String>,
}

/// A value and how it is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Figure {
    /// The value.
    pub value: Value,
    /// How it is known, in a few words.
    pub evidence: String,
}

impl Reading {
    /// A figure with a value.
    pub fn of(figure: &str, value: Value, evidence: impl Into<String>) -> Self {
        Self {
            figure: figure.to_owned(),
            result: Ok(Figure {
                value,
                evidence: evidence.into(),
            }),
        }
    }

    /// A figure that cannot be had.
    pub fn none(figure: &str, why: impl Into<String>) -> Self {
        Self {
            figure: figure.to_owned(),
            result: Err(why.into()),
        }
    }
}

/// A reading of the world. Dropping its future ends it and whatever it started.
pub trait Probe: Send + Sync {
    /// Its name in logs.
    fn id(&self) -> &'static str;

    /// The figures it gives.
    fn figures(&self) -> &'static [&'static str];

    /// How long it may take.
    fn limit(&self) -> Duration;

    /// Reads. Figures that it leaves out count as not had.
    fn run(&self) -> BoxFuture<'_, Vec<Reading>>;
}
