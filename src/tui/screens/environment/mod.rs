//! Environment: the place where MAOS runs, line by line as check, effect, proof; below the lines what this MAOS can do and the
//! settings file that would be written.

mod view;

use super::working::UNFINISHED;
use super::{Screen, detail, working};
use crate::engine::Capability;
use crate::engine::command::Command as Order;
use crate::engine::environment::{APPLY, Key, View};
use crate::engine::item::{Item, ItemState};
use crate::engine::snapshot::{Activity, Step};
use crate::engine::views::Slot;
use crate::tui::app::context::{Answered, Cx, Effect, Handled, Purpose};
use crate::tui::keymap::{Action, Command};
use crate::tui::paint::Painter;
use crate::tui::widgets::frame::{News, Title};
use crate::tui::widgets::list::List;

const STEP: Capability = Capability::Environment;

/// The screen.
#[derive(Debug, Default)]
pub struct Environment {
    list: List,
    /// Whether the line under the cursor takes the place of the boxes.
    open: bool,
    /// Since when a plan for the dialog is being made.
    asked: Option<std::time::Duration>,
}

fn activity(cx: &Cx<'_>) -> Activity {
    cx.snapshot.activity(STEP)
}

fn step<'a>(cx: &Cx<'a>) -> Option<&'a Step> {
    cx.step(STEP)
}

/// The last look at the world.
fn looked<'a>(cx: &Cx<'a>) -> Option<&'a View> {
    cx.views.environment.value().map(|(_, view)| &**view)
}

/// The line of the run that is under way or was the last, where it tells more than a look.
fn item<'a>(cx: &Cx<'a>, key: Key) -> Option<&'a Item> {
    let step = step(cx)?;
    let fresh = step.activity.is_active() || matches!(step.activity, Activity::Failed | Activity::Stopped);
    let item = step.items.get(APPLY)?.get(key.name())?;
    (fresh || looked(cx).is_none()).then(|| &**item)
}

/// How many lines are proved, and how many have an effect ahead.
fn proved(cx: &Cx<'_>) -> usize {
    match (looked(cx), step(cx).and_then(|step| step.items.get(APPLY))) {
        (_, Some(items)) if activity(cx) != Activity::Idle => items.count(ItemState::Done),
        (Some(view), _) => view.in_place(),
        _ => 0,
    }
}

/// Why nothing can be applied, beyond what holds for every step.
fn off(cx: &Cx<'_>) -> Option<String> {
    working::off(cx, STEP).or_else(|| match &cx.views.environment {
        Slot::Loading(None) => Some("The environment is being read.".to_owned()),
        Slot::Failed(_, error) => Some(format!("{}.", crate::tui::text::sentence(&error.message))),
        _ => looked(cx)
            .and_then(View::refused)
            .map(|(line, error)| format!("{}: {}.", line.key.title(), error.message)),
    })
}

impl Environment {
    fn read(cx: &Cx<'_>) -> Vec<Effect> {
        let may = working::reads(cx) && working::locked(cx, STEP).is_none() && !activity(cx).is_active();
        if may {
            vec![Effect::Send(Order::Read(STEP))]
        } else {
            Vec::new()
        }
    }

    fn confirm(&mut self, cx: &Cx<'_>) -> Handled {
        self.asked = Some(cx.now.mono);
        self.open = false;
        working::confirm(STEP, APPLY)
    }

    fn next_command(&self, cx: &Cx<'_>) -> Command {
        let activity = activity(cx);
        if let Some(next) = working::next_command(cx, STEP, "The proof is not finished.") {
            return next;
        }
        let planning = self.asked.map(|_| "The plan is being made.".to_owned());
        let label = match (activity, looked(cx)) {
            (Activity::Idle, Some(view)) if view.needed() > 0 => format!("apply {}", view.effects_words()),
            (Activity::Idle, Some(_)) => "prove".to_owned(),
            (Activity::Idle, None) => "apply".to_owned(),
            _ => "go on".to_owned(),
        };
        Command::new(Action::Next, label)
            .about("show the plan and ask before anything is changed")
            .off(off(cx).or(planning))
    }
}

impl Screen for Environment {
    fn entered(&mut self, cx: &Cx<'_>) -> Vec<Effect> {
        Self::read(cx)
    }

    fn title(&self, cx: &Cx<'_>) -> Title {
        let facts = if working::locked(cx, STEP).is_some() && activity(cx) == Activity::Idle {
            "locked".to_owned()
        } else if looked(cx).is_none() && step(cx).is_none() {
            match &cx.views.environment {
                Slot::Loading(_) => "reading what is there".to_owned(),
                Slot::Failed(..) => "cannot be read".to_owned(),
                _ => "not read".to_owned(),
            }
        } else {
            format!("{} of {} proved", proved(cx), Key::ALL.len())
        };
        let age = if activity(cx).is_active() {
            working::fresh(cx)
        } else {
            cx.views
                .environment
                .value()
                .map_or_else(String::new, |(at, _)| format!("checked {}", cx.ago(at)))
        };
        Title::new("Environment", facts, age)
    }

    fn news(&self, cx: &Cx<'_>) -> News {
        view::news(self, cx)
    }

    fn commands(&self, cx: &Cx<'_>) -> Vec<Command> {
        let mut commands = working::first_commands(cx, STEP, self.next_command(cx));
        let open = if self.open { "back" } else { "detail" };
        commands.push(Command::new(Action::Open, open).about("the whole text of the line"));
        if !activity(cx).is_active() {
            let may = (!working::reads(cx)).then(|| "Only the operator reads the world.".to_owned());
            commands.push(
                Command::new(Action::ReadAgain, "check again")
                    .about("check every line again; nothing is changed")
                    .off(may.or_else(|| working::locked(cx, STEP).map(|locked| locked.sentence))),
            );
            let about = "plan again; what is in place is left as it is";
            commands.push(working::again(cx, STEP, about, UNFINISHED, || off(cx)).quiet());
        }
        commands.push(Command::new(Action::Log, "log"));
        commands
    }

    fn act(&mut self, action: Action, cx: &Cx<'_>) -> Handled {
        match action {
            Action::Next => working::next(cx, STEP).unwrap_or_else(|| self.confirm(cx)),
            Action::TryAgain => self.confirm(cx),
            Action::ReadAgain => Handled::Yes(Self::read(cx)),
            Action::Pause | Action::Stop => working::act(action, cx, STEP),
            Action::Open => {
                self.open = !self.open;
                Handled::done()
            }
            Action::Close | Action::Leave | Action::Interrupt if self.open => {
                self.open = false;
                Handled::done()
            }
            action if self.list.act(action, Key::ALL.len()) => Handled::done(),
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
        let time = Some("one effect at a time; a failed one stops the rest".to_owned());
        let mut remarks: Vec<String> = looked(cx).map(|view| view.warnings.clone()).unwrap_or_default();
        remarks.extend(detail::quarantine_remark(cx));
        (time, remarks)
    }

    fn render(&mut self, painter: &mut Painter<'_>, cx: &Cx<'_>) {
        view::render(self, painter, cx);
    }

    fn script(&self, _cx: &Cx<'_>) -> Option<String> {
        Some("maos-migrate environment apply --yes".to_owned())
    }
}
