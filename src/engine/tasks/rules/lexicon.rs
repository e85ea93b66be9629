//! The compiled words: one hash look-up a word gives all that is known about it, and a number by which phrases compare it.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

use super::data::{RulesFile, VerbClass};
use crate::engine::tasks::grammar::token::split_words;

/// A table by word. Its keys come from the rules alone and look-ups add nothing, so no input can make it slow: a quick
/// hash serves, and every word of every description is looked up several times.
pub(crate) type Words<T> = HashMap<String, T, BuildHasherDefault<WordHash>>;

/// Eight bytes at a time, multiplied and turned.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct WordHash(u64);

impl Hasher for WordHash {
    fn finish(&self) -> u64 {
        self.0 ^ (self.0 >> 32)
    }

    fn write(&mut self, bytes: &[u8]) {
        let mut rest = bytes;
        while let Some((chunk, behind)) = rest.split_first_chunk::<8>() {
            self.write_u64(u64::from_le_bytes(*chunk));
            rest = behind;
        }
        if !rest.is_empty() {
            let mut word = [0_u8; 8];
            word[..rest.len()].copy_from_slice(rest);
            self.write_u64(u64::from_le_bytes(word));
        }
    }

    fn write_u8(&mut self, byte: u8) {
        self.write_u64(u64::from(byte));
    }

    fn write_u64(&mut self, word: u64) {
        self.0 = (self.0.rotate_left(5) ^ word).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    }
}

/// What a joining word or mark is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Kind {
    #[default]
    Word,
    Comma,
    Semicolon,
    Colon,
    Dash,
    Stop,
    Newline,
    Open,
    Close,
    And,
    Or,
    Versus,
    Then,
    Finally,
    First,
    Beside,
    Such,
    Based,
    Opaque,
}

impl Kind {
    fn of(name: &str) -> Self {
        match name {
            "and" => Self::And,
            "or" => Self::Or,
            "versus" => Self::Versus,
            "then" => Self::Then,
            "finally" => Self::Finally,
            "first" => Self::First,
            "beside" => Self::Beside,
            "such" => Self::Such,
            "based" => Self::Based,
            "opaque" => Self::Opaque,
            _ => Self::Word,
        }
    }
}

/// Facts about a word, one bit each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Flags(pub u16);

impl Flags {
    pub const NOUN_VERB: Self = Self(1);
    pub const DETERMINER: Self = Self(1 << 1);
    pub const PREPOSITION: Self = Self(1 << 2);
    pub const DISTRIBUTING: Self = Self(1 << 3);
    pub const TOPIC: Self = Self(1 << 4);
    pub const COUNT_LEAD: Self = Self(1 << 5);
    pub const UNIT: Self = Self(1 << 6);
    pub const PRAISING: Self = Self(1 << 7);
    pub const SHARED_HEAD: Self = Self(1 << 8);
    pub const ACTION_NOUN: Self = Self(1 << 9);
    /// Several words kept as one: a protected phrase, a compound, a quotation.
    pub const MERGED: Self = Self(1 << 10);

    /// A counted object of this verb is one set.
    pub const SET_VERB: Self = Self(1 << 11);
    /// A verb that is never a noun and begins no phrase, whose class alone says the type of what it opens.
    pub const PLAIN_VERB: Self = Self(1 << 12);
    /// A verb that brings material in.
    pub const ACQUIRES: Self = Self(1 << 13);
    /// A verb that works on material that was brought in.
    pub const WORKS_ON: Self = Self(1 << 14);
    /// What a search or a step brings to light.
    pub const OUTCOME: Self = Self(1 << 15);

    pub const fn has(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    pub const fn add(&mut self, other: Self) {
        self.0 |= other.0;
    }
}

/// No verb class.
pub(crate) const NO_CLASS: u8 = u8::MAX;

/// All that is known about one word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Entry {
    pub kind: Kind,
    pub flags: Flags,
    pub class: u8,
    pub number: u32,
}

impl Default for Entry {
    fn default() -> Self {
        Self {
            kind: Kind::Word,
            flags: Flags::default(),
            class: NO_CLASS,
            number: 0,
        }
    }
}

/// What a phrase of several words becomes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mark {
    /// A joining word.
    Kind(Kind),
    /// One noun.
    Protected,
    /// A verb of a class.
    Verb(u8),
}

/// A word's number; [`UNKNOWN`] is every word the rules do not name.
pub(crate) type WordId = u32;
/// The number of a word that stands in no rule and no phrase.
pub(crate) const UNKNOWN: WordId = 0;

