//! Where MAOS stays: after a rollback everything is as at the backup, with the new rows carried; doing it again does nothing.

use crate::sql::sql;
use crate::support::{Kind, Site};

#[test]
fn defect_66_73_everything_is_as_at_the_backup_and_new_rows_are_carried() {
    for on_postgres in [true, false] {
        let site = Site::new(Kind::Upgrade, on_postgres, 500);
        let then = site.state();
        site.backup();
        site.go_on();
        let idle = on_postgres.then(|| {
            std::process::Command::new("psql")
                .args([
                    "-X",
                    "-q",
                    "-d",
                    &site.url,
                    "-c",
                    "BEGIN; SELECT 1 FROM tasks LIMIT 1; SELECT pg_sleep(600)",
                ])
                .stdout(std::process::Stdio::null())
                .stderr(std::process::Stdio::null())
                .spawn()
                .unwrap()
        });
        let plan = site.run(&["rollback", "plan"]);
        assert_eq!(plan.code, Some(0), "{plan:#?}");
        assert!(
            plan.document()["plan"]["undo"].is_null(),
            "the target's name is asked for"
        );
        let known = plan.document()["preflight"].as_array().unwrap().clone();
        assert!(
            !known.is_empty()
                && known
                    .iter()
                    .all(|line| line["state"].is_string() && line["text"].is_string()),
            "{known:#?}"
        );
        let unconfirmed = site.run(&["rollback", "apply", "--yes"]);
        assert_eq!(unconfirmed.code, Some(5), "{unconfirmed:#?}");

        let ran = site.back(&[]);
        assert_eq!(ran.code, Some(0), "{ran:#?}");
        if let Some(mut idle) = idle {
            idle.wait().unwrap();
        }
        sql(
            &site.url,
            "DELETE FROM tasks WHERE description LIKE 'new %' AND status IN ('QUEUED', 'RUNNING')",
        );
        assert_eq!(site.state(), then);
        assert_eq!(site.copies(), (0, 1), "the one before is kept, nothing else");
        let result = site.result();
        assert_eq!(result["success"], true);
        assert!(result["duration"].as_f64().unwrap() > 0.0);
        assert!(
            result["health_check"].as_str().unwrap().contains("healthy"),
            "{result:#}"
        );
        assert!(result["log"].as_array().unwrap().len() > 8);
        let changed = std::fs::read_dir(site.path("ws/rollback"))
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .find(|path| path.display().to_string().contains("changed_rows"))
            .expect("the changed row is exported");
        assert!(std::fs::read_to_string(changed).unwrap().contains("task 7"));
        let outcome = ran.document();
        assert!(
            outcome["summary"].as_str().unwrap().contains("2 carried back"),
            "{outcome:#}"
        );
    }
}

#[test]
fn done_twice_it_does_nothing_and_a_second_one_goes_back_again() {
    let site = Site::new(Kind::Upgrade, false, 50);
    site.backup();
    site.go_on();
    assert_eq!(site.back(&[]).code, Some(0));
    let then = site.state();
    let again = site.back(&[]);
    assert_eq!(again.code, Some(0), "{again:#?}");
    assert!(
        again.document()["summary"]
            .as_str()
            .unwrap()
            .contains("nothing to do")
    );
    assert_eq!((site.state(), site.copies()), (then.clone(), (0, 1)));
    // Something happened since: it is a rollback of its own.
    sql(
        &site.url,
        "UPDATE tasks SET status = 'FAILED' WHERE description = 'task 3'",
    );
    let third = site.back(&[]);
    assert_eq!(third.code, Some(0), "{third:#?}");
    assert_eq!((site.state(), site.copies()), (then, (0, 2)));
}

