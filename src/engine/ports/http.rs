//! HTTP, as far as the legacy side may need it: a document is posted, a document comes back.

use std::time::Duration;

use secrecy::SecretString;

use super::BoxFuture;
use crate::engine::error::Result;

/// A document to post.
#[derive(Debug, Clone)]
pub struct Post {
    /// Where to; may hold credentials.
    pub url: SecretString,
    /// Headers besides the content type.
    pub headers: Vec<(String, SecretString)>,
    /// A JSON document.
    pub body: Vec<u8>,
    /// For the whole exchange.
    pub limit: Duration,
    /// Bytes of the answer that are kept; a longer one is refused.
    pub kept: usize,
}

/// How an exchange ended. None of the texts holds the address or a header.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Posted {
    /// An answer with its status.
    Answer(u16, Vec<u8>),
    /// No answer within the limit.
    TimedOut,
    /// Nothing listens there, the name is unknown, or the connection cannot be trusted.
    Unreachable(String),
    /// The answer cannot be read.
    Broken(String),
}

/// Posts documents.
pub trait Http: Send + Sync {
    /// Posts one document and waits for the answer. Redirects are not followed.
    ///
    /// # Errors
    /// An address or a header that cannot be used at all.
    fn post(&self, post: Post) -> BoxFuture<'_, Result<Posted>>;
}
