//! Killed at any moment, started again: each part exactly once.

use std::io::{BufRead as _, BufReader};
use std::process::Stdio;

use super::{Place, Way, three_stages};

const QUICK: &[(&str, &str)] = &[("seconds", "0.001"), ("agents", "8")];

/// Ends itself at a named point, without cleaning up.
fn dies_at(place: &Place, point: &str) {
    let output = place
        .command(&["tasks", "submit", "--yes", "--json"])
        .env("MAOS_MIGRATE_FAIL_POINT", point)
        .output()
        .unwrap();
    assert_eq!(
        output.status.code(),
        None,
        "{point}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
}

/// Killed with signal 9 when it has told of its progress so often.
fn killed_after(place: &Place, lines: usize) {
    let mut child = place
        .command(&["tasks", "submit", "--yes"])
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let said = BufReader::new(child.stderr.take().unwrap())
        .lines()
        .map_while(Result::ok);
    let progress = said
        .filter(|line| line.contains("submitting"))
        .take(lines)
        .count();
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(progress, lines, "it ended before it was killed");
}

#[test]
fn a_thousand_tasks_in_three_stages_through_the_command_line_killed_in_between() {
    let place = Place::new(Way::CommandLine, &three_stages(1_000), QUICK);
    // After the intent, after MAOS has it, after its id is known.
    dies_at(&place, "submit.before_give:40");
    dies_at(&place, "submit.after_give:60");
    killed_after(&place, 3);
    dies_at(&place, "submit.after_id:80");
    let (code, document) = place.submit(&[]);
    assert_eq!(
        (code, &document["converted"]),
        (0, &serde_json::json!(1_000)),
        "{document}"
    );
    place.holds_each_once(1_000);
    // And once more: nothing is left to do.
    let (code, document) = place.submit(&[]);
    assert_eq!((code, &document["unchanged"]), (0, &serde_json::json!(1_000)));
    place.holds_each_once(1_000);
}

#[test]
fn the_same_in_process_where_the_kill_also_ends_the_agents() {
    let place = Place::new(Way::InProcess, &three_stages(300), QUICK);
    for point in [
        "submit.after_give:20",
        "submit.before_give:90",
        "submit.after_id:120",
    ] {
        dies_at(&place, point);
    }
    killed_after(&place, 2);
    let (code, document) = place.submit(&[]);
    assert_eq!(
        (code, &document["converted"]),
        (0, &serde_json::json!(300)),
        "{document}"
    );
    place.holds_each_once(300);
}
