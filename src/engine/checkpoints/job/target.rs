//! Writing results: a temporary file in a folder of its own, synced, read back, and only then given its name.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::Write as _;
use std::os::fd::OwnedFd;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};

use rustix::fs::{
    AtFlags, FileType, FlockOperation, Mode, OFlags, RenameFlags, flock, fsync, mkdirat, open, openat,
    renameat_with, statat, unlinkat,
};
use rustix::io::Errno;
use sha2::{Digest as _, Sha256};

use crate::engine::error::{Error, Result};

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
    _lock: OwnedFd,
}

fn io(act: &str, path: &Path, errno: Errno) -> Error {
    Error::io(act, path, &std::io::Error::from(errno))
}

const FOLDER: OFlags = OFlags::RDONLY
    .union(OFlags::DIRECTORY)
    .union(OFlags::CLOEXEC)
    .union(OFlags::NOFOLLOW);

/// What stands in the place of a result.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// Nothing.
    Free,
    /// A plain file of this size.
    File(u64),
    /// A link, folder or special file.
    Other,
}

/// What stands at `migrated/name` under `target`, without creating anything.
#[must_use]
pub fn standing(target: &Path, name: &OsStr) -> Standing {
    let path = target.join(RESULTS).join(name);
    match std::fs::symlink_metadata(path) {
        Ok(meta) if meta.file_type().is_file() => Standing::File(meta.len()),
        Ok(_) => Standing::Other,
        Err(_) => Standing::Free,
    }
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
        let target = Self {
            path: path.to_owned(),
            root,
            results,
            partial,
            _lock: lock,
        };
        target.sweep()?;
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

    /// A new unfinished file.
    ///
    /// # Errors
    /// The I/O error, for example a full disk.
    pub fn begin(&self, number: usize) -> std::io::Result<Unfinished> {
        let name = OsString::from(format!("{number}.partial"));
        let fd = openat(
            &self.partial,
            &name,
            OFlags::RDWR | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC | OFlags::NOFOLLOW,
            Mode::from_raw_mode(0o644),
        )?;
        Ok(Unfinished {
            file: File::from(fd),
            name,
        })
    }

    /// Removes an unfinished file; what is left is swept by the next run.
    pub fn abandon(&self, unfinished: &Unfinished) {
        let _ = unlinkat(&self.partial, &unfinished.name, AtFlags::empty());
    }

    /// Gives a synced file its name. Without `replace`, nothing that stands there is touched.
    ///
    /// # Errors
    /// The I/O error; `AlreadyExists` when something stands there.
    pub fn publish(&self, unfinished: &Unfinished, name: &OsStr, replace: bool) -> std::io::Result<()> {
        if replace {
            let stat = statat(&self.results, name, AtFlags::SYMLINK_NOFOLLOW);
            if stat.is_ok_and(|stat| FileType::from_raw_mode(stat.st_mode) != FileType::RegularFile) {
                return Err(std::io::ErrorKind::AlreadyExists.into());
            }
            rustix::fs::renameat(&self.partial, &unfinished.name, &self.results, name)?;
            return Ok(());
        }
        let renamed = renameat_with(
            &self.partial,
            &unfinished.name,
            &self.results,
            name,
            RenameFlags::NOREPLACE,
        );
        match renamed {
            Ok(()) => Ok(()),
            // Some file systems cannot rename without replacing: a second name that must not exist does the same.
            Err(Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP) => {
                rustix::fs::linkat(
                    &self.partial,
                    &unfinished.name,
                    &self.results,
                    name,
                    AtFlags::empty(),
                )?;
                unlinkat(&self.partial, &unfinished.name, AtFlags::empty())?;
                Ok(())
            }
            Err(errno) => Err(errno.into()),
        }
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

    /// Adds lines to the log.
    ///
    /// # Errors
    /// Unavailable with the reason.
    pub fn log(&self, lines: &str) -> Result<()> {
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
        file.sync_all().map_err(failed)
    }
}

/// A file that is being written.
#[derive(Debug)]
pub struct Unfinished {
    /// The open file.
    pub file: File,
    name: OsString,
}

impl Unfinished {
    /// SHA-256 of what the file holds now, read back.
    ///
    /// # Errors
    /// The I/O error.
    pub fn read_back(&self) -> std::io::Result<[u8; 32]> {
        let mut hasher = Sha256::new();
        let size = usize::try_from(self.file.metadata()?.len()).unwrap_or(usize::MAX);
        let mut piece = vec![0_u8; size.clamp(1, 256 << 10)];
        let mut at = 0;
        loop {
            match self.file.read_at(&mut piece, at) {
                Ok(0) => return Ok(hasher.finalize().into()),
                Ok(n) => {
                    hasher.update(&piece[..n]);
                    at += n as u64;
                }
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
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
