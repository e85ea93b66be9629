//! The pure core: legacy keys and a map in, MAOS keys, fates, conflicts, findings and secrets out. No I/O, no clock.
//!
//! Every legacy key ends with exactly one [`Fate`]; every MAOS key that is written is one [`Setting`].

use secrecy::ExposeSecret as _;
use serde_json::Value as Json;

use super::address::Password;
use super::candidate::{self, Candidate, Got};
use super::map::{Map, Target};
use super::model::{Choice, Conflict, Conversion, Decisions, Fate, Finding, Origin, Setting, Severity};
use super::reference;
use super::secret;
use super::tree::{Document, Place, Value};
use super::value::{Kind, Trouble};
use crate::engine::error::{Error, Result};
use crate::engine::text;
use crate::engine::workspace::secrets::MASK;

/// Legacy files that call themselves older than this are warned about.
const OLDEST_VERSION: f64 = 1.0;

/// What an edit is called where it is left out.
const TYPED: &str = "what was typed for it";

/// Converts `document` by `map`.
///
/// # Errors
/// [`crate::engine::ErrorKind::Input`] for a typed value whose environment variable is not set here: the legacy value must not
/// come back unnoticed. Decisions that fit nothing, as after another profile was chosen, change nothing and are told.
pub fn convert(document: &Document, map: &Map, decisions: &Decisions) -> Result<Conversion> {
    let mut out = Conversion {
        fates: document
            .leaves
            .iter()
            .map(|leaf| fate_of_rest(&leaf.normal, &leaf.value, map))
            .collect(),
        settings: Vec::new(),
        conflicts: Vec::new(),
        findings: Vec::new(),
        secrets: Vec::new(),
    };
    edits_left_out(map, decisions, &mut out);
    for target in &map.targets {
        Converter {
            document,
            map,
            decisions,
            target,
            out: &mut out,
        }
        .run()?;
    }
    choices_left_out(map, decisions, &mut out);
    rest_findings(document, map, &mut out);
    out.findings.sort_by_key(|finding| finding.place);
    Ok(out)
}

/// A decision that fits nothing here: it was made for another profile or another legacy file. It changes nothing.
fn left_out(out: &mut Conversion, key: &str, what: &str, why: &str) {
    out.findings.push(Finding {
        severity: Severity::Warning,
        code: "decision_left_out",
        key: text::inert_short(key, 60),
        place: Place::default(),
        message: format!("{what} is left out: {why}"),
    });
}

fn edits_left_out(map: &Map, decisions: &Decisions, out: &mut Conversion) {
    for path in decisions.edits.keys() {
        let known = map
            .targets
            .iter()
            .any(|target| target.path == *path || target.secret.as_ref() == Some(path));
        if !known {
            let why = map
                .check_path(path)
                .err()
                .unwrap_or_else(|| format!("profile {} does not write it", map.profile));
            left_out(out, path, TYPED, &why);
        }
    }
}

fn choices_left_out(map: &Map, decisions: &Decisions, out: &mut Conversion) {
    for (path, choice) in &decisions.choices {
        let many = out
            .conflicts
            .iter()
            .find(|conflict| conflict.path == *path)
            .map(|conflict| conflict.choices.len());
        let why = match many {
            Some(many) if (1..=many).contains(choice) => continue,
            Some(many) => format!("there are {many} to choose from"),
            None if map.targets.iter().any(|target| target.path == *path) => {
                "its legacy keys do not differ".to_owned()
            }
            None => format!("profile {} does not write it", map.profile),
        };
        left_out(out, path, &format!("choice {choice}"), &why);
    }
}

