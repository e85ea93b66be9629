//! Copying one pick in one transaction: inside the database where it can see the source, by COPY from another store otherwise.

use sqlx::{Connection as _, PgConnection};
use tokio::sync::mpsc;

use super::{Own, PgStore, binary, sql};
use crate::adapters::ledger::number;
use crate::adapters::phrase::{Phrase, beside, ident, literal, table};
use crate::engine::failpoint;
use crate::engine::ports::store::{
    Column, ColumnKind, Copied, CopyJob, Dialect, Feed, Key, Moment, Part, Pick, Piece, Recipe, Store,
    StoreError,
};
use crate::engine::schema::key::task_id;

/// Casts a text expression to what the column holds.
fn cast(column: &Column, expression: &str) -> String {
    match column.kind {
        ColumnKind::Text => expression.to_owned(),
        _ => format!("({expression})::{}", column.type_sql),
    }
}

fn names(recipe: &Recipe) -> String {
    recipe
        .target
        .columns
        .iter()
        .map(|column| ident(&column.name))
        .collect::<Vec<_>>()
        .join(", ")
}

/// The task's columns as expressions over [`Phrase::rows`], cast to what the target holds.
fn values(recipe: &Recipe, phrase: &Phrase<'_>, id: &str) -> String {
    let [
        id_column,
        description,
        task_type,
        status,
        priority,
        created,
        metadata,
    ] = &recipe.target.columns;
    let created_value = recipe.source.created_at.as_ref().map_or_else(
        || cast(created, "NULL"),
        |column| {
            let name = format!("l.{}", ident(&column.name));
            match created.kind {
                ColumnKind::Time | ColumnKind::TimeZoned => format!("{name}::{}", created.type_sql),
                _ => cast(created, &phrase.created_text()),
            }
        },
    );
    let metadata_value = match metadata.kind {
        ColumnKind::Jsonb => phrase.metadata(),
        _ => cast(metadata, &format!("({})::text", phrase.metadata())),
    };
    [
        match (id_column.kind, phrase.id_digits()) {
            (ColumnKind::Uuid, Some(digits)) => format!("({digits})::uuid"),
            _ => cast(id_column, id),
        },
        cast(description, &phrase.description()),
        cast(
            task_type,
            &phrase.mapped(recipe.source.category.as_ref(), &recipe.types),
        ),
        cast(
            status,
            &phrase.mapped(recipe.source.status.as_ref(), &recipe.statuses),
        ),
        cast(
            priority,
            &phrase.mapped(recipe.source.priority.as_ref(), &recipe.priorities),
        ),
        created_value,
        metadata_value,
    ]
    .join(", ")
}

/// What one stream brought.
#[derive(Default)]
struct Taken {
    rows: u64,
    seen: u64,
    bytes: u64,
    tracking: Vec<Vec<u8>>,
    witnessed: Option<Moment>,
}

impl PgStore {
    pub(super) async fn copy_pick(&self, job: CopyJob<'_>) -> Own<Copied> {
        let mut connection = self.streaming().await?;
        let copied = self.copy_in(&mut connection, job).await?;
        connection.settled();
        Ok(copied)
    }

