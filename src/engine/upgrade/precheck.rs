//! The pre-check: a line for everything that must be so, each with its evidence.

use super::compatibility::{Compatibility, numbers};
use super::python::Installed;
use crate::engine::capability::Capability;
use crate::engine::evidence::{Evidence, Ready, Standing};
use crate::engine::ports::maos::{Health, Known};
use crate::engine::text::plural;

/// Bytes that an installation needs: the package, its dependencies and pip's copies.
const NEEDED: u64 = 1024 * 1024 * 1024;

/// What was found out.
#[derive(Debug, Clone)]
pub struct Facts {
    /// What is installed; `None` for the rehearsal, which is no package.
    pub installed: Option<Installed>,
    /// What the program says of itself.
    pub reported: Option<String>,
    /// The version that is wished for.
    pub wanted: String,
    /// The health of the components.
    pub health: Known<Health>,
    /// Running tasks.
    pub running: Known<u64>,
    /// Whether the operator said that running tasks may be waited for.
    pub wait: bool,
    /// Free bytes where the environment lies.
    pub free: Known<u64>,
    /// The line about the backup.
    pub backup: Evidence,
}

/// Every line. Pure.
#[must_use]
pub fn precheck(facts: &Facts, table: &Compatibility) -> Ready {
    Ready {
        lines: vec![
            version(facts),
            health(&facts.health),
            running(&facts.running, facts.wait),
            disk(&facts.free),
            compatible(facts, table),
            facts.backup.clone(),
            Evidence::new("online", Standing::Unknown, "online check not asked for"),
        ],
    }
}

fn version(facts: &Facts) -> Evidence {
    let line = |standing, text: String| Evidence::new("version", standing, text);
    match (&facts.installed, &facts.reported) {
        (
            Some(Installed {
                version: Some(now),
                whole: true,
                ..
            }),
            _,
        ) if *now == facts.wanted => {
            line(Standing::No, format!("{now} is installed already")).hint("There is nothing to upgrade.")
        }
        (
            Some(Installed {
                version: Some(now),
                whole: false,
                ..
            }),
            _,
        ) => line(
            Standing::Note,
            format!("version {now} (metadata), files of it are missing or changed"),
        ),
        (
            Some(Installed {
                version: Some(now), ..
            }),
            _,
        ) => line(Standing::Yes, format!("version {now} (metadata)")),
        (Some(_), _) => line(Standing::No, "maos-cli is not installed there".to_owned())
            .hint("Name the environment that holds it: maos.environment in migration.yml."),
        (None, Some(said)) => line(Standing::Note, format!("version {said} (as it says itself)")),
        (None, None) => line(Standing::Unknown, "version not known".to_owned()),
    }
}

fn health(health: &Known<Health>) -> Evidence {
    let line = |standing, text: String| Evidence::new("health", standing, text);
    match health {
        Known::Value(found) if found.total == 0 => {
            line(Standing::Unknown, "health names no component".to_owned())
        }
        Known::Value(found) => {
            let text = format!("health {} of {}", found.healthy, found.total);
            if found.healthy == found.total {
                line(Standing::Yes, text)
            } else {
                line(Standing::No, text).hint("Upgrade a healthy system: see which component is not well.")
            }
        }
        Known::Unknown(why) => line(Standing::Unknown, format!("health not known: {why}")),
    }
}

fn running(running: &Known<u64>, wait: bool) -> Evidence {
    let line = |standing, text: String| Evidence::new("running", standing, text);
    match running {
        Known::Value(0) => line(Standing::Yes, "running tasks 0".to_owned()),
        Known::Value(n) if wait => line(
            Standing::Note,
            format!("{} running, waited for up to 10 min", plural(*n, "task", "tasks")),
        ),
        Known::Value(n) => line(
            Standing::No,
            format!("{} running", plural(*n, "task is", "tasks are")),
        )
        .hint("Wait for them (w), or say so: the checkpoint does not replace waiting."),
        Known::Unknown(why) => line(Standing::Unknown, format!("running tasks not known: {why}")),
    }
}

