//! Looking at a database: what it is, what is in it, its marks. Reads only, but for the marks.

use sqlx::postgres::PgConnection;
use sqlx::{Connection as _, Row as _};

use super::{PgDatabase, sql};
use crate::adapters::ledger::marks;
use crate::adapters::phrase::{ident, literal, table as quoted};
use crate::engine::error::{Error, Result};
use crate::engine::ports::databases::{
    About, CARRIED, Client, Column, Database as _, KeySink, MARKS, Mark, Sums, TableSum,
};
use crate::engine::ports::store::Table;
use crate::engine::text::inert_short;

/// Tables whose rows a dump holds, partitions one by one, members of extensions left out.
const TABLES: &str = "SELECT n.nspname::text AS schema, c.relname::text AS name \
     FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace \
     WHERE c.relkind = 'r' AND c.relpersistence IN ('p', 'u') \
     AND n.nspname <> 'information_schema' AND n.nspname !~ '^pg_' \
     AND NOT EXISTS (SELECT 1 FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e') \
     AND c.relname <> ALL ($1) ORDER BY n.nspname COLLATE \"C\", c.relname COLLATE \"C\"";

/// Everything else that a restore must bring back, counted by kind. Ours are left out by their table's name.
const OBJECTS: &str = "WITH own AS (SELECT c.oid FROM pg_class c WHERE c.relname = ANY ($1)), \
     user_spaces AS (SELECT oid FROM pg_namespace WHERE nspname <> 'information_schema' AND nspname !~ '^pg_'), \
     members AS (SELECT classid, objid FROM pg_depend WHERE deptype = 'e') \
     SELECT kind, count(*)::bigint AS n FROM ( \
       SELECT CASE c.relkind WHEN 'i' THEN 'indexes' WHEN 'I' THEN 'indexes' WHEN 'S' THEN 'sequences' WHEN 'v' THEN 'views' \
              WHEN 'm' THEN 'materialized views' WHEN 'p' THEN 'partitioned tables' WHEN 'f' THEN 'foreign tables' END AS kind \
       FROM pg_class c JOIN user_spaces s ON s.oid = c.relnamespace \
       WHERE c.relkind IN ('i', 'I', 'S', 'v', 'm', 'p', 'f') AND c.relpersistence <> 't' \
       AND NOT EXISTS (SELECT 1 FROM pg_index x JOIN own o ON o.oid = x.indrelid WHERE x.indexrelid = c.oid) \
       AND NOT EXISTS (SELECT 1 FROM members m WHERE m.classid = 'pg_class'::regclass AND m.objid = c.oid) \
       UNION ALL SELECT 'constraints' FROM pg_constraint k JOIN user_spaces s ON s.oid = k.connamespace \
         WHERE k.conrelid NOT IN (SELECT oid FROM own) \
       UNION ALL SELECT 'functions' FROM pg_proc f JOIN user_spaces s ON s.oid = f.pronamespace \
         WHERE NOT EXISTS (SELECT 1 FROM members m WHERE m.classid = 'pg_proc'::regclass AND m.objid = f.oid) \
       UNION ALL SELECT 'triggers' FROM pg_trigger t WHERE NOT t.tgisinternal \
       UNION ALL SELECT 'policies' FROM pg_policy \
       UNION ALL SELECT 'extensions' FROM pg_extension WHERE extname <> 'plpgsql' \
       UNION ALL SELECT 'large objects' FROM pg_largeobject_metadata \
     ) all_of_them GROUP BY kind ORDER BY kind";

/// Begins a transaction that sees one instant.
pub(super) const SNAPSHOT: &str = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";

/// Our own tables, which come and go beside a backup.
fn ours() -> Vec<String> {
    vec![MARKS.to_owned(), CARRIED.to_owned()]
}

impl PgDatabase {
    pub(super) async fn execute(
        &self,
        connection: &mut PgConnection,
        text: impl Into<String>,
    ) -> Result<u64> {
        sqlx::raw_sql(sql(text))
            .execute(connection)
            .await
            .map(|done| done.rows_affected())
            .map_err(|error| self.fault(&error))
    }

