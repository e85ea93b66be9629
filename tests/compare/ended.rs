//! A comparison that is ended before its end: what it started is stopped again, what ran before goes on.

use rustix::process::Signal;

use crate::apart::Apart;

const COMPARE: &[&str] = &["compare", "--yes"];

#[test]
fn a_signal_stops_what_the_comparison_started() {
    let apart = Apart::new("60");
    for signal in [Signal::TERM, Signal::INT, Signal::HUP] {
        let (code, said) = apart.until(COMPARE, "0 of 3 pairs").signal(signal);
        assert_eq!(code, Some(130), "{said}");
        assert!(!apart.serves(), "{signal:?}: {said}");
    }
}

#[test]
fn a_signal_leaves_alone_what_ran_before() {
    let apart = Apart::new("60");
    apart.maos(&["start"]);
    let begun = apart.until(COMPARE, "0 of 3 pairs");
    // Only a task that MAOS holds can be cancelled.
    let from = std::time::Instant::now();
    while !apart.maos(&["task", "list"]).contains("m-1") {
        assert!(from.elapsed().as_secs() < 60, "MAOS was never given a task");
    }
    let (code, said) = begun.signal(Signal::TERM);
    assert_eq!(code, Some(130), "{said}");
    assert!(apart.serves(), "{said}");
    assert!(apart.maos(&["task", "list"]).contains("CANCELLED"));
}

/// Nothing is begun after a signal that comes while the plan is made.
#[test]
fn a_signal_before_the_approval_ends_it_before_anything_is_done() {
    let apart = Apart::new("60");
    let settings = std::fs::read_to_string(apart.path().join("migration.yml")).unwrap();
    let slow = settings.replace("maos:\n  command: [", "maos:\n  command: [./slow.sh, ");
    assert_ne!(settings, slow);
    std::fs::write(apart.path().join("migration.yml"), slow).unwrap();
    let asked = apart.path().join("asked");
    let made = std::process::Command::new("mkfifo").arg(&asked).status().unwrap();
    assert!(made.success());
    let body = format!("echo asked > {}\nexec \"$@\"", asked.display());
    crate::support::script(apart.path(), "slow.sh", &body);
    let begun = apart.begin(COMPARE);
    // Opens when MAOS is asked for the first time, and lets every later question pass.
    let _asked = std::fs::File::open(&asked).unwrap();
    let (code, said) = begun.signal(Signal::TERM);
    assert_eq!(code, Some(130), "{said}");
    assert!(!said.contains("started"), "{said}");
    assert!(!apart.serves());
    assert!(!apart.maos(&["task", "list"]).contains("m-1"));
}

#[test]
fn after_a_kill_the_next_run_says_what_was_left_and_stops_it() {
    let apart = Apart::new("60");
    let (code, said) = apart.until(COMPARE, "0 of 3 pairs").signal(Signal::KILL);
    assert_eq!(code, None, "{said}");
    assert!(apart.serves(), "nobody could stop it");
    apart.maos(&["knob", "seconds", "0.01"]);
    let ran = apart.command(COMPARE).output().unwrap();
    let said = String::from_utf8_lossy(&ran.stderr);
    assert_eq!(ran.status.code(), Some(0), "{said}");
    assert!(
        said.contains("warning: MAOS was left started by a Compare that was cut short"),
        "{said}"
    );
    assert!(!apart.serves(), "{said}");
    // Nothing is left to be told.
    let ran = apart.command(COMPARE).output().unwrap();
    assert!(!String::from_utf8_lossy(&ran.stderr).contains("cut short"));
}

/// Whoever starts MAOS for good after that has it for good.
#[test]
fn what_was_left_and_then_given_tasks_goes_on() {
    let apart = Apart::new("60");
    apart.until(COMPARE, "0 of 3 pairs").signal(Signal::KILL);
    apart.maos(&["knob", "seconds", "0.01"]);
    let given = apart.command(&["tasks", "submit", "--yes"]).output().unwrap();
    assert!(given.status.success(), "{given:?}");
    let ran = apart.command(COMPARE).output().unwrap();
    assert_eq!(ran.status.code(), Some(0), "{ran:?}");
    assert!(apart.serves());
}
