//! The maps: which legacy key becomes which MAOS key, as data under `assets/config/`.
//!
//! To add a mapping: a name in `from`, or a target, in the profile's file. To add a profile: a file there and a variant of
//! [`Profile`].

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use super::tree::normal;
use super::value::Kind;
use crate::engine::error::{Error, Result};
use crate::engine::yaml;

/// The shape of configuration that is written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Profile {
    /// The user guide's, which the migration guide writes.
    #[default]
    Guide,
    /// The configuration reference's.
    Reference,
    /// What the released command line reads.
    Shipped,
}

impl Profile {
    /// All profiles, in the order in which the wizard offers them.
    pub const ALL: [Self; 3] = [Self::Guide, Self::Reference, Self::Shipped];

    /// The name on the command line.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Guide => "guide",
            Self::Reference => "reference",
            Self::Shipped => "shipped",
        }
    }

    /// The profile of that name.
    ///
    /// # Errors
    /// [`crate::engine::ErrorKind::Usage`] when there is none.
    pub fn named(name: &str) -> Result<Self> {
        Self::ALL
            .into_iter()
            .find(|profile| profile.name() == name)
            .ok_or_else(|| {
                let shown = crate::engine::text::inert_short(name, 40);
                Error::new(
                    crate::engine::error::ErrorKind::Usage,
                    format!("there is no configuration profile {shown}"),
                )
                .hint("Use guide, reference or shipped.")
            })
    }

    const fn text(self) -> &'static str {
        match self {
            Self::Guide => include_str!("../../../assets/config/guide.yml"),
            Self::Reference => include_str!("../../../assets/config/reference.yml"),
            Self::Shipped => include_str!("../../../assets/config/shipped.yml"),
        }
    }
}

impl fmt::Display for Profile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The word in [`Target::from`] that stands for the address built from [`Target::parts`].
pub const PARTS: &str = "+parts";

/// One MAOS key and where its value comes from.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Target {
    /// The MAOS key, groups joined with dots.
    pub path: String,
    /// What it takes.
    pub kind: Kind,
    /// Legacy keys in the order of precedence; [`PARTS`] for the address.
    pub from: Vec<String>,
    /// For addresses: legacy keys for each part.
    #[serde(default)]
    pub parts: Parts,
    /// The least value.
    pub min: Option<i64>,
    /// The greatest value.
    pub max: Option<i64>,
    /// The value must be greater than this.
    pub above: Option<f64>,
    /// Values outside are written and warned about.
    pub usual: Option<(i64, i64)>,
    /// The only words allowed.
    #[serde(default)]
    pub one_of: Vec<String>,
    /// What is written when no legacy key sets it.
    pub default: Option<Json>,
    /// A sentence about defaults elsewhere, shown beside the default.
    pub elsewhere: Option<String>,
    /// The variable in the environment file that holds the secret.
    pub secret: Option<String>,
    /// Keys that are written together with this one.
    #[serde(default)]
    pub also: Vec<Also>,
}

/// Legacy keys for the parts of an address.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Parts {
    /// The host.
    pub host: Vec<String>,
    /// The port.
    pub port: Vec<String>,
    /// The database.
    pub name: Vec<String>,
    /// The user.
    pub user: Vec<String>,
    /// The password.
    pub password: Vec<String>,
    /// PostgreSQL's `sslmode`; `true` means `require`.
    pub sslmode: Vec<String>,
    /// Redis over TLS.
    pub tls: Vec<String>,
}

/// A key that follows another one.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Also {
    /// The MAOS key.
    pub path: String,
    /// A fixed value.
    pub value: Option<Json>,
    /// The part of the address that is its value: `name` or `tls`.
    pub part: Option<String>,
}

/// Legacy keys that MAOS has no use for, and why.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NoPlace {
    /// Keys; a trailing `*` matches any ending.
    pub keys: Vec<String>,
    /// A clause for the report.
    pub why: String,
}

/// A profile's map.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Map {
    /// Which profile it writes.
    pub profile: Profile,
    /// Its name for people.
    pub title: String,
    /// Where MAOS looks for the file.
    pub location: String,
    /// Whether the reader of the file replaces `${NAME}`.
    pub expands: bool,
    /// The MAOS keys in the order in which they are shown.
    pub targets: Vec<Target>,
    /// Keys without a place.
    #[serde(default)]
    pub no_place: Vec<NoPlace>,
    /// For each section that the reader knows, all keys it takes; any other makes it discard the file.
    #[serde(default)]
    pub known: BTreeMap<String, BTreeSet<String>>,
}

