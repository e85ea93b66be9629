//! Single rows of a SQLite file, for carrying them over.

use futures_util::TryStreamExt as _;
use serde_json::Value;
use sqlx::sqlite::SqliteConnection;
use sqlx::{Connection as _, Row as _};

use super::{SqliteDatabase, hash, sql};
use crate::adapters::ledger::{list, named};
use crate::adapters::phrase::{ident, literal};
use crate::engine::error::{Error, Result};
use crate::engine::ports::databases::{CARRIED, Column, Database as _, KeySink};
use crate::engine::ports::store::Table;

impl SqliteDatabase {
    async fn key_of(
        &self,
        connection: &mut SqliteConnection,
        table: &Table,
    ) -> Result<(String, Vec<Column>)> {
        let columns = self.look_columns(connection, table).await?;
        let keys: Vec<&Column> = columns.iter().filter(|column| column.key).collect();
        match keys.as_slice() {
            [one] => Ok((one.name.clone(), columns)),
            _ => Err(Error::input(format!(
                "table {table} of {} has no primary key of one column",
                self.name()
            ))),
        }
    }

    pub(super) async fn stream_keys(
        &self,
        table: &Table,
        column: Option<&str>,
        sink: KeySink<'_>,
    ) -> Result<Option<u64>> {
        let mut connection = self.open(false).await?;
        if !self.exists_table(&mut connection, &table.name).await? {
            return Ok(None);
        }
        let (key, row) = if let Some(column) = column {
            (column.to_owned(), "''".to_owned())
        } else {
            let (key, columns) = self.key_of(&mut connection, table).await?;
            (key, Self::as_text(&columns))
        };
        let text = format!(
            "SELECT CAST({key} AS TEXT) AS key, {row} AS row FROM {} WHERE {key} IS NOT NULL ORDER BY CAST({key} AS TEXT) COLLATE BINARY",
            ident(&table.name),
            key = ident(&key)
        );
        let mut rows = sqlx::query(sql(text)).fetch(&mut connection);
        let mut count = 0;
        while let Some(row) = rows.try_next().await.map_err(|error| self.fault(&error))? {
            sink(row.get("key"), hash(row.get("row")))?;
            count += 1;
        }
        Ok(Some(count))
    }

    pub(super) async fn read_rows(&self, table: &Table, keys: &[String]) -> Result<Vec<(String, Value)>> {
        let mut connection = self.open(false).await?;
        let (key, columns) = self.key_of(&mut connection, table).await?;
        // A blob has no form in JSON; written as hex it would come back as text.
        let parts: Vec<String> = columns
            .iter()
            .map(|column| format!("{}, {}", literal(&column.name), ident(&column.name)))
            .collect();
        let text = format!(
            "SELECT CAST({0} AS TEXT) AS key, json_object({1}) AS row FROM {2} WHERE CAST({0} AS TEXT) = $1",
            ident(&key),
            parts.join(", "),
            ident(&table.name)
        );
        let mut all = Vec::with_capacity(keys.len());
        for wanted in keys {
            let row = sqlx::query(sql(&text))
                .bind(wanted)
                .fetch_optional(&mut connection)
                .await
                .map_err(|error| self.fault(&error))?;
            if let Some(row) = row {
                let value = serde_json::from_str(row.get("row")).map_err(|_| {
                    Error::input(format!(
                        "row {wanted} of {table} has a value that JSON cannot hold"
                    ))
                })?;
                all.push((row.get("key"), value));
            }
        }
        let _ = connection.close().await;
        Ok(all)
    }

    pub(super) async fn carry_rows(&self, table: &Table, run: &str, rows: &[(String, Value)]) -> Result<u64> {
        let mut connection = self.open(false).await?;
        let (key, columns) = self.key_of(&mut connection, table).await?;
        self.execute(&mut connection, "BEGIN IMMEDIATE").await?;
        let carried = self
            .carry_all(&mut connection, table, (&key, &columns), run, rows)
            .await;
        let end = if carried.is_ok() { "COMMIT" } else { "ROLLBACK" };
        self.execute(&mut connection, end).await?;
        let _ = connection.close().await;
        carried.map(|()| rows.len() as u64)
    }