/// A word of a text: its number and where it stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Word {
    pub id: WordId,
    pub start: u32,
    pub end: u32,
}

/// The words of a phrase and what it stands for.
type Phrase<T> = (Box<[WordId]>, T);

/// Phrases by the number of their first word, the longest first.
#[derive(Debug, Clone)]
pub(crate) struct Phrases<T> {
    /// For each word's number one more than the place of its list; 0 for none.
    places: Vec<u32>,
    lists: Vec<Vec<Phrase<T>>>,
}

impl<T> Default for Phrases<T> {
    fn default() -> Self {
        Self {
            places: Vec::new(),
            lists: Vec::new(),
        }
    }
}

impl<T> Phrases<T> {
    fn insert(&mut self, words: Box<[WordId]>, value: T) {
        let Some(&first) = words.first() else { return };
        let first = first as usize;
        if self.places.len() <= first {
            self.places.resize(first + 1, 0);
        }
        if self.places[first] == 0 {
            self.lists.push(Vec::new());
            self.places[first] = u32::try_from(self.lists.len()).unwrap_or(0);
        }
        if let Some(list) = self.lists.get_mut((self.places[first] as usize).wrapping_sub(1)) {
            // A later file wins over an earlier one.
            list.retain(|(other, _)| *other != words);
            list.push((words, value));
            list.sort_by_key(|(words, _)| std::cmp::Reverse(words.len()));
        }
    }

    /// The longest phrase that stands at the beginning of `words`, with its length in words.
    #[inline]
    pub fn at(&self, words: &[Word]) -> Option<(usize, &T)> {
        let place = *self.places.get(words.first()?.id as usize)?;
        let list = self.lists.get((place as usize).wrapping_sub(1))?;
        list.iter()
            .find(|(phrase, _)| {
                phrase.len() <= words.len() && phrase.iter().zip(words).all(|(id, word)| *id == word.id)
            })
            .map(|(phrase, value)| (phrase.len(), value))
    }

    /// Whether a phrase begins with a word.
    pub fn begins(&self, id: WordId) -> bool {
        self.places.get(id as usize).is_some_and(|place| *place > 0)
    }

    /// Whether a phrase stands anywhere in `words`.
    pub fn anywhere(&self, words: &[Word]) -> bool {
        (0..words.len()).any(|i| self.at(&words[i..]).is_some())
    }
}

/// The compiled grammar words.
#[derive(Debug, Clone, Default)]
pub(crate) struct Lexicon {
    /// Number and knowledge of each word; numbers count from 1.
    words: Words<(WordId, Entry)>,
    pub phrases: Phrases<Mark>,
    pub lead_ins: Phrases<()>,
    pub chain: Phrases<()>,
    pub many: Phrases<()>,
    pub one: Phrases<()>,
    pub deliverables: Phrases<()>,
    pub classes: Vec<VerbClass>,
    pub by_object: Vec<bool>,
    pub object_types: Phrases<String>,
    pub word_types: Vec<(String, Phrases<()>)>,
    pub action_types: Words<String>,
    pub max_fan_out: u32,
}

