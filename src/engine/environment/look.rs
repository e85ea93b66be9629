//! Looking: every line checked against the world, nothing changed.

use std::sync::Arc;

use super::APPLY;
use super::model::{Found, Key, Line, MaosFound, View};
use super::python::{self, Home};
use super::settings_file::SettingsFile;
use crate::engine::capability::Capability;
use crate::engine::error::Result;
use crate::engine::item::ItemState;
use crate::engine::ports::maos::{Ability, Capabilities, Known, Maos, Version};
use crate::engine::ports::store::{Store, Table};
use crate::engine::runner::operations::World;
use crate::engine::text::inert_short;

/// Everything that the checks need of the world.
pub(super) struct Surroundings {
    pub home: Home,
    pub maos: Option<Arc<dyn Maos>>,
    pub table: MaosFound,
    pub rehearsal: bool,
    pub settings: SettingsFile,
    pub store: Option<Arc<dyn Store>>,
}

impl Surroundings {
    /// Opens and probes what there is.
    ///
    /// # Errors
    /// A database URL that cannot be read, or no home folder.
    pub async fn of(world: &World) -> Result<Self> {
        let opened = world.ports.maos.open(&world.workspace, &world.settings);
        let (maos, table, version) = match opened {
            Ok(maos) => match maos.probe().await {
                Ok(table) => {
                    // By metadata, which the probe read; asking the program again is for nothing.
                    let version = maos.version().await.unwrap_or_default();
                    (Some(maos), MaosFound::Table(table), Some(version))
                }
                Err(error) => (Some(maos), MaosFound::None(error.to_string()), None),
            },
            Err(error) => (None, MaosFound::None(error.message), None),
        };
        let rehearsal = maos.as_ref().is_some_and(|maos| maos.rehearsal());
        let store = match &world.settings.target {
            Some(target) => Some(world.ports.stores.open(&target.url.value, true)?),
            None => None,
        };
        Ok(Self {
            home: home(world, rehearsal, version.as_ref()),
            maos,
            table,
            rehearsal,
            settings: SettingsFile::of(world, rehearsal)?,
            store,
        })
    }

    fn capabilities(&self) -> Option<&Capabilities> {
        match &self.table {
            MaosFound::Table(table) => Some(table),
            MaosFound::None(_) => None,
        }
    }
}

fn home(world: &World, rehearsal: bool, version: Option<&Version>) -> Home {
    if rehearsal && !world.settings.driving.maos.command.is_empty() {
        return Home::Rehearsal;
    }
    python::home(world, version)
}

/// Looks at the whole environment.
///
/// # Errors
/// Settings that cannot be used at all.
pub async fn look(world: &World) -> Result<View> {
    let around = Surroundings::of(world).await?;
    let [python, install] = python::check(world, &around.home).await;
    let lines = vec![
        python,
        install,
        init(world, &around).await,
        around.settings.check(),
        database(world, &around).await,
        migrate(world, &around).await,
        tracking(world, &around).await,
    ];
    let mut warnings = Vec::new();
    if matches!(around.home, Home::Environment(_)) && matches!(lines[1].found, Found::Needs(..)) {
        warnings.push("\"maos\" on the package index is not this product. maos-cli is installed.".to_owned());
    }
    if let Some(table) = around.capabilities() {
        warnings.extend(table.notes.iter().cloned());
    }
    if around.rehearsal {
        warnings.push("The MAOS here is the rehearsal one. Every figure is marked.".to_owned());
    }
    Ok(View {
        lines,
        rehearsal: around.rehearsal,
        settings_path: around.settings.shown(world),
        settings_lines: around.settings.lines(),
        maos: around.table,
        warnings,
    })
}

/// One line again, for the proof of its effect.
///
/// # Errors
/// As [`look`].
pub(super) async fn again(world: &World, key: Key) -> Result<Line> {
    let around = Surroundings::of(world).await?;
    let [python, install] = match key {
        Key::Python | Key::Install => python::check(world, &around.home).await,
        _ => [
            Line::new(key, "", Found::Skipped(String::new())),
            Line::new(key, "", Found::Skipped(String::new())),
        ],
    };
    Ok(match key {
        Key::Python => python,
        Key::Install => install,
        Key::Init => init(world, &around).await,
        Key::Settings => around.settings.check(),
        Key::Database => database(world, &around).await,
        Key::Migrate => migrate(world, &around).await,
        Key::Tracking => tracking(world, &around).await,
    })
}

/// Whether the journal has this effect as done for this target, where the world itself does not say.
fn remembered(world: &World, key: Key) -> Option<String> {
    let step = world.snapshot.steps.get(&Capability::Environment)?;
    let item = step.items.get(APPLY)?.get(key.name())?;
    let same = item.data.get("target").and_then(|target| target.as_str()) == Some(&target(world));
    (item.state == ItemState::Done && same).then(|| item.text.clone())
}

/// What an effect that only the journal remembers was done to.
pub(super) fn target(world: &World) -> String {
    let maos = world.settings.maos.clone().unwrap_or_default();
    format!("{maos} {}", world.settings.target_words())
}

