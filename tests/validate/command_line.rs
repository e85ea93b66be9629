//! The same tests through the adapter for command lines, on the stand-in's own program with its state in another process.

use std::path::Path;
use std::process::Command;

use maos_migrate::engine::item::ItemState;

use crate::support::{run, told, world};

const PROGRAM: &str = env!("CARGO_BIN_EXE_maos-migrate");

/// A stand-in that executes in a process of its own, and is stopped when it goes.
struct Apart {
    folder: tempfile::TempDir,
}

impl Apart {
    /// Works by a real program, so that nothing about it is simulated.
    fn new() -> Self {
        let apart = Self {
            folder: tempfile::tempdir().unwrap(),
        };
        apart.asked(&["knob", "agents", "4"]);
        apart.asked(&[
            "knob",
            "worker",
            r#"["sh", "-c", "cat >/dev/null; sleep 0.2; echo 1"]"#,
        ]);
        apart.asked(&["start"]);
        apart
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    fn words(&self) -> String {
        format!(
            "{PROGRAM}, rehearsal-maos, --state, {}",
            self.path().join("state").display()
        )
    }

    fn asked(&self, words: &[&str]) {
        let state = self.path().join("state");
        let status = Command::new(PROGRAM)
            .args(["rehearsal-maos", "--state"])
            .arg(state)
            .args(words)
            .output()
            .unwrap();
        assert!(status.status.success(), "{words:?}: {status:?}");
    }

    fn settings(&self, more: &str) -> String {
        format!(
            "maos:\n  command: [{}]\n{more}rehearsal:\n  agents: 4\n  worker: [\"true\"]\n",
            self.words()
        )
    }
}

impl Drop for Apart {
    fn drop(&mut self) {
        self.asked(&["stop", "--force"]);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_good_maos_passes_through_its_command_line() {
    let apart = Apart::new();
    let world = world(apart.path(), &apart.settings(""));
    let (outcome, lines, document) = run(world, "run").await;
    let all: Vec<String> = lines.all().iter().map(|item| told(item)).collect();
    assert_eq!(lines.all().len(), 19);
    assert_eq!(lines.count(ItemState::Failed), 0, "{all:#?}");
    // No configuration is converted here.
    let skipped: Vec<&str> = lines
        .all()
        .iter()
        .filter(|item| item.state == ItemState::Skipped)
        .map(|item| item.key.as_str())
        .collect();
    assert_eq!(skipped, ["configuration_migration"], "{all:#?}");
    assert_eq!(document["summary"]["passed"], 18);
    assert_eq!(document["maos"]["dialect"], "documented CLI");
    assert!(outcome.summary.starts_with("REHEARSAL: "), "{}", outcome.summary);
}

/// Its restore exits with 0 and restores nothing: what another checkpoint holds afterwards tells.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restore_that_only_says_so_fails_the_test() {
    let apart = Apart::new();
    let settings = apart.settings("  commands:\n    checkpoint restore: [echo, restored, '{id}']\n");
    let world = world(apart.path(), &settings);
    let (outcome, lines, _) = run(world, "only:test_checkpoint_recovery").await;
    let line = lines.get("test_checkpoint_recovery").unwrap();
    assert_eq!(line.state, ItemState::Failed, "{}", told(line));
    let found = line.data["found"].as_str().unwrap();
    assert!(found.contains("missing or changed"), "{found}");
    assert_eq!((outcome.source, outcome.converted), (1, 0));
}
