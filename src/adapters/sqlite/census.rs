//! Counting what the source holds. Reads only.

use std::collections::HashMap;

use futures_util::TryStreamExt as _;
use sqlx::{Connection as _, Row as _, SqliteConnection};

use super::pour::as_text;
use super::quick::{blocking, broken, field};
use super::{Own, SqliteStore, sql, text};
use crate::adapters::faults::{sound, source_key, text_faults};
use crate::adapters::ledger::{self, count as rows};
use crate::adapters::phrase::{Phrase, ident, key as key_literal, running_query, table};
use crate::engine::ports::store::{
    Column, ColumnKind, Dialect, Field, Key, KeyKind, Pick, Range, RawCensus, Reason, Recipe, SourceTable,
    StoreError, ValueCount,
};

/// Rows with bytes that are not UTF-8 which are named one by one; more than that, and the file has another problem.
const MOST_BAD_TEXT: usize = 10_000;

/// Distinct values of a field that are counted in memory; with more, the database counts.
const MOST_VALUES: usize = 4_096;

/// How often each value of a field occurs.
#[derive(Default)]
struct Counts {
    nulls: u64,
    values: HashMap<String, u64>,
}

impl Counts {
    /// Counts a value; `false` when there are too many different ones.
    fn add(&mut self, value: Option<&str>) -> bool {
        let Some(value) = value else {
            self.nulls += 1;
            return true;
        };
        if let Some(n) = self.values.get_mut(value) {
            *n += 1;
            return true;
        }
        let room = self.values.len() < MOST_VALUES;
        if room {
            self.values.insert(value.to_owned(), 1);
        }
        room
    }

    /// Every value with its count, most frequent first.
    fn sorted(self) -> Vec<(Option<String>, u64)> {
        let nulls = (self.nulls > 0).then_some((None, self.nulls));
        let values = self.values.into_iter().map(|(value, n)| (Some(value), n));
        let mut all: Vec<_> = values.chain(nulls).collect();
        all.sort_by(|(a, n), (b, m)| m.cmp(n).then_with(|| a.cmp(b)));
        all
    }
}

/// What a pass over rows found.
#[derive(Default)]
struct Survey {
    census: RawCensus,
    counts: [Counts; 3],
    unsound: bool,
    overflow: bool,
    length: u64,
    by_fault: Vec<u64>,
}

impl Survey {
    /// Adds what was found in rows of greater keys.
    fn join(&mut self, other: Self) {
        let (all, more) = (&mut self.census, other.census);
        all.rows += more.rows;
        all.null_keys += more.null_keys;
        all.null_descriptions += more.null_descriptions;
        all.null_times += more.null_times;
        all.future_times += more.future_times;
        all.longest_key = all.longest_key.max(more.longest_key);
        all.longest_description = all.longest_description.max(more.longest_description);
        all.least = all.least.take().or(more.least);
        all.greatest = more.greatest.or(all.greatest.take());
        self.unsound |= other.unsound;
        self.overflow |= other.overflow;
        self.length += other.length;
        for (n, more) in self.by_fault.iter_mut().zip(other.by_fault) {
            *n += more;
        }
        for (counts, more) in self.counts.iter_mut().zip(other.counts) {
            counts.nulls += more.nulls;
            for (value, n) in more.values {
                *counts.values.entry(value).or_default() += n;
            }
        }
    }
}

