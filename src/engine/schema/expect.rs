//! The conversion a second time, in Rust: what the target must hold for a source row, found without the SQL that wrote it.
//!
//! The proof compares the hash of this with the hash of what the target holds. Only what a database alone can judge (bytes that are not
//! UTF-8, invalid JSON, duplicate keys) is taken from the source's own word.

use std::sync::Arc;

use super::hash::{self, RowHash};
use super::key::{id_bytes, push_id, push_number, space_bytes, task_id};
use super::mapping::{Mapping, Running};
use super::quick::Values;
use super::{canon, chain, times};
use crate::engine::ports::store::{Dialect, Fate, Key, KeyKind, KeyedRow, RawRow, Reason, Recipe, TaskRow};

/// Distinct values remembered for each field.
const CACHE: usize = 4_096;
/// 0001-01-01 and 10000-01-01 in microseconds since 2000-01-01.
const YEARS: std::ops::Range<i64> = -63_082_281_600_000_000..252_455_616_000_000_000;

/// What a source row must have become.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Expected<'j> {
    /// A task with this hash, status and type.
    Task {
        /// Its id.
        id: &'j str,
        /// Its hash.
        hash: RowHash,
        /// Its status.
        status: Arc<str>,
        /// Its type.
        task_type: Arc<str>,
    },
    /// A row in quarantine.
    Aside(Reason),
    /// The key cannot be read; a broken promise of the adapter.
    NoKey,
}

/// What a source row must have become, as hashes that the target's database computes by itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Summed {
    /// A task.
    Task {
        /// The hash of the row.
        row: u64,
        /// The hash of its tracking row.
        tracked: u64,
        /// Its status.
        status: Arc<str>,
        /// Its type.
        task_type: Arc<str>,
    },
    /// A row in quarantine.
    Aside(Reason),
}

/// What becomes of one value of a field.
#[derive(Debug, Clone)]
enum Known {
    /// This value; the second is the original as JSON text where it is kept.
    Becomes(Arc<str>, Option<Arc<str>>),
    Aside(Reason),
}

/// The values of one field seen so far, and NULL.
#[derive(Default)]
struct Seen {
    null: Option<Known>,
    all: Values<Known>,
}

