//! Explicit lists: numbered, bulleted, nested, or numbered in one line.

/// One item with its heading, if it stands under one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Item {
    pub text: String,
    pub heading: Option<String>,
}

/// A description cut around its list.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Listed {
    /// What stands before the list.
    pub lead: String,
    pub items: Vec<Item>,
    /// What stands behind it.
    pub tail: String,
    /// Its items are called steps.
    pub stepped: bool,
}

/// The length of a bullet or number at the beginning of `line`, blanks behind it included; 0 when there is none.
fn bullet(line: &str) -> usize {
    let bytes = line.as_bytes();
    let blank = |at: usize| bytes.get(at).is_some_and(|b| *b == b' ' || *b == b'\t');
    let mut end = match line.chars().next() {
        Some(c @ ('-' | '*' | '+' | '•' | '◦' | '▪' | '‣' | '–' | '—' | '·')) if blank(c.len_utf8()) => {
            c.len_utf8()
        }
        Some('•' | '◦' | '▪' | '‣') => line.chars().next().map_or(0, char::len_utf8),
        // A task box without a bullet.
        Some('[') if ["[ ] ", "[x] ", "[X] "].iter().any(|mark| line.starts_with(mark)) => 0,
        Some('(') => match line.find(')') {
            Some(close)
                if close <= 4 && blank(close + 1) && line[1..close].chars().all(char::is_alphanumeric) =>
            {
                close + 1
            }
            _ => return 0,
        },
        Some(c) if c.is_ascii_digit() => {
            let digits = bytes.iter().take_while(|b| b.is_ascii_digit()).count();
            // "1.2." counts as a number too; "3.5 GB" does not.
            let mut at = digits;
            while bytes.get(at) == Some(&b'.') && bytes.get(at + 1).is_some_and(u8::is_ascii_digit) {
                at += 1 + bytes[at + 1..].iter().take_while(|b| b.is_ascii_digit()).count();
            }
            let nested = at > digits;
            match bytes.get(at) {
                Some(b'.' | b')' | b':') if blank(at + 1) && digits <= 3 => at + 1,
                Some(b' ') if nested => at,
                _ => return 0,
            }
        }
        Some(c) if c.is_ascii_alphabetic() => match bytes.get(1) {
            Some(b')') if blank(2) => 2,
            Some(b'.') if blank(2) && c.is_ascii_lowercase() => 2,
            _ => {
                let low = line.to_ascii_lowercase();
                match low.strip_prefix("step ") {
                    Some(rest) => {
                        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
                        match rest.as_bytes().get(digits) {
                            Some(b':' | b'.' | b')' | b'-') if digits > 0 => 5 + digits + 1,
                            _ => return 0,
                        }
                    }
                    None => return 0,
                }
            }
        },
        _ => return 0,
    };
    while blank(end) {
        end += 1;
    }
    // A task box of Markdown.
    for mark in ["[ ] ", "[x] ", "[X] "] {
        if line[end..].starts_with(mark) {
            end += mark.len();
        }
    }
    end
}

struct Line<'a> {
    indent: usize,
    text: &'a str,
}

/// Finds the list of a description; `None` when there is none of two items.
pub(crate) fn find(text: &str) -> Option<Listed> {
    if text.contains('\n')
        && let Some(listed) = by_lines(text)
    {
        return Some(listed);
    }
    inline(text)
}

