//! The traits through which the engine reaches the world outside. Implementations live in `adapters/`.

pub mod clock;
pub mod journal;
pub mod legacy;
pub mod probe;
pub mod store;

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use super::workspace::{Settings, Workspace};

pub use clock::Clock;
pub use journal::{Journal, Journals};

/// A future that a port's method returns, so that ports can be used as trait objects.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// The probes that fit a workspace.
pub trait Probes: Send + Sync {
    /// The probes, with the databases of the settings where there are some.
    fn probes(&self, workspace: &Workspace, settings: Option<&Settings>) -> Vec<Arc<dyn probe::Probe>>;
}

/// Everything outside that the engine uses, wired once at the start.
#[derive(Clone)]
pub struct Ports {
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Probes.
    pub probes: Arc<dyn Probes>,
    /// Journals.
    pub journals: Arc<dyn Journals>,
}
