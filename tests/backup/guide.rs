//! Backups that the guide's own scripts made: recognised, and proved as far as they can be.

use std::path::{Path, PathBuf};
use std::process::Command;

use maos_migrate::engine::backup::{Standing, intact, list};
use maos_migrate::engine::error::ErrorKind;
use maos_migrate::engine::operation::Control;

use crate::postgres::Cluster;
use crate::support::{databases, open, postgres, proved};

/// A backup of the database at `url` as the guide's scripts make one.
fn by_script(place: &Path, url: &str) -> PathBuf {
    let folder = place.join("pre_upgrade_20250115_103000");
    std::fs::create_dir_all(folder.join("checkpoints")).unwrap();
    std::fs::write(folder.join("config.yml"), "a: 1\n").unwrap();
    let dumped = Command::new("pg_dump").args(["-d", url]).output().unwrap();
    assert!(dumped.status.success());
    std::fs::write(folder.join("database.sql"), &dumped.stdout).unwrap();
    folder
}

#[tokio::test(flavor = "multi_thread")]
async fn the_guides_layout_is_recognised_and_its_dump_restored() {
    let (cluster, place) = (Cluster::start(), tempfile::tempdir().unwrap());
    let url = postgres(&cluster, "maos", 300);
    let folder = by_script(place.path(), &url);
    assert_eq!(list(place.path()).unwrap()[0].standing, Standing::Guide);
    assert!(
        !list(place.path()).unwrap()[0].usable(),
        "not before it was restored once"
    );
    let found = proved(&folder, &url).await.unwrap();
    assert_eq!(found.sums.unwrap().of("tasks").unwrap().rows, 300);
    assert!(list(place.path()).unwrap()[0].usable());
    assert!(databases(&url).iter().all(|name| !name.contains("verify")));
}

/// Fault C53, of the guide's layout: it has no hashes of its own, so those of its verification are what it is compared with before
/// something rests on it. Each change keeps the length, and the dump is still one that restores.
#[tokio::test(flavor = "multi_thread")]
async fn fault_c53_a_guides_backup_that_changed_since_its_verification_holds_nothing() {
    let (cluster, place) = (Cluster::start(), tempfile::tempdir().unwrap());
    let url = postgres(&cluster, "maos", 30);
    let folder = by_script(place.path(), &url);
    let (database, control) = (open(&url), Control::silent());
    let look = || list(place.path()).unwrap().remove(0);
    for (file, from, to, said) in [
        (
            "database.sql",
            "task 17",
            "tusk 17",
            "database.sql is not as it was verified",
        ),
        (
            "config.yml",
            "a: 1",
            "a: 2",
            "config.yml is not as it was written",
        ),
    ] {
        proved(&folder, &url).await.unwrap();
        intact(&look(), Some(database.as_ref()), &control).await.unwrap();
        let path = folder.join(file);
        let before = std::fs::read_to_string(&path).unwrap();
        let after = before.replace(from, to);
        assert!(after != before && after.len() == before.len(), "{file}");
        std::fs::write(&path, after).unwrap();
        assert!(look().usable(), "{file}: no length changed");
        let error = intact(&look(), Some(database.as_ref()), &control)
            .await
            .unwrap_err();
        assert_eq!(error.kind, ErrorKind::Blocked, "{file}");
        assert!(error.message.contains(said), "{error}");
        assert!(!look().usable(), "{file}");
        let found = look().verification.unwrap();
        assert!(!found.good && found.why == said, "{found:?}");
        // As it was it is good again, but only after another verification.
        std::fs::write(&path, before).unwrap();
        assert!(!look().usable(), "{file}");
    }
    proved(&folder, &url).await.unwrap();
    assert!(look().usable());
}

/// Defect 69: psql ends with 0 on a bad dump; here it is refused, and nothing in it is run that is not SQL.
#[tokio::test(flavor = "multi_thread")]
async fn defect_69_a_bad_plain_dump_is_refused() {
    let (cluster, place) = (Cluster::start(), tempfile::tempdir().unwrap());
    let url = postgres(&cluster, "maos", 3);
    let end = "--\n-- PostgreSQL database dump complete\n--\n";
    let canary = place.path().join("canary");
    for (name, text) in [
        ("cut", "CREATE TABLE x (n int);\n".to_owned()),
        (
            "wrong",
            format!(
                "CREATE TABLE x (n int);\nINSERT INTO nowhere VALUES (1);\nCREATE TABLE y (n int);\n{end}"
            ),
        ),
        ("shell", format!("\\! touch {}\n{end}", canary.display())),
        ("elsewhere", format!("\\connect maos\nDROP TABLE tasks;\n{end}")),
    ] {
        let folder = place.path().join(name);
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join("database.sql"), text).unwrap();
        assert!(proved(&folder, &url).await.is_err(), "{name}");
    }
    assert!(!canary.exists());
    assert_eq!(crate::sql::sql(&url, "SELECT count(*) FROM tasks"), "3");
    assert!(databases(&url).iter().all(|name| !name.contains("verify")));
}
