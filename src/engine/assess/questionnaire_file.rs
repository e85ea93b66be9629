//! Reads `questionnaire.yml`: strict keys, then what belongs together, every refusal with its line and column.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde::Deserialize;
use sha2::{Digest as _, Sha256};

use super::decimal::Decimal;
use super::document::EVIDENCE;
use super::question::{Choice, Kind, Question, Requirement, Threshold};
use super::questionnaire::{Questionnaire, READINESS, Section};
use super::value::version_numbers;
use crate::engine::error::{Error, Result};
use crate::engine::yaml::{self, Spanned};

/// Reads and checks a questionnaire.
pub(super) fn read(name: &str, text: &str) -> Result<Questionnaire> {
    let raw: RawQuestionnaire = yaml::from_str(name, text)?;
    Reader { name }.questionnaire(raw, text)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawQuestionnaire {
    version: Spanned<u32>,
    sections: Vec<RawSection>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawSection {
    id: Spanned<String>,
    title: String,
    heading: String,
    #[serde(default)]
    lines: Vec<Spanned<String>>,
    questions: Vec<RawQuestion>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawQuestion {
    id: Spanned<String>,
    title: Spanned<String>,
    text: String,
    #[serde(rename = "type")]
    kind: Spanned<String>,
    #[serde(default)]
    unit: String,
    min: Option<Spanned<Decimal>>,
    max: Option<Spanned<Decimal>>,
    options: Option<Spanned<Vec<RawOption>>>,
    #[serde(default)]
    words: Vec<Spanned<String>>,
    explanation: String,
    risk: String,
    rationale: String,
    mitigation: String,
    #[serde(default)]
    probe: String,
    requirement: Option<RawRequirement>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawOption {
    id: Spanned<String>,
    label: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawRequirement {
    at_least: Spanned<String>,
    #[serde(default)]
    words: Vec<Spanned<String>>,
    #[serde(default)]
    blocks: bool,
}

struct Reader<'a> {
    name: &'a str,
}

impl Reader<'_> {
    fn refuse<T>(&self, at: &Spanned<T>, why: &str) -> Error {
        Error::input(format!(
            "{} line {}, column {}: {why}",
            self.name,
            at.referenced.line(),
            at.referenced.column()
        ))
    }

    fn questionnaire(&self, raw: RawQuestionnaire, text: &str) -> Result<Questionnaire> {
        if raw.version.value != 1 {
            return Err(self.refuse(&raw.version, "this program reads questionnaires of version 1"));
        }
        let mut sections: Vec<Section> = Vec::new();
        let mut questions: Vec<Question> = Vec::new();
        let mut lines = Vec::new();
        for raw_section in raw.sections {
            self.identifier(&raw_section.id)?;
            if sections.iter().any(|section| section.id == raw_section.id.value) {
                return Err(self.refuse(&raw_section.id, "a second section with this id"));
            }
            for raw_question in raw_section.questions {
                self.identifier(&raw_question.id)?;
                if questions
                    .iter()
                    .any(|question| question.id == raw_question.id.value)
                {
                    return Err(self.refuse(&raw_question.id, "a second question with this id"));
                }
                questions.push(self.question(raw_question, &raw_section.id.value)?);
            }
            sections.push(Section {
                id: raw_section.id.value,
                title: raw_section.title,
                heading: raw_section.heading,
                lines: raw_section.lines.iter().map(|line| line.value.clone()).collect(),
            });
            lines.extend(raw_section.lines);
        }
        for line in &lines {
            for placeholder in placeholders(&line.value) {
                let (id, part) = placeholder.split_once('.').unwrap_or((placeholder, EVIDENCE));
                if part != EVIDENCE {
                    return Err(self.refuse(line, "only .evidence may follow an id"));
                }
                if !questions.iter().any(|question| question.id == id) {
                    return Err(self.refuse(line, &format!("no question has the id {id}")));
                }
            }
        }
        self.readiness(&questions)?;
        Ok(Questionnaire {
            sections,
            questions,
            sha256: Sha256::digest(text.as_bytes()).iter().fold(
                String::with_capacity(64),
                |mut hex, byte| {
                    // Writing to a String cannot fail.
                    let _ = write!(hex, "{byte:02x}");
                    hex
                },
            ),
        })
    }

    fn readiness(&self, questions: &[Question]) -> Result<()> {
        let kinds: BTreeMap<&str, &Kind> = questions.iter().map(|q| (q.id.as_str(), &q.kind)).collect();
        for id in READINESS {
            let fits = match kinds.get(id) {
                None => {
                    return Err(Error::input(format!(
                        "{}: the question {id} is missing",
                        self.name
                    )));
                }
                Some(Kind::Number { min, max }) if id == READINESS[0] => {
                    *min == Decimal::ZERO && Some(*max) == Decimal::whole(10)
                }
                Some(Kind::YesNo) => id != READINESS[0],
                Some(_) => false,
            };
            if !fits {
                return Err(Error::input(format!(
                    "{}: the question {id} must be {}",
                    self.name,
                    if id == READINESS[0] {
                        "a number from 0 to 10"
                    } else {
                        "of type yes_no"
                    }
                )));
            }
        }
        Ok(())
    }

    fn identifier(&self, id: &Spanned<String>) -> Result<()> {
        let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_';
        if id.value.is_empty() || !id.value.bytes().all(plain) {
            return Err(self.refuse(id, "an id is made of a to z, 0 to 9 and _"));
        }
        Ok(())
    }

    fn question(&self, raw: RawQuestion, section: &str) -> Result<Question> {
        if raw.title.value.trim().is_empty() {
            return Err(self.refuse(&raw.title, "a question needs a title"));
        }
        let kind = self.kind(&raw)?;
        let words: Vec<String> = raw.words.iter().map(|word| word.value.clone()).collect();
        let requirement = match raw.requirement {
            Some(requirement) => Some(self.requirement(requirement, &kind, &words)?),
            None => None,
        };
        Ok(Question {
            id: raw.id.value,
            section: section.to_owned(),
            title: raw.title.value,
            text: raw.text,
            kind,
            unit: raw.unit,
            words,
            explanation: raw.explanation,
            risk: raw.risk,
            rationale: raw.rationale,
            mitigation: raw.mitigation,
            probe: raw.probe,
            requirement,
        })
    }

    fn kind(&self, raw: &RawQuestion) -> Result<Kind> {
        let kind = raw.kind.value.as_str();
        if !["choice", "number", "integer", "yes_no", "text", "version"].contains(&kind) {
            return Err(self.refuse(
                &raw.kind,
                "the type must be choice, number, integer, yes_no, text or version",
            ));
        }
        let ranged = matches!(kind, "number" | "integer");
        if let Some(edge) = raw.min.as_ref().or(raw.max.as_ref())
            && !ranged
        {
            return Err(self.refuse(edge, "only a number or an integer has min and max"));
        }
        if let Some(options) = raw.options.as_ref()
            && kind != "choice"
        {
            return Err(self.refuse(options, "only a choice has options"));
        }
        match kind {
            "choice" => self.choice(raw),
            "number" | "integer" => self.ranged(raw, kind == "integer"),
            "yes_no" => Ok(Kind::YesNo),
            "text" => Ok(Kind::Text),
            _ => Ok(Kind::Version),
        }
    }

    fn choice(&self, raw: &RawQuestion) -> Result<Kind> {
        let Some(options) = &raw.options else {
            return Err(self.refuse(&raw.kind, "a choice needs options"));
        };
        if options.value.len() < 2 {
            return Err(self.refuse(options, "a choice needs at least two options"));
        }
        let mut seen: Vec<Choice> = Vec::new();
        for option in &options.value {
            self.identifier(&option.id)?;
            if seen.iter().any(|choice| choice.id == option.id.value) {
                return Err(self.refuse(&option.id, "a second option with this id"));
            }
            seen.push(Choice {
                id: option.id.value.clone(),
                label: option.label.clone(),
            });
        }
        Ok(Kind::Choice(seen))
    }

    fn ranged(&self, raw: &RawQuestion, whole: bool) -> Result<Kind> {
        let (Some(min), Some(max)) = (&raw.min, &raw.max) else {
            return Err(self.refuse(&raw.kind, "a number needs min and max"));
        };
        if min.value >= max.value {
            return Err(self.refuse(max, "max must be greater than min"));
        }
        if !whole {
            return Ok(Kind::Number {
                min: min.value,
                max: max.value,
            });
        }
        let edge = |at: &Spanned<Decimal>| {
            at.value
                .is_whole()
                .then(|| at.value.scaled_floor(1, 1))
                .flatten()
                .ok_or_else(|| self.refuse(at, "the range of an integer is whole"))
        };
        Ok(Kind::Integer {
            min: edge(min)?,
            max: edge(max)?,
        })
    }

    fn requirement(&self, raw: RawRequirement, kind: &Kind, words: &[String]) -> Result<Requirement> {
        for word in &raw.words {
            if !words.contains(&word.value) {
                return Err(self.refuse(
                    word,
                    "the requirement names a word that the question does not take",
                ));
            }
        }
        let least = &raw.at_least.value;
        let at_least = match kind {
            _ if least == "any" => Some(Threshold::Any),
            Kind::Number { .. } | Kind::Integer { .. } => Decimal::parse(least).map(Threshold::Number),
            Kind::Version => (!version_numbers(least).is_empty()).then(|| Threshold::Version(least.clone())),
            _ => None,
        };
        let Some(at_least) = at_least else {
            return Err(self.refuse(
                &raw.at_least,
                "at_least must be any, or a number or version as the type of the question",
            ));
        };
        Ok(Requirement {
            at_least,
            words: raw.words.into_iter().map(|word| word.value).collect(),
            blocks: raw.blocks,
        })
    }
}

/// The question ids between braces in a line.
fn placeholders(line: &str) -> impl Iterator<Item = &str> {
    line.split('{')
        .skip(1)
        .filter_map(|rest| rest.split_once('}'))
        .map(|(id, _)| id)
}
