//! How the screen is drawn: figures on top, refused files below them, the file under the cursor at the bottom.

use ratatui::layout::Rect;

use super::figures::{VALUE, figures};
use super::model::{self, Entry};
use super::{Checkpoints, STEP, Scan, activity, folder, scan, step, working};
use crate::engine::checkpoints::finding::{Code, Severity};
use crate::engine::snapshot::Activity;
use crate::engine::text::{count, inert, plural};
use crate::tui::app::context::{Cx, Handled};
use crate::tui::keymap::Action;
use crate::tui::layout::Density;
use crate::tui::paint::{Painter, Row, keep};
use crate::tui::screens::Screen as _;
use crate::tui::screens::detail::{labelled, prose};
use crate::tui::style::Role;
use crate::tui::text;
use crate::tui::widgets::frame::News;
use crate::tui::widgets::list::cursor;

/// Rows of the list that stay whatever else wants room.
const LEAST_LIST: u16 = 4;

pub(super) fn news(screen: &Checkpoints, cx: &Cx<'_>) -> News {
    let activity = activity(cx);
    if activity == Activity::Idle
        && let Some(locked) = working::locked(cx, STEP)
    {
        return working::locked_news(&locked, "");
    }
    if screen.asked.is_some() {
        let far = cx.views.reading.get(&STEP).map_or_else(String::new, |progress| {
            format!(": {}", working::fraction(progress))
        });
        return News::new(format!("Every file is read again for the plan{far}."), "wait");
    }
    if let Scan::Going(progress) = scan(cx) {
        let far = progress.map_or_else(String::new, |progress| {
            format!(" {}", working::fraction(progress))
        });
        return News::new(format!("Scanning{far}. Reading only."), "wait");
    }
    let step = step(cx);
    let refused = step
        .and_then(|step| step.progress.as_ref())
        .map_or(0, |progress| progress.quarantined);
    let safe = step.and_then(|step| step.progress.as_ref()).map_or_else(
        || "Nothing is written yet.".to_owned(),
        |progress| format!("{} are safe.", count(progress.proved)),
    );
    match activity {
        Activity::Idle => idle(cx),
        Activity::Running => News::new(
            format!("{} refused, nothing run. Converting goes on.", count(refused)),
            "watch, or p pauses",
        ),
        Activity::Paused => {
            let who = step.and_then(|step| step.note.clone()).unwrap_or_default();
            News::new(format!("Paused by {who}. {safe}"), "p goes on").role(Role::Warn)
        }
        Activity::Stopping => {
            News::new("Stopping after the files that are in work.", "wait").role(Role::Warn)
        }
        Activity::Stopped => News::new(format!("Stopped. {safe}"), "n goes on from there").role(Role::Warn),
        Activity::Failed => working::failed_news(cx, STEP, ""),
        Activity::Done | Activity::DoneWithQuarantine => {
            let said = step
                .and_then(|step| step.outcome.as_ref())
                .map_or_else(String::new, |outcome| outcome.summary.clone());
            let next = working::goes_on(cx, STEP);
            News::new(said, next).role(Role::Ok)
        }
    }
}

fn idle(cx: &Cx<'_>) -> News {
    match scan(cx) {
        Scan::Failed(error) => {
            let hint = error.hint.clone().unwrap_or_else(|| "r scans again".to_owned());
            News::new(format!("{}.", text::sentence(&error.message)), hint).role(Role::Bad)
        }
        Scan::Made(view) if view.totals.total == 0 => {
            News::new(format!("No checkpoint files in {}.", folder(cx)), "n goes on")
        }
        Scan::Made(view) => {
            let refused = view.totals.total - view.convertible().min(view.totals.total);
            let next = match cx.held() {
                Some(_) => "look around; R works".to_owned(),
                None => format!("n converts {}", plural(view.convertible(), "file", "files")),
            };
            let what = format!("{} refused, nothing run and nothing written yet.", count(refused));
            News::new(what, next)
        }
        Scan::None | Scan::Going(_) => match cx.held() {
            Some(held) => News::new(held, "look around; R works").role(Role::Warn),
            None => News::new("Not scanned yet. A scan only reads.", "n scans"),
        },
    }
}

