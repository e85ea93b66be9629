//! The screen that the data steps share: what would be done, how far it is, how it is proved. One layout for every
//! state, so that the eye learns it once.
//!
//! Ready shows the plan; running shows committed counts; done shows the proof as equal numbers; failed says cause,
//! what is safe, and what to do.

mod view;

use super::Screen;
use super::detail;
use crate::engine::Capability;
use crate::engine::command::Command as Order;
use crate::engine::journey;
use crate::engine::operation::Plan;
use crate::engine::runner::Reply;
use crate::engine::snapshot::{Activity, Step};
use crate::engine::text::count;
use crate::tui::app::context::{Answered, Cx, Effect, Handled, Purpose};
use crate::tui::keymap::{Action, Command};
use crate::tui::overlays::choice::{Choice, Consequence};
use crate::tui::paint::Painter;
use crate::tui::style::Role;
use crate::tui::text;
use crate::tui::widgets::frame::{News, Title};
use crate::tui::widgets::progress::Pace;

/// The verbs of the operations.
const APPLY: &str = "apply";
const UNDO: &str = "undo";

/// The screen.
#[derive(Debug)]
pub struct DataStep {
    capability: Capability,
    pace: Pace,
    plan: Preview,
    top: usize,
}

/// What is known about the plan before anything runs.
#[derive(Debug, Default)]
enum Preview {
    /// Not asked for.
    #[default]
    None,
    /// Being read since.
    Reading(std::time::Duration),
    /// Read.
    Ready(jiff::Timestamp, Box<Plan>),
    /// Could not be made.
    Failed(crate::engine::Error),
}

impl DataStep {
    /// The screen of a step.
    #[must_use]
    pub fn new(capability: Capability) -> Self {
        Self {
            capability,
            pace: Pace::default(),
            plan: Preview::None,
            top: 0,
        }
    }

    fn activity(&self, cx: &Cx<'_>) -> Activity {
        cx.snapshot.activity(self.capability)
    }

    fn step<'a>(&self, cx: &Cx<'a>) -> Option<&'a Step> {
        cx.step(self.capability)
    }

    fn locked(&self, cx: &Cx<'_>) -> Option<journey::Locked> {
        journey::gate(cx.snapshot, self.capability).err()
    }

    fn preview(&mut self, cx: &Cx<'_>) -> Effect {
        self.plan = Preview::Reading(cx.now.mono);
        let order = Order::Plan {
            capability: self.capability,
            verb: APPLY.to_owned(),
        };
        Effect::Ask(Purpose::Preview(self.capability), order)
    }

    /// Whether a plan for running it may be asked for.
    fn can_plan(&self, cx: &Cx<'_>) -> bool {
        let activity = self.activity(cx);
        self.locked(cx).is_none()
            && cx.held().is_none()
            && !activity.is_active()
            && cx.snapshot.active().is_none()
    }

    /// Why the step cannot be run now.
    fn off(&self, cx: &Cx<'_>) -> Option<String> {
        if let Some(locked) = self.locked(cx) {
            return Some(format!("Locked: {}", locked.sentence));
        }
        if let Some(held) = cx.held() {
            return Some(held);
        }
        if let Some(running) = cx.snapshot.active() {
            return Some(format!("{} is running.", running.title()));
        }
        match &self.plan {
            Preview::Failed(error) => Some(format!("{}.", text::sentence(&error.message))),
            Preview::None | Preview::Reading(_) | Preview::Ready(..) => None,
        }
    }

    /// The word of the step's own act, for the hint bar.
    fn verb(&self) -> &'static str {
        match self.capability {
            Capability::Tasks | Capability::Config | Capability::Checkpoints => "convert",
            _ => "copy",
        }
    }

    fn stop_question(&self, cx: &Cx<'_>) -> Effect {
        let title = self.capability.title();
        Effect::Open(Box::new(Choice::new(
            format!("Stop {title}?"),
            vec![
                (
                    "It ends at its next safe point. What is finished stays finished and is not done again."
                        .to_owned(),
                    Role::Text,
                ),
                (self.so_far(cx), Role::Muted),
            ],
            vec![
                ("Go on".to_owned(), Consequence::Nothing),
                (
                    format!("Stop {title} at its next safe point"),
                    Consequence::Send(Order::Stop),
                ),
            ],
            cx.now.mono,
        )))
    }

    /// `741 of 1,204 rows are finished.`
    fn so_far(&self, cx: &Cx<'_>) -> String {
        match self.step(cx).and_then(|step| step.progress.as_ref()) {
            Some(progress) => {
                let total = progress
                    .total
                    .map_or_else(String::new, |total| format!(" of {}", count(total)));
                format!("{}{total} {} are finished.", count(progress.done), progress.unit)
            }
            None => "Nothing is finished yet.".to_owned(),
        }
    }

    fn undoable(&self, cx: &Cx<'_>) -> Option<String> {
        if self.capability != Capability::Schema {
            return Some("Only rows can be removed again; files are new and may be deleted.".to_owned());
        }
        let ran = self.step(cx).is_some_and(|step| {
            step.outcome.is_some() || step.progress.as_ref().is_some_and(|progress| progress.done > 0)
        });
        if !ran {
            return Some("No rows were copied.".to_owned());
        }
        if cx.snapshot.active().is_some() {
            return Some("Finish or stop the run first.".to_owned());
        }
        cx.held()
    }

    fn confirm(&self, verb: &str) -> Handled {
        let order = Order::Plan {
            capability: self.capability,
            verb: verb.to_owned(),
        };
        Handled::one(Effect::Ask(Purpose::Confirm(self.capability), order))
    }
}

