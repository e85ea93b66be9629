//! What to do next, ranked by the points it can add.
//!
//! To add an action, add a function that returns it with the gain it is honest to promise, and call it in `actions`.

use super::model::{Action, Dimension, DimensionId, Facts, TaskFacts, parallelization_points};
use crate::engine::assess::answers::Answers;
use crate::engine::assess::decimal::Decimal;
use crate::engine::assess::derive::{Standing, standings};
use crate::engine::assess::questionnaire::Questionnaire;
use crate::engine::capability::Capability;
use crate::engine::text::{inert_short, plural};

/// The actions for the dimensions that are not full, most points first, then in the guide's order.
pub(super) fn actions(
    questionnaire: &Questionnaire,
    answers: &Answers,
    facts: &Facts,
    dimensions: &[Dimension],
) -> Vec<Action> {
    let mut actions: Vec<Action> = Vec::new();
    for dimension in dimensions {
        let gain = dimension.max - dimension.points;
        if gain == 0 {
            continue;
        }
        if !dimension.answered {
            actions.push(answer_it(questionnaire, dimension, gain));
            continue;
        }
        match dimension.id {
            DimensionId::Parallelization => {
                let from_tasks = facts
                    .tasks
                    .as_ref()
                    .filter(|_| dimension.source == Some(crate::engine::assess::Source::Probed))
                    .map(|tasks| split_low(tasks, dimension))
                    .unwrap_or_default();
                if from_tasks.is_empty() {
                    actions.push(mend(questionnaire, dimension, gain, Some(Capability::Tasks)));
                } else {
                    actions.extend(from_tasks);
                }
            }
            DimensionId::Infrastructure => {
                actions.push(meet_requirements(questionnaire, answers, dimension, gain));
            }
            DimensionId::Team | DimensionId::Business => {
                actions.push(mend(questionnaire, dimension, gain, None));
            }
        }
    }
    // The sort is stable: equal gains stay in the guide's order.
    actions.sort_by_key(|action| std::cmp::Reverse(action.gain));
    actions
}

fn answer_it(questionnaire: &Questionnaire, dimension: &Dimension, gain: i64) -> Action {
    let text = questionnaire
        .question(&dimension.question)
        .map_or(dimension.question.as_str(), |question| question.text.as_str());
    Action {
        text: format!("Answer: {text}"),
        gain,
        dimension: dimension.id,
        step: Some(Capability::Assess),
        command: Some("maos-migrate assess".to_owned()),
    }
}

fn mend(questionnaire: &Questionnaire, dimension: &Dimension, gain: i64, step: Option<Capability>) -> Action {
    let text = questionnaire
        .question(&dimension.question)
        .map_or(dimension.question.as_str(), |question| {
            question.mitigation.as_str()
        });
    let place = step.map_or_else(String::new, |step| format!(" ({})", step.title()));
    Action {
        text: format!("{text}{place}"),
        gain,
        dimension: dimension.id,
        step,
        command: None,
    }
}

fn meet_requirements(
    questionnaire: &Questionnaire,
    answers: &Answers,
    dimension: &Dimension,
    gain: i64,
) -> Action {
    let missed: Vec<String> = standings(questionnaire, answers)
        .into_iter()
        .filter(|(_, standing)| *standing == Standing::NotMet)
        .map(|(question, _)| {
            let have = answers
                .value(&question.id)
                .map_or_else(String::new, |value| question.show(value));
            format!(
                "{} {have}, needs {}: {}",
                question.title,
                question.needs(),
                question.mitigation
            )
        })
        .collect();
    if missed.is_empty() {
        return mend(questionnaire, dimension, gain, Some(Capability::Environment));
    }
    Action {
        text: format!("Meet the requirements: {}", missed.join("; ")),
        gain,
        dimension: dimension.id,
        step: Some(Capability::Environment),
        command: None,
    }
}

/// Splitting the low tasks, all of them and the lowest two, with the gain their new mean gives. Actions that gain nothing
/// are left out: the floor eats them.
fn split_low(tasks: &TaskFacts, dimension: &Dimension) -> Vec<Action> {
    let gain_of = |raised: &[(String, u64)]| {
        let more: u64 = raised
            .iter()
            .map(|(_, score)| tasks.split_to.saturating_sub(*score))
            .sum();
        let mean = Decimal::ratio(i128::from(tasks.sum) + i128::from(more), i128::from(tasks.tasks));
        mean.map_or(0, |mean| parallelization_points(mean) - dimension.points)
    };
    let action = |text: String, gain: i64| Action {
        text: format!("{text} ({})", Capability::Tasks.title()),
        gain,
        dimension: dimension.id,
        step: Some(Capability::Tasks),
        command: Some("maos-migrate tasks score".to_owned()),
    };
    let mut lowest = tasks.low.clone();
    lowest.sort_by(|a, b| a.1.cmp(&b.1).then_with(|| a.0.cmp(&b.0)));
    let mut actions = Vec::new();
    if !lowest.is_empty() {
        let many = plural(lowest.len() as u64, "task", "tasks");
        actions.push(action(
            format!("Split the {many} scored low into parts that stand alone"),
            gain_of(&lowest),
        ));
    }
    if lowest.len() > 2 {
        lowest.truncate(2);
        let ids: Vec<String> = lowest.iter().map(|(id, _)| inert_short(id, 40)).collect();
        actions.push(action(
            format!("Write {} as lists", ids.join(" and ")),
            gain_of(&lowest),
        ));
    }
    actions.retain(|action| action.gain > 0);
    actions
}
