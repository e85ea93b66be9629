//! `assessment.md` and `assessment.json`: what was answered, from where, by whom, when. Equal answers give equal files.

use std::fmt::Write as _;

use serde_json::{Map, Value as Json, json};

use super::answers::{Answer, Answers, Source};
use super::derive::{Standing, standings};
use super::question::Question;
use super::questionnaire::{Questionnaire, Section};
use crate::engine::report::markdown::escape;
use crate::engine::text::inert;

/// What follows an id and a point between braces for the evidence of an answer: `{redis_version.evidence}`.
pub const EVIDENCE: &str = "evidence";
/// What stands for an answer that is not there.
pub const NOT_ANSWERED: &str = "not answered";

/// Renders `assessment.md`: the sections of the guide with its lines, the evidence for each answer below them, and what
/// is open. Times are in UTC.
#[must_use]
pub fn markdown(questionnaire: &Questionnaire, answers: &Answers, migration: &str) -> String {
    let mut out = String::new();
    // Writing to a String cannot fail, here and below.
    let _ = writeln!(out, "# Assessment of {}\n", escape(migration));
    let answered = questionnaire.questions.len() - answers.open(questionnaire).count();
    let _ = writeln!(
        out,
        "{answered} of {} questions are answered.",
        questionnaire.questions.len()
    );
    for section in &questionnaire.sections {
        let _ = writeln!(out, "\n## {}\n", escape(&section.heading));
        lines(&mut out, questionnaire, answers, section);
        evidence(&mut out, questionnaire, answers, section);
    }
    missed(&mut out, questionnaire, answers);
    out
}

fn lines(out: &mut String, questionnaire: &Questionnaire, answers: &Answers, section: &Section) {
    for line in &section.lines {
        let filled = fill(line, questionnaire, answers);
        // A line that is no list item ends with two spaces, so that it stays a line of its own.
        let end = if filled.starts_with("- ") { "" } else { "  " };
        let _ = writeln!(out, "{filled}{end}");
    }
}

fn fill(line: &str, questionnaire: &Questionnaire, answers: &Answers) -> String {
    let mut out = String::new();
    let mut rest = line;
    while let Some((before, after)) = rest.split_once('{') {
        out.push_str(before);
        let Some((id, tail)) = after.split_once('}') else {
            out.push('{');
            rest = after;
            continue;
        };
        let (id, part) = id.split_once('.').unwrap_or((id, ""));
        let shown = match questionnaire.question(id).zip(answers.get(id)) {
            Some((_, answer)) if part == EVIDENCE => known(answer),
            Some((question, answer)) => question.show(&answer.value),
            None if part == EVIDENCE => answers.no_figure(id).map_or_else(
                || "nothing is known".to_owned(),
                |why| format!("no figure: {}", inert(why)),
            ),
            None => NOT_ANSWERED.to_owned(),
        };
        out.push_str(&escape(&shown));
        rest = tail;
    }
    out.push_str(rest);
    out
}

fn evidence(out: &mut String, questionnaire: &Questionnaire, answers: &Answers, section: &Section) {
    let _ = writeln!(out, "\n| Question | Answer | Source | Evidence | At |");
    let _ = writeln!(out, "|---|---|---|---|---|");
    for question in questionnaire.in_section(&section.id) {
        let row = match answers.get(&question.id) {
            Some(answer) => [
                question.show(&answer.value),
                answer.source.word().to_owned(),
                known(answer),
                second(answer.at),
            ],
            None => [
                NOT_ANSWERED.to_owned(),
                "-".to_owned(),
                answers
                    .no_figure(&question.id)
                    .map_or_else(|| "-".to_owned(), |why| format!("no figure: {}", inert(why))),
                "-".to_owned(),
            ],
        };
        let _ = writeln!(
            out,
            "| {} | {} |",
            escape(&question.title),
            row.map(|cell| escape(&cell)).join(" | ")
        );
        if let Some(offer) = answers.offer(&question.id) {
            let found = question.show(&offer.value);
            let _ = writeln!(
                out,
                "| {}, as probed | {} | not taken | {} | {} |",
                escape(&question.title),
                escape(&found),
                escape(&inert(&offer.evidence)),
                second(offer.at)
            );
        }
    }
}

