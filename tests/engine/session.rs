//! One operates, others watch; a dead session is noticed; a journal of other sources is refused.

use maos_migrate::engine::Capability;
use maos_migrate::engine::command::Command;
use maos_migrate::engine::event::{Event, EventKind};
use maos_migrate::engine::ports::clock::Clock as _;
use maos_migrate::engine::runner::Engine;
use maos_migrate::engine::snapshot::Activity;
use maos_migrate::engine::views::{Mode, Slot};
use maos_migrate::engine::workspace::Workspace;

use super::{options, ports, sample};

#[tokio::test(flavor = "multi_thread")]
async fn fault_d63_the_second_watches_and_is_told_who_operates() {
    let folder = tempfile::tempdir().expect("a folder");
    let alice = sample(folder.path(), options("alice")).await;
    let workspace = Workspace::at(folder.path()).expect("a workspace");
    let bob = Engine::start(workspace, ports(), options("bob"));
    let views = bob.opened().await.expect("opens for watching");
    let Mode::Watching(holder) = &views.mode else {
        panic!("{:?}", views.mode)
    };
    assert_eq!(holder.operator, "alice");
    let error = bob.ask(Command::Score).await.expect_err("must be refused");
    assert!(
        error
            .message
            .contains("alice operates this workspace from host ops-1"),
        "{error}"
    );

    alice.ask(Command::Score).await.expect("alice may");
    let mut snapshot = bob.snapshot();
    let seen = snapshot
        .wait_for(|snapshot| snapshot.readiness.is_some())
        .await
        .expect("bob sees it")
        .clone();
    assert_eq!(
        seen.session.as_ref().map(|holder| holder.operator.as_str()),
        Some("alice")
    );
    alice.ask(Command::Close).await.expect("closes");
}

