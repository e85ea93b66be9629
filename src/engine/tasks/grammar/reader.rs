//! A description with its tokens, and the small questions every rule asks about them.

use super::token::{Tok, lower_in_place, tokens};
use crate::engine::tasks::rules::{Flags, Kind, Lexicon, NO_CLASS, Phrases, UNKNOWN, Word};

/// A description being read.
pub(crate) struct Reader<'a> {
    pub text: &'a str,
    pub lower: String,
    pub lexicon: &'a Lexicon,
    /// Every word and mark, in order.
    pub words: Vec<Word>,
}

const PRONOUNS: [&str; 12] = [
    "it",
    "them",
    "they",
    "us",
    "me",
    "everything",
    "one",
    "each",
    "both",
    "these",
    "those",
    "this",
];

/// Participles that do not end in "-ed", with their base form.
const IRREGULAR: [(&str, &str); 34] = [
    ("proofread", "proofread"),
    ("read", "read"),
    ("put", "put"),
    ("rewritten", "rewrite"),
    ("rebuilt", "rebuild"),
    ("redrawn", "redraw"),
    ("told", "tell"),
    ("brought", "bring"),
    ("taught", "teach"),
    ("given", "give"),
    ("shown", "show"),
    ("paid", "pay"),
    ("hung", "hang"),
    ("shut", "shut"),
    ("fed", "feed"),
    ("redone", "redo"),
    ("built", "build"),
    ("written", "write"),
    ("drawn", "draw"),
    ("made", "make"),
    ("found", "find"),
    ("chosen", "choose"),
    ("sent", "send"),
    ("bought", "buy"),
    ("taken", "take"),
    ("held", "hold"),
    ("done", "do"),
    ("run", "run"),
    ("set", "set"),
    ("cut", "cut"),
    ("split", "split"),
    ("frozen", "freeze"),
    ("sold", "sell"),
    ("dug", "dig"),
];

impl<'a> Reader<'a> {
    /// Reads `text` into its tokens.
    pub fn read(text: &'a str, lexicon: &'a Lexicon) -> (Self, Vec<Tok>) {
        let lower = lower_in_place(text);
        let (words, toks) = tokens(text, &lower, lexicon);
        let reader = Self {
            text,
            lower,
            lexicon,
            words,
        };
        (reader, toks)
    }

    /// The token in lower case.
    pub fn low(&self, tok: &Tok) -> &str {
        &self.lower[tok.start..tok.end]
    }

    /// The words of `toks` one by one, also those of a phrase that was merged into one token.
    pub fn lows(&self, toks: &[Tok]) -> Vec<Word> {
        let mut out = Vec::with_capacity(toks.len() + 4);
        for tok in toks {
            let own = self.own(tok);
            let whole = tok.kind == Kind::Opaque
                || (tok.kind == Kind::Word && !tok.has(Flags::MERGED) && tok.class == NO_CLASS);
            if whole {
                out.extend(self.whole(tok, own));
            } else if tok.kind != Kind::Newline {
                out.extend_from_slice(own);
            }
        }
        out
    }

    /// The words a token is made of.
    fn own(&self, tok: &Tok) -> &[Word] {
        let from = &self.words[tok.word as usize..];
        if let Some(next) = from.get(1)
            && next.start as usize >= tok.end
        {
            return &from[..1];
        }
        let length = from
            .iter()
            .take_while(|word| (word.start as usize) < tok.end)
            .count();
        &from[..length]
    }

    /// A token as one word; several words together are none the rules know.
    #[expect(clippy::unused_self, reason = "asked like its neighbours")]
    fn whole(&self, tok: &Tok, own: &[Word]) -> Option<Word> {
        match own {
            [word] => Some(*word),
            [first, ..] => Some(Word {
                id: UNKNOWN,
                start: first.start,
                end: u32::try_from(tok.end).unwrap_or(u32::MAX),
            }),
            [] => None,
        }
    }

    /// A word in lower case.
    pub fn spelled(&self, word: Word) -> &str {
        &self.lower[word.start as usize..word.end as usize]
    }