fn by_lines(text: &str) -> Option<Listed> {
    let mut lead = String::new();
    let mut tail = String::new();
    let mut items: Vec<(usize, String)> = Vec::new();
    let mut steps = 0;
    // The text of the line before a nested list, as a heading, by item.
    for raw in text.lines() {
        let trimmed = raw.trim_start();
        let indent = raw
            .chars()
            .take_while(|c| c.is_whitespace())
            .map(|c| if c == '\t' { 4 } else { 1 })
            .sum();
        let line = Line {
            indent,
            text: trimmed.trim_end(),
        };
        let length = bullet(line.text);
        if length > 0 && line.text.len() > length {
            if !tail.trim().is_empty() {
                // Text between two lists belongs to the item above it.
                if let Some((_, last)) = items.last_mut() {
                    last.push(' ');
                    last.push_str(tail.trim());
                }
                tail.clear();
            }
            steps += usize::from(
                line.text
                    .get(..4)
                    .is_some_and(|word| word.eq_ignore_ascii_case("step")),
            );
            items.push((line.indent, line.text[length..].trim().to_owned()));
        } else if items.is_empty() {
            lead.push_str(line.text);
            lead.push('\n');
        } else if !line.text.is_empty()
            && line.indent > items.last().map_or(0, |(indent, _)| *indent)
            && tail.is_empty()
        {
            // An indented line goes on with the item.
            if let Some((_, last)) = items.last_mut() {
                last.push(' ');
                last.push_str(line.text);
            }
        } else if !line.text.is_empty() {
            tail.push_str(line.text);
            tail.push('\n');
        }
    }
    if items.len() < 2 {
        return None;
    }
    let mut out = Vec::new();
    let mut headings: Vec<(usize, String)> = Vec::new();
    for (index, (indent, text)) in items.iter().enumerate() {
        while headings.last().is_some_and(|(above, _)| above >= indent) {
            headings.pop();
        }
        let has_children = items.get(index + 1).is_some_and(|(next, _)| next > indent);
        let clean = text.trim_end_matches([':', ';', ',']).trim().to_owned();
        if has_children {
            headings.push((*indent, clean));
        } else if clean.chars().any(char::is_alphanumeric) {
            out.push(Item {
                text: clean,
                heading: headings.last().map(|(_, heading)| heading.clone()),
            });
        }
    }
    (out.len() >= 2).then(|| Listed {
        lead: lead.trim().to_owned(),
        items: out,
        tail: tail.trim().to_owned(),
        stepped: steps >= 2,
    })
}

/// "1) do this 2) do that", "(a) …; (b) …": numbers or letters that count up from the first.
fn inline(text: &str) -> Option<Listed> {
    let mut marks: Vec<(usize, usize)> = Vec::new();
    let bytes = text.as_bytes();
    let mut letters = false;
    let mut i = 0;
    while i < bytes.len() {
        let opens = i == 0 || bytes[i - 1].is_ascii_whitespace();
        // Nearly every word is none: a mark is a digit or one letter, and a bracket or a stop behind it.
        let short = |at: usize| {
            bytes[at..].first().is_some_and(u8::is_ascii_digit)
                || matches!(bytes.get(at + 1), Some(b')' | b'.'))
        };
        if opens && text.is_char_boundary(i) && (short(i) || bytes[i] == b'(' && short(i + 1)) {
            let from = i + usize::from(bytes[i] == b'(');
            let wanted_letter = b'a' + u8::try_from(marks.len()).unwrap_or(25).min(25);
            let number = (marks.len() + 1).to_string();
            let (length, letter) =
                if bytes[from..].starts_with(number.as_bytes()) && (marks.is_empty() || !letters) {
                    (number.len(), false)
                } else if bytes.get(from) == Some(&wanted_letter) && (marks.is_empty() || letters) {
                    (1, true)
                } else {
                    (0, false)
                };
            let bracket = from > i;
            let ok = length > 0
                && match bytes.get(from + length) {
                    Some(b')') => true,
                    Some(b'.') => !bracket && !letter,
                    _ => false,
                }
                && bytes.get(from + length + 1).is_some_and(u8::is_ascii_whitespace);
            if ok {
                letters = letter;
                marks.push((i, from + length + 1));
                i = from + length + 1;
                continue;
            }
        }
        i += 1;
    }
    if marks.len() < 2 {
        return None;
    }
    let mut items = Vec::new();
    for (index, (_, from)) in marks.iter().enumerate() {
        let to = marks.get(index + 1).map_or(text.len(), |(start, _)| *start);
        let mut item = text[*from..to].trim();
        for end in [" and", " then", ", and", "; and", ", then", "and"] {
            if index + 1 < marks.len() {
                item = item
                    .strip_suffix(end)
                    .filter(|rest| {
                        rest.len() < item.len() && !rest.ends_with(char::is_alphanumeric)
                            || end.starts_with([' ', ',', ';'])
                    })
                    .unwrap_or(item);
            }
        }
        let item = item.trim_end_matches([',', ';', '.']).trim();
        if item.chars().any(char::is_alphanumeric) {
            items.push(Item {
                text: item.to_owned(),
                heading: None,
            });
        }
    }
    (items.len() >= 2).then(|| Listed {
        lead: text[..marks[0].0].trim().to_owned(),
        items,
        ..Listed::default()
    })
}
