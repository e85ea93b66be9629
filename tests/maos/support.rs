//! A workspace with a MAOS of its own, and a program that answers what a test says.

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use maos_migrate::adapters::maos::Opener;
use maos_migrate::engine::ports::OpenMaos as _;
use maos_migrate::engine::ports::maos::Maos;
use maos_migrate::engine::workspace::{Settings, Workspace};

/// A workspace in a folder that goes with it.
pub struct Place {
    folder: tempfile::TempDir,
    pub workspace: Workspace,
    opener: Opener,
}

impl Place {
    pub fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let workspace = Workspace::at(folder.path()).unwrap();
        Self {
            folder,
            workspace,
            opener: Opener::default(),
        }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The MAOS that these lines of `migration.yml` name.
    pub fn open(&self, lines: &str) -> Arc<dyn Maos> {
        let text = format!("name: t\ntype: brownfield\nenvironment: development\n{lines}");
        let settings = Settings::parse(&text, &self.workspace, &|_| None).unwrap();
        self.opener.open(&self.workspace, &settings).unwrap()
    }
}

/// A program that answers from a table.
pub struct Responder {
    pub place: Place,
}

const ROOT: &str = "Usage: maos [OPTIONS] COMMAND\n\nCommands:\n  init     a\n  version  a\n  start    a\n  stop     a\n  health   a\n  status   a\n  task     a\n  checkpoint  a\n  db       a\n";
const TASK: &str =
    "Usage: maos task COMMAND\n\nCommands:\n  submit  a\n  show    a\n  list    a\n  cancel  a\n";
const CHECKPOINT: &str =
    "Usage: maos checkpoint COMMAND\n\nCommands:\n  create   a\n  list     a\n  restore  a\n";
const DB: &str = "Usage: maos db COMMAND\n\nCommands:\n  migrate  a\n";

impl Responder {
    /// One that knows the documented commands by their help, and answers none of them yet.
    pub fn new() -> Self {
        let place = Place::new();
        std::fs::create_dir(place.path("answers")).unwrap();
        let program = place.path("maos.sh");
        std::fs::write(&program, include_str!("responder.sh")).unwrap();
        executable(&program);
        let responder = Self { place };
        for (key, text) in [
            ("help", ROOT),
            ("task_help", TASK),
            ("checkpoint_help", CHECKPOINT),
            ("db_help", DB),
        ] {
            responder.says(key, text);
        }
        responder
    }

    /// The command with this key prints `text` and exits with 0.
    pub fn says(&self, key: &str, text: impl AsRef<[u8]>) {
        std::fs::write(self.place.path(&format!("answers/{key}.out")), text).unwrap();
    }

    /// The command with this key prints `error` on standard error and exits with `code`.
    pub fn fails(&self, key: &str, code: i32, error: &str) {
        std::fs::write(self.place.path(&format!("answers/{key}.err")), error).unwrap();
        std::fs::write(self.place.path(&format!("answers/{key}.code")), code.to_string()).unwrap();
    }

    /// The command with this key is this shell script.
    pub fn runs(&self, key: &str, script: &str) {
        let path = self.place.path(&format!("answers/{key}.run"));
        std::fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
        executable(&path);
    }

    pub fn open(&self) -> Arc<dyn Maos> {
        self.open_with("")
    }

    /// With more lines under `maos:`.
    pub fn open_with(&self, lines: &str) -> Arc<dyn Maos> {
        let more = if lines.is_empty() {
            String::new()
        } else {
            format!("maos:\n{lines}")
        };
        self.place.open(&format!("target:\n  maos: ./maos.sh\n{more}"))
    }

    /// What it was asked so far, call by call, help left out.
    pub fn asked(&self) -> Vec<Vec<String>> {
        self.calls()
            .into_iter()
            .filter(|call| call.last().is_none_or(|word| word != "--help"))
            .collect()
    }

    /// Everything that it was asked so far.
    pub fn calls(&self) -> Vec<Vec<String>> {
        let bytes = std::fs::read(self.place.path("calls")).unwrap_or_default();
        let text = String::from_utf8(bytes).unwrap();
        text.split("\u{1e}\0")
            .filter(|call| !call.is_empty())
            .map(|call| {
                call.strip_suffix('\0')
                    .unwrap_or(call)
                    .split('\0')
                    .map(str::to_owned)
                    .collect()
            })
            .collect()
    }
}

pub fn executable(path: &Path) {
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).unwrap();
}
