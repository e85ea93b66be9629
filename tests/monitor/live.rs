//! A watch from end to end: the program takes samples, keeps them, decides, and goes on after a restart.

use std::path::Path;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::program::{Ran, command, run};

/// A workspace whose status is what a file says.
pub fn workspace(monitor: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::create_dir(folder.path().join("migration")).expect("made");
    let settings = format!(
        "name: watched\ntype: brownfield\nenvironment: staging\ntarget:\n  database: sqlite://maos.db\nmonitor:\n  status: [cat, {}]\n  validation: off\n{monitor}",
        folder.path().join("status.json").display()
    );
    std::fs::write(folder.path().join("migration/migration.yml"), settings).expect("written");
    status(folder.path(), 600, 400, 10);
    folder
}

pub fn status(folder: &Path, failed: u64, completed: u64, healthy: u64) {
    let text = json!({
        "tasks": {"total": failed + completed, "failed": failed, "completed": completed},
        "health": {"healthy": healthy, "total": 10},
        "performance": {"avg_response_time": 2.0, "tasks_per_minute": 4.0},
    });
    let new = folder.join("status.new");
    std::fs::write(&new, text.to_string()).expect("written");
    std::fs::rename(new, folder.join("status.json")).expect("renamed");
}

fn lines(ran: &Ran) -> Vec<Value> {
    ran.out
        .lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {ran:#?}")))
        .collect()
}

/// Starts a watch, its output in a file.
pub fn watching(folder: &Path) -> Child {
    let mut command = command(folder, &["monitor", "run", "--json"]);
    let out = std::fs::File::create(folder.join("out.jsonl")).expect("made");
    let err = std::fs::File::create(folder.join("err.txt")).expect("made");
    command.stdout(out).stderr(err).stdin(Stdio::null());
    command.spawn().expect("starts")
}

#[expect(
    clippy::disallowed_methods,
    reason = "a look at another process, with a deadline"
)]
pub fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !holds() {
        assert!(begun.elapsed() < Duration::from_mins(1), "never: {what}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

pub fn samples(folder: &Path) -> usize {
    std::fs::read_to_string(folder.join("out.jsonl")).map_or(0, |text| text.lines().count())
}

fn end(mut child: Child) {
    let pid = rustix::process::Pid::from_raw(i32::try_from(child.id()).expect("a pid")).expect("a pid");
    rustix::process::kill_process(pid, rustix::process::Signal::TERM).expect("asked to end");
    assert_eq!(child.wait().expect("ends").code(), Some(130));
}

#[test]
fn a_watch_ends_well_after_its_duration_and_writes_the_guides_document() {
    let folder = workspace("  interval: 1\n  duration: 3\n");
    let ran = run(folder.path(), &["monitor", "run", "--json"]);
    assert_eq!(ran.code, Some(0), "{ran:#?}");
    let lines = lines(&ran);
    assert!(lines.len() >= 3, "{ran:#?}");
    assert!(lines.iter().all(|line| line["should_rollback"] == false));
    assert_eq!(
        lines[0]["source"]
            .as_str()
            .map(|text| text.starts_with("command cat")),
        Some(true)
    );
    let document = std::fs::read(
        folder
            .path()
            .join("migration/monitor/post_migration_monitoring.json"),
    )
    .expect("written");
    let document: Value = serde_json::from_slice(&document).expect("JSON");
    for field in [
        "start_time",
        "duration_minutes",
        "metrics_history",
        "rollback_decision",
        "end_time",
    ] {
        assert!(document.get(field).is_some(), "{field}: {document}");
    }
    assert_eq!(
        document["metrics_history"].as_array().map(Vec::len),
        Some(lines.len())
    );
    let ran = run(folder.path(), &["monitor", "status"]);
    assert_eq!(ran.code, Some(0));
    assert!(
        ran.out.starts_with("unknown score 0, ") && ran.out.contains("not watching"),
        "{}",
        ran.out
    );
}

#[test]
fn fault_e68_a_failing_system_is_seen_within_one_interval_and_everything_lost_is_unknown() {
    let folder = workspace("  interval: 1\n  duration: 600\n  hooks: [[tee, hook.json]]\n");
    let mut child = watching(folder.path());
    until("two samples", || samples(folder.path()) >= 2);
    status(folder.path(), 660, 400, 10);
    assert_eq!(child.wait().expect("ends").code(), Some(10));
    let text = std::fs::read_to_string(folder.path().join("out.jsonl")).expect("written");
    let last: Value = serde_json::from_str(text.lines().last().expect("a line")).expect("JSON");
    assert_eq!(
        (&last["verdict"], &last["latched"], &last["score"]),
        (&json!("breach"), &json!(true), &json!(3))
    );
    let line = run(folder.path(), &["monitor", "status"]);
    assert_eq!(line.code, Some(10));
    assert!(line.out.starts_with("BREACH score 3"), "{}", line.out);
    let explained = run(folder.path(), &["monitor", "explain"]);
    assert_eq!(explained.code, Some(10));
    assert!(
        explained.out.contains("60 failed ÷ 60 ended") && explained.out.contains("+3"),
        "{}",
        explained.out
    );

    // Only a named operator with a reason takes it back.
    let refused = run(folder.path(), &["monitor", "unlatch"]);
    assert_eq!(refused.code, Some(2));
    let taken = run(
        folder.path(),
        &[
            "monitor",
            "unlatch",
            "--reason",
            "a bad worker, replaced",
            "--operator",
            "lena",
        ],
    );
    assert_eq!(taken.code, Some(0), "{taken:#?}");
    assert_eq!(run(folder.path(), &["monitor", "status"]).code, Some(0));
    let note = run(
        folder.path(),
        &["monitor", "handover", "--since", "2026-01-01T00:00:00Z"],
    );
    assert!(
        note.out.contains("lena: unlatch: a bad worker, replaced")
            && note.out.contains("to breach, score 3; hook tee exit 0"),
        "{}",
        note.out
    );

    std::fs::remove_file(folder.path().join("status.json")).expect("removed");
    let child = watching(folder.path());
    until("a lost sample", || samples(folder.path()) >= 1);
    let text = std::fs::read_to_string(folder.path().join("out.jsonl")).expect("written");
    let line: Value = serde_json::from_str(text.lines().next().expect("a line")).expect("JSON");
    assert_eq!((&line["verdict"], &line["score"]), (&json!("unknown"), &json!(0)));
    assert!(
        line["missing"][0]
            .as_str()
            .is_some_and(|why| why.contains("exit 1")),
        "{line}"
    );
    end(child);
}

#[test]
fn decisions_reach_the_session_that_watches_and_a_restart_goes_on() {
    let folder = workspace("  interval: 1\n  duration: 600\n");
    let child = watching(folder.path());
    until("a sample", || samples(folder.path()) >= 1);
    let asked = run(
        folder.path(),
        &[
            "monitor",
            "snooze",
            "--for",
            "10",
            "--reason",
            "deploying",
            "--operator",
            "bob",
        ],
    );
    assert_eq!(asked.code, Some(0), "{asked:#?}");
    assert!(asked.out.contains("left for the session"), "{asked:#?}");
    let state = || run(folder.path(), &["monitor", "status", "--json"]).document();
    until("the snooze", || state()["snoozed"] == true);
    let armed = run(
        folder.path(),
        &["monitor", "arm", "--reason", "night", "--confirm", "another"],
    );
    assert_eq!(armed.code, Some(5), "{armed:#?}");
    let before = state()["samples"].as_u64().expect("a count");
    end(child);
    let child = watching(folder.path());
    until("more samples", || {
        state()["samples"].as_u64().expect("a count") > before + 1
    });
    assert_eq!(state()["snoozed"], true);
    end(child);
    let events = run(folder.path(), &["journal", "list", "--capability", "monitor"]);
    assert!(events.out.contains("bob decided snooze"), "{}", events.out);
}

#[test]
fn defect_85_and_86_a_watch_stops_when_asked_and_submits_nothing_by_default() {
    let folder = workspace("  interval: 1\n  duration: 600\n");
    let child = watching(folder.path());
    until("a sample", || samples(folder.path()) >= 1);
    end(child);
    let events = run(folder.path(), &["journal", "list"]);
    assert!(!events.out.contains("submit"), "{}", events.out);
}

#[test]
fn an_armed_verdict_counts_down_and_anybody_stops_it() {
    let folder = workspace("  interval: 1\n  duration: 600\n");
    let child = watching(folder.path());
    until("a sample", || samples(folder.path()) >= 1);
    // Who only looks, or only tries, arms nothing.
    let arm = ["monitor", "arm", "--reason", "night", "--confirm", "maos.db"];
    let looking = run(folder.path(), &[&["--read-only"], &arm[..]].concat());
    assert_eq!(looking.code, Some(5), "{looking:#?}");
    assert!(
        looking
            .err
            .contains("read-only: nothing can be applied in this session"),
        "{looking:#?}"
    );
    let trying = run(folder.path(), &[&["--dry-run"], &arm[..]].concat());
    assert_eq!(trying.code, Some(0), "{trying:#?}");
    assert!(trying.out.contains("Nothing is changed"), "{trying:#?}");
    let state = || run(folder.path(), &["monitor", "status", "--json"]).document();
    assert_eq!(state()["armed"], false);
    let armed = run(folder.path(), &arm);
    assert_eq!(armed.code, Some(0), "{armed:#?}");
    until("armed", || state()["armed"] == true);
    status(folder.path(), 660, 400, 10);
    until("the countdown", || !state()["countdown"].is_null());
    let stopped = run(folder.path(), &["monitor", "disarm", "--operator", "bob"]);
    assert_eq!(stopped.code, Some(0), "{stopped:#?}");
    assert!(stopped.out.starts_with("disarmed: "), "{stopped:#?}");
    until("stopped", || {
        state()["countdown"].is_null() && state()["armed"] == false
    });
    let _ = child.id();
    let mut child = child;
    // Not armed any more, the watch ends with the verdict at its next sample.
    assert_eq!(child.wait().expect("ends").code(), Some(10));
}
