//! Tasks: see which parts run side by side, mend the plan, accept it, convert it.
//!
//! ```text
//!    ID           Score     Parts Stages  Description      sort score ↓  1-5/37
//!  ▸ legacy_002   8 high        4      2  Implement user authentication, passw…
//!  ── Stages ▸ legacy_002 ─────────────────────── critical path 2.0 ── z zoom ──
//!    Stage 1 · 3 at once                     Stage 2 · 1
//!  ▸ [coding   user authentication  ] ━━┓
//!    [coding   password reset       ] ──╄━▸ [coordination  gather the 3 results]
//!    [coding   profile management   ] ──┘
//!  agents 3 ◂ ▸  makespan 2.0  idle 2.0  speed-up 2.0× of at most 2.0×
//! ```
//!
//! [`state`] is the list and the open plan, `changes` what is done to plans, [`writing`] what is written, all pure; [`plan`] one task's plan made ready for the eye; [`reading`] what was read;
//! [`view`] the picture. While the conversion runs, the pane is the one all data steps share.

mod changes;
pub mod plan;
pub mod reading;
pub mod state;
pub mod submitting;
pub mod view;
pub mod writing;

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use super::Screen;
use super::data_step::DataStep;
use crate::engine::Capability;
use crate::engine::command::Command as Order;
use crate::engine::text::plural;
use crate::tui::app::context::{Answered, Cx, Effect, Handled};
use crate::tui::keymap::{Action, Command};
use crate::tui::paint::Painter;
use crate::tui::style::Role;
use crate::tui::widgets::frame::{News, Title};
use crate::tui::widgets::stage_view::Action as Walk;
use reading::Reading;
use state::{Decision, Region, Tasks};
use writing::Writing;

/// The screen.
#[derive(Debug)]
pub struct TasksScreen {
    tasks: Tasks,
    step: DataStep,
}

impl Default for TasksScreen {
    fn default() -> Self {
        Self {
            tasks: Tasks::default(),
            step: DataStep::new(Capability::Tasks),
        }
    }
}

impl TasksScreen {
    /// A screen that has a reading already.
    #[must_use]
    pub fn with_reading(reading: std::sync::Arc<Reading>) -> Self {
        let mut screen = Self::default();
        screen.tasks.take(reading);
        screen
    }

    /// Takes a new reading; the cursor stays on its task.
    pub fn read(&mut self, reading: std::sync::Arc<Reading>) {
        self.tasks.take(reading);
    }

    /// Whether the plans are shown, and not the conversion.
    fn plans(&self, cx: &Cx<'_>) -> bool {
        let converting = cx.snapshot.activity(Capability::Tasks).is_active() && !submitting::runs(cx);
        self.tasks.reading.is_some() && !converting
    }

    /// Takes what the engine read, when that is new.
    fn take_reading(&mut self, cx: &Cx<'_>) {
        let Some((at, read)) = cx.views.tasks.value() else {
            return;
        };
        if self
            .tasks
            .reading
            .as_ref()
            .is_some_and(|reading| reading.at == at)
        {
            return;
        }
        self.read(std::sync::Arc::new(Reading {
            view: std::sync::Arc::clone(&read.view),
            rules: std::sync::Arc::clone(&read.rules),
            at,
        }));
    }

    /// The stage view's meaning of an action.
    const fn walk(action: Action) -> Option<Walk> {
        Some(match action {
            Action::Up => Walk::Up,
            Action::Down => Walk::Down,
            Action::Left => Walk::Left,
            Action::Right => Walk::Right,
            Action::First => Walk::First,
            Action::Last => Walk::Last,
            Action::PageUp => Walk::PageUp,
            Action::PageDown => Walk::PageDown,
            Action::Waits => Walk::Waits,
            Action::CriticalPath => Walk::Critical,
            Action::Fold => Walk::Open,
            Action::Follow => Walk::Follow,
            _ => return None,
        })
    }

