//! What a command line can do, found out by `--help` and package metadata alone: no action of it is ever run.
//!
//! The root's help lists the groups, a group's help its commands, a command's help its options. Where a help lists nothing
//! readable, the exit code of the command's own `--help` decides: 0 it is there, 2 it is not.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::time::Duration;

use futures_util::future::join_all;
use serde::Deserialize;

use super::cli::read;
use super::cli::run::{Runner, Said, WIDE, broken};
use super::cli::template;
use super::shipped;
use crate::engine::ports::maos::{Ability, Capabilities, Dialect, Finding, MaosError, Presence, Version};
use crate::engine::workspace::driving::MaosSettings;

/// Help texts asked for side by side: each may start an interpreter.
const AT_ONCE: usize = 4;
/// A help text that takes longer is none.
const LIMIT: Duration = Duration::from_secs(20);
const METADATA: &str = include_str!("../../../assets/maos/metadata.py");

/// How far the database is migrated.
pub const DB_STATUS: (&str, &str) = ("db", "status");
/// What a checkpoint holds.
pub const CHECKPOINT_SHOW: (&str, &str) = ("checkpoint", "show");
/// Commands that only tell, and that no ability stands for.
const ALSO: [(&str, &str); 2] = [DB_STATUS, CHECKPOINT_SHOW];

/// What the probe found out, and what later calls need of it.
#[derive(Debug, Clone)]
pub struct Probed {
    /// The table.
    pub capabilities: Capabilities,
    /// The version by metadata.
    pub version: Version,
    /// Options that stand before the command.
    pub global: BTreeSet<String>,
    /// Whether its parser is one that knows `--` as the end of options.
    pub standard: bool,
    /// Whether `--depends-on` is repeated for each id instead of holding all of them.
    pub repeat_dependencies: bool,
    /// Commands that only tell, beside those of the abilities, where the help names them: of [`ALSO`].
    pub also: Vec<(&'static str, &'static str)>,
    leaves: BTreeMap<Ability, Leaf>,
}

/// The help of one command.
#[derive(Debug, Clone, Default)]
struct Leaf {
    options: BTreeSet<String>,
    words: BTreeSet<String>,
}

impl Leaf {
    fn of(help: &str) -> Self {
        Self {
            options: read::options(help),
            words: help
                .to_lowercase()
                .split(|c: char| !c.is_alphanumeric() && c != '_')
                .filter(|word| !word.is_empty())
                .map(str::to_owned)
                .collect(),
        }
    }
}

impl Probed {
    /// Whether the command's help names this option.
    pub fn names(&self, ability: Ability, option: &str) -> bool {
        self.leaves
            .get(&ability)
            .is_some_and(|leaf| leaf.options.contains(option))
    }

    /// Whether the command's help names no option, so that nothing can be learned from it.
    pub fn silent(&self, ability: Ability) -> bool {
        self.leaves
            .get(&ability)
            .is_none_or(|leaf| leaf.options.is_empty())
    }

    /// Whether the help names this option, or names none.
    pub fn names_or_silent(&self, ability: Ability, option: &str) -> bool {
        self.silent(ability) || self.names(ability, option)
    }

    /// Whether the command's help has this word, in lower case.
    pub fn says(&self, ability: Ability, word: &str) -> bool {
        self.leaves
            .get(&ability)
            .is_some_and(|leaf| leaf.words.contains(word))
    }

    /// The result of a probe that read these help texts.
    #[cfg(test)]
    pub fn of_helps(helps: &[(Ability, &str)], global: &str) -> Self {
        Self {
            capabilities: Capabilities {
                dialect: Dialect::Documented,
                place: String::new(),
                findings: Vec::new(),
                notes: Vec::new(),
            },
            version: Version::default(),
            global: read::options(global),
            standard: global.contains("Usage:"),
            repeat_dependencies: false,
            also: Vec::new(),
            leaves: helps
                .iter()
                .map(|(ability, help)| (*ability, Leaf::of(help)))
                .collect(),
        }
    }
}

/// What the interpreter of the program said about its package.
#[derive(Debug, Clone, Default, Deserialize)]
struct Package {
    python: Option<String>,
    click: Option<bool>,
    version: Option<String>,
    distribution: Option<String>,
}

