//! The ledger beside the data: creating it, reading it, and taking rows back.

use sqlx::{Connection as _, PgConnection, Row as _};

use super::{Own, PgStore, sql};
use crate::adapters::ledger::{self, count as rows, fenced, number};
use crate::adapters::phrase::{beside, ident, literal, table};
use crate::engine::ports::store::{
    ChunkMark, ChunkRow, ColumnKind, Copied, Fence, Recipe, RunRow, Setup, Table,
};

const TASKS: &str = include_str!("../../../assets/schema/postgres/tasks.sql");
pub(super) const LEDGER: &str = include_str!("../../../assets/schema/postgres/ledger.sql");

impl PgStore {
    pub(super) async fn make_ready(&self, recipe: &Recipe, setup: &Setup) -> Own<u64> {
        let target = &recipe.target.table;
        let mut connection = self.connection().await?;
        let mut tx = connection.begin().await.map_err(|error| self.fault(&error))?;
        let mut run = async |text: String| -> Own<u64> {
            sqlx::raw_sql(sql(text))
                .execute(&mut *tx)
                .await
                .map(|done| done.rows_affected())
                .map_err(|error| self.fault(&error))
        };
        // Two operators may start at once; CREATE IF NOT EXISTS alone does not order them.
        run(
            "SET LOCAL lock_timeout = '5s'; SET LOCAL enable_nestloop = off; SELECT pg_advisory_xact_lock(hashtext('maos-migrate ledger'))"
                .to_owned(),
        )
        .await?;
        if setup.create_tasks {
            let exists = self.look_relation(target).await?.is_some();
            if !exists {
                run(TASKS
                    .replace("{schema}", &beside(target))
                    .replace("{tasks}", &ident(&target.name)))
                .await?;
            }
        }
        run(LEDGER.replace("{schema}", &beside(target))).await?;
        let mut adopted = 0;
        if setup.adopt {
            let metadata = &recipe.target.columns[6];
            let id = &recipe.target.columns[0];
            let name = format!("t.{}", ident(&metadata.name));
            let json = if metadata.kind == ColumnKind::Jsonb {
                name
            } else {
                format!("{name}::jsonb")
            };
            adopted = run(format!(
                "DELETE FROM {} t WHERE {json} @> '{{\"migrated_from_legacy\": true}}' AND NOT EXISTS (SELECT 1 FROM {}migration_tracking m WHERE m.maos_task_id = t.{}::text)",
                table(target),
                beside(target),
                ident(&id.name)
            ))
            .await?;
        }
        tx.commit().await.map_err(|error| self.fault(&error))?;
        Ok(adopted)
    }

    /// Fails unless the fence's token is the present one, and keeps it so until the transaction ends.
    pub(super) async fn hold_fence(&self, connection: &mut PgConnection, fence: &Fence) -> Own<()> {
        let held: Option<i32> = sqlx::query_scalar(sql(format!(
            "SELECT 1 FROM {}migration_lease WHERE source = $1 AND token = $2 AND NOT released FOR KEY SHARE",
            beside(&fence.target)
        )))
        .bind(&fence.label)
        .bind(fence.token)
        .fetch_optional(connection)
        .await
        .map_err(|error| self.fault(&error))?;
        if held.is_some() {
            return Ok(());
        }
        let now: Option<(String, i64)> = {
            let mut other = self.connection().await?;
            sqlx::query_as(sql(format!(
                "SELECT holder, token FROM {}migration_lease WHERE source = $1",
                beside(&fence.target)
            )))
            .bind(&fence.label)
            .fetch_optional(&mut *other)
            .await
            .map_err(|error| self.fault(&error))?
        };
        Err(fenced(fence, now))
    }

    pub(super) async fn read_run(&self, target: &Table, label: &str) -> Own<Option<RunRow>> {
        if self
            .look_relation(&target.sibling("migration_run"))
            .await?
            .is_none()
        {
            return Ok(None);
        }
        let mut connection = self.connection().await?;
        let row = sqlx::query(sql(format!(
            "SELECT r.*, coalesce((SELECT token FROM {0}migration_lease l WHERE l.source = r.source), 0) AS token FROM {0}migration_run r WHERE r.source = $1",
            beside(target)
        )))
        .bind(label)
        .fetch_optional(&mut *connection)
        .await
        .map_err(|error| self.fault(&error))?;
        row.map(|row| ledger::run(&row, &self.words)).transpose()
    }

    pub(super) async fn read_chunks(&self, target: &Table, label: &str) -> Own<Vec<ChunkRow>> {
        let mut connection = self.connection().await?;
        let found = sqlx::query(sql(format!(
            "SELECT seq, after_key, upto_key, rows_in, rows_out, quarantined, hash FROM {}migration_chunk WHERE source = $1 ORDER BY seq",
            beside(target)
        )))
        .bind(label)
        .fetch_all(&mut *connection)
        .await
        .map_err(|error| self.fault(&error))?;
        Ok(ledger::chunks(&found))
    }

