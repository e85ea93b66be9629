//! The secrets that a workspace holds besides the passwords of its databases: what `migration.yml` sets for the programs on both sides,
//! what the conversion of the configuration wrote for MAOS, and what those programs inherit from this one. A program on either side may
//! print any of them.

use std::path::Path;

use serde_json::Value;

use super::Workspace;
use super::secrets::{self, Lookup};
use crate::engine::config::read::{self, SourceFormat};
use crate::engine::config::{ENV_FILE, register_all, register_text};
use crate::engine::yaml;

/// The larger of these is no file of ours.
const ENV_BYTES: u64 = 1024 * 1024;

/// Variables that hold a secret without saying so in their names.
const UNNAMED: [&str; 2] = ["REDISCLI_AUTH", "SSHPASS"];

/// Variables that hold a name. A password that is the same word is masked where it stands as a password and nowhere else.
const NAMES: [&str; 5] = ["USER", "LOGNAME", "HOSTNAME", "PGUSER", "PGDATABASE"];

/// Registers the secrets among the variables that this process hands on to every program it starts: `PGPASSWORD`, `REDISCLI_AUTH`, tokens,
/// and passwords in addresses.
pub fn register_inherited(variables: impl IntoIterator<Item = (String, String)>) {
    let variables: Vec<(String, String)> = variables.into_iter().collect();
    let is_name = |text: &str| {
        let named = |(name, value): &(String, String)| value == text && NAMES.contains(&name.as_str());
        variables.iter().any(named)
    };
    for (name, value) in &variables {
        // The shell's two names for a folder look like passwords; so do counts of tokens and names of files.
        let harmless = matches!(name.as_str(), "PWD" | "OLDPWD")
            || name.ends_with("TOKENS")
            || is_name(value)
            || (value.starts_with('/') && Path::new(value).exists());
        if harmless {
            continue;
        }
        if UNNAMED.contains(&name.as_str()) {
            secrets::register(value);
        } else {
            register_text(name, value);
        }
    }
}

/// Registers what stands in the text of a settings file, so that not even an error about that text tells it.
pub fn register_settings(name: &str, text: &str, base: &Path, lookup: Lookup<'_>) {
    if let Ok(tree) = yaml::from_str::<Value>(name, text) {
        walk("", &tree, base, lookup);
        return;
    }
    // What cannot be read as a whole is looked through line by line; a comment holds words, not values.
    for line in text.lines().map(str::trim).filter(|line| !line.starts_with('#')) {
        register_text("", line);
    }
}

/// Registers what the conversion of the configuration wrote for MAOS, when it lies in this workspace.
pub fn register_written(workspace: &Workspace) {
    let path = workspace.path(Path::new("config").join(ENV_FILE));
    if !std::fs::metadata(&path).is_ok_and(|meta| meta.is_file() && meta.len() <= ENV_BYTES) {
        return;
    }
    let Ok(text) = std::fs::read_to_string(&path) else {
        return;
    };
    // One by one: a line that was changed by hand and cannot be read hides no other.
    for line in text.lines() {
        if let Ok(document) = read::parse(ENV_FILE, line, SourceFormat::Env) {
            register_all(&document.leaves);
        }
    }
}

fn walk(name: &str, value: &Value, base: &Path, lookup: Lookup<'_>) {
    match value {
        Value::Object(fields) => {
            for (key, value) in fields {
                // A value in the place of a key is told as an unknown key.
                register_text("", key);
                match value {
                    Value::Object(headers) if key == "run_headers" => {
                        headers.values().for_each(|header| sent(header, base, lookup));
                    }
                    Value::String(url) if key == "run_url" => {
                        // Only what it holds matters here; what is wrong with it is said where it is used.
                        let _ = secrets::resolve(url, key, base, lookup);
                    }
                    _ => {}
                }
                walk(key, value, base, lookup);
            }
        }
        Value::Array(items) => items.iter().for_each(|item| walk(name, item, base, lookup)),
        Value::String(text) => register_text(name, text),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// A header of the legacy side: what its references hold, and `Bearer …` and `Basic …`.
fn sent(header: &Value, base: &Path, lookup: Lookup<'_>) {
    let Some(text) = header.as_str() else { return };
    let Ok(resolved) = secrets::resolve(text, "legacy.run_headers", base, lookup) else {
        return;
    };
    if let Some((scheme, credentials)) = resolved.expose().split_once(' ')
        && ["bearer", "basic", "token", "apikey"].contains(&scheme.to_ascii_lowercase().as_str())
    {
        secrets::register(credentials.trim());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fault_e78_what_programs_inherit_is_known_and_switches_and_folders_are_not() {
        let variables = [
            ("PGPASSWORD", "inherited-1aa"),
            ("REDISCLI_AUTH", "inherited-2bb"),
            ("AWS_SECRET_ACCESS_KEY", "inherited-3cc"),
            ("DATABASE_URL", "postgres://app:inherited-4dd@db/app"),
            ("LEGACY_TOKEN", "inherited-5ee"),
            ("PWD", "/srv/inherited-folder"),
            ("OLDPWD", "/srv/inherited-older"),
            ("PASSWORD_FILE", "/srv/inherited-file"),
            ("TOKENIZERS_PARALLELISM", "false"),
            ("MAX_OUTPUT_TOKENS", "32000"),
            ("GOOGLE_CREDENTIALS", "/dev/null"),
            ("LANG", "inherited-language"),
            ("PGUSER", "inherited-name"),
            ("DB_PASSWORD", "inherited-name"),
            ("ADMIN_PASSWORD", "postgres"),
        ];
        register_inherited(variables.map(|(name, value)| (name.to_owned(), value.to_owned())));
        for secret in [
            "inherited-1aa",
            "inherited-2bb",
            "inherited-3cc",
            "inherited-4dd",
            "inherited-5ee",
        ] {
            assert_eq!(secrets::scrub(secret), secrets::MASK, "{secret}");
        }
        for plain in [
            "/srv/inherited-folder",
            "/srv/inherited-older",
            "/srv/inherited-file",
            "false",
            "32000",
            "/dev/null",
            "inherited-language",
            "inherited-name",
            "postgres://app",
        ] {
            assert_eq!(secrets::scrub(plain), plain);
        }
    }

    #[test]
    fn fault_e78_what_both_sides_are_given_is_known_and_comments_are_not() {
        let text = "name: a\n# password: commented-word\nmaos:\n  env: {API_TOKEN: kept-1aa, PATH: /usr/kept-bin}\nlegacy:\n  drain: [psql, 'postgres://u:kept-2bb@h/d']\n  \
                    run_url: https://u:${URL_PW}@h/x\n  run_headers: {Authorization: Bearer kept-3cc, X-Key: '${HEADER}'}\n";
        let lookup = |name: &str| Some(format!("kept-{}", name.to_lowercase()));
        register_settings("migration.yml", text, Path::new("."), &lookup);
        // Unreadable, but its lines are looked through.
        register_settings(
            "x",
            "a: [\nb: postgres://u:kept-4dd@h/d\n",
            Path::new("."),
            &lookup,
        );
        for secret in [
            "kept-1aa",
            "kept-2bb",
            "kept-3cc",
            "kept-4dd",
            "kept-url_pw",
            "kept-header",
        ] {
            assert_eq!(secrets::scrub(secret), secrets::MASK, "{secret}");
        }
        for plain in ["commented-word", "/usr/kept-bin", "psql", "Bearer"] {
            assert_eq!(secrets::scrub(plain), plain);
        }
    }
}