    pub(super) async fn look_exists(&self) -> Result<bool> {
        let mut connection = self.maintenance().await?;
        let found: bool = sqlx::query_scalar("SELECT EXISTS (SELECT 1 FROM pg_database WHERE datname = $1)")
            .bind(&self.name)
            .fetch_one(&mut connection)
            .await
            .map_err(|error| self.fault(&error))?;
        let _ = connection.close().await;
        Ok(found)
    }

    /// Refuses a pooler in transaction mode: a snapshot, a lock and a rename each need a session of the server's own. Two connections that
    /// share a backend, or one that changes its backend, come from nothing else.
    async fn must_be_the_server(&self, one: &mut PgConnection) -> Result<()> {
        let mut two = self.connect().await?;
        let (first, second) = (self.backend(one).await?, self.backend(&mut two).await?);
        let mut pooled = first == second;
        for _ in 0..3 {
            if pooled {
                break;
            }
            self.execute(&mut two, "BEGIN").await?;
            let (held, beside) = (self.backend(&mut two).await?, self.backend(one).await?);
            self.execute(&mut two, "ROLLBACK").await?;
            pooled = held != second || beside != first;
        }
        let _ = two.close().await;
        if pooled {
            return Err(
                Error::blocked(format!("{} is a pooler in transaction mode", self.words()))
                    .hint("Name the server itself, usually port 5432."),
            );
        }
        Ok(())
    }

    async fn backend(&self, connection: &mut PgConnection) -> Result<i32> {
        // Unprepared: behind a pooler a prepared statement may be another session's.
        let row = sqlx::raw_sql("SELECT pg_backend_pid() AS pid")
            .fetch_one(connection)
            .await
            .map_err(|error| self.fault(&error))?;
        row.try_get_unchecked("pid").map_err(|error| self.fault(&error))
    }

    pub(super) async fn look_about(&self) -> Result<About> {
        let mut connection = self.connect().await?;
        self.must_be_the_server(&mut connection).await?;
        let row = sqlx::query(
            "SELECT current_setting('server_version_num')::int AS version, current_setting('server_version') AS words, \
             pg_database_size(current_database())::bigint AS bytes, pg_is_in_recovery() AS standby, \
             current_setting('default_transaction_read_only') = 'on' AS read_only, \
             (SELECT rolsuper OR rolcreatedb FROM pg_roles WHERE rolname = current_user) AS creates, \
             (SELECT rolsuper FROM pg_roles WHERE rolname = current_user) OR pg_has_role(d.datdba, 'MEMBER') AS owns, \
             (SELECT rolsuper FROM pg_roles WHERE rolname = current_user) OR pg_has_role('pg_signal_backend', 'MEMBER') AS signals, \
             (SELECT system_identifier::text FROM pg_control_system()) AS system \
             FROM pg_database d WHERE d.datname = current_database()",
        )
        .fetch_one(&mut connection)
        .await
        .map_err(|error| self.fault(&error))?;
        let clients = self.clients(&mut connection, &self.name).await?;
        let folder: Option<String> =
            sqlx::query_scalar("SELECT setting FROM pg_settings WHERE name = 'data_directory'")
                .fetch_optional(&mut connection)
                .await
                .ok()
                .flatten();
        let _ = connection.close().await;
        let local = self.place.starts_with('/')
            || self.place.starts_with("localhost:")
            || self.place.starts_with("127.");
        let free = folder
            .filter(|_| local)
            .and_then(|folder| super::super::files::free(std::path::Path::new(&folder)));
        let version: i32 = row.get("version");
        let mut lacks = Vec::new();
        if !row.get::<Option<bool>, _>("creates").unwrap_or(false) {
            lacks.push("create databases".to_owned());
        }
        if !row.get::<Option<bool>, _>("owns").unwrap_or(false) {
            lacks.push(format!("rename {}, which another role owns", self.name));
        }
        let own_only = !row.get::<Option<bool>, _>("signals").unwrap_or(false);
        if own_only
            && clients
                .iter()
                .any(|client| !client.who.starts_with(self.options.get_username()))
        {
            lacks.push("end connections of other roles".to_owned());
        }
        let read_only: bool = row.get::<bool, _>("standby") || row.get::<bool, _>("read_only");
        Ok(About {
            system: format!(
                "postgres {}",
                row.get::<Option<String>, _>("system")
                    .unwrap_or_else(|| self.place.clone())
            ),
            version: format!("PostgreSQL {}", row.get::<String, _>("words")),
            major: u32::try_from(version / 10_000).unwrap_or(0),
            bytes: u64::try_from(row.get::<i64, _>("bytes")).unwrap_or(0),
            clients,
            free,
            lacks,
            read_only,
        })
    }

