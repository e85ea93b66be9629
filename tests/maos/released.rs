//! The released `maos-cli` 0.9.4 as the package index has it, with a program `claude` on PATH that only says its version. What it
//! is known not to do, it does not do here either, and the adapter says so.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use maos_migrate::engine::ports::maos::{
    Ability, Dialect, Known, Maos, MaosError, Presence, Stop, Submission,
};

use crate::suite::{self, Verdict};
use crate::support::{Place, executable};

/// The environment that `tests/run` makes, or one that is made now and kept. `None` without a package index.
fn released() -> Option<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/venvs/maos-cli-0.9.4");
    let made = Command::new("bash")
        .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/maos/install.sh"))
        .status()
        .is_ok_and(|status| status.success());
    if !made {
        eprintln!("SKIPPED: maos-cli 0.9.4 cannot be installed here; the adapter is not proved against it");
        return None;
    }
    Some(folder)
}

struct Released {
    place: Place,
    venv: PathBuf,
    path: String,
}

impl Released {
    fn new() -> Option<Self> {
        let venv = released()?;
        let place = Place::new();
        let bin = place.path("bin");
        std::fs::create_dir(&bin).unwrap();
        std::fs::write(bin.join("claude"), "#!/bin/sh\necho '1.0.0 (stub)'\n").unwrap();
        executable(&bin.join("claude"));
        let path = format!("{}:/usr/bin:/bin", bin.display());
        Some(Self { place, venv, path })
    }

    fn open_at(&self, program: &Path, path: &str) -> Arc<dyn Maos> {
        self.place.open(&format!(
            "target:\n  maos: {}\nmaos:\n  env: {{PATH: '{path}', HOME: '{}'}}\n",
            program.display(),
            self.place.path("home").display()
        ))
    }

    fn open(&self) -> Arc<dyn Maos> {
        self.open_at(&self.venv.join("bin/maos"), &self.path)
    }
}

#[tokio::test]
async fn the_table_tells_the_truth_about_it() {
    let Some(released) = Released::new() else { return };
    let maos = released.open();
    let table = maos.probe().await.unwrap();
    assert_eq!(
        (table.dialect, maos.dialect()),
        (Dialect::Shipped, Dialect::Shipped)
    );
    let presence = |ability| table.of(ability).unwrap().presence;
    for absent in [Ability::Init, Ability::DbMigrate] {
        assert_eq!(presence(absent), Presence::Absent);
    }
    for present in [Ability::Version, Ability::Start, Ability::Stop] {
        assert_eq!(presence(present), Presence::Present);
    }
    assert_eq!(table.count(Presence::Broken), 10, "{table:#?}");
    assert_eq!(table.of(Ability::Show).unwrap().command, "task status");
    let version = maos.version().await.unwrap();
    assert_eq!(
        (version.metadata.as_deref(), version.reported.as_deref()),
        (Some("0.9.4"), Some("0.9.4"))
    );
    assert_eq!(version.distribution.as_deref(), Some("maos-cli"));
    assert!(version.python.is_some() && version.interpreter.is_some());
    let without = released
        .open_at(&released.venv.join("bin/maos"), "/usr/bin:/bin")
        .probe()
        .await
        .unwrap();
    assert_eq!(
        without.of(Ability::Start).unwrap().presence,
        Presence::NeedsClaude
    );
}

