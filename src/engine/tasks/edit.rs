//! A plan changed by hand: add, drop, split and join subtasks, change their dependencies. A cycle is refused on the spot.
//!
//! The coordinator is not edited: after each change there is one exactly when two or more subtasks end loose.

use super::decompose::{Decomposition, Subtask, coordinator, finish};
use super::grammar::expand::rule;
use super::rules::Rules;
use super::stages::{Graph, StagePlan, knots};
use super::types;

/// Why an edit is refused, worded for the status line.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EditError {
    /// The dependencies would go round.
    #[error("Not allowed: {0}.")]
    Cycle(String),
    /// There is no such subtask.
    #[error("There is no subtask {0}.")]
    Unknown(usize),
    /// A text without a letter or a digit.
    #[error("A subtask needs a description.")]
    Empty,
    /// A plan keeps one subtask at least.
    #[error("A plan keeps at least one subtask.")]
    Last,
    /// Joining or splitting needs two.
    #[error("That needs at least two.")]
    TooFew,
    /// The coordinator follows from the others.
    #[error("The coordination subtask follows from the others. Change those.")]
    Coordinator,
}

/// The result of an edit.
pub type Edited = Result<Decomposition, EditError>;

/// The work subtasks of a plan, the coordinator left out, and its own name.
fn open(plan: &Decomposition) -> (Vec<Subtask>, Option<String>) {
    let name = plan
        .subtasks
        .iter()
        .find(|subtask| subtask.rule == rule::COORDINATION)
        .map(|subtask| subtask.description.clone());
    (
        plan.subtasks
            .iter()
            .filter(|subtask| subtask.rule != rule::COORDINATION)
            .cloned()
            .collect(),
        name,
    )
}

fn check(subtasks: &[Subtask], id: usize, plan: &Decomposition) -> Result<usize, EditError> {
    if plan
        .subtasks
        .get(id)
        .is_some_and(|subtask| subtask.rule == rule::COORDINATION)
    {
        return Err(EditError::Coordinator);
    }
    if id < subtasks.len() {
        Ok(id)
    } else {
        Err(EditError::Unknown(id))
    }
}

fn text(description: &str) -> Result<String, EditError> {
    let description = description.split_whitespace().collect::<Vec<_>>().join(" ");
    if description.chars().any(char::is_alphanumeric) {
        Ok(description)
    } else {
        Err(EditError::Empty)
    }
}

/// Closes an edit: ids anew, no cycle, a coordinator where one is needed.
fn close(plan: &Decomposition, mut subtasks: Vec<Subtask>, name: Option<&str>, rules: &Rules) -> Edited {
    for (id, subtask) in subtasks.iter_mut().enumerate() {
        subtask.id = id;
        subtask.dependencies.sort_unstable();
        subtask.dependencies.dedup();
    }
    let lists: Vec<Vec<usize>> = subtasks
        .iter()
        .map(|subtask| subtask.dependencies.clone())
        .collect();
    let graph = Graph::from_lists(&lists);
    let stages = StagePlan::of(&graph);
    if let Some(knot) = knots(&graph, &stages.stuck).first() {
        let names: Vec<String> = knot
            .cycle
            .iter()
            .map(|i| subtasks[*i as usize].description.clone())
            .collect();
        return Err(EditError::Cycle(super::stages::file::sentence(
            &names,
            names.len(),
        )));
    }
    let count = |text: &str| text.starts_with("Gather the ");
    let kept = name.filter(|name| !count(name));
    if let Some(coordinator) = coordinator(&subtasks, kept) {
        subtasks.push(coordinator);
    }
    Ok(finish(plan.id.clone(), plan.original.clone(), subtasks, rules))
}

fn by_hand(description: String, dependencies: Vec<usize>, rules: &Rules) -> Subtask {
    Subtask {
        id: 0,
        kind: types::of_subtask(&description, rules),
        description,
        dependencies,
        rule: rule::BY_HAND.to_owned(),
    }
}

/// Adds a subtask behind the others.
///
/// # Errors
/// [`EditError::Empty`], [`EditError::Unknown`].
pub fn add(plan: &Decomposition, description: &str, dependencies: &[usize], rules: &Rules) -> Edited {
    let (mut subtasks, name) = open(plan);
    for &dependency in dependencies {
        check(&subtasks, dependency, plan)?;
    }
    subtasks.push(by_hand(text(description)?, dependencies.to_vec(), rules));
    close(plan, subtasks, name.as_deref(), rules)
}

/// Gives a subtask another description.
///
/// # Errors
/// [`EditError::Empty`], [`EditError::Unknown`], [`EditError::Coordinator`].
pub fn rename(plan: &Decomposition, id: usize, description: &str, rules: &Rules) -> Edited {
    let (mut subtasks, name) = open(plan);
    let id = check(&subtasks, id, plan)?;
    let dependencies = subtasks[id].dependencies.clone();
    subtasks[id] = by_hand(text(description)?, dependencies, rules);
    close(plan, subtasks, name.as_deref(), rules)
}

