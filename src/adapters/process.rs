//! Runs programs: by their arguments, in a process group of their own, with a time limit and bounded output. When a call ends
//! for any reason, a dropped future included, nothing that it started in its group is left.

pub(super) mod table;
mod usage;

use std::fs::OpenOptions;
use std::io::ErrorKind;
use std::os::unix::fs::OpenOptionsExt as _;
use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::{Arc, Mutex, OnceLock};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process, kill_process_group, test_kill_process_group};
use secrecy::ExposeSecret as _;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWriteExt as _};
use tokio::process::{Child, Command};

use crate::engine::error::{Error, Result};
use crate::engine::operation::Control;
use crate::engine::ports::BoxFuture;
use crate::engine::ports::process::{Below, Call, Detached, Ended, Output, Processes, Stdin};
use crate::engine::workspace::files;

/// Between the polite and the hard end of a group.
const GRACE: Duration = Duration::from_secs(2);
/// A stream that something left open is read this long after the program's own end.
const LEFT_OPEN: Duration = Duration::from_millis(300);
/// How often a group that was asked to end is looked at.
const LOOK: Duration = Duration::from_millis(20);
/// The longest pause between two looks at a group that takes its time.
const SELDOM: Duration = Duration::from_millis(200);

/// Programs of this machine.
#[derive(Debug, Default)]
pub struct MachineProcesses;

impl Processes for MachineProcesses {
    fn run<'a>(&'a self, call: Call, control: Option<&'a Control>) -> BoxFuture<'a, Result<Output>> {
        Box::pin(run(call, control))
    }

    fn detach<'a>(&'a self, call: Call, log: &'a Path) -> BoxFuture<'a, Result<Detached>> {
        Box::pin(async move { detach(&call, log) })
    }

    fn alive(&self, detached: &Detached) -> bool {
        table::started(detached.pid).is_some_and(|ticks| detached.started == 0 || ticks == detached.started)
    }

    fn below(&self) -> Option<Below> {
        usage::below()
    }

    fn running_from(&self, folder: &Path) -> Vec<Detached> {
        table::running_from(folder)
    }

    fn end<'a>(&'a self, detached: &'a Detached, grace: Duration) -> BoxFuture<'a, bool> {
        Box::pin(async move {
            let Some(group) = pid(detached.pid) else {
                return false;
            };
            let left = || table::group(detached);
            if !left() {
                return true;
            }
            signal(group, Signal::TERM);
            if gone_within(grace, left).await {
                return true;
            }
            signal(group, Signal::KILL);
            gone_within(GRACE, left).await
        })
    }
}

/// Signals a group; one that was begun just now may not lead its group yet, and is alone then.
fn signal(leader: Pid, what: Signal) {
    if kill_process_group(leader, what).is_err() {
        let _ = kill_process(leader, what);
    }
}

fn pid(id: u32) -> Option<Pid> {
    i32::try_from(id).ok().and_then(Pid::from_raw)
}

/// Whether nothing is `left` any more, looked at until `limit`.
async fn gone_within(limit: Duration, left: impl Fn() -> bool) -> bool {
    let deadline = Instant::now() + limit;
    let mut pause = LOOK;
    while left() {
        if Instant::now() >= deadline {
            return false;
        }
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(SELDOM);
    }
    true
}

/// Kills a process group when it is dropped, unless it has ended.
struct Group(Option<Pid>);

impl Drop for Group {
    fn drop(&mut self) {
        if let Some(group) = self.0 {
            // Its members may all be gone; then there is nothing to end.
            let _ = kill_process_group(group, Signal::KILL);
        }
    }
}

/// The file by which a program is known while it runs.
struct Known(std::path::PathBuf);

impl Known {
    fn write(file: &Path, id: u32) -> Result<Self> {
        let detached = Detached {
            pid: id,
            started: table::started(id).unwrap_or(0),
        };
        let text = serde_json::to_vec(&detached).map_err(|error| Error::bug(error.to_string()))?;
        files::write_atomic(file, &text, files::PRIVATE)?;
        Ok(Self(file.to_owned()))
    }
}

impl Drop for Known {
    fn drop(&mut self) {
        // A file that stays names a process that is gone, which harms nobody.
        let _ = std::fs::remove_file(&self.0);
    }
}

/// Waits until a group is gone, and kills it after `grace`.
async fn end_leaderless(group: Pid, grace: Duration) {
    let deadline = Instant::now() + grace;
    while Instant::now() < deadline {
        if test_kill_process_group(group).is_err() {
            return;
        }
        tokio::time::sleep(LOOK).await;
    }
    let _ = kill_process_group(group, Signal::KILL);
}

