//! Backups in the layout of the migration guide's scripts: `database.sql`, `config.yml`, `etc_maos/`, `checkpoints/`, perhaps
//! `version.txt`. They have no manifest: what their verification finds, the dump's contents and
//! the files' hashes, is what a rollback is proved against.

use std::io::BufRead as _;
use std::path::{Path, PathBuf};
use std::time::Instant;

use jiff::Timestamp;

use super::manifest::{EntryKind, FORMAT, Manifest, MaosOf, Part, Root, RootKind};
use super::shelf::{Listed, Standing};
use super::verify::{Verification, room};
use crate::engine::error::{Error, Result};
use crate::engine::operation::Control;
use crate::engine::ports::clock::millis;
use crate::engine::ports::databases::Database;
use crate::engine::runner::operations::blocking;
use crate::engine::text::inert_short;
use crate::engine::workspace::files as disk;

/// The dump of the guide's scripts: plain SQL.
pub const DUMP: &str = "database.sql";
/// The last line that `pg_dump` writes, but for blank ones and its own bracket.
const END: &str = "-- PostgreSQL database dump complete";

/// What can be seen of such a backup.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// When its dump was written.
    pub made_at: Option<Timestamp>,
    /// Bytes of everything.
    pub bytes: u64,
    /// The version it names.
    pub version: Option<String>,
}

/// Recognises the layout: a dump and no manifest.
#[must_use]
pub fn recognise(folder: &Path) -> Option<Found> {
    let dump = std::fs::metadata(folder.join(DUMP))
        .ok()
        .filter(std::fs::Metadata::is_file)?;
    if folder.join(super::MANIFEST).exists() {
        return None;
    }
    let made_at = dump
        .modified()
        .ok()
        .and_then(|time| Timestamp::try_from(time).ok());
    let version = std::fs::read_to_string(folder.join("version.txt"))
        .ok()
        .map(|text| inert_short(text.trim(), 40))
        .filter(|text| !text.is_empty());
    Some(Found {
        made_at,
        bytes: super::files::size(folder, Path::new("")),
        version,
    })
}

/// Where the guide's scripts put the configuration, the checkpoints and `/etc/maos`.
const CONFIG: &str = "config.yml";
const CHECKPOINTS: &str = "checkpoints";
const ETC: &str = "etc_maos";
/// Where the last one was taken from.
const ETC_PLACE: &str = "/etc/maos";

/// The files and the version of such a backup as a manifest, once its verification has their hashes. `places`: where MAOS's own files
/// lie by the settings; what has no place there stays in the backup.
#[must_use]
pub fn as_manifest(backup: &Listed, places: &[(Part, PathBuf)]) -> Option<Manifest> {
    let found = backup
        .verification
        .as_ref()
        .filter(|found| backup.standing == Standing::Guide && found.good)?;
    let there = |path: &str| found.entries.iter().find(|entry| entry.path == path);
    let roots = places
        .iter()
        .filter_map(|(part, from)| {
            let path = match part {
                Part::Checkpoints => CHECKPOINTS.to_owned(),
                // The guide copies two configurations; which one is meant, its place tells.
                Part::MaosConfig | Part::Also => match from.strip_prefix(ETC_PLACE) {
                    Ok(rest) if rest.as_os_str().is_empty() => ETC.to_owned(),
                    Ok(rest) => format!("{ETC}/{}", rest.to_str()?),
                    Err(_) if *part == Part::MaosConfig => CONFIG.to_owned(),
                    Err(_) => return None,
                },
                Part::LegacyConfig => return None,
            };
            let kind = match &there(&path)?.kind {
                EntryKind::Folder => RootKind::Folder,
                EntryKind::File { .. } | EntryKind::Link { .. } => RootKind::File,
            };
            Some(Root {
                part: *part,
                from: from.clone(),
                path,
                kind,
            })
        })
        .collect();
    let version = recognise(&backup.folder).and_then(|found| found.version);
    Some(Manifest {
        format: FORMAT,
        id: backup.id.clone(),
        made_at: backup.made_at.unwrap_or(found.at),
        operator: found.by.clone(),
        host: String::new(),
        migration: String::new(),
        epoch: String::new(),
        database: None,
        maos: MaosOf {
            why_not: version.is_none().then(|| "there is no version.txt".to_owned()),
            version,
            ..MaosOf::default()
        },
        roots,
        entries: found.entries.clone(),
        uncovered: Vec::new(),
        took_ms: 0,
        sha256: found.manifest.clone(),
    })
}

