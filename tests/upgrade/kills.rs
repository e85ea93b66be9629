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

#[test]
fn taking_back_is_killed_and_goes_on() {
    let site = site();
    site.write("maos.yml", "a: [1\n");
    // The database was migrated by then, which only a restore takes back: that is said, and nothing is claimed.
    let said = site.refused(&APPLY, 3);
    assert!(said.contains("check configuration failed"), "{said}");
    let said = site.refused(&["upgrade", "undo", "--yes"], 5);
    assert!(said.contains("restoring its backup"), "{said}");
    // The mended file lets it go on to its end instead.
    site.write("maos.yml", "a: [1]\n");
    assert!(!site.runs());
}
