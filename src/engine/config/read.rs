//! Reading a legacy configuration: which format it is in, and its keys with their places.
//!
//! To add a format: a variant of [`SourceFormat`], its suffixes in [`SourceFormat::of`], a reader beside `super::json`.

use std::fmt;
use std::io::Read as _;
use std::path::Path;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};

use super::tree::{Document, Key, Node, Place, Value};
use super::{dotenv, json};
use crate::engine::error::{Error, Result};
use crate::engine::yaml::{self, Spanned};

/// Larger files are refused: a configuration of this size is a mistake.
pub const MAX_BYTES: u64 = 4 * 1024 * 1024;
/// More nodes than this in one file are refused, aliases counted as often as they are used.
pub const MAX_NODES: usize = 20_000;

/// How a legacy configuration is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SourceFormat {
    /// YAML 1.2.
    Yaml,
    /// JSON.
    Json,
    /// `NAME=value` lines.
    Env,
}

impl SourceFormat {
    /// The format of a file by its name, whatever the case of the suffix, and by its first character where the name says
    /// nothing.
    ///
    /// # Errors
    /// [`crate::engine::ErrorKind::Input`] for formats that are known and not read (TOML, INI, properties, XML).
    pub fn of(path: &Path, text: &str) -> Result<Self> {
        let name = path
            .file_name()
            .map(|name| name.to_string_lossy().to_lowercase())
            .unwrap_or_default();
        if name == ".env" || name.starts_with(".env.") {
            return Ok(Self::Env);
        }
        match name.rsplit_once('.').map(|(_, suffix)| suffix) {
            Some("json") => Ok(Self::Json),
            Some("yml" | "yaml") => Ok(Self::Yaml),
            Some("env") => Ok(Self::Env),
            Some(other @ ("toml" | "ini" | "cfg" | "conf" | "properties" | "xml")) => Err(Error::input(
                format!("{}: .{other} files are not read", path.display()),
            )
            .hint("Write it as YAML, JSON or NAME=value lines (.env).")),
            _ if text.trim_start().starts_with('{') => Ok(Self::Json),
            _ => Ok(Self::Yaml),
        }
    }
}

/// A legacy file as it was read.
#[derive(Clone)]
pub struct Source {
    /// The whole text. It may hold secrets.
    pub text: String,
    /// The permission bits.
    pub mode: u32,
}

impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Source")
            .field("mode", &self.mode)
            .finish_non_exhaustive()
    }
}

/// Reads a legacy file: regular files only, at most [`MAX_BYTES`], UTF-8 with or without a byte order mark.
///
/// # Errors
/// [`crate::engine::ErrorKind::Input`] when it is missing, not a regular file, too large or not text.
pub fn read_file(path: &Path) -> Result<Source> {
    use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
    let shown = path.display();
    // Opening a named pipe would wait for a writer; a configuration is never worth waiting for.
    let flags = i32::try_from(rustix::fs::OFlags::NONBLOCK.bits()).unwrap_or(0);
    let file = std::fs::OpenOptions::new()
        .read(true)
        .custom_flags(flags)
        .open(path)
        .map_err(|error| Error::io("read", path, &error))?;
    let meta = file.metadata().map_err(|error| Error::io("read", path, &error))?;
    if !meta.is_file() {
        return Err(Error::input(format!("{shown} is not a regular file")));
    }
    let mut bytes = Vec::new();
    file.take(MAX_BYTES + 1)
        .read_to_end(&mut bytes)
        .map_err(|error| Error::io("read", path, &error))?;
    if bytes.len() as u64 > MAX_BYTES {
        return Err(Error::input(format!("{shown} is larger than 4 MB")).hint("Is it a configuration?"));
    }
    let text = String::from_utf8(bytes).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        let line = error.as_bytes()[..at].split(|b| *b == b'\n').count();
        Error::input(format!("{shown} line {line}: byte {at} is not UTF-8")).hint("Save the file as UTF-8.")
    })?;
    let text = text.strip_prefix('\u{feff}').map(str::to_owned).unwrap_or(text);
    Ok(Source {
        text,
        mode: meta.permissions().mode() & 0o777,
    })
}