#[tokio::test]
async fn what_it_cannot_do_is_said_after_it_was_tried() {
    let Some(released) = Released::new() else { return };
    let maos = released.open();
    let task = Submission {
        description: "--force 'x' $(touch evil)".to_owned(),
        priority: Some("HIGH".to_owned()),
        timeout_s: Some(60),
        reference: "legacy_1".to_owned(),
        ..Submission::default()
    };
    // Defect of every release: no process of it ever starts its orchestrator, and older Click refuses the default priority.
    let error = maos.submit(task).await.unwrap_err();
    assert!(
        matches!(&error, MaosError::Broken("task submit", why) if why.contains("not running") || why.contains("exit 2")),
        "{error}"
    );
    // It prints an id and exits with 0, and stores nothing.
    let error = maos.checkpoint_create("before".to_owned()).await.unwrap_err();
    assert!(
        matches!(&error, MaosError::NoEffect("checkpoint create", why) if why.contains("not listed")),
        "{error}"
    );
    assert!(matches!(maos.checkpoints().await, Err(MaosError::Broken(..))));
    let Known::Unknown(why) = maos.health().await.unwrap() else {
        panic!("health of a private orchestrator is no health");
    };
    assert!(why.contains("private") && why.contains("of 6"), "{why}");
    assert!(matches!(maos.status().await, Ok(Known::Unknown(why)) if why.contains("private")));
    assert!(matches!(maos.list(None).await, Ok(Known::Unknown(_))));
    assert!(matches!(
        maos.find("legacy_1".to_owned()).await,
        Ok(Known::Unknown(_))
    ));
    for id in ["nope", "7b0ed0ee-9d4c-4d5b-9f5d-0c3a2f5a9ab1"] {
        let error = maos.show(id.to_owned()).await.unwrap_err();
        assert!(matches!(error, MaosError::Broken("task show", _)), "{error}");
        let error = maos.cancel(id.to_owned()).await.unwrap_err();
        assert!(matches!(error, MaosError::Broken("task cancel", _)), "{error}");
    }
    for missing in [maos.init().await, maos.db_migrate().await] {
        assert!(matches!(missing, Err(MaosError::Absent(..))), "{missing:?}");
    }
    // Its stop exits with 0 when there is nothing to stop.
    let error = maos
        .stop(Stop::Graceful(Duration::from_secs(1)))
        .await
        .unwrap_err();
    assert!(matches!(error, MaosError::Broken("stop", _)), "{error}");
    assert!(matches!(maos.running().await, Ok(Known::Unknown(_))));
    assert!(!released.place.path("evil").exists() && !released.place.path("maos-work/evil").exists());
    // Whatever it leaves lies in the directory of the driver.
    assert!(!Path::new("maos_storage").exists() && released.place.path("maos-work/maos_storage").exists());
}

#[tokio::test]
async fn it_is_started_detached_and_ended_by_its_pid() {
    let Some(released) = Released::new() else { return };
    let maos = released.open();
    let started = maos.start().await.unwrap();
    assert!(started.contains("process"), "{started}");
    assert_eq!(maos.running().await.unwrap(), Known::Value(true));
    maos.stop(Stop::Graceful(Duration::from_secs(5))).await.unwrap();
    assert_ne!(maos.running().await.unwrap(), Known::Value(true));
}

#[tokio::test]
async fn the_common_checks_pass_or_are_skipped_with_the_reason() {
    let Some(released) = Released::new() else { return };
    let verdicts = suite::run(&released.open()).await;
    let failed: Vec<_> = verdicts
        .iter()
        .filter(|(_, v)| matches!(v, Verdict::Failed(_)))
        .collect();
    assert!(failed.is_empty(), "{failed:#?}");
    let passed = verdicts.iter().filter(|(_, v)| *v == Verdict::Passed).count();
    assert_eq!(passed, 2, "{verdicts:#?}");
}

#[tokio::test]
async fn a_missing_click_is_diagnosed_before_anything_is_run() {
    let Some(released) = Released::new() else { return };
    // The same packages without click: its folder is left out of a copy of links.
    let bare = released.place.path("bare");
    let script = format!(
        "set -e; python=$(readlink -f {0}/bin/python3); mkdir -p {1}/site {1}/bin\n\
         for p in {0}/lib/python3*/site-packages/*; do case $(basename $p) in click|click-*) ;; *) ln -s $p {1}/site/ ;; esac; done\n\
         printf '#!/bin/sh\\nexec env PYTHONPATH={1}/site %s -S \"$@\"\\n' $python > {1}/bin/python3; chmod +x {1}/bin/python3\n\
         sed '1s,.*,#!{1}/bin/python3,' {0}/bin/maos > {1}/bin/maos; chmod +x {1}/bin/maos\n",
        released.venv.display(),
        bare.display()
    );
    let made = Command::new("bash").args(["-c", &script]).status().unwrap();
    assert!(made.success());
    let maos = released.open_at(&bare.join("bin/maos"), &released.path);
    let table = maos.probe().await.unwrap();
    assert!(
        table.notes.iter().any(|note| note.contains("click is missing")),
        "{table:#?}"
    );
    assert!(!table.has(Ability::Start) && !table.has(Ability::Version));
    let error = maos.status().await.unwrap_err();
    assert!(
        matches!(&error, MaosError::NoProgram(why) if why.contains("'click'")),
        "{error}"
    );
}
