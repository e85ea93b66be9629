//! `validate run` and `validate only:NAME`: the guide's tests against the workspace's MAOS.

use std::sync::Arc;

use super::borrowed::Borrowed;
use super::{Prepared, World, blocking, unknown};
use crate::engine::capability::Capability;
use crate::engine::error::{Error, ErrorKind, Result};
use crate::engine::item::{Item, ItemState};
use crate::engine::operation::{Control, Effect, Notice, Outcome, Plan, ProofLine};
use crate::engine::ports::maos::Ability;
use crate::engine::snapshot::{Activity, Step};
use crate::engine::tasks::Rules;
use crate::engine::text::plural;
use crate::engine::validate::bench::Lab;
use crate::engine::validate::judge::{Counts, coverage_words, rate_words};
use crate::engine::validate::report::{self, Facts};
use crate::engine::validate::{Catalogue, ONLY, REPORT, RUN, Results, Test, job};
use crate::engine::workspace::{files, secrets};

/// The workspace's own words, beside those of the rules.
const WORDS: &str = "tasks/rules.yml";

/// The lab of a workspace: MAOS opened and probed. Also for whoever runs a test as a part of something else.
///
/// # Errors
/// No MAOS in the settings, or one that cannot be reached.
pub async fn lab(world: &World) -> Result<Lab> {
    let maos = world.ports.maos.open(&world.workspace, &world.settings)?;
    let able = maos.probe().await?;
    let (opener, workspace, settings) = (
        Arc::clone(&world.ports.maos),
        world.workspace.clone(),
        Arc::clone(&world.settings),
    );
    let rules = {
        let (workspace, named) = (world.workspace.clone(), world.settings.tuning.rules.clone());
        blocking(move || {
            let words = workspace.own_asset(WORDS)?;
            Rules::named(&named, words.as_deref())
        })
        .await?
    };
    let written = |path: &str| {
        world
            .snapshot
            .artifacts
            .get(path)
            .map(|found| found.sha256.clone())
    };
    Ok(Lab {
        maos,
        reopen: Arc::new(move || opener.open(&workspace, &settings)),
        able: Arc::new(able),
        processes: Arc::clone(&world.ports.processes),
        workspace: world.workspace.clone(),
        settings: Arc::clone(&world.settings),
        rules: Arc::new(rules),
        config_sha256: written("config/maos_config.yml").or_else(|| written("config/maos_config.json")),
        started: world.now,
    })
}

/// Plans `verb`.
///
/// # Errors
/// A verb or a test that does not exist, no MAOS, one that is known not to run.
pub(super) async fn prepare(world: World, verb: &str, control: Control) -> Result<Prepared> {
    control.safe_point()?;
    let catalogue = Catalogue::of(&world.workspace)?;
    let tests = chosen(&world, &catalogue, verb)?;
    let lab = lab(&world).await?;
    let borrowed = Borrowed::look(&world, Capability::Validate, true, &*lab.maos, &lab.able).await?;
    let whole = verb == RUN;
    let step = world.snapshot.step(Capability::Validate);
    let anew = whole && tests.len() == catalogue.tests.len();
    let mut plan = plan(&lab, &tests, verb);
    if let Some(effect) = borrowed.effect() {
        plan.effects.insert(0, effect);
        plan = plan.sealed();
    }
    let world = Arc::new(world);
    Ok(Prepared {
        plan,
        live: None,
        run: Box::new(move |control| {
            Box::pin(async move {
                let work = ran(&world, &lab, &catalogue, &step, &tests, anew, &control);
                borrowed.during(&lab.maos, &control, work).await
            })
        }),
    })
}

/// Runs `tests`; `anew`: what an earlier run found does not count.
async fn ran(
    world: &Arc<World>,
    lab: &Lab,
    catalogue: &Catalogue,
    step: &Step,
    tests: &[Test],
    anew: bool,
    control: &Control,
) -> Result<Outcome> {
    let earlier: Vec<Item> = Results::of(step).lines.into_values().collect();
    job::sweep(lab, &earlier).await;
    if anew {
        control.notice(Notice::ItemsCleared);
    }
    let chosen: Vec<&Test> = tests.iter().collect();
    let lines = job::run(lab, &chosen, control).await?;
    let mut results = if anew {
        Results::default()
    } else {
        Results::of(step)
    };
    for line in &lines {
        results.take(line);
    }
    // What was cut short earlier and is not run now has no verdict.
    results.lines.retain(|_, line| line.state.ended());
    finish(world, lab, catalogue, &results, lines.len() as u64).await
}

