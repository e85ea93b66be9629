//! Databases of either kind with rows in them, and requests for backups of them.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use jiff::Timestamp;
use maos_migrate::adapters::databases::Opener;
use maos_migrate::engine::backup::{Made, Part, Request, create, verify};
use maos_migrate::engine::error::Result;
use maos_migrate::engine::operation::Control;
use maos_migrate::engine::ports::databases::{Database, OpenDatabases as _};
use maos_migrate::engine::ports::store::Table;
use secrecy::SecretString;

use crate::postgres::Cluster;
use crate::sql::sql;

/// A database named `name` with `rows` tasks and something of every other kind of object.
pub fn postgres(cluster: &Cluster, name: &str, rows: u32) -> String {
    let url = cluster.database(name);
    sql(
        &url,
        &format!(
            "CREATE TABLE tasks (id UUID PRIMARY KEY DEFAULT gen_random_uuid(), description TEXT NOT NULL, task_type TEXT NOT NULL DEFAULT 'general', \
             status TEXT NOT NULL, priority TEXT NOT NULL DEFAULT 'NORMAL', created_at TIMESTAMPTZ DEFAULT now(), metadata JSONB NOT NULL DEFAULT '{{}}'); \
             CREATE INDEX tasks_status ON tasks (status); \
             INSERT INTO tasks (id, description, status, metadata) SELECT md5(n::text)::uuid, 'task ' || n, 'QUEUED', jsonb_build_object('n', n) FROM generate_series(1, {rows}) n; \
             CREATE TABLE events (n SERIAL PRIMARY KEY, at TIMESTAMP, amount NUMERIC, share DOUBLE PRECISION, raw BYTEA); \
             INSERT INTO events (at, amount, share, raw) VALUES ('2026-01-02', 1.10, 0.1, '\\x00ff'), (NULL, NULL, 'NaN', NULL); \
             CREATE VIEW open_tasks AS SELECT id FROM tasks WHERE status = 'QUEUED'; \
             CREATE FUNCTION twice(n int) RETURNS int LANGUAGE sql AS 'SELECT n * 2'; \
             ALTER DATABASE {name} SET work_mem TO '5MB'"
        ),
    );
    url
}

/// A SQLite file with `rows` tasks.
pub fn sqlite(folder: &Path, rows: u32) -> String {
    let path = folder.join("maos.db");
    let script = format!(
        "import sqlite3\nc = sqlite3.connect({path:?})\nc.executescript('''CREATE TABLE tasks (id TEXT PRIMARY KEY NOT NULL, description TEXT NOT NULL, \
         status TEXT NOT NULL, progress REAL, blob BLOB) WITHOUT ROWID; CREATE INDEX tasks_status ON tasks (status);''')\n\
         c.executemany('INSERT INTO tasks VALUES (?, ?, ?, ?, ?)', ((f't-{{n:06}}', f'task {{n}}', 'QUEUED', n / 7, None) for n in range({rows})))\nc.commit()\n"
    );
    let done = Command::new("python3").args(["-c", &script]).status().unwrap();
    assert!(done.success());
    format!("sqlite://{}", path.display())
}

pub fn open(url: &str) -> Arc<dyn Database> {
    Opener.open(&SecretString::from(url.to_owned()), None).unwrap()
}

pub fn now() -> Timestamp {
    "2026-11-22T14:20:03Z".parse().unwrap()
}

/// A request for a backup of the database at `url` into `folder/backups`, with a configuration and checkpoints.
pub fn request(folder: &Path, url: &str) -> Request {
    let config = folder.join("etc/config.yml");
    let checkpoints = folder.join("checkpoints");
    std::fs::create_dir_all(config.parent().unwrap()).unwrap();
    std::fs::create_dir_all(checkpoints.join("deep")).unwrap();
    std::fs::write(&config, "system:\n  max_agents: 4\n").unwrap();
    std::fs::write(checkpoints.join("a.checkpoint"), "{}").unwrap();
    std::fs::write(checkpoints.join("deep/b.checkpoint"), "[]").unwrap();
    if !checkpoints.join("latest").is_symlink() {
        std::os::unix::fs::symlink("a.checkpoint", checkpoints.join("latest")).unwrap();
    }
    Request {
        folder: folder.join("backups"),
        database: Some(open(url)),
        table: Table::parse("tasks"),
        maos: None,
        roots: vec![
            (Part::MaosConfig, config),
            (Part::Checkpoints, checkpoints),
            (Part::Also, folder.join("not/there")),
        ],
        uncovered: Vec::new(),
        migration: "acme".to_owned(),
        operator: "alice".to_owned(),
        host: "ops-1".to_owned(),
        now: now(),
    }
}

pub async fn made(request: &Request) -> Made {
    create(request, &Control::silent()).await.unwrap()
}

pub async fn proved(folder: &Path, url: &str) -> Result<maos_migrate::engine::backup::Verification> {
    let database = open(url);
    verify(folder, Some(database.as_ref()), "alice", &now, &Control::silent()).await
}

/// The names of all databases of a server, or of all database files in a folder.
pub fn databases(url: &str) -> Vec<String> {
    if let Some(path) = url.strip_prefix("sqlite://") {
        let mut names: Vec<String> = std::fs::read_dir(PathBuf::from(path).parent().unwrap())
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .filter(|name| name.contains(".db"))
            .collect();
        names.sort();
        return names;
    }
    sql(
        url,
        "SELECT datname FROM pg_database WHERE NOT datistemplate ORDER BY 1",
    )
    .lines()
    .map(str::to_owned)
    .collect()
}
