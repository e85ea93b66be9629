//! The question before anything with an effect: the plan itself, with counts, way back, time and digest.
//!
//! Cancel has the focus; keys are not heard for 300 ms; Tab, then Enter, acts. Without a way back, and where rows are removed, the target's name is
//! typed and the button is off until it is equal. On Enter the plan is made again: only the same one is run.

use std::time::Duration;

use crossterm::event::{KeyCode, KeyEvent};
use jiff::Timestamp;
use ratatui::layout::Size;

use super::{Overlay, known_as, usual};
use crate::engine::command::Command as Order;
use crate::engine::error::ErrorKind;
use crate::engine::operation::{Effect as Planned, Plan};
use crate::engine::runner::Reply;
use crate::engine::text::{count, plural};
use crate::tui::app::context::{Answered, Cx, Effect, Handled, Purpose};
use crate::tui::keymap::{Action, Command};
use crate::tui::paint::{Painter, Row, keep};
use crate::tui::style::Role;
use crate::tui::text;
use crate::tui::widgets::field::Field;

/// How long a dialog does not hear keys after it opened.
pub const DEAF: Duration = Duration::from_millis(300);

/// From this height on the way back is never left out.
const ROOMY: u16 = 16;

/// Column of the values beside `To`, `Undo`, `Time`, `Plan`.
const VALUES: u16 = 10;

/// The dialog.
#[derive(Debug)]
pub struct Confirm {
    plan: Plan,
    read: Timestamp,
    opened: Duration,
    act: bool,
    name: Option<Field>,
    time: Option<String>,
    remarks: Vec<String>,
    way_back: Option<String>,
    checking: bool,
    problem: Option<String>,
}

impl Confirm {
    /// The dialog for a plan that was made at `read`. `remarks` are sentences of the screen, such as how many items stay
    /// in quarantine.
    #[must_use]
    pub fn new(
        plan: Plan,
        read: Timestamp,
        opened: Duration,
        time: Option<String>,
        remarks: Vec<String>,
    ) -> Self {
        let name = plan.asks_name().then(|| Field::line(""));
        Self {
            plan,
            read,
            opened,
            act: false,
            name,
            time,
            remarks,
            way_back: None,
            checking: false,
            problem: None,
        }
    }

    /// What leads back where the plan itself cannot be taken back as one.
    #[must_use]
    pub fn way_back(mut self, way: Option<String>) -> Self {
        self.way_back = way;
        self
    }

    /// Whether the typed name, where one is asked for, is the target's.
    fn named(&self) -> bool {
        self.name
            .as_ref()
            .is_none_or(|field| field.text() == self.plan.target)
    }

    /// Why the button is off.
    fn off(&self, cx: &Cx<'_>) -> Option<String> {
        if let Some(reason) = cx.held() {
            return Some(format!("Not now: {reason}"));
        }
        if self.checking {
            return Some("The plan is made again.".to_owned());
        }
        // A rollback waits for nothing: what runs stops at its next safe point.
        let first = self.plan.capability == crate::engine::Capability::Rollback;
        if let Some(running) = cx
            .snapshot
            .active()
            .filter(|running| !first || *running == crate::engine::Capability::Rollback)
        {
            return Some(format!("Not now: {} is running.", running.title()));
        }
        (!self.named()).then(|| "The name is not yet equal.".to_owned())
    }

    fn enter(&mut self, cx: &Cx<'_>) -> Handled {
        if !self.act {
            // Enter in the name's field goes on to the button; on Cancel it cancels.
            if self.name.is_some() && self.named() {
                self.act = true;
                return Handled::done();
            }
            return if self.name.as_ref().is_some_and(|field| !field.is_empty()) {
                Handled::done()
            } else {
                Handled::one(Effect::Close)
            };
        }
        if let Some(reason) = self.off(cx) {
            self.problem = Some(reason);
            return Handled::done();
        }
        self.checking = true;
        self.problem = None;
        let order = Order::Plan {
            capability: self.plan.capability,
            verb: self.plan.verb.clone(),
        };
        Handled::one(Effect::Ask(Purpose::Again(self.plan.capability), order))
    }

