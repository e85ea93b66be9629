//! The five palettes. Only the sixteen colours every terminal has, so that the user's own scheme holds, and never a
//! background: what must stand out is reversed.

use ratatui::style::{Color, Modifier, Style};

use super::choose::Theme;
use super::role::Role;

/// A style for each role.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Palette {
    /// Which one it is.
    pub theme: Theme,
    muted: Style,
    accent: Style,
    ok: Style,
    warn: Style,
    bad: Style,
    unknown: Style,
}

const PLAIN: Style = Style::new();

const fn colour(colour: Color) -> Style {
    PLAIN.fg(colour)
}

const fn with(style: Style, modifier: Modifier) -> Style {
    style.add_modifier(modifier)
}

const BOLD_REVERSE: Style = PLAIN.add_modifier(Modifier::BOLD.union(Modifier::REVERSED));

const DARK: Palette = Palette {
    theme: Theme::Dark,
    muted: colour(Color::Gray),
    accent: colour(Color::LightCyan),
    ok: colour(Color::LightGreen),
    warn: colour(Color::LightYellow),
    bad: with(colour(Color::LightRed), Modifier::BOLD),
    unknown: colour(Color::LightMagenta),
};

const LIGHT: Palette = Palette {
    theme: Theme::Light,
    muted: colour(Color::DarkGray),
    accent: colour(Color::Blue),
    ok: colour(Color::Green),
    warn: colour(Color::Magenta),
    bad: with(colour(Color::Red), Modifier::BOLD),
    unknown: with(colour(Color::DarkGray), Modifier::UNDERLINED),
};

const COLOUR_BLIND_DARK: Palette = Palette {
    theme: Theme::ColourBlindDark,
    ok: colour(Color::LightBlue),
    bad: BOLD_REVERSE,
    unknown: with(colour(Color::Gray), Modifier::UNDERLINED),
    ..DARK
};

const COLOUR_BLIND_LIGHT: Palette = Palette {
    theme: Theme::ColourBlindLight,
    ok: colour(Color::Blue),
    bad: BOLD_REVERSE,
    ..LIGHT
};

const MONO: Palette = Palette {
    theme: Theme::Mono,
    muted: PLAIN,
    accent: with(PLAIN, Modifier::BOLD),
    ok: PLAIN,
    warn: with(PLAIN, Modifier::UNDERLINED),
    bad: BOLD_REVERSE,
    unknown: with(PLAIN, Modifier::UNDERLINED),
};

impl Palette {
    /// The palette of a theme.
    #[must_use]
    pub const fn of(theme: Theme) -> Self {
        match theme {
            Theme::Dark => DARK,
            Theme::Light => LIGHT,
            Theme::ColourBlindDark => COLOUR_BLIND_DARK,
            Theme::ColourBlindLight => COLOUR_BLIND_LIGHT,
            Theme::Mono => MONO,
        }
    }

    /// The style of a role.
    #[must_use]
    pub const fn style(&self, role: Role) -> Style {
        match role {
            Role::Text => PLAIN,
            Role::Muted => self.muted,
            Role::Accent => self.accent,
            Role::Ok => self.ok,
            Role::Warn => self.warn,
            Role::Bad => self.bad,
            Role::Unknown => self.unknown,
            Role::Critical => with(PLAIN, Modifier::BOLD),
            Role::Selection => with(PLAIN, Modifier::REVERSED),
            Role::Banner => BOLD_REVERSE,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_colour_every_role_that_warns_still_differs_from_prose() {
        let mono = Palette::of(Theme::Mono);
        for role in Role::ALL {
            let style = mono.style(role);
            assert_eq!(style.fg, None, "{role:?}");
            assert_eq!(style.bg, None, "{role:?}");
        }
        for role in [
            Role::Accent,
            Role::Warn,
            Role::Bad,
            Role::Unknown,
            Role::Selection,
        ] {
            assert_ne!(mono.style(role), mono.style(Role::Text), "{role:?}");
        }
    }

    #[test]
    fn no_palette_sets_a_background() {
        for theme in Theme::ALL {
            for role in Role::ALL {
                assert_eq!(Palette::of(theme).style(role).bg, None, "{theme:?} {role:?}");
            }
        }
    }
}
