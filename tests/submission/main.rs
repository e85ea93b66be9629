//! Submission: every part given to MAOS exactly once, whatever happens in between; what needs a failed part is skipped.

#![cfg(test)]

mod kills;
mod outcomes;

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::{Value, json};

const PROGRAM: &str = env!("CARGO_BIN_EXE_maos-migrate");

/// How MAOS is reached.
#[derive(Debug, Clone, Copy)]
enum Way {
    /// The stand-in in the program itself.
    InProcess,
    /// Its command line, by the adapter for command lines.
    CommandLine,
    /// Its command line, with a command of the user's that sends no name of ours along.
    Nameless,
}

/// A workspace with converted tasks, and a MAOS that is stopped when it goes.
struct Place {
    folder: tempfile::TempDir,
    way: Way,
}

impl Drop for Place {
    fn drop(&mut self) {
        self.maos(&["stop", "--force"]);
    }
}

impl Place {
    fn new(way: Way, tasks: &[Value], knobs: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let place = Self { folder, way };
        std::fs::create_dir_all(place.path().join("tasks")).unwrap();
        let text = serde_json::to_vec(tasks).unwrap();
        std::fs::write(place.path().join("tasks/maos_tasks.json"), text).unwrap();
        let mut settings =
            "name: acme\ntype: greenfield\nenvironment: rehearsal\ntarget:\n  maos: rehearsal\n".to_owned();
        let words = format!("{PROGRAM}, rehearsal-maos, --state, {}", place.state().display());
        match way {
            Way::InProcess => {}
            Way::CommandLine => {
                let more = format!("maos:\n  command: [{words}]\n");
                settings.push_str(&more);
            }
            Way::Nameless => {
                let more = format!(
                    "maos:\n  command: [{words}]\n  commands:\n    task submit: [{words}, --format, json, task, submit, --, '{{description}}']\n"
                );
                settings.push_str(&more);
            }
        }
        std::fs::write(place.path().join("migration.yml"), settings).unwrap();
        for (name, value) in knobs {
            assert_eq!(place.maos(&["knob", name, value]).0, 0);
        }
        if !matches!(way, Way::InProcess) {
            assert_eq!(place.maos(&["start"]).0, 0);
        }
        assert_eq!(place.run(&["readiness"]).0, 0);
        place
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    fn state(&self) -> PathBuf {
        self.path().join("rehearsal")
    }

    fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(PROGRAM);
        command.arg("-w").arg(self.path()).args(words);
        command
    }

    /// Runs the program on the workspace: exit code, standard output, standard error.
    fn run(&self, words: &[&str]) -> (i32, String, String) {
        said(self.command(words).output().unwrap())
    }

    /// Submits; the exit code and the document.
    fn submit(&self, words: &[&str]) -> (i32, Value) {
        let (code, out, err) = self.run(&[&["tasks", "submit", "--yes", "--json"], words].concat());
        let document = serde_json::from_str(&out).unwrap_or_else(|_| panic!("{code}: {out}{err}"));
        (code, document)
    }

    /// Asks MAOS itself, by its own command line.
    fn maos(&self, words: &[&str]) -> (i32, String, String) {
        let state = self.state();
        let state = state.to_str().unwrap();
        let words = [&["rehearsal-maos", "--state", state], words].concat();
        said(Command::new(PROGRAM).args(words).output().unwrap())
    }

    /// What MAOS has, in the order of submission.
    fn held(&self) -> Vec<Value> {
        let (code, out, err) = self.maos(&["--format", "json", "task", "list"]);
        assert_eq!(code, 0, "{err}");
        serde_json::from_str(&out).unwrap()
    }

    /// That MAOS has every one of `count` parts exactly once, all of them completed.
    fn holds_each_once(&self, count: usize) {
        let held = self.held();
        let names: std::collections::BTreeSet<&str> = held
            .iter()
            .map(|row| row["metadata"]["reference"].as_str().unwrap())
            .collect();
        assert_eq!((held.len(), names.len()), (count, count), "{:?}", self.way);
        assert!(held.iter().all(|row| row["status"] == "COMPLETED"));
    }
}

fn said(
    Output {
        status,
        stdout,
        stderr,
    }: Output,
) -> (i32, String, String) {
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (status.code().unwrap_or(-1), text(stdout), text(stderr))
}

/// A converted task.
fn task(id: &str, description: &str, needs: &[&str]) -> Value {
    json!({
        "description": description, "type": "coding", "max_agents": 1, "priority": "NORMAL", "timeout": 600,
        "depends_on": needs, "metadata": {"legacy_id": id},
    })
}

/// `count` tasks in three stages of equal width.
fn three_stages(count: usize) -> Vec<Value> {
    let width = count.div_ceil(3);
    (0..count)
        .map(|n| {
            let needs = n.checked_sub(width).map(|need| format!("t{need}"));
            let needs: Vec<&str> = needs.iter().map(String::as_str).collect();
            task(&format!("t{n}"), &format!("Work on item {n}"), &needs)
        })
        .collect()
}
