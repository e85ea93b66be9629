//! Checkpoints: scan (reading only), convert (after a dialog), on to the next step. Refused files are listed worst
//! first with where, why and what to do; unknown classes can be declared and named results replaced.

mod classes;
mod figures;
mod model;
mod view;

use std::time::Duration;

use crossterm::event::KeyEvent;

use super::working::NOT_RUN;
use super::{Screen, detail, working};
use crate::engine::Capability;
use crate::engine::command::Command as Order;
use crate::engine::operation::Progress;
use crate::engine::snapshot::{Activity, Step};
use crate::engine::text::{count, plural};
use crate::engine::views::Slot;
use crate::engine::{checkpoints, error::Error};
use crate::tui::app::context::{Answered, Cx, Effect, Handled, Purpose};
use crate::tui::keymap::{Action, Command};
use crate::tui::paint::Painter;
use crate::tui::widgets::frame::{News, Title};
use crate::tui::widgets::list::List;
use crate::tui::widgets::progress::Pace;
use classes::Classes;

const STEP: Capability = Capability::Checkpoints;
const APPLY: &str = "apply";

/// The screen.
#[derive(Debug, Default)]
pub struct Checkpoints {
    pace: Pace,
    list: List,
    /// The row of the pane where the list begins, as of the last drawing.
    first_row: Option<u16>,
    /// Whether the file under the cursor fills the pane.
    open: bool,
    /// The classes, while they are shown.
    classes: Option<Classes>,
    /// Since when a plan for the dialog is being made.
    asked: Option<Duration>,
}

/// The scan as it stands.
enum Scan<'a> {
    /// Not made in this session.
    None,
    /// Under way.
    Going(Option<&'a Progress>),
    /// Made.
    Made(&'a checkpoints::View),
    /// Could not be made.
    Failed(&'a Error),
}

fn scan<'a>(cx: &Cx<'a>) -> Scan<'a> {
    match &cx.views.checkpoints {
        Slot::Empty => Scan::None,
        Slot::Loading(_) => Scan::Going(cx.views.reading.get(&STEP)),
        Slot::Ready(_, view) => Scan::Made(view),
        Slot::Failed(_, error) => Scan::Failed(error),
    }
}

fn activity(cx: &Cx<'_>) -> Activity {
    cx.snapshot.activity(STEP)
}

fn step<'a>(cx: &Cx<'a>) -> Option<&'a Step> {
    cx.step(STEP)
}

/// The folder of legacy checkpoints as the settings write it.
fn folder(cx: &Cx<'_>) -> String {
    cx.views
        .settings
        .value()
        .and_then(|(_, settings)| settings.checkpoints.as_ref())
        .map_or_else(|| "the source folder".to_owned(), |named| named.written.clone())
}

impl Checkpoints {
    fn ask_to_convert(&mut self, cx: &Cx<'_>) -> Handled {
        self.asked = Some(cx.now.mono);
        // What follows, the run and its proof, is on the list, not on one file.
        self.open = false;
        working::confirm(STEP, APPLY)
    }

    fn next(&mut self, cx: &Cx<'_>) -> Handled {
        let activity = activity(cx);
        if let Some(goes) = working::next(cx, STEP) {
            return goes;
        }
        match scan(cx) {
            Scan::Made(..) => self.ask_to_convert(cx),
            // What was stopped goes on without another look at the list; the plan reads every file anyway.
            _ if activity != Activity::Idle => self.ask_to_convert(cx),
            _ => Handled::one(Effect::Send(Order::Read(STEP))),
        }
    }

