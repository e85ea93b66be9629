//! Throw-away servers for tests: a private folder, a private socket, and an end that cannot be missed.
//!
//! A server dies with its [`Server`], and with this process however that ends (the system sends the parent-death
//! signal). A folder that a killed process left behind is removed by the next one that starts a server.

use std::fmt::Write as _;
use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process, test_kill_process};

const PATIENCE: Duration = Duration::from_mins(1);
const PREFIX: &str = "maos-migrate-test-";

/// A private folder under `/tmp`: short, because the path of a socket may have 107 bytes only.
pub struct Folder {
    path: PathBuf,
}

impl Folder {
    /// Makes an empty folder that only its owner may enter, and removes those of processes that are gone.
    pub fn new() -> Self {
        sweep();
        let made = tempfile::Builder::new()
            .prefix(&format!("{PREFIX}{}-", std::process::id()))
            .tempdir_in("/tmp");
        Self {
            path: made.unwrap().keep(),
        }
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.path);
    }
}

fn sweep() {
    for entry in fs::read_dir("/tmp").into_iter().flatten().flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let owner = name
            .strip_prefix(PREFIX)
            .and_then(|rest| rest.split('-').next())
            .and_then(|id| id.parse().ok());
        if let Some(owner) = owner.and_then(Pid::from_raw)
            && test_kill_process(owner).is_err()
        {
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}

/// The signal that ends a server at once, and its name for `setpriv`. `QUIT` for a server that ends its own processes
/// on it whatever it was told to ignore; `KILL` for a server that is one process.
pub struct Stop(pub Signal, pub &'static str);

/// A running server process.
pub struct Server {
    pid: Pid,
    stop: Signal,
    ended: Receiver<()>,
    _keep: Sender<()>,
}

impl Server {
    /// Starts `program` so that it ends when this process does, and returns when a line of its output has `ready` in it.
    /// As root, `user` is who it runs as.
    pub fn start(
        program: &Path,
        args: &[&str],
        user: Option<&str>,
        stop: &Stop,
        ready: &'static str,
    ) -> Self {
        let mut command = as_user(user, stop.1);
        command.arg(program).args(args).stdin(Stdio::null());
        let (keep, kept) = channel::<()>();
        let (started, start) = channel();
        let (end, ended) = channel();
        // The death signal is sent when the thread that started the server ends, so this thread lives as long as it.
        thread::spawn(move || {
            let (output, input) = std::io::pipe().unwrap();
            command.stdout(input.try_clone().unwrap()).stderr(input);
            let mut child = command.spawn().unwrap();
            // The command holds our copies of the writing end; the server's are then the last ones.
            drop(command);
            let pid = Pid::from_child(&child);
            thread::spawn(move || follow(output, pid, ready, &started));
            thread::spawn(move || {
                let _ = child.wait();
                let _ = end.send(());
            });
            let _ = kept.recv();
        });
        let pid = start.recv_timeout(PATIENCE).unwrap().unwrap();
        Self {
            pid,
            stop: stop.0,
            ended,
            _keep: keep,
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = kill_process(self.pid, self.stop);
        if self.ended.recv_timeout(Duration::from_secs(3)).is_err() {
            let _ = kill_process(self.pid, Signal::KILL);
            let _ = self.ended.recv_timeout(PATIENCE);
        }
    }
}

/// Follows the output to its end, so that the server never waits for a full pipe.
fn follow(output: impl Read, pid: Pid, ready: &str, started: &Sender<Result<Pid, String>>) {
    let mut log = String::new();
    let mut told = false;
    for line in BufReader::new(output).lines().map_while(Result::ok) {
        if !told {
            let _ = writeln!(log, "{line}");
            if line.contains(ready) {
                told = true;
                let _ = started.send(Ok(pid));
            }
        }
    }
    if !told {
        let _ = started.send(Err(format!("the server ended before it was ready:\n{log}")));
    }
}

/// A command that runs what is added to it as `user` where this process is root, else as itself. `stop` names the
/// signal it gets when the thread that started it ends.
pub fn as_user(user: Option<&str>, stop: &str) -> Command {
    let mut command = Command::new("setpriv");
    command.arg(format!("--pdeathsig={stop}"));
    if let Some(user) = user.filter(|_| rustix::process::geteuid().is_root()) {
        command.args([
            &format!("--reuid={user}"),
            &format!("--regid={user}"),
            "--clear-groups",
        ]);
    }
    command
}
