//! Space on disks, before it is needed.

use std::path::Path;

use crate::engine::error::{Error, Result};

/// Bytes that may still be written where `path` lies, or its nearest folder that exists. `None` when that cannot be seen.
#[must_use]
pub fn free(path: &Path) -> Option<u64> {
    let mut at = Some(path);
    while let Some(place) = at.filter(|place| !place.as_os_str().is_empty()) {
        if let Ok(found) = rustix::fs::statvfs(place) {
            return Some(found.f_bavail.saturating_mul(found.f_frsize));
        }
        at = place.parent();
    }
    None
}

/// Refuses when less than `needed` bytes, and a tenth more, are free there.
///
/// # Errors
/// [`crate::engine::ErrorKind::Unavailable`] with both figures.
pub fn must_have(path: &Path, needed: u64) -> Result<()> {
    let wanted = needed.saturating_add(needed / 10).saturating_add(1 << 20);
    match free(path) {
        Some(free) if free < wanted => Err(Error::unavailable(format!(
            "{} are free for {}, {} are needed",
            human(free),
            path.display(),
            human(wanted)
        ))
        .hint("Free space there, or name another folder: settings.backups in migration.yml.")),
        _ => Ok(()),
    }
}

/// Bytes for people: `8.4 GB`.
#[must_use]
#[expect(clippy::cast_precision_loss, reason = "two figures for people")]
pub fn human(bytes: u64) -> String {
    let units = ["KB", "MB", "GB", "TB", "PB"];
    if bytes < 1_000 {
        return format!("{bytes} B");
    }
    let mut value = bytes as f64 / 1_000.0;
    let mut unit = 0;
    while value >= 999.5 && unit + 1 < units.len() {
        value /= 1_000.0;
        unit += 1;
    }
    if value < 9.95 {
        format!("{value:.1} {}", units[unit])
    } else {
        format!("{value:.0} {}", units[unit])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_for_people() {
        for (bytes, text) in [
            (0, "0 B"),
            (999, "999 B"),
            (1_000, "1.0 KB"),
            (9_960, "10 KB"),
            (8_400_000_000, "8.4 GB"),
            (999_600, "1.0 MB"),
        ] {
            assert_eq!(human(bytes), text);
        }
    }
}
