//! Config: both configurations line by line. Until it runs, this screen decides and edits; running, done and failed are
//! drawn by the screen that the data steps share.

mod view;

use crossterm::event::KeyEvent;

use super::Screen;
use super::data_step::DataStep;
use crate::engine::Capability;
use crate::engine::command::{Command as Order, Typed};
use crate::engine::config::{self, View};
use crate::engine::journey;
use crate::engine::snapshot::Activity;
use crate::engine::views::Slot;
use crate::tui::app::context::{Answered, Cx, Effect, Handled, Purpose};
use crate::tui::keymap::{Action, Command};
use crate::tui::paint::Painter;
use crate::tui::style::Role;
use crate::tui::text;
use crate::tui::widgets::field::Field;
use crate::tui::widgets::frame::{News, Title};
use crate::tui::widgets::list::List;

const STEP: Capability = Capability::Config;

/// The screen.
#[derive(Debug)]
pub struct Config {
    step: DataStep,
    list: List,
    edit: Option<Field>,
    refusal: Option<String>,
    /// What was decided here, the last one last; `u` takes it back.
    decided: Vec<String>,
    /// Rows above the list, as of the last drawing.
    header: u16,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            step: DataStep::new(STEP),
            list: List::default(),
            edit: None,
            refusal: None,
            decided: Vec::new(),
            header: 0,
        }
    }
}

/// Whether both configurations are shown: nothing runs, nothing is proved yet, the step is open.
fn deciding(cx: &Cx<'_>) -> bool {
    let before = matches!(cx.snapshot.activity(STEP), Activity::Idle | Activity::Stopped);
    before && journey::gate(cx.snapshot, STEP).is_ok()
}

fn view<'a>(cx: &Cx<'a>) -> Option<&'a View> {
    cx.views.config.value().map(|(_, view)| view.as_ref())
}