#[test]
fn rows_can_be_exported_instead() {
    let site = Site::new(Kind::Upgrade, false, 20);
    let then = site.state();
    site.backup();
    site.go_on();
    let ran = site.back(&["--rows", "export"]);
    assert_eq!(ran.code, Some(0), "{ran:#?}");
    assert_eq!(site.state(), then);
    let exported = std::fs::read_dir(site.path("ws/rollback"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .find(|path| path.display().to_string().contains("new_rows"))
        .unwrap();
    let text = std::fs::read_to_string(exported).unwrap();
    assert_eq!(text.lines().count(), 2);
    assert!(text.contains("new one") && text.contains("new two"));
}

#[test]
fn a_rehearsal_touches_nothing_and_its_time_is_in_the_plan() {
    for on_postgres in [true, false] {
        let site = Site::new(Kind::Upgrade, on_postgres, 200);
        site.backup();
        site.go_on();
        let then = site.state();
        let ran = site.run(&["rollback", "rehearse", "--yes"]);
        assert_eq!(ran.code, Some(0), "{ran:#?}");
        assert!(
            ran.document()["summary"]
                .as_str()
                .unwrap()
                .starts_with("Rehearsed in")
        );
        assert_eq!((site.state(), site.copies()), (then, (0, 0)));
    }
}

#[test]
fn the_steps_it_undoes_say_so() {
    use maos_migrate::engine::Capability;
    use maos_migrate::engine::event::{Event, EventKind};
    use maos_migrate::engine::operation::Outcome;
    use maos_migrate::engine::snapshot::{Activity, Snapshot};
    let at = jiff::Timestamp::from_second(1_000).unwrap();
    let capability = Capability::Upgrade;
    let outcome = Outcome {
        source: 1,
        converted: 1,
        unchanged: 0,
        quarantined: 0,
        proof: Vec::new(),
        summary: "0.9.4 runs".to_owned(),
        artifacts: Vec::new(),
    };
    let kinds = [
        EventKind::Finished {
            capability,
            verb: "apply".to_owned(),
            outcome,
        },
        EventKind::Undone {
            capability,
            by: "alice".to_owned(),
        },
    ];
    let events: Vec<Event> = kinds
        .into_iter()
        .zip(1..)
        .map(|(kind, seq)| Event { seq, at, kind })
        .collect();
    let step = Snapshot::of(&events).step(capability);
    assert_eq!(
        (step.activity, step.undone, step.outcome),
        (Activity::Idle, Some(at), None)
    );
}

/// Rows that were deleted since are in the backup: they come back, and nobody learns that afterwards only.
#[test]
fn rows_that_were_deleted_since_are_counted_and_come_back() {
    let site = Site::new(Kind::Upgrade, false, 30);
    site.backup();
    let before = site.run(&["rollback", "plan"]).document();
    sql(
        &site.url,
        "DELETE FROM tasks WHERE description IN ('task 3', 'task 4')",
    );
    let plan = site.run(&["rollback", "plan"]).document();
    let effects = plan["plan"]["effects"].as_array().unwrap().clone();
    let deleted = effects.iter().find(|effect| effect["act"] == "return");
    let deleted = deleted.unwrap_or_else(|| panic!("{plan:#}"));
    assert_eq!(deleted["count"], 2, "{plan:#}");
    assert!(
        deleted["what"]
            .as_str()
            .unwrap()
            .contains("rows that were deleted since the backup: they come back"),
        "{plan:#}"
    );
    assert_eq!(
        plan["plan"]["digest"], before["plan"]["digest"],
        "what still changes is told and identifies nothing"
    );
    let ran = site.back(&[]);
    assert_eq!(ran.code, Some(0), "{ran:#?}");
    assert_eq!(sql(&site.url, "SELECT count(*) FROM tasks"), "30");
    let log = site.result()["log"].to_string();
    assert!(log.contains("2 rows deleted since come back"), "{log}");
    // It is no state that a rollback left: doing it again does something.
    sql(&site.url, "DELETE FROM tasks WHERE description = 'task 5'");
    let again = site.back(&[]);
    assert_eq!(again.code, Some(0), "{again:#?}");
    assert!(!again.out.contains("nothing to do"), "{again:#?}");
    assert_eq!(sql(&site.url, "SELECT count(*) FROM tasks"), "30");
}
