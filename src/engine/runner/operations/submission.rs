//! `tasks submit`: the converted tasks of the workspace, part by part, to MAOS; `tasks cancel`: what MAOS still has.

use std::path::PathBuf;
use std::sync::Arc;

use serde_json::json;

use super::{Prepared, World, blocking, unknown};
use crate::engine::capability::Capability;
use crate::engine::error::{Error, Result};
use crate::engine::item::{Item, ItemState};
use crate::engine::operation::{Control, Effect, Outcome, Plan, ProofLine};
use crate::engine::ports::maos::{Ability, Known, Maos, MaosError, Presence, TaskStatus};
use crate::engine::tasks::submit::ledger::{Data, lines};
use crate::engine::tasks::submit::run::{self, Request};
use crate::engine::tasks::submit::{CANCEL, FILE, IN_FLIGHT, Ledger, Standing, Units, VERB};
use crate::engine::text::{inert_short, plural};
use crate::engine::workspace::settings::RunningRows;
use crate::engine::workspace::{Workspace, files, hex};

/// The converted tasks of a workspace.
const TASKS: &str = "tasks/maos_tasks.json";
/// Which part became which task of MAOS.
const MAP: &str = "tasks/submission.json";

/// Plans `verb`.
///
/// # Errors
/// A verb that does not exist, tasks that are not converted or not in order, a MAOS that takes none.
pub(super) async fn prepare(world: World, verb: &str, _control: Control) -> Result<Prepared> {
    match verb {
        VERB => submit(world).await,
        CANCEL => cancel(world).await,
        _ => Err(unknown(Capability::Tasks, verb)),
    }
}

/// The file of converted tasks, as it is named and as bytes.
async fn converted(world: &World) -> Result<(String, Vec<u8>)> {
    let step = world.snapshot.step(Capability::Tasks);
    let named = step.decisions.get(FILE).and_then(|choice| choice.as_str());
    let path = named.map_or_else(|| world.workspace.path(TASKS), PathBuf::from);
    let name = world.workspace.shown(&path);
    let bytes = blocking({
        let path = path.clone();
        move || match std::fs::read(&path) {
            Ok(bytes) => Ok(bytes),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                Err(Error::input(format!("{} is not there", path.display()))
                    .hint("Convert the tasks first: maos-migrate tasks convert."))
            }
            Err(error) => Err(Error::io("read", &path, &error)),
        }
    })
    .await?;
    Ok((name, bytes))
}

async fn submit(world: World) -> Result<Prepared> {
    let (name, bytes) = converted(&world).await?;
    let claims = world.settings.tuning.running_rows == Some(RunningRows::Claim);
    let (units, digest, name) = blocking(move || {
        use sha2::Digest as _;
        let units = Units::read(&name, &bytes, claims)?;
        Ok((units, hex(&sha2::Sha256::digest(&bytes)), name))
    })
    .await?;
    let step = world.snapshot.step(Capability::Tasks);
    let ledger = Ledger::of(&units, &lines(&step), &step.decisions);
    let maos = world.ports.maos.open(&world.workspace, &world.settings)?;
    let start = must_start(maos.as_ref()).await?;
    let plan = plan_of(&world, &name, &digest, &units, &ledger, maos.as_ref(), start);
    let request = Request {
        in_flight: world.settings.driving.maos.in_flight.unwrap_or(IN_FLIGHT),
        migration: world.settings.name.clone(),
        clock: Arc::clone(&world.ports.clock),
        units: Arc::new(units),
        ledger,
        maos,
        start,
    };
    Ok(Prepared {
        plan,
        live: None,
        run: Box::new(move |control| {
            Box::pin(async move {
                let units = Arc::clone(&request.units);
                let (mut outcome, data) = run::run(request, control).await?;
                keep_map(&world.workspace, &units, &data).await?;
                outcome.artifacts.push(MAP.to_owned());
                Ok(outcome)
            })
        }),
    })
}

/// Whether MAOS must be started first. A MAOS that takes no tasks is refused here, and not after the approval.
async fn must_start(maos: &dyn Maos) -> Result<bool> {
    let found = maos.probe().await?;
    if let Some(finding) = found.of(Ability::Submit)
        && finding.presence != Presence::Present
    {
        let why = finding.why.clone();
        let error = match finding.presence {
            Presence::Broken => MaosError::Broken(Ability::Submit.words(), why),
            _ => MaosError::Absent(Ability::Submit.words(), why),
        };
        return Err(error.into());
    }
    Ok(matches!(maos.running().await, Ok(Known::Value(false))) && found.has(Ability::Start))
}

