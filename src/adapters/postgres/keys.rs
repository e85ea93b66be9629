//! The keys of the tracking table, put off while many rows are copied into it: an index built over rows that are there costs a fraction of
//! one that is filled row by row. The same with the primary key of a task table that this run has made, which nobody else can be using yet;
//! the table's comment says so as long as it lasts, and [`PgStore::look_relation`] takes such a key for one that is there.
//!
//! Only an empty table loses its keys, under a lock that waits for nobody, and only for the time of the copy: [`PgStore::build_keys`] makes
//! whatever is missing, after a copy, before a run is taken back, and again in the next run should this one die in between. Until then the
//! chunks' own ledger rows, written in the same transactions under the fence, keep a row from being tracked twice.

use sqlx::{Connection as _, PgConnection};

use super::{Own, PgStore, sql};
use crate::adapters::phrase::{beside, ident, literal, table};
use crate::engine::ports::store::{Fence, Recipe, StoreError, Table};

/// One task of a source is tracked once.
pub(super) const KEY: &str = "CREATE UNIQUE INDEX IF NOT EXISTS migration_tracking_legacy_key \
                              ON {schema}migration_tracking (legacy_task_id COLLATE \"C\", source)";
/// Ids a session takes at once while rows are copied.
const CACHE: u32 = 1_000;

/// The comment of a task table whose primary key is put off.
pub(super) const PUT_OFF: &str =
    "maos-migrate is copying rows into this table; its primary key over id is built after them";

/// Says to the server, for one transaction, that no helpers are wanted for the index of a table of less than half a gigabyte: starting them
/// costs more than they save, and several indexes are built at once.
fn alone(table: &str) -> String {
    format!(
        "SELECT set_config('max_parallel_maintenance_workers', '0', true) WHERE pg_table_size(to_regclass({})) < 512 * 1024 * 1024",
        literal(table)
    )
}

/// Makes the primary key over `id`: its index first, beside which the table is read, then the key, which keeps others out for a moment only.
fn primary(table: &str, name: &str) -> String {
    let key = ident(&format!("{name}_pkey"));
    format!(
        "CREATE UNIQUE INDEX {key} ON {table} (id); ALTER TABLE {table} ADD CONSTRAINT {key} PRIMARY KEY USING INDEX {key}"
    )
}

fn tracking(target: &Table) -> String {
    format!("{}migration_tracking", beside(target))
}

impl PgStore {
    /// Drops the keys of an empty tracking table. What stands against it leaves them where they are, which is slower and just as right.
    pub(super) async fn put_off_keys(&self, recipe: &Recipe, fence: &Fence, tasks: bool) -> Own<()> {
        let dropped = self.drop_keys(recipe, fence).await;
        let dropped = match dropped {
            Ok(()) if tasks => self.drop_task_key(recipe, fence).await,
            other => other,
        };
        match dropped {
            Err(error @ StoreError::Fenced(_)) => Err(error),
            Ok(()) | Err(_) => Ok(()),
        }
    }

    async fn drop_task_key(&self, recipe: &Recipe, fence: &Fence) -> Own<()> {
        let tasks = table(&recipe.target.table);
        let mut connection = self.connection().await?;
        let mut tx = connection.begin().await.map_err(|error| self.fault(&error))?;
        self.plain(&mut tx, "SET LOCAL lock_timeout = '500ms'".to_owned())
            .await?;
        self.hold_fence(&mut tx, fence).await?;
        self.plain(&mut tx, format!("LOCK TABLE {tasks} IN ACCESS EXCLUSIVE MODE"))
            .await?;
        // Just as this program makes it: one key, over the id, and nothing that leans on it.
        let key: Option<String> = sqlx::query_scalar(sql(format!(
            "SELECT k.conname::text FROM pg_constraint k JOIN pg_attribute a ON a.attrelid = k.conrelid AND k.conkey = ARRAY[a.attnum] \
             WHERE k.conrelid = to_regclass($1) AND k.contype = 'p' AND a.attname = 'id' AND NOT EXISTS (SELECT 1 FROM {tasks}) \
             AND (SELECT count(*) FROM pg_index i WHERE i.indrelid = k.conrelid) = 1 \
             AND NOT EXISTS (SELECT 1 FROM pg_constraint f WHERE f.confrelid = k.conrelid) AND obj_description(k.conrelid, 'pg_class') IS NULL"
        )))
        .bind(&tasks)
        .fetch_optional(&mut *tx)
        .await
        .map_err(|error| self.fault(&error))?;
        let Some(key) = key else { return Ok(()) };
        self.plain(
            &mut tx,
            format!(
                "ALTER TABLE {tasks} DROP CONSTRAINT {}; COMMENT ON TABLE {tasks} IS {}",
                ident(&key),
                literal(PUT_OFF)
            ),
        )
        .await?;
        tx.commit().await.map_err(|error| self.fault(&error))
    }

    /// Makes the primary key of a task table whose comment says that it was put off.
    pub(super) async fn build_task_key(&self, target: &Table) -> Own<()> {
        let tasks = table(target);
        let mut connection = self.connection().await?;
        let waits: bool = sqlx::query_scalar(
            "SELECT coalesce(obj_description(to_regclass($1)::oid, 'pg_class') = $2, false)",
        )
        .bind(&tasks)
        .bind(PUT_OFF)
        .fetch_one(&mut *connection)
        .await
        .map_err(|error| self.fault(&error))?;
        if !waits {
            return Ok(());
        }
        // Sent as one text, and so one transaction.
        self.plain(
            &mut connection,
            format!(
                "{}; {}; COMMENT ON TABLE {tasks} IS NULL",
                alone(&tasks),
                primary(&tasks, &target.name)
            ),
        )
        .await
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
            "SELECT pg_get_serial_sequence($1, a.attname::text), (SELECT k.conname::text FROM pg_constraint k WHERE k.conrelid = a.attrelid AND k.contype = 'p' AND k.conkey = ARRAY[a.attnum]) \
             FROM pg_attribute a WHERE a.attrelid = to_regclass($1) AND a.attname = 'id' AND NOT a.attisdropped AND a.attnotnull AND pg_get_serial_sequence($1, a.attname::text) IS NOT NULL",
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
        let alone = alone(&table);
        if !keyed {
            let key = KEY.replace("{schema}", &beside(target));
            self.plain(&mut connection, format!("{alone}; {key}")).await?;
        }
        let numbered: bool = sqlx::query_scalar(
            "SELECT EXISTS (SELECT 1 FROM pg_index WHERE indrelid = to_regclass($1) AND indisprimary)",
        )
        .bind(&table)
        .fetch_one(&mut *connection)
        .await
        .map_err(|error| self.fault(&error))?;
        if numbered {
            return Ok(());
        }
        if let Some((sequence, None)) = self.numbered(&mut connection, &table).await? {
            self.plain(
                &mut connection,
                format!(
                    "{alone}; {}; ALTER SEQUENCE {sequence} CACHE 1",
                    primary(&table, "migration_tracking")
                ),
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