async fn init(world: &World, around: &Surroundings) -> Line {
    let needs =
        |is: &str, what: &str| Line::new(Key::Init, is, Found::Needs("run".to_owned(), what.to_owned()));
    let (Some(maos), Some(table)) = (&around.maos, around.capabilities()) else {
        return unknown(Key::Init, around, "init, where this MAOS has it");
    };
    if !table.has(Ability::Init) {
        let why = table.of(Ability::Init).map_or("", |line| line.why.as_str());
        return Line::new(Key::Init, "not in this MAOS", Found::Skipped(why.to_owned()));
    }
    match maos.initialised().await {
        Ok(Known::Value(true)) => Line::new(
            Key::Init,
            "there",
            Found::InPlace("its files are there".to_owned()),
        ),
        Ok(Known::Value(false)) => needs("absent", "init"),
        Ok(Known::Unknown(_)) | Err(_) => match remembered(world, Key::Init) {
            Some(text) => Line::new(Key::Init, "done before", Found::InPlace(text)),
            None => needs("not known", "init"),
        },
    }
}

/// A line of a MAOS that is not there yet.
fn unknown(key: Key, around: &Surroundings, what: &str) -> Line {
    if matches!(around.home, Home::Environment(_)) {
        let needs = Found::Needs("run".to_owned(), what.to_owned());
        return Line::new(key, "not installed yet", needs);
    }
    let why = match &around.table {
        MaosFound::None(why) => why.as_str(),
        MaosFound::Table(_) => "",
    };
    Line::new(key, "no MAOS", Found::Skipped(inert_short(why, 120)))
}

fn no_target(key: Key) -> Line {
    Line::new(
        key,
        "no target",
        Found::Skipped("target.database is not named".to_owned()),
    )
}

async fn database(world: &World, around: &Surroundings) -> Line {
    let Some(store) = &around.store else {
        return no_target(Key::Database);
    };
    let words = world.settings.target_words();
    match store.database_exists().await {
        Ok(true) => match store.place().await {
            Ok(_) => Line::new(Key::Database, "there", Found::InPlace(format!("{words} answers"))),
            Err(error) => Line::new(Key::Database, "does not answer", Found::Refused(error.into())),
        },
        Ok(false) => Line::new(Key::Database, "absent", Found::Needs("create".to_owned(), words)),
        Err(error) => Line::new(Key::Database, "does not answer", Found::Refused(error.into())),
    }
}

async fn migrate(world: &World, around: &Surroundings) -> Line {
    let Some(store) = &around.store else {
        return no_target(Key::Migrate);
    };
    let (Some(maos), Some(table)) = (&around.maos, around.capabilities()) else {
        return unknown(Key::Migrate, around, "db migrate, where this MAOS has it");
    };
    if !table.has(Ability::DbMigrate) {
        let why = table.of(Ability::DbMigrate).map_or("", |line| line.why.as_str());
        return Line::new(Key::Migrate, "not in this MAOS", Found::Skipped(why.to_owned()));
    }
    let needs = |is: &str| {
        Line::new(
            Key::Migrate,
            is,
            Found::Needs("run".to_owned(), "db migrate".to_owned()),
        )
    };
    match maos.migrated().await {
        Ok(Known::Value(true)) => Line::new(
            Key::Migrate,
            "migrated",
            Found::InPlace("it says it is migrated".to_owned()),
        ),
        Ok(Known::Value(false)) => needs("not migrated"),
        Ok(Known::Unknown(_)) | Err(_) => {
            let tasks = Table::parse(&world.settings.tuning.target_table);
            if store.database_exists().await == Ok(true)
                && store.relation(&tasks).await.is_ok_and(|found| found.is_some())
            {
                return Line::new(
                    Key::Migrate,
                    "there",
                    Found::InPlace(format!("table {tasks} is there")),
                );
            }
            match remembered(world, Key::Migrate) {
                Some(text) => Line::new(Key::Migrate, "done before", Found::InPlace(text)),
                None => needs("not known"),
            }
        }
    }
}

async fn tracking(world: &World, around: &Surroundings) -> Line {
    let Some(store) = &around.store else {
        return no_target(Key::Tracking);
    };
    let table = Table::parse(&world.settings.tuning.target_table);
    let create = || {
        Found::Needs(
            "create".to_owned(),
            "migration_tracking with a unique key, and its ledger".to_owned(),
        )
    };
    match store.database_exists().await {
        Ok(true) => match store.ledger_gaps(&table).await {
            Ok(gaps) if gaps.is_empty() => match store.tracking_keyed(&table).await {
                Ok(true) => {
                    let proof = "migration_tracking with its unique key".to_owned();
                    Line::new(Key::Tracking, "there", Found::InPlace(proof))
                }
                Ok(false) => Line::new(Key::Tracking, "no unique key", create()),
                Err(error) => Line::new(Key::Tracking, "not known", Found::Refused(error.into())),
            },
            Ok(gaps) => Line::new(Key::Tracking, format!("lacks {}", gaps.len()), create()),
            Err(error) => Line::new(Key::Tracking, "another one", Found::Refused(error.into())),
        },
        Ok(false) => Line::new(Key::Tracking, "absent", create()),
        Err(error) => Line::new(Key::Tracking, "not known", Found::Refused(error.into())),
    }
}
