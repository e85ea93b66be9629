//! A PostgreSQL database as a whole.
//!
//! Catalog work goes over sqlx, dumps and restores through PostgreSQL's own programs, whose password stands in their environment and
//! never among their arguments.

mod dump;
mod look;
mod make;
mod programs;
mod rows;
mod swap;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use secrecy::{ExposeSecret as _, SecretString};
use serde_json::Value;
use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::{AssertSqlSafe, ConnectOptions as _, Connection as _};

use super::plain;
use crate::adapters::postgres::fault::fault;
use crate::engine::error::{Error, ErrorKind, Result};
use crate::engine::operation::Control;
use crate::engine::ports::databases::{
    About, Answer, Column, Database, Dumped, KeySink, Mark, Sums, Swapped,
};
use crate::engine::ports::process::Processes;
use crate::engine::ports::store::{Dialect, Table};

/// The longest name that PostgreSQL keeps whole, in bytes.
const NAME: usize = 63;

/// A database behind a URL.
#[derive(Clone)]
pub struct PgDatabase {
    options: PgConnectOptions,
    /// For the programs: `PGHOST` and the like.
    env: Vec<(String, SecretString)>,
    name: String,
    place: String,
    programs: Option<PathBuf>,
    processes: Arc<dyn Processes>,
}

/// SQL of our own making; every name and literal in it went through `phrase`.
fn sql(text: impl Into<String>) -> AssertSqlSafe<String> {
    AssertSqlSafe(text.into())
}

/// The longest beginning of a name that has at most `room` bytes.
fn fitting(name: &str, room: usize) -> &str {
    &name[..name.floor_char_boundary(room)]
}

impl PgDatabase {
    /// Reads the URL; connects when first used.
    ///
    /// # Errors
    /// [`ErrorKind::Usage`] when the URL cannot be read; the text does not hold it.
    pub fn new(url: &SecretString, programs: Option<PathBuf>, processes: Arc<dyn Processes>) -> Result<Self> {
        let wrong = || {
            Error::new(ErrorKind::Usage, "the PostgreSQL URL cannot be read")
                .hint("It looks like postgres://user@host:5432/database.")
        };
        let options: PgConnectOptions = url.expose_secret().parse().map_err(|_| wrong())?;
        let options = options
            .application_name("maos-migrate backup")
            .options([
                ("timezone", "UTC"),
                ("datestyle", "ISO"),
                ("intervalstyle", "postgres"),
                ("extra_float_digits", "1"),
                ("bytea_output", "hex"),
                ("lock_timeout", "10s"),
                ("statement_timeout", "0"),
                ("row_security", "off"),
                ("idle_in_transaction_session_timeout", "0"),
            ])
            .disable_statement_logging();
        let place = options.get_socket().map_or_else(
            || format!("{}:{}", options.get_host(), options.get_port()),
            |path| path.display().to_string(),
        );
        // The server cuts a longer name and says nothing; what it is called there is what everything is compared with.
        let name = options.get_database().unwrap_or(options.get_username());
        let name = fitting(name, NAME).to_owned();
        Ok(Self {
            env: programs::environment(url, &options).ok_or_else(wrong)?,
            options: options.database(&name),
            name,
            place,
            programs,
            processes,
        })
    }

    fn other(&self, name: &str) -> Self {
        Self {
            options: self.options.clone().database(name),
            name: name.to_owned(),
            ..self.clone()
        }
    }

    async fn connect(&self) -> Result<PgConnection> {
        PgConnection::connect_with(&self.options.clone().database(&self.name))
            .await
            .map_err(|error| self.fault(&error))
    }

    /// A connection beside the database, for making, renaming and removing it.
    async fn maintenance(&self) -> Result<PgConnection> {
        let mut last = None;
        for name in ["postgres", "template1"] {
            if name == self.name {
                continue;
            }
            match PgConnection::connect_with(&self.options.clone().database(name)).await {
                Ok(connection) => return Ok(connection),
                Err(error) => last = Some(error),
            }
        }
        Err(last.map_or_else(
            || Error::unavailable(format!("{}: no maintenance database", self.place)),
            |error| {
                self.fault(&error)
                    .hint("Allow this login into the database postgres.")
            },
        ))
    }

    fn fault(&self, error: &sqlx::Error) -> Error {
        plain(&fault(&self.words(), error))
    }
}

impl Database for PgDatabase {
    fn dialect(&self) -> Dialect {
        Dialect::Postgres
    }

    fn words(&self) -> String {
        format!("{}/{}", self.place, self.name)
    }

    fn name(&self) -> String {
        self.name.clone()
    }

    fn sibling(&self, name: &str) -> Arc<dyn Database> {
        Arc::new(self.other(name))
    }

    fn named(&self, suffix: &str) -> String {
        let room = NAME.saturating_sub(suffix.len() + 1);
        format!("{}_{suffix}", fitting(&self.name, room))
    }

    fn exists(&self) -> Answer<'_, bool> {
        Box::pin(self.look_exists())
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
        Box::pin(async move {
            let mut connection = self.connect().await?;
            self.take_sums(&mut connection).await
        })
    }

    fn dump<'a>(
        &'a self,
        to: &'a Path,
        keys: Option<&'a Table>,
        sink: KeySink<'a>,
        control: &'a Control,
    ) -> Answer<'a, Dumped> {
        Box::pin(self.write_dump(to, keys, sink, control))
    }

    fn restore<'a>(&'a self, from: &'a Path, like: &'a dyn Database, control: &'a Control) -> Answer<'a, ()> {
        Box::pin(self.make_from(from, like, control))
    }

    fn make<'a>(&'a self, like: &'a dyn Database) -> Answer<'a, ()> {
        Box::pin(self.make_empty(like))
    }

    fn settle(&self) -> Answer<'_, ()> {
        Box::pin(async move {
            let mut connection = self.connect().await?;
            self.execute(&mut connection, "ANALYZE").await.map(|_| ())
        })
    }

    fn remove(&self) -> Answer<'_, ()> {
        Box::pin(self.drop_ours())
    }

    fn swap<'a>(&'a self, incoming: &'a str, outgoing: &'a str, control: &'a Control) -> Answer<'a, Swapped> {
        Box::pin(self.swap_names(incoming, outgoing, control))
    }

    fn keys<'a>(
        &'a self,
        table: &'a Table,
        column: Option<&'a str>,
        sink: KeySink<'a>,
    ) -> Answer<'a, Option<u64>> {
        Box::pin(async move {
            let mut connection = self.connect().await?;
            self.stream_keys(&mut connection, table, column, sink).await
        })
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
            let mut connection = self.connect().await?;
            self.look_columns(&mut connection, table).await
        })
    }
}

#[cfg(test)]
mod tests {
    use super::fitting;

    #[test]
    fn a_name_is_cut_between_letters() {
        assert_eq!(fitting("maos", 63), "maos");
        assert_eq!(fitting("ünïcödé", 7), "ünïc");
        let long = format!("{}é", "x".repeat(62));
        assert_eq!(fitting(&long, 63).len(), 62);
    }
}
