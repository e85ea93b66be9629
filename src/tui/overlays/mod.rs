//! What lies over a screen: dialogs, help, lists. They form a stack; the top one takes all keys.
//!
//! To add one: a file with a struct that implements [`Overlay`], and an [`Effect::Open`](crate::tui::app::context::Effect::Open) where it opens. Its hint bar
//! and its lines in `?` come from its `commands()`.

pub mod backups;
pub mod by_row;
pub mod choice;
pub mod confirm;
pub mod decision;
pub mod help;
pub mod log;
pub mod messages;
pub mod quarantine;
pub mod steps;
pub mod verdict;

use crossterm::event::KeyEvent;
use ratatui::layout::Size;

use super::app::context::{Answered, Cx, Handled};
use super::keymap::{Action, Command};
use super::paint::Painter;
use super::style::Role;

/// A layer over the screen.
pub trait Overlay: std::fmt::Debug {
    /// Pieces of the title in the upper border.
    fn title(&self, cx: &Cx<'_>) -> Vec<(String, Role)>;
    /// What can be done here, in the order of the lower border.
    fn commands(&self, cx: &Cx<'_>) -> Vec<Command>;
    /// The size wanted, border included; it is cut to the screen.
    fn size(&self, cx: &Cx<'_>, screen: Size) -> Size;
    /// Draws the inside.
    fn render(&mut self, painter: &mut Painter<'_>, cx: &Cx<'_>);
    /// A command. Closing is done by the stack when this says no.
    fn act(&mut self, action: Action, cx: &Cx<'_>) -> Handled;
    /// Whether letters are text here; then [`Overlay::typed`] gets them.
    fn editing(&self) -> bool {
        false
    }
    /// A key while text is edited, unless it is bound to a command that works in text too.
    fn typed(&mut self, _key: &KeyEvent, _cx: &Cx<'_>) -> Handled {
        Handled::No
    }
    /// An answer of the engine that this overlay waits for; returns whether it was for it, with what follows.
    fn answered(&mut self, _answer: &Answered, _cx: &Cx<'_>) -> Handled {
        Handled::No
    }
    /// Whether closing this means that all messages were seen.
    fn reads_messages(&self) -> bool {
        false
    }
    /// Whether keys are not heard yet, so that typing ahead cannot confirm anything.
    fn deaf(&self, _cx: &Cx<'_>) -> bool {
        false
    }
}

/// The target as the top bar has it, where `own` names the same place: one place has one name on the screen, and what is typed may be
/// a part of it.
fn known_as(own: &str, bar: &str) -> String {
    let same = !bar.is_empty() && (bar.contains(own) || own.contains(bar));
    if same { bar } else { own }.to_owned()
}

/// The usual size of an overlay: 65 x 14 as drawn, more where there is more room.
#[must_use]
pub fn usual(screen: Size) -> Size {
    Size {
        width: (screen.width.saturating_mul(4) / 5)
            .clamp(65, 110)
            .min(screen.width),
        height: (screen.height.saturating_mul(3) / 5)
            .clamp(14, 32)
            .min(screen.height),
    }
}