pub(super) fn render(screen: &mut Checkpoints, painter: &mut Painter<'_>, cx: &Cx<'_>) {
    let entries = model::entries(cx);
    screen.list.cursor = screen.list.cursor.min(entries.len().saturating_sub(1));
    let (width, height) = (painter.width(), painter.height());
    if screen.open
        && let Some(entry) = entries.get(screen.list.cursor)
    {
        painter.rows(&detail(*entry, cx, width, true));
        return;
    }
    screen.open = false;
    screen.first_row = None;
    let figures = figures(screen, &entries, cx, width);
    if entries.is_empty() {
        let mut rows = figures;
        rows.push(Row::blank());
        let room = usize::from(height).saturating_sub(rows.len() + 1);
        rows.extend(working::log_tail(cx, STEP, room.min(12)));
        painter.rows(&rows);
        return;
    }
    let below = if cx.density <= Density::Normal {
        detail(entries[screen.list.cursor], cx, width, false)
    } else {
        Vec::new()
    };
    let areas = areas(&figures, entries.len(), below.len(), width, height);
    screen.first_row = Some(areas.list.y);
    painter.part(areas.figures).rows(&figures);
    screen.list.settle(entries.len(), usize::from(areas.list.height));
    heading(screen, &mut painter.part(areas.heading), &entries, cx);
    list(screen, &mut painter.part(areas.list), &entries, cx);
    if !below.is_empty() && areas.detail.height > 1 {
        let mut part = painter.part(areas.detail);
        part.row(0, &Row::rule());
        let rest = Rect::new(0, 1, width, areas.detail.height - 1);
        part.part(rest).rows(&below);
    }
    if areas.log.height > 2 {
        let mut part = painter.part(areas.log);
        let mut below = words(&entries, width);
        let most = usize::from(areas.log.height).saturating_sub(below.len() + 4);
        if cx.density > Density::Rail || most < 2 {
            below.clear();
        }
        let tail = working::log_tail(cx, STEP, usize::from(areas.log.height - 2).min(most.clamp(2, 12)));
        if !tail.is_empty() {
            if !below.is_empty() {
                below.push(Row::rule());
            }
            below.extend(tail);
        }
        if !below.is_empty() {
            part.row(0, &Row::rule());
            let rest = Rect::new(0, 1, width, areas.log.height - 1);
            part.part(rest).rows(&below);
        }
    }
}

/// What the severities in the list mean, where there is room to say it.
fn words(entries: &[Entry<'_>], width: u16) -> Vec<Row> {
    let mut rows = Vec::new();
    for (severity, meaning) in [
        (
            Severity::Critical,
            "loading the file in Python could have run code",
        ),
        (
            Severity::Unknown,
            "it names a class or an object that is not known; a class of your own can be declared",
        ),
        (
            Severity::Malformed,
            "it is not a whole, well-formed checkpoint, or it is beyond a limit",
        ),
        (
            Severity::Changed,
            "it could not be read in one piece, or its place or its result is not as it should be",
        ),
    ] {
        if entries.iter().any(|entry| entry.severity() == severity) {
            rows.extend(labelled(
                severity.word(),
                meaning,
                VALUE,
                width,
                Role::Muted,
                keep::EXTRA,
            ));
        }
    }
    rows
}

/// Where the parts of the screen stand.
struct Areas {
    figures: Rect,
    heading: Rect,
    list: Rect,
    detail: Rect,
    log: Rect,
}

fn areas(figures: &[Row], entries: usize, below: usize, width: u16, height: u16) -> Areas {
    let cells = |n: usize| u16::try_from(n).unwrap_or(u16::MAX);
    let wanted = cells(entries);
    let least = wanted.min(LEAST_LIST);
    // The figures first, then the detail, then as much of the list as there is room for.
    let top = cells(figures.len()).min(height.saturating_sub(1 + least.min(2)));
    let gap = u16::from(height > top + 1 + least + cells(below) + 2);
    let rest = height.saturating_sub(top + gap + 1);
    let detail = if below == 0 {
        0
    } else {
        (cells(below) + 1).min(rest.saturating_sub(least))
    };
    let list = wanted.min(rest.saturating_sub(detail));
    let at = top + gap;
    let log_at = at + 1 + list + detail;
    Areas {
        figures: Rect::new(0, 0, width, top),
        heading: Rect::new(0, at, width, 1),
        list: Rect::new(0, at + 1, width, list),
        detail: Rect::new(0, at + 1 + list, width, detail),
        log: Rect::new(0, log_at, width, height.saturating_sub(log_at)),
    }
}

fn heading(screen: &Checkpoints, painter: &mut Painter<'_>, entries: &[Entry<'_>], cx: &Cx<'_>) {
    let total = step(cx)
        .and_then(|step| step.progress.as_ref())
        .map_or(0, |progress| progress.quarantined)
        .max(entries.len() as u64);
    let position = screen.list.position(entries.len());
    let right = if cx.density <= Density::Normal {
        format!("sort severity ↓  {position}")
    } else {
        position
    };
    let row = Row::new()
        .at(1, format!("Refused {}", count(total)), Role::Warn)
        .right(1, right.trim_end().to_owned(), Role::Muted);
    painter.row(0, &row);
}

