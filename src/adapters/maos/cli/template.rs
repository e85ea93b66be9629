//! Commands of the user's own in place of the adapter's: `task submit: [maosctl, add, "--type={type}", "{description}"]`.
//! Each word of the template is one argument, whatever is put into it.

use std::collections::BTreeMap;

use crate::engine::ports::maos::{Ability, MaosError};

/// What a template may name.
pub const PLACES: [&str; 11] = [
    "description",
    "type",
    "priority",
    "max_agents",
    "timeout",
    "depends_on",
    "reference",
    "id",
    "status",
    "metadata",
    "checkpoint",
];

/// The values of one call; what is not there has none.
pub type Values = BTreeMap<&'static str, String>;

/// The arguments of a template with its values. A word whose value is missing is left out, and so is the option before it.
///
/// # Errors
/// A placeholder that does not exist.
pub fn filled(what: &'static str, template: &[String], values: &Values) -> Result<Vec<String>, MaosError> {
    let mut argv: Vec<String> = Vec::with_capacity(template.len());
    for (index, word) in template.iter().enumerate() {
        let Some(filled) = fill(what, word, values)? else {
            let option = index
                .checked_sub(1)
                .map(|before| template[before].as_str())
                .filter(|before| before.starts_with('-') && !before.contains('{') && *before != "--");
            if option.is_some() && argv.last().map(String::as_str) == option {
                argv.pop();
            }
            continue;
        };
        argv.push(filled);
    }
    if argv.is_empty() {
        return Err(MaosError::Refused(
            what,
            "its command in migration.yml is empty".to_owned(),
        ));
    }
    Ok(argv)
}

/// One word with its values; `None` when one of them is missing.
fn fill(what: &'static str, word: &str, values: &Values) -> Result<Option<String>, MaosError> {
    let mut out = String::with_capacity(word.len());
    let mut rest = word;
    while let Some(open) = rest.find('{') {
        let (before, after) = rest.split_at(open);
        out.push_str(before);
        let Some(close) = after.find('}') else {
            out.push_str(after);
            return Ok(Some(out));
        };
        let name = &after[1..close];
        if let Some(known) = PLACES.iter().find(|place| **place == name) {
            match values.get(known) {
                Some(value) => out.push_str(value),
                None => return Ok(None),
            }
        } else if !name.is_empty() && name.chars().all(|c| c.is_ascii_lowercase() || c == '_') {
            return Err(MaosError::Refused(
                what,
                format!(
                    "its command in migration.yml names {{{name}}}; known are {}",
                    PLACES.join(", ")
                ),
            ));
        } else {
            // Braces of another meaning, as in JSON.
            out.push_str(&after[..=close]);
        }
        rest = &after[close + 1..];
    }
    out.push_str(rest);
    Ok(Some(out))
}

/// The template of an ability, by its words.
pub fn of(commands: &BTreeMap<String, Vec<String>>, ability: Ability) -> Option<&Vec<String>> {
    commands.get(ability.words())
}

/// Names in `maos.commands` that are no command's words.
pub fn unknown(commands: &BTreeMap<String, Vec<String>>) -> Vec<String> {
    commands
        .keys()
        .filter(|name| {
            !Ability::ALL
                .iter()
                .any(|ability| ability.words() == name.as_str())
        })
        .cloned()
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &[&str]) -> Vec<String> {
        text.iter().map(|word| (*word).to_owned()).collect()
    }

    #[test]
    fn fault_b39_a_hostile_value_stays_one_word() {
        let hostile = "$(rm -rf ~)'; DROP TABLE tasks;-- {id}\n\x1b[2J";
        let values = Values::from([("description", hostile.to_owned())]);
        let argv = filled(
            "task submit",
            &words(&["ctl", "add", "--", "{description}"]),
            &values,
        )
        .unwrap();
        assert_eq!(argv, ["ctl", "add", "--", hostile]);
    }

    #[test]
    fn what_has_no_value_leaves_with_its_option() {
        let values = Values::from([("description", "d".to_owned()), ("timeout", "60".to_owned())]);
        let template = words(&[
            "ctl",
            "--type",
            "{type}",
            "--timeout={timeout}",
            "--after={depends_on}",
            "--json",
            "{description}",
            "{\"a\": 1}",
        ]);
        assert_eq!(
            filled("task submit", &template, &values).unwrap(),
            ["ctl", "--timeout=60", "--json", "d", "{\"a\": 1}"]
        );
        let error = filled("task submit", &words(&["ctl", "{descripton}"]), &values).unwrap_err();
        assert!(error.to_string().contains("{descripton}"), "{error}");
        assert!(filled("start", &words(&["{id}"]), &values).is_err());
    }
}
