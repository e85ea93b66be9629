//! The traits through which the engine reaches the world outside. Implementations live in `adapters/`.

pub mod clock;
pub mod databases;
pub mod http;
pub mod journal;
pub mod legacy;
pub mod maos;
pub mod probe;
pub mod process;
pub mod store;

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use secrecy::SecretString;

use super::error::Result;
use super::workspace::{Settings, Workspace};

pub use clock::Clock;
pub use journal::{Journal, Journals};

/// A future that a port's method returns, so that ports can be used as trait objects.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// How databases are opened.
pub trait OpenStore: Send + Sync {
    /// Opens the database behind a URL; connections are made when they are needed. `create`: a SQLite file that does not exist is
    /// made by the first write.
    ///
    /// # Errors
    /// A URL of another kind; the text never holds the URL.
    fn open(&self, url: &SecretString, create: bool) -> Result<Arc<dyn store::Store>>;
}

/// The probes that fit a workspace.
pub trait Probes: Send + Sync {
    /// The probes, with the databases of the settings where there are some.
    fn probes(&self, workspace: &Workspace, settings: Option<&Settings>) -> Vec<Arc<dyn probe::Probe>>;
}

/// How MAOS is reached.
pub trait OpenMaos: Send + Sync {
    /// The MAOS that the settings name: the rehearsal stand-in, or a command line whose language is found out by its first probe.
    ///
    /// # Errors
    /// [`crate::engine::ErrorKind::Input`] when the settings name none.
    fn open(&self, workspace: &Workspace, settings: &Settings) -> Result<Arc<dyn maos::Maos>>;
}

/// Everything outside that the engine uses, wired once at the start.
#[derive(Clone)]
pub struct Ports {
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Databases.
    pub stores: Arc<dyn OpenStore>,
    /// Databases as wholes.
    pub databases: Arc<dyn databases::OpenDatabases>,
    /// Probes.
    pub probes: Arc<dyn Probes>,
    /// MAOS.
    pub maos: Arc<dyn OpenMaos>,
    /// Programs.
    pub processes: Arc<dyn process::Processes>,
    /// HTTP.
    pub http: Arc<dyn http::Http>,
    /// Journals.
    pub journals: Arc<dyn Journals>,
}
