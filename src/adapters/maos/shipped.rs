//! The language of the released package `maos-cli`, 0.3.2 to 0.9.4, and what is known not to work in it.

use std::sync::OnceLock;

use serde::Deserialize;

use super::cli::ask::{Ask, JSON, arguments, positional};
use super::cli::read::numbers;
use super::probe::Probed;
use crate::engine::ports::maos::{Ability, Finding, MaosError, Presence, Stop, Submission, TaskStatus};
use crate::engine::yaml;

const FACTS: &str = include_str!("../../../assets/maos/shipped.yml");
/// Characters of a task's name: the program wants one beside the description.
const NAME: usize = 80;

/// One line of `assets/maos/shipped.yml`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Fact {
    ability: Ability,
    /// The command that does it.
    command: Option<String>,
    /// Why there is none.
    absent: Option<String>,
    /// Why it does not do what it says.
    broken: Option<String>,
    /// Only versions before this one are broken.
    before: Option<String>,
    /// Whether it runs the program `claude`.
    #[serde(default)]
    claude: bool,
    /// How it is used although it does not do it well.
    note: Option<String>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Facts {
    upto: String,
    facts: Vec<Fact>,
}

fn facts() -> &'static Facts {
    static READ: OnceLock<Facts> = OnceLock::new();
    // The file is part of the program, and a test reads it.
    READ.get_or_init(|| yaml::from_str("assets/maos/shipped.yml", FACTS).unwrap_or_default())
}

fn fact(ability: Ability) -> Option<&'static Fact> {
    facts().facts.iter().find(|fact| fact.ability == ability)
}

/// The command of an ability, `None` when this program has none.
pub fn command(ability: Ability) -> Option<&'static str> {
    fact(ability)?.command.as_deref()
}

/// Whether a version is newer than those that were tried.
pub fn untried(version: Option<&str>) -> bool {
    version.is_some_and(|version| numbers(version) > numbers(&facts().upto))
}

/// Why an ability cannot work in this version, as it was found; `None` when it may.
pub fn broken(ability: Ability, version: Option<&str>) -> Option<&'static str> {
    let fact = fact(ability)?;
    let applies = match (&fact.before, version) {
        (Some(before), Some(version)) => numbers(version) < numbers(before),
        (Some(_), None) => false,
        (None, version) => !untried(version),
    };
    fact.broken.as_deref().filter(|_| applies)
}

/// The line of the table for an ability. `listed`: whether the help lists its command; `claude`: whether that is on PATH.
pub fn finding(ability: Ability, listed: bool, version: Option<&str>, claude: bool) -> Finding {
    let line = |presence, command: &str, why: String| Finding {
        ability,
        presence,
        command: command.to_owned(),
        why,
    };
    let Some(fact) = fact(ability) else {
        return line(Presence::Absent, "", "not known".to_owned());
    };
    let Some(command) = &fact.command else {
        return line(Presence::Absent, "", fact.absent.clone().unwrap_or_default());
    };
    if !listed {
        return line(
            Presence::Absent,
            "",
            format!("its --help does not list {command}"),
        );
    }
    if let Some(why) = broken(ability, version) {
        let mut why = why.to_owned();
        if fact.claude && !claude {
            why.push_str("; without claude on PATH it does not even begin");
        }
        return line(Presence::Broken, command, why);
    }
    if fact.claude && !claude {
        let why = "the program claude is not on PATH".to_owned();
        return line(Presence::NeedsClaude, command, why);
    }
    let why = if untried(version) && (fact.broken.is_some() || fact.note.is_some()) {
        format!("listed; not tried in a version after {}", facts().upto)
    } else {
        fact.note.clone().unwrap_or_else(|| "listed by --help".to_owned())
    };
    line(Presence::Present, command, why)
}

