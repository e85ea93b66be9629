//! Writing the result: YAML with a commented header, JSON, and the environment file. Equal input gives equal bytes.

use std::fmt::Write as _;

use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize};
use serde_json::{Map as JsonMap, Value as Json};

use super::map::Map;
use super::model::{Conversion, Origin, Setting};
use crate::engine::error::{Error, Result};
use crate::engine::text::inert;
use crate::engine::yaml;

/// The environment file's name; it lies beside the configuration.
pub const ENV_FILE: &str = "maos.env";

/// How the MAOS configuration is written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OutputFormat {
    /// YAML with comments.
    #[default]
    Yaml,
    /// JSON.
    Json,
}

impl OutputFormat {
    /// The format of that name.
    ///
    /// # Errors
    /// [`crate::engine::ErrorKind::Usage`] for any other than `yaml` and `json`.
    pub fn named(name: &str) -> Result<Self> {
        match name {
            "yaml" | "yml" => Ok(Self::Yaml),
            "json" => Ok(Self::Json),
            other => Err(Error::new(
                crate::engine::error::ErrorKind::Usage,
                format!(
                    "there is no output format {}",
                    crate::engine::text::inert_short(other, 40)
                ),
            )
            .hint("Use yaml or json.")),
        }
    }

    /// The name on the command line.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Yaml => "yaml",
            Self::Json => "json",
        }
    }
}

/// The settings as a tree of groups.
///
/// # Errors
/// [`crate::engine::ErrorKind::Input`] when a key would be both a value and a group, which a broken map of one's own can ask
/// for.
pub fn tree(settings: &[Setting]) -> Result<Json> {
    let mut root = JsonMap::new();
    for setting in settings {
        let both = || Error::input(format!("the map makes {} a value and a group", setting.path));
        let mut group = &mut root;
        let mut parts = setting.path.split('.').peekable();
        while let Some(part) = parts.next() {
            if parts.peek().is_none() {
                if group.insert(part.to_owned(), setting.value.clone()).is_some() {
                    return Err(both());
                }
                break;
            }
            group = group
                .entry(part)
                .or_insert_with(|| Json::Object(JsonMap::new()))
                .as_object_mut()
                .ok_or_else(both)?;
        }
    }
    Ok(Json::Object(root))
}

/// The text of the configuration file. `source` is the legacy file's name, when there is one.
///
/// # Errors
/// As [`tree`], and [`crate::engine::ErrorKind::Bug`] when the text would not be read back equal.
pub fn render(
    conversion: &Conversion,
    map: &Map,
    format: OutputFormat,
    source: Option<&str>,
) -> Result<String> {
    let tree = tree(&conversion.settings)?;
    let text = match format {
        OutputFormat::Json => {
            let mut text = serde_json::to_string_pretty(&tree)
                .map_err(|error| Error::bug(format!("cannot write JSON: {error}")))?;
            text.push('\n');
            text
        }
        OutputFormat::Yaml => {
            let mut text = header(conversion, map, source);
            let defaults: Vec<&str> = conversion
                .settings
                .iter()
                .filter(|setting| setting.origin == Origin::Default)
                .map(|setting| setting.path.as_str())
                .collect();
            if tree.as_object().is_some_and(JsonMap::is_empty) {
                text.push_str("{}\n");
            } else {
                group(&mut text, &tree, "", 0, &defaults);
            }
            text
        }
    };
    read_back(&text, format, &tree)?;
    Ok(text)
}

/// Proves that `text` says exactly `tree`.
///
/// # Errors
/// [`crate::engine::ErrorKind::Bug`] when it does not.
pub fn read_back(text: &str, format: OutputFormat, tree: &Json) -> Result<()> {
    let again: Json = match format {
        OutputFormat::Json => {
            serde_json::from_str(text).map_err(|error| Error::bug(format!("cannot read back: {error}")))?
        }
        OutputFormat::Yaml => yaml::from_str("the written configuration", text)
            .map_err(|error| Error::bug(format!("cannot read back: {error}")))?,
    };
    if again == *tree {
        Ok(())
    } else {
        Err(Error::bug("the written configuration reads back differently"))
    }
}

