//! A description into subtasks, by rule: lists, clauses by verb, lists of objects, distribution, counts, alternatives; and
//! what the words say about their order.
//!
//! `token` makes words, `lists` finds explicit lists, `clauses` cuts sentences, `runs` reads a clause's objects,
//! [`expand`] shares them out, `link` sets the dependencies. To add a rule: name it in [`expand::rule`] and make its
//! parts in `expand.rs`; words belong into `assets/rules/default.yml`.

mod back;
mod clauses;
pub mod expand;
mod heads;
pub(crate) mod link;
mod lists;
mod openings;
mod passive;
pub(crate) mod reader;
mod runs;
pub(crate) mod token;
mod waits;
mod weigh;

use self::clauses::{Clause, Marker};
use self::expand::{Expanded, Part, rule};
use self::link::{Draft, Linker};
use self::reader::Reader;
use self::token::Tok;
use super::rules::{Kind, Lexicon};

/// Subtasks with the dependencies their words ask for, no coordinator yet.
pub(crate) fn parse(text: &str, lexicon: &Lexicon) -> Draft {
    let (reader, toks) = Reader::read(text.trim(), lexicon);
    parse_read(&reader, &toks)
}

/// As [`parse`], of a text without blanks around it that is read already.
pub(crate) fn parse_read(reader: &Reader<'_>, toks: &[Tok]) -> Draft {
    let draft = match lists::find(reader.text) {
        Some(listed) => explicit(&listed, reader.lexicon),
        None => prose(reader, toks, Linker::default()),
    };
    if draft.parts.is_empty() {
        return Draft::single(reader.text);
    }
    draft
}

/// Text without an explicit list.
fn prose(reader: &Reader<'_>, toks: &[Tok], mut linker: Linker) -> Draft {
    let lexicon = reader.lexicon;
    if reader.holds(&lexicon.chain, toks) && !reader.lower.contains("in parallel") {
        linker.chain();
    }
    // "Step 1: … Step 2: …" in one line.
    if reader.lower.matches("step ").count() >= 2 && reader.lower.contains("step 2") {
        linker.chain();
    }
    let before = linker.len();
    let sentences = reader.sentences(toks);
    let mut remarks = Vec::new();
    let mut ordered = false;
    for sentence in &sentences {
        linker.sentence();
        for clause in headed(reader, sentence) {
            // "The pages should be cached." behind orders says how; alone it is the order.
            let said_of_work = clause.passive && ordered;
            ordered |= clause.led && !clause.passive;
            let remark = said_of_work
                || !clause.led
                    && (linker.len() > before || sentences.len() > 1)
                    && !counts_as_work(reader, &clause);
            if remark {
                remarks.push(clause);
                continue;
            }
            let limits = lexicon
                .class(clause.toks.first().map_or(u8::MAX, |tok| tok.class))
                .is_some_and(|class| class.constraint);
            if limits
                && clause.led
                && linker.len() > 0
                && !uses_results(reader, &clause)
                && !notes_down(reader, &clause)
            {
                continue;
            }
            let expanded = reader.expand(&clause);
            linker.add(reader, &clause, expanded);
        }
    }
    if linker.len() == before {
        // Nothing but remarks: the longest of them is the task.
        if let Some(clause) = remarks.into_iter().find(|clause| !clause.toks.is_empty()) {
            let whole = remarks_whole(reader, &sentences);
            if sentences.len() > 1 {
                linker.whole(whole);
            } else {
                let expanded = reader.expand(&clause);
                linker.add(reader, &clause, expanded);
            }
        }
    }
    let mut draft = linker.finish();
    if draft.parts.len() == 1 && draft.parts[0].rule != rule::LIST {
        draft.parts[0].rule = rule::SINGLE;
        draft.parts[0].text = reader.text.split_whitespace().collect::<Vec<_>>().join(" ");
    }
    draft
}

/// "use the findings to design the form": work made of what stands before, where "use Postgres" only limits it.
fn uses_results(reader: &Reader<'_>, clause: &Clause) -> bool {
    let [verb, object @ ..] = clause.toks.as_slice() else {
        return false;
    };
    let purpose = object
        .windows(2)
        .any(|pair| reader.low(&pair[0]) == "to" && pair[1].is_verb());
    reader.low(verb) == "use"
        && purpose
        && (object
            .first()
            .is_some_and(|tok| matches!(reader.low(tok), "the" | "these" | "those"))
            || reader.holds(&reader.lexicon.many, &object[..object.len().min(2)])
            || reader.holds(&reader.lexicon.one, &object[..object.len().min(2)]))
}