fn disk(free: &Known<u64>) -> Evidence {
    let gb = |bytes: u64| {
        format!(
            "{}.{} GB",
            bytes / 1_000_000_000,
            bytes % 1_000_000_000 / 100_000_000
        )
    };
    match free {
        Known::Value(free) => {
            let text = format!("disk {}, needs {}", gb(*free), gb(NEEDED));
            if *free >= NEEDED {
                Evidence::new("disk", Standing::Yes, text)
            } else {
                Evidence::new("disk", Standing::No, text).hint("Free some space where the environment lies.")
            }
        }
        Known::Unknown(why) => Evidence::new("disk", Standing::Unknown, format!("disk not known: {why}")),
    }
}

fn compatible(facts: &Facts, table: &Compatibility) -> Evidence {
    let line = |standing, text: String| Evidence::new("compatible", standing, text);
    let Some(release) = table.of(&facts.wanted) else {
        return line(Standing::Unknown, format!("{} is not in the table", facts.wanted));
    };
    if let Some(why) = &release.broken {
        return line(Standing::No, format!("{} cannot be used: {why}", release.version))
            .hint("Choose another version.");
    }
    if let Some(installed) = &facts.installed
        && numbers(&installed.python) < numbers(&release.python)
    {
        return line(
            Standing::No,
            format!(
                "{} needs Python {}, here is {}",
                release.version, release.python, installed.python
            ),
        )
        .hint("Make an environment with a newer Python.")
        .mended_by(Capability::Environment);
    }
    let down = facts
        .installed
        .as_ref()
        .and_then(|installed| installed.version.as_deref())
        .is_some_and(|now| numbers(now) > numbers(&facts.wanted));
    if down {
        return line(
            Standing::Note,
            "compatible (table); an older version than now".to_owned(),
        );
    }
    line(Standing::Yes, "compatible (table)".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts() -> Facts {
        Facts {
            installed: Some(Installed {
                version: Some("0.8.9.1".to_owned()),
                python: "3.11.2".to_owned(),
                beside: Vec::new(),
                whole: true,
            }),
            reported: None,
            wanted: "0.9.4".to_owned(),
            health: Known::Unknown("no shared state".to_owned()),
            running: Known::Value(0),
            wait: false,
            free: Known::Value(412_000_000_000),
            backup: Evidence::new("backup", Standing::Yes, "backup verified 3 min ago"),
        }
    }

    fn judged(change: impl FnOnce(&mut Facts)) -> Vec<(String, Standing)> {
        let mut facts = facts();
        change(&mut facts);
        let table = Compatibility::read("compatibility.yml", None).unwrap();
        precheck(&facts, &table)
            .lines
            .into_iter()
            .map(|line| (line.key, line.standing))
            .collect()
    }

    fn standing(key: &str, change: impl FnOnce(&mut Facts)) -> Standing {
        judged(change)
            .into_iter()
            .find(|(name, _)| name == key)
            .unwrap()
            .1
    }

    #[test]
    fn what_is_not_known_counts_neither_way() {
        assert_eq!(standing("health", |_| {}), Standing::Unknown);
        assert_eq!(
            standing("running", |f| f.running = Known::Unknown("?".to_owned())),
            Standing::Unknown
        );
        assert_eq!(
            standing("compatible", |f| "7.0".clone_into(&mut f.wanted)),
            Standing::Unknown
        );
        assert!(
            judged(|_| {})
                .iter()
                .all(|(_, standing)| *standing != Standing::No)
        );
    }

    #[test]
    fn defect_57_58_incompatibility_stands_in_the_way_by_the_table() {
        assert_eq!(
            standing("compatible", |f| "0.1.0".clone_into(&mut f.wanted)),
            Standing::No
        );
        assert_eq!(
            standing("compatible", |f| "0.8.4".clone_into(&mut f.wanted)),
            Standing::No
        );
        assert_eq!(standing("compatible", |_| {}), Standing::Yes);
    }

    #[test]
    fn defect_59_running_tasks_are_counted_as_numbers() {
        assert_eq!(standing("running", |f| f.running = Known::Value(3)), Standing::No);
        let waits = |f: &mut Facts| {
            f.running = Known::Value(3);
            f.wait = true;
        };
        assert_eq!(standing("running", waits), Standing::Note);
    }

    #[test]
    fn the_same_version_is_no_upgrade() {
        assert_eq!(
            standing("version", |f| "0.8.9.1".clone_into(&mut f.wanted)),
            Standing::No
        );
    }
}
