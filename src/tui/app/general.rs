//! The commands that mean the same everywhere: help, lists, steps, leaving, the terminal's own matters.

use super::{App, Out, is_aside};
use crate::engine::Capability;
use crate::engine::command::Command as Order;
use crate::engine::runner::trouble;
use crate::engine::views::Mode;
use crate::tui::clock::Now;
use crate::tui::keymap::{Action, Command};
use crate::tui::layout::Density;
use crate::tui::overlays::choice::{Choice, Consequence};
use crate::tui::overlays::help::Help;
use crate::tui::overlays::log::Log;
use crate::tui::overlays::messages::Messages;
use crate::tui::overlays::quarantine::Quarantine;
use crate::tui::overlays::steps::Steps;
use crate::tui::style::Role;
use crate::tui::widgets::frame::News;

impl App {
    /// Why there is no step further on; `which` is `first` or `last`.
    fn at_the_end(&self, which: &str) -> String {
        let title = self.current.title();
        if is_aside(self.current) {
            format!("{title} is not one of the steps; q goes back to them.")
        } else if which == "last" && self.world.snapshot.migration.is_none() {
            "The type of this migration is not chosen. It says which steps there are.".to_owned()
        } else {
            format!("{title} is the {which} step.")
        }
    }

    /// The wizard's own commands for `?`, after those of the screen.
    fn own_commands(&self) -> Vec<Command> {
        let before = if self.preceding().is_none() {
            Some(self.at_the_end("first"))
        } else {
            None
        };
        let after = if self.following().is_none() {
            Some(self.at_the_end("last"))
        } else {
            None
        };
        let quarantined = self.world.snapshot.quarantined();
        let no_items = (quarantined == 0).then(|| "Nothing is in quarantine.".to_owned());
        let words = |action| Command::new(action, "").quiet();
        vec![
            words(Action::Rollback),
            words(Action::StepBack).off(before),
            words(Action::StepForward).off(after),
            words(Action::AllSteps),
            words(Action::Log),
            words(Action::Messages),
            words(Action::Quarantine).off(no_items),
            words(Action::Mouse).about(if self.mouse { "mouse off" } else { "mouse on" }),
            words(Action::Repaint),
            words(Action::Suspend),
            words(Action::Leave),
        ]
        .into_iter()
        .chain(self.has_rail().then(|| {
            Command::new(Action::NextRegion, "")
                .about("the steps at the left; Enter goes to one")
                .quiet()
        }))
        .chain(self.trouble())
        .collect()
    }

    /// Trouble on request, where MAOS is a rehearsal.
    fn trouble(&self) -> Option<Command> {
        if matches!(self.world.views.mode, Mode::Watching(_) | Mode::Failed(_)) {
            return None;
        }
        let (_, settings) = self.world.views.settings.value()?;
        if settings.maos.as_deref() != Some(trouble::REHEARSAL) {
            return None;
        }
        let about = if trouble::is_on(&self.world.snapshot) {
            "trouble: the failures of the rehearsal MAOS end"
        } else {
            "trouble: failures begin on the rehearsal MAOS"
        };
        let held = self.world.views.locked_by.clone();
        Some(
            Command::new(Action::Trouble, "trouble")
                .about(about)
                .off(held)
                .quiet(),
        )
    }

