//! Backups that the guide's own scripts made: recognised, and proved as far as they can be.

use std::process::Command;

use maos_migrate::engine::backup::{Standing, list};

use crate::postgres::Cluster;
use crate::support::{databases, postgres, proved};

#[tokio::test(flavor = "multi_thread")]
async fn the_guides_layout_is_recognised_and_its_dump_restored() {
    let (cluster, place) = (Cluster::start(), tempfile::tempdir().unwrap());
    let url = postgres(&cluster, "maos", 300);
    let folder = place.path().join("pre_upgrade_20250115_103000");
    std::fs::create_dir_all(folder.join("checkpoints")).unwrap();
    std::fs::write(folder.join("config.yml"), "a: 1\n").unwrap();
    let dumped = Command::new("pg_dump").args(["-d", &url]).output().unwrap();
    assert!(dumped.status.success());
    std::fs::write(folder.join("database.sql"), &dumped.stdout).unwrap();
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
