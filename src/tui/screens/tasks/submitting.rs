//! The parts in MAOS's hands: their states in the stages, what the list and the words say of them, and what can be done.
//!
//! Lines of the journal are taken over one by one as they change; a frame costs what changed and what is in view, not the plan.

use std::collections::HashMap;
use std::sync::Arc;

use jiff::Timestamp;

use super::state::{Region, Tasks};
use crate::engine::Capability;
use crate::engine::command::Command as Order;
use crate::engine::item::{Item, ItemState};
use crate::engine::snapshot::{Activity, Step};
use crate::engine::tasks::submit::ledger::{Data, again};
use crate::engine::tasks::submit::{CANCEL, VERB};
use crate::engine::text::{count, inert_short, plural};
use crate::tui::app::context::{Cx, Effect, Handled, Purpose};
use crate::tui::keymap::{Action, Command};
use crate::tui::paint::Row;
use crate::tui::style::Role;
use crate::tui::widgets::frame::{News, Title};
use crate::tui::widgets::mark::Mark;
use crate::tui::widgets::stage_view::{NodeIx, State};

/// What is known of the parts.
#[derive(Debug, Default)]
pub struct Submitted {
    /// The lines taken over, as they were then.
    lines: Vec<Arc<Item>>,
    /// Lines by state, by legacy task.
    tasks: HashMap<String, Tally>,
    /// Lines by state.
    all: Tally,
    /// The task whose graph shows the states, and of how many nodes.
    shown: Option<(String, usize)>,
    /// The nodes that run, and since when.
    running: Vec<(NodeIx, Option<i64>)>,
    /// The second at which their times were set.
    second: i64,
}

/// How many parts are how.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tally {
    running: u32,
    done: u32,
    failed: u32,
    skipped: u32,
    unknown: u32,
}

impl Tally {
    fn slot(&mut self, state: ItemState) -> Option<&mut u32> {
        Some(match state {
            ItemState::Running => &mut self.running,
            ItemState::Done => &mut self.done,
            ItemState::Failed => &mut self.failed,
            ItemState::Skipped => &mut self.skipped,
            ItemState::Unknown => &mut self.unknown,
            ItemState::Waiting | ItemState::Undone => return None,
        })
    }

    fn change(&mut self, before: Option<ItemState>, now: ItemState) {
        if let Some(slot) = before.and_then(|state| self.slot(state)) {
            *slot -= 1;
        }
        if let Some(slot) = self.slot(now) {
            *slot += 1;
        }
    }

    /// One sign for a task of `parts` parts.
    fn mark(self, parts: usize) -> Mark {
        if self.failed > 0 {
            Mark::Failed
        } else if self.unknown > 0 {
            Mark::Unknown
        } else if self.done as usize >= parts {
            Mark::Done
        } else if self.skipped > 0 {
            Mark::Skipped
        } else {
            Mark::Running
        }
    }

    /// One word for a task of `parts` parts, and its role.
    fn word(self, parts: usize) -> (String, Role) {
        if self.failed > 0 {
            (format!("{} failed", self.failed), Role::Bad)
        } else if self.unknown > 0 {
            (format!("{} unknown", self.unknown), Role::Unknown)
        } else if self.done as usize >= parts {
            ("done".to_owned(), Role::Ok)
        } else if self.skipped > 0 {
            (format!("{} skipped", self.skipped), Role::Warn)
        } else {
            ("submitting".to_owned(), Role::Accent)
        }
    }
}

/// The legacy task and the part of a line's key; a task without parts is its own part 0.
fn place(key: &str, task: &str) -> Option<usize> {
    let rest = key.strip_prefix(task)?;
    if rest.is_empty() {
        return Some(0);
    }
    rest.strip_prefix('/')?.parse().ok()
}

fn task_of(key: &str) -> &str {
    match key.rsplit_once('/') {
        Some((task, part)) if !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit()) => task,
        _ => key,
    }
}

const fn node_state(state: ItemState) -> State {
    match state {
        ItemState::Running => State::Running,
        ItemState::Done => State::Done,
        ItemState::Failed | ItemState::Unknown => State::Failed,
        ItemState::Skipped => State::Skipped,
        ItemState::Waiting | ItemState::Undone => State::Waiting,
    }
}

