//! One migration's folder: where everything lies, its settings, its session, its secrets, and how files are written.

pub mod denied;
pub mod driving;
pub mod edit;
pub mod files;
pub mod identity;
mod kept;
pub use files::hex;
pub use kept::register_inherited;
pub mod secrets;
pub mod session;
pub mod settings;
pub mod takeover;

use std::path::{Path, PathBuf};

pub use session::{Holder, Session};
pub use settings::{Environment, MigrationType, Settings};

use super::error::{Error, Result};

/// The name of the settings file in a workspace.
pub const SETTINGS_FILE: &str = "migration.yml";

/// A workspace folder. Cheap to clone; makes no promise that the folder exists.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Workspace {
    root: PathBuf,
}

impl Workspace {
    /// The workspace at `root`, made absolute so that a later change of directory means nothing.
    ///
    /// # Errors
    /// When the current directory cannot be read.
    pub fn at(root: &Path) -> Result<Self> {
        let root = std::path::absolute(root).map_err(|error| Error::io("resolve", root, &error))?;
        Ok(Self { root })
    }

    /// The folder itself.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// A path inside the workspace, or `path` itself when it is absolute.
    #[must_use]
    pub fn path(&self, path: impl AsRef<Path>) -> PathBuf {
        self.root.join(path)
    }

    /// `migration.yml`.
    #[must_use]
    pub fn settings_file(&self) -> PathBuf {
        self.path(SETTINGS_FILE)
    }

    /// `journal.db`.
    #[must_use]
    pub fn journal_file(&self) -> PathBuf {
        self.path("journal.db")
    }

    /// How a path is shown: relative to the workspace where it lies inside, else as it is.
    #[must_use]
    pub fn shown(&self, path: &Path) -> String {
        path.strip_prefix(&self.root)
            .unwrap_or(path)
            .display()
            .to_string()
    }

    /// Text of the workspace's own version of an asset, when there is one: `rules/default.yml` before the built-in one.
    ///
    /// # Errors
    /// When the file exists and cannot be read.
    pub fn own_asset(&self, name: &str) -> Result<Option<String>> {
        let path = self.path(name);
        match std::fs::read_to_string(&path) {
            Ok(text) => Ok(Some(text)),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(Error::io("read", &path, &error)),
        }
    }
}
