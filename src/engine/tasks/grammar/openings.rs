//! Where a clause opens: verbs that are nouns as well, unknown words in front of an object, the words between two clauses.

use super::clauses::Marker;
use super::reader::Reader;
use super::token::Tok;
use crate::engine::tasks::rules::{Flags, Kind};

#[expect(
    clippy::struct_excessive_bools,
    reason = "independent facts about a few joining words"
)]
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Gap {
    pub marker: Marker,
    pub comma: bool,
    pub and: bool,
    pub or: bool,
    pub strong: bool,
    /// A comma and "and" where the clause before holds no comma of its own, so that no list goes on here.
    pub fresh: bool,
    /// A comma behind a list that "and" has closed.
    pub closed: bool,
    /// A comma, with "and" or without, behind such a list.
    pub shut: bool,
    /// "but first": what follows comes before.
    pub ahead: bool,
}

/// Verbs on one object; more are no order that a person gives.
const MOST_VERBS: usize = 64;

impl Reader<'_> {
    /// How many tokens a chain of verbs with one object takes ("build, test and deploy the service"); 0 when there is none.
    pub fn series(&self, toks: &[Tok], at: usize) -> usize {
        self.series_from(toks, at, usize::from(at == 0))
    }

    /// As [`Reader::series`]; so many words from the first on are `sure` to be verbs whatever they could be elsewhere.
    fn series_from(&self, toks: &[Tok], at: usize, sure: usize) -> usize {
        let mut i = at;
        let mut verbs = 0;
        let mut strong = true;
        loop {
            let Some(tok) = toks.get(i).filter(|tok| tok.is_verb()) else {
                return 0;
            };
            verbs += 1;
            if verbs > MOST_VERBS {
                return 0;
            }
            let mut next = i + 1;
            while toks
                .get(next)
                .is_some_and(|tok| matches!(tok.kind, Kind::Comma | Kind::And | Kind::Or | Kind::Then))
            {
                next += 1;
            }
            if next == i + 1 {
                // The last verb: an object must follow.
                let ok = toks.get(next).is_some_and(|object| {
                    self.opens_object(object)
                        || object.is_word()
                            && !object.has(Flags::PREPOSITION)
                            && (!tok.has(Flags::NOUN_VERB) || strong)
                });
                return if ok && verbs > 1 { next - at } else { 0 };
            }
            strong &= !tok.has(Flags::NOUN_VERB) || i - at < sure;
            i = next;
        }
    }

    /// Whether a clause opens at `at`, after the words of `gap`; `last` is the word before the gap.
    #[expect(
        clippy::match_same_arms,
        reason = "an arm a kind of word, in the order of the rules"
    )]
    pub(super) fn opens(&self, toks: &[Tok], at: usize, gap: Gap, last: Option<&Tok>) -> bool {
        let Some(tok) = toks.get(at) else { return false };
        let next = toks.get(at + 1);
        if !tok.is_verb() {
            // No noun stands right before an article, a possessive or "them": an unknown word there is a verb. So is one
            // behind "then" before a question, and one behind a list that is closed already.
            let object = next.is_some_and(|next| {
                matches!(
                    self.low(next),
                    "the"
                        | "a"
                        | "an"
                        | "our"
                        | "your"
                        | "my"
                        | "his"
                        | "her"
                        | "its"
                        | "their"
                        | "it"
                        | "them"
                        | "those"
                        | "anything"
                        | "everything"
                        | "anyone"
                        | "everyone"
                ) || gap.marker == Marker::Then && (next.has(Flags::DETERMINER) || next.kind == Kind::Opaque)
                    || gap.closed && next.is_word() && !next.has(Flags::PREPOSITION)
            });
            return object
                && !self.limiting(tok)
                && !(self.low(tok) == "making" && next.is_some_and(|next| self.low(next) == "sure"))
                && (!self.low(tok).ends_with('s') || self.low(tok).ends_with("ss"))
                && tok.is_word()
                && !tok.proper
                && !self.opens_object(tok)
                && !tok.has(Flags::PREPOSITION)
                && !self.adverb(tok);
        }
        // "…, have legal look it over" is no noun, whatever follows.
        let strong = !tok.has(Flags::NOUN_VERB) || (gap.comma || gap.and) && self.low(tok) == "have";
        let sure = gap.marker != Marker::None || gap.strong;
        let Some(next) = next else { return sure || strong };
        // A capital inside a sentence is a name ("Go") unless an object follows.
        if tok.proper && at > 0 && !sure {
            return next.has(Flags::DETERMINER);
        }
        match next.kind {
            Kind::Stop | Kind::Newline | Kind::Close | Kind::Dash => sure || strong,
            Kind::Comma | Kind::And | Kind::Or | Kind::Versus => {
                sure || strong && self.series(toks, at) > 0 || self.series(toks, at) > 0
            }
            Kind::Opaque => {
                strong
                    || sure
                    || !matches!(
                        self.low(next),
                        "that" | "as" | "than" | "when" | "where" | "while" | "so" | "because" | "since"
                    )
            }
            Kind::Based | Kind::Such | Kind::Open | Kind::Colon | Kind::Semicolon => strong || sure,
            Kind::Then | Kind::Finally | Kind::First | Kind::Beside => strong || sure,
            Kind::Word => {
                if self.opens_object(next) {
                    return true;
                }
                if next.has(Flags::PREPOSITION) {
                    return (strong || sure) && (gap.marker == Marker::Then || !tok.has(Flags::NOUN_VERB));
                }
                if strong || sure || next.has(Flags::MERGED) {
                    return true;
                }
                if self.adverb(next) {
                    return true;
                }
                let mut end = at + 1;
                while toks
                    .get(end + 1)
                    .is_some_and(|tok| tok.is_word() && !tok.has(Flags::PREPOSITION))
                {
                    end += 1;
                }
                while gap.comma && end > at + 1 && self.adverb(&toks[end]) {
                    end -= 1;
                }
                let head = &toks[end];
                (self.plural(head) || next.proper || gap.fresh || gap.shut)
                    && last.is_none_or(|last| self.low(last) != self.low(head))
            }
        }
    }

    /// "keeping the main result", "using the old key": how a work is to be done.
    pub(super) fn limiting(&self, tok: &Tok) -> bool {
        self.low(tok).ends_with("ing")
            && self
                .gerund(tok)
                .and_then(|(class, _)| self.lexicon.class(class))
                .is_some_and(|class| class.constraint)
    }

    /// Reads the joining words at `i`; returns what they say and where they end.
    pub(super) fn gap(&self, toks: &[Tok], mut i: usize) -> (Gap, usize) {
        let mut gap = Gap::default();
        while let Some(tok) = toks.get(i) {
            match tok.kind {
                Kind::Comma => gap.comma = true,
                Kind::And | Kind::Or => {
                    gap.and = true;
                    gap.or |= tok.kind == Kind::Or;
                }
                Kind::Semicolon | Kind::Dash => gap.strong = true,
                Kind::Then => gap.marker = Marker::Then,
                Kind::Finally => gap.marker = Marker::Finally,
                // "weigh them separately and …", "build them in parallel, …" ends the clause before.
                Kind::Beside
                    if i > 0
                        && !(gap.comma || gap.and || gap.strong)
                        && toks.get(i + 1).is_some_and(|tok| {
                            matches!(tok.kind, Kind::And | Kind::Comma | Kind::Semicolon | Kind::Dash)
                        }) => {}
                // "then, in parallel, …" is still after what stands before.
                Kind::Beside if gap.marker == Marker::None => gap.marker = Marker::Beside,
                Kind::First | Kind::Beside => {}
                Kind::Word
                    if self.low(tok) == "but"
                        && toks.get(i + 1).is_some_and(|tok| tok.kind == Kind::First) =>
                {
                    gap.ahead = true;
                }
                Kind::Word if self.adverb(tok) && toks.get(i + 1).is_some_and(Tok::is_verb) => {}
                Kind::Word
                    if matches!(
                        self.low(tok),
                        "please" | "next" | "either" | "both" | "just" | "to"
                    ) && toks
                        .get(i + 1)
                        .is_some_and(|next| next.is_verb() || next.kind == Kind::Comma) =>
                {
                    if self.low(tok) == "next" {
                        gap.marker = Marker::Then;
                    }
                }
                _ => break,
            }
            i += 1;
        }
        (gap, i)
    }

    /// How many tokens the verbs behind "to" take when they share one object ("to sort, stack and scan parcels").
    pub fn purposes(&self, toks: &[Tok], at: usize) -> usize {
        self.series_from(toks, at, usize::MAX)
    }

    /// Whether "to" at `at - 1` begins a purpose ("to parse logs") and not a place ("to staging").
    pub(super) fn infinitive(&self, toks: &[Tok], at: usize) -> bool {
        let Some(next) = toks.get(at + 1) else {
            return !toks[at].has(Flags::NOUN_VERB);
        };
        if toks[at].proper {
            return false;
        }
        match next.kind {
            Kind::Word => !next.has(Flags::PREPOSITION) || !toks[at].has(Flags::NOUN_VERB),
            _ => !toks[at].has(Flags::NOUN_VERB) || self.purposes(toks, at) > 0,
        }
    }

    /// Whether `toks` open with a verb: a known one, or an unknown first word with an object behind it.
    pub fn leads(&self, toks: &[Tok]) -> bool {
        let Some(first) = toks.first() else { return false };
        let Some(next) = toks.get(1) else {
            return first.is_verb();
        };
        if first.is_verb() {
            if !first.has(Flags::NOUN_VERB) {
                return true;
            }
            // "Test results are late" is no order; "Test results" is one.
            return !self.finite(toks) && !next.has(Flags::PREPOSITION) || self.opens_object(next);
        }
        first.is_word()
            && !first.has(Flags::MERGED)
            && !first.has(Flags::ACTION_NOUN)
            // "Should the …" asks.
            && !self.finite(&toks[..1])
            && !self.opens_object(first)
            && !first.has(Flags::PREPOSITION)
            && (next.has(Flags::DETERMINER)
                || self.low(first).starts_with("re") && next.is_word() && !self.finite(toks))
    }

    /// Whether the words make a statement ("the page is slow") and no order.
    pub fn finite(&self, toks: &[Tok]) -> bool {
        toks.iter()
            .take(12)
            .take_while(|tok| tok.kind != Kind::Opaque)
            .any(|tok| {
                matches!(
                    self.low(tok),
                    "is" | "are"
                        | "was"
                        | "were"
                        | "has"
                        | "have"
                        | "had"
                        | "needs"
                        | "should"
                        | "must"
                        | "can"
                        | "cannot"
                        | "can't"
                        | "will"
                        | "does"
                        | "do"
                        | "did"
                        | "depends"
                        | "would"
                        | "may"
                        | "isn't"
                        | "aren't"
                        | "doesn't"
                        | "won't"
                )
            })
    }
}
