//! `NAME=value` lines: optional `export`, comments, single quotes (as they are), double quotes (with escapes), and
//! `${NAME}` for names set further up in the same file.

use std::collections::BTreeMap;

use super::reference;
use super::tree::{Document, Key, Node, Place, Value};
use crate::engine::error::{Error, Result};

/// Reads the lines of an environment file. Names lose a leading `MAOS_`, so that MAOS's own variables are found too.
///
/// # Errors
/// [`crate::engine::ErrorKind::Input`] with line and column: no `=`, a wrong name, an open quote, a duplicate name.
pub fn parse(name: &str, text: &str) -> Result<Document> {
    let mut seen: BTreeMap<String, (u64, String)> = BTreeMap::new();
    let mut entries = Vec::new();
    for (number, line) in (1u64..).zip(text.lines()) {
        let at = |column: usize, what: &str| {
            Error::input(format!("{name} line {number}, column {column}: {what}"))
        };
        let mut rest = line.trim_start();
        if rest.is_empty() || rest.starts_with('#') {
            continue;
        }
        if let Some(after) = rest.strip_prefix("export ") {
            rest = after.trim_start();
        }
        let column = |part: &str| line[..line.len() - part.len()].chars().count() + 1;
        let key_column = column(rest);
        let Some((key, raw)) = rest.split_once('=') else {
            return Err(at(key_column, "NAME=value is expected"));
        };
        let key = key.trim_end();
        let plain = key
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"_.-".contains(&b));
        if key.is_empty() || !plain {
            return Err(at(key_column, "a name has letters, digits and underscores only"));
        }
        let raw = raw.trim_start();
        let value_column = column(raw);
        let (value, literal) = value(raw).map_err(|what| at(value_column, what))?;
        // Names set further up are known; others stay as they are and are judged with the rest of the environment.
        let value = if literal {
            value
        } else {
            reference::replace(&value, &|name| seen.get(name).map(|(_, value)| value.clone()))
        };
        if let Some((first, _)) = seen.get(key) {
            return Err(at(
                key_column,
                &format!("duplicate key {key}, first on line {first}"),
            ));
        }
        seen.insert(key.to_owned(), (number, value.clone()));
        let place = |column: usize| Place {
            line: number,
            column: column as u64,
        };
        entries.push((
            Key {
                name: key.to_owned(),
                place: place(key_column),
            },
            Node {
                place: place(value_column),
                value: if value.is_empty() {
                    Value::Null
                } else {
                    Value::Text(value)
                },
            },
        ));
    }
    let mut document = Document::flatten(entries);
    for leaf in &mut document.leaves {
        if let Some(own) = leaf.normal.strip_prefix("maos_") {
            leaf.normal = own.to_owned();
        }
    }
    Ok(document)
}

/// The value of a line and whether it is literal (single quotes).
fn value(raw: &str) -> Result<(String, bool), &'static str> {
    let quoted = |mark: char| raw.strip_prefix(mark);
    if let Some(inner) = quoted('\'') {
        let end = inner.find('\'').ok_or("a quote is not closed on this line")?;
        return after_quote(&inner[end + 1..]).map(|()| (inner[..end].to_owned(), true));
    }
    if let Some(inner) = quoted('"') {
        let mut out = String::new();
        let mut chars = inner.char_indices();
        while let Some((i, c)) = chars.next() {
            match c {
                '"' => return after_quote(&inner[i + 1..]).map(|()| (out, false)),
                '\\' => match chars.next() {
                    Some((_, 'n')) => out.push('\n'),
                    Some((_, 't')) => out.push('\t'),
                    Some((_, 'r')) => out.push('\r'),
                    Some((_, other)) => out.push(other),
                    None => break,
                },
                other => out.push(other),
            }
        }
        return Err("a quote is not closed on this line");
    }
    // A comment needs a space before it: passwords may contain #.
    let end = raw.find(" #").or_else(|| raw.find("\t#")).unwrap_or(raw.len());
    Ok((raw[..end].trim_end().to_owned(), false))
}

fn after_quote(rest: &str) -> Result<(), &'static str> {
    let rest = rest.trim_start();
    if rest.is_empty() || rest.starts_with('#') {
        Ok(())
    } else {
        Err("text after the closing quote")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_comments_and_references() {
        let text = "# c\nA=1 # one\nexport B=\"x\\n${A}\"\nC='${A}#'\nD=p#w\nE=\nMAOS_SYSTEM_LOG_LEVEL=INFO\nF=${NOPE}\n";
        let document = parse("x.env", text).unwrap();
        let got: Vec<(&str, String)> = document
            .leaves
            .iter()
            .map(|l| (l.normal.as_str(), l.value.text()))
            .collect();
        let want = [
            ("a", "1"),
            ("b", "x\n1"),
            ("c", "${A}#"),
            ("d", "p#w"),
            ("e", "null"),
            ("system_log_level", "INFO"),
            ("f", "${NOPE}"),
        ];
        assert_eq!(got, want.map(|(k, v)| (k, v.to_owned())));
    }

    #[test]
    fn every_refusal_names_the_place_and_no_value() {
        for (text, place, word) in [
            (
                "A=1\nA=canary\n",
                "line 2, column 1",
                "duplicate key A, first on line 1",
            ),
            ("A='canary\n", "line 1, column 3", "not closed"),
            ("canary\n", "line 1, column 1", "NAME=value"),
            ("A='b' canary\n", "line 1, column 3", "after the closing quote"),
        ] {
            let message = parse("x.env", text).unwrap_err().message;
            assert!(message.contains(place) && message.contains(word), "{message}");
            assert!(!message.contains("canary"), "{message}");
        }
    }
}
