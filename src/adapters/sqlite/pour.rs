//! Copying a key range from one file to another: one thread reads and converts, the other writes, both in large batches.
//!
//! This is the conversion of `phrase` a second time, without the SQL; which rows are set aside is decided by SQL in both.

use std::path::Path;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use rusqlite::{Connection, Transaction, TransactionBehavior, params};

use super::quick::{Field, blocking, broken, field, open};
use super::{Own, SqliteStore};
use crate::adapters::convert::{Mapped, quoted};
use crate::adapters::ledger::{fenced, number};
use crate::adapters::phrase::{Phrase, ident, literal, table};
use crate::engine::failpoint;
use crate::engine::ports::store::{Copied, CopyJob, Dialect, Fence, Key, Pick, Recipe, StoreError};
use crate::engine::schema::key::{id_bytes, push_id, space_bytes, task_id};

/// Rows that travel together between the two threads.
const BATCH: usize = 256;
/// Fields of a converted row: legacy key, id, description, type, status, priority, creation time, metadata.
const WIDTH: usize = 8;

/// Converted rows: their texts in one piece, and where each field lies.
#[derive(Default)]
struct Batch {
    text: String,
    fields: Vec<[Option<(usize, usize)>; WIDTH]>,
}

impl Batch {
    fn get(&self, at: Option<(usize, usize)>) -> Option<&str> {
        at.and_then(|(from, to)| self.text.get(from..to))
    }
}

impl SqliteStore {
    /// Copies one pick from the file at `source` in one transaction.
    pub(super) fn pour(&self, job: CopyJob<'_>, source: &Path) -> Own<Copied> {
        blocking(|| {
            let fault = |error: rusqlite::Error| broken(&self.words, &error);
            let mut connection = self.quick_writer()?;
            let tx = connection
                .transaction_with_behavior(TransactionBehavior::Immediate)
                .map_err(fault)?;
            self.check_fence(&tx, job.fence)?;
            let mut copied = Copied::default();
            if let Pick::Keys(keys) = job.pick {
                copied.removed = self.clear_keys(&tx, job.recipe, keys)?;
            }
            let (sender, batches) = sync_channel::<Batch>(4);
            let (read, written) = std::thread::scope(|scope| {
                let reader = scope.spawn(|| self.read_converted(job, source, sender));
                let written = self.write(&tx, job.recipe, batches);
                (reader.join(), written)
            });
            let seen = read.map_err(|_| StoreError::Bug("a reading worker ended".to_owned()))?;
            // When the writer failed the reader found nobody to send to: the writer's word counts.
            copied.rows_out = written?;
            copied.rows_in = seen?;
            failpoint::hit("schema.between");
            if copied.rows_out < copied.rows_in {
                copied.quarantined = self.set_aside(&tx, job, source)?;
            }
            if copied.rows_in != copied.rows_out + copied.quarantined {
                return Err(self.changed());
            }
            failpoint::hit("schema.in_chunk");
            if let Some(chunk) = job.chunk {
                tx.execute(
                    "INSERT INTO migration_chunk (source, seq, after_key, upto_key, rows_in, rows_out, quarantined, token) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
                    params![
                        job.recipe.label,
                        chunk.seq,
                        chunk.range.after.as_ref().map(ToString::to_string),
                        chunk.range.upto.as_ref().map(ToString::to_string),
                        number(copied.rows_in),
                        number(copied.rows_out),
                        number(copied.quarantined),
                        job.fence.token
                    ],
                )
                .map_err(fault)?;
            }
            failpoint::hit("schema.before_commit");
            tx.commit().map_err(fault)?;
            failpoint::hit("schema.after_commit");
            Ok(copied)
        })
    }

    fn changed(&self) -> StoreError {
        StoreError::Transient(format!(
            "{}: the source changed while a chunk was read",
            self.words
        ))
    }

    fn check_fence(&self, tx: &Transaction<'_>, fence: &Fence) -> Own<()> {
        let held = tx
            .execute(
                "UPDATE migration_lease SET beat_at = CAST(strftime('%s', 'now') AS INTEGER) WHERE source = ?1 AND token = ?2 AND released = 0",
                params![fence.label, fence.token],
            )
            .map_err(|error| broken(&self.words, &error))?;
        if held == 1 {
            return Ok(());
        }
        let now = tx.query_row(
            "SELECT holder, token FROM migration_lease WHERE source = ?1",
            [&fence.label],
            |row| Ok((row.get(0)?, row.get(1)?)),
        );
        Err(fenced(fence, now.ok()))
    }

