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

/// What becomes of the rows that are not as in the backup, as counted until now.
fn rows(place: &Place, preflight: &Preflight) -> Vec<Effect> {
    let counted = |act: &str, count: Option<u64>, what: String| Effect {
        count,
        ..Effect::so_far(act, 0, what)
    };
    let since = preflight.newer.as_ref();
    let new = since.map(|since| since.new);
    let mut effects = vec![match (place.params.rows, place.params.mode) {
        (NewRows::Export, _) => counted(
            "export",
            new,
            "rows that exist only in MAOS, to rollback/".to_owned(),
        ),
        (NewRows::Carry, Mode::Legacy) => counted(
            "carry",
            new,
            format!("rows that exist only in MAOS back to {}", place.legacy_table),
        ),
        (NewRows::Carry, Mode::Maos) => counted(
            "carry",
            new,
            "rows that exist only in MAOS into what is restored".to_owned(),
        ),
    }];
    let others = since.map_or((0, 0), |since| (since.changed, since.gone));
    if others.0 > 0 {
        let what = match others.0 {
            1 => "row that changed since the backup, as it is now, to rollback/",
            _ => "rows that changed since the backup, as they are now, to rollback/",
        };
        effects.push(Effect::so_far("export", others.0, what));
    }
    if others.1 > 0 {
        let what = match others.1 {
            1 => "row that was deleted since the backup: it comes back",
            _ => "rows that were deleted since the backup: they come back",
        };
        effects.push(Effect::so_far("return", others.1, what));
    }
    effects
}

/// Counts that change while MAOS still runs are told and identify nothing: at night nobody reads a plan anew because of a row. The
/// step counts again.
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
    effects.extend(rows(place, preflight));
    if place.params.shared && place.params.mode == Mode::Legacy && place.restores() {
        effects.push(Effect::plain(
            "leave",
            format!(
                "what legacy wrote since the backup in {}; the backup does not have it",
                place.params.old
            ),
        ));
    }
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
    let mut choices: Vec<String> = preflight.steps.iter().map(|(key, ..)| key.clone()).collect();
    choices.push(format!("rows {}", place.params.rows.word()));
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
