//! What the screen shows, taken from the census, the live figures of a run, and the journal.

use crate::engine::Capability;
use crate::engine::operation::ProofLine;
use crate::engine::ports::store::Field;
use crate::engine::schema::mapping::fold;
use crate::engine::schema::{Mapping, Prepared, Running, Tile};
use crate::engine::snapshot::Step;
use crate::engine::text::count;
use crate::tui::app::context::Cx;
use crate::tui::clock::about;
use crate::tui::widgets::progress::Pace;

/// Seconds after which a census is counted again before it is copied.
pub(super) const STALE_S: u64 = 600;

/// A moment of a run.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Moment {
    /// `copying`, `proving`, `catching up`, `undoing`.
    pub phase: String,
    /// Rows committed.
    pub copied: u64,
    /// Rows proved.
    pub proved: u64,
    /// Rows set aside.
    pub quarantined: u64,
    /// Rows in the source, when known.
    pub total: Option<u64>,
    /// Rows a second over the last ten seconds.
    pub rate: Option<f64>,
    /// Rows a second since the start.
    pub mean: Option<f64>,
    /// `about 7 s`, when there is an honest estimate.
    pub left: Option<String>,
    /// One for each chunk in key order; empty when only the journal is known.
    pub tiles: Vec<Tile>,
    /// Workers at work and wished for.
    pub workers: Option<(usize, usize)>,
    /// The fence's token.
    pub fence: Option<i64>,
    /// Why the run waits.
    pub waits: Option<String>,
    /// Seconds without progress, once they are worth a sentence.
    pub stalled: Option<u64>,
    /// The proof so far.
    pub proof: Vec<ProofLine>,
    /// Seconds since the start.
    pub elapsed_s: u64,
    /// What is being worked on.
    pub running: Vec<String>,
    /// Whether rows are taken away instead of copied.
    pub undoing: bool,
}

impl Moment {
    /// Whether both sides are being compared.
    #[must_use]
    pub fn proving(&self) -> bool {
        self.phase.starts_with("prov")
    }
}

/// The moment of the run that is under way or was the last; `None` before there is one.
pub(super) fn moment(pace: &mut Pace, cx: &Cx<'_>) -> Option<Moment> {
    let step = cx.step(Capability::Schema)?;
    let figures = pace.figures(step, cx.now.mono);
    let progress = step.progress.as_ref();
    let mut moment = Moment {
        phase: progress.map(|p| p.phase.clone()).unwrap_or_default(),
        copied: progress.map_or(0, |p| p.done.saturating_sub(p.quarantined)),
        proved: progress.map_or(0, |p| p.proved),
        quarantined: progress.map_or(0, |p| p.quarantined),
        total: progress.and_then(|p| p.total),
        rate: figures.rate,
        mean: figures.mean,
        left: figures.left,
        stalled: figures.stalled,
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "seconds of a run"
        )]
        elapsed_s: progress.map_or(0, |p| p.elapsed_s.max(0.0) as u64),
        running: progress.map(|p| p.running.clone()).unwrap_or_default(),
        undoing: step.verb == "undo",
        proof: step
            .outcome
            .as_ref()
            .map(|outcome| outcome.proof.clone())
            .unwrap_or_default(),
        ..Moment::default()
    };
    if let Some(live) = &cx.views.schema_run {
        let view = live.view();
        // Before it has its lease and its figures, the run shows what the journal knows.
        if !view.phase.is_empty() {
            moment.phase.clone_from(&view.phase);
            moment.copied = view.copied;
            moment.proved = view.proved;
            moment.quarantined = view.quarantined;
            moment.total = Some(view.total);
            moment.rate = view.rate;
            moment.left = view
                .left_s
                .filter(|_| step.activity == crate::engine::snapshot::Activity::Running)
                .map(|seconds| {
                    #[expect(clippy::cast_precision_loss, reason = "seconds left")]
                    let seconds = seconds as f64;
                    about(seconds)
                });
            moment.tiles = view.tiles;
            moment.workers = Some(view.workers);
            moment.fence = Some(view.fence);
            moment.waits = view.waits;
            if moment.proof.is_empty() {
                moment.proof = view.proof;
            }
        }
    }
    let begun = progress.is_some() || step.outcome.is_some() || !moment.phase.is_empty();
    begun.then_some(moment)
}

/// The last census, and when it was taken.
pub(super) fn census<'a>(cx: &Cx<'a>) -> Option<(jiff::Timestamp, &'a Prepared)> {
    cx.views
        .schema
        .value()
        .map(|(at, prepared)| (at, prepared.as_ref()))
}

/// Whether the census is too old to be copied from.
pub(super) fn stale(cx: &Cx<'_>, at: jiff::Timestamp) -> bool {
    cx.now.seconds_since(at) > STALE_S
}