fn command(call: &Call) -> Result<Command> {
    let Some((program, arguments)) = call.argv.split_first() else {
        return Err(Error::input("a command with no program"));
    };
    if call.argv.iter().any(|word| word.contains('\0')) {
        return Err(Error::input("a command with a NUL character in it"));
    }
    let mut command = Command::new(own(program).unwrap_or(Path::new(program)));
    command.args(arguments);
    for name in &call.without {
        command.env_remove(name);
    }
    for (name, value) in &call.env {
        command.env(name, value.expose_secret());
    }
    if let Some(directory) = &call.directory {
        command.current_dir(directory);
    }
    Ok(command)
}

/// The file of this program, once it has said that it is one and no test that links it.
static OWN: OnceLock<PathBuf> = OnceLock::new();

/// Says that the running file is this program, whatever it is called.
pub fn is_program() {
    if let Ok(file) = std::env::current_exe() {
        // Said twice, it is the same file.
        let _ = OWN.set(file);
    }
}

/// This very file for this program's own name, so that a rehearsal finds its stand-ins when nothing is on PATH.
fn own(program: &str) -> Option<&'static Path> {
    OWN.get()
        .filter(|_| program == env!("CARGO_PKG_NAME"))
        .map(PathBuf::as_path)
}

fn open_private(path: &Path) -> Result<std::fs::File> {
    OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(path)
        .map_err(|error| Error::io("write", path, &error))
}

async fn run(call: Call, control: Option<&Control>) -> Result<Output> {
    let begun = Instant::now();
    let mut command = command(&call)?;
    command.process_group(0).kill_on_drop(true).stderr(Stdio::piped());
    match &call.stdin {
        Stdin::Null => command.stdin(Stdio::null()),
        Stdin::Bytes(_) => command.stdin(Stdio::piped()),
        Stdin::File(path) => {
            let file = std::fs::File::open(path).map_err(|error| Error::io("read", path, &error))?;
            command.stdin(file)
        }
    };
    match &call.stdout_to {
        Some(path) => command.stdout(open_private(path)?),
        None => command.stdout(Stdio::piped()),
    };
    let mut child = match command.spawn() {
        Ok(child) => child,
        Err(error) => return not_started(&call, &error, begun),
    };
    let mut group = Group(child.id().and_then(pid));
    let known = match (&call.known_in, child.id()) {
        // When it cannot be written the call ends here, and the group with it, before the program has its input.
        (Some(file), Some(id)) => Some(Known::write(file, id)?),
        _ => None,
    };
    let out = Reading::of(child.stdout.take(), call.kept);
    let err = Reading::of(child.stderr.take(), call.kept);
    let stdin = child.stdin.take();
    let feeding = match call.stdin {
        Stdin::Bytes(bytes) => Some(tokio::spawn(async move {
            if let Some(mut stdin) = stdin {
                // A program that does not read all of its input is free to do so.
                let _ = stdin.write_all(&bytes).await;
                let _ = stdin.shutdown().await;
            }
        })),
        Stdin::Null | Stdin::File(_) => None,
    };
    let stopped = async {
        match control {
            Some(control) => control.stopped().await,
            None => std::future::pending().await,
        }
    };
    let ended = tokio::select! {
        biased;
        status = child.wait() => {
            let status = status.map_err(|error| Error::unavailable(format!("waiting for a program: {error}")))?;
            match (status.code(), status.signal()) {
                (Some(code), _) => Ended::Exit(code),
                (None, signal) => Ended::Signal(signal.unwrap_or(0)),
            }
        }
        () = tokio::time::sleep(call.limit) => Ended::TimedOut,
        () = stopped => Ended::Stopped,
    };
    if let Some(feeding) = feeding {
        feeding.abort();
    }
    if matches!(ended, Ended::TimedOut | Ended::Stopped) {
        if let Some(group) = group.0 {
            end_group(group, GRACE, &mut child).await;
        }
        // The exit of our own child must be collected, or it stays as a zombie.
        let _ = child.wait().await;
    }
    let ((stdout, more), (stderr, more_err)) = tokio::join!(out.end(), err.end());
    if group
        .0
        .is_some_and(|leader| test_kill_process_group(leader).is_err())
    {
        // Nobody is left: the number may belong to others soon.
        group.0 = None;
    }
    drop(group);
    drop(known);
    Ok(Output {
        ended,
        stdout,
        stderr,
        dropped: more + more_err,
        elapsed: begun.elapsed(),
    })
}

/// What has been read of a stream so far, and how much more was read and let go.
type Read = Arc<Mutex<(Vec<u8>, u64)>>;

/// A stream that is read beside everything else.
struct Reading {
    read: Read,
    task: tokio::task::JoinHandle<()>,
}

