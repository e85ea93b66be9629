//! Copying one pick in one transaction: from an attached file, or from a stream of another store.

use sqlx::{Connection as _, SqliteConnection};
use tokio::sync::mpsc;

use super::{Own, SqliteStore, sql};
use crate::adapters::copytext::{Lines, fields};
use crate::adapters::ledger::number;
use crate::adapters::phrase::{ident, literal, table};
use crate::engine::failpoint;
use crate::engine::ports::store::{Copied, CopyJob, Feed, Key, Part, Pick, Piece, Recipe, Store, StoreError};
use crate::engine::schema::key::task_id;

/// Rows in one statement; SQLite takes 32,766 parameters.
const BATCH: usize = 64;

fn names(recipe: &Recipe) -> String {
    recipe
        .target
        .columns
        .iter()
        .map(|column| ident(&column.name))
        .collect::<Vec<_>>()
        .join(", ")
}

impl SqliteStore {
    pub(super) async fn copy_pick(&self, job: CopyJob<'_>) -> Own<Copied> {
        let mut writer = self.writer.lock().await;
        let source = match job.feed {
            Feed::Local(place) => {
                let path = place
                    .path
                    .as_deref()
                    .ok_or_else(|| StoreError::Bug("a SQLite place without a file".to_owned()))?;
                // The writer is locked all the while: nobody else of this process writes.
                return self.pour(job, path);
            }
            Feed::From(source) => source,
        };
        let connection = self.open_writer(&mut writer).await?;
        let mut tx = connection.begin().await.map_err(|error| self.fault(&error))?;
        self.hold_fence(&mut tx, job.fence).await?;
        let mut copied = Copied::default();
        if let Pick::Keys(keys) = job.pick {
            copied.removed = self.remove_keys(&mut tx, job.recipe, keys).await?;
        }
        self.copy_stream(&mut tx, job, source, &mut copied).await?;
        failpoint::hit("schema.in_chunk");
        if let Some(chunk) = job.chunk {
            sqlx::query(
                "INSERT INTO migration_chunk (source, seq, after_key, upto_key, rows_in, rows_out, quarantined, token) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
            )
            .bind(&job.recipe.label)
            .bind(chunk.seq)
            .bind(chunk.range.after.as_ref().map(ToString::to_string))
            .bind(chunk.range.upto.as_ref().map(ToString::to_string))
            .bind(number(copied.rows_in))
            .bind(number(copied.rows_out))
            .bind(number(copied.quarantined))
            .bind(job.fence.token)
            .execute(&mut *tx)
            .await
            .map_err(|error| self.fault(&error))?;
        }
        failpoint::hit("schema.before_commit");
        tx.commit().await.map_err(|error| self.fault(&error))?;
        failpoint::hit("schema.after_commit");
        Ok(copied)
    }

    async fn remove_keys(&self, tx: &mut SqliteConnection, recipe: &Recipe, keys: &[Key]) -> Own<u64> {
        let mut gone = 0;
        for key in keys {
            gone += sqlx::query(sql(format!(
                "DELETE FROM {} WHERE {} = $1",
                table(&recipe.target.table),
                ident(&recipe.target.columns[0].name)
            )))
            .bind(task_id(&recipe.namespace, key))
            .execute(&mut *tx)
            .await
            .map_err(|error| self.fault(&error))?
            .rows_affected();
            for query in [
                "DELETE FROM migration_tracking WHERE source = $1 AND legacy_task_id = $2",
                "DELETE FROM migration_quarantine WHERE source = $1 AND legacy_key = $2",
            ] {
                sqlx::query(query)
                    .bind(&recipe.label)
                    .bind(key.to_string())
                    .execute(&mut *tx)
                    .await
                    .map_err(|error| self.fault(&error))?;
            }
        }
        Ok(gone)
    }

    fn accounted(&self, copied: &Copied, tracked: u64) -> Own<()> {
        if copied.rows_out == tracked && copied.rows_in == copied.rows_out + copied.quarantined {
            return Ok(());
        }
        Err(StoreError::Transient(format!(
            "{}: the source changed while a chunk was read",
            self.words
        )))
    }

