//! Making a backup.

use std::path::{Path, PathBuf};
use std::time::Instant;

use jiff::Timestamp;

use super::manifest::{DatabaseOf, Entry, EntryKind, FORMAT, KeysOf, Manifest, MaosOf, Root, dialect_word};
use super::request::Request;
use super::{MANIFEST, files, keys, shelf, space};
use crate::engine::error::{Error, Result};
use crate::engine::failpoint;
use crate::engine::operation::{Control, Progress};
use crate::engine::ports::clock::millis;
use crate::engine::ports::databases::{Database, Mark, MarkKind};
use crate::engine::ports::maos::Maos;
use crate::engine::ports::store::Dialect;
use crate::engine::runner::operations::blocking;
use crate::engine::workspace::files as disk;

/// A backup that lies under its final name.
#[derive(Debug, Clone, PartialEq)]
pub struct Made {
    /// Its folder.
    pub folder: PathBuf,
    /// What is in it.
    pub manifest: Manifest,
}

/// The name of a backup begun at `now`, unless that is taken.
fn name(folder: &Path, now: Timestamp) -> String {
    let base = now.strftime("%Y%m%d_%H%M%S").to_string();
    let taken = |id: &str| folder.join(id).exists();
    if !taken(&base) {
        return base;
    }
    (2..10_000)
        .map(|n| format!("{base}_{n}"))
        .find(|id| !taken(id))
        .unwrap_or(base)
}

fn phase(control: &Control, phase: &str, done: u64) {
    control.progress(Progress {
        done,
        total: Some(5),
        unit: "parts".to_owned(),
        phase: phase.to_owned(),
        ..Progress::default()
    });
}

/// Makes a backup. It is written under a hidden name and renamed when everything is on disk; what fails leaves nothing. It is not
/// verified by this.
///
/// # Errors
/// Too little space, a database or file that cannot be read, a program that fails; each says which.
pub async fn create(request: &Request, control: &Control) -> Result<Made> {
    let begun = Instant::now();
    let folder = request.folder.clone();
    files::make_folder(&folder)?;
    shelf::sweep(&folder)?;
    let id = name(&folder, request.now);
    let temporary = folder.join(format!(".new-{id}-{}", std::process::id()));
    let mut needed: u64 = request
        .roots
        .iter()
        .map(|(_, path)| files::size(path, &folder))
        .sum();
    let about = match &request.database {
        Some(database) => Some(database.about().await?),
        None => None,
    };
    needed += about.as_ref().map_or(0, |about| about.bytes);
    space::must_have(&folder, needed)?;
    files::make_folder(&temporary)?;
    let made = fill(request, &id, &temporary, about, begun, control).await;
    let manifest = match made {
        Ok(manifest) => manifest,
        Err(error) => {
            // Best effort: what stays has a hidden name and is swept by the next backup.
            let _ = std::fs::remove_dir_all(&temporary);
            return Err(error);
        }
    };
    let target = folder.join(&id);
    failpoint::hit("backup.before_rename");
    std::fs::rename(&temporary, &target).map_err(|error| Error::io("rename", &temporary, &error))?;
    disk::sync_folder(&target)?;
    failpoint::hit("backup.after_rename");
    phase(control, "made", 5);
    Ok(Made {
        folder: target,
        manifest,
    })
}

async fn fill(
    request: &Request,
    id: &str,
    temporary: &Path,
    about: Option<crate::engine::ports::databases::About>,
    begun: Instant,
    control: &Control,
) -> Result<Manifest> {
    phase(control, "asking MAOS", 0);
    let maos = version(request.maos.as_deref()).await;
    control.safe_point_async().await?;
    let epoch = uuid::Uuid::new_v4().simple().to_string();
    let mut manifest = Manifest {
        format: FORMAT,
        id: id.to_owned(),
        made_at: request.now,
        operator: request.operator.clone(),
        host: request.host.clone(),
        migration: request.migration.clone(),
        epoch: epoch.clone(),
        database: None,
        maos,
        roots: Vec::new(),
        entries: Vec::new(),
        uncovered: request.uncovered.clone(),
        took_ms: 0,
        sha256: String::new(),
    };
    if let Some((database, about)) = request.database.as_ref().zip(about) {
        phase(control, "dumping", 1);
        dump(
            request,
            database.as_ref(),
            about,
            temporary,
            &mut manifest,
            control,
        )
        .await?;
        failpoint::hit("backup.after_dump");
    }
    control.safe_point_async().await?;
    phase(control, "copying files", 3);
    take(request, temporary, &mut manifest, control).await?;
    failpoint::hit("backup.after_files");
    manifest.took_ms = millis(begun);
    let (manifest, text) = manifest.sealed()?;
    disk::write_atomic(&temporary.join(MANIFEST), text.as_bytes(), disk::PRIVATE)?;
    disk::sync_folder(&temporary.join("."))?;
    Ok(manifest)
}

