//! The score from 0 to 100: four dimensions, gaps, blockers, next actions.

/// Placeholder until the module lands.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Readiness {
    /// 0 to 100.
    pub score: u32,
    /// The guide's sentence.
    pub recommendation: String,
}