    /// Whether one of `phrases` stands anywhere in `toks`.
    pub fn holds<T>(&self, phrases: &Phrases<T>, toks: &[Tok]) -> bool {
        phrases.anywhere(&self.lows(toks))
    }

    /// The text of `toks`, blanks as they were between neighbours, one blank elsewhere.
    pub fn render(&self, toks: &[Tok]) -> String {
        self.render_behind("", toks)
    }

    /// As [`Reader::render`], with a word and a blank before it; the word alone when there is no text.
    pub fn render_behind(&self, word: &str, toks: &[Tok]) -> String {
        let length: usize = toks.iter().map(|tok| tok.end - tok.start + 1).sum();
        let mut out = String::with_capacity(word.len() + 1 + length);
        out.push_str(word);
        if !word.is_empty() {
            out.push(' ');
        }
        let from = out.len();
        let mut before: Option<&Tok> = None;
        for tok in toks {
            if let Some(before) = before {
                if tok.ord == before.ord + 1 {
                    let gap = &self.text[before.end..tok.start];
                    if gap.len() > 1 || matches!(gap.as_bytes(), [b'\n' | b'\t' | b'\r']) {
                        out.push(' ');
                    } else {
                        out.push_str(gap);
                    }
                } else if !matches!(
                    tok.kind,
                    Kind::Comma | Kind::Colon | Kind::Close | Kind::Stop | Kind::Semicolon
                ) && before.kind != Kind::Open
                {
                    out.push(' ');
                }
            }
            // Marks and blanks around it are no part of it.
            let text = &self.text[tok.start..tok.end];
            out.push_str(if out.len() == from {
                text.trim_start_matches(around)
            } else {
                text
            });
            if out.len() == from {
                before = None;
            } else {
                before = Some(tok);
            }
        }
        out.truncate(from + out[from..].trim_end_matches(around).len());
        if out.len() == from {
            out.truncate(word.len());
        }
        out
    }

    /// Whether the word is a plural noun by its form.
    pub fn plural(&self, tok: &Tok) -> bool {
        let word = self.low(tok);
        let word = word.rsplit(' ').next().unwrap_or(word);
        word.len() > 3
            && word.ends_with('s')
            && !["ss", "us", "is", "'s", "ous", "ics", "news"]
                .iter()
                .any(|end| word.ends_with(end))
            || matches!(
                word,
                "apis"
                    | "people"
                    | "children"
                    | "data"
                    | "criteria"
                    | "media"
                    | "ads"
                    | "prs"
                    | "kpis"
                    | "sdks"
                    | "vms"
                    | "dbs"
                    | "faqs"
                    | "men"
                    | "women"
                    | "indices"
                    | "analyses"
                    | "uis"
                    | "corpora"
                    | "matrices"
                    | "bacteria"
                    | "phenomena"
                    | "curricula"
                    | "formulae"
                    | "alumni"
                    | "stimuli"
                    | "nuclei"
                    | "mice"
            )
    }

    pub fn pronoun(&self, tok: &Tok) -> bool {
        tok.is_word() && PRONOUNS.contains(&self.low(tok))
    }

    /// A word that can only begin an object: an article, a pronoun, a number, "top".
    pub fn opens_object(&self, tok: &Tok) -> bool {
        tok.is_word()
            && (tok.has(Flags::DETERMINER)
                || self.pronoun(tok)
                || tok.number > 0
                || matches!(
                    self.low(tok),
                    "top" | "last" | "next" | "whatever" | "whichever" | "anything"
                ))
    }

    /// An adverb by its form, in front of a verb.
    pub fn adverb(&self, tok: &Tok) -> bool {
        tok.is_word() && tok.class == NO_CLASS && self.low(tok).ends_with("ly") && self.low(tok).len() > 4
    }