    fn all_accepted(&self) -> bool {
        let (plans, accepted) = self.tasks.counts();
        plans == accepted
    }

    fn writing(&self) -> Vec<Command> {
        let lines = matches!(
            self.tasks.input.as_ref().map(|input| input.what),
            Some(Writing::Split(_))
        );
        let keep = if lines { "keep, Ctrl-J new line" } else { "keep" };
        vec![
            Command::new(Action::NextRegion, keep).about("keep the text"),
            Command::new(Action::Open, "keep").about("keep the text").quiet(),
            Command::new(Action::Interrupt, "leave").about("leave the text as it was"),
            Command::new(Action::Close, "leave")
                .about("leave the text as it was")
                .quiet(),
        ]
    }

    /// Why the task under the cursor cannot be edited. What MAOS has does not change by an edit here, and would still be shown as done.
    fn fixed(&self, cx: &Cx<'_>) -> Option<String> {
        cx.held().or_else(|| {
            let line = self.tasks.line()?;
            let given = self.tasks.submitted.given(&line.id.to_string());
            given.then(|| "MAOS has parts of this task already.".to_owned())
        })
    }

    fn edits(&self, cx: &Cx<'_>) -> Vec<Command> {
        let held = self.fixed(cx);
        let back = cx
            .held()
            .or_else(|| (!self.tasks.can_take_back()).then(|| "Nothing was changed.".to_owned()));
        let few = (self.tasks.parts.len() < 2).then(|| "Mark two parts with Space first.".to_owned());
        vec![
            Command::new(Action::Edit, "edit")
                .about("edit the description")
                .off(held.clone()),
            Command::new(Action::Add, "add")
                .about("add a part")
                .off(held.clone()),
            Command::new(Action::Drop, "drop")
                .about("drop the part")
                .off(held.clone()),
            Command::new(Action::Split, "split")
                .about("split the part")
                .off(held.clone()),
            Command::new(Action::Join, "join")
                .about("join the marked parts")
                .off(held.clone().or(few)),
            Command::new(Action::Dependencies, "dependencies")
                .about("change what the part waits for")
                .off(held),
            Command::new(Action::TakeBack, "take back")
                .about("take the last edit back")
                .off(back),
        ]
    }

    fn next(&self, cx: &Cx<'_>) -> Command {
        let held = cx.held();
        if self.all_accepted() && submitting::is_next(cx) {
            return submitting::command(Action::Next, cx);
        }
        if self.all_accepted() {
            let offered = self.step.commands(cx);
            return offered
                .into_iter()
                .find(|command| command.action == Action::Next)
                .unwrap_or_else(|| Command::new(Action::Next, "convert").off(held));
        }
        Command::new(Action::Next, "accept")
            .about(format!("accept the {}", self.tasks.acceptable()))
            .off(held)
    }

    fn in_list(&mut self, action: Action) -> Option<Vec<Decision>> {
        let tasks = &mut self.tasks;
        if tasks.list.act(action, tasks.listed.len()) {
            tasks.open_cursor();
            return Some(Vec::new());
        }
        match action {
            Action::Open | Action::NextRegion => tasks.region = Region::Stages,
            // The title of the stages names the key, so it works from here, too.
            Action::Zoom => {
                tasks.region = Region::Stages;
                tasks.zoomed = true;
            }
            Action::Mark => {
                tasks.mark();
                tasks.list.act(Action::Down, tasks.listed.len());
                tasks.open_cursor();
            }
            Action::Filter => tasks.write(Writing::Filter),
            Action::Order => tasks.sort_on(),
            // What they act on has its cursor there.
            Action::Dependencies => {
                tasks.region = Region::Stages;
                return self.in_stages(action);
            }
            Action::Drop => {
                tasks.region = Region::Stages;
                tasks.refusal = Some("The cursor stands on the part that D drops.".to_owned());
            }
            Action::Split => {
                tasks.region = Region::Stages;
                return self.in_both(action);
            }
            Action::Close if !tasks.filter.is_empty() => {
                tasks.write(Writing::Filter);
                tasks.leave_text();
            }
            _ => return None,
        }
        Some(Vec::new())
    }

