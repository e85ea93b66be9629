//! The report's part about the way back: what it went back to, what was lost, kept and carried, what each step took. From the lines
//! of the rollback alone, as the journal has them.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::model::PartState;
use crate::engine::capability::Capability;
use crate::engine::item::{ItemState, Items};
use crate::engine::rollback::{Mode, NewRows, Params, RESULT, rehearsed};
use crate::engine::snapshot::{Activity, Snapshot, Step};
use crate::engine::steps::{memo_of, run_of};
use crate::engine::text::{count, plural};

/// A rollback that was begun, or was due and could not be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WentBack {
    /// How it stands.
    pub state: PartState,
    /// How it ended, in one sentence.
    pub outcome: String,
    /// Who approved it; empty where nobody did.
    pub by: String,
    /// When it began.
    pub from: Option<Timestamp>,
    /// When it ended.
    pub to: Option<Timestamp>,
    /// What was lost, kept and carried, as label and text.
    pub figures: Vec<(String, String)>,
    /// Every step, in order.
    pub steps: Vec<Stage>,
}

/// One step of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stage {
    /// What it is.
    pub title: String,
    /// How it stands, in a word.
    pub state: String,
    /// Milliseconds it took.
    pub ms: Option<u64>,
    /// Milliseconds it took in the rehearsal.
    pub rehearsed: Option<u64>,
    /// What was found or done.
    pub text: String,
}

/// The last rollback of a migration; `None` where none was begun.
#[must_use]
pub fn went_back(snapshot: &Snapshot) -> Option<WentBack> {
    let step = snapshot.steps.get(&Capability::Rollback)?;
    let lines = step.items.get("apply").filter(|lines| !lines.all().is_empty());
    let told = step.verb != "rehearse" && (step.error.is_some() || lines.is_some());
    if !told && lines.is_none() {
        return None;
    }
    let (state, outcome) = state(step, lines);
    let params = lines
        .and_then(run_of)
        .and_then(|run| serde_json::from_value::<Params>(run.params).ok());
    let rehearsal = step
        .items
        .get("rehearse")
        .zip(params.as_ref())
        .map(|(lines, params)| rehearsed(lines, params.backup.as_deref()))
        .unwrap_or_default();
    let steps = lines.map_or(&[][..], Items::all);
    let ended = step.outcomes_at.get("apply").copied();
    Some(WentBack {
        state,
        outcome,
        by: step.approved_by.clone().unwrap_or_default(),
        from: (step.verb == "apply").then_some(step.started).flatten(),
        to: ended.or_else(|| (step.verb == "apply").then_some(step.ended).flatten()),
        figures: lines
            .zip(params.as_ref())
            .map(|(lines, params)| figures(snapshot, lines, params))
            .unwrap_or_default(),
        steps: steps
            .iter()
            .map(|line| Stage {
                title: line.title.clone(),
                state: line.state.word().to_owned(),
                ms: line.ms,
                rehearsed: rehearsal.get(&line.key).copied(),
                text: line.text.clone(),
            })
            .collect(),
    })
}

fn state(step: &Step, lines: Option<&Items>) -> (PartState, String) {
    let over = |line: &ItemState| matches!(line, ItemState::Done | ItemState::Skipped);
    let proved = lines.is_some_and(|lines| lines.all().iter().all(|line| over(&line.state)));
    let failed = step
        .error
        .as_ref()
        .filter(|_| step.verb == "apply" || lines.is_none());
    match (failed, step.outcomes.get("apply").filter(|_| proved)) {
        (Some(error), _) => (PartState::Failed, error.message.clone()),
        (None, Some(outcome)) => (PartState::Done, outcome.summary.clone()),
        (None, None) if step.activity == Activity::Idle => (PartState::NotRun, "not run".to_owned()),
        (None, None) => (
            PartState::Stopped,
            step.note.clone().unwrap_or_else(|| "not ended".to_owned()),
        ),
    }
}

fn figures(snapshot: &Snapshot, lines: &Items, params: &Params) -> Vec<(String, String)> {
    let done = |key: &str| lines.get(key).is_some_and(|line| line.state == ItemState::Done);
    let figure = |key: &str, name: &str| memo_of(lines, key)?.get(name).and_then(Value::as_u64);
    let mut all = Vec::new();
    let mut say = |label: &str, text: String| all.push((label.to_owned(), text));
    say(
        "Back to",
        match (&params.backup, params.mode) {
            (Some(id), Mode::Maos) => format!("backup {id}; MAOS goes on"),
            (Some(id), Mode::Legacy) => format!("the legacy system, and backup {id} of MAOS's database"),
            (None, _) => "the legacy system; MAOS's database stays as it was".to_owned(),
        },
    );
    if let Some(rows) = figure("prove", "rows") {
        say("Restored and proved", plural(rows, "row", "rows"));
    }
    if done("carry") {
        let (new, changed) = (
            figure("carry", "new").unwrap_or(0),
            figure("carry", "changed").unwrap_or(0),
        );
        let text = match (new, params.rows) {
            (0, _) => "none existed only in MAOS".to_owned(),
            (_, NewRows::Carry) => format!("{} carried back", plural(new, "row", "rows")),
            (_, NewRows::Export) => format!("{} exported to a file of rollback/", plural(new, "row", "rows")),
        };
        say("New rows", text);
        say(
            "Lost",
            match changed {
                0 => "nothing: no row had changed since the backup".to_owned(),
                changed => format!(
                    "the changes since the backup of {}; as they were, they are in a file of rollback/",
                    plural(changed, "row", "rows")
                ),
            },
        );
    }
    if done("swap") {
        say("Kept", format!("the database that was in use, as {}", params.old));
        if let Some(ms) = figure("swap", "ms") {
            say("The swap took", format!("{} ms", count(ms)));
        }
    }
    let places = memo_of(lines, "stage")
        .and_then(|memo| Some(memo.get("changes")?.as_array()?.len() as u64))
        .unwrap_or(0);
    if done("files") && places > 0 {
        say(
            "Files put back",
            format!(
                "{}; what was there is kept beside each, ending in .old_{}",
                plural(places, "place", "places"),
                params.stamp
            ),
        );
    }
    if let Some(document) = snapshot.artifacts.get(RESULT) {
        say(
            "Result document",
            format!("{RESULT}, SHA-256 {}", document.sha256),
        );
    }
    all
}
