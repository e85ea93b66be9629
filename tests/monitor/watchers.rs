//! Two sessions on one workspace: one operates and watches MAOS, the other only looks.

use std::path::Path;
use std::time::Duration;

use maos_migrate::engine::Capability;
use maos_migrate::engine::command::Command;
use maos_migrate::engine::error::{ErrorKind, Result};
use maos_migrate::engine::monitor::Watch;
use maos_migrate::engine::ports::clock::{Clock as _, SystemClock};
use maos_migrate::engine::runner::{Engine, Options, Reply};
use maos_migrate::engine::views::Mode;
use maos_migrate::engine::workspace::{Holder, Workspace};
use maos_migrate::wiring;
use serde_json::{Value, json};

use super::live::{self, status};
use super::program::run;

async fn session(folder: &Path, operator: &str) -> Engine {
    let me = Holder {
        operator: operator.to_owned(),
        host: "ops-1".to_owned(),
        pid: std::process::id(),
        since: SystemClock.now(),
    };
    let options = Options {
        me,
        read_only: false,
        dry_run: false,
        interactive: true,
        restart: false,
    };
    let workspace = Workspace::at(&folder.join("migration")).expect("a workspace");
    let engine = Engine::start(workspace, wiring::ports(), options);
    engine.opened().await.expect("opens");
    engine
}

async fn decide(engine: &Engine, subject: &str, choice: Value) -> Result<Reply> {
    engine
        .ask(Command::Decide {
            capability: Capability::Monitor,
            subject: subject.to_owned(),
            choice,
        })
        .await
}

async fn until(engine: &Engine, what: &str, holds: impl Fn(&Watch) -> bool) -> Watch {
    let mut snapshot = engine.snapshot();
    let seen = snapshot.wait_for(|snapshot| snapshot.monitor.as_deref().is_some_and(&holds));
    let seen = tokio::time::timeout(Duration::from_mins(1), seen)
        .await
        .unwrap_or_else(|_| panic!("never: {what}"))
        .expect("the engine lives")
        .clone();
    Watch::clone(seen.monitor.as_deref().expect("watched"))
}

