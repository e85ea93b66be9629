//! Assess: the questionnaire. Probes answer what they can, with evidence; everything else is a form one wants to fill in.
//!
//! ```text
//! 1 ✓ Workflow 4/4  2 ✓ Baseline 6/6  3 ▸ Requirements 7/8  4 ○ Readiness 3/4
//! ────────────────────────────────────────────────────────────────────────────
//!   CPU cores            16                   probed  sched affinity     14:01
//! ▸ Network link         [ 1000▏      ] Mbps  not answered
//! ```

mod view;

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use super::Screen;
use crate::engine::Capability;
use crate::engine::assess::view::{AssessView, RowView, State};
use crate::engine::assess::{Kind, Question, Questionnaire, Source, Value};
use crate::engine::command::Command as Order;
use crate::engine::runner::Reply;
use crate::engine::snapshot::Activity;
use crate::tui::app::context::{Answered, Cx, Effect, Handled, Purpose};
use crate::tui::keymap::{Action, Command};
use crate::tui::overlays::confirm::Confirm;
use crate::tui::paint::Painter;
use crate::tui::style::Role;
use crate::tui::text;
use crate::tui::widgets::field::Field;
use crate::tui::widgets::frame::{News, Title};
use crate::tui::widgets::list::List;

/// The verb that writes the two assessment files.
const WRITE: &str = "write";

/// The screen.
#[derive(Debug, Default)]
pub struct Assess {
    section: usize,
    list: List,
    edit: Option<Field>,
    refusal: Option<String>,
    /// The question whose typed answer is on its way.
    sent: Option<String>,
    /// Whether the plan of the report is being made.
    asked: bool,
}

/// The questionnaire, where it has been read.
fn questionnaire<'a>(cx: &Cx<'a>) -> Option<&'a Questionnaire> {
    match &cx.views.questionnaire {
        Some(Ok(questionnaire)) => Some(questionnaire.as_ref()),
        _ => None,
    }
}

fn form(cx: &Cx<'_>) -> Option<AssessView> {
    questionnaire(cx)
        .map(|questionnaire| AssessView::new(questionnaire, &cx.snapshot.answers, &cx.views.probing))
}

impl Assess {
    fn row(&self, form: &AssessView) -> Option<RowView> {
        form.rows.get(self.section)?.get(self.list.cursor).cloned()
    }

