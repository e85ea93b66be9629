//! How a data step is drawn in each of its states, and what its now line says.

use super::{DataStep, Preview};
use crate::engine::Capability;
use crate::engine::operation::{Outcome, Plan};
use crate::engine::snapshot::{Activity, Step};
use crate::engine::text::{count, inert};
use crate::tui::app::context::Cx;
use crate::tui::app::view::PATIENCE;
use crate::tui::paint::{Painter, Row, keep};
use crate::tui::screens::detail::{labelled, prose};
use crate::tui::screens::working;
use crate::tui::style::Role;
use crate::tui::text;
use crate::tui::widgets::frame::News;
use crate::tui::widgets::progress;

/// Column of values beside labels.
const VALUE: u16 = 14;

pub(super) fn news(screen: &DataStep, cx: &Cx<'_>) -> News {
    let activity = screen.activity(cx);
    let step = screen.step(cx);
    if let Some(locked) = screen.locked(cx)
        && activity == Activity::Idle
    {
        return working::locked_news(&locked, "");
    }
    match activity {
        Activity::Idle => idle_news(screen, cx),
        Activity::Running => News::new(screen.so_far(cx), "watch, or p pauses"),
        Activity::Paused => {
            let who = step.and_then(|step| step.note.clone()).unwrap_or_default();
            News::new(format!("Paused by {who}. {}", screen.so_far(cx)), "p goes on").role(Role::Warn)
        }
        Activity::Stopping => News::new("Stopping at the next safe point.", "wait").role(Role::Warn),
        Activity::Stopped => {
            let why = step
                .and_then(|step| step.note.clone())
                .unwrap_or_else(|| "it was stopped".to_owned());
            News::new(format!("Stopped: {why}."), "n goes on from there").role(Role::Warn)
        }
        Activity::Failed => working::failed_news(cx, screen.capability, ""),
        Activity::Done | Activity::DoneWithQuarantine => {
            let said = working::accounted(step).map_or_else(String::new, |sum| format!("Proved: {sum}."));
            News::new(said, working::goes_on(cx, screen.capability)).role(Role::Ok)
        }
    }
}

fn idle_news(screen: &DataStep, cx: &Cx<'_>) -> News {
    if let Some(held) = cx.held() {
        return News::new(held, "look around; R works").role(Role::Warn);
    }
    match &screen.plan {
        Preview::Reading(_) => News::new("Reading only; nothing is changed.", "wait"),
        Preview::Ready(_, plan) if plan.effects.is_empty() => {
            News::new("There is nothing to do. That is allowed.", "n goes on")
        }
        Preview::None | Preview::Ready(..) => News::new("Nothing is changed yet.", "n shows the plan"),
        Preview::Failed(error) => {
            let hint = error
                .hint
                .clone()
                .unwrap_or_else(|| "r reads it again".to_owned());
            News::new(format!("{}.", text::sentence(&error.message)), hint).role(Role::Bad)
        }
    }
}

pub(super) fn render(screen: &mut DataStep, painter: &mut Painter<'_>, cx: &Cx<'_>) {
    let width = painter.width();
    let mut rows = Vec::new();
    let activity = screen.activity(cx);
    if let Some(locked) = screen.locked(cx)
        && activity == Activity::Idle
    {
        let glyphs = painter.glyphs();
        rows.push(
            Row::new()
                .at(1, glyphs.locked, Role::Muted)
                .at(3, format!("Locked: {}", locked.sentence), Role::Warn)
                .keep(keep::ALWAYS),
        );
        rows.push(Row::blank());
        rows.extend(labelled(
            "For",
            about(screen.capability),
            VALUE,
            width,
            Role::Text,
            keep::NORMAL,
        ));
        painter.rows(&rows);
        return;
    }
    let step = screen.step(cx);
    match (activity, step) {
        (Activity::Running | Activity::Paused | Activity::Stopping, Some(step)) => {
            running(screen, &mut rows, step, cx, width);
        }
        (Activity::Done | Activity::DoneWithQuarantine, Some(step)) => {
            if let Some(outcome) = &step.outcome {
                done(&mut rows, step, outcome, cx, width);
            }
        }
        (Activity::Failed | Activity::Stopped, Some(step)) => {
            failed(screen, &mut rows, step, cx, width);
            plan(screen, &mut rows, cx, width);
        }
        _ => plan(screen, &mut rows, cx, width),
    }
    working::scroll(&mut rows, &mut screen.top, painter.height());
    painter.rows(&rows);
}