fn step<'a>(cx: &Cx<'a>) -> Option<&'a Step> {
    cx.step(Capability::Tasks)
}

/// Whether a submission runs now.
#[must_use]
pub fn runs(cx: &Cx<'_>) -> bool {
    step(cx).is_some_and(|step| step.activity.is_active() && step.verb == VERB)
}

/// Whether tasks are converted, so that there is something to give.
fn converted(cx: &Cx<'_>) -> bool {
    step(cx).is_some_and(|step| step.outcomes.contains_key("apply"))
}

/// Whether submitting is the next thing: the place is ready and not everything was given, or a submission was cut short.
#[must_use]
pub fn is_next(cx: &Cx<'_>) -> bool {
    let Some(step) = step(cx) else { return false };
    let cut = step.verb == VERB && matches!(step.activity, Activity::Stopped | Activity::Failed);
    let ready = cx.snapshot.activity(Capability::Environment).is_done();
    cut || (converted(cx) && step.activity.is_done() && ready && !step.outcomes.contains_key(VERB))
}

/// The command that shows the plan of a submission.
#[must_use]
pub fn command(action: Action, cx: &Cx<'_>) -> Command {
    let missing = (!converted(cx)).then(|| "The tasks are not converted.".to_owned());
    let busy = cx
        .snapshot
        .active()
        .map(|step| format!("{} is running.", step.title()));
    Command::new(action, "submit")
        .about("show what would be given to MAOS, and ask")
        .off(cx.held().or(missing).or(busy))
}

/// What can be done with the parts.
#[must_use]
pub fn commands(tasks: &Tasks, cx: &Cx<'_>) -> Vec<Command> {
    let mut commands = Vec::new();
    if runs(cx) {
        let next = Command::new(Action::Next, "submit").quiet();
        commands.push(next.off(Some("The parts are being given to MAOS.".to_owned())));
        return commands;
    }
    if converted(cx) {
        commands.push(command(Action::Convert, cx).quiet());
    }
    if let Some(item) = tasks.submitted.here(tasks)
        && matches!(item.state, ItemState::Failed | ItemState::Unknown)
    {
        commands.push(
            Command::new(Action::TryAgain, "again")
                .about("give this part to MAOS again, under a new id")
                .off(cx.held()),
        );
    }
    commands
}

/// Does what [`commands`] offers.
#[must_use]
pub fn act(tasks: &Tasks, all_accepted: bool, action: Action, cx: &Cx<'_>) -> Option<Handled> {
    let plan = || {
        let order = Order::Plan {
            capability: Capability::Tasks,
            verb: VERB.to_owned(),
        };
        Effect::Ask(Purpose::Confirm(Capability::Tasks), order)
    };
    if runs(cx) {
        return None;
    }
    match action {
        Action::Next if all_accepted && is_next(cx) => Some(Handled::one(plan())),
        Action::Convert if converted(cx) => Some(Handled::one(plan())),
        Action::TryAgain => {
            let item = tasks.submitted.here(tasks)?;
            if !matches!(item.state, ItemState::Failed | ItemState::Unknown) {
                return None;
            }
            let (subject, choice) = again(item);
            let decide = Order::Decide {
                capability: Capability::Tasks,
                subject,
                choice,
            };
            Some(Handled::Yes(vec![Effect::Send(decide), plan()]))
        }
        _ => None,
    }
}

/// `submitting stage 2 of 3 · 1 running · 80 of 81 ended`.
#[must_use]
pub fn title(tasks: &Tasks, cx: &Cx<'_>) -> Title {
    let step = step(cx);
    let progress = step.and_then(|step| step.progress.as_ref());
    let phase = progress.map_or_else(|| "submitting".to_owned(), |progress| progress.phase.clone());
    let paused = if step.is_some_and(|step| step.activity == Activity::Paused) {
        " · paused"
    } else {
        ""
    };
    let ended = progress.map_or_else(String::new, |progress| {
        let total = progress.total.unwrap_or(progress.done);
        format!(" · {} of {} ended", count(progress.done), count(total))
    });
    let facts = format!("{phase} · {} running{ended}{paused}", tasks.submitted.all.running);
    Title::new(
        "Tasks",
        facts,
        cx.snapshot.at.map_or_else(String::new, |at| cx.old(at)),
    )
}

