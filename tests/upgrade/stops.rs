//! Stopping what is to be replaced: exit 0 proves nothing, and nothing is installed under a program that runs.

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::support::Site;

const APPLY: [&str; 5] = ["upgrade", "apply", "--to", "9.9.9", "--yes"];

fn state(site: &Site, key: &str) -> String {
    let lines = site.lines();
    let line = lines.iter().find(|line| line.0 == key);
    line.map(|line| line.1.clone()).unwrap_or_default()
}

/// Defects 62 and 88: a stop that says it is done and is not ends the run, and nothing behind it is begun.
#[test]
fn defect_88_a_stop_that_lies_is_found_out() {
    let site = Site::rehearsal();
    site.also("  stop_within: 1\n  commands: {stop: ['true']}\n");
    let site = site.backed_up();
    let said = site.refused(&APPLY, 6);
    assert!(
        said.contains("step stop MAOS failed") && said.contains("still runs"),
        "{said}"
    );
    assert!(said.contains("upgrade undo"), "{said}");
    assert!(site.runs());
    assert_eq!(
        (state(&site, "stop").as_str(), state(&site, "database").as_str()),
        ("failed", "waiting")
    );
}

#[test]
fn a_stop_that_hangs_is_ended_in_time() {
    let site = Site::rehearsal();
    site.also("  stop_within: 1\n  time_limit: 4\n  commands: {stop: [sleep, '600']}\n");
    let site = site.backed_up();
    let begun = Instant::now();
    let said = site.refused(&APPLY, 6);
    assert!(said.contains("step stop MAOS failed"), "{said}");
    assert!(begun.elapsed() < Duration::from_mins(1));
    assert!(site.runs());
    // Mended, it goes on to its end.
    let settings = std::fs::read_to_string(site.path("ws/migration.yml")).unwrap();
    site.write(
        "ws/migration.yml",
        &settings.replace("  commands: {stop: [sleep, '600']}\n", ""),
    );
    site.done(&APPLY);
    assert!(site.runs());
}

/// The released stop sees no other process and exits with 0. One that somebody else started is not ended, and nothing is installed
/// under it.
#[test]
fn what_others_started_from_the_environment_keeps_it_from_changing() {
    let Some(site) = Site::released(false) else { return };
    let site = site.backed_up();
    let mut other = Command::new(site.path("venv/bin/python"))
        .args(["-c", "input()"])
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    let apply = ["upgrade", "apply", "--to", "0.9.4", "--yes"];
    let said = site.refused(&apply, 5);
    assert!(
        said.contains(&format!(
            "process {} runs from the environment of this MAOS",
            other.id()
        )),
        "{said}"
    );
    assert_eq!(other.try_wait().unwrap(), None);
    assert_eq!(
        (site.metadata().as_str(), state(&site, "install").as_str()),
        ("0.8.9.1", "waiting")
    );
    drop(other.stdin.take());
    other.wait().unwrap();
    site.done(&apply);
    // It did not run before, so it is not started.
    assert_eq!(
        (site.metadata().as_str(), state(&site, "start").as_str()),
        ("0.9.4", "skipped")
    );
}
