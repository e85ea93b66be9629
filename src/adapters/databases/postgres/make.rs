//! Making a database from a dump, beside the one that is in use, and removing what was made so.

use std::path::Path;

use sqlx::postgres::PgConnection;
use sqlx::{Connection as _, Row as _};

use super::{PgDatabase, sql};
use crate::adapters::phrase::{ident, literal};
use crate::engine::error::{Error, Result};
use crate::engine::operation::Control;
use crate::engine::ports::databases::Database;

/// The beginning of the comment on every database of our making; nothing without it is ever removed.
const OURS: &str = "maos-migrate:";

impl PgDatabase {
    pub(super) async fn make_from(&self, from: &Path, like: &dyn Database, control: &Control) -> Result<()> {
        let mut connection = self.maintenance().await?;
        self.drop_if_ours(&mut connection).await?;
        self.create_like(&mut connection, &like.name()).await?;
        let made = self.fill(from, control).await;
        let ended = match made {
            Ok(()) => {
                let said = literal(&format!("{OURS} restored"));
                self.execute(
                    &mut connection,
                    format!("COMMENT ON DATABASE {} IS {said}", ident(&self.name)),
                )
                .await
                .map(|_| ())
            }
            Err(error) => {
                // Best effort: what stays is marked as ours and unfinished, and made again by the next try.
                let _ = self.drop_if_ours(&mut connection).await;
                Err(error)
            }
        };
        let _ = connection.close().await;
        ended
    }

    pub(super) async fn make_empty(&self, like: &dyn Database) -> Result<()> {
        let mut connection = self.maintenance().await?;
        self.drop_if_ours(&mut connection).await?;
        let made = self.create_like(&mut connection, &like.name()).await;
        let _ = connection.close().await;
        made
    }

    async fn fill(&self, from: &Path, control: &Control) -> Result<()> {
        let major = self.look_about().await?.major;
        let path = from
            .to_str()
            .ok_or_else(|| Error::input("the folder of backups has a name that is not UTF-8"))?;
        let cpus = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        let jobs = format!("--jobs={}", cpus.clamp(2, 4));
        if !is_archive(from)? {
            return self.fill_from_script(path, major, control).await;
        }
        // Options end where the file begins: a name that starts with a dash is a name.
        let named = format!("--dbname={}", self.quoted_name());
        let call = self.call(
            self.program("pg_restore", major),
            &["--exit-on-error", &jobs, &named, "--", path],
        );
        self.run(call, None, "restoring", control).await.map(|_| ())
    }

    /// A plain dump: wholly or not at all. Its caller has made sure that it holds nothing but SQL.
    async fn fill_from_script(&self, path: &str, major: u32, control: &Control) -> Result<()> {
        let file = format!("--file={path}");
        let call = self.call(
            self.program("psql", major),
            &[
                "--no-psqlrc",
                "--quiet",
                "--single-transaction",
                "--set=ON_ERROR_STOP=1",
                &file,
            ],
        );
        self.run(call, None, "restoring", control).await.map(|_| ())
    }

    /// The name as a connection string, so that no name is read as one.
    fn quoted_name(&self) -> String {
        let quoted = self.name.replace('\\', "\\\\").replace('\'', "\\'");
        format!("dbname='{quoted}'")
    }