    pub(super) async fn note_run(&self, fence: &Fence, run: &RunRow) -> Own<()> {
        let mut connection = self.connection().await?;
        let mut tx = connection.begin().await.map_err(|error| self.fault(&error))?;
        // The chunks before did not wait for the disk; this does, for them too, on a server that by itself never waits as well.
        sqlx::query("SELECT set_config('synchronous_commit', 'on', true) WHERE current_setting('synchronous_commit') = 'off'")
            .execute(&mut *tx)
            .await
            .map_err(|error| self.fault(&error))?;
        self.hold_fence(&mut tx, fence).await?;
        sqlx::query(sql(format!(
            "INSERT INTO {}migration_run (source, format, place, mapping, state, started, boundary, hash) VALUES ($1, $2, $3, $4, $5, $6, $7, $8) \
             ON CONFLICT (source) DO UPDATE SET format = $2, place = $3, mapping = $4, state = $5, started = $6, boundary = $7, hash = $8",
            beside(&fence.target)
        )))
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
        let mut connection = self.connection().await?;
        let mut tx = connection.begin().await.map_err(|error| self.fault(&error))?;
        self.hold_fence(&mut tx, fence).await?;
        let numbers: Vec<i64> = hashes.iter().map(|(seq, _)| *seq).collect();
        let texts: Vec<&str> = hashes.iter().map(|(_, hash)| hash.as_str()).collect();
        sqlx::query(sql(format!(
            "UPDATE {}migration_chunk c SET hash = n.hash FROM unnest($2::bigint[], $3::text[]) AS n(seq, hash) WHERE c.source = $1 AND c.seq = n.seq",
            beside(&fence.target)
        )))
        .bind(&fence.label)
        .bind(numbers)
        .bind(texts)
        .execute(&mut *tx)
        .await
        .map_err(|error| self.fault(&error))?;
        tx.commit().await.map_err(|error| self.fault(&error))
    }

    pub(super) async fn was_committed(&self, fence: &Fence, chunk: &ChunkMark) -> Own<Option<Copied>> {
        let mut connection = self.connection().await?;
        let row = sqlx::query(sql(format!(
            "SELECT rows_in, rows_out, quarantined FROM {}migration_chunk WHERE source = $1 AND seq = $2",
            beside(&fence.target)
        )))
        .bind(&fence.label)
        .bind(chunk.seq)
        .fetch_optional(&mut *connection)
        .await
        .map_err(|error| self.fault(&error))?;
        Ok(row.map(|row| ledger::copied(&row)))
    }

    pub(super) async fn remove_rows(&self, recipe: &Recipe, fence: &Fence, limit: u64) -> Own<u64> {
        let prefix = beside(&recipe.target.table);
        let id = &recipe.target.columns[0];
        let mut connection = self.connection().await?;
        let mut tx = connection.begin().await.map_err(|error| self.fault(&error))?;
        self.hold_fence(&mut tx, fence).await?;
        let row = sqlx::query(sql(format!(
            "WITH batch AS (DELETE FROM {prefix}migration_tracking WHERE ctid = ANY (ARRAY(SELECT ctid FROM {prefix}migration_tracking WHERE source = $1 LIMIT $2)) RETURNING maos_task_id), \
             gone AS (DELETE FROM {} t USING batch b WHERE t.{} = {} RETURNING 1) \
             SELECT count(*) AS tasks FROM gone",
            table(&recipe.target.table),
            ident(&id.name),
            super::proof::tracked_id(id, "b.maos_task_id")
        )))
        .bind(&recipe.label)
        .bind(number(limit))
        .fetch_one(&mut *tx)
        .await
        .map_err(|error| self.fault(&error))?;
        let removed = rows(row.get("tasks"));
        let more: bool = sqlx::query_scalar(sql(format!(
            "SELECT EXISTS (SELECT 1 FROM {prefix}migration_tracking WHERE source = $1)"
        )))
        .bind(&recipe.label)
        .fetch_one(&mut *tx)
        .await
        .map_err(|error| self.fault(&error))?;
        if !more {
            for name in ["migration_quarantine", "migration_chunk"] {
                sqlx::query(sql(format!("DELETE FROM {prefix}{name} WHERE source = $1")))
                    .bind(&recipe.label)
                    .execute(&mut *tx)
                    .await
                    .map_err(|error| self.fault(&error))?;
            }
        }
        tx.commit().await.map_err(|error| self.fault(&error))?;
        Ok(removed)
    }

    pub(super) async fn cancel_all(&self) -> Own<()> {
        let mut connection = self.separate().await?;
        sqlx::query(sql(format!(
            "SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE application_name = {} AND pid <> pg_backend_pid() AND state <> 'idle'",
            literal(&self.session)
        )))
        .execute(&mut connection)
        .await
        .map_err(|error| self.fault(&error))?;
        let _ = connection.close().await;
        Ok(())
    }
}