    fn clear_keys(&self, tx: &Transaction<'_>, recipe: &Recipe, keys: &[Key]) -> Own<u64> {
        let fault = |error: rusqlite::Error| broken(&self.words, &error);
        let mut tasks = tx
            .prepare(&format!(
                "DELETE FROM {} WHERE {} = ?1",
                table(&recipe.target.table),
                ident(&recipe.target.columns[0].name)
            ))
            .map_err(fault)?;
        let mut gone = 0;
        for key in keys {
            gone += tasks.execute([task_id(&recipe.namespace, key)]).map_err(fault)? as u64;
            for (name, column) in [
                ("migration_tracking", "legacy_task_id"),
                ("migration_quarantine", "legacy_key"),
            ] {
                tx.execute(
                    &format!("DELETE FROM {name} WHERE source = ?1 AND {column} = ?2"),
                    params![recipe.label, key.to_string()],
                )
                .map_err(fault)?;
            }
        }
        Ok(gone)
    }

    /// Writes batches until their sender is gone; returns how many rows.
    fn write(&self, tx: &Transaction<'_>, recipe: &Recipe, batches: Receiver<Batch>) -> Own<u64> {
        let fault = |error: rusqlite::Error| broken(&self.words, &error);
        let names: Vec<String> = recipe
            .target
            .columns
            .iter()
            .map(|column| ident(&column.name))
            .collect();
        let mut task = tx
            .prepare(&format!(
                "INSERT INTO {} ({}) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
                table(&recipe.target.table),
                names.join(", ")
            ))
            .map_err(fault)?;
        // What is the same in every row is not bound for every row.
        let mut tracking = tx
            .prepare(&format!(
                "INSERT INTO migration_tracking (legacy_task_id, maos_task_id, migration_date, status, source) VALUES (?1, ?2, {}, 'migrated', {})",
                literal(&recipe.started),
                literal(&recipe.label)
            ))
            .map_err(fault)?;
        let mut rows = 0;
        for batch in batches {
            for fields in &batch.fields {
                let [
                    key,
                    id,
                    description,
                    task_type,
                    status,
                    priority,
                    created,
                    metadata,
                ] = fields.map(|at| batch.get(at));
                task.execute((id, description, task_type, status, priority, created, metadata))
                    .map_err(fault)?;
                tracking.execute((key, id)).map_err(fault)?;
                rows += 1;
            }
        }
        Ok(rows)
    }

    fn source<'r>(&self, recipe: &'r Recipe, path: &Path) -> Own<(Connection, Phrase<'r>)> {
        let connection = open(path, &self.words, false, false)?;
        let phrase = Phrase {
            sound: true,
            ..Phrase::new(recipe, Dialect::Sqlite)
        };
        Ok((connection, phrase))
    }

    /// Reads and converts; returns how many source rows there were.
    fn read_converted(&self, job: CopyJob<'_>, source: &Path, out: SyncSender<Batch>) -> Own<u64> {
        let (connection, phrase) = self.source(job.recipe, source)?;
        let from = &job.recipe.source;
        let list = [
            phrase.key_of("l"),
            phrase.reason(),
            as_text(&phrase.text(from.description.as_ref())),
            as_text(&phrase.text(from.category.as_ref())),
            as_text(&phrase.text(from.status.as_ref())),
            as_text(&phrase.text(from.priority.as_ref())),
            as_text(&phrase.created_text()),
            // What is set aside may hold JSON that is none.
            as_text(&phrase.safe_metadata()),
            phrase.extras().unwrap_or_else(|| "NULL".to_owned()),
        ]
        .join(", ");
        let query = format!("SELECT {list} {}", phrase.rows(job.pick));
        let mut converter = Converter::new(job.recipe);
        let mut batch = Batch::default();
        let seen = self.each(&connection, &query, &[], |row| {
            if field(row, 1)?.is_some() {
                return Ok(());
            }
            let key: i64 = row.get(0).map_err(|error| broken(&self.words, &error))?;
            let mut values: [Option<&str>; 7] = [None; 7];
            for (i, value) in values.iter_mut().enumerate() {
                *value = match field(row, i + 2)? {
                    Some(Err(_)) => return Err(self.changed()),
                    Some(Ok(text)) => Some(text),
                    None => None,
                };
            }
            converter
                .push(&mut batch, key, values)
                .ok_or_else(|| StoreError::Bug("a row without a reason does not convert".to_owned()))?;
            if batch.fields.len() == BATCH {
                let next = Batch {
                    text: String::with_capacity(batch.text.len() + batch.text.len() / 8),
                    fields: Vec::with_capacity(BATCH),
                };
                let full = std::mem::replace(&mut batch, next);
                out.send(full)
                    .map_err(|_| StoreError::Cancelled("the writer of the rows is gone".to_owned()))?;
            }
            Ok(())
        })?;
        out.send(batch)
            .map_err(|_| StoreError::Cancelled("the writer of the rows is gone".to_owned()))?;
        // The writer ends when its sender does.
        drop(out);
        Ok(seen)
    }

    /// Writes the rows that do not convert to quarantine, with their raw form.
    fn set_aside(&self, tx: &Transaction<'_>, job: CopyJob<'_>, source: &Path) -> Own<u64> {
        let fault = |error: rusqlite::Error| broken(&self.words, &error);
        let (connection, phrase) = self.source(job.recipe, source)?;
        let reason = phrase.reason();
        let query = format!(
            "SELECT {}, {}, {reason}, {} {} WHERE ({reason}) IS NOT NULL",
            phrase.key_text("l"),
            phrase.ordinal(),
            phrase.raw(),
            phrase.rows(job.pick)
        );
        let mut insert = tx
            .prepare("INSERT INTO migration_quarantine (source, legacy_key, ordinal, reason, raw) VALUES (?1, ?2, ?3, ?4, ?5)")
            .map_err(fault)?;
        self.each(&connection, &query, &[], |row| {
            let text = |index: usize| -> Own<Field<'_>> { field(row, index) };
            let ordinal: i64 = row.get(1).map_err(fault)?;
            let (Some(Ok(key)), Some(Ok(reason))) = (text(0)?, text(2)?) else {
                return Err(self.changed());
            };
            let raw = row.get_ref(3).map_err(fault)?;
            insert
                .execute(params![
                    job.recipe.label,
                    key,
                    ordinal,
                    reason,
                    rusqlite::types::ToSqlOutput::Borrowed(raw)
                ])
                .map_err(fault)?;
            Ok(())
        })
    }
}

