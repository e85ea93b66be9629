//! The proof of a backup: every hash, and a restore into a scratch database in which its mark, counts and contents are found.

use std::path::Path;
use std::time::Instant;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::manifest::{Entry, EntryKind, Manifest};
use super::{Listed, VERIFICATION, shelf};
use crate::engine::error::{Error, ErrorKind, Result};
use crate::engine::failpoint;
use crate::engine::operation::{Control, Progress};
use crate::engine::ports::clock::millis;
use crate::engine::ports::databases::{About, Database, MarkKind, Sums};
use crate::engine::runner::operations::blocking;
use crate::engine::workspace::files as disk;

/// The phase in which the files of a backup are compared with their hashes.
pub const HASHING: &str = "hashing";
/// Bytes between two reports of how far that is.
const TOLD_EACH: u64 = 16 << 20;

/// What a verification found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verification {
    /// The backup.
    pub id: String,
    /// The manifest it is bound to: its own hash; for the guide's layout, the dump's.
    pub manifest: String,
    /// When, at its end.
    pub at: Timestamp,
    /// By whom.
    pub by: String,
    /// Whether everything was found.
    pub good: bool,
    /// What was not, in words; empty when good.
    #[serde(default)]
    pub why: String,
    /// Milliseconds of the restore alone; 0 without a database.
    pub restore_ms: u64,
    /// Milliseconds of everything.
    pub took_ms: u64,
    /// Rows found.
    pub rows: u64,
    /// Files whose hashes agree.
    pub files: u64,
    /// What a restore gave, where the backup itself says nothing: the guide's layout.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sums: Option<Sums>,
    /// Every file beside the dump with its hash, where the backup itself says nothing: the guide's layout.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub entries: Vec<Entry>,
}

impl Verification {
    /// The last one of the backup in `folder`.
    #[must_use]
    pub fn read(folder: &Path) -> Option<Self> {
        let text = std::fs::read(folder.join(VERIFICATION)).ok()?;
        serde_json::from_slice(&text).ok()
    }

    /// One that has found nothing yet.
    #[must_use]
    pub(super) fn begun(id: &str, manifest: &str, at: Timestamp, by: &str) -> Self {
        Self {
            id: id.to_owned(),
            manifest: manifest.to_owned(),
            at,
            by: by.to_owned(),
            good: false,
            why: String::new(),
            restore_ms: 0,
            took_ms: 0,
            rows: 0,
            files: 0,
            sums: None,
            entries: Vec::new(),
        }
    }

    /// Writes the result beside the manifest, unless it could not be looked for at all: only what is wrong with the backup itself stays
    /// with it.
    ///
    /// # Errors
    /// Those of `result`, and when it cannot be written.
    pub(super) fn settle(
        mut self,
        folder: &Path,
        begun: Instant,
        at: Timestamp,
        result: Result<()>,
    ) -> Result<Self> {
        self.took_ms = millis(begun);
        self.at = at;
        match result {
            Ok(()) => {
                self.good = true;
                failpoint::hit("backup.before_verified");
                self.write(folder)?;
                Ok(self)
            }
            Err(error) => {
                if error.kind == ErrorKind::Input {
                    self.why.clone_from(&error.message);
                    self.write(folder)?;
                }
                Err(error)
            }
        }
    }

    /// Puts it beside the manifest.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn write(&self, folder: &Path) -> Result<()> {
        let text = serde_json::to_string_pretty(self).map_err(|error| Error::bug(error.to_string()))?;
        disk::write_atomic(
            &folder.join(VERIFICATION),
            format!("{text}\n").as_bytes(),
            disk::PRIVATE,
        )
        .map(|_| ())
    }
}

/// Whether a backup belongs to the server that is there now.
///
/// # Errors
/// [`ErrorKind::Input`]: another system, another version.
pub fn matches(manifest: &Manifest, about: &About) -> Result<()> {
    let Some(database) = &manifest.database else {
        return Ok(());
    };
    if database.system != about.system {
        return Err(Error::input(format!(
            "backup {} is of another system: {}, this is {}",
            manifest.id, database.system, about.system
        ))
        .hint("Restore it where it was made."));
    }
    if database.major != about.major {
        return Err(Error::input(format!(
            "backup {} is of {}, this is {}",
            manifest.id, database.version, about.version
        ))
        .hint("A backup is restored into the version it was made with."));
    }
    Ok(())
}

/// Compares every file with its hash; gives how many there are.
///
/// # Errors
/// [`ErrorKind::Input`] with the first that differs.
pub async fn check_files(folder: &Path, manifest: &Manifest, control: &Control) -> Result<u64> {
    let (folder, manifest, control) = (folder.to_owned(), manifest.clone(), control.clone());
    blocking(move || {
        shelf::sizes(&folder, &manifest)?;
        let total = manifest.bytes();
        let (mut files, mut done, mut told) = (0, 0, 0);
        let tell = |done: u64| {
            control.progress(Progress {
                done,
                total: Some(total),
                bytes: done,
                bytes_total: Some(total),
                unit: "bytes".to_owned(),
                phase: HASHING.to_owned(),
                ..Progress::default()
            });
        };
        tell(0);
        for entry in &manifest.entries {
            control.safe_point()?;
            if let EntryKind::File { sha256, .. } = &entry.kind {
                let mut piece = |bytes: u64| {
                    control.safe_point()?;
                    done += bytes;
                    // A dump of many gigabytes is one file; so often is enough for an eye.
                    if done - told >= TOLD_EACH {
                        told = done;
                        tell(done);
                    }
                    Ok(())
                };
                if disk::sha256_told(&folder.join(&entry.path), &mut piece)? != *sha256 {
                    return Err(Error::input(format!("{} is not as it was written", entry.path)));
                }
                files += 1;
            }
        }
        tell(done);
        Ok(files)
    })
    .await
}

