//! The row of the three views with their states.

use super::model::{self, Moment};
use super::{Schema, View, activity};
use crate::engine::snapshot::Activity;
use crate::engine::text::inert;
use crate::engine::views::Slot;
use crate::tui::app::context::Cx;
use crate::tui::layout::Density;
use crate::tui::paint::{Row, keep};
use crate::tui::style::Role;
use crate::tui::text;
use crate::tui::widgets::mark::Mark;

impl Schema {
    /// `1 ✓ Census    2 ▸ Run    3 ● Proof`, and what belongs to the view at the right.
    pub(super) fn tabs(&self, moment: Option<&Moment>, cx: &Cx<'_>) -> Row {
        let here = self.view(cx);
        let activity = activity(cx);
        let counted = match &cx.views.schema {
            Slot::Ready(_, prepared) if prepared.blocks.is_empty() => Mark::Done,
            Slot::Ready(..) => Mark::Decide,
            Slot::Loading(_) => Mark::Running,
            Slot::Failed(..) => Mark::Failed,
            Slot::Empty if activity != Activity::Idle => Mark::Done,
            Slot::Empty => Mark::Ready,
        };
        let proving = moment.is_some_and(Moment::proving);
        let (copied, proved) = match activity {
            Activity::Idle => (Mark::Ready, Mark::Ready),
            Activity::Running | Activity::Stopping if proving => (Mark::Done, Mark::Running),
            Activity::Running | Activity::Stopping => (Mark::Running, Mark::Ready),
            Activity::Paused if proving => (Mark::Done, Mark::Paused),
            Activity::Paused | Activity::Stopped => (Mark::Paused, Mark::Ready),
            Activity::Done => (Mark::Done, Mark::Done),
            Activity::DoneWithQuarantine => (Mark::Done, Mark::Quarantine),
            Activity::Failed => (Mark::Failed, Mark::Ready),
        };
        let mut row = Row::new().at(1, "", Role::Text).keep(keep::ALWAYS);
        for (index, (view, name, mark)) in [
            (View::Census, "Census", counted),
            (View::Run, "Run", copied),
            (View::Proof, "Proof", proved),
        ]
        .into_iter()
        .enumerate()
        {
            let gap = match (index, cx.density) {
                (0, _) => "",
                (_, Density::Tiny) => "  ",
                _ => "    ",
            };
            let (sign, role) = if view == here {
                (cx.look.glyphs.cursor, Role::Accent)
            } else {
                (mark.glyph(cx.look.glyphs), mark.role())
            };
            let tone = if view == here { Role::Critical } else { Role::Text };
            row = row
                .then(format!("{gap}{} ", index + 1), Role::Muted)
                .then(sign, role)
                .then(format!(" {name}"), tone);
        }
        let right = match (here, model::census(cx), moment) {
            (View::Census, Some((_, prepared)), _) => prepared
                .census
                .boundary
                .as_ref()
                .map(|boundary| format!("boundary id ≤ {}", inert(boundary))),
            (_, _, Some(moment)) => moment
                .fence
                .map(|fence| format!("fence {fence}, elapsed {}", text::duration(moment.elapsed_s))),
            _ => None,
        };
        match right {
            Some(right) if cx.density <= Density::Compact => row.right(1, right, Role::Muted),
            _ => row,
        }
    }
}
