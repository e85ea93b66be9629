//! Every message, newest first; errors stay unread until this is opened.

use ratatui::layout::{Rect, Size};

use super::{Overlay, usual};
use crate::engine::event::Level;
use crate::engine::snapshot::Message;
use crate::tui::app::context::{Cx, Effect, Handled};
use crate::tui::keymap::{Action, Command};
use crate::tui::paint::{Painter, Row};
use crate::tui::style::Role;
use crate::tui::text;
use crate::tui::widgets::list::List;
use crate::tui::widgets::mark::Mark;

/// The overlay.
#[derive(Debug)]
pub struct Messages {
    list: List,
    /// Messages up to this event were read before it opened.
    read: u64,
}

impl Messages {
    /// The list; messages after the event `read` are shown as unread.
    #[must_use]
    pub fn new(read: u64) -> Self {
        Self {
            list: List::default(),
            read,
        }
    }

    fn newest_first<'a>(cx: &Cx<'a>) -> Vec<&'a Message> {
        cx.snapshot.messages.iter().rev().collect()
    }
}

/// The sign of a message's level.
#[must_use]
pub const fn mark(level: Level) -> Mark {
    match level {
        Level::Ok => Mark::Done,
        Level::Warn => Mark::Decide,
        Level::Error => Mark::Failed,
    }
}

impl Overlay for Messages {
    fn title(&self, cx: &Cx<'_>) -> Vec<(String, Role)> {
        let unread = cx
            .snapshot
            .messages
            .iter()
            .filter(|message| message.seq > self.read)
            .count();
        let dash = format!(" {} ", cx.look.glyphs.horizontal);
        let facts = match unread {
            0 => format!("{} in all", cx.snapshot.messages.len()),
            some => format!("{} in all, {some} not read", cx.snapshot.messages.len()),
        };
        vec![
            ("Messages".to_owned(), Role::Critical),
            (dash, Role::Muted),
            (facts, Role::Text),
        ]
    }

    fn commands(&self, cx: &Cx<'_>) -> Vec<Command> {
        let none = cx
            .snapshot
            .messages
            .is_empty()
            .then(|| "There are no messages.".to_owned());
        vec![
            Command::new(Action::Open, "go there").off(none.clone()),
            Command::new(Action::Copy, "copy").off(none),
            Command::new(Action::Close, "close").keys("Esc or q"),
        ]
    }

    fn size(&self, _cx: &Cx<'_>, screen: Size) -> Size {
        usual(screen)
    }

    fn render(&mut self, painter: &mut Painter<'_>, cx: &Cx<'_>) {
        let messages = Self::newest_first(cx);
        let (width, height) = (painter.width(), painter.height());
        if messages.is_empty() {
            painter.row(
                0,
                &Row::prose("Nothing has happened yet that is worth a message.", Role::Muted),
            );
            return;
        }
        let detail = if height > 7 { 4 } else { 0 };
        let body = Rect {
            x: 0,
            y: 0,
            width,
            height: height.saturating_sub(detail),
        };
        let glyphs = cx.look.glyphs;
        let read = self.read;
        let mut part = painter.part(body);
        self.list.draw(&mut part, messages.len(), true, |index, here| {
            let message = messages[index];
            let mark = mark(message.level);
            let row = Row::new()
                .at(1, if here { glyphs.cursor } else { " " }, Role::Accent)
                .at(3, mark.glyph(glyphs), mark.role())
                .at(5, cx.now.clock_seconds(message.at), Role::Muted)
                .at(
                    15,
                    message.capability.map_or("", |capability| capability.title()),
                    Role::Muted,
                )
                .at(28, message.text.clone(), Role::Text);
            if message.seq > read { row.strong() } else { row }
        });
        if let Some(message) = messages.get(self.list.cursor).filter(|_| detail > 0) {
            painter.row(body.height, &Row::rule());
            let lines = text::wrap(&message.text, usize::from(width.saturating_sub(2)));
            for (line, y) in lines.into_iter().zip(body.height + 1..height) {
                painter.row(y, &Row::prose(line, Role::Text));
            }
        }
    }

    fn reads_messages(&self) -> bool {
        true
    }

    fn act(&mut self, action: Action, cx: &Cx<'_>) -> Handled {
        let messages = Self::newest_first(cx);
        let chosen = messages.get(self.list.cursor);
        match action {
            Action::Open => match chosen.and_then(|message| message.capability) {
                Some(capability) => Handled::Yes(vec![Effect::Close, Effect::Go(capability)]),
                None => Handled::done(),
            },
            Action::Copy => match chosen {
                Some(message) => Handled::one(Effect::Copy(format!("{} {}", message.at, message.text))),
                None => Handled::done(),
            },
            Action::Close | Action::Leave | Action::Interrupt => Handled::No,
            action => {
                self.list.act(action, messages.len());
                Handled::done()
            }
        }
    }
}