    async fn carry_all(
        &self,
        connection: &mut SqliteConnection,
        table: &Table,
        (key, columns): (&str, &[Column]),
        run: &str,
        rows: &[(String, Value)],
    ) -> Result<()> {
        self.execute(
            connection,
            format!(
                "CREATE TABLE IF NOT EXISTS {CARRIED} (origin TEXT PRIMARY KEY, run TEXT NOT NULL, own_key TEXT NOT NULL, \
                 at TEXT NOT NULL DEFAULT CURRENT_TIMESTAMP)"
            ),
        )
        .await?;
        for (origin, row) in rows {
            let known: bool = sqlx::query_scalar(sql(format!(
                "SELECT EXISTS (SELECT 1 FROM {CARRIED} WHERE origin = $1)"
            )))
            .bind(origin)
            .fetch_one(&mut *connection)
            .await
            .map_err(|error| self.fault(&error))?;
            if known {
                continue;
            }
            let names = named(table, columns, row)?;
            let values: Vec<String> = names
                .iter()
                .map(|name| format!("json_extract($1, {})", literal(&format!("$.\"{name}\""))))
                .collect();
            let text = format!(
                "INSERT INTO {} ({}) SELECT {} RETURNING CAST({} AS TEXT)",
                ident(&table.name),
                list(&names),
                values.join(", "),
                ident(key)
            );
            let own: String = sqlx::query_scalar(sql(text))
                .bind(row.to_string())
                .fetch_one(&mut *connection)
                .await
                .map_err(|error| self.fault(&error))?;
            sqlx::query(sql(format!(
                "INSERT INTO {CARRIED} (origin, run, own_key) VALUES ($1, $2, $3)"
            )))
            .bind(origin)
            .bind(run)
            .bind(own)
            .execute(&mut *connection)
            .await
            .map_err(|error| self.fault(&error))?;
        }
        Ok(())
    }

    pub(super) async fn count_carried(&self, run: &str) -> Result<u64> {
        let mut connection = self.open(false).await?;
        if !self.exists_table(&mut connection, CARRIED).await? {
            return Ok(0);
        }
        let count: i64 = sqlx::query_scalar(sql(format!("SELECT count(*) FROM {CARRIED} WHERE run = $1")))
            .bind(run)
            .fetch_one(&mut connection)
            .await
            .map_err(|error| self.fault(&error))?;
        let _ = connection.close().await;
        Ok(u64::try_from(count).unwrap_or(0))
    }

    pub(super) async fn remove_carried(&self, table: &Table, run: &str) -> Result<u64> {
        let mut connection = self.open(false).await?;
        if !self.exists_table(&mut connection, CARRIED).await? {
            return Ok(0);
        }
        let (key, _) = self.key_of(&mut connection, table).await?;
        self.execute(&mut connection, "BEGIN IMMEDIATE").await?;
        let removed = sqlx::query(sql(format!(
            "DELETE FROM {} WHERE CAST({} AS TEXT) IN (SELECT own_key FROM {CARRIED} WHERE run = $1)",
            ident(&table.name),
            ident(&key)
        )))
        .bind(run)
        .execute(&mut connection)
        .await
        .map(|done| done.rows_affected());
        let forgotten = match &removed {
            Ok(_) => sqlx::query(sql(format!("DELETE FROM {CARRIED} WHERE run = $1")))
                .bind(run)
                .execute(&mut connection)
                .await
                .map(|_| ()),
            Err(_) => Ok(()),
        };
        let end = if removed.is_ok() && forgotten.is_ok() {
            "COMMIT"
        } else {
            "ROLLBACK"
        };
        self.execute(&mut connection, end).await?;
        forgotten.map_err(|error| self.fault(&error))?;
        removed.map_err(|error| self.fault(&error))
    }
}
