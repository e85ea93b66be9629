//! The common checks on the embedded stand-in, in process and through its own program.

use std::sync::Arc;

use maos_migrate::engine::ports::maos::{Ability, Dialect, Maos, Presence, Submission};

use crate::suite::{self, Verdict};
use crate::support::Place;

const KNOBS: &str = "rehearsal: {agents: 4, seconds: 0.02}\n";

fn in_process(place: &Place) -> Arc<dyn Maos> {
    place.open(&format!("target:\n  maos: rehearsal\n{KNOBS}"))
}

fn through_its_program(place: &Place) -> Arc<dyn Maos> {
    place.open(&format!(
        "maos:\n  command: [{}, rehearsal-maos, --state, {}]\n",
        env!("CARGO_BIN_EXE_maos-migrate"),
        place.path("state").display()
    ))
}

async fn all_pass(maos: &Arc<dyn Maos>) {
    assert!(maos.rehearsal());
    let verdicts = suite::run(maos).await;
    let other: Vec<_> = verdicts.iter().filter(|(_, v)| *v != Verdict::Passed).collect();
    assert!(other.is_empty(), "{other:#?}");
    assert_eq!(verdicts.len(), 16);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_check_passes_in_process() {
    let place = Place::new();
    all_pass(&in_process(&place)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_check_passes_through_its_program() {
    let place = Place::new();
    let maos = through_its_program(&place);
    all_pass(&maos).await;
    assert_eq!(maos.dialect(), Dialect::Documented);
    let table = maos.probe().await.unwrap();
    assert_eq!(table.count(Presence::Present), Ability::ALL.len(), "{table:#?}");
    assert!(!place.path("maos-work/suite_evil").exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_one_process_submits_another_one_finds() {
    let place = Place::new();
    let task = Submission {
        description: "Compare two hosts".to_owned(),
        reference: "legacy_7".to_owned(),
        ..Submission::default()
    };
    let id = through_its_program(&place).submit(task).await;
    let maos = through_its_program(&place);
    // A MAOS that is not started takes no task, and says so as what it is.
    let error = id.unwrap_err();
    assert!(!error.is_missing(), "{error}");
    maos.start().await.unwrap();
    let again = Submission {
        description: "Compare two hosts".to_owned(),
        reference: "legacy_7".to_owned(),
        ..Submission::default()
    };
    let id = maos.submit(again).await.unwrap();
    let found = through_its_program(&place)
        .find("legacy_7".to_owned())
        .await
        .unwrap();
    assert_eq!(found.value(), Some(Some(id)));
    maos.stop(maos_migrate::engine::ports::maos::Stop::Force)
        .await
        .unwrap();
}
