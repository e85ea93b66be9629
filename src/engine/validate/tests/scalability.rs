//! Does it grow: with agents, with tasks, and in memory.

use crate::engine::ports::maos::{Ability, Submission};
use crate::engine::text::count;
use crate::engine::validate::bench::{Bench, Halt, Seen, Step};

pub async fn agent_scaling(bench: &Bench<'_>) -> Step<Seen> {
    bench.needs(&[Ability::Submit, Ability::Show])?;
    let (agents, limit) = (bench.test.whole("agents", 4), bench.test.limit("speedup", 1.5));
    let mut seen = Seen::default();
    let mut seconds = Vec::new();
    for allowed in [1, agents.div_ceil(2).max(2), agents] {
        bench.control.safe_point_async().await?;
        let done = bench.run(bench.task(bench.test.text(0), allowed)).await?;
        if !done.completed() {
            return Ok(Seen::new(
                false,
                format!("with {allowed} agents: {}", done.words()),
            ));
        }
        if let Some(used) = done.agents.filter(|used| *used > allowed) {
            return Err(Halt::Skipped(format!(
                "MAOS does not keep to the number of agents: {used} where {allowed} were allowed"
            )));
        }
        seen = seen.line(format!("up to {allowed} agents: {:.2} s", done.seconds));
        seconds.push(done.seconds);
    }
    let first = seconds.first().copied().unwrap_or(0.0);
    let last = seconds.last().copied().unwrap_or(0.0);
    let speedup = first / last.max(1e-3);
    seen.passed = speedup >= limit;
    seen.text = format!("{speedup:.1}× with {agents} agents");
    seen.found =
        format!("one agent needs {first:.2} s, {agents} need {last:.2} s: {speedup:.2} times as fast");
    Ok(seen.figure("speedup", speedup).figure("seconds", seconds))
}

fn batch_of(bench: &Bench<'_>, tasks: u32) -> Vec<Submission> {
    (0..tasks).map(|_| bench.task(bench.test.text(0), 2)).collect()
}

pub async fn concurrent(bench: &Bench<'_>) -> Step<Seen> {
    bench.needs(&[Ability::Submit, Ability::Show])?;
    let (tasks, least) = (bench.test.whole("tasks", 10), bench.test.whole("least", 2));
    let batch = bench.together(batch_of(bench, tasks)).await?;
    let (completed, at_once) = (batch.completed(), batch.running_at_once);
    let all = completed == batch.tasks.len();
    if all && at_once == 0 {
        return Err(Halt::Skipped(format!(
            "all {tasks} completed, but none was seen running"
        )));
    }
    let enough = at_once >= usize::try_from(least).unwrap_or(usize::MAX);
    Ok(Seen::new(all && enough, format!("{completed} of {tasks} completed, {at_once} at once"))
        .found(format!(
            "{completed} of {tasks} ended as COMPLETED within {:.1} s, {at_once} were seen running at the same time",
            batch.seconds
        ))
        .figure("completed", completed)
        .figure("running_at_once", at_once)
        .figure("seconds", batch.seconds))
}

pub async fn memory(bench: &Bench<'_>) -> Step<Seen> {
    bench.needs(&[Ability::Submit, Ability::Show])?;
    if !bench.lab.measurable() {
        return Err(Halt::Skipped(if bench.lab.simulated() {
            "durations are simulated: no program works, so there is no memory to measure".to_owned()
        } else {
            "MAOS's processes do not run under this program, so their memory cannot be measured".to_owned()
        }));
    }
    let (tasks, limit) = (bench.test.whole("tasks", 8), bench.test.limit("growth", 1.5));
    let mut peaks = Vec::new();
    for _ in 0..2 {
        let (batch, used) = bench.together_measured(batch_of(bench, tasks)).await?;
        if batch.completed() < batch.tasks.len() {
            return Ok(Seen::new(
                false,
                format!("{} of {tasks} completed", batch.completed()),
            ));
        }
        let Some(used) = used else {
            return Err(Halt::Skipped(
                "memory cannot be measured on this machine".to_owned(),
            ));
        };
        peaks.push(used.peak_bytes);
    }
    #[expect(clippy::cast_precision_loss, reason = "a ratio for people")]
    let growth = peaks[1] as f64 / (peaks[0] as f64).max(1.0);
    Ok(
        Seen::new(growth <= limit, format!("{growth:.2}× after a second batch"))
            .found(format!(
                "the first batch of {tasks} needed {} bytes at most, the second {}",
                count(peaks[0]),
                count(peaks[1])
            ))
            .figure("growth", growth)
            .figure("peak_bytes", peaks),
    )
}
