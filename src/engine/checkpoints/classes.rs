//! The operator's class map: what the legacy application's own classes are, as data.
//!
//! ```yaml
//! classes:
//!   acme.tasks.Task: {kind: object, fields: [id, name, due]}   # fields may be left out: any are taken
//!   acme.tasks.Priority: {kind: enum}
//!   acme.geo.Point: {kind: named_tuple, fields: [x, y]}
//!   acme.util.Settings: {kind: dict}                            # a subclass of dict, with or without own fields
//! ```
//!
//! A declaration makes nothing run: the values are read as plain data and written with the class name beside them.
//! To add one more kind: add it to [`ClassKind`] and decode it in `pickle::calls`.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::finding::Severity;
use super::names;
use crate::engine::error::{Error, Result};
use crate::engine::yaml;

/// What sort of class it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ClassKind {
    /// Fields in a dict: ordinary classes, dataclasses, slots.
    Object,
    /// One value.
    Enum,
    /// A tuple with names.
    NamedTuple,
    /// A subclass of dict.
    Dict,
    /// A subclass of list.
    List,
}

/// One declared class.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Class {
    /// What sort it is.
    pub kind: ClassKind,
    /// The fields it has; for an object, none listed means any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fields: Option<Vec<String>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    classes: BTreeMap<String, Class>,
}

/// The declared classes, in the order of their names.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ClassMap {
    classes: Vec<(String, Class)>,
}

impl ClassMap {
    /// Reads a map. `name` is the file as the person knows it.
    ///
    /// # Errors
    /// [`crate::engine::ErrorKind::Input`]: not YAML, an unknown key, a name without a module, a name that belongs to
    /// Python or a well-known package or is on the allow-list already.
    pub fn from_yaml(name: &str, text: &str) -> Result<Self> {
        let file: File = yaml::from_str(name, text)?;
        let mut map = Self::default();
        for (full, class) in file.classes {
            map.declare(name, &full, class)?;
        }
        Ok(map)
    }

    /// Adds one class, or replaces its declaration.
    ///
    /// # Errors
    /// As [`ClassMap::from_yaml`].
    pub fn declare(&mut self, file: &str, full: &str, class: Class) -> Result<()> {
        let Some((module, name)) = full.rsplit_once('.') else {
            return Err(Error::input(format!("{file}: class `{full}` has no module"))
                .hint("Write it as module.Class."));
        };
        if names::allowed(module, name).is_some() {
            return Err(Error::input(format!("{file}: class `{full}` is read already"))
                .hint("Take it out of the class map."));
        }
        if names::severity(module, name) == Severity::Critical {
            return Err(Error::input(format!(
                "{file}: `{full}` belongs to Python or a well-known package and cannot be declared"
            ))
            .hint("Only classes of the legacy application itself can be declared."));
        }
        if class.kind == ClassKind::NamedTuple && class.fields.is_none() {
            return Err(Error::input(format!(
                "{file}: named tuple `{full}` needs its fields"
            )));
        }
        match self
            .classes
            .binary_search_by(|(known, _)| known.as_str().cmp(full))
        {
            Ok(at) => self.classes[at].1 = class,
            Err(at) => self.classes.insert(at, (full.to_owned(), class)),
        }
        Ok(())
    }

    /// The place of a class in the map.
    #[must_use]
    pub fn find(&self, module: &str, name: &str) -> Option<u32> {
        // A name with a dot reaches through attributes; it never stands for a class of the map.
        if self.classes.is_empty() || name.contains('.') {
            return None;
        }
        let full = format!("{module}.{name}");
        let at = self
            .classes
            .binary_search_by(|(known, _)| known.as_str().cmp(&full))
            .ok()?;
        u32::try_from(at).ok()
    }

    /// A declaration by its place.
    #[must_use]
    pub fn get(&self, at: u32) -> Option<&Class> {
        self.classes.get(at as usize).map(|(_, class)| class)
    }

    /// How many classes are declared.
    #[must_use]
    pub fn len(&self) -> usize {
        self.classes.len()
    }

    /// Whether none is.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.classes.is_empty()
    }

    /// One line for each class, for the basis of a plan.
    #[must_use]
    pub fn facts(&self) -> Vec<String> {
        self.classes
            .iter()
            .map(|(name, class)| format!("class {name} {:?} {:?}", class.kind, class.fields))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_map_names_only_the_applications_own_classes() {
        let map = ClassMap::from_yaml(
            "classes.yml",
            "classes:\n  acme.tasks.Task: {kind: object, fields: [id]}\n  acme.tasks.Priority: {kind: enum}\n",
        )
        .expect("a good map");
        assert_eq!(map.len(), 2);
        assert!(map.find("acme.tasks", "Task").is_some());
        assert!(
            map.find("acme", "tasks.Task").is_none(),
            "an attribute is not a class"
        );
        for bad in ["os.system", "Task", "datetime.date", "builtins.eval"] {
            let text = format!("classes:\n  {bad}: {{kind: object}}\n");
            assert!(ClassMap::from_yaml("classes.yml", &text).is_err(), "{bad}");
        }
        assert!(ClassMap::from_yaml("c.yml", "classes:\n  a.B: {kind: named_tuple}\n").is_err());
    }
}
