//! Start: what moves, where to, and how carefully.
//!
//! ```text
//! Type         ( ) greenfield  (•) brownfield  ( ) hybrid  ( ) version upgrade
//! Sources      tasks        legacy/tasks.json                 ✓ 40 records
//!            ▸ database     postgres://app@db.acme:5432/app   ✓ 1,204,311 rows
//! Target       environment  (•) PRODUCTION  ( ) staging  ( ) development
//! Safety       [ ] read-only: nothing can be applied     [ ] dry run
//! ```

mod fields;
mod view;

use crossterm::event::KeyEvent;

use super::Screen;
use super::detail;
use crate::engine::Capability;
use crate::engine::command::Command as Order;
use crate::engine::journey;
use crate::engine::snapshot::{Activity, Step};
use crate::engine::text::count;
use crate::engine::views::{Check, Mode, Slot};
use crate::engine::workspace::Environment;
use crate::tui::app::context::{Answered, Cx, Effect, Handled, Purpose};
use crate::tui::keymap::{Action, Command};
use crate::tui::paint::Painter;
use crate::tui::style::Role;
use crate::tui::text;
use crate::tui::widgets::field::Field;
use crate::tui::widgets::frame::{News, Title};
use fields::{Entry, FIELDS};

/// The screen.
#[derive(Debug, Default)]
pub struct Start {
    cursor: usize,
    top: usize,
    edit: Option<Field>,
    refusal: Option<String>,
}

impl Start {
    fn field(&self) -> &'static Entry {
        &FIELDS[self.cursor.min(FIELDS.len() - 1)]
    }

    /// Why the assessment cannot begin: the first line that fails.
    fn blocked(cx: &Cx<'_>) -> Option<String> {
        if let Some(held) = cx.held() {
            return Some(held);
        }
        if let Slot::Failed(_, error) = &cx.views.settings {
            return Some(text::sentence(&error.message));
        }
        if cx.snapshot.migration.is_none() {
            return Some("The type of this migration is not chosen.".to_owned());
        }
        let Some((_, sources)) = cx.views.sources.value() else {
            return Some("Sources and target are not checked yet.".to_owned());
        };
        sources
            .lines
            .iter()
            .filter(|line| line.needed)
            .find_map(|line| match &line.check {
                Check::Bad(error) => Some(text::sentence(&error.message)),
                Check::Unset => Some(format!("Not named: {} {}.", line.path[0], line.path[1])),
                Check::Checking => Some("Sources and target are being checked.".to_owned()),
                Check::Good(_) | Check::Note(_) => None,
            })
    }

    /// Where somebody left off: the step that goes on, and the sentence about the last one.
    fn resume(cx: &Cx<'_>) -> Option<(Capability, String)> {
        let (last, goes_to) = journey::left_at(cx.snapshot)?;
        let title = last.title();
        let clock = |at: Option<jiff::Timestamp>| {
            at.map_or_else(String::new, |at| format!(" at {}", cx.now.clock(at)))
        };
        let idle = Step::default();
        let step = cx.step(last).unwrap_or(&idle);
        let sentence = match step.activity {
            Activity::Stopped | Activity::Failed => {
                let done = step.progress.as_ref().map_or_else(String::new, |progress| {
                    let total = progress
                        .total
                        .map_or_else(String::new, |total| format!(" of {}", count(total)));
                    format!(", {}{total} {} finished", count(progress.done), progress.unit)
                });
                let how = match step.activity {
                    Activity::Failed => "failed",
                    _ => "was stopped",
                };
                format!("{title} {how}{}{done}.", clock(step.ended))
            }
            activity if activity.is_done() => format!("{title} was done{}.", clock(step.ended)),
            activity if activity.is_active() => format!("{title} is under way."),
            _ => match (last, &cx.snapshot.readiness) {
                (Capability::Readiness, Some((at, _))) => {
                    format!("Readiness was computed{}.", clock(Some(*at)))
                }
                _ => format!("{title} was begun."),
            },
        };
        Some((goes_to, sentence))
    }

    /// Why nothing on this screen may be changed. A box of the settings that holds everything else can be taken back.
    fn kept(&self, cx: &Cx<'_>) -> Option<String> {
        let is_way_out = cx.views.mode == Mode::Operating
            && cx.views.lock_is_setting
            && matches!(self.field(), Entry::Box { .. });
        cx.held().filter(|_| !is_way_out)
    }

    fn set(path: &[&str], value: impl Into<String>) -> Effect {
        let path = path.iter().map(|key| (*key).to_owned()).collect();
        Effect::Ask(
            Purpose::Field(Capability::Start),
            Order::Set {
                path,
                value: value.into(),
            },
        )
    }

    fn keep_edit(&mut self) -> Handled {
        match (&self.edit, self.field()) {
            (Some(field), Entry::Path { path, .. }) => {
                let effect = Self::set(*path, field.text().trim());
                Handled::one(effect)
            }
            _ => Handled::No,
        }
    }

    fn start_edit(&mut self, cx: &Cx<'_>) {
        if let Entry::Path { path, .. } = self.field() {
            self.refusal = None;
            self.edit = Some(Field::line(&fields::value(cx, path)));
        }
    }

    fn choose(&self, cx: &Cx<'_>, back: bool) -> Handled {
        match self.field() {
            Entry::Choice { path, .. }
                if *path == ["environment"] && cx.snapshot.environment == Environment::Rehearsal =>
            {
                Handled::one(Effect::Say(News::new("A rehearsal stays a rehearsal.", "")))
            }
            Entry::Choice { path, options, .. } => {
                let now = fields::chosen(cx, path, options);
                let last = options.len() - 1;
                let next = match (now, back) {
                    (None, _) => 0,
                    (Some(at), false) => (at + 1) % options.len(),
                    (Some(at), true) => at.checked_sub(1).unwrap_or(last),
                };
                Handled::one(Self::set(path, options[next].key))
            }
            Entry::Box { path, .. } => {
                let on = fields::ticked(cx, path);
                // An empty value would be none, and a box takes only yes or no.
                Handled::one(Self::set(*path, if on { "false" } else { "true" }))
            }
            Entry::Path { .. } => Handled::done(),
        }
    }
}

