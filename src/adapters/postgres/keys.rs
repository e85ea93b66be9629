//! The keys of the tracking table, put off while many rows are copied into it: an index built over rows that are there costs a fraction of
//! one that is filled row by row.
//!
//! Only an empty table loses its keys, under a lock that waits for nobody, and only for the time of the copy: [`PgStore::build_keys`] makes
//! whatever is missing, after a copy, before a run is taken back, and again in the next run should this one die in between. Until then the
//! chunks' own ledger rows, written in the same transactions under the fence, keep a row from being tracked twice.

use sqlx::{Connection as _, PgConnection};

use super::{Own, PgStore, sql};
use crate::adapters::phrase::{beside, ident};
use crate::engine::ports::store::{Fence, Recipe, StoreError, Table};

/// One task of a source is tracked once.
pub(super) const KEY: &str = "CREATE UNIQUE INDEX IF NOT EXISTS migration_tracking_legacy_key \
                              ON {schema}migration_tracking (legacy_task_id COLLATE \"C\", source)";
/// Ids a session takes at once while rows are copied.
const CACHE: u32 = 1_000;

fn tracking(target: &Table) -> String {
    format!("{}migration_tracking", beside(target))
}

impl PgStore {
    /// Drops the keys of an empty tracking table. What stands against it leaves them where they are, which is slower and just as right.
    pub(super) async fn put_off_keys(&self, recipe: &Recipe, fence: &Fence) -> Own<()> {
        match self.drop_keys(recipe, fence).await {
            Err(error @ StoreError::Fenced(_)) => Err(error),
            Ok(()) | Err(_) => Ok(()),
        }
    }

    async fn drop_keys(&self, recipe: &Recipe, fence: &Fence) -> Own<()> {
        let table = tracking(&recipe.target.table);
        let mut connection = self.connection().await?;
        let mut tx = connection.begin().await.map_err(|error| self.fault(&error))?;
        self.plain(&mut tx, "SET LOCAL lock_timeout = '500ms'".to_owned())
            .await?;
        self.hold_fence(&mut tx, fence).await?;
        let ours: bool = sqlx::query_scalar(
            "SELECT coalesce((SELECT c.relkind = 'r' AND pg_has_role(c.relowner, 'USAGE') AND NOT EXISTS (SELECT 1 FROM pg_constraint f WHERE f.confrelid = c.oid) \
             FROM pg_class c WHERE c.oid = to_regclass($1)), false)",
        )
        .bind(&table)
        .fetch_one(&mut *tx)
        .await
        .map_err(|error| self.fault(&error))?;
        if !ours {
            return Ok(());
        }
        self.plain(&mut tx, format!("LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE"))
            .await?;
        let empty: bool = sqlx::query_scalar(sql(format!("SELECT NOT EXISTS (SELECT 1 FROM {table})")))
            .fetch_one(&mut *tx)
            .await
            .map_err(|error| self.fault(&error))?;
        if !empty {
            return Ok(());
        }
        self.plain(
            &mut tx,
            format!(
                "DROP INDEX IF EXISTS {}migration_tracking_legacy_key",
                beside(&recipe.target.table)
            ),
        )
        .await?;
        // The primary key goes only where the guide's table has it, so that it can be made again without knowing more.
        if let Some((sequence, Some(key))) = self.numbered(&mut tx, &table).await? {
            self.plain(
                &mut tx,
                format!(
                    "ALTER TABLE {table} DROP CONSTRAINT {}; ALTER SEQUENCE {sequence} CACHE {CACHE}",
                    ident(&key)
                ),
            )
            .await?;
        }
        tx.commit().await.map_err(|error| self.fault(&error))
    }

    /// The sequence behind the table's column `id`, where it has one, and the name of the primary key over just that column.
    async fn numbered(&self, tx: &mut PgConnection, table: &str) -> Own<Option<(String, Option<String>)>> {
        sqlx::query_as(
            "SELECT pg_get_serial_sequence($1, 'id'), (SELECT k.conname::text FROM pg_constraint k WHERE k.conrelid = a.attrelid AND k.contype = 'p' AND k.conkey = ARRAY[a.attnum]) \
             FROM pg_attribute a WHERE a.attrelid = to_regclass($1) AND a.attname = 'id' AND NOT a.attisdropped AND a.attnotnull AND pg_get_serial_sequence($1, 'id') IS NOT NULL",
        )
        .bind(table)
        .fetch_optional(tx)
        .await
        .map_err(|error| self.fault(&error))
    }

    /// Makes the keys that are missing.
    pub(super) async fn build_keys(&self, target: &Table) -> Own<()> {
        let table = tracking(target);
        let mut connection = self.connection().await?;
        let keyed: bool = sqlx::query_scalar("SELECT to_regclass($1) IS NOT NULL")
            .bind(format!("{}migration_tracking_legacy_key", beside(target)))
            .fetch_one(&mut *connection)
            .await
            .map_err(|error| self.fault(&error))?;
        if !keyed {
            self.plain(&mut connection, KEY.replace("{schema}", &beside(target)))
                .await?;
        }
        let primary: bool = sqlx::query_scalar(
            "SELECT EXISTS (SELECT 1 FROM pg_index WHERE indrelid = to_regclass($1) AND indisprimary)",
        )
        .bind(&table)
        .fetch_one(&mut *connection)
        .await
        .map_err(|error| self.fault(&error))?;
        if primary {
            return Ok(());
        }
        if let Some((sequence, None)) = self.numbered(&mut connection, &table).await? {
            self.plain(
                &mut connection,
                format!("ALTER TABLE {table} ADD PRIMARY KEY (id); ALTER SEQUENCE {sequence} CACHE 1"),
            )
            .await?;
        }
        Ok(())
    }

    async fn plain(&self, connection: &mut PgConnection, text: String) -> Own<()> {
        sqlx::raw_sql(sql(text))
            .execute(connection)
            .await
            .map(|_| ())
            .map_err(|error| self.fault(&error))
    }
}
