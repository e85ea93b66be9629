//! A rollback waits in no queue (fault case D61): within a session it stops what runs, between sessions it takes over; of two
//! rollbacks one runs and the other is told.

use std::time::{Duration, Instant};

use maos_migrate::engine::Capability;
use maos_migrate::engine::command::Command;
use maos_migrate::engine::event::EventKind;
use maos_migrate::engine::ports::clock::Clock as _;
use maos_migrate::engine::runner::{Engine, Options, Reply};
use maos_migrate::engine::views::Mode;
use maos_migrate::engine::workspace::{Holder, Workspace};

use crate::support::{Kind, Site};

fn options(operator: &str) -> Options {
    Options {
        me: Holder {
            operator: operator.to_owned(),
            host: "ops-1".to_owned(),
            pid: std::process::id(),
            since: maos_migrate::engine::ports::clock::SystemClock.now(),
        },
        read_only: false,
        dry_run: false,
        interactive: false,
        restart: false,
    }
}

async fn engine(site: &Site, operator: &str) -> Engine {
    let workspace = Workspace::at(&site.path("ws")).unwrap();
    let engine = Engine::start(workspace, maos_migrate::wiring::ports(), options(operator));
    engine.opened().await.unwrap();
    engine
}

async fn planned(engine: &Engine, capability: Capability, verb: &str) -> String {
    let verb = verb.to_owned();
    match engine.ask(Command::Plan { capability, verb }).await.unwrap() {
        Reply::Plan(plan) => plan.digest,
        other => panic!("{other:?}"),
    }
}

fn apply(capability: Capability, verb: &str, digest: &str) -> Command {
    Command::Apply {
        capability,
        verb: verb.to_owned(),
        digest: digest.to_owned(),
        confirm: Some("maos.db".to_owned()),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn fault_d61_a_rollback_stops_what_runs_and_a_second_one_is_told() {
    let site = Site::new(Kind::Upgrade, false, 30_000);
    site.backup();
    let engine = engine(&site, "alice").await;
    let back = planned(&engine, Capability::Rollback, "apply").await;
    let other = planned(&engine, Capability::Backup, "create").await;
    let mut events = engine.events();
    let (making, begun) = (engine.clone(), Instant::now());
    let backup = tokio::spawn(async move { making.ask(apply(Capability::Backup, "create", &other)).await });
    while let Some(event) = events.recv().await {
        if matches!(
            event.kind,
            EventKind::Started {
                capability: Capability::Backup,
                ..
            }
        ) {
            break;
        }
    }
    let first = {
        let (engine, back) = (engine.clone(), back.clone());
        tokio::spawn(async move { engine.ask(apply(Capability::Rollback, "apply", &back)).await })
    };
    while let Some(event) = events.recv().await {
        if let EventKind::Stopping { capability, by } = &event.kind {
            assert_eq!(
                (*capability, by.as_str()),
                (Capability::Backup, "alice (rollback)")
            );
            break;
        }
    }
    let second = engine
        .ask(apply(Capability::Rollback, "apply", &back))
        .await
        .unwrap_err();
    assert!(
        second.message.contains("a rollback of alice is under way"),
        "{second}"
    );
    let late = engine
        .ask(apply(Capability::Validate, "run", "x"))
        .await
        .unwrap_err();
    assert!(late.kind.exit_code() == 5, "{late}");
    let outcome = first.await.unwrap().expect("the rollback goes through");
    assert!(matches!(outcome, Reply::Outcome(_)));
    let stopped = backup.await.unwrap();
    assert!(
        stopped.is_err() || begun.elapsed() < Duration::from_secs(120),
        "{stopped:?}"
    );
    engine.ask(Command::Close).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn fault_d61_a_watcher_takes_over_for_a_rollback_with_a_reason() {
    let site = Site::new(Kind::Upgrade, false, 100);
    site.backup();
    let bob = engine(&site, "bob").await;
    let alice = engine(&site, "alice").await;
    assert!(matches!(alice.views().borrow().mode, Mode::Watching(_)));
    let unreasoned = alice
        .ask(Command::TakeOver {
            reason: " ".to_owned(),
        })
        .await;
    assert!(unreasoned.is_err());
    let reason = "breach since 03:14".to_owned();
    alice.ask(Command::TakeOver { reason }).await.unwrap();
    let mut views = alice.views();
    views
        .wait_for(|views| views.mode == Mode::Operating)
        .await
        .unwrap();
    let mut views = bob.views();
    let seen = views
        .wait_for(|views| matches!(views.mode, Mode::Watching(_)))
        .await
        .unwrap();
    let Mode::Watching(holder) = &seen.mode else {
        panic!()
    };
    assert_eq!(holder.operator, "alice");
    drop(seen);
    let told = alice.snapshot().borrow().messages.iter().any(|message| {
        message
            .text
            .contains("alice takes over from bob for a rollback: breach since 03:14")
    });
    assert!(told);
    let digest = planned(&alice, Capability::Rollback, "apply").await;
    alice
        .ask(apply(Capability::Rollback, "apply", &digest))
        .await
        .unwrap();
    let mut snapshot = bob.snapshot();
    let seen = snapshot
        .wait_for(|snapshot| snapshot.step(Capability::Rollback).outcome.is_some())
        .await
        .unwrap();
    assert!(
        seen.step(Capability::Rollback).items["apply"]
            .get("swap")
            .is_some(),
        "bob sees the same lines"
    );
    drop(seen);
    alice.ask(Command::Close).await.unwrap();
}