/// The tests that `verb` runs: all, those that a stopped run left, or those it names.
fn chosen(world: &World, catalogue: &Catalogue, verb: &str) -> Result<Vec<Test>> {
    if let Some(names) = verb.strip_prefix(ONLY) {
        let wanted: Vec<&str> = names.split(',').filter(|name| !name.is_empty()).collect();
        if let Some(stranger) = wanted.iter().find(|name| catalogue.get(name).is_none()) {
            let all: Vec<&str> = catalogue.tests.iter().map(|test| test.name.as_str()).collect();
            return Err(
                Error::new(ErrorKind::Usage, format!("there is no test {stranger}"))
                    .hint(format!("The tests: {}.", all.join(", "))),
            );
        }
        let tests: Vec<Test> = catalogue
            .tests
            .iter()
            .filter(|test| wanted.contains(&test.name.as_str()))
            .cloned()
            .collect();
        if tests.is_empty() {
            return Err(unknown(Capability::Validate, verb));
        }
        return Ok(tests);
    }
    if verb != RUN {
        return Err(unknown(Capability::Validate, verb));
    }
    let step = world.snapshot.step(Capability::Validate);
    let cut_short = step.verb == RUN
        && matches!(
            step.activity,
            Activity::Stopped | Activity::Failed | Activity::Running
        );
    let ended = |name: &str| {
        step.items
            .get(RUN)
            .and_then(|items| items.get(name))
            .is_some_and(|line| {
                matches!(
                    line.state,
                    ItemState::Done | ItemState::Failed | ItemState::Skipped
                )
            })
    };
    let left: Vec<Test> = catalogue
        .tests
        .iter()
        .filter(|test| !(cut_short && ended(&test.name)))
        .cloned()
        .collect();
    Ok(if left.is_empty() {
        catalogue.tests.clone()
    } else {
        left
    })
}

fn plan(lab: &Lab, tests: &[Test], verb: &str) -> Plan {
    let tasks = Catalogue::tasks(tests);
    let title = match tests {
        [one] => format!("Run {}", one.name),
        several => format!("Run {}", plural(several.len() as u64, "test", "tests")),
    };
    let mut effects = vec![Effect::counted(
        "send",
        tasks,
        format!("tasks to MAOS at most: {}", lab.maos.place()),
    )];
    if tests.iter().any(|test| test.name == "test_checkpoint_recovery")
        && lab.able.has(Ability::CheckpointRestore)
    {
        effects.push(Effect::plain(
            "restore",
            "a checkpoint made a moment before, when nothing else runs in MAOS",
        ));
    }
    effects.push(Effect::plain("cancel", "whatever of them has not ended"));
    effects.push(Effect::plain("write", REPORT));
    Plan {
        capability: Capability::Validate,
        verb: verb.to_owned(),
        title,
        target: lab.maos.place(),
        effects,
        undo: Some(
            "none is needed: what was sent is harmless, and is cancelled when it does not end".to_owned(),
        ),
        needs_approval: true,
        basis: tests
            .iter()
            .map(|test| format!("{} {} {}", test.name, test.seconds, test.texts.join("\0")))
            .collect(),
        digest: String::new(),
    }
    .sealed()
}

async fn finish(
    world: &Arc<World>,
    lab: &Lab,
    catalogue: &Catalogue,
    results: &Results,
    ran: u64,
) -> Result<Outcome> {
    let version = lab.maos.version().await.ok();
    let facts = Facts {
        started: world.now,
        name: world.settings.name.clone(),
        maos: lab.maos.place(),
        dialect: lab.maos.dialect().title().to_owned(),
        version: version.and_then(|version| version.best().map(str::to_owned)),
        rehearsal: lab.maos.rehearsal(),
        simulated: lab.simulated(),
    };
    let document = report::document(catalogue, results, &facts);
    let text = serde_json::to_string_pretty(&document)
        .map_err(|error| Error::bug(format!("the results cannot be written as JSON: {error}")))?;
    let workspace = world.workspace.clone();
    let (written, read_back) = blocking(move || {
        let path = workspace.path(REPORT);
        let text = secrets::scrub(&text).into_owned();
        let written = files::write_atomic(&path, text.as_bytes(), files::SHARED)?;
        Ok((written.sha256, files::sha256_file(&path)?))
    })
    .await?;
    let counts = results.counts(catalogue, None);
    let equal = written == read_back;
    Ok(Outcome {
        source: counts.executed(),
        converted: counts.passed,
        unchanged: counts.executed().saturating_sub(ran),
        quarantined: counts.failed,
        proof: vec![
            ProofLine {
                what: "tests = run + skipped + not run".to_owned(),
                source: counts.total.to_string(),
                target: format!(
                    "{} + {} + {}",
                    counts.executed(),
                    counts.skipped,
                    counts.waiting()
                ),
                equal: counts.running == 0,
            },
            ProofLine {
                what: "results read back".to_owned(),
                source: written,
                target: read_back,
                equal,
            },
        ],
        summary: summary(counts, facts.rehearsal),
        artifacts: vec![REPORT.to_owned()],
    })
}

fn summary(counts: Counts, rehearsal: bool) -> String {
    let mark = if rehearsal { "REHEARSAL: " } else { "" };
    let said = counts.assessment().map_or_else(
        || "no test was executed, so there is no assessment".to_owned(),
        |assessment| format!("{}; {}", rate_words(counts), assessment.sentence()),
    );
    format!("{mark}{}, {said}", coverage_words(counts))
}