    fn next_command(&self, cx: &Cx<'_>) -> Command {
        let activity = activity(cx);
        if let Some(next) = working::next_command(cx, STEP, "The proof is not finished.") {
            return next;
        }
        let planning = self
            .asked
            .map(|_| "The plan is being made: every file is read again.".to_owned());
        match scan(cx) {
            Scan::Going(_) => {
                Command::new(Action::Next, "convert").off(Some("It is being scanned.".to_owned()))
            }
            Scan::Made(view) => {
                let label = match (activity, view.convertible()) {
                    (Activity::Idle, 0) => "go on".to_owned(),
                    (Activity::Idle, n) => format!("convert {}", plural(n, "file", "files")),
                    _ => "go on".to_owned(),
                };
                Command::new(Action::Next, label)
                    .about("show the plan and ask before anything is written")
                    .off(working::off(cx, STEP).or(planning))
            }
            Scan::None | Scan::Failed(_) if activity != Activity::Idle => Command::new(Action::Next, "go on")
                .about("show the plan and ask before anything is written")
                .off(working::off(cx, STEP).or(planning)),
            Scan::None | Scan::Failed(_) => Command::new(Action::Next, "scan")
                .about("read every file and judge it; nothing is run, nothing is written")
                .off(off_scan(cx)),
        }
    }

    fn toggle_replace(&self, cx: &Cx<'_>) -> Handled {
        let entries = model::entries(cx);
        let Some(entry) = entries.get(self.list.cursor).filter(|entry| entry.replaceable()) else {
            return Handled::done();
        };
        let subject = format!("{}{}", model::REPLACE, entry.file());
        let named = step(cx).is_some_and(|step| step.decisions.contains_key(&subject));
        let choice = if named {
            serde_json::Value::Null
        } else {
            serde_json::Value::Bool(true)
        };
        Handled::one(Effect::Send(Order::Decide {
            capability: STEP,
            subject,
            choice,
        }))
    }
}

fn off_scan(cx: &Cx<'_>) -> Option<String> {
    let reading = matches!(cx.views.checkpoints, Slot::Loading(_)).then_some("It is being scanned.");
    working::off_reading(cx, STEP, reading, "Files are being converted.")
}

impl Screen for Checkpoints {
    fn entered(&mut self, _cx: &Cx<'_>) -> Vec<Effect> {
        self.asked = None;
        Vec::new()
    }

    fn title(&self, cx: &Cx<'_>) -> Title {
        let activity = activity(cx);
        let verdicts = |view: &checkpoints::View| {
            format!(
                "{}: {} convertible · {} refused",
                plural(view.totals.total, "file", "files"),
                count(view.convertible()),
                count(view.totals.total - view.convertible().min(view.totals.total))
            )
        };
        let scanned = cx.views.checkpoints.value();
        let facts = match activity {
            Activity::Idle if working::locked(cx, STEP).is_some() => "locked".to_owned(),
            Activity::Done | Activity::DoneWithQuarantine => {
                working::accounted(step(cx)).map_or_else(String::new, |sum| format!("proved: {sum}"))
            }
            _ => match (scan(cx), scanned) {
                (Scan::Going(_), _) => format!("scanning {}", folder(cx)),
                (Scan::Failed(_), _) => "could not be scanned".to_owned(),
                (_, Some((_, view))) => verdicts(view),
                _ if activity == Activity::Idle => "not scanned".to_owned(),
                _ => activity.word().to_owned(),
            },
        };
        let right = if activity.is_active() || activity.is_done() {
            working::age(cx, STEP)
        } else {
            scanned.map_or_else(String::new, |(at, _)| format!("scanned {}", cx.ago(at)))
        };
        Title::new("Checkpoints", facts, right)
    }

    fn news(&self, cx: &Cx<'_>) -> News {
        match &self.classes {
            Some(classes) => classes.news(cx),
            None => view::news(self, cx),
        }
    }

