//! What is answered so far: values with source, evidence, who and when; and what probes found beside them.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::question::Question;
use super::questionnaire::{Questionnaire, Section};
use super::value::Value;

/// Where an answer comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// A probe measured it.
    Probed,
    /// A person said so.
    Stated,
    /// Nobody said so; it is the default.
    Defaulted,
}

impl Source {
    /// The word on the screen.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Probed => "probed",
            Self::Stated => "stated",
            Self::Defaulted => "defaulted",
        }
    }
}

/// One answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    /// What.
    pub value: Value,
    /// From where.
    pub source: Source,
    /// How it is known: `/proc/meminfo`, `37 tasks read`; empty for a person's word.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub evidence: String,
    /// Who: the operator, or the operator under whom the probe ran.
    pub by: String,
    /// When.
    pub at: Timestamp,
}

/// What a probe found for one question: a value with evidence, or why there is no figure.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// The question's id.
    pub question: String,
    /// The value, when there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<Value>,
    /// The evidence, or the reason why there is no figure.
    pub evidence: String,
    /// When.
    pub at: Timestamp,
}

/// All answers. This is the form the journal keeps; applying the same calls in the same order gives the same answers.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Answers {
    /// The answers by question id.
    #[serde(default)]
    pub given: BTreeMap<String, Answer>,
    /// The last finding of a probe by question id, kept beside a stated answer as an offer.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub found: BTreeMap<String, Finding>,
}

impl Answers {
    /// The answer to a question.
    #[must_use]
    pub fn get(&self, id: &str) -> Option<&Answer> {
        self.given.get(id)
    }

    /// The value of an answer.
    #[must_use]
    pub fn value(&self, id: &str) -> Option<&Value> {
        self.given.get(id).map(|answer| &answer.value)
    }

    /// A person answers. The caller has checked the value with [`Question::check`].
    pub fn state(&mut self, id: &str, value: Value, by: &str, at: Timestamp) {
        self.given.insert(
            id.to_owned(),
            Answer {
                value,
                source: Source::Stated,
                evidence: String::new(),
                by: by.to_owned(),
                at,
            },
        );
    }

    /// Takes an answer away: the question is open again.
    pub fn clear(&mut self, id: &str) {
        self.given.remove(id);
    }

    /// Puts back what was there before an edit.
    pub fn put_back(&mut self, id: &str, before: Option<Answer>) {
        match before {
            Some(answer) => {
                self.given.insert(id.to_owned(), answer);
            }
            None => self.clear(id),
        }
    }

    /// A probe reports. A value becomes the answer unless a person stated one; then it stays beside it as an offer. A
    /// finding without a figure never takes an answer away.
    pub fn report(&mut self, finding: Finding, by: &str) {
        let stated = self
            .given
            .get(&finding.question)
            .is_some_and(|answer| answer.source == Source::Stated);
        if let (Some(value), false) = (&finding.value, stated) {
            self.given.insert(
                finding.question.clone(),
                Answer {
                    value: value.clone(),
                    source: Source::Probed,
                    evidence: finding.evidence.clone(),
                    by: by.to_owned(),
                    at: finding.at,
                },
            );
        }
        self.found.insert(finding.question.clone(), finding);
    }

    /// What a probe found that differs from the stated answer.
    #[must_use]
    pub fn offer(&self, id: &str) -> Option<&Finding> {
        let finding = self.found.get(id)?;
        let answer = self.given.get(id)?;
        let value = finding.value.as_ref()?;
        (answer.source == Source::Stated && answer.value != *value).then_some(finding)
    }

    /// Takes the offer of a probe instead of the stated answer. `false` when there is none.
    pub fn take_offer(&mut self, id: &str, by: &str) -> bool {
        let Some(finding) = self.offer(id).cloned() else {
            return false;
        };
        self.given.remove(id);
        self.report(finding, by);
        true
    }

    /// Why a probe has no figure for a question that is open.
    #[must_use]
    pub fn no_figure(&self, id: &str) -> Option<&str> {
        let finding = self.found.get(id)?;
        finding.value.is_none().then_some(finding.evidence.as_str())
    }

    /// The first open question after `after` in the questionnaire's order, then from its start.
    #[must_use]
    pub fn next_open<'q>(
        &self,
        questionnaire: &'q Questionnaire,
        after: Option<&str>,
    ) -> Option<&'q Question> {
        let questions = &questionnaire.questions;
        let start = after
            .and_then(|id| questions.iter().position(|question| question.id == id))
            .map_or(0, |i| i + 1);
        questions[start..]
            .iter()
            .chain(&questions[..start])
            .find(|question| !self.given.contains_key(&question.id))
    }

    /// The open questions in order.
    pub fn open<'q>(&self, questionnaire: &'q Questionnaire) -> impl Iterator<Item = &'q Question> {
        questionnaire
            .questions
            .iter()
            .filter(|question| !self.given.contains_key(&question.id))
    }

    /// Answered and all questions of one section.
    #[must_use]
    pub fn counts(&self, questionnaire: &Questionnaire, section: &Section) -> (usize, usize) {
        questionnaire
            .in_section(&section.id)
            .fold((0, 0), |(answered, total), question| {
                (
                    answered + usize::from(self.given.contains_key(&question.id)),
                    total + 1,
                )
            })
    }
}