impl Screen for DataStep {
    fn entered(&mut self, cx: &Cx<'_>) -> Vec<Effect> {
        let mut effects = Vec::new();
        let wants = matches!(
            self.activity(cx),
            Activity::Idle | Activity::Stopped | Activity::Failed
        );
        if self.can_plan(cx) && wants {
            effects.push(self.preview(cx));
        }
        effects
    }

    fn title(&self, cx: &Cx<'_>) -> Title {
        let name = self.capability.title();
        let step = self.step(cx);
        let age = step
            .and_then(|step| step.ended.or(step.started))
            .map_or_else(String::new, |at| cx.ago(at));
        let facts = match self.activity(cx) {
            _ if self.locked(cx).is_some() => "locked".to_owned(),
            Activity::Idle => match &self.plan {
                Preview::Reading(_) => "reading what is there".to_owned(),
                Preview::Ready(_, plan) => plan.title.clone(),
                Preview::Failed(_) => "the plan could not be made".to_owned(),
                Preview::None => "not started".to_owned(),
            },
            Activity::Running => {
                let phase = step
                    .and_then(|step| step.progress.as_ref())
                    .map(|progress| progress.phase.clone());
                phase
                    .filter(|phase| !phase.is_empty())
                    .unwrap_or_else(|| "running".to_owned())
            }
            Activity::Done | Activity::DoneWithQuarantine => step
                .and_then(|step| step.outcome.as_ref())
                .map_or_else(String::new, |outcome| {
                    format!(
                        "proved: {} = {} + {}",
                        count(outcome.source),
                        count(outcome.converted),
                        count(outcome.quarantined)
                    )
                }),
            activity => activity.word().to_owned(),
        };
        let right = match (&self.plan, self.activity(cx)) {
            (Preview::Ready(at, _), Activity::Idle) => format!("read {}", cx.ago(*at)),
            (_, Activity::Running | Activity::Stopping | Activity::Paused) => {
                // Progress events carry no time of their own; the last event of the journal is as fresh as they are.
                cx.snapshot.at.map_or_else(String::new, |at| cx.old(at))
            }
            _ => age,
        };
        Title::new(name, facts, right)
    }

    fn news(&self, cx: &Cx<'_>) -> News {
        view::news(self, cx)
    }

