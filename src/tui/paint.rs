//! Putting text into cells: a [`Painter`] draws into one area and never outside it; a [`Row`] is one line built from
//! pieces with roles and tab stops, so that screens say what stands where and nothing else.
//!
//! Everything passes through the glyph set's prose filter here, and everything is cut at the area's edge with the
//! elision sign, so no screen has to think about ASCII or about being too narrow.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Color, Modifier, Style};

use super::style::{Glyphs, Look, Role};
use super::text;

/// Where a piece of a row starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum At {
    /// Right after the piece before it.
    After,
    /// At this column, or one cell after the piece before it when that is further right.
    Column(u16),
    /// So that it ends this many cells before the right edge.
    Right(u16),
}

/// How a piece is cut when it is too long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Cut {
    /// Prose: at the end.
    End,
    /// Paths and ids: in the middle.
    Middle,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Piece {
    at: At,
    text: String,
    role: Role,
    max: u16,
    cut: Cut,
}

/// One line of a screen.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Row {
    pieces: Vec<Piece>,
    selected: bool,
    rule: bool,
    strong: bool,
    keep: u8,
}

/// How much a row matters when there is not room for all: rows with the lowest number leave first.
pub mod keep {
    /// Blank lines.
    pub const SPACE: u8 = 0;
    /// Comfort: captions, explanations.
    pub const EXTRA: u8 = 10;
    /// The usual.
    pub const NORMAL: u8 = 20;
    /// Figures and decisions.
    pub const FIGURE: u8 = 30;
    /// Never leaves.
    pub const ALWAYS: u8 = u8::MAX;
}

impl Row {
    /// An empty line that leaves first.
    #[must_use]
    pub fn blank() -> Self {
        Self::default()
    }

    /// A line to be filled with pieces.
    #[must_use]
    pub fn new() -> Self {
        Self {
            keep: keep::NORMAL,
            ..Self::default()
        }
    }

    /// A line of prose, indented by one cell.
    pub fn prose(text: impl Into<String>, role: Role) -> Self {
        Self::new().at(1, text, role)
    }

    /// A horizontal rule over the whole width, indented by one cell on both sides; pieces stand on it.
    #[must_use]
    pub fn rule() -> Self {
        Self {
            rule: true,
            keep: keep::EXTRA,
            ..Self::default()
        }
    }

    fn push(mut self, at: At, text: impl Into<String>, role: Role) -> Self {
        self.pieces.push(Piece {
            at,
            text: text.into(),
            role,
            max: u16::MAX,
            cut: Cut::End,
        });
        self
    }

    /// A piece at a column.
    #[must_use]
    pub fn at(self, column: u16, text: impl Into<String>, role: Role) -> Self {
        self.push(At::Column(column), text, role)
    }

    /// A piece right after the one before.
    #[must_use]
    pub fn then(self, text: impl Into<String>, role: Role) -> Self {
        self.push(At::After, text, role)
    }

    /// A piece that ends `margin` cells before the right edge.
    #[must_use]
    pub fn right(self, margin: u16, text: impl Into<String>, role: Role) -> Self {
        self.push(At::Right(margin), text, role)
    }

    /// A number that ends at `column` (exclusive).
    #[must_use]
    pub fn number(self, column: u16, text: impl Into<String>, role: Role) -> Self {
        let text = text.into();
        let start = column.saturating_sub(text::cells(&text));
        self.at(start, text, role)
    }

    /// Cuts the last piece to `max` cells, at its end.
    #[must_use]
    pub fn max(mut self, max: u16) -> Self {
        if let Some(last) = self.pieces.last_mut() {
            last.max = max;
        }
        self
    }

    /// Cuts the last piece to `max` cells, in its middle.
    #[must_use]
    pub fn middle(mut self, max: u16) -> Self {
        if let Some(last) = self.pieces.last_mut() {
            last.max = max;
            last.cut = Cut::Middle;
        }
        self
    }

    /// Marks the row of the cursor: reversed over the whole width.
    #[must_use]
    pub const fn selected(mut self, selected: bool) -> Self {
        self.selected = selected;
        self
    }

    /// Bold over the whole row.
    #[must_use]
    pub const fn strong(mut self) -> Self {
        self.strong = true;
        self
    }

    /// How much the row matters, see [`keep`].
    #[must_use]
    pub const fn keep(mut self, keep: u8) -> Self {
        self.keep = keep;
        self
    }

    /// Whether the row never leaves.
    #[must_use]
    pub const fn is_fixed(&self) -> bool {
        self.keep == keep::ALWAYS
    }

