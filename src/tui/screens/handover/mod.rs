//! Cut over and Upgrade: what must be so, each with its evidence, and steps that each have a state and a way back. Both are one
//! kind of screen: the difference is where the evidence comes from, and what is said about the gap.

mod view;

use super::{Screen, detail, working};
use crate::engine::Capability;
use crate::engine::command::Command as Order;
use crate::engine::cutover::{self, Mode, Question};
use crate::engine::error::Error;
use crate::engine::evidence::{Ready, Standing};
use crate::engine::item::{ItemState, Items};
use crate::engine::runner::Reply;
use crate::engine::snapshot::Activity;
use crate::engine::steps::{self, Heading};
use crate::engine::upgrade;
use crate::engine::views::Slot;
use crate::tui::app::context::{Answered, Cx, Effect, Handled, Purpose};
use crate::tui::keymap::{Action, Command};
use crate::tui::overlays::choice::{Choice as Asked, Consequence};
use crate::tui::overlays::confirm::Confirm;
use crate::tui::paint::Painter;
use crate::tui::style::Role;
use crate::tui::text;
use crate::tui::widgets::frame::{News, Title};
use crate::tui::widgets::list::List;

/// Minutes that a verified backup counts, before the settings are read.
const MAX_AGE: u64 = 60;

/// The screen of one of the two.
#[derive(Debug)]
pub struct Handover {
    capability: Capability,
    list: List,
    /// The cursor was moved by hand; else it follows the step under way.
    moved: bool,
    /// A plan is being made.
    pending: bool,
}

/// One step as the screen shows it.
#[derive(Debug, Clone, PartialEq)]
struct Line {
    title: String,
    state: ItemState,
    text: String,
    ms: Option<u64>,
    way_back: String,
}

impl Handover {
    /// The screen of [`Capability::Cutover`] or [`Capability::Upgrade`].
    #[must_use]
    pub const fn new(capability: Capability) -> Self {
        Self {
            capability,
            list: List {
                cursor: 0,
                top: 0,
                page: 0,
            },
            moved: false,
            pending: false,
        }
    }

    fn activity(&self, cx: &Cx<'_>) -> Activity {
        cx.snapshot.activity(self.capability)
    }

