//! The signs, in Unicode and in ASCII. All are one cell wide except where a field says otherwise; none is an emoji or
//! has an emoji form.
//!
//! Screens use the fields for signs that mean something, because one character can mean two things (`·` is locked, a
//! separator, or a missing sample) and ASCII tells them apart. Prose may be written with the Unicode signs;
//! [`Glyphs::prose`] turns it into what the terminal can show, and every text passes through it on its way out.

use std::borrow::Cow;

/// A set of signs.
#[derive(Debug, PartialEq, Eq)]
pub struct Glyphs {
    /// True for the ASCII set.
    pub ascii: bool,
    /// A step that cannot be entered yet.
    pub locked: &'static str,
    /// A step that can start.
    pub ready: &'static str,
    /// Working now.
    pub running: &'static str,
    /// Paused or throttled.
    pub paused: &'static str,
    /// Done and proved.
    pub done: &'static str,
    /// Done, with items set aside.
    pub quarantine: &'static str,
    /// Failed.
    pub failed: &'static str,
    /// Skipped, absent.
    pub skipped: &'static str,
    /// Not known.
    pub unknown: &'static str,
    /// A decision is needed.
    pub decide: &'static str,
    /// The cursor.
    pub cursor: &'static str,
    /// The cursor's mirror image, around a focused button.
    pub cursor_back: &'static str,
    /// A chosen option (three cells).
    pub chosen: &'static str,
    /// An option (three cells).
    pub option: &'static str,
    /// A ticked box (three cells).
    pub ticked: &'static str,
    /// A box (three cells).
    pub unticked: &'static str,
    /// Folded (three cells).
    pub folded: &'static str,
    /// Open (three cells).
    pub open: &'static str,
    /// A full cell of a bar.
    pub full: &'static str,
    /// One to seven eighths of a cell; empty strings where the set has none.
    pub eighths: [&'static str; 7],
    /// An empty cell of a bar.
    pub empty: &'static str,
    /// The limit on a bar.
    pub limit: &'static str,
    /// The limit on a bar that has passed it.
    pub limit_passed: &'static str,
    /// A bar that goes on beyond its scale.
    pub off_scale: &'static str,
    /// A chunk that is proved.
    pub chunk_proved: &'static str,
    /// A chunk that is copied.
    pub chunk_copied: &'static str,
    /// A chunk that is being copied.
    pub chunk_running: &'static str,
    /// A chunk that waits.
    pub chunk_waiting: &'static str,
    /// The levels of a sparkline from low to high.
    pub spark: &'static [&'static str],
    /// A missing sample in a sparkline.
    pub no_sample: &'static str,
    /// The frames of the spinner.
    pub spinner: &'static [&'static str],
    /// Between facts on one line.
    pub separator: &'static str,
    /// What stands for text that was cut; two cells in ASCII.
    pub elision: &'static str,
    /// The insertion point in a field.
    pub caret: &'static str,
    /// Horizontal line.
    pub horizontal: &'static str,
    /// Vertical line.
    pub vertical: &'static str,
    /// Corners: top left, top right, bottom left, bottom right.
    pub corners: [&'static str; 4],
    /// Joins: left, right, bottom, top.
    pub joins: [&'static str; 4],
}

impl Glyphs {
    /// For terminals with a UTF-8 locale.
    pub const UNICODE: Self = Self {
        ascii: false,
        locked: "·",
        ready: "○",
        running: "●",
        paused: "‖",
        done: "✓",
        quarantine: "q",
        failed: "✗",
        skipped: "-",
        unknown: "?",
        decide: "!",
        cursor: "▸",
        cursor_back: "◂",
        chosen: "(•)",
        option: "( )",
        ticked: "[x]",
        unticked: "[ ]",
        folded: "[+]",
        open: "[-]",
        full: "█",
        eighths: ["▏", "▎", "▍", "▌", "▋", "▊", "▉"],
        empty: "░",
        limit: "│",
        limit_passed: "┃",
        off_scale: "▸",
        chunk_proved: "█",
        chunk_copied: "▓",
        chunk_running: "▒",
        chunk_waiting: "░",
        spark: &["▁", "▂", "▃", "▄", "▅", "▆", "▇"],
        no_sample: "·",
        spinner: &["⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"],
        separator: "·",
        elision: "…",
        caret: "▏",
        horizontal: "─",
        vertical: "│",
        corners: ["┌", "┐", "└", "┘"],
        joins: ["├", "┤", "┴", "┬"],
    };

    /// For every other terminal, and on request.
    pub const ASCII: Self = Self {
        ascii: true,
        locked: ".",
        ready: "o",
        running: "*",
        paused: "=",
        done: "+",
        quarantine: "q",
        failed: "x",
        skipped: "-",
        unknown: "?",
        decide: "!",
        cursor: ">",
        cursor_back: "<",
        chosen: "(*)",
        option: "( )",
        ticked: "[x]",
        unticked: "[ ]",
        folded: "[+]",
        open: "[-]",
        full: "#",
        eighths: [""; 7],
        empty: "-",
        limit: ":",
        limit_passed: "!",
        off_scale: ">",
        chunk_proved: "#",
        chunk_copied: "=",
        chunk_running: "~",
        chunk_waiting: ".",
        spark: &["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"],
        no_sample: "?",
        spinner: &["*"],
        separator: "-",
        elision: "..",
        caret: "_",
        horizontal: "-",
        vertical: "|",
        corners: ["+", "+", "+", "+"],
        joins: ["+", "+", "+", "+"],
    };

    /// Prose as this set can show it. Only the product's own signs are replaced; names from outside keep theirs.
    #[must_use]
    pub fn prose<'a>(&self, text: &'a str) -> Cow<'a, str> {
        if !self.ascii || text.is_ascii() {
            return Cow::Borrowed(text);
        }
        let mut out = String::with_capacity(text.len());
        for c in text.chars() {
            match in_ascii(c) {
                Some(plain) => out.push_str(plain),
                None => out.push(c),
            }
        }
        Cow::Owned(out)
    }
}

