//! A SQLite file as a whole: copied by `VACUUM INTO`, put in place by a rename, so that its name never shows half a database.

mod rows;
mod swap;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use sha2::{Digest as _, Sha256};
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{AssertSqlSafe, ConnectOptions as _, Connection as _, Row as _};

use super::{files, plain};
use crate::adapters::ledger::marks;
use crate::adapters::phrase::{ident, literal};
use crate::adapters::sqlite::fault::fault;
use crate::engine::error::{Error, Result};
use crate::engine::operation::Control;
use crate::engine::ports::databases::{
    About, Answer, CARRIED, Client, Column, Database, Dumped, KeySink, MARKS, Mark, Sums, Swapped, TableSum,
};
use crate::engine::ports::store::{Dialect, Table};

/// A SQLite database file.
#[derive(Debug, Clone)]
pub struct SqliteDatabase {
    path: PathBuf,
}

fn sql(text: impl Into<String>) -> AssertSqlSafe<String> {
    AssertSqlSafe(text.into())
}

impl SqliteDatabase {
    /// The database in a file; nothing is opened yet.
    #[must_use]
    pub fn new(path: &Path) -> Self {
        let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
        Self { path }
    }

    fn fault(&self, error: &sqlx::Error) -> Error {
        plain(&fault(&self.name(), error))
    }

    async fn open(&self, create: bool) -> Result<SqliteConnection> {
        if !create && !self.path.exists() {
            return Err(Error::unavailable(format!(
                "{} does not exist",
                self.path.display()
            )));
        }
        let options = SqliteConnectOptions::new()
            .filename(&self.path)
            .busy_timeout(Duration::from_secs(10))
            .create_if_missing(create)
            .disable_statement_logging();
        SqliteConnection::connect_with(&options)
            .await
            .map_err(|error| self.fault(&error))
    }

    async fn execute(&self, connection: &mut SqliteConnection, text: impl Into<String>) -> Result<u64> {
        sqlx::raw_sql(sql(text))
            .execute(connection)
            .await
            .map(|done| done.rows_affected())
            .map_err(|error| self.fault(&error))
    }

    async fn tables(&self, connection: &mut SqliteConnection) -> Result<Vec<String>> {
        sqlx::query_scalar(
            "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' \
             AND name NOT IN ($1, $2) ORDER BY name",
        )
        .bind(MARKS)
        .bind(CARRIED)
        .fetch_all(connection)
        .await
        .map_err(|error| self.fault(&error))
    }

    async fn exists_table(&self, connection: &mut SqliteConnection, name: &str) -> Result<bool> {
        sqlx::query_scalar("SELECT EXISTS (SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = $1)")
            .bind(name)
            .fetch_one(connection)
            .await
            .map_err(|error| self.fault(&error))
    }

    async fn look_columns(&self, connection: &mut SqliteConnection, table: &Table) -> Result<Vec<Column>> {
        let rows = sqlx::query(
            "SELECT name, lower(type) AS kind, pk, dflt_value IS NOT NULL AS fills, \"notnull\" AS strict FROM pragma_table_info($1) \
             ORDER BY pk = 0, pk, cid",
        )
        .bind(&table.name)
        .fetch_all(connection)
        .await
        .map_err(|error| self.fault(&error))?;
        Ok(rows
            .iter()
            .map(|row| {
                let (kind, key): (String, bool) = (row.get("kind"), row.get::<i64, _>("pk") > 0);
                Column {
                    name: row.get("name"),
                    fills_itself: row.get::<bool, _>("fills") || (key && kind == "integer"),
                    kind,
                    key,
                    not_null: row.get::<bool, _>("strict"),
                }
            })
            .collect())
    }

    /// Every row of a table as one text, in the form of SQL literals, which keep type and value.
    fn as_text(columns: &[Column]) -> String {
        if columns.is_empty() {
            return "''".to_owned();
        }
        columns
            .iter()
            .map(|column| format!("quote({})", ident(&column.name)))
            .collect::<Vec<_>>()
            .join(" || ',' || ")
    }

    async fn sum(&self, connection: &mut SqliteConnection, name: &str) -> Result<TableSum> {
        use futures_util::TryStreamExt as _;
        let table = Table::parse(name);
        let table = Table {
            schema: None,
            name: if table.schema.is_some() {
                name.to_owned()
            } else {
                table.name
            },
        };
        let columns = self.look_columns(connection, &table).await?;
        let text = format!("SELECT {} AS row FROM {}", Self::as_text(&columns), ident(name));
        let mut rows = sqlx::query(sql(text)).fetch(connection);
        let (mut count, mut sum) = (0_u64, 0_i128);
        while let Some(row) = rows.try_next().await.map_err(|error| self.fault(&error))? {
            sum += i128::from(hash(row.get("row")));
            count += 1;
        }
        Ok(TableSum {
            table: name.to_owned(),
            rows: count,
            sum: sum.to_string(),
        })
    }

