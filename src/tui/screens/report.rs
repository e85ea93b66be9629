//! Report: one document that answers what was done, by whom, and how it is known.

use super::Screen;
use crate::engine::Capability;
use crate::engine::command::Command as Order;
use crate::engine::journey;
use crate::engine::monitor::Watch;
use crate::engine::monitor::watch::time;
use crate::engine::report::monitoring;
use crate::engine::runner::Reply;
use crate::engine::snapshot::Activity;
use crate::engine::text::{count, plural};
use crate::tui::app::context::{Answered, Cx, Effect, Handled, Purpose};
use crate::tui::app::frame_info;
use crate::tui::keymap::{Action, Command};
use crate::tui::overlays::confirm::Confirm;
use crate::tui::paint::{Painter, Row, keep};
use crate::tui::style::Role;
use crate::tui::text;
use crate::tui::widgets::frame::{News, Title};
use crate::tui::widgets::list::List;

/// Cells of the evidence.
const EVIDENCE: usize = 18;
/// The verb that writes the report.
const WRITE: &str = "write";

/// The screen.
#[derive(Debug, Default)]
pub struct Report {
    list: List,
}

/// The steps that are parts of the report, and the rollback where there was one.
fn parts(cx: &Cx<'_>) -> Vec<Capability> {
    let went_back = cx
        .step(Capability::Rollback)
        .is_some_and(|step| step.outcomes.contains_key("apply") && step.undone.is_none());
    journey::steps(cx.snapshot.migration)
        .iter()
        .copied()
        .filter(|step| !matches!(step, Capability::Start | Capability::Report))
        .chain(went_back.then_some(Capability::Rollback))
        .collect()
}

/// When the report was written, where the migration has gone on since.
fn outdated(cx: &Cx<'_>) -> Option<jiff::Timestamp> {
    let ended = cx.step(Capability::Report)?.ended?;
    cx.snapshot.told.filter(|(_, at)| *at > ended).map(|_| ended)
}

/// The verdict that stands, with local times.
fn breached(cx: &Cx<'_>, watch: &Watch) -> Option<String> {
    let verdict = watch.verdict().filter(|verdict| verdict.should_roll_back)?;
    let at = time(verdict.latch?.at)?;
    let back = cx
        .snapshot
        .rolled_back()
        .map_or_else(String::new, |at| format!(", rolled back {}", cx.now.clock(at)));
    let since = cx.now.clock(at);
    Some(format!(
        "breach since {since}, score {}{back}",
        verdict.standing_score()
    ))
}

fn off(cx: &Cx<'_>) -> Option<String> {
    if let Err(locked) = journey::gate(cx.snapshot, Capability::Report) {
        return Some(locked.sentence);
    }
    if let Some(running) = cx.snapshot.active() {
        return Some(format!("{} is running.", running.title()));
    }
    cx.held()
}

/// The first file the report wrote.
fn path(cx: &Cx<'_>) -> Option<String> {
    cx.step(Capability::Report)?
        .outcome
        .as_ref()?
        .artifacts
        .first()
        .cloned()
}

/// The watch, for the step that is one: its outcome is that of no operation.
fn watched<'a>(cx: &Cx<'a>, capability: Capability) -> Option<&'a Watch> {
    let watch = cx.snapshot.monitor.as_deref();
    watch.filter(|_| capability == Capability::Monitor)
}

/// Whether a part has not begun.
fn not_run(cx: &Cx<'_>, capability: Capability) -> bool {
    let undone = cx.step(capability).is_some_and(|step| step.undone.is_some());
    watched(cx, capability).is_none() && !undone && cx.snapshot.activity(capability) == Activity::Idle
}

