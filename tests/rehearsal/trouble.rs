//! Trouble on request: it begins and ends by one command, in rehearsals only.

use maos_migrate::engine::Capability;
use maos_migrate::engine::command::Command;
use maos_migrate::engine::ports::clock::Clock as _;
use maos_migrate::engine::ports::maos::{Known, Maos, TaskStatus};
use maos_migrate::engine::runner::{Engine, Options, trouble};
use maos_migrate::engine::workspace::{Holder, Settings, Workspace};

async fn engine(workspace: &Workspace) -> Engine {
    let me = Holder {
        operator: "alice".to_owned(),
        host: "ops-1".to_owned(),
        pid: std::process::id(),
        since: maos_migrate::engine::ports::clock::SystemClock.now(),
    };
    let options = Options {
        me,
        read_only: false,
        dry_run: false,
        interactive: true,
        restart: false,
    };
    let engine = Engine::start(workspace.clone(), maos_migrate::wiring::ports(), options);
    engine.opened().await.unwrap();
    engine
}

/// The sample, its engine, and its MAOS, which runs.
async fn started() -> (tempfile::TempDir, Engine, std::sync::Arc<dyn Maos>) {
    let folder = tempfile::tempdir().unwrap();
    let workspace = Workspace::at(folder.path()).unwrap();
    maos_migrate::engine::sample::lay_out(&workspace).unwrap();
    let engine = engine(&workspace).await;
    let settings = Settings::load(&workspace, &|_| None).unwrap();
    let maos = maos_migrate::wiring::ports()
        .maos
        .open(&workspace, &settings)
        .unwrap();
    maos.start().await.unwrap();
    (folder, engine, maos)
}

/// Asks for trouble and waits until it is on or off.
async fn turned(engine: &Engine, on: bool) {
    engine.ask(Command::Trouble).await.unwrap();
    let mut snapshot = engine.snapshot();
    snapshot
        .wait_for(|snapshot| trouble::is_on(snapshot) == on)
        .await
        .unwrap();
}

/// The share of the next tasks that fails, by what MAOS gives itself.
async fn failed(maos: &dyn Maos) -> (f64, f64) {
    match maos.status().await.unwrap() {
        Known::Value(status) => (status.failed.unwrap_or(0.0), status.completed.unwrap_or(0.0)),
        Known::Unknown(why) => panic!("{why}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn failures_begin_with_traffic_to_see_them_in_and_end_again() {
    let (_folder, engine, maos) = started().await;
    turned(&engine, true).await;
    let deadline = std::time::Instant::now() + std::time::Duration::from_mins(1);
    loop {
        let (failed, completed) = failed(maos.as_ref()).await;
        if failed >= 3.0 {
            assert!(failed >= completed, "{failed} failed, {completed} completed");
            break;
        }
        assert!(std::time::Instant::now() < deadline, "no failure begins");
    }
    turned(&engine, false).await;
    // What was given while there was trouble may still fail; what is given now does not.
    let task = maos_migrate::engine::ports::maos::Submission {
        description: "After the trouble".to_owned(),
        ..Default::default()
    };
    let id = maos.submit(task).await.unwrap();
    loop {
        let view = maos.show(id.clone()).await.unwrap();
        if view.status.ended() {
            assert_eq!(view.status, TaskStatus::Completed);
            break;
        }
        assert!(std::time::Instant::now() < deadline);
    }
    let said: Vec<String> = engine
        .snapshot()
        .borrow()
        .messages
        .iter()
        .map(|m| m.text.clone())
        .collect();
    assert!(
        said.iter()
            .any(|text| text.starts_with("REHEARSAL: trouble begins")),
        "{said:?}"
    );
    assert!(
        said.iter().any(|text| text == "REHEARSAL: the trouble is over"),
        "{said:?}"
    );
    let step = engine.snapshot().borrow().step(Capability::Monitor);
    assert!(!step.decisions.contains_key("trouble"));
}

#[tokio::test(flavor = "multi_thread")]
async fn tasks_come_in_while_it_is_watched_and_no_longer() {
    let (_folder, engine, maos) = started().await;
    let watching = async |on: bool| {
        let choice = Command::Decide {
            capability: Capability::Monitor,
            subject: "watching".to_owned(),
            choice: on.into(),
        };
        engine.ask(choice).await.unwrap();
    };
    assert_eq!(failed(maos.as_ref()).await, (0.0, 0.0), "nobody gives it tasks");
    watching(true).await;
    let deadline = std::time::Instant::now() + std::time::Duration::from_mins(1);
    while failed(maos.as_ref()).await.1 < 3.0 {
        assert!(std::time::Instant::now() < deadline, "no task comes in");
    }
    watching(false).await;
    // What was given before may still end; once two looks a second apart agree, nothing comes in any more.
    loop {
        let before = failed(maos.as_ref()).await;
        tokio::time::sleep(std::time::Duration::from_secs(1)).await;
        if failed(maos.as_ref()).await == before {
            break;
        }
        assert!(std::time::Instant::now() < deadline, "tasks still come in");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_other_maos_has_trouble_on_request() {
    let folder = tempfile::tempdir().unwrap();
    let workspace = Workspace::at(folder.path()).unwrap();
    std::fs::write(
        workspace.settings_file(),
        "name: real\ntype: greenfield\ntarget:\n  maos: /usr/bin/maos\n",
    )
    .unwrap();
    let engine = engine(&workspace).await;
    let error = engine.ask(Command::Trouble).await.unwrap_err();
    assert!(error.message.contains("only a rehearsal"), "{error}");
    assert!(!trouble::is_on(&engine.snapshot().borrow()));
}
