//! The classes that files name: how they are used, and how to declare them. A declaration makes nothing run.

use crossterm::event::KeyEvent;
use ratatui::layout::Rect;

use super::STEP;
use super::model::{self, CLASS, ClassRow};
use crate::engine::checkpoints::{Class, ClassKind, ClassMap};
use crate::engine::command::Command as Order;
use crate::engine::error::Error;
use crate::engine::text::{count, inert, plural};
use crate::engine::views::Slot;
use crate::tui::app::context::{Cx, Effect, Handled, Purpose};
use crate::tui::keymap::{Action, Command};
use crate::tui::paint::{Painter, Row, keep};
use crate::tui::screens::detail::labelled;
use crate::tui::style::Role;
use crate::tui::text;
use crate::tui::widgets::field::Field;
use crate::tui::widgets::frame::News;
use crate::tui::widgets::list::{List, cursor};

/// The view.
#[derive(Debug, Default)]
pub(super) struct Classes {
    list: List,
    /// The declaration being made, and for which class.
    draft: Option<(String, Class)>,
    field: Option<Field>,
    refusal: Option<String>,
}

impl Classes {
    fn here(&self, rows: &[ClassRow]) -> Option<ClassRow> {
        rows.get(self.list.cursor).cloned()
    }

    /// The declaration as it would be made.
    fn class(&self, row: &ClassRow) -> Class {
        match &self.draft {
            Some((name, class)) if *name == row.name => class.clone(),
            _ => row.declared.clone().unwrap_or_else(|| row.suggestion()),
        }
    }

    pub(super) const fn editing(&self) -> bool {
        self.field.is_some()
    }

    pub(super) fn typed(&mut self, key: &KeyEvent) -> Handled {
        let Some(field) = &mut self.field else {
            return Handled::No;
        };
        if !field.typed(key) {
            return Handled::No;
        }
        self.refusal = None;
        Handled::done()
    }

    pub(super) fn answered(&mut self, error: Option<&Error>) {
        self.refusal = error.map(|error| format!("{}. Nothing was saved.", text::sentence(&error.message)));
        if error.is_none() {
            self.draft = None;
        }
    }

    pub(super) fn commands(&self, cx: &Cx<'_>) -> Vec<Command> {
        if self.field.is_some() {
            return vec![
                Command::new(Action::Open, "keep fields"),
                Command::new(Action::Close, "leave").keys("Esc or Ctrl-C"),
            ];
        }
        let rows = model::classes(cx);
        let held = cx.held();
        let here = self.here(&rows);
        let none = here
            .is_none()
            .then(|| "No file names an unknown class.".to_owned());
        let declared = here.as_ref().is_some_and(|row| row.declared.is_some());
        vec![
            Command::new(Action::Open, "declare")
                .about("declare the class as shown; the files are scanned again")
                .off(none.clone().or_else(|| held.clone())),
            Command::new(Action::Mark, "kind")
                .about("object, enum, named tuple, dict, list")
                .off(none.clone()),
            Command::new(Action::Edit, "fields")
                .about("the fields it has, with commas between them")
                .off(none),
            Command::new(Action::TakeBack, "take back")
                .about("take the declaration back")
                .off(held.or_else(|| (!declared).then(|| "It is not declared here.".to_owned()))),
            Command::new(Action::Close, "back").keys("Esc"),
            Command::new(Action::Classes, "files")
                .about("back to the files")
                .quiet(),
        ]
    }

    pub(super) fn news(&self, cx: &Cx<'_>) -> News {
        if let Some(refusal) = &self.refusal {
            return News::new(refusal.clone(), "").role(Role::Bad);
        }
        if self.field.is_some() {
            return News::new("Nothing is saved yet.", "Enter keeps the fields, Esc leaves them");
        }
        if matches!(cx.views.checkpoints, Slot::Loading(_)) {
            let progress = cx.views.reading.get(&STEP);
            let far = progress.map_or_else(String::new, |progress| {
                format!(" {}", super::working::fraction(progress))
            });
            return News::new(format!("Scanning{far} again. Reading only."), "wait");
        }
        let rows = model::classes(cx);
        let open = model::undeclared(&rows);
        let next = if open > 0 {
            "Enter declares it as shown"
        } else {
            "Esc goes back"
        };
        News::new(
            format!(
                "{}. A declaration makes nothing run.",
                plural(open, "class is not declared", "classes are not declared")
            ),
            next,
        )
    }