/// Probes the program.
///
/// # Errors
/// A program that is missing, may not be run, or cannot even print its help.
pub async fn probe(runner: &Runner, settings: &MaosSettings, place: &str) -> Result<Probed, MaosError> {
    let templates = &settings.commands;
    let (root, (package, interpreter)) = tokio::join!(help(runner, &[]), package(runner, settings));
    let root = root?;
    let text = root.text();
    if root.code != 0 && root.code != 2 {
        let whole = format!("{text}{}", read::text(&root.err)).to_lowercase();
        let how = if broken(&whole) {
            "is broken"
        } else {
            "does not print its help"
        };
        let program = runner.program();
        return Err(MaosError::NoProgram(format!("{program} {how}: {}", root.ended())));
    }
    let listed = read::commands(&text);
    let dialect = settings.dialect.unwrap_or_else(|| dialect(&listed, &package));
    let version = Version {
        metadata: package.version.clone(),
        reported: None,
        distribution: package.distribution.clone(),
        interpreter,
        python: package.python.clone(),
    };
    let wanted: Vec<(Ability, Vec<String>)> = Ability::ALL
        .into_iter()
        .filter(|ability| template::of(templates, *ability).is_none())
        .filter_map(|ability| {
            let command = match dialect {
                Dialect::Shipped => shipped::command(ability)?,
                Dialect::Documented | Dialect::Rehearsal => ability.words(),
            };
            Some((ability, command.split(' ').map(str::to_owned).collect()))
        })
        .collect();
    let groups = groups(runner, &wanted, &listed).await;
    let present = presence(runner, &wanted, &listed, &groups).await;
    let leaves = match dialect {
        // Its options are known; each help would start an interpreter for nothing.
        Dialect::Shipped => BTreeMap::new(),
        Dialect::Documented | Dialect::Rehearsal => leaves(runner, &wanted, &present).await,
    };
    let found = Found {
        dialect,
        version: version.metadata.as_deref(),
        // The released program needs click for everything but its help.
        crippled: dialect == Dialect::Shipped && package.click == Some(false),
        claude: on_path("claude", settings).is_some(),
        present: &present,
    };
    let findings = Ability::ALL
        .into_iter()
        .map(|ability| found.line(ability, template::of(templates, ability)))
        .collect();
    let has = |group: &str, command: &str| {
        groups
            .get(group)
            .is_some_and(|commands| commands.contains(command))
    };
    Ok(Probed {
        capabilities: Capabilities {
            dialect,
            place: place.to_owned(),
            findings,
            notes: notes(dialect, &package, templates, found.crippled),
        },
        version,
        global: read::options(&text),
        standard: text.to_lowercase().contains("usage:"),
        repeat_dependencies: settings.repeat_dependencies,
        also: ALSO
            .into_iter()
            .filter(|(group, name)| has(group, name))
            .collect(),
        leaves,
    })
}

/// The released program is known by its group `recover`, or by its package; everything else speaks as documented.
fn dialect(listed: &BTreeSet<String>, package: &Package) -> Dialect {
    let has = |word: &str| listed.contains(word);
    let documented = has("health") || has("checkpoint") || has("init") || has("db");
    if !documented && (has("recover") || package.distribution.as_deref() == Some("maos-cli")) {
        Dialect::Shipped
    } else {
        Dialect::Documented
    }
}

async fn help(runner: &Runner, words: &[String]) -> Result<Said, MaosError> {
    let mut arguments = words.to_vec();
    arguments.push("--help".to_owned());
    let mut call = runner.call(&arguments, WIDE);
    call.limit = call.limit.min(LIMIT);
    runner.run("--help", call).await
}

/// Runs `work` for each item, a few at once, results in order.
async fn several<T, R, F: Future<Output = R>>(items: Vec<T>, work: impl Fn(T) -> F) -> Vec<R> {
    let mut results = Vec::with_capacity(items.len());
    let mut items = items.into_iter().peekable();
    while items.peek().is_some() {
        results.extend(join_all(items.by_ref().take(AT_ONCE).map(&work)).await);
    }
    results
}

/// The commands of every group that the root lists, where its help can be read.
async fn groups(
    runner: &Runner,
    wanted: &[(Ability, Vec<String>)],
    listed: &BTreeSet<String>,
) -> BTreeMap<String, BTreeSet<String>> {
    let names: BTreeSet<String> = wanted
        .iter()
        .filter(|(_, words)| words.len() > 1)
        .map(|(_, words)| words[0].clone())
        .filter(|name| listed.is_empty() || listed.contains(name))
        .collect();
    let helps = several(names.into_iter().collect(), async |name: String| {
        let said = help(runner, std::slice::from_ref(&name)).await;
        (name, said)
    })
    .await;
    helps
        .into_iter()
        .filter_map(|(name, said)| {
            let said = said.ok().filter(|said| said.code == 0)?;
            let commands = read::commands(&said.text());
            (!commands.is_empty()).then_some((name, commands))
        })
        .collect()
}