impl Config {
    /// The row of the cursor.
    fn row<'a>(&self, cx: &Cx<'a>) -> Option<&'a config::view::Row> {
        view(cx)?.rows.get(self.list.cursor)
    }

    /// The conflict that the row of the cursor belongs to.
    fn conflict<'a>(&self, cx: &Cx<'a>) -> Option<&'a config::view::ConflictView> {
        let path = self.row(cx)?.path.as_ref()?;
        view(cx)?.conflicts.iter().find(|conflict| conflict.path == *path)
    }

    /// Goes to the next open conflict after the cursor, from the top when there is none below.
    fn next_conflict(&mut self, view: &View) {
        let rows: Vec<usize> = view.open().map(|conflict| conflict.row).collect();
        let below = rows.iter().find(|row| **row > self.list.cursor);
        if let Some(row) = below.or(rows.first()) {
            self.list.cursor = *row;
        }
    }

    /// Records a decision. Its answer reads both sides again: a reading sent beside it may come first and show the old state.
    fn decide(subject: &str, choice: serde_json::Value) -> Vec<Effect> {
        let order = Order::Decide {
            capability: STEP,
            subject: subject.to_owned(),
            choice,
        };
        vec![Effect::Ask(Purpose::Field(STEP), order)]
    }

    fn choose(&mut self, number: usize, cx: &Cx<'_>) -> Handled {
        let Some(conflict) = self.conflict(cx).filter(|_| cx.held().is_none()) else {
            return Handled::No;
        };
        if number == 0 || number > conflict.choices.len() {
            return Handled::done();
        }
        let subject = format!("choice:{}", conflict.path);
        self.decided.push(subject.clone());
        Handled::Yes(Self::decide(&subject, number.into()))
    }

    fn take_back(&mut self, cx: &Cx<'_>) -> Handled {
        let last = self.decided.pop().or_else(|| self.decided_before(cx));
        last.map_or_else(Handled::done, |subject| {
            Handled::Yes(Self::decide(&subject, serde_json::Value::Null))
        })
    }

    fn start_edit(&mut self, cx: &Cx<'_>) {
        if let Some(row) = self.row(cx).filter(|row| row.edit.is_some()) {
            let present = row.current.as_deref().unwrap_or("");
            // A secret is never shown, not even while it is typed.
            self.edit = Some(if row.secret {
                Field::line("").secret()
            } else {
                Field::line(present)
            });
            self.refusal = None;
        }
    }

    /// Hands a new secret over; the record says only that it was set.
    fn keep_secret(&mut self, name: String, text: String) -> Handled {
        self.decided.push(format!("secret:{name}"));
        let value = Typed::new(text);
        let order = Order::KeepSecret { name, value };
        Handled::one(Effect::Ask(Purpose::Field(STEP), order))
    }

    /// What was decided about the line of the cursor, in whichever session.
    fn decided_before(&self, cx: &Cx<'_>) -> Option<String> {
        let row = self.row(cx)?;
        let known = &cx.snapshot.step(STEP).decisions;
        let about = |kind: &str, key: &Option<String>| Some(format!("{kind}:{}", key.as_ref()?));
        let subjects = [
            about("secret", &row.edit).filter(|_| row.secret),
            about("edit", &row.edit),
            about("edit", &row.path),
            about("choice", &row.path),
        ];
        subjects
            .into_iter()
            .flatten()
            .find(|subject| known.contains_key(subject))
    }

    fn keep_edit(&mut self, cx: &Cx<'_>) -> Handled {
        let (Some(field), Some(row), Some(view)) = (&self.edit, self.row(cx), view(cx)) else {
            return Handled::done();
        };
        let typed = field.text().trim().to_owned();
        let Some(key) = row.edit.as_ref().filter(|_| !typed.is_empty()) else {
            self.edit = None;
            return Handled::done();
        };
        if row.secret && config::check_recordable(&format!("edit:{key}"), &typed.as_str().into()).is_err() {
            // As typed, spaces at its ends too: only the engine's memory and the environment file ever hold it.
            return self.keep_secret(key.clone(), field.text());
        }
        if let Err(error) = config::check_edit(view.profile, key, &typed) {
            let hint = error.hint.map(|hint| format!(" {hint}")).unwrap_or_default();
            let said = text::sentence(&error.message);
            self.refusal = Some(format!("{said}. Nothing was saved.{hint}"));
            return Handled::done();
        }
        let subject = format!("edit:{key}");
        self.decided.push(subject.clone());
        Handled::Yes(Self::decide(&subject, typed.into()))
    }

    /// The profile after the present one; also where nothing can be shown, for another one may be readable.
    fn next_profile(cx: &Cx<'_>) -> Handled {
        let set = cx.views.settings.value().and_then(|(_, settings)| {
            // An unknown word in the file gives way to the first profile.
            config::Profile::named(&settings.tuning.profile).ok()
        });
        let all = config::Profile::ALL;
        let at = set
            .or_else(|| view(cx).map(|view| view.profile))
            .and_then(|profile| all.iter().position(|one| *one == profile));
        let next = all[at.map_or(0, |at| (at + 1) % all.len())];
        let set = Order::Set {
            path: vec!["settings".to_owned(), "profile".to_owned()],
            value: next.name().to_owned(),
        };
        Handled::one(Effect::Ask(Purpose::Field(STEP), set))
    }

    fn off_edit(&self, cx: &Cx<'_>) -> Option<String> {
        let fixed = self.row(cx).is_none_or(|row| row.edit.is_none());
        cx.held()
            .or_else(|| fixed.then(|| "This line has no value of its own in MAOS.".to_owned()))
    }

    fn act_in_edit(&mut self, action: Action, cx: &Cx<'_>) -> Handled {
        match action {
            Action::Open | Action::NextRegion => self.keep_edit(cx),
            Action::Close | Action::Interrupt | Action::PreviousRegion => {
                self.edit = None;
                self.refusal = None;
                Handled::done()
            }
            _ => Handled::done(),
        }
    }

    fn act_next(&mut self, cx: &Cx<'_>) -> Handled {
        if let Some(view) = view(cx)
            && view.open().next().is_some()
        {
            self.next_conflict(view);
            return Handled::done();
        }
        let order = Order::Plan {
            capability: STEP,
            verb: "apply".to_owned(),
        };
        Handled::one(Effect::Ask(Purpose::Confirm(STEP), order))
    }
}

impl Screen for Config {
    fn entered(&mut self, cx: &Cx<'_>) -> Vec<Effect> {
        if deciding(cx) && cx.held().is_none() {
            vec![Effect::Send(Order::Read(STEP))]
        } else {
            self.step.entered(cx)
        }
    }

    fn title(&self, cx: &Cx<'_>) -> Title {
        if !deciding(cx) {
            return self.step.title(cx);
        }
        match (&cx.views.config, view(cx)) {
            (Slot::Failed(..), _) => Title::new("Config", "could not be read", ""),
            (slot, Some(view)) => {
                let read = slot
                    .value()
                    .map_or_else(String::new, |(at, _)| format!("read {}", cx.ago(at)));
                Title::new("Config", view.headline(), read)
            }
            _ => Title::new("Config", "reading both sides", ""),
        }
    }

    fn news(&self, cx: &Cx<'_>) -> News {
        if deciding(cx) {
            view::news(self, cx)
        } else {
            self.step.news(cx)
        }
    }

