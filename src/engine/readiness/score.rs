//! The score itself.

use super::actions::actions;
use super::model::{
    Band, Blocker, DIMENSION_MAX, Dimension, DimensionId, Facts, Readiness, SCORE_MAX, parallelization_points,
};
use crate::engine::assess::answers::{Answers, Source};
use crate::engine::assess::derive::{Standing, standings};
use crate::engine::assess::questionnaire::Questionnaire;
use crate::engine::assess::value::Value;
use crate::engine::text::inert;

/// Scores the answers. Open questions count 0 and are listed; blockers (those in `facts` and answers below a requirement
/// that blocks) never change the number and cap the band at `address_gaps`.
#[must_use]
pub fn score(questionnaire: &Questionnaire, answers: &Answers, facts: &Facts) -> Readiness {
    let dimensions: Vec<Dimension> = DimensionId::ALL
        .iter()
        .map(|id| dimension(*id, questionnaire, answers))
        .collect();
    let score: i64 = dimensions.iter().map(|dimension| dimension.points).sum();
    let mut blockers = facts.blockers.clone();
    blockers.extend(requirement_blockers(questionnaire, answers));
    let free = Band::of(score);
    let band = if blockers.is_empty() {
        free
    } else {
        free.min(Band::AddressGaps)
    };
    let unanswered: Vec<String> = dimensions
        .iter()
        .filter(|dimension| !dimension.answered)
        .map(|dimension| dimension.question.clone())
        .collect();
    let answered = i64::try_from(dimensions.len() - unanswered.len()).unwrap_or(0);
    let terms: Vec<String> = dimensions
        .iter()
        .map(|dimension| dimension.points.to_string())
        .collect();
    let first = dimensions
        .first()
        .filter(|dimension| dimension.answered)
        .map_or_else(String::new, |dimension| format!("{}; ", dimension.arithmetic));
    Readiness {
        score,
        max: SCORE_MAX,
        band,
        recommendation: band.recommendation().to_owned(),
        arithmetic: format!("{first}{} = {score}", terms.join(" + ")),
        confidence: answered * 25,
        actions: actions(questionnaire, answers, facts, &dimensions),
        band_without_blockers: free,
        blockers,
        dimensions,
        unanswered,
    }
}

/// The points one answer gives; `None` when the value is not one of this dimension.
#[must_use]
pub fn points(id: DimensionId, value: &Value) -> Option<i64> {
    match (id, value) {
        (DimensionId::Parallelization, Value::Number(score)) => Some(parallelization_points(*score)),
        (DimensionId::Parallelization, _) => None,
        (_, Value::YesNo(yes)) => Some(if *yes { DIMENSION_MAX } else { 0 }),
        _ => None,
    }
}

fn dimension(id: DimensionId, questionnaire: &Questionnaire, answers: &Answers) -> Dimension {
    let question = questionnaire.question(id.question());
    let answer = answers.get(id.question());
    let scored = answer.and_then(|answer| points(id, &answer.value).map(|points| (answer, points)));
    let Some((answer, points)) = scored else {
        return Dimension {
            id,
            points: 0,
            max: DIMENSION_MAX,
            question: id.question().to_owned(),
            answered: false,
            answer: None,
            source: None,
            evidence: "not answered".to_owned(),
            at: None,
            arithmetic: "not answered = 0".to_owned(),
        };
    };
    let shown = question.map_or_else(String::new, |question| question.show(&answer.value));
    let arithmetic = match &answer.value {
        Value::Number(score) => {
            let exact = score.scaled(DIMENSION_MAX, 10);
            match exact {
                Some(exact) if !exact.is_whole() => {
                    format!("{score} x {DIMENSION_MAX} / 10 = {exact}, cut to {points}")
                }
                _ => format!("{score} x {DIMENSION_MAX} / 10 = {points}"),
            }
        }
        _ => format!("{shown} = {points}"),
    };
    Dimension {
        id,
        points,
        max: DIMENSION_MAX,
        question: id.question().to_owned(),
        answered: true,
        answer: Some(shown),
        source: Some(answer.source),
        evidence: match answer.source {
            Source::Stated => inert(&answer.by),
            Source::Probed | Source::Defaulted => inert(&answer.evidence),
        },
        at: Some(answer.at),
        arithmetic,
    }
}

/// The blockers that follow from answers below a requirement that blocks.
#[must_use]
pub fn requirement_blockers(questionnaire: &Questionnaire, answers: &Answers) -> Vec<Blocker> {
    standings(questionnaire, answers)
        .into_iter()
        .filter(|(question, standing)| {
            *standing == Standing::NotMet
                && question
                    .requirement
                    .as_ref()
                    .is_some_and(|requirement| requirement.blocks)
        })
        .map(|(question, _)| {
            let have = answers
                .value(&question.id)
                .map_or_else(String::new, |value| question.show(value));
            Blocker {
                id: question.id.clone(),
                text: format!("{} {have}, needs {}", question.title, question.needs()),
                mitigation: question.mitigation.clone(),
                locks: None,
            }
        })
        .collect()
}
