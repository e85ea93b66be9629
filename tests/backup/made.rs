//! What is in a backup, and that it is proved by being restored.

use std::os::unix::fs::PermissionsExt as _;

use maos_migrate::engine::backup::{EntryKind, Manifest, RootKind, Standing, list, newest_usable};
use maos_migrate::engine::operation::Control;

use crate::postgres::Cluster;
use crate::sql::sql;
use crate::support::{databases, made, open, postgres, proved, request, sqlite};

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_holds_everything_and_is_proved_by_a_restore() {
    let (cluster, folder) = (Cluster::start(), tempfile::tempdir().unwrap());
    let files = tempfile::tempdir().unwrap();
    for url in [postgres(&cluster, "maos", 5_000), sqlite(files.path(), 5_000)] {
        let place = folder.path().join(url.split(':').next().unwrap());
        let request = request(&place, &url);
        let before = databases(&url);
        let made = made(&request).await;
        let manifest = Manifest::read(&made.folder).unwrap();
        assert_eq!(manifest, made.manifest);
        let database = manifest.database.as_ref().unwrap();
        assert_eq!(database.sums.of("tasks").unwrap().rows, 5_000);
        assert_eq!(database.keys.as_ref().unwrap().rows, 5_000);
        assert!(database.sums.objects["indexes"] >= 1);
        // Defect 54, 56: nothing is said to be there that is not, and what is not is said.
        assert_eq!(manifest.roots[2].kind, RootKind::Missing);
        assert!(
            manifest
                .entries
                .iter()
                .any(|entry| matches!(&entry.kind, EntryKind::Link { to } if to.ends_with("a.checkpoint")))
        );
        assert_eq!(manifest.maos.why_not.as_deref(), Some("target.maos is not named"));
        for entry in &manifest.entries {
            let meta = made.folder.join(&entry.path).symlink_metadata().unwrap();
            if meta.is_file() {
                assert_eq!(meta.permissions().mode() & 0o777, 0o600, "{}", entry.path);
            }
        }
        let all = list(&request.folder).unwrap();
        assert_eq!(all[0].standing, Standing::Unverified);
        assert!(newest_usable(&all).is_none());
        // The database is in use and changes meanwhile; the backup is of its own instant.
        if url.starts_with("postgres") {
            sql(&url, "DELETE FROM tasks WHERE status = 'QUEUED'");
        }
        let found = proved(&made.folder, &url).await.unwrap();
        assert!(found.good && found.rows >= 5_000);
        assert_eq!(databases(&url), before, "the scratch database is gone");
        let all = list(&request.folder).unwrap();
        assert_eq!(newest_usable(&all).unwrap().id, manifest.id);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_counts_are_those_of_the_dump_while_clients_write() {
    let (cluster, folder) = (Cluster::start(), tempfile::tempdir().unwrap());
    let url = postgres(&cluster, "maos", 20_000);
    let writing = url.clone();
    let (stop, stopped) = std::sync::mpsc::channel::<()>();
    let writer = std::thread::spawn(move || {
        let mut rows = 0;
        while stopped.try_recv().is_err() {
            sql(
                &writing,
                "INSERT INTO tasks (description, status) VALUES ('late', 'QUEUED')",
            );
            rows += 1;
        }
        rows
    });
    let mut last = 0;
    for _ in 0..3 {
        let request = request(folder.path(), &url);
        let made = made(&request).await;
        let rows = made
            .manifest
            .database
            .as_ref()
            .unwrap()
            .sums
            .of("tasks")
            .unwrap()
            .rows;
        assert!(rows >= last.max(20_000));
        last = rows;
        proved(&made.folder, &url).await.unwrap();
    }
    stop.send(()).unwrap();
    assert!(writer.join().unwrap() > 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restored_database_has_the_settings_and_rights_of_its_original() {
    let (cluster, folder) = (Cluster::start(), tempfile::tempdir().unwrap());
    let url = postgres(&cluster, "maos", 10);
    sql(
        &url,
        "CREATE ROLE app LOGIN; CREATE ROLE owner LOGIN; ALTER DATABASE maos OWNER TO owner; REVOKE ALL ON DATABASE maos FROM PUBLIC; \
         GRANT CONNECT ON DATABASE maos TO app; ALTER DATABASE maos SET search_path TO \"$user\", public; ALTER ROLE app IN DATABASE maos SET work_mem TO '7MB'; \
         ALTER DATABASE maos CONNECTION LIMIT 20",
    );
    let made = made(&request(folder.path(), &url)).await;
    let (live, dump) = (open(&url), made.folder.join("database.dump"));
    let copy = live.sibling("maos_rb_x");
    copy.restore(&dump, live.as_ref(), &Control::silent())
        .await
        .unwrap();
    let facts = |name: &str| {
        sql(
            &url,
            &format!(
                "SELECT pg_get_userbyid(datdba), replace(datacl::text, '{name}', 'X'), datconnlimit, datcollate, encoding, \
                 (SELECT array_agg(setconfig::text || setrole::text ORDER BY setrole) FROM pg_db_role_setting WHERE setdatabase = d.oid) FROM pg_database d WHERE datname = '{name}'"
            ),
        )
    };
    assert_eq!(facts("maos"), facts("maos_rb_x"));
    copy.remove().await.unwrap();
    assert!(!copy.exists().await.unwrap());
}

#[tokio::test(flavor = "multi_thread")]
async fn only_databases_of_our_making_are_ever_removed() {
    let (cluster, folder) = (Cluster::start(), tempfile::tempdir().unwrap());
    let url = postgres(&cluster, "maos", 10);
    cluster.database("precious");
    let precious = open(&url).sibling("precious");
    sql(&url.replace("/maos?", "/precious?"), "CREATE TABLE t (n int)");
    assert!(precious.remove().await.is_err());
    let made = made(&request(folder.path(), &url)).await;
    let dump = made.folder.join("database.dump");
    let refused = precious
        .restore(&dump, open(&url).as_ref(), &Control::silent())
        .await
        .unwrap_err();
    assert!(refused.message.contains("not of our making"), "{refused}");
    assert!(precious.exists().await.unwrap());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_password_is_never_among_the_arguments() {
    let (cluster, folder) = (Cluster::start(), tempfile::tempdir().unwrap());
    let url = postgres(&cluster, "maos", 200_000);
    let secret = "canary-4711-secret";
    let with_password = url.replace("maos@localhost", &format!("maos:{secret}@localhost"));
    let watching = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(true));
    let on = std::sync::Arc::clone(&watching);
    let watcher = std::thread::spawn(move || {
        let (mut seen, mut leaked) = (0, false);
        while on.load(std::sync::atomic::Ordering::Relaxed) {
            for entry in std::fs::read_dir("/proc").unwrap().flatten() {
                let line = std::fs::read(entry.path().join("cmdline")).unwrap_or_default();
                let line = String::from_utf8_lossy(&line);
                if line.contains("pg_dump") {
                    seen += 1;
                }
                leaked |= line.contains(secret);
            }
        }
        (seen, leaked)
    });
    let made = made(&request(folder.path(), &with_password)).await;
    watching.store(false, std::sync::atomic::Ordering::Relaxed);
    let (seen, leaked) = watcher.join().unwrap();
    assert!(seen > 0, "pg_dump was seen at work");
    assert!(!leaked);
    let manifest = std::fs::read_to_string(made.folder.join("manifest.json")).unwrap();
    assert!(!manifest.contains(secret));
}
