//! `monitor/post_migration_monitoring.json`: the guide's document, with what its engine could not know beside it.

use serde_json::{Value, json};

use super::sample::{Figure, Sample};
use super::verdict::{Criterion, clock};
use super::watch::{Point, Watch};

/// The file, relative to the workspace.
pub const FILE: &str = "monitor/post_migration_monitoring.json";

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

/// A sample as a line that `monitor replay` reads.
#[must_use]
pub fn replay_line(sample: &Sample) -> Value {
    let mut out = json!({"at": sample.at.map(clock)});
    if let Ok(tasks) = sample.tasks {
        out["tasks"] = json!({"failed": tasks.failed, "completed": tasks.completed});
        if let Some(total) = tasks.total {
            out["tasks"]["total"] = total.into();
        }
    }
    if let Ok(health) = sample.health {
        out["health"] = json!({"healthy": health.healthy, "total": health.total});
    }
    let mut performance = json!({});
    if let Ok(seconds) = sample.response {
        performance["avg_response_time"] = seconds.into();
    }
    if let Ok(rate) = sample.throughput {
        performance["tasks_per_minute"] = rate.into();
    }
    out["performance"] = performance;
    out["validation"] = match sample.validation {
        Ok(super::Probe::Pass) => "pass".into(),
        Ok(super::Probe::Fail) => "fail".into(),
        Err(_) => "unknown".into(),
    };
    out
}
