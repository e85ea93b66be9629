//! The plan of a cut over.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::steps::{Over, steps};
use crate::engine::capability::Capability;
use crate::engine::error::{Error, Result};
use crate::engine::evidence::Ready;
use crate::engine::item::{ItemState, Items};
use crate::engine::operation::{Control, Effect, Plan};
use crate::engine::schema;
use crate::engine::text::inert_short;

/// The keys of the steps, in order.
pub const KEYS: [&str; 6] = [
    "close",
    "drain",
    "catch_up",
    "both_ways",
    "start",
    "start_snapshot",
];

/// What becomes of the tasks that the legacy side runs.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// Wait for them.
    #[default]
    Drain,
    /// Stop them.
    Freeze,
}

impl Mode {
    /// Its word.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Drain => "drain",
            Self::Freeze => "freeze",
        }
    }
}

/// Plans the hand-over. Reads only. `target` is the name to type.
///
/// # Errors
/// The first line of `ready` that stands in the way, a missing command of the legacy side, or what the rows' plan refuses.
pub async fn plan(over: &Over, ready: &Ready, target: &str, control: &Control) -> Result<Plan> {
    if let Some(locked) = ready.locked() {
        return Err(locked.into());
    }
    let needed = match over.mode {
        Mode::Drain => ("drain", &over.legacy.settings.drain),
        Mode::Freeze => ("freeze", &over.legacy.settings.freeze),
    };
    for (key, argv) in [needed, ("open", &over.legacy.settings.open)] {
        if argv.is_empty() {
            return Err(Error::blocked(format!(
                "locked: no command closes and opens the legacy side: legacy.{key} is missing"
            ))
            .hint(format!("Add legacy.{key} to migration.yml, as a list of words.")));
        }
    }
    let prepared = schema::plan(&over.request, &over.stores, control).await?;
    let listed = over.legacy.running(Some(control)).await?;
    let running = match &listed {
        Some(tasks) => tasks.len() as u64,
        None => prepared.census.running,
    };
    // Nothing that can be known now is found out while nobody serves.
    let now = over.mode == Mode::Freeze && listed.is_none() && !over.asks;
    if let Some(block) = prepared
        .blocks
        .first()
        .filter(|_| now && prepared.census.running > 0)
    {
        return Err(Error::blocked(block.sentence.clone()).hint(block.hint.clone()));
    }
    let queued = prepared
        .census
        .values
        .iter()
        .filter(|row| row.column == "status" && row.becomes == "QUEUED")
        .map(|row| row.rows)
        .sum::<u64>();
    let act = match over.mode {
        Mode::Drain => Effect::counted("drain", running, "tasks that run in the legacy system"),
        Mode::Freeze => Effect::counted("end", running, "tasks that run in the legacy system"),
    };
    let mut effects = vec![Effect::plain("close", "the legacy system for new tasks"), act];
    effects.extend(one_by_one(over));
    effects.extend([
        Effect::counted(
            "check",
            prepared.census.rows,
            "rows of the legacy table, and copy what is new or changed",
        ),
        Effect::plain("start", format!("MAOS: {}", over.maos.place())),
        Effect::counted("release", queued, "queued rows, which MAOS then runs"),
        Effect::plain("take", "the first figures of the monitor"),
    ]);
    let mut basis: Vec<String> = steps(over.mode)
        .iter()
        .map(|step| format!("{} {}", step.key(), step.way_back().unwrap_or("-")))
        .collect();
    basis.push(format!("mode {}", over.mode.word()));
    Ok(Plan {
        capability: Capability::Cutover,
        verb: "apply".to_owned(),
        title: "Cut over to MAOS".to_owned(),
        target: target.to_owned(),
        effects,
        // Until MAOS runs the legacy side is opened again by itself; afterwards only a rollback leads back.
        undo: None,
        needs_approval: true,
        basis,
        digest: String::new(),
    }
    .sealed())
}

/// The rows that are decided one by one, by what they become: decisions of a person, so a part of the plan's identity.
fn one_by_one(over: &Over) -> Vec<Effect> {
    let mut by_word: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for (key, word) in &over.request.rows {
        by_word.entry(word).or_default().push(inert_short(key, 40));
    }
    by_word
        .into_iter()
        .map(|(word, keys)| {
            let what = format!("rows, if they still run: {word} ({})", keys.join(", "));
            Effect::counted("decide", keys.len() as u64, what)
        })
        .collect()
}

/// Plans opening the legacy side again while a cut over stands half-way.
#[must_use]
pub fn undo_plan(over: &Over, before: &Items, target: &str) -> Plan {
    let reached = |key: &str| {
        before.get(key).is_some_and(|line| {
            matches!(
                line.state,
                ItemState::Done | ItemState::Running | ItemState::Failed | ItemState::Unknown
            )
        })
    };
    let effects = steps(over.mode)
        .iter()
        .rev()
        .filter(|step| reached(step.key()))
        .filter_map(|step| {
            Some(Effect::plain(
                "undo",
                format!("{}: {}", step.title(), step.way_back()?),
            ))
        })
        .collect();
    Plan {
        capability: Capability::Cutover,
        verb: "undo".to_owned(),
        title: "Open the legacy system again".to_owned(),
        target: target.to_owned(),
        effects,
        undo: Some("cut over again".to_owned()),
        needs_approval: true,
        basis: Vec::new(),
        digest: String::new(),
    }
    .sealed()
}
