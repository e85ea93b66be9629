//! A throw-away PostgreSQL for this test program, one database a test, SQLite files in temporary folders, and runs of the engine.

#[path = "../support/initdb.rs"]
mod initdb;

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock};

use initdb::run;
use maos_migrate::adapters::open_store;
use maos_migrate::engine::operation::{Control, Notice};
use maos_migrate::engine::schema::{self, Applied, Live, Prepared, Request, Running, Stores};
use secrecy::SecretString;

pub const BIN: &str = "/usr/lib/postgresql/15/bin";

/// A cluster of its own; stopped by the janitor when the test program ends.
pub struct Cluster {
    pub folder: PathBuf,
}

fn server_command(program: &Path) -> Command {
    // As root the server runs as its own user; otherwise as whoever runs the tests.
    if rustix::process::geteuid().is_root() {
        let mut command = Command::new("setpriv");
        command
            .args(["--reuid=postgres", "--regid=postgres", "--clear-groups"])
            .arg(program);
        command
    } else {
        Command::new(program)
    }
}

impl Cluster {
    /// Makes and starts a cluster in a folder with a short name, since socket paths are short.
    #[expect(clippy::zombie_processes, reason = "the janitor outlives this process")]
    pub fn start(options: &str) -> Self {
        static NUMBER: AtomicUsize = AtomicUsize::new(0);
        let folder = PathBuf::from(format!(
            "/tmp/mmt{}.{}",
            std::process::id(),
            NUMBER.fetch_add(1, Ordering::SeqCst)
        ));
        std::fs::create_dir_all(&folder).expect("folder");
        if rustix::process::geteuid().is_root() {
            run(Command::new("chown").arg("postgres").arg(&folder));
        }
        let data = folder.join("data");
        initdb::copied(Path::new(BIN), &data);
        let cluster = Self { folder };
        cluster.up(options);
        // Whatever ends this process, the server ends with it.
        let watch = format!(
            "while kill -0 {} 2>/dev/null; do sleep 1; done; kill -QUIT $(head -1 {}/postmaster.pid); sleep 1; rm -rf {}",
            std::process::id(),
            data.display(),
            cluster.folder.display()
        );
        Command::new("setsid")
            .args(["sh", "-c", &watch])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("the janitor starts");
        cluster
    }

    pub fn up(&self, options: &str) {
        let options = format!(
            "-k {} -c listen_addresses='' -c synchronous_commit=off -c max_connections=200 {options}",
            self.folder.display()
        );
        run(server_command(&Path::new(BIN).join("pg_ctl"))
            .args(["-w", "-s", "start", "-o", &options, "-l"])
            .arg(self.folder.join("log"))
            .arg("-D")
            .arg(self.folder.join("data"))
            .stdout(Stdio::null()));
    }

    pub fn down(&self, mode: &str) {
        run(server_command(&Path::new(BIN).join("pg_ctl"))
            .args(["-w", "-s", "stop", "-m", mode, "-D"])
            .arg(self.folder.join("data")));
    }

    pub fn psql(&self, database: &str, sql: &str) -> String {
        crate::sql::sql(&self.url(database), sql)
    }

    /// How a database of it is reached.
    pub fn url(&self, database: &str) -> String {
        format!(
            "postgres://maos@localhost/{database}?host={}",
            self.folder.display()
        )
    }

    pub fn database(&self, name: &str) -> Db {
        self.psql("postgres", &format!("CREATE DATABASE {name}"));
        Db::Postgres {
            folder: self.folder.clone(),
            name: name.to_owned(),
        }
    }
}

/// The cluster of this test program.
pub fn cluster() -> &'static Cluster {
    static CLUSTER: OnceLock<Cluster> = OnceLock::new();
    CLUSTER.get_or_init(|| Cluster::start("-c fsync=off -c full_page_writes=off"))
}

/// A database of either sort.
#[derive(Clone)]
pub enum Db {
    Postgres { folder: PathBuf, name: String },
    Sqlite(PathBuf),
}

impl Db {
    pub fn url(&self) -> String {
        match self {
            Self::Postgres { folder, name } => Cluster {
                folder: folder.clone(),
            }
            .url(name),
            Self::Sqlite(path) => format!("sqlite://{}", path.display()),
        }
    }

    pub fn sql(&self, sql: &str) -> String {
        match self {
            Self::Postgres { folder, name } => Cluster {
                folder: folder.clone(),
            }
            .psql(name, sql),
            Self::Sqlite(path) => sqlite(path, sql),
        }
    }

    pub fn is_postgres(&self) -> bool {
        matches!(self, Self::Postgres { .. })
    }

    pub fn count(&self, what: &str) -> u64 {
        self.sql(&format!("SELECT count(*) FROM {what}"))
            .parse()
            .expect("a count")
    }
}

