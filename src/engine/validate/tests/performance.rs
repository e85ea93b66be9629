//! Is it faster: every figure here is measured, on both sides of each comparison.

use std::time::Instant;

use crate::engine::compare::statistics::median;
use crate::engine::ports::maos::Ability;
use crate::engine::tasks::{TaskId, decompose};
use crate::engine::text::plural;
use crate::engine::validate::bench::{Bench, Finished, Halt, Seen, Step};

pub async fn parallel_vs_sequential(bench: &Bench<'_>) -> Step<Seen> {
    bench.needs(&[Ability::Submit, Ability::Show])?;
    let (agents, limit) = (bench.test.whole("agents", 8), bench.test.limit("speedup", 2.0));
    let text = bench.test.text(0);
    let parallel = bench.run(bench.task(text, agents)).await?;
    if !parallel.completed() {
        return Ok(Seen::new(
            false,
            format!("with {agents} agents: {}", parallel.words()),
        ));
    }
    let (sequential, how) = one_after_another(bench, text).await?;
    let sequential = match sequential {
        Ok(seconds) => seconds,
        Err(why) => return Ok(Seen::new(false, format!("with one agent: {why}"))),
    };
    let speedup = sequential / parallel.seconds.max(1e-3);
    Ok(Seen::new(
        speedup >= limit,
        format!("{speedup:.2}×: {sequential:.2} s ▸ {:.2} s", parallel.seconds),
    )
    .found(format!(
        "with up to {agents} agents {:.2} s, with one {sequential:.2} s ({how}): {speedup:.2} times as fast",
        parallel.seconds
    ))
    .line(format!("task {} with up to {agents} agents", parallel.view.id))
    .figure("parallel_duration", parallel.seconds)
    .figure("sequential_duration", sequential)
    .figure("speedup", speedup)
    .figure("agents_used", parallel.agents))
}

/// Seconds for the same parts one after another with one agent, and how that was done: the same task held to one agent where MAOS
/// reports that it kept to that, else part after part as tasks of their own. The inner error says why a part did not complete.
async fn one_after_another(
    bench: &Bench<'_>,
    text: &str,
) -> Step<(std::result::Result<f64, String>, String)> {
    let held = bench.run(bench.task(text, 1)).await?;
    if !held.completed() {
        return Ok((Err(held.words()), String::new()));
    }
    if held.agents == Some(1) {
        return Ok((Ok(held.seconds), "the same task, held to one agent".to_owned()));
    }
    let plan = decompose(TaskId::from(1), text, &bench.lab.rules);
    let mut seconds = 0.0;
    for part in &plan.subtasks {
        bench.control.safe_point_async().await?;
        let done = bench.run(bench.task(&part.description, 1)).await?;
        if !done.completed() {
            return Ok((Err(done.words()), String::new()));
        }
        seconds += done.seconds;
    }
    let how = format!(
        "its {} one after another",
        plural(plan.subtasks.len() as u64, "part", "parts")
    );
    Ok((Ok(seconds), how))
}

/// One task alone, which must complete: what the others are held against.
pub async fn alone(bench: &Bench<'_>) -> Step<Finished> {
    let alone = bench.run(bench.task(bench.test.text(0), 1)).await?;
    if alone.completed() {
        Ok(alone)
    } else {
        Err(Halt::Failed(format!("one task alone: {}", alone.words())))
    }
}

pub async fn throughput(bench: &Bench<'_>) -> Step<Seen> {
    bench.needs(&[Ability::Submit, Ability::Show])?;
    let (tasks, limit) = (bench.test.whole("tasks", 10), bench.test.limit("gain", 1.0));
    let alone = alone(bench).await?;
    let batch = bench
        .together((0..tasks).map(|_| bench.task(bench.test.text(0), 1)).collect())
        .await?;
    let completed = batch.completed();
    let per_minute = f64::from(tasks) * 60.0 / batch.seconds.max(1e-3);
    let gain = f64::from(tasks) * alone.seconds / batch.seconds.max(1e-3);
    let all = completed == batch.tasks.len();
    Ok(Seen::new(
        all && gain >= limit,
        format!("{per_minute:.0} tasks a minute, {gain:.1}× one by one"),
    )
    .found(format!(
        "{completed} of {tasks} completed in {:.1} s; one alone took {:.2} s",
        batch.seconds, alone.seconds
    ))
    .figure("tasks_per_minute", per_minute)
    .figure("gain", gain)
    .figure("seconds", batch.seconds)
    .figure("alone", alone.seconds))
}

pub async fn utilization(bench: &Bench<'_>) -> Step<Seen> {
    bench.needs(&[Ability::Submit, Ability::Show])?;
    let (tasks, limit) = (bench.test.whole("tasks", 8), bench.test.limit("share", 0.5));
    let alone = alone(bench).await?;
    let batch = bench
        .together((0..tasks).map(|_| bench.task(bench.test.text(0), 1)).collect())
        .await?;
    if batch.completed() < batch.tasks.len() {
        return Ok(Seen::new(
            false,
            format!("{} of {tasks} completed", batch.completed()),
        ));
    }
    if batch.running_at_once == 0 {
        return Err(Halt::Skipped(
            "the tasks ended before one was seen running".to_owned(),
        ));
    }
    #[expect(clippy::cast_precision_loss, reason = "a handful of tasks")]
    let slots = batch.running_at_once as f64;
    let share = f64::from(tasks) * alone.seconds / (batch.seconds.max(1e-3) * slots);
    Ok(Seen::new(
        share >= limit,
        format!(
            "{} at once, busy {:.0} %",
            batch.running_at_once,
            (share * 100.0).min(100.0)
        ),
    )
    .found(format!(
        "{tasks} tasks of {:.2} s in {:.1} s, {} seen running at once",
        alone.seconds, batch.seconds, batch.running_at_once
    ))
    .figure("share", share)
    .figure("running_at_once", batch.running_at_once))
}

pub async fn latency(bench: &Bench<'_>) -> Step<Seen> {
    bench.needs(&[Ability::Submit, Ability::Show])?;
    let (answers, limit) = (
        bench.test.whole("answers", 20).max(1),
        bench.test.limit("seconds", 2.0),
    );
    let asked = Instant::now();
    let given = bench.submit(bench.task(bench.test.text(0), 1)).await?;
    let submit = asked.elapsed().as_secs_f64();
    bench.wait(&given).await?;
    let mut seconds = Vec::new();
    for _ in 0..answers {
        bench.control.safe_point_async().await?;
        let asked = Instant::now();
        bench.maos().show(given.id.clone()).await?;
        seconds.push(asked.elapsed().as_secs_f64());
    }
    seconds.sort_by(f64::total_cmp);
    let middle = median(&seconds).unwrap_or(0.0);
    // The nearest rank: the value that 95 of 100 do not exceed.
    let rank = (seconds.len() * 95).div_ceil(100).saturating_sub(1);
    let high = seconds.get(rank).copied().unwrap_or(0.0);
    Ok(Seen::new(high <= limit, format!("{:.0} ms, 95 % within {:.0} ms", middle * 1e3, high * 1e3))
        .found(format!(
            "of {answers} answers half came within {:.1} ms and 95 % within {:.1} ms; a task was taken in {:.1} ms",
            middle * 1e3,
            high * 1e3,
            submit * 1e3
        ))
        .figure("median_s", middle)
        .figure("p95_s", high)
        .figure("submit_s", submit))
}