    /// What a key does, and whether the view stays open.
    pub(super) fn act(&mut self, action: Action, cx: &Cx<'_>) -> (Handled, bool) {
        let rows = model::classes(cx);
        let here = self.here(&rows);
        if let Some(field) = &self.field {
            match (action, here) {
                (Action::Open, Some(row)) => {
                    let fields = split(&field.text());
                    let mut class = self.class(&row);
                    class.fields = (!fields.is_empty()).then_some(fields);
                    self.draft = Some((row.name, class));
                    self.field = None;
                }
                (Action::Close | Action::Interrupt, _) => self.field = None,
                _ => {}
            }
            return (Handled::done(), true);
        }
        match (action, here) {
            (Action::Close | Action::Leave | Action::Interrupt | Action::Classes, _) => {
                return (Handled::done(), false);
            }
            (Action::Mark, Some(row)) => {
                let mut class = self.class(&row);
                class.kind = model::next_kind(class.kind);
                if matches!(class.kind, ClassKind::Enum | ClassKind::List) {
                    class.fields = None;
                } else if class.fields.is_none() {
                    class.fields.clone_from(&row.suggestion().fields);
                }
                self.refusal = None;
                self.draft = Some((row.name, class));
            }
            (Action::Edit, Some(row)) => {
                let fields = self.class(&row).fields.unwrap_or_default();
                self.refusal = None;
                self.field = Some(Field::line(&fields.join(", ")));
            }
            (Action::Open, Some(row)) => return (self.declare(&row), true),
            (Action::TakeBack, Some(row)) => {
                self.draft = None;
                return (Handled::one(decide(&row.name, serde_json::Value::Null)), true);
            }
            (action, _) => {
                if !self.list.act(action, rows.len()) {
                    return (Handled::No, true);
                }
                self.draft = None;
                self.refusal = None;
            }
        }
        (Handled::done(), true)
    }

    fn declare(&mut self, row: &ClassRow) -> Handled {
        let class = self.class(row);
        // The same check as for the file, so that a wrong declaration is never recorded.
        if let Err(error) = ClassMap::default().declare("declared here", &row.name, class.clone()) {
            self.answered(Some(&error));
            return Handled::done();
        }
        match serde_json::to_value(&class) {
            Ok(choice) => Handled::one(decide(&row.name, choice)),
            Err(error) => {
                self.refusal = Some(format!("{error}. Nothing was saved."));
                Handled::done()
            }
        }
    }

    pub(super) fn render(&mut self, painter: &mut Painter<'_>, cx: &Cx<'_>) {
        let rows = model::classes(cx);
        let (width, height) = (painter.width(), painter.height());
        let open = model::undeclared(&rows);
        painter.row(
            0,
            &Row::new().at(1, "Classes that files name", Role::Critical).right(
                1,
                format!("{} not declared", count(open)),
                Role::Muted,
            ),
        );
        if rows.is_empty() {
            let said = "None. Every class that the files name is known.";
            painter.row(2, &Row::prose(said, Role::Text));
            return;
        }
        let detail = self
            .here(&rows)
            .map(|row| self.detail(&row, cx, width))
            .unwrap_or_default();
        let below = u16::try_from(detail.len()).unwrap_or(height).saturating_add(1);
        let room = height.saturating_sub(2);
        let wanted = u16::try_from(rows.len()).unwrap_or(u16::MAX);
        let shown = wanted.min(room.saturating_sub(below).max(3)).min(room);
        let wide = width >= 70;
        painter.row(
            1,
            &if wide {
                Row::new()
                    .at(3, "Class", Role::Muted)
                    .number(width - 34, "files", Role::Muted)
                    .number(width - 25, "uses", Role::Muted)
                    .at(width - 22, "Declared as", Role::Muted)
            } else {
                Row::new()
                    .at(3, "Class", Role::Muted)
                    .right(1, "files", Role::Muted)
            },
        );
        let list_area = Rect::new(0, 2, width, shown);
        let mut list = self.list;
        let mut part = painter.part(list_area);
        let signs = [cursor(&part, false), cursor(&part, true)];
        list.draw(&mut part, rows.len(), self.field.is_none(), |index, here| {
            let row = &rows[index];
            let (sign, role) = signs[usize::from(here)];
            let files = row
                .seen
                .as_ref()
                .map_or_else(String::new, |seen| count(seen.files));
            let mut line = Row::new()
                .at(1, sign, role)
                .at(3, inert(&row.name), Role::Text)
                .middle(width.saturating_sub(if wide { 44 } else { 10 }));
            if wide {
                let uses = row
                    .seen
                    .as_ref()
                    .map_or_else(String::new, |seen| count(seen.count));
                let (said, role) = match &row.declared {
                    Some(class) => (model::kind_word(class.kind), Role::Ok),
                    None => ("not declared", Role::Warn),
                };
                line = line
                    .number(width - 34, files, Role::Text)
                    .number(width - 25, uses, Role::Text)
                    .at(width - 22, said, role);
            } else {
                line = line.right(1, files, Role::Text);
            }
            line
        });
        self.list = list;
        if height > 2 + shown {
            painter.row(2 + shown, &Row::rule());
            let rest = Rect::new(0, 3 + shown, width, height - 2 - shown - 1);
            painter.part(rest).rows(&detail);
        }
    }

