//! Changing one value of the settings file and nothing else in it.

use serde_json::{Map, Value};

use super::SETTINGS_FILE;
use crate::engine::error::{Error, Result};
use crate::engine::yaml;

/// `text` of a settings file with the value of one key replaced, everything else as it was, comments included. `path` is one
/// or two keys: `["type"]`, `["sources", "tasks"]`. A missing key is added to its section, a missing section at the end.
///
/// # Errors
/// Where a line cannot be changed without changing another key's value: a section that is written on one line.
pub fn with_value(text: &str, path: &[&str], value: &str) -> Result<String> {
    let after = edited(text, path, value);
    if others(text, path)? == others(&after, path)? {
        return Ok(after);
    }
    Err(Error::input(format!(
        "{} is written in {SETTINGS_FILE} in a way that is not edited here",
        path.first().copied().unwrap_or_default()
    ))
    .hint(format!("Write {} there by hand.", path.join("."))))
}

/// Everything but the value at `path`.
fn others(text: &str, path: &[&str]) -> Result<Value> {
    let mut tree: Value = yaml::from_str(SETTINGS_FILE, text)?;
    match path {
        [key] => {
            if let Some(all) = tree.as_object_mut() {
                all.remove(*key);
            }
        }
        [section, key] => {
            if let Some(all) = tree.as_object_mut() {
                if let Some(inner) = all.get_mut(*section).and_then(Value::as_object_mut) {
                    inner.remove(*key);
                }
                // A section that holds nothing else is none.
                if all
                    .get(*section)
                    .is_some_and(|inner| inner.is_null() || inner.as_object().is_some_and(Map::is_empty))
                {
                    all.remove(*section);
                }
            }
        }
        _ => {}
    }
    // Nothing at all is a mapping without keys.
    Ok(if tree.is_null() {
        Value::Object(Map::new())
    } else {
        tree
    })
}

fn edited(text: &str, path: &[&str], value: &str) -> String {
    let value = if value.is_empty() {
        "null".to_owned()
    } else {
        scalar(value)
    };
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    let is_key = |line: &str, indent: bool, key: &str| {
        let body = line.trim_start();
        (line.len() != body.len()) == indent
            && body.strip_prefix(key).is_some_and(|rest| rest.starts_with(':'))
    };
    let set = |line: &mut String, key: &str| {
        let indent: String = line.chars().take_while(|c| c.is_whitespace()).collect();
        let comment = line
            .find(" #")
            .map(|at| line[at..].to_owned())
            .unwrap_or_default();
        *line = format!("{indent}{key}: {value}{comment}");
    };
    match path {
        [key] => match lines.iter_mut().find(|line| is_key(line, false, key)) {
            Some(line) => set(line, key),
            None => lines.push(format!("{key}: {value}")),
        },
        [section, key] => {
            if let Some(at) = lines.iter().position(|line| is_key(line, false, section)) {
                let end = lines[at + 1..]
                    .iter()
                    .position(|line| !line.trim().is_empty() && !line.starts_with([' ', '#']))
                    .map_or(lines.len(), |n| at + 1 + n);
                match lines[at + 1..end].iter_mut().find(|line| is_key(line, true, key)) {
                    Some(line) => set(line, key),
                    None => lines.insert(at + 1, format!("  {key}: {value}")),
                }
                // A section written as `sources: {}` or `sources: null` becomes a block.
                lines[at] = format!("{section}:");
            } else {
                lines.push(format!("{section}:"));
                lines.push(format!("  {key}: {value}"));
            }
        }
        _ => {}
    }
    lines.join("\n") + "\n"
}

/// A YAML scalar that reads back as exactly this string.
fn scalar(value: &str) -> String {
    let plain = value
        .chars()
        .all(|c| c.is_alphanumeric() || "/._-:@?=&${}+ ".contains(c))
        && value.starts_with(|c: char| c.is_alphabetic() || c == '/' || c == '.')
        && !value.contains(": ")
        && !value.ends_with([':', ' '])
        && !matches!(
            value,
            "true" | "false" | "null" | "yes" | "no" | "on" | "off" | "y" | "n"
        );
    if plain || value == "true" || value == "false" {
        value.to_owned()
    } else {
        serde_json::to_string(value).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_value_changes_and_comments_stay() {
        let text = "# mine\nname: a  # here\nsources:\n  # files\n  tasks: x.json\ntarget: {}\n";
        let text = with_value(text, &["sources", "tasks"], "legacy/t.json").unwrap();
        let text = with_value(&text, &["target", "database"], "sqlite://m.db").unwrap();
        let text = with_value(&text, &["type"], "hybrid").unwrap();
        let text = with_value(&text, &["name"], "b: \"c\"").unwrap();
        assert_eq!(
            text,
            "# mine\nname: \"b: \\\"c\\\"\"  # here\nsources:\n  # files\n  tasks: legacy/t.json\ntarget:\n  database: sqlite://m.db\ntype: hybrid\n"
                .replace("  # here", " # here")
        );
        assert_eq!(yaml::from_str::<Value>("it", &text).unwrap()["name"], "b: \"c\"");
    }

    #[test]
    fn a_section_on_one_line_loses_nothing() {
        let text = "sources: {tasks: a.json, checkpoints: old}\n";
        let error = with_value(text, &["sources", "tasks"], "b.json").unwrap_err();
        assert_eq!(
            error.message,
            "sources is written in migration.yml in a way that is not edited here"
        );
        assert_eq!(error.hint.as_deref(), Some("Write sources.tasks there by hand."));
        for empty in [
            "",
            "sources:\n",
            "sources: {}\n",
            "sources: null\n",
            "sources: {tasks: a}\n",
        ] {
            let text = with_value(empty, &["sources", "tasks"], "b.json").unwrap();
            assert!(text.contains("  tasks: b.json\n"), "{empty}: {text}");
        }
    }
}