/// Whether each command is there, and how that is known.
async fn presence(
    runner: &Runner,
    wanted: &[(Ability, Vec<String>)],
    listed: &BTreeSet<String>,
    groups: &BTreeMap<String, BTreeSet<String>>,
) -> BTreeMap<Ability, (Presence, String)> {
    let mut known = BTreeMap::new();
    let mut open = Vec::new();
    for (ability, words) in wanted {
        let root = !listed.is_empty();
        let said = match words.as_slice() {
            [group, ..] if root && !listed.contains(group) => {
                Some((Presence::Absent, format!("--help does not list {group}")))
            }
            [group, command, ..] => groups.get(group).map(|commands| {
                let (there, how) = if commands.contains(command) {
                    (Presence::Present, "listed by")
                } else {
                    (Presence::Absent, "not listed by")
                };
                (there, format!("{how} {group} --help"))
            }),
            [_] if root => Some((Presence::Present, "listed by --help".to_owned())),
            _ => None,
        };
        match said {
            Some(said) => {
                known.insert(*ability, said);
            }
            None => open.push((*ability, words.clone())),
        }
    }
    let asked = several(open, async |(ability, words): (Ability, Vec<String>)| {
        let said = match help(runner, &words).await {
            Ok(said) if said.code == 0 => {
                let how = format!("{} --help: exit 0", words.join(" "));
                (Presence::Present, how)
            }
            Ok(said) if said.code == 2 => (Presence::Absent, said.ended()),
            // A help that cannot be had says nothing about whether the command is there.
            Ok(said) => (Presence::Broken, format!("its --help: {}", said.ended())),
            Err(error) => (Presence::Broken, format!("its help cannot be had: {error}")),
        };
        (ability, said)
    })
    .await;
    known.extend(asked);
    known
}

/// The help of every command that is there.
async fn leaves(
    runner: &Runner,
    wanted: &[(Ability, Vec<String>)],
    present: &BTreeMap<Ability, (Presence, String)>,
) -> BTreeMap<Ability, Leaf> {
    let there = wanted
        .iter()
        .filter(|(ability, _)| {
            present
                .get(ability)
                .is_some_and(|(there, _)| *there == Presence::Present)
        })
        // Nothing depends on the options of these.
        .filter(|(ability, _)| {
            !matches!(
                ability,
                Ability::Init | Ability::ConfigValidate | Ability::DbMigrate
            )
        })
        .cloned()
        .collect();
    let helps = several(there, async |(ability, words): (Ability, Vec<String>)| {
        (ability, help(runner, &words).await)
    })
    .await;
    helps
        .into_iter()
        .filter_map(|(ability, said)| {
            let said = said.ok().filter(|said| said.code == 0)?;
            Some((ability, Leaf::of(&said.text())))
        })
        .collect()
}

/// What the lines of the table depend on.
struct Found<'a> {
    dialect: Dialect,
    version: Option<&'a str>,
    crippled: bool,
    claude: bool,
    present: &'a BTreeMap<Ability, (Presence, String)>,
}

impl Found<'_> {
    fn line(&self, ability: Ability, template: Option<&Vec<String>>) -> Finding {
        if let Some(template) = template {
            return Finding {
                ability,
                presence: Presence::Present,
                command: read::shown(&template.join(" ")),
                why: "by maos.commands in migration.yml".to_owned(),
            };
        }
        let (there, how) = self
            .present
            .get(&ability)
            .cloned()
            .unwrap_or((Presence::Absent, String::new()));
        let shipped = self.dialect == Dialect::Shipped;
        if !shipped || there == Presence::Broken && !self.crippled {
            let command = match there {
                Presence::Absent => "",
                _ if shipped => shipped::command(ability).unwrap_or_default(),
                _ => ability.words(),
            };
            return Finding {
                ability,
                presence: there,
                command: command.to_owned(),
                why: how,
            };
        }
        let listed = there != Presence::Absent;
        let mut line = shipped::finding(ability, listed, self.version, self.claude);
        if self.crippled && line.presence != Presence::Absent {
            line.presence = Presence::Broken;
            "exit 1: its package click is missing".clone_into(&mut line.why);
        }
        line
    }
}

fn notes(
    dialect: Dialect,
    package: &Package,
    templates: &BTreeMap<String, Vec<String>>,
    crippled: bool,
) -> Vec<String> {
    let mut notes = Vec::new();
    if crippled {
        notes
            .push("The Python package click is missing: only --help works until it is installed.".to_owned());
    }
    if package.distribution.as_deref() == Some("maos") {
        notes.push("It runs the distribution \"maos\", which is not this product.".to_owned());
    }
    if dialect == Dialect::Shipped && shipped::untried(package.version.as_deref()) {
        let version = package.version.as_deref().unwrap_or_default();
        notes.push(format!(
            "Version {version} is newer than those that were tried; every effect is verified."
        ));
    }
    for name in template::unknown(templates) {
        notes.push(format!(
            "maos.commands in migration.yml has {}, which is no command.",
            read::shown(&name)
        ));
    }
    notes
}

