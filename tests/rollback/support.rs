//! A site: a workspace, a database with tasks, a MAOS that runs apart, its configuration and checkpoints.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::postgres::Cluster;
use crate::program::{PROGRAM, Ran, command, finish};
use crate::sql::sql;

/// What a site is made of.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// MAOS stays: a version upgrade.
    Upgrade,
    /// A legacy system takes over again.
    Brownfield,
}

pub struct Site {
    folder: tempfile::TempDir,
    /// The URL of MAOS's database.
    pub url: String,
    /// The URL of the legacy database.
    pub legacy: String,
    cluster: Option<Cluster>,
}

impl Site {
    /// A site on PostgreSQL or SQLite with `rows` tasks, MAOS started, no backup yet.
    pub fn new(kind: Kind, on_postgres: bool, rows: u32) -> Self {
        Self::on(kind, on_postgres.then(Cluster::start), rows)
    }

    /// The same on this cluster; without one on SQLite.
    pub fn on(kind: Kind, cluster: Option<Cluster>, rows: u32) -> Self {
        let folder = tempfile::Builder::new().prefix("mmr").tempdir().unwrap();
        let (url, legacy) = match &cluster {
            Some(cluster) => (cluster.database("maos"), cluster.database("legacy")),
            None => (
                format!("sqlite://{}", folder.path().join("maos.db").display()),
                format!("sqlite://{}", folder.path().join("legacy.db").display()),
            ),
        };
        let site = Self {
            folder,
            url,
            legacy,
            cluster,
        };
        site.tables(rows);
        for (name, text) in [
            ("etc/maos.yml", "max_agents: 4\n"),
            ("checkpoints/a.checkpoint", "{\"n\": 1}"),
            ("checkpoints/deep/b.checkpoint", "{\"n\": 2}"),
            ("legacy.can", ""),
        ] {
            site.write(name, text);
        }
        let workspace = site.path("ws");
        std::fs::create_dir_all(&workspace).unwrap();
        std::fs::write(workspace.join("migration.yml"), site.settings(kind)).unwrap();
        site.maos(&["start", "--daemon"]);
        site
    }

    fn tables(&self, rows: u32) {
        let (id, made) = if self.cluster.is_some() {
            ("UUID PRIMARY KEY DEFAULT gen_random_uuid()", "md5(n::text)::uuid")
        } else {
            ("TEXT PRIMARY KEY", "printf('t-%06d', n)")
        };
        let json = if self.cluster.is_some() { "JSONB" } else { "TEXT" };
        sql(
            &self.url,
            &format!(
                "CREATE TABLE tasks (id {id}, description TEXT NOT NULL, task_type TEXT NOT NULL DEFAULT 'general', status TEXT NOT NULL, \
                 priority TEXT NOT NULL DEFAULT 'NORMAL', created_at TEXT, metadata {json})"
            ),
        );
        sql(
            &self.url,
            &format!(
                "INSERT INTO tasks (id, description, status, created_at) WITH RECURSIVE s(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s WHERE n < {rows}) \
                 SELECT {made}, 'task ' || n, 'QUEUED', '2026-11-22T10:00:00' FROM s"
            ),
        );
        let key = if self.cluster.is_some() {
            "SERIAL PRIMARY KEY"
        } else {
            "INTEGER PRIMARY KEY"
        };
        sql(
            &self.legacy,
            &format!(
                "CREATE TABLE legacy_tasks (id {key}, description TEXT NOT NULL, category TEXT, status TEXT NOT NULL, priority TEXT, created_at TEXT, metadata {json})"
            ),
        );
        sql(
            &self.legacy,
            "INSERT INTO legacy_tasks (description, status) VALUES ('old', 'completed')",
        );
    }

    fn settings(&self, kind: Kind) -> String {
        let root = self.folder.path().display();
        let kind = match kind {
            Kind::Upgrade => "type: version_upgrade\n".to_owned(),
            Kind::Brownfield => format!(
                "type: brownfield\nsources: {{ database: \"{}\" }}\nlegacy:\n  ready: [test, -e, {root}/legacy.can]\n  open: [touch, {root}/legacy.open]\n  freeze: [rm, -f, {root}/legacy.open]\n",
                self.legacy
            ),
        };
        format!(
            "name: acme\nenvironment: staging\n{kind}target: {{ database: \"{}\" }}\nmaos:\n  dialect: documented\n  command: [{PROGRAM}, rehearsal-maos]\n  \
             directory: {root}\n  env: {{ MAOS_REHEARSAL_DIR: {root}/state }}\n  config: {root}/etc/maos.yml\n  checkpoints: {root}/checkpoints\n  ready_within: 20\n",
            self.url
        )
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn write(&self, name: &str, text: &str) {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    pub fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.path(name)).unwrap_or_else(|_| "(none)".to_owned())
    }

    /// MAOS's own command line.
    pub fn maos(&self, words: &[&str]) -> (i32, String) {
        let done = Command::new(PROGRAM)
            .arg("rehearsal-maos")
            .args(words)
            .env("MAOS_REHEARSAL_DIR", self.path("state"))
            .output()
            .unwrap();
        (
            done.status.code().unwrap(),
            String::from_utf8_lossy(&done.stdout).into_owned(),
        )
    }

