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
        seen.screen.contains("after 1 s")
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
    // What is settled for rows ends no task that a person waits for.
    site.set("\nlegacy:\n", "\nsettings:\n  running_rows: keep\nlegacy:\n");
    site.set("  freeze: [touch, legacy/closed]", "  freeze: [touch, frozen]");
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
    assert!(!site.path("ws/frozen").exists(), "nothing was ended");
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

/// Two rows that a crashed worker left as running.
fn two_left(site: &Site) -> (u64, u64) {
    let first: u64 = sql(&site.legacy, "SELECT max(id) + 1 FROM legacy_tasks")
        .parse()
        .unwrap();
    for id in [first, first + 1] {
        sql(
            &site.legacy,
            &format!(
                "INSERT INTO legacy_tasks (id, description, category, status, priority, created_at, metadata) \
                 VALUES ({id}, 'left running {id}', 'analysis', 'running', 'NORMAL', '2026-11-20 10:00:00', '{{}}')"
            ),
        );
    }
    (first, first + 1)
}

fn became(site: &Site, id: u64) -> String {
    sql(
        &site.target,
        &format!("SELECT status FROM tasks WHERE description = 'left running {id}'"),
    )
}

/// A script decides about each row; one that it does not name stands in the way before anything is closed.
#[test]
fn a_script_decides_row_by_row_and_what_it_leaves_out_stands_in_the_way() {
    for on_postgres in [true, false] {
        let site = if on_postgres {
            Site::postgres()
        } else {
            Site::sqlite()
        };
        let site = site.backed_up();
        let (one, two) = two_left(&site);
        let said = site.refused(
            &[
                "cutover",
                "plan",
                "--mode",
                "freeze",
                "--running",
                &format!("{one}=failed"),
            ],
            5,
        );
        assert!(
            said.contains(&format!(
                "1 row runs in the legacy system and nobody decided about it: {two}"
            )) && said.contains("--running KEY=WORD"),
            "{said}"
        );
        assert!(!site.closed());
        let said = site.refused(&["cutover", "plan", "--running", &format!("{one}=eaten")], 3);
        assert!(
            said.contains("eaten decides nothing") && said.contains("queued"),
            "{said}"
        );
        let file = format!("# of the worker that crashed\n{one}=failed\n\n{two}=queued\n");
        site.write("ws/running.txt", &file);
        let more = ["--mode", "freeze", "--running-file", "ws/running.txt"];
        let plan = site.done(&[&["cutover", "plan"], &more[..]].concat());
        assert!(
            plan.to_string()
                .contains(&format!("rows, if they still run: failed ({one})")),
            "{plan:#}"
        );
        site.over(&[]);
        assert!(site.closed() && site.serves());
        assert_eq!(
            (became(&site, one).as_str(), became(&site, two).as_str()),
            ("FAILED", "QUEUED")
        );
    }
}

/// What is kept stays behind and is listed; what is decided holds no longer than the row runs; `none` forgets it.
#[test]
fn a_decision_holds_while_its_row_runs_and_can_be_taken_back() {
    let site = Site::sqlite().backed_up();
    let (one, two) = two_left(&site);
    let decided = [format!("{one}=keep"), format!("{two}=failed")];
    let more = [
        "--mode",
        "freeze",
        "--running",
        &decided[0],
        "--running",
        &decided[1],
    ];
    site.done(&[&["cutover", "plan"], &more[..]].concat());
    let forgotten = site.refused(&["cutover", "plan", "--running", "none"], 5);
    assert!(forgotten.contains("2 rows are running"), "{forgotten}");
    let twice = site.refused(
        &[
            "cutover",
            "plan",
            "--running",
            &decided[0],
            "--running",
            &format!("{one}=queued"),
        ],
        2,
    );
    assert!(twice.contains("is decided twice"), "{twice}");
    // It ended by itself: that counts, not what was thought of it.
    sql(
        &site.legacy,
        &format!("UPDATE legacy_tasks SET status = 'completed' WHERE id = {two}"),
    );
    site.over(&more);
    assert_eq!(
        (became(&site, one).as_str(), became(&site, two).as_str()),
        ("", "COMPLETED")
    );
    assert_eq!(
        sql(
            &site.target,
            &format!("SELECT reason FROM migration_quarantine WHERE legacy_key = '{one}'")
        ),
        "left_running"
    );
}

#[test]
fn a_person_decides_row_by_row() {
    let site = Site::sqlite().backed_up();
    let (one, two) = two_left(&site);
    site.set("legacy:\n", "legacy:\n  drain_within: 1\n");
    let session = at_the_question(&site);
    session.wait_for("5 decide row by row");
    session.send("5\r");
    session.wait_for(&format!(
        "{one}  left running {one}: queued, cancelled, completed, failed, keep >"
    ));
    session.send("soon\r");
    session.wait_for("Not understood. Nothing was decided.");
    session.send("cancelled\r");
    session.wait_for(&format!("{two}  left running {two}: queued"));
    session.send("queued\r");
    session.wait_within(Duration::from_mins(1), "the end", |seen| {
        seen.screen.contains("MAOS serves") || seen.screen.contains("Failed")
    });
    assert!(site.closed() && site.serves(), "{}", session.seen().screen);
    assert_eq!(
        (became(&site, one).as_str(), became(&site, two).as_str()),
        ("CANCELLED", "QUEUED")
    );
}
