//! `rollback return`: a finished rollback is taken back by name.

use serde_json::Value;

use super::rollback::{gather, lines, name_of};
use super::{Prepared, World};
use crate::engine::capability::Capability;
use crate::engine::error::{Error, Result};
use crate::engine::item::{Item, ItemState, Items};
use crate::engine::operation::{Control, Outcome, ProofLine};
use crate::engine::rollback::{Forth, Params, Place, forth_steps};
use crate::engine::snapshot::Activity;
use crate::engine::steps::{self, Heading, Run, RunId, run_of, unfinished, untold};
use crate::engine::text::{count, plural};

/// The run of the rollback that was done last, with what was decided for it.
pub(super) fn last(before: &Items) -> Option<(RunId, Params)> {
    let ended = |line: &std::sync::Arc<Item>| matches!(line.state, ItemState::Done | ItemState::Skipped);
    let run = run_of(before).filter(|_| !before.all().is_empty() && before.all().iter().all(ended))?;
    let params = serde_json::from_value(run.params.clone()).ok()?;
    Some((run, params))
}

/// The rollback in `before`, as something to be taken back; `None` where none is done.
pub(super) fn forth(
    place: Place,
    before: &Items,
    kept: String,
    run: String,
    runs: Option<bool>,
) -> Option<Forth> {
    let (rollback, params) = last(before)?;
    Some(Forth {
        place: Place {
            run: rollback.id,
            params,
            ..place
        },
        before: before.clone(),
        kept,
        run,
        runs,
    })
}

/// Plans it.
///
/// # Errors
/// Nothing to take back, or what stands in the way.
pub(super) async fn prepare(world: World) -> Result<Prepared> {
    let own = lines(&world, "return");
    let stopped = world
        .snapshot
        .steps
        .get(&Capability::Rollback)
        .is_some_and(|step| step.activity == Activity::Stopped && step.verb == "return");
    let going = unfinished(&own).or_else(|| {
        let run = untold(&own).filter(|_| stopped)?;
        Some((run, Heading::Forward))
    });
    let known = gather(&world).await?;
    let target = name_of(&known.place);
    let (id, kept) = if let Some((run, _)) = &going {
        let kept = run.params.get("kept").and_then(Value::as_str);
        (run.id.clone(), kept.unwrap_or_default().to_owned())
    } else {
        let begun = steps::begins(world.now, &own);
        let kept = known.place.live.as_ref().map_or_else(String::new, |live| {
            live.named(&format!("back_{}", begun.strftime("%m%d_%H%M%S")))
        });
        (steps::name_of(begun), kept)
    };
    let nothing = || Error::blocked("no rollback is done that could be taken back");
    if known.going.is_some() && going.is_none() {
        return Err(Error::blocked(
            "a rollback was interrupted; finish it, or keep the present state",
        ));
    }
    let runs = match &going {
        Some((run, _)) => run.params.get("runs").and_then(Value::as_bool),
        None => known.place.runs().await,
    };
    let forth = forth(known.place, &known.before, kept, id, runs).ok_or_else(nothing)?;
    if going.is_none()
        && let Some(error) = forth.blocked().await?
    {
        return Err(error);
    }
    Ok(Prepared {
        plan: forth.plan(&target, going.is_some()),
        live: None,
        run: Box::new(move |control| Box::pin(run(forth, own, control))),
    })
}

async fn run(forth: Forth, own: Items, control: Control) -> Result<Outcome> {
    let rolled_back = forth.place.run.clone();
    let run = Run {
        steps: forth_steps(&forth),
        id: RunId {
            id: forth.run.clone(),
            params: serde_json::json!({"kept": forth.kept, "of": rolled_back, "runs": forth.runs}),
        },
        world: std::sync::Arc::new(forth),
        points: "return",
        holds: false,
    };
    let lines = run.go(&own, &control).await?;
    let rows = lines
        .iter()
        .find(|line| line.key == "proof")
        .and_then(|line| line.data.get("memo")?.get("rows")?.as_u64())
        .unwrap_or(0);
    Ok(Outcome {
        source: rows,
        converted: rows,
        unchanged: 0,
        quarantined: 0,
        proof: vec![ProofLine {
            what: "rows that came since the rollback, exported".to_owned(),
            source: count(rows),
            target: count(rows),
            equal: true,
        }],
        summary: format!(
            "Rollback {rolled_back} is taken back; {} exported",
            plural(rows, "row that came since is", "rows that came since are")
        ),
        artifacts: Vec::new(),
    })
}
