//! Both configurations line by line, as the wizard shows them. Secrets are masked, text from outside is inert.

use std::fmt::Write as _;

use serde_json::Value as Json;

use super::emit::ENV_FILE;
use super::map::{Map, Profile};
use super::model::{Conflict, Conversion, Fate, Finding, Origin, Setting, Severity};
use super::secret;
use super::tree::{Document, Place};
use crate::engine::text::{inert, plural};
use crate::engine::workspace::secrets::scrub;

/// What the mark between both sides says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mark {
    /// `=`: the same value under another name.
    Same,
    /// `~`: changed.
    Changed,
    /// `+`: a default.
    Default,
    /// `?`: not written, kept in the report.
    Unmapped,
    /// `!`: needs a decision.
    Decide,
}

impl Mark {
    /// The character.
    #[must_use]
    pub const fn glyph(self) -> char {
        match self {
            Self::Same => '=',
            Self::Changed => '~',
            Self::Default => '+',
            Self::Unmapped => '?',
            Self::Decide => '!',
        }
    }

    /// The word beside it.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Same => "same",
            Self::Changed => "changed",
            Self::Default => "default",
            Self::Unmapped => "unmapped",
            Self::Decide => "decide",
        }
    }
}

/// One line: a legacy key, a MAOS key, or both.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// How the sides compare.
    pub mark: Mark,
    /// `key: value` of the legacy file; empty for a default.
    pub legacy: String,
    /// Where the legacy key stands; line 0 for a default.
    pub place: Place,
    /// What stands opposite it.
    pub maos: String,
    /// The MAOS key, when there is one.
    pub path: Option<String>,
    /// The name under which [`super::model::Decisions::edits`] takes a new value: the MAOS key, or the secret's variable.
    pub edit: Option<String>,
    /// The MAOS value as the edit starts; never a secret.
    pub current: Option<String>,
    /// Whether the value is a secret: nothing is shown while it is typed.
    pub secret: bool,
    /// A sentence for the detail area.
    pub note: Option<String>,
}

/// A conflict as the detail area shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConflictView {
    /// The MAOS key.
    pub path: String,
    /// The row of its first legacy key.
    pub row: usize,
    /// Whether a person decided.
    pub decided: bool,
    /// What is written, counted from 1.
    pub taken: usize,
    /// The lines of all sources, in order.
    pub lines: Vec<u64>,
    /// The choices: sources and value.
    pub choices: Vec<(String, String)>,
}

/// Both configurations.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct View {
    /// The legacy file's name; empty when there is none.
    pub source: String,
    /// The MAOS file's name.
    pub out: String,
    /// The profile.
    pub profile: Profile,
    /// The lines, legacy keys in file order, then defaults.
    pub rows: Vec<Row>,
    /// The conflicts in the order of their first lines.
    pub conflicts: Vec<ConflictView>,
    /// Findings: severity, place, sentence.
    pub findings: Vec<(Severity, Place, String)>,
    /// Legacy keys in all.
    pub keys: usize,
    /// Legacy keys that are written and not in an open conflict.
    pub mapped: usize,
    /// Legacy keys that are not written.
    pub unmapped: usize,
    /// Legacy keys in open conflicts.
    pub in_conflict: usize,
}

impl View {
    /// The sides for the screen. `source` and `out` are the names as shown.
    #[must_use]
    pub fn new(document: &Document, map: &Map, conversion: &Conversion, source: &str, out: &str) -> Self {
        let mut rows: Vec<Row> = (0..document.leaves.len())
            .map(|leaf| legacy_row(document, conversion, map, leaf))
            .collect();
        let mut conflicts: Vec<ConflictView> = conversion
            .conflicts
            .iter()
            .map(|conflict| conflict_view(document, conflict))
            .collect();
        conflicts.sort_by_key(|conflict| conflict.row);
        let count = |wanted: &dyn Fn(&Row) -> bool| rows.iter().filter(|row| wanted(row)).count();
        let (in_conflict, unmapped) = (
            count(&|row| row.mark == Mark::Decide),
            count(&|row| row.mark == Mark::Unmapped),
        );
        let keys = rows.len();
        let follows = conversion
            .settings
            .iter()
            .filter(|setting| setting.sources.is_empty() || setting.origin == Origin::Follows);
        rows.extend(follows.map(added_row));
        Self {
            source: inert(source),
            out: inert(out),
            profile: map.profile,
            conflicts,
            findings: conversion.findings.iter().map(shown_finding).collect(),
            keys,
            mapped: keys - in_conflict - unmapped,
            unmapped,
            in_conflict,
            rows,
        }
    }

    /// `14 keys: 10 mapped · 1 unmapped · 3 in conflict`.
    #[must_use]
    pub fn headline(&self) -> String {
        let mut text = format!(
            "{}: {} mapped",
            plural(self.keys as u64, "key", "keys"),
            self.mapped
        );
        if self.unmapped > 0 {
            // Writing to a String cannot fail.
            let _ = write!(text, " · {} unmapped", self.unmapped);
        }
        if self.in_conflict > 0 {
            let _ = write!(text, " · {} in conflict", self.in_conflict);
        }
        text
    }

    /// The conflicts that nobody decided yet.
    pub fn open(&self) -> impl Iterator<Item = &ConflictView> {
        self.conflicts.iter().filter(|conflict| !conflict.decided)
    }
}

