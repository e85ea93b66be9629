//! The documents of MAOS as the engine reads them. Every documented and shipped spelling is taken; a part that is missing is
//! missing, never zero.

use serde_json::Value;

use crate::engine::ports::maos::{CheckpointView, Health, StatusDocument, TaskStatus, TaskView};

/// The key under which our own name for a task goes along as metadata.
pub const REFERENCE: &str = "reference";

/// The longest id that is believed.
const LONGEST_ID: usize = 200;

/// The first of `paths` (dotted) that leads to something other than null.
fn at<'v>(value: &'v Value, paths: &[&str]) -> Option<&'v Value> {
    paths.iter().find_map(|path| {
        path.split('.')
            .try_fold(value, |value, key| value.get(key))
            .filter(|value| !value.is_null())
    })
}

fn words(value: &Value, paths: &[&str]) -> Option<String> {
    match at(value, paths)? {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

fn number(value: &Value, paths: &[&str]) -> Option<f64> {
    let number = match at(value, paths)? {
        Value::Number(number) => number.as_f64()?,
        // `66.7%` and the like are shares, not counts; plain digits are numbers in quotes.
        Value::String(text) => text.trim().parse().ok()?,
        _ => return None,
    };
    number.is_finite().then_some(number)
}

fn whole(value: &Value, paths: &[&str]) -> Option<u64> {
    let value = at(value, paths)?;
    value
        .as_u64()
        .or_else(|| value.as_array().map(|list| list.len() as u64))
}

/// An id as MAOS gives it: opaque, but one word that can be an argument.
pub fn is_id(text: &str) -> bool {
    !text.is_empty()
        && text.len() <= LONGEST_ID
        && !text.starts_with('-')
        && text.chars().all(|c| !c.is_control() && !c.is_whitespace())
}

/// The id of a task in a document: `task_id`, `task.id` or `id`.
pub fn task_id(value: &Value) -> Option<String> {
    words(value, &["task_id", "task.id", "task.task_id", "id"]).filter(|id| is_id(id))
}

/// The id of a checkpoint in a document.
pub fn checkpoint_id(value: &Value) -> Option<String> {
    words(
        value,
        &["checkpoint_id", "checkpoint.id", "checkpoint.checkpoint_id", "id"],
    )
    .filter(|id| is_id(id))
}

/// An id in prose: after `Task ID:` and the like, else the text itself when it is one word that looks like an id.
pub fn id_in_prose(lines: &[String], what: &str) -> Option<String> {
    let label = format!("{what} id");
    let after = lines.iter().find_map(|line| {
        let at = line.to_lowercase().find(&label)?;
        let rest = line.get(at + label.len()..)?;
        let word = rest
            .trim_start_matches([':', '=', ' ', '#'])
            .split_whitespace()
            .next()?;
        Some(word.trim_matches(['\'', '"', ',', '.', '`']).to_owned())
    });
    let bare = || match lines {
        [line] if line.chars().any(|c| c.is_ascii_digit()) => Some(line.clone()),
        _ => None,
    };
    after.or_else(bare).filter(|id| is_id(id))
}

/// The rows of a list, wherever the document keeps them.
pub fn rows<'v>(value: &'v Value, keys: &[&str]) -> Option<&'v Vec<Value>> {
    value.as_array().or_else(|| at(value, keys)?.as_array())
}

/// The name that we gave to a task, where the document holds it.
pub fn reference(value: &Value) -> Option<String> {
    let direct = words(
        value,
        &[
            &format!("metadata.{REFERENCE}"),
            &format!("task.metadata.{REFERENCE}"),
            REFERENCE,
        ],
    );
    direct.or_else(|| {
        // Some give metadata back as the text that was sent.
        let text = at(value, &["metadata", "task.metadata"])?.as_str()?;
        words(&serde_json::from_str::<Value>(text).ok()?, &[REFERENCE])
    })
}

/// Whether a row shows its metadata at all.
pub fn shows_metadata(value: &Value) -> bool {
    ["metadata", "reference"]
        .iter()
        .any(|key| value.get(key).is_some())
}

