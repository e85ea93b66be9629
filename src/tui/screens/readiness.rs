//! Readiness: the score, why it is so, and what raises it most.
//!
//! ```text
//! Score                85/100  ██████████████████████████████████░░░░░░
//!                              0                      60┘     80┘     100
//! ▸ Parallelization    10/25   ██████████░░░░░░░░░░░░░░░  average score 4 of 10
//! ```

use super::Screen;
use super::detail;
use crate::engine::Capability;
use crate::engine::command::Command as Order;
use crate::engine::readiness::{Readiness, sentences};
use crate::tui::app::context::{Cx, Effect, Handled};
use crate::tui::keymap::{Action, Command};
use crate::tui::layout::Density;
use crate::tui::paint::{Painter, Row, keep};
use crate::tui::style::{Glyphs, Role};
use crate::tui::text;
use crate::tui::widgets::bar::{self, Bar};
use crate::tui::widgets::frame::{News, Title};
use crate::tui::widgets::mark::Mark;

/// The screen.
#[derive(Debug, Default)]
pub struct ReadinessScreen {
    cursor: usize,
    open: bool,
}

fn result<'a>(cx: &Cx<'a>) -> Option<(jiff::Timestamp, &'a Readiness)> {
    cx.snapshot
        .readiness
        .as_ref()
        .map(|(at, readiness)| (*at, readiness.as_ref()))
}

/// Whether an answer changed after the score was made.
fn outdated(cx: &Cx<'_>) -> bool {
    match (result(cx), cx.snapshot.answers_at) {
        (Some((scored, _)), Some(answered)) => answered > scored,
        _ => false,
    }
}

impl Screen for ReadinessScreen {
    fn entered(&mut self, cx: &Cx<'_>) -> Vec<Effect> {
        let answered = !cx.snapshot.answers.given.is_empty();
        if answered && cx.held().is_none() && (result(cx).is_none() || outdated(cx)) {
            return vec![Effect::Send(Order::Score)];
        }
        Vec::new()
    }

    fn title(&self, cx: &Cx<'_>) -> Title {
        match result(cx) {
            Some((at, readiness)) => {
                let facts = format!(
                    "{} of {} · {}",
                    readiness.score,
                    readiness.max,
                    readiness.band.name().replace('_', " ")
                );
                let mut title = Title::new("Readiness", facts, format!("answers of {}", cx.now.clock(at)));
                if outdated(cx) {
                    "older than the answers, r again".clone_into(&mut title.right);
                    title.right_role = Role::Unknown;
                }
                title
            }
            None => Title::new("Readiness", "no score yet", ""),
        }
    }

    fn news(&self, cx: &Cx<'_>) -> News {
        match result(cx) {
            Some((_, readiness)) => {
                let role = if readiness.blockers.is_empty() {
                    Role::Text
                } else {
                    Role::Warn
                };
                let (next, _) = detail::onward(cx, Capability::Readiness);
                let next = next.map_or_else(String::new, |next| format!("n goes on to {}", next.title()));
                News::new(sentences::now_line(readiness), next).role(role)
            }
            None if cx.snapshot.answers.given.is_empty() => {
                News::new("No answers yet.", "n opens the questionnaire")
            }
            None => match cx.held() {
                Some(held) => News::new(held, "look around; R works").role(Role::Warn),
                None => News::new("The score is being computed.", "wait"),
            },
        }
    }

    fn commands(&self, cx: &Cx<'_>) -> Vec<Command> {
        if result(cx).is_none() && !cx.snapshot.answers.given.is_empty() && cx.held().is_none() {
            let computing = Some("The score is being computed.".to_owned());
            return vec![Command::new(Action::Next, "tasks").off(computing)];
        }
        if result(cx).is_none() {
            return vec![Command::new(Action::Next, "assess").about("open the questionnaire")];
        }
        vec![
            detail::onward(cx, Capability::Readiness).1,
            Command::new(Action::Open, "evidence").about("evidence and arithmetic of the dimension"),
            Command::new(Action::Edit, "answer").about("go to the question behind the dimension"),
            Command::new(Action::ReadAgain, "again")
                .about("score again")
                .off(cx.held()),
        ]
    }

