//! The characters of lines: every cell has four arms, each absent, light or heavy, and one table of 81 gives the sign.

/// How strong an arm is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, PartialOrd, Ord)]
pub enum Weight {
    /// No arm.
    #[default]
    None,
    /// An edge.
    Light,
    /// An edge of the critical path.
    Heavy,
}

/// The arms of a cell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Arms {
    /// Towards the row above.
    pub up: Weight,
    /// Towards the next column.
    pub right: Weight,
    /// Towards the row below.
    pub down: Weight,
    /// Towards the previous column.
    pub left: Weight,
}

/// Index: up × 27 + right × 9 + down × 3 + left.
const SIGNS: [char; 81] = [
    ' ', '╴', '╸', '╷', '┐', '┑', '╻', '┒', '┓', //
    '╶', '─', '╾', '┌', '┬', '┭', '┎', '┰', '┱', //
    '╺', '╼', '━', '┍', '┮', '┯', '┏', '┲', '┳', //
    '╵', '┘', '┙', '│', '┤', '┥', '╽', '┧', '┪', //
    '└', '┴', '┵', '├', '┼', '┽', '┟', '╁', '╅', //
    '┕', '┶', '┷', '┝', '┾', '┿', '┢', '╆', '╈', //
    '╹', '┚', '┛', '╿', '┦', '┩', '┃', '┨', '┫', //
    '┖', '┸', '┹', '┞', '╀', '╃', '┠', '╂', '╉', //
    '┗', '┺', '┻', '┡', '╄', '╇', '┣', '╊', '╋', //
];

impl Arms {
    /// True without any arm.
    #[must_use]
    pub fn is_empty(self) -> bool {
        self == Self::default()
    }

    /// True for a plain vertical: nothing to the sides.
    #[must_use]
    pub fn is_vertical(self) -> bool {
        self.left == Weight::None
            && self.right == Weight::None
            && self.up != Weight::None
            && self.down != Weight::None
    }

    /// True for a plain horizontal.
    #[must_use]
    pub fn is_horizontal(self) -> bool {
        self.up == Weight::None
            && self.down == Weight::None
            && self.left != Weight::None
            && self.right != Weight::None
    }

    /// The line-drawing character.
    #[must_use]
    pub const fn sign(self) -> char {
        SIGNS[self.up as usize * 27 + self.right as usize * 9 + self.down as usize * 3 + self.left as usize]
    }

    /// The character where lines cannot be drawn: `-` and `|`, `=` and `#` on the critical path, `+` for joins.
    #[must_use]
    pub fn plain_sign(self) -> char {
        if self.is_empty() {
            return ' ';
        }
        let heaviest = |one: Weight, other: Weight| one.max(other) == Weight::Heavy;
        match (
            self.up == Weight::None && self.down == Weight::None,
            self.left == Weight::None && self.right == Weight::None,
        ) {
            (true, _) if heaviest(self.left, self.right) => '=',
            (true, _) => '-',
            (_, true) if heaviest(self.up, self.down) => '#',
            (_, true) => '|',
            _ => '+',
        }
    }

    /// The arms of a line-drawing character; `None` for any other.
    #[must_use]
    pub fn of(sign: char) -> Option<Self> {
        let weight = |n: usize| [Weight::None, Weight::Light, Weight::Heavy][n % 3];
        SIGNS.iter().position(|&known| known == sign).map(|at| Self {
            up: weight(at / 27),
            right: weight(at / 9),
            down: weight(at / 3),
            left: weight(at),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn the_table_has_81_different_signs_and_reads_back() {
        assert_eq!(SIGNS.iter().collect::<HashSet<_>>().len(), 81);
        for sign in SIGNS {
            assert_eq!(Arms::of(sign).map(Arms::sign), Some(sign));
        }
        assert_eq!(Arms::of('x'), None);
    }

    #[test]
    fn the_table_agrees_with_the_characters_names() {
        use Weight::{Heavy, Light, None};
        let arms = |up, right, down, left| Arms {
            up,
            right,
            down,
            left,
        };
        // From the Unicode names: `BOX DRAWINGS RIGHT UP HEAVY AND LEFT DOWN LIGHT` and so on.
        for (sign, expected) in [
            ('╄', arms(Heavy, Heavy, Light, Light)),
            ('┤', arms(Light, None, Light, Light)),
            ('┓', arms(None, None, Heavy, Heavy)),
            ('┢', arms(Light, Heavy, Heavy, None)),
            ('┭', arms(None, Light, Light, Heavy)),
            ('┶', arms(Light, Heavy, None, Light)),
            ('╽', arms(Light, None, Heavy, None)),
            ('╼', arms(None, Heavy, None, Light)),
            ('╀', arms(Heavy, Light, Light, Light)),
            ('╈', arms(Light, Heavy, Heavy, Heavy)),
            ('╵', arms(Light, None, None, None)),
        ] {
            assert_eq!(Arms::of(sign), Some(expected), "{sign}");
        }
    }

    #[test]
    fn ascii_says_weight_and_joins() {
        let of = |sign: char| Arms::of(sign).map(Arms::plain_sign);
        assert_eq!(of('─'), Some('-'));
        assert_eq!(of('━'), Some('='));
        assert_eq!(of('│'), Some('|'));
        assert_eq!(of('┃'), Some('#'));
        assert_eq!(of('╄'), Some('+'));
        assert_eq!(of('┘'), Some('+'));
    }
}
