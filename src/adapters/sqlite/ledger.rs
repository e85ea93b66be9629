//! The ledger beside the data, the lease, and taking rows back.

use sqlx::{Connection as _, Row as _, SqliteConnection};

use super::{Own, SqliteStore, sql};
use crate::adapters::ledger::{self, fenced, number};
use crate::adapters::phrase::{ident, table};
use crate::engine::ports::store::{
    ChunkMark, ChunkRow, Copied, Fence, LeaseAsk, LeaseHolder, Recipe, RunRow, Setup, StoreError, Table,
    Taken,
};

const TASKS: &str = include_str!("../../../assets/schema/sqlite/tasks.sql");
pub(super) const LEDGER: &str = include_str!("../../../assets/schema/sqlite/ledger.sql");

impl SqliteStore {
    pub(super) async fn make_ready(&self, recipe: &Recipe, setup: &Setup) -> Own<u64> {
        let target = &recipe.target.table;
        let create = setup.create_tasks && self.look_relation(target).await?.is_none();
        let tracking = self.look_relation(&target.sibling("migration_tracking")).await?;
        let add_source = tracking.is_some_and(|found| found.column("source").is_none());
        let mut writer = self.writer.lock().await;
        let connection = self.open_writer(&mut writer).await?;
        let mut tx = connection
            .begin_with("BEGIN IMMEDIATE")
            .await
            .map_err(|error| self.fault(&error))?;
        let mut run = async |text: String| -> Own<u64> {
            sqlx::raw_sql(sql(text))
                .execute(&mut *tx)
                .await
                .map(|done| done.rows_affected())
                .map_err(|error| self.fault(&error))
        };
        if create {
            run(TASKS.replace("{tasks}", &ident(&target.name))).await?;
        }
        if add_source {
            run("ALTER TABLE migration_tracking ADD COLUMN source VARCHAR(255)".to_owned()).await?;
        }
        run(LEDGER.to_owned()).await?;
        tx.commit().await.map_err(|error| self.fault(&error))?;
        Ok(0)
    }

    /// Drops the unique key of an empty tracking table; [`SqliteStore::build_key`] makes it again after the rows.
    pub(super) async fn drop_key(&self, fence: &Fence) -> Own<()> {
        let mut writer = self.writer.lock().await;
        let connection = self.open_writer(&mut writer).await?;
        let mut tx = connection.begin().await.map_err(|error| self.fault(&error))?;
        self.hold_fence(&mut tx, fence).await?;
        let tracked: i64 = sqlx::query_scalar("SELECT EXISTS (SELECT 1 FROM migration_tracking)")
            .fetch_one(&mut *tx)
            .await
            .map_err(|error| self.fault(&error))?;
        if tracked == 0 {
            sqlx::raw_sql("DROP INDEX IF EXISTS migration_tracking_legacy_key")
                .execute(&mut *tx)
                .await
                .map_err(|error| self.fault(&error))?;
        }
        tx.commit().await.map_err(|error| self.fault(&error))
    }

    /// Gives the tracking table its unique key, once its rows are there.
    pub(super) async fn build_key(&self, _recipe: &Recipe) -> Own<()> {
        let mut writer = self.writer.lock().await;
        let connection = self.open_writer(&mut writer).await?;
        let there: i64 = sqlx::query_scalar(
            "SELECT count(*) FROM main.sqlite_master WHERE type = 'index' AND name = 'migration_tracking_legacy_key'",
        )
        .fetch_one(&mut *connection)
        .await
        .map_err(|error| self.fault(&error))?;
        if there == 0 {
            sqlx::raw_sql(
                "CREATE UNIQUE INDEX migration_tracking_legacy_key ON migration_tracking (legacy_task_id, source)",
            )
            .execute(&mut *connection)
            .await
            .map_err(|error| self.fault(&error))?;
        }
        Ok(())
    }

    /// Takes the write lock and fails unless the fence's token is the present one. The sign of life is written with it.
    pub(super) async fn hold_fence(&self, tx: &mut SqliteConnection, fence: &Fence) -> Own<()> {
        let done = sqlx::query(
            "UPDATE migration_lease SET beat_at = CAST(strftime('%s', 'now') AS INTEGER) WHERE source = $1 AND token = $2 AND released = 0",
        )
        .bind(&fence.label)
        .bind(fence.token)
        .execute(&mut *tx)
        .await
        .map_err(|error| self.fault(&error))?;
        if done.rows_affected() == 1 {
            return Ok(());
        }
        let now: Option<(String, i64)> =
            sqlx::query_as("SELECT holder, token FROM migration_lease WHERE source = $1")
                .bind(&fence.label)
                .fetch_optional(&mut *tx)
                .await
                .map_err(|error| self.fault(&error))?;
        Err(fenced(fence, now))
    }