    fn commands(&self, cx: &Cx<'_>) -> Vec<Command> {
        let activity = self.activity(cx);
        let mut commands = Vec::new();
        if activity.is_active() {
            let held = cx.held();
            let pause = if activity == Activity::Paused {
                "go on"
            } else {
                "pause"
            };
            let stopping = (activity == Activity::Stopping).then(|| "It is stopping already.".to_owned());
            commands.push(
                Command::new(Action::Pause, pause)
                    .about("pause at the next safe point, or go on")
                    .off(held.clone().or(stopping)),
            );
            commands.push(
                Command::new(Action::Stop, "stop")
                    .about("stop at the next safe point; asks first")
                    .off(held),
            );
            let after = detail::onward(cx, self.capability).1.label;
            commands
                .push(Command::new(Action::Next, after).off(Some("The proof is not finished.".to_owned())));
        } else if activity.is_done() {
            commands.push(detail::onward(cx, self.capability).1);
        } else if let Some(locked) = self.locked(cx) {
            let goes = locked
                .goes_to
                .map_or_else(String::new, |step| step.title().to_lowercase());
            let off = locked.goes_to.is_none().then(|| locked.sentence.clone());
            commands.push(
                Command::new(Action::Next, goes)
                    .about("go to the step that opens this one")
                    .off(off),
            );
        } else {
            let label = if activity == Activity::Idle {
                self.verb()
            } else {
                "go on"
            };
            commands.push(
                Command::new(Action::Next, label)
                    .about("show the plan and ask before anything is changed")
                    .off(self.off(cx)),
            );
        }
        let quarantined = self.step(cx).is_some_and(|step| !step.quarantine.is_empty());
        if quarantined {
            commands.push(Command::new(Action::Quarantine, "quarantine"));
        }
        if !activity.is_active() {
            commands.push(
                Command::new(Action::ReadAgain, "read again")
                    .about("make the plan again")
                    .off(self.off_read(cx)),
            );
            let again = if activity.is_done() {
                self.off(cx)
            } else {
                Some("It has not run.".to_owned())
            };
            commands.push(
                Command::new(Action::TryAgain, "run again")
                    .about("run it again; what is already in place is recognised and left")
                    .off(again)
                    .quiet(),
            );
        }
        let undo = Command::new(Action::TakeBack, "undo")
            .about("remove exactly the rows of this run")
            .off(self.undoable(cx));
        commands.push(if self.undoable(cx).is_none() && activity.is_done() {
            undo
        } else {
            undo.quiet()
        });
        commands.push(Command::new(Action::Log, "log"));
        commands
    }

    fn act(&mut self, action: Action, cx: &Cx<'_>) -> Handled {
        let activity = self.activity(cx);
        match action {
            Action::Next if activity.is_done() => match detail::onward(cx, self.capability).0 {
                Some(next) => Handled::one(Effect::Go(next)),
                None => Handled::done(),
            },
            Action::Next => match self.locked(cx) {
                Some(locked) => locked
                    .goes_to
                    .map_or_else(Handled::done, |step| Handled::one(Effect::Go(step))),
                None => self.confirm(APPLY),
            },
            Action::TryAgain => self.confirm(APPLY),
            Action::TakeBack => self.confirm(UNDO),
            Action::Pause => {
                let order = if activity == Activity::Paused {
                    Order::Resume
                } else {
                    Order::Pause
                };
                Handled::one(Effect::Send(order))
            }
            Action::Stop if activity == Activity::Stopping => {
                let what = self.step(cx).and_then(|step| step.progress.as_ref()).map_or_else(
                    || "It waits for its next safe point.".to_owned(),
                    |progress| format!("It waits for: {}.", progress.running.join(", ")),
                );
                Handled::one(Effect::Say(News::new(what, "")))
            }
            Action::Stop => Handled::one(self.stop_question(cx)),
            Action::ReadAgain => Handled::one(self.preview(cx)),
            Action::Up => {
                self.top = self.top.saturating_sub(1);
                Handled::done()
            }
            Action::Down => {
                self.top = self.top.saturating_add(1);
                Handled::done()
            }
            Action::First => {
                self.top = 0;
                Handled::done()
            }
            _ => Handled::No,
        }
    }

    fn answered(&mut self, answer: &Answered, cx: &Cx<'_>) -> Handled {
        match answer {
            (Purpose::Preview(capability), result) if *capability == self.capability => {
                self.plan = match result {
                    Ok(Reply::Plan(plan)) => Preview::Ready(cx.now.at, plan.clone()),
                    Ok(_) => Preview::None,
                    Err(error) => Preview::Failed(error.clone()),
                };
                Handled::done()
            }
            _ => Handled::No,
        }
    }

    fn remarks(&self, cx: &Cx<'_>) -> (Option<String>, Vec<String>) {
        let time = Some("can be paused and stopped at any safe point".to_owned());
        (time, detail::quarantine_remark(cx).into_iter().collect())
    }

    fn render(&mut self, painter: &mut Painter<'_>, cx: &Cx<'_>) {
        view::render(self, painter, cx);
    }

    fn script(&self, _cx: &Cx<'_>) -> Option<String> {
        Some(
            match self.capability {
                Capability::Tasks => "maos-migrate tasks convert FILE -o OUT",
                Capability::Config => "maos-migrate config convert FILE -o OUT",
                Capability::Checkpoints => "maos-migrate checkpoints apply --from DIR --to DIR --yes",
                _ => "maos-migrate schema apply --source URL --target URL --yes",
            }
            .to_owned(),
        )
    }
}

impl DataStep {
    fn off_read(&self, cx: &Cx<'_>) -> Option<String> {
        if self.can_plan(cx) {
            return None;
        }
        self.off(cx)
            .or_else(|| Some("Not while something runs.".to_owned()))
    }
}
