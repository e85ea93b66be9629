//! The rehearsal's own program: every command is there, and each step is quick, so each can be the one at which the run is killed.

use crate::support::Site;

const APPLY: [&str; 5] = ["upgrade", "apply", "--to", "9.9.9", "--yes"];

fn site() -> Site {
    let site = Site::rehearsal();
    site.also(&format!("  config: {}\n", site.path("maos.yml").display()));
    site.backed_up()
}

fn killed_at(keys: &[&str]) {
    let site = site();
    let whole = |site: &Site| {
        let done = site.done(&APPLY);
        let proof = done["proof"].as_array().unwrap().clone();
        let states: Vec<String> = proof
            .iter()
            .map(|line| {
                format!(
                    "{} {}",
                    line["what"].as_str().unwrap(),
                    line["source"].as_str().unwrap()
                )
            })
            .collect();
        assert!(site.runs(), "{done:#}");
        states
    };
    let undisturbed = whole(&site);
    assert_eq!(undisturbed.len(), 8, "{undisturbed:?}");
    for key in keys {
        for point in ["before", "intent", "effect", "proof", "done"] {
            let point = format!("upgrade.{key}.{point}");
            assert!(site.killed(&APPLY, &point), "{point} is not passed");
            assert_eq!(whole(&site), undisturbed, "{point}");
        }
    }
}

#[test]
fn killed_before_the_start_it_ends_the_same() {
    killed_at(&["checkpoint", "stop", "configuration"]);
}

#[test]
fn killed_from_the_start_on_it_ends_the_same() {
    killed_at(&["start", "ready", "validation"]);
}

/// Defect 61: the checkpoint is made, and found in the list, before anything is stopped.
#[test]
fn defect_61_the_checkpoint_comes_before_the_stop() {
    let site = site();
    let done = site.done(&APPLY);
    let order: Vec<&str> = done["proof"]
        .as_array()
        .unwrap()
        .iter()
        .map(|line| line["what"].as_str().unwrap())
        .collect();
    assert_eq!(&order[..3], ["checkpoint", "stop MAOS", "install 9.9.9"]);
}

/// A migrated database is put back by its backup alone: that is said before anything is taken back, and the way on stays open.
#[test]
fn a_migrated_database_is_not_taken_back_step_by_step() {
    let site = site();
    site.write("maos.yml", "a: [1\n");
    let said = site.refused(&APPLY, 3);
    assert!(
        said.contains("check configuration failed") && said.contains("rollback"),
        "{said}"
    );
    let said = site.refused(&["upgrade", "undo", "--yes"], 5);
    assert!(
        said.contains("restoring its backup") && said.contains("rollback"),
        "{said}"
    );
    // Nothing of the way back was begun: the mended file lets it go on to its end.
    site.write("maos.yml", "a: [1]\n");
    assert!(!site.runs());
    site.done(&APPLY);
    assert!(site.runs());
}

/// Where the migration found nothing to do, the database is as it was, and the steps lead back: killed on the way, too.
#[test]
fn taking_back_is_killed_and_goes_on() {
    let site = site();
    let done = site.done(&APPLY);
    // Nothing was installed, and nothing is said to be in place.
    let summary = done["summary"].as_str().unwrap();
    assert!(
        summary.starts_with("9.9.9 was not installed") && summary.contains("8 steps: 7 proved, 1 skipped"),
        "{summary}"
    );
    site.write("maos.yml", "a: [1\n");
    let apply = ["upgrade", "apply", "--to", "9.9.10", "--yes"];
    let said = site.refused(&apply, 3);
    assert!(said.contains("upgrade undo"), "{said}");
    // Only what is left would be done, and only what was done is taken back.
    let effects = |args: &[&str]| -> Vec<String> {
        let plan = site.done(args)["plan"]["effects"].clone();
        let words =
            |effect: &serde_json::Value| format!("{} {}", effect["act"], effect["what"]).replace('"', "");
        plan.as_array().unwrap().iter().map(words).collect()
    };
    assert_eq!(
        effects(&["upgrade", "plan", "--to", "9.9.10"]),
        [
            "check the configuration, which stays as it is",
            "start MAOS",
            "wait until MAOS is ready within 120 s",
            "prove that it is as it should be",
        ]
    );
    assert!(!site.runs());
    assert!(site.killed(&["upgrade", "undo", "--yes"], "upgrade.stop.undo"));
    site.done(&["upgrade", "undo", "--yes"]);
    assert!(site.runs());
    let lines = site.lines();
    let line = lines.iter().find(|line| line.0 == "database");
    assert!(
        line.is_some_and(|line| line.1 == "undone" && line.2.contains("nothing was migrated")),
        "{lines:?}"
    );
    site.refused(&["upgrade", "undo", "--yes"], 3);
}