/// What a step is for.
const fn about(capability: Capability) -> &'static str {
    match capability {
        Capability::Tasks => {
            "Reads the legacy tasks, finds the parts that can run side by side, and writes them as MAOS tasks. What cannot be read is set aside with its reason."
        }
        Capability::Config => {
            "Turns the legacy configuration into MAOS's. Every key is mapped, defaulted, or reported as unmapped; secrets become references."
        }
        Capability::Checkpoints => {
            "Turns pickled checkpoints into MAOS checkpoints without running anything in them, and reads each one back."
        }
        _ => {
            "Copies the legacy rows into MAOS's table in small committed chunks, then proves row by row that nothing is missing or changed."
        }
    }
}

fn plan(screen: &DataStep, rows: &mut Vec<Row>, cx: &Cx<'_>, width: u16) {
    rows.extend(prose(about(screen.capability), width, Role::Muted, keep::EXTRA));
    rows.push(Row::blank());
    match &screen.plan {
        Preview::None => {}
        Preview::Reading(since) => {
            // What is quick needs no spinner.
            let waited = cx.now.mono.saturating_sub(*since);
            if waited < PATIENCE {
                cx.wake_in(PATIENCE.saturating_sub(waited));
            } else {
                let said = format!("{} Reading what is there. Nothing is changed.", cx.spinner());
                rows.push(Row::prose(said, Role::Text).keep(keep::FIGURE));
            }
        }
        Preview::Failed(error) => {
            let glyphs = cx.look.glyphs;
            let said = format!("{} {}.", glyphs.failed, text::sentence(&error.message));
            rows.extend(prose(&said, width, Role::Bad, keep::ALWAYS));
            if let Some(hint) = &error.hint {
                rows.extend(labelled("Do", hint, VALUE, width, Role::Text, keep::FIGURE));
            }
        }
        Preview::Ready(_, plan) => planned(plan, rows, width),
    }
}

fn planned(plan: &Plan, rows: &mut Vec<Row>, width: u16) {
    rows.push(
        Row::new()
            .at(1, plan.title.clone(), Role::Critical)
            .keep(keep::ALWAYS),
    );
    rows.extend(labelled(
        "To",
        &plan.target,
        VALUE,
        width,
        Role::Text,
        keep::FIGURE,
    ));
    rows.push(Row::blank());
    let counts = plan
        .effects
        .iter()
        .filter_map(|effect| effect.count)
        .map(|n| text::cells(&count(n)))
        .max();
    let end = VALUE + 11 + counts.unwrap_or(0);
    for (index, effect) in plan.effects.iter().enumerate() {
        let room = usize::from(width.saturating_sub(end + 4)).max(8);
        for (nth, line) in text::wrap(&effect.what, room).into_iter().enumerate() {
            let mut row = Row::new().keep(keep::FIGURE);
            if nth == 0 {
                row = row
                    .at(1, if index == 0 { "Would" } else { "" }, Role::Muted)
                    .at(VALUE, effect.act.clone(), Role::Text)
                    .number(end, effect.count.map(count).unwrap_or_default(), Role::Critical);
            }
            rows.push(row.at(end + 3, line, Role::Text));
        }
    }
    if plan.effects.is_empty() {
        rows.push(
            Row::new()
                .at(1, "Would", Role::Muted)
                .at(VALUE, "change nothing", Role::Text)
                .keep(keep::FIGURE),
        );
    }
    rows.push(Row::blank());
    let (undo, role) = match &plan.undo {
        Some(undo) => (undo.as_str(), Role::Text),
        None => (
            "There is none; the name of the target is typed first.",
            Role::Warn,
        ),
    };
    rows.extend(labelled("Undo", undo, VALUE, width, role, keep::NORMAL));
    rows.extend(labelled(
        "Plan",
        &plan.digest,
        VALUE,
        width,
        Role::Muted,
        keep::NORMAL,
    ));
}

