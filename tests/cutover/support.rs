//! The sample, moved as far as its rows and backed up, with the rehearsal's program as its MAOS.

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use rustix::process::{Pid, Signal, kill_process};

use serde_json::Value;

use crate::postgres::Cluster;
use crate::program::{PROGRAM, Ran, command, finish};
use crate::sql::sql;

/// What `${LEGACY_WORD}` stands for in the settings: a variable whose name says nothing of a secret, so that only the settings do.
pub const TOKEN: &str = "canary-4f0c77d1b2";

pub struct Site {
    folder: tempfile::TempDir,
    /// The legacy database.
    pub legacy: String,
    /// MAOS's database.
    pub target: String,
    _cluster: Option<Cluster>,
}

fn copied(from: &Path, to: &Path) {
    let done = Command::new("cp").arg("-a").arg(from).arg(to).status().unwrap();
    assert!(done.success());
}

impl Site {
    /// The sample on SQLite, as it comes.
    pub fn sqlite() -> Self {
        let folder = tempfile::Builder::new().prefix("mmc").tempdir().unwrap();
        let at = |name: &str| format!("sqlite://{}", folder.path().join("ws").join(name).display());
        let (legacy, target) = (at("legacy/legacy.db"), at("target/maos.db"));
        let site = Self {
            folder,
            legacy,
            target,
            _cluster: None,
        };
        copied(
            &Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/sample"),
            &site.path("ws"),
        );
        site.prepared("sqlite://legacy/legacy.db", "sqlite://target/maos.db")
    }

    /// The same with its rows in two PostgreSQL databases.
    pub fn postgres() -> Self {
        Self::postgres_as("maos")
    }

    /// The same, whose legacy database is named with this user, and password.
    pub fn postgres_as(user: &str) -> Self {
        let folder = tempfile::Builder::new().prefix("mmc").tempdir().unwrap();
        let cluster = Cluster::start();
        let legacy = cluster
            .database("legacy")
            .replace("//maos@", &format!("//{user}@"));
        let target = cluster.database("maos");
        sql(
            &legacy,
            "CREATE TABLE legacy_tasks (id INTEGER PRIMARY KEY, description TEXT NOT NULL, category TEXT, status TEXT NOT NULL, \
             priority TEXT, created_at TIMESTAMP NOT NULL, started_at TIMESTAMP, completed_at TIMESTAMP, metadata JSONB); \
             INSERT INTO legacy_tasks SELECT n, 'Compare ' || n, 'analysis', CASE WHEN n % 5 = 0 THEN 'pending' ELSE 'completed' END, \
             'NORMAL', TIMESTAMP '2026-01-01' + n * INTERVAL '1 minute', NULL, NULL, '{}' FROM generate_series(1, 500) n",
        );
        let site = Self {
            folder,
            legacy,
            target,
            _cluster: Some(cluster),
        };
        copied(
            &Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/sample"),
            &site.path("ws"),
        );
        let (legacy, target) = (site.legacy.clone(), site.target.clone());
        site.prepared(&legacy, &target)
    }

    fn prepared(self, legacy: &str, target: &str) -> Self {
        let settings = std::fs::read_to_string(self.path("ws/migration.yml")).unwrap();
        let maos = format!(
            "maos:\n  command: [{PROGRAM}, rehearsal-maos, --state, {}]\n  ready_within: 20\n",
            self.path("state").display()
        );
        let text = settings
            .replace("sqlite://legacy/legacy.db", &format!("'{legacy}'"))
            .replace("sqlite://target/maos.db", &format!("'{target}'"))
            .replace("  maos: rehearsal\n", "");
        self.write("ws/migration.yml", &format!("{text}{maos}"));
        // The whole way as far as the rows; what comes behind them is stopped at its first safe point.
        let mut demo = command(self.folder.path(), &["-w", "ws", "demo", "--headless"]);
        let mut demo = demo
            .env("LEGACY_WORD", TOKEN)
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut said = Vec::new();
        for line in BufReader::new(demo.stderr.take().unwrap()).lines() {
            let line = line.unwrap();
            if line.starts_with("compare ") && line.contains(" started: ") {
                kill_process(Pid::from_child(&demo), Signal::TERM).unwrap();
            }
            said.push(line);
        }
        assert_eq!(demo.wait().unwrap().code(), Some(130), "{said:#?}");
        self.maos(&["stop", "--force"]);
        self
    }

    pub fn backed_up(self) -> Self {
        self.done(&["backup", "create", "--yes"]);
        self
    }

    /// Keeps the workspace as it is for [`Site::again`].
    pub fn keep(&self) {
        copied(&self.path("ws"), &self.path("kept"));
    }

