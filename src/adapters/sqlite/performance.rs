//! Results of the comparison beside the migrated tasks.

use sqlx::Connection as _;

use super::{Own, SqliteStore};
use crate::engine::ports::store::{Performance, Table};

const UPDATE: &str = "UPDATE migration_tracking SET performance_comparison = $1 WHERE legacy_task_id = $2";
const INSERT: &str = "INSERT INTO migration_tracking (legacy_task_id, maos_task_id, migration_date, status, performance_comparison, source) \
     VALUES ($1, $2, CURRENT_TIMESTAMP, 'compared', $3, 'compare')";

impl SqliteStore {
    pub(super) async fn write_performance(
        &self,
        target: &Table,
        results: &[Performance],
    ) -> Own<Option<u64>> {
        if !self.exists() {
            return Ok(None);
        }
        let Some(found) = self.look_relation(&target.sibling("migration_tracking")).await? else {
            return Ok(None);
        };
        if found.column("performance_comparison").is_none() {
            return Ok(None);
        }
        let sourced = found.column("source").is_some();
        let mut writer = self.writer.lock().await;
        let connection = self.open_writer(&mut writer).await?;
        let mut tx = connection
            .begin_with("BEGIN IMMEDIATE")
            .await
            .map_err(|error| self.fault(&error))?;
        let mut rows = 0;
        for result in results {
            let updated = sqlx::query(UPDATE)
                .bind(&result.document)
                .bind(&result.legacy_task_id)
                .execute(&mut *tx)
                .await
                .map_err(|error| self.fault(&error))?
                .rows_affected();
            rows += updated;
            if updated == 0 && sourced {
                rows += sqlx::query(INSERT)
                    .bind(&result.legacy_task_id)
                    .bind(&result.maos_task_id)
                    .bind(&result.document)
                    .execute(&mut *tx)
                    .await
                    .map_err(|error| self.fault(&error))?
                    .rows_affected();
            }
        }
        tx.commit().await.map_err(|error| self.fault(&error))?;
        Ok(Some(rows))
    }
}
