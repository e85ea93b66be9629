//! What fails before MAOS serves: legacy is open again, and is said to be.

use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use crate::sql::sql;
use crate::support::{Site, running};

fn open_again(site: &Site, said: &str) {
    assert!(said.contains("legacy is open again, the gap was 0:"), "{said}");
    assert!(!site.closed() && !site.serves(), "{said}");
}

/// Somebody changed a copied row behind the copy: it is named, and nothing starts.
fn planted(site: &Site) {
    let id = sql(&site.target, "SELECT min(CAST(id AS TEXT)) FROM tasks");
    sql(
        &site.target,
        &format!("UPDATE tasks SET description = 'planted' WHERE CAST(id AS TEXT) = '{id}'"),
    );
    let said = site.fails(&[], 5);
    assert!(
        said.contains("0 rows only in legacy, 0 only in MAOS, 1 otherwise there: ")
            && said.contains("still writes"),
        "{said}"
    );
    open_again(site, &said);
}

#[test]
fn a_difference_stops_it_on_sqlite() {
    planted(&Site::sqlite().backed_up());
}

#[test]
fn a_difference_stops_it_on_postgres() {
    planted(&Site::postgres().backed_up());
}

#[test]
fn maos_that_does_not_start_opens_legacy_again() {
    let site = Site::sqlite().backed_up();
    site.set(
        "ready_within: 20",
        "ready_within: 1\n  commands: {start: ['false']}",
    );
    let said = site.fails(&[], 6);
    assert!(said.contains("step start MAOS, ready failed"), "{said}");
    open_again(&site, &said);
    // It says that it started, and is never ready.
    site.set("start: ['false']", "start: ['true']");
    let said = site.fails(&[], 6);
    assert!(said.contains("MAOS not ready after 1 s"), "{said}");
    open_again(&site, &said);
    // Mended, it goes through: nothing of the failed ones is in the way.
    site.set("\n  commands: {start: ['true']}", "");
    site.set("ready_within: 1", "ready_within: 20");
    site.over(&[]);
    assert!(site.closed() && site.serves());
}

#[test]
fn tasks_that_do_not_end_are_waited_for_until_the_deadline() {
    let site = Site::sqlite().backed_up();
    running(&site, r#"["legacy_088", {"id": "legacy_090", "worker": 2}]"#);
    let plan = site.done(&["cutover", "plan"]);
    assert!(plan["plan"]["effects"].to_string().contains("drain"), "{plan:#}");
    let said = site.fails(&[], 5);
    assert!(
        said.contains("2 tasks still run after 1 s") && said.contains("freeze"),
        "{said}"
    );
    open_again(&site, &said);
    site.write("ws/running.json", "[]");
    site.over(&["--mode", "freeze"]);
    assert!(site.serves());
}

#[test]
fn rows_that_a_frozen_legacy_leaves_as_running_are_decided_as_rows() {
    let site = Site::sqlite().backed_up();
    sql(
        &site.legacy,
        "UPDATE legacy_tasks SET status = 'running' WHERE id = (SELECT max(id) FROM legacy_tasks WHERE status = 'pending')",
    );
    site.set("\nlegacy:\n", "\nsettings:\n  running_rows: claim\nlegacy:\n");
    site.over(&["--mode", "freeze"]);
    assert!(site.closed() && site.serves());
}

#[test]
#[expect(
    clippy::disallowed_methods,
    reason = "a look at another process, with a deadline"
)]
fn an_interrupt_while_draining_opens_legacy_at_once() {
    let site = Site::sqlite().backed_up();
    running(&site, r#"["legacy_088"]"#);
    site.set("drain_within: 1", "drain_within: 600");
    let args = site.apply(&[]);
    let mut command = site.command(&args.iter().map(String::as_str).collect::<Vec<_>>());
    let mut child = command
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let from = Instant::now();
    while !site.closed() && from.elapsed() < Duration::from_mins(1) {
        std::thread::sleep(Duration::from_millis(50));
    }
    assert!(site.closed());
    let told = Instant::now();
    kill_process(Pid::from_child(&child), Signal::INT).unwrap();
    let code = child.wait().unwrap().code();
    assert!(told.elapsed() < Duration::from_mins(1));
    assert_eq!(code, Some(130));
    assert!(!site.closed() && !site.serves());
}

/// A program of MAOS that is gone starts nothing, and keeps nobody from opening legacy again.
#[test]
fn a_maos_that_is_not_there_opens_legacy_again() {
    let site = Site::sqlite().backed_up();
    site.set(
        "maos:\n  command: [",
        "maos:\n  dialect: documented\n  command: [/nowhere/maos, ",
    );
    let target = site.done(&["cutover", "plan"])["plan"]["target"]
        .as_str()
        .unwrap()
        .to_owned();
    let said = site.refused(&["cutover", "apply", "--yes", "--confirm", &target], 6);
    assert!(said.contains("there is no program /nowhere/maos"), "{said}");
    assert!(said.contains("legacy is open again, the gap was 0:"), "{said}");
    assert!(!site.closed());
}

/// A killed one stands half-way with legacy closed: it goes on, or legacy is opened again by choice.
#[test]
fn half_way_it_can_be_taken_back() {
    let site = Site::sqlite().backed_up();
    site.refused(&["cutover", "undo", "--yes"], 3);
    let args = site.apply(&[]);
    let mut command = site.command(&args.iter().map(String::as_str).collect::<Vec<_>>());
    command.env("MAOS_MIGRATE_FAIL_POINT", "cutover.catch_up.intent");
    assert_eq!(crate::program::finish(command).code, None);
    assert!(site.closed());
    site.done(&["cutover", "undo", "--yes"]);
    assert!(!site.closed() && !site.serves());
    site.over(&[]);
    assert!(site.closed() && site.serves());
}
