//! Opening and reading source files: no link is followed, no device is opened, a change while reading is noticed.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::Read as _;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::path::Path;

use rustix::fs::{AtFlags, Dir, FileType, Mode, OFlags, Stat, fstat, open, openat, statat};
use rustix::io::Errno;
use sha2::{Digest as _, Sha256};

use super::super::finding::{Code, Finding, Severity};
use super::super::limits::Limits;
use crate::engine::error::{Error, Result};
use crate::engine::workspace::files::hex;

/// What identifies one state of one file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fingerprint {
    device: u64,
    inode: u64,
    /// Size in bytes.
    pub size: u64,
    modified: (i64, u64),
    changed: (i64, u64),
}

impl Fingerprint {
    #[expect(clippy::cast_sign_loss, reason = "a size is never negative")]
    fn of(stat: &Stat) -> Self {
        Self {
            device: stat.st_dev,
            inode: stat.st_ino,
            size: stat.st_size as u64,
            modified: (stat.st_mtime, stat.st_mtime_nsec),
            changed: (stat.st_ctime, stat.st_ctime_nsec),
        }
    }

    /// The facts that a plan rests on.
    #[must_use]
    pub fn fact(&self) -> String {
        format!(
            "{} bytes, modified {}.{:09}",
            self.size, self.modified.0, self.modified.1
        )
    }
}

/// The source folder, held open so that it cannot be exchanged under the run.
#[derive(Debug)]
pub struct Folder {
    fd: OwnedFd,
}

/// One entry of the source folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Its name without the folder.
    pub name: OsString,
    /// Its state when it was listed; `None` for what is no plain file.
    pub print: Option<Fingerprint>,
    /// Why it cannot be read, when that is seen without opening it.
    pub finding: Option<Finding>,
}

/// Everything that lies in a folder.
#[derive(Debug, Default)]
pub struct Listing {
    /// Files, links and special files, by name.
    pub entries: Vec<Entry>,
    /// Folders, which are not entered.
    pub folders: u64,
    /// Files whose name begins with a dot, which are left alone.
    pub hidden: u64,
}

fn changed(code: Code, what: impl Into<String>) -> Finding {
    Finding::new(Severity::Changed, code, None, what)
}

fn unreadable(errno: Errno) -> Finding {
    match errno {
        Errno::LOOP => changed(Code::SymbolicLink, "is a symbolic link"),
        Errno::NXIO | Errno::NODEV => changed(Code::SpecialFile, "is no plain file"),
        Errno::NOENT => changed(Code::ChangedFile, "was removed while it was being read"),
        errno => changed(
            Code::Unreadable,
            format!("cannot be read: {}", std::io::Error::from(errno)),
        ),
    }
}

fn special(kind: FileType) -> Finding {
    match kind {
        FileType::Symlink => changed(Code::SymbolicLink, "is a symbolic link"),
        FileType::Fifo => changed(Code::SpecialFile, "is a FIFO, not a file"),
        FileType::Socket => changed(Code::SpecialFile, "is a socket, not a file"),
        FileType::CharacterDevice | FileType::BlockDevice => {
            changed(Code::SpecialFile, "is a device, not a file")
        }
        _ => changed(Code::SpecialFile, "is no plain file"),
    }
}

impl Folder {
    /// Opens a folder. The path itself is the operator's word; links in it are followed.
    ///
    /// # Errors
    /// Input when it is missing or no folder, unavailable when it cannot be read.
    pub fn open(path: &Path) -> Result<Self> {
        let fd = open(
            path,
            OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC,
            Mode::empty(),
        )
        .map_err(|errno| match errno {
            Errno::NOTDIR => Error::input(format!("{} is no folder", path.display())),
            errno => Error::io("open", path, &std::io::Error::from(errno)),
        })?;
        Ok(Self { fd })
    }

    /// Lists the folder by name, without entering folders below it. `skip` names files to leave out.
    ///
    /// # Errors
    /// Unavailable when it cannot be listed.
    pub fn list(&self, hard_links: bool, skip: &[&str]) -> Result<Listing> {
        let failed = |errno: Errno| {
            Error::unavailable(format!(
                "cannot list the source folder: {}",
                std::io::Error::from(errno)
            ))
        };
        let mut listing = Listing::default();
        let dir = Dir::read_from(&self.fd).map_err(failed)?;
        for entry in dir {
            let entry = entry.map_err(failed)?;
            let bytes = entry.file_name().to_bytes();
            if bytes == b"." || bytes == b".." {
                continue;
            }
            if bytes.starts_with(b".") {
                listing.hidden += 1;
                continue;
            }
            if skip.iter().any(|name| name.as_bytes() == bytes) {
                continue;
            }
            let name = OsString::from_vec(bytes.to_vec());
            match self.entry(name, hard_links) {
                Some(entry) => listing.entries.push(entry),
                None => listing.folders += 1,
            }
        }
        listing.entries.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(listing)
    }

