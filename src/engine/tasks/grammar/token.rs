//! Words and marks of a description, each looked up once.

use crate::engine::tasks::rules::{Entry, Flags, Kind, Lexicon, Mark, NO_CLASS, UNKNOWN, Word};

/// A word or mark before look-up.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Piece<'a> {
    pub text: &'a str,
    pub start: usize,
    pub kind: Kind,
    /// A quotation: never looked up.
    pub quoted: bool,
}

/// A token: where it stands and all that is known about it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Tok {
    pub start: usize,
    pub end: usize,
    /// Its place in the description; equal neighbours keep their blanks when text is made again.
    pub ord: usize,
    /// The place of its first word among the words of the text.
    pub word: u32,
    pub kind: Kind,
    pub flags: Flags,
    pub class: u8,
    pub number: u32,
    /// Begins with a capital or holds a digit.
    pub proper: bool,
}

impl Tok {
    pub fn is_word(&self) -> bool {
        self.kind == Kind::Word
    }

    pub fn is_verb(&self) -> bool {
        self.is_word() && self.class != NO_CLASS
    }

    pub fn has(&self, flag: Flags) -> bool {
        self.flags.has(flag)
    }

    /// A mark that joins parts of a list.
    pub fn joins(&self) -> bool {
        matches!(self.kind, Kind::Comma | Kind::And | Kind::Or | Kind::Versus)
    }
}

/// Lower case that keeps every byte's place, so that one offset serves both texts.
pub(crate) fn lower_in_place(text: &str) -> String {
    if text.is_ascii() {
        return text.to_ascii_lowercase();
    }
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        let mut low = c.to_lowercase();
        match (low.next(), low.next()) {
            (Some(one), None) if one.len_utf8() == c.len_utf8() => out.push(one),
            _ => out.push(c),
        }
    }
    out
}

const ABBREVIATIONS: [&str; 22] = [
    "e.g", "i.e", "vs", "v", "approx", "no", "dr", "mr", "mrs", "ms", "prof", "gen", "inc", "ltd", "corp",
    "llc", "dept", "jr", "sr", "st", "cf", "viz",
];

/// Whether the stop at `at`, behind `word`, belongs to an abbreviation: a known one, one with a stop inside ("U.S.") before
/// a small letter, or any that a comma follows.
fn abbreviated(text: &str, word: &str, at: usize) -> bool {
    let behind = text[at + 1..].trim_start_matches(' ');
    ABBREVIATIONS.iter().any(|short| short.eq_ignore_ascii_case(word))
        || behind.starts_with(',')
        || word.contains('.')
            && word.split('.').all(|part| part.len() == 1)
            && behind.starts_with(|c: char| c.is_lowercase() || c.is_ascii_digit())
}

/// Cuts `text` into words and marks.
pub(crate) fn split_words(text: &str) -> Vec<Piece<'_>> {
    let bytes = text.as_bytes();
    let mut out: Vec<Piece<'_>> = Vec::with_capacity(text.len() / 5 + 2);
    let mut i = 0;
    while let Some(&byte) = bytes.get(i) {
        // Nearly everything is plain words with a blank between.
        if byte == b' ' {
            i += 1;
            continue;
        }
        if byte.is_ascii_alphanumeric() {
            i = word(&mut out, text, i);
            continue;
        }
        let Some(c) = text[i..].chars().next() else { break };
        let width = c.len_utf8();
        let mark = |kind| Piece {
            text: &text[i..i + width],
            start: i,
            kind,
            quoted: false,
        };
        match c {
            '\n' => out.push(mark(Kind::Newline)),
            c if c.is_whitespace() => {}
            ',' | '，' | '、' => out.push(mark(Kind::Comma)),
            ';' => out.push(mark(Kind::Semicolon)),
            '(' | '[' | '{' => out.push(mark(Kind::Open)),
            ')' | ']' | '}' => out.push(mark(Kind::Close)),
            '—' | '–' => out.push(mark(Kind::Dash)),
            '-' if bytes.get(i + 1).is_none_or(u8::is_ascii_whitespace) => out.push(mark(Kind::Dash)),
            ':' => out.push(mark(Kind::Colon)),
            // ".github/workflows/ci.yml"
            '.' if bytes.get(i + 1).is_some_and(u8::is_ascii_alphanumeric)
                && i.checked_sub(1)
                    .is_none_or(|before| bytes[before].is_ascii_whitespace()) =>
            {
                i = word(&mut out, text, i);
                continue;
            }
            '!' | '?' | '.' => out.push(mark(Kind::Stop)),
            '"' | '“' | '`' => {
                let close = match c {
                    '“' => '”',
                    other => other,
                };
                let rest = &text[i + width..];
                let line = rest.find('\n').unwrap_or(rest.len()).min(120);
                if let Some((at, _)) = rest
                    .char_indices()
                    .take_while(|(at, _)| *at < line)
                    .find(|(_, r)| *r == close)
                {
                    let end = i + width + at + close.len_utf8();
                    out.push(Piece {
                        text: &text[i..end],
                        start: i,
                        kind: Kind::Word,
                        quoted: true,
                    });
                    i = end;
                    continue;
                }
                i += width;
                continue;
            }
            '”' | '•' => {}
            _ => {
                i = word(&mut out, text, i);
                continue;
            }
        }
        i += width;
    }
    out
}