impl Map {
    /// The built-in map of `profile`.
    ///
    /// # Errors
    /// [`crate::engine::ErrorKind::Input`] when the data is broken, which a test excludes.
    pub fn built_in(profile: Profile) -> Result<Self> {
        Self::parse(&format!("assets/config/{profile}.yml"), profile.text())
    }

    /// Reads a map and checks that every path is free and known to the reader of the file.
    ///
    /// # Errors
    /// [`crate::engine::ErrorKind::Input`] with the place or the key.
    pub fn parse(name: &str, text: &str) -> Result<Self> {
        let map: Self = yaml::from_str(name, text)?;
        let mut seen = BTreeSet::new();
        for target in &map.targets {
            let also = target.also.iter().map(|also| &also.path);
            for path in std::iter::once(&target.path).chain(also) {
                if !seen.insert(path.clone()) {
                    return Err(Error::input(format!("{name}: {path} is a target twice")));
                }
                map.check_path(path)
                    .map_err(|why| Error::input(format!("{name}: {why}")))?;
            }
            let needs_name = matches!(target.kind, Kind::Postgres | Kind::Redis | Kind::Secret);
            if needs_name && target.secret.is_none() {
                return Err(Error::input(format!(
                    "{name}: {} needs the name of a variable in secret",
                    target.path
                )));
            }
        }
        Ok(map)
    }

    /// Whether the reader of the file would discard it for a key at `path`.
    ///
    /// # Errors
    /// The reason in words.
    pub fn check_path(&self, path: &str) -> Result<(), String> {
        let (section, key) = path.split_once('.').unwrap_or((path, ""));
        let Some(keys) = self.known.get(section) else {
            return Ok(());
        };
        if keys.contains(key) {
            return Ok(());
        }
        Err(format!("{} would discard the whole file for {path}", self.title))
    }

    /// Why a legacy key has no place in this profile, when the map says so.
    #[must_use]
    pub fn no_place_for(&self, normal_key: &str) -> Option<&str> {
        let matches = |pattern: &String| match pattern.strip_suffix('*') {
            Some(start) => normal_key.starts_with(&normal(start)),
            None => normal_key == normal(pattern),
        };
        self.no_place
            .iter()
            .find(|entry| entry.keys.iter().any(matches))
            .map(|entry| entry.why.as_str())
    }

    /// The legacy key that is most like `normal_key`, when one is near enough to be a slip of the pen.
    #[must_use]
    pub fn nearest(&self, normal_key: &str) -> Option<&str> {
        let names = self.targets.iter().flat_map(|target| {
            let parts = &target.parts;
            [
                &target.from,
                &parts.host,
                &parts.port,
                &parts.name,
                &parts.user,
                &parts.password,
                &parts.sslmode,
                &parts.tls,
            ]
            .into_iter()
            .flatten()
        });
        names
            .filter(|name| name.as_str() != PARTS)
            .map(|name| (distance(normal_key, &normal(name)), name.as_str()))
            .filter(|(distance, name)| *distance <= 2 && name.len() > 5)
            .min()
            .map(|(_, name)| name)
    }
}

/// Edits (insert, delete, replace) between two short words.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, from) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, to) in b.iter().enumerate() {
            let replaced = diagonal + usize::from(from != *to);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_built_in_maps_are_sound() {
        for profile in Profile::ALL {
            let map = Map::built_in(profile).unwrap();
            assert_eq!(map.profile, profile);
            assert_eq!(Profile::named(profile.name()).unwrap(), profile);
        }
        assert!(Profile::named("x").is_err());
    }

    #[test]
    fn a_map_that_would_make_maos_discard_the_file_is_refused() {
        let text = "profile: shipped\ntitle: t\nlocation: l\nexpands: false\ntargets:\n- {path: redis.host, kind: text, from: [a]}\nknown: {redis: [url]}\n";
        let error = Map::parse("own.yml", text).unwrap_err();
        assert!(
            error.message.contains("discard the whole file for redis.host"),
            "{error}"
        );
    }

    #[test]
    fn slips_of_the_pen_are_recognised() {
        let map = Map::built_in(Profile::Guide).unwrap();
        assert_eq!(map.nearest("worker_cuont"), Some("worker_count"));
        assert_eq!(map.nearest("retry_jitter"), None);
    }
}
