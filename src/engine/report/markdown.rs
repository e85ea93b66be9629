//! Writes blocks as Markdown.

use std::fmt::Write as _;

use super::blocks::Block;

/// Makes text plain in Markdown: nothing in it starts a link, a tag, a table cell or emphasis.
#[must_use]
pub fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for (i, c) in text.char_indices() {
        match c {
            '\\' | '`' | '*' | '[' | ']' | '<' | '>' | '|' | '&' | '~' => {
                out.push('\\');
                out.push(c);
            }
            // Inside a word an underscore is plain.
            '_' if !inside_word(text, i) => out.push_str("\\_"),
            // Only the first character of a line can start a heading or a list.
            '#' | '+' if i == 0 => {
                out.push('\\');
                out.push(c);
            }
            '\n' | '\r' => out.push(' '),
            c => out.push(c),
        }
    }
    out
}

fn inside_word(text: &str, at: usize) -> bool {
    let before = text[..at].chars().next_back();
    let after = text[at + 1..].chars().next();
    before.is_some_and(char::is_alphanumeric) && after.is_some_and(char::is_alphanumeric)
}

/// Writes blocks.
#[must_use]
pub fn write(blocks: &[Block]) -> String {
    let mut out = String::new();
    for block in blocks {
        if !out.is_empty() {
            out.push('\n');
        }
        // Writing to a String cannot fail.
        let _ = match block {
            Block::Heading(level, text) => {
                writeln!(
                    out,
                    "{} {}",
                    "#".repeat(usize::from(*level).clamp(1, 6)),
                    escape(text)
                )
            }
            Block::Paragraph(text) => writeln!(out, "{}", escape(text)),
            Block::Warning(text) => writeln!(out, "> **Note.** {}", escape(text)),
            Block::List(items) => items
                .iter()
                .try_for_each(|item| writeln!(out, "- {}", escape(item))),
            Block::Table(header, rows) => table(&mut out, header, rows),
            Block::Picture(title, _, file) => writeln!(out, "![{}]({file})", escape(title)),
            Block::Bar(label, points, max) => {
                writeln!(out, "{}: {points}/{max} {}", escape(label), bar(*points, *max))
            }
        };
    }
    out
}

fn table(out: &mut String, header: &[String], rows: &[Vec<String>]) -> std::fmt::Result {
    let line = |cells: &[String]| {
        let cells: Vec<String> = cells.iter().map(|cell| escape(cell)).collect();
        format!("| {} |", cells.join(" | "))
    };
    writeln!(out, "{}", line(header))?;
    writeln!(out, "|{}", "---|".repeat(header.len()))?;
    rows.iter().try_for_each(|row| writeln!(out, "{}", line(row)))
}

fn bar(points: i64, max: i64) -> String {
    let cells = 20;
    let filled = if max > 0 {
        (points.clamp(0, max) * cells / max).clamp(0, cells)
    } else {
        0
    };
    (0..cells).map(|i| if i < filled { '█' } else { '░' }).collect()
}