fn header(conversion: &Conversion, map: &Map, source: Option<&str>) -> String {
    let mut out = format!("# MAOS configuration, profile {} ({})", map.profile, map.title);
    if let Some(source) = source {
        // Writing to a String cannot fail.
        let _ = write!(out, ", converted from {}", inert(source));
    }
    out.push_str(".\n");
    if !conversion.secrets.is_empty() {
        let names: Vec<&str> = conversion
            .secrets
            .iter()
            .map(|secret| secret.name.as_str())
            .collect();
        let _ = writeln!(
            out,
            "# {} {} in {ENV_FILE} (mode 0600), to be set before MAOS starts.",
            names.join(", "),
            if names.len() == 1 { "stands" } else { "stand" }
        );
    }
    out.push('\n');
    out
}

fn group(out: &mut String, value: &Json, prefix: &str, depth: usize, defaults: &[&str]) {
    for (key, item) in value.as_object().into_iter().flatten() {
        let path = if prefix.is_empty() {
            key.clone()
        } else {
            format!("{prefix}.{key}")
        };
        let indent = "  ".repeat(depth);
        if item.is_object() {
            let _ = writeln!(out, "{indent}{}:", scalar(&Json::String(key.clone())));
            group(out, item, &path, depth + 1, defaults);
        } else {
            let note = if defaults.contains(&path.as_str()) {
                "  # default"
            } else {
                ""
            };
            let _ = writeln!(
                out,
                "{indent}{}: {}{note}",
                scalar(&Json::String(key.clone())),
                scalar(item)
            );
        }
    }
}

/// A scalar that YAML 1.1 and 1.2 readers take for the same thing.
fn scalar(value: &Json) -> String {
    let Json::String(text) = value else {
        return value.to_string();
    };
    let word = text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"_-./".contains(&b));
    let reserved = ["true", "false", "yes", "no", "on", "off", "null", "y", "n"];
    let size = text
        .strip_suffix("MB")
        .or_else(|| text.strip_suffix("GB"))
        .is_some_and(|digits| !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit()));
    if (word && !reserved.contains(&text.to_ascii_lowercase().as_str())) || size {
        text.clone()
    } else {
        // A JSON string is a YAML double-quoted scalar; what JSON leaves bare and YAML does not allow is escaped.
        let mut out = String::new();
        for c in value.to_string().chars() {
            match c {
                '\u{7f}'..='\u{9f}' | '\u{2028}' | '\u{2029}' | '\u{feff}' => {
                    let _ = write!(out, "\\u{:04x}", c as u32);
                }
                other => out.push(other),
            }
        }
        out
    }
}

/// The text of the environment file, or `None` when there is no secret. Shells, Docker and systemd read it alike as long as
/// no value needs quotes.
#[must_use]
pub fn environment(conversion: &Conversion, out_name: &str) -> Option<SecretString> {
    if conversion.secrets.is_empty() {
        return None;
    }
    let mut text = format!(
        "# Secrets of {}. Before MAOS starts: set -a; . ./{ENV_FILE}; set +a\n",
        inert(out_name)
    );
    for secret in &conversion.secrets {
        let value = secret.value.expose_secret();
        let safe = value
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"-._~%/:@+=,".contains(&b));
        let quoted = if safe {
            value.to_owned()
        } else {
            format!("'{}'", value.replace('\'', r"'\''"))
        };
        let _ = writeln!(text, "# {}\n{}={quoted}", secret.comment, secret.name);
    }
    Some(SecretString::from(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scalars_are_quoted_when_a_reader_could_mistake_them() {
        for (text, want) in [
            ("INFO", "INFO"),
            ("1GB", "1GB"),
            ("yes", "\"yes\""),
            ("8", "\"8\""),
            ("1:30", "\"1:30\""),
            ("a: b", "\"a: b\""),
            ("${X}", "\"${X}\""),
            ("", "\"\""),
            ("\u{85}", "\"\\u0085\""),
            ("logs/x.log", "logs/x.log"),
        ] {
            assert_eq!(scalar(&Json::String(text.to_owned())), want);
        }
    }
}