    pub(super) fn general(&mut self, action: Action, now: &Now) {
        self.dirty = true;
        match action {
            Action::Help => self.open_help(now),
            Action::Log => self.overlays.push(Box::<Log>::default()),
            Action::Messages => {
                self.toast = None;
                self.overlays.push(Box::new(Messages::new(self.read)));
            }
            Action::Quarantine => self.overlays.push(Box::<Quarantine>::default()),
            Action::AllSteps => {
                let cx = Self::cx(&self.world, &self.keys, now, self.look, self.size);
                let steps = Steps::new(&cx, self.current);
                self.overlays.push(Box::new(steps));
            }
            Action::Rollback if self.current == Capability::Rollback => {}
            Action::Rollback if Density::of(self.size) == Density::TooSmall => {
                self.say(
                    News::new("The plan of the rollback needs 40x10. Enlarge the terminal.", ""),
                    now,
                );
            }
            Action::Rollback => self.go(Capability::Rollback, now),
            Action::StepBack => match self.preceding() {
                Some(step) => self.go(step, now),
                None => self.say(News::new(self.at_the_end("first"), ""), now),
            },
            Action::StepForward => match self.following() {
                Some(step) => self.go(step, now),
                None => self.say(News::new(self.at_the_end("last"), ""), now),
            },
            Action::Mouse => {
                self.mouse = !self.mouse;
                self.outbox.push(Out::Mouse(self.mouse));
                let word = if self.mouse {
                    "on: the wheel moves, a click selects"
                } else {
                    "off"
                };
                self.say(News::new(format!("Mouse {word}."), ""), now);
            }
            Action::NextRegion | Action::PreviousRegion => self.focus_rail(now),
            Action::Trouble => self.outbox.push(Out::Send(Order::Trouble)),
            Action::Stop if self.counts_down() => {
                self.outbox.push(Out::Send(Order::Decide {
                    capability: Capability::Monitor,
                    subject: "countdown".to_owned(),
                    choice: serde_json::Value::Null,
                }));
                let said = "Stopping the automatic rollback; the verdict stays.";
                self.say(News::new(said, ""), now);
            }
            Action::Repaint => self.outbox.push(Out::Repaint),
            Action::Suspend => self.outbox.push(Out::Suspend),
            Action::Leave | Action::Interrupt => self.ask_to_leave(now),
            _ => {}
        }
    }

    fn open_help(&mut self, now: &Now) {
        let mut commands = self.screen_commands(now);
        let script = self.with_screen(now, |screen, cx| screen.script(cx));
        commands.extend(self.own_commands());
        // A screen that offers one of the wizard's own commands says more about it.
        let mut seen = Vec::new();
        commands.retain(|command| {
            let new = !seen.contains(&command.action);
            seen.push(command.action);
            new
        });
        self.overlays
            .push(Box::new(Help::new(self.current.title(), script, commands)));
    }

    /// Leaves at once when nothing runs; asks when something does.
    fn ask_to_leave(&mut self, now: &Now) {
        if is_aside(self.current) {
            let back = self.from.take().unwrap_or(Capability::Start);
            self.go(back, now);
            return;
        }
        let watching = !matches!(self.world.views.mode, crate::engine::views::Mode::Operating);
        let watched = self.world.snapshot.monitor.as_ref().is_some_and(|watch| watch.on);
        let running = match self.busy() {
            _ if watching => None,
            None if watched => Some(Capability::Monitor),
            busy => busy,
        };
        let Some(running) = running else {
            self.outbox.push(Out::Leave);
            return;
        };
        let title = running.title();
        if Density::of(self.size) == Density::TooSmall {
            let said = format!("{title} is running. Enlarge the terminal to leave.");
            self.say(News::new(said, ""), now);
            return;
        }
        let mut lines = Vec::new();
        let leave = if running == Capability::Monitor {
            format!("End {title} and leave")
        } else {
            let ends = "Leaving ends it at its next safe point; what is finished stays.";
            lines.push((ends.to_owned(), Role::Text));
            lines.push(("The next start goes on from there.".to_owned(), Role::Muted));
            format!("Stop {title} at its next safe point and leave")
        };
        if watched {
            let ends = "Nobody looks at MAOS once this is left.";
            lines.push((ends.to_owned(), Role::Text));
        }
        if self.counts_down() {
            let ends = "The automatic rollback that counts down does not come then.";
            lines.push((ends.to_owned(), Role::Bad));
        }
        let answers = vec![
            ("Stay".to_owned(), Consequence::Nothing),
            (leave, Consequence::Leave),
        ];
        let dialog = Choice::new(format!("{title} is running"), lines, answers, now.mono);
        self.overlays.push(Box::new(dialog));
    }
}
