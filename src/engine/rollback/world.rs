//! What the steps of a rollback share.

use std::path::PathBuf;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::carry::NewRows;
use crate::engine::backup::{Listed, Manifest};
use crate::engine::error::{Error, Result};
use crate::engine::ports::databases::Database;
use crate::engine::ports::maos::{Known, Maos};
use crate::engine::ports::process::Processes;
use crate::engine::ports::store::Table;
use crate::engine::schema::Mapping;
use crate::engine::upgrade::{Compatibility, TABLE};
use crate::engine::workspace::{Settings, Workspace};

/// Who runs after it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// MAOS, as it was at the backup.
    Maos,
    /// The legacy system; MAOS is stopped.
    Legacy,
}

/// What was decided when the rollback began, and holds over its resumptions.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Params {
    /// Who runs after it.
    pub mode: Mode,
    /// The backup; `None` where only the legacy system is opened again.
    pub backup: Option<String>,
    /// What becomes of rows that exist only on the new side.
    pub rows: NewRows,
    /// The legacy table lies in the database that is replaced.
    pub shared: bool,
    /// The legacy system is not opened: it does not start, and a person chose to restore only.
    #[serde(default)]
    pub restore_only: bool,
    /// The name under which the backup is restored.
    pub new: String,
    /// The name under which the database that was in use is kept.
    pub old: String,
    /// Ends the names of staged and kept files.
    pub stamp: String,
    /// Whether MAOS ran when it began; `None` when nothing could tell. What is taken back returns to this.
    #[serde(default)]
    pub ran: Option<bool>,
    /// A cut over had closed the legacy system when it began. One that it did not close is not closed on the way back.
    #[serde(default)]
    pub closed: bool,
}

/// Everything that the steps use.
pub struct Place {
    /// The workspace.
    pub workspace: Workspace,
    /// Its settings.
    pub settings: Arc<Settings>,
    /// MAOS, when the settings name one.
    pub maos: Option<Arc<dyn Maos>>,
    /// Programs.
    pub processes: Arc<dyn Processes>,
    /// MAOS's database.
    pub live: Option<Arc<dyn Database>>,
    /// The legacy database.
    pub legacy: Option<Arc<dyn Database>>,
    /// The backup.
    pub backup: Option<Listed>,
    /// The files and the version of a backup in the guide's layout, which has no manifest of its own.
    pub as_guide: Option<Manifest>,
    /// MAOS's task table.
    pub table: Table,
    /// The legacy task table.
    pub legacy_table: Table,
    /// How values were mapped, to be read backwards.
    pub mapping: Mapping,
    /// The run's name: its first start.
    pub run: String,
    /// Packages beside MAOS with which versions of it ran: `click==8.1.8`, as upgrades found them.
    pub ran_with: Vec<(String, Vec<String>)>,
    /// What was decided.
    pub params: Params,
}

impl std::fmt::Debug for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Place")
            .field("params", &self.params)
            .finish_non_exhaustive()
    }
}

impl Place {
    /// MAOS's database.
    ///
    /// # Errors
    /// When the settings name none.
    pub fn live(&self) -> Result<&Arc<dyn Database>> {
        self.live
            .as_ref()
            .ok_or_else(|| Error::input("target.database is not named"))
    }

    /// What is installed beside a version of MAOS: what it ran with, else what the table of releases says that it needs.
    ///
    /// # Errors
    /// A table of the workspace's own that cannot be read.
    pub fn beside(&self, version: &str) -> Result<Vec<String>> {
        if let Some((_, beside)) = self.ran_with.iter().find(|(of, _)| of == version) {
            return Ok(beside.clone());
        }
        let table = Compatibility::read(TABLE, self.workspace.own_asset(TABLE)?.as_deref())?;
        Ok(table
            .of(version)
            .map(|release| release.needs.iter().map(|need| need.replace(' ', "")).collect())
            .unwrap_or_default())
    }

    /// Whether MAOS runs at this moment; `None` when nothing can tell, or no MAOS is named.
    pub async fn runs(&self) -> Option<bool> {
        match self.maos.as_ref()?.running().await {
            Ok(Known::Value(runs)) => Some(runs),
            _ => None,
        }
    }

    /// The database that is made from the backup, under its first name.
    ///
    /// # Errors
    /// As [`Place::live`].
    pub fn new_database(&self) -> Result<Arc<dyn Database>> {
        Ok(self.live()?.sibling(&self.params.new))
    }

    /// The backup's manifest, when it has one.
    #[must_use]
    pub fn manifest(&self) -> Option<&Manifest> {
        self.backup.as_ref().and_then(|backup| backup.manifest.as_ref())
    }

    /// The files and the version in the backup, whatever its layout.
    #[must_use]
    pub fn contents(&self) -> Option<&Manifest> {
        self.manifest().or(self.as_guide.as_ref())
    }

    /// The dump in the backup.
    #[must_use]
    pub fn dump(&self) -> Option<PathBuf> {
        let backup = self.backup.as_ref()?;
        match &backup.manifest {
            Some(manifest) => manifest
                .database
                .as_ref()
                .map(|database| backup.folder.join(&database.file)),
            None => Some(backup.folder.join("database.sql")),
        }
    }

    /// Whether a database is restored.
    #[must_use]
    pub fn restores(&self) -> bool {
        self.live.is_some() && self.dump().is_some()
    }

    /// MAOS's table that remembers which rows came from the legacy system.
    #[must_use]
    pub fn tracking(&self) -> Table {
        self.table.sibling("migration_tracking")
    }

    /// A file of the workspace's folder of rollbacks.
    #[must_use]
    pub fn file(&self, name: &str) -> PathBuf {
        self.workspace.path("rollback").join(name)
    }
}