/// What a part came to, in a few words.
fn outcome(cx: &Cx<'_>, capability: Capability) -> String {
    if capability == Capability::Readiness
        && let Some((_, readiness)) = &cx.snapshot.readiness
    {
        let band = readiness.band.name().replace('_', " ");
        return format!("{} of {}, {band}", readiness.score, readiness.max);
    }
    if let Some(watch) = watched(cx, capability) {
        return breached(cx, watch)
            .unwrap_or_else(|| crate::engine::text::inert(&monitoring::stands(watch).1));
    }
    if capability == Capability::Rollback {
        let outcome = cx.step(capability).and_then(|step| step.outcomes.get("apply"));
        return outcome.map_or_else(String::new, |outcome| {
            let (said, _) = outcome.summary.split_once(": ").unwrap_or((&outcome.summary, ""));
            crate::engine::text::inert(said)
        });
    }
    let step = cx.step(capability);
    match step.and_then(|step| step.outcome.as_ref()) {
        Some(outcome) if outcome.source > 0 && capability.converts() => {
            format!(
                "{} converted + {} quarantined",
                count(outcome.converted),
                count(outcome.quarantined)
            )
        }
        Some(outcome) => crate::engine::text::inert(&outcome.summary),
        None => match step.map_or(Activity::Idle, |step| step.activity) {
            Activity::Idle => match step.and_then(|step| step.undone) {
                Some(at) => format!("undone {} by the rollback", cx.now.clock(at)),
                None => "not run".to_owned(),
            },
            activity => format!("{}, not proved", activity.word()),
        },
    }
}

fn evidence(cx: &Cx<'_>, capability: Capability) -> String {
    if watched(cx, capability).is_some() {
        return crate::engine::monitor::document::FILE.to_owned();
    }
    match cx
        .step(capability)
        .and_then(|step| step.outcome.as_ref())
        .and_then(|outcome| outcome.artifacts.first())
    {
        Some(artifact) => crate::engine::text::inert(artifact),
        None => String::new(),
    }
}

/// The steps that are begun and not proved.
fn open(cx: &Cx<'_>) -> Vec<Capability> {
    parts(cx)
        .into_iter()
        .filter(|step| {
            if let Some(watch) = watched(cx, *step) {
                return monitoring::stands(watch).0.is_gap();
            }
            let activity = cx.snapshot.activity(*step);
            activity != Activity::Idle && !activity.is_done()
        })
        .collect()
}

impl Screen for Report {
    fn title(&self, cx: &Cx<'_>) -> Title {
        let age = cx.snapshot.at.map_or_else(String::new, |at| cx.old(at));
        Title::new("Report", "evidence for the file", age)
    }

    fn news(&self, cx: &Cx<'_>) -> News {
        if let Err(locked) = journey::gate(cx.snapshot, Capability::Report) {
            return News::new(locked.sentence, "[ goes to the step before").role(Role::Warn);
        }
        if let Some(at) = outdated(cx) {
            let what = format!(
                "The report of {} does not know what happened since.",
                cx.now.clock(at)
            );
            let short = format!("The report of {} is outdated.", cx.now.clock(at));
            return News::new(what, "n writes it again").short(short).role(Role::Warn);
        }
        if let (Some(path), Activity::Done | Activity::DoneWithQuarantine) =
            (path(cx), cx.snapshot.activity(Capability::Report))
        {
            let files = cx.snapshot.artifacts.len() as u64;
            let what = format!(
                "Written: {path}, SHA-256 of {} inside.",
                plural(files, "file", "files")
            );
            return News::new(what, "y copies the path, q quits")
                .short(format!("Written: {path}."))
                .role(Role::Ok);
        }
        let open = open(cx);
        if let Some(step) = open.first() {
            let what = format!(
                "{} is not proved; the report says so in its first line.",
                step.title()
            );
            return News::new(what, "n writes the report").role(Role::Warn);
        }
        if sums(cx).is_empty() {
            return News::new(
                "Nothing has been converted; the report says so.",
                "n writes the report",
            );
        }
        let aside = cx.snapshot.quarantined();
        let what = if aside == 0 {
            "Every item is accounted for.".to_owned()
        } else {
            format!(
                "Every item is accounted for; {} in quarantine.",
                plural(aside, "is", "are")
            )
        };
        News::new(what, "n writes the report")
    }

    fn commands(&self, cx: &Cx<'_>) -> Vec<Command> {
        let no_path = path(cx)
            .is_none()
            .then(|| "The report is not written yet.".to_owned());
        let no_items = (cx.snapshot.quarantined() == 0).then(|| "Nothing is in quarantine.".to_owned());
        vec![
            Command::new(Action::Next, "write")
                .about("write report.md and report.html; new files only")
                .off(off(cx)),
            Command::new(Action::Open, "open").about("open the step of the part"),
            Command::new(Action::Copy, "copy path").off(no_path),
            Command::new(Action::Quarantine, "quarantine").off(no_items),
        ]
    }

