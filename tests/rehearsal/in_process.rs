//! The stand-in behind the port, without its command line.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use maos_migrate::adapters::maos::rehearsal::Rehearsal;
use maos_migrate::engine::ports::maos::{Known, Maos, MaosError, Stop, Submission, TaskStatus, TaskView};
use maos_migrate::engine::workspace::Workspace;
use maos_migrate::engine::workspace::driving::Driving;
use serde_json::json;

fn open(folder: &Path, seconds: f64, agents: usize) -> Arc<dyn Maos> {
    let mut driving = Driving::default();
    driving.rehearsal.seconds = seconds;
    driving.rehearsal.agents = agents;
    with(folder, &driving)
}

fn with(folder: &Path, driving: &Driving) -> Arc<dyn Maos> {
    Arc::new(Rehearsal::in_process(&Workspace::at(folder).unwrap(), driving))
}

fn task(description: &str) -> Submission {
    Submission {
        description: description.to_owned(),
        reference: format!("ref {description}"),
        ..Submission::default()
    }
}

async fn ended(maos: &dyn Maos, id: &str) -> TaskView {
    let deadline = Instant::now() + Duration::from_mins(1);
    loop {
        let view = maos.show(id.to_owned()).await.unwrap();
        if view.status.ended() {
            return view;
        }
        assert!(Instant::now() < deadline, "{id} is {:?}", view.status);
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

fn known<T>(known: Known<T>) -> T {
    match known {
        Known::Value(value) => value,
        Known::Unknown(why) => panic!("unknown: {why}"),
    }
}

/// Six parts without an order among them, and one that gathers them.
const FAN: &str = "Test login, search, checkout, refunds, reports and exports";

#[tokio::test]
async fn agents_work_side_by_side_as_far_as_a_task_allows() {
    let folder = tempfile::tempdir().unwrap();
    let maos = open(folder.path(), 0.3, 8);
    maos.start().await.unwrap();
    let mut took = Vec::new();
    for agents in [1, 3] {
        let id = maos
            .submit(Submission {
                max_agents: Some(agents),
                ..task(FAN)
            })
            .await
            .unwrap();
        let view = ended(maos.as_ref(), &id).await;
        assert_eq!(view.status, TaskStatus::Completed, "{:?}", view.error);
        assert_eq!(view.agents_used, Some(agents));
        assert_eq!(
            view.result.as_ref().unwrap()[0]["result"]["simulated"],
            json!(true)
        );
        let parts = view.raw["subtasks"].as_array().unwrap().len();
        took.push((
            parts,
            view.raw["performance_metrics"]["completion_time"]
                .as_f64()
                .unwrap(),
        ));
    }
    let (parts, alone) = took[0];
    let (_, three) = took[1];
    assert!(parts >= 6, "{parts} parts");
    let schedule = f64::from(u32::try_from(parts).unwrap()) * 0.3;
    assert!(alone >= schedule, "{alone} s alone for {schedule} s of work");
    // What three agents could save at best, less what a busy machine takes.
    assert!(three < alone * 0.75, "{three} s with three, {alone} s alone");
}

#[tokio::test]
async fn a_dependent_begins_after_what_it_needs_and_falls_with_it() {
    let folder = tempfile::tempdir().unwrap();
    let maos = open(folder.path(), 0.02, 4);
    maos.start().await.unwrap();
    let first = maos.submit(task("Read the log")).await.unwrap();
    let second = maos
        .submit(Submission {
            depends_on: vec![first.clone()],
            ..task("Write the summary")
        })
        .await
        .unwrap();
    let (first, second) = (
        ended(maos.as_ref(), &first).await,
        ended(maos.as_ref(), &second).await,
    );
    assert_eq!(second.status, TaskStatus::Completed);
    assert!(first.raw["ended_at"].as_str() <= second.raw["started_at"].as_str());
    maos.turn("failure_rate".to_owned(), Some(json!(1.0)))
        .await
        .unwrap();
    let bad = maos.submit(task("Read another log")).await.unwrap();
    let fallen = maos
        .submit(Submission {
            depends_on: vec![bad.clone()],
            ..task("Write another summary")
        })
        .await
        .unwrap();
    assert_eq!(ended(maos.as_ref(), &bad).await.status, TaskStatus::Failed);
    let fallen = ended(maos.as_ref(), &fallen).await;
    assert_eq!(fallen.status, TaskStatus::Cancelled);
    assert_eq!(
        fallen.error.unwrap(),
        format!("it depends on {bad}, which ended FAILED")
    );
    let missing = maos
        .submit(Submission {
            depends_on: vec!["legacy_001".to_owned()],
            ..task("Never")
        })
        .await;
    assert!(matches!(missing, Err(MaosError::NotFound(_))), "{missing:?}");
}

#[tokio::test]
async fn exactly_the_wished_share_of_tasks_fails() {
    let folder = tempfile::tempdir().unwrap();
    let maos = open(folder.path(), 0.0, 4);
    maos.turn("failure_rate".to_owned(), Some(json!(0.3)))
        .await
        .unwrap();
    maos.start().await.unwrap();
    let mut ids = Vec::new();
    for n in 0..40 {
        ids.push(maos.submit(task(&format!("Task {n}"))).await.unwrap());
    }
    for id in &ids {
        ended(maos.as_ref(), id).await;
    }
    let status = known(maos.status().await.unwrap());
    assert_eq!(
        (status.total, status.failed, status.completed),
        (Some(40.0), Some(12.0), Some(28.0))
    );
    assert_eq!((status.healthy, status.components), (Some(6.0), Some(6.0)));
    assert!(status.avg_response_time.is_some() && status.tasks_per_minute.unwrap() > 0.0);
    maos.turn("lost_metrics".to_owned(), Some(json!(true)))
        .await
        .unwrap();
    let lost = known(maos.status().await.unwrap());
    assert_eq!(
        (lost.total, lost.healthy, lost.avg_response_time),
        (None, None, None)
    );
}

#[tokio::test]
async fn a_checkpoint_puts_tasks_back_and_never_gives_an_id_again() {
    let folder = tempfile::tempdir().unwrap();
    let maos = open(folder.path(), 0.0, 2);
    maos.start().await.unwrap();
    let first = maos.submit(task("One")).await.unwrap();
    ended(maos.as_ref(), &first).await;
    let id = maos.checkpoint_create("before".to_owned()).await.unwrap();
    let second = maos.submit(task("Two")).await.unwrap();
    ended(maos.as_ref(), &second).await;
    let listed = maos.checkpoints().await.unwrap();
    assert_eq!((listed.len(), listed[0].description.as_str()), (1, "before"));
    maos.checkpoint_restore(id).await.unwrap();
    let all = known(maos.list(None).await.unwrap());
    assert_eq!(all, [(first, TaskStatus::Completed)]);
    let third = maos.submit(task("Three")).await.unwrap();
    assert_ne!(third, second);
    assert_eq!(ended(maos.as_ref(), &third).await.status, TaskStatus::Completed);
    assert!(matches!(
        maos.checkpoint_restore("cp-99".to_owned()).await,
        Err(MaosError::NotFound(_))
    ));
}

#[tokio::test]
async fn stopping_keeps_what_waits_and_starting_goes_on_with_it() {
    let folder = tempfile::tempdir().unwrap();
    // Long enough to be seen at work, and told to stop, on a busy machine.
    let maos = open(folder.path(), 1.0, 1);
    let early = maos.submit(task("Too early")).await;
    assert!(matches!(early, Err(MaosError::NotRunning(_))), "{early:?}");
    assert!(!known(maos.running().await.unwrap()));
    maos.start().await.unwrap();
    assert!(known(maos.running().await.unwrap()));
    let first = maos.submit(task("One")).await.unwrap();
    let second = maos.submit(task("Two")).await.unwrap();
    while maos.show(first.clone()).await.unwrap().status == TaskStatus::Queued {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    maos.stop(Stop::Graceful(Duration::from_secs(20))).await.unwrap();
    assert_eq!(maos.show(first).await.unwrap().status, TaskStatus::Completed);
    assert_eq!(
        maos.show(second.clone()).await.unwrap().status,
        TaskStatus::Queued
    );
    let health = known(maos.health().await.unwrap());
    assert_eq!((health.healthy, health.total), (0, 6));
    // Another handle, as another process would have it.
    let other = open(folder.path(), 1.0, 1);
    other.start().await.unwrap();
    assert_eq!(ended(other.as_ref(), &second).await.status, TaskStatus::Completed);
    let third = maos.submit(task("Three")).await.unwrap();
    while maos.show(third.clone()).await.unwrap().status == TaskStatus::Queued {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    maos.stop(Stop::Force).await.unwrap();
    assert!(!known(maos.running().await.unwrap()));
    maos.start().await.unwrap();
    assert_eq!(ended(maos.as_ref(), &third).await.status, TaskStatus::Completed);
}

#[tokio::test]
async fn trouble_is_what_it_says() {
    let folder = tempfile::tempdir().unwrap();
    let mut driving = Driving::default();
    driving.maos.time_limit = Some(1);
    driving.rehearsal.flapping = true;
    driving.rehearsal.seconds = 60.0;
    let maos = with(folder.path(), &driving);
    maos.start().await.unwrap();
    let mut seen = Vec::new();
    for _ in 0..4 {
        seen.push(known(maos.health().await.unwrap()).healthy);
    }
    assert_eq!(seen, [5, 6, 5, 6]);
    let id = maos
        .submit(Submission {
            timeout_s: Some(1),
            ..task("Slow")
        })
        .await
        .unwrap();
    let late = ended(maos.as_ref(), &id).await;
    assert_eq!(
        (late.status, late.error.as_deref()),
        (TaskStatus::Failed, Some("timed out after 1 s"))
    );
    let open_one = maos.submit(task("Slower")).await.unwrap();
    maos.cancel(open_one.clone()).await.unwrap();
    assert_eq!(
        maos.show(open_one.clone()).await.unwrap().status,
        TaskStatus::Cancelled
    );
    assert!(matches!(maos.cancel(open_one).await, Err(MaosError::Refused(..))));
    maos.turn("hang".to_owned(), Some(json!(true))).await.unwrap();
    assert_eq!(maos.status().await, Err(MaosError::TimedOut("status", 1)));
    maos.turn("hang".to_owned(), None).await.unwrap();
    assert!(maos.turn("nonsense".to_owned(), Some(json!(1))).await.is_err());
    maos.turn("crash".to_owned(), Some(json!(true))).await.unwrap();
    let deadline = Instant::now() + Duration::from_secs(20);
    while known(maos.running().await.unwrap()) {
        assert!(Instant::now() < deadline, "it did not fall over");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    maos.start().await.unwrap();
    assert!(known(maos.running().await.unwrap()), "a crash happens once");
}

#[tokio::test]
async fn a_worker_program_does_the_work_and_its_words_are_kept() {
    let folder = tempfile::tempdir().unwrap();
    let mut driving = Driving::default();
    driving.rehearsal.worker = ["sh", "-c", r#"read line; case $line in *Bad*) echo no glossary >&2; exit 3;; esac; printf '{"read":%s}' "$line""#]
        .map(str::to_owned)
        .to_vec();
    let maos = with(folder.path(), &driving);
    maos.start().await.unwrap();
    let good = maos.submit(task("Good work")).await.unwrap();
    let bad = maos.submit(task("Bad work")).await.unwrap();
    let good = ended(maos.as_ref(), &good).await;
    assert_eq!(
        good.result.unwrap()[0]["result"]["read"]["reference"],
        json!("ref Good work")
    );
    assert_eq!(
        ended(maos.as_ref(), &bad).await.error.unwrap(),
        "exit 3: no glossary"
    );
    assert_eq!(
        known(maos.find("ref Good work".to_owned()).await.unwrap()),
        Some(good.id)
    );
    assert_eq!(known(maos.find("nobody".to_owned()).await.unwrap()), None);
}

#[tokio::test]
async fn a_task_given_at_the_very_end_of_what_it_needs_still_runs() {
    let folder = tempfile::tempdir().unwrap();
    let maos = open(folder.path(), 0.0, 4);
    maos.start().await.unwrap();
    // Work of no duration ends while the next task is on its way, again and again.
    let mut last = maos.submit(task("First")).await.unwrap();
    for n in 0..300 {
        last = maos
            .submit(Submission {
                depends_on: vec![last],
                ..task(&format!("Next {n}"))
            })
            .await
            .unwrap();
    }
    let view = ended(maos.as_ref(), &last).await;
    assert_eq!(view.status, TaskStatus::Completed, "{:?}", view.error);
}