    fn items<'a>(&self, cx: &Cx<'a>) -> Option<&'a Items> {
        cx.step(self.capability)?.items.get("apply")
    }

    /// Whether a run stands half-way: failed and held, stopped, or on its way back.
    fn heading(&self, cx: &Cx<'_>) -> Option<Heading> {
        steps::unfinished(self.items(cx)?).map(|(_, heading)| heading)
    }

    const fn noun(&self) -> &'static str {
        match self.capability {
            Capability::Upgrade => "upgrade",
            _ => "cut over",
        }
    }

    fn mode(&self, cx: &Cx<'_>) -> Mode {
        let decided = cx
            .step(self.capability)
            .and_then(|step| step.decisions.get("mode"));
        match decided.and_then(serde_json::Value::as_str) {
            Some("freeze") => Mode::Freeze,
            _ => Mode::Drain,
        }
    }

    /// What the drain asks.
    fn question(&self, cx: &Cx<'_>) -> Option<Question> {
        let active = self.capability == Capability::Cutover && self.activity(cx).is_active();
        cutover::question(self.items(cx).filter(|_| active)?)
    }

    /// Since when nobody serves, or MAOS stands still.
    fn still_since(&self, cx: &Cx<'_>) -> Option<jiff::Timestamp> {
        let activity = self.activity(cx);
        let items = self
            .items(cx)
            .filter(|_| activity != Activity::Idle && !activity.is_done())?;
        if self.capability == Capability::Cutover {
            cutover::closed_since(items)
        } else {
            upgrade::stopped_since(items)
        }
    }

    /// Whether a stop now opens the legacy side again: until MAOS is started.
    fn reopens(&self, cx: &Cx<'_>) -> bool {
        let waits = |items: &Items| {
            items
                .get("start")
                .is_none_or(|line| line.state == ItemState::Waiting)
        };
        self.capability == Capability::Cutover && self.items(cx).is_some_and(waits)
    }

    /// The tasks that the legacy side still runs, while they are waited for.
    fn named<'a>(&self, cx: &Cx<'a>) -> &'a [String] {
        let drains = |items: &Items| {
            items
                .get(cutover::DRAIN)
                .is_some_and(|line| line.state == ItemState::Running)
        };
        let active = self.capability == Capability::Cutover && self.activity(cx).is_active();
        if !active || !self.items(cx).is_some_and(drains) {
            return &[];
        }
        cx.step(self.capability)
            .and_then(|step| step.progress.as_ref())
            .filter(|progress| progress.phase == "draining")
            .map_or(&[], |progress| progress.running.as_slice())
    }

    /// The dialog that asks; the harmless answer, and the focus, is to leave it open.
    fn ask(&self, cx: &Cx<'_>) -> Handled {
        let Some(question) = self.question(cx) else {
            return Handled::done();
        };
        let mut answers = vec![("Not yet".to_owned(), Consequence::Nothing)];
        answers.extend(question.choices.iter().map(|choice| {
            let order = Order::Decide {
                capability: self.capability,
                subject: cutover::DRAIN.to_owned(),
                choice: choice.word().into(),
            };
            (
                text::sentence(&choice.sentence(question.within())),
                Consequence::Send(order),
            )
        }));
        if !question.rows.is_empty() {
            let whole = "Decide row by row".to_owned();
            answers.push((whole, Consequence::ByRow(question.clone())));
        }
        let lines = vec![
            (
                format!(
                    "{}. The legacy side is closed; nobody serves meanwhile.",
                    question.text
                ),
                Role::Text,
            ),
            ("Nothing is chosen for you.".to_owned(), Role::Muted),
        ];
        Handled::one(Effect::Open(Box::new(Asked::new(
            "Tasks that do not end",
            lines,
            answers,
            cx.now.mono,
        ))))
    }

    fn waits(&self, cx: &Cx<'_>) -> bool {
        cx.step(self.capability)
            .and_then(|step| step.decisions.get("wait"))
            .and_then(serde_json::Value::as_bool)
            .unwrap_or(false)
    }

    /// The evidence, once there is some.
    fn ready(&self, cx: &Cx<'_>) -> Option<Ready> {
        if self.capability == Capability::Cutover {
            let age = cx
                .views
                .settings
                .value()
                .map_or(MAX_AGE, |(_, settings)| settings.driving.backup.max_age);
            let listed = cx.views.backups.value().map(|(_, listed)| listed.as_slice());
            return Some(cutover::ready(cx.snapshot, listed, cx.now.at, age));
        }
        cx.views.upgrade.value().map(|(_, reading)| reading.ready.clone())
    }

    /// Why the evidence could not be read.
    fn unread<'a>(&self, cx: &Cx<'a>) -> Option<&'a Error> {
        match &cx.views.upgrade {
            Slot::Failed(_, error) if self.capability == Capability::Upgrade => Some(error),
            _ => None,
        }
    }

    fn lines(&self, cx: &Cx<'_>) -> Vec<Line> {
        let known: Vec<(&str, String, String)> = if self.capability == Capability::Cutover {
            cutover::steps(self.mode(cx))
                .iter()
                .map(|step| {
                    (
                        step.key(),
                        step.title().to_owned(),
                        step.way_back().unwrap_or("none needed").to_owned(),
                    )
                })
                .collect()
        } else {
            cx.views
                .upgrade
                .value()
                .map(|(_, reading)| reading.steps.clone())
                .unwrap_or_default()
        };
        let items = self.items(cx);
        if known.is_empty() {
            // Read from the journal before the world is: the lines of a run that is going on or over.
            return items
                .map(|items| items.all().iter().map(|item| line(item, String::new())).collect())
                .unwrap_or_default();
        }
        known
            .into_iter()
            .map(
                |(key, title, way_back)| match items.and_then(|items| items.get(key)) {
                    Some(item) => line(item, way_back),
                    None => Line {
                        title,
                        state: ItemState::Waiting,
                        text: String::new(),
                        ms: None,
                        way_back,
                    },
                },
            )
            .collect()
    }

    /// Why the plan cannot be asked for.
    fn off(&self, cx: &Cx<'_>) -> Option<String> {
        working::off(cx, self.capability).or_else(|| {
            if self.heading(cx).is_some() {
                return None;
            }
            if let Some(error) = self.unread(cx) {
                return Some(format!("{}.", text::sentence(&error.message)));
            }
            let ready = self.ready(cx)?;
            ready
                .locked()
                .map(|locked| format!("Locked: {}", locked.sentence))
        })
    }

    fn plan(&mut self, verb: &str) -> Handled {
        (self.pending, self.moved) = (true, false);
        let order = Order::Plan {
            capability: self.capability,
            verb: verb.to_owned(),
        };
        Handled::one(Effect::Ask(Purpose::Preview(self.capability), order))
    }

    fn decide(&self, subject: &str, choice: serde_json::Value) -> Handled {
        Handled::one(Effect::Send(Order::Decide {
            capability: self.capability,
            subject: subject.to_owned(),
            choice,
        }))
    }

    fn verb_label(&self, cx: &Cx<'_>) -> String {
        if self.capability == Capability::Cutover {
            return "cut over".to_owned();
        }
        cx.views.upgrade.value().map_or_else(
            || "upgrade".to_owned(),
            |(_, reading)| format!("upgrade to {}", reading.to),
        )
    }

    /// What leads back where the plan itself cannot be taken back as one.
    const fn way_back(&self) -> &'static str {
        match self.capability {
            Capability::Upgrade => {
                "u undoes its steps while it stands half-way; after it R rolls back to the backup"
            }
            _ => {
                "before step 5 legacy is opened again by itself; after it R rolls back, newer rows are carried"
            }
        }
    }

    /// The step that opens what stands in the way.
    fn goes_to(&self, cx: &Cx<'_>) -> Option<Capability> {
        let locked = working::locked(cx, self.capability).or_else(|| self.ready(cx)?.locked())?;
        locked.goes_to.filter(|step| *step != self.capability)
    }
}

