//! The documents that a rehearsal MAOS gives, in the shapes that MAOS's documentation and the migration guide tell of.

use serde_json::{Map, Value, json};
use sqlx::Row as _;

use super::knobs::Knobs;
use super::state::{Held, PartRow, State, TaskRow, fail, now_ms};
use crate::adapters::maos::cli::answer::REFERENCE;
use crate::engine::ports::maos::Health;

/// The components that its health is told of.
pub(super) const COMPONENTS: [&str; 6] = [
    "orchestrator",
    "state_manager",
    "message_bus",
    "task_planner",
    "agent_manager",
    "resource_allocator",
];

/// A moment as text, always with three digits of a second, so that moments sort as text too.
fn moment(ms: i64) -> Value {
    jiff::Timestamp::from_millisecond(ms).map_or(Value::Null, |at| Value::from(format!("{at:.3}")))
}

fn parsed(text: Option<&String>) -> Value {
    text.and_then(|text| serde_json::from_str(text).ok())
        .unwrap_or(Value::Null)
}

/// What `task show` tells of one task.
pub(super) fn task(row: &TaskRow, parts: &[PartRow]) -> Value {
    let subtasks: Vec<Value> = parts
        .iter()
        .map(|part| {
            let mut line = Map::new();
            line.insert("id".to_owned(), json!(format!("{}.{}", row.id, part.n)));
            line.insert("description".to_owned(), json!(part.description));
            line.insert("type".to_owned(), json!(part.kind));
            line.insert("status".to_owned(), json!(part.status));
            line.insert("dependencies".to_owned(), json!(part.depends));
            line.insert(
                "agent".to_owned(),
                json!(part.agent.map(|agent| format!("agent-{agent}"))),
            );
            line.insert("execution_time".to_owned(), json!(part.ms.map(|ms| ms / 1000.0)));
            if let Some(error) = &part.error {
                line.insert("error".to_owned(), json!(error));
            }
            Value::Object(line)
        })
        .collect();
    let done = subtasks
        .iter()
        .filter(|part| part["status"] == "COMPLETED")
        .count();
    json!({
        "task_id": row.id,
        "status": row.status,
        "description": row.description,
        "type": row.kind,
        "priority": row.priority,
        "max_agents": row.max_agents,
        "timeout": row.timeout_ms.map(|ms| ms / 1000),
        "depends_on": row.depends,
        "metadata": {"reference": row.reference, REFERENCE: row.reference},
        "submitted_at": moment(row.submitted_ms),
        "started_at": row.started_ms.map(moment),
        "ended_at": row.ended_ms.map(moment),
        "summary": format!("{done} of {} parts done", subtasks.len()),
        "agents_used": row.agents_used,
        "parallel_efficiency": row.efficiency,
        "performance_metrics": {
            "completion_time": row.elapsed_s,
            "agents_used": row.agents_used,
            "parallel_efficiency": row.efficiency,
        },
        "results": parsed(row.result.as_ref()),
        "error": row.error,
        "subtasks": subtasks,
        "artifacts": [],
        "rehearsal": true,
    })
}

/// A line of `task list`.
pub(super) fn row(row: &TaskRow) -> Value {
    json!({
        "task_id": row.id,
        "status": row.status,
        "description": row.description,
        "type": row.kind,
        "priority": row.priority,
        "metadata": {"reference": row.reference, REFERENCE: row.reference},
        "submitted_at": moment(row.submitted_ms),
        "ended_at": row.ended_ms.map(moment),
        "error": row.error,
    })
}

/// The health of its components: all of them live with the executor; one looks ill at every second look while it flaps.
pub(super) async fn health(state: &State, knobs: &Knobs, running: bool) -> Held<Health> {
    let ill = if knobs.flapping {
        let look = state.count_up("looks").await?;
        let at = usize::try_from(look / 2).unwrap_or(0) % COMPONENTS.len();
        (look % 2 == 1).then_some(at)
    } else {
        None
    };
    let components: Vec<(String, bool)> = COMPONENTS
        .iter()
        .enumerate()
        .map(|(at, name)| ((*name).to_owned(), running && ill != Some(at)))
        .collect();
    Ok(Health {
        healthy: components.iter().filter(|(_, well)| *well).count() as u64,
        total: components.len() as u64,
        components,
    })
}

/// What `health --format json` prints.
pub(super) fn health_document(health: &Health) -> Value {
    let components: Map<String, Value> = health
        .components
        .iter()
        .map(|(name, well)| (name.clone(), json!(if *well { "healthy" } else { "unhealthy" })))
        .collect();
    let status = match health.healthy {
        n if n == health.total => "healthy",
        0 => "unhealthy",
        _ => "degraded",
    };
    json!({
        "status": status,
        "summary": {"healthy_components": health.healthy, "total_components": health.total},
        "components": components,
        "rehearsal": true,
    })
}

/// The guide's status document. What cannot be told is left out; with lost metrics that is everything.
pub(super) async fn status(state: &State, knobs: &Knobs, health: &Health) -> Held<Value> {
    if knobs.lost_metrics {
        return Ok(json!({"rehearsal": true}));
    }
    let rows = sqlx::query("SELECT status, count(*) FROM task GROUP BY status")
        .fetch_all(&state.pool)
        .await
        .map_err(fail)?;
    let count = |word: &str| -> i64 {
        rows.iter()
            .filter(|row| row.get::<String, _>(0) == word)
            .map(|row| row.get::<i64, _>(1))
            .sum()
    };
    let total: i64 = rows.iter().map(|row| row.get::<i64, _>(1)).sum();
    let mean: Option<f64> = sqlx::query_scalar(
        "SELECT avg(elapsed_s) FROM (SELECT elapsed_s FROM task WHERE status = 'COMPLETED' ORDER BY ended_ms DESC LIMIT 100)",
    )
    .fetch_one(&state.pool)
    .await
    .map_err(fail)?;
    let now = now_ms();
    let started: i64 = state
        .meta("started_ms")
        .await?
        .and_then(|text| text.parse().ok())
        .unwrap_or(now);
    let window = (now - started).clamp(1_000, 60_000);
    let recent: i64 =
        sqlx::query_scalar("SELECT count(*) FROM task WHERE status = 'COMPLETED' AND ended_ms > $1")
            .bind(now - window)
            .fetch_one(&state.pool)
            .await
            .map_err(fail)?;
    let mut performance = Map::new();
    if let Some(mean) = mean {
        performance.insert("avg_response_time".to_owned(), json!((mean * 1e6).round() / 1e6));
    }
    #[expect(clippy::cast_precision_loss, reason = "counts of a minute")]
    let rate = recent as f64 * 60_000.0 / window as f64;
    performance.insert("tasks_per_minute".to_owned(), json!((rate * 10.0).round() / 10.0));
    Ok(json!({
        "tasks": {
            "total": total, "completed": count("COMPLETED"), "failed": count("FAILED"),
            "cancelled": count("CANCELLED"), "running": count("RUNNING"), "queued": count("QUEUED"),
        },
        "health": {"healthy": health.healthy, "total": health.total},
        "performance": performance,
        "agents": {"total": knobs.agents},
        "version": knobs.version,
        "rehearsal": true,
    }))
}