/// A time in UTC to the second.
fn second(at: jiff::Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

fn known(answer: &Answer) -> String {
    match answer.source {
        Source::Stated => format!("by {}", inert(&answer.by)),
        Source::Probed | Source::Defaulted => inert(&answer.evidence),
    }
}

fn missed(out: &mut String, questionnaire: &Questionnaire, answers: &Answers) {
    let missed: Vec<&Question> = standings(questionnaire, answers)
        .into_iter()
        .filter(|(_, standing)| *standing == Standing::NotMet)
        .map(|(question, _)| question)
        .collect();
    let open: Vec<&Question> = answers.open(questionnaire).collect();
    if missed.is_empty() && open.is_empty() {
        return;
    }
    let _ = writeln!(out, "\n## What is missing\n");
    for question in missed {
        let shown = answers
            .value(&question.id)
            .map_or_else(String::new, |value| question.show(value));
        let _ = writeln!(
            out,
            "- {}: {}, needs {}. Risk: {}. Instead: {}.",
            escape(&question.title),
            escape(&shown),
            escape(&question.needs()),
            escape(&question.risk),
            escape(&question.mitigation)
        );
    }
    for question in open {
        let _ = writeln!(
            out,
            "- {}: {NOT_ANSWERED}. It takes {}.",
            escape(&question.title),
            escape(&question.takes())
        );
    }
}

/// Renders `assessment.json`: `{migration, questionnaire_sha256, answered, total, sections: [{id, title, questions: [{id,
/// text, answer, unit, source, evidence, by, at, requirement}]}], open: [id]}`. An open question's answer is null.
#[must_use]
pub fn json(questionnaire: &Questionnaire, answers: &Answers, migration: &str) -> String {
    let sections: Vec<Json> = questionnaire
        .sections
        .iter()
        .map(|section| {
            let questions: Vec<Json> = questionnaire
                .in_section(&section.id)
                .map(|question| entry(question, answers))
                .collect();
            json!({"id": section.id, "title": section.heading, "questions": questions})
        })
        .collect();
    let open: Vec<&str> = answers
        .open(questionnaire)
        .map(|question| question.id.as_str())
        .collect();
    let document = json!({
        "migration": migration,
        "questionnaire_sha256": questionnaire.sha256,
        "answered": questionnaire.questions.len() - open.len(),
        "total": questionnaire.questions.len(),
        "sections": sections,
        "open": open,
    });
    let mut text = format!("{document:#}");
    text.push('\n');
    text
}

fn entry(question: &Question, answers: &Answers) -> Json {
    let mut fields = Map::new();
    let mut put = |key: &str, value: Json| {
        fields.insert(key.to_owned(), value);
    };
    put("id", json!(question.id));
    put("text", json!(question.text));
    if let Some(answer) = answers.get(&question.id) {
        put("answer", answer.value.to_json());
        put("shown", json!(question.show(&answer.value)));
        put("source", json!(answer.source.word()));
        put("evidence", json!(answer.evidence));
        put("by", json!(answer.by));
        put("at", json!(answer.at));
    } else {
        put("answer", Json::Null);
        if let Some(why) = answers.no_figure(&question.id) {
            put("no_figure", json!(why));
        }
    }
    if !question.unit.is_empty() {
        put("unit", json!(question.unit));
    }
    if let Some(offer) = answers.offer(&question.id) {
        put(
            "probed",
            json!({
                "answer": offer.value.to_json(),
                "evidence": offer.evidence,
                "at": offer.at,
            }),
        );
    }
    if question.requirement.is_some() {
        let met = answers
            .value(&question.id)
            .and_then(|value| question.meets(value));
        put("requirement", json!({"needs": question.needs(), "met": met}));
    }
    Json::Object(fields)
}
