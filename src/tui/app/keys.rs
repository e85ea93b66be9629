//! What a key does: the top overlay first, then the screen, then the wizard's own commands.

use crossterm::event::{
    KeyCode, KeyEvent, KeyEventKind, KeyModifiers, MouseButton, MouseEvent, MouseEventKind,
};
use ratatui::layout::Position;

use super::{App, SEEN, rail};
use crate::engine::snapshot::Snapshot;
use crate::tui::app::context::Handled;
use crate::tui::clock::Now;
use crate::tui::keymap::{Action, Command, Key, STOP_COUNTDOWN, table};
use crate::tui::layout::{self, Density};
use crate::tui::style::Role;
use crate::tui::widgets::frame::News;

impl App {
    /// A key event of the terminal.
    pub fn key(&mut self, event: &KeyEvent, now: &Now) {
        if event.kind == KeyEventKind::Release {
            return;
        }
        let repeated = event.kind == KeyEventKind::Repeat;
        // An error has been seen once somebody presses a key; other news tell of what was done before it.
        if self
            .toast
            .as_ref()
            .is_some_and(|toast| toast.until.is_none() || (!repeated && now.mono >= toast.said + SEEN))
        {
            self.toast = None;
            self.dirty = true;
        }
        if self.with_overlay(now, |overlay, cx| overlay.deaf(cx)) == Some(true) {
            return;
        }
        if self.editing(now) {
            self.text_key(event, now);
            return;
        }
        let Some(key) = Key::of(event) else {
            return;
        };
        if self.typed_ahead(event, now) {
            return;
        }
        if let KeyCode::Char(c) = event.code
            && c.is_ascii_digit()
            && self.overlays.is_empty()
            && self.rail.is_none()
            && !repeated
        {
            let handled = self.with_screen(now, |screen, cx| screen.starts_edit(c, cx));
            if self.handled(handled, now) {
                return;
            }
        }
        let commands = self.offered(now);
        let Some(action) = self.keys.resolve(key, &commands) else {
            return;
        };
        if repeated && !table::binding(action).is_some_and(|binding| binding.repeats) {
            return;
        }
        self.run_offered(action, &commands, now);
    }

    /// Whether the key is meant for a dialog that is on its way: a name that is typed before it is there must not be taken for commands.
    /// The way back, stopping and whatever is no text do not wait.
    fn typed_ahead(&mut self, event: &KeyEvent, now: &Now) -> bool {
        let Some((capability, until)) = self.planning else {
            return false;
        };
        let text = match event.code {
            KeyCode::Char('R' | 'X') => false,
            KeyCode::Char(_) => !event
                .modifiers
                .intersects(KeyModifiers::CONTROL | KeyModifiers::ALT),
            // In the dialog these lead to its button; here they would lead elsewhere.
            KeyCode::Enter | KeyCode::Tab | KeyCode::BackTab => true,
            _ => false,
        };
        let waits = text && now.mono < until && self.overlays.is_empty() && capability == self.current;
        if waits {
            let said = format!("The plan of {} is being made.", capability.title());
            self.say(News::new(said, "its dialog comes next"), now);
        }
        waits
    }

    /// Text pasted into a field; elsewhere it means nothing.
    pub fn paste(&mut self, text: &str, now: &Now) {
        if self.with_overlay(now, |overlay, cx| overlay.deaf(cx)) == Some(true) || !self.editing(now) {
            return;
        }
        for c in text
            .chars()
            .filter(|c| !c.is_control() || *c == '\n')
            .take(super::super::widgets::field::LIMIT)
        {
            // A pasted line end is text where text has lines, and never an Enter.
            let c = if c == '\n' { ' ' } else { c };
            self.type_text(&KeyEvent::new(KeyCode::Char(c), KeyModifiers::NONE), now);
        }
    }

    /// A mouse event: the wheel moves three rows, a click moves the cursor. No click confirms anything.
    pub fn mouse(&mut self, event: MouseEvent, now: &Now) {
        let action = match event.kind {
            MouseEventKind::ScrollUp => Some(Action::Up),
            MouseEventKind::ScrollDown => Some(Action::Down),
            MouseEventKind::Down(MouseButton::Left) if self.overlays.is_empty() => {
                let pane = layout::areas(self.size).pane;
                let at = Position {
                    x: event.column,
                    y: event.row,
                };
                if !self.editing(now) && self.click_rail(at, now) {
                    return;
                }
                if pane.contains(at) {
                    self.rail = None;
                    let (x, y) = (at.x - pane.x, at.y - pane.y);
                    let handled = self.with_screen(now, |screen, cx| screen.click(x, y, cx));
                    self.handled(handled, now);
                }
                None
            }
            _ => None,
        };
        if let Some(action) = action
            && !self.editing(now)
        {
            let commands = self.offered(now);
            for _ in 0..3 {
                self.run_offered(action, &commands, now);
            }
        }
    }

