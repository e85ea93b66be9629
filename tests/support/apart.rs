//! A workspace whose stand-in for MAOS executes in a process of its own, for runs of the program that are ended before their end.
//!
//! Include it with `#[path = "../support/apart.rs"] mod apart;`.

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, Command, Stdio};

use rustix::process::{Pid, Signal, kill_process};

const PROGRAM: &str = env!("CARGO_BIN_EXE_maos-migrate");

/// The workspace, ready to be compared and validated; its MAOS is stopped when it goes.
pub struct Apart {
    folder: tempfile::TempDir,
}

impl Drop for Apart {
    fn drop(&mut self) {
        self.maos(&["stop", "--force"]);
    }
}

impl Apart {
    /// Every part of a task takes `seconds` there.
    pub fn new(seconds: &str) -> Self {
        use std::os::unix::fs::PermissionsExt as _;
        let apart = Self {
            folder: tempfile::tempdir().unwrap(),
        };
        let write = |name: &str, text: String| std::fs::write(apart.path().join(name), text).unwrap();
        write(
            "migration.yml",
            format!(
                "name: acme\ntype: brownfield\nenvironment: rehearsal\nsources:\n  tasks: tasks.json\n\
                 target:\n  maos: rehearsal\nlegacy:\n  run: [./legacy.sh]\n\
                 maos:\n  command: [{PROGRAM}, rehearsal-maos, --state, {}]\n",
                apart.state().display()
            ),
        );
        write(
            "tasks.json",
            r#"[{"id": "t1", "description": "Fix the login bug"}]"#.to_owned(),
        );
        write("legacy.sh", "#!/bin/sh\necho '{\"success\": true}'\n".to_owned());
        let executable = std::fs::Permissions::from_mode(0o755);
        std::fs::set_permissions(apart.path().join("legacy.sh"), executable).unwrap();
        apart.maos(&["knob", "seconds", seconds]);
        for words in [
            &["readiness"][..],
            &["tasks", "convert", "--yes"],
            &["environment", "apply", "--yes"],
        ] {
            let ran = apart.command(words).output().unwrap();
            assert!(ran.status.success(), "{words:?}: {ran:?}");
        }
        assert!(!apart.serves(), "making the place ready does not start MAOS");
        apart
    }

    /// The workspace.
    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    fn state(&self) -> PathBuf {
        self.path().join("state")
    }

    /// The program on the workspace with `words`.
    pub fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(PROGRAM);
        command.arg("-w").arg(self.path()).args(words);
        command
            .env("HOME", self.path())
            .env("RUST_BACKTRACE", "0")
            .stdin(Stdio::null());
        command
    }

    /// Asks MAOS itself, by its own command line; its standard output.
    pub fn maos(&self, words: &[&str]) -> String {
        let output = Command::new(PROGRAM)
            .args(["rehearsal-maos", "--format", "json", "--state"])
            .arg(self.state())
            .args(words)
            .output()
            .unwrap();
        String::from_utf8(output.stdout).unwrap()
    }

    /// Whether MAOS runs.
    pub fn serves(&self) -> bool {
        let status: serde_json::Value = serde_json::from_str(&self.maos(&["status"])).unwrap();
        status["running"].as_bool().unwrap()
    }

    /// Begins the program with `words`.
    pub fn begin(&self, words: &[&str]) -> Begun {
        let mut child = self
            .command(words)
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let err = BufReader::new(child.stderr.take().unwrap());
        Begun {
            child,
            err,
            said: String::new(),
        }
    }

    /// The program with `words`, as far as the line of standard error that holds `text`.
    pub fn until(&self, words: &[&str], text: &str) -> Begun {
        let mut begun = self.begin(words);
        while !begun.said.lines().last().is_some_and(|line| line.contains(text)) {
            let read = begun.err.read_line(&mut begun.said).unwrap();
            assert!(read > 0, "it never said {text:?}: {}", begun.said);
        }
        begun
    }
}

/// A run that is under way.
pub struct Begun {
    child: Child,
    err: BufReader<ChildStderr>,
    said: String,
}

impl Begun {
    /// Sends `signal`; the exit code and all of standard error.
    pub fn signal(mut self, signal: Signal) -> (Option<i32>, String) {
        use std::io::Read as _;
        kill_process(Pid::from_child(&self.child), signal).unwrap();
        self.err.read_to_string(&mut self.said).unwrap();
        (self.child.wait().unwrap().code(), self.said)
    }
}