    fn detail(&self, row: &ClassRow, cx: &Cx<'_>, width: u16) -> Vec<Row> {
        let class = self.class(row);
        let column = 11;
        let mut rows = vec![
            Row::new()
                .at(1, inert(&row.name), Role::Critical)
                .middle(width.saturating_sub(2))
                .keep(keep::ALWAYS),
        ];
        let used = match &row.seen {
            Some(seen) => {
                let manner = if seen.fields.is_empty() {
                    if seen.called_with_one {
                        ", always with one value"
                    } else {
                        ", without fields"
                    }
                } else {
                    ""
                };
                format!(
                    "{} in {}{manner}",
                    plural(seen.count, "use", "uses"),
                    plural(seen.files, "file", "files")
                )
            }
            None => "declared, so the last scan found nothing unknown about it".to_owned(),
        };
        rows.extend(labelled("Used", &used, column, width, Role::Text, keep::NORMAL));
        if let Some(seen) = row.seen.as_ref().filter(|seen| !seen.fields.is_empty()) {
            let fields = seen.fields.join(", ");
            rows.extend(labelled("Seen", &fields, column, width, Role::Text, keep::NORMAL));
        }
        let kind = format!(
            "{}: {}",
            model::kind_word(class.kind),
            model::kind_about(class.kind)
        );
        rows.extend(labelled("Kind", &kind, column, width, Role::Accent, keep::ALWAYS));
        if let Some(field) = &self.field {
            let room = width.saturating_sub(column + 5);
            rows.push(
                Row::new()
                    .at(1, "Fields", Role::Muted)
                    .at(column, "[ ", Role::Accent)
                    .then(field.shown(room, cx.look.glyphs.caret), Role::Text)
                    .then(" ]", Role::Accent)
                    .selected(true)
                    .keep(keep::ALWAYS),
            );
        } else {
            let fields = match (&class.fields, class.kind) {
                (Some(fields), _) => fields.join(", "),
                (None, ClassKind::Object | ClassKind::Dict) => "any".to_owned(),
                (None, ClassKind::NamedTuple) => "none yet; e names them".to_owned(),
                (None, _) => "none".to_owned(),
            };
            rows.extend(labelled(
                "Fields",
                &fields,
                column,
                width,
                Role::Accent,
                keep::ALWAYS,
            ));
        }
        let about = "Enter declares it so, and the files are scanned again. Values are read as plain data and written \
                     with the class name beside them. checkpoints/classes.yml in the workspace can say the same.";
        rows.extend(labelled("Then", about, column, width, Role::Muted, keep::EXTRA));
        rows
    }
}

fn decide(name: &str, choice: serde_json::Value) -> Effect {
    Effect::Ask(
        Purpose::Field(STEP),
        Order::Decide {
            capability: STEP,
            subject: format!("{CLASS}{name}"),
            choice,
        },
    )
}

fn split(text: &str) -> Vec<String> {
    let mut fields: Vec<String> = Vec::new();
    for field in text
        .split([',', ' '])
        .map(str::trim)
        .filter(|field| !field.is_empty())
    {
        if !fields.iter().any(|known| known == field) {
            fields.push(field.to_owned());
        }
    }
    fields
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_split_at_commas_and_blanks_and_each_stands_once() {
        assert_eq!(split("id, name,due  id"), ["id", "name", "due"]);
        assert!(split(" , ").is_empty());
    }
}