    /// Other connections to the database `name`.
    pub(super) async fn clients(&self, connection: &mut PgConnection, name: &str) -> Result<Vec<Client>> {
        let rows = sqlx::query(
            "SELECT pid::bigint AS pid, coalesce(usename, '?')::text || coalesce(' from ' || nullif(application_name, ''), '') \
             || coalesce(' (' || state || ')', '') AS who, coalesce(query, '') AS query \
             FROM pg_stat_activity WHERE datname = $1 AND pid <> pg_backend_pid() AND backend_type = 'client backend' ORDER BY pid",
        )
        .bind(name)
        .fetch_all(connection)
        .await
        .map_err(|error| self.fault(&error))?;
        Ok(rows
            .iter()
            .map(|row| Client {
                pid: row.get("pid"),
                who: inert_short(&row.get::<String, _>("who"), 80),
                query: inert_short(&row.get::<String, _>("query"), 120),
            })
            .collect())
    }

    pub(super) async fn look_marks(&self) -> Result<Vec<Mark>> {
        let mut connection = self.connect().await?;
        let there: bool = sqlx::query_scalar("SELECT to_regclass($1) IS NOT NULL")
            .bind(ident(MARKS))
            .fetch_one(&mut connection)
            .await
            .map_err(|error| self.fault(&error))?;
        if !there {
            return Ok(Vec::new());
        }
        let rows = sqlx::query(sql(format!(
            "SELECT epoch, kind, note FROM {} ORDER BY at, epoch",
            ident(MARKS)
        )))
        .fetch_all(&mut connection)
        .await
        .map_err(|error| self.fault(&error))?;
        let _ = connection.close().await;
        Ok(marks(&rows))
    }

    pub(super) async fn add_mark(&self, mark: &Mark) -> Result<()> {
        let mut connection = self.connect().await?;
        self.execute(
            &mut connection,
            format!(
                "CREATE TABLE IF NOT EXISTS {} (epoch TEXT NOT NULL, kind TEXT NOT NULL, note TEXT NOT NULL, \
                 at TIMESTAMPTZ NOT NULL DEFAULT now(), PRIMARY KEY (epoch, kind, note))",
                ident(MARKS)
            ),
        )
        .await?;
        sqlx::query(sql(format!(
            "INSERT INTO {} (epoch, kind, note) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING",
            ident(MARKS)
        )))
        .bind(&mark.epoch)
        .bind(mark.kind.word())
        .bind(&mark.note)
        .execute(&mut connection)
        .await
        .map_err(|error| self.fault(&error))?;
        let _ = connection.close().await;
        Ok(())
    }

    /// Sums in a snapshot of their own.
    pub(super) async fn take_sums(&self, connection: &mut PgConnection) -> Result<Sums> {
        self.execute(connection, SNAPSHOT).await?;
        let sums = self.sums_within(connection).await?;
        self.execute(connection, "COMMIT").await?;
        Ok(sums)
    }

    /// Sums in the transaction that is open.
    pub(super) async fn sums_within(&self, connection: &mut PgConnection) -> Result<Sums> {
        let names = sqlx::query(TABLES)
            .bind(ours())
            .fetch_all(&mut *connection)
            .await
            .map_err(|error| self.fault(&error))?;
        let mut sums = Sums::default();
        for row in names {
            let table = Table {
                schema: Some(row.get("schema")),
                name: row.get("name"),
            };
            let found = sqlx::query(sql(format!(
                "SELECT count(*)::bigint AS n, coalesce(sum(hashtextextended(t::text, 0)), 0)::text AS sum FROM ONLY {} t",
                quoted(&table)
            )))
            .fetch_one(&mut *connection)
            .await
            .map_err(|error| self.fault(&error))?;
            sums.tables.push(TableSum {
                table: table.to_string(),
                rows: u64::try_from(found.get::<i64, _>("n")).unwrap_or(0),
                sum: found.get("sum"),
            });
        }
        let objects = sqlx::query(OBJECTS)
            .bind(ours())
            .fetch_all(&mut *connection)
            .await
            .map_err(|error| self.fault(&error))?;
        for row in objects {
            let count = u64::try_from(row.get::<i64, _>("n")).unwrap_or(0);
            sums.objects.insert(row.get("kind"), count);
        }
        Ok(sums)
    }

