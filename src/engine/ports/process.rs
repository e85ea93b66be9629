//! Programs of the outside: argv arrays, a time limit, the whole process group ended with it. Never a shell.

use std::path::PathBuf;
use std::time::Duration;

use secrecy::SecretString;

use super::BoxFuture;
use crate::engine::error::Result;
use crate::engine::operation::Control;
use crate::engine::text::inert_short;
use crate::engine::workspace::secrets::scrub;

/// Bytes of each stream that are kept unless a call says otherwise; the rest is read and counted.
pub const KEPT: usize = 4 * 1024 * 1024;

/// What a program reads from its standard input.
#[derive(Debug, Clone, Default)]
pub enum Stdin {
    /// Nothing: the null device.
    #[default]
    Null,
    /// These bytes, then the end.
    Bytes(Vec<u8>),
    /// A file.
    File(PathBuf),
}

/// One call of a program.
#[derive(Debug, Clone)]
pub struct Call {
    /// The program and its arguments; a program without a slash is looked up on PATH.
    pub argv: Vec<String>,
    /// Set in the environment besides what is inherited. Secrets go here, never into argv.
    pub env: Vec<(String, SecretString)>,
    /// Removed from the inherited environment.
    pub without: Vec<String>,
    /// Where it runs; our own directory when `None`.
    pub directory: Option<PathBuf>,
    /// What it reads.
    pub stdin: Stdin,
    /// Where its standard output goes instead of being kept; made new with mode 0600, replaced when it exists.
    pub stdout_to: Option<PathBuf>,
    /// A [`Detached`] of it is written here before it gets its input, and removed when it has ended: who finds the file ends what
    /// a killed caller left behind. A program that must not begin unknown waits for its input.
    pub known_in: Option<PathBuf>,
    /// After this long its process group is asked to end, two seconds later it is killed.
    pub limit: Duration,
    /// Bytes kept of each stream.
    pub kept: usize,
}

impl Call {
    /// A call with a time limit and nothing else.
    #[must_use]
    pub fn new(argv: Vec<String>, limit: Duration) -> Self {
        Self {
            argv,
            env: Vec::new(),
            without: Vec::new(),
            directory: None,
            stdin: Stdin::Null,
            stdout_to: None,
            known_in: None,
            limit,
            kept: KEPT,
        }
    }

    /// The call as a person may read it: the arguments joined by spaces, control characters inert. For showing only.
    #[must_use]
    pub fn shown(&self) -> String {
        crate::engine::text::inert_short(&self.argv.join(" "), 400)
    }
}

/// How a call ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// By itself, with this code.
    Exit(i32),
    /// By this signal, not ours.
    Signal(i32),
    /// The time limit passed; the group was ended by us.
    TimedOut,
    /// The control asked to stop; the group was ended by us.
    Stopped,
    /// There is no such program.
    NotFound,
    /// The program may not be run.
    NotPermitted,
}

/// What a call gave.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Output {
    /// How it ended.
    pub ended: Ended,
    /// Its standard output, the first [`Call::kept`] bytes.
    pub stdout: Vec<u8>,
    /// Its standard error, likewise. Never mixed into the other.
    pub stderr: Vec<u8>,
    /// Bytes that were read and not kept, of both streams.
    pub dropped: u64,
    /// How long it took.
    pub elapsed: Duration,
}

impl Output {
    /// Whether it exited with 0. That alone proves no effect.
    #[must_use]
    pub const fn exited_well(&self) -> bool {
        matches!(self.ended, Ended::Exit(0))
    }

