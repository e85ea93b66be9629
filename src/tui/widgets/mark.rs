//! A state as sign, colour and word, always the three together.

use crate::tui::style::{Glyphs, Role};

/// The states of steps, effects, tests and lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Mark {
    /// Cannot be entered yet.
    Locked,
    /// Can start.
    Ready,
    /// Works now.
    Running,
    /// Waits for a person or a limit.
    Paused,
    /// Done and proved.
    Done,
    /// Done, with items set aside.
    Quarantine,
    /// Failed.
    Failed,
    /// Skipped or absent.
    Skipped,
    /// Not known.
    Unknown,
    /// Waits for a decision.
    Decide,
}

impl Mark {
    /// Every state.
    pub const ALL: [Self; 10] = [
        Self::Locked,
        Self::Ready,
        Self::Running,
        Self::Paused,
        Self::Done,
        Self::Quarantine,
        Self::Failed,
        Self::Skipped,
        Self::Unknown,
        Self::Decide,
    ];

    /// The sign.
    #[must_use]
    pub const fn glyph(self, glyphs: &Glyphs) -> &'static str {
        match self {
            Self::Locked => glyphs.locked,
            Self::Ready => glyphs.ready,
            Self::Running => glyphs.running,
            Self::Paused => glyphs.paused,
            Self::Done => glyphs.done,
            Self::Quarantine => glyphs.quarantine,
            Self::Failed => glyphs.failed,
            Self::Skipped => glyphs.skipped,
            Self::Unknown => glyphs.unknown,
            Self::Decide => glyphs.decide,
        }
    }

    /// The role.
    #[must_use]
    pub const fn role(self) -> Role {
        match self {
            Self::Locked | Self::Skipped => Role::Muted,
            Self::Ready => Role::Text,
            Self::Running => Role::Accent,
            Self::Done => Role::Ok,
            Self::Paused | Self::Quarantine | Self::Decide => Role::Warn,
            Self::Failed => Role::Bad,
            Self::Unknown => Role::Unknown,
        }
    }

    /// The word.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Locked => "locked",
            Self::Ready => "ready",
            Self::Running => "running",
            Self::Paused => "paused",
            Self::Done => "done",
            Self::Quarantine => "done, with quarantine",
            Self::Failed => "failed",
            Self::Skipped => "skipped",
            Self::Unknown => "not known",
            Self::Decide => "to decide",
        }
    }
}