fn line(item: &crate::engine::item::Item, way_back: String) -> Line {
    Line {
        title: if item.title.is_empty() {
            item.key.clone()
        } else {
            item.title.clone()
        },
        state: item.state,
        text: item.text.clone(),
        ms: item.ms,
        way_back,
    }
}

impl Screen for Handover {
    fn entered(&mut self, cx: &Cx<'_>) -> Vec<Effect> {
        let reads = working::reads(cx) && !self.activity(cx).is_active();
        if !reads {
            return Vec::new();
        }
        let what = match self.capability {
            Capability::Upgrade => Capability::Upgrade,
            _ => Capability::Backup,
        };
        vec![Effect::Send(Order::Read(what))]
    }

    fn title(&self, cx: &Cx<'_>) -> Title {
        let step = cx.step(self.capability);
        let lines = self.lines(cx);
        let over = lines.iter().filter(|line| line.state.ended()).count();
        let running = lines.iter().position(|line| line.state == ItemState::Running);
        let facts = match self.activity(cx) {
            _ if working::locked(cx, self.capability).is_some() => "locked".to_owned(),
            Activity::Idle => match self.ready(cx) {
                Some(ready) if ready.locked().is_some() => {
                    format!("{} of {} not ready", ready.count(Standing::No), ready.lines.len())
                }
                Some(_) => "ready".to_owned(),
                None if self.unread(cx).is_some() => "not ready".to_owned(),
                None => "reading what is there".to_owned(),
            },
            activity if activity.is_active() => match running {
                Some(at) => format!("step {} of {}", at + 1, lines.len()),
                None => activity.word().to_owned(),
            },
            activity if activity.is_done() => format!("{over} of {} steps proved", lines.len()),
            activity => activity.word().to_owned(),
        };
        let at = step.and_then(|step| step.ended.or(step.started));
        let age = if self.activity(cx).is_active() {
            working::fresh(cx)
        } else {
            at.or_else(|| {
                cx.views
                    .upgrade
                    .value()
                    .map(|(at, _)| at)
                    .filter(|_| self.capability == Capability::Upgrade)
            })
            .map_or_else(String::new, |at| cx.ago(at))
        };
        Title::new(self.capability.title(), facts, age)
    }

    fn news(&self, cx: &Cx<'_>) -> News {
        view::news(self, cx)
    }

    fn commands(&self, cx: &Cx<'_>) -> Vec<Command> {
        let activity = self.activity(cx);
        let mut commands = Vec::new();
        if activity.is_active() {
            let (label, about) = if self.reopens(cx) {
                (
                    "open legacy again",
                    "take the cut over back at its next safe point; asks first",
                )
            } else {
                ("stop after this step", "never interrupts a step; asks first")
            };
            if self.question(cx).is_some() {
                commands.push(
                    Command::new(Action::Next, "decide")
                        .about("for all of them, row by row, or open legacy again")
                        .off(cx.held()),
                );
            } else {
                commands
                    .push(Command::new(Action::Next, "next").off(Some("The steps are not over.".to_owned())));
            }
            commands.push(Command::new(Action::Stop, label).about(about).off(cx.held()));
        } else if activity.is_done() {
            commands.push(detail::onward(cx, self.capability).1);
        } else if let (None, Some(step)) = (self.heading(cx), self.goes_to(cx)) {
            commands.push(
                Command::new(Action::Next, step.title().to_lowercase())
                    .about("go to the step that opens this one"),
            );
        } else {
            let label = if self.heading(cx).is_some() {
                "go on".to_owned()
            } else {
                self.verb_label(cx)
            };
            commands.push(
                Command::new(Action::Next, label)
                    .about("show the plan and ask before anything is changed")
                    .off(self.off(cx)),
            );
            let (words, about) = if self.capability == Capability::Upgrade {
                (
                    "take back",
                    "undo the steps of the upgrade that stands half-way; asks first",
                )
            } else {
                (
                    "open legacy again",
                    "take back the cut over that stands half-way; asks first",
                )
            };
            let whole = self
                .heading(cx)
                .is_none()
                .then(|| format!("No {} stands half-way.", self.noun()));
            commands.push(
                Command::new(Action::TakeBack, words)
                    .about(about)
                    .off(whole.or_else(|| working::off(cx, self.capability))),
            );
        }
        if !activity.is_active() && !activity.is_done() {
            let (action, label, about) = if self.capability == Capability::Cutover {
                (
                    Action::Mark,
                    "drain or freeze",
                    "wait for running tasks, or stop them",
                )
            } else {
                (
                    Action::Wait,
                    "wait",
                    "wait for running tasks, up to 10 min, or do not",
                )
            };
            commands.push(Command::new(action, label).about(about).off(cx.held()));
        }
        commands.push(Command::new(Action::Backups, "backups").about("the backups and their proof"));
        if self.capability == Capability::Upgrade && !activity.is_active() {
            commands.push(Command::new(Action::ReadAgain, "check again").off(cx.held()));
        }
        commands
    }