/// Drops a subtask; what waited for it waits for what it waited for.
///
/// # Errors
/// [`EditError::Last`], [`EditError::Unknown`], [`EditError::Coordinator`].
pub fn drop_one(plan: &Decomposition, id: usize, rules: &Rules) -> Edited {
    let (mut subtasks, name) = open(plan);
    let id = check(&subtasks, id, plan)?;
    if subtasks.len() == 1 {
        return Err(EditError::Last);
    }
    let gone = subtasks.remove(id);
    for subtask in &mut subtasks {
        if subtask.dependencies.contains(&id) {
            subtask.dependencies.extend(&gone.dependencies);
        }
        subtask.dependencies.retain(|dependency| *dependency != id);
        for dependency in &mut subtask.dependencies {
            *dependency -= usize::from(*dependency > id);
        }
    }
    close(plan, subtasks, name.as_deref(), rules)
}

/// Splits a subtask into several that stand side by side; what waited for it waits for all of them.
///
/// # Errors
/// [`EditError::TooFew`], [`EditError::Empty`], [`EditError::Unknown`], [`EditError::Coordinator`].
pub fn split(plan: &Decomposition, id: usize, descriptions: &[String], rules: &Rules) -> Edited {
    let (mut subtasks, name) = open(plan);
    let id = check(&subtasks, id, plan)?;
    if descriptions.len() < 2 {
        return Err(EditError::TooFew);
    }
    let dependencies = subtasks[id].dependencies.clone();
    let mut parts = Vec::new();
    for description in descriptions {
        parts.push(by_hand(text(description)?, dependencies.clone(), rules));
    }
    let more = parts.len() - 1;
    let moved = |dependency: usize| {
        if dependency > id {
            dependency + more
        } else {
            dependency
        }
    };
    for subtask in subtasks.iter_mut().chain(&mut parts) {
        subtask.dependencies = subtask
            .dependencies
            .iter()
            .flat_map(|&dependency| {
                if dependency == id {
                    (id..=id + more).collect()
                } else {
                    vec![moved(dependency)]
                }
            })
            .collect();
    }
    subtasks.splice(id..=id, parts);
    close(plan, subtasks, name.as_deref(), rules)
}

/// The parts a subtask would fall into by the grammar, as a first proposal for [`split`]; one entry when it is single.
#[must_use]
pub fn proposal(description: &str, rules: &Rules) -> Vec<String> {
    super::grammar::parse(description, &rules.lexicon)
        .parts
        .into_iter()
        .map(|part| part.text)
        .collect()
}

/// Joins subtasks into one at the place of the first; it waits for all they waited for.
///
/// # Errors
/// [`EditError::TooFew`], [`EditError::Unknown`], [`EditError::Coordinator`], [`EditError::Cycle`] when one stands between them.
pub fn join(plan: &Decomposition, ids: &[usize], rules: &Rules) -> Edited {
    let (subtasks, name) = open(plan);
    let mut ids = ids.to_vec();
    ids.sort_unstable();
    ids.dedup();
    for &id in &ids {
        check(&subtasks, id, plan)?;
    }
    let Some((&first, others)) = ids.split_first().filter(|(_, others)| !others.is_empty()) else {
        return Err(EditError::TooFew);
    };
    let description = ids
        .iter()
        .map(|id| subtasks[*id].description.as_str())
        .collect::<Vec<_>>()
        .join("; ");
    let place = |id: usize| {
        if ids.contains(&id) {
            first
        } else {
            id - others.iter().filter(|other| **other < id).count()
        }
    };
    let mut dependencies: Vec<usize> = ids
        .iter()
        .flat_map(|id| subtasks[*id].dependencies.iter().copied())
        .filter(|id| !ids.contains(id))
        .collect();
    let mut out = Vec::new();
    for (id, subtask) in subtasks.into_iter().enumerate() {
        if id == first {
            dependencies = dependencies.iter().map(|id| place(*id)).collect();
            out.push(by_hand(description.clone(), dependencies.clone(), rules));
        } else if !ids.contains(&id) {
            let dependencies = subtask.dependencies.iter().map(|id| place(*id)).collect();
            out.push(Subtask {
                dependencies,
                ..subtask
            });
        }
    }
    close(plan, out, name.as_deref(), rules)
}

/// Sets what a subtask waits for.
///
/// # Errors
/// [`EditError::Cycle`] with the sentence, [`EditError::Unknown`], [`EditError::Coordinator`].
pub fn set_dependencies(plan: &Decomposition, id: usize, dependencies: &[usize], rules: &Rules) -> Edited {
    let (mut subtasks, name) = open(plan);
    let id = check(&subtasks, id, plan)?;
    for &dependency in dependencies {
        check(&subtasks, dependency, plan)?;
    }
    subtasks[id].dependencies = dependencies.to_vec();
    close(plan, subtasks, name.as_deref(), rules)
}
