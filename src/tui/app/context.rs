//! What screens and overlays get to see, and what they can ask for.

use std::cell::Cell;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use crate::engine::Capability;
use crate::engine::command::Command as Order;
use crate::engine::error::Result;
use crate::engine::runner::Reply;
use crate::engine::snapshot::{Snapshot, Step};
use crate::engine::views::{Mode, Views};
use crate::tui::clock::Now;
use crate::tui::keymap::{Action, KeyMap};
use crate::tui::layout::Density;
use crate::tui::overlays::Overlay;
use crate::tui::style::Look;
use crate::tui::widgets::frame::News;

/// Everything a screen may know. Drawing records in it when the picture will change by itself.
#[derive(Debug)]
pub struct Cx<'a> {
    /// The state of the migration.
    pub snapshot: &'a Snapshot,
    /// Readings of the world.
    pub views: &'a Views,
    /// The moment.
    pub now: &'a Now,
    /// Signs and colours.
    pub look: Look,
    /// The keys.
    pub keys: &'a KeyMap,
    /// How much room the frame has.
    pub density: Density,
    wake: Cell<Option<Duration>>,
}

impl<'a> Cx<'a> {
    /// A context for one key or one frame.
    #[must_use]
    pub const fn new(
        snapshot: &'a Snapshot,
        views: &'a Views,
        now: &'a Now,
        look: Look,
        keys: &'a KeyMap,
        density: Density,
    ) -> Self {
        Self {
            snapshot,
            views,
            now,
            look,
            keys,
            density,
            wake: Cell::new(None),
        }
    }

    /// Asks for another frame after `wait`, if nothing else happens before.
    pub fn wake_in(&self, wait: Duration) {
        self.wake
            .set(Some(self.wake.get().map_or(wait, |before| before.min(wait))));
    }

    /// When another frame is needed.
    #[must_use]
    pub fn wake(&self) -> Option<Duration> {
        self.wake.get()
    }

    /// `6 s ago`, `2 min ago`, `at 14:06`; asks for a frame when it changes.
    #[must_use]
    pub fn ago(&self, then: Timestamp) -> String {
        let (age, changes) = self.now.age(then);
        if let Some(changes) = changes {
            self.wake_in(changes);
        }
        age.map_or_else(
            || format!("at {}", self.now.clock(then)),
            |age| format!("{age} ago"),
        )
    }

    /// `6 s old`, `2 min old`, `of 14:06`; asks for a frame when it changes.
    #[must_use]
    pub fn old(&self, then: Timestamp) -> String {
        let (age, changes) = self.now.age(then);
        if let Some(changes) = changes {
            self.wake_in(changes);
        }
        age.map_or_else(
            || format!("of {}", self.now.clock(then)),
            |age| format!("{age} old"),
        )
    }

    /// The spinner's frame; asks for the next one.
    #[must_use]
    pub fn spinner(&self) -> &'static str {
        let frames = self.look.glyphs.spinner;
        if frames.len() > 1 {
            self.wake_in(Duration::from_millis(200));
        }
        let index = usize::try_from(self.now.mono.as_millis() / 200).unwrap_or(0);
        frames[index % frames.len()]
    }

    /// Why nothing may be applied in this session, in a sentence; `None` when it may.
    #[must_use]
    pub fn held(&self) -> Option<String> {
        match &self.views.mode {
            Mode::Opening => Some("The journal is being opened.".to_owned()),
            Mode::Failed(error) => Some(error.to_string()),
            Mode::Watching(holder) => Some(format!(
                "Read-only: {} operates from {} since {}.",
                holder.operator,
                holder.host,
                self.now.clock(holder.since)
            )),
            Mode::Operating => self.views.locked_by.clone(),
        }
    }

    /// The step of a capability, if it has done anything.
    #[must_use]
    pub fn step(&self, capability: Capability) -> Option<&'a Step> {
        self.snapshot.steps.get(&capability)
    }
}

/// What an answer of the engine is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Purpose {
    /// A plan for the screen of a step.
    Preview(Capability),
    /// A plan for a dialog that asks for approval.
    Confirm(Capability),
    /// The plan made again on Enter.
    Again(Capability),
    /// An answer typed into a form; a refusal goes back to the field.
    Field(Capability),
    /// Only a refusal matters, and it becomes a message by itself.
    Nothing,
}

/// Something a screen or an overlay asks the wizard to do.
#[derive(Debug)]
pub enum Effect {
    /// Send to the engine; a refusal becomes a message.
    Send(Order),
    /// Send to the engine and bring the answer back.
    Ask(Purpose, Order),
    /// Lay an overlay over everything.
    Open(Box<dyn Overlay>),
    /// Close the top overlay.
    Close,
    /// Go to a step.
    Go(Capability),
    /// Go to a step, and there to what has this id.
    Show(Capability, String),
    /// Act as if this command's key was pressed on the screen.
    Run(Action),
    /// Say something in the now line for five seconds; an error waits for a key.
    Say(News),
    /// Copy, and say so.
    Copy(String),
    /// End the wizard.
    Leave,
}

/// Whether a key meant something here.
#[derive(Debug)]
pub enum Handled {
    /// No; ask the next layer.
    No,
    /// Yes, and these follow.
    Yes(Vec<Effect>),
}

impl Handled {
    /// Taken, nothing follows.
    #[must_use]
    pub const fn done() -> Self {
        Self::Yes(Vec::new())
    }

    /// Taken, one thing follows.
    #[must_use]
    pub fn one(effect: Effect) -> Self {
        Self::Yes(vec![effect])
    }
}

/// An answer of the engine on its way back.
pub type Answered = (Purpose, Result<Reply>);

/// The two outlets of the engine, as last seen.
#[derive(Debug, Clone, Default)]
pub struct World {
    /// The fold of all events.
    pub snapshot: Arc<Snapshot>,
    /// The readings.
    pub views: Arc<Views>,
}