impl Reading {
    fn of(stream: Option<impl AsyncRead + Unpin + Send + 'static>, kept: usize) -> Self {
        let read = Read::default();
        let into = Arc::clone(&read);
        let task = tokio::spawn(async move {
            let Some(mut stream) = stream else { return };
            let mut buffer = vec![0; 16 * 1024];
            while let Ok(n) = stream.read(&mut buffer).await {
                if n == 0 {
                    return;
                }
                let mut read = into.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
                let room = kept.saturating_sub(read.0.len()).min(n);
                read.0.extend_from_slice(&buffer[..room]);
                read.1 += (n - room) as u64;
            }
        });
        Self { read, task }
    }

    /// Waits for the stream's end; something that the program left behind may hold it open, and is not waited for long.
    async fn end(self) -> (Vec<u8>, u64) {
        let mut task = self.task;
        if tokio::time::timeout(LEFT_OPEN, &mut task).await.is_err() {
            task.abort();
        }
        let mut read = self
            .read
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        std::mem::take(&mut *read)
    }
}

/// Asks the group of `child` to end, and kills it after `grace`.
async fn end_group(group: Pid, grace: Duration, child: &mut Child) {
    let _ = kill_process_group(group, Signal::TERM);
    // The leader is collected while waiting, else its remains would keep the group alive.
    let _ = tokio::time::timeout(grace, child.wait()).await;
    end_leaderless(group, Duration::ZERO).await;
}

fn not_started(call: &Call, error: &std::io::Error, begun: Instant) -> Result<Output> {
    let directory_missing = call.directory.as_ref().filter(|folder| !folder.is_dir());
    if let Some(folder) = directory_missing {
        return Err(Error::input(format!("not a folder: {}", folder.display())));
    }
    let ended = match error.kind() {
        ErrorKind::NotFound => Ended::NotFound,
        ErrorKind::PermissionDenied => Ended::NotPermitted,
        _ => {
            return Err(Error::unavailable(format!(
                "{} does not start: {error}",
                crate::engine::text::inert_short(&call.argv[0], 200)
            )));
        }
    };
    Ok(Output {
        ended,
        stdout: Vec::new(),
        stderr: Vec::new(),
        dropped: 0,
        elapsed: begun.elapsed(),
    })
}

