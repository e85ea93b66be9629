//! The questionnaire as data: read strictly from YAML, every refusal with its place.
//!
//! To add a question, add an entry to `assets/questionnaire.yml` (or to `questionnaire.yml` in the workspace). A
//! question that a probe can answer names the probe's figure under `probe`.

use super::question::Question;
use super::questionnaire_file;
use crate::engine::error::Result;
use crate::engine::workspace::Workspace;

const BUILT_IN: &str = include_str!("../../../assets/questionnaire.yml");

/// The questions behind the four readiness dimensions; every questionnaire must have them.
pub const READINESS: [&str; 4] = [
    "parallelization_score",
    "infrastructure_ready",
    "team_ready",
    "business_ready",
];

/// One section: a tab of the form, a heading of `assessment.md`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Section {
    /// The stable id.
    pub id: String,
    /// The tab's name: `Workflow`.
    pub title: String,
    /// The heading in `assessment.md`: `Workflow Analysis`.
    pub heading: String,
    /// The lines under the heading, with `{question id}` where an answer goes and `{question id.evidence}`
    /// where its evidence does.
    pub lines: Vec<String>,
}

/// All questions in order, checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Questionnaire {
    /// The sections in order.
    pub sections: Vec<Section>,
    /// The questions in order, grouped by section.
    pub questions: Vec<Question>,
    /// SHA-256 of the text it was read from, in hex: answers belong to one questionnaire.
    pub sha256: String,
}

impl Questionnaire {
    /// The one that comes with the product.
    ///
    /// # Errors
    /// Never in a built product; a test reads it.
    pub fn built_in() -> Result<Self> {
        Self::read("questionnaire.yml (built in)", BUILT_IN)
    }

    /// The one of a workspace: its own `questionnaire.yml`, else the built-in one.
    ///
    /// # Errors
    /// As [`Questionnaire::read`], and when the file cannot be read.
    pub fn of(workspace: &Workspace) -> Result<Self> {
        match workspace.own_asset("questionnaire.yml")? {
            Some(text) => Self::read("questionnaire.yml", &text),
            None => Self::built_in(),
        }
    }

    /// The text of the one that comes with the product, for a person who wants to change it.
    #[must_use]
    pub const fn built_in_text() -> &'static str {
        BUILT_IN
    }

    /// Reads a questionnaire; `name` is the file as the person knows it.
    ///
    /// # Errors
    /// [`crate::engine::ErrorKind::Input`] with line and column for everything that does not fit together.
    pub fn read(name: &str, text: &str) -> Result<Self> {
        questionnaire_file::read(name, text)
    }

    /// The question with this id.
    #[must_use]
    pub fn question(&self, id: &str) -> Option<&Question> {
        self.questions.iter().find(|question| question.id == id)
    }

    /// The questions of one section, in order.
    pub fn in_section<'a>(&'a self, section: &'a str) -> impl Iterator<Item = &'a Question> {
        self.questions
            .iter()
            .filter(move |question| question.section == section)
    }

    /// The questions that a probe's figure answers.
    pub fn answered_by<'a>(&'a self, figure: &'a str) -> impl Iterator<Item = &'a Question> {
        self.questions
            .iter()
            .filter(move |question| !figure.is_empty() && question.probe == figure)
    }
}
