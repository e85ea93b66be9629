//! Databases as wholes: [`crate::engine::ports::databases::Database`] for PostgreSQL, through its own `pg_dump` and
//! `pg_restore`, and for SQLite files.

mod files;
mod postgres;
mod sqlite;

use std::path::PathBuf;
use std::sync::Arc;

use secrecy::{ExposeSecret as _, SecretString};

use crate::adapters::process::MachineProcesses;
use crate::engine::error::{Error, ErrorKind, Result};
use crate::engine::ports::databases::{Database, OpenDatabases};
use crate::engine::ports::store::StoreError;

/// Opens databases by their URL.
#[derive(Debug, Default)]
pub struct Opener;

impl OpenDatabases for Opener {
    fn open(&self, url: &SecretString, programs: Option<PathBuf>) -> Result<Arc<dyn Database>> {
        let text = url.expose_secret();
        if text.starts_with("postgres://") || text.starts_with("postgresql://") {
            let processes = Arc::new(MachineProcesses);
            return Ok(Arc::new(postgres::PgDatabase::new(url, programs, processes)?));
        }
        let path = text
            .strip_prefix("sqlite://")
            .or_else(|| text.strip_prefix("sqlite:"))
            .map(|path| path.split('?').next().unwrap_or(path))
            .filter(|path| !path.is_empty());
        match path {
            Some(path) => Ok(Arc::new(sqlite::SqliteDatabase::new(std::path::Path::new(path)))),
            None => Err(Error::new(
                ErrorKind::Usage,
                "databases are named by postgres:// or sqlite:// URLs",
            )),
        }
    }
}

/// A failure of a connection, without advice about chunks.
fn plain(error: &StoreError) -> Error {
    let text = error.to_string();
    match error {
        StoreError::Bug(_) => Error::bug(text),
        StoreError::Cancelled(_) => Error::interrupted(text),
        StoreError::Full(_) => Error::unavailable(text).hint("Free space there and try again."),
        _ => Error::unavailable(text),
    }
}