    /// A table's full name and its columns, the key first. `None` when there is no such table.
    pub(super) async fn find(&self, connection: &mut PgConnection, table: &Table) -> Result<Option<Table>> {
        let row = sqlx::query(
            "SELECT n.nspname::text AS schema, c.relname::text AS name FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace \
             WHERE c.relname = $1 AND c.relkind IN ('r', 'p') AND (($2::text IS NULL AND pg_table_is_visible(c.oid)) OR n.nspname = $2)",
        )
        .bind(&table.name)
        .bind(table.schema.as_deref())
        .fetch_optional(connection)
        .await
        .map_err(|error| self.fault(&error))?;
        Ok(row.map(|row| Table {
            schema: Some(row.get("schema")),
            name: row.get("name"),
        }))
    }

    pub(super) async fn look_columns(
        &self,
        connection: &mut PgConnection,
        table: &Table,
    ) -> Result<Vec<Column>> {
        let Some(table) = self.find(connection, table).await? else {
            return Ok(Vec::new());
        };
        let rows = sqlx::query(
            "SELECT a.attname::text AS name, format_type(a.atttypid, a.atttypmod) AS kind, a.attnotnull AS not_null, \
             (a.atthasdef OR a.attidentity <> '') AS fills, a.attgenerated <> '' AS generated, \
             coalesce(a.attnum = ANY (x.indkey), false) AS key \
             FROM pg_attribute a LEFT JOIN pg_index x ON x.indrelid = a.attrelid AND x.indisprimary \
             WHERE a.attrelid = $1::regclass AND a.attnum > 0 AND NOT a.attisdropped \
             ORDER BY coalesce(a.attnum = ANY (x.indkey), false) DESC, a.attnum",
        )
        .bind(quoted(&table))
        .fetch_all(connection)
        .await
        .map_err(|error| self.fault(&error))?;
        Ok(rows
            .iter()
            .filter(|row| !row.get::<bool, _>("generated"))
            .map(|row| Column {
                name: row.get("name"),
                kind: row.get::<String, _>("kind").to_lowercase(),
                key: row.get("key"),
                fills_itself: row.get("fills"),
                not_null: row.get("not_null"),
            })
            .collect())
    }

    /// The one column of the primary key.
    pub(super) async fn key_of(&self, connection: &mut PgConnection, table: &Table) -> Result<String> {
        let columns = self.look_columns(connection, table).await?;
        let keys: Vec<&Column> = columns.iter().filter(|column| column.key).collect();
        match keys.as_slice() {
            [one] => Ok(one.name.clone()),
            _ => Err(Error::input(format!(
                "table {table} of {} has no primary key of one column",
                self.words()
            ))),
        }
    }

    pub(super) async fn stream_keys(
        &self,
        connection: &mut PgConnection,
        table: &Table,
        column: Option<&str>,
        sink: KeySink<'_>,
    ) -> Result<Option<u64>> {
        use futures_util::TryStreamExt as _;
        let Some(found) = self.find(connection, table).await? else {
            return Ok(None);
        };
        let key = match column {
            Some(column) => column.to_owned(),
            None => self.key_of(connection, &found).await?,
        };
        let hash = if column.is_some() {
            "0::bigint"
        } else {
            "hashtextextended(t::text, 0)"
        };
        let text = format!(
            "SELECT {key}::text AS key, {hash} AS hash FROM {} t WHERE {key} IS NOT NULL ORDER BY {key}::text COLLATE \"C\"",
            quoted(&found),
            key = format!("t.{}", ident(&key)),
        );
        let mut rows = sqlx::query(sql(text)).fetch(connection);
        let mut count = 0;
        while let Some(row) = rows.try_next().await.map_err(|error| self.fault(&error))? {
            sink(row.get("key"), row.get("hash"))?;
            count += 1;
        }
        Ok(Some(count))
    }

    /// A text as SQL, for statements that take no parameters.
    pub(super) fn quoted_text(text: &str) -> String {
        literal(text)
    }
}
