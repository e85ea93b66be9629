//! What ran and which statements were sent. Follows the newest entry until someone scrolls.

use crossterm::event::KeyEvent;
use ratatui::layout::{Rect, Size};

use super::{Overlay, usual};
use crate::engine::command::Command as Order;
use crate::engine::lists;
use crate::engine::snapshot::LogLine;
use crate::engine::text::count;
use crate::tui::app::context::{Cx, Effect, Handled};
use crate::tui::keymap::{Action, Command};
use crate::tui::paint::{Painter, Row};
use crate::tui::style::Role;
use crate::tui::text;
use crate::tui::widgets::field::Field;
use crate::tui::widgets::list::List;

/// The overlay.
#[derive(Debug, Default)]
pub struct Log {
    list: List,
    /// Scrolled away: the number of entries there were then.
    held: Option<usize>,
    filter: Option<Field>,
    editing: bool,
    whole: bool,
}

impl Log {
    fn wanted(&self) -> String {
        self.filter
            .as_ref()
            .map(|field| field.text().clone())
            .unwrap_or_default()
    }

    fn entries<'a>(&self, cx: &Cx<'a>) -> Vec<&'a LogLine> {
        lists::log(cx.snapshot, &self.wanted())
    }
}

impl Overlay for Log {
    fn title(&self, cx: &Cx<'_>) -> Vec<(String, Role)> {
        let dash = format!(" {} ", cx.look.glyphs.horizontal);
        let mut title = vec![
            ("Log and statements".to_owned(), Role::Critical),
            (dash.clone(), Role::Muted),
            (
                format!("{} entries", count(cx.snapshot.log.len() as u64)),
                Role::Text,
            ),
        ];
        if let Some(filter) = &self.filter {
            title.push((dash, Role::Muted));
            title.push(("filter ".to_owned(), Role::Muted));
            let caret = if self.editing { cx.look.glyphs.caret } else { "" };
            title.push((filter.shown(20, caret).trim_end().to_owned(), Role::Text));
        }
        title
    }

    fn commands(&self, cx: &Cx<'_>) -> Vec<Command> {
        let close = if self.editing { "Esc or Ctrl-C" } else { "Esc" };
        let none = self.entries(cx).is_empty();
        vec![
            Command::new(Action::Filter, "filter"),
            Command::new(Action::Open, "whole"),
            Command::new(Action::Freeze, "follow"),
            Command::new(Action::Copy, "copy"),
            Command::new(Action::Save, "save")
                .about("write what is shown to a new file of the workspace")
                .off(
                    cx.held()
                        .or_else(|| none.then(|| "There is nothing to write.".to_owned())),
                ),
            Command::new(Action::Close, "close").keys(close),
        ]
    }

    fn size(&self, _cx: &Cx<'_>, screen: Size) -> Size {
        usual(screen)
    }

    fn render(&mut self, painter: &mut Painter<'_>, cx: &Cx<'_>) {
        let (width, height) = (painter.width(), painter.height());
        let entries = self.entries(cx);
        if entries.is_empty() {
            let sentence = if cx.snapshot.log.is_empty() {
                "Nothing logged yet."
            } else {
                "No entry matches."
            };
            painter.row(0, &Row::prose(sentence, Role::Muted));
            return;
        }
        if self.held.is_none() {
            self.list.cursor = entries.len() - 1;
        }
        let detail = if self.whole && height > 6 { height / 2 } else { 0 };
        let body = Rect {
            x: 0,
            y: 0,
            width,
            height: height.saturating_sub(1 + detail),
        };
        let mut part = painter.part(body);
        let glyphs = cx.look.glyphs;
        self.list.draw(&mut part, entries.len(), true, |index, here| {
            let line = entries[index];
            let sign = if here { glyphs.cursor } else { " " };
            Row::new()
                .at(0, sign, Role::Accent)
                .at(1, cx.now.clock_seconds(line.at), Role::Muted)
                .at(10, line.channel.clone(), Role::Accent)
                .at(
                    14,
                    line.capability.map_or("", |capability| capability.title()),
                    Role::Muted,
                )
                .at(26, line.text.clone(), Role::Text)
        });
        if let Some(line) = entries.get(self.list.cursor).filter(|_| detail > 0) {
            let y = body.height;
            painter.row(y, &Row::rule());
            let lines = text::wrap(&line.text, usize::from(width.saturating_sub(2)));
            for (line, y) in lines.into_iter().zip(y + 1..y + detail) {
                painter.row(y, &Row::prose(line, Role::Text));
            }
        }
        let hidden = self
            .held
            .map_or(0, |then| cx.snapshot.log.len().saturating_sub(then));
        let state = match self.held {
            None => "following".to_owned(),
            Some(_) => format!("following off, {} newer", count(hidden as u64)),
        };
        let position = self.list.position(entries.len());
        painter.row(
            height.saturating_sub(1),
            &Row::prose(state, Role::Muted).right(1, position, Role::Muted),
        );
    }

    fn act(&mut self, action: Action, cx: &Cx<'_>) -> Handled {
        let len = self.entries(cx).len();
        match action {
            Action::Filter => {
                self.editing = true;
                self.filter.get_or_insert_with(|| Field::line(""));
            }
            Action::Open if self.editing => self.editing = false,
            Action::Open => self.whole = !self.whole,
            Action::Freeze => {
                self.held = if self.held.is_some() {
                    None
                } else {
                    Some(cx.snapshot.log.len())
                };
            }
            Action::Copy => {
                if let Some(line) = self.entries(cx).get(self.list.cursor) {
                    return Handled::one(Effect::Copy(format!("{} {}", line.at, line.text)));
                }
            }
            Action::Save => {
                return Handled::one(Effect::Send(Order::SaveList {
                    list: lists::List::Log,
                    wanted: self.wanted(),
                    marked: lists::Marks::new(),
                }));
            }
            Action::Close | Action::Interrupt | Action::Leave => {
                if self.editing || self.filter.is_some() {
                    self.editing = false;
                    self.filter = None;
                    return Handled::done();
                }
                if self.whole {
                    self.whole = false;
                    return Handled::done();
                }
                return Handled::No;
            }
            action => {
                if self.list.act(action, len) {
                    let at_end = self.list.cursor + 1 >= len;
                    self.held = if at_end {
                        None
                    } else {
                        self.held.or(Some(cx.snapshot.log.len()))
                    };
                }
            }
        }
        Handled::done()
    }

    fn editing(&self) -> bool {
        self.editing
    }

    fn typed(&mut self, key: &KeyEvent, _cx: &Cx<'_>) -> Handled {
        match self.filter.as_mut().map(|filter| filter.typed(key)) {
            Some(true) => Handled::done(),
            _ => Handled::No,
        }
    }
}
