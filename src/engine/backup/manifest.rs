//! The manifest of a backup, and its own hash.

use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::MANIFEST;
use crate::engine::error::{Error, Result};
use crate::engine::ports::databases::Sums;
use crate::engine::ports::store::Dialect;
use crate::engine::workspace::hex;

/// The version of the layout. A newer one is refused.
pub const FORMAT: u32 = 1;
/// A manifest larger than this is none of ours.
const LARGEST: u64 = 256 * 1024 * 1024;

/// Which part of a backup a file belongs to. The word is its folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Part {
    /// MAOS's configuration.
    MaosConfig,
    /// The legacy system's configuration.
    LegacyConfig,
    /// MAOS's checkpoints.
    Checkpoints,
    /// What `backup.also` names.
    Also,
}

impl Part {
    /// Its folder in the backup.
    #[must_use]
    pub const fn folder(self) -> &'static str {
        match self {
            Self::MaosConfig => "maos_config",
            Self::LegacyConfig => "legacy_config",
            Self::Checkpoints => "checkpoints",
            Self::Also => "also",
        }
    }

    /// As a person reads it.
    #[must_use]
    pub const fn title(self) -> &'static str {
        match self {
            Self::MaosConfig => "MAOS configuration",
            Self::LegacyConfig => "legacy configuration",
            Self::Checkpoints => "checkpoints",
            Self::Also => "other files",
        }
    }
}

/// What an original was.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RootKind {
    /// One file.
    File,
    /// A folder.
    Folder,
    /// It did not exist; a rollback leaves it without one.
    Missing,
}

/// One file or folder that was taken along, whole.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Root {
    /// Whose.
    pub part: Part,
    /// Where it was, absolute.
    pub from: PathBuf,
    /// Where it is in the backup.
    pub path: String,
    /// What it was.
    pub kind: RootKind,
}

/// What an entry is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EntryKind {
    /// A file with its content's SHA-256 in hex.
    File {
        /// In bytes.
        bytes: u64,
        /// In hex.
        sha256: String,
    },
    /// A folder.
    Folder,
    /// A symbolic link, kept as one, never followed.
    Link {
        /// Where it points.
        to: PathBuf,
    },
}

/// One file of the backup.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// Relative to the backup, with `/`.
    pub path: String,
    /// What it is.
    #[serde(flatten)]
    pub kind: EntryKind,
    /// The mode of the original, its lowest twelve bits.
    pub mode: u32,
}

/// Something that is not in the backup, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Uncovered {
    /// What: `Redis`, a path.
    pub what: String,
    /// Why, or what to do about it.
    pub why: String,
}

/// The database in the backup.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DatabaseOf {
    /// In words, without secrets.
    pub words: String,
    /// Its name.
    pub name: String,
    /// Its kind.
    pub dialect: String,
    /// The server's identity; it is restored there and nowhere else.
    pub system: String,
    /// The server's version in words.
    pub version: String,
    /// The server's major version.
    pub major: u32,
    /// The dump, relative to the backup.
    pub file: String,
    /// Its format.
    pub format: String,
    /// The program that wrote it.
    pub program: String,
    /// Bytes the database took.
    pub bytes: u64,
    /// What is in it.
    pub sums: Sums,
    /// The keys of the task table, when there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub keys: Option<KeysOf>,
}

/// The file of keys.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeysOf {
    /// The table.
    pub table: String,
    /// Relative to the backup.
    pub file: String,
    /// How many.
    pub rows: u64,
}

/// The MAOS that ran, as far as it could be learned.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct MaosOf {
    /// Its version, by package metadata first.
    pub version: Option<String>,
    /// The distribution: `maos-cli`.
    pub distribution: Option<String>,
    /// The interpreter it was installed for.
    pub interpreter: Option<PathBuf>,
    /// The interpreter's version.
    pub python: Option<String>,
    /// Why the version is not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why_not: Option<String>,
}