fn running(screen: &mut DataStep, rows: &mut Vec<Row>, step: &Step, cx: &Cx<'_>, width: u16) {
    let figures = screen.pace.figures(step, cx.now.mono);
    if step.activity == Activity::Running {
        // The estimate and the stall are clocks; they need a frame now and then even when nothing comes.
        cx.wake_in(std::time::Duration::from_secs(1));
    }
    if step.activity == Activity::Paused {
        let who = step.note.clone().unwrap_or_default();
        let glyphs = cx.look.glyphs;
        rows.push(
            Row::new()
                .at(1, glyphs.paused, Role::Warn)
                .at(3, format!("Paused by {who}. {}", screen.so_far(cx)), Role::Warn)
                .keep(keep::FIGURE),
        );
        rows.push(Row::blank());
    }
    rows.extend(progress::panel(step, &figures, cx.look.glyphs, width));
    rows.push(Row::blank());
    let approved = step.approved_by.as_ref().map(|who| format!("approved by {who}"));
    let plan = step.plan.as_ref().map(|plan| format!("plan {}", plan.digest));
    let said: Vec<String> = [plan, approved].into_iter().flatten().collect();
    if !said.is_empty() {
        rows.push(Row::prose(said.join(", "), Role::Muted).keep(keep::EXTRA));
    }
    rows.extend(working::set_aside(step, "Set aside".to_owned(), 4, width));
    let tail = working::log_tail(cx, screen.capability, 8);
    if !tail.is_empty() {
        rows.push(Row::blank());
        rows.extend(tail);
    }
    rows.push(Row::blank());
    rows.push(
        Row::prose("Done is said only when every item is accounted for.", Role::Muted).keep(keep::EXTRA),
    );
}

fn done(rows: &mut Vec<Row>, step: &Step, outcome: &Outcome, cx: &Cx<'_>, width: u16) {
    rows.push(working::proved_row(step, outcome, ", with items set aside", cx));
    rows.push(Row::blank());
    let equal = outcome.proved();
    let sum = format!(
        "{} = {} converted + {} quarantined",
        count(outcome.source),
        count(outcome.converted),
        count(outcome.quarantined)
    );
    let (word, role) = if equal {
        ("equal", Role::Ok)
    } else {
        ("differs", Role::Bad)
    };
    rows.push(
        Row::new()
            .at(1, "Accounted for", Role::Muted)
            .at(16, sum, Role::Critical)
            .right(1, word, role)
            .keep(keep::ALWAYS),
    );
    if outcome.unchanged > 0 {
        let said = format!("{} were in place already and identical", count(outcome.unchanged));
        rows.push(Row::new().at(16, said, Role::Muted).keep(keep::EXTRA));
    }
    if !outcome.proof.is_empty() {
        rows.push(Row::blank());
        let (source, target) = (width.saturating_sub(26), width.saturating_sub(10));
        let wide = width >= 70;
        let head = Row::new().at(1, "Proof", Role::Muted).keep(keep::NORMAL);
        let head = if wide {
            head.number(source, "source", Role::Muted)
                .number(target, "target", Role::Muted)
        } else {
            head
        };
        rows.push(head.right(1, "result", Role::Muted));
        for line in &outcome.proof {
            let (word, role) = if line.equal {
                ("equal", Role::Ok)
            } else {
                ("differs", Role::Bad)
            };
            let figure = shortened(&line.source, 18);
            let room = if wide {
                source.saturating_sub(text::cells(&figure) + 5)
            } else {
                width.saturating_sub(12)
            };
            let row = Row::new()
                .at(3, line.what.clone(), Role::Text)
                .max(room)
                .keep(keep::NORMAL);
            // Where the two figures do not stand side by side, what they say about each other does.
            let row = if wide {
                row.number(source, figure, Role::Text)
                    .number(target, shortened(&line.target, 14), Role::Text)
            } else {
                row
            };
            rows.push(row.right(1, word, role));
        }
    }
    rows.extend(working::set_aside(step, "Set aside".to_owned(), 4, width));
    if !outcome.artifacts.is_empty() {
        rows.push(Row::blank());
        for (index, artifact) in outcome.artifacts.iter().enumerate() {
            let label = if index == 0 { "Written" } else { "" };
            rows.push(
                Row::new()
                    .at(1, label, Role::Muted)
                    .at(16, inert(artifact), Role::Text)
                    .middle(width.saturating_sub(18))
                    .keep(if index < 3 { keep::NORMAL } else { keep::EXTRA }),
            );
        }
    }
}

fn shortened(text: &str, max: usize) -> String {
    text::elide_middle(&inert(text), max, "…")
}

fn failed(screen: &DataStep, rows: &mut Vec<Row>, step: &Step, cx: &Cx<'_>, width: u16) {
    rows.extend(working::why_it_ended(step, cx, width));
    rows.push(Row::blank());
    rows.extend(working::what_now(step, &screen.so_far(cx), width));
    rows.extend(working::set_aside(step, "Set aside".to_owned(), 4, width));
    rows.push(Row::blank());
}
