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

impl Answer {
    /// The value as people read it, without the unit that only its question knows.
    #[must_use]
    pub fn shown(&self) -> String {
        self.value.shown()
    }
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
    /// Whether having no figure takes a probed answer away: so it is with answers that follow from others, while a probe
    /// that fails once leaves what it found before.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub withdraws: bool,
    /// When.
    pub at: Timestamp,
}

/// What becomes of a finding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Settled {
    /// It is the answer.
    Kept(Answer),
    /// A person stated otherwise: it stays beside the answer.
    Offered(Answer),
    /// A person stated the same: nothing changes.
    Agrees,
    /// There is no figure, and why.
    Failed(String),
}

/// All answers. Applying the same calls in the same order gives the same answers.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Answers {
    /// The answers by question id.
    #[serde(default)]
    pub given: BTreeMap<String, Answer>,
    /// What probes say otherwise than a stated answer, by question id.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub offers: BTreeMap<String, Answer>,
    /// Why the last probe of a question had no figure.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub failures: BTreeMap<String, String>,
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

    /// A person answers. The caller has checked the value with [`Question::check`]. A probed answer that says otherwise
    /// becomes an offer, so that nothing measured is lost.
    pub fn state(&mut self, id: &str, value: Value, by: &str, at: Timestamp) {
        let before = self.given.insert(
            id.to_owned(),
            Answer {
                value,
                source: Source::Stated,
                evidence: String::new(),
                by: by.to_owned(),
                at,
            },
        );
        if let Some(before) = before
            && before.source == Source::Probed
        {
            self.offers.insert(id.to_owned(), before);
        }
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

    /// What becomes of a finding: a value is the answer unless a person stated one; a finding without a figure never takes
    /// an answer away.
    #[must_use]
    pub fn settle(&self, finding: &Finding, by: &str) -> Settled {
        let Some(value) = &finding.value else {
            return Settled::Failed(finding.evidence.clone());
        };
        let found = Answer {
            value: value.clone(),
            source: Source::Probed,
            evidence: finding.evidence.clone(),
            by: by.to_owned(),
            at: finding.at,
        };
        match self.given.get(&finding.question) {
            Some(answer) if answer.source == Source::Stated && answer.value == *value => Settled::Agrees,
            Some(answer) if answer.source == Source::Stated => Settled::Offered(found),
            _ => Settled::Kept(found),
        }
    }

    /// A probe reports; see [`Answers::settle`].
    pub fn report(&mut self, finding: Finding, by: &str) -> Settled {
        let settled = self.settle(&finding, by);
        let id = finding.question;
        match &settled {
            Settled::Failed(why) => {
                let probed = self
                    .given
                    .get(&id)
                    .is_some_and(|answer| answer.source == Source::Probed);
                if finding.withdraws && probed {
                    self.given.remove(&id);
                }
                self.failures.insert(id, why.clone());
                return settled;
            }
            Settled::Kept(answer) => {
                self.given.insert(id.clone(), answer.clone());
                self.offers.remove(&id);
            }
            Settled::Offered(answer) => {
                self.offers.insert(id.clone(), answer.clone());
            }
            Settled::Agrees => {
                self.offers.remove(&id);
            }
        }
        self.failures.remove(&id);
        settled
    }

    /// What a probe found that differs from the stated answer.
    #[must_use]
    pub fn offer(&self, id: &str) -> Option<&Answer> {
        let offer = self.offers.get(id)?;
        let answer = self.given.get(id)?;
        (answer.source == Source::Stated && answer.value != offer.value).then_some(offer)
    }

    /// Takes the offer of a probe instead of the stated answer. `false` when there is none.
    pub fn take_offer(&mut self, id: &str, by: &str) -> bool {
        let Some(mut offer) = self.offer(id).cloned() else {
            return false;
        };
        by.clone_into(&mut offer.by);
        self.given.insert(id.to_owned(), offer);
        self.offers.remove(id);
        true
    }

    /// Why the last probe of a question had no figure.
    #[must_use]
    pub fn no_figure(&self, id: &str) -> Option<&str> {
        self.failures.get(id).map(String::as_str)
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
