//! The rail as a region of its own: Tab goes from the screen to the steps beside it, where arrows choose one and Enter goes there.
//! Whatever else is pressed is meant for the screen, and the focus goes back to it.

use ratatui::layout::Position;

use super::App;
use super::context::Cx;
use super::frame_info;
use crate::engine::Capability;
use crate::tui::clock::Now;
use crate::tui::keymap::{Action, Command};
use crate::tui::layout;
use crate::tui::text;
use crate::tui::widgets::frame::News;

impl App {
    fn rail_steps(&self, now: &Now) -> Vec<Capability> {
        let cx = Self::cx(&self.world, &self.keys, now, self.look, self.size);
        frame_info::numbered(&cx)
    }

    /// Whether there is a rail that Tab can go to.
    pub(super) fn has_rail(&self) -> bool {
        !layout::areas(self.size).rail.is_empty() && self.world.snapshot.migration.is_some()
    }

    /// Gives the steps the focus, on the step of the screen or on the one that Start goes on with.
    pub(super) fn focus_rail(&mut self, now: &Now) {
        if !self.has_rail() {
            return;
        }
        let cx = Self::cx(&self.world, &self.keys, now, self.look, self.size);
        let info = frame_info::frame_info(&cx, self.current, self.from, 0);
        let at = info.current.unwrap_or(info.goes_on);
        self.rail = Some(at);
        self.dirty = true;
    }

    /// A key while the steps have the focus; returns whether it was meant for them.
    pub(super) fn act_on_rail(&mut self, action: Action, now: &Now) -> bool {
        let Some(at) = self.rail else {
            return false;
        };
        self.dirty = true;
        let steps = self.rail_steps(now);
        let last = steps.len().saturating_sub(1);
        match action {
            Action::Up => self.rail = Some(at.saturating_sub(1)),
            Action::Down => self.rail = Some((at + 1).min(last)),
            Action::First | Action::PageUp => self.rail = Some(0),
            Action::Last | Action::PageDown => self.rail = Some(last),
            Action::Open => match steps.get(at) {
                Some(step) => self.go(*step, now),
                None => self.rail = None,
            },
            Action::NextRegion
            | Action::PreviousRegion
            | Action::Close
            | Action::Leave
            | Action::Interrupt => self.rail = None,
            // Help is about what is on the screen and leaves the focus where it is.
            Action::Help => return false,
            _ => {
                self.rail = None;
                return false;
            }
        }
        true
    }

    /// A click on the steps: the first one points at a step, a second one goes there.
    pub(super) fn click_rail(&mut self, at: Position, now: &Now) -> bool {
        let rail = layout::areas(self.size).rail;
        let row = usize::from(at.y.saturating_sub(rail.y));
        if !self.has_rail() || !rail.contains(at) || row >= self.rail_steps(now).len() {
            return false;
        }
        if self.rail == Some(row) {
            self.act_on_rail(Action::Open, now);
        } else {
            self.rail = Some(row);
            self.dirty = true;
        }
        true
    }
}

/// What is offered while the steps have the focus: theirs first, then the screen's.
pub(super) fn offer(commands: &mut Vec<Command>) {
    commands.retain(|command| !command.is(Action::Open) && !command.is(Action::Close));
    let own = [
        Command::new(Action::Open, "go there").about("go to the step that is pointed at"),
        Command::new(Action::Close, "back").about("back to the screen"),
    ];
    commands.splice(0..0, own);
}

/// How the step that is pointed at stands.
pub(super) fn news(cx: &Cx<'_>, at: usize) -> Option<News> {
    let capability = *frame_info::numbered(cx).get(at)?;
    let step = frame_info::step(cx, capability);
    let word = if step.word.is_empty() {
        step.mark.word().to_owned()
    } else {
        step.word
    };
    let stands = frame_info::reason(cx, capability).unwrap_or(word);
    let end = if stands.ends_with(['.', '!', '?']) {
        ""
    } else {
        "."
    };
    let said = format!("{}: {}{end}", step.title, text::sentence(&stands));
    Some(News::new(said, "Enter goes there"))
}
