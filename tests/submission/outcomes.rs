//! What becomes of parts that fail, of those that need them, and of those of which nobody knows.

use serde_json::{Value, json};

use super::{Place, Way, task};

fn aside(document: &Value) -> Vec<(&str, &str, &str)> {
    document["aside"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| {
            (
                row["part"].as_str().unwrap(),
                row["state"].as_str().unwrap(),
                row["why"].as_str().unwrap(),
            )
        })
        .collect()
}

/// One with parts: two beside each other and one that needs both; a task that needs all of it.
fn plan() -> Vec<Value> {
    let mut first = task("legacy_001", "All of it", &[]);
    first["metadata"]["subtasks"] = json!([
        {"id": 0, "description": "translate French", "type": "documentation", "dependencies": []},
        {"id": 1, "description": "translate German", "type": "documentation", "dependencies": []},
        {"id": 2, "description": "publish the index", "type": "coordination", "dependencies": [0, 1]},
    ]);
    vec![first, task("legacy_002", "tell everybody", &["legacy_001"])]
}

#[test]
fn defect_12_and_30_maos_sees_its_own_ids_and_each_waits_for_what_it_needs() {
    for way in [Way::InProcess, Way::CommandLine] {
        let place = Place::new(way, &plan(), &[("seconds", "0.01")]);
        let (code, document) = place.submit(&[]);
        assert_eq!((code, &document["done"]), (0, &json!(4)), "{way:?} {document}");
        let map: Vec<Value> =
            serde_json::from_slice(&std::fs::read(place.path().join("tasks/submission.json")).unwrap())
                .unwrap();
        let id = |part: &str| map.iter().find(|row| row["part"] == part).unwrap()["maos_id"].clone();
        let show = |part: &str| -> Value {
            let (_, out, _) = place.maos(&["--format", "json", "task", "show", id(part).as_str().unwrap()]);
            serde_json::from_str(&out).unwrap()
        };
        assert_eq!(
            show("legacy_001/2")["depends_on"],
            json!([id("legacy_001/0"), id("legacy_001/1")])
        );
        assert_eq!(show("legacy_002")["depends_on"], json!([id("legacy_001/2")]));
        assert!(show("legacy_001/1")["ended_at"].as_str() <= show("legacy_001/2")["submitted_at"].as_str());
        assert_eq!(
            show("legacy_002")["metadata"]["reference"],
            json!("acme/legacy_002")
        );
    }
}

#[test]
fn defect_30_dependents_of_a_failed_part_never_run_and_name_it_until_it_is_given_again() {
    for way in [Way::InProcess, Way::CommandLine] {
        let place = Place::new(way, &plan(), &[("seconds", "0.01"), ("failure_rate", "0.5")]);
        let (code, document) = place.submit(&[]);
        assert_eq!(code, 4, "{document}");
        assert_eq!(document["done"], json!(1));
        let told = aside(&document);
        assert_eq!(told.len(), 3, "{told:?}");
        let (failed, _, why) = told.iter().find(|row| row.1 == "failed").unwrap();
        assert!(why.contains("failed on purpose"), "{why}");
        let name = if *failed == "legacy_001/0" {
            "translate French"
        } else {
            "translate German"
        };
        for part in ["legacy_001/2", "legacy_002"] {
            assert!(
                told.contains(&(part, "skipped", format!("needs {name}").as_str())),
                "{told:?}"
            );
        }
        assert_eq!(place.held().len(), 2, "what was skipped was never given");
        assert_eq!(place.maos(&["knob", "failure_rate", "0"]).0, 0);
        // Without being asked, a failed part is left alone.
        assert_eq!(place.submit(&[]).1["failed"], json!(1));
        let (code, document) = place.submit(&["--again", failed]);
        assert_eq!((code, &document["done"]), (0, &json!(4)), "{document}");
        let names: Vec<Value> = place
            .held()
            .iter()
            .map(|row| row["metadata"]["reference"].clone())
            .collect();
        assert_eq!(names.len(), 5);
        assert!(
            names.contains(&json!(format!("acme/{failed}/again-2"))),
            "{names:?}"
        );
    }
}

