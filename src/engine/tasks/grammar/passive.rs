//! Passive sentences as orders: "the reports should be merged and sent out" asks to merge the reports, then to send them.

use super::clauses::{Clause, Marker};
use super::reader::Reader;
use super::token::Tok;
use crate::engine::tasks::rules::{Flags, Kind, NO_CLASS};

/// Where a passive verb stands: its subject ends at `subject`, its participle is at `verb`.
struct Passive {
    subject: usize,
    verb: usize,
    base: (u8, String),
}

impl Reader<'_> {
    /// The clauses of a sentence whose first verb is passive and asks for something; `None` for every other sentence.
    pub(super) fn passive(&self, toks: &[Tok], marker: Marker) -> Option<Vec<Clause>> {
        let be = toks
            .iter()
            .position(|tok| tok.is_word() && self.low(tok) == "be")?;
        let mut found = self.passive_at(toks, be)?;
        if self.leads(toks) || !self.fit_to_suffer(&toks[..found.subject]) {
            return None;
        }
        let mut out = Vec::new();
        let mut subject = &toks[..found.subject];
        let mut marker = marker;
        let mut again = false;
        loop {
            let from = found.verb + 1;
            let next = (from..toks.len()).find_map(|i| self.goes_on_passive(toks, i));
            let to = next.as_ref().map_or(toks.len(), |(gap, ..)| *gap);
            let object = &toks[from..to];
            // "gathered and merged into one": of many things the second verb needs no second list.
            let named = !again || object.is_empty() || !subject.iter().any(Tok::joins);
            let subject_said: &[Tok] = if named { subject } else { &[] };
            out.push(Clause {
                toks: [&toks[found.verb..from], subject_said, object].concat(),
                marker,
                led: true,
                base: Some(found.base),
                passive: true,
                ..Clause::default()
            });
            let Some((_, start, further, more)) = next else {
                break;
            };
            again = further.subject == start;
            if !again {
                subject = &toks[start..further.subject];
            }
            marker = if again { Marker::Then } else { more };
            found = further;
        }
        Some(out)
    }

    /// Whether these words can be what something is done to: a noun, no order, no question, no condition.
    fn fit_to_suffer(&self, subject: &[Tok]) -> bool {
        let Some(first) = subject.first() else {
            return false;
        };
        first.is_word()
            && !self.pronoun(first)
            && !first.has(Flags::PREPOSITION)
            && !matches!(
                self.low(first),
                "there" | "no" | "nothing" | "nobody" | "neither" | "if"
            )
            && !subject.iter().any(|tok| {
                matches!(
                    tok.kind,
                    Kind::Opaque | Kind::Then | Kind::Colon | Kind::Semicolon | Kind::Dash
                )
            })
    }

    /// "… should be merged", "… need to be merged": the verb around "be" at `be`.
    fn passive_at(&self, toks: &[Tok], be: usize) -> Option<Passive> {
        let mut modal = be.checked_sub(1)?;
        while modal > 0
            && (self.adverb(&toks[modal])
                || matches!(
                    self.low(&toks[modal]),
                    "all" | "also" | "then" | "both" | "each" | "first" | "now"
                ))
        {
            modal -= 1;
        }
        let subject = match self.low(&toks[modal]) {
            "should" | "must" | "shall" => modal,
            "to" if modal > 0
                && matches!(
                    self.low(&toks[modal - 1]),
                    "need" | "needs" | "has" | "have" | "is" | "are" | "ought"
                ) =>
            {
                modal - 1
            }
            _ => return None,
        };
        let mut verb = be + 1;
        while toks.get(verb).is_some_and(|tok| self.adverb(tok)) {
            verb += 1;
        }
        let base = self.participle(toks.get(verb)?)?;
        Some(Passive { subject, verb, base })
    }

    /// Whether another passive verb follows the joining words at `at`: where they stand, where what follows them begins,
    /// the verb, and what the words say about its place.
    fn goes_on_passive(&self, toks: &[Tok], at: usize) -> Option<(usize, usize, Passive, Marker)> {
        if !(toks[at].joins() || matches!(toks[at].kind, Kind::Semicolon | Kind::Then | Kind::Finally)) {
            return None;
        }
        let (gap, mut start) = self.gap(toks, at);
        while toks.get(start).is_some_and(|tok| self.adverb(tok)) {
            start += 1;
        }
        let ends = |i: usize| {
            toks.get(i).is_none_or(|tok| {
                !tok.is_word()
                    || tok.has(Flags::PREPOSITION)
                    || self.adverb(tok)
                    || tok.has(Flags::DETERMINER)
            })
        };
        let word = self.low(toks.get(start)?);
        let unknown = || {
            // "vaccinated, chipped and dewormed"
            let stem = word.strip_suffix("ed").filter(|stem| stem.len() > 2)?;
            let single = stem.char_indices().last().map_or("", |(at, _)| &stem[..at]);
            let base = if single.ends_with(&stem[single.len()..]) {
                single
            } else {
                stem
            };
            Some((NO_CLASS, base.to_owned()))
        };
        if ends(start + 1)
            && let Some(base) = self.participle(&toks[start]).or_else(unknown)
        {
            let verb = Passive {
                subject: start,
                verb: start,
                base,
            };
            return Some((at, start, verb, gap.marker));
        }
        if !gap.and && !gap.strong && gap.marker == Marker::None {
            return None;
        }
        // "and the findings entered in the logbook", "and the results must be published"
        let verb = (start + 1..toks.len().min(start + 8))
            .find(|&i| !toks[i].is_word() || self.participle(&toks[i]).is_some())?;
        let subject = &toks[start..verb];
        if !subject[0].has(Flags::DETERMINER) {
            return None;
        }
        if let Some(be) = subject.iter().position(|tok| self.low(tok) == "be") {
            let found = self.passive_at(toks, start + be)?;
            return Some((at, start, found, gap.marker));
        }
        let base = self.participle(&toks[verb])?;
        (ends(verb + 1)).then_some((
            at,
            start,
            Passive {
                subject: verb,
                verb,
                base,
            },
            gap.marker,
        ))
    }
}
