//! How the environment looks: the lines in four columns, then MAOS's table and the settings, or the line under the cursor whole.

use ratatui::layout::Rect;

use super::{Environment, STEP, activity, item, looked, off, proved, step};
use crate::engine::environment::{Found, Key, MaosFound, View};
use crate::engine::item::ItemState;
use crate::engine::ports::maos::{Capabilities, Dialect, Presence};
use crate::engine::snapshot::Activity;
use crate::engine::text::inert;
use crate::engine::views::Slot;
use crate::tui::app::context::Cx;
use crate::tui::paint::{Painter, Row, keep};
use crate::tui::screens::{detail, working};
use crate::tui::style::Role;
use crate::tui::text;
use crate::tui::widgets::frame::News;
use crate::tui::widgets::mark::Mark;

/// Where the columns stand: found, effect, proof.
struct Columns {
    found: u16,
    effect: u16,
    proof: u16,
}

impl Columns {
    /// Three columns where they fit, else the one that matters most.
    fn of(width: u16) -> Option<Self> {
        (width >= 70).then(|| {
            let room = width - 24;
            Self {
                found: 24,
                effect: 24 + room * 35 / 100,
                proof: 24 + room * 72 / 100,
            }
        })
    }
}

/// A line as it stands now: the run's word before the look's.
struct Shown {
    mark: Mark,
    found: String,
    effect: String,
    proof: String,
}

fn shown(cx: &Cx<'_>, key: Key) -> Shown {
    let line = looked(cx).and_then(|view| view.line(key));
    let running = item(cx, key);
    let (mark, proof) = match (running, line) {
        (Some(item), _) => {
            let text = |otherwise: &str| {
                if item.text.is_empty() {
                    otherwise.to_owned()
                } else {
                    item.text.clone()
                }
            };
            match item.state {
                ItemState::Waiting => (Mark::Ready, "waiting".to_owned()),
                ItemState::Running => (Mark::Running, format!("{} applying", cx.spinner())),
                ItemState::Done => (Mark::Done, text("done")),
                ItemState::Failed => (Mark::Failed, text("failed")),
                ItemState::Skipped => (Mark::Skipped, "not provable".to_owned()),
                ItemState::Undone | ItemState::Unknown => (Mark::Unknown, text("not known")),
            }
        }
        (None, Some(line)) => {
            let mark = match &line.found {
                Found::InPlace(_) => Mark::Done,
                Found::Needs(..) => Mark::Ready,
                Found::Skipped(_) => Mark::Skipped,
                Found::Refused(_) => Mark::Failed,
            };
            (mark, line.proof())
        }
        (None, None) => (Mark::Locked, String::new()),
    };
    let told = |name: &str| {
        running
            .and_then(|item| item.data.get(name))
            .and_then(|value| value.as_str())
            .map(str::to_owned)
    };
    Shown {
        mark,
        found: told("found")
            .or_else(|| line.map(|line| line.is.clone()))
            .unwrap_or_default(),
        effect: told("effect")
            .or_else(|| line.map(crate::engine::environment::Line::effect))
            .unwrap_or_default(),
        proof,
    }
}

pub(super) fn render(screen: &mut Environment, painter: &mut Painter<'_>, cx: &Cx<'_>) {
    let (width, height) = (painter.width(), painter.height());
    let columns = Columns::of(width);
    let mut head = Row::new().at(3, "Step", Role::Muted);
    if let Some(columns) = &columns {
        head = head
            .at(columns.found, "Found", Role::Muted)
            .at(columns.effect, "Effect", Role::Muted)
            .at(columns.proof, "Proof", Role::Muted);
    }
    let all = u16::try_from(Key::ALL.len()).unwrap_or(u16::MAX);
    let top = u16::from(height > all);
    if top == 1 {
        painter.row(0, &head);
    }
    let glyphs = painter.glyphs();
    let shown_height = all.min(height.saturating_sub(top));
    let mut list = painter.part(Rect {
        x: 0,
        y: top,
        width,
        height: shown_height,
    });
    screen.list.draw(&mut list, Key::ALL.len(), true, |index, here| {
        let key = Key::ALL[index];
        let shown = shown(cx, key);
        let row = Row::new()
            .at(0, if here { glyphs.cursor } else { " " }, Role::Accent)
            .at(1, shown.mark.glyph(glyphs), shown.mark.role())
            .at(3, key.title(), Role::Text);
        match &columns {
            Some(columns) => row
                .at(columns.found, inert(&shown.found), Role::Text)
                .middle(columns.effect.saturating_sub(columns.found + 1))
                .at(
                    columns.effect,
                    brief(
                        key,
                        &inert(&shown.effect),
                        columns.proof.saturating_sub(columns.effect + 1),
                    ),
                    Role::Muted,
                )
                .max(columns.proof.saturating_sub(columns.effect + 1))
                .at(
                    columns.proof,
                    brief(key, &inert(&shown.proof), width.saturating_sub(columns.proof + 1)),
                    shown.mark.role(),
                )
                .max(width.saturating_sub(columns.proof + 1)),
            None => row.at(23, inert(&narrow(&shown)), shown.mark.role()),
        }
    });
    let used = top + shown_height;
    let mut rows = vec![Row::blank()];
    if screen.open {
        rows.extend(whole(
            cx,
            Key::ALL[screen.list.cursor.min(Key::ALL.len() - 1)],
            width,
        ));
    } else {
        rows.extend(below(cx, width));
    }
    painter
        .part(Rect {
            x: 0,
            y: used,
            width,
            height: height.saturating_sub(used),
        })
        .rows(&rows);
}

