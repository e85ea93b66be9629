//! Swapping two databases by name: both renames in one transaction, so that at every instant there is exactly one database of that
//! name and it works.
//!
//! The first rename takes the lock that a new connection must have, and waits for the connections that are there; these are ended
//! from beside. Who connects meanwhile waits, and is told after the commit to connect again.

use std::time::{Duration, Instant};

use sqlx::postgres::PgConnection;
use sqlx::{Connection as _, Row as _};

use super::{PgDatabase, sql};
use crate::adapters::phrase::ident;
use crate::engine::error::{Error, Result};
use crate::engine::operation::{Control, Notice};
use crate::engine::ports::clock::millis;
use crate::engine::ports::databases::Swapped;
use crate::engine::text::inert_short;

/// The whole swap is given up after this.
const PATIENCE: Duration = Duration::from_secs(20);
/// How long one try waits for a lock; new connections wait behind us for so long.
const LOCK_MS: u64 = 1_500;
/// How often connections are ended while the rename waits for them.
const LOOK: Duration = Duration::from_millis(25);

impl PgDatabase {
    pub(super) async fn swap_names(
        &self,
        incoming: &str,
        outgoing: &str,
        control: &Control,
    ) -> Result<Swapped> {
        let mut renaming = self.maintenance().await?;
        let mut ending = self.maintenance().await?;
        // Two swaps on one server never mix.
        self.execute(
            &mut renaming,
            format!(
                "SET lock_timeout = '{}s'; SELECT pg_advisory_lock(hashtextextended({}, 0))",
                PATIENCE.as_secs(),
                Self::quoted_text(&format!("maos-migrate swap {}", self.name))
            ),
        )
        .await?;
        let begun = Instant::now();
        let mut pause = Duration::from_millis(100);
        let swapped = loop {
            if self.is_swapped(&mut renaming, incoming, outgoing).await? {
                break Ok(Swapped {
                    ms: 0,
                    ended: 0,
                    already: true,
                });
            }
            let tried = Instant::now();
            match self
                .try_swap(&mut renaming, &mut ending, incoming, outgoing)
                .await
            {
                Ok(ended) => {
                    control.notice(Notice::Statement {
                        text: "ALTER DATABASE … RENAME, twice, in one transaction".to_owned(),
                        rows: 0,
                        ms: millis(tried),
                    });
                    break Ok(Swapped {
                        ms: millis(tried),
                        ended,
                        already: false,
                    });
                }
                Err(error) => {
                    let _ = self.execute(&mut renaming, "ROLLBACK").await;
                    let blockers = self.blockers(&mut ending).await;
                    if begun.elapsed() > PATIENCE {
                        break Err(blocked(&error, &blockers));
                    }
                    control.notice(Notice::Log(format!(
                        "swap waits: {}{}",
                        error.message,
                        named(&blockers)
                    )));
                    tokio::time::sleep(pause).await;
                    pause = (pause * 2).min(Duration::from_secs(2));
                }
            }
        };
        let _ = renaming.close().await;
        let _ = ending.close().await;
        swapped
    }

    async fn is_swapped(
        &self,
        connection: &mut PgConnection,
        incoming: &str,
        outgoing: &str,
    ) -> Result<bool> {
        let names: Vec<String> =
            sqlx::query_scalar("SELECT datname::text FROM pg_database WHERE datname = ANY ($1)")
                .bind(vec![self.name.clone(), incoming.to_owned(), outgoing.to_owned()])
                .fetch_all(connection)
                .await
                .map_err(|error| self.fault(&error))?;
        let has = |name: &str| names.iter().any(|known| known == name);
        match (has(&self.name), has(incoming), has(outgoing)) {
            (true, true, false) => Ok(false),
            (true, false, true) => Ok(true),
            (live, from, to) => Err(Error::blocked(format!(
                "the swap cannot be made: {} {}, {incoming} {}, {outgoing} {}",
                self.name,
                there(live),
                there(from),
                there(to)
            ))),
        }
    }

