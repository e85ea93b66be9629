//! How the wizard looks: what a text means ([`Role`]), how a terminal shows it ([`Palette`]), which signs it can draw
//! ([`Glyphs`]), and how all three are chosen ([`choose`]).
//!
//! Screens name roles and glyph fields, never colours or characters. To add a role: a variant in `role.rs`, a line in
//! each palette, and the table in the tests.

pub mod choose;
pub mod glyphs;
pub mod palette;
pub mod role;

pub use choose::{Choice, Environment as TerminalEnvironment, Theme};
pub use glyphs::Glyphs;
pub use palette::Palette;
pub use role::Role;

/// Everything a screen needs to know about the terminal's looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Look {
    /// The signs.
    pub glyphs: &'static Glyphs,
    /// The colours.
    pub palette: Palette,
}

impl Look {
    /// The look for a theme and a glyph set.
    #[must_use]
    pub const fn new(theme: Theme, ascii: bool) -> Self {
        Self {
            glyphs: if ascii { &Glyphs::ASCII } else { &Glyphs::UNICODE },
            palette: Palette::of(theme),
        }
    }

    /// The style of a role.
    #[must_use]
    pub const fn style(&self, role: Role) -> ratatui::style::Style {
        self.palette.style(role)
    }
}
