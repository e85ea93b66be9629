//! The released maos-cli 0.8.9.1 and 0.9.4, as the package index has them, in an environment of the test's own.

use crate::support::Site;

const APPLY: [&str; 5] = ["upgrade", "apply", "--to", "0.9.4", "--yes"];

#[test]
fn defects_54_60_and_63_from_0_8_9_1_to_0_9_4_and_back() {
    let Some(site) = Site::released(true) else { return };
    site.also(&format!("  config: {}\n", site.path("maos.yml").display()));
    let config = std::fs::read(site.path("maos.yml")).unwrap();
    // Defects 54 and 60: nothing starts without one verified backup.
    let said = site.refused(&APPLY, 5);
    assert!(said.contains("o verified backup younger than 60 min"), "{said}");
    assert!(said.contains("backup create"), "{said}");
    assert_eq!(site.metadata(), "0.8.9.1");
    let site = site.backed_up();
    let plan = site.done(&["upgrade", "plan", "--to", "0.9.4"]);
    let effects = plan["plan"]["effects"].as_array().unwrap();
    let installs = |effect: &serde_json::Value| effect["act"] == "install" && effect["what"] == "0.9.4";
    assert!(effects.iter().any(installs), "{plan:#}");
    assert!(site.metadata() == "0.8.9.1" && site.runs());

    let done = site.done(&APPLY);
    assert_eq!(site.metadata(), "0.9.4");
    assert!(site.runs(), "{done:#}");
    let proof = done["proof"].as_array().unwrap();
    let line = |what: &str| {
        let line = proof.iter().find(|line| line["what"] == what).unwrap();
        format!(
            "{}: {}",
            line["source"].as_str().unwrap(),
            line["target"].as_str().unwrap()
        )
    };
    assert!(line("install 0.9.4").contains("metadata 0.9.4"), "{done:#}");
    assert!(line("validation").contains("version 0.9.4"), "{done:#}");
    assert!(line("stop MAOS").starts_with("done"), "{done:#}");
    // No release has a migration, and nothing is claimed about one.
    assert!(line("database migration").starts_with("skipped"), "{done:#}");
    // Defect 63: the owner's file, comments and all, is not touched.
    assert_eq!(std::fs::read(site.path("maos.yml")).unwrap(), config);
    assert!(line("check configuration").contains("not touched"));

    let said = site.refused(&APPLY, 5);
    assert!(
        said.contains("0.9.4 is installed already") && said.contains("nothing to upgrade"),
        "{said}"
    );

    site.done(&["upgrade", "apply", "--to", "0.8.9.1", "--yes"]);
    assert_eq!(site.metadata(), "0.8.9.1");
    assert!(site.runs());
}

/// Defects 57 and 62: a step that fails is the end of the run, and what stands behind it is not begun.
#[test]
fn defects_57_and_62_a_failure_is_held_and_taken_back_by_choice() {
    let Some(site) = Site::released(true) else { return };
    let site = site.backed_up();
    let said = site.refused(&["upgrade", "apply", "--to", "0.9.99", "--yes"], 6);
    assert!(said.contains("step install 0.9.99 failed"), "{said}");
    assert!(said.contains("upgrade undo"), "{said}");
    assert_eq!(site.metadata(), "0.8.9.1");
    // It stands there: nothing was taken back behind anybody's back, and nothing later was begun.
    assert!(!site.runs());
    let lines = site.lines();
    let state = |key: &str| lines.iter().find(|line| line.0 == key).map(|line| line.1.clone());
    assert_eq!(state("install").as_deref(), Some("failed"), "{lines:?}");
    assert_eq!(state("start").as_deref(), Some("waiting"), "{lines:?}");
    let back = site.done(&["upgrade", "undo", "--yes"]);
    assert!(back["summary"].as_str().unwrap().contains("0.8.9.1"), "{back:#}");
    assert!(site.metadata() == "0.8.9.1" && site.runs());
    site.refused(&["upgrade", "undo", "--yes"], 3);

    // The same behind the installation: the new version is there, and goes.
    site.write("broken.yml", "a: [1\n");
    site.also(&format!("  config: {}\n", site.path("broken.yml").display()));
    let said = site.refused(&APPLY, 3);
    assert!(said.contains("step check configuration failed"), "{said}");
    assert_eq!(site.metadata(), "0.9.4");
    site.done(&["upgrade", "undo", "--yes"]);
    assert!(site.metadata() == "0.8.9.1" && site.runs());
    // And once the cause is mended, it goes through.
    site.write("broken.yml", "a: [1]\n");
    site.done(&APPLY);
    assert!(site.metadata() == "0.9.4" && site.runs());
}

#[test]
fn killed_around_the_installation_it_ends_the_same() {
    let Some(site) = Site::released(true) else { return };
    let site = site.backed_up();
    for (at, (point, to)) in [
        ("upgrade.install.intent", "0.9.4"),
        ("upgrade.install.effect", "0.8.9.1"),
        ("upgrade.start.effect", "0.9.4"),
    ]
    .into_iter()
    .enumerate()
    {
        let apply = ["upgrade", "apply", "--to", to, "--yes"];
        assert!(site.killed(&apply, point), "{at} {point}");
        site.done(&apply);
        assert_eq!(site.metadata(), to, "{point}");
        assert!(site.runs(), "{point}");
    }
    // A program that is gone half-way does not keep anybody from going on.
    let back = ["upgrade", "apply", "--to", "0.8.9.1", "--yes"];
    assert!(site.killed(&back, "upgrade.install.intent"));
    std::fs::remove_file(site.path("venv/bin/maos")).unwrap();
    site.done(&back);
    assert!(site.metadata() == "0.8.9.1" && site.path("venv/bin/maos").exists() && site.runs());
}
