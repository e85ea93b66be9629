//! Files put back: staged beside their place, then both renamed; what was there is kept beside.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::engine::backup::{self, Manifest, Part, Root, RootKind};
use crate::engine::error::{Error, Result};
use crate::engine::operation::Control;
use crate::engine::workspace::files::sync_folder;

/// One place that changes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    /// The place.
    pub place: PathBuf,
    /// Its place in the backup.
    pub path: String,
    /// Something lay there before.
    pub was_there: bool,
    /// The backup has something to put there.
    pub comes: bool,
}

fn beside(place: &Path, word: &str, stamp: &str) -> PathBuf {
    let mut name = place.as_os_str().to_owned();
    name.push(format!(".{word}_{stamp}"));
    PathBuf::from(name)
}

/// Whether a rollback puts it back. The legacy system's own configuration was never changed.
fn goes_back(root: &Root) -> bool {
    root.part != Part::LegacyConfig
}

/// Which places are not as in the backup.
///
/// # Errors
/// A place that cannot be read.
pub fn changes(manifest: &Manifest) -> Result<Vec<Change>> {
    let mut found = Vec::new();
    for root in manifest.roots.iter().filter(|root| goes_back(root)) {
        match backup::restored_tree(manifest, root, &root.from) {
            Ok(_) => {}
            Err(error) if error.kind == crate::engine::ErrorKind::Input => found.push(Change {
                place: root.from.clone(),
                path: root.path.clone(),
                was_there: root.from.symlink_metadata().is_ok(),
                comes: root.kind != RootKind::Missing,
            }),
            Err(error) => return Err(error),
        }
    }
    Ok(found)
}

/// Stages everything that comes; nothing in use changes.
///
/// # Errors
/// A full disk, a damaged backup. What was staged is removed.
pub fn stage(
    folder: &Path,
    manifest: &Manifest,
    changes: &[Change],
    stamp: &str,
    control: &Control,
) -> Result<()> {
    for change in changes.iter().filter(|change| change.comes) {
        let to = beside(&change.place, "rb", stamp);
        remove(&to)?;
        if let Some(parent) = to.parent() {
            std::fs::create_dir_all(parent).map_err(|error| Error::io("make", parent, &error))?;
        }
        let root = manifest
            .roots
            .iter()
            .find(|root| root.path == change.path)
            .ok_or_else(|| Error::bug(format!("{} is not in the manifest", change.path)))?;
        if let Err(error) = backup::stage(folder, manifest, root, &to, control) {
            // Best effort: names of ours are staged anew by the next try.
            let _ = unstage(changes, stamp);
            return Err(error);
        }
    }
    Ok(())
}

/// Removes what was staged.
///
/// # Errors
/// What cannot be removed.
pub fn unstage(changes: &[Change], stamp: &str) -> Result<()> {
    changes
        .iter()
        .try_for_each(|change| remove(&beside(&change.place, "rb", stamp)))
}

/// Gives everything staged its name. Doing it again finishes what an interrupted one began.
///
/// # Errors
/// A rename that fails.
pub fn place(changes: &[Change], stamp: &str) -> Result<()> {
    for change in changes {
        let (staged, kept) = (
            beside(&change.place, "rb", stamp),
            beside(&change.place, "old", stamp),
        );
        let there = |path: &Path| path.symlink_metadata().is_ok();
        if change.was_there && !there(&kept) {
            rename(&change.place, &kept)?;
        }
        crate::engine::failpoint::hit("rollback.files.between");
        if change.comes && there(&staged) {
            rename(&staged, &change.place)?;
        }
    }
    Ok(())
}

/// The reverse of [`place`], wherever that was; what had been staged is staged again.
///
/// # Errors
/// A rename that fails.
pub fn displace(changes: &[Change], stamp: &str) -> Result<()> {
    for change in changes.iter().rev() {
        let (staged, kept) = (
            beside(&change.place, "rb", stamp),
            beside(&change.place, "old", stamp),
        );
        let there = |path: &Path| path.symlink_metadata().is_ok();
        // Without what was kept, what lies in the place is what was there: nothing was placed, or it is displaced already.
        if change.was_there && !there(&kept) {
            continue;
        }
        // What came lies in its place when it is staged no longer.
        if change.comes && !there(&staged) && there(&change.place) {
            rename(&change.place, &staged)?;
        }
        if change.was_there && there(&kept) {
            rename(&kept, &change.place)?;
        }
    }
    Ok(())
}

fn rename(from: &Path, to: &Path) -> Result<()> {
    std::fs::rename(from, to).map_err(|error| Error::io("rename", from, &error))?;
    sync_folder(to)
}

fn remove(path: &Path) -> Result<()> {
    let Ok(meta) = path.symlink_metadata() else {
        return Ok(());
    };
    let removed = if meta.is_dir() {
        std::fs::remove_dir_all(path)
    } else {
        std::fs::remove_file(path)
    };
    removed.map_err(|error| Error::io("remove", path, &error))
}