    fn commands(&self, cx: &Cx<'_>) -> Vec<Command> {
        if let Some(classes) = &self.classes {
            return classes.commands(cx);
        }
        let activity = activity(cx);
        let entries = model::entries(cx);
        let mut commands = Vec::new();
        if activity.is_active() {
            commands.extend(working::commands(cx, activity));
        }
        commands.push(self.next_command(cx));
        let none = entries.is_empty().then(|| "No file is refused.".to_owned());
        let word = if self.open { "list" } else { "detail" };
        commands.push(
            Command::new(Action::Open, word)
                .about("where, why and what to do, in full; and back")
                .off(none),
        );
        let rows = model::classes(cx);
        let no_class = rows
            .is_empty()
            .then(|| "No file names an unknown class.".to_owned());
        commands.push(
            Command::new(Action::Classes, "classes")
                .about("classes that files name and nobody has declared")
                .off(no_class),
        );
        if entries
            .get(self.list.cursor)
            .is_some_and(|entry| entry.replaceable())
        {
            commands.push(
                Command::new(Action::Mark, "replace")
                    .about("name the result that differs, so that the next run replaces it")
                    .off(cx.held()),
            );
        }
        if !activity.is_active() {
            let rescan = Command::new(Action::ReadAgain, "scan again")
                .about("read every file again")
                .off(off_scan(cx));
            // Before the first scan `n` is the key for it.
            commands.push(match scan(cx) {
                Scan::None => rescan.quiet(),
                _ => rescan,
            });
            let about = "run it again; what is in place and identical is left";
            let off = || working::off(cx, STEP);
            commands.push(working::again(cx, STEP, about, NOT_RUN, off));
        }
        commands.push(Command::new(Action::Quarantine, "quarantine").quiet());
        commands.push(Command::new(Action::Log, "log"));
        commands
    }

    fn act(&mut self, action: Action, cx: &Cx<'_>) -> Handled {
        if let Some(classes) = &mut self.classes {
            let (handled, stays) = classes.act(action, cx);
            if !stays {
                self.classes = None;
            }
            return handled;
        }
        let entries = model::entries(cx).len();
        match action {
            Action::Next => self.next(cx),
            Action::TryAgain => self.ask_to_convert(cx),
            Action::Pause | Action::Stop => working::act(action, cx, STEP),
            Action::ReadAgain => Handled::one(Effect::Send(Order::Read(STEP))),
            Action::Open => {
                self.open = !self.open && entries > 0;
                Handled::done()
            }
            Action::Close | Action::Leave | Action::Interrupt if self.open => {
                self.open = false;
                Handled::done()
            }
            Action::Classes => {
                self.classes = Some(Classes::default());
                Handled::done()
            }
            Action::Mark => self.toggle_replace(cx),
            action if self.list.act(action, entries) => Handled::done(),
            _ => Handled::No,
        }
    }

    fn editing(&self) -> bool {
        self.classes.as_ref().is_some_and(Classes::editing)
    }

    fn typed(&mut self, key: &KeyEvent, _cx: &Cx<'_>) -> Handled {
        self.classes
            .as_mut()
            .map_or(Handled::No, |classes| classes.typed(key))
    }

    fn click(&mut self, _x: u16, y: u16, cx: &Cx<'_>) -> Handled {
        view::click(self, y, cx)
    }

    fn answered(&mut self, answer: &Answered, _cx: &Cx<'_>) -> Handled {
        match answer {
            (Purpose::Confirm(STEP), _) => {
                self.asked = None;
                Handled::No
            }
            (Purpose::Field(STEP), result) => {
                if let Some(classes) = &mut self.classes {
                    classes.answered(result.as_ref().err());
                }
                Handled::done()
            }
            _ => Handled::No,
        }
    }

    fn remarks(&self, cx: &Cx<'_>) -> (Option<String>, Vec<String>) {
        let time = Some("can be paused and stopped after any file".to_owned());
        (time, detail::quarantine_remark(cx).into_iter().collect())
    }

    fn render(&mut self, painter: &mut Painter<'_>, cx: &Cx<'_>) {
        match &mut self.classes {
            Some(classes) => classes.render(painter, cx),
            None => view::render(self, painter, cx),
        }
    }

    fn script(&self, _cx: &Cx<'_>) -> Option<String> {
        Some("maos-migrate checkpoints apply --from DIR --to DIR --yes".to_owned())
    }
}