#[test]
fn where_maos_cannot_be_asked_a_person_decides() {
    let place = Place::new(
        Way::Nameless,
        &[task("a", "first", &[]), task("b", "second", &["a"])],
        &[("seconds", "0")],
    );
    let died = place
        .command(&["tasks", "submit", "--yes"])
        .env("MAOS_MIGRATE_FAIL_POINT", "submit.after_give")
        .output()
        .unwrap();
    assert_eq!(
        died.status.code(),
        None,
        "{}",
        String::from_utf8_lossy(&died.stderr)
    );
    let (code, document) = place.submit(&[]);
    let told = aside(&document);
    assert_eq!((code, told.len()), (4, 2), "{document}");
    assert_eq!((told[0].0, told[0].1), ("a", "unknown"));
    assert!(
        told[0].2.starts_with("nobody knows whether MAOS has it"),
        "{told:?}"
    );
    assert_eq!((told[1].0, told[1].1), ("b", "skipped"));
    assert_eq!(place.held().len(), 1, "it was not given a second time");
    let (code, document) = place.submit(&["--done", "a"]);
    assert_eq!((code, &document["done"]), (0, &json!(2)), "{document}");
    assert_eq!(place.held().len(), 2);
}

#[test]
fn fault_b39_hostile_descriptions_reach_maos_as_they_are() {
    let hostile = [
        "it's \"quoted\" and $(touch /tmp/never) `id` ; rm -rf ~",
        "--priority CRITICAL",
        "-rf",
        "two\nlines\tand a tab",
        "Größe 測試 \u{1f600} \u{202e}",
        "{description} {metadata}",
        "%s %n \\ \\n",
    ];
    let tasks: Vec<Value> = hostile
        .iter()
        .enumerate()
        .map(|(n, text)| task(&format!("h{n}"), text, &[]))
        .collect();
    let place = Place::new(Way::CommandLine, &tasks, &[("seconds", "0")]);
    let (code, document) = place.submit(&[]);
    assert_eq!(code, 0, "{document}");
    let mut held: Vec<String> = place
        .held()
        .iter()
        .map(|row| row["description"].as_str().unwrap().to_owned())
        .collect();
    let mut given: Vec<String> = hostile.map(str::to_owned).to_vec();
    held.sort();
    given.sort();
    assert_eq!(held, given);
}

#[test]
fn a_plan_says_what_it_would_do_and_refusals_say_what_is_missing() {
    let place = Place::new(Way::InProcess, &plan(), &[]);
    let (code, out, _) = place.run(&["tasks", "submit", "--dry-run", "--json"]);
    let effects = serde_json::from_str::<Value>(&out).unwrap()["plan"]["effects"].clone();
    assert_eq!(code, 0);
    assert_eq!(effects[0], json!({"act": "start", "what": "MAOS"}));
    assert_eq!(effects[1]["count"], json!(4));
    assert_eq!(place.run(&["tasks", "submit"]).0, 5, "without an approval");
    assert!(place.held().is_empty());
    let (code, _, err) = place.run(&["tasks", "submit", "nothing.json", "--yes"]);
    assert_eq!(code, 3);
    assert!(
        err.contains("nothing.json is not there") && err.contains("tasks convert"),
        "{err}"
    );
    let other = place.path().join("other.json");
    std::fs::write(
        &other,
        serde_json::to_vec(&[task("x", "another", &["y"])]).unwrap(),
    )
    .unwrap();
    let (code, _, err) = place.run(&["tasks", "submit", other.to_str().unwrap(), "--yes"]);
    assert_eq!(code, 3);
    assert!(err.contains("x depends on y, which is not in"), "{err}");
}

#[test]
fn what_runs_can_be_cancelled_and_is_then_failed_until_it_is_given_again() {
    let place = Place::new(
        Way::CommandLine,
        &[task("a", "long", &[]), task("b", "after", &["a"])],
        &[("seconds", "30")],
    );
    let mut child = place
        .command(&["tasks", "submit", "--yes"])
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::null())
        .spawn()
        .unwrap();
    let deadline = std::time::Instant::now() + std::time::Duration::from_mins(1);
    while place.held().is_empty() {
        assert!(std::time::Instant::now() < deadline);
    }
    rustix::process::kill_process(
        rustix::process::Pid::from_child(&child),
        rustix::process::Signal::TERM,
    )
    .unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(130));
    let (code, out, err) = place.run(&["tasks", "cancel", "--yes"]);
    assert_eq!(code, 0, "{err}");
    assert!(out.ends_with("1 part cancelled, 0 had ended.\n"), "{out}");
    assert_eq!(place.held()[0]["status"], json!("CANCELLED"));
    let (code, document) = place.submit(&[]);
    assert_eq!(
        (code, &document["failed"], &document["skipped"]),
        (4, &json!(1), &json!(1)),
        "{document}"
    );
}