    fn question<'a>(&self, cx: &Cx<'a>, form: &AssessView) -> Option<&'a Question> {
        let row = self.row(form)?;
        questionnaire(cx)?.question(&row.id)
    }

    /// Moves the cursor to a question.
    fn jump(&mut self, form: &AssessView, id: &str) {
        for (section, rows) in form.rows.iter().enumerate() {
            if let Some(at) = rows.iter().position(|row| row.id == id) {
                self.section = section;
                self.list.cursor = at;
            }
        }
        self.refusal = None;
    }

    /// The next question without an answer after the cursor, round to the first.
    fn next_open(&self, form: &AssessView) -> Option<String> {
        let all: Vec<&RowView> = form.rows.iter().flatten().collect();
        let here = form.rows.iter().take(self.section).map(Vec::len).sum::<usize>() + self.list.cursor;
        let open = |row: &&&RowView| matches!(row.state, State::NotAnswered);
        let after = all.iter().skip(here + 1).find(open);
        after.or_else(|| all.iter().find(open)).map(|row| row.id.clone())
    }

    /// Down one question, into the next section at the end of one.
    fn step(&mut self, form: &AssessView, forward: bool) {
        let len = form.rows.get(self.section).map_or(0, Vec::len);
        if forward {
            if self.list.cursor + 1 < len {
                self.list.cursor += 1;
            } else if self.section + 1 < form.rows.len() {
                self.section += 1;
                self.list = List::default();
            }
        } else if self.list.cursor > 0 {
            self.list.cursor -= 1;
        } else if self.section > 0 {
            self.section -= 1;
            self.list = List::default();
            self.list.cursor = form
                .rows
                .get(self.section)
                .map_or(0, |rows| rows.len().saturating_sub(1));
        }
        self.refusal = None;
    }

    fn start_edit(&mut self, cx: &Cx<'_>, with: Option<char>) -> Handled {
        let Some(form) = form(cx) else {
            return Handled::No;
        };
        let Some(question) = self.question(cx, &form) else {
            return Handled::No;
        };
        // What is chosen needs no typing.
        if matches!(question.kind, Kind::Choice(_) | Kind::YesNo) {
            return self.cycle(cx);
        }
        let present = with.map_or_else(|| Self::present(cx, question), |c| c.to_string());
        self.refusal = None;
        self.edit = Some(match question.kind {
            Kind::Text => Field::prose(&present),
            _ => Field::line(&present),
        });
        Handled::done()
    }

    /// The present answer as it would be typed.
    fn present(cx: &Cx<'_>, question: &Question) -> String {
        match cx.snapshot.answers.value(&question.id) {
            None => String::new(),
            Some(Value::YesNo(yes)) => if *yes { "yes" } else { "no" }.to_owned(),
            Some(Value::Number(number)) => number.to_string(),
            Some(Value::Integer(number)) => number.to_string(),
            Some(Value::Choice(text) | Value::Text(text) | Value::Version(text) | Value::Word(text)) => {
                text.clone()
            }
        }
    }

    fn keep_edit(&mut self, cx: &Cx<'_>) -> Handled {
        let (Some(field), Some(form)) = (&self.edit, form(cx)) else {
            return Handled::No;
        };
        let Some(question) = self.question(cx, &form) else {
            return Handled::No;
        };
        let typed = field.text();
        if typed.trim().is_empty() {
            self.edit = None;
            let clear = Order::ClearAnswer {
                question: question.id.clone(),
            };
            let had = cx.snapshot.answers.get(&question.id).is_some();
            return if had {
                Handled::one(Effect::Send(clear))
            } else {
                Handled::done()
            };
        }
        // What is wrong is said before anything is sent; the engine says the same.
        if let Err(refusal) = question.parse(&typed) {
            self.refusal = Some(unsaved(&refusal.to_string()));
            return Handled::done();
        }
        self.sent = Some(question.id.clone());
        let order = Order::Answer {
            question: question.id.clone(),
            typed,
        };
        Handled::one(Effect::Ask(Purpose::Field(Capability::Assess), order))
    }

    /// Space: yes, no, not answered; the next option of a choice.
    fn cycle(&mut self, cx: &Cx<'_>) -> Handled {
        let Some(form) = form(cx) else {
            return Handled::No;
        };
        let Some(question) = self.question(cx, &form) else {
            return Handled::No;
        };
        let id = question.id.clone();
        let present = cx.snapshot.answers.value(&id);
        let typed = match &question.kind {
            Kind::YesNo => {
                let now = match present {
                    Some(Value::YesNo(yes)) => Some(*yes),
                    _ => None,
                };
                Question::cycle(now).map(|yes| if yes { "yes" } else { "no" }.to_owned())
            }
            Kind::Choice(options) => {
                let at = match present {
                    Some(Value::Choice(id)) => options.iter().position(|option| option.id == *id),
                    _ => None,
                };
                let next = at.map_or(0, |at| at + 1);
                options.get(next).map(|option| option.id.clone())
            }
            _ => return Handled::done(),
        };
        match typed {
            Some(typed) => {
                let order = Order::Answer { question: id, typed };
                Handled::one(Effect::Ask(Purpose::Field(Capability::Assess), order))
            }
            None => Handled::one(Effect::Send(Order::ClearAnswer { question: id })),
        }
    }

    fn next(&mut self, cx: &Cx<'_>) -> Handled {
        let Some(form) = form(cx) else {
            return Handled::done();
        };
        if let Some(open) = self.next_open(&form) {
            self.jump(&form, &open);
            return Handled::done();
        }
        if written(cx) {
            return Handled::Yes(vec![Effect::Go(Capability::Readiness)]);
        }
        self.asked = true;
        let order = Order::Plan {
            capability: Capability::Assess,
            verb: WRITE.to_owned(),
        };
        Handled::one(Effect::Ask(Purpose::Preview(Capability::Assess), order))
    }

    fn reread(&self, cx: &Cx<'_>, form: &AssessView) -> Handled {
        let Some(row) = self.row(form) else {
            return Handled::done();
        };
        if row.state == State::Offer {
            return Handled::one(Effect::Send(Order::UseOffer { question: row.id }));
        }
        let probed = questionnaire(cx)
            .and_then(|all| all.question(&row.id))
            .is_some_and(|q| !q.probe.is_empty());
        if probed {
            Handled::one(Effect::Send(Order::Probe {
                question: Some(row.id),
            }))
        } else {
            Handled::one(Effect::Send(Order::Probe { question: None }))
        }
    }
}

