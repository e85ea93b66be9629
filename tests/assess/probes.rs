//! The probes against this machine, real servers and real files.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use maos_migrate::adapters::probes::{
    BaselineProbe, CpuCores, LegacyDatabase, Maos, Memory, NetworkLink, Place, Postgres, Python, Redis,
    Storage, Utilization,
};
use maos_migrate::engine::ports::probe::{Probe, Reading};
use secrecy::SecretString;
use sqlx::{AssertSqlSafe, Connection as _};

use super::postgres::Cluster;

async fn one(probe: impl Probe) -> Reading {
    let mut readings = probe.run().await;
    assert_eq!(readings.len(), 1);
    readings.remove(0)
}

fn shown(reading: &Reading) -> (String, String) {
    match &reading.result {
        Ok(figure) => (figure.value.shown(), figure.evidence.clone()),
        Err(why) => ("-".to_owned(), why.clone()),
    }
}

fn number(reading: &Reading) -> f64 {
    let (value, evidence) = shown(reading);
    value
        .parse()
        .unwrap_or_else(|_| panic!("no number: {value} ({evidence})"))
}

#[tokio::test]
async fn this_machine_has_cores_memory_space_and_load() {
    let folder = tempfile::tempdir().expect("a folder");
    let cores = std::thread::available_parallelism().expect("cores").get();
    assert_eq!(shown(&one(CpuCores).await).0, cores.to_string());
    assert!(number(&one(Memory).await) > 0.1);
    // The folder itself need not exist yet.
    let storage = one(Storage::new(&folder.path().join("not/yet"))).await;
    assert!(number(&storage) >= 0.0);
    assert_eq!(shown(&storage).1, format!("statvfs {}", folder.path().display()));
    for reading in Utilization::default().run().await {
        assert!((0.0..=100.0).contains(&number(&reading)), "{reading:?}");
    }
}

#[tokio::test]
async fn postgresql_tells_its_version_and_what_this_role_may_do() {
    let cluster = Cluster::start();
    let url = cluster.database("target");
    let place = Place::of(&url);
    let (value, evidence) = shown(&one(Postgres::new(place)).await);
    assert!(
        value
            .split('.')
            .next()
            .is_some_and(|major| major.parse::<u32>().is_ok()),
        "{value}"
    );
    assert_eq!(evidence, "server_version, may create tables in public");

    let mut admin = sqlx::PgConnection::connect(&url).await.expect("connects");
    for statement in [
        "create role guest login",
        "revoke create on schema public from public",
    ] {
        sqlx::query(statement).execute(&mut admin).await.expect("runs");
    }
    let guest = url.replace("maos@", "guest@");
    let (value, evidence) = shown(&one(Postgres::new(Place::of(&guest))).await);
    assert!(value.ends_with(", may not create tables"), "{value}");
    assert_eq!(evidence, "server_version, no right to create in schema public");
}

#[tokio::test]
async fn fault_e78_a_server_that_refuses_never_gives_the_password_away() {
    let url = "postgres://app:hunter2%40x@127.0.0.1:1/app";
    let (value, why) = shown(&one(Postgres::new(Place::of(url))).await);
    assert_eq!(value, "-");
    assert!(!why.is_empty() && !why.contains("hunter2"), "{why}");
    let redis = Redis::at(SecretString::from("redis://:hunter2@127.0.0.1:1/"), "127.0.0.1:1");
    let (_, why) = shown(&one(redis).await);
    assert!(
        why.starts_with("no Redis answers at 127.0.0.1:1: ") && !why.contains("hunter2"),
        "{why}"
    );
}

#[tokio::test]
async fn a_sqlite_target_needs_no_postgresql_and_no_network() {
    let place = Place::of("sqlite:///srv/maos.db");
    let (value, evidence) = shown(&one(Postgres::new(place.clone())).await);
    assert_eq!(value, "not used");
    assert!(evidence.starts_with("the target is SQLite 3."), "{evidence}");
    let link = NetworkLink::between(place.as_ref(), place.as_ref());
    assert_eq!(shown(&one(link).await).0, "local");
    let link = NetworkLink::between(None, Place::of("postgres://a@localhost/x").as_ref());
    assert_eq!(shown(&one(link).await).0, "local");
    let (value, why) = shown(&one(NetworkLink::between(None, None)).await);
    assert_eq!(
        (value.as_str(), why.as_str()),
        ("-", "no target database is named yet")
    );
}

#[tokio::test]
async fn redis_tells_its_version_and_mode() {
    let server = super::redis::Redis::start();
    let probe = Redis::at(SecretString::from(server.url()), "the test's socket");
    let (value, evidence) = shown(&one(probe).await);
    assert!(value.ends_with(", no cluster"), "{value}");
    assert_eq!(evidence, "INFO server at the test's socket");
    let (value, _) = shown(&one(Redis::not_used("the rehearsal needs no Redis")).await);
    assert_eq!(value, "not used");
}