    fn in_stages(&mut self, action: Action) -> Option<Vec<Decision>> {
        let tasks = &mut self.tasks;
        if let Some(walk) = Self::walk(action) {
            if let Some(open) = &tasks.open {
                tasks.stages.apply(&open.graph, &open.order, walk);
            }
            return Some(Vec::new());
        }
        match action {
            Action::Mark if tasks.waiting.is_some() => {
                return Some(tasks.toggle_dependency().into_iter().collect());
            }
            Action::Mark => tasks.mark(),
            Action::Open | Action::Close if tasks.waiting.is_some() => tasks.waiting = None,
            Action::Dependencies => {
                tasks.refusal = None;
                tasks.waiting = if tasks.waiting.is_some() {
                    None
                } else {
                    tasks.part()
                };
            }
            Action::Filter => tasks.write(Writing::Find),
            Action::Zoom => {
                let mapped = tasks.open.as_ref().is_some_and(|open| {
                    tasks.zoomed && tasks.stages.apply(&open.graph, &open.order, Walk::Zoom)
                });
                if !mapped {
                    tasks.zoomed = !tasks.zoomed;
                }
            }
            Action::Close if tasks.stages.zoom => tasks.stages.zoom = false,
            Action::Close if tasks.zoomed => tasks.zoomed = false,
            Action::Close | Action::NextRegion | Action::PreviousRegion => {
                tasks.zoomed = false;
                tasks.region = Region::List;
            }
            _ => return None,
        }
        Some(Vec::new())
    }

    fn in_both(&mut self, action: Action) -> Option<Vec<Decision>> {
        let tasks = &mut self.tasks;
        match action {
            Action::Edit => tasks.write(Writing::Description),
            Action::Add => tasks.write(Writing::Part),
            Action::Split => tasks.write(Writing::Split(tasks.part()?)),
            Action::Agents => tasks.write(Writing::Agents),
            Action::More => tasks.agents_by(true),
            Action::Fewer => tasks.agents_by(false),
            Action::Drop => return Some(tasks.drop_part().into_iter().collect()),
            Action::Join => return Some(tasks.join_parts().into_iter().collect()),
            Action::TakeBack => return Some(tasks.take_back().into_iter().collect()),
            Action::Next if !self.all_accepted() => return Some(self.tasks.accept().into_iter().collect()),
            _ => return None,
        }
        Some(Vec::new())
    }
}

/// Decisions on their way to the journal.
fn sent(decisions: Vec<Decision>) -> Handled {
    let orders = decisions.into_iter().map(|(subject, choice)| {
        Effect::Send(Order::Decide {
            capability: Capability::Tasks,
            subject,
            choice,
        })
    });
    Handled::Yes(orders.collect())
}

impl Screen for TasksScreen {
    fn entered(&mut self, cx: &Cx<'_>) -> Vec<Effect> {
        if let Some(step) = cx.step(Capability::Tasks) {
            self.tasks.restore(&step.decisions);
        }
        // Only the operating session reads the world; whoever watches sees what is journaled.
        let operates = cx.views.mode == crate::engine::views::Mode::Operating;
        let mut effects = Vec::new();
        if operates {
            effects.push(Effect::Send(Order::Read(Capability::Tasks)));
        }
        effects.extend(self.step.entered(cx));
        effects
    }

    fn refresh(&mut self, cx: &Cx<'_>) {
        self.take_reading(cx);
        self.tasks.follow(cx);
    }