/// Whether the assessment files hold the answers there are now.
fn written(cx: &Cx<'_>) -> bool {
    cx.step(Capability::Assess).is_some_and(|step| {
        step.activity == Activity::Done
            && step
                .ended
                .zip(cx.snapshot.answers_at)
                .is_none_or(|(end, at)| at <= end)
    })
}

/// A refusal with its full stop and the word that nothing was saved.
fn unsaved(refusal: &str) -> String {
    let sentence = text::sentence(refusal.trim_end_matches('.'));
    if sentence.ends_with("Nothing was saved") {
        format!("{sentence}.")
    } else {
        format!("{sentence}. Nothing was saved.")
    }
}

impl Screen for Assess {
    fn show(&mut self, what: &str, cx: &Cx<'_>) {
        if let Some(form) = form(cx) {
            self.jump(&form, what);
        }
    }

    fn entered(&mut self, cx: &Cx<'_>) -> Vec<Effect> {
        // The first visit lets the probes answer what they can.
        let answers = &cx.snapshot.answers;
        let probed = answers
            .given
            .values()
            .any(|answer| answer.source == Source::Probed);
        if !probed && answers.failures.is_empty() && cx.views.probing.is_empty() && cx.held().is_none() {
            return vec![Effect::Send(Order::Probe { question: None })];
        }
        Vec::new()
    }

    fn title(&self, cx: &Cx<'_>) -> Title {
        let Some(form) = form(cx) else {
            return Title::new("Assess", "reading the questionnaire", "");
        };
        let saved = cx
            .snapshot
            .answers_at
            .map(|at| format!("saved {}", cx.now.clock_seconds(at)));
        Title::new("Assess", form.headline(), saved.unwrap_or_default())
    }

    fn news(&self, cx: &Cx<'_>) -> News {
        if let Some(refusal) = &self.refusal {
            return News::new(refusal.clone(), "").role(Role::Bad);
        }
        if let Some(Err(error)) = &cx.views.questionnaire {
            let hint = error.hint.clone().unwrap_or_default();
            return News::new(format!("{}.", text::sentence(&error.message)), hint).role(Role::Bad);
        }
        let Some(form) = form(cx) else {
            return News::new("The questionnaire is being read.", "wait");
        };
        if self.edit.is_some() {
            return News::new(
                "Nothing is saved yet.",
                "Enter or Tab keeps it, Esc leaves the old answer",
            );
        }
        if let Some(held) = cx.held() {
            return News::new(held, "look around; R works").role(Role::Warn);
        }
        if !cx.views.probing.is_empty() {
            let n = cx.views.probing.len() as u64;
            let probes = crate::engine::text::plural(n, "probe is", "probes are");
            return News::new(
                format!("{probes} at work."),
                "answer the others meanwhile, n goes to the next",
            );
        }
        if !form.open.is_empty() {
            let here = self.row(&form).map(|row| row.id) == self.next_open(&form);
            let next = if here { "answer it" } else { "n next open question" };
            return News::new(form.now_line(), next);
        }
        if written(cx) {
            let what = format!(
                "assessment.md and assessment.json are written, {} of {}.",
                form.answered, form.total
            );
            return News::new(what, "n readiness").role(Role::Ok);
        }
        News::new(form.now_line(), "n writes assessment.md and assessment.json")
    }