/// What happened, and what is next; `None` when there is nothing to say about a submission.
#[must_use]
pub fn news(tasks: &Tasks, cx: &Cx<'_>) -> Option<News> {
    let step = step(cx)?;
    let all = tasks.submitted.all;
    if runs(cx) {
        let total = step
            .progress
            .as_ref()
            .and_then(|progress| progress.total)
            .unwrap_or(0);
        if all.failed > 0 {
            let said = format!(
                "{} of {} failed, so {} skipped.",
                all.failed,
                count(total),
                plural(u64::from(all.skipped), "is", "are")
            );
            return Some(News::new(said, "let the rest end, or X stops").role(Role::Warn));
        }
        return Some(News::new(
            format!("{} of {} done in MAOS.", all.done, count(total)),
            "p pauses, X stops; MAOS goes on with what it has",
        ));
    }
    if step.verb != VERB && step.verb != CANCEL {
        return None;
    }
    if matches!(step.activity, Activity::Stopped | Activity::Failed) {
        let why = step
            .error
            .as_ref()
            .map(ToString::to_string)
            .or_else(|| step.note.clone())
            .unwrap_or_default();
        return Some(News::new(format!("The submission ended early: {why}."), "n goes on").role(Role::Warn));
    }
    let outcome = step.outcomes.get(VERB)?;
    let next = if all.failed + all.unknown > 0 {
        "t gives the part under the cursor again"
    } else {
        "n goes on"
    };
    Some(News::new(format!("{}.", outcome.summary), next))
}

impl Submitted {
    /// Whether anything was ever given.
    #[must_use]
    pub fn any(&self) -> bool {
        !self.lines.is_empty()
    }

    /// Whether MAOS works on parts of a task, or has done some.
    #[must_use]
    pub fn given(&self, task: &str) -> bool {
        self.tasks
            .get(task)
            .is_some_and(|tally| tally.running + tally.done > 0)
    }

    /// How a task stands, in a word, when any of its parts was given.
    #[must_use]
    pub fn word(&self, task: &str, parts: usize) -> Option<(String, Role)> {
        self.tasks.get(task).map(|tally| tally.word(parts))
    }

    /// How a task stands, in a sign, when any of its parts was given.
    #[must_use]
    pub fn mark(&self, task: &str, parts: usize) -> Option<Mark> {
        self.tasks.get(task).map(|tally| tally.mark(parts))
    }

    /// The line of the part under the cursor.
    #[must_use]
    pub fn here(&self, tasks: &Tasks) -> Option<&Arc<Item>> {
        if tasks.region != Region::Stages {
            return None;
        }
        let (task, part) = (tasks.line()?.id.to_string(), tasks.part()?);
        let whole = tasks.open.as_ref().is_some_and(|open| open.graph.len() < 2);
        let key = if whole { task } else { format!("{task}/{part}") };
        self.lines.iter().find(|line| line.key == key)
    }

    /// What a person reads of the part under the cursor, in place of its rule.
    #[must_use]
    pub fn words(&self, tasks: &Tasks) -> Option<Row> {
        let item = self.here(tasks)?;
        let data = Data::of(item);
        let role = match item.state {
            ItemState::Failed => Role::Bad,
            ItemState::Skipped => Role::Warn,
            ItemState::Unknown => Role::Unknown,
            _ => Role::Text,
        };
        let id = data
            .id
            .map_or_else(String::new, |id| format!(" · {}", inert_short(&id, 40)));
        let took = item
            .ms
            .map_or_else(String::new, |ms| format!(" after {}", clock(ms / 1000)));
        Some(Row::new().at(3, item.state.word(), role).then(
            format!("{took}{id} · {}", inert_short(&item.text, 300)),
            Role::Text,
        ))
    }
}

/// `0:41`, as the boxes write it.
fn clock(seconds: u64) -> String {
    format!("{}:{:02}", seconds / 60, seconds % 60)
}

