//! Writing results: a file without its name yet, synced, read back, and only then named. Where the file system can, an
//! unfinished file has no name at all, so that a killed run leaves nothing; elsewhere it lies in a folder of its own.

use std::collections::HashSet;
use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::Write as _;
use std::os::fd::{AsFd, AsRawFd as _, OwnedFd};
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};

use rustix::fs::{
    AtFlags, CWD, FileType, FlockOperation, Mode, OFlags, RenameFlags, flock, fstat, fsync, linkat, mkdirat,
    open, openat, renameat_with, statat, unlinkat,
};
use rustix::io::Errno;
use sha2::{Digest as _, Sha256};

use crate::engine::error::Error;

type Result<T, E = Error> = std::result::Result<T, E>;

/// The folder for results.
pub const RESULTS: &str = "migrated";
/// The folder for files that are not finished; emptied at the start of each run.
const PARTIAL: &str = ".partial";
/// Held by the one run that may write here.
const LOCK: &str = ".checkpoints.lock";
/// The log of all runs.
pub const LOG: &str = "checkpoint_migration.log";
/// The last run's account of each file.
pub const LEDGER: &str = "checkpoint_ledger.jsonl";

/// The target folder, held open and locked.
#[derive(Debug)]
pub struct Target {
    path: PathBuf,
    root: OwnedFd,
    results: OwnedFd,
    partial: OwnedFd,
    naming: Naming,
    _lock: OwnedFd,
}

/// How an unfinished file comes to its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Naming {
    /// It has none until it is linked by its descriptor.
    Descriptor,
    /// The same through `/proc`, for kernels that link no bare descriptor.
    Proc,
    /// It lies in the folder of unfinished files and is renamed.
    Rename,
}

/// Names an open file that has none. Fails when something of that name stands there.
fn link(naming: Naming, file: &impl AsFd, folder: &OwnedFd, name: &OsStr) -> Result<(), Errno> {
    if naming == Naming::Descriptor {
        return linkat(file, "", folder, name, AtFlags::EMPTY_PATH);
    }
    let path = format!("/proc/self/fd/{}", file.as_fd().as_raw_fd());
    linkat(CWD, path, folder, name, AtFlags::SYMLINK_FOLLOW)
}

/// An open file without a name, on the file system of `folder`.
fn unnamed(folder: &OwnedFd) -> Result<OwnedFd, Errno> {
    let flags = OFlags::RDWR | OFlags::TMPFILE | OFlags::CLOEXEC;
    openat(folder, ".", flags, Mode::from_raw_mode(0o644))
}

/// The first way that this file system and kernel have.
fn naming(partial: &OwnedFd) -> Naming {
    let Ok(trial) = unnamed(partial) else {
        return Naming::Rename;
    };
    for way in [Naming::Descriptor, Naming::Proc] {
        let name = OsStr::new("trial.partial");
        if link(way, &trial, partial, name).is_ok() {
            // What cannot be removed now is swept by the next run.
            let _ = unlinkat(partial, name, AtFlags::empty());
            return way;
        }
    }
    Naming::Rename
}

fn io(act: &str, path: &Path, errno: Errno) -> Error {
    Error::io(act, path, &std::io::Error::from(errno))
}

const FOLDER: OFlags = OFlags::RDONLY
    .union(OFlags::DIRECTORY)
    .union(OFlags::CLOEXEC)
    .union(OFlags::NOFOLLOW);

/// The names that stand among the results under `target`, without creating anything. What cannot be listed has none:
/// converting says why.
#[must_use]
pub fn standing(target: &Path) -> HashSet<OsString> {
    std::fs::read_dir(target.join(RESULTS))
        .map(|entries| entries.flatten().map(|entry| entry.file_name()).collect())
        .unwrap_or_default()
}

fn subfolder(root: &OwnedFd, path: &Path, name: &str, mode: u32) -> Result<OwnedFd> {
    match mkdirat(root, name, Mode::from_raw_mode(mode)) {
        Ok(()) | Err(Errno::EXIST) => {}
        Err(errno) => return Err(io("create", &path.join(name), errno)),
    }
    openat(root, name, FOLDER, Mode::empty()).map_err(|errno| match errno {
        Errno::LOOP | Errno::NOTDIR => Error::input(format!("{} is no folder", path.join(name).display()))
            .hint("Move what stands there away; links are not followed."),
        errno => io("open", &path.join(name), errno),
    })
}