fn program(folder: &Path, name: &str, text: &str) -> PathBuf {
    let path = folder.join(name);
    std::fs::create_dir_all(folder).expect("a folder");
    std::fs::write(&path, text).expect("writes");
    std::fs::set_permissions(&path, PermissionsExt::from_mode(0o755)).expect("sets");
    path
}

#[tokio::test]
async fn python_beside_a_named_maos_is_the_one_that_counts() {
    let folder = tempfile::tempdir().expect("a folder");
    let bin = folder.path().join("bin");
    program(&bin, "python3", "#!/bin/sh\necho Python 3.12.1\n");
    let (value, evidence) = shown(&one(Python::beside(Some(&bin.join("maos")))).await);
    assert_eq!(value, "3.12.1");
    assert_eq!(evidence, format!("{} -V", bin.join("python3").display()));
    // Without one, the python3 of this machine.
    let (value, _) = shown(&one(Python::beside(None)).await);
    assert!(value.starts_with("3."), "{value}");
}

#[tokio::test]
async fn maos_is_read_from_package_metadata_and_its_program_is_not_run() {
    let folder = tempfile::tempdir().expect("a folder");
    let bin = folder.path().join("bin");
    let mark = folder.path().join("was-run");
    let maos = program(
        &bin,
        "maos",
        &format!("#!/bin/sh\ntouch {}\necho maos 1.0.0\n", mark.display()),
    );
    let packages = folder.path().join("lib/python3.11/site-packages");
    let info = packages.join("maos_cli-0.8.4.dist-info");
    std::fs::create_dir_all(&info).expect("a folder");
    std::fs::write(
        info.join("METADATA"),
        "Metadata-Version: 2.1\nName: maos-cli\nVersion: 0.8.4\n\nVersion: 9\n",
    )
    .expect("writes");
    let (value, evidence) = shown(&one(Maos::new(Some(maos.clone()))).await);
    assert_eq!(value, "0.8.4");
    assert_eq!(evidence, format!("package metadata in {}", packages.display()));
    assert!(!mark.exists());
    // A program without a package is asked for its version, and for nothing else.
    std::fs::remove_dir_all(&packages).expect("removes");
    let asked = program(
        &bin,
        "maos",
        "#!/bin/sh\n[ \"$*\" = --version ] && echo maos, version 2.1.0\n",
    );
    assert_eq!(
        shown(&one(Maos::new(Some(asked.clone()))).await),
        ("2.1.0".to_owned(), format!("{} --version", asked.display()))
    );
    // Exit 2, as shipped versions answer: not a version, and not "not installed".
    program(&bin, "maos", "#!/bin/sh\necho usage: 1.2.3 >&2\nexit 2\n");
    let (value, why) = shown(&one(Maos::new(Some(maos))).await);
    assert_eq!(value, "-");
    assert!(why.ends_with("does not say its version"), "{why}");
}

fn baseline(url: &str, table: &str) -> BaselineProbe {
    BaselineProbe::new(Arc::new(LegacyDatabase::new(
        Place::of(url).expect("known"),
        table,
    )))
}

async fn figures(url: &str, table: &str) -> Vec<(String, String, String)> {
    baseline(url, table)
        .run()
        .await
        .iter()
        .map(|reading| {
            let (value, evidence) = shown(reading);
            (reading.figure.clone(), value, evidence)
        })
        .collect()
}

/// Ten hours: four rows that ended (one of them as failed), one still running, one that ran backwards. Responses 60, 120,
/// 180 and 240 s, from start to end 30 s less.
const ROWS: &str = "
    (1, 'Completed', '2026-01-05 08:00:00', '2026-01-05 08:00:30', '2026-01-05 08:01:00'),
    (2, 'completed', '2026-01-05 09:00:00', '2026-01-05 09:00:30', '2026-01-05 09:02:00'),
    (3, ' FAILED ',  '2026-01-05 10:00:00', '2026-01-05 10:00:30', '2026-01-05 10:03:00'),
    (4, 'completed', '2026-01-05 17:56:00', '2026-01-05 17:56:30', '2026-01-05 18:00:00'),
    (5, 'running',   '2026-01-05 17:59:00', '2026-01-05 17:59:30', null),
    (6, 'completed', '2026-01-05 12:00:00', '2026-01-05 12:00:30', '2026-01-05 11:00:00')";

fn expected(table: &str) -> Vec<(String, String, String)> {
    let out = format!("{table}; 1 row with unusable times left out");
    [
        ("tasks_per_hour", "0.4", format!("4 ended in 10.0 h, {out}")),
        ("failure_rate", "20", format!("1 failed of 5 ended, {table}")),
        ("average_response_time", "150", format!("mean of 4 rows, {out}")),
        ("task_duration", "2", format!("mean of 4 rows, {out}")),
        (
            "baseline_hours",
            "10",
            format!("created_at to completed_at, {table}"),
        ),
    ]
    .map(|(figure, value, evidence)| (figure.to_owned(), value.to_owned(), evidence))
    .to_vec()
}

