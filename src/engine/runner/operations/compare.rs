//! `compare run`: the workspace's converted tasks on its legacy system and on MAOS.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use sha2::{Digest as _, Sha256};

use super::borrowed::Borrowed;
use super::{Prepared, World, blocking, unknown};
use crate::engine::capability::Capability;
use crate::engine::compare::job::{self, Sides, Spec, Task};
use crate::engine::compare::legacy::LegacySide;
use crate::engine::compare::report::{self, Facts};
use crate::engine::compare::{Pair, REPORT, RUN, Summary, summarize};
use crate::engine::error::{Error, Result};
use crate::engine::journey::Locked;
use crate::engine::operation::{Control, Effect, Notice, Outcome, Plan, ProofLine};
use crate::engine::ports::maos::{Ability, Maos, Submission};
use crate::engine::ports::store::{Performance, Table};
use crate::engine::tasks::convert::MaosTask;
use crate::engine::tasks::input::{Described, Item, Records};
use crate::engine::text::{count, plural};
use crate::engine::workspace::{files, secrets};

/// The converted tasks.
const TASKS: &str = "tasks/maos_tasks.json";

/// Plans `verb`.
///
/// # Errors
/// A verb that does not exist, no legacy command, no converted tasks, a MAOS that takes none.
pub(super) async fn prepare(world: World, verb: &str, control: Control) -> Result<Prepared> {
    if verb != RUN {
        return Err(unknown(Capability::Compare, verb));
    }
    control.safe_point()?;
    let legacy = LegacySide::of(&world.settings.driving.legacy, &world.workspace, &world.ports)?;
    let maos = world.ports.maos.open(&world.workspace, &world.settings)?;
    let able = maos.probe().await?;
    for ability in [Ability::Submit, Ability::Show] {
        if !able.has(ability) {
            let why = able
                .of(ability)
                .map_or_else(String::new, |finding| format!(": {}", finding.why));
            return Err(Error::unavailable(format!(
                "this MAOS cannot be compared, it has no working {}{why}",
                ability.words()
            ))
            .hint("See the table on the Environment screen, or maos-migrate doctor."));
        }
    }
    let borrowed = Borrowed::look(&world, Capability::Compare, false, &*maos, &able).await?;
    let world = Arc::new(world);
    let spec = {
        let (world, words, maos) = (Arc::clone(&world), legacy.words(), Arc::clone(&maos));
        blocking(move || spec(&world, &words, &*maos)).await?
    };
    let earlier = earlier(&world);
    let planned = spec.pairs().len() as u64;
    let kept = job::kept(&spec, &earlier).0.len() as u64;
    let mut plan = plan(&world, &spec, &legacy, &*maos, planned, kept);
    if let Some(effect) = borrowed.effect() {
        plan.effects.insert(0, effect);
        plan = plan.sealed();
    }
    let sides = Sides {
        legacy,
        maos,
        processes: Arc::clone(&world.ports.processes),
        workspace: world.workspace.clone(),
    };
    Ok(Prepared {
        plan,
        live: None,
        run: Box::new(move |control| {
            Box::pin(async move {
                let work = job::run(&spec, &sides, &earlier, &control);
                let pairs = borrowed.during(&sides.maos, &control, work).await?;
                finish(&world, &spec, &sides, pairs, &control).await
            })
        }),
    })
}

/// Pairs of a comparison that did not come to its end; one that did is begun anew.
fn earlier(world: &World) -> Vec<Pair> {
    let step = world.snapshot.step(Capability::Compare);
    if step.activity.is_done() {
        return Vec::new();
    }
    step.items
        .get(RUN)
        .map(|items| items.all().iter().filter_map(|item| Pair::of(item)).collect())
        .unwrap_or_default()
}

fn spec(world: &World, legacy_words: &str, maos: &dyn Maos) -> Result<Spec> {
    let settings = &world.settings.driving.compare;
    let (rehearsal, knobs) = (maos.rehearsal(), &world.settings.driving.rehearsal);
    let simulated = rehearsal && knobs.worker.is_empty();
    let common = format!(
        "{legacy_words}\0{}\0{}\0{}\0{simulated}\0{knobs:?}",
        maos.place(),
        settings.deadline,
        settings.quality.join("\0"),
    );
    Ok(Spec {
        tasks: tasks(world, settings.tasks, &common)?,
        repeats: settings.repeats.max(1),
        deadline: Duration::from_secs(settings.deadline.max(1)),
        quality: settings.quality.clone(),
        rehearsal,
        simulated,
        // Only the stand-in's workers run under us; anything else works elsewhere.
        measure_maos: rehearsal && !simulated,
    })
}