/// Pushes the word that begins at `i`, and the stop behind it; where reading goes on.
fn word<'a>(out: &mut Vec<Piece<'a>>, text: &'a str, i: usize) -> usize {
    let bytes = text.as_bytes();
    let mut end = word_end(text, i);
    // A stop that ends a sentence is no part of the word.
    let mut stop = false;
    while end > i + 1 {
        match bytes[end - 1] {
            b'.' if !abbreviated(text, &text[i..end - 1], end - 1) => {
                stop = !text[i..end - 1].eq_ignore_ascii_case("etc");
                end -= 1;
            }
            b'!' | b'?' => {
                stop = true;
                end -= 1;
            }
            _ => break,
        }
    }
    push_word(out, text, i, end);
    if stop {
        out.push(Piece {
            text: &text[end..=end],
            start: end,
            kind: Kind::Stop,
            quoted: false,
        });
        end + 1
    } else {
        end + usize::from(bytes.get(end) == Some(&b'.'))
    }
}

/// Where the word that begins at `i` ends.
fn word_end(text: &str, i: usize) -> usize {
    let bytes = text.as_bytes();
    // Nearly every word is plain letters between blanks.
    let plain = bytes[i..]
        .iter()
        .position(|byte| !byte.is_ascii_alphanumeric())
        .map_or(bytes.len(), |at| i + at);
    if plain > i && bytes.get(plain).is_none_or(u8::is_ascii_whitespace) {
        return plain;
    }
    // Commas and brackets inside an address are its own.
    if text[plain..].starts_with("://") {
        let solid = text[i..]
            .find(char::is_whitespace)
            .map_or(text.len(), |at| i + at);
        return i + text[i..solid]
            .trim_end_matches([',', ';', ':', ')', ']', '}', '"', '`', '”'])
            .len();
    }
    let mut end = i;
    for (at, c) in text[i..].char_indices() {
        let here = i + at;
        let next = bytes.get(here + 1).copied().unwrap_or(b' ');
        let inside = at > 0;
        let ends = match c {
            c if c.is_whitespace() => true,
            ',' => !(inside && bytes[here - 1].is_ascii_digit() && next.is_ascii_digit()),
            ':' => next.is_ascii_whitespace() || !inside,
            ';' | '—' | '–' | '"' | '“' | '”' | '`' | '，' | '、' | ')' | ']' | '}' => {
                // "file(s)" and "run()" keep their brackets.
                !(c == ')' && text[i..here].contains('('))
            }
            '(' => !(inside && (next == b')' || text[here..].starts_with("(s)"))),
            '[' | '{' => true,
            _ => false,
        };
        if ends && here > i {
            return here;
        }
        end = here + c.len_utf8();
    }
    end
}

