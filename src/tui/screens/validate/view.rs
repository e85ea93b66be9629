//! How the screen is drawn: the tree, the test under the cursor below it, and the rate with its coverage at the bottom.

use ratatui::layout::Rect;

use super::tree::Line;
use super::{STEP, Validate, activity, working};
use crate::engine::item::{Item, ItemState};
use crate::engine::journey;
use crate::engine::snapshot::Activity;
use crate::engine::text::{inert, plural};
use crate::engine::validate::judge::{Counts, Verdict, coverage_words, rate_words};
use crate::engine::validate::{Assessment, Catalogue, Category};
use crate::tui::app::context::Cx;
use crate::tui::layout::Density;
use crate::tui::paint::{Painter, Row, keep};
use crate::tui::screens::detail::{labelled, onward, prose};
use crate::tui::style::{Glyphs, Role};
use crate::tui::text;
use crate::tui::widgets::frame::News;
use crate::tui::widgets::list::cursor;
use crate::tui::widgets::mark::Mark;

pub(super) fn news(screen: &Validate, cx: &Cx<'_>) -> News {
    let activity = activity(cx);
    if activity == Activity::Idle
        && let Some(locked) = working::locked(cx, STEP)
    {
        return working::locked_news(&locked, "");
    }
    if screen.asked.is_some() {
        return News::new("The plan is being made: MAOS is asked what it can do.", "wait");
    }
    let counts = screen.counts();
    let step = cx.step(STEP);
    match activity {
        Activity::Idle => {
            if let Some(held) = cx.held() {
                return News::new(held, "look around; R works").role(Role::Warn);
            }
            let tasks = Catalogue::tasks(&screen.tree.catalogue.tests);
            News::new(
                format!("Not run yet. Sends up to {}.", plural(tasks, "task", "tasks")),
                "n shows the plan",
            )
        }
        Activity::Running => {
            let name = step
                .and_then(|step| step.progress.as_ref())
                .and_then(|progress| progress.running.first().cloned())
                .unwrap_or_default();
            let done = counts.executed() + counts.skipped;
            News::new(
                format!("{done} of {} ended. {name} is running.", counts.total),
                "watch, or X stops",
            )
        }
        Activity::Paused => {
            let who = step.and_then(|step| step.note.clone()).unwrap_or_default();
            News::new(format!("Paused by {who}."), "p goes on").role(Role::Warn)
        }
        Activity::Stopping => {
            News::new("Stopping; what the test sent is cancelled.", "wait").role(Role::Warn)
        }
        Activity::Stopped => {
            let done = counts.executed() + counts.skipped;
            News::new(
                format!("Stopped after {done} of {}.", counts.total),
                "n runs the rest",
            )
            .role(Role::Warn)
        }
        Activity::Failed => working::failed_news(cx, STEP, ""),
        Activity::Done | Activity::DoneWithQuarantine => ended(screen, counts, cx),
    }
}

fn ended(screen: &Validate, counts: Counts, cx: &Cx<'_>) -> News {
    if screen.rolls_back(cx) {
        return News::new(
            format!("{} failed of {} executed.", counts.failed, counts.executed()),
            "n opens Rollback",
        )
        .role(Role::Bad);
    }
    if counts.failed > 0 {
        let first = screen
            .tree
            .catalogue
            .tests
            .iter()
            .enumerate()
            .find_map(|(index, _)| {
                screen
                    .tree
                    .item(index)
                    .filter(|item| item.state == ItemState::Failed)
            });
        let why = first.map_or_else(String::new, |item| format!(": {}", inert(&item.text)));
        return News::new(
            format!("{} failed{why}.", counts.failed),
            "Enter evidence, t runs it again",
        )
        .role(Role::Bad);
    }
    if let Some((by, at)) = journey::outdated_by(cx.snapshot, STEP) {
        let done = by.title().to_lowercase();
        return News::new(
            format!(
                "These results are from before the {done} of {}.",
                cx.now.clock(at)
            ),
            format!("r runs the {} tests again", counts.total),
        )
        .role(Role::Warn);
    }
    let next = onward(cx, STEP)
        .0
        .map_or_else(String::new, |next| format!("n {}", next.title().to_lowercase()));
    let skipped = if counts.skipped > 0 {
        format!(", {} skipped", counts.skipped)
    } else {
        String::new()
    };
    News::new(format!("{} passed{skipped}, none failed.", counts.passed), next).role(Role::Ok)
}

