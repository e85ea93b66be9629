//! Does it hold: faults beside it, checkpoints, counts, wrong requests.

use crate::engine::ports::maos::{Ability, Known, MaosError, StatusDocument, Submission, TaskStatus};
use crate::engine::text::plural;
use crate::engine::validate::bench::{Bench, Halt, Seen, Step};

pub async fn fault_tolerance(bench: &Bench<'_>) -> Step<Seen> {
    bench.needs(&[Ability::Submit, Ability::Show, Ability::Cancel])?;
    let others = bench.test.whole("others", 3);
    // A task that cannot end within its own second, and is then ended by us if MAOS does not.
    let victim = bench
        .submit(Submission {
            timeout_s: Some(1),
            ..bench.task(bench.test.text(0), 1)
        })
        .await?;
    let beside: Vec<Submission> = (0..others).map(|_| bench.task(bench.test.text(1), 1)).collect();
    let batch = {
        let cancelling = async {
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
            bench.maos().cancel(victim.id.clone()).await
        };
        let (batch, cancelled) = tokio::join!(bench.together(beside), cancelling);
        if let Err(error) = cancelled
            && error.is_missing()
        {
            return Err(error.into());
        }
        batch?
    };
    let fault = bench.wait(&victim).await?;
    if fault.completed() {
        return Err(Halt::Skipped(
            "the task that was to end badly completed before it could be cancelled: there was no fault"
                .to_owned(),
        ));
    }
    let completed = batch.completed();
    Ok(Seen::new(
        completed == batch.tasks.len(),
        format!("{completed} of {others} others completed"),
    )
    .found(format!(
        "one task ended as {}, {completed} of the {others} beside it as COMPLETED",
        fault.words()
    ))
    .line(format!("task {} ended as {}", fault.view.id, fault.words()))
    .figure("others", others)
    .figure("completed", completed))
}

pub async fn recovery(bench: &Bench<'_>) -> Step<Seen> {
    bench.needs(&[
        Ability::Submit,
        Ability::Show,
        Ability::CheckpointCreate,
        Ability::CheckpointList,
        Ability::Health,
    ])?;
    let done = bench.run(bench.task(bench.test.text(0), 1)).await?;
    let mark = format!("maos-migrate validate {}, recovery", bench.lab.started);
    let id = bench.maos().checkpoint_create(mark).await?;
    // What is listed by the one who made it could live in its memory only.
    let other = (bench.lab.reopen)().map_err(Halt::Run)?;
    let listed = other
        .checkpoints()
        .await?
        .iter()
        .any(|checkpoint| checkpoint.id == id);
    let health = match other.health().await? {
        Known::Value(health) => health,
        Known::Unknown(why) => {
            return Err(Halt::Skipped(format!("the health of MAOS is not known: {why}")));
        }
    };
    let well = health.total > 0 && health.healthy == health.total;
    let text = match (listed, well) {
        (false, _) => "the checkpoint is gone for another program".to_owned(),
        (true, false) => format!("{} of {} components are healthy", health.healthy, health.total),
        (true, true) => format!("checkpoint kept, {} of {} healthy", health.healthy, health.total),
    };
    let ill: Vec<&str> = health
        .components
        .iter()
        .filter(|(_, well)| !well)
        .map(|(name, _)| name.as_str())
        .collect();
    let mut seen = Seen::new(listed && well && done.completed(), text)
        .line(format!("checkpoint {id}"))
        .line(format!("task {} ended as {}", done.view.id, done.words()))
        .figure("healthy", health.healthy)
        .figure("components", health.total);
    if !ill.is_empty() {
        seen = seen.line(format!("not healthy: {}", ill.join(", ")));
    }
    Ok(seen)
}

async fn status(bench: &Bench<'_>) -> Step<StatusDocument> {
    match bench.maos().status().await? {
        Known::Value(document) => Ok(document),
        Known::Unknown(why) => Err(Halt::Skipped(format!("there is no status document: {why}"))),
    }
}

pub async fn consistency(bench: &Bench<'_>) -> Step<Seen> {
    bench.needs(&[Ability::Submit, Ability::Show, Ability::List, Ability::Status])?;
    let tasks = bench.test.whole("tasks", 5);
    let before = status(bench).await?;
    let batch = bench
        .together((0..tasks).map(|_| bench.task(bench.test.text(0), 1)).collect())
        .await?;
    let after = status(bench).await?;
    let listed = match bench.maos().list(None).await? {
        Known::Value(listed) => listed,
        Known::Unknown(why) => return Err(Halt::Skipped(format!("MAOS does not list tasks: {why}"))),
    };
    let (Some(total_before), Some(total_after)) = (before.total, after.total) else {
        return Err(Halt::Skipped(
            "the status document does not count tasks".to_owned(),
        ));
    };
    let once = batch
        .tasks
        .iter()
        .filter(|task| {
            let mut same = listed.iter().filter(|(id, _)| *id == task.view.id);
            matches!(
                (same.next(), same.next()),
                (Some((_, TaskStatus::Completed)), None)
            )
        })
        .count();
    let grown = total_after - total_before;
    // Others may hand in tasks meanwhile; ours must all be counted.
    let counted = grown >= f64::from(tasks);
    let all = batch.tasks.len();
    Ok(Seen::new(
        once == all && counted,
        format!("{once} of {tasks} listed once, count grew by {grown:.0}"),
    )
    .found(format!(
        "{} of {tasks} completed, {once} are listed exactly once as COMPLETED, the status document counts {grown:.0} more",
        batch.completed()
    ))
    .figure("listed", once)
    .figure("counted", grown))
}

pub async fn error_handling(bench: &Bench<'_>) -> Step<Seen> {
    bench.needs(&[Ability::Submit, Ability::Show, Ability::Cancel])?;
    let nobody = "00000000-0000-4000-8000-000000000000";
    let maos = bench.maos();
    let mut seen = Seen::default();
    let mut refused = 0;
    let show = maos.show(nobody.to_owned()).await.map(|view| view.id);
    let cancel = maos
        .cancel(nobody.to_owned())
        .await
        .map(|()| "a cancelled task".to_owned());
    let empty = bench.maos().submit(bench.task("", 1)).await;
    let dangling = bench
        .maos()
        .submit(Submission {
            depends_on: vec![nobody.to_owned()],
            ..bench.task(bench.test.text(0), 1)
        })
        .await;
    for id in [&empty, &dangling].into_iter().flatten() {
        bench.noted(id).await?;
    }
    for (what, answer) in [
        ("show a task that does not exist", show),
        ("cancel a task that does not exist", cancel),
        ("submit a task without a description", empty),
        ("submit a task that waits for one that does not exist", dangling),
    ] {
        let (well, said) = match answer {
            Ok(taken) => (
                false,
                format!("taken: {}", crate::engine::text::inert_short(&taken, 60)),
            ),
            Err(error @ (MaosError::NotFound(_) | MaosError::Refused(..))) => (true, error.to_string()),
            Err(MaosError::Stopped) => return Err(MaosError::Stopped.into()),
            Err(error) => (false, error.to_string()),
        };
        refused += u32::from(well);
        let sign = if well { "refused" } else { "not refused clearly" };
        seen = seen.line(format!("{what}: {sign}: {said}"));
    }
    seen.passed = refused == 4;
    seen.text = format!("{refused} of 4 refused clearly");
    seen.found = format!(
        "{} refused with a reason",
        plural(u64::from(refused), "wrong request was", "wrong requests were")
    );
    Ok(seen.figure("refused", refused))
}