    async fn take_sums(&self) -> Result<Sums> {
        let mut connection = self.open(false).await?;
        self.execute(&mut connection, "BEGIN").await?;
        let mut sums = Sums::default();
        for name in self.tables(&mut connection).await? {
            sums.tables.push(self.sum(&mut connection, &name).await?);
        }
        let rows = sqlx::query(
            "SELECT CASE type WHEN 'index' THEN 'indexes' ELSE type || 's' END AS kind, count(*) AS n FROM sqlite_schema \
             WHERE type <> 'table' AND tbl_name NOT IN ($1, $2) GROUP BY 1 ORDER BY 1",
        )
        .bind(MARKS)
        .bind(CARRIED)
        .fetch_all(&mut connection)
        .await
        .map_err(|error| self.fault(&error))?;
        for row in rows {
            let count = u64::try_from(row.get::<i64, _>("n")).unwrap_or(0);
            sums.objects.insert(row.get("kind"), count);
        }
        self.execute(&mut connection, "COMMIT").await?;
        let _ = connection.close().await;
        Ok(sums)
    }

    async fn look_marks(&self) -> Result<Vec<Mark>> {
        let mut connection = self.open(false).await?;
        if !self.exists_table(&mut connection, MARKS).await? {
            return Ok(Vec::new());
        }
        let rows = sqlx::query(sql(format!(
            "SELECT epoch, kind, note FROM {MARKS} ORDER BY at, epoch"
        )))
        .fetch_all(&mut connection)
        .await
        .map_err(|error| self.fault(&error))?;
        let _ = connection.close().await;
        Ok(marks(&rows))
    }

