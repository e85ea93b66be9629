//! Where everything stands: a pure function of the terminal's size.
//!
//! ```text
//! from 120x30  rail of 20 with the operation below    from 80x24  strip, border
//! from 100x30  rail of 16                              from 60x18  strip, no border
//!                                                      from 40x10  one line of place, figures
//! ```

use ratatui::layout::{Rect, Size};

/// How much room there is, from most to least.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Density {
    /// From 120x30: everything.
    Wide,
    /// From 100x30: rail without the operation below it.
    Rail,
    /// From 80x24: strip.
    Normal,
    /// From 60x18: no border.
    Compact,
    /// From 40x10: place, figures, news, keys.
    Tiny,
    /// Smaller: one sentence.
    TooSmall,
}

/// The smallest size with a picture.
pub const LEAST: Size = Size {
    width: 40,
    height: 10,
};

impl Density {
    /// The density of a size.
    #[must_use]
    pub const fn of(size: Size) -> Self {
        match (size.width, size.height) {
            (120.., 30..) => Self::Wide,
            (100.., 30..) => Self::Rail,
            (80.., 24..) => Self::Normal,
            (60.., 18..) => Self::Compact,
            (40.., 10..) => Self::Tiny,
            _ => Self::TooSmall,
        }
    }

    /// Whether the frame is drawn with lines.
    #[must_use]
    pub const fn bordered(self) -> bool {
        matches!(self, Self::Wide | Self::Rail | Self::Normal)
    }

    /// Width of the steps rail, 0 where there is a strip.
    #[must_use]
    pub const fn rail(self) -> u16 {
        match self {
            Self::Wide => 20,
            Self::Rail => 16,
            _ => 0,
        }
    }
}

/// The areas of the frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Areas {
    /// How much room there is.
    pub density: Density,
    /// The whole screen.
    pub all: Rect,
    /// Workspace, type, environment, target, operator.
    pub top: Rect,
    /// The steps as one line; empty where there is a rail.
    pub strip: Rect,
    /// The steps as a column; empty where there is a strip.
    pub rail: Rect,
    /// Title of the pane.
    pub title: Rect,
    /// What the screen draws in.
    pub pane: Rect,
    /// What happened, what is next.
    pub now: Rect,
    /// Keys.
    pub hints: Rect,
}

/// The areas for a size. Never overlapping, never outside; empty when there is no room.
#[must_use]
pub fn areas(size: Size) -> Areas {
    let density = Density::of(size);
    let all = Rect::new(0, 0, size.width, size.height);
    let (w, h) = (size.width, size.height);
    let line = |y: u16| Rect::new(0, y, w, 1).intersection(all);
    let inner = |y: u16, height: u16| Rect::new(1, y, w.saturating_sub(2), height).intersection(all);
    let empty = Rect::ZERO;
    match density {
        Density::Wide | Density::Rail => {
            let rail = density.rail();
            let left = rail + 2;
            Areas {
                density,
                all,
                top: line(0),
                strip: empty,
                rail: Rect::new(1, 1, rail, h - 4),
                title: Rect::new(left, 1, w - left - 1, 1),
                pane: Rect::new(left, 3, w - left - 1, h - 6),
                now: inner(h - 2, 1),
                hints: line(h - 1),
            }
        }
        Density::Normal => Areas {
            density,
            all,
            top: line(0),
            strip: inner(1, 1),
            rail: empty,
            title: line(2),
            pane: inner(3, h - 5),
            now: inner(h - 2, 1),
            hints: line(h - 1),
        },
        Density::Compact | Density::Tiny => {
            let head = if density == Density::Compact { 3 } else { 2 };
            Areas {
                density,
                all,
                top: line(0),
                strip: line(1),
                rail: empty,
                title: if head == 3 { line(2) } else { empty },
                pane: Rect::new(0, head, w, h - head - 2),
                now: line(h - 2),
                hints: line(h - 1),
            }
        }
        Density::TooSmall => Areas {
            density,
            all,
            top: empty,
            strip: empty,
            rail: empty,
            title: empty,
            pane: empty,
            now: empty,
            hints: empty,
        },
    }
}

/// From so many rows on a dialog leaves the first and the last one.
const ROWS_TO_SPARE: u16 = 20;

/// A box of at most `width` x `height`, centred in the screen with at least the top bar left to read.
#[must_use]
pub fn centred(all: Rect, width: u16, height: u16) -> Rect {
    let width = width.min(all.width);
    // Where it stands and the line it ends with stay readable; a terminal that has hardly any rows needs them all.
    let spared = if all.height >= ROWS_TO_SPARE { 2 } else { 0 };
    let height = height.min(all.height - spared);
    Rect {
        x: all.x + (all.width - width) / 2,
        y: all.y + (all.height - height) / 2,
        width,
        height,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_usual_size_has_a_pane_of_78_by_19() {
        let areas = areas(Size::new(80, 24));
        assert_eq!((areas.pane.width, areas.pane.height), (78, 19));
        assert_eq!(areas.now.y, 22);
    }

    #[test]
    fn sizes_have_the_density_of_the_table() {
        let of = |w, h| Density::of(Size::new(w, h));
        assert_eq!(of(140, 45), Density::Wide);
        assert_eq!(of(120, 30), Density::Wide);
        assert_eq!(of(140, 24), Density::Normal);
        assert_eq!(of(100, 30), Density::Rail);
        assert_eq!(of(80, 24), Density::Normal);
        assert_eq!(of(60, 18), Density::Compact);
        assert_eq!(of(40, 10), Density::Tiny);
        assert_eq!(of(34, 8), Density::TooSmall);
        assert_eq!(of(0, 0), Density::TooSmall);
    }

    proptest! {
        #[test]
        fn areas_lie_inside_and_apart(w in 0u16..400, h in 0u16..200) {
            let areas = areas(Size::new(w, h));
            let parts = [areas.top, areas.strip, areas.rail, areas.title, areas.pane, areas.now, areas.hints];
            for (i, a) in parts.iter().enumerate() {
                prop_assert!(a.is_empty() || areas.all.intersection(*a) == *a);
                for b in &parts[i + 1..] {
                    prop_assert!(a.intersection(*b).is_empty(), "{a:?} {b:?}");
                }
            }
        }
    }
}
