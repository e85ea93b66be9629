//! The rehearsal from its first screen to the report after a rollback, in one go, by the keys that the screens themselves propose.

use std::time::{Duration, Instant};

use crate::pty::{Seen, Session, Start};

/// For one thing to be seen; a rollback asks MAOS to end what it does.
const PATIENCE: Duration = Duration::from_mins(1);
/// A dialog hears nothing in its first 300 ms, so a key is sent again after this long.
const AGAIN: Duration = Duration::from_millis(500);

struct Walk(Session);

impl Walk {
    fn see(&self, text: &str) {
        self.0
            .wait_within(PATIENCE, text, |seen| seen.screen.contains(text));
    }

    fn shows(&self, text: &str) -> bool {
        self.0.seen().screen.contains(text)
    }

    /// Sends `key` until `text` is seen: once, unless it was not heard.
    fn press_until(&self, key: &str, text: &str) {
        let deadline = Instant::now() + PATIENCE;
        while !self.shows(text) {
            assert!(Instant::now() < deadline, "no {text:?}{}", self.0.seen().screen);
            self.0.send(key);
            self.0.comes_within(AGAIN, |seen| seen.screen.contains(text));
        }
    }

    /// The footer proposes `n label`; takes it, and waits for `then`.
    fn next(&self, label: &str, then: &str) {
        self.see(&format!("└ n {label}"));
        self.0.send("n");
        self.see(then);
    }

    /// The footer proposes `n label`, which asks; approves by Tab and Enter, and waits for `then`.
    fn approve(&self, label: &str, button: &str, then: &str) {
        self.next(label, "[▸Cancel◂]");
        self.press_until("\t", &format!("[▸{button}◂]"));
        self.0.send("\r");
        self.see(then);
    }

    /// The same where the name of the target is typed first.
    fn approve_typed(&self, label: &str, name: &str, button: &str, then: &str) {
        self.next(label, "Type the target's name");
        let (first, rest) = name.split_at(1);
        self.press_until(first, &format!("> {first}"));
        self.0.send(rest);
        self.see(" equal ");
        self.press_until("\t", &format!("[▸{button}◂]"));
        self.0.send("\r");
        self.see(then);
    }
}

fn walk(columns: u16, rows: u16) {
    let folder = tempfile::tempdir().unwrap();
    let session = Start::new(env!("CARGO_BIN_EXE_maos-migrate"))
        .dir(folder.path())
        .args(&["demo"])
        .size(columns, rows)
        .spawn();
    let walk = Walk(session);
    walk.see("REHEARSAL");
    walk.see("✓ 15 commands");
    walk.next("begin", "of 22 answered");
    // Probes answer most; `n` finds the rest, Space takes the first answer.
    walk.see("4 open");
    for open in ["3 open", "2 open", "1 open"] {
        walk.0.send(" ");
        walk.see(open);
        walk.next("next open", "not answered");
    }
    walk.0.send(" ");
    walk.next("write report", "n readiness");
    walk.next("readiness", "of 100");
    walk.next("tasks", "0 accepted");
    walk.next("accept", "37 plans accepted");
    walk.approve("convert", "Convert 37 tasks", "40 = 37 + 3");
    walk.next("environment", "0 of 7 proved");
    walk.approve(
        "apply 5 effects",
        "Apply 5 effects to the environment",
        "All 5 are in place",
    );
    // Now that its place is ready, the way leads back to the tasks.
    walk.next("submit tasks", "n gives them to MAOS");
    walk.approve("submit", "Submit 121 parts to MAOS", "submitting");
    walk.see("121 of 121 parts done in MAOS");
    walk.next("config", "2 conflicts need a decision");
    walk.next("conflict", "type the number of a choice");
    walk.0.send("1");
    walk.see("1 conflict needs a decision");
    walk.next("conflict", "type the number of a choice");
    walk.0.send("1");
    walk.see("Every key has its place");
    walk.approve("write", "Write maos_config.yml", "16 = 16 + 0");
    walk.next("checkpoints", "Not scanned yet");
    walk.next("scan", "2 refused, nothing run");
    walk.approve("convert 10 files", "Convert 10 files", "12 accounted for");
    walk.next("schema", "Every value has a fate");
    walk.approve(
        "copy 3,992 rows",
        "Copy 3,992 rows",
        "4,012 = 3,992 + 20. ▸ n compare",
    );
    walk.next("compare", "Nothing is sent before the dialog");
    walk.approve("run the pairs", "Run 16 pairs", "8 tasks × 2 repeats");
    walk.see("16 pairs compared");
    walk.next("cut over", "Locked: No verified backup");
    walk.next("backup", "No verified backup. ▸ n makes");
    walk.approve(
        "create",
        "Make and verify a backup",
        "A verified backup is there. ▸ n goes back",
    );
    walk.next("back", "Nothing is changed yet. ▸ n shows the plan");
    walk.approve_typed("cut over", "maos.db", "Cut over to MAOS", "▸ n validate");
    walk.next("validate", "Not run yet");
    walk.approve("run 19 tests", "Run 19 tests", "19 run: ");
    // One of the tests compares times, which a busy machine may spoil; then `]` goes on.
    let ended = |seen: &Seen| ["└ n monitor", "└ n next failure"].map(|end| seen.screen.contains(end));
    walk.0.wait_within(PATIENCE, "the end of the tests", |seen| {
        ended(seen).contains(&true)
    });
    walk.0.send(if walk.shows("└ n monitor") { "n" } else { "]" });
    walk.see("Nothing is watched yet");
    walk.next("watch", "VERDICT");
    // Tasks come in while it is watched; a minimum of them has to end before an error rate is judged.
    walk.see("CONTINUE MONITORING");
    walk.0.send("?");
    walk.see("Help and commands");
    walk.0.send("trouble");
    walk.see("trouble: failures begin");
    walk.0.send("\r");
    walk.see("BREACH since");
    walk.next("roll back", "Pre-flight is clear");
    walk.approve_typed("roll back", "maos.db", "Roll back maos.db", "▸ n report");
    walk.next("report", "report.md");
    walk.0.send("q");
    assert_eq!(walk.0.wait_exit().code, Some(0));
}

#[test]
fn the_rehearsal_leads_from_start_to_rollback_by_its_own_keys() {
    walk(80, 24);
}

#[test]
fn the_same_on_a_large_terminal() {
    walk(140, 45);
}
