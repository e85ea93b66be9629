//! What holds of every MAOS, whatever it is behind. A check whose ability is missing says so and is skipped, never passed.

use std::sync::Arc;
use std::time::{Duration, Instant};

use maos_migrate::engine::ports::maos::{
    Ability, Capabilities, Known, Maos, MaosError, Presence, Stop, Submission, TaskStatus,
};

/// How a check came out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    Passed,
    Skipped(String),
    Failed(String),
}

/// The verdicts by the checks' names.
pub async fn run(maos: &Arc<dyn Maos>) -> Vec<(&'static str, Verdict)> {
    let mut verdicts = Vec::new();
    let table = match maos.probe().await {
        Ok(table) => table,
        Err(error) => return vec![("probe", Verdict::Failed(error.to_string()))],
    };
    macro_rules! check {
        ($($name:ident: $($ability:ident)+;)+) => {$(
            let verdict = match needs(&table, &[$(Ability::$ability),+]) {
                None => match $name(maos).await {
                    Ok(()) => Verdict::Passed,
                    Err(why) => Verdict::Failed(why),
                },
                Some(why) => Verdict::Skipped(why),
            };
            verdicts.push((stringify!($name), verdict));
        )+};
    }
    check! {
        the_table_is_whole: Version;
        its_version_is_known: Version;
        its_files_are_made_once: Init;
        its_database_is_migrated_twice: DbMigrate;
        it_starts_and_says_so: Start Status;
        a_task_is_taken_shown_and_ends: Submit Show;
        a_task_is_listed: Submit List;
        a_task_is_found_by_our_name_for_it: Submit List;
        descriptions_come_back_as_they_were: Submit Show;
        a_dependency_is_waited_for: Submit Show;
        a_task_is_cancelled: Submit Show Cancel;
        what_is_not_there_is_not_found: Show;
        health_counts_components: Health;
        the_status_has_figures: Status Submit Show;
        a_checkpoint_is_listed_and_restored: Submit Show CheckpointCreate CheckpointList CheckpointRestore;
        it_stops_and_says_so: Start Stop Status;
    }
    verdicts
}

type Held = Result<(), String>;

#[expect(clippy::needless_pass_by_value, reason = "it stands where a value is mapped")]
fn said(error: MaosError) -> String {
    error.to_string()
}

fn hold(holds: bool, why: impl FnOnce() -> String) -> Held {
    if holds { Ok(()) } else { Err(why()) }
}

fn needs(table: &Capabilities, abilities: &[Ability]) -> Option<String> {
    abilities.iter().find_map(|ability| {
        let line = table.of(*ability)?;
        (line.presence != Presence::Present)
            .then(|| format!("{}: {:?}, {}", ability.words(), line.presence, line.why))
    })
}

fn task(description: &str, reference: &str) -> Submission {
    Submission {
        description: description.to_owned(),
        kind: Some("research".to_owned()),
        priority: Some("NORMAL".to_owned()),
        max_agents: Some(2),
        timeout_s: Some(600),
        depends_on: Vec::new(),
        reference: reference.to_owned(),
    }
}

