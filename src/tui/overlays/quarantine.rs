//! What was set aside, by reason first: the raw form, why, and what to do. Control bytes are inert, secrets masked by
//! whoever made the item. A row leads to the mapping that set it aside; every kind can be tried again.

use std::collections::BTreeMap;

use crossterm::event::KeyEvent;
use ratatui::layout::{Rect, Size};

use super::{Overlay, usual};
use crate::engine::Capability;
use crate::engine::command::Command as Order;
use crate::engine::lists::{self, Marks, mark};
use crate::engine::operation::Quarantined;
use crate::engine::text::{count, inert};
use crate::engine::views::Slot;
use crate::tui::app::context::{Cx, Effect, Handled, Purpose};
use crate::tui::keymap::{Action, Command};
use crate::tui::paint::{Painter, Row};
use crate::tui::style::Role;
use crate::tui::text;
use crate::tui::widgets::field::Field;
use crate::tui::widgets::list::List;

/// The overlay.
#[derive(Debug, Default)]
pub struct Quarantine {
    list: List,
    /// What Space picked out, whatever the filter shows.
    marked: Marks,
    filter: Option<Field>,
    editing: bool,
}

impl Quarantine {
    fn wanted(&self) -> String {
        self.filter
            .as_ref()
            .map(|field| field.text().clone())
            .unwrap_or_default()
    }

    fn items<'a>(&self, cx: &Cx<'a>) -> Vec<&'a Quarantined> {
        lists::quarantine(cx.snapshot, &self.wanted())
    }

    fn here<'a>(&self, cx: &Cx<'a>) -> Option<&'a Quarantined> {
        self.items(cx).get(self.list.cursor).copied()
    }

    /// What is copied: what was picked out, or what the cursor stands on.
    fn picked<'a>(&self, cx: &Cx<'a>) -> Vec<&'a Quarantined> {
        if self.marked.is_empty() {
            return self.here(cx).into_iter().collect();
        }
        let all = lists::quarantine(cx.snapshot, "").into_iter();
        all.filter(|item| self.marked.contains(&mark(item))).collect()
    }

    /// Why the item under the cursor is not mended in the wizard.
    fn unmendable(&self, cx: &Cx<'_>) -> Option<String> {
        let item = self.here(cx)?;
        (step_of(&item.kind) != Some(Capability::Schema)).then(|| {
            format!(
                "{}. Then t tries again.",
                text::sentence(&inert(&item.hint)).trim_end_matches('.')
            )
        })
    }

    /// Where the item under the cursor can be mended: the line of the census that counts it.
    fn mend(&self, cx: &Cx<'_>) -> Handled {
        let Some(item) = self.here(cx).filter(|_| self.unmendable(cx).is_none()) else {
            return Handled::done();
        };
        let what = format!("{} {}", item.reason, item.raw);
        let mut effects = vec![Effect::Show(Capability::Schema, what)];
        if matches!(cx.views.schema, Slot::Empty | Slot::Failed(..)) {
            effects.push(Effect::Send(Order::Read(Capability::Schema)));
        }
        Handled::Yes(effects)
    }

    /// Asks for the plan of the step that set the item aside.
    fn try_again(&self, cx: &Cx<'_>) -> Handled {
        let step = self.here(cx).and_then(|item| step_of(&item.kind));
        let Some(step) = step.filter(|_| off(cx).is_none()) else {
            return Handled::done();
        };
        let order = Order::Plan {
            capability: step,
            verb: "apply".to_owned(),
        };
        Handled::Yes(vec![Effect::Go(step), Effect::Ask(Purpose::Confirm(step), order)])
    }
}

/// The step that sets items of this kind aside.
fn step_of(kind: &str) -> Option<Capability> {
    match kind {
        "task" => Some(Capability::Tasks),
        "file" => Some(Capability::Checkpoints),
        "row" => Some(Capability::Schema),
        "key" => Some(Capability::Config),
        _ => None,
    }
}

