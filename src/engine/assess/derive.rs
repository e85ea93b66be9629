//! Answers that follow from other answers, reported like a probe's: never over a stated one.

use jiff::Timestamp;

use super::answers::{Answer, Answers, Finding, Source};
use super::decimal::Decimal;
use super::question::{Kind, Question};
use super::questionnaire::Questionnaire;
use super::value::Value;

/// The figure that `requirements` gives.
pub const REQUIREMENTS_MET: &str = "requirements_met";
/// The figure of the task scores' mean, 0 to 10.
pub const PARALLELIZATION_SCORE: &str = "parallelization_score";
/// The figure of the mean in one word.
pub const PARALLELIZATION_POTENTIAL: &str = "parallelization_potential";

/// From this mean score on the potential is high, as a task's own band.
const HIGH_FROM: i64 = 7;
/// From this mean score on the potential is medium.
const MEDIUM_FROM: i64 = 4;

/// How one question with a requirement stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// Answered and met.
    Met,
    /// Answered and not met.
    NotMet,
    /// Not answered.
    Open,
}

/// Every question with a requirement and how it stands, in order.
#[must_use]
pub fn standings<'q>(questionnaire: &'q Questionnaire, answers: &Answers) -> Vec<(&'q Question, Standing)> {
    questionnaire
        .questions
        .iter()
        .filter(|question| question.requirement.is_some())
        .map(|question| {
            let standing = match answers
                .value(&question.id)
                .and_then(|value| question.meets(value))
            {
                Some(true) => Standing::Met,
                Some(false) => Standing::NotMet,
                None => Standing::Open,
            };
            (question, standing)
        })
        .collect()
}

/// What follows from the answers now: whether all requirements are met, and the potential in one word. Findings that
/// were reported before with the same content are left out, so that reporting the result and deriving again gives
/// nothing. `at` is the time of the finding.
#[must_use]
pub fn derive(questionnaire: &Questionnaire, answers: &Answers, at: Timestamp) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut add = |figure: &str, value: Option<Value>, evidence: &str| {
        for question in questionnaire.answered_by(figure) {
            let known = |answer: Option<&Answer>| {
                answer.is_some_and(|answer| {
                    Some(&answer.value) == value.as_ref() && answer.evidence == evidence
                })
            };
            let same = match (&value, answers.get(&question.id)) {
                (None, answer) => {
                    answers.no_figure(&question.id) == Some(evidence)
                        && answer.is_none_or(|answer| answer.source != Source::Probed)
                }
                (Some(found), Some(answer)) if answer.source == Source::Stated => {
                    answer.value == *found || known(answers.offers.get(&question.id))
                }
                (Some(_), answer) => known(answer),
            };
            if !same {
                findings.push(Finding {
                    withdraws: true,
                    ..finding(question, value.clone(), evidence, at)
                });
            }
        }
    };
    let (value, evidence) = requirements(questionnaire, answers);
    add(REQUIREMENTS_MET, value, &evidence);
    let score = match answers.value(PARALLELIZATION_SCORE) {
        Some(Value::Number(score)) => Some(*score),
        _ => None,
    };
    add(
        PARALLELIZATION_POTENTIAL,
        score.map(|score| Value::Choice(potential(score).to_owned())),
        &score.map_or_else(
            || "the average score is not known".to_owned(),
            |score| format!("average score {score} of 10"),
        ),
    );
    findings
}

/// Whether every requirement is met: yes, no, or no figure while one is open and none is missed.
fn requirements(questionnaire: &Questionnaire, answers: &Answers) -> (Option<Value>, String) {
    let standings = standings(questionnaire, answers);
    let named = |standing: Standing| {
        let titles: Vec<&str> = standings
            .iter()
            .filter(|(_, at)| *at == standing)
            .map(|(question, _)| question.title.as_str())
            .collect();
        titles.join(", ")
    };
    let count = |standing: Standing| standings.iter().filter(|(_, at)| *at == standing).count();
    let (met, all) = (count(Standing::Met), standings.len());
    if count(Standing::NotMet) > 0 {
        return (
            Some(Value::YesNo(false)),
            format!("{met} of {all} met; not {}", named(Standing::NotMet)),
        );
    }
    if count(Standing::Open) > 0 {
        return (
            None,
            format!("{met} of {all} met; open: {}", named(Standing::Open)),
        );
    }
    (Some(Value::YesNo(true)), format!("{met} of {all} met"))
}

fn potential(score: Decimal) -> &'static str {
    let from = |edge: i64| Decimal::whole(edge).is_some_and(|edge| score >= edge);
    if from(HIGH_FROM) {
        "high"
    } else if from(MEDIUM_FROM) {
        "medium"
    } else {
        "low"
    }
}

/// The mean of the task scores as a probe's value: cut, not rounded, after six digits, so that the points are those of
/// the exact mean. `None` without tasks.
#[must_use]
pub fn mean_score(sum: u64, tasks: u64) -> Option<Value> {
    Decimal::ratio(i128::from(sum), i128::from(tasks)).map(Value::Number)
}

/// A finding for one question; a value that the question does not take becomes the reason why there is no figure.
#[must_use]
pub fn finding(question: &Question, value: Option<Value>, evidence: &str, at: Timestamp) -> Finding {
    let fitted = value.map(|value| fit(question, value));
    let (value, evidence) = match fitted {
        None => (None, evidence.to_owned()),
        Some(Ok(value)) => (Some(value), evidence.to_owned()),
        Some(Err(reason)) => (None, reason),
    };
    Finding {
        question: question.id.clone(),
        value,
        evidence,
        withdraws: false,
        at,
    }
}

/// Brings a probe's value to the question's kind (a whole number is a number as well) and checks its range.
fn fit(question: &Question, value: Value) -> Result<Value, String> {
    let value = match (&question.kind, value) {
        (Kind::Number { .. }, Value::Integer(n)) => match Decimal::whole(n) {
            Some(n) => Value::Number(n),
            None => Value::Integer(n),
        },
        (Kind::Integer { .. }, Value::Number(n)) if n.is_whole() => match n.scaled_floor(1, 1) {
            Some(n) => Value::Integer(n),
            None => Value::Number(n),
        },
        (Kind::Text, value) => Value::Text(question.show(&value)),
        (_, value) => value,
    };
    question
        .check(&value)
        .map_err(|refusal| format!("what was found does not fit: {}", refusal.reason))?;
    Ok(value)
}
