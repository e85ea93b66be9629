//! Does it work at all: tasks, agents, checkpoints, cancelling.

use std::collections::BTreeMap;
use std::time::Instant;

use serde_json::Value;

use crate::engine::ports::maos::{Ability, Known, TaskStatus};
use crate::engine::text::plural;
use crate::engine::validate::bench::{Bench, Halt, Seen, Step};

/// What a checkpoint holds about the moment it was made; it differs without anything being lost.
const OF_THE_MOMENT: [&str; 8] = [
    "timestamp",
    "created_at",
    "updated_at",
    "taken_at",
    "saved_at",
    "uptime",
    "uptime_seconds",
    "checkpoint_id",
];

pub async fn simple(bench: &Bench<'_>) -> Step<Seen> {
    bench.needs(&[Ability::Submit, Ability::Show])?;
    let done = bench.run(bench.task(bench.test.text(0), 1)).await?;
    Ok(Seen::new(done.completed(), done.words().to_lowercase())
        .found(format!(
            "it ended as {} after {:.1} s",
            done.words(),
            done.seconds
        ))
        .line(format!("task {}", done.view.id))
        .figure("seconds", done.seconds))
}

pub async fn parallel(bench: &Bench<'_>) -> Step<Seen> {
    bench.needs(&[Ability::Submit, Ability::Show])?;
    let (allowed, least) = (bench.test.whole("agents", 3), bench.test.whole("least", 2));
    let done = bench.run(bench.task(bench.test.text(0), allowed)).await?;
    if !done.completed() {
        return Ok(Seen::new(false, done.words()));
    }
    let Some(agents) = done.agents else {
        return Err(Halt::Skipped(format!(
            "it completed after {:.1} s, but MAOS does not say how many agents worked",
            done.seconds
        )));
    };
    Ok(Seen::new(
        agents >= least,
        format!("{} reported", plural(u64::from(agents), "agent", "agents")),
    )
    .found(format!(
        "it ended as COMPLETED after {:.1} s; MAOS reports {}, {allowed} were allowed",
        done.seconds,
        plural(u64::from(agents), "agent", "agents")
    ))
    .line(format!("task {}", done.view.id))
    .figure("seconds", done.seconds)
    .figure("agents", agents))
}

pub async fn spawning(bench: &Bench<'_>) -> Step<Seen> {
    bench.needs(&[Ability::Submit, Ability::Show, Ability::List])?;
    let allowed = bench.test.whole("agents", 2);
    let done = bench.run(bench.task(bench.test.text(0), allowed)).await?;
    if !done.completed() {
        return Ok(Seen::new(false, done.words()));
    }
    let Some(agents) = done.agents else {
        return Err(Halt::Skipped(
            "MAOS does not say how many agents worked".to_owned(),
        ));
    };
    let running = match bench.maos().list(Some(TaskStatus::Running)).await? {
        Known::Value(running) => running,
        Known::Unknown(why) => {
            return Err(Halt::Skipped(format!("MAOS does not list running tasks: {why}")));
        }
    };
    let left = running.iter().any(|(id, _)| *id == done.view.id);
    let within = (1..=allowed).contains(&agents);
    let started = plural(u64::from(agents), "agent", "agents");
    let text = match (within, left) {
        (_, true) => "its task is still listed as RUNNING after its end".to_owned(),
        (false, _) => format!("{started} for a task that allows {allowed}"),
        (true, false) => format!("{started} started, none left at its task"),
    };
    Ok(Seen::new(within && !left, text)
        .line(format!("task {}", done.view.id))
        .figure("agents", agents)
        .figure("allowed", allowed))
}

