//! The questionnaire, its probes, the baseline and the two assessment files.

/// Placeholder until the module lands.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Answer {
    /// The value.
    pub value: serde_json::Value,
}

impl Answer {
    /// As people read it.
    #[must_use]
    pub fn shown(&self) -> String {
        self.value.to_string()
    }
}
