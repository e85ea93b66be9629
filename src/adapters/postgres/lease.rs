//! The lease: a row with a growing token, and an advisory lock whose session is the holder's sign of life.

use sqlx::{Connection as _, Row as _};

use super::{Own, PgStore, sql};
use crate::adapters::phrase::beside;
use crate::engine::ports::store::{Fence, LeaseAsk, LeaseHolder, StoreError, Taken};

impl PgStore {
    pub(super) async fn take_lease(&self, ask: &LeaseAsk) -> Own<Taken> {
        let leases = format!("{}migration_lease", beside(&ask.target));
        let mut session = self.separate().await?;
        // The lock is named by database, place and source; it lives exactly as long as this connection.
        let lock = format!("maos-migrate {leases} {}", ask.label);
        let mut alone = self
            .lock_session(&mut session, &lock, ask.force.is_none())
            .await?;
        let described = |row: &sqlx::postgres::PgRow| LeaseHolder {
            holder: row.get("holder"),
            held_s: row.get::<i64, _>("held").unsigned_abs(),
            silent_s: row.get::<i64, _>("silent").unsigned_abs(),
            token: row.get("token"),
        };
        let query = format!(
            "SELECT holder, session, token, released, extract(epoch FROM clock_timestamp() - taken_at)::bigint AS held, \
             extract(epoch FROM clock_timestamp() - beat_at)::bigint AS silent FROM {leases} WHERE source = $1"
        );
        if !alone {
            let row = sqlx::query(sql(query.clone()))
                .bind(&ask.label)
                .fetch_optional(&mut session)
                .await
                .map_err(|error| self.fault(&error))?;
            let Some(row) = row else {
                // Someone has the lock and no row yet: they are starting this very moment.
                return Ok(Taken::No(LeaseHolder {
                    holder: "another operator".to_owned(),
                    held_s: 0,
                    silent_s: 0,
                    token: 0,
                }));
            };
            let now = described(&row);
            if now.silent_s < u64::from(ask.ttl_s) && ask.force.is_none() {
                return Ok(Taken::No(now));
            }
            // It cannot be reached, or is taken by force: its sessions end, and with them its open transactions and its lock.
            sqlx::query(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = $1 AND pid <> pg_backend_pid()",
            )
            .bind(row.get::<String, _>("session"))
            .execute(&mut session)
            .await
            .map_err(|error| self.fault(&error))?;
            alone = self.lock_session(&mut session, &lock, true).await?;
        }
        if alone {
            // Statements of a dead holder may still be running on the server.
            sqlx::query(sql(format!(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND application_name <> $2 AND application_name IN (SELECT session FROM {leases} WHERE source = $1)"
            )))
            .bind(&ask.label)
            .bind(&self.session)
            .execute(&mut session)
            .await
            .map_err(|error| self.fault(&error))?;
        }
        let mut tx = session.begin().await.map_err(|error| self.fault(&error))?;
        // Waits for chunk transactions that hold the old token; they end, or their sessions were ended above.
        let before = sqlx::query(sql(format!("{query} FOR UPDATE")))
            .bind(&ask.label)
            .fetch_optional(&mut *tx)
            .await
            .map_err(|error| self.fault(&error))?;
        let from = before
            .as_ref()
            .filter(|row| !row.get::<bool, _>("released"))
            .map(|row| row.get::<String, _>("holder"));
        let note = ask
            .force
            .as_ref()
            .map(|why| format!("taken from {}: {why}", from.as_deref().unwrap_or("nobody")));
        let token: i64 = sqlx::query_scalar(sql(format!(
            "INSERT INTO {leases} AS l (source, token, holder, session, taken_at, beat_at, released, note) \
             VALUES ($1, 1, $2, $3, clock_timestamp(), clock_timestamp(), false, $4) \
             ON CONFLICT (source) DO UPDATE SET token = l.token + 1, holder = $2, session = $3, taken_at = clock_timestamp(), beat_at = clock_timestamp(), released = false, note = $4 \
             RETURNING token"
        )))
        .bind(&ask.label)
        .bind(&ask.holder)
        .bind(&self.session)
        .bind(note)
        .fetch_one(&mut *tx)
        .await
        .map_err(|error| self.fault(&error))?;
        tx.commit().await.map_err(|error| self.fault(&error))?;
        *self.lease.lock().await = Some(session);
        Ok(Taken::Yes { token, from })
    }

    /// Tries for the lock; a session that just died may need a moment until the server has noticed.
    async fn lock_session(&self, session: &mut sqlx::PgConnection, lock: &str, patient: bool) -> Own<bool> {
        for attempt in 0..10 {
            let held: bool = sqlx::query_scalar("SELECT pg_try_advisory_lock(hashtextextended($1, 0))")
                .bind(lock)
                .fetch_one(&mut *session)
                .await
                .map_err(|error| self.fault(&error))?;
            if held || !patient {
                return Ok(held);
            }
            if attempt < 9 {
                tokio::time::sleep(std::time::Duration::from_millis(100)).await;
            }
        }
        Ok(false)
    }

    pub(super) async fn beat_lease(&self, fence: &Fence) -> Own<()> {
        let mut slot = self.lease.lock().await;
        if slot.is_none() {
            // The lease's own session was lost, by a restart for example: it is opened again and takes its lock back.
            let mut session = self.separate().await?;
            let lock = format!(
                "maos-migrate {}migration_lease {}",
                beside(&fence.target),
                fence.label
            );
            sqlx::query("SELECT pg_try_advisory_lock(hashtextextended($1, 0))")
                .bind(lock)
                .execute(&mut session)
                .await
                .map_err(|error| self.fault(&error))?;
            *slot = Some(session);
        }
        let Some(session) = slot.as_mut() else {
            return Err(StoreError::Bug("no lease session".to_owned()));
        };
        let done = sqlx::query(sql(format!(
            "UPDATE {}migration_lease SET beat_at = clock_timestamp() WHERE source = $1 AND token = $2 AND NOT released",
            beside(&fence.target)
        )))
        .bind(&fence.label)
        .bind(fence.token)
        .execute(session)
        .await;
        match done {
            Ok(done) if done.rows_affected() == 1 => Ok(()),
            Ok(_) => Err(StoreError::Fenced(format!(
                "the lease with fence {} was taken over",
                fence.token
            ))),
            Err(error) => {
                *slot = None;
                Err(self.fault(&error))
            }
        }
    }

    pub(super) async fn release_lease(&self, fence: &Fence) -> Own<()> {
        let mut connection = self.connection().await?;
        sqlx::query(sql(format!(
            "UPDATE {}migration_lease SET released = true WHERE source = $1 AND token = $2",
            beside(&fence.target)
        )))
        .bind(&fence.label)
        .bind(fence.token)
        .execute(&mut *connection)
        .await
        .map_err(|error| self.fault(&error))?;
        if let Some(session) = self.lease.lock().await.take() {
            let _ = session.close().await;
        }
        Ok(())
    }
}
