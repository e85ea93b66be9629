//! Which steps a migration has, and which of them may be entered now. A script gets the same refusal and sentence as the wizard.

use serde::{Deserialize, Serialize};

use super::capability::Capability;
use super::error::Error;
use super::snapshot::{Activity, Snapshot};
use super::workspace::MigrationType;

/// Why a step cannot be entered, and where to go instead.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Locked {
    /// The sentence, without the word `Locked`.
    pub sentence: String,
    /// The step that opens it.
    pub goes_to: Option<Capability>,
}

impl From<Locked> for Error {
    fn from(locked: Locked) -> Self {
        let error = Self::blocked(format!("locked: {}", locked.sentence));
        match locked.goes_to {
            Some(step) => error.hint(format!("First: maos-migrate{}.", command(step))),
            None => error,
        }
    }
}

/// The words after `maos-migrate` that do a step, with a space before them; none for what only the wizard asks.
fn command(step: Capability) -> String {
    use Capability as C;
    match step {
        C::Start => String::new(),
        C::Assess | C::Readiness | C::Compare | C::Validate | C::Report => format!(" {step}"),
        C::Tasks => " tasks convert".to_owned(),
        C::Backup => " backup create".to_owned(),
        C::Monitor => " monitor run".to_owned(),
        C::Environment | C::Config | C::Checkpoints | C::Schema | C::Cutover | C::Upgrade | C::Rollback => {
            format!(" {step} apply")
        }
    }
}

/// The state of a step as the rail shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StepState {
    /// Cannot be entered, and why.
    Locked(Locked),
    /// May be run.
    Ready,
    /// Did something; see the activity.
    Active(Activity),
}

/// The steps of a migration type in order, `Start` first. Without a type, only `Start`.
#[must_use]
pub const fn steps(migration: Option<MigrationType>) -> &'static [Capability] {
    use Capability as C;
    match migration {
        None => &[C::Start],
        Some(MigrationType::Greenfield) => &[
            C::Start,
            C::Assess,
            C::Readiness,
            C::Tasks,
            C::Environment,
            C::Validate,
            C::Monitor,
            C::Report,
        ],
        Some(MigrationType::Brownfield | MigrationType::Hybrid) => &[
            C::Start,
            C::Assess,
            C::Readiness,
            C::Tasks,
            C::Environment,
            C::Config,
            C::Checkpoints,
            C::Schema,
            C::Compare,
            C::Cutover,
            C::Validate,
            C::Monitor,
            C::Report,
        ],
        Some(MigrationType::VersionUpgrade) => &[
            C::Start,
            C::Assess,
            C::Upgrade,
            C::Validate,
            C::Monitor,
            C::Report,
        ],
    }
}

/// Whether the step of `capability` may be entered.
///
/// # Errors
/// [`Locked`] with the reason.
pub fn gate(snapshot: &Snapshot, capability: Capability) -> Result<(), Locked> {
    use Capability as C;
    let locked = |sentence: &str, goes_to: C| {
        Err(Locked {
            sentence: sentence.to_owned(),
            goes_to: Some(goes_to),
        })
    };
    if matches!(capability, C::Start | C::Rollback | C::Backup) {
        return Ok(());
    }
    if let Some(locked) = interrupted_rollback(snapshot, capability) {
        return Err(locked);
    }
    let Some(migration) = snapshot.migration else {
        return locked("The type of this migration is not chosen.", C::Start);
    };
    if !steps(Some(migration)).contains(&capability) {
        return Err(Locked {
            sentence: format!(
                "A {} migration has no step {}.",
                migration.title(),
                capability.title()
            ),
            goes_to: None,
        });
    }
    match capability {
        C::Readiness if snapshot.answers.given.is_empty() => locked("Nothing is answered yet.", C::Assess),
        C::Tasks | C::Environment | C::Config | C::Checkpoints | C::Schema
            if snapshot.readiness.is_none() =>
        {
            locked("Readiness has not been computed.", C::Readiness)
        }
        C::Compare | C::Validate => environment(snapshot, migration),
        C::Cutover if !snapshot.activity(C::Schema).is_done() => locked("Schema is not proved.", C::Schema),
        C::Report => {
            let ran = |c: &&C| {
                let watched = **c == C::Monitor && snapshot.monitor.is_some();
                !matches!(c, C::Start | C::Report) && (watched || snapshot.activity(**c) != Activity::Idle)
            };
            let mut all = steps(Some(migration)).iter().chain(&[C::Rollback]);
            match all.find(ran) {
                Some(_) => Ok(()),
                None => locked("Nothing has run yet. Report has nothing to say.", C::Assess),
            }
        }
        _ => Ok(()),
    }
}

