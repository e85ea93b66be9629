//! The sample legacy system of a rehearsal: it does the parts of a task one after the other, each a simulated duration.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::executor::parts_of;
use super::program::Said;
use crate::engine::text;

/// The hidden verb under which it is run.
pub const VERB: &str = "rehearsal-legacy";

/// Runs one task: a JSON object with `description`, and `id` where it has one. The result says that it is simulated.
pub async fn run(input: &str, seconds: f64) -> Said {
    let refuse = |why: String| Said {
        out: String::new(),
        err: format!("Error: {why}\n"),
        code: 3,
    };
    if !(0.0..=3600.0).contains(&seconds) {
        return refuse("--seconds is a number from 0 to 3600".to_owned());
    }
    let task: Value = match serde_json::from_str(input) {
        Ok(task) => task,
        Err(error) => return refuse(format!("no JSON task on standard input: {error}")),
    };
    let Some(description) = task["description"].as_str() else {
        return refuse("the task has no description".to_owned());
    };
    let begun = Instant::now();
    let parts = parts_of(description);
    let mut results = Vec::new();
    for part in &parts {
        tokio::time::sleep(Duration::from_secs_f64(seconds)).await;
        let description = text::inert(&part.description);
        results.push(json!({"description": description, "result": {"simulated": true, "seconds": seconds}}));
    }
    let document = json!({
        "id": task["id"], "status": "completed", "success": true, "execution_time": begun.elapsed().as_secs_f64(),
        "agents_used": 1, "results": results, "simulated": true, "rehearsal": true,
    });
    Said {
        out: format!("{document}\n"),
        ..Said::default()
    }
}
