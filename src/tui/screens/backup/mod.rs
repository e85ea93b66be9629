//! Backups with their proof: what there is, how far each can be relied on, what its restore took. The same list is the picker of the
//! rollback.

use ratatui::layout::Rect;

use super::{Screen, working};
use crate::engine::Capability;
use crate::engine::backup::{Listed, Manifest, Standing, human};
use crate::engine::command::Command as Order;
use crate::engine::operation::Progress;
use crate::engine::runner::Reply;
use crate::engine::runner::operations::backup::{CHOSEN, duration};
use crate::engine::snapshot::Activity;
use crate::engine::text::{count, inert, plural};
use crate::engine::views::Slot;
use crate::tui::app::context::{Answered, Cx, Effect, Handled, Purpose};
use crate::tui::keymap::{Action, Command};
use crate::tui::overlays::confirm::Confirm;
use crate::tui::paint::{Painter, Row, keep};
use crate::tui::style::Role;
use crate::tui::text;
use crate::tui::widgets::frame::{News, Title};
use crate::tui::widgets::list::List;
use crate::tui::widgets::mark::Mark;

/// Where the columns end (figures) or begin.
const AGE: u16 = 24;
const SIZE: u16 = 33;
const STATE: u16 = 35;
const TOOK: u16 = 48;

/// How old, in hours and minutes: `0:34`, `66:14`.
fn hours(seconds: u64) -> String {
    format!("{}:{:02}", seconds / 3600, seconds / 60 % 60)
}

/// The list of backups, with the cursor.
#[derive(Debug, Default)]
pub struct Shelf {
    list: List,
}

/// The backups as last read.
#[must_use]
pub fn all<'a>(cx: &Cx<'a>) -> &'a [Listed] {
    cx.views.backups.value().map_or(&[], |(_, all)| all.as_slice())
}

/// `3 usable of 4`.
#[must_use]
pub fn usable(all: &[Listed]) -> String {
    if all.is_empty() {
        return "none yet".to_owned();
    }
    let usable = all.iter().filter(|one| one.usable()).count() as u64;
    format!("{} usable of {}", count(usable), count(all.len() as u64))
}

/// Making and verifying, for the screen and the picker.
#[must_use]
pub fn commands(cx: &Cx<'_>, none: Option<String>) -> Vec<Command> {
    let busy = cx.held().or_else(|| {
        cx.snapshot
            .active()
            .map(|running| format!("{} is running.", running.title()))
    });
    vec![
        Command::new(Action::Verify, "verify now")
            .about("restore it into a scratch database and compare")
            .off(none.or_else(|| busy.clone())),
        Command::new(Action::Create, "create")
            .about("make and verify a backup")
            .off(busy),
    ]
}

/// The dialog for a plan that was asked for here.
#[must_use]
pub fn confirm(answer: &Answered, cx: &Cx<'_>) -> Handled {
    match answer {
        (Purpose::Preview(Capability::Backup), Ok(Reply::Plan(plan))) => {
            let dialog = Confirm::new((**plan).clone(), cx.now.at, cx.now.mono, None, Vec::new());
            Handled::one(Effect::Open(Box::new(dialog)))
        }
        (Purpose::Preview(Capability::Backup), Err(error)) => {
            Handled::one(Effect::Say(News::new(error.to_string(), "").role(Role::Bad)))
        }
        _ => Handled::No,
    }
}

fn plan(verb: &str) -> Effect {
    let order = Order::Plan {
        capability: Capability::Backup,
        verb: verb.to_owned(),
    };
    Effect::Ask(Purpose::Preview(Capability::Backup), order)
}

fn mark(one: &Listed) -> Mark {
    match one.standing {
        Standing::Verified => Mark::Done,
        Standing::Guide if one.usable() => Mark::Done,
        Standing::Unverified | Standing::Guide => Mark::Unknown,
        Standing::Damaged(_) => Mark::Failed,
    }
}

fn took(one: &Listed) -> String {
    match (&one.standing, &one.verification) {
        (Standing::Damaged(_), _) => "not restorable".to_owned(),
        (_, Some(found)) if found.good => duration(found.restore_ms),
        _ => "not known".to_owned(),
    }
}

