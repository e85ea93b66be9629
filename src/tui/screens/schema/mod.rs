//! Schema: the census of the legacy rows with the fate of every value, the run as chunks, the proof line by line.
//!
//! Three views, one key each; the view follows the state until somebody chooses one.

mod census;
mod decide;
pub mod model;
pub mod proof;
pub mod run;
mod tabs;

use std::time::Duration;

use super::working::NOT_RUN;
use super::{Screen, detail, working};
use crate::engine::Capability;
use crate::engine::command::Command as Order;
use crate::engine::runner::Reply;
use crate::engine::snapshot::{Activity, Step};
use crate::engine::text::{inert, phrase, plural};
use crate::engine::views::Slot;
use crate::tui::app::context::{Answered, Cx, Effect, Handled, Purpose};
use crate::tui::keymap::{Action, Command};
use crate::tui::layout::Density;
use crate::tui::paint::{Painter, Row, keep};
use crate::tui::style::Role;
use crate::tui::text;
use crate::tui::widgets::frame::{News, Title};
use crate::tui::widgets::list::List;
use crate::tui::widgets::progress::Pace;
use decide::{choose_pace, decide_running, edit_mapping};
use model::moment;

const STEP: Capability = Capability::Schema;
const APPLY: &str = "apply";
const UNDO: &str = "undo";
/// More workers than this are not asked for with a key.
const MOST_WORKERS: usize = 64;

/// One of the three views.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum View {
    Census,
    Run,
    Proof,
}

/// The screen.
#[derive(Debug, Default)]
pub struct Schema {
    pace: Pace,
    list: List,
    /// The view somebody chose; it is forgotten when a run begins or ends.
    chosen: Option<(View, Activity)>,
    /// Since when a plan for a dialog is being made.
    asked: Option<Duration>,
    /// Whether the last plan takes rows away.
    removes: bool,
    /// How far the run and proof views are scrolled.
    top: usize,
    /// The row of the pane where the census list begins, as of the last drawing.
    first_row: Option<u16>,
    /// Why a row is in quarantine and the row, while the census that holds its value is on its way.
    wanted: Option<String>,
}

fn activity(cx: &Cx<'_>) -> Activity {
    cx.snapshot.activity(STEP)
}

fn step<'a>(cx: &Cx<'a>) -> Option<&'a Step> {
    cx.step(STEP)
}

impl Schema {
    fn view(&self, cx: &Cx<'_>) -> View {
        let activity = activity(cx);
        match self.chosen {
            Some((view, then)) if then == activity => view,
            _ => match activity {
                Activity::Idle => View::Census,
                Activity::Done | Activity::DoneWithQuarantine => View::Proof,
                _ => View::Run,
            },
        }
    }

    fn ask(&mut self, verb: &str, cx: &Cx<'_>) -> Handled {
        self.asked = Some(cx.now.mono);
        working::confirm(STEP, verb)
    }

    fn next(&mut self, cx: &Cx<'_>) -> Handled {
        let activity = activity(cx);
        if let Some(goes) = working::next(cx, STEP) {
            return goes;
        }
        match &cx.views.schema {
            Slot::Ready(at, prepared) => {
                if let Some(line) = model::open_decision(prepared) {
                    self.chosen = Some((View::Census, activity));
                    self.list.cursor = line;
                    return Handled::one(decide_running(prepared, cx));
                }
                if model::stale(cx, *at) {
                    return Handled::one(Effect::Send(Order::Read(STEP)));
                }
                self.ask(APPLY, cx)
            }
            Slot::Empty | Slot::Failed(..) if activity == Activity::Idle => {
                Handled::one(Effect::Send(Order::Read(STEP)))
            }
            _ => self.ask(APPLY, cx),
        }
    }

    fn next_command(&self, cx: &Cx<'_>) -> Command {
        let activity = activity(cx);
        if let Some(next) = working::next_command(cx, STEP, "The proof is not finished.") {
            return next;
        }
        let planning = self.asked.map(|_| "The plan is being made.".to_owned());
        let plan = |label: String| {
            Command::new(Action::Next, label)
                .about("show the plan and ask before anything is changed")
                .off(working::off(cx, STEP).or(planning))
        };
        match &cx.views.schema {
            Slot::Ready(at, prepared) => {
                if model::open_decision(prepared).is_some() {
                    return Command::new(Action::Next, "decide")
                        .about("decide about the rows that run in the legacy system")
                        .off(cx.held());
                }
                if let Some(block) = model::block(prepared) {
                    return Command::new(Action::Next, "copy").off(Some(format!(
                        "{}. {}",
                        text::sentence(&block.sentence),
                        block.hint
                    )));
                }
                if model::stale(cx, *at) {
                    return Command::new(Action::Next, "recount")
                        .about("the census is older than 10 min: count again before the copy")
                        .off(off_read(cx));
                }
                let label = if activity == Activity::Idle {
                    // Rows that are there already are proved again, which is another thing than copying them.
                    phrase(&prepared.plan.title)
                } else {
                    "go on".to_owned()
                };
                plan(label)
            }
            Slot::Loading(_) => {
                Command::new(Action::Next, "copy").off(Some("The rows are being counted.".to_owned()))
            }
            Slot::Empty | Slot::Failed(..) if activity == Activity::Idle => {
                Command::new(Action::Next, "count")
                    .about("count every value of the legacy rows; reads only")
                    .off(off_read(cx))
            }
            _ => plan("go on".to_owned()),
        }
    }

