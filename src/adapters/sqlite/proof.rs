//! Reading rows for export and for the proof.

use futures_util::TryStreamExt as _;
use sqlx::{Connection as _, Row as _};
use tokio::sync::mpsc;

use super::pour::as_text;
use super::quick::{Field, blocking, field};
use super::{Own, SqliteStore, sql, text};
use crate::adapters::copytext;
use crate::adapters::ledger::count as rows;
use crate::adapters::phrase::{Phrase, ident, literal, table};
use crate::engine::ports::store::{
    Check, ColumnKind, Dialect, GuideRows, Key, Part, Pick, Piece, Place, QuarantineRow, Range, RawRow,
    Recipe, Slice, StoreError, Table, TargetCounts, TaskRow,
};
use crate::engine::schema::key::task_id;
use crate::engine::schema::times::in_utc;

const PIECE: usize = 128 * 1024;

impl SqliteStore {
    pub(super) async fn export_part(
        &self,
        recipe: &Recipe,
        pick: &Pick,
        part: Part,
        out: mpsc::Sender<Piece>,
    ) -> Own<()> {
        if part == Part::Binary {
            return Err(StoreError::Bug("SQLite has no binary form".to_owned()));
        }
        let phrase = Phrase::new(recipe, Dialect::Sqlite);
        // The first column is the key; ids that SQLite cannot make are made here.
        let key = phrase.key_text("l");
        let id = phrase.id();
        let made = id.clone().unwrap_or_else(|| "NULL".to_owned());
        let (list, condition) = match part {
            Part::Tasks => (
                format!("{key}, {made}, {}", phrase.task()),
                format!("({}) IS NULL", phrase.reason()),
            ),
            Part::Tracking => (
                format!(
                    "{key}, {key}, {made}, {}, 'migrated', {}",
                    literal(&recipe.started),
                    literal(&recipe.label)
                ),
                format!("({}) IS NULL", phrase.reason()),
            ),
            Part::Quarantine | Part::Binary => (
                format!(
                    "{key}, {key}, CAST({} AS TEXT), {}, {}",
                    phrase.ordinal(),
                    phrase.reason(),
                    phrase.raw()
                ),
                format!("({}) IS NOT NULL", phrase.reason()),
            ),
        };
        let (fields, id_at) = match part {
            Part::Tasks => (7, Some(0)),
            Part::Tracking => (5, Some(1)),
            Part::Quarantine | Part::Binary => (4, None),
        };
        let query = format!("SELECT {list} {} WHERE {condition}", phrase.rows(pick));
        let mut reader = self.reader().await?;
        let mut stream = sqlx::query(sql(query)).fetch(&mut reader);
        let mut held = Vec::with_capacity(PIECE * 2);
        let mut count = 0_u64;
        // A column without a zone drops the zone of a text, and the time with it.
        let utc_at = (part == Part::Tasks && recipe.target.columns[5].kind == ColumnKind::Time).then_some(5);
        let gone = || StoreError::Cancelled("the reader of the rows is gone".to_owned());
        let bad = || {
            StoreError::Transient(format!(
                "{}: the source changed while a chunk was read",
                self.words
            ))
        };
        while let Some(row) = stream.try_next().await.map_err(|error| self.fault(&error))? {
            for i in 0..fields {
                let value = match text(&row, i + 1)? {
                    None => None,
                    Some(Ok(value)) => Some(value),
                    Some(Err(_)) => return Err(bad()),
                };
                if value.is_none() && id.is_none() && id_at == Some(i) {
                    let key = text(&row, 0)?.and_then(Result::ok).unwrap_or_default();
                    let key = Key::parse(recipe.source.key_kind, key).ok_or_else(bad)?;
                    copytext::push(&mut held, Some(&task_id(&recipe.namespace, &key)), i == 0);
                } else if utc_at == Some(i) {
                    let value = value.map(in_utc);
                    copytext::push(&mut held, value.as_deref(), i == 0);
                } else {
                    copytext::push(&mut held, value, i == 0);
                }
            }
            copytext::end(&mut held);
            count += 1;
            if held.len() >= PIECE {
                let piece = std::mem::replace(&mut held, Vec::with_capacity(PIECE * 2));
                out.send(Piece::Lines(piece)).await.map_err(|_| gone())?;
            }
        }
        drop(stream);
        let _ = reader.close().await;
        out.send(Piece::Lines(held)).await.map_err(|_| gone())?;
        out.send(Piece::End(count)).await.map_err(|_| gone())
    }

