//! `migration_test_report.json`: the guide's document, its names kept, with what the figures rest on beside them.

use serde_json::{Map, Value, json};

use super::model::{Pair, Run, Side};
use super::statistics::Rate;
use super::summary::{Resources, Summary};

/// What the document says besides the pairs.
#[derive(Debug, Clone, PartialEq)]
pub struct Facts {
    /// The start of the run, UTC.
    pub started: jiff::Timestamp,
    /// The migration's name.
    pub name: String,
    /// How the legacy side was run, in words.
    pub legacy: String,
    /// Where MAOS is, in words.
    pub maos: String,
    /// Whether it was the embedded stand-in.
    pub rehearsal: bool,
    /// Whether its durations were simulated.
    pub simulated: bool,
    /// Seconds for one run.
    pub deadline_s: u64,
    /// How quality was judged; `None`: not measured.
    pub quality: Option<String>,
    /// What came of writing the results beside the migrated tasks.
    pub tracking: String,
}

/// The document.
#[must_use]
pub fn document(pairs: &[Pair], summary: &Summary, facts: &Facts) -> Value {
    json!({
        "migration": facts.name,
        "started": facts.started.to_string(),
        "rehearsal": facts.rehearsal,
        "simulated_durations": facts.simulated,
        "systems": {"legacy": facts.legacy, "maos": facts.maos},
        "summary": figures(summary),
        "recommendation": summary.recommendation.sentence(),
        "recommendation_rests_on": summary.spread_words(),
        "caution": summary.caution(),
        "too_few": summary.recommendation.sentence().is_none().then(|| summary.sentence()),
        "pairs": {
            "planned": summary.planned,
            "run": summary.run,
            "compared": summary.compared,
            "needed": summary.needed,
            "excluded": summary.excluded,
        },
        "method": method(facts),
        "quality": summary.quality.map_or_else(
            || json!("not measured"),
            |rate| json!({"same": rate.succeeded, "checked": rate.run, "by": facts.quality}),
        ),
        "resource_usage": {
            "legacy": resources(summary.legacy_used),
            "maos": resources(summary.maos_used),
        },
        "tracking": facts.tracking,
        "tasks": summary.tasks,
        "detailed_results": {
            "legacy": side(pairs, Side::Legacy),
            "maos": side(pairs, Side::Maos),
        },
    })
}

fn figures(summary: &Summary) -> Value {
    let (low, high) = summary
        .speedup
        .and_then(|spread| spread.interval)
        .map_or((None, None), |(low, high)| (Some(low), Some(high)));
    json!({
        "median_speedup": summary.speedup.map(|spread| spread.median),
        "speedup_interval_95": {"low": low, "high": high},
        "speedup_range": summary.speedup.map(|spread| [spread.least, spread.most]),
        "speedup_pairs": summary.compared,
        "speedup_histogram": {
            "below_1": summary.histogram[0], "1_to_2": summary.histogram[1],
            "2_to_3": summary.histogram[2], "above_3": summary.histogram[3],
        },
        "avg_speedup": summary.ratio_of_means,
        "maos_time_uncertainty": summary.uncertainty,
        "legacy_success_rate": summary.legacy.share(),
        "maos_success_rate": summary.maos.share(),
        "legacy_success": rate(summary.legacy),
        "maos_success": rate(summary.maos),
        "avg_parallel_efficiency": summary.efficiency.map(|(mean, _)| mean),
        "parallel_efficiency_reported_by": summary.efficiency.map_or(0, |(_, n)| n),
        "avg_agents_used": summary.agents.map(|(mean, ..)| mean),
        "most_agents_used": summary.agents.map(|(_, most, _)| most),
        "agents_reported_by": summary.agents.map_or(0, |(.., n)| n),
    })
}

fn rate(rate: Rate) -> Value {
    let (low, high) = rate
        .interval()
        .map_or((None, None), |(low, high)| (Some(low), Some(high)));
    json!({"succeeded": rate.succeeded, "run": rate.run, "low_95": low, "high_95": high})
}

fn resources(used: Option<Resources>) -> Value {
    used.map_or_else(
        || json!("not measured"),
        |used| json!({"cores": used.cores, "peak_bytes": used.peak_bytes, "runs": used.n}),
    )
}

fn method(facts: &Facts) -> Value {
    json!({
        "compared": "pairs that succeeded on both sides",
        "speedup": "legacy seconds / MAOS seconds of a pair; the recommendation is judged by the median",
        "interval": "percentile bootstrap of the median over tasks, fixed seed; none from fewer than 5 tasks",
        "avg_speedup": "mean legacy seconds / mean MAOS seconds over the compared pairs",
        "success_interval": "Wilson, 95 %",
        "maos_seconds": "until the middle between the last look that saw the task going on and the first that saw its end",
        "order": "alternated from pair to pair and from repeat to repeat",
        "parallel_efficiency": "as reported by MAOS, runs that succeeded and report it only",
        "deadline_s": facts.deadline_s,
    })
}

fn side(pairs: &[Pair], side: Side) -> Value {
    pairs
        .iter()
        .filter_map(|pair| pair.side(side).map(|run| one(pair, run, side)))
        .collect()
}

fn one(pair: &Pair, run: &Run, side: Side) -> Value {
    let mut out = Map::new();
    let mut put = |key: &str, value: Value| {
        out.insert(key.to_owned(), value);
    };
    put("task_id", json!(pair.task));
    put("repeat", json!(pair.repeat));
    put("ran_first", json!(pair.first == side));
    put("execution_time", json!(run.seconds));
    put("success", json!(run.succeeded()));
    if !run.why.is_empty() {
        put("error", json!(run.why));
    }
    if side == Side::Maos {
        put("execution_time_uncertainty", json!(run.uncertainty_s));
        put("maos_task_id", json!(run.id));
        put("agents_used", json!(run.agents));
        put("parallel_efficiency", json!(run.efficiency));
        put("speedup", json!(pair.speedup()));
        put(
            "result_quality",
            pair.same_quality.map_or_else(
                || json!("not measured"),
                |same| json!(if same { "same" } else { "differs" }),
            ),
        );
    }
    put(
        "resource_usage",
        run.used.map_or_else(|| json!("not measured"), |used| json!(used)),
    );
    Value::Object(out)
}

/// What is written beside the migrated task: its own figures, nothing of others.
#[must_use]
pub fn performance(task: &super::summary::TaskFigures, facts: &Facts) -> Value {
    json!({
        "speedup": task.speedup,
        "legacy_seconds": task.legacy_s,
        "maos_seconds": task.maos_s,
        "pairs": task.pairs,
        "compared": task.compared,
        "legacy_succeeded": task.legacy.succeeded,
        "maos_succeeded": task.maos.succeeded,
        "measured_at": facts.started.to_string(),
        "rehearsal": facts.rehearsal,
        "simulated_durations": facts.simulated,
    })
}