    /// An empty database with everything that a dump does not say: owner, encoding, locale, place, limits, settings, rights.
    async fn create_like(&self, connection: &mut PgConnection, like: &str) -> Result<()> {
        let row = sqlx::query(
            "SELECT pg_get_userbyid(d.datdba)::text AS owner, pg_encoding_to_char(d.encoding)::text AS encoding, \
             d.datcollate::text AS lc_collate, d.datctype::text AS lc_ctype, d.datconnlimit AS connections, t.spcname::text AS place, \
             to_jsonb(d)->>'datlocprovider' AS provider, coalesce(to_jsonb(d)->>'daticulocale', to_jsonb(d)->>'datlocale') AS icu, \
             d.oid::bigint AS oid \
             FROM pg_database d JOIN pg_tablespace t ON t.oid = d.dattablespace WHERE d.datname = $1",
        )
        .bind(like)
        .fetch_optional(&mut *connection)
        .await
        .map_err(|error| self.fault(&error))?
        .ok_or_else(|| Error::unavailable(format!("there is no database {like} to be like")))?;
        let text = |column: &str| literal(&row.get::<String, _>(column));
        let mut create = format!(
            "CREATE DATABASE {} TEMPLATE template0 OWNER {} ENCODING {} LC_COLLATE {} LC_CTYPE {} TABLESPACE {} CONNECTION LIMIT {}",
            ident(&self.name),
            ident(&row.get::<String, _>("owner")),
            text("encoding"),
            text("lc_collate"),
            text("lc_ctype"),
            ident(&row.get::<String, _>("place")),
            row.get::<i32, _>("connections"),
        );
        if row.get::<Option<&str>, _>("provider") == Some("i")
            && let Some(icu) = row.get::<Option<String>, _>("icu")
        {
            create.push_str(" LOCALE_PROVIDER icu ICU_LOCALE ");
            create.push_str(&literal(&icu));
        }
        self.execute(connection, create).await?;
        let unfinished = literal(&format!("{OURS} unfinished restore"));
        self.execute(
            connection,
            format!("COMMENT ON DATABASE {} IS {unfinished}", ident(&self.name)),
        )
        .await?;
        self.copy_settings(connection, row.get("oid")).await?;
        self.copy_rights(connection, row.get("oid")).await
    }

    async fn copy_settings(&self, connection: &mut PgConnection, like: i64) -> Result<()> {
        let rows = sqlx::query(
            "SELECT r.rolname::text AS role, split_part(c.item, '=', 1) AS name, substr(c.item, strpos(c.item, '=') + 1) AS value \
             FROM pg_db_role_setting s CROSS JOIN LATERAL unnest(s.setconfig) AS c(item) LEFT JOIN pg_roles r ON r.oid = s.setrole \
             WHERE s.setdatabase = $1::bigint::oid AND (s.setrole = 0 OR r.rolname IS NOT NULL)",
        )
        .bind(like)
        .fetch_all(&mut *connection)
        .await
        .map_err(|error| self.fault(&error))?;
        for row in rows {
            let (name, value): (String, String) = (row.get("name"), row.get("value"));
            let database = ident(&self.name);
            let to = setting(&name, &value);
            let text = match row.get::<Option<String>, _>("role") {
                None => format!("ALTER DATABASE {database} SET {} TO {to}", ident(&name)),
                Some(role) => format!(
                    "ALTER ROLE {} IN DATABASE {database} SET {} TO {to}",
                    ident(&role),
                    ident(&name)
                ),
            };
            self.execute(connection, text).await?;
        }
        Ok(())
    }

    async fn copy_rights(&self, connection: &mut PgConnection, like: i64) -> Result<()> {
        let rows = sqlx::query(
            "SELECT CASE WHEN a.grantee = 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(a.grantee)) END AS grantee, \
             a.privilege_type::text AS what, a.is_grantable AS again, d.datacl IS NULL AS untouched \
             FROM pg_database d LEFT JOIN LATERAL aclexplode(d.datacl) a ON true WHERE d.oid = $1::bigint::oid",
        )
        .bind(like)
        .fetch_all(&mut *connection)
        .await
        .map_err(|error| self.fault(&error))?;
        if rows.iter().any(|row| row.get::<bool, _>("untouched")) {
            return Ok(());
        }
        let database = ident(&self.name);
        self.execute(
            connection,
            format!("REVOKE ALL ON DATABASE {database} FROM PUBLIC"),
        )
        .await?;
        for row in rows {
            let Some(what) = row.get::<Option<String>, _>("what") else {
                continue;
            };
            let again = if row.get::<Option<bool>, _>("again").unwrap_or(false) {
                " WITH GRANT OPTION"
            } else {
                ""
            };
            let grantee: String = row.get("grantee");
            self.execute(
                connection,
                format!("GRANT {what} ON DATABASE {database} TO {grantee}{again}"),
            )
            .await?;
        }
        Ok(())
    }

