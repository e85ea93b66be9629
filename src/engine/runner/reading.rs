//! Readings of the world for the screens: made in tasks of their own, shown with their age, never journaled.

use super::dispatch::Dispatcher;
use super::internal::Internal;
use super::operations::{self, World};
use super::sources;
use crate::engine::assess::{Decimal, Value, derive};
use crate::engine::capability::Capability;
use crate::engine::error::{Error, Result};
use crate::engine::operation::Control;
use crate::engine::ports::probe::Reading;
use crate::engine::views::{Slot, Views};
use crate::engine::{checkpoints, config, environment, tasks};

impl Dispatcher {
    /// Starts reading what the screen of `capability` shows.
    ///
    /// # Errors
    /// When the settings cannot be read.
    pub(super) fn read(&mut self, capability: Capability) -> Result<()> {
        match self.world() {
            Ok(world) => {
                self.read_in(world, capability);
                Ok(())
            }
            Err(error) => {
                // The screen that waits for it says so, and does not wait for ever.
                let at = self.ports.clock.now();
                self.outlets
                    .view(|views| unreadable(views, capability, at, &error));
                Err(error)
            }
        }
    }

    /// Reads anew for the screens what may be old now. A script looks at none: it reads what it asks for.
    pub(super) fn refresh(&mut self, capability: Capability) {
        if self.options.interactive {
            // The screen that waits for a reading that fails says so.
            let _ = self.read(capability);
        }
    }

    fn read_in(&mut self, world: World, capability: Capability) {
        match capability {
            Capability::Start => {
                self.outlets.view(|views| views.sources = views.sources.loading());
                self.spawn(async move {
                    let at = world.now;
                    let sources = sources::check(world).await;
                    Internal::View(Box::new(move |views| {
                        views.sources = Slot::Ready(at, sources.into());
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
                        views.tasks.settle(at, read);
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
                        views.checkpoints.settle(at, read);
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
                        views.schema.settle_shared(at, read);
                    }))
                });
            }
            Capability::Upgrade => {
                self.outlets.view(|views| views.upgrade = views.upgrade.loading());
                let at = world.now;
                self.spawn(async move {
                    let read = operations::upgrade::read(world).await;
                    Internal::View(Box::new(move |views| views.upgrade.settle(at, read)))
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
                    Internal::View(Box::new(move |views| views.config.settle_shared(at, read)))
                });
            }
            Capability::Backup => {
                self.outlets.view(|views| views.backups = views.backups.loading());
                let at = world.now;
                self.spawn(async move {
                    let folder = crate::engine::backup::request::folder(&world.workspace, &world.settings);
                    let read = operations::blocking(move || crate::engine::backup::list(&folder)).await;
                    Internal::View(Box::new(move |views| views.backups.settle(at, read)))
                });
            }
            Capability::Rollback => {
                self.outlets
                    .view(|views| views.rollback = views.rollback.loading());
                let at = world.now;
                self.spawn(async move {
                    let read = operations::rollback::preflight(world).await;
                    Internal::View(Box::new(move |views| views.rollback.settle(at, read)))
                });
            }
            Capability::Environment => {
                self.outlets
                    .view(|views| views.environment = views.environment.loading());
                let at = world.now;
                self.spawn(async move {
                    let read = environment::look(&world).await;
                    Internal::View(Box::new(move |views| views.environment.settle(at, read)))
                });
            }
            _ => {}
        }
    }
}

/// Puts why nothing can be read where the screen of `capability` looks for its reading.
fn unreadable(views: &mut Views, capability: Capability, at: jiff::Timestamp, error: &Error) {
    let error = error.clone();
    match capability {
        Capability::Tasks => views.tasks = Slot::Failed(at, error),
        Capability::Checkpoints => views.checkpoints = Slot::Failed(at, error),
        Capability::Schema => views.schema = Slot::Failed(at, error),
        Capability::Upgrade => views.upgrade = Slot::Failed(at, error),
        Capability::Config => views.config = Slot::Failed(at, error),
        Capability::Backup => views.backups = Slot::Failed(at, error),
        Capability::Rollback => views.rollback = Slot::Failed(at, error),
        Capability::Environment => views.environment = Slot::Failed(at, error),
        // The settings themselves say it on Start.
        _ => {}
    }
}

/// Reads the legacy tasks for the screen and gives their mean score as a probe's reading, where there are tasks.
pub(super) async fn task_scores(world: Option<World>) -> Option<(Vec<Reading>, Internal)> {
    let world = world?;
    world.settings.tasks.as_ref()?;
    let at = world.now;
    let read = operations::blocking(move || operations::tasks::read(&world, &Control::silent())).await;
    let reading = match &read {
        Ok(reading) => mean(&reading.view),
        Err(error) => Reading::none(derive::PARALLELIZATION_SCORE, error.message.clone()),
    };
    let shown = Internal::View(Box::new(move |views| views.tasks.settle(at, read)));
    Some((vec![reading], shown))
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
