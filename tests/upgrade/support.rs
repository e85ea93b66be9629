//! A workspace of a version upgrade with a MAOS that runs: the released package in its own environment, or the rehearsal's program.

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use maos_migrate::adapters::maos::Opener;
use maos_migrate::engine::ports::OpenMaos as _;
use maos_migrate::engine::ports::maos::{Known, Maos, Stop};
use maos_migrate::engine::workspace::{Settings, Workspace};
use serde_json::Value;

use crate::program::{PROGRAM, Ran, command, finish};

/// What holds the released packages for all tests, or `None` without a package index.
fn environment() -> Option<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let made = Command::new("bash")
        .arg(root.join("tests/upgrade/wheels.sh"))
        .status()
        .is_ok_and(|status| status.success());
    if !made {
        eprintln!("SKIPPED: maos-cli cannot be fetched here; the upgrade is not proved against it");
        return None;
    }
    Some(root.join("target/venvs/maos-cli-0.8.9.1"))
}

const CONFIRM: [&str; 2] = ["--confirm", "acme"];

pub struct Site {
    folder: tempfile::TempDir,
}

impl Site {
    fn new(maos: &str) -> Self {
        let folder = tempfile::Builder::new().prefix("mmu").tempdir().unwrap();
        let site = Self { folder };
        std::fs::create_dir(site.path("bin")).unwrap();
        site.write("bin/claude", "#!/bin/sh\necho '1.0.0 (stub)'\n");
        let executable = std::fs::Permissions::from_mode(0o755);
        std::fs::set_permissions(site.path("bin/claude"), executable).unwrap();
        site.write(
            "maos.yml",
            "# ours, with care\nsystem:\n  max_agents: 4   # not more\n",
        );
        let script = "import sqlite3, sys\nc = sqlite3.connect(sys.argv[1])\nc.execute('CREATE TABLE tasks (id TEXT PRIMARY KEY, n INT)')\n\
                      c.executemany('INSERT INTO tasks VALUES (?, ?)', ((f't-{n}', n) for n in range(20)))\nc.commit()";
        let made = Command::new("python3")
            .args(["-c", script])
            .arg(site.path("maos.db"))
            .status();
        assert!(made.unwrap().success());
        site.settings(maos, "");
        site
    }

    /// With the released 0.8.9.1 in an environment of its own; started, when `runs`.
    pub fn released(runs: bool) -> Option<Self> {
        let template = environment()?;
        let site = Self::new("");
        let venv = site.path("venv");
        let script = format!(
            "set -e; cp -a {0} {1}; for f in {1}/bin/*; do [ -L $f ] || sed -i '1s,{0},{1},' $f; done",
            template.display(),
            venv.display()
        );
        assert!(
            Command::new("bash")
                .args(["-c", &script])
                .status()
                .unwrap()
                .success()
        );
        site.settings(&site.of_released(), "");
        if runs {
            site.block_on(|maos| async move { maos.start().await.unwrap() });
        }
        Some(site)
    }

    fn of_released(&self) -> String {
        format!(
            "  maos: {}\nmaos:\n  env: {{PATH: '{}:/usr/bin:/bin', HOME: '{}'}}\n  stop_within: 3\n  time_limit: 90\n",
            self.path("venv/bin/maos").display(),
            self.path("bin").display(),
            self.path("home").display()
        )
    }

    /// With the rehearsal's own program, started.
    pub fn rehearsal() -> Self {
        let command = format!("[{PROGRAM}, rehearsal-maos, --state, STATE]");
        let site = Self::new("");
        let command = command.replace("STATE", &site.path("state").display().to_string());
        site.settings(&format!("maos:\n  command: {command}\n"), "");
        site.block_on(|maos| async move { maos.start().await.unwrap() });
        site
    }

    /// Writes `migration.yml` anew; `maos` goes on from `target:`, `more` ends it and may go on from `maos:`.
    fn settings(&self, maos: &str, more: &str) {
        let text = format!(
            "name: acme\ntype: version_upgrade\nenvironment: staging\ntarget:\n  database: sqlite://{}\n{maos}{more}",
            self.path("maos.db").display()
        );
        std::fs::create_dir_all(self.path("ws")).unwrap();
        self.write("ws/migration.yml", &text);
    }

    /// More lines of `maos:`.
    pub fn also(&self, lines: &str) {
        let text = std::fs::read_to_string(self.path("ws/migration.yml")).unwrap();
        self.write("ws/migration.yml", &format!("{text}{lines}"));
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn write(&self, name: &str, text: &str) {
        std::fs::write(self.path(name), text).unwrap();
    }

    /// The program in the workspace, as a command.
    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = command(
            self.folder.path(),
            &[
                &["--json", "-w", "ws"],
                args,
                &CONFIRM[..if args.contains(&"apply") && !args.contains(&"--confirm") {
                    2
                } else {
                    0
                }],
            ]
            .concat(),
        );
        let wheels = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/wheels");
        command
            .env("PIP_NO_INDEX", "1")
            .env("PIP_FIND_LINKS", wheels)
            // Most of an installation's time, for modules that nothing here imports.
            .env("PIP_NO_COMPILE", "1");
        command
    }

