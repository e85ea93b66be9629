//! Looking at a server and its tables. Reads only.

use sqlx::{Connection as _, PgConnection, Row as _};

use super::keys::PUT_OFF;
use super::{Own, PgStore, sql};
use crate::adapters::ledger;
use crate::engine::ports::store::{
    Column, ColumnKind, Dialect, Place, Relation, RelationKind, StoreError, Table,
};
use crate::engine::text::inert_short;

/// How often two connections are asked for their backends.
const ROUNDS: usize = 6;

impl PgStore {
    pub(super) async fn look_place(&self) -> Own<Place> {
        let mut one = self.separate().await?;
        // First of all, and in simple queries: what is prepared on one server may be asked for on another.
        let pooled = self.is_pooled(&mut one).await?;
        if pooled {
            let _ = one.close().await;
            return Ok(Place {
                dialect: Dialect::Postgres,
                identity: String::new(),
                words: self.words.clone(),
                version: String::new(),
                major: 0,
                read_only: false,
                loose_text: false,
                pooled,
                schema: None,
                path: None,
            });
        }
        let row = sqlx::query(
            "SELECT current_setting('server_version_num')::int AS version, current_setting('server_version') AS words, \
             current_setting('server_encoding') AS encoding, current_setting('transaction_read_only') = 'on' OR pg_is_in_recovery() AS read_only, \
             current_schema()::text AS schema, \
             (SELECT oid::text FROM pg_database WHERE datname = current_database()) AS db",
        )
        .fetch_one(&mut one)
        .await
        .map_err(|error| self.fault(&error))?;
        let version: i32 = row.get("version");
        // The system identifier names the cluster for ever; a server that hides it is named by its address.
        let system: Option<String> =
            sqlx::query_scalar("SELECT system_identifier::text FROM pg_control_system()")
                .fetch_one(&mut one)
                .await
                .ok();
        // Closing politely is a courtesy; the server notices anyway.
        let _ = one.close().await;
        let db: Option<String> = row.get("db");
        if version < 130_000 {
            return Err(StoreError::Refused(format!(
                "{}: PostgreSQL {} is too old, 13 is the oldest that works",
                self.words,
                row.get::<String, _>("words")
            )));
        }
        Ok(Place {
            dialect: Dialect::Postgres,
            identity: format!(
                "postgres {} {}",
                system.unwrap_or_else(|| self.words.clone()),
                db.unwrap_or_default()
            ),
            words: self.words.clone(),
            version: format!("PostgreSQL {}", row.get::<String, _>("words")),
            major: u32::try_from(version / 10_000).unwrap_or(0),
            read_only: row.get("read_only"),
            loose_text: row.get::<String, _>("encoding") == "SQL_ASCII",
            pooled,
            schema: row.get("schema"),
            path: None,
        })
    }

    /// Two connections that share a backend, or one that changes its backend, can only come from a pooler in transaction mode. A pooler that
    /// serves others at the same time may show neither at once, so both are asked a few times.
    async fn is_pooled(&self, one: &mut PgConnection) -> Own<bool> {
        // The second one goes on working after this.
        let mut two = self.streaming().await?;
        let (first, server) = self.backend(one).await?;
        let (second, its_server) = self.backend(&mut two).await?;
        let mut pooled = first == second && server == its_server;
        for _ in 0..ROUNDS {
            if pooled {
                break;
            }
            let within = sqlx::raw_sql("BEGIN").execute(&mut *two).await;
            within.map_err(|error| self.fault(&error))?;
            let held = self.backend(&mut two).await?.0;
            let beside = self.backend(one).await?.0;
            let _ = sqlx::raw_sql("ROLLBACK").execute(&mut *two).await;
            pooled = held != second || beside != first;
        }
        if !pooled {
            two.settled();
        }
        if !pooled && its_server != server {
            return Err(StoreError::Refused(format!(
                "{}: two connections reached two different servers; name one server itself",
                self.words
            )));
        }
        // A pooler in session mode may still leave out what a session asks for at its start.
        let zone: String = sqlx::raw_sql("SELECT current_setting('timezone')")
            .fetch_one(&mut *one)
            .await
            .map_err(|error| self.fault(&error))?
            .get(0);
        if !pooled && zone != "UTC" {
            return Err(StoreError::Refused(format!(
                "{}: a pooler drops the settings of a session; name the server itself, usually port 5432",
                self.words
            )));
        }
        Ok(pooled)
    }

    /// The backend behind a connection, and when its server started.
    async fn backend(&self, connection: &mut PgConnection) -> Own<(i32, String)> {
        let row =
            sqlx::raw_sql("SELECT pg_backend_pid() AS pid, pg_postmaster_start_time()::text AS started")
                .fetch_one(connection)
                .await
                .map_err(|error| self.fault(&error))?;
        let fault = |error| self.fault(&error);
        Ok((
            row.try_get_unchecked("pid").map_err(fault)?,
            row.try_get_unchecked("started").map_err(fault)?,
        ))
    }