/// Starts a program in a session of its own, so that it outlives us and our terminal.
fn detach(call: &Call, log: &Path) -> Result<Detached> {
    let output = OpenOptions::new()
        .append(true)
        .create(true)
        .mode(0o600)
        .open(log)
        .map_err(|error| Error::io("write", log, &error))?;
    let errors = output
        .try_clone()
        .map_err(|error| Error::io("write", log, &error))?;
    // `setsid` begins a session and becomes the program, with the pid that we know, because it leads no group before.
    let mut call = call.clone();
    call.argv.insert(0, "setsid".to_owned());
    let mut command = command(&call)?;
    let child = command
        .stdin(Stdio::null())
        .stdout(output)
        .stderr(errors)
        .spawn()
        .map_err(|error| Error::unavailable(format!("{} does not start: {error}", call.shown())))?;
    let id = child
        .id()
        .ok_or_else(|| Error::unavailable("the program ended at once"))?;
    Ok(Detached {
        pid: id,
        started: table::started(id).unwrap_or(0),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call(words: &[&str]) -> Call {
        Call::new(
            words.iter().map(|word| (*word).to_owned()).collect(),
            Duration::from_secs(20),
        )
    }

    #[tokio::test]
    async fn streams_stay_apart_and_bounded_and_the_code_is_told() {
        let mut call = call(&["sh", "-c", "cat; echo err >&2; exit 7"]);
        call.stdin = Stdin::Bytes(vec![b'x'; 100_000]);
        call.kept = 1000;
        let output = MachineProcesses.run(call, None).await.unwrap();
        assert_eq!((output.ended, output.stdout.len()), (Ended::Exit(7), 1000));
        assert_eq!(
            (output.stderr.as_slice(), output.dropped),
            (b"err\n".as_slice(), 99_000)
        );
    }

    #[tokio::test]
    async fn the_whole_group_ends_at_the_limit_and_what_was_said_is_kept() {
        let mut call = call(&["sh", "-c", "trap '' TERM; sleep 600 & echo $!; wait; sleep 600"]);
        // Long enough for a shell to begin on a busy machine.
        call.limit = Duration::from_secs(2);
        let output = MachineProcesses.run(call, None).await.unwrap();
        assert_eq!(output.ended, Ended::TimedOut);
        let child: u32 = String::from_utf8(output.stdout).unwrap().trim().parse().unwrap();
        let gone = || table::started(child).is_none();
        let deadline = Instant::now() + Duration::from_mins(1);
        while !gone() {
            assert!(Instant::now() < deadline, "{child} is still running");
            tokio::time::sleep(LOOK).await;
        }
    }

    #[tokio::test]
    async fn what_is_missing_or_forbidden_is_said() {
        let missing = MachineProcesses
            .run(call(&["/nowhere/maos"]), None)
            .await
            .unwrap();
        let forbidden = MachineProcesses.run(call(&["/etc/passwd"]), None).await.unwrap();
        assert_eq!(
            (missing.ended, forbidden.ended),
            (Ended::NotFound, Ended::NotPermitted)
        );
        assert!(MachineProcesses.run(call(&[]), None).await.is_err());
    }

    #[tokio::test]
    async fn a_stop_ends_it_at_once() {
        let control = Control::silent();
        control.stop();
        let output = MachineProcesses
            .run(call(&["sleep", "600"]), Some(&control))
            .await
            .unwrap();
        assert_eq!(output.ended, Ended::Stopped);
    }

    #[tokio::test]
    async fn a_detached_program_is_known_by_pid_and_start_and_can_be_ended() {
        let folder = tempfile::tempdir().unwrap();
        let log = folder.path().join("log");
        let detached = MachineProcesses
            .detach(call(&["sh", "-c", "echo up; sleep 600"]), &log)
            .await
            .unwrap();
        assert!(MachineProcesses.alive(&detached));
        let other = Detached {
            started: detached.started + 1,
            ..detached.clone()
        };
        assert!(!MachineProcesses.alive(&other));
        assert!(MachineProcesses.end(&detached, Duration::from_secs(2)).await);
        assert!(!MachineProcesses.alive(&detached));
    }

    #[tokio::test]
    async fn a_program_is_known_before_it_has_its_input_and_forgotten_at_its_end() {
        let folder = tempfile::tempdir().unwrap();
        let mark = folder.path().join("known.json");
        let mut known = call(&["sh", "-c", "read line; cat \"$0\"", mark.to_str().unwrap()]);
        known.stdin = Stdin::Bytes(b"go\n".to_vec());
        known.known_in = Some(mark.clone());
        let output = MachineProcesses.run(known, None).await.unwrap();
        let told: Detached = serde_json::from_slice(&output.stdout).unwrap();
        assert!(told.pid > 0 && told.started > 0 && !mark.exists());
        // One that cannot be made known does not begin.
        let touched = folder.path().join("touched");
        let script = "read line && touch \"$0\"";
        let mut unknown = call(&["sh", "-c", script, touched.to_str().unwrap()]);
        unknown.stdin = Stdin::Bytes(b"go\n".to_vec());
        unknown.known_in = Some(folder.path().join("file/known.json"));
        std::fs::write(folder.path().join("file"), "").unwrap();
        assert!(MachineProcesses.run(unknown, None).await.is_err() && !touched.exists());
    }

    #[tokio::test]
    async fn the_end_is_the_end_of_the_group_and_remains_count_for_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let start = |script: &str| {
            let call = call(&["sh", "-c", script]);
            detach(&call, &folder.path().join("log")).unwrap()
        };
        // Its child is in the group and heeds nothing but force; it ends at once itself.
        let heedless = folder.path().join("heedless");
        let led = start(&format!(
            "(trap '' TERM; : > {}; while :; do sleep 0.05; done) & exec sleep 600",
            heedless.display()
        ));
        let deadline = Instant::now() + Duration::from_mins(1);
        while !heedless.exists() {
            assert!(Instant::now() < deadline, "it never began");
            tokio::time::sleep(LOOK).await;
        }
        let begun = Instant::now();
        assert!(MachineProcesses.end(&led, Duration::from_millis(300)).await);
        assert!(!table::group(&led) && begun.elapsed() >= Duration::from_millis(300));
        // Nobody reads the end of this one, so that its remains stay: it is gone all the same.
        let polite = start("exec sleep 600");
        let begun = Instant::now();
        assert!(MachineProcesses.end(&polite, Duration::from_mins(1)).await);
        assert!(begun.elapsed() < Duration::from_secs(50));
    }

    #[test]
    fn a_program_is_found_by_the_folder_that_it_runs_from() {
        let folder = tempfile::tempdir().unwrap();
        let tool = folder.path().join("tool");
        std::fs::write(&tool, "one line\n").unwrap();
        // It reads its own file, then what it is given until that ends, as an interpreter would.
        let mut reader = std::process::Command::new("cat")
            .arg(&tool)
            .arg("-")
            .stdout(Stdio::null())
            .stdin(Stdio::piped())
            .spawn()
            .unwrap();
        // A program that was begun just now has no words yet, for as long as the kernel lays it out.
        let words = format!("/proc/{}/cmdline", reader.id());
        while std::fs::read(&words).unwrap().is_empty() {
            std::thread::yield_now();
        }
        let found = MachineProcesses.running_from(folder.path());
        assert!(found.iter().any(|one| one.pid == reader.id()), "{found:?}");
        drop(reader.stdin.take());
        reader.wait().unwrap();
        assert!(MachineProcesses.running_from(folder.path()).is_empty());
    }
}