/// Why nothing is tried again now.
fn off(cx: &Cx<'_>) -> Option<String> {
    let running = cx.snapshot.active();
    cx.held()
        .or_else(|| running.map(|running| format!("{} is running.", running.title())))
}

impl Overlay for Quarantine {
    fn title(&self, cx: &Cx<'_>) -> Vec<(String, Role)> {
        let total = cx.snapshot.quarantined();
        let shown = self.items(cx).len() as u64;
        let mut kinds: BTreeMap<&str, u64> = BTreeMap::new();
        for item in cx.snapshot.aside() {
            *kinds.entry(&item.kind).or_default() += 1;
        }
        let kinds: Vec<String> = kinds
            .iter()
            .map(|(kind, n)| format!("{kind}s {}", count(*n)))
            .collect();
        let dash = format!(" {} ", cx.look.glyphs.horizontal);
        let mut title = vec![
            ("Quarantine".to_owned(), Role::Critical),
            (dash.clone(), Role::Muted),
            (
                format!("{} of {}", count(shown), count(total.max(shown))),
                Role::Text,
            ),
        ];
        if let Some(filter) = &self.filter {
            title.push((dash.clone(), Role::Muted));
            let caret = if self.editing { cx.look.glyphs.caret } else { "" };
            title.push((
                format!("filter {}", filter.shown(16, caret).trim_end()),
                Role::Text,
            ));
        } else if !kinds.is_empty() {
            title.push((dash.clone(), Role::Muted));
            title.push((kinds.join(" · "), Role::Text));
        }
        if !self.marked.is_empty() {
            let marked = count(self.marked.len() as u64);
            title.push((dash, Role::Muted));
            title.push((format!("{marked} marked"), Role::Accent));
        }
        title
    }

    fn commands(&self, cx: &Cx<'_>) -> Vec<Command> {
        let none = (cx.snapshot.quarantined() == 0).then(|| "Nothing is in quarantine.".to_owned());
        let close = if self.editing { "Esc or Ctrl-C" } else { "Esc" };
        let nothing = self.items(cx).is_empty();
        vec![
            Command::new(Action::Filter, "filter").off(none.clone()),
            Command::new(Action::Mark, "mark")
                .about("pick the item out, to copy or save these only")
                .off(none.clone()),
            Command::new(Action::Edit, "mend")
                .about("go to the mapping of the value that the row was set aside for")
                .off(none.clone().or_else(|| self.unmendable(cx))),
            Command::new(Action::TryAgain, "try again")
                .about("show the plan of the step; what is in place already is recognised and left")
                .off(none.clone().or_else(|| off(cx))),
            Command::new(Action::Copy, "copy").off(none).quiet(),
            Command::new(Action::Save, "save")
                .about(if self.marked.is_empty() {
                    "write what is shown to a new file of the workspace"
                } else {
                    "write the marked items to a new file of the workspace"
                })
                .off(cx.held().or_else(|| {
                    (nothing && self.marked.is_empty()).then(|| "There is nothing to write.".to_owned())
                })),
            Command::new(Action::Close, "close").keys(close),
        ]
    }

    fn size(&self, _cx: &Cx<'_>, screen: Size) -> Size {
        usual(screen)
    }

