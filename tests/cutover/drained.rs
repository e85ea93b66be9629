//! Tasks that do not end in time: what a person at the prompts may choose, and that nothing is chosen for anybody.

use std::time::Duration;

use crate::program::PROGRAM;
use crate::pty::{Session, Start};
use crate::sql::sql;
use crate::support::{Site, running};

/// The plain wizard at the step, with the target's name typed.
fn at_the_question(site: &Site) -> Session {
    let target = site.done(&["cutover", "plan"])["plan"]["target"]
        .as_str()
        .unwrap()
        .to_owned();
    let session = Start::new(PROGRAM)
        .args(&["--plain", "-w", "ws"])
        .dir(&site.path(""))
        .size(200, 60)
        .spawn();
    // Whatever stands before it is passed over.
    loop {
        let last = |screen: &str| {
            screen
                .trim_end()
                .lines()
                .last()
                .unwrap_or_default()
                .trim_end()
                .to_owned()
        };
        session.wait_within(Duration::from_mins(1), "a prompt", |seen| {
            last(&seen.screen).ends_with('>')
        });
        let prompt = last(&session.seen().screen);
        if prompt == "Type the name of the target >" {
            break;
        }
        session.send("\r");
        session.wait_within(Duration::from_mins(1), "an answer", |seen| {
            last(&seen.screen) != prompt
        });
    }
    session.send(&format!("{target}\r"));
    session.wait_within(Duration::from_mins(1), "the question", |seen| {
        seen.screen.contains("still runs after 1 s")
    });
    session
}

fn site() -> Site {
    let site = Site::sqlite().backed_up();
    running(&site, r#"[{"id": "legacy_088", "worker": 2}]"#);
    site
}

#[test]
fn a_person_waits_on_until_they_end() {
    let site = site();
    let session = at_the_question(&site);
    assert!(site.closed());
    session.wait_for("1 wait on, 1 s more, 2 end them, MAOS runs them again, 3 end them, leave their rows behind, listed, 4 open legacy again");
    session.send("nonsense\r");
    session.wait_for("Not understood. Nothing was chosen.");
    session.send("1\r");
    session.wait_for("Chosen: wait on, 1 s more.");
    // It asks anew when that time is over, and nobody has to answer once they have ended.
    session.wait_within(Duration::from_secs(40), "the second question", |seen| {
        seen.screen.matches("still runs after 1 s").count() >= 2
    });
    site.write("ws/running.json", "[]");
    session.wait_within(Duration::from_mins(1), "the end", |seen| {
        seen.screen.contains("MAOS serves")
    });
    assert!(site.closed() && site.serves());
}

#[test]
fn a_person_opens_legacy_again() {
    let site = site();
    let session = at_the_question(&site);
    session.send("4\r");
    session.wait_within(Duration::from_mins(1), "the end", |seen| {
        seen.screen.contains("legacy is opened again by choice")
    });
    assert!(!site.closed(), "{}", session.seen().screen);
    assert!(!site.serves(), "{}", session.seen().screen);
}

#[test]
fn a_person_ends_them_and_maos_runs_their_rows() {
    let site = site();
    // What is ended leaves its row as it was.
    sql(
        &site.legacy,
        "INSERT INTO legacy_tasks (id, description, category, status, priority, created_at, metadata) \
         SELECT max(id) + 1, 'was running', 'analysis', 'running', 'NORMAL', '2026-11-20 10:00:00', '{}' FROM legacy_tasks",
    );
    site.set("\nlegacy:\n", "\nsettings:\n  running_rows: keep\nlegacy:\n");
    site.set(
        "  freeze: [touch, legacy/closed]",
        "  freeze: [cp, /dev/null, running.json]",
    );
    site.set(
        "running: [cat, running.json]",
        "running: [python3, -c, \"print(open('running.json').read() or '[]')\"]",
    );
    let session = at_the_question(&site);
    session.send("2\r");
    session.wait_within(Duration::from_mins(1), "the end", |seen| {
        seen.screen.contains("MAOS serves") || seen.screen.contains("Failed")
    });
    assert!(site.closed() && site.serves(), "{}", session.seen().screen);
    assert_eq!(
        sql(
            &site.target,
            "SELECT status FROM tasks WHERE description = 'was running'"
        ),
        "QUEUED"
    );
}