    pub(super) async fn drop_ours(&self) -> Result<()> {
        let mut connection = self.maintenance().await?;
        let dropped = self.drop_if_ours(&mut connection).await;
        let _ = connection.close().await;
        dropped
    }

    /// Removes the database when it is of our making; refuses any other.
    async fn drop_if_ours(&self, connection: &mut PgConnection) -> Result<()> {
        let row = sqlx::query(
            "SELECT shobj_description(oid, 'pg_database') AS said, pg_database_size(oid)::bigint AS bytes, \
             (SELECT pg_database_size(oid)::bigint FROM pg_database WHERE datname = 'template0') AS empty \
             FROM pg_database WHERE datname = $1",
        )
        .bind(&self.name)
        .fetch_optional(&mut *connection)
        .await
        .map_err(|error| self.fault(&error))?;
        let Some(row) = row else { return Ok(()) };
        let ours = row
            .get::<Option<String>, _>("said")
            .is_some_and(|said| said.starts_with(OURS));
        // Ended between its making and its comment: as empty as a database can be.
        let empty = row.get::<Option<i64>, _>("bytes")
            <= row.get::<Option<i64>, _>("empty").map(|bytes| bytes + 65_536);
        let free_to_go = ours || (empty && self.is_bare().await);
        if !free_to_go {
            return Err(Error::blocked(format!(
                "there is a database {} already, and it is not of our making",
                self.words()
            ))
            .hint("Rename it or remove it by hand."));
        }
        self.execute(
            connection,
            format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", ident(&self.name)),
        )
        .await
        .map(|_| ())
    }

    async fn is_bare(&self) -> bool {
        let Ok(mut connection) = self.connect().await else {
            return false;
        };
        let relations: Result<i64, _> = sqlx::query_scalar(sql(
            "SELECT count(*) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname <> 'information_schema' AND n.nspname !~ '^pg_'",
        ))
        .fetch_one(&mut connection)
        .await;
        let _ = connection.close().await;
        relations.is_ok_and(|count| count == 0)
    }
}

/// Whether a file is a dump in PostgreSQL's custom format.
fn is_archive(path: &Path) -> Result<bool> {
    use std::io::Read as _;
    let mut head = [0; 5];
    let mut file = std::fs::File::open(path).map_err(|error| Error::io("read", path, &error))?;
    Ok(file.read_exact(&mut head).is_ok() && &head == b"PGDMP")
}

/// A setting's value as `SET` takes it: lists stay lists.
fn setting(name: &str, value: &str) -> String {
    const LISTS: [&str; 5] = [
        "search_path",
        "temp_tablespaces",
        "session_preload_libraries",
        "local_preload_libraries",
        "shared_preload_libraries",
    ];
    if !LISTS.contains(&name) {
        return literal(value);
    }
    // Stored with each part quoted as it needs to be: `"$user", public`.
    let parts: Vec<String> = split_list(value).iter().map(|part| literal(part)).collect();
    if parts.is_empty() {
        literal("")
    } else {
        parts.join(", ")
    }
}

fn split_list(value: &str) -> Vec<String> {
    let mut parts = Vec::new();
    let (mut part, mut quoted) = (String::new(), false);
    let mut letters = value.chars().peekable();
    while let Some(letter) = letters.next() {
        match letter {
            '"' if quoted && letters.peek() == Some(&'"') => {
                letters.next();
                part.push('"');
            }
            '"' => quoted = !quoted,
            ',' if !quoted => parts.push(std::mem::take(&mut part)),
            letter if letter.is_whitespace() && !quoted => {}
            letter => part.push(letter),
        }
    }
    if !part.is_empty() || !parts.is_empty() {
        parts.push(part);
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_stay_lists() {
        assert_eq!(setting("search_path", "\"$user\", public"), "'$user', 'public'");
        assert_eq!(setting("work_mem", "64MB"), "'64MB'");
        assert_eq!(split_list("a, \"b \"\"c\""), ["a", "b \"c"]);
    }
}