    /// The session outside this run whose lock a session of this run waits for.
    pub(super) async fn find_blocker(&self) -> Own<Option<String>> {
        let mut connection = self.connection().await?;
        let found = sqlx::query(
            "SELECT b.pid, b.backend_type, b.application_name, coalesce(b.state, '') AS state, coalesce(b.query, '') AS query, \
             extract(epoch FROM clock_timestamp() - coalesce(b.state_change, b.backend_start))::bigint AS held \
             FROM pg_stat_activity w CROSS JOIN LATERAL unnest(pg_blocking_pids(w.pid)) AS p(pid) JOIN pg_stat_activity b ON b.pid = p.pid \
             WHERE w.application_name = $1 AND w.wait_event_type = 'Lock' AND b.application_name <> $1 ORDER BY b.pid LIMIT 1",
        )
        .bind(&self.session)
        .fetch_optional(&mut *connection)
        .await
        .map_err(|error| self.fault(&error))?;
        Ok(found.map(|row| {
            let kind: String = row.get("backend_type");
            let name: String = row.get("application_name");
            let what = if kind != "client backend" {
                kind
            } else if row.get::<String, _>("state").starts_with("idle") {
                format!(
                    "{name}, idle in its transaction for {} s",
                    row.get::<i64, _>("held")
                )
            } else {
                let query: String = row.get("query");
                format!("{name}: {}", inert_short(query.trim(), 60))
            };
            format!("pid {} ({})", row.get::<i32, _>("pid"), inert_short(&what, 100))
        }))
    }

    pub(super) async fn look_relation(&self, table: &Table) -> Own<Option<Relation>> {
        let mut connection = self.connection().await?;
        let found = sqlx::query(
            "SELECT c.oid::bigint AS oid, n.nspname::text AS schema, c.relkind::text AS kind, c.reltuples::float8 AS estimate, \
             row_security_active(c.oid) AS hidden, coalesce(obj_description(c.oid, 'pg_class') = $3, false) AS put_off \
             FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace \
             WHERE c.relname = $1 AND c.relkind IN ('r', 'p', 'v', 'm', 'f') AND \
             (($2::text IS NULL AND pg_table_is_visible(c.oid)) OR n.nspname = $2)",
        )
        .bind(&table.name)
        .bind(table.schema.as_deref())
        .bind(PUT_OFF)
        .fetch_optional(&mut *connection)
        .await
        .map_err(|error| self.fault(&error))?;
        let Some(found) = found else { return Ok(None) };
        let oid: i64 = found.get("oid");
        let kind = match found.get::<String, _>("kind").as_str() {
            "r" => RelationKind::Table,
            "p" => RelationKind::Partitioned,
            "v" | "m" => RelationKind::View,
            _ => RelationKind::Other,
        };
        let columns = sqlx::query(
            "SELECT a.attname::text AS name, format_type(a.atttypid, a.atttypmod) AS full_type, format_type(a.atttypid, NULL) AS type, \
             t.typtype::text AS typtype, a.attnotnull AS not_null, (a.atthasdef OR a.attidentity <> '' OR a.attgenerated <> '') AS has_default, \
             information_schema._pg_char_max_length(a.atttypid, a.atttypmod)::int AS max_chars, \
             ARRAY(SELECT e.enumlabel::text FROM pg_enum e WHERE e.enumtypid = a.atttypid ORDER BY e.enumsortorder) AS labels, \
             ARRAY(SELECT pg_get_constraintdef(k.oid) FROM pg_constraint k WHERE k.conrelid = a.attrelid AND k.contype = 'c' AND a.attnum = ANY (k.conkey)) AS checks \
             FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid \
             WHERE a.attrelid = $1::bigint::oid AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum",
        )
        .bind(oid)
        .fetch_all(&mut *connection)
        .await
        .map_err(|error| self.fault(&error))?;
        let mut unique: Vec<Vec<String>> = sqlx::query_scalar(
            "SELECT ARRAY(SELECT a.attname::text FROM unnest(i.indkey::int2[]) WITH ORDINALITY AS k(n, o) JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.n ORDER BY k.o) \
             FROM pg_index i WHERE i.indrelid = $1::bigint::oid AND i.indisunique AND i.indpred IS NULL AND i.indexprs IS NULL AND i.indisvalid ORDER BY i.indisprimary DESC",
        )
        .bind(oid)
        .fetch_all(&mut *connection)
        .await
        .map_err(|error| self.fault(&error))?;
        if found.get("put_off") {
            unique.push(vec!["id".to_owned()]);
        }
        let triggers: Vec<String> = sqlx::query_scalar(
            "SELECT tgname::text FROM pg_trigger WHERE tgrelid = $1::bigint::oid AND NOT tgisinternal AND tgenabled <> 'D' ORDER BY 1",
        )
        .bind(oid)
        .fetch_all(&mut *connection)
        .await
        .map_err(|error| self.fault(&error))?;
        let foreign_keys: Vec<String> = sqlx::query_scalar(
            "SELECT conrelid::regclass::text || ' to ' || confrelid::regclass::text FROM pg_constraint WHERE contype = 'f' AND (conrelid = $1::bigint::oid OR confrelid = $1::bigint::oid) ORDER BY 1",
        )
        .bind(oid)
        .fetch_all(&mut *connection)
        .await
        .map_err(|error| self.fault(&error))?;
        let estimate: f64 = found.get("estimate");
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "an estimate, not negative here"
        )]
        let estimate = (estimate >= 0.0).then_some(estimate as u64);
        Ok(Some(Relation {
            table: Table {
                schema: Some(found.get("schema")),
                name: table.name.clone(),
            },
            kind,
            columns: columns.iter().map(column).collect(),
            unique,
            rows_hidden: found.get("hidden"),
            triggers,
            foreign_keys,
            estimate,
        }))
    }

    pub(super) async fn look_ledger(&self, target: &Table) -> Own<Vec<String>> {
        let mut missing = Vec::new();
        for name in ledger::TABLES {
            match self.look_relation(&target.sibling(name)).await? {
                None => missing.push(name.to_owned()),
                Some(found) if name == "migration_tracking" => {
                    if ledger::lacks_source(&found, &self.words)? {
                        missing.push("column source of migration_tracking".to_owned());
                        self.refuse_doubled_tracking(&found.table).await?;
                    }
                }
                Some(_) => {}
            }
        }
        Ok(missing)
    }

    async fn refuse_doubled_tracking(&self, table: &Table) -> Own<()> {
        let mut connection = self.connection().await?;
        let doubled: i64 = sqlx::query_scalar(sql(format!(
            "SELECT count(*) FROM (SELECT 1 FROM {} GROUP BY legacy_task_id HAVING count(*) > 1) d",
            crate::adapters::phrase::table(table)
        )))
        .fetch_one(&mut *connection)
        .await
        .map_err(|error| self.fault(&error))?;
        if doubled > 0 {
            return Err(StoreError::Refused(format!(
                "{}: {table} holds {doubled} legacy ids more than once, so it cannot get its unique key",
                self.words
            )));
        }
        Ok(())
    }
}