/// An expression as text, whatever its storage class; NULL stays NULL.
pub(super) fn as_text(expression: &str) -> String {
    format!("CAST({expression} AS TEXT)")
}

/// Converts rows.
struct Converter<'a> {
    recipe: &'a Recipe,
    space: [u8; 7],
    types: Mapped,
    statuses: Mapped,
    priorities: Mapped,
    date: String,
    originals: String,
}

impl<'a> Converter<'a> {
    fn new(recipe: &'a Recipe) -> Self {
        Self {
            recipe,
            space: space_bytes(&recipe.namespace),
            types: Mapped::new(&recipe.types),
            statuses: Mapped::new(&recipe.statuses),
            priorities: Mapped::new(&recipe.priorities),
            date: format!(
                "\"migration_date\":{},\"original_metadata\":",
                quoted(&recipe.started)
            ),
            originals: String::new(),
        }
    }

    /// Adds a row: description, category, status, priority, creation time, metadata and extras as read. `None` when it does not convert.
    fn push(&mut self, batch: &mut Batch, key: i64, values: [Option<&str>; 7]) -> Option<()> {
        use std::fmt::Write as _;
        let [description, category, status, priority, created, metadata, extras] = values;
        let text = &mut batch.text;
        let mut fields = [None; WIDTH];
        let mut slots = fields.iter_mut();
        let mut close = |text: &String, from: usize| {
            if let Some(slot) = slots.next() {
                *slot = Some((from, text.len()));
            }
        };
        let at = text.len();
        // Writing to a String cannot fail.
        let _ = write!(text, "{key}");
        let number = (at, text.len());
        close(text, at);
        let at = text.len();
        push_id(text, id_bytes(self.space, key));
        close(text, at);
        let at = text.len();
        text.push_str(description.or(self.recipe.description_default.as_deref())?);
        close(text, at);
        self.originals.clear();
        for (map, value, name) in [
            (&self.types, category, ",\"original_category\":"),
            (&self.statuses, status, ",\"original_status\":"),
            (&self.priorities, priority, ",\"original_priority\":"),
        ] {
            let at = text.len();
            text.push_str(map.find(value, name, &mut self.originals)?);
            close(text, at);
        }
        let at = text.len();
        text.push_str(created.unwrap_or_default());
        close(text, at);
        let at = text.len();
        text.push_str("{\"legacy_id\":");
        text.extend_from_within(number.0..number.1);
        text.push(',');
        if let Some(extras) = extras {
            text.push_str("\"legacy_columns\":");
            text.push_str(extras);
            text.push(',');
        }
        text.push_str(&self.date);
        text.push_str(metadata.unwrap_or("null"));
        text.push_str(",\"migrated_from_legacy\":true");
        text.push_str(&self.originals);
        text.push('}');
        close(text, at);
        if created.is_none() {
            fields[6] = None;
        }
        batch.fields.push(fields);
        Some(())
    }
}