    /// What stands on the cursor's line of the census, and can be edited.
    fn here(&self, cx: &Cx<'_>) -> Option<model::Value> {
        let (_, prepared) = model::census(cx)?;
        model::value(prepared, self.list.cursor)
    }

    fn edit(&self, cx: &Cx<'_>) -> Handled {
        let (Some((_, prepared)), Some(value)) = (model::census(cx), self.here(cx)) else {
            return Handled::one(Effect::Say(News::new(
                "No mapping changes this: the rows themselves would have to be mended.",
                "",
            )));
        };
        if model::is_running(prepared, &value) {
            return Handled::one(decide_running(prepared, cx));
        }
        Handled::one(edit_mapping(prepared, &value, self.list.cursor, cx))
    }

    fn undoable(cx: &Cx<'_>) -> Option<String> {
        if !model::ran(step(cx)) {
            return Some("No rows were copied.".to_owned());
        }
        if cx.snapshot.active().is_some() {
            return Some("Finish or stop the run first.".to_owned());
        }
        cx.held()
    }

    fn workers(more: bool, cx: &Cx<'_>) -> Handled {
        let Some(live) = &cx.views.schema_run else {
            return Handled::done();
        };
        let wished = live.view().workers.1;
        let wanted = if more {
            (wished + 1).min(MOST_WORKERS)
        } else {
            wished.saturating_sub(1).max(1)
        };
        if wanted == wished {
            let said = if more {
                format!("{MOST_WORKERS} workers are the most.")
            } else {
                "One worker is the least; p pauses.".to_owned()
            };
            return Handled::one(Effect::Say(News::new(said, "")));
        }
        Handled::Yes(vec![
            Effect::Send(Order::Workers(wanted)),
            Effect::Say(News::new(
                format!("{} asked for.", plural(wanted as u64, "worker", "workers")),
                "a database that takes one writer keeps one",
            )),
        ])
    }
}

fn off_read(cx: &Cx<'_>) -> Option<String> {
    let reading = matches!(cx.views.schema, Slot::Loading(_)).then_some("The rows are being counted.");
    working::off_reading(cx, STEP, reading, "Rows are being copied.")
}

impl Screen for Schema {
    fn show(&mut self, what: &str, cx: &Cx<'_>) {
        self.chosen = Some((View::Census, activity(cx)));
        self.wanted = Some(what.to_owned());
        self.refresh(cx);
    }

    fn refresh(&mut self, cx: &Cx<'_>) {
        let Some((_, prepared)) = model::census(cx) else {
            return;
        };
        if let Some(line) = self
            .wanted
            .take()
            .and_then(|what| model::line_of(prepared, &what))
        {
            self.list.cursor = line;
        }
    }

    fn entered(&mut self, cx: &Cx<'_>) -> Vec<Effect> {
        self.asked = None;
        self.wanted = None;
        let wanted = matches!(
            activity(cx),
            Activity::Idle | Activity::Stopped | Activity::Failed
        );
        if wanted
            && matches!(cx.views.schema, Slot::Empty)
            && off_read(cx).is_none()
            && cx.snapshot.active().is_none()
        {
            return vec![Effect::Send(Order::Read(STEP))];
        }
        Vec::new()
    }