    async fn copy_stream(
        &self,
        tx: &mut SqliteConnection,
        job: CopyJob<'_>,
        source: &dyn Store,
        copied: &mut Copied,
    ) -> Own<()> {
        let recipe = job.recipe;
        copied.rows_in = source.count(recipe, job.pick).await?;
        let into = format!(
            "INSERT INTO {} ({}) VALUES ",
            table(&recipe.target.table),
            names(recipe)
        );
        let (rows, bytes) = self.take_part(tx, job, source, Part::Tasks, &into, 7, "").await?;
        copied.rows_out = rows;
        copied.bytes = bytes;
        failpoint::hit("schema.between");
        let (tracked, _) = self
            .take_part(
                tx,
                job,
                source,
                Part::Tracking,
                "INSERT INTO migration_tracking (legacy_task_id, maos_task_id, migration_date, status, source) VALUES ",
                5,
                "",
            )
            .await?;
        if copied.rows_out < copied.rows_in {
            let constant = format!(", {}", literal(&recipe.label));
            let (aside, _) = self
                .take_part(
                    tx,
                    job,
                    source,
                    Part::Quarantine,
                    "INSERT INTO migration_quarantine (legacy_key, ordinal, reason, raw, source) VALUES ",
                    4,
                    &constant,
                )
                .await?;
            copied.quarantined = aside;
        }
        self.accounted(copied, tracked)
    }

    /// Feeds one exported stream into inserts. A stream that was cut is an error, never the end.
    #[expect(
        clippy::too_many_arguments,
        reason = "the three streams differ in exactly these"
    )]
    async fn take_part(
        &self,
        tx: &mut SqliteConnection,
        job: CopyJob<'_>,
        source: &dyn Store,
        part: Part,
        into: &str,
        width: usize,
        constant: &str,
    ) -> Own<(u64, u64)> {
        let (out, mut pieces) = mpsc::channel(4);
        let feeding = source.export(job.recipe, job.pick, part, out, None);
        let taking = async move {
            let mut lines = Lines::default();
            let mut held: Vec<Vec<Option<String>>> = Vec::new();
            let (mut taken, mut bytes, mut ended) = (0_u64, 0_u64, None);
            let broken = || StoreError::Bug("a row of the stream cannot be read".to_owned());
            while let Some(piece) = pieces.recv().await {
                match piece {
                    Piece::Lines(piece) => {
                        bytes += piece.len() as u64;
                        lines.feed(&piece, |line| {
                            let row = fields(line).ok_or_else(broken)?;
                            if row.len() != width {
                                return Err(broken());
                            }
                            held.push(
                                row.into_iter()
                                    .map(|field| field.map(std::borrow::Cow::into_owned))
                                    .collect(),
                            );
                            Ok(())
                        })?;
                        while held.len() >= BATCH {
                            let rest = held.split_off(BATCH);
                            taken += self.insert(tx, into, constant, &held).await?;
                            held = rest;
                        }
                    }
                    // Only the binary form has these, and nobody asks for it here.
                    Piece::Tracking(_) | Piece::Seen(_) | Piece::Witnessed(_) => {}
                    Piece::End(rows) => ended = Some(rows),
                }
            }
            let Some(rows) = ended else {
                return Err(StoreError::Transient("the stream of rows was cut".to_owned()));
            };
            taken += self.insert(tx, into, constant, &held).await?;
            if taken != rows {
                return Err(StoreError::Transient(format!(
                    "{rows} rows were sent and {taken} arrived"
                )));
            }
            Ok((rows, bytes))
        };
        let (fed, taken) = futures_util::join!(feeding, taking);
        match (fed, taken) {
            (_, Err(error)) if !matches!(error, StoreError::Transient(_)) => Err(error),
            (Err(error), _) if !matches!(error, StoreError::Cancelled(_)) => Err(error),
            (_, Err(error)) | (Err(error), _) => Err(error),
            (Ok(()), Ok(done)) => Ok(done),
        }
    }

    async fn insert(
        &self,
        tx: &mut SqliteConnection,
        into: &str,
        constant: &str,
        held: &[Vec<Option<String>>],
    ) -> Own<u64> {
        let Some(first) = held.first() else { return Ok(0) };
        let row = format!("({}{constant})", vec!["?"; first.len()].join(", "));
        let text = format!("{into}{}", vec![row; held.len()].join(", "));
        let mut query = sqlx::query(sql(text)).persistent(held.len() == BATCH);
        for value in held.iter().flatten() {
            query = query.bind(value.as_deref());
        }
        query
            .execute(tx)
            .await
            .map(|done| done.rows_affected())
            .map_err(|error| self.fault(&error))
    }
}