/// Asks the interpreter of the program's script about the package.
async fn package(runner: &Runner, settings: &MaosSettings) -> (Package, Option<PathBuf>) {
    let script = match runner.command.as_slice() {
        [program] if program.contains('/') => Some(PathBuf::from(program)),
        [program] => on_path(program, settings),
        _ => None,
    };
    let Some(interpreter) = script.and_then(|script| interpreter(&script, settings)) else {
        return (Package::default(), None);
    };
    let argv = vec![
        interpreter.display().to_string(),
        "-c".to_owned(),
        METADATA.to_owned(),
    ];
    let mut call = runner.whole(argv, WIDE);
    call.limit = call.limit.min(LIMIT);
    let environment = |name: &str| (name.to_owned(), secrecy::SecretString::from("1"));
    call.env.extend([
        environment("PYTHONSAFEPATH"),
        environment("PYTHONDONTWRITEBYTECODE"),
    ]);
    let said = runner.run("package metadata", call).await;
    let package = said
        .ok()
        .filter(|said| said.code == 0)
        .and_then(|said| serde_json::from_slice(&said.out).ok())
        .unwrap_or_default();
    (package, Some(interpreter))
}

/// The Python that a script names in its first line, or in its second when the path was too long for the first.
pub fn interpreter(script: &Path, settings: &MaosSettings) -> Option<PathBuf> {
    use std::io::Read as _;
    let mut head = Vec::new();
    std::fs::File::open(script)
        .ok()?
        .take(4096)
        .read_to_end(&mut head)
        .ok()?;
    let head = String::from_utf8_lossy(&head);
    let mut lines = head.lines();
    let mut words = lines.next()?.strip_prefix("#!")?.split_whitespace();
    let first = words.next()?;
    let named = if first.ends_with("/env") {
        on_path(words.find(|word| !word.starts_with('-'))?, settings)?
    } else if first.ends_with("/sh") {
        // What pip writes: '''exec' "/a/long path/python" "$0" "$@"
        let line = lines.next()?.strip_prefix("'''exec' ")?;
        let path = line
            .strip_prefix('"')
            .map_or_else(|| line.split(' ').next(), |rest| rest.split('"').next())?;
        PathBuf::from(path)
    } else {
        PathBuf::from(first)
    };
    named
        .file_name()?
        .to_string_lossy()
        .contains("python")
        .then_some(named)
}

/// The first program of this name in the folders of the PATH that its commands get.
pub fn on_path(name: &str, settings: &MaosSettings) -> Option<PathBuf> {
    use std::os::unix::fs::PermissionsExt as _;
    let own = settings.env.get("PATH").map(std::ffi::OsString::from);
    let path = own.or_else(|| std::env::var_os("PATH"))?;
    std::env::split_paths(&path)
        .map(|folder| folder.join(name))
        .find(|file| {
            std::fs::metadata(file).is_ok_and(|meta| meta.is_file() && meta.permissions().mode() & 0o111 != 0)
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_interpreter_is_read_from_the_script() {
        let folder = tempfile::tempdir().unwrap();
        for (text, wanted) in [
            ("#!/venv/bin/python3\nimport re\n", Some("/venv/bin/python3")),
            (
                "#!/bin/sh\n'''exec' \"/a long/bin/python3.11\" \"$0\" \"$@\"\n' '''\n",
                Some("/a long/bin/python3.11"),
            ),
            (
                "#!/bin/sh\n'''exec' /a/bin/python \"$0\" \"$@\"\n",
                Some("/a/bin/python"),
            ),
            ("#!/bin/bash\necho\n", None),
            ("\u{7f}ELF", None),
        ] {
            let script = folder.path().join("maos");
            std::fs::write(&script, text).unwrap();
            assert_eq!(
                interpreter(&script, &MaosSettings::default()).as_deref(),
                wanted.map(Path::new),
                "{text}"
            );
        }
    }

    #[test]
    fn the_dialect_follows_from_what_is_listed() {
        let listed = |words: &str| words.split(' ').map(str::to_owned).collect();
        let package = |name: Option<&str>| Package {
            distribution: name.map(str::to_owned),
            ..Package::default()
        };
        for (words, distribution, wanted) in [
            (
                "start stop version task agent status recover config",
                Some("maos-cli"),
                Dialect::Shipped,
            ),
            ("start task recover", None, Dialect::Shipped),
            (
                "init health task checkpoint db recover",
                None,
                Dialect::Documented,
            ),
            ("task status", None, Dialect::Documented),
            ("task", Some("maos-cli"), Dialect::Shipped),
        ] {
            assert_eq!(dialect(&listed(words), &package(distribution)), wanted, "{words}");
        }
    }
}