/// What a cell says of a text that is too long for it; Enter shows it whole.
fn brief(key: Key, said: &str, room: u16) -> String {
    if text::width(said) <= usize::from(room) {
        return said.to_owned();
    }
    let short = match key {
        Key::Settings => said.split(',').next(),
        Key::Database if said.starts_with("create ") => Some("create"),
        Key::Database if said.ends_with(" answers") => Some("answers"),
        Key::Tracking if said.starts_with("create ") => Some("create, unique key"),
        Key::Tracking => said.strip_prefix("migration_tracking with "),
        _ => said.strip_prefix("it "),
    };
    short.unwrap_or(said).to_owned()
}

fn narrow(shown: &Shown) -> String {
    match shown.mark {
        Mark::Ready => shown.effect.clone(),
        _ => shown.proof.clone(),
    }
}

/// Everything about one line.
fn whole(cx: &Cx<'_>, key: Key, width: u16) -> Vec<Row> {
    let shown = shown(cx, key);
    let mut rows = vec![Row::prose(key.title(), Role::Critical).keep(keep::ALWAYS)];
    for (label, value) in [
        ("Found", shown.found),
        ("Effect", shown.effect),
        ("Proof", shown.proof),
    ] {
        rows.extend(detail::labelled(
            label,
            &inert(&value),
            10,
            width,
            Role::Text,
            keep::FIGURE,
        ));
    }
    match looked(cx).and_then(|view| view.line(key)).map(|line| &line.found) {
        Some(Found::Skipped(why)) => {
            rows.extend(detail::labelled(
                "Why",
                &inert(why),
                10,
                width,
                Role::Text,
                keep::FIGURE,
            ));
        }
        Some(Found::Refused(error)) => {
            let hint = error.hint.clone().unwrap_or_default();
            rows.extend(detail::labelled(
                "Do",
                &inert(&hint),
                10,
                width,
                Role::Text,
                keep::FIGURE,
            ));
        }
        _ => {}
    }
    if matches!(key, Key::Settings)
        && let Some(view) = looked(cx)
    {
        rows.extend(preview(view, width));
    }
    rows
}

/// What stands under the lines: a failure first, then MAOS, then the settings.
fn below(cx: &Cx<'_>, width: u16) -> Vec<Row> {
    let mut rows = Vec::new();
    let bad = matches!(activity(cx), Activity::Failed | Activity::Stopped);
    if let (true, Some(step)) = (bad, step(cx)) {
        let safe = format!(
            "{} of {} lines are in place and stay so.",
            proved(cx),
            Key::ALL.len()
        );
        rows.extend(working::ended_badly(step, &safe, cx, width));
        rows.push(Row::blank());
    }
    let Some(view) = looked(cx) else {
        if let Slot::Failed(_, error) = &cx.views.environment {
            let sentence = format!("{}.", text::sentence(&error.message));
            rows.extend(detail::prose(&inert(&sentence), width, Role::Bad, keep::ALWAYS));
        }
        return rows;
    };
    rows.extend(maos(cx, view, width));
    rows.push(Row::blank());
    let path = Row::new()
        .at(1, "Migration settings", Role::Muted)
        .at(22, inert(&view.settings_path), Role::Text)
        .middle(width.saturating_sub(30))
        .right(1, "0600", Role::Muted);
    rows.push(path);
    rows.extend(preview(view, width));
    for warning in &view.warnings {
        rows.extend(detail::prose(&inert(warning), width, Role::Warn, keep::EXTRA));
    }
    rows
}

fn maos(cx: &Cx<'_>, view: &View, width: u16) -> Vec<Row> {
    let table = match &view.maos {
        MaosFound::Table(table) => table,
        MaosFound::None(why) => {
            return detail::labelled("MAOS", &inert(why), 8, width, Role::Text, keep::FIGURE);
        }
    };
    let at = cx.views.environment.value().map_or_else(String::new, |(at, _)| {
        let how = if view.rehearsal { "" } else { " by --help" };
        format!("probed {}{how}", cx.now.clock(at))
    });
    let (dialect, place) = (table.dialect.title(), &table.place);
    let is = if table.dialect == Dialect::Rehearsal {
        format!("{dialect}, {place}")
    } else {
        format!("{dialect} at {place}")
    };
    let mut rows = vec![
        Row::new()
            .at(1, "MAOS", Role::Muted)
            .at(8, inert(&is), Role::Text)
            .max(if width >= 70 { width - 38 } else { width })
            .right(1, if width >= 70 { at } else { String::new() }, Role::Muted)
            .keep(keep::FIGURE),
    ];
    for (word, presence, role) in [
        ("present", Presence::Present, Role::Ok),
        ("broken", Presence::Broken, Role::Warn),
        ("needs claude", Presence::NeedsClaude, Role::Warn),
        ("absent", Presence::Absent, Role::Muted),
    ] {
        rows.extend(group(table, word, presence, role, width));
    }
    rows
}

