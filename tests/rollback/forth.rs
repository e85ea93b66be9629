//! Fault case E76: a rollback of a rollback, by name. What was in use before is in use again; nothing that came since is lost.

use crate::sql::sql;
use crate::support::{Kind, Site};

fn rolled_back(on_postgres: bool) -> (Site, String) {
    let site = Site::new(Kind::Upgrade, on_postgres, 60);
    site.backup();
    site.go_on();
    let before = site.state();
    let ran = site.back(&["--rows", "export"]);
    assert_eq!(ran.code, Some(0), "{ran:#?}");
    assert_ne!(site.state(), before);
    (site, before)
}

fn came_since(site: &Site, on_postgres: bool) {
    let row = if on_postgres {
        "INSERT INTO tasks (description, status) VALUES ('since then', 'QUEUED')"
    } else {
        "INSERT INTO tasks (id, description, status) VALUES ('s-1', 'since then', 'QUEUED')"
    };
    sql(&site.url, row);
}

#[test]
fn fault_e76_a_rollback_is_taken_back_by_name() {
    for on_postgres in [true, false] {
        let (site, before) = rolled_back(on_postgres);
        came_since(&site, on_postgres);
        let unnamed = site.run(&["rollback", "return", "--yes"]);
        assert_eq!(unnamed.code, Some(5), "{unnamed:#?}");
        let ran = site.run(&site.confirmed("return"));
        assert_eq!(ran.code, Some(0), "{ran:#?}");
        assert_eq!(site.state(), before);
        let exported: Vec<String> = std::fs::read_dir(site.path("ws/rollback"))
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .filter(|path| path.display().to_string().contains("rows_of_rollback"))
            .map(|path| std::fs::read_to_string(path).unwrap())
            .collect();
        assert_eq!(exported.len(), 1);
        assert!(exported[0].contains("since then"), "{exported:?}");
        // Once is enough, and the way back is open again.
        let again = site.run(&site.confirmed("return"));
        assert_eq!(again.code, Some(5), "{again:#?}");
        let back = site.back(&["--rows", "export"]);
        assert_eq!(back.code, Some(0), "{back:#?}");
        assert_ne!(site.state(), before);
    }
}

#[test]
fn fault_e76_killed_while_it_is_taken_back_it_goes_on() {
    for point in [
        "rows.effect",
        "swap.effect",
        "files.intent",
        "start.effect",
        "proof.effect",
    ] {
        let (site, before) = rolled_back(false);
        let killed = site.run_with(&site.confirmed("return"), Some(&format!("return.{point}")));
        assert_eq!(killed.code, None, "{point}: {killed:#?}");
        assert_ne!(sql(&site.url, "SELECT count(*) FROM tasks"), "0", "{point}");
        // Nothing else is begun meanwhile, not even another rollback.
        let other = site.back(&[]);
        assert_eq!(other.code, Some(5), "{point}: {other:#?}");
        let ran = site.run(&site.confirmed("return"));
        assert_eq!(ran.code, Some(0), "{point}: {ran:#?}");
        assert_eq!(site.state(), before, "{point}");
    }
}

#[test]
fn what_cannot_be_taken_back_is_refused_with_its_reason() {
    let site = Site::new(Kind::Upgrade, true, 30);
    let none = site.run(&site.confirmed("return"));
    assert_eq!(none.code, Some(5), "{none:#?}");
    site.backup();
    site.go_on();
    assert_eq!(site.back(&[]).code, Some(0));
    let state = site.state();
    // A person dropped what the rollback had kept.
    let old = sql(
        &site.url,
        "SELECT datname FROM pg_database WHERE datname LIKE 'maos_old_%'",
    );
    sql(&site.url, &format!("DROP DATABASE \"{old}\""));
    let gone = site.run(&site.confirmed("return"));
    assert_eq!(gone.code, Some(5), "{gone:#?}");
    assert!(
        gone.error()["message"]
            .as_str()
            .unwrap()
            .contains("not there any more"),
        "{gone:#?}"
    );
    assert_eq!(site.state(), state);
}

/// The report tells the rollback whole: what it went back to, what was lost, kept and carried, and what each step took.
#[test]
fn the_report_has_the_rollback_in_it() {
    let site = Site::new(Kind::Upgrade, false, 40);
    let id = site.backup();
    assert_eq!(site.run(&["rollback", "rehearse", "--yes"]).code, Some(0));
    site.go_on();
    assert_eq!(site.back(&[]).code, Some(0));
    let ran = site.run(&["report", "--yes"]);
    assert_eq!(ran.code, Some(0), "{ran:#?}");
    let text = site.read("ws/report/report.md");
    let section = text.split("## Rollback").nth(1).expect("a section of its own");
    for words in [
        &format!("backup {id}; MAOS goes on"),
        "40 rows",
        "2 rows carried back",
        "the changes since the backup of 1 row",
        "maos_old_",
        "rollback/rollback_result.json",
        "swap by rename",
    ] {
        assert!(section.contains(words), "{words}: {section}");
    }
}
