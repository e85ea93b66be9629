//! Opening a store by its URL.

use std::sync::Arc;

use secrecy::{ExposeSecret as _, SecretString};

use super::postgres::PgStore;
use super::sqlite::SqliteStore;
use crate::engine::error::{Error, Result};
use crate::engine::ports::store::Store;

/// Opens `postgres://…` (also with `?host=/socket/folder`) or `sqlite://path`; connections are made when they are needed.
/// `create`: a SQLite file that does not exist is created by the first write.
///
/// # Errors
/// [`crate::engine::ErrorKind::Usage`] for another scheme or a URL that cannot be read; the text never holds the URL.
pub fn open_store(url: &SecretString, create: bool) -> Result<Arc<dyn Store>> {
    let text = url.expose_secret();
    if text.starts_with("postgres://") || text.starts_with("postgresql://") {
        Ok(Arc::new(PgStore::new(url)?))
    } else if let Some(path) = text
        .strip_prefix("sqlite://")
        .or_else(|| text.strip_prefix("sqlite:"))
    {
        let path = path.split('?').next().unwrap_or(path);
        if path.is_empty() {
            return Err(Error::new(
                crate::engine::ErrorKind::Usage,
                "the SQLite URL names no file",
            ));
        }
        Ok(Arc::new(SqliteStore::new(std::path::Path::new(path), create)))
    } else {
        let scheme = text.split(':').next().unwrap_or_default();
        let named = if scheme.len() < 20 && scheme.bytes().all(|b| b.is_ascii_alphanumeric()) {
            scheme
        } else {
            "something else"
        };
        Err(Error::new(
            crate::engine::ErrorKind::Usage,
            format!("databases are named by postgres:// or sqlite:// URLs, not by {named}"),
        ))
    }
}