    /// The effects as rows, none of them cut; what does not fit into `room` rows is counted.
    fn effects(&self, room: usize, width: u16, plain: &dyn Fn(&str) -> String) -> Vec<Row> {
        let effects = &self.plan.effects;
        if effects.is_empty() {
            let nothing = Row::new().at(3, "nothing would be changed", Role::Muted);
            return vec![nothing.keep(keep::FIGURE)];
        }
        let acts = effects
            .iter()
            .map(|effect| text::cells(&plain(&effect.act)))
            .max()
            .unwrap_or(0)
            .max(6);
        let counts = effects
            .iter()
            .filter_map(|e| e.count)
            .map(|n| text::cells(&count(n)))
            .max()
            .unwrap_or(0);
        let end = 3 + acts + 2 + counts;
        let what = if counts == 0 { 3 + acts + 2 } else { end + 3 };
        let lines = |effect: &Planned| -> Vec<Row> {
            let number = effect.count.map(count).unwrap_or_default();
            let room = usize::from(width.saturating_sub(what + 1)).max(8);
            let mut rows = Vec::new();
            for (index, line) in text::wrap(&plain(&effect.what), room).into_iter().enumerate() {
                let row = Row::new().keep(keep::FIGURE);
                let row = if index == 0 {
                    row.at(3, effect.act.clone(), Role::Text)
                        .number(end, number.clone(), Role::Critical)
                } else {
                    row
                };
                rows.push(row.at(what, line, Role::Text));
            }
            rows
        };
        let groups: Vec<Vec<Row>> = effects.iter().map(lines).collect();
        let wanted: usize = groups.iter().map(Vec::len).sum();
        if wanted <= room {
            return groups.into_iter().flatten().collect();
        }
        let mut rows: Vec<Row> = Vec::new();
        let mut shown = 0;
        for group in groups {
            if rows.len() + group.len() + 1 > room {
                break;
            }
            rows.extend(group);
            shown += 1;
        }
        let rest = (effects.len() - shown) as u64;
        let more = format!(
            "and {}; y copies the whole plan",
            plural(rest, "more effect", "more effects")
        );
        rows.push(Row::new().at(3, more, Role::Warn).keep(keep::ALWAYS));
        rows
    }

    /// How it is taken back, or what leads back. Where there is hardly room, the name and the button stay.
    fn undo(&self, height: u16) -> (&str, Role, u8) {
        match (&self.plan.undo, &self.way_back) {
            (Some(undo), _) => (undo, Role::Text, keep::ALWAYS),
            (None, Some(way)) if height < ROOMY => (way, Role::Warn, keep::NORMAL),
            (None, Some(way)) => (way, Role::Warn, keep::ALWAYS),
            (None, None) => ("There is none.", Role::Bad, keep::ALWAYS),
        }
    }

    /// The whole plan as text, for the clipboard.
    fn as_text(&self) -> String {
        let mut lines = vec![self.plan.title.clone(), format!("to {}", self.plan.target)];
        for effect in &self.plan.effects {
            let number = effect.count.map(|n| format!(" {}", count(n))).unwrap_or_default();
            lines.push(format!("{}{number} {}", effect.act, effect.what));
        }
        lines.push(format!("undo: {}", self.plan.undo.as_deref().unwrap_or("none")));
        lines.push(format!("plan: {}", self.plan.digest));
        lines.join("\n")
    }

    fn buttons(&self, painter: &mut Painter<'_>, y: u16, cx: &Cx<'_>) {
        let glyphs = painter.glyphs();
        let off = self.off(cx).is_some();
        let focus = |focused: bool, label: &str| {
            if focused {
                format!("[{}{label}{}]", glyphs.cursor, glyphs.cursor_back)
            } else {
                format!("[ {label} ]")
            }
        };
        let width = painter.width();
        let cancel = focus(!self.act, "Cancel");
        let suffix = if off { " off" } else { "" };
        let label_room = usize::from(width).saturating_sub(text::width(&cancel) + 4 + 4 + suffix.len() + 2);
        let label = text::elide_end(&glyphs.prose(&self.plan.title), label_room, glyphs.elision);
        let act = format!("{}{suffix}", focus(self.act, &label));
        let used = text::cells(&cancel) + 6 + text::cells(&act);
        let gap = if used + 2 > width { 2 } else { 6 };
        let start = width.saturating_sub(text::cells(&cancel) + gap + text::cells(&act)) / 2;
        let x = painter.put(
            start,
            y,
            &cancel,
            if self.act { Role::Text } else { Role::Selection },
            width,
        );
        let role = match (self.act, off) {
            (true, _) => Role::Selection,
            (false, true) => Role::Muted,
            (false, false) => Role::Text,
        };
        painter.put(x + gap, y, &act, role, width);
    }
}

impl Overlay for Confirm {
    fn title(&self, _cx: &Cx<'_>) -> Vec<(String, Role)> {
        vec![(self.plan.title.clone(), Role::Critical)]
    }

