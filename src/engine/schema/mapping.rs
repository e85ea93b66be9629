//! The mapping as data: what every legacy value becomes, read from `assets/schema/mapping.yml` or the workspace.
//!
//! To map one more value: add a line to the file. To map one more field: add it to [`Mapping`], to [`compile`], to
//! `expect.rs` and to both adapters' `convert` module.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::engine::error::Result;
use crate::engine::ports::store::{CaseMap, Fate, Field, RawCensus, Reason};
use crate::engine::{workspace::hex, yaml};

/// The mapping that ships with the program.
pub const DEFAULT: &str = include_str!("../../../assets/schema/mapping.yml");

const QUARANTINE: &str = "quarantine";

/// What happens to rows that run in the legacy system.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Running {
    /// Wait until they have ended; the plan stays blocked while there are any.
    Drain,
    /// Copy them as queued: from now on they are MAOS's.
    Claim,
    /// Leave them behind, listed in quarantine.
    Keep,
}

impl Running {
    /// The word a person types.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Drain => "drain",
            Self::Claim => "claim",
            Self::Keep => "keep",
        }
    }
}

/// The mapping of one field.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FieldRules {
    /// Legacy value (folded) to task value.
    pub values: BTreeMap<String, String>,
    /// Any other value.
    pub otherwise: String,
    /// NULL.
    pub empty: String,
}

/// The mapping of the status.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StatusRules {
    /// Legacy value (folded) to task status.
    pub values: BTreeMap<String, String>,
    /// Values that mean: being worked on.
    pub running: Vec<String>,
    /// What a claimed row becomes.
    pub claimed: String,
    /// Any other value.
    pub otherwise: String,
    /// NULL.
    pub empty: String,
}

/// The rules for the description.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DescriptionRules {
    /// The text for NULL, or `quarantine`.
    pub empty: String,
    /// The longest description in bytes.
    pub limit_bytes: u64,
}

/// What a row without creation time gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum NullTime {
    /// None, where the target allows it.
    Keep,
    /// Set aside.
    Quarantine,
}

/// The rules for the creation time.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TimeRules {
    /// What NULL means.
    pub empty: NullTime,
}

/// The whole mapping.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mapping {
    /// Version of the file's layout: 1.
    pub version: u32,
    /// Category to type.
    pub category: FieldRules,
    /// Status to status.
    pub status: StatusRules,
    /// Priority to priority.
    pub priority: FieldRules,
    /// Description.
    pub description: DescriptionRules,
    /// Creation time.
    pub created_at: TimeRules,
}

/// Letters without case, blanks around dropped: how values are compared.
#[must_use]
pub fn fold(value: &str) -> String {
    value.trim().to_lowercase()
}

impl Mapping {
    /// Reads a mapping file; `name` is the file as the person knows it.
    ///
    /// # Errors
    /// What is wrong, with line and column.
    pub fn parse(name: &str, text: &str) -> Result<Self> {
        let mut mapping: Self = yaml::from_str(name, text)?;
        if mapping.version != 1 {
            return Err(crate::engine::Error::input(format!(
                "{name}: mapping version {} is not known, this program reads version 1",
                mapping.version
            )));
        }
        for values in [
            &mut mapping.category.values,
            &mut mapping.status.values,
            &mut mapping.priority.values,
        ] {
            *values = std::mem::take(values)
                .into_iter()
                .map(|(from, to)| (fold(&from), to))
                .collect();
        }
        for word in &mut mapping.status.running {
            *word = fold(word);
        }
        if let Some(word) = mapping
            .status
            .running
            .iter()
            .find(|word| mapping.status.values.contains_key(*word))
        {
            return Err(crate::engine::Error::input(format!(
                "{name}: status {word} stands both in values and in running"
            )));
        }
        Ok(mapping)
    }

    /// The mapping that ships with the program.
    ///
    /// # Errors
    /// A bug: the embedded file does not read.
    pub fn shipped() -> Result<Self> {
        Self::parse("assets/schema/mapping.yml", DEFAULT)
    }

    /// Digest over mapping and decision: what a run was made with.
    #[must_use]
    pub fn digest(&self, running: Option<Running>) -> String {
        let mut hasher = Sha256::new();
        hasher.update(format!("{self:?} {running:?}").as_bytes());
        hex(&hasher.finalize()[..8])
    }

