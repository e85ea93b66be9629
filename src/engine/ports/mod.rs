//! The traits through which the engine reaches the world outside. Implementations live in `adapters/`.

pub mod clock;
pub mod journal;

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

pub use clock::Clock;
pub use journal::{Journal, Journals};

/// A future that a port's method returns, so that ports can be used as trait objects.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Everything outside that the engine uses, wired once at the start.
#[derive(Clone)]
pub struct Ports {
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Journals.
    pub journals: Arc<dyn Journals>,
}