/// Reads a plain dump through: it must be whole, and hold nothing but SQL and its data. A script may tell `psql` to run programs or to
/// connect elsewhere; such a one is refused unread.
///
/// # Errors
/// [`Input`](crate::engine::error::ErrorKind::Input) with the line.
pub fn check_script(path: &Path) -> Result<()> {
    let file = std::fs::File::open(path).map_err(|error| Error::io("read", path, &error))?;
    let (mut in_data, mut complete, mut number) = (false, false, 0_u64);
    let mut line = Vec::new();
    let mut reader = std::io::BufReader::with_capacity(1 << 18, file);
    loop {
        line.clear();
        let n = reader
            .read_until(b'\n', &mut line)
            .map_err(|error| Error::io("read", path, &error))?;
        if n == 0 {
            break;
        }
        number += 1;
        let text = line.strip_suffix(b"\n").unwrap_or(&line);
        if in_data {
            in_data = text != b"\\.";
            continue;
        }
        if text.starts_with(b"COPY ") && text.ends_with(b"FROM stdin;") {
            in_data = true;
        } else if text.first() == Some(&b'\\')
            && !(text.starts_with(b"\\restrict ") || text.starts_with(b"\\unrestrict "))
        {
            return Err(Error::input(format!(
                "{DUMP} line {number} is a command to psql, not SQL: {}",
                inert_short(&String::from_utf8_lossy(text), 60)
            )));
        } else if text == END.as_bytes() {
            complete = true;
        }
    }
    if in_data || !complete {
        return Err(Error::input(format!(
            "{DUMP} ends in the middle, at line {number}"
        )));
    }
    Ok(())
}

/// Whether the dump is still the one that was verified.
///
/// # Errors
/// [`Input`](crate::engine::error::ErrorKind::Input) when it is another.
pub(super) async fn same_dump(folder: &Path, sha256: &str) -> Result<()> {
    let path = folder.join(DUMP);
    if blocking(move || disk::sha256_file(&path)).await? == sha256 {
        return Ok(());
    }
    Err(Error::input(format!("{DUMP} is not as it was verified")))
}

/// Proves what can be proved: the dump is whole and restores. Its counts are kept for the proof of a rollback.
///
/// # Errors
/// As [`super::verify()`].
pub async fn verify(
    folder: &Path,
    beside: Option<&dyn Database>,
    by: &str,
    now: &(dyn Fn() -> Timestamp + Send + Sync),
    control: &Control,
) -> Result<Verification> {
    let begun = Instant::now();
    let dump = folder.join(DUMP);
    let path = dump.clone();
    let checked = blocking(move || {
        let sum = disk::sha256_file(&path)?;
        Ok((sum, check_script(&path)))
    })
    .await?;
    let id = folder
        .file_name()
        .map_or_else(String::new, |name| name.to_string_lossy().into_owned());
    let mut found = Verification {
        files: 1,
        ..Verification::begun(&id, &checked.0, now(), by)
    };
    let (within, silent) = (folder.to_owned(), control.clone());
    found.entries = blocking(move || {
        let mut all = Vec::new();
        for path in [CONFIG, CHECKPOINTS, ETC] {
            all.extend(super::files::hashed(&within, path, &silent)?);
        }
        Ok(all)
    })
    .await?;
    let files = found
        .entries
        .iter()
        .filter(|entry| matches!(entry.kind, EntryKind::File { .. }));
    found.files += files.count() as u64;
    let result = match checked.1 {
        Ok(()) => restore(&dump, &id, beside, &mut found, control).await,
        Err(error) => Err(error),
    };
    found.settle(folder, begun, now(), result)
}

async fn restore(
    dump: &Path,
    id: &str,
    beside: Option<&dyn Database>,
    found: &mut Verification,
    control: &Control,
) -> Result<()> {
    let beside = beside.ok_or_else(|| Error::unavailable("no database is named to restore it beside"))?;
    let about = beside.about().await?;
    let bytes = std::fs::metadata(dump)
        .map_err(|error| Error::io("read", dump, &error))?
        .len();
    room(&about, bytes * 2)?;
    let safe: String = id
        .chars()
        .map(|letter| {
            if letter.is_ascii_alphanumeric() {
                letter
            } else {
                '_'
            }
        })
        .collect();
    let scratch = beside.sibling(&beside.named(&format!("verify_{safe}")));
    let begun = Instant::now();
    let outcome = async {
        scratch.restore(dump, beside, control).await?;
        found.restore_ms = millis(begun);
        scratch.sums().await
    }
    .await;
    let removed = scratch.remove().await;
    let sums = outcome?;
    found.rows = sums.rows();
    found.sums = Some(sums);
    removed
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_script_is_read_before_it_is_run() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(DUMP);
        let whole = "SET x;\nCOPY public.t (a) FROM stdin;\n\\N\n\\! in data\n\\.\n--\n-- PostgreSQL database dump complete\n--\n";
        for (text, good) in [
            (whole, true),
            (&whole[..40], false),
            (&whole.replace("SET x;", "\\! rm -rf /"), false),
            (&whole.replace("SET x;", "\\connect other"), false),
            (&whole.replace("SET x;", "\\restrict abc"), true),
            ("", false),
        ] {
            std::fs::write(&path, text).unwrap();
            assert_eq!(check_script(&path).is_ok(), good, "{text}");
        }
        assert!(recognise(folder.path()).is_some());
        std::fs::write(folder.path().join("manifest.json"), "{}").unwrap();
        assert!(recognise(folder.path()).is_none());
    }
}
