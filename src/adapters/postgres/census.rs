//! Counting what the source holds, in one pass; reads only.

use std::fmt::Write as _;

use sqlx::Row as _;

use super::{Own, PgStore, sql};
use crate::adapters::faults::{source_key, text_faults};
use crate::adapters::ledger::{self, count as rows};
use crate::adapters::phrase::{Phrase, ident, key as key_literal, literal, running_query, table};
use crate::engine::ports::store::{
    Column, Dialect, Field, Key, KeyKind, Pick, Range, RawCensus, Reason, Recipe, SourceTable, StoreError,
    ValueCount,
};

/// The first row is about all rows, every other one about the rows with one value of one field, most frequent first.
fn census_query(
    source: &SourceTable,
    after: Option<&Key>,
    faults: &[(Reason, String)],
    fields: &[(Field, &Column)],
) -> String {
    let key = source_key(Dialect::Postgres, source, "s");
    // Text that is not UTF-8 cannot be sent: the values of such rows stay behind.
    let broken = faults
        .iter()
        .find(|(reason, _)| *reason == Reason::NotUtf8)
        .map(|(_, condition)| condition);
    let mut groups: Vec<String> = fields
        .iter()
        .enumerate()
        .map(|(i, (_, column))| {
            let name = format!("s.{}", ident(&column.name));
            match broken {
                None => format!("{name} AS c{i}"),
                Some(condition) => format!("CASE WHEN NOT {condition} THEN {name} END AS c{i}"),
            }
        })
        .collect();
    groups.extend(broken.map(|condition| format!("{condition} AS b")));
    let figures = figures(source, faults);
    let mut text = format!("WITH g AS MATERIALIZED (SELECT min({key}) AS least, max({key}) AS greatest");
    // Writing to a String cannot fail, here and below.
    for (name, within, _) in &figures {
        let _ = write!(text, ", {within} AS {name}");
    }
    for group in &groups {
        let _ = write!(text, ", {group}");
    }
    let _ = write!(text, " FROM {} s", table(&source.table));
    if let Some(after) = after {
        let _ = write!(text, " WHERE {key} > {}", key_literal(after));
    }
    if !groups.is_empty() {
        // Least, greatest and the figures stand before the groups.
        let first = figures.len() + 2;
        let places: Vec<String> = (1..=groups.len()).map(|n| (first + n).to_string()).collect();
        let _ = write!(text, " GROUP BY {}", places.join(", "));
    }
    text.push_str(") SELECT min(least)::text AS least, max(greatest)::text AS greatest");
    for (name, _, over) in &figures {
        let _ = write!(text, ", coalesce({over}({name}), 0)::bigint AS {name}");
    }
    let b = if broken.is_some() { "b, " } else { "" };
    let mut sets = vec!["()".to_owned()];
    let mut order = Vec::new();
    for i in 0..fields.len() {
        let _ = write!(
            text,
            ", CASE WHEN GROUPING(c{i}) = 0 THEN c{i}::text END AS v{i}, GROUPING(c{i}) AS g{i}"
        );
        sets.push(format!("({b}c{i})"));
        order.push(format!("GROUPING(c{i})"));
    }
    let _ = write!(
        text,
        ", {} AS broken, coalesce(pg_table_size(to_regclass({})), 0)::bigint AS bytes FROM g GROUP BY GROUPING SETS ({}) ORDER BY {} n DESC LIMIT {}",
        if broken.is_some() && !fields.is_empty() {
            "GROUPING(b) = 0 AND coalesce(b, false)"
        } else {
            "false"
        },
        literal(&table(&source.table)),
        sets.join(", "),
        if order.is_empty() {
            String::new()
        } else {
            format!("{} DESC,", order.join(" + "))
        },
        RawCensus::LIMIT * 3 + 2,
    );
    text
}

