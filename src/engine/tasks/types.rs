//! The type of a subtask or task.
//!
//! Precedence of the default rules, by whole words: (1) the opening verb's class; for the classes of `types.by_object` an
//! object word decides before the class does ("write tests" is testing); (2) without a verb the first list of
//! `types.words` with a hit, in the order of the file; (3) `general`. `coordination` is only what this program adds.

use super::grammar::reader::Reader;
use super::rules::{Flags, Lexicon, Matching, Rules};

/// No rule knows better.
pub const GENERAL: &str = "general";
/// The type of the subtask that gathers others.
pub const COORDINATION: &str = "coordination";

/// The type of a subtask's text.
#[must_use]
pub fn of_subtask(text: &str, rules: &Rules) -> String {
    if rules.matching == Matching::Substring {
        return by_substring(text, &rules.subtask_types);
    }
    by_words(text, &rules.lexicon)
}

/// The type of a whole task, as conversion writes it.
#[must_use]
pub fn of_task(text: &str, rules: &Rules) -> String {
    if rules.matching == Matching::Substring {
        return by_substring(text, &rules.task_types);
    }
    by_words(text, &rules.lexicon)
}

fn by_substring(text: &str, types: &[(String, Vec<String>)]) -> String {
    let lower = text.to_lowercase();
    types
        .iter()
        .find(|(_, words)| words.iter().any(|word| lower.contains(word.as_str())))
        .map_or_else(|| GENERAL.to_owned(), |(kind, _)| kind.clone())
}

fn by_words(text: &str, lexicon: &Lexicon) -> String {
    let reader = Reader::new(text, lexicon);
    let toks = reader.tokens();
    let start = reader.lead_in(&toks);
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
                return kind.1.clone();
            }
        }
        if let Some(class) = lexicon.class(first.class).filter(|class| !class.kind.is_empty()) {
            return class.kind.clone();
        }
    }
    if let Some(kind) = toks
        .first()
        .and_then(|tok| lexicon.action_types.get(reader.low(tok)))
    {
        return kind.clone();
    }
    let words = reader.lows(toks);
    lexicon
        .word_types
        .iter()
        .find(|(_, phrases)| (0..words.len()).any(|i| phrases.at(&words[i..]).is_some()))
        .map_or_else(|| GENERAL.to_owned(), |(kind, _)| kind.clone())
}
