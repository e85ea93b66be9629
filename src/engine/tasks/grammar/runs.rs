//! The objects of a clause as runs: a lead ("for the") with the items listed behind it.

use std::borrow::Cow;

use super::reader::{Reader, closing};
use super::token::Tok;
use crate::engine::tasks::rules::{Flags, Kind};

/// A stretch of a clause: what leads in, and the items of its list (one item when it is no list).
#[derive(Debug, Clone, Default)]
pub(crate) struct Run {
    /// "for", "such as", a colon; empty for the objects right behind the verb.
    pub lead: Vec<Tok>,
    pub items: Vec<Vec<Tok>>,
    /// The items with all that joins them.
    pub whole: Vec<Tok>,
    pub or: bool,
    pub versus: bool,
}

/// A clause's objects.
#[derive(Debug, Clone, Default)]
pub(crate) struct Objects {
    pub runs: Vec<Run>,
    /// What qualifies all of it: a purpose, a relative clause.
    pub tail: Vec<Tok>,
    /// "respectively" was said.
    pub paired: bool,
}

struct Conjunct {
    join: Option<Kind>,
    before: Vec<Tok>,
    toks: Vec<Tok>,
}

impl Conjunct {
    /// Whether it opens with an article, a possessive or the like.
    fn determined(&self) -> bool {
        self.toks.first().is_some_and(|tok| tok.has(Flags::DETERMINER))
    }
}