    fn act(&mut self, action: Action, cx: &Cx<'_>) -> Handled {
        let activity = self.activity(cx);
        match action {
            Action::Next if activity.is_active() => self.ask(cx),
            Action::Next if activity.is_done() => match detail::onward(cx, self.capability).0 {
                Some(step) => Handled::one(Effect::Go(step)),
                None => Handled::done(),
            },
            Action::Next if !activity.is_active() => match (self.heading(cx), self.goes_to(cx)) {
                (None, Some(step)) => Handled::one(Effect::Go(step)),
                _ => self.plan("apply"),
            },
            Action::TakeBack => self.plan("undo"),
            Action::Mark if self.capability == Capability::Cutover && !activity.is_active() => {
                let other = match self.mode(cx) {
                    Mode::Drain => Mode::Freeze,
                    Mode::Freeze => Mode::Drain,
                };
                self.decide("mode", other.word().into())
            }
            Action::Wait if self.capability == Capability::Upgrade && !activity.is_active() => {
                self.decide("wait", (!self.waits(cx)).into())
            }
            Action::Backups => Handled::one(Effect::Go(Capability::Backup)),
            Action::ReadAgain if self.capability == Capability::Upgrade => {
                Handled::one(Effect::Send(Order::Read(self.capability)))
            }
            Action::Stop if activity.is_active() => working::act(action, cx, self.capability),
            action if self.list.act(action, self.lines(cx).len()) => {
                self.moved = true;
                Handled::done()
            }
            _ => Handled::No,
        }
    }

    fn answered(&mut self, answer: &Answered, cx: &Cx<'_>) -> Handled {
        match answer {
            (Purpose::Preview(capability), Ok(Reply::Plan(plan))) if *capability == self.capability => {
                self.pending = false;
                let (time, remarks) = self.remarks(cx);
                let way_back = (plan.verb == "apply").then(|| self.way_back().to_owned());
                let dialog =
                    Confirm::new((**plan).clone(), cx.now.at, cx.now.mono, time, remarks).way_back(way_back);
                Handled::one(Effect::Open(Box::new(dialog)))
            }
            (Purpose::Preview(capability), Err(error)) if *capability == self.capability => {
                self.pending = false;
                let next = error.hint.clone().unwrap_or_default();
                Handled::one(Effect::Say(News::new(error.to_string(), next).role(Role::Bad)))
            }
            _ => Handled::No,
        }
    }

    fn remarks(&self, cx: &Cx<'_>) -> (Option<String>, Vec<String>) {
        let said = if self.capability == Capability::Cutover {
            "Nobody serves from step 1 to step 5."
        } else {
            "A step that fails stops there: nothing is taken back before you say so."
        };
        let aside = cx.snapshot.quarantined();
        let mut remarks = vec![said.to_owned()];
        if aside > 0 {
            let items = crate::engine::text::plural(aside, "item stays", "items stay");
            remarks.push(format!("{items} in quarantine."));
        }
        (None, remarks)
    }

    fn render(&mut self, painter: &mut Painter<'_>, cx: &Cx<'_>) {
        view::render(self, painter, cx);
    }

    fn script(&self, _cx: &Cx<'_>) -> Option<String> {
        Some(format!(
            "maos-migrate {} apply --approve DIGEST --confirm NAME",
            self.capability
        ))
    }
}

/// Whether the pre-check is being read.
fn reading(cx: &Cx<'_>) -> bool {
    matches!(cx.views.upgrade, Slot::Empty | Slot::Loading(_))
}

/// `6 of 7 ready, 1 not known`.
fn counted(ready: &Ready) -> String {
    let good = ready.count(Standing::Yes) + ready.count(Standing::Note);
    let unknown = ready.count(Standing::Unknown);
    let tail = if unknown == 0 {
        String::new()
    } else {
        format!(", {unknown} not known")
    };
    format!("{good} of {} ready{tail}", ready.lines.len())
}