    fn commands(&self, cx: &Cx<'_>) -> Vec<Command> {
        if self.edit.is_some() {
            return crate::tui::screens::detail::edit_commands();
        }
        let Some(form) = form(cx) else {
            return Vec::new();
        };
        let held = cx.held();
        let open = !form.open.is_empty() && self.next_open(&form).is_some();
        let next = if open {
            let here = self.row(&form).map(|row| row.id) == self.next_open(&form);
            Command::new(Action::Next, "next open")
                .about("go to the next open question")
                .off(here.then(|| "This is the only open question: answer it.".to_owned()))
        } else if written(cx) {
            Command::new(Action::Next, "readiness").about("go on to Readiness")
        } else {
            Command::new(Action::Next, "write report")
                .about("write assessment.md and assessment.json")
                .off(
                    held.clone()
                        .or_else(|| (!form.open.is_empty()).then(|| "Probes are at work.".to_owned()))
                        .or_else(|| self.asked.then(|| "The report is being written.".to_owned())),
                )
        };
        let row = self.row(&form);
        let question = self.question(cx, &form);
        let (space, typed) = match question.map(|question| &question.kind) {
            Some(Kind::YesNo) => ("yes/no", None),
            Some(Kind::Choice(_)) => ("choose", None),
            _ => ("choose", Some("This answer is typed; Enter edits it.".to_owned())),
        };
        let again = match row.as_ref().map(|row| row.state) {
            Some(State::Offer) => "use probe",
            _ => "probe",
        };
        vec![
            next,
            Command::new(Action::Open, "edit")
                .about("edit the answer; typing starts it too")
                .off(held.clone()),
            Command::new(Action::Mark, space)
                .about("yes, no, not answered; the next option")
                .off(held.clone().or(typed)),
            Command::new(Action::ReadAgain, again)
                .about("probe again, or take what the probe says")
                .off(held.clone()),
            Command::new(Action::View(1), "section")
                .keys("1-4")
                .about("open a section")
                .quiet(),
            Command::new(Action::View(2), "").keys("").quiet(),
            Command::new(Action::View(3), "").keys("").quiet(),
            Command::new(Action::View(4), "").keys("").quiet(),
            Command::new(Action::TakeBack, "clear")
                .about("take the answer back")
                .off(held)
                .quiet(),
        ]
    }

    fn act(&mut self, action: Action, cx: &Cx<'_>) -> Handled {
        if self.edit.is_some() {
            return match action {
                Action::Open | Action::NextRegion => self.keep_edit(cx),
                Action::Close | Action::Interrupt | Action::PreviousRegion => {
                    self.edit = None;
                    self.refusal = None;
                    Handled::done()
                }
                _ => Handled::done(),
            };
        }
        let Some(form) = form(cx) else {
            return Handled::No;
        };
        let len = form.rows.get(self.section).map_or(0, Vec::len);
        match action {
            Action::Next => return self.next(cx),
            Action::Up | Action::PreviousRegion => self.step(&form, false),
            Action::Down | Action::NextRegion => self.step(&form, true),
            Action::Left => {
                self.section = self.section.saturating_sub(1);
                self.list = List::default();
            }
            Action::Right => {
                self.section = (self.section + 1).min(form.rows.len().saturating_sub(1));
                self.list = List::default();
            }
            Action::View(number) => {
                let at = usize::from(number).saturating_sub(1);
                if at < form.rows.len() {
                    self.section = at;
                    self.list = List::default();
                }
            }
            // Enter edits what is typed and goes on in what is chosen; Space does the same.
            Action::Open | Action::Mark => return self.start_edit(cx, None),
            Action::ReadAgain => return self.reread(cx, &form),
            Action::TakeBack => {
                if let Some(row) = self.row(&form) {
                    return Handled::one(Effect::Send(Order::ClearAnswer { question: row.id }));
                }
            }
            action => {
                if !self.list.act(action, len) {
                    return Handled::No;
                }
            }
        }
        Handled::done()
    }

