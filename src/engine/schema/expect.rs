//! The conversion a second time, in Rust: what the target must hold for a source row, found without the SQL that wrote it.
//!
//! The proof compares the hash of this with the hash of what the target holds. Only what a database alone can judge (bytes that are not
//! UTF-8, invalid JSON, duplicate keys) is taken from the source's own word.

use std::borrow::Cow;
use std::collections::HashMap;

use super::canon;
use super::hash::{self, RowHash};
use super::key;
use super::mapping::{Mapping, Running};
use crate::engine::ports::store::{Dialect, Fate, Key, RawRow, Reason, Recipe, TaskRow};

/// Distinct values remembered for each field.
const CACHE: usize = 4_096;

/// What a source row must have become.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Expected {
    /// A task with this hash, status and type.
    Task {
        /// Its id.
        id: String,
        /// Its hash.
        hash: RowHash,
        /// Its status.
        status: String,
        /// Its type.
        task_type: String,
    },
    /// A row in quarantine.
    Aside(Reason),
    /// The key cannot be read; a broken promise of the adapter.
    NoKey,
}

/// Judges source rows and target rows alike.
pub struct Judge<'a> {
    mapping: &'a Mapping,
    running: Option<Running>,
    recipe: &'a Recipe,
    source: Dialect,
    exact: bool,
    caches: [HashMap<String, Fate>; 3],
}

impl<'a> Judge<'a> {
    /// A judge for one run.
    #[must_use]
    pub fn new(
        mapping: &'a Mapping,
        running: Option<Running>,
        recipe: &'a Recipe,
        source: Dialect,
        target: Dialect,
    ) -> Self {
        Self {
            mapping,
            running,
            recipe,
            source,
            exact: source == target,
            caches: [HashMap::new(), HashMap::new(), HashMap::new()],
        }
    }

    fn fate(&mut self, which: usize, value: Option<&str>) -> Fate {
        let judge = |value: Option<&str>| match which {
            0 => self.mapping.category(value),
            1 => self.mapping.status(value, self.running),
            _ => self.mapping.priority(value),
        };
        let Some(text) = value else {
            return judge(None);
        };
        if let Some(fate) = self.caches.get(which).and_then(|cache| cache.get(text)) {
            return fate.clone();
        }
        let fate = judge(Some(text));
        if let Some(cache) = self.caches.get_mut(which)
            && cache.len() < CACHE
        {
            cache.insert(text.to_owned(), fate.clone());
        }
        fate
    }