    /// Everything is as it was kept; MAOS is a new one that does not run.
    pub fn again(&self) {
        self.maos(&["stop", "--force"]);
        for gone in ["ws", "state"] {
            let _ = std::fs::remove_dir_all(self.path(gone));
        }
        copied(&self.path("kept"), &self.path("ws"));
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn write(&self, name: &str, text: &str) {
        std::fs::write(self.path(name), text).unwrap();
    }

    /// Replaces a piece of `migration.yml`.
    pub fn set(&self, from: &str, to: &str) {
        let text = std::fs::read_to_string(self.path("ws/migration.yml")).unwrap();
        assert!(text.contains(from), "{from} is not in {text}");
        self.write("ws/migration.yml", &text.replace(from, to));
    }

    pub fn command(&self, args: &[&str]) -> Command {
        self.as_asked(&["--json"], args)
    }

    /// The same with other words before the verb.
    pub fn as_asked(&self, before: &[&str], args: &[&str]) -> Command {
        let mut command = command(self.folder.path(), &[before, &["-w", "ws"], args].concat());
        command.env("LEGACY_WORD", TOKEN);
        command
    }

    /// The files of the workspace that hold this text, aside from where it is kept and what a test wrote.
    pub fn holding(&self, text: &str) -> Vec<PathBuf> {
        let mut folders = vec![self.path("ws")];
        let mut found = Vec::new();
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                } else if ["migration.yml", "drain.sh", "maos.env"]
                    .iter()
                    .all(|own| !path.ends_with(own))
                    && std::fs::read(&path)
                        .is_ok_and(|bytes| bytes.windows(text.len()).any(|window| window == text.as_bytes()))
                {
                    found.push(path);
                }
            }
        }
        found
    }

    pub fn run(&self, args: &[&str]) -> Ran {
        finish(self.command(args))
    }

    pub fn done(&self, args: &[&str]) -> Value {
        let ran = self.run(args);
        assert_eq!(ran.code, Some(0), "{args:?} {ran:#?}");
        ran.document()
    }

    /// `cutover apply` with the approval that its plan wants.
    pub fn apply(&self, more: &[&str]) -> Vec<String> {
        let target = self.done(&[&["cutover", "plan"], more].concat())["plan"]["target"]
            .as_str()
            .unwrap()
            .to_owned();
        let mut args = vec![
            "cutover".to_owned(),
            "apply".to_owned(),
            "--yes".to_owned(),
            "--confirm".to_owned(),
            target,
        ];
        args.extend(more.iter().map(|word| (*word).to_owned()));
        args
    }

    /// Cuts over.
    pub fn over(&self, more: &[&str]) -> Value {
        let args = self.apply(more);
        self.done(&args.iter().map(String::as_str).collect::<Vec<_>>())
    }

    /// Cuts over and expects this exit code; the message with its hint.
    pub fn fails(&self, more: &[&str], code: i32) -> String {
        let args = self.apply(more);
        self.refused(&args.iter().map(String::as_str).collect::<Vec<_>>(), code)
    }

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

    /// Whether the legacy side is closed.
    pub fn closed(&self) -> bool {
        self.path("ws/legacy/closed").exists()
    }

    pub fn maos(&self, words: &[&str]) -> (Option<i32>, String) {
        let output = Command::new(PROGRAM)
            .args(["rehearsal-maos", "--state"])
            .arg(self.path("state"))
            .args(words)
            .output()
            .unwrap();
        (output.status.code(), String::from_utf8(output.stdout).unwrap())
    }

    /// Whether MAOS runs.
    pub fn serves(&self) -> bool {
        let (_, said) = self.maos(&["--format", "json", "health"]);
        said.contains("healthy") && !said.contains("\"healthy\":0") && self.maos(&["health"]).0 == Some(0)
    }

    /// Rows in MAOS's table, and in the legacy one.
    pub fn rows(&self) -> (u64, u64) {
        let count = |url: &str, table: &str| {
            sql(url, &format!("SELECT count(*) FROM {table}"))
                .parse()
                .unwrap()
        };
        (count(&self.target, "tasks"), count(&self.legacy, "legacy_tasks"))
    }

    /// Three rows more in the legacy system.
    pub fn three_more(&self) {
        let first: u64 = sql(&self.legacy, "SELECT max(id) FROM legacy_tasks")
            .parse()
            .unwrap();
        for id in first + 1..=first + 3 {
            sql(
                &self.legacy,
                &format!(
                    "INSERT INTO legacy_tasks (id, description, category, status, priority, created_at, metadata) \
                     VALUES ({id}, 'came late', 'analysis', 'pending', 'NORMAL', '2026-11-20 10:00:00', '{{}}')"
                ),
            );
        }
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        self.maos(&["stop", "--force"]);
    }
}

/// The legacy side lists these as running, and they are waited for one second.
pub fn running(site: &Site, tasks: &str) {
    site.write("ws/running.json", tasks);
    site.set(
        "legacy:\n",
        "legacy:\n  running: [cat, running.json]\n  drain_within: 1\n",
    );
}
