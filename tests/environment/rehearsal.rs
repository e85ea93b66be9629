//! Against the rehearsal MAOS: all of it in the workspace, once.

use std::collections::BTreeSet;
use std::path::Path;

use maos_migrate::engine::Capability;
use maos_migrate::engine::environment::{Key, proved};
use maos_migrate::engine::snapshot::Activity;

use crate::program::{command, finish, run};
use crate::support::{Place, found};

const REHEARSAL: &str = "target:\n  maos: rehearsal\n  database: sqlite://target/maos.db\n";

#[tokio::test]
async fn a_second_run_finds_everything_in_place() {
    let mut place = Place::new(REHEARSAL);
    let view = place.look().await;
    assert_eq!(found(&view), "skipped skipped needs needs needs needs needs");
    assert!(view.rehearsal && view.warnings.iter().any(|line| line.contains("rehearsal")));
    assert!(!place.path("target").exists(), "looking makes nothing");
    let outcome = place.apply().await.unwrap();
    assert!(outcome.proved(), "{outcome:?}");
    assert_eq!((outcome.source, outcome.converted, outcome.unchanged), (5, 5, 0));
    assert_eq!(place.states(), "skipped skipped done done done done done");
    let view = place.look().await;
    assert_eq!(
        found(&view),
        "skipped skipped place place place place place",
        "{view:#?}"
    );
    assert_eq!(
        view.nothing_to_do().as_deref(),
        Some("Nothing to do. All 5 are in place.")
    );
    let before = tree(place.folder.path());
    let again = place.apply().await.unwrap();
    assert_eq!(again.summary, "All 5 are in place.");
    assert_eq!((again.source, again.unchanged), (5, 5));
    assert_eq!(tree(place.folder.path()), before, "nothing is written again");
}

/// Path, size and time of every file but those of the stand-in's own state.
fn tree(folder: &Path) -> BTreeSet<String> {
    let mut all = BTreeSet::new();
    let mut open = vec![folder.to_owned()];
    while let Some(next) = open.pop() {
        for entry in next.read_dir().unwrap().flatten() {
            let (path, meta) = (entry.path(), entry.metadata().unwrap());
            if meta.is_dir() {
                open.push(path);
            } else if path.starts_with(folder.join("target")) || path.starts_with(folder.join("maos-work")) {
                all.insert(format!("{} {} {:?}", path.display(), meta.len(), meta.modified()));
            }
        }
    }
    all
}

#[tokio::test]
async fn the_same_world_has_the_same_plan_and_a_changed_one_another() {
    let mut place = Place::new(REHEARSAL);
    let plan = async |place: &Place| {
        maos_migrate::engine::environment::plan(&place.world)
            .await
            .unwrap()
            .plan
    };
    let first = plan(&place).await;
    assert_eq!(first, plan(&place).await);
    assert_eq!(first.effects.len(), 5);
    assert!(first.needs_approval);
    place.apply().await.unwrap();
    let after = plan(&place).await;
    assert_ne!(first.digest, after.digest);
    assert!(after.effects.is_empty() && !after.needs_approval, "{after:?}");
}

#[tokio::test]
async fn the_gate_counts_what_is_proved() {
    let mut place = Place::new(REHEARSAL);
    assert_eq!(proved(&place.world.snapshot), Err((0, Key::ALL.len())));
    place.apply().await.unwrap();
    assert_eq!(proved(&place.world.snapshot), Err((5, 7)));
    let mut snapshot = (*place.world.snapshot).clone();
    snapshot.steps.get_mut(&Capability::Environment).unwrap().activity = Activity::Done;
    assert_eq!(proved(&snapshot), Ok(()));
}

#[test]
fn a_script_plans_applies_and_is_told_what_is_in_place() {
    let folder = tempfile::tempdir().unwrap();
    let home = tempfile::tempdir().unwrap();
    let call = |args: &[&str]| {
        let mut command = command(folder.path(), args);
        command.env("HOME", home.path());
        finish(command)
    };
    let locked = folder.path().join("migration");
    std::fs::create_dir(&locked).unwrap();
    std::fs::write(
        locked.join("migration.yml"),
        format!("name: t\ntype: brownfield\nenvironment: rehearsal\n{REHEARSAL}"),
    )
    .unwrap();
    let ran = call(&["environment", "plan", "--json"]);
    assert_eq!(
        (ran.code, ran.error()["message"].as_str()),
        (Some(5), Some("locked: Readiness has not been computed."))
    );
    // The demo has all that comes before.
    let demo = call(&["demo", "--headless", "--json", "-w", "acme"]);
    let table = demo.last();
    let step = table["steps"]
        .as_array()
        .unwrap()
        .iter()
        .find(|step| step["capability"] == "environment")
        .unwrap();
    assert_eq!(
        (step["state"].as_str(), step["source"].as_u64()),
        (Some("done"), Some(5)),
        "{demo:#?}"
    );
    let ran = call(&["environment", "plan", "--json", "-w", "acme"]);
    assert_eq!(
        ran.document()["plan"]["title"],
        "Nothing to do. All 5 are in place.",
        "{ran:#?}"
    );
    let ran = call(&["environment", "apply", "--json", "-w", "acme"]);
    let document = ran.document();
    assert_eq!(
        (ran.code, document["outcome"]["unchanged"].as_u64()),
        (Some(0), Some(5)),
        "{ran:#?}"
    );
    assert_eq!(document["lines"].as_array().unwrap().len(), 7);
    std::fs::remove_file(folder.path().join("acme/maos-work/migration-config.yml")).unwrap();
    let ran = call(&["environment", "apply", "-w", "acme"]);
    assert_eq!(ran.code, Some(5), "an effect needs an approval: {ran:#?}");
    let ran = call(&["environment", "apply", "--yes", "-w", "acme"]);
    assert_eq!(ran.code, Some(0), "{ran:#?}");
    assert!(ran.out.contains("All 5 are in place."), "{ran:#?}");
    assert!(
        home.path().read_dir().unwrap().next().is_none(),
        "nothing outside the workspace"
    );
    let doctor = call(&["doctor", "--json", "-w", "acme"]);
    assert_eq!(
        doctor.document()["maos"]["findings"].as_array().unwrap().len(),
        15,
        "{doctor:#?}"
    );
    let doctor = run(folder.path(), &["doctor", "-w", "acme"]);
    assert!(
        doctor.out.contains("15 present, 0 broken, 0 absent"),
        "{doctor:#?}"
    );
}