#[tokio::test]
async fn the_baseline_comes_out_of_sqlite_whatever_form_its_times_have() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("legacy.db");
    let url = format!("sqlite://{}", path.display());
    let mut db = sqlx::SqliteConnection::connect(&format!("{url}?mode=rwc"))
        .await
        .expect("opens");
    let columns = "(id integer, status text, created_at, started_at, completed_at)";
    let epoch = |factor: &str| {
        format!(
            "insert into \"{factor}\" select id, status, {} from legacy_tasks",
            ["created_at", "started_at", "completed_at"]
                .map(|column| format!(
                    "cast(round((julianday({column}) - 2440587.5) * 86400) as integer) * {factor}"
                ))
                .join(", ")
        )
    };
    for statement in [
        format!("create table legacy_tasks {columns}"),
        format!("insert into legacy_tasks values {ROWS}"),
        format!("create table \"1\" {columns}"),
        epoch("1"),
        format!("create table \"1000\" {columns}"),
        epoch("1000"),
        format!("create table \"a \"\"b\" {columns}"),
        "insert into \"a \"\"b\" select * from legacy_tasks".to_owned(),
        "create table bare (id integer, status text)".to_owned(),
        "insert into bare values (1, 'completed')".to_owned(),
        "create table empty_one (id integer, status text, created_at text, completed_at text)".to_owned(),
    ] {
        sqlx::query(AssertSqlSafe(statement))
            .execute(&mut db)
            .await
            .expect("runs");
    }
    db.close().await.expect("closes");
    let before = std::fs::read(&path).expect("reads");
    for table in ["legacy_tasks", "1", "1000", "a \"b"] {
        assert_eq!(figures(&url, table).await, expected(table), "{table}");
    }
    let bare = figures(&url, "bare").await;
    assert_eq!(bare[0].2, "bare has no column completed_at");
    assert_eq!(
        (bare[1].1.as_str(), bare[1].2.as_str()),
        ("0", "0 failed of 1 ended, bare")
    );
    assert_eq!(figures(&url, "empty_one").await[0].2, "empty_one has no rows");
    let missing = figures(&url, "nope").await;
    assert!(missing[0].2.ends_with("has no table nope"), "{missing:?}");
    let nowhere = figures("sqlite:///nowhere/at/all.db", "legacy_tasks").await;
    assert_eq!(nowhere[0].2, "not found: /nowhere/at/all.db");
    assert_eq!(std::fs::read(&path).expect("reads"), before, "a probe only reads");
}

#[tokio::test]
async fn the_baseline_comes_out_of_postgresql_too() {
    let cluster = Cluster::start();
    let url = cluster.database("legacy");
    let mut db = sqlx::PgConnection::connect(&url).await.expect("connects");
    for statement in [
        "create schema app".to_owned(),
        "create table legacy_tasks (id int, status text, created_at timestamp, started_at timestamptz, completed_at timestamp)"
            .to_owned(),
        format!(
            "insert into legacy_tasks select id, status, c::timestamp, s::timestamptz, e::timestamp from (values {ROWS}) \
             as r(id, status, c, s, e)"
        ),
        "create table app.legacy_tasks as select * from legacy_tasks".to_owned(),
        "create table texts as select id, status, created_at::text, completed_at::text from legacy_tasks".to_owned(),
    ] {
        sqlx::query(AssertSqlSafe(statement)).execute(&mut db).await.expect("runs");
    }
    for table in ["legacy_tasks", "app.legacy_tasks"] {
        assert_eq!(figures(&url, table).await, expected(table), "{table}");
    }
    let texts = figures(&url, "texts").await;
    assert_eq!(texts[0].1, "-");
    assert!(texts[0].2.contains("of type text"), "{texts:?}");
    assert_eq!(texts[1].1, "20", "the failure rate needs no times");
    let missing = figures(&url, "nope; drop table legacy_tasks").await;
    assert!(missing[0].2.contains("has no table"), "{missing:?}");
    assert_eq!(figures(&url, "legacy_tasks").await, expected("legacy_tasks"));
}

#[test]
fn every_figure_that_is_probed_has_a_question_and_the_other_way_round() {
    let probes: Vec<Box<dyn Probe>> = vec![
        Box::new(CpuCores),
        Box::new(Memory),
        Box::new(Storage::new(Path::new("."))),
        Box::new(Utilization::default()),
        Box::new(NetworkLink::between(None, None)),
        Box::new(Postgres::new(None)),
        Box::new(Redis::standard()),
        Box::new(Python::beside(None)),
        Box::new(Maos::new(None)),
        Box::new(baseline("sqlite://x", "legacy_tasks")),
    ];
    let mut given: Vec<&str> = probes.iter().flat_map(|probe| probe.figures()).copied().collect();
    // These follow from other answers and from the task scores.
    given.extend([
        "parallelization_score",
        "parallelization_potential",
        "requirements_met",
    ]);
    given.sort_unstable();
    let questionnaire = super::built_in();
    let mut asked: Vec<&str> = questionnaire
        .questions
        .iter()
        .map(|question| question.probe.as_str())
        .filter(|figure| !figure.is_empty())
        .collect();
    asked.sort_unstable();
    assert_eq!(given, asked);
}
