//! The tests and the comparison against the released `maos-cli` 0.9.4: what it cannot do is skipped with the reason, never passed.

use std::path::Path;
use std::process::Command;

use maos_migrate::engine::Capability;
use maos_migrate::engine::error::ErrorKind;
use maos_migrate::engine::item::ItemState;
use maos_migrate::engine::operation::Control;
use maos_migrate::engine::runner::operations::prepare;

use crate::support::{run, told, world};

/// The lines of the settings that name it; `None` without a package index.
fn released(folder: &Path) -> Option<String> {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let made = Command::new("bash")
        .arg(here.join("tests/maos/install.sh"))
        .status()
        .is_ok_and(|status| status.success());
    if !made {
        eprintln!("SKIPPED: maos-cli 0.9.4 cannot be installed here; the tests are not run against it");
        return None;
    }
    let bin = folder.join("bin");
    std::fs::create_dir(&bin).unwrap();
    std::fs::write(bin.join("claude"), "#!/bin/sh\necho '1.0.0 (stub)'\n").unwrap();
    let executable = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    std::fs::set_permissions(bin.join("claude"), executable).unwrap();
    let program = here.join("target/venvs/maos-cli-0.9.4/bin/maos");
    Some(format!(
        "maos:\n  command: [{}]\n  env: {{PATH: '{}:/usr/bin:/bin', HOME: '{}'}}\nlegacy:\n  run: [cat]\n",
        program.display(),
        bin.display(),
        folder.join("home").display()
    ))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_released_program_lacks_is_skipped_and_none_of_it_passes() {
    let folder = tempfile::tempdir().unwrap();
    let Some(settings) = released(folder.path()) else {
        return;
    };
    let world = world(folder.path(), &settings);
    let (outcome, lines, document) = run(world, "run").await;
    let all: Vec<String> = lines.all().iter().map(|item| told(item)).collect();
    assert_eq!(lines.all().len(), 19);
    for line in lines.all() {
        // Every test but these sends a task or asks for health, and neither works there.
        let may_run = [
            "api_compatibility",
            "legacy_task_format",
            "configuration_migration",
        ]
        .contains(&line.key.as_str());
        assert!(may_run || line.state == ItemState::Skipped, "{}", told(line));
        assert!(
            line.state != ItemState::Skipped || !line.text.is_empty(),
            "{}",
            told(line)
        );
    }
    assert!(lines.count(ItemState::Skipped) >= 17, "{all:#?}");
    assert_eq!(document["rehearsal"], false);
    assert_eq!(document["maos"]["version"], "0.9.4");
    assert!(
        !outcome.summary.contains("REHEARSAL") && !outcome.summary.contains("EXCELLENT"),
        "{}",
        outcome.summary
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_cannot_be_compared_and_that_is_said_before_anything_is_sent() {
    let folder = tempfile::tempdir().unwrap();
    let Some(settings) = released(folder.path()) else {
        return;
    };
    let mut world = world(folder.path(), &settings);
    let mut snapshot = (*world.snapshot).clone();
    snapshot.migration = Some(maos_migrate::engine::workspace::MigrationType::Brownfield);
    world.snapshot = std::sync::Arc::new(snapshot);
    let error = prepare(world, Capability::Compare, "run", Control::silent())
        .await
        .unwrap_err();
    assert_eq!(error.kind, ErrorKind::Unavailable);
    assert!(error.message.contains("no working task submit"), "{error}");
}