    fn commands(&self, cx: &Cx<'_>) -> Vec<Command> {
        if !deciding(cx) {
            return self.step.commands(cx);
        }
        let held = cx.held();
        let view = view(cx);
        let unread = view.is_none().then(|| "Both sides are not read yet.".to_owned());
        let open = view.is_some_and(|view| view.open().next().is_some());
        let next = if open {
            Command::new(Action::Next, "conflict").about("go to the next line that needs a decision")
        } else {
            Command::new(Action::Next, "write")
                .about("show what would be written, and ask")
                .off(held.clone().or(unread))
        };
        let conflict = self.conflict(cx);
        let keys = match conflict.map_or(2, |conflict| conflict.choices.len()) {
            2 => "1-2",
            3 => "1-3",
            _ => "1-9",
        };
        let no_conflict = conflict
            .is_none()
            .then(|| "This line is not in conflict.".to_owned());
        let nothing = (self.decided.is_empty() && self.decided_before(cx).is_none())
            .then(|| "Nothing was decided here.".to_owned());
        vec![
            next,
            Command::new(Action::Edit, "edit")
                .about("type another value for MAOS")
                .off(self.off_edit(cx)),
            Command::new(Action::View(1), "choose")
                .about("choose one of the values in conflict")
                .keys(keys)
                .off(held.clone().or(no_conflict)),
            Command::new(Action::Profile, "profile")
                .about("write for another reader: guide, reference, shipped")
                .off(held.clone()),
            Command::new(Action::TakeBack, "take back")
                .about("take the last decision or edit back")
                .off(held.or(nothing))
                .quiet(),
            Command::new(Action::ReadAgain, "read again")
                .about("read the legacy file again")
                .off(cx.held().filter(|_| !super::working::reads(cx))),
            Command::new(Action::Log, "log").quiet(),
        ]
    }

    fn act(&mut self, action: Action, cx: &Cx<'_>) -> Handled {
        if self.edit.is_some() {
            return self.act_in_edit(action, cx);
        }
        if !deciding(cx) {
            return self.step.act(action, cx);
        }
        self.refusal = None;
        let len = view(cx).map_or(0, |view| view.rows.len());
        if self.list.act(action, len) {
            return Handled::done();
        }
        match action {
            Action::Next => self.act_next(cx),
            Action::Edit | Action::Open => {
                if self.off_edit(cx).is_none() {
                    self.start_edit(cx);
                }
                Handled::done()
            }
            Action::View(number) => self.choose(usize::from(number), cx),
            Action::Profile => Self::next_profile(cx),
            Action::TakeBack => self.take_back(cx),
            Action::ReadAgain => Handled::one(Effect::Send(Order::Read(STEP))),
            _ => Handled::No,
        }
    }

    fn starts_edit(&mut self, c: char, cx: &Cx<'_>) -> Handled {
        match c.to_digit(10) {
            Some(number) if deciding(cx) && self.edit.is_none() => self.choose(number as usize, cx),
            _ => Handled::No,
        }
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
        let len = view(cx).map_or(0, |view| view.rows.len());
        let row = self.list.top + usize::from(y.saturating_sub(self.header));
        let inside = y >= self.header && usize::from(y - self.header) < self.list.page && row < len;
        if !deciding(cx) || !inside || self.edit.is_some() {
            return Handled::No;
        }
        if self.list.cursor == row {
            return self.act(Action::Open, cx);
        }
        self.list.cursor = row;
        Handled::done()
    }

    fn answered(&mut self, answer: &Answered, cx: &Cx<'_>) -> Handled {
        let (Purpose::Field(STEP), result) = answer else {
            return self.step.answered(answer, cx);
        };
        match result {
            Ok(_) => {
                self.edit = None;
                self.refusal = None;
                Handled::one(Effect::Send(Order::Read(STEP)))
            }
            Err(error) => {
                self.refusal = Some(format!("{}. Nothing was saved.", text::sentence(&error.message)));
                Handled::done()
            }
        }
    }

    fn remarks(&self, cx: &Cx<'_>) -> (Option<String>, Vec<String>) {
        let (_, mut remarks) = self.step.remarks(cx);
        if let Some(view) = view(cx)
            && view.unmapped > 0
        {
            let keys = crate::engine::text::plural(view.unmapped as u64, "key is", "keys are");
            remarks.push(format!(
                "{keys} not written; the report keeps every one with its reason."
            ));
        }
        (None, remarks)
    }

    fn render(&mut self, painter: &mut Painter<'_>, cx: &Cx<'_>) {
        if deciding(cx) {
            view::render(self, painter, cx);
        } else {
            self.step.render(painter, cx);
        }
    }

    fn script(&self, cx: &Cx<'_>) -> Option<String> {
        let profile = view(cx).map_or("guide", |view| view.profile.name());
        Some(format!(
            "maos-migrate config convert FILE -o OUT --profile {profile}"
        ))
    }
}

/// The role of a mark.
const fn role(mark: config::view::Mark) -> Role {
    use config::view::Mark;
    match mark {
        Mark::Same => Role::Ok,
        Mark::Changed => Role::Accent,
        Mark::Default => Role::Muted,
        Mark::Unmapped => Role::Unknown,
        Mark::Decide => Role::Warn,
    }
}