fn plan_of(
    world: &World,
    name: &str,
    digest: &str,
    units: &Units,
    ledger: &Ledger,
    maos: &dyn Maos,
    start: bool,
) -> Plan {
    let mut effects = Vec::new();
    if start {
        effects.push(Effect::plain("start", "MAOS"));
    }
    let fresh = ledger.count(|standing| *standing == Standing::Fresh);
    let stages = plural(units.stages as u64, "stage", "stages");
    if fresh > 0 {
        effects.push(Effect::counted(
            "submit",
            fresh,
            format!(
                "parts of {} in {stages}",
                plural(units.tasks as u64, "task", "tasks")
            ),
        ));
    }
    let rest = [
        (
            "follow",
            ledger.count(|standing| matches!(standing, Standing::Given { .. })),
            "parts that MAOS has",
        ),
        (
            "look for",
            ledger.count(|standing| matches!(standing, Standing::Intended { .. } | Standing::Unknown { .. })),
            "parts that MAOS may have",
        ),
        (
            "leave",
            ledger.count(|standing| matches!(standing, Standing::Done | Standing::Declared)),
            "parts that are done",
        ),
        (
            "leave",
            ledger.count(|standing| *standing == Standing::Failed),
            "parts that failed, and what needs them",
        ),
        (
            "leave out",
            units.left_out.len() as u64,
            "tasks that the legacy system has ended or runs",
        ),
    ];
    for (act, count, what) in rest {
        if count > 0 {
            effects.push(Effect::counted(act, count, what));
        }
    }
    let mut basis = vec![format!("{name} {digest}")];
    basis.extend(
        units
            .list
            .iter()
            .zip(ledger.standing.iter().zip(&ledger.attempt))
            .filter(|(_, (standing, _))| **standing != Standing::Fresh)
            .map(|(unit, (standing, attempt))| format!("{} {standing:?} {attempt}", unit.key)),
    );
    Plan {
        capability: Capability::Tasks,
        verb: VERB.to_owned(),
        title: format!("Submit {} to MAOS", plural(fresh, "part", "parts")),
        target: format!(
            "MAOS ({}, {})",
            maos.dialect().title(),
            inert_short(&maos.place(), 80)
        ),
        effects,
        undo: Some(format!(
            "maos-migrate -w {} tasks cancel cancels what MAOS has not ended; what is done stays done",
            world.workspace.root().display()
        )),
        needs_approval: true,
        basis,
        digest: String::new(),
    }
    .sealed()
}

/// Keeps which part became which task of MAOS.
async fn keep_map(workspace: &Workspace, units: &Arc<Units>, data: &[Data]) -> Result<()> {
    let lines: Vec<_> = units
        .list
        .iter()
        .zip(data)
        .map(|(unit, data)| json!({"part": unit.key, "task": unit.task, "stage": unit.stage, "maos_id": data.id}))
        .collect();
    let path = workspace.path(MAP);
    blocking(move || {
        let text = serde_json::to_vec_pretty(&lines).map_err(|error| Error::bug(error.to_string()))?;
        files::write_atomic(&path, &text, files::SHARED).map(|_| ())
    })
    .await
}

#[expect(clippy::unused_async, reason = "the shape that every operation has")]
async fn cancel(world: World) -> Result<Prepared> {
    let maos = world.ports.maos.open(&world.workspace, &world.settings)?;
    let step = world.snapshot.step(Capability::Tasks);
    let open: Vec<(Item, String)> = lines(&step)
        .all()
        .iter()
        .filter(|item| item.state == ItemState::Running)
        .filter_map(|item| Some((Item::clone(item), Data::of(item).id?)))
        .collect();
    let count = open.len() as u64;
    let plan = Plan {
        capability: Capability::Tasks,
        verb: CANCEL.to_owned(),
        title: format!("Cancel {} in MAOS", plural(count, "part", "parts")),
        target: format!(
            "MAOS ({}, {})",
            maos.dialect().title(),
            inert_short(&maos.place(), 80)
        ),
        effects: vec![Effect::counted("cancel", count, "parts that MAOS has not ended")],
        undo: Some("tasks submit gives a cancelled part again when it is asked to".to_owned()),
        needs_approval: true,
        basis: open
            .iter()
            .map(|(item, id)| format!("{} {id}", item.key))
            .collect(),
        digest: String::new(),
    }
    .sealed();
    Ok(Prepared {
        plan,
        live: None,
        run: Box::new(move |control| Box::pin(cancel_all(maos, open, world.operator, control))),
    })
}

/// Cancels, and asks MAOS whether each is cancelled now.
async fn cancel_all(
    maos: Arc<dyn Maos>,
    open: Vec<(Item, String)>,
    operator: String,
    control: Control,
) -> Result<Outcome> {
    let (mut cancelled, mut ended) = (0_u64, 0_u64);
    for (item, id) in &open {
        control.safe_point_async().await?;
        // One that ended meanwhile is refused; what became of it, MAOS says.
        match maos.cancel(id.clone()).await {
            Ok(()) | Err(MaosError::Refused(..)) => {}
            Err(error) => return Err(error.into()),
        }
        let now = maos.show(id.clone()).await?.status;
        if now == TaskStatus::Cancelled {
            cancelled += 1;
            let text = format!("cancelled by {}", inert_short(&operator, 40));
            control.record(item.now(ItemState::Failed, text)).await?;
        } else if now.ended() {
            ended += 1;
        } else {
            let shown = inert_short(id, 60);
            return Err(MaosError::NoEffect("task cancel", format!("{shown} is {}", now.word())).into());
        }
    }
    let source = open.len() as u64;
    Ok(Outcome {
        source,
        converted: cancelled + ended,
        unchanged: ended,
        quarantined: 0,
        proof: vec![ProofLine {
            what: "parts that MAOS says are cancelled or ended".to_owned(),
            source: source.to_string(),
            target: (cancelled + ended).to_string(),
            equal: source == cancelled + ended,
        }],
        summary: format!(
            "{} cancelled, {ended} had ended",
            plural(cancelled, "part", "parts")
        ),
        artifacts: Vec::new(),
    })
}
