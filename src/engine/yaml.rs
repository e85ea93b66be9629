//! The one place where YAML is read and written, with fixed options: duplicate keys refused, booleans strict,
//! unknown tags refused, input bounded. Errors carry the place but never the source lines, which may hold secrets.

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::error::{Error, ErrorKind, Result};

/// A value with the place where it stood: `.value`, `.referenced.line()`, `.referenced.column()`.
pub use serde_yaml::Spanned;

fn options(max_nodes: usize) -> serde_yaml::Options {
    serde_yaml::options! {
        strict_booleans: true,
        leading_zero_numbers_as_strings: true,
        reject_unsupported_tags: true,
        with_snippet: false,
        budget: serde_yaml::budget! {
            max_nodes: max_nodes,
            max_events: max_nodes.saturating_mul(4),
            max_total_scalar_bytes: 64 * 1024 * 1024,
            max_depth: 64,
            max_documents: 1,
        },
    }
}

/// Reads one document of at most 250,000 nodes. `name` is the file as the person knows it.
///
/// # Errors
/// [`ErrorKind::Input`] with line and column: syntax, unknown or duplicate key, wrong type, too large.
pub fn from_str<T: DeserializeOwned>(name: &str, text: &str) -> Result<T> {
    from_str_bounded(name, text, 250_000)
}

/// As [`from_str`] with another limit of nodes.
///
/// # Errors
/// As [`from_str`].
pub fn from_str_bounded<T: DeserializeOwned>(name: &str, text: &str, max_nodes: usize) -> Result<T> {
    serde_yaml::from_str_with_options(text, options(max_nodes)).map_err(|error| refused(name, &error))
}

fn refused(name: &str, error: &serde_yaml::Error) -> Error {
    let plain = error.without_snippet();
    let said = plain.to_string();
    // The location is said once, in our own words; the library puts it at the end of its message.
    // The library's advice to programmers about duplicate keys means nothing to the person who wrote the file.
    let said = said
        .split(" at line ")
        .next()
        .unwrap_or(&said)
        .split(", set DuplicateKeyPolicy")
        .next()
        .unwrap_or(&said);
    let said = match said.trim() {
        // The library names its counters; the person wrote aliases.
        "recursion limit exceeded" => "it is nested too deeply",
        over if over.starts_with("budget breached: Depth") => "it is nested too deeply",
        over if over.starts_with("budget breached") => "it holds more than a file may, its aliases followed",
        other => other,
    };
    match plain.location() {
        Some(place) => Error::new(
            ErrorKind::Input,
            format!("{name} line {}, column {}: {said}", place.line(), place.column()),
        ),
        None => Error::new(ErrorKind::Input, format!("{name}: {said}")),
    }
}

/// Writes one document.
///
/// # Errors
/// [`ErrorKind::Bug`] when the value cannot be written as YAML.
pub fn to_string<T: Serialize>(value: &T) -> Result<String> {
    serde_yaml::to_string(value).map_err(|error| Error::bug(format!("cannot write YAML: {error}")))
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Sample {
        #[expect(dead_code, reason = "only read by the derive")]
        name: String,
        #[expect(dead_code, reason = "only read by the derive")]
        count: u32,
    }

    fn said(text: &str) -> String {
        from_str::<Sample>("migration.yml", text)
            .expect_err("must be refused")
            .message
    }

    #[test]
    fn every_refusal_names_line_and_column() {
        for (text, place, word) in [
            ("name: a\ncount: 1\nname: b\n", "line 3, column 1", "duplicate"),
            ("name: a\ncount: x\n", "line 2, column 8", "u32"),
            ("name: a\ncuont: 1\n", "line 2, column 1", "cuont"),
            ("name: a\n\tcount: 1\n", "line 1, column 7", "tab"),
        ] {
            let message = said(text);
            assert!(message.contains(place) && message.contains(word), "{message}");
        }
    }

    #[test]
    fn a_bomb_is_refused_before_it_grows() {
        let mut text = String::from("a0: &a0 [x, x, x, x, x, x, x, x, x]\n");
        for i in 1..12 {
            let refs = vec![format!("*a{}", i - 1); 9].join(", ");
            let _ = writeln!(text, "a{i}: &a{i} [{refs}]");
        }
        let error = from_str::<serde_json::Value>("x.yml", &text).expect_err("must be refused");
        assert_eq!(error.kind, ErrorKind::Input);
        assert!(error.message.contains("more than a file may"), "{error}");
        let deep = format!("a: {}1{}", "[".repeat(500), "]".repeat(500));
        let error = from_str::<serde_json::Value>("x.yml", &deep).expect_err("must be refused");
        assert!(error.message.contains("nested too deeply"), "{error}");
    }
}
