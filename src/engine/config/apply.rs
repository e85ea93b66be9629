//! Putting a planned conversion in place: private files, written atomically, with a copy of what was there.

use std::fs;
use std::path::{Path, PathBuf};

use secrecy::ExposeSecret as _;

use super::emit::{self, ENV_FILE};
use super::operation::{Prepared, name_of, standing, sum};
use super::read;
use crate::engine::error::{Error, Result};
use crate::engine::operation::{Control, Notice, Outcome, ProofLine};
use crate::engine::text::plural;
use crate::engine::workspace::files::{self, PRIVATE};

/// Writes what was planned. `now` names the backups. Files that are already as wanted are left alone.
///
/// # Errors
/// [`crate::engine::ErrorKind::Blocked`] when a decision is missing or a file changed since the plan;
/// [`crate::engine::ErrorKind::Unavailable`] when a file cannot be written.
pub fn apply(prepared: &Prepared, now: jiff::Timestamp, control: &Control) -> Result<Outcome> {
    control.safe_point()?;
    if let Some(why) = &prepared.blocked {
        return Err(Error::blocked(why.clone()).hint("Choose a value for each, then write."));
    }
    if let Some((path, before)) = &prepared.source {
        let text = read::read_file(path)?.text;
        if sum(&text) != *before {
            return Err(changed(path));
        }
    }
    for product in &prepared.products {
        if standing(&product.path)? != product.before {
            return Err(changed(&product.path));
        }
    }
    let mut artifacts = Vec::new();
    for product in &prepared.products {
        control.safe_point()?;
        if product.before.is_some() && !product.unchanged() {
            artifacts.push(back_up(&product.path, now)?.to_string_lossy().into_owned());
        }
        let content = product.content.expose_secret().as_bytes();
        files::write_atomic(&product.path, content, PRIVATE)?;
        restrict(&product.path)?;
        artifacts.push(product.path.to_string_lossy().into_owned());
    }
    for item in &prepared.refused {
        control.notice(Notice::Quarantined(item.clone()));
    }
    prove(prepared, artifacts)
}

fn changed(path: &Path) -> Error {
    Error::blocked(format!("{} changed since the plan was made", path.display()))
        .hint("Read it again and look at the plan.")
}

/// An identical file is left alone by the writer, whatever its mode.
fn restrict(path: &Path) -> Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    fs::set_permissions(path, fs::Permissions::from_mode(PRIVATE))
        .map_err(|error| Error::io("restrict", path, &error))
}

/// Copies `path` to `path.YYYYMMDD-HHMM` (UTC), with a number behind it when that name is taken.
fn back_up(path: &Path, now: jiff::Timestamp) -> Result<PathBuf> {
    use std::io::Write as _;
    use std::os::unix::fs::OpenOptionsExt as _;
    let content = fs::read(path).map_err(|error| Error::io("read", path, &error))?;
    let stamp = now.strftime("%Y%m%d-%H%M").to_string();
    for number in 1..1000 {
        let suffix = if number == 1 {
            stamp.clone()
        } else {
            format!("{stamp}-{number}")
        };
        let copy = path.with_file_name(format!("{}.{suffix}", name_of(path)));
        let opened = fs::OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(PRIVATE)
            .open(&copy);
        let mut file = match opened {
            Ok(file) => file,
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => continue,
            Err(error) => return Err(Error::io("write", &copy, &error)),
        };
        file.write_all(&content)
            .and_then(|()| file.sync_all())
            .map_err(|error| Error::io("write", &copy, &error))?;
        files::sync_folder(&copy)?;
        return Ok(copy);
    }
    Err(Error::unavailable(format!(
        "no free name for a copy of {}",
        path.display()
    )))
}

fn prove(prepared: &Prepared, artifacts: Vec<String>) -> Result<Outcome> {
    let mut proof = Vec::new();
    for product in &prepared.products {
        let (wanted, found) = (
            sum(product.content.expose_secret()),
            files::sha256_file(&product.path)?,
        );
        // The environment file's hash is compared and not said.
        let private = name_of(&product.path) == ENV_FILE;
        let shown = |hash: &str| {
            if private {
                "as written".to_owned()
            } else {
                hash[..12].to_owned()
            }
        };
        let equal = wanted == found;
        proof.push(ProofLine {
            what: format!("{} read back", name_of(&product.path)),
            source: shown(&wanted),
            target: if equal {
                shown(&found)
            } else {
                "differs".to_owned()
            },
            equal,
        });
    }
    let out = &prepared.products[prepared.products.len() - 2].path;
    let text = fs::read_to_string(out).map_err(|error| Error::io("read", out, &error))?;
    emit::read_back(&text, prepared.format, &prepared.tree)?;
    let report = &prepared.report;
    let accounted = report.mapped.len() + report.unmapped.len();
    proof.push(ProofLine {
        what: "keys = mapped + unmapped".to_owned(),
        source: report.keys.to_string(),
        target: format!("{}+{}", report.mapped.len(), report.unmapped.len()),
        equal: report.keys == accounted,
    });
    let quarantined = prepared.refused.len() as u64;
    let unmapped = report.unmapped.len() as u64;
    let mut summary = "Written and read back.".to_owned();
    if unmapped > 0 {
        let verb = if unmapped == 1 { "is" } else { "are" };
        summary = format!(
            "{summary} {} {verb} in the report.",
            plural(unmapped, "unmapped key", "unmapped keys")
        );
    }
    Ok(Outcome {
        source: report.keys as u64,
        converted: accounted as u64 - quarantined,
        unchanged: prepared
            .products
            .iter()
            .filter(|product| product.unchanged())
            .count() as u64,
        quarantined,
        proof,
        summary,
        artifacts,
    })
}