    fn commands(&self, _cx: &Cx<'_>) -> Vec<Command> {
        let mut commands = Vec::new();
        if self.name.is_some() && !self.act {
            commands.push(
                Command::new(Action::Mark, "the name")
                    .keys("type")
                    .about("type the target's name"),
            );
        }
        commands.push(Command::new(Action::NextRegion, "choose"));
        commands.push(Command::new(Action::Open, "do it").about("press the button that has the focus"));
        if self.name.is_none() || self.act {
            commands.push(Command::new(Action::Copy, "copy plan"));
        }
        commands.push(Command::new(Action::Close, "close").keys(if self.editing() {
            "Esc or Ctrl-C"
        } else {
            "Esc or q"
        }));
        commands
    }

    fn size(&self, _cx: &Cx<'_>, screen: Size) -> Size {
        let usual = usual(screen);
        // As many rows as the effects need when none of them is cut.
        let inside = usual.width.saturating_sub(2);
        let effects = self.effects(usize::MAX, inside, &str::to_owned).len();
        let room = usize::from(inside.saturating_sub(VALUES + 1)).max(1);
        let rows = |value: &str| text::wrap(value, room).len();
        let said: usize = self.remarks.iter().map(|remark| rows(remark)).sum();
        let time = self.time.as_deref().map_or(0, rows);
        // A row for why it cannot be done is there before it is needed, so that nothing moves.
        let problem = self.problem.as_deref().map_or(1, rows);
        let name = if self.name.is_some() { 2 } else { 0 };
        let around = 6; // target, plan, three blank rows, buttons
        let lines = effects + said + rows(self.undo(u16::MAX).0) + time + problem + name + around;
        let height = u16::try_from(lines)
            .unwrap_or(u16::MAX)
            .saturating_add(2)
            .max(14)
            .min(screen.height);
        Size {
            width: usual.width,
            height,
        }
    }

    fn render(&mut self, painter: &mut Painter<'_>, cx: &Cx<'_>) {
        let environment = cx.snapshot.environment;
        let loud = if environment.is_production() {
            Role::Banner
        } else {
            Role::Critical
        };
        let height = painter.height();
        let width = painter.width();
        let target_at = VALUES + text::cells(environment.word()) + 2;
        let target = known_as(&self.plan.target, &cx.snapshot.target);
        let mut head = vec![
            Row::new()
                .at(1, "To", Role::Muted)
                .at(VALUES, environment.word(), loud)
                .at(target_at, target, Role::Text)
                .middle(width.saturating_sub(target_at + 1))
                .keep(keep::ALWAYS),
            Row::blank(),
        ];
        let mut foot = vec![Row::blank()];
        let value_room = usize::from(width.saturating_sub(VALUES + 1));
        let mut labelled = |label: &str, value: &str, role: Role, kept: u8| {
            for (index, line) in text::wrap(value, value_room).into_iter().enumerate() {
                let label = if index == 0 { label } else { "" };
                foot.push(
                    Row::new()
                        .at(1, label, Role::Muted)
                        .at(VALUES, line, role)
                        .keep(kept),
                );
            }
        };
        for remark in &self.remarks {
            labelled("Note", remark, Role::Warn, keep::EXTRA);
        }
        let (undo, role, kept) = self.undo(height);
        labelled("Undo", undo, role, kept);
        if let Some(time) = &self.time {
            labelled("Time", time, Role::Text, keep::NORMAL);
        }
        let who = cx.views.me.as_ref().map_or("", |me| me.operator.as_str());
        labelled(
            "Plan",
            &format!("{}, read {} as {who}", self.plan.digest, cx.ago(self.read)),
            Role::Muted,
            keep::NORMAL,
        );
        if let Some(problem) = &self.problem {
            labelled("", problem, Role::Bad, keep::ALWAYS);
        }
        if let Some(field) = &self.name {
            // The name that must be typed is shown whole, on a line of its own where it needs one.
            let ask = "Type the target's name to go on:";
            if text::width(ask) + text::width(&self.plan.target) + 4 <= usize::from(width) {
                let label = format!("{ask}  {}", self.plan.target);
                foot.push(Row::new().at(1, label, Role::Text).keep(keep::ALWAYS));
            } else {
                foot.push(
                    Row::new()
                        .at(1, "Type this name to go on:", Role::Text)
                        .keep(keep::NORMAL),
                );
                for line in text::wrap(&self.plan.target, usize::from(width.saturating_sub(2))) {
                    foot.push(Row::new().at(1, line, Role::Critical).keep(keep::ALWAYS));
                }
            }
            let caret = if self.act { "" } else { cx.look.glyphs.caret };
            let shown = field.shown(width.saturating_sub(VALUES + 20), caret);
            let (word, role) = if self.named() {
                ("equal", Role::Ok)
            } else {
                ("not yet equal", Role::Warn)
            };
            foot.push(
                Row::new()
                    .at(VALUES, "> ", Role::Accent)
                    .then(shown.trim_end().to_owned(), Role::Text)
                    .right(1, word, role)
                    .keep(keep::ALWAYS),
            );
        }
        foot.push(Row::blank());
        // Effects get what the fixed parts leave; what does not fit is counted.
        let fixed = head.iter().chain(&foot).filter(|row| row.is_fixed()).count() + 1;
        let room = usize::from(height).saturating_sub(fixed).max(1);
        let glyphs = cx.look.glyphs;
        head.extend(self.effects(room, width, &|text| glyphs.prose(text).into_owned()));
        head.extend(foot);
        let body = ratatui::layout::Rect {
            x: 0,
            y: 0,
            width,
            height: height.saturating_sub(1),
        };
        painter.part(body).rows(&head);
        self.buttons(painter, height.saturating_sub(1), cx);
        if self.checking {
            cx.wake_in(Duration::from_millis(200));
        }
    }