/// Runs statements in a SQLite file with the same library the program has.
pub fn sqlite(path: &Path, sql: &str) -> String {
    let (path, sql) = (path.to_owned(), sql.to_owned());
    std::thread::spawn(move || {
        tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .expect("runtime")
            .block_on(async {
                use sqlx::{Column as _, Connection as _, Row as _, ValueRef as _};
                let options = sqlx::sqlite::SqliteConnectOptions::new()
                    .filename(&path)
                    .create_if_missing(true)
                    .busy_timeout(std::time::Duration::from_secs(20));
                let mut connection = sqlx::sqlite::SqliteConnection::connect_with(&options)
                    .await
                    .expect("opens");
                let rows = sqlx::raw_sql(sqlx::AssertSqlSafe(sql.clone()))
                    .fetch_all(&mut connection)
                    .await
                    .unwrap_or_else(|error| panic!("{sql}: {error}"));
                let lines: Vec<String> = rows
                    .iter()
                    .map(|row| {
                        row.columns()
                            .iter()
                            .map(|column| {
                                let raw = row.try_get_raw(column.ordinal()).expect("raw");
                                if raw.is_null() {
                                    return String::new();
                                }
                                match raw.type_info().to_string().as_str() {
                                    "INTEGER" | "BOOLEAN" => {
                                        row.get_unchecked::<i64, _>(column.ordinal()).to_string()
                                    }
                                    "REAL" => row.get_unchecked::<f64, _>(column.ordinal()).to_string(),
                                    _ => String::from_utf8_lossy(
                                        row.get_unchecked::<&[u8], _>(column.ordinal()),
                                    )
                                    .into_owned(),
                                }
                            })
                            .collect::<Vec<_>>()
                            .join("|")
                    })
                    .collect();
                connection.close().await.expect("closes");
                lines.join("\n")
            })
    })
    .join()
    .expect("the thread ends")
}

/// A fresh database of a sort: `pg` or `sqlite`, with a name of its own.
pub fn fresh(kind: &str, folder: &Path) -> Db {
    static NUMBER: AtomicUsize = AtomicUsize::new(0);
    let number = NUMBER.fetch_add(1, Ordering::SeqCst);
    if kind == "pg" {
        cluster().database(&format!("t{}_{number}", std::process::id()))
    } else {
        Db::Sqlite(folder.join(format!("db{number}.db")))
    }
}

/// The legacy table with a mixed bag of rows: known and unknown values, NULLs, gaps in the keys, text that must be escaped.
pub fn seed(db: &Db, rows: u64) {
    if db.is_postgres() {
        db.sql("CREATE TABLE legacy_tasks (id bigint PRIMARY KEY, description text, category text, status text, priority text, created_at timestamp, metadata jsonb)");
        db.sql(&format!(
            "INSERT INTO legacy_tasks SELECT i * 3, CASE i % 7 WHEN 0 THEN E'tab\\there \\\\ and\\nline ' || i WHEN 1 THEN '日本 ''quoted'' ' || i ELSE 'Task number ' || i END, \
             (array['research','development','analysis','Research ','other',NULL])[1 + i % 6], \
             (array['pending','completed','failed','cancelled','completed'])[1 + i % 5], \
             (array['LOW','NORMAL','HIGH',NULL])[1 + i % 4], timestamp '2024-01-01' + i * interval '61.5 seconds', \
             CASE WHEN i % 3 = 0 THEN NULL ELSE jsonb_build_object('owner', 'u' || i % 10, 'n', i * 1.50, 'nested', jsonb_build_array(1, NULL, 'x\"y')) END \
             FROM generate_series(1, {rows}) i"
        ));
    } else {
        db.sql("CREATE TABLE legacy_tasks (id INTEGER PRIMARY KEY, description TEXT, category TEXT, status TEXT, priority TEXT, created_at TEXT, metadata TEXT)");
        db.sql(&format!(
            "WITH RECURSIVE g(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM g WHERE i < {rows}) \
             INSERT INTO legacy_tasks SELECT i * 3, CASE i % 7 WHEN 0 THEN 'tab' || char(9) || 'here \\ and' || char(10) || 'line ' || i WHEN 1 THEN '日本 ''quoted'' ' || i ELSE 'Task number ' || i END, \
             CASE i % 6 WHEN 0 THEN 'research' WHEN 1 THEN 'development' WHEN 2 THEN 'analysis' WHEN 3 THEN 'Research ' WHEN 4 THEN 'other' END, \
             CASE i % 5 WHEN 0 THEN 'pending' WHEN 2 THEN 'failed' WHEN 3 THEN 'cancelled' ELSE 'completed' END, \
             CASE i % 4 WHEN 0 THEN 'LOW' WHEN 1 THEN 'NORMAL' WHEN 2 THEN 'HIGH' END, datetime('2024-01-01', (i * 61) || ' seconds'), \
             CASE WHEN i % 3 = 0 THEN NULL ELSE json_object('owner', 'u' || (i % 10), 'n', i * 1.5, 'nested', json_array(1, NULL, 'x\"y')) END FROM g"
        ));
    }
}

