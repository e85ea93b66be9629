//! From the snapshot to the report's model: nothing but a fold of the journal, so that equal journals give equal reports.

use super::measured::{Comparison, Validation};
use super::model::{Artifact, Counts, Journal, Part, PartState, QuarantineGroup, Report, Signed};
use super::monitoring;
use crate::engine::capability::Capability;
use crate::engine::journey;
use crate::engine::readiness::Readiness;
use crate::engine::snapshot::{Activity, Snapshot, Step};
use crate::engine::tasks::submit::VERB;
use crate::engine::text;
use crate::engine::validate::Catalogue;
use crate::engine::workspace::{Environment, Settings};

/// The report of a migration. `catalogue` names the tests of the validation, `zone` the zone that times are written in (IANA).
#[must_use]
pub fn gather(snapshot: &Snapshot, settings: &Settings, catalogue: &Catalogue, zone: String) -> Report {
    let kind = snapshot
        .migration
        .map_or("not chosen", |kind| kind.title())
        .to_owned();
    let (events, as_of) = snapshot.told.unwrap_or_default();
    Report {
        product: format!("maos-migrate {}", env!("CARGO_PKG_VERSION")),
        migration: snapshot.name.clone(),
        kind,
        environment: snapshot.environment.word().to_owned(),
        rehearsal: snapshot.environment == Environment::Rehearsal,
        asked: asked(settings),
        parts: parts(snapshot),
        signed: signed(snapshot),
        quarantine: QuarantineGroup::of(snapshot.aside()),
        readiness: snapshot
            .readiness
            .as_ref()
            .map(|(_, readiness)| Readiness::clone(readiness)),
        comparison: snapshot
            .steps
            .get(&Capability::Compare)
            .and_then(|step| Comparison::of(step, settings.driving.compare.minimum_pairs)),
        validation: snapshot
            .steps
            .get(&Capability::Validate)
            .and_then(|step| Validation::of(step, catalogue)),
        rollback: super::rollback::went_back(snapshot),
        monitoring: snapshot.monitor.as_deref().and_then(monitoring::of),
        artifacts: artifacts(snapshot),
        journal: Journal {
            events,
            first: snapshot.first,
            last: snapshot.told.map(|(_, at)| at),
            gaps: Vec::new(),
        },
        as_of,
        zone,
    }
}

fn asked(settings: &Settings) -> Vec<(String, String)> {
    let mut asked = Vec::new();
    let mut say = |label: &str, text: Option<String>| {
        asked.push((label.to_owned(), text.unwrap_or_else(|| "not named".to_owned())));
    };
    say(
        "Legacy tasks",
        settings.tasks.as_ref().map(|named| named.written.clone()),
    );
    say(
        "Legacy configuration",
        settings.config.as_ref().map(|named| named.written.clone()),
    );
    say(
        "Legacy checkpoints",
        settings.checkpoints.as_ref().map(|named| named.written.clone()),
    );
    say(
        "Legacy database",
        settings
            .source
            .as_ref()
            .map(|database| database.url.shown.clone()),
    );
    say(
        "Target database",
        settings
            .target
            .as_ref()
            .map(|database| database.url.shown.clone()),
    );
    say("MAOS", settings.maos.clone());
    asked
}

fn parts(snapshot: &Snapshot) -> Vec<Part> {
    journey::steps(snapshot.migration)
        .iter()
        .filter(|capability| !matches!(capability, Capability::Start | Capability::Report))
        .map(|capability| part(snapshot, *capability))
        .collect()
}