/// The figures of the census: their names, and how they are computed within a group of rows and over groups.
fn figures(source: &SourceTable, faults: &[(Reason, String)]) -> Vec<(String, String, &'static str)> {
    let key = source_key(Dialect::Postgres, source, "s");
    let of = |column: Option<&Column>| column.map(|column| format!("s.{}", ident(&column.name)));
    let mut figures = vec![
        ("n".to_owned(), "count(*)".to_owned(), "sum"),
        (
            "no_key".to_owned(),
            format!("count(*) FILTER (WHERE {key} IS NULL)"),
            "sum",
        ),
        (
            "longest_key".to_owned(),
            match source.key_kind {
                KeyKind::Integer => "20::bigint".to_owned(),
                KeyKind::Text => format!("max(length(({key})))::bigint"),
            },
            "max",
        ),
        (
            "no_description".to_owned(),
            of(source.description.as_ref()).map_or_else(
                || "count(*)".to_owned(),
                |name| format!("count(*) FILTER (WHERE {name} IS NULL)"),
            ),
            "sum",
        ),
        (
            "longest".to_owned(),
            of(source.description.as_ref()).map_or_else(
                || "0::bigint".to_owned(),
                |name| format!("max(octet_length({name}::text))::bigint"),
            ),
            "max",
        ),
    ];
    let (no_time, future) = match of(source.created_at.as_ref()) {
        Some(name) => (
            format!("count(*) FILTER (WHERE {name} IS NULL)"),
            format!("count(*) FILTER (WHERE {name} > now() AND {name} < 'infinity')"),
        ),
        None => ("count(*)".to_owned(), "0::bigint".to_owned()),
    };
    figures.push(("no_time".to_owned(), no_time, "sum"));
    figures.push(("future".to_owned(), future, "sum"));
    for (i, (_, condition)) in faults.iter().enumerate() {
        let counted = format!("count(*) FILTER (WHERE {condition})");
        figures.push((format!("f{i}"), counted, "sum"));
    }
    figures
}

impl PgStore {
    pub(super) async fn take_census(&self, source: &SourceTable, after: Option<&Key>) -> Own<RawCensus> {
        let (counted, doubles) = futures_util::join!(self.counted(source, after), self.doubles(source));
        let mut census = counted?;
        (census.duplicate_rows, census.lookalike_rows) = doubles?;
        Ok(census)
    }

    /// Totals and values in one pass: the rows are counted by category, status and priority together, which a server does with all its
    /// workers, and the few counts then by each of them and in all.
    async fn counted(&self, source: &SourceTable, after: Option<&Key>) -> Own<RawCensus> {
        let faults = text_faults(Dialect::Postgres, source, "s");
        let fields: Vec<(Field, &Column)> = [
            (Field::Category, source.category.as_ref()),
            (Field::Status, source.status.as_ref()),
            (Field::Priority, source.priority.as_ref()),
        ]
        .into_iter()
        .filter_map(|(field, column)| Some((field, column?)))
        .collect();
        let mut connection = self.connection().await?;
        let found = sqlx::query(sql(census_query(source, after, &faults, &fields)))
            .fetch_all(&mut *connection)
            .await
            .map_err(|error| self.fault(&error))?;
        let Some((whole, groups)) = found.split_first() else {
            return Err(StoreError::Bug(format!("{}: the census is empty", self.words)));
        };
        let parse = |name: &str| -> Own<Option<Key>> {
            match whole.get::<Option<String>, _>(name) {
                None => Ok(None),
                Some(text) => Key::parse(source.key_kind, &text)
                    .map(Some)
                    .ok_or_else(|| StoreError::Bug(format!("{} is no key", self.words))),
            }
        };
        let n = rows(whole.get("n"));
        let mut census = RawCensus {
            rows: n,
            least: parse("least")?,
            greatest: parse("greatest")?,
            null_keys: rows(whole.get("no_key")),
            longest_key: rows(whole.get("longest_key")),
            longest_description: rows(whole.get("longest")),
            null_descriptions: rows(whole.get("no_description")),
            null_times: rows(whole.get("no_time")),
            future_times: rows(whole.get("future")),
            faults: faults
                .iter()
                .enumerate()
                .map(|(i, (reason, _))| (*reason, rows(whole.get(format!("f{i}").as_str()))))
                .filter(|(_, n)| *n > 0)
                .collect(),
            row_bytes: rows(whole.get("bytes")) / n.max(1),
            cut: groups.len() as u64 > RawCensus::LIMIT * 3,
            ..RawCensus::default()
        };
        for row in groups.iter().filter(|row| !row.get::<bool, _>("broken")) {
            for (i, (field, _)) in fields.iter().enumerate() {
                if row.get::<i32, _>(format!("g{i}").as_str()) == 0 {
                    census.values.push(ValueCount {
                        field: *field,
                        value: row.get(format!("v{i}").as_str()),
                        rows: rows(row.get("n")),
                    });
                }
            }
        }
        Ok(census)
    }

