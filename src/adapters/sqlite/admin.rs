//! The file itself: whether it is there, creating it, and the ledger's tables in it.

use sqlx::Connection as _;

use super::ledger::LEDGER;
use super::{Own, SqliteStore, sql};
use crate::engine::ports::store::Table;

impl SqliteStore {
    #[expect(clippy::unused_async, reason = "the shape of a port's methods")]
    pub(super) async fn is_there(&self) -> Own<bool> {
        Ok(self.exists())
    }

    pub(super) async fn create_empty(&self) -> Own<()> {
        if self.exists() {
            return Ok(());
        }
        let mut writer = self.writer.lock().await;
        let connection = self.open_writer(&mut writer).await?;
        // Nothing is in the file before the first write; this one changes nothing but makes it a database.
        sqlx::raw_sql("PRAGMA user_version = 0")
            .execute(&mut *connection)
            .await
            .map(|_| ())
            .map_err(|error| self.fault(&error))
    }

    pub(super) async fn has_key(&self, _target: &Table) -> Own<bool> {
        let mut reader = self.reader().await?;
        let found: i64 = sqlx::query_scalar(
            "SELECT count(*) FROM sqlite_master WHERE type = 'index' AND name = 'migration_tracking_legacy_key'",
        )
        .fetch_one(&mut reader)
        .await
        .map_err(|error| self.fault(&error))?;
        let _ = reader.close().await;
        Ok(found > 0)
    }

    pub(super) async fn create_ledger(&self, target: &Table) -> Own<()> {
        let tracking = self.look_relation(&target.sibling("migration_tracking")).await?;
        let mut writer = self.writer.lock().await;
        let connection = self.open_writer(&mut writer).await?;
        let mut tx = connection
            .begin_with("BEGIN IMMEDIATE")
            .await
            .map_err(|error| self.fault(&error))?;
        let mut statements = Vec::new();
        if tracking.is_some_and(|found| found.column("source").is_none()) {
            statements.push("ALTER TABLE migration_tracking ADD COLUMN source VARCHAR(255)".to_owned());
        }
        statements.push(LEDGER.to_owned());
        statements.push(
            "CREATE UNIQUE INDEX IF NOT EXISTS migration_tracking_legacy_key ON migration_tracking (legacy_task_id, source)"
                .to_owned(),
        );
        for text in statements {
            sqlx::raw_sql(sql(text))
                .execute(&mut *tx)
                .await
                .map_err(|error| self.fault(&error))?;
        }
        tx.commit().await.map_err(|error| self.fault(&error))
    }
}