    fn act(&mut self, action: Action, cx: &Cx<'_>) -> Handled {
        let len = result(cx).map_or(0, |(_, readiness)| readiness.dimensions.len());
        match action {
            Action::Next if result(cx).is_none() => return Handled::one(Effect::Go(Capability::Assess)),
            Action::Next => match detail::onward(cx, Capability::Readiness).0 {
                Some(next) => return Handled::one(Effect::Go(next)),
                None => return Handled::done(),
            },
            Action::Open => self.open = !self.open,
            Action::Close | Action::Leave | Action::Interrupt if self.open => self.open = false,
            Action::Edit => {
                let dimension = result(cx).and_then(|(_, readiness)| readiness.dimensions.get(self.cursor));
                let question = dimension.map_or_else(String::new, |dimension| dimension.question.clone());
                return Handled::one(Effect::Show(Capability::Assess, question));
            }
            Action::ReadAgain => return Handled::one(Effect::Send(Order::Score)),
            Action::Up => self.cursor = self.cursor.saturating_sub(1),
            Action::Down => self.cursor = (self.cursor + 1).min(len.saturating_sub(1)),
            Action::First => self.cursor = 0,
            Action::Last => self.cursor = len.saturating_sub(1),
            _ => return Handled::No,
        }
        Handled::done()
    }

    fn render(&mut self, painter: &mut Painter<'_>, cx: &Cx<'_>) {
        let width = painter.width();
        let Some((_, readiness)) = result(cx) else {
            let empty = cx.snapshot.answers.given.is_empty();
            let sentence = if empty {
                "No answers yet. The score comes from four of the questions.".to_owned()
            } else {
                format!("{} The score is being computed.", cx.spinner())
            };
            painter.row(0, &Row::prose(sentence, Role::Text));
            return;
        };
        let glyphs = painter.glyphs();
        let mut rows = score(readiness, glyphs, width);
        for blocker in &readiness.blockers {
            let locks = blocker
                .locks
                .map(|step| format!(" It locks {}.", step.title()))
                .unwrap_or_default();
            let said = format!("{}. {}{locks}", text::sentence(&blocker.text), blocker.mitigation);
            rows.extend(detail::labelled(
                "! Blocker",
                &said,
                13,
                width,
                Role::Warn,
                keep::FIGURE,
            ));
        }
        let role = if readiness.blockers.is_empty() {
            Role::Critical
        } else {
            Role::Warn
        };
        rows.push(Row::prose(sentences::recommendation(readiness), role).keep(keep::ALWAYS));
        rows.push(Row::blank());
        for (index, dimension) in readiness.dimensions.iter().enumerate() {
            rows.extend(self.dimension(index, dimension, cx, width));
        }
        rows.push(Row::blank());
        let parts = sentences::arithmetic(readiness);
        if text::width(&parts) + 14 <= usize::from(width) {
            let row = Row::new()
                .at(1, "Arithmetic", Role::Muted)
                .at(13, parts, Role::Text);
            rows.push(row.keep(keep::NORMAL));
        } else {
            // Each sum on its own line where they do not stand side by side.
            for (index, part) in parts.split("    ").enumerate() {
                let label = if index == 0 { "Arithmetic" } else { "" };
                let row = Row::new().at(1, label, Role::Muted).at(13, part, Role::Text);
                rows.push(row.keep(keep::EXTRA));
            }
        }
        rows.push(Row::blank());
        let unanswered = sentences::unanswered(readiness);
        let open = unanswered != "none";
        if readiness.blockers.is_empty() && !open {
            rows.push(
                Row::new()
                    .at(1, "Blockers", Role::Muted)
                    .at(13, "none", Role::Text)
                    .at(29, "Unanswered", Role::Muted)
                    .at(41, "none", Role::Text)
                    .keep(keep::EXTRA),
            );
        } else {
            let role = if open { Role::Warn } else { Role::Text };
            rows.extend(detail::labelled(
                "Unanswered",
                &unanswered,
                13,
                width,
                role,
                keep::NORMAL,
            ));
        }
        rows.push(Row::blank());
        rows.extend(actions(readiness, cx, width));
        painter.rows(&rows);
    }

    fn script(&self, _cx: &Cx<'_>) -> Option<String> {
        Some("maos-migrate readiness --answers FILE --json".to_owned())
    }
}