/// What a line of the census stands for, when its fate can be edited.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Value {
    /// `category`, `status`, `priority`.
    pub(super) field: Field,
    /// The value as it stands in the source; `None` is NULL.
    pub(super) raw: Option<String>,
}

impl Value {
    /// The subject of the decision that edits it.
    pub(super) fn subject(&self) -> String {
        match &self.raw {
            Some(raw) => format!("map:{}:{}", self.field.name(), fold(raw)),
            None => format!("empty:{}", self.field.name()),
        }
    }
}

/// The value behind a line of the census; `None` for findings, which no mapping changes.
pub(super) fn value(prepared: &Prepared, line: usize) -> Option<Value> {
    // The census lists the counted values field by field, in the order they were counted, before anything else.
    [Field::Category, Field::Status, Field::Priority]
        .into_iter()
        .flat_map(|field| {
            prepared
                .raw
                .values
                .iter()
                .filter(move |found| found.field == field)
        })
        .nth(line)
        .map(|found| Value {
            field: found.field,
            raw: found.value.clone(),
        })
}

/// The line of the census that a row in quarantine is counted in. `what` is its reason, a blank, and the row as it was.
pub(super) fn line_of(prepared: &Prepared, what: &str) -> Option<usize> {
    let (reason, row) = what.split_once(' ')?;
    let becomes = format!("quarantine {reason}");
    let mut lines = (0..prepared.census.values.len())
        .filter(|line| prepared.census.values[*line].becomes == becomes)
        .peekable();
    let first = lines.peek().copied();
    lines
        .find(|line| {
            let value = value(prepared, *line).and_then(|value| value.raw);
            value.is_some_and(|value| row.contains(&value))
        })
        .or(first)
}

/// Whether a value means that the row is being worked on: one decision is made about all of them.
pub(super) fn is_running(prepared: &Prepared, value: &Value) -> bool {
    value.field == Field::Status
        && value
            .raw
            .as_deref()
            .is_some_and(|raw| prepared.request.mapping.is_running(raw))
}

/// The task values a field may become: those that the mapping names anywhere, and setting aside.
pub(super) fn choices(mapping: &Mapping, field: Field) -> Vec<String> {
    const ASIDE: &str = "quarantine";
    let (values, rest): (Vec<&String>, [&String; 2]) = match field {
        Field::Category => (
            mapping.category.values.values().collect(),
            [&mapping.category.otherwise, &mapping.category.empty],
        ),
        Field::Status => (
            mapping.status.values.values().collect(),
            [&mapping.status.claimed, &mapping.status.empty],
        ),
        _ => (
            mapping.priority.values.values().collect(),
            [&mapping.priority.otherwise, &mapping.priority.empty],
        ),
    };
    let mut words: Vec<String> = values
        .into_iter()
        .chain(rest)
        .filter(|word| *word != ASIDE)
        .cloned()
        .collect();
    words.sort_unstable();
    words.dedup();
    words.push(ASIDE.to_owned());
    words
}

/// The line of the running rows, while nobody has decided about them.
pub(super) fn open_decision(prepared: &Prepared) -> Option<usize> {
    prepared.census.values.iter().position(|row| row.decide)
}

/// What stands in the way besides the open decision.
pub(super) fn block(prepared: &Prepared) -> Option<&crate::engine::schema::Block> {
    let undecided = open_decision(prepared).is_some();
    // The open decision is the first of its kind in the list and has its own key.
    prepared
        .blocks
        .iter()
        .find(|block| !(undecided && block.sentence.contains("decision open")))
}

/// The three ways with rows that run in the legacy system: word, and what it means.
pub(super) const WAYS: [(Running, &str); 3] = [
    (Running::Drain, "wait until they end"),
    (Running::Claim, "copy them as QUEUED, owned by MAOS"),
    (Running::Keep, "leave them behind, listed"),
];

/// `45, as expected`, `30 of 45 expected`, or the count alone.
pub(super) fn aside(moment: &Moment, expected: Option<u64>, ended: bool) -> String {
    match expected {
        Some(expected) if expected == moment.quarantined => {
            format!("{}, as expected", count(expected))
        }
        Some(expected) if !ended && expected > 0 => {
            format!("{} of {} expected", count(moment.quarantined), count(expected))
        }
        _ => count(moment.quarantined),
    }
}

/// Whether the step has anything that can be taken back.
pub(super) fn ran(step: Option<&Step>) -> bool {
    step.is_some_and(|step| {
        step.outcome.is_some() || step.progress.as_ref().is_some_and(|progress| progress.done > 0)
    })
}

/// The lines of the proof in their order, for as long as they have no figures.
pub(super) const PROOF: [&str; 9] = [
    "rows = migrated + quarantined",
    "chunks tile the key range",
    "totals for each status",
    "totals for each type",
    "row hashes, read separately",
    "rows on one side only, both ways",
    "a tracking row for every task",
    "quarantine, row by row",
    "sequences and constraints",
];
