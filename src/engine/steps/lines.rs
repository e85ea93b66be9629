//! What the journal holds of a run of steps, and what is told when one does not reach its end.

use std::fmt::Write as _;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::engine::error::{Error, ErrorKind};
use crate::engine::item::{Item, ItemState, Items};

/// What identifies a run over its resumptions.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunId {
    /// Unique among the runs of an operation: its first start, for example `20261123_031406`.
    pub id: String,
    /// What was decided at its first start and must not change: names, the chosen backup. Without secrets.
    #[serde(default)]
    pub params: Value,
}

/// What a line of a step carries in [`Item::data`].
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Carried {
    pub(super) run: RunId,
    #[serde(default)]
    pub(super) memo: Value,
    /// The run is on its way back; ends when everything is taken back.
    #[serde(default)]
    pub(super) back: bool,
    /// The step is taken back already, though its line still tells of its failure.
    #[serde(default)]
    pub(super) gone: bool,
    /// The step failed and the run stands there: a person says whether it is tried again or taken back.
    #[serde(default)]
    pub(super) held: bool,
}

pub(super) fn carried(item: &Item) -> Option<Carried> {
    serde_json::from_value(item.data.clone()).ok()
}

/// Where a run goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Heading {
    /// Towards its end.
    Forward,
    /// A step failed, and it stands there until a person decides.
    Held,
    /// Its steps are being taken back.
    Back,
}

/// A run that neither reached its end nor was taken back wholly, as its lines tell.
///
/// A stopped run and a killed one look alike; both can go on or be taken back.
#[must_use]
pub fn unfinished(lines: &Items) -> Option<(RunId, Heading)> {
    let mut all = lines.all().iter().filter_map(|line| {
        let carried = carried(line)?;
        Some((line.state, carried))
    });
    let back = all.clone().find(|(_, carried)| carried.back);
    if let Some((_, carried)) = back {
        return Some((carried.run, Heading::Back));
    }
    if let Some((_, carried)) = all.clone().find(|(_, carried)| carried.held) {
        return Some((carried.run, Heading::Held));
    }
    let touched = |state: ItemState| !matches!(state, ItemState::Waiting);
    let begun = lines.all().iter().any(|line| touched(line.state));
    let open = all
        .clone()
        .any(|(state, _)| matches!(state, ItemState::Waiting | ItemState::Running));
    // A failed step without the mark of the way back: everything was taken back.
    let over = lines
        .all()
        .iter()
        .any(|line| matches!(line.state, ItemState::Failed | ItemState::Undone));
    (begun && open && !over)
        .then(|| all.next().map(|(_, carried)| (carried.run, Heading::Forward)))
        .flatten()
}

/// A run that was killed behind its last step: everything is done, and nobody was told.
#[must_use]
pub fn untold(lines: &Items) -> Option<RunId> {
    let over = |line: &Item| {
        matches!(line.state, ItemState::Done | ItemState::Skipped)
            && carried(line).is_some_and(|carried| !carried.back && !carried.held)
    };
    let all = lines.all();
    (!all.is_empty() && all.iter().all(|line| over(line)))
        .then(|| run_of(lines))
        .flatten()
}

/// The run whose lines these are, whatever became of it.
#[must_use]
pub fn run_of(lines: &Items) -> Option<RunId> {
    lines
        .all()
        .iter()
        .find_map(|line| carried(line))
        .map(|carried| carried.run)
}

/// What a step recorded.
#[must_use]
pub fn memo_of(lines: &Items, key: &str) -> Option<Value> {
    Some(carried(lines.get(key)?)?.memo)
}

/// Since when it has been as the step `from` left it, while the step `to` is not done: the moment that `from` recorded as `name`.
#[must_use]
pub fn still(lines: &Items, from: &str, name: &str, to: &str) -> Option<jiff::Timestamp> {
    let done = |key: &str| lines.get(key).is_some_and(|line| line.state == ItemState::Done);
    let memo = memo_of(lines, from).filter(|_| done(from) && !done(to))?;
    memo[name].as_str()?.parse().ok()
}

/// How a run ended that did not reach its end.
#[derive(Debug, Clone, PartialEq)]
pub struct Failure {
    /// The step that failed; `None` when a person asked for the way back.
    pub step: Option<String>,
    /// Why.
    pub error: Error,
    /// What was taken back, in the order in which that was done: title and words.
    pub taken_back: Vec<(String, String)>,
    /// What could not be taken back, and why; then the way back stopped there and can be tried again.
    pub stuck: Option<(String, Error)>,
    /// Every line as it stands.
    pub lines: Vec<Item>,
}

impl From<Failure> for Error {
    fn from(failure: Failure) -> Self {
        let kind = failure.error.kind;
        if kind == ErrorKind::Interrupted && failure.taken_back.is_empty() && failure.stuck.is_none() {
            return failure.error;
        }
        let mut message = match &failure.step {
            Some(step) => format!("step {step} failed: {}", failure.error.message),
            None => failure.error.message.clone(),
        };
        let back: Vec<&str> = failure
            .taken_back
            .iter()
            .map(|(_, words)| words.as_str())
            .collect();
        if let Some((step, why)) = &failure.stuck {
            // Writing to a String cannot fail.
            let _ = write!(message, "; then {step} could not be taken back: {}", why.message);
        }
        if !back.is_empty() {
            let _ = write!(message, "; taken back: {}", back.join(", "));
        }
        // What a person asked for is no failure, but what stands in its way is one.
        let kind = match &failure.stuck {
            Some((_, why)) if kind == ErrorKind::Interrupted => why.kind,
            _ => kind,
        };
        let error = Self::new(kind, message);
        match (&failure.stuck, failure.error.hint) {
            (Some(_), _) => error.hint("Mend the cause and run it again: it goes on with taking back."),
            (None, Some(hint)) => error.hint(hint),
            (None, None) => error,
        }
    }
}