async fn ended(maos: &Arc<dyn Maos>, id: &str) -> Result<TaskStatus, String> {
    let deadline = Instant::now() + Duration::from_secs(30);
    loop {
        let view = maos.show(id.to_owned()).await.map_err(said)?;
        if view.status.ended() {
            return Ok(view.status);
        }
        if Instant::now() > deadline {
            return Err(format!("{id} is {} after 30 s", view.status.word()));
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

async fn the_table_is_whole(maos: &Arc<dyn Maos>) -> Held {
    let table = maos.probe().await.map_err(said)?;
    let order: Vec<Ability> = table.findings.iter().map(|line| line.ability).collect();
    hold(order == Ability::ALL, || format!("{order:?}"))?;
    for line in &table.findings {
        let spelled = line.command.is_empty() == (line.presence == Presence::Absent);
        hold(spelled && !line.why.is_empty(), || format!("{line:?}"))?;
    }
    hold(table.dialect == maos.dialect(), || "two dialects".to_owned())
}

async fn its_version_is_known(maos: &Arc<dyn Maos>) -> Held {
    let version = maos.version().await.map_err(said)?;
    hold(version.best().is_some_and(|v| v.contains('.')), || {
        format!("{version:?}")
    })
}

async fn its_files_are_made_once(maos: &Arc<dyn Maos>) -> Held {
    maos.init().await.map_err(said)?;
    maos.init().await.map_err(said)?;
    let made = maos.initialised().await.map_err(said)?;
    hold(made != Known::Value(false), || "init did nothing".to_owned())
}

async fn its_database_is_migrated_twice(maos: &Arc<dyn Maos>) -> Held {
    maos.db_migrate().await.map_err(said)?;
    maos.db_migrate().await.map(|_| ()).map_err(said)
}

async fn it_starts_and_says_so(maos: &Arc<dyn Maos>) -> Held {
    maos.start().await.map_err(said)?;
    let deadline = Instant::now() + Duration::from_secs(10);
    while maos.running().await.map_err(said)? != Known::Value(true) {
        hold(Instant::now() < deadline, || "it does not run".to_owned())?;
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    maos.start().await.map(|_| ()).map_err(said)
}

async fn a_task_is_taken_shown_and_ends(maos: &Arc<dyn Maos>) -> Held {
    let id = maos
        .submit(task("Compare three hosts", "suite_1"))
        .await
        .map_err(said)?;
    let view = maos.show(id.clone()).await.map_err(said)?;
    hold(view.id == id, || format!("{view:?}"))?;
    let status = ended(maos, &id).await?;
    hold(status == TaskStatus::Completed, || {
        format!("it is {}", status.word())
    })
}

async fn a_task_is_listed(maos: &Arc<dyn Maos>) -> Held {
    let id = maos
        .submit(task("Compare two hosts", "suite_2"))
        .await
        .map_err(said)?;
    match maos.list(None).await.map_err(said)? {
        Known::Value(tasks) => hold(tasks.iter().any(|(listed, _)| *listed == id), || {
            format!("{id} is not listed")
        }),
        Known::Unknown(why) => Err(why),
    }
}

async fn a_task_is_found_by_our_name_for_it(maos: &Arc<dyn Maos>) -> Held {
    let id = maos
        .submit(task("Compare one host", "suite 'three'"))
        .await
        .map_err(said)?;
    match maos.find("suite 'three'".to_owned()).await.map_err(said)? {
        Known::Value(found) => {
            hold(found == Some(id), || format!("{found:?}"))?;
            let none = maos.find("suite_nothing".to_owned()).await.map_err(said)?;
            hold(none == Known::Value(None), || format!("{none:?}"))
        }
        // To say that it cannot be known is an answer.
        Known::Unknown(_) => Ok(()),
    }
}

async fn descriptions_come_back_as_they_were(maos: &Arc<dyn Maos>) -> Held {
    for (index, text) in [
        "'); DROP TABLE tasks;-- $(touch suite_evil) `touch suite_evil`",
        "--force",
        "a\n\tb \"c\" {d} %s \\",
        "東京 🚀 e\u{301} \u{202e}x",
    ]
    .into_iter()
    .enumerate()
    {
        let id = maos
            .submit(task(text, &format!("suite_hostile_{index}")))
            .await
            .map_err(said)?;
        let view = maos.show(id).await.map_err(said)?;
        let raw = &view.raw;
        let back = [&raw["description"], &raw["task"]["description"]]
            .iter()
            .find_map(|value| value.as_str());
        hold(back.is_none_or(|back| back == text), || {
            format!("{text:?} became {back:?}")
        })?;
    }
    Ok(())
}

async fn a_dependency_is_waited_for(maos: &Arc<dyn Maos>) -> Held {
    let first = maos
        .submit(task("Collect figures", "suite_first"))
        .await
        .map_err(said)?;
    let mut second = task("Summarise figures", "suite_second");
    second.depends_on = vec![first.clone()];
    let second = maos.submit(second).await.map_err(said)?;
    let status = ended(maos, &second).await?;
    hold(status == TaskStatus::Completed, || {
        format!("the second is {}", status.word())
    })?;
    let first = maos.show(first).await.map_err(said)?;
    hold(first.status == TaskStatus::Completed, || {
        format!("the second ended while the first was {}", first.status.word())
    })
}

async fn a_task_is_cancelled(maos: &Arc<dyn Maos>) -> Held {
    // It waits for one that has not ended yet, so that there is something left to cancel.
    let first = maos
        .submit(task("Compare six hosts", "suite_slow"))
        .await
        .map_err(said)?;
    let mut second = task("Write about them", "suite_cancelled");
    second.depends_on = vec![first.clone()];
    let second = maos.submit(second).await.map_err(said)?;
    match maos.cancel(second.clone()).await {
        Ok(()) => {
            let view = maos.show(second).await.map_err(said)?;
            hold(view.status == TaskStatus::Cancelled, || {
                format!("it is {}", view.status.word())
            })
        }
        Err(MaosError::Refused(_, why)) if why.contains("ended") => {
            let view = maos.show(second).await.map_err(said)?;
            hold(view.status.ended(), || "refused, and it had not ended".to_owned())
        }
        Err(error) => Err(said(error)),
    }
}

async fn what_is_not_there_is_not_found(maos: &Arc<dyn Maos>) -> Held {
    match maos.show("7b0ed0ee-9d4c-4d5b-9f5d-0c3a2f5a9ab1".to_owned()).await {
        Err(MaosError::NotFound(_)) => Ok(()),
        other => Err(format!("{other:?}")),
    }
}

async fn health_counts_components(maos: &Arc<dyn Maos>) -> Held {
    match maos.health().await.map_err(said)? {
        Known::Value(health) => hold(health.total > 0 && health.healthy <= health.total, || {
            format!("{health:?}")
        }),
        Known::Unknown(why) => Err(why),
    }
}

async fn the_status_has_figures(maos: &Arc<dyn Maos>) -> Held {
    let id = maos
        .submit(task("Count one", "suite_counted"))
        .await
        .map_err(said)?;
    ended(maos, &id).await?;
    match maos.status().await.map_err(said)? {
        Known::Value(status) => hold(status.total.is_some_and(|total| total >= 1.0), || {
            format!("{status:?}")
        }),
        Known::Unknown(why) => Err(why),
    }
}

async fn a_checkpoint_is_listed_and_restored(maos: &Arc<dyn Maos>) -> Held {
    // Only what has ended stays as it is while two checkpoints are made.
    if let Known::Value(all) = maos.list(None).await.map_err(said)? {
        for (id, _) in all {
            ended(maos, &id).await?;
        }
    }
    let id = maos
        .checkpoint_create("before 'the' cut over".to_owned())
        .await
        .map_err(said)?;
    let all = maos.checkpoints().await.map_err(said)?;
    hold(all.iter().any(|checkpoint| checkpoint.id == id), || {
        format!("{id} is not listed")
    })?;
    // By what a checkpoint holds, a restore is proved; where MAOS does not show it, that is said.
    let state = async |id: String| maos.checkpoint_state(id).await.map_err(said);
    let before = state(id.clone()).await?;
    let later = maos
        .submit(task("Collect more figures", "suite_later"))
        .await
        .map_err(said)?;
    ended(maos, &later).await?;
    maos.checkpoint_restore(id.clone()).await.map_err(said)?;
    let again = maos
        .checkpoint_create("after it".to_owned())
        .await
        .map_err(said)?;
    match (before, state(again).await?) {
        (Known::Value(before), Known::Value(after)) => {
            hold(!before.is_null() && before == after, || {
                format!("{before} became {after}")
            })?;
            hold(!after.to_string().contains(&format!("\"{later}\"")), || {
                format!("{later} is still there")
            })?;
        }
        (Known::Unknown(_), Known::Unknown(_)) => {}
        other => return Err(format!("{other:?}")),
    }
    match state("cp_nothing".to_owned()).await {
        Err(_) => {}
        Ok(other) => return Err(format!("a checkpoint that is not there holds {other:?}")),
    }
    match maos.checkpoint_restore("cp_nothing".to_owned()).await {
        Err(_) => Ok(()),
        Ok(()) => Err("something that is not there was restored".to_owned()),
    }
}

async fn it_stops_and_says_so(maos: &Arc<dyn Maos>) -> Held {
    maos.stop(Stop::Graceful(Duration::from_secs(5)))
        .await
        .map_err(said)?;
    let running = maos.running().await.map_err(said)?;
    hold(running == Known::Value(false), || format!("{running:?}"))
}
