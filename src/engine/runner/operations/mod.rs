//! The operations by capability and verb: how each is planned from the workspace, and the run that follows an approval.

mod assess;
pub mod backup;
mod borrowed;
pub mod checkpoints;
mod compare;
pub mod config;
pub mod cutover;
mod documents;
mod environment;
mod rehearsing;
mod report;
mod returning;
pub mod rollback;
pub mod schema;
mod submission;
pub mod tasks;
pub mod upgrade;
mod validate;

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use secrecy::SecretString;

use crate::engine::capability::Capability;
use crate::engine::error::{Error, ErrorKind, Result};
use crate::engine::item::Items;
use crate::engine::operation::{Control, Outcome, Plan, ProofLine};
use crate::engine::ports::{BoxFuture, Ports};
use crate::engine::schema::Live;
use crate::engine::snapshot::{Activity, Snapshot, Step};
use crate::engine::workspace::{Settings, Workspace};

/// The lines of a run of steps that is under way or over; none after a rollback, which took away what they tell.
fn lines(step: &Step) -> Items {
    let told = step
        .items
        .get("apply")
        .filter(|_| step.activity != Activity::Idle);
    told.cloned().unwrap_or_default()
}

/// How a run of steps ended that was taken back: each step with what was done to undo it.
fn taken_back(done: &[(String, String)], summary: String) -> Outcome {
    let total = done.len() as u64;
    Outcome {
        source: total,
        converted: total,
        unchanged: 0,
        quarantined: 0,
        proof: done
            .iter()
            .map(|(title, words)| ProofLine {
                what: title.clone(),
                source: "taken back".to_owned(),
                target: words.clone(),
                equal: true,
            })
            .collect(),
        summary,
        artifacts: Vec::new(),
    }
}

/// Everything a plan may depend on.
#[derive(Clone)]
pub struct World {
    /// The folder.
    pub workspace: Workspace,
    /// The settings, just read.
    pub settings: Arc<Settings>,
    /// The state so far, with decisions and answers.
    pub snapshot: Arc<Snapshot>,
    /// The outside.
    pub ports: Ports,
    /// The start of the run: the conversion time that is recorded.
    pub now: Timestamp,
    /// Who operates.
    pub operator: String,
    /// On which machine.
    pub host: String,
    /// Secrets typed in this session, by their variables.
    pub secrets: BTreeMap<String, SecretString>,
    /// Whether a person is there to decide; a script takes the stated defaults.
    pub interactive: bool,
}

/// An operation that is planned and can be run once.
pub struct Prepared {
    /// What it would do.
    pub plan: Plan,
    /// The figures of a row migration while it runs.
    pub live: Option<Live>,
    /// Does it.
    pub run: Box<dyn FnOnce(Control) -> BoxFuture<'static, Result<Outcome>> + Send>,
}

impl std::fmt::Debug for Prepared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Prepared")
            .field("plan", &self.plan)
            .finish_non_exhaustive()
    }
}

/// Plans the operation `verb` of `capability`. Reads only.
///
/// # Errors
/// A verb that does not exist, a gate, or what the capability refuses.
pub async fn prepare(world: World, capability: Capability, verb: &str, control: Control) -> Result<Prepared> {
    crate::engine::journey::gate(&world.snapshot, capability).map_err(Error::from)?;
    let root = format!("{}/", world.workspace.root().display());
    let mut prepared = match (capability, verb) {
        (Capability::Assess, "write") => assess::write(&world).await,
        (Capability::Schema, "apply") => schema::apply(world, control).await,
        (Capability::Schema, "undo") => schema::undo(world, control).await,
        (Capability::Tasks, "apply") => tasks::apply(world, control).await,
        (Capability::Tasks, "submit" | "cancel") => submission::prepare(world, verb, control).await,
        (Capability::Environment, _) => environment::prepare(world, verb, control).await,
        (Capability::Compare, _) => compare::prepare(world, verb, control).await,
        (Capability::Validate, _) => validate::prepare(world, verb, control).await,
        (Capability::Backup, _) => backup::prepare(world, verb, control).await,
        (Capability::Cutover, _) => cutover::prepare(world, verb, control).await,
        (Capability::Upgrade, _) => upgrade::prepare(world, verb, control).await,
        (Capability::Rollback, _) => rollback::prepare(world, verb, control).await,
        (Capability::Report, "write") => report::write(&world).await,
        (Capability::Checkpoints, "apply") => checkpoints::apply(world, control).await,
        (Capability::Config, "apply") => config::apply(world, control).await,
        _ => Err(unknown(capability, verb)),
    }?;
    // A standalone run may name its plan otherwise; in a workspace a plan carries the verb that applies it.
    let renamed = prepared.plan.verb != verb || prepared.plan.capability != capability;
    if renamed {
        verb.clone_into(&mut prepared.plan.verb);
        prepared.plan.capability = capability;
    }
    if named_shortly(&mut prepared.plan, &root) || renamed {
        prepared.plan = prepared.plan.sealed();
    }
    Ok(prepared)
}

/// Names files of the workspace in the effects of a plan as its settings do, without the path of the workspace before them. Returns
/// whether any was named otherwise.
fn named_shortly(plan: &mut Plan, root: &str) -> bool {
    let mut changed = false;
    for text in plan
        .effects
        .iter_mut()
        .map(|effect| &mut effect.what)
        .chain(&mut plan.undo)
    {
        if root.len() > 1 && text.contains(root) {
            *text = text.replace(root, "");
            changed = true;
        }
    }
    changed
}

/// The verb under which the lines of an operation stand: taking one back (`keep`, `undo`) changes the lines of the one that it takes
/// back.
#[must_use]
pub fn lines_of(verb: &str) -> &str {
    if matches!(verb, "keep" | "undo") {
        "apply"
    } else {
        verb
    }
}

/// The outcome with artifacts named relative to the workspace where they lie inside.
#[must_use]
pub fn relative(mut outcome: Outcome, workspace: &Workspace) -> Outcome {
    for artifact in &mut outcome.artifacts {
        *artifact = workspace.shown(std::path::Path::new(artifact.as_str()));
    }
    outcome
}

fn unknown(capability: Capability, verb: &str) -> Error {
    Error::new(ErrorKind::Usage, format!("{capability} has no operation {verb}"))
}

/// Runs blocking work away from the engine's own threads.
///
/// # Errors
/// What `work` returns; a panic in it becomes [`ErrorKind::Bug`].
pub async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result,
        Err(error) if error.is_panic() => Err(Error::bug("a worker panicked; what was finished is safe")
            .hint("See the crash report in the workspace's logs folder.")),
        Err(_) => Err(Error::interrupted("the work was cancelled")),
    }
}