/// Key, whether it is unusable, its length, bytes and characters of the description, whether the time is missing or in the future, faults as
/// bits, and the three mapped values.
fn survey_query(source: &SourceTable, after: Option<&Key>, faults: &[(Reason, String)]) -> String {
    let key = source_key(Dialect::Sqlite, source, "s");
    let of = |column: Option<&Column>| {
        column.map_or_else(
            || "NULL".to_owned(),
            |column| format!("s.{}", ident(&column.name)),
        )
    };
    let (description, created) = (of(source.description.as_ref()), of(source.created_at.as_ref()));
    let bits: Vec<String> = faults
        .iter()
        .enumerate()
        .map(|(i, (_, condition))| format!("coalesce({condition}, 0) * {}", 1_u64 << i))
        .collect();
    let bits = if bits.is_empty() {
        "0".to_owned()
    } else {
        bits.join(" + ")
    };
    let unusable = match source.key_kind {
        KeyKind::Integer => format!("typeof({key}) <> 'integer'"),
        KeyKind::Text => format!("{key} IS NULL"),
    };
    let values: Vec<String> = [&source.category, &source.status, &source.priority]
        .into_iter()
        .map(|column| as_text(&of(column.as_ref())))
        .collect();
    // Conditions are judged only for rows that are not surely sound: -1 stands for those.
    format!(
        "SELECT CAST({key} AS TEXT), {unusable}, length({key}), octet_length({description}), length({description}), {created} IS NULL,              typeof({created}) = 'text' AND {created} > strftime('%Y-%m-%d %H:%M:%S', 'now'),              CASE WHEN {} > 0 THEN -1 ELSE {bits} END, {} FROM {} s{}",
        sound(source, "s"),
        values.join(", "),
        table(&source.table),
        after.map_or_else(String::new, |after| format!(
            " WHERE {key} > {}",
            key_literal(after)
        ))
    )
}