    /// Why it cannot be taken for done, in words, with the last line that it said: `exit 1, port 8080 is taken`. `None` when it exited
    /// with 0.
    #[must_use]
    pub fn trouble(&self) -> Option<String> {
        let ended = match self.ended {
            Ended::Exit(0) => return None,
            Ended::Exit(code) => format!("exit {code}"),
            Ended::Signal(signal) => format!("ended by signal {signal}"),
            Ended::TimedOut => format!(
                "no end within {} s, ended with its processes",
                self.elapsed.as_secs()
            ),
            Ended::Stopped => "stopped".to_owned(),
            Ended::NotFound => "not found".to_owned(),
            Ended::NotPermitted => "may not be run".to_owned(),
        };
        let last = [&self.stderr, &self.stdout].into_iter().find_map(|bytes| {
            let said = String::from_utf8_lossy(bytes);
            let line = said.lines().rev().map(str::trim).find(|line| !line.is_empty())?;
            // Masked before it is cut: half a secret is one that nothing recognises any more.
            Some(inert_short(&scrub(line), 200))
        });
        Some(match last {
            Some(last) => format!("{ended}, {last}"),
            None => ended,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::{Ended, Output};
    use std::time::Duration;

    #[test]
    fn the_end_of_a_program_is_told_with_its_last_words() {
        let ran = |ended, stderr: &str, stdout: &str| Output {
            ended,
            stdout: stdout.into(),
            stderr: stderr.into(),
            dropped: 0,
            elapsed: Duration::from_secs(61),
        };
        for (output, words) in [
            (ran(Ended::Exit(0), "warning", ""), None),
            (
                ran(
                    Ended::Exit(1),
                    "Traceback\nValueError: port\x1b 8080\n\n",
                    "begun",
                ),
                Some("exit 1, ValueError: port\\x1b 8080"),
            ),
            (ran(Ended::Exit(2), " \n", "usage"), Some("exit 2, usage")),
            (ran(Ended::Signal(9), "", ""), Some("ended by signal 9")),
            (
                ran(Ended::TimedOut, "", ""),
                Some("no end within 61 s, ended with its processes"),
            ),
            (ran(Ended::NotFound, "", ""), Some("not found")),
        ] {
            assert_eq!(output.trouble().as_deref(), words);
        }
    }

    #[test]
    fn fault_e78_a_secret_is_masked_before_it_is_cut() {
        crate::engine::workspace::secrets::register("canary-of-two-halves");
        let output = Output {
            ended: Ended::Exit(1),
            stdout: Vec::new(),
            stderr: format!("{}canary-of-two-halves", ".".repeat(190)).into_bytes(),
            dropped: 0,
            elapsed: Duration::ZERO,
        };
        let told = output.trouble().unwrap();
        assert!(told.ends_with("******") && !told.contains("canary"), "{told}");
    }
}

/// A program that goes on after the call: its pid, and its start time, so that another process with the same pid is not taken
/// for it.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Detached {
    /// Its pid, which leads its own process group and session.
    pub pid: u32,
    /// Field 22 of `/proc/PID/stat`: clock ticks after boot; 0 where that cannot be read.
    pub started: u64,
}

/// What the programs under us have used: those that run now, and those that have ended.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Below {
    /// CPU seconds so far, user and system; only grows.
    pub cpu_s: f64,
    /// Resident memory at this moment, bytes.
    pub resident_bytes: u64,
}

/// Runs programs.
pub trait Processes: Send + Sync {
    /// Runs a program to its end, its limit, or the stop of `control`. A program that cannot be started is an [`Ended`], not
    /// an error.
    ///
    /// # Errors
    /// When pipes or files of the call cannot be made, or `argv` is empty.
    fn run<'a>(&'a self, call: Call, control: Option<&'a Control>) -> BoxFuture<'a, Result<Output>>;

    /// Starts a program that outlives us, its output appended to the file `log`.
    ///
    /// # Errors
    /// When it cannot be started.
    fn detach<'a>(&'a self, call: Call, log: &'a std::path::Path) -> BoxFuture<'a, Result<Detached>>;

    /// Whether that very program still runs.
    fn alive(&self, detached: &Detached) -> bool;

    /// What the programs under us have used so far; `None` where the machine does not tell. A detached program is not under us.
    fn below(&self) -> Option<Below> {
        None
    }

    /// Programs that run from a folder: their first or second word lies in it. Our own process is not among them.
    fn running_from(&self, folder: &std::path::Path) -> Vec<Detached>;

    /// Ends its process group: asks, and kills after `grace`. Gives whether it is gone, with all that it started in the group.
    fn end<'a>(&'a self, detached: &'a Detached, grace: Duration) -> BoxFuture<'a, bool>;
}
