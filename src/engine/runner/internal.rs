//! What the engine's own tasks report back to its dispatcher.

use std::collections::BTreeSet;

use jiff::Timestamp;

use crate::engine::capability::Capability;
use crate::engine::error::Result;
use crate::engine::operation::{Notice, Outcome, Plan};
use crate::engine::ports::probe::Reading;
use crate::engine::workspace::Settings;
use crate::engine::workspace::files::Written;

use super::operations::Prepared;

/// One report.
pub(super) enum Internal {
    /// A running operation tells something.
    Notice(Capability, Notice),
    /// A plan was made, or could not be.
    Planned {
        capability: Capability,
        verb: String,
        result: Box<Result<Plan>>,
    },
    /// An operation was planned again for its approval, or could not be.
    Prepared {
        capability: Capability,
        verb: String,
        result: Box<Result<Prepared>>,
    },
    /// An operation ended.
    Ended {
        capability: Capability,
        verb: String,
        result: Box<Result<Ended>>,
    },
    /// A probe ended.
    Probed(Vec<Reading>),
    /// All probes of one asking have ended; no question of these waits any more.
    ProbesEnded(BTreeSet<String>),
    /// The settings were read again.
    Settings {
        at: Timestamp,
        result: Box<Result<Settings>>,
    },
    /// Trouble began on the rehearsal MAOS, or ended.
    Trouble { begun: bool, result: Result<()> },
    /// The monitor's background tells something.
    Monitor(super::watching::Told),
    /// A reading changes the views.
    View(Box<dyn FnOnce(&mut crate::engine::views::Views) + Send>),
}

/// An operation's end with the files it wrote.
pub(super) struct Ended {
    pub outcome: Outcome,
    pub written: Vec<(String, Written)>,
}