pub(super) fn render(screen: &mut Validate, painter: &mut Painter<'_>, cx: &Cx<'_>) {
    let (width, height) = (painter.width(), painter.height());
    if screen.open
        && let Some(Line::Test(index)) = screen.tree.lines.get(screen.list.cursor).copied()
    {
        painter.rows(&evidence(screen, index, cx, width, true));
        return;
    }
    screen.open = false;
    let counts = screen.counts();
    let mut bottom = Vec::new();
    if let Some(step) = cx.step(STEP)
        && matches!(step.activity, Activity::Failed | Activity::Stopped)
    {
        let safe = "Results of tests that ended are kept; nothing of the others is left in MAOS.";
        bottom.extend(working::ended_badly(step, safe, cx, width));
    }
    bottom.extend(verdict(counts, screen.tree.rehearsal(), cx, width));
    if cx.density == Density::Tiny {
        let mut rows = bottom;
        rows.push(categories(screen, cx.look.glyphs));
        painter.rows(&rows);
        return;
    }
    let cells = |n: usize| u16::try_from(n).unwrap_or(u16::MAX);
    let verdict = cells(bottom.len()).min(height / 2);
    let detail = match screen.tree.lines.get(screen.list.cursor).copied() {
        _ if cx.density > Density::Normal => Vec::new(),
        Some(Line::Test(index)) => evidence(screen, index, cx, width, false),
        Some(Line::Category(category, _)) => about(screen, category, width),
        None => Vec::new(),
    };
    // A place for three lines of detail is always kept, so that the tree does not jump when the cursor moves.
    let kept = if cx.density <= Density::Normal { 4 } else { 0 };
    let wide = cx.density <= Density::Rail;
    let room = height.saturating_sub(verdict + kept);
    if screen.tree.room != usize::from(room) {
        screen.tree.room = usize::from(room);
        screen.tree.refresh(cx);
    }
    let lines = screen.tree.lines.len();
    let tree = room.min(cells(lines));
    screen.list.settle(lines, usize::from(tree));
    for (y, index) in (0..tree).zip(screen.list.top..lines) {
        let here = index == screen.list.cursor;
        let row = match screen.tree.lines[index] {
            Line::Category(category, open) => category_row(screen, category, open, here, painter),
            Line::Test(test) => test_row(screen, test, here, painter, cx),
        };
        painter.row(y, &row.selected(here));
    }
    let rest = height.saturating_sub(tree + verdict);
    if rest > 1 && kept > 0 {
        let mut below = detail;
        let spare = usize::from(rest).saturating_sub(below.len() + 1);
        if wide && spare > 4 {
            below.push(Row::rule());
            below.extend(working::log_tail(cx, STEP, (spare - 2).min(12)));
        }
        let position = screen.list.position(lines);
        painter
            .part(Rect::new(0, tree, width, 1))
            .row(0, &Row::rule().right(1, position, Role::Muted));
        painter.part(Rect::new(0, tree + 1, width, rest - 1)).rows(&below);
    }
    painter
        .part(Rect::new(0, height.saturating_sub(verdict), width, verdict))
        .rows(&bottom);
}

fn mark(state: Option<ItemState>) -> Mark {
    match state {
        Some(ItemState::Done) => Mark::Done,
        Some(ItemState::Failed | ItemState::Unknown | ItemState::Undone) => Mark::Failed,
        Some(ItemState::Skipped) => Mark::Skipped,
        Some(ItemState::Running) => Mark::Running,
        Some(ItemState::Waiting) | None => Mark::Ready,
    }
}

fn of_category(counts: Counts) -> Mark {
    match counts {
        counts if counts.running > 0 => Mark::Running,
        counts if counts.failed > 0 => Mark::Failed,
        counts if counts.waiting() > 0 => Mark::Ready,
        counts if counts.skipped > 0 => Mark::Skipped,
        _ => Mark::Done,
    }
}