    /// One try. An error leaves the transaction to be rolled back; then nothing has happened.
    async fn try_swap(
        &self,
        renaming: &mut PgConnection,
        ending: &mut PgConnection,
        incoming: &str,
        outgoing: &str,
    ) -> Result<u64> {
        let (live, from, to) = (ident(&self.name), ident(incoming), ident(outgoing));
        let rename = async {
            self.execute(
                renaming,
                format!(
                    "BEGIN; SET LOCAL lock_timeout = '{LOCK_MS}ms'; ALTER DATABASE {live} RENAME TO {to}; \
                     ALTER DATABASE {from} RENAME TO {live}"
                ),
            )
            .await?;
            crate::engine::failpoint::hit("databases.swap.before_commit");
            self.execute(renaming, "COMMIT").await
        };
        tokio::pin!(rename);
        let mut ended = 0;
        loop {
            ended += self.end_clients(ending, &[&self.name, incoming]).await;
            tokio::select! {
                done = &mut rename => { done?; return Ok(ended); }
                () = tokio::time::sleep(LOOK) => {}
            }
        }
    }

    /// Ends every other connection to the named databases; those it may not end stay, and the rename says so.
    async fn end_clients(&self, connection: &mut PgConnection, names: &[&str]) -> u64 {
        let mut ended = 0;
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        let pids: Vec<i32> = sqlx::query_scalar(
            "SELECT pid FROM pg_stat_activity WHERE datname = ANY ($1) AND pid <> pg_backend_pid()",
        )
        .bind(&names)
        .fetch_all(&mut *connection)
        .await
        .unwrap_or_default();
        for pid in pids {
            let done: Result<bool, _> = sqlx::query_scalar("SELECT pg_terminate_backend($1)")
                .bind(pid)
                .fetch_one(&mut *connection)
                .await;
            ended += u64::from(done.unwrap_or(false));
        }
        ended
    }

    /// Who stands in the way: holders of locks on the database itself, connections that cannot be ended, prepared transactions.
    async fn blockers(&self, connection: &mut PgConnection) -> Vec<String> {
        let rows = sqlx::query(sql(
            "SELECT a.pid, coalesce(a.usename, '?')::text AS who, coalesce(a.state, '?') AS state, coalesce(a.query, '') AS query \
             FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid \
             WHERE l.locktype = 'object' AND l.classid = 'pg_database'::regclass AND l.granted AND a.pid <> pg_backend_pid() \
             AND l.objid IN (SELECT oid FROM pg_database WHERE datname = $1) \
             AND a.application_name <> 'maos-migrate backup' \
             UNION SELECT a.pid, coalesce(a.usename, '?')::text, coalesce(a.state, '?'), coalesce(a.query, '') FROM pg_stat_activity a \
             WHERE a.datname = $1 AND a.backend_type = 'client backend' ORDER BY 1 LIMIT 5",
        ))
        .bind(&self.name)
        .fetch_all(&mut *connection)
        .await
        .unwrap_or_default();
        let mut found: Vec<String> = rows
            .iter()
            .map(|row| {
                let (pid, who, state, query): (i32, String, String, String) =
                    (row.get("pid"), row.get("who"), row.get("state"), row.get("query"));
                format!(
                    "pid {pid} ({}, {}): {}",
                    inert_short(&who, 40),
                    inert_short(&state, 30),
                    inert_short(&query, 80)
                )
            })
            .collect();
        let prepared: Result<Vec<String>, _> =
            sqlx::query_scalar("SELECT gid FROM pg_prepared_xacts WHERE database = $1 LIMIT 5")
                .bind(&self.name)
                .fetch_all(connection)
                .await;
        for gid in prepared.unwrap_or_default() {
            found.push(format!("prepared transaction {}", inert_short(&gid, 60)));
        }
        found
    }
}

const fn there(is: bool) -> &'static str {
    if is { "exists" } else { "does not exist" }
}

fn named(blockers: &[String]) -> String {
    if blockers.is_empty() {
        String::new()
    } else {
        format!("; in the way: {}", blockers.join("; "))
    }
}

fn blocked(error: &Error, blockers: &[String]) -> Error {
    Error::unavailable(format!(
        "the swap was given up after {} s, nothing is renamed: {}{}",
        PATIENCE.as_secs(),
        error.message,
        named(blockers)
    ))
    .hint("End what is in the way and run it again.")
}
