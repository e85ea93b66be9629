//! Lists of steps: ended at every instant and gone on with, they end as an undisturbed run; failed, they leave nothing behind.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use maos_migrate::engine::error::{Error, ErrorKind, Result};
use maos_migrate::engine::item::{Item, ItemState, Items};
use maos_migrate::engine::operation::{Control, Notice};
use maos_migrate::engine::steps::{Did, Failure, Heading, Run, RunId, Scene, Standing, Step, unfinished};
use serde_json::json;
use tokio::sync::Notify;

/// A world of named facts that ends the process, so to speak, after a number of instants.
#[derive(Debug, Default)]
struct World {
    facts: Mutex<BTreeSet<String>>,
    lines: Mutex<Items>,
    left: Mutex<Option<u32>>,
    effects: Mutex<Vec<String>>,
    dead: Notify,
}

impl World {
    fn has(&self, fact: &str) -> bool {
        self.facts.lock().unwrap().contains(fact)
    }

    /// One instant passes; the last one never ends.
    async fn instant(&self) {
        if self.is_last() {
            self.dead.notify_one();
            std::future::pending::<()>().await;
        }
    }

    fn is_last(&self) -> bool {
        let mut left = self.left.lock().unwrap();
        match left.as_mut() {
            None => false,
            Some(0) => true,
            Some(n) => {
                *n -= 1;
                *n == 0
            }
        }
    }

    fn control(self: &Arc<Self>) -> Control {
        let world = Arc::clone(self);
        Control::new(move |notice| match notice {
            Notice::ItemsCleared => *world.lines.lock().unwrap() = Items::default(),
            Notice::Item { item, ack } => {
                world.lines.lock().unwrap().set(*item);
                // Killed after the journal took it and before anybody heard of that.
                match ack {
                    Some(ack) if world.is_last() => {
                        world.dead.notify_one();
                        std::mem::forget(ack);
                    }
                    Some(ack) => ack.done(),
                    None => {}
                }
            }
            _ => {}
        })
    }
}

fn step(key: &'static str, fails: bool) -> Step<World> {
    Step::new(
        key,
        format!("make {key}"),
        move |scene: Scene<World>| async move {
            scene.world.instant().await;
            scene.world.effects.lock().unwrap().push(key.to_owned());
            scene.world.facts.lock().unwrap().insert(format!("half {key}"));
            scene.world.instant().await;
            if fails {
                return Err(Error::unavailable("the disk is full"));
            }
            let mut facts = scene.world.facts.lock().unwrap();
            facts.remove(&format!("half {key}"));
            facts.insert(key.to_owned());
            Ok(Did::said(format!("{key} is there")).with(json!({ "made": key })))
        },
    )
    .check(move |scene| async move {
        scene.world.instant().await;
        Ok(if scene.world.has(key) {
            Standing::There(Did::default().with(json!({ "made": key })))
        } else {
            Standing::Open
        })
    })
    .proof(move |scene| async move {
        scene.world.instant().await;
        assert_eq!(
            scene.memo,
            json!({ "made": key }),
            "the proof sees what the effect gave"
        );
        Ok("seen".to_owned())
    })
    .undo(format!("remove {key}"), move |scene| async move {
        scene.world.instant().await;
        let mut facts = scene.world.facts.lock().unwrap();
        facts.remove(key);
        facts.remove(&format!("half {key}"));
        Ok(String::new())
    })
}

fn run(world: &Arc<World>, failing: Option<&str>, id: &str) -> Run<World> {
    Run {
        world: Arc::clone(world),
        steps: ["a", "b", "c", "d"]
            .map(|key| step(key, failing == Some(key)))
            .into(),
        id: RunId {
            id: id.to_owned(),
            params: json!({ "n": 4 }),
        },
        points: "test",
        holds: false,
    }
}

/// Goes until the end or until the process is ended; then goes on until it ends undisturbed.
async fn killed_after(
    instants: u32,
    failing: Option<&str>,
) -> (Arc<World>, bool, Result<Vec<Item>, Failure>) {
    let world = Arc::new(World::default());
    *world.left.lock().unwrap() = Some(instants);
    let control = world.control();
    let nothing = Items::default();
    let killed = tokio::select! {
        biased;
        () = world.dead.notified() => true,
        _ = run(&world, failing, "1").go(&nothing, &control) => false,
    };
    *world.left.lock().unwrap() = None;
    let before = world.lines.lock().unwrap().clone();
    let id = unfinished(&before).map_or_else(|| "2".to_owned(), |(run, _)| run.id);
    let ended = if killed || failing.is_none() {
        run(&world, failing, &id).go(&before, &control).await
    } else {
        run(&world, failing, "2").go(&Items::default(), &control).await
    };
    (world, killed, ended)
}

#[tokio::test]
async fn ended_at_every_instant_and_gone_on_with_it_ends_the_same() {
    let mut killed_runs = 0;
    for instants in 1.. {
        let (world, killed, ended) = killed_after(instants, None).await;
        let lines = ended.unwrap_or_else(|failure| panic!("instant {instants}: {failure:?}"));
        assert!(
            lines.iter().all(|line| line.state == ItemState::Done),
            "{lines:?}"
        );
        assert_eq!(
            *world.facts.lock().unwrap(),
            BTreeSet::from(["a", "b", "c", "d"].map(str::to_owned))
        );
        if !killed {
            break;
        }
        killed_runs += 1;
        let effects = world.effects.lock().unwrap().len();
        assert!(
            effects <= 5,
            "instant {instants}: at most the step under way is repeated, {effects}"
        );
    }
    assert!(killed_runs > 20, "{killed_runs} instants");
}