#[tokio::test(flavor = "multi_thread")]
async fn fault_d66_a_watcher_who_commands_is_denied_and_it_is_written_down() {
    let folder = tempfile::tempdir().expect("a folder");
    let alice = sample(folder.path(), options("alice")).await;
    let workspace = Workspace::at(folder.path()).expect("a workspace");
    let bob = Engine::start(workspace.clone(), ports(), options("bob"));
    bob.opened().await.expect("opens for watching");
    let before = std::fs::read(folder.path().join("migration.yml")).expect("settings");
    let commands = [
        Command::Apply {
            capability: Capability::Schema,
            verb: "apply".to_owned(),
            digest: "0123456789abcdef".to_owned(),
            confirm: None,
        },
        Command::Pause,
        Command::Set {
            path: vec!["target".to_owned(), "maos".to_owned()],
            value: "a value nobody is told".to_owned(),
        },
    ];
    for command in commands {
        let error = bob.ask(command.clone()).await.expect_err("must be denied");
        assert_eq!(
            error.kind,
            maos_migrate::engine::ErrorKind::Blocked,
            "{command:?}"
        );
        assert!(error.message.contains("alice operates"), "{error}");
    }
    assert_eq!(
        std::fs::read(folder.path().join("migration.yml")).expect("settings"),
        before
    );
    // The operating session writes it down, and everyone who looks sees it, the one who asked too.
    let mut seen = bob.snapshot();
    seen.wait_for(|snapshot| {
        snapshot
            .messages
            .iter()
            .filter(|told| told.text.contains("bob"))
            .count()
            >= 3
    })
    .await
    .expect("it is told");
    alice.ask(Command::Close).await.expect("closes");
    let journal = ports()
        .journals
        .open(&workspace.journal_file())
        .await
        .expect("a journal");
    let mut texts = Vec::new();
    maos_migrate::engine::journal::for_each(journal.as_ref(), 0, |event| {
        if let EventKind::Noted { text, .. } = event.kind {
            texts.push(text);
        }
        Ok(())
    })
    .await
    .expect("reads");
    for asked in ["approve 0123456789abcdef", "pause", "set target.maos"] {
        assert!(
            texts
                .iter()
                .any(|text| text.starts_with("bob on ops-1 only watches") && text.contains(asked)),
            "{asked}: {texts:?}"
        );
    }
    assert!(
        !texts.iter().any(|text| text.contains("nobody is told")),
        "{texts:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_that_died_is_noticed_and_its_work_is_called_stopped() {
    let folder = tempfile::tempdir().expect("a folder");
    sample(folder.path(), options("alice"))
        .await
        .ask(Command::Close)
        .await
        .expect("closes");
    let workspace = Workspace::at(folder.path()).expect("a workspace");
    // What a killed session leaves: it opened, something ran, and nothing more was written.
    let journal = ports()
        .journals
        .open(&workspace.journal_file())
        .await
        .expect("opens");
    let last = maos_migrate::engine::journal::fold(journal.as_ref())
        .await
        .expect("folds")
        .seq;
    let at = maos_migrate::engine::ports::clock::SystemClock.now();
    let kinds = [
        EventKind::SessionOpened {
            holder: options("carol").me,
            version: "0".to_owned(),
        },
        EventKind::Started {
            capability: Capability::Schema,
            verb: "apply".to_owned(),
            title: "Copy".to_owned(),
        },
    ];
    let events: Vec<Event> = (last + 1..)
        .zip(kinds)
        .map(|(seq, kind)| Event { seq, at, kind })
        .collect();
    journal.append(&events).await.expect("appends");
    journal.close().await;

    let engine = Engine::start(workspace, ports(), options("bob"));
    engine.opened().await.expect("opens");
    let snapshot = engine.snapshot().borrow().clone();
    let step = snapshot.step(Capability::Schema);
    assert_eq!(step.activity, Activity::Stopped);
    assert!(step.note.expect("a reason").contains("carol"));
}

#[tokio::test(flavor = "multi_thread")]
async fn fault_c58_a_journal_of_another_target_blocks_until_restart() {
    let folder = tempfile::tempdir().expect("a folder");
    sample(folder.path(), options("alice"))
        .await
        .ask(Command::Close)
        .await
        .expect("closes");
    let settings = folder.path().join("migration.yml");
    let text = std::fs::read_to_string(&settings)
        .expect("reads")
        .replace("target/maos.db", "other/maos.db");
    std::fs::write(&settings, text).expect("writes");

    let workspace = Workspace::at(folder.path()).expect("a workspace");
    let engine = Engine::start(workspace.clone(), ports(), options("alice"));
    let views = engine.opened().await.expect("opens");
    let Slot::Failed(_, error) = &views.settings else {
        panic!("{:?}", views.settings)
    };
    assert!(
        error.message.contains("target.database") && error.message.contains("other/maos.db"),
        "{error}"
    );
    let plan = Command::Plan {
        capability: Capability::Config,
        verb: "apply".to_owned(),
    };
    assert_eq!(engine.ask(plan).await.expect_err("blocked").kind.exit_code(), 5);
    engine.ask(Command::Close).await.expect("closes");

    let mut anew = options("alice");
    anew.restart = true;
    let engine = Engine::start(workspace, ports(), anew);
    let views = engine.opened().await.expect("opens");
    assert!(matches!(views.settings, Slot::Ready(..)), "{:?}", views.settings);
    let kept = std::fs::read_dir(folder.path())
        .expect("reads")
        .flatten()
        .filter(|entry| entry.file_name().to_string_lossy().starts_with("journal.db.2"))
        .count();
    assert!(kept >= 1, "the old journal is kept beside");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_command_that_nobody_waits_for_becomes_a_message() {
    let folder = tempfile::tempdir().expect("a folder");
    let engine = sample(folder.path(), options("alice")).await;
    engine.send(Command::Answer {
        question: "cpu_cores".to_owned(),
        typed: "many".to_owned(),
    });
    let mut snapshot = engine.snapshot();
    let seen = snapshot
        .wait_for(|snapshot| !snapshot.messages.is_empty())
        .await
        .expect("a message")
        .clone();
    assert!(
        seen.messages[0].text.contains("many is not a whole number"),
        "{:?}",
        seen.messages
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lock_of_the_settings_goes_with_them_and_one_of_the_command_line_stays() {
    let set = |key: &str, value: &str| Command::Set {
        path: vec!["settings".to_owned(), key.to_owned()],
        value: value.to_owned(),
    };
    let lock = |engine: &Engine| {
        let views = engine.views().borrow().clone();
        (views.locked_by.clone(), views.lock_is_setting)
    };
    let folder = tempfile::tempdir().expect("a folder");
    let engine = sample(folder.path(), options("alice")).await;
    assert_eq!(lock(&engine), (None, false));
    engine.ask(set("dry_run", "true")).await.expect("set");
    engine.ask(set("read_only", "true")).await.expect("set");
    let (why, is_setting) = lock(&engine);
    assert!(
        is_setting && why.is_some_and(|why| why.starts_with("read-only in")),
        "read-only says more than dry run"
    );
    engine.ask(set("read_only", "false")).await.expect("set");
    let (why, is_setting) = lock(&engine);
    assert!(is_setting && why.is_some_and(|why| why.starts_with("dry run in")));
    engine.ask(set("dry_run", "false")).await.expect("set");
    assert_eq!(lock(&engine), (None, false));
    engine.ask(Command::Close).await.expect("closes");

    let folder = tempfile::tempdir().expect("a folder");
    let mut held = options("alice");
    held.read_only = true;
    let engine = sample(folder.path(), held).await;
    engine.ask(set("read_only", "true")).await.expect("set");
    engine.ask(set("read_only", "false")).await.expect("set");
    let (why, is_setting) = lock(&engine);
    assert!(!is_setting && why.is_some_and(|why| why.contains("in this session")));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_watcher_sees_the_settings_and_the_way_back_without_being_denied() {
    let folder = tempfile::tempdir().expect("a folder");
    let alice = sample(folder.path(), options("alice")).await;
    let workspace = Workspace::at(folder.path()).expect("a workspace");
    let bob = Engine::start(workspace.clone(), ports(), options("bob"));
    bob.opened().await.expect("opens for watching");
    bob.ask(Command::Read(Capability::Rollback)).await.expect("reads");
    let mut views = bob.views();
    let seen = views
        .wait_for(|views| {
            views.settings.value().is_some() && matches!(views.rollback, Slot::Ready(..) | Slot::Failed(..))
        })
        .await
        .expect("is read")
        .clone();
    assert!(seen.rollback.value().is_some(), "{:?}", seen.rollback);
    alice.ask(Command::Close).await.expect("closes");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_journal_hides_no_settings_and_mended_settings_are_read_again() {
    let folder = tempfile::tempdir().expect("a folder");
    let alice = sample(folder.path(), options("alice")).await;
    let settings = folder.path().join("migration.yml");
    let text = std::fs::read_to_string(&settings).expect("reads");
    std::fs::write(&settings, format!("schma: 1\n{text}")).expect("writes");
    alice
        .ask(Command::CheckSources)
        .await
        .expect_err("cannot be read");
    alice
        .ask(Command::Read(Capability::Rollback))
        .await
        .expect_err("cannot be read");
    assert!(matches!(alice.views().borrow().rollback, Slot::Failed(..)));
    std::fs::write(&settings, text).expect("writes");
    alice
        .ask(Command::Read(Capability::Rollback))
        .await
        .expect("reads");
    assert!(alice.views().borrow().settings.value().is_some());
    // Edited while the session is open, it counts from the next reading on.
    let text = std::fs::read_to_string(&settings).expect("reads");
    std::fs::write(&settings, text.replacen("name: ", "name: new-", 1)).expect("writes");
    alice
        .ask(Command::Read(Capability::Rollback))
        .await
        .expect("reads");
    let name = alice
        .views()
        .borrow()
        .settings
        .value()
        .map(|(_, settings)| settings.name.clone());
    assert!(name.is_some_and(|name| name.starts_with("new-")));
    alice.ask(Command::Close).await.expect("closes");

    let workspace = Workspace::at(folder.path()).expect("a workspace");
    for suffix in ["-wal", "-shm"] {
        let _ = std::fs::remove_file(folder.path().join(format!("journal.db{suffix}")));
    }
    std::fs::write(workspace.journal_file(), [7; 8192]).expect("damages it");
    let bob = Engine::start(workspace, ports(), options("bob"));
    let error = bob.opened().await.expect_err("cannot be opened");
    assert!(
        error
            .hint
            .as_deref()
            .is_some_and(|hint| hint.contains("--restart")),
        "{error:?}"
    );
    assert!(bob.views().borrow().settings.value().is_some());
    assert!(bob.snapshot().borrow().migration.is_some());
}