    fn act(&mut self, action: Action, cx: &Cx<'_>) -> Handled {
        let parts = parts(cx);
        match action {
            Action::Next => {
                let order = Order::Plan {
                    capability: Capability::Report,
                    verb: WRITE.to_owned(),
                };
                Handled::one(Effect::Ask(Purpose::Preview(Capability::Report), order))
            }
            Action::Open => match parts.get(self.list.cursor) {
                Some(step) => Handled::one(Effect::Go(*step)),
                None => Handled::done(),
            },
            Action::Copy => match path(cx) {
                // Absolute: it is pasted somewhere else.
                Some(path) => Handled::one(Effect::Copy(cx.views.folder.join(path).display().to_string())),
                None => Handled::done(),
            },
            action if self.list.act(action, parts.len()) => Handled::done(),
            _ => Handled::No,
        }
    }

    fn answered(&mut self, answer: &Answered, cx: &Cx<'_>) -> Handled {
        match answer {
            (Purpose::Preview(Capability::Report), Ok(Reply::Plan(plan))) => {
                if plan.needs_approval {
                    let dialog = Confirm::new((**plan).clone(), cx.now.at, cx.now.mono, None, Vec::new());
                    return Handled::one(Effect::Open(Box::new(dialog)));
                }
                Handled::one(Effect::Send(Order::Apply {
                    capability: Capability::Report,
                    verb: plan.verb.clone(),
                    digest: plan.digest.clone(),
                    confirm: None,
                }))
            }
            _ => Handled::No,
        }
    }

    fn render(&mut self, painter: &mut Painter<'_>, cx: &Cx<'_>) {
        let (width, height) = (painter.width(), painter.height());
        let parts = parts(cx);
        let wide = width >= 70;
        let (outcome_at, evidence_at) = (21, if wide { width.saturating_sub(26) } else { width });
        let mut foot = accounted(cx, width);
        let list_rows = u16::try_from(parts.len()).unwrap_or(u16::MAX);
        let foot_height = u16::try_from(foot.len())
            .unwrap_or(u16::MAX)
            .saturating_add(1)
            // Every part is seen where that leaves anything for the sums.
            .min(height.saturating_sub(list_rows.min(height * 3 / 4) + 1));
        let head = Row::new()
            .at(5, "Part", Role::Muted)
            .at(outcome_at, "Outcome", Role::Muted);
        let head = if wide {
            head.at(evidence_at, "Evidence", Role::Muted)
                .right(1, "at", Role::Muted)
        } else {
            head
        };
        painter.row(0, &head);
        let glyphs = painter.glyphs();
        let body = ratatui::layout::Rect {
            x: 0,
            y: 1,
            width,
            height: height.saturating_sub(1 + foot_height).min(list_rows),
        };
        let mut part = painter.part(body);
        self.list.draw(&mut part, parts.len(), true, |index, here| {
            let capability = parts[index];
            let shown = frame_info::step(cx, capability);
            let at = match capability {
                Capability::Readiness => cx.snapshot.readiness.as_ref().map(|(at, _)| *at),
                Capability::Rollback => cx
                    .step(capability)
                    .and_then(|step| step.outcomes_at.get("apply").copied()),
                _ => watched(cx, capability)
                    .and_then(Watch::last_at)
                    .or_else(|| cx.step(capability)?.ended),
            };
            let evidence = evidence(cx, capability);
            // Without evidence to show, its room is the outcome's.
            let ends = if evidence.is_empty() && wide {
                width.saturating_sub(6)
            } else {
                evidence_at
            };
            let row = Row::new()
                .at(1, if here { glyphs.cursor } else { " " }, Role::Accent)
                .at(3, shown.mark.glyph(glyphs), shown.mark.role())
                .at(5, shown.title, Role::Text)
                .at(outcome_at, outcome(cx, capability), Role::Text)
                .max(ends.saturating_sub(outcome_at + 1));
            if !wide {
                return row;
            }
            // The name of a file says more than both ends of its path.
            let file = match evidence.trim_end_matches('/').rsplit_once('/') {
                Some((_, file)) if text::width(&evidence) > EVIDENCE => file.to_owned(),
                _ => evidence,
            };
            row.at(evidence_at, file, Role::Muted).middle(18).right(
                1,
                at.map_or_else(String::new, |at| cx.now.clock(at)),
                Role::Muted,
            )
        });
        let rest = ratatui::layout::Rect {
            x: 0,
            y: 1 + body.height,
            width,
            height: height.saturating_sub(1 + body.height),
        };
        foot.insert(0, Row::blank());
        painter.part(rest).rows(&foot);
    }

