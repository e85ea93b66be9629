//! The screens, one file per capability. A screen knows its cursor and its fields; everything else it reads from the
//! context, and everything it wants done it asks for.
//!
//! To add one: a file with a struct that implements [`Screen`], an arm in [`make`], snapshots in `tests/tui/`.

mod assess;
pub mod backup;
mod checkpoints;
mod compare;
mod config;
mod data_step;
mod detail;
mod environment;
mod handover;
pub(in crate::tui) mod monitor;
mod readiness;
mod report;
mod rollback;
pub mod schema;
mod start;
pub mod tasks;
mod validate;
mod working;

use crossterm::event::KeyEvent;

use super::app::context::{Answered, Cx, Effect, Handled};
use super::keymap::{Action, Command};
use super::paint::Painter;
use super::widgets::frame::{News, Title};
use crate::engine::Capability;
use crate::engine::event::Level;
use crate::engine::snapshot::Message;

/// What fills the pane.
pub trait Screen: std::fmt::Debug {
    /// Called when the wizard comes to this screen, and once when the session is open.
    fn entered(&mut self, _cx: &Cx<'_>) -> Vec<Effect> {
        Vec::new()
    }
    /// Called before a frame is drawn: takes new readings.
    fn refresh(&mut self, _cx: &Cx<'_>) {}
    /// Name, facts, age.
    fn title(&self, cx: &Cx<'_>) -> Title;
    /// What happened, what is next.
    fn news(&self, cx: &Cx<'_>) -> News;
    /// What can be done, the next thing first.
    fn commands(&self, cx: &Cx<'_>) -> Vec<Command>;
    /// A command.
    fn act(&mut self, action: Action, cx: &Cx<'_>) -> Handled;
    /// Draws the pane.
    fn render(&mut self, painter: &mut Painter<'_>, cx: &Cx<'_>);
    /// Whether letters are text at this moment.
    fn editing(&self) -> bool {
        false
    }
    /// Puts the cursor on something, by its id; another screen leads there.
    fn show(&mut self, _what: &str, _cx: &Cx<'_>) {}
    /// A key while text is edited.
    fn typed(&mut self, _key: &KeyEvent, _cx: &Cx<'_>) -> Handled {
        Handled::No
    }
    /// A digit while no text is edited, where one may start an answer; [`Handled::No`] leaves it to the key map.
    fn starts_edit(&mut self, _c: char, _cx: &Cx<'_>) -> Handled {
        Handled::No
    }
    /// A click at a cell of the pane.
    fn click(&mut self, _x: u16, _y: u16, _cx: &Cx<'_>) -> Handled {
        Handled::No
    }
    /// An answer of the engine.
    fn answered(&mut self, _answer: &Answered, _cx: &Cx<'_>) -> Handled {
        Handled::No
    }
    /// What the dialog says besides the plan: the time it takes, and sentences.
    fn remarks(&self, _cx: &Cx<'_>) -> (Option<String>, Vec<String>) {
        (None, Vec::new())
    }
    /// The shell line that does the same.
    fn script(&self, _cx: &Cx<'_>) -> Option<String> {
        None
    }
}

/// The screen of a capability.
#[must_use]
pub fn make(capability: Capability) -> Box<dyn Screen> {
    match capability {
        Capability::Start => Box::<start::Start>::default(),
        Capability::Assess => Box::<assess::Assess>::default(),
        Capability::Readiness => Box::<readiness::ReadinessScreen>::default(),
        Capability::Tasks => Box::<tasks::TasksScreen>::default(),
        Capability::Config => Box::<config::Config>::default(),
        Capability::Checkpoints => Box::<checkpoints::Checkpoints>::default(),
        Capability::Schema => Box::<schema::Schema>::default(),
        Capability::Compare => Box::<compare::Compare>::default(),
        Capability::Validate => Box::<validate::Validate>::default(),
        Capability::Report => Box::<report::Report>::default(),
        Capability::Rollback => Box::<rollback::Rollback>::default(),
        Capability::Backup => Box::<backup::Backup>::default(),
        Capability::Cutover | Capability::Upgrade => Box::new(handover::Handover::new(capability)),
        Capability::Environment => Box::<environment::Environment>::default(),
        Capability::Monitor => Box::<monitor::Monitor>::default(),
    }
}

/// Whether an unread message is counted in the top bar.
#[must_use]
pub fn is_loud(message: &Message) -> bool {
    message.level == Level::Error
}
