//! The steps: a strip of signs with the current one in words, or a rail with all of them.

use super::marked;
use super::model::{FrameInfo, Step};
use crate::tui::layout::{Areas, Density};
use crate::tui::paint::{Painter, Row};
use crate::tui::style::Role;
use crate::tui::text;
use crate::tui::widgets::bar;

/// One line: `✓ ✓ ▸● Tasks 3/12 · running   ○ ○ · ·      next ○ Environment`.
pub(super) fn strip(painter: &mut Painter<'_>, areas: &Areas, info: &FrameInfo) {
    let mut line = painter.part(areas.strip);
    if let Some((name, from)) = &info.aside {
        let row = Row::new()
            .at(1, name.clone(), Role::Critical)
            .then(format!(" · {from}"), Role::Muted)
            .right(
                4,
                if areas.density == Density::Tiny {
                    ""
                } else {
                    "q goes back"
                },
                Role::Muted,
            );
        line.row(0, &row);
        return;
    }
    let glyphs = line.glyphs();
    let signs = areas.density == Density::Normal;
    let total = info.steps.len();
    let mut row = Row::new().at(1, "", Role::Text);
    let sign = |row: Row, step: &Step| {
        row.then(step.mark.glyph(glyphs), step.mark.role())
            .then(" ", Role::Text)
    };
    match info.current {
        Some(at) if at < total => {
            let step = &info.steps[at];
            if signs {
                row = info.steps[..at].iter().fold(row, sign);
            }
            let word = if step.word.is_empty() {
                step.mark.word()
            } else {
                &step.word
            };
            // Where the words do not fit, the short form does.
            let next = info
                .steps
                .get(at + 1)
                .map_or(3, |next| text::width(&next.title) + 7);
            let long = 2 * total + text::width(&step.title) + text::width(word) + 14 + next;
            let word = if signs && long > usize::from(line.width()) && !step.short.is_empty() {
                &step.short
            } else {
                word
            };
            if areas.density == Density::Tiny {
                row = row.then(step.title.clone(), Role::Critical);
                row = row.then(format!(" {}/{total} {word}", at + 1), step.mark.role());
            } else {
                row = row
                    .then(glyphs.cursor, Role::Accent)
                    .then(step.mark.glyph(glyphs), step.mark.role())
                    .then(format!(" {}", step.title), Role::Critical)
                    .then(format!(" {}/{total} · {word}   ", at + 1), Role::Text);
            }
            if signs {
                row = info.steps[at + 1..].iter().fold(row, sign);
            }
            row = match info.steps.get(at + 1) {
                _ if areas.density == Density::Tiny => row,
                Some(next) => following(row, next, glyphs),
                None => row.right(2, "end", Role::Muted),
            };
        }
        _ => {
            let name = if areas.density == Density::Tiny {
                "Start"
            } else {
                "Start   "
            };
            if areas.density != Density::Tiny {
                row = row.then(glyphs.cursor, Role::Accent).then(" ", Role::Text);
            }
            row = row.then(name, Role::Critical);
            if signs {
                row = info.steps.iter().fold(row, sign);
            }
            if areas.density != Density::Tiny && total > 0 {
                row = row.then(format!("  {total} steps"), Role::Muted);
                let next = info.steps.get(info.goes_on).unwrap_or(&info.steps[0]);
                row = following(row, next, glyphs);
            }
        }
    }
    line.row(0, &row);
}

fn following(row: Row, next: &Step, glyphs: &crate::tui::style::Glyphs) -> Row {
    // A locked step's sign reads as a separator in prose, so the sign is written, not filtered.
    row.right(
        2,
        format!("next {} {}", next.mark.glyph(glyphs), next.title),
        Role::Muted,
    )
}

/// A column of steps, the operation below it where there is room.
pub(super) fn rail(painter: &mut Painter<'_>, areas: &Areas, info: &FrameInfo) {
    let mut column = painter.part(areas.rail);
    let width = column.width();
    for (y, (index, step)) in (0..).zip(info.steps.iter().enumerate()) {
        let current = info.current == Some(index) && info.aside.is_none();
        // The focus has one cursor: while it is here, the step of the screen keeps its bold title alone.
        let here = info.pointed.map_or(current, |at| at == index);
        let start = u16::from(!here);
        let short = step.short.clone();
        let room = usize::from(width).saturating_sub(4 + text::width(&step.title));
        let short = if text::width(&short) <= room {
            short
        } else {
            String::new()
        };
        let role = if current { Role::Critical } else { Role::Text };
        let row = Row::new()
            .at(start, marked(step.mark, here, &column), step.mark.role())
            .at(3, step.title.clone(), role)
            .right(0, short, Role::Muted)
            .selected(info.pointed == Some(index));
        column.row(y, &row);
    }
    if areas.density != Density::Wide {
        return;
    }
    let mut y = u16::try_from(info.steps.len())
        .unwrap_or(u16::MAX)
        .saturating_add(0);
    let mut group = String::new();
    for (label, value, role) in &info.below_rail {
        // A label starting with a bar marks the start of a group.
        let (label, starts) = label
            .strip_prefix('|')
            .map_or((label.as_str(), false), |label| (label, true));
        if starts || group.is_empty() {
            label.clone_into(&mut group);
            let rule = column
                .glyphs()
                .horizontal
                .repeat(usize::from(width.saturating_sub(2)));
            column.put(1, y, &rule, Role::Muted, width);
            y += 1;
        }
        if let Some(share) = value
            .strip_prefix("bar:")
            .and_then(|share| share.parse::<f64>().ok())
        {
            let percent = text::pad_left(label, 5);
            let cells = width.saturating_sub(2 + text::cells(&percent));
            let mut part = column.part(ratatui::layout::Rect {
                x: 1,
                y,
                width: cells,
                height: 1,
            });
            bar::draw(&mut part, bar::Bar::share(share), *role);
            column.put(1 + cells, y, &percent, Role::Text, width);
        } else {
            column.row(
                y,
                &Row::new().at(1, label, *role).right(0, value.clone(), Role::Text),
            );
        }
        y += 1;
    }
}
