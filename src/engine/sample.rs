//! The sample legacy system that the rehearsal moves: real files, laid out in a fresh workspace.

use std::path::Path;

use super::error::Result;
use super::workspace::{Workspace, files};

macro_rules! sample {
    ($($path:literal),* $(,)?) => {
        /// Path in the workspace and content of every file.
        pub const FILES: &[(&str, &[u8])] =
            &[$(($path, include_bytes!(concat!("../../assets/sample/", $path)))),*];
    };
}

sample![
    "legacy/tasks.json",
    "legacy/config.yml",
    "legacy/legacy.db",
    "legacy/checkpoints/batch_0001.checkpoint",
    "legacy/checkpoints/batch_0002.checkpoint",
    "legacy/checkpoints/batch_0003.checkpoint",
    "legacy/checkpoints/batch_0004.checkpoint",
    "legacy/checkpoints/batch_0005.checkpoint",
    "legacy/checkpoints/batch_0006.checkpoint",
    "legacy/checkpoints/batch_0007.checkpoint",
    "legacy/checkpoints/batch_0008.checkpoint",
    "legacy/checkpoints/cache_0001.checkpoint",
    "legacy/checkpoints/cache_0002.checkpoint",
    "legacy/checkpoints/cache_0007.checkpoint",
    "legacy/checkpoints/nightly_20261119.checkpoint",
    "monitor/criteria.yml",
    // The settings come last: a workspace that has them is laid out whole.
    "migration.yml",
];

/// Lays the sample out in `workspace`, unless it is there already. Tells whether it was laid out now.
///
/// # Errors
/// When a file cannot be written.
pub fn lay_out(workspace: &Workspace) -> Result<bool> {
    if workspace.settings_file().exists() {
        return Ok(false);
    }
    // What a killed laying-out left unfinished.
    for folder in ["", "legacy", "legacy/checkpoints", "monitor"] {
        files::sweep_temporaries(&workspace.path(folder))?;
    }
    for (path, content) in FILES {
        let private = Path::new(path)
            .file_name()
            .is_some_and(|name| name == "config.yml");
        files::write_atomic(
            &workspace.path(path),
            content,
            if private { files::PRIVATE } else { files::SHARED },
        )?;
    }
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::FILES;
    use crate::engine::monitor::Criteria;

    /// Seconds of the sample's history, and of one simulated part.
    const SLOWEST_AGAINST_SIMULATED: f64 = 160.0 / 0.05;

    #[test]
    fn simulated_work_is_taken_for_no_other_unit() {
        let (name, text) = FILES
            .iter()
            .find(|(path, _)| path.ends_with("criteria.yml"))
            .expect("the sample's criteria");
        let text = std::str::from_utf8(text).expect("text");
        let criteria = Criteria::with(name, Some(text)).expect("they can work");
        assert!(criteria.unit_factor > SLOWEST_AGAINST_SIMULATED);
        let embedded = Criteria::embedded().expect("they can work");
        assert!(embedded.unit_factor < SLOWEST_AGAINST_SIMULATED);
    }
}
