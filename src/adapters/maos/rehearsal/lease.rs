//! Who executes: one process at a time, named by its pid and the moment it began, so that a dead one is never waited for.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::{Deserialize, Serialize};
use tokio::sync::Notify;

use super::state::{Held, State, fail};
use crate::adapters::process::MachineProcesses;
use crate::adapters::process::table::started;
use crate::engine::ports::maos::MaosError;
use crate::engine::ports::process::{Detached, Processes as _};

/// Folders whose executor is a task of this very process, and how it is woken. A process cannot tell by its own pid whether
/// that task still lives.
static HERE: Mutex<BTreeMap<PathBuf, Arc<Notify>>> = Mutex::new(BTreeMap::new());

fn here() -> MutexGuard<'static, BTreeMap<PathBuf, Arc<Notify>>> {
    HERE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Tells the executor of this process that there is something new; one of another process looks by itself.
pub(super) fn wake(state: &State) {
    if let Some(wake) = here().get(&state.folder) {
        wake.notify_one();
    }
}

/// The process that executes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Holder {
    /// Which process.
    #[serde(flatten)]
    pub(super) process: Detached,
    /// Whether it does nothing else, so that it may be ended.
    pub(super) alone: bool,
}

impl Holder {
    fn lives(&self, folder: &Path) -> bool {
        if self.process.pid == std::process::id() {
            return here().contains_key(folder);
        }
        MachineProcesses.alive(&self.process)
    }
}

/// The right to execute; given back when dropped.
#[derive(Debug)]
pub(super) struct Lease {
    folder: PathBuf,
    /// Rings when there is something new.
    pub(super) wake: Arc<Notify>,
}

impl Drop for Lease {
    fn drop(&mut self) {
        here().remove(&self.folder);
    }
}

/// The process that executes now, when there is one.
pub(super) async fn holder(state: &State) -> Held<Option<Holder>> {
    let Some(text) = state.meta("executor").await? else {
        return Ok(None);
    };
    let holder: Option<Holder> = serde_json::from_str(&text).ok();
    Ok(holder.filter(|holder| holder.lives(&state.folder)))
}

/// Takes the right to execute, `None` when somebody has it.
pub(super) async fn take(state: &State, alone: bool) -> Held<Option<Lease>> {
    let mut transaction = state.begin().await?;
    let held: Option<String> = sqlx::query_scalar("SELECT value FROM meta WHERE key = 'executor'")
        .fetch_optional(&mut *transaction)
        .await
        .map_err(fail)?;
    let held: Option<Holder> = held.and_then(|text| serde_json::from_str(&text).ok());
    if held.is_some_and(|holder| holder.lives(&state.folder)) {
        return Ok(None);
    }
    let pid = std::process::id();
    let holder = Holder {
        process: Detached {
            pid,
            started: started(pid).unwrap_or(0),
        },
        alone,
    };
    let text = serde_json::to_string(&holder).map_err(|error| MaosError::Machine(error.to_string()))?;
    sqlx::query("INSERT INTO meta (key, value) VALUES ('executor', $1) ON CONFLICT (key) DO UPDATE SET value = excluded.value")
        .bind(text)
        .execute(&mut *transaction)
        .await
        .map_err(fail)?;
    // Before the commit: whoever reads the row in this process must find us living.
    let lease = Lease {
        folder: state.folder.clone(),
        wake: Arc::default(),
    };
    here().insert(state.folder.clone(), Arc::clone(&lease.wake));
    transaction.commit().await.map_err(fail)?;
    Ok(Some(lease))
}