pub async fn checkpoint(bench: &Bench<'_>) -> Step<Seen> {
    bench.needs(&[
        Ability::Submit,
        Ability::Show,
        Ability::List,
        Ability::CheckpointCreate,
        Ability::CheckpointList,
        Ability::CheckpointRestore,
    ])?;
    let maos = bench.maos();
    let first = bench.run(bench.task(bench.test.text(0), 1)).await?;
    // A restore takes back what others are doing: only an idle MAOS may be asked for one.
    let all = match maos.list(None).await? {
        Known::Value(all) => all,
        Known::Unknown(why) => {
            return Err(Halt::Skipped(format!(
                "whether other tasks run is not known, and a restore could undo their work: {why}"
            )));
        }
    };
    let others = all.iter().filter(|(_, status)| !status.ended()).count() as u64;
    if others > 0 {
        return Err(Halt::Skipped(format!(
            "{} not ended; a restore could undo their work",
            plural(others, "other task has", "other tasks have")
        )));
    }
    let mark = format!("maos-migrate validate {}", bench.lab.started);
    let made = maos.checkpoint_create(mark.clone()).await?;
    let before = state_of(bench, &made).await?;
    let second = bench.run(bench.task(bench.test.text(1), 1)).await?;
    maos.checkpoint_restore(made.clone()).await?;
    let again = maos
        .checkpoint_create(format!("{mark}, after the restore"))
        .await?;
    let after = state_of(bench, &again).await?;
    let (held, restored) = (flat(&before), flat(&after));
    let missing: Vec<&String> = held
        .iter()
        .filter(|(path, value)| restored.get(*path) != Some(value))
        .map(|(path, _)| path)
        .collect();
    let back = held.len() - missing.len();
    let mut seen = Seen::new(
        missing.is_empty() && !held.is_empty(),
        format!("restored {back} of {} keys", held.len()),
    )
    .line(format!(
        "checkpoint {made}, then task {}, then restore",
        second.view.id
    ))
    .line(format!("checkpoint {again} after the restore"))
    .line(format!("task {} was in the first checkpoint", first.view.id))
    .figure("keys", held.len())
    .figure("restored", back);
    if held.is_empty() {
        seen = seen.found("the checkpoint holds nothing");
    } else if !missing.is_empty() {
        let named: Vec<&str> = missing.iter().take(5).map(|path| path.as_str()).collect();
        seen = seen.found(format!(
            "of {} keys {back} are as they were; missing or changed: {}",
            held.len(),
            named.join(", ")
        ));
    }
    Ok(seen)
}

async fn state_of(bench: &Bench<'_>, id: &str) -> Step<Value> {
    match bench.maos().checkpoint_state(id.to_owned()).await? {
        Known::Value(state) => Ok(state),
        Known::Unknown(why) => Err(Halt::Skipped(why)),
    }
}

/// Every value by its path, those of the moment left out.
fn flat(state: &Value) -> BTreeMap<String, Value> {
    fn walk(path: &str, value: &Value, out: &mut BTreeMap<String, Value>) {
        match value {
            Value::Object(fields) if !fields.is_empty() => {
                for (name, value) in fields {
                    if !OF_THE_MOMENT.contains(&name.as_str()) {
                        let path = if path.is_empty() {
                            name.clone()
                        } else {
                            format!("{path}.{name}")
                        };
                        walk(&path, value, out);
                    }
                }
            }
            Value::Array(items) if !items.is_empty() => {
                for (index, value) in items.iter().enumerate() {
                    walk(&format!("{path}[{index}]"), value, out);
                }
            }
            value => {
                out.insert(crate::engine::text::inert_short(path, 200), value.clone());
            }
        }
    }
    let mut out = BTreeMap::new();
    walk("", state, &mut out);
    out
}

pub async fn cancellation(bench: &Bench<'_>) -> Step<Seen> {
    bench.needs(&[Ability::Submit, Ability::Show, Ability::Cancel])?;
    let tries = bench.test.whole("tries", 3).max(1);
    for attempt in 1..=tries {
        let given = bench.submit(bench.task(bench.test.text(0), 1)).await?;
        let asked = Instant::now();
        let refused = bench.maos().cancel(given.id.clone()).await.err();
        if let Some(error) = &refused
            && error.is_missing()
        {
            return Err(error.clone().into());
        }
        let done = bench.wait(&given).await?;
        let took = asked.elapsed().as_secs_f64();
        match done.view.status {
            TaskStatus::Cancelled => {
                return Ok(Seen::new(true, format!("cancelled after {took:.1} s"))
                    .line(format!("task {}", given.id))
                    .figure("seconds", took)
                    .figure("tries", attempt));
            }
            // It was faster than we: that says nothing about cancelling.
            TaskStatus::Completed if attempt < tries => {}
            TaskStatus::Completed => break,
            _ => {
                let why = refused.map_or_else(String::new, |error| format!(" ({error})"));
                return Ok(Seen::new(false, format!("it ended as {}{why}", done.words()))
                    .line(format!("task {}", given.id)));
            }
        }
    }
    Err(Halt::Skipped(format!(
        "{tries} tasks ended before they could be cancelled"
    )))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_lost_key_is_found_and_the_moment_is_not_held_against_it() {
        let before = json!({"tasks": {"a": {"status": "COMPLETED"}}, "shared_state": {"billing": {"cursor": 4}}, "timestamp": 1});
        let after =
            json!({"tasks": {"a": {"status": "COMPLETED"}}, "shared_state": {"billing": {}}, "timestamp": 2});
        let (before, after) = (flat(&before), flat(&after));
        let missing: Vec<&String> = before
            .iter()
            .filter(|(path, value)| after.get(*path) != Some(value))
            .map(|(path, _)| path)
            .collect();
        assert_eq!(missing, ["shared_state.billing.cursor"]);
        assert_eq!(before.len(), 2);
    }
}
