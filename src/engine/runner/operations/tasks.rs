//! `tasks apply`: the legacy tasks of the workspace to `tasks/maos_tasks.json`; and what the Tasks screen reads.

use std::sync::Arc;

use super::{Prepared, World, blocking, relative};
use crate::engine::capability::Capability;
use crate::engine::error::{Error, Result};
use crate::engine::operation::Control;
use crate::engine::tasks::convert::{self, Accepted, Dialect, Policy, Request, Targets, WhenBroken};
use crate::engine::tasks::input::Records;
use crate::engine::tasks::rules::Rules;
use crate::engine::tasks::view::View;
use crate::engine::workspace::SETTINGS_FILE;
use crate::engine::workspace::settings::Named;

/// The workspace's own words, beside those of the rules.
const WORDS: &str = "tasks/rules.yml";

/// What the Tasks screen draws: the list, the rules that made it, and the plans that a person accepted.
#[derive(Debug, Clone)]
pub struct TasksReading {
    /// The list.
    pub view: Arc<View>,
    /// The rules, for plans made on the screen.
    pub rules: Arc<Rules>,
    /// Plans that a person accepted.
    pub accepted: Arc<Accepted>,
}

fn input(world: &World) -> Result<&Named> {
    let Some(named) = &world.settings.tasks else {
        return Err(Error::input("no file of legacy tasks is named")
            .hint(format!("Add sources.tasks to {SETTINGS_FILE}.")));
    };
    named.must_exist()?;
    Ok(named)
}

fn rules(world: &World) -> Result<Arc<Rules>> {
    let words = world.workspace.own_asset(WORDS)?;
    Rules::named(&world.settings.tuning.rules, words.as_deref()).map(Arc::new)
}

/// Plans that a person accepted: decisions `plan:ID`.
fn accepted(world: &World) -> Accepted {
    let step = world.snapshot.step(Capability::Tasks);
    let plans = step.decisions.iter().filter_map(|(subject, choice)| {
        let id = subject.strip_prefix("plan:")?;
        Some((id.to_owned(), serde_json::from_value(choice.clone()).ok()?))
    });
    plans.collect()
}

/// How broken dependencies are met: decisions `missing` and `cycles`, each `block`, `quarantine` or `drop_edge`. A script sets
/// the tasks aside, listed; a person decides.
fn policy(world: &World) -> Policy {
    let step = world.snapshot.step(Capability::Tasks);
    let undecided = if world.interactive {
        WhenBroken::Block
    } else {
        WhenBroken::Quarantine
    };
    let decided = |subject: &str| match step.decisions.get(subject).and_then(|choice| choice.as_str()) {
        Some("block") => WhenBroken::Block,
        Some("quarantine") => WhenBroken::Quarantine,
        Some("drop_edge") => WhenBroken::DropEdge,
        _ => undecided,
    };
    Policy {
        missing: decided("missing"),
        cycles: decided("cycles"),
    }
}

/// Reads the tasks for the screen.
///
/// # Errors
/// A missing or unreadable file, or wrong rules.
pub fn read(world: &World, control: &Control) -> Result<TasksReading> {
    let named = input(world)?;
    let (rules, accepted) = (rules(world)?, Arc::new(accepted(world)));
    let view = View::read(
        &named.written,
        Records::open(&named.path)?,
        &rules,
        &accepted,
        control,
    )?;
    Ok(TasksReading {
        view: Arc::new(view),
        rules,
        accepted,
    })
}

/// Plans the conversion.
///
/// # Errors
/// What [`convert::plan`] refuses.
pub(super) async fn apply(world: World, control: Control) -> Result<Prepared> {
    let prepared = blocking(move || {
        let named = input(&world)?;
        let dialect = match world.settings.tuning.profile.as_str() {
            "reference" => Dialect::Reference,
            "shipped" => Dialect::Shipped,
            _ => Dialect::Guide,
        };
        let request = Request {
            input: named.path.clone(),
            name: named.written.clone(),
            targets: Targets::in_workspace(world.workspace.root()),
            rules: rules(&world)?,
            dialect,
            policy: policy(&world),
            accepted: Arc::new(accepted(&world)),
            started: world.now,
        };
        Ok((convert::plan(&request, &control)?, world))
    })
    .await?;
    let (prepared, world) = prepared;
    Ok(Prepared {
        plan: prepared.plan.clone(),
        live: None,
        run: Box::new(move |control| {
            Box::pin(blocking(move || {
                Ok(relative(convert::apply(&prepared, &control)?, &world.workspace))
            }))
        }),
    })
}