#[tokio::test(flavor = "multi_thread")]
async fn who_only_looks_stops_the_countdown_for_everyone_and_decides_nothing_else() {
    let folder = live::workspace("  interval: 1\n  duration: 600\n");
    let alice = session(folder.path(), "alice").await;
    decide(&alice, "watching", json!(true)).await.expect("begins");
    until(&alice, "a sample", |watch| watch.samples >= 1).await;
    let target = alice.snapshot().borrow().target.clone();
    let armed = json!({"reason": "night shift", "target": target});
    decide(&alice, "armed", armed.clone()).await.expect("armed");
    let bob = session(folder.path(), "bob").await;
    assert!(matches!(&bob.views().borrow().mode, Mode::Watching(holder) if holder.operator == "alice"));
    status(folder.path(), 660, 400, 10);
    until(&bob, "the countdown", |watch| watch.countdown.is_some()).await;

    for (subject, choice) in [
        ("armed", Value::Null),
        ("armed", armed),
        ("acknowledge", json!({"reason": "me"})),
        ("unlatch", json!({"reason": "me"})),
        ("countdown", json!({"until": SystemClock.now()})),
        ("watching", json!(false)),
    ] {
        let refused = decide(&bob, subject, choice).await.expect_err(subject);
        assert_eq!(refused.kind, ErrorKind::Blocked, "{subject}: {refused}");
        assert!(refused.message.contains("alice"), "{refused}");
    }
    let refused = bob
        .ask(Command::SaveSamples {
            until: SystemClock.now(),
        })
        .await;
    assert_eq!(refused.expect_err("nothing is written").kind, ErrorKind::Blocked);

    decide(&bob, "countdown", Value::Null)
        .await
        .expect("anybody may stop it");
    let stopped = until(&alice, "stopped", |watch| watch.countdown.is_none()).await;
    // The verdict stays, and so does that it is armed: whoever disarms it does so by name.
    assert!(stopped.should_roll_back() && stopped.armed.is_some());
    let mark = stopped.marks.back().expect("a mark");
    assert_eq!(mark.text, "bob: the countdown is stopped");
    until(&bob, "seen by the one who asked", |watch| {
        watch.countdown.is_none()
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_input_of_a_verdict_is_saved_once_and_replays_to_it() {
    let folder = live::workspace("  interval: 1\n  duration: 600\n");
    let alice = session(folder.path(), "alice").await;
    let none = alice
        .ask(Command::SaveSamples {
            until: SystemClock.now(),
        })
        .await;
    assert_eq!(none.expect_err("nothing is there").kind, ErrorKind::Blocked);
    decide(&alice, "watching", json!(true)).await.expect("begins");
    until(&alice, "two samples", |watch| watch.samples >= 2).await;
    status(folder.path(), 660, 400, 10);
    let watch = until(&alice, "a breach", Watch::should_roll_back).await;
    let last = watch.last_at().expect("a sample");
    for _ in 0..2 {
        alice
            .ask(Command::SaveSamples { until: last })
            .await
            .expect("saved");
    }
    let saved: Vec<_> = std::fs::read_dir(folder.path().join("migration/monitor"))
        .expect("a folder")
        .flatten()
        .map(|entry| entry.file_name().into_string().expect("a name"))
        .filter(|name| name.starts_with("samples-"))
        .collect();
    assert_eq!(saved.len(), 1, "{saved:?}");
    let snapshot = alice.snapshot().borrow().clone();
    let path = format!("monitor/{}", saved[0]);
    assert!(
        snapshot.artifacts.contains_key(&path),
        "{:?}",
        snapshot.artifacts.keys()
    );
    let said: Vec<_> = snapshot
        .messages
        .iter()
        .map(|message| message.text.as_str())
        .collect();
    assert!(
        said.iter()
            .any(|text| text.starts_with(&format!("Written: {path}: "))),
        "{said:?}"
    );
    assert!(
        said.iter()
            .any(|text| text.starts_with(&format!("Written before: {path}: "))),
        "{said:?}"
    );
    drop(alice);

    let ran = run(
        folder.path(),
        &["monitor", "replay", "--json", &format!("migration/{path}")],
    );
    assert_eq!(ran.code, Some(10), "{ran:#?}");
    assert_eq!(ran.out.lines().count() as u64, watch.samples);
    let line = ran.last();
    let verdict = watch.verdict().expect("judged");
    assert_eq!(
        (
            line["verdict"].as_str(),
            line["score"].as_u64(),
            line["latched"].as_bool()
        ),
        (
            Some(verdict.word.name()),
            Some(u64::from(verdict.score)),
            Some(true)
        )
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn who_only_looks_sees_the_backups_that_a_way_back_rests_on() {
    let folder = live::workspace("  interval: 1\n  duration: 600\n");
    let backup = folder.path().join("migration/backups/20260101_000000");
    std::fs::create_dir_all(&backup).expect("made");
    std::fs::write(backup.join("database.dump"), "cut short").expect("written");
    let _alice = session(folder.path(), "alice").await;
    let bob = session(folder.path(), "bob").await;
    let shelf = |n: usize| {
        let mut views = bob.views();
        async move {
            let seen = views.wait_for(|views| views.backups.value().is_some_and(|(_, all)| all.len() == n));
            tokio::time::timeout(Duration::from_mins(1), seen)
                .await
                .unwrap_or_else(|_| panic!("never {n} backups"))
                .expect("the engine lives")
                .clone()
        }
    };
    let seen = shelf(1).await;
    let (_, all) = seen.backups.value().expect("listed");
    assert_eq!(all[0].id, "20260101_000000");
    assert!(!all[0].usable(), "it has no manifest");
    // Looking again is no command that only an operator may give.
    std::fs::remove_dir_all(&backup).expect("removed");
    bob.ask(Command::Read(Capability::Backup)).await.expect("read");
    shelf(0).await;
}