fn part(snapshot: &Snapshot, capability: Capability) -> Part {
    let step = snapshot.step(capability);
    let (state, outcome) = state(snapshot, capability, &step);
    let watch = snapshot
        .monitor
        .as_deref()
        .filter(|_| capability == Capability::Monitor);
    let (state, mut outcome) = watch.map_or((state, outcome), monitoring::stands);
    let counts = step
        .outcome
        .as_ref()
        .filter(|outcome| outcome.source > 0)
        .and_then(|outcome| {
            Some(Counts {
                unit: unit(capability)?.to_owned(),
                source: outcome.source,
                converted: outcome.converted,
                unchanged: outcome.unchanged,
                quarantined: outcome.quarantined,
            })
        });
    let evidence = match capability {
        Capability::Readiness => "journal".to_owned(),
        Capability::Monitor if watch.is_some() => crate::engine::monitor::document::FILE.to_owned(),
        _ => step
            .outcome
            .as_ref()
            .and_then(|outcome| outcome.artifacts.first().cloned())
            .unwrap_or_else(|| {
                if step.activity == Activity::Idle {
                    String::new()
                } else {
                    "journal".to_owned()
                }
            }),
    };
    let mut proof = step.outcome.map(|outcome| outcome.proof).unwrap_or_default();
    // What MAOS made of the converted tasks stands beside their conversion.
    if capability == Capability::Tasks
        && let Some(given) = step.outcomes.get(VERB)
    {
        outcome = format!(
            "{}. {}.",
            outcome.trim_end_matches('.'),
            given.summary.trim_end_matches('.')
        );
        proof.extend(given.proof.iter().cloned());
    }
    Part {
        capability,
        state,
        outcome,
        evidence,
        by: step
            .approved_by
            .clone()
            .or_else(|| watch.map(|watch| watch.begin.by.clone()))
            .unwrap_or_default(),
        at: watch
            .and_then(crate::engine::monitor::Watch::last_at)
            .or(step.ended)
            .or(step.started),
        counts,
        proof,
    }
}

fn state(snapshot: &Snapshot, capability: Capability, step: &Step) -> (PartState, String) {
    let summary = || {
        step.outcome
            .as_ref()
            .map_or_else(String::new, |outcome| outcome.summary.clone())
    };
    let so_far = || {
        step.progress
            .as_ref()
            .map_or_else(String::new, |progress| match progress.total {
                Some(total) => format!(
                    " at {} of {} {}",
                    text::count(progress.done),
                    text::count(total),
                    progress.unit
                ),
                None => format!(" after {} {}", text::count(progress.done), progress.unit),
            })
    };
    if capability == Capability::Readiness
        && let Some((_, readiness)) = &snapshot.readiness
    {
        return (
            PartState::Done,
            format!(
                "{} of {}, {}",
                readiness.score,
                readiness.max,
                readiness.band.name().replace('_', " ")
            ),
        );
    }
    match step.activity {
        Activity::Idle if step.undone.is_some() => (PartState::NotRun, "undone by the rollback".to_owned()),
        Activity::Idle => (PartState::NotRun, "not run".to_owned()),
        Activity::Done => (PartState::Done, summary()),
        Activity::DoneWithQuarantine => (PartState::DoneWithQuarantine, summary()),
        Activity::Failed => (
            PartState::Failed,
            step.error
                .as_ref()
                .map_or_else(|| "failed".to_owned(), |error| error.message.clone()),
        ),
        Activity::Stopped | Activity::Running | Activity::Paused | Activity::Stopping => {
            (PartState::Stopped, format!("stopped{}", so_far()))
        }
    }
}

/// What a step's counts count.
const fn unit(capability: Capability) -> Option<&'static str> {
    match capability {
        Capability::Tasks => Some("tasks"),
        Capability::Config => Some("keys"),
        Capability::Checkpoints => Some("files"),
        Capability::Schema => Some("rows"),
        _ => None,
    }
}

fn signed(snapshot: &Snapshot) -> Vec<Signed> {
    snapshot
        .approvals
        .iter()
        .filter(|approved| approved.capability != Capability::Report)
        .map(|approved| Signed {
            capability: approved.capability,
            title: approved.title.clone(),
            digest: approved.approval.digest.clone(),
            operator: approved.approval.operator.clone(),
            at: approved.approval.at,
        })
        .collect()
}

fn artifacts(snapshot: &Snapshot) -> Vec<Artifact> {
    snapshot
        .artifacts
        .iter()
        .filter(|(path, _)| !path.starts_with("report/"))
        .map(|(path, artifact)| Artifact {
            path: path.clone(),
            bytes: artifact.bytes,
            sha256: artifact.sha256.clone(),
        })
        .collect()
}