    pub(super) async fn read_run(&self, target: &Table, label: &str) -> Own<Option<RunRow>> {
        if !self.exists()
            || self
                .look_relation(&target.sibling("migration_run"))
                .await?
                .is_none()
        {
            return Ok(None);
        }
        let mut reader = self.reader().await?;
        let row = sqlx::query(
            "SELECT r.*, coalesce((SELECT token FROM migration_lease l WHERE l.source = r.source), 0) AS token FROM migration_run r WHERE r.source = $1",
        )
        .bind(label)
        .fetch_optional(&mut reader)
        .await
        .map_err(|error| self.fault(&error))?;
        let _ = reader.close().await;
        row.map(|row| ledger::run(&row, &self.words)).transpose()
    }

    pub(super) async fn read_chunks(&self, _target: &Table, label: &str) -> Own<Vec<ChunkRow>> {
        let mut reader = self.reader().await?;
        let found = sqlx::query(
            "SELECT seq, after_key, upto_key, rows_in, rows_out, quarantined, hash FROM migration_chunk WHERE source = $1 ORDER BY seq",
        )
        .bind(label)
        .fetch_all(&mut reader)
        .await
        .map_err(|error| self.fault(&error))?;
        let _ = reader.close().await;
        Ok(ledger::chunks(&found))
    }

    pub(super) async fn note_run(&self, fence: &Fence, run: &RunRow) -> Own<()> {
        let mut writer = self.writer.lock().await;
        let connection = self.open_writer(&mut writer).await?;
        let mut tx = connection.begin().await.map_err(|error| self.fault(&error))?;
        self.hold_fence(&mut tx, fence).await?;
        sqlx::query(
            "INSERT INTO migration_run (source, format, place, mapping, state, started, boundary, hash) VALUES ($1, $2, $3, $4, $5, $6, $7, $8) \
             ON CONFLICT (source) DO UPDATE SET format = $2, place = $3, mapping = $4, state = $5, started = $6, boundary = $7, hash = $8",
        )
        .bind(&fence.label)
        .bind(run.format)
        .bind(&run.source)
        .bind(&run.mapping)
        .bind(run.state.word())
        .bind(&run.started)
        .bind(run.boundary.as_deref())
        .bind(run.hash.as_deref())
        .execute(&mut *tx)
        .await
        .map_err(|error| self.fault(&error))?;
        tx.commit().await.map_err(|error| self.fault(&error))
    }

    pub(super) async fn note_hashes(&self, fence: &Fence, hashes: &[(i64, String)]) -> Own<()> {
        let mut writer = self.writer.lock().await;
        let connection = self.open_writer(&mut writer).await?;
        let mut tx = connection.begin().await.map_err(|error| self.fault(&error))?;
        self.hold_fence(&mut tx, fence).await?;
        for (seq, hash) in hashes {
            sqlx::query("UPDATE migration_chunk SET hash = $3 WHERE source = $1 AND seq = $2")
                .bind(&fence.label)
                .bind(seq)
                .bind(hash)
                .execute(&mut *tx)
                .await
                .map_err(|error| self.fault(&error))?;
        }
        tx.commit().await.map_err(|error| self.fault(&error))
    }

    pub(super) async fn was_committed(&self, fence: &Fence, chunk: &ChunkMark) -> Own<Option<Copied>> {
        let mut reader = self.reader().await?;
        let row = sqlx::query(
            "SELECT rows_in, rows_out, quarantined FROM migration_chunk WHERE source = $1 AND seq = $2",
        )
        .bind(&fence.label)
        .bind(chunk.seq)
        .fetch_optional(&mut reader)
        .await
        .map_err(|error| self.fault(&error))?;
        let _ = reader.close().await;
        Ok(row.map(|row| ledger::copied(&row)))
    }

