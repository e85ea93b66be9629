//! Words that point back: references to results, nouns of what a verb brings, objects in a form that can be compared.
//!
//! To add a phrase that refers to earlier work, add it to `references` in `assets/rules/default.yml`; only a phrase whose
//! sense hangs on its neighbours needs an arm in [`refers`].

use super::clauses::Clause;
use super::reader::Reader;
use super::token::Tok;
use crate::engine::tasks::rules::{Flags, Kind};

/// The words of an object that say what it is, in singular form, up to the first preposition but "of".
pub(super) fn content<'a>(reader: &'a Reader<'_>, toks: &'a [Tok]) -> impl Iterator<Item = &'a str> {
    toks.iter()
        .take_while(|tok| tok.is_word() && (!tok.has(Flags::PREPOSITION) || reader.low(tok) == "of"))
        .filter(|tok| !tok.has(Flags::DETERMINER) && !tok.has(Flags::PREPOSITION) && !reader.pronoun(tok))
        .flat_map(|tok| reader.low(tok).split_whitespace().map(stem))
}

/// Whether a noun is what a verb brings: "audits" of "audit", "assessment" of "assess", "transcript" of "transcribe".
pub(super) fn names_act(noun: &str, verb: &str) -> bool {
    let noun = stem(noun);
    if verb.len() < 4 {
        return false;
    }
    let same = noun.bytes().zip(verb.bytes()).take_while(|(a, b)| a == b).count();
    let suffix = noun.get(same..).unwrap_or_default();
    let act = matches!(
        suffix,
        "" | "ment" | "ion" | "tion" | "ation" | "ing" | "ie" | "y" | "t" | "is" | "ison" | "al"
    );
    noun == verb || verb.len() >= 5 && act && same >= 5.max(verb.len().saturating_sub(3))
}

/// "stitch the pictures together", "blend the drafts into one text".
pub(super) fn into_one(reader: &Reader<'_>, body: &[Tok]) -> bool {
    let [the, rest @ ..] = body else { return false };
    reader.low(the) == "the"
        && (rest.last().is_some_and(|tok| reader.low(tok) == "together")
            || rest.windows(2).any(|pair| {
                matches!(reader.low(&pair[0]), "into" | "in")
                    && matches!(reader.low(&pair[1]), "one" | "a" | "an")
            }))
}

pub(super) fn stem(word: &str) -> &str {
    let word = word.trim_matches(|c: char| !c.is_alphanumeric());
    match word.strip_suffix('s') {
        Some(base) if base.len() > 2 && !base.ends_with('s') => base,
        _ => word,
    }
}

/// A noun without the ending of its plural, so that "anomaly" and "anomalies" are one.
pub(super) fn singular(word: &str) -> String {
    let stem = stem(word);
    let base = stem.strip_suffix("ie").or_else(|| stem.strip_suffix('y'));
    base.unwrap_or(stem).to_owned()
}

/// Whether a word can be the head of the noun before it: no mark, no joining word, no preposition, no adverb.
fn noun_like(reader: &Reader<'_>, word: crate::engine::tasks::rules::Word) -> bool {
    let text = reader.spelled(word);
    let entry = reader.lexicon.get(text);
    entry.kind == Kind::Word
        && entry.flags == Flags::default()
        && text.starts_with(char::is_alphabetic)
        && !text.ends_with("ly")
        && !matches!(
            text,
            "today" | "again" | "now" | "here" | "there" | "too" | "live" | "back" | "afterwards"
        )
        || entry.flags.has(Flags::SHARED_HEAD)
}

/// Whether a gathering verb has nothing of its own to gather ("compare", "rank the candidates").
pub(super) fn bare(reader: &Reader<'_>, body: &[Tok]) -> bool {
    body.is_empty() || reader.holds(&reader.lexicon.many, body)
}
pub(super) fn deliverable(reader: &Reader<'_>, body: &[Tok]) -> bool {
    let head: Vec<Tok> = body
        .iter()
        .take(6)
        .take_while(|tok| tok.is_word() && !tok.has(Flags::PREPOSITION))
        .copied()
        .collect();
    reader.holds(&reader.lexicon.deliverables, &head)
}
pub(super) fn refers(
    reader: &Reader<'_>,
    phrases: &crate::engine::tasks::rules::Phrases<()>,
    body: &[Tok],
    own_list: bool,
) -> bool {
    let words = reader.lows(body);
    let spelled = |at: usize| words.get(at).map(|word| reader.spelled(*word));
    (0..words.len()).any(|i| {
        let Some((length, ())) = phrases.at(&words[i..]) else {
            return false;
        };
        let next = spelled(i + 1);
        // "extract the outcome data": the word before another noun names something of its own.
        let named = matches!(
            spelled(i + length - 1).unwrap_or_default(),
            "outcome"
                | "outcomes"
                | "result"
                | "results"
                | "output"
                | "outputs"
                | "data"
                | "dataset"
                | "change"
                | "changes"
                | "fix"
                | "fixes"
                | "options"
                | "report"
                | "reports"
                | "answers"
                | "candidates"
        ) && words.get(i + length).is_some_and(|word| noun_like(reader, *word));
        if named {
            return false;
        }
        match spelled(i).unwrap_or_default() {
            // "both the API and the app", "each page", "this week" name something of their own.
            "both" => {
                length > 1
                    || !own_list
                        && !(i + 1..words.len()).any(|at| spelled(at) == Some("and"))
                        && next.is_none_or(|next| !next.ends_with('s') || next == "versions")
            }
            "each" => {
                length > 1
                    || matches!(
                        next,
                        None | Some("one" | "of" | "by" | "on" | "for" | "in" | "with")
                    )
            }
            "there" => next.is_none(),
            "all" => length > 1 || next.is_none(),
            "this" | "that" | "these" | "those" => {
                next.is_none()
                    || i == 0 && words.len() <= 2
                    || matches!(next, Some("data" | "results" | "findings" | "changes"))
            }
            // "contact her" names her, "grant her access" does not say what stands before.
            "her" => match words.get(i + 1) {
                None => true,
                Some(word) => {
                    let entry = reader.lexicon.get(reader.spelled(*word));
                    entry.flags.has(Flags::PREPOSITION) || entry.kind != Kind::Word
                }
            },
            // A possessive behind a noun of the same clause belongs to it ("each team and its lead").
            "its" | "their" | "theirs" => i <= 2 && !own_list,
            "it" | "them" | "they" => !(i > 3 && own_list),
            "results" | "findings" | "outputs" | "differences" | "insights" => i == 0 && words.len() <= 3,
            _ => true,
        }
    })
}