/// `4 passed, 1 failed`, in the order in which a person asks.
fn counted(counts: Counts) -> String {
    let parts: Vec<String> = [
        (counts.passed, "passed"),
        (counts.failed, "failed"),
        (counts.running, "running"),
        (counts.skipped, "skipped"),
        (counts.waiting(), "waiting"),
    ]
    .into_iter()
    .filter(|(n, _)| *n > 0)
    .map(|(n, word)| format!("{n} {word}"))
    .collect();
    parts.join(", ")
}

fn category_row(screen: &Validate, category: Category, open: bool, here: bool, painter: &Painter<'_>) -> Row {
    let glyphs = painter.glyphs();
    let counts = screen.tree.counts(Some(category));
    let mark = of_category(counts);
    let fold = if open { "[-]" } else { "[+]" };
    let (sign, role) = cursor(painter, here);
    Row::new()
        .at(0, sign, role)
        .at(1, fold, Role::Muted)
        .at(5, mark.glyph(glyphs), mark.role())
        .at(7, category.name(), Role::Critical)
        .at(23, counts.total.to_string(), Role::Muted)
        .at(27, counted(counts), Role::Text)
}

fn time(item: Option<&Item>) -> String {
    #[expect(clippy::cast_precision_loss, reason = "milliseconds of a test")]
    item.and_then(|item| item.ms)
        .map_or_else(String::new, |ms| format!("{:.1} s", ms as f64 / 1000.0))
}

fn test_row(screen: &Validate, index: usize, here: bool, painter: &Painter<'_>, cx: &Cx<'_>) -> Row {
    let glyphs = painter.glyphs();
    let item = screen.tree.item(index);
    let state = item.map(|item| item.state);
    let mark = mark(state);
    let (sign, role) = cursor(painter, here);
    let name = &screen.tree.catalogue.tests[index].name;
    let (shown, said) = match state {
        Some(ItemState::Running) => {
            let since = cx.step(STEP).and_then(|step| step.progress.as_ref());
            let glyph = if since.is_some() {
                cx.spinner()
            } else {
                glyphs.running
            };
            (glyph, "running".to_owned())
        }
        Some(ItemState::Waiting) | None => (mark.glyph(glyphs), "waiting".to_owned()),
        Some(_) => (
            mark.glyph(glyphs),
            item.map_or_else(String::new, |item| inert(&item.text)),
        ),
    };
    let skipped = state == Some(ItemState::Skipped);
    Row::new()
        .at(5, sign, role)
        .at(7, shown, mark.role())
        .at(9, name.clone(), if skipped { Role::Muted } else { Role::Text })
        .number(43, if skipped { String::new() } else { time(item) }, Role::Text)
        .at(
            46,
            said,
            if mark == Mark::Failed {
                Role::Bad
            } else {
                Role::Muted
            },
        )
}

/// The test under the cursor: expected, found, and with `whole` the evidence too.
fn evidence(screen: &Validate, index: usize, cx: &Cx<'_>, width: u16, whole: bool) -> Vec<Row> {
    let Some(test) = screen.tree.catalogue.tests.get(index) else {
        return Vec::new();
    };
    let item = screen.tree.item(index);
    let mark = mark(item.map(|item| item.state));
    let word = match mark {
        Mark::Done => "passed",
        Mark::Ready => "not run",
        other => other.word(),
    };
    let when = item
        .filter(|item| item.state.ended())
        .and_then(Verdict::of)
        .map_or_else(String::new, |verdict| {
            format!(", run of {}, {}", cx.now.clock_seconds(verdict.at), time(item))
        });
    let mut rows = vec![
        Row::new()
            .at(1, test.name.clone(), Role::Critical)
            .then(format!("   {word}{when}"), mark.role())
            .keep(keep::ALWAYS),
    ];
    rows.extend(labelled(
        "  expected",
        &test.expected,
        13,
        width,
        Role::Text,
        keep::NORMAL,
    ));
    let Some(verdict) = item.filter(|item| item.state.ended()).and_then(Verdict::of) else {
        return rows;
    };
    let label = if mark == Mark::Skipped {
        "  skipped"
    } else {
        "  found"
    };
    rows.extend(labelled(
        label,
        &inert(&verdict.found),
        13,
        width,
        mark.role(),
        keep::FIGURE,
    ));
    if whole {
        if verdict.simulated {
            rows.extend(labelled(
                "  note",
                "REHEARSAL: durations are simulated",
                13,
                width,
                Role::Unknown,
                keep::FIGURE,
            ));
        } else if verdict.rehearsal {
            rows.extend(labelled(
                "  note",
                "REHEARSAL: the embedded MAOS",
                13,
                width,
                Role::Unknown,
                keep::FIGURE,
            ));
        }
        rows.push(Row::blank());
        for (nth, line) in verdict.evidence.iter().enumerate() {
            let label = if nth == 0 { "  evidence" } else { "" };
            rows.extend(labelled(label, &inert(line), 13, width, Role::Text, keep::NORMAL));
        }
        for (nth, (name, value)) in verdict.figures.iter().enumerate() {
            let label = if nth == 0 { "  figures" } else { "" };
            rows.extend(labelled(
                label,
                &inert(&format!("{name} {value}")),
                13,
                width,
                Role::Muted,
                keep::NORMAL,
            ));
        }
        if !verdict.submitted.is_empty() {
            let ids = inert(&verdict.submitted.join(", "));
            rows.extend(labelled("  sent", &ids, 13, width, Role::Muted, keep::EXTRA));
        }
    }
    rows
}