fn fate_of_rest(normal: &str, value: &Value, map: &Map) -> Fate {
    if matches!(value, Value::Null) {
        return Fate::Unmapped {
            code: "empty",
            why: "it has no value".to_owned(),
        };
    }
    if matches!(normal, "version" | "config_version" | "schema_version") {
        let why = "it describes the legacy file".to_owned();
        return Fate::Unmapped { code: "version", why };
    }
    match map.no_place_for(normal) {
        Some(why) => Fate::Unmapped {
            code: "no_place",
            why: why.to_owned(),
        },
        None => Fate::Unmapped {
            code: "unknown_key",
            why: "the map has no place for it".to_owned(),
        },
    }
}

/// Findings about keys that no target took.
fn rest_findings(document: &Document, map: &Map, out: &mut Conversion) {
    for (leaf, fate) in document.leaves.iter().zip(&out.fates) {
        let Fate::Unmapped { code, .. } = fate else {
            continue;
        };
        let old = || {
            let text = leaf.value.text();
            let mut parts = text.trim_start_matches('v').splitn(3, '.');
            let (major, minor) = (parts.next()?, parts.next().unwrap_or("0"));
            let version: f64 = format!("{major}.{minor}").parse().ok()?;
            (version < OLDEST_VERSION).then_some(text)
        };
        let message = match *code {
            "version" => old().map(|version| {
                let version = text::inert_short(&version, 20);
                format!("version {version} is older than the keys that are known; check every line")
            }),
            "unknown_key" => map
                .nearest(&leaf.normal)
                .map(|name| format!("unknown key; did you mean {name}?")),
            _ => None,
        };
        if let Some(message) = message {
            out.findings.push(Finding {
                severity: Severity::Warning,
                code: if *code == "version" {
                    "old_version"
                } else {
                    "unknown_key"
                },
                key: leaf.key.clone(),
                place: leaf.place,
                message,
            });
        }
    }
}

/// One target on its way through.
pub(super) struct Converter<'a> {
    pub(super) document: &'a Document,
    pub(super) map: &'a Map,
    pub(super) decisions: &'a Decisions,
    pub(super) target: &'a Target,
    pub(super) out: &'a mut Conversion,
}