    /// The class of the verb whose "-ing" form this is, with the base form.
    pub fn gerund(&self, tok: &Tok) -> Option<(u8, String)> {
        let stem = self.low(tok).strip_suffix("ing").filter(|stem| stem.len() >= 2)?;
        let mut tries = vec![stem.to_owned(), format!("{stem}e")];
        let bytes = stem.as_bytes();
        if bytes.len() > 2 && bytes[bytes.len() - 1] == bytes[bytes.len() - 2] {
            tries.push(stem[..stem.len() - 1].to_owned());
        }
        tries.into_iter().find_map(|word| {
            let class = self.lexicon.get(&word).class;
            (class != NO_CLASS).then_some((class, word))
        })
    }

    /// As [`Reader::gerund`], of a word the rules do not name: an object behind it says that it is a verb.
    pub fn unknown_gerund(&self, tok: &Tok, next: Option<&Tok>) -> Option<(u8, String)> {
        let stem = self.low(tok).strip_suffix("ing").filter(|stem| stem.len() >= 4)?;
        if !next.is_some_and(|next| self.opens_object(next)) {
            return None;
        }
        let ends = |ending: &[&str]| ending.iter().any(|end| stem.ends_with(end));
        let base = match stem.as_bytes() {
            [.., a, b] if a == b && !matches!(b, b'l' | b's' | b'z') => stem[..stem.len() - 1].to_owned(),
            _ if ends(&["v", "c", "z", "u", "at", "is", "iz"]) => format!("{stem}e"),
            _ => stem.to_owned(),
        };
        Some((NO_CLASS, base))
    }

    /// The class of the verb whose past participle this is, with the base form.
    pub fn participle(&self, tok: &Tok) -> Option<(u8, String)> {
        let word = self.low(tok);
        let known = |base: &str| {
            let class = self.lexicon.get(base).class;
            (class != NO_CLASS).then(|| (class, base.to_owned()))
        };
        if let Some((_, base)) = IRREGULAR.iter().find(|(form, _)| *form == word) {
            return known(base);
        }
        let stem = word.strip_suffix("ed").filter(|stem| stem.len() >= 2)?;
        let doubled = stem
            .as_bytes()
            .windows(2)
            .last()
            .is_some_and(|pair| pair[0] == pair[1]);
        let single = stem.char_indices().last().map_or("", |(at, _)| &stem[..at]);
        known(stem)
            .or_else(|| known(&format!("{stem}e")))
            .or_else(|| known(&format!("{}y", stem.strip_suffix('i')?)))
            .or_else(|| known(single).filter(|_| doubled))
    }

    /// How many tokens an opening such as "please" or "we need to" takes.
    pub fn lead_in(&self, toks: &[Tok]) -> usize {
        // Few texts have one, and every clause is asked.
        let opens = |tok: &Tok| match self.own(tok) {
            [word] => self.lexicon.lead_ins.begins(word.id),
            _ => false,
        };
        if !toks.first().is_some_and(opens) {
            return 0;
        }
        let words: Vec<Word> = toks
            .iter()
            .take(7)
            .filter_map(|tok| self.whole(tok, self.own(tok)))
            .collect();
        let length = self.lexicon.lead_ins.at(&words).map_or(0, |(length, ())| length);
        // "Research lead" is no lead-in: an opening stands before a verb or a comma.
        match toks.get(length) {
            Some(next) if length > 0 => {
                if next.is_verb()
                    || next.kind == Kind::Comma
                    || next.kind == Kind::Colon
                    || self.adverb(next)
                    || length > 1
                {
                    length
                } else {
                    usize::from(matches!(self.low(&toks[0]), "please" | "kindly")) * length
                }
            }
            _ => 0,
        }
    }
}

/// What is no part of a text at its ends.
fn around(c: char) -> bool {
    c.is_whitespace() || matches!(c, ',' | ';' | ':' | '—' | '–')
}

/// The index of the bracket that closes the one at `open`; the end when there is none.
pub(crate) fn closing(toks: &[Tok], open: usize) -> usize {
    let mut depth = 0_usize;
    for (i, tok) in toks.iter().enumerate().skip(open) {
        match tok.kind {
            Kind::Open => depth += 1,
            Kind::Close => {
                depth = depth.saturating_sub(1);
                if depth == 0 {
                    return i;
                }
            }
            _ => {}
        }
    }
    toks.len().saturating_sub(1)
}
