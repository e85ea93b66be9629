//! Trees of files: taken into a backup, staged out of it, compared with it. Links are kept as links and never followed.

use std::fs;
use std::io::{Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};

use super::manifest::{Entry, EntryKind, Manifest, Part, Root, RootKind, Uncovered};
use crate::engine::error::{Error, Result};
use crate::engine::operation::Control;
use crate::engine::workspace::{files, hex};

/// What is taken from one place.
#[derive(Debug, Default)]
pub struct Taken {
    /// Everything taken.
    pub entries: Vec<Entry>,
    /// What could not be.
    pub uncovered: Vec<Uncovered>,
}

/// Makes a folder that only its owner enters.
pub fn make_folder(path: &Path) -> Result<()> {
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(path)
        .map_err(|error| Error::io("make", path, &error))
}

/// Copies one file, hashing on the way, with `mode`.
fn copy(from: &Path, to: &Path, mode: u32, control: &Control) -> Result<(u64, String)> {
    let mut source = fs::File::open(from).map_err(|error| Error::io("read", from, &error))?;
    let mut target = fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(mode)
        .open(to)
        .map_err(|error| Error::io("write", to, &error))?;
    let mut buffer = vec![0; 1 << 18];
    let (mut hasher, mut bytes) = (Sha256::new(), 0);
    loop {
        control.safe_point()?;
        let n = source
            .read(&mut buffer)
            .map_err(|error| Error::io("read", from, &error))?;
        if n == 0 {
            break;
        }
        hasher.update(&buffer[..n]);
        target
            .write_all(&buffer[..n])
            .map_err(|error| Error::io("write", to, &error))?;
        bytes += n as u64;
    }
    // The mode of a new file passes the umask; what is meant is exact.
    fs::set_permissions(to, fs::Permissions::from_mode(mode))
        .map_err(|error| Error::io("protect", to, &error))?;
    target
        .sync_all()
        .map_err(|error| Error::io("write", to, &error))?;
    Ok((bytes, hex(&hasher.finalize())))
}

/// Bytes of all files under `path`.
pub fn size(path: &Path, except: &Path) -> u64 {
    let Ok(meta) = fs::symlink_metadata(path) else {
        return 0;
    };
    if meta.is_file() {
        return meta.len();
    }
    if !meta.is_dir() || path == except {
        return 0;
    }
    fs::read_dir(path)
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| size(&entry.path(), except))
        .sum()
}

/// Takes `from` into `backup` under `relative`. `except` is never entered: the folder of backups itself.
pub fn take(
    from: &Path,
    backup: &Path,
    relative: &str,
    except: &Path,
    taken: &mut Taken,
    control: &Control,
) -> Result<RootKind> {
    let meta = match fs::symlink_metadata(from) {
        Ok(meta) => meta,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(RootKind::Missing),
        Err(error) => return Err(Error::io("read", from, &error)),
    };
    // A root that is a link leads to what is meant.
    let meta = if meta.is_symlink() {
        fs::metadata(from).map_err(|error| Error::io("read", from, &error))?
    } else {
        meta
    };
    let to = backup.join(relative);
    if let Some(parent) = to.parent() {
        make_folder(parent)?;
    }
    if meta.is_file() {
        let (bytes, sha256) = copy(from, &to, 0o600, control)?;
        taken.entries.push(Entry {
            path: relative.to_owned(),
            kind: EntryKind::File { bytes, sha256 },
            mode: meta.permissions().mode() & 0o7777,
        });
        return Ok(RootKind::File);
    }
    if !meta.is_dir() {
        return Err(Error::input(format!(
            "{} is neither a file nor a folder",
            from.display()
        )));
    }
    take_folder(from, &to, relative, except, taken, control)?;
    Ok(RootKind::Folder)
}

