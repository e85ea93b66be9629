//! What the journal knows of each part: whether MAOS was asked, under which reference, what it answered. Pure.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::units::{Unit, Units};
use super::{ABOUT, CANCEL, VERB};
use crate::engine::item::{Item, ItemState, Items};
use crate::engine::snapshot::Step;

/// A person's answer about a part: the decision `submit:KEY`. It holds for the attempt it names and for no later one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    /// Give it to MAOS again, as this attempt, under a new reference.
    Again(u32),
    /// MAOS has it and it ended well: what waits for it may go on.
    Done,
}

/// How a part stands when a run begins.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Standing {
    /// MAOS was never asked, or surely does not have it.
    #[default]
    Fresh,
    /// MAOS was about to be asked under this reference; whether it has it is not known.
    Intended {
        /// Our name for it.
        reference: String,
    },
    /// MAOS has it.
    Given {
        /// MAOS's id.
        id: String,
    },
    /// It ended well.
    Done,
    /// It ended well by a person's word.
    Declared,
    /// It ended badly, or was refused.
    Failed,
    /// Nobody knows whether MAOS has it.
    Unknown {
        /// Our name for it.
        reference: String,
    },
}

/// How every part stands, in the order of the units.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ledger {
    /// How each stands.
    pub standing: Vec<Standing>,
    /// The number of the attempt that is under way or comes next, from 1.
    pub attempt: Vec<u32>,
    /// The last line told of each.
    pub ids: Vec<Option<String>>,
}

/// Figures of a line, as they are kept with it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Data {
    /// The stage, from 1.
    pub stage: usize,
    /// Our name for it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub reference: String,
    /// MAOS's id, once it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// The number of the attempt, from 1.
    pub attempt: u32,
    /// When MAOS got it, in milliseconds since 1970.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub given_ms: Option<i64>,
}

impl Data {
    /// The figures of a line; nothing when it has none.
    #[must_use]
    pub fn of(item: &Item) -> Self {
        Self::deserialize(&item.data).unwrap_or_default()
    }
}

/// The line of a part.
#[must_use]
pub fn line(unit: &Unit, state: ItemState, text: impl Into<String>, data: &Data, ms: Option<u64>) -> Item {
    Item {
        key: unit.key.clone(),
        title: unit.name(),
        group: format!("stage {}", unit.stage),
        state,
        text: text.into(),
        ms,
        data: json!(data),
    }
}

/// Our name for a part and an attempt, by which MAOS can be asked. `migration` keeps two migrations apart.
#[must_use]
pub fn reference(migration: &str, unit: &Unit, attempt: u32) -> String {
    if attempt > 1 {
        format!("{migration}/{}/again-{attempt}", unit.key)
    } else {
        format!("{migration}/{}", unit.key)
    }
}

impl Ledger {
    /// What the lines of earlier runs and the answers of people make of each part.
    #[must_use]
    pub fn of(units: &Units, items: &Items, decisions: &BTreeMap<String, Value>) -> Self {
        let mut ledger = Self::default();
        for unit in &units.list {
            let item = items.get(&unit.key);
            let data = item.map(|item| Data::of(item)).unwrap_or_default();
            let answer = decisions
                .get(&format!("{ABOUT}{}", unit.key))
                .and_then(|choice| Answer::deserialize(choice).ok());
            let mut attempt = data.attempt.max(1);
            let standing = match item.map(|item| item.state) {
                None | Some(ItemState::Waiting | ItemState::Skipped | ItemState::Undone) => Standing::Fresh,
                Some(ItemState::Done) => Standing::Done,
                Some(ItemState::Running) => match &data.id {
                    Some(id) => Standing::Given { id: id.clone() },
                    None => Standing::Intended {
                        reference: data.reference.clone(),
                    },
                },
                Some(ItemState::Failed) => Standing::Failed,
                Some(ItemState::Unknown) => Standing::Unknown {
                    reference: data.reference.clone(),
                },
            };
            let standing = match (standing, answer) {
                (Standing::Failed | Standing::Unknown { .. }, Some(Answer::Again(wanted)))
                    if wanted > attempt =>
                {
                    attempt = wanted;
                    Standing::Fresh
                }
                (Standing::Unknown { .. }, Some(Answer::Done)) => Standing::Declared,
                (standing, _) => standing,
            };
            ledger.ids.push(data.id);
            ledger.attempt.push(attempt);
            ledger.standing.push(standing);
        }
        ledger
    }