    async fn copy_in(&self, connection: &mut PgConnection, job: CopyJob<'_>) -> Own<Copied> {
        let mut tx = connection.begin().await.map_err(|error| self.fault(&error))?;
        // Why this is safe stands at the head of the module.
        self.execute(&mut tx, "SET LOCAL synchronous_commit = off".to_owned())
            .await?;
        self.hold_fence(&mut tx, job.fence).await?;
        let mut copied = Copied::default();
        if let Pick::Keys(keys) = job.pick {
            copied.removed = self.remove_keys(&mut tx, job.recipe, keys).await?;
        }
        match job.feed {
            Feed::Local(_) => self.copy_local(&mut tx, job, &mut copied).await?,
            Feed::From(source) => self.copy_stream(&mut tx, job, source, &mut copied).await?,
        }
        failpoint::hit("schema.in_chunk");
        if let Some(chunk) = job.chunk {
            sqlx::query(sql(format!(
                "INSERT INTO {}migration_chunk (source, seq, after_key, upto_key, rows_in, rows_out, quarantined, token) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
                beside(&job.recipe.target.table)
            )))
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

    async fn remove_keys(&self, tx: &mut PgConnection, recipe: &Recipe, keys: &[Key]) -> Own<u64> {
        let prefix = beside(&recipe.target.table);
        let id = &recipe.target.columns[0];
        let array = if id.kind == ColumnKind::Uuid {
            "uuid[]"
        } else {
            "text[]"
        };
        let ids: Vec<String> = keys.iter().map(|key| task_id(&recipe.namespace, key)).collect();
        let texts: Vec<String> = keys.iter().map(ToString::to_string).collect();
        let gone = sqlx::query(sql(format!(
            "DELETE FROM {} WHERE {} = ANY ($1::text[]::{array})",
            table(&recipe.target.table),
            ident(&id.name)
        )))
        .bind(ids)
        .execute(&mut *tx)
        .await
        .map_err(|error| self.fault(&error))?
        .rows_affected();
        for (name, column) in [
            ("migration_tracking", "legacy_task_id"),
            ("migration_quarantine", "legacy_key"),
        ] {
            sqlx::query(sql(format!(
                "DELETE FROM {prefix}{name} WHERE source = $1 AND {column} = ANY ($2::text[] COLLATE \"C\")"
            )))
            .bind(&recipe.label)
            .bind(&texts)
            .execute(&mut *tx)
            .await
            .map_err(|error| self.fault(&error))?;
        }
        Ok(gone)
    }

    async fn execute(&self, tx: &mut PgConnection, text: String) -> Own<u64> {
        sqlx::raw_sql(sql(text))
            .execute(tx)
            .await
            .map(|done| done.rows_affected())
            .map_err(|error| self.fault(&error))
    }

    async fn copy_local(&self, tx: &mut PgConnection, job: CopyJob<'_>, copied: &mut Copied) -> Own<()> {
        let recipe = job.recipe;
        let phrase = Phrase::new(recipe, Dialect::Postgres);
        let id = phrase
            .id()
            .ok_or_else(|| StoreError::Bug("PostgreSQL makes every id".to_owned()))?;
        let prefix = beside(&recipe.target.table);
        let from = phrase.rows(job.pick);
        let reason = phrase.reason();
        let list = values(recipe, &phrase, &id);
        copied.rows_in = {
            let n: i64 = sqlx::query_scalar(sql(format!(
                "SELECT count(*) FROM {} s WHERE {}",
                phrase.source_name(),
                phrase.picked("s", job.pick)
            )))
            .persistent(false)
            .fetch_one(&mut *tx)
            .await
            .map_err(|error| self.fault(&error))?;
            u64::try_from(n).unwrap_or(0)
        };
        copied.rows_out = self
            .execute(
                tx,
                format!(
                    "INSERT INTO {} ({}) SELECT {list} {from} WHERE ({reason}) IS NULL",
                    table(&recipe.target.table),
                    names(recipe)
                ),
            )
            .await?;
        failpoint::hit("schema.between");
        let whole = copied.rows_out == copied.rows_in;
        let filter = if whole {
            "TRUE".to_owned()
        } else {
            format!("({reason}) IS NULL")
        };
        let tracked = self
            .execute(
                tx,
                format!(
                    "INSERT INTO {prefix}migration_tracking (legacy_task_id, maos_task_id, migration_date, status, source) \
                     SELECT {}, {id}, {}::timestamptz, 'migrated', {} {from} WHERE {filter}",
                    phrase.key_text("l"),
                    literal(&recipe.started),
                    literal(&recipe.label)
                ),
            )
            .await?;
        if !whole {
            copied.quarantined = self
                .execute(
                    tx,
                    format!(
                        "INSERT INTO {prefix}migration_quarantine (source, legacy_key, ordinal, reason, raw) SELECT {}, {}, {}, {reason}, {} {from} WHERE ({reason}) IS NOT NULL",
                        literal(&recipe.label),
                        phrase.key_text("l"),
                        phrase.ordinal(),
                        phrase.raw()
                    ),
                )
                .await?;
        }
        self.accounted(copied, tracked)
    }

    fn accounted(&self, copied: &Copied, tracked: u64) -> Own<()> {
        if copied.rows_out == tracked && copied.rows_in == copied.rows_out + copied.quarantined {
            return Ok(());
        }
        // Each statement sees what was committed before it; rows that changed in between are read again.
        Err(StoreError::Transient(format!(
            "{}: the source changed while a chunk was read",
            self.words
        )))
    }

    async fn copy_stream(
        &self,
        tx: &mut PgConnection,
        job: CopyJob<'_>,
        source: &dyn Store,
        copied: &mut Copied,
    ) -> Own<()> {
        let recipe = job.recipe;
        let prefix = beside(&recipe.target.table);
        let into = format!(
            "COPY {} ({}) FROM STDIN",
            table(&recipe.target.table),
            names(recipe)
        );
        let into_tracking = format!(
            "COPY {prefix}migration_tracking (legacy_task_id, maos_task_id, migration_date, status, source) FROM STDIN"
        );
        let tracked = if source.dialect() == Dialect::Postgres && binary::fits(recipe) {
            let into = format!("{into} (FORMAT binary)");
            let taken = self.take_part(tx, job, source, Part::Binary, &into).await?;
            copied.rows_in = taken.seen;
            copied.rows_out = taken.rows;
            copied.bytes = taken.bytes;
            copied.witnessed = taken.witnessed;
            failpoint::hit("schema.between");
            self.track(tx, recipe, &taken.tracking).await?
        } else {
            copied.rows_in = source.count(recipe, job.pick).await?;
            let taken = self.take_part(tx, job, source, Part::Tasks, &into).await?;
            copied.rows_out = taken.rows;
            copied.bytes = taken.bytes;
            failpoint::hit("schema.between");
            self.take_part(tx, job, source, Part::Tracking, &into_tracking)
                .await?
                .rows
        };
        if copied.rows_out < copied.rows_in {
            // The label is not in the stream: the rows pass through a table of this session.
            self.execute(
                tx,
                "CREATE TEMP TABLE IF NOT EXISTS maos_aside (k TEXT, ordinal BIGINT, reason TEXT, raw TEXT) ON COMMIT DELETE ROWS"
                    .to_owned(),
            )
            .await?;
            self.take_part(
                tx,
                job,
                source,
                Part::Quarantine,
                "COPY maos_aside (k, ordinal, reason, raw) FROM STDIN",
            )
            .await?;
            copied.quarantined = self
                .execute(
                    tx,
                    format!(
                        "INSERT INTO {prefix}migration_quarantine (source, legacy_key, ordinal, reason, raw) SELECT {}, k, ordinal, reason, raw FROM maos_aside",
                        literal(&recipe.label)
                    ),
                )
                .await?;
        }
        self.accounted(copied, tracked)
    }

    /// Feeds one exported stream into a COPY. A stream that was cut aborts the COPY: it is never taken for the end.
    async fn take_part(
        &self,
        tx: &mut PgConnection,
        job: CopyJob<'_>,
        source: &dyn Store,
        part: Part,
        into: &str,
    ) -> Own<Taken> {
        let (out, mut pieces) = mpsc::channel(4);
        let feeding = source.export(job.recipe, job.pick, part, out, job.witness);
        let taking = async move {
            let mut sink = tx.copy_in_raw(into).await.map_err(|error| self.fault(&error))?;
            let mut taken = Taken::default();
            let mut ended = false;
            if part == Part::Binary {
                sink.send(binary::HEADER.as_slice())
                    .await
                    .map_err(|error| self.fault(&error))?;
            }
            while let Some(piece) = pieces.recv().await {
                match piece {
                    Piece::Lines(lines) => {
                        taken.bytes += lines.len() as u64;
                        if !lines.is_empty() {
                            sink.send(lines).await.map_err(|error| self.fault(&error))?;
                        }
                    }
                    Piece::Tracking(pairs) => taken.tracking.push(pairs),
                    Piece::Seen(rows) => taken.seen = rows,
                    Piece::Witnessed(moment) => taken.witnessed = Some(moment),
                    Piece::End(rows) => {
                        taken.rows = rows;
                        ended = true;
                    }
                }
            }
            if !ended {
                let _ = sink.abort("the stream was cut").await;
                return Err(StoreError::Transient("the stream of rows was cut".to_owned()));
            }
            if part == Part::Binary {
                sink.send(binary::TRAILER.as_slice())
                    .await
                    .map_err(|error| self.fault(&error))?;
            }
            let arrived = sink.finish().await.map_err(|error| self.fault(&error))?;
            if arrived != taken.rows {
                return Err(StoreError::Transient(format!(
                    "{} rows were sent and {arrived} arrived",
                    taken.rows
                )));
            }
            Ok(taken)
        };
        // When the taker fails, its end of the channel goes with it, and the feeder stops.
        let (fed, taken) = futures_util::join!(feeding, taking);
        match (fed, taken) {
            (_, Err(error)) if !matches!(error, StoreError::Transient(_)) => Err(error),
            (Err(error), _) if !matches!(error, StoreError::Cancelled(_)) => Err(error),
            (_, Err(error)) | (Err(error), _) => Err(error),
            (Ok(()), Ok(done)) => Ok(done),
        }
    }
}
