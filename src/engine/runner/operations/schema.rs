//! `schema apply|undo`: the rows of the workspace's legacy database to its target.

use std::sync::Arc;

use super::{Prepared, World};
use crate::engine::capability::Capability;
use crate::engine::error::{Error, Result};
use crate::engine::operation::Control;
use crate::engine::ports::store::Table;
use crate::engine::schema::mapping::fold;
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
    for (subject, choice) in &decisions {
        remap(&mut request.mapping, subject, choice)?;
    }
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

/// Applies one edit of the mapping: `map:status:archived` names a value (folded), `empty:status` the absent one; the choice is
/// the task value, or `quarantine`. Other subjects change nothing here.
///
/// # Errors
/// A field that has no mapping, or a choice that is no text.
fn remap(mapping: &mut Mapping, subject: &str, choice: &serde_json::Value) -> Result<()> {
    let wrong = || Error::input(format!("the decision {subject} cannot be applied to the mapping"));
    let (field, value) = if let Some(rest) = subject.strip_prefix("map:") {
        let (field, value) = rest.split_once(':').ok_or_else(wrong)?;
        (field, Some(fold(value)))
    } else if let Some(field) = subject.strip_prefix("empty:") {
        (field, None)
    } else {
        return Ok(());
    };
    let to = choice.as_str().ok_or_else(wrong)?.to_owned();
    let (values, empty) = match field {
        "category" => (&mut mapping.category.values, &mut mapping.category.empty),
        "priority" => (&mut mapping.priority.values, &mut mapping.priority.empty),
        "status" => {
            // Running rows are decided about as a whole, never mapped one value at a time.
            if value
                .as_deref()
                .is_some_and(|value| mapping.status.running.iter().any(|word| word == value))
            {
                return Err(wrong());
            }
            (&mut mapping.status.values, &mut mapping.status.empty)
        }
        _ => return Err(wrong()),
    };
    match value {
        Some(value) => {
            values.insert(value, to);
        }
        None => *empty = to,
    }
    Ok(())
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

/// Refuses while MAOS serves: what the copy wrote is its own then.
fn not_handed_over(world: &World) -> Result<()> {
    let cutover = world.snapshot.step(Capability::Cutover);
    if cutover.activity.is_done() && cutover.undone.is_none() {
        return Err(Error::blocked("the cut over is done: MAOS works on these rows")
            .hint("The way back is a rollback."));
    }
    Ok(())
}

/// Plans the copy.
///
/// # Errors
/// What [`schema::plan()`] refuses, or what still needs a decision.
pub(super) async fn apply(world: World, control: Control) -> Result<Prepared> {
    not_handed_over(&world)?;
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
    not_handed_over(&world)?;
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
/// What [`schema::plan()`] refuses.
pub async fn census(world: World, control: Control) -> Result<Arc<schema::Prepared>> {
    let (request, stores) = (request(&world)?, stores(&world)?);
    schema::plan(&request, &stores, &control).await.map(Arc::new)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::engine::ports::store::{Fate, Reason};

    #[test]
    fn an_edit_of_the_mapping_changes_one_value_and_nothing_else() {
        let mut mapping = Mapping::shipped().unwrap();
        let before = mapping.clone();
        remap(&mut mapping, "map:status:Archived ", &json!("COMPLETED")).unwrap();
        assert_eq!(
            mapping.status(Some("archived"), None),
            Fate::Becomes("COMPLETED".to_owned(), false)
        );
        assert_eq!(
            mapping.status(Some("other"), None),
            Fate::Quarantine(Reason::UnknownStatus)
        );
        assert_ne!(
            mapping.digest(None),
            before.digest(None),
            "the plan's digest sees it"
        );
        remap(&mut mapping, "map:priority:low", &json!("quarantine")).unwrap();
        assert!(matches!(mapping.priority(Some("LOW")), Fate::Quarantine(_)));
        remap(&mut mapping, "empty:priority", &json!("HIGH")).unwrap();
        assert_eq!(mapping.priority(None), Fate::Becomes("HIGH".to_owned(), false));
        remap(&mut mapping, "map:category:a:b", &json!("coding")).unwrap();
        assert_eq!(
            mapping.category(Some("a:b")),
            Fate::Becomes("coding".to_owned(), false)
        );
    }

    #[test]
    fn an_edit_that_means_nothing_is_refused() {
        let mut mapping = Mapping::shipped().unwrap();
        for (subject, choice) in [
            ("map:status:running", json!("QUEUED")),
            ("map:owner:x", json!("y")),
            ("map:status", json!("QUEUED")),
            ("map:status:x", json!(4)),
        ] {
            assert!(remap(&mut mapping, subject, &choice).is_err(), "{subject}");
        }
        remap(&mut mapping, "running", &json!("claim")).unwrap();
        assert_eq!(mapping, Mapping::shipped().unwrap());
    }
}