/// The arguments of a request.
///
/// # Errors
/// What this program has no command for, or a text that it cannot take.
pub fn argv(ask: &Ask<'_>, probed: &Probed) -> Result<Vec<String>, MaosError> {
    let ability = ask.ability();
    let Some(command) = command(ability) else {
        let why = fact(ability)
            .and_then(|fact| fact.absent.clone())
            .unwrap_or_default();
        return Err(MaosError::Absent(ability.words(), why));
    };
    let mut argv = arguments(command);
    match ask {
        Ask::Init | Ask::DbMigrate | Ask::Version => return Ok(argv),
        Ask::Start => {
            // Its monitor would fill a screen for ever, and without it everything ends at once.
            argv.push("--daemon".to_owned());
            return Ok(argv);
        }
        Ask::Stop(how) => {
            match how {
                Stop::Force => argv.push("--force".to_owned()),
                Stop::Graceful(limit) => argv.extend(["--timeout".to_owned(), limit.as_secs().to_string()]),
            }
            return Ok(argv);
        }
        Ask::Submit(task) => {
            submit(&mut argv, task);
            argv.extend(JSON.map(str::to_owned));
            positional(&mut argv, ability, &name(task), probed)?;
            return Ok(argv);
        }
        Ask::Show(id) => {
            argv.extend(JSON.map(str::to_owned));
            positional(&mut argv, ability, id, probed)?;
            return Ok(argv);
        }
        Ask::Cancel(id) | Ask::Restore(id) => {
            argv.push("--force".to_owned());
            positional(&mut argv, ability, id, probed)?;
            return Ok(argv);
        }
        Ask::List { status, .. } => {
            if let Some(status) = status {
                argv.extend(["--status".to_owned(), status_word(status)]);
            }
            argv.extend(["--limit".to_owned(), "1000000".to_owned()]);
        }
        Ask::Checkpoint(description) => {
            argv.push(format!(
                "--name={}",
                description.chars().take(NAME).collect::<String>()
            ));
            argv.push(format!("--description={description}"));
        }
        // What it calls a checkpoint is gone with its process, so that only its list is ever asked for.
        Ask::Checkpoints | Ask::CheckpointShow(_) => {
            argv.extend(["--limit".to_owned(), "1000000".to_owned()]);
        }
        Ask::Health | Ask::Status => {}
    }
    argv.extend(JSON.map(str::to_owned));
    Ok(argv)
}

fn submit(argv: &mut Vec<String>, task: &Submission) {
    argv.push(format!("--description={}", task.description));
    if let Some(priority) = task.priority.as_deref().and_then(priority_number) {
        argv.extend(["--priority".to_owned(), priority.to_owned()]);
    }
    if let Some(seconds) = task.timeout_s {
        argv.extend(["--timeout".to_owned(), seconds.to_string()]);
    }
    if !task.reference.is_empty() {
        argv.push(format!("--tag={}", task.reference));
    }
}

/// The name that the program wants beside the description.
fn name(task: &Submission) -> String {
    let text = if task.reference.is_empty() {
        &task.description
    } else {
        &task.reference
    };
    text.chars().take(NAME).collect()
}

fn priority_number(word: &str) -> Option<&'static str> {
    match word.trim().to_ascii_lowercase().as_str() {
        "low" => Some("1"),
        "normal" | "medium" => Some("2"),
        "high" => Some("3"),
        "critical" => Some("4"),
        _ => None,
    }
}

fn status_word(status: &TaskStatus) -> String {
    match status {
        TaskStatus::Queued => "pending".to_owned(),
        other => other.word().to_lowercase(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_ability_has_a_fact_and_each_is_one_thing() {
        assert!(!facts().upto.is_empty());
        for ability in Ability::ALL {
            let fact = fact(ability).unwrap_or_else(|| panic!("{ability:?}"));
            assert!(fact.command.is_some() != fact.absent.is_some(), "{ability:?}");
        }
    }

    #[test]
    fn versions_decide_what_is_known_to_be_broken() {
        for (version, ability, presence) in [
            (Some("0.9.4"), Ability::Version, Presence::Present),
            (Some("0.8.4"), Ability::Version, Presence::Broken),
            (Some("0.9.4"), Ability::Submit, Presence::Broken),
            (None, Ability::Submit, Presence::Broken),
            (Some("0.10.0"), Ability::Submit, Presence::Present),
            (Some("0.9.4"), Ability::Init, Presence::Absent),
            (Some("0.9.4"), Ability::Start, Presence::Present),
        ] {
            assert_eq!(
                finding(ability, true, version, true).presence,
                presence,
                "{version:?} {ability:?}"
            );
        }
        assert_eq!(
            finding(Ability::Start, true, Some("0.9.4"), false).presence,
            Presence::NeedsClaude
        );
        assert_eq!(
            finding(Ability::Stop, true, Some("0.9.4"), false).presence,
            Presence::Present
        );
        let without = finding(Ability::List, true, Some("0.9.4"), false);
        assert!(
            without.presence == Presence::Broken && without.why.contains("claude"),
            "{without:?}"
        );
        assert_eq!(
            finding(Ability::List, false, Some("0.9.4"), true).presence,
            Presence::Absent
        );
    }
}
