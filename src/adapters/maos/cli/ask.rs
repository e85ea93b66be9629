//! One request to a command line, before a dialect spells it.

use super::template::Values;
use crate::adapters::maos::probe::Probed;
use crate::engine::ports::maos::{Ability, MaosError, Stop, Submission, TaskStatus};

/// The guide's and the released program's way of asking for JSON.
pub const JSON: [&str; 2] = ["--format", "json"];

/// What is asked.
#[derive(Debug, Clone)]
pub enum Ask<'a> {
    /// Make files.
    Init,
    /// The version.
    Version,
    /// Start.
    Start,
    /// Stop.
    Stop(Stop),
    /// Health of the components.
    Health,
    /// The status document.
    Status,
    /// Take a task.
    Submit(&'a Submission),
    /// One task.
    Show(&'a str),
    /// Tasks, from a row on.
    List {
        /// Only in this state.
        status: Option<TaskStatus>,
        /// Rows that were read before.
        offset: usize,
    },
    /// Cancel a task.
    Cancel(&'a str),
    /// Make a checkpoint with a description.
    Checkpoint(&'a str),
    /// All checkpoints.
    Checkpoints,
    /// What a checkpoint holds.
    CheckpointShow(&'a str),
    /// Restore a checkpoint.
    Restore(&'a str),
    /// Migrate the database.
    DbMigrate,
}

impl Ask<'_> {
    /// What ability it needs.
    pub const fn ability(&self) -> Ability {
        match self {
            Self::Init => Ability::Init,
            Self::Version => Ability::Version,
            Self::Start => Ability::Start,
            Self::Stop(_) => Ability::Stop,
            Self::Health => Ability::Health,
            Self::Status => Ability::Status,
            Self::Submit(_) => Ability::Submit,
            Self::Show(_) => Ability::Show,
            Self::List { .. } => Ability::List,
            Self::Cancel(_) => Ability::Cancel,
            Self::Checkpoint(_) => Ability::CheckpointCreate,
            // Only documented beside the list, and asked for where the help names it.
            Self::Checkpoints | Self::CheckpointShow(_) => Ability::CheckpointList,
            Self::Restore(_) => Ability::CheckpointRestore,
            Self::DbMigrate => Ability::DbMigrate,
        }
    }

    /// What a template of the user's own may put in.
    pub fn values(&self) -> Values {
        let mut values = Values::new();
        match self {
            Self::Submit(task) => {
                values.insert("description", task.description.clone());
                let mut some = |name, value: Option<String>| {
                    if let Some(value) = value {
                        values.insert(name, value);
                    }
                };
                some("type", task.kind.clone());
                some("priority", task.priority.clone());
                some("max_agents", task.max_agents.map(|n| n.to_string()));
                some("timeout", task.timeout_s.map(|n| n.to_string()));
                some(
                    "depends_on",
                    (!task.depends_on.is_empty()).then(|| task.depends_on.join(",")),
                );
                some(
                    "reference",
                    (!task.reference.is_empty()).then(|| task.reference.clone()),
                );
                some(
                    "metadata",
                    (!task.reference.is_empty()).then(|| crate::adapters::maos::documented::metadata(task)),
                );
            }
            Self::Show(id) | Self::Cancel(id) | Self::Restore(id) => {
                values.insert("id", (*id).to_owned());
            }
            Self::List {
                status: Some(status), ..
            } => {
                values.insert("status", status.word().to_owned());
            }
            Self::Checkpoint(description) => {
                values.insert("description", (*description).to_owned());
            }
            Self::Stop(Stop::Graceful(limit)) => {
                values.insert("timeout", limit.as_secs().to_string());
            }
            _ => {}
        }
        values
    }
}

/// The words of a command as arguments.
pub fn arguments(words: &str) -> Vec<String> {
    words.split(' ').map(str::to_owned).collect()
}

/// Adds a positional argument behind the end of options, where the command line has one.
///
/// # Errors
/// A text that would be taken for an option.
pub fn positional(
    argv: &mut Vec<String>,
    ability: Ability,
    text: &str,
    probed: &Probed,
) -> Result<(), MaosError> {
    if probed.standard {
        argv.push("--".to_owned());
    } else if text.starts_with('-') {
        return Err(MaosError::Refused(
            ability.words(),
            "the text begins with -, and this command line shows no way to say that it is no option"
                .to_owned(),
        ));
    }
    argv.push(text.to_owned());
    Ok(())
}
