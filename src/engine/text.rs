//! Text from outside, made safe and readable: control characters inert, counts with separators, plurals.

use std::fmt::Write as _;

/// Returns `text` with every control, bidirectional-override and invisible format character shown as an escape
/// (`\x1b`, `\u{202e}`), so that nothing from outside can move a cursor or hide. Newline and tab become `\n`, `\t`.
#[must_use]
pub fn inert(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            '\r' => out.push_str("\\r"),
            // Writing to a String cannot fail.
            c if (c as u32) < 0x20 || (c as u32) == 0x7f => {
                let _ = write!(out, "\\x{:02x}", c as u32);
            }
            '\u{80}'..='\u{9f}'
            | '\u{ad}'
            | '\u{200b}'..='\u{200f}'
            | '\u{202a}'..='\u{202e}'
            | '\u{2060}'..='\u{2064}'
            | '\u{2066}'..='\u{206f}'
            | '\u{feff}'
            | '\u{fff9}'..='\u{fffb}' => {
                let _ = write!(out, "\\u{{{:x}}}", c as u32);
            }
            c => out.push(c),
        }
    }
    out
}

/// As [`inert`], cut after `limit` characters with `…`.
#[must_use]
pub fn inert_short(text: &str, limit: usize) -> String {
    let mut cut: String = text.chars().take(limit).collect();
    if text.chars().nth(limit).is_some() {
        cut.push('…');
    }
    inert(&cut)
}

/// A count with separators: `1204311` gives `1,204,311`.
#[must_use]
pub fn count(n: u64) -> String {
    let digits = n.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (i, c) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(c);
    }
    out
}

/// A title within a sentence: its first letter small.
#[must_use]
pub fn phrase(title: &str) -> String {
    let mut chars = title.chars();
    chars
        .next()
        .map_or_else(String::new, |first| first.to_lowercase().chain(chars).collect())
}

/// The own name at the end of a database's words, which is short enough to type: `maos` of `db.acme:5432/maos`, `maos.db` of
/// `target/maos.db`.
#[must_use]
pub fn last_name(words: &str) -> &str {
    words.rsplit('/').find(|part| !part.is_empty()).unwrap_or(words)
}

/// A count with its noun: `1 task`, `12 tasks`.
#[must_use]
pub fn plural(n: u64, one: &str, many: &str) -> String {
    format!("{} {}", count(n), if n == 1 { one } else { many })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_from_outside_are_shown_not_sent() {
        assert_eq!(inert("a\x1b[2Jb\u{202e}c\n"), "a\\x1b[2Jb\\u{202e}c\\n");
        assert_eq!(inert("Zürich 東京"), "Zürich 東京");
    }

    #[test]
    fn counts_read_well() {
        assert_eq!(
            [count(0), count(999), count(1_000), count(1_204_311)],
            ["0", "999", "1,000", "1,204,311"]
        );
        assert_eq!(
            [plural(1, "task", "tasks"), plural(0, "task", "tasks")],
            ["1 task", "0 tasks"]
        );
    }
}