fn take_folder(
    from: &Path,
    to: &Path,
    relative: &str,
    except: &Path,
    taken: &mut Taken,
    control: &Control,
) -> Result<()> {
    let meta = fs::metadata(from).map_err(|error| Error::io("read", from, &error))?;
    make_folder(to)?;
    taken.entries.push(Entry {
        path: relative.to_owned(),
        kind: EntryKind::Folder,
        mode: meta.permissions().mode() & 0o7777,
    });
    let mut names = Vec::new();
    for entry in fs::read_dir(from).map_err(|error| Error::io("read", from, &error))? {
        names.push(
            entry
                .map_err(|error| Error::io("read", from, &error))?
                .file_name(),
        );
    }
    names.sort();
    for name in names {
        control.safe_point()?;
        let path = from.join(&name);
        let Some(text) = name.to_str() else {
            taken.uncovered.push(Uncovered {
                what: path.display().to_string(),
                why: "its name is not UTF-8".to_owned(),
            });
            continue;
        };
        if path == except {
            continue;
        }
        let inner = format!("{relative}/{text}");
        let meta = match fs::symlink_metadata(&path) {
            Ok(meta) => meta,
            // Gone between listing and looking: it is no part of any state of the folder.
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => continue,
            Err(error) => return Err(Error::io("read", &path, &error)),
        };
        let mode = meta.permissions().mode() & 0o7777;
        if meta.is_dir() {
            take_folder(&path, &to.join(&name), &inner, except, taken, control)?;
        } else if meta.is_symlink() {
            let target = fs::read_link(&path).map_err(|error| Error::io("read", &path, &error))?;
            std::os::unix::fs::symlink(&target, to.join(&name))
                .map_err(|error| Error::io("write", &path, &error))?;
            taken.entries.push(Entry {
                path: inner,
                kind: EntryKind::Link { to: target },
                mode,
            });
        } else if meta.is_file() {
            let (bytes, sha256) = copy(&path, &to.join(&name), 0o600, control)?;
            taken.entries.push(Entry {
                path: inner,
                kind: EntryKind::File { bytes, sha256 },
                mode,
            });
        } else {
            taken.uncovered.push(Uncovered {
                what: path.display().to_string(),
                why: "it is neither a file, a folder nor a link".to_owned(),
            });
        }
    }
    files::sync_folder(&to.join("."))
}

/// What lies at `relative` of `folder`, as entries with their hashes, itself first; nothing is copied. Empty where nothing lies there.
pub fn hashed(folder: &Path, relative: &str, control: &Control) -> Result<Vec<Entry>> {
    control.safe_point()?;
    let path = folder.join(relative);
    let meta = match fs::symlink_metadata(&path) {
        Ok(meta) => meta,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(Error::io("read", &path, &error)),
    };
    let entry = |kind| Entry {
        path: relative.to_owned(),
        kind,
        mode: meta.permissions().mode() & 0o7777,
    };
    if meta.is_symlink() {
        let to = fs::read_link(&path).map_err(|error| Error::io("read", &path, &error))?;
        return Ok(vec![entry(EntryKind::Link { to })]);
    }
    if meta.is_file() {
        let sha256 = files::sha256_file(&path)?;
        return Ok(vec![entry(EntryKind::File {
            bytes: meta.len(),
            sha256,
        })]);
    }
    if !meta.is_dir() {
        return Err(Error::input(format!(
            "{} is neither a file, a folder nor a link",
            path.display()
        )));
    }
    let mut names = Vec::new();
    for one in fs::read_dir(&path).map_err(|error| Error::io("read", &path, &error))? {
        let name = one.map_err(|error| Error::io("read", &path, &error))?.file_name();
        let text = name
            .to_str()
            .ok_or_else(|| Error::input(format!("a name in {} is not UTF-8", path.display())))?;
        names.push(text.to_owned());
    }
    names.sort();
    let mut all = vec![entry(EntryKind::Folder)];
    for name in names {
        all.extend(hashed(folder, &format!("{relative}/{name}"), control)?);
    }
    Ok(all)
}

/// The entries of `manifest` that belong to `root`, with their path within it (empty for the root itself).
fn within<'m>(manifest: &'m Manifest, root: &'m Root) -> impl Iterator<Item = (&'m Entry, &'m str)> {
    manifest.entries.iter().filter_map(move |entry| {
        let rest = entry.path.strip_prefix(&root.path)?;
        let rest = if rest.is_empty() {
            rest
        } else {
            rest.strip_prefix('/')?
        };
        Some((entry, rest))
    })
}