    async fn add_mark(&self, mark: &Mark) -> Result<()> {
        let mut connection = self.open(false).await?;
        self.execute(
            &mut connection,
            format!(
                "CREATE TABLE IF NOT EXISTS {MARKS} (epoch TEXT NOT NULL, kind TEXT NOT NULL, note TEXT NOT NULL, \
                 at TEXT NOT NULL DEFAULT CURRENT_TIMESTAMP, PRIMARY KEY (epoch, kind, note))"
            ),
        )
        .await?;
        sqlx::query(sql(format!(
            "INSERT OR IGNORE INTO {MARKS} (epoch, kind, note) VALUES ($1, $2, $3)"
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

    /// A copy of one instant, wholly on disk. `to` must not exist; what a failure leaves is removed.
    async fn copy_to(&self, to: &Path) -> Result<()> {
        let path = to
            .to_str()
            .ok_or_else(|| Error::input("a path that is not UTF-8 cannot be given to SQLite"))?;
        let mut connection = self.open(false).await?;
        let copied = self
            .execute(&mut connection, format!("VACUUM INTO {}", literal(path)))
            .await;
        let _ = connection.close().await;
        if copied.is_err() {
            let _ = std::fs::remove_file(to);
        }
        copied?;
        files::settle(to)
    }

    async fn write_dump(&self, to: &Path, keys: Option<&Table>, sink: KeySink<'_>) -> Result<Dumped> {
        remove_file(to)?;
        self.copy_to(to).await?;
        files::private(to)?;
        // What is in the copy is what was copied: sums and keys are read from it.
        let copy = Self::new(to);
        let sums = copy.take_sums().await?;
        if let Some(table) = keys {
            copy.stream_keys(table, None, sink).await?;
        }
        Ok(Dumped {
            format: "sqlite".to_owned(),
            program: self.version().await?,
            sums,
        })
    }

    async fn version(&self) -> Result<String> {
        let mut memory = SqliteConnection::connect_with(&SqliteConnectOptions::new().in_memory(true))
            .await
            .map_err(|error| self.fault(&error))?;
        let version: String = sqlx::query_scalar("SELECT sqlite_version()")
            .fetch_one(&mut memory)
            .await
            .map_err(|error| self.fault(&error))?;
        Ok(format!("SQLite {version}"))
    }

    async fn look_about(&self) -> Result<About> {
        let folder = self.path.parent().unwrap_or(Path::new("/"));
        let meta = std::fs::metadata(&self.path).map_err(|error| Error::io("read", &self.path, &error))?;
        let version = self.version().await?;
        let writable = rustix::fs::access(folder, rustix::fs::Access::WRITE_OK).is_ok();
        let lacks = if writable {
            Vec::new()
        } else {
            vec![format!("write into {}", folder.display())]
        };
        Ok(About {
            system: format!("sqlite {}", self.path.display()),
            version,
            major: 3,
            bytes: meta.len(),
            clients: self.holders(),
            free: files::free(folder),
            lacks,
            read_only: rustix::fs::access(&self.path, rustix::fs::Access::WRITE_OK).is_err(),
        })
    }

    /// Processes of this machine that hold the file open, as far as we may see them; our own left out.
    fn holders(&self) -> Vec<Client> {
        let own = std::process::id().to_string();
        let mut found = Vec::new();
        for entry in std::fs::read_dir("/proc").into_iter().flatten().flatten() {
            let name = entry.file_name();
            let Some(pid) = name
                .to_str()
                .filter(|pid| pid.bytes().all(|b| b.is_ascii_digit()) && *pid != own)
            else {
                continue;
            };
            let holds = std::fs::read_dir(entry.path().join("fd"))
                .into_iter()
                .flatten()
                .flatten()
                .any(|fd| std::fs::read_link(fd.path()).is_ok_and(|path| path == self.path));
            if holds {
                let who = std::fs::read_to_string(entry.path().join("comm")).unwrap_or_default();
                found.push(Client {
                    pid: pid.parse().unwrap_or_default(),
                    who: crate::engine::text::inert_short(who.trim(), 40),
                    query: String::new(),
                });
            }
        }
        found
    }

    /// Restores into a file of another name and gives it this name at the end, so that no half-made file bears it.
    async fn make_from(&self, from: &Path) -> Result<()> {
        if self.path.exists() && !self.is_ours() {
            return Err(Error::blocked(format!("{} exists already", self.path.display()))
                .hint("Rename it or remove it by hand."));
        }
        let half = with_ending(&self.path, ".half");
        remove_file(&half)?;
        let bytes = std::fs::metadata(from)
            .map_err(|error| Error::io("read", from, &error))?
            .len();
        if let Some(free) = files::free(&half).filter(|free| *free < bytes) {
            return Err(Error::unavailable(format!(
                "{} bytes are free beside {}, {bytes} are needed",
                free,
                self.name()
            ))
            .hint("Free space there and try again."));
        }
        let (source, target) = (from.to_owned(), half.clone());
        let copied = tokio::task::spawn_blocking(move || {
            std::fs::copy(&source, &target).map_err(|error| Error::io("write", &target, &error))?;
            files::settle(&target)
        })
        .await
        .unwrap_or_else(|_| Err(Error::bug("copying ended without a result")));
        let checked = match copied {
            Ok(()) => Self::new(&half).check().await,
            Err(error) => Err(error),
        };
        if let Err(error) = checked {
            let _ = std::fs::remove_file(&half);
            return Err(error);
        }
        std::fs::rename(&half, &self.path).map_err(|error| Error::io("rename", &half, &error))?;
        crate::engine::workspace::files::sync_folder(&self.path)
    }

    /// SQLite's own look over every page.
    async fn check(&self) -> Result<()> {
        let mut connection = self.open(false).await?;
        let said: String = sqlx::query_scalar("PRAGMA integrity_check(1)")
            .fetch_one(&mut connection)
            .await
            .map_err(|error| self.fault(&error))?;
        let _ = connection.close().await;
        if said == "ok" {
            Ok(())
        } else {
            Err(Error::input(format!(
                "the copy is damaged: {}",
                crate::engine::text::inert_short(&said, 120)
            )))
        }
    }

    /// Whether the name is one that we give to what we make beside a database.
    fn is_ours(&self) -> bool {
        let stem = self
            .path
            .file_stem()
            .map(|stem| stem.to_string_lossy().into_owned())
            .unwrap_or_default();
        ["_rb_", "_verify_", "_rehearse_"]
            .iter()
            .any(|part| stem.contains(part))
    }
}

/// The first eight bytes of SHA-256 of a row's text, as a number.
fn hash(text: &str) -> i64 {
    let digest = Sha256::digest(text.as_bytes());
    let mut eight = [0; 8];
    eight.copy_from_slice(&digest[..8]);
    i64::from_be_bytes(eight)
}

fn with_ending(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    PathBuf::from(name)
}

fn remove_file(path: &Path) -> Result<()> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(Error::io("remove", path, &error)),
        _ => Ok(()),
    }
}

impl Database for SqliteDatabase {
    fn dialect(&self) -> Dialect {
        Dialect::Sqlite
    }

    fn words(&self) -> String {
        self.path.display().to_string()
    }

    fn name(&self) -> String {
        self.path
            .file_name()
            .map_or_else(String::new, |name| name.to_string_lossy().into_owned())
    }

    fn sibling(&self, name: &str) -> Arc<dyn Database> {
        Arc::new(Self {
            path: self.path.with_file_name(name),
        })
    }

    fn named(&self, suffix: &str) -> String {
        let stem = self
            .path
            .file_stem()
            .map_or_else(String::new, |stem| stem.to_string_lossy().into_owned());
        self.path.extension().map_or_else(
            || format!("{stem}_{suffix}"),
            |ending| format!("{stem}_{suffix}.{}", ending.to_string_lossy()),
        )
    }

    fn exists(&self) -> Answer<'_, bool> {
        Box::pin(async move { Ok(self.path.exists()) })
    }

    fn about(&self) -> Answer<'_, About> {
        Box::pin(self.look_about())
    }

