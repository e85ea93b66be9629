//! The only place of the wizard that measures text: cells, eliding, wrapping, padding.
//!
//! Every width is in terminal cells. Text from outside must have gone through [`crate::engine::text::inert`] before.

use unicode_segmentation::UnicodeSegmentation as _;
use unicode_width::UnicodeWidthStr as _;

/// Cells that `text` takes.
#[must_use]
pub fn width(text: &str) -> usize {
    text.graphemes(true)
        .map(unicode_width::UnicodeWidthStr::width)
        .sum()
}

/// As [`width`], for positions on the screen; saturates at `u16::MAX`.
#[must_use]
pub fn cells(text: &str) -> u16 {
    u16::try_from(width(text)).unwrap_or(u16::MAX)
}

/// The longest prefix of `text` that takes at most `max` cells.
#[must_use]
pub fn take(text: &str, max: usize) -> &str {
    let mut used = 0;
    for (at, grapheme) in text.grapheme_indices(true) {
        used += grapheme.width();
        if used > max {
            return &text[..at];
        }
    }
    text
}

/// The longest suffix of `text` that takes at most `max` cells.
fn take_end(text: &str, max: usize) -> &str {
    let mut used = 0;
    for (at, grapheme) in text.grapheme_indices(true).rev() {
        used += grapheme.width();
        if used > max {
            return &text[at + grapheme.len()..];
        }
    }
    text
}

/// Cuts prose at its end: `Translate the rel…`. `mark` is the elision of the glyph set.
#[must_use]
pub fn elide_end(text: &str, max: usize, mark: &str) -> String {
    if width(text) <= max {
        return text.to_owned();
    }
    let room = max.saturating_sub(width(mark));
    if room == 0 {
        return take(mark, max).to_owned();
    }
    format!("{}{mark}", take(text, room).trim_end())
}

/// Cuts a path or an id in its middle, keeping a little more of its end: `/srv/ba…/acme`.
#[must_use]
pub fn elide_middle(text: &str, max: usize, mark: &str) -> String {
    if width(text) <= max {
        return text.to_owned();
    }
    let room = max.saturating_sub(width(mark));
    if room < 2 {
        return elide_end(text, max, mark);
    }
    let head = room / 2;
    format!("{}{mark}{}", take(text, head), take_end(text, room - head))
}

/// Fills `text` with spaces on its right up to `to` cells; never cuts.
#[must_use]
pub fn pad(text: &str, to: usize) -> String {
    let mut out = text.to_owned();
    out.extend(std::iter::repeat_n(' ', to.saturating_sub(width(text))));
    out
}

/// Fills `text` with spaces on its left up to `to` cells; never cuts.
#[must_use]
pub fn pad_left(text: &str, to: usize) -> String {
    let mut out = " ".repeat(to.saturating_sub(width(text)));
    out.push_str(text);
    out
}

/// Breaks prose into lines of at most `max` cells, at spaces where there are any, inside words where not.
#[must_use]
pub fn wrap(text: &str, max: usize) -> Vec<String> {
    if max == 0 {
        return Vec::new();
    }
    let mut lines = Vec::new();
    for paragraph in text.split('\n') {
        let mut line = String::new();
        for word in paragraph.split(' ').filter(|word| !word.is_empty()) {
            let gap = usize::from(!line.is_empty());
            if width(&line) + gap + width(word) <= max {
                if gap == 1 {
                    line.push(' ');
                }
                line.push_str(word);
                continue;
            }
            if !line.is_empty() {
                lines.push(std::mem::take(&mut line));
            }
            let mut rest = word;
            while width(rest) > max {
                let mut piece = take(rest, max);
                // A path breaks between its folders.
                if let Some(slash) = piece.rfind('/').filter(|slash| *slash > 0) {
                    piece = &piece[..=slash];
                }
                // A grapheme wider than the line would never fit: give it up rather than loop.
                if piece.is_empty() {
                    rest = "";
                    break;
                }
                lines.push(piece.to_owned());
                rest = &rest[piece.len()..];
            }
            rest.clone_into(&mut line);
        }
        lines.push(line);
    }
    // A no-break space has held its words together; on the screen it is a space.
    for line in lines.iter_mut().filter(|line| line.contains('\u{a0}')) {
        *line = line.replace('\u{a0}', " ");
    }
    lines
}