async fn version(maos: Option<&dyn Maos>) -> MaosOf {
    let Some(maos) = maos else {
        return MaosOf {
            why_not: Some("target.maos is not named".to_owned()),
            ..MaosOf::default()
        };
    };
    match maos.version().await {
        Ok(version) => MaosOf {
            version: version.best().map(str::to_owned),
            why_not: version
                .best()
                .is_none()
                .then(|| "MAOS tells no version".to_owned()),
            distribution: version.distribution,
            interpreter: version.interpreter,
            python: version.python,
        },
        Err(error) => MaosOf {
            why_not: Some(error.to_string()),
            ..MaosOf::default()
        },
    }
}

async fn dump(
    request: &Request,
    database: &dyn Database,
    about: crate::engine::ports::databases::About,
    temporary: &Path,
    manifest: &mut Manifest,
    control: &Control,
) -> Result<()> {
    database
        .mark(&Mark {
            epoch: manifest.epoch.clone(),
            kind: MarkKind::Backup,
            note: manifest.id.clone(),
        })
        .await?;
    let file = match database.dialect() {
        Dialect::Postgres => "database.dump",
        Dialect::Sqlite => "database.sqlite",
    };
    let columns = database.columns(&request.table).await?;
    let with_keys = columns.iter().filter(|column| column.key).count() == 1;
    let keys_file = format!("{}.keys.gz", request.table.name.replace(['/', '\0'], "_"));
    let keys_path = temporary.join(&keys_file);
    let mut writer = if with_keys {
        Some(keys::Writer::create(&keys_path)?)
    } else {
        None
    };
    let dumped = {
        let mut sink = |key: &str, hash: i64| writer.as_mut().map_or(Ok(()), |writer| writer.add(key, hash));
        let table = with_keys.then_some(&request.table);
        database
            .dump(&temporary.join(file), table, &mut sink, control)
            .await?
    };
    let keys = match writer {
        Some(writer) => Some(KeysOf {
            table: request.table.to_string(),
            rows: writer.finish()?,
            file: keys_file.clone(),
        }),
        None => None,
    };
    phase(control, "hashing the dump", 2);
    for name in std::iter::once(file.to_owned()).chain(keys.as_ref().map(|_| keys_file)) {
        let path = temporary.join(&name);
        let (bytes, sha256) = blocking(move || {
            let bytes = std::fs::metadata(&path)
                .map_err(|error| Error::io("read", &path, &error))?
                .len();
            Ok((bytes, disk::sha256_file(&path)?))
        })
        .await?;
        if bytes == 0 {
            return Err(Error::unavailable(format!("{name} is empty")));
        }
        manifest.entries.push(Entry {
            path: name,
            kind: EntryKind::File { bytes, sha256 },
            mode: 0o600,
        });
    }
    manifest.database = Some(DatabaseOf {
        words: database.words(),
        name: database.name(),
        dialect: dialect_word(database.dialect()).to_owned(),
        system: about.system,
        version: about.version,
        major: about.major,
        file: file.to_owned(),
        format: dumped.format,
        program: dumped.program,
        bytes: about.bytes,
        sums: dumped.sums,
        keys,
    });
    Ok(())
}

async fn take(request: &Request, temporary: &Path, manifest: &mut Manifest, control: &Control) -> Result<()> {
    let (places, except) = (files::places(&request.roots), request.folder.clone());
    let (into, control) = (temporary.to_owned(), control.clone());
    let (roots, taken) = blocking(move || {
        let (mut roots, mut taken) = (Vec::new(), files::Taken::default());
        for (part, from, path) in places {
            let kind = files::take(&from, &into, &path, &except, &mut taken, &control)?;
            roots.push(Root {
                part,
                from,
                path,
                kind,
            });
        }
        Ok((roots, taken))
    })
    .await?;
    manifest.roots = roots;
    manifest.entries.extend(taken.entries);
    manifest.uncovered.extend(taken.uncovered);
    Ok(())
}