    fn title(&self, cx: &Cx<'_>) -> Title {
        let activity = activity(cx);
        let census = model::census(cx);
        let move_of = |prepared: &crate::engine::schema::Prepared, verb: &str| {
            let shape = if prepared.setup.create_tasks {
                "guide shape, new"
            } else {
                "guide shape"
            };
            format!(
                "{verb}{} {} ▸ {}, {shape}",
                inert(&prepared.census.table),
                plural(prepared.census.rows, "row", "rows"),
                prepared.recipe.target.table.name
            )
        };
        let phase = step(cx)
            .and_then(|step| step.progress.as_ref())
            .map(|progress| progress.phase.clone())
            .filter(|phase| !phase.is_empty());
        let facts = match activity {
            Activity::Idle if working::locked(cx, STEP).is_some() => "locked".to_owned(),
            Activity::Idle => match (&cx.views.schema, census) {
                (Slot::Failed(..), _) => "the rows could not be counted".to_owned(),
                (_, Some((_, prepared))) => move_of(prepared, ""),
                (Slot::Loading(_), None) => "counting the legacy rows".to_owned(),
                _ => "not counted".to_owned(),
            },
            Activity::Running | Activity::Stopping | Activity::Paused => {
                let phase = phase.unwrap_or_else(|| activity.word().to_owned());
                let all = step(cx)
                    .and_then(|step| step.progress.as_ref())
                    .is_some_and(|progress| progress.total.is_some_and(|total| progress.done >= total));
                if phase.starts_with("prov") && all {
                    "all rows copied, proof running".to_owned()
                } else {
                    match census {
                        Some((_, prepared)) => format!(
                            "{phase} {} ▸ {}",
                            inert(&prepared.census.table),
                            prepared.recipe.target.table.name
                        ),
                        None => phase,
                    }
                }
            }
            Activity::Done | Activity::DoneWithQuarantine => {
                working::accounted(step(cx)).map_or_else(String::new, |sum| format!("proved: {sum}"))
            }
            Activity::Stopped | Activity::Failed => activity.word().to_owned(),
        };
        let mut title = Title::new("Schema", facts, "");
        if activity.is_active() {
            title.right = working::fresh(cx);
        } else if activity.is_done() && self.view(cx) != View::Census {
            title.right = working::ended(cx, STEP);
        } else if let Some((at, _)) = census {
            title.right = cx.old(at);
            if model::stale(cx, at) {
                title.right_role = Role::Unknown;
            }
        }
        title
    }

    fn news(&self, cx: &Cx<'_>) -> News {
        let activity = activity(cx);
        if activity == Activity::Idle || (self.view(cx) == View::Census && !activity.is_active()) {
            return census::news(self, cx);
        }
        run::news(cx)
    }

    fn commands(&self, cx: &Cx<'_>) -> Vec<Command> {
        let activity = activity(cx);
        let view = self.view(cx);
        let mut commands = Vec::new();
        if activity.is_active() {
            commands.extend(working::commands(cx, activity));
            commands.push(self.next_command(cx));
            let no_workers = cx
                .views
                .schema_run
                .is_none()
                .then(|| "The run has not begun to copy.".to_owned());
            commands.push(
                Command::new(Action::More, "workers")
                    .and(Action::Fewer)
                    .about("pace: more or fewer workers")
                    .off(cx.held().or(no_workers)),
            );
            commands.push(
                Command::new(Action::Pace, "pace")
                    .about("pace: rows a second at most")
                    .off(cx.held()),
            );
        } else {
            commands.push(self.next_command(cx));
        }
        let aside = step(cx).is_some_and(|step| !step.quarantine.is_empty());
        if aside {
            commands.push(Command::new(Action::Quarantine, "quarantine"));
        }
        if !activity.is_active() {
            if view == View::Census && model::census(cx).is_some() {
                let fixed = self
                    .here(cx)
                    .is_none()
                    .then(|| "No mapping changes this line.".to_owned());
                commands.push(
                    Command::new(Action::Edit, "mapping")
                        .about("what the value under the cursor becomes")
                        .off(fixed.clone().or_else(|| cx.held())),
                );
                commands.push(
                    Command::new(Action::Open, "edit")
                        .about("decide or edit what the cursor is on")
                        .off(fixed.or_else(|| cx.held()))
                        .quiet(),
                );
            }
            commands.push(
                Command::new(Action::ReadAgain, "recount")
                    .about("count every value of the legacy rows again; reads only")
                    .off(off_read(cx)),
            );
            let about = "run it again; rows already in place are recognised and left";
            let off = || working::off(cx, STEP);
            commands.push(working::again(cx, STEP, about, NOT_RUN, off).quiet());
        }
        let undo = Command::new(Action::TakeBack, "undo")
            .about("remove exactly the rows of this run")
            .off(Self::undoable(cx));
        commands.push(if activity.is_done() { undo } else { undo.quiet() });
        let views = Command::new(Action::View(1), "views")
            .keys("1-3")
            .about("census, run, proof");
        commands.push(views);
        commands.push(Command::new(Action::View(2), "run").quiet());
        commands.push(Command::new(Action::View(3), "proof").quiet());
        commands.push(Command::new(Action::Log, "log"));
        commands
    }