impl Reader<'_> {
    /// Where the part of `rest` ends that may hold lists.
    fn body_end(&self, rest: &[Tok]) -> usize {
        let mut i = 0;
        while i < rest.len() {
            let tok = &rest[i];
            let next = rest.get(i + 1);
            match tok.kind {
                Kind::Open => {
                    i = closing(rest, i) + 1;
                    continue;
                }
                Kind::Opaque | Kind::Based | Kind::Semicolon | Kind::Stop => return i,
                Kind::Comma
                    if next.is_some_and(|next| {
                        matches!(next.kind, Kind::Opaque | Kind::Based | Kind::Beside)
                            || next.has(Flags::PREPOSITION)
                            || self.low(next) == "not"
                            || self.low(next) == "one"
                                && rest[i + 1..].iter().take(5).any(|tok| self.low(tok) == "another")
                            || self.low(tok) != "/"
                                && self.low(next).ends_with("ing")
                                && rest.get(i + 2).is_some_and(|tok| {
                                    tok.has(Flags::PREPOSITION)
                                        || tok.has(Flags::DETERMINER)
                                        || matches!(self.low(tok), "sure" | "certain")
                                })
                            || matches!(self.low(next), "each" | "every" | "it" | "this" | "they")
                                && (self.finite(&rest[i + 1..rest.len().min(i + 5)])
                                    || rest.get(i + 2).is_some_and(|tok| self.low(tok).ends_with("ing")))
                    }) =>
                {
                    return i;
                }
                Kind::Word
                    if self.low(tok) == "to"
                        && next.is_some_and(|next| next.is_verb() && self.purpose(rest, i + 1)) =>
                {
                    return i;
                }
                Kind::Word
                    if matches!(
                        self.low(tok),
                        "after" | "before" | "prior to" | "ahead of" | "during" | "by" | "like"
                    ) && i > 0
                        && (self.low(tok) != "by"
                            || next.is_some_and(|next| self.gerund(next).is_some()))
                        && !rest[i - 1].joins() =>
                {
                    return i;
                }
                _ => {}
            }
            i += 1;
        }
        rest.len()
    }

    fn purpose(&self, rest: &[Tok], at: usize) -> bool {
        if rest[at].proper {
            return false;
        }
        match rest.get(at + 1) {
            Some(next) if next.is_word() => !next.has(Flags::PREPOSITION) || !rest[at].has(Flags::NOUN_VERB),
            _ => !rest[at].has(Flags::NOUN_VERB) || self.purposes(rest, at) > 0,
        }
    }

    #[expect(clippy::too_many_lines, reason = "one walk over the words of a list")]
    fn conjuncts(&self, body: &[Tok]) -> (Vec<Conjunct>, bool) {
        let mut out: Vec<Conjunct> = Vec::new();
        let mut current = Conjunct {
            join: None,
            before: Vec::new(),
            toks: Vec::with_capacity(8),
        };
        let mut paired = false;
        let mut i = 0;
        while i < body.len() {
            let tok = body[i];
            if tok.kind == Kind::Open {
                let end = closing(body, i);
                current.toks.extend_from_slice(&body[i..=end]);
                i = end + 1;
                continue;
            }
            if self.low(&tok) == "respectively" {
                paired = true;
                i += 1;
                continue;
            }
            // "not only A but also B", "both A and B", "either A or B": the words that announce a pair.
            if current.toks.is_empty()
                && matches!(self.low(&tok), "both" | "either" | "not" | "only" | "but")
                && body[i + 1..].iter().any(Tok::joins)
                && (self.low(&tok) != "both"
                    || !body.get(i + 1).is_some_and(|next| {
                        self.plural(next) && !body[i + 1..].iter().any(|t| t.kind == Kind::And)
                    }))
            {
                i += 1;
                continue;
            }
            // "John Smith & Sons" is one name.
            if tok.kind == Kind::And
                && current.toks.last().is_some_and(|before| before.proper)
                && body.get(i + 1).is_some_and(|next| {
                    next.proper
                        && matches!(
                            self.low(next),
                            "sons"
                                | "daughters"
                                | "brothers"
                                | "co"
                                | "co."
                                | "partners"
                                | "associates"
                                | "company"
                        )
                })
            {
                current.toks.extend_from_slice(&body[i..=i + 1]);
                i += 2;
                continue;
            }
            // "README.md, line 14" says where.
            if tok.kind == Kind::Comma
                && !current.toks.is_empty()
                && let [place, number, rest @ ..] = &body[i + 1..]
                && number.number > 0
                && !rest.first().is_some_and(Tok::joins)
                && matches!(
                    self.low(place),
                    "line"
                        | "lines"
                        | "page"
                        | "pages"
                        | "section"
                        | "chapter"
                        | "row"
                        | "paragraph"
                        | "clause"
                        | "article"
                        | "room"
                        | "floor"
                )
                && self.low(place) != current.toks.iter().rev().nth(1).map_or("", |tok| self.low(tok))
            {
                current.toks.extend_from_slice(&body[i..=i + 2]);
                i += 3;
                continue;
            }
            if tok.joins() {
                let strong = tok.kind != Kind::Comma;
                if current.toks.is_empty() {
                    if strong || current.join.is_none() {
                        current.join = Some(tok.kind);
                    }
                    current.before.push(tok);
                } else {
                    out.push(std::mem::replace(
                        &mut current,
                        Conjunct {
                            join: Some(tok.kind),
                            before: vec![tok],
                            toks: Vec::with_capacity(8),
                        },
                    ));
                }
            } else {
                current.toks.push(tok);
            }
            i += 1;
        }
        if !current.toks.is_empty() {
            out.push(current);
        }
        let trivial = |toks: &[Tok]| {
            if toks.len() > 2 {
                return false;
            }
            let text: Vec<&str> = toks.iter().map(|tok| self.low(tok)).collect();
            matches!(
                text.join(" ").as_str(),
                "etc"
                    | "etc."
                    | "so on"
                    | "so forth"
                    | "others"
                    | "more"
                    | "the like"
                    | "…"
                    | "..."
                    | "beyond"
                    | "similar"
                    | "the rest"
                    | "please"
                    | "thanks"
                    | "thank you"
                    | "asap"
                    | "too"
            )
        };
        // "slides, handouts, etc. for the workshop": what follows "etc." belongs to the list.
        for at in (1..out.len()).rev() {
            if out[at].toks.len() > 1 && matches!(self.low(&out[at].toks[0]), "etc" | "etc.") {
                let behind = out[at].toks.split_off(1);
                out[at - 1].toks.extend(behind);
            }
        }
        if out.len() > 1 {
            out.retain(|conjunct| !trivial(&conjunct.toks));
        }
        (out, paired)
    }

    /// Where prepositions (and such-as words, colons) stand in an item, brackets left out.
    fn leads_in(&self, toks: &[Tok], later: bool) -> Vec<usize> {
        let mut out = Vec::new();
        let mut i = 0;
        let mut named = false;
        while i < toks.len() {
            match toks[i].kind {
                Kind::Open => {
                    i = closing(toks, i) + 1;
                    continue;
                }
                Kind::Such => out.push(i),
                Kind::Colon | Kind::Dash => {
                    named = true;
                    out.push(i);
                }
                // "the report: letter to shareholders, …": what a colon lists keeps its own prepositions.
                Kind::Word if named => {}
                // "the fall of Carthage": an item of its own further back in a list keeps its "of".
                Kind::Word
                    if toks[i].has(Flags::PREPOSITION) && !(later && i > 0 && self.low(&toks[i]) == "of") =>
                {
                    out.push(i);
                }
                _ => {}
            }
            i += 1;
        }
        out
    }

    fn determiner(&self, toks: &[Tok]) -> u8 {
        match toks.first() {
            Some(tok) if matches!(self.low(tok), "a" | "an") => 1,
            Some(tok) if tok.has(Flags::DETERMINER) => 2,
            _ => 0,
        }
    }

    /// Whether the list is one of whole phrases ("pricing for AWS, support for Azure"), not one behind a preposition.
    fn whole_phrases(&self, conjuncts: &[Conjunct], class_with_parts: bool) -> bool {
        if conjuncts.len() < 2 {
            return false;
        }
        let raw: Vec<Vec<usize>> = conjuncts.iter().map(|c| self.leads_in(&c.toks, false)).collect();
        let first = &conjuncts[0].toks;
        let Some(&lead) = raw[0].first() else { return false };
        if !first[lead].is_word() {
            return false;
        }
        let object = &first[..lead];
        let last_lead = *raw[0].last().unwrap_or(&lead);
        let behind = &first[last_lead + 1..];
        if object.is_empty() || behind.is_empty() {
            return false;
        }
        let head =
            |toks: &[Tok], leads: &[usize]| toks[..leads.first().copied().unwrap_or(toks.len())].to_vec();
        let others: Vec<Vec<Tok>> = conjuncts[1..]
            .iter()
            .zip(&raw[1..])
            .map(|(c, leads)| head(&c.toks, leads))
            .collect();
        if others.iter().any(Vec::is_empty) {
            return false;
        }
        let proper = |toks: &[Tok]| toks.iter().any(|tok| tok.proper && !tok.has(Flags::DETERMINER));
        if self.low(&first[last_lead]) == "with" && !class_with_parts {
            // "restock the lab with pipettes, gloves and ethanol": bare things, unlike the object.
            let bare = |toks: &[Tok]| self.determiner(toks) == 0 && !proper(toks);
            if self.determiner(object) == 2
                && others.len() >= 2
                && bare(behind)
                && others.iter().all(|o| bare(o))
            {
                return false;
            }
            return !(proper(behind) && others.iter().all(|toks| proper(toks)));
        }
        // The same preposition again, further back.
        let same = conjuncts[1..].iter().zip(&raw[1..]).any(|(c, leads)| {
            leads.iter().any(|&i| {
                raw[0]
                    .iter()
                    .any(|&j| self.low(&c.toks[i]) == self.low(&first[j]))
            })
        });
        if same {
            return true;
        }
        let like_object = |toks: &[Tok]| self.determiner(toks) == self.determiner(object);
        let like_behind =
            |toks: &[Tok]| self.determiner(toks) == self.determiner(behind) || self.determiner(toks) == 0;
        if others
            .iter()
            .all(|toks| self.determiner(toks) != 0 && like_object(toks) && !like_behind(toks))
        {
            return true;
        }
        let all_lead = raw.iter().all(|leads| !leads.is_empty());
        all_lead
            && others.iter().all(|toks| {
                proper(toks) != proper(behind) || self.determiner(behind) == 2 && self.determiner(toks) == 0
            })
    }

    /// "for each of the Leeds and Bristol offices" without "each of": the list behind it is shared out anyway.
    fn without_each<'t>(&self, body: &'t [Tok]) -> Cow<'t, [Tok]> {
        let shares = |tok: &Tok| matches!(self.low(tok), "each" | "every" | "all" | "both");
        if !body.iter().any(shares) {
            return Cow::Borrowed(body);
        }
        let mut out = Vec::with_capacity(body.len());
        let mut i = 0;
        while let Some(tok) = body.get(i) {
            let one = usize::from(body.get(i + 1).is_some_and(|tok| self.low(tok) == "one"));
            let of = body.get(i + 1 + one).is_some_and(|tok| self.low(tok) == "of");
            let named = body.get(i + 2 + one).is_some_and(|tok| {
                tok.proper
                    || tok.has(Flags::DETERMINER) && !matches!(self.low(tok), "these" | "those" | "this")
            });
            if of && named && shares(tok) {
                i += 2 + one;
                continue;
            }
            out.push(*tok);
            i += 1;
        }
        Cow::Owned(out)
    }

    /// Reads the objects behind a verb. `with_parts`: the verb's "with" lists parts of what is built.
    pub fn objects(&self, rest: &[Tok], with_parts: bool) -> Objects {
        let end = self.body_end(rest);
        let (conjuncts, paired) = self.conjuncts(&self.without_each(&rest[..end]));
        let mut objects = Objects {
            paired,
            tail: rest[end..].to_vec(),
            ..Objects::default()
        };
        let mut run = Run::default();
        if self.whole_phrases(&conjuncts, with_parts) {
            for conjunct in conjuncts {
                run.or |= conjunct.join == Some(Kind::Or);
                run.versus |= conjunct.join == Some(Kind::Versus);
                run.whole.extend(conjunct.before);
                run.whole.extend_from_slice(&conjunct.toks);
                run.items.push(conjunct.toks);
            }
            objects.runs.push(run);
            return objects;
        }
        let named: Vec<bool> = conjuncts.iter().map(Conjunct::determined).collect();
        for (index, conjunct) in conjuncts.into_iter().enumerate() {
            let mut leads = self.leads_in(&conjunct.toks, index > 0);
            // "the headline, the call to action, and the image": in the middle of a list a preposition belongs to its item.
            if index > 0
                && named[index]
                && named.get(index + 1).copied().unwrap_or_default()
                && leads.iter().all(|at| *at > 0 && conjunct.toks[*at].is_word())
            {
                leads.clear();
            }
            // "pricing page and about page": a preposition that opens a later item is part of its name, unless it is said again.
            if index > 0
                && leads.first() == Some(&0)
                && conjunct.toks[0].is_word()
                && run
                    .lead
                    .last()
                    .is_none_or(|own| self.low(own) != self.low(&conjunct.toks[0]))
            {
                leads.remove(0);
            }
            if leads.is_empty() && !conjunct.toks.is_empty() {
                // Nearly every item: the whole of it, without a preposition.
                run.or |= conjunct.join == Some(Kind::Or);
                run.versus |= conjunct.join == Some(Kind::Versus);
                run.whole.extend_from_slice(&conjunct.before);
                run.whole.extend_from_slice(&conjunct.toks);
                run.items.push(conjunct.toks);
                continue;
            }
            let mut cuts = leads.clone();
            cuts.push(conjunct.toks.len());
            let head = &conjunct.toks[..cuts[0]];
            if !head.is_empty() {
                run.or |= conjunct.join == Some(Kind::Or);
                run.versus |= conjunct.join == Some(Kind::Versus);
                run.whole.extend_from_slice(&conjunct.before);
                run.whole.extend_from_slice(head);
                run.items.push(head.to_vec());
            }
            for (k, &lead) in leads.iter().enumerate() {
                let item = &conjunct.toks[lead + 1..cuts[k + 1]];
                // "in Chrome and in Firefox": the preposition is only said again.
                let again = head.is_empty()
                    && k == 0
                    && run
                        .lead
                        .last()
                        .is_some_and(|own| self.low(own) == self.low(&conjunct.toks[lead]));
                if again {
                    run.whole.extend_from_slice(&conjunct.before);
                    run.whole.extend_from_slice(&conjunct.toks[lead..cuts[k + 1]]);
                    run.items.push(item.to_vec());
                    continue;
                }
                let mut next = Run {
                    lead: vec![conjunct.toks[lead]],
                    ..Run::default()
                };
                if run.items.is_empty() {
                    // "from within the app": two prepositions in a row.
                    next.lead = [run.lead.clone(), next.lead].concat();
                } else {
                    objects.runs.push(std::mem::take(&mut run));
                }
                if head.is_empty() && k == 0 {
                    next.lead = [conjunct.before.clone(), next.lead].concat();
                }
                if !item.is_empty() {
                    next.whole = item.to_vec();
                    next.items.push(item.to_vec());
                }
                run = next;
            }
        }
        if !run.items.is_empty() || !run.lead.is_empty() {
            objects.runs.push(run);
        }
        objects
    }

    /// How many things an item counts ("top 5 providers", "all three regions"); 0 when none or when they are units.
    pub fn counted(&self, item: &[Tok]) -> usize {
        let Some(at) = item
            .iter()
            .position(|tok| tok.number > 0 && tok.is_word() && !tok.has(Flags::MERGED))
        else {
            return 0;
        };
        let number = item[at].number;
        let led = item[..at]
            .iter()
            .all(|tok| tok.has(Flags::DETERMINER) || tok.has(Flags::COUNT_LEAD) || tok.has(Flags::PRAISING));
        let behind: Vec<&Tok> = item[at + 1..]
            .iter()
            .take_while(|tok| tok.is_word() && !tok.has(Flags::PREPOSITION))
            .collect();
        let (Some(first), Some(last)) = (behind.first(), behind.last()) else {
            return 0;
        };
        let units = first.has(Flags::UNIT) || last.has(Flags::UNIT);
        if !led || units || !self.plural(last) || number < 2 || number > self.lexicon.max_fan_out {
            return 0;
        }
        usize::try_from(number).unwrap_or(0)
    }

    /// Whether the items are qualities of one thing ("a fast and reliable API").
    pub fn qualities(&self, items: &[Vec<Tok>]) -> bool {
        let quality = |tok: &Tok, article: bool| {
            let word = self.low(tok);
            tok.has(Flags::PRAISING)
                || word.ends_with("ly") && word.len() > 4
                || article
                    && [
                        "able", "ible", "ful", "less", "ous", "ive", "ed", "ing", "al", "ic",
                    ]
                    .iter()
                    .any(|end| word.ends_with(end))
                    && word.len() > 4
        };
        let Some((last, before)) = items.split_last() else {
            return false;
        };
        let Some(tail) = last.first() else { return false };
        if last.len() < 2 && !last.iter().all(|tok| quality(tok, false)) {
            return false;
        }
        let article = items[0]
            .first()
            .is_some_and(|tok| matches!(self.low(tok), "a" | "an"));
        // "make the answers more polite and concise"
        let compared =
            |item: &Vec<Tok>| item.len() > 2 && matches!(self.low(&item[item.len() - 2]), "more" | "less");
        if compared(&items[0])
            && last.len() <= 2
            && !tail.has(Flags::DETERMINER)
            && !self.plural(&last[last.len() - 1])
        {
            return true;
        }
        before.iter().any(|item| {
            let words: Vec<&Tok> = item.iter().filter(|tok| !tok.has(Flags::DETERMINER)).collect();
            !words.is_empty() && words.iter().all(|tok| quality(tok, article)) && !tail.has(Flags::DETERMINER)
        })
    }
}
