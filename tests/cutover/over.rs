//! The hand-over as it should be, and what is refused before it.

use crate::sql::sql;
use crate::support::Site;

fn handed_over(site: &Site) {
    let (rows, _) = site.rows();
    site.three_more();
    let plan = site.done(&["cutover", "plan"]);
    assert!(plan["plan"]["undo"].is_null(), "{plan:#}");
    assert!(!site.closed() && !site.serves());
    let done = site.over(&[]);
    let summary = done["summary"].as_str().unwrap();
    assert!(
        summary.contains("3 rows caught up") && summary.contains("The gap was 0:"),
        "{summary}"
    );
    assert!(site.closed() && site.serves());
    assert_eq!(site.rows().0, rows + 3);
    assert_eq!(
        sql(
            &site.target,
            "SELECT count(*) FROM tasks WHERE description = 'came late'"
        ),
        "3"
    );
    // Twice is once.
    let said = site.refused(&["cutover", "plan"], 5);
    assert!(
        said.contains("the cut over is done") && said.contains("rollback"),
        "{said}"
    );
    // What the copy wrote is MAOS's now.
    for words in [&["schema", "undo", "--yes"][..], &["schema", "apply", "--yes"]] {
        let said = site.refused(words, 5);
        assert!(
            said.contains("the cut over is done") && said.contains("rollback"),
            "{said}"
        );
    }
    assert_eq!(site.rows().0, rows + 3);
}

#[test]
fn on_sqlite_rows_that_came_late_cross_and_maos_serves() {
    handed_over(&Site::sqlite().backed_up());
}

#[test]
fn on_postgres_rows_that_came_late_cross_and_maos_serves() {
    handed_over(&Site::postgres().backed_up());
}

/// Flips a bit of the dump in this backup; its path and what it held.
fn flipped(backup: &std::path::Path) -> (std::path::PathBuf, Vec<u8>) {
    let mut largest = std::fs::read_dir(backup)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.is_file() && path.extension().is_none_or(|ending| ending != "json"))
        .collect::<Vec<_>>();
    largest.sort_by_key(|path| path.metadata().unwrap().len());
    let path = largest.pop().unwrap();
    let before = std::fs::read(&path).unwrap();
    let mut after = before.clone();
    let middle = after.len() / 2;
    after[middle] ^= 1;
    std::fs::write(&path, after).unwrap();
    (path, before)
}

#[test]
fn faults_c53_and_d65_nothing_begins_without_a_verified_backup_the_name_or_a_way_back() {
    let site = Site::sqlite();
    let said = site.refused(&["cutover", "plan"], 5);
    assert!(said.contains("No verified backup younger than 60 min."), "{said}");
    let site = site.backed_up();
    // Pruning proves nothing, and what lies damaged on the shelf is no backup (fault C53).
    let backups = site.path("ws/backups");
    let one = std::fs::read_dir(&backups)
        .unwrap()
        .next()
        .unwrap()
        .unwrap()
        .path();
    let manifest = one.join("manifest.json");
    let whole = std::fs::read_to_string(&manifest).unwrap();
    std::fs::write(&manifest, whole.replacen("acme", "else", 1)).unwrap();
    let said = site.refused(&["cutover", "plan"], 5);
    assert!(said.contains("No verified backup"), "{said}");
    std::fs::write(&manifest, whole).unwrap();
    site.done(&["cutover", "plan"]);
    // A flipped bit changes no length: it is found before anything is closed.
    let whole = flipped(&one);
    let said = site.fails(&[], 5);
    assert!(
        said.contains("is not as it was written") && said.contains("backup create"),
        "{said}"
    );
    assert!(!site.closed() && !site.serves());
    let said = site.refused(&["cutover", "plan"], 5);
    assert!(said.contains("No verified backup"), "{said}");
    std::fs::write(&whole.0, &whole.1).unwrap();
    site.done(&["backup", "verify", "--yes"]);
    site.done(&["cutover", "plan"]);
    // The name is typed, exactly.
    let said = site.refused(&["cutover", "apply", "--yes", "--confirm", "else"], 5);
    assert!(said.contains("--confirm"), "{said}");
    // No command, no cut over.
    site.set("  open: [rm, -f, legacy/closed]\n", "");
    let said = site.refused(&["cutover", "plan"], 5);
    assert!(
        said.contains("legacy.open is missing") && said.contains("migration.yml"),
        "{said}"
    );
    assert!(!site.closed());
}

/// Fault E80: a dry run says the same and leaves everything as it is.
#[test]
fn fault_e80_a_dry_run_changes_nothing() {
    let site = Site::sqlite().backed_up();
    site.three_more();
    let rows = site.rows();
    let args = site.apply(&[]);
    let mut dry = vec!["--dry-run"];
    dry.extend(args.iter().map(String::as_str));
    let ran = site.run(&dry);
    assert_eq!(ran.code, Some(0), "{ran:#?}");
    assert_eq!(site.rows(), rows);
    assert!(!site.closed() && !site.serves());
}