    fn title(&self, cx: &Cx<'_>) -> Title {
        match &self.tasks.reading {
            Some(_) if submitting::runs(cx) => submitting::title(&self.tasks, cx),
            Some(reading) if self.plans(cx) => {
                let facts = format!(
                    "{} read · {} valid · {} quarantined",
                    crate::engine::text::count(reading.view.tally.total),
                    crate::engine::text::count(reading.view.rows.len() as u64),
                    crate::engine::text::count(reading.view.tally.quarantined)
                );
                Title::new("Tasks", facts, format!("read {}", cx.ago(reading.at)))
            }
            _ => self.step.title(cx),
        }
    }

    fn news(&self, cx: &Cx<'_>) -> News {
        if !self.plans(cx) {
            return self.step.news(cx);
        }
        if let Some(refusal) = &self.tasks.refusal {
            return News::new(refusal.clone(), "nothing was changed").role(Role::Warn);
        }
        if let Some(input) = &self.tasks.input {
            let (what, next) = match input.what {
                Writing::Filter => (
                    "Only tasks that contain this are listed.",
                    "Enter keeps it, Esc takes it away",
                ),
                Writing::Find => (
                    "Look for a part by name, type or id.",
                    "Enter goes to the next one",
                ),
                Writing::Description => (
                    "The stages follow as you type.",
                    "Enter keeps it, Ctrl-C leaves it",
                ),
                Writing::Part => (
                    "A part that waits for nothing yet.",
                    "Enter adds it, Ctrl-C leaves it",
                ),
                Writing::Split(_) => ("A part a line.", "Enter splits, Ctrl-J breaks the line"),
                Writing::Agents => ("How many agents?", "Enter shows how long it takes"),
            };
            return News::new(what, next);
        }
        if let Some(part) = self.tasks.waiting {
            let name = self
                .tasks
                .open
                .as_ref()
                .and_then(|open| open.plan.subtasks.get(part));
            let name = name.map_or_else(String::new, |part| crate::engine::text::inert(&part.description));
            return News::new(
                format!("What does {name} wait for?"),
                "Space on a part adds it or takes it off, Enter ends",
            );
        }
        if let Some(news) = submitting::news(&self.tasks, cx) {
            return news;
        }
        let (plans, accepted) = self.tasks.counts();
        if plans == accepted && cx.snapshot.activity(Capability::Tasks).is_done() {
            let news = self.step.news(cx);
            if submitting::is_next(cx) {
                return News::new(news.what, "n gives them to MAOS, ] goes on without").role(news.role);
            }
            return news;
        }
        if plans == accepted {
            let next = self.step.news(cx).next;
            return News::new(format!("{} accepted.", plural(plans, "plan", "plans")), next);
        }
        let quarantined = self
            .tasks
            .reading
            .as_ref()
            .map_or(0, |reading| reading.view.tally.quarantined);
        let aside = if quarantined == 0 {
            String::new()
        } else {
            format!(", {} quarantined", plural(quarantined, "record", "records"))
        };
        News::new(
            format!("{}, {accepted} accepted{aside}.", plural(plans, "plan", "plans")),
            format!("n accepts the {}", self.tasks.acceptable()),
        )
    }

