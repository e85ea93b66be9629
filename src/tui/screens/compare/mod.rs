//! Compare: the same tasks on both systems, paired, with spread. A row for each task, the figures over all pairs below them,
//! and what the guide recommends at these figures.

mod model;
mod view;

use super::working::UNFINISHED;
use super::{Screen, detail, working};
use crate::engine::Capability;
use crate::engine::compare::{RUN, legacy};
use crate::engine::journey::Locked;
use crate::engine::snapshot::Activity;
use crate::engine::text::plural;
use crate::tui::app::context::{Answered, Cx, Effect, Handled, Purpose};
use crate::tui::keymap::{Action, Command};
use crate::tui::paint::Painter;
use crate::tui::widgets::frame::{News, Title};
use crate::tui::widgets::list::List;
use model::{Model, Order};

const STEP: Capability = Capability::Compare;

/// The screen.
#[derive(Debug, Default)]
pub struct Compare {
    list: List,
    order: Order,
    model: Model,
    /// Whether the task under the cursor fills the pane.
    open: bool,
    /// Since when a plan for the dialog is being made.
    asked: Option<std::time::Duration>,
}

/// Why it cannot be run: the gate, or no legacy command.
fn locked(cx: &Cx<'_>) -> Option<Locked> {
    working::locked(cx, STEP)
        .or_else(|| model::settings(cx).and_then(|driving| legacy::locked(&driving.legacy)))
}

fn off(cx: &Cx<'_>) -> Option<String> {
    locked(cx)
        .map(|locked| format!("Locked: {}", locked.sentence))
        .or_else(|| working::off(cx, STEP))
}

fn activity(cx: &Cx<'_>) -> Activity {
    cx.snapshot.activity(STEP)
}

/// Tasks and repeats as the settings want them.
fn wanted(cx: &Cx<'_>) -> (usize, usize, u64) {
    let compare = model::settings(cx)
        .map(|driving| driving.compare.clone())
        .unwrap_or_default();
    (compare.tasks, compare.repeats.max(1), compare.deadline)
}

impl Compare {
    fn confirm(&mut self, cx: &Cx<'_>) -> Handled {
        self.asked = Some(cx.now.mono);
        self.open = false;
        working::confirm(STEP, RUN)
    }

    fn next_command(&self, cx: &Cx<'_>) -> Command {
        let activity = activity(cx);
        if let Some(next) = working::next_command(cx, STEP, "The comparison is not finished.") {
            return next;
        }
        let label = if activity == Activity::Idle {
            "run the pairs"
        } else {
            "go on"
        };
        let planning = self.asked.map(|_| "The plan is being made.".to_owned());
        Command::new(Action::Next, label)
            .about("show the plan and ask before any task is sent")
            .off(off(cx).or(planning))
    }
}

impl Screen for Compare {
    fn refresh(&mut self, cx: &Cx<'_>) {
        self.model.refresh(cx, self.order);
    }

    fn title(&self, cx: &Cx<'_>) -> Title {
        let facts = match (&self.model.summary, activity(cx)) {
            (_, Activity::Idle) if locked(cx).is_some() => "locked".to_owned(),
            (Some(summary), _) if summary.run > 0 || activity(cx).is_active() => format!(
                "{} of {} · {} compared",
                summary.run,
                plural(summary.planned, "pair", "pairs"),
                summary.compared
            ),
            _ => "not run".to_owned(),
        };
        let (simulated, rehearsal) = self.model.rehearsal();
        let facts = match (simulated, rehearsal) {
            (true, _) => format!("REHEARSAL, simulated · {facts}"),
            (false, true) => format!("REHEARSAL · {facts}"),
            _ => facts,
        };
        Title::new("Compare", facts, working::age(cx, STEP))
    }

    fn news(&self, cx: &Cx<'_>) -> News {
        view::news(self, cx)
    }

    fn commands(&self, cx: &Cx<'_>) -> Vec<Command> {
        let none = self
            .model
            .order
            .is_empty()
            .then(|| "No pair has ended yet.".to_owned());
        let mut commands = working::first_commands(cx, STEP, self.next_command(cx));
        let open = if self.open { "back" } else { "pair" };
        commands.push(
            Command::new(Action::Open, open)
                .about("the pairs of this task, one by one")
                .off(none.clone()),
        );
        commands.push(
            Command::new(Action::Order, "order")
                .about("order of runs, smallest speed-up first, failures first")
                .off(none),
        );
        if !activity(cx).is_active() {
            let again = working::again(cx, STEP, "run every pair anew", UNFINISHED, || off(cx));
            commands.push(again.quiet());
        }
        commands.push(Command::new(Action::Log, "log"));
        commands
    }

    fn act(&mut self, action: Action, cx: &Cx<'_>) -> Handled {
        let tasks = self.model.order.len();
        match action {
            Action::Next => working::next(cx, STEP).unwrap_or_else(|| self.confirm(cx)),
            Action::TryAgain => self.confirm(cx),
            Action::Pause | Action::Stop => working::act(action, cx, STEP),
            Action::Open => {
                self.open = !self.open && tasks > 0;
                Handled::done()
            }
            Action::Close | Action::Leave | Action::Interrupt if self.open => {
                self.open = false;
                Handled::done()
            }
            Action::Order => {
                self.order = self.order.next();
                self.list.cursor = 0;
                self.model.refresh(cx, self.order);
                Handled::one(Effect::Say(News::new(
                    format!("Tasks by {}.", self.order.word()),
                    "",
                )))
            }
            action if self.list.act(action, tasks) => Handled::done(),
            _ => Handled::No,
        }
    }

    fn answered(&mut self, answer: &Answered, _cx: &Cx<'_>) -> Handled {
        if answer.0 == Purpose::Confirm(STEP) {
            self.asked = None;
        }
        Handled::No
    }

    fn remarks(&self, cx: &Cx<'_>) -> (Option<String>, Vec<String>) {
        let (tasks, repeats, deadline) = wanted(cx);
        let time = format!("{deadline} s at most for each run; can be paused and stopped after any pair");
        let each = format!(
            "Each side really gets every task {}: up to {} each.",
            plural(repeats as u64, "time", "times"),
            plural((tasks * repeats) as u64, "task", "tasks"),
        );
        let mut remarks = vec![each];
        remarks.extend(detail::quarantine_remark(cx));
        (Some(time), remarks)
    }

    fn render(&mut self, painter: &mut Painter<'_>, cx: &Cx<'_>) {
        view::render(self, painter, cx);
    }

    fn script(&self, _cx: &Cx<'_>) -> Option<String> {
        Some("maos-migrate compare --json --yes".to_owned())
    }
}