/// Pushes a word, or its parts when it is a list written with slashes ("AWS/Azure/GCP").
fn push_word<'a>(out: &mut Vec<Piece<'a>>, text: &'a str, start: usize, end: usize) {
    let word = &text[start..end];
    let listed = word.bytes().filter(|byte| *byte == b'/').count() >= 2
        && word.split('/').all(|part| {
            part.len() >= 2
                && part
                    .bytes()
                    .all(|b| b.is_ascii_alphanumeric() || b == b'+' || b == b'#')
        });
    if !listed {
        out.push(Piece {
            text: word,
            start,
            kind: Kind::Word,
            quoted: false,
        });
        return;
    }
    let mut at = start;
    for (index, part) in word.split('/').enumerate() {
        if index > 0 {
            out.push(Piece {
                text: &text[at - 1..at],
                start: at - 1,
                kind: Kind::Comma,
                quoted: false,
            });
        }
        out.push(Piece {
            text: part,
            start: at,
            kind: Kind::Word,
            quoted: false,
        });
        at += part.len() + 1;
    }
}

/// The name of a form behind "as", such as "PDF" or "Excel".
fn format_name(text: &str, piece: &Piece<'_>) -> bool {
    let raw = &text[piece.start..piece.start + piece.text.len()];
    raw.len() > 1 && raw.starts_with(|c: char| c.is_ascii_uppercase())
}

/// The number that `raw` writes in digits; 0 when it is none.
fn numeral(raw: &str) -> u32 {
    match raw.as_bytes().first() {
        Some(b'0'..=b'9' | b'+') => raw.parse().unwrap_or(0),
        _ => 0,
    }
}

/// Whether a capital or a digit is in it; `ascii` says that nothing else can be.
fn proper(raw: &str, ascii: bool) -> bool {
    raw.bytes().any(|b| b.is_ascii_uppercase() || b.is_ascii_digit())
        || !ascii && raw.chars().any(char::is_uppercase)
}

/// The words of `text` with their numbers, and its tokens; `lower` is its [`lower_in_place`].
pub(crate) fn tokens(text: &str, lower: &str, lexicon: &Lexicon) -> (Vec<Word>, Vec<Tok>) {
    let ascii = text.is_ascii();
    let pieces = split_words(lower);
    let mut entries = Vec::with_capacity(pieces.len());
    let mut words = Vec::with_capacity(pieces.len());
    let short = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
    for piece in &pieces {
        let (id, entry) = if piece.quoted {
            (UNKNOWN, Entry::default())
        } else {
            lexicon.look_up(piece.text)
        };
        entries.push(entry);
        words.push(Word {
            id,
            start: short(piece.start),
            end: short(piece.start + piece.text.len()),
        });
    }
    let mut out = Vec::with_capacity(pieces.len());
    let mut i = 0;
    while let Some(piece) = pieces.get(i) {
        let (mut entry, mut used) = (Entry::default(), 1);
        if piece.quoted {
            entry.flags.add(Flags::MERGED);
        } else if piece.kind == Kind::Word {
            if let Some((length, mark)) = lexicon.phrases.at(&words[i..]) {
                used = length;
                match mark {
                    Mark::Kind(kind) => entry.kind = *kind,
                    Mark::Protected => entry.flags.add(Flags::MERGED),
                    Mark::Verb(class) => entry.class = *class,
                }
            } else {
                entry = entries[i];
                // "retest", "re-run": a verb done again is a verb.
                if entry == Entry::default()
                    && piece.text.len() >= 6
                    && let Some(again) = piece.text.strip_prefix("re")
                    && !again.starts_with("source")
                {
                    entry.class = lexicon.get(again.trim_start_matches('-')).class;
                }
                // "as PDF, CSV and XLSX": a form, where "as" before a small letter opens a subordinate clause.
                if piece.text == "as" && pieces.get(i + 1).is_some_and(|next| format_name(text, next)) {
                    entry.kind = Kind::Word;
                    entry.flags.add(Flags::PREPOSITION);
                    entry.flags.add(Flags::DISTRIBUTING);
                }
            }
        } else {
            entry.kind = piece.kind;
        }
        let last = &pieces[i + used - 1];
        let end = last.start + last.text.len();
        let raw = &text[piece.start..end];
        out.push(Tok {
            start: piece.start,
            end,
            ord: out.len(),
            word: short(i),
            kind: entry.kind,
            flags: entry.flags,
            class: entry.class,
            number: if entry.number > 0 {
                entry.number
            } else {
                numeral(raw)
            },
            proper: proper(raw, ascii),
        });
        i += used;
    }
    (words, out)
}