/// The total with its bar, and the bands under it where there is room.
fn score(readiness: &Readiness, glyphs: &Glyphs, width: u16) -> Vec<Row> {
    let bar_at = 30;
    let label = format!("{}/{}", readiness.score, readiness.max);
    let row = Row::new()
        .at(1, "Score", Role::Critical)
        .number(28, label, Role::Critical)
        .keep(keep::ALWAYS);
    let bar_width = width.saturating_sub(bar_at + 8).min(80);
    if bar_width < 20 {
        return vec![row];
    }
    let (done, total) = (unsigned(readiness.score), unsigned(readiness.max));
    let role = match readiness.band {
        crate::engine::readiness::Band::Proceed => Role::Ok,
        crate::engine::readiness::Band::AddressGaps => Role::Warn,
        crate::engine::readiness::Band::Improve => Role::Bad,
    };
    let row = bar::onto(row, bar_at, glyphs, Bar::of(done, total), bar_width, role);
    // Each mark ends where its share of the bar ends.
    let end = |share: u16| bar_at + bar_width * share / 100;
    let tick = if glyphs.ascii { "|" } else { "┘" };
    let scale = Row::new()
        .at(bar_at, "0", Role::Muted)
        .number(end(60), format!("60{tick}"), Role::Muted)
        .number(end(80), format!("80{tick}"), Role::Muted)
        .number(end(100), "100", Role::Muted)
        .keep(keep::EXTRA);
    vec![row, scale]
}

fn unsigned(value: i64) -> u64 {
    u64::try_from(value).unwrap_or(0)
}

impl ReadinessScreen {
    fn dimension(
        &self,
        index: usize,
        dimension: &crate::engine::readiness::Dimension,
        cx: &Cx<'_>,
        width: u16,
    ) -> Vec<Row> {
        let glyphs = cx.look.glyphs;
        let here = index == self.cursor;
        let sign = if here { glyphs.cursor } else { " " };
        let points = format!("{}/{}", dimension.points, dimension.max);
        let mut row = Row::new()
            .at(1, sign, Role::Accent)
            .at(3, dimension.id.title(), Role::Text)
            .number(27, points, Role::Critical)
            .keep(keep::ALWAYS);
        let role = if dimension.answered {
            Role::Accent
        } else {
            Role::Unknown
        };
        let mut evidence_at = 30;
        if cx.density <= Density::Normal {
            let bar = if dimension.answered {
                Bar::of(unsigned(dimension.points), unsigned(dimension.max))
            } else {
                Bar {
                    share: None,
                    limit: None,
                }
            };
            row = bar::onto(row, 30, glyphs, bar, 25, role);
            evidence_at = 57;
        }
        let evidence = if dimension.answered {
            sentences::evidence(dimension, &cx.now.zone)
        } else {
            "not answered".to_owned()
        };
        let evidence_role = if dimension.answered {
            Role::Muted
        } else {
            Role::Warn
        };
        row = row
            .at(evidence_at, evidence.clone(), evidence_role)
            .selected(here);
        let mut rows = vec![row];
        if here && self.open {
            rows.extend(detail::labelled(
                "  Evidence",
                &evidence,
                14,
                width,
                Role::Text,
                keep::FIGURE,
            ));
            rows.extend(detail::labelled(
                "  Points",
                &dimension.arithmetic,
                14,
                width,
                Role::Text,
                keep::FIGURE,
            ));
        }
        rows
    }
}

fn actions(readiness: &Readiness, cx: &Cx<'_>, width: u16) -> Vec<Row> {
    let mut rows = vec![
        Row::new()
            .at(1, "Next actions", Role::Muted)
            .right(1, "gain", Role::Muted)
            .keep(keep::NORMAL),
    ];
    if readiness.actions.is_empty() {
        rows.push(
            Row::new()
                .at(3, Mark::Done.glyph(cx.look.glyphs), Role::Ok)
                .at(5, "nothing would raise the score", Role::Text)
                .keep(keep::NORMAL),
        );
    }
    for (index, action) in readiness.actions.iter().enumerate() {
        let step = action
            .step
            .map(|step| format!(" ({})", step.title()))
            .filter(|step| !action.text.ends_with(step.trim_start()))
            .unwrap_or_default();
        let lines = text::wrap(
            &format!("{}{step}", action.text),
            usize::from(width.saturating_sub(14)),
        );
        for (nth, line) in lines.into_iter().enumerate() {
            let mut row = Row::new().keep(if index == 0 { keep::FIGURE } else { keep::EXTRA });
            if nth == 0 {
                row = row.at(3, (index + 1).to_string(), Role::Accent);
            }
            row = row.at(5, line, Role::Text);
            if nth == 0 {
                row = row.right(1, format!("+{}", action.gain), Role::Ok);
            }
            rows.push(row);
        }
        if let Some(command) = action.command.as_ref().filter(|_| cx.density <= Density::Rail) {
            rows.push(Row::new().at(5, command.clone(), Role::Muted).keep(keep::EXTRA));
        }
    }
    rows
}