    fn commands(&self, cx: &Cx<'_>) -> Vec<Command> {
        if !self.plans(cx) {
            return self.step.commands(cx);
        }
        if self.tasks.input.is_some() {
            return self.writing();
        }
        let mut commands = if submitting::runs(cx) {
            let run = [Action::Pause, Action::Stop];
            let offered = self.step.commands(cx).into_iter();
            offered.filter(|command| run.contains(&command.action)).collect()
        } else {
            vec![self.next(cx)]
        };
        commands.extend(submitting::commands(&self.tasks, cx));
        match self.tasks.region {
            Region::List => {
                commands.extend([
                    Command::new(Action::Open, "stages").about("go to the stages"),
                    Command::new(Action::Edit, "edit")
                        .about("edit the description")
                        .off(self.fixed(cx)),
                    Command::new(Action::Mark, "mark"),
                    Command::new(Action::Order, "order").about("sort by score, file, parts, stages"),
                    Command::new(Action::Zoom, "zoom")
                        .about("the stages alone")
                        .quiet(),
                ]);
            }
            Region::Stages => commands.extend([
                Command::new(Action::Waits, "waits for"),
                Command::new(Action::CriticalPath, "critical path"),
                Command::new(Action::Fold, "fold"),
                Command::new(Action::Follow, "follow").quiet(),
                Command::new(Action::Zoom, "zoom"),
                Command::new(Action::Mark, "mark").quiet(),
            ]),
        }
        commands.extend([
            Command::new(Action::More, "agents").and(Action::Fewer),
            Command::new(Action::Agents, "agents").quiet(),
            Command::new(Action::Filter, "find").quiet(),
        ]);
        let known: Vec<Action> = commands.iter().map(|command| command.action).collect();
        commands.extend(
            self.edits(cx)
                .into_iter()
                .filter(|command| !known.contains(&command.action)),
        );
        if self
            .tasks
            .reading
            .as_ref()
            .is_some_and(|reading| reading.view.tally.quarantined > 0)
        {
            commands.push(Command::new(Action::Quarantine, "quarantine"));
        }
        commands.push(Command::new(Action::Log, "log").quiet());
        commands
    }

    fn act(&mut self, action: Action, cx: &Cx<'_>) -> Handled {
        if !self.plans(cx) {
            return self.step.act(action, cx);
        }
        if self.tasks.input.is_some() {
            return match action {
                Action::NextRegion | Action::Open => sent(self.tasks.keep_text()),
                Action::Interrupt | Action::Close => sent(self.tasks.leave_text().into_iter().collect()),
                _ => Handled::done(),
            };
        }
        if !matches!(action, Action::Up | Action::Down | Action::Left | Action::Right) {
            self.tasks.refusal = None;
        }
        if let Some(handled) = submitting::act(&self.tasks, self.all_accepted(), action, cx) {
            return handled;
        }
        let decisions = match self.tasks.region {
            Region::List => self.in_list(action),
            Region::Stages => self.in_stages(action),
        };
        match decisions.or_else(|| self.in_both(action)) {
            Some(decisions) => sent(decisions),
            None if action == Action::Convert => self.step.act(Action::Next, cx),
            None => self.step.act(action, cx),
        }
    }

    fn render(&mut self, painter: &mut Painter<'_>, cx: &Cx<'_>) {
        if !self.plans(cx) {
            self.step.render(painter, cx);
            return;
        }
        self.tasks.follow(cx);
        if let Some(wait) = self.tasks.follow_text(cx.now.mono) {
            cx.wake_in(wait);
        }
        view::draw(&mut self.tasks, painter, cx);
    }

    fn editing(&self) -> bool {
        self.tasks.input.is_some()
    }

    fn typed(&mut self, key: &KeyEvent, cx: &Cx<'_>) -> Handled {
        let Some(input) = &mut self.tasks.input else {
            return Handled::No;
        };
        // Enter ends a text, as everywhere; Ctrl-J breaks the line.
        let newline = key.code == KeyCode::Char('j') && key.modifiers == KeyModifiers::CONTROL;
        if key.code == KeyCode::Enter {
            return Handled::No;
        }
        let key = if newline {
            KeyEvent::new(KeyCode::Enter, KeyModifiers::NONE)
        } else {
            *key
        };
        if !input.field.typed(&key) {
            return Handled::No;
        }
        sent(self.tasks.written(cx.now.mono).into_iter().collect())
    }

    fn answered(&mut self, answer: &Answered, cx: &Cx<'_>) -> Handled {
        self.step.answered(answer, cx)
    }

    fn remarks(&self, cx: &Cx<'_>) -> (Option<String>, Vec<String>) {
        self.step.remarks(cx)
    }

    fn script(&self, _cx: &Cx<'_>) -> Option<String> {
        Some("maos-migrate tasks score|decompose|stages|convert|submit FILE".to_owned())
    }
}
