//! The probes of the assessment. Each only reads, bounds what it reads, and says why when it has no figure.
//!
//! To add one: implement [`Probe`] in a file of its own, name its figures as the questionnaire does under `probe`, and
//! put it on the list in [`MachineProbes`].

pub mod baseline;
mod baseline_postgres;
mod baseline_sqlite;
mod command;
mod machine;
mod maos;
mod network;
mod postgres;
mod python;
mod redis;
mod sampling;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use secrecy::{ExposeSecret as _, SecretString};

pub use baseline::{BaselineProbe, LegacyDatabase};
pub use machine::{CpuCores, Memory, Storage};
pub use maos::Maos;
pub use network::NetworkLink;
pub use postgres::Postgres;
pub use python::Python;
pub use redis::Redis;
pub use sampling::Utilization;

use crate::engine::ports::Probes;
use crate::engine::ports::probe::Probe;
use crate::engine::workspace::secrets::scrub;
use crate::engine::workspace::{Environment, Settings, Workspace};

/// A database as a probe needs it.
#[derive(Debug, Clone)]
pub enum Place {
    /// A SQLite file.
    Sqlite(PathBuf),
    /// A PostgreSQL server, by its URL.
    Postgres(SecretString),
}

impl Place {
    /// Tells the two apart by the URL's scheme; `None` for any other.
    #[must_use]
    pub fn of(url: &str) -> Option<Self> {
        if let Some(path) = url.strip_prefix("sqlite:") {
            let path = path.strip_prefix("//").unwrap_or(path);
            return Some(Self::Sqlite(PathBuf::from(path)));
        }
        let postgres = url.starts_with("postgres://") || url.starts_with("postgresql://");
        postgres.then(|| Self::Postgres(SecretString::from(url)))
    }
}

/// The probes of this machine and of the databases that the settings name.
#[derive(Debug, Default)]
pub struct MachineProbes;

impl Probes for MachineProbes {
    fn probes(&self, workspace: &Workspace, settings: Option<&Settings>) -> Vec<Arc<dyn Probe>> {
        let place = |database: Option<&crate::engine::workspace::settings::Database>| {
            database.and_then(|database| Place::of(database.url.expose()))
        };
        let source = settings.and_then(|settings| place(settings.source.as_ref()));
        let target = settings.and_then(|settings| place(settings.target.as_ref()));
        let rehearsal = settings.is_some_and(|settings| settings.environment == Environment::Rehearsal);
        let maos = settings
            .and_then(|settings| settings.maos.as_deref())
            .filter(|word| word.contains('/'))
            .map(|path| workspace.root().join(path));
        let redis = if rehearsal {
            Redis::not_used("the rehearsal needs no Redis")
        } else {
            Redis::standard()
        };
        let mut probes: Vec<Arc<dyn Probe>> = vec![
            Arc::new(CpuCores),
            Arc::new(Memory),
            Arc::new(Storage::new(workspace.root())),
            Arc::new(Utilization::default()),
            Arc::new(NetworkLink::between(source.as_ref(), target.as_ref())),
            Arc::new(Postgres::new(target)),
            Arc::new(redis),
            Arc::new(Python::beside(maos.as_deref())),
            Arc::new(Maos::new(maos)),
        ];
        if let (Some(place), Some(settings)) = (source, settings) {
            probes.push(Arc::new(BaselineProbe::new(Arc::new(LegacyDatabase::new(
                place,
                &settings.tuning.source_table,
            )))));
        }
        probes
    }
}

/// What a driver said, in one line that holds no secret: registered values, and the password of `url` by itself.
fn said(error: &impl std::fmt::Display, url: Option<&SecretString>) -> String {
    let mut text = scrub(&error.to_string()).into_owned();
    if let Some(url) = url {
        let url = url.expose_secret();
        text = text.replace(url, "the database");
        if let Some(password) = url::Url::parse(url)
            .ok()
            .and_then(|url| url.password().map(str::to_owned))
            .filter(|password| !password.is_empty())
        {
            text = text.replace(&password, "******");
        }
    }
    crate::engine::text::inert_short(&text, 200)
}

/// The first file of this name in the folders of PATH.
fn on_path(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path)
        .map(|folder| folder.join(name))
        .find(|file| is_program(file))
}

fn is_program(file: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::metadata(file).is_ok_and(|meta| meta.is_file() && meta.permissions().mode() & 0o111 != 0)
}
