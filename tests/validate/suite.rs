//! All tests in one go, and single ones again.

use maos_migrate::engine::ErrorKind;
use maos_migrate::engine::item::ItemState;
use maos_migrate::engine::operation::Control;
use maos_migrate::engine::ports::maos::Known;
use maos_migrate::engine::snapshot::{Activity, Step};

use crate::support::{maos, of, plan, run, start, told, world};

const WORKER: &str = "rehearsal:\n  agents: 4\n  worker: [sh, -c, 'cat >/dev/null; sleep 0.15; echo 1']";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_good_maos_passes_and_nothing_is_left_in_it() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("config")).unwrap();
    std::fs::write(
        folder.path().join("config/maos_config.yml"),
        "system:\n  max_agents: 4\n",
    )
    .unwrap();
    let world = world(folder.path(), WORKER);
    start(&world).await;
    let maos = maos(&world);
    let (outcome, lines, document) = run(world, "run").await;
    let all: Vec<String> = lines.all().iter().map(|item| told(item)).collect();
    println!("{}", all.join("\n"));
    assert_eq!(lines.all().len(), 19);
    assert_eq!(lines.count(ItemState::Failed), 0, "{all:#?}");
    assert_eq!(lines.count(ItemState::Done), 19, "{all:#?}");
    assert!(outcome.proved() && outcome.quarantined == 0);
    assert_eq!(
        (
            &document["summary"]["executed"],
            &document["summary"]["coverage"],
            document["rehearsal"].as_bool()
        ),
        (&19.into(), &1.0.into(), Some(true))
    );
    assert_eq!(
        document["assessment"],
        "EXCELLENT - Migration is highly successful with minimal issues"
    );
    for line in lines.all() {
        let seen = line.data["found"].as_str().unwrap_or_default();
        assert!(line.ms.is_some() && !seen.is_empty() && !line.data["expected"].as_str().unwrap().is_empty());
        assert_eq!(line.data["rehearsal"], true);
    }
    // What could not end was cancelled.
    let Known::Value(listed) = maos.list(None).await.unwrap() else {
        panic!("not listed");
    };
    assert!(listed.iter().all(|(_, status)| status.ended()), "{listed:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_test_runs_again_alone_and_the_others_keep_their_results() {
    let folder = tempfile::tempdir().unwrap();
    let first = world(folder.path(), "rehearsal:\n  seconds: 0.02");
    start(&first).await;
    let (_, lines, before) = run(first, "only:latency_test,submit_simple_task").await;
    assert_eq!(lines.all().len(), 2);
    assert_eq!(before["summary"]["not_run"], 17);
    let step = Step {
        activity: Activity::Done,
        verb: "only:latency_test,submit_simple_task".to_owned(),
        items: [("only:latency_test,submit_simple_task".to_owned(), lines)].into(),
        ..Step::default()
    };
    let (outcome, again, after) = run(of(folder.path(), step), "only:latency_test").await;
    assert_eq!(again.all().len(), 1);
    assert_eq!((outcome.source, outcome.converted, outcome.unchanged), (2, 2, 1));
    let at = |document: &serde_json::Value, category: &str, test: &str| {
        document["details"][category]["tests"][test]["at"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    assert_eq!(
        at(&before, "functionality", "submit_simple_task"),
        at(&after, "functionality", "submit_simple_task")
    );
    assert_ne!(
        at(&before, "performance", "latency_test"),
        at(&after, "performance", "latency_test")
    );
    let error = plan(of(folder.path(), Step::default()), "only:nonsense")
        .await
        .unwrap_err();
    assert_eq!(error.kind, ErrorKind::Usage);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn failures_are_failures_with_their_reason() {
    let folder = tempfile::tempdir().unwrap();
    let world = world(folder.path(), "rehearsal:\n  seconds: 0.02\n  failure_rate: 1.0");
    start(&world).await;
    let (outcome, lines, document) =
        run(world, "only:submit_simple_task,throughput_test,concurrent_tasks").await;
    assert_eq!(lines.count(ItemState::Failed), 3);
    assert_eq!(
        (outcome.source, outcome.converted, outcome.quarantined),
        (3, 0, 3)
    );
    assert!(outcome.proved());
    assert_eq!(
        document["assessment"],
        "FAILED - Migration has critical issues and should be rolled back"
    );
    let text = &lines.get("submit_simple_task").unwrap().text;
    assert!(text.contains("failed"), "{text}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stand_in_that_does_not_run_is_started_and_the_plan_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let first = world(folder.path(), "rehearsal:\n  seconds: 0.02");
    maos(&first).init().await.unwrap();
    let prepared = plan(first, "only:submit_simple_task").await.unwrap();
    assert_eq!(prepared.plan.effects[0].act, "start");
    let outcome = (prepared.run)(Control::silent()).await.unwrap();
    assert_eq!((outcome.source, outcome.converted), (1, 1));
    let again = plan(of(folder.path(), Step::default()), "only:submit_simple_task")
        .await
        .unwrap();
    assert!(again.plan.effects.iter().all(|effect| effect.act != "start"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_killed_run_left_is_cancelled_by_the_next() {
    use maos_migrate::engine::item::{Item, Items};
    use maos_migrate::engine::ports::maos::Submission;
    let folder = tempfile::tempdir().unwrap();
    let world = world(folder.path(), "rehearsal:\n  seconds: 60");
    start(&world).await;
    let maos = maos(&world);
    let left = maos
        .submit(Submission {
            description: "What is 2+2?".to_owned(),
            ..Submission::default()
        })
        .await
        .unwrap();
    let mut items = Items::default();
    items.set(Item {
        key: "submit_simple_task".to_owned(),
        state: ItemState::Running,
        data: serde_json::json!({"at": "2026-11-22T14:00:00Z", "expected": "", "found": "", "submitted": [left]}),
        ..Item::default()
    });
    let step = Step {
        activity: Activity::Running,
        verb: "run".to_owned(),
        items: [("run".to_owned(), items)].into(),
        ..Step::default()
    };
    let prepared = plan(of(folder.path(), step), "only:api_compatibility")
        .await
        .unwrap();
    (prepared.run)(Control::silent()).await.unwrap();
    assert!(maos.show(left).await.unwrap().status.ended());
}
