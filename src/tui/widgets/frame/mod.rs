//! The frame that answers five questions in any state and size: where am I, which target, what runs, what happened,
//! what is next.
//!
//! ```text
//! ┌ acme-billing ─ brownfield ─ PRODUCTION db.acme:5432/maos ───────────── alice ┐  top bar
//! │ ✓ ✓ ▸● Tasks 3/12 · running   ○ ○ ○ ○ · · · · ·        next ○ Environment    │  steps
//! ├ Tasks ─ 40 read · 37 valid · 3 quarantined ─────────────────── read 12 s ago ┤  title
//! │ …                                                                            │  pane, drawn by the screen
//! │ 37 plans, 0 accepted, 3 records quarantined. ▸ n accepts the 37 plans        │  now line
//! └ n accept  Enter stages  e edit  c convert ─────── ? help  R rollback  q quit ┘  hints
//! ```

mod border;
mod model;
mod steps;
mod top;

pub use model::{Badge, FrameInfo, News, Step, Title};

use ratatui::layout::Rect;

use super::mark::Mark;
use crate::tui::keymap::hints::{self, Hint};
use crate::tui::keymap::{Command, KeyMap};
use crate::tui::layout::{Areas, Density};
use crate::tui::paint::{Painter, Row};
use crate::tui::style::Role;
use crate::tui::text;

/// Everything the frame shows besides the pane.
#[derive(Debug)]
pub struct Frame<'a> {
    /// Who, where, which steps.
    pub info: &'a FrameInfo,
    /// Title of the pane.
    pub title: &'a Title,
    /// The now line.
    pub news: &'a News,
    /// What the hint bar names, in its order.
    pub commands: &'a [Command],
    /// The keys.
    pub keys: &'a KeyMap,
}

impl Frame<'_> {
    /// Draws everything around the pane.
    pub fn draw(&self, painter: &mut Painter<'_>, areas: &Areas) {
        if areas.density == Density::TooSmall {
            return;
        }
        if areas.density.bordered() {
            border::draw(painter, areas);
        }
        top::draw(painter, areas, self.info);
        if areas.rail.is_empty() {
            steps::strip(painter, areas, self.info);
        } else {
            steps::rail(painter, areas, self.info);
        }
        self.title(painter, areas);
        self.now(painter, areas.now);
        self.hints(painter, areas);
    }

    fn title(&self, painter: &mut Painter<'_>, areas: &Areas) {
        if areas.title.is_empty() {
            return;
        }
        let on_border = areas.density == Density::Normal;
        let mut area = painter.part(areas.title);
        let width = area.width();
        let left = u16::from(on_border) + 1;
        let right = if on_border {
            2
        } else {
            u16::from(areas.density.bordered())
        };
        let glyphs = area.glyphs();
        let age = text::cells(&glyphs.prose(&self.title.right));
        let gap = if age == 0 { 0 } else { age + 2 };
        let room = width.saturating_sub(left + right).saturating_sub(gap);
        if on_border {
            area.put(1, 0, " ", Role::Text, 1);
        }
        let role = if self.info.pointed.is_some() {
            Role::Text
        } else {
            Role::Critical
        };
        let mut x = area.put(left, 0, &self.title.name, role, room);
        if !self.title.facts.is_empty() {
            let dash = format!(" {} ", glyphs.horizontal);
            x = area.put(x, 0, &dash, Role::Muted, width);
            let room = (left + room).saturating_sub(x);
            let facts = text::elide_end(
                &glyphs.prose(&self.title.facts),
                usize::from(room),
                glyphs.elision,
            );
            x = area.put(x, 0, &facts, self.title.role, room);
        }
        if on_border {
            area.put(x, 0, " ", Role::Text, 1);
        }
        if age > 0 {
            let start = width.saturating_sub(right + age);
            if on_border {
                area.put(start.saturating_sub(1), 0, " ", Role::Text, 1);
                area.put(start + age, 0, " ", Role::Text, 1);
            }
            area.put(start, 0, &self.title.right, self.title.right_role, age);
        }
    }

    fn now(&self, painter: &mut Painter<'_>, area: Rect) {
        let mut line = painter.part(area);
        let glyphs = line.glyphs();
        let width = line.width().saturating_sub(2);
        let what = glyphs.prose(&self.news.what).into_owned();
        let next = glyphs.prose(&self.news.next).into_owned();
        let arrow = if next.is_empty() { 0 } else { 3 };
        // What is next stays whole as long as it leaves a third of the line for what happened.
        let next_room = text::cells(&next).min(width.saturating_sub(width / 3));
        let what_room = width.saturating_sub(next_room + arrow);
        let what = if self.news.short.is_empty() || text::cells(&what) <= what_room {
            what
        } else {
            glyphs.prose(&self.news.short).into_owned()
        };
        let what = text::elide_end(&what, usize::from(what_room), glyphs.elision);
        let mut x = line.put(1, 0, &what, self.news.role, what_room);
        if arrow > 0 {
            if x > 1 {
                x += 1;
            }
            x = line.put(x, 0, glyphs.cursor, Role::Accent, 1) + 1;
            let room = (width + 1).saturating_sub(x);
            let next = text::elide_end(&next, usize::from(room), glyphs.elision);
            line.put(x, 0, &next, Role::Text, room);
        }
    }

    fn hints(&self, painter: &mut Painter<'_>, areas: &Areas) {
        let mut line = painter.part(areas.hints);
        let margin = if areas.density.bordered() { 2 } else { 0 };
        let width = usize::from(line.width().saturating_sub(2 * margin));
        let short = areas.density == Density::Tiny;
        let place = match (self.info.over, self.info.in_rollback()) {
            (true, _) => hints::Place::Overlay,
            (false, true) => hints::Place::Rollback,
            (false, false) if self.info.aside.is_some() => hints::Place::Aside,
            (false, false) => hints::Place::Screen,
        };
        let always = hints::always(self.keys, place, short);
        let always_width = hints::width(&always);
        // One cell of distance to the line on both sides.
        let room = width.saturating_sub(always_width + 3);
        let left = hints::fitting(self.keys, self.commands, room, line.glyphs().ascii);
        let mut x = margin;
        if areas.density.bordered() && !left.is_empty() {
            line.put(1, 0, " ", Role::Text, 1);
            x = spell(&mut line, x, &left);
            line.put(x, 0, " ", Role::Text, 1);
        } else if !left.is_empty() {
            x = line.put(x, 0, " ", Role::Text, 1);
            spell(&mut line, x, &left);
        }
        let start = line
            .width()
            .saturating_sub(margin + u16::try_from(always_width).unwrap_or(u16::MAX));
        if areas.density.bordered() {
            line.put(start.saturating_sub(1), 0, " ", Role::Text, 1);
            line.put(line.width().saturating_sub(2), 0, " ", Role::Text, 1);
        }
        let start = if areas.density.bordered() {
            start
        } else {
            start.saturating_sub(1)
        };
        spell(&mut line, start, &always);
    }
}

