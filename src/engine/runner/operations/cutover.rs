//! `cutover apply|undo` from the workspace.

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::backup::Basis;
use super::{Prepared, World, lines, schema, taken_back, unknown};
use crate::engine::backup;
use crate::engine::capability::Capability;
use crate::engine::cutover::{self, LegacySide, Mode, Over};
use crate::engine::error::{Error, Result};
use crate::engine::evidence::Ready;
use crate::engine::item::{Item, ItemState, Items};
use crate::engine::operation::{Control, Outcome, ProofLine};
use crate::engine::schema::Request;
use crate::engine::snapshot::Activity;
use crate::engine::steps::{self, Failure, Heading, Run, RunId};
use crate::engine::text::{count, last_name, plural};

/// The decision about rows that run, one by one: an object of key and word.
pub const ROWS: &str = "rows";
/// Seconds that running tasks are waited for, unless the settings say otherwise.
const DRAIN_S: u64 = 600;
/// Seconds that MAOS may take to end on the way back, unless the settings say otherwise: nobody serves meanwhile.
const STOP_S: u64 = 30;
/// Seconds that MAOS may take to be ready, unless the settings say otherwise.
const READY_S: u64 = 120;

/// Drain or freeze: the decision `mode`.
#[must_use]
pub fn mode(world: &World) -> Mode {
    let step = world.snapshot.step(Capability::Cutover);
    match step.decisions.get("mode").and_then(|choice| choice.as_str()) {
        Some("freeze") => Mode::Freeze,
        _ => Mode::Drain,
    }
}

/// The rows that are decided one by one: the decision `rows`.
fn rows(world: &World) -> BTreeMap<String, String> {
    let step = world.snapshot.step(Capability::Cutover);
    let decided = step.decisions.get(ROWS).cloned();
    decided
        .and_then(|rows| serde_json::from_value(rows).ok())
        .unwrap_or_default()
}

/// What is copied at the end. Where rows are decided one by one, what holds for all others is decided by nobody.
fn request(world: &World) -> Result<Request> {
    let request = schema::request(world)?;
    let rows = rows(world);
    for (key, word) in &rows {
        request.mapping.settled(key, word)?;
    }
    Ok(Request {
        running: request.running.filter(|_| rows.is_empty()),
        rows,
        ..request
    })
}

/// What stands in the way, by the journal and the backups there are.
///
/// # Errors
/// The folder of backups cannot be read.
async fn ready(world: &World) -> Result<Ready> {
    let folder = backup::request::folder(&world.workspace, &world.settings);
    let shelf = super::blocking(move || backup::list(&folder)).await?;
    let max_age = world.settings.driving.backup.max_age;
    Ok(cutover::ready(&world.snapshot, Some(&shelf), world.now, max_age))
}

fn over(world: &World, mode: Mode) -> Result<Over> {
    let driving = &world.settings.driving;
    Ok(Over {
        legacy: LegacySide {
            settings: driving.legacy.clone(),
            processes: Arc::clone(&world.ports.processes),
            directory: world.workspace.root().to_owned(),
        },
        maos: world.ports.maos.open(&world.workspace, &world.settings)?,
        request: request(world)?,
        stores: schema::stores(world)?,
        mode,
        drain_within: Duration::from_secs(driving.legacy.drain_within.unwrap_or(DRAIN_S)),
        asks: world.interactive,
        ready_within: Duration::from_secs(driving.maos.ready_within.unwrap_or(READY_S)),
        stop_within: Duration::from_secs(driving.maos.stop_within.unwrap_or(STOP_S)),
        clock: Arc::clone(&world.ports.clock),
        closed_at: OnceLock::new(),
        started: world.now,
    })
}

