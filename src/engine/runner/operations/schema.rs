//! `schema apply|undo`: the rows of the workspace's legacy database to its target.

use std::sync::Arc;

use super::{Prepared, World};
use crate::engine::capability::Capability;
use crate::engine::error::{Error, Result};
use crate::engine::operation::Control;
use crate::engine::ports::store::Table;
use crate::engine::schema::{self, Live, Mapping, Request, Running, Stores};
use crate::engine::workspace::SETTINGS_FILE;
use crate::engine::workspace::settings::{Database, RunningRows};

/// The workspace's own mapping of values.
const MAPPING: &str = "schema/mapping.yml";

/// The request that settings and decisions of a workspace make.
///
/// # Errors
/// A wrong mapping in the workspace.
pub fn request(world: &World) -> Result<Request> {
    let mut request = Request::new(format!("{} on {}", world.operator, world.host))?;
    request.source_table = Table::parse(&world.settings.tuning.source_table);
    request.target_table = Table::parse(&world.settings.tuning.target_table);
    if let Some(text) = world.workspace.own_asset(MAPPING)? {
        request.mapping = Mapping::parse(MAPPING, &text)?;
    }
    let decisions = world.snapshot.step(Capability::Schema).decisions;
    request.running = match decisions.get("running").and_then(|choice| choice.as_str()) {
        Some("drain") => Some(Running::Drain),
        Some("claim") => Some(Running::Claim),
        Some("keep") => Some(Running::Keep),
        _ => world.settings.tuning.running_rows.map(|rows| match rows {
            RunningRows::Drain => Running::Drain,
            RunningRows::Claim => Running::Claim,
            RunningRows::Keep => Running::Keep,
        }),
    };
    Ok(request)
}

/// The two databases that the settings name.
///
/// # Errors
/// One that is not named, or a URL that cannot be read.
pub fn stores(world: &World) -> Result<Stores> {
    let named = |database: &Option<Database>, key: &str| {
        database.clone().ok_or_else(|| {
            Error::input(format!("{key} is not named")).hint(format!("Add it to {SETTINGS_FILE}."))
        })
    };
    let source = named(&world.settings.source, "sources.database")?;
    let target = named(&world.settings.target, "target.database")?;
    Ok(Stores {
        source: world.ports.stores.open(&source.url.value, false)?,
        target: world.ports.stores.open(&target.url.value, true)?,
    })
}

/// Plans the copy.
///
/// # Errors
/// What [`schema::plan`] refuses, or what still needs a decision.
pub(super) async fn apply(world: World, control: Control) -> Result<Prepared> {
    let (request, stores) = (request(&world)?, stores(&world)?);
    let prepared = schema::plan(&request, &stores, &control).await?;
    prepared.ready()?;
    let (now, live) = (world.now, Live::default());
    Ok(Prepared {
        plan: prepared.plan.clone(),
        live: Some(live.clone()),
        run: Box::new(move |control| {
            Box::pin(async move {
                let applied = schema::apply(&prepared, &stores, now, &control, &live).await?;
                Ok(applied.outcome)
            })
        }),
    })
}

/// Plans the way back.
///
/// # Errors
/// There is no run to take back, or rows were changed since.
pub(super) async fn undo(world: World, control: Control) -> Result<Prepared> {
    let (request, stores) = (request(&world)?, stores(&world)?);
    let prepared = schema::plan(&request, &stores, &control).await?;
    let undo = schema::undo_plan(&prepared, &stores, &control).await?;
    undo.ready()?;
    let live = Live::default();
    Ok(Prepared {
        plan: undo.plan.clone(),
        live: Some(live.clone()),
        run: Box::new(move |control| {
            Box::pin(async move {
                let (outcome, _) = schema::undo(&prepared, &undo, &stores, &control, &live).await?;
                Ok(outcome)
            })
        }),
    })
}

/// What the census screen shows.
///
/// # Errors
/// What [`schema::plan`] refuses.
pub async fn census(world: World, control: Control) -> Result<Arc<schema::Prepared>> {
    let (request, stores) = (request(&world)?, stores(&world)?);
    schema::plan(&request, &stores, &control).await.map(Arc::new)
}
