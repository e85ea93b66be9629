//! Runs the probes side by side, each with its time limit, and reports every figure as it arrives.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::task::JoinSet;

use super::answers::Finding;
use super::derive::finding;
use super::questionnaire::Questionnaire;
use crate::engine::ports::probe::{Probe, Reading};

/// Runs `probes` and calls `report` with the readings of each as it ends, in the order in which they end. A probe over
/// its limit, or one that breaks, reports every figure it owes as not had, with the reason. `longest` caps every limit.
///
/// Dropping the future ends all probes.
pub async fn run_all(probes: &[Arc<dyn Probe>], longest: Duration, mut report: impl FnMut(Vec<Reading>)) {
    let mut running = JoinSet::new();
    let mut owed = std::collections::HashMap::new();
    for probe in probes {
        let limit = probe.limit().min(longest);
        let task = Arc::clone(probe);
        let handle = running.spawn(async move {
            let done = tokio::time::timeout(limit, task.run()).await;
            done.map_err(|_| format!("no answer within {}", seconds(limit)))
        });
        owed.insert(handle.id(), Arc::clone(probe));
    }
    while let Some(ended) = running.join_next_with_id().await {
        let (id, outcome) = match ended {
            Ok((id, outcome)) => (id, outcome),
            Err(error) => (error.id(), Err("the probe broke off".to_owned())),
        };
        if let Some(probe) = owed.remove(&id) {
            report(complete(probe.as_ref(), outcome));
        }
    }
}

/// Adds a reason for every figure that a probe owes and did not give.
fn complete(probe: &dyn Probe, outcome: Result<Vec<Reading>, String>) -> Vec<Reading> {
    let (mut readings, why) = match outcome {
        Ok(readings) => (readings, "the probe gave no figure".to_owned()),
        Err(why) => (Vec::new(), why),
    };
    let given: BTreeSet<String> = readings.iter().map(|reading| reading.figure.clone()).collect();
    for figure in probe.figures() {
        if !given.contains(*figure) {
            readings.push(Reading::none(figure, why.clone()));
        }
    }
    readings
}

fn seconds(limit: Duration) -> String {
    let seconds = limit.as_secs_f64();
    if limit.subsec_millis() == 0 {
        format!("{seconds:.0} s")
    } else {
        format!("{seconds:.1} s")
    }
}

/// Turns readings into findings for the questions that name their figures. Figures that no question names are left.
#[must_use]
pub fn findings(questionnaire: &Questionnaire, readings: &[Reading], at: Timestamp) -> Vec<Finding> {
    let mut found = Vec::new();
    for reading in readings {
        for question in questionnaire.answered_by(&reading.figure) {
            found.push(match &reading.result {
                Ok(figure) => finding(question, Some(figure.value.clone()), &figure.evidence, at),
                Err(why) => finding(question, None, why, at),
            });
        }
    }
    found
}

/// The questions that `probes` will answer: those rows show a spinner until their findings arrive.
#[must_use]
pub fn awaited(questionnaire: &Questionnaire, probes: &[Arc<dyn Probe>]) -> BTreeSet<String> {
    probes
        .iter()
        .flat_map(|probe| probe.figures())
        .flat_map(|figure| questionnaire.answered_by(figure))
        .map(|question| question.id.clone())
        .collect()
}
