//! Reading the settings, and what they keep a session from.

use super::Options;
use super::dispatch::Dispatcher;
use super::opening::check_identity;
use super::operations;
use crate::engine::error::Result;
use crate::engine::event::{Event, EventKind};
use crate::engine::snapshot::Snapshot;
use crate::engine::views::Slot;
use crate::engine::workspace::{Settings, Workspace};

impl Dispatcher {
    /// Takes settings that were read, or why they cannot be read; says so where they differ from those before.
    pub(super) async fn settings_read(
        &mut self,
        at: jiff::Timestamp,
        result: Result<Settings>,
    ) -> Result<()> {
        let mut result = result;
        if let Ok(settings) = &result
            && let Err(error) = check_identity(self.journal.as_ref(), &settings.identity()).await
        {
            result = Err(error);
        }
        if let Ok(settings) = &result {
            let kind = EventKind::SettingsRead {
                name: settings.name.clone(),
                migration: settings.kind,
                environment: settings.environment,
                target: settings.target_words(),
                warnings: settings.warnings.clone(),
            };
            if !same_settings(self.outlets.snapshot(), &kind) {
                self.emit(vec![kind]).await?;
            }
        }
        let locked = lock(&self.options, result.as_ref().ok());
        self.outlets.view(|views| {
            // What cannot be read frees nothing: the lock of the settings before stays.
            if let Some(Lock { why, is_setting }) = locked {
                (views.locked_by, views.lock_is_setting) = (why, is_setting);
            }
            views.settings = Slot::read(at, result);
        });
        Ok(())
    }

    /// Reads the settings again before a reading, which rests on them: somebody may have edited the file. What runs keeps those that it
    /// began with.
    pub(super) async fn settings_again(&mut self) -> Result<()> {
        let readable = !matches!(self.outlets.views().settings, Slot::Failed(..));
        if readable && self.outlets.snapshot().active().is_some() {
            return Ok(());
        }
        let (workspace, at) = (self.workspace.clone(), self.ports.clock.now());
        let settings = operations::blocking(move || load_settings(&workspace)).await;
        self.settings_read(at, settings).await
    }
}

/// Whether something may be applied in a session.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Lock {
    /// Why nothing can be applied; `None` where it can.
    pub why: Option<String>,
    /// Whether that stands in the settings, where a person can take it back.
    pub is_setting: bool,
}

/// What keeps a session from applying anything: how it was started before what stands in the settings, read-only before a dry run.
/// `None` where settings that cannot be read would have to say.
#[must_use]
pub fn lock(options: &Options, settings: Option<&Settings>) -> Option<Lock> {
    let said = |why: &str, is_setting: bool| {
        Some(Lock {
            why: Some(why.to_owned()),
            is_setting,
        })
    };
    if options.read_only {
        return said("read-only: nothing can be applied in this session", false);
    }
    let tuning = settings.map(|settings| &settings.tuning);
    if tuning.is_some_and(|tuning| tuning.read_only) {
        return said("read-only in migration.yml: nothing can be applied", true);
    }
    if options.dry_run {
        return said("dry run: every operation stops after its plan", false);
    }
    if tuning?.dry_run {
        return said(
            "dry run in migration.yml: every operation stops after its plan",
            true,
        );
    }
    Some(Lock::default())
}

pub(super) fn load_settings(workspace: &Workspace) -> Result<Settings> {
    Settings::load(workspace, &|name| std::env::var(name).ok())
}

fn same_settings(snapshot: &Snapshot, kind: &EventKind) -> bool {
    let mut after = snapshot.clone();
    after.apply(&Event {
        seq: snapshot.seq,
        at: snapshot.at.unwrap_or_default(),
        kind: kind.clone(),
    });
    (
        &after.name,
        after.migration,
        after.environment,
        &after.target,
        &after.warnings,
    ) == (
        &snapshot.name,
        snapshot.migration,
        snapshot.environment,
        &snapshot.target,
        &snapshot.warnings,
    ) && snapshot.seq > 0
}
