//! Counting what the source holds. Reads only.

use std::fmt::Write as _;

use futures_util::TryStreamExt as _;
use sqlx::{Connection as _, Row as _, SqliteConnection};

use super::{Own, SqliteStore, sql, text};
use crate::adapters::phrase::{Phrase, ident, key as key_literal, source_key, table, text_faults};
use crate::engine::ports::store::{
    Column, ColumnKind, Dialect, Field, Key, KeyKind, Pick, Range, RawCensus, Reason, Recipe, SourceTable,
    StoreError, ValueCount,
};

/// Rows with bytes that are not UTF-8 which are named one by one; more than that, and the file has another problem.
const MOST_BAD_TEXT: usize = 10_000;

fn rows(n: i64) -> u64 {
    u64::try_from(n).unwrap_or(0)
}

impl SqliteStore {
    pub(super) async fn take_census(&self, source: &SourceTable, after: Option<&Key>) -> Own<RawCensus> {
        let mut reader = self.reader().await?;
        let mut census = self.totals(&mut reader, source, after).await?;
        self.values(&mut reader, source, after, &mut census).await?;
        census.not_utf8 = self.bad_text(&mut reader, source, after).await?;
        if !census.not_utf8.is_empty() {
            census
                .faults
                .insert(0, (Reason::NotUtf8, census.not_utf8.len() as u64));
        }
        let key = source_key(Dialect::Sqlite, source, "s");
        let from = table(&source.table);
        if !source.unique_key {
            census.duplicate_rows = self
                .one(&mut reader, format!("SELECT coalesce(sum(n), 0) FROM (SELECT count(*) AS n FROM {from} s GROUP BY {key} HAVING count(*) > 1)"))
                .await?;
        }
        if source.key_kind == KeyKind::Text {
            census.lookalike_rows = self
                .one(&mut reader, format!("SELECT coalesce(sum(n), 0) FROM (SELECT count(*) AS n FROM {from} s GROUP BY lower(trim({key})) HAVING count(DISTINCT {key}) > 1)"))
                .await?;
        }
        let _ = reader.close().await;
        Ok(census)
    }

    async fn one(&self, reader: &mut SqliteConnection, query: String) -> Own<u64> {
        let n: i64 = sqlx::query_scalar(sql(query))
            .fetch_one(reader)
            .await
            .map_err(|error| self.fault(&error))?;
        Ok(rows(n))
    }

