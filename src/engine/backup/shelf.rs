//! The folder of backups: what is in it, which are usable, which may go.

use std::path::{Path, PathBuf};

use jiff::Timestamp;

use super::guide;
use super::manifest::{EntryKind, Manifest};
use super::verify::Verification;
use crate::engine::error::{Error, Result};

/// How far a backup can be relied on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Standing {
    /// Restored into a scratch database and found whole, and its files are still there.
    Verified,
    /// Whole as far as names and sizes tell; never restored.
    Unverified,
    /// Not restorable, and why.
    Damaged(String),
    /// In the layout of the migration guide: no manifest, no counts, no mark.
    Guide,
}

/// One backup of the folder.
#[derive(Debug, Clone, PartialEq)]
pub struct Listed {
    /// Its name.
    pub id: String,
    /// Its folder.
    pub folder: PathBuf,
    /// When it was made; of the guide's layout, when its dump was written.
    pub made_at: Option<Timestamp>,
    /// Bytes on disk.
    pub bytes: u64,
    /// How far it can be relied on.
    pub standing: Standing,
    /// What is in it.
    pub manifest: Option<Manifest>,
    /// What its last verification found.
    pub verification: Option<Verification>,
}

impl Listed {
    /// Whether a way back may start from it.
    #[must_use]
    pub fn usable(&self) -> bool {
        match self.standing {
            Standing::Verified => true,
            Standing::Guide => self.verification.as_ref().is_some_and(|found| found.good),
            Standing::Unverified | Standing::Damaged(_) => false,
        }
    }

    /// The word that stands beside its glyph.
    #[must_use]
    pub const fn word(&self) -> &'static str {
        match self.standing {
            Standing::Verified => "verified",
            Standing::Unverified => "not verified",
            Standing::Damaged(_) => "damaged",
            Standing::Guide => "guide layout",
        }
    }
}

/// One backup, as its files tell now: names, sizes and the manifest's own hash are checked, contents are not.
#[must_use]
pub fn look(folder: &Path) -> Option<Listed> {
    let id = folder.file_name()?.to_str()?.to_owned();
    if id.starts_with('.') || !folder.is_dir() {
        return None;
    }
    let verification = Verification::read(folder);
    let manifest = match Manifest::read(folder) {
        Ok(manifest) => manifest,
        Err(error) => {
            if let Some(found) = guide::recognise(folder) {
                return Some(Listed {
                    id,
                    made_at: found.made_at,
                    bytes: found.bytes,
                    folder: folder.to_owned(),
                    standing: Standing::Guide,
                    manifest: None,
                    verification,
                });
            }
            return Some(Listed {
                id,
                folder: folder.to_owned(),
                made_at: None,
                bytes: super::files::size(folder, Path::new("")),
                standing: Standing::Damaged(error.message),
                manifest: None,
                verification: None,
            });
        }
    };
    // What a verification said of another manifest says nothing of this one.
    let verification = verification.filter(|found| found.manifest == manifest.sha256);
    let standing = match sizes(folder, &manifest).err() {
        Some(error) => Standing::Damaged(error.message),
        None if manifest.id != id => Standing::Damaged(format!("its manifest is that of {}", manifest.id)),
        None => match &verification {
            Some(found) if found.good => Standing::Verified,
            Some(found) => Standing::Damaged(found.why.clone()),
            None => Standing::Unverified,
        },
    };
    Some(Listed {
        id,
        folder: folder.to_owned(),
        made_at: Some(manifest.made_at),
        bytes: manifest.bytes(),
        standing,
        manifest: Some(manifest),
        verification,
    })
}

/// Every file is there with the length that the manifest says.
///
/// # Errors
/// [`crate::engine::ErrorKind::Input`] with the first one that is not.
pub fn sizes(folder: &Path, manifest: &Manifest) -> Result<()> {
    for entry in &manifest.entries {
        let EntryKind::File { bytes, .. } = &entry.kind else {
            continue;
        };
        let path = folder.join(&entry.path);
        match std::fs::symlink_metadata(&path) {
            Err(_) => return Err(Error::input(format!("{} is missing", entry.path))),
            Ok(meta) if !meta.is_file() => {
                return Err(Error::input(format!("{} is not a file", entry.path)));
            }
            Ok(meta) if meta.len() < *bytes => {
                return Err(Error::input(format!(
                    "{} is {} shorter than its manifest",
                    entry.path,
                    crate::engine::text::plural(*bytes - meta.len(), "byte", "bytes")
                )));
            }
            Ok(meta) if meta.len() > *bytes => {
                return Err(Error::input(format!(
                    "{} is {} longer than its manifest",
                    entry.path,
                    crate::engine::text::plural(meta.len() - *bytes, "byte", "bytes")
                )));
            }
            Ok(_) => {}
        }
    }
    Ok(())
}