fn about(screen: &Validate, category: Category, width: u16) -> Vec<Row> {
    let tests: Vec<_> = screen.tree.catalogue.of_category(category).collect();
    let tasks = Catalogue::tasks(tests.iter().copied());
    let counts = screen.tree.counts(Some(category));
    let said = format!(
        "{}, up to {} for MAOS: {}",
        plural(tests.len() as u64, "test", "tests"),
        plural(tasks, "task", "tasks"),
        counted(counts)
    );
    let mut rows = vec![
        Row::new()
            .at(1, category.name(), Role::Critical)
            .keep(keep::ALWAYS),
    ];
    rows.extend(labelled("  tests", &said, 13, width, Role::Text, keep::FIGURE));
    rows
}

/// The rate over executed tests with the guide's sentence, and the coverage.
fn verdict(counts: Counts, (simulated, rehearsal): (bool, bool), cx: &Cx<'_>, width: u16) -> Vec<Row> {
    if counts.executed() == 0 {
        let said = if counts.skipped > 0 {
            format!(
                "{} skipped, none executed: there is no assessment.",
                counts.skipped
            )
        } else {
            "Not run yet. A test that MAOS cannot serve is skipped and says why.".to_owned()
        };
        return prose(&said, width, Role::Muted, keep::ALWAYS);
    }
    let lead = match (rehearsal, activity(cx).is_active()) {
        (true, true) if simulated => "REHEARSAL, simulated, so far ",
        (true, false) if simulated => "REHEARSAL, simulated: ",
        (true, true) => "REHEARSAL, so far ",
        (true, false) => "REHEARSAL: ",
        (false, true) => "So far ",
        (false, false) => "",
    };
    let coverage = coverage_words(counts);
    let rate = format!("{lead}{}", rate_words(counts));
    let both = text::width(&rate) + text::width(&coverage) + 4 <= usize::from(width);
    let row = Row::new().at(1, rate, Role::Critical).keep(keep::ALWAYS);
    let mut rows = if both {
        vec![row.right(1, coverage, Role::Text)]
    } else {
        vec![row, Row::prose(coverage, Role::Text).keep(keep::ALWAYS)]
    };
    if let Some(assessment) = counts.assessment() {
        let role = match assessment {
            Assessment::Excellent | Assessment::Good => Role::Ok,
            Assessment::Acceptable | Assessment::Concerning => Role::Warn,
            Assessment::Failed => Role::Bad,
        };
        rows.extend(prose(assessment.sentence(), width, role, keep::ALWAYS));
    }
    rows
}

/// All categories in one line, where there is no room for a tree.
fn categories(screen: &Validate, glyphs: &Glyphs) -> Row {
    let mut row = Row::new().at(1, "", Role::Text).keep(keep::FIGURE);
    for category in Category::ALL {
        let counts = screen.tree.counts(Some(category));
        let mark = of_category(counts);
        let name = &category.name()[..4];
        row = row
            .then(mark.glyph(glyphs), mark.role())
            .then(format!(" {name} "), Role::Text);
    }
    row
}