/// Everything about a backup.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// The version of the layout.
    pub format: u32,
    /// Its name: its folder's.
    pub id: String,
    /// When it was begun.
    pub made_at: Timestamp,
    /// By whom.
    pub operator: String,
    /// On which machine.
    pub host: String,
    /// The migration's name.
    pub migration: String,
    /// Random; stands in the database that was dumped.
    pub epoch: String,
    /// The database; `None` when none is named.
    pub database: Option<DatabaseOf>,
    /// MAOS.
    pub maos: MaosOf,
    /// The files and folders taken along.
    pub roots: Vec<Root>,
    /// Every file, folder and link of it, sorted by path.
    pub entries: Vec<Entry>,
    /// What is not in it.
    pub uncovered: Vec<Uncovered>,
    /// Milliseconds it took.
    pub took_ms: u64,
    /// SHA-256 in hex of this document with an empty text here.
    pub sha256: String,
}

impl Manifest {
    fn text(&self) -> Result<String> {
        serde_json::to_string_pretty(self).map_err(|error| Error::bug(format!("a manifest: {error}")))
    }

    fn own_hash(&self) -> Result<String> {
        let bare = Self {
            sha256: String::new(),
            ..self.clone()
        };
        Ok(hex(&Sha256::digest(bare.text()?.as_bytes())))
    }

    /// The finished document.
    ///
    /// # Errors
    /// Never in practice.
    pub fn sealed(mut self) -> Result<(Self, String)> {
        self.entries.sort_by(|one, two| one.path.cmp(&two.path));
        self.sha256 = self.own_hash()?;
        let text = format!("{}\n", self.text()?);
        Ok((self, text))
    }

    /// Reads the manifest of the backup in `folder` and checks its own hash and its version.
    ///
    /// # Errors
    /// [`crate::engine::ErrorKind::Input`]: missing, cut, garbled, changed, or of a newer version.
    pub fn read(folder: &Path) -> Result<Self> {
        let path = folder.join(MANIFEST);
        let length = std::fs::metadata(&path).map_err(|error| match error.kind() {
            std::io::ErrorKind::NotFound => Error::input(format!("{MANIFEST} is missing")),
            _ => Error::io("read", &path, &error),
        })?;
        if length.len() > LARGEST {
            return Err(Error::input(format!("{MANIFEST} is too large to be one")));
        }
        let text = std::fs::read(&path).map_err(|error| Error::io("read", &path, &error))?;
        let format = serde_json::from_slice::<serde_json::Value>(&text)
            .ok()
            .and_then(|value| value.get("format")?.as_u64());
        if let Some(newer) = format.filter(|format| *format > u64::from(FORMAT)) {
            return Err(Error::input(format!(
                "{MANIFEST} has version {newer}, this program reads {FORMAT}"
            ))
            .hint("Use the newer maos-migrate that wrote it."));
        }
        let manifest: Self =
            serde_json::from_slice(&text).map_err(|_| Error::input(format!("{MANIFEST} is damaged")))?;
        if manifest.own_hash()? != manifest.sha256 {
            return Err(Error::input(format!("{MANIFEST} is not as it was written")));
        }
        let safe = |path: &str| {
            !path.is_empty()
                && Path::new(path)
                    .components()
                    .all(|part| matches!(part, std::path::Component::Normal(_)))
        };
        let named = manifest.entries.iter().map(|entry| &entry.path);
        let named = named.chain(manifest.roots.iter().map(|root| &root.path));
        if let Some(wrong) = named.into_iter().find(|path| !safe(path)) {
            return Err(Error::input(format!(
                "{MANIFEST} names a path outside the backup: {}",
                crate::engine::text::inert_short(wrong, 80)
            )));
        }
        Ok(manifest)
    }

    /// Bytes of all its files.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.entries
            .iter()
            .map(|entry| match &entry.kind {
                EntryKind::File { bytes, .. } => *bytes,
                _ => 0,
            })
            .sum()
    }

    /// How many files are in it.
    #[must_use]
    pub fn files(&self) -> u64 {
        self.entries
            .iter()
            .filter(|entry| matches!(entry.kind, EntryKind::File { .. }))
            .count() as u64
    }

    /// The entry at `path`.
    #[must_use]
    pub fn entry(&self, path: &str) -> Option<&Entry> {
        self.entries.iter().find(|entry| entry.path == path)
    }

    /// Rows of the database.
    #[must_use]
    pub fn rows(&self) -> u64 {
        self.database.as_ref().map_or(0, |database| database.sums.rows())
    }
}

/// The word for a kind of database.
#[must_use]
pub const fn dialect_word(dialect: Dialect) -> &'static str {
    match dialect {
        Dialect::Postgres => "postgres",
        Dialect::Sqlite => "sqlite",
    }
}