impl Target {
    /// Creates the folders, takes the lock and removes what an interrupted run left unfinished.
    ///
    /// # Errors
    /// Blocked while another run holds the lock, unavailable when the folder cannot be written.
    pub fn open(path: &Path) -> Result<Self> {
        std::fs::create_dir_all(path).map_err(|error| Error::io("create", path, &error))?;
        let root = open(
            path,
            OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC,
            Mode::empty(),
        )
        .map_err(|errno| io("open", path, errno))?;
        let lock = openat(
            &root,
            LOCK,
            OFlags::RDWR | OFlags::CREATE | OFlags::CLOEXEC | OFlags::NOFOLLOW,
            Mode::from_raw_mode(0o644),
        )
        .map_err(|errno| io("open", &path.join(LOCK), errno))?;
        flock(&lock, FlockOperation::NonBlockingLockExclusive).map_err(|errno| match errno {
            Errno::WOULDBLOCK => Error::blocked(format!("another run writes to {}", path.display()))
                .hint("Wait until it ends."),
            errno => io("lock", &path.join(LOCK), errno),
        })?;
        let results = subfolder(&root, path, RESULTS, 0o755)?;
        let partial = subfolder(&root, path, PARTIAL, 0o700)?;
        let mut target = Self {
            path: path.to_owned(),
            root,
            results,
            partial,
            naming: Naming::Rename,
            _lock: lock,
        };
        target.sweep()?;
        target.naming = naming(&target.partial);
        Ok(target)
    }

    /// Removes unfinished files; the lock says that nobody else is writing them.
    fn sweep(&self) -> Result<()> {
        let folder = self.path.join(PARTIAL);
        let dir = rustix::fs::Dir::read_from(&self.partial).map_err(|errno| io("list", &folder, errno))?;
        for entry in dir {
            let entry = entry.map_err(|errno| io("list", &folder, errno))?;
            let name = entry.file_name();
            if name.to_bytes() != b"." && name.to_bytes() != b".." {
                unlinkat(&self.partial, name, AtFlags::empty())
                    .map_err(|errno| io("remove", &folder, errno))?;
            }
        }
        Ok(())
    }

    /// Where the results lie.
    #[must_use]
    pub fn results_path(&self) -> PathBuf {
        self.path.join(RESULTS)
    }

    /// A new unfinished file; `number` is its own in this run. One that will replace something is `named` from the start,
    /// because only a rename replaces.
    ///
    /// # Errors
    /// The I/O error, for example a full disk.
    pub fn begin(&self, number: usize, named: bool) -> std::io::Result<Unfinished> {
        if self.naming != Naming::Rename && !named {
            return Ok(Unfinished {
                file: File::from(unnamed(&self.results)?),
                name: None,
            });
        }
        let name = OsString::from(format!("{number}.partial"));
        let fd = openat(
            &self.partial,
            &name,
            OFlags::RDWR | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC | OFlags::NOFOLLOW,
            Mode::from_raw_mode(0o644),
        )?;
        Ok(Unfinished {
            file: File::from(fd),
            name: Some(name),
        })
    }

    /// Removes an unfinished file; what is left is swept by the next run.
    pub fn abandon(&self, unfinished: &Unfinished) {
        if let Some(name) = &unfinished.name {
            let _ = unlinkat(&self.partial, name, AtFlags::empty());
        }
    }

    /// Gives a synced file its name. Without `replace`, nothing that stands there is touched.
    ///
    /// # Errors
    /// The I/O error; `AlreadyExists` when something stands there.
    pub fn publish(&self, unfinished: &Unfinished, name: &OsStr, replace: bool) -> std::io::Result<()> {
        let Some(partial) = &unfinished.name else {
            return Ok(link(self.naming, &unfinished.file, &self.results, name)?);
        };
        if replace {
            let stat = statat(&self.results, name, AtFlags::SYMLINK_NOFOLLOW);
            if stat.is_ok_and(|stat| FileType::from_raw_mode(stat.st_mode) != FileType::RegularFile) {
                return Err(std::io::ErrorKind::AlreadyExists.into());
            }
            rustix::fs::renameat(&self.partial, partial, &self.results, name)?;
            return Ok(());
        }
        match renameat_with(
            &self.partial,
            partial,
            &self.results,
            name,
            RenameFlags::NOREPLACE,
        ) {
            Ok(()) => Ok(()),
            // Some file systems cannot rename without replacing: a second name that must not exist does the same.
            Err(Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP) => {
                linkat(&self.partial, partial, &self.results, name, AtFlags::empty())?;
                unlinkat(&self.partial, partial, AtFlags::empty())?;
                Ok(())
            }
            Err(errno) => Err(errno.into()),
        }
    }

