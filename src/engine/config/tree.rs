//! A legacy configuration as a tree and as flat keys, each with the place where it stands.

use std::collections::BTreeMap;

/// A position in a source file, both counted from 1. Line 0 means: not in the file.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// The line.
    pub line: u64,
    /// The column, in characters.
    pub column: u64,
}

/// A value as the file states it.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// `null`, `~` or nothing.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A whole number.
    Int(i128),
    /// Any other number.
    Float(f64),
    /// Text.
    Text(String),
    /// A sequence.
    List(Vec<Node>),
    /// A mapping in source order.
    Map(Vec<(Key, Node)>),
}

/// A value with its place.
#[derive(Debug, Clone, PartialEq)]
pub struct Node {
    /// Where the value begins.
    pub place: Place,
    /// The value.
    pub value: Value,
}

/// A mapping's key with its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key {
    /// As written.
    pub name: String,
    /// Where it begins.
    pub place: Place,
}

impl Value {
    /// What the value is, in words, for messages; never the value itself.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Null => "empty",
            Self::Bool(_) => "true or false",
            Self::Int(_) => "a whole number",
            Self::Float(_) => "a number",
            Self::Text(_) => "text",
            Self::List(_) => "a list",
            Self::Map(_) => "a group of keys",
        }
    }

    /// The value on one line, as a person would write it.
    #[must_use]
    pub fn text(&self) -> String {
        match self {
            Self::Null => "null".to_owned(),
            Self::Bool(value) => value.to_string(),
            Self::Int(value) => value.to_string(),
            Self::Float(value) => value.to_string(),
            Self::Text(value) => value.clone(),
            Self::List(items) => {
                let parts: Vec<String> = items.iter().map(|item| item.value.text()).collect();
                format!("[{}]", parts.join(", "))
            }
            Self::Map(entries) => {
                let parts: Vec<String> = entries
                    .iter()
                    .map(|(key, node)| format!("{}: {}", key.name, node.value.text()))
                    .collect();
                format!("{{{}}}", parts.join(", "))
            }
        }
    }
}

/// One key of the legacy configuration: a path to a value that is not a group of keys.
#[derive(Debug, Clone, PartialEq)]
pub struct Leaf {
    /// The path as written, groups joined with dots: `database.password`.
    pub key: String,
    /// The path in the form in which maps name it, see [`normal`].
    pub normal: String,
    /// Where the last part of the path stands.
    pub place: Place,
    /// Where the value stands.
    pub value_place: Place,
    /// The value; a list stays whole.
    pub value: Value,
}

/// A path in the form in which spellings meet: lower case, everything but letters and digits an underscore. So
/// `database.host`, `DATABASE_HOST` and `database-host` are the same key.
#[must_use]
pub fn normal(path: &str) -> String {
    path.chars()
        .map(|c| {
            if c.is_alphanumeric() {
                c.to_ascii_lowercase()
            } else {
                '_'
            }
        })
        .collect()
}

/// A whole legacy configuration.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Document {
    /// Every key in source order.
    pub leaves: Vec<Leaf>,
}

impl Document {
    /// The flat form of a tree.
    #[must_use]
    pub fn flatten(root: Vec<(Key, Node)>) -> Self {
        let mut leaves = Vec::new();
        // An explicit stack: depth comes from the file.
        let mut stack: Vec<(String, Key, Node)> = Vec::new();
        let push = |stack: &mut Vec<(String, Key, Node)>, prefix: &str, entries: Vec<(Key, Node)>| {
            for (key, node) in entries.into_iter().rev() {
                let path = if prefix.is_empty() {
                    key.name.clone()
                } else {
                    format!("{prefix}.{}", key.name)
                };
                stack.push((path, key, node));
            }
        };
        push(&mut stack, "", root);
        while let Some((path, key, node)) = stack.pop() {
            match node.value {
                Value::Map(entries) if !entries.is_empty() => push(&mut stack, &path, entries),
                value => leaves.push(Leaf {
                    normal: normal(&path),
                    key: path,
                    place: key.place,
                    value_place: node.place,
                    value: if matches!(value, Value::Map(_)) {
                        Value::Null
                    } else {
                        value
                    },
                }),
            }
        }
        Self { leaves }
    }

    /// Indices of the leaves by normal form.
    #[must_use]
    pub fn index(&self) -> BTreeMap<&str, Vec<usize>> {
        let mut index: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
        for (i, leaf) in self.leaves.iter().enumerate() {
            index.entry(&leaf.normal).or_default().push(i);
        }
        index
    }
}