    fn script(&self, _cx: &Cx<'_>) -> Option<String> {
        Some("maos-migrate report --json".to_owned())
    }
}

/// `rows 1,204,311 = 1,204,266 + 45` for every step that converted something.
fn sums(cx: &Cx<'_>) -> Vec<String> {
    parts(cx)
        .into_iter()
        // Samples are looked at, not converted.
        .filter(|capability| !matches!(capability, Capability::Monitor | Capability::Rollback))
        .filter_map(|capability| {
            let outcome = cx
                .step(capability)?
                .outcome
                .as_ref()
                .filter(|outcome| outcome.source > 0)?;
            let sum = format!(
                "{} {} = {} + {}",
                capability.title().to_lowercase(),
                count(outcome.source),
                count(outcome.converted),
                count(outcome.quarantined)
            );
            // A sum is not read over the end of a line.
            Some(sum.replace(' ', "\u{a0}"))
        })
        .collect()
}

/// Every item with its sum, what is open, what is written, the journal.
fn accounted(cx: &Cx<'_>, width: u16) -> Vec<Row> {
    let mut rows = Vec::new();
    let value = 19;
    let sums = sums(cx);
    let said = if sums.is_empty() {
        "nothing has been converted".to_owned()
    } else {
        sums.join(" · ")
    };
    for (index, line) in text::wrap(&said, usize::from(width.saturating_sub(value + 1)).max(1))
        .into_iter()
        .enumerate()
    {
        let label = if index == 0 { "Accounted for" } else { "" };
        rows.push(
            Row::new()
                .at(1, label, Role::Muted)
                .at(value, line, Role::Critical)
                .keep(keep::FIGURE),
        );
    }
    let aside = cx.snapshot.quarantined();
    let open = open(cx);
    let mut not_done = Vec::new();
    if aside > 0 {
        not_done.push(format!(
            "{} open",
            plural(aside, "quarantined item is", "quarantined items are")
        ));
    }
    let idle: Vec<&str> = parts(cx)
        .into_iter()
        .filter(|step| not_run(cx, *step))
        .map(Capability::title)
        .collect();
    if !idle.is_empty() {
        not_done.push(format!("not run: {}", idle.join(", ")));
    }
    not_done.extend(open.iter().map(|step| format!("{} is not proved", step.title())));
    let (said, role) = if not_done.is_empty() {
        ("nothing".to_owned(), Role::Text)
    } else {
        (not_done.join("; "), Role::Warn)
    };
    let room = usize::from(width.saturating_sub(value + 9)).max(1);
    for (index, line) in text::wrap(&said, room).into_iter().enumerate() {
        let row = Row::new().at(value, line, role);
        rows.push(if index == 0 {
            row.led_by(Row::new().at(1, "Not done", Role::Muted))
                .right(1, "Q list", Role::Muted)
        } else {
            row
        });
    }
    rows.push(Row::new().at(1, "Writes to", Role::Muted).at(
        value,
        "report/report.md  report/report.html",
        Role::Text,
    ));
    rows.push(Row::blank());
    let journal = plural(cx.snapshot.seq, "event", "events");
    let sessions = plural(cx.snapshot.sessions, "session", "sessions");
    let said = format!("{journal} without a gap, {sessions}");
    rows.push(
        Row::new()
            .at(1, "Journal", Role::Muted)
            .at(value, said, Role::Text)
            .keep(keep::EXTRA),
    );
    rows
}
