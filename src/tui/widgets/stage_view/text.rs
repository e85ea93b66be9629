//! Text in cells: measuring, cutting, padding.

use unicode_segmentation::UnicodeSegmentation as _;
use unicode_width::UnicodeWidthStr as _;

/// Cells that `text` takes.
pub(super) fn width(text: &str) -> usize {
    text.width()
}

/// `text` in at most `cells`, cut at the end.
pub(super) fn cut(text: &str, cells: usize, elision: &str) -> String {
    if width(text) <= cells {
        return text.to_owned();
    }
    let mark = if width(elision) <= cells { elision } else { "" };
    format!("{}{mark}", head(text, cells - width(mark)))
}

/// `text` in at most `cells`, cut in the middle: names often differ at their ends.
pub(super) fn cut_middle(text: &str, cells: usize, elision: &str) -> String {
    if width(text) <= cells {
        return text.to_owned();
    }
    let mark = width(elision);
    if cells < mark + 2 {
        return cut(text, cells, elision);
    }
    let kept = cells - mark;
    format!("{}{elision}{}", head(text, kept - kept / 2), tail(text, kept / 2))
}

/// `text` and blanks up to `cells`.
pub(super) fn pad(text: &str, cells: usize) -> String {
    format!("{text}{}", " ".repeat(cells.saturating_sub(width(text))))
}

/// Seconds as `m:ss`.
pub(super) fn minutes(seconds: u32) -> String {
    format!("{}:{:02}", seconds / 60, seconds % 60)
}

fn head(text: &str, cells: usize) -> String {
    let mut used = 0;
    text.graphemes(true)
        .take_while(|grapheme| {
            used += width(grapheme);
            used <= cells
        })
        .collect()
}

fn tail(text: &str, cells: usize) -> String {
    let mut used = 0;
    let kept: Vec<&str> = text
        .graphemes(true)
        .rev()
        .take_while(|grapheme| {
            used += width(grapheme);
            used <= cells
        })
        .collect();
    kept.into_iter().rev().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cutting_keeps_the_width_and_both_ends() {
        assert_eq!(cut_middle("proofread German", 10, "…"), "proof…rman");
        assert_eq!(cut_middle("proofread German", 10, ".."), "proo..rman");
        assert_eq!(cut("proofread German", 10, "…"), "proofread…");
        assert_eq!(cut_middle("語語語語語語", 8, "…"), "語語…語");
        assert_eq!(cut("abc", 0, "…"), "");
        assert_eq!(minutes(61), "1:01");
    }
}