/// Proves, before something begins that cannot be undone without it, that a verified backup is as it was then and of the database that is
/// there now: names and sizes tell nothing of a flipped bit. A backup that is damaged is from then on listed as such.
///
/// # Errors
/// [`ErrorKind::Blocked`]: it is of another system or version, or a file differs. Others: it could not be looked at.
pub async fn intact(backup: &Listed, database: Option<&dyn Database>, control: &Control) -> Result<()> {
    let refused = |error: Error| match error.kind {
        ErrorKind::Input => Error::blocked(format!("backup {} is of no use: {}", backup.id, error.message))
            .hint("Make and verify one: maos-migrate backup create."),
        _ => error,
    };
    let guide = super::guide::as_manifest(backup, &[]);
    let Some(manifest) = backup.manifest.as_ref().or(guide.as_ref()) else {
        return Err(refused(Error::input("it was never verified")));
    };
    if let Some(database) = database {
        matches(manifest, &database.about().await?).map_err(refused)?;
    }
    let found = async {
        if backup.manifest.is_none() {
            super::guide::same_dump(&backup.folder, &manifest.sha256).await?;
        }
        check_files(&backup.folder, manifest, control).await
    };
    let Err(error) = found.await else {
        return Ok(());
    };
    if let Some(before) = backup
        .verification
        .clone()
        .filter(|_| error.kind == ErrorKind::Input)
    {
        let why = error.message.clone();
        let found = Verification {
            good: false,
            why,
            ..before
        };
        found.write(&backup.folder)?;
    }
    Err(refused(error))
}

/// Compares a restored database with what the manifest says: the mark, every count and content, every other object.
///
/// # Errors
/// [`ErrorKind::Input`] with the first difference.
pub async fn prove(manifest: &Manifest, restored: &dyn Database) -> Result<Sums> {
    let Some(database) = &manifest.database else {
        return Ok(Sums::default());
    };
    let marks = restored.marks().await?;
    let marked = marks
        .iter()
        .any(|mark| mark.kind == MarkKind::Backup && mark.epoch == manifest.epoch);
    if !marked {
        return Err(Error::input(format!(
            "the epoch mark {} is not in the restored database",
            &manifest.epoch[..manifest.epoch.len().min(8)]
        )));
    }
    let sums = restored.sums().await?;
    match database.sums.difference(&sums) {
        None => Ok(sums),
        Some(difference) => Err(Error::input(format!("restored, but {difference}"))),
    }
}

/// Proves the backup in `folder`: its own hash, every file's, then a restore beside `beside` (the database it was made of). The scratch
/// database is removed whatever happens. What is found is written beside the manifest, unless it could not be looked for at all.
///
/// # Errors
/// [`ErrorKind::Input`]: it is not good, and why. Others: it could not be looked for.
pub async fn verify(
    folder: &Path,
    beside: Option<&dyn Database>,
    by: &str,
    now: &(dyn Fn() -> Timestamp + Send + Sync),
    control: &Control,
) -> Result<Verification> {
    if super::guide::recognise(folder).is_some() {
        return super::guide::verify(folder, beside, by, now, control).await;
    }
    let begun = Instant::now();
    let manifest = Manifest::read(folder)?;
    let mut found = Verification {
        rows: manifest.rows(),
        ..Verification::begun(&manifest.id, &manifest.sha256, now(), by)
    };
    let result = look(folder, &manifest, beside, &mut found, control).await;
    found.settle(folder, begun, now(), result)
}

async fn look(
    folder: &Path,
    manifest: &Manifest,
    beside: Option<&dyn Database>,
    found: &mut Verification,
    control: &Control,
) -> Result<()> {
    found.files = check_files(folder, manifest, control).await?;
    let Some(database) = &manifest.database else {
        return Ok(());
    };
    let beside = beside.ok_or_else(|| {
        Error::unavailable(format!(
            "the database {} is not named, so its dump cannot be restored",
            database.words
        ))
    })?;
    let about = beside.about().await?;
    matches(manifest, &about)?;
    room(&about, database.bytes)?;
    let scratch = beside.sibling(&beside.named(&format!("verify_{}", manifest.id)));
    let restored = Instant::now();
    let outcome = async {
        scratch
            .restore(&folder.join(&database.file), beside, control)
            .await?;
        found.restore_ms = millis(restored);
        failpoint::hit("backup.verify.restored");
        control.progress(Progress {
            unit: "rows".to_owned(),
            phase: "comparing".to_owned(),
            ..Progress::default()
        });
        prove(manifest, scratch.as_ref()).await
    }
    .await;
    let removed = scratch.remove().await;
    outcome.map_err(of_the_dump)?;
    removed
}

/// A program that cannot read a dump whose hash agrees tells of the dump; everything else is about the world.
fn of_the_dump(error: Error) -> Error {
    let damaged = [
        "could not read from input file",
        "did not find magic string",
        "unexpected end of file",
    ];
    if damaged.iter().any(|words| error.message.contains(words)) {
        return Error::new(ErrorKind::Input, error.message);
    }
    error
}

/// Refuses to fill the disk of the database with a second copy, where its free space is known.
///
/// # Errors
/// [`ErrorKind::Unavailable`] with both figures.
pub fn room(about: &About, needed: u64) -> Result<()> {
    match about.free {
        Some(free) if free < needed + needed / 10 => Err(Error::unavailable(format!(
            "{} are free beside the database, a second copy needs {}",
            super::human(free),
            super::human(needed)
        ))
        .hint("Free space there and try again.")),
        _ => Ok(()),
    }
}