fn at(base: &Path, rest: &str) -> PathBuf {
    if rest.is_empty() {
        base.to_owned()
    } else {
        base.join(rest)
    }
}

/// Writes what `root` was into `to`, which must not exist, with the modes of the originals, and checks every hash on the way.
///
/// # Errors
/// A file of the backup that is not as its manifest says; a full disk. What was written is removed.
pub fn stage(backup: &Path, manifest: &Manifest, root: &Root, to: &Path, control: &Control) -> Result<()> {
    let staged = stage_all(backup, manifest, root, to, control);
    if staged.is_err() {
        // Best effort: what stays bears a name of ours and is replaced by the next try.
        let _ = fs::remove_dir_all(to);
        let _ = fs::remove_file(to);
    }
    staged
}

fn stage_all(backup: &Path, manifest: &Manifest, root: &Root, to: &Path, control: &Control) -> Result<()> {
    let mut folders = Vec::new();
    for (entry, rest) in within(manifest, root) {
        let (source, target) = (backup.join(&entry.path), at(to, rest));
        match &entry.kind {
            EntryKind::Folder => {
                make_folder(&target)?;
                folders.push((target, entry.mode));
            }
            EntryKind::Link { to: target_of } => std::os::unix::fs::symlink(target_of, &target)
                .map_err(|error| Error::io("write", &target, &error))?,
            EntryKind::File { bytes, sha256 } => {
                if let Some(parent) = target.parent() {
                    make_folder(parent)?;
                }
                let copied = copy(&source, &target, entry.mode, control)?;
                if copied != (*bytes, sha256.clone()) {
                    return Err(Error::input(format!(
                        "{} is not as its manifest says",
                        entry.path
                    )));
                }
            }
        }
    }
    for (folder, mode) in folders.into_iter().rev() {
        fs::set_permissions(&folder, fs::Permissions::from_mode(mode))
            .map_err(|error| Error::io("protect", &folder, &error))?;
        files::sync_folder(&folder.join("."))?;
    }
    files::sync_folder(to)
}

/// Whether what lies at `place` is what `root` was: every file, nothing else. Gives how many files agree.
///
/// # Errors
/// The first difference.
pub fn restored_tree(manifest: &Manifest, root: &Root, place: &Path) -> Result<u64> {
    if root.kind == RootKind::Missing {
        return if place.exists() {
            Err(Error::input(format!("{} exists", place.display())))
        } else {
            Ok(0)
        };
    }
    let (mut agreed, mut known) = (0, 0_u64);
    for (entry, rest) in within(manifest, root) {
        let path = at(place, rest);
        known += 1;
        let same = match &entry.kind {
            EntryKind::Folder => path.is_dir(),
            EntryKind::Link { to } => fs::read_link(&path).is_ok_and(|target| target == *to),
            EntryKind::File { bytes, sha256 } => {
                fs::metadata(&path).is_ok_and(|meta| meta.is_file() && meta.len() == *bytes)
                    && files::sha256_file(&path)? == *sha256
            }
        };
        if !same {
            return Err(Error::input(format!(
                "{} is not as in the backup",
                path.display()
            )));
        }
        agreed += u64::from(matches!(entry.kind, EntryKind::File { .. }));
    }
    let there = count(place);
    if there != known {
        return Err(Error::input(format!(
            "{} holds {there} entries, the backup {known}",
            place.display()
        )));
    }
    Ok(agreed)
}

fn count(path: &Path) -> u64 {
    let below = if path.is_dir() && !path.is_symlink() {
        fs::read_dir(path)
            .into_iter()
            .flatten()
            .flatten()
            .map(|entry| count(&entry.path()))
            .sum()
    } else {
        0
    };
    below + u64::from(path.symlink_metadata().is_ok())
}

/// The places in a backup for the given parts: `checkpoints`, `also/0`, `also/1`.
pub fn places(roots: &[(Part, PathBuf)]) -> Vec<(Part, PathBuf, String)> {
    let mut out: Vec<(Part, PathBuf, String)> = Vec::new();
    for (part, path) in roots {
        let nth = out.iter().filter(|(known, ..)| known == part).count();
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or("root");
        out.push((*part, path.clone(), format!("{}/{nth}/{name}", part.folder())));
    }
    out
}
