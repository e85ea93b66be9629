//! `cutover apply` from the workspace.

use std::sync::Arc;
use std::time::Duration;

use super::{Prepared, World, schema, unknown};
use crate::engine::capability::Capability;
use crate::engine::cutover::{self, LegacySide, Mode, Over};
use crate::engine::error::{Error, Result};
use crate::engine::evidence::Ready;
use crate::engine::operation::{Control, Outcome, ProofLine};
use crate::engine::steps::{self, Run, RunId};
use crate::engine::text::{count, plural};

/// Seconds that running tasks are waited for, unless the settings say otherwise.
const DRAIN_S: u64 = 600;
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

/// What stands in the way, by the journal.
#[must_use]
pub fn ready(world: &World) -> Ready {
    cutover::ready(&world.snapshot, world.now, world.settings.driving.backup.max_age)
}

fn over(world: &World) -> Result<Over> {
    let driving = &world.settings.driving;
    Ok(Over {
        legacy: LegacySide {
            settings: driving.legacy.clone(),
            processes: Arc::clone(&world.ports.processes),
            directory: world.workspace.root().to_owned(),
        },
        maos: world.ports.maos.open(&world.workspace, &world.settings)?,
        request: schema::request(world)?,
        stores: schema::stores(world)?,
        mode: mode(world),
        drain_within: Duration::from_secs(driving.legacy.drain_within.unwrap_or(DRAIN_S)),
        ready_within: Duration::from_secs(driving.maos.ready_within.unwrap_or(READY_S)),
        clock: Arc::clone(&world.ports.clock),
        started: world.now,
    })
}

/// Plans `apply`.
///
/// # Errors
/// What [`cutover::plan`] refuses; a cut over that is done.
pub(super) async fn prepare(world: World, verb: &str, control: Control) -> Result<Prepared> {
    if verb != "apply" {
        return Err(unknown(Capability::Cutover, verb));
    }
    let step = world.snapshot.step(Capability::Cutover);
    if step.activity.is_done() {
        return Err(Error::blocked("the cut over is done: MAOS serves").hint("The way back is a rollback."));
    }
    let over = over(&world)?;
    let plan = cutover::plan(&over, &ready(&world), &world.settings.target_words(), &control).await?;
    let before = step.items.get("apply").cloned().unwrap_or_default();
    let id = steps::unfinished(&before).map_or_else(
        || RunId {
            id: world.now.strftime("%Y%m%d_%H%M%S").to_string(),
            params: serde_json::json!({"mode": over.mode}),
        },
        |(id, _)| id,
    );
    Ok(Prepared {
        plan,
        live: None,
        run: Box::new(move |control| {
            Box::pin(async move {
                let mode = over.mode;
                let run = Run {
                    world: Arc::new(over),
                    steps: cutover::steps(mode),
                    id,
                    points: "cutover",
                    holds: false,
                };
                let lines = run.go(&before, &control).await.map_err(Error::from)?;
                Ok(outcome(&lines))
            })
        }),
    })
}

fn outcome(lines: &[crate::engine::item::Item]) -> Outcome {
    let memo = |key: &str| {
        lines
            .iter()
            .find(|line| line.key == key)
            .map(|line| line.data["memo"].clone())
            .unwrap_or_default()
    };
    let rows = memo("catch_up");
    let caught_up = rows["caught_up"].as_u64().unwrap_or(0);
    let moment = |value: &serde_json::Value| value.as_str()?.parse::<jiff::Timestamp>().ok();
    // Nobody served from the closing to the first figures that MAOS gave.
    let gap = moment(&memo("close")["closed_at"])
        .zip(moment(&memo(cutover::START_SNAPSHOT)["at"]))
        .map_or_else(String::new, |(closed, serves)| {
            let seconds = serves.duration_since(closed).as_secs();
            format!(" The gap was {}:{:02}.", seconds / 60, seconds % 60)
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