/// A task's document.
///
/// # Errors
/// A fragment that says what is missing.
pub fn task(value: Value) -> Result<TaskView, String> {
    let status = words(&value, &["status", "task.status", "state"]).ok_or("no status in it")?;
    let id = task_id(&value).ok_or("no task id in it")?;
    Ok(TaskView {
        id,
        status: TaskStatus::of(&status),
        agents_used: whole(
            &value,
            &[
                "agents_used",
                "performance_metrics.agents_used",
                "result.performance_metrics.agents_used",
                "task.agents_used",
                "agents",
            ],
        )
        .and_then(|n| u32::try_from(n).ok()),
        parallel_efficiency: number(
            &value,
            &[
                "parallel_efficiency",
                "performance_metrics.parallel_efficiency",
                "result.performance_metrics.parallel_efficiency",
                "task.parallel_efficiency",
            ],
        ),
        result: at(
            &value,
            &["results", "result", "detailed_results", "summary", "task.result"],
        )
        .cloned(),
        error: words(
            &value,
            &["error", "error.message", "task.error", "failure_reason"],
        ),
        reference: reference(&value),
        raw: value,
    })
}

/// Id and status of each row of a list of tasks.
///
/// # Errors
/// A fragment that names the first row that cannot be read.
pub fn task_rows(rows: &[Value]) -> Result<Vec<(String, TaskStatus)>, String> {
    rows.iter()
        .enumerate()
        .map(|(index, row)| {
            let id = task_id(row).ok_or_else(|| format!("row {} has no id", index + 1))?;
            let status =
                words(row, &["status", "state"]).ok_or_else(|| format!("row {} has no status", index + 1))?;
            Ok((id, TaskStatus::of(&status)))
        })
        .collect()
}

fn is_well(value: &Value) -> Option<bool> {
    match value {
        Value::Bool(well) => Some(*well),
        Value::String(word) => Some(matches!(
            word.to_ascii_lowercase().as_str(),
            "healthy" | "ok" | "up" | "running" | "pass" | "passing" | "true"
        )),
        Value::Object(parts) => ["healthy", "status", "state", "health"]
            .iter()
            .find_map(|key| parts.get(*key).and_then(is_well)),
        _ => None,
    }
}

/// The health in a document: its components by name, or its two counts.
pub fn health(value: &Value) -> Option<Health> {
    let named = at(value, &["components", "health.components", "services"]);
    let components: Vec<(String, bool)> = match named {
        Some(Value::Object(parts)) => parts
            .iter()
            .filter_map(|(name, part)| Some((name.clone(), is_well(part)?)))
            .collect(),
        Some(Value::Array(parts)) => parts
            .iter()
            .filter_map(|part| Some((words(part, &["name", "component", "id"])?, is_well(part)?)))
            .collect(),
        _ => Vec::new(),
    };
    let healthy = whole(
        value,
        &[
            "health.healthy",
            "summary.healthy_components",
            "healthy_components",
            "healthy",
        ],
    );
    let total = whole(
        value,
        &[
            "health.total",
            "summary.total_components",
            "total_components",
            "total",
        ],
    );
    match (healthy, total) {
        (Some(healthy), Some(total)) => Some(Health {
            healthy,
            total,
            components,
        }),
        _ if !components.is_empty() => Some(Health {
            healthy: components.iter().filter(|(_, well)| *well).count() as u64,
            total: components.len() as u64,
            components,
        }),
        _ => at(value, &["status", "health"])
            .and_then(is_well)
            .map(|well| Health {
                healthy: u64::from(well),
                total: 1,
                components: vec![("overall".to_owned(), well)],
            }),
    }
}

/// The guide's status document, or what other spellings have of it. `None` when it has no figure at all.
pub fn status(value: Value) -> Option<StatusDocument> {
    let document = StatusDocument {
        total: number(&value, &["tasks.total", "total_tasks"]),
        failed: number(&value, &["tasks.failed", "failed_tasks"]),
        completed: number(&value, &["tasks.completed", "completed_tasks"]),
        cancelled: number(&value, &["tasks.cancelled", "cancelled_tasks"]),
        healthy: number(&value, &["health.healthy", "healthy_components"]),
        components: number(&value, &["health.total", "total_components"]),
        avg_response_time: number(&value, &["performance.avg_response_time"]).or_else(|| {
            // The released program counts milliseconds where the guide counts seconds.
            number(
                &value,
                &[
                    "agent_manager.average_response_time_ms",
                    "performance.average_response_time_ms",
                ],
            )
            .map(|ms| ms / 1000.0)
        }),
        tasks_per_minute: number(&value, &["performance.tasks_per_minute"]),
        raw: Value::Null,
    };
    let empty = document == StatusDocument::default();
    (!empty).then_some(StatusDocument {
        raw: value,
        ..document
    })
}

