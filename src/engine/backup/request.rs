//! What a backup takes along, by the settings of a workspace.

use std::path::PathBuf;
use std::sync::Arc;

use jiff::Timestamp;

use super::manifest::{Part, Uncovered};
use crate::engine::error::Result;
use crate::engine::ports::Ports;
use crate::engine::ports::databases::Database;
use crate::engine::ports::maos::Maos;
use crate::engine::ports::store::Table;
use crate::engine::workspace::{Settings, Workspace};

/// The folder of backups in a workspace, unless the settings name another.
pub const FOLDER: &str = "backups";

/// What is to be backed up, and where to.
#[derive(Clone)]
pub struct Request {
    /// The folder of all backups.
    pub folder: PathBuf,
    /// MAOS's database.
    pub database: Option<Arc<dyn Database>>,
    /// The table whose keys are kept, when it exists.
    pub table: Table,
    /// MAOS, for its version.
    pub maos: Option<Arc<dyn Maos>>,
    /// Files and folders, absolute.
    pub roots: Vec<(Part, PathBuf)>,
    /// What is known not to be covered.
    pub uncovered: Vec<Uncovered>,
    /// The migration's name.
    pub migration: String,
    /// Who makes it.
    pub operator: String,
    /// On which machine.
    pub host: String,
    /// When it is begun.
    pub now: Timestamp,
}

impl std::fmt::Debug for Request {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Request")
            .field("folder", &self.folder)
            .field("roots", &self.roots)
            .finish_non_exhaustive()
    }
}

/// The folder of backups of a workspace.
#[must_use]
pub fn folder(workspace: &Workspace, settings: &Settings) -> PathBuf {
    workspace.path(
        settings
            .tuning
            .backups
            .as_deref()
            .unwrap_or(std::path::Path::new(FOLDER)),
    )
}

/// MAOS's database, when the settings name one.
///
/// # Errors
/// A URL that cannot be read.
pub fn database(settings: &Settings, ports: &Ports) -> Result<Option<Arc<dyn Database>>> {
    let programs = settings.driving.backup.programs.clone();
    settings
        .target
        .as_ref()
        .map(|target| ports.databases.open(&target.url.value, programs))
        .transpose()
}

/// The legacy database, when the settings name one.
///
/// # Errors
/// A URL that cannot be read.
pub fn legacy_database(settings: &Settings, ports: &Ports) -> Result<Option<Arc<dyn Database>>> {
    let programs = settings.driving.backup.programs.clone();
    settings
        .source
        .as_ref()
        .map(|source| ports.databases.open(&source.url.value, programs))
        .transpose()
}

/// MAOS's own files, by part: those the settings name, else those that this migration makes in the workspace.
#[must_use]
pub fn maos_files(workspace: &Workspace, settings: &Settings) -> Vec<(Part, PathBuf)> {
    let maos = &settings.driving.maos;
    let mut roots = Vec::new();
    if let Some(path) = &maos.config {
        roots.push((Part::MaosConfig, workspace.path(path)));
    } else {
        let json = settings.tuning.config_format == "json";
        let ending = if json { "json" } else { "yml" };
        roots.push((
            Part::MaosConfig,
            workspace.path(format!("config/maos_config.{ending}")),
        ));
    }
    let checkpoints = maos.checkpoints.as_ref().map_or_else(
        || workspace.path("checkpoints/migrated"),
        |path| workspace.path(path),
    );
    roots.push((Part::Checkpoints, checkpoints));
    roots
}

/// Where the settings say that MAOS's own files lie, and what else they name: the places that a backup which knows none goes back to.
#[must_use]
pub fn named_files(workspace: &Workspace, settings: &Settings) -> Vec<(Part, PathBuf)> {
    let (maos, also) = (&settings.driving.maos, &settings.driving.backup.also);
    let config = maos.config.iter().map(|path| (Part::MaosConfig, path));
    let checkpoints = maos.checkpoints.iter().map(|path| (Part::Checkpoints, path));
    let also = also.iter().map(|path| (Part::Also, path));
    config
        .chain(checkpoints)
        .chain(also)
        .map(|(part, path)| (part, workspace.path(path)))
        .collect()
}

impl Request {
    /// The request that a workspace makes.
    ///
    /// # Errors
    /// A database URL that cannot be read.
    pub fn of(
        workspace: &Workspace,
        settings: &Settings,
        ports: &Ports,
        (operator, host): (&str, &str),
        now: Timestamp,
    ) -> Result<Self> {
        let database = database(settings, ports)?;
        let mut roots = maos_files(workspace, settings);
        roots.extend(
            settings
                .config
                .iter()
                .map(|named| (Part::LegacyConfig, named.path.clone())),
        );
        let legacy = &settings.driving.legacy;
        roots.extend(
            legacy
                .config
                .iter()
                .map(|path| (Part::LegacyConfig, workspace.path(path))),
        );
        roots.extend(
            settings
                .driving
                .backup
                .also
                .iter()
                .map(|path| (Part::Also, workspace.path(path))),
        );
        roots.dedup();
        let mut uncovered = vec![Uncovered {
            what: "Redis".to_owned(),
            why: "its queues and caches are not read; keep its own snapshot (redis-cli BGSAVE) where MAOS uses one".to_owned(),
        }];
        if let Some(source) = settings.source.as_ref() {
            let same = database
                .as_ref()
                .zip(legacy_database(settings, ports)?)
                .is_some_and(|(one, two)| one.words() == two.words());
            if !same {
                uncovered.push(Uncovered {
                    what: format!("the legacy database {}", source.url.shown),
                    why: "this migration only reads it; it keeps its own backups".to_owned(),
                });
            }
        }
        if database.is_none() {
            uncovered.push(Uncovered {
                what: "MAOS's database".to_owned(),
                why: "target.database is not named in migration.yml".to_owned(),
            });
        }
        // A MAOS that is not named is written down as not known, and does not keep a backup from being made.
        let maos = ports.maos.open(workspace, settings).ok();
        Ok(Self {
            folder: folder(workspace, settings),
            database,
            table: Table::parse(&settings.tuning.target_table),
            maos,
            roots,
            uncovered,
            migration: settings.name.clone(),
            operator: operator.to_owned(),
            host: host.to_owned(),
            now,
        })
    }
}
