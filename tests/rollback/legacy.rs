//! Where a legacy system takes over again.

use crate::sql::sql;
use crate::support::{Kind, Site};

fn migrated(on_postgres: bool) -> Site {
    let site = Site::new(Kind::Brownfield, on_postgres, 40);
    // As after a row migration: every task so far came from the legacy system.
    sql(
        &site.url,
        "CREATE TABLE migration_tracking (id INTEGER, legacy_task_id TEXT, maos_task_id TEXT, source TEXT)",
    );
    let id = if on_postgres { "id::text" } else { "id" };
    sql(
        &site.url,
        &format!(
            "INSERT INTO migration_tracking (legacy_task_id, maos_task_id, source) SELECT description, {id}, 's' FROM tasks"
        ),
    );
    site
}

const CARRIED: &str = "SELECT description, status, category, priority FROM legacy_tasks WHERE description LIKE 'new %' ORDER BY 1";

#[test]
fn fault_e75_new_rows_go_back_to_the_legacy_table_and_legacy_is_opened() {
    for on_postgres in [true, false] {
        let site = migrated(on_postgres);
        site.backup();
        site.go_on();
        let plan = site.run(&["rollback", "plan"]);
        assert_eq!(plan.code, Some(0), "{plan:#?}");
        let ran = site.back(&[]);
        assert_eq!(ran.code, Some(0), "{ran:#?}");
        assert_eq!(
            sql(&site.legacy, CARRIED),
            "new one|pending|development|normal\nnew two|pending|general|normal"
        );
        assert_eq!(site.read("legacy.open"), "", "it was opened");
        assert!(!site.runs(), "MAOS stays stopped");
        assert_eq!(sql(&site.url, "SELECT count(*) FROM tasks"), "40");
        assert!(
            ran.document()["summary"]
                .as_str()
                .unwrap()
                .contains("legacy answers")
        );
        // Again: nothing comes twice.
        let again = site.back(&[]);
        assert_eq!(again.code, Some(0), "{again:#?}");
        assert_eq!(sql(&site.legacy, CARRIED).lines().count(), 2);
    }
}

#[test]
fn without_a_backup_the_legacy_system_is_opened_and_maos_is_left_as_it_is() {
    let site = migrated(false);
    site.go_on();
    let ran = site.back(&[]);
    assert_eq!(ran.code, Some(0), "{ran:#?}");
    assert_eq!(sql(&site.legacy, CARRIED).lines().count(), 2);
    assert_eq!(sql(&site.url, "SELECT count(*) FROM tasks"), "42");
    assert!(!site.runs());
}

#[test]
fn fault_e74_a_legacy_system_that_cannot_run_halts_everything() {
    let site = migrated(false);
    site.backup();
    site.go_on();
    let before = site.state();
    std::fs::remove_file(site.path("legacy.can")).unwrap();
    let ran = site.back(&[]);
    assert_eq!(ran.code, Some(5), "{ran:#?}");
    let error = ran.error();
    assert!(
        error["message"]
            .as_str()
            .unwrap()
            .contains("the legacy system does not start"),
        "{error:#}"
    );
    assert!(
        error["hint"]
            .as_str()
            .unwrap()
            .contains("Swapping would leave none running"),
        "{error:#}"
    );
    assert_eq!((site.state(), site.copies()), (before, (0, 0)));
    assert_eq!(site.read("legacy.open"), "(none)");
    // A person may still want MAOS's database as it was, and open the legacy system by hand.
    let only = site.back(&["--restore-only"]);
    assert_eq!(only.code, Some(0), "{only:#?}");
    assert_eq!(site.read("legacy.open"), "(none)");
    assert_eq!(sql(&site.url, "SELECT count(*) FROM tasks"), "40");
}

/// It can run when it is asked, and does not when it is opened: rows, database and MAOS are as before.
#[test]
fn a_legacy_system_that_fails_when_opened_takes_everything_back() {
    let site = migrated(true);
    site.backup();
    site.go_on();
    let before = site.state();
    let settings = site.read("ws/migration.yml");
    let root = site.path("").display().to_string();
    let broken = settings.replace(&format!("open: [touch, {root}legacy.open]"), "open: [\"false\"]");
    assert_ne!(settings, broken);
    site.write("ws/migration.yml", &broken);
    let ran = site.back(&[]);
    assert_eq!(ran.code, Some(6), "{ran:#?}");
    assert_eq!(sql(&site.legacy, CARRIED), "");
    assert_eq!((site.state(), site.copies()), (before, (0, 0)));
}

/// A legacy system that no cut over closed serves: a rollback that fails does not close it.
#[test]
fn a_legacy_system_that_was_open_stays_open_when_everything_is_taken_back() {
    let site = migrated(false);
    site.backup();
    site.go_on();
    site.write("legacy.open", "");
    let before = site.state();
    let settings = site.read("ws/migration.yml");
    let root = site.path("").display().to_string();
    let broken = settings.replace(
        &format!("open: [touch, {root}legacy.open]"),
        &format!("open: [rm, {root}legacy.can]"),
    );
    assert_ne!(settings, broken);
    let broken = broken.replace("  ready_within: 20\n", "  ready_within: 1\n");
    site.write("ws/migration.yml", &broken);
    let ran = site.back(&[]);
    assert_eq!(ran.code, Some(6), "{ran:#?}");
    assert_eq!(site.read("legacy.open"), "", "{ran:#?}");
    assert_eq!((site.state(), site.copies()), (before, (0, 0)));
}

/// Where both sides work in one database, restoring it would take from the legacy system what it wrote since the backup.
#[test]
fn a_database_that_the_legacy_system_shares_is_not_replaced_by_itself() {
    let site = migrated(true);
    let settings = site.read("ws/migration.yml");
    let shared = settings.replace(
        &format!("sources: {{ database: \"{}\" }}", site.legacy),
        &format!("sources: {{ database: \"{}\" }}", site.url),
    );
    assert_ne!(settings, shared);
    site.write("ws/migration.yml", &shared);
    sql(
        &site.url,
        "CREATE TABLE legacy_tasks (id SERIAL PRIMARY KEY, description TEXT NOT NULL, category TEXT, status TEXT NOT NULL, \
         priority TEXT, created_at TEXT, metadata JSONB)",
    );
    let id = site.backup();
    sql(
        &site.url,
        "INSERT INTO legacy_tasks (description, status) VALUES ('written since', 'completed')",
    );
    site.go_on();
    let chosen = site.run(&["rollback", "plan", "--backup", &id]);
    assert_eq!(chosen.code, Some(0), "{chosen:#?}");
    assert!(
        chosen
            .out
            .contains("what legacy wrote since the backup in maos_old_"),
        "{chosen:#?}"
    );
    std::fs::remove_file(site.path("ws/journal.db")).unwrap();
    let ran = site.back(&[]);
    assert_eq!(ran.code, Some(0), "{ran:#?}");
    assert_eq!(
        sql(&site.url, "SELECT description FROM legacy_tasks ORDER BY id"),
        "written since\nnew one\nnew two"
    );
    assert_eq!(site.copies(), (0, 0), "no database was made or set aside");
}
