//! A list with a cursor: which rows are visible, where the cursor goes, and how it is drawn. Only visible rows are
//! asked for, so a list may have millions.

use ratatui::layout::Rect;

use crate::engine::text::count;
use crate::tui::keymap::Action;
use crate::tui::paint::{Painter, Row};
use crate::tui::style::Role;

/// Rows kept visible above and below the cursor.
const CONTEXT: usize = 2;

/// Cursor and scroll position of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct List {
    /// The row of the cursor.
    pub cursor: usize,
    /// The first visible row, as of the last drawing.
    pub top: usize,
    /// Rows visible, as of the last drawing; a page is one less.
    pub page: usize,
}

impl List {
    /// Moves for a movement action; returns whether it was one. The cursor never wraps.
    pub fn act(&mut self, action: Action, len: usize) -> bool {
        let last = len.saturating_sub(1);
        let page = self.page.saturating_sub(1).max(1);
        self.cursor = match action {
            Action::Up => self.cursor.saturating_sub(1),
            Action::Down => self.cursor.saturating_add(1),
            Action::First => 0,
            Action::Last => last,
            Action::PageUp => self.cursor.saturating_sub(page),
            Action::PageDown => self.cursor.saturating_add(page),
            _ => return false,
        }
        .min(last);
        true
    }

    /// Keeps the cursor on the list and visible with context, for a list of `len` rows in `height` rows of screen.
    pub fn settle(&mut self, len: usize, height: usize) {
        self.page = height;
        self.cursor = self.cursor.min(len.saturating_sub(1));
        let context = CONTEXT.min(height.saturating_sub(1) / 2);
        let least = (self.cursor + context + 1).saturating_sub(height);
        let most = self.cursor.saturating_sub(context);
        self.top = self.top.clamp(least.min(most), most.max(least));
        self.top = self.top.min(len.saturating_sub(height));
    }

    /// Draws the visible rows; `row` is asked for each and told whether it has the cursor. The cursor's sign stands at
    /// column 1, or at `sign`.
    pub fn draw(
        &mut self,
        painter: &mut Painter<'_>,
        len: usize,
        focused: bool,
        mut row: impl FnMut(usize, bool) -> Row,
    ) {
        let height = usize::from(painter.height());
        self.settle(len, height);
        for (y, index) in (0..painter.height()).zip(self.top..len) {
            let here = index == self.cursor;
            let drawn = row(index, here).selected(here && focused);
            painter.row(y, &drawn);
        }
    }

    /// `6-10/37`, empty when everything is visible.
    #[must_use]
    pub fn position(&self, len: usize) -> String {
        if len <= self.page {
            return String::new();
        }
        let last = (self.top + self.page).min(len);
        let number = |n: usize| count(n as u64);
        format!("{}-{}/{}", number(self.top + 1), number(last), number(len))
    }

    /// The row at a screen position inside `area`.
    #[must_use]
    pub fn hit(&self, area: Rect, x: u16, y: u16, len: usize) -> Option<usize> {
        let inside = area.contains(ratatui::layout::Position { x, y });
        let index = self.top + usize::from(y.saturating_sub(area.y));
        (inside && index < len).then_some(index)
    }
}

/// The cursor's sign, or a blank of the same width.
#[must_use]
pub fn cursor(painter: &Painter<'_>, here: bool) -> (&'static str, Role) {
    (if here { painter.glyphs().cursor } else { " " }, Role::Accent)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn two_rows_of_context_and_no_wrapping() {
        let mut list = List::default();
        list.settle(37, 5);
        for _ in 0..5 {
            list.act(Action::Down, 37);
            list.settle(37, 5);
        }
        assert_eq!((list.cursor, list.top), (5, 3));
        assert_eq!(list.position(37), "4-8/37");
        list.act(Action::Last, 37);
        list.settle(37, 5);
        assert_eq!((list.cursor, list.top), (36, 32));
        list.act(Action::Down, 37);
        assert_eq!(list.cursor, 36);
        assert_eq!(list.position(37), "33-37/37");
    }

    proptest! {
        #[test]
        fn the_cursor_is_always_visible(
            len in 0usize..50, height in 0usize..12, moves in proptest::collection::vec(0u8..6, 0..40),
        ) {
            let mut list = List::default();
            for step in moves {
                let action = [
                    Action::Up, Action::Down, Action::First, Action::Last, Action::PageUp, Action::PageDown,
                ][usize::from(step)];
                list.act(action, len);
                list.settle(len, height);
                prop_assert!(len == 0 || list.cursor < len);
                prop_assert!(height == 0 || (list.top <= list.cursor && list.cursor < list.top + height));
            }
        }
    }
}
