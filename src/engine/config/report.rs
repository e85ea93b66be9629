//! The conversion as data: what `config convert --json` prints and what lies beside the written file. No secret in it.

use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use super::map::Map;
use super::model::{Conversion, Fate, Origin, Severity};
use super::secret;
use super::tree::{Document, Leaf};
use crate::engine::text::inert;
use crate::engine::workspace::secrets::scrub;

/// The whole report. Every legacy key stands in `mapped` or in `unmapped`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// The written file.
    pub out: String,
    /// The legacy file; absent when only defaults were written.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// The profile.
    pub profile: String,
    /// `yaml` or `json`.
    pub format: String,
    /// Legacy keys in all.
    pub keys: usize,
    /// Legacy keys whose value is written.
    pub mapped: Vec<Mapped>,
    /// MAOS keys that no legacy key sets.
    pub defaulted: Vec<Defaulted>,
    /// Legacy keys whose value is not written, each with the reason.
    pub unmapped: Vec<Unmapped>,
    /// MAOS keys whose sources differ.
    pub conflicts: Vec<ConflictEntry>,
    /// Refused values and warnings, with places.
    pub findings: Vec<FindingEntry>,
    /// The environment file; absent without secrets.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub env_file: Option<String>,
    /// The variables in it.
    pub secrets: Vec<String>,
}

/// A legacy key whose value is written.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Mapped {
    /// As written in the legacy file, groups joined with dots.
    pub key: String,
    /// Its line, from 1.
    pub line: u64,
    /// Its column, from 1.
    pub column: u64,
    /// The MAOS key.
    pub to: String,
    /// The MAOS value; a secret is `${NAME}` or left out.
    pub value: Json,
    /// What was changed beyond the spelling.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

/// A MAOS key with its default.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Defaulted {
    /// The MAOS key.
    pub to: String,
    /// The default.
    pub value: Json,
    /// What is worth knowing about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

/// A legacy key whose value is not written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unmapped {
    /// As written in the legacy file.
    pub key: String,
    /// Its line.
    pub line: u64,
    /// Its column.
    pub column: u64,
    /// Its value, secrets masked.
    pub value: String,
    /// A stable code: `unknown_key`, `no_place`, `superseded`, `wrong_type`, `out_of_range` and others.
    pub code: String,
    /// Why, as a clause.
    pub reason: String,
}

/// A MAOS key whose sources differ.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConflictEntry {
    /// The MAOS key.
    pub to: String,
    /// The choice that is written, from 1. Choice 1 takes precedence when nobody decides.
    pub taken: usize,
    /// Whether a person decided.
    pub decided: bool,
    /// The choices.
    pub choices: Vec<ChoiceEntry>,
}

/// One way to settle a conflict.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChoiceEntry {
    /// Its number, from 1.
    pub choice: usize,
    /// The legacy keys.
    pub keys: Vec<String>,
    /// Their lines.
    pub lines: Vec<u64>,
    /// The value, secrets masked.
    pub value: String,
}

/// Something worth knowing about the legacy file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FindingEntry {
    /// `refused` or `warning`.
    pub severity: Severity,
    /// A stable code.
    pub code: String,
    /// The legacy key or file.
    pub key: String,
    /// The line; 0 when it is about the file.
    pub line: u64,
    /// The column.
    pub column: u64,
    /// What it is.
    pub message: String,
}

/// The names that a report shows.
pub struct Names<'a> {
    /// The written file.
    pub out: &'a str,
    /// The legacy file.
    pub source: Option<&'a str>,
    /// The environment file.
    pub env_file: &'a str,
    /// `yaml` or `json`.
    pub format: &'a str,
}

/// Makes the report.
#[must_use]
pub fn report(document: &Document, map: &Map, conversion: &Conversion, names: &Names<'_>) -> Report {
    let mut mapped = Vec::new();
    let mut unmapped = Vec::new();
    for (leaf, fate) in document.leaves.iter().zip(&conversion.fates) {
        match fate {
            Fate::Mapped { path, note, .. } => {
                let setting = conversion.settings.iter().find(|setting| setting.path == *path);
                mapped.push(Mapped {
                    key: clean(&leaf.key),
                    line: leaf.place.line,
                    column: leaf.place.column,
                    to: path.clone(),
                    value: setting.map_or(Json::Null, |setting| setting.value.clone()),
                    note: note.clone(),
                });
            }
            Fate::Superseded { by, .. } => {
                unmapped.push(left(leaf, fate, "superseded", &format!("{} is taken", clean(by))));
            }
            Fate::Unmapped { code, why } | Fate::Refused { code, why } => {
                unmapped.push(left(leaf, fate, code, why));
            }
        }
    }
    Report {
        out: names.out.to_owned(),
        source: names.source.map(str::to_owned),
        profile: map.profile.name().to_owned(),
        format: names.format.to_owned(),
        keys: document.leaves.len(),
        mapped,
        defaulted: conversion
            .settings
            .iter()
            .filter(|setting| setting.origin == Origin::Default)
            .map(|setting| Defaulted {
                to: setting.path.clone(),
                value: setting.value.clone(),
                note: setting.note.clone(),
            })
            .collect(),
        unmapped,
        conflicts: conflicts(document, conversion),
        findings: conversion
            .findings
            .iter()
            .map(|finding| FindingEntry {
                severity: finding.severity,
                code: finding.code.to_owned(),
                key: clean(&finding.key),
                line: finding.place.line,
                column: finding.place.column,
                message: scrub(&finding.message).into_owned(),
            })
            .collect(),
        env_file: (!conversion.secrets.is_empty()).then(|| names.env_file.to_owned()),
        secrets: conversion
            .secrets
            .iter()
            .map(|secret| secret.name.clone())
            .collect(),
    }
}

fn clean(name: &str) -> String {
    inert(name)
}

fn left(leaf: &Leaf, fate: &Fate, code: &str, reason: &str) -> Unmapped {
    Unmapped {
        key: clean(&leaf.key),
        line: leaf.place.line,
        column: leaf.place.column,
        value: secret::shown(leaf, fate),
        code: code.to_owned(),
        reason: scrub(reason).into_owned(),
    }
}

fn conflicts(document: &Document, conversion: &Conversion) -> Vec<ConflictEntry> {
    let entry = |(number, choice): (usize, &super::model::Choice)| {
        let leaves = choice.sources.iter().map(|leaf| &document.leaves[*leaf]);
        ChoiceEntry {
            choice: number,
            keys: leaves.clone().map(|leaf| clean(&leaf.key)).collect(),
            lines: leaves.map(|leaf| leaf.place.line).collect(),
            value: choice.shown.clone(),
        }
    };
    conversion
        .conflicts
        .iter()
        .map(|conflict| ConflictEntry {
            to: conflict.path.clone(),
            taken: conflict.taken + 1,
            decided: conflict.decided,
            choices: (1..).zip(&conflict.choices).map(entry).collect(),
        })
        .collect()
}