impl Converter<'_> {
    fn run(&mut self) -> Result<()> {
        let gathered = candidate::gather(self.document, self.target, self.map, self.decisions);
        for refusal in gathered.refused {
            self.refuse(&refusal.leaves, &refusal.trouble);
        }
        let mut groups: Vec<Candidate> = Vec::new();
        for found in gathered.candidates {
            match groups.iter_mut().find(|group| group.got == found.got) {
                // Said twice with the same value: no conflict, both are mapped.
                Some(group) => group.leaves.extend(found.leaves),
                None => groups.push(found),
            }
        }
        let edited = self.edited()?;
        let taken = self.choose(&groups, edited.is_some());
        if let Some(taken) = taken {
            let by = groups[taken].label(self.document);
            for (i, group) in groups.iter().enumerate() {
                for leaf in &group.leaves {
                    self.out.fates[*leaf] = if i == taken {
                        self.mapped(*leaf, group)
                    } else {
                        Fate::Superseded {
                            path: self.target.path.clone(),
                            by: by.clone(),
                        }
                    };
                }
            }
        }
        match (edited, taken.map(|taken| groups.swap_remove(taken))) {
            (Some(got), source) => {
                let leaves = source.map(|source| source.leaves).unwrap_or_default();
                let candidate = Candidate {
                    leaves,
                    got,
                    note: Some("edited".to_owned()),
                    order: 0,
                };
                self.write(candidate, Origin::Edited)
            }
            (None, Some(candidate)) => self.write(candidate, Origin::Legacy),
            (None, None) => {
                if let Some(name) = self
                    .target
                    .secret
                    .as_ref()
                    .filter(|_| self.secret_edit().is_some())
                {
                    let why = format!("{} is not set, so it needs no secret", self.target.path);
                    left_out(self.out, name, TYPED, &why);
                }
                if let Some(value) = &self.target.default {
                    self.set(
                        value.clone(),
                        Origin::Default,
                        Vec::new(),
                        self.target.elsewhere.clone(),
                    );
                }
                Ok(())
            }
        }
    }

    fn choose(&mut self, groups: &[Candidate], edited: bool) -> Option<usize> {
        if groups.len() < 2 {
            return (!groups.is_empty()).then_some(0);
        }
        let path = &self.target.path;
        // A number beyond the choices decides nothing.
        let chosen = self
            .decisions
            .choices
            .get(path)
            .filter(|choice| (1..=groups.len()).contains(*choice));
        let taken = chosen.map_or(0, |choice| choice - 1);
        let choices = groups
            .iter()
            .map(|group| Choice {
                label: group.label(self.document),
                sources: group.leaves.clone(),
                shown: group.got.shown(),
            })
            .collect();
        self.out.conflicts.push(Conflict {
            path: path.clone(),
            choices,
            taken,
            decided: chosen.is_some() || edited,
        });
        Some(taken)
    }

    fn mapped(&self, leaf: usize, group: &Candidate) -> Fate {
        let own = &self.document.leaves[leaf];
        let is_secret = self.target.kind == Kind::Secret
            || self
                .target
                .parts
                .password
                .iter()
                .any(|name| super::tree::normal(name) == own.normal);
        Fate::Mapped {
            path: self.target.path.clone(),
            secret: self
                .target
                .secret
                .clone()
                .filter(|_| is_secret && !reference::any(&own.value.text())),
            note: group.note.clone().filter(|_| group.leaves.first() == Some(&leaf)),
        }
    }

    /// The value that a person typed for this target, read like a legacy one.
    fn edited(&mut self) -> Result<Option<Got>> {
        let Some(typed) = self.decisions.edits.get(&self.target.path) else {
            return Ok(None);
        };
        let value = Value::Text(typed.expose_secret().to_owned());
        match candidate::read(&value, self.target, self.map, self.decisions) {
            Ok((got, _)) => Ok(Some(got)),
            Err(trouble) if trouble.code == "unset_reference" => {
                Err(Error::input(format!("{}: {}", self.target.path, trouble.why)))
            }
            Err(trouble) => {
                left_out(self.out, &self.target.path, TYPED, &trouble.why);
                Ok(None)
            }
        }
    }

    pub(super) fn refuse(&mut self, leaves: &[usize], trouble: &Trouble) {
        let Some(first) = leaves.first().map(|first| &self.document.leaves[*first]) else {
            return;
        };
        self.out.findings.push(Finding {
            severity: Severity::Refused,
            code: trouble.code,
            key: first.key.clone(),
            place: if trouble.code == "incomplete" {
                first.place
            } else {
                first.value_place
            },
            message: format!("{}; {} does not get it", trouble.why, self.target.path),
        });
        for leaf in leaves {
            self.out.fates[*leaf] = Fate::Refused {
                code: trouble.code,
                why: trouble.why.clone(),
            };
        }
    }

    pub(super) fn warn(&mut self, code: &'static str, leaves: &[usize], message: String) {
        let leaf = leaves.first().map(|first| &self.document.leaves[*first]);
        self.out.findings.push(Finding {
            severity: Severity::Warning,
            code,
            key: leaf.map_or_else(|| self.target.path.clone(), |leaf| leaf.key.clone()),
            place: leaf.map(|leaf| leaf.value_place).unwrap_or_default(),
            message,
        });
    }

    pub(super) fn set(&mut self, value: Json, origin: Origin, sources: Vec<usize>, note: Option<String>) {
        self.out.settings.push(Setting {
            path: self.target.path.clone(),
            value,
            origin,
            sources,
            note,
        });
    }
}

impl Got {
    /// The value for people, secrets masked.
    #[must_use]
    pub fn shown(&self) -> String {
        match self {
            Self::Plain(Json::String(text)) => secret::shown_text(text),
            Self::Plain(value) => value.to_string(),
            Self::Secret(_) => MASK.to_owned(),
            Self::Address(address) => address.url(Password::Masked),
        }
    }
}