/// The environment must be proved, where the migration makes one: `Environment is not proved (2 of 7).`
fn environment(snapshot: &Snapshot, migration: MigrationType) -> Result<(), Locked> {
    if !steps(Some(migration)).contains(&Capability::Environment) {
        return Ok(());
    }
    super::environment::proved(snapshot).map_err(|(proved, all)| Locked {
        sentence: format!("Environment is not proved ({proved} of {all})."),
        goes_to: Some(Capability::Environment),
    })
}

/// While a rollback is half done, nothing else is begun.
fn interrupted_rollback(snapshot: &Snapshot, capability: Capability) -> Option<Locked> {
    use Capability as C;
    if matches!(capability, C::Assess | C::Readiness | C::Report) {
        return None;
    }
    let items = &snapshot.steps.get(&C::Rollback)?.items;
    let mut runs = ["apply", "return"].into_iter().filter_map(|verb| items.get(verb));
    runs.find_map(super::steps::unfinished)?;
    Some(Locked {
        sentence: "A rollback was interrupted. Finish it, or keep the present state.".to_owned(),
        goes_to: Some(C::Rollback),
    })
}

/// The state of a step.
#[must_use]
pub fn state(snapshot: &Snapshot, capability: Capability) -> StepState {
    let activity = snapshot.activity(capability);
    if activity != Activity::Idle {
        return StepState::Active(activity);
    }
    if capability == Capability::Monitor && snapshot.monitor.as_ref().is_some_and(|watch| watch.on) {
        return StepState::Active(Activity::Running);
    }
    match gate(snapshot, capability) {
        Ok(()) => StepState::Ready,
        Err(locked) => StepState::Locked(locked),
    }
}

/// What was done since `capability` was, so that what it found is no longer told of what is there: the step and when it ended.
#[must_use]
pub fn outdated_by(snapshot: &Snapshot, capability: Capability) -> Option<(Capability, jiff::Timestamp)> {
    if capability != Capability::Validate || !snapshot.activity(capability).is_done() {
        return None;
    }
    let seen = *snapshot
        .steps
        .get(&capability)?
        .outcomes_at
        .get(super::validate::RUN)?;
    [Capability::Cutover, Capability::Upgrade]
        .into_iter()
        .filter_map(|changed| {
            let step = snapshot.steps.get(&changed)?;
            let at = ["apply", "undo"]
                .iter()
                .filter_map(|verb| step.outcomes_at.get(*verb));
            Some((changed, *at.max()?))
        })
        .filter(|(_, at)| *at > seen)
        .max_by_key(|(_, at)| *at)
}

/// The next step after `capability` that this version has.
#[must_use]
pub fn following(snapshot: &Snapshot, capability: Capability) -> Option<Capability> {
    let steps = steps(snapshot.migration);
    let at = steps.iter().position(|c| *c == capability)?;
    steps.get(at + 1).copied()
}

/// The step before `capability`.
#[must_use]
pub fn preceding(snapshot: &Snapshot, capability: Capability) -> Option<Capability> {
    let steps = steps(snapshot.migration);
    let at = steps.iter().position(|c| *c == capability)?;
    at.checked_sub(1).map(|before| steps[before])
}

/// Where a reopened wizard should stand: the step that was interrupted, else the first one that is not done.
#[must_use]
pub fn resume_at(snapshot: &Snapshot) -> Capability {
    let steps = steps(snapshot.migration);
    let unfinished = |c: &&Capability| {
        matches!(
            snapshot.activity(**c),
            Activity::Stopped | Activity::Failed | Activity::Running | Activity::Paused | Activity::Stopping
        )
    };
    if let Some(step) = steps.iter().find(unfinished) {
        return *step;
    }
    steps
        .iter()
        .skip(1)
        .find(|c| !snapshot.activity(**c).is_done())
        .copied()
        .filter(|_| snapshot.seq > 0 && !snapshot.answers.given.is_empty())
        .unwrap_or(Capability::Start)
}

/// How far a step got, where the snapshot knows of it at all: whether it is done.
fn reached(snapshot: &Snapshot, capability: Capability) -> Option<bool> {
    use Capability as C;
    let activity = snapshot.activity(capability);
    match capability {
        _ if activity.is_done() => Some(true),
        _ if activity != Activity::Idle => Some(false),
        C::Assess => (!snapshot.answers.given.is_empty()).then_some(false),
        C::Readiness => snapshot.readiness.is_some().then_some(true),
        C::Monitor => snapshot.monitor.is_some().then_some(false),
        _ => None,
    }
}