    /// The folder of results, for syncing its file system.
    #[must_use]
    pub const fn results(&self) -> &OwnedFd {
        &self.results
    }

    /// Bytes that an ordinary user can still write here, when the file system says.
    #[must_use]
    pub fn free(&self) -> Option<u64> {
        let stat = rustix::fs::fstatvfs(&self.results).ok()?;
        Some(stat.f_bavail.saturating_mul(stat.f_frsize))
    }

    /// Makes the names given so far survive a power cut.
    ///
    /// # Errors
    /// The I/O error.
    pub fn sync_results(&self) -> std::io::Result<()> {
        Ok(fsync(&self.results)?)
    }

    /// Opens a result for reading; `None` when nothing stands there.
    ///
    /// # Errors
    /// The I/O error; `AlreadyExists` when it is no plain file.
    pub fn existing(&self, name: &OsStr) -> std::io::Result<Option<File>> {
        let stat = match statat(&self.results, name, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(stat) => stat,
            Err(Errno::NOENT) => return Ok(None),
            Err(errno) => return Err(errno.into()),
        };
        if FileType::from_raw_mode(stat.st_mode) != FileType::RegularFile {
            return Err(std::io::ErrorKind::AlreadyExists.into());
        }
        let fd = openat(
            &self.results,
            name,
            OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NOFOLLOW | OFlags::NONBLOCK,
            Mode::empty(),
        )?;
        Ok(Some(File::from(fd)))
    }

    /// Writes a small file beside the results, whole or not at all.
    ///
    /// # Errors
    /// Unavailable with the reason.
    pub fn write_sidecar(&self, name: &str, content: &[u8]) -> Result<()> {
        let path = self.path.join(name);
        let failed = |error: std::io::Error| Error::io("write", &path, &error);
        let temp = format!("{name}.partial");
        let fd = openat(
            &self.partial,
            temp.as_str(),
            OFlags::WRONLY | OFlags::CREATE | OFlags::TRUNC | OFlags::CLOEXEC | OFlags::NOFOLLOW,
            Mode::from_raw_mode(0o644),
        )
        .map_err(|errno| failed(errno.into()))?;
        let mut file = File::from(fd);
        file.write_all(content).map_err(failed)?;
        file.sync_all().map_err(failed)?;
        rustix::fs::renameat(&self.partial, temp.as_str(), &self.root, name)
            .map_err(|errno| failed(errno.into()))?;
        fsync(&self.root).map_err(|errno| failed(errno.into()))
    }

    /// Adds lines to the log, and waits until they and all before them last.
    ///
    /// # Errors
    /// Unavailable with the reason.
    pub fn log(&self, lines: &str) -> Result<()> {
        self.add_to_log(lines, true)
    }

    /// Adds lines to the log, to last with the next that do: after a power cut the results themselves tell what was done.
    ///
    /// # Errors
    /// Unavailable with the reason.
    pub fn log_soon(&self, lines: &str) -> Result<()> {
        self.add_to_log(lines, false)
    }

    fn add_to_log(&self, lines: &str, lasting: bool) -> Result<()> {
        let path = self.path.join(LOG);
        let failed = |error: std::io::Error| Error::io("write", &path, &error);
        let fd = openat(
            &self.root,
            LOG,
            OFlags::WRONLY | OFlags::CREATE | OFlags::APPEND | OFlags::CLOEXEC | OFlags::NOFOLLOW,
            Mode::from_raw_mode(0o644),
        )
        .map_err(|errno| failed(errno.into()))?;
        let mut file = File::from(fd);
        file.write_all(lines.as_bytes()).map_err(failed)?;
        if lasting {
            file.sync_all().map_err(failed)
        } else {
            Ok(())
        }
    }
}

