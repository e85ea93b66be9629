//! `migration_test_results.json`: the guide's document, with what it lacks: skipped tests, explanations, coverage.

use serde_json::{Map, Value, json};

use super::catalogue::{Catalogue, Category};
use super::judge::{Results, Verdict};
use crate::engine::item::{Item, ItemState};

/// What the document says besides the results.
#[derive(Debug, Clone, PartialEq)]
pub struct Facts {
    /// The start of the run, UTC.
    pub started: jiff::Timestamp,
    /// The migration's name.
    pub name: String,
    /// Where MAOS is, in words.
    pub maos: String,
    /// Its language.
    pub dialect: String,
    /// Its version, where it is known.
    pub version: Option<String>,
    /// Whether it was the embedded stand-in.
    pub rehearsal: bool,
    /// Whether its durations were simulated.
    pub simulated: bool,
}

/// The document.
#[must_use]
pub fn document(catalogue: &Catalogue, results: &Results, facts: &Facts) -> Value {
    let counts = results.counts(catalogue, None);
    let mut details = Map::new();
    for category in Category::ALL {
        let own = results.counts(catalogue, Some(category));
        let tests: Map<String, Value> = catalogue
            .of_category(category)
            .map(|test| (test.name.clone(), one(results.get(&test.name))))
            .collect();
        details.insert(
            category.name().to_owned(),
            json!({
                "total": own.total,
                "passed": own.passed,
                "failed": own.failed,
                "skipped": own.skipped,
                "tests": tests,
            }),
        );
    }
    json!({
        "migration": facts.name,
        "started": facts.started.to_string(),
        "rehearsal": facts.rehearsal,
        "simulated_durations": facts.simulated,
        "maos": {"place": facts.maos, "dialect": facts.dialect, "version": facts.version},
        "summary": {
            "total_tests": counts.total,
            "executed": counts.executed(),
            "passed": counts.passed,
            "failed": counts.failed,
            "skipped": counts.skipped,
            "not_run": counts.waiting() + counts.running,
            "success_rate": counts.rate(),
            "coverage": counts.coverage(),
        },
        "assessment": counts.assessment().map(super::judge::Assessment::sentence),
        "details": details,
    })
}

fn one(item: Option<&Item>) -> Value {
    let Some(item) = item else {
        return json!({"passed": null, "state": "not_run"});
    };
    let state = match item.state {
        ItemState::Done => "passed",
        ItemState::Failed => "failed",
        ItemState::Skipped => "skipped",
        _ => "not_run",
    };
    let passed = match item.state {
        ItemState::Done => json!(true),
        ItemState::Failed => json!(false),
        _ => Value::Null,
    };
    let verdict = Verdict::of(item);
    #[expect(clippy::cast_precision_loss, reason = "milliseconds of a test")]
    let duration = item.ms.map(|ms| ms as f64 / 1000.0);
    json!({
        "passed": passed,
        "state": state,
        "duration": duration,
        "text": item.text,
        "expected": verdict.as_ref().map(|verdict| verdict.expected.clone()),
        "found": verdict.as_ref().map(|verdict| verdict.found.clone()),
        "evidence": verdict.as_ref().map(|verdict| verdict.evidence.clone()),
        "figures": verdict.as_ref().map(|verdict| verdict.figures.clone()),
        "submitted": verdict.as_ref().map(|verdict| verdict.submitted.clone()),
        "at": verdict.map(|verdict| verdict.at.to_string()),
    })
}