impl Screen for Start {
    fn entered(&mut self, cx: &Cx<'_>) -> Vec<Effect> {
        let unread = matches!(cx.views.settings, Slot::Empty) || matches!(cx.views.sources, Slot::Empty);
        if unread && cx.held().is_none() {
            return vec![Effect::Send(Order::CheckSources)];
        }
        Vec::new()
    }

    fn title(&self, cx: &Cx<'_>) -> Title {
        let checked = match &cx.views.sources {
            Slot::Loading(_) => "checking".to_owned(),
            slot => slot
                .value()
                .map_or_else(String::new, |(at, _)| format!("checked {}", cx.ago(at))),
        };
        let facts = if Self::resume(cx).is_some() {
            "this migration was begun"
        } else {
            "set up this migration"
        };
        Title::new("Start", facts, checked)
    }

    fn news(&self, cx: &Cx<'_>) -> News {
        if let Some(refusal) = &self.refusal {
            return News::new(refusal.clone(), "").role(Role::Bad);
        }
        if self.edit.is_some() {
            return News::new(
                "Nothing is saved yet.",
                "Enter keeps it, Esc leaves the old value",
            );
        }
        if cx.views.mode == Mode::Opening {
            return News::new("The journal is being opened.", "wait");
        }
        if let Mode::Watching(holder) = &cx.views.mode {
            let (who, host, since) = (&holder.operator, &holder.host, cx.now.clock(holder.since));
            let what =
                format!("Open read-only: {who} operates this workspace from host {host} since {since}.");
            return News::new(what, "R works").role(Role::Warn);
        }
        if let Mode::Failed(error) = &cx.views.mode {
            return News::new(
                format!("{}.", text::sentence(error.message.trim_end_matches('.'))),
                "the whole cause stands above",
            )
            .role(Role::Bad);
        }
        if let Some(held) = cx.held() {
            let next = match (self.kept(cx), cx.views.lock_is_setting) {
                (None, _) => "Space changes it",
                (_, true) => "untick it under Safety",
                (_, false) => "look around; R works",
            };
            return News::new(held, next).role(Role::Warn);
        }
        if let Slot::Failed(_, error) = &cx.views.settings {
            let hint = error
                .hint
                .clone()
                .unwrap_or_else(|| "r reads it again".to_owned());
            let said = format!("{}.", text::sentence(error.message.trim_end_matches('.')));
            return News::new(said, hint).role(Role::Bad);
        }
        if let Some((capability, sentence)) = Self::resume(cx) {
            let short = sentence
                .split_once(',')
                .map_or(sentence.as_str(), |(head, _)| head);
            let short = format!("Resume: {}.", short.trim_end_matches('.'));
            return News::new(
                format!("Resume: {sentence}"),
                format!("n goes to {}", capability.title()),
            )
            .short(short);
        }
        if matches!(cx.views.sources, Slot::Loading(_)) {
            return News::new("Sources and target are being checked.", "wait");
        }
        if let Some(reason) = Self::blocked(cx) {
            return News::new(reason, "correct it here or in migration.yml").role(Role::Warn);
        }
        match cx.snapshot.warnings.first() {
            Some(warning) => News::new(warning.clone(), "n begins").role(Role::Warn),
            None if fields::is_sample(cx) => {
                News::new("Nothing is changed until you approve a plan.", "n begins")
            }
            None => News::new(
                "Sources and target answer.",
                "n begins the assessment; it only reads",
            ),
        }
    }