impl Tasks {
    /// Takes over what changed of the parts in MAOS's hands.
    pub fn follow(&mut self, cx: &Cx<'_>) {
        let items = step(cx).and_then(|step| step.items.get(VERB));
        let lines = items.map_or(&[][..], |items| items.all());
        if lines.is_empty() && self.submitted.lines.is_empty() {
            return;
        }
        if lines.len() < self.submitted.lines.len() {
            // Another journal, or begun anew.
            self.submitted = Submitted::default();
        }
        let shown = self
            .line()
            .map(|line| line.id.to_string())
            .zip(self.open.as_ref().map(|open| open.graph.len()));
        let anew =
            shown != self.submitted.shown || !self.open.as_ref().is_some_and(|open| open.graph.has_run());
        if anew {
            self.show_waiting(shown.as_ref());
            self.submitted.shown.clone_from(&shown);
        }
        let task = shown.map(|(task, _)| task).unwrap_or_default();
        for (at, line) in lines.iter().enumerate() {
            let known = self
                .submitted
                .lines
                .get(at)
                .is_some_and(|held| Arc::ptr_eq(held, line));
            if !known {
                self.submitted.take(at, line);
            }
            if !known || anew {
                self.show_line(line, &task);
            }
        }
        self.tick(cx);
    }

    /// Before anything is known of them, the parts of the open task wait.
    fn show_waiting(&mut self, shown: Option<&(String, usize)>) {
        self.submitted.running.clear();
        let given = shown.is_some_and(|(task, _)| self.submitted.tasks.contains_key(task));
        if let Some(open) = self.open.as_mut().filter(|_| given) {
            for node in 0..open.graph.len() {
                if let Ok(node) = NodeIx::try_from(node) {
                    open.graph.set_progress(node, State::Waiting, None, None);
                }
            }
        }
    }

    fn show_line(&mut self, line: &Item, task: &str) {
        let Some(open) = self.open.as_mut() else { return };
        let Some(node) = place(&line.key, task)
            .filter(|part| *part < open.graph.len())
            .and_then(|part| NodeIx::try_from(part).ok())
        else {
            return;
        };
        if !open.graph.has_run() {
            for other in 0..open.graph.len() {
                if let Ok(other) = NodeIx::try_from(other) {
                    open.graph.set_progress(other, State::Waiting, None, None);
                }
            }
        }
        let data = Data::of(line);
        let time = line.ms.and_then(|ms| u32::try_from(ms / 1000).ok());
        let why = matches!(
            line.state,
            ItemState::Failed | ItemState::Skipped | ItemState::Unknown
        )
        .then(|| inert_short(&line.text, 60));
        open.graph.set_progress(node, node_state(line.state), time, why);
        open.graph
            .set_external_id(node, data.id.map(|id| inert_short(&id, 40)));
        self.submitted.running.retain(|(running, _)| *running != node);
        if line.state == ItemState::Running {
            self.submitted.running.push((node, data.given_ms));
            self.submitted.second = 0;
        }
    }

    /// Sets the times of what runs, once a second.
    fn tick(&mut self, cx: &Cx<'_>) {
        if self.submitted.running.is_empty() {
            return;
        }
        cx.wake_in(std::time::Duration::from_secs(1));
        let now: Timestamp = cx.now.at;
        if self.submitted.second == now.as_second() {
            return;
        }
        self.submitted.second = now.as_second();
        let Some(open) = self.open.as_mut() else { return };
        for (node, since) in &self.submitted.running {
            let time =
                since.and_then(|since| u32::try_from((now.as_millisecond() - since).max(0) / 1000).ok());
            open.graph.set_progress(*node, State::Running, time, None);
        }
    }
}

impl Submitted {
    fn take(&mut self, at: usize, line: &Arc<Item>) {
        let before = self.lines.get(at).map(|held| held.state);
        self.all.change(before, line.state);
        let task = task_of(&line.key);
        if let Some(tally) = self.tasks.get_mut(task) {
            tally.change(before, line.state);
        } else {
            let mut tally = Tally::default();
            tally.change(before, line.state);
            self.tasks.insert(task.to_owned(), tally);
        }
        if at < self.lines.len() {
            self.lines[at] = Arc::clone(line);
        } else {
            self.lines.push(Arc::clone(line));
        }
    }
}
