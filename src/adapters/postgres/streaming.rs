//! Connections on which a COPY runs.
//!
//! A connection that is left in the middle of a COPY still holds answers that nobody read. The pool asks a returned connection for a sign of
//! life and takes the first such answer for it; from then on every statement would be given the answer to the one before. So these
//! connections are closed, unless whoever used them says that the COPY was read to its end.

use std::ops::{Deref, DerefMut};

use sqlx::Postgres;
use sqlx::pool::PoolConnection;
use sqlx::postgres::PgConnection;

use super::{Own, PgStore};

/// A connection of the pool that is closed when it is dropped, unless [`Self::settled`] was called: by an error, and by a future that is
/// dropped in the middle, too.
pub(super) struct Streaming {
    connection: PoolConnection<Postgres>,
    settled: bool,
}

impl Streaming {
    /// Nothing is under way on it any more: the pool may have it back.
    pub(super) fn settled(mut self) {
        self.settled = true;
    }
}

impl Drop for Streaming {
    fn drop(&mut self) {
        if !self.settled {
            self.connection.close_on_drop();
        }
    }
}

impl Deref for Streaming {
    type Target = PgConnection;

    fn deref(&self) -> &PgConnection {
        &self.connection
    }
}

impl DerefMut for Streaming {
    fn deref_mut(&mut self) -> &mut PgConnection {
        &mut self.connection
    }
}

impl PgStore {
    /// A connection for a COPY.
    pub(super) async fn streaming(&self) -> Own<Streaming> {
        Ok(Streaming {
            connection: self.connection().await?,
            settled: false,
        })
    }
}
