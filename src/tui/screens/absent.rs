//! A step that this version does not have: it says so, says what it will do, and is never a dead end.

use ratatui::layout::Rect;

use super::Screen;
use super::detail;
use crate::engine::Capability;
use crate::tui::app::context::{Cx, Effect, Handled};
use crate::tui::keymap::{Action, Command};
use crate::tui::paint::{Painter, Row, keep};
use crate::tui::style::Role;
use crate::tui::widgets::frame::{News, Title};

/// The screen.
#[derive(Debug)]
pub struct Absent {
    capability: Capability,
}

impl Absent {
    /// The screen of an absent step.
    #[must_use]
    pub const fn new(capability: Capability) -> Self {
        Self { capability }
    }

    /// What the step is for, and what to do by hand meanwhile.
    const fn about(&self) -> (&'static str, &'static str) {
        match self.capability {
            Capability::Compare => (
                "Runs the same tasks on both systems, paired and repeated, and says with an interval how much faster MAOS is.",
                "Run a few tasks on both systems by hand and keep the times.",
            ),
            Capability::Cutover => (
                "Hands the work over in one short, counted gap: the legacy system closes, the last rows are caught up, MAOS starts.",
                "Stop the legacy system, run Schema once more for the last rows, then start MAOS.",
            ),
            Capability::Upgrade => (
                "Moves MAOS from one version to another: pre-check, verified backup, eight steps with their way back.",
                "Back up MAOS's database and configuration, then follow the release notes of MAOS.",
            ),
            Capability::Validate => (
                "Runs the 19 tests of the migration guide against MAOS and explains each result.",
                "Submit a few tasks to MAOS and look at their results.",
            ),
            Capability::Monitor => (
                "Watches error rate, response time, availability and validation, and says when to roll back.",
                "Watch MAOS's own figures for the first hours.",
            ),
            _ => (
                "Makes backups and proves that they restore.",
                "Use pg_dump, and try the restore.",
            ),
        }
    }
}

impl Screen for Absent {
    fn title(&self, _cx: &Cx<'_>) -> Title {
        Title::new(self.capability.title(), "not in this version", "")
    }

    fn news(&self, cx: &Cx<'_>) -> News {
        let (next, _) = detail::onward(cx, self.capability);
        let next = next.map_or_else(String::new, |next| format!("n goes on to {}", next.title()));
        News::new(
            format!("{} is not in this version.", self.capability.title()),
            next,
        )
    }

    fn commands(&self, cx: &Cx<'_>) -> Vec<Command> {
        vec![detail::onward(cx, self.capability).1]
    }

    fn act(&mut self, action: Action, cx: &Cx<'_>) -> Handled {
        match (action, detail::onward(cx, self.capability).0) {
            (Action::Next, Some(next)) => Handled::one(Effect::Go(next)),
            _ => Handled::No,
        }
    }

    fn render(&mut self, painter: &mut Painter<'_>, _cx: &Cx<'_>) {
        let (what, meanwhile) = self.about();
        let width = painter.width();
        let mut rows = vec![
            Row::new()
                .at(1, painter.glyphs().skipped, Role::Muted)
                .at(
                    3,
                    format!("{} is not in this version.", self.capability.title()),
                    Role::Critical,
                )
                .keep(keep::ALWAYS),
            Row::blank(),
        ];
        rows.extend(detail::labelled("For", what, 13, width, Role::Text, keep::NORMAL));
        rows.push(Row::blank());
        rows.extend(detail::labelled(
            "Meanwhile",
            meanwhile,
            13,
            width,
            Role::Text,
            keep::NORMAL,
        ));
        rows.push(Row::blank());
        let counts = "It counts neither as done nor as failed, and locks no other step.";
        rows.extend(detail::labelled(
            "Counts",
            counts,
            13,
            width,
            Role::Muted,
            keep::EXTRA,
        ));
        let height = painter.height();
        painter
            .part(Rect {
                x: 0,
                y: 0,
                width,
                height,
            })
            .rows(&rows);
    }
}
