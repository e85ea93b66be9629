//! Readings of the world for the screens: made in tasks of their own, shown with their age, never journaled.

use super::dispatch::Dispatcher;
use super::internal::Internal;
use super::operations::{self, World};
use crate::engine::assess::{Decimal, Value, derive};
use crate::engine::capability::Capability;
use crate::engine::error::{Error, Result};
use crate::engine::operation::Control;
use crate::engine::ports::probe::Reading;
use crate::engine::views::{Check, Line, Slot, Sources};
use crate::engine::workspace::settings::{Named, Settings};
use crate::engine::{checkpoints, config, tasks};

impl Dispatcher {
    /// Starts reading what the screen of `capability` shows.
    ///
    /// # Errors
    /// When the settings cannot be read.
    pub(super) fn read(&mut self, capability: Capability) -> Result<()> {
        let world = self.world()?;
        match capability {
            Capability::Start => {
                self.outlets.view(|views| views.sources = views.sources.loading());
                self.spawn(async move {
                    let at = world.now;
                    let sources = sources(world).await;
                    Internal::View(Box::new(move |views| {
                        views.sources = Slot::Ready(at, sources.into())
                    }))
                });
            }
            Capability::Tasks => {
                self.outlets.view(|views| views.tasks = views.tasks.loading());
                let (at, control) = (world.now, self.reading_control(Capability::Tasks));
                self.spawn(async move {
                    let read = operations::blocking(move || operations::tasks::read(&world, &control)).await;
                    Internal::View(Box::new(move |views| {
                        views.reading.remove(&Capability::Tasks);
                        views.tasks = Slot::read(at, read);
                    }))
                });
            }
            Capability::Checkpoints => {
                self.outlets
                    .view(|views| views.checkpoints = views.checkpoints.loading());
                let (at, control) = (world.now, self.reading_control(Capability::Checkpoints));
                self.spawn(async move {
                    let read = operations::blocking(move || {
                        let request = operations::checkpoints::request(&world)?;
                        checkpoints::scan(&request, &control, |_| {})
                    })
                    .await;
                    Internal::View(Box::new(move |views| {
                        views.reading.remove(&Capability::Checkpoints);
                        views.checkpoints = Slot::read(at, read);
                    }))
                });
            }
            Capability::Schema => {
                self.outlets.view(|views| views.schema = views.schema.loading());
                let (at, control) = (world.now, self.reading_control(Capability::Schema));
                self.spawn(async move {
                    let read = operations::schema::census(world, control).await;
                    Internal::View(Box::new(move |views| {
                        views.reading.remove(&Capability::Schema);
                        views.schema = Slot::read_shared(at, read);
                    }))
                });
            }
            Capability::Config => {
                self.outlets.view(|views| views.config = views.config.loading());
                let at = world.now;
                self.spawn(async move {
                    let read = operations::blocking(move || {
                        let request = operations::config::request(&world)?;
                        config::plan(&request, &Control::silent()).map(|prepared| prepared.view)
                    })
                    .await;
                    Internal::View(Box::new(move |views| views.config = Slot::read_shared(at, read)))
                });
            }
            _ => {}
        }
        Ok(())
    }
}

/// The mean score of the legacy tasks as a probe's reading, where there are tasks.
pub(super) async fn task_scores(world: Option<World>) -> Option<Vec<Reading>> {
    let world = world?;
    world.settings.tasks.as_ref()?;
    let figure = derive::PARALLELIZATION_SCORE;
    let read = operations::blocking(move || operations::tasks::read(&world, &Control::silent())).await;
    Some(vec![match read {
        Ok(reading) => mean(&reading.view),
        Err(error) => Reading::none(figure, error.message),
    }])
}

