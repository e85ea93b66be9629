//! The census, interpreted: every distinct value with its count and its fate.

use serde::Serialize;

use super::mapping::{Mapping, Running};
use crate::engine::ports::store::{Fate, Field, RawCensus, Reason, SourceTable};
use crate::engine::text::{count, inert_short};

/// One value, or one finding, as the screen shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CensusRow {
    /// The column: `category`, `status`, `priority`, `text`, `id`, …
    pub column: String,
    /// The value, made inert; `(null)` for NULL; a description of the finding otherwise.
    pub value: String,
    /// How many rows.
    pub rows: u64,
    /// What it becomes: `task_type coding`, `CANCELLED`, `quarantine unknown_status`, `none`.
    pub becomes: String,
    /// Whether a person has to decide first.
    pub decide: bool,
    /// Whether its rows are set aside.
    pub aside: bool,
}

/// The census with its totals.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Census {
    /// The legacy table.
    pub table: String,
    /// All rows.
    pub rows: u64,
    /// The greatest key: rows after it came later.
    pub boundary: Option<String>,
    /// Values and findings, in the order of the screen.
    pub values: Vec<CensusRow>,
    /// Rows that will be migrated.
    pub migrated: u64,
    /// Rows that will be set aside.
    pub quarantined: u64,
    /// The same by reason code.
    pub reasons: Vec<(String, u64)>,
    /// Rows that run in the legacy system.
    pub running: u64,
    /// The decision about them.
    pub decision: Option<Running>,
    /// Sentences worth reading before a yes.
    pub notes: Vec<String>,
}

/// Rows that run in the legacy system.
#[must_use]
pub fn running_rows(raw: &RawCensus, mapping: &Mapping) -> u64 {
    raw.values
        .iter()
        .filter(|found| found.field == Field::Status)
        .filter(|found| {
            found
                .value
                .as_deref()
                .is_some_and(|value| mapping.is_running(value))
        })
        .map(|found| found.rows)
        .sum()
}

fn values_of(raw: &RawCensus, mapping: &Mapping, decision: Option<Running>) -> Vec<CensusRow> {
    let mut values = Vec::new();
    for field in [Field::Category, Field::Status, Field::Priority] {
        for found in raw.values.iter().filter(|found| found.field == field) {
            let value = found.value.as_deref();
            let is_running = field == Field::Status && value.is_some_and(|value| mapping.is_running(value));
            let fate = match field {
                Field::Category => mapping.category(value),
                Field::Status => mapping.status(value, decision),
                _ => mapping.priority(value),
            };
            let (becomes, aside) = match (&fate, field) {
                (Fate::Becomes(to, _), Field::Category) => (format!("task_type {to}"), false),
                (Fate::Becomes(to, _), _) if Some(to.as_str()) == value => ("unchanged".to_owned(), false),
                (Fate::Becomes(to, _), _) => (to.clone(), false),
                (Fate::Quarantine(reason), _) => (format!("quarantine {}", reason.code()), true),
            };
            let undecided = is_running && decision.is_none();
            values.push(CensusRow {
                column: field.name().to_owned(),
                value: value.map_or_else(|| "(null)".to_owned(), |value| inert_short(value, 60)),
                rows: found.rows,
                becomes: if undecided {
                    "decide: drain · claim · keep".to_owned()
                } else if is_running && decision == Some(Running::Drain) {
                    "waits until it ends".to_owned()
                } else {
                    becomes
                },
                decide: undecided,
                aside,
            });
        }
    }
    values
}

