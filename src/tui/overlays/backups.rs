//! The backup picker: every backup with its proof, usable ones chosen with Enter.

use ratatui::layout::Size;

use super::{Overlay, usual};
use crate::engine::Capability;
use crate::engine::backup::Listed;
use crate::engine::command::Command as Order;
use crate::engine::runner::operations::backup::CHOSEN;
use crate::tui::app::context::{Cx, Effect, Handled};
use crate::tui::keymap::{Action, Command};
use crate::tui::paint::Painter;
use crate::tui::screens::backup::{self, Shelf};
use crate::tui::style::Role;
use crate::tui::widgets::frame::News;

/// The overlay.
#[derive(Debug, Default)]
pub struct Backups {
    shelf: Shelf,
}

fn choose(one: &Listed) -> Handled {
    if !one.usable() {
        let why = match &one.standing {
            crate::engine::backup::Standing::Damaged(why) => format!("Not restorable: {why}."),
            _ => "It is not verified; v verifies it.".to_owned(),
        };
        return Handled::one(Effect::Say(News::new(why, "").role(Role::Warn)));
    }
    Handled::Yes(vec![
        Effect::Send(Order::Decide {
            capability: Capability::Rollback,
            subject: CHOSEN.to_owned(),
            choice: one.id.clone().into(),
        }),
        Effect::Close,
        Effect::Send(Order::Read(Capability::Rollback)),
    ])
}

impl Overlay for Backups {
    fn title(&self, cx: &Cx<'_>) -> Vec<(String, Role)> {
        let dash = format!(" {} ", cx.look.glyphs.horizontal);
        vec![
            ("Backups".to_owned(), Role::Critical),
            (dash, Role::Muted),
            (backup::usable(backup::all(cx)), Role::Text),
        ]
    }

    fn commands(&self, cx: &Cx<'_>) -> Vec<Command> {
        let none = backup::all(cx)
            .is_empty()
            .then(|| "There is no backup.".to_owned());
        let mut all = vec![Command::new(Action::Open, "choose").off(none.clone().or_else(|| cx.held()))];
        all.extend(backup::commands(cx, none));
        all.push(Command::new(Action::Close, "close").keys("Esc"));
        all
    }

    fn size(&self, _cx: &Cx<'_>, screen: Size) -> Size {
        usual(screen)
    }

    fn render(&mut self, painter: &mut Painter<'_>, cx: &Cx<'_>) {
        self.shelf.render(painter, cx);
    }

    fn act(&mut self, action: Action, cx: &Cx<'_>) -> Handled {
        match action {
            Action::Open => self.shelf.chosen(cx).map_or_else(Handled::done, choose),
            // Closing is the stack's.
            Action::Close | Action::Leave | Action::Interrupt => Handled::No,
            action => match self.shelf.act(action, cx) {
                Handled::No => Handled::done(),
                handled => handled,
            },
        }
    }

    fn answered(&mut self, answer: &crate::tui::app::context::Answered, cx: &Cx<'_>) -> Handled {
        backup::confirm(answer, cx)
    }
}
