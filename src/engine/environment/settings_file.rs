//! The guide's settings file of the migration: what is in it, where it lies, and how an other one is kept.

use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};

use super::model::{Found, Key, Line};
use crate::engine::error::{Error, Result};
use crate::engine::runner::operations::World;
use crate::engine::text::plural;
use crate::engine::workspace::files;

const BUILT_IN: &str = include_str!("../../../assets/environment/migration-config.yml");
/// The workspace's own version of it.
const OWN: &str = "environment/migration-config.yml";
/// Larger files are no settings.
const LARGEST: u64 = 1024 * 1024;

/// The file as it is to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SettingsFile {
    /// Where.
    pub path: PathBuf,
    /// Its content.
    pub content: String,
}

impl SettingsFile {
    /// The file of a workspace: where the settings say, else where the guide has it; in a rehearsal in the workspace.
    ///
    /// # Errors
    /// No home folder, or a version of the workspace's own that cannot be read.
    pub fn of(world: &World, rehearsal: bool) -> Result<Self> {
        let content = world
            .workspace
            .own_asset(OWN)?
            .unwrap_or_else(|| BUILT_IN.to_owned());
        let home = || {
            std::env::var_os("HOME").map(PathBuf::from).ok_or_else(|| {
                Error::input("there is no home folder: HOME is not set")
                    .hint("Name the file: maos.migration_settings in migration.yml.")
            })
        };
        let path = match &world.settings.driving.maos.migration_settings {
            Some(named) => match named.strip_prefix("~") {
                Ok(rest) => home()?.join(rest),
                Err(_) => world.workspace.path(named),
            },
            None if rehearsal => world.workspace.path("maos-work/migration-config.yml"),
            None => home()?.join(".maos/migration-config.yml"),
        };
        Ok(Self { path, content })
    }

    /// The lines that say something, for the preview.
    pub fn lines(&self) -> Vec<String> {
        self.content
            .lines()
            .map(|line| line.split(" #").next().unwrap_or(line).trim_end())
            .filter(|line| !line.trim().is_empty() && !line.starts_with('#'))
            .map(str::to_owned)
            .collect()
    }

    /// How the file stands.
    pub fn check(&self) -> Line {
        let line = |is: &str, found| Line::new(Key::Settings, is, found);
        let all = plural(self.content.lines().count() as u64, "line", "lines");
        let meta = match std::fs::symlink_metadata(&self.path) {
            Ok(meta) => meta,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                return line(
                    "absent",
                    Found::Needs("write".to_owned(), format!("{all}, mode 0600")),
                );
            }
            Err(error) => {
                return line(
                    "not readable",
                    Found::Refused(Error::io("read", &self.path, &error)),
                );
            }
        };
        if !meta.is_file() || meta.len() > LARGEST {
            let error = Error::input(format!("{} is no settings file", self.path.display()))
                .hint("Move it away, or name another one: maos.migration_settings in migration.yml.");
            return line("something else", Found::Refused(error));
        }
        let there = match std::fs::read(&self.path) {
            Ok(there) => there,
            Err(error) => {
                return line(
                    "not readable",
                    Found::Refused(Error::io("read", &self.path, &error)),
                );
            }
        };
        if there != self.content.as_bytes() {
            let what = format!(
                "it with {all}; the present one is kept as {}",
                self.kept(&there).1
            );
            return line("another one", Found::Needs("replace".to_owned(), what));
        }
        if mode(&meta) != files::PRIVATE {
            let what = format!("its mode {:o} by 600", mode(&meta));
            return line("readable by others", Found::Needs("replace".to_owned(), what));
        }
        line("as wanted", Found::InPlace(format!("{all} read back")))
    }

    /// Where an other file's content is kept, with the name alone. Equal content has one name.
    fn kept(&self, content: &[u8]) -> (PathBuf, String) {
        let name = self
            .path
            .file_name()
            .map_or_else(String::new, |name| name.to_string_lossy().into_owned());
        let name = format!("{name}.{}.bak", &files::hex(&Sha256::digest(content))[..8]);
        (self.path.with_file_name(&name), name)
    }

    /// Writes it; an other one is kept beside it first.
    ///
    /// # Errors
    /// A file that cannot be read or written.
    pub fn write(&self) -> Result<()> {
        use std::os::unix::fs::PermissionsExt as _;
        match std::fs::read(&self.path) {
            Ok(there) if there == self.content.as_bytes() => {}
            Ok(there) => {
                files::write_atomic(&self.kept(&there).0, &there, files::PRIVATE)?;
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(error) => return Err(Error::io("read", &self.path, &error)),
        }
        files::write_atomic(&self.path, self.content.as_bytes(), files::PRIVATE)?;
        let private = std::fs::Permissions::from_mode(files::PRIVATE);
        std::fs::set_permissions(&self.path, private)
            .map_err(|error| Error::io("protect", &self.path, &error))
    }

    /// The path for people.
    pub fn shown(&self, world: &World) -> String {
        let home = std::env::var_os("HOME").map(PathBuf::from);
        match home.and_then(|home| self.path.strip_prefix(home).ok().map(Path::to_owned)) {
            Some(rest) if !self.path.starts_with(world.workspace.root()) => format!("~/{}", rest.display()),
            _ => world.workspace.shown(&self.path),
        }
    }
}

fn mode(meta: &std::fs::Metadata) -> u32 {
    use std::os::unix::fs::PermissionsExt as _;
    meta.permissions().mode() & 0o777
}