    async fn totals(
        &self,
        reader: &mut SqliteConnection,
        source: &SourceTable,
        after: Option<&Key>,
    ) -> Own<RawCensus> {
        let key = source_key(Dialect::Sqlite, source, "s");
        let of = |column: Option<&Column>| column.map(|column| format!("s.{}", ident(&column.name)));
        let faults = text_faults(Dialect::Sqlite, source, "s");
        let unusable = match source.key_kind {
            KeyKind::Integer => format!("typeof({key}) <> 'integer'"),
            KeyKind::Text => format!("{key} IS NULL"),
        };
        let mut query = format!(
            "SELECT count(*) AS n, CAST(min({key}) AS TEXT) AS least, CAST(max({key}) AS TEXT) AS greatest, count(*) FILTER (WHERE {unusable}) AS no_key, coalesce(max(length({key})), 0) AS longest_key"
        );
        // Writing to a String cannot fail, here and below.
        let _ = match of(source.description.as_ref()) {
            Some(name) => write!(
                query,
                ", count(*) FILTER (WHERE {name} IS NULL) AS no_description, coalesce(max(length(CAST({name} AS BLOB))), 0) AS longest, coalesce(avg(length({name})), 0.0) AS bytes"
            ),
            None => write!(query, ", count(*) AS no_description, 0 AS longest, 0.0 AS bytes"),
        };
        let _ = match of(source.created_at.as_ref()) {
            Some(name) => write!(
                query,
                ", count(*) FILTER (WHERE {name} IS NULL) AS no_time, count(*) FILTER (WHERE typeof({name}) = 'text' AND {name} > strftime('%Y-%m-%d %H:%M:%S', 'now')) AS future"
            ),
            None => write!(query, ", count(*) AS no_time, 0 AS future"),
        };
        for (i, (_, condition)) in faults.iter().enumerate() {
            let _ = write!(query, ", count(*) FILTER (WHERE {condition}) AS f{i}");
        }
        let _ = write!(query, " FROM {} s", table(&source.table));
        if let Some(after) = after {
            let _ = write!(query, " WHERE {key} > {}", key_literal(after));
        }
        let row = sqlx::query(sql(query))
            .fetch_one(reader)
            .await
            .map_err(|error| self.fault(&error))?;
        let no_key = rows(row.get("no_key"));
        let parse = |name: &str| -> Own<Option<Key>> {
            match row.get::<Option<String>, _>(name) {
                None => Ok(None),
                Some(text) => match Key::parse(source.key_kind, &text) {
                    Some(key) => Ok(Some(key)),
                    // Rows without a usable key are reported; the ends of the others do not matter then.
                    None if no_key > 0 => Ok(None),
                    None => Err(StoreError::Bug(format!(
                        "{}: an end of the keys is no key",
                        self.words
                    ))),
                },
            }
        };
        let mean: f64 = row.get("bytes");
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a mean length, not negative"
        )]
        let row_bytes = mean as u64 + 200;
        Ok(RawCensus {
            rows: rows(row.get("n")),
            least: parse("least")?,
            greatest: parse("greatest")?,
            null_keys: no_key,
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
            row_bytes,
            ..RawCensus::default()
        })
    }

    async fn values(
        &self,
        reader: &mut SqliteConnection,
        source: &SourceTable,
        after: Option<&Key>,
        census: &mut RawCensus,
    ) -> Own<()> {
        let filter = after.map_or_else(String::new, |after| {
            format!(
                " WHERE {} > {}",
                source_key(Dialect::Sqlite, source, "s"),
                key_literal(after)
            )
        });
        for (field, column) in [
            (Field::Category, &source.category),
            (Field::Status, &source.status),
            (Field::Priority, &source.priority),
        ] {
            let Some(column) = column else { continue };
            let name = format!("s.{}", ident(&column.name));
            let found = sqlx::query(sql(format!(
                "SELECT CAST({name} AS TEXT) AS v, count(*) AS n FROM {} s{filter} GROUP BY {name} ORDER BY n DESC LIMIT {}",
                table(&source.table),
                RawCensus::LIMIT + 1
            )))
            .fetch_all(&mut *reader)
            .await
            .map_err(|error| self.fault(&error))?;
            census.cut |= found.len() as u64 > RawCensus::LIMIT;
            for row in &found {
                let value = match text(row, 0)? {
                    None => None,
                    Some(Ok(text)) => Some(text.to_owned()),
                    // Its row is quarantined; no mapping can name it.
                    Some(Err(_)) => continue,
                };
                census.values.push(ValueCount {
                    field,
                    value,
                    rows: rows(row.get("n")),
                });
            }
        }
        Ok(())
    }

    /// Finds text that is not UTF-8: SQLite keeps any bytes. Only rows with bytes outside ASCII are read.
    async fn bad_text(
        &self,
        reader: &mut SqliteConnection,
        source: &SourceTable,
        after: Option<&Key>,
    ) -> Own<Vec<Key>> {
        let columns: Vec<&Column> = [
            &source.description,
            &source.category,
            &source.status,
            &source.priority,
            &source.metadata,
        ]
        .into_iter()
        .flatten()
        .chain(source.extras.iter())
        .filter(|column| {
            matches!(
                column.kind,
                ColumnKind::Text | ColumnKind::Other | ColumnKind::Json
            )
        })
        .collect();
        if columns.is_empty() {
            return Ok(Vec::new());
        }
        let names: Vec<String> = columns
            .iter()
            .map(|column| format!("s.{}", ident(&column.name)))
            .collect();
        let wide: Vec<String> = names
            .iter()
            .map(|name| {
                format!(
                    "(typeof({name}) = 'text' AND {name} GLOB '*[^' || char(1) || '-' || char(127) || ']*')"
                )
            })
            .collect();
        let key = source_key(Dialect::Sqlite, source, "s");
        let lower = after.map_or_else(String::new, |after| {
            format!("{key} > {} AND ", key_literal(after))
        });
        let query = format!(
            "SELECT CAST({key} AS TEXT), {} FROM {} s WHERE {lower}({})",
            names.join(", "),
            table(&source.table),
            wide.join(" OR ")
        );
        let mut stream = sqlx::query(sql(query)).fetch(reader);
        let mut found = Vec::new();
        while let Some(row) = stream.try_next().await.map_err(|error| self.fault(&error))? {
            let mut bad = false;
            for i in 1..=columns.len() {
                bad |= matches!(text(&row, i)?, Some(Err(_)));
            }
            if bad && let Some(Ok(key)) = text(&row, 0)? {
                found.extend(Key::parse(source.key_kind, key));
                if found.len() > MOST_BAD_TEXT {
                    return Err(StoreError::Refused(format!(
                        "{}: more than {MOST_BAD_TEXT} rows hold text that is not UTF-8; convert the file first",
                        self.words
                    )));
                }
            }
        }
        Ok(found)
    }

    pub(super) async fn count_reasons(&self, recipe: &Recipe) -> Own<Vec<(Reason, u64)>> {
        let phrase = Phrase::new(recipe, Dialect::Sqlite);
        let query = format!(
            "SELECT reason, count(*) AS n FROM (SELECT {} AS reason {}) WHERE reason IS NOT NULL GROUP BY reason ORDER BY reason",
            phrase.reason(),
            phrase.rows(&Pick::Range(Range::default()))
        );
        let mut reader = self.reader().await?;
        let found = sqlx::query(sql(query))
            .fetch_all(&mut reader)
            .await
            .map_err(|error| self.fault(&error))?;
        let _ = reader.close().await;
        Ok(found
            .iter()
            .filter_map(|row| Some((Reason::of(&row.get::<String, _>("reason"))?, rows(row.get("n")))))
            .collect())
    }

    pub(super) async fn find_bound(
        &self,
        source: &SourceTable,
        after: Option<&Key>,
        upto: &Key,
        wanted: u64,
    ) -> Own<Option<Key>> {
        let key = source_key(Dialect::Sqlite, source, "s");
        let lower = after.map_or_else(String::new, |after| {
            format!("{key} > {} AND ", key_literal(after))
        });
        let query = format!(
            "SELECT CAST(max(k) AS TEXT) AS k, count(*) AS n FROM (SELECT {key} AS k FROM {} s WHERE {lower}{key} <= {} ORDER BY 1 LIMIT {wanted})",
            table(&source.table),
            key_literal(upto),
        );
        let mut reader = self.reader().await?;
        let row = sqlx::query(sql(query))
            .fetch_one(&mut reader)
            .await
            .map_err(|error| self.fault(&error))?;
        let _ = reader.close().await;
        let n = rows(row.get("n"));
        if n == 0 {
            return Ok(None);
        }
        if n < wanted {
            return Ok(Some(upto.clone()));
        }
        let found: Option<String> = row.get("k");
        Ok(found.and_then(|found| Key::parse(source.key_kind, &found)))
    }
}
