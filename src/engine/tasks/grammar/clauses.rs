//! Sentences into clauses: where a new verb begins, and in which order the words put the clauses.

use super::openings::Gap;
use super::reader::{Reader, closing};
use super::token::Tok;
use crate::engine::tasks::rules::{Flags, Kind, NO_CLASS};

/// What the words before a clause say about its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Marker {
    /// Nothing.
    #[default]
    None,
    /// "then", "after that": after what stands before.
    Then,
    /// "finally": after everything.
    Finally,
    /// "meanwhile": beside what stands before.
    Beside,
}

/// A clause: one verb with its objects, or a remark without a verb.
#[derive(Debug, Clone, Default)]
pub(crate) struct Clause {
    pub toks: Vec<Tok>,
    pub marker: Marker,
    /// Opens with a verb.
    pub led: bool,
    /// A base verb to be said instead of the opening "-ing" form.
    pub base: Option<(u8, String)>,
    /// Stands under a heading that ends with a colon.
    pub listed: bool,
    /// Said in the passive voice.
    pub passive: bool,
}

/// Phrases that put clauses around each other, inside one sentence; what goes deeper is read as plain words.
const DEEPEST: u8 = 24;
/// Words of a phrase before its comma.
const LONGEST_PHRASE: usize = 60;

impl Reader<'_> {
    #[expect(clippy::unused_self, reason = "asked like its neighbours")]
    /// Cuts tokens into sentences: at stops, blank lines, and line ends before a verb.
    pub fn sentences<'t>(&self, toks: &'t [Tok]) -> Vec<&'t [Tok]> {
        let mut out = Vec::new();
        let mut from = 0;
        let mut depth = 0_usize;
        for (i, tok) in toks.iter().enumerate() {
            let ends = match tok.kind {
                Kind::Open => {
                    depth += 1;
                    false
                }
                Kind::Close => {
                    depth = depth.saturating_sub(1);
                    false
                }
                Kind::Stop => depth == 0,
                Kind::Newline => match (toks.get(i + 1), i.checked_sub(1).map(|b| toks[b])) {
                    (Some(next), Some(before)) => {
                        next.kind == Kind::Newline
                            || (!before.joins()
                                && before.kind != Kind::Colon
                                && next.is_verb()
                                && next.proper)
                    }
                    _ => true,
                },
                _ => false,
            };
            if ends {
                out.push(&toks[from..i]);
                from = i + 1;
            }
        }
        out.push(&toks[from..]);
        out.retain(|sentence| sentence.iter().any(|tok| tok.kind != Kind::Newline));
        out
    }

    /// Cuts one sentence into clauses.
    pub fn clauses(&self, sentence: &[Tok]) -> Vec<Clause> {
        let toks: Vec<Tok> = sentence
            .iter()
            .filter(|tok| tok.kind != Kind::Newline)
            .copied()
            .collect();
        let mut out = Vec::new();
        let mut at = 0;
        let mut marker = Marker::None;
        // What an opening says is no part of the work.
        loop {
            let (gap, next) = self.gap(&toks, at);
            if gap.marker != Marker::None {
                marker = gap.marker;
            }
            let length = self.lead_in(&toks[next..]);
            if next == at && length == 0 {
                break;
            }
            at = next + length;
        }
        self.phrased(&toks[at..], marker, 0, &mut out);
        out
    }

    /// Cuts what stands behind an opening, or behind the words between two clauses.
    fn phrased(&self, mut toks: &[Tok], mut marker: Marker, depth: u8, out: &mut Vec<Clause>) {
        let mut closing_clause = None;
        // What is said of the clause before it begins, put behind it.
        let mut moved: &[Tok] = &[];
        // "After testing the API, deploy it", "Before deploying, run the tests", "For the Oslo and Lima offices, print labels".
        if let Some((fronted, rest)) = self.fronted(toks) {
            let word = self.low(&fronted[0]).to_owned();
            let base = fronted.get(1).and_then(|tok| match word.as_str() {
                "having" => self.participle(tok),
                _ => self
                    .gerund(tok)
                    .or_else(|| self.unknown_gerund(tok, fronted.get(2))),
            });
            match (word.as_str(), base) {
                ("after" | "once" | "when" | "having", Some(base)) => {
                    out.push(Clause {
                        toks: fronted[1..].to_vec(),
                        marker,
                        led: true,
                        base: Some(base),
                        ..Clause::default()
                    });
                    marker = Marker::Then;
                    toks = rest;
                }
                ("before" | "prior to" | "ahead of", Some(base)) => {
                    closing_clause = Some(Clause {
                        toks: fronted[1..].to_vec(),
                        marker: Marker::Then,
                        led: true,
                        base: Some(base),
                        ..Clause::default()
                    });
                    toks = rest;
                }
                (word, _) => {
                    if matches!(word, "after" | "once" | "when" | "as soon as") {
                        marker = Marker::Then;
                    }
                    (toks, moved) = (rest, fronted);
                }
            }
        }
        let first = out.len();
        self.cut(toks, marker, depth, out);
        if let Some(clause) = out.get_mut(first) {
            clause.toks.extend_from_slice(moved);
        }
        out.extend(closing_clause);
    }

    /// Whether a phrase that says when or from what begins here ("once approved, …", "based on the results, …").
    fn opens_phrase(&self, toks: &[Tok], gap: Gap) -> bool {
        let Some(first) = toks.first() else { return false };
        first.kind == Kind::Based
            || matches!(
                self.low(first),
                "after" | "before" | "once" | "when" | "having" | "as soon as" | "prior to" | "ahead of"
            )
            || self.low(first) == "from"
                && toks.get(1).is_some_and(|next| {
                    matches!(
                        self.low(next),
                        "these" | "those" | "this" | "that" | "them" | "it"
                    )
                })
            || gap.strong
                && (first.has(Flags::PREPOSITION) || matches!(self.low(first), "if" | "unless" | "where"))
    }

    /// An opening phrase up to the comma before the first verb, and the rest.
    fn fronted<'t>(&self, toks: &'t [Tok]) -> Option<(&'t [Tok], &'t [Tok])> {
        let first = toks.first()?;
        let opens = first.has(Flags::PREPOSITION)
            || matches!(first.kind, Kind::Based | Kind::Opaque)
            || matches!(
                self.low(first),
                "after" | "before" | "having" | "as" | "until" | "prior to" | "ahead of"
            );
        if !opens || first.is_verb() {
            return None;
        }
        if let Some(verb) = self.sourced(toks) {
            return Some((&toks[..verb], &toks[verb..]));
        }
        let behind = |strong: bool| {
            let gap = Gap {
                comma: true,
                strong,
                ..Gap::default()
            };
            let commas = 1..toks.len().min(LONGEST_PHRASE);
            commas
                .filter(|&i| toks[i].kind == Kind::Comma)
                .find(|&i| self.opens(toks, i + 1, gap, toks.get(i - 1)))
        };
        // "once they have passed, apply for the mark": no other verb stands there.
        let comma = behind(false)
            .or_else(|| behind(true).filter(|_| matches!(first.kind, Kind::Opaque | Kind::Based)))?;
        Some((&toks[..comma], &toks[comma + 1..]))
    }

    /// "from the transcript pick the quotes": where the verb stands behind such a phrase without a comma.
    fn sourced(&self, toks: &[Tok]) -> Option<usize> {
        let first = toks.first()?;
        let timed = matches!(self.low(first), "once" | "when" | "if" | "as soon as");
        if first.kind != Kind::Based && self.low(first) != "from" && !timed {
            return None;
        }
        let words = 1 + toks[1..].iter().take(10).take_while(|tok| tok.is_word()).count();
        (2..words).find(|&i| {
            let before = &toks[i - 1];
            toks[i].is_verb()
                && toks.get(i + 1).is_some_and(|object| self.opens_object(object))
                && !before.has(Flags::PREPOSITION)
                && !before.has(Flags::DETERMINER)
                && (!timed
                    || !self.finite(&toks[i - 1..i]) && !self.pronoun(before) && self.finite(&toks[1..i]))
        })
    }

    /// "that supports exports", "that is slow": what follows an "and" there in base form is an order of its own.
    fn third_person(&self, verb: Option<&Tok>, next: Option<&Tok>) -> bool {
        let Some(verb) = verb else { return false };
        let word = self.low(verb);
        if matches!(word, "is" | "was" | "has" | "does") {
            return true;
        }
        let Some(stem) = word.strip_suffix('s').filter(|stem| stem.len() > 2) else {
            return false;
        };
        let plain = |word: &str| {
            let entry = self.lexicon.get(word);
            entry.class != NO_CLASS
                && (!entry.flags.has(Flags::NOUN_VERB)
                    || next.is_some_and(|next| next.has(Flags::DETERMINER) || self.pronoun(next)))
        };
        plain(stem) || stem.strip_suffix('e').is_some_and(plain)
    }

    #[expect(clippy::too_many_lines, reason = "one walk over the words of a sentence")]
    fn cut(&self, toks: &[Tok], first: Marker, depth: u8, out: &mut Vec<Clause>) {
        if let Some(passive) = self.passive(toks, first) {
            out.extend(passive);
            return;
        }
        let mut from = 0;
        let mut marker = first;
        let mut led = self.leads(toks);
        let mut opaque = Opaque::No;
        // How the clause at hand has listed so far, and whether a clause stands before it.
        let mut listed = Listed::default();
        let before = out.len();
        let mut ahead = None;
        let mut adjunct = None;
        let mut i = self.series(toks, 0).max(1);
        while i < toks.len() {
            let tok = &toks[i];
            match tok.kind {
                Kind::Open => {
                    i = closing(toks, i) + 1;
                    continue;
                }
                Kind::Opaque => {
                    // "find out why …" ends where a new order begins; "a tool that …" does not.
                    opaque = if i == from + 1 && self.low(tok) != "that" {
                        Opaque::Question
                    } else if matches!(
                        self.low(tok),
                        "where"
                            | "when"
                            | "because"
                            | "since"
                            | "if"
                            | "while"
                            | "as"
                            | "without"
                            | "unless"
                            | "until"
                            | "instead of"
                            | "rather than"
                            | "due to"
                            | "because of"
                    ) || self.third_person(toks.get(i + 1), toks.get(i + 2))
                    {
                        Opaque::Condition
                    } else {
                        Opaque::Relative
                    };
                }
                Kind::Word
                    if self.low(tok) == "to"
                        && toks
                            .get(i + 1)
                            .is_some_and(|next| next.is_verb() && self.infinitive(toks, i + 1)) =>
                {
                    opaque = Opaque::Relative;
                    i += 1 + self.purposes(toks, i + 1);
                    continue;
                }
                // "a tool that lets people place, rotate and delete tiles": its verbs are no orders.
                Kind::Word if opaque == Opaque::Relative && self.series(toks, i) > 0 => {
                    i += self.series(toks, i);
                    continue;
                }
                Kind::Word
                    if depth < DEEPEST
                        && matches!(self.low(tok), "after" | "before" | "prior to" | "ahead of") =>
                {
                    let base = toks.get(i + 1).and_then(|tok| {
                        self.gerund(tok)
                            .or_else(|| self.unknown_gerund(tok, toks.get(i + 2)))
                    });
                    if let Some(base) = base {
                        self.around(toks, from, i, marker, (base, depth + 1), out);
                        return;
                    }
                }
                _ => {}
            }
            if !(tok.joins()
                || matches!(
                    tok.kind,
                    Kind::Semicolon | Kind::Dash | Kind::Then | Kind::Finally | Kind::Beside
                ))
            {
                i += 1;
                continue;
            }
            let (mut gap, mut next) = self.gap(toks, i);
            if next == i {
                i += 1;
                continue;
            }
            // "and delete the originals afterwards"
            if next >= toks.len() && gap.marker == Marker::Then && marker == Marker::None {
                marker = Marker::Then;
            }
            gap.fresh = gap.comma && gap.and && !listed.comma && out.len() > before;
            gap.shut = gap.comma && listed.comma && listed.and;
            gap.closed = gap.shut && !gap.and;
            next += self.lead_in(&toks[next..]);
            let allowed = match opaque {
                Opaque::No => true,
                // "whether to lease or buy the vans" is one question.
                Opaque::Question if gap.or && !gap.comma => false,
                _ if gap.marker != Marker::None || gap.strong || gap.comma => true,
                Opaque::Question => {
                    toks.get(next + 1).is_some_and(|object| self.opens_object(object))
                        || toks.get(next).is_some_and(|verb| !verb.has(Flags::NOUN_VERB))
                            && toks[next..]
                                .iter()
                                .take(8)
                                .any(|tok| matches!(self.low(tok), "them" | "it"))
                }
                Opaque::Condition => {
                    toks.get(next).is_some_and(|verb| !verb.has(Flags::NOUN_VERB))
                        && toks.get(next + 1).is_some_and(|object| self.opens_object(object))
                }
                Opaque::Relative => false,
            };
            if allowed
                && depth < DEEPEST
                && i > from
                && self.opens_phrase(&toks[next..], gap)
                && self.fronted(&toks[next..]).is_some()
            {
                out.push(Clause {
                    toks: toks[from..i].to_vec(),
                    marker,
                    led,
                    base: adjunct.take(),
                    ..Clause::default()
                });
                self.phrased(&toks[next..], gap.marker, depth + 1, out);
                return;
            }
            // "the onboarding, offboarding, and leave processes": a bare name before a shared head goes on with the list.
            let head = led
                && gap.and
                && listed.comma
                && toks.get(from + 1).is_some_and(|tok| self.low(tok) == "the")
                && self.shares_head(toks, i, next);
            // The opening verb said again opens a clause again.
            let again = led
                && toks
                    .get(next)
                    .is_some_and(|tok| self.low(tok) == self.low(&toks[from]))
                && toks.get(next + 1).is_some_and(Tok::is_word);
            let opens = allowed && !head && (again || self.opens(toks, next, gap, toks.get(i - 1)));
            if opens || gap.strong && next < toks.len() {
                out.push(Clause {
                    toks: toks[from..i].to_vec(),
                    marker,
                    led,
                    base: adjunct.take(),
                    ..Clause::default()
                });
                if gap.ahead {
                    ahead = Some(out.len());
                }
                // "test the form, filing a ticket for every fault": done with what stands before.
                adjunct = if opens && gap.comma && !gap.and && !toks[next].is_verb() {
                    self.gerund(&toks[next])
                } else {
                    None
                };
                from = next;
                marker = if adjunct.is_some() {
                    Marker::Then
                } else {
                    gap.marker
                };
                led = opens || self.leads(&toks[next..]);
                opaque = Opaque::No;
                listed = Listed::default();
                i = next + self.series(toks, next).max(1);
            } else {
                listed.comma |= gap.comma;
                listed.and |= gap.and;
                i = next.max(i + 1);
            }
        }
        if from < toks.len() {
            out.push(Clause {
                toks: toks[from..].to_vec(),
                marker,
                led,
                base: adjunct.take(),
                ..Clause::default()
            });
        }
        // "License photos, find music, and …": what opens a row of orders is one as well.
        if let [first, second, ..] = &mut out[before..]
            && !first.led
            && second.led
            && first.toks.len() > 1
            && first.toks[0].is_word()
            && first.toks[0].flags == Flags::default()
            && toks
                .get(first.toks.len())
                .is_some_and(|tok| tok.kind == Kind::Comma)
            && !self.finite(&first.toks)
            && !self.plural(&first.toks[0])
            && !self.limiting(&first.toks[0])
        {
            first.led = true;
        }
        if let Some(at) = ahead.filter(|at| *at < out.len()) {
            out[at - 1].marker = Marker::Then;
            out[at - 1..=at].rotate_right(1);
        }
    }

    /// "deploy the API after running the migrations": two clauses, in the order of the work.
    fn around(
        &self,
        toks: &[Tok],
        from: usize,
        at: usize,
        marker: Marker,
        (base, depth): ((u8, String), u8),
        out: &mut Vec<Clause>,
    ) {
        let main = Clause {
            toks: toks[from..at].to_vec(),
            marker,
            led: self.leads(&toks[from..]),
            ..Clause::default()
        };
        let mut rest = Vec::new();
        self.cut(&toks[at + 1..], Marker::None, depth, &mut rest);
        if let Some(first) = rest.first_mut() {
            first.led = true;
            first.base = Some(base);
        }
        if self.low(&toks[at]) == "after" {
            if let Some(first) = rest.first_mut() {
                first.marker = marker;
            }
            out.append(&mut rest);
            out.push(Clause {
                marker: Marker::Then,
                ..main
            });
        } else {
            if let Some(first) = rest.first_mut() {
                first.marker = Marker::Then;
            }
            out.push(main);
            out.append(&mut rest);
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Opaque {
    No,
    Question,
    Condition,
    Relative,
}

/// The joining words met inside a clause.
#[derive(Debug, Clone, Copy, Default)]
struct Listed {
    comma: bool,
    and: bool,
}
