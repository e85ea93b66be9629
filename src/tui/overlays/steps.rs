//! All steps with their states; Enter goes to one, also to a locked one, which then says why.

use ratatui::layout::Size;

use super::Overlay;
use crate::engine::Capability;
use crate::engine::journey;
use crate::tui::app::context::{Cx, Effect, Handled};
use crate::tui::app::frame_info;
use crate::tui::keymap::{Action, Command};
use crate::tui::paint::{Painter, Row};
use crate::tui::style::Role;
use crate::tui::widgets::list::List;

/// The overlay.
#[derive(Debug, Default)]
pub struct Steps {
    list: List,
}

impl Steps {
    /// The list with its cursor on the present step.
    #[must_use]
    pub fn new(cx: &Cx<'_>, current: Capability) -> Self {
        let at = journey::steps(cx.snapshot.migration)
            .iter()
            .position(|step| *step == current)
            .unwrap_or(0);
        Self {
            list: List {
                cursor: at,
                ..List::default()
            },
        }
    }
}

impl Overlay for Steps {
    fn title(&self, _cx: &Cx<'_>) -> Vec<(String, Role)> {
        vec![("Steps".to_owned(), Role::Critical)]
    }

    fn commands(&self, _cx: &Cx<'_>) -> Vec<Command> {
        vec![
            Command::new(Action::Open, "go there"),
            Command::new(Action::Close, "close").keys("Esc or q"),
        ]
    }

    fn size(&self, cx: &Cx<'_>, screen: Size) -> Size {
        let steps = journey::steps(cx.snapshot.migration).len();
        let height = u16::try_from(steps + 2).unwrap_or(u16::MAX).min(screen.height);
        Size {
            width: 65.min(screen.width),
            height,
        }
    }

    fn render(&mut self, painter: &mut Painter<'_>, cx: &Cx<'_>) {
        let steps = journey::steps(cx.snapshot.migration);
        let glyphs = cx.look.glyphs;
        self.list.draw(painter, steps.len(), true, |index, here| {
            let step = frame_info::step(cx, steps[index]);
            Row::new()
                .at(1, if here { glyphs.cursor } else { " " }, Role::Accent)
                .at(3, step.mark.glyph(glyphs), step.mark.role())
                .at(5, step.title, Role::Text)
                .at(
                    18,
                    frame_info::reason(cx, steps[index]).unwrap_or(step.word),
                    Role::Muted,
                )
        });
    }

    fn act(&mut self, action: Action, cx: &Cx<'_>) -> Handled {
        let steps = journey::steps(cx.snapshot.migration);
        match action {
            Action::Open => match steps.get(self.list.cursor) {
                Some(step) => Handled::Yes(vec![Effect::Close, Effect::Go(*step)]),
                None => Handled::done(),
            },
            Action::Close | Action::Leave | Action::Interrupt => Handled::No,
            action => {
                self.list.act(action, steps.len());
                Handled::done()
            }
        }
    }
}