impl SqliteStore {
    pub(super) async fn take_census(&self, source: &SourceTable, after: Option<&Key>) -> Own<RawCensus> {
        let (mut census, unsound, overflow) = blocking(|| self.survey(source, after))?;
        let mut reader = self.reader().await?;
        if overflow {
            self.values(&mut reader, source, after, &mut census).await?;
        }
        if unsound {
            census.not_utf8 = self.bad_text(&mut reader, source, after).await?;
        }
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

    /// One pass over all rows, by two threads where the keys can be parted. Tells besides whether any row has to be looked at for bytes
    /// that are not UTF-8, and whether a field has too many distinct values to be counted here.
    fn survey(&self, source: &SourceTable, after: Option<&Key>) -> Own<(RawCensus, bool, bool)> {
        let faults = text_faults(Dialect::Sqlite, source, "s");
        let query = survey_query(source, after, &faults);
        let middle = if after.is_none() {
            self.middle(source)?
        } else {
            None
        };
        let mut found = match middle {
            None => self.survey_part(source, &query, faults.len())?,
            Some(middle) => {
                let key = source_key(Dialect::Sqlite, source, "s");
                let middle = key_literal(&Key::Integer(middle));
                let (low, high) = (
                    format!("{query} WHERE {key} <= {middle}"),
                    format!("{query} WHERE {key} > {middle}"),
                );
                let (low, high) = std::thread::scope(|scope| {
                    let low = scope.spawn(|| self.survey_part(source, &low, faults.len()));
                    let high = self.survey_part(source, &high, faults.len());
                    (low.join(), high)
                });
                let mut found = low.map_err(|_| StoreError::Bug("a counting worker ended".to_owned()))??;
                found.join(high?);
                found
            }
        };
        let mut census = found.census;
        census.faults = faults
            .iter()
            .zip(found.by_fault)
            .map(|((reason, _), n)| (*reason, n))
            .filter(|(_, n)| *n > 0)
            .collect();
        census.row_bytes = found.length / census.rows.max(1) + 200;
        if found.overflow {
            return Ok((census, found.unsound, true));
        }
        let fields = [
            (Field::Category, &source.category),
            (Field::Status, &source.status),
            (Field::Priority, &source.priority),
        ];
        for (count, (field, column)) in found.counts.iter_mut().zip(fields) {
            if column.is_none() {
                continue;
            }
            let mut values = std::mem::take(count).sorted();
            let listed = usize::try_from(RawCensus::LIMIT + 1).unwrap_or(usize::MAX);
            census.cut |= values.len() >= listed;
            values.truncate(listed);
            census.values.extend(
                values
                    .into_iter()
                    .map(|(value, rows)| ValueCount { field, value, rows }),
            );
        }
        Ok((census, found.unsound, false))
    }

    /// The key in the middle between the least and the greatest, where every key is a number that an index finds.
    fn middle(&self, source: &SourceTable) -> Own<Option<i64>> {
        if !source.unique_key || source.key_kind != KeyKind::Integer {
            return Ok(None);
        }
        let key = source_key(Dialect::Sqlite, source, "s");
        let from = table(&source.table);
        let reader = self.quick()?;
        let ends = reader.query_row(
            &format!("SELECT (SELECT min({key}) FROM {from} s), (SELECT max({key}) FROM {from} s), EXISTS (SELECT 1 FROM {from} s WHERE {key} IS NULL)"),
            [],
            |row| Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?, row.get::<_, bool>(2)?)),
        );
        // An empty table has no ends, and an end that is no number parts nothing.
        Ok(match ends {
            Ok((least, greatest, false)) => Some(least.midpoint(greatest)),
            _ => None,
        })
    }

    fn survey_part(&self, source: &SourceTable, query: &str, faults: usize) -> Own<Survey> {
        let mut found = Survey {
            by_fault: vec![0; faults],
            ..Survey::default()
        };
        let Survey {
            census,
            counts,
            unsound,
            overflow,
            length,
            by_fault,
        } = &mut found;
        let reader = self.quick()?;
        let seen = self.each(&reader, query, &[], |row| {
            let whole = |index: usize| -> Own<Option<i64>> {
                row.get(index).map_err(|error| broken(&self.words, &error))
            };
            if whole(1)? == Some(1) {
                census.null_keys += 1;
            } else {
                let text = field(row, 0)?.and_then(Result::ok).unwrap_or_default();
                let key = Key::parse(source.key_kind, text).ok_or_else(|| {
                    StoreError::Bug(format!("{}: an end of the keys is no key", self.words))
                })?;
                // Rows mostly come in the order of their keys.
                if census.least.as_ref().is_none_or(|least| key < *least) {
                    census.least = Some(key.clone());
                }
                if census.greatest.as_ref().is_none_or(|greatest| key > *greatest) {
                    census.greatest = Some(key);
                }
            }
            census.longest_key = census.longest_key.max(rows(whole(2)?.unwrap_or_default()));
            match whole(3)? {
                None => census.null_descriptions += 1,
                Some(bytes) => census.longest_description = census.longest_description.max(rows(bytes)),
            }
            *length += rows(whole(4)?.unwrap_or_default());
            census.null_times += u64::from(whole(5)? == Some(1));
            census.future_times += u64::from(whole(6)? == Some(1));
            let found = whole(7)?.unwrap_or(-1);
            if found >= 0 {
                *unsound = true;
                for (i, n) in by_fault.iter_mut().enumerate() {
                    *n += u64::from(found >> i & 1 == 1);
                }
            }
            for (i, count) in counts.iter_mut().enumerate() {
                // A value that is no text: its row is quarantined, and no mapping can name it.
                let Ok(value) = field(row, 8 + i)?.transpose() else {
                    continue;
                };
                *overflow |= !count.add(value);
            }
            Ok(())
        })?;
        census.rows = seen;
        Ok(found)
    }

    async fn one(&self, reader: &mut SqliteConnection, query: String) -> Own<u64> {
        let n: i64 = sqlx::query_scalar(sql(query))
            .fetch_one(reader)
            .await
            .map_err(|error| self.fault(&error))?;
        Ok(rows(n))
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

    pub(super) async fn list_running(
        &self,
        source: &SourceTable,
        words: &[String],
        limit: usize,
    ) -> Own<Vec<(Key, String)>> {
        let Some(query) = running_query(Dialect::Sqlite, source, words, limit) else {
            return Ok(Vec::new());
        };
        let mut reader = self.reader().await?;
        let found = sqlx::query(sql(query))
            .fetch_all(&mut reader)
            .await
            .map_err(|error| self.fault(&error))?;
        let _ = reader.close().await;
        let parsed = found
            .iter()
            .map(|row| Some((Key::parse(source.key_kind, &row.get::<String, _>(0))?, row.get(1))));
        Ok(parsed.flatten().collect())
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
        Ok(ledger::reasons(&found))
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
        Ok(ledger::bound(&row, source, upto, wanted))
    }
}
