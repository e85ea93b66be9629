//! Which palette and which signs: a flag wins, then the environment, then what the terminal says about itself.

/// The palettes by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Theme {
    /// For dark backgrounds.
    #[default]
    Dark,
    /// For light backgrounds.
    Light,
    /// For dark backgrounds, without telling red from green.
    ColourBlindDark,
    /// For light backgrounds, without telling red from green.
    ColourBlindLight,
    /// No colour at all.
    Mono,
}

impl Theme {
    /// Every palette.
    pub const ALL: [Self; 5] = [
        Self::Dark,
        Self::Light,
        Self::ColourBlindDark,
        Self::ColourBlindLight,
        Self::Mono,
    ];

    /// The name for `--theme`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Dark => "dark",
            Self::Light => "light",
            Self::ColourBlindDark => "colour-blind-dark",
            Self::ColourBlindLight => "colour-blind-light",
            Self::Mono => "mono",
        }
    }

    /// The palette named so; `None` for any other name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|theme| theme.name() == name)
    }
}

/// What was asked for with `--theme`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Choice {
    /// The terminal decides between dark and light.
    #[default]
    Auto,
    /// Colour-blind; the terminal decides between dark and light.
    ColourBlind,
    /// Exactly this one.
    Fixed(Theme),
}

impl Choice {
    /// Reads a value of `--theme`: `auto`, `colour-blind` or a palette.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        match name {
            "auto" => Some(Self::Auto),
            "colour-blind" | "color-blind" => Some(Self::ColourBlind),
            name => Theme::named(name).map(Self::Fixed),
        }
    }

    /// Whether the answer depends on the terminal's background.
    #[must_use]
    pub fn needs_background(self, env: &Environment) -> bool {
        !matches!(self, Self::Fixed(_)) && !env.no_colour && env.term_can_answer()
    }

    /// The palette: the flag, then `NO_COLOR`, then the background, then dark.
    #[must_use]
    pub fn resolve(self, env: &Environment, light_background: Option<bool>) -> Theme {
        let light = light_background
            .or_else(|| env.colorfgbg_light())
            .unwrap_or(false);
        match self {
            Self::Fixed(theme) => theme,
            _ if env.no_colour => Theme::Mono,
            Self::Auto if light => Theme::Light,
            Self::Auto => Theme::Dark,
            Self::ColourBlind if light => Theme::ColourBlindLight,
            Self::ColourBlind => Theme::ColourBlindDark,
        }
    }
}

/// The part of the process environment that decides about looks, read once by whoever starts the wizard.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Environment {
    /// `NO_COLOR` is set and not empty.
    pub no_colour: bool,
    /// The locale is UTF-8.
    pub utf8: bool,
    /// `TERM`.
    pub term: String,
    /// `COLORFGBG`, a hint about the background that some terminals set.
    pub colorfgbg: Option<String>,
    /// The terminal is reached over ssh.
    pub ssh: bool,
}

impl Environment {
    /// Reads the environment through `get`, for example `|name| std::env::var(name).ok()`.
    pub fn read(get: impl Fn(&str) -> Option<String>) -> Self {
        let set = |name: &str| get(name).filter(|value| !value.is_empty());
        // The first of these three that is set decides about characters, as in the C library.
        let locale = ["LC_ALL", "LC_CTYPE", "LANG"]
            .into_iter()
            .find_map(set)
            .unwrap_or_default();
        let locale = locale.to_ascii_lowercase();
        Self {
            no_colour: set("NO_COLOR").is_some(),
            utf8: locale.contains("utf-8") || locale.contains("utf8"),
            term: set("TERM").unwrap_or_default(),
            colorfgbg: set("COLORFGBG"),
            ssh: ["SSH_CONNECTION", "SSH_CLIENT", "SSH_TTY"]
                .into_iter()
                .any(|name| set(name).is_some()),
        }
    }

    /// Whether the ASCII signs are used: asked for, no UTF-8, or a terminal without the characters.
    #[must_use]
    pub fn ascii(&self, asked: bool) -> bool {
        asked || !self.utf8 || matches!(self.term.as_str(), "linux" | "dumb" | "")
    }

    /// Whether the terminal can be asked about its background.
    #[must_use]
    pub fn term_can_answer(&self) -> bool {
        !matches!(self.term.as_str(), "linux" | "dumb" | "")
    }

    /// What `COLORFGBG` says: its last field is the background's number.
    #[must_use]
    pub fn colorfgbg_light(&self) -> Option<bool> {
        let background = self.colorfgbg.as_ref()?.rsplit(';').next()?.parse::<u8>().ok()?;
        Some(matches!(background, 7 | 9..=15))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn env(pairs: &[(&str, &str)]) -> Environment {
        Environment::read(|name| {
            pairs
                .iter()
                .find(|(key, _)| *key == name)
                .map(|(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn the_flag_wins_over_no_color_and_no_color_over_the_background() {
        let no_colour = env(&[("NO_COLOR", "1"), ("TERM", "xterm")]);
        assert_eq!(
            Choice::Fixed(Theme::Light).resolve(&no_colour, Some(false)),
            Theme::Light
        );
        assert_eq!(Choice::Auto.resolve(&no_colour, Some(true)), Theme::Mono);
        assert_eq!(
            Choice::Auto.resolve(&env(&[("NO_COLOR", "")]), Some(true)),
            Theme::Light
        );
        assert_eq!(Choice::Auto.resolve(&env(&[]), None), Theme::Dark);
        assert_eq!(
            Choice::ColourBlind.resolve(&env(&[("COLORFGBG", "0;15")]), None),
            Theme::ColourBlindLight
        );
        assert_eq!(
            Choice::Auto.resolve(&env(&[("COLORFGBG", "15;0")]), None),
            Theme::Dark
        );
    }

    #[test]
    fn unicode_needs_a_utf8_locale_and_a_terminal_that_has_the_signs() {
        let cases: &[(&[(&str, &str)], bool)] = &[
            (&[("LANG", "en_GB.UTF-8"), ("TERM", "xterm-256color")], false),
            (
                &[("LC_ALL", "C"), ("LANG", "en_GB.UTF-8"), ("TERM", "xterm")],
                true,
            ),
            (&[("LC_CTYPE", "C.utf8"), ("TERM", "tmux-256color")], false),
            (&[("LANG", "C.UTF-8"), ("TERM", "linux")], true),
            (&[("LANG", "C.UTF-8"), ("TERM", "dumb")], true),
            (&[("TERM", "xterm")], true),
        ];
        for (pairs, ascii) in cases {
            assert_eq!(env(pairs).ascii(false), *ascii, "{pairs:?}");
            assert!(env(pairs).ascii(true));
        }
    }

    #[test]
    fn names_round_trip() {
        for theme in Theme::ALL {
            assert_eq!(Choice::named(theme.name()), Some(Choice::Fixed(theme)));
        }
        assert_eq!(Choice::named("solarized"), None);
    }
}
