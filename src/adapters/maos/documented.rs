//! The language of MAOS's documentation and of the migration guide. Two documents disagree about flags, so what `--help` names
//! decides: `--format json` after the command, else `--output json` before it; `--description`, else `--name`.

use serde_json::json;

use super::cli::answer::REFERENCE;
use super::cli::ask::{Ask, JSON, arguments, positional};
use super::probe::Probed;
use crate::engine::ports::maos::{Ability, MaosError, Stop, Submission, TaskStatus};

/// Task types that the documentation has; the guide's others are sent as [`MIXED`].
const TYPES: [&str; 5] = ["research", "coding", "analysis", "testing", "documentation"];
/// What is neither of them.
const MIXED: &str = "mixed";
/// Rows asked for at once.
pub const PAGE: usize = 500;

/// The arguments of a request.
///
/// # Errors
/// A text that this command line cannot take.
pub fn argv(ask: &Ask<'_>, probed: &Probed) -> Result<Vec<String>, MaosError> {
    let ability = ask.ability();
    let mut argv = arguments(ability.words());
    match ask {
        Ask::Init | Ask::DbMigrate | Ask::Start | Ask::Status | Ask::Checkpoints => {}
        Ask::Version => {
            if probed.names(ability, "--short") {
                argv.push("--short".to_owned());
            }
        }
        Ask::Stop(how) => stop(&mut argv, *how, probed),
        Ask::Health => {
            if probed.names_or_silent(ability, "--all-components") {
                argv.push("--all-components".to_owned());
            }
        }
        Ask::Submit(task) => submit(&mut argv, task, probed)?,
        Ask::Show(id) | Ask::Restore(id) => {
            as_json(&mut argv, ability, probed);
            if matches!(ask, Ask::Restore(_)) && probed.names(ability, "--force") {
                argv.push("--force".to_owned());
            }
            positional(&mut argv, ability, id, probed)?;
            return Ok(argv);
        }
        Ask::CheckpointShow(id) => {
            argv = arguments("checkpoint show");
            as_json(&mut argv, ability, probed);
            positional(&mut argv, ability, id, probed)?;
            return Ok(argv);
        }
        Ask::List { status, offset } => list(&mut argv, status.as_ref(), *offset, probed),
        Ask::Cancel(id) => {
            if probed.names(ability, "--no-confirm") {
                argv.push("--no-confirm".to_owned());
            } else if probed.names(ability, "--force") {
                argv.push("--force".to_owned());
            }
            positional(&mut argv, ability, id, probed)?;
            return Ok(argv);
        }
        Ask::Checkpoint(description) => {
            let name = probed.names(ability, "--name") && !probed.names(ability, "--description");
            let option = if name { "--name" } else { "--description" };
            // In one word with its option, so that no text is taken for one.
            argv.push(format!("{option}={description}"));
        }
    }
    if !matches!(ask, Ask::Submit(_)) {
        as_json(&mut argv, ability, probed);
    }
    Ok(argv)
}

/// Asks for JSON in the way that this command knows. The guide's own spelling is for those commands where it has it.
fn as_json(argv: &mut Vec<String>, ability: Ability, probed: &Probed) {
    let guide = matches!(ability, Ability::Status | Ability::Submit | Ability::Show);
    if probed.names(ability, "--format") || guide && probed.silent(ability) {
        argv.extend(JSON.map(str::to_owned));
    } else if probed.names(ability, "--output") {
        argv.extend(["--output".to_owned(), "json".to_owned()]);
    } else if probed.global.contains("--output") {
        // A global option of the other document: it stands before the command.
        argv.splice(0..0, ["--output".to_owned(), "json".to_owned()]);
    } else if guide {
        argv.extend(JSON.map(str::to_owned));
    }
}

fn stop(argv: &mut Vec<String>, how: Stop, probed: &Probed) {
    match how {
        Stop::Force => argv.push("--force".to_owned()),
        Stop::Graceful(limit) => {
            // Graceful is what stopping is by itself; only the guide spells it out.
            if probed.names(Ability::Stop, "--graceful") {
                argv.push("--graceful".to_owned());
            }
            argv.extend(["--timeout".to_owned(), limit.as_secs().to_string()]);
        }
    }
}

fn submit(argv: &mut Vec<String>, task: &Submission, probed: &Probed) -> Result<(), MaosError> {
    let mut option = |name: &str, value: String| argv.extend([name.to_owned(), value]);
    if let Some(kind) = task.kind.as_deref().and_then(|kind| kind_word(kind, probed)) {
        option("--type", kind);
    }
    if let Some(priority) = &task.priority
        && probed.names(Ability::Submit, "--priority")
    {
        option("--priority", priority_word(priority, probed));
    }
    if let Some(agents) = task.max_agents {
        option("--max-agents", agents.to_string());
    }
    if let Some(seconds) = task.timeout_s {
        option("--timeout", seconds.to_string());
    }
    if !task.depends_on.is_empty() {
        if probed.repeat_dependencies {
            for id in &task.depends_on {
                option("--depends-on", id.clone());
            }
        } else {
            option("--depends-on", task.depends_on.join(","));
        }
    }
    if !task.reference.is_empty() && probed.names(Ability::Submit, "--metadata") {
        option("--metadata", metadata(task));
    }
    as_json(argv, Ability::Submit, probed);
    positional(argv, Ability::Submit, &task.description, probed)
}

/// What goes along with a task so that it can be found again.
pub fn metadata(task: &Submission) -> String {
    json!({ REFERENCE: task.reference }).to_string()
}