/// `present 6    start stop …`.
fn group(table: &Capabilities, word: &str, presence: Presence, role: Role, width: u16) -> Vec<Row> {
    let names: Vec<&str> = table
        .findings
        .iter()
        .filter(|line| line.presence == presence)
        .map(|line| line.ability.words())
        .collect();
    if names.is_empty() {
        return Vec::new();
    }
    let column = 19;
    let room = usize::from(width.saturating_sub(column + 1)).max(1);
    text::wrap(&names.join(", "), room)
        .into_iter()
        .enumerate()
        .map(|(index, line)| {
            let row = if index == 0 {
                Row::new().at(3, format!("{word} {}", names.len()), role)
            } else {
                Row::new()
            };
            row.at(column, line, Role::Text).keep(keep::NORMAL)
        })
        .collect()
}

/// The settings that say something, two beside each other where there is room.
fn preview(view: &View, width: u16) -> Vec<Row> {
    let said: Vec<String> = view
        .settings_lines
        .iter()
        .map(|line| line.trim())
        .filter(|line| !line.ends_with(':'))
        .map(|line| format!("+ {}", inert(line)))
        .collect();
    let beside = if width >= 70 { 2 } else { 1 };
    let mut rows: Vec<Row> = said
        .chunks(beside)
        .map(|pair| {
            let mut row = Row::new().keep(keep::EXTRA);
            for (index, line) in (0_u16..).zip(pair) {
                row = row.at(3 + index * (width / 2 - 2), line.clone(), Role::Muted);
            }
            row
        })
        .collect();
    rows.push(
        Row::prose(
            "No released MAOS reads this file. It is kept as a record.",
            Role::Muted,
        )
        .keep(keep::EXTRA),
    );
    rows
}

pub(super) fn news(screen: &Environment, cx: &Cx<'_>) -> News {
    let activity = activity(cx);
    if let (Some(locked), Activity::Idle) = (working::locked(cx, STEP), activity) {
        let next = if locked.goes_to.is_some() {
            "n goes there"
        } else {
            ""
        };
        return News::new(format!("Locked: {}", locked.sentence), next).role(Role::Warn);
    }
    let progress = step(cx).and_then(|step| step.progress.as_ref());
    match activity {
        Activity::Running | Activity::Stopping | Activity::Paused => {
            let (done, all) = progress.map_or((0, 0), |p| (p.done, p.total.unwrap_or(0)));
            let next = progress.map_or_else(String::new, |p| p.running.join(", "));
            let what = if activity == Activity::Paused {
                let by = step(cx).and_then(|step| step.note.clone()).unwrap_or_default();
                format!("Paused by {by}; {done} of {all} effects are applied.")
            } else {
                format!("{done} of {all} effects applied.")
            };
            News::new(what, inert(&format!("now: {next}")))
        }
        Activity::Failed | Activity::Stopped => {
            let what = match step(cx).and_then(|step| step.error.as_ref()) {
                Some(error) if activity == Activity::Failed => error.message.clone(),
                _ => "Stopped; what was applied stays.".to_owned(),
            };
            News::new(inert(&what), "n goes on from there").role(Role::Bad)
        }
        Activity::Done | Activity::DoneWithQuarantine => {
            let what = step(cx)
                .and_then(|step| step.outcome.as_ref())
                .map_or_else(String::new, |outcome| text::sentence(&outcome.summary));
            let next = format!("n {}", detail::onward(cx, STEP).1.label);
            News::new(format!("{}.", what.trim_end_matches('.')), next).role(Role::Ok)
        }
        Activity::Idle => idle(screen, cx),
    }
}

fn idle(screen: &Environment, cx: &Cx<'_>) -> News {
    if screen.asked.is_some() {
        return News::new("The plan is being made.", "wait");
    }
    let Some(view) = looked(cx) else {
        return match &cx.views.environment {
            Slot::Failed(_, error) => News::new(inert(&error.message), "r checks again").role(Role::Bad),
            _ => News::new("The environment is being read.", "wait"),
        };
    };
    if let Some((line, error)) = view.refused() {
        let what = format!("{}: {}.", line.key.title(), error.message);
        return News::new(inert(&what), "mend it, then r").role(Role::Bad);
    }
    if let Some(why) = off(cx) {
        return News::new(inert(&why), "").role(Role::Warn);
    }
    match view.nothing_to_do() {
        Some(nothing) => News::new(nothing, "n proves it"),
        None => News::new("Nothing is changed yet.", "n shows the plan"),
    }
}