    /// How many parts stand so.
    #[must_use]
    pub fn count(&self, wanted: impl Fn(&Standing) -> bool) -> u64 {
        self.standing.iter().filter(|standing| wanted(standing)).count() as u64
    }
}

/// The decision that gives a failed or unknown part to MAOS again.
#[must_use]
pub fn again(item: &Item) -> (String, Value) {
    let next = Data::of(item).attempt.max(1) + 1;
    (format!("{ABOUT}{}", item.key), json!(Answer::Again(next)))
}

/// The lines of the submission in a step; those that were cancelled since say so.
#[must_use]
pub fn lines(step: &Step) -> Items {
    let mut lines = step.items.get(VERB).cloned().unwrap_or_default();
    for cancelled in step.items.get(CANCEL).map_or(&[][..], Items::all) {
        let same = lines.get(&cancelled.key).is_some_and(|line| {
            line.state == ItemState::Running && Data::of(line).id == Data::of(cancelled).id
        });
        if same {
            lines.set(Item::clone(cancelled));
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    fn units() -> Units {
        Units::read(
            "t",
            br#"[{"description":"x","metadata":{"legacy_id":"a"}}]"#,
            false,
        )
        .unwrap()
    }

    fn standing(state: ItemState, id: Option<&str>, answer: Option<Answer>) -> (Standing, u32) {
        let units = units();
        let data = Data {
            stage: 1,
            reference: "m/a".to_owned(),
            id: id.map(str::to_owned),
            attempt: 1,
            given_ms: None,
        };
        let mut items = Items::default();
        items.set(line(&units.list[0], state, "", &data, None));
        let decisions = answer
            .map(|answer| ("submit:a".to_owned(), json!(answer)))
            .into_iter()
            .collect();
        let ledger = Ledger::of(&units, &items, &decisions);
        (ledger.standing[0].clone(), ledger.attempt[0])
    }

    #[test]
    fn a_crash_leaves_either_an_id_or_an_intent_and_never_a_guess() {
        let reference = "m/a".to_owned();
        assert_eq!(
            standing(ItemState::Running, None, None),
            (
                Standing::Intended {
                    reference: reference.clone()
                },
                1
            )
        );
        assert_eq!(
            standing(ItemState::Running, Some("m-1"), None),
            (Standing::Given { id: "m-1".to_owned() }, 1)
        );
        assert_eq!(
            standing(ItemState::Unknown, None, None),
            (Standing::Unknown { reference }, 1)
        );
        assert_eq!(standing(ItemState::Skipped, None, None), (Standing::Fresh, 1));
    }

    #[test]
    fn an_answer_holds_for_its_own_attempt() {
        assert_eq!(
            standing(ItemState::Failed, Some("m-1"), Some(Answer::Again(2))),
            (Standing::Fresh, 2)
        );
        assert_eq!(
            standing(ItemState::Failed, Some("m-1"), Some(Answer::Again(1))),
            (Standing::Failed, 1)
        );
        assert_eq!(
            standing(ItemState::Done, Some("m-1"), Some(Answer::Again(2))),
            (Standing::Done, 1)
        );
        assert_eq!(
            standing(ItemState::Unknown, None, Some(Answer::Done)),
            (Standing::Declared, 1)
        );
        let unit = &units().list[0];
        assert_eq!(
            (reference("acme", unit, 1), reference("acme", unit, 2)),
            ("acme/a".to_owned(), "acme/a/again-2".to_owned())
        );
    }
}
