//! `checkpoints apply`: the legacy checkpoints of the workspace to `checkpoints/migrated/`.

use super::{Prepared, World, blocking, relative};
use crate::engine::capability::Capability;
use crate::engine::checkpoints::{self, Class, ClassMap, Request, Survey};
use crate::engine::error::{Error, Result};
use crate::engine::operation::Control;
use crate::engine::workspace::SETTINGS_FILE;

/// The workspace's own declarations of legacy classes.
const CLASSES: &str = "checkpoints/classes.yml";

/// The request that settings and decisions of a workspace make.
///
/// # Errors
/// No folder named, one that is not there, class declarations that are wrong.
pub fn request(world: &World) -> Result<Request> {
    let Some(named) = &world.settings.checkpoints else {
        return Err(Error::input("no folder of legacy checkpoints is named")
            .hint(format!("Add sources.checkpoints to {SETTINGS_FILE}.")));
    };
    named.must_exist()?;
    let mut request = Request::new(&named.path, world.workspace.path("checkpoints"), world.now);
    if let Some(text) = world.workspace.own_asset(CLASSES)? {
        request.classes = ClassMap::from_yaml(CLASSES, &text)?;
    }
    let step = world.snapshot.step(Capability::Checkpoints);
    // `class:MODULE.NAME` declares a class as the class map would; what is declared here goes before the file.
    for (subject, choice) in &step.decisions {
        if let Some(name) = subject.strip_prefix("class:") {
            let class: Class = serde_json::from_value(choice.clone()).map_err(|error| {
                Error::input(format!("the declaration of {name} cannot be read: {error}"))
            })?;
            request.classes.declare("declared here", name, class)?;
        }
    }
    // `replace:NAME` names a differing result that may be replaced.
    request.replace = step
        .decisions
        .keys()
        .filter_map(|subject| subject.strip_prefix("replace:").map(str::to_owned))
        .collect();
    Ok(request)
}

/// Plans the conversion: every file is read and judged.
///
/// # Errors
/// What [`checkpoints::plan`] refuses.
pub(super) async fn apply(world: World, control: Control) -> Result<Prepared> {
    let prepared = blocking(move || {
        let request = request(&world)?;
        Ok((checkpoints::plan(&request, Survey::Full, &control)?, world))
    })
    .await?;
    let (prepared, world) = prepared;
    Ok(Prepared {
        plan: prepared.plan.clone(),
        live: None,
        run: Box::new(move |control| {
            Box::pin(blocking(move || {
                let applied = checkpoints::apply(&prepared, &control)?;
                Ok(relative(applied.outcome, &world.workspace))
            }))
        }),
    })
}