fn column(row: &sqlx::postgres::PgRow) -> Column {
    let base: String = row.get("type");
    let kind = match base.as_str() {
        "smallint" | "integer" | "bigint" => ColumnKind::Integer,
        "text" | "character varying" | "character" | "name" | "citext" => ColumnKind::Text,
        "uuid" => ColumnKind::Uuid,
        "timestamp without time zone" | "date" => ColumnKind::Time,
        "timestamp with time zone" => ColumnKind::TimeZoned,
        "json" => ColumnKind::Json,
        "jsonb" => ColumnKind::Jsonb,
        _ if row.get::<String, _>("typtype") == "e" => ColumnKind::Enum,
        _ => ColumnKind::Other,
    };
    let mut labels: Vec<String> = row.get("labels");
    if labels.is_empty() {
        let checks: Vec<String> = row.get("checks");
        labels = checks.iter().flat_map(|text| listed(text)).collect();
    }
    Column {
        name: row.get("name"),
        kind,
        // A time's type tells how many digits of a second it keeps.
        type_sql: if matches!(kind, ColumnKind::Enum | ColumnKind::Time | ColumnKind::TimeZoned) {
            row.get("full_type")
        } else {
            base
        },
        not_null: row.get("not_null"),
        has_default: row.get("has_default"),
        labels,
        max_chars: row
            .get::<Option<i32>, _>("max_chars")
            .and_then(|n| u64::try_from(n).ok()),
    }
}

/// The literals of a CHECK that lists what is allowed (`= ANY (ARRAY['A'::text, …])`, `= 'A'::text`); nothing for any other CHECK.
fn listed(check: &str) -> Vec<String> {
    if !check.contains("= ANY") && !check.contains("= '") {
        return Vec::new();
    }
    let mut found = Vec::new();
    let mut rest = check;
    while let Some(start) = rest.find('\'') {
        let after = rest.get(start + 1..).unwrap_or_default();
        let Some(end) = after.find('\'') else { break };
        found.push(after.get(..end).unwrap_or_default().to_owned());
        rest = after.get(end + 1..).unwrap_or_default();
    }
    found
}