/// A duration as clocks show it: `0:26`, `3:40`, `1:02:07`.
#[must_use]
pub fn duration(seconds: u64) -> String {
    let (hours, minutes, rest) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    if hours > 0 {
        format!("{hours}:{minutes:02}:{rest:02}")
    } else {
        format!("{minutes}:{rest:02}")
    }
}

/// A size in the units people use, three figures: `412 GB`, `9.1 GB`, `318 MB`.
#[must_use]
pub fn bytes(count: u64) -> String {
    const UNITS: [&str; 5] = ["B", "kB", "MB", "GB", "TB"];
    #[expect(clippy::cast_precision_loss, reason = "three figures are shown")]
    let mut value = count as f64;
    let mut unit = 0;
    while value >= 999.5 && unit + 1 < UNITS.len() {
        value /= 1000.0;
        unit += 1;
    }
    if unit == 0 || value >= 99.95 {
        format!("{value:.0} {}", UNITS[unit])
    } else {
        format!("{value:.1} {}", UNITS[unit])
    }
}

/// `text` with its first letter in upper case, unless it begins with the name of a file.
#[must_use]
pub fn sentence(text: &str) -> String {
    let first = text.split(' ').next().unwrap_or_default();
    if first.trim_end_matches('.').contains(['.', '/']) {
        return text.to_owned();
    }
    let mut chars = text.chars();
    chars
        .next()
        .map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_sentence_begins_with_a_capital_and_a_file_keeps_its_name() {
        assert_eq!(sentence("disk full on db.acme"), "Disk full on db.acme");
        assert_eq!(sentence("stopped."), "Stopped.");
        assert_eq!(sentence("migration.yml line 7"), "migration.yml line 7");
        assert_eq!(sentence("legacy/tasks.json"), "legacy/tasks.json");
    }

    #[test]
    fn words_held_together_are_not_parted() {
        assert_eq!(wrap("took 16\u{a0}ms", 8), ["took", "16 ms"]);
    }

    #[test]
    fn eliding_keeps_what_matters() {
        assert_eq!(elide_end("Translate the release notes", 12, "…"), "Translate t…");
        assert_eq!(elide_end("Translate the", 11, "…"), "Translate…");
        assert_eq!(elide_middle("/srv/backups/acme", 11, "…"), "/srv/…/acme");
        assert_eq!(elide_middle("/srv/backups/acme", 11, ".."), "/srv../acme");
        assert_eq!(elide_end("ab", 1, "…"), "…");
        assert_eq!(elide_end("ab", 0, "…"), "");
    }

    #[test]
    fn wide_characters_count_twice() {
        assert_eq!(width("東京"), 4);
        assert_eq!(take("東京", 3), "東");
        assert_eq!(pad("東", 4), "東  ");
    }

    #[test]
    fn prose_wraps_at_spaces_and_long_words_break() {
        assert_eq!(wrap("one two three", 7), ["one two", "three"]);
        assert_eq!(wrap("abcdefgh", 3), ["abc", "def", "gh"]);
        assert_eq!(wrap("/one/two/three", 10), ["/one/two/", "three"]);
        assert_eq!(wrap("a\nb", 3), ["a", "b"]);
        assert_eq!(wrap("", 3), [""]);
    }

    #[test]
    fn durations_and_sizes() {
        assert_eq!(
            [duration(26), duration(220), duration(3727)],
            ["0:26", "3:40", "1:02:07"]
        );
        assert_eq!(
            [
                bytes(12),
                bytes(9_100_000_000),
                bytes(412_000_000_000),
                bytes(999_900)
            ],
            ["12 B", "9.1 GB", "412 GB", "1.0 MB"]
        );
    }

    proptest! {
        #[test]
        fn nothing_is_ever_wider_than_asked(text in ".{0,60}", max in 0usize..40) {
            prop_assert!(width(&elide_end(&text, max, "…")) <= max);
            prop_assert!(width(&elide_middle(&text, max, "…")) <= max);
            prop_assert!(width(take(&text, max)) <= max);
            for line in wrap(&text, max) {
                prop_assert!(width(&line) <= max);
            }
        }
    }
}