/// The keys of `text`. `name` is the file as the person knows it. An empty text is a document without keys.
///
/// # Errors
/// [`crate::engine::ErrorKind::Input`] with line and column: syntax, a duplicate key, a tab, nesting or aliases beyond the
/// limits, a root that is not a group of keys. No message contains a value.
pub fn parse(name: &str, text: &str, format: SourceFormat) -> Result<Document> {
    let root = match format {
        SourceFormat::Env => return dotenv::parse(name, text),
        _ if text.trim().is_empty() => return Ok(Document::default()),
        SourceFormat::Json => json::parse(name, text)?,
        SourceFormat::Yaml => yaml::from_str_bounded::<Spanned<Raw>>(name, text, MAX_NODES)?.into(),
    };
    match root.value {
        Value::Map(entries) => Ok(Document::flatten(entries)),
        Value::Null => Ok(Document::default()),
        other => Err(Error::input(format!(
            "{name} line {}, column {}: the file must be a group of keys, it is {}",
            root.place.line,
            root.place.column,
            other.kind()
        ))),
    }
}

/// Any YAML value; the places come from the [`Spanned`] around each one.
struct Raw(Value);

impl From<Spanned<Raw>> for Node {
    fn from(spanned: Spanned<Raw>) -> Self {
        Self {
            place: place(&spanned),
            value: spanned.value.0,
        }
    }
}

fn place<T>(spanned: &Spanned<T>) -> Place {
    Place {
        line: spanned.referenced.line(),
        column: spanned.referenced.column(),
    }
}

impl<'de> Deserialize<'de> for Raw {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(RawVisitor)
    }
}

struct RawVisitor;

impl<'de> Visitor<'de> for RawVisitor {
    type Value = Raw;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Raw, E> {
        Ok(Raw(Value::Bool(value)))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Raw, E> {
        Ok(Raw(Value::Int(value.into())))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Raw, E> {
        Ok(Raw(Value::Int(value.into())))
    }

    fn visit_i128<E>(self, value: i128) -> Result<Raw, E> {
        Ok(Raw(Value::Int(value)))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Raw, E> {
        Ok(Raw(Value::Float(value)))
    }

    fn visit_str<E>(self, value: &str) -> Result<Raw, E> {
        Ok(Raw(Value::Text(value.to_owned())))
    }

    fn visit_unit<E>(self) -> Result<Raw, E> {
        Ok(Raw(Value::Null))
    }

    fn visit_none<E>(self) -> Result<Raw, E> {
        Ok(Raw(Value::Null))
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Raw, D::Error> {
        deserializer.deserialize_any(self)
    }

    fn visit_newtype_struct<D: Deserializer<'de>>(self, deserializer: D) -> Result<Raw, D::Error> {
        deserializer.deserialize_any(self)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Raw, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = access.next_element::<Spanned<Raw>>()? {
            items.push(item.into());
        }
        Ok(Raw(Value::List(items)))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Raw, A::Error> {
        let mut entries = Vec::new();
        while let Some(key) = access.next_key::<Spanned<String>>()? {
            let node = access.next_value::<Spanned<Raw>>()?.into();
            entries.push((
                Key {
                    place: place(&key),
                    name: key.value,
                },
                node,
            ));
        }
        Ok(Raw(Value::Map(entries)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(text: &str, format: SourceFormat) -> Vec<(String, u64, u64, u64, String)> {
        parse("x", text, format)
            .unwrap()
            .leaves
            .into_iter()
            .map(|l| {
                (
                    l.key,
                    l.place.line,
                    l.place.column,
                    l.value_place.column,
                    l.value.text(),
                )
            })
            .collect()
    }

    #[test]
    fn the_same_keys_and_places_in_three_formats() {
        let yaml = keys("a: 1\ndb:\n  host: x\n  on: yes\nl: [1, 2]\n", SourceFormat::Yaml);
        assert_eq!(yaml[0], ("a".into(), 1, 1, 4, "1".into()));
        assert_eq!(yaml[1], ("db.host".into(), 3, 3, 9, "x".into()));
        assert_eq!(yaml[2], ("db.on".into(), 4, 3, 7, "yes".into()));
        assert_eq!(yaml[3].4, "[1, 2]");
        let json = keys("{\"a\": 1,\n \"db\": {\"host\": \"x\"}}", SourceFormat::Json);
        assert_eq!(json[0], ("a".into(), 1, 2, 7, "1".into()));
        assert_eq!(json[1], ("db.host".into(), 2, 9, 17, "x".into()));
        let env = keys("A=1\nexport DB_HOST='x'\n", SourceFormat::Env);
        assert_eq!(env[0], ("A".into(), 1, 1, 3, "1".into()));
        assert_eq!(env[1], ("DB_HOST".into(), 2, 8, 16, "x".into()));
    }
}