impl Shelf {
    /// The backup under the cursor.
    #[must_use]
    pub fn chosen<'a>(&self, cx: &Cx<'a>) -> Option<&'a Listed> {
        all(cx).get(self.list.cursor)
    }

    /// A command that the list knows.
    pub fn act(&mut self, action: Action, cx: &Cx<'_>) -> Handled {
        match action {
            Action::Create => Handled::one(plan("create")),
            Action::Verify => match self.chosen(cx) {
                Some(one) => Handled::Yes(vec![
                    Effect::Send(Order::Decide {
                        capability: Capability::Backup,
                        subject: CHOSEN.to_owned(),
                        choice: one.id.clone().into(),
                    }),
                    plan("verify"),
                ]),
                None => Handled::done(),
            },
            Action::ReadAgain => Handled::one(Effect::Send(Order::Read(Capability::Backup))),
            action if self.list.act(action, all(cx).len()) => Handled::done(),
            _ => Handled::No,
        }
    }

    fn row(one: &Listed, here: bool, width: u16, cx: &Cx<'_>) -> Row {
        let glyphs = cx.look.glyphs;
        let mark = mark(one);
        let when = one.made_at.map_or_else(
            || inert(&one.id),
            |at| {
                at.to_zoned(cx.now.zone.clone())
                    .strftime("%-d %b %H:%M")
                    .to_string()
            },
        );
        let age = one
            .made_at
            .map_or_else(String::new, |at| hours(cx.now.seconds_since(at)));
        let row = Row::new()
            .at(1, if here { glyphs.cursor } else { " " }, Role::Accent)
            .at(3, mark.glyph(glyphs), mark.role())
            .at(5, when, Role::Text)
            .max(14);
        if width < 50 {
            return row.at(19, one.word(), mark.role());
        }
        row.number(AGE, age, Role::Text)
            .number(SIZE, human(one.bytes), Role::Text)
            .at(STATE, one.word(), mark.role())
            .at(TOOK, took(one), Role::Text)
    }

    fn detail(one: &Listed, width: u16, cx: &Cx<'_>) -> Vec<Row> {
        let mut lines = Vec::new();
        let room = usize::from(width.saturating_sub(2)).max(1);
        match &one.manifest {
            Some(manifest) => {
                let version = manifest.maos.version.as_deref().unwrap_or("version not known");
                lines.push(format!(
                    "{}  MAOS {} · {} · {}",
                    one.id,
                    inert(version),
                    plural(manifest.rows(), "row", "rows"),
                    plural(manifest.files(), "file", "files")
                ));
                lines.push(epoch(one, manifest, cx));
                for gap in manifest.uncovered.iter().take(2) {
                    lines.push(format!("without {}: {}", inert(&gap.what), inert(&gap.why)));
                }
            }
            None if one.standing == Standing::Guide => {
                lines.push(format!(
                    "{}  layout of the migration guide: no manifest, no counts",
                    inert(&one.id)
                ));
            }
            None => lines.push(inert(&one.id)),
        }
        if let Standing::Damaged(why) = &one.standing {
            lines.insert(1.min(lines.len()), format!("Damaged: {}.", inert(why)));
        }
        lines
            .iter()
            .flat_map(|line| text::wrap(line, room))
            .map(|line| Row::new().at(1, line, Role::Text).keep(keep::NORMAL))
            .collect()
    }

    /// Draws list and detail.
    pub fn render(&mut self, painter: &mut Painter<'_>, cx: &Cx<'_>) {
        let above = under_way(cx, painter.width());
        let used = u16::try_from(above.len())
            .unwrap_or(u16::MAX)
            .min(painter.height());
        painter.rows(&above);
        let rest = Rect {
            x: 0,
            y: used,
            width: painter.width(),
            height: painter.height().saturating_sub(used),
        };
        self.draw(&mut painter.part(rest), cx, used == 0);
    }

    /// `idle`: nothing is told above the list.
    fn draw(&mut self, painter: &mut Painter<'_>, cx: &Cx<'_>, idle: bool) {
        let (width, height) = (painter.width(), painter.height());
        let all = all(cx);
        if all.is_empty() {
            let sentence = match &cx.views.backups {
                Slot::Failed(_, error) => error.to_string(),
                Slot::Loading(_) => "Reading the folder of backups.".to_owned(),
                _ if !idle => String::new(),
                _ => "No backup. c makes and verifies one.".to_owned(),
            };
            painter.row(0, &Row::prose(sentence, Role::Muted));
            return;
        }
        let mut head = Row::new().at(5, "When", Role::Muted);
        if width >= 50 {
            head = head
                .number(AGE, "Age", Role::Muted)
                .number(SIZE, "Size", Role::Muted)
                .at(STATE, "State", Role::Muted)
                .at(TOOK, "Restore took", Role::Muted);
        }
        painter.row(0, &head);
        let said = all
            .get(self.list.cursor)
            .map_or_else(Vec::new, |one| Self::detail(one, width, cx));
        // The list keeps half; the detail is whole where it can be.
        let wanted = u16::try_from(said.len() + 1).unwrap_or(u16::MAX);
        let detail = if height > 8 { wanted.min(height / 2) } else { 0 };
        let body = Rect {
            x: 0,
            y: 1,
            width,
            height: height.saturating_sub(1 + detail),
        };
        let mut part = painter.part(body);
        self.list.draw(&mut part, all.len(), true, |index, here| {
            Self::row(&all[index], here, width, cx)
        });
        if detail > 0 {
            let y = body.y + body.height;
            painter.row(
                y,
                &Row::rule().right(2, self.list.position(all.len()), Role::Muted),
            );
            let below = Rect {
                x: 0,
                y: y + 1,
                width,
                height: detail - 1,
            };
            painter.part(below).rows(&said);
        }
    }
}

