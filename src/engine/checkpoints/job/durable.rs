//! Making a wave of written files survive a power cut, before any of them gets its name.
//!
//! The promise is: whatever has its name is whole on the disk. It rests on the order data, name, folder, and there are
//! two ways to the first:
//!
//! - **each by itself**: `fdatasync` of every file, from several threads, so that their waits fall together;
//! - **all at once**: one `syncfs`. It returns after the data and the metadata of every file of the file system that was
//!   dirty when it was called have been written, ours among them, since all were written before. What the disk still
//!   holds in its cache then goes to the disk before the name does: a journal sends the cache its barrier before the
//!   record that makes a later change of metadata, such as the name, valid. A failed write is kept by the kernel (since
//!   5.8) until it has been told to whoever had the file system open before it: the folder of results is opened before
//!   the first file is written, so no failure is missed. A failure that is told may be another program's: then every file
//!   of the wave is asked by itself, and answers for itself.
//!
//! The folder is synced once, after the last wave: names of earlier waves have mostly gone with the `syncfs` of the next.
//!
//! The second way is taken only where it means that: local file systems known by their number, on a kernel that reports
//! failures. It writes what others have left to write too, so it is not taken while that is much.

use std::io::Error;
use std::os::fd::AsFd;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use super::target::{Target, Unfinished};

/// From this many files on, one call for all of them is worth its barrier.
const MANY: usize = 8;
/// Unwritten bytes of others that one call may be made to write.
const OTHERS: u64 = 32 << 20;
/// Threads that sync files by themselves: their waits fall together.
const SYNCERS: usize = 16;

/// File systems whose `syncfs` writes everything and tells failures: ext2 to ext4, XFS, Btrfs, F2FS and tmpfs.
/// (ext2 has no journal: after a power cut it promises nothing, whatever was synced before.)
const KNOWN: &[u32] = &[0xEF53, 0x5846_5342, 0x9123_683E, 0xF2F5_2010, 0x0102_1994];

/// How the files of one target are made durable.
#[derive(Debug, Clone, Copy)]
pub(super) struct Durable {
    together: bool,
}

impl Durable {
    /// What the file system under `target` and the running kernel allow.
    pub(super) fn of(target: &Target) -> Self {
        Self {
            together: known(target.results()) && tells_failures(&release()),
        }
    }

    /// Syncs `files`, which hold `bytes` together. What could not be written is returned by its place in `files`.
    pub(super) fn sync(self, target: &Target, files: &[&Unfinished], bytes: u64) -> Vec<(usize, Error)> {
        if self.together
            && files.len() >= MANY
            && unwritten().is_some_and(|all| all <= bytes + OTHERS)
            && rustix::fs::syncfs(target.results()).is_ok()
        {
            return Vec::new();
        }
        each(files)
    }
}

fn each(files: &[&Unfinished]) -> Vec<(usize, Error)> {
    let next = AtomicUsize::new(0);
    let errors = Mutex::new(Vec::new());
    let work = || {
        loop {
            let at = next.fetch_add(1, Ordering::Relaxed);
            let Some(one) = files.get(at) else { return };
            if let Err(error) = one.sync() {
                errors
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .push((at, error));
            }
        }
    };
    std::thread::scope(|scope| {
        for _ in 1..SYNCERS.min(files.len()) {
            scope.spawn(work);
        }
        work();
    });
    errors.into_inner().unwrap_or_else(PoisonError::into_inner)
}

fn known(folder: &impl AsFd) -> bool {
    rustix::fs::fstatfs(folder).is_ok_and(|stat| {
        // The numbers have 32 bits; the field is wider on some machines.
        u32::try_from(stat.f_type & 0xFFFF_FFFF).is_ok_and(|kind| KNOWN.contains(&kind))
    })
}

fn release() -> String {
    rustix::system::uname().release().to_string_lossy().into_owned()
}

/// Whether `syncfs` of this kernel release tells of failed writes, which it does since 5.8.
fn tells_failures(release: &str) -> bool {
    let mut parts = release
        .split(|c: char| !c.is_ascii_digit())
        .map(|part| part.parse::<u32>().unwrap_or(0));
    (parts.next().unwrap_or(0), parts.next().unwrap_or(0)) >= (5, 8)
}

/// Bytes that the whole machine has still to write; `None` when the kernel does not say.
fn unwritten() -> Option<u64> {
    dirty(&std::fs::read_to_string("/proc/meminfo").ok()?)
}

fn dirty(meminfo: &str) -> Option<u64> {
    let field = |name: &str| {
        let line = meminfo.lines().find_map(|line| line.strip_prefix(name))?;
        let kilobytes: u64 = line.trim().strip_suffix(" kB")?.trim().parse().ok()?;
        Some(kilobytes << 10)
    };
    Some(field("Dirty:")? + field("Writeback:")?)
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    #[test]
    fn kernels_tell_failures_since_5_8() {
        for (release, want) in [
            ("5.8.0", true),
            ("5.10-generic", true),
            ("6.18.44-x", true),
            ("5.7.19", false),
            ("4.19.0", false),
            ("", false),
        ] {
            assert_eq!(tells_failures(release), want, "{release}");
        }
    }

    #[test]
    fn the_kernels_account_of_unwritten_bytes_is_read() {
        let text = "MemTotal:       24 kB\nDirty:              1024 kB\nWriteback:             2 kB\nWritebackTmp: 9 kB\n";
        assert_eq!(dirty(text), Some((1024 + 2) << 10));
        assert_eq!(dirty("MemTotal: 24 kB\n"), None);
    }

    #[test]
    fn both_ways_take_a_wave() {
        let folder = tempfile::tempdir().expect("a folder");
        let target = Target::open(folder.path()).expect("opened");
        let files: Vec<_> = (0..MANY * 3)
            .map(|number| {
                let mut one = target.begin(number, false).expect("begun");
                one.file.write_all(b"text").expect("written");
                one
            })
            .collect();
        let files: Vec<_> = files.iter().collect();
        for together in [true, false] {
            assert!(Durable { together }.sync(&target, &files, 4).is_empty());
            assert!(Durable { together }.sync(&target, &[], 0).is_empty());
        }
    }
}
