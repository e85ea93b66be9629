//! A secret typed in a session: used by its plans, written where secrets are kept, and recorded nowhere.

use std::path::Path;

use maos_migrate::engine::Capability;
use maos_migrate::engine::command::{Command, Typed};
use maos_migrate::engine::ports::clock::{Clock as _, SystemClock};
use maos_migrate::engine::runner::operations::{World, config::request};
use maos_migrate::engine::runner::{Engine, Options};
use maos_migrate::engine::views::{Mode, Slot};
use maos_migrate::engine::workspace::{Holder, Workspace};
use maos_migrate::engine::{ErrorKind, config, operation::Control};
use secrecy::ExposeSecret as _;

const TYPED: &str = "Grebe-typed-77";
const NAME: &str = "MAOS_DB_PASSWORD";

async fn session(folder: &Path) -> Engine {
    let options = Options {
        me: Holder {
            operator: "alice".to_owned(),
            host: "ops-1".to_owned(),
            pid: std::process::id(),
            since: SystemClock.now(),
        },
        read_only: false,
        dry_run: false,
        interactive: true,
        restart: false,
    };
    // A program that another test starts at this moment holds copies of all handles until it runs, the lock of a session
    // that has ended among them: then this one only watches, and is opened again.
    for _ in 0..200 {
        let engine = Engine::start(
            Workspace::at(folder).expect("a workspace"),
            maos_migrate::wiring::ports(),
            options.clone(),
        );
        if engine.opened().await.expect("opens").mode == Mode::Operating {
            return engine;
        }
    }
    panic!("another session holds the workspace");
}

/// The world that the session's plans see, with the secrets that it would hold.
fn world(folder: &Path, engine: &Engine, typed: Option<&str>) -> World {
    let views = engine.views().borrow().clone();
    let Slot::Ready(_, settings) = &views.settings else {
        panic!("{:?}: {:?}", views.mode, views.settings);
    };
    let ports = maos_migrate::wiring::ports();
    World {
        workspace: Workspace::at(folder).expect("a workspace"),
        settings: settings.clone(),
        snapshot: engine.snapshot().borrow().clone(),
        now: ports.clock.now(),
        ports,
        operator: "alice".to_owned(),
        host: "ops-1".to_owned(),
        secrets: typed
            .map(|typed| (NAME.to_owned(), typed.to_owned().into()))
            .into_iter()
            .collect(),
        interactive: false,
    }
}

/// Every file below `folder` that holds `needle`.
fn holding(folder: &Path, needle: &str) -> Vec<String> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            found.extend(holding(&path, needle));
        } else if let Ok(content) = std::fs::read(&path)
            && content
                .windows(needle.len())
                .any(|window| window == needle.as_bytes())
        {
            found.push(path.display().to_string());
        }
    }
    found
}

async fn keep(engine: &Engine, name: &str, value: &str) -> Result<(), maos_migrate::engine::Error> {
    let value = Typed::new(value.to_owned());
    let order = Command::KeepSecret {
        name: name.to_owned(),
        value,
    };
    assert!(!format!("{order:?}").contains(TYPED), "{order:?}");
    engine.ask(order).await.map(|_| ())
}

#[tokio::test(flavor = "multi_thread")]
async fn fault_e78_a_typed_secret_is_in_no_record_and_no_plan_forgets_it() {
    let folder = tempfile::tempdir().expect("a folder");
    let workspace = Workspace::at(folder.path()).expect("a workspace");
    maos_migrate::engine::sample::lay_out(&workspace).expect("the sample");
    let engine = session(folder.path()).await;
    keep(&engine, NAME, TYPED).await.expect("kept");
    let snapshot = engine.snapshot().borrow().clone();
    let step = snapshot.step(Capability::Config);
    assert_eq!(
        step.decisions.get(&format!("secret:{NAME}")),
        Some(&true.into()),
        "{:?}",
        step.decisions
    );
    assert!(!format!("{snapshot:?}").contains(TYPED));
    assert_eq!(holding(folder.path(), TYPED), Vec::<String>::new());

    // What the session would plan, and what it writes.
    let seen = world(folder.path(), &engine, Some(TYPED));
    let asked = request(&seen).expect("a request");
    assert!(asked.forgotten.is_empty());
    let kept = asked.decisions.edits.get(NAME).expect("an edit");
    assert_eq!(kept.expose_secret(), TYPED);
    let prepared = config::plan(&asked, &Control::silent()).expect("a plan");
    assert!(prepared.blocked.is_none(), "{:?}", prepared.blocked);
    assert!(!format!("{:?} {:?} {:?}", prepared.plan, prepared.view, prepared.report).contains(TYPED));
    config::apply(&prepared, seen.now, &Control::silent()).expect("applied");
    assert_eq!(
        holding(folder.path(), TYPED),
        [folder.path().join("config/maos.env").display().to_string()]
    );

    // Names that are none and text that no line holds are refused; a decision cannot bring a value in.
    for (name, value) in [("MAOS-DB", "abcdef"), (NAME, "two\nlines"), (NAME, "")] {
        let error = keep(&engine, name, value).await.expect_err("must be refused");
        assert_eq!(error.kind, ErrorKind::Input, "{error}");
        assert!(value.is_empty() || !error.message.contains(value), "{error}");
    }
    let decide = |choice: serde_json::Value| Command::Decide {
        capability: Capability::Config,
        subject: format!("secret:{NAME}"),
        choice,
    };
    engine
        .ask(decide(TYPED.into()))
        .await
        .expect_err("a value is no decision");
    assert_eq!(holding(folder.path(), TYPED).len(), 1);
    engine.ask(Command::Close).await.expect("closes");

    // Another session does not know it, and says so instead of writing the legacy one again.
    let engine = session(folder.path()).await;
    let asked = request(&world(folder.path(), &engine, None)).expect("a request");
    assert_eq!(asked.forgotten, [NAME]);
    let prepared = config::plan(&asked, &Control::silent()).expect("a plan");
    let blocked = prepared.blocked.expect("blocked");
    assert!(
        blocked.contains("MAOS_DB_PASSWORD was typed in a session that has ended"),
        "{blocked}"
    );
    engine
        .ask(decide(serde_json::Value::Null))
        .await
        .expect("taken back");
    let asked = request(&world(folder.path(), &engine, None)).expect("a request");
    assert!(asked.forgotten.is_empty() && !asked.decisions.edits.contains_key(NAME));
    engine.ask(Command::Close).await.expect("closes");
}