/// Plans `apply` or `undo`.
///
/// # Errors
/// What [`cutover::plan`] refuses; a cut over that is done; nothing to take back.
pub(super) async fn prepare(world: World, verb: &str, control: Control) -> Result<Prepared> {
    if !matches!(verb, "apply" | "undo") {
        return Err(unknown(Capability::Cutover, verb));
    }
    let step = world.snapshot.step(Capability::Cutover);
    if step.activity.is_done() {
        return Err(Error::blocked("the cut over is done: MAOS serves").hint("The way back is a rollback."));
    }
    let before = lines(&step);
    let told = |value: &Value| value.as_str()?.parse::<Timestamp>().ok();
    // What a killed run decided at its start holds until its end.
    let open = steps::unfinished(&before).or_else(|| {
        let untold = steps::untold(&before).filter(|_| step.activity == Activity::Stopped);
        untold.map(|run| (run, Heading::Forward))
    });
    let begun = open.as_ref().map(|(run, _)| run.params["mode"].clone());
    let mode = begun
        .and_then(|mode| serde_json::from_value(mode).ok())
        .unwrap_or_else(|| mode(&world));
    let over = over(&world, mode)?;
    let closed = steps::memo_of(&before, "close").filter(|_| open.is_some());
    if let Some(at) = closed.and_then(|memo| told(&memo["closed_at"])) {
        let _ = over.closed_at.set(at);
    }
    let words = world.settings.target_words();
    let target = last_name(&words);
    let taken_back = verb == "undo" || matches!(open, Some((_, Heading::Back)));
    let plan = if taken_back {
        if open.is_none() {
            return Err(Error::input("no cut over stands half-way")
                .hint("After a cut over the way back is a rollback."));
        }
        if before
            .get("start")
            .is_some_and(|line| line.state == ItemState::Done)
        {
            return Err(
                Error::blocked("MAOS serves already; rows that only it has would be left behind")
                    .hint("The way back is a rollback, which carries them."),
            );
        }
        cutover::undo_plan(&over, &before, target)
    } else {
        // A run that stands half-way goes on: what must be so before it was so, and its backup does not grow younger.
        let ready = if open.is_some() {
            Ready::default()
        } else {
            ready(&world).await?
        };
        cutover::plan(&over, &ready, target, &control).await?
    };
    // The backup is read through before anything is closed; a run that stands half-way has it behind it.
    let basis = (open.is_none() && !taken_back)
        .then(|| Basis::of(&world))
        .transpose()?;
    let id = open.map_or_else(
        || RunId {
            id: steps::name_of(steps::begins(world.now, &before)),
            params: json!({"mode": over.mode}),
        },
        |(id, _)| id,
    );
    let over = Arc::new(over);
    Ok(Prepared {
        plan,
        live: None,
        run: Box::new(move |control| {
            Box::pin(async move {
                if let Some(basis) = basis {
                    basis.holds(&control).await?;
                }
                run(over, id, before, taken_back, control).await
            })
        }),
    })
}

async fn run(
    over: Arc<Over>,
    id: RunId,
    before: Items,
    taken_back: bool,
    control: Control,
) -> Result<Outcome> {
    let list = || Run {
        world: Arc::clone(&over),
        steps: cutover::steps(over.mode),
        id: id.clone(),
        points: "cutover",
        holds: false,
    };
    if taken_back {
        let why = Error::interrupted("taken back by choice");
        let failure = list().take_back(&before, why, &control).await;
        return match failure.stuck {
            Some(_) => Err(failure.into()),
            None => Ok(opened_again(&failure)),
        };
    }
    let failure = match list().go(&before, &control).await {
        Ok(lines) => return Ok(outcome(&lines)),
        Err(failure) => failure,
    };
    let mut lines = Items::default();
    for line in &failure.lines {
        lines.set(line.clone());
    }
    let serves = lines
        .get("start")
        .is_some_and(|line| line.state == ItemState::Done);
    let stopped = failure.step.is_none() && failure.taken_back.is_empty() && failure.stuck.is_none();
    // Stopped between two steps: nobody serves, so the legacy side is opened again at once.
    let failure = if stopped && !serves && steps::unfinished(&lines).is_some() {
        list().take_back(&lines, failure.error, &control).await
    } else {
        failure
    };
    let gap = over
        .closed_at
        .get()
        .filter(|_| !failure.taken_back.is_empty() && failure.stuck.is_none())
        .map(|closed| gap(*closed, over.clock.now()));
    let mut error = Error::from(failure);
    if let Some(gap) = gap {
        error.message.push_str("; legacy is open again, the gap was ");
        error.message.push_str(&gap);
    }
    Err(error)
}

fn gap(closed: Timestamp, serves: Timestamp) -> String {
    let seconds = serves.duration_since(closed).as_secs().max(0);
    format!("{}:{:02}", seconds / 60, seconds % 60)
}

fn opened_again(failure: &Failure) -> Outcome {
    taken_back(
        &failure.taken_back,
        "Legacy is open again; the rows that were copied stay copied.".to_owned(),
    )
}

fn outcome(lines: &[Item]) -> Outcome {
    let memo = |key: &str| {
        lines
            .iter()
            .find(|line| line.key == key)
            .map(|line| line.data["memo"].clone())
            .unwrap_or_default()
    };
    let rows = memo("catch_up");
    let caught_up = rows["caught_up"].as_u64().unwrap_or(0);
    let moment = |value: &Value| value.as_str()?.parse::<Timestamp>().ok();
    // Nobody served from the closing to the first figures that MAOS gave.
    let gap = moment(&memo("close")["closed_at"])
        .zip(moment(&memo(cutover::START_SNAPSHOT)["at"]))
        .map_or_else(String::new, |(closed, serves)| {
            format!(" The gap was {}.", gap(closed, serves))
        });
    let total = lines.len() as u64;
    let proof = lines
        .iter()
        .map(|line| ProofLine {
            what: line.title.clone(),
            source: line.state.word().to_owned(),
            target: line.text.clone(),
            equal: line.state.ended(),
        })
        .collect();
    Outcome {
        source: total,
        converted: total,
        unchanged: 0,
        quarantined: 0,
        proof,
        summary: format!(
            "MAOS serves; {} caught up, {} steps proved.{gap}",
            plural(caught_up, "row", "rows"),
            count(total)
        ),
        artifacts: Vec::new(),
    }
}
