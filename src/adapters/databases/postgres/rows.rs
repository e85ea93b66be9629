//! Single rows, for carrying them over: read as JSON, written by the table's own types, remembered so that none comes twice.

use serde_json::Value;
use sqlx::postgres::PgConnection;
use sqlx::{Connection as _, Row as _};

use super::{PgDatabase, sql};
use crate::adapters::ledger::{list, named};
use crate::adapters::phrase::{ident, table as quoted};
use crate::engine::error::{Error, Result};
use crate::engine::ports::databases::{CARRIED, Column, Database as _};
use crate::engine::ports::store::Table;

/// Rows of one transaction.
const BATCH: usize = 500;

impl PgDatabase {
    pub(super) async fn read_rows(&self, table: &Table, keys: &[String]) -> Result<Vec<(String, Value)>> {
        let mut connection = self.connect().await?;
        let found = self.must_find(&mut connection, table).await?;
        let key = ident(&self.key_of(&mut connection, &found).await?);
        let mut all = Vec::with_capacity(keys.len());
        let text = format!(
            "SELECT t.{key}::text AS key, to_jsonb(t) AS row FROM {} t WHERE t.{key}::text = ANY ($1)",
            quoted(&found)
        );
        for some in keys.chunks(BATCH) {
            let rows = sqlx::query(sql(&text))
                .bind(some)
                .fetch_all(&mut connection)
                .await
                .map_err(|error| self.fault(&error))?;
            all.extend(
                rows.iter()
                    .map(|row| (row.get("key"), row.get::<Value, _>("row"))),
            );
        }
        let _ = connection.close().await;
        Ok(all)
    }

    async fn must_find(&self, connection: &mut PgConnection, table: &Table) -> Result<Table> {
        self.find(connection, table)
            .await?
            .ok_or_else(|| Error::input(format!("there is no table {table} in {}", self.words())))
    }

    /// The table that remembers, beside the rows.
    fn memory(table: &Table) -> String {
        quoted(&table.sibling(CARRIED))
    }

    pub(super) async fn carry_rows(&self, table: &Table, run: &str, rows: &[(String, Value)]) -> Result<u64> {
        let mut connection = self.connect().await?;
        let found = self.must_find(&mut connection, table).await?;
        let columns = self.look_columns(&mut connection, &found).await?;
        let memory = Self::memory(&found);
        self.execute(
            &mut connection,
            format!(
                "CREATE TABLE IF NOT EXISTS {memory} (origin TEXT PRIMARY KEY, run TEXT NOT NULL, own_key TEXT NOT NULL, \
                 at TIMESTAMPTZ NOT NULL DEFAULT now())"
            ),
        )
        .await?;
        let mut there = 0;
        for some in rows.chunks(BATCH) {
            self.execute(&mut connection, "BEGIN").await?;
            match self
                .carry_some(&mut connection, &found, &columns, run, some)
                .await
            {
                Ok(count) => there += count,
                Err(error) => {
                    let _ = self.execute(&mut connection, "ROLLBACK").await;
                    return Err(error);
                }
            }
            self.execute(&mut connection, "COMMIT").await?;
        }
        self.advance(&mut connection, &found, &columns).await?;
        let _ = connection.close().await;
        Ok(there)
    }

    /// Numbers that were carried are not given again: the sequence behind the key goes past them.
    async fn advance(&self, connection: &mut PgConnection, table: &Table, columns: &[Column]) -> Result<()> {
        let numbered = |column: &&Column| {
            column.key && matches!(column.kind.as_str(), "integer" | "bigint" | "smallint")
        };
        let Some(key) = columns.iter().find(numbered) else {
            return Ok(());
        };
        let text = format!(
            "SELECT setval(s, greatest((SELECT max({0}) FROM {1}), (SELECT last_value FROM pg_sequences WHERE format('%I.%I', schemaname, sequencename)::regclass = s::regclass), 1)) \
             FROM (SELECT pg_get_serial_sequence($1, $2) AS s) found WHERE s IS NOT NULL",
            ident(&key.name),
            quoted(table)
        );
        sqlx::query(sql(text))
            .bind(quoted(table))
            .bind(&key.name)
            .execute(connection)
            .await
            .map(|_| ())
            .map_err(|error| self.fault(&error))
    }

    async fn carry_some(
        &self,
        connection: &mut PgConnection,
        table: &Table,
        columns: &[Column],
        run: &str,
        rows: &[(String, Value)],
    ) -> Result<u64> {
        let memory = Self::memory(table);
        let key = columns
            .iter()
            .find(|column| column.key)
            .map(|column| ident(&column.name))
            .ok_or_else(|| Error::input(format!("table {table} has no primary key")))?;
        for (origin, row) in rows {
            let known: bool = sqlx::query_scalar(sql(format!(
                "SELECT EXISTS (SELECT 1 FROM {memory} WHERE origin = $1)"
            )))
            .bind(origin)
            .fetch_one(&mut *connection)
            .await
            .map_err(|error| self.fault(&error))?;
            if known {
                continue;
            }
            let names = list(&named(table, columns, row)?);
            // The row takes the types of the table; what it does not name fills itself.
            let text = format!(
                "INSERT INTO {0} ({names}) SELECT {names} FROM jsonb_populate_record(NULL::{0}, $1) RETURNING {key}::text",
                quoted(table)
            );
            let own: String = sqlx::query_scalar(sql(text))
                .bind(row)
                .fetch_one(&mut *connection)
                .await
                .map_err(|error| self.fault(&error))?;
            sqlx::query(sql(format!(
                "INSERT INTO {memory} (origin, run, own_key) VALUES ($1, $2, $3)"
            )))
            .bind(origin)
            .bind(run)
            .bind(own)
            .execute(&mut *connection)
            .await
            .map_err(|error| self.fault(&error))?;
        }
        Ok(rows.len() as u64)
    }

    async fn has_memory(&self, connection: &mut PgConnection, memory: &Table) -> Result<Option<Table>> {
        self.find(connection, memory).await
    }

    pub(super) async fn count_carried(&self, run: &str) -> Result<u64> {
        let mut connection = self.connect().await?;
        let Some(memory) = self.has_memory(&mut connection, &Table::parse(CARRIED)).await? else {
            return Ok(0);
        };
        let count: i64 = sqlx::query_scalar(sql(format!(
            "SELECT count(*) FROM {} WHERE run = $1",
            quoted(&memory)
        )))
        .bind(run)
        .fetch_one(&mut connection)
        .await
        .map_err(|error| self.fault(&error))?;
        let _ = connection.close().await;
        Ok(u64::try_from(count).unwrap_or(0))
    }

    pub(super) async fn remove_carried(&self, table: &Table, run: &str) -> Result<u64> {
        let mut connection = self.connect().await?;
        let Some(found) = self.find(&mut connection, table).await? else {
            return Ok(0);
        };
        let Some(memory) = self.has_memory(&mut connection, &found.sibling(CARRIED)).await? else {
            return Ok(0);
        };
        let key = ident(&self.key_of(&mut connection, &found).await?);
        let (rows, memory) = (quoted(&found), quoted(&memory));
        let removed = sqlx::query(sql(format!(
            "WITH gone AS (DELETE FROM {memory} WHERE run = $1 RETURNING own_key) DELETE FROM {rows} t USING gone WHERE t.{key}::text = gone.own_key"
        )))
        .bind(run)
        .execute(&mut connection)
        .await
        .map_err(|error| self.fault(&error))?;
        let _ = connection.close().await;
        Ok(removed.rows_affected())
    }
}