    pub(super) async fn count_rows(&self, recipe: &Recipe, pick: &Pick) -> Own<u64> {
        let phrase = Phrase::new(recipe, Dialect::Sqlite);
        let mut reader = self.reader().await?;
        let n: i64 = sqlx::query_scalar(sql(format!(
            "SELECT count(*) FROM {} s WHERE {}",
            phrase.source_name(),
            phrase.picked("s", pick)
        )))
        .fetch_one(&mut reader)
        .await
        .map_err(|error| self.fault(&error))?;
        let _ = reader.close().await;
        Ok(rows(n))
    }

    #[expect(clippy::unused_async, reason = "the port asks for a future")]
    pub(super) async fn read_source(
        &self,
        recipe: &Recipe,
        range: &Range,
        sink: &mut (dyn FnMut(RawRow<'_>) + Send),
    ) -> Own<u64> {
        let phrase = Phrase {
            sound: true,
            ..Phrase::new(recipe, Dialect::Sqlite)
        };
        let source = &recipe.source;
        let list = [
            phrase.key_text("l"),
            phrase.fault(),
            as_text(&phrase.text(source.description.as_ref())),
            as_text(&phrase.text(source.category.as_ref())),
            as_text(&phrase.text(source.status.as_ref())),
            as_text(&phrase.text(source.priority.as_ref())),
            as_text(&phrase.created_text()),
            as_text(&phrase.safe_metadata()),
            phrase.extras().unwrap_or_else(|| "NULL".to_owned()),
        ]
        .join(", ");
        let query = format!("SELECT {list} {}", phrase.rows(&Pick::Range(range.clone())));
        blocking(|| {
            let reader = self.quick()?;
            self.each(&reader, &query, &[], |row| {
                let mut broken = false;
                let mut fields: [Option<&str>; 9] = [None; 9];
                for (i, slot) in fields.iter_mut().enumerate() {
                    *slot = good(field(row, i)?, &mut broken);
                }
                let [
                    key,
                    fault,
                    description,
                    category,
                    status,
                    priority,
                    created_at,
                    metadata,
                    extras,
                ] = fields;
                let mut raw = RawRow {
                    key: key.unwrap_or_default(),
                    fault: fault.unwrap_or_default(),
                    description,
                    category,
                    status,
                    priority,
                    created_at,
                    metadata,
                    extras,
                };
                if broken && raw.fault != "duplicate_id" {
                    raw.fault = "not_utf8";
                }
                sink(raw);
                Ok(())
            })
        })
    }

    #[expect(clippy::unused_async, reason = "the port asks for a future")]
    pub(super) async fn read_target(
        &self,
        recipe: &Recipe,
        slice: &Slice,
        sink: &mut (dyn FnMut(TaskRow<'_>) + Send),
    ) -> Own<u64> {
        let columns: Vec<String> = recipe
            .target
            .columns
            .iter()
            .map(|column| format!("t.{}", ident(&column.name)))
            .collect();
        let id = columns.first().cloned().unwrap_or_default();
        let tasks = table(&recipe.target.table);
        let (from, key) = match slice {
            Slice::Ids(after, upto) => {
                let mut parts = vec!["TRUE".to_owned()];
                if let Some(after) = after {
                    parts.push(format!("{id} > {}", literal(after)));
                }
                if let Some(upto) = upto {
                    parts.push(format!("{id} <= {}", literal(upto)));
                }
                (format!("{tasks} t WHERE {}", parts.join(" AND ")), "''")
            }
            Slice::Tracked => (
                format!(
                    "migration_tracking m JOIN {tasks} t ON {id} = m.maos_task_id WHERE m.source = {}",
                    literal(&recipe.label)
                ),
                "m.legacy_task_id",
            ),
        };
        let mut list = vec![key.to_owned()];
        list.extend(columns.iter().map(|column| as_text(column)));
        let query = format!("SELECT {} FROM {from}", list.join(", "));
        blocking(|| {
            let reader = self.quick()?;
            self.each(&reader, &query, &[], |row| {
                // Bytes that are not UTF-8 can stand in a target row only if somebody changed it: the row differs either way.
                let mut fields: [Option<&str>; 8] = [None; 8];
                for (i, slot) in fields.iter_mut().enumerate() {
                    *slot = field(row, i)?.map(|value| value.unwrap_or("\u{fffd}"));
                }
                let [
                    key,
                    id,
                    description,
                    task_type,
                    status,
                    priority,
                    created_at,
                    metadata,
                ] = fields;
                sink(TaskRow {
                    key: key.unwrap_or_default(),
                    id: id.unwrap_or_default(),
                    description,
                    task_type,
                    status,
                    priority,
                    created_at,
                    metadata,
                });
                Ok(())
            })
        })
    }

    #[expect(clippy::unused_async, reason = "the port asks for a future")]
    pub(super) async fn read_tracking(
        &self,
        recipe: &Recipe,
        sink: &mut (dyn FnMut(&str, &str) + Send),
    ) -> Own<u64> {
        let query = "SELECT CAST(legacy_task_id AS TEXT), CAST(maos_task_id AS TEXT) FROM migration_tracking WHERE source = ?1";
        blocking(|| {
            let reader = self.quick()?;
            self.each(&reader, query, &[&recipe.label], |row| {
                let at = |index: usize| -> Own<&str> {
                    Ok(field(row, index)?.and_then(Result::ok).unwrap_or_default())
                };
                sink(at(0)?, at(1)?);
                Ok(())
            })
        })
    }

    pub(super) async fn read_quarantine(
        &self,
        _target: &Table,
        label: &str,
        after: Option<&(String, i64)>,
        limit: u64,
    ) -> Own<Vec<QuarantineRow>> {
        let (key, ordinal) = after.map_or((None, 0), |(key, ordinal)| (Some(key.as_str()), *ordinal));
        let mut reader = self.reader().await?;
        let found = sqlx::query(
            "SELECT legacy_key, ordinal, reason, CAST(raw AS BLOB) AS raw FROM migration_quarantine WHERE source = $1 AND ($2 IS NULL OR (legacy_key, ordinal) > ($2, $3)) ORDER BY legacy_key, ordinal LIMIT $4",
        )
        .bind(label)
        .bind(key)
        .bind(ordinal)
        .bind(i64::try_from(limit).unwrap_or(i64::MAX))
        .fetch_all(&mut reader)
        .await
        .map_err(|error| self.fault(&error))?;
        let _ = reader.close().await;
        let mut rows = Vec::with_capacity(found.len());
        for row in &found {
            let fault = |error: sqlx::Error| self.fault(&error);
            // A row may be here just because its bytes are no text.
            let raw: Vec<u8> = row.try_get("raw").map_err(fault)?;
            rows.push(QuarantineRow {
                key: row.try_get("legacy_key").map_err(fault)?,
                ordinal: row.try_get("ordinal").map_err(fault)?,
                reason: row.try_get("reason").map_err(fault)?,
                raw: escaped(&raw),
            });
        }
        Ok(rows)
    }

    pub(super) async fn count_target(&self, recipe: &Recipe) -> Own<TargetCounts> {
        let tasks = table(&recipe.target.table);
        let mut reader = self.reader().await?;
        let row = sqlx::query(sql(format!(
            "SELECT (SELECT count(*) FROM {tasks}) AS tasks, (SELECT count(*) FROM migration_tracking WHERE source = $1) AS tracked, \
             (SELECT count(*) FROM migration_quarantine WHERE source = $1) AS aside"
        )))
        .bind(&recipe.label)
        .fetch_one(&mut reader)
        .await
        .map_err(|error| self.fault(&error))?;
        let _ = reader.close().await;
        Ok(TargetCounts {
            tasks: rows(row.get("tasks")),
            tracked: rows(row.get("tracked")),
            quarantined: rows(row.get("aside")),
        })
    }

    pub(super) async fn find_guide_rows(&self, recipe: &Recipe, _source: &Place) -> Own<GuideRows> {
        let metadata = format!("t.{}", ident(&recipe.target.columns[6].name));
        let id = format!("t.{}", ident(&recipe.target.columns[0].name));
        let tracking = self
            .look_relation(&recipe.target.table.sibling("migration_tracking"))
            .await?;
        let ours = if tracking.is_some_and(|found| found.column("source").is_some()) {
            format!(
                " AND NOT EXISTS (SELECT 1 FROM migration_tracking m WHERE m.maos_task_id = {id} AND m.source IS NOT NULL)"
            )
        } else {
            String::new()
        };
        let mut reader = self.reader().await?;
        let row = sqlx::query(sql(format!(
            "SELECT coalesce(sum(n), 0) AS n, count(*) FILTER (WHERE n > 1) AS doubled FROM (SELECT count(*) AS n FROM {} t \
             WHERE instr({metadata}, 'migrated_from_legacy') > 0 AND json_valid({metadata}) AND json_extract({metadata}, '$.migrated_from_legacy') = 1{ours} \
             GROUP BY json_extract({metadata}, '$.legacy_id'))",
            table(&recipe.target.table)
        )))
        .fetch_one(&mut reader)
        .await
        .map_err(|error| self.fault(&error))?;
        let _ = reader.close().await;
        Ok(GuideRows {
            rows: rows(row.get("n")),
            doubled: rows(row.get("doubled")),
            unknown: None,
            changed: None,
        })
    }

    pub(super) async fn check_rest(&self, recipe: &Recipe) -> Own<Vec<Check>> {
        let mut reader = self.reader().await?;
        let mut found = Vec::new();
        let broken = sqlx::query(sql(format!(
            "PRAGMA foreign_key_check({})",
            ident(&recipe.target.table.name)
        )))
        .fetch_all(&mut reader)
        .await
        .map_err(|error| self.fault(&error))?
        .len();
        found.push(Check {
            what: format!("foreign keys of {}", recipe.target.table.name),
            wanted: "0 broken".to_owned(),
            found: format!("{broken} broken"),
            good: broken == 0,
        });
        let row = sqlx::query("SELECT count(*) AS keyed FROM sqlite_master WHERE type = 'index' AND name = 'migration_tracking_legacy_key'")
            .fetch_one(&mut reader)
            .await
            .map_err(|error| self.fault(&error))?;
        let keyed: i64 = row.get("keyed");
        found.push(Check {
            what: "unique key of migration_tracking".to_owned(),
            wanted: "1".to_owned(),
            found: keyed.to_string(),
            good: keyed == 1,
        });
        let _ = reader.close().await;
        Ok(found)
    }
}

/// The text of a field; `broken` notes bytes that are none.
fn good<'r>(field: Field<'r>, broken: &mut bool) -> Option<&'r str> {
    field?.map_err(|_| *broken = true).ok()
}

/// Bytes as text, those that are none shown as `\xNN`.
fn escaped(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    let mut out = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        out.push_str(chunk.valid());
        for byte in chunk.invalid() {
            // Writing to a String cannot fail.
            let _ = write!(out, "\\x{byte:02x}");
        }
    }
    out
}
