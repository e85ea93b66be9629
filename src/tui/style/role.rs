//! What a piece of text means. Palettes turn a role into a style; glyphs and words say the same beside it.

/// The meaning of a piece of text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, PartialOrd, Ord)]
pub enum Role {
    /// Prose and figures.
    #[default]
    Text,
    /// Secondary figures, frames, hints.
    Muted,
    /// Keys, the focus, links between things.
    Accent,
    /// Done, OK, equal.
    Ok,
    /// To decide, in quarantine, paused.
    Warn,
    /// Failed, breach, differs.
    Bad,
    /// Stale or not known.
    Unknown,
    /// Titles and heavy edges.
    Critical,
    /// The cursor's row.
    Selection,
    /// PRODUCTION, BREACH.
    Banner,
}

impl Role {
    /// Every role, for tests and for the test line of `doctor`.
    pub const ALL: [Self; 10] = [
        Self::Text,
        Self::Muted,
        Self::Accent,
        Self::Ok,
        Self::Warn,
        Self::Bad,
        Self::Unknown,
        Self::Critical,
        Self::Selection,
        Self::Banner,
    ];

    /// One letter for style maps in tests.
    #[must_use]
    pub const fn letter(self) -> char {
        match self {
            Self::Text => '.',
            Self::Muted => 'm',
            Self::Accent => 'a',
            Self::Ok => 'o',
            Self::Warn => 'w',
            Self::Bad => 'b',
            Self::Unknown => 'u',
            Self::Critical => 'c',
            Self::Selection => 's',
            Self::Banner => 'B',
        }
    }
}