/// The first `most` converted tasks, with their legacy documents.
fn tasks(world: &World, most: usize, common: &str) -> Result<Vec<Task>> {
    let path = world.workspace.path(TASKS);
    if !path.exists() {
        return Err(Locked {
            sentence: "No task is converted.".to_owned(),
            goes_to: Some(Capability::Tasks),
        }
        .into());
    }
    let mut converted = Vec::new();
    let mut records = Records::open(&path)?;
    while converted.len() < most
        && let Some(item) = records.next_item()?
    {
        let Item::Record(raw) = item else { continue };
        let task: Option<MaosTask> = raw
            .value()
            .ok()
            .and_then(|value| serde_json::from_value(value).ok());
        let task = task.ok_or_else(|| {
            Error::input(format!("{TASKS} line {} is no converted task", raw.line))
                .hint("Convert the tasks again.")
        })?;
        converted.push(task);
    }
    if converted.is_empty() {
        return Err(Error::input(format!("{TASKS} holds no task")));
    }
    let mut documents = documents(world, &converted)?;
    converted
        .into_iter()
        .map(|task| {
            let id = task.metadata.legacy_id.to_string();
            let legacy = documents.remove(&id).ok_or_else(|| {
                Error::input(format!(
                    "task {id} is converted but not in the legacy file any more"
                ))
                .hint("Convert the tasks again.")
            })?;
            let form = serde_json::to_string(&(&legacy, &task.description, &task.kind, task.max_agents))
                .unwrap_or_default();
            let hash = Sha256::digest(format!("{common}\0{form}").as_bytes());
            Ok(Task {
                id,
                legacy,
                setup: files::hex(&hash[..4]),
                maos: Submission {
                    description: task.description.into_owned(),
                    kind: task.kind.map(Cow::into_owned),
                    priority: Some(task.priority.into_owned()),
                    max_agents: u32::try_from(task.max_agents).ok(),
                    timeout_s: task.timeout,
                    // Each task stands for itself here: what it would wait for is not run with it.
                    depends_on: Vec::new(),
                    reference: String::new(),
                },
            })
        })
        .collect()
}

fn documents(world: &World, wanted: &[MaosTask]) -> Result<HashMap<String, Value>> {
    let Some(named) = &world.settings.tasks else {
        return Err(
            Error::input("no file of legacy tasks is named").hint("Add sources.tasks to migration.yml.")
        );
    };
    named.must_exist()?;
    let mut open: std::collections::HashSet<String> = wanted
        .iter()
        .map(|task| task.metadata.legacy_id.to_string())
        .collect();
    let mut found = HashMap::new();
    let mut records = Records::open(&named.path)?;
    let mut number = 0;
    while !open.is_empty()
        && let Some(item) = records.next_item()?
    {
        number += 1;
        let Item::Record(raw) = item else { continue };
        let Ok(task) = Described::read(&raw, number) else {
            continue;
        };
        let id = task.id.to_string();
        if open.remove(&id)
            && let Ok(value) = raw.value()
        {
            found.insert(id, value);
        }
    }
    Ok(found)
}

fn plan(world: &World, spec: &Spec, legacy: &LegacySide, maos: &dyn Maos, planned: u64, kept: u64) -> Plan {
    let left = planned - kept;
    let title = if kept == 0 {
        format!("Run {}", plural(planned, "pair", "pairs"))
    } else {
        format!("Run the last {} of {} pairs", count(left), count(planned))
    };
    let mut effects = vec![
        Effect::counted(
            "send",
            left,
            format!("tasks to the legacy system: {}", legacy.words()),
        ),
        Effect::counted("send", left, format!("tasks to MAOS: {}", maos.place())),
        Effect::plain("write", REPORT),
    ];
    if world.settings.target.is_some() {
        effects.push(Effect::counted(
            "note",
            spec.tasks.len() as u64,
            "results in migration_tracking, where the target has it",
        ));
    }
    let mut basis: Vec<String> = spec
        .tasks
        .iter()
        .map(|task| format!("{} {}", task.id, task.setup))
        .collect();
    basis.push(format!("{} repeats", spec.repeats));
    Plan {
        capability: Capability::Compare,
        verb: RUN.to_owned(),
        title,
        target: maos.place(),
        effects,
        undo: Some("none is needed for the figures; what the tasks themselves do stays done".to_owned()),
        needs_approval: true,
        basis,
        digest: String::new(),
    }
    .sealed()
}