    pub(super) async fn take_lease(&self, ask: &LeaseAsk) -> Own<Taken> {
        let file = std::fs::File::options()
            .create(true)
            .truncate(false)
            .write(true)
            .open(self.lock_path())
            .map_err(|error| {
                StoreError::Refused(format!("the lock file of {}: {}", self.words, error.kind()))
            })?;
        // The operating system drops the lock with its process, so a lock that can be had means that no holder lives.
        let alone = file.try_lock().is_ok();
        let mut writer = self.writer.lock().await;
        let connection = self.open_writer(&mut writer).await?;
        let mut tx = connection
            .begin_with("BEGIN IMMEDIATE")
            .await
            .map_err(|error| self.fault(&error))?;
        let before = sqlx::query(
            "SELECT holder, token, released, CAST(strftime('%s', 'now') AS INTEGER) - taken_at AS held, CAST(strftime('%s', 'now') AS INTEGER) - beat_at AS silent FROM migration_lease WHERE source = $1",
        )
        .bind(&ask.label)
        .fetch_optional(&mut *tx)
        .await
        .map_err(|error| self.fault(&error))?;
        let from = before
            .as_ref()
            .filter(|row| row.get::<i64, _>("released") == 0)
            .map(|row| row.get::<String, _>("holder"));
        if !alone && ask.force.is_none() {
            let now = before
                .as_ref()
                .filter(|row| row.get::<i64, _>("released") == 0)
                .map_or_else(
                    || LeaseHolder {
                        holder: "another operator".to_owned(),
                        held_s: 0,
                        silent_s: 0,
                        token: 0,
                    },
                    |row| LeaseHolder {
                        holder: row.get("holder"),
                        held_s: row.get::<i64, _>("held").unsigned_abs(),
                        silent_s: row.get::<i64, _>("silent").unsigned_abs(),
                        token: row.get("token"),
                    },
                );
            if now.silent_s < u64::from(ask.ttl_s) {
                return Ok(Taken::No(now));
            }
        }
        let note = ask
            .force
            .as_ref()
            .map(|why| format!("taken from {}: {why}", from.as_deref().unwrap_or("nobody")));
        let token: i64 = sqlx::query_scalar(
            "INSERT INTO migration_lease (source, token, holder, session, taken_at, beat_at, released, note) \
             VALUES ($1, 1, $2, $3, CAST(strftime('%s', 'now') AS INTEGER), CAST(strftime('%s', 'now') AS INTEGER), 0, $4) \
             ON CONFLICT (source) DO UPDATE SET token = token + 1, holder = $2, session = $3, taken_at = CAST(strftime('%s', 'now') AS INTEGER), beat_at = CAST(strftime('%s', 'now') AS INTEGER), released = 0, note = $4 \
             RETURNING token",
        )
        .bind(&ask.label)
        .bind(&ask.holder)
        .bind(std::process::id().to_string())
        .bind(note)
        .fetch_one(&mut *tx)
        .await
        .map_err(|error| self.fault(&error))?;
        tx.commit().await.map_err(|error| self.fault(&error))?;
        *self.lock.lock().await = Some(file);
        Ok(Taken::Yes { token, from })
    }

    pub(super) async fn beat_lease(&self, fence: &Fence) -> Own<()> {
        let mut writer = self.writer.lock().await;
        let connection = self.open_writer(&mut writer).await?;
        self.hold_fence(connection, fence).await
    }

    pub(super) async fn release_lease(&self, fence: &Fence) -> Own<()> {
        {
            let mut writer = self.writer.lock().await;
            let connection = self.open_writer(&mut writer).await?;
            sqlx::query("UPDATE migration_lease SET released = 1 WHERE source = $1 AND token = $2")
                .bind(&fence.label)
                .bind(fence.token)
                .execute(&mut *connection)
                .await
                .map_err(|error| self.fault(&error))?;
            if let Some(connection) = writer.connection.take() {
                let _ = connection.close().await;
            }
        }
        if let Some(file) = self.lock.lock().await.take() {
            // Removed while it is still held; whoever opened it before finds a greater token at worst.
            let _ = std::fs::remove_file(self.lock_path());
            drop(file);
        }
        Ok(())
    }

    pub(super) async fn remove_rows(&self, recipe: &Recipe, fence: &Fence, limit: u64) -> Own<u64> {
        let mut writer = self.writer.lock().await;
        let connection = self.open_writer(&mut writer).await?;
        let mut tx = connection.begin().await.map_err(|error| self.fault(&error))?;
        self.hold_fence(&mut tx, fence).await?;
        let batch = "SELECT rowid FROM migration_tracking WHERE source = $1 ORDER BY rowid LIMIT $2";
        let removed = sqlx::query(sql(format!(
            "DELETE FROM {} WHERE {} IN (SELECT maos_task_id FROM migration_tracking WHERE rowid IN ({batch}))",
            table(&recipe.target.table),
            ident(&recipe.target.columns[0].name)
        )))
        .bind(&recipe.label)
        .bind(number(limit))
        .execute(&mut *tx)
        .await
        .map_err(|error| self.fault(&error))?
        .rows_affected();
        sqlx::query(sql(format!(
            "DELETE FROM migration_tracking WHERE rowid IN ({batch})"
        )))
        .bind(&recipe.label)
        .bind(number(limit))
        .execute(&mut *tx)
        .await
        .map_err(|error| self.fault(&error))?;
        let more: bool =
            sqlx::query_scalar("SELECT EXISTS (SELECT 1 FROM migration_tracking WHERE source = $1)")
                .bind(&recipe.label)
                .fetch_one(&mut *tx)
                .await
                .map_err(|error| self.fault(&error))?;
        if !more {
            for name in ["migration_quarantine", "migration_chunk"] {
                sqlx::query(sql(format!("DELETE FROM {name} WHERE source = $1")))
                    .bind(&recipe.label)
                    .execute(&mut *tx)
                    .await
                    .map_err(|error| self.fault(&error))?;
            }
        }
        tx.commit().await.map_err(|error| self.fault(&error))?;
        Ok(removed)
    }

    #[expect(clippy::unused_async, reason = "the port asks for a future")]
    pub(super) async fn cancel_all(&self) -> Own<()> {
        self.cancelled.store(true, std::sync::atomic::Ordering::SeqCst);
        Ok(())
    }
}
