//! What a MAOS program prints, made readable: panels are unboxed, documents found between prose, help texts taken apart.
//! Everything here is pure.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::sync::LazyLock;

use regex::Regex;
use serde_json::Value;

use crate::engine::text::inert_short;
use crate::engine::workspace::secrets::scrub;

/// Characters of a foreign sentence that are shown.
const SHOWN: usize = 200;
/// Places in a text at which a document is looked for; a document stands at a line's start or near it.
const TRIES: usize = 32;

/// A pattern that is part of the program; one that does not compile matches nothing.
fn pattern(text: &str) -> Option<Regex> {
    Regex::new(text).ok()
}

static ESCAPES: LazyLock<Option<Regex>> =
    LazyLock::new(|| pattern("\x1b(?:\\[[0-9;?]*[ -/]*[@-~]|\\][^\x07\x1b]*(?:\x07|\x1b\\\\)|[@-Z\\\\-_])"));
static OPTION: LazyLock<Option<Regex>> = LazyLock::new(|| pattern(r"(?:^|[\s,│|\[(/])(--[a-z][a-z0-9-]*)"));
static WORD: LazyLock<Option<Regex>> = LazyLock::new(|| pattern(r"^[a-z][a-z0-9_-]*$"));
static CHOICES: LazyLock<Option<Regex>> = LazyLock::new(|| pattern(r"^\s*\{([a-z][a-z0-9_,-]*)\}"));
static VERSION: LazyLock<Option<Regex>> =
    LazyLock::new(|| pattern(r"(?:^|[^0-9A-Za-z.])v?([0-9]+\.[0-9]+(?:\.[0-9]+)*(?:[-+.]?[0-9A-Za-z]+)*)"));

/// Bytes as text, colour and cursor sequences removed; what is not UTF-8 becomes the replacement character.
pub fn text(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    match ESCAPES.as_ref() {
        Some(escapes) => escapes.replace_all(&text, "").into_owned(),
        None => text.into_owned(),
    }
}

/// Bytes as text, where no byte may be lost.
///
/// # Errors
/// A fragment with the place of the first byte that is not UTF-8.
pub fn strict(bytes: &[u8]) -> Result<String, String> {
    match std::str::from_utf8(bytes) {
        Ok(_) => Ok(text(bytes)),
        Err(error) => Err(format!("byte {} is not UTF-8", error.valid_up_to())),
    }
}

const fn is_side(c: char) -> bool {
    matches!(c, '│' | '┃' | '║' | '|')
}

/// A line of a panel without its two sides, or the line as it is.
fn unboxed(line: &str) -> Cow<'_, str> {
    let trimmed = line.trim();
    let inner = trimmed
        .strip_prefix(is_side)
        .and_then(|rest| rest.strip_suffix(is_side));
    match inner {
        // One blank beside each side belongs to the panel.
        Some(inner) => Cow::Borrowed(inner.strip_prefix(' ').unwrap_or(inner).trim_end()),
        None => Cow::Borrowed(line.trim_end()),
    }
}

fn is_rule(line: &str) -> bool {
    let line = line.trim();
    let drawn = |c: char| matches!(c, '\u{2500}'..='\u{257f}' | '+' | '-' | '=') && !is_side(c);
    line.len() > 1 && line.starts_with(drawn) && line.ends_with(drawn)
}

/// The lines of prose: unboxed, trimmed, without borders and blank ones.
pub fn lines(text: &str) -> impl Iterator<Item = String> {
    text.lines()
        .filter(|line| !is_rule(line))
        .map(|line| unboxed(line).trim().to_owned())
        .filter(|line| !line.is_empty())
}

/// The JSON object or array in a text: the whole text, else what a panel holds, else the longest one that prose surrounds.
pub fn json(text: &str) -> Option<Value> {
    let whole = text.trim();
    if whole.starts_with(['{', '['])
        && let Ok(value) = serde_json::from_str::<Value>(whole)
    {
        return Some(value);
    }
    let boxed: String = text
        .lines()
        .filter(|line| line.trim_start().starts_with(is_side))
        .flat_map(|line| [unboxed(line).into_owned(), "\n".to_owned()])
        .collect();
    longest(&boxed).or_else(|| longest(text))
}

