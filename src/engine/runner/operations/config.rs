//! `config apply`: the legacy configuration of the workspace to `config/maos_config.yml`.

use secrecy::SecretString;

use super::{Prepared, World, blocking, relative};
use crate::engine::capability::Capability;
use crate::engine::config::{self, Decisions, OutputFormat, Profile, Request};
use crate::engine::error::{Error, Result};
use crate::engine::operation::Control;

/// The request that settings and decisions of a workspace make.
///
/// # Errors
/// A source file that is not there, a profile or format that is not known.
pub fn request(world: &World) -> Result<Request> {
    if let Some(named) = &world.settings.config {
        named.must_exist()?;
    }
    let format = OutputFormat::named(&world.settings.tuning.config_format)?;
    let extension = if format == OutputFormat::Json {
        "json"
    } else {
        "yml"
    };
    let profile = Profile::named(&world.settings.tuning.profile)?;
    let map_name = format!("config/{}.map.yml", world.settings.tuning.profile);
    Ok(Request {
        source: world.settings.config.as_ref().map(|named| named.path.clone()),
        out: world.workspace.path(format!("config/maos_config.{extension}")),
        format,
        profile,
        map: world.workspace.own_asset(&map_name)?.map(|text| (map_name, text)),
        forgotten: forgotten(world),
        decisions: decisions(world),
        require_decisions: world.interactive,
    })
}

/// The variables of the secrets that the journal says were set.
fn set_secrets(world: &World) -> Vec<String> {
    let step = world.snapshot.step(Capability::Config);
    let subjects = step.decisions.keys();
    subjects
        .filter_map(|subject| subject.strip_prefix("secret:").map(str::to_owned))
        .collect()
}

/// Those of them that this session does not know.
fn forgotten(world: &World) -> Vec<String> {
    let mut names = set_secrets(world);
    names.retain(|name| !world.secrets.contains_key(name));
    names
}

/// Decisions of the operator: `choice:KEY` is the number of a conflict's choice, `edit:KEY` a new value; `secret:NAME`
/// says that a secret was set, whose value this session keeps.
fn decisions(world: &World) -> Decisions {
    let step = world.snapshot.step(Capability::Config);
    let mut decisions = Decisions {
        environment: config::environment(),
        ..Decisions::default()
    };
    for (subject, choice) in &step.decisions {
        if let Some(key) = subject.strip_prefix("choice:")
            && let Some(number) = choice.as_u64().and_then(|n| usize::try_from(n).ok())
        {
            decisions.choices.insert(key.to_owned(), number);
        }
        if let Some(key) = subject.strip_prefix("edit:")
            && let Some(text) = choice.as_str()
        {
            decisions
                .edits
                .insert(key.to_owned(), SecretString::from(text.to_owned()));
        }
    }
    for name in set_secrets(world) {
        if let Some(value) = world.secrets.get(&name) {
            decisions.edits.insert(name, value.clone());
        }
    }
    decisions
}

/// Plans the conversion.
///
/// # Errors
/// What [`config::plan`] refuses.
pub(super) async fn apply(world: World, control: Control) -> Result<Prepared> {
    let prepared = blocking(move || {
        let request = request(&world)?;
        Ok((config::plan(&request, &control)?, world))
    })
    .await?;
    let (prepared, world) = prepared;
    if let Some(why) = &prepared.blocked {
        return Err(Error::blocked(why.clone()).hint("Choose a value for each, then write."));
    }
    let mut plan = prepared.plan.clone();
    plan.capability = Capability::Config;
    Ok(Prepared {
        plan,
        live: None,
        run: Box::new(move |control| {
            Box::pin(blocking(move || {
                let outcome = config::apply(&prepared, world.now, &control)?;
                Ok(relative(outcome, &world.workspace))
            }))
        }),
    })
}