async fn finish(
    world: &Arc<World>,
    spec: &Spec,
    sides: &Sides,
    pairs: Vec<Pair>,
    control: &Control,
) -> Result<Outcome> {
    let needed = world.settings.driving.compare.minimum_pairs as u64;
    let summary = summarize(&pairs, pairs.len() as u64, needed);
    let mut facts = Facts {
        started: world.now,
        name: world.settings.name.clone(),
        legacy: sides.legacy.words(),
        maos: sides.maos.place(),
        rehearsal: spec.rehearsal,
        simulated: spec.simulated,
        deadline_s: spec.deadline.as_secs(),
        quality: (!spec.quality.is_empty()).then(|| spec.quality.join(" ")),
        tracking: String::new(),
    };
    facts.tracking = track(world, &summary, &facts).await;
    control.notice(Notice::Log(facts.tracking.clone()));
    let document = report::document(&pairs, &summary, &facts);
    let text = serde_json::to_string_pretty(&document)
        .map_err(|error| Error::bug(format!("the report cannot be written as JSON: {error}")))?;
    let workspace = world.workspace.clone();
    let written = blocking(move || {
        let path = workspace.path(REPORT);
        let text = secrets::scrub(&text).into_owned();
        let written = files::write_atomic(&path, text.as_bytes(), files::SHARED)?;
        Ok((written.sha256, files::sha256_file(&path)?))
    })
    .await?;
    Ok(outcome(&summary, spec, &written))
}

fn outcome(summary: &Summary, spec: &Spec, written: &(String, String)) -> Outcome {
    let aside = summary.run - summary.compared;
    let line = |what: &str, source: String, target: String, equal| ProofLine {
        what: what.to_owned(),
        source,
        target,
        equal,
    };
    let mark = if spec.rehearsal { "REHEARSAL: " } else { "" };
    Outcome {
        source: summary.planned,
        converted: summary.compared,
        unchanged: 0,
        quarantined: aside,
        proof: vec![
            line(
                "pairs planned, pairs ended",
                count(summary.planned),
                count(summary.run),
                summary.planned == summary.run,
            ),
            line(
                "pairs = compared + not compared",
                count(summary.run),
                format!("{} + {}", count(summary.compared), count(aside)),
                true,
            ),
            line(
                "report read back",
                written.0.clone(),
                written.1.clone(),
                written.0 == written.1,
            ),
        ],
        summary: format!(
            "{mark}{} ({})",
            summary.sentence().trim_end_matches('.'),
            summary.spread_words()
        ),
        artifacts: vec![REPORT.to_owned()],
    }
}

/// Writes each task's result beside the migrated tasks, and says what came of it. The comparison is not worth less without it.
async fn track(world: &Arc<World>, summary: &Summary, facts: &Facts) -> String {
    let Some(target) = &world.settings.target else {
        return "no target database is named; the results are in the report only".to_owned();
    };
    let results: Vec<Performance> = summary
        .tasks
        .iter()
        .map(|task| Performance {
            legacy_task_id: task.task.clone(),
            maos_task_id: task.maos_id.clone(),
            document: report::performance(task, facts).to_string(),
        })
        .collect();
    let table = Table::parse(&world.settings.tuning.target_table);
    let written = match world.ports.stores.open(&target.url.value, false) {
        Ok(store) => store.performance(&table, &results).await.map_err(Error::from),
        Err(error) => Err(error),
    };
    match written {
        Ok(Some(rows)) => format!(
            "{} written to migration_tracking",
            plural(rows, "result", "results")
        ),
        Ok(None) => "the target has no migration_tracking; the results are in the report only".to_owned(),
        Err(error) => format!("migration_tracking was not written: {error}"),
    }
}