    /// Turns a knob of the rehearsal while it runs.
    pub fn knob(&self, name: &str, value: &str) {
        let (code, text) = self.maos(&["knob", name, value]);
        assert_eq!(code, 0, "{name}: {text}");
    }

    /// The name that has to be typed to arm, as the journal has it.
    pub fn target(&self) -> String {
        let events = self.run(&["journal", "list"]);
        events
            .out
            .lines()
            .filter_map(|line| serde_json::from_str::<Value>(line).ok())
            .find_map(|event| Some(event["target"].as_str()?.rsplit('/').next()?.to_owned()))
            .expect("the settings name a target")
    }

    pub fn runs(&self) -> bool {
        self.maos(&["health"]).0 == 0
    }

    fn arguments<'a>(workspace: &'a str, args: &[&'a str]) -> Vec<&'a str> {
        [&["-w", workspace, "--json"], args].concat()
    }

    /// Our program on the workspace.
    pub fn run(&self, args: &[&str]) -> Ran {
        self.run_with(args, None)
    }

    /// The same, ended at a point.
    pub fn run_with(&self, args: &[&str], point: Option<&str>) -> Ran {
        let workspace = self.path("ws").display().to_string();
        let mut command = command(Path::new("/"), &Self::arguments(&workspace, args));
        if let Some(point) = point {
            command.env("MAOS_MIGRATE_FAIL_POINT", point);
        }
        finish(command)
    }

    /// Makes and proves a backup.
    pub fn backup(&self) -> String {
        let ran = self.run(&["backup", "create", "--yes"]);
        assert_eq!(ran.code, Some(0), "{ran:#?}");
        let listed = self.run(&["backup", "list"]).document();
        listed["backups"][0]["id"].as_str().unwrap().to_owned()
    }

    /// Rolls back.
    pub fn back(&self, more: &[&str]) -> Ran {
        self.run(&self.applying(more).iter().map(String::as_str).collect::<Vec<_>>())
    }

    pub fn applying(&self, more: &[&str]) -> Vec<String> {
        let name = if self.cluster.is_some() { "maos" } else { "maos.db" };
        ["rollback", "apply", "--yes", "--confirm", name]
            .iter()
            .chain(more)
            .map(|word| (*word).to_owned())
            .collect()
    }

    /// The options that approve it, with the target's name.
    pub fn confirmed<'a>(&self, verb: &'a str) -> [&'a str; 5] {
        let name = if self.cluster.is_some() { "maos" } else { "maos.db" };
        ["rollback", verb, "--yes", "--confirm", name]
    }

    /// What happens after a backup: new rows, a changed one, another configuration, other checkpoints.
    pub fn go_on(&self) {
        let new = if self.cluster.is_some() {
            "INSERT INTO tasks (description, status, task_type) VALUES ('new one', 'QUEUED', 'coding'), ('new two', 'RUNNING', 'general')"
        } else {
            "INSERT INTO tasks (id, description, status, task_type) VALUES ('n-1', 'new one', 'QUEUED', 'coding'), ('n-2', 'new two', 'RUNNING', 'general')"
        };
        sql(&self.url, new);
        sql(
            &self.url,
            "UPDATE tasks SET status = 'COMPLETED' WHERE description = 'task 7'",
        );
        self.write("etc/maos.yml", "max_agents: 16\nbroken: true\n");
        self.write("checkpoints/c.checkpoint", "{}");
        std::fs::remove_file(self.path("checkpoints/a.checkpoint")).unwrap();
    }

    /// Everything that a rollback is about, as one text.
    pub fn state(&self) -> String {
        let tasks = sql(
            &self.url,
            "SELECT description, status, task_type FROM tasks ORDER BY description",
        );
        format!(
            "{tasks}\nconfig: {}\na: {} b: {} c: {}\nruns: {}\n",
            self.read("etc/maos.yml"),
            self.read("checkpoints/a.checkpoint"),
            self.read("checkpoints/deep/b.checkpoint"),
            self.read("checkpoints/c.checkpoint"),
            self.runs()
        )
    }

    /// Databases that a rollback makes and does not leave, and those that it keeps.
    pub fn copies(&self) -> (usize, usize) {
        let names: Vec<String> = if self.cluster.is_some() {
            sql(&self.url, "SELECT datname FROM pg_database")
                .lines()
                .map(str::to_owned)
                .collect()
        } else {
            std::fs::read_dir(self.folder.path())
                .unwrap()
                .map(|entry| entry.unwrap().file_name().into_string().unwrap())
                .collect()
        };
        let with = |part: &str| names.iter().filter(|name| name.contains(part)).count();
        (
            with("_rb_") + with("_verify_") + with("_rehearse_"),
            with("maos_old_"),
        )
    }

    pub fn result(&self) -> Value {
        serde_json::from_str(&self.read("ws/rollback/rollback_result.json")).unwrap()
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        self.maos(&["stop", "--force"]);
    }
}
