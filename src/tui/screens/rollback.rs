//! The way back. Reachable from everywhere by one key; opening it changes nothing. This version can say where the
//! migration stands and what is untouched, and offers the undo of the rows; it does not restore backups.

use super::Screen;
use super::detail;
use crate::engine::Capability;
use crate::engine::text::count;
use crate::tui::app::context::{Cx, Effect, Handled};
use crate::tui::keymap::{Action, Command};
use crate::tui::paint::{Painter, Row, keep};
use crate::tui::style::Role;
use crate::tui::widgets::frame::{News, Title};
use crate::tui::widgets::mark::Mark;

/// The screen.
#[derive(Debug, Default)]
pub struct Rollback;

/// Whether the rows of a run are in the target.
fn rows_moved(cx: &Cx<'_>) -> bool {
    cx.step(Capability::Schema).is_some_and(|step| {
        step.outcome.is_some() || step.progress.as_ref().is_some_and(|progress| progress.done > 0)
    })
}

impl Screen for Rollback {
    fn title(&self, _cx: &Cx<'_>) -> Title {
        Title::new("Rollback", "nothing is changed by opening this", "")
    }

    fn news(&self, cx: &Cx<'_>) -> News {
        let next = if rows_moved(cx) {
            "n opens Schema, where u removes its rows"
        } else {
            "q goes back"
        };
        News::new("Rolling back as one is not in this version.", next)
    }

    fn commands(&self, cx: &Cx<'_>) -> Vec<Command> {
        let off = (!rows_moved(cx)).then(|| "No rows were moved, so there is nothing to remove.".to_owned());
        vec![
            Command::new(Action::Next, "schema")
                .about("open Schema, where its rows can be removed")
                .off(off),
        ]
    }

    fn act(&mut self, action: Action, _cx: &Cx<'_>) -> Handled {
        match action {
            Action::Next => Handled::one(Effect::Go(Capability::Schema)),
            _ => Handled::No,
        }
    }

    fn render(&mut self, painter: &mut Painter<'_>, cx: &Cx<'_>) {
        let width = painter.width();
        let glyphs = painter.glyphs();
        let mut rows = detail::labelled(
            "Why not",
            "Going back as one (data, configuration, checkpoints, version) is not in this version. Nothing here \
             changes anything.",
            13,
            width,
            Role::Text,
            keep::FIGURE,
        );
        rows.push(Row::blank());
        let fact = |mark: Mark, text: String| {
            Row::new()
                .at(13, mark.glyph(glyphs), mark.role())
                .at(15, text, Role::Text)
                .keep(keep::NORMAL)
        };
        let mut facts = Vec::new();
        facts.push(fact(
            Mark::Done,
            "the legacy system is untouched: it is only read".to_owned(),
        ));
        match cx.step(Capability::Schema).and_then(|step| step.outcome.as_ref()) {
            Some(outcome) => {
                let text = format!(
                    "{} rows of this migration are in the target",
                    count(outcome.converted)
                );
                facts.push(fact(Mark::Decide, text));
            }
            None if rows_moved(cx) => {
                facts.push(fact(
                    Mark::Decide,
                    "some rows of this migration are in the target".to_owned(),
                ));
            }
            None => facts.push(fact(
                Mark::Done,
                "no rows of this migration are in the target".to_owned(),
            )),
        }
        let files = cx.snapshot.artifacts.len() as u64;
        let written = crate::engine::text::plural(files, "file was written", "files were written");
        facts.push(fact(Mark::Done, format!("{written}, all new, in the workspace")));
        for (index, row) in facts.into_iter().enumerate() {
            rows.push(if index == 0 {
                row.at(1, "", Role::Muted)
            } else {
                row
            });
        }
        rows.insert(
            rows.len().saturating_sub(3),
            Row::prose("Where it stands", Role::Muted),
        );
        rows.push(Row::blank());
        rows.extend(detail::labelled(
            "What to do",
            "Keep the legacy system running; it has everything. On Schema, u removes exactly the rows of its run, after a \
             dialog that shows the plan.",
            13,
            width,
            Role::Text,
            keep::NORMAL,
        ));
        painter.rows(&rows);
    }

    fn script(&self, _cx: &Cx<'_>) -> Option<String> {
        Some("maos-migrate schema undo --yes --confirm TARGET".to_owned())
    }
}
