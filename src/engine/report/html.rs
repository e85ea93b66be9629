//! Writes blocks as one HTML page without scripts or outside references.
//!
//! The page around the blocks is `assets/report/page.html`; a workspace may bring its own with `{{title}}` and `{{body}}`.

use std::fmt::Write as _;

use super::blocks::Block;

/// The page that comes with the product.
pub const PAGE: &str = include_str!("../../../assets/report/page.html");

/// Makes text plain in HTML, in elements and in quoted attributes.
#[must_use]
pub fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
    }
    out
}

/// Writes blocks into `page`. Text can never become a placeholder: the page is split before anything is put in.
#[must_use]
pub fn write(page: &str, title: &str, blocks: &[Block]) -> String {
    let body = body(blocks);
    let mut out = String::with_capacity(page.len() + body.len());
    let mut rest = page;
    while let Some((before, after)) = rest.split_once("{{") {
        out.push_str(before);
        match after.split_once("}}") {
            Some(("title", tail)) => {
                out.push_str(&escape(title));
                rest = tail;
            }
            Some(("body", tail)) => {
                out.push_str(&body);
                rest = tail;
            }
            _ => {
                out.push_str("{{");
                rest = after;
            }
        }
    }
    out.push_str(rest);
    out
}

fn body(blocks: &[Block]) -> String {
    let mut out = String::new();
    for block in blocks {
        // Writing to a String cannot fail.
        let _ = match block {
            Block::Heading(level, text) => {
                let level = (*level).clamp(1, 6);
                writeln!(out, "<h{level}>{}</h{level}>", escape(text))
            }
            Block::Paragraph(text) => writeln!(out, "<p>{}</p>", escape(text)),
            Block::Warning(text) => {
                writeln!(
                    out,
                    "<p class=\"warning\"><strong>Note.</strong> {}</p>",
                    escape(text)
                )
            }
            Block::List(items) => list(&mut out, items),
            Block::Table(header, rows) => table(&mut out, header, rows),
            Block::Bar(label, points, max) => writeln!(
                out,
                "<p class=\"bar\"><label>{} <meter min=\"0\" max=\"{max}\" value=\"{points}\"></meter> {points}/{max}</label></p>",
                escape(label)
            ),
            // The picture is our own, and its texts are escaped where it is made.
            Block::Picture(_, svg, _) => writeln!(out, "<figure>\n{svg}</figure>"),
        };
    }
    out
}

fn list(out: &mut String, items: &[String]) -> std::fmt::Result {
    writeln!(out, "<ul>")?;
    for item in items {
        writeln!(out, "<li>{}</li>", escape(item))?;
    }
    writeln!(out, "</ul>")
}

fn table(out: &mut String, header: &[String], rows: &[Vec<String>]) -> std::fmt::Result {
    let cells = |tag: &str, cells: &[String]| {
        let cells: Vec<String> = cells
            .iter()
            .map(|cell| format!("<{tag}>{}</{tag}>", escape(cell)))
            .collect();
        cells.concat()
    };
    writeln!(
        out,
        "<table>\n<thead><tr>{}</tr></thead>\n<tbody>",
        cells("th", header)
    )?;
    for row in rows {
        writeln!(out, "<tr>{}</tr>", cells("td", row))?;
    }
    writeln!(out, "</tbody>\n</table>")
}