/// The type as this MAOS has it: `general` and `coordination` are the guide's and in no other document.
fn kind_word(kind: &str, probed: &Probed) -> Option<String> {
    let kind = kind.trim().to_lowercase();
    if TYPES.contains(&kind.as_str()) || probed.says(Ability::Submit, &kind) {
        return Some(kind);
    }
    let lists_types = TYPES.iter().any(|word| probed.says(Ability::Submit, word));
    // Where the help lists its types and has no word for mixed work, the choice is left to MAOS.
    (!lists_types || probed.says(Ability::Submit, MIXED)).then(|| MIXED.to_owned())
}

/// `NORMAL` and `MEDIUM` are the same; the help says which of them is understood.
fn priority_word(priority: &str, probed: &Probed) -> String {
    let word = priority.trim().to_uppercase();
    let (normal, medium) = (
        probed.says(Ability::Submit, "normal"),
        probed.says(Ability::Submit, "medium"),
    );
    match word.as_str() {
        "NORMAL" if medium && !normal => "MEDIUM".to_owned(),
        "MEDIUM" if normal && !medium => "NORMAL".to_owned(),
        _ => word,
    }
}

fn list(argv: &mut Vec<String>, status: Option<&TaskStatus>, offset: usize, probed: &Probed) {
    let ability = Ability::List;
    if let Some(status) = status {
        argv.extend(["--status".to_owned(), status.word().to_owned()]);
    }
    if probed.names(ability, "--limit") {
        let pages = probed.names(ability, "--offset");
        // Without pages, one that is large enough for everything: a list that is cut is worse than a slow one.
        let limit = if pages { PAGE } else { 1_000_000 };
        argv.extend(["--limit".to_owned(), limit.to_string()]);
        if pages {
            argv.extend(["--offset".to_owned(), offset.to_string()]);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn probed(helps: &[(Ability, &str)], global: &str) -> Probed {
        Probed::of_helps(helps, global)
    }

    fn task() -> Submission {
        Submission {
            description: "Compare 'a' and $(rm -rf ~)".to_owned(),
            kind: Some("general".to_owned()),
            priority: Some("NORMAL".to_owned()),
            max_agents: Some(3),
            timeout_s: Some(600),
            depends_on: vec!["t1".to_owned(), "t2".to_owned()],
            reference: "legacy_001".to_owned(),
        }
    }

    #[test]
    fn the_guides_own_spelling_is_used_where_the_help_says_nothing() {
        let task = task();
        let silent = probed(&[], "");
        assert_eq!(
            argv(&Ask::Submit(&task), &silent).unwrap(),
            [
                "task",
                "submit",
                "--type",
                "mixed",
                "--max-agents",
                "3",
                "--timeout",
                "600",
                "--depends-on",
                "t1,t2",
                "--format",
                "json",
                "Compare 'a' and $(rm -rf ~)"
            ]
        );
        assert_eq!(
            argv(&Ask::Stop(Stop::Graceful(Duration::from_secs(90))), &silent).unwrap(),
            ["stop", "--timeout", "90"]
        );
        assert_eq!(
            argv(&Ask::Health, &silent).unwrap(),
            ["health", "--all-components"]
        );
    }

    #[test]
    fn the_help_decides_between_the_two_documents() {
        let mut task = task();
        let help = "Usage: maos task submit [OPTIONS] DESCRIPTION\n --type [research|coding|mixed] --priority [LOW|MEDIUM] --metadata TEXT --max-agents N";
        let probed = probed(
            &[
                (Ability::Submit, help),
                (Ability::CheckpointCreate, "Usage: x\n --name TEXT"),
                (Ability::List, "Usage: x\n --status S --limit N --offset N"),
                (Ability::Stop, "Usage: x\n --graceful --force"),
            ],
            "Usage: maos\n --output FORMAT",
        );
        task.depends_on.clear();
        assert_eq!(
            argv(&Ask::Submit(&task), &probed).unwrap(),
            [
                "--output",
                "json",
                "task",
                "submit",
                "--type",
                "mixed",
                "--priority",
                "MEDIUM",
                "--max-agents",
                "3",
                "--timeout",
                "600",
                "--metadata",
                "{\"reference\":\"legacy_001\"}",
                "--",
                "Compare 'a' and $(rm -rf ~)"
            ]
        );
        assert_eq!(
            argv(&Ask::Checkpoint("-rf"), &probed).unwrap(),
            ["--output", "json", "checkpoint", "create", "--name=-rf"]
        );
        assert_eq!(
            argv(
                &Ask::List {
                    status: Some(TaskStatus::Running),
                    offset: 500
                },
                &probed
            )
            .unwrap(),
            [
                "--output", "json", "task", "list", "--status", "RUNNING", "--limit", "500", "--offset",
                "500"
            ]
        );
        assert_eq!(
            argv(&Ask::Stop(Stop::Force), &probed).unwrap(),
            ["--output", "json", "stop", "--force"]
        );
    }

    #[test]
    fn a_text_that_looks_like_an_option_needs_an_end_of_options() {
        let mut task = task();
        task.description = "--force everything".to_owned();
        let error = argv(&Ask::Submit(&task), &probed(&[], "")).unwrap_err();
        assert!(error.to_string().contains("begins with -"), "{error}");
        let standard = probed(&[], "Usage: maos [OPTIONS]");
        let words = argv(&Ask::Submit(&task), &standard).unwrap();
        assert_eq!(words[words.len() - 2..], ["--", "--force everything"]);
    }
}
