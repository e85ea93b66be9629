//! Validate: the guide's 19 tests as a tree, each with its time and what it saw; the rate over executed tests with the coverage
//! beside it.

mod tree;
mod view;

use super::{Screen, detail, working};
use crate::engine::Capability;
use crate::engine::snapshot::Activity;
use crate::engine::text::plural;
use crate::engine::validate::judge::Counts;
use crate::engine::validate::{Assessment, Catalogue, RUN, only};
use crate::tui::app::context::{Answered, Cx, Effect, Handled, Purpose};
use crate::tui::keymap::{Action, Command};
use crate::tui::paint::Painter;
use crate::tui::widgets::frame::{News, Title};
use crate::tui::widgets::list::List;
use tree::{Line, Tree};

const STEP: Capability = Capability::Validate;

/// The screen.
#[derive(Debug, Default)]
pub struct Validate {
    list: List,
    tree: Tree,
    /// Whether the test under the cursor fills the pane.
    open: bool,
    /// Since when a plan for the dialog is being made.
    asked: Option<std::time::Duration>,
}

fn activity(cx: &Cx<'_>) -> Activity {
    cx.snapshot.activity(STEP)
}

impl Validate {
    fn counts(&self) -> Counts {
        self.tree.counts(None)
    }

    fn confirm(&mut self, cx: &Cx<'_>, verb: &str) -> Handled {
        self.asked = Some(cx.now.mono);
        self.open = false;
        working::confirm(STEP, verb)
    }

    /// Whether the tests say that the migration should be taken back.
    fn rolls_back(&self, cx: &Cx<'_>) -> bool {
        activity(cx).is_done() && self.counts().assessment() == Some(Assessment::Failed)
    }

    fn next_command(&self, cx: &Cx<'_>) -> Command {
        let activity = activity(cx);
        if self.rolls_back(cx) {
            return Command::new(Action::Next, "rollback")
                .about("open the rollback; opening it changes nothing");
        }
        if activity.is_done() && self.tree.next_failure(self.list.cursor).is_some() {
            return Command::new(Action::Next, "next failure").about("go to the next test that failed");
        }
        if let Some(next) = working::next_command(cx, STEP, "The tests are not finished.") {
            return next;
        }
        let label = match activity {
            Activity::Idle => format!("run {} tests", self.tree.catalogue.tests.len()),
            _ => "go on".to_owned(),
        };
        let planning = self.asked.map(|_| "The plan is being made.".to_owned());
        Command::new(Action::Next, label)
            .about("show the plan and ask before anything is sent")
            .off(working::off(cx, STEP).or(planning))
    }

    /// The tests that `t` runs again: the one under the cursor, or those of its category.
    fn again(&self) -> Option<String> {
        match self.tree.lines.get(self.list.cursor)? {
            Line::Test(index) => Some(only([self.tree.catalogue.tests[*index].name.as_str()])),
            Line::Category(category, _) => Some(only(
                self.tree
                    .catalogue
                    .of_category(*category)
                    .map(|test| test.name.as_str()),
            )),
        }
    }
}

impl Screen for Validate {
    fn refresh(&mut self, cx: &Cx<'_>) {
        self.tree.refresh(cx);
    }

    fn title(&self, cx: &Cx<'_>) -> Title {
        let counts = self.counts();
        let facts = if activity(cx) == Activity::Idle && working::locked(cx, STEP).is_some() {
            "locked".to_owned()
        } else if counts.executed() + counts.skipped + counts.running == 0 {
            format!("{} tests, not run", counts.total)
        } else {
            // What there is none of needs no room.
            let failed = match counts.failed {
                0 => String::new(),
                failed => format!(" · {failed} failed"),
            };
            format!(
                "{} of {} run: {} passed{failed} · {} skipped",
                counts.executed(),
                counts.total,
                counts.passed,
                counts.skipped
            )
        };
        let facts = match self.tree.rehearsal() {
            // That durations are simulated stands at the foot: here the counts need the room.
            (_, true) => format!("REHEARSAL · {facts}"),
            _ => facts,
        };
        Title::new("Validate", facts, working::age(cx, STEP))
    }

    fn news(&self, cx: &Cx<'_>) -> News {
        view::news(self, cx)
    }

