//! Results of the comparison beside the migrated tasks.

use sqlx::Connection as _;

use super::{Own, PgStore, sql};
use crate::adapters::phrase::table;
use crate::engine::ports::store::{Performance, Table};

impl PgStore {
    pub(super) async fn write_performance(
        &self,
        target: &Table,
        results: &[Performance],
    ) -> Own<Option<u64>> {
        let Some(found) = self.look_relation(&target.sibling("migration_tracking")).await? else {
            return Ok(None);
        };
        let Some(column) = found.column("performance_comparison") else {
            return Ok(None);
        };
        let (name, kind) = (table(&found.table), &column.type_sql);
        let update =
            format!("UPDATE {name} SET performance_comparison = $1::{kind} WHERE legacy_task_id = $2");
        let insert = format!(
            "INSERT INTO {name} (legacy_task_id, maos_task_id, migration_date, status, performance_comparison, source) \
             VALUES ($1, $2, now(), 'compared', $3::{kind}, 'compare')"
        );
        let sourced = found.column("source").is_some();
        let mut connection = self.connection().await?;
        let mut tx = connection.begin().await.map_err(|error| self.fault(&error))?;
        let mut rows = 0;
        for result in results {
            let updated = sqlx::query(sql(update.clone()))
                .bind(&result.document)
                .bind(&result.legacy_task_id)
                .execute(&mut *tx)
                .await
                .map_err(|error| self.fault(&error))?
                .rows_affected();
            rows += updated;
            if updated == 0 && sourced {
                rows += sqlx::query(sql(insert.clone()))
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