fn mean(view: &tasks::view::View) -> Reading {
    let figure = derive::PARALLELIZATION_SCORE;
    let sum: u64 = view.rows.iter().map(|row| u64::from(row.score)).sum();
    let read = crate::engine::text::plural(view.tally.done, "task", "tasks");
    // The exact mean is known while every task is listed; else the tally's own average stands for it.
    let value = if view.not_listed == 0 {
        derive::mean_score(sum, view.tally.done)
    } else {
        Decimal::measured(view.tally.average_score, 6).map(Value::Number)
    };
    match value {
        Some(value) => Reading::of(figure, value, format!("{read} read")),
        None => Reading::none(figure, "there are no tasks"),
    }
}

/// Checks every source and target that the settings name.
async fn sources(world: World) -> Sources {
    let settings = world.settings.clone();
    let brownfield = settings.kind.is_none_or(|kind| {
        matches!(
            kind,
            crate::engine::workspace::MigrationType::Brownfield
                | crate::engine::workspace::MigrationType::Hybrid
        )
    });
    let file = |key, named: &Option<Named>, count: fn(&Named) -> Result<String>| {
        let named = named.clone();
        async move {
            let Some(named) = named else {
                return Line {
                    path: ["sources", key],
                    shown: String::new(),
                    needed: false,
                    check: Check::Unset,
                };
            };
            let shown = named.written.clone();
            let checked = operations::blocking(move || named.must_exist().and_then(|()| count(&named))).await;
            Line {
                path: ["sources", key],
                shown,
                needed: brownfield,
                check: checked.map_or_else(Check::Bad, Check::Good),
            }
        }
    };
    let (tasks, config, checkpoints) = tokio::join!(
        file("tasks", &settings.tasks, plain_file),
        file("config", &settings.config, plain_file),
        file("checkpoints", &settings.checkpoints, folder),
    );
    let mut lines = vec![tasks, config, checkpoints];
    lines.push(database("sources", &settings));
    lines.push(database("target", &settings));
    lines.push(maos(&settings));
    Sources { lines }
}

fn plain_file(named: &Named) -> Result<String> {
    let meta = std::fs::metadata(&named.path).map_err(|error| Error::io("read", &named.path, &error))?;
    if !meta.is_file() {
        return Err(Error::input(format!(
            "not a file: {} ({})",
            named.written, named.place
        )));
    }
    std::fs::File::open(&named.path).map_err(|error| Error::io("read", &named.path, &error))?;
    Ok(bytes(meta.len()))
}

fn folder(named: &Named) -> Result<String> {
    let entries = std::fs::read_dir(&named.path).map_err(|error| Error::io("read", &named.path, &error))?;
    let files = entries
        .flatten()
        .filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_file()))
        .count();
    Ok(crate::engine::text::plural(files as u64, "file", "files"))
}

fn database(section: &'static str, settings: &Settings) -> Line {
    let database = if section == "sources" {
        &settings.source
    } else {
        &settings.target
    };
    match database {
        None => Line {
            path: [section, "database"],
            shown: String::new(),
            needed: false,
            check: Check::Unset,
        },
        Some(database) => Line {
            path: [section, "database"],
            shown: database.url.shown.clone(),
            needed: true,
            check: Check::Good("named".to_owned()),
        },
    }
}

fn maos(settings: &Settings) -> Line {
    let path = ["target", "maos"];
    match settings.maos.as_deref() {
        None => Line {
            path,
            shown: String::new(),
            needed: false,
            check: Check::Unset,
        },
        Some(word) => Line {
            path,
            shown: word.to_owned(),
            needed: false,
            check: Check::Note("driving MAOS is not in this version".to_owned()),
        },
    }
}

/// A size as people read it.
fn bytes(n: u64) -> String {
    const UNITS: [(&str, u64); 3] = [("GB", 1_000_000_000), ("MB", 1_000_000), ("kB", 1_000)];
    for (unit, size) in UNITS {
        if n >= size {
            return format!("{}.{} {unit}", n / size, n % size * 10 / size);
        }
    }
    crate::engine::text::plural(n, "byte", "bytes")
}
