//! Whether source rows are still the versions that were read.
//!
//! A version of a row never changes in PostgreSQL: whoever updates a row writes a new version, which bears the number of the writing
//! transaction. So the rows of a range are those that a reading saw if there are as many as it saw, and none of them was written by a
//! transaction that had not ended before. Counting versions costs a tenth of reading rows: no field is unpacked, nothing travels.

use sqlx::{PgConnection, Row as _};

use super::{Own, PgStore, sql};
use crate::adapters::ledger::count as rows;
use crate::adapters::phrase::{Phrase, literal, table};
use crate::engine::ports::store::{Dialect, Moment, Range, Recipe};

/// Numbers of transactions are compared on a circle of 32 bits: further apart than this they tell nothing.
const TELLING: u64 = 1 << 30;
/// Which life of which server answers: numbers of transactions go on in one life only.
const SERVER: &str = "(extract(epoch FROM pg_postmaster_start_time()) * 1000000)::bigint";

impl PgStore {
    /// This moment, for a table whose rows have versions: a plain table with unique keys, in PostgreSQL's own way of storing.
    pub(super) async fn moment(&self, connection: &mut PgConnection, recipe: &Recipe) -> Own<Option<Moment>> {
        if !recipe.source.unique_key {
            return Ok(None);
        }
        let row = sqlx::query(sql(format!(
            "SELECT pg_snapshot_xmin(pg_current_snapshot())::text AS transaction, {SERVER} AS server, \
             coalesce((SELECT c.relkind = 'r' AND a.amname = 'heap' AND NOT c.relhassubclass FROM pg_class c JOIN pg_am a ON a.oid = c.relam \
             WHERE c.oid = to_regclass({})), false) AS plain",
            literal(&table(&recipe.source.table))
        )))
        .fetch_one(connection)
        .await
        .map_err(|error| self.fault(&error))?;
        let transaction: String = row.get("transaction");
        let plain: bool = row.get("plain");
        Ok(transaction
            .parse()
            .ok()
            .filter(|_| plain)
            .map(|transaction| Moment {
                transaction,
                server: row.get("server"),
            }))
    }

    pub(super) async fn count_unwritten(
        &self,
        recipe: &Recipe,
        range: &Range,
        since: Moment,
    ) -> Own<Option<u64>> {
        let phrase = Phrase::new(recipe, Dialect::Postgres);
        let text = format!(
            "SELECT count(*) AS n, count(*) FILTER (WHERE age(s.xmin) <= (SELECT age('{}'::xid))) AS written, {SERVER} AS server, \
             pg_snapshot_xmax(pg_current_snapshot())::text AS now FROM {} s WHERE {}",
            since.transaction & u64::from(u32::MAX),
            phrase.source_name(),
            phrase.in_range("s", range),
        );
        let mut connection = self.connection().await?;
        let row = sqlx::query(sql(text))
            .persistent(false)
            .fetch_one(&mut *connection)
            .await
            .map_err(|error| self.fault(&error))?;
        let (written, server, now): (i64, i64, String) =
            (row.get("written"), row.get("server"), row.get("now"));
        let near = now
            .parse::<u64>()
            .is_ok_and(|now| now.wrapping_sub(since.transaction) < TELLING);
        let same = near && server == since.server && written == 0;
        Ok(same.then(|| rows(row.get("n"))))
    }
}