    fn act(&mut self, action: Action, cx: &Cx<'_>) -> Handled {
        let activity = activity(cx);
        let view = self.view(cx);
        match action {
            Action::Next => self.next(cx),
            Action::TryAgain => self.ask(APPLY, cx),
            Action::TakeBack => self.ask(UNDO, cx),
            Action::Pause | Action::Stop => working::act(action, cx, STEP),
            Action::More | Action::Fewer => Self::workers(action == Action::More, cx),
            Action::Pace => Handled::one(choose_pace(cx)),
            Action::ReadAgain => {
                self.chosen = Some((View::Census, activity));
                Handled::one(Effect::Send(Order::Read(STEP)))
            }
            Action::View(number) => {
                let view = match number {
                    1 => View::Census,
                    2 => View::Run,
                    3 => View::Proof,
                    _ => return Handled::No,
                };
                self.chosen = Some((view, activity));
                self.top = 0;
                Handled::done()
            }
            Action::Edit | Action::Open if view == View::Census && !activity.is_active() => self.edit(cx),
            action if view == View::Census => {
                let len = model::census(cx).map_or(0, |(_, prepared)| prepared.census.values.len());
                if self.list.act(action, len) {
                    Handled::done()
                } else {
                    Handled::No
                }
            }
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

    fn click(&mut self, _x: u16, y: u16, cx: &Cx<'_>) -> Handled {
        if self.view(cx) != View::Census {
            return Handled::No;
        }
        let (Some(first), Some((_, prepared))) = (self.first_row, model::census(cx)) else {
            return Handled::No;
        };
        let index = self.list.top + usize::from(y.saturating_sub(first));
        let len = prepared.census.values.len();
        if y < first || usize::from(y - first) >= self.list.page || index >= len {
            return Handled::No;
        }
        if index == self.list.cursor {
            return self.act(Action::Open, cx);
        }
        self.list.cursor = index;
        Handled::done()
    }

    fn answered(&mut self, answer: &Answered, _cx: &Cx<'_>) -> Handled {
        if let (Purpose::Confirm(STEP), result) = answer {
            self.asked = None;
            self.removes = matches!(result, Ok(Reply::Plan(plan)) if plan.verb == UNDO);
        }
        Handled::No
    }

    fn remarks(&self, cx: &Cx<'_>) -> (Option<String>, Vec<String>) {
        let time = Some("the proof follows by itself; can be paused and stopped at any chunk".to_owned());
        // Rows that are taken back leave the quarantine, too.
        let aside = detail::quarantine_remark(cx).filter(|_| !self.removes);
        (time, aside.into_iter().collect())
    }

    fn render(&mut self, painter: &mut Painter<'_>, cx: &Cx<'_>) {
        let width = painter.width();
        if activity(cx) == Activity::Idle
            && let Some(locked) = working::locked(cx, STEP)
        {
            let mut rows = vec![
                Row::new()
                    .at(1, cx.look.glyphs.locked, Role::Muted)
                    .at(3, format!("Locked: {}", locked.sentence), Role::Warn)
                    .keep(keep::ALWAYS),
                Row::blank(),
            ];
            rows.extend(detail::labelled(
                "For",
                ABOUT,
                14,
                width,
                Role::Text,
                keep::NORMAL,
            ));
            painter.rows(&rows);
            return;
        }
        self.first_row = None;
        let moment = moment(&mut self.pace, cx);
        if activity(cx) == Activity::Running {
            // Figures are live four times a second.
            cx.wake_in(Duration::from_millis(250));
        }
        let tabs = self.tabs(moment.as_ref(), cx);
        painter.row(0, &tabs);
        let height = painter.height();
        let gap = u16::from(cx.density <= Density::Rail);
        if gap > 0 {
            painter.row(1, &Row::rule());
        }
        let area = ratatui::layout::Rect::new(0, 1 + gap, width, height.saturating_sub(1 + gap));
        let mut part = painter.part(area);
        match self.view(cx) {
            View::Census => {
                census::render(self, &mut part, cx);
                self.first_row = self.first_row.map(|row| row + 1 + gap);
            }
            View::Run => run::render(self, &mut part, moment.as_ref(), cx),
            View::Proof => proof::render(self, &mut part, moment.as_ref(), cx),
        }
    }

    fn script(&self, _cx: &Cx<'_>) -> Option<String> {
        Some("maos-migrate schema apply --source URL --target URL --yes".to_owned())
    }
}

/// What the step is for.
const ABOUT: &str = "Copies the legacy rows into MAOS's table in small committed chunks, then proves row by row that \
                     nothing is missing or changed.";
