//! A countdown to an automatic rollback: who stops it, from where; and leaving while MAOS is watched.

use maos_migrate::engine::Capability;
use maos_migrate::tui::app::Out;
use serde_json::Value;

use super::monitor::{PATIENT, STEP, breach, countdown, decisions, pass, saved, watched_by_lena};
use super::support::Harness;

#[test]
fn x_stops_an_armed_countdown_at_once_and_other_keys_leave_it() {
    let mut h = Harness::new((80, 24));
    countdown(&mut h);
    h.keys("fwv<esc>");
    assert!(decisions(&h).is_empty());
    h.keys("X");
    assert_eq!(decisions(&h), [("countdown".to_owned(), Value::Null)]);
}

#[test]
fn leaving_a_watch_asks_and_says_what_ends_with_it() {
    let mut h = Harness::new((80, 24));
    countdown(&mut h);
    h.keys("q");
    assert!(!h.out.contains(&Out::Leave));
    let asked = h.text();
    for said in [
        "Monitor is running",
        "Nobody looks at MAOS once this is left.",
        "The automatic rollback that counts down does not come then.",
        "End Monitor and leave",
    ] {
        assert!(asked.contains(said), "{said}:\n{asked}");
    }
    h.wait(PATIENT).keys("<enter>");
    assert!(!h.out.contains(&Out::Leave), "Stay has the focus");
    h.keys("q").wait(PATIENT).keys("<tab><enter>");
    assert!(h.out.contains(&Out::Leave));
}

#[test]
fn a_terminal_that_is_too_small_tells_how_the_watch_stands() {
    let mut h = Harness::new((80, 24));
    breach(&mut h);
    h.size = (34, 8);
    let said = h.text().split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(
        said.starts_with("Needs 40x10, has 34x8. Monitor goes on. Verdict breach, "),
        "{said}"
    );
    h.size = (80, 24);
    countdown(&mut h);
    h.size = (34, 8);
    let said = h.text().split_whitespace().collect::<Vec<_>>().join(" ");
    assert_eq!(said, "Needs 40x10, has 34x8. ROLLBACK IN 0:42. X stops it.");
    h.out.clear();
    h.keys("X");
    assert_eq!(decisions(&h), [("countdown".to_owned(), Value::Null)]);
}

#[test]
fn x_stops_the_countdown_from_every_screen() {
    for steps in ["[", "]", "s<up><enter>", "R"] {
        let mut h = Harness::new((80, 24));
        countdown(&mut h);
        h.keys(steps);
        assert_ne!(h.app.current(), STEP, "{steps}");
        assert!(
            h.text().contains("X stop the countdown"),
            "{steps}:\n{}",
            h.text()
        );
        assert!(decisions(&h).is_empty());
        h.keys("X");
        assert_eq!(
            decisions(&h),
            [("countdown".to_owned(), Value::Null)],
            "{steps}:\n{}",
            h.text()
        );
        assert!(
            h.text().contains("Stopping the automatic rollback"),
            "{}",
            h.text()
        );
    }
}

#[test]
fn a_watcher_stops_the_countdown_and_sees_why_the_rest_is_off() {
    let mut h = Harness::new((80, 24));
    countdown(&mut h);
    watched_by_lena(&mut h);
    let text = h.text();
    assert!(
        text.contains("X stop the countdown") && text.contains("X stops it for everyone"),
        "{text}"
    );
    for key in ["a", "K", "p"] {
        h.keys(key);
        assert!(decisions(&h).is_empty(), "{key}");
        assert!(
            h.text().contains("Read-only: bob operates from ops-2"),
            "{key}:\n{}",
            h.text()
        );
    }
    h.keys("X");
    assert_eq!(decisions(&h), [("countdown".to_owned(), Value::Null)]);
    // R works as ever.
    h.keys("R");
    assert_eq!(h.app.current(), Capability::Rollback);
    let mut h = Harness::new((80, 24));
    pass(&mut h);
    watched_by_lena(&mut h);
    h.keys("X");
    assert!(decisions(&h).is_empty(), "nothing counts down");
    h.keys("vw");
    assert!(saved(&h).is_empty());
    assert!(h.text().contains("Read-only: bob operates"), "{}", h.text());
}
