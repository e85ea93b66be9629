//! PostgreSQL's own programs and what stands before the server: what fails is told, and names are only names.

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use maos_migrate::adapters::databases::Opener;
use maos_migrate::engine::backup::{create, list};
use maos_migrate::engine::operation::Control;
use maos_migrate::engine::ports::databases::OpenDatabases as _;
use secrecy::SecretString;

use crate::pooler::Pooler;
use crate::postgres::Cluster;
use crate::sql::sql;
use crate::support::{databases, made, open, postgres, proved, request};

/// A folder of programs in which `pg_dump` is a script, and the others are the real ones.
fn programs(place: &Path, script: &str) -> PathBuf {
    let folder = place.join("programs");
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).unwrap();
    for name in ["pg_restore", "psql"] {
        let real = ["/usr/bin", "/usr/lib/postgresql/15/bin"]
            .iter()
            .map(|folder| Path::new(folder).join(name))
            .find(|path| path.exists())
            .expect("PostgreSQL's programs");
        std::os::unix::fs::symlink(real, folder.join(name)).unwrap();
    }
    let dump = folder.join("pg_dump");
    std::fs::write(&dump, format!("#!/bin/sh\n{script}\n")).unwrap();
    std::fs::set_permissions(&dump, std::fs::Permissions::from_mode(0o755)).unwrap();
    folder
}

/// Defect 54: the end of every program is looked at, and what it wrote as well. A dump that is not whole is no backup.
#[tokio::test(flavor = "multi_thread")]
async fn defect_54_a_dump_that_fails_or_is_not_whole_makes_no_backup() {
    let (cluster, place) = (Cluster::start(), tempfile::tempdir().unwrap());
    let url = postgres(&cluster, "maos", 50);
    for (script, words) in [
        (
            "echo half; echo 'pg_dump: error: no right' >&2; exit 1",
            "no right",
        ),
        ("exit 0", "pg_restore"),
        ("echo PGDMP and then nothing", "pg_restore"),
        ("kill -9 $$", "signal 9"),
    ] {
        let mut request = request(place.path(), &url);
        let programs = programs(place.path(), script);
        let secret = SecretString::from(url.clone());
        request.database = Some(Opener.open(&secret, Some(programs)).unwrap());
        let error = create(&request, &Control::silent()).await.unwrap_err();
        assert!(error.message.contains(words), "{script}: {error}");
        assert!(list(&request.folder).unwrap().is_empty(), "{script}");
        let left = std::fs::read_dir(&request.folder).unwrap().count();
        assert_eq!(left, 0, "{script}: nothing half-made stays");
    }
}

/// Defect 70: which database is meant stands in its URL, whatever it is called.
#[tokio::test(flavor = "multi_thread")]
async fn defect_70_a_database_of_any_name_is_backed_up_and_swapped() {
    let (cluster, place) = (Cluster::start(), tempfile::tempdir().unwrap());
    let plain = postgres(&cluster, "maos", 40);
    let name = "Orders-2026 dbname='x' \"prod\"";
    sql(
        &plain,
        &format!("CREATE DATABASE \"{}\"", name.replace('"', "\"\"")),
    );
    let encoded: String = url::form_urlencoded::byte_serialize(name.as_bytes()).collect();
    let url = plain.replace("/maos?", &format!("/{}?", encoded.replace('+', "%20")));
    sql(
        &url,
        "CREATE TABLE tasks (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), description text); INSERT INTO tasks (description) SELECT 'x' || n FROM generate_series(1, 30) n",
    );
    let request = request(place.path(), &url);
    let made = made(&request).await;
    let found = proved(&made.folder, &url).await.unwrap();
    assert_eq!(found.rows, 30);
    let live = open(&url);
    let (new, old) = (live.named("rb_1"), live.named("old_1"));
    let dump = made.folder.join("database.dump");
    live.sibling(&new)
        .restore(&dump, live.as_ref(), &Control::silent())
        .await
        .unwrap();
    live.swap(&new, &old, &Control::silent()).await.unwrap();
    assert_eq!(sql(&url, "SELECT count(*) FROM tasks"), "30");
    assert!(databases(&plain).contains(&old));
    assert_eq!(
        sql(&plain, "SELECT count(*) FROM tasks"),
        "40",
        "its neighbour is left alone"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn fault_c55_a_pooler_is_refused_before_anything_is_made() {
    let (cluster, place) = (Cluster::start(), tempfile::tempdir().unwrap());
    let url = postgres(&cluster, "maos", 10);
    let host = PathBuf::from(url.split("host=").nth(1).unwrap());
    let before = databases(&url);
    for (mode, size, lenient) in [
        ("transaction", 1, true),
        ("transaction", 8, true),
        ("statement", 8, true),
        ("session", 8, false),
    ] {
        let pooler = Pooler::start(&host, mode, size, lenient);
        let request = request(place.path(), &pooler.url("maos"));
        let error = create(&request, &Control::silent()).await.unwrap_err();
        assert!(error.message.contains("pool"), "{mode} {size} {lenient}: {error}");
        assert!(list(&request.folder).unwrap().is_empty());
    }
    assert_eq!(databases(&url), before);
    assert_eq!(sql(&url, "SELECT to_regclass('migration_mark') IS NULL"), "t");
}