    /// One entry; `None` for a folder.
    fn entry(&self, name: OsString, hard_links: bool) -> Option<Entry> {
        let stat = match statat(&self.fd, &name, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(stat) => stat,
            Err(errno) => {
                return Some(Entry {
                    name,
                    print: None,
                    finding: Some(unreadable(errno)),
                });
            }
        };
        let kind = FileType::from_raw_mode(stat.st_mode);
        match kind {
            FileType::Directory => None,
            FileType::RegularFile => {
                let finding = (stat.st_nlink > 1 && !hard_links).then(|| {
                    changed(
                        Code::HardLink,
                        format!("has {} names (hard links)", stat.st_nlink),
                    )
                });
                Some(Entry {
                    name,
                    print: Some(Fingerprint::of(&stat)),
                    finding,
                })
            }
            kind => Some(Entry {
                name,
                print: None,
                finding: Some(special(kind)),
            }),
        }
    }

    /// Reads a whole file. When it changes meanwhile it is read once more.
    ///
    /// `listed` is the state in which it was listed as a plain file: then it is not looked at again before it is opened.
    /// `probe` is told the number of each attempt after its bytes were read and before they are trusted.
    ///
    /// # Errors
    /// The finding: link, special file, unreadable, too large, changed twice.
    pub fn read(
        &self,
        name: &OsStr,
        listed: Option<Fingerprint>,
        limits: &Limits,
        probe: &dyn Fn(u32),
    ) -> std::result::Result<Loaded, Finding> {
        for (attempt, known) in [(1, listed), (2, None)] {
            if let Some(loaded) = self.attempt(name, known, limits, attempt, probe)? {
                return Ok(loaded);
            }
        }
        Err(changed(Code::ChangedFile, "was modified while being read, twice"))
    }

    fn attempt(
        &self,
        name: &OsStr,
        known: Option<Fingerprint>,
        limits: &Limits,
        attempt: u32,
        probe: &dyn Fn(u32),
    ) -> std::result::Result<Option<Loaded>, Finding> {
        let print = if let Some(print) = known {
            print
        } else {
            let before = statat(&self.fd, name, AtFlags::SYMLINK_NOFOLLOW).map_err(unreadable)?;
            let kind = FileType::from_raw_mode(before.st_mode);
            if kind != FileType::RegularFile {
                return Err(special(kind));
            }
            Fingerprint::of(&before)
        };
        if print.size > limits.file_bytes {
            return Err(Finding::malformed(
                Code::SizeLimit,
                format!(
                    "has {} bytes; a file is read as a whole, and {} are the most for one",
                    crate::engine::text::count(print.size),
                    crate::engine::text::count(limits.file_bytes)
                ),
            ));
        }
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
        let fd = openat(&self.fd, name, flags, Mode::empty()).map_err(unreadable)?;
        let opened = fstat(&fd).map_err(unreadable)?;
        if Fingerprint::of(&opened) != print {
            return Ok(None);
        }
        let size = usize::try_from(print.size).unwrap_or(usize::MAX);
        let mut data = Vec::new();
        data.try_reserve_exact(size)
            .map_err(|_| Finding::malformed(Code::SizeLimit, "needs more memory than there is"))?;
        let mut file = File::from(fd);
        let read = (&mut file).take(print.size).read_to_end(&mut data);
        if let Err(error) = read {
            return Err(changed(Code::Unreadable, format!("cannot be read: {error}")));
        }
        probe(attempt);
        let after = fstat(file.as_fd()).map_err(unreadable)?;
        let named = statat(&self.fd, name, AtFlags::SYMLINK_NOFOLLOW).map_err(unreadable)?;
        let stable =
            Fingerprint::of(&after) == print && Fingerprint::of(&named) == print && data.len() == size;
        Ok(stable.then_some(Loaded { data, print }))
    }
}

/// The bytes of a file in one state.
#[derive(Debug)]
pub struct Loaded {
    /// All bytes.
    pub data: Vec<u8>,
    /// The state they were read in.
    pub print: Fingerprint,
}

/// SHA-256 in hex.
#[must_use]
pub fn sha256(data: &[u8]) -> String {
    hex(&Sha256::digest(data))
}

/// A file name as text: itself when it is UTF-8, else with each other byte as `\xNN`.
#[must_use]
pub fn name_text(name: &OsStr) -> String {
    if let Some(text) = name.to_str() {
        return text.to_owned();
    }
    let mut out = String::new();
    for chunk in name.as_bytes().utf8_chunks() {
        out.push_str(chunk.valid());
        for byte in chunk.invalid() {
            out.push_str("\\x");
            out.push_str(&hex(&[*byte]));
        }
    }
    out
}
