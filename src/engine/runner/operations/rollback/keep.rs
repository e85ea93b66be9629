//! `rollback keep`: an interrupted rollback is given up, what it did is taken back.

use super::super::{Prepared, World};
use super::{Known1, gather, name_of, runner};
use crate::engine::capability::Capability;
use crate::engine::error::{Error, Result};
use crate::engine::item::ItemState;
use crate::engine::operation::{Control, Effect, Outcome, Plan};
use crate::engine::rollback;
use crate::engine::text;

/// Gives up an interrupted rollback.
pub(super) async fn keep(world: World) -> Result<Prepared> {
    let Known1 {
        place, before, going, ..
    } = gather(&world).await?;
    let Some((run, _)) = going else {
        return Err(Error::blocked(
            "no rollback was interrupted; there is nothing to give up",
        ));
    };
    let (reached, operator) = (before.clone(), world.operator.clone());
    let effects: Vec<Effect> = rollback::steps(&place.params, place.maos.is_some())
        .iter()
        .rev()
        .filter(|step| {
            reached.get(step.key()).is_some_and(|line| {
                matches!(
                    line.state,
                    ItemState::Done | ItemState::Running | ItemState::Failed
                )
            })
        })
        .filter_map(|step| Some(Effect::plain("undo", step.way_back()?.to_owned())))
        .collect();
    let count = effects.len() as u64;
    let plan = Plan {
        capability: Capability::Rollback,
        verb: "keep".to_owned(),
        title: format!("Keep the present state, give up rollback {}", run.id),
        target: name_of(&place),
        effects,
        undo: Some("roll back again".to_owned()),
        needs_approval: true,
        basis: vec![run.id.clone()],
        digest: String::new(),
    }
    .sealed();
    Ok(Prepared {
        plan,
        live: None,
        run: Box::new(move |control| {
            Box::pin(async move {
                let (_, run) = runner(place, "rollback", false);
                let told = relayed(&control);
                let why = Error::interrupted(format!("{operator} keeps the present state"));
                let failure = run.take_back(&before, why, &told).await;
                if failure.stuck.is_some() {
                    return Err(Error::from(failure));
                }
                let taken = failure.taken_back.len() as u64;
                Ok(Outcome {
                    source: count,
                    converted: count,
                    unchanged: count.saturating_sub(taken),
                    quarantined: 0,
                    proof: Vec::new(),
                    summary: format!(
                        "The present state is kept; {} taken back",
                        text::plural(taken, "step", "steps")
                    ),
                    artifacts: Vec::new(),
                })
            })
        }),
    })
}

/// A control that ends nothing half-way.
fn relayed(control: &Control) -> Control {
    let told = control.clone();
    Control::new(move |notice| told.notice(notice))
}