/// Where somebody left off: the last step that did anything, and where to go on. That is the step itself until it is done, then the
/// next one, or what has to be done before that.
#[must_use]
pub fn left_at(snapshot: &Snapshot) -> Option<(Capability, Capability)> {
    let interrupted = resume_at(snapshot);
    let unfinished = matches!(
        snapshot.activity(interrupted),
        Activity::Stopped | Activity::Failed
    );
    if unfinished && interrupted != Capability::Start {
        return Some((interrupted, interrupted));
    }
    let last = steps(snapshot.migration)
        .iter()
        .rev()
        .find_map(|step| Some((*step, reached(snapshot, *step)?)));
    let (last, done) = last?;
    let next = following(snapshot, last).filter(|_| done).unwrap_or(last);
    let goes_to = match gate(snapshot, next) {
        Err(locked) => locked.goes_to.unwrap_or(next),
        Ok(()) => next,
    };
    Some((last, goes_to))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hint_names_a_command_that_does_it() {
        let locked = |goes_to| {
            let locked = Locked {
                sentence: "It is not so.".to_owned(),
                goes_to: Some(goes_to),
            };
            Error::from(locked).hint.unwrap()
        };
        assert_eq!(locked(Capability::Backup), "First: maos-migrate backup create.");
        assert_eq!(
            locked(Capability::Environment),
            "First: maos-migrate environment apply."
        );
        assert_eq!(locked(Capability::Start), "First: maos-migrate.");
    }

    #[test]
    fn tests_that_ran_before_maos_was_changed_are_outdated() {
        use crate::engine::snapshot::Step;
        let mut snapshot = Snapshot::default();
        let ended = |verb: &str, at: &str| Step {
            activity: Activity::Done,
            outcomes_at: [(verb.to_owned(), at.parse().unwrap())].into(),
            ..Step::default()
        };
        let of = |snapshot: &Snapshot| outdated_by(snapshot, Capability::Validate).map(|(by, _)| by);
        snapshot
            .steps
            .insert(Capability::Upgrade, ended("apply", "2026-11-22T14:20:00Z"));
        assert_eq!(of(&snapshot), None, "nothing was validated");
        snapshot
            .steps
            .insert(Capability::Validate, ended("run", "2026-11-22T14:26:00Z"));
        assert_eq!(of(&snapshot), None, "validated after it");
        snapshot
            .steps
            .insert(Capability::Cutover, ended("apply", "2026-11-22T14:30:00Z"));
        assert_eq!(of(&snapshot), Some(Capability::Cutover));
    }

    #[test]
    fn somebody_who_left_goes_on_where_the_last_step_ended() {
        use crate::engine::snapshot::Step;
        let mut snapshot = Snapshot {
            seq: 9,
            migration: Some(MigrationType::Brownfield),
            ..Snapshot::default()
        };
        assert_eq!(left_at(&snapshot), None);
        let set = |snapshot: &mut Snapshot, capability, activity| {
            let step = Step {
                activity,
                ..Step::default()
            };
            snapshot.steps.insert(capability, step);
        };
        let at = "2026-11-22T14:26:30Z".parse().unwrap();
        let questionnaire = crate::engine::assess::Questionnaire::built_in().unwrap();
        let scored = crate::engine::readiness::score(
            &questionnaire,
            &snapshot.answers,
            &crate::engine::readiness::Facts::default(),
        );
        snapshot.readiness = Some((at, Box::new(scored)));
        assert_eq!(
            left_at(&snapshot),
            Some((Capability::Readiness, Capability::Tasks))
        );
        // Configuration was passed over; the checkpoints were not.
        set(
            &mut snapshot,
            Capability::Checkpoints,
            Activity::DoneWithQuarantine,
        );
        assert_eq!(
            left_at(&snapshot),
            Some((Capability::Checkpoints, Capability::Schema))
        );
        // What the next step waits for comes first.
        set(&mut snapshot, Capability::Schema, Activity::Done);
        assert_eq!(
            left_at(&snapshot),
            Some((Capability::Schema, Capability::Environment))
        );
        set(&mut snapshot, Capability::Report, Activity::Done);
        assert_eq!(left_at(&snapshot), Some((Capability::Report, Capability::Report)));
        set(&mut snapshot, Capability::Tasks, Activity::Stopped);
        assert_eq!(left_at(&snapshot), Some((Capability::Tasks, Capability::Tasks)));
    }

    #[test]
    fn every_type_starts_and_reports() {
        for migration in MigrationType::ALL {
            let steps = steps(Some(migration));
            assert_eq!(
                (steps[0], steps[steps.len() - 1]),
                (Capability::Start, Capability::Report)
            );
        }
        assert_eq!(steps(Some(MigrationType::Brownfield)).len(), 13);
    }

    #[test]
    fn a_locked_step_says_why_and_where_to_go() {
        let mut snapshot = Snapshot::default();
        let locked = gate(&snapshot, Capability::Schema).unwrap_err();
        assert_eq!(locked.goes_to, Some(Capability::Start));
        snapshot.migration = Some(MigrationType::Brownfield);
        let locked = gate(&snapshot, Capability::Schema).unwrap_err();
        assert_eq!(locked.sentence, "Readiness has not been computed.");
        let error: Error = locked.into();
        assert_eq!(error.kind.exit_code(), 5);
        assert!(gate(&snapshot, Capability::Assess).is_ok());
    }
}