    pub fn run(&self, args: &[&str]) -> Ran {
        finish(self.command(args))
    }

    /// Runs it and expects it to end well.
    pub fn done(&self, args: &[&str]) -> Value {
        let ran = self.run(args);
        assert_eq!(ran.code, Some(0), "{args:?} {ran:#?}");
        ran.document()
    }

    /// Runs it and expects this exit code; gives the message and the hint.
    pub fn refused(&self, args: &[&str], code: i32) -> String {
        let ran = self.run(args);
        assert_eq!(ran.code, Some(code), "{args:?} {ran:#?}");
        let error = ran.error();
        format!(
            "{} {}",
            error["message"].as_str().unwrap(),
            error["hint"].as_str().unwrap_or_default()
        )
    }

    /// Runs it with a point at which it is killed; whether it was.
    pub fn killed(&self, args: &[&str], point: &str) -> bool {
        let mut command = self.command(args);
        command.env("MAOS_MIGRATE_FAIL_POINT", point);
        let ran = finish(command);
        assert!(matches!(ran.code, None | Some(0)), "{point} {ran:#?}");
        ran.code.is_none()
    }

    pub fn backed_up(self) -> Self {
        self.done(&["backup", "create", "--yes"]);
        self
    }

    /// The version by the metadata of the environment.
    pub fn metadata(&self) -> String {
        let output = Command::new(self.path("venv/bin/python"))
            .args([
                "-c",
                "import importlib.metadata as m; print(m.version('maos-cli'))",
            ])
            .output()
            .unwrap();
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }

    /// The version of typer beside it.
    pub fn beside(&self) -> String {
        let output = Command::new(self.path("venv/bin/python"))
            .args(["-c", "import importlib.metadata as m; print(m.version('typer'))"])
            .output()
            .unwrap();
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }

    pub fn runs(&self) -> bool {
        self.block_on(|maos| async move { maos.running().await.unwrap() == Known::Value(true) })
    }

    fn block_on<T, F: Future<Output = T>>(&self, ask: impl FnOnce(std::sync::Arc<dyn Maos>) -> F) -> T {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(async {
            let workspace = Workspace::at(&self.path("ws")).unwrap();
            let text = std::fs::read_to_string(self.path("ws/migration.yml")).unwrap();
            let settings = Settings::parse(&text, &workspace, &|_| None).unwrap();
            ask(Opener::default().open(&workspace, &settings).unwrap()).await
        })
    }

    /// The words that an upgrade is asked for with, whose pip finds its packages nowhere but at this address.
    pub fn asking_index(&self, args: &[&str], index: &str) -> Command {
        let mut command = self.command(args);
        command
            .env_remove("PIP_NO_INDEX")
            .env_remove("PIP_FIND_LINKS")
            .env("PIP_INDEX_URL", index)
            .env("PIP_DEFAULT_TIMEOUT", "3600");
        command
    }

    /// The rehearsal's program itself.
    pub fn run_maos(words: &[&str]) -> String {
        let output = Command::new(PROGRAM)
            .arg("rehearsal-maos")
            .args(words)
            .output()
            .unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        assert!(output.status.success(), "{words:?} {text}");
        text
    }

    pub fn knob(&self, name: &str, value: &str) {
        let state = self.path("state").display().to_string();
        Site::run_maos(&["--state", &state, "knob", name, value]);
    }

    pub fn submit(&self, description: &str) {
        let state = self.path("state").display().to_string();
        Site::run_maos(&["--state", &state, "task", "submit", description]);
    }

    /// The lines of the last upgrade: key, state, text.
    pub fn lines(&self) -> Vec<(String, String, String)> {
        let ran = self.run(&["journal", "export"]);
        let mut lines: Vec<(String, String, String)> = Vec::new();
        for line in ran.out.lines() {
            let event: Value = serde_json::from_str(line).unwrap_or_default();
            let kind = if event["kind"].is_object() {
                &event["kind"]
            } else {
                &event
            };
            let item = &kind["item"];
            if !item.is_object() || item["key"].is_null() {
                continue;
            }
            let text = |key: &str| item[key].as_str().unwrap_or_default().to_owned();
            let found = (text("key"), text("state"), text("text"));
            match lines.iter_mut().find(|line| line.0 == found.0) {
                Some(line) => *line = found,
                None => lines.push(found),
            }
        }
        lines
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        if self.path("ws/migration.yml").exists() {
            self.block_on(|maos| async move {
                let _ = maos.stop(Stop::Force).await;
            });
        }
    }
}
