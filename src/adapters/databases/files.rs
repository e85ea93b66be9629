//! What both kinds need of the file system.

use std::path::Path;

use crate::engine::error::{Error, Result};

/// Bytes that an ordinary user may still write where `path` lies (or its nearest folder that exists).
pub fn free(path: &Path) -> Option<u64> {
    let mut at = Some(path);
    while let Some(place) = at {
        if let Ok(found) = rustix::fs::statvfs(if place.as_os_str().is_empty() {
            Path::new(".")
        } else {
            place
        }) {
            return Some(found.f_bavail.saturating_mul(found.f_frsize));
        }
        at = place.parent();
    }
    None
}

/// Makes a new file durable: its content and its name.
pub fn settle(path: &Path) -> Result<()> {
    std::fs::File::open(path)
        .and_then(|file| file.sync_all())
        .map_err(|error| Error::io("synchronise", path, &error))?;
    crate::engine::workspace::files::sync_folder(path)
}

/// Gives a file to its owner alone.
pub fn private(path: &Path) -> Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600))
        .map_err(|error| Error::io("protect", path, &error))
}
