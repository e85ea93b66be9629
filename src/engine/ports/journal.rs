//! The append-only store of events.

use std::path::Path;
use std::sync::Arc;

use super::BoxFuture;
use crate::engine::error::Result;
use crate::engine::event::Event;

/// Where events are kept. Events are never changed or removed.
pub trait Journal: Send + Sync {
    /// Appends events whose `seq` follow the last one without a gap; durable when it returns.
    fn append<'a>(&'a self, events: &'a [Event]) -> BoxFuture<'a, Result<()>>;

    /// At most `limit` events with `seq > after`, in order. Fewer than `limit` means that there are no more now.
    fn read(&self, after: u64, limit: u32) -> BoxFuture<'_, Result<Vec<Event>>>;

    /// A fact about the journal as a whole, `None` when it was never set: `identity.sources.database`.
    fn fact<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<Option<String>>>;

    /// Sets a fact that has not been set.
    fn set_fact<'a>(&'a self, key: &'a str, value: &'a str) -> BoxFuture<'a, Result<()>>;

    /// Finishes writing and closes the files.
    fn close(&self) -> BoxFuture<'_, ()>;
}

/// How journals are opened.
pub trait Journals: Send + Sync {
    /// Opens a journal for writing; it is made when missing.
    fn open<'a>(&'a self, path: &'a Path) -> BoxFuture<'a, Result<Arc<dyn Journal>>>;

    /// Opens an existing journal for following.
    fn follow<'a>(&'a self, path: &'a Path) -> BoxFuture<'a, Result<Arc<dyn Journal>>>;
}
