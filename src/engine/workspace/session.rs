//! One operating session per workspace. The lock is the operating system's, so a dead holder never blocks anyone.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{ErrorKind, Read as _, Seek as _, Write as _};
use std::path::Path;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::Workspace;
use crate::engine::error::{Error, Result};

/// Who holds a workspace.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holder {
    /// The person's name.
    pub operator: String,
    /// The machine.
    pub host: String,
    /// The process.
    pub pid: u32,
    /// Since when, in UTC.
    pub since: Timestamp,
}

impl Holder {
    /// The sentence for everyone else.
    #[must_use]
    pub fn sentence(&self) -> String {
        let since = self
            .since
            .to_zoned(jiff::tz::TimeZone::system())
            .strftime("%H:%M")
            .to_string();
        format!(
            "Open read-only: {} operates this workspace from host {} since {since}.",
            self.operator, self.host
        )
    }
}

/// The right to operate a workspace; gone when dropped or when the process dies.
#[derive(Debug)]
pub struct Session {
    /// Who we are.
    pub holder: Holder,
    _lock: File,
}

/// The outcome of asking for the workspace.
#[derive(Debug)]
pub enum Opened {
    /// We operate.
    Operating(Session),
    /// Somebody else does; we may watch.
    Held(Holder),
}

/// Asks for the workspace. The folder must exist.
///
/// # Errors
/// When the lock file cannot be made or locked at all, for example on a read-only disk.
pub fn open(workspace: &Workspace, me: Holder) -> Result<Opened> {
    let path = workspace.path(".session.lock");
    let fail = |error: &std::io::Error| failed(&path, error);
    let mut file = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .open(&path)
        .map_err(|error| fail(&error))?;
    match file.try_lock() {
        Ok(()) => {
            let text = serde_json::to_string(&me).map_err(|error| Error::bug(error.to_string()))?;
            file.set_len(0)
                .and_then(|()| file.rewind())
                .map_err(|error| fail(&error))?;
            file.write_all(text.as_bytes())
                .and_then(|()| file.sync_all())
                .map_err(|error| fail(&error))?;
            Ok(Opened::Operating(Session {
                holder: me,
                _lock: file,
            }))
        }
        Err(TryLockError::WouldBlock) => {
            let mut text = String::new();
            // The holder may be between locking and writing its name; then it is known only as somebody.
            let read = file.read_to_string(&mut text).is_ok();
            let holder = read
                .then(|| serde_json::from_str(&text).ok())
                .flatten()
                .unwrap_or(Holder {
                    operator: "somebody".to_owned(),
                    host: "this machine".to_owned(),
                    pid: 0,
                    since: me.since,
                });
            Ok(Opened::Held(holder))
        }
        Err(TryLockError::Error(error)) => Err(fail(&error)),
    }
}

/// Why there is no session. Somebody who may only read is told how to: every session writes into the journal.
fn failed(lock: &Path, error: &std::io::Error) -> Error {
    let told = Error::io("lock", lock, error);
    match error.kind() {
        ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => {
            told.hint("Work as the user who owns this workspace, or copy the folder and look at the copy.")
        }
        _ => told,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_may_only_read_is_told_how_to() {
        for (kind, told) in [
            (ErrorKind::PermissionDenied, true),
            (ErrorKind::ReadOnlyFilesystem, true),
            (ErrorKind::StorageFull, false),
        ] {
            let error = failed(Path::new("acme/.session.lock"), &kind.into());
            assert!(error.message.contains("acme/.session.lock"), "{error:?}");
            let hint = error.hint.unwrap_or_default();
            assert_eq!(hint.contains("copy the folder"), told, "{kind}: {hint}");
        }
    }

    fn me(name: &str) -> Holder {
        Holder {
            operator: name.to_owned(),
            host: "ops-1".to_owned(),
            pid: 1,
            since: Timestamp::UNIX_EPOCH,
        }
    }

    #[test]
    fn the_second_is_told_who_holds_it_and_a_gone_holder_never_blocks() {
        let folder = tempfile::tempdir().unwrap();
        let workspace = Workspace::at(folder.path()).unwrap();
        let Opened::Operating(session) = open(&workspace, me("alice")).unwrap() else {
            panic!("first must operate")
        };
        let Opened::Held(holder) = open(&workspace, me("bob")).unwrap() else {
            panic!("second must watch")
        };
        assert_eq!(holder.operator, "alice");
        assert!(
            holder
                .sentence()
                .contains("alice operates this workspace from host ops-1")
        );
        drop(session);
        assert!(matches!(
            open(&workspace, me("bob")).unwrap(),
            Opened::Operating(_)
        ));
    }
}
