//! How the screen is drawn: figures on top, refused files below them, the file under the cursor at the bottom.

use ratatui::layout::Rect;

use super::model::{self, Entry};
use super::{Checkpoints, STEP, Scan, activity, folder, scan, step, working};
use crate::engine::checkpoints::View;
use crate::engine::checkpoints::finding::Severity;
use crate::engine::operation::Outcome;
use crate::engine::snapshot::{Activity, Step};
use crate::engine::text::{count, inert, plural};
use crate::tui::app::context::{Cx, Handled};
use crate::tui::app::view::PATIENCE;
use crate::tui::keymap::Action;
use crate::tui::layout::Density;
use crate::tui::paint::{Painter, Row, fit, keep};
use crate::tui::screens::Screen as _;
use crate::tui::screens::detail::{labelled, onward, prose};
use crate::tui::style::Role;
use crate::tui::text;
use crate::tui::widgets::bar::{self, Bar};
use crate::tui::widgets::frame::News;
use crate::tui::widgets::list::cursor;
use crate::tui::widgets::mark::Mark;
use crate::tui::widgets::progress::{counted, figures3};

/// Column of values beside labels, as in the panel of figures.
const VALUE: u16 = 14;
/// Rows of the list that stay whatever else wants room.
const LEAST_LIST: u16 = 4;