/// "note the gaps" is work, "note that it is slow" is none.
fn notes_down(reader: &Reader<'_>, clause: &Clause) -> bool {
    matches!(clause.toks.as_slice(), [verb, object, ..]
        if reader.low(verb) == "note" && (object.has(super::rules::Flags::DETERMINER) && reader.low(object) != "that"
            || reader.low(object) == "down"))
}

fn remarks_whole(reader: &Reader<'_>, sentences: &[&[Tok]]) -> String {
    sentences
        .iter()
        .map(|sentence| reader.render(sentence))
        .collect::<Vec<_>>()
        .join(". ")
}

/// A clause without a verb that still is work: it opens with the noun of an action, or with a list.
fn counts_as_work(reader: &Reader<'_>, clause: &Clause) -> bool {
    !reader.finite(&clause.toks)
        && clause
            .toks
            .first()
            .is_some_and(|tok| tok.has(super::rules::Flags::ACTION_NOUN))
        && clause.toks.len() > 1
}

/// The clauses of a sentence; a heading with a colon over clauses is dropped, one over a list of things stays with it.
fn headed(reader: &Reader<'_>, sentence: &[Tok]) -> Vec<Clause> {
    let colon = sentence
        .iter()
        .position(|tok| matches!(tok.kind, Kind::Colon | Kind::Dash));
    let Some(at) = colon.filter(|at| *at > 0 && at + 1 < sentence.len()) else {
        return reader.clauses(sentence);
    };
    let (lead, behind) = (&sentence[..at], &sentence[at + 1..]);
    let start = reader.lead_in(lead);
    let lead_led = reader.leads(&lead[start..]);
    let rest = reader.clauses(behind);
    let orders = rest.iter().filter(|clause| clause.led).count();
    if rest.first().is_some_and(|clause| clause.led) && (orders >= 2 || !lead_led) {
        return rest
            .into_iter()
            .map(|clause| Clause {
                listed: true,
                ..clause
            })
            .collect();
    }
    // A label ("Goal: …") says nothing; "Audit three services: auth, billing" stays whole.
    if !lead_led && lead.len() <= 3 && !rest.is_empty() {
        return rest;
    }
    let announced = lead
        .iter()
        .any(|tok| matches!(reader.low(tok), "following" | "these"))
        || lead.last().is_some_and(|tok| reader.plural(tok));
    let joins = behind.iter().filter(|tok| tok.joins()).count();
    // "Fix these bugs: crash on rotate; blank screen; missing avatar": things, not orders.
    if sentence[at].kind == Kind::Colon
        && lead_led
        && !rest.iter().any(|clause| clause.led)
        && behind.iter().any(|tok| tok.kind == Kind::Semicolon)
    {
        let mut sentence = sentence.to_vec();
        for tok in &mut sentence[at..] {
            if tok.kind == Kind::Semicolon {
                tok.kind = Kind::Comma;
            }
        }
        return reader.clauses(&sentence);
    }
    if sentence[at].kind == Kind::Dash && lead_led && orders == 0 && announced && joins >= 2 {
        // "Audit the following suppliers — Bosch, Denso and Valeo": the dash stands for a colon.
        let mut sentence = sentence.to_vec();
        sentence[at].kind = Kind::Colon;
        return reader.clauses(&sentence);
    }
    reader.clauses(sentence)
}