/// Every backup of a folder, the newest first; usable ones before the others of the same moment. No folder: none.
///
/// # Errors
/// When the folder exists and cannot be read.
pub fn list(folder: &Path) -> Result<Vec<Listed>> {
    let entries = match std::fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(Error::io("read", folder, &error)),
    };
    let mut found: Vec<Listed> = entries
        .flatten()
        .filter_map(|entry| look(&entry.path()))
        .collect();
    found.sort_by(|one, two| (two.made_at, &two.id).cmp(&(one.made_at, &one.id)));
    Ok(found)
}

/// The backup that a way back rests on unless another one is chosen: the newest usable one. Gates, screens and the rollback all ask
/// here.
#[must_use]
pub fn newest_usable(all: &[Listed]) -> Option<&Listed> {
    all.iter()
        .filter(|one| one.usable())
        .max_by(|one, two| (one.made_at, &one.id).cmp(&(two.made_at, &two.id)))
}

/// Which backups may go when `keep` verified ones stay: older verified ones, and whatever is older than the oldest that stays. Those in
/// the guide's layout, and everything while fewer than `keep` are verified, stay.
#[must_use]
pub fn prunable(all: &[Listed], keep: usize) -> Vec<Listed> {
    let keep = keep.max(1);
    let verified: Vec<&Listed> = all
        .iter()
        .filter(|one| one.standing == Standing::Verified)
        .collect();
    if verified.len() < keep {
        return Vec::new();
    }
    let oldest = verified[keep - 1].made_at;
    all.iter()
        .filter(|one| one.standing != Standing::Guide && one.made_at.is_some() && one.made_at < oldest)
        .cloned()
        .collect()
}

/// Removes backups; each first loses its name, so that none is ever half there.
///
/// # Errors
/// The first that cannot be removed.
pub fn prune(folder: &Path, going: &[Listed]) -> Result<u64> {
    sweep(folder)?;
    let mut removed = 0;
    for one in going {
        remove(folder, &one.id)?;
        removed += 1;
    }
    Ok(removed)
}

/// Removes one backup.
///
/// # Errors
/// When it cannot be removed, or its name is not that of a folder here.
pub fn remove(folder: &Path, id: &str) -> Result<()> {
    if id.is_empty() || id.starts_with('.') || id.contains('/') {
        return Err(Error::input(format!("{id:?} is no backup")));
    }
    let (path, gone) = (
        folder.join(id),
        folder.join(format!(".gone-{id}-{}", std::process::id())),
    );
    std::fs::rename(&path, &gone).map_err(|error| Error::io("remove", &path, &error))?;
    super::super::workspace::files::sync_folder(&path)?;
    std::fs::remove_dir_all(&gone).map_err(|error| Error::io("remove", &gone, &error))
}

/// Removes what a dead process left unfinished: its number stands in the name.
///
/// # Errors
/// When the folder cannot be read.
pub fn sweep(folder: &Path) -> Result<()> {
    let entries = std::fs::read_dir(folder).map_err(|error| Error::io("read", folder, &error))?;
    for entry in entries.flatten() {
        let name = entry.file_name();
        let Some(name) = name
            .to_str()
            .filter(|name| name.starts_with(".new-") || name.starts_with(".gone-"))
        else {
            continue;
        };
        let alive = name
            .rsplit_once('-')
            .and_then(|(_, pid)| pid.parse::<u32>().ok())
            .is_some_and(|pid| pid != std::process::id() && Path::new(&format!("/proc/{pid}")).exists());
        if !alive {
            // What cannot be removed now stays hidden and is tried again.
            let _ = std::fs::remove_dir_all(entry.path());
        }
    }
    Ok(())
}
