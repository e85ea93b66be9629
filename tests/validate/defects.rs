//! The defects of the guide's own suite, each with what is right instead.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use maos_migrate::engine::ErrorKind;
use maos_migrate::engine::compare::wait::{Patience, Waited, until_ended};
use maos_migrate::engine::item::ItemState;
use maos_migrate::engine::operation::Control;

use crate::support::{maos, run, start, world};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn defect_74_a_test_that_cannot_be_made_is_skipped_never_passed() {
    let folder = tempfile::tempdir().unwrap();
    let world = world(folder.path(), "rehearsal:\n  seconds: 0.02\n  lost_metrics: true");
    start(&world).await;
    // No status document, no program whose memory could be measured, no configuration that was converted.
    let (outcome, lines, document) = run(
        world,
        "only:data_consistency,memory_usage,configuration_migration",
    )
    .await;
    assert_eq!(lines.count(ItemState::Skipped), 3, "{document:#}");
    assert!(lines.all().iter().all(|line| !line.text.is_empty()));
    assert_eq!(
        (outcome.source, outcome.converted, outcome.quarantined),
        (0, 0, 0)
    );
    assert!(outcome.proved());
    assert!(document["assessment"].is_null() && document["summary"]["success_rate"].is_null());
    let one = &document["details"]["scalability"]["tests"]["memory_usage"];
    assert_eq!(
        (one["state"].as_str(), one["passed"].is_null()),
        (Some("skipped"), true)
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn defect_75_the_sequential_side_is_measured() {
    let folder = tempfile::tempdir().unwrap();
    // With one agent in all, parallel work takes as long as sequential work: the guide's check passes, a measurement does not.
    let world = world(
        folder.path(),
        "rehearsal:\n  agents: 1\n  worker: [sh, -c, 'cat >/dev/null; sleep 0.05; echo 1']",
    );
    start(&world).await;
    let (_, lines, _) = run(world, "only:parallel_vs_sequential,agent_scaling").await;
    let line = lines.get("parallel_vs_sequential").unwrap();
    assert_eq!(line.state, ItemState::Failed, "{}", line.text);
    let figure = |name: &str| line.data["figures"][name].as_f64().unwrap();
    assert!(figure("speedup") < 1.5, "{}", line.text);
    // Nine units of 50 ms were really done one after another.
    assert!(figure("sequential_duration") > 0.4, "{}", line.text);
    assert_eq!(lines.get("agent_scaling").unwrap().state, ItemState::Failed);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn defect_76_waiting_ends_and_success_at_the_last_look_counts() {
    use maos_migrate::engine::ports::maos::Submission;
    let folder = tempfile::tempdir().unwrap();
    let world = world(folder.path(), "rehearsal:\n  seconds: 0.2");
    start(&world).await;
    let maos = maos(&world);
    let task = || Submission {
        description: "What is 2+2?".to_owned(),
        ..Submission::default()
    };
    // The deadline is over before the first look: a task that has ended by then has ended.
    let id = maos.submit(task()).await.unwrap();
    tokio::time::sleep(Duration::from_millis(600)).await;
    let begun = Instant::now();
    let timed = until_ended(
        &*maos,
        &id,
        begun,
        Patience::until(Duration::ZERO),
        &Control::silent(),
    )
    .await
    .unwrap();
    assert!(matches!(timed.waited, Waited::Ended(_)), "{timed:?}");
    assert_eq!(timed.looks, 1);
    // And one that has not is left, soon.
    let id = maos.submit(task()).await.unwrap();
    let begun = Instant::now();
    let timed = until_ended(
        &*maos,
        &id,
        begun,
        Patience::until(Duration::from_millis(50)),
        &Control::silent(),
    )
    .await
    .unwrap();
    assert!(matches!(timed.waited, Waited::Deadline(_)), "{timed:?}");
    assert!(begun.elapsed() < Duration::from_secs(5));
    // A task that MAOS does not know is given up after a few looks, not asked for without end.
    let patience = Patience::until(Duration::from_mins(5));
    let timed = until_ended(&*maos, "nobody", Instant::now(), patience, &Control::silent())
        .await
        .unwrap();
    assert!(matches!(timed.waited, Waited::Lost(_)), "{timed:?}");
    assert_eq!(timed.looks, patience.failures);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn defect_76_the_time_of_an_end_is_known_to_the_distance_of_two_looks() {
    use maos_migrate::engine::ports::maos::Submission;
    let folder = tempfile::tempdir().unwrap();
    let world = world(folder.path(), "rehearsal:\n  seconds: 1.0");
    start(&world).await;
    let maos = maos(&world);
    let (begun, wall) = (Instant::now(), jiff::Timestamp::now());
    let id = maos
        .submit(Submission {
            description: "What is 2+2?".to_owned(),
            ..Submission::default()
        })
        .await
        .unwrap();
    let timed = until_ended(
        &*maos,
        &id,
        begun,
        Patience::until(Duration::from_mins(1)),
        &Control::silent(),
    )
    .await
    .unwrap();
    assert!(timed.looks > 5 && timed.uncertainty_s < 0.25, "{timed:?}");
    let Waited::Ended(view) = &timed.waited else {
        panic!("{timed:?}")
    };
    let end: jiff::Timestamp = view.raw["ended_at"].as_str().unwrap().parse().unwrap();
    let end = end.duration_since(wall).as_secs_f64();
    // MAOS writes its time before the row in which a look finds it, and to the millisecond.
    let (writing, digits) = (0.25, 0.002);
    assert!(
        timed.seconds - timed.uncertainty_s <= end + writing
            && end <= timed.seconds + timed.uncertainty_s + digits,
        "ended after {end} s: {timed:?}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn defect_76_a_maos_that_hangs_fails_the_test_and_a_stop_ends_it_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let settings = "rehearsal:\n  seconds: 600";
    let world = world(folder.path(), settings);
    start(&world).await;
    let looks = std::sync::Arc::new(AtomicUsize::new(0));
    let control = {
        let looks = std::sync::Arc::clone(&looks);
        Control::new(move |notice| {
            if let maos_migrate::engine::operation::Notice::Item { ack: Some(ack), .. } = notice {
                looks.fetch_add(1, Ordering::SeqCst);
                ack.done();
            }
        })
    };
    let stopping = control.clone();
    tokio::spawn(async move {
        tokio::time::sleep(Duration::from_millis(500)).await;
        stopping.stop();
    });
    let begun = Instant::now();
    let error = (crate::support::plan(world, "run").await.unwrap().run)(control)
        .await
        .unwrap_err();
    assert_eq!(error.kind, ErrorKind::Interrupted);
    assert!(begun.elapsed() < Duration::from_secs(10));
    assert!(looks.load(Ordering::SeqCst) >= 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn defect_76_the_deadline_of_a_test_counts_it_as_failed() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("validate")).unwrap();
    let own = "tests:\n  - name: submit_simple_task\n    category: functionality\n    expected: it ends\n    tasks: 1\n    seconds: 1\n    texts: [What is 2+2?]\n";
    std::fs::write(folder.path().join("validate/tests.yml"), own).unwrap();
    let world = world(folder.path(), "rehearsal:\n  seconds: 600");
    start(&world).await;
    let (outcome, lines, _) = run(world, "run").await;
    let line = &lines.all()[0];
    assert_eq!(line.state, ItemState::Failed);
    assert!(
        line.text.contains("after 1 s, the test's deadline"),
        "{}",
        line.text
    );
    assert_eq!((outcome.source, outcome.quarantined), (1, 1));
}