/// Judges source rows and target rows alike.
pub struct Judge<'a> {
    mapping: &'a Mapping,
    running: Option<Running>,
    recipe: &'a Recipe,
    source: Dialect,
    exact: bool,
    space: [u8; 7],
    seen: [Seen; 3],
    id: String,
    metadata: String,
    number: String,
    /// The conversion's time as JSON.
    date: String,
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
            space: space_bytes(&recipe.namespace),
            seen: Default::default(),
            id: String::new(),
            metadata: String::new(),
            number: String::new(),
            date: string(&recipe.started),
        }
    }

    fn look(&mut self, which: usize, value: Option<&str>) -> Known {
        let Some(seen) = self.seen.get_mut(which) else {
            return Known::Aside(Reason::UnknownStatus);
        };
        let found = match value {
            None => seen.null.as_ref(),
            Some(value) => seen.all.get(value),
        };
        if let Some(known) = found {
            return known.clone();
        }
        let fate = match which {
            0 => self.mapping.category(value),
            1 => self.mapping.status(value, self.running),
            _ => self.mapping.priority(value),
        };
        let known = match fate {
            Fate::Quarantine(reason) => Known::Aside(reason),
            Fate::Becomes(to, original) => Known::Becomes(
                to.into(),
                value.filter(|_| original).map(|value| string(value).into()),
            ),
        };
        match value {
            None => seen.null = Some(known.clone()),
            Some(value) if seen.all.len() < CACHE => {
                seen.all.insert(value.to_owned(), known.clone());
            }
            Some(_) => {}
        }
        known
    }

    /// The reason to set a row aside, from everything but its creation time.
    fn reason(&self, fault: &str, texts: [Option<&str>; 4], fates: [&Known; 3]) -> Option<Reason> {
        let mut reason = Reason::of(fault);
        let mut note = |found: Reason| {
            reason = Some(reason.map_or(found, |before| before.min(found)));
        };
        // PostgreSQL cannot hold such text.
        if self.source == Dialect::Sqlite && texts.iter().flatten().any(|text| text.contains('\0')) {
            note(Reason::NulInText);
        }
        match texts[0].or(self.recipe.description_default.as_deref()) {
            None => note(Reason::NullDescription),
            Some(text) if text.len() as u64 > self.recipe.description_limit => {
                note(Reason::DescriptionTooLong);
            }
            Some(_) => {}
        }
        for fate in fates {
            if let Known::Aside(found) = fate {
                note(*found);
            }
        }
        reason
    }

    /// What a source row must have become.
    pub fn expect(&mut self, row: &RawRow<'_>) -> Expected<'_> {
        self.id.clear();
        self.number.clear();
        match self.recipe.source.key_kind {
            KeyKind::Integer => {
                let Ok(key) = row.key.parse() else {
                    return Expected::NoKey;
                };
                push_id(&mut self.id, id_bytes(self.space, key));
                push_number(&mut self.number, key);
            }
            KeyKind::Text => {
                let key = Key::Text(row.key.to_owned());
                self.id = task_id(&self.recipe.namespace, &key);
                canon::quoted(&mut self.number, row.key);
            }
        }
        let (category, status, priority) = (
            self.look(0, row.category),
            self.look(1, row.status),
            self.look(2, row.priority),
        );
        let texts = [row.description, row.category, row.status, row.priority];
        let reason = self.reason(row.fault, texts, [&category, &status, &priority]);
        let created = self.created(row.created_at);
        let late = created.as_ref().err().copied();
        if let Some(reason) = reason.into_iter().chain(late).min() {
            return Expected::Aside(reason);
        }
        let (
            Known::Becomes(task_type, own_type),
            Known::Becomes(new_status, own_status),
            Known::Becomes(new_priority, own_priority),
        ) = (category, status, priority)
        else {
            return Expected::NoKey;
        };
        let originals = [
            own_type.as_deref(),
            own_priority.as_deref(),
            own_status.as_deref(),
        ];
        self.write_metadata(row.extras, row.metadata, originals, false);
        if !self.exact {
            self.metadata = canon::json(&self.metadata);
        }
        let created = created.ok().flatten().map(|text| canon::time(text, self.exact));
        let hash = hash::row(
            &self.id,
            [
                row.description.or(self.recipe.description_default.as_deref()),
                Some(&task_type),
                Some(&new_status),
                Some(&new_priority),
                created.as_deref(),
                Some(&self.metadata),
            ],
        );
        Expected::Task {
            id: &self.id,
            hash,
            status: new_status,
            task_type,
        }
    }

    /// What a source row must have become, for a target that sums up its rows itself.
    pub fn sum(&mut self, row: &KeyedRow<'_>) -> Summed {
        let (category, status, priority) = (
            self.look(0, row.category),
            self.look(1, row.status),
            self.look(2, row.priority),
        );
        let texts = [row.description, row.category, row.status, row.priority];
        let reason = self.reason(row.fault, texts, [&category, &status, &priority]);
        let late = match row.created_at {
            None if self.recipe.null_times => None,
            None => Some(Reason::NullCreatedAt),
            Some(at) => (!YEARS.contains(&at)).then_some(Reason::TimestampOutOfRange),
        };
        if let Some(reason) = reason.into_iter().chain(late).min() {
            return Summed::Aside(reason);
        }
        let (
            Known::Becomes(task_type, own_type),
            Known::Becomes(new_status, own_status),
            Known::Becomes(new_priority, own_priority),
        ) = (category, status, priority)
        else {
            return Summed::Aside(Reason::UnknownStatus);
        };
        let id = id_bytes(self.space, row.key);
        self.id.clear();
        push_id(&mut self.id, id);
        self.number.clear();
        push_number(&mut self.number, row.key);
        let originals = [
            own_type.as_deref(),
            own_priority.as_deref(),
            own_status.as_deref(),
        ];
        self.write_metadata(row.extras, row.metadata, originals, true);
        let description = row.description.or(self.recipe.description_default.as_deref());
        let mut hash = chain::hash(&id, 0);
        for field in [
            description,
            Some(&task_type),
            Some(&new_status),
            Some(&new_priority),
        ] {
            hash = chain::text(field, hash);
        }
        hash = chain::time(row.created_at, hash);
        hash = chain::text(Some(&self.metadata), hash);
        Summed::Task {
            row: hash,
            tracked: chain::tracked(&self.number, &self.id),
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
                if canon::is_plain_time(text.as_bytes()) {
                    return Ok(Some(text));
                }
                times::judge(text)?;
            }
        }
        Ok(Some(text))
    }

    /// Writes the metadata as the source's dialect does, with or without the conversion's time. `originals`: category, priority, status, as
    /// JSON.
    fn write_metadata(
        &mut self,
        extras: Option<&str>,
        own: Option<&str>,
        originals: [Option<&str>; 3],
        dated: bool,
    ) {
        let [category, priority, status] = originals;
        let category = ("original_category", category);
        let priority = ("original_priority", priority);
        let status = ("original_status", status);
        let id = ("legacy_id", Some(self.number.as_str()));
        let extras = ("legacy_columns", extras);
        let own = ("original_metadata", Some(own.unwrap_or("null")));
        let mark = ("migrated_from_legacy", Some("true"));
        let date = ("migration_date", dated.then_some(self.date.as_str()));
        // jsonb keeps its keys by length, then by bytes.
        let (members, colon, comma) = match self.source {
            Dialect::Postgres => (
                [id, extras, date, status, category, own, priority, mark],
                "\": ",
                ", ",
            ),
            Dialect::Sqlite => (
                [id, extras, date, own, mark, category, priority, status],
                "\":",
                ",",
            ),
        };
        let out = &mut self.metadata;
        out.clear();
        for (name, value) in members {
            if let Some(value) = value {
                out.push_str(if out.is_empty() { "{" } else { comma });
                out.push('"');
                out.push_str(name);
                out.push_str(colon);
                out.push_str(value);
            }
        }
        out.push('}');
    }

    /// The hash of a row as the target holds it.
    #[must_use]
    pub fn found(&self, row: &TaskRow<'_>) -> RowHash {
        let created = row.created_at.map(|text| canon::time(text, self.exact));
        let fields = [
            row.description,
            row.task_type,
            row.status,
            row.priority,
            created.as_deref(),
        ];
        if self.exact {
            return hash::row_in_parts(row.id, fields, row.metadata.map(canon::around_date));
        }
        let metadata = row
            .metadata
            .map(canon::without_date)
            .map(|text| canon::json(&text));
        hash::row_in_parts(row.id, fields, metadata.as_deref().map(|text| (text, "")))
    }
}

fn string(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    canon::quoted(&mut out, text);
    out
}
