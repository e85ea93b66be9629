//! What a conversion takes and what it gives: decisions, fates, settings, conflicts, findings, secrets.

use std::collections::BTreeMap;
use std::fmt;

use secrecy::{ExposeSecret as _, SecretString};
use serde_json::Value as Json;

use super::tree::Place;

/// What people and the environment add to the file.
#[derive(Clone, Default)]
pub struct Decisions {
    /// For each conflict, named by its MAOS key, the choice counted from 1.
    pub choices: BTreeMap<String, usize>,
    /// New values by MAOS key, or by the name of a secret's variable.
    pub edits: BTreeMap<String, SecretString>,
    /// The variables that `${NAME}` in the legacy file can refer to.
    pub environment: BTreeMap<String, SecretString>,
}

impl Decisions {
    pub(super) fn lookup(&self, name: &str) -> Option<String> {
        self.environment
            .get(name)
            .map(|value| value.expose_secret().to_owned())
    }
}

impl fmt::Debug for Decisions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Decisions")
            .field("choices", &self.choices)
            .field("edits", &self.edits.keys().collect::<Vec<_>>())
            .finish_non_exhaustive()
    }
}

/// What became of one legacy key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fate {
    /// Its value stands in the MAOS configuration.
    Mapped {
        /// The MAOS key.
        path: String,
        /// The secret's variable, when this key is the secret.
        secret: Option<String>,
        /// What was changed beyond the spelling.
        note: Option<String>,
    },
    /// Another source of the same MAOS key was taken.
    Superseded {
        /// The MAOS key.
        path: String,
        /// The source that was taken.
        by: String,
    },
    /// MAOS has no place for it.
    Unmapped {
        /// `unknown_key`, `no_place`, `empty`, `version`.
        code: &'static str,
        /// Why, as a clause.
        why: String,
    },
    /// Its value cannot be used.
    Refused {
        /// The trouble's code.
        code: &'static str,
        /// Why, as a clause.
        why: String,
    },
}

/// Where the value of a MAOS key comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// From legacy keys.
    Legacy,
    /// From the map: no legacy key sets it.
    Default,
    /// From the person.
    Edited,
    /// Follows another key.
    Follows,
}

/// One MAOS key that is written.
#[derive(Debug, Clone, PartialEq)]
pub struct Setting {
    /// The MAOS key.
    pub path: String,
    /// Its value, without any secret.
    pub value: Json,
    /// Where it comes from.
    pub origin: Origin,
    /// The legacy keys it was made of, as indices.
    pub sources: Vec<usize>,
    /// What was changed, or what is worth knowing about a default.
    pub note: Option<String>,
}

/// One way to settle a conflict.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Choice {
    /// The sources: `redis_host + redis_port`.
    pub label: String,
    /// The legacy keys, as indices.
    pub sources: Vec<usize>,
    /// The value for people, secrets masked.
    pub shown: String,
}

/// A MAOS key whose sources differ.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Conflict {
    /// The MAOS key.
    pub path: String,
    /// The choices; the first takes precedence.
    pub choices: Vec<Choice>,
    /// The choice that is written, counted from 0.
    pub taken: usize,
    /// Whether a person made the choice.
    pub decided: bool,
}

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// The value is not written.
    Refused,
    /// It is written, and worth a look.
    Warning,
}

/// Something about the legacy file that a person should know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// How bad it is.
    pub severity: Severity,
    /// A stable code in `snake_case`.
    pub code: &'static str,
    /// The legacy key, or the file's name.
    pub key: String,
    /// Where it stands.
    pub place: Place,
    /// What it is, as a sentence.
    pub message: String,
}

/// A secret for the environment file.
#[derive(Clone)]
pub struct Secret {
    /// The variable.
    pub name: String,
    /// Its value as the file holds it.
    pub value: SecretString,
    /// The secret itself, where `value` is an encoding or an address around it.
    pub raw: SecretString,
    /// What it is for.
    pub comment: String,
}

/// The result of a conversion.
#[derive(Clone)]
pub struct Conversion {
    /// One fate for each leaf of the document, in its order.
    pub fates: Vec<Fate>,
    /// The MAOS keys in the order of the map.
    pub settings: Vec<Setting>,
    /// Sources that differ.
    pub conflicts: Vec<Conflict>,
    /// What a person should know.
    pub findings: Vec<Finding>,
    /// What goes into the environment file.
    pub secrets: Vec<Secret>,
}