    /// This row with the pieces of `head` before its own.
    #[must_use]
    pub fn led_by(mut self, head: Self) -> Self {
        let mut pieces = head.pieces;
        pieces.append(&mut self.pieces);
        self.pieces = pieces;
        self
    }

    /// Moves every piece with a column `by` cells to the right.
    #[must_use]
    pub fn indented(mut self, by: u16) -> Self {
        for piece in &mut self.pieces {
            if let At::Column(column) = &mut piece.at {
                *column = column.saturating_add(by);
            }
        }
        self
    }

    /// The row's text for plain output and for copying: pieces at their columns, roles left out.
    #[must_use]
    pub fn plain(&self) -> String {
        let mut out = String::new();
        for piece in &self.pieces {
            if let At::Column(column) = piece.at {
                out = text::pad(&out, usize::from(column));
            } else if matches!(piece.at, At::Right(_)) {
                out.push_str("  ");
            }
            out.push_str(&piece.text);
        }
        out.trim().to_owned()
    }
}

/// Draws into one area of the buffer.
pub struct Painter<'a> {
    buffer: &'a mut Buffer,
    area: Rect,
    look: Look,
}

impl std::fmt::Debug for Painter<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Painter")
            .field("area", &self.area)
            .finish_non_exhaustive()
    }
}

impl<'a> Painter<'a> {
    /// A painter for `area`, cut to what the buffer has.
    pub fn new(buffer: &'a mut Buffer, area: Rect, look: Look) -> Self {
        let area = area.intersection(buffer.area);
        Self { buffer, area, look }
    }

    /// The signs to draw with.
    #[must_use]
    pub const fn glyphs(&self) -> &'static Glyphs {
        self.look.glyphs
    }

    /// The look to draw with.
    #[must_use]
    pub const fn look(&self) -> Look {
        self.look
    }

    /// The area in screen coordinates.
    #[must_use]
    pub const fn area(&self) -> Rect {
        self.area
    }

    /// Width in cells.
    #[must_use]
    pub const fn width(&self) -> u16 {
        self.area.width
    }

    /// Height in rows.
    #[must_use]
    pub const fn height(&self) -> u16 {
        self.area.height
    }

    /// The same painter for a part of its area; `part` is relative to this area.
    pub fn part(&mut self, part: Rect) -> Painter<'_> {
        let absolute = Rect {
            x: self.area.x.saturating_add(part.x),
            y: self.area.y.saturating_add(part.y),
            width: part.width,
            height: part.height,
        };
        let area = absolute.intersection(self.area);
        Painter {
            buffer: self.buffer,
            area,
            look: self.look,
        }
    }

    /// The buffer, for widgets of others; they must stay inside [`Painter::area`].
    pub fn buffer(&mut self) -> &mut Buffer {
        self.buffer
    }

    /// Writes `text` at a cell of the area, at most `max` cells of it; returns the column after it.
    pub fn put(&mut self, x: u16, y: u16, text: &str, role: Role, max: u16) -> u16 {
        self.put_styled(x, y, text, self.look.style(role), max)
    }

    fn put_styled(&mut self, x: u16, y: u16, text: &str, style: Style, max: u16) -> u16 {
        if y >= self.area.height || x >= self.area.width {
            return x;
        }
        let text = self.look.glyphs.prose(text);
        let room = max.min(self.area.width - x);
        // What was drawn there before must not shine through.
        let style = Style {
            fg: style.fg.or(Some(Color::Reset)),
            bg: style.bg.or(Some(Color::Reset)),
            sub_modifier: style
                .sub_modifier
                .union(Modifier::all().difference(style.add_modifier)),
            ..style
        };
        let (end, _) =
            self.buffer
                .set_stringn(self.area.x + x, self.area.y + y, &text, usize::from(room), style);
        end - self.area.x
    }

    /// Draws one row at `y` of the area.
    pub fn row(&mut self, y: u16, row: &Row) {
        if y >= self.area.height {
            return;
        }
        let width = self.area.width;
        if row.rule {
            let line = self
                .look
                .glyphs
                .horizontal
                .repeat(usize::from(width.saturating_sub(2)));
            self.put(1, y, &line, Role::Muted, width);
        }
        let mut x = 0;
        // Text must not run into what stands at the right edge.
        let mut fence = width;
        let mut painted = Vec::with_capacity(row.pieces.len());
        for piece in &row.pieces {
            let shown = self.fitted(piece);
            if let At::Right(margin) = piece.at {
                let start = width.saturating_sub(margin).saturating_sub(text::cells(&shown));
                fence = fence.min(start);
            }
            painted.push(shown);
        }
        for (index, (piece, shown)) in row.pieces.iter().zip(&painted).enumerate() {
            let (start, edge) = match piece.at {
                At::After => (x, fence),
                At::Column(column) if index == 0 || column >= x => (column, fence),
                At::Column(_) => (x.saturating_add(1), fence),
                At::Right(margin) => (
                    width.saturating_sub(margin).saturating_sub(text::cells(shown)),
                    width,
                ),
            };
            // The next piece's column is an edge too: it must not be pushed by prose.
            let edge = match row.pieces.get(index + 1).map(|next| next.at) {
                Some(At::Column(next)) if next > start => edge.min(next),
                _ => edge,
            };
            let room = usize::from(edge.saturating_sub(start));
            let shown = if text::width(shown) > room {
                // What was cut keeps a cell of distance to its neighbour.
                let gap = usize::from(edge < width && room > 2);
                self.cut(shown, room - gap, piece.cut)
            } else {
                shown.clone()
            };
            let mut style = self.look.style(piece.role);
            if row.strong {
                style = style.add_modifier(Modifier::BOLD);
            }
            if !matches!(piece.at, At::Right(_)) || !shown.is_empty() {
                x = self.put_styled(start, y, &shown, style, width);
            }
        }
        if row.selected {
            self.select(Rect {
                x: 0,
                y,
                width,
                height: 1,
            });
        }
    }

    fn fitted(&self, piece: &Piece) -> String {
        let shown = self.look.glyphs.prose(&piece.text);
        if text::cells(&shown) <= piece.max {
            return shown.into_owned();
        }
        self.cut(&shown, usize::from(piece.max), piece.cut)
    }

    fn cut(&self, shown: &str, max: usize, cut: Cut) -> String {
        match cut {
            Cut::End => text::elide_end(shown, max, self.look.glyphs.elision),
            Cut::Middle => text::elide_middle(shown, max, self.look.glyphs.elision),
        }
    }

    /// Reverses a part of the area.
    pub fn select(&mut self, part: Rect) {
        let part = self.part(part).area;
        // One colour for the whole row: reversed colours would be a patchwork; signs and words carry the meaning.
        let style = self.look.style(Role::Selection).fg(Color::Reset);
        self.buffer.set_style(part, style);
    }

    /// Empties the area.
    pub fn clear(&mut self) {
        for position in self.area.positions() {
            if let Some(cell) = self.buffer.cell_mut(position) {
                cell.reset();
            }
        }
    }

    /// Draws the rows from the top; when there are too many, those that matter least are left out, last ones first.
    pub fn rows(&mut self, rows: &[Row]) {
        for (y, row) in (0..).zip(fit(rows, usize::from(self.area.height))) {
            self.row(y, row);
        }
    }
}

