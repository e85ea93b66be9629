//! The type of a subtask or task.
//!
//! Precedence of the default rules, by whole words: (1) the opening verb's class; for the classes of `types.by_object` an
//! object word decides before the class does ("write tests" is testing); (2) without a verb the first list of
//! `types.words` with a hit, in the order of the file; (3) `general`. `coordination` is only what this program adds.

use super::grammar::reader::Reader;
use super::grammar::token::Tok;
use super::rules::{Flags, Lexicon, Matching, Rules};

/// No rule knows better.
pub const GENERAL: &str = "general";
/// The type of the subtask that gathers others.
pub const COORDINATION: &str = "coordination";

/// The type of a subtask's text.
#[must_use]
pub fn of_subtask(text: &str, rules: &Rules) -> String {
    if rules.matching == Matching::Substring {
        return by_substring(text, &rules.subtask_types).to_owned();
    }
    let (reader, toks) = Reader::read(text, &rules.lexicon);
    by_words(&reader, &toks, &rules.lexicon).to_owned()
}

/// The type of a whole task, as conversion writes it.
#[must_use]
pub fn of_task(text: &str, rules: &Rules) -> String {
    let (reader, toks) = Reader::read(text, &rules.lexicon);
    of_read_task(&reader, &toks, rules).to_owned()
}

/// As [`of_task`], of a text that is read already.
pub(crate) fn of_read_task<'r>(reader: &Reader<'_>, toks: &[Tok], rules: &'r Rules) -> &'r str {
    if rules.matching == Matching::Substring {
        return by_substring(reader.text, &rules.task_types);
    }
    by_words(reader, toks, &rules.lexicon)
}

pub(crate) fn by_substring<'r>(text: &str, types: &'r [(String, Vec<String>)]) -> &'r str {
    let lower = text.to_lowercase();
    types
        .iter()
        .find(|(_, words)| words.iter().any(|word| lower.contains(word.as_str())))
        .map_or(GENERAL, |(kind, _)| kind)
}

/// The type of a text that opens with a verb which says it alone; most do, and the rest of them need not be read.
pub(crate) fn by_opening_verb<'r>(text: &str, lexicon: &'r Lexicon) -> Option<&'r str> {
    let (verb, _) = text.split_once(' ')?;
    let mut low = [0_u8; 16];
    let low = low.get_mut(..verb.len())?;
    low.copy_from_slice(verb.as_bytes());
    if !low.iter().all(u8::is_ascii_alphabetic) {
        return None;
    }
    low.make_ascii_lowercase();
    let entry = lexicon.get(std::str::from_utf8(low).ok()?);
    let plain = entry.flags.has(Flags::PLAIN_VERB);
    lexicon
        .class(entry.class)
        .filter(|_| plain)
        .map(|class| class.kind.as_str())
}

pub(crate) fn by_words<'r>(reader: &Reader<'_>, toks: &[Tok], lexicon: &'r Lexicon) -> &'r str {
    let start = reader.lead_in(toks);
    let toks = &toks[start.min(toks.len())..];
    if let Some(first) = toks.first().filter(|first| first.is_verb() && reader.leads(toks)) {
        if lexicon
            .by_object
            .get(usize::from(first.class))
            .copied()
            .unwrap_or(false)
        {
            // The head of the object decides: its words up to the first preposition, the last hit.
            let end = toks[1..]
                .iter()
                .position(|tok| !tok.is_word() || tok.has(Flags::PREPOSITION))
                .unwrap_or(toks.len() - 1);
            let object = &reader.lows(&toks[1..=end]);
            let class = lexicon.class(first.class).map_or("", |class| class.kind.as_str());
            let writes = class == "documentation" || class == GENERAL;
            if let Some(kind) = (0..object.len()).rev().find_map(|i| {
                lexicon
                    .object_types
                    .at(&object[i..])
                    .filter(|(length, _)| i + length == object.len())
            }) && (writes || kind.1 == "testing" || kind.1 == "documentation")
            {
                return kind.1;
            }
        }
        if let Some(class) = lexicon.class(first.class).filter(|class| !class.kind.is_empty()) {
            return &class.kind;
        }
    }
    if let Some(kind) = toks
        .first()
        .and_then(|tok| lexicon.action_types.get(reader.low(tok)))
    {
        return kind;
    }
    let words = reader.lows(toks);
    lexicon
        .word_types
        .iter()
        .find(|(_, phrases)| phrases.anywhere(&words))
        .map_or(GENERAL, |(kind, _)| kind)
}