/// Whether a status document says that the system runs.
pub fn running(value: &Value) -> Option<bool> {
    let said = at(
        value,
        &[
            "running",
            "system_running",
            "system.running",
            "status",
            "system.status",
        ],
    )?;
    match said {
        Value::Bool(running) => Some(*running),
        Value::String(word) => match word.to_ascii_lowercase().as_str() {
            "running" | "started" | "up" | "healthy" | "degraded" => Some(true),
            "stopped" | "down" | "not running" | "not_running" => Some(false),
            _ => None,
        },
        _ => None,
    }
}

/// A checkpoint's row.
pub fn checkpoint(value: &Value) -> Option<CheckpointView> {
    Some(CheckpointView {
        id: checkpoint_id(value)?,
        description: words(value, &["description", "name", "checkpoint.description"]).unwrap_or_default(),
        state: at(value, &["state", "system_state", "state_data", "data"]).cloned(),
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn both_shapes_of_an_id_are_taken_and_nothing_that_is_none() {
        for (document, wanted) in [
            (
                json!({"task_id": "task_20250115_103000_ab12cd34"}),
                Some("task_20250115_103000_ab12cd34"),
            ),
            (
                json!({"task": {"id": "7b0ed0ee-9d4c-4d5b-9f5d-0c3a2f5a9ab1"}, "message": "ok"}),
                Some("7b0ed0ee-9d4c-4d5b-9f5d-0c3a2f5a9ab1"),
            ),
            (json!({"id": 17}), Some("17")),
            (json!({"task_id": "--force"}), None),
            (json!({"task_id": "a b"}), None),
            (json!({"task_id": null, "message": "queued"}), None),
        ] {
            assert_eq!(task_id(&document).as_deref(), wanted, "{document}");
        }
        let prose = |text: &str| {
            let lines: Vec<String> = text.lines().map(str::to_owned).collect();
            id_in_prose(&lines, "task")
        };
        assert_eq!(
            prose("Task submitted\nTask ID: task_1\nStatus: QUEUED").as_deref(),
            Some("task_1")
        );
        assert_eq!(prose("task_2025_ab").as_deref(), Some("task_2025_ab"));
        assert_eq!(prose("Submitted"), None);
        assert_eq!(prose("Task submitted successfully 1"), None);
    }

    #[test]
    fn nested_metrics_are_read_and_missing_ones_stay_missing() {
        let view = task(json!({
            "task_id": "t1", "status": "completed",
            "performance_metrics": {"agents_used": 3, "parallel_efficiency": 2.8},
            "metadata": {REFERENCE: "legacy_001"}, "detailed_results": {"a": 1}
        }))
        .unwrap();
        assert_eq!((view.agents_used, view.parallel_efficiency), (Some(3), Some(2.8)));
        assert_eq!(view.reference.as_deref(), Some("legacy_001"));
        assert_eq!(view.result, Some(json!({"a": 1})));
        let view = task(json!({"task": {"id": "t2", "status": "RUNNING"}})).unwrap();
        assert_eq!(
            (view.agents_used, view.parallel_efficiency, view.status),
            (None, None, TaskStatus::Running)
        );
        assert_eq!(task(json!({"task_id": "t3"})), Err("no status in it".to_owned()));
        let view = task(json!({"id": "t4", "status": "exploded"})).unwrap();
        assert!(!view.status.ended());
    }

    #[test]
    fn health_and_status_are_read_in_every_spelling() {
        let guide = status(json!({
            "tasks": {"total": 10, "failed": 1, "completed": 8}, "health": {"healthy": 5, "total": 6},
            "performance": {"avg_response_time": 1.5, "tasks_per_minute": 12}
        }))
        .unwrap();
        assert_eq!(
            (guide.failed, guide.components, guide.avg_response_time),
            (Some(1.0), Some(6.0), Some(1.5))
        );
        let part = status(json!({"tasks": {"total": 3}})).unwrap();
        assert_eq!((part.total, part.failed, part.healthy), (Some(3.0), None, None));
        assert_eq!(status(json!({"message": "fine"})), None);
        assert_eq!(status(json!({"tasks": {"total": "NaN"}})), None);
        let shipped = health(&json!({"summary": {"healthy_components": 4, "total_components": 6}, "components": {"a": "healthy", "b": "unhealthy"}})).unwrap();
        assert_eq!(
            (shipped.healthy, shipped.total, shipped.components.len()),
            (4, 6, 2)
        );
        let listed = health(
            &json!({"components": [{"name": "db", "status": "ok"}, {"name": "bus", "healthy": false}]}),
        )
        .unwrap();
        assert_eq!((listed.healthy, listed.total), (1, 2));
        assert_eq!(health(&json!({"status": "degraded"})).map(|h| h.healthy), Some(0));
        assert_eq!(health(&json!({"uptime": 3})), None);
    }
}