    fn render(&mut self, painter: &mut Painter<'_>, cx: &Cx<'_>) {
        let items = self.items(cx);
        let (width, height) = (painter.width(), painter.height());
        if items.is_empty() {
            let sentence = if self.filter.is_some() {
                "No item matches the filter."
            } else {
                "Nothing is in quarantine."
            };
            painter.row(0, &Row::prose(sentence, Role::Muted));
            return;
        }
        let detail = if height > 9 { 6.min(height / 2) } else { 0 };
        let wide = width >= 56;
        painter.row(
            0,
            &Row::new()
                .at(3, "Kind", Role::Muted)
                .at(9, "Key", Role::Muted)
                .at(28, "Reason", Role::Muted)
                .at(46, if wide { "Where" } else { "" }, Role::Muted),
        );
        let body = Rect {
            x: 0,
            y: 1,
            width,
            height: height.saturating_sub(1 + detail),
        };
        let glyphs = cx.look.glyphs;
        let mut part = painter.part(body);
        self.list.draw(&mut part, items.len(), true, |index, here| {
            let item = items[index];
            let row = Row::new()
                .at(
                    0,
                    if self.marked.contains(&mark(item)) {
                        "*"
                    } else {
                        " "
                    },
                    Role::Accent,
                )
                .at(1, if here { glyphs.cursor } else { " " }, Role::Accent)
                .at(3, item.kind.clone(), Role::Muted)
                .at(9, inert(&item.key), Role::Text)
                .middle(18)
                .at(28, item.reason.clone(), Role::Warn)
                .max(17);
            if wide {
                row.at(46, inert(&item.place), Role::Text)
            } else {
                row
            }
        });
        let y = body.y + body.height;
        if let Some(item) = items.get(self.list.cursor).filter(|_| detail > 0) {
            let rule = Row::rule().right(2, self.list.position(items.len()), Role::Muted);
            painter.row(y, &rule);
            let mut rows = Vec::new();
            let room = usize::from(width.saturating_sub(10));
            let sentences = [("Why", &item.why), ("Do", &item.hint)].map(|(label, value)| {
                let lines = text::wrap(&inert(value), room);
                (label, lines.into_iter().take(2).collect::<Vec<_>>())
            });
            let told: usize = sentences.iter().map(|(_, lines)| lines.len()).sum();
            // The raw form gets what the sentences leave, one line at least.
            let most = usize::from(detail - 1).saturating_sub(told).max(1);
            let mut raw = text::wrap(&inert(&item.raw), room);
            if raw.len() > most {
                let rest = raw.split_off(most - 1).join(" ");
                raw.push(text::elide_end(&rest, room, "…"));
            }
            for (label, lines) in [("Raw", raw)].into_iter().chain(sentences) {
                for (index, line) in lines.into_iter().enumerate() {
                    let label = if index == 0 { label } else { "" };
                    rows.push(Row::new().at(1, label, Role::Muted).at(9, line, Role::Text));
                }
            }
            painter
                .part(Rect {
                    x: 0,
                    y: y + 1,
                    width,
                    height: detail - 1,
                })
                .rows(&rows);
        }
    }

    fn act(&mut self, action: Action, cx: &Cx<'_>) -> Handled {
        let len = self.items(cx).len();
        match action {
            Action::Filter => {
                self.editing = true;
                self.filter.get_or_insert_with(|| Field::line(""));
            }
            Action::Open => self.editing = false,
            Action::Edit => return self.mend(cx),
            Action::TryAgain => return self.try_again(cx),
            Action::Copy => {
                let told = |item: &Quarantined| {
                    let Quarantined {
                        kind,
                        key,
                        reason,
                        why,
                        raw,
                        ..
                    } = item;
                    format!("{kind} {key} {reason}: {why} {raw}")
                };
                let lines: Vec<String> = self.picked(cx).into_iter().map(told).collect();
                if !lines.is_empty() {
                    return Handled::one(Effect::Copy(lines.join("\n")));
                }
            }
            Action::Mark => {
                if let Some(item) = self.here(cx).map(mark)
                    && !self.marked.remove(&item)
                {
                    self.marked.insert(item);
                }
            }
            Action::Save => {
                return Handled::one(Effect::Send(Order::SaveList {
                    list: lists::List::Quarantine,
                    wanted: self.wanted(),
                    marked: self.marked.clone(),
                }));
            }
            Action::Close | Action::Leave | Action::Interrupt => {
                if self.filter.take().is_none() {
                    return Handled::No;
                }
                self.editing = false;
            }
            action => {
                self.list.act(action, len);
            }
        }
        Handled::done()
    }

    fn editing(&self) -> bool {
        self.editing
    }

    fn typed(&mut self, key: &KeyEvent, _cx: &Cx<'_>) -> Handled {
        match self.filter.as_mut().map(|filter| filter.typed(key)) {
            Some(true) => {
                self.list = List::default();
                Handled::done()
            }
            _ => Handled::No,
        }
    }
}
