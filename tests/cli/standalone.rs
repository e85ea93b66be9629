//! Verbs with explicit inputs: no workspace is wanted, and none is looked for.

use std::fs;

use crate::program::run;

#[test]
fn rows_are_proved_where_they_were_copied() {
    let folder = tempfile::tempdir().unwrap();
    let sample = concat!(env!("CARGO_MANIFEST_DIR"), "/assets/sample/legacy/legacy.db");
    fs::copy(sample, folder.path().join("legacy.db")).unwrap();
    let ends = ["--source", "sqlite://legacy.db", "--target", "sqlite://maos.db"];
    let copied = run(
        folder.path(),
        &[&["schema", "apply", "--yes", "--json"], &ends[..]].concat(),
    );
    assert_eq!(copied.code, Some(4), "{copied:#?}");
    let proved = run(
        folder.path(),
        &[&["schema", "verify", "--json"], &ends[..]].concat(),
    );
    assert_eq!(proved.code, Some(4), "{proved:#?}");
    assert_eq!(proved.document()["verified"], true);
    assert!(!folder.path().join("migration").exists());
    // A row that differs is an answer (4); a database that is not there is none (6), and the hint is about it.
    let target = folder.path().join("maos.db");
    crate::sql::sql(
        &format!("sqlite://{}", target.display()),
        "UPDATE tasks SET description = 'changed' WHERE id = (SELECT min(id) FROM tasks)",
    );
    let differs = run(
        folder.path(),
        &[&["schema", "verify", "--json"], &ends[..]].concat(),
    );
    assert_eq!(differs.code, Some(4), "{differs:#?}");
    assert_eq!(differs.document()["changed"].as_array().unwrap().len(), 1);
    fs::remove_file(folder.path().join("legacy.db")).unwrap();
    let gone = run(
        folder.path(),
        &[&["schema", "verify", "--json"], &ends[..]].concat(),
    );
    assert_eq!(gone.code, Some(6), "{gone:#?}");
    assert!(
        gone.error()["hint"]
            .as_str()
            .unwrap()
            .starts_with("Check the address"),
        "{gone:#?}"
    );
}

#[test]
fn a_score_says_when_the_settings_cannot_be_read() {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("acme")).unwrap();
    fs::write(folder.path().join("acme/migration.yml"), "name: acme\nschma: 1\n").unwrap();
    let ran = run(folder.path(), &["-w", "acme", "readiness"]);
    assert!(
        ran.err.contains("warning: migration.yml") && ran.err.contains("schma"),
        "{ran:#?}"
    );
}

#[test]
fn a_backup_of_nothing_is_none() {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("acme")).unwrap();
    fs::write(
        folder.path().join("acme/migration.yml"),
        "name: acme\nenvironment: rehearsal\n",
    )
    .unwrap();
    let ran = run(
        folder.path(),
        &["-w", "acme", "backup", "create", "--yes", "--json"],
    );
    assert_eq!(ran.code, Some(3), "{ran:#?}");
    assert!(
        ran.error()["message"]
            .as_str()
            .unwrap()
            .contains("nothing to back up"),
        "{ran:#?}"
    );
    let ran = run(
        folder.path(),
        &["-w", "acme", "backup", "prune", "--keep", "1", "--yes", "--json"],
    );
    assert_eq!(ran.code, Some(2), "{ran:#?}");
}

/// What takes rows out of a database is approved with the database's own name, however it is approved.
#[test]
fn rows_are_removed_only_with_the_name_of_their_database() {
    let folder = tempfile::tempdir().unwrap();
    let sample = concat!(env!("CARGO_MANIFEST_DIR"), "/assets/sample/legacy/legacy.db");
    fs::copy(sample, folder.path().join("legacy.db")).unwrap();
    let ends = [
        "--source",
        "sqlite://legacy.db",
        "--target",
        "sqlite://maos.db",
        "--json",
    ];
    let schema = |verb: &[&str]| run(folder.path(), &[&["schema"], verb, &ends[..]].concat());
    assert_eq!(schema(&["apply", "--yes"]).code, Some(4));
    let looking = schema(&["undo", "--yes", "--confirm", "maos.db", "--read-only"]);
    assert_eq!(looking.code, Some(5), "{looking:#?}");
    let trying = schema(&["undo", "--yes", "--confirm", "maos.db", "--dry-run"]);
    assert_eq!(trying.code, Some(0), "{trying:#?}");
    let unnamed = schema(&["undo", "--yes"]);
    assert_eq!(unnamed.code, Some(5), "{unnamed:#?}");
    assert_eq!(unnamed.error()["hint"], "Name the target: --confirm 'maos.db'");
    let asked = schema(&["undo"]);
    assert_eq!(asked.code, Some(5), "{asked:#?}");
    let hint = asked.error()["hint"].as_str().unwrap().to_owned();
    assert!(hint.contains("--confirm 'maos.db'"), "{hint}");
    let digest = hint.split_whitespace().nth(1).unwrap();
    let unnamed = schema(&["undo", "--approve", digest]);
    assert_eq!(unnamed.code, Some(5), "{unnamed:#?}");
    let other = schema(&["undo", "--approve", digest, "--confirm", "maos"]);
    assert_eq!(other.code, Some(5), "{other:#?}");
    let removed = schema(&["undo", "--approve", digest, "--confirm", "maos.db"]);
    assert_eq!(removed.code, Some(0), "{removed:#?}");
}

#[test]
fn what_cannot_be_judged_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("none.jsonl"), "").unwrap();
    let ran = run(folder.path(), &["monitor", "replay", "none.jsonl", "--json"]);
    assert_eq!(ran.code, Some(3), "{ran:#?}");
    assert_eq!(ran.error()["message"], "there is no sample in it");
    fs::write(folder.path().join("tasks.json"), "[]").unwrap();
    let ran = run(
        folder.path(),
        &["tasks", "stages", "tasks.json", "--agents", "0", "--json"],
    );
    assert_eq!(ran.code, Some(2), "{ran:#?}");
}