    async fn doubles(&self, source: &SourceTable) -> Own<(u64, u64)> {
        let key = source_key(Dialect::Postgres, source, "s");
        let mut connection = self.connection().await?;
        let mut counted = async |text: String| -> Own<u64> {
            let n: i64 = sqlx::query_scalar(sql(text))
                .fetch_one(&mut *connection)
                .await
                .map_err(|error| self.fault(&error))?;
            Ok(rows(n))
        };
        let duplicates = if source.unique_key {
            0
        } else {
            counted(format!(
                "SELECT coalesce(sum(n), 0)::bigint FROM (SELECT count(*) AS n FROM {} s GROUP BY {key} HAVING count(*) > 1) d",
                table(&source.table)
            ))
            .await?
        };
        let alike = if source.key_kind == KeyKind::Text {
            let folded = if source.loose_text {
                format!("lower(btrim({key}))")
            } else {
                format!("lower(btrim(normalize({key}, NFKC)))")
            };
            counted(format!(
                "SELECT coalesce(sum(n), 0)::bigint FROM (SELECT count(*) AS n FROM {} s GROUP BY {folded} HAVING count(DISTINCT {key}) > 1) d",
                table(&source.table)
            ))
            .await?
        } else {
            0
        };
        Ok((duplicates, alike))
    }

    pub(super) async fn list_running(
        &self,
        source: &SourceTable,
        words: &[String],
        limit: usize,
    ) -> Own<Vec<(Key, String)>> {
        let Some(text) = running_query(Dialect::Postgres, source, words, limit) else {
            return Ok(Vec::new());
        };
        let mut connection = self.connection().await?;
        let found = sqlx::query(sql(text))
            .fetch_all(&mut *connection)
            .await
            .map_err(|error| self.fault(&error))?;
        let parsed = found
            .iter()
            .map(|row| Some((Key::parse(source.key_kind, &row.get::<String, _>(0))?, row.get(1))));
        Ok(parsed.flatten().collect())
    }

    pub(super) async fn count_reasons(&self, recipe: &Recipe) -> Own<Vec<(Reason, u64)>> {
        let phrase = Phrase::new(recipe, Dialect::Postgres);
        let text = format!(
            "SELECT reason, count(*) AS n FROM (SELECT {} AS reason {}) q WHERE reason IS NOT NULL GROUP BY reason ORDER BY reason",
            phrase.reason(),
            phrase.rows(&Pick::Range(Range::default()))
        );
        let mut connection = self.connection().await?;
        let found = sqlx::query(sql(text))
            .fetch_all(&mut *connection)
            .await
            .map_err(|error| self.fault(&error))?;
        Ok(ledger::reasons(&found))
    }

    pub(super) async fn find_bound(
        &self,
        source: &SourceTable,
        after: Option<&Key>,
        upto: &Key,
        wanted: u64,
    ) -> Own<Option<Key>> {
        let key = source_key(Dialect::Postgres, source, "s");
        let lower = after.map_or_else(String::new, |after| {
            format!("{key} > {} AND ", key_literal(after))
        });
        let text = format!(
            "SELECT (max(k))::text AS k, count(*) AS n FROM (SELECT {key} AS k FROM {} s WHERE {lower}{key} <= {} ORDER BY 1 LIMIT {wanted}) q",
            table(&source.table),
            key_literal(upto),
        );
        let mut connection = self.connection().await?;
        let row = sqlx::query(sql(text))
            .persistent(false)
            .fetch_one(&mut *connection)
            .await
            .map_err(|error| self.fault(&error))?;
        Ok(ledger::bound(&row, source, upto, wanted))
    }
}