fn longest(text: &str) -> Option<Value> {
    let mut best: Option<(usize, Value)> = None;
    let (mut at, mut tries) = (0, 0);
    while let Some(found) = text[at..].find(['{', '[']) {
        let start = at + found;
        let mut stream = serde_json::Deserializer::from_str(&text[start..]).into_iter::<Value>();
        match stream.next() {
            Some(Ok(value)) if value.is_object() || value.is_array() => {
                let length = stream.byte_offset();
                at = start + length.max(1);
                if best.as_ref().is_none_or(|(longest, _)| length > *longest) {
                    best = Some((length, value));
                }
            }
            _ => {
                at = start + 1;
                tries += 1;
                if tries == TRIES {
                    break;
                }
            }
        }
    }
    best.map(|(_, value)| value)
}

/// The commands that a help text lists, in the styles of Typer, Click, clap and argparse.
pub fn commands(help: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut indent = None;
    let mut inside = false;
    for line in help.lines() {
        let title = line.to_lowercase();
        let heads = title.contains("commands")
            && (is_rule(line) || title.trim_end().ends_with(':') || title.trim() == "commands");
        if heads {
            (inside, indent) = (true, None);
            continue;
        }
        if let Some(list) = CHOICES.as_ref().and_then(|choices| choices.captures(line)) {
            found.extend(list[1].split(',').map(str::to_owned));
            continue;
        }
        if !inside {
            continue;
        }
        let body = unboxed(line);
        if is_rule(line)
            || body.trim().is_empty()
            || !body.starts_with([' ', '\t']) && body == line.trim_end()
        {
            // The list ends at its border, at a blank line, and at the next heading.
            inside = indent.is_none() && body.trim().is_empty();
            continue;
        }
        let depth = body.len() - body.trim_start().len();
        // A wrapped description stands further right than the names.
        if depth == *indent.get_or_insert(depth)
            && let Some(word) = body.split_whitespace().next()
            && WORD.as_ref().is_some_and(|pattern| pattern.is_match(word))
        {
            found.insert(word.to_owned());
        }
    }
    found
}

/// The long options that a help text names.
pub fn options(help: &str) -> BTreeSet<String> {
    OPTION.as_ref().map_or_else(BTreeSet::new, |option| {
        option
            .captures_iter(help)
            .map(|found| found[1].to_owned())
            .collect()
    })
}

/// The version in a text: the first dotted number that stands by itself.
pub fn version(text: &str) -> Option<String> {
    let found = VERSION.as_ref()?.captures(text)?;
    Some(found[1].trim_end_matches(['.', '-', '+']).to_owned())
}

/// The first number of each dotted part, so that versions can be ordered: `0.9.4rc1` gives `[0, 9, 4]`.
pub fn numbers(version: &str) -> Vec<u64> {
    version
        .split('.')
        .map(|part| {
            let digits: String = part.chars().take_while(char::is_ascii_digit).collect();
            digits.parse().unwrap_or(0)
        })
        .collect()
}

/// The line that tells most of what went wrong: the last one of a traceback, one that names an error, else the first.
pub fn gist(out: &str, err: &str) -> String {
    let telling = |text: &str| -> Option<String> {
        let all: Vec<String> = lines(text).collect();
        if all.iter().any(|line| line.starts_with("Traceback (most recent")) {
            return all.last().cloned();
        }
        let names = |line: &&String| {
            let line = line.to_lowercase();
            [
                "no such",
                "error",
                "failed",
                "not found",
                "not running",
                "invalid",
                "denied",
                "cannot",
                "missing",
            ]
            .iter()
            .any(|word| line.contains(word))
        };
        all.iter()
            .find(names)
            .or_else(|| all.iter().find(|line| !line.starts_with("Usage:")))
            .cloned()
    };
    if let Some(said) = of_document(err).or_else(|| of_document(out)) {
        return shown(&said);
    }
    let line = telling(err).or_else(|| telling(out)).unwrap_or_default();
    shown(line.trim_start_matches(|c: char| !c.is_alphanumeric() && !matches!(c, '\'' | '"' | '/' | '<')))
}

/// What a JSON document says for people.
fn of_document(text: &str) -> Option<String> {
    let document: Value = serde_json::from_str(text.trim()).ok()?;
    let said = ["/error/message", "/error", "/message"]
        .into_iter()
        .find_map(|at| document.pointer(at)?.as_str());
    said.filter(|said| !said.trim().is_empty()).map(str::to_owned)
}

