//! What the lines of the environment are, and what a look at them found.

use serde::{Deserialize, Serialize};

use crate::engine::error::Error;
use crate::engine::item::{Item, ItemState};
use crate::engine::ports::maos::Capabilities;
use crate::engine::text::plural;

/// One line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Key {
    /// The Python environment.
    Python,
    /// The package in it.
    Install,
    /// MAOS's own files.
    Init,
    /// The guide's settings file of the migration.
    Settings,
    /// The database.
    Database,
    /// MAOS's migration of it.
    Migrate,
    /// The table that tracks what went where.
    Tracking,
}

impl Key {
    /// All of them, in the order in which they are done.
    pub const ALL: [Self; 7] = [
        Self::Python,
        Self::Install,
        Self::Init,
        Self::Settings,
        Self::Database,
        Self::Migrate,
        Self::Tracking,
    ];

    /// The name in events and JSON.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Python => "python",
            Self::Install => "install",
            Self::Init => "init",
            Self::Settings => "settings",
            Self::Database => "database",
            Self::Migrate => "migrate",
            Self::Tracking => "tracking",
        }
    }

    /// As a person reads it.
    #[must_use]
    pub const fn title(self) -> &'static str {
        match self {
            Self::Python => "Python environment",
            Self::Install => "Install maos-cli",
            Self::Init => "Initialise",
            Self::Settings => "Migration settings",
            Self::Database => "Migration database",
            Self::Migrate => "MAOS db migrate",
            Self::Tracking => "Tracking table",
        }
    }
}

/// How a line was found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Found {
    /// It is as wanted; what proves that.
    InPlace(String),
    /// It needs this effect: verb and object, `create`, `database maos on db.acme`.
    Needs(String, String),
    /// It does not apply here, and why: neither a pass nor a fail.
    Skipped(String),
    /// It cannot be made, and what to do.
    Refused(Error),
}

/// One line as it was found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    /// Which.
    pub key: Key,
    /// What is there, in a few words: `absent`, `0.9.4, no click`.
    pub is: String,
    /// How it stands.
    pub found: Found,
}

impl Line {
    /// A line.
    pub fn new(key: Key, is: impl Into<String>, found: Found) -> Self {
        Self {
            key,
            is: is.into(),
            found,
        }
    }

    /// The column that says what would be done.
    #[must_use]
    pub fn effect(&self) -> String {
        match &self.found {
            Found::InPlace(_) => "none needed".to_owned(),
            Found::Needs(act, what) => format!("{act} {what}"),
            Found::Skipped(_) => "skipped".to_owned(),
            Found::Refused(_) => "cannot be made".to_owned(),
        }
    }

    /// The column that says what is proved.
    #[must_use]
    pub fn proof(&self) -> String {
        match &self.found {
            Found::InPlace(proof) => proof.clone(),
            Found::Needs(..) => "waiting".to_owned(),
            Found::Skipped(_) => "not provable".to_owned(),
            Found::Refused(error) => error.message.clone(),
        }
    }

    /// The line as the journal keeps it.
    #[must_use]
    pub fn item(&self) -> Item {
        let (state, text) = match &self.found {
            Found::InPlace(proof) => (ItemState::Done, proof.clone()),
            Found::Needs(..) | Found::Refused(_) => (ItemState::Waiting, String::new()),
            Found::Skipped(why) => (ItemState::Skipped, why.clone()),
        };
        Item {
            data: serde_json::json!({"found": self.is, "effect": self.effect()}),
            ..Item::waiting(self.key.name(), self.key.title()).now(state, text)
        }
    }
}

/// What the probe of MAOS found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MaosFound {
    /// Its table.
    Table(Capabilities),
    /// It cannot be probed, and why.
    None(String),
}

/// The whole environment as it was found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct View {
    /// The lines in the order of [`Key::ALL`].
    pub lines: Vec<Line>,
    /// MAOS.
    pub maos: MaosFound,
    /// Whether it is the stand-in.
    pub rehearsal: bool,
    /// Where the migration settings lie.
    pub settings_path: String,
    /// Their lines, for the preview.
    pub settings_lines: Vec<String>,
    /// Sentences to know before anything is done.
    pub warnings: Vec<String>,
}

impl View {
    /// The line of a key.
    #[must_use]
    pub fn line(&self, key: Key) -> Option<&Line> {
        self.lines.iter().find(|line| line.key == key)
    }

    /// Lines that are in place.
    #[must_use]
    pub fn in_place(&self) -> usize {
        self.count(|found| matches!(found, Found::InPlace(_)))
    }

    /// Lines with an effect.
    #[must_use]
    pub fn needed(&self) -> usize {
        self.count(|found| matches!(found, Found::Needs(..)))
    }

    /// Lines that do not apply here.
    #[must_use]
    pub fn skipped(&self) -> usize {
        self.count(|found| matches!(found, Found::Skipped(_)))
    }

    fn count(&self, of: impl Fn(&Found) -> bool) -> usize {
        self.lines.iter().filter(|line| of(&line.found)).count()
    }

    /// The first line that cannot be made.
    #[must_use]
    pub fn refused(&self) -> Option<(&Line, &Error)> {
        self.lines.iter().find_map(|line| match &line.found {
            Found::Refused(error) => Some((line, error)),
            _ => None,
        })
    }

    /// `Nothing to do. All 5 are in place.`, when that is so.
    #[must_use]
    pub fn nothing_to_do(&self) -> Option<String> {
        let idle = self.needed() == 0 && self.refused().is_none();
        idle.then(|| {
            format!(
                "Nothing to do. All {} are in place.",
                self.lines.len() - self.skipped()
            )
        })
    }

    /// `4 effects`.
    #[must_use]
    pub fn effects_words(&self) -> String {
        plural(self.needed() as u64, "effect", "effects")
    }
}