    fn commands(&self, cx: &Cx<'_>) -> Vec<Command> {
        let activity = activity(cx);
        let mut commands = working::first_commands(cx, STEP, self.next_command(cx));
        let on_test = matches!(self.tree.lines.get(self.list.cursor), Some(Line::Test(_)));
        let open = if self.open { "back" } else { "evidence" };
        commands.push(
            Command::new(Action::Open, if on_test { open } else { "fold" })
                .about("what was expected, what was found, and the lines that show it"),
        );
        if !activity.is_active() {
            let label = if on_test { "again" } else { "category again" };
            commands.push(
                Command::new(Action::TryAgain, label)
                    .about("run the test under the cursor again, or those of its category; the others keep their results")
                    .off(working::off(cx, STEP)),
            );
            if activity.is_done() {
                commands.push(
                    Command::new(Action::ReadAgain, "all again")
                        .about("run all tests anew")
                        .off(working::off(cx, STEP))
                        .quiet(),
                );
            }
        }
        commands.push(
            Command::new(Action::Mark, "fold")
                .about("fold or open the category")
                .quiet(),
        );
        commands.push(Command::new(Action::Log, "log"));
        commands
    }

    fn act(&mut self, action: Action, cx: &Cx<'_>) -> Handled {
        let activity = activity(cx);
        let lines = self.tree.lines.len();
        match action {
            Action::Next if self.rolls_back(cx) => Handled::one(Effect::Go(Capability::Rollback)),
            Action::Next if activity.is_done() => match self.tree.next_failure(self.list.cursor) {
                Some((category, index)) => {
                    self.tree.unfold(category);
                    if let Some(at) = self.tree.at(index) {
                        self.list.cursor = at;
                    }
                    Handled::done()
                }
                None => working::next(cx, STEP).unwrap_or_else(Handled::done),
            },
            Action::Next => working::next(cx, STEP).unwrap_or_else(|| self.confirm(cx, RUN)),
            Action::ReadAgain => self.confirm(cx, RUN),
            Action::TryAgain => match self.again() {
                Some(verb) => self.confirm(cx, &verb),
                None => Handled::done(),
            },
            Action::Pause | Action::Stop => working::act(action, cx, STEP),
            Action::Open | Action::Close | Action::Leave | Action::Interrupt if self.open => {
                self.open = false;
                Handled::done()
            }
            Action::Open | Action::Mark => {
                match self.tree.lines.get(self.list.cursor).copied() {
                    Some(Line::Category(category, _)) => self.tree.toggle(category),
                    Some(Line::Test(_)) if action == Action::Open => self.open = true,
                    Some(Line::Test(index)) => {
                        let category = self.tree.catalogue.tests[index].category;
                        self.tree.toggle(category);
                        if let Some(at) = self.tree.at_category(category) {
                            self.list.cursor = at;
                        }
                    }
                    None => {}
                }
                Handled::done()
            }
            Action::Left | Action::Right => {
                if let Some(Line::Category(category, open)) = self.tree.lines.get(self.list.cursor).copied() {
                    if open == (action == Action::Left) {
                        self.tree.toggle(category);
                    }
                } else if let (Action::Left, Some(Line::Test(index))) =
                    (action, self.tree.lines.get(self.list.cursor).copied())
                {
                    let category = self.tree.catalogue.tests[index].category;
                    if let Some(at) = self.tree.at_category(category) {
                        self.list.cursor = at;
                    }
                }
                Handled::done()
            }
            action if self.list.act(action, lines) => Handled::done(),
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
        let time = "each test has a deadline of its own; can be stopped after any of them".to_owned();
        let tasks = format!(
            "All tests together send up to {} to MAOS.",
            plural(Catalogue::tasks(&self.tree.catalogue.tests), "task", "tasks")
        );
        let mut remarks = vec![tasks];
        remarks.extend(detail::quarantine_remark(cx));
        (Some(time), remarks)
    }

    fn render(&mut self, painter: &mut Painter<'_>, cx: &Cx<'_>) {
        view::render(self, painter, cx);
    }

    fn script(&self, _cx: &Cx<'_>) -> Option<String> {
        Some("maos-migrate validate --json --yes".to_owned())
    }
}