/// The product's own signs in prose, and what ASCII makes of them.
const fn in_ascii(c: char) -> Option<&'static str> {
    Some(match c {
        '▸' | '→' | '▶' => ">",
        '◂' | '←' => "<",
        '↑' => "Up",
        '↓' => "Down",
        '…' => "..",
        '·' | '−' | '–' | '─' | '━' | '░' | '┄' => "-",
        '•' | '●' => "*",
        '○' => "o",
        '✗' | '×' => "x",
        '‖' | '▓' => "=",
        '÷' => "/",
        '≥' => ">=",
        '≤' => "<=",
        '│' | '┃' => "|",
        '▏' => "_",
        '█' => "#",
        '▒' => "~",
        '✓' | '┌' | '┐' | '└' | '┘' | '├' | '┤' | '┬' | '┴' | '┼' => "+",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tui::text::width;

    fn single(set: &Glyphs) -> Vec<&'static str> {
        let mut all = vec![
            set.locked,
            set.ready,
            set.running,
            set.paused,
            set.done,
            set.quarantine,
            set.failed,
            set.skipped,
            set.unknown,
            set.decide,
            set.cursor,
            set.cursor_back,
            set.full,
            set.empty,
            set.limit,
            set.limit_passed,
            set.off_scale,
            set.chunk_proved,
            set.chunk_copied,
            set.chunk_running,
            set.chunk_waiting,
            set.no_sample,
            set.separator,
            set.caret,
            set.horizontal,
            set.vertical,
        ];
        all.extend(set.spark);
        all.extend(set.spinner);
        all.extend(set.corners);
        all.extend(set.joins);
        all
    }

    #[test]
    fn every_sign_is_one_cell() {
        for set in [&Glyphs::UNICODE, &Glyphs::ASCII] {
            for sign in single(set) {
                assert_eq!(width(sign), 1, "{sign}");
            }
        }
        assert!(single(&Glyphs::ASCII).iter().all(|sign| sign.is_ascii()));
    }

    #[test]
    fn states_differ_within_each_set() {
        for set in [&Glyphs::UNICODE, &Glyphs::ASCII] {
            let mut states = [
                set.locked,
                set.ready,
                set.running,
                set.paused,
                set.done,
                set.quarantine,
                set.failed,
                set.skipped,
                set.unknown,
                set.decide,
            ];
            states.sort_unstable();
            assert!(states.windows(2).all(|pair| pair[0] != pair[1]), "{states:?}");
        }
    }

    #[test]
    fn prose_loses_our_signs_and_keeps_names() {
        assert_eq!(
            Glyphs::ASCII.prose("Zürich ▸ next … 4 × 25 ÷ 10"),
            "Zürich > next .. 4 x 25 / 10"
        );
        assert_eq!(Glyphs::UNICODE.prose("a ▸ b"), "a ▸ b");
    }
}