/// A description with an explicit list: an item is a subtask.
fn explicit(listed: &lists::Listed, lexicon: &Lexicon) -> Draft {
    let mut linker = Linker::default();
    let (lead_reader, lead_toks) = Reader::read(&listed.lead, lexicon);
    let (tail_reader, tail_toks) = Reader::read(&listed.tail, lexicon);
    let in_line = |reader: &Reader<'_>, toks: &[Tok]| {
        reader.holds(&lexicon.chain, toks) && !reader.lower.contains("in parallel")
    };
    if listed.stepped || in_line(&lead_reader, &lead_toks) || in_line(&tail_reader, &tail_toks) {
        linker.chain();
    }
    // Sentences before the heading are work of their own; the heading itself is not.
    let heading = heading(&lead_reader, &lead_toks);
    if let Some((before, _)) = &heading
        && !before.is_empty()
    {
        let (reader, toks) = Reader::read(before, lexicon);
        for part in prose(&reader, &toks, Linker::default()).parts {
            linker.ready(part);
        }
    }
    let verbless = listed.items.iter().all(|item| {
        let (reader, toks) = Reader::read(&item.text, lexicon);
        !reader.leads(&toks) || toks.len() == 1
    });
    let prefix = heading.filter(|_| verbless).and_then(|(_, heading)| heading);
    for item in &listed.items {
        let (reader, toks) = Reader::read(&item.text, lexicon);
        let mut clauses = reader.clauses(&toks);
        let first = clauses.first().cloned().unwrap_or_default();
        let marker = first.marker;
        let stripped = if marker == Marker::None {
            item.text.clone()
        } else {
            reader.render(
                &toks[toks
                    .iter()
                    .position(|tok| Some(tok.ord) == first.toks.first().map(|tok| tok.ord))
                    .unwrap_or(0)..],
            )
        };
        let text = match (&prefix, &item.heading) {
            (Some(prefix), None) => format!("{prefix} {stripped}"),
            (Some(prefix), Some(heading)) => format!("{prefix} {stripped} ({heading})"),
            (None, Some(heading)) => format!("{stripped} ({heading})"),
            (None, None) => stripped.clone(),
        };
        let class = match &prefix {
            Some(_) => lead_toks
                .iter()
                .find(|tok| tok.is_verb())
                .map_or(super::rules::NO_CLASS, |tok| tok.class),
            None => first.toks.first().map_or(super::rules::NO_CLASS, |tok| tok.class),
        };
        let part = Part {
            text,
            rule: rule::LIST,
            core: stripped,
            class,
        };
        let clause = Clause {
            // "Using the model, rank the accounts" in the order of an order.
            toks: if clauses.len() == 1 { first.toks } else { toks },
            marker,
            led: first.led,
            base: None,
            listed: true,
            passive: false,
        };
        clauses.clear();
        linker.add(
            &reader,
            &clause,
            Expanded {
                parts: vec![part],
                ..Expanded::default()
            },
        );
    }
    if listed.tail.is_empty() {
        return linker.finish();
    }
    linker.behind_list();
    let mut draft = prose_behind(&tail_reader, &tail_toks, linker);
    draft.parts.retain(|part| !part.text.is_empty());
    draft
}

fn prose_behind(reader: &Reader<'_>, toks: &[Tok], mut linker: Linker) -> Draft {
    let lexicon = reader.lexicon;
    for sentence in reader.sentences(toks) {
        // "Do these in order." says how, not what.
        if reader.holds(&lexicon.chain, sentence) && reader.points_back(sentence) {
            continue;
        }
        linker.sentence();
        for clause in headed(reader, sentence) {
            let limits = lexicon
                .class(clause.toks.first().map_or(u8::MAX, |tok| tok.class))
                .is_some_and(|class| class.constraint);
            if !clause.led || limits {
                continue;
            }
            let expanded = reader.expand(&clause);
            linker.add(reader, &clause, expanded);
        }
    }
    linker.finish()
}

/// What stands before a list: sentences that are work of their own, and the heading as a prefix for items without a verb.
fn heading(reader: &Reader<'_>, toks: &[Tok]) -> Option<(String, Option<String>)> {
    let sentences = reader.sentences(toks);
    let (last, before) = sentences.split_last()?;
    let ends_with_colon = last
        .iter()
        .rev()
        .find(|tok| tok.kind != Kind::Newline)
        .is_some_and(|tok| tok.kind == Kind::Colon || tok.joins());
    let before_text = match (
        before.first().and_then(|s| s.first()),
        before.last().and_then(|s| s.last()),
    ) {
        (Some(from), Some(to)) => reader.text[from.start..to.end].to_owned(),
        _ => String::new(),
    };
    let start = reader.lead_in(last);
    let body = &last[start..];
    if !reader.leads(body) {
        return Some((before_text, None));
    }
    if !ends_with_colon && reader.text.trim_end().ends_with('.') {
        // A full sentence before the list is a heading as well when the list says its parts.
        return Some((before_text, None));
    }
    // "Research the following cloud providers:" leaves the verb; "Write documentation for:" leaves all of it.
    let following = body
        .iter()
        .position(|tok| matches!(reader.low(tok), "following" | "these" | "below"));
    let open = body
        .iter()
        .rev()
        .find(|tok| tok.is_word())
        .is_some_and(|tok| tok.has(super::rules::Flags::PREPOSITION));
    let prefix = match following {
        Some(at) => {
            let mut end = at;
            while end > 1 && body[end - 1].has(super::rules::Flags::DETERMINER) {
                end -= 1;
            }
            reader.render(&body[..end])
        }
        None if open || body.iter().filter(|tok| tok.is_word()).count() == 1 => reader.render(body),
        None => format!("{}:", reader.render(body)),
    };
    Some((before_text, Some(prefix)))
}
