//! `monitor/post_migration_monitoring.json`: the guide's document, with what its engine could not know beside it.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::sample::{Figure, Gap, Sample};
use super::verdict::{Criterion, clock};
use super::watch::{Point, Watch};

/// The file, relative to the workspace.
pub const FILE: &str = "monitor/post_migration_monitoring.json";
/// Where the files of a watch lie, relative to the workspace.
pub const FOLDER: &str = "monitor";

/// The document of a watch.
#[must_use]
pub fn of(watch: &Watch) -> Value {
    let criteria = watch.criteria();
    let decision = watch
        .history
        .iter()
        .find(|point| point.verdict.should_roll_back)
        .map(|point| {
            json!({
                "should_rollback": true,
                "rollback_score": point.verdict.score,
                "reasons": point.verdict.reasons(criteria),
                "recommendation": point.verdict.recommendation(criteria),
                "timestamp": clock(point.at()),
            })
        });
    json!({
        "start_time": watch.since,
        "duration_minutes": criteria.duration / 60_000_000,
        "metrics_history": watch.history.iter().map(entry).collect::<Vec<_>>(),
        "rollback_decision": decision,
        "end_time": watch.ended.as_ref().map_or_else(|| watch.last_at(), |(at, _)| Some(*at)),
        "samples": watch.samples,
        "samples_lost": watch.lost,
        "baseline": watch.baseline(),
        "baseline_from": watch.begin.baseline_from,
        "source": watch.begin.source,
        "verdict": watch.verdict().map(|verdict| verdict.word.name()),
        "marks": watch.marks,
        "kept_samples": watch.history.len(),
    })
}

fn entry(point: &Point) -> Value {
    let judged = |criterion| point.verdict.of(criterion);
    let known = |criterion| {
        judged(criterion)
            .value
            .filter(|_| !judged(criterion).is_unknown())
    };
    json!({
        "timestamp": clock(point.at()),
        "error_rate": known(Criterion::ErrorRate),
        "performance_degradation": known(Criterion::Degradation),
        "availability": known(Criterion::Availability),
        "consecutive_validation_failures": judged(Criterion::Validation).k,
        "response_time": figure(point.taken.sample.response),
        "throughput": figure(point.taken.sample.throughput),
        "validation_failed": point.taken.sample.validation.ok().map(|probe| probe == super::Probe::Fail),
        "verdict": point.verdict.word.name(),
        "score": point.verdict.score,
        "missing": point.taken.why,
    })
}

fn figure(figure: Figure<f64>) -> Value {
    figure.map_or(Value::Null, Value::from)
}

/// The samples up to `until` that are kept, as the file that `monitor replay` reads; and how many they are. The baseline is
/// that of now.
#[must_use]
pub fn replay_file(watch: &Watch, until: Timestamp) -> (u64, String) {
    let mut text = json!({"baseline": {"avg_response_time": watch.baseline()}}).to_string();
    text.push('\n');
    let mut samples = 0;
    for point in &watch.history {
        // A sample that says no time belongs to the one before it.
        if point.at() > until.as_microsecond() {
            break;
        }
        text.push_str(&replay_line(&point.taken.sample).to_string());
        text.push('\n');
        samples += 1;
    }
    (samples, text)
}

/// A sample as a line that `monitor replay` reads. What was not given is left out; what was given and is no figure, or was
/// asked for in vain, is null.
#[must_use]
pub fn replay_line(sample: &Sample) -> Value {
    let mut out = json!({"at": sample.at.map(clock)});
    match sample.tasks {
        Ok(tasks) => {
            out["tasks"] = json!({"failed": tasks.failed, "completed": tasks.completed});
            if let Some(total) = tasks.total {
                out["tasks"]["total"] = total.into();
            }
        }
        Err(Gap::Absent) => {}
        Err(_) => out["tasks"] = Value::Null,
    }
    match sample.health {
        Ok(health) => out["health"] = json!({"healthy": health.healthy, "total": health.total}),
        Err(Gap::Absent) => {}
        Err(_) => out["health"] = Value::Null,
    }
    let mut performance = serde_json::Map::new();
    for (name, given) in [
        ("avg_response_time", sample.response),
        ("tasks_per_minute", sample.throughput),
    ] {
        match given {
            Ok(number) => {
                performance.insert(name.to_owned(), number.into());
            }
            Err(Gap::Absent) => {}
            Err(_) => {
                performance.insert(name.to_owned(), Value::Null);
            }
        }
    }
    if !performance.is_empty() {
        out["performance"] = performance.into();
    }
    match sample.validation {
        Ok(super::Probe::Pass) => out["validation"] = "pass".into(),
        Ok(super::Probe::Fail) => out["validation"] = "fail".into(),
        Err(Gap::Absent) => {}
        Err(_) => out["validation"] = "unknown".into(),
    }
    out
}
