//! What a form of the assessment shows, worked out from the answers: no terminal, no clock.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use jiff::Timestamp;

use super::answers::{Answers, Source};
use super::derive::Standing;
use super::question::Question;
use super::questionnaire::Questionnaire;
use crate::engine::text::inert;

/// How a question stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// It has an answer.
    Answered,
    /// It has none yet and a probe is at work.
    Probing,
    /// It has none.
    NotAnswered,
    /// It has a stated answer and a probe says otherwise.
    Offer,
}

/// One tab of the form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SectionView {
    /// Its number, from 1: the key that opens it.
    pub number: usize,
    /// Its id.
    pub id: String,
    /// Its name.
    pub title: String,
    /// Questions answered.
    pub answered: usize,
    /// Questions in all.
    pub total: usize,
}

impl SectionView {
    /// `Workflow 4/4`.
    #[must_use]
    pub fn label(&self) -> String {
        format!("{} {}/{}", self.title, self.answered, self.total)
    }
}

/// One row of the form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RowView {
    /// The question's id.
    pub id: String,
    /// The short name.
    pub title: String,
    /// The answer as it reads; empty when there is none.
    pub answer: String,
    /// The unit, for the edit field.
    pub unit: String,
    /// `probed`, `stated`, `defaulted`, `probing` or `not answered`.
    pub source: &'static str,
    /// The evidence: a probe's, or who stated it.
    pub evidence: String,
    /// When.
    pub at: Option<Timestamp>,
    /// How it stands.
    pub state: State,
    /// How the requirement stands, where there is one.
    pub requirement: Option<Standing>,
}

/// The whole form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AssessView {
    /// The tabs.
    pub sections: Vec<SectionView>,
    /// The rows, by section in the same order.
    pub rows: Vec<Vec<RowView>>,
    /// Questions answered.
    pub answered: usize,
    /// Questions in all.
    pub total: usize,
    /// Of the answers, how many a probe gave.
    pub probed: usize,
    /// Of the answers, how many a person gave.
    pub stated: usize,
    /// Of the answers, how many are defaults.
    pub defaulted: usize,
    /// The short names of the open questions, in order.
    pub open: Vec<String>,
}

impl AssessView {
    /// Works the form out. `probing` holds the ids of questions whose probes are at work.
    #[must_use]
    pub fn new(questionnaire: &Questionnaire, answers: &Answers, probing: &BTreeSet<String>) -> Self {
        let mut view = Self {
            sections: Vec::new(),
            rows: Vec::new(),
            answered: 0,
            total: questionnaire.questions.len(),
            probed: 0,
            stated: 0,
            defaulted: 0,
            open: answers
                .open(questionnaire)
                .map(|question| question.title.clone())
                .collect(),
        };
        for (i, section) in questionnaire.sections.iter().enumerate() {
            let rows: Vec<RowView> = questionnaire
                .in_section(&section.id)
                .map(|question| row(question, answers, probing.contains(&question.id)))
                .collect();
            let (answered, total) = answers.counts(questionnaire, section);
            view.answered += answered;
            for question in questionnaire.in_section(&section.id) {
                match answers.get(&question.id).map(|answer| answer.source) {
                    Some(Source::Probed) => view.probed += 1,
                    Some(Source::Stated) => view.stated += 1,
                    Some(Source::Defaulted) => view.defaulted += 1,
                    None => {}
                }
            }
            view.sections.push(SectionView {
                number: i + 1,
                id: section.id.clone(),
                title: section.title.clone(),
                answered,
                total,
            });
            view.rows.push(rows);
        }
        view
    }

    /// `20 of 22 answered · 12 probed, 8 stated`.
    #[must_use]
    pub fn headline(&self) -> String {
        let mut said = format!(
            "{} of {} answered · {} probed, {} stated",
            self.answered, self.total, self.probed, self.stated
        );
        if self.defaulted > 0 {
            // Writing to a String cannot fail.
            let _ = write!(said, ", {} defaulted", self.defaulted);
        }
        said
    }

    /// `2 open: Network link, Performance justifies cost.`, or that all is answered.
    #[must_use]
    pub fn now_line(&self) -> String {
        if self.open.is_empty() {
            return format!("All {} questions are answered.", self.total);
        }
        format!("{} open: {}.", self.open.len(), self.open.join(", "))
    }
}

fn row(question: &Question, answers: &Answers, probing: bool) -> RowView {
    let mut view = RowView {
        id: question.id.clone(),
        title: question.title.clone(),
        answer: String::new(),
        unit: question.unit.clone(),
        source: if probing { "probing" } else { "not answered" },
        evidence: String::new(),
        at: None,
        state: if probing {
            State::Probing
        } else {
            State::NotAnswered
        },
        requirement: question.requirement.as_ref().map(|_| Standing::Open),
    };
    let Some(answer) = answers.get(&question.id) else {
        return view;
    };
    view.answer = question.show(&answer.value);
    view.source = answer.source.word();
    view.evidence = if answer.source == Source::Stated {
        format!("by {}", inert(&answer.by))
    } else {
        inert(&answer.evidence)
    };
    view.at = Some(answer.at);
    view.state = if answers.offer(&question.id).is_some() {
        State::Offer
    } else {
        State::Answered
    };
    view.requirement = question
        .meets(&answer.value)
        .map(|met| if met { Standing::Met } else { Standing::NotMet });
    view
}

/// One line of the detail: its label and its sentence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DetailLine {
    /// `Answer`, `Why`, `Risk`, `Instead`, `Needs` or `Probe`.
    pub label: &'static str,
    /// The sentence.
    pub text: String,
    /// The key that acts on it: `r again`, `r use 940 Mbps`; empty when there is none.
    pub key: String,
}

/// The detail of one question; its heading is [`Question::text`]. `limit_s` is the time limit of its probe in seconds.
#[must_use]
pub fn detail(
    question: &Question,
    answers: &Answers,
    probing: bool,
    limit_s: Option<u64>,
) -> Vec<DetailLine> {
    let mut lines = Vec::new();
    let mut add = |label, text: String, key: String| {
        if !text.is_empty() {
            lines.push(DetailLine { label, text, key });
        }
    };
    add("Answer", question.takes(), String::new());
    add("Needs", question.needs(), String::new());
    add("Why", question.rationale.clone(), String::new());
    add("Risk", question.risk.clone(), String::new());
    add("Instead", question.mitigation.clone(), String::new());
    if question.probe.is_empty() {
        return lines;
    }
    let limit = limit_s.map_or_else(String::new, |s| format!(" ({s} s)"));
    let again = || "r again".to_owned();
    if probing {
        add("Probe", format!("at work{limit}"), String::new());
    } else if let Some(offer) = answers.offer(&question.id) {
        let shown = question.show(&offer.value);
        add(
            "Probe",
            format!("says {shown}, from {}", inert(&offer.evidence)),
            format!("r use {shown}"),
        );
    } else if let Some(why) = answers.no_figure(&question.id) {
        add("Probe", format!("no figure: {}{limit}", inert(why)), again());
    } else if let Some(answer) = answers
        .get(&question.id)
        .filter(|answer| answer.source == Source::Probed)
    {
        add("Probe", inert(&answer.evidence), again());
    } else {
        add("Probe", "not run".to_owned(), again());
    }
    lines
}