fn epoch(one: &Listed, manifest: &Manifest, cx: &Cx<'_>) -> String {
    let mark = manifest.epoch.get(..8).unwrap_or_default();
    match &one.verification {
        Some(found) if found.good => format!(
            "epoch mark {mark} found in the scratch restore at {}, contents equal",
            cx.now.clock(found.at)
        ),
        _ => format!("epoch mark {mark}; never restored"),
    }
}

/// Parts are of different sizes and foretell nothing; bytes do.
fn how_far(progress: &Progress, cx: &Cx<'_>, width: u16) -> Vec<Row> {
    let phase = text::sentence(&inert(&progress.phase));
    if progress.unit == "bytes" && progress.total.is_some() {
        return working::reading(&phase, progress, cx, width);
    }
    let said = match progress.total {
        Some(total) => format!("Part {} of {}: {phase}.", progress.done + 1, count(total)),
        None if progress.done == 0 => format!("{phase}."),
        None => format!("{phase}: {} {}.", count(progress.done), progress.unit),
    };
    vec![Row::prose(said, Role::Text).keep(keep::FIGURE)]
}

/// What is being made or verified, and how far it is; or why it failed.
fn under_way(cx: &Cx<'_>, width: u16) -> Vec<Row> {
    let Some(step) = cx.step(Capability::Backup) else {
        return Vec::new();
    };
    let mut rows = match (step.activity.is_active(), &step.progress) {
        (true, Some(progress)) => how_far(progress, cx, width),
        (true, None) => vec![Row::prose("It begins.", Role::Muted)],
        _ if step.activity == Activity::Failed => {
            let safe = "the backups below; nothing in use was changed";
            working::ended_badly(step, safe, cx, width)
        }
        _ => return Vec::new(),
    };
    rows.push(Row::blank());
    rows
}

/// The screen of its own.
#[derive(Debug, Default)]
pub struct Backup {
    shelf: Shelf,
}

/// Whether there is a backup to go on with.
fn ready(cx: &Cx<'_>) -> bool {
    !cx.snapshot.activity(Capability::Backup).is_active() && all(cx).iter().any(Listed::usable)
}

impl Screen for Backup {
    fn entered(&mut self, cx: &Cx<'_>) -> Vec<Effect> {
        if working::reads(cx) {
            vec![Effect::Send(Order::Read(Capability::Backup))]
        } else {
            Vec::new()
        }
    }

    fn title(&self, cx: &Cx<'_>) -> Title {
        let age = if cx.snapshot.activity(Capability::Backup).is_active() {
            working::fresh(cx)
        } else {
            let read = cx.views.backups.value();
            read.map_or_else(String::new, |(at, _)| cx.old(at))
        };
        Title::new("Backups", usable(all(cx)), age)
    }

    fn news(&self, cx: &Cx<'_>) -> News {
        let activity = cx.snapshot.activity(Capability::Backup);
        if activity == Activity::Failed {
            News::new("No backup came of it.", "mend the cause, then c tries again").role(Role::Bad)
        } else if activity.is_active() {
            News::new(
                "The backup is being made and verified.",
                "wait; q goes back, it runs on",
            )
        } else if all(cx).iter().any(Listed::usable) {
            News::new("A verified backup is there.", "n goes back, c makes another one")
        } else {
            News::new("No verified backup.", "n makes and verifies one").role(Role::Warn)
        }
    }

    fn commands(&self, cx: &Cx<'_>) -> Vec<Command> {
        let none = all(cx).is_empty().then(|| "There is no backup.".to_owned());
        let mut all = commands(cx, none);
        let next = if ready(cx) {
            Command::new(Action::Next, "back").about("go back to where this was opened")
        } else {
            let busy = all.iter().find(|command| command.is(Action::Create));
            Command::new(Action::Next, "create")
                .about("make and verify a backup")
                .off(busy.and_then(|command| command.off.clone()))
        };
        all.insert(0, next);
        all
    }

    fn act(&mut self, action: Action, cx: &Cx<'_>) -> Handled {
        match action {
            Action::Next if ready(cx) => Handled::one(Effect::Run(Action::Leave)),
            Action::Next => self.shelf.act(Action::Create, cx),
            _ => self.shelf.act(action, cx),
        }
    }

    fn answered(&mut self, answer: &Answered, cx: &Cx<'_>) -> Handled {
        confirm(answer, cx)
    }

    fn render(&mut self, painter: &mut Painter<'_>, cx: &Cx<'_>) {
        self.shelf.render(painter, cx);
    }

    fn script(&self, _cx: &Cx<'_>) -> Option<String> {
        Some("maos-migrate backup create --yes".to_owned())
    }
}