/// Verbs that pass on what a search before them has found.
pub(super) fn tells(verb: &str) -> bool {
    matches!(
        verb,
        "report"
            | "log"
            | "mark"
            | "record"
            | "list"
            | "flag"
            | "plot"
            | "chart"
            | "highlight"
            | "tabulate"
            | "tell"
    )
}

/// "find the slowest query" behind a search: its outcome says which.
pub(super) fn superlative(reader: &Reader<'_>, body: &[Tok]) -> bool {
    let [the, most, ..] = body else { return false };
    let word = reader.low(most);
    reader.low(the) == "the"
        && word.len() > 5
        && word.ends_with("est")
        && !matches!(
            word,
            "latest"
                | "request"
                | "forest"
                | "harvest"
                | "contest"
                | "interest"
                | "manifest"
                | "digest"
                | "protest"
                | "pretest"
        )
}

/// Whether a pronoun of a clause means what the clause before it works on: "it", or "them" behind a plural.
pub(super) fn names_last(reader: &Reader<'_>, toks: &[Tok], plural: bool) -> bool {
    let mut names = false;
    for tok in toks {
        match reader.low(tok) {
            "both" | "all" | "everything" | "each" => return false,
            "it" | "its" | "him" | "her" => names = true,
            "them" | "they" | "their" | "theirs" | "these" | "those" | "ones" | "best" | "cheapest"
            | "strongest" => {
                if !plural {
                    return false;
                }
                names = true;
            }
            _ => {}
        }
    }
    names
}

/// "the offending addresses", "the missing tests": which they are is what a search says.
pub(super) fn selecting(word: &str) -> bool {
    matches!(
        word,
        "offending"
            | "affected"
            | "missing"
            | "relevant"
            | "leading"
            | "failing"
            | "faulty"
            | "worn"
            | "damaged"
            | "suitable"
            | "promising"
            | "matching"
            | "qualifying"
            | "eligible"
            | "winning"
            | "remaining"
            | "identified"
            | "valid"
            | "invalid"
            | "resulting"
            | "corresponding"
            | "necessary"
            | "required"
            | "appropriate"
    )
}

/// What a diagnosis asks for.
pub(super) fn remedy(noun: &str) -> bool {
    matches!(
        noun,
        "fix"
            | "patch"
            | "hotfix"
            | "workaround"
            | "solution"
            | "remedy"
            | "correction"
            | "mitigation"
            | "countermeasures"
    )
}

/// "rerun the pipeline", "re-audit the site", "measure it once more": done before, and again behind what stands between.
pub(super) fn again(reader: &Reader<'_>, clause: &Clause, body: &[Tok]) -> bool {
    let verb = clause
        .toks
        .first()
        .filter(|tok| clause.led && tok.is_word())
        .map_or("", |tok| reader.low(tok));
    verb.strip_prefix("re").is_some_and(|verb| {
        verb.starts_with('-')
            || matches!(
                verb,
                "run"
                    | "test"
                    | "check"
                    | "audit"
                    | "deploy"
                    | "submit"
                    | "measure"
                    | "evaluate"
                    | "assess"
                    | "train"
                    | "validate"
                    | "verify"
                    | "scan"
                    | "inspect"
                    | "examine"
                    | "count"
                    | "start"
                    | "calculate"
                    | "boot"
            )
    }) || body.last().is_some_and(|tok| matches!(reader.low(tok), "again"))
}

/// "if anything is worn", "if they match": what is done hangs on the work before.
pub(super) fn hinges(reader: &Reader<'_>, body: &[Tok]) -> bool {
    body.windows(2).any(|pair| {
        reader.low(&pair[0]) == "if"
            && matches!(
                reader.low(&pair[1]),
                "anything"
                    | "nothing"
                    | "any"
                    | "no"
                    | "none"
                    | "something"
                    | "needed"
                    | "necessary"
                    | "they"
                    | "it"
                    | "both"
                    | "all"
                    | "everything"
                    | "so"
                    | "not"
                    | "those"
                    | "these"
                    | "successful"
                    | "approved"
                    | "accepted"
                    | "green"
                    | "possible"
            )
    })
}