    fn act(&mut self, action: Action, cx: &Cx<'_>) -> Handled {
        match action {
            Action::NextRegion | Action::PreviousRegion | Action::Left | Action::Right => {
                self.act = !self.act;
                Handled::done()
            }
            Action::Open => self.enter(cx),
            Action::Copy => {
                let text = self.as_text();
                Handled::one(Effect::Copy(text))
            }
            // No letter confirms anything, and none leaves by accident.
            Action::Close | Action::Leave | Action::Interrupt => Handled::No,
            _ => Handled::done(),
        }
    }

    fn editing(&self) -> bool {
        // Before the name is equal there is nothing to do on the button: what is typed there belongs into the field.
        self.name.is_some() && !(self.act && self.named())
    }

    fn typed(&mut self, key: &KeyEvent, _cx: &Cx<'_>) -> Handled {
        if matches!(
            key.code,
            KeyCode::Enter | KeyCode::Tab | KeyCode::BackTab | KeyCode::Esc
        ) {
            return Handled::No;
        }
        match self.name.as_mut().map(|field| field.typed(key)) {
            Some(true) => {
                self.act = false;
                Handled::done()
            }
            _ => Handled::No,
        }
    }

    fn answered(&mut self, answer: &Answered, cx: &Cx<'_>) -> Handled {
        let (Purpose::Again(capability), result) = answer else {
            return Handled::No;
        };
        if *capability != self.plan.capability {
            return Handled::No;
        }
        self.checking = false;
        match result {
            Ok(Reply::Plan(plan)) if plan.digest == self.plan.digest => Handled::Yes(vec![
                Effect::Close,
                Effect::Send(Order::Apply {
                    capability: self.plan.capability,
                    verb: self.plan.verb.clone(),
                    digest: self.plan.digest.clone(),
                    confirm: self.name.as_ref().map(Field::text),
                }),
            ]),
            Ok(Reply::Plan(plan)) => {
                self.problem = Some(changed(&self.plan, plan));
                self.plan = (**plan).clone();
                self.read = cx.now.at;
                self.act = false;
                Handled::done()
            }
            Ok(_) => Handled::done(),
            Err(error) => {
                let hint = error
                    .hint
                    .as_deref()
                    .map(|hint| format!(" {hint}"))
                    .unwrap_or_default();
                let what = if error.kind == ErrorKind::Blocked {
                    "Not now: "
                } else {
                    ""
                };
                self.problem = Some(format!("{what}{}.{hint}", text::sentence(&error.message)));
                self.act = false;
                Handled::done()
            }
        }
    }

    fn deaf(&self, cx: &Cx<'_>) -> bool {
        cx.now.mono.saturating_sub(self.opened) < DEAF
    }
}

/// `The plan changed: 3 rows more. Read it again.`
fn changed(before: &Plan, after: &Plan) -> String {
    let difference = after
        .effects
        .iter()
        .filter(|effect| !effect.so_far)
        .find_map(|effect| {
            let same = before
                .effects
                .iter()
                .find(|old| old.act == effect.act && old.what == effect.what)?;
            let (old, new) = (same.count?, effect.count?);
            let noun = effect.what.split(' ').next().unwrap_or("items");
            match new.cmp(&old) {
                std::cmp::Ordering::Greater => Some(format!("{} {noun} more", count(new - old))),
                std::cmp::Ordering::Less => Some(format!("{} {noun} fewer", count(old - new))),
                std::cmp::Ordering::Equal => None,
            }
        })
        .unwrap_or_else(|| format!("it was {}, now it is {}", before.digest, after.digest));
    format!("The plan changed: {difference}. Read it again.")
}