fn shown_finding(finding: &Finding) -> (Severity, Place, String) {
    let text = format!("{}: {}", inert(&finding.key), scrub(&finding.message));
    (finding.severity, finding.place, text)
}

/// A MAOS value on one line.
fn plain(value: &Json) -> String {
    let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    inert(&scrub(&text))
}

fn added_row(setting: &Setting) -> Row {
    let value = plain(&setting.value);
    let edited = setting.origin == Origin::Edited;
    Row {
        mark: if edited { Mark::Changed } else { Mark::Default },
        legacy: String::new(),
        place: Place::default(),
        maos: format!("{}: {value}", setting.path),
        edit: (setting.origin != Origin::Follows).then(|| setting.path.clone()),
        path: Some(setting.path.clone()),
        current: Some(value),
        secret: false,
        note: setting.note.clone(),
    }
}

fn legacy_row(document: &Document, conversion: &Conversion, map: &Map, index: usize) -> Row {
    let leaf = &document.leaves[index];
    let shown = inert(&secret::shown(leaf, &conversion.fates[index]));
    let mut row = Row {
        mark: Mark::Unmapped,
        legacy: format!("{}: {shown}", inert(&leaf.key)),
        place: leaf.place,
        maos: "unmapped, kept in the report".to_owned(),
        path: None,
        edit: None,
        current: None,
        secret: false,
        note: None,
    };
    let open = conversion.conflicts.iter().find_map(|conflict| {
        let choice = conflict
            .choices
            .iter()
            .position(|choice| choice.sources.contains(&index))?;
        (!conflict.decided).then_some((conflict, choice))
    });
    if let Some((conflict, choice)) = open {
        row.mark = Mark::Decide;
        row.path = Some(conflict.path.clone());
        row.edit = Some(conflict.path.clone());
        row.maos = undecided(document, conflict, choice, index);
        return row;
    }
    match &conversion.fates[index] {
        Fate::Mapped { path, secret, note } => {
            let setting = conversion.settings.iter().find(|setting| setting.path == *path);
            let secret = secret.as_deref().map(|name| (name, map.expands));
            mapped_row(&mut row, document, setting, index, secret);
            row.note.clone_from(note);
        }
        Fate::Superseded { by, path } => {
            row.maos = format!("not taken: {} is", inert(by));
            row.path = Some(path.clone());
        }
        Fate::Refused { why, .. } => row.maos = format!("refused: {}", inert(&scrub(why))),
        Fate::Unmapped { why, .. } => row.note = Some(why.clone()),
    }
    row
}

fn mapped_row(
    row: &mut Row,
    document: &Document,
    setting: Option<&Setting>,
    index: usize,
    secret: Option<(&str, bool)>,
) {
    let Some(setting) = setting else { return };
    row.path = Some(setting.path.clone());
    row.mark = Mark::Changed;
    let first = setting.sources.first() == Some(&index);
    if let Some((name, expands)) = secret {
        row.secret = true;
        row.edit = Some(name.to_owned());
        let named = if expands {
            format!("${{{name}}}")
        } else {
            name.to_owned()
        };
        row.maos = format!("{named}, in {ENV_FILE} 0600");
        if !first {
            return;
        }
    }
    if first {
        let value = plain(&setting.value);
        if value == document.leaves[index].value.text() {
            row.mark = Mark::Same;
        }
        row.maos = format!("{}: {value}", setting.path);
        if !row.secret {
            row.edit = Some(setting.path.clone());
            row.current = Some(value);
        }
    } else if !row.secret {
        let lead = setting
            .sources
            .first()
            .map_or("", |lead| document.leaves[*lead].key.as_str());
        row.mark = Mark::Same;
        row.maos = format!("  goes with {}", inert(lead));
    }
}

fn undecided(document: &Document, conflict: &Conflict, choice: usize, index: usize) -> String {
    let sources = &conflict.choices[choice].sources;
    let lead = |sources: &[usize]| {
        let first = sources
            .first()
            .map_or("", |leaf| document.leaves[*leaf].key.as_str());
        inert(first)
    };
    let earliest = conflict.choices.iter().flat_map(|choice| &choice.sources).min();
    if earliest == Some(&index) {
        let numbers: Vec<String> = (1..=conflict.choices.len()).map(|n| n.to_string()).collect();
        return format!("{}: decide, {}", conflict.path, numbers.join(" or "));
    }
    if sources.first() != Some(&index) {
        return format!("  goes with {}", lead(sources));
    }
    // The first source of its choice differs from the other choice's first.
    let other = conflict.choices.iter().enumerate().find(|(i, _)| *i != choice);
    format!(
        "  differs from {}",
        other.map_or(String::new(), |(_, other)| lead(&other.sources))
    )
}

fn conflict_view(document: &Document, conflict: &Conflict) -> ConflictView {
    let sources = || conflict.choices.iter().flat_map(|choice| &choice.sources);
    let mut lines: Vec<u64> = sources().map(|leaf| document.leaves[*leaf].place.line).collect();
    lines.sort_unstable();
    lines.dedup();
    ConflictView {
        path: conflict.path.clone(),
        row: sources().min().copied().unwrap_or_default(),
        decided: conflict.decided,
        taken: conflict.taken + 1,
        lines,
        choices: conflict
            .choices
            .iter()
            .map(|choice| (inert(&choice.label), inert(&choice.shown)))
            .collect(),
    }
}
