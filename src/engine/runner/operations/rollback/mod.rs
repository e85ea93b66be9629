//! `rollback apply|keep` of the workspace; `rehearse` is in [`super::rehearsing`], `return` in [`super::returning`].

mod keep;
mod known;
mod plan;
mod told;

use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::Value;

use super::{Prepared, World, unknown};
use crate::engine::backup;
use crate::engine::capability::Capability;
use crate::engine::error::{Error, ErrorKind, Result};
use crate::engine::item::Items;
use crate::engine::operation::{Control, Outcome};
use crate::engine::rollback::{self, Place, RollbackResult, rehearse_steps};
use crate::engine::steps::{Heading, Run, RunId, Step, unfinished};

pub use known::preflight;
pub(super) use known::{Known1, gather, lines};

/// The decision about rows that exist only on the new side: `carry` or `export`.
pub const ROWS: &str = "rows";
/// The decision to restore although the legacy system does not start: `restore`.
pub const ONLY: &str = "only";

/// Plans `verb`.
///
/// # Errors
/// A verb that does not exist, or what stands in the way.
pub(super) async fn prepare(world: World, verb: &str, _control: Control) -> Result<Prepared> {
    match verb {
        "apply" => apply(world).await,
        "keep" => keep::keep(world).await,
        "rehearse" => super::rehearsing::prepare(world).await,
        "return" => super::returning::prepare(world).await,
        _ => Err(unknown(Capability::Rollback, verb)),
    }
}

pub(super) fn name_of(place: &Place) -> String {
    place
        .live
        .as_ref()
        .map_or_else(|| place.settings.name.clone(), |live| live.name())
}

async fn apply(world: World) -> Result<Prepared> {
    let Known1 {
        place,
        preflight,
        before,
        going,
    } = gather(&world).await?;
    if unfinished(&lines(&world, "return")).is_some() {
        return Err(Error::blocked("taking back a rollback was interrupted")
            .hint("maos-migrate rollback return goes on from there."));
    }
    if preflight.nothing_to_do {
        return Ok(plan::nothing(&place));
    }
    let back = matches!(&going, Some((_, Heading::Back)));
    if let Some(error) = preflight.blocked.clone().filter(|_| !back) {
        return Err(error);
    }
    let plan = plan::apply_plan(&place, &preflight, going.as_ref());
    let (begun, watched, new) = (Instant::now(), world.interactive, going.is_none());
    Ok(Prepared {
        plan,
        live: None,
        run: Box::new(move |control| {
            Box::pin(async move {
                if new {
                    holds(&place, &control).await?;
                }
                run(place, before, begun, watched, control).await
            })
        }),
    })
}

/// Proves every file of the backup by its hash while everything still runs: names and sizes tell nothing of a flipped bit, and what
/// cannot be restored is no reason to stop MAOS.
async fn holds(place: &Place, control: &Control) -> Result<()> {
    let Some(listed) = &place.backup else {
        return Ok(());
    };
    let found = backup::intact(listed, place.live.as_deref(), control).await;
    found.map_err(|error| match error.kind {
        ErrorKind::Blocked => Error::blocked(format!("{}. Nothing was stopped", error.message))
            .hint("Choose another backup: maos-migrate backup list."),
        _ => error,
    })
}

/// Before the swap, where somebody watches: long enough to press a key, short beside the stop and the start.
const HOLD: Duration = Duration::from_secs(3);

pub(super) fn runner(place: Place, points: &'static str, watched: bool) -> (Arc<Place>, Run<Place>) {
    let steps = if points == "rehearse" {
        rehearse_steps()
    } else {
        let held = |step: Step<Place>| {
            if watched && step.key() == "swap" {
                step.held(HOLD)
            } else {
                step
            }
        };
        let steps = rollback::steps(&place.params, place.maos.is_some());
        steps.into_iter().map(held).collect()
    };
    let id = RunId {
        id: place.run.clone(),
        params: serde_json::to_value(&place.params).unwrap_or(Value::Null),
    };
    let world = Arc::new(place);
    let run = Run {
        world: Arc::clone(&world),
        steps,
        id,
        points,
        holds: false,
    };
    (world, run)
}

async fn run(
    place: Place,
    before: Items,
    begun: Instant,
    watched: bool,
    control: Control,
) -> Result<Outcome> {
    let (place, run) = runner(place, "rollback", watched);
    let done = run.go(&before, &control).await;
    let duration_s = begun.elapsed().as_secs_f64();
    let mut result = RollbackResult {
        success: done.is_ok(),
        duration: duration_s,
        log: Vec::new(),
        health_check: None,
        error: None,
        run: place.run.clone(),
        params: serde_json::to_value(&place.params).unwrap_or(Value::Null),
    };
    match done {
        Ok(lines) => {
            result.log = rollback::log(&lines);
            result.health_check = lines
                .iter()
                .find(|line| line.key == "ready")
                .map(|line| line.text.clone());
            result.write(&place.workspace)?;
            Ok(told::outcome(&place, &lines, duration_s))
        }
        Err(failure) => {
            result.log = rollback::log(&failure.lines);
            Err(told::failed(&place, failure, result))
        }
    }
}