    /// What a category becomes.
    #[must_use]
    pub fn category(&self, value: Option<&str>) -> Fate {
        by_rules(
            &self.category,
            value,
            Reason::UnknownCategory,
            Reason::UnknownCategory,
        )
    }

    /// What a priority becomes.
    #[must_use]
    pub fn priority(&self, value: Option<&str>) -> Fate {
        by_rules(
            &self.priority,
            value,
            Reason::NullPriority,
            Reason::UnknownPriority,
        )
    }

    /// Whether a status means that the row is being worked on.
    #[must_use]
    pub fn is_running(&self, value: &str) -> bool {
        self.status.running.contains(&fold(value))
    }

    /// What a status becomes. Undecided running rows stay behind, as [`Running::Keep`] says.
    #[must_use]
    pub fn status(&self, value: Option<&str>, running: Option<Running>) -> Fate {
        let Some(value) = value else {
            return word(&self.status.empty, Reason::NullStatus, false);
        };
        if value == super::by_row::KEPT {
            return Fate::Quarantine(Reason::LeftRunning);
        }
        if self.is_running(value) {
            return match running {
                Some(Running::Claim) => Fate::Becomes(self.status.claimed.clone(), true),
                _ => Fate::Quarantine(Reason::LeftRunning),
            };
        }
        match self.status.values.get(&fold(value)) {
            Some(to) => word(to, Reason::UnknownStatus, false),
            None => word(&self.status.otherwise, Reason::UnknownStatus, true),
        }
    }

    /// The text of an absent description; `None` quarantines.
    #[must_use]
    pub fn description_default(&self) -> Option<&str> {
        (self.description.empty != QUARANTINE).then_some(self.description.empty.as_str())
    }
}

fn word(to: &str, reason: Reason, original: bool) -> Fate {
    if to == QUARANTINE {
        Fate::Quarantine(reason)
    } else {
        Fate::Becomes(to.to_owned(), original)
    }
}

fn by_rules(rules: &FieldRules, value: Option<&str>, null: Reason, unknown: Reason) -> Fate {
    match value {
        None => word(&rules.empty, null, false),
        Some(value) => match rules.values.get(&fold(value)) {
            Some(to) => word(to, unknown, false),
            None => word(&rules.otherwise, unknown, true),
        },
    }
}

/// The mapping compiled to exact values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Compiled {
    /// Category to type.
    pub types: CaseMap,
    /// Status to status.
    pub statuses: CaseMap,
    /// Priority to priority.
    pub priorities: CaseMap,
}

/// Compiles to the exact values the census found, so that databases compare bytes and need no folding of their own.
/// Values that share the fate of every other value need no arm.
#[must_use]
pub fn compile(mapping: &Mapping, running: Option<Running>, census: &RawCensus) -> Compiled {
    let map = |field: Field, fate: &dyn Fn(Option<&str>) -> Fate, known: Vec<&str>| {
        // A value no mapping can name stands for all others.
        let otherwise = fate(Some("\u{1}"));
        let mut arms: Vec<(String, Fate)> = Vec::new();
        let found = census
            .values
            .iter()
            .filter(|count| count.field == field)
            .filter_map(|count| count.value.as_deref());
        // The plain spellings are always there, so that a row written after the census is judged alike.
        for value in found.chain(known) {
            let own = fate(Some(value));
            if own != otherwise && !arms.iter().any(|(arm, _)| arm == value) {
                arms.push((value.to_owned(), own));
            }
        }
        CaseMap {
            arms,
            null: fate(None),
            otherwise,
        }
    };
    let known = |values: &BTreeMap<String, String>| -> Vec<String> {
        values
            .keys()
            .flat_map(|key| [key.clone(), key.to_uppercase()])
            .collect()
    };
    let categories = known(&mapping.category.values);
    let mut statuses = known(&mapping.status.values);
    statuses.extend(mapping.status.running.iter().cloned());
    let priorities = known(&mapping.priority.values);
    Compiled {
        types: map(
            Field::Category,
            &|value| mapping.category(value),
            categories.iter().map(String::as_str).collect(),
        ),
        statuses: map(
            Field::Status,
            &|value| mapping.status(value, running),
            statuses.iter().map(String::as_str).collect(),
        ),
        priorities: map(
            Field::Priority,
            &|value| mapping.priority(value),
            priorities.iter().map(String::as_str).collect(),
        ),
    }
}