pub fn stores(source: &Db, target: &Db) -> Stores {
    Stores {
        source: open_store(&SecretString::from(source.url()), false).expect("source opens"),
        target: open_store(&SecretString::from(target.url()), true).expect("target opens"),
    }
}

pub fn request() -> Request {
    let mut request = Request::new(format!("tester on here, pid {}", std::process::id())).expect("request");
    request.running = Some(Running::Keep);
    request.patience_s = 30;
    request
}

/// Notices of a run, for looking at.
#[derive(Clone, Default)]
pub struct Log(pub Arc<Mutex<Vec<Notice>>>);

impl Log {
    pub fn control(&self) -> Control {
        let log = Arc::clone(&self.0);
        Control::new(move |notice| log.lock().unwrap().push(notice))
    }

    pub fn lines(&self) -> Vec<String> {
        self.0
            .lock()
            .unwrap()
            .iter()
            .filter_map(|notice| match notice {
                Notice::Log(text) => Some(text.clone()),
                _ => None,
            })
            .collect()
    }
}

pub fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("runtime")
        .block_on(future)
}

pub async fn plan(request: &Request, stores: &Stores) -> Prepared {
    schema::plan(request, stores, &Control::silent())
        .await
        .expect("a plan")
}

pub async fn apply(request: &Request, stores: &Stores) -> Applied {
    let prepared = plan(request, stores).await;
    let now = "2026-11-22T10:00:00Z".parse().expect("a time");
    schema::apply(&prepared, stores, now, &Control::silent(), &Live::default())
        .await
        .unwrap_or_else(|error| panic!("apply: {error:?}"))
}

/// Plans, and copies under `control`.
pub async fn apply_under(
    source: &Db,
    target: &Db,
    control: &Control,
) -> maos_migrate::engine::Result<Applied> {
    let stores = stores(source, target);
    let prepared = plan(&request(), &stores).await;
    let now = jiff::Timestamp::UNIX_EPOCH;
    schema::apply(&prepared, &stores, now, control, &Live::default()).await
}

/// Waits for the first committed chunk.
pub fn first_chunk(target: &Db) {
    while target.sql("SELECT to_regclass('migration_chunk') IS NOT NULL") != "t"
        || target.count("migration_chunk") == 0
    {
        std::thread::yield_now();
    }
}

pub fn run_once(source: &Db, target: &Db) -> Applied {
    block_on(async { apply(&request(), &stores(source, target)).await })
}

/// The target's rows without conversion times, as one text in order: equal text, equal state.
pub fn state(target: &Db) -> String {
    let tasks = if target.is_postgres() {
        "SELECT id, description, task_type, status, priority, created_at, metadata - 'migration_date' FROM tasks ORDER BY id"
    } else {
        "SELECT id, description, task_type, status, priority, created_at, json_remove(metadata, '$.migration_date') FROM tasks ORDER BY id"
    };
    [
        target.sql(tasks),
        target.sql("SELECT legacy_task_id, maos_task_id, status, source FROM migration_tracking ORDER BY maos_task_id"),
        target.sql("SELECT source, legacy_key, ordinal, reason, raw FROM migration_quarantine ORDER BY legacy_key, ordinal"),
    ]
    .join("\n--\n")
}

/// An empty legacy table with the guide's columns, and rows given as SQL values.
pub fn table(db: &Db, rows: &str) {
    let time = if db.is_postgres() { "timestamp" } else { "TEXT" };
    let json = if db.is_postgres() { "jsonb" } else { "TEXT" };
    db.sql(&format!("CREATE TABLE legacy_tasks (id bigint PRIMARY KEY, description text, category text, status text, priority text, created_at {time}, metadata {json})"));
    if !rows.is_empty() {
        db.sql(&format!("INSERT INTO legacy_tasks (id, description, category, status, priority, created_at, metadata) VALUES {rows}"));
    }
}

/// Plans and copies with a request of one's own.
pub fn with(source: &Db, target: &Db, change: impl FnOnce(&mut Request)) -> Applied {
    let mut request = request();
    change(&mut request);
    block_on(async { apply(&request, &stores(source, target)).await })
}

/// Only the plan.
pub fn planned(
    source: &Db,
    target: &Db,
    change: impl FnOnce(&mut Request),
) -> Result<Prepared, maos_migrate::engine::Error> {
    let mut request = request();
    change(&mut request);
    block_on(async { schema::plan(&request, &stores(source, target), &Control::silent()).await })
}

pub fn reasons(target: &Db) -> String {
    target.sql("SELECT reason, count(*) FROM migration_quarantine GROUP BY reason ORDER BY reason")
}

/// Both sorts of database, each with a fresh source and a fresh target.
pub fn both(test: impl Fn(Db, Db)) {
    for kind in ["pg", "sqlite"] {
        let folder = tempfile::tempdir().expect("folder");
        let source = fresh(kind, folder.path());
        let target = if kind == "pg" {
            source.clone()
        } else {
            fresh(kind, folder.path())
        };
        test(source, target);
    }
}
