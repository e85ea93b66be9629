//! A validation that is ended before its end: what it started is stopped again, what ran before goes on.

use rustix::process::Signal;

use crate::apart::Apart;

const VALIDATE: &[&str] = &["validate", "--yes"];

#[test]
fn a_signal_stops_what_the_validation_started() {
    let apart = Apart::new("60");
    for signal in [Signal::TERM, Signal::INT, Signal::HUP] {
        let (code, said) = apart.until(VALIDATE, "0 of 19 tests").signal(signal);
        assert_eq!(code, Some(130), "{said}");
        assert!(!apart.serves(), "{signal:?}: {said}");
    }
}

#[test]
fn a_signal_leaves_alone_what_ran_before() {
    let apart = Apart::new("60");
    apart.maos(&["start"]);
    let (code, said) = apart.until(VALIDATE, "0 of 19 tests").signal(Signal::TERM);
    assert_eq!(code, Some(130), "{said}");
    assert!(apart.serves(), "{said}");
}

#[test]
fn after_a_kill_the_next_run_says_what_was_left() {
    let apart = Apart::new("60");
    let (code, said) = apart.until(VALIDATE, "0 of 19 tests").signal(Signal::KILL);
    assert_eq!(code, None, "{said}");
    assert!(apart.serves(), "nobody could stop it");
    // Ended again, this time in order: it is as it was found at the very first.
    let (_, said) = apart.until(VALIDATE, "0 of 19 tests").signal(Signal::TERM);
    assert!(
        said.contains("warning: MAOS was left started by a Validate that was cut short"),
        "{said}"
    );
    assert!(!apart.serves(), "{said}");
}
