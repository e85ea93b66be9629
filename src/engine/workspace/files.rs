//! Files written so that a name never shows half a content: temporary file, fsync, rename, fsync of the folder.

use std::fs::{self, File};
use std::io::{BufWriter, Read, Write};
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};

use crate::engine::error::{Error, Result};

/// The mode of files that may hold secrets.
pub const PRIVATE: u32 = 0o600;
/// The mode of all others, before the umask.
pub const SHARED: u32 = 0o644;

/// A file being written beside its final name. Dropped without [`AtomicFile::commit`], it leaves nothing.
#[derive(Debug)]
pub struct AtomicFile {
    path: PathBuf,
    temp: BufWriter<tempfile::NamedTempFile>,
    hasher: Sha256,
    bytes: u64,
}

/// A file that is in place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written {
    /// Its size in bytes.
    pub bytes: u64,
    /// SHA-256 of its content in hex.
    pub sha256: String,
}

impl AtomicFile {
    /// Starts writing `path`; its folder is made when missing. `mode` is exact for [`PRIVATE`].
    ///
    /// # Errors
    /// When the folder or the temporary file cannot be made.
    pub fn create(path: &Path, mode: u32) -> Result<Self> {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = path
            .parent()
            .filter(|p| !p.as_os_str().is_empty())
            .unwrap_or(Path::new("."));
        fs::create_dir_all(folder).map_err(|error| Error::io("make", folder, &error))?;
        let temp = tempfile::Builder::new()
            .prefix(".maos-migrate-")
            .suffix(".tmp")
            .permissions(fs::Permissions::from_mode(mode))
            .tempfile_in(folder)
            .map_err(|error| Error::io("write into", folder, &error))?;
        Ok(Self {
            path: path.to_owned(),
            temp: BufWriter::with_capacity(256 * 1024, temp),
            hasher: Sha256::new(),
            bytes: 0,
        })
    }

    /// SHA-256 of what has been written so far, in hex.
    #[must_use]
    pub fn sha256(&self) -> String {
        hex(&self.hasher.clone().finalize())
    }

    /// Puts the content in place under its final name, safely on disk.
    ///
    /// # Errors
    /// Disk full, permission and the like; then the final name is untouched.
    pub fn commit(self) -> Result<Written> {
        let path = self.path;
        let fail = |error: &std::io::Error| Error::io("write", &path, error);
        let temp = self.temp.into_inner().map_err(|error| fail(error.error()))?;
        temp.as_file().sync_all().map_err(|error| fail(&error))?;
        temp.persist(&path).map_err(|error| fail(&error.error))?;
        sync_folder(&path)?;
        Ok(Written {
            bytes: self.bytes,
            sha256: hex(&self.hasher.finalize()),
        })
    }
}

impl Write for AtomicFile {
    fn write(&mut self, buf: &[u8]) -> std::io::Result<usize> {
        let n = self.temp.write(buf)?;
        self.hasher.update(&buf[..n]);
        self.bytes += n as u64;
        Ok(n)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.temp.flush()
    }
}

/// Makes a rename in the folder of `path` durable.
///
/// # Errors
/// When the folder cannot be opened or synchronised.
pub fn sync_folder(path: &Path) -> Result<()> {
    let folder = path
        .parent()
        .filter(|p| !p.as_os_str().is_empty())
        .unwrap_or(Path::new("."));
    File::open(folder)
        .and_then(|f| f.sync_all())
        .map_err(|error| Error::io("synchronise", folder, &error))
}

/// Writes `content` to `path` atomically; an identical file is left alone.
///
/// # Errors
/// As [`AtomicFile::commit`].
pub fn write_atomic(path: &Path, content: &[u8], mode: u32) -> Result<Written> {
    let written = Written {
        bytes: content.len() as u64,
        sha256: hex(&Sha256::digest(content)),
    };
    if fs::metadata(path).is_ok_and(|meta| meta.is_file() && meta.len() == written.bytes)
        && sha256_file(path).is_ok_and(|sum| sum == written.sha256)
    {
        return Ok(written);
    }
    let mut file = AtomicFile::create(path, mode)?;
    file.write_all(content)
        .map_err(|error| Error::io("write", path, &error))?;
    file.commit()
}

/// Whether two names, links among them, lead to one file that is there.
#[must_use]
pub fn same_file(one: &Path, other: &Path) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    let number = |path| fs::metadata(path).map(|meta| (meta.dev(), meta.ino())).ok();
    number(one).is_some_and(|one| number(other) == Some(one))
}

/// SHA-256 of a file's content in hex, read in pieces.
///
/// # Errors
/// When the file cannot be read.
pub fn sha256_file(path: &Path) -> Result<String> {
    sha256_told(path, &mut |_| Ok(()))
}

/// The same for a large file: `told` hears of every piece how many bytes it has, and may end the reading.
///
/// # Errors
/// When the file cannot be read, and those of `told`.
pub fn sha256_told(path: &Path, told: &mut dyn FnMut(u64) -> Result<()>) -> Result<String> {
    let mut file = File::open(path).map_err(|error| Error::io("read", path, &error))?;
    let mut hasher = Sha256::new();
    let mut buffer = vec![0; 256 * 1024];
    loop {
        let n = file
            .read(&mut buffer)
            .map_err(|error| Error::io("read", path, &error))?;
        if n == 0 {
            return Ok(hex(&hasher.finalize()));
        }
        hasher.update(&buffer[..n]);
        told(n as u64)?;
    }
}

/// Bytes as lower-case hex.
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    bytes
        .iter()
        .flat_map(|b| [DIGITS[usize::from(b >> 4)], DIGITS[usize::from(b & 15)]])
        .map(char::from)
        .collect()
}

/// Removes temporary files that a killed run left in `folder`. Only names of [`AtomicFile`]'s own pattern are touched.
///
/// # Errors
/// When the folder exists and cannot be read.
pub fn sweep_temporaries(folder: &Path) -> Result<usize> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(0),
        Err(error) => return Err(Error::io("read", folder, &error)),
    };
    let mut swept = 0;
    for entry in entries.flatten() {
        let name = entry.file_name();
        let ours = name
            .to_str()
            .is_some_and(|n| n.starts_with(".maos-migrate-") && n.strip_suffix(".tmp").is_some());
        if ours && fs::remove_file(entry.path()).is_ok() {
            swept += 1;
        }
    }
    Ok(swept)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dropped_file_leaves_nothing_and_a_committed_one_all() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a/b.txt");
        let mut file = AtomicFile::create(&path, SHARED).unwrap();
        file.write_all(b"half").unwrap();
        drop(file);
        assert!(!path.exists());
        assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 0);

        let written = write_atomic(&path, b"abc", PRIVATE).unwrap();
        assert_eq!(
            written.sha256,
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        );
        assert_eq!(fs::read(&path).unwrap(), b"abc");
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    }

    #[test]
    fn only_our_own_leftovers_are_swept() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join(".maos-migrate-x.tmp"), "").unwrap();
        fs::write(folder.path().join("keep.tmp"), "").unwrap();
        assert_eq!(sweep_temporaries(folder.path()).unwrap(), 1);
        assert!(folder.path().join("keep.tmp").exists());
    }
}