/// Foreign text for a sentence of ours: no secret, no control character, not long.
pub fn shown(text: &str) -> String {
    inert_short(scrub(text.trim()).trim(), SHOWN)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const TYPER: &str = "\n Usage: maos task [OPTIONS] COMMAND [ARGS]...\n\n📋 Task management operations\n\n\
        ╭─ Options ──────────╮\n│ --help  -h  <bool>  Show this message and exit. │\n╰────────────────────╯\n\
        ╭─ Commands ─────────╮\n│ submit   📋 Submit a new task        │\n│          for execution            │\n│ list     Lists tasks               │\n╰────────────────────╯\n";

    #[test]
    fn commands_are_read_in_every_style() {
        let names = |help: &str| commands(help).into_iter().collect::<Vec<_>>().join(" ");
        assert_eq!(names(TYPER), "list submit");
        assert_eq!(
            names(
                "Usage: maos [OPTIONS] COMMAND\n\nOptions:\n  --help  Show\n\nCommands:\n  init     Make files\n  task     Tasks\n           and more\n"
            ),
            "init task"
        );
        assert_eq!(
            names(
                "A stand-in\n\nUsage: maos <COMMAND>\n\nCommands:\n  init  Makes files\n  db    The database\n\nOptions:\n  -h, --help  Print help\n"
            ),
            "db init"
        );
        assert_eq!(
            names(
                "usage: maos [-h] {init,health} ...\n\npositional arguments:\n  {init,health}\n    init  makes files\n"
            ),
            "health init"
        );
        assert_eq!(names("I take no help.\n"), "");
    }

    #[test]
    fn the_gist_of_a_document_is_what_it_says_for_people() {
        let said = |out: &str, err: &str| gist(out, err);
        assert_eq!(
            said(r#"{"message": "made /srv/state", "rehearsal": true}"#, ""),
            "made /srv/state"
        );
        assert_eq!(
            said("", r#"{"error": {"message": "no connection"}}"#),
            "no connection"
        );
        assert_eq!(said("made\n", ""), "made");
    }

    #[test]
    fn options_and_versions_are_found() {
        assert_eq!(
            options("│ --format  -f  <str>  │\n  -n, --name=TEXT [default: --]\n")
                .into_iter()
                .collect::<Vec<_>>(),
            ["--format", "--name"]
        );
        for (text, wanted) in [
            ("0.9.4\n", Some("0.9.4")),
            ("maos, version v2.0.0-rc1 (2026)", Some("2.0.0-rc1")),
            ("│ Version: 0.8.9.1        │", Some("0.8.9.1")),
            ("no number", None),
            ("build 7", None),
        ] {
            assert_eq!(version(text).as_deref(), wanted, "{text}");
        }
        assert!(numbers("0.8.9") < numbers("0.8.9.1") && numbers("0.10.0") > numbers("0.9.4"));
    }

    #[test]
    fn documents_are_found_in_panels_and_in_prose() {
        let panel = "Overall Health: 4/6\n\n╭─ Health ──╮\n│ {         │\n│   \"a\": \"x │ y\", │\n│   \"b\": [1] │\n│ }         │\n╰───────────╯\n1 component\n";
        assert_eq!(json(panel), Some(json!({"a": "x │ y", "b": [1]})));
        assert_eq!(json("| {\"a\": 1} |\n"), Some(json!({"a": 1})));
        assert_eq!(
            json("queued [1 of 3]\nresult: {\"task_id\": \"t\"} done\n"),
            Some(json!({"task_id": "t"}))
        );
        assert_eq!(json("[]\n"), Some(json!([])));
        for none in ["", "No tasks found", "{\"a\": 1", "}{", &"[".repeat(100_000)] {
            assert_eq!(json(none), None);
        }
    }

    #[test]
    fn the_telling_line_is_shown_and_nothing_else() {
        let usage = "Usage: maos [OPTIONS]\nTry 'maos -h' for help.\n╭─ Error ───╮\n│ No such command 'init'. │\n╰───────────╯\n";
        assert_eq!(gist("", usage), "No such command 'init'.");
        assert_eq!(
            gist(
                "❌ Failed to submit task: Orchestrator is not running\nError code: None\n",
                ""
            ),
            "Failed to submit task: Orchestrator is not running"
        );
        assert_eq!(
            gist(
                "",
                "Traceback (most recent call last):\n  File \"x\"\nModuleNotFoundError: No module named 'click'\n"
            ),
            "ModuleNotFoundError: No module named 'click'"
        );
        assert_eq!(gist("\x1b]0;title\x07evil\x07", ""), "0;title\\x07evil\\x07");
        assert_eq!(text(b"\x1b[31mred\x1b[0m \x1b]0;t\x07x"), "red x");
        assert_eq!(strict(b"ab\xff"), Err("byte 2 is not UTF-8".to_owned()));
    }
}
