//! Dependencies: what sequence words, references back and gathering verbs say about the order of subtasks.

use std::collections::HashSet;

use super::back::content;
use super::clauses::{Clause, Marker};
use super::expand::{Expanded, Part, rule};
use super::reader::Reader;
use crate::engine::tasks::rules::{Flags, NO_CLASS};

/// The parts of a description with their dependencies, by index.
#[derive(Debug, Clone, Default)]
pub(crate) struct Draft {
    pub parts: Vec<Part>,
    /// For each part what it waits for, ascending.
    pub after: Vec<Vec<usize>>,
    /// What the coordinator is called when one clause asks for it.
    pub coordinator: Option<String>,
}

impl Draft {
    pub fn single(text: &str) -> Self {
        Self {
            parts: vec![Part {
                text: text.split_whitespace().collect::<Vec<_>>().join(" "),
                rule: rule::SINGLE,
                core: String::new(),
                class: crate::engine::tasks::rules::NO_CLASS,
            }],
            after: vec![Vec::new()],
            coordinator: None,
        }
    }
}

/// The parts of one clause, as a range.
#[derive(Debug, Clone, Default)]
#[expect(clippy::struct_excessive_bools, reason = "independent facts about one clause")]
pub(super) struct Group {
    pub(super) from: usize,
    pub(super) to: usize,
    /// Words of the object, without articles, a line each.
    pub(super) made: String,
    /// Whether the object exists only afterwards.
    pub(super) produces: bool,
    /// Its object is new: "a theme".
    pub(super) introduces: bool,
    pub(super) examines: bool,
    /// Brings in material that a later clause works on.
    pub(super) acquires: bool,
    pub(super) class: u8,
    /// Its object is a plural.
    pub(super) plural: bool,
    /// The verb that opens its clause, in base form and lower case.
    pub(super) verb: String,
    /// Side by side with what stands before it, or an item of an explicit list.
    pub(super) beside: bool,
}

/// So few parts are compared one by one; of more a set of their texts is kept.
const FEW: usize = 24;

fn same_letters(one: &str, other: &str) -> bool {
    if one.is_ascii() && other.is_ascii() {
        one.eq_ignore_ascii_case(other)
    } else {
        one.to_lowercase() == other.to_lowercase()
    }
}

/// Adds clause after clause and decides what each waits for.
#[derive(Debug, Clone, Default)]
pub(crate) struct Linker {
    pub(super) draft: Draft,
    pub(super) groups: Vec<Group>,
    chained: bool,
    listed: bool,
    /// Parts that nothing waits for yet, ascending.
    ends: Vec<usize>,
    /// How many groups do more than examine.
    pub(super) doing: usize,
    /// Where the parts of the sentence at hand begin.
    pub(super) sentence: usize,
    /// What all parts up to a place say, once there are many.
    said: HashSet<String>,
    told: usize,
}

impl Linker {
    pub fn len(&self) -> usize {
        self.draft.parts.len()
    }

    /// Everything comes one after the other.
    pub fn chain(&mut self) {
        self.chained = true;
    }

    /// What follows is a new sentence.
    pub fn sentence(&mut self) {
        self.sentence = self.len();
    }

    /// What follows stands behind an explicit list.
    pub fn behind_list(&mut self) {
        self.listed = true;
        self.doing = 0;
        if let (Some(from), Some(last)) = (self.groups.first().map(|g| g.from), self.groups.last().cloned()) {
            self.groups = vec![Group {
                from,
                to: last.to,
                examines: true,
                ..Group::default()
            }];
        }
    }

    /// A part that is known already.
    pub fn ready(&mut self, part: Part) {
        let from = self.len();
        self.push(part, Vec::new());
        self.doing += 1;
        self.groups.push(Group {
            from,
            to: from + 1,
            ..Group::default()
        });
    }

    /// The whole description as one subtask.
    pub fn whole(&mut self, text: String) {
        self.ready(Part {
            text,
            rule: rule::SINGLE,
            core: String::new(),
            class: crate::engine::tasks::rules::NO_CLASS,
        });
    }

    /// Parts that nothing waits for yet, from `from` on.
    pub(super) fn loose(&self, from: usize) -> Vec<usize> {
        self.ends[self.ends.partition_point(|&i| i < from)..].to_vec()
    }

