//! The lines of the Start screen: whether every source and target that the settings name answers, each within a time limit.

use std::future::Future;
use std::time::{Duration, Instant};

use super::operations::{self, World};
use crate::engine::config;
use crate::engine::error::{Error, Result};
use crate::engine::operation::Control;
use crate::engine::ports::maos::{Ability, MaosError, Presence};
use crate::engine::ports::store::{Relation, Table};
use crate::engine::tasks::input::{Item, Records};
use crate::engine::text::{count, plural};
use crate::engine::views::{Check, Line, Sources};
use crate::engine::workspace::MigrationType;
use crate::engine::workspace::settings::{Database, Named};

/// How long one line may take.
const LIMIT: Duration = Duration::from_secs(5);
/// How long counting records goes on; a larger file says how many there are at least.
const COUNTING: Duration = Duration::from_secs(2);

/// Checks everything that the settings name, side by side.
pub(super) async fn check(world: World) -> Sources {
    let settings = world.settings.clone();
    let legacy = matches!(
        settings.kind,
        Some(MigrationType::Brownfield | MigrationType::Hybrid)
    );
    let (tasks, config, checkpoints, source, target, maos) = tokio::join!(
        file("tasks", settings.tasks.clone(), legacy, tasks),
        file("config", settings.config.clone(), legacy, keys(&world)),
        file("checkpoints", settings.checkpoints.clone(), legacy, folder),
        database(&world, "sources", settings.source.as_ref(), legacy),
        database(
            &world,
            "target",
            settings.target.as_ref(),
            settings.kind != Some(MigrationType::VersionUpgrade)
        ),
        maos(&world),
    );
    Sources {
        lines: vec![tasks, config, checkpoints, source, target, maos],
    }
}

async fn file(
    key: &'static str,
    named: Option<Named>,
    needed: bool,
    look: impl FnOnce(&Named) -> Result<String> + Send + 'static,
) -> Line {
    let path = ["sources", key];
    let Some(named) = named else {
        return Line {
            path,
            shown: String::new(),
            needed: false,
            check: Check::Unset,
        };
    };
    let shown = named.written.clone();
    let checked = limited(operations::blocking(move || {
        named.must_exist().and_then(|()| look(&named))
    }))
    .await;
    Line {
        path,
        shown,
        needed,
        check: checked.map_or_else(Check::Bad, Check::Good),
    }
}

async fn limited<T>(work: impl Future<Output = Result<T>>) -> Result<T> {
    match tokio::time::timeout(LIMIT, work).await {
        Ok(result) => result,
        Err(_) => Err(
            Error::unavailable(format!("no answer within {} s", LIMIT.as_secs()))
                .hint("See that it can be reached from here, then check again."),
        ),
    }
}

fn tasks(named: &Named) -> Result<String> {
    let mut records = Records::open(&named.path)?;
    let (began, mut good, mut bad) = (Instant::now(), 0_u64, 0_u64);
    while let Some(item) = records.next_item()? {
        match item {
            Item::Record(_) => good += 1,
            Item::Bad(_) => bad += 1,
        }
        if began.elapsed() > COUNTING {
            return Ok(format!("over {}", plural(good + bad, "record", "records")));
        }
    }
    Ok(plural(good + bad, "record", "records"))
}

fn keys(world: &World) -> impl FnOnce(&Named) -> Result<String> + Send + 'static {
    let request = operations::config::request(world);
    move |_| {
        let prepared = config::plan(&request?, &Control::silent())?;
        Ok(plural(prepared.view.keys as u64, "key", "keys"))
    }
}

fn folder(named: &Named) -> Result<String> {
    let entries = std::fs::read_dir(&named.path).map_err(|error| Error::io("read", &named.path, &error))?;
    let files = entries
        .flatten()
        .filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_file()))
        .count();
    Ok(plural(files as u64, "file", "files"))
}

async fn database(world: &World, section: &'static str, database: Option<&Database>, needed: bool) -> Line {
    let path = [section, "database"];
    let Some(database) = database else {
        let check = if needed {
            Check::Bad(
                Error::input(format!("{section}.database is not named"))
                    .hint("Name the database here with Enter."),
            )
        } else {
            Check::Unset
        };
        return Line {
            path,
            shown: String::new(),
            needed,
            check,
        };
    };
    let is_target = section == "target";
    let tuning = &world.settings.tuning;
    let table = Table::parse(if is_target {
        &tuning.target_table
    } else {
        &tuning.source_table
    });
    let asked = async {
        let store = world.ports.stores.open(&database.url.value, is_target)?;
        store.place().await?;
        Ok(store.relation(&table).await?)
    };
    let check = match limited(asked).await {
        Ok(found) => said(found, &table, is_target),
        Err(error) => Check::Bad(error),
    };
    Line {
        path,
        shown: database.url.shown.clone(),
        needed,
        check,
    }
}

fn said(found: Option<Relation>, table: &Table, is_target: bool) -> Check {
    match (found, is_target) {
        (None, true) => Check::Good("empty".to_owned()),
        (None, false) => Check::Bad(
            Error::input(format!("it has no table {table}"))
                .hint("Name the legacy table: settings.source_table."),
        ),
        (
            Some(Relation {
                estimate: Some(rows), ..
            }),
            false,
        ) => Check::Good(format!("{} rows", count(rows))),
        (
            Some(Relation {
                estimate: Some(rows), ..
            }),
            true,
        ) if rows > 0 => Check::Note(format!("{table} has {} rows", count(rows))),
        (Some(_), _) => Check::Good(format!("has {table}")),
    }
}

/// What the MAOS that the settings name can do, by its own word. One that is not installed yet is the Environment step's work,
/// except where it is to be upgraded.
async fn maos(world: &World) -> Line {
    let settings = &world.settings;
    let needed = settings.kind == Some(MigrationType::VersionUpgrade);
    let line = |shown: String, check: Check| Line {
        path: ["target", "maos"],
        shown,
        needed,
        check,
    };
    if settings.maos.is_none() && settings.driving.maos.command.is_empty() {
        return line(String::new(), Check::Unset);
    }
    let maos = match world.ports.maos.open(&world.workspace, settings) {
        Ok(maos) => maos,
        Err(error) => return line(settings.maos.clone().unwrap_or_default(), Check::Bad(error)),
    };
    let probed = limited(async { Ok(maos.probe().await) }).await;
    let check = match probed {
        Ok(Ok(found)) => {
            let (present, all) = (found.count(Presence::Present), Ability::ALL.len());
            if present == all {
                Check::Good(format!("{all} commands"))
            } else {
                Check::Note(format!("{present}/{all} commands"))
            }
        }
        Ok(Err(MaosError::NoProgram(_))) if !needed => Check::Note("not installed yet".to_owned()),
        Ok(Err(error)) => Check::Bad(error.into()),
        Err(error) => Check::Bad(error),
    };
    line(maos.place(), check)
}