fn list(screen: &mut Checkpoints, painter: &mut Painter<'_>, entries: &[Entry<'_>], cx: &Cx<'_>) {
    let width = painter.width();
    let signs = [cursor(painter, false), cursor(painter, true)];
    let wide = cx.density <= Density::Normal;
    // The names take what they need, up to a third of the row.
    let longest = entries
        .iter()
        .map(|entry| text::cells(entry.file()))
        .max()
        .unwrap_or(0);
    let most = if wide { width / 3 } else { width.saturating_sub(17) };
    let name = longest.clamp(12, most.max(12));
    let replaced = |entry: &Entry<'_>| {
        let subject = format!("{}{}", model::REPLACE, entry.file());
        step(cx).is_some_and(|step| step.decisions.contains_key(&subject))
    };
    screen.list.draw(painter, entries.len(), true, |index, here| {
        let entry = entries[index];
        let (sign, role) = signs[usize::from(here)];
        let severity = entry.severity();
        let tone = match severity {
            Severity::Critical => Role::Bad,
            Severity::Unknown => Role::Warn,
            Severity::Malformed | Severity::Changed => Role::Text,
        };
        let mark = match severity {
            Severity::Critical => cx.look.glyphs.decide,
            _ if replaced(&entry) => "*",
            _ => " ",
        };
        let row = Row::new().at(1, sign, role).at(3, mark, tone);
        let row = if wide {
            row.at(5, severity.word(), tone)
                .at(16, entry.file().to_owned(), Role::Text)
                .middle(name)
                .at(16 + name + 2, reason(&entry, replaced(&entry), cx), Role::Text)
        } else {
            row.at(5, entry.file().to_owned(), Role::Text).middle(name).at(
                5 + name + 1,
                severity.word(),
                tone,
            )
        };
        row.selected(here)
    });
}

/// What the list says: the reason with its byte, or how many files share an unknown class.
fn reason(entry: &Entry<'_>, replaced: bool, cx: &Cx<'_>) -> String {
    if replaced {
        return format!("named: the next run replaces it ({})", entry.reason());
    }
    if let Entry::Report(report) = entry
        && let Some(refusal) = &report.refusal
        && refusal.code == Code::UnknownClass
        && let Some(class) = cx.views.checkpoints.value().and_then(|(_, view)| {
            view.classes
                .iter()
                .find(|class| Some(&class.name) == refusal.name.as_ref())
        })
    {
        return format!("{}, {}", refusal.reason, plural(class.files, "file", "files"));
    }
    entry.reason()
}

/// Everything that is known about one file: a few rows below the list, or the whole pane.
fn detail(entry: Entry<'_>, cx: &Cx<'_>, width: u16, whole: bool) -> Vec<Row> {
    let facts = entry.facts();
    let file = inert(entry.file());
    let column = if whole { 11 } else { 10 };
    let mut rows = Vec::new();
    let name = width.saturating_sub(text::cells(&facts) + 4).max(12);
    if whole && text::cells(&facts) + 16 > width {
        rows.extend(prose(&file, width, Role::Critical, keep::ALWAYS));
        rows.extend(prose(&facts, width, Role::Muted, keep::NORMAL));
    } else {
        rows.push(
            Row::new()
                .at(1, file, Role::Critical)
                .middle(name)
                .then(format!("   {facts}"), Role::Muted)
                .keep(keep::ALWAYS),
        );
    }
    let mut line = |label: &str, value: &str, kept: u8| {
        if !value.is_empty() {
            rows.extend(labelled(label, value, column, width, Role::Text, kept));
        }
    };
    if whole {
        line("Severity", entry.severity().word(), keep::NORMAL);
        line("Reason", &entry.reason(), keep::NORMAL);
    }
    line("  Where", &entry.place(), keep::FIGURE);
    line("  Why", &entry.why(), keep::FIGURE);
    line("  Do", entry.advice(), keep::FIGURE);
    if entry.replaceable() {
        let named = cx.step(STEP).is_some_and(|step| {
            step.decisions
                .contains_key(&format!("{}{}", model::REPLACE, entry.file()))
        });
        let said = if named {
            "It is named: the next run replaces the result. Space takes that back."
        } else {
            "Space names it; the next run then replaces the result, after a dialog that counts it."
        };
        line("  Replace", said, keep::FIGURE);
    }
    if whole {
        line("  Names", &entry.names(), keep::EXTRA);
    }
    rows
}

/// A click on the list moves the cursor; a second one opens the file.
pub(super) fn click(screen: &mut Checkpoints, y: u16, cx: &Cx<'_>) -> Handled {
    if screen.open {
        return Handled::done();
    }
    let Some(first) = screen.first_row else {
        return Handled::No;
    };
    let len = model::entries(cx).len();
    let index = screen.list.top + usize::from(y.saturating_sub(first));
    if y < first || usize::from(y - first) >= screen.list.page || index >= len {
        return Handled::No;
    }
    if index == screen.list.cursor {
        return screen.act(Action::Open, cx);
    }
    screen.list.cursor = index;
    Handled::done()
}
