//! The plans: the upgrade, and taking a half-done one back.

use super::steps::{DATABASE, NOTHING_MIGRATED, Upgrade, only_rolled_back, only_the_backup, steps};
use crate::engine::capability::Capability;
use crate::engine::error::Result;
use crate::engine::evidence::Ready;
use crate::engine::item::{ItemState, Items};
use crate::engine::operation::{Effect, Plan};
use crate::engine::steps::Step;

/// Plans the upgrade, or what is left of one that stands half-way with the lines `begun`. `target` is the name to type.
///
/// # Errors
/// The first line of the pre-check that stands in the way.
pub fn plan(upgrade: &Upgrade, ready: &Ready, begun: Option<&Items>, target: &str) -> Result<Plan> {
    if let Some(locked) = ready.locked() {
        let hint = ready
            .lines
            .iter()
            .find(|line| line.standing == crate::engine::evidence::Standing::No)
            .and_then(|line| line.hint.clone());
        let error: crate::engine::error::Error = locked.into();
        return Err(match hint {
            Some(hint) => error.hint(hint),
            None => error,
        });
    }
    let list = steps(upgrade);
    // What is behind a run is not done again.
    let over = |key: &str| {
        let line = begun.and_then(|lines| lines.get(key));
        line.is_some_and(|line| matches!(line.state, ItemState::Done | ItemState::Skipped))
    };
    let effects = list
        .iter()
        .filter(|step| !over(step.key()))
        .map(|step| effect(upgrade, step))
        .collect();
    let basis = list
        .iter()
        .map(|step| format!("{} {}", step.key(), step.way_back().unwrap_or("-")))
        .chain([format!("from {:?} to {}", upgrade.from, upgrade.to)])
        .collect();
    // A database migration is taken back only by restoring the backup.
    let undo = (!upgrade
        .abilities
        .has(crate::engine::ports::maos::Ability::DbMigrate))
    .then(|| {
        format!(
            "install {} again",
            upgrade.from.as_deref().unwrap_or("the version before")
        )
    });
    Ok(Plan {
        capability: Capability::Upgrade,
        verb: "apply".to_owned(),
        title: format!("Upgrade to {}", upgrade.to),
        target: target.to_owned(),
        effects,
        undo,
        needs_approval: true,
        basis,
        digest: String::new(),
    }
    .sealed())
}

/// What a step will do; of one that will do nothing, why.
fn effect(upgrade: &Upgrade, step: &Step<Upgrade>) -> Effect {
    if let Some(why) = upgrade.leaves_out(step.key()) {
        return Effect::plain("skip", format!("{}: {why}", step.title()));
    }
    match step.key() {
        "wait" => Effect::plain("wait", "for running tasks"),
        "checkpoint" => Effect::plain("make", "a checkpoint"),
        "stop" => Effect::plain("stop", "MAOS"),
        "install" => Effect::plain("install", upgrade.to.clone()),
        "database" => Effect::plain("migrate", "the database"),
        "configuration" => Effect::plain("check", "the configuration, which stays as it is"),
        "start" => Effect::plain("start", "MAOS"),
        "ready" => Effect::plain("wait", format!("until MAOS is {}", step.title())),
        "validation" => Effect::plain("prove", "that it is as it should be"),
        _ => Effect::plain("do", step.title().to_owned()),
    }
}

/// Plans taking back what a half-done upgrade has done.
///
/// # Errors
/// The database was migrated: its steps alone do not lead back, so none of them is begun.
pub fn undo_plan(upgrade: &Upgrade, before: &Items, target: &str) -> Result<Plan> {
    if only_rolled_back(before) {
        return Err(only_the_backup());
    }
    let reached = |key: &str| {
        before.get(key).is_some_and(|line| {
            matches!(
                line.state,
                ItemState::Done | ItemState::Running | ItemState::Failed | ItemState::Unknown
            )
        })
    };
    let effects = steps(upgrade)
        .iter()
        .rev()
        .filter(|step| reached(step.key()))
        .filter_map(|step| {
            let back = match step.key() {
                // Only a migration that did nothing comes so far.
                DATABASE => NOTHING_MIGRATED,
                _ => step.way_back()?,
            };
            Some(Effect::plain("undo", format!("{}: {back}", step.title())))
        })
        .collect();
    Ok(Plan {
        capability: Capability::Upgrade,
        verb: "undo".to_owned(),
        title: upgrade.from.as_ref().map_or_else(
            || "Take the upgrade back".to_owned(),
            |from| format!("Go back to {from}"),
        ),
        target: target.to_owned(),
        effects,
        undo: Some("upgrade again".to_owned()),
        needs_approval: true,
        basis: vec![format!("from {:?} to {}", upgrade.from, upgrade.to)],
        digest: String::new(),
    }
    .sealed())
}