pub(super) fn news(screen: &Checkpoints, cx: &Cx<'_>) -> News {
    let activity = activity(cx);
    if activity == Activity::Idle
        && let Some(locked) = working::locked(cx, STEP)
    {
        let next = locked
            .goes_to
            .map_or_else(String::new, |step| format!("n goes to {}", step.title()));
        return News::new(format!("Locked: {}", locked.sentence), next).role(Role::Warn);
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
        Activity::Failed => {
            let error = step.and_then(|step| step.error.as_ref());
            let what = error.map_or_else(String::new, |error| text::sentence(&error.message));
            let next = error
                .and_then(|error| error.hint.clone())
                .unwrap_or_else(|| "n goes on from there".to_owned());
            News::new(format!("{} {what}.", cx.look.glyphs.failed), next).role(Role::Bad)
        }
        Activity::Done | Activity::DoneWithQuarantine => {
            let said = step
                .and_then(|step| step.outcome.as_ref())
                .map_or_else(String::new, |outcome| outcome.summary.clone());
            let next = onward(cx, STEP)
                .0
                .map_or_else(String::new, |next| format!("n {}", next.title().to_lowercase()));
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
    let name = longest.clamp(12, (width / 3).max(12));
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
                .at(16 + name + 2, reason(&entry, replaced(&entry)), Role::Text)
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

fn reason(entry: &Entry<'_>, replaced: bool) -> String {
    if replaced {
        format!("named: the next run replaces it ({})", entry.reason())
    } else {
        entry.reason()
    }
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

fn figures(screen: &mut Checkpoints, entries: &[Entry<'_>], cx: &Cx<'_>, width: u16) -> Vec<Row> {
    let activity = activity(cx);
    let glyphs = cx.look.glyphs;
    if activity == Activity::Idle
        && let Some(locked) = working::locked(cx, STEP)
    {
        let mut rows = vec![
            Row::new()
                .at(1, glyphs.locked, Role::Muted)
                .at(3, format!("Locked: {}", locked.sentence), Role::Warn)
                .keep(keep::ALWAYS),
            Row::blank(),
        ];
        rows.extend(labelled("For", ABOUT, VALUE, width, Role::Text, keep::NORMAL));
        return rows;
    }
    if let Scan::Going(progress) = scan(cx) {
        cx.wake_in(std::time::Duration::from_secs(1));
        return scanning(progress, cx, width);
    }
    match (activity, step(cx)) {
        (Activity::Running | Activity::Paused | Activity::Stopping, Some(step)) => {
            running(screen, step, entries, cx, width)
        }
        (Activity::Done | Activity::DoneWithQuarantine, Some(step)) => match &step.outcome {
            Some(outcome) => done(step, outcome, entries, cx, width),
            None => Vec::new(),
        },
        (Activity::Failed | Activity::Stopped, Some(step)) => {
            let proved = step.progress.as_ref().map_or(0, |progress| progress.proved);
            let safe = format!(
                "{} and read back equal. No partial file is left.",
                plural(proved, "file is written", "files are written")
            );
            let mut rows = working::ended_badly(step, &safe, cx, width);
            if let Some((_, view)) = cx.views.checkpoints.value() {
                rows.push(Row::blank());
                rows.extend(scanned(view, entries, cx, width));
            }
            rows
        }
        _ => match scan(cx) {
            Scan::Made(view) if view.totals.total == 0 => {
                let said = format!(
                    "No checkpoint files in {}. That is allowed; the run proves 0 = 0 + 0.",
                    folder(cx)
                );
                let mut rows = prose(&said, width, Role::Text, keep::ALWAYS);
                rows.extend(noticed(view, width));
                rows
            }
            Scan::Made(view) => scanned(view, entries, cx, width),
            Scan::Failed(error) => {
                let said = format!("{} {}.", glyphs.failed, text::sentence(&error.message));
                let mut rows = prose(&said, width, Role::Bad, keep::ALWAYS);
                if let Some(hint) = &error.hint {
                    rows.extend(labelled("Do", hint, VALUE, width, Role::Text, keep::FIGURE));
                }
                rows
            }
            Scan::None | Scan::Going(_) => unscanned(cx, width),
        },
    }
}

const ABOUT: &str = "Turns pickled checkpoints into MAOS checkpoints without running anything in them, and reads each \
                     one back.";

fn unscanned(cx: &Cx<'_>, width: u16) -> Vec<Row> {
    let mut rows = prose(ABOUT, width, Role::Text, keep::ALWAYS);
    rows.push(Row::blank());
    rows.extend(labelled(
        "From",
        &folder(cx),
        VALUE,
        width,
        Role::Text,
        keep::FIGURE,
    ));
    rows.extend(labelled(
        "To",
        "checkpoints/migrated/ in the workspace",
        VALUE,
        width,
        Role::Text,
        keep::FIGURE,
    ));
    rows.push(Row::blank());
    for (index, (what, about)) in [
        (
            "Scan",
            "every file is read and judged; nothing is run, nothing is written",
        ),
        (
            "Convert",
            "what can be read is written, read back and compared, after a dialog",
        ),
        (
            "Refuse",
            "what names code, is cut short or not known stays where it is, with its reason",
        ),
    ]
    .into_iter()
    .enumerate()
    {
        let label = format!("{} {what}", index + 1);
        rows.extend(labelled(&label, about, VALUE, width, Role::Muted, keep::NORMAL));
    }
    rows
}

fn scanning(progress: Option<&crate::engine::operation::Progress>, cx: &Cx<'_>, width: u16) -> Vec<Row> {
    let mut rows = Vec::new();
    match progress {
        Some(progress) => {
            rows.extend(working::reading("Scanned", progress, cx, width));
            rows.push(Row::blank());
            rows.extend(in_work(&progress.running, width));
        }
        None => {
            cx.wake_in(PATIENCE);
            rows.push(
                Row::prose(format!("{} Listing {}.", cx.spinner(), folder(cx)), Role::Text)
                    .keep(keep::FIGURE),
            );
        }
    }
    rows.push(Row::blank());
    rows.extend(prose(
        "Reading only: nothing in the files is run, and nothing is written.",
        width,
        Role::Muted,
        keep::NORMAL,
    ));
    rows
}

/// Files in work now.
fn in_work(running: &[String], width: u16) -> Vec<Row> {
    running
        .iter()
        .enumerate()
        .map(|(index, file)| {
            let label = if index == 0 { "Running" } else { "" };
            Row::new()
                .at(1, label, Role::Muted)
                .at(VALUE, inert(file), Role::Text)
                .middle(width.saturating_sub(VALUE + 1))
                .keep(if index < 2 { keep::NORMAL } else { keep::EXTRA })
        })
        .collect()
}

/// What the scan found.
fn scanned(view: &View, entries: &[Entry<'_>], cx: &Cx<'_>, width: u16) -> Vec<Row> {
    let (good, total) = (view.convertible(), view.totals.total);
    let mut rows = vec![counted("Convertible", good, Some(total), cx.look.glyphs, width)];
    if !entries.is_empty() {
        rows.push(
            Row::new()
                .at(1, "Refused", Role::Text)
                .at(VALUE, model::by_severity(entries), Role::Warn)
                .keep(keep::FIGURE),
        );
    }
    let took = if view.totals.elapsed_s < 1.0 {
        "in under a second".to_owned()
    } else {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "seconds of a scan"
        )]
        let seconds = view.totals.elapsed_s as u64;
        format!("in {}", text::duration(seconds))
    };
    rows.push(
        Row::new()
            .at(1, "Read", Role::Text)
            .at(
                VALUE,
                format!(
                    "{} in {}, {took}",
                    text::bytes(view.bytes),
                    plural(total, "file", "files")
                ),
                Role::Text,
            )
            .keep(keep::NORMAL),
    );
    rows.extend(unknown(cx));
    rows.extend(noticed(view, width));
    rows
}

/// Classes that wait for a declaration.
fn unknown(cx: &Cx<'_>) -> Option<Row> {
    let classes = model::classes(cx);
    let open = model::undeclared(&classes);
    let first = classes.iter().find(|row| row.declared.is_none())?;
    let files = first.seen.as_ref().map_or(0, |seen| seen.files);
    let said = if open == 1 {
        format!(
            "{} {}",
            plural(files, "file names", "files name"),
            inert(&first.name)
        )
    } else {
        format!("{} are not known", plural(open, "class", "classes"))
    };
    Some(
        Row::new()
            .at(1, "Classes", Role::Text)
            .at(VALUE, said, Role::Warn)
            .right(1, "c declares", Role::Muted)
            .keep(keep::NORMAL),
    )
}

/// What else is worth a sentence before anything is written.
fn noticed(view: &View, width: u16) -> Vec<Row> {
    let mut said = Vec::new();
    if view.folders > 0 {
        said.push(format!(
            "{} not entered",
            plural(view.folders, "folder", "folders")
        ));
    }
    if view.hidden > 0 {
        said.push(format!(
            "{} left alone",
            plural(view.hidden, "hidden file", "hidden files")
        ));
    }
    if let Some(first) = view.twins.first() {
        said.push(format!("{first} differ only in case"));
    }
    if view.notes.nul_strings > 0 {
        said.push(format!(
            "{} with a NUL: kept, but PostgreSQL text cannot hold them",
            plural(view.notes.nul_strings, "string", "strings")
        ));
    }
    if view.notes.surrogate_strings > 0 {
        said.push(format!(
            "{} with half a surrogate pair: kept, but jsonb cannot hold them",
            plural(view.notes.surrogate_strings, "string", "strings")
        ));
    }
    if view.notes.wide_integers > 0 {
        said.push(format!(
            "{} beyond 2^53: kept exactly, but readers that use floats round them",
            plural(view.notes.wide_integers, "integer", "integers")
        ));
    }
    if said.is_empty() {
        return Vec::new();
    }
    labelled(
        "Noticed",
        &said.join("; "),
        VALUE,
        width,
        Role::Muted,
        keep::EXTRA,
    )
}

fn running(
    screen: &mut Checkpoints,
    step: &Step,
    entries: &[Entry<'_>],
    cx: &Cx<'_>,
    width: u16,
) -> Vec<Row> {
    let glyphs = cx.look.glyphs;
    let figures = screen.pace.figures(step, cx.now.mono);
    if step.activity == Activity::Running {
        cx.wake_in(std::time::Duration::from_secs(1));
    }
    let Some(progress) = &step.progress else {
        return vec![Row::prose("Starting.", Role::Muted).keep(keep::FIGURE)];
    };
    let mut rows = Vec::new();
    if step.activity == Activity::Paused {
        let who = step.note.clone().unwrap_or_default();
        let said = format!("Paused by {who}. {} are safe.", count(progress.proved));
        rows.push(
            Row::new()
                .at(1, glyphs.paused, Role::Warn)
                .at(3, said, Role::Warn)
                .keep(keep::FIGURE),
        );
    }
    // What is refused is not written: the bars run to what can be converted, as far as that is known.
    let refused = progress.quarantined.max(entries.len() as u64);
    let total = progress.total.map(|total| total.saturating_sub(refused));
    let written = progress.done.saturating_sub(progress.quarantined);
    rows.push(counted("Written", written, total, glyphs, width));
    rows.push(counted("Proved", progress.proved, total, glyphs, width));
    let elapsed = {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "seconds of a run"
        )]
        let seconds = progress.elapsed_s.max(0.0) as u64;
        text::duration(seconds)
    };
    let mut parts = Vec::new();
    if let Some(total) = progress.bytes_total {
        parts.push(working::bytes_of(progress.bytes, total));
    }
    if step.activity == Activity::Running {
        if let Some(rate) = step.bytes_per_second().filter(|rate| *rate > 0.0) {
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "a positive rate"
            )]
            parts.push(format!("{}/s", text::bytes(rate as u64)));
        }
        if let Some(rate) = figures.rate {
            parts.push(format!("{} files/s", figures3(rate)));
        }
        if progress.total.is_some_and(|total| progress.done < total) {
            parts.push(
                figures
                    .left
                    .clone()
                    .map_or_else(|| "no estimate".to_owned(), |left| format!("{left} left")),
            );
        }
    }
    rows.push(
        Row::new()
            .at(1, parts.join("   "), Role::Text)
            .right(1, format!("elapsed {elapsed}"), Role::Muted)
            .keep(keep::FIGURE),
    );
    if let Some(seconds) = figures.stalled {
        let sentence = format!("No progress for {seconds} s: cause not known. L shows the log.");
        rows.push(Row::prose(sentence, Role::Warn).keep(keep::FIGURE));
    }
    rows.push(Row::blank());
    rows.extend(in_work(&progress.running, width));
    rows
}

fn done(step: &Step, outcome: &Outcome, entries: &[Entry<'_>], cx: &Cx<'_>, width: u16) -> Vec<Row> {
    let glyphs = cx.look.glyphs;
    let (mark, word) = if outcome.quarantined > 0 {
        (Mark::Quarantine, "Proved, with files refused")
    } else {
        (Mark::Done, "Proved")
    };
    let ended = step.ended.map_or_else(String::new, |at| cx.now.clock_seconds(at));
    let mut rows = vec![
        Row::new()
            .at(1, mark.glyph(glyphs), mark.role())
            .at(3, word, Role::Critical)
            .right(1, ended, Role::Muted)
            .keep(keep::FIGURE),
    ];
    let (said, role) = if outcome.proved() {
        ("equal", Role::Ok)
    } else {
        ("differs", Role::Bad)
    };
    let sum = format!(
        "{} = {} converted + {} refused",
        count(outcome.source),
        count(outcome.converted),
        count(outcome.quarantined)
    );
    rows.push(
        Row::new()
            .at(1, "Files", Role::Text)
            .at(VALUE, sum, Role::Critical)
            .right(1, said, role)
            .keep(keep::ALWAYS),
    );
    let bar_width = width.saturating_sub(VALUE + 9);
    if bar_width >= 20 && cx.density <= Density::Rail {
        let row = Row::new().at(1, "Converted", Role::Text).keep(keep::EXTRA);
        let share = Bar::of(outcome.converted, outcome.source);
        let row = bar::onto(row, VALUE, glyphs, share, bar_width, Role::Ok);
        rows.push(row.right(1, bar::percent(outcome.converted, outcome.source), Role::Text));
    }
    if outcome.unchanged > 0 {
        let said = format!("{} were in place already and identical", count(outcome.unchanged));
        rows.push(Row::new().at(VALUE, said, Role::Muted).keep(keep::EXTRA));
    }
    for (index, line) in outcome.proof.iter().enumerate() {
        let (word, role) = if line.equal {
            ("equal", Role::Ok)
        } else {
            ("differs", Role::Bad)
        };
        let target = width.saturating_sub(10);
        let figure = inert(&line.source);
        let source = target.saturating_sub(text::cells(&inert(&line.target)).max(6) + 2);
        rows.push(
            Row::new()
                .at(1, if index == 0 { "Proof" } else { "" }, Role::Muted)
                .at(VALUE, inert(&line.what), Role::Text)
                .max(source.saturating_sub(VALUE + text::cells(&figure) + 2))
                .number(source, figure, Role::Text)
                .number(target, inert(&line.target), Role::Text)
                .right(1, word, role)
                .keep(keep::NORMAL),
        );
    }
    if !entries.is_empty() {
        rows.push(
            Row::new()
                .at(1, "Refused", Role::Text)
                .at(VALUE, model::by_severity(entries), Role::Warn)
                .keep(keep::FIGURE),
        );
    }
    rows.extend(unknown(cx));
    for (index, artifact) in outcome.artifacts.iter().enumerate() {
        let label = if index == 0 { "Written" } else { "" };
        rows.push(
            Row::new()
                .at(1, label, Role::Muted)
                .at(VALUE, inert(artifact), Role::Text)
                .middle(width.saturating_sub(VALUE + 1))
                .keep(if index == 0 { keep::NORMAL } else { keep::EXTRA }),
        );
    }
    // On a small screen the list needs the room more than the details of the proof do.
    let most = if entries.is_empty() {
        rows.len()
    } else {
        match cx.density {
            Density::Wide | Density::Rail => rows.len(),
            Density::Normal => 7,
            _ => 3,
        }
    };
    fit(&rows, most).into_iter().cloned().collect()
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