impl Lexicon {
    pub fn compile(file: &RulesFile) -> Self {
        let mut lexicon = Self {
            classes: file.verbs.clone(),
            by_object: file
                .verbs
                .iter()
                .map(|class| file.types.by_object.contains(&class.class))
                .collect(),
            max_fan_out: file.max_fan_out.unwrap_or(64),
            ..Self::default()
        };
        // An earlier class has precedence, so it is written last.
        for (index, class) in file.verbs.iter().enumerate().rev() {
            let index = u8::try_from(index).unwrap_or(NO_CLASS);
            for word in &class.words {
                if word.contains(' ') {
                    let words = lexicon.phrase(word);
                    lexicon.phrases.insert(words, Mark::Verb(index));
                } else {
                    lexicon.entry(word).class = index;
                }
            }
        }
        for phrase in file.compounds.iter().chain(&file.protected) {
            let words = lexicon.phrase(phrase);
            lexicon.phrases.insert(words, Mark::Protected);
        }
        for (name, words) in &file.connectives {
            let kind = Kind::of(name);
            for word in words {
                let words = lexicon.phrase(word);
                if words.len() > 1 {
                    lexicon.phrases.insert(words, Mark::Kind(kind));
                } else {
                    lexicon.entry(word).kind = kind;
                }
            }
        }
        let none = Vec::new();
        let phase = |name: &str| file.phases.get(name).unwrap_or(&none);
        for (words, flag) in [
            (&file.noun_verbs, Flags::NOUN_VERB),
            (&file.determiners, Flags::DETERMINER),
            (&file.prepositions, Flags::PREPOSITION),
            (&file.distributing, Flags::DISTRIBUTING),
            (&file.topic, Flags::TOPIC),
            (&file.count_leads, Flags::COUNT_LEAD),
            (&file.units, Flags::UNIT),
            (&file.set_verbs, Flags::SET_VERB),
            (&file.praising, Flags::PRAISING),
            (&file.shared_heads, Flags::SHARED_HEAD),
            (&file.outcomes, Flags::OUTCOME),
            (phase("acquires"), Flags::ACQUIRES),
            (phase("works_on"), Flags::WORKS_ON),
        ] {
            for word in words {
                lexicon.entry(word).flags.add(flag);
            }
        }
        for (kind, words) in &file.action_nouns {
            for word in words {
                lexicon.entry(word).flags.add(Flags::ACTION_NOUN);
                lexicon.action_types.insert(word.to_lowercase(), kind.clone());
            }
        }
        for (word, number) in &file.numbers {
            lexicon.entry(word).number = *number;
        }
        lexicon.lead_ins = lexicon.phrases_of(file.lead_ins.iter().map(|phrase| (phrase, ())));
        lexicon.chain = lexicon.phrases_of(file.chain.iter().map(|phrase| (phrase, ())));
        let named = |wanted: fn(&str) -> bool| {
            let lists = file.references.iter().filter(move |(name, _)| wanted(name));
            lists.flat_map(|(_, words)| words).map(|word| (word, ()))
        };
        lexicon.many = lexicon.phrases_of(named(|name| name == "many"));
        lexicon.one = lexicon.phrases_of(named(|name| name == "one"));
        lexicon.deliverables = lexicon.phrases_of(named(|name| name != "many" && name != "one"));
        let objects = file.types.objects.iter();
        lexicon.object_types = lexicon
            .phrases_of(objects.flat_map(|(kind, words)| words.iter().map(|word| (word, kind.clone()))));
        for (kind, words) in &file.types.words {
            let phrases = lexicon.phrases_of(words.iter().map(|word| (word, ())));
            lexicon.word_types.push((kind.clone(), phrases));
        }
        lexicon.mark_plain_verbs();
        lexicon
    }

    fn mark_plain_verbs(&mut self) {
        for (id, entry) in self.words.values_mut() {
            let class = usize::from(entry.class);
            let says = self
                .classes
                .get(class)
                .is_some_and(|class| !class.kind.is_empty())
                && !self.by_object.get(class).copied().unwrap_or(false);
            if says
                && entry.kind == Kind::Word
                && !entry.flags.has(Flags::NOUN_VERB)
                && !self.phrases.begins(*id)
                && !self.lead_ins.begins(*id)
            {
                entry.flags.add(Flags::PLAIN_VERB);
            }
        }
    }

    /// Compiles phrases with what they stand for.
    pub fn phrases_of<'a, T>(&mut self, list: impl Iterator<Item = (&'a String, T)>) -> Phrases<T> {
        let mut phrases = Phrases::default();
        for (phrase, value) in list {
            let words = self.phrase(phrase);
            phrases.insert(words, value);
        }
        phrases
    }

    /// The numbers of a phrase's words; new words get one.
    fn phrase(&mut self, phrase: &str) -> Box<[WordId]> {
        split_words(&phrase.to_lowercase())
            .iter()
            .map(|piece| self.known(piece.text).0)
            .collect()
    }

    fn known(&mut self, word: &str) -> &mut (WordId, Entry) {
        let next = WordId::try_from(self.words.len() + 1).unwrap_or(UNKNOWN);
        self.words
            .entry(word.to_owned())
            .or_insert_with(|| (next, Entry::default()))
    }

    fn entry(&mut self, word: &str) -> &mut Entry {
        &mut self.known(&word.to_lowercase()).1
    }

    /// The number of a word in lower case and what is known about it.
    #[inline]
    pub fn look_up(&self, word: &str) -> (WordId, Entry) {
        self.words.get(word).copied().unwrap_or_default()
    }

    /// What is known about a word in lower case.
    pub fn get(&self, word: &str) -> Entry {
        self.look_up(word).1
    }

    /// The class's traits; `None` for no verb.
    pub fn class(&self, class: u8) -> Option<&VerbClass> {
        self.classes.get(usize::from(class))
    }
}
