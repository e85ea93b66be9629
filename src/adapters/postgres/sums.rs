//! Sums of row hashes, computed by the server (see `engine/schema/chain` for their definition).

use sqlx::{Connection as _, Row as _};

use super::proof::slice_filter;
use super::{Own, PgStore, sql};
use crate::adapters::phrase::{beside, ident, literal, table};
use crate::engine::ports::store::{Column, ColumnKind, GroupSum, Recipe, Slice, StoreError};
use crate::engine::schema::chain::{NULL_TEXT, NULL_TIME};

impl PgStore {
    pub(super) async fn sum_rows(&self, recipe: &Recipe, slice: &Slice) -> Own<Vec<GroupSum>> {
        let [id, description, task_type, status, priority, created, metadata] = &recipe.target.columns;
        let of = |column: &Column| format!("t.{}", ident(&column.name));
        let text = |column: &Column| match column.kind {
            ColumnKind::Text => of(column),
            _ => format!("{}::text", of(column)),
        };
        let mut hash = format!("uuid_hash_extended({}, 0)", of(id));
        for column in [description, task_type, status, priority] {
            let value = if column.not_null {
                text(column)
            } else {
                format!("coalesce({}, {})", text(column), literal(NULL_TEXT))
            };
            hash = format!("hashtextextended(({value}) COLLATE \"C\", {hash})");
        }
        // Both send microseconds since 2000 in UTC.
        let moment = match created.kind {
            ColumnKind::TimeZoned => format!("timestamptz_send({})", of(created)),
            _ => format!("timestamp_send({}::timestamp)", of(created)),
        };
        hash = format!(
            "hashtextextended(coalesce(encode({moment}, 'hex'), {}) COLLATE \"C\", {hash})",
            literal(NULL_TIME)
        );
        hash = format!(
            "hashtextextended(coalesce({}::text, {}) COLLATE \"C\", {hash})",
            of(metadata),
            literal(NULL_TEXT)
        );
        let query = format!(
            "SELECT ({})::text AS status, ({})::text AS task_type, count(*) AS n, sum({hash})::text AS sum FROM {} t WHERE {} GROUP BY 1, 2",
            of(status),
            of(task_type),
            table(&recipe.target.table),
            slice_filter(id, slice),
        );
        let mut connection = self.connection().await?;
        let mut tx = connection.begin().await.map_err(|error| self.fault(&error))?;
        // Nobody has counted the values of a table that was just filled: a plan made for many groups would sort every row. And what reads a
        // whole table is worth helpers.
        let helpers = if matches!(slice, Slice::Ids(None, None)) {
            "; SET LOCAL parallel_setup_cost = 0; SET LOCAL parallel_tuple_cost = 0"
        } else {
            ""
        };
        sqlx::raw_sql(sql(format!("SET LOCAL enable_sort = off{helpers}")))
            .execute(&mut *tx)
            .await
            .map_err(|error| self.fault(&error))?;
        let found = sqlx::query(sql(query))
            .persistent(false)
            .fetch_all(&mut *tx)
            .await
            .map_err(|error| self.fault(&error))?;
        tx.commit().await.map_err(|error| self.fault(&error))?;
        found
            .iter()
            .map(|row| {
                Ok(GroupSum {
                    status: row.get("status"),
                    task_type: row.get("task_type"),
                    rows: u64::try_from(row.get::<i64, _>("n")).unwrap_or(0),
                    sum: self.wrapped(row.get("sum"))?,
                })
            })
            .collect()
    }

    pub(super) async fn sum_tracked(&self, recipe: &Recipe) -> Own<(u64, u64)> {
        let query = format!(
            "SELECT count(*) AS n, sum(hashtextextended(coalesce(maos_task_id, '') COLLATE \"C\", hashtextextended(coalesce(legacy_task_id, '') COLLATE \"C\", 0)))::text AS sum \
             FROM {}migration_tracking WHERE source = $1",
            beside(&recipe.target.table)
        );
        let mut connection = self.connection().await?;
        let row = sqlx::query(sql(query))
            .bind(&recipe.label)
            .fetch_one(&mut *connection)
            .await
            .map_err(|error| self.fault(&error))?;
        let rows = u64::try_from(row.get::<i64, _>("n")).unwrap_or(0);
        Ok((rows, self.wrapped(row.get("sum"))?))
    }

    /// A sum of 64-bit numbers in decimal digits, modulo 2^64.
    fn wrapped(&self, sum: Option<String>) -> Own<u64> {
        let Some(sum) = sum else { return Ok(0) };
        let whole: i128 = sum
            .parse()
            .map_err(|_| StoreError::Bug(format!("{}: a sum is no number", self.words)))?;
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "the lower 64 bits are wanted"
        )]
        let wrapped = whole as u64;
        Ok(wrapped)
    }
}
