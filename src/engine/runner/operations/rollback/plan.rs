//! The plan of a rollback: its effects in the order in which they happen.

use super::super::Prepared;
use super::name_of;
use crate::engine::backup;
use crate::engine::capability::Capability;
use crate::engine::operation::{Effect, Outcome, Plan};
use crate::engine::rollback::{Mode, NewRows, Place, Preflight};
use crate::engine::steps::{Heading, RunId};

pub(super) fn nothing(place: &Place) -> Prepared {
    let summary = "Rolled back already; nothing to do".to_owned();
    let outcome = Outcome {
        source: 0,
        converted: 0,
        unchanged: 0,
        quarantined: 0,
        proof: Vec::new(),
        summary: summary.clone(),
        artifacts: Vec::new(),
    };
    Prepared {
        plan: Plan {
            capability: Capability::Rollback,
            verb: "apply".to_owned(),
            title: summary,
            target: name_of(place),
            effects: Vec::new(),
            undo: Some("nothing is changed".to_owned()),
            needs_approval: false,
            basis: Vec::new(),
            digest: String::new(),
        }
        .sealed(),
        live: None,
        run: Box::new(move |_| Box::pin(async move { Ok(outcome) })),
    }
}

/// The plan holds no count that changes while MAOS still runs: at night nobody reads a plan anew because of a row. The rows that
/// exist only on the new side are counted in the pre-flight, and again by the step itself.
pub(super) fn apply_plan(place: &Place, preflight: &Preflight, going: Option<&(RunId, Heading)>) -> Plan {
    let name = name_of(place);
    let mut effects = Vec::new();
    let title = match going {
        Some((run, Heading::Back)) => format!("Finish taking back rollback {}", run.id),
        Some((run, Heading::Forward | Heading::Held)) => format!("Go on with rollback {}", run.id),
        None => format!("Roll back {name}"),
    };
    if place.maos.is_some() {
        effects.push(Effect::plain("stop", "MAOS: asked for 120 s, then ended"));
    }
    if let Some(backup) = &place.backup {
        let rows = backup
            .manifest
            .as_ref()
            .map(backup::Manifest::rows)
            .or_else(|| backup.verification.as_ref().map(|found| found.rows))
            .unwrap_or(0);
        effects.push(Effect::counted(
            "restore",
            rows,
            format!("rows from backup {} into {}", backup.id, place.params.new),
        ));
    }
    let rows = match (place.params.rows, place.params.mode) {
        (NewRows::Export, _) => Effect::plain("export", "rows that exist only in MAOS, to rollback/"),
        (NewRows::Carry, Mode::Legacy) => Effect::plain(
            "carry",
            format!("rows that exist only in MAOS back to {}", place.legacy_table),
        ),
        (NewRows::Carry, Mode::Maos) => {
            Effect::plain("carry", "rows that exist only in MAOS into what is restored")
        }
    };
    effects.push(rows);
    if place.restores() {
        effects.push(Effect::plain(
            "rename",
            format!(
                "{name} to {}, kept until you drop it; {} to {name}",
                place.params.old, place.params.new
            ),
        ));
        effects.push(Effect::plain(
            "replace",
            "configuration and checkpoints; what is there is kept beside",
        ));
    }
    match place.params.mode {
        Mode::Maos if place.maos.is_some() => {
            effects.push(Effect::plain(
                "start",
                "MAOS in the version of the backup, wait until it is ready",
            ));
        }
        Mode::Legacy if !place.params.restore_only => {
            effects.push(Effect::plain("open", "the legacy system, wait until it answers"));
        }
        Mode::Maos | Mode::Legacy => {}
    }
    effects.push(Effect::plain("prove", "mark, rows, files and version"));
    // A backup without a manifest is known by what its verification was bound to.
    let verified = || Some(place.backup.as_ref()?.verification.as_ref()?.manifest.clone());
    let manifest = place
        .manifest()
        .map(|manifest| manifest.sha256.clone())
        .or_else(verified);
    // Only in the names: a backup made in the same second has the same digits in its own.
    let timeless = |what: &str| {
        [&place.params.new, &place.params.old]
            .into_iter()
            .filter(|name| !name.is_empty())
            .fold(what.to_owned(), |what, name| {
                what.replace(name.as_str(), &name.replace(&place.params.stamp, "<time>"))
            })
    };
    let choices: Vec<String> = preflight.steps.iter().map(|(key, ..)| key.clone()).collect();
    Plan {
        capability: Capability::Rollback,
        verb: "apply".to_owned(),
        title,
        target: name,
        // The names of a run hold its second; what identifies it is the backup and what is done.
        effects: effects
            .into_iter()
            .map(|effect| Effect {
                what: timeless(&effect.what),
                ..effect
            })
            .collect(),
        undo: None,
        needs_approval: true,
        basis: manifest.into_iter().chain(choices).collect(),
        digest: String::new(),
    }
    .sealed()
}
