//! Runs the program as a script would: no terminal, a bare environment, a time limit.
//!
//! Include it with `#[path = "../support/program.rs"] mod program;`.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use serde_json::Value;

/// The program under test.
pub const PROGRAM: &str = env!("CARGO_BIN_EXE_maos-migrate");

/// A run that has ended.
#[derive(Debug)]
pub struct Ran {
    /// The exit code; `None` when a signal or the time limit ended it.
    pub code: Option<i32>,
    /// Standard output.
    pub out: String,
    /// Standard error.
    pub err: String,
}

impl Ran {
    /// Standard output as one JSON document.
    pub fn document(&self) -> Value {
        serde_json::from_str(&self.out)
            .unwrap_or_else(|error| panic!("not one document ({error}): {self:#?}"))
    }

    /// The last line of standard output as a JSON document.
    pub fn last(&self) -> Value {
        let line = self
            .out
            .lines()
            .last()
            .unwrap_or_else(|| panic!("no output: {self:#?}"));
        serde_json::from_str(line).unwrap_or_else(|error| panic!("not a document ({error}): {self:#?}"))
    }

    /// The error as `--json` prints it: the last line of standard error.
    pub fn error(&self) -> Value {
        let line = self
            .err
            .lines()
            .last()
            .unwrap_or_else(|| panic!("nothing on standard error: {self:#?}"));
        let mut value: Value =
            serde_json::from_str(line).unwrap_or_else(|e| panic!("not JSON ({e}): {self:#?}"));
        value["error"].take()
    }
}

/// The program in `folder` with `args`, ready for more settings. The environment is the same on every machine.
pub fn command(folder: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(PROGRAM);
    command.current_dir(folder).args(args).env_clear();
    for kept in ["PATH", "HOME"] {
        if let Some(value) = std::env::var_os(kept) {
            command.env(kept, value);
        }
    }
    command
        .env("LANG", "C.UTF-8")
        .env("USER", "alice")
        .env("RUST_BACKTRACE", "0")
        .stdin(Stdio::null());
    command
}

/// Runs `command` to its end, at most four minutes.
pub fn finish(command: Command) -> Ran {
    let output = assert_cmd::Command::from_std(command)
        .timeout(Duration::from_mins(4))
        .output()
        .unwrap();
    Ran {
        code: output.status.code(),
        out: String::from_utf8_lossy(&output.stdout).into_owned(),
        err: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

/// Runs the program in `folder` with `args`.
pub fn run(folder: &Path, args: &[&str]) -> Ran {
    finish(command(folder, args))
}