    /// Whether letters are text at this moment.
    fn editing(&mut self, now: &Now) -> bool {
        match self.with_overlay(now, |overlay, _| overlay.editing()) {
            Some(editing) => editing,
            None => self.with_screen(now, |screen, _| screen.editing()),
        }
    }

    fn type_text(&mut self, event: &KeyEvent, now: &Now) -> bool {
        let handled = match self.with_overlay(now, |overlay, cx| overlay.typed(event, cx)) {
            Some(handled) => handled,
            None => self.with_screen(now, |screen, cx| screen.typed(event, cx)),
        };
        self.handled(handled, now)
    }

    fn text_key(&mut self, event: &KeyEvent, now: &Now) {
        // What ends or leaves an edit is a command in text too; so is everything that is no text at all.
        let ends = matches!(event.code, KeyCode::Esc | KeyCode::Tab | KeyCode::BackTab)
            || (event.code == KeyCode::Char('c') && event.modifiers == KeyModifiers::CONTROL);
        if !ends && self.type_text(event, now) {
            return;
        }
        let Some(key) = Key::of(event) else {
            return;
        };
        let is_letter =
            matches!(event.code, KeyCode::Char(_)) && !event.modifiers.contains(KeyModifiers::CONTROL);
        if is_letter {
            return;
        }
        let commands = self.offered(now);
        if let Some(action) = self.keys.resolve(key, &commands) {
            if event.kind == KeyEventKind::Repeat
                && !table::binding(action).is_some_and(|binding| binding.repeats)
            {
                return;
            }
            self.run_offered(action, &commands, now);
        }
    }

    /// What is offered where the keys go now.
    fn offered(&mut self, now: &Now) -> Vec<Command> {
        if let Some(commands) = self.with_overlay(now, |overlay, cx| overlay.commands(cx)) {
            return commands;
        }
        let mut commands = self.screen_commands(now);
        if self.rail.is_some() {
            rail::offer(&mut commands);
        }
        commands
    }

    pub(super) fn screen_commands(&mut self, now: &Now) -> Vec<Command> {
        let mut commands = self.with_screen(now, |screen, cx| screen.commands(cx));
        offer_stop(&self.world.snapshot, &mut commands);
        commands
    }

    /// Whether an automatic rollback counts down.
    pub(super) fn counts_down(&self) -> bool {
        let monitor = &self.world.snapshot.monitor;
        monitor.as_ref().is_some_and(|watch| watch.countdown.is_some())
    }

    /// Runs a command, or says why it is off.
    pub(super) fn run_offered(&mut self, action: Action, commands: &[Command], now: &Now) {
        if let Some(reason) = commands
            .iter()
            .find(|command| command.is(action))
            .and_then(|c| c.off.clone())
        {
            let what = if reason.ends_with(['.', '!', '?']) {
                reason
            } else {
                format!("{reason}.")
            };
            self.say(News::new(what, "").role(Role::Warn), now);
            return;
        }
        // A second press of the key that led to the dialog must not ask the same once more.
        if action == Action::Next
            && self.overlays.is_empty()
            && let Some(capability) = self.world.views.approving
        {
            let said = format!("{} is about to begin.", capability.title());
            self.say(News::new(said, ""), now);
            return;
        }
        // The terminal's own matters and the way back do not wait for anybody.
        if matches!(action, Action::Rollback | Action::Suspend | Action::Repaint) {
            self.general(action, now);
            return;
        }
        if Density::of(self.size) == Density::TooSmall && !matches!(action, Action::Leave | Action::Interrupt)
        {
            if action == Action::Stop && self.counts_down() {
                self.general(action, now);
            }
            return;
        }
        if let Some(handled) = self.with_overlay(now, |overlay, cx| overlay.act(action, cx)) {
            if !self.handled(handled, now)
                && matches!(action, Action::Close | Action::Leave | Action::Interrupt)
            {
                self.close_overlay();
            }
            return;
        }
        if self.act_on_rail(action, now) {
            return;
        }
        let countdown = |command: &Command| command.is(action) && command.label == STOP_COUNTDOWN;
        if action == Action::Stop && self.counts_down() && commands.iter().any(countdown) {
            self.general(action, now);
            return;
        }
        let handled = self.with_screen(now, |screen, cx| screen.act(action, cx));
        if matches!(handled, Handled::No) {
            self.general(action, now);
        } else {
            self.handled(handled, now);
        }
    }
}

/// Where nothing else is to be stopped, X is for a countdown, on every screen.
pub(super) fn offer_stop(snapshot: &Snapshot, commands: &mut Vec<Command>) {
    let counts = snapshot
        .monitor
        .as_ref()
        .is_some_and(|watch| watch.countdown.is_some());
    if counts && !commands.iter().any(|command| command.is(Action::Stop)) {
        let stop = Command::new(Action::Stop, STOP_COUNTDOWN)
            .about("stop the automatic rollback for everyone, at once");
        commands.insert(0, stop);
    }
}