    /// Adds a part with what it waits for, ascending.
    fn push(&mut self, part: Part, after: Vec<usize>) {
        self.draft.parts.push(part);
        self.ends.push(self.len() - 1);
        self.take_up(&after);
        self.draft.after.push(after);
    }

    /// Something waits for these parts, ascending.
    pub(super) fn take_up(&mut self, parts: &[usize]) {
        if let [part] = parts {
            if let Ok(at) = self.ends.binary_search(part) {
                self.ends.remove(at);
            }
        } else if !parts.is_empty() {
            self.ends.retain(|i| parts.binary_search(i).is_err());
        }
    }

    /// Whether no part says this, whatever the case.
    fn is_new(&mut self, text: &str) -> bool {
        for part in &self.draft.parts[self.told..] {
            self.said.insert(part.text.to_lowercase());
        }
        self.told = self.len();
        !self.said.contains(&text.to_lowercase())
    }

    /// Adds the parts of a clause.
    #[expect(
        clippy::too_many_lines,
        reason = "what a clause adds, one fact after the other"
    )]
    pub fn add(&mut self, reader: &Reader<'_>, clause: &Clause, expanded: Expanded) {
        let from = self.len();
        if let Some(group) = self.one_each(reader, clause) {
            self.groups.push(group);
            return;
        }
        let expanded = match self.kept_whole(reader, clause, &expanded) {
            Some(whole) => whole,
            None => expanded,
        };
        let first = expanded.parts.first().map(|part| part.class);
        let after = if from == 0 {
            Vec::new()
        } else {
            self.waits_for(reader, clause, &expanded)
        };
        let coordinator = expanded.coordinator;
        // What an earlier clause says in the same words is the same subtask, unless the words put it in line again.
        let whole = clause.marker == Marker::None && !self.chained;
        let back = if whole { 0 } else { from };
        let few = from + expanded.parts.len() - back <= FEW;
        let mut own_said: HashSet<String> = HashSet::new();
        for part in expanded.parts {
            // Said twice is done once.
            let new = part.text.chars().any(char::is_alphanumeric)
                && if few {
                    !self.draft.parts[back..]
                        .iter()
                        .any(|other| same_letters(&other.text, &part.text))
                } else if whole {
                    self.is_new(&part.text)
                } else {
                    own_said.insert(part.text.to_lowercase())
                };
            if !new && expanded.inner.is_empty() {
                continue;
            }
            let index = self.len();
            let mut own = after.clone();
            if let Some(inner) = expanded.inner.get(index - from).filter(|inner| !inner.is_empty()) {
                own = inner.iter().map(|i| from + i).collect();
            } else if (expanded.chained || self.chained) && index > from {
                own = vec![index - 1];
            }
            self.push(part, own);
        }
        if self.chained && from > 0 && from < self.len() && self.draft.after[from].is_empty() {
            let before = self.ends[..self.ends.partition_point(|&i| i < from)].to_vec();
            self.take_up(&before);
            self.draft.after[from] = before;
        }
        if self.len() == from {
            return;
        }
        if clause.marker == Marker::None && !clause.listed {
            self.row_begun(reader, clause, from);
        }
        self.draft.coordinator = if from == 0 { coordinator } else { None };
        let traits = first.and_then(|class| reader.lexicon.class(class));
        let made = if traits.is_some() {
            let object = &clause.toks[1.min(clause.toks.len())..];
            let mut made = String::with_capacity(32);
            // "load them into the graph" makes the graph as well.
            let into = object
                .iter()
                .position(|tok| reader.low(tok) == "into")
                .map_or(&[][..], |at| &object[at + 1..]);
            // "ask the referee for a statement" brings a statement.
            let brought = object
                .windows(2)
                .position(|pair| {
                    reader.low(&pair[0]) == "for"
                        && (traits.is_some_and(|traits| traits.inspects)
                            || matches!(reader.low(&pair[1]), "a" | "an" | "their"))
                })
                .map_or(&[][..], |at| &object[at + 1..]);
            let objects = content(reader, object).chain(content(reader, into));
            for word in objects.chain(content(reader, brought)) {
                made.push_str(word);
                made.push('\n');
            }
            made
        } else {
            String::new()
        };
        let verb = match (&clause.base, clause.toks.first()) {
            (Some((_, base)), _) => base.clone(),
            (None, Some(first)) if clause.led => reader.low(first).to_owned(),
            _ => String::new(),
        };
        let examines = traits.is_some_and(|traits| traits.inspects || traits.alternatives || traits.gathers);
        let phrase = clause
            .toks
            .iter()
            .skip(1)
            .take_while(|tok| tok.is_word() && !tok.has(Flags::PREPOSITION));
        let plural = phrase.last().is_some_and(|tok| reader.plural(tok));
        let opening = clause
            .toks
            .first()
            .filter(|_| clause.led && clause.base.is_none());
        self.doing += usize::from(!examines);
        self.groups.push(Group {
            from,
            to: self.len(),
            made,
            produces: traits.is_some_and(|traits| traits.produces),
            examines,
            introduces: clause
                .toks
                .iter()
                .skip(1)
                .take(2)
                .any(|tok| matches!(reader.low(tok), "a" | "an")),
            class: first.unwrap_or(NO_CLASS),
            plural,
            acquires: opening.is_some_and(|verb| verb.has(Flags::ACQUIRES)),
            verb,
            beside: clause.listed || clause.marker == Marker::Beside,
        });
    }

    /// "proofread each": one subtask for each of the parts before.
    fn one_each(&mut self, reader: &Reader<'_>, clause: &Clause) -> Option<Group> {
        let [verb, each, rest @ ..] = clause.toks.as_slice() else {
            return None;
        };
        let many = self
            .groups
            .last()
            .filter(|group| group.to - group.from >= 2)?
            .clone();
        if !clause.led || !verb.is_verb() || reader.low(each) != "each" {
            return None;
        }
        let word = &reader.text[verb.start..verb.end];
        // "each one", "each of them", "each page": the words that name the parts again are left out.
        let mut rest = rest;
        if rest.first().is_some_and(|tok| reader.low(tok) == "of") {
            rest = rest.get(2..).unwrap_or_default();
        } else if rest
            .first()
            .is_some_and(|tok| tok.is_word() && !tok.has(Flags::PREPOSITION))
        {
            rest = &rest[1..];
        }
        let tail = reader.render(rest);
        let from = self.len();
        for index in many.from..many.to {
            let core = self.draft.parts[index].core.clone();
            let text = if tail.is_empty() {
                format!("{word} {core}")
            } else {
                format!("{word} {core} {tail}")
            };
            let part = Part {
                text,
                rule: rule::EACH,
                core,
                class: verb.class,
            };
            self.push(part, vec![index]);
        }
        self.doing += 1;
        Some(Group {
            from,
            to: self.len(),
            ..Group::default()
        })
    }

    /// A clause whose objects are no choices of its own: as many as stand before ("merge both sets of notes"), what was
    /// found against a norm ("then compare the loads with the limits"), or a question ("decide which to keep").
    fn kept_whole(&self, reader: &Reader<'_>, clause: &Clause, expanded: &Expanded) -> Option<Expanded> {
        let count = expanded.parts.len();
        let [verb, body @ ..] = clause.toks.as_slice() else {
            return None;
        };
        if count == 0 || !clause.led || !expanded.inner.is_empty() {
            return None;
        }
        let opens = reader.low(body.first()?);
        let counted = expanded.parts.iter().all(|part| part.text.ends_with(')'))
            && matches!(opens, "both" | "the" | "these" | "all")
            && body.iter().take(3).any(|tok| tok.number > 1 || opens == "both");
        let before = self.groups.last().map_or(0, |group| group.to - group.from);
        let again = counted && count >= 2 && (before == count || self.len() == count);
        let against = expanded.weighs
            && count >= 2
            && self.len() > 0
            && opens == "the"
            && body
                .iter()
                .any(|tok| matches!(reader.low(tok), "with" | "to" | "against"));
        let question = expanded.weighs && matches!(opens, "which" | "who" | "what" | "one");
        (again || against || question).then(|| Expanded {
            parts: vec![Part {
                text: reader.render(&clause.toks),
                rule: rule::CLAUSE,
                core: String::new(),
                class: verb.class,
            }],
            ..Expanded::default()
        })
    }

    pub(super) fn group(&self, group: &Group) -> Vec<usize> {
        // Of a chain only its end is waited for.
        let at = |place: usize| self.ends.partition_point(|&i| i < place);
        self.ends[at(group.from)..at(group.to)].to_vec()
    }

    /// The draft.
    pub fn finish(self) -> Draft {
        self.draft
    }
}
