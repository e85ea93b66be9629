//! Tracking rows of a stream: made here from key and id, in binary form where the table has the columns for it, as text otherwise.

use super::binary::{HEADER, TRAILER, push};
use super::{Own, PgStore};
use crate::adapters::copytext;
use crate::adapters::phrase::beside;
use crate::engine::ports::store::{Recipe, StoreError};
use crate::engine::schema::canon;
use crate::engine::schema::key::{push_id, push_number};

use sqlx::PgConnection;

/// Bytes of a row as it travels: its key and its id.
pub const PAIR: usize = 24;
/// Rows that are sent at once.
const ROWS: usize = 1_000;
/// 2000-01-01 in microseconds since 1970.
const EPOCH: i64 = 946_684_800_000_000;

/// Makes rows of pairs.
struct Writer<'a> {
    /// When the run began, for the binary form.
    micros: Option<i64>,
    recipe: &'a Recipe,
    key: String,
    id: String,
}

impl Writer<'_> {
    fn rows(&mut self, pairs: &[u8]) -> Vec<u8> {
        let mut out = Vec::with_capacity(pairs.len() * 6);
        for pair in pairs.chunks_exact(PAIR) {
            let Some((key, id)) = pair.split_first_chunk::<8>() else {
                continue;
            };
            let id: [u8; 16] = id.try_into().unwrap_or_default();
            self.key.clear();
            push_number(&mut self.key, i64::from_be_bytes(*key));
            self.id.clear();
            push_id(&mut self.id, id);
            if let Some(micros) = self.micros {
                out.extend_from_slice(&5_i16.to_be_bytes());
                push(&mut out, self.key.as_bytes());
                push(&mut out, self.id.as_bytes());
                push(&mut out, &micros.to_be_bytes());
                push(&mut out, b"migrated");
                push(&mut out, self.recipe.label.as_bytes());
            } else {
                let fields = [
                    &self.key,
                    &self.id,
                    &self.recipe.started,
                    "migrated",
                    &self.recipe.label,
                ];
                for (i, field) in fields.into_iter().enumerate() {
                    copytext::push(&mut out, Some(field), i == 0);
                }
                copytext::end(&mut out);
            }
        }
        out
    }
}

impl PgStore {
    /// Writes the tracking rows of `pairs` (see [`PAIR`]); returns how many arrived.
    pub(super) async fn track(&self, tx: &mut PgConnection, recipe: &Recipe, pairs: &[Vec<u8>]) -> Own<u64> {
        let tracking = format!("{}migration_tracking", beside(&recipe.target.table));
        // A table that was there before this program may hold times or texts as something else.
        let plain: bool = sqlx::query_scalar(
            "SELECT count(*) = 5 FROM pg_attribute WHERE attrelid = to_regclass($1) AND NOT attisdropped AND \
             CASE WHEN attname = 'migration_date' THEN atttypid IN ('timestamp'::regtype, 'timestamptz'::regtype) \
             WHEN attname IN ('legacy_task_id', 'maos_task_id', 'status', 'source') THEN atttypid IN ('text'::regtype, 'varchar'::regtype) \
             ELSE false END",
        )
        .bind(&tracking)
        .fetch_one(&mut *tx)
        .await
        .map_err(|error| self.fault(&error))?;
        let micros = canon::micros(&recipe.started)
            .filter(|_| plain)
            .map(|n| n - EPOCH);
        let mut writer = Writer {
            micros,
            recipe,
            key: String::new(),
            id: String::new(),
        };
        let form = if micros.is_some() { " (FORMAT binary)" } else { "" };
        let into = format!(
            "COPY {tracking} (legacy_task_id, maos_task_id, migration_date, status, source) FROM STDIN{form}"
        );
        let fault = |error: sqlx::Error| -> StoreError { self.fault(&error) };
        let mut sink = tx.copy_in_raw(&into).await.map_err(fault)?;
        if micros.is_some() {
            sink.send(HEADER.as_slice()).await.map_err(fault)?;
        }
        for pairs in pairs.iter().flat_map(|pairs| pairs.chunks(PAIR * ROWS)) {
            sink.send(writer.rows(pairs)).await.map_err(fault)?;
        }
        if micros.is_some() {
            sink.send(TRAILER.as_slice()).await.map_err(fault)?;
        }
        sink.finish().await.map_err(fault)
    }
}
