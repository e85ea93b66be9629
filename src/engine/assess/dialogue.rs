//! The sentences of the numbered prompts: one question, one line that asks, one line that answers.

use std::fmt::Write as _;

use jiff::tz::TimeZone;

use super::answers::{Answer, Answers, Source};
use super::question::{Kind, Question, Refusal, yes_no};
use super::value::Value;
use crate::engine::text::{inert, inert_short};

/// The time of day in `zone`: `14:09`.
#[must_use]
pub fn clock(at: jiff::Timestamp, zone: &TimeZone) -> String {
    at.to_zoned(zone.clone()).strftime("%H:%M").to_string()
}

/// The line that puts the question: `Question 1 of 4. Average task parallelization score, 0 to 10. Suggested: 4, from 37
/// tasks read 14:09. Up to 25 points.` `points` is given for the questions behind the readiness score.
#[must_use]
pub fn question_line(
    question: &Question,
    answers: &Answers,
    number: usize,
    total: usize,
    points: Option<i64>,
    zone: &TimeZone,
) -> String {
    let mut said = format!("Question {number} of {total}. {}", question.text);
    // Writing to a String cannot fail, here and below.
    let _ = match &question.kind {
        Kind::Number { min, max } => write!(said, ", {min} to {max}{}", unit(question)),
        Kind::Integer { min, max } => write!(said, ", {min} to {max}{}", unit(question)),
        Kind::YesNo => write!(said, ". 1 yes, 2 no"),
        Kind::Choice(options) => {
            let options: Vec<String> = options
                .iter()
                .enumerate()
                .map(|(i, option)| format!("{} {}", i + 1, option.label))
                .collect();
            write!(said, ". {}", options.join(", "))
        }
        Kind::Text | Kind::Version => Ok(()),
    };
    for word in &question.words {
        let _ = write!(said, ", or {word}");
    }
    said.push('.');
    let _ = match (answers.get(&question.id), answers.no_figure(&question.id)) {
        (Some(answer), _) => write!(said, " {}", known(question, answer, zone)),
        (None, Some(why)) => write!(said, " Not probed: {}.", inert(why)),
        (None, None) => write!(said, " Not probed."),
    };
    if let (Some(points), Kind::Number { .. }) = (points, &question.kind) {
        let _ = write!(said, " Up to {points} points.");
    }
    said
}

fn unit(question: &Question) -> String {
    if question.unit.is_empty() {
        String::new()
    } else {
        format!(" {}", question.unit)
    }
}

fn known(question: &Question, answer: &Answer, zone: &TimeZone) -> String {
    let at = clock(answer.at, zone);
    let value = question.show(&answer.value);
    match (answer.source, &question.kind) {
        (Source::Stated, _) => format!("Stated: {value}, by {}, {at}.", inert(&answer.by)),
        (Source::Defaulted, _) => format!("Defaulted: {value}."),
        (Source::Probed, Kind::YesNo) => format!("Probed: {}, {at}.", inert(&answer.evidence)),
        (Source::Probed, _) => format!("Suggested: {value}, from {} {at}.", inert(&answer.evidence)),
    }
}

/// The prompt itself: `Press Enter for 4, or type a number >`, `Type 1 or 2 >`.
#[must_use]
pub fn prompt(question: &Question, answers: &Answers) -> String {
    let what = match &question.kind {
        Kind::Number { .. } | Kind::Integer { .. } => "a number".to_owned(),
        Kind::YesNo => "1 or 2".to_owned(),
        Kind::Choice(options) => format!("1 to {}", options.len()),
        Kind::Text => "text".to_owned(),
        Kind::Version => "a version".to_owned(),
    };
    match answers.get(&question.id) {
        Some(answer) => format!(
            "Press Enter for {}, or type {what} >",
            question.show(&answer.value)
        ),
        None => format!("Type {what} >"),
    }
}

/// Reads the line typed at the prompt. For yes or no, 1 is yes and 2 is no. `None`: Enter alone, keep what is there.
///
/// # Errors
/// [`Refusal`] when nothing is there to keep, or the line is no answer.
pub fn typed(question: &Question, answers: &Answers, line: &str) -> Result<Option<Value>, Refusal> {
    let line = line.trim();
    if line.is_empty() && answers.get(&question.id).is_some() {
        return Ok(None);
    }
    if question.kind == Kind::YesNo {
        let yes = match line {
            "1" => Some(true),
            "2" => Some(false),
            other => yes_no(other),
        };
        if let Some(yes) = yes {
            return Ok(Some(Value::YesNo(yes)));
        }
    }
    question.parse(line).map(Some)
}

/// What is said to a line that is no answer: `Not understood: maybe. Nothing was saved.` for yes or no and choices, the
/// refusal's own sentence for the rest.
#[must_use]
pub fn refused(question: &Question, line: &str, refusal: &Refusal) -> String {
    match question.kind {
        Kind::YesNo | Kind::Choice(_) if !line.trim().is_empty() => {
            format!(
                "Not understood: {}. Nothing was saved.",
                inert_short(line.trim(), 40)
            )
        }
        _ => refusal.to_string(),
    }
}

/// What `?` tells: `Explain: work no longer ends in the order it was started. …`
#[must_use]
pub fn explain(question: &Question) -> String {
    format!("Explain: {}", question.explanation)
}

/// What is said when an answer is kept: `Kept: 4. 10 of 25 points.`, or `Kept: 16.` for a question without points.
#[must_use]
pub fn kept(question: &Question, value: &Value, points: Option<(i64, i64)>) -> String {
    let shown = question.show(value);
    match points {
        Some((points, max)) => format!("Kept: {shown}. {points} of {max} points."),
        None => format!("Kept: {shown}."),
    }
}
