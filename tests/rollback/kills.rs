//! Fault case E76, defects 68 and 88: killed at every boundary of every step and gone on with, it ends as an undisturbed one; given up
//! instead, the state before is there again.

use crate::sql::sql;
use crate::support::{Kind, Site};

const STEPS: [&str; 11] = [
    "checkpoint",
    "stop",
    "restore",
    "prove",
    "stage",
    "carry",
    "swap",
    "files",
    "start",
    "ready",
    "proof",
];

fn prepared(on_postgres: bool) -> (Site, String) {
    let site = Site::new(Kind::Upgrade, on_postgres, 60);
    site.backup();
    site.go_on();
    let before = site.state();
    (site, before)
}

/// Kills at `point`, goes on, and gives the state at the end.
fn killed_and_gone_on(on_postgres: bool, point: &str) -> String {
    let (site, _) = prepared(on_postgres);
    let args = site.applying(&[]);
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    let killed = site.run_with(&args, Some(point));
    assert_eq!(killed.code, None, "{point} is reached: {killed:#?}");
    // At no moment without a database that works.
    assert!(
        !sql(&site.url, "SELECT count(*) FROM tasks").is_empty(),
        "{point}"
    );
    let ran = site.back(&[]);
    assert_eq!(ran.code, Some(0), "{point}: {ran:#?}");
    let (left, kept) = site.copies();
    assert_eq!((left, kept), (0, 1), "{point}");
    assert_eq!(site.result()["success"], true);
    site.state()
}

fn undisturbed(on_postgres: bool) -> String {
    let (site, _) = prepared(on_postgres);
    let ran = site.back(&[]);
    assert_eq!(ran.code, Some(0), "{ran:#?}");
    site.state()
}

fn ends_the_same(on_postgres: bool, points: &[String]) {
    let expected = undisturbed(on_postgres);
    for point in points {
        assert_eq!(
            killed_and_gone_on(on_postgres, point),
            expected,
            "killed at {point}"
        );
    }
}

fn points(steps: &[&str], moments: &[&str]) -> Vec<String> {
    steps
        .iter()
        .flat_map(|step| {
            moments
                .iter()
                .map(move |moment| format!("rollback.{step}.{moment}"))
        })
        .collect()
}

#[test]
fn fault_e76_killed_before_an_effect_it_ends_the_same() {
    ends_the_same(false, &points(&STEPS, &["intent"]));
}

#[test]
fn fault_e76_killed_after_an_effect_it_ends_the_same() {
    ends_the_same(false, &points(&STEPS, &["effect"]));
}

#[test]
fn fault_e76_killed_between_steps_it_ends_the_same() {
    ends_the_same(false, &points(&STEPS[1..], &["done"]));
}

#[test]
fn fault_e76_killed_on_postgresql_it_ends_the_same() {
    let mut all = points(&["restore", "carry", "swap", "files"], &["intent", "effect"]);
    all.push("databases.swap.before_commit".to_owned());
    all.push("rollback.files.between".to_owned());
    ends_the_same(true, &all);
}

#[test]
fn fault_e76_given_up_it_is_as_before() {
    for step in ["stop", "restore", "carry", "swap", "files", "start"] {
        let (site, before) = prepared(false);
        let args = site.applying(&[]);
        let args: Vec<&str> = args.iter().map(String::as_str).collect();
        assert_eq!(
            site.run_with(&args, Some(&format!("rollback.{step}.effect")))
                .code,
            None
        );
        // Nothing else is begun meanwhile.
        let other = site.run(&["validate", "--yes"]);
        assert_eq!(other.code, Some(5), "{other:#?}");
        let kept = site.run(&["rollback", "keep", "--yes"]);
        assert_eq!(kept.code, Some(0), "{step}: {kept:#?}");
        assert_eq!(site.state(), before, "{step}");
        assert_eq!(site.copies(), (0, 0), "{step}");
        let nothing = site.run(&["rollback", "keep", "--yes"]);
        assert_eq!(nothing.code, Some(5));
    }
}

#[test]
fn killed_while_it_takes_back_it_goes_on_taking_back() {
    for point in [
        "rollback.swap.undo",
        "rollback.files.undo",
        "rollback.restore.undo",
    ] {
        let (site, before) = prepared(false);
        let args = site.applying(&[]);
        let args: Vec<&str> = args.iter().map(String::as_str).collect();
        // It is stopped by a killing behind the swap, given up, and killed again on the way.
        assert_eq!(site.run_with(&args, Some("rollback.start.effect")).code, None);
        let killed = site.run_with(&["rollback", "keep", "--yes"], Some(point));
        assert_eq!(killed.code, None, "{point}: {killed:#?}");
        let kept = site.run(&["rollback", "keep", "--yes"]);
        assert_eq!(kept.code, Some(0), "{point}: {kept:#?}");
        assert_eq!(site.state(), before, "{point}");
        assert_eq!(site.copies(), (0, 0), "{point}");
    }
}

#[test]
fn a_rehearsal_that_is_killed_leaves_nothing_once_it_is_done_again() {
    let (site, before) = prepared(true);
    for point in ["rehearse.restore.effect", "rehearse.swap.effect"] {
        assert_eq!(
            site.run_with(&["rollback", "rehearse", "--yes"], Some(point))
                .code,
            None
        );
        let again = site.run(&["rollback", "rehearse", "--yes"]);
        assert_eq!(again.code, Some(0), "{point}: {again:#?}");
        assert_eq!((site.state(), site.copies()), (before.clone(), (0, 0)), "{point}");
    }
}

/// Fault case C54: the program is killed while PostgreSQL is still reading the dump. What survives is not taken for a restore.
#[test]
#[expect(
    clippy::disallowed_methods,
    reason = "a look at another process, with a deadline"
)]
fn fault_c54_a_restore_that_was_cut_is_made_again() {
    use std::time::{Duration, Instant};
    let site = Site::new(Kind::Upgrade, true, 150_000);
    site.backup();
    site.go_on();
    let workspace = site.path("ws").display().to_string();
    let args = site.applying(&[]);
    let mut words = vec!["-w", workspace.as_str(), "--json"];
    words.extend(args.iter().map(String::as_str));
    let mut command = crate::program::command(std::path::Path::new("/"), &words);
    command.stdout(std::process::Stdio::null());
    command.stderr(std::process::Stdio::null());
    let mut child = command.spawn().unwrap();
    let begun = Instant::now();
    let restoring =
        "SELECT count(*) FROM pg_stat_activity WHERE datname LIKE 'maos_rb_%' AND query LIKE 'COPY %'";
    while sql(&site.url, restoring) == "0" {
        assert!(
            child.try_wait().unwrap().is_none(),
            "it ended before it was killed"
        );
        assert!(begun.elapsed() < Duration::from_mins(3), "no restore began");
        std::thread::sleep(Duration::from_millis(5));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(sql(&site.url, "SELECT count(*) FROM tasks"), "150002");
    let ran = site.back(&[]);
    assert_eq!(ran.code, Some(0), "{ran:#?}");
    assert_eq!(sql(&site.url, "SELECT count(*) FROM tasks"), "150002");
    assert_eq!(site.copies(), (0, 1));
}
