//! The screen that the data steps share: what would be done, how far it is, how it is proved. One layout for every
//! state, so that the eye learns it once.
//!
//! Ready shows the plan; running shows committed counts; done shows the proof as equal numbers; failed says cause,
//! what is safe, and what to do.

mod view;

use super::working::NOT_RUN;
use super::{Screen, detail, working};
use crate::engine::Capability;
use crate::engine::command::Command as Order;
use crate::engine::journey;
use crate::engine::operation::Plan;
use crate::engine::runner::Reply;
use crate::engine::snapshot::{Activity, Step};
use crate::tui::app::context::{Answered, Cx, Effect, Handled, Purpose};
use crate::tui::keymap::{Action, Command};
use crate::tui::paint::Painter;
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
        working::locked(cx, self.capability)
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

    /// `741 of 1,204 rows are finished.`
    fn so_far(&self, cx: &Cx<'_>) -> String {
        working::so_far(self.step(cx))
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
        working::confirm(self.capability, verb)
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
            Activity::Done | Activity::DoneWithQuarantine => {
                working::accounted(step).map_or_else(String::new, |sum| format!("proved: {sum}"))
            }
            activity => activity.word().to_owned(),
        };
        let right = match (&self.plan, self.activity(cx)) {
            (Preview::Ready(at, _), Activity::Idle) => format!("read {}", cx.ago(*at)),
            (_, activity) if activity.is_active() => working::fresh(cx),
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
            commands.extend(working::commands(cx, activity));
            let after = detail::onward(cx, self.capability).1.label;
            commands
                .push(Command::new(Action::Next, after).off(Some("The proof is not finished.".to_owned())));
        } else if activity.is_done() {
            commands.push(detail::onward(cx, self.capability).1);
        } else if let Some(locked) = self.locked(cx) {
            commands.push(working::unlock(&locked));
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
            let about = "run it again; what is already in place is recognised and left";
            let off = || self.off(cx);
            commands.push(working::again(cx, self.capability, about, NOT_RUN, off).quiet());
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
        match action {
            Action::Next => working::next(cx, self.capability).unwrap_or_else(|| self.confirm(APPLY)),
            Action::TryAgain => self.confirm(APPLY),
            Action::TakeBack => self.confirm(UNDO),
            Action::Pause | Action::Stop => working::act(action, cx, self.capability),
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
