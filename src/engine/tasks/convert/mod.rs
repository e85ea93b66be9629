//! Converting a tasks file to MAOS tasks: a plan that reads the file once, and an apply that writes the three outputs.
//!
//! Every record is accounted for: `total = converted + quarantined`. The outputs appear whole or not at all.

mod census;
pub mod maos;
mod piece;
mod report;
mod write;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

pub use maos::{Dialect, MaosTask, Metadata, Planned, Step, translate};

use self::census::{Census, Fate};
use super::decompose::Decomposition;
use super::rules::Rules;
use crate::engine::capability::Capability;
use crate::engine::error::{Error, ErrorKind, Result};
use crate::engine::operation::{Control, Effect, Outcome, Plan};
use crate::engine::workspace::files::{self, hex};

/// What to do with a dependency that cannot be kept.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WhenBroken {
    /// Convert nothing until it is mended.
    #[default]
    Block,
    /// Set the task aside, and what waits for it.
    Quarantine,
    /// Convert the task without that dependency; it stays in `metadata.legacy_dependencies`. For cycles this means quarantine.
    DropEdge,
}

/// What to do with broken dependencies.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Policy {
    /// Ids that are not in the file.
    pub missing: WhenBroken,
    /// Tasks that wait for themselves, alone or in a circle.
    pub cycles: WhenBroken,
}

/// Plans that a person accepted, by the task's id as text.
pub type Accepted = BTreeMap<String, Decomposition>;

/// Where the results go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Targets {
    /// The tasks, a JSON array.
    pub tasks: PathBuf,
    /// What was set aside, a JSON object a line.
    pub quarantine: PathBuf,
    /// What was done, in words.
    pub log: PathBuf,
}

impl Targets {
    /// The three files of a workspace.
    #[must_use]
    pub fn in_workspace(root: &Path) -> Self {
        Self {
            tasks: root.join("tasks/maos_tasks.json"),
            quarantine: root.join("tasks/quarantine.jsonl"),
            log: root.join("tasks/conversion.log"),
        }
    }

    /// A named output with its ledger beside it; a folder gets the workspace's names.
    #[must_use]
    pub fn beside(out: &Path) -> Self {
        if out.is_dir() {
            return Self {
                tasks: out.join("maos_tasks.json"),
                quarantine: out.join("quarantine.jsonl"),
                log: out.join("conversion.log"),
            };
        }
        let name = |suffix: &str| {
            let stem = out
                .file_stem()
                .map_or_else(String::new, |stem| stem.to_string_lossy().into_owned());
            out.with_file_name(format!("{stem}.{suffix}"))
        };
        Self {
            tasks: out.to_owned(),
            quarantine: name("quarantine.jsonl"),
            log: name("conversion.log"),
        }
    }

    /// Refuses outputs, or what is kept of earlier ones, that are the input by whatever name: nobody could convert it again.
    fn spare(&self, input: &Path, name: &str) -> Result<()> {
        let spared = [&self.tasks, &self.quarantine, &self.log]
            .iter()
            .all(|path| !files::same_file(path, input) && !files::same_file(&write::before(path), input));
        if spared {
            return Ok(());
        }
        Err(Error::new(
            ErrorKind::Usage,
            format!("{name} would be overwritten by its own conversion"),
        )
        .hint("Name another output."))
    }
}

/// What is to be converted.
#[derive(Debug, Clone)]
pub struct Request {
    /// A file that can be read twice; see [`super::input::Source::spool`].
    pub input: PathBuf,
    /// As the person knows it.
    pub name: String,
    /// Where to.
    pub targets: Targets,
    /// By which rules.
    pub rules: Arc<Rules>,
    /// In whose spelling.
    pub dialect: Dialect,
    /// What to do with broken dependencies.
    pub policy: Policy,
    /// Accepted plans, which go before the rules.
    pub accepted: Arc<Accepted>,
    /// The start of the run; the only moment that is recorded.
    pub started: jiff::Timestamp,
}

/// A conversion that is planned.
#[derive(Debug)]
pub struct Prepared {
    /// What it would do.
    pub plan: Plan,
    request: Request,
    census: Census,
}