/// Writes hints with two cells between them; returns the column after them.
pub(super) fn spell(line: &mut Painter<'_>, mut x: u16, hints: &[Hint]) -> u16 {
    let width = line.width();
    for (index, hint) in hints.iter().enumerate() {
        if index > 0 {
            x = line.put(x, 0, "  ", Role::Text, 2);
        }
        x = line.put(x, 0, &hint.keys, Role::Accent, width);
        if !hint.label.is_empty() {
            x = line.put(x, 0, " ", Role::Text, 1);
            x = line.put(x, 0, &hint.label, Role::Text, width);
        }
    }
    x
}

/// A box for an overlay: border, title at its top, hints at its bottom. Returns the inside in the painter's coordinates.
pub fn boxed(
    painter: &mut Painter<'_>,
    area: Rect,
    title: &[(String, Role)],
    commands: &[Command],
    keys: &KeyMap,
) -> Rect {
    let mut part = painter.part(area);
    part.clear();
    border::rectangle(&mut part);
    let (width, height) = (part.width(), part.height());
    if width < 4 || height < 3 {
        return Rect::ZERO;
    }
    let room = width.saturating_sub(4);
    let mut x = 2;
    for (index, (text, role)) in title.iter().enumerate() {
        if index == 0 {
            x = part.put(1, 0, " ", Role::Text, 1);
        }
        let room = (room + 2).saturating_sub(x);
        let text = text::elide_end(
            &part.glyphs().prose(text),
            usize::from(room),
            part.glyphs().elision,
        );
        x = part.put(x, 0, &text, *role, room);
    }
    part.put(x, 0, " ", Role::Text, 1);
    let bottom = Rect {
        x: 0,
        y: height - 1,
        width,
        height: 1,
    };
    // The corners, a blank on both sides, and one cell of the line at least.
    let room = usize::from(width.saturating_sub(5));
    let hints = hints::fitting(keys, commands, room, part.glyphs().ascii);
    if !hints.is_empty() {
        let mut line = part.part(bottom);
        line.put(1, 0, " ", Role::Text, 1);
        let x = spell(&mut line, 2, &hints);
        line.put(x, 0, " ", Role::Text, 1);
    }
    Rect {
        x: area.x + 1,
        y: area.y + 1,
        width: width - 2,
        height: height - 2,
    }
}

/// The one sentence of a terminal that is too small for a picture.
pub fn too_small(painter: &mut Painter<'_>, news: &str) {
    let (width, height) = (painter.width(), painter.height());
    let least = crate::tui::layout::LEAST;
    let sentence = format!(
        "Needs {}x{}, has {width}x{height}. {news}",
        least.width, least.height
    );
    let lines = text::wrap(&sentence, usize::from(width));
    let rows: Vec<Row> = lines
        .into_iter()
        .map(|line| Row::new().at(0, line, Role::Text))
        .collect();
    painter.rows(&rows);
}

/// A step's sign with the cursor before it.
fn marked(mark: Mark, current: bool, painter: &Painter<'_>) -> String {
    let glyphs = painter.glyphs();
    let sign = mark.glyph(glyphs);
    if current {
        format!("{}{sign}", glyphs.cursor)
    } else {
        sign.to_owned()
    }
}