/// The rows that are kept when only `room` fit, in their order.
#[must_use]
pub fn fit(rows: &[Row], room: usize) -> Vec<&Row> {
    let mut kept: Vec<&Row> = rows.iter().collect();
    while kept.len() > room {
        let least = kept.iter().map(|row| row.keep).min();
        let Some(index) = kept.iter().rposition(|row| Some(row.keep) == least) else {
            break;
        };
        kept.remove(index);
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tui::style::Theme;

    fn line(row: &Row, width: u16, ascii: bool) -> String {
        let area = Rect::new(0, 0, width, 1);
        let mut buffer = Buffer::empty(area);
        Painter::new(&mut buffer, area, Look::new(Theme::Mono, ascii)).row(0, row);
        buffer
            .content()
            .iter()
            .map(ratatui::buffer::Cell::symbol)
            .collect()
    }

    #[test]
    fn pieces_stand_at_their_columns_and_prose_gives_way() {
        let row = Row::new()
            .at(1, "Sources and more", Role::Text)
            .at(10, "x", Role::Text)
            .right(1, "7/8", Role::Muted);
        assert_eq!(line(&row, 20, false), " Sources… x     7/8 ");
        assert_eq!(line(&row, 20, true), " Source.. x     7/8 ");
    }

    #[test]
    fn prose_never_runs_into_the_right_edge() {
        let row = Row::prose("a long sentence without an end", Role::Text).right(1, "12 s", Role::Muted);
        assert_eq!(line(&row, 20, false), " a long sente… 12 s ");
    }

    #[test]
    fn rows_that_matter_least_leave_first_and_the_last_of_them_before_the_first() {
        let rows = [
            Row::prose("a", Role::Text).keep(keep::ALWAYS),
            Row::blank(),
            Row::prose("b", Role::Text),
            Row::prose("c", Role::Text),
            Row::prose("d", Role::Text).keep(keep::FIGURE),
        ];
        let kept: Vec<String> = fit(&rows, 3).into_iter().map(Row::plain).collect();
        assert_eq!(kept, ["a", "b", "d"]);
    }
}
