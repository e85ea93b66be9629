//! The figures above the list, one set for each state: what was found, how far it is, how it is proved.

use super::model::{self, Entry};
use super::{Checkpoints, STEP, Scan, activity, folder, scan, step, working};
use crate::engine::checkpoints::View;
use crate::engine::operation::{Outcome, ProofLine};
use crate::engine::snapshot::{Activity, Step};
use crate::engine::text::{count, inert, plural};
use crate::tui::app::context::Cx;
use crate::tui::app::view::PATIENCE;
use crate::tui::layout::Density;
use crate::tui::paint::{Row, fit, keep};
use crate::tui::screens::detail::{labelled, prose};
use crate::tui::style::Role;
use crate::tui::text;
use crate::tui::widgets::bar::{self, Bar};
use crate::tui::widgets::progress::{counted, figures3};

/// Column of values beside labels, as in the panel of figures.
pub(super) const VALUE: u16 = 14;

/// The figures of the present state.
pub(super) fn figures(screen: &mut Checkpoints, entries: &[Entry<'_>], cx: &Cx<'_>, width: u16) -> Vec<Row> {
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
    if let Some(progress) = progress {
        rows.extend(working::reading("Scanned", progress, cx, width));
        rows.push(Row::blank());
        rows.extend(in_work(&progress.running, width));
    } else {
        cx.wake_in(PATIENCE);
        rows.push(
            Row::prose(format!("{} Listing {}.", cx.spinner(), folder(cx)), Role::Text).keep(keep::FIGURE),
        );
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
    let said = view.noticed();
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
    let mut rows = vec![working::proved_row(step, outcome, ", with files refused", cx)];
    let (said, role) = if outcome.proved() {
        ("equal", Role::Ok)
    } else {
        ("differs", Role::Bad)
    };
    let narrow = width < 56;
    let sum = if narrow {
        format!(
            "{} = {} + {}",
            count(outcome.source),
            count(outcome.converted),
            count(outcome.quarantined)
        )
    } else {
        format!(
            "{} = {} converted + {} refused",
            count(outcome.source),
            count(outcome.converted),
            count(outcome.quarantined)
        )
    };
    rows.push(
        Row::new()
            .at(1, "Files", Role::Text)
            .at(if narrow { 8 } else { VALUE }, sum, Role::Critical)
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
    if !narrow {
        rows.extend(proof(outcome, width));
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

/// The lines of the proof with their figures.
fn proof(outcome: &Outcome, width: u16) -> Vec<Row> {
    let target = width.saturating_sub(10);
    let line = |(index, line): (usize, &ProofLine)| {
        let (word, role) = if line.equal {
            ("equal", Role::Ok)
        } else {
            ("differs", Role::Bad)
        };
        Row::new()
            .at(1, if index == 0 { "Proof" } else { "" }, Role::Muted)
            .at(VALUE, inert(&line.what), Role::Text)
            .max(target.saturating_sub(VALUE + 16))
            .number(target.saturating_sub(10), inert(&line.source), Role::Text)
            .number(target, inert(&line.target), Role::Text)
            .right(1, word, role)
            .keep(keep::NORMAL)
    };
    outcome.proof.iter().enumerate().map(line).collect()
}