    fn editing(&self) -> bool {
        self.edit.is_some()
    }

    fn typed(&mut self, key: &KeyEvent, _cx: &Cx<'_>) -> Handled {
        let Some(field) = &mut self.edit else {
            return Handled::No;
        };
        // In free text Enter ends the answer, as everywhere; Ctrl-J breaks the line.
        let newline = key.code == KeyCode::Char('j') && key.modifiers == KeyModifiers::CONTROL;
        let key = if newline {
            KeyEvent::new(KeyCode::Enter, KeyModifiers::NONE)
        } else {
            *key
        };
        if !newline && key.code == KeyCode::Enter {
            return Handled::No;
        }
        if field.typed(&key) {
            self.refusal = None;
            return Handled::done();
        }
        Handled::No
    }

    fn starts_edit(&mut self, c: char, cx: &Cx<'_>) -> Handled {
        // A digit is an answer where a number is asked for; elsewhere digits open sections.
        let Some(form) = form(cx) else {
            return Handled::No;
        };
        let number = self.question(cx, &form).is_some_and(|question| {
            matches!(
                question.kind,
                Kind::Number { .. } | Kind::Integer { .. } | Kind::Version
            )
        });
        if number && c.is_ascii_digit() && cx.held().is_none() {
            return self.start_edit(cx, Some(c));
        }
        Handled::No
    }

    fn click(&mut self, _x: u16, y: u16, cx: &Cx<'_>) -> Handled {
        let Some(form) = form(cx) else {
            return Handled::No;
        };
        let len = form.rows.get(self.section).map_or(0, Vec::len);
        let Some(index) = view::row_at(&self.list, y, len) else {
            return Handled::No;
        };
        if index == self.list.cursor {
            return self.act(Action::Open, cx);
        }
        self.list.cursor = index;
        Handled::done()
    }

    fn answered(&mut self, answer: &Answered, cx: &Cx<'_>) -> Handled {
        let (purpose, result) = answer;
        self.asked &= *purpose != Purpose::Preview(Capability::Assess);
        match (purpose, result) {
            (Purpose::Field(Capability::Assess), Ok(_)) => {
                let was_edit = self.edit.take().is_some();
                self.refusal = None;
                self.sent = None;
                if was_edit && let Some(form) = form(cx) {
                    self.step(&form, true);
                }
                Handled::done()
            }
            (Purpose::Field(Capability::Assess), Err(error)) => {
                self.sent = None;
                self.refusal = Some(unsaved(&error.message));
                Handled::done()
            }
            (Purpose::Preview(Capability::Assess), Ok(Reply::Plan(plan))) => {
                if plan.needs_approval {
                    let dialog = Confirm::new((**plan).clone(), cx.now.at, cx.now.mono, None, Vec::new());
                    return Handled::one(Effect::Open(Box::new(dialog)));
                }
                // New files in the workspace need no approval beyond the key that asked for them.
                Handled::one(Effect::Send(Order::Apply {
                    capability: Capability::Assess,
                    verb: plan.verb.clone(),
                    digest: plan.digest.clone(),
                    confirm: None,
                }))
            }
            _ => Handled::No,
        }
    }

    fn render(&mut self, painter: &mut Painter<'_>, cx: &Cx<'_>) {
        view::render(self, painter, cx);
    }

    fn script(&self, _cx: &Cx<'_>) -> Option<String> {
        Some("maos-migrate assess --answers FILE".to_owned())
    }
}