    fn commands(&self, cx: &Cx<'_>) -> Vec<Command> {
        if self.edit.is_some() {
            return detail::edit_commands();
        }
        let held = cx.held();
        let next = match Self::resume(cx) {
            Some((capability, _)) => Command::new(Action::Next, capability.title().to_lowercase()).about(
                format!("go to {}, where this migration goes on", capability.title()),
            ),
            None => Command::new(Action::Next, "begin").about("begin the assessment; it only reads"),
        };
        let is_path = matches!(self.field(), Entry::Path { .. });
        let path_only = (!is_path).then(|| "This is chosen with Space.".to_owned());
        let choice_only = is_path.then(|| "This is edited with Enter.".to_owned());
        // Going where somebody was before needs no source: the step says what it lacks.
        let off = Self::resume(cx).map_or_else(|| Self::blocked(cx), |_| None);
        vec![
            next.off(off),
            Command::new(Action::Open, "edit").off(held.clone().or(path_only)),
            Command::new(Action::Mark, "choose").off(self.kept(cx).or(choice_only)),
            Command::new(Action::ReadAgain, "check")
                .about("check every line again")
                .off(held),
        ]
    }

    fn act(&mut self, action: Action, cx: &Cx<'_>) -> Handled {
        let last = FIELDS.len() - 1;
        if self.edit.is_some() {
            return match action {
                Action::Open | Action::NextRegion => self.keep_edit(),
                Action::Close | Action::Interrupt | Action::PreviousRegion => {
                    self.edit = None;
                    self.refusal = None;
                    Handled::done()
                }
                _ => Handled::done(),
            };
        }
        match action {
            Action::Up | Action::PreviousRegion => self.cursor = self.cursor.saturating_sub(1),
            Action::Down | Action::NextRegion => self.cursor = (self.cursor + 1).min(last),
            Action::First | Action::PageUp => self.cursor = 0,
            Action::Last | Action::PageDown => self.cursor = last,
            Action::Left if matches!(self.field(), Entry::Choice { .. }) && cx.held().is_none() => {
                return self.choose(cx, true);
            }
            Action::Right if matches!(self.field(), Entry::Choice { .. }) && cx.held().is_none() => {
                return self.choose(cx, false);
            }
            Action::Open => {
                if matches!(self.field(), Entry::Path { .. }) {
                    self.start_edit(cx);
                } else {
                    return self.choose(cx, false);
                }
            }
            Action::Mark => return self.choose(cx, false),
            Action::ReadAgain => return Handled::one(Effect::Send(Order::CheckSources)),
            Action::Next => {
                let to = Self::resume(cx).map_or(Capability::Assess, |(capability, _)| capability);
                return Handled::one(Effect::Go(to));
            }
            _ => return Handled::No,
        }
        self.refusal = None;
        Handled::done()
    }

    fn editing(&self) -> bool {
        self.edit.is_some()
    }

    fn typed(&mut self, key: &KeyEvent, _cx: &Cx<'_>) -> Handled {
        match self.edit.as_mut().map(|field| field.typed(key)) {
            Some(true) => {
                self.refusal = None;
                Handled::done()
            }
            _ => Handled::No,
        }
    }

    fn click(&mut self, _x: u16, y: u16, cx: &Cx<'_>) -> Handled {
        match view::field_at(self, y, cx) {
            Some(index) if index != self.cursor => {
                self.cursor = index;
                Handled::done()
            }
            Some(_) => self.act(Action::Open, cx),
            None => Handled::No,
        }
    }

    fn answered(&mut self, answer: &Answered, _cx: &Cx<'_>) -> Handled {
        let (Purpose::Field(Capability::Start), result) = answer else {
            return Handled::No;
        };
        match result {
            Ok(_) => {
                self.edit = None;
                self.refusal = None;
            }
            Err(error) => {
                let hint = error
                    .hint
                    .as_deref()
                    .map(|hint| format!(" {hint}"))
                    .unwrap_or_default();
                self.refusal = Some(format!(
                    "{}. Nothing was saved.{hint}",
                    text::sentence(&error.message)
                ));
            }
        }
        Handled::done()
    }

    fn render(&mut self, painter: &mut Painter<'_>, cx: &Cx<'_>) {
        view::render(self, painter, cx);
    }

    fn remarks(&self, cx: &Cx<'_>) -> (Option<String>, Vec<String>) {
        (None, detail::quarantine_remark(cx).into_iter().collect())
    }

    fn script(&self, _cx: &Cx<'_>) -> Option<String> {
        Some("maos-migrate doctor".to_owned())
    }
}