/// What a conversion found, for the screen and the log.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Statistics {
    /// Records found.
    pub total: u64,
    /// Converted.
    pub converted: u64,
    /// Set aside.
    pub quarantined: u64,
    /// Set aside, by reason code.
    pub reasons: BTreeMap<String, u64>,
    /// Converted, by type.
    pub types: BTreeMap<String, u64>,
    /// Converted, by priority.
    pub priorities: BTreeMap<String, u64>,
    /// Converted, by band of the score.
    pub bands: BTreeMap<String, u64>,
    /// Subtasks of all plans.
    pub subtasks: u64,
    /// Plans a person accepted.
    pub accepted: u64,
    /// Accepted plans that were not used, for their task's description has changed since.
    pub outdated_plans: u64,
    /// Tasks that got `NORMAL` because none was given.
    pub default_priorities: u64,
    /// Tasks that got an id after their place in the file.
    pub default_ids: u64,
    /// Timeouts outside 60 to 7200 seconds.
    pub unusual_timeouts: u64,
    /// Dependencies left out because their task is finished.
    pub satisfied_dependencies: u64,
    /// Dependencies left out because their task is not in the file.
    pub dropped_dependencies: u64,
    /// Types the dialect does not know.
    pub omitted_types: u64,
    /// The mean score of the converted tasks, 0 to 10.
    pub average_score: f64,
}

/// What `tasks convert --json` prints.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Summary {
    /// Records found.
    pub total: u64,
    /// Converted.
    pub converted: u64,
    /// Set aside.
    pub quarantined: u64,
    /// The tasks' file.
    pub out: String,
    /// The quarantine file.
    pub quarantine: String,
}

/// An applied conversion with all its figures.
#[derive(Debug, Clone)]
pub struct Converted {
    /// How it ended.
    pub outcome: Outcome,
    /// The figures.
    pub statistics: Statistics,
    /// The line for a script.
    pub summary: Summary,
}

/// Plans a conversion: reads the file once, decides every record's fate, writes nothing.
///
/// # Errors
/// `Usage` when an output is the input; `Input` when the file cannot be understood or broken dependencies block; `Unavailable`
/// when reading fails.
pub fn plan(request: &Request, control: &Control) -> Result<Prepared> {
    request.targets.spare(&request.input, &request.name)?;
    let census = Census::take(request, control)?;
    census.block(request)?;
    let total = census.fates.len() as u64;
    let converted = census.count(Fate::Converted);
    let mut effects = Vec::new();
    let mut replaces = false;
    for (path, count, what) in [
        (&request.targets.tasks, Some(converted), "tasks into"),
        (
            &request.targets.quarantine,
            Some(total - converted),
            "records into",
        ),
        (&request.targets.log, None, ""),
    ] {
        let there = path.exists();
        replaces |= there;
        let act = if there { "replace" } else { "write" };
        let what = format!("{what} {}", path.display()).trim().to_owned();
        effects.push(match count {
            Some(count) => Effect::counted(act, count, what),
            None => Effect::plain(act, what),
        });
    }
    let plan = Plan {
        capability: Capability::Tasks,
        verb: "convert".to_owned(),
        title: format!(
            "Convert {}",
            crate::engine::text::plural(converted, "task", "tasks")
        ),
        target: request.targets.tasks.display().to_string(),
        effects,
        undo: Some(if replaces {
            "the files that are replaced are kept beside the new ones as NAME.before".to_owned()
        } else {
            "delete the three files".to_owned()
        }),
        needs_approval: replaces,
        basis: vec![
            format!("input {} {} bytes {total} records", census.digest, census.bytes),
            format!(
                "rules {} dialect {:?} policy {:?}",
                request.rules.name, request.dialect, request.policy
            ),
            format!("accepted {}", accepted_digest(&request.accepted)),
        ],
        digest: String::new(),
    }
    .sealed();
    Ok(Prepared {
        plan,
        request: request.clone(),
        census,
    })
}

fn accepted_digest(accepted: &Accepted) -> String {
    let mut hasher = Sha256::new();
    for (id, plan) in accepted {
        let plan = serde_json::to_string(plan).unwrap_or_default();
        // With its length before it no text can pass for two.
        for text in [id.as_str(), &plan] {
            hasher.update((text.len() as u64).to_le_bytes());
            hasher.update(text.as_bytes());
        }
    }
    hex(&hasher.finalize())
}

/// Converts as planned and gives the outcome alone.
///
/// # Errors
/// As [`convert`].
pub fn apply(prepared: &Prepared, control: &Control) -> Result<Outcome> {
    convert(prepared, control).map(|converted| converted.outcome)
}

/// Converts as planned.
///
/// # Errors
/// `Blocked` when the input is no longer the one that was planned; `Unavailable` for disk trouble; `Interrupted` at a safe
/// point. Then no output is touched.
pub fn convert(prepared: &Prepared, control: &Control) -> Result<Converted> {
    write::run(&prepared.request, &prepared.census, control)
}