fn findings(raw: &RawCensus, mapping: &Mapping, reasons: &[(Reason, u64)]) -> Vec<CensusRow> {
    let mut values = Vec::new();
    let finding = |column: &str, value: &str, rows: u64, reason: Option<Reason>| CensusRow {
        column: column.to_owned(),
        value: value.to_owned(),
        rows,
        becomes: match reason {
            _ if rows == 0 => "none".to_owned(),
            Some(reason) => format!("quarantine {}", reason.code()),
            None => "unchanged".to_owned(),
        },
        decide: false,
        aside: rows > 0 && reason.is_some(),
    };
    for (reason, rows) in &raw.faults {
        let (column, words) = match reason {
            Reason::NotUtf8 => ("text", "bytes that are not UTF-8"),
            Reason::NulInText => ("text", "contains NUL"),
            Reason::BadTimestamp => ("created_at", "cannot be read"),
            Reason::TimestampOutOfRange => ("created_at", "infinite, or outside years 1 to 9999"),
            Reason::BadJson => ("metadata", "is no JSON"),
            Reason::NulInJson => ("metadata", "contains \\u0000"),
            Reason::LoneSurrogate => ("metadata", "contains half a surrogate pair"),
            _ => ("row", "other"),
        };
        values.push(finding(column, words, *rows, Some(*reason)));
    }
    if raw.null_descriptions > 0 {
        let fate = mapping
            .description_default()
            .is_none()
            .then_some(Reason::NullDescription);
        values.push(finding("description", "(null)", raw.null_descriptions, fate));
    }
    if raw.longest_description > mapping.description.limit_bytes {
        let rows = of(reasons, Reason::DescriptionTooLong);
        values.push(finding(
            "description",
            &format!("over {} bytes", count(mapping.description.limit_bytes)),
            rows,
            Some(Reason::DescriptionTooLong),
        ));
    }
    if raw.null_times > 0 {
        let aside = of(reasons, Reason::NullCreatedAt) > 0;
        values.push(finding(
            "created_at",
            "(null)",
            raw.null_times,
            aside.then_some(Reason::NullCreatedAt),
        ));
    }
    values.push(finding(
        "id",
        "duplicates",
        raw.duplicate_rows,
        Some(Reason::DuplicateId),
    ));
    values
}

fn notes_of(source: &SourceTable, raw: &RawCensus) -> Vec<String> {
    let mut notes = Vec::new();
    if raw.rows == 0 {
        notes.push(format!(
            "{} has 0 rows. That is allowed; the run proves 0 = 0 + 0.",
            source.table
        ));
    }
    if raw.lookalike_rows > 0 {
        notes.push(format!(
            "{} rows have keys that differ only by case, blanks or Unicode form; they are possible duplicates and are not merged.",
            count(raw.lookalike_rows)
        ));
    }
    if raw.future_times > 0 {
        notes.push(format!(
            "{} rows were created in the future; they are copied as they stand.",
            count(raw.future_times)
        ));
    }
    if raw.cut {
        notes.push(format!(
            "A column has more than {} distinct values; the most frequent are listed.",
            RawCensus::LIMIT
        ));
    }
    if !source.extras.is_empty() {
        let names: Vec<&str> = source.extras.iter().map(|column| column.name.as_str()).collect();
        notes.push(format!(
            "{} kept in the metadata under legacy_columns.",
            super::shape::listed(&names)
        ));
    }
    notes
}

/// Interprets a raw census. `reasons` are the exact counts of rows that are set aside.
#[must_use]
pub fn interpret(
    source: &SourceTable,
    raw: &RawCensus,
    mapping: &Mapping,
    decision: Option<Running>,
    reasons: &[(Reason, u64)],
) -> Census {
    let running = running_rows(raw, mapping);
    let mut values = values_of(raw, mapping, decision);
    values.extend(findings(raw, mapping, reasons));
    let notes = notes_of(source, raw);
    let quarantined: u64 = reasons.iter().map(|(_, rows)| rows).sum();
    Census {
        table: source.table.to_string(),
        rows: raw.rows,
        boundary: raw.greatest.as_ref().map(ToString::to_string),
        values,
        migrated: raw.rows.saturating_sub(quarantined),
        quarantined,
        reasons: reasons
            .iter()
            .map(|(reason, rows)| (reason.code().to_owned(), *rows))
            .collect(),
        running,
        decision,
        notes,
    }
}

fn of(reasons: &[(Reason, u64)], wanted: Reason) -> u64 {
    reasons
        .iter()
        .find(|(reason, _)| *reason == wanted)
        .map_or(0, |(_, rows)| *rows)
}