#[tokio::test]
async fn a_failed_step_is_taken_back_with_all_before_it_wherever_it_is_ended() {
    for instants in 1.. {
        let (world, killed, ended) = killed_after(instants, Some("c")).await;
        let failure = ended.expect_err("it cannot end well");
        assert!(failure.stuck.is_none(), "{failure:?}");
        assert_eq!(
            *world.facts.lock().unwrap(),
            BTreeSet::new(),
            "instant {instants}"
        );
        let lines = world.lines.lock().unwrap().clone();
        assert_eq!(unfinished(&lines), None, "instant {instants}: {lines:?}");
        if !killed {
            assert_eq!(failure.step.as_deref(), Some("make c"));
            assert_eq!(lines.get("c").unwrap().state, ItemState::Failed);
            assert_eq!(lines.get("b").unwrap().state, ItemState::Undone);
            assert_eq!(lines.get("d").unwrap().state, ItemState::Waiting);
            break;
        }
    }
}

#[tokio::test]
async fn a_stop_is_taken_between_steps_and_can_go_on_or_be_taken_back() {
    for keep in [false, true] {
        let world = Arc::new(World::default());
        let control = world.control();
        let stopping = control.clone();
        let mut first = run(&world, None, "1");
        let stopper = Step::new("stopper", "ask to stop", move |_| {
            stopping.stop();
            async { Ok(Did::said("asked")) }
        });
        first.steps.insert(2, stopper);
        let failure = first.go(&Items::default(), &control).await.expect_err("stops");
        assert_eq!(failure.error.kind, ErrorKind::Interrupted);
        assert!(world.has("b") && !world.has("c"));
        let before = world.lines.lock().unwrap().clone();
        let (id, heading) = unfinished(&before).expect("it can go on");
        assert_eq!((id.id.as_str(), heading), ("1", Heading::Forward));
        let control = world.control();
        if keep {
            let failure = run(&world, None, "1")
                .take_back(
                    &before,
                    Error::interrupted("alice keeps the present state"),
                    &control,
                )
                .await;
            assert_eq!(failure.taken_back.len(), 2);
            assert!(world.facts.lock().unwrap().is_empty());
        } else {
            run(&world, None, "1")
                .go(&before, &control)
                .await
                .expect("goes on");
            assert_eq!(world.effects.lock().unwrap().len(), 4, "nothing is done twice");
        }
        assert_eq!(unfinished(&world.lines.lock().unwrap()), None);
    }
}

#[tokio::test]
async fn what_cannot_be_taken_back_is_said_and_tried_again() {
    let world = Arc::new(World::default());
    let control = world.control();
    let with_stuck = |world: &Arc<World>, stuck: bool| {
        let mut run = run(world, Some("d"), "1");
        run.steps[1] = step("b", false).undo("remove b", move |scene| async move {
            if stuck {
                return Err(Error::unavailable("b is held by another"));
            }
            scene.world.facts.lock().unwrap().remove("b");
            Ok(String::new())
        });
        run
    };
    let failure = with_stuck(&world, true)
        .go(&Items::default(), &control)
        .await
        .expect_err("fails");
    assert_eq!(
        failure.stuck.as_ref().map(|(step, _)| step.as_str()),
        Some("make b")
    );
    assert!(
        world.has("a"),
        "what lies under the one that is stuck is left alone"
    );
    let text = Error::from(failure).message;
    assert!(text.contains("b is held by another"), "{text}");
    let before = world.lines.lock().unwrap().clone();
    assert_eq!(
        unfinished(&before).map(|(_, heading)| heading),
        Some(Heading::Back)
    );
    let failure = with_stuck(&world, false)
        .go(&before, &control)
        .await
        .expect_err("goes on back");
    assert!(failure.stuck.is_none(), "{failure:?}");
    assert!(world.facts.lock().unwrap().is_empty());
}

#[tokio::test]
async fn a_best_effort_step_fails_without_ending_the_run_and_a_rechecked_one_is_done_again() {
    let world = Arc::new(World::default());
    let control = world.control();
    let mut first = run(&world, None, "1");
    first.steps[0] = step("a", true).best_effort();
    let lines = first.go(&Items::default(), &control).await.expect("goes through");
    assert_eq!(lines[0].state, ItemState::Skipped);
    assert!(lines[0].text.contains("the disk is full"));

    let stopped = world.lines.lock().unwrap().clone();
    let mut lines = stopped.clone();
    lines.set(Item::waiting("e", "one more"));
    world.facts.lock().unwrap().remove("b");
    let mut again = run(&world, None, "1");
    again.steps[1] = step("b", false).rechecked();
    again.steps.push(step("e", false));
    let after = again.go(&lines, &control).await.expect("goes on");
    assert!(after.iter().skip(1).all(|line| line.state == ItemState::Done));
    assert!(world.has("b") && world.has("e"));
}

#[tokio::test]
async fn nothing_happens_that_the_journal_did_not_take() {
    let world = Arc::new(World::default());
    let deaf = Control::new(|_| {});
    let failure = run(&world, None, "1")
        .go(&Items::default(), &deaf)
        .await
        .expect_err("refused");
    assert_eq!(failure.error.kind, ErrorKind::Unavailable);
    assert!(world.effects.lock().unwrap().is_empty());
}
