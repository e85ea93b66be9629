//! Counting what the source holds. Two scans that run at once; reads only.

use std::fmt::Write as _;

use sqlx::Row as _;

use super::{Own, PgStore, sql};
use crate::adapters::faults::{source_key, text_faults};
use crate::adapters::ledger::{self, count as rows};
use crate::adapters::phrase::{Phrase, ident, key as key_literal, running_query, table};
use crate::engine::ports::store::{
    Column, Dialect, Field, Key, KeyKind, Pick, Range, RawCensus, Reason, Recipe, SourceTable, StoreError,
    ValueCount,
};

impl PgStore {
    pub(super) async fn take_census(&self, source: &SourceTable, after: Option<&Key>) -> Own<RawCensus> {
        let (totals, values, doubles) = futures_util::join!(
            self.totals(source, after),
            self.values(source, after),
            self.doubles(source)
        );
        let mut census = totals?;
        (census.values, census.cut) = values?;
        (census.duplicate_rows, census.lookalike_rows) = doubles?;
        Ok(census)
    }

    async fn totals(&self, source: &SourceTable, after: Option<&Key>) -> Own<RawCensus> {
        let key = source_key(Dialect::Postgres, source, "s");
        let of = |column: Option<&Column>| column.map(|column| format!("s.{}", ident(&column.name)));
        let description = of(source.description.as_ref());
        let created = of(source.created_at.as_ref());
        let faults = text_faults(Dialect::Postgres, source, "s");
        let mut text = format!(
            "SELECT count(*) AS n, min({key})::text AS least, max({key})::text AS greatest, count(*) FILTER (WHERE {key} IS NULL) AS no_key"
        );
        // Writing to a String cannot fail, here and below.
        let _ = write!(
            text,
            ", {} AS longest_key",
            match source.key_kind {
                KeyKind::Integer => "20::bigint".to_owned(),
                KeyKind::Text => format!("coalesce(max(length(({key}))), 0)::bigint"),
            }
        );
        let _ = match &description {
            Some(name) => write!(
                text,
                ", count(*) FILTER (WHERE {name} IS NULL) AS no_description, coalesce(max(octet_length({name}::text)), 0)::bigint AS longest"
            ),
            None => write!(text, ", count(*) AS no_description, 0::bigint AS longest"),
        };
        let _ = match &created {
            Some(name) => write!(
                text,
                ", count(*) FILTER (WHERE {name} IS NULL) AS no_time, count(*) FILTER (WHERE {name} > now() AND {name} < 'infinity') AS future"
            ),
            None => write!(text, ", count(*) AS no_time, 0::bigint AS future"),
        };
        for (i, (_, condition)) in faults.iter().enumerate() {
            let _ = write!(text, ", count(*) FILTER (WHERE {condition}) AS f{i}");
        }
        let _ = write!(text, " FROM {} s", table(&source.table));
        if let Some(after) = after {
            let _ = write!(text, " WHERE {key} > {}", key_literal(after));
        }
        let mut connection = self.connection().await?;
        let row = sqlx::query(sql(text))
            .fetch_one(&mut *connection)
            .await
            .map_err(|error| self.fault(&error))?;
        let bytes: i64 = sqlx::query_scalar("SELECT coalesce(pg_table_size(to_regclass($1)), 0)")
            .bind(table(&source.table))
            .fetch_one(&mut *connection)
            .await
            .map_err(|error| self.fault(&error))?;
        let n = rows(row.get("n"));
        let parse = |name: &str| -> Own<Option<Key>> {
            match row.get::<Option<String>, _>(name) {
                None => Ok(None),
                Some(text) => Key::parse(source.key_kind, &text)
                    .map(Some)
                    .ok_or_else(|| StoreError::Bug(format!("{} is no key", self.words))),
            }
        };
        Ok(RawCensus {
            rows: n,
            least: parse("least")?,
            greatest: parse("greatest")?,
            null_keys: rows(row.get("no_key")),
            longest_key: rows(row.get("longest_key")),
            longest_description: rows(row.get("longest")),
            null_descriptions: rows(row.get("no_description")),
            null_times: rows(row.get("no_time")),
            future_times: rows(row.get("future")),
            faults: faults
                .iter()
                .enumerate()
                .map(|(i, (reason, _))| (*reason, rows(row.get(format!("f{i}").as_str()))))
                .filter(|(_, n)| *n > 0)
                .collect(),
            row_bytes: rows(bytes) / n.max(1),
            ..RawCensus::default()
        })
    }

    async fn values(&self, source: &SourceTable, after: Option<&Key>) -> Own<(Vec<ValueCount>, bool)> {
        let fields: Vec<(Field, &Column)> = [
            (Field::Category, source.category.as_ref()),
            (Field::Status, source.status.as_ref()),
            (Field::Priority, source.priority.as_ref()),
        ]
        .into_iter()
        .filter_map(|(field, column)| Some((field, column?)))
        .collect();
        if fields.is_empty() {
            return Ok((Vec::new(), false));
        }
        // Text that is not UTF-8 cannot be sent; its rows are counted as faults.
        let names: Vec<String> = fields
            .iter()
            .map(|(_, column)| format!("s.{}", ident(&column.name)))
            .collect();
        let sets: Vec<String> = names.iter().map(|name| format!("({name})")).collect();
        let mut conditions = Vec::new();
        if let Some((_, bad)) = text_faults(Dialect::Postgres, source, "s")
            .into_iter()
            .find(|(reason, _)| *reason == Reason::NotUtf8)
        {
            conditions.push(format!("NOT {bad}"));
        }
        if let Some(after) = after {
            conditions.push(format!(
                "{} > {}",
                source_key(Dialect::Postgres, source, "s"),
                key_literal(after)
            ));
        }
        let filter = if conditions.is_empty() {
            String::new()
        } else {
            format!(" WHERE {}", conditions.join(" AND "))
        };
        let shown: Vec<String> = names
            .iter()
            .enumerate()
            .map(|(i, name)| {
                format!(
                    "CASE WHEN GROUPING({name}) = 0 THEN {name}::text END AS v{i}, GROUPING({name}) AS g{i}"
                )
            })
            .collect();
        let text = format!(
            "SELECT *, row_number() OVER (PARTITION BY {} ORDER BY n DESC) AS place FROM (SELECT {}, count(*) AS n FROM {} s{filter} GROUP BY GROUPING SETS ({})) q ORDER BY n DESC LIMIT {}",
            (0..fields.len())
                .map(|i| format!("g{i}"))
                .collect::<Vec<_>>()
                .join(", "),
            shown.join(", "),
            table(&source.table),
            sets.join(", "),
            RawCensus::LIMIT * 3 + 1,
        );
        let mut connection = self.connection().await?;
        let found = sqlx::query(sql(text))
            .fetch_all(&mut *connection)
            .await
            .map_err(|error| self.fault(&error))?;
        let cut = found.len() as u64 > RawCensus::LIMIT * 3;
        let mut values = Vec::new();
        for row in &found {
            for (i, (field, _)) in fields.iter().enumerate() {
                if row.get::<i32, _>(format!("g{i}").as_str()) == 0 {
                    values.push(ValueCount {
                        field: *field,
                        value: row.get(format!("v{i}").as_str()),
                        rows: rows(row.get("n")),
                    });
                }
            }
        }
        Ok((values, cut))
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