    /// What a source row must have become.
    pub fn expect(&mut self, row: &RawRow<'_>) -> Expected {
        let Some(key) = Key::parse(self.recipe.source.key_kind, row.key) else {
            return Expected::NoKey;
        };
        let (category, status, priority) = (
            self.fate(0, row.category),
            self.fate(1, row.status),
            self.fate(2, row.priority),
        );
        let created = self.created(row.created_at);
        let mut reason: Option<Reason> = None;
        let mut note = |found: Option<Reason>| {
            if let Some(found) = found {
                reason = Some(reason.map_or(found, |before| before.min(found)));
            }
        };
        note(Reason::of(row.fault));
        let texts = [row.description, row.category, row.status, row.priority];
        note(
            texts
                .iter()
                .flatten()
                .any(|text| text.contains('\0'))
                .then_some(Reason::NulInText),
        );
        let description = row.description.or(self.recipe.description_default.as_deref());
        note(description.is_none().then_some(Reason::NullDescription));
        note(
            description
                .is_some_and(|text| text.len() as u64 > self.recipe.description_limit)
                .then_some(Reason::DescriptionTooLong),
        );
        for fate in [&category, &status, &priority] {
            if let Fate::Quarantine(found) = fate {
                note(Some(*found));
            }
        }
        note(created.as_ref().err().copied());
        if let Some(reason) = reason {
            return Expected::Aside(reason);
        }
        let (
            Fate::Becomes(task_type, own_type),
            Fate::Becomes(new_status, own_status),
            Fate::Becomes(new_priority, own_priority),
        ) = (category, status, priority)
        else {
            return Expected::NoKey;
        };
        let keep = |own: bool, value: Option<&'_ str>| -> Option<String> {
            own.then_some(value).flatten().map(str::to_owned)
        };
        let originals = [
            ("original_category", keep(own_type, row.category)),
            ("original_priority", keep(own_priority, row.priority)),
            ("original_status", keep(own_status, row.status)),
        ];
        let id = key::task_id(&self.recipe.namespace, &key);
        let metadata = self.metadata(&key, row, &originals);
        let created = created.ok().flatten().map(|text| canon::time(text, self.exact));
        let hash = hash::row(
            &id,
            [
                description,
                Some(&task_type),
                Some(&new_status),
                Some(&new_priority),
                created.as_deref(),
                Some(&metadata),
            ],
        );
        Expected::Task {
            id,
            hash,
            status: new_status,
            task_type,
        }
    }

    fn created<'t>(&self, text: Option<&'t str>) -> Result<Option<&'t str>, Reason> {
        let Some(text) = text else {
            return if self.recipe.null_times {
                Ok(None)
            } else {
                Err(Reason::NullCreatedAt)
            };
        };
        match self.source {
            Dialect::Postgres => {
                let year = text.find('-').unwrap_or(0);
                if text.ends_with("infinity") || text.ends_with("BC") || year > 4 {
                    return Err(Reason::TimestampOutOfRange);
                }
            }
            Dialect::Sqlite => {
                if canon::micros(text).is_none() {
                    return Err(Reason::BadTimestamp);
                }
                if text.starts_with("0000") {
                    return Err(Reason::TimestampOutOfRange);
                }
            }
        }
        Ok(Some(text))
    }

    /// The metadata as the source's dialect writes it, without the conversion's time; in one common form between dialects.
    fn metadata(&self, key: &Key, row: &RawRow<'_>, originals: &[(&'static str, Option<String>)]) -> String {
        let id = match key {
            Key::Integer(n) => n.to_string(),
            Key::Text(text) => string(text),
        };
        let mut members: Vec<(&str, Cow<'_, str>)> = vec![("legacy_id", id.into())];
        if let Some(extras) = row.extras {
            members.push(("legacy_columns", extras.into()));
        }
        members.push(("original_metadata", row.metadata.unwrap_or("null").into()));
        members.push(("migrated_from_legacy", "true".into()));
        for (name, value) in originals {
            if let Some(value) = value {
                members.push((*name, string(value).into()));
            }
        }
        let (colon, comma) = match self.source {
            Dialect::Postgres => (": ", ", "),
            Dialect::Sqlite => (":", ","),
        };
        if self.source == Dialect::Postgres {
            // jsonb keeps its keys by length, then by bytes.
            members.sort_by(|(a, _), (b, _)| a.len().cmp(&b.len()).then(a.cmp(b)));
        }
        let mut out = String::with_capacity(256);
        out.push('{');
        for (i, (name, value)) in members.iter().enumerate() {
            if i > 0 {
                out.push_str(comma);
            }
            out.push('"');
            out.push_str(name);
            out.push('"');
            out.push_str(colon);
            out.push_str(value);
        }
        out.push('}');
        if self.exact { out } else { canon::json(&out) }
    }

    /// The hash of a row as the target holds it.
    #[must_use]
    pub fn found(&self, row: &TaskRow<'_>) -> RowHash {
        let created = row.created_at.map(|text| canon::time(text, self.exact));
        let metadata = row
            .metadata
            .map(canon::without_date)
            .map(|text| if self.exact { text } else { canon::json(&text) });
        hash::row(
            row.id,
            [
                row.description,
                row.task_type,
                row.status,
                row.priority,
                created.as_deref(),
                metadata.as_deref(),
            ],
        )
    }
}

fn string(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    canon::quoted(&mut out, text);
    out
}