/// A file that is being written.
#[derive(Debug)]
pub struct Unfinished {
    /// The open file.
    pub file: File,
    /// Its name in the folder of unfinished files, when it has one.
    name: Option<OsString>,
}

impl Unfinished {
    /// SHA-256 of what the file holds now, read back.
    ///
    /// # Errors
    /// The I/O error.
    pub fn read_back(&self) -> std::io::Result<[u8; 32]> {
        let mut hasher = Sha256::new();
        let size = usize::try_from(fstat(&self.file)?.st_size).unwrap_or(usize::MAX);
        // One byte more than there should be, so that the first reading also finds the end.
        let mut piece = vec![0_u8; size.saturating_add(1).min(256 << 10)];
        let mut at = 0;
        loop {
            match self.file.read_at(&mut piece, at) {
                Ok(n) => {
                    hasher.update(&piece[..n]);
                    at += n as u64;
                    if n == 0 || (at == size as u64 && n < piece.len()) {
                        return Ok(hasher.finalize().into());
                    }
                }
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// Whether the file holds `text` and nothing else, read back.
    ///
    /// # Errors
    /// The I/O error.
    pub fn reads_back(&self, text: &[u8]) -> std::io::Result<bool> {
        // One byte more than there should be, so that one reading also finds the end.
        let mut back = Vec::with_capacity(text.len() + 1);
        loop {
            let at = back.len() as u64;
            match rustix::io::pread(&self.file, rustix::buffer::spare_capacity(&mut back), at) {
                Ok(0) => return Ok(back == text),
                // Less was read than asked for, so this is the end.
                Ok(_) if back.len() == text.len() => return Ok(back == text),
                Ok(_) if back.len() > text.len() => return Ok(false),
                Ok(_) | Err(Errno::INTR) => {}
                Err(errno) => return Err(errno.into()),
            }
        }
    }

    /// Makes its content survive a power cut.
    ///
    /// # Errors
    /// The I/O error.
    pub fn sync(&self) -> std::io::Result<()> {
        self.file.sync_data()
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    fn write(target: &Target, number: usize, named: bool, text: &str) -> Unfinished {
        let mut unfinished = target.begin(number, named).expect("begun");
        unfinished.file.write_all(text.as_bytes()).expect("written");
        assert_eq!(
            unfinished.read_back().expect("read"),
            <[u8; 32]>::from(Sha256::digest(text))
        );
        for (other, equal) in [
            (text, true),
            (&text[1..], false),
            ("longer than it", false),
            ("", false),
        ] {
            assert_eq!(unfinished.reads_back(other.as_bytes()).expect("read"), equal);
        }
        unfinished
    }

    /// Every way to a name keeps what stands there, and leaves nothing behind.
    #[test]
    fn no_way_to_a_name_replaces_unasked() {
        for way in [Naming::Descriptor, Naming::Proc, Naming::Rename] {
            let folder = tempfile::tempdir().expect("a folder");
            let mut target = Target::open(folder.path()).expect("opened");
            if way != Naming::Rename && unnamed(&target.partial).is_err() {
                continue;
            }
            // A kernel that cannot link a bare descriptor says so when the target is opened.
            if way == Naming::Descriptor && target.naming != way {
                continue;
            }
            target.naming = way;
            let name = OsStr::new("a");
            let path = target.results_path().join(name);
            let read = || std::fs::read_to_string(&path).expect("a result");
            let first = write(&target, 0, false, "first");
            assert!(!path.exists(), "{way:?}");
            target.publish(&first, name, false).expect("named");
            assert_eq!(read(), "first", "{way:?}");
            let second = write(&target, 1, false, "second");
            let error = target.publish(&second, name, false).expect_err("in the way");
            assert_eq!(error.kind(), std::io::ErrorKind::AlreadyExists, "{way:?}");
            target.abandon(&second);
            assert_eq!(read(), "first", "{way:?}");
            let third = write(&target, 2, true, "third");
            target.publish(&third, name, true).expect("replaced");
            assert_eq!(read(), "third", "{way:?}");
            let left = std::fs::read_dir(folder.path().join(PARTIAL))
                .expect("a folder")
                .count();
            assert_eq!(left, 0, "{way:?}");
        }
    }
}