    fn marks(&self) -> Answer<'_, Vec<Mark>> {
        Box::pin(self.look_marks())
    }

    fn mark<'a>(&'a self, mark: &'a Mark) -> Answer<'a, ()> {
        Box::pin(self.add_mark(mark))
    }

    fn sums(&self) -> Answer<'_, Sums> {
        Box::pin(self.take_sums())
    }

    fn dump<'a>(
        &'a self,
        to: &'a Path,
        keys: Option<&'a Table>,
        sink: KeySink<'a>,
        _control: &'a Control,
    ) -> Answer<'a, Dumped> {
        Box::pin(self.write_dump(to, keys, sink))
    }

    fn restore<'a>(
        &'a self,
        from: &'a Path,
        _like: &'a dyn Database,
        _control: &'a Control,
    ) -> Answer<'a, ()> {
        Box::pin(self.make_from(from))
    }

    fn make<'a>(&'a self, _like: &'a dyn Database) -> Answer<'a, ()> {
        Box::pin(async move {
            self.remove().await?;
            let mut connection = self.open(true).await?;
            // A file is made by the first thing that is written.
            self.execute(&mut connection, "PRAGMA user_version = 1").await?;
            let _ = connection.close().await;
            Ok(())
        })
    }

    fn settle(&self) -> Answer<'_, ()> {
        Box::pin(async move {
            let mut connection = self.open(false).await?;
            self.execute(&mut connection, "ANALYZE").await?;
            let _ = connection.close().await;
            Ok(())
        })
    }

    fn remove(&self) -> Answer<'_, ()> {
        Box::pin(async move {
            if !self.path.exists() {
                return Ok(());
            }
            if !self.is_ours() {
                return Err(Error::blocked(format!(
                    "{} is not of our making",
                    self.path.display()
                )));
            }
            for ending in ["", "-journal", "-wal", "-shm"] {
                remove_file(&with_ending(&self.path, ending))?;
            }
            crate::engine::workspace::files::sync_folder(&self.path)
        })
    }

    fn swap<'a>(&'a self, incoming: &'a str, outgoing: &'a str, control: &'a Control) -> Answer<'a, Swapped> {
        Box::pin(self.swap_files(incoming, outgoing, control))
    }

    fn keys<'a>(
        &'a self,
        table: &'a Table,
        column: Option<&'a str>,
        sink: KeySink<'a>,
    ) -> Answer<'a, Option<u64>> {
        Box::pin(self.stream_keys(table, column, sink))
    }

    fn rows<'a>(&'a self, table: &'a Table, keys: &'a [String]) -> Answer<'a, Vec<(String, Value)>> {
        Box::pin(self.read_rows(table, keys))
    }

    fn carry<'a>(&'a self, table: &'a Table, run: &'a str, rows: &'a [(String, Value)]) -> Answer<'a, u64> {
        Box::pin(self.carry_rows(table, run, rows))
    }

    fn carried<'a>(&'a self, run: &'a str) -> Answer<'a, u64> {
        Box::pin(self.count_carried(run))
    }

    fn uncarry<'a>(&'a self, table: &'a Table, run: &'a str) -> Answer<'a, u64> {
        Box::pin(self.remove_carried(table, run))
    }

    fn columns<'a>(&'a self, table: &'a Table) -> Answer<'a, Vec<Column>> {
        Box::pin(async move {
            let mut connection = self.open(false).await?;
            self.look_columns(&mut connection, table).await
        })
    }
}
