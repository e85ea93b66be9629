//! Runs that are killed, and what a later run makes of them: the same workspace as if nothing had happened.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use crate::program::{command, run};
use crate::rounds::rounds;
use crate::tree::{contents, differences};

fn demo(folder: &Path) -> Command {
    command(folder, &["demo", "--headless", "--json", "-w", "acme"])
}

fn undisturbed() -> (BTreeMap<String, String>, Vec<String>, Duration) {
    let folder = tempfile::tempdir().unwrap();
    let from = Instant::now();
    let ran = run(folder.path(), &["demo", "--headless", "--json", "-w", "acme"]);
    assert_eq!(ran.code, Some(4), "{ran:#?}");
    let lines = ran.err.lines().map(Into::into).collect();
    (contents(&folder.path().join("acme")), lines, from.elapsed())
}

/// A run whose standard error comes line by line.
struct Running {
    child: Child,
    lines: Receiver<String>,
}

impl Running {
    fn start(mut command: Command) -> Self {
        let mut child = command
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let (send, lines) = channel();
        let err = BufReader::new(child.stderr.take().unwrap());
        thread::spawn(move || {
            for line in err.lines().map_while(Result::ok) {
                if send.send(line).is_err() {
                    return;
                }
            }
        });
        Self { child, lines }
    }

    /// Waits for the line number `n`, or the end.
    fn line(&self, n: usize) {
        for _ in 0..n {
            if self.lines.recv_timeout(Duration::from_mins(1)).is_err() {
                return;
            }
        }
    }

    /// Waits until `moment` after now, or the end; lines are let go.
    fn moment(&self, moment: Duration) {
        let deadline = Instant::now() + moment;
        loop {
            match self
                .lines
                .recv_timeout(deadline.saturating_duration_since(Instant::now()))
            {
                Ok(_) => {}
                Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => return,
            }
        }
    }

    /// Sends `signal` and says with which code the run ended, if with any.
    fn signal(mut self, signal: Signal) -> Option<i32> {
        if self.child.try_wait().unwrap().is_none() {
            kill_process(Pid::from_child(&self.child), signal).unwrap();
        }
        self.child.wait().unwrap().code()
    }
}

fn finishes_equal(folder: &Path, expected: &BTreeMap<String, String>, how: &str) {
    let ran = run(folder, &["demo", "--headless", "--json", "-w", "acme"]);
    assert_eq!(ran.code, Some(4), "after {how}: {ran:#?}");
    let found = differences(expected, &contents(&folder.join("acme")));
    assert!(found.is_empty(), "after {how}:\n{}", found.join("\n"));
}

#[test]
fn two_undisturbed_runs_are_equal_and_a_third_on_top_changes_nothing() {
    let (first, ..) = undisturbed();
    let folder = tempfile::tempdir().unwrap();
    finishes_equal(folder.path(), &first, "nothing");
    finishes_equal(folder.path(), &first, "a complete run");
}

/// Killed as lines of progress appear, spread over all of them, and then finished.
#[test]
fn fault_c45_kill_9_at_every_line_of_progress() {
    let (expected, lines, _) = undisturbed();
    let step = lines.len().div_ceil(rounds(8)).max(1);
    let at: Vec<usize> = (1..=lines.len()).step_by(step).collect();
    side_by_side(&at, |n| {
        let folder = tempfile::tempdir().unwrap();
        let running = Running::start(demo(folder.path()));
        running.line(*n);
        running.signal(Signal::KILL);
        finishes_equal(
            folder.path(),
            &expected,
            &format!("kill -9 at line {n}, {:?}", lines[n - 1]),
        );
    });
}

/// Does `one` for each, four at a time: a rehearsal mostly waits for work that it simulates.
fn side_by_side<T: Sync>(all: &[T], one: impl Fn(&T) + Sync) {
    let one = &one;
    for few in all.chunks(4) {
        thread::scope(|scope| {
            for each in few {
                scope.spawn(move || one(each));
            }
        });
    }
}

/// Killed again and again on the same workspace at moments drawn anew each time, and then finished.
#[test]
fn fault_c45_kill_9_at_random_moments() {
    let (expected, _, whole) = undisturbed();
    let folder = tempfile::tempdir().unwrap();
    let mut moments = Vec::new();
    for _ in 0..rounds(4) {
        let share = f64::from(u16::from_be_bytes(
            *uuid::Uuid::new_v4().as_bytes().first_chunk().unwrap(),
        )) / 65536.0;
        let moment = whole.mul_f64(share);
        moments.push(moment);
        let running = Running::start(demo(folder.path()));
        running.moment(moment);
        running.signal(Signal::KILL);
    }
    finishes_equal(
        folder.path(),
        &expected,
        &format!("kill -9 at {moments:?} of {whole:?}"),
    );
}

#[test]
fn fault_c46_signals_stop_at_a_safe_point_and_the_work_is_kept() {
    let (expected, lines, _) = undisturbed();
    let signals = [(Signal::INT, 4), (Signal::TERM, 2), (Signal::HUP, 3)];
    side_by_side(&signals, |&(signal, part)| {
        let folder = tempfile::tempdir().unwrap();
        let running = Running::start(demo(folder.path()));
        running.line(lines.len() / part);
        let code = running.signal(signal);
        // 4 when it was done before the signal came.
        assert!(matches!(code, Some(130 | 4)), "{signal:?}: {code:?}");
        finishes_equal(folder.path(), &expected, &format!("{signal:?}"));
    });
}

#[test]
fn fault_c46_a_run_without_a_terminal_goes_on_under_nohup() {
    let folder = tempfile::tempdir().unwrap();
    let mut command = Command::new("nohup");
    let inner = demo(folder.path());
    command
        .arg(inner.get_program())
        .args(inner.get_args())
        .current_dir(folder.path())
        .env_clear();
    command
        .envs(inner.get_envs().filter_map(|(name, value)| Some((name, value?))))
        .stdin(Stdio::null());
    let running = Running::start(command);
    running.line(2);
    assert_eq!(running.signal(Signal::HUP), Some(4));
}
