//! The plans: the upgrade, and taking a half-done one back.

use super::steps::{Upgrade, steps};
use crate::engine::capability::Capability;
use crate::engine::error::Result;
use crate::engine::evidence::Ready;
use crate::engine::item::{ItemState, Items};
use crate::engine::operation::{Effect, Plan};

/// Plans the upgrade. `target` is the name to type.
///
/// # Errors
/// The first line of the pre-check that stands in the way.
pub fn plan(upgrade: &Upgrade, ready: &Ready, target: &str) -> Result<Plan> {
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
    let effects = list
        .iter()
        .map(|step| Effect::plain(act(step.key()), step.title().to_owned()))
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

fn act(key: &str) -> &'static str {
    match key {
        "wait" => "wait",
        "install" => "install",
        "stop" => "stop",
        "start" => "start",
        "checkpoint" => "make",
        "database" => "migrate",
        _ => "prove",
    }
}

/// Plans taking back what a half-done upgrade has done.
#[must_use]
pub fn undo_plan(upgrade: &Upgrade, before: &Items, target: &str) -> Plan {
    let effects = steps(upgrade)
        .iter()
        .rev()
        .filter(|step| {
            before.get(step.key()).is_some_and(|line| {
                matches!(
                    line.state,
                    ItemState::Done | ItemState::Running | ItemState::Failed | ItemState::Unknown
                )
            })
        })
        .filter_map(|step| {
            Some(Effect::plain(
                "undo",
                format!("{}: {}", step.title(), step.way_back()?),
            ))
        })
        .collect();
    Plan {
        capability: Capability::Upgrade,
        verb: "undo".to_owned(),
        title: format!(
            "Go back to {}",
            upgrade.from.as_deref().unwrap_or("the version before")
        ),
        target: target.to_owned(),
        effects,
        undo: Some("upgrade again".to_owned()),
        needs_approval: true,
        basis: vec![format!("from {:?} to {}", upgrade.from, upgrade.to)],
        digest: String::new(),
    }
    .sealed()
}
