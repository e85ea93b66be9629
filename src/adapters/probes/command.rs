//! Runs a program that only tells something: by its arguments, without a shell, without input, with bounded output. When
//! the future is dropped, the program and everything it started are ended.

use std::path::Path;
use std::process::Stdio;

use rustix::process::{Pid, Signal, kill_process_group};
use tokio::io::{AsyncRead, AsyncReadExt as _};
use tokio::process::Command;

/// The most bytes read of each stream.
const OUTPUT: u64 = 64 * 1024;

/// What a program said.
pub(super) struct Told {
    /// Whether it ended with exit code 0.
    pub(super) ok: bool,
    /// Its standard output, then its standard error.
    pub(super) text: String,
}

/// Ends a process group unless told that it has ended by itself.
struct Group(Option<Pid>);

impl Drop for Group {
    fn drop(&mut self) {
        if let Some(group) = self.0 {
            // It may be gone already; there is nothing to do about an error here.
            let _ = kill_process_group(group, Signal::KILL);
        }
    }
}

/// Runs `program` with `arguments`. The caller sets the time limit by dropping the future.
///
/// # Errors
/// Why it cannot be run, as a fragment.
pub(super) async fn tell(program: &Path, arguments: &[&str]) -> Result<Told, String> {
    let mut child = Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        // A probe leaves nothing behind, compiled Python files included.
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .process_group(0)
        .kill_on_drop(true)
        .spawn()
        .map_err(|error| format!("{} does not start: {error}", program.display()))?;
    let mut group = Group(
        child
            .id()
            .and_then(|id| i32::try_from(id).ok())
            .and_then(Pid::from_raw),
    );
    let (out, err) = tokio::join!(bounded(child.stdout.take()), bounded(child.stderr.take()));
    let status = child
        .wait()
        .await
        .map_err(|error| format!("{}: {error}", program.display()))?;
    // Both streams are at their end and the program is gone: its number may belong to another one soon.
    group.0 = None;
    Ok(Told {
        ok: status.success(),
        text: format!("{out}{err}"),
    })
}

async fn bounded(stream: Option<impl AsyncRead + Unpin>) -> String {
    let Some(stream) = stream else {
        return String::new();
    };
    let mut bytes = Vec::new();
    // What was read before an error still counts.
    let _ = stream.take(OUTPUT).read_to_end(&mut bytes).await;
    String::from_utf8_lossy(&bytes).into_owned()
}

/// The first dotted number with at least two parts in a text: `Python 3.11.9` gives `3.11.9`.
pub(super) fn version_in(text: &str) -> Option<String> {
    text.split(|c: char| !c.is_ascii_digit() && c != '.')
        .map(|word| word.trim_matches('.'))
        .find(|word| word.contains('.') && word.split('.').all(|part| !part.is_empty() && part.len() < 10))
        .map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn versions_are_found_in_prose() {
        assert_eq!(version_in("Python 3.11.9\n").as_deref(), Some("3.11.9"));
        assert_eq!(
            version_in("maos, version v0.9.4 (build 7)").as_deref(),
            Some("0.9.4")
        );
        assert_eq!(version_in("no number. at all 7"), None);
    }

    #[tokio::test]
    async fn a_program_that_hangs_is_ended_with_all_it_started() {
        let folder = tempfile::tempdir().expect("a folder");
        let script = folder.path().join("hangs");
        let pids = folder.path().join("pids");
        std::fs::write(
            &script,
            format!("#!/bin/sh\nsleep 600 &\necho $$ $! > {}\nwait\n", pids.display()),
        )
        .expect("writes");
        std::fs::set_permissions(&script, std::os::unix::fs::PermissionsExt::from_mode(0o755)).expect("sets");
        let running = tokio::spawn(async move { tell(&script, &[]).await.map(|told| told.ok) });
        let mut seen = String::new();
        while seen.split_whitespace().count() < 2 {
            tokio::time::sleep(Duration::from_millis(5)).await;
            seen = std::fs::read_to_string(&pids).unwrap_or_default();
        }
        running.abort();
        assert!(running.await.is_err());
        // Ended means gone, or a zombie that nobody has collected yet.
        let alive = |pid: &str| {
            std::fs::read_to_string(format!("/proc/{pid}/stat")).is_ok_and(|stat| {
                !stat
                    .rsplit(')')
                    .next()
                    .unwrap_or_default()
                    .trim_start()
                    .starts_with('Z')
            })
        };
        for pid in seen.split_whitespace() {
            let deadline = std::time::Instant::now() + Duration::from_mins(1);
            while alive(pid) {
                assert!(std::time::Instant::now() < deadline, "{pid} is still running");
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        }
    }
}
